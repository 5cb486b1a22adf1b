//! Buying a reservation: subscription, catalogue, configuration, review, done.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Denied;
use fullmakt_domain::directory::{AzureSubscription, ListSubscriptions};
use fullmakt_domain::ids::{ReservationOrderId, SubscriptionId};
use fullmakt_domain::money::Money;
use fullmakt_domain::obstacle::{CanBuy, Item, MayIBuy, Verdict, Who, day};
use fullmakt_domain::price::totals;
use fullmakt_domain::purchase::BuyReservation;
use fullmakt_domain::quote::{GetQuote, QuotePrice, Quoted};
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::reservation::{AppliedScope, DisplayName, GetReservationOrder, OrderWithReservations};
use fullmakt_domain::role;
use fullmakt_domain::role_assignment::ListOwnRoles;
use fullmakt_domain::subscription::SubscriptionStatus;
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::{ExecuteError, ReadError};
use http::StatusCode;

use super::catalogue::{Catalogue, Chosen, OrderForm, SHARED, Wanted, partner_of, placement};
use super::{Facts, Hindrances, Segments, no_subscriptions, segment};
use crate::error::PageError;
use crate::fields::{Fields, encoded};
use crate::parts::{Empty, Field};
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::Guest;
use crate::{format, words};

#[derive(Template)]
#[template(path = "portal/purchase.html")]
struct BrowsePage {
    shell: Shell,
    subscription: Option<Field>,
    hindrances: Option<Hindrances>,
    /// None where something stands in the way.
    catalogue: Option<Catalogue>,
    empty: Empty,
}

impl BrowsePage {
    fn new(guest: &Guest) -> Self {
        let t = guest.visit().text;
        Self {
            shell: Shell::portal(guest, t.get("nav-purchase"), Place::Purchase),
            subscription: None,
            hindrances: None,
            catalogue: None,
            empty: no_subscriptions(guest),
        }
    }
}

/// What stands in the way, or the catalogue.
pub async fn browse(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let query = &guest.visit().query;
    let subscriptions = app.store.read(guest.actor(), &ListSubscriptions).await?;
    let mut page = BrowsePage::new(&guest);
    let picked = match query.get("subscription") {
        Some(text) => {
            let id = SubscriptionId::parse(text).ok();
            Some(subscriptions.iter().find(|s| Some(s.id) == id).ok_or(PageError::NotFound)?)
        }
        None => best(&app, &guest, &subscriptions).await?,
    };
    let Some(picked) = picked else {
        // Nothing that he may see: what is missing is said all the same (R12).
        let verdict = without_subscription(&app, &guest).await?;
        let found = verdict.and_then(|verdict| Hindrances::of(&guest, &verdict.obstacles));
        page.hindrances = found.map(Hindrances::without_links);
        return Ok(ok(&page));
    };
    let choices = subscriptions.iter().map(|s| (s.id.to_string(), s.name.clone())).collect();
    page.subscription = Some(
        Field::choice("subscription", t.get("purchase-subscription"), choices)
            .hint(t.get("purchase-subscription-hint"))
            .value(picked.id.to_string()),
    );
    page.hindrances = hindrances(&app, &guest, picked.id, None, &AppliedScope::Shared).await?;
    if page.hindrances.is_some() {
        return Ok(ok(&page));
    }
    let paths = (guest.path("/purchase"), guest.path("/purchase/item"));
    page.catalogue = Some(Catalogue::read(&app, &guest, picked.id, None, (paths.0, &paths.1)).await?);
    Ok(ok(&page))
}

/// The subscription on which the visitor is closest to buying.
async fn best<'s>(
    app: &App,
    guest: &Guest,
    subscriptions: &'s [AzureSubscription],
) -> Result<Option<&'s AzureSubscription>, PageError> {
    let grants = app.store.read(guest.actor(), &ListOwnRoles).await?;
    Ok(subscriptions.iter().min_by_key(|subscription| {
        let scope = ArmScope::Subscription(subscription.id);
        let owner = role::is_owner(&grants, &scope, guest.customer.tenant());
        (subscription.status != SubscriptionStatus::Active, !owner)
    }))
}

async fn without_subscription(app: &App, guest: &Guest) -> Result<Option<Verdict>, PageError> {
    if guest.on_behalf() {
        return Ok(None);
    }
    let query = CanBuy {
        customer: guest.customer,
        buyer: Who::Id(guest.actor().principal),
        subscription: None,
        item: None,
        scope: AppliedScope::Shared,
        now: guest.visit().request.now,
    };
    Ok(app.store.read(guest.actor(), &query).await?)
}

async fn hindrances(
    app: &App,
    guest: &Guest,
    subscription: SubscriptionId,
    item: Option<&Item>,
    scope: &AppliedScope,
) -> Result<Option<Hindrances>, PageError> {
    let now = guest.visit().request.now;
    let asked = MayIBuy { subscription, item: item.cloned(), scope: scope.clone(), now };
    let verdict = app.store.read(guest.actor(), &asked).await?.ok_or(PageError::NotFound)?;
    Ok(Hindrances::of(guest, &verdict.obstacles))
}

#[derive(Template)]
#[template(path = "portal/purchase_item.html")]
struct ItemPage {
    shell: Shell,
    order: OrderForm,
    path: String,
    back: String,
    hidden: Vec<(&'static str, String)>,
    problem: Option<String>,
}

impl ItemPage {
    async fn new(app: &App, guest: &Guest, chosen: &Chosen, fields: &Fields) -> Result<Self, PageError> {
        let t = guest.visit().text;
        let back = guest.path(&format!("/purchase?subscription={}", chosen.subscription));
        let shell = Shell::portal(guest, t.get("purchase-configure"), Place::Purchase);
        Ok(Self {
            shell: shell.via(t.get("nav-purchase"), back.clone()),
            order: OrderForm::new(app, guest, chosen, fields).await?,
            path: guest.path("/purchase/item"),
            back,
            hidden: chosen.hidden(),
            problem: None,
        })
    }
}

/// How much of it, how paid, for what.
pub async fn configure(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let query = &guest.visit().query;
    let chosen = Chosen::read(query).ok_or(PageError::NotFound)?;
    // Everything that is missing is said before anyone fills in a form (R12).
    match hindered(&app, &guest, &chosen).await? {
        Some(page) => Ok(ok(&page)),
        None => Ok(ok(&ItemPage::new(&app, &guest, &chosen, query).await?)),
    }
}

/// Everything that stands in the way of buying what was chosen.
async fn hindered(app: &App, guest: &Guest, chosen: &Chosen) -> Result<Option<BrowsePage>, PageError> {
    let item = chosen.item(app, guest).await?;
    let found = hindrances(app, guest, chosen.subscription, item.as_ref(), &AppliedScope::Shared).await?;
    let found = found.map(|found| BrowsePage { hindrances: Some(found), ..BrowsePage::new(guest) });
    Ok(found)
}

/// Asks for a price that holds, and shows it.
pub async fn quote(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let form = &guest.visit().form;
    let chosen = Chosen::read(form).ok_or(PageError::Malformed)?;
    let mut page = match ItemPage::new(&app, &guest, &chosen, form).await {
        Ok(page) => page,
        Err(missing) => {
            return hindered(&app, &guest, &chosen)
                .await?
                .map_or(Err(missing), |page| Ok(render(StatusCode::CONFLICT, &page)));
        }
    };
    let Some(Wanted { item, scope, .. }) = page.order.read(t, form) else {
        return Ok(render(StatusCode::BAD_REQUEST, &page));
    };
    let asked =
        MayIBuy { subscription: chosen.subscription, item: Some(item.clone()), scope, now: guest.visit().request.now };
    let verdict = app.store.read(guest.actor(), &asked).await?.ok_or(PageError::NotFound)?;
    if !verdict.obstacles.is_empty() {
        let refused = Refusal::PurchaseNotAllowed { obstacles: verdict.obstacles };
        page.problem = Some(words::refusal(t, &refused));
        return Ok(render(StatusCode::CONFLICT, &page));
    }
    let order = ReservationOrderId(uuid::Uuid::new_v4());
    let command = QuotePrice { order, subscription: chosen.subscription, item };
    match app.store.execute(guest.actor(), &command, &guest.visit().request).await {
        Ok(_) => Ok(Redirect::to(&review_path(&guest, order, chosen.subscription, form)).into_response()),
        Err(ExecuteError::Refused(refused)) => {
            page.problem = Some(words::refusal(t, &refused));
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

fn review_path(guest: &Guest, order: ReservationOrderId, subscription: SubscriptionId, fields: &Fields) -> String {
    let scope = encoded(fields.get("scope").unwrap_or(SHARED));
    let name = fields.get("name").map(|name| format!("&name={}", encoded(name))).unwrap_or_default();
    guest.path(&format!("/purchase/review/{order}?subscription={subscription}&scope={scope}{name}"))
}

#[derive(Template)]
#[template(path = "portal/purchase_review.html")]
struct ReviewPage {
    shell: Shell,
    facts: Facts,
    prices: Vec<(String, String, String)>,
    payments: String,
    billed: String,
    limits: String,
    /// Until when the price holds; none: it has lapsed.
    holds: Option<String>,
    hindrances: Option<Hindrances>,
    problem: Option<String>,
    buy: String,
    hidden: Vec<(&'static str, String)>,
    again: String,
    hidden_again: Vec<(&'static str, String)>,
    back: String,
}

/// What is about to be bought.
struct Ready {
    quoted: Quoted,
    scope: AppliedScope,
    name: Option<DisplayName>,
}

impl Ready {
    /// `None` where there is no such price of the visitor's own.
    async fn find(app: &App, guest: &Guest, order: ReservationOrderId, fields: &Fields) -> Result<Self, PageError> {
        let id = fields.get("subscription").and_then(|text| SubscriptionId::parse(text).ok());
        let subscription = id.ok_or(PageError::NotFound)?;
        let quoted = app.store.read(guest.actor(), &GetQuote { subscription, order }).await?;
        let (scope, name) = placement(fields).map_err(|_| PageError::Malformed)?;
        Ok(Self { quoted: quoted.ok_or(PageError::NotFound)?, scope, name })
    }

    fn command(&self) -> BuyReservation {
        BuyReservation {
            order: self.quoted.order,
            subscription: self.quoted.subscription,
            item: self.quoted.item.clone(),
            scope: self.scope.clone(),
            display_name: self.name.clone(),
            instance_flexibility: true,
            renew: false,
            review_at: None,
        }
    }

    async fn page(&self, app: &App, guest: &Guest, fields: &Fields) -> Result<ReviewPage, PageError> {
        let t = guest.visit().text;
        let now = guest.visit().request.now;
        let Quoted { order, subscription, item, list, price, lapses_at } = &self.quoted;
        let partner = partner_of(app, guest, *subscription).await?;
        let names = app.store.read(guest.actor(), &ListSubscriptions).await?;
        let name_of = |id: SubscriptionId| names.iter().find(|s| s.id == id).map(|s| s.name.clone());
        let applied = self.scope.scope().and_then(ArmScope::subscription).and_then(name_of);
        let money = |amount: Money| format::money(t.language(), amount);
        let of = |unit: Money| totals(unit, item.quantity, item.plan, item.term, day(now));
        let own = of(*price).map_err(|reason| PageError::from(ExecuteError::Refused(Refusal::Money(reason))))?;
        let listed = of(*list).map_or_else(|_| t.get("purchase-unknown"), |totals| money(totals.total));
        let billed = t.with_all("purchase-billed", &[("partner", &partner.name), ("customer", &guest.customer_name)]);
        let chosen = Chosen::of(*subscription, item);
        let mut hidden_again = chosen.hidden();
        hidden_again.push(("quantity", item.quantity.to_string()));
        hidden_again.push(("plan", item.plan.name().to_owned()));
        let mut hidden = vec![("subscription", subscription.to_string())];
        for name in ["scope", "name"] {
            if let Some(value) = fields.get(name) {
                hidden.push((name, value.to_owned()));
                hidden_again.push((name, value.to_owned()));
            }
        }
        let item_path =
            guest.path(&format!("/purchase/item?{}&quantity={}&plan={}", chosen.query(), item.quantity, item.plan));
        let shell = Shell::portal(guest, t.get("purchase-review"), Place::Purchase)
            .via(t.get("nav-purchase"), guest.path(&format!("/purchase?subscription={subscription}")))
            .via(t.get("purchase-configure"), item_path.clone());
        Ok(ReviewPage {
            facts: vec![
                (t.get("purchase-sku"), item.sku.to_string()),
                (t.get("purchase-region"), item.region.title().to_owned()),
                (t.get("purchase-term"), words::term(t, item.term)),
                (t.get("purchase-quantity"), format::number(t.language(), item.quantity)),
                (t.get("purchase-plan"), words::plan(t, item.plan)),
                (t.get("purchase-scope"), words::applied_scope(t, &self.scope, applied.as_deref())),
                (t.get("purchase-subscription"), name_of(*subscription).unwrap_or_else(|| subscription.to_string())),
                (
                    t.get("purchase-name"),
                    self.name.as_ref().map_or_else(|| t.get("purchase-name-made"), ToString::to_string),
                ),
            ],
            prices: vec![
                (t.with("purchase-price-of", "partner", &partner.name), money(*price), money(own.total)),
                (t.get("purchase-price-list"), money(*list), listed),
            ],
            payments: payments(t, &own.schedule.iter().map(|payment| payment.amount).collect::<Vec<_>>()),
            billed,
            limits: if guest.on_behalf() {
                t.get("purchase-limits-behalf")
            } else {
                t.with("purchase-limits", "partner", words::reached(&partner.name, &partner.support))
            },
            holds: (now < *lapses_at).then(|| t.with("purchase-holds", "at", format::instant(t, *lapses_at))),
            hindrances: hindrances(app, guest, *subscription, Some(item), &self.scope).await?,
            problem: None,
            buy: guest.path(&format!("/purchase/review/{order}")),
            hidden,
            again: guest.path("/purchase/item"),
            hidden_again,
            back: item_path,
            shell,
        })
    }
}

/// When what is to be paid.
fn payments(t: Text, amounts: &[Money]) -> String {
    let money = |amount: &Money| format::money(t.language(), *amount);
    match (amounts.first(), amounts.last()) {
        (Some(first), Some(_)) if amounts.len() == 1 => t.with("purchase-paid-once", "amount", money(first)),
        (Some(first), Some(last)) if first == last => {
            t.with_all("purchase-paid-monthly", &[("number", &amounts.len()), ("amount", &money(first))])
        }
        // Instalments differ by a coin where the total does not divide.
        (Some(first), Some(last)) => t.with_all(
            "purchase-paid-unevenly",
            &[("number", &amounts.len()), ("first", &money(first)), ("last", &money(last))],
        ),
        _ => String::new(),
    }
}

/// What was bought on the quote, if anything.
async fn bought(
    app: &App,
    guest: &Guest,
    order: ReservationOrderId,
) -> Result<Option<OrderWithReservations>, PageError> {
    match app.store.read(guest.actor(), &GetReservationOrder { order }).await {
        Ok(found) => Ok(found),
        Err(ReadError::Denied(Denied::Hidden | Denied::Forbidden { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Everything once more, and until when the price holds.
pub async fn review(
    State(app): State<App>,
    Path(segments): Path<Segments>,
    guest: Guest,
) -> Result<Response, PageError> {
    let order = segment(&segments, "order")?;
    if bought(&app, &guest, order).await?.is_some() {
        return Ok(Redirect::to(&guest.path(&format!("/purchase/done/{order}"))).into_response());
    }
    let query = &guest.visit().query;
    let ready = Ready::find(&app, &guest, order, query).await?;
    Ok(ok(&ready.page(&app, &guest, query).await?))
}

/// Buys. Sent twice, it buys once (R13).
pub async fn buy(State(app): State<App>, Path(segments): Path<Segments>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let order = segment(&segments, "order")?;
    let form = &guest.visit().form;
    let ready = Ready::find(&app, &guest, order, form).await?;
    match app.store.execute(guest.actor(), &ready.command(), &guest.visit().request).await {
        Ok(_) => Ok(go(&guest.path(&format!("/purchase/done/{order}")), "notice-bought")),
        Err(ExecuteError::Refused(refused)) => {
            let mut page = ready.page(&app, &guest, form).await?;
            if page.hindrances.is_none() {
                page.problem = Some(words::refusal(t, &refused));
            }
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "portal/purchase_done.html")]
struct DonePage {
    shell: Shell,
    facts: Facts,
    reservation: String,
    list: String,
    again: String,
}

/// It is bought.
pub async fn done(State(app): State<App>, Path(segments): Path<Segments>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let order = segment(&segments, "order")?;
    let found = bought(&app, &guest, order).await?.ok_or(PageError::NotFound)?;
    let first = found.reservations.first().ok_or(PageError::NotFound)?;
    let bought = &found.order;
    let own = totals(bought.prices.customer, bought.quantity, bought.plan, bought.term, day(bought.requested_at));
    let mut facts = vec![
        (t.get("reservations-name"), first.display_name.to_string()),
        (t.get("reservations-order-number"), bought.order.alternate().to_owned()),
        (t.get("purchase-sku"), bought.sku.to_string()),
        (t.get("purchase-quantity"), format::number(t.language(), bought.quantity)),
        (t.get("reservations-starts"), format::instant_utc(t, bought.starts_at)),
        (t.get("reservations-expires"), format::instant_utc(t, bought.expires_at)),
    ];
    if let Ok(own) = own {
        let amounts: Vec<Money> = own.schedule.iter().map(|payment| payment.amount).collect();
        facts.push((t.get("purchase-total"), format::money(t.language(), own.total)));
        facts.push((t.get("purchase-payments"), payments(t, &amounts)));
    }
    Ok(ok(&DonePage {
        shell: Shell::portal(&guest, t.get("purchase-done"), Place::Purchase),
        facts,
        reservation: guest.path(&format!("/reservations/{order}/{}", first.id)),
        list: guest.path("/reservations"),
        again: guest.path(&format!("/purchase?subscription={}", bought.subscription)),
    }))
}
