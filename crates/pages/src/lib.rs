//! The pages of Fullmakt: the partner dashboard and the customer portal, in English and Swedish.
//!
//! They are rendered on the server and work without scripts. Every page goes through the same guarded door as the APIs:
//! a handler reads a form into a command or query of the domain, and renders what comes of it.

mod assets;
mod chart;
mod csv;
mod dashboard;
mod entries;
mod error;
mod fields;
mod format;
mod front;
mod over;
mod parts;
mod portal;
mod shell;
mod sign_in;
mod statement;
mod usage;
mod visitor;
mod words;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use fullmakt_server::{App, telemetry};

use error::PageError;

/// All pages.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/language", post(sign_in::speak))
        .route("/assets/{file}", get(assets::serve))
        .merge(dashboard::routes())
        .merge(portal::routes())
        .fallback(|| async { PageError::NotFound })
        .method_not_allowed_fallback(|| async { PageError::NotFound })
        .layer(from_fn_with_state(app.clone(), front::guard))
        .layer(axum::middleware::from_fn(telemetry::name_route))
        .with_state(app)
}
