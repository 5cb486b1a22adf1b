//! Roles of Azure's access control: the built-in ones, and how a role's wildcards allow an action.

use uuid::{Uuid, uuid};

use crate::actor::Grant;
use crate::arm_scope::ArmScope;
use crate::ids::{RoleDefinitionId, TenantId};

/// What one entry of a role allows: its actions, less its exceptions. Wildcards match any characters; case does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions {
    /// Allowed.
    pub actions: Vec<String>,
    /// Taken away again.
    pub not_actions: Vec<String>,
}

impl Permissions {
    /// Whether `action`, such as `Microsoft.Capacity/catalogs/read`, is allowed.
    pub fn allow(&self, action: &str) -> bool {
        self.actions.iter().any(|p| matches(p, action)) && !self.not_actions.iter().any(|p| matches(p, action))
    }
}

/// Matches `*` against any characters, without regard to case, in time linear in the product of both lengths.
fn matches(pattern: &str, action: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let action = action.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| action.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at.saturating_add(part.len())..).unwrap_or(""),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether any of the grants allows `action` at `scope`. The union over assignments there and above counts.
pub fn allowed(grants: &[Grant], action: &str, scope: &ArmScope, tenant: TenantId) -> bool {
    grants.iter().any(|g| g.scope.covers(scope, tenant) && g.permissions.iter().any(|p| p.allow(action)))
}

/// Whether any of the grants is the built-in Owner role at `scope`, directly or inherited (R11). A custom role with the
/// same actions is not enough.
pub fn is_owner(grants: &[Grant], scope: &ArmScope, tenant: TenantId) -> bool {
    grants.iter().any(|g| g.role == OWNER && g.scope.covers(scope, tenant))
}

/// A role that every directory has.
#[derive(Debug, Clone, Copy)]
pub struct BuiltInRole {
    /// Its well-known id.
    pub id: RoleDefinitionId,
    /// Its name in English.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Allowed actions.
    pub actions: &'static [&'static str],
    /// Exceptions.
    pub not_actions: &'static [&'static str],
    /// Where it can be given.
    pub assignable_scope: &'static str,
}

impl BuiltInRole {
    /// The role's permissions as one entry.
    pub fn permissions(&self) -> Vec<Permissions> {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        vec![Permissions { actions: owned(self.actions), not_actions: owned(self.not_actions) }]
    }
}

const fn role_id(id: Uuid) -> RoleDefinitionId {
    RoleDefinitionId(id)
}

/// Full access, and the right to give access to others.
pub const OWNER: RoleDefinitionId = role_id(uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"));
/// Full access, without the right to give access.
pub const CONTRIBUTOR: RoleDefinitionId = role_id(uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c"));
/// Sees everything, changes nothing.
pub const READER: RoleDefinitionId = role_id(uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7"));

/// The built-in roles. Source: the vendor's public list; Reservations Contributor has no published id, so the one here is
/// our own.
pub const BUILT_IN_ROLES: [BuiltInRole; 9] = [
    BuiltInRole {
        id: OWNER,
        name: "Owner",
        description: "Full access to all resources, including the right to assign roles.",
        actions: &["*"],
        not_actions: &[],
        assignable_scope: "/",
    },
    BuiltInRole {
        id: CONTRIBUTOR,
        name: "Contributor",
        description: "Full access to all resources, but no right to assign roles.",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ],
        assignable_scope: "/",
    },
    BuiltInRole {
        id: READER,
        name: "Reader",
        description: "Sees all resources and changes none.",
        actions: &["*/read"],
        not_actions: &[],
        assignable_scope: "/",
    },
    BuiltInRole {
        id: role_id(uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9")),
        name: "User Access Administrator",
        description: "Manages who has access to resources.",
        actions: &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        not_actions: &[],
        assignable_scope: "/",
    },
    BuiltInRole {
        id: role_id(uuid!("f58310d9-a9f6-439a-9e8d-f62e7b41a168")),
        name: "Role Based Access Control Administrator",
        description: "Manages role assignments, nothing else.",
        actions: &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        not_actions: &[],
        assignable_scope: "/",
    },
    BuiltInRole {
        id: role_id(uuid!("f7b75c60-3036-4b75-91c3-6b41c27c1689")),
        name: "Reservation Purchaser",
        description: "Looks for reservations to buy.",
        actions: &[
            "Microsoft.Authorization/roleAssignments/read",
            "Microsoft.Capacity/catalogs/read",
            "Microsoft.Capacity/register/action",
            "Microsoft.Compute/register/action",
            "Microsoft.Consumption/register/action",
            "Microsoft.Consumption/reservationRecommendationDetails/read",
            "Microsoft.Consumption/reservationRecommendations/read",
            "Microsoft.Resources/subscriptions/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.SQL/register/action",
            "Microsoft.Support/supporttickets/write",
        ],
        not_actions: &[],
        assignable_scope: "/",
    },
    BuiltInRole {
        id: role_id(uuid!("a8889054-8d42-49c9-bc1c-52486c10e7cd")),
        name: "Reservations Administrator",
        description: "Manages all reservations of the directory and who has access to them.",
        actions: &[
            "Microsoft.Capacity/*/read",
            "Microsoft.Capacity/*/action",
            "Microsoft.Capacity/*/write",
            "Microsoft.Authorization/roleAssignments/read",
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "Microsoft.Authorization/roleDefinitions/read",
        ],
        not_actions: &[],
        assignable_scope: "/providers/Microsoft.Capacity",
    },
    BuiltInRole {
        id: role_id(uuid!("b8e6a1c2-5f0d-4c57-9a0e-6d1f3c5e7a90")),
        name: "Reservations Contributor",
        description: "Manages all reservations of the directory.",
        actions: &[
            "Microsoft.Capacity/*/read",
            "Microsoft.Capacity/*/action",
            "Microsoft.Capacity/*/write",
            "Microsoft.Authorization/roleAssignments/read",
            "Microsoft.Authorization/roleDefinitions/read",
        ],
        not_actions: &[],
        assignable_scope: "/providers/Microsoft.Capacity",
    },
    BuiltInRole {
        id: role_id(uuid!("582fc458-8989-419f-a480-75249bc5db7e")),
        name: "Reservations Reader",
        description: "Sees all reservations of the directory.",
        actions: &[
            "Microsoft.Capacity/*/read",
            "Microsoft.Authorization/roleAssignments/read",
            "Microsoft.Authorization/roleDefinitions/read",
        ],
        not_actions: &[],
        assignable_scope: "/providers/Microsoft.Capacity",
    },
];

/// The built-in role of a name or id, ignoring case.
pub fn built_in(name_or_id: &str) -> Option<&'static BuiltInRole> {
    let id = RoleDefinitionId::parse(name_or_id).ok();
    BUILT_IN_ROLES.iter().find(|r| Some(r.id) == id || r.name.eq_ignore_ascii_case(name_or_id.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_any_characters_without_regard_to_case() {
        for (pattern, action, yes) in [
            ("*", "Microsoft.Capacity/catalogs/read", true),
            ("*/read", "Microsoft.Capacity/catalogs/READ", true),
            ("*/read", "Microsoft.Capacity/catalogs/reader", false),
            ("microsoft.capacity/*/action", "Microsoft.Capacity/reservationOrders/split/action", true),
            ("Microsoft.Capacity/*/write", "Microsoft.Capacity/write", false),
            ("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/roleAssignments/delete", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXc", false),
            ("ab*ba", "aba", false),
            ("read", "read", true),
            ("", "read", false),
        ] {
            assert_eq!(matches(pattern, action), yes, "{pattern} against {action}");
        }
    }

    #[test]
    fn a_contributor_may_do_all_but_give_access() {
        let contributor = built_in("contributor").unwrap().permissions().remove(0);
        assert!(contributor.allow("Microsoft.Capacity/reservationOrders/write"));
        assert!(!contributor.allow("Microsoft.Authorization/roleAssignments/write"));
    }
}
