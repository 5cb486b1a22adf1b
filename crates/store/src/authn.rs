//! Sign-in data: who can sign in, and the codes and tokens of sign-ins under way. Secrets arrive here as hashes.

mod session;

use fullmakt_domain::actor::PrincipalKind;
use fullmakt_domain::ids::{ClientId, PrincipalId, TenantId};
use futures_util::FutureExt;
use jiff::Timestamp;

use crate::db::{Ending, Store, Tx, on};
use crate::row::{Fault, instant_optional, known, micros, parsed, parsed_optional};

pub use session::{StoredSession, add_session, end_session, session, touch_session};

/// A directory's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantKind {
    /// A reseller's.
    Partner,
    /// A customer's.
    Customer,
}

/// A directory that people sign in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Whose it is.
    pub kind: TenantKind,
    /// Its name, for people.
    pub name: String,
    /// Its domain, in lower case.
    pub domain: String,
}

/// A user or an application that can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its object id.
    pub id: PrincipalId,
    /// The directory it belongs to.
    pub home: TenantId,
    /// A person or an application.
    pub kind: PrincipalKind,
    /// A user's principal name, in lower case.
    pub upn: Option<String>,
    /// Its name, for people.
    pub name: String,
    /// An application's client id.
    pub client: Option<ClientId>,
    /// The argon2id hash of the password or client secret. Without one there is no signing in with a secret.
    pub secret_hash: Option<String>,
    /// Switched off: neither old nor new tokens count.
    pub disabled: bool,
}

#[derive(serde::Deserialize)]
struct TenantRow {
    tenant_id: String,
    kind: String,
    name: String,
    domain: String,
}

#[derive(serde::Deserialize)]
struct PrincipalRow {
    principal_id: String,
    tenant_id: String,
    kind: String,
    upn: Option<String>,
    name: String,
    client_id: Option<String>,
    secret_hash: Option<String>,
    disabled_at: Option<i64>,
}

impl TryFrom<PrincipalRow> for Principal {
    type Error = Fault;

    fn try_from(row: PrincipalRow) -> Result<Self, Fault> {
        let kind = match row.kind.as_str() {
            "user" => Some(PrincipalKind::User),
            "application" => Some(PrincipalKind::Application),
            _ => None,
        };
        Ok(Self {
            id: parsed("principal", &row.principal_id)?,
            home: parsed("tenant", &row.tenant_id)?,
            kind: known("kind of principal", &row.kind, kind)?,
            upn: row.upn,
            name: row.name,
            client: parsed_optional("client", row.client_id.as_deref())?,
            secret_hash: row.secret_hash,
            disabled: row.disabled_at.is_some(),
        })
    }
}

/// The directory of an id or a domain; case does not count.
///
/// # Errors
/// [`Fault`].
pub async fn tenant(store: &Store, id_or_domain: &str) -> Result<Option<Tenant>, Fault> {
    let id = TenantId::parse(id_or_domain).map_or_else(|_| String::new(), |id| id.to_string());
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let row: Option<TenantRow> = on!(tx, conn => sqlx::query_as(
        "SELECT tenant_id, kind, name, domain FROM tenant WHERE tenant_id = $1 OR domain = $2")
        .bind(id).bind(id_or_domain.to_lowercase()).fetch_optional(conn).await)?;
    row.map(|row| {
        let kind = match row.kind.as_str() {
            "partner" => Some(TenantKind::Partner),
            "customer" => Some(TenantKind::Customer),
            _ => None,
        };
        Ok(Tenant {
            id: parsed("tenant", &row.tenant_id)?,
            kind: known("kind of tenant", &row.kind, kind)?,
            name: row.name,
            domain: row.domain,
        })
    })
    .transpose()
}

/// The user of a principal name; case does not count.
///
/// # Errors
/// [`Fault`].
pub async fn user(store: &Store, upn: &str) -> Result<Option<Principal>, Fault> {
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let row: Option<PrincipalRow> = on!(tx, conn => sqlx::query_as(
        "SELECT principal_id, tenant_id, kind, upn, name, client_id, secret_hash, disabled_at
         FROM principal WHERE upn = $1 AND kind = 'user'")
        .bind(upn.trim().to_lowercase()).fetch_optional(conn).await)?;
    row.map(Principal::try_from).transpose()
}

/// The registered application of a client id.
///
/// # Errors
/// [`Fault`].
pub async fn application(store: &Store, client: ClientId) -> Result<Option<Principal>, Fault> {
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let row: Option<PrincipalRow> = on!(tx, conn => sqlx::query_as(
        "SELECT principal_id, tenant_id, kind, upn, name, client_id, secret_hash, disabled_at
         FROM principal WHERE client_id = $1 AND kind = 'application'")
        .bind(client.to_string()).fetch_optional(conn).await)?;
    row.map(Principal::try_from).transpose()
}

/// The principal of an id.
///
/// # Errors
/// [`Fault`].
pub async fn principal(store: &Store, id: PrincipalId) -> Result<Option<Principal>, Fault> {
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let row: Option<PrincipalRow> = on!(tx, conn => sqlx::query_as(
        "SELECT principal_id, tenant_id, kind, upn, name, client_id, secret_hash, disabled_at
         FROM principal WHERE principal_id = $1")
        .bind(id.to_string()).fetch_optional(conn).await)?;
    row.map(Principal::try_from).transpose()
}

/// Whether a principal may have tokens for a directory: its own, and, for a user who is an agent of a partner, those of
/// the customers that the partner serves.
///
/// # Errors
/// [`Fault`].
pub async fn may_enter(store: &Store, principal: &Principal, tenant: TenantId) -> Result<bool, Fault> {
    if principal.home == tenant {
        return Ok(true);
    }
    if principal.kind != PrincipalKind::User {
        return Ok(false);
    }
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let row: Option<(i64,)> = on!(tx, conn => sqlx::query_as(
        "SELECT CAST(1 AS BIGINT) FROM relationship
         WHERE partner_id = $1 AND customer_id = $2 AND EXISTS (
           SELECT 1 FROM partner_role
           WHERE principal_id = $3 AND role IN ('AdminAgent', 'SalesAgent', 'HelpdeskAgent'))")
        .bind(principal.home.to_string())
        .bind(tenant.to_string())
        .bind(principal.id.to_string())
        .fetch_optional(conn).await)?;
    Ok(row.is_some())
}

/// A public signing key as registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// Its id in token headers.
    pub kid: String,
    /// The public half as JSON Web Key.
    pub jwk: String,
    /// Since when it signs no longer.
    pub retired_at: Option<Timestamp>,
}

/// All registered signing keys.
///
/// # Errors
/// [`Fault`].
pub async fn signing_keys(store: &Store) -> Result<Vec<SigningKeyRow>, Fault> {
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let rows: Vec<(String, String, Option<i64>)> = on!(tx, conn => sqlx::query_as(
        "SELECT kid, jwk, retired_at FROM signing_key ORDER BY kid").fetch_all(conn).await)?;
    rows.into_iter()
        .map(|(kid, jwk, retired_at)| Ok(SigningKeyRow { kid, jwk, retired_at: instant_optional(retired_at)? }))
        .collect()
}

/// Registers a public signing key; a known one stays as it is.
///
/// # Errors
/// [`Fault`].
pub async fn register_key(store: &Store, kid: &str, jwk: &str, now: Timestamp) -> Result<(), Fault> {
    let (kid, jwk) = (kid.to_owned(), jwk.to_owned());
    store
        .write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query(
                    "INSERT INTO signing_key (kid, jwk, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                    .bind(kid).bind(jwk).bind(micros(now)).execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}

/// Notes that a key signs no longer.
///
/// # Errors
/// [`Fault`].
pub async fn retire_key(store: &Store, kid: &str, now: Timestamp) -> Result<(), Fault> {
    let kid = kid.to_owned();
    store
        .write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query(
                    "UPDATE signing_key SET retired_at = $2 WHERE kid = $1 AND retired_at IS NULL")
                    .bind(kid).bind(micros(now)).execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}

/// What a user agreed to at sign-in: what a code or refresh token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who signed in.
    pub principal: PrincipalId,
    /// The directory signed in to.
    pub tenant: TenantId,
    /// The application it is for.
    pub client: ClientId,
    /// The scopes as asked for.
    pub scope: String,
    /// The resource asked for.
    pub resource: Option<String>,
}

/// An authorization code to be kept.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// Hash of the code.
    pub hash: String,
    /// The family of the tokens it will give.
    pub family: String,
    /// What it stands for.
    pub grant: Grant,
    /// Where the user was sent with it.
    pub redirect_uri: String,
    /// For the id token.
    pub nonce: Option<String>,
    /// PKCE challenge, S256.
    pub challenge: Option<String>,
    /// Until when it may be used.
    pub expires_at: Timestamp,
    /// Until when the family may be renewed.
    pub family_expires_at: Timestamp,
}

/// A code that was just spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentCode {
    /// The family of the tokens it gives.
    pub family: String,
    /// What it stands for.
    pub grant: Grant,
    /// Where the user was sent with it.
    pub redirect_uri: String,
    /// For the id token.
    pub nonce: Option<String>,
    /// PKCE challenge, S256.
    pub challenge: Option<String>,
}

/// Keeps an authorization code and its family.
///
/// # Errors
/// [`Fault`].
pub async fn add_code(store: &Store, code: NewCode) -> Result<(), Fault> {
    store
        .write(move |tx| {
            async move {
                add_family(&code.family, code.grant.principal, code.family_expires_at, tx).await?;
                on!(tx, conn => sqlx::query(
                    "INSERT INTO authorization_code
                       (code_hash, family_id, principal_id, tenant_id, client_id, redirect_uri, scope, resource, nonce,
                        challenge, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
                    .bind(&code.hash)
                    .bind(&code.family)
                    .bind(code.grant.principal.to_string())
                    .bind(code.grant.tenant.to_string())
                    .bind(code.grant.client.to_string())
                    .bind(&code.redirect_uri)
                    .bind(&code.grant.scope)
                    .bind(&code.grant.resource)
                    .bind(&code.nonce)
                    .bind(&code.challenge)
                    .bind(micros(code.expires_at))
                    .execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}

#[derive(serde::Deserialize)]
struct GrantRow {
    family_id: String,
    principal_id: String,
    tenant_id: String,
    client_id: String,
    scope: String,
    resource: Option<String>,
}

impl GrantRow {
    fn grant(&self) -> Result<Grant, Fault> {
        Ok(Grant {
            principal: parsed("principal", &self.principal_id)?,
            tenant: parsed("tenant", &self.tenant_id)?,
            client: parsed("client", &self.client_id)?,
            scope: self.scope.clone(),
            resource: self.resource.clone(),
        })
    }
}

#[derive(serde::Deserialize)]
struct CodeRow {
    #[serde(flatten)]
    grant: GrantRow,
    redirect_uri: String,
    nonce: Option<String>,
    challenge: Option<String>,
}

/// Spends an authorization code: of many who try, one gets it. Whoever shows a spent code may have stolen it, so that the
/// tokens it gave are revoked.
///
/// # Errors
/// [`Fault`].
pub async fn spend_code(store: &Store, hash: &str, now: Timestamp) -> Result<Option<SpentCode>, Fault> {
    let hash = hash.to_owned();
    let row: Option<CodeRow> = store
        .write(move |tx| {
            async move {
                let row: Option<CodeRow> = on!(tx, conn => sqlx::query_as(
                    "UPDATE authorization_code SET used_at = $2
                     WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2
                     RETURNING family_id, principal_id, tenant_id, client_id, scope, resource, redirect_uri, nonce,
                               challenge")
                    .bind(&hash).bind(micros(now)).fetch_optional(conn).await)?;
                if row.is_none() {
                    on!(tx, conn => sqlx::query(
                        "UPDATE token_family SET revoked_at = $2 WHERE revoked_at IS NULL AND family_id =
                           (SELECT family_id FROM authorization_code WHERE code_hash = $1 AND used_at IS NOT NULL)")
                        .bind(&hash).bind(micros(now)).execute(conn).await.map(drop))?;
                }
                Ok::<_, Fault>((Ending::Keep, row))
            }
            .boxed()
        })
        .await?;
    row.map(|row| {
        Ok(SpentCode {
            family: row.grant.family_id.clone(),
            grant: row.grant.grant()?,
            redirect_uri: row.redirect_uri,
            nonce: row.nonce,
            challenge: row.challenge,
        })
    })
    .transpose()
}

/// A refresh token to be kept.
#[derive(Debug, Clone)]
pub struct NewRefreshToken {
    /// Hash of the token.
    pub hash: String,
    /// Its family.
    pub family: String,
    /// What it stands for.
    pub grant: Grant,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

/// Keeps the first refresh token of a family, and the family if it is new.
///
/// # Errors
/// [`Fault`].
pub async fn add_refresh_token(store: &Store, token: NewRefreshToken) -> Result<(), Fault> {
    store
        .write(move |tx| {
            async move {
                add_family(&token.family, token.grant.principal, token.expires_at, tx).await?;
                insert_refresh_token(&token, tx).await?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}

/// A refresh token as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Its family.
    pub family: String,
    /// What it stands for.
    pub grant: Grant,
}

/// Why a refresh token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Never given out, or swept long ago.
    Unknown,
    /// Too old.
    Expired,
    /// Spent before. Its family is revoked now.
    Spent,
    /// Its family is revoked.
    Revoked,
}

#[derive(serde::Deserialize)]
struct RefreshRow {
    #[serde(flatten)]
    grant: GrantRow,
    expires_at: i64,
    used_at: Option<i64>,
    revoked_at: Option<i64>,
}

/// Looks at a refresh token without spending it.
///
/// # Errors
/// [`Fault`].
pub async fn refresh_token(store: &Store, hash: &str, now: Timestamp) -> Result<Result<RefreshToken, Unusable>, Fault> {
    let row: Option<RefreshRow> = {
        let mut reader = store.reader().await?;
        let tx = &mut reader.tx();
        on!(tx, conn => sqlx::query_as(
            "SELECT t.family_id, t.principal_id, t.tenant_id, t.client_id, t.scope, t.resource, t.expires_at, t.used_at,
                    f.revoked_at
             FROM refresh_token t JOIN token_family f ON f.family_id = t.family_id
             WHERE t.token_hash = $1")
            .bind(hash).fetch_optional(conn).await)?
    };
    let Some(row) = row else { return Ok(Err(Unusable::Unknown)) };
    if row.revoked_at.is_some() {
        return Ok(Err(Unusable::Revoked));
    }
    if row.used_at.is_some() {
        revoke_family(store, &row.grant.family_id, now).await?;
        return Ok(Err(Unusable::Spent));
    }
    if row.expires_at <= micros(now) {
        return Ok(Err(Unusable::Expired));
    }
    Ok(Ok(RefreshToken { family: row.grant.family_id.clone(), grant: row.grant.grant()? }))
}

/// Spends a refresh token and keeps its successor, both or neither. Of many who try, one succeeds; the others reveal that
/// the token is known twice, which revokes the family.
///
/// # Errors
/// [`Fault`].
pub async fn rotate_refresh_token(
    store: &Store,
    hash: &str,
    successor: NewRefreshToken,
    now: Timestamp,
) -> Result<bool, Fault> {
    let hash = hash.to_owned();
    store
        .write(move |tx| {
            async move {
                // The family row is locked first by all who rotate or revoke, so that no successor slips past a revocation.
                let live: Option<(String,)> = on!(tx, conn => sqlx::query_as(
                    "UPDATE token_family SET expires_at = $2 WHERE family_id = $1 AND revoked_at IS NULL
                     RETURNING family_id")
                    .bind(&successor.family).bind(micros(successor.expires_at)).fetch_optional(conn).await)?;
                if live.is_none() {
                    return Ok::<_, Fault>((Ending::Keep, false));
                }
                let spent: Option<(String,)> = on!(tx, conn => sqlx::query_as(
                    "UPDATE refresh_token SET used_at = $2
                     WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING token_hash")
                    .bind(&hash).bind(micros(now)).fetch_optional(conn).await)?;
                if spent.is_none() {
                    on!(tx, conn => sqlx::query("UPDATE token_family SET revoked_at = $2 WHERE family_id = $1")
                        .bind(&successor.family).bind(micros(now)).execute(conn).await.map(drop))?;
                    return Ok((Ending::Keep, false));
                }
                insert_refresh_token(&successor, tx).await?;
                Ok((Ending::Keep, true))
            }
            .boxed()
        })
        .await
}

/// Ends a family: none of its refresh tokens counts any more.
///
/// # Errors
/// [`Fault`].
pub async fn revoke_family(store: &Store, family: &str, now: Timestamp) -> Result<(), Fault> {
    let family = family.to_owned();
    store
        .write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query(
                    "UPDATE token_family SET revoked_at = $2 WHERE family_id = $1 AND revoked_at IS NULL")
                    .bind(family).bind(micros(now)).execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}

async fn add_family(family: &str, principal: PrincipalId, expires_at: Timestamp, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO token_family (family_id, principal_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(family).bind(principal.to_string()).bind(micros(expires_at)).execute(conn).await.map(drop))?;
    Ok(())
}

async fn insert_refresh_token(token: &NewRefreshToken, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO refresh_token
           (token_hash, family_id, principal_id, tenant_id, client_id, scope, resource, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&token.hash)
        .bind(&token.family)
        .bind(token.grant.principal.to_string())
        .bind(token.grant.tenant.to_string())
        .bind(token.grant.client.to_string())
        .bind(&token.grant.scope)
        .bind(&token.grant.resource)
        .bind(micros(token.expires_at))
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// A device code to be kept.
#[derive(Debug, Clone)]
pub struct NewDeviceCode {
    /// Hash of what the device holds.
    pub device_hash: String,
    /// Hash of what the user types.
    pub user_code_hash: String,
    /// The application that asks.
    pub client: ClientId,
    /// The directory asked for; none: the user's own.
    pub tenant: Option<TenantId>,
    /// The scopes as asked for.
    pub scope: String,
    /// The resource asked for.
    pub resource: Option<String>,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

/// Keeps a device code. `false` when the user code is taken: draw another.
///
/// # Errors
/// [`Fault`].
pub async fn add_device_code(store: &Store, code: NewDeviceCode) -> Result<bool, Fault> {
    store
        .write(move |tx| {
            async move {
                let kept: Option<(String,)> = on!(tx, conn => sqlx::query_as(
                    "INSERT INTO device_code
                       (device_hash, user_code_hash, client_id, asked_tenant, scope, resource, state, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7) ON CONFLICT DO NOTHING RETURNING device_hash")
                    .bind(&code.device_hash)
                    .bind(&code.user_code_hash)
                    .bind(code.client.to_string())
                    .bind(code.tenant.map(|tenant| tenant.to_string()))
                    .bind(&code.scope)
                    .bind(&code.resource)
                    .bind(micros(code.expires_at))
                    .fetch_optional(conn).await)?;
                Ok::<_, Fault>((Ending::Keep, kept.is_some()))
            }
            .boxed()
        })
        .await
}

/// A device code that waits for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDevice {
    /// The application that asks.
    pub client: ClientId,
    /// The directory asked for.
    pub tenant: Option<TenantId>,
}

/// The device that waits for a user code.
///
/// # Errors
/// [`Fault`].
pub async fn pending_device(
    store: &Store,
    user_code_hash: &str,
    now: Timestamp,
) -> Result<Option<PendingDevice>, Fault> {
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let row: Option<(String, Option<String>)> = on!(tx, conn => sqlx::query_as(
        "SELECT client_id, asked_tenant FROM device_code
         WHERE user_code_hash = $1 AND state = 'pending' AND expires_at > $2")
        .bind(user_code_hash).bind(micros(now)).fetch_optional(conn).await)?;
    row.map(|(client, tenant)| {
        Ok(PendingDevice { client: parsed("client", &client)?, tenant: parsed_optional("tenant", tenant.as_deref())? })
    })
    .transpose()
}

/// The user's answer to a device: who signed in to which directory, or no. `false` when nothing waits for it any more.
///
/// # Errors
/// [`Fault`].
pub async fn answer_device(
    store: &Store,
    user_code_hash: &str,
    answer: Option<(PrincipalId, TenantId)>,
    now: Timestamp,
) -> Result<bool, Fault> {
    let hash = user_code_hash.to_owned();
    let state = if answer.is_some() { "approved" } else { "declined" };
    let (principal, tenant) = (answer.map(|(p, _)| p.to_string()), answer.map(|(_, t)| t.to_string()));
    store
        .write(move |tx| {
            async move {
                let answered: Option<(String,)> = on!(tx, conn => sqlx::query_as(
                    "UPDATE device_code SET state = $3, principal_id = $4, tenant_id = $5
                     WHERE user_code_hash = $1 AND state = 'pending' AND expires_at > $2 RETURNING device_hash")
                    .bind(hash).bind(micros(now)).bind(state).bind(principal).bind(tenant)
                    .fetch_optional(conn).await)?;
                Ok::<_, Fault>((Ending::Keep, answered.is_some()))
            }
            .boxed()
        })
        .await
}

/// What a device hears when it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DevicePoll {
    /// Never given out, swept, or another application's.
    Unknown,
    /// Too old.
    Expired,
    /// The user has not answered.
    Pending,
    /// The user has not answered, and the device asks too often.
    TooSoon,
    /// The user said no.
    Declined,
    /// Spent before.
    Spent,
    /// The user signed in; the code is spent now.
    Granted(Grant),
}

#[derive(serde::Deserialize)]
struct DeviceRow {
    client_id: String,
    scope: String,
    resource: Option<String>,
    state: String,
    principal_id: Option<String>,
    tenant_id: Option<String>,
    polled_at: Option<i64>,
    expires_at: i64,
}

/// Answers a device's question and, when the user signed in, spends the code: of many who ask, one gets the grant.
/// `least_wait_us` is the time between two questions below which a device is told to slow down, in microseconds.
///
/// # Errors
/// [`Fault`].
pub async fn poll_device(
    store: &Store,
    device_hash: &str,
    client: ClientId,
    least_wait_us: i64,
    now: Timestamp,
) -> Result<DevicePoll, Fault> {
    let hash = device_hash.to_owned();
    store
        .write(move |tx| {
            async move {
                let now = micros(now);
                let row: Option<DeviceRow> = on!(tx, conn => sqlx::query_as(
                    "SELECT client_id, scope, resource, state, principal_id, tenant_id, polled_at, expires_at
                     FROM device_code WHERE device_hash = $1")
                    .bind(&hash).fetch_optional(conn).await)?;
                let Some(row) = row.filter(|row| row.client_id == client.to_string()) else {
                    return Ok::<_, Fault>((Ending::Keep, DevicePoll::Unknown));
                };
                let answer = match row.state.as_str() {
                    "declined" => DevicePoll::Declined,
                    "used" => DevicePoll::Spent,
                    _ if row.expires_at <= now => DevicePoll::Expired,
                    "approved" => spend_device(&hash, &row, client, tx).await?,
                    _ => {
                        on!(tx, conn => sqlx::query("UPDATE device_code SET polled_at = $2 WHERE device_hash = $1")
                            .bind(&hash).bind(now).execute(conn).await.map(drop))?;
                        match row.polled_at {
                            Some(before) if now.saturating_sub(before) < least_wait_us => DevicePoll::TooSoon,
                            _ => DevicePoll::Pending,
                        }
                    }
                };
                Ok((Ending::Keep, answer))
            }
            .boxed()
        })
        .await
}

async fn spend_device(hash: &str, row: &DeviceRow, client: ClientId, tx: &mut Tx<'_>) -> Result<DevicePoll, Fault> {
    let spent: Option<(String,)> = on!(tx, conn => sqlx::query_as(
        "UPDATE device_code SET state = 'used' WHERE device_hash = $1 AND state = 'approved' RETURNING device_hash")
        .bind(hash).fetch_optional(conn).await)?;
    let (Some(_), Some(principal), Some(tenant)) = (spent, &row.principal_id, &row.tenant_id) else {
        return Ok(DevicePoll::Spent);
    };
    Ok(DevicePoll::Granted(Grant {
        principal: parsed("principal", principal)?,
        tenant: parsed("tenant", tenant)?,
        client,
        scope: row.scope.clone(),
        resource: row.resource.clone(),
    }))
}

/// Removes what has expired. Rows stay a day longer, so that a spent or expired code is still told apart from one that
/// never was. Gives the number of removed rows.
///
/// # Errors
/// [`Fault`].
pub async fn sweep(store: &Store, now: Timestamp) -> Result<u64, Fault> {
    const DAY_US: i64 = 86_400_000_000;
    let before = micros(now).saturating_sub(DAY_US);
    store
        .write(move |tx| {
            async move {
                let mut removed = 0_u64;
                for statement in [
                    "DELETE FROM device_code WHERE expires_at < $1",
                    "DELETE FROM web_session WHERE expires_at < $1",
                    "DELETE FROM authorization_code WHERE expires_at < $1",
                    "DELETE FROM refresh_token WHERE expires_at < $1",
                    "DELETE FROM token_family WHERE expires_at < $1
                       AND NOT EXISTS (SELECT 1 FROM refresh_token t WHERE t.family_id = token_family.family_id)
                       AND NOT EXISTS (SELECT 1 FROM authorization_code c WHERE c.family_id = token_family.family_id)",
                ] {
                    removed += on!(tx, conn => sqlx::query(statement)
                        .bind(before).count_changed(conn).await)?;
                }
                Ok::<_, Fault>((Ending::Keep, removed))
            }
            .boxed()
        })
        .await
}
