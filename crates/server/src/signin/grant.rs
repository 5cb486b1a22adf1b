//! The token endpoints, v1 and v2.0.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fullmakt_domain::ids::{ClientId, TenantId};
use fullmakt_store::authn::{self, DevicePoll, Grant, NewRefreshToken, Principal, Unusable};
use http::{HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::Refused;
use super::form::{Form, decode};
use super::resource::{Asked, parse_resource, parse_scope};
use super::token::{Access, AccessClaims, IdClaims, Version, is_verifier, random_secret, stored, verifier_matches};
use super::visit::Visit;
use super::{Place, Signin, enter, password, sign_in};
use crate::telemetry::count_sign_in;

/// Longest field that is kept, in bytes.
pub const MAX_FIELD: usize = 2_048;

/// The application that asks.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// As registered here; the client libraries' own applications are not.
    pub registered: Option<Principal>,
}

impl Client {
    /// Reads a client id and finds the application, if it is registered.
    ///
    /// # Errors
    /// [`Refused`] for text that is no GUID and for a disabled application.
    pub async fn find(signin: &Signin, id: &str, tenant: &str) -> Result<Self, Refused> {
        let unknown = |_| Refused::UnknownApplication {
            client: id.chars().take(64).collect(),
            tenant: tenant.chars().take(64).collect(),
        };
        let id = ClientId::parse(id).map_err(unknown)?;
        let registered = authn::application(signin.store(), id).await?;
        if registered.as_ref().is_some_and(|application| application.disabled) {
            return Err(Refused::ApplicationDisabled(id.to_string()));
        }
        Ok(Self { id, registered })
    }

    /// Whether the application has a secret to prove itself with.
    pub fn is_confidential(&self) -> bool {
        self.registered.as_ref().is_some_and(|application| application.secret_hash.is_some())
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        self.registered.as_ref().map_or_else(|| self.id.to_string(), |application| application.name.clone())
    }
}

/// Answers `POST /{tenant}/oauth2/token` and `POST /{tenant}/oauth2/v2.0/token`.
///
/// # Errors
/// [`Refused`].
pub async fn token(signin: &Signin, visit: &Visit, segment: &str, version: Version) -> Result<Response, Refused> {
    let answered = grant(signin, visit, segment, version).await;
    let outcome = match &answered {
        Ok(_) => "succeeded",
        Err(refused) => refused.face().1,
    };
    count_sign_in(known_grant(visit.form.get("grant_type")), outcome);
    answered
}

/// The kind of grant, for counting: what callers make up counts as one.
fn known_grant(grant_type: Option<&str>) -> &'static str {
    match grant_type {
        Some("client_credentials") => "client_credentials",
        Some("authorization_code") => "authorization_code",
        Some("refresh_token") => "refresh_token",
        Some("password") => "password",
        Some("device_code" | "urn:ietf:params:oauth:grant-type:device_code") => "device_code",
        _ => "other",
    }
}

async fn grant(signin: &Signin, visit: &Visit, segment: &str, version: Version) -> Result<Response, Refused> {
    let place = Place::of(signin.store(), segment).await?;
    let grant_type = visit.form.need("grant_type")?;
    let client = authenticate(signin, visit, segment).await?;
    let request = Request { signin, visit, place: &place, segment, client: &client, version };
    let body = match grant_type {
        "client_credentials" => request.client_credentials().await?,
        "authorization_code" => request.authorization_code().await?,
        "refresh_token" => request.refresh_token().await?,
        "password" => request.password().await?,
        "device_code" | "urn:ietf:params:oauth:grant-type:device_code" => request.device_code().await?,
        other => return Err(Refused::UnsupportedGrant(other.chars().take(80).collect())),
    };
    let mut response = Json(Value::Object(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Finds the application and, if it has a secret, makes it prove itself, by form or by Basic header.
async fn authenticate(signin: &Signin, visit: &Visit, segment: &str) -> Result<Client, Refused> {
    let form = &visit.form;
    if form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some() {
        return Err(Refused::AssertionUnsupported);
    }
    let basic = basic(visit)?;
    let (id, secret) = match &basic {
        Some((id, secret)) => {
            if form.get("client_id").is_some_and(|other| !other.eq_ignore_ascii_case(id)) {
                return Err(Refused::invalid("client_id", "it differs from the `Authorization` header"));
            }
            (id.as_str(), Some(secret.as_str()))
        }
        None => (form.need("client_id")?, form.raw("client_secret")),
    };
    let client = Client::find(signin, id, segment).await?;
    if !client.is_confidential() {
        return Ok(client);
    }
    let hash = client.registered.as_ref().and_then(|application| application.secret_hash.as_deref());
    let secret = secret.ok_or(Refused::SecretMissing)?;
    let account = format!("application {}", client.id);
    let address = visit.address.as_deref();
    if password::check_secret(signin.throttle(), &account, address, secret, hash).await? {
        Ok(client)
    } else {
        Err(Refused::WrongSecret(client.id.to_string()))
    }
}

/// Both halves of a Basic header are URL-encoded. Source: RFC 6749, 2.3.1.
fn basic(visit: &Visit) -> Result<Option<(String, String)>, Refused> {
    let value = visit.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, encoded)) = value.and_then(|value| value.trim().split_once(' ')) else { return Ok(None) };
    // Some clients send the token they have along with every request.
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Ok(None);
    }
    let read = || {
        let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let secret = decode(secret.as_bytes()).unwrap_or_else(|| secret.to_owned());
        Some((decode(id.as_bytes())?, secret))
    };
    read().map(Some).ok_or_else(|| Refused::invalid("Authorization", "it is not Basic with a client id and a secret"))
}

/// A request for tokens by an application that is who it says.
struct Request<'a> {
    signin: &'a Signin,
    visit: &'a Visit,
    place: &'a Place,
    segment: &'a str,
    client: &'a Client,
    version: Version,
}

/// Tokens to be issued to a user.
struct Issue<'a> {
    user: &'a Principal,
    tenant: TenantId,
    asked: Asked,
    nonce: Option<&'a str>,
    /// A refresh token that was kept already.
    refresh_token: Option<String>,
}

impl Request<'_> {
    fn form(&self) -> &Form {
        &self.visit.form
    }

    /// What the form asks for, or, where it names no resource, what the sign-in asked for.
    fn asked(&self, earlier: Option<&Grant>) -> Result<Asked, Refused> {
        let base = &self.visit.base_url;
        let mut asked = match self.version {
            Version::V1 => Asked {
                resource: self.form().short("resource", MAX_FIELD)?.map(|r| parse_resource(r, base)).transpose()?,
                openid: true,
                offline: true,
                ..Asked::default()
            },
            Version::V2 => parse_scope(self.form().short("scope", MAX_FIELD)?.unwrap_or(""), base)?,
        };
        if let Some(grant) = earlier {
            let before = parse_scope(&grant.scope, base).unwrap_or_default();
            asked.openid |= before.openid;
            asked.offline |= before.offline;
            if asked.resource.is_none() {
                asked.resource = grant.resource.clone();
                asked.resource_scopes = before.resource_scopes;
            }
        }
        Ok(asked)
    }

    async fn client_credentials(&self) -> Result<Map<String, Value>, Refused> {
        let unknown = || Refused::UnknownApplication {
            client: self.client.id.to_string(),
            tenant: self.segment.chars().take(64).collect(),
        };
        let application = self.client.registered.as_ref().ok_or_else(unknown)?;
        if !self.client.is_confidential() {
            return Err(Refused::WrongSecret(self.client.id.to_string()));
        }
        let Some(tenant) = self.place.tenant() else {
            return Err(Refused::TenantNotNamed(self.segment.to_owned()));
        };
        if tenant != application.home {
            return Err(unknown());
        }
        let asked = self.asked(None)?;
        let field = match self.version {
            Version::V1 => "resource",
            Version::V2 => "scope",
        };
        let resource = asked.resource.as_deref().ok_or(Refused::Missing(field))?;
        // An application holds no permissions of its own here that it could choose from.
        if asked.resource_scopes.iter().any(|scope| !scope.ends_with("/.default")) {
            return Err(Refused::InvalidScope(asked.resource_scopes.join(" ")));
        }
        let now = Timestamp::now();
        let access = self.access(application, tenant, resource);
        let mut body = self.envelope(&access, now)?;
        if self.version == Version::V1 {
            body.insert("resource".to_owned(), json!(resource));
        }
        Ok(body)
    }

    async fn authorization_code(&self) -> Result<Map<String, Value>, Refused> {
        let code = self.form().need("code")?;
        let redirect_uri = self.form().need("redirect_uri")?;
        let now = Timestamp::now();
        let Some(spent) = authn::spend_code(self.signin.store(), &stored(code), now).await? else {
            return Err(Refused::BadCode("it is unknown, has expired or was used before"));
        };
        if spent.grant.client != self.client.id {
            return Err(Refused::BadCode("it was given to another application"));
        }
        if spent.redirect_uri != redirect_uri {
            return Err(Refused::BadCode("`redirect_uri` differs from the authorization request"));
        }
        match (&spent.challenge, self.form().get("code_verifier")) {
            (Some(_), None) => return Err(Refused::Missing("code_verifier")),
            (Some(challenge), Some(verifier)) if !is_verifier(verifier) || !verifier_matches(verifier, challenge) => {
                return Err(Refused::WrongVerifier);
            }
            (None, Some(_)) => return Err(Refused::WrongVerifier),
            _ => {}
        }
        let asked = self.asked(Some(&spent.grant))?;
        let user = self.user(&spent.grant).await?;
        let tenant = self.same_tenant(&user, spent.grant.tenant).await?;
        let refresh_token = self.first_refresh_token(&asked, &spent.grant, spent.family).await?;
        self.issue(Issue { user: &user, tenant, asked, nonce: spent.nonce.as_deref(), refresh_token })
    }

    async fn device_code(&self) -> Result<Map<String, Value>, Refused> {
        // v1 calls the field `code`.
        let code = match self.form().get("device_code").or_else(|| self.form().get("code")) {
            Some(code) => code,
            None => return Err(Refused::Missing("device_code")),
        };
        let interval = self.signin.settings().device_interval_s;
        // A second of grace: the network may deliver two well-spaced questions closer together.
        let least_wait_us = interval.saturating_sub(1).saturating_mul(1_000_000);
        let now = Timestamp::now();
        let polled = authn::poll_device(self.signin.store(), &stored(code), self.client.id, least_wait_us, now).await?;
        let grant = match polled {
            DevicePoll::Granted(grant) => grant,
            DevicePoll::Pending => return Err(Refused::AuthorizationPending),
            DevicePoll::TooSoon => return Err(Refused::SlowDown(interval)),
            DevicePoll::Expired => return Err(Refused::DeviceCodeExpired),
            DevicePoll::Declined => return Err(Refused::Declined),
            DevicePoll::Spent => return Err(Refused::BadDeviceCode("it was used before")),
            DevicePoll::Unknown => return Err(Refused::BadDeviceCode("it is unknown")),
        };
        let asked = self.asked(Some(&grant))?;
        let user = self.user(&grant).await?;
        let tenant = self.same_tenant(&user, grant.tenant).await?;
        let refresh_token = self.first_refresh_token(&asked, &grant, Uuid::new_v4().to_string()).await?;
        self.issue(Issue { user: &user, tenant, asked, nonce: None, refresh_token })
    }

    async fn password(&self) -> Result<Map<String, Value>, Refused> {
        if !self.signin.settings().password_grant {
            return Err(Refused::PasswordGrantOff);
        }
        let username = self.form().need("username")?;
        let password = self.form().raw("password").ok_or(Refused::Missing("password"))?;
        let asked = self.asked(None)?;
        let (user, tenant) =
            sign_in(self.signin, self.place.tenant(), self.visit.address.as_deref(), username, password).await?;
        let grant = Grant {
            principal: user.id,
            tenant,
            client: self.client.id,
            scope: scope_text(&asked),
            resource: asked.resource.clone(),
        };
        let refresh_token = self.first_refresh_token(&asked, &grant, Uuid::new_v4().to_string()).await?;
        self.issue(Issue { user: &user, tenant, asked, nonce: None, refresh_token })
    }

    /// Renews a sign-in, also for another directory that the user may enter.
    async fn refresh_token(&self) -> Result<Map<String, Value>, Refused> {
        let old = stored(self.form().need("refresh_token")?);
        let now = Timestamp::now();
        let found = match authn::refresh_token(self.signin.store(), &old, now).await? {
            Ok(found) => found,
            Err(Unusable::Unknown) => return Err(Refused::BadRefreshToken("it is unknown")),
            Err(Unusable::Expired) => return Err(Refused::BadRefreshToken("it has expired")),
            Err(Unusable::Spent) => return Err(Refused::BadRefreshToken("it was used before")),
            Err(Unusable::Revoked) => return Err(Refused::BadRefreshToken("it is revoked")),
        };
        if found.grant.client != self.client.id {
            return Err(Refused::BadRefreshToken("it was given to another application"));
        }
        let asked = self.asked(Some(&found.grant))?;
        let user = self.user(&found.grant).await?;
        let tenant = enter(self.signin, &user, self.place.tenant()).await?;
        let successor = random_secret();
        let kept = NewRefreshToken {
            hash: stored(&successor),
            family: found.family,
            grant: found.grant,
            expires_at: later(now, self.signin.settings().refresh_lifetime_s),
        };
        if !authn::rotate_refresh_token(self.signin.store(), &old, kept, now).await? {
            return Err(Refused::BadRefreshToken("it was used before"));
        }
        self.issue(Issue { user: &user, tenant, asked, nonce: None, refresh_token: Some(successor) })
    }

    async fn user(&self, grant: &Grant) -> Result<Principal, Refused> {
        authn::principal(self.signin.store(), grant.principal).await?.ok_or(Refused::UserDisabled)
    }

    /// The directory that the user signed in to; a request that names another one is mistaken.
    async fn same_tenant(&self, user: &Principal, signed_in: TenantId) -> Result<TenantId, Refused> {
        if self.place.tenant().is_some_and(|asked| asked != signed_in) {
            return Err(Refused::BadCode("it was given for another tenant"));
        }
        enter(self.signin, user, Some(signed_in)).await
    }

    async fn first_refresh_token(
        &self,
        asked: &Asked,
        grant: &Grant,
        family: String,
    ) -> Result<Option<String>, Refused> {
        if !asked.offline {
            return Ok(None);
        }
        let token = random_secret();
        let kept = NewRefreshToken {
            hash: stored(&token),
            family,
            grant: Grant { scope: scope_text(asked), resource: asked.resource.clone(), ..grant.clone() },
            expires_at: later(Timestamp::now(), self.signin.settings().refresh_lifetime_s),
        };
        authn::add_refresh_token(self.signin.store(), kept).await?;
        Ok(Some(token))
    }

    fn access<'a>(&'a self, principal: &'a Principal, tenant: TenantId, audience: &'a str) -> Access<'a> {
        Access {
            principal,
            tenant,
            client: self.client.id,
            audience,
            base_url: &self.visit.base_url,
            version: self.version,
            mfa: self.signin.settings().mfa,
            lifetime_s: self.signin.settings().access_lifetime_s,
        }
    }

    /// What every answer has: the token and its times. v1 writes numbers as text.
    fn envelope(&self, access: &Access<'_>, now: Timestamp) -> Result<Map<String, Value>, Refused> {
        let claims = AccessClaims::new(access, now);
        let mut body = Map::new();
        let number = |value: i64| match self.version {
            Version::V1 => json!(value.to_string()),
            Version::V2 => json!(value),
        };
        body.insert("token_type".to_owned(), json!("Bearer"));
        body.insert("expires_in".to_owned(), number(access.lifetime_s));
        body.insert("ext_expires_in".to_owned(), number(access.lifetime_s));
        if self.version == Version::V1 {
            body.insert("expires_on".to_owned(), number(claims.exp));
            body.insert("not_before".to_owned(), number(claims.nbf));
        }
        body.insert("access_token".to_owned(), json!(sign(self.signin, &claims)?));
        Ok(body)
    }

    fn issue(&self, issue: Issue<'_>) -> Result<Map<String, Value>, Refused> {
        let now = Timestamp::now();
        // Without a resource the vendor's endpoints mean the directory's graph.
        let (resource, scopes) = match (&issue.asked.resource, self.version) {
            (Some(resource), _) => (resource.clone(), issue.asked.resource_scopes.clone()),
            (None, Version::V1) => ("https://graph.windows.net".to_owned(), Vec::new()),
            (None, Version::V2) => ("https://graph.microsoft.com".to_owned(), Vec::new()),
        };
        let access = self.access(issue.user, issue.tenant, &resource);
        let mut body = self.envelope(&access, now)?;
        let scope = match self.version {
            Version::V1 => "user_impersonation".to_owned(),
            Version::V2 => granted_scope(&resource, scopes, &issue.asked),
        };
        body.insert("scope".to_owned(), json!(scope));
        if self.version == Version::V1 {
            body.insert("resource".to_owned(), json!(resource));
        }
        if let Some(refresh_token) = issue.refresh_token {
            body.insert("refresh_token".to_owned(), json!(refresh_token));
        }
        if issue.asked.openid {
            let claims = IdClaims::new(&access, issue.nonce, None, now);
            body.insert("id_token".to_owned(), json!(sign(self.signin, &claims)?));
        }
        body.insert("client_info".to_owned(), json!(client_info(issue.user)));
        Ok(body)
    }
}

/// The scopes of an answer: what was asked for, word for word, since client libraries file the token under it.
fn granted_scope(resource: &str, mut scopes: Vec<String>, asked: &Asked) -> String {
    let impersonation = format!("{resource}/user_impersonation");
    if !scopes.contains(&impersonation) {
        scopes.push(impersonation);
    }
    let beside = [("openid", asked.openid), ("profile", asked.openid), ("offline_access", asked.offline)];
    scopes.extend(beside.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name.to_owned()));
    scopes.join(" ")
}

/// What is kept of a request's scopes.
pub fn scope_text(asked: &Asked) -> String {
    let mut scopes = asked.resource_scopes.clone();
    let beside = [("openid", asked.openid), ("offline_access", asked.offline)];
    scopes.extend(beside.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name.to_owned()));
    scopes.join(" ")
}

/// Whose account it is, whichever directory the token is for: client libraries file accounts under it.
pub fn client_info(user: &Principal) -> String {
    URL_SAFE_NO_PAD.encode(json!({"uid": user.id.to_string(), "utid": user.home.to_string()}).to_string())
}

/// Signs claims; a failure is the server's.
///
/// # Errors
/// [`Refused::Fault`].
pub fn sign(signin: &Signin, claims: &impl serde::Serialize) -> Result<String, Refused> {
    signin.issuer().sign(claims).map_err(|error| {
        tracing::error!(%error, "cannot sign a token");
        Refused::Fault
    })
}

/// So many seconds after an instant.
pub fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
