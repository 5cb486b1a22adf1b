//! The headers that every answer of Azure Resource Manager carries.

use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::ids::CorrelationId;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use uuid::Uuid;

/// The content type of every body.
pub const JSON: &str = "application/json; charset=utf-8";

/// Which allowance a path draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// `/subscriptions/…`.
    Subscription,
    /// `/providers/…` and all else.
    Tenant,
}

/// What is known of a request when its answer gets its headers.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Fresh for this request.
    pub request: Uuid,
    /// The caller's, when it sent one; else the request's own.
    pub correlation: CorrelationId,
    /// The caller's request id, only when it asked to have it back.
    pub client_request: Option<HeaderValue>,
    /// When the request came in.
    pub at: Timestamp,
}

impl Stamp {
    /// Reads the caller's headers.
    pub fn new(headers: &HeaderMap, request: Uuid, at: Timestamp) -> Self {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let correlation = text("x-ms-correlation-request-id").and_then(|v| CorrelationId::parse(v).ok());
        let wants_echo = text("x-ms-return-client-request-id").is_some_and(|v| v.trim().eq_ignore_ascii_case("true"));
        let client_request = headers.get("x-ms-client-request-id").filter(|v| wants_echo && v.len() <= 200).cloned();
        Self { request, correlation: correlation.unwrap_or(CorrelationId(request)), client_request, at }
    }

    /// What the store is told of the request.
    pub fn context(&self) -> RequestContext {
        RequestContext { now: self.at, correlation: self.correlation }
    }

    /// Adds the headers to an answer; `remaining` is what is left of the caller's allowance.
    pub fn apply(&self, headers: &mut HeaderMap, method: &Method, allowance: Allowance, remaining: u32) {
        let at = self.at.strftime("%Y%m%dT%H%M%SZ");
        let mut set = |name: HeaderName, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        };
        set(HeaderName::from_static("x-ms-request-id"), self.request.to_string());
        set(HeaderName::from_static("x-ms-correlation-request-id"), self.correlation.to_string());
        set(HeaderName::from_static("x-ms-routing-request-id"), format!("LOCAL:{at}:{}", self.request));
        set(HeaderName::from_static(remaining_header(method, allowance)), remaining.to_string());
        set(header::CACHE_CONTROL, "no-cache".to_owned());
        set(header::PRAGMA, "no-cache".to_owned());
        set(header::EXPIRES, "-1".to_owned());
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains".to_owned());
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
        if let Some(id) = &self.client_request {
            headers.insert("x-ms-client-request-id", id.clone());
        }
    }
}

fn remaining_header(method: &Method, allowance: Allowance) -> &'static str {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match (allowance, reads, *method == Method::DELETE) {
        (Allowance::Subscription, true, _) => "x-ms-ratelimit-remaining-subscription-reads",
        (Allowance::Subscription, false, true) => "x-ms-ratelimit-remaining-subscription-deletes",
        (Allowance::Subscription, false, false) => "x-ms-ratelimit-remaining-subscription-writes",
        (Allowance::Tenant, true, _) => "x-ms-ratelimit-remaining-tenant-reads",
        (Allowance::Tenant, false, _) => "x-ms-ratelimit-remaining-tenant-writes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Uuid = Uuid::from_u128(7);
    const OWN: &str = "6f9619ff-8b86-d011-b42d-00c04fc964ff";

    fn answered(asked: &[(&str, &str)], method: &Method, allowance: Allowance) -> HeaderMap {
        let asked = asked
            .iter()
            .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let at = "2026-11-01T08:09:10Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        Stamp::new(&asked, REQUEST, at).apply(&mut headers, method, allowance, 1_199);
        headers
    }

    #[test]
    fn the_callers_request_id_comes_back_only_when_asked_for() {
        let id = ("x-ms-client-request-id", OWN);
        let silent = answered(&[id], &Method::GET, Allowance::Tenant);
        assert!(!silent.contains_key("x-ms-client-request-id"));
        let echoed = answered(&[id, ("x-ms-return-client-request-id", "True")], &Method::GET, Allowance::Tenant);
        assert_eq!(echoed["x-ms-client-request-id"], OWN);
    }

    #[test]
    fn the_correlation_is_the_callers_or_the_requests_own() {
        let given = answered(&[("x-ms-correlation-request-id", OWN)], &Method::GET, Allowance::Tenant);
        assert_eq!(given["x-ms-correlation-request-id"], OWN);
        let bad = answered(&[("x-ms-correlation-request-id", "åäö")], &Method::GET, Allowance::Tenant);
        assert_eq!(bad["x-ms-correlation-request-id"], REQUEST.to_string());
        assert_eq!(bad["x-ms-routing-request-id"], format!("LOCAL:20261101T080910Z:{REQUEST}"));
    }

    #[test]
    fn the_allowance_is_named_by_path_and_method() {
        for (method, allowance, name) in [
            (Method::GET, Allowance::Subscription, "x-ms-ratelimit-remaining-subscription-reads"),
            (Method::PUT, Allowance::Subscription, "x-ms-ratelimit-remaining-subscription-writes"),
            (Method::DELETE, Allowance::Subscription, "x-ms-ratelimit-remaining-subscription-deletes"),
            (Method::GET, Allowance::Tenant, "x-ms-ratelimit-remaining-tenant-reads"),
            (Method::PUT, Allowance::Tenant, "x-ms-ratelimit-remaining-tenant-writes"),
        ] {
            assert_eq!(answered(&[], &method, allowance)[name], "1199", "{method}");
        }
    }
}
