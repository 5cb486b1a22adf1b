//! What the sign-in endpoints answer when they refuse, with the numbers that client libraries and scripts know.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// Why a sign-in request is turned down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A field is not there.
    #[error("the request must contain the parameter `{0}`")]
    Missing(&'static str),
    /// A field is there and cannot be used.
    #[error("the parameter `{field}` is not usable: {problem}")]
    Invalid {
        /// Which.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The body is no form.
    #[error("the body must be a form of type `application/x-www-form-urlencoded`")]
    NotAForm,
    /// The body is too long.
    #[error("the form is longer than {0} bytes")]
    TooLong(usize),
    /// The path names no tenant of this server.
    #[error("tenant `{0}` was not found on this server; check the tenant id or domain")]
    UnknownTenant(String),
    /// An application cannot sign in without saying where.
    #[error("an application must name its tenant in the path; `{0}` names none")]
    TenantNotNamed(String),
    /// Not a grant of this server.
    #[error("the grant type `{0}` is not supported")]
    UnsupportedGrant(String),
    /// The password grant is off.
    #[error("the password grant is switched off on this server; sign in by browser or device code")]
    PasswordGrantOff,
    /// A certificate or token in place of a secret.
    #[error("`client_assertion` is not supported; use `client_secret`")]
    AssertionUnsupported,
    /// Not an application of this directory.
    #[error("application `{client}` was not found in tenant `{tenant}`")]
    UnknownApplication {
        /// What was asked for.
        client: String,
        /// Where it was looked for.
        tenant: String,
    },
    /// The application has a secret and did not give it.
    #[error("the request must contain the parameter `client_secret`, as the application has one")]
    SecretMissing,
    /// The application gave another secret.
    #[error("the client secret is wrong for application `{0}`")]
    WrongSecret(String),
    /// The application is switched off.
    #[error("application `{0}` is disabled")]
    ApplicationDisabled(String),
    /// No such resource.
    #[error("the resource `{0}` is not served here")]
    UnknownResource(String),
    /// Scopes of several resources, or none.
    #[error("the scope `{0}` is not valid: name one resource, such as `https://management.azure.com/.default`")]
    InvalidScope(String),
    /// Unknown user or wrong password; which of both is nobody's business.
    #[error("the user name or password is wrong")]
    WrongPassword,
    /// The user is switched off.
    #[error("the account is disabled")]
    UserDisabled,
    /// Too many failures, or device codes.
    #[error("too many attempts; try again in {seconds} seconds")]
    Throttled {
        /// How long to wait.
        seconds: u64,
    },
    /// The user has no business in this directory.
    #[error("the account `{user}` does not exist in tenant `{tenant}` and its partner does not serve that tenant")]
    NotInTenant {
        /// Who.
        user: String,
        /// Where.
        tenant: String,
    },
    /// The authorization code is unknown, spent, too old, or another's.
    #[error("the authorization code is not valid: {0}")]
    BadCode(&'static str),
    /// The verifier does not match the challenge.
    #[error("the `code_verifier` does not match the `code_challenge` of the authorization request")]
    WrongVerifier,
    /// The refresh token is unknown, spent, too old, or another's.
    #[error("the refresh token is not valid: {0}; sign in again")]
    BadRefreshToken(&'static str),
    /// The user has not answered yet.
    #[error("the user has not finished signing in with the device code")]
    AuthorizationPending,
    /// Asked again too soon.
    #[error("asked again too soon; wait {0} seconds between requests")]
    SlowDown(i64),
    /// The user said no.
    #[error("the user declined to sign in")]
    Declined,
    /// The device code is too old.
    #[error("the device code has expired; ask for a new one")]
    DeviceCodeExpired,
    /// The device code is unknown, spent, or another's.
    #[error("the device code is not valid: {0}")]
    BadDeviceCode(&'static str),
    /// `prompt=none` cannot be met: no session is kept.
    #[error("the user has to sign in")]
    LoginRequired,
    /// A redirect address that is not allowed.
    #[error(
        "the redirect address `{0}` is not allowed; use `http://localhost` with any port, or `http://127.0.0.1` with any port"
    )]
    BadRedirect(String),
    /// The same verb is not answered here.
    #[error("this address answers {0} only")]
    Method(&'static str),
    /// The server could not do it.
    #[error("the server could not finish the request; try again")]
    Fault,
}

impl Refused {
    /// Names a field and what is wrong with it.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// HTTP status, OAuth error, and the vendor's number.
    pub fn face(&self) -> (StatusCode, &'static str, u32) {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::Missing(_) => (bad, "invalid_request", 900_144),
            Self::Invalid { .. } => (bad, "invalid_request", 90_013),
            Self::NotAForm => (bad, "invalid_request", 900_141),
            Self::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", 90_081),
            Self::UnknownTenant(_) => (bad, "invalid_tenant", 90_002),
            Self::TenantNotNamed(_) => (bad, "invalid_request", 50_059),
            Self::UnsupportedGrant(_) => (bad, "unsupported_grant_type", 70_003),
            Self::PasswordGrantOff => (bad, "unauthorized_client", 7_000_113),
            Self::AssertionUnsupported => (StatusCode::UNAUTHORIZED, "invalid_client", 700_021),
            Self::UnknownApplication { .. } => (bad, "unauthorized_client", 700_016),
            Self::SecretMissing => (StatusCode::UNAUTHORIZED, "invalid_client", 7_000_218),
            Self::WrongSecret(_) => (StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215),
            Self::ApplicationDisabled(_) => (StatusCode::UNAUTHORIZED, "invalid_client", 7_000_112),
            Self::UnknownResource(_) => (bad, "invalid_resource", 500_011),
            Self::InvalidScope(_) => (bad, "invalid_scope", 70_011),
            Self::WrongPassword => (bad, "invalid_grant", 50_126),
            Self::UserDisabled => (bad, "invalid_grant", 50_057),
            Self::Throttled { .. } => (StatusCode::TOO_MANY_REQUESTS, "invalid_grant", 50_053),
            Self::NotInTenant { .. } => (bad, "invalid_grant", 50_020),
            Self::BadCode(_) => (bad, "invalid_grant", 70_008),
            Self::WrongVerifier => (bad, "invalid_grant", 501_481),
            Self::BadRefreshToken(_) => (bad, "invalid_grant", 70_043),
            Self::AuthorizationPending => (bad, "authorization_pending", 70_016),
            Self::SlowDown(_) => (bad, "slow_down", 70_016),
            Self::Declined => (bad, "authorization_declined", 65_004),
            Self::DeviceCodeExpired => (bad, "expired_token", 70_020),
            Self::BadDeviceCode(_) => (bad, "invalid_grant", 70_000),
            Self::LoginRequired => (bad, "login_required", 50_058),
            Self::BadRedirect(_) => (bad, "invalid_request", 50_011),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "invalid_request", 900_561),
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", 90_033),
        }
    }

    /// The sentence clients show: the number, then what to do.
    pub fn description(&self) -> String {
        format!("AADSTS{}: {self}", self.face().2)
    }
}

impl From<fullmakt_store::Fault> for Refused {
    fn from(fault: fullmakt_store::Fault) -> Self {
        tracing::error!(error = %fault, "sign-in could not reach its data");
        Self::Fault
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, error, number) = self.face();
        let trace = Uuid::new_v4().to_string();
        let body = json!({
            "error": error,
            "error_description": self.description(),
            "error_codes": [number],
            "timestamp": Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            "trace_id": trace,
            "correlation_id": trace,
        });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        match self {
            Self::Throttled { seconds } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Method(allowed) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            _ => {}
        }
        response
    }
}
