//! The activity log: one row for each write, in the same transaction.

use fullmakt_domain::activity::{
    ActivityKey, ActivityPage, ActivityRecord, ListActivity, Outcome, RecordDraft, RequestContext, Snapshot,
};
use fullmakt_domain::actor::Actor;
use fullmakt_domain::authz::{Facts, Permit};
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::operation::{CREATE_CUSTOMER, Operation};
use serde_json::Value;

use crate::db::Tx;
use crate::door::Answer;
use crate::facts::Root;
use crate::row::{Fault, instant, known, micros, parsed, parsed_optional};
use crate::statement::{query, query_as};

/// What every record of a write has in common.
pub(crate) struct Entry<'e> {
    actor: &'e Actor,
    facts: &'e Facts,
    operation: Operation,
    root: &'e Root,
    sequence: i64,
    request: &'e RequestContext,
}

impl<'e> Entry<'e> {
    pub(crate) fn new<A>(
        permit: &'e Permit<A>,
        operation: Operation,
        root: &'e Root,
        sequence: i64,
        request: &'e RequestContext,
    ) -> Self {
        Self { actor: permit.actor(), facts: permit.facts(), operation, root, sequence, request }
    }

    pub(crate) async fn write(
        &self,
        outcome: Outcome,
        draft: &RecordDraft,
        message: Option<&str>,
        tx: &mut Tx<'_>,
    ) -> Result<(), Fault> {
        // Nothing is known of a customer before it comes to be; its record is about it all the same.
        let came_to_be = self.operation == CREATE_CUSTOMER && outcome == Outcome::Succeeded;
        let customer = self.facts.customer.map(|c| c.to_string()).or_else(|| came_to_be.then(|| draft.subject.clone()));
        let details: Vec<[&str; 2]> = draft.details.iter().map(|(k, v)| [k.as_str(), v.as_str()]).collect();
        let details = serde_json::to_string(&details).unwrap_or_else(|_| "[]".to_owned());
        query(
            "INSERT INTO activity_record
               (root_id, sequence, at, partner_id, customer_id, operation, outcome, actor_id, actor_name,
                application_id, correlation_id, subject, old_value, new_value, details, message)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(self.root.id())
        .bind(self.sequence)
        .bind(micros(self.request.now))
        .bind(self.facts.partner.map(|p| p.to_string()))
        .bind(customer)
        .bind(self.operation.name)
        .bind(outcome.name())
        .bind(self.actor.principal.to_string())
        .bind(&self.actor.name)
        .bind(self.actor.application.map(|a| a.to_string()))
        .bind(self.request.correlation.to_string())
        .bind(&draft.subject)
        .bind(draft.old.as_ref().map(json_text))
        .bind(draft.new.as_ref().map(json_text))
        .bind(&details)
        .bind(message)
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn json_text(snapshot: &Snapshot) -> String {
    json(snapshot).to_string()
}

fn json(snapshot: &Snapshot) -> Value {
    match snapshot {
        Snapshot::Null => Value::Null,
        Snapshot::Text(text) => Value::String(text.clone()),
        Snapshot::Number(number) => Value::from(*number),
        Snapshot::Flag(flag) => Value::Bool(*flag),
        Snapshot::List(items) => Value::Array(items.iter().map(json).collect()),
        Snapshot::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), json(value))).collect())
        }
    }
}

/// Rows that one statement reads.
const BATCH: i64 = 500;
/// Rows that one page may look at; a search that finds less goes on with the next page.
const SCAN_MAX: usize = 5_000;

#[derive(serde::Deserialize)]
struct ActivityRow {
    root_id: String,
    sequence: i64,
    at: i64,
    partner_id: Option<String>,
    customer_id: Option<String>,
    customer_name: Option<String>,
    operation: String,
    outcome: String,
    actor_id: String,
    actor_name: String,
    application_id: Option<String>,
    correlation_id: String,
    subject: String,
    old_value: Option<String>,
    new_value: Option<String>,
    details: String,
    message: Option<String>,
}

impl ActivityRow {
    fn key(&self) -> Result<ActivityKey, Fault> {
        Ok(ActivityKey { at: instant(self.at)?, root: self.root_id.clone(), sequence: self.sequence })
    }

    fn is_wanted(&self, query: &ListActivity) -> bool {
        let name = |part: &String| self.customer_name.as_ref().is_some_and(|name| name.to_lowercase().contains(part));
        query.operations.as_ref().is_none_or(|operations| operations.contains(&self.operation.as_str()))
            && query.customer_name.as_ref().is_none_or(name)
            && query.actor_name.as_ref().is_none_or(|actor| *actor == self.actor_name)
    }

    fn read(self) -> Result<ActivityRecord, Fault> {
        let details: Vec<(String, String)> = serde_json::from_str(&self.details)
            .map_err(|_| Fault::Damaged { what: "details of an activity record", value: self.details.clone() })?;
        let outcome = match self.outcome.as_str() {
            "succeeded" => Some(Outcome::Succeeded),
            "failed" => Some(Outcome::Failed),
            _ => None,
        };
        Ok(ActivityRecord {
            sequence: self.sequence,
            at: instant(self.at)?,
            partner: parsed_optional("partner id", self.partner_id.as_deref())?,
            customer: parsed_optional("customer id", self.customer_id.as_deref())?,
            customer_name: self.customer_name,
            operation: self.operation,
            outcome: known("outcome", &self.outcome, outcome)?,
            actor: parsed("principal id", &self.actor_id)?,
            actor_name: self.actor_name,
            application: parsed_optional("client id", self.application_id.as_deref())?,
            correlation: parsed("correlation id", &self.correlation_id)?,
            subject: self.subject,
            old: self.old_value,
            new: self.new_value,
            details,
            message: self.message,
        })
    }
}

impl Answer for ListActivity {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ActivityPage, Fault> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let start = ActivityKey { at: self.until, root: String::new(), sequence: 0 };
        let mut place = self.after.clone().filter(|key| key.at < self.until).unwrap_or(start);
        let walk = Walk::of(self);
        // One more than the page has tells whether there is another page.
        let exact = walk.is_all_of(self);
        let count = if exact { i64::from(self.size).saturating_add(1).min(BATCH) } else { BATCH };
        let (mut records, mut scanned) = (Vec::new(), 0_usize);
        loop {
            let rows = batch(&walk, self, permit, (&place, count), tx).await?;
            let last_batch = rows.len() < usize::try_from(count).unwrap_or(usize::MAX);
            for row in rows {
                if records.len() == size {
                    return Ok(ActivityPage { records, next: Some(place) });
                }
                place = row.key()?;
                scanned = scanned.saturating_add(1);
                if row.is_wanted(self) {
                    records.push(row.read()?);
                }
            }
            if last_batch {
                return Ok(ActivityPage { records, next: None });
            }
            if scanned >= SCAN_MAX {
                return Ok(ActivityPage { records, next: Some(place) });
            }
        }
    }
}

/// The columns of records `a`, and where they are.
macro_rules! records {
    () => {
        "a.root_id, a.sequence, a.at, a.partner_id, a.customer_id, t.name AS customer_name, a.operation, a.outcome,
                a.actor_id, a.actor_name, a.application_id, a.correlation_id, a.subject, a.old_value, a.new_value, a.details,
                a.message
         FROM activity_record a LEFT JOIN tenant t ON t.tenant_id = a.customer_id"
    };
}

/// All of a customer's log that concerns a partner, in its own order.
pub(crate) async fn of_customer(
    customer: CustomerId,
    partner: PartnerId,
    tx: &mut Tx<'_>,
) -> Result<Vec<ActivityRecord>, Fault> {
    let rows: Vec<ActivityRow> =
        query_as(concat!("SELECT ", records!(), " WHERE a.root_id = $1 AND a.partner_id = $2 ORDER BY a.sequence"))
            .bind(customer.to_string())
            .bind(partner.to_string())
            .fetch_all(tx)
            .await?;
    rows.into_iter().map(ActivityRow::read).collect()
}

/// Which index a search walks along; what else it asks for is looked at row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Walk {
    All,
    Customer(String),
    Operation(&'static str),
    Actor(String),
}

impl Walk {
    fn of(query: &ListActivity) -> Self {
        match (query.customer, query.operations.as_deref(), &query.actor_name) {
            (Some(customer), ..) => Self::Customer(customer.to_string()),
            (None, Some([operation]), _) => Self::Operation(operation),
            (None, _, Some(actor)) => Self::Actor(actor.clone()),
            (None, ..) => Self::All,
        }
    }

    /// Whether nothing else is asked for.
    fn is_all_of(&self, query: &ListActivity) -> bool {
        let asked = [
            query.customer.is_some(),
            query.operations.is_some(),
            query.actor_name.is_some(),
            query.customer_name.is_some(),
        ];
        let met = usize::from(*self != Self::All);
        asked.into_iter().filter(|asked| *asked).count() == met
    }

    /// The column that all rows share, and what it holds.
    fn column(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::All | Self::Customer(_) => None,
            Self::Operation(name) => Some(("operation", name)),
            Self::Actor(name) => Some(("actor_name", name)),
        }
    }

    /// The statement, but for a customer ([`OF_CUSTOMER`]). Newest first, from a place on.
    ///
    /// What the rows share is part of the range rather than a condition of its own: otherwise SQLite, which counts no rows,
    /// may take the narrower index of the whole log and look at every record in it.
    fn statement(&self) -> String {
        let (first, last, order) = match self.column() {
            None => ("a.at >= $2".to_owned(), "(a.at, a.root_id, a.sequence) < ($3, $4, $5)".to_owned(), String::new()),
            Some((column, _)) => (
                format!("(a.{column}, a.at) >= ($7, $2)"),
                format!("(a.{column}, a.at, a.root_id, a.sequence) < ($7, $3, $4, $5)"),
                format!("a.{column} DESC, "),
            ),
        };
        format!(
            "SELECT {} WHERE a.partner_id = $1 AND {first} AND {last}
             ORDER BY {order}a.at DESC, a.root_id DESC, a.sequence DESC LIMIT $6",
            records!()
        )
    }
}

/// The rows of a customer's log that concern a partner, the last first.
const OF_CUSTOMER: &str = concat!(
    "SELECT ",
    records!(),
    " WHERE a.root_id = $1 AND a.customer_id = $1 AND a.partner_id = $2 AND a.at >= $3 AND a.at < $4 AND a.sequence < $5
     ORDER BY a.sequence DESC LIMIT $6"
);
/// That the customer came to be, which is in the log of its partner.
const CAME_TO_BE: &str = concat!(
    "SELECT ",
    records!(),
    " JOIN customer c ON c.customer_id = a.customer_id
     WHERE c.customer_id = $1 AND a.partner_id = $2 AND a.operation = $5 AND a.at = c.created_at AND a.at >= $3 AND a.at < $4"
);

/// The next rows of a customer's log.
async fn batch_of_customer(
    customer: &str,
    query: &ListActivity,
    permit: &Permit<ListActivity>,
    (after, count): (&ActivityKey, i64),
    tx: &mut Tx<'_>,
) -> Result<Vec<ActivityRow>, Fault> {
    let partner = permit.partner().to_string();
    if after.root == partner {
        return Ok(Vec::new());
    }
    let before = if after.root == customer { after.sequence } else { i64::MAX };
    let asked = |sql| query_as(sql).bind(customer).bind(&partner).bind(micros(query.from)).bind(micros(query.until));
    let mut rows: Vec<ActivityRow> = asked(OF_CUSTOMER).bind(before).bind(count).fetch_all(tx).await?;
    if i64::try_from(rows.len()).is_ok_and(|found| found < count) {
        rows.extend(asked(CAME_TO_BE).bind(CREATE_CUSTOMER.name).fetch_optional(tx).await?);
    }
    Ok(rows)
}

/// The next rows of the partner's log, or of a part of it.
async fn batch(
    walk: &Walk,
    query: &ListActivity,
    permit: &Permit<ListActivity>,
    (after, count): (&ActivityKey, i64),
    tx: &mut Tx<'_>,
) -> Result<Vec<ActivityRow>, Fault> {
    if let Walk::Customer(customer) = walk {
        return batch_of_customer(customer, query, permit, (after, count), tx).await;
    }
    let statement = query_as(walk.statement())
        .bind(permit.partner().to_string())
        .bind(micros(query.from))
        .bind(micros(after.at))
        .bind(&after.root)
        .bind(after.sequence)
        .bind(count);
    match walk.column() {
        Some((_, value)) => statement.bind(value).fetch_all(tx).await,
        None => statement.fetch_all(tx).await,
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::operation;
    use jiff::Timestamp;

    use super::*;
    use crate::db::Store;
    use crate::testing::{ADA, CUSTOMER, PARTNER, WORLD, actor, run, stores};

    fn all() -> ListActivity {
        ListActivity {
            from: Timestamp::UNIX_EPOCH,
            until: Timestamp::from_second(1_000).unwrap(),
            customer: None,
            customer_name: None,
            actor_name: None,
            operations: None,
            after: None,
            size: 2,
        }
    }

    async fn found(store: &Store, query: ListActivity) -> Vec<i64> {
        let (mut query, mut found) = (query, Vec::new());
        loop {
            let page = store.read(&actor(ADA, PARTNER), &query).await.unwrap();
            found.extend(page.records.iter().map(|record| record.sequence));
            match page.next {
                Some(next) => query.after = Some(next),
                None => return found,
            }
        }
    }

    #[tokio::test]
    async fn r43_r45_a_search_finds_every_record_of_its_kind_once_and_no_other_partners() {
        const LOG: &str = "
            INSERT INTO activity_record
              SELECT '22222222-2222-4222-8222-222222222222', n.n, n.n * 1000000, '11111111-1111-4111-8111-111111111111',
                     CASE WHEN n.n = 6 THEN NULL ELSE '22222222-2222-4222-8222-222222222222' END,
                     CASE WHEN n.n = 4 THEN 'create_order' ELSE 'quote_price' END, 'succeeded',
                     '00000000-0000-4000-8000-0000000000a1', CASE WHEN n.n = 2 THEN 'saga' ELSE 'ada' END, NULL,
                     '00000000-0000-4000-8000-0000000000a1', 's', NULL, NULL, '[]', NULL
              FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
                    UNION ALL SELECT 6) n;
            INSERT INTO activity_record VALUES
              ('22222222-2222-4222-8222-222222222222', 7, 7000000, '11111111-1111-4111-8111-000000000000',
               '22222222-2222-4222-8222-222222222222', 'quote_price', 'succeeded',
               '00000000-0000-4000-8000-0000000000a1', 'ada', NULL, '00000000-0000-4000-8000-0000000000a1', 's', NULL,
               NULL, '[]', NULL),
              ('11111111-1111-4111-8111-111111111111', 9, 0, '11111111-1111-4111-8111-111111111111',
               '22222222-2222-4222-8222-222222222222', 'add_customer', 'succeeded',
               '00000000-0000-4000-8000-0000000000a1', 'ada', NULL, '00000000-0000-4000-8000-0000000000a1', 's', NULL,
               NULL, '[]', NULL)";
        let customer = Some(CustomerId::parse(CUSTOMER).unwrap());
        let actor_name = |name: &str| Some(name.to_owned());
        let (quoted, ordered) = (Some(vec![operation::QUOTE_PRICE.name]), Some(vec!["create_order", "quote_price"]));
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            run(&store, LOG).await;
            for (query, expected) in [
                (all(), vec![6, 5, 4, 3, 2, 1, 9]),
                // The last is how the customer came to be, of which its partner's log tells.
                (ListActivity { customer, ..all() }, vec![5, 4, 3, 2, 1, 9]),
                (ListActivity { customer, size: 3, ..all() }, vec![5, 4, 3, 2, 1, 9]),
                (ListActivity { actor_name: actor_name("saga"), ..all() }, vec![2]),
                (ListActivity { actor_name: actor_name("nobody"), ..all() }, vec![]),
                (ListActivity { operations: quoted.clone(), ..all() }, vec![6, 5, 3, 2, 1]),
                (
                    ListActivity { operations: ordered.clone(), customer_name: actor_name("exempel"), ..all() },
                    vec![5, 4, 3, 2, 1],
                ),
                (
                    ListActivity { operations: quoted.clone(), actor_name: actor_name("ada"), customer, ..all() },
                    vec![5, 3, 1],
                ),
                (ListActivity { from: Timestamp::from_second(3).unwrap(), ..all() }, vec![6, 5, 4, 3]),
            ] {
                assert_eq!(found(&store, query.clone()).await, expected, "{query:?}");
            }
        }
    }

    #[tokio::test]
    async fn every_search_of_the_log_walks_along_an_index_without_sorting() {
        for (store, directory) in stores().await {
            if directory.is_none() {
                continue;
            }
            for (walk, index) in [
                (Walk::All, "activity_record_by_partner"),
                (Walk::Customer("x".to_owned()), "sqlite_autoindex_activity_record_1"),
                (Walk::Operation("x"), "activity_record_of_operation"),
                (Walk::Actor("x".to_owned()), "activity_record_of_actor"),
            ] {
                let mut reader = store.reader().await.unwrap();
                let tx = &mut reader.tx();
                let explained = |sql: &str| query_as(format!("EXPLAIN QUERY PLAN {sql}")).bind(PARTNER);
                let explain = match walk {
                    Walk::Customer(_) => {
                        explained(OF_CUSTOMER).bind("x").bind(0_i64).bind(0_i64).bind(0_i64).bind(10_i64)
                    }
                    _ => explained(&walk.statement()).bind(0_i64).bind(0_i64).bind("x").bind(0_i64).bind(10_i64),
                };
                let explain =
                    if matches!(walk, Walk::Operation(_) | Walk::Actor(_)) { explain.bind("x") } else { explain };
                let rows: Vec<(i64, i64, i64, String)> = explain.fetch_all(tx).await.unwrap();
                let plan = rows.into_iter().map(|(_, _, _, detail)| detail).collect::<Vec<_>>().join("; ");
                assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{walk:?}: {plan}");
            }
        }
    }
}
