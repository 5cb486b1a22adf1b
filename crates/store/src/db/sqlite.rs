//! SQLite: one thread that writes, a few connections that read.
//!
//! The driver is called on the thread that asks, without a word to another one: a statement takes some ten microseconds,
//! less than it takes to wake a thread.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::Ending;
use crate::memo::Memo;
use crate::row::Fault;
use crate::statement::{Cell, Statement, Value, read_row};

/// How many writes one commit may carry.
const GROUP_MAX: usize = 64;
/// How many writes may wait.
const QUEUE: usize = 1_024;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;
/// Memory in which the writer keeps pages of the file, in KiB. It holds the ends of all trees, where rows are added. More of it is
/// slower: SQLite may look through all of it at each commit.
const CACHE_KIB: i64 = 4 * 1_024;
/// Pages in the write-ahead log before they are carried over into the file: what is written often is carried over once.
const LOG_PAGES: i64 = 16_000;
/// How long a commit waits for writes that were announced.
const COMPANY: Duration = Duration::from_millis(2);
/// How long a connection waits for a lock of another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// Read-only connections to a file.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// How many there may be.
    pub(super) const MAX: usize = 8;

    pub(super) fn new(path: &Path) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(Self::MAX));
        Arc::new(Self { path: path.to_path_buf(), idle: Mutex::default(), permits })
    }

    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Reader, Fault> {
        let wait = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned());
        let permit = wait.await.map_err(|_| Fault::Busy)?.map_err(|_| Fault::Closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        Ok(Reader { conn: Some(conn), home: Arc::clone(self), _permit: permit })
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn busy(&self) -> usize {
        Self::MAX.saturating_sub(self.permits.available_permits())
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// One of them, on loan.
pub(crate) struct Reader {
    conn: Option<Connection>,
    home: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    pub(super) fn conn(&mut self) -> &mut Connection {
        self.conn.as_mut().expect("it is taken out only when dropped")
    }

    /// The connection, which sees what is there at its first statement and nothing later.
    pub(super) fn snapshot(&mut self) -> Result<&mut Connection, Fault> {
        let conn = self.conn();
        step(conn, "BEGIN")?;
        Ok(conn)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            if !conn.is_autocommit() && step(&conn, "ROLLBACK").is_err() {
                return;
            }
            self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, rusqlite::Error> {
    // A connection is used by one thread at a time.
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(PREPARED);
    Ok(conn)
}

/// Runs a statement and reads its rows.
pub(super) fn rows<T: DeserializeOwned>(conn: &Connection, statement: &Statement) -> Result<Vec<T>, Fault> {
    let mut prepared = prepared(conn, statement)?;
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = row.as_ref();
        let mut cells = Vec::with_capacity(columns.column_count());
        for index in 0..columns.column_count() {
            let cell = match row.get_ref(index)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Int(number),
                other => Cell::Text(other.as_str().map_err(|e| Fault::Row(e.to_string()))?),
            };
            cells.push((columns.column_name(index)?, cell));
        }
        found.push(read_row(&cells)?);
    }
    Ok(found)
}

/// Runs a statement and tells how many rows it changed.
pub(super) fn change(conn: &Connection, statement: &Statement) -> Result<u64, Fault> {
    let changed = prepared(conn, statement)?.raw_execute()?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

fn prepared<'c>(conn: &'c Connection, statement: &Statement) -> Result<CachedStatement<'c>, rusqlite::Error> {
    let mut prepared = conn.prepare_cached(&statement.sql)?;
    // `$2` is a name here, and counts as the first parameter where it comes before `$1`.
    let mut numbers = statement.numbers_as_they_come();
    for index in 1..=prepared.parameter_count() {
        match numbers.next().and_then(|number| statement.values.get(number.checked_sub(1)?)) {
            Some(Value::Int(number)) => prepared.raw_bind_parameter(index, number)?,
            Some(Value::Text(text)) => prepared.raw_bind_parameter(index, text.as_deref())?,
            None => return Err(rusqlite::Error::InvalidParameterCount(statement.values.len(), index)),
        }
    }
    Ok(prepared)
}

/// Tells whoever asked for a write what became of it.
pub(super) type Acknowledge = Box<dyn FnOnce(Result<(), Fault>) + Send>;
/// What a write does.
pub(super) type Work = Box<dyn for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, (Ending, Acknowledge)> + Send>;

/// A write that waits for its turn.
pub(super) struct Job {
    pub(super) work: Work,
    /// That it was announced, where it was: then whoever sent it sends it again when told [`Fault::Overtaken`]. Such writes
    /// need no savepoint, for which SQLite keeps a copy of each page they touch.
    pub(super) announced: Option<Announced>,
}

/// A write that is on its way to the writer. While there are some, a commit waits a moment for them.
pub(crate) struct Announced(Arc<AtomicUsize>);

impl Drop for Announced {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The way to the one thread that writes.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    announced: Arc<AtomicUsize>,
}

impl Writer {
    /// Opens the file, making it where there is none, turns the write-ahead log on and starts the thread.
    pub(super) fn start(path: &Path, memo: Memo) -> Result<Self, Fault> {
        let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "foreign_keys", true)?;
        // What a savepoint may have to put back is kept in memory, not in a file.
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
        conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        let (sender, jobs) = mpsc::channel(QUEUE);
        let announced = Arc::new(AtomicUsize::new(0));
        let queue = Queue { jobs, announced: Arc::clone(&announced) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("fullmakt-writer".to_owned())
            .spawn(move || runtime.block_on(write_in_groups(conn, queue, memo)))?;
        Ok(Self { jobs: sender, announced })
    }

    /// Says that a write is coming, unless what is returned is dropped before.
    pub(super) fn announce(&self) -> Announced {
        self.announced.fetch_add(1, Ordering::Relaxed);
        Announced(Arc::clone(&self.announced))
    }

    /// Has a job done, in its turn.
    pub(super) async fn send(&self, job: Job) -> Result<(), Fault> {
        self.jobs.send(job).await.map_err(|_| Fault::Closed)
    }

    /// Waits until all that was sent before is done.
    pub(super) async fn drain(&self) {
        let (done, finished) = oneshot::channel();
        let work: Work = Box::new(move |_| {
            async move {
                let acknowledge: Acknowledge = Box::new(move |_| {
                    done.send(()).ok();
                });
                (Ending::Keep, acknowledge)
            }
            .boxed()
        });
        if self.send(Job { work, announced: None }).await.is_ok() {
            finished.await.ok();
        }
    }
}

/// What is in the ledger is never changed or removed, by whomever: the database refuses it. A row that is put in the place of
/// another (`INSERT OR REPLACE`) removes it without a word to the trigger on removals.
pub(super) async fn keep_ledger(conn: &mut sqlx::SqliteConnection) -> Result<(), Fault> {
    let triggers = "CREATE TRIGGER IF NOT EXISTS ledger_is_not_changed BEFORE UPDATE ON ledger_transfer
            BEGIN SELECT raise(ABORT, 'the rows of ledger_transfer are only added to'); END;
        CREATE TRIGGER IF NOT EXISTS ledger_is_not_removed BEFORE DELETE ON ledger_transfer
            BEGIN SELECT raise(ABORT, 'the rows of ledger_transfer are only added to'); END;
        CREATE TRIGGER IF NOT EXISTS ledger_is_not_replaced BEFORE INSERT ON ledger_transfer
            WHEN EXISTS (SELECT 1 FROM ledger_transfer WHERE customer_id = NEW.customer_id AND event_id = NEW.event_id
                             AND number = NEW.number)
            BEGIN SELECT raise(ABORT, 'the rows of ledger_transfer are only added to'); END";
    sqlx::raw_sql(triggers).execute(conn).await?;
    Ok(())
}

/// Jobs as they come.
struct Queue {
    jobs: mpsc::Receiver<Job>,
    announced: Arc<AtomicUsize>,
}

impl Queue {
    /// The next job of a group that has some members: one that waits, or one that was announced and comes before the moment is
    /// over. A group that is as large as what is still on its way does not wait for it: who was served asks again while the rest
    /// is prepared, so that neither the disk nor a processor is ever without work.
    async fn company(&mut self, members: usize, until: Instant) -> Option<Job> {
        match self.jobs.try_recv() {
            Ok(job) => Some(job),
            Err(_) if self.announced.load(Ordering::Relaxed) <= members => None,
            Err(_) => tokio::time::timeout_at(until, self.jobs.recv()).await.ok().flatten(),
        }
    }
}

/// Whatever waits goes into one transaction, so that one flush to the disk serves all of it. Nobody hears of success
/// before it.
async fn write_in_groups(mut conn: Connection, mut queue: Queue, memo: Memo) {
    while let Some(first) = queue.jobs.recv().await {
        let mut group = Group::default();
        let mut next = Some(first);
        let mut outcome = step(&conn, "BEGIN IMMEDIATE");
        let until = Instant::now() + COMPANY;
        while let (Some(job), Ok(())) = (next.take(), &outcome) {
            outcome = group.join(&mut conn, job).await;
            if outcome.is_ok() && group.members.len() < GROUP_MAX {
                next = queue.company(group.members.len(), until).await;
            }
        }
        let committed = outcome.and_then(|()| step(&conn, "COMMIT"));
        if let Err(error) = &committed {
            tracing::error!(%error, "a group of writes was not committed");
            if !conn.is_autocommit() {
                conn.execute_batch("ROLLBACK").ok();
            }
        }
        memo.written();
        for member in group.members {
            member(committed.as_ref().map(|&()| ()).map_err(|e| Fault::NotCommitted(e.to_string())));
        }
        for undone in group.undone {
            undone(Err(Fault::Overtaken));
        }
    }
}

/// The jobs of one transaction.
#[derive(Default)]
struct Group {
    members: Vec<Acknowledge>,
    /// Those that were undone because of another one.
    undone: Vec<Acknowledge>,
    /// Whether one of them cannot be sent again.
    firm: bool,
}

impl Group {
    /// Does a job. When it comes to nothing, what it did is undone: from its savepoint, or, where it has none, together
    /// with all before it.
    async fn join(&mut self, conn: &mut Connection, job: Job) -> Result<(), rusqlite::Error> {
        let Job { work, announced } = job;
        let repeatable = announced.is_some();
        drop(announced);
        let saved = self.firm || !repeatable;
        if saved {
            step(conn, "SAVEPOINT job")?;
        }
        let before = conn.total_changes();
        // Whoever waits for a job that panicked is told that it was not written; the others go on.
        let done = AssertUnwindSafe(work(&mut *conn)).catch_unwind().await.ok();
        let keeps = matches!(done, Some((Ending::Keep, _))) || conn.total_changes() == before;
        let acknowledge = done.map(|(_, acknowledge)| acknowledge);
        if saved {
            if !keeps {
                step(conn, "ROLLBACK TO job")?;
            }
            step(conn, "RELEASE job")?;
        } else if !keeps {
            step(conn, "ROLLBACK")?;
            self.undone.append(&mut self.members);
            step(conn, "BEGIN IMMEDIATE")?;
        }
        self.firm |= !repeatable;
        self.members.extend(acknowledge);
        Ok(())
    }
}

fn step(conn: &Connection, word: &str) -> Result<(), rusqlite::Error> {
    conn.prepare_cached(word)?.raw_execute().map(drop)
}
