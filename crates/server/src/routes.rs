//! Which edge takes a request.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use tower::ServiceExt as _;

use crate::face::Face;
use crate::{App, arm, own, partner_center, telemetry};

#[derive(Clone)]
struct Edges {
    partner_center: Router,
    arm: Router,
    own: Router,
}

/// All edges behind one router. Paths are told apart by their first segments, in any case and with any number of slashes,
/// because clients differ in both; the edge itself sees the path as it came.
pub fn routes(app: &App) -> Router {
    let edges = Edges {
        partner_center: partner_center::router(app.clone()),
        arm: arm::router(app.clone()),
        own: own::router(app.clone()).layer(from_fn(telemetry::name_route)),
    };
    Router::new().fallback(enter).with_state(edges)
}

async fn enter(State(edges): State<Edges>, request: Request) -> Response {
    let edge = match Face::of(request.uri().path()) {
        Face::PartnerCenter => edges.partner_center,
        Face::Other if request.uri().path() == "/" => return front_door(request.method()),
        Face::Arm => edges.arm,
        Face::Own | Face::SignIn | Face::Other => edges.own,
    };
    match edge.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// What someone hears who opens the address in a browser.
fn front_door(method: &Method) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let text = concat!(
        "Fullmakt ",
        env!("CARGO_PKG_VERSION"),
        "\n\nPartner Center API        /v1\n",
        "Azure Resource Manager    /subscriptions, /providers, /tenants, /metadata/endpoints\n",
        "Own API                   /fullmakt/v1/openapi.json\n",
        "Sign-in                   /common/v2.0/.well-known/openid-configuration\n",
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
