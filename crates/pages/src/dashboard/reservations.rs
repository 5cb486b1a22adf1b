//! A customer > Azure reservations: bought by the partner or the customer, with who did (R17).

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::history::{ListInstalments, NamedCustomer};
use fullmakt_domain::ids::{CustomerId, ReservationId, ReservationOrderId};
use fullmakt_domain::order::{
    BoughtBy, BrowseReservations, GetBoughtOrder, ListBoughtRevisions, ReservationsFound, Stage,
};
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::refund_policy::is_returnable;
use fullmakt_domain::reservation::{
    AppliedScope, GetReservationOrder, OrderWithReservations, Reservation, ReservationOrder,
};
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::ReadError;
use jiff::Timestamp;

use super::manage;
use super::orders::{before_page, customer_of, page_number, pager, sees_cost, side_badge, side_field};
use crate::error::PageError;
use crate::fields::Fields;
use crate::over::Over;
use crate::parts::{Badge, Empty, Field, Pager};
use crate::shell::{Place, Shell, ok};
use crate::usage::reservation::{UseOfReservation, Uses};
use crate::visitor::{Agent, acting};
use crate::words;

/// Reservations on a page.
const PAGE: u32 = 25;

#[derive(Template)]
#[template(path = "dashboard/reservations.html")]
struct ReservationsPage {
    shell: Shell,
    path: String,
    filters: Vec<Field>,
    rows: Vec<ReservationRow>,
    pager: Pager,
    empty: Empty,
}

struct ReservationRow {
    path: String,
    name: String,
    product: String,
    quantity: String,
    scope: String,
    term: String,
    expires: String,
    utilization: String,
    state: Badge,
    hidden: Option<Badge>,
    side: Badge,
    buyer: String,
}

/// What a list may be narrowed to.
fn stage(query: &Fields) -> Option<Stage> {
    Some(match query.get("state")? {
        "active" => Stage::Live,
        "expiring" => Stage::Expiring,
        "expired" => Stage::Expired,
        "ended" => Stage::Ended,
        _ => return None,
    })
}

/// `Standard_D2s_v5, West Europe`: what it is for, in a line.
fn product(t: Text, order: &ReservationOrder) -> String {
    format!("{}, {}, {}", words::resource_type(t, order.resource_type), order.sku, order.region.title())
}

fn scope(t: Text, found: &OrderWithReservations, scope: &AppliedScope) -> String {
    let name = scope.scope().and_then(ArmScope::subscription).and_then(|id| found.subscription_names.get(&id));
    words::applied_scope(t, scope, name.map(String::as_str))
}

/// The list: newest first, what is hidden left out unless it is looked for by its state.
pub async fn list(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let customer = customer_of(&app, &agent, &id).await?;
    let visit = agent.visit();
    let (t, query, now) = (visit.text, &visit.query, visit.request.now);
    let number = page_number(query);
    let asked = BrowseReservations {
        customer: customer.id,
        side: query.get("by").and_then(BoughtBy::parse),
        stage: stage(query),
        search: query.text("q").to_lowercase(),
        hidden: query.get("state").is_some(),
        now,
        skip: before_page(number, PAGE),
        size: PAGE,
    };
    let is_narrowed = asked.side.is_some() || asked.stage.is_some() || !asked.search.is_empty();
    let ReservationsFound { reservations, more } = app.store.read(agent.actor(), &asked).await?;
    let uses = Uses::of(&app, agent.actor(), customer.id).await?;
    let shell = Shell::customer(
        &agent,
        customer.id,
        &customer.name,
        t.get("nav-azure-reservations"),
        Place::CustomerReservations,
    );
    let path = format!("/dashboard/customers/{}/reservations", customer.id);
    let found = reservations.iter().flat_map(|all| all.reservations.iter().map(move |reservation| (all, reservation)));
    let rows = found.map(|(all, reservation)| {
        let order = &all.order;
        ReservationRow {
            path: format!("{path}/{}/{}", order.id, reservation.id),
            name: reservation.display_name.to_string(),
            product: format!("{}, {}", order.sku.short(), order.region.title()),
            quantity: shell.number(reservation.quantity),
            scope: scope(t, all, &reservation.scope),
            term: words::term(t, order.term),
            expires: shell.day(&order.expires_at),
            utilization: uses
                .in_words(&shell, reservation.id)
                .unwrap_or_else(|| words::unknown_use(t, reservation.phase(order, now).is_live())),
            state: words::phase(t, reservation.phase(order, now)),
            hidden: words::hidden(t, reservation),
            side: side_badge(t, &order.buyer),
            buyer: order.buyer.name.clone(),
        }
    });
    let rows = rows.collect();
    let states = [
        ("", "reservations-any-state"),
        ("active", "reservations-active"),
        ("expiring", "reservations-expiring"),
        ("expired", "reservations-expired"),
        ("ended", "reservations-ended"),
        ("all", "reservations-hidden-too"),
    ];
    let states = states.into_iter().map(|(value, key)| (value.to_owned(), t.get(key))).collect();
    let filters = vec![
        side_field(t, query),
        Field::choice("state", t.get("orders-state"), states).value(query.text("state")),
        Field::text("q", t.get("orders-product")).kind("search").value(query.text("q")),
    ];
    let empty = if !is_narrowed {
        Empty::new(t.get("bought-none"), t.get("bought-none-text"))
            .action(t.get("nav-add-products"), format!("/dashboard/customers/{}/add-products", customer.id))
    } else {
        Empty::new(t.get("orders-none-found"), t.get("orders-none-found-text"))
    };
    let pager = pager(t, &path, query, number, more);
    Ok(ok(&ReservationsPage { shell, path, filters, rows, pager, empty }))
}

#[derive(Template)]
#[template(path = "dashboard/reservation.html")]
struct ReservationPage {
    shell: Shell,
    customer: NamedCustomer,
    state: Badge,
    hidden: Option<Badge>,
    over: Option<Over>,
    overview: Vec<(String, String)>,
    prices: Vec<(String, String)>,
    properties: Vec<(String, String)>,
    order: (String, String),
    side: Badge,
    buyer: String,
    sees_cost: bool,
    utilization: UseOfReservation,
    instalments: Vec<InstalmentRow>,
    /// How many instances the instalments are for.
    instalments_for: String,
    /// The portal, for those who see the reservation there; why not, for the others who may enter it.
    manage: Option<Result<String, String>>,
    /// What can be done there with the reservation: words and paths.
    deeds: Vec<(String, String)>,
    /// What about it is the agent's to do, while it is not over.
    yours: bool,
}

struct InstalmentRow {
    number: String,
    due: String,
    price: String,
    cost: String,
    posted: String,
}

/// A reservation, or the newest one of its order where none is named.
pub async fn of_order(
    State(app): State<App>,
    agent: Agent,
    Path((id, order)): Path<(String, String)>,
) -> Result<Response, PageError> {
    page(&app, &agent, &id, &order, None).await
}

/// A reservation.
pub async fn show(
    State(app): State<App>,
    agent: Agent,
    Path((id, order, reservation)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    page(&app, &agent, &id, &order, Some(&reservation)).await
}

async fn page(
    app: &App,
    agent: &Agent,
    id: &str,
    order: &str,
    reservation: Option<&str>,
) -> Result<Response, PageError> {
    let customer = customer_of(app, agent, id).await?;
    let order = ReservationOrderId::parse(order).map_err(|_| PageError::NotFound)?;
    let reservation = reservation.map(|id| ReservationId::parse(id).map_err(|_| PageError::NotFound)).transpose()?;
    let found = app.store.read(agent.actor(), &GetBoughtOrder { customer: customer.id, order }).await?;
    let found = found.ok_or(PageError::NotFound)?;
    let reservation = match reservation {
        Some(id) => found.reservations.iter().find(|reservation| reservation.id == id),
        None => found.reservations.last(),
    };
    let reservation = reservation.ok_or(PageError::NotFound)?;
    let instalments = ListInstalments { customer: customer.id, order };
    let instalments = app.store.read(agent.actor(), &instalments).await?;
    let manage = manage(app, agent, customer.id, reservation).await?;
    let visit = agent.visit();
    let (t, order) = (visit.text, &found.order);
    let path = format!("/dashboard/customers/{}/reservations", customer.id);
    let title = reservation.display_name.to_string();
    let shell = Shell::customer(agent, customer.id, &customer.name, title, Place::CustomerReservations)
        .via(t.get("nav-azure-reservations"), path);
    let explain = format!("/dashboard/customers/{}/usage/explain", customer.id);
    let phase = reservation.phase(order, visit.request.now);
    let (actor, one) = (agent.actor(), reservation.id);
    let revisions = if phase.is_live() {
        None
    } else {
        let revisions = ListBoughtRevisions { customer: customer.id, order: order.id, reservation: one };
        app.store.read(actor, &revisions).await?
    };
    let over = Over::of(t, order, reservation, phase, revisions.as_deref());
    let utilization = match &over {
        Some(over) => UseOfReservation::until(app, actor, customer.id, one, over.at, &shell, &explain).await?,
        None => UseOfReservation::of(app, actor, customer.id, one, &shell, &explain).await?,
    };
    let yes = |flag: bool| t.get(if flag { "reservation-yes" } else { "reservation-no" });
    let overview = vec![
        (t.get("orders-product"), product(t, order)),
        (t.get("orders-quantity"), shell.number(reservation.quantity)),
        (t.get("reservation-scope"), scope(t, &found, &reservation.scope)),
        (t.get("order-term"), words::term(t, order.term)),
        (t.get("reservation-starts"), shell.day(&order.starts_at)),
        (t.get("reservation-expires"), shell.day(&order.expires_at)),
        (t.get("order-billing"), words::plan(t, order.plan)),
        (t.get("reservation-renew"), yes(reservation.renew)),
        (t.get("reservation-flexibility"), yes(reservation.instance_flexibility)),
    ];
    let unit = &order.prices;
    let times = |money: &fullmakt_domain::money::Money| {
        money.times(reservation.quantity.instances()).map(|total| shell.money(&total)).unwrap_or_default()
    };
    let in_all = |key: &str| t.with(key, "quantity", shell.number(reservation.quantity));
    let mut prices = vec![
        (t.get("order-list-price-each"), shell.money(&unit.list)),
        (t.get("order-customer-price-each"), shell.money(&unit.customer)),
        (in_all("reservation-customer-pays"), times(&unit.customer)),
    ];
    let sees_cost = sees_cost(agent);
    if sees_cost {
        prices.push((t.get("order-cost-each"), shell.money(&unit.partner)));
        prices.push((in_all("reservation-you-pay"), times(&unit.partner)));
    }
    let by = &reservation.changed_by;
    let properties = vec![
        (t.get("reservation-id"), reservation.id.to_string()),
        (t.get("reservation-order-id"), order.id.to_string()),
        (t.get("reservation-subscription"), billing_subscription(t, &found)),
        (t.get("reservation-changed"), shell.instant(&reservation.updated_at)),
        (t.get("reservation-changed-by"), words::doer(t, by.id, &by.name)),
    ];
    let instalments = instalments.iter().map(|instalment| InstalmentRow {
        number: shell.number(instalment.number),
        due: shell.date(&instalment.due),
        price: shell.money(&instalment.price),
        cost: shell.money(&instalment.cost),
        posted: t.get(if instalment.posted { "reservation-billed" } else { "reservation-planned" }),
    });
    let instalments = instalments.collect();
    // The others need a role on the subscription, which shows in the portal.
    let deeds = if agent.has(&[PartnerRole::AdminAgent]) {
        deeds(t, customer.id, &found, reservation, visit.request.now)
    } else {
        Vec::new()
    };
    Ok(ok(&ReservationPage {
        state: words::phase(t, phase),
        hidden: words::hidden(t, reservation),
        over,
        overview,
        prices,
        properties,
        order: (
            order.order.alternate().to_owned(),
            format!("/dashboard/customers/{}/orders/{}", customer.id, order.order),
        ),
        side: side_badge(t, &order.buyer),
        buyer: order.buyer.name.clone(),
        sees_cost,
        utilization,
        instalments,
        instalments_for: t.with_all(
            "reservation-instalments-text",
            &[("count", &order.quantity.instances()), ("shown", &shell.number(order.quantity))],
        ),
        manage,
        yours: phase.is_live() && !deeds.is_empty(),
        deeds,
        customer,
        shell,
    }))
}

/// The subscription that a reservation was bought on: its name, where it is known, and its identifier.
fn billing_subscription(t: Text, found: &OrderWithReservations) -> String {
    let id = found.order.subscription;
    found
        .subscription_names
        .get(&id)
        .map_or_else(|| id.to_string(), |name| format!("{}, {id}", words::product(t, name)))
}

/// A reservation in the customer's portal, or why it does not show there; none for those who enter no portal.
async fn manage(
    app: &App,
    agent: &Agent,
    customer: CustomerId,
    reservation: &Reservation,
) -> Result<Option<Result<String, String>>, PageError> {
    if !agent.has(&manage::ENTERING) {
        return Ok(None);
    }
    let inside = acting(&agent.visitor.session, customer.tenant());
    let shows = match app.store.read(&inside, &GetReservationOrder { order: reservation.order }).await {
        Ok(found) => found.is_some(),
        Err(ReadError::Denied(_)) => false,
        Err(fault) => return Err(fault.into()),
    };
    Ok(Some(if shows {
        Ok(manage::reservation(customer, reservation.order, reservation.id))
    } else {
        Err(agent.visit().text.get("manage-lacking"))
    }))
}

/// What the partner can do with a reservation in the portal, on the customer's behalf (R21).
fn deeds(
    t: Text,
    customer: CustomerId,
    found: &OrderWithReservations,
    reservation: &Reservation,
    now: Timestamp,
) -> Vec<(String, String)> {
    let order = &found.order;
    let live = reservation.phase(order, now).is_live();
    let several = reservation.quantity.instances() > 1;
    let mates = found.reservations.iter().any(|other| other.id != reservation.id && other.phase(order, now).is_live());
    let returnable = is_returnable(order.resource_type);
    let offered = [
        (live && returnable, words::partner_only(t, PartnerOnlyChange::Exchange), "exchange"),
        (live && returnable, words::partner_only(t, PartnerOnlyChange::Refund), "return"),
        (live, words::partner_only(t, PartnerOnlyChange::Renewal), "renewal"),
        (live, words::partner_only(t, PartnerOnlyChange::ScopeChange), "scope"),
        (live, t.get("reservations-rename"), "rename"),
        (live && several, t.get("reservations-split"), "split"),
        (live && mates, t.get("reservations-merge"), "merge"),
        (!live && !reservation.archived, t.get("change-archive"), "archive"),
        (!live && reservation.archived, t.get("change-unarchive"), "archive"),
    ];
    let base = manage::reservation(customer, order.id, reservation.id);
    offered.into_iter().filter(|(is, ..)| *is).map(|(_, words, below)| (words, format!("{base}/{below}"))).collect()
}
