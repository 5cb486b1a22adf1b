//! Errors as Azure Resource Manager words them.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::NotForSale;
use fullmakt_domain::obstacle::Obstacle;
use fullmakt_domain::refusal::Refusal;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// One answer that says no: a status and the error envelope.
///
/// `Retry-After` can only be set by [`ArmError::throttled`] and [`ArmError::unavailable`], because the clients repeat every
/// request, purchases included, whose refusal carries that header.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The code that programs compare.
    pub code: &'static str,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// What few errors have; boxed, since errors are passed around more often than sent.
    more: Box<More>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct More {
    target: Option<String>,
    details: Vec<(&'static str, String)>,
    additional_info: Vec<(&'static str, Value)>,
    retry_after_s: Option<u64>,
    challenge: Option<String>,
    allow: Option<String>,
}

impl ArmError {
    /// An error with a code and a text.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), more: Box::default() }
    }

    /// 400 with a code of its own.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400 for a body that cannot be read; `path` is the property concerned, such as `properties.quantity`.
    pub fn content(path: &str, message: impl std::fmt::Display) -> Self {
        let named = if path.is_empty() { "the request body".to_owned() } else { format!("property `{path}`") };
        let error =
            Self::bad_request("InvalidRequestContent", format!("The request content was invalid: {named} {message}"));
        if path.is_empty() { error } else { error.with_target(path) }
    }

    /// 400 for a query parameter or path segment that cannot be read.
    pub fn uri(name: &str, message: impl std::fmt::Display) -> Self {
        Self::bad_request("InvalidRequestUri", format!("The request URI was invalid: `{name}` {message}"))
            .with_target(name)
    }

    /// 403 in the text form that clients and people know.
    pub fn not_authorized(client: &str, object: &str, action: &str, scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "AuthorizationFailed",
            format!(
                "The client '{client}' with object id '{object}' does not have authorization to perform action '{action}' over \
                 scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
            ),
        )
    }

    /// 404 for a subscription that is not there or not visible.
    pub fn no_subscription(id: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", format!("The subscription '{id}' could not be found."))
    }

    /// 404 for a reservation order that is not there or not visible.
    pub fn no_order(id: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ReservationOrderNotFound",
            format!("The reservation order '{id}' could not be found."),
        )
    }

    /// 404 for a scope, by its kind.
    pub fn no_scope(scope: &ArmScope) -> Self {
        match (scope.subscription(), scope.reservation_order()) {
            (Some(id), _) => Self::no_subscription(id),
            (None, Some(id)) => Self::no_order(id),
            (None, None) => Self::new(
                StatusCode::NOT_FOUND,
                "ResourceNotFound",
                format!("The resource '{scope}' could not be found."),
            ),
        }
    }

    /// 404 for a path that nothing answers.
    pub fn no_route(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "InvalidResourceType",
            format!("No resource type answers the path '{}'.", path.chars().take(200).collect::<String>()),
        )
    }

    /// 401 with a challenge. `reason` tells why, for the header and the body.
    pub fn unauthenticated(code: &'static str, reason: &str, authorization_uri: &str) -> Self {
        let mut error = Self::new(StatusCode::UNAUTHORIZED, code, reason);
        // JavaScript clients split the challenge at comma and blank and expect every value quoted.
        let safe = |text: &str| text.replace(['"', '\\'], "'").replace(", ", " ");
        error.more.challenge = Some(format!(
            "Bearer authorization_uri=\"{}\", error=\"invalid_token\", error_description=\"{}\"",
            safe(authorization_uri),
            safe(reason)
        ));
        error
    }

    /// 405, naming what the path does take.
    pub fn method(allow: &str) -> Self {
        let mut error = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "HttpMethodNotSupported",
            format!("The HTTP method is not supported here. This path takes {allow}."),
        );
        error.more.allow = Some(allow.to_owned());
        error
    }

    /// 415 for a body that is not JSON.
    pub fn media_type(given: &str) -> Self {
        let given: String = given.chars().take(100).collect();
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            format!("The content type '{given}' is not supported. Send 'application/json'."),
        )
    }

    /// 413 for a body beyond the limit.
    pub fn too_large(limit_bytes: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestContentTooLarge",
            format!("The request content is larger than {limit_bytes} bytes."),
        )
    }

    /// 429: the caller has to wait so many seconds.
    pub fn throttled(seconds: u64) -> Self {
        let seconds = seconds.max(1);
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            format!("The number of requests has exceeded the limit. Try again after {seconds} seconds."),
        );
        error.more.retry_after_s = Some(seconds);
        error
    }

    /// 500 or 503: our own fault. Tells nothing but the number to quote, which the response headers carry.
    pub fn internal(request: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            format!("The server met an error of its own. Quote request '{request}' when you ask for help."),
        )
    }

    /// 503: busy, for instance because others write to the same customer; worth repeating.
    pub fn unavailable(seconds: u64) -> Self {
        let mut error = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The server is busy. Try again in a moment.",
        );
        error.more.retry_after_s = Some(seconds.max(1));
        error
    }

    /// Names the property or parameter concerned.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.more.target = Some(target.into());
        self
    }

    /// Adds one of several reasons.
    #[must_use]
    pub fn with_detail(mut self, code: &'static str, message: impl Into<String>) -> Self {
        self.more.details.push((code, message.into()));
        self
    }

    /// Adds facts for programs.
    #[must_use]
    pub fn with_info(mut self, kind: &'static str, info: Value) -> Self {
        self.more.additional_info.push((kind, info));
        self
    }

    /// The methods that a 405 names.
    pub(super) fn allowed(&self) -> &str {
        self.more.allow.as_deref().unwrap_or_default()
    }

    /// The envelope.
    pub fn body(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".into(), self.code.into());
        error.insert("message".into(), self.message.as_str().into());
        if let Some(target) = &self.more.target {
            error.insert("target".into(), target.as_str().into());
        }
        if !self.more.details.is_empty() {
            let details = self.more.details.iter().map(|(code, message)| json!({"code": code, "message": message}));
            error.insert("details".into(), details.collect());
        }
        if !self.more.additional_info.is_empty() {
            let info = self.more.additional_info.iter().map(|(kind, info)| json!({"type": kind, "info": info}));
            error.insert("additionalInfo".into(), info.collect());
        }
        json!({ "error": error })
    }
}

impl From<Refusal> for ArmError {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = face(&refusal);
        let text = sentence(&refusal.to_string());
        let text = match refusal {
            // Scripts look for these words.
            Refusal::QuoteMissing { .. } | Refusal::QuoteLapsed { .. } => format!(
                "Session timed out - Call CalculatePrice again and provide the new Reservation Order ID for purchase. {text}"
            ),
            _ => text,
        };
        let error = Self::new(status, code, text);
        let Refusal::PurchaseNotAllowed { obstacles } = refusal else {
            return error;
        };
        // All that is missing is said at once, each with what to do about it (R12).
        let permission_off = obstacles.iter().any(|o| matches!(o, Obstacle::PermissionOff { .. }));
        let error = obstacles.iter().fold(error, |error, obstacle| {
            let (_, code) = obstacle_face(obstacle);
            error.with_detail(
                code,
                format!("{} To remedy this, {}.", sentence(&obstacle.to_string()), obstacle.remedy()),
            )
        });
        if permission_off {
            let info = json!({"permission": "AzureReservedInstances/Purchase", "state": "Disabled"});
            error.with_info("CustomerPermission", info)
        } else {
            error
        }
    }
}

/// Status and code of each refusal.
pub fn face(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::ScopeNotFound { scope } => match (scope.subscription(), scope.reservation_order()) {
            (Some(_), _) => (StatusCode::NOT_FOUND, "SubscriptionNotFound"),
            (None, Some(_)) => (StatusCode::NOT_FOUND, "ReservationOrderNotFound"),
            (None, None) => (StatusCode::NOT_FOUND, "ResourceNotFound"),
        },
        Refusal::ScopeNotYours { .. } => (StatusCode::FORBIDDEN, "LinkedAuthorizationFailed"),
        Refusal::RoleNotFound { .. } => (StatusCode::NOT_FOUND, "RoleDefinitionDoesNotExist"),
        Refusal::PrincipalNotFound { .. } => (StatusCode::BAD_REQUEST, "PrincipalNotFound"),
        Refusal::PrincipalTypeMismatch { .. } => (StatusCode::BAD_REQUEST, "UnmatchedPrincipalType"),
        Refusal::RoleNotAssignableHere { .. } => {
            (StatusCode::BAD_REQUEST, "RoleAssignmentScopeNotAssignableToRoleDefinition")
        }
        Refusal::RoleAssignmentFixed { .. } => (StatusCode::BAD_REQUEST, "RoleAssignmentUpdateNotPermitted"),
        Refusal::RoleAssignmentExists { .. } => (StatusCode::CONFLICT, "RoleAssignmentExists"),
        Refusal::BuiltInRoleFixed { .. } => (StatusCode::BAD_REQUEST, "RoleDefinitionUpdateNotPermitted"),
        Refusal::RoleWithoutScope => (StatusCode::BAD_REQUEST, "InvalidRequestContent"),
        Refusal::RoleNameTaken { .. } => (StatusCode::CONFLICT, "RoleDefinitionWithSameNameExists"),
        Refusal::RoleInUse { .. } => (StatusCode::BAD_REQUEST, "RoleDefinitionHasAssignments"),
        Refusal::PurchaseNotAllowed { obstacles } => purchase_face(obstacles),
        Refusal::PartnerOnly { .. } => (StatusCode::FORBIDDEN, "AuthorizationFailed"),
        Refusal::QuoteMissing { .. } | Refusal::QuoteLapsed { .. } | Refusal::NotWhatWasQuoted { .. } => {
            (StatusCode::BAD_REQUEST, "BadRequest")
        }
        Refusal::ReservationOrderExists { .. } => (StatusCode::CONFLICT, "ReservationOrderIdAlreadyExists"),
        Refusal::NotForSale(reason) => (StatusCode::BAD_REQUEST, not_for_sale_code(reason)),
        Refusal::Money(_) => (StatusCode::BAD_REQUEST, "CalculatePriceFailed"),
        Refusal::ReservationNotFound { .. } => (StatusCode::BAD_REQUEST, "ReservationIdNotInReservationOrder"),
        Refusal::RefundQuantity { .. } => (StatusCode::BAD_REQUEST, "InvalidRefundQuantity"),
        Refusal::NotReturnable { .. } => (StatusCode::BAD_REQUEST, "SelfServiceRefundNotSupported"),
        Refusal::RefundLimitExceeded { .. } => (StatusCode::BAD_REQUEST, "RefundLimitExceeded"),
        Refusal::ReturnQuoteUsed { .. } | Refusal::ReturnQuoteStale { .. } => {
            (StatusCode::BAD_REQUEST, "OperationCannotBePerformedInCurrentState")
        }
        Refusal::ExchangeIncomplete => (StatusCode::BAD_REQUEST, "InvalidRequestContent"),
        Refusal::ExchangeTooSmall { .. } => (StatusCode::BAD_REQUEST, "ExchangePurchaseTooSmall"),
        Refusal::ReturnQuoteMissing { .. }
        | Refusal::ReturnQuoteDiffers { .. }
        | Refusal::ReturnQuoteLapsed { .. }
        | Refusal::NoConversionRate { .. }
        | Refusal::InvalidRefundPolicy { .. }
        | Refusal::NotExchangeable { .. } => (StatusCode::BAD_REQUEST, "BadRequest"),
        Refusal::SplitQuantities { .. } | Refusal::MergeSources | Refusal::MergeDiffers { .. } => {
            (StatusCode::BAD_REQUEST, "BadRequest")
        }
        Refusal::ChangedElsewhere { .. } => (StatusCode::BAD_REQUEST, "InvalidRequestContent"),
        Refusal::ReservationNotOver { .. } | Refusal::AlreadyRenewed { .. } => {
            (StatusCode::BAD_REQUEST, "OperationCannotBePerformedInCurrentState")
        }
        Refusal::ReservationNotActive { .. } => (StatusCode::BAD_REQUEST, "OperationCannotBePerformedInCurrentState"),
        Refusal::NothingToChange { scope_only: true } => (StatusCode::BAD_REQUEST, "AppliedScopesSameAsExisting"),
        Refusal::NothingToChange { scope_only: false } => (StatusCode::BAD_REQUEST, "PatchValuesSameAsExisting"),
        Refusal::ScopeOutsideContext { .. } => {
            (StatusCode::BAD_REQUEST, "AppliedScopesNotAssociatedWithCommerceAccount")
        }
        Refusal::NotOffered { .. } => (StatusCode::BAD_REQUEST, "OperationNotSupported"),
        Refusal::StaleEtag => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
        // What only the Partner Center API can ask for.
        Refusal::ForeignGrantor { .. }
        | Refusal::PolicyWithoutPermission
        | Refusal::PolicyExists { .. }
        | Refusal::PolicyNotFound { .. }
        | Refusal::CustomerNotServed { .. }
        | Refusal::InvalidPriceRule(_)
        | Refusal::InvalidUsage(_)
        | Refusal::PriceRuleNotFound { .. }
        | Refusal::DomainTaken { .. }
        | Refusal::RegistrationNumberNotTaken { .. }
        | Refusal::RegistrationNumberMissing { .. }
        | Refusal::RegistrationNumberMalformed { .. }
        | Refusal::PhoneNumberMissing { .. }
        | Refusal::AgreementInFuture { .. }
        | Refusal::AgreementExists { .. }
        | Refusal::EntitlementNotFound { .. }
        | Refusal::EntitlementNotActive { .. }
        | Refusal::EntitlementDeleted { .. }
        | Refusal::EntitlementSuspended { .. }
        | Refusal::EntitlementStatus { .. }
        | Refusal::EntitlementQuantity { .. }
        | Refusal::PlanInUse { .. }
        | Refusal::AgreementMissing { .. }
        | Refusal::OrderNotFound { .. }
        | Refusal::OrderNotCancellable { .. }
        | Refusal::CartNotFound { .. }
        | Refusal::CartSubmitted { .. }
        | Refusal::CartInError { .. }
        | Refusal::OrderLine { .. } => (StatusCode::BAD_REQUEST, "BadRequest"),
    }
}

/// The status and code of several obstacles: those about who comes first, since nothing else helps before they are gone.
fn purchase_face(obstacles: &[Obstacle]) -> (StatusCode, &'static str) {
    let not_owner = obstacles.iter().find(|o| matches!(o, Obstacle::NotOwner { .. }));
    not_owner.or(obstacles.first()).map_or((StatusCode::BAD_REQUEST, "PurchaseError"), obstacle_face)
}

/// The status and code of one obstacle.
pub fn obstacle_face(obstacle: &Obstacle) -> (StatusCode, &'static str) {
    match obstacle {
        Obstacle::NotOwner { .. } => (StatusCode::FORBIDDEN, "AuthorizationFailed"),
        Obstacle::PermissionOff { .. } => (StatusCode::FORBIDDEN, "Forbidden"),
        Obstacle::NoSubscription { .. } | Obstacle::SubscriptionNotActive { .. } => {
            (StatusCode::BAD_REQUEST, "InvalidSubscriptionId")
        }
        Obstacle::MarketNotServed { .. } => (StatusCode::BAD_REQUEST, "NotSupportedCountry"),
        Obstacle::NotForSale(reason) => (StatusCode::BAD_REQUEST, not_for_sale_code(reason)),
        Obstacle::ScopeOutsideContext { .. } => {
            (StatusCode::BAD_REQUEST, "AppliedScopesNotAssociatedWithCommerceAccount")
        }
    }
}

fn not_for_sale_code(reason: &NotForSale) -> &'static str {
    match reason {
        NotForSale::UnknownRegion { .. } => "InvalidLocationId",
        NotForSale::TermNotOffered { .. } => "UnsupportedReservationTerm",
        NotForSale::MarketNotServed { .. } => "NotSupportedCountry",
        NotForSale::NotFound { .. }
        | NotForSale::NotInRegion { .. }
        | NotForSale::CurrencyNotOffered { .. }
        | NotForSale::NotYetSold { .. }
        | NotForSale::NoLongerSold { .. }
        | NotForSale::PlanNotOffered { .. } => "BadRequest",
    }
}

/// A text of the domain as this wire format writes it: a sentence.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", rest.as_str())
}

impl IntoResponse for ArmError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body().to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(super::headers::JSON));
        let mut set = |name, value: Option<String>| {
            if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        };
        set(header::RETRY_AFTER, self.more.retry_after_s.map(|s| s.to_string()));
        set(header::WWW_AUTHENTICATE, self.more.challenge);
        set(header::ALLOW, self.more.allow);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_holds_what_there_is_to_say() {
        let error = ArmError::bad_request("BadRequest", "no")
            .with_target("properties.term")
            .with_detail("UnsupportedReservationTerm", "term")
            .with_info("CustomerPermission", json!({"state": "Disabled"}));
        assert_eq!(
            error.body(),
            json!({"error": {"code": "BadRequest", "message": "no", "target": "properties.term",
                "details": [{"code": "UnsupportedReservationTerm", "message": "term"}],
                "additionalInfo": [{"type": "CustomerPermission", "info": {"state": "Disabled"}}]}})
        );
    }

    #[test]
    fn the_challenge_is_quoted_and_split_by_comma_and_blank() {
        let response = ArmError::unauthenticated(
            "InvalidAuthenticationToken",
            "a \"bad\", old token",
            "https://localhost:1/organizations",
        )
        .into_response();
        assert_eq!(
            response.headers()[header::WWW_AUTHENTICATE],
            "Bearer authorization_uri=\"https://localhost:1/organizations\", error=\"invalid_token\", \
             error_description=\"a 'bad' old token\""
        );
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn only_throttling_and_our_own_trouble_ask_for_another_try() {
        for (error, asks) in [
            (ArmError::throttled(3), true),
            (ArmError::unavailable(1), true),
            (ArmError::not_authorized("a", "b", "c", "/"), false),
            (ArmError::method("GET"), false),
            (ArmError::no_subscription("x"), false),
        ] {
            let status = error.status;
            assert_eq!(error.into_response().headers().contains_key(header::RETRY_AFTER), asks, "{status}");
        }
    }
}
