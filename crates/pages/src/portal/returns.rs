//! Giving a reservation back for money, by the partner (R20, R21, R23): how many, what it comes to line by line, done.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::refund_policy::RETURN_QUOTE_MINUTES;
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::returning::{GetRefundQuote, QuoteRefund, QuotedRefund, ReturnReservation};
use fullmakt_server::App;
use fullmakt_store::ExecuteError;
use http::StatusCode;
use std::sync::Arc;
use uuid::Uuid;

use super::changes::{ChangePage, carry_out};
use super::reservations::{Found, Subject};
use super::{Facts, Segments, segment};
use crate::error::PageError;
use crate::parts::Field;
use crate::shell::{Shell, go, ok, render};
use crate::visitor::Guest;
use crate::words::Explained;
use crate::{format, words};

/// The longest reason, in characters, as over the API.
const MAX_REASON: usize = 1_000;

fn ask_page(guest: &Guest, found: &Found, typed: &str) -> ChangePage {
    let t = guest.visit().text;
    let title = words::partner_only(t, PartnerOnlyChange::Refund);
    let lead = t.with("return-lead", "minutes", RETURN_QUOTE_MINUTES);
    let mut page = ChangePage::new(guest, found, "return", title, lead).field(quantity_field(guest, found, typed));
    page.button = t.get("return-calculate");
    page
}

/// How many of a reservation's instances are given back.
pub fn quantity_field(guest: &Guest, found: &Found, typed: &str) -> Field {
    let t = guest.visit().text;
    Field::text("back", t.get("return-quantity"))
        .kind("number")
        .hint(t.with("return-quantity-hint", "most", found.reservation.quantity.instances()))
        .value(typed)
        .required()
        .small()
}

/// What was typed in that field; `Err` says what is wrong.
pub fn quantity_of(guest: &Guest, found: &Found) -> Result<i64, String> {
    let most = found.reservation.quantity.instances();
    let typed = guest.visit().form.text("back").parse::<i64>().ok();
    typed
        .filter(|quantity| (1..=most).contains(quantity))
        .ok_or_else(|| guest.visit().text.with("change-split-wrong", "most", most))
}

/// The form that asks how many.
pub async fn ask(subject: Subject) -> Result<Response, PageError> {
    let Subject { guest, found, .. } = subject.partners(PartnerOnlyChange::Refund)?;
    Ok(ok(&ask_page(&guest, &found, &found.reservation.quantity.to_string())))
}

/// Calculates, and shows what comes of it.
pub async fn calculate(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::Refund)?;
    let page = ask_page(&guest, &found, guest.visit().form.text("back"));
    let quantity = match quantity_of(&guest, &found) {
        Ok(quantity) => quantity,
        Err(text) => return Ok(page.wrong(&text)),
    };
    let session = Uuid::new_v4();
    let command = QuoteRefund { session, order: found.order.order.id, reservation: found.reservation.id, quantity };
    Ok(match carry_out(&app, &guest, &command, page).await? {
        Ok(_) => Redirect::to(&format!("{}/return/{session}", found.path(&guest))).into_response(),
        Err(refused) => refused,
    })
}

#[derive(Template)]
#[template(path = "portal/return.html")]
struct ReviewPage {
    shell: Shell,
    facts: Facts,
    lines: Vec<Explained>,
    limit: Vec<Explained>,
    /// What stands in the way.
    problems: Vec<String>,
    /// Until when it holds; none: it has lapsed.
    holds: Option<String>,
    /// When it was returned.
    done: Option<String>,
    reason: Field,
    button: String,
    path: String,
    again: String,
    back: String,
}

async fn quoted(app: &App, guest: &Guest, found: &Found, segments: &Segments) -> Result<QuotedRefund, PageError> {
    let query = GetRefundQuote { session: segment(segments, "session")?, order: found.order.order.id };
    let quoted = app.store.read(guest.actor(), &query).await?;
    quoted.filter(|quoted| quoted.quote.reservation == found.reservation.id).ok_or(PageError::NotFound)
}

fn review_page(guest: &Guest, found: &Found, quoted: &QuotedRefund) -> Result<ReviewPage, PageError> {
    let t = guest.visit().text;
    let quote = &quoted.quote;
    let uncountable = |error| PageError::Refused(Arc::new(Refusal::Money(error)));
    let back = quote.terms.customer.refund().map_err(uncountable)?;
    let instances = format::number(t.language(), quote.terms.quantity);
    let (title, quantity) = match quote.used_at {
        Some(_) => ("return-done", "return-quantity-returned"),
        None => ("return-review", "return-quantity"),
    };
    let base = found.path(guest);
    Ok(ReviewPage {
        shell: found.shell(guest, t.get(title)),
        facts: vec![
            (t.get("reservations-name"), found.reservation.display_name.to_string()),
            (t.get("purchase-sku"), found.order.order.sku.to_string()),
            (t.get(quantity), instances),
        ],
        lines: words::explained(t, &quote.terms, &quote.terms.customer).map_err(uncountable)?,
        limit: words::explained_limit(t, &quote.terms, &quote.counted).map_err(uncountable)?,
        problems: quoted.problems.iter().map(|problem| words::refusal(t, problem)).collect(),
        holds: (guest.visit().request.now < quote.lapses_at)
            .then(|| t.with("return-holds", "at", format::instant(t, quote.lapses_at))),
        done: quote.used_at.map(|at| t.with("return-done-text", "at", format::instant(t, at))),
        reason: Field::text("reason", t.get("return-reason")).hint(t.get("return-reason-hint")),
        button: t.with("return-button", "amount", format::money(t.language(), back)),
        path: format!("{base}/return/{}", quote.session),
        again: format!("{base}/return"),
        back: base,
    })
}

/// What it comes to, while it is not returned; afterwards what was returned.
pub async fn review(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, segments } = subject.partners(PartnerOnlyChange::Refund)?;
    let quoted = quoted(&app, &guest, &found, &segments).await?;
    Ok(ok(&review_page(&guest, &found, &quoted)?))
}

/// Returns it at what was calculated.
pub async fn give_back(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, segments } = subject.partners(PartnerOnlyChange::Refund)?;
    let t = guest.visit().text;
    let quoted = quoted(&app, &guest, &found, &segments).await?;
    let mut page = review_page(&guest, &found, &quoted)?;
    let reason = guest.visit().form.get("reason");
    if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON) {
        let text = t.with("entry-too-long", "most", MAX_REASON);
        page.reason = page.reason.value(guest.visit().form.text("reason")).error(Some(&text));
        return Ok(render(StatusCode::BAD_REQUEST, &page));
    }
    let command = ReturnReservation {
        session: quoted.quote.session,
        order: quoted.quote.order,
        reservation: quoted.quote.reservation,
        quantity: quoted.quote.terms.quantity,
        reason: reason.map(str::to_owned),
    };
    match app.store.execute(guest.actor(), &command, &guest.visit().request).await {
        Ok(_) => Ok(go(&page.path, "notice-returned")),
        Err(ExecuteError::Refused(refused)) => {
            let said = words::refusal(t, &refused);
            if !page.problems.contains(&said) {
                page.problems.push(said);
            }
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}
