//! What stands in tokens.

use fullmakt_domain::actor::PrincipalKind;
use fullmakt_domain::ids::{ClientId, TenantId};
use fullmakt_store::authn::Principal;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Clocks differ: a token counts from this long before it was made, in seconds.
const BACKDATED_S: i64 = 300;

/// The generation of an endpoint: v1 speaks of resources, v2.0 of scopes, and their tokens differ in a few names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `/oauth2/…`.
    V1,
    /// `/oauth2/v2.0/…`.
    V2,
}

impl Version {
    /// As in the claim `ver`.
    pub fn claim(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }

    /// Who issues tokens for a directory; also discovery documents say so, with a placeholder for the directory.
    pub fn issuer(self, base_url: &str, tenant: &str) -> String {
        match self {
            Self::V1 => format!("{base_url}/{tenant}/"),
            Self::V2 => format!("{base_url}/{tenant}/v2.0"),
        }
    }
}

/// Claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The resource, as it was asked for.
    pub aud: String,
    /// This server and the directory.
    pub iss: String,
    /// Made at, in seconds since 1970.
    pub iat: i64,
    /// Counts from.
    pub nbf: i64,
    /// Counts until.
    pub exp: i64,
    /// The directory signed in to.
    pub tid: String,
    /// The principal.
    pub oid: String,
    /// The principal.
    pub sub: String,
    /// `1.0` or `2.0`.
    pub ver: String,
    /// `user` or `app`.
    pub idtyp: String,
    /// A number of its own for each token.
    pub uti: String,
    /// The application, v1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// The application, v2.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// A user's principal name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// The same under its older name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<String>,
    /// A user's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `user_impersonation` marks a user's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scp: Option<String>,
    /// How the user proved who they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The user's own directory, when it is not the one signed in to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullmakt_home: Option<String>,
}

/// What an access token is made of.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Whose.
    pub principal: &'a Principal,
    /// The directory signed in to.
    pub tenant: TenantId,
    /// The application.
    pub client: ClientId,
    /// The resource, as it was asked for.
    pub audience: &'a str,
    /// The server as the client sees it.
    pub base_url: &'a str,
    /// The endpoint's generation.
    pub version: Version,
    /// Whether users count as having proved themselves twice.
    pub mfa: bool,
    /// How long it lasts, in seconds.
    pub lifetime_s: i64,
}

impl AccessClaims {
    /// The claims of a fresh token.
    pub fn new(access: &Access<'_>, now: Timestamp) -> Self {
        let Access { principal, version, .. } = *access;
        let is_user = principal.kind == PrincipalKind::User;
        let tenant = access.tenant.to_string();
        let client = access.client.to_string();
        let issued = now.as_second();
        let for_user = |value: &str| is_user.then(|| value.to_owned());
        let upn = principal.upn.as_deref().and_then(for_user);
        let amr: &[&str] = match (is_user, access.mfa) {
            (true, true) => &["pwd", "mfa"],
            (true, false) => &["pwd"],
            (false, _) => &[],
        };
        Self {
            aud: access.audience.to_owned(),
            iss: version.issuer(access.base_url, &tenant),
            iat: issued,
            nbf: issued.saturating_sub(BACKDATED_S),
            exp: issued.saturating_add(access.lifetime_s),
            tid: tenant,
            oid: principal.id.to_string(),
            sub: principal.id.to_string(),
            ver: version.claim().to_owned(),
            idtyp: if is_user { "user" } else { "app" }.to_owned(),
            uti: URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes()),
            appid: (version == Version::V1).then(|| client.clone()),
            azp: (version == Version::V2).then_some(client),
            unique_name: upn.clone(),
            upn,
            name: for_user(&principal.name),
            scp: for_user("user_impersonation"),
            amr: amr.iter().map(|method| (*method).to_owned()).collect(),
            fullmakt_home: (principal.home != access.tenant).then(|| principal.home.to_string()),
        }
    }
}

/// Claims of an id token, which tells an application who signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdClaims {
    aud: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    tid: String,
    oid: String,
    sub: String,
    ver: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c_hash: Option<String>,
}

impl IdClaims {
    /// The claims of a fresh id token. `code` is the authorization code it travels with, if it does.
    pub fn new(access: &Access<'_>, nonce: Option<&str>, code: Option<&str>, now: Timestamp) -> Self {
        let Access { principal, version, .. } = *access;
        let tenant = access.tenant.to_string();
        let issued = now.as_second();
        let older = |version: Version| principal.upn.clone().filter(|_| version == Version::V1);
        Self {
            aud: access.client.to_string(),
            iss: version.issuer(access.base_url, &tenant),
            iat: issued,
            nbf: issued.saturating_sub(BACKDATED_S),
            exp: issued.saturating_add(access.lifetime_s),
            tid: tenant,
            oid: principal.id.to_string(),
            sub: principal.id.to_string(),
            ver: version.claim(),
            name: principal.name.clone(),
            preferred_username: principal.upn.clone(),
            upn: older(version),
            unique_name: older(version),
            nonce: nonce.map(str::to_owned),
            c_hash: code.map(half_hash),
        }
    }
}

/// The left half of a hash, which binds an id token to the code beside it. Source: OpenID Connect Core 3.3.2.11.
fn half_hash(code: &str) -> String {
    let digest = Sha256::digest(code.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}

/// A secret of 256 random bits for a client to keep.
///
/// # Panics
/// When the system has no random numbers, as nothing can be handed out then.
pub fn random_secret() -> String {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// How codes and tokens are stored.
pub fn stored(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Whether a PKCE verifier belongs to a challenge (S256).
pub fn verifier_matches(verifier: &str, challenge: &str) -> bool {
    // Both sides are hashes of what the caller holds, so comparing them in time that varies reveals nothing.
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge
}

/// Whether a text can be a PKCE verifier: 43 to 128 unreserved characters. Source: RFC 7636, 4.1.
pub fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_proves_its_challenge() {
        // The example of RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_verifier(verifier));
        assert!(verifier_matches(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!verifier_matches(&verifier.replace('d', "e"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!is_verifier("short"));
        assert!(!is_verifier(&"å".repeat(43)));
    }
}
