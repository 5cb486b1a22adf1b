//! Exchanging a reservation, by the partner (R20, R21, R23): what is bought instead, what it comes to, done.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use fullmakt_domain::exchange::{
    ExchangeQuote, ExchangeReservations, GetExchange, QuoteExchange, QuotedPurchase, ToPurchase, ToReturn,
};
use fullmakt_domain::ids::{ReservationId, ReservationOrderId};
use fullmakt_domain::money::{Money, MoneyError};
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::refund_policy::RETURN_QUOTE_MINUTES;
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::reservation::GetReservationOrder;
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::ExecuteError;
use http::StatusCode;
use std::sync::Arc;
use uuid::Uuid;

use super::catalogue::{Catalogue, Chosen, OrderForm, Wanted};
use super::reservations::{Found, Subject, path};
use super::returns::{quantity_field, quantity_of};
use super::{Facts, Segments, segment};
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::Field;
use crate::shell::{Shell, go, ok, render};
use crate::visitor::Guest;
use crate::words::Explained;
use crate::{format, words};

fn given_back(t: Text, found: &Found) -> Facts {
    vec![
        (t.get("reservations-name"), found.reservation.display_name.to_string()),
        (t.get("purchase-sku"), found.order.order.sku.to_string()),
        (t.get("purchase-region"), found.order.order.region.title().to_owned()),
        (t.get("purchase-quantity"), format::number(t.language(), found.reservation.quantity)),
        (t.get("reservations-expires"), format::instant_utc(t, found.order.order.expires_at)),
    ]
}

#[derive(Template)]
#[template(path = "portal/exchange.html")]
struct ChoosePage {
    shell: Shell,
    facts: Facts,
    catalogue: Catalogue,
    back: String,
}

/// What there is to buy instead.
pub async fn choose(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::Exchange)?;
    let t = guest.visit().text;
    let order = &found.order.order;
    let base = found.path(&guest);
    let paths = (format!("{base}/exchange"), format!("{base}/exchange/item"));
    let kind = Some(order.resource_type);
    Ok(ok(&ChoosePage {
        shell: found.shell(&guest, words::partner_only(t, PartnerOnlyChange::Exchange)),
        facts: given_back(t, &found),
        catalogue: Catalogue::read(&app, &guest, order.subscription, kind, (paths.0, &paths.1)).await?,
        back: base,
    }))
}

#[derive(Template)]
#[template(path = "portal/exchange_item.html")]
struct ItemPage {
    shell: Shell,
    facts: Facts,
    order: OrderForm,
    /// How many instances are given back.
    quantity: Field,
    renew: Field,
    path: String,
    back: String,
    hidden: Vec<(&'static str, String)>,
    lead: String,
    problem: Option<String>,
}

impl ItemPage {
    async fn new(app: &App, guest: &Guest, found: &Found, chosen: &Chosen, fields: &Fields) -> Result<Self, PageError> {
        let t = guest.visit().text;
        let base = found.path(guest);
        let all = found.reservation.quantity.to_string();
        let on_off = [("off", "reservations-off"), ("on", "reservations-on")];
        let on_off = on_off.into_iter().map(|(value, key)| (value.to_owned(), t.get(key))).collect();
        Ok(Self {
            shell: found
                .shell(guest, t.get("purchase-configure"))
                .via(words::partner_only(t, PartnerOnlyChange::Exchange), format!("{base}/exchange")),
            facts: given_back(t, found),
            order: OrderForm::new(app, guest, chosen, fields).await?,
            quantity: quantity_field(guest, found, fields.or("back", &all)),
            renew: Field::choice("renew", t.get("reservations-renewal"), on_off).value(fields.text("renew")).small(),
            path: format!("{base}/exchange/item"),
            back: format!("{base}/exchange"),
            hidden: chosen.hidden(),
            lead: t.with("exchange-lead", "minutes", RETURN_QUOTE_MINUTES),
            problem: None,
        })
    }
}

/// What was chosen, as long as it is billed with the subscription that the reservation is billed with.
fn chosen(fields: &Fields, found: &Found) -> Option<Chosen> {
    Chosen::read(fields).filter(|chosen| chosen.subscription == found.order.order.subscription)
}

/// How many are given back, and how much is bought.
pub async fn configure(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::Exchange)?;
    let query = &guest.visit().query;
    let chosen = chosen(query, &found).ok_or(PageError::NotFound)?;
    Ok(ok(&ItemPage::new(&app, &guest, &found, &chosen, query).await?))
}

/// Calculates, and shows what comes of it.
pub async fn calculate(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::Exchange)?;
    let t = guest.visit().text;
    let form = &guest.visit().form;
    let chosen = chosen(form, &found).ok_or(PageError::Malformed)?;
    let mut page = ItemPage::new(&app, &guest, &found, &chosen, form).await?;
    let back = quantity_of(&guest, &found);
    if let Err(text) = &back {
        page.quantity = page.quantity.error(Some(text));
    }
    let (Some(Wanted { item, scope, name }), Ok(quantity)) = (page.order.read(t, form), back) else {
        return Ok(render(StatusCode::BAD_REQUEST, &page));
    };
    let session = Uuid::new_v4();
    let command = QuoteExchange {
        session,
        returns: vec![ToReturn { order: found.order.order.id, reservation: found.reservation.id, quantity }],
        purchases: vec![ToPurchase {
            order: ReservationOrderId(Uuid::new_v4()),
            subscription: chosen.subscription,
            item,
            scope,
            display_name: name,
            instance_flexibility: true,
            renew: form.get("renew") == Some("on"),
        }],
    };
    match app.store.execute(guest.actor(), &command, &guest.visit().request).await {
        Ok(_) => Ok(Redirect::to(&format!("{}/exchange/{session}", found.path(&guest))).into_response()),
        Err(ExecuteError::Refused(refused)) => {
            page.problem = Some(words::refusal(t, &refused));
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is bought instead, in words.
struct Bought {
    facts: Facts,
    /// Its page, once it is bought.
    path: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/exchange_review.html")]
struct ReviewPage {
    shell: Shell,
    /// What is given back, line by line.
    returned: Vec<(String, Vec<Explained>)>,
    bought: Vec<Bought>,
    /// What is bought against what is given back.
    sums: Vec<Explained>,
    problem: Option<String>,
    holds: Option<String>,
    done: Option<String>,
    path: String,
    again: String,
    back: String,
}

async fn quoted(app: &App, guest: &Guest, found: &Found, segments: &Segments) -> Result<ExchangeQuote, PageError> {
    let session = segment(segments, "session")?;
    let quote = app.store.read(guest.actor(), &GetExchange { operation: session }).await?;
    let is_it = |quote: &ExchangeQuote| {
        quote.session == session && quote.returns.iter().any(|r| r.wanted.reservation == found.reservation.id)
    };
    quote.filter(is_it).ok_or(PageError::NotFound)
}

fn sum(t: Text, name: &str, why: &str, amount: Money, is_sum: bool) -> Explained {
    let why = if why.is_empty() { String::new() } else { t.get(why) };
    Explained { name: t.get(name), why, amount: format::money(t.language(), amount), is_sum }
}

async fn bought(app: &App, guest: &Guest, purchase: &QuotedPurchase, is_done: bool) -> Result<Bought, PageError> {
    let t = guest.visit().text;
    let (wanted, item) = (&purchase.wanted, &purchase.wanted.item);
    let total = purchase.total().map_err(uncountable)?;
    let facts = vec![
        (t.get("purchase-sku"), item.sku.to_string()),
        (t.get("purchase-region"), item.region.title().to_owned()),
        (t.get("purchase-term"), words::term(t, item.term)),
        (t.get("purchase-quantity"), format::number(t.language(), item.quantity)),
        (t.get("purchase-plan"), words::plan(t, item.plan)),
        (t.get("purchase-scope"), words::applied_scope(t, &wanted.scope, None)),
        (t.get("purchase-unit"), format::money(t.language(), purchase.prices.customer)),
        (t.get("purchase-total"), format::money(t.language(), total)),
    ];
    let mut at = None;
    if is_done {
        let placed = app.store.read(guest.actor(), &GetReservationOrder { order: wanted.order }).await?;
        let first: Option<ReservationId> = placed.and_then(|placed| placed.reservations.first().map(|r| r.id));
        at = first.map(|first| path(guest, wanted.order, first));
    }
    Ok(Bought { facts, path: at })
}

fn uncountable(error: MoneyError) -> PageError {
    PageError::Refused(Arc::new(Refusal::Money(error)))
}

async fn review_page(app: &App, guest: &Guest, found: &Found, quote: &ExchangeQuote) -> Result<ReviewPage, PageError> {
    let t = guest.visit().text;
    let mut returned = Vec::new();
    for one in &quote.returns {
        let name = t.with_all(
            "exchange-returned-of",
            &[("quantity", &one.wanted.quantity), ("name", &found.reservation.display_name.as_str())],
        );
        returned.push((name, words::explained(t, &one.terms, &one.terms.customer).map_err(uncountable)?));
    }
    let is_done = quote.used_at.is_some();
    let mut purchases = Vec::new();
    for purchase in &quote.purchases {
        purchases.push(bought(app, guest, purchase, is_done).await?);
    }
    let (sold, back) = (quote.bought().map_err(uncountable)?, quote.returned().map_err(uncountable)?);
    let net = sold.plus(back.negated()).map_err(uncountable)?;
    let title = t.get(if is_done { "exchange-done" } else { "exchange-review" });
    let base = found.path(guest);
    let missing = net.negated();
    let difference = if missing.amount_e6 > 0 {
        sum(t, "exchange-sum-missing", "exchange-sum-missing-why", missing, true)
    } else {
        sum(t, "exchange-sum-net", "exchange-sum-net-why", net, true)
    };
    let too_small = || t.with("exchange-too-small", "missing", format::money(t.language(), missing));
    Ok(ReviewPage {
        shell: found.shell(guest, title),
        returned,
        bought: purchases,
        sums: vec![
            sum(t, "exchange-sum-bought", "exchange-sum-bought-why", sold, false),
            sum(t, "exchange-sum-returned", "refund-cancelled-why", back, false),
            difference,
        ],
        problem: quote.problem.as_ref().map(|_| too_small()),
        holds: (guest.visit().request.now < quote.lapses_at)
            .then(|| t.with("return-holds", "at", format::instant(t, quote.lapses_at))),
        done: quote.used_at.map(|at| t.with("exchange-done-text", "at", format::instant(t, at))),
        path: format!("{base}/exchange/{}", quote.session),
        again: format!("{base}/exchange"),
        back: base,
    })
}

/// What it comes to, while it is not made; afterwards what was exchanged.
pub async fn review(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, segments } = subject.partners(PartnerOnlyChange::Exchange)?;
    let quote = quoted(&app, &guest, &found, &segments).await?;
    Ok(ok(&review_page(&app, &guest, &found, &quote).await?))
}

/// Makes the exchange as it was calculated.
pub async fn make(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, segments } = subject.partners(PartnerOnlyChange::Exchange)?;
    let t = guest.visit().text;
    let quote = quoted(&app, &guest, &found, &segments).await?;
    let command = ExchangeReservations { session: quote.session };
    match app.store.execute(guest.actor(), &command, &guest.visit().request).await {
        Ok(_) => Ok(go(&format!("{}/exchange/{}", found.path(&guest), quote.session), "notice-exchanged")),
        Err(ExecuteError::Refused(refused)) => {
            let page = review_page(&app, &guest, &found, &quote).await?;
            let problem = match refused {
                // What is missing is said already.
                Refusal::ExchangeTooSmall { .. } => page.problem.clone(),
                refused => Some(words::refusal(t, &refused)),
            };
            Ok(render(StatusCode::CONFLICT, &ReviewPage { problem, ..page }))
        }
        Err(error) => Err(error.into()),
    }
}
