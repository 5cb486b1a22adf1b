//! What rated usage tells, for the partner on the dashboard and for the customer in its portal: the same pages in two frames.

mod chargeback;
mod explain;
mod overview;
mod recommendations;
pub mod reservation;

use std::collections::{BTreeMap, BTreeSet};

use axum::RequestPartsExt as _;
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::routing::get;
use fullmakt_domain::actor::Actor;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::benefit::Known;
use fullmakt_domain::directory::ListSubscriptions;
use fullmakt_domain::entitlement::BrowseSubscriptions;
use fullmakt_domain::history::NamedCustomer;
use fullmakt_domain::ids::{CustomerId, EntitlementId, PartnerId, ReservationId, SubscriptionId};
use fullmakt_domain::order::ListBoughtReservations;
use fullmakt_domain::partner::GetBillingPartner;
use fullmakt_domain::reservation::{ListReservationOrders, OrderWithReservations, Reservation};
use fullmakt_domain::usage::{day_of, hour_start};
use fullmakt_server::App;
use fullmakt_server::text::Text;
use http::request::Parts;
use jiff::civil::Date;

use crate::dashboard::customer_of;
use crate::error::PageError;
use crate::parts::Empty;
use crate::shell::{Place, Shell};
use crate::visitor::{Agent, Guest, Visit};
use crate::{format, words};

/// Subscriptions of a customer whose names are looked up.
const SUBSCRIPTIONS: u32 = 10_000;

/// The pages below the address of a customer on the dashboard, or of a portal.
pub fn routes(base: &str) -> Router<App> {
    let at = |rest: &str| format!("{base}{rest}");
    Router::new()
        .route(&at("/usage"), get(overview::show))
        .route(&at("/usage/charge-back"), get(chargeback::show))
        .route(&at("/usage/charge-back/export.csv"), get(chargeback::export))
        .route(&at("/usage/explain"), get(explain::show))
        .route(&at("/what-to-buy"), get(recommendations::show))
}

/// Who looks at a customer's usage.
pub enum Reader {
    /// A partner's user on the dashboard.
    Agent(Box<Agent>, NamedCustomer),
    /// Someone in the customer's portal.
    Guest(Box<Guest>),
}

impl FromRequestParts<App> for Reader {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        if !parts.uri.path().starts_with("/dashboard/") {
            return Ok(Self::Guest(Box::new(Guest::from_request_parts(parts, app).await?)));
        }
        let agent = Agent::from_request_parts(parts, app).await?;
        let segments = parts.extract::<Path<BTreeMap<String, String>>>().await.map_err(|_| PageError::NotFound)?;
        let customer = segments.get("customer").ok_or(PageError::NotFound)?;
        let customer = customer_of(app, &agent, customer).await?;
        Ok(Self::Agent(Box::new(agent), customer))
    }
}

impl Reader {
    fn actor(&self) -> &Actor {
        match self {
            Self::Agent(agent, _) => agent.actor(),
            Self::Guest(guest) => guest.actor(),
        }
    }

    fn visit(&self) -> &Visit {
        match self {
            Self::Agent(agent, _) => agent.visit(),
            Self::Guest(guest) => guest.visit(),
        }
    }

    fn customer(&self) -> CustomerId {
        match self {
            Self::Agent(_, customer) => customer.id,
            Self::Guest(guest) => guest.customer,
        }
    }

    /// A path below the customer; `rest` begins with a slash.
    fn path(&self, rest: &str) -> String {
        match self {
            Self::Agent(_, customer) => format!("/dashboard/customers/{}{rest}", customer.id),
            Self::Guest(guest) => guest.path(rest),
        }
    }

    fn shell(&self, title: String, place: Place) -> Shell {
        match self {
            Self::Agent(agent, customer) => Shell::customer(agent, customer.id, &customer.name, title, place),
            Self::Guest(guest) => Shell::portal(guest, title, place),
        }
    }

    /// Whether it is the customer's own people who read, not the partner's.
    fn is_own(&self) -> bool {
        matches!(self, Self::Guest(guest) if !guest.on_behalf())
    }

    /// The names of what the reader may see. In the portal a partner's agent reads the names that the dashboard shows him, too,
    /// whatever roles he has with the customer: the figures there are of all that his partner sold.
    async fn names(&self, app: &App) -> Result<Names, PageError> {
        let mut names = Names::default();
        let mut reservations: BTreeMap<ReservationId, Reservation> = BTreeMap::new();
        let agent = match self {
            Self::Agent(agent, _) => Some(agent.as_ref().clone()),
            Self::Guest(guest) => guest.agent(),
        };
        if let Some(agent) = agent {
            for order in names.sold(app, &agent, self.customer()).await? {
                reservations.extend(order.reservations.into_iter().map(|one| (one.id, one)));
            }
        }
        match self {
            Self::Agent(..) => names.openable = reservations.keys().copied().collect(),
            Self::Guest(guest) => {
                for one in app.store.read(guest.actor(), &ListSubscriptions).await? {
                    let named =
                        Subscription { name: one.name, partner: one.partner, entitlement: None, reachable: true };
                    names.subscriptions.insert(one.id, named);
                }
                for order in app.store.read(guest.actor(), &ListReservationOrders).await? {
                    names.openable.extend(order.reservations.iter().map(|one| one.id));
                    reservations.extend(order.reservations.into_iter().map(|one| (one.id, one)));
                }
            }
        }
        names.reservations = words::reservation_names(self.visit().text, reservations.values());
        Ok(names)
    }

    /// The names of partners, where a page shows figures of several.
    async fn partners(
        &self,
        app: &App,
        names: &Names,
        known: &[Known],
    ) -> Result<BTreeMap<PartnerId, String>, PageError> {
        let mut found = BTreeMap::new();
        let wanted: BTreeSet<PartnerId> = known.iter().map(|one| one.partner).collect();
        if wanted.len() < 2 {
            return Ok(found);
        }
        for (id, subscription) in &names.subscriptions {
            if wanted.contains(&subscription.partner) && !found.contains_key(&subscription.partner) {
                let query = GetBillingPartner { scope: ArmScope::Subscription(*id) };
                if let Some(partner) = app.store.read(self.actor(), &query).await? {
                    found.insert(subscription.partner, partner.name);
                }
            }
        }
        Ok(found)
    }

    /// Where usage would be: how it gets here.
    fn no_usage(&self) -> Empty {
        let t = self.visit().text;
        let text = if self.is_own() { "usage-none-customer" } else { "usage-none-partner" };
        Empty::new(t.get("usage-none"), t.get(text))
    }

    /// Where advice would be: what it is made of.
    fn no_advice(&self) -> Empty {
        let t = self.visit().text;
        if self.is_own() {
            Empty::new(t.get("buy-no-usage"), t.get("buy-no-usage-customer"))
                .action(t.get("nav-purchase"), self.path("/purchase"))
        } else {
            Empty::new(t.get("buy-no-usage"), t.get("buy-no-usage-partner"))
        }
    }

    /// The pages about usage, and which of them this one is.
    fn tabs(&self, here: &str) -> Vec<Tab> {
        let t = self.visit().text;
        [("/usage", "usage-overview"), ("/usage/charge-back", "usage-chargeback"), ("/usage/explain", "usage-explain")]
            .into_iter()
            .map(|(rest, key)| Tab { label: t.get(key), path: self.path(rest), here: rest == here })
            .collect()
    }
}

/// A page beside others about the same.
struct Tab {
    label: String,
    path: String,
    here: bool,
}

/// A subscription that is spoken of.
struct Subscription {
    name: String,
    partner: PartnerId,
    /// What it hangs under, where the partner looks.
    entitlement: Option<EntitlementId>,
    /// Whether the reader may open it in the customer's portal.
    reachable: bool,
}

/// The names of what figures are about.
#[derive(Default)]
struct Names {
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    reservations: BTreeMap<ReservationId, String>,
    /// The reservations whose pages the reader may open.
    openable: BTreeSet<ReservationId>,
}

impl Names {
    /// Takes in the subscriptions that the agent's partner sold to a customer, and gives the reservations that it pays for.
    async fn sold(
        &mut self,
        app: &App,
        agent: &Agent,
        customer: CustomerId,
    ) -> Result<Vec<OrderWithReservations>, PageError> {
        let query = BrowseSubscriptions { customer, offset: 0, size: SUBSCRIPTIONS };
        for line in app.store.read(agent.actor(), &query).await?.lines {
            if let Some(subscription) = line.subscription {
                let named = Subscription {
                    name: subscription.name,
                    partner: agent.partner,
                    entitlement: Some(line.entitlement.id),
                    reachable: line.manageable,
                };
                self.subscriptions.insert(subscription.id, named);
            }
        }
        let bought = app.store.read(agent.actor(), &ListBoughtReservations { customer }).await?;
        Ok(bought.into_iter().map(|order| order.bought).collect())
    }

    /// The name of a subscription; of one that has gone, its identifier.
    fn subscription(&self, id: SubscriptionId) -> String {
        self.subscriptions.get(&id).map_or_else(|| id.to_string(), |found| found.name.clone())
    }

    fn reservation(&self, id: ReservationId) -> String {
        self.reservations.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// How far usage is known, in a sentence.
fn known_in_words(t: Text, known: &Known) -> String {
    let number = |n: i64| format::number(t.language(), n);
    let all = known.until.saturating_sub(known.from);
    let end = format::instant(t, hour_start(known.end.min(known.until)));
    let mut text = t.with_all("usage-known", &[("known", &number(known.hours)), ("all", &number(all)), ("end", &end)]);
    if known.waiting_days > 0 {
        text.push(' ');
        text.push_str(&t.with("usage-waiting", "days", known.waiting_days));
    }
    text
}

/// A day counted from 1970.
fn date_of(day: i64) -> Date {
    fullmakt_domain::obstacle::day(hour_start(day.saturating_mul(24)))
}

/// The whole days that a period touches, as hours.
fn whole_days(known: &Known) -> (i64, i64) {
    let first = day_of(known.from).saturating_mul(24);
    (first, day_of(known.until.saturating_sub(1)).saturating_add(1).saturating_mul(24))
}

/// What a figure of a chart shows: hundredths of an hour.
fn hundredths(quantity_e10: i128) -> i64 {
    i64::try_from(quantity_e10 / 100_000_000).unwrap_or(i64::MAX)
}

/// The same as people write it.
fn written(t: Text) -> impl Fn(i64) -> String {
    move |hundredths| format::quantity(t.language(), i128::from(hundredths) * 100_000_000)
}
