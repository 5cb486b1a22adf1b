//! What a decision may do to the state: data, so that it can be tested without a database.

use crate::ids::{RoleAssignmentId, RoleDefinitionId};
use crate::role_assignment::RoleAssignment;
use crate::role_definition::RoleDefinition;
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
    /// Someone has a role.
    RoleAssigned(RoleAssignment),
    /// Why someone has a role was written down anew.
    RoleAssignmentDescribed(RoleAssignment),
    /// Someone has a role no longer.
    RoleAssignmentRemoved(RoleAssignmentId),
    /// There is a custom role of this content.
    RoleDefinitionSaved(RoleDefinition),
    /// There is no such custom role any more.
    RoleDefinitionRemoved(RoleDefinitionId),
}
