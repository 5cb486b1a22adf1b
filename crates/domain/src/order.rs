//! Commercial orders: what the partner is billed for, whoever bought it.

use jiff::Timestamp;

use crate::catalog::Term;
use crate::catalog_item::CatalogItemId;
use crate::ids::{CustomerId, EntitlementId, OrderId, PartnerId, PrincipalId, ReservationOrderId, SubscriptionId};
use crate::money::{Currency, Money};

/// Who bought (R17: the log and the lists mark it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoughtBy {
    /// A user or service principal of the customer, by the permission.
    Customer,
    /// One of the partner's own.
    Partner,
}

impl BoughtBy {
    /// The word the database stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Partner => "partner",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Partner].into_iter().find(|by| by.name() == text)
    }
}

/// The person or application that bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    /// On which side.
    pub side: BoughtBy,
    /// The object id.
    pub id: PrincipalId,
    /// The user's principal name or the application's name.
    pub name: String,
}

/// The prices of one instance (or one plan) for its whole term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitPrices {
    /// The list (Web Direct) price.
    pub list: Money,
    /// What the partner pays. For the partner's eyes only (R14).
    pub partner: Money,
    /// What the customer pays the partner.
    pub customer: Money,
}

impl UnitPrices {
    /// The currency of all three.
    pub fn currency(&self) -> Currency {
        self.customer.currency
    }
}

/// How often an order is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillingCycle {
    /// Once.
    OneTime,
    /// By the month.
    Monthly,
}

impl BillingCycle {
    /// The word the database stores and the wire spells.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneTime => "one_time",
            Self::Monthly => "monthly",
        }
    }

    /// Reads a word, ignoring case and underscores.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().replace('_', "").as_str() {
            "onetime" => Some(Self::OneTime),
            "monthly" => Some(Self::Monthly),
            _ => None,
        }
    }
}

/// What a line of an order bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderedItem {
    /// A reservation.
    Reservation {
        /// What it created.
        reservation_order: ReservationOrderId,
        /// The subscription it was bought on.
        subscription: SubscriptionId,
        /// The term.
        term: Term,
    },
    /// An Azure plan.
    AzurePlan {
        /// What it created.
        entitlement: EntitlementId,
    },
    /// A legacy Azure Global subscription.
    AzureGlobal {
        /// What it created.
        entitlement: EntitlementId,
    },
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// From 0.
    pub number: i64,
    /// What was bought.
    pub item: OrderedItem,
    /// As the catalogue names it.
    pub catalog_item: CatalogItemId,
    /// For people.
    pub name: String,
    /// How many.
    pub quantity: i64,
    /// What one costs.
    pub prices: UnitPrices,
}

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// Done.
    Completed,
    /// All of it was returned.
    Cancelled,
}

impl OrderStatus {
    /// The word the database stores and the wire spells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Completed, Self::Cancelled].into_iter().find(|status| status.name() == text)
    }
}

/// A commercial order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its identifier.
    pub id: OrderId,
    /// For whom.
    pub customer: CustomerId,
    /// Who is billed (R15).
    pub partner: PartnerId,
    /// When.
    pub placed_at: Timestamp,
    /// How often it is billed.
    pub billing_cycle: BillingCycle,
    /// In which currency.
    pub currency: Currency,
    /// How it stands.
    pub status: OrderStatus,
    /// Who bought.
    pub buyer: Buyer,
    /// What.
    pub lines: Vec<OrderLine>,
}
