//! PostgreSQL: a few connections, each statement prepared once on each.
//!
//! Every message to the database and back costs as much as the work it asks for, so few are sent. The driver's own pool
//! asks a connection whether it is well when it comes back; this one looks at how its last statement ended.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow, PgValueRef};
use sqlx::{
    Arguments, AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Executor, Postgres, Row, TypeInfo, ValueRef,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::row::Fault;
use crate::statement::{Cell, JsonRow, Statement, Value, read_row};

mod bulk;

pub(crate) use bulk::Addition;
use bulk::Bulk;

/// How many values go in one message that adds rows. It takes 65 535, and a purchase brings a few hundred.
pub(super) const VALUES_AT_ONCE: usize = 1_000;
/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was not used for so long may have been cut by something in between.
const IDLE_MAX: Duration = Duration::from_secs(600);

/// How many additions go in one statement.
const GROUP_MAX: usize = 16;
/// How many such statements are under way at once: while one is flushed to the disk another one is run.
const LANES: usize = 2;

/// The connections of this server.
pub(super) struct Connections {
    options: PgConnectOptions,
    idle: Mutex<Vec<(PgConnection, Instant)>>,
    permits: Arc<Semaphore>,
    waiting: Mutex<VecDeque<Waiting>>,
    lanes: Semaphore,
}

/// An addition that waits for a statement to go with.
struct Waiting {
    addition: Addition,
    done: oneshot::Sender<Result<(), Fault>>,
}

impl Connections {
    /// How many there may be.
    const MAX: usize = 24;

    /// Connects.
    pub(super) async fn open(url: &str) -> Result<Arc<Self>, Fault> {
        let options = PgConnectOptions::from_str(url)?.application_name("fullmakt").disable_statement_logging();
        let permits = Arc::new(Semaphore::new(Self::MAX));
        let (waiting, lanes) = (Mutex::default(), Semaphore::new(LANES));
        let connections = Arc::new(Self { options, idle: Mutex::default(), permits, waiting, lanes });
        // Whether the database is there is to be known at once.
        connections.acquire().await?;
        Ok(connections)
    }

    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Loan, Fault> {
        let connect = async {
            let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Fault::Closed)?;
            let idle = self.take_idle();
            let conn = match idle {
                Some(conn) => conn,
                None => self.connect().await?,
            };
            Ok(Loan { conn: Some(conn), state: State::Settled, home: Arc::clone(self), _permit: permit })
        };
        tokio::time::timeout(PATIENCE, connect).await.map_err(|_| Fault::Busy)?
    }

    fn take_idle(&self) -> Option<PgConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (conn, since) = idle.pop()?;
        if since.elapsed() < IDLE_MAX {
            return Some(conn);
        }
        // The others were idle for longer.
        idle.clear();
        None
    }

    async fn connect(&self) -> Result<PgConnection, Fault> {
        let mut conn = self.options.connect().await?;
        // All statements go by indexed keys: a plan that fits one value fits all, and planning costs more than running.
        // What is asked for lies in memory or on a disk without arms, where the next page is no nearer than any other.
        conn.execute("SET plan_cache_mode = force_generic_plan; SET random_page_cost = 1.1").await?;
        Ok(conn)
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn busy(&self) -> usize {
        Self::MAX.saturating_sub(self.permits.available_permits())
    }

    /// Adds rows, if the revision they rest on is still there: together with whatever else waits to be added, in one statement
    /// and one flush to the disk. Must not be given up half way, for it may do the work of others.
    ///
    /// # Errors
    /// Also what [`Fault::is_overtaken`] tells when the revision is another one.
    pub(super) async fn add(self: &Arc<Self>, addition: Addition) -> Result<(), Fault> {
        let (done, mut answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(Waiting { addition, done });
        let given_up = |_| Fault::NotCommitted("the write was given up".to_owned());
        loop {
            let lane = tokio::select! {
                biased;
                made = &mut answer => return made.map_err(given_up)?,
                lane = self.lanes.acquire() => lane.map_err(|_| Fault::Closed)?,
            };
            let group = self.next_group();
            if group.is_empty() {
                // Another lane has it.
                drop(lane);
                return answer.await.map_err(given_up)?;
            }
            // Mostly it is among them; else it waits for one of the same customer.
            self.add_together(group).await;
        }
    }

    fn next_group(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut group: Vec<Waiting> = Vec::new();
        let mut others = VecDeque::new();
        while let Some(next) = waiting.pop_front() {
            if group.len() < GROUP_MAX && group.iter().all(|one| one.addition.goes_with(&next.addition)) {
                group.push(next);
            } else {
                others.push_back(next);
            }
        }
        *waiting = others;
        group
    }

    /// Where one of a group cannot be made none is, and each is tried alone.
    async fn add_together(self: &Arc<Self>, group: Vec<Waiting>) {
        let alone = group.len() == 1;
        let mut made = self.make(group.iter().map(|waiting| &waiting.addition)).await;
        for Waiting { addition, done } in group {
            let outcome = match &made {
                Ok(()) => Ok(()),
                Err(_) if alone => std::mem::replace(&mut made, Ok(())),
                Err(Fault::Database(sqlx::Error::Database(_))) => self.make([&addition]).await,
                Err(fault) => Err(Fault::NotCommitted(fault.to_string())),
            };
            done.send(outcome).ok();
        }
    }

    async fn make<'a>(self: &Arc<Self>, additions: impl IntoIterator<Item = &'a Addition>) -> Result<(), Fault> {
        let Some(bulk) = Bulk::of(additions) else { return Ok(()) };
        self.acquire().await?.add(bulk).await
    }

    /// Waits until all connections came back, and ends them.
    pub(super) async fn close(&self) {
        let all = u32::try_from(Self::MAX).unwrap_or(u32::MAX);
        let _back = self.permits.acquire_many(all).await;
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for (conn, _) in idle {
            conn.close().await.ok();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The last statement ended, and no transaction is open.
    Settled,
    /// A transaction is open.
    Open,
    /// Waiting for an answer.
    Waiting { open: bool },
    /// The connection was lost.
    Lost,
}

/// A connection on loan. One that does not come back settled is closed, which undoes what was not committed.
pub(crate) struct Loan {
    conn: Option<PgConnection>,
    state: State,
    home: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Loan {
    /// The connection, for one statement whose end is told to [`Loan::ended`].
    fn begin_statement(&mut self) -> &mut PgConnection {
        self.state = State::Waiting { open: matches!(self.state, State::Open | State::Waiting { open: true }) };
        self.conn.as_mut().expect("it is taken out only when dropped")
    }

    fn ended<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, Fault> {
        let State::Waiting { open } = self.state else { return Ok(result?) };
        self.state = match &result {
            // What the database refuses it has answered.
            Ok(_) | Err(sqlx::Error::Database(_)) if open => State::Open,
            Ok(_) | Err(sqlx::Error::Database(_)) => State::Settled,
            Err(_) => State::Lost,
        };
        Ok(result?)
    }

    async fn say(&mut self, word: &'static str) -> Result<(), Fault> {
        let said = self.begin_statement().execute(word).await;
        self.ended(said).map(drop)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        self.say("BEGIN").await?;
        self.state = State::Open;
        Ok(())
    }

    /// Commits it.
    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        self.say("COMMIT").await?;
        self.state = State::Settled;
        Ok(())
    }

    /// Undoes it.
    pub(super) async fn undo(&mut self) -> Result<(), Fault> {
        self.say("ROLLBACK").await?;
        self.state = State::Settled;
        Ok(())
    }

    /// Runs a statement and reads its rows.
    pub(super) async fn rows<T: DeserializeOwned>(&mut self, statement: &Statement) -> Result<Vec<T>, Fault> {
        let ask = sqlx::query_with(AssertSqlSafe(statement.sql.clone()), arguments(statement)?);
        let rows = ask.fetch_all(self.begin_statement()).await;
        self.ended(rows)?.iter().map(read).collect()
    }

    /// Runs a statement and tells how many rows it changed.
    pub(super) async fn change(&mut self, statement: &Statement) -> Result<u64, Fault> {
        let ask = sqlx::query_with(AssertSqlSafe(statement.sql.clone()), arguments(statement)?);
        let done = ask.execute(self.begin_statement()).await;
        Ok(self.ended(done)?.rows_affected())
    }

    /// Runs statements of which none depends on another in one message. What added rows refer to is checked when all are there.
    pub(super) async fn change_together(&mut self, statements: &[Statement]) -> Result<(), Fault> {
        let last = statements.len().saturating_sub(1);
        let joined = Statement::joined(statements, |sql, index, write| {
            if index < last {
                sql.push_str(if index == 0 { "WITH " } else { ", " });
                sql.push_str(&format!("change{index} AS ("));
                write(sql);
                sql.push(')');
            } else {
                sql.push(' ');
                write(sql);
            }
        });
        self.change(&joined).await.map(drop)
    }

    /// Makes additions.
    async fn add(&mut self, bulk: Bulk) -> Result<(), Fault> {
        let (sql, arguments) = bulk.text_and_arguments()?;
        let ask = sqlx::query_with(AssertSqlSafe(sql), arguments);
        let done = ask.fetch_all(self.begin_statement()).await;
        self.ended(done).map(drop)
    }

    /// Asks several questions in one message, and tells them with their answers. All are answered as of one moment.
    pub(super) async fn rows_together(
        &mut self,
        questions: Vec<Statement>,
    ) -> Result<Vec<(Statement, Vec<JsonRow>)>, Fault> {
        let joined = Statement::joined(&questions, |sql, index, write| {
            if index > 0 {
                sql.push_str(" UNION ALL ");
            }
            sql.push_str(&format!("SELECT CAST({index} AS BIGINT), CAST(row_to_json(q) AS TEXT) FROM ("));
            write(sql);
            sql.push_str(") q");
        });
        let mut answers: Vec<_> = questions.into_iter().map(|question| (question, Vec::new())).collect();
        for (index, row) in self.rows::<(usize, String)>(&joined).await? {
            let answer = answers.get_mut(index).ok_or_else(|| Fault::Row(format!("an answer to question {index}")))?;
            answer.1.push(JsonRow::parse(&row)?);
        }
        Ok(answers)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match self.state {
            State::Settled => idle.push((conn, Instant::now())),
            State::Open | State::Waiting { .. } => {}
            // What cut one connection has cut the others.
            State::Lost => idle.clear(),
        }
    }
}

/// Brings the schema to this version.
pub(super) async fn migrate(connections: &Connections, migrations: &Migrator) -> Result<(), Fault> {
    let mut conn = connections.connect().await?;
    migrations.run(&mut conn).await?;
    order_names_by_bytes(&mut conn).await?;
    conn.close().await?;
    Ok(())
}

/// Has tables counted anew that hold more than twice as many rows as when they were last counted; how many. Plans rest on these
/// figures. PostgreSQL does it by itself, but only after a minute, and until then takes any index for as good as the right one.
/// One server at a time does it, of tables that are its user's own.
pub(super) async fn count_rows_anew(connections: &Arc<Connections>) -> Result<usize, Fault> {
    let mut conn = connections.acquire().await?;
    let grown = Statement {
        sql: "SELECT CAST(quote_ident(s.relname) AS TEXT) FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
              WHERE s.schemaname = current_schema() AND pg_has_role(c.relowner, 'USAGE')
                AND s.n_live_tup > 50 + 2 * greatest(c.reltuples, 0)"
            .into(),
        values: Vec::new(),
    };
    let tables: Vec<(String,)> = conn.rows(&grown).await?;
    if tables.is_empty() {
        return Ok(0);
    }
    conn.begin().await?;
    let free = Statement { sql: "SELECT CAST(pg_try_advisory_xact_lock(7236042) AS TEXT)".into(), values: Vec::new() };
    let free: Vec<(String,)> = conn.rows(&free).await?;
    if free.iter().all(|(answer,)| answer != "true") {
        conn.undo().await?;
        return Ok(0);
    }
    for (table,) in &tables {
        conn.change(&Statement { sql: format!("ANALYZE {table}").into(), values: Vec::new() }).await?;
    }
    conn.commit().await?;
    Ok(tables.len())
}

/// Customers are searched by the beginning of their names, which is a range of an index only in the order of bytes. SQLite
/// orders so; PostgreSQL orders as the database was made.
async fn order_names_by_bytes(conn: &mut PgConnection) -> Result<(), Fault> {
    let done: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = 'relationship'
           AND column_name IN ('name_key', 'domain') AND collation_name = 'C'",
    )
    .fetch_one(&mut *conn)
    .await?;
    if done < 2 {
        sqlx::query(
            "ALTER TABLE relationship ALTER COLUMN name_key TYPE TEXT COLLATE \"C\",
                                      ALTER COLUMN domain TYPE TEXT COLLATE \"C\"",
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// What is in the ledger is never changed or removed, by whomever: the database refuses it. One server at a time says so.
pub(super) async fn keep_ledger(connections: &Connections) -> Result<(), Fault> {
    let mut conn = connections.connect().await?;
    sqlx::raw_sql(
        "BEGIN;
         SELECT pg_advisory_xact_lock(7236041);
         CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'the rows of % are only added to', TG_TABLE_NAME; END $$;
         CREATE OR REPLACE TRIGGER ledger_is_not_changed BEFORE UPDATE OR DELETE ON ledger_transfer
             FOR EACH ROW EXECUTE FUNCTION refuse_change();
         CREATE OR REPLACE TRIGGER ledger_is_not_emptied BEFORE TRUNCATE ON ledger_transfer
             FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
         COMMIT",
    )
    .execute(&mut conn)
    .await?;
    conn.close().await?;
    Ok(())
}

fn arguments(statement: &Statement) -> Result<PgArguments, Fault> {
    let mut arguments = PgArguments::default();
    for value in &statement.values {
        let added = match value {
            Value::Int(number) => arguments.add(*number),
            Value::Text(text) => arguments.add(text.as_deref()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn read<T: DeserializeOwned>(row: &PgRow) -> Result<T, Fault> {
    let mut cells = Vec::with_capacity(row.len());
    for column in row.columns() {
        let value = row.try_get_raw(column.ordinal())?;
        cells.push((column.name(), cell(value).map_err(sqlx::Error::Decode)?));
    }
    read_row(&cells)
}

fn cell(value: PgValueRef<'_>) -> Result<Cell<'_>, BoxDynError> {
    if value.is_null() {
        return Ok(Cell::Null);
    }
    enum Kind {
        Text,
        Int,
        // Of a number that stands in the statement itself.
        ShortInt,
    }
    let kind = match value.type_info().name() {
        "TEXT" => Kind::Text,
        "INT8" => Kind::Int,
        "INT4" => Kind::ShortInt,
        other => return Err(format!("a value of type {other}").into()),
    };
    Ok(match kind {
        Kind::Text => Cell::Text(<&str as Decode<Postgres>>::decode(value)?),
        Kind::Int => Cell::Int(<i64 as Decode<Postgres>>::decode(value)?),
        Kind::ShortInt => Cell::Int(<i32 as Decode<Postgres>>::decode(value)?.into()),
    })
}
