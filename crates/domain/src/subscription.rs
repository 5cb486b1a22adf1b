//! Azure subscriptions and the entitlements they hang under.

use crate::ids::{EntitlementId, PartnerId, SubscriptionId};

/// How a subscription or an entitlement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// In use.
    Active,
    /// Paused by the partner.
    Suspended,
    /// Gone.
    Deleted,
}

impl SubscriptionStatus {
    /// The word of world files, the wire and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// Reads a word, ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Deleted]
            .into_iter()
            .find(|status| status.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// What the partner bought for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureOffer {
    /// An Azure plan: any number of subscriptions.
    AzurePlan,
    /// Azure Global, MS-AZR-0145P: exactly one subscription.
    AzureGlobal,
}

impl AzureOffer {
    /// The word of world files and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::AzurePlan => "azure-plan",
            Self::AzureGlobal => "azure-global",
        }
    }

    /// Reads the word, ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::AzurePlan, Self::AzureGlobal].into_iter().find(|o| o.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// An Azure subscription, with what decides whether something can be bought on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its identifier.
    pub id: SubscriptionId,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: SubscriptionStatus,
    /// The partner that bought it.
    pub partner: PartnerId,
    /// What it hangs under.
    pub entitlement: EntitlementId,
    /// What that is.
    pub offer: AzureOffer,
    /// How that stands.
    pub entitlement_status: SubscriptionStatus,
}

impl Subscription {
    /// Whether it counts as active for R10: it and what it hangs under.
    pub fn is_active(&self) -> bool {
        self.status == SubscriptionStatus::Active && self.entitlement_status == SubscriptionStatus::Active
    }
}
