//! The customer's reservations: list and detail.

use askama::Template;
use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::Response;
use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Denied;
use fullmakt_domain::catalog::Quantity;
use fullmakt_domain::ids::{ReservationId, ReservationOrderId};
use fullmakt_domain::lifecycle::ListRevisions;
use fullmakt_domain::obstacle::PartnerContact;
use fullmakt_domain::partner::GetBillingPartner;
use fullmakt_domain::price::totals;
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::refund_policy::is_returnable;
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::reservation::{
    BrowseOwnReservations, Ending, GetReservationOrder, OrderWithReservations, Reservation, ReservationState,
};
use fullmakt_domain::role::Permissions;
use fullmakt_domain::role_assignment::ListPermissions;
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::ReadError;
use http::request::Parts;
use std::sync::Arc;

use super::{Facts, Segments, segment};
use crate::error::PageError;
use crate::over::Over;
use crate::parts::{Badge, Empty, Pager};
use crate::shell::{Place, Shell, ok};
use crate::usage::reservation::{UseOfReservation, Uses};
use crate::visitor::Guest;
use crate::{format, words};

/// How many reservations stand on a page.
const PAGE: u32 = 50;

struct Row {
    path: String,
    name: String,
    sku: String,
    region: String,
    phase: Badge,
    quantity: String,
    term: String,
    expires: String,
    buyer: String,
    utilization: String,
}

#[derive(Template)]
#[template(path = "portal/reservations.html")]
struct ReservationsPage {
    shell: Shell,
    rows: Vec<Row>,
    pager: Pager,
    empty: Empty,
    purchase: String,
    /// To what is hidden, or back: words and path.
    others: Option<(String, String)>,
}

/// The list, newest first. Those that are hidden or went on as others are left out.
pub async fn list(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let now = guest.visit().request.now;
    let query = &guest.visit().query;
    let number = query.get("page").and_then(|text| text.parse::<u32>().ok()).unwrap_or(1).clamp(1, 100_000);
    let hidden = query.get("hidden").is_some();
    let asked = BrowseOwnReservations { hidden, skip: number.saturating_sub(1).saturating_mul(PAGE), size: PAGE };
    let found = app.store.read(guest.actor(), &asked).await?;
    let uses = Uses::of(&app, guest.actor(), guest.customer).await?;
    let shell = Shell::portal(
        &guest,
        t.get(if hidden { "reservations-hidden" } else { "nav-reservations" }),
        Place::Reservations,
    );
    let at = |number: u32| {
        let number = number.to_string();
        guest.path(&format!("/reservations{}", query.query_with(&[("page", &number)])))
    };
    let all = found.reservations.iter().flat_map(|order| order.reservations.iter().map(move |r| (order, r)));
    let twins = words::twins(all.clone().map(|(_, reservation)| reservation));
    let rows = all
        .map(|(found, reservation)| Row {
            path: path(&guest, reservation.order, reservation.id),
            name: if twins.contains(&reservation.id) {
                words::ending_in(t, reservation.display_name.as_str(), reservation.id)
            } else {
                reservation.display_name.to_string()
            },
            sku: found.order.sku.short().to_owned(),
            region: found.order.region.title().to_owned(),
            phase: words::phase(t, reservation.phase(&found.order, now)),
            quantity: format::number(t.language(), reservation.quantity),
            term: words::term(t, found.order.term),
            expires: format::day_of(t, found.order.expires_at),
            buyer: buyer(t, found),
            utilization: uses
                .in_words(&shell, reservation.id)
                .unwrap_or_else(|| words::unknown_use(t, reservation.phase(&found.order, now).is_live())),
        })
        .collect();
    let purchase = guest.path("/purchase");
    // Admin agents may buy here; others of the partner see on the dashboard what was bought.
    let empty = if guest.agent().is_some_and(|agent| !agent.has(&[PartnerRole::AdminAgent])) {
        let dashboard = format!("/dashboard/customers/{}/reservations", guest.customer);
        Empty::new(t.get("reservations-none"), t.get("reservations-none-behalf"))
            .action(t.get("portal-to-dashboard"), dashboard)
    } else {
        let text = if guest.on_behalf() { "reservations-none-acting" } else { "reservations-none-text" };
        Empty::new(t.get("reservations-none"), t.get(text)).action(t.get("nav-purchase"), &purchase)
    };
    let others = match (hidden, found.any_hidden) {
        (true, _) => Some((t.get("reservations-shown"), guest.path("/reservations"))),
        (false, true) => Some((t.get("reservations-hidden"), guest.path("/reservations?hidden=yes"))),
        (false, false) => None,
    };
    Ok(ok(&ReservationsPage {
        shell,
        rows,
        pager: Pager {
            label: t.get("pager"),
            previous: (number > 1).then(|| (t.get("purchase-previous"), at(number.saturating_sub(1)))),
            next: found.more.then(|| (t.get("pager-next"), at(number.saturating_add(1)))),
        },
        empty,
        purchase,
        others,
    }))
}

/// The page of a reservation.
pub fn path(guest: &Guest, order: ReservationOrderId, reservation: ReservationId) -> String {
    guest.path(&format!("/reservations/{order}/{reservation}"))
}

/// Who bought, and on which side (R17).
fn buyer(t: Text, found: &OrderWithReservations) -> String {
    let buyer = &found.order.buyer;
    t.with_all("reservations-buyer", &[("name", &buyer.name), ("side", &words::bought_by(t, buyer.side))])
}

/// A reservation with what its pages need.
pub struct Found {
    /// Its order.
    pub order: OrderWithReservations,
    /// The reservation.
    pub reservation: Reservation,
    /// Who pays.
    pub partner: PartnerContact,
    /// What the visitor may do with it.
    permissions: Vec<Permissions>,
}

impl Found {
    /// Finds it; whatever the visitor may not see is not there.
    pub async fn find(app: &App, guest: &Guest, segments: &Segments) -> Result<Self, PageError> {
        let order: ReservationOrderId = segment(segments, "order")?;
        let id: ReservationId = segment(segments, "reservation")?;
        let found = app.store.read(guest.actor(), &GetReservationOrder { order }).await?.ok_or(PageError::NotFound)?;
        let reservation = found.reservation(id).map_err(|_| PageError::NotFound)?.clone();
        let scope = ArmScope::ReservationOrder(order);
        let partner = app.store.read(guest.actor(), &GetBillingPartner { scope: scope.clone() }).await?;
        let permissions = app.store.read(guest.actor(), &ListPermissions { scope }).await?;
        Ok(Self { order: found, reservation, partner: partner.ok_or(PageError::NotFound)?, permissions })
    }

    /// Whether the visitor's roles allow something below `Microsoft.Capacity/reservationOrders/`.
    pub fn allows(&self, action: &str) -> bool {
        let action = format!("Microsoft.Capacity/reservationOrders/{action}");
        self.permissions.iter().any(|permissions| permissions.allow(&action))
    }

    /// Whether the visitor acts for the partner and may do what only the partner may (R21).
    pub fn partner_may(&self, guest: &Guest) -> bool {
        guest.on_behalf() && self.allows("reservations/write")
    }

    /// Its page.
    pub fn path(&self, guest: &Guest) -> String {
        path(guest, self.order.order.id, self.reservation.id)
    }

    /// A page below its page.
    pub fn shell(&self, guest: &Guest, title: String) -> Shell {
        Shell::portal(guest, title, Place::Reservations)
            .via(guest.visit().text.get("nav-reservations"), guest.path("/reservations"))
            .via(self.reservation.display_name.as_str(), self.path(guest))
    }

    /// Where its benefit applies.
    pub fn scope(&self, t: Text) -> String {
        scope(t, &self.order, &self.reservation)
    }
}

fn scope(t: Text, found: &OrderWithReservations, reservation: &Reservation) -> String {
    let id = reservation.scope.scope().and_then(ArmScope::subscription);
    let name = id.and_then(|id| found.subscription_names.get(&id)).map(String::as_str);
    words::applied_scope(t, &reservation.scope, name)
}

/// Who looks at a page about a reservation, and at which.
pub struct Subject {
    /// The server.
    pub app: App,
    /// Who looks.
    pub guest: Guest,
    /// At what.
    pub found: Found,
    /// The segments of the path.
    pub segments: Segments,
}

impl FromRequestParts<App> for Subject {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let guest = Guest::from_request_parts(parts, app).await?;
        let Path(segments) = parts.extract::<Path<Segments>>().await.map_err(|_| PageError::NotFound)?;
        let found = Found::find(app, &guest, &segments).await?;
        Ok(Self { app: app.clone(), guest, found, segments })
    }
}

impl Subject {
    /// Only for those whose roles allow something below `Microsoft.Capacity/reservationOrders/`.
    pub fn needs(self, action: &str) -> Result<Self, PageError> {
        if self.found.allows(action) { Ok(self) } else { Err(PageError::Forbidden) }
    }

    /// Only for the partner. The customer hears whom to ask, whatever address it came by (R20).
    pub fn partners(self, what: PartnerOnlyChange) -> Result<Self, PageError> {
        if !self.guest.on_behalf() {
            return Err(PageError::Refused(Arc::new(Refusal::PartnerOnly { what, contact: self.found.partner })));
        }
        if self.found.partner_may(&self.guest) { Ok(self) } else { Err(PageError::Forbidden) }
    }
}

struct Deed {
    id: &'static str,
    label: String,
    path: Option<String>,
    /// Why not, where there is no path.
    reason: String,
}

struct Event {
    at: String,
    who: String,
    what: Vec<String>,
}

#[derive(Template)]
#[template(path = "portal/reservation.html")]
struct DetailPage {
    shell: Shell,
    phase: Badge,
    /// Where lists leave it out.
    hidden: Option<Badge>,
    over: Option<Over>,
    deeds: Vec<Deed>,
    /// Empty where it is over.
    partners: Vec<Deed>,
    partners_lead: String,
    overview: Facts,
    utilization: UseOfReservation,
    properties: Facts,
    history: Option<Vec<Event>>,
    related: Vec<Related>,
}

/// Reservations that it came from or became: what they are to it, and their names and paths.
struct Related {
    what: String,
    others: Vec<(String, String)>,
}

/// One of them.
pub async fn detail(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject;
    let t = guest.visit().text;
    let (order, reservation) = (&found.order.order, &found.reservation);
    let phase = reservation.phase(order, guest.visit().request.now);
    let shell = Shell::portal(&guest, reservation.display_name.to_string(), Place::Reservations);
    let partners_lead = if guest.on_behalf() {
        t.get("reservations-partners-own")
    } else {
        let contact = words::reached(&found.partner.name, &found.partner.support);
        t.with_all("reservations-partners-only", &[("partner", &found.partner.name), ("contact", &contact)])
    };
    let explain = guest.path("/usage/explain");
    let revisions = revisions(&app, &guest, &found).await?;
    let over = Over::of(t, order, reservation, phase, revisions.as_deref());
    let (actor, customer, id) = (guest.actor(), guest.customer, reservation.id);
    let utilization = match &over {
        Some(over) => UseOfReservation::until(&app, actor, customer, id, over.at, &shell, &explain).await?,
        None => UseOfReservation::of(&app, actor, customer, id, &shell, &explain).await?,
    };
    Ok(ok(&DetailPage {
        phase: words::phase(t, phase),
        hidden: words::hidden(t, reservation),
        over,
        deeds: deeds(&guest, &found, phase.is_live()),
        partners: if phase.is_live() { partners(&guest, &found) } else { Vec::new() },
        partners_lead,
        overview: overview(t, &found),
        utilization,
        properties: properties(t, &found),
        history: revisions.map(|revisions| history(t, &found, &revisions)),
        related: related(&guest, &found),
        shell: shell.via(t.get("nav-reservations"), guest.path("/reservations")),
    }))
}

/// What whoever has the role may do (R22).
fn deeds(guest: &Guest, found: &Found, live: bool) -> Vec<Deed> {
    let t = guest.visit().text;
    let base = found.path(guest);
    let several = found.reservation.quantity > Quantity::new(1).unwrap_or(found.reservation.quantity);
    let deed = |id: &'static str, key: &'static str, action: &str, below: &str| {
        let reason = if found.allows(action) { String::new() } else { t.get("reservations-role-missing") };
        Deed { id, label: t.get(key), path: reason.is_empty().then(|| format!("{base}/{below}")), reason }
    };
    let mut all = Vec::new();
    if live {
        all.push(deed("rename", "reservations-rename", "reservations/write", "rename"));
        all.push(deed("split", "reservations-split", "split/action", "split"));
        all.push(deed("merge", "reservations-merge", "merge/action", "merge"));
    }
    for deed in &mut all {
        if deed.id == "split" && !several && deed.path.take().is_some() {
            deed.reason = t.get("reservations-split-one");
        }
        if deed.id == "merge" && super::changes::mates(guest, found).is_empty() && deed.path.take().is_some() {
            deed.reason = t.get("reservations-merge-none");
        }
    }
    // What is over can be hidden, and what is hidden shown again.
    let archived = found.reservation.archived;
    let (key, action) = if archived {
        ("change-unarchive", "reservations/unarchive/action")
    } else {
        ("change-archive", "reservations/archive/action")
    };
    if !live && found.allows(action) {
        let path = Some(format!("{base}/archive"));
        all.push(Deed { id: "archive", label: t.get(key), path, reason: String::new() });
    }
    all.push(Deed {
        id: "access",
        label: t.get("access-title"),
        path: Some(format!("{base}/access")),
        reason: String::new(),
    });
    all
}

/// What only the partner may do while it is not over (R20, R21).
fn partners(guest: &Guest, found: &Found) -> Vec<Deed> {
    let t = guest.visit().text;
    let base = found.path(guest);
    let returnable = is_returnable(found.order.order.resource_type);
    let deed = |id: &'static str, what: PartnerOnlyChange, below: &str| {
        // Why the customer may not, and whom to ask, stands above them all.
        let reason = if !guest.on_behalf() {
            String::new()
        } else if !found.partner_may(guest) {
            t.get("reservations-role-missing")
        } else if !returnable && matches!(what, PartnerOnlyChange::Exchange | PartnerOnlyChange::Refund) {
            t.get("refusal-not-returnable")
        } else {
            String::new()
        };
        let path = (guest.on_behalf() && reason.is_empty()).then(|| format!("{base}/{below}"));
        Deed { id, label: words::partner_only(t, what), path, reason }
    };
    vec![
        deed("exchange", PartnerOnlyChange::Exchange, "exchange"),
        deed("refund", PartnerOnlyChange::Refund, "return"),
        deed("renewal", PartnerOnlyChange::Renewal, "renewal"),
        deed("scope", PartnerOnlyChange::ScopeChange, "scope"),
    ]
}

fn overview(t: Text, found: &Found) -> Facts {
    let (order, reservation) = (&found.order.order, &found.reservation);
    let number = |n: i64| format::number(t.language(), n);
    let mut facts = vec![
        (t.get("purchase-sku"), order.sku.to_string()),
        (t.get("purchase-about"), words::resource_type(t, order.resource_type)),
        (t.get("purchase-region"), order.region.title().to_owned()),
        (t.get("purchase-quantity"), number(reservation.quantity.instances())),
        (t.get("purchase-scope"), found.scope(t)),
        (t.get("purchase-term"), words::term(t, order.term)),
        (t.get("reservations-starts"), format::instant_utc(t, order.starts_at)),
        (t.get("reservations-expires"), format::instant_utc(t, order.expires_at)),
        (t.get("reservations-bought-by"), buyer(t, &found.order)),
        (t.get("portal-partner"), words::reached(&found.partner.name, &found.partner.support)),
    ];
    let own = totals(order.prices.customer, reservation.quantity, order.plan, order.term, order_day(found));
    if let Ok(own) = own {
        facts.push((t.get("purchase-total"), format::money(t.language(), own.total)));
    }
    facts
}

fn order_day(found: &Found) -> jiff::civil::Date {
    fullmakt_domain::obstacle::day(found.order.order.requested_at)
}

fn properties(t: Text, found: &Found) -> Facts {
    let (order, reservation) = (&found.order.order, &found.reservation);
    let on_off = |on: bool| t.get(if on { "reservations-on" } else { "reservations-off" });
    let mut facts = vec![
        (t.get("reservations-id"), reservation.id.to_string()),
        (t.get("reservations-order-id"), order.id.to_string()),
        (t.get("reservations-order-number"), order.order.alternate().to_owned()),
        (t.get("portal-subscription-id"), order.subscription.to_string()),
        (t.get("purchase-plan"), words::plan(t, order.plan)),
        (t.get("reservations-bought-at"), format::instant_utc(t, order.requested_at)),
        (t.get("reservations-flexibility"), on_off(reservation.instance_flexibility)),
        (t.get("reservations-renewal"), on_off(reservation.renew)),
        (t.get("reservations-changed-at"), format::instant_utc(t, reservation.updated_at)),
    ];
    if let Some(at) = reservation.review_at {
        facts.push((t.get("reservations-review-at"), format::day_of(t, at)));
    }
    facts
}

/// What it has been, newest first; none where the visitor's roles do not reach that far.
async fn revisions(app: &App, guest: &Guest, found: &Found) -> Result<Option<Vec<Reservation>>, PageError> {
    let query = ListRevisions { order: found.order.order.id, reservation: found.reservation.id };
    match app.store.read(guest.actor(), &query).await {
        Ok(found) => Ok(found.map(|(_, revisions)| revisions)),
        Err(ReadError::Denied(Denied::Forbidden { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Who did what, newest first.
fn history(t: Text, found: &Found, revisions: &[Reservation]) -> Vec<Event> {
    let mut before: Option<&Reservation> = None;
    let mut events = Vec::new();
    for revision in revisions.iter().rev() {
        let what = match before {
            None => vec![beginning(t, found, revision)],
            Some(before) => differences(t, &found.order, before, revision),
        };
        let who = words::changer(t, revision);
        events.push(Event { at: format::instant(t, revision.updated_at), who, what });
        before = Some(revision);
    }
    events.reverse();
    events
}

fn beginning(t: Text, found: &Found, first: &Reservation) -> String {
    let of_others = found.order.reservations.iter().any(|r| r.lineage.successor == Some(first.id));
    t.get(match (first.lineage.source, first.lineage.renewed_from, of_others) {
        (Some(_), _, _) => "history-from-split",
        (None, Some(_), _) => "history-renewal",
        (None, None, true) => "history-from-merge",
        (None, None, false) => "history-bought",
    })
}

fn differences(t: Text, found: &OrderWithReservations, old: &Reservation, new: &Reservation) -> Vec<String> {
    let mut said = Vec::new();
    let mut changed = |key: &str, old: &str, new: &str| {
        if old != new {
            said.push(t.with_all(key, &[("old", &old), ("new", &new)]));
        }
    };
    let on_off = |on: bool| t.get(if on { "reservations-on" } else { "reservations-off" });
    changed("history-renamed", old.display_name.as_str(), new.display_name.as_str());
    changed("history-scope", &scope(t, found, old), &scope(t, found, new));
    changed("history-quantity", &old.quantity.to_string(), &new.quantity.to_string());
    changed("history-flexibility", &on_off(old.instance_flexibility), &on_off(new.instance_flexibility));
    if new.ending.is_none() {
        changed("history-renewal-set", &on_off(old.renew), &on_off(new.renew));
    }
    if old.review_at != new.review_at {
        said.push(t.get("history-review"));
    }
    if old.lineage.renewed_as != new.lineage.renewed_as {
        said.push(t.get("history-renewed"));
    }
    // Usage comes in late: the entry is of when it was known.
    if let Some(at) = new.first_used_at.filter(|at| old.first_used_at != Some(*at)) {
        said.push(t.with("history-first-used", "at", format::instant(t, at)));
    }
    if old.archived != new.archived {
        said.push(t.get(if new.archived { "history-hidden" } else { "history-shown" }));
    }
    if old.state != new.state && new.state == ReservationState::Expired {
        said.push(t.get("history-expired"));
    }
    if let (None, Some(ending)) = (old.ending, new.ending) {
        said.push(t.get(match ending {
            Ending::Split => "history-split",
            Ending::Merged => "history-merged",
            Ending::Returned => "history-returned",
            Ending::Exchanged => "history-exchanged",
        }));
    }
    if said.is_empty() {
        said.push(t.get("history-changed"));
    }
    said
}

/// What it came from and what it became.
fn related(guest: &Guest, found: &Found) -> Vec<Related> {
    let t = guest.visit().text;
    let here = &found.reservation;
    let names = words::reservation_names(t, found.order.reservations.iter());
    let name = |r: &Reservation| names.get(&r.id).cloned().unwrap_or_default();
    let mut all: Vec<(&str, String, String)> = Vec::new();
    let link = |key: &'static str, r: &Reservation| (key, name(r), path(guest, r.order, r.id));
    for other in &found.order.reservations {
        if here.lineage.source == Some(other.id) {
            all.push(link("related-split-from", other));
        } else if other.lineage.source == Some(here.id) {
            all.push(link("related-split-into", other));
        } else if here.lineage.successor == Some(other.id) {
            all.push(link("related-merged-into", other));
        } else if other.lineage.successor == Some(here.id) {
            all.push(link("related-merged-from", other));
        }
    }
    for (key, other) in
        [("related-renewed-as", here.lineage.renewed_as), ("related-renewed-from", here.lineage.renewed_from)]
    {
        if let Some((order, id)) = other {
            all.push((key, id.to_string(), path(guest, order, id)));
        }
    }
    let of_a_kind = all.chunk_by(|(one, ..), (next, ..)| one == next);
    let together = |links: &[(&str, String, String)]| {
        let (key, ..) = links.first()?;
        let others = links.iter().map(|(_, name, path)| (name.clone(), path.clone())).collect();
        Some(Related { what: t.get(key), others })
    };
    of_a_kind.filter_map(together).collect()
}
