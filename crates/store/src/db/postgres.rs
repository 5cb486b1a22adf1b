//! PostgreSQL: a pool of connections, each statement prepared once on each.

use std::str::FromStr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow, PgValueRef};
use sqlx::{Arguments, AssertSqlSafe, Column, ConnectOptions, Decode, Postgres, Row, TypeInfo, ValueRef};

use crate::row::Fault;
use crate::statement::{Cell, Statement, Value, read_row};

/// How many connections a server holds at most.
const CONNECTIONS: u32 = 24;

pub(super) async fn open(url: &str) -> Result<PgPool, Fault> {
    let options = PgConnectOptions::from_str(url)?.application_name("fullmakt").disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        // A question to the database before each question to the database is one too many: a connection that broke is
        // noticed by its next statement, which the caller may repeat.
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Customers are searched by the beginning of their names, which is a range of an index only in the order of bytes. SQLite
/// orders so; PostgreSQL orders as the database was made.
pub(super) async fn order_names_by_bytes(pool: &PgPool) -> Result<(), Fault> {
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

/// Runs a statement and reads its rows.
pub(super) async fn rows<T: DeserializeOwned>(conn: &mut PgConnection, statement: &Statement) -> Result<Vec<T>, Fault> {
    let sql = AssertSqlSafe(statement.sql.clone());
    let rows = sqlx::query_with(sql, arguments(statement)?).fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

/// Runs a statement and tells how many rows it changed.
pub(super) async fn change(conn: &mut PgConnection, statement: &Statement) -> Result<u64, Fault> {
    let sql = AssertSqlSafe(statement.sql.clone());
    Ok(sqlx::query_with(sql, arguments(statement)?).execute(conn).await?.rows_affected())
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
    let is_text = match value.type_info().name() {
        "TEXT" => true,
        "INT8" => false,
        other => return Err(format!("a value of type {other}").into()),
    };
    Ok(if is_text {
        Cell::Text(<&str as Decode<Postgres>>::decode(value)?)
    } else {
        Cell::Int(<i64 as Decode<Postgres>>::decode(value)?)
    })
}
