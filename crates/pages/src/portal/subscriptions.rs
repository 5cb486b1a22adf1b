//! The customer's Azure subscriptions.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::directory::{AzureSubscription, ListSubscriptions};
use fullmakt_server::App;

use crate::error::PageError;
use crate::parts::Empty;
use crate::shell::{Place, Shell, ok};
use crate::visitor::Guest;

#[derive(Template)]
#[template(path = "portal/subscriptions.html")]
struct SubscriptionsPage {
    shell: Shell,
    subscriptions: Vec<AzureSubscription>,
    empty: Empty,
}

/// The list.
pub async fn list(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let subscriptions = app.store.read(guest.actor(), &ListSubscriptions).await?;
    Ok(ok(&SubscriptionsPage {
        shell: Shell::portal(&guest, t.get("nav-subscriptions"), Place::Subscriptions),
        subscriptions,
        empty: Empty::new(t.get("portal-no-subscriptions"), t.get("portal-no-subscriptions-text")),
    }))
}
