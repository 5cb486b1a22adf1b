//! What a decision may do to the state: data, so that it can be tested without a database.

use crate::self_serve_policy::{PolicyId, SelfServePolicy};

/// One change; the store has one statement for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The permission is on.
    SelfServePolicyGranted(SelfServePolicy),
    /// The permission covers something else.
    SelfServePolicyReplaced(SelfServePolicy),
    /// The permission is off.
    SelfServePolicyRevoked(PolicyId),
}
