//! Why a line or a reservation came out as it did: one hour of one billing context and region, rated again and told in full.

use crate::book::{self, Book, Numbered};
use crate::error::Error;
use crate::input::{self, FocusInput, Number, Text, format_hour, format_instant};
use crate::number::at;
use crate::profile::{Profiles, Vocabulary};
use crate::progress::Progress;
use crate::runs::{Row, Runs, Wanted};
use crate::scan::{self, Checks, Only, Usage};
use crate::work;
use fullmakt_domain::rating::{HOUR_MICROS, Line, Named, Part, Scene, Scratch, Sku, Subscription, Why};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// How exports in the columns of FOCUS are read; `None`: the files have the columns of usage.
    pub focus: Option<Arc<FocusInput>>,
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
    let usage = Usage::open(input::usage_files(&question.usage)?, question.focus.as_ref(), &progress)?;
    let only = only(question, &usage, &words, &reservations)?;
    let folder = std::env::temp_dir();
    let (profiles, runs) = (Profiles::default(), Runs::new(u64::MAX, &folder));
    // Bad rows elsewhere do not matter here.
    let checks = Checks { period: None, subscriptions: None, skips: true, only: Some(only) };
    scan::scan(&usage, question.threads, &checks, (&words, &profiles), (&runs, question.memory), &progress)?;
    let lines = runs.finish();
    let book = Book::new(&profiles.table(), reservations, &flexibility, &words)?;
    let hour = only.start.div_euclid(HOUR_MICROS);
    let all = Wanted { cells: 0..u32::MAX, hours: 0..u32::MAX };
    let (mut sorted, mut buffer, mut from_disk) = (Vec::new(), Vec::new(), Vec::new());
    work::sort(&lines.of(&all, &book.arrived, &mut from_disk)?, |_| true, &book.seats, &mut sorted, &mut buffer);
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
        let named = |row: &Row| {
            let profile = &self.book.profiles[at(row.profile)];
            let group = self.book.group_of(profile.sku);
            Named { line: row.line, subscription: Subscription(profile.subscription), sku: Sku(profile.sku), group }
        };
        let lines: Vec<Line> = self.rows.iter().map(line).collect();
        let named: Vec<Named> = self.rows.iter().map(named).collect();
        let mut rated = Vec::new();
        cell.plan.rate_hour(self.hour, &lines, &mut Scratch::default(), &mut rated)?;
        let scene = Scene { plan: &cell.plan, hour: self.hour, lines: &lines, named: &named, rows: &rated };
        let (of_line, wanted_lines, wanted_reservations): (_, Vec<usize>, Vec<usize>) = match about {
            About::Line(line) => {
                let found = self.rows.iter().position(|row| row.line == *line).ok_or_else(unusable)?;
                (Some(found), vec![found], (0..cell.reservations.len()).collect())
            }
            About::Reservation(id, _) => {
                let is_it = |index: &usize| self.book.reservations[at(cell.reservations[*index])].row.id == *id;
                let found: Vec<usize> = (0..cell.reservations.len()).filter(is_it).collect();
                (None, found.iter().flat_map(|one| scene.lines_of(*one)).collect(), found)
            }
        };
        let names = |text: u32, of: &crate::intern::Names| of.texts().text(text).to_owned();
        Ok(Explanation {
            hour: format_hour(self.hour),
            account: names(cell.sample.account, &self.words.account),
            customer: names(cell.sample.customer, &self.words.customer),
            currency: names(cell.sample.currency, &self.words.currency),
            region: names(cell.sample.region, &self.words.region),
            lines: wanted_lines.iter().map(|line| self.line(cell, *line, &scene)).collect(),
            reservations: wanted_reservations.iter().map(|one| self.reservation(cell, *one, of_line, &scene)).collect(),
        })
    }

    fn line(&self, cell: &book::Cell, index: usize, scene: &Scene<'_>) -> ExplainedLine {
        let row = &self.rows[index];
        let profile = &self.book.profiles[at(row.profile)];
        let story = scene.line(index);
        let part = |part: &Part| ExplainedPart {
            reservation: self.book.reservations[at(cell.reservations[part.reservation])].row.id.clone(),
            pass: part.pass.number(),
            consumed_e10: part.consumed_e10,
            discounted_e10: part.discounted_e10,
            effective_e10: part.effective_e10,
        };
        ExplainedLine {
            line: row.line,
            subscription: self.words.subscription.texts().text(profile.subscription).to_owned(),
            resource: self.words.resource.texts().text(profile.resource).to_owned(),
            sku: self.words.sku.texts().text(profile.sku).to_owned(),
            quantity_e10: i128::from(row.quantity_e6) * 10_000,
            price_e6: profile.price_e6,
            parts: story.parts.iter().map(part).collect(),
            rest_e10: story.rest_e10,
            billed_e10: story.billed_e10,
        }
    }

    fn reservation(
        &self,
        cell: &book::Cell,
        index: usize,
        line: Option<usize>,
        scene: &Scene<'_>,
    ) -> ExplainedReservation {
        let one = &cell.plan.reservations()[index];
        let row = &self.book.reservations[at(cell.reservations[index])].row;
        let story = scene.reservation(index, line);
        ExplainedReservation {
            id: row.id.clone(),
            pass: one.pass().number(),
            scope: row.scope.clone(),
            is_flexible: row.is_flexible,
            sku: row.sku.clone(),
            quantity: row.quantity,
            used_e10: story.used_e10,
            unused_e10: story.unused_e10,
            unused_cost_e10: story.unused_cost_e10,
            why: match story.why {
                Why::NotActive => {
                    let (start, end) = (format_instant(row.start), format_instant(row.end));
                    format!("{}: it runs from {start} to {end}", Why::NotActive)
                }
                why => why.to_string(),
            },
        }
    }
}
