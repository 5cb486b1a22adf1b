//! Repeated writes: a client that did not hear the answer sends the same request under the same `MS-RequestId` again, and
//! gets the same answer, byte for byte, from whichever server it reaches.
//!
//! The identifier alone names nothing: one SDK uses the same one for different operations. So the key is who asked, the
//! identifier, the verb, the address and the body.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use fullmakt_domain::actor::Actor;
use fullmakt_store::{Claim, Fault, ReplayKey, Store};
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::{Code, Failure};

/// How long an answer is kept.
const KEPT_MINUTES: i64 = 60;
/// How long a request may work before a repeat takes over: longer than any request may take.
const CLAIM_SECONDS: i64 = 45;
/// How often a repeat looks whether the first request is done.
const POLL: Duration = Duration::from_millis(50);
/// How long a repeat waits for the first request.
const PATIENCE_SECONDS: i64 = 20;

/// A write that named itself.
#[derive(Debug, Clone)]
pub struct Repeatable {
    key: ReplayKey,
    seal: [u8; 32],
    cart: bool,
}

impl Repeatable {
    /// The write that this request asks for. `address` is path and query.
    pub fn new(actor: &Actor, id: Uuid, method: &str, address: &str, body: &[u8]) -> Self {
        let digest = |purpose: &[u8]| {
            let mut digest = Sha256::new_with_prefix(purpose);
            digest.update(actor.principal.0.as_bytes());
            digest.update(actor.tenant.0.as_bytes());
            digest.update(actor.application.map(|a| *a.0.as_bytes()).unwrap_or_default());
            digest.update(id.as_bytes());
            for part in [method.as_bytes(), address.as_bytes(), body] {
                digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                digest.update(part);
            }
            <[u8; 32]>::from(digest.finalize())
        };
        let key = ReplayKey { tenant: actor.tenant, digest: hex::encode(digest(b"fullmakt replay key 1")) };
        Self { key, seal: digest(b"fullmakt replay seal 1"), cart: address.contains("/carts") }
    }

    /// Finds out whether this is a repeat: `None` when it is this request's to do.
    ///
    /// # Errors
    /// 409 when the first request takes too long.
    pub async fn claim(&self, store: &Store, claim: Uuid) -> Result<Option<Response>, Failure> {
        let begun = Timestamp::now();
        loop {
            let now = Timestamp::now();
            match store.claim_replay(&self.key, claim, now, now + CLAIM_SECONDS.seconds()).await.map_err(fault)? {
                Claim::Mine => return Ok(None),
                Claim::Done(sealed) => match self.open(&sealed) {
                    Some(kept) => return Ok(Some(kept.into_response())),
                    None => return Err(Failure::new(Code::Unexpected, "the kept answer of this request is damaged")),
                },
                Claim::Running if now >= begun + PATIENCE_SECONDS.seconds() => {
                    let code = if self.cart { Code::CartBusy } else { Code::OrderInProgress };
                    return Err(Failure::new(code, "the same request is being worked on, repeat it in a moment"));
                }
                Claim::Running => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Keeps the answer for repeats. What failed on our side is not kept, so that a repeat tries again.
    pub async fn finish(&self, store: &Store, claim: Uuid, response: Response) -> Response {
        if response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS {
            if let Err(error) = store.release_replay(&self.key, claim).await {
                tracing::warn!(%error, "a claim on a repeated request was not given back");
            }
            return response;
        }
        let kept = match Kept::from_response(response).await {
            Ok(kept) => kept,
            Err(failure) => return failure.into_response(),
        };
        let until = Timestamp::now() + (KEPT_MINUTES * 60).seconds();
        if let Some(sealed) = self.seal(&kept)
            && let Err(error) = store.keep_replay(&self.key, claim, sealed, until).await
        {
            // The write is done and is answered; only a repeat will not find the answer.
            tracing::warn!(%error, "an answer was not kept for repeats");
        }
        kept.into_response()
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.seal).ok().map(LessSafeKey::new)
    }

    fn seal(&self, kept: &Kept) -> Option<String> {
        let text = json!([kept.status.as_u16(), kept.location, String::from_utf8_lossy(&kept.body)]).to_string();
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.into_bytes();
        let aad = Aad::from(self.key.digest.as_bytes());
        self.cipher()?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        Some(STANDARD_NO_PAD.encode([nonce.as_slice(), sealed.as_slice()].concat()))
    }

    fn open(&self, sealed: &str) -> Option<Kept> {
        let bytes = STANDARD_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(self.key.digest.as_bytes());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.cipher()?.open_in_place(nonce, aad, &mut sealed).ok()?;
        let (status, location, body): (u16, Option<String>, String) = serde_json::from_slice(text).ok()?;
        Some(Kept { status: StatusCode::from_u16(status).ok()?, location, body: Bytes::from(body) })
    }
}

fn fault(fault: Fault) -> Failure {
    super::error::fault(&fault)
}

/// What of an answer is the same in every repeat; the identifiers are written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    status: StatusCode,
    location: Option<String>,
    body: Bytes,
}

impl Kept {
    async fn from_response(response: Response) -> Result<Self, Failure> {
        let (head, body) = response.into_parts();
        let location = head.headers.get(header::LOCATION).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let body = body.collect().await.map_err(|_| Failure::new(Code::Unexpected, "the answer broke off"))?.to_bytes();
        Ok(Self { status: head.status, location, body })
    }

    fn into_response(self) -> Response {
        let has_body = !self.body.is_empty();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        }
        if let Some(location) = self.location.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::actor::PrincipalKind;
    use fullmakt_domain::ids::{PrincipalId, TenantId};

    use super::*;

    fn actor(n: u128) -> Actor {
        Actor {
            principal: PrincipalId(Uuid::from_u128(n)),
            kind: PrincipalKind::User,
            name: "ada@nordmoln.example".to_owned(),
            home: TenantId(Uuid::from_u128(1)),
            tenant: TenantId(Uuid::from_u128(1)),
            application: None,
        }
    }

    #[test]
    fn the_identifier_alone_names_nothing() {
        let id = Uuid::from_u128(5);
        let write = |actor: &Actor, id, method, address, body: &str| {
            Repeatable::new(actor, id, method, address, body.as_bytes()).key.digest
        };
        let first = write(&actor(1), id, "POST", "/v1/customers", "{}");
        assert_eq!(first, write(&actor(1), id, "POST", "/v1/customers", "{}"));
        for other in [
            write(&actor(2), id, "POST", "/v1/customers", "{}"),
            write(&actor(1), Uuid::from_u128(6), "POST", "/v1/customers", "{}"),
            write(&actor(1), id, "PUT", "/v1/customers", "{}"),
            write(&actor(1), id, "POST", "/v1/customers{", "}"),
            write(&actor(1), id, "POST", "/v1/customers", "{ }"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn an_answer_opens_for_the_same_request_only() {
        let kept =
            Kept { status: StatusCode::CREATED, location: Some("/a".to_owned()), body: Bytes::from("{\"å\":1}") };
        let write =
            |body: &str| Repeatable::new(&actor(1), Uuid::from_u128(5), "POST", "/v1/customers", body.as_bytes());
        let sealed = write("{}").seal(&kept).unwrap();
        assert!(!sealed.contains("å"));
        assert_eq!(write("{}").open(&sealed), Some(kept));
        assert_eq!(write("{ }").open(&sealed), None);
        assert_eq!(write("{}").open("AAAA"), None);
    }
}
