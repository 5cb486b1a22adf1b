//! What a partner looks back on: purchases, payments, spend, what runs out, over all its customers or for one.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::authz::{Action, Query, Target};
use crate::basket::{AskedLine, LineProblem, Wish};
use crate::catalog::{Offer, ReservedResourceType, Term};
use crate::ids::{CustomerId, OrderId, ReservationId, ReservationOrderId};
use crate::money::{Currency, Money};
use crate::operation::{self, Operation};
use crate::order::OrderStatus;
use crate::price::PriceBreakdown;

macro_rules! own_partner {
    ($($query:ty: $operation:ident => $answer:ty;)*) => {$(
        impl Action for $query {
            const OPERATION: Operation = operation::$operation;

            fn target(&self) -> Target {
                Target::OwnPartner
            }
        }

        impl Query for $query {
            type Answer = $answer;
        }
    )*};
}

own_partner! {
    FindCustomers: READ_ACTIVITY => Vec<NamedCustomer>;
    ListPurchases: READ_ORDER => Vec<Purchase>;
    ListExpiring: READ_ORDER => Vec<Expiring>;
    SumSpend: READ_ORDER => Vec<DaySpend>;
    ListPermitted: READ_SELF_SERVE_POLICY => Permitted;
}

/// A customer and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCustomer {
    /// Which.
    pub id: CustomerId,
    /// The company's name.
    pub name: String,
}

/// The names of customers of the actor's partner. Whoever sees the log or an order knows the customers in it.
#[derive(Debug, Clone)]
pub enum FindCustomers {
    /// Of these, as far as they are the partner's own; at most a hundred are looked for.
    Ids(Vec<CustomerId>),
    /// Whose name or domain begins with this, without regard to case; at most so many, sorted by name.
    Beginning(String, u32),
}

/// What customers of the actor's partner bought by their permission, newest first.
#[derive(Debug, Clone)]
pub struct ListPurchases {
    /// How many at most.
    pub size: u32,
}

/// An order by a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// The order.
    pub order: OrderId,
    /// By whom.
    pub customer: NamedCustomer,
    /// When.
    pub at: Timestamp,
    /// The user's principal name or the application's name.
    pub buyer: String,
    /// The name of its first line.
    pub item: String,
    /// How many lines it has.
    pub lines: i64,
    /// What the customer pays in all.
    pub total: Money,
    /// How the order stands.
    pub status: OrderStatus,
}

/// Reservations of all customers of the actor's partner that run out before an instant, the next one first.
#[derive(Debug, Clone)]
pub struct ListExpiring {
    /// The first instant that no longer counts.
    pub until: Timestamp,
    /// How many at most.
    pub size: u32,
}

/// A reservation that runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// The reservation order.
    pub order: ReservationOrderId,
    /// The reservation in it.
    pub reservation: ReservationId,
    /// Whose.
    pub customer: NamedCustomer,
    /// Its name for people.
    pub name: String,
    /// The SKU.
    pub sku: String,
    /// How many instances there are.
    pub quantity: i64,
    /// When.
    pub expires_at: Timestamp,
}

/// What the actor's partner and its customers were charged, less what they were given back, day by day.
#[derive(Debug, Clone)]
pub struct SumSpend {
    /// The first instant that counts; at most two years are looked back.
    pub from: Timestamp,
    /// The first instant that no longer counts.
    pub until: Timestamp,
}

/// The charges of a day in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySpend {
    /// The day, in UTC.
    pub day: Date,
    /// What the partner owes. For those of the partner who may know it.
    pub cost: Money,
    /// What the customers owe the partner.
    pub price: Money,
}

/// How many customers of the actor's partner have a permission that is on, and which were given it last.
#[derive(Debug, Clone)]
pub struct ListPermitted {
    /// How many are named at most.
    pub size: u32,
}

/// The permissions that are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// Customers that may buy reservations.
    pub reservations: i64,
    /// Customers that may buy savings plans.
    pub savings_plans: i64,
    /// The customers whose permission was turned on or changed last, and when, newest first.
    pub latest: Vec<(NamedCustomer, Timestamp)>,
}

/// The instalments of a reservation order of a customer that the actor's partner pays for, in order.
#[derive(Debug, Clone)]
pub struct ListInstalments {
    /// Whose.
    pub customer: CustomerId,
    /// Which order.
    pub order: ReservationOrderId,
}

/// One instalment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedInstalment {
    /// From 1.
    pub number: i64,
    /// The day it falls due.
    pub due: Date,
    /// What the partner owes. For those of the partner who may know it.
    pub cost: Money,
    /// What the customer owes the partner.
    pub price: Money,
    /// Whether it is in the ledger.
    pub posted: bool,
}

/// What a customer of the actor's partner would pay today, offer by offer (R14), sorted as the catalogue is.
#[derive(Debug, Clone)]
pub struct ViewPrices {
    /// For whom.
    pub customer: CustomerId,
    /// When; the day decides which offers and rules hold.
    pub now: Timestamp,
    /// Only these offers.
    pub filter: OfferFilter,
    /// After so many.
    pub offset: usize,
    /// How many at most.
    pub size: usize,
}

/// What is looked for in the catalogue. Texts are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferFilter {
    /// The kind of resource.
    pub kind: Option<ReservedResourceType>,
    /// The family, whole.
    pub family: Option<String>,
    /// The region, whole.
    pub region: Option<String>,
    /// The term.
    pub term: Option<Term>,
    /// What the SKU's name contains.
    pub sku: Option<String>,
}

impl OfferFilter {
    /// Whether an offer is among what is looked for.
    pub fn takes(&self, offer: &Offer) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let contains = |wanted: &String| offer.sku.as_str().to_ascii_lowercase().contains(&wanted.to_ascii_lowercase());
        self.kind.is_none_or(|kind| kind == offer.resource_type)
            && self.term.is_none_or(|term| term == offer.term)
            && same(&self.family, &offer.family)
            && same(&self.region, offer.region.as_str())
            && self.sku.as_ref().is_none_or(contains)
    }
}

/// Offers with their prices for a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricePage {
    /// The partner's billing currency.
    pub currency: Currency,
    /// The offers.
    pub offers: Vec<(Offer, PriceBreakdown)>,
    /// Whether there are more.
    pub more: bool,
    /// The kinds of resource, families and regions that are sold to the customer, whatever is looked for.
    pub choices: OfferChoices,
}

/// What can be looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferChoices {
    /// Kinds of resource.
    pub kinds: Vec<ReservedResourceType>,
    /// Families of the kind that is looked for.
    pub families: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
}

impl Action for ViewPrices {
    const OPERATION: Operation = operation::READ_PARTNER_CATALOG;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ViewPrices {
    type Answer = PricePage;
}

/// What lines of a cart come to, and what is wrong with them, as things stand now.
#[derive(Debug, Clone)]
pub struct CheckLines {
    /// For whom.
    pub customer: CustomerId,
    /// The lines.
    pub lines: Vec<AskedLine>,
    /// When.
    pub now: Timestamp,
}

impl Action for CheckLines {
    const OPERATION: Operation = operation::READ_CART;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for CheckLines {
    type Answer = Vec<Result<Wish, LineProblem>>;
}

impl Action for ListInstalments {
    const OPERATION: Operation = operation::READ_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ListInstalments {
    type Answer = Vec<PlannedInstalment>;
}
