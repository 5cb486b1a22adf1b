//! Usage files hour by hour, for whoever brings them into a server.

use crate::book::Book;
use crate::error::Error;
use crate::input;
use crate::profile::{Profile, Profiles, Vocabulary};
use crate::progress::Progress;
use crate::runs::{Lines, Row, Runs, Wanted};
use crate::scan::{self, Checks, Usage};
use fullmakt_domain::rating::Flexibility;
use std::ops::Range;
use std::path::{Path, PathBuf};

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
    words: Vocabulary,
    book: Book,
    lines: Lines,
}

impl UsageFiles {
    /// Reads and checks files and folders as [`crate::rate`] does. Lines that take more than `memory` wait in `folder`.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read, or with the first bad rows.
    pub fn read(
        paths: &[PathBuf],
        threads: usize,
        memory: u64,
        folder: &Path,
        progress: &Progress,
    ) -> Result<Self, Error> {
        let words = Vocabulary::default();
        let usage = Usage::open(input::usage_files(paths)?, None, progress)?;
        let (profiles, runs) = (Profiles::default(), Runs::new(memory / 2, folder));
        let checks = Checks { period: None, subscriptions: None, skips: false, only: None };
        scan::scan(&usage, threads, &checks, (&words, &profiles), (&runs, memory), progress)?;
        let lines = runs.finish();
        let repeated = lines.repeated(memory, 20)?;
        if !repeated.is_empty() {
            return Err(scan::as_error(scan::find_repeated(&usage, threads, &checks, &words, &repeated)?.rows));
        }
        let book = Book::new(&profiles.table(), Vec::new(), &Flexibility::default(), &words)?;
        Ok(Self { words, book, lines })
    }

    /// How many lines there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lines.count
    }

    /// From the first hour to the last, counted from 1970.
    #[must_use]
    pub fn hours(&self) -> Range<i64> {
        crate::whole_period(&self.lines)
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

    /// The lines of an hour whose resources are wanted, by number of the line.
    ///
    /// # Errors
    /// [`Error`] when lines on the disk cannot be read.
    pub fn hour(&self, hour: i64, wanted: impl Fn(u32) -> bool) -> Result<Vec<FileLine>, Error> {
        let Ok(hour) = u32::try_from(hour) else { return Ok(Vec::new()) };
        let wanted_hour = Wanted { cells: 0..u32::MAX, hours: hour..hour.saturating_add(1) };
        let mut from_disk = Vec::new();
        let pieces = self.lines.of(&wanted_hour, &self.book.arrived, &mut from_disk)?;
        let line = |row: &Row| FileLine { resource: row.profile, line: row.line, quantity_e6: row.quantity_e6 };
        let theirs = pieces.into_iter().flatten().filter(|row| row.hour == hour && wanted(row.profile));
        let mut lines: Vec<FileLine> = theirs.map(line).collect();
        lines.sort_unstable_by_key(|line| line.line);
        Ok(lines)
    }
}
