//! What one request may cost, and what happens when a handler panics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{FutureExt, StreamExt};
use http::header;
use tokio::sync::Semaphore;

use crate::face::{Face, Trouble};
use crate::own;

/// The limits of all requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a request may take, with its waiting.
    pub request_timeout: Duration,
    /// How long a body may be, in bytes.
    pub body_bytes: usize,
    running: Arc<Semaphore>,
}

impl Limits {
    /// Limits with so many requests at once; more wait.
    pub fn new(request_timeout: Duration, body_bytes: usize, concurrent: usize) -> Self {
        let running = Arc::new(Semaphore::new(concurrent.clamp(1, Semaphore::MAX_PERMITS)));
        Self { request_timeout, body_bytes, running }
    }
}

/// Holds a request to the limits and answers in its format where they are passed.
pub async fn guard(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let face = Face::of(request.uri().path());
    // Whoever moves the clock wants all done that falls due on the way.
    let moves_the_clock = request.uri().path() == own::CLOCK;
    let patience = if moves_the_clock { Duration::MAX } else { limits.request_timeout };
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limits.body_bytes) {
        return face.trouble(Trouble::BodyTooLarge(limits.body_bytes));
    }
    let (request, overflowed) = limit_body(request, limits.body_bytes, declared);
    let run = async {
        // Never closed, so a failure cannot happen; without a permit the request would only run uncounted.
        let _permit = limits.running.acquire().await;
        AssertUnwindSafe(next.run(request)).catch_unwind().await
    };
    match tokio::time::timeout(patience, run).await {
        // Whatever the handler made of the broken body, the reason was its length.
        Ok(_) if overflowed.load(Ordering::Relaxed) => face.trouble(Trouble::BodyTooLarge(limits.body_bytes)),
        Ok(Ok(response)) => response,
        // The panic hook has logged it.
        Ok(Err(_)) => face.trouble(Trouble::Panicked),
        Err(_) => face.trouble(Trouble::TooSlow),
    }
}

/// A body without a declared length ends with an error once it is too long.
fn limit_body(request: Request, limit: usize, declared: Option<usize>) -> (Request, Arc<AtomicBool>) {
    let overflowed = Arc::new(AtomicBool::new(false));
    if declared.is_some() {
        return (request, overflowed);
    }
    let (seen, flag) = (AtomicUsize::new(0), Arc::clone(&overflowed));
    let counted = move |body: Body| {
        Body::from_stream(body.into_data_stream().map(move |chunk| {
            let length = chunk.as_ref().map_or(0, |bytes| bytes.len());
            if seen.fetch_add(length, Ordering::Relaxed).saturating_add(length) > limit {
                flag.store(true, Ordering::Relaxed);
                return Err(axum::Error::new(std::io::Error::other("the body is too long")));
            }
            chunk
        }))
    };
    (request.map(counted), overflowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use bytes::Bytes;
    use tower::ServiceExt;

    fn router() -> Router {
        let limits = Limits::new(Duration::from_millis(50), 10, 2);
        Router::new()
            .route("/v1/echo", post(|body: Bytes| async move { body }))
            .route(
                "/v1/panic",
                post(|| async {
                    if true {
                        panic!("boom")
                    }
                }),
            )
            .route("/v1/slow", post(|| tokio::time::sleep(Duration::from_secs(5))))
            .layer(from_fn_with_state(limits, guard))
    }

    async fn status(path: &str, body: Body) -> u16 {
        let request = Request::post(path).body(body).unwrap();
        router().oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn a_request_keeps_to_the_limits() {
        assert_eq!(status("/v1/echo", Body::from("0123456789")).await, 200);
        assert_eq!(status("/v1/echo", Body::from("0123456789a")).await, 413);
        let chunks =
            |n: usize| Body::from_stream(futures_util::stream::iter((0..n).map(|_| Ok::<_, std::io::Error>("01234"))));
        assert_eq!(status("/v1/echo", chunks(2)).await, 200);
        assert_eq!(status("/v1/echo", chunks(3)).await, 413);
        assert_eq!(status("/v1/panic", Body::empty()).await, 500);
        assert_eq!(status("/v1/slow", Body::empty()).await, 503);
    }

    #[tokio::test]
    async fn the_length_that_is_declared_is_enough_to_refuse() {
        let request = Request::post("/v1/echo").header("content-length", "11").body(Body::empty()).unwrap();
        assert_eq!(router().oneshot(request).await.unwrap().status(), 413);
    }
}
