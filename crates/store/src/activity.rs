//! The activity log: one row for each write, in the same transaction.

use fullmakt_domain::activity::{Outcome, RecordDraft, RequestContext, Snapshot};
use fullmakt_domain::actor::Actor;
use fullmakt_domain::authz::{Facts, Permit};
use fullmakt_domain::operation::Operation;
use serde_json::Value;

use crate::db::{Tx, on};
use crate::facts::Root;
use crate::row::{Fault, micros};

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
            .bind(self.facts.customer.map(|c| c.to_string()))
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
