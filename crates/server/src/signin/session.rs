//! Who is signed in to the pages: a random token in a cookie, of which the database knows only the hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fullmakt_domain::actor::PartnerRole;
use fullmakt_store::Fault;
use fullmakt_store::authn::{self, Principal, Tenant};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use std::net::SocketAddr;

use super::error::Refused;
use super::token::{random_secret, stored};
use super::visit::address;
use super::{Signin, sign_in};

/// How long a session lasts at most.
const LONGEST: SignedDuration = SignedDuration::from_hours(12);
/// How long a session lasts without a request.
const IDLE: SignedDuration = SignedDuration::from_mins(60);
/// How often it is noted that a user is still here.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// A session that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who signed in.
    pub principal: Principal,
    /// The directory the user belongs to.
    pub home: Tenant,
    /// The user's roles at the partner; none for a customer's users.
    pub roles: Vec<PartnerRole>,
}

impl Signin {
    /// Checks a user's name and password, under the same throttle as every other sign-in.
    ///
    /// # Errors
    /// [`Refused`]: wrong, disabled, throttled.
    pub async fn check_password(
        &self,
        address: Option<&str>,
        username: &str,
        password: &str,
    ) -> Result<Principal, Refused> {
        sign_in(self, None, address, username, password).await.map(|(user, _)| user)
    }

    /// Where a request comes from, as the throttle counts it: the peer, or what a trusted proxy says of it.
    pub fn address(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<String> {
        address(self.settings(), headers, peer)
    }

    /// Begins a session and gives its token, for the cookie.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn begin_session(&self, user: &Principal) -> Result<String, Fault> {
        let token = random_secret();
        let now = Timestamp::now();
        let expires_at = now.saturating_add(LONGEST).unwrap_or(now);
        authn::add_session(self.store(), stored(&token), user.id, now, expires_at).await?;
        Ok(token)
    }

    /// The session of a token, if it still counts: sessions end after twelve hours, after one without a request, and when
    /// the user is disabled.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn session(&self, token: &str) -> Result<Option<Session>, Fault> {
        let hash = stored(token);
        let now = Timestamp::now();
        let before = |span: SignedDuration| now.saturating_sub(span).unwrap_or(now);
        let Some(found) = authn::session(self.store(), &hash, now, before(IDLE)).await? else { return Ok(None) };
        if found.seen_at < before(NOTED_EVERY) {
            authn::touch_session(self.store(), hash, now).await?;
        }
        Ok(Some(Session { principal: found.principal, home: found.home, roles: found.roles }))
    }

    /// Ends the session of a token.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn end_session(&self, token: &str) -> Result<(), Fault> {
        authn::end_session(self.store(), stored(token)).await
    }
}

/// The token that forms repeat, derived from the secret of the visitor's cookie: another site can send the cookie, but
/// cannot read it.
pub fn csrf_token(secret: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"fullmakt form\0");
    hash.update(secret.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// 256 random bits in base64url, for the cookie of a visitor who is not signed in.
pub fn random_token() -> String {
    random_secret()
}
