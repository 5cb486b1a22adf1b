//! Commercial orders: what the partner is billed for, whoever bought it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity::{RecordDraft, Snapshot};
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::basket::{AskedLine, Basis, Placing, Wish};
use crate::catalog::Term;
use crate::catalog_item::CatalogItemId;
use crate::ids::{
    CustomerId, EntitlementId, OrderId, PartnerId, PrincipalId, ReservationId, ReservationOrderId, SubscriptionId,
};
use crate::money::{Currency, Money, MoneyError};
use crate::operation::{self, Operation};
use crate::placement::order_record;
use crate::refusal::Refusal;
use crate::reservation::{OrderWithReservations, Reservation};

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

impl OrderLine {
    /// What the partner pays for the line in all.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn partner_total(&self) -> Result<Money, MoneyError> {
        self.prices.partner.times(self.quantity)
    }
}

impl Order {
    /// Whether nothing of it is left, where these reservation orders were given back. Plans are not.
    pub fn is_given_back(&self, cancelled: &BTreeSet<ReservationOrderId>) -> bool {
        self.lines.iter().all(|line| match &line.item {
            OrderedItem::Reservation { reservation_order, .. } => cancelled.contains(reservation_order),
            OrderedItem::AzurePlan { .. } | OrderedItem::AzureGlobal { .. } => false,
        })
    }

    /// What the partner pays in all.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn partner_total(&self) -> Result<Money, MoneyError> {
        self.lines.iter().try_fold(Money::zero(self.currency), |sum, line| sum.plus(line.partner_total()?))
    }
}

/// Who acts, and on which side.
pub(crate) fn acting<A>(permit: &Permit<A>) -> Buyer {
    let side = if permit.is_partner() { BoughtBy::Partner } else { BoughtBy::Customer };
    Buyer { side, id: permit.actor().principal, name: permit.actor().name.clone() }
}

/// Whoever a permit is for, as the one of the partner's own that buys.
pub(crate) fn partner_buyer<A>(permit: &Permit<A>) -> Buyer {
    Buyer { side: BoughtBy::Partner, id: permit.actor().principal, name: permit.actor().name.clone() }
}

/// The one activity record of orders that were placed together.
pub(crate) fn orders_record(orders: &[Order]) -> RecordDraft {
    let mut records = orders.iter().map(order_record);
    let Some(first) = records.next() else {
        return RecordDraft { subject: String::new(), old: None, new: None, details: Vec::new() };
    };
    records.fold(first, |all, next| {
        let mut list = match all.new {
            Some(Snapshot::List(list)) => list,
            other => other.into_iter().collect(),
        };
        list.extend(next.new);
        let details = all.details.into_iter().chain(next.details).collect();
        RecordDraft { subject: all.subject, old: None, new: Some(Snapshot::List(list)), details }
    })
}

/// Places an order without a cart: one billing cycle, all lines or none (R42).
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// For whom.
    pub customer: CustomerId,
    /// What the order's identifier is made from: the same request names the same order.
    pub seed: Uuid,
    /// How it is billed; the lines say the same.
    pub billing_cycle: BillingCycle,
    /// What is asked for.
    pub lines: Vec<AskedLine>,
}

/// What placing an order looks at.
#[derive(Debug, Clone)]
pub struct PlaceOrderState {
    /// What the lines are checked against.
    pub basis: Basis,
    /// The order, where the request is a repeat.
    pub existing: Option<Order>,
}

impl Action for PlaceOrder {
    const OPERATION: Operation = operation::PLACE_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for PlaceOrder {
    type State = PlaceOrderState;
    type Receipt = Order;

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: PlaceOrderState,
        now: Timestamp,
    ) -> Result<Decision<Order>, Refusal> {
        if let Some(order) = state.existing {
            return Ok(Decision::unchanged(order));
        }
        if !state.basis.agreement_confirmed {
            return Err(Refusal::AgreementMissing { customer: self.customer });
        }
        let mut lines: Vec<(&AskedLine, Wish)> = Vec::new();
        for ((asked, checked), line) in
            self.lines.iter().zip(state.basis.check(&self.lines, self.customer, now)).zip(0_i64..)
        {
            let wish = checked.map_err(|problem| Refusal::OrderLine { line, problem: Box::new(problem) })?;
            lines.push((asked, wish));
        }
        let placing = Placing {
            customer: self.customer,
            seed: self.seed,
            buyer: partner_buyer(permit),
            billing_cycle: self.billing_cycle,
        };
        let (order, changes) = state.basis.place_order(&placing, &lines, now)?;
        let record = order_record(&order);
        Ok(Decision::changed(order, changes, record))
    }

    fn subject(&self) -> String {
        OrderId::from_uuid(self.seed).to_string()
    }
}

/// The orders of a customer that the actor's partner is billed for, whoever bought (R17, R45), newest first.
#[derive(Debug, Clone)]
pub struct ListOrders {
    /// Whose.
    pub customer: CustomerId,
}

impl Action for ListOrders {
    const OPERATION: Operation = operation::READ_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ListOrders {
    type Answer = Vec<Order>;
}

/// A page of such orders, and what all that fit come to.
#[derive(Debug, Clone)]
pub struct BrowseOrders {
    /// Whose.
    pub customer: CustomerId,
    /// Bought by this side only.
    pub side: Option<BoughtBy>,
    /// In this state only.
    pub status: Option<OrderStatus>,
    /// A part of the name of what was bought, or the beginning of the order's number, in lower case; empty for all.
    pub search: String,
    /// How many to leave out.
    pub skip: u32,
    /// How many at most.
    pub size: u32,
}

impl Action for BrowseOrders {
    const OPERATION: Operation = operation::READ_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for BrowseOrders {
    type Answer = OrdersFound;
}

/// What [`BrowseOrders`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrdersFound {
    /// The orders, newest first.
    pub orders: Vec<Order>,
    /// How many fit in all.
    pub count: i64,
    /// What the customer pays for those that are not cancelled, in every currency in which there are such.
    pub totals: Vec<Money>,
}

/// One order of a customer that the actor's partner is billed for.
#[derive(Debug, Clone)]
pub struct GetOrder {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub order: OrderId,
}

impl Action for GetOrder {
    const OPERATION: Operation = operation::READ_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetOrder {
    type Answer = Option<Order>;
}

/// A line of an order with the reservations it brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoughtReservation {
    /// As the catalogue named it.
    pub catalog_item: CatalogItemId,
    /// What came of it.
    pub bought: OrderWithReservations,
}

/// One reservation order of a customer that the actor's partner pays for, with its reservations.
#[derive(Debug, Clone)]
pub struct GetBoughtOrder {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub order: ReservationOrderId,
}

impl Action for GetBoughtOrder {
    const OPERATION: Operation = operation::READ_BOUGHT_RESERVATIONS;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetBoughtOrder {
    /// With the name of the subscription that it was bought on, too.
    type Answer = Option<OrderWithReservations>;
}

/// What a reservation that the actor's partner pays for has been: its revisions, newest first, the present one among them.
#[derive(Debug, Clone)]
pub struct ListBoughtRevisions {
    /// Whose.
    pub customer: CustomerId,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
}

impl Action for ListBoughtRevisions {
    const OPERATION: Operation = operation::READ_BOUGHT_RESERVATIONS;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ListBoughtRevisions {
    /// None where there is no such reservation.
    type Answer = Option<Vec<Reservation>>;
}

/// What a list of reservations may be narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Running, or about to.
    Live,
    /// Running, and over within [`crate::reservation::EXPIRING`].
    Expiring,
    /// Over by the end of the term.
    Expired,
    /// Over before: returned, exchanged, or gone on as others.
    Ended,
}

/// A page of the reservations of a customer that the actor's partner pays for, newest first.
#[derive(Debug, Clone)]
pub struct BrowseReservations {
    /// Whose.
    pub customer: CustomerId,
    /// Bought by this side only.
    pub side: Option<BoughtBy>,
    /// At this stage only.
    pub stage: Option<Stage>,
    /// A part of name, SKU, region, kind or identifier, in lower case; empty for all.
    pub search: String,
    /// Whether those are listed, too, that were hidden from lists.
    pub hidden: bool,
    /// The time that stages go by.
    pub now: Timestamp,
    /// How many to leave out.
    pub skip: u32,
    /// How many at most.
    pub size: u32,
}

impl Action for BrowseReservations {
    const OPERATION: Operation = operation::READ_BOUGHT_RESERVATIONS;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for BrowseReservations {
    type Answer = ReservationsFound;
}

/// What [`BrowseReservations`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationsFound {
    /// Each with its order, in which it is the only one.
    pub reservations: Vec<OrderWithReservations>,
    /// Whether there are more.
    pub more: bool,
}

/// Every reservation order of a customer that the actor's partner pays for, oldest first.
#[derive(Debug, Clone)]
pub struct ListBoughtReservations {
    /// Whose.
    pub customer: CustomerId,
}

impl Action for ListBoughtReservations {
    const OPERATION: Operation = operation::READ_BOUGHT_RESERVATIONS;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ListBoughtReservations {
    type Answer = Vec<BoughtReservation>;
}
