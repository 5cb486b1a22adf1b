//! The edge that speaks Azure Resource Manager.
//!
//! A request passes, in this order: its route, who asks, the version, the body's size, the handler. Errors of any of them
//! have one envelope, and every answer the same headers.

pub mod api_version;
pub mod body;
mod call;
pub mod catalogs;
mod consumption;
pub mod error;
pub mod filter;
mod graph;
pub mod headers;
mod lifecycle;
pub mod metadata;
pub mod orderby;
pub mod paging;
mod providers;
mod purchase_request;
pub mod query;
mod recommendations;
mod reservations;
mod returns;
mod role_assignments;
mod role_definitions;
pub mod routes;
mod subscriptions;
pub mod wire;

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fullmakt_domain::actor::Actor;
use fullmakt_store::Store;
use http::{HeaderValue, Method, StatusCode, header, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use uuid::Uuid;

use crate::App;
use crate::partner_center::throttle::{Limits, Throttle};
use crate::signin::{Audience, TokenError};
use crate::telemetry::{RouteName, note_actor};
use call::{Call, Reply};
use error::ArmError;
use headers::{Allowance, Stamp};
use query::Query;
use routes::{Found, Operation};

pub use routes::{ROUTES, Route};

/// What is left of an allowance that nobody counts.
const REMAINING_READS: u32 = 11_999;
const REMAINING_WRITES: u32 = 1_199;

/// Everything that Azure Resource Manager and the one call of Graph answer, as the last of the server's routers: what no
/// other edge takes comes here.
pub fn router(app: App) -> Router {
    let limit = app.settings.requests_per_minute.and_then(NonZeroU32::new);
    let throttle = Throttle::new(Limits { reads_per_minute: limit, writes_per_minute: limit });
    Router::new().fallback(enter).with_state(Edge { app, throttle: Arc::new(throttle) })
}

#[derive(Clone)]
struct Edge {
    app: App,
    throttle: Arc<Throttle>,
}

async fn enter(State(edge): State<Edge>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let stamp = Stamp::new(&parts.headers, Uuid::new_v4(), edge.app.clock.now());
    let base = edge.app.base_url(&parts.headers, &parts.uri);
    let found = routes::find(&parts.method, parts.uri.path());
    let pattern = found.as_ref().map_or("arm", |found| found.route.pattern);
    let answered = answer(&edge, &base, &stamp, &parts, found, body).await;
    let mut response = finished(answered.unwrap_or_else(IntoResponse::into_response), &stamp, &parts);
    response.extensions_mut().insert(RouteName(pattern));
    response
}

/// The headers that every answer has, and no body for HEAD.
fn finished(response: Response, stamp: &Stamp, parts: &request::Parts) -> Response {
    let first = parts.uri.path().split('/').find(|s| !s.is_empty()).unwrap_or_default();
    let allowance =
        if first.eq_ignore_ascii_case("subscriptions") { Allowance::Subscription } else { Allowance::Tenant };
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let remaining = if reads { REMAINING_READS } else { REMAINING_WRITES };
    let mut response = response;
    stamp.apply(response.headers_mut(), &parts.method, allowance, remaining);
    if parts.method == Method::HEAD { response.map(|_| Body::empty()) } else { response }
}

async fn answer(
    edge: &Edge,
    base: &str,
    stamp: &Stamp,
    parts: &request::Parts,
    found: Result<Found, ArmError>,
    body: Body,
) -> Result<Response, ArmError> {
    if parts.method == Method::OPTIONS {
        return options(found);
    }
    if let Ok(found) = &found
        && found.route.operation == Operation::MetadataEndpoints
    {
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        let version = query.get("api-version").unwrap_or_default().trim().to_owned();
        return Ok(Reply::ok(metadata::endpoints(base, &version)).into_response());
    }
    let actor = authenticate(&edge.app, base, parts, found.as_ref().ok()).await?;
    note_actor(&actor);
    let writes = !matches!(parts.method, Method::GET | Method::HEAD);
    if let Err(wait) = edge.throttle.admit(actor.tenant, None, writes) {
        return Err(ArmError::throttled(wait.as_secs().saturating_add(1)));
    }
    let request = Incoming { base, stamp, parts, found: &found?, body: read(body).await? };
    respond(&edge.app.store, &actor, &request).await.map(IntoResponse::into_response)
}

/// Which methods a path takes: the clients' pipelines and proxies ask without a token.
fn options(found: Result<Found, ArmError>) -> Result<Response, ArmError> {
    let allow = match found {
        Ok(found) => found.route.method.to_string(),
        Err(error) if error.status == StatusCode::METHOD_NOT_ALLOWED => error.allowed().to_owned(),
        Err(error) => return Err(error),
    };
    let mut response = Response::new(Body::empty());
    if let Ok(value) = HeaderValue::from_str(&allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    Ok(response)
}

async fn authenticate(app: &App, base: &str, parts: &request::Parts, found: Option<&Found>) -> Result<Actor, ArmError> {
    let challenge = |code, reason: &str| ArmError::unauthenticated(code, reason, &format!("{base}/common"));
    let verified = app.verify(&parts.headers, base).await.map_err(|error| match error {
        TokenError::Missing => {
            challenge("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        }
        TokenError::Malformed => challenge(
            "InvalidAuthenticationToken",
            "The access token is invalid: the 'Authorization' header does not hold a bearer token of this server.",
        ),
        TokenError::Expired => challenge("ExpiredAuthenticationToken", "The access token has expired. Get a new one."),
        TokenError::Refused(reason) => {
            challenge("InvalidAuthenticationToken", &format!("The access token is invalid: {reason}."))
        }
        TokenError::Fault(fault) => {
            tracing::error!(error = %call::chain(&fault), "the store failed");
            ArmError::unavailable(2)
        }
    })?;
    let graph = found.is_some_and(|f| f.route.operation == Operation::GetDirectoryObjects);
    match verified.audience {
        Audience::Arm | Audience::Own => Ok(verified.actor),
        Audience::Graph if graph => Ok(verified.actor),
        Audience::Graph | Audience::PartnerCenter => Err(challenge(
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for the wrong audience. The allowed audiences are \
             'https://management.azure.com/' and 'https://management.core.windows.net/'.",
        )),
    }
}

async fn read(body: Body) -> Result<Bytes, ArmError> {
    match Limited::new(body, body::MAX_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ArmError::too_large(body::MAX_BYTES)),
        Err(_) => Err(ArmError::content("", "broke off")),
    }
}

/// A request that found its route, before anybody looked at who sent it.
struct Incoming<'a> {
    base: &'a str,
    stamp: &'a Stamp,
    parts: &'a request::Parts,
    found: &'a Found,
    body: Bytes,
}

/// Answers a request of somebody who is signed in.
async fn respond(store: &Store, actor: &Actor, request: &Incoming<'_>) -> Result<Reply, ArmError> {
    let query = Query::parse(request.parts.uri.query().unwrap_or_default())?;
    let route = request.found.route;
    let below_subscription = !request.found.name("subscription").is_empty();
    let version = api_version::check(&query, route.provider, route.resource_type(), below_subscription)?;
    let call = Call {
        store,
        actor,
        context: request.stamp.context(),
        request: request.stamp.request,
        found: request.found,
        path: request.parts.uri.path(),
        query: &query,
        version: &version,
        base: request.base,
        headers: &request.parts.headers,
        body: &request.body,
    };
    handle(&call).await
}

async fn handle(call: &Call<'_>) -> Result<Reply, ArmError> {
    match call.found.route.operation {
        Operation::MetadataEndpoints => Ok(Reply::ok(metadata::endpoints(call.base, call.version))),
        Operation::ListTenants => subscriptions::tenants(call).await,
        Operation::ListSubscriptions => subscriptions::list(call).await,
        Operation::GetSubscription => subscriptions::get(call).await,
        Operation::ListLocations => subscriptions::locations(call).await,
        Operation::ListResourceGroups => subscriptions::resource_groups(call).await,
        Operation::GetResourceGroup => subscriptions::resource_group(call).await,
        Operation::ListProviders => providers::list(call).await,
        Operation::GetProvider => providers::get(call).await,
        Operation::RegisterProvider => providers::register(call).await,
        Operation::ListOperations => Ok(providers::operations()),
        Operation::ListCatalogs => reservations::catalog(call).await,
        Operation::ListAppliedReservations => reservations::applied(call).await,
        Operation::CalculatePrice => reservations::calculate_price(call).await,
        Operation::PurchaseOrder => reservations::purchase(call).await,
        Operation::ListOrders => reservations::list_orders(call).await,
        Operation::GetOrder => reservations::get_order(call).await,
        Operation::ListReservationsOfOrder => reservations::list_of_order(call).await,
        Operation::GetReservation => reservations::get(call).await,
        Operation::UpdateReservation => reservations::update(call).await,
        Operation::ListReservations => reservations::list_all(call).await,
        Operation::SplitReservation => lifecycle::split(call).await,
        Operation::MergeReservations => lifecycle::merge(call).await,
        Operation::SplitResult => lifecycle::split_result(call).await,
        Operation::MergeResult => lifecycle::merge_result(call).await,
        Operation::ArchiveReservation => lifecycle::archive(call).await,
        Operation::UnarchiveReservation => lifecycle::unarchive(call).await,
        Operation::AvailableScopes => lifecycle::available_scopes(call).await,
        Operation::ListRevisions => lifecycle::revisions(call).await,
        Operation::CalculateRefund => returns::calculate_refund(call).await,
        Operation::ReturnReservation => returns::give_back(call).await,
        Operation::CalculateExchange => returns::calculate_exchange(call).await,
        Operation::ExchangeReservations => returns::exchange(call).await,
        Operation::OperationResult => returns::operation_result(call).await,
        Operation::PartnerOnly => reservations::change_directory(call).await,
        Operation::ListRoleAssignments => role_assignments::list(call).await,
        Operation::GetRoleAssignment => role_assignments::get(call).await,
        Operation::PutRoleAssignment => role_assignments::put(call).await,
        Operation::DeleteRoleAssignment => role_assignments::delete(call).await,
        Operation::ListRoleDefinitions => role_definitions::list(call).await,
        Operation::GetRoleDefinition => role_definitions::get(call).await,
        Operation::PutRoleDefinition => role_definitions::put(call).await,
        Operation::DeleteRoleDefinition => role_definitions::delete(call).await,
        Operation::ListPermissions => role_assignments::permissions(call).await,
        Operation::ListDenyAssignments => role_assignments::deny_assignments(call).await,
        Operation::ReservationSummaries => consumption::summaries(call).await,
        Operation::ReservationDetails => consumption::details(call).await,
        Operation::UsageDetails => consumption::usage_details(call).await,
        Operation::ListRecommendations => recommendations::list(call).await,
        Operation::GetDirectoryObjects => graph::get_by_ids(call).await,
    }
}

#[cfg(test)]
mod tests;
