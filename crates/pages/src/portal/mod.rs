//! The customer portal.

mod access;
mod catalogue;
mod changes;
mod exchange;
mod purchase;
mod reservations;
mod returns;
mod statement;
mod subscriptions;

use std::collections::HashMap;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fullmakt_domain::ids::SubscriptionId;
use fullmakt_domain::obstacle::Obstacle;
use fullmakt_server::App;
use fullmakt_server::text::Text;

use crate::error::PageError;
use crate::parts::Empty;
use crate::visitor::{Guest, Visitor};
use crate::{sign_in, usage, words};

/// Its pages.
pub fn routes() -> Router<App> {
    let subscription = "/portal/{customer}/subscriptions/{subscription}";
    let reservation = "/portal/{customer}/reservations/{order}/{reservation}";
    let mut router = Router::new()
        .route("/portal", get(home))
        .route("/portal/{customer}", get(own))
        .route("/portal/{customer}/subscriptions", get(subscriptions::list))
        .route(subscription, get(subscriptions::detail))
        .route("/portal/{customer}/reservations", get(reservations::list))
        .route(reservation, get(reservations::detail))
        .route(&format!("{reservation}/rename"), get(changes::rename).post(changes::set_name))
        .route(&format!("{reservation}/split"), get(changes::split).post(changes::divide))
        .route(&format!("{reservation}/merge"), get(changes::merge).post(changes::unite))
        .route(&format!("{reservation}/scope"), get(changes::scope).post(changes::set_scope))
        .route(&format!("{reservation}/renewal"), get(changes::renewal).post(changes::set_renewal))
        .route(&format!("{reservation}/renew"), get(changes::renew).post(changes::buy_renewal))
        .route(&format!("{reservation}/archive"), get(changes::archive).post(changes::set_archived))
        .route(&format!("{reservation}/return"), get(returns::ask).post(returns::calculate))
        .route(&format!("{reservation}/return/{{session}}"), get(returns::review).post(returns::give_back))
        .route(&format!("{reservation}/exchange"), get(exchange::choose))
        .route(&format!("{reservation}/exchange/item"), get(exchange::configure).post(exchange::calculate))
        .route(&format!("{reservation}/exchange/{{session}}"), get(exchange::review).post(exchange::make))
        .route("/portal/{customer}/statement", get(statement::show))
        .route("/portal/{customer}/statement/export.csv", get(statement::export))
        .route("/portal/{customer}/statement/export.pdf", get(statement::print))
        .route("/portal/{customer}/purchase", get(purchase::browse))
        .route("/portal/{customer}/purchase/item", get(purchase::configure).post(purchase::quote))
        .route("/portal/{customer}/purchase/review/{order}", get(purchase::review).post(purchase::buy))
        .route("/portal/{customer}/purchase/done/{order}", get(purchase::done));
    for place in [subscription, reservation] {
        router = router
            .route(&format!("{place}/access"), get(access::list))
            .route(&format!("{place}/access/add"), get(access::add).post(access::assign))
            .route(&format!("{place}/access/{{assignment}}/remove"), get(access::confirm).post(access::remove));
    }
    router.merge(usage::routes("/portal/{customer}"))
}

async fn home(visitor: Visitor) -> Response {
    sign_in::home(Ok::<_, PageError>(visitor)).await
}

async fn own(guest: Guest) -> Response {
    Redirect::to(&guest.path("/subscriptions")).into_response()
}

/// Where subscriptions would be: why there are none. A partner's agent sees on the dashboard what was bought.
fn no_subscriptions(guest: &Guest) -> Empty {
    let t = guest.visit().text;
    if guest.on_behalf() {
        let dashboard = format!("/dashboard/customers/{}/subscriptions", guest.customer);
        Empty::new(t.get("portal-no-subscriptions"), t.get("portal-no-subscriptions-behalf"))
            .action(t.get("portal-to-dashboard"), dashboard)
    } else {
        Empty::new(t.get("portal-no-subscriptions"), t.get("portal-no-subscriptions-text"))
    }
}

/// The segments of a path by their names.
type Segments = HashMap<String, String>;

/// A segment of the path as an identifier; what is none names nothing.
fn segment<T: std::str::FromStr>(segments: &Segments, name: &str) -> Result<T, PageError> {
    segments.get(name).and_then(|text| text.parse().ok()).ok_or(PageError::NotFound)
}

/// Names and values of a `<dl>`, both in words.
type Facts = Vec<(String, String)>;

/// Everything that stands in the way of a purchase, each with its remedy (R12).
#[derive(Debug, Clone, Template)]
#[template(path = "portal/hindrances.html")]
struct Hindrances {
    title: String,
    found: Vec<Hindrance>,
}

impl HtmlSafe for Hindrances {}

#[derive(Debug, Clone)]
struct Hindrance {
    text: String,
    remedy: String,
    help: Option<(String, String)>,
}

impl Hindrances {
    /// None where nothing stands in the way.
    fn of(guest: &Guest, found: &[Obstacle]) -> Option<Self> {
        let t = guest.visit().text;
        let one = |obstacle: &Obstacle| Hindrance {
            text: words::obstacle(t, obstacle),
            remedy: words::remedy(t, obstacle),
            help: match obstacle {
                Obstacle::NotOwner { subscription, .. } => Some(access_link(guest, t, *subscription)),
                _ => None,
            },
        };
        let found: Vec<Hindrance> = found.iter().map(one).collect();
        (!found.is_empty()).then(|| Self { title: t.get("purchase-hindered"), found })
    }

    /// For whoever may not open the pages that help.
    fn without_links(mut self) -> Self {
        for one in &mut self.found {
            one.help = None;
        }
        self
    }
}

fn access_link(guest: &Guest, t: Text, subscription: SubscriptionId) -> (String, String) {
    (t.get("access-title"), guest.path(&format!("/subscriptions/{subscription}/access")))
}
