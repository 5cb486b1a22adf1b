//! What an operator sees: one log line and a few numbers for each request, health, metrics.
//!
//! Tokens, passwords, secrets and query strings are never logged.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fullmakt_domain::actor::Actor;
use fullmakt_domain::ids::CorrelationId;
use fullmakt_store::Store;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};
use uuid::Uuid;

use crate::face::Face;

/// The headers in which the clients name an operation, in the order in which they are believed.
const CORRELATION_HEADERS: [&str; 3] = ["ms-correlationid", "x-ms-correlation-request-id", "x-ms-client-request-id"];

/// The pattern of the route that answered, such as `/v1/customers/{id}`. A router that is not axum's puts it into the
/// extensions of its answers; nothing that a caller can choose may stand in it.
#[derive(Debug, Clone, Copy)]
pub struct RouteName(pub &'static str);

/// Notes in the log who makes the current request.
pub fn note_actor(actor: &Actor) {
    Span::current().record("actor", tracing::field::display(actor.principal));
}

/// Counts a request for a token by its kind of grant, and `succeeded` or the error of OAuth.
pub fn count_sign_in(grant: &'static str, outcome: &'static str) {
    metrics::counter!("fullmakt_sign_ins_total", "grant" => grant, "outcome" => outcome).increment(1);
}

/// Logs and counts one request. Goes around everything else.
///
/// A request that names no operation gets a number here, so that log, answer and activity record tell the same one.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let correlation = correlation(request.headers_mut());
    let method = request.method().clone();
    let path: String = request.uri().path().chars().take(512).collect();
    let face = Face::of(&path);
    let span = info_span!("request", correlation_id = %correlation, actor = Empty);

    let in_flight = InFlight::enter();
    let response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);

    let route = match response.extensions().get::<RouteName>() {
        Some(route) => route.0.to_owned(),
        None => match response.extensions().get::<MatchedPath>() {
            Some(matched) => matched.as_str().to_owned(),
            None => face.name().to_owned(),
        },
    };
    let status = response.status();
    let elapsed = begun.elapsed();
    let labels = [
        ("route", route.clone()),
        ("method", method_label(&method).to_owned()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::counter!("fullmakt_requests_total", &labels).increment(1);
    metrics::histogram!("fullmakt_request_duration_seconds", "route" => route.clone()).record(elapsed.as_secs_f64());
    let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let _entered = span.enter();
    if status.is_server_error() {
        tracing::error!(%method, path, route, status = status.as_u16(), duration_us, "request failed");
    } else {
        tracing::info!(%method, path, route, status = status.as_u16(), duration_us, "request");
    }
    response
}

/// Copies the pattern that axum matched to where [`observe`] finds it. Goes inside the router, around its routes.
pub async fn name_route(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(matched) = matched {
        response.extensions_mut().insert(matched);
    }
    response
}

/// Methods are chosen by callers; those that nobody answers count as one.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The caller's correlation id, or a new one that is put where both wire formats look for theirs.
fn correlation(headers: &mut HeaderMap) -> CorrelationId {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let given = CORRELATION_HEADERS.iter().find_map(|name| text(name).and_then(|text| CorrelationId::parse(text).ok()));
    let id = given.filter(|id| !id.0.is_nil()).unwrap_or_else(|| CorrelationId(Uuid::new_v4()));
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        for name in ["ms-correlationid", "x-ms-correlation-request-id"] {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
    }
    id
}

/// Counts requests in flight, also those whose caller goes away.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        metrics::gauge!("fullmakt_requests_in_flight").increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("fullmakt_requests_in_flight").decrement(1);
    }
}

/// `/healthz` and `/readyz`.
pub fn health(store: Store) -> Router {
    Router::new()
        .route("/healthz", get(|| async { plain(StatusCode::OK, "ok") }))
        .route("/readyz", get(ready))
        .layer(axum::middleware::from_fn(name_route))
        .with_state(store)
}

async fn ready(State(store): State<Store>) -> Response {
    match store.is_ready().await {
        Ok(true) => plain(StatusCode::OK, "ready"),
        Ok(false) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "the database has not this version's schema: run fullmakt migrate")
        }
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{text}\n")).into_response()
}

/// Numbers cannot be collected.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be collected: {0}")]
pub struct MetricsError(#[from] metrics_exporter_prometheus::BuildError);

/// Starts collecting numbers for the whole process.
///
/// # Errors
/// [`MetricsError`] when it was started before.
pub fn collect() -> Result<PrometheusHandle, MetricsError> {
    // Seconds. The time limit of a request lies within.
    const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("fullmakt_request_duration_seconds".to_owned()), &BUCKETS)?
        .install_recorder()?;
    metrics::describe_counter!("fullmakt_requests_total", "Requests by route, method and status.");
    metrics::describe_histogram!("fullmakt_request_duration_seconds", "How long requests took.");
    metrics::describe_gauge!("fullmakt_requests_in_flight", "Requests being answered.");
    metrics::describe_counter!("fullmakt_commands_total", "Commands by operation and outcome; purchases among them.");
    metrics::describe_counter!("fullmakt_refusals_total", "Refusals by operation and kind.");
    metrics::describe_counter!("fullmakt_sign_ins_total", "Sign-ins by grant and outcome.");
    metrics::describe_gauge!("fullmakt_database_connections", "Connections to the database by state.");
    metrics::describe_gauge!("fullmakt_jobs_due", "Pieces of the server's own work that have fallen due, by job.");
    metrics::describe_gauge!("fullmakt_jobs_lag_seconds", "How long ago the oldest of them fell due, by job.");
    metrics::describe_counter!(
        "fullmakt_jobs_done_total",
        "Pieces of the server's own work that this server did, by job."
    );
    metrics::describe_counter!("fullmakt_jobs_failed_total", "Pieces of it that failed and are tried again, by job.");
    Ok(handle)
}

/// `/metrics`, for a listener of its own.
pub fn metrics_page(handle: PrometheusHandle, store: Store) -> Router {
    let page = move || {
        let (handle, store) = (handle.clone(), store.clone());
        async move {
            let pool = store.pool();
            metrics::gauge!("fullmakt_database_connections", "state" => "idle").set(f64::from(pool.idle));
            metrics::gauge!("fullmakt_database_connections", "state" => "busy").set(f64::from(pool.busy));
            handle.run_upkeep();
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
        }
    };
    Router::new().route("/metrics", get(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corr(pairs: &[(&'static str, &str)]) -> (CorrelationId, HeaderMap) {
        let mut headers: HeaderMap =
            pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        (correlation(&mut headers), headers)
    }

    #[test]
    fn the_callers_number_is_kept_and_a_missing_one_is_made() {
        let own = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
        for name in CORRELATION_HEADERS {
            assert_eq!(corr(&[(name, own)]).0.to_string(), own);
        }
        let (made, headers) = corr(&[("ms-correlationid", "nonsense")]);
        assert_eq!(headers["ms-correlationid"], "nonsense", "the edge has to refuse it");
        assert_eq!(headers["x-ms-correlation-request-id"], made.to_string());
        assert_ne!(corr(&[]).0, corr(&[]).0);
    }
}
