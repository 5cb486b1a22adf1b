//! Sessions of the pages.

use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::ids::PrincipalId;
use futures_util::FutureExt;
use jiff::Timestamp;

use super::{Principal, PrincipalRow, Tenant, TenantKind};
use crate::db::{Ending, Store, on};
use crate::row::{Fault, instant, known, micros, parsed};

/// A session as it is stored, with whom it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Who signed in.
    pub principal: Principal,
    /// The directory the user belongs to.
    pub home: Tenant,
    /// The user's roles at the partner; none for a customer's users.
    pub roles: Vec<PartnerRole>,
    /// When the user was last noted to be here.
    pub seen_at: Timestamp,
}

#[derive(serde::Deserialize)]
struct SessionRow {
    #[serde(flatten)]
    principal: PrincipalRow,
    seen_at: i64,
    tenant_kind: String,
    tenant_name: String,
    domain: String,
}

/// Keeps a session until `expires_at`.
///
/// # Errors
/// [`Fault`].
pub async fn add_session(
    store: &Store,
    hash: String,
    principal: PrincipalId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    store
        .write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query(
                    "INSERT INTO web_session (token_hash, principal_id, started_at, seen_at, expires_at)
                     VALUES ($1, $2, $3, $3, $4)")
                    .bind(&hash).bind(principal.to_string()).bind(micros(now)).bind(micros(expires_at))
                    .execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}

/// The session of a token's hash that has neither expired nor lain idle since `idle_since`, of a user who is not disabled.
///
/// # Errors
/// [`Fault`].
pub async fn session(
    store: &Store,
    hash: &str,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<StoredSession>, Fault> {
    let mut reader = store.reader().await?;
    let tx = &mut reader.tx();
    let row: Option<SessionRow> = on!(tx, conn => sqlx::query_as(
        "SELECT p.principal_id, p.tenant_id, p.kind, p.upn, p.name, p.client_id, p.secret_hash, p.disabled_at,
                s.seen_at, t.kind AS tenant_kind, t.name AS tenant_name, t.domain
         FROM web_session s
         JOIN principal p ON p.principal_id = s.principal_id
         JOIN tenant t ON t.tenant_id = p.tenant_id
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND p.disabled_at IS NULL")
        .bind(hash).bind(micros(now)).bind(micros(idle_since)).fetch_optional(conn).await)?;
    let Some(row) = row else { return Ok(None) };
    let roles: Vec<(String,)> = on!(tx, conn => sqlx::query_as(
        "SELECT role FROM partner_role WHERE principal_id = $1 ORDER BY role")
        .bind(&row.principal.principal_id).fetch_all(conn).await)?;
    let kind = match row.tenant_kind.as_str() {
        "partner" => Some(TenantKind::Partner),
        "customer" => Some(TenantKind::Customer),
        _ => None,
    };
    let home = Tenant {
        id: parsed("tenant", &row.principal.tenant_id)?,
        kind: known("kind of tenant", &row.tenant_kind, kind)?,
        name: row.tenant_name,
        domain: row.domain,
    };
    let roles = roles
        .into_iter()
        .map(|(role,)| known("role of a partner's user", &role, PartnerRole::parse(&role)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(StoredSession { principal: row.principal.try_into()?, home, roles, seen_at: instant(row.seen_at)? }))
}

/// Notes that the user of a session is still here.
///
/// # Errors
/// [`Fault`].
pub async fn touch_session(store: &Store, hash: String, now: Timestamp) -> Result<(), Fault> {
    store
        .write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query("UPDATE web_session SET seen_at = $2 WHERE token_hash = $1")
                    .bind(&hash).bind(micros(now)).execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}

/// Ends a session.
///
/// # Errors
/// [`Fault`].
pub async fn end_session(store: &Store, hash: String) -> Result<(), Fault> {
    store
        .write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query("DELETE FROM web_session WHERE token_hash = $1")
                    .bind(&hash).execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
}
