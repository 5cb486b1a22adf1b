//! What may stand in the way of a purchase: all of it, at once, each with its remedy (R12).
//!
//! "May I?" and the purchase are one decision: [`obstacles`] answers both.

use crate::arm_scope::ArmScope;
use crate::authz::{Action, Query, Target};
use crate::catalog::{BillingPlan, Catalog, NotForSale, Quantity, Region, ReservedResourceType, SkuName, Term, Wanted};
use crate::ids::{CustomerId, PartnerId, PrincipalId, SubscriptionId};
use crate::market::{self, Country};
use crate::money::{Currency, Money};
use crate::operation::{self, Operation};
use crate::reservation::AppliedScope;
use crate::self_serve_policy::{SelfServePolicy, SelfServeResource};
use crate::subscription::Subscription;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// What someone wants to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The SKU.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// The term.
    pub term: Term,
    /// How it is to be paid.
    pub plan: BillingPlan,
    /// How many instances.
    pub quantity: Quantity,
}

/// How a partner can be reached, as refusals name it (R20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerContact {
    /// The partner.
    pub id: PartnerId,
    /// Its name.
    pub name: String,
    /// Its support: an e-mail address, a telephone number, a page; whatever it gave.
    pub support: Vec<String>,
    /// The currency it is billed in and bills in.
    pub currency: Currency,
}

/// One thing that stands in the way of a purchase, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The partner has not turned the permission on (R01), or turned it off (R06).
    PermissionOff {
        /// The partner's name.
        partner: String,
        /// How to reach it.
        contact: Vec<String>,
    },
    /// The customer has no subscription that this partner bought.
    NoSubscription {
        /// The partner's name.
        partner: String,
    },
    /// The subscription is not active (R10).
    SubscriptionNotActive {
        /// Which.
        subscription: SubscriptionId,
        /// The partner's name.
        partner: String,
    },
    /// The buyer is not Owner of the subscription (R11).
    NotOwner {
        /// Who.
        buyer: String,
        /// Of which.
        subscription: SubscriptionId,
    },
    /// Reservations are not sold in the customer's country (R44).
    MarketNotServed {
        /// The country.
        country: Country,
    },
    /// The catalogue does not sell the item.
    NotForSale(NotForSale),
    /// The benefit would apply outside what this partner bought for this customer (R30, R31).
    ScopeOutsideContext {
        /// The scope asked for.
        scope: ArmScope,
    },
}

impl Obstacle {
    /// A short stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PermissionOff { .. } => "PermissionOff",
            Self::NoSubscription { .. } => "NoSubscription",
            Self::SubscriptionNotActive { .. } => "SubscriptionNotActive",
            Self::NotOwner { .. } => "NotOwner",
            Self::MarketNotServed { .. } => "MarketNotServed",
            Self::NotForSale(_) => "NotForSale",
            Self::ScopeOutsideContext { .. } => "ScopeOutsideContext",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::PermissionOff { partner, contact } => format!(
                "ask {partner}{} to turn on `Allow customer to purchase` for Azure reservations",
                in_brackets(contact)
            ),
            Self::NoSubscription { partner } => {
                format!("ask {partner} to buy an Azure plan and a subscription for you")
            }
            Self::SubscriptionNotActive { partner, .. } => {
                format!("ask {partner} to reactivate the subscription, or choose another one")
            }
            Self::NotOwner { subscription, .. } => format!(
                "ask an Owner of `/subscriptions/{subscription}` (or your partner, through Manage) to assign you the \
                 role Owner under Access control (IAM)"
            ),
            Self::MarketNotServed { .. } => {
                "reservations cannot be bought in this country; pay-as-you-go usage is not affected".to_owned()
            }
            Self::NotForSale(_) => "choose an item, term and billing plan from the catalogue".to_owned(),
            Self::ScopeOutsideContext { .. } => {
                "choose Shared, or a subscription that the same partner bought for you".to_owned()
            }
        }
    }
}

fn in_brackets(contact: &[String]) -> String {
    if contact.is_empty() { String::new() } else { format!(" ({})", contact.join(", ")) }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PermissionOff { partner, .. } => {
                write!(f, "{partner} has not enabled reservation purchases for this customer")
            }
            Self::NoSubscription { partner } => {
                write!(f, "there is no Azure plan or Azure subscription that {partner} bought for this customer")
            }
            Self::SubscriptionNotActive { subscription, .. } => {
                write!(f, "the subscription `{subscription}` is not active")
            }
            Self::NotOwner { buyer, subscription } => {
                write!(f, "`{buyer}` does not have the role Owner on the subscription `{subscription}`")
            }
            Self::MarketNotServed { country } => write!(f, "reservations are not sold in the market `{country}`"),
            Self::NotForSale(reason) => reason.fmt(f),
            Self::ScopeOutsideContext { scope } => write!(
                f,
                "the scope `{scope}` is not among the subscriptions that the same partner bought for this customer"
            ),
        }
    }
}

/// What the decision about a purchase looks at.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    /// Whether the buyer is one of the partner's own; then the permission is not needed.
    pub by_partner: bool,
    /// Whether the buyer is Owner of the subscription; `None` where that is not asked (Partner Center carts).
    pub owner: Option<bool>,
    /// Who buys, for the texts.
    pub buyer: &'a str,
    /// The partner that bought the subscription, and pays.
    pub partner: &'a PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// The customer's permission from that partner.
    pub policy: Option<&'a SelfServePolicy>,
    /// The billing subscription; none where the customer has none at all.
    pub subscription: Option<&'a Subscription>,
    /// The item, where one was named.
    pub item: Option<&'a Item>,
    /// Whether the applied scope lies in the partner's and customer's context.
    pub scope_in_context: bool,
    /// The applied scope asked for.
    pub scope: &'a AppliedScope,
    /// The price sheet in force.
    pub catalog: &'a Catalog,
    /// The day of the purchase.
    pub today: Date,
}

/// Everything that stands in the way, in a fixed order (R12). Empty: it may be bought.
pub fn obstacles(at: &Circumstances<'_>) -> Vec<Obstacle> {
    let partner = || at.partner.name.clone();
    let mut found = Vec::new();
    let permitted =
        at.policy.is_some_and(|policy| policy.resources.contains(&SelfServeResource::AzureReservedInstances));
    if !at.by_partner && !permitted {
        found.push(Obstacle::PermissionOff { partner: partner(), contact: at.partner.support.clone() });
    }
    match at.subscription {
        None => found.push(Obstacle::NoSubscription { partner: partner() }),
        Some(subscription) => {
            if !subscription.is_active() {
                found.push(Obstacle::SubscriptionNotActive { subscription: subscription.id, partner: partner() });
            }
            if at.owner == Some(false) {
                found.push(Obstacle::NotOwner { buyer: at.buyer.to_owned(), subscription: subscription.id });
            }
        }
    }
    let market_served = market::sells_reservations(at.country);
    if !market_served {
        found.push(Obstacle::MarketNotServed { country: at.country });
    }
    if let Some(item) = at.item
        && let Err(reason) = at.catalog.find(&item.wanted(at.partner.currency, at.country, at.today))
    {
        // The country as a whole has been named already.
        if market_served || !matches!(reason, NotForSale::MarketNotServed { .. }) {
            found.push(Obstacle::NotForSale(reason));
        }
    }
    if let (false, AppliedScope::Single(scope)) = (at.scope_in_context, at.scope) {
        found.push(Obstacle::ScopeOutsideContext { scope: scope.clone() });
    }
    found
}

impl Item {
    /// The item in the words of the catalogue.
    pub fn wanted(&self, currency: Currency, market: Country, on: Date) -> Wanted<'_> {
        Wanted {
            resource_type: self.resource_type,
            sku: &self.sku,
            region: &self.region,
            term: self.term,
            plan: self.plan,
            currency,
            market,
            on,
        }
    }
}

/// The UTC day of an instant.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// May this person buy this, and if not, why not (G04)? Asked by the partner about anyone, or by the customer's own about
/// themselves.
#[derive(Debug, Clone)]
pub struct CanBuy {
    /// The customer.
    pub customer: CustomerId,
    /// The person or application.
    pub buyer: Who,
    /// On which subscription; none: on any that the partner bought.
    pub subscription: Option<SubscriptionId>,
    /// What; none: anything.
    pub item: Option<Item>,
    /// Where the benefit would apply.
    pub scope: AppliedScope,
    /// When.
    pub now: Timestamp,
}

/// The person or application that a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// By object id.
    Id(PrincipalId),
    /// By the user's principal name; case does not count.
    Name(String),
}

impl Action for CanBuy {
    const OPERATION: Operation = operation::CAN_BUY;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for CanBuy {
    type Answer = Option<Verdict>;
}

/// The answer to [`CanBuy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The buyer's name.
    pub buyer: String,
    /// The subscription that was looked at, where there is one.
    pub subscription: Option<SubscriptionId>,
    /// Everything that stands in the way; empty: yes.
    pub obstacles: Vec<Obstacle>,
    /// What one instance would cost the customer for the term, and its list price, where the item is for sale.
    pub price: Option<(Money, Money)>,
}

/// May I buy this here, and if not, why not? The question of [`CanBuy`], by whoever is to buy: the customer's own, or one of
/// the partner's on its behalf. `None` where the actor has no role on the subscription.
#[derive(Debug, Clone)]
pub struct MayIBuy {
    /// On which subscription.
    pub subscription: SubscriptionId,
    /// What; none: anything.
    pub item: Option<Item>,
    /// Where the benefit would apply.
    pub scope: AppliedScope,
    /// When.
    pub now: Timestamp,
}

impl Action for MayIBuy {
    const OPERATION: Operation = operation::CAN_BUY;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::Subscription(self.subscription))
    }
}

impl Query for MayIBuy {
    type Answer = Option<Verdict>;
}
