//! What rated usage tells: utilisation, coverage, savings, charge-back, and why (R45: to each what is theirs).
//!
//! A partner's people see all of what their partner sold to the customer; the customer's people see the subscriptions and
//! reservations that their roles let them read. Costs are the customer's: what the partner pays is nowhere in it (R14).

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::actor::Standing;
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Facts, Permit, Query, Target};
use crate::catalog::{Region, SkuName};
use crate::ids::{CustomerId, PartnerId, ReservationId, ReservationOrderId, SubscriptionId};
use crate::money::Currency;
use crate::operation::{self, Operation};
use crate::rated::{HourUse, Share, Used};
use crate::role;
use crate::usage::{UsageResource, day_of};

mod explained;

pub use explained::{About, ExplainUsage, Explained, ExplainedLine, ExplainedPart, ExplainedReservation, explain};

/// Which hours are asked about, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// So many days, 24 hours each, up to the end of the last hour of which usage is known with a partner.
    LastDays(i64),
    /// From an hour to before another.
    Hours {
        /// The first hour.
        from: i64,
        /// The hour before which it ends.
        until: i64,
    },
}

impl Period {
    /// The first hour and the one before which it ends, where usage is known up to `end`.
    pub fn hours(self, end: i64) -> (i64, i64) {
        match self {
            Self::LastDays(days) => (end.saturating_sub(days.saturating_mul(24)), end),
            Self::Hours { from, until } => (from, until),
        }
    }
}

/// What is known of a customer's usage with one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The partner whose subscriptions ran it.
    pub partner: PartnerId,
    /// The first hour of which usage is known, counted from 1970.
    pub first: i64,
    /// The hour that follows the last one.
    pub end: i64,
    /// The first hour of the period that was asked about.
    pub from: i64,
    /// The hour before which that period ends.
    pub until: i64,
    /// Hours of the period of which usage is known. The others count nowhere.
    pub hours: i64,
    /// Days of all that is known whose figures are about to be made anew.
    pub waiting_days: i64,
}

/// What usage of a customer is known, and of which subscriptions it can be.
#[derive(Debug, Clone)]
pub struct ReadKnownUsage {
    /// Whose.
    pub customer: CustomerId,
}

/// What usage of a customer is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownUsage {
    /// By partner; the period of each is empty.
    pub known: Vec<Known>,
    /// The customer's subscriptions and who sold them, as far as the actor may see them.
    pub subscriptions: Vec<(PartnerId, SubscriptionId)>,
}

/// How well reservations were used: those of a customer that the actor may see.
#[derive(Debug, Clone)]
pub struct ReadUtilization {
    /// Whose.
    pub customer: CustomerId,
    /// When.
    pub period: Period,
    /// Only this reservation.
    pub reservation: Option<ReservationId>,
}

/// How well the reservations of an order were used, for whoever may read them.
#[derive(Debug, Clone)]
pub struct ReadOrderUse {
    /// The order.
    pub order: ReservationOrderId,
    /// Only this reservation of it.
    pub reservation: Option<ReservationId>,
    /// When.
    pub period: Period,
}

/// How well reservations were used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Utilization {
    /// The hours of which usage is known, by partner.
    pub known: Vec<Known>,
    /// The reservations that were active in any of them, by identifier.
    pub reservations: Vec<ReservationUse>,
}

/// How well a reservation was used, hour by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationUse {
    /// Who pays.
    pub partner: PartnerId,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// The reserved SKU.
    pub sku: SkuName,
    /// The currency of its costs.
    pub currency: Currency,
    /// Amortised cost of an instance for one hour at the list price, in 10^-8.
    pub list_hourly_e8: i64,
    /// The hours of the period in which it was active and usage is known, in order.
    pub hours: Vec<HourUse>,
}

/// Sums over hours. Amounts are in 10^-10; costs are amortised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UseTotals {
    /// Hours in which it was active.
    pub hours: i64,
    /// Instance hours that were reserved.
    pub reserved_e10: i128,
    /// Of them, those that were used.
    pub used_e10: i128,
    /// What the used ones cost the customer.
    pub used_cost_e10: i128,
    /// What the unused ones cost the customer.
    pub unused_cost_e10: i128,
    /// What all of them cost at the list price.
    pub list_cost_e10: i128,
    /// What the covered usage would have cost pay as you go.
    pub pay_as_you_go_e10: i128,
}

impl UseTotals {
    /// Instance hours that nobody used.
    pub fn unused_e10(&self) -> i128 {
        self.reserved_e10 - self.used_e10
    }

    /// The share of the reserved hours that was used, in per cent, rounded half to even at `decimals`; none where nothing
    /// was reserved.
    pub fn percent(&self, decimals: u32) -> Option<Decimal> {
        percent(self.used_e10, self.reserved_e10, decimals)
    }

    /// What the customer saved against paying as it goes; below zero where the reservation cost more than that.
    pub fn saved_e10(&self) -> i128 {
        self.pay_as_you_go_e10 - self.used_cost_e10 - self.unused_cost_e10
    }

    /// What would have been saved had the reservation been bought at the list price.
    pub fn saved_at_list_e10(&self) -> i128 {
        self.pay_as_you_go_e10 - self.list_cost_e10
    }

    fn add(&mut self, hour: &HourUse, list_hourly_e8: i64) {
        self.hours = self.hours.saturating_add(1);
        self.reserved_e10 += i128::from(hour.quantity) * 10_000_000_000;
        self.used_e10 += hour.used_e10;
        self.used_cost_e10 += hour.used_cost_e10;
        self.unused_cost_e10 += hour.unused_cost_e10;
        self.list_cost_e10 += i128::from(hour.quantity) * i128::from(list_hourly_e8) * 100;
        self.pay_as_you_go_e10 += hour.pay_as_you_go_e10;
    }
}

/// A part of a whole in per cent, rounded half to even at `decimals` (at most 20); none of nothing.
pub fn percent(part_e10: i128, whole_e10: i128, decimals: u32) -> Option<Decimal> {
    if whole_e10 == 0 {
        return None;
    }
    // Both fit a decimal but for amounts beyond anything real, of which the last digits say nothing.
    let (mut part, mut whole) = (part_e10, whole_e10);
    while part.abs().max(whole.abs()) >= 1_000_000_000_000_000_000_000_000 {
        (part, whole) = (part / 10, whole / 10);
    }
    let ratio = Decimal::from_i128_with_scale(part, 0).checked_mul(Decimal::ONE_HUNDRED)?;
    let ratio = ratio.checked_div(Decimal::from_i128_with_scale(whole, 0))?;
    Some(ratio.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven))
}

impl ReservationUse {
    /// The sums from an hour to before another.
    pub fn totals(&self, from: i64, until: i64) -> UseTotals {
        let mut totals = UseTotals::default();
        for hour in self.hours.iter().filter(|one| (from..until).contains(&one.hour)) {
            totals.add(hour, self.list_hourly_e8);
        }
        totals
    }

    /// The sums over so many days before an hour, and over as many before them.
    pub fn last_days(&self, end: i64, days: i64) -> (UseTotals, UseTotals) {
        let begin = end.saturating_sub(days.saturating_mul(24));
        (self.totals(begin, end), self.totals(begin.saturating_sub(days.saturating_mul(24)), begin))
    }

    /// The sums of each day, counted from 1970.
    pub fn days(&self) -> BTreeMap<i64, UseTotals> {
        let mut days: BTreeMap<i64, UseTotals> = BTreeMap::new();
        for hour in &self.hours {
            days.entry(day_of(hour.hour)).or_default().add(hour, self.list_hourly_e8);
        }
        days
    }
}

impl Utilization {
    /// What is known with the partner that pays for a reservation.
    pub fn known_of(&self, one: &ReservationUse) -> Option<&Known> {
        self.known.iter().find(|known| known.partner == one.partner)
    }

    /// The hour that follows the last one of which usage is known; zero where nothing is.
    pub fn end_of(&self, one: &ReservationUse) -> i64 {
        self.known_of(one).map_or(0, |known| known.end)
    }

    /// Used and reserved over the last so many days up to where usage is known, and over as many before them.
    pub fn last_days(&self, one: &ReservationUse, days: i64) -> (UseTotals, UseTotals) {
        one.last_days(self.end_of(one), days)
    }
}

/// Which resources used the reservations of an order, for whoever may read them.
#[derive(Debug, Clone)]
pub struct ReadResourceUse {
    /// The order.
    pub order: ReservationOrderId,
    /// Only this reservation of it.
    pub reservation: Option<ReservationId>,
    /// When; days count whole.
    pub period: Period,
}

/// How well the reservations were used that the actor's own partner pays for, of all its customers.
#[derive(Debug, Clone)]
pub struct ReadPartnerUse {
    /// The partner that is asked about.
    pub partner: PartnerId,
    /// Only this order.
    pub order: Option<ReservationOrderId>,
    /// Only this reservation.
    pub reservation: Option<ReservationId>,
    /// When.
    pub period: Period,
}

/// Which resources used them.
#[derive(Debug, Clone)]
pub struct ReadPartnerResourceUse {
    /// The partner that is asked about.
    pub partner: PartnerId,
    /// Only this order.
    pub order: Option<ReservationOrderId>,
    /// Only this reservation.
    pub reservation: Option<ReservationId>,
    /// When; days count whole.
    pub period: Period,
}

/// What of a partner's there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfPartner<T> {
    /// This.
    Found(Vec<T>),
    /// The actor belongs to another partner.
    NotTheirs,
    /// More than can be told at once.
    TooMuch,
}

/// Days of reservations, or of resources, that are told of a partner at once.
pub const OF_PARTNER_MAX: usize = 50_000;

/// What the resources of a subscription used and what it cost, for whoever may read it there.
#[derive(Debug, Clone)]
pub struct ReadSubscriptionUse {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// When; days count whole.
    pub period: Period,
}

/// What a subscription is charged for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionUse {
    /// What its resources used.
    pub resources: Vec<ResourceUse>,
    /// What nobody used of the reservations that are charged to it, as far as the actor may see them, by day.
    pub wastes: Vec<(i64, Waste)>,
}

/// What a resource used in a day, of one reservation or of none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUse {
    /// The day, counted from 1970.
    pub day: i64,
    /// The resource.
    pub resource: UsageResource,
    /// The reservation that covered it; `None`: none did.
    pub reservation: Option<ReservationId>,
    /// How much, and what it cost.
    pub used: Used,
}

/// Who used what and what it cost, by day: of a customer's usage what the actor may see.
#[derive(Debug, Clone)]
pub struct ReadCosts {
    /// Whose.
    pub customer: CustomerId,
    /// When; days count whole, so the period is widened to whole days.
    pub period: Period,
}

/// Who used what and what it cost, day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Costs {
    /// The hours of which usage is known, by partner.
    pub known: Vec<Known>,
    /// By partner and day.
    pub days: Vec<DayCosts>,
}

/// A day with one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCosts {
    /// The partner.
    pub partner: PartnerId,
    /// The day, counted from 1970.
    pub day: i64,
    /// What ran, by place.
    pub shares: Vec<Share>,
    /// What nobody used.
    pub wastes: Vec<Waste>,
}

/// What of a reservation nobody used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waste {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// The subscription whose charge it is: the one it applies to; of a shared one, the billing subscription.
    pub charged_to: SubscriptionId,
    /// The reserved SKU.
    pub sku: SkuName,
    /// The region of the reservation.
    pub region: Region,
    /// The currency.
    pub currency: Currency,
    /// Instance hours, in 10^-10.
    pub quantity_e10: i128,
    /// What they cost, in 10^-10.
    pub cost_e10: i128,
}

/// A partner and a currency: nothing is ever added up across them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Context {
    /// The partner.
    pub partner: PartnerId,
    /// The currency.
    pub currency: Currency,
}

/// How much of what ran was covered. Amounts are in 10^-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Instance hours that ran.
    pub consumed_e10: i128,
    /// Of them, those that a reservation covered.
    pub covered_e10: i128,
    /// What the covered ones cost, amortised.
    pub covered_cost_e10: i128,
    /// What the covered ones would have cost pay as you go.
    pub covered_at_pay_as_you_go_e10: i128,
    /// What the others cost.
    pub pay_as_you_go_e10: i128,
}

impl Coverage {
    /// The share of instance hours that was covered, in per cent; none where nothing ran.
    pub fn percent(&self, decimals: u32) -> Option<Decimal> {
        percent(self.covered_e10, self.consumed_e10, decimals)
    }

    fn add(&mut self, share: &Share) {
        self.consumed_e10 += share.consumed_e10;
        if share.reservation.is_some() {
            self.covered_e10 += share.consumed_e10;
            self.covered_cost_e10 += share.cost_e10;
            self.covered_at_pay_as_you_go_e10 += share.pay_as_you_go_e10;
        } else {
            self.pay_as_you_go_e10 += share.cost_e10;
        }
    }
}

/// Who is charged what, of one subscription and resource group. Amounts are in 10^-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// Instance hours that ran.
    pub consumed_e10: i128,
    /// Of them, those that a reservation covered.
    pub covered_e10: i128,
    /// What the covered ones cost, amortised.
    pub benefit_cost_e10: i128,
    /// What the covered ones would have cost pay as you go.
    pub benefit_at_pay_as_you_go_e10: i128,
    /// What nobody used of the reservations that are charged here.
    pub waste_cost_e10: i128,
    /// What is left to pay as you go.
    pub pay_as_you_go_e10: i128,
}

impl Charge {
    /// All of it.
    pub fn total_e10(&self) -> i128 {
        self.benefit_cost_e10 + self.waste_cost_e10 + self.pay_as_you_go_e10
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            consumed_e10: self.consumed_e10 + other.consumed_e10,
            covered_e10: self.covered_e10 + other.covered_e10,
            benefit_cost_e10: self.benefit_cost_e10 + other.benefit_cost_e10,
            benefit_at_pay_as_you_go_e10: self.benefit_at_pay_as_you_go_e10 + other.benefit_at_pay_as_you_go_e10,
            waste_cost_e10: self.waste_cost_e10 + other.waste_cost_e10,
            pay_as_you_go_e10: self.pay_as_you_go_e10 + other.pay_as_you_go_e10,
        }
    }
}

/// Who is charged: a subscription, and a resource group in lower case. Waste belongs to no group, nor does what runs in none.
pub type Place = (SubscriptionId, Option<String>);

/// What is charged to whom in one context; the charges add up to the total, which is the amortised bill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chargeback {
    /// By place.
    pub charges: BTreeMap<Place, Charge>,
    /// All of them.
    pub total: Charge,
}

impl Costs {
    /// How much was covered, by context; and of it by subscription.
    pub fn coverage(&self) -> BTreeMap<Context, (Coverage, BTreeMap<SubscriptionId, Coverage>)> {
        let mut found: BTreeMap<Context, (Coverage, BTreeMap<SubscriptionId, Coverage>)> = BTreeMap::new();
        for day in &self.days {
            for share in &day.shares {
                let context = Context { partner: day.partner, currency: share.currency };
                let (all, by_subscription) = found.entry(context).or_default();
                all.add(share);
                by_subscription.entry(share.subscription).or_default().add(share);
            }
        }
        found
    }

    /// How much was covered, by context and day, counted from 1970.
    pub fn coverage_by_day(&self) -> BTreeMap<Context, BTreeMap<i64, Coverage>> {
        let mut found: BTreeMap<Context, BTreeMap<i64, Coverage>> = BTreeMap::new();
        for day in &self.days {
            for share in &day.shares {
                let context = Context { partner: day.partner, currency: share.currency };
                found.entry(context).or_default().entry(day.day).or_default().add(share);
            }
        }
        found
    }

    /// Who is charged what, by context.
    pub fn chargeback(&self) -> BTreeMap<Context, Chargeback> {
        let mut found: BTreeMap<Context, Chargeback> = BTreeMap::new();
        let mut add = |context, place, charge: &Charge| {
            let of_context = found.entry(context).or_default();
            let so_far = of_context.charges.entry(place).or_default();
            *so_far = so_far.plus(charge);
            of_context.total = of_context.total.plus(charge);
        };
        for day in &self.days {
            for share in &day.shares {
                let mut charge = Charge { consumed_e10: share.consumed_e10, ..Charge::default() };
                if share.reservation.is_some() {
                    charge.covered_e10 = share.consumed_e10;
                    charge.benefit_cost_e10 = share.cost_e10;
                    charge.benefit_at_pay_as_you_go_e10 = share.pay_as_you_go_e10;
                } else {
                    charge.pay_as_you_go_e10 = share.cost_e10;
                }
                let context = Context { partner: day.partner, currency: share.currency };
                add(context, (share.subscription, share.group.clone()), &charge);
            }
            for waste in &day.wastes {
                let charge = Charge { waste_cost_e10: waste.cost_e10, ..Charge::default() };
                add(Context { partner: day.partner, currency: waste.currency }, (waste.charged_to, None), &charge);
            }
        }
        found
    }
}

/// What of a customer's usage an actor may see.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a>(Seen<'a>);

#[derive(Debug, Clone, Copy)]
enum Seen<'a> {
    /// What standing and roles allow.
    By(&'a Facts),
    /// All that a partner sold.
    Of(PartnerId),
}

impl<'a> Sight<'a> {
    /// By what is known of the actor in the customer's directory.
    pub fn of(facts: &'a Facts) -> Self {
        Self(Seen::By(facts))
    }

    /// All that the partner sold, whoever the customer is, with a permit that only the partner's own people get.
    pub fn of_partner(permit: &Permit<impl OfOwnPartner>) -> Self {
        Self(Seen::Of(permit.partner()))
    }

    /// Whether anything of what this partner sold may be seen.
    pub fn sees_partner(self, partner: PartnerId) -> bool {
        let facts = match self.0 {
            Seen::By(facts) => facts,
            Seen::Of(own) => return own == partner,
        };
        match &facts.standing {
            Standing::PartnerUser { partner: own, roles } => *own == partner && !roles.is_empty(),
            Standing::PartnerApplication { partner: own } => *own == partner,
            Standing::Customer { .. } => true,
            Standing::Outsider => false,
        }
    }

    /// Whether what a subscription runs may be seen, of those that a visible partner sold.
    pub fn sees_subscription(self, id: SubscriptionId) -> bool {
        self.reads(READ_USAGE_DETAILS, &ArmScope::Subscription(id))
    }

    /// Whether a reservation may be seen, of those that a visible partner pays for.
    pub fn sees_reservation(self, order: ReservationOrderId, id: ReservationId) -> bool {
        self.reads(READ_RESERVATION, &ArmScope::Reservation(order, id))
    }

    fn reads(self, action: &str, scope: &ArmScope) -> bool {
        match self.0 {
            Seen::Of(_) => true,
            Seen::By(facts) => facts.customer.is_some_and(|customer| {
                facts.standing.partner().is_some() || role::allowed(&facts.grants, action, scope, customer.tenant())
            }),
        }
    }
}

/// What reading the usage of a subscription takes.
pub(crate) const READ_USAGE_DETAILS: &str = "Microsoft.Consumption/usageDetails/read";

/// Whoever may read a reservation may read how it is used.
pub(crate) const READ_RESERVATION: &str = "Microsoft.Capacity/reservationOrders/reservations/read";

macro_rules! of_customer {
    ($($query:ty => $answer:ty;)*) => {$(
        impl Action for $query {
            const OPERATION: Operation = operation::READ_USAGE;

            fn target(&self) -> Target {
                Target::Customer(self.customer)
            }
        }

        impl Query for $query {
            type Answer = $answer;
        }
    )*};
}

of_customer! {
    ReadKnownUsage => KnownUsage;
    ReadUtilization => Utilization;
    ReadCosts => Costs;
    ExplainUsage => Vec<Explained>;
}

macro_rules! of_order {
    ($($query:ty => $answer:ty;)*) => {$(
        impl Action for $query {
            const OPERATION: Operation = operation::READ_RESERVATION_USE;

            fn target(&self) -> Target {
                Target::Scope(match self.reservation {
                    Some(reservation) => ArmScope::Reservation(self.order, reservation),
                    None => ArmScope::ReservationOrder(self.order),
                })
            }
        }

        impl Query for $query {
            type Answer = $answer;
        }
    )*};
}

of_order! {
    ReadOrderUse => Utilization;
    ReadResourceUse => Vec<ResourceUse>;
}

/// Queries over the customers of the actor's own partner.
pub trait OfOwnPartner {}

macro_rules! of_partner {
    ($($query:ty => $answer:ty;)*) => {$(
        impl OfOwnPartner for $query {}

        impl Action for $query {
            const OPERATION: Operation = operation::READ_PARTNER_USE;

            fn target(&self) -> Target {
                Target::OwnPartner
            }
        }

        impl Query for $query {
            type Answer = OfPartner<$answer>;
        }
    )*};
}

of_partner! {
    ReadPartnerUse => ReservationUse;
    ReadPartnerResourceUse => ResourceUse;
}

impl Action for ReadSubscriptionUse {
    const OPERATION: Operation = operation::READ_SUBSCRIPTION_USE;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::Subscription(self.subscription))
    }
}

impl Query for ReadSubscriptionUse {
    type Answer = SubscriptionUse;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::testing;

    fn hour(hour: i64, used: i128) -> HourUse {
        HourUse {
            hour,
            quantity: 3,
            used_e10: used * 10_000_000_000,
            used_cost_e10: used * 100,
            unused_cost_e10: 300 - used * 100,
            pay_as_you_go_e10: used * 150,
        }
    }

    fn use_of(hours: Vec<HourUse>) -> ReservationUse {
        ReservationUse {
            partner: testing::partner(),
            order: testing::ORDER,
            reservation: testing::RESERVATION,
            sku: SkuName::parse("Standard_D2s_v5").unwrap(),
            currency: Currency::parse("EUR").unwrap(),
            list_hourly_e8: 2,
            hours,
        }
    }

    #[test]
    fn utilization_is_used_over_reserved_of_the_hours_known() {
        let one = use_of(vec![hour(20, 3), hour(23, 1), hour(24, 0), hour(47, 2)]);
        let all = one.totals(0, 48);
        assert_eq!((all.hours, all.reserved_e10, all.used_e10), (4, 120_000_000_000, 60_000_000_000));
        assert_eq!(all.percent(2), Some(Decimal::from(50)));
        assert_eq!(all.unused_e10(), 60_000_000_000);
        assert_eq!((all.used_cost_e10, all.unused_cost_e10, all.saved_e10()), (600, 600, 900 - 1_200));
        assert_eq!(all.saved_at_list_e10(), 900 - 4 * 3 * 2 * 100);
        let days = one.days();
        assert_eq!(days[&0].percent(1).unwrap().to_string(), "66.7");
        assert_eq!(days[&1].percent(0).unwrap().to_string(), "33");
        assert_eq!(UseTotals::default().percent(2), None);
        let known =
            Known { partner: testing::partner(), first: 20, end: 48, from: 0, until: 48, hours: 4, waiting_days: 0 };
        let answer = Utilization { known: vec![known], reservations: vec![one] };
        let (last, before) = answer.last_days(&answer.reservations[0], 1);
        assert_eq!((last.hours, before.hours), (2, 2));
        assert_eq!(percent(1, 3 * 10_i128.pow(35), 2), Some(Decimal::ZERO));
    }

    #[test]
    fn charges_add_up_to_the_bill() {
        let currency = Currency::parse("EUR").unwrap();
        let subscription = |n| SubscriptionId(Uuid::from_u128(n));
        let share = |n, group: &str, reservation: Option<ReservationId>, cost| Share {
            subscription: subscription(n),
            group: Some(group.to_owned()),
            currency,
            reservation,
            consumed_e10: 10,
            cost_e10: cost,
            pay_as_you_go_e10: 7,
        };
        let day = |day, cost| DayCosts {
            partner: testing::partner(),
            day,
            shares: vec![share(1, "app", Some(testing::RESERVATION), cost), share(1, "app", None, 7)],
            wastes: vec![Waste {
                order: testing::ORDER,
                reservation: testing::RESERVATION,
                charged_to: subscription(2),
                sku: SkuName::parse("Standard_D2s_v5").unwrap(),
                region: Region::parse("swedencentral").unwrap(),
                currency,
                quantity_e10: 1,
                cost_e10: 100 - cost,
            }],
        };
        let costs = Costs { known: Vec::new(), days: vec![day(1, 40), day(2, 55)] };
        let back = costs.chargeback();
        let [(context, back)] = back.iter().collect::<Vec<_>>()[..] else { panic!("{back:?}") };
        assert_eq!(context.currency, currency);
        let totals: Vec<i128> = back.charges.values().map(Charge::total_e10).collect();
        assert_eq!(totals, [40 + 55 + 14, 60 + 45]);
        assert_eq!(back.total.total_e10(), 200 + 14, "what was reserved, and what was paid as it went");
        let coverage = costs.coverage();
        let (all, by_subscription) = coverage.values().next().unwrap();
        assert_eq!(all.percent(2), Some(Decimal::from(50)));
        assert_eq!(by_subscription.len(), 1);
        assert_eq!(costs.coverage_by_day().values().next().unwrap()[&2].covered_cost_e10, 55);
    }
}
