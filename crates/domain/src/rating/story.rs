//! Why a line or a reservation came out as it did in an hour.

use super::plan::{Group, Line, Pass, Plan, Row, Sku, Subscription};
use std::fmt;

/// What names a line, as far as reasons go.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// `LineId`.
    pub line: i64,
    /// Its subscription.
    pub subscription: Subscription,
    /// Its SKU.
    pub sku: Sku,
    /// The group of its SKU.
    pub group: Group,
}

/// An hour of one billing context and region, rated.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The reservations.
    pub plan: &'a Plan,
    /// The hour, counted from 1970.
    pub hour: i64,
    /// The lines as they were rated.
    pub lines: &'a [Line],
    /// What names them, in the same order.
    pub named: &'a [Named],
    /// The outcome.
    pub rows: &'a [Row],
}

/// What became of a line. Amounts are in 10^-10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineStory {
    /// What was taken, in order.
    pub parts: Vec<Part>,
    /// What is left to pay as you go.
    pub rest_e10: i128,
    /// What that costs.
    pub billed_e10: i128,
}

/// What a reservation took of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The reservation's place in [`Plan::reservations`].
    pub reservation: usize,
    /// The pass in which it was taken.
    pub pass: Pass,
    /// In instances of the line's SKU.
    pub consumed_e10: i128,
    /// In instances of the reserved SKU.
    pub discounted_e10: i128,
    /// What that cost.
    pub effective_e10: i128,
}

/// What became of a reservation's hour. Amounts are in 10^-10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationStory {
    /// Instances that were used.
    pub used_e10: i128,
    /// Instances that were left.
    pub unused_e10: i128,
    /// What those cost.
    pub unused_cost_e10: i128,
    /// Why it came out so.
    pub why: Why,
}

/// Why a reservation took what it took, of one line or in the whole hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It offers nothing in this hour.
    NotActive,
    /// It reserves nothing.
    Empty,
    /// Of the hour: nothing was left.
    AllUsed,
    /// Of the hour: some was used, and no more usage matched.
    NoMoreUsage,
    /// Of the hour: nothing was used.
    NoUsage,
    /// Of a line: it took a part, or all of it.
    Took,
    /// Of a line: nothing is matched with a quantity of zero or below.
    Correction,
    /// Of a line: it is for another subscription.
    OtherSubscription,
    /// Of a line: it is for another SKU and not flexible.
    OtherSku,
    /// Of a line: it is for another flexibility group.
    OtherGroup,
    /// Of a line: lines that come before had used it up: the `LineId` of the first five, and whether there are more.
    UsedUp {
        /// The lines.
        lines: Vec<i64>,
        /// Whether there are others.
        more: bool,
    },
    /// Of a line: others of the same pass took it.
    TakenInPass,
    /// Of a line: it was taken before this one's turn came.
    TakenBefore,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotActive => "is not active in this hour",
            Self::Empty => "reserves nothing",
            Self::AllUsed => "all of it was used",
            Self::NoMoreUsage => "the rest found no more usage that it matches",
            Self::NoUsage => "no usage that it matches was left when its turn came",
            Self::Took => "took a part of the line",
            Self::Correction => "the line is a correction, which nothing is matched with",
            Self::OtherSubscription => "is for another subscription",
            Self::OtherSku => "is for another SKU, and its size is not flexible",
            Self::OtherGroup => "is for another size flexibility group",
            Self::TakenInPass => "the line was taken by others of its pass",
            Self::TakenBefore => "the line was taken before its turn came",
            Self::UsedUp { lines, more } => {
                let lines: Vec<String> = lines.iter().map(i64::to_string).collect();
                let more = if *more { ", …" } else { "" };
                return write!(f, "was used up by lines that come before: {}{more}", lines.join(", "));
            }
        })
    }
}

/// How many lines a reason names.
const NAMED_MAX: usize = 5;

impl Scene<'_> {
    /// The rows of a line.
    fn of_line(&self, line: usize) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.line.is_some_and(|one| super::plan::at(one) == line))
    }

    /// The rows of a reservation.
    fn of_reservation(&self, reservation: usize) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.reservation.is_some_and(|one| super::plan::at(one) == reservation))
    }

    /// The places of the lines that a reservation took something of, in order.
    pub fn lines_of(&self, reservation: usize) -> impl Iterator<Item = usize> {
        self.of_reservation(reservation).filter_map(|row| row.line).map(super::plan::at)
    }

    /// What became of a line, by its place.
    #[must_use]
    pub fn line(&self, line: usize) -> LineStory {
        let part = |row: &Row| {
            let reservation = super::plan::at(row.reservation?);
            Some(Part {
                reservation,
                pass: self.plan.reservations()[reservation].pass(),
                consumed_e10: row.consumed_e10,
                discounted_e10: row.discounted_e10,
                effective_e10: row.effective_e10,
            })
        };
        let rest = self.of_line(line).find(|row| row.reservation.is_none());
        LineStory {
            parts: self.of_line(line).filter_map(part).collect(),
            rest_e10: rest.map_or(0, |row| row.consumed_e10),
            billed_e10: rest.map_or(0, |row| row.billed_e10),
        }
    }

    /// What became of a reservation, by its place, and why: of one line, or in the hour.
    #[must_use]
    pub fn reservation(&self, reservation: usize, line: Option<usize>) -> ReservationStory {
        let unused = self.of_reservation(reservation).find(|row| row.line.is_none());
        let used = self.of_reservation(reservation).filter(|row| row.line.is_some());
        let one = &self.plan.reservations()[reservation];
        let why = match line {
            _ if !one.is_active(self.hour) => Why::NotActive,
            Some(line) => self.why_of_line(reservation, line),
            None if unused.is_none() && one.quantity > 0 => Why::AllUsed,
            None if self.lines_of(reservation).next().is_some() => Why::NoMoreUsage,
            None => Why::NoUsage,
        };
        ReservationStory {
            used_e10: used.map(|row| row.discounted_e10).sum(),
            unused_e10: unused.map_or(0, |row| row.discounted_e10),
            unused_cost_e10: unused.map_or(0, |row| row.effective_e10),
            why,
        }
    }

    fn why_of_line(&self, reservation: usize, line: usize) -> Why {
        let one = &self.plan.reservations()[reservation];
        let named = &self.named[line];
        if self.lines_of(reservation).any(|one| one == line) {
            return Why::Took;
        }
        if self.lines[line].quantity_e6 <= 0 {
            return Why::Correction;
        }
        if one.scope.is_some_and(|scope| scope != named.subscription) {
            return Why::OtherSubscription;
        }
        if !one.is_flexible && one.sku != named.sku {
            return Why::OtherSku;
        }
        if one.is_flexible && one.group != named.group {
            return Why::OtherGroup;
        }
        let is_used_up = !self.of_reservation(reservation).any(|row| row.line.is_none());
        let before: Vec<i64> =
            self.lines_of(reservation).filter(|one| *one < line).map(|one| self.named[one].line).collect();
        if is_used_up && !before.is_empty() {
            let more = before.len() > NAMED_MAX;
            return Why::UsedUp { lines: before.into_iter().take(NAMED_MAX).collect(), more };
        }
        if one.quantity == 0 {
            return Why::Empty;
        }
        match one.pass() {
            Pass::SingleExact => Why::TakenInPass,
            Pass::SingleFlexible | Pass::SharedExact | Pass::SharedFlexible => Why::TakenBefore,
        }
    }
}
