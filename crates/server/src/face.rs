//! Which wire format a path belongs to, and how that format words what goes wrong before any of its handlers is asked.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::arm::error::ArmError;
use crate::partner_center::error::{Code, Failure};

/// The wire format of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// `/v1/…`, `/webhooks/v1/…`.
    PartnerCenter,
    /// `/subscriptions/…`, `/providers/…`, `/tenants`, `/metadata/…`, and `/v1.0/…` for the one call of Graph.
    Arm,
    /// `/{tenant}/oauth2/…` and the like.
    SignIn,
    /// `/fullmakt/v1/…`.
    Own,
    /// Pages, health.
    Other,
}

/// What went wrong around a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The body is longer than so many bytes.
    BodyTooLarge(usize),
    /// The request took too long.
    TooSlow,
    /// A handler panicked.
    Panicked,
}

impl Face {
    /// The format of a path.
    pub fn of(path: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_ascii_lowercase);
        let (first, second) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        match (first.as_str(), second.as_str()) {
            ("v1", _) | ("webhooks" | "auditactivity", "v1") => Self::PartnerCenter,
            ("fullmakt", _) => Self::Own,
            ("subscriptions" | "providers" | "tenants" | "metadata" | "v1.0", _) => Self::Arm,
            ("common" | "organizations" | "oauth2" | "discovery", _)
            | (_, "oauth2" | "v2.0" | "discovery" | ".well-known") => Self::SignIn,
            _ => Self::Other,
        }
    }

    /// A word for it, for numbers and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::PartnerCenter => "partner-center",
            Self::Arm => "arm",
            Self::SignIn => "sign-in",
            Self::Own => "own",
            Self::Other => "other",
        }
    }

    /// The answer in the words of the format. It never carries `Retry-After`, because clients would then send a purchase
    /// again by themselves.
    pub fn trouble(self, trouble: Trouble) -> Response {
        let (status, text) = match trouble {
            Trouble::BodyTooLarge(limit) => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("the body of the request is longer than {limit} bytes"))
            }
            Trouble::TooSlow => (StatusCode::SERVICE_UNAVAILABLE, "the request took too long".to_owned()),
            Trouble::Panicked => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the server met an error of its own; its log tells more".to_owned())
            }
        };
        let mut response = match self {
            Self::PartnerCenter => {
                let code = match trouble {
                    Trouble::BodyTooLarge(_) => Code::InputInvalid,
                    Trouble::TooSlow => Code::Unavailable,
                    Trouble::Panicked => Code::Unexpected,
                };
                Failure::new(code, text).into_response()
            }
            Self::Arm => match trouble {
                Trouble::BodyTooLarge(limit) => ArmError::too_large(limit),
                Trouble::TooSlow => ArmError::new(status, "ServiceUnavailable", text),
                Trouble::Panicked => ArmError::new(status, "InternalServerError", text),
            }
            .into_response(),
            Self::SignIn => {
                let error = if status.is_client_error() { "invalid_request" } else { "server_error" };
                axum::Json(json!({ "error": error, "error_description": text })).into_response()
            }
            Self::Own => {
                let problem = json!({
                    "type": "about:blank",
                    "title": status.canonical_reason(),
                    "status": status.as_u16(),
                    "detail": text,
                });
                let mut response = axum::Json(problem).into_response();
                let kind = HeaderValue::from_static("application/problem+json");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
            Self::Other => format!("{text}\n").into_response(),
        };
        *response.status_mut() = status;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_shows_its_format() {
        for (path, face) in [
            ("/v1/customers", Face::PartnerCenter),
            ("/V1/customers", Face::PartnerCenter),
            ("//webhooks/v1/registration", Face::PartnerCenter),
            ("/subscriptions/x/providers/y", Face::Arm),
            ("/Providers/Microsoft.Capacity/calculatePrice", Face::Arm),
            ("/common/discovery/instance", Face::SignIn),
            ("/nordmoln.example/oauth2/v2.0/token", Face::SignIn),
            ("/x/v2.0/.well-known/openid-configuration", Face::SignIn),
            ("/fullmakt/v1/clock", Face::Own),
            ("/portal", Face::Other),
            ("", Face::Other),
        ] {
            assert_eq!(Face::of(path), face, "{path}");
        }
    }

    #[test]
    fn no_trouble_makes_clients_send_again() {
        for face in [Face::PartnerCenter, Face::Arm, Face::SignIn, Face::Own, Face::Other] {
            for (trouble, status) in
                [(Trouble::BodyTooLarge(9), 413), (Trouble::TooSlow, 503), (Trouble::Panicked, 500)]
            {
                let response = face.trouble(trouble);
                assert_eq!(response.status().as_u16(), status, "{face:?} {trouble:?}");
                assert!(!response.headers().contains_key(header::RETRY_AFTER));
            }
        }
    }
}
