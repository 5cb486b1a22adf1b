//! The customer portal.

mod subscriptions;

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fullmakt_server::App;

use crate::error::PageError;
use crate::sign_in;
use crate::visitor::{Guest, Visitor};

/// Its pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/portal", get(home))
        .route("/portal/{customer}", get(own))
        .route("/portal/{customer}/subscriptions", get(subscriptions::list))
}

async fn home(visitor: Visitor) -> Response {
    sign_in::home(Ok::<_, PageError>(visitor)).await
}

async fn own(guest: Guest) -> Response {
    Redirect::to(&guest.path("/subscriptions")).into_response()
}
