//! Who has which role where, in a customer's directory.

use jiff::Timestamp;

use crate::activity::{RecordDraft, Snapshot};
use crate::actor::Grant;
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::change::Change;
use crate::ids::{PrincipalId, RoleAssignmentId, RoleDefinitionId};
use crate::operation::{self, Operation};
use crate::refusal::Refusal;
use crate::role::Permissions;

/// What a role can be given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalType {
    /// A person.
    User,
    /// A group of the directory itself.
    Group,
    /// An application.
    ServicePrincipal,
    /// A group of another directory: the partner's Admin agents.
    ForeignGroup,
}

impl PrincipalType {
    /// All, in the order of messages.
    pub const ALL: [Self; 4] = [Self::User, Self::Group, Self::ServicePrincipal, Self::ForeignGroup];

    /// The name on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
            Self::ForeignGroup => "ForeignGroup",
        }
    }

    /// Reads a name, ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// A role that someone has somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// Its identifier.
    pub id: RoleAssignmentId,
    /// Who has the role.
    pub principal: PrincipalId,
    /// What that is.
    pub principal_type: PrincipalType,
    /// The role.
    pub role: RoleDefinitionId,
    /// Where; it holds there and below.
    pub scope: ArmScope,
    /// Why, in the words of whoever gave it.
    pub description: Option<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// By whom: an object id, or `world` for what was there from the beginning.
    pub created_by: String,
}

impl RoleAssignment {
    fn snapshot(&self) -> Snapshot {
        Snapshot::Object(vec![
            ("Id", Snapshot::text(self.id)),
            ("PrincipalId", Snapshot::text(self.principal)),
            ("PrincipalType", Snapshot::text(self.principal_type.name())),
            ("RoleDefinitionId", Snapshot::text(self.role)),
            ("Scope", Snapshot::text(&self.scope)),
            ("Description", Snapshot::optional(self.description.as_ref())),
        ])
    }
}

/// Gives a role to someone.
#[derive(Debug, Clone)]
pub struct AssignRole {
    /// The assignment's identifier, chosen by the caller.
    pub id: RoleAssignmentId,
    /// Where.
    pub scope: ArmScope,
    /// To whom.
    pub principal: PrincipalId,
    /// What the caller takes the principal for, if it says.
    pub principal_type: Option<PrincipalType>,
    /// Which role.
    pub role: RoleDefinitionId,
    /// Why.
    pub description: Option<String>,
}

/// What giving a role depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignState {
    /// Whether the scope is there.
    pub scope_exists: bool,
    /// The assignment of that identifier.
    pub same_id: Option<RoleAssignment>,
    /// The assignment of the same role to the same principal at the same scope.
    pub same_content: Option<RoleAssignmentId>,
    /// What the principal is: in the customer's directory, or an agent or the Admin agents' group of one of its partners.
    pub principal: Option<PrincipalType>,
    /// Where the role may be given; `None` when there is no such role.
    pub assignable_scopes: Option<Vec<ArmScope>>,
}

impl Action for AssignRole {
    const OPERATION: Operation = operation::ASSIGN_ROLE;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Command for AssignRole {
    type State = AssignState;
    /// The assignment, and whether it is new.
    type Receipt = (RoleAssignment, bool);

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: AssignState,
        now: Timestamp,
    ) -> Result<Decision<(RoleAssignment, bool)>, Refusal> {
        if !state.scope_exists {
            return Err(Refusal::ScopeNotFound { scope: self.scope.clone() });
        }
        let scopes = state.assignable_scopes.ok_or(Refusal::RoleNotFound { id: self.role })?;
        let found = state.principal.ok_or(Refusal::PrincipalNotFound { id: self.principal })?;
        if let Some(claimed) = self.principal_type.filter(|claimed| *claimed != found) {
            return Err(Refusal::PrincipalTypeMismatch { id: self.principal, found, claimed });
        }
        if !scopes.iter().any(|scope| scope.covers(&self.scope, permit.directory())) {
            return Err(Refusal::RoleNotAssignableHere { id: self.role, scope: self.scope.clone() });
        }
        let old = state.same_id;
        let assignment = RoleAssignment {
            id: self.id,
            principal: self.principal,
            principal_type: found,
            role: self.role,
            scope: self.scope.clone(),
            description: self.description.clone(),
            created_at: old.as_ref().map_or(now, |o| o.created_at),
            created_by: old.as_ref().map_or_else(|| permit.actor().principal.to_string(), |o| o.created_by.clone()),
        };
        if let Some(old) = &old {
            let same = (old.principal, old.role, old.scope.key()) == (self.principal, self.role, self.scope.key());
            if !same {
                return Err(Refusal::RoleAssignmentFixed { id: self.id });
            }
            if old.description == self.description {
                return Ok(Decision::unchanged((old.clone(), false)));
            }
        } else if let Some(id) = state.same_content {
            return Err(Refusal::RoleAssignmentExists { id });
        }
        let record = RecordDraft {
            subject: self.subject(),
            old: old.as_ref().map(RoleAssignment::snapshot),
            new: Some(assignment.snapshot()),
            details: Vec::new(),
        };
        let is_new = old.is_none();
        let change = if is_new { Change::RoleAssigned } else { Change::RoleAssignmentDescribed };
        Ok(Decision::changed((assignment.clone(), is_new), vec![change(assignment)], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// Takes a role away.
#[derive(Debug, Clone)]
pub struct RemoveRoleAssignment {
    /// Where it was given.
    pub scope: ArmScope,
    /// Which assignment.
    pub id: RoleAssignmentId,
}

impl Action for RemoveRoleAssignment {
    const OPERATION: Operation = operation::REMOVE_ROLE_ASSIGNMENT;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Command for RemoveRoleAssignment {
    /// The assignment of that identifier at that scope.
    type State = Option<RoleAssignment>;
    /// What was taken away; `None` when there was nothing.
    type Receipt = Option<RoleAssignment>;

    fn decide(
        &self,
        _permit: &Permit<Self>,
        existing: Self::State,
        _now: Timestamp,
    ) -> Result<Decision<Option<RoleAssignment>>, Refusal> {
        let Some(old) = existing else {
            return Ok(Decision::unchanged(None));
        };
        let record = RecordDraft { subject: self.subject(), old: Some(old.snapshot()), new: None, details: Vec::new() };
        let change = Change::RoleAssignmentRemoved(old.id);
        Ok(Decision::changed(Some(old), vec![change], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// Which assignments a list holds, seen from its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// At the scope and above.
    AtScope,
    /// At the scope, above and below.
    All,
}

/// Whose assignments a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Everybody's.
    Anyone,
    /// Those given to this principal itself.
    Principal(PrincipalId),
    /// Those that count for this principal, groups included.
    CountingFor(PrincipalId),
}

/// The role assignments seen from a scope.
#[derive(Debug, Clone)]
pub struct ListRoleAssignments {
    /// From where.
    pub scope: ArmScope,
    /// How far.
    pub reach: Reach,
    /// Whose.
    pub holder: Holder,
}

impl Action for ListRoleAssignments {
    const OPERATION: Operation = operation::LIST_ROLE_ASSIGNMENTS;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Query for ListRoleAssignments {
    type Answer = Vec<RoleAssignment>;
}

impl ListRoleAssignments {
    /// Whether an assignment belongs on the list; `counting` are the principals that [`Holder::CountingFor`] stands for.
    pub fn shows(&self, permit: &Permit<Self>, counting: &[PrincipalId], assignment: &RoleAssignment) -> bool {
        let directory = permit.directory();
        let above = assignment.scope.covers(&self.scope, directory);
        let below = self.reach == Reach::All && self.scope.covers(&assignment.scope, directory);
        let holds = match self.holder {
            Holder::Anyone => true,
            Holder::Principal(id) => assignment.principal == id,
            Holder::CountingFor(_) => counting.contains(&assignment.principal),
        };
        holds && (above || below)
    }
}

/// One role assignment.
#[derive(Debug, Clone)]
pub struct GetRoleAssignment {
    /// Where it was given.
    pub scope: ArmScope,
    /// Which.
    pub id: RoleAssignmentId,
}

impl Action for GetRoleAssignment {
    const OPERATION: Operation = operation::READ_ROLE_ASSIGNMENT;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Query for GetRoleAssignment {
    type Answer = Option<RoleAssignment>;
}

/// What the actor may do at a scope.
#[derive(Debug, Clone)]
pub struct ListPermissions {
    /// Where.
    pub scope: ArmScope,
}

impl Action for ListPermissions {
    const OPERATION: Operation = operation::LIST_PERMISSIONS;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Query for ListPermissions {
    type Answer = Vec<Permissions>;
}

/// A role assignment with the names of what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAssignment {
    /// The assignment.
    pub assignment: RoleAssignment,
    /// Who has the role: name and, for a user, the user's principal name. None for what belongs to another directory.
    pub holder: Option<(String, Option<String>)>,
    /// The name of a custom role; none for a built-in one.
    pub custom_role: Option<String>,
}

/// Who has which role at a scope, directly or inherited, by name.
#[derive(Debug, Clone)]
pub struct ListAccess {
    /// Where.
    pub scope: ArmScope,
}

impl Action for ListAccess {
    const OPERATION: Operation = operation::LIST_ROLE_ASSIGNMENTS;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Query for ListAccess {
    type Answer = Vec<NamedAssignment>;
}

/// The roles that the actor holds in the directory, with where they were given.
#[derive(Debug, Clone)]
pub struct ListOwnRoles;

impl Action for ListOwnRoles {
    const OPERATION: Operation = operation::LIST_PERMISSIONS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

impl Query for ListOwnRoles {
    type Answer = Vec<Grant>;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::SubscriptionId;
    use crate::role::{OWNER, READER};
    use crate::testing::{self, outcome};

    const OLLE: PrincipalId = PrincipalId(Uuid::from_u128(0x011e));

    fn subscription() -> ArmScope {
        ArmScope::Subscription(SubscriptionId(Uuid::from_u128(0x33)))
    }

    fn command() -> AssignRole {
        AssignRole {
            id: RoleAssignmentId(Uuid::from_u128(1)),
            scope: subscription(),
            principal: OLLE,
            principal_type: None,
            role: OWNER,
            description: None,
        }
    }

    fn given() -> RoleAssignment {
        RoleAssignment {
            id: RoleAssignmentId(Uuid::from_u128(1)),
            principal: OLLE,
            principal_type: PrincipalType::User,
            role: OWNER,
            scope: subscription(),
            description: None,
            created_at: testing::now(),
            created_by: "world".to_owned(),
        }
    }

    fn state() -> AssignState {
        AssignState {
            scope_exists: true,
            same_id: None,
            same_content: None,
            principal: Some(PrincipalType::User),
            assignable_scopes: Some(vec![ArmScope::Root]),
        }
    }

    fn assigned(command: &AssignRole, state: AssignState) -> String {
        let permit = testing::permit_partner_with(command, &[(OWNER, subscription())]);
        outcome(&command.decide(&permit, state, testing::now()), |d| {
            format!("{} changes, new {}", d.changes.len(), d.receipt.1)
        })
    }

    #[test]
    fn a_role_is_given_once_to_someone_who_exists() {
        let done = "1 changes, new true";
        assert_eq!(assigned(&command(), state()), done);
        for (state, expected) in [
            (AssignState { scope_exists: false, ..state() }, "there is nothing at"),
            (AssignState { assignable_scopes: None, ..state() }, "there is no role definition"),
            (AssignState { principal: None, ..state() }, "there is no principal"),
            (AssignState { assignable_scopes: Some(vec![ArmScope::Capacity]), ..state() }, "cannot be given at"),
            (AssignState { same_content: Some(RoleAssignmentId(Uuid::from_u128(2))), ..state() }, "already"),
            (AssignState { same_id: Some(given()), ..state() }, "0 changes, new false"),
            (AssignState { same_id: Some(RoleAssignment { role: READER, ..given() }), ..state() }, "cannot be changed"),
        ] {
            let shown = assigned(&command(), state);
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
        let claimed = AssignRole { principal_type: Some(PrincipalType::Group), ..command() };
        assert!(assigned(&claimed, state()).contains("is a User, not a Group"));
        let described = AssignRole { description: Some("for the autumn".to_owned()), ..command() };
        assert_eq!(assigned(&described, AssignState { same_id: Some(given()), ..state() }), "1 changes, new false");
    }

    #[test]
    fn a_list_reaches_up_and_down_as_asked() {
        let group = ArmScope::ResourceGroup(SubscriptionId(Uuid::from_u128(0x33)), "App".to_owned());
        for (scope, reach, shown) in [
            (ArmScope::Root, Reach::AtScope, true),
            (subscription(), Reach::AtScope, true),
            (group.clone(), Reach::AtScope, false),
            (group, Reach::All, true),
            (ArmScope::Capacity, Reach::All, false),
        ] {
            let list = ListRoleAssignments { scope: subscription(), reach, holder: Holder::CountingFor(OLLE) };
            let permit = testing::permit_partner_with(&list, &[(OWNER, subscription())]);
            let assignment = RoleAssignment { scope, ..given() };
            assert_eq!(list.shows(&permit, &[OLLE], &assignment), shown, "{} {reach:?}", assignment.scope);
            assert!(!list.shows(&permit, &[], &assignment));
        }
    }
}
