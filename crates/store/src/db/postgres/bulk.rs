//! What several writes add, as one statement whose text does not depend on how many they are: a list of values for each column.

use sqlx::Arguments;
use sqlx::postgres::PgArguments;

use crate::db::Seen;
use crate::facts::Root;
use crate::statement::{Statement, Value};

/// A write that only adds rows, and the revision it rests on.
pub(crate) struct Addition {
    root: &'static str,
    id: String,
    seen: i64,
    inserts: Vec<Insert>,
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Insert {
    /// `INSERT INTO … (…)`
    head: String,
    /// What follows the rows.
    tail: String,
    columns: Vec<Column>,
}

/// The values of one column, a value for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
}

impl Column {
    fn of(value: Value) -> Self {
        match value {
            Value::Int(number) => Self::Int(vec![number]),
            Value::Text(text) => Self::Text(vec![text]),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "BIGINT",
            Self::Text(_) => "TEXT",
        }
    }

    /// The values of both, one after the other; `None` where they are not of one kind.
    fn and(&mut self, other: Self) -> Option<()> {
        match (self, other) {
            (Self::Int(own), Self::Int(others)) => own.extend(others),
            (Self::Text(own), Self::Text(others)) => own.extend(others),
            _ => return None,
        }
        Some(())
    }
}

impl Addition {
    /// `None` where a statement does more than to add rows of given values.
    pub(crate) fn of(seen: &Seen, rows: Vec<Statement>) -> Option<Self> {
        let mut inserts: Vec<Insert> = Vec::with_capacity(rows.len());
        for row in rows {
            add(&mut inserts, Insert::of(row)?)?;
        }
        let root = match seen.root {
            Root::Customer(_) => "customer",
            Root::Partner(_) => "partner",
        };
        Some(Self { root, id: seen.root.id(), seen: seen.revision, inserts })
    }

    /// Whether two can be one statement: it changes a table of roots, and a row of it once.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        self.root == other.root && self.id != other.id
    }
}

/// Adds rows to those of the same table and kind.
fn add(inserts: &mut Vec<Insert>, insert: Insert) -> Option<()> {
    let same = |one: &&mut Insert| {
        one.head == insert.head && one.tail == insert.tail && one.columns.len() == insert.columns.len()
    };
    match inserts.iter_mut().find(same) {
        Some(one) => one.columns.iter_mut().zip(insert.columns).try_for_each(|(own, others)| own.and(others)),
        None => {
            inserts.push(insert);
            Some(())
        }
    }
}

impl Insert {
    /// Takes `INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)` apart.
    fn of(statement: Statement) -> Option<Self> {
        let (head, rows) = statement.sql.split_once("VALUES")?;
        let mut columns: Vec<Column> = Vec::new();
        let mut values = statement.values.into_iter();
        let mut rest = rows.trim_start();
        let mut number = 0_usize;
        for row in 0.. {
            let (names, after) = rest.strip_prefix('(')?.split_once(')')?;
            for (index, name) in names.split(',').enumerate() {
                number = number.checked_add(1)?;
                if name.trim().strip_prefix('$')?.parse() != Ok(number) {
                    return None;
                }
                let column = Column::of(values.next()?);
                match columns.get_mut(index) {
                    Some(own) if row > 0 => own.and(column)?,
                    None if row == 0 => columns.push(column),
                    _ => return None,
                }
            }
            rest = after.trim_start();
            match rest.strip_prefix(',') {
                Some(more) => rest = more.trim_start(),
                None => break,
            }
        }
        Some(Self { head: head.trim().to_owned(), tail: rest.trim().to_owned(), columns })
    }
}

/// The statement that makes several additions, or none of them where any of them rests on a revision that is no longer there.
/// Then it divides by zero, for which SQL has no better word.
pub(super) struct Bulk {
    sql: String,
    columns: Vec<Column>,
    count: i64,
}

impl Bulk {
    /// `None` where there is nothing to make, or columns do not fit.
    pub(super) fn of<'a>(additions: impl IntoIterator<Item = &'a Addition>) -> Option<Self> {
        let mut additions: Vec<&Addition> = additions.into_iter().collect();
        // Whoever else changes several of these rows takes their locks in the same order.
        additions.sort_by(|a, b| a.id.cmp(&b.id));
        let root = additions.first()?.root;
        let mut inserts = Vec::new();
        for insert in additions.iter().flat_map(|addition| &addition.inserts) {
            add(&mut inserts, insert.clone())?;
        }
        // One text for one set of tables, whoever comes first.
        inserts.sort_by(|a, b| (&a.head, &a.tail).cmp(&(&b.head, &b.tail)));
        let roots = vec![
            Column::Text(additions.iter().map(|addition| Some(addition.id.clone())).collect()),
            Column::Int(additions.iter().map(|addition| Some(addition.seen)).collect()),
        ];
        let mut taken = 0;
        let mut sql = format!(
            "WITH moved AS (UPDATE {root} r SET revision = r.revision + 1 FROM {} AS s (id, seen)
             WHERE r.{root}_id = s.id AND r.revision = s.seen RETURNING r.revision)",
            lists(&roots, &mut taken)
        );
        for (index, insert) in inserts.iter().enumerate() {
            let Insert { head, tail, columns } = insert;
            let rows = lists(columns, &mut taken);
            sql.push_str(&format!(", added{index} AS ({head} SELECT * FROM {rows} {tail})"));
        }
        sql.push_str(&format!(
            " SELECT CAST(1 / CASE count(*) WHEN ${} THEN 1 ELSE 0 END AS BIGINT) FROM moved",
            taken + 1
        ));
        let columns = roots.into_iter().chain(inserts.into_iter().flat_map(|insert| insert.columns)).collect();
        Some(Self { sql, columns, count: i64::try_from(additions.len()).ok()? })
    }

    /// The text, and what stands for its `$1`.
    pub(super) fn text_and_arguments(self) -> Result<(String, PgArguments), sqlx::Error> {
        let mut arguments = PgArguments::default();
        for column in self.columns {
            let added = match column {
                Column::Int(numbers) => arguments.add(numbers),
                Column::Text(texts) => arguments.add(texts),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        arguments.add(self.count).map_err(sqlx::Error::Encode)?;
        Ok((self.sql, arguments))
    }
}

/// Columns as a table.
fn lists(columns: &[Column], taken: &mut usize) -> String {
    let lists = columns.iter().map(|column| {
        *taken += 1;
        format!("${taken}::{}[]", column.kind())
    });
    format!("unnest({})", lists.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::query;
    use fullmakt_domain::ids::CustomerId;
    use uuid::Uuid;

    fn addition(customer: u128, rows: Vec<Statement>) -> Option<Addition> {
        Addition::of(&Seen { root: Root::Customer(CustomerId(Uuid::from_u128(customer))), revision: 7 }, rows)
    }

    fn row(a: &str, b: i64) -> Statement {
        query("INSERT INTO t (a, b)\n VALUES ($1, $2)").bind(a).bind(b).question()
    }

    #[test]
    fn the_text_is_the_same_for_any_number_of_rows() {
        let two =
            query("INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)").bind("x").bind(1).bind("y").bind(2).question();
        let kept = query("INSERT INTO u (c) VALUES ($1) ON CONFLICT (c) DO NOTHING").bind(3).question();
        let one = Bulk::of([&addition(1, vec![row("x", 1), kept.clone()]).unwrap()]).unwrap();
        let three = [addition(2, vec![kept, two]).unwrap(), addition(1, vec![row("z", 3)]).unwrap()];
        let three = Bulk::of(&three).unwrap();
        assert_eq!(one.sql, three.sql);
        assert!(one.sql.contains("(INSERT INTO u (c) SELECT * FROM unnest($5::BIGINT[]) ON CONFLICT (c) DO NOTHING)"));
        assert_eq!((one.count, three.count), (1, 2));
        let texts = ["z", "x", "y"].map(|text| Some(text.to_owned())).to_vec();
        assert_eq!(three.columns[2..4], [Column::Text(texts), Column::Int(vec![Some(3), Some(1), Some(2)])]);
    }

    #[test]
    fn what_is_more_than_given_values_is_no_addition() {
        for sql in
            ["INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a, b) VALUES ($2, $1)", "DELETE FROM t", "INSERT INTO t"]
        {
            let statement = query(sql).bind(1).bind(2).question();
            assert!(addition(1, vec![statement]).is_none(), "{sql}");
        }
        assert!(!addition(1, Vec::new()).unwrap().goes_with(&addition(1, Vec::new()).unwrap()));
        assert!(Bulk::of([]).is_none());
    }
}
