//! A request as handlers get it: signed in, with its headers and parameters read.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::actor::Actor;
use fullmakt_domain::ids::{CorrelationId, CustomerId};
use http::request::Parts;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::body::Document;
use super::collection::Seek;
use super::error::{Code, Failure};
use super::filter::{Query, short};
use super::headers::Envelope;
use crate::App;

/// A request that may be answered. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub struct Call(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    actor: Actor,
    user: bool,
    envelope: Envelope,
    query: Query,
    body: Bytes,
}

impl Call {
    /// A request of `actor`; `user` when the token is a person's, not an application's own.
    pub fn new(actor: Actor, user: bool, envelope: Envelope, query: Query, body: Bytes) -> Self {
        Self(Arc::new(Inner { actor, user, envelope, query, body }))
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// What the headers said.
    pub fn envelope(&self) -> &Envelope {
        &self.0.envelope
    }

    /// The parameters.
    pub fn query(&self) -> &Query {
        &self.0.query
    }

    /// The context for the door.
    pub fn context(&self, app: &App) -> RequestContext {
        app.request(CorrelationId(self.0.envelope.correlation_id))
    }

    /// The body, which must be a JSON object.
    ///
    /// # Errors
    /// 400/800002.
    pub fn body(&self) -> Result<Document, Failure> {
        Document::parse(&self.0.body)
    }

    /// Checks the body of a POST that carries nothing.
    ///
    /// # Errors
    /// 400/800002 when it is not JSON.
    pub fn empty_body(&self) -> Result<(), Failure> {
        Document::parse_empty(&self.0.body)
    }

    /// For endpoints that only a signed-in person may use.
    ///
    /// # Errors
    /// 401/400 for an application's own token.
    pub fn user_only(&self) -> Result<(), Failure> {
        if self.0.user {
            return Ok(());
        }
        Err(Failure::new(
            Code::TokenRefused,
            "this needs the token of a signed-in user, an application's own token will not do",
        ))
    }

    /// An identifier for what this request is about to make. A repeat under the same `MS-RequestId` gets the same one, so
    /// that it finds what was made even when the answer was lost; `purpose` keeps different operations apart.
    pub fn new_id(&self, purpose: &str) -> Uuid {
        let Some(request) = self.0.envelope.idempotency else { return Uuid::new_v4() };
        let mut digest = Sha256::new_with_prefix(purpose);
        for id in [self.0.actor.principal.0, self.0.actor.tenant.0] {
            digest.update(id.as_bytes());
        }
        digest.update(&self.0.body);
        Uuid::new_v5(&request, &digest.finalize())
    }

    /// The page that is asked for.
    ///
    /// # Errors
    /// 400/800002 as [`Seek::parse`].
    pub fn seek(&self, collection: &'static str) -> Result<Seek, Failure> {
        Seek::parse(collection, self.query(), self.0.envelope.continuation.as_deref())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Failure::no_token().into_response())
    }
}

/// Reads the customer of a path.
///
/// # Errors
/// 400/900118 when it is not a GUID.
pub fn customer_id(text: &str) -> Result<CustomerId, Failure> {
    CustomerId::parse(text)
        .map_err(|_| Failure::new(Code::CustomerIdInvalid, format!("the customer id `{}` is not a GUID", short(text))))
}
