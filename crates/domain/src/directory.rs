//! What a directory holds, as Azure Resource Manager shows it: subscriptions, tenants, principals.

use crate::actor::{Grant, PrincipalKind};
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Permit, Query, Target};
use crate::ids::{ClientId, PartnerId, PrincipalId, SubscriptionId, TenantId};
use crate::operation::{self, Operation};
use crate::subscription::SubscriptionStatus;

/// An Azure subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureSubscription {
    /// Its identifier.
    pub id: SubscriptionId,
    /// The directory it is in.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: SubscriptionStatus,
    /// The partner that bought it.
    pub partner: PartnerId,
}

/// The subscriptions on which the actor has at least one role.
#[derive(Debug, Clone)]
pub struct ListSubscriptions;

impl Action for ListSubscriptions {
    const OPERATION: Operation = operation::LIST_SUBSCRIPTIONS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

impl Query for ListSubscriptions {
    type Answer = Vec<AzureSubscription>;
}

impl ListSubscriptions {
    /// Whether a subscription of the directory belongs on the list.
    pub fn shows(&self, permit: &Permit<Self>, subscription: &AzureSubscription) -> bool {
        has_role(permit, subscription.id)
            // To a partner's own, a subscription that another partner bought does not exist (R45).
            && (!permit.is_partner() || permit.partner() == subscription.partner)
    }
}

/// One subscription; `None` for whoever has no role on it.
#[derive(Debug, Clone)]
pub struct GetSubscription {
    /// Which.
    pub id: SubscriptionId,
}

impl Action for GetSubscription {
    const OPERATION: Operation = operation::READ_SUBSCRIPTION;

    fn target(&self) -> Target {
        Target::Subscription(self.id)
    }
}

impl Query for GetSubscription {
    type Answer = Option<AzureSubscription>;
}

impl GetSubscription {
    /// Whether the actor has a role on it or on something in it.
    pub fn shows(&self, permit: &Permit<Self>) -> bool {
        has_role(permit, self.id)
    }
}

fn has_role<A>(permit: &Permit<A>, id: SubscriptionId) -> bool {
    has_role_on(&permit.facts().grants, permit.directory(), id)
}

/// Whether one of the roles holds on a subscription or on something in it.
pub(crate) fn has_role_on(grants: &[Grant], directory: TenantId, id: SubscriptionId) -> bool {
    let scope = ArmScope::Subscription(id);
    grants.iter().any(|g| g.scope.covers(&scope, directory) || g.scope.subscription() == Some(id))
}

/// The actor's own directory, and those of the customers it serves.
#[derive(Debug, Clone)]
pub struct ListTenants;

impl Action for ListTenants {
    const OPERATION: Operation = operation::LIST_TENANTS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Its country, two letters.
    pub country: String,
}

impl Query for ListTenants {
    /// The own one first.
    type Answer = Vec<Tenant>;
}

/// Users and applications of the directory that the actor is signed in to.
#[derive(Debug, Clone)]
pub struct FindPrincipals {
    /// Which.
    pub ids: Vec<PrincipalId>,
}

impl Action for FindPrincipals {
    const OPERATION: Operation = operation::FIND_PRINCIPALS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

/// A user or an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The object id.
    pub id: PrincipalId,
    /// A person or an application.
    pub kind: PrincipalKind,
    /// The name for people.
    pub name: String,
    /// The user's principal name.
    pub upn: Option<String>,
    /// The application's client id.
    pub client: Option<ClientId>,
}

impl Query for FindPrincipals {
    type Answer = Vec<Principal>;
}

/// Users and applications of the directory that the actor is signed in to, whose name or user name begins with a text; an
/// empty text finds all. By name.
#[derive(Debug, Clone)]
pub struct SearchPrincipals {
    /// The first letters.
    pub text: String,
    /// How many at most.
    pub size: u32,
}

impl Action for SearchPrincipals {
    const OPERATION: Operation = operation::FIND_PRINCIPALS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

impl Query for SearchPrincipals {
    type Answer = Vec<Principal>;
}
