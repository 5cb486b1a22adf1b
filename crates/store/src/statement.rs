//! Statements and what comes back, the same for both databases.
//!
//! A statement is a text with `$1`, `$2` … and a value for each; rows come back as whatever `serde` can read from them: a
//! struct by the names of the columns, a tuple by their order, a single value from the first.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};

use crate::db::Tx;
use crate::row::Fault;

/// What stands for a `$1`. The kind of a missing value is known too, for PostgreSQL wants it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

impl From<Option<&String>> for Value {
    fn from(value: Option<&String>) -> Self {
        Self::Text(value.cloned())
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

/// A text with its values, before anybody asks what comes back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
}

/// A statement whose rows are read as `T`.
pub(crate) struct Query<T> {
    statement: Statement,
    rows: PhantomData<fn() -> T>,
}

/// A statement of which no row is wanted.
pub(crate) fn query(sql: impl Into<Cow<'static, str>>) -> Query<()> {
    query_as(sql)
}

/// A statement whose rows are read as `T`.
pub(crate) fn query_as<T>(sql: impl Into<Cow<'static, str>>) -> Query<T> {
    Query { statement: Statement { sql: sql.into(), values: Vec::new() }, rows: PhantomData }
}

/// A statement whose rows have one column.
pub(crate) fn query_scalar<T>(sql: impl Into<Cow<'static, str>>) -> Query<T> {
    query_as(sql)
}

impl<T> Query<T> {
    /// The statement without what is read from it, for [`Tx::ask_together`].
    pub(crate) fn question(self) -> Statement {
        self.statement
    }

    /// The next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.statement.values.push(value.into());
        self
    }
}

impl Query<()> {
    /// Changes something.
    pub(crate) async fn execute(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.change(self.statement).await
    }

    /// Changes something, and tells how many rows.
    pub(crate) async fn count_changed(self, tx: &mut Tx<'_>) -> Result<u64, Fault> {
        tx.count_changed(&self.statement).await
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// All rows.
    pub(crate) async fn fetch_all(self, tx: &mut Tx<'_>) -> Result<Vec<T>, Fault> {
        tx.rows(&self.statement).await
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(self, tx: &mut Tx<'_>) -> Result<Option<T>, Fault> {
        Ok(tx.rows(&self.statement).await?.into_iter().next())
    }

    /// The row that must be there.
    pub(crate) async fn fetch_one(self, tx: &mut Tx<'_>) -> Result<T, Fault> {
        let first = tx.rows(&self.statement).await?.into_iter().next();
        first.ok_or_else(|| Fault::Row(format!("no row for `{}`", self.statement.sql)))
    }
}

/// A statement that inserts several rows at once.
pub(crate) struct QueryBuilder {
    sql: String,
    values: Vec<Value>,
}

/// One of its rows.
pub(crate) struct RowBuilder<'b> {
    builder: &'b mut QueryBuilder,
    first: bool,
}

impl QueryBuilder {
    /// With the text up to `VALUES`.
    pub(crate) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// A row for each item.
    pub(crate) fn push_values<I: IntoIterator>(&mut self, items: I, row: impl Fn(RowBuilder<'_>, I::Item)) {
        for (index, item) in items.into_iter().enumerate() {
            self.sql.push_str(if index == 0 { "VALUES (" } else { ", (" });
            row(RowBuilder { builder: self, first: true }, item);
            self.sql.push(')');
        }
    }

    /// The statement.
    pub(crate) fn build(self) -> Query<()> {
        Query { statement: Statement { sql: Cow::Owned(self.sql), values: self.values }, rows: PhantomData }
    }
}

impl RowBuilder<'_> {
    /// The next value of the row.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        let QueryBuilder { sql, values } = &mut *self.builder;
        values.push(value.into());
        if !std::mem::take(&mut self.first) {
            sql.push_str(", ");
        }
        sql.push('$');
        sql.push_str(&values.len().to_string());
        self
    }
}

impl Statement {
    /// Whether it only adds rows, and what it adds does not depend on what is there.
    pub(crate) fn adds_rows(&self) -> bool {
        let sql = self.sql.trim_start();
        sql.starts_with("INSERT INTO")
            && sql.contains("VALUES")
            && !["SELECT", "RETURNING", "DO UPDATE"].iter().any(|word| sql.contains(word))
    }

    /// Several statements as one text: `before`, `between` and `after` are written around each, with its number, and `$1`
    /// of a later one counts on from the values of those before it.
    pub(crate) fn joined(statements: &[Self], mut write: impl FnMut(&mut String, usize, &dyn Fn(&mut String))) -> Self {
        let mut sql = String::with_capacity(statements.iter().map(|s| s.sql.len() + 64).sum());
        let mut values = Vec::with_capacity(statements.iter().map(|s| s.values.len()).sum());
        for (index, statement) in statements.iter().enumerate() {
            let taken = values.len();
            write(&mut sql, index, &|sql| statement.write_numbered(taken, sql));
            values.extend(statement.values.iter().cloned());
        }
        Self { sql: Cow::Owned(sql), values }
    }

    /// The numbers behind `$`, each where it comes for the first time.
    pub(crate) fn numbers_as_they_come(&self) -> impl Iterator<Item = usize> {
        let mut seen: Vec<usize> = Vec::with_capacity(self.values.len());
        let mut highest = 0;
        self.sql.split('$').skip(1).filter_map(move |piece| {
            let digits = piece.bytes().take_while(u8::is_ascii_digit);
            let number =
                digits.fold(0_usize, |number, digit| number.saturating_mul(10).saturating_add((digit - b'0').into()));
            // Mostly they come in order.
            let is_new = number > highest || !seen.contains(&number);
            if is_new {
                seen.push(number);
                highest = highest.max(number);
            }
            is_new.then_some(number)
        })
    }

    fn write_numbered(&self, taken: usize, sql: &mut String) {
        let mut pieces = self.sql.split('$');
        sql.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = piece.split_at(digits);
            let number = number.parse::<usize>().unwrap_or_default().saturating_add(taken);
            sql.push('$');
            sql.push_str(&number.to_string());
            sql.push_str(rest);
        }
    }
}

/// One value of a row that came back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'r> {
    Null,
    Int(i64),
    Text(&'r str),
}

/// Reads a row, given as names of columns and their values.
pub(crate) fn read_row<T: DeserializeOwned>(row: &[(&str, Cell<'_>)]) -> Result<T, Fault> {
    T::deserialize(RowReader(row)).map_err(|e| Fault::Row(e.0))
}

/// Why a row cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self(message.to_string())
    }
}

/// A row that came back in another row, as the members of a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonRow(Vec<(String, Value)>);

impl JsonRow {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|e| Fault::Row(e.to_string()))
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let cell = |value| match value {
            &Value::Int(Some(number)) => Cell::Int(number),
            Value::Text(Some(text)) => Cell::Text(text),
            Value::Int(None) | Value::Text(None) => Cell::Null,
        };
        read_row(&self.0.iter().map(|(name, value)| (name.as_str(), cell(value))).collect::<Vec<_>>())
    }
}

impl<'de> serde::Deserialize<'de> for JsonRow {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = JsonRow;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a row")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<JsonRow, A::Error> {
                #[derive(serde::Deserialize)]
                #[serde(untagged)]
                enum Member {
                    Int(i64),
                    Text(String),
                    Null(()),
                }
                let mut row = Vec::new();
                while let Some((name, member)) = members.next_entry()? {
                    let value = match member {
                        Member::Int(number) => Value::Int(Some(number)),
                        Member::Text(text) => Value::Text(Some(text)),
                        Member::Null(()) => Value::Text(None),
                    };
                    row.push((name, value));
                }
                Ok(JsonRow(row))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

struct RowReader<'r>(&'r [(&'r str, Cell<'r>)]);

impl<'r> RowReader<'r> {
    fn first(&self) -> Result<Cell<'r>, Unreadable> {
        self.0.first().map(|(_, cell)| *cell).ok_or_else(|| Unreadable("a row without columns".to_owned()))
    }

    fn map<V: Visitor<'r>>(&self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_map(MapDeserializer::new(self.0.iter().map(|(name, cell)| (*name, *cell))))
    }

    fn seq<V: Visitor<'r>>(&self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(SeqDeserializer::new(self.0.iter().map(|(_, cell)| *cell)))
    }
}

impl<'r> de::Deserializer<'r> for RowReader<'r> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.first()?.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.first()?.deserialize_option(visitor)
    }

    fn deserialize_unit<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.map(visitor)
    }

    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'r>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.seq(visitor)
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'r>> bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit_struct newtype_struct tuple_struct
        enum identifier ignored_any
    }
}

impl<'r> IntoDeserializer<'r, Unreadable> for Cell<'r> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'r> de::Deserializer<'r> for Cell<'r> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Int(number) => visitor.visit_i64(number),
            Self::Text(text) => BorrowedStrDeserializer::new(text).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'r>> bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Inner {
        name: String,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        count: i64,
        note: Option<String>,
    }

    #[test]
    fn numbers_are_told_once_each_as_they_come() {
        for (sql, numbers) in [
            ("SELECT 1", vec![]),
            ("VALUES ($1, $2, $3)", vec![1, 2, 3]),
            ("SELECT $2 WHERE a = $1 AND b IN ($2, $12, $1, $2) OR c = substr($3, 1)", vec![2, 1, 12, 3]),
        ] {
            assert_eq!(query(sql).question().numbers_as_they_come().collect::<Vec<_>>(), numbers, "{sql}");
        }
    }

    #[test]
    fn a_row_is_read_by_names_by_order_or_as_its_first_column() {
        let row = [("name", Cell::Text("a")), ("count", Cell::Int(7)), ("note", Cell::Null)];
        let outer = Outer { inner: Inner { name: "a".to_owned() }, count: 7, note: None };
        assert_eq!(read_row::<Outer>(&row).unwrap(), outer);
        let tuple: (String, i64, Option<String>) = read_row(&row).unwrap();
        assert_eq!(tuple, ("a".to_owned(), 7, None));
        assert_eq!(read_row::<Option<String>>(&row).unwrap(), Some("a".to_owned()));
        assert_eq!(read_row::<Option<i64>>(&[("max", Cell::Null)]).unwrap(), None);
        assert_eq!(read_row::<(Option<i64>,)>(&[("max", Cell::Int(1))]).unwrap(), (Some(1),));
        for wrong in [&[("name", Cell::Int(1))][..], &[], &[("name", Cell::Null)]] {
            assert!(matches!(read_row::<String>(wrong), Err(Fault::Row(_))), "{wrong:?}");
        }
    }

    #[test]
    fn statements_are_joined_and_their_values_counted_on() {
        let first = query("SELECT $2, $1").bind(1_i64).bind("b").question();
        let second = query("SELECT 1").question();
        let third = query("SELECT $1 || $1").bind("c").question();
        let joined = Statement::joined(&[first, second, third], |sql, index, write| {
            sql.push_str(if index == 0 { "(" } else { " UNION (" });
            write(sql);
            sql.push(')');
        });
        assert_eq!(joined.sql, "(SELECT $2, $1) UNION (SELECT 1) UNION (SELECT $3 || $3)");
        assert_eq!(joined.values, [Value::from(1), Value::from("b"), Value::from("c")]);
    }

    #[test]
    fn only_rows_that_depend_on_nothing_are_added_later() {
        for (sql, adds) in [
            ("INSERT INTO a (b) VALUES ($1)", true),
            ("INSERT INTO a (b) VALUES ($1) ON CONFLICT DO NOTHING", true),
            ("INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = 1", false),
            ("INSERT INTO a (b) VALUES ($1) RETURNING b", false),
            ("INSERT INTO a (b) SELECT b FROM c", false),
            ("UPDATE a SET b = $1", false),
        ] {
            assert_eq!(query(sql).question().adds_rows(), adds, "{sql}");
        }
    }

    #[test]
    fn a_row_in_json_is_read_like_any_other() {
        let row = JsonRow::parse(r#"{"name": "a\"b", "count": -7, "note": null}"#).unwrap();
        let tuple: (String, i64, Option<String>) = row.read().unwrap();
        assert_eq!(tuple, ("a\"b".to_owned(), -7, None));
        assert!(matches!(JsonRow::parse("[1]"), Err(Fault::Row(_))));
    }

    #[test]
    fn rows_to_insert_are_numbered_through() {
        let mut insert = QueryBuilder::new("INSERT INTO a (b, c) ");
        insert.push_values([1_i64, 2], |mut row, n| {
            row.push_bind(n).push_bind("x");
        });
        let Query { statement, .. } = insert.build();
        assert_eq!(statement.sql, "INSERT INTO a (b, c) VALUES ($1, $2), ($3, $4)");
        assert_eq!(statement.values.len(), 4);
    }
}
