//! What stands around every route: observation, limits, sign-in, health.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

use crate::app::App;
use crate::limits::{self, Limits};
use crate::signin;
use crate::telemetry;

/// The whole server as one service, with the pages beside the APIs.
pub fn router(app: &App, pages: Router, limits: Limits) -> Router {
    around(crate::routes(app, pages), app, limits)
}

/// Puts `routes` behind sign-in, limits and observation, and health beside them.
fn around(routes: Router, app: &App, limits: Limits) -> Router {
    routes
        .merge(telemetry::health(app.store.clone()))
        .layer(from_fn_with_state(app.signin.clone(), signin::intercept))
        .layer(from_fn_with_state(limits, limits::guard))
        .layer(from_fn(telemetry::observe))
}
