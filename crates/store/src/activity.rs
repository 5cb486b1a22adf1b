//! The activity log: one row for each write, in the same transaction.

use fullmakt_domain::activity::{
    ActivityKey, ActivityPage, ActivityRecord, ListActivity, Outcome, RecordDraft, RequestContext, Snapshot,
};
use fullmakt_domain::actor::Actor;
use fullmakt_domain::authz::{Facts, Permit};
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::operation::{CREATE_CUSTOMER, Operation};
use serde_json::Value;

use crate::db::{Tx, on};
use crate::door::Answer;
use crate::facts::Root;
use crate::row::{Fault, instant, known, micros, parsed, parsed_optional};

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
        on!(tx, conn => sqlx::query(
            "INSERT INTO activity_record
               (root_id, sequence, at, partner_id, customer_id, operation, outcome, actor_id, actor_name,
                application_id, correlation_id, subject, old_value, new_value, details, message)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)")
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
            .execute(conn).await.map(drop))?;
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
const SCAN_MAX: usize = 20_000;

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
        let (mut records, mut scanned) = (Vec::new(), 0_usize);
        loop {
            let rows = batch(self, permit, &place, tx).await?;
            let last_batch = rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
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

/// All of a customer's log that concerns a partner, in its own order.
pub(crate) async fn of_customer(
    customer: CustomerId,
    partner: PartnerId,
    tx: &mut Tx<'_>,
) -> Result<Vec<ActivityRecord>, Fault> {
    let rows: Vec<ActivityRow> = on!(tx, conn => sqlx::query_as(
        "SELECT a.root_id, a.sequence, a.at, a.partner_id, a.customer_id, t.name AS customer_name, a.operation,
                a.outcome, a.actor_id, a.actor_name, a.application_id, a.correlation_id, a.subject, a.old_value,
                a.new_value, a.details, a.message
         FROM activity_record a LEFT JOIN tenant t ON t.tenant_id = a.customer_id
         WHERE a.root_id = $1 AND a.partner_id = $2 ORDER BY a.sequence")
        .bind(customer.to_string()).bind(partner.to_string()).fetch_all(conn).await)?;
    rows.into_iter().map(ActivityRow::read).collect()
}

/// The next rows of the partner's log, or of a customer's part of it.
async fn batch(
    query: &ListActivity,
    permit: &Permit<ListActivity>,
    after: &ActivityKey,
    tx: &mut Tx<'_>,
) -> Result<Vec<ActivityRow>, Fault> {
    let (partner, from, at) = (permit.partner().to_string(), micros(query.from), micros(after.at));
    let rows = match query.customer {
        None => on!(tx, conn => sqlx::query_as(
                "SELECT a.root_id, a.sequence, a.at, a.partner_id, a.customer_id, t.name AS customer_name, a.operation,
                        a.outcome, a.actor_id, a.actor_name, a.application_id, a.correlation_id, a.subject, a.old_value,
                        a.new_value, a.details, a.message
                 FROM activity_record a LEFT JOIN tenant t ON t.tenant_id = a.customer_id
                 WHERE a.partner_id = $1 AND a.at >= $2 AND (a.at, a.root_id, a.sequence) < ($3, $4, $5)
                 ORDER BY a.at DESC, a.root_id DESC, a.sequence DESC LIMIT $6")
                .bind(partner).bind(from).bind(at).bind(&after.root).bind(after.sequence).bind(BATCH)
                .fetch_all(conn).await)?,
        Some(customer) => on!(tx, conn => sqlx::query_as(
                "SELECT a.root_id, a.sequence, a.at, a.partner_id, a.customer_id, t.name AS customer_name, a.operation,
                        a.outcome, a.actor_id, a.actor_name, a.application_id, a.correlation_id, a.subject, a.old_value,
                        a.new_value, a.details, a.message
                 FROM activity_record a LEFT JOIN tenant t ON t.tenant_id = a.customer_id
                 WHERE a.partner_id = $1 AND a.at >= $2 AND (a.at, a.root_id, a.sequence) < ($3, $4, $5)
                   AND a.customer_id = $7
                 ORDER BY a.at DESC, a.root_id DESC, a.sequence DESC LIMIT $6")
                .bind(partner).bind(from).bind(at).bind(&after.root).bind(after.sequence).bind(BATCH)
                .bind(customer.to_string())
                .fetch_all(conn).await)?,
    };
    Ok(rows)
}
