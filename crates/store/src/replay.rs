//! Answers to repeated writes of the Partner Center API. Not behind the door: a row holds nothing but what its own caller
//! was answered, sealed.

use fullmakt_domain::ids::TenantId;
use futures_util::FutureExt;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Ending, Store, Tx, on};
use crate::row::{Fault, micros};

/// Names a write: whose it is, and the digest of who asked what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayKey {
    /// The caller's directory.
    pub tenant: TenantId,
    /// SHA-256, in hexadecimal.
    pub digest: String,
}

/// What is known of a write that may be a repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is new, and the caller's to do.
    Mine,
    /// Another request does it right now.
    Running,
    /// It was done; this is the sealed answer.
    Done(String),
}

impl Store {
    /// Claims a write until `until`, unless it was done or someone else works on it. Answers that are kept no longer are
    /// swept on the way.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn claim_replay(
        &self,
        key: &ReplayKey,
        claim: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Claim, Fault> {
        let key = key.clone();
        self.write(move |tx| async move { Ok((Ending::Keep, claim_in(&key, claim, now, until, tx).await?)) }.boxed())
            .await
    }

    /// Keeps the answer of a write that this claim did.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn keep_replay(
        &self,
        key: &ReplayKey,
        claim: Uuid,
        answer: String,
        until: Timestamp,
    ) -> Result<(), Fault> {
        let key = key.clone();
        self.write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query(
                    "UPDATE replay SET answer = $4, kept_until = $5
                     WHERE tenant_id = $1 AND request_key = $2 AND claim_id = $3")
                    .bind(key.tenant.to_string())
                    .bind(&key.digest)
                    .bind(claim.to_string())
                    .bind(&answer)
                    .bind(micros(until))
                    .execute(conn).await.map(drop))?;
                Ok((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }

    /// Gives a claim back: the write was not done, and a repeat may try it.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn release_replay(&self, key: &ReplayKey, claim: Uuid) -> Result<(), Fault> {
        let key = key.clone();
        self.write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query(
                    "DELETE FROM replay WHERE tenant_id = $1 AND request_key = $2 AND claim_id = $3")
                    .bind(key.tenant.to_string())
                    .bind(&key.digest)
                    .bind(claim.to_string())
                    .execute(conn).await.map(drop))?;
                Ok((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }
}

async fn claim_in(
    key: &ReplayKey,
    claim: Uuid,
    now: Timestamp,
    until: Timestamp,
    tx: &mut Tx<'_>,
) -> Result<Claim, Fault> {
    let tenant = key.tenant.to_string();
    on!(tx, conn => sqlx::query("DELETE FROM replay WHERE tenant_id = $1 AND kept_until <= $2")
        .bind(&tenant).bind(micros(now)).execute(conn).await.map(drop))?;
    // A claim without an answer is kept as long as it counts; then the next request takes it over.
    let mine: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "INSERT INTO replay (tenant_id, request_key, claim_id, claimed_until, kept_until) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (tenant_id, request_key) DO UPDATE
           SET claim_id = excluded.claim_id, claimed_until = excluded.claimed_until, kept_until = excluded.kept_until
           WHERE replay.answer IS NULL AND replay.claimed_until <= $5
         RETURNING claim_id")
        .bind(&tenant)
        .bind(&key.digest)
        .bind(claim.to_string())
        .bind(micros(until))
        .bind(micros(now))
        .fetch_optional(conn).await)?;
    if mine.is_some() {
        return Ok(Claim::Mine);
    }
    let answer: Option<Option<String>> = on!(tx, conn => sqlx::query_scalar(
        "SELECT answer FROM replay WHERE tenant_id = $1 AND request_key = $2")
        .bind(&tenant).bind(&key.digest).fetch_optional(conn).await)?;
    Ok(answer.flatten().map_or(Claim::Running, Claim::Done))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::testing::stores;

    #[tokio::test]
    async fn a_write_is_claimed_once_and_its_answer_kept_for_a_while() {
        let start = Timestamp::from_second(1_793_520_000).unwrap();
        let at = |seconds: i64| start + seconds.seconds();
        let key = ReplayKey { tenant: TenantId(Uuid::from_u128(1)), digest: "d".to_owned() };
        let other = ReplayKey { tenant: TenantId(Uuid::from_u128(2)), digest: "d".to_owned() };
        let (first, second) = (Uuid::from_u128(10), Uuid::from_u128(11));
        for (store, _directory) in stores().await {
            assert_eq!(store.claim_replay(&key, first, at(0), at(20)).await.unwrap(), Claim::Mine);
            assert_eq!(store.claim_replay(&key, second, at(1), at(21)).await.unwrap(), Claim::Running);
            assert_eq!(store.claim_replay(&other, second, at(1), at(21)).await.unwrap(), Claim::Mine);
            // The first server died; its late answer is not kept.
            assert_eq!(store.claim_replay(&key, second, at(20), at(40)).await.unwrap(), Claim::Mine);
            store.keep_replay(&key, first, "late".to_owned(), at(3600)).await.unwrap();
            assert_eq!(store.claim_replay(&key, first, at(22), at(42)).await.unwrap(), Claim::Running);
            store.keep_replay(&key, second, "answer".to_owned(), at(3600)).await.unwrap();
            assert_eq!(
                store.claim_replay(&key, first, at(50), at(70)).await.unwrap(),
                Claim::Done("answer".to_owned())
            );
            assert_eq!(store.claim_replay(&key, first, at(3600), at(3620)).await.unwrap(), Claim::Mine);
            store.release_replay(&key, first).await.unwrap();
            assert_eq!(store.claim_replay(&key, second, at(3601), at(3621)).await.unwrap(), Claim::Mine);
        }
    }
}
