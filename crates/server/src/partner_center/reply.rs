//! Successful answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

/// What a handler answers with.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// 200 with a body.
    Ok(Value),
    /// 201 with the new resource.
    Created(Value),
    /// 202 without a body; where to look for the outcome. Both SDKs hand the raw text to their caller.
    Accepted {
        /// Path without `/v1`, as it stands in `Location`.
        location: String,
    },
    /// 204.
    NoContent,
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Ok(body) => json_response(StatusCode::OK, &body),
            Self::Created(body) => json_response(StatusCode::CREATED, &body),
            Self::Accepted { location } => {
                let mut response = StatusCode::ACCEPTED.into_response();
                if let Ok(value) = HeaderValue::from_str(&location) {
                    response.headers_mut().insert(header::LOCATION, value);
                }
                response
            }
            Self::NoContent => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

/// A JSON body with the content type every client reads.
pub fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
