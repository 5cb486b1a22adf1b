//! Databases for the store's own tests: SQLite always, PostgreSQL where `FULLMAKT_TEST_POSTGRES` names a cluster.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection, Executor};
use tempfile::TempDir;

use crate::db::{DatabaseUrl, Store, Tx, on};
use crate::row::Fault;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Fresh, migrated databases, one of each kind there is.
pub(crate) async fn stores() -> Vec<(Store, Option<TempDir>)> {
    let directory = tempfile::tempdir().unwrap();
    let mut urls = vec![(DatabaseUrl::Sqlite(directory.path().join("fullmakt.db")), Some(directory))];
    if let Ok(cluster) = std::env::var("FULLMAKT_TEST_POSTGRES") {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("store_{}_{n}", std::process::id());
        let mut conn = sqlx::PgConnection::connect(&cluster).await.unwrap();
        conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let (before, _) = cluster.rsplit_once('/').unwrap();
        urls.push((DatabaseUrl::Postgres(format!("{before}/{name}")), None));
    }
    let mut stores = Vec::new();
    for (url, directory) in urls {
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        stores.push((store, directory));
    }
    stores
}

/// Runs statements as they are.
pub(crate) async fn run(store: &Store, statements: &'static str) {
    store
        .write(move |tx: &mut Tx<'_>| {
            Box::pin(async move {
                for statement in statements.split(';').filter(|s| !s.trim().is_empty()) {
                    on!(tx, conn => conn.execute(statement).await.map(drop)).map_err(Fault::from)?;
                }
                Ok::<_, Fault>((crate::db::Ending::Keep, ()))
            })
        })
        .await
        .unwrap();
}

/// One number.
pub(crate) async fn number(store: &Store, query: &'static str) -> i64 {
    let mut reader = store.reader().await.unwrap();
    let tx = &mut reader.tx();
    on!(tx, conn => sqlx::query_scalar(query).fetch_one(conn).await).unwrap()
}
