//! Roles as they can be given: the built-in ones, and those a customer makes.

use jiff::Timestamp;

use crate::activity::{RecordDraft, Snapshot};
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::change::Change;
use crate::ids::{RoleDefinitionId, SubscriptionId};
use crate::operation::{self, Operation};
use crate::refusal::Refusal;
use crate::role::{BUILT_IN_ROLES, BuiltInRole, Permissions, built_in};

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDefinition {
    /// Its identifier.
    pub id: RoleDefinitionId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it can be given, there and below.
    pub assignable_scopes: Vec<ArmScope>,
    /// What it allows.
    pub permissions: Vec<Permissions>,
    /// Who made it and when; `None` for built-in roles.
    pub custom: Option<Authorship>,
}

/// Who made a role, who changed it last, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorship {
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom: an object id.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

impl From<&BuiltInRole> for RoleDefinition {
    fn from(role: &BuiltInRole) -> Self {
        Self {
            id: role.id,
            name: role.name.to_owned(),
            description: role.description.to_owned(),
            assignable_scopes: ArmScope::parse(role.assignable_scope).into_iter().collect(),
            permissions: role.permissions(),
            custom: None,
        }
    }
}

impl RoleDefinition {
    /// The built-in roles.
    pub fn built_in() -> Vec<Self> {
        BUILT_IN_ROLES.iter().map(Self::from).collect()
    }

    fn snapshot(&self) -> Snapshot {
        let texts = |texts: &[String]| Snapshot::List(texts.iter().map(Snapshot::text).collect());
        let permission = |p: &Permissions| {
            Snapshot::Object(vec![("Actions", texts(&p.actions)), ("NotActions", texts(&p.not_actions))])
        };
        Snapshot::Object(vec![
            ("Id", Snapshot::text(self.id)),
            ("RoleName", Snapshot::text(&self.name)),
            ("Description", Snapshot::text(&self.description)),
            ("AssignableScopes", Snapshot::List(self.assignable_scopes.iter().map(Snapshot::text).collect())),
            ("Permissions", Snapshot::List(self.permissions.iter().map(permission).collect())),
        ])
    }
}

/// Makes a custom role, or changes one.
#[derive(Debug, Clone)]
pub struct SaveRoleDefinition {
    /// Where the request came in.
    pub scope: ArmScope,
    /// The role's identifier, chosen by the caller.
    pub id: RoleDefinitionId,
    /// Its name, unique in the directory.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it can be given.
    pub assignable_scopes: Vec<ArmScope>,
    /// What it allows.
    pub permissions: Vec<Permissions>,
}

/// What making a role depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaveRoleState {
    /// The custom role of that identifier.
    pub existing: Option<RoleDefinition>,
    /// The custom role of that name.
    pub same_name: Option<RoleDefinitionId>,
    /// The directory's subscriptions.
    pub subscriptions: Vec<SubscriptionId>,
}

impl Action for SaveRoleDefinition {
    const OPERATION: Operation = operation::SAVE_ROLE_DEFINITION;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

const WRITE: &str = "Microsoft.Authorization/roleDefinitions/write";
const DELETE: &str = "Microsoft.Authorization/roleDefinitions/delete";

impl Command for SaveRoleDefinition {
    type State = SaveRoleState;
    type Receipt = RoleDefinition;

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: SaveRoleState,
        now: Timestamp,
    ) -> Result<Decision<RoleDefinition>, Refusal> {
        if built_in(&self.id.to_string()).is_some() {
            return Err(Refusal::BuiltInRoleFixed { id: self.id });
        }
        if self.assignable_scopes.is_empty() {
            return Err(Refusal::RoleWithoutScope);
        }
        for scope in self.assignable_scopes.iter().chain(state.existing.iter().flat_map(|e| &e.assignable_scopes)) {
            if scope.subscription().is_some_and(|id| !state.subscriptions.contains(&id)) {
                return Err(Refusal::ScopeNotFound { scope: scope.clone() });
            }
            if !permit.allows(WRITE, scope) {
                return Err(Refusal::ScopeNotYours { action: WRITE, scope: scope.clone() });
            }
        }
        let taken = state.same_name.is_some_and(|id| id != self.id) || built_in(&self.name).is_some();
        if taken {
            return Err(Refusal::RoleNameTaken { name: self.name.clone() });
        }
        let author = permit.actor().principal.to_string();
        let made = state.existing.as_ref().and_then(|e| e.custom.clone());
        let role = RoleDefinition {
            id: self.id,
            name: self.name.clone(),
            description: self.description.clone(),
            assignable_scopes: self.assignable_scopes.clone(),
            permissions: self.permissions.clone(),
            custom: Some(Authorship {
                created_at: made.as_ref().map_or(now, |m| m.created_at),
                created_by: made.map_or_else(|| author.clone(), |m| m.created_by),
                updated_at: now,
                updated_by: author,
            }),
        };
        let old = state.existing.as_ref().map(RoleDefinition::snapshot);
        let new = role.snapshot();
        if let Some(existing) = state.existing.filter(|_| old.as_ref() == Some(&new)) {
            return Ok(Decision::unchanged(existing));
        }
        let record = RecordDraft { subject: self.subject(), old, new: Some(new), details: Vec::new() };
        Ok(Decision::changed(role.clone(), vec![Change::RoleDefinitionSaved(role)], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// Removes a custom role that nobody has.
#[derive(Debug, Clone)]
pub struct RemoveRoleDefinition {
    /// Where the request came in.
    pub scope: ArmScope,
    /// Which role.
    pub id: RoleDefinitionId,
}

impl Action for RemoveRoleDefinition {
    const OPERATION: Operation = operation::REMOVE_ROLE_DEFINITION;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Command for RemoveRoleDefinition {
    /// The role, and whether someone has it.
    type State = (Option<RoleDefinition>, bool);
    /// What was removed; `None` when there was nothing.
    type Receipt = Option<RoleDefinition>;

    fn decide(
        &self,
        permit: &Permit<Self>,
        (existing, in_use): Self::State,
        _now: Timestamp,
    ) -> Result<Decision<Option<RoleDefinition>>, Refusal> {
        if built_in(&self.id.to_string()).is_some() {
            return Err(Refusal::BuiltInRoleFixed { id: self.id });
        }
        let Some(old) = existing else {
            return Ok(Decision::unchanged(None));
        };
        for scope in &old.assignable_scopes {
            if !permit.allows(DELETE, scope) {
                return Err(Refusal::ScopeNotYours { action: DELETE, scope: scope.clone() });
            }
        }
        if in_use {
            return Err(Refusal::RoleInUse { id: self.id });
        }
        let record = RecordDraft { subject: self.subject(), old: Some(old.snapshot()), new: None, details: Vec::new() };
        let change = Change::RoleDefinitionRemoved(old.id);
        Ok(Decision::changed(Some(old), vec![change], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// The roles that can be given at a scope.
#[derive(Debug, Clone)]
pub struct ListRoleDefinitions {
    /// Where.
    pub scope: ArmScope,
    /// Whether those that can only be given below it are listed too.
    pub and_below: bool,
}

impl Action for ListRoleDefinitions {
    const OPERATION: Operation = operation::LIST_ROLE_DEFINITIONS;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Query for ListRoleDefinitions {
    type Answer = Vec<RoleDefinition>;
}

impl ListRoleDefinitions {
    /// Whether a role belongs on the list.
    pub fn shows(&self, permit: &Permit<Self>, role: &RoleDefinition) -> bool {
        let directory = permit.directory();
        role.assignable_scopes.iter().any(|scope| {
            scope.covers(&self.scope, directory) || (self.and_below && self.scope.covers(scope, directory))
        })
    }
}

/// One role, addressed at a scope where it can be given, above it, or at the directory itself.
#[derive(Debug, Clone)]
pub struct GetRoleDefinition {
    /// Where.
    pub scope: ArmScope,
    /// Which.
    pub id: RoleDefinitionId,
}

impl Action for GetRoleDefinition {
    const OPERATION: Operation = operation::READ_ROLE_DEFINITION;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Query for GetRoleDefinition {
    type Answer = Option<RoleDefinition>;
}

impl GetRoleDefinition {
    /// Whether a role can be addressed so.
    pub fn shows(&self, permit: &Permit<Self>, role: &RoleDefinition) -> bool {
        let directory = permit.directory();
        let near = |scope: &ArmScope| scope.covers(&self.scope, directory) || self.scope.covers(scope, directory);
        role.assignable_scopes.iter().any(near)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::role::{CONTRIBUTOR, OWNER};
    use crate::testing::{self, outcome};

    const ID: RoleDefinitionId = RoleDefinitionId(Uuid::from_u128(5));
    const SUBSCRIPTION: SubscriptionId = SubscriptionId(Uuid::from_u128(0x33));

    fn here() -> ArmScope {
        ArmScope::Subscription(SUBSCRIPTION)
    }

    fn command() -> SaveRoleDefinition {
        SaveRoleDefinition {
            scope: here(),
            id: ID,
            name: "Looker".to_owned(),
            description: String::new(),
            assignable_scopes: vec![here()],
            permissions: vec![Permissions { actions: vec!["*/read".to_owned()], not_actions: vec![] }],
        }
    }

    fn state() -> SaveRoleState {
        SaveRoleState { subscriptions: vec![SUBSCRIPTION], ..SaveRoleState::default() }
    }

    fn saved(command: &SaveRoleDefinition, role: RoleDefinitionId, state: SaveRoleState) -> String {
        let permit = testing::permit_partner_with(command, &[(OWNER, here()), (role, ArmScope::Capacity)]);
        outcome(&command.decide(&permit, state, testing::now()), |d| format!("{} changes", d.changes.len()))
    }

    #[test]
    fn a_custom_role_has_a_free_name_and_scopes_of_ones_own() {
        assert_eq!(saved(&command(), CONTRIBUTOR, state()), "1 changes");
        let elsewhere = ArmScope::Subscription(SubscriptionId(Uuid::from_u128(0x34)));
        for (command, state, expected) in [
            (SaveRoleDefinition { id: OWNER, ..command() }, state(), "is built in"),
            (SaveRoleDefinition { assignable_scopes: vec![], ..command() }, state(), "at least one"),
            (SaveRoleDefinition { assignable_scopes: vec![elsewhere], ..command() }, state(), "there is nothing at"),
            (SaveRoleDefinition { assignable_scopes: vec![ArmScope::Capacity], ..command() }, state(), "not allow"),
            (SaveRoleDefinition { name: "reader".to_owned(), ..command() }, state(), "is taken"),
            (command(), SaveRoleState { same_name: Some(OWNER), ..state() }, "is taken"),
            (command(), SaveRoleState { same_name: Some(ID), ..state() }, "1 changes"),
        ] {
            let shown = saved(&command, CONTRIBUTOR, state);
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }

    #[test]
    fn a_role_that_someone_has_stays() {
        let permit = testing::permit_partner_with(&command(), &[(OWNER, here())]);
        let made = command().decide(&permit, state(), testing::now()).unwrap().receipt;
        let remove = RemoveRoleDefinition { scope: here(), id: ID };
        let permit = testing::permit_partner_with(&remove, &[(OWNER, here())]);
        for (state, expected) in [
            ((Some(made.clone()), false), "1 changes"),
            ((Some(made), true), "is given to someone"),
            ((None, false), "0 changes"),
        ] {
            let decided = remove.decide(&permit, state, testing::now());
            let shown = outcome(&decided, |d| format!("{} changes", d.changes.len()));
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }
}
