//! Both databases behind one face: connections, migrations, and the one place where transactions begin.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Executor, Postgres, Sqlite};
use tokio::sync::{mpsc, oneshot};

use crate::catalog::Cache;
use crate::row::Fault;

/// The schema, in steps; the same for both databases.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How many writes one commit may carry on SQLite.
const GROUP_MAX: usize = 64;

/// Where the data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:port/database`.
    Postgres(String),
}

/// A text that names no database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `postgres://…` nor `sqlite:PATH`")]
pub struct InvalidDatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Self::Postgres(text.to_owned()))
        } else if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            Ok(Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
        } else {
            // A password may stand in the text: only its beginning is repeated.
            Err(InvalidDatabaseUrl(text.chars().take_while(|c| *c != ':' && *c != '@').take(32).collect()))
        }
    }
}

/// A connection inside a transaction, on either database.
pub(crate) enum Conn<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A transaction, or a connection that only reads.
pub struct Tx<'c> {
    pub(crate) conn: Conn<'c>,
    /// The price sheet in force, once it was read.
    pub(crate) catalog: Cache,
}

/// A connection to read with.
pub(crate) enum Reader {
    Sqlite(PoolConnection<Sqlite>, Cache),
    Postgres(PoolConnection<Postgres>, Cache),
}

impl Reader {
    pub(crate) fn tx(&mut self) -> Tx<'_> {
        match self {
            Self::Sqlite(conn, catalog) => Tx { conn: Conn::Sqlite(conn), catalog: catalog.clone() },
            Self::Postgres(conn, catalog) => Tx { conn: Conn::Postgres(conn), catalog: catalog.clone() },
        }
    }
}

/// Runs one statement text on whichever database the transaction is of. `$conn` stands for its connection.
macro_rules! on {
    ($tx:expr, $conn:ident => $statement:expr) => {
        match &mut $tx.conn {
            $crate::db::Conn::Sqlite($conn) => {
                let $conn = &mut **$conn;
                $statement
            }
            $crate::db::Conn::Postgres($conn) => {
                let $conn = &mut **$conn;
                $statement
            }
        }
    };
}
pub(crate) use on;

/// How a write ends.
pub(crate) enum Ending {
    /// Commit.
    Keep,
    /// Nothing happened.
    Undo,
}

type Acknowledge = Box<dyn FnOnce(Result<(), Fault>) + Send>;
type Job = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (Ending, Acknowledge)> + Send>;

enum Backend {
    Sqlite { readers: SqlitePool, writer: mpsc::Sender<Job>, path: PathBuf },
    Postgres { pool: PgPool },
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Open and waiting for work.
    pub idle: u32,
    /// At work.
    pub busy: u32,
}

/// The data. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<Backend>,
    catalog: Cache,
}

impl Store {
    /// Opens a database, making the SQLite file where there is none. The schema is not touched: see [`Store::migrate`].
    ///
    /// # Errors
    /// [`Fault`] when the database cannot be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, Fault> {
        let backend = match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path).await?,
            DatabaseUrl::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?.application_name("fullmakt").disable_statement_logging();
                let pool = PgPoolOptions::new()
                    .max_connections(24)
                    .acquire_timeout(Duration::from_secs(10))
                    // A question to the database before each question to the database is one too many: a connection that
                    // broke is noticed by its next statement, which the caller may repeat.
                    .test_before_acquire(false)
                    .connect_with(options)
                    .await?;
                Backend::Postgres { pool }
            }
        };
        Ok(Self { backend: Arc::new(backend), catalog: Cache::default() })
    }

    /// Brings the schema to this version. Safe to call from several servers at once.
    ///
    /// # Errors
    /// [`Fault`], also when the database was migrated by a later version.
    pub async fn migrate(&self) -> Result<(), Fault> {
        match &*self.backend {
            Backend::Sqlite { path, .. } => {
                let mut conn = sqlite_options(path).connect().await?;
                MIGRATIONS.run(&mut conn).await?;
                conn.close().await?;
            }
            Backend::Postgres { pool } => {
                MIGRATIONS.run(pool).await?;
                order_names_by_bytes(pool).await?;
            }
        }
        Ok(())
    }

    /// Whether the database answers and has this version's schema.
    ///
    /// # Errors
    /// [`Fault`] when it does not answer.
    pub async fn is_ready(&self) -> Result<bool, Fault> {
        let wanted = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
        let mut reader = self.reader().await?;
        let tx = &mut reader.tx();
        let found: Result<Option<i64>, sqlx::Error> =
            on!(tx, conn => sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(conn).await);
        // Without any migration the table is not there.
        Ok(found.is_ok_and(|version| version >= Some(wanted)))
    }

    /// How many connections there are to read with (and on PostgreSQL to write with).
    pub fn pool(&self) -> Pool {
        let (all, idle) = match &*self.backend {
            Backend::Sqlite { readers, .. } => (readers.size(), readers.num_idle()),
            Backend::Postgres { pool } => (pool.size(), pool.num_idle()),
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Pool { idle, busy: all.saturating_sub(idle) }
    }

    /// The name of the database in use, for people.
    pub fn kind(&self) -> &'static str {
        match &*self.backend {
            Backend::Sqlite { .. } => "SQLite",
            Backend::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Waits until writes in flight are done and closes all connections.
    pub async fn close(&self) {
        match &*self.backend {
            Backend::Sqlite { readers, writer, .. } => {
                // A job that does nothing is committed after all that were queued before it.
                let (done, finished) = oneshot::channel();
                let job: Job = Box::new(move |_| {
                    async move {
                        let acknowledge: Acknowledge = Box::new(move |_| {
                            done.send(()).ok();
                        });
                        (Ending::Keep, acknowledge)
                    }
                    .boxed()
                });
                if writer.send(job).await.is_ok() {
                    finished.await.ok();
                }
                readers.close().await;
            }
            Backend::Postgres { pool } => pool.close().await,
        }
    }

    /// A connection to read with. Each statement sees what was committed when it began.
    pub(crate) async fn reader(&self) -> Result<Reader, Fault> {
        Ok(match &*self.backend {
            Backend::Sqlite { readers, .. } => Reader::Sqlite(readers.acquire().await?, self.catalog.clone()),
            Backend::Postgres { pool } => Reader::Postgres(pool.acquire().await?, self.catalog.clone()),
        })
    }

    /// Writes: `work` runs in a transaction that is committed before this returns, or leaves nothing behind. It runs to
    /// its end also when the caller goes away.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> BoxFuture<'a, Result<(Ending, T), E>> + Send + 'static,
    {
        let catalog = self.catalog.clone();
        match &*self.backend {
            Backend::Sqlite { writer, .. } => {
                let (answer, answered) = oneshot::channel::<Result<T, E>>();
                let job: Job = Box::new(move |conn| {
                    async move {
                        let done = work(&mut Tx { conn: Conn::Sqlite(conn), catalog }).await;
                        let (ending, outcome) = match done {
                            Ok((ending, value)) => (ending, Ok(value)),
                            Err(error) => (Ending::Undo, Err(error)),
                        };
                        let acknowledge: Acknowledge = Box::new(move |committed| {
                            answer.send(committed.map_err(E::from).and(outcome)).ok();
                        });
                        (ending, acknowledge)
                    }
                    .boxed()
                });
                let stopped = || Fault::NotCommitted("the writer has stopped".to_owned());
                writer.send(job).await.map_err(|_| stopped())?;
                answered.await.map_err(|_| stopped())?
            }
            Backend::Postgres { pool } => {
                let pool = pool.clone();
                let run = async move {
                    let mut tx = pool.begin().await.map_err(Fault::from)?;
                    let (ending, value) = work(&mut Tx { conn: Conn::Postgres(&mut tx), catalog }).await?;
                    match ending {
                        Ending::Keep => tx.commit().await.map_err(Fault::from)?,
                        Ending::Undo => tx.rollback().await.map_err(Fault::from)?,
                    }
                    Ok(value)
                };
                tokio::spawn(run).await.map_err(|e| Fault::NotCommitted(e.to_string()))?
            }
        }
    }
}

/// Customers are searched by the beginning of their names, which is a range of an index only in the order of bytes. SQLite
/// orders so; PostgreSQL orders as the database was made.
async fn order_names_by_bytes(pool: &PgPool) -> Result<(), Fault> {
    let done: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = 'relationship'
           AND column_name IN ('name_key', 'domain') AND collation_name = 'C'",
    )
    .fetch_one(pool)
    .await?;
    if done < 2 {
        sqlx::query(
            "ALTER TABLE relationship ALTER COLUMN name_key TYPE TEXT COLLATE \"C\",
                                      ALTER COLUMN domain TYPE TEXT COLLATE \"C\"",
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging()
}

async fn open_sqlite(path: &Path) -> Result<Backend, Fault> {
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(directory).await?;
    }
    // The writer comes first: it makes the file and turns the write-ahead log on.
    let conn = sqlite_options(path).connect().await?;
    let (writer, jobs) = mpsc::channel(1_024);
    tokio::spawn(write_in_groups(conn, jobs));
    let readers = SqlitePoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .connect_with(sqlite_options(path).read_only(true))
        .await?;
    Ok(Backend::Sqlite { readers, writer, path: path.to_path_buf() })
}

/// The one writer of a SQLite file. Whatever waits goes into one transaction, each job in a savepoint of its own, so that
/// one flush to the disk serves all of them. Nobody hears of success before it.
async fn write_in_groups(mut conn: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        let mut waiting: Vec<Acknowledge> = Vec::new();
        let committed = write_group(&mut conn, first, &mut jobs, &mut waiting).await;
        if let Err(error) = &committed {
            tracing::error!(%error, "a group of writes was not committed");
            conn.execute("ROLLBACK").await.ok();
        }
        for acknowledge in waiting {
            let told = committed.as_ref().map(|&()| ()).map_err(|e| Fault::NotCommitted(e.to_string()));
            acknowledge(told);
        }
    }
    conn.close().await.ok();
}

async fn write_group(
    conn: &mut SqliteConnection,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
    waiting: &mut Vec<Acknowledge>,
) -> Result<(), sqlx::Error> {
    conn.execute("BEGIN IMMEDIATE").await?;
    let mut next = Some(first);
    while let Some(job) = next {
        conn.execute("SAVEPOINT job").await?;
        let (ending, acknowledge) = job(&mut *conn).await;
        waiting.push(acknowledge);
        match ending {
            Ending::Keep => conn.execute("RELEASE job").await?,
            Ending::Undo => conn.execute("ROLLBACK TO job; RELEASE job").await?,
        };
        next = if waiting.len() < GROUP_MAX { jobs.try_recv().ok() } else { None };
    }
    conn.execute("COMMIT").await?;
    Ok(())
}
