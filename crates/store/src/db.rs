//! Both databases behind one face: connections, migrations, and the one place where transactions begin.

use std::fs::{File, TryLockError};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::catalog::Cache;
use crate::memo::{Look, Memo};
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
    /// What was read lately; never for a write, which reads under its lock.
    pub(crate) look: Option<Look>,
}

/// A connection to read with.
pub(crate) enum Reader {
    Sqlite { conn: SqliteReader, catalog: Cache, memo: Memo },
    Postgres { conn: PoolConnection<Postgres>, catalog: Cache },
}

impl Reader {
    pub(crate) fn tx(&mut self) -> Tx<'_> {
        match self {
            Self::Sqlite { conn, catalog, memo } => {
                Tx { look: memo.look(), conn: Conn::Sqlite(conn), catalog: catalog.clone() }
            }
            Self::Postgres { conn, catalog } => Tx { conn: Conn::Postgres(conn), catalog: catalog.clone(), look: None },
        }
    }
}

/// Read-only connections to a SQLite file. The driver's own pool asks a connection whether it is well whenever it comes
/// back, which costs as much as a question; a file does not go away.
pub(crate) struct SqliteReaders {
    path: PathBuf,
    idle: Mutex<Vec<SqliteConnection>>,
    permits: Arc<Semaphore>,
}

impl SqliteReaders {
    /// How many there may be.
    const MAX: usize = 8;

    fn new(path: &Path) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(Self::MAX));
        Arc::new(Self { path: path.to_path_buf(), idle: Mutex::default(), permits })
    }

    async fn acquire(self: &Arc<Self>) -> Result<SqliteReader, Fault> {
        let wait = tokio::time::timeout(Duration::from_secs(10), Arc::clone(&self.permits).acquire_owned());
        let permit = wait.await.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => sqlite_options(&self.path).read_only(true).connect().await?,
        };
        Ok(SqliteReader { conn: Some(conn), home: Arc::clone(self), _permit: permit })
    }

    fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for conn in idle {
            conn.close().await.ok();
        }
    }
}

/// One of them, on loan.
pub(crate) struct SqliteReader {
    conn: Option<SqliteConnection>,
    home: Arc<SqliteReaders>,
    _permit: OwnedSemaphorePermit,
}

impl std::ops::Deref for SqliteReader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.conn.as_ref().expect("it is taken out only when dropped")
    }
}

impl std::ops::DerefMut for SqliteReader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.conn.as_mut().expect("it is taken out only when dropped")
    }
}

impl Drop for SqliteReader {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
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
    Sqlite { readers: Arc<SqliteReaders>, writer: mpsc::Sender<Job>, path: PathBuf, claim: OnceLock<File> },
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
    memo: Memo,
}

impl Store {
    /// Opens a database, making the SQLite file where there is none. The schema is not touched: see [`Store::migrate`].
    ///
    /// # Errors
    /// [`Fault`] when the database cannot be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, Fault> {
        let memo = Memo::default();
        let backend = match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, &memo).await?,
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
        Ok(Self { backend: Arc::new(backend), catalog: Cache::default(), memo })
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

    /// Takes a SQLite file for this process alone, until it ends, so that what was read may be remembered until the next
    /// write. PostgreSQL may be shared.
    ///
    /// # Errors
    /// [`Fault::Shared`] when another server has it.
    pub fn claim(&self) -> Result<(), Fault> {
        let Backend::Sqlite { path, claim, .. } = &*self.backend else { return Ok(()) };
        let mut name = path.clone().into_os_string();
        name.push(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(name)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Fault::Shared { path: path.clone() }),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if claim.set(file).is_ok() {
            self.memo.begin();
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
            Backend::Sqlite { readers, .. } => {
                let busy = SqliteReaders::MAX.saturating_sub(readers.permits.available_permits());
                (readers.idle().saturating_add(busy), readers.idle())
            }
            Backend::Postgres { pool } => (usize::try_from(pool.size()).unwrap_or(usize::MAX), pool.num_idle()),
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Pool { idle: count(idle), busy: count(all.saturating_sub(idle)) }
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
            Backend::Sqlite { readers, .. } => {
                let conn = readers.acquire().await?;
                Reader::Sqlite { conn, catalog: self.catalog.clone(), memo: self.memo.clone() }
            }
            Backend::Postgres { pool } => {
                Reader::Postgres { conn: pool.acquire().await?, catalog: self.catalog.clone() }
            }
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
                        let done = work(&mut Tx { conn: Conn::Sqlite(conn), catalog, look: None }).await;
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
                    let (ending, value) = work(&mut Tx { conn: Conn::Postgres(&mut tx), catalog, look: None }).await?;
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

async fn open_sqlite(path: &Path, memo: &Memo) -> Result<Backend, Fault> {
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(directory).await?;
    }
    // The writer comes first: it makes the file and turns the write-ahead log on.
    let conn = sqlite_options(path).connect().await?;
    let (writer, jobs) = mpsc::channel(1_024);
    // A thread of its own: every statement is a word to the driver's thread and back, which must not queue behind requests.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let memo = memo.clone();
    std::thread::Builder::new()
        .name("fullmakt-writer".to_owned())
        .spawn(move || runtime.block_on(write_in_groups(conn, jobs, memo)))?;
    Ok(Backend::Sqlite { readers: SqliteReaders::new(path), writer, path: path.to_path_buf(), claim: OnceLock::new() })
}

/// The one writer of a SQLite file. Whatever waits goes into one transaction, each job in a savepoint of its own, so that
/// one flush to the disk serves all of them. Nobody hears of success before it.
async fn write_in_groups(mut conn: SqliteConnection, mut jobs: mpsc::Receiver<Job>, memo: Memo) {
    while let Some(first) = jobs.recv().await {
        let mut waiting: Vec<Acknowledge> = Vec::new();
        let committed = write_group(&mut conn, first, &mut jobs, &mut waiting).await;
        if let Err(error) = &committed {
            tracing::error!(%error, "a group of writes was not committed");
            conn.execute("ROLLBACK").await.ok();
        }
        memo.written();
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
        // Whoever waits for a job that panicked is told that it was not written; the others go on.
        let ending = match AssertUnwindSafe(job(&mut *conn)).catch_unwind().await {
            Ok((ending, acknowledge)) => {
                waiting.push(acknowledge);
                ending
            }
            Err(_) => Ending::Undo,
        };
        match ending {
            Ending::Keep => conn.execute("RELEASE job").await?,
            Ending::Undo => conn.execute("ROLLBACK TO job; RELEASE job").await?,
        };
        next = if waiting.len() < GROUP_MAX { jobs.try_recv().ok() } else { None };
    }
    conn.execute("COMMIT").await?;
    Ok(())
}
