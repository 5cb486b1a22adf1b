//! Who makes a request, and what the store knows about them.

use crate::ids::{ClientId, CustomerId, PartnerId, PrincipalId, RoleDefinitionId, TenantId};

/// What kind of principal signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// An application with its own secret: app-only.
    Application,
}

/// Who makes this request, as a verified token says. What they may do is looked up at each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user's or service principal's object id.
    pub principal: PrincipalId,
    /// A person or an application.
    pub kind: PrincipalKind,
    /// The user's principal name (`ada@nordmoln.example`) or the application's name.
    pub name: String,
    /// The directory the principal belongs to.
    pub home: TenantId,
    /// The directory the token was issued for: the home, or a customer's that the principal's partner serves (AOBO).
    pub tenant: TenantId,
    /// The application that asked, for the log.
    pub application: Option<ClientId>,
}

/// A role of a partner's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartnerRole {
    /// Runs the partner's directory.
    GlobalAdmin,
    /// Acts for customers in everything.
    AdminAgent,
    /// Sells.
    SalesAgent,
    /// Helps.
    HelpdeskAgent,
    /// Sees bills.
    BillingAdmin,
    /// Runs users.
    UserAdmin,
}

impl PartnerRole {
    /// All roles, in the order of the published matrix.
    pub const ALL: [Self; 6] = [
        Self::GlobalAdmin,
        Self::AdminAgent,
        Self::SalesAgent,
        Self::HelpdeskAgent,
        Self::BillingAdmin,
        Self::UserAdmin,
    ];

    /// The name as world files and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GlobalAdmin => "GlobalAdmin",
            Self::AdminAgent => "AdminAgent",
            Self::SalesAgent => "SalesAgent",
            Self::HelpdeskAgent => "HelpdeskAgent",
            Self::BillingAdmin => "BillingAdmin",
            Self::UserAdmin => "UserAdmin",
        }
    }

    /// Reads a name, ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// Where the actor stands towards the root (partner or customer) that a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A user of the partner concerned.
    PartnerUser {
        /// The partner.
        partner: PartnerId,
        /// The user's roles; the union of what they allow applies.
        roles: Vec<PartnerRole>,
    },
    /// An application of the partner concerned; it counts as an Admin agent where app-only tokens are taken at all.
    PartnerApplication {
        /// The partner.
        partner: PartnerId,
    },
    /// A user or service principal of the customer itself.
    Customer {
        /// The customer.
        customer: CustomerId,
    },
    /// Someone who must not even learn that the root exists.
    Outsider,
}

impl Standing {
    /// The partner the actor belongs to, when it is one of the partner's own.
    pub fn partner(&self) -> Option<PartnerId> {
        match self {
            Self::PartnerUser { partner, .. } | Self::PartnerApplication { partner } => Some(*partner),
            Self::Customer { .. } | Self::Outsider => None,
        }
    }

    /// Whether the actor acts as an Admin agent.
    pub fn is_admin_agent(&self) -> bool {
        match self {
            Self::PartnerUser { roles, .. } => roles.contains(&PartnerRole::AdminAgent),
            Self::PartnerApplication { .. } => true,
            Self::Customer { .. } | Self::Outsider => false,
        }
    }
}

/// One role assignment that counts for the actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: RoleDefinitionId,
    /// Where it was given; it holds there and below.
    pub scope: crate::arm_scope::ArmScope,
    /// What the role allows.
    pub permissions: Vec<crate::role::Permissions>,
}
