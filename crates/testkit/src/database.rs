//! A database per test, and a look into it past the door.

use sqlx::{ConnectOptions, Connection, Executor};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// One file.
    Sqlite,
    /// A database in the cluster of `FULLMAKT_TEST_POSTGRES`.
    Postgres,
    /// A database in the cluster of `FULLMAKT_TEST_POSTGRES_DURABLE`, whose commits reach the disk.
    DurablePostgres,
}

impl Database {
    /// What this run of the tests is about: PostgreSQL when `FULLMAKT_TEST_POSTGRES` names a cluster, else SQLite.
    pub fn under_test() -> Self {
        if std::env::var_os("FULLMAKT_TEST_POSTGRES").is_some() { Self::Postgres } else { Self::Sqlite }
    }

    /// The same, where commits must survive a crash. SQLite's always do.
    pub fn durable_under_test() -> Self {
        if std::env::var_os("FULLMAKT_TEST_POSTGRES_DURABLE").is_some() { Self::DurablePostgres } else { Self::Sqlite }
    }
}

/// An empty database that is the test's own. Files go with the last handle, PostgreSQL databases with their cluster.
#[derive(Clone)]
pub struct TestDatabase {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Sqlite { file: PathBuf, _folder: Arc<tempfile::TempDir> },
    Postgres { url: String },
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    /// When the cluster is not there; `cargo xtask test` starts it.
    pub async fn create(database: Database) -> Self {
        let cluster = match database {
            Database::Sqlite => {
                let folder = tempfile::tempdir().expect("the temporary folder can be written");
                let file = folder.path().join("fullmakt.db");
                return Self { place: Place::Sqlite { file, _folder: Arc::new(folder) } };
            }
            Database::Postgres => "FULLMAKT_TEST_POSTGRES",
            Database::DurablePostgres => "FULLMAKT_TEST_POSTGRES_DURABLE",
        };
        let cluster = std::env::var(cluster).unwrap_or_else(|_| panic!("`{cluster}` names no cluster"));
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let mut connection = postgres(&cluster).connect().await.expect("the cluster answers");
        // The name is ours: letters and digits.
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
        connection.execute(create).await.expect("the cluster's owner may create databases");
        connection.close().await.expect("the cluster answers");
        let (server, _) = cluster.rsplit_once('/').expect("a PostgreSQL address ends with a database");
        Self { place: Place::Postgres { url: format!("{server}/{name}") } }
    }

    /// The address, for `--database`.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Sqlite { file, .. } => format!("sqlite:{}", file.display()),
            Place::Postgres { url } => url.clone(),
        }
    }

    /// The one number that a query on both databases gives.
    ///
    /// # Panics
    /// When the query does not fit the schema.
    pub async fn number(&self, query: &'static str) -> i64 {
        match &self.place {
            Place::Sqlite { file, .. } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let mut connection = options.connect().await.expect("the file opens");
                sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap_or_else(|e| panic!("{query}: {e}"))
            }
            Place::Postgres { url } => {
                let mut connection = postgres(url).connect().await.expect("the cluster answers");
                sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap_or_else(|e| panic!("{query}: {e}"))
            }
        }
    }
}

fn postgres(url: &str) -> sqlx::postgres::PgConnectOptions {
    sqlx::postgres::PgConnectOptions::from_str(url).expect("the address of the cluster is well formed")
}

/// Commits rows one by one into a bare SQLite file for that long, as safely as the store does; tells how many.
///
/// # Panics
/// When the file cannot be written.
pub async fn insert_single_rows(file: &std::path::Path, time: std::time::Duration) -> u64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let options = options.synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection = options.connect().await.expect("the file opens");
    connection
        .execute("CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        .await
        .expect("the file is empty");
    let begun = std::time::Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        let insert =
            sqlx::query("INSERT INTO line (text) VALUES ($1)").bind("one row of a purchase's size, more or less");
        insert.execute(&mut connection).await.expect("a row fits");
        count += 1;
    }
    count
}
