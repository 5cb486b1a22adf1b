//! The partner as it sees itself.

use crate::arm_scope::ArmScope;
use crate::authz::{Action, Permit, Query, Target};
use crate::ids::PartnerId;
use crate::market::Country;
use crate::obstacle::PartnerContact;
use crate::operation::{self, Operation};

/// A partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// The partner and its directory.
    pub id: PartnerId,
    /// The company's name.
    pub name: String,
    /// The directory's domain, in lower case.
    pub domain: String,
    /// Where it is at home.
    pub country: Country,
    /// Where its customers turn to.
    pub support_email: Option<String>,
    /// Where its customers call.
    pub support_phone: Option<String>,
    /// The page its customers read.
    pub support_url: Option<String>,
}

/// The actor's own partner.
#[derive(Debug, Clone)]
pub struct GetPartner;

impl Action for GetPartner {
    const OPERATION: Operation = operation::READ_PARTNER;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for GetPartner {
    type Answer = Option<Partner>;
}

/// The partner that pays for what is at a scope, for those who hold a role there: whom to ask for what only it may do (R20).
#[derive(Debug, Clone)]
pub struct GetBillingPartner {
    /// A subscription, a reservation order or something in one.
    pub scope: ArmScope,
}

impl Action for GetBillingPartner {
    const OPERATION: Operation = operation::READ_BILLING_PARTNER;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Query for GetBillingPartner {
    type Answer = Option<PartnerContact>;
}

impl GetBillingPartner {
    /// Whether the actor has a role there or on something in it.
    pub fn shows(&self, permit: &Permit<Self>) -> bool {
        let directory = permit.directory();
        let near = |scope: &ArmScope| scope.covers(&self.scope, directory) || self.scope.covers(scope, directory);
        permit.is_partner() || permit.facts().grants.iter().any(|grant| near(&grant.scope))
    }
}
