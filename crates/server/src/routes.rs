//! Which edge takes a request.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};
use tower::ServiceExt as _;

use crate::face::Face;
use crate::{App, arm, own, partner_center, telemetry};

#[derive(Clone)]
struct Edges {
    partner_center: Router,
    arm: Router,
    own: Router,
    pages: Router,
}

/// All edges behind one router. Paths are told apart by their first segments, in any case and with any number of slashes,
/// because clients differ in both; the edge itself sees the path as it came.
///
/// `pages` takes what is none of the APIs'.
pub fn routes(app: &App, pages: Router) -> Router {
    let edges = Edges {
        partner_center: partner_center::router(app.clone()),
        arm: arm::router(app.clone()),
        own: own::router(app.clone()).layer(from_fn(telemetry::name_route)),
        pages,
    };
    Router::new().fallback(enter).with_state(edges)
}

async fn enter(State(edges): State<Edges>, request: Request) -> Response {
    let edge = match Face::of(request.uri().path()) {
        Face::PartnerCenter => edges.partner_center,
        Face::Other if request.uri().path() == "/" && !wants_page(request.headers()) => {
            return front_door(request.method());
        }
        Face::Arm => edges.arm,
        Face::Own | Face::SignIn => edges.own,
        Face::Other => edges.pages,
    };
    match edge.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Whether someone asks with a browser.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains("text/html"))
}

/// What a program hears that asks at the bare address.
fn front_door(method: &Method) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let text = concat!(
        "Fullmakt ",
        env!("CARGO_PKG_VERSION"),
        "\n\nPages                     /dashboard, /portal\n",
        "Partner Center API        /v1\n",
        "Azure Resource Manager    /subscriptions, /providers, /tenants, /metadata/endpoints\n",
        "Own API                   /fullmakt/v1/openapi.json\n",
        "Sign-in                   /common/v2.0/.well-known/openid-configuration\n",
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
