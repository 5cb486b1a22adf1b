//! What to buy: the reservations that would have saved most on usage that was paid as you go.
//!
//! Looked at is the *remainder* of the rated usage of some weeks: what no reservation covered. For every region, group of sizes
//! and scope, each size that is sold is tried in every quantity, and the one with the largest net saving is proposed:
//! what would not have been paid as you go, less what the reserved instances would have cost in all hours, used or not. That
//! a further instance pays when it is used more than a certain share of the hours follows from it.
//!
//! The amounts are those that rating would give for that usage with the reservation, to the last digit. What others would
//! gain when a new `Single` reservation takes usage that a `Shared` one covers today is not counted, so the saving is
//! never promised too high.

use std::ops::Range;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::authz::{Action, Query, Target};
use crate::benefit::Known;
use crate::catalog::{
    BillingPlan, Catalog, InvalidValue, Offer, Quantity, Region, ReservedResourceType, SkuName, Storefront, Term,
};
use crate::ids::{CustomerId, SubscriptionId};
use crate::market;
use crate::money::{Currency, Money};
use crate::obstacle::day;
use crate::operation::{self, Operation};
use crate::price::end_of_term;
use crate::price_rule::PriceRule;
use crate::quote::unit_prices;
use crate::rating::{Flexibility, Ratio, amortised_hourly_e8, round_half_even};

mod demand;
mod uncovered;

pub use demand::{Basis, recommend};
pub use uncovered::{Uncovered, uncovered};

/// Hours in a month, as prices by the month are compared: a twelfth of 8,760.
pub const HOURS_A_MONTH: i64 = 730;

/// One, in ten decimals.
const ONE_E10: i128 = 10_000_000_000;

/// How far back usage is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LookBack {
    /// A week.
    #[default]
    Last7Days,
    /// A month.
    Last30Days,
    /// Two months.
    Last60Days,
}

impl LookBack {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Last7Days, Self::Last30Days, Self::Last60Days];

    /// Reads `Last7Days`, `Last30Days`, `Last60Days` in either case, or the number of days alone.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let wanted = text.trim();
        Self::ALL
            .into_iter()
            .find(|one| one.name().eq_ignore_ascii_case(wanted) || one.days().to_string() == wanted)
            .ok_or_else(|| InvalidValue::new(text, "a look-back: Last7Days, Last30Days or Last60Days"))
    }

    /// `Last7Days`, `Last30Days`, `Last60Days`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last7Days => "Last7Days",
            Self::Last30Days => "Last30Days",
            Self::Last60Days => "Last60Days",
        }
    }

    /// The number of days.
    pub fn days(self) -> i64 {
        match self {
            Self::Last7Days => 7,
            Self::Last30Days => 30,
            Self::Last60Days => 60,
        }
    }

    /// The hours that are looked at when `end` is the hour (since 1970) after the last one.
    pub fn window(self, end: i64) -> Range<i64> {
        end.saturating_sub(self.days() * 24)..end
    }
}

/// Sizes that stand in for one another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SizeGroup {
    /// An instance size flexibility group, by its number in the table.
    Flexible(u32),
    /// A SKU that is in no group, compared as rating does it: case counts.
    Alone(String),
}

impl SizeGroup {
    /// The group of a SKU and the normalised units of one instance, as rating has them.
    fn of(sku: &str, sizes: &Flexibility) -> (Self, Ratio) {
        match sizes.size(sku) {
            Some(size) => (Self::Flexible(size.group), size.ratio),
            None => (Self::Alone(sku.to_owned()), Ratio::ONE),
        }
    }
}

/// A reservation that could be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The SKU.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// Its sizes.
    pub group: SizeGroup,
    /// Normalised units of one instance.
    pub ratio: Ratio,
    /// The term.
    pub term: Term,
    /// How it may be paid.
    pub plans: Vec<BillingPlan>,
    /// What the customer pays for one instance and the whole term (R14).
    pub price: Money,
    /// The list price of the same.
    pub list: Money,
}

/// What a customer could buy on a day, at what it pays. A price beyond what can be billed is left out. `sizes` is the table by
/// which the usage was rated.
pub fn choices(
    catalog: &Catalog,
    sizes: &Flexibility,
    rules: &[PriceRule],
    customer: CustomerId,
    storefront: Storefront,
    on: Date,
) -> Vec<Choice> {
    if !market::sells_reservations(storefront.market) {
        return Vec::new();
    }
    let choice = |offer: &Offer| {
        let (prices, _) = unit_prices(offer, rules, customer, on).ok()?;
        let (group, ratio) = SizeGroup::of(offer.sku.as_str(), sizes);
        Some(Choice {
            resource_type: offer.resource_type,
            sku: offer.sku.clone(),
            region: offer.region.clone(),
            group,
            ratio,
            term: offer.term,
            plans: offer.billing_plans.clone(),
            price: prices.customer,
            list: prices.list,
        })
    };
    catalog.sold(on, storefront.market, storefront.currency).filter_map(choice).collect()
}

/// A reservation that would have saved money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// What to buy.
    pub choice: Choice,
    /// For one subscription; none: shared by all that the partner bought for the customer.
    pub subscription: Option<SubscriptionId>,
    /// The subscription that used most of what it would cover.
    pub main_subscription: SubscriptionId,
    /// How many.
    pub quantity: Quantity,
    /// How many hours were looked at.
    pub hours: i64,
    /// The first and the last hour (since 1970) with usage that the reservation could have covered.
    pub used: (i64, i64),
    /// In how many hours there was any.
    pub hours_with_usage: i64,
    /// What was used of it, in 10^-10 instance hours of the recommended size.
    pub demand_e10: i128,
    /// What the reservation would have covered, in 10^-10 instance hours of the recommended size.
    pub covered_e10: i128,
    /// What was paid as you go for that usage in these hours, in 10^-10.
    pub cost_without_e10: i128,
    /// What would not have been paid as you go, in 10^-10.
    pub avoided_e10: i128,
    /// What the reserved instances would have cost in these hours, in 10^-10.
    pub reservation_cost_e10: i128,
    /// When it would be bought.
    pub now: Timestamp,
}

impl Recommendation {
    /// What would have been saved in the hours looked at, in 10^-10. Above zero.
    pub fn net_saving_e10(&self) -> i128 {
        self.avoided_e10 - self.reservation_cost_e10
    }

    /// What would have been paid with the reservation in the hours looked at, in 10^-10: the rest as you go, and the
    /// reservation.
    pub fn cost_with_e10(&self) -> i128 {
        self.cost_without_e10 - self.net_saving_e10()
    }

    /// What is saved in a month of [`HOURS_A_MONTH`] hours like those looked at, in 10^-10.
    pub fn monthly_saving_e10(&self) -> i128 {
        round_half_even(self.net_saving_e10() * i128::from(HOURS_A_MONTH), i128::from(self.hours.max(1)))
    }

    /// The share of the reserved hours that would have been used, in 10^-4.
    pub fn utilization_e4(&self) -> i128 {
        let reserved = i128::from(self.quantity.instances()) * i128::from(self.hours) * ONE_E10;
        round_half_even(self.covered_e10 * 10_000, reserved.max(1))
    }

    /// From how many hours of use in a month of [`HOURS_A_MONTH`] hours on each instance pays, in 10^-2, rounded up. A month of
    /// the term is longer where a leap day falls into it; the share of the hours is the same.
    pub fn break_even_hours_e2(&self) -> i128 {
        self.break_even_of(i128::from(HOURS_A_MONTH) * 100)
    }

    /// From which share of the hours on each instance pays, in 10^-4, rounded up.
    pub fn break_even_utilization_e4(&self) -> i128 {
        self.break_even_of(10_000)
    }

    /// The share at break-even of a whole, rounded up.
    fn break_even_of(&self, whole: i128) -> i128 {
        let reserved = i128::from(self.quantity.instances()) * i128::from(self.hours) * ONE_E10;
        ceiling_of(self.reservation_cost_e10, self.covered_e10 * whole, reserved, self.avoided_e10)
    }

    /// When what is not paid as you go adds up to the whole price, if use goes on as it was. Bought upfront, it has paid for
    /// itself then.
    pub fn pays_back_at(&self) -> Timestamp {
        let total_e10 = i128::from(self.choice.price.amount_e6) * i128::from(self.quantity.instances()) * 10_000;
        let hours = ceiling_of(total_e10, i128::from(self.hours), 1, self.avoided_e10);
        let hours = SignedDuration::from_hours(i64::try_from(hours).unwrap_or(i64::MAX / 3_600));
        self.now.checked_add(hours).unwrap_or(Timestamp::MAX)
    }

    /// What one reserved instance costs for one hour, in 10^-8: see [`hourly_cost_e8`].
    pub fn hourly_cost_e8(&self) -> i64 {
        hourly_cost_e8(self.choice.price, self.choice.term, self.now)
    }
}

/// `a * b / (c * d)`, rounded up; all above zero.
fn ceiling_of(a: i128, b: i128, c: i128, d: i128) -> i128 {
    let divide = |up: i128, down: i128| up.checked_add(down - 1).map(|sum| sum / down);
    match (a.checked_mul(b), c.checked_mul(d)) {
        (Some(up), Some(down)) if down > 0 => divide(up, down).unwrap_or(i128::MAX),
        _ => i128::MAX,
    }
}

/// What an instance costs for an hour when it is bought at an instant, in 10^-8. The term has as many hours as lie between that
/// day and the same day some years later.
pub fn hourly_cost_e8(price: Money, term: Term, bought_at: Timestamp) -> i64 {
    let start = day(bought_at);
    let days = start.until(end_of_term(start, term)).map_or(365, |span| span.get_days());
    amortised_hourly_e8(price.amount_e6, i64::from(days) * 24)
}

/// Asks what to buy for a customer: by what was paid as you go of the usage that the actor may see.
#[derive(Debug, Clone)]
pub struct ReadRecommendations {
    /// For whom.
    pub customer: CustomerId,
    /// How far back usage is looked at, from the last hour that is known.
    pub look_back: LookBack,
    /// When it would be bought.
    pub now: Timestamp,
}

impl Action for ReadRecommendations {
    const OPERATION: Operation = operation::READ_USAGE;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ReadRecommendations {
    type Answer = Vec<Advice>;
}

/// Asks the same at a subscription, with the partner that sold it.
#[derive(Debug, Clone)]
pub struct ReadSubscriptionRecommendations {
    /// The subscription: what applies to it alone, and what it would share.
    pub subscription: SubscriptionId,
    /// How far back usage is looked at, from the last hour that is known.
    pub look_back: LookBack,
    /// When it would be bought.
    pub now: Timestamp,
}

impl Action for ReadSubscriptionRecommendations {
    const OPERATION: Operation = operation::READ_RECOMMENDATIONS;

    fn target(&self) -> Target {
        Target::Subscription(self.subscription)
    }
}

impl Query for ReadSubscriptionRecommendations {
    type Answer = Option<Advice>;
}

/// What to buy through one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What is known of the usage, with the hours that were looked at.
    pub known: Known,
    /// The currency that the partner bills in: usage in others is not looked at.
    pub currency: Currency,
    /// The largest saving first.
    pub recommendations: Vec<Recommendation>,
}

#[cfg(test)]
mod tests;
