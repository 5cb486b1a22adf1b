//! Why a permitted request is turned down.

use crate::arm_scope::ArmScope;
use crate::ids::{PartnerId, PrincipalId, RoleAssignmentId, RoleDefinitionId};
use crate::role_assignment::PrincipalType;
use crate::self_serve_policy::PolicyId;

/// Why a permitted request is turned down. Of several that apply, a decision reports the first it meets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A policy names its own partner as the one that pays.
    #[error("the grantor `{grantor}` is not your own partner")]
    ForeignGrantor {
        /// Who was named.
        grantor: PartnerId,
    },
    /// A policy without permissions would mean nothing.
    #[error("a self-serve policy must permit at least one purchase")]
    PolicyWithoutPermission,
    /// The permission is on already.
    #[error("a self-serve policy `{id}` already exists; replace it or delete it first")]
    PolicyExists {
        /// Which.
        id: PolicyId,
    },
    /// There is no such permission.
    #[error("there is no self-serve policy `{id}`")]
    PolicyNotFound {
        /// Which.
        id: PolicyId,
    },
    /// Someone else changed it in the meantime.
    #[error("the resource was changed since it was read; read it again and repeat the change")]
    StaleEtag,
    /// A scope that is not there.
    #[error("there is nothing at `{scope}`")]
    ScopeNotFound {
        /// Where.
        scope: ArmScope,
    },
    /// A further scope that the request names, where the actor's roles do not allow it.
    #[error("your roles do not allow `{action}` at `{scope}`")]
    ScopeNotYours {
        /// What.
        action: &'static str,
        /// Where.
        scope: ArmScope,
    },
    /// There is no such role.
    #[error("there is no role definition `{id}`")]
    RoleNotFound {
        /// Which.
        id: RoleDefinitionId,
    },
    /// There is no such user, application or group.
    #[error("there is no principal `{id}` in the directory")]
    PrincipalNotFound {
        /// Which.
        id: PrincipalId,
    },
    /// The principal is something else than the request says.
    #[error("the principal `{id}` is a {}, not a {}", found.name(), claimed.name())]
    PrincipalTypeMismatch {
        /// Which.
        id: PrincipalId,
        /// What it is.
        found: PrincipalType,
        /// What the request says.
        claimed: PrincipalType,
    },
    /// The role is made for other places.
    #[error("the role `{id}` cannot be given at `{scope}`")]
    RoleNotAssignableHere {
        /// Which.
        id: RoleDefinitionId,
        /// Where.
        scope: ArmScope,
    },
    /// Who has which role where is fixed once it is given.
    #[error("principal, role and scope of the role assignment `{id}` cannot be changed; remove it and make another")]
    RoleAssignmentFixed {
        /// Which.
        id: RoleAssignmentId,
    },
    /// The principal has the role there already.
    #[error("the principal has this role here already: role assignment `{id}`")]
    RoleAssignmentExists {
        /// Under which identifier.
        id: RoleAssignmentId,
    },
    /// Built-in roles are part of the program.
    #[error("the role `{id}` is built in and cannot be changed or removed")]
    BuiltInRoleFixed {
        /// Which.
        id: RoleDefinitionId,
    },
    /// A role without a place would mean nothing.
    #[error("a role needs at least one assignable scope")]
    RoleWithoutScope,
    /// Another role has the name.
    #[error("the role name `{name}` is taken")]
    RoleNameTaken {
        /// Which.
        name: String,
    },
    /// Someone has the role.
    #[error("the role `{id}` is given to someone; remove its role assignments first")]
    RoleInUse {
        /// Which.
        id: RoleDefinitionId,
    },
}
