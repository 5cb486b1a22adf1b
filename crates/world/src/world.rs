//! What a world file describes, once it is found to be free of mistakes.

use std::fmt;

use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::ids::{
    ClientId, CustomerId, EntitlementId, PartnerId, PrincipalId, RoleAssignmentId, RoleDefinitionId, SubscriptionId,
};
use fullmakt_domain::market::Country;
use fullmakt_domain::money::Currency;
use fullmakt_domain::price_rule::PriceRule;
use fullmakt_domain::self_serve_policy::SelfServeResource;
use jiff::Timestamp;

/// Partners, customers and prices: everything a database starts with.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Where a movable clock starts; `None`: the real time.
    pub clock: Option<Timestamp>,
    /// The resellers.
    pub partners: Vec<Partner>,
    /// Whom they serve.
    pub customers: Vec<Customer>,
    /// What the partners make customers pay. Of two alike, the one further down counts as newer.
    pub prices: Vec<PriceRule>,
    /// The catalogue, relative to the world file; `None`: the built-in one.
    pub catalog_file: Option<String>,
}

/// A text that must not reach a log: it prints as dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A reseller.
#[derive(Debug, Clone)]
pub struct Partner {
    /// The partner and its directory.
    pub id: PartnerId,
    /// The company's name.
    pub name: String,
    /// The directory's domain, in lower case.
    pub domain: String,
    /// Where it is at home.
    pub country: Country,
    /// What the partner is billed in.
    pub currency: Currency,
    /// Where its customers turn to.
    pub support: Support,
    /// Its people.
    pub users: Vec<User>,
    /// Its applications.
    pub applications: Vec<Application>,
}

/// Where customers get help.
#[derive(Debug, Clone, Default)]
pub struct Support {
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number, as people write it.
    pub phone: Option<String>,
    /// Web page.
    pub url: Option<String>,
}

/// A person who can sign in.
#[derive(Debug, Clone)]
pub struct User {
    /// The object id in the directory.
    pub id: PrincipalId,
    /// The name to sign in with, in lower case.
    pub upn: String,
    /// The name people call them by.
    pub name: String,
    /// In plain text; it is stored hashed.
    pub password: Secret,
    /// Roles at the partner; none for a customer's user.
    pub roles: Vec<PartnerRole>,
}

/// An application that signs in with its own secret.
#[derive(Debug, Clone)]
pub struct Application {
    /// The object id of its service principal.
    pub id: PrincipalId,
    /// What it calls itself when it signs in.
    pub client_id: ClientId,
    /// In plain text; it is stored hashed.
    pub client_secret: Secret,
    /// The name in lists.
    pub name: String,
}

/// Whom a partner serves.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The customer and its directory.
    pub id: CustomerId,
    /// The company's name.
    pub name: String,
    /// The directory's domain, in lower case.
    pub domain: String,
    /// Where it is at home.
    pub country: Country,
    /// The language of letters, such as `sv`.
    pub language: String,
    /// Who resells to it; at least one.
    pub partners: Vec<PartnerId>,
    /// Whether the customer agreement is confirmed.
    pub agreement_confirmed: bool,
    /// Its people.
    pub users: Vec<User>,
    /// Its service principals.
    pub applications: Vec<Application>,
    /// What partners bought for it.
    pub entitlements: Vec<Entitlement>,
    /// Who may do what on its subscriptions.
    pub role_assignments: Vec<RoleAssignment>,
    /// Which partners let it buy what; each partner once.
    pub self_serve: Vec<SelfServe>,
}

/// What kind of Azure offer a partner bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offer {
    /// An Azure plan, with any number of Azure subscriptions.
    AzurePlan,
    /// Azure Global, MS-AZR-0145P: exactly one Azure subscription.
    AzureGlobal,
}

impl Offer {
    /// All offers.
    pub const ALL: [Self; 2] = [Self::AzurePlan, Self::AzureGlobal];

    /// The name in world files.
    pub fn name(self) -> &'static str {
        match self {
            Self::AzurePlan => "azure-plan",
            Self::AzureGlobal => "azure-global",
        }
    }
}

/// How an entitlement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntitlementStatus {
    /// In use.
    Active,
    /// Stopped for now.
    Suspended,
    /// Gone.
    Deleted,
}

impl EntitlementStatus {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Deleted];

    /// The name in world files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

/// What a partner bought for a customer: a Partner Center subscription.
#[derive(Debug, Clone)]
pub struct Entitlement {
    /// The Partner Center subscription's id.
    pub id: EntitlementId,
    /// Who bought it.
    pub partner: PartnerId,
    /// What it is.
    pub offer: Offer,
    /// How it stands.
    pub status: EntitlementStatus,
    /// The Azure subscriptions under it.
    pub subscriptions: Vec<Subscription>,
}

/// An Azure subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The name in lists.
    pub name: String,
}

/// A role of a principal at a scope of the customer.
#[derive(Debug, Clone)]
pub struct RoleAssignment {
    /// Derived from the other three.
    pub id: RoleAssignmentId,
    /// Who.
    pub principal: PrincipalId,
    /// Which built-in role.
    pub role: RoleDefinitionId,
    /// Where, and below.
    pub scope: ArmScope,
}

/// A permission of one partner for one customer.
#[derive(Debug, Clone)]
pub struct SelfServe {
    /// Who gives it and pays.
    pub partner: PartnerId,
    /// What may be bought; at least one, each once, in the order of [`SelfServeResource::ALL`].
    pub resources: Vec<SelfServeResource>,
}
