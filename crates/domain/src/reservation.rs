//! Reservation orders and the reservations under them.

use jiff::Timestamp;

use crate::arm_scope::ArmScope;
use crate::authz::{Action, Query, Target};
use crate::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use crate::ids::{CustomerId, OrderId, PartnerId, ReservationId, ReservationOrderId, SubscriptionId};
use crate::operation::{self, Operation};
use crate::order::{Buyer, UnitPrices};

/// How an order or a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationState {
    /// It gives benefit.
    Succeeded,
    /// It was returned, split, merged or exchanged.
    Cancelled,
    /// Its term is over.
    Expired,
}

impl ReservationState {
    /// The word the database stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Succeeded, Self::Cancelled, Self::Expired].into_iter().find(|state| state.name() == text)
    }
}

/// Which usage a reservation's benefit applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppliedScope {
    /// All subscriptions that this partner bought for this customer (R30).
    Shared,
    /// One subscription or one resource group (R31).
    Single(ArmScope),
}

impl AppliedScope {
    /// The word of the wire and the database.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Shared => "Shared",
            Self::Single(_) => "Single",
        }
    }

    /// The subscription or resource group, where it is only one.
    pub fn scope(&self) -> Option<&ArmScope> {
        match self {
            Self::Shared => None,
            Self::Single(scope) => Some(scope),
        }
    }
}

/// A reservation's name for people: letters, digits, `_` and `-`, at most 64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// A text that is no display name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the display name `{0}` is not 1 to 64 letters, digits, `_` or `-`")]
pub struct InvalidDisplayName(pub String);

impl DisplayName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidDisplayName`].
    pub fn parse(text: &str) -> Result<Self, InvalidDisplayName> {
        let length = text.chars().count();
        if (1..=64).contains(&length) && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDisplayName(text.chars().take(80).collect()))
        }
    }

    /// The name of a purchase that was given none: the SKU and the day.
    pub fn of(sku: &SkuName, now: Timestamp) -> Self {
        let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let sku: String =
            sku.as_str().chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).take(50).collect();
        Self(format!("{sku}_{day}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for DisplayName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was bought: one SKU in one region for one term, on one billing subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationOrder {
    /// Its identifier, minted with the quote.
    pub id: ReservationOrderId,
    /// For whom.
    pub customer: CustomerId,
    /// Who pays (R15).
    pub partner: PartnerId,
    /// The commercial order it came with.
    pub order: OrderId,
    /// The line of that order.
    pub line: i64,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// Its name for people.
    pub display_name: DisplayName,
    /// The SKU.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The term.
    pub term: Term,
    /// How it is paid.
    pub plan: BillingPlan,
    /// How many instances were bought.
    pub quantity: Quantity,
    /// What one instance costs for the term.
    pub prices: UnitPrices,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the benefit starts.
    pub starts_at: Timestamp,
    /// When it ends: the same time of day, the term later.
    pub expires_at: Timestamp,
    /// How it stands.
    pub state: ReservationState,
    /// Grows with every change.
    pub etag: i64,
    /// Who bought it (R17).
    pub buyer: Buyer,
}

impl ReservationOrder {
    /// The name it has in Azure Resource Manager.
    pub fn scope(&self) -> ArmScope {
        ArmScope::ReservationOrder(self.id)
    }
}

/// What gives benefit, under an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its identifier.
    pub id: ReservationId,
    /// The order it came with.
    pub order: ReservationOrderId,
    /// Its name for people.
    pub display_name: DisplayName,
    /// How many instances.
    pub quantity: Quantity,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// Whether it covers other sizes of its group.
    pub instance_flexibility: bool,
    /// Whether it renews itself at the end; only the partner sets this (R20).
    pub renew: bool,
    /// Whether it is hidden from lists.
    pub archived: bool,
    /// How it stands.
    pub state: ReservationState,
    /// Grows with every change.
    pub etag: i64,
    /// When someone wanted to be reminded of it.
    pub review_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Reservation {
    /// The name it has in Azure Resource Manager.
    pub fn scope_id(&self) -> ArmScope {
        ArmScope::Reservation(self.order, self.id)
    }
}

/// A reservation order with everything under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderWithReservations {
    /// The order.
    pub order: ReservationOrder,
    /// Its reservations of all generations, oldest first.
    pub reservations: Vec<Reservation>,
}

/// One order and its reservations, as Azure Resource Manager shows them.
#[derive(Debug, Clone)]
pub struct GetReservationOrder {
    /// Which.
    pub order: ReservationOrderId,
}

impl Action for GetReservationOrder {
    const OPERATION: Operation = operation::READ_RESERVATION_ORDER;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Query for GetReservationOrder {
    type Answer = Option<OrderWithReservations>;
}

/// Every order the actor may read: those he holds a role on, and for a partner's Admin agents those the partner pays for.
#[derive(Debug, Clone)]
pub struct ListReservationOrders;

impl Action for ListReservationOrders {
    const OPERATION: Operation = operation::LIST_RESERVATION_ORDERS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

impl Query for ListReservationOrders {
    type Answer = Vec<OrderWithReservations>;
}
