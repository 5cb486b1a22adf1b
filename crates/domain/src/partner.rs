//! The partner as it sees itself.

use crate::authz::{Action, Query, Target};
use crate::ids::PartnerId;
use crate::market::Country;
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
