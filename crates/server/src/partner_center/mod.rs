//! The Partner Center REST API, as its SDKs and scripts speak it.
//!
//! A request passes the front (`front.rs`): its path is brought to one spelling, its token is verified, it is counted, its
//! body is read, a repeat is answered from what was kept; then its handler runs. Every answer carries the identifiers of
//! the request. Nothing is ever redirected: a redirect loses the token.

mod agreements;
mod audit_records;
pub mod body;
pub mod call;
mod carts;
mod catalog;
pub mod collection;
mod customers;
pub mod dates;
mod entitlements;
pub mod error;
pub mod etag;
pub mod filter;
mod front;
pub mod headers;
mod idempotency;
mod invoices;
mod lines;
pub mod normalize;
mod orders;
mod profiles;
pub mod reply;
mod self_serve_policies;
mod subscriptions;
#[cfg(test)]
mod tests;
pub mod throttle;

use axum::Router;
use axum::middleware::from_fn;

pub use call::{Call, customer_id};
pub use error::{Code, Failure};
pub use reply::Reply;

use crate::{App, telemetry};

/// The routes under `/v1`, all in lower case: [`normalize::path`] brings requests to it.
fn routes() -> Router<App> {
    Router::new()
        .merge(agreements::routes())
        .merge(audit_records::routes())
        .merge(catalog::routes())
        .merge(carts::routes())
        .merge(customers::routes())
        .merge(profiles::routes())
        .merge(entitlements::routes())
        .merge(invoices::routes())
        .merge(orders::routes())
        .merge(self_serve_policies::routes())
        .merge(subscriptions::routes())
}

/// The whole API, to be merged into the server's router.
pub fn router(app: App) -> Router {
    front::router(app, routes().layer(from_fn(telemetry::name_route)))
}
