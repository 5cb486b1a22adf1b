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

use std::collections::BTreeMap;
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
use crate::rated::Book;
use crate::rating::{COST_DECIMALS, Overflow, Ratio, cost_e10, pay_as_you_go_e10, round_half_even};
use crate::usage::{UsageHour, UsageResource};

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
    /// An instance size flexibility group, by its name.
    Flexible(String),
    /// A SKU that is in no group, compared as rating does it: case counts.
    Alone(String),
}

/// What was paid as you go for one SKU at one price, hour by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncovered {
    /// Whose usage.
    pub subscription: SubscriptionId,
    /// Where it ran.
    pub region: Region,
    /// Its sizes.
    pub group: SizeGroup,
    /// Normalised units of one instance.
    pub ratio: Ratio,
    /// Pay-as-you-go price of an instance hour, in 10^-6 of the currency of the prices.
    pub unit_price_e6: i64,
    /// Hours since 1970 with the instance hours in 10^-10. What is not above zero is not looked at.
    pub hours: Vec<(i64, i128)>,
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

/// The size flexibility table that a catalogue amounts to, with the names of groups.
struct Sizes<'a>(BTreeMap<&'a str, (&'a str, Ratio)>);

impl<'a> Sizes<'a> {
    fn of(catalog: &'a Catalog) -> Self {
        let mut sizes = BTreeMap::new();
        for offer in catalog.offers() {
            if let (Some(group), Ok(ratio)) = (&offer.flexibility_group, Ratio::parse(&offer.ratio.to_string())) {
                // As in rating, the first row of a SKU counts.
                sizes.entry(offer.sku.as_str()).or_insert((group.as_str(), ratio));
            }
        }
        Self(sizes)
    }

    fn size(&self, sku: &str) -> (SizeGroup, Ratio) {
        match self.0.get(sku) {
            Some((group, ratio)) => (SizeGroup::Flexible((*group).to_owned()), *ratio),
            None => (SizeGroup::Alone(sku.to_owned()), Ratio::ONE),
        }
    }
}

/// What a customer could buy on a day, at what it pays. A price beyond what can be billed is left out.
pub fn choices(
    catalog: &Catalog,
    rules: &[PriceRule],
    customer: CustomerId,
    storefront: Storefront,
    on: Date,
) -> Vec<Choice> {
    if !market::sells_reservations(storefront.market) {
        return Vec::new();
    }
    let sizes = Sizes::of(catalog);
    let choice = |offer: &Offer| {
        let (prices, _) = unit_prices(offer, rules, customer, on).ok()?;
        let (group, ratio) = sizes.size(offer.sku.as_str());
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

/// What recommendations are made from.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// What was paid as you go, in the order in which a reservation would take it.
    pub uncovered: &'a [Uncovered],
    /// What is for sale, all in the currency of the usage.
    pub choices: &'a [Choice],
    /// When it would be bought: decides how many hours the term has.
    pub now: Timestamp,
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

    /// From how many hours of use a month on each instance pays, in 10^-2, rounded up: its price by the month over what an
    /// hour of the usage it would have covered cost.
    pub fn break_even_hours_e2(&self) -> i128 {
        let price_e6 = i128::from(self.choice.price.amount_e6);
        let months = i128::from(self.choice.term.months());
        // Ten decimals of the covered hours and of what they cost cancel out.
        ceiling_of(price_e6 * 100, self.covered_e10, months * 1_000_000, self.avoided_e10)
    }

    /// From which share of the hours on each instance pays, in 10^-4, rounded up.
    pub fn break_even_utilization_e4(&self) -> i128 {
        let reserved = i128::from(self.quantity.instances()) * i128::from(self.hours) * ONE_E10;
        ceiling_of(self.reservation_cost_e10, self.covered_e10 * 10_000, reserved, self.avoided_e10)
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

/// What an instance costs for an hour when its price is spread evenly over its term, rounded half to even at 8 decimals. The
/// term has as many hours as lie between the day of the purchase and the same day some years later.
pub fn hourly_cost_e8(price: Money, term: Term, bought_at: Timestamp) -> i64 {
    let start = day(bought_at);
    let days = start.until(end_of_term(start, term)).map_or(365, |span| span.get_days());
    let hours = i128::from(days) * 24;
    let cost = round_half_even(i128::from(price.amount_e6) * 100, hours.max(1));
    i64::try_from(cost).unwrap_or(i64::MAX)
}

/// What each hour left to pay as you go, of the usage in `currency` that `is_visible` lets through: the remainders of rating,
/// by resource in the order in which a reservation would take them.
///
/// # Errors
/// [`Overflow`] when an amount does not fit.
pub fn uncovered(
    book: &Book<'_>,
    resources: &BTreeMap<i64, UsageResource>,
    hours: &[UsageHour],
    catalog: &Catalog,
    currency: Currency,
    is_visible: impl Fn(SubscriptionId) -> bool,
) -> Result<Vec<Uncovered>, Overflow> {
    let mut rest: BTreeMap<i64, Vec<(i64, i128)>> = BTreeMap::new();
    for hour in hours {
        for cell in book.rate_hour(hour)? {
            let left = cell.rows.iter().filter(|row| row.reservation.is_none() && row.consumed_e10 > 0);
            for row in left {
                let line = row.line.and_then(|line| cell.usage.get(usize::try_from(line).ok()?));
                if let Some(line) = line {
                    rest.entry(line.resource).or_default().push((hour.hour, row.consumed_e10));
                }
            }
        }
    }
    let sizes = Sizes::of(catalog);
    let mut found: Vec<(SubscriptionId, &str, i64, Uncovered)> = Vec::with_capacity(rest.len());
    for (number, hours) in rest {
        let Some(one) = resources.get(&number) else { continue };
        // As in rating, regions are the same where their bytes are.
        let Some(region) = Region::parse(&one.region).ok().filter(|region| region.as_str() == one.region) else {
            continue;
        };
        if one.currency != currency || !is_visible(one.subscription) {
            continue;
        }
        let (group, ratio) = sizes.size(&one.sku);
        let (subscription, unit_price_e6) = (one.subscription, one.unit_price_e6);
        let series = Uncovered { subscription, region, group, ratio, unit_price_e6, hours };
        found.push((subscription, &one.resource, number, series));
    }
    found.sort_by_key(|(subscription, resource, number, _)| (*subscription, *resource, *number));
    Ok(found.into_iter().map(|(.., series)| series).collect())
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

/// What would have saved money in the hours of `window`, the largest net saving first.
///
/// For each region, group of sizes, scope and term it is one: the size and quantity with the largest net saving, of equal ones
/// the cheaper, then the smaller quantity. Scopes and terms are alternatives, not to be bought together.
///
/// # Errors
/// [`Overflow`] when an amount does not fit, which no usage within its declared types reaches.
pub fn recommend(basis: Basis<'_>, window: &Range<i64>) -> Result<Vec<Recommendation>, Overflow> {
    let mut choices: BTreeMap<(&Region, &SizeGroup), Vec<&Choice>> = BTreeMap::new();
    for choice in basis.choices {
        choices.entry((&choice.region, &choice.group)).or_default().push(choice);
    }
    let mut used: BTreeMap<(&Region, &SizeGroup), Vec<&Uncovered>> = BTreeMap::new();
    for series in basis.uncovered {
        used.entry((&series.region, &series.group)).or_default().push(series);
    }
    let mut found = Vec::new();
    for (key, series) in &used {
        let Some(choices) = choices.get(key) else { continue };
        let mut scopes: Vec<Option<SubscriptionId>> = series.iter().map(|one| Some(one.subscription)).collect();
        scopes.push(None);
        scopes.sort_unstable();
        scopes.dedup();
        for scope in scopes {
            let within = series.iter().copied().filter(|one| scope.is_none_or(|only| only == one.subscription));
            let demand = Demand::of(within, window)?;
            for term in Term::ALL {
                let tried = choices.iter().filter(|choice| choice.term == term);
                let tried: Vec<Recommendation> = tried
                    .map(|choice| demand.best_quantity(choice, scope, basis.now))
                    .filter_map(Result::transpose)
                    .collect::<Result<_, _>>()?;
                found.extend(tried.into_iter().min_by_key(rank));
            }
        }
    }
    found.sort_by_key(rank);
    Ok(found)
}

/// The smaller, the better.
fn rank(one: &Recommendation) -> impl Ord + use<> {
    let commitment = i128::from(one.choice.price.amount_e6) * i128::from(one.quantity.instances());
    let choice = &one.choice;
    (
        std::cmp::Reverse(one.net_saving_e10()),
        commitment,
        one.quantity,
        choice.term,
        one.subscription,
        choice.region.clone(),
        choice.sku.clone(),
    )
}

/// Usage of one size at one price in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slice {
    quantity_e10: i128,
    unit_price_e6: i64,
    ratio: Ratio,
}

impl Slice {
    /// Units in 10^-25.
    fn units(self) -> Result<i128, Overflow> {
        self.quantity_e10.checked_mul(self.ratio.scaled()).ok_or(Overflow)
    }

    /// What is not paid as you go when so many of its units are covered.
    fn avoided_e10(self, units: i128) -> Result<i128, Overflow> {
        let rest_e10 = self.quantity_e10 - round_half_even(units, self.ratio.scaled());
        Ok(pay_as_you_go_e10(self.quantity_e10, self.unit_price_e6)? - pay_as_you_go_e10(rest_e10, self.unit_price_e6)?)
    }
}

/// Hours that are alike.
#[derive(Debug)]
struct Profile {
    hours: i128,
    slices: Vec<Slice>,
    /// Units and cost of all slices before each, and of all of them at the end.
    before: Vec<(i128, i128)>,
}

impl Profile {
    fn new(slices: Vec<Slice>, hours: i128) -> Result<Self, Overflow> {
        let mut before = Vec::with_capacity(slices.len() + 1);
        let (mut units, mut cost) = (0_i128, 0_i128);
        before.push((units, cost));
        for slice in &slices {
            units = units.checked_add(slice.units()?).ok_or(Overflow)?;
            cost = cost.checked_add(pay_as_you_go_e10(slice.quantity_e10, slice.unit_price_e6)?).ok_or(Overflow)?;
            before.push((units, cost));
        }
        Ok(Self { hours, slices, before })
    }

    fn total(&self) -> (i128, i128) {
        self.before.last().copied().unwrap_or_default()
    }

    /// What is not paid as you go in such an hour when a reservation offers so many units.
    fn avoided_e10(&self, offered: i128) -> Result<i128, Overflow> {
        let whole = self.before.partition_point(|(units, _)| *units <= offered).saturating_sub(1);
        let (units, cost) = self.before[whole];
        match self.slices.get(whole) {
            Some(slice) if offered > units => Ok(cost + slice.avoided_e10(offered - units)?),
            _ => Ok(cost),
        }
    }
}

/// What could be covered within a scope, by like hours.
#[derive(Debug)]
struct Demand {
    hours: i64,
    profiles: Vec<Profile>,
    used: (i64, i64),
    /// The subscription with most units; none where nothing was used.
    main: Option<SubscriptionId>,
}

impl Demand {
    fn of<'a>(series: impl Iterator<Item = &'a Uncovered>, window: &Range<i64>) -> Result<Self, Overflow> {
        let mut by_hour: BTreeMap<i64, Vec<Slice>> = BTreeMap::new();
        let mut by_subscription: BTreeMap<SubscriptionId, i128> = BTreeMap::new();
        for one in series {
            let in_window = one.hours.iter().filter(|(hour, quantity)| window.contains(hour) && *quantity > 0);
            for (hour, quantity_e10) in in_window {
                let slice = Slice { quantity_e10: *quantity_e10, unit_price_e6: one.unit_price_e6, ratio: one.ratio };
                let units = by_subscription.entry(one.subscription).or_default();
                *units = units.checked_add(slice.units()?).ok_or(Overflow)?;
                by_hour.entry(*hour).or_default().push(slice);
            }
        }
        let ends = by_hour.first_key_value().zip(by_hour.last_key_value());
        let used = ends.map_or((window.start, window.start), |((first, _), (last, _))| (*first, *last));
        let mut alike: BTreeMap<Vec<Slice>, i128> = BTreeMap::new();
        for slices in by_hour.into_values() {
            *alike.entry(slices).or_default() += 1;
        }
        let profiles = alike.into_iter().map(|(slices, hours)| Profile::new(slices, hours));
        let profiles = profiles.collect::<Result<_, _>>()?;
        let main = by_subscription.into_iter().max_by_key(|(id, units)| (*units, std::cmp::Reverse(*id)));
        Ok(Self { hours: window.end - window.start, profiles, used, main: main.map(|(id, _)| id) })
    }

    fn sum(&self, of: impl Fn(&Profile) -> Result<i128, Overflow>) -> Result<i128, Overflow> {
        self.profiles.iter().try_fold(0_i128, |sum, profile| {
            of(profile)?.checked_mul(profile.hours).and_then(|part| sum.checked_add(part)).ok_or(Overflow)
        })
    }

    /// The quantity of a choice with the largest net saving, the smaller of equal ones; none where nothing is saved.
    fn best_quantity(
        &self,
        choice: &Choice,
        subscription: Option<SubscriptionId>,
        now: Timestamp,
    ) -> Result<Option<Recommendation>, Overflow> {
        let unit = choice.ratio.scaled().checked_mul(ONE_E10).ok_or(Overflow)?;
        let hourly_cost_e8 = hourly_cost_e8(choice.price, choice.term, now);
        let instance_e10 = cost_e10(i128::from(self.hours) * ONE_E10, hourly_cost_e8, COST_DECIMALS)?;
        let peak = self.profiles.iter().map(|profile| profile.total().0).max().unwrap_or(0);
        // No quantity avoids more than all slices with a price above zero cost.
        let ceiling_e10 = self.sum(|profile| {
            let costs = profile.before.windows(2).map(|pair| pair[1].1 - pair[0].1);
            Ok(costs.filter(|cost| *cost > 0).sum())
        })?;
        let mut best: Option<(i64, i128, i128)> = None;
        for instances in 1..=i64::from(Quantity::MAX) {
            let offered = unit.checked_mul(i128::from(instances)).ok_or(Overflow)?;
            let cost_e10 = instance_e10.checked_mul(i128::from(instances)).ok_or(Overflow)?;
            let saving = best.map_or(0, |(_, avoided, cost)| avoided - cost);
            if ceiling_e10 - cost_e10 <= saving {
                break;
            }
            let avoided_e10 = self.sum(|profile| profile.avoided_e10(offered))?;
            if avoided_e10 - cost_e10 > saving {
                best = Some((instances, avoided_e10, cost_e10));
            }
            if offered >= peak {
                break;
            }
        }
        let Some(((instances, avoided_e10, reservation_cost_e10), main_subscription)) = best.zip(self.main) else {
            return Ok(None);
        };
        let Ok(quantity) = Quantity::new(instances) else { return Ok(None) };
        let offered = unit.checked_mul(i128::from(instances)).ok_or(Overflow)?;
        let of_size = |units: i128| round_half_even(units, choice.ratio.scaled());
        Ok(Some(Recommendation {
            choice: choice.clone(),
            subscription,
            main_subscription,
            quantity,
            hours: self.hours,
            used: self.used,
            hours_with_usage: i64::try_from(self.sum(|_| Ok(1))?).map_err(|_| Overflow)?,
            demand_e10: of_size(self.sum(|profile| Ok(profile.total().0))?),
            covered_e10: of_size(self.sum(|profile| Ok(profile.total().0.min(offered)))?),
            cost_without_e10: self.sum(|profile| Ok(profile.total().1))?,
            avoided_e10,
            reservation_cost_e10,
            now,
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::rating::{Group, Line, Plan, Reservation, Scratch, Sku, Subscription};
    use crate::testing;

    const DAY: i64 = 24;

    fn subscription(number: u8) -> SubscriptionId {
        SubscriptionId(Uuid::from_u128(u128::from(number)))
    }

    fn dsv5() -> SizeGroup {
        SizeGroup::Flexible("Dsv5 Series".to_owned())
    }

    fn eur(text: &str) -> Money {
        Money::exact(text.parse().unwrap(), Currency::parse("EUR").unwrap()).unwrap()
    }

    fn choice(sku: &str, ratio: &str, term: Term, price: &str) -> Choice {
        Choice {
            resource_type: ReservedResourceType::VirtualMachines,
            sku: SkuName::parse(sku).unwrap(),
            region: Region::parse("swedencentral").unwrap(),
            group: dsv5(),
            ratio: Ratio::parse(ratio).unwrap(),
            term,
            plans: BillingPlan::ALL.to_vec(),
            price: eur(price),
            list: eur(price),
        }
    }

    /// Instance hours (in millionths) in the hours from 0 on.
    fn uncovered(of: u8, ratio: &str, price_e6: i64, quantities_e6: &[i64]) -> Uncovered {
        Uncovered {
            subscription: subscription(of),
            region: Region::parse("swedencentral").unwrap(),
            group: dsv5(),
            ratio: Ratio::parse(ratio).unwrap(),
            unit_price_e6: price_e6,
            hours: (0..).zip(quantities_e6.iter().map(|quantity| i128::from(*quantity) * 10_000)).collect(),
        }
    }

    fn recommended(uncovered: &[Uncovered], choices: &[Choice], hours: i64) -> Vec<Recommendation> {
        recommend(Basis { uncovered, choices, now: testing::now() }, &(0..hours)).unwrap()
    }

    fn shown(one: &Recommendation) -> String {
        let amount =
            |value| crate::rating::format_scaled(value, 10).trim_end_matches('0').trim_end_matches('.').to_owned();
        let scope = one.subscription.map_or("shared".to_owned(), |id| format!("single {}", id.0.as_u128()));
        format!(
            "{} {} {} {scope}: {} -> {}, saves {}, used {}",
            one.quantity,
            one.choice.sku.short(),
            one.choice.term,
            amount(one.cost_without_e10),
            amount(one.cost_with_e10()),
            amount(one.net_saving_e10()),
            one.utilization_e4(),
        )
    }

    /// A machine that runs so many hours of each day, for ten days at 1 an hour.
    fn machine(of: u8, hours_a_day: usize) -> Uncovered {
        let mut hours = Vec::new();
        for _ in 0..10 {
            hours.extend((0..24).map(|hour| if hour < hours_a_day { 1_000_000 } else { 0 }));
        }
        uncovered(of, "1", 1_000_000, &hours)
    }

    /// What it shows, the usage, what is for sale, and what is recommended.
    type Case<'a> = (&'a str, &'a [Uncovered], &'a [Choice], &'a [&'a str]);

    #[test]
    fn what_pays_is_recommended_and_nothing_else() {
        // 4,380 for 8,760 hours: 0.5 an hour, so an instance pays from 12 hours a day on.
        let year = |price| choice("Standard_D2s_v5", "1", Term::P1Y, price);
        let cases: &[Case] = &[
            ("no usage", &[], &[year("4380")], &[]),
            ("nothing for sale", &[machine(1, 24)], &[], &[]),
            ("break-even is no gain", &[machine(1, 12)], &[year("4380")], &[]),
            (
                "an hour more is",
                &[machine(1, 13)],
                &[year("4380")],
                &[
                    "1 D2s_v5 P1Y shared: 130 -> 120, saves 10, used 5417",
                    "1 D2s_v5 P1Y single 1: 130 -> 120, saves 10, used 5417",
                ],
            ),
            (
                "only what runs long enough counts",
                &[machine(1, 24), machine(1, 18), machine(1, 6)],
                &[year("4380")],
                &[
                    "2 D2s_v5 P1Y shared: 480 -> 300, saves 180, used 8750",
                    "2 D2s_v5 P1Y single 1: 480 -> 300, saves 180, used 8750",
                ],
            ),
            (
                "two halves make a whole only when shared",
                &[machine(1, 8), {
                    let mut nights = machine(2, 24);
                    for ((_, night), (_, day)) in nights.hours.iter_mut().zip(machine(1, 14).hours) {
                        *night -= day;
                    }
                    nights
                }],
                &[year("4380")],
                &["1 D2s_v5 P1Y shared: 180 -> 120, saves 60, used 7500"],
            ),
            (
                "each term is an alternative; the better size of each",
                &[machine(1, 24), machine(1, 24), machine(1, 24)],
                &[
                    year("4380"),
                    choice("Standard_D4s_v5", "2", Term::P1Y, "8760"),
                    choice("Standard_D2s_v5", "1", Term::P3Y, "6576"),
                ],
                &[
                    "3 D2s_v5 P3Y shared: 720 -> 180, saves 540, used 10000",
                    "3 D2s_v5 P3Y single 1: 720 -> 180, saves 540, used 10000",
                    "3 D2s_v5 P1Y shared: 720 -> 360, saves 360, used 10000",
                    "3 D2s_v5 P1Y single 1: 720 -> 360, saves 360, used 10000",
                ],
            ),
            (
                "a larger size where only that is sold",
                &[machine(1, 24), machine(1, 24), machine(1, 24)],
                &[choice("Standard_D4s_v5", "2", Term::P1Y, "4380")],
                &[
                    "2 D4s_v5 P1Y shared: 720 -> 240, saves 480, used 7500",
                    "2 D4s_v5 P1Y single 1: 720 -> 240, saves 480, used 7500",
                ],
            ),
        ];
        for (what, uncovered, choices, expected) in cases {
            let found: Vec<String> = recommended(uncovered, choices, 10 * DAY).iter().map(shown).collect();
            assert_eq!(found, *expected, "{what}");
        }
    }

    #[test]
    fn break_even_is_told_in_hours_share_and_date() {
        let found = recommended(&[machine(1, 18)], &[choice("Standard_D2s_v5", "1", Term::P1Y, "4380")], 10 * DAY);
        let one = &found[0];
        assert_eq!(one.break_even_hours_e2(), 36_500, "365 a month at 1 an hour for 4,380 a year");
        assert_eq!(one.break_even_utilization_e4(), 5_000);
        assert_eq!((one.hours, one.hours_with_usage, one.used), (240, 180, (0, 233)));
        // 18 a day: 4,380 after 243 days and 8 hours.
        assert_eq!(one.pays_back_at(), testing::now() + SignedDuration::from_hours(243 * 24 + 8));
        assert_eq!(one.monthly_saving_e10(), 1_825 * ONE_E10 / 10, "60 in 240 hours");
        assert_eq!(one.hourly_cost_e8(), 50_000_000);
    }

    #[test]
    fn a_term_over_a_leap_day_has_more_hours() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let price = eur("8784");
        assert_eq!(hourly_cost_e8(price, Term::P1Y, at("2027-03-01T10:00:00Z")), 100_000_000, "2028 is a leap year");
        assert_eq!(hourly_cost_e8(price, Term::P1Y, at("2026-03-01T10:00:00Z")), 100_273_973);
        assert_eq!(hourly_cost_e8(price, Term::P3Y, at("2026-03-01T10:00:00Z")), 33_394_161);
    }

    #[test]
    fn usage_outside_the_look_back_and_corrections_do_not_count() {
        let mut usage = machine(1, 24);
        usage.hours.extend([(-1, 5 * ONE_E10), (500, 5 * ONE_E10)]);
        usage.hours[3].1 = -ONE_E10;
        let found = recommended(&[usage], &[choice("Standard_D2s_v5", "1", Term::P1Y, "4380")], 10 * DAY);
        assert_eq!(shown(&found[0]), "1 D2s_v5 P1Y shared: 239 -> 120, saves 119, used 9958");
    }

    #[test]
    fn look_backs_are_read_by_name_or_days() {
        assert_eq!(LookBack::parse("last30days"), Ok(LookBack::Last30Days));
        assert_eq!(LookBack::parse(" 60 "), Ok(LookBack::Last60Days));
        assert!(LookBack::parse("Last14Days").is_err());
        assert_eq!(LookBack::Last7Days.window(1_000), 832..1_000);
    }

    /// What the rating kernel bills in all hours when so many are reserved, and what the reservation costs on top.
    fn rated(
        uncovered: &[Uncovered],
        choice: &Choice,
        scope: Option<SubscriptionId>,
        instances: i64,
        hours: i64,
    ) -> i128 {
        let number = |id: SubscriptionId| Subscription(u32::try_from(id.0.as_u128()).unwrap());
        let hourly_cost_e8 = hourly_cost_e8(choice.price, choice.term, testing::now());
        let group = Group::Listed(0);
        let reservation = Reservation {
            scope: scope.map(number),
            is_flexible: true,
            sku: Sku(0),
            group,
            ratio: choice.ratio,
            quantity: instances,
            hourly_cost_e8,
            first_hour: 0,
            end_hour: hours,
            purchased_at: 0,
            id_rank: 0,
        };
        let plan = Plan::new(vec![reservation]).unwrap();
        let within = |one: &&Uncovered| scope.is_none_or(|only| only == one.subscription);
        let mut total = 0;
        for hour in 0..hours {
            let line = |one: &Uncovered| {
                let (_, quantity_e10) = one.hours.iter().find(|(at, _)| *at == hour)?;
                Some(Line {
                    quantity_e6: i64::try_from(quantity_e10 / 10_000).unwrap(),
                    unit_price_e6: one.unit_price_e6,
                    ratio: one.ratio,
                    slots: plan.slots(number(one.subscription), Sku(1), group),
                })
                .filter(|line| line.quantity_e6 > 0)
            };
            let lines: Vec<Line> = uncovered.iter().filter(within).filter_map(line).collect();
            let mut rows = Vec::new();
            plan.rate_hour(hour, &lines, &mut Scratch::default(), &mut rows).unwrap();
            total += rows.iter().map(|row| row.billed_e10).sum::<i128>();
            total += i128::from(instances) * i128::from(hourly_cost_e8) * 100;
        }
        total
    }

    fn any_usage() -> impl Strategy<Value = Vec<Uncovered>> {
        let ratios = prop_oneof![Just("1"), Just("2"), Just("3"), Just("2.4"), Just("0.7")];
        let quantity = prop_oneof![3 => Just(0_i64), 3 => Just(1_000_000), 2 => 1_i64..3_000_000, 1 => -5_i64..5];
        let price = prop_oneof![4 => 1_i64..2_000_000, 1 => Just(0_i64), 1 => -1_000_i64..0];
        let series = (1_u8..4, ratios, price, proptest::collection::vec(quantity, 0..12));
        proptest::collection::vec(series, 0..6).prop_map(|mut all| {
            all.sort_by_key(|one| one.0);
            all.iter().map(|(of, ratio, price, hours)| uncovered(*of, ratio, *price, hours)).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn no_quantity_saves_more_by_the_rating_kernel(
            usage in any_usage(), ratio in prop_oneof![Just("1"), Just("2"), Just("1.5")], cents in 1_i64..2_000_000,
        ) {
            let hours = 12;
            let price = Money { amount_e6: cents * 10_000, ..eur("0") };
            let choice = Choice { price, ..choice("Standard_D2s_v5", ratio, Term::P1Y, "1") };
            let found = recommended(&usage, std::slice::from_ref(&choice), hours);
            let mut scopes: Vec<Option<SubscriptionId>> = usage.iter().map(|one| Some(one.subscription)).collect();
            scopes.push(None);
            scopes.sort_unstable();
            scopes.dedup();
            for scope in scopes {
                let without = rated(&usage, &choice, scope, 0, hours);
                let costs: Vec<i128> = (0..=55).map(|n| rated(&usage, &choice, scope, n, hours)).collect();
                let best = (0_usize..).zip(&costs).min_by_key(|(n, cost)| (**cost, *n)).unwrap();
                let one = found.iter().find(|one| one.subscription == scope);
                prop_assert_eq!(one.map_or(0, |one| one.quantity.instances()), i64::try_from(best.0).unwrap());
                if let Some(one) = one {
                    prop_assert_eq!((one.cost_without_e10, one.cost_with_e10()), (without, *best.1));
                    prop_assert!(one.net_saving_e10() > 0 && one.covered_e10 <= one.demand_e10);
                    prop_assert!(one.utilization_e4() <= 10_000);
                }
            }
        }

        #[test]
        fn at_one_price_it_is_the_quantile_at_break_even(
            hours in proptest::collection::vec(0_i64..9, 1..40), cents in 1_i64..900_000,
        ) {
            let price = Money { amount_e6: cents * 10_000, ..eur("0") };
            let choice = Choice { price, ..choice("Standard_D2s_v5", "1", Term::P1Y, "1") };
            let quantities: Vec<i64> = hours.iter().map(|n| n * 1_000_000).collect();
            let count = i64::try_from(hours.len()).unwrap();
            let found = recommended(&[uncovered(1, "1", 400_000, &quantities)], std::slice::from_ref(&choice), count);
            // One more pays while it is used in more hours than its cost in all hours is worth at 0.4 an hour.
            let pays = |n: i64| {
                let used = i64::try_from(hours.iter().filter(|used| **used > n).count()).unwrap();
                used * 40_000_000 > count * hourly_cost_e8(price, Term::P1Y, testing::now())
            };
            let quantile = (0..9).take_while(|n| pays(*n)).count();
            let got = found.first().map_or(0, |one| one.quantity.instances());
            prop_assert_eq!(got, i64::try_from(quantile).unwrap());
        }

        #[test]
        fn the_hours_do_not_have_to_come_in_order_and_sharing_saves_no_less_at_one_price(
            usage in any_usage(), cents in 1_i64..900_000,
        ) {
            let choice = Choice {
                price: Money { amount_e6: cents * 10_000, ..eur("0") },
                ..choice("Standard_D2s_v5", "1", Term::P1Y, "1")
            };
            let even: Vec<Uncovered> =
                usage.into_iter().map(|one| Uncovered { unit_price_e6: 250_000, ratio: Ratio::ONE, ..one }).collect();
            let found = recommended(&even, std::slice::from_ref(&choice), 12);
            let mut turned = even.clone();
            turned.iter_mut().for_each(|one| one.hours.reverse());
            prop_assert_eq!(&recommended(&turned, std::slice::from_ref(&choice), 12), &found);
            let saving = |shared: bool| {
                found.iter().filter(|one| one.subscription.is_none() == shared).map(Recommendation::net_saving_e10).max()
            };
            prop_assert!(saving(true) >= saving(false));
        }
    }
}
