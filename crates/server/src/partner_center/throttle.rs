//! Too many requests: a limit for each tenant, customer and kind of request.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use fullmakt_domain::ids::{CustomerId, TenantId};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// How many requests a tenant may make in a minute. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests that read.
    pub reads_per_minute: Option<NonZeroU32>,
    /// Requests that write; the real service allows fewer of these.
    pub writes_per_minute: Option<NonZeroU32>,
}

/// Whose requests are counted together: the caller's tenant, and the customer when the path names one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    customer: Option<CustomerId>,
}

/// Counts requests.
pub struct Throttle {
    reads: Option<DefaultKeyedRateLimiter<Key>>,
    writes: Option<DefaultKeyedRateLimiter<Key>>,
    clock: DefaultClock,
    admitted: AtomicU64,
}

/// After how many requests counters that are idle are dropped.
const SWEEP_EVERY: u64 = 10_000;

impl Throttle {
    /// Nothing counted yet.
    pub fn new(limits: Limits) -> Self {
        let limiter = |limit: Option<NonZeroU32>| limit.map(|n| RateLimiter::keyed(Quota::per_minute(n)));
        Self {
            reads: limiter(limits.reads_per_minute),
            writes: limiter(limits.writes_per_minute),
            clock: DefaultClock::default(),
            admitted: AtomicU64::new(1),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait, when it is one too many.
    pub fn admit(&self, tenant: TenantId, customer: Option<&str>, writes: bool) -> Result<(), Duration> {
        let limiter = if writes { &self.writes } else { &self.reads };
        let Some(limiter) = limiter else { return Ok(()) };
        // Whoever invents customers must not fill the memory with counters: odd ones share one, idle ones are swept.
        let customer = customer.and_then(|text| CustomerId::parse(text).ok());
        if self.admitted.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            limiter.retain_recent();
        }
        limiter.check_key(&Key { tenant, customer }).map_err(|lapse| lapse.wait_time_from(self.clock.now()))
    }
}

/// The answer to one request too many. Not the usual error body: one SDK reads `Retry-After` only beside this one.
pub fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs().saturating_add(1);
    let body = json!({
        "statusCode": 429,
        "message": format!("Rate limit is exceeded. Try again in {seconds} seconds."),
    });
    let mut response = super::reply::json_response(StatusCode::TOO_MANY_REQUESTS, &body);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response.into_response()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_tenant_and_customer_has_its_own_count() {
        let throttle = Throttle::new(Limits { reads_per_minute: None, writes_per_minute: NonZeroU32::new(2) });
        let (ada, bo) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        assert!(throttle.admit(ada, None, true).is_ok());
        assert!(throttle.admit(ada, None, true).is_ok());
        assert!(throttle.admit(ada, None, true).is_err());
        assert!(throttle.admit(ada, Some("22222222-2222-4222-8222-222222222222"), true).is_ok());
        assert!(throttle.admit(ada, Some("no customer"), true).is_err());
        assert!(throttle.admit(bo, None, true).is_ok());
        assert!((0..1000).all(|_| throttle.admit(ada, None, false).is_ok()));
    }

    #[tokio::test]
    async fn the_answer_says_when_to_come_back() {
        let response = too_many(Duration::from_millis(1500));
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "2");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body, json!({"statusCode": 429, "message": "Rate limit is exceeded. Try again in 2 seconds."}));
    }
}
