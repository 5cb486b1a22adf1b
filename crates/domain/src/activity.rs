//! The activity log: what was done, by whom, to what.

use jiff::Timestamp;

use crate::ids::{ClientId, CorrelationId, CustomerId, PartnerId, PrincipalId};

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
