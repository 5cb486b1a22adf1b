//! Who takes what: the reservations of one billing context and region against the usage lines of one hour.

use super::amount::{
    COST_DECIMALS, Overflow, QUANTITY_DECIMALS, Ratio, cost_e10, quantity_e10, units_of_line, units_of_reservation,
};
use std::collections::BTreeMap;

/// A subscription, by the caller's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription(pub u32);

/// A SKU, by the caller's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sku(pub u32);

/// What a flexible reservation matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A group of the size flexibility table, by its number there.
    Listed(u32),
    /// A SKU that no group lists is a group of its own.
    Own(Sku),
}

/// The order in which kinds of reservations take usage. Source: `docs/rating.md`, Matching, rule 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// One subscription, one SKU.
    SingleExact,
    /// One subscription, a flexibility group.
    SingleFlexible,
    /// All subscriptions of the context, one SKU.
    SharedExact,
    /// All subscriptions of the context, a flexibility group.
    SharedFlexible,
}

impl Pass {
    /// Its number as the documentation counts, 1 to 4.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::SingleExact => 1,
            Self::SingleFlexible => 2,
            Self::SharedExact => 3,
            Self::SharedFlexible => 4,
        }
    }
}

/// A reservation, as far as matching goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The subscription of a `Single` scope; `None`: `Shared`.
    pub scope: Option<Subscription>,
    /// Whether every SKU of the group matches, or the reserved one only.
    pub is_flexible: bool,
    /// The reserved SKU.
    pub sku: Sku,
    /// Its group.
    pub group: Group,
    /// Its ratio.
    pub ratio: Ratio,
    /// Reserved instances, 0 to 1,000,000,000.
    pub quantity: i64,
    /// Amortised cost of one reserved instance for one hour, in 10^-8.
    pub hourly_cost_e8: i64,
    /// First hour since 1970 in which it is active.
    pub first_hour: i64,
    /// The hour since 1970 before which it ends.
    pub end_hour: i64,
    /// When it was bought, microseconds since 1970: the older takes first.
    pub purchased_at: i64,
    /// Its id's place in the byte order of all ids: decides between two of the same instant.
    pub id_rank: u32,
}

impl Reservation {
    /// When it takes its turn.
    #[must_use]
    pub fn pass(&self) -> Pass {
        match (self.scope, self.is_flexible) {
            (Some(_), false) => Pass::SingleExact,
            (Some(_), true) => Pass::SingleFlexible,
            (None, false) => Pass::SharedExact,
            (None, true) => Pass::SharedFlexible,
        }
    }

    /// Whether it offers its units in that hour.
    #[must_use]
    pub fn is_active(&self, hour: i64) -> bool {
        (self.first_hour..self.end_hour).contains(&hour)
    }

    fn matched(&self) -> (Pass, Option<Subscription>, Match) {
        let what = if self.is_flexible { Match::Group(self.group) } else { Match::Sku(self.sku) };
        (self.pass(), self.scope, what)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    Sku(Sku),
    Group(Group),
}

/// For each pass, the queue of reservations that a line meets. A line's queues follow from its subscription and SKU, so they
/// are looked up once and hold for every hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots([u32; 4]);

impl Slots {
    /// Meets no reservation.
    pub const NONE: Self = Self([u32::MAX; 4]);
}

/// A usage line, as far as matching goes.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Instance hours in this hour, in 10^-6. Zero and negative quantities (corrections) pass through.
    pub quantity_e6: i64,
    /// Pay-as-you-go price of an instance hour, in 10^-6.
    pub unit_price_e6: i64,
    /// The ratio of its SKU.
    pub ratio: Ratio,
    /// What [`Plan::slots`] says of its subscription and SKU.
    pub slots: Slots,
}

/// A row of the outcome. A line with a reservation is a covered part, a line alone the remainder, a reservation alone what
/// was left unused. Amounts are in 10^-10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line's place among those given.
    pub line: Option<u32>,
    /// The reservation's place in [`Plan::reservations`].
    pub reservation: Option<u32>,
    /// `ConsumedQuantity`.
    pub consumed_e10: i128,
    /// `CommitmentDiscountQuantity`; 0 in a remainder, where the column is null.
    pub discounted_e10: i128,
    /// `BilledCost`.
    pub billed_e10: i128,
    /// `EffectiveCost`.
    pub effective_e10: i128,
}

/// The reservations of one billing context and region, in the order in which they take usage.
///
/// A line is offered to the four passes one after the other before the next line is looked at. That gives the same outcome as
/// going through all lines four times: what a pass gives a line depends on the lines before it and on the passes before it,
/// never on a later one. Within a pass, reservations with different keys match different lines, so each key is a queue.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    reservations: Vec<Reservation>,
    offers: Vec<i128>,
    /// For each queue, its reservations in order: a range of `queued`.
    queues: Vec<(u32, u32)>,
    queued: Vec<u32>,
    queue_of: BTreeMap<(Pass, Option<Subscription>, Match), u32>,
}

/// Working memory of [`Plan::rate_hour`], reused from hour to hour.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    heads: Vec<u32>,
    states: Vec<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    left: i128,
    discounted_e10: i128,
    effective_e10: i128,
}

impl Plan {
    /// Sorts the reservations of one billing context and region.
    ///
    /// # Errors
    /// [`Overflow`] when a reservation offers more units than can be counted, which needs a quantity out of range.
    pub fn new(mut reservations: Vec<Reservation>) -> Result<Self, Overflow> {
        reservations.sort_by_key(|one| (one.pass(), one.purchased_at, one.id_rank));
        let offer = |one: &Reservation| units_of_reservation(one.quantity, one.ratio);
        let offers = reservations.iter().map(offer).collect::<Result<_, _>>()?;
        let mut members: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        for (index, one) in reservations.iter().enumerate() {
            members.entry(one.matched()).or_default().push(u32::try_from(index).map_err(|_| Overflow)?);
        }
        let mut plan = Self { reservations, offers, ..Self::default() };
        for (key, mut indices) in members {
            let begin = u32::try_from(plan.queued.len()).map_err(|_| Overflow)?;
            plan.queued.append(&mut indices);
            let end = u32::try_from(plan.queued.len()).map_err(|_| Overflow)?;
            plan.queue_of.insert(key, u32::try_from(plan.queues.len()).map_err(|_| Overflow)?);
            plan.queues.push((begin, end));
        }
        Ok(plan)
    }

    /// The reservations in the order in which they take usage.
    #[must_use]
    pub fn reservations(&self) -> &[Reservation] {
        &self.reservations
    }

    /// Which reservations usage of this subscription and SKU meets.
    #[must_use]
    pub fn slots(&self, subscription: Subscription, sku: Sku, group: Group) -> Slots {
        let queue = |pass, scope, what| self.queue_of.get(&(pass, scope, what)).copied().unwrap_or(u32::MAX);
        Slots([
            queue(Pass::SingleExact, Some(subscription), Match::Sku(sku)),
            queue(Pass::SingleFlexible, Some(subscription), Match::Group(group)),
            queue(Pass::SharedExact, None, Match::Sku(sku)),
            queue(Pass::SharedFlexible, None, Match::Group(group)),
        ])
    }

    /// Rates one hour (counted from 1970). The lines stand in the order `SubAccountId`, `ResourceId`, `LineId`. The rows are
    /// added to `rows`: those of each line in the order in which it was taken, then what is left of the reservations.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit; `rows` is then of no use.
    pub fn rate_hour(
        &self,
        hour: i64,
        lines: &[Line],
        scratch: &mut Scratch,
        rows: &mut Vec<Row>,
    ) -> Result<(), Overflow> {
        scratch.heads.clear();
        scratch.heads.extend(self.queues.iter().map(|(begin, _)| *begin));
        scratch.states.clear();
        let offered = self
            .reservations
            .iter()
            .zip(&self.offers)
            .map(|(one, offer)| State { left: if one.is_active(hour) { *offer } else { 0 }, ..State::default() });
        scratch.states.extend(offered);
        for (index, line) in lines.iter().enumerate() {
            self.rate_line(u32::try_from(index).map_err(|_| Overflow)?, line, scratch, rows)?;
        }
        for (index, (one, state)) in self.reservations.iter().zip(&scratch.states).enumerate() {
            if state.left > 0 {
                rows.push(Row {
                    line: None,
                    reservation: Some(u32::try_from(index).map_err(|_| Overflow)?),
                    consumed_e10: 0,
                    discounted_e10: whole_quantity_e10(one) - state.discounted_e10,
                    billed_e10: 0,
                    effective_e10: whole_cost_e10(one) - state.effective_e10,
                });
            }
        }
        Ok(())
    }

    fn rate_line(&self, index: u32, line: &Line, scratch: &mut Scratch, rows: &mut Vec<Row>) -> Result<(), Overflow> {
        let mut rest_e10 = i128::from(line.quantity_e6) * 10_000;
        if line.quantity_e6 > 0 && line.slots != Slots::NONE {
            let mut rest = units_of_line(line.quantity_e6, line.ratio)?;
            for slot in line.slots.0.into_iter().filter(|slot| *slot != u32::MAX) {
                while rest > 0
                    && let Some(taker) = self.next_with_units(slot, scratch)
                {
                    let state = &mut scratch.states[at(taker)];
                    let one = &self.reservations[at(taker)];
                    let taken = rest.min(state.left);
                    rest -= taken;
                    state.left -= taken;
                    let row = part(line, one, state, taken, rest, rest_e10)?;
                    rest_e10 -= row.consumed_e10;
                    rows.push(Row { line: Some(index), reservation: Some(taker), ..row });
                }
            }
            if rest == 0 {
                return Ok(());
            }
        }
        let billed_e10 = cost_e10(rest_e10, line.unit_price_e6, QUANTITY_DECIMALS)?;
        rows.push(Row {
            line: Some(index),
            reservation: None,
            consumed_e10: rest_e10,
            discounted_e10: 0,
            billed_e10,
            effective_e10: billed_e10,
        });
        Ok(())
    }

    /// The first reservation of the queue that has units left. Those before it are out of units for the rest of the hour.
    fn next_with_units(&self, slot: u32, scratch: &mut Scratch) -> Option<u32> {
        let (_, end) = self.queues[at(slot)];
        let head = &mut scratch.heads[at(slot)];
        while *head < end {
            let taker = self.queued[at(*head)];
            if scratch.states[at(taker)].left > 0 {
                return Some(taker);
            }
            *head += 1;
        }
        None
    }
}

/// The row of a covered part. The last row of a line takes what its other rows leave of the quantity, and the last row of a
/// reservation what its other rows leave of quantity and cost: so the sums come out exactly.
fn part(
    line: &Line,
    one: &Reservation,
    state: &mut State,
    taken: i128,
    rest: i128,
    rest_e10: i128,
) -> Result<Row, Overflow> {
    let consumed_e10 = if rest == 0 { rest_e10 } else { quantity_e10(taken, line.ratio)? };
    let (discounted_e10, effective_e10) = if state.left == 0 {
        (whole_quantity_e10(one) - state.discounted_e10, whole_cost_e10(one) - state.effective_e10)
    } else {
        let discounted = quantity_e10(taken, one.ratio)?;
        (discounted, cost_e10(discounted, one.hourly_cost_e8, COST_DECIMALS)?)
    };
    state.discounted_e10 += discounted_e10;
    state.effective_e10 += effective_e10;
    Ok(Row { line: None, reservation: None, consumed_e10, discounted_e10, billed_e10: 0, effective_e10 })
}

fn whole_quantity_e10(one: &Reservation) -> i128 {
    i128::from(one.quantity) * 10_000_000_000
}

fn whole_cost_e10(one: &Reservation) -> i128 {
    i128::from(one.quantity) * i128::from(one.hourly_cost_e8) * 100
}

pub(super) fn at(index: u32) -> usize {
    usize::try_from(index).expect("a number of 32 bits is an index")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(id_rank: u32, scope: Option<u32>, is_flexible: bool, sku: u32, ratio: &str) -> Reservation {
        Reservation {
            scope: scope.map(Subscription),
            is_flexible,
            sku: Sku(sku),
            group: Group::Listed(0),
            ratio: Ratio::parse(ratio).unwrap(),
            quantity: 1,
            hourly_cost_e8: 10_000_000,
            first_hour: 0,
            end_hour: 10,
            purchased_at: 0,
            id_rank,
        }
    }

    /// Lines of (subscription, SKU, ratio, quantity) at a price of 1; rows as text.
    fn rate(reservations: Vec<Reservation>, lines: &[(u32, u32, &str, &str)]) -> Vec<String> {
        let plan = Plan::new(reservations).unwrap();
        let line = |(subscription, sku, ratio, quantity): &(u32, u32, &str, &str)| Line {
            quantity_e6: i64::try_from(super::super::parse_scaled(quantity, 18, 6).unwrap()).unwrap(),
            unit_price_e6: 1_000_000,
            ratio: Ratio::parse(ratio).unwrap(),
            slots: plan.slots(Subscription(*subscription), Sku(*sku), Group::Listed(0)),
        };
        let lines: Vec<Line> = lines.iter().map(line).collect();
        let mut rows = Vec::new();
        plan.rate_hour(5, &lines, &mut Scratch::default(), &mut rows).unwrap();
        let amount = |value| {
            let text = super::super::format_scaled(value, 10);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let name = |row: &Row| match (row.line, row.reservation) {
            (Some(line), Some(taker)) => format!("line {line} by {}", plan.reservations()[at(taker)].id_rank),
            (Some(line), None) => format!("line {line} alone"),
            (None, Some(taker)) => format!("{} unused", plan.reservations()[at(taker)].id_rank),
            (None, None) => unreachable!(),
        };
        let show = |row: &Row| {
            format!(
                "{}: {} {} {}",
                name(row),
                amount(row.consumed_e10),
                amount(row.discounted_e10),
                amount(row.effective_e10)
            )
        };
        rows.iter().map(show).collect()
    }

    #[test]
    fn single_goes_before_shared_and_exact_before_flexible() {
        let reservations = vec![
            reservation(1, None, true, 1, "1"),
            reservation(2, None, false, 1, "1"),
            reservation(3, Some(7), true, 1, "1"),
            reservation(4, Some(7), false, 1, "1"),
        ];
        let rows = rate(reservations, &[(7, 1, "1", "5")]);
        assert_eq!(
            rows,
            [
                "line 0 by 4: 1 1 0.1",
                "line 0 by 3: 1 1 0.1",
                "line 0 by 2: 1 1 0.1",
                "line 0 by 1: 1 1 0.1",
                "line 0 alone: 1 0 1"
            ]
        );
    }

    #[test]
    fn r31_single_scope_stays_in_its_subscription() {
        let rows = rate(vec![reservation(1, Some(8), true, 1, "1")], &[(7, 1, "1", "1")]);
        assert_eq!(rows, ["line 0 alone: 1 0 1", "1 unused: 0 1 0.1"]);
    }

    #[test]
    fn r33_a_large_size_counts_more_units() {
        let rows = rate(vec![reservation(1, None, true, 1, "2")], &[(7, 2, "1", "1"), (7, 3, "4", "1")]);
        assert_eq!(rows, ["line 0 by 1: 1 0.5 0.05", "line 1 by 1: 0.25 0.5 0.05", "line 1 alone: 0.75 0 0.75"]);
    }

    #[test]
    fn thirds_add_up() {
        let rows =
            rate(vec![reservation(1, None, true, 1, "3")], &[(7, 2, "1", "1"), (7, 2, "1", "1"), (7, 2, "1", "1")]);
        assert_eq!(
            rows,
            [
                "line 0 by 1: 1 0.3333333333 0.0333333333",
                "line 1 by 1: 1 0.3333333333 0.0333333333",
                "line 2 by 1: 1 0.3333333334 0.0333333334"
            ]
        );
    }

    #[test]
    fn corrections_pass_through() {
        let rows = rate(vec![reservation(1, None, true, 1, "1")], &[(7, 1, "1", "-2"), (7, 1, "1", "0")]);
        assert_eq!(rows, ["line 0 alone: -2 0 -2", "line 1 alone: 0 0 0", "1 unused: 0 1 0.1"]);
    }

    #[test]
    fn the_largest_amounts_fit() {
        let mut huge = reservation(1, None, true, 1, "99999.999999999999999");
        (huge.quantity, huge.hourly_cost_e8) = (1_000_000_000, 999_999_999_999_999_999);
        let plan = Plan::new(vec![huge]).unwrap();
        let line = |ratio| Line {
            quantity_e6: 999_999_999_999_999_999,
            unit_price_e6: -999_999_999_999_999_999,
            ratio: Ratio::parse(ratio).unwrap(),
            slots: plan.slots(Subscription(1), Sku(1), Group::Listed(0)),
        };
        for ratio in ["99999.999999999999999", "0.000000000000001"] {
            let mut rows = Vec::new();
            plan.rate_hour(5, &[line(ratio); 3], &mut Scratch::default(), &mut rows).unwrap();
            assert!(rows.len() > 3);
        }
    }
}
