//! The rows of a stretch of the outcome, column by column, texts and amounts as codes.

use crate::number::{at, low, number};

/// A row has no reservation.
pub const NONE: u32 = u32::MAX;

/// Distinct amounts and, for each row that has one, which.
#[derive(Default)]
pub struct Amounts {
    /// The distinct amounts in 10^-10, in the order of arrival.
    pub values: Vec<i128>,
    /// For each row that has an amount, its place in `values`.
    pub codes: Vec<u32>,
    slots: Vec<u32>,
    /// By the last digits of a profile the latest amount of one, and its code, or [`NONE`]: what a resource costs in an hour it
    /// mostly costs in the next.
    latest: Vec<(i128, u32)>,
}

const LATEST: usize = 2048;

impl Amounts {
    /// Takes all away and keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
        self.codes.clear();
        self.slots.fill(0);
        self.latest.fill((0, NONE));
    }

    /// Adds an amount of a line of this profile, or of any other: only how fast it is found depends on it.
    pub fn push(&mut self, profile: u32, value: i128) {
        if self.latest.is_empty() {
            self.latest.resize(LATEST, (0, NONE));
        }
        let place = at(profile) % LATEST;
        let (before, code) = self.latest[place];
        if code != NONE && before == value {
            self.codes.push(code);
            return;
        }
        let code = self.find_or_add(value);
        self.latest[place] = (value, code);
        self.codes.push(code);
    }

    fn find_or_add(&mut self, value: i128) -> u32 {
        if self.slots.len() < 2 * (self.values.len() + 1) {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut place = spot(value) & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                self.values.push(value);
                self.slots[place] = number(self.values.len());
                return number(self.values.len() - 1);
            }
            if self.values[at(slot - 1)] == value {
                return slot - 1;
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(1024);
        self.slots.clear();
        self.slots.resize(size, 0);
        for (index, value) in self.values.iter().enumerate() {
            let mut place = spot(*value) & (size - 1);
            while self.slots[place] != 0 {
                place = (place + 1) & (size - 1);
            }
            self.slots[place] = number(index) + 1;
        }
    }
}

/// Where the search for an amount begins.
fn spot(value: i128) -> usize {
    let bytes = value.to_le_bytes();
    let half = |from: usize| bytes[from..].first_chunk().map_or(0, |half| u64::from_le_bytes(*half));
    let mixed = (half(0) ^ half(8).rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    at(low(mixed >> 32))
}

/// Rows of the outcome in canonical order.
#[derive(Default)]
pub struct Block {
    /// `LineId`; 0 for an unused row, where it is null.
    pub lines: Vec<i64>,
    /// The profile: of the line, or, behind all profiles of usage, of the reservation in an unused row.
    pub profiles: Vec<u32>,
    /// The reservation of each row, or [`NONE`].
    pub reservations: Vec<u32>,
    /// Hours since 1970, and how many rows each has.
    pub hours: Vec<(i64, usize)>,
    /// Cells, and how many rows each has.
    pub cells: Vec<(u32, usize)>,
    /// `ConsumedQuantity`.
    pub consumed: Amounts,
    /// `CommitmentDiscountQuantity`, of the rows with a reservation.
    pub discounted: Amounts,
    /// `BilledCost`.
    pub billed: Amounts,
    /// `EffectiveCost`.
    pub effective: Amounts,
}

impl Block {
    /// Takes all rows away and keeps the memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.profiles.clear();
        self.reservations.clear();
        self.hours.clear();
        self.cells.clear();
        for amounts in [&mut self.consumed, &mut self.discounted, &mut self.billed, &mut self.effective] {
            amounts.clear();
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Counts `rows` more rows of an hour and a cell.
    pub fn extend_runs(&mut self, hour: i64, cell: u32, rows: usize) {
        if rows == 0 {
            return;
        }
        match self.hours.last_mut() {
            Some((last, count)) if *last == hour => *count += rows,
            _ => self.hours.push((hour, rows)),
        }
        match self.cells.last_mut() {
            Some((last, count)) if *last == cell => *count += rows,
            _ => self.cells.push((cell, rows)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_back() {
        let mut amounts = Amounts::default();
        let wanted: Vec<i128> = (0..5000_i128).map(|n| (n % 1700 - 800) * 10_i128.pow(20) + n % 2).collect();
        (0..7_u32).cycle().zip(&wanted).for_each(|(profile, value)| amounts.push(profile % 3 * 2048, *value));
        let back: Vec<i128> = amounts.codes.iter().map(|code| amounts.values[at(*code)]).collect();
        assert_eq!(back, wanted);
        assert!(amounts.values.len() < 5000);
    }
}
