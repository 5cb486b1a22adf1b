//! Both databases behind one face: connections, migrations, and the one place where transactions begin.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::oneshot;

use crate::catalog::Cache;
use crate::facts::Root;
use crate::memo::{Look, Memo};
use crate::places::Places;
use crate::row::Fault;
use crate::statement::{JsonRow, Statement, query_scalar};
use crate::write;

mod postgres;
mod sqlite;

pub(crate) use sqlite::Announced;

/// The schema, in steps; the same for both databases.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

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

/// A connection, inside a transaction where there is something to write.
enum Conn<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(&'c mut postgres::Loan),
}

/// A transaction, or a connection that only reads.
pub struct Tx<'c> {
    conn: Conn<'c>,
    /// The price sheet in force, once it was read.
    pub(crate) catalog: Cache,
    /// What was read lately; never for a write, which reads under its lock.
    pub(crate) look: Option<Look>,
    /// Rows that are still to be added, where a statement is a trip to another process.
    later: Vec<Statement>,
    /// Whether all that is written is one statement, see [`Store::write_at_once`].
    at_once: bool,
    /// Answers to questions that were asked together.
    answers: Vec<(Statement, Vec<JsonRow>)>,
}

impl<'c> Tx<'c> {
    fn new(conn: Conn<'c>, catalog: &Cache, look: Option<Look>) -> Self {
        Self { conn, catalog: catalog.clone(), look, later: Vec::new(), at_once: false, answers: Vec::new() }
    }

    /// Whether nobody else can write as long as this transaction lasts.
    pub(crate) fn writes_alone(&self) -> bool {
        matches!(self.conn, Conn::Sqlite(_))
    }

    /// Runs a statement and reads its rows.
    pub(crate) async fn rows<T: DeserializeOwned>(&mut self, statement: &Statement) -> Result<Vec<T>, Fault> {
        if let Some((_, rows)) = self.answers.iter().find(|(question, _)| question == statement) {
            return rows.iter().map(JsonRow::read).collect();
        }
        self.write_out().await?;
        if !statement.sql.starts_with("SELECT") {
            self.answers.clear();
        }
        match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::rows(conn, statement),
            Conn::Postgres(conn) => conn.rows(statement).await,
        }
    }

    /// Runs a statement that changes something. Rows that are only added may wait for others to go with them: until
    /// anything else is asked, or the end of the write.
    pub(crate) async fn change(&mut self, statement: Statement) -> Result<(), Fault> {
        if (self.at_once || matches!(self.conn, Conn::Postgres(_))) && statement.adds_rows() {
            self.answers.clear();
            let waiting: usize = self.later.iter().map(|waiting| waiting.values.len()).sum();
            if waiting.saturating_add(statement.values.len()) > postgres::VALUES_AT_ONCE && !self.at_once {
                self.write_out().await?;
            }
            self.later.push(statement);
            Ok(())
        } else {
            self.count_changed(&statement).await.map(drop)
        }
    }

    /// Runs a statement and tells how many rows it changed.
    pub(crate) async fn count_changed(&mut self, statement: &Statement) -> Result<u64, Fault> {
        if self.at_once {
            return Err(Fault::NotAtOnce);
        }
        self.write_out().await?;
        self.answers.clear();
        match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::change(conn, statement),
            Conn::Postgres(conn) => conn.change(statement).await,
        }
    }

    /// Adds the rows that waited.
    async fn write_out(&mut self) -> Result<(), Fault> {
        if self.later.is_empty() {
            return Ok(());
        }
        if self.at_once {
            return Err(Fault::NotAtOnce);
        }
        let together = std::mem::take(&mut self.later);
        match &mut self.conn {
            Conn::Postgres(conn) => conn.change_together(&together).await,
            Conn::Sqlite(_) => Err(Fault::NotAtOnce),
        }
    }

    /// Asks several questions in one message where each alone is a trip to another process. Whoever asks one of them then,
    /// before anything is changed, has the answer.
    pub(crate) async fn ask_together(&mut self, questions: impl FnOnce() -> Vec<Statement>) -> Result<(), Fault> {
        if let Conn::Postgres(conn) = &mut self.conn {
            let questions = questions();
            if questions.len() > 1 {
                self.answers = conn.rows_together(questions).await?;
            }
        }
        Ok(())
    }
}

/// A connection to read with.
pub(crate) enum Reader {
    Sqlite { conn: sqlite::Reader, catalog: Cache, memo: Memo },
    Postgres { conn: postgres::Loan, catalog: Cache },
}

impl Reader {
    pub(crate) fn tx(&mut self) -> Tx<'_> {
        match self {
            Self::Sqlite { conn, catalog, memo } => Tx::new(Conn::Sqlite(conn.conn()), catalog, memo.look()),
            Self::Postgres { conn, catalog } => Tx::new(Conn::Postgres(conn), catalog, None),
        }
    }
}

/// Runs a statement on a transaction's database.
macro_rules! on {
    ($tx:expr, $conn:ident => $statement:expr) => {{
        #[allow(unused_imports, reason = "statements are built by `statement`, under the names of the driver")]
        use $crate::statement as sqlx;
        let $conn = &mut *$tx;
        $statement
    }};
}
pub(crate) use on;

/// The revision of a root that a decision rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) root: Root,
    pub(crate) revision: i64,
}

/// How a write ends.
pub(crate) enum Ending {
    /// Commit.
    Keep,
    /// Nothing happened.
    Undo,
}

enum Backend {
    Sqlite { readers: Arc<sqlite::Readers>, writer: sqlite::Writer, path: PathBuf, claim: OnceLock<File> },
    Postgres { connections: Arc<postgres::Connections> },
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
    pub(crate) places: Places,
}

impl Store {
    /// Opens a database, making the SQLite file where there is none. The schema is not touched: see [`Store::migrate`].
    ///
    /// # Errors
    /// [`Fault`] when the database cannot be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, Fault> {
        let memo = Memo::default();
        let backend = match url {
            DatabaseUrl::Sqlite(path) => {
                if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
                    tokio::fs::create_dir_all(directory).await?;
                }
                // The writer comes first: it makes the file and turns the write-ahead log on.
                let writer = sqlite::Writer::start(path, memo.clone())?;
                let readers = sqlite::Readers::new(path);
                Backend::Sqlite { readers, writer, path: path.clone(), claim: OnceLock::new() }
            }
            DatabaseUrl::Postgres(url) => Backend::Postgres { connections: postgres::Connections::open(url).await? },
        };
        Ok(Self { backend: Arc::new(backend), catalog: Cache::default(), memo, places: Places::default() })
    }

    /// Brings the schema to this version. Safe to call from several servers at once.
    ///
    /// # Errors
    /// [`Fault`], also when the database was migrated by a later version.
    pub async fn migrate(&self) -> Result<(), Fault> {
        self.migrate_by(&MIGRATIONS).await?;
        // What the two databases have no common words for.
        match &*self.backend {
            Backend::Sqlite { path, .. } => {
                let mut conn = SqliteConnectOptions::new().filename(path).connect().await?;
                sqlite::keep_ledger(&mut conn).await?;
                conn.close().await?;
            }
            Backend::Postgres { connections } => postgres::keep_ledger(connections).await?,
        }
        Ok(())
    }

    async fn migrate_by(&self, migrations: &Migrator) -> Result<(), Fault> {
        match &*self.backend {
            Backend::Sqlite { path, .. } => {
                let mut conn = SqliteConnectOptions::new().filename(path).foreign_keys(true).connect().await?;
                migrations.run(&mut conn).await?;
                conn.close().await?;
            }
            Backend::Postgres { connections } => postgres::migrate(connections, migrations).await?,
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
        let found: Result<Option<i64>, Fault> =
            query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(tx).await;
        // Without any migration the table is not there.
        Ok(found.is_ok_and(|version| version >= Some(wanted)))
    }

    /// How many connections there are to read with (and on PostgreSQL to write with).
    pub fn pool(&self) -> Pool {
        let (all, idle) = match &*self.backend {
            Backend::Sqlite { readers, .. } => (readers.idle().saturating_add(readers.busy()), readers.idle()),
            Backend::Postgres { connections } => {
                (connections.idle().saturating_add(connections.busy()), connections.idle())
            }
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

    /// Has tables that have grown much counted anew, where plans of queries rest on such figures; how many there were.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn count_rows_anew(&self) -> Result<usize, Fault> {
        match &*self.backend {
            Backend::Sqlite { .. } => Ok(0),
            Backend::Postgres { connections } => postgres::count_rows_anew(connections).await,
        }
    }

    /// Waits until writes in flight are done and closes all connections.
    pub async fn close(&self) {
        match &*self.backend {
            Backend::Sqlite { readers, writer, .. } => {
                writer.drain().await;
                readers.close();
            }
            Backend::Postgres { connections } => connections.close().await,
        }
    }

    /// A connection to read with. Each statement sees what was committed when it began.
    pub(crate) async fn reader(&self) -> Result<Reader, Fault> {
        Ok(match &*self.backend {
            Backend::Sqlite { readers, .. } => {
                let conn = readers.acquire().await?;
                Reader::Sqlite { conn, catalog: self.catalog.clone(), memo: self.memo.clone() }
            }
            Backend::Postgres { connections } => {
                Reader::Postgres { conn: connections.acquire().await?, catalog: self.catalog.clone() }
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
        self.write_announced(None, work).await
    }

    /// Says that a write is coming that is sent again when it is overtaken, where that is of use.
    pub(crate) fn announce(&self) -> Option<Announced> {
        match &*self.backend {
            Backend::Sqlite { writer, .. } => Some(writer.announce()),
            Backend::Postgres { .. } => None,
        }
    }

    /// As [`Store::write`], for a write that may have been announced.
    ///
    /// # Errors
    /// Also [`Fault::Overtaken`] for one that was.
    pub(crate) async fn write_announced<T, E, F>(&self, announced: Option<Announced>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> BoxFuture<'a, Result<(Ending, T), E>> + Send + 'static,
    {
        let catalog = self.catalog.clone();
        match &*self.backend {
            Backend::Sqlite { writer, .. } => {
                let (answer, answered) = oneshot::channel::<Result<T, E>>();
                let work: sqlite::Work = Box::new(move |conn| {
                    async move {
                        let done = work(&mut Tx::new(Conn::Sqlite(conn), &catalog, None)).await;
                        let (ending, outcome) = match done {
                            Ok((ending, value)) => (ending, Ok(value)),
                            Err(error) => (Ending::Undo, Err(error)),
                        };
                        let acknowledge: sqlite::Acknowledge = Box::new(move |committed| {
                            answer.send(committed.map_err(E::from).and(outcome)).ok();
                        });
                        (ending, acknowledge)
                    }
                    .boxed()
                });
                writer.send(sqlite::Job { work, announced }).await?;
                answered.await.map_err(|_| Fault::NotCommitted("the write was given up".to_owned()))?
            }
            Backend::Postgres { connections } => {
                let connections = Arc::clone(connections);
                let run = async move {
                    let mut conn = connections.acquire().await?;
                    conn.begin().await?;
                    let mut tx = Tx::new(Conn::Postgres(&mut conn), &catalog, None);
                    let done = match work(&mut tx).await {
                        Ok((Ending::Keep, value)) => {
                            tx.write_out().await.map(|()| (Ending::Keep, value)).map_err(E::from)
                        }
                        done => done,
                    };
                    match done {
                        Ok((Ending::Keep, value)) => {
                            conn.commit().await?;
                            Ok(value)
                        }
                        Ok((Ending::Undo, value)) => {
                            conn.undo().await?;
                            Ok(value)
                        }
                        Err(error) => {
                            // Where this fails the connection is closed, which undoes it too.
                            conn.undo().await.ok();
                            Err(error)
                        }
                    }
                };
                tokio::spawn(run).await.map_err(|e| Fault::NotCommitted(e.to_string()))?
            }
        }
    }

    /// Whether other processes may write to the database as well.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(&*self.backend, Backend::Postgres { .. })
    }

    /// Writes without a lock beforehand. `work` looks at what is there as of one moment, adds rows, and tells the revision of the
    /// root that it saw. The root is then locked and changed with the rows that were added, or nothing is written where anything
    /// has happened since, or where it tells none.
    ///
    /// # Errors
    /// [`Fault::NotAtOnce`] when more is needed than rows that are added; what [`Fault::is_overtaken`] tells when something
    /// happened in between.
    pub(crate) async fn write_at_once<T, E, F>(&self, announced: &mut Option<Announced>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> BoxFuture<'a, Result<(Option<Seen>, T), E>> + Send + 'static,
    {
        let connections = match &*self.backend {
            Backend::Sqlite { readers, .. } => {
                let mut reader = readers.acquire().await?;
                let (seen, value, rows) = {
                    let mut tx = Tx::new(Conn::Sqlite(reader.snapshot()?), &self.catalog, None);
                    tx.at_once = true;
                    let (seen, value) = work(&mut tx).await?;
                    (seen, value, std::mem::take(&mut tx.later))
                };
                drop(reader);
                if let Some(seen) = seen {
                    self.add_rows(announced.take(), seen, rows).await?;
                }
                return Ok(value);
            }
            Backend::Postgres { connections } => connections,
        };
        let (catalog, connections) = (self.catalog.clone(), Arc::clone(connections));
        let run = async move {
            let mut conn = connections.acquire().await?;
            let (seen, value, rows) = {
                let mut tx = Tx::new(Conn::Postgres(&mut conn), &catalog, None);
                tx.at_once = true;
                let (seen, value) = work(&mut tx).await?;
                (seen, value, std::mem::take(&mut tx.later))
            };
            drop(conn);
            if let Some(seen) = seen {
                let addition = postgres::Addition::of(&seen, rows).ok_or(Fault::NotAtOnce)?;
                connections.add(addition).await?;
            }
            Ok(value)
        };
        tokio::spawn(run).await.map_err(|e| Fault::NotCommitted(e.to_string()))?
    }

    /// Adds rows if the revision of their root still is the one that was seen.
    async fn add_rows(&self, announced: Option<Announced>, seen: Seen, rows: Vec<Statement>) -> Result<(), Fault> {
        self.write_announced(announced, move |tx| {
            async move {
                if tx.count_changed(&write::advance(&seen.root, seen.revision)).await? == 0 {
                    return Err(Fault::Overtaken);
                }
                for row in rows {
                    tx.change(row).await?;
                }
                Ok((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::Duration;

    use super::*;
    use crate::testing::{BOUGHT, WORLD, empty_stores, number, run};

    #[tokio::test]
    async fn a_database_of_an_earlier_version_keeps_what_was_bought() {
        let early = MIGRATIONS.iter().filter(|step| step.version < 16).cloned().collect();
        let early = Migrator { migrations: Cow::Owned(early), ..Migrator::DEFAULT };
        for (store, _directory) in empty_stores().await {
            store.migrate_by(&early).await.unwrap();
            run(&store, WORLD).await;
            run(&store, BOUGHT).await;
            store.migrate().await.unwrap();
            assert!(store.is_ready().await.unwrap());
            for (question, count) in [
                ("SELECT count(*) FROM commerce_order WHERE buyer_name = 'olle@exempel.example'", 2),
                ("SELECT count(*) FROM order_line WHERE customer_unit_e6 = 10000000", 2),
                ("SELECT count(*) FROM reservation_order WHERE expires_at = 1825056000000000", 2),
                ("SELECT count(*) FROM reservation WHERE quantity = 1 AND applied_scope IS NULL", 2),
                ("SELECT count(*) FROM instalment WHERE posted_event IS NULL", 2),
                ("SELECT count(*) FROM role_assignment", 1),
            ] {
                assert_eq!(number(&store, question).await, count, "{question}");
            }
        }
    }

    #[tokio::test]
    async fn a_young_table_is_counted_as_it_grows() {
        const ROWS: &str = "INSERT INTO activity_record
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
            SELECT '22222222-2222-4222-8222-222222222222', i, i, NULL, NULL, 'create_order', 'succeeded',
                   '00000000-0000-4000-8000-0000000000a1', 'ada', NULL, '00000000-0000-4000-8000-0000000000a1', 's', NULL, NULL,
                   '[]', NULL FROM n";
        for (store, _directory) in empty_stores().await {
            store.migrate().await.unwrap();
            assert_eq!(store.count_rows_anew().await.unwrap(), 0);
            run(&store, ROWS).await;
            if store.kind() == "SQLite" {
                assert_eq!(store.count_rows_anew().await.unwrap(), 0);
                continue;
            }
            // PostgreSQL tells of changes a second late.
            let counted = async {
                while store.count_rows_anew().await.unwrap() == 0 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), counted).await.unwrap();
            let rows = "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE relname = 'activity_record'";
            assert_eq!(number(&store, rows).await, 300);
            assert_eq!(store.count_rows_anew().await.unwrap(), 0);
        }
    }

    /// Events as they were written when each entry was a row: five are bought, two of them returned, three left.
    const ENTRIES: &str = "
        UPDATE reservation_order SET original_quantity = 5;
        INSERT INTO reservation_return (customer_id, return_id, session_id, partner_id, kind, at, reservation_order_id,
            reservation_id, quantity, running, currency, customer_share_e6, partner_share_e6, customer_refund_e6,
            partner_refund_e6, counted_e6, counted_currency, returned_by)
          VALUES ('22222222-2222-4222-8222-222222222222', 'r', 's', '11111111-1111-4111-8111-111111111111', 'refund', 5,
                  '42222222-2222-4222-8222-222222222222', 'r', 2, 1, 'EUR', 0, 0, 0, 0, 0, 'USD', 'ada');
        INSERT INTO ledger_entry (customer_id, event_id, number, partner_id, at, account, currency, amount_e6, subject, kind)
          SELECT '22222222-2222-4222-8222-222222222222', e.e, n.n, '11111111-1111-4111-8111-111111111111', e.at, n.account,
                 'EUR', n.amount * e.f, '42222222-2222-4222-8222-222222222222', e.kind
          FROM (SELECT 'one' AS e, 4 AS at, 1 AS f, 'purchase' AS kind
                UNION ALL SELECT 'two', 5, -3, 'refund'
                UNION ALL SELECT 'three', 6, 2, 'instalment') e,
               (SELECT 1 AS n, 'partner-cost' AS account, 7 AS amount
                UNION ALL SELECT 2, 'supplier-payable', -7
                UNION ALL SELECT 3, 'customer-receivable', 8
                UNION ALL SELECT 4, 'partner-revenue', -8) n";

    #[tokio::test]
    async fn a_ledger_of_an_earlier_version_is_kept_to_the_entry_or_the_step_is_refused() {
        let early = MIGRATIONS.iter().filter(|step| step.version < 20).cloned().collect();
        let early = Migrator { migrations: Cow::Owned(early), ..Migrator::DEFAULT };
        for (unbalanced, kept) in [
            ("", true),
            ("UPDATE ledger_entry SET amount_e6 = 6 WHERE event_id = 'one' AND number = 1", false),
            ("UPDATE ledger_entry SET currency = 'SEK' WHERE event_id = 'two' AND number = 4", false),
            ("DELETE FROM ledger_entry WHERE event_id = 'two' AND number = 1", false),
            ("DELETE FROM ledger_entry WHERE event_id = 'two' AND number = 4", false),
        ] {
            for (store, _directory) in empty_stores().await {
                store.migrate_by(&early).await.unwrap();
                for statements in [WORLD, BOUGHT, ENTRIES, unbalanced] {
                    run(&store, statements).await;
                }
                assert_eq!(store.migrate().await.is_ok(), kept, "{unbalanced}");
                if !kept {
                    continue;
                }
                for (question, answer) in [
                    ("SELECT count(*) FROM ledger_entry", 12),
                    ("SELECT amount_e6 FROM ledger_entry WHERE event_id = 'one' AND account = 'partner-revenue'", -8),
                    ("SELECT amount_e6 FROM ledger_entry WHERE event_id = 'two' AND number = 1", -21),
                    ("SELECT number FROM ledger_entry WHERE event_id = 'two' AND account = 'supplier-payable'", 2),
                    ("SELECT count(*) FROM ledger_entry WHERE kind = 'purchase' AND at = 4 AND quantity = 5", 4),
                    ("SELECT count(*) FROM ledger_entry WHERE kind = 'refund' AND at = 5 AND quantity = 2", 4),
                    ("SELECT count(*) FROM ledger_entry WHERE kind = 'instalment' AND at = 6 AND quantity = 3", 4),
                ] {
                    assert_eq!(number(&store, question).await, answer, "{question}");
                }
            }
        }
    }
}
