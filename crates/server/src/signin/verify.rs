//! Verifies access tokens for all edges.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fullmakt_domain::actor::{Actor, PrincipalKind};
use fullmakt_domain::ids::{ClientId, PrincipalId, TenantId};
use fullmakt_store::{Fault, authn};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use sha2::{Digest, Sha256};

use super::Signin;
use super::resource::Audience;
use super::token::AccessClaims;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;
/// How long a verified token is believed before its principal is looked up again.
const BELIEVED: Duration = Duration::from_secs(3);
/// Verified tokens that are remembered.
const REMEMBERED: usize = 10_000;

/// A token that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who asks.
    pub actor: Actor,
    /// A user's token (app+user), not an application's own.
    pub user: bool,
    /// The user proved themselves twice.
    pub mfa: bool,
    /// What it was issued for. The edge decides whether it takes that.
    pub audience: Audience,
    /// Until when it counts.
    pub expires: Timestamp,
}

/// Why a request is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no token.
    #[error("the request has no `Authorization: Bearer` header")]
    Missing,
    /// What is there is no token.
    #[error("the `Authorization` header does not hold a bearer token of this server")]
    Malformed,
    /// It was one.
    #[error("the token has expired; get a new one")]
    Expired,
    /// It is none of ours, or counts no longer.
    #[error("the token is refused: {0}")]
    Refused(&'static str),
    /// The database did not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Tokens verified lately, by their SHA-256.
#[derive(Debug, Default)]
pub(super) struct TokenCache {
    tokens: Mutex<HashMap<[u8; 32], Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    token: Arc<Checked>,
    checked: Instant,
}

/// A token without what depends on the address it is used at.
#[derive(Debug)]
struct Checked {
    actor: Actor,
    mfa: bool,
    audience: String,
    expires: Timestamp,
}

impl TokenCache {
    fn get(&self, key: &[u8; 32]) -> Option<Known> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: [u8; 32], token: Arc<Checked>, now: Timestamp) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= REMEMBERED {
            tokens.retain(|_, known| known.token.expires > now && known.checked.elapsed() < BELIEVED);
        }
        if tokens.len() >= REMEMBERED {
            tokens.clear();
        }
        tokens.insert(key, Known { token, checked: Instant::now() });
    }

    fn forget(&self, key: &[u8; 32]) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Verifies the value of an `Authorization` header, at the server that answers as `base_url`.
///
/// A token is verified once and then believed for a few seconds; after that its principal is looked up again, so that
/// a disabled one, or an agent whose partner lost the customer, is out within seconds.
///
/// # Errors
/// [`TokenError`].
pub async fn verify(signin: &Signin, authorization: Option<&str>, base_url: &str) -> Result<Verified, TokenError> {
    let token = bearer(authorization)?;
    let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let now = Timestamp::now();
    let cache = &signin.issuer().cache;
    let known = cache.get(&key);
    let checked = match known {
        Some(known) if known.token.expires <= now => {
            cache.forget(&key);
            return Err(TokenError::Expired);
        }
        Some(known) if known.checked.elapsed() < BELIEVED => known.token,
        known => {
            let claims = match known {
                // The signature does not change; only the principal may have.
                Some(_) => decode_unverified(token)?,
                None => decode(signin, token, now).await?,
            };
            match look_up(signin, claims).await {
                Ok(checked) => {
                    let checked = Arc::new(checked);
                    cache.put(key, Arc::clone(&checked), now);
                    checked
                }
                Err(error) => {
                    cache.forget(&key);
                    return Err(error);
                }
            }
        }
    };
    let audience = Audience::parse(&checked.audience, base_url)
        .ok_or(TokenError::Refused("it was issued for another resource than this server's"))?;
    Ok(Verified {
        actor: checked.actor.clone(),
        user: checked.actor.kind == PrincipalKind::User,
        mfa: checked.mfa,
        audience,
        expires: checked.expires,
    })
}

fn bearer(authorization: Option<&str>) -> Result<&str, TokenError> {
    let value = authorization.map(str::trim).filter(|value| !value.is_empty()).ok_or(TokenError::Missing)?;
    let (scheme, token) = value.split_once(' ').ok_or(TokenError::Malformed)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("Bearer") || token.is_empty() || token.len() > MAX_TOKEN {
        return Err(TokenError::Malformed);
    }
    Ok(token)
}

/// The key id of a token that says it is signed the one way tokens are signed here.
fn key_id(token: &str) -> Result<String, TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    if header.alg != Algorithm::RS256 {
        return Err(TokenError::Refused("it is not signed with RS256"));
    }
    header.kid.ok_or(TokenError::Refused("it names no key"))
}

async fn decode(signin: &Signin, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
    let kid = key_id(token)?;
    let key = signin
        .issuer()
        .decoding_key(signin.store(), &kid, now)
        .await
        .ok_or(TokenError::Refused("it is signed with a key that is not this server's"))?;
    check(token, &key)
}

/// Checks signature and times.
fn check(token: &str, key: &DecodingKey) -> Result<AccessClaims, TokenError> {
    let mut validation = Validation::new(Algorithm::RS256);
    // The audience depends on the address and is compared at each use.
    validation.validate_aud = false;
    validation.validate_nbf = true;
    validation.leeway = 0;
    jsonwebtoken::decode::<AccessClaims>(token, key, &validation).map(|data| data.claims).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::ExpiredSignature => TokenError::Expired,
            ErrorKind::InvalidSignature => TokenError::Refused("its signature is wrong"),
            ErrorKind::ImmatureSignature => TokenError::Refused("it does not count yet"),
            _ => TokenError::Refused("it is not an access token of this server"),
        }
    })
}

fn decode_unverified(token: &str) -> Result<AccessClaims, TokenError> {
    jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| TokenError::Malformed)
}

/// Who the claims speak of, as the database knows them now.
async fn look_up(signin: &Signin, claims: AccessClaims) -> Result<Checked, TokenError> {
    const STRANGE: TokenError = TokenError::Refused("it is not an access token of this server");
    let id = PrincipalId::parse(&claims.oid).map_err(|_| STRANGE)?;
    let tenant = TenantId::parse(&claims.tid).map_err(|_| STRANGE)?;
    let application = claims.appid.as_deref().or(claims.azp.as_deref());
    let application = application.map(ClientId::parse).transpose().map_err(|_| STRANGE)?;
    let kind = match claims.idtyp.as_str() {
        "user" => PrincipalKind::User,
        "app" => PrincipalKind::Application,
        _ => return Err(STRANGE),
    };
    let principal = authn::principal(signin.store(), id).await?.filter(|p| p.kind == kind);
    let Some(principal) = principal else {
        return Err(TokenError::Refused("its principal no longer exists"));
    };
    if principal.disabled {
        return Err(TokenError::Refused("its principal is disabled"));
    }
    if !authn::may_enter(signin.store(), &principal, tenant).await? {
        return Err(TokenError::Refused("its principal may no longer enter that tenant"));
    }
    Ok(Checked {
        actor: Actor {
            principal: principal.id,
            kind,
            name: principal.upn.unwrap_or(principal.name),
            home: principal.home,
            tenant,
            application,
        },
        mfa: claims.amr.iter().any(|method| method == "mfa"),
        audience: claims.aud,
        expires: Timestamp::from_second(claims.exp).map_err(|_| STRANGE)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A public key from an RSA modulus that nobody knows the factors of: nothing is signed with it.
    fn key() -> DecodingKey {
        let modulus: Vec<u8> = (0..256_u32).map(|i| u8::try_from((i * 73 + 129) % 256).unwrap() | 1).collect();
        DecodingKey::from_rsa_raw_components(&modulus, &[1, 0, 1])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn no_text_breaks_the_reading_of_a_token(text in "\\PC{0,60}", parts in "[A-Za-z0-9_.-]{0,80}") {
            for token in [text, format!("eyJhbGciOiJSUzI1NiJ9.{parts}"), format!("Bearer {parts}")] {
                let _ = bearer(Some(&token)).map(key_id);
                let _ = key_id(&token);
                let _ = decode_unverified(&token);
            }
        }

        #[test]
        fn no_bytes_pass_for_a_signed_token(
            body in proptest::collection::vec(any::<u8>(), 0..40),
            signature in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            use base64::Engine;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let (body, signature) = (URL_SAFE_NO_PAD.encode(body), URL_SAFE_NO_PAD.encode(signature));
            let token = format!("eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.{body}.{signature}");
            prop_assert!(check(&token, &key()).is_err());
        }
    }

    #[test]
    fn the_header_must_carry_a_bearer_token() {
        assert!(matches!(bearer(None), Err(TokenError::Missing)));
        assert!(matches!(bearer(Some("  ")), Err(TokenError::Missing)));
        assert!(matches!(bearer(Some("Basic abc")), Err(TokenError::Malformed)));
        assert!(matches!(bearer(Some("Bearer")), Err(TokenError::Malformed)));
        assert!(matches!(bearer(Some("bearer abc")), Ok("abc")));
        assert!(matches!(key_id("eyJhbGciOiJIUzI1NiIsImtpZCI6IngifQ.e30.AA"), Err(TokenError::Refused(_))));
        assert!(matches!(key_id("eyJhbGciOiJub25lIn0.e30."), Err(TokenError::Malformed)));
    }
}
