//! The partner dashboard.

mod customers;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use fullmakt_server::App;

use crate::sign_in;

/// Its pages, and the front door.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(sign_in::home))
        .route("/dashboard", get(|| async { Redirect::to("/dashboard/customers") }))
        .route("/dashboard/customers", get(customers::list))
}
