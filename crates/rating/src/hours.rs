//! Usage files hour by hour, for whoever brings them into a server.

use crate::book::Book;
use crate::error::Error;
use crate::input::{self, FocusInput, NotRated};
use crate::number::{at, number};
use crate::profile::{Profile, Profiles, Vocabulary};
use crate::progress::Progress;
use crate::runs::{Lines, Row, Runs, Wanted};
use crate::scan::{self, Checks, Usage};
use fullmakt_domain::rating::Flexibility;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What lines of usage files have in common. Texts as they stand in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileResource {
    /// `x_CustomerId`.
    pub customer: String,
    /// `SubAccountId`.
    pub subscription: String,
    /// `ResourceId`.
    pub resource: String,
    /// `RegionId`.
    pub region: String,
    /// `x_ArmSkuName`.
    pub sku: String,
    /// `ContractedUnitPrice`, in 10^-6.
    pub unit_price_e6: i64,
    /// `BillingCurrency`.
    pub currency: String,
}

/// A line of usage files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLine {
    /// The number of its [`FileResource`].
    pub resource: u32,
    /// `LineId`.
    pub line: i64,
    /// `ConsumedQuantity`, in 10^-6.
    pub quantity_e6: i64,
}

/// Usage files, read and checked.
pub struct UsageFiles {
    usage: Usage,
    threads: usize,
    words: Vocabulary,
    book: Book,
    lines: Lines,
    /// The places of each customer's billing contexts and regions in the book.
    cells_of: BTreeMap<String, Vec<u32>>,
    not_rated: BTreeMap<NotRated, u64>,
    rounded: u64,
}

impl UsageFiles {
    /// Reads and checks files and folders as [`crate::rate`] does, `focus` saying how exports in the columns of FOCUS are read.
    /// Lines that take more than `memory` wait in `folder`.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read, or with the first bad rows.
    pub fn read(
        paths: &[PathBuf],
        focus: Option<&Arc<FocusInput>>,
        threads: usize,
        memory: u64,
        folder: &Path,
        progress: &Progress,
    ) -> Result<Self, Error> {
        let words = Vocabulary::default();
        let usage = Usage::open(input::usage_files(paths)?, focus, progress)?;
        let (profiles, runs) = (Profiles::default(), Runs::new(memory / 2, folder));
        let checks = Checks { period: None, subscriptions: None, skips: false, only: None };
        let scanned = scan::scan(&usage, threads, &checks, (&words, &profiles), (&runs, memory), progress)?;
        let lines = runs.finish();
        let repeated = lines.repeated(memory, 20)?;
        if !repeated.is_empty() {
            return Err(scan::as_error(scan::find_repeated(&usage, threads, &checks, &words, &repeated)?.rows));
        }
        let book = Book::new(&profiles.table(), Vec::new(), &Flexibility::default(), &words)?;
        let mut cells_of: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (cell, one) in (0..).zip(&book.cells) {
            let customer = words.customer.texts().text(one.sample.customer).to_owned();
            cells_of.entry(customer).or_default().push(cell);
        }
        let (not_rated, rounded) = (scanned.not_rated, scanned.rounded);
        Ok(Self { usage, threads, words, book, lines, cells_of, not_rated, rounded })
    }

    /// How many lines there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lines.count
    }

    /// Rows of exports that are no usage by the hour with a known SKU, by what they are.
    #[must_use]
    pub fn not_rated(&self) -> &BTreeMap<NotRated, u64> {
        &self.not_rated
    }

    /// Rows of exports whose quantity or price had more than 6 decimals and was rounded.
    #[must_use]
    pub fn rounded(&self) -> u64 {
        self.rounded
    }

    /// From the first hour to the last, counted from 1970.
    #[must_use]
    pub fn hours(&self) -> Range<i64> {
        crate::whole_period(&self.lines)
    }

    /// The customers, in byte order.
    pub fn customers(&self) -> impl Iterator<Item = &str> {
        self.cells_of.keys().map(String::as_str)
    }

    /// All resources, by number.
    #[must_use]
    pub fn resources(&self) -> Vec<FileResource> {
        let text = |number: u32, names: &crate::intern::Names| names.texts().text(number).to_owned();
        let resource = |one: &Profile| FileResource {
            customer: text(one.customer, &self.words.customer),
            subscription: text(one.subscription, &self.words.subscription),
            resource: text(one.resource, &self.words.resource),
            region: text(one.region, &self.words.region),
            sku: text(one.sku, &self.words.sku),
            unit_price_e6: one.price_e6,
            currency: text(one.currency, &self.words.currency),
        };
        self.book.profiles.iter().map(resource).collect()
    }

    /// The lines of a customer in an hour, by number of the line. Where a file gives its lines no numbers, those of an hour are
    /// counted in the order of their resources, so that they have the same numbers however files and rows are arranged.
    ///
    /// # Errors
    /// [`Error`] when lines on the disk cannot be read.
    pub fn hour(&self, customer: &str, hour: i64) -> Result<Vec<FileLine>, Error> {
        let Ok(hour) = u32::try_from(hour) else { return Ok(Vec::new()) };
        let mut rows: Vec<Row> = Vec::new();
        for cell in self.cells_of.get(customer).into_iter().flatten() {
            let wanted = Wanted { cells: *cell..cell + 1, hours: hour..hour.saturating_add(1) };
            self.lines.each_of(&wanted, &self.book.arrived, |some| {
                let is_there = |row: &&Row| row.hour == hour && self.book.seats[at(row.profile)].cell == *cell;
                rows.extend(some.iter().filter(is_there));
            })?;
        }
        let line = |row: &Row| FileLine { resource: row.profile, line: row.line, quantity_e6: row.quantity_e6 };
        if self.usage.numbers_lines() {
            rows.sort_unstable_by_key(|row| row.line);
            return Ok(rows.iter().map(line).collect());
        }
        let skus = self.words.sku.texts();
        rows.sort_unstable_by_key(|row| {
            let (seat, profile) = (&self.book.seats[at(row.profile)], &self.book.profiles[at(row.profile)]);
            (seat.cell, seat.place, skus.text(profile.sku), seat.price_e6, row.quantity_e6, row.line)
        });
        Ok((0..).zip(&rows).map(|(number, row)| FileLine { line: number, ..line(row) }).collect())
    }

    /// Tells of lines that cannot be used, by the number of the resource and the hour, where they stand in the files.
    /// `wrong` gives the column and what is wrong with it.
    ///
    /// # Errors
    /// [`Error::Mistakes`] with the first of them; or when a file cannot be read once more.
    pub fn check(&self, wrong: impl Fn(u32, i64) -> Option<(&'static str, String)> + Sync) -> Result<(), Error> {
        let numbers: HashMap<Profile, u32> =
            self.book.profiles.iter().enumerate().map(|(index, profile)| (*profile, number(index))).collect();
        scan::check_lines(&self.usage, self.threads, &self.words, |profile, hour| wrong(*numbers.get(profile)?, hour))
    }
}
