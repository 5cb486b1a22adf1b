//! Errors as problem details (RFC 9457).

use axum::Json;
use axum::response::{IntoResponse, Response};
use fullmakt_domain::authz::Denied;
use fullmakt_domain::refusal::Refusal;
use fullmakt_store::{ExecuteError, Fault, ReadError};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// What went wrong, in the words of the own API.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    field: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), field: None }
    }

    /// 400: something in the request is wrong; `field` names it.
    pub fn bad_request(field: &str, detail: &str) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "the request is not valid", detail);
        problem.field = Some(field.to_owned());
        problem
    }

    /// 401.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign in first", detail)
    }

    /// 403.
    pub fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not allowed", detail)
    }

    /// 404, also for what must not be known to exist.
    pub fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found", detail)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong verb",
            "this path does not know this verb; see the header Allow",
        )
    }

    /// 409: a permitted request that the state does not allow.
    pub fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", detail)
    }

    /// 500, with a reason that whoever runs the server can use.
    pub fn our_fault(detail: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "our fault", detail)
    }

    /// 415.
    pub fn unsupported_media_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong content type", "send the body as application/json")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let (Some(field), Value::Object(members)) = (self.field, &mut body) {
            members.insert("field".to_owned(), Value::String(field));
        }
        let mut response = (self.status, Json(body)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json; charset=utf-8"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let error: &dyn std::error::Error = &fault;
        tracing::error!(error, "a request failed");
        if fault.is_transient() {
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "try again later", "the database does not answer")
        } else {
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "our fault", "the server met an error of its own")
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Hidden => Self::not_found("there is nothing of that name here"),
            Denied::Forbidden { .. } => Self::forbidden(&denied.to_string()),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::conflict(&refusal.to_string())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Denied(denied) => denied.into(),
            ReadError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Denied(denied) => denied.into(),
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Fault(fault) => fault.into(),
        }
    }
}
