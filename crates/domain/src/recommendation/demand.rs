//! Which size in which quantity would have saved most.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;

use super::{Choice, ONE_E10, Recommendation, SizeGroup, Uncovered, hourly_cost_e8};
use crate::catalog::{Quantity, Region, Term};
use crate::ids::SubscriptionId;
use crate::rating::{COST_DECIMALS, Overflow, Ratio, cost_e10, pay_as_you_go_e10, round_half_even};

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
