//! What came back, and what a test expects of it.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An HTTP answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request, for messages: method and path.
    pub asked: String,
    /// The status code.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Expects any success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self}");
        self
    }

    /// Expects this status and, unless it is empty, this error code.
    #[track_caller]
    pub fn is(self, status: u16, code: &str) -> Self {
        assert!(
            self.status.as_u16() == status && (code.is_empty() || self.code() == code),
            "not {status} {code}: {self}"
        );
        self
    }

    /// Expects the text somewhere in the body.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.text().contains(text), "does not say `{text}`: {self}");
        self
    }

    /// The body as JSON; null when it is empty.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header field; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The error code, as any of the three wire formats puts it; empty when there is none.
    pub fn code(&self) -> String {
        let Ok(body) = serde_json::from_slice::<Value>(&self.body) else { return String::new() };
        [&body["error"]["code"], &body["error"], &body["code"]].into_iter().find_map(plain).unwrap_or_default()
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = self.text().chars().take(2_000).collect();
        write!(out, "{} -> {} {body}", self.asked, self.status)
    }
}
