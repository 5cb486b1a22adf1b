//! The activity log: what was done, by whom, to what.

use jiff::Timestamp;

use crate::authz::{Action, Query, Target};
use crate::ids::{ClientId, CorrelationId, CustomerId, PartnerId, PrincipalId};
use crate::operation::{self, Operation};

/// A resource as it stood before or after a write, as a tree of named values. The names are the log's own format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snapshot {
    /// Nothing there.
    Null,
    /// A text; amounts and quantities are texts too, so that no digit is lost.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several of a kind.
    List(Vec<Snapshot>),
    /// Named values, in order.
    Object(Vec<(&'static str, Snapshot)>),
}

impl Snapshot {
    /// A text from anything that can be shown.
    pub fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// A text, or nothing.
    pub fn optional(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Null, |v| Self::Text(v.to_string()))
    }
}

/// What a decision says of itself; the store adds who, when and the number in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordDraft {
    /// What was changed: the resource's identifier.
    pub subject: String,
    /// Before.
    pub old: Option<Snapshot>,
    /// After.
    pub new: Option<Snapshot>,
    /// Further named values, in order.
    pub details: Vec<(String, String)>,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Succeeded,
    /// It was refused; nothing changed.
    Failed,
}

impl Outcome {
    /// The word the log stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// What a request carries for the log: the identifiers its caller gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestContext {
    /// When the request was taken in.
    pub now: Timestamp,
    /// The caller's correlation identifier, or one made for it.
    pub correlation: CorrelationId,
}

/// One row of the activity log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRecord {
    /// The row's number in the log of its customer (or partner, where no customer is concerned): 1, 2, 3 ...
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// The partner concerned, which may read the row.
    pub partner: Option<PartnerId>,
    /// The customer concerned.
    pub customer: Option<CustomerId>,
    /// The customer's name when the row is read.
    pub customer_name: Option<String>,
    /// The operation's name, `create_self_serve_policy`.
    pub operation: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Who: the object id.
    pub actor: PrincipalId,
    /// Who: the user's principal name or the application's name.
    pub actor_name: String,
    /// With which application.
    pub application: Option<ClientId>,
    /// The request's correlation identifier.
    pub correlation: CorrelationId,
    /// The identifier of what was changed.
    pub subject: String,
    /// Before, as JSON text.
    pub old: Option<String>,
    /// After, as JSON text.
    pub new: Option<String>,
    /// Further named values.
    pub details: Vec<(String, String)>,
    /// Why it was refused.
    pub message: Option<String>,
}

/// A place in the activity log of a partner: instant, root and number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityKey {
    /// When.
    pub at: Timestamp,
    /// The customer or partner in whose log the row stands.
    pub root: String,
    /// The row's number there.
    pub sequence: i64,
}

/// The activity log of the actor's partner, newest first.
#[derive(Debug, Clone)]
pub struct ListActivity {
    /// The first instant that counts.
    pub from: Timestamp,
    /// The first instant that no longer counts.
    pub until: Timestamp,
    /// Only what concerns this customer.
    pub customer: Option<CustomerId>,
    /// Only what concerns customers with this in their name; lower case.
    pub customer_name: Option<String>,
    /// Only what was done by someone of this name.
    pub actor_name: Option<String>,
    /// Only these operations.
    pub operations: Option<Vec<&'static str>>,
    /// Only what stands behind this place, which is older.
    pub after: Option<ActivityKey>,
    /// How many rows at most.
    pub size: u32,
}

impl Action for ListActivity {
    const OPERATION: Operation = operation::READ_ACTIVITY;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for ListActivity {
    type Answer = ActivityPage;
}

/// A page of the activity log. A search that finds little may give a page with fewer rows, and a place to go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityPage {
    /// The rows.
    pub records: Vec<ActivityRecord>,
    /// Where the next page starts, when there may be one.
    pub next: Option<ActivityKey>,
}
