//! One request on its way through a handler, and what comes back.

use axum::body::Body as HttpBody;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::actor::Actor;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::{Command, Denied};
use fullmakt_domain::ids::{ReservationId, ReservationOrderId, SubscriptionId};
use fullmakt_domain::refusal::Refusal;
use fullmakt_store::{Answer, ExecuteError, Fault, Load, ReadError, Store};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Body;
use super::error::ArmError;
use super::paging::Address;
use super::query::Query;
use super::routes::Found;

/// A request that is signed in, well formed and routed.
pub struct Call<'a> {
    /// The data.
    pub store: &'a Store,
    /// Who asks.
    pub actor: &'a Actor,
    /// When, and under which number in the log.
    pub context: RequestContext,
    /// The number that the answer's headers name.
    pub request: Uuid,
    /// The route and what stood for its names.
    pub found: &'a Found,
    /// The path as sent.
    pub path: &'a str,
    /// The query.
    pub query: &'a Query,
    /// The version to answer in.
    pub version: &'a str,
    /// This server's address, as the sender knows it.
    pub base: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body as sent.
    pub body: &'a Bytes,
}

impl Call<'_> {
    /// The body as JSON.
    ///
    /// # Errors
    /// As [`Body::read`].
    pub fn json(&self) -> Result<Body, ArmError> {
        Body::read(self.headers, self.body)
    }

    /// What stood for `{name}`.
    pub fn name(&self, name: &str) -> &str {
        self.found.name(name)
    }

    /// The subscription of the path.
    ///
    /// # Errors
    /// 404 for what is no GUID: nothing can be there.
    pub fn subscription(&self) -> Result<SubscriptionId, ArmError> {
        let text = self.name("subscription");
        SubscriptionId::parse(text).map_err(|_| ArmError::no_subscription(text.chars().take(100).collect::<String>()))
    }

    /// The reservation order of the path.
    ///
    /// # Errors
    /// 400 `InvalidReservationOrderId`.
    pub fn order(&self) -> Result<ReservationOrderId, ArmError> {
        ReservationOrderId::parse(self.name("order")).map_err(|error| {
            let message = format!("The reservation order id {error}.");
            ArmError::bad_request("InvalidReservationOrderId", message).with_target("reservationOrderId")
        })
    }

    /// The reservation of the path.
    ///
    /// # Errors
    /// 400 `InvalidReservationId`.
    pub fn reservation(&self) -> Result<ReservationId, ArmError> {
        ReservationId::parse(self.name("reservation")).map_err(|error| {
            let message = format!("The reservation id {error}.");
            ArmError::bad_request("InvalidReservationId", message).with_target("reservationId")
        })
    }

    /// The scope of the path.
    ///
    /// # Errors
    /// 400 or 404 for what is no scope.
    pub fn scope(&self) -> Result<ArmScope, ArmError> {
        let text = self.name("scope");
        ArmScope::parse(text).map_err(|error| {
            let segments: Vec<&str> = text.split('/').filter(|s| !s.is_empty()).collect();
            match segments.as_slice() {
                [first, id, ..] if first.eq_ignore_ascii_case("subscriptions") => {
                    ArmError::no_subscription(id.chars().take(100).collect::<String>())
                }
                _ => ArmError::bad_request("InvalidRequestUri", format!("The scope is not valid: {error}.")),
            }
        })
    }

    /// The address of this request, for links to further pages.
    pub fn address(&self) -> Address<'_> {
        Address { base: self.base, path: self.path, query: self.query }
    }

    /// Asks the store. `scope` is what a refusal names.
    ///
    /// # Errors
    /// 403 or 404 for who may not, 500 or 503 for our own trouble.
    pub async fn read<Q: Answer>(&self, query: &Q, scope: &ArmScope) -> Result<Q::Answer, ArmError> {
        self.store.read(self.actor, query).await.map_err(|error| match error {
            ReadError::Denied(denied) => self.denied(denied, scope),
            ReadError::Fault(fault) => self.fault(&fault),
        })
    }

    /// Has the store do something. `scope` is what a refusal names.
    ///
    /// # Errors
    /// As [`Call::read`], and what the decision refuses.
    pub async fn execute<C: Load>(&self, command: &C, scope: &ArmScope) -> Result<<C as Command>::Receipt, ArmError> {
        self.store.execute(self.actor, command, &self.context).await.map_err(|error| match error {
            ExecuteError::Denied(denied) => self.denied(denied, scope),
            ExecuteError::Refused(refusal) => self.refused(refusal, scope),
            ExecuteError::Fault(fault) => self.fault(&fault),
        })
    }

    /// 403 for this caller.
    pub fn not_authorized(&self, action: &str, scope: &ArmScope) -> ArmError {
        let client = match self.actor.application {
            Some(client) if self.actor.kind == fullmakt_domain::actor::PrincipalKind::Application => client.to_string(),
            _ => self.actor.name.clone(),
        };
        ArmError::not_authorized(&client, &self.actor.principal.to_string(), action, &scope.to_string())
    }

    /// A refusal. Those about who asks begin with the text that clients look for, and go on with what to do about it.
    fn refused(&self, refusal: Refusal, scope: &ArmScope) -> ArmError {
        let contact = match &refusal {
            Refusal::PartnerOnly { contact, .. } => Some(json!({"name": contact.name, "support": contact.support})),
            _ => None,
        };
        let mut error = ArmError::from(refusal);
        if error.code == "AuthorizationFailed" {
            let order = ReservationOrderId::parse(self.name("order")).map(ArmScope::ReservationOrder);
            let over = order.as_ref().unwrap_or(scope);
            let refused = self.not_authorized(&self.found.action(), over);
            error.message = format!("{} {}", refused.message, error.message);
        }
        match contact {
            Some(contact) => error.with_info("PartnerContact", contact),
            None => error,
        }
    }

    fn denied(&self, denied: Denied, scope: &ArmScope) -> ArmError {
        match denied {
            Denied::Hidden => ArmError::no_scope(scope),
            // The route's own action names a method of access that people know; the operation's name would not.
            Denied::Forbidden { action, .. } if action.contains('/') => self.not_authorized(action, scope),
            Denied::Forbidden { .. } => self.not_authorized(&self.found.action(), scope),
        }
    }

    /// 500 or 503, logged once.
    pub fn fault(&self, fault: &Fault) -> ArmError {
        tracing::error!(error = %chain(fault), request = %self.request, "the store failed");
        if fault.is_transient() { ArmError::unavailable(2) } else { ArmError::internal(self.request) }
    }
}

/// An error with all its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What a handler answers with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    status: StatusCode,
    body: Option<Value>,
    location: Option<String>,
    operation: Option<String>,
    retry_after_s: Option<u32>,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self::with(StatusCode::OK, body)
    }

    /// A status with a body.
    pub fn with(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(body), location: None, operation: None, retry_after_s: None }
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, location: None, operation: None, retry_after_s: None }
    }

    /// 200 without a body.
    pub fn done() -> Self {
        Self { status: StatusCode::OK, body: None, location: None, operation: None, retry_after_s: None }
    }

    /// Adds where the result can be read again.
    #[must_use]
    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    /// Adds where the operation's progress can be read.
    #[must_use]
    pub fn watched_at(mut self, operation: String) -> Self {
        self.operation = Some(operation);
        self
    }

    /// 202 with a body; the client reads `location` after `retry_after_s` seconds.
    pub fn accepted(body: Value, location: String, retry_after_s: u32) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            body: Some(body),
            location: Some(location),
            operation: None,
            retry_after_s: Some(retry_after_s),
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let has_body = self.body.is_some();
        let body = self.body.map_or_else(HttpBody::empty, |body| HttpBody::from(body.to_string()));
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(super::headers::JSON));
        }
        if let Some(location) = self.location.and_then(|l| HeaderValue::from_str(&l).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if let Some(operation) = self.operation.and_then(|o| HeaderValue::from_str(&o).ok()) {
            headers.insert("azure-asyncoperation", operation);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
