//! What a run came to, for people and programs.

use crate::book::Book;
use crate::input::{NotRated, format_hour};
use crate::profile::Vocabulary;
use crate::tally::{Money, Tally, Use};
use std::collections::BTreeMap;
use std::ops::Range;

/// What was read.
pub(crate) struct Input {
    /// Usage files.
    pub files: u64,
    /// Usage lines that were rated.
    pub lines: u64,
    /// Rows that were set aside.
    pub bad_rows: u64,
    /// Rows that are not rated and no mistakes.
    pub not_rated: BTreeMap<NotRated, u64>,
    /// Rows of which a decimal was rounded away.
    pub rounded: u64,
    /// Bytes that did not fit in memory.
    pub spilled_bytes: u64,
}

/// What a run came to. Amounts are in 10^-10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// First hour that was reported.
    pub period_start: String,
    /// The hour before which the report ends.
    pub period_end: String,
    /// Usage files that were read.
    pub files: u64,
    /// Usage lines that were rated.
    pub lines: u64,
    /// Lines whose quantity is zero or negative; they pass through.
    pub corrections: u64,
    /// Rows that were set aside.
    pub bad_rows: u64,
    /// Rows of exports that are not rated: how many of which kind.
    pub not_rated: BTreeMap<NotRated, u64>,
    /// Rows of exports whose quantity or price had more than six decimals.
    pub rounded: u64,
    /// Rows that were written.
    pub rows: u64,
    /// Files that were written.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of lines that did not fit in memory.
    pub spilled_bytes: u64,
    /// Sums by currency, in byte order.
    pub currencies: Vec<CurrencySummary>,
    /// Sums by reservation, in byte order of their ids.
    pub reservations: Vec<ReservationSummary>,
}

/// Sums of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencySummary {
    /// ISO 4217.
    pub currency: String,
    /// Instance hours of all lines with a quantity above zero.
    pub consumed_e10: i128,
    /// Instance hours that reservations covered.
    pub covered_e10: i128,
    /// What is billed as pay as you go.
    pub billed_e10: i128,
    /// Cost of reserved hours that were used.
    pub used_e10: i128,
    /// Cost of reserved hours that were not.
    pub unused_e10: i128,
    /// What the reservations saved against pay as you go.
    pub saved_e10: i128,
}

/// Sums of one reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationSummary {
    /// `ReservationId`.
    pub id: String,
    /// ISO 4217.
    pub currency: String,
    /// Reserved instance hours that were used.
    pub used_quantity_e10: i128,
    /// Reserved instance hours that were not.
    pub unused_quantity_e10: i128,
    /// Cost of the hours that were used.
    pub used_cost_e10: i128,
    /// Cost of the hours that were not.
    pub unused_cost_e10: i128,
}

impl Summary {
    pub(crate) fn new(
        input: Input,
        (parts, bytes): (u64, u64),
        period: &Range<i64>,
        tally: &Tally,
        book: &Book,
        words: &Vocabulary,
    ) -> Self {
        let currency = |(number, money): (&u32, &Money)| CurrencySummary {
            currency: words.currency.texts().text(*number).to_owned(),
            consumed_e10: money.consumed_e10,
            covered_e10: money.covered_e10,
            billed_e10: money.billed_e10,
            used_e10: money.used_e10,
            unused_e10: money.unused_e10,
            saved_e10: money.saved_e10(),
        };
        let mut currencies: Vec<_> = tally.money.iter().map(currency).collect();
        currencies.sort_by(|a, b| a.currency.cmp(&b.currency));
        let reservation = |(index, sums): (usize, &Use)| ReservationSummary {
            id: book.reservations[index].row.id.clone(),
            currency: book.reservations[index].row.currency.clone(),
            used_quantity_e10: sums.used_quantity_e10,
            unused_quantity_e10: sums.unused_quantity_e10,
            used_cost_e10: sums.used_cost_e10,
            unused_cost_e10: sums.unused_cost_e10,
        };
        let mut reservations: Vec<_> = tally.uses.iter().enumerate().map(reservation).collect();
        reservations.sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        Self {
            period_start: format_hour(period.start),
            period_end: format_hour(period.end),
            files: input.files,
            lines: input.lines,
            corrections: tally.corrections,
            bad_rows: input.bad_rows,
            not_rated: input.not_rated,
            rounded: input.rounded,
            rows: tally.rows,
            parts,
            bytes,
            spilled_bytes: input.spilled_bytes,
            currencies,
            reservations,
        }
    }
}
