//! A day of a customer's usage, rated hour by hour with the one kernel, and what is kept of it.
//!
//! What a reservation offers in an hour is what held when the hour began: a change takes effect with the first hour that
//! begins at or after it. So a reservation is a row of stretches, in each of which scope and flexibility are the same.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::arm_scope::ArmScope;
use crate::catalog::{BillingPlan, Catalog, Region, SkuName};
use crate::ids::{PartnerId, ReservationId, ReservationOrderId, SubscriptionId};
use crate::money::{Currency, Money};
use crate::rating::{
    Flexibility, FlexibilityRow, Group, Line, Named, Overflow, Plan, Ratio, Reservation as Planned, Row, Scratch, Sku,
    Subscription, amortised_hourly_e8, first_hour_from, pay_as_you_go_e10,
};
use crate::reservation::{AppliedScope, ReservationState};
use crate::usage::{UsageHour, UsageLine, UsageResource};

/// What all reservations of an order have in common, as far as rating goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTerms {
    /// The order.
    pub order: ReservationOrderId,
    /// Who pays.
    pub partner: PartnerId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// The reserved SKU.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// How it is paid; the cost of an hour does not depend on it.
    pub plan: BillingPlan,
    /// When it was asked for: the older takes first.
    pub requested_at: Timestamp,
    /// When the benefit starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What the customer pays for one instance and the whole term.
    pub customer_price: Money,
    /// What the list price of the same was.
    pub list_price: Money,
}

impl OrderTerms {
    /// Hours of the term: those that begin in it.
    pub fn hours(&self) -> i64 {
        first_hour_from(self.expires_at.as_microsecond()) - first_hour_from(self.starts_at.as_microsecond())
    }

    /// Amortised cost of an instance for one hour at a price for the term, in 10^-8: the price over the hours of the term,
    /// rounded half to even.
    pub fn hourly_cost_e8(&self, price: Money) -> i64 {
        amortised_hourly_e8(price.amount_e6, self.hours())
    }
}

/// A reservation from one change to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSince {
    /// When it became so: when it was made, or changed.
    pub since: Timestamp,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// Whether it covers other sizes of its group.
    pub is_flexible: bool,
    /// How many instances.
    pub quantity: i64,
    /// How it stands.
    pub state: ReservationState,
}

/// What a reservation offers in the hours from `first_hour` to before `end_hour`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The reservation.
    pub reservation: ReservationId,
    /// What was bought.
    pub terms: OrderTerms,
    /// The subscription it applies to; `None`: all that the partner sold to the customer.
    pub scope: Option<SubscriptionId>,
    /// Whether it covers other sizes of its group.
    pub is_flexible: bool,
    /// How many instances.
    pub quantity: i64,
    /// The first hour since 1970.
    pub first_hour: i64,
    /// The hour since 1970 before which it ends.
    pub end_hour: i64,
}

/// The stretches of a reservation, from what it was after each change, oldest first. While its benefit is applied to a
/// resource group it has none: usage is matched by subscription.
pub fn stretches(reservation: ReservationId, terms: &OrderTerms, states: &[StateSince]) -> Vec<Stretch> {
    let begin = first_hour_from(terms.starts_at.as_microsecond());
    let end = first_hour_from(terms.expires_at.as_microsecond());
    let mut found: Vec<Stretch> = Vec::new();
    // From the last to the first: where clocks differed, what came later holds from when it says.
    let mut next = end;
    let mut held = Vec::with_capacity(states.len());
    for state in states.iter().rev() {
        let first_hour = first_hour_from(state.since.as_microsecond()).max(begin);
        held.push((state, first_hour, next));
        next = next.min(first_hour);
    }
    for (state, first_hour, end_hour) in held.into_iter().rev() {
        let scope = match &state.scope {
            AppliedScope::Shared => None,
            AppliedScope::Single(ArmScope::Subscription(id)) => Some(*id),
            AppliedScope::Single(_) => continue,
        };
        if state.state != ReservationState::Succeeded || first_hour >= end_hour {
            continue;
        }
        let (is_flexible, quantity) = (state.is_flexible, state.quantity);
        match found.last_mut() {
            Some(last)
                if last.end_hour == first_hour
                    && (last.scope, last.is_flexible, last.quantity) == (scope, is_flexible, quantity) =>
            {
                last.end_hour = end_hour;
            }
            _ => found.push(Stretch {
                reservation,
                terms: terms.clone(),
                scope,
                is_flexible,
                quantity,
                first_hour,
                end_hour,
            }),
        }
    }
    found
}

/// The size flexibility table that a catalogue amounts to. SKUs it does not know are groups of their own.
pub fn sizes(catalog: &Catalog) -> Flexibility {
    let row = |offer: &crate::catalog::Offer| {
        Some(FlexibilityRow {
            group: offer.flexibility_group.clone()?,
            sku: offer.sku.as_str().to_owned(),
            ratio: Ratio::parse(&offer.ratio.to_string()).ok()?,
        })
    };
    Flexibility::new(catalog.offers().iter().filter_map(row))
}

/// What a reservation did in an hour. Amounts are in 10^-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HourUse {
    /// The hour, counted from 1970.
    pub hour: i64,
    /// Reserved instances.
    pub quantity: i64,
    /// Of them, instances that were used.
    pub used_e10: i128,
    /// What the used ones cost the customer.
    pub used_cost_e10: i128,
    /// What the others cost the customer.
    pub unused_cost_e10: i128,
    /// What the covered usage would have cost pay as you go.
    pub pay_as_you_go_e10: i128,
}

/// A reservation in a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationDay {
    /// The reservation.
    pub reservation: ReservationId,
    /// Its order.
    pub order: ReservationOrderId,
    /// The subscription whose charge its unused hours are: the one it applies to, or the billing subscription.
    pub charged_to: SubscriptionId,
    /// The currency of its costs.
    pub currency: Currency,
    /// Amortised cost of an instance for one hour at the list price, in 10^-8.
    pub list_hourly_e8: i64,
    /// The hours of the day in which it was active and usage is known, in order.
    pub hours: Vec<HourUse>,
}

/// What a place used in a day, of a reservation or pay as you go. Amounts are in 10^-10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group, in lower case; `None`: the resources are in none.
    pub group: Option<String>,
    /// The currency.
    pub currency: Currency,
    /// The reservation that covered it; `None`: none did.
    pub reservation: Option<ReservationId>,
    /// Instance hours.
    pub consumed_e10: i128,
    /// What they cost: amortised where they were covered.
    pub cost_e10: i128,
    /// What they cost, or would have cost, pay as you go.
    pub pay_as_you_go_e10: i128,
}

/// What a resource used, of one reservation or of none. Amounts are in 10^-10.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// The order of the reservation.
    pub order: Option<ReservationOrderId>,
    /// Instance hours of the resource.
    pub consumed_e10: i128,
    /// The same in instances of the reserved SKU.
    pub discounted_e10: i128,
    /// What they cost: amortised where they were covered.
    pub cost_e10: i128,
    /// What they cost, or would have cost, pay as you go.
    pub pay_as_you_go_e10: i128,
}

/// A rated day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RatedDay {
    /// The reservations that were active, by identifier; one of them twice where what its unused hours are charged to changed.
    pub reservations: Vec<ReservationDay>,
    /// By subscription, group, currency and reservation, those without a reservation first.
    pub shares: Vec<Share>,
}

/// Everything but the lines: resources and reservations in canonical order, a plan for each currency and region.
#[derive(Debug)]
pub struct Book<'a> {
    resources: &'a BTreeMap<i64, UsageResource>,
    seats: BTreeMap<i64, Seat>,
    cells: Vec<Cell<'a>>,
}

/// What matching needs of a resource.
#[derive(Debug, Clone, Copy)]
struct Seat {
    cell: usize,
    /// Its place in the order of subscription and resource.
    place: usize,
    line: Line,
    named: Named,
}

/// A billing context and region.
#[derive(Debug)]
pub struct Cell<'a> {
    /// The currency.
    pub currency: Currency,
    /// The region.
    pub region: &'a str,
    /// Its reservations.
    pub plan: Plan,
    /// For each reservation of the plan where it came from.
    pub stretches: Vec<&'a Stretch>,
}

/// A cell in an hour, rated.
#[derive(Debug)]
pub struct RatedCell<'b, 'a> {
    /// The cell.
    pub cell: &'b Cell<'a>,
    /// The lines, in the order in which they were rated.
    pub usage: Vec<UsageLine>,
    /// The same for the kernel.
    pub lines: Vec<Line>,
    /// The same for reasons.
    pub named: Vec<Named>,
    /// The outcome.
    pub rows: Vec<Row>,
}

impl<'a> Book<'a> {
    /// Sorts resources and stretches.
    ///
    /// # Errors
    /// [`Overflow`] when a reservation offers more than can be counted.
    pub fn new(
        resources: &'a BTreeMap<i64, UsageResource>,
        stretches: &'a [Stretch],
        sizes: &Flexibility,
    ) -> Result<Self, Overflow> {
        let mut skus = Numbers::default();
        let mut subscriptions = Numbers::default();
        let mut cell_of: BTreeMap<(Currency, &'a str), Vec<&'a Stretch>> = BTreeMap::new();
        for one in resources.values() {
            cell_of.entry((one.currency, &one.region)).or_default();
            skus.add(one.sku.as_str());
            subscriptions.add(one.subscription);
        }
        for one in stretches {
            let key = (one.terms.customer_price.currency, one.terms.region.as_str());
            cell_of.entry(key).or_default().push(one);
            skus.add(one.terms.sku.as_str());
            one.scope.into_iter().for_each(|id| subscriptions.add(id));
        }
        let size = |sku: &str| {
            let number = Sku(skus.of(sku));
            let size = sizes.size(sku).map(|size| (Group::Listed(size.group), size.ratio));
            let (group, ratio) = size.unwrap_or((Group::Own(number), Ratio::ONE));
            (number, group, ratio)
        };
        let mut cells = Vec::with_capacity(cell_of.len());
        for ((currency, region), mut own) in cell_of {
            // Ties between reservations of one instant go by the bytes of their identifiers, which sort as the numbers do.
            own.sort_by_key(|one| (one.reservation, one.first_hour));
            let mut planned = Vec::with_capacity(own.len());
            for (rank, one) in (0_u32..).zip(&own) {
                let (sku, group, ratio) = size(one.terms.sku.as_str());
                planned.push(Planned {
                    scope: one.scope.map(|id| Subscription(subscriptions.of(id))),
                    is_flexible: one.is_flexible,
                    sku,
                    group,
                    ratio,
                    quantity: one.quantity,
                    hourly_cost_e8: one.terms.hourly_cost_e8(one.terms.customer_price),
                    first_hour: one.first_hour,
                    end_hour: one.end_hour,
                    purchased_at: one.terms.requested_at.as_microsecond(),
                    id_rank: rank,
                });
            }
            let plan = Plan::new(planned)?;
            let by_rank = |rank: u32| usize::try_from(rank).ok().and_then(|rank| own.get(rank)).copied();
            let stretches = plan.reservations().iter().filter_map(|one| by_rank(one.id_rank)).collect();
            cells.push(Cell { currency, region, plan, stretches });
        }
        let mut order: Vec<(SubscriptionId, &str, i64)> =
            resources.iter().map(|(number, one)| (one.subscription, one.resource.as_str(), *number)).collect();
        order.sort_unstable();
        let mut seats = BTreeMap::new();
        let mut place = 0;
        let mut last = None;
        for (subscription, resource, number) in order {
            // Lines of one resource share a place: there the number of the line decides.
            if last.replace((subscription, resource)).is_some_and(|last| last != (subscription, resource)) {
                place += 1;
            }
            let one = &resources[&number];
            let key = (one.currency, one.region.as_str());
            let Ok(cell) = cells.binary_search_by_key(&key, |cell| (cell.currency, cell.region)) else { continue };
            let (sku, group, ratio) = size(&one.sku);
            let subscription = Subscription(subscriptions.of(subscription));
            let slots = cells[cell].plan.slots(subscription, sku, group);
            let line = Line { quantity_e6: 0, unit_price_e6: one.unit_price_e6, ratio, slots };
            seats.insert(number, Seat { cell, place, line, named: Named { line: 0, subscription, sku, group } });
        }
        Ok(Self { resources, seats, cells })
    }

    /// The resource of a line.
    pub fn resource(&self, line: &UsageLine) -> Option<&'a UsageResource> {
        self.resources.get(&line.resource)
    }

    /// Rates an hour: every cell that has usage in it or reservations.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn rate_hour(&self, hour: &UsageHour) -> Result<Vec<RatedCell<'_, 'a>>, Overflow> {
        let mut sorted: Vec<(usize, usize, i64, &UsageLine, &Seat)> = hour
            .lines
            .iter()
            .filter_map(|line| {
                let seat = self.seats.get(&line.resource)?;
                Some((seat.cell, seat.place, line.line, line, seat))
            })
            .collect();
        sorted.sort_unstable_by_key(|(cell, place, line, ..)| (*cell, *place, *line));
        let mut scratch = Scratch::default();
        let mut rated = Vec::with_capacity(self.cells.len());
        let mut rest = sorted.as_slice();
        for (index, cell) in self.cells.iter().enumerate() {
            let (own, others) = rest.split_at(rest.partition_point(|(cell, ..)| *cell <= index));
            rest = others;
            let lines: Vec<Line> =
                own.iter().map(|(.., line, seat)| Line { quantity_e6: line.quantity_e6, ..seat.line }).collect();
            let named = own.iter().map(|(.., line, seat)| Named { line: line.line, ..seat.named }).collect();
            let mut rows = Vec::new();
            cell.plan.rate_hour(hour.hour, &lines, &mut scratch, &mut rows)?;
            if rows.is_empty() {
                continue;
            }
            let usage = own.iter().map(|(.., line, _)| **line).collect();
            rated.push(RatedCell { cell, usage, lines, named, rows });
        }
        Ok(rated)
    }

    /// Rates hours and adds up what each resource used, of which reservation or of none.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn by_resource(&self, hours: &[UsageHour]) -> Result<BTreeMap<(i64, Option<ReservationId>), Used>, Overflow> {
        let mut found: BTreeMap<(i64, Option<ReservationId>), Used> = BTreeMap::new();
        for hour in hours {
            for rated in self.rate_hour(hour)? {
                for row in &rated.rows {
                    let line = row.line.and_then(|line| rated.usage.get(usize::try_from(line).ok()?));
                    let Some((line, resource)) = line.and_then(|line| Some((line, self.resource(line)?))) else {
                        continue;
                    };
                    let taker = row.reservation.and_then(|one| rated.cell.stretches.get(usize::try_from(one).ok()?));
                    let used = found.entry((line.resource, taker.map(|one| one.reservation))).or_default();
                    used.order = taker.map(|one| one.terms.order);
                    used.consumed_e10 += row.consumed_e10;
                    used.discounted_e10 += row.discounted_e10;
                    used.cost_e10 += row.effective_e10;
                    used.pay_as_you_go_e10 += pay_as_you_go_e10(row.consumed_e10, resource.unit_price_e6)?;
                }
            }
        }
        Ok(found)
    }

    /// Rates the hours of a day and adds up what is kept.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn rate_day(&self, hours: &[UsageHour]) -> Result<RatedDay, Overflow> {
        let mut uses: BTreeMap<(ReservationId, SubscriptionId), ReservationDay> = BTreeMap::new();
        let mut shares: BTreeMap<(SubscriptionId, Option<String>, Currency, Option<ReservationId>), Share> =
            BTreeMap::new();
        let groups: BTreeMap<i64, Option<String>> =
            self.resources.iter().map(|(number, one)| (*number, one.group())).collect();
        for hour in hours {
            for rated in self.rate_hour(hour)? {
                let cell = rated.cell;
                let mut of_hour: Vec<HourUse> = cell
                    .stretches
                    .iter()
                    .map(|one| HourUse { hour: hour.hour, quantity: one.quantity, ..HourUse::default() })
                    .collect();
                for row in &rated.rows {
                    let taker = row.reservation.and_then(|one| usize::try_from(one).ok());
                    let line = row.line.and_then(|line| rated.usage.get(usize::try_from(line).ok()?));
                    let resource = line.and_then(|line| Some((self.resource(line)?, groups.get(&line.resource)?)));
                    let pay_as_you_go_e10 = match resource {
                        Some((resource, _)) => pay_as_you_go_e10(row.consumed_e10, resource.unit_price_e6)?,
                        None => 0,
                    };
                    if let Some(used) = taker.and_then(|taker| of_hour.get_mut(taker)) {
                        match row.line {
                            Some(_) => {
                                used.used_e10 += row.discounted_e10;
                                used.used_cost_e10 += row.effective_e10;
                                used.pay_as_you_go_e10 += pay_as_you_go_e10;
                            }
                            None => used.unused_cost_e10 += row.effective_e10,
                        }
                    }
                    if let Some((resource, group)) = resource {
                        let reservation = taker.and_then(|taker| cell.stretches.get(taker)).map(|one| one.reservation);
                        let (subscription, group) = (resource.subscription, group.clone());
                        let key = (subscription, group.clone(), cell.currency, reservation);
                        let share = shares.entry(key).or_insert_with(|| Share {
                            subscription,
                            group,
                            currency: cell.currency,
                            reservation,
                            consumed_e10: 0,
                            cost_e10: 0,
                            pay_as_you_go_e10: 0,
                        });
                        share.consumed_e10 += row.consumed_e10;
                        share.cost_e10 += row.effective_e10;
                        share.pay_as_you_go_e10 += pay_as_you_go_e10;
                    }
                }
                for ((one, planned), of_hour) in cell.stretches.iter().zip(cell.plan.reservations()).zip(of_hour) {
                    if planned.is_active(hour.hour) {
                        let charged_to = one.scope.unwrap_or(one.terms.subscription);
                        let day = uses.entry((one.reservation, charged_to)).or_insert_with(|| ReservationDay {
                            reservation: one.reservation,
                            order: one.terms.order,
                            charged_to,
                            currency: cell.currency,
                            list_hourly_e8: one.terms.hourly_cost_e8(one.terms.list_price),
                            hours: Vec::new(),
                        });
                        day.hours.push(of_hour);
                    }
                }
            }
        }
        Ok(RatedDay { reservations: uses.into_values().collect(), shares: shares.into_values().collect() })
    }
}

/// Gives equal values equal numbers.
#[derive(Debug)]
struct Numbers<T>(BTreeMap<T, u32>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Numbers<T> {
    fn add(&mut self, value: T) {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.entry(value).or_insert(next);
    }

    /// The number of a value that was added.
    fn of(&self, value: T) -> u32 {
        self.0.get(&value).copied().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use uuid::Uuid;

    use super::*;
    use crate::testing::{self, ORDER, RESERVATION, eur};
    use crate::usage::hour_of;

    fn terms() -> OrderTerms {
        let bought = testing::bought().order;
        OrderTerms {
            order: ORDER,
            partner: bought.partner,
            subscription: bought.subscription,
            sku: bought.sku,
            region: bought.region,
            plan: bought.plan,
            requested_at: bought.requested_at,
            starts_at: bought.starts_at,
            expires_at: bought.expires_at,
            customer_price: bought.prices.customer,
            list_price: bought.prices.list,
        }
    }

    fn state(minutes: i64, scope: AppliedScope, state: ReservationState) -> StateSince {
        let since = testing::now() + minutes.minutes();
        StateSince { since, scope, is_flexible: true, quantity: 4, state }
    }

    fn single() -> AppliedScope {
        AppliedScope::Single(ArmScope::Subscription(testing::subscription()))
    }

    /// The stretches as hours since the purchase.
    fn shown(states: &[StateSince]) -> Vec<String> {
        let start = hour_of(testing::now());
        let show = |one: &Stretch| {
            let scope = if one.scope.is_some() { "single" } else { "shared" };
            format!("{scope} {}..{}", one.first_hour - start, one.end_hour - start)
        };
        stretches(RESERVATION, &terms(), states).iter().map(show).collect()
    }

    #[test]
    fn a_change_takes_effect_with_the_next_hour() {
        use ReservationState::{Cancelled, Expired, Succeeded};
        assert_eq!(shown(&[state(0, AppliedScope::Shared, Succeeded)]), ["shared 0..8760"]);
        // Bought within an hour, moved to one subscription on the hour, returned within an hour.
        let history = [
            state(20, AppliedScope::Shared, Succeeded),
            state(120, single(), Succeeded),
            state(121, single(), Succeeded),
            state(250, single(), Cancelled),
        ];
        assert_eq!(shown(&history), ["shared 1..2", "single 2..5"]);
        // Two changes within one hour: the first never held at the beginning of an hour.
        let history = [
            state(0, AppliedScope::Shared, Succeeded),
            state(70, single(), Succeeded),
            state(80, AppliedScope::Shared, Succeeded),
        ];
        assert_eq!(shown(&history), ["shared 0..8760"]);
        let group = AppliedScope::Single(ArmScope::ResourceGroup(testing::subscription(), "app".to_owned()));
        let history =
            [state(0, AppliedScope::Shared, Succeeded), state(60, group, Succeeded), state(180, single(), Expired)];
        assert_eq!(shown(&history), ["shared 0..1"]);
    }

    #[test]
    fn an_hour_costs_the_price_over_the_hours_of_the_term() {
        let terms = terms();
        assert_eq!(terms.hours(), 8_760);
        // 876 EUR over 8,760 hours, and a price that does not divide.
        assert_eq!(terms.hourly_cost_e8(eur(876)), 10_000_000);
        assert_eq!(terms.hourly_cost_e8(eur(950)), 10_844_749);
        let tie = OrderTerms { expires_at: terms.starts_at + 400.hours(), ..terms };
        assert_eq!(tie.hourly_cost_e8(Money { amount_e6: 2, ..eur(0) }), 0, "0.5 goes to the even neighbour");
        assert_eq!(tie.hourly_cost_e8(Money { amount_e6: 6, ..eur(0) }), 2, "so does 1.5");
    }

    fn resource(number: i64, subscription: SubscriptionId, group: &str) -> (i64, UsageResource) {
        let resource = UsageResource {
            subscription,
            resource: format!("/subscriptions/x/resourceGroups/{group}/providers/vm/{number}"),
            region: "swedencentral".to_owned(),
            sku: "Standard_D2s_v5".to_owned(),
            unit_price_e6: 200_000,
            currency: Currency::parse("EUR").unwrap(),
        };
        (number, resource)
    }

    #[test]
    fn a_day_adds_up_to_what_was_offered_and_what_ran() {
        let other = SubscriptionId(Uuid::from_u128(0x34));
        let resources = BTreeMap::from([
            resource(1, testing::subscription(), "App"),
            resource(2, testing::subscription(), "db"),
            resource(3, other, "app"),
        ]);
        let states = [
            state(0, AppliedScope::Shared, ReservationState::Succeeded),
            state(60, single(), ReservationState::Succeeded),
        ];
        let stretches = stretches(RESERVATION, &terms(), &states);
        let sizes = sizes(&testing::catalog());
        let book = Book::new(&resources, &stretches, &sizes).unwrap();
        let start = hour_of(testing::now());
        let line = |resource, quantity_e6| UsageLine { resource, line: resource, quantity_e6 };
        let lines = vec![line(1, 1_500_000), line(2, 1_000_000), line(3, 3_000_000)];
        let hours = [start, start + 1].map(|hour| UsageHour { hour, lines: lines.clone() });
        let day = book.rate_day(&hours).unwrap();
        let hourly = i128::from(terms().hourly_cost_e8(eur(950))) * 100;
        let [reserved] = day.reservations.as_slice() else { panic!("{day:?}") };
        // Shared it covered 4 of 5.5, single only what ran in its own subscription.
        let uses = &reserved.hours;
        let used: i128 = uses.iter().map(|one| one.used_e10).sum();
        assert_eq!(used, 65_000_000_000);
        for one in uses {
            assert_eq!(one.used_cost_e10 + one.unused_cost_e10, 4 * hourly);
        }
        let consumed: i128 = day.shares.iter().map(|share| share.consumed_e10).sum();
        assert_eq!(consumed, 2 * 55_000_000_000);
        let covered = || day.shares.iter().filter(|share| share.reservation.is_some());
        assert_eq!(covered().map(|s| s.consumed_e10).sum::<i128>(), used);
        let used_cost: i128 = uses.iter().map(|one| one.used_cost_e10).sum();
        assert_eq!(covered().map(|s| s.cost_e10).sum::<i128>(), used_cost);
        let places: Vec<_> = day.shares.iter().map(|s| (s.subscription == other, s.group.as_deref())).collect();
        assert_eq!(places, [(false, Some("app")), (false, Some("db")), (true, Some("app")), (true, Some("app"))]);
    }
}
