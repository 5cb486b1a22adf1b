//! Why a line or a reservation came out as it did: one hour of one billing context and region, rated again and told in full.

use crate::book::{self, Book, Numbered};
use crate::error::Error;
use crate::input::{self, Number, Text, format_hour, format_instant};
use crate::number::{at, number};
use crate::profile::{Profiles, Vocabulary};
use crate::progress::Progress;
use crate::runs::{Row, Runs};
use crate::scan::{self, Checks, Only, Usage};
use crate::work;
use fullmakt_domain::rating::{HOUR_MICROS, Line, Pass, Reservation, Row as Rated, Scratch};
use std::path::PathBuf;

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A usage line, by its `LineId`.
    Line(i64),
    /// A reservation in an hour since 1970.
    Reservation(String, i64),
}

/// A question about the outcome of a rating.
#[derive(Clone, Debug)]
pub struct Question {
    /// Files and folders of usage.
    pub usage: Vec<PathBuf>,
    /// The reservations.
    pub reservations: PathBuf,
    /// The size flexibility table.
    pub flexibility: PathBuf,
    /// Threads, at least one.
    pub threads: usize,
    /// Bytes of memory to work with.
    pub memory: u64,
    /// What about.
    pub about: About,
}

/// One hour of one billing context and region. Amounts are in 10^-10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The hour.
    pub hour: String,
    /// `BillingAccountId`.
    pub account: String,
    /// `x_CustomerId`.
    pub customer: String,
    /// `BillingCurrency`.
    pub currency: String,
    /// `RegionId`.
    pub region: String,
    /// The lines asked about, or those that the reservation took from.
    pub lines: Vec<ExplainedLine>,
    /// The reservations of the context and region in the order in which they take usage, or the one asked about.
    pub reservations: Vec<ExplainedReservation>,
}

/// A usage line and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedLine {
    /// `LineId`.
    pub line: i64,
    /// `SubAccountId`.
    pub subscription: String,
    /// `ResourceId`.
    pub resource: String,
    /// `x_ArmSkuName`.
    pub sku: String,
    /// Its quantity.
    pub quantity_e10: i128,
    /// Its price, in 10^-6.
    pub price_e6: i64,
    /// What was taken, in order.
    pub parts: Vec<ExplainedPart>,
    /// What is left to pay as you go.
    pub rest_e10: i128,
    /// What that costs.
    pub billed_e10: i128,
}

/// What a reservation took of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedPart {
    /// `ReservationId`.
    pub reservation: String,
    /// The pass in which it was taken, 1 to 4.
    pub pass: u8,
    /// In instances of the line's SKU.
    pub consumed_e10: i128,
    /// In instances of the reserved SKU.
    pub discounted_e10: i128,
    /// What that cost.
    pub effective_e10: i128,
}

/// A reservation, its hour, and why it took or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedReservation {
    /// `ReservationId`.
    pub id: String,
    /// The pass in which it takes its turn, 1 to 4.
    pub pass: u8,
    /// The subscription of a `Single` scope.
    pub scope: Option<String>,
    /// Whether sizes are flexible.
    pub is_flexible: bool,
    /// `x_ArmSkuName`.
    pub sku: String,
    /// Reserved instances.
    pub quantity: i64,
    /// Instances that were used in the hour.
    pub used_e10: i128,
    /// Instances that were left.
    pub unused_e10: i128,
    /// What those cost.
    pub unused_cost_e10: i128,
    /// Why it came out so, in a sentence.
    pub why: String,
}

/// Rates the hour again and tells it.
///
/// # Errors
/// [`Error`] when a file cannot be read, or there is no such line or reservation.
pub fn explain(question: &Question) -> Result<Explanation, Error> {
    let flexibility = input::flexibility(&question.flexibility)?;
    let words = Vocabulary::default();
    let reservations = book::number_reservations(input::reservations(&question.reservations)?, &words);
    let progress = Progress::default();
    let usage = Usage::open(input::usage_files(&question.usage)?, &progress)?;
    let only = only(question, &usage, &words, &reservations)?;
    let folder = std::env::temp_dir();
    let (profiles, runs) = (Profiles::default(), Runs::new(u64::MAX, &folder));
    // Bad rows elsewhere do not matter here.
    let checks = Checks { period: None, subscriptions: None, skips: true, only: Some(only) };
    scan::scan(&usage, question.threads, &checks, (&words, &profiles), (&runs, question.memory), &progress)?;
    let lines = runs.finish();
    let book = Book::new(profiles.table().all(), reservations, &flexibility, &words)?;
    let hour = only.start.div_euclid(HOUR_MICROS);
    let mut rows = Vec::new();
    lines.of(&(0..u32::MAX), |_| true, &mut rows)?;
    let (mut sorted, mut buffer) = (Vec::new(), Vec::new());
    work::sort(&rows, &book.seats, &mut sorted, &mut buffer);
    Told { book: &book, words: &words, hour, rows: &sorted }.tell(&question.about, &only)
}

/// Which rows matter: the hour, context and region of what is asked about.
fn only(question: &Question, usage: &Usage, words: &Vocabulary, reservations: &[Numbered]) -> Result<Only, Error> {
    match &question.about {
        About::Line(line) => {
            let found = usage.each_batch(
                question.threads,
                words,
                || None,
                |found, _, batch| {
                    if let Some(row) = batch.number(Number::Line).iter().position(|one| one == line) {
                        *found = Some(Only {
                            start: batch.number(Number::Start)[row],
                            account: batch.text(Text::Account)[row],
                            customer: batch.text(Text::Customer)[row],
                            currency: batch.text(Text::Currency)[row],
                            region: batch.text(Text::Region)[row],
                        });
                    }
                    Ok(())
                },
            )?;
            let found = found.into_iter().flatten().next();
            found.ok_or_else(|| Error::Asked(format!("the usage has no line with the `LineId` `{line}`")))
        }
        About::Reservation(id, hour) => {
            let found = reservations.iter().find(|one| one.row.id == *id);
            let one = found.ok_or_else(|| Error::Asked(format!("there is no reservation `{id}`")))?;
            Ok(Only {
                start: hour * HOUR_MICROS,
                account: one.profile.account,
                customer: one.profile.customer,
                currency: one.profile.currency,
                region: one.profile.region,
            })
        }
    }
}

struct Told<'a> {
    book: &'a Book,
    words: &'a Vocabulary,
    hour: i64,
    rows: &'a [Row],
}

impl Told<'_> {
    fn tell(&self, about: &About, only: &Only) -> Result<Explanation, Error> {
        let is_cell = |cell: &book::Cell| {
            let of = &cell.sample;
            (of.account, of.customer, of.currency, of.region)
                == (only.account, only.customer, only.currency, only.region)
        };
        let unusable = || Error::Asked("the row of this line cannot be used; `fullmakt rate` tells why".into());
        let cell = self.book.cells.iter().find(|cell| is_cell(cell)).ok_or_else(unusable)?;
        let line = |row: &Row| {
            let seat = &self.book.seats[at(row.profile)];
            Line { quantity_e6: row.quantity_e6, unit_price_e6: seat.price_e6, ratio: seat.ratio, slots: seat.slots }
        };
        let lines: Vec<Line> = self.rows.iter().map(line).collect();
        let mut rated = Vec::new();
        cell.plan.rate_hour(self.hour, &lines, &mut Scratch::default(), &mut rated)?;
        let (wanted_lines, wanted_reservations): (Vec<usize>, Vec<usize>) = match about {
            About::Line(line) => {
                let found = self.rows.iter().position(|row| row.line == *line).ok_or_else(unusable)?;
                (vec![found], (0..cell.reservations.len()).collect())
            }
            About::Reservation(id, _) => {
                let is_it = |index: &usize| self.book.reservations[at(cell.reservations[*index])].row.id == *id;
                let found: Vec<usize> = (0..cell.reservations.len()).filter(is_it).collect();
                let taken = |line: &usize| {
                    let mine = |row: &Rated| {
                        row.line == Some(number(*line)) && row.reservation.is_some_and(|one| found.contains(&at(one)))
                    };
                    rated.iter().any(mine)
                };
                ((0..self.rows.len()).filter(taken).collect(), found)
            }
        };
        let of_line = match about {
            About::Line(_) => wanted_lines.first().copied(),
            About::Reservation(..) => None,
        };
        let names = |text: u32, of: &crate::intern::Names| of.texts().text(text).to_owned();
        Ok(Explanation {
            hour: format_hour(self.hour),
            account: names(cell.sample.account, &self.words.account),
            customer: names(cell.sample.customer, &self.words.customer),
            currency: names(cell.sample.currency, &self.words.currency),
            region: names(cell.sample.region, &self.words.region),
            lines: wanted_lines.iter().map(|line| self.line(cell, *line, &rated)).collect(),
            reservations: wanted_reservations.iter().map(|one| self.reservation(cell, *one, of_line, &rated)).collect(),
        })
    }

    fn line(&self, cell: &book::Cell, index: usize, rated: &[Rated]) -> ExplainedLine {
        let row = &self.rows[index];
        let profile = &self.book.profiles[at(row.profile)];
        let mine = || rated.iter().filter(|one| one.line == Some(number(index)));
        let part = |one: &Rated| {
            let taker = at(one.reservation?);
            Some(ExplainedPart {
                reservation: self.book.reservations[at(cell.reservations[taker])].row.id.clone(),
                pass: cell.plan.reservations()[taker].pass().number(),
                consumed_e10: one.consumed_e10,
                discounted_e10: one.discounted_e10,
                effective_e10: one.effective_e10,
            })
        };
        let rest = mine().find(|one| one.reservation.is_none());
        ExplainedLine {
            line: row.line,
            subscription: self.words.subscription.texts().text(profile.subscription).to_owned(),
            resource: self.words.resource.texts().text(profile.resource).to_owned(),
            sku: self.words.sku.texts().text(profile.sku).to_owned(),
            quantity_e10: i128::from(row.quantity_e6) * 10_000,
            price_e6: profile.price_e6,
            parts: mine().filter_map(part).collect(),
            rest_e10: rest.map_or(0, |one| one.consumed_e10),
            billed_e10: rest.map_or(0, |one| one.billed_e10),
        }
    }

    fn reservation(
        &self,
        cell: &book::Cell,
        index: usize,
        line: Option<usize>,
        rated: &[Rated],
    ) -> ExplainedReservation {
        let one = &cell.plan.reservations()[index];
        let row = &self.book.reservations[at(cell.reservations[index])].row;
        let mine = || rated.iter().filter(|rated| rated.reservation == Some(number(index)));
        let unused = mine().find(|rated| rated.line.is_none());
        ExplainedReservation {
            id: row.id.clone(),
            pass: one.pass().number(),
            scope: row.scope.clone(),
            is_flexible: row.is_flexible,
            sku: row.sku.clone(),
            quantity: row.quantity,
            used_e10: mine().filter(|rated| rated.line.is_some()).map(|rated| rated.discounted_e10).sum(),
            unused_e10: unused.map_or(0, |rated| rated.discounted_e10),
            unused_cost_e10: unused.map_or(0, |rated| rated.effective_e10),
            why: match line {
                _ if !one.is_active(self.hour) => {
                    let (start, end) = (format_instant(row.start), format_instant(row.end));
                    format!("is not active in this hour: it runs from {start} to {end}")
                }
                Some(line) => self.why_of_line(one, index, line, rated),
                None if unused.is_none() && one.quantity > 0 => "all of it was used".into(),
                None if mine().any(|rated| rated.line.is_some()) => {
                    "the rest found no more usage that it matches".into()
                }
                None => "no usage that it matches was left when its turn came".into(),
            },
        }
    }

    /// Why a reservation took what it took of a line, or nothing.
    fn why_of_line(&self, one: &Reservation, index: usize, line: usize, rated: &[Rated]) -> String {
        let row = &self.rows[line];
        let profile = &self.book.profiles[at(row.profile)];
        let taken = |line: usize, taker: usize| {
            rated.iter().any(|row| row.line == Some(number(line)) && row.reservation == Some(number(taker)))
        };
        if taken(line, index) {
            return "took a part of the line".into();
        }
        if row.quantity_e6 <= 0 {
            return "the line is a correction, which nothing is matched with".into();
        }
        if one.scope.is_some_and(|scope| scope.0 != profile.subscription) {
            return "is for another subscription".into();
        }
        if !one.is_flexible && one.sku.0 != profile.sku {
            return "is for another SKU, and its size is not flexible".into();
        }
        let reserved = self.book.group_of(one.sku.0);
        if one.is_flexible && reserved != self.book.group_of(profile.sku) {
            return "is for another size flexibility group".into();
        }
        let before: Vec<String> =
            (0..line).filter(|line| taken(*line, index)).map(|line| self.rows[line].line.to_string()).collect();
        let is_used_up = !rated.iter().any(|row| row.line.is_none() && row.reservation == Some(number(index)));
        if is_used_up && !before.is_empty() {
            let shown = before.len().min(5);
            let more = if before.len() > shown { ", …" } else { "" };
            return format!("was used up by lines that come before: {}{more}", before[..shown].join(", "));
        }
        if one.quantity == 0 {
            return "reserves nothing".into();
        }
        match one.pass() {
            Pass::SingleExact => "the line was taken by others of its pass".into(),
            Pass::SingleFlexible | Pass::SharedExact | Pass::SharedFlexible => {
                "the line was taken before its turn came".into()
            }
        }
    }
}
