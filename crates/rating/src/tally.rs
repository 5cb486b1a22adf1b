//! What a run comes to: sums, exact.

use crate::block::NONE;
use crate::error::Error;
use crate::number::at;
use fullmakt_domain::rating::{Line, Overflow, Row, pay_as_you_go_e10};
use std::collections::BTreeMap;

/// Sums of one currency, in 10^-10.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// Instance hours of all lines with a quantity above zero.
    pub consumed_e10: i128,
    /// Instance hours that reservations covered.
    pub covered_e10: i128,
    /// What is billed: all that no reservation covered.
    pub billed_e10: i128,
    /// What the covered usage would have cost without reservations.
    pub avoided_e10: i128,
    /// Cost of reserved hours that were used.
    pub used_e10: i128,
    /// Cost of reserved hours that nobody used.
    pub unused_e10: i128,
}

impl Money {
    /// What the reservations saved: what was avoided less what they cost, used or not.
    #[must_use]
    pub fn saved_e10(&self) -> i128 {
        self.avoided_e10 - self.used_e10 - self.unused_e10
    }

    fn add(&mut self, other: &Self) {
        self.consumed_e10 += other.consumed_e10;
        self.covered_e10 += other.covered_e10;
        self.billed_e10 += other.billed_e10;
        self.avoided_e10 += other.avoided_e10;
        self.used_e10 += other.used_e10;
        self.unused_e10 += other.unused_e10;
    }
}

/// Sums of one reservation, in 10^-10.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Reserved instance hours that were used.
    pub used_quantity_e10: i128,
    /// Reserved instance hours that were not.
    pub unused_quantity_e10: i128,
    /// Cost of the hours that were used.
    pub used_cost_e10: i128,
    /// Cost of the hours that were not.
    pub unused_cost_e10: i128,
}

/// All sums.
pub struct Tally {
    /// Rows of the outcome.
    pub rows: u64,
    /// Usage lines.
    pub lines: u64,
    /// Lines whose quantity is zero or negative.
    pub corrections: u64,
    /// By number of the currency.
    pub money: BTreeMap<u32, Money>,
    /// By number of the reservation.
    pub uses: Vec<Use>,
}

impl Tally {
    /// All zero.
    pub fn new(reservations: usize) -> Self {
        Self { rows: 0, lines: 0, corrections: 0, money: BTreeMap::new(), uses: vec![Use::default(); reservations] }
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.lines += other.lines;
        self.corrections += other.corrections;
        for (currency, money) in &other.money {
            self.money.entry(*currency).or_default().add(money);
        }
        for (sum, one) in self.uses.iter_mut().zip(&other.uses) {
            sum.used_quantity_e10 += one.used_quantity_e10;
            sum.unused_quantity_e10 += one.unused_quantity_e10;
            sum.used_cost_e10 += one.used_cost_e10;
            sum.unused_cost_e10 += one.unused_cost_e10;
        }
    }

    /// Begins to count rows of a currency.
    pub fn of(&mut self, currency: u32) -> Counter<'_> {
        Counter { tally: self, currency, money: Money::default() }
    }
}

/// Counts rows of one currency.
pub struct Counter<'a> {
    tally: &'a mut Tally,
    currency: u32,
    money: Money,
}

impl Counter<'_> {
    /// Counts usage lines.
    pub fn count_lines(&mut self, lines: &[Line]) {
        self.tally.lines += crate::number::long(lines.len());
        for line in lines {
            if line.quantity_e6 > 0 {
                self.money.consumed_e10 += i128::from(line.quantity_e6) * 10_000;
            } else {
                self.tally.corrections += 1;
            }
        }
    }

    /// Counts a row.
    ///
    /// # Errors
    /// [`Error`] when an amount does not fit.
    pub fn count(&mut self, row: &Row, line: Option<&Line>, reservation: u32) -> Result<(), Error> {
        self.tally.rows += 1;
        if reservation == NONE {
            self.money.billed_e10 = self.money.billed_e10.checked_add(row.billed_e10).ok_or(Overflow)?;
            return Ok(());
        }
        let sums = &mut self.tally.uses[at(reservation)];
        match line {
            Some(line) => {
                let avoided = pay_as_you_go_e10(row.consumed_e10, line.unit_price_e6)?;
                self.money.avoided_e10 = self.money.avoided_e10.checked_add(avoided).ok_or(Overflow)?;
                self.money.covered_e10 += row.consumed_e10;
                self.money.used_e10 += row.effective_e10;
                sums.used_quantity_e10 += row.discounted_e10;
                sums.used_cost_e10 += row.effective_e10;
            }
            None => {
                self.money.unused_e10 += row.effective_e10;
                sums.unused_quantity_e10 += row.discounted_e10;
                sums.unused_cost_e10 += row.effective_e10;
            }
        }
        Ok(())
    }

    /// Adds what was counted to the tally.
    pub fn finish(self) {
        self.tally.money.entry(self.currency).or_default().add(&self.money);
    }
}
