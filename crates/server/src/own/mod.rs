//! What neither wire format has: `/fullmakt/v1/`, JSON, errors as problem details (RFC 9457).

mod benefit;
mod can_buy;
mod clock;
mod csv;
pub mod focus;
pub mod ledger;
pub mod period;
mod prices;
mod problem;
mod recommendations;
mod returns;
mod usage;

use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::actor::Actor;
use fullmakt_domain::ids::CorrelationId;
use http::request::Parts;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

pub use problem::Problem;

use crate::App;
use crate::signin::TokenError;
use crate::telemetry::note_actor;

/// The description of the own API, as `/fullmakt/v1/openapi.json` serves it.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Where the clock is read and moved.
pub const CLOCK: &str = "/fullmakt/v1/clock";

/// The own API.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/fullmakt/v1/openapi.json", get(openapi))
        .route("/fullmakt/v1/can-buy", post(can_buy::ask))
        .route(CLOCK, get(clock::show).post(clock::set))
        .route("/fullmakt/v1/customers/{customer}/ledger", get(ledger::list))
        .route("/fullmakt/v1/customers/{customer}/statement", get(ledger::statement))
        .route("/fullmakt/v1/customers/{customer}/charges", get(ledger::charges))
        .route("/fullmakt/v1/customers/{customer}/export", get(ledger::export))
        .route("/fullmakt/v1/prices", get(prices::list).post(prices::add))
        .route("/fullmakt/v1/prices/{rule}", delete(prices::end))
        .route("/fullmakt/v1/refund-policy", put(returns::set_policy))
        .route("/fullmakt/v1/conversion-rates", put(returns::set_rate))
        .route("/fullmakt/v1/customers/{customer}/returns", get(returns::window))
        .route("/fullmakt/v1/customers/{customer}/recommendations", get(recommendations::list))
        .route("/fullmakt/v1/reservations/{order}/{reservation}/renew", post(returns::renew))
        .route("/fullmakt/v1/usage", post(usage::import))
        .route("/fullmakt/v1/customers/{customer}/usage", get(usage::known_usage))
        .route("/fullmakt/v1/customers/{customer}/utilization", get(benefit::utilization))
        .route("/fullmakt/v1/customers/{customer}/coverage", get(benefit::coverage))
        .route("/fullmakt/v1/customers/{customer}/chargeback", get(benefit::chargeback))
        .route("/fullmakt/v1/customers/{customer}/explanation", get(benefit::explanation))
        .fallback(|| async { Problem::not_found("nothing is served at this path; see /fullmakt/v1/openapi.json") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(app)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// Who asks, and the request's context: what every handler of the own API begins with.
pub struct Caller {
    /// Who asks.
    pub actor: Actor,
    /// For the door.
    pub request: RequestContext,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let base = app.base_url(&parts.headers, &parts.uri);
        let verified = app.verify(&parts.headers, &base).await.map_err(|error| match error {
            TokenError::Fault(fault) => Problem::from(fault),
            other => Problem::unauthorized(&other.to_string()),
        })?;
        note_actor(&verified.actor);
        Ok(Self { actor: verified.actor, request: app.request(correlation(&parts.headers)) })
    }
}

fn correlation(headers: &HeaderMap) -> CorrelationId {
    let given = headers.get("x-ms-correlation-request-id").and_then(|v| v.to_str().ok());
    given.and_then(|text| CorrelationId::parse(text).ok()).unwrap_or_else(|| CorrelationId(Uuid::new_v4()))
}

/// Reads a JSON body and says which part of it is wrong.
///
/// # Errors
/// [`Problem`] with status 400 or 415.
pub async fn read_json<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    parse_json(&json_bytes(request, 1 << 20).await?)
}

/// Reads a long JSON body, as long as the server takes one, without a copy in between.
///
/// # Errors
/// [`Problem`] with status 400 or 415.
pub async fn parse_body<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let bytes = json_bytes(request, usize::MAX).await?;
    serde_json::from_slice(&bytes).map_err(|e| Problem::bad_request("body", &e.to_string()))
}

async fn json_bytes(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !content_type.to_ascii_lowercase().contains("json") {
        return Err(Problem::unsupported_media_type());
    }
    axum::body::to_bytes(request.into_body(), limit)
        .await
        .map_err(|_| Problem::bad_request("body", "the body is too long or broke off"))
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|e| Problem::bad_request("body", &format!("not JSON: {e}")))?;
    serde_json::from_value(value).map_err(|e| Problem::bad_request("body", &e.to_string()))
}

/// An answer of 200 with JSON.
pub fn ok(value: Value) -> Response {
    Json(value).into_response()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_body_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_json::<can_buy::Question>(&bytes);
        }

        #[test]
        fn any_figures_of_returns_are_read_or_refused(
            key in "(validFrom|fullRefundDays|feePercent|limit|windowMonths|currency|rate)",
            value in prop_oneof![
                any::<i64>().prop_map(Value::from), "[0-9.-]{0,12}".prop_map(Value::from), ".{0,20}".prop_map(Value::from),
                Just(Value::Null),
            ],
        ) {
            let mut body = serde_json::json!({"validFrom": "2027-01-01"});
            body[&key] = value.clone();
            if let Ok(new) = parse_json::<returns::NewPolicy>(body.to_string().as_bytes()) {
                let _ = new.read();
            }
            let mut body = serde_json::json!({"validFrom": "2027-01-01", "currency": "SEK", "rate": "10.5"});
            body[&key] = value;
            if let Ok(new) = parse_json::<returns::NewRate>(body.to_string().as_bytes()) {
                let _ = new.read();
            }
        }

        #[test]
        fn any_question_is_understood_or_refused(
            key in "(customer|user|subscription|sku|region|term|billingPlan|quantity|scope)",
            value in prop_oneof![any::<i64>().prop_map(Value::from), ".{0,40}".prop_map(Value::from), Just(Value::Null)],
        ) {
            let mut body = serde_json::json!({"customer": "22222222-2222-4222-8222-222222222222"});
            body[key] = value;
            if let Ok(question) = parse_json::<can_buy::Question>(body.to_string().as_bytes()) {
                let _ = question.read(&can_buy::tests::someone(), jiff::Timestamp::UNIX_EPOCH);
            }
        }
    }
}
