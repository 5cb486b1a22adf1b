//! From files to lines: every thread takes the next row group or CSV file, decodes it, checks it, and sorts it by
//! billing context and region.

use crate::error::{Error, Mistake};
use crate::input::{
    BATCH_ROWS, Batch, COLUMNS, CsvUsage, FocusInput, FocusUsage, Format, NotRated, Number, ParquetUsage, Text,
    format_hour, format_of,
};
use crate::intern::NULL;
use crate::number::long;
use crate::profile::{CellOrder, Profile, Profiles, Vocabulary};
use crate::progress::Progress;
use crate::runs::{Row, Run, Runs};
use fullmakt_domain::rating::HOUR_MICROS;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Mistakes that are told at once.
const TOLD: usize = 20;

/// Rows that are set aside at most: with more, the files are not what they should be.
const MOST_ASIDE: usize = 1_000_000;

/// Rows that are sorted at once.
const RUN_ROWS: usize = 1 << 16;

/// What is asked of the rows.
pub struct Checks {
    /// Hours that may occur.
    pub period: Option<Range<i64>>,
    /// Subscriptions that may occur.
    pub subscriptions: Option<BTreeSet<String>>,
    /// Bad rows are set aside instead of failing the run.
    pub skips: bool,
    /// Rows that matter; `None`: all.
    pub only: Option<Only>,
}

/// One hour of one billing context and region; texts by their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Only {
    /// `ChargePeriodStart`, microseconds since 1970.
    pub start: i64,
    /// `BillingAccountId`.
    pub account: u32,
    /// `x_CustomerId`.
    pub customer: u32,
    /// `BillingCurrency`.
    pub currency: u32,
    /// `RegionId`.
    pub region: u32,
}

impl Only {
    fn is_met(&self, start: i64, of: &Profile) -> bool {
        self.start == start
            && (self.account, self.customer, self.currency, self.region)
                == (of.account, of.customer, of.currency, of.region)
    }
}

/// A row that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aside {
    /// Where, and what is wrong.
    pub mistake: Mistake,
    /// What it holds, column by column.
    pub values: Vec<String>,
    /// It was a good line, but for its number.
    pub is_repeated: bool,
}

type ReadNext<'a> = Box<dyn FnMut(&mut Batch) -> Result<(), Error> + 'a>;

/// A file that is open.
enum Opened {
    Parquet(Box<ParquetUsage>),
    Csv,
    Focus(Box<FocusUsage>),
}

/// The usage files.
pub struct Usage {
    files: Vec<(PathBuf, Opened)>,
    units: Vec<(usize, usize)>,
}

impl Usage {
    /// Opens the files and looks at their columns. `focus`: how exports in the columns of FOCUS are read; `None`: the files have
    /// the columns of usage.
    ///
    /// # Errors
    /// [`Error`] when one cannot be read, or has not the columns.
    pub fn open(paths: Vec<PathBuf>, focus: Option<&Arc<FocusInput>>, progress: &Progress) -> Result<Self, Error> {
        let mut files = Vec::new();
        let mut units = Vec::new();
        let mut rows = Some(0);
        for path in paths {
            let opened = if let Some(input) = focus {
                let export = FocusUsage::open(&path, files.len(), input)?;
                units.extend((0..export.pieces()).map(|piece| (files.len(), piece)));
                rows = rows.zip(export.rows()).map(|(rows, more)| rows + more);
                Opened::Focus(Box::new(export))
            } else if format_of(&path)? == Format::Parquet {
                let parquet = ParquetUsage::open(&path)?;
                units.extend((0..parquet.groups()).map(|group| (files.len(), group)));
                rows = rows.map(|rows: u64| rows + parquet.rows());
                Opened::Parquet(Box::new(parquet))
            } else {
                CsvUsage::open(&path)?;
                units.push((files.len(), 0));
                rows = None;
                Opened::Csv
            };
            files.push((path, opened));
        }
        progress.expect_rows(rows.unwrap_or(0));
        Ok(Self { files, units })
    }

    /// The exports in the columns of FOCUS.
    pub fn exports(&self) -> Vec<&FocusUsage> {
        let mut exports: Vec<&FocusUsage> = Vec::new();
        for (_, opened) in &self.files {
            match opened {
                Opened::Focus(export) => exports.push(export),
                Opened::Parquet(_) | Opened::Csv => {}
            }
        }
        exports
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether lines have numbers of their own, in all files.
    pub fn numbers_lines(&self) -> bool {
        self.exports().iter().all(|export| export.has_lines())
    }

    /// Calls `each` with every batch, on as many threads; `make` gives each thread its own state.
    ///
    /// # Errors
    /// The first [`Error`] of any thread.
    pub fn each_batch<S: Send>(
        &self,
        threads: usize,
        words: &Vocabulary,
        make: impl Fn() -> S + Sync,
        each: impl Fn(&mut S, &Path, &Batch) -> Result<(), Error> + Sync,
    ) -> Result<Vec<S>, Error> {
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = || {
            let mut state = make();
            let mut batch = Batch::default();
            let mut run = || {
                while let Some(unit) = self.units.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (path, opened) = &self.files[unit.0];
                    let mut read: ReadNext<'_> = match opened {
                        Opened::Parquet(parquet) => {
                            let mut cursor = parquet.cursor(unit.1, words)?;
                            Box::new(move |batch| cursor.read(BATCH_ROWS, batch))
                        }
                        Opened::Csv => {
                            let mut csv = CsvUsage::open(path)?;
                            Box::new(move |batch| csv.read(BATCH_ROWS, words, batch))
                        }
                        Opened::Focus(export) => {
                            let mut cursor = export.cursor(unit.1, words)?;
                            Box::new(move |batch| cursor.read(BATCH_ROWS, batch))
                        }
                    };
                    loop {
                        read(&mut batch)?;
                        if batch.is_empty() {
                            break;
                        }
                        each(&mut state, path, &batch)?;
                    }
                }
                Ok(())
            };
            if let Err(error) = run() {
                next.store(self.units.len(), Ordering::Relaxed);
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            state
        };
        let states = crate::threads::on_all(threads.min(self.units.len().max(1)), work)?;
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(states),
        }
    }
}

/// The first mistakes, in the order of files and rows, and how many there are in all.
#[derive(Default)]
struct Mistakes {
    first: BTreeSet<Mistake>,
    count: u64,
}

impl Mistakes {
    fn add(&mut self, mistake: Mistake) {
        self.count += 1;
        if self.first.len() < TOLD || self.first.last().is_some_and(|last| mistake < *last) {
            self.first.insert(mistake);
            if self.first.len() > TOLD {
                self.first.pop_last();
            }
        }
    }

    fn join(&mut self, mut other: Self) {
        self.first.append(&mut other.first);
        self.count += other.count;
    }

    /// Fails where there are any.
    fn none(self) -> Result<(), Error> {
        if self.count == 0 {
            return Ok(());
        }
        Err(Error::Mistakes { first: self.first.into_iter().take(TOLD).collect(), count: self.count })
    }
}

/// What a thread has found.
struct Found<'a> {
    order: CellOrder<'a>,
    profiles: Vec<Profile>,
    numbers: Vec<u32>,
    cells: Vec<u32>,
    rows: Vec<Row>,
    mistakes: Mistakes,
    aside: Vec<Aside>,
    /// Whether a subscription, by its number, may occur.
    known: BTreeMap<u32, bool>,
    not_rated: BTreeMap<NotRated, u64>,
    rounded: u64,
}

/// What was read beside the lines.
pub struct Scanned {
    /// The rows that were set aside, in the order of files and rows.
    pub aside: Vec<Aside>,
    /// Rows that are not rated and no mistakes.
    pub not_rated: BTreeMap<NotRated, u64>,
    /// Rows of which a decimal was rounded away.
    pub rounded: u64,
}

/// Reads everything into `runs`.
///
/// # Errors
/// [`Error`] when a file cannot be read, or with the first bad rows unless they are to be skipped.
pub fn scan(
    usage: &Usage,
    threads: usize,
    checks: &Checks,
    (words, profiles): (&Vocabulary, &Profiles),
    (runs, memory): (&Runs, u64),
    progress: &Progress,
) -> Result<Scanned, Error> {
    let found = usage.each_batch(
        threads,
        words,
        || Found::new(words, profiles),
        |found, path, batch| {
            let bad = bad_rows(checks, words, &mut found.known, batch);
            if !bad.is_empty() {
                found.note(checks, words, path, batch, &bad);
            }
            found.keep(batch, &bad, checks.only.as_ref(), profiles);
            for (reason, rows) in &batch.not_rated {
                *found.not_rated.entry(*reason).or_default() += rows;
            }
            found.rounded += batch.rounded;
            progress.read(long(batch.rows()) + batch.not_rated.values().sum::<u64>());
            progress.go_on()?;
            if found.aside.len() > MOST_ASIDE {
                return Err(Error::Asked(format!(
                    "more than {MOST_ASIDE} rows cannot be used: are these usage files?"
                )));
            }
            let taken = words.memory() + profiles.table().memory();
            if taken > memory {
                let (taken, memory) = (taken >> 20, memory >> 20);
                let problem =
                    format!("the names in the usage alone take {taken} MiB; --memory allows {memory} MiB: allow more");
                return Err(Error::Asked(problem));
            }
            if found.rows.len() < RUN_ROWS { Ok(()) } else { found.hand_over(runs) }
        },
    )?;
    let mut mistakes = Mistakes::default();
    let mut scanned = Scanned { aside: Vec::new(), not_rated: BTreeMap::new(), rounded: 0 };
    for mut one in found {
        one.hand_over(runs)?;
        mistakes.join(one.mistakes);
        scanned.aside.append(&mut one.aside);
        scanned.rounded += one.rounded;
        for (reason, rows) in one.not_rated {
            *scanned.not_rated.entry(reason).or_default() += rows;
        }
    }
    mistakes.none()?;
    scanned.aside.sort();
    Ok(scanned)
}

/// For each bad row, its first problem.
fn bad_rows(
    checks: &Checks,
    words: &Vocabulary,
    known: &mut BTreeMap<u32, bool>,
    batch: &Batch,
) -> BTreeMap<usize, (&'static str, String)> {
    let mut bad: BTreeMap<usize, (&'static str, String)> = BTreeMap::new();
    for problem in &batch.problems {
        bad.entry(problem.row).or_insert_with(|| (problem.column, problem.problem.clone()));
    }
    let period = checks.period.clone().unwrap_or(0..i64::from(u32::MAX));
    let mut last = i64::MIN;
    let mut last_problem = None;
    for (row, start) in batch.number(Number::Start).iter().enumerate() {
        if *start != last {
            last = *start;
            last_problem = wrong_hour(*start, &period, checks.period.is_some());
        }
        if let Some(problem) = &last_problem {
            bad.entry(row).or_insert_with(|| ("ChargePeriodStart", problem.clone()));
        }
    }
    if let Some(list) = &checks.subscriptions {
        for (row, subscription) in batch.text(Text::Subscription).iter().enumerate() {
            if *subscription >= NULL {
                continue;
            }
            let is_known = *known
                .entry(*subscription)
                .or_insert_with(|| list.contains(words.subscription.texts().text(*subscription)));
            if !is_known {
                let text = words.subscription.texts().text(*subscription).to_owned();
                bad.entry(row)
                    .or_insert_with(|| ("SubAccountId", format!("`{text}` is not in the list of subscriptions")));
            }
        }
    }
    bad
}

fn wrong_hour(start: i64, period: &Range<i64>, is_given: bool) -> Option<String> {
    let shown = || Number::Start.show(start);
    if start.rem_euclid(HOUR_MICROS) != 0 {
        return Some(format!("`{}` is not on the hour", shown()));
    }
    let hour = start.div_euclid(HOUR_MICROS);
    if period.contains(&hour) {
        return None;
    }
    Some(if is_given {
        let (start, end) = (format_hour(period.start), format_hour(period.end));
        format!("`{}` is outside the period from {start} to {end}", shown())
    } else {
        format!("`{}` is before 1970", shown())
    })
}

impl<'a> Found<'a> {
    fn new(words: &'a Vocabulary, profiles: &'a Profiles) -> Self {
        Self {
            order: CellOrder::new(words, profiles),
            profiles: Vec::new(),
            numbers: Vec::new(),
            cells: Vec::new(),
            rows: Vec::new(),
            mistakes: Mistakes::default(),
            aside: Vec::new(),
            known: BTreeMap::new(),
            not_rated: BTreeMap::new(),
            rounded: 0,
        }
    }

    /// Sorts the rows that are kept and gives them away.
    fn hand_over(&mut self, runs: &Runs) -> Result<(), Error> {
        let run = Run::new(&self.rows, &self.cells, self.order.ranks());
        self.rows.clear();
        self.cells.clear();
        runs.add(run, &mut self.order)
    }

    fn note(
        &mut self,
        checks: &Checks,
        words: &Vocabulary,
        path: &Path,
        batch: &Batch,
        bad: &BTreeMap<usize, (&'static str, String)>,
    ) {
        for (row, (column, problem)) in bad {
            let mistake = Mistake { file: path.to_owned(), row: batch.place(*row), column, problem: problem.clone() };
            if checks.skips {
                self.aside.push(Aside { mistake, values: values(words, batch, *row), is_repeated: false });
            } else {
                self.mistakes.add(mistake);
            }
        }
    }

    fn keep(
        &mut self,
        batch: &Batch,
        bad: &BTreeMap<usize, (&'static str, String)>,
        only: Option<&Only>,
        profiles: &Profiles,
    ) {
        self.profiles.clear();
        self.numbers.clear();
        let before = self.rows.len();
        let mut next_bad = bad.keys().copied().peekable();
        let starts = batch.number(Number::Start);
        let (lines, quantities) = (batch.number(Number::Line), batch.number(Number::Quantity));
        let mut last = (i64::MIN, 0);
        for row in 0..batch.rows() {
            if next_bad.next_if_eq(&row).is_some() {
                continue;
            }
            if starts[row] != last.0 {
                last = (starts[row], u32::try_from(starts[row].div_euclid(HOUR_MICROS)).unwrap_or(0));
            }
            let profile = profile(batch, row);
            if only.is_some_and(|only| !only.is_met(starts[row], &profile)) {
                continue;
            }
            self.profiles.push(profile);
            self.rows.push(Row { line: lines[row], quantity_e6: quantities[row], profile: 0, hour: last.1 });
        }
        profiles.number_all(&self.profiles, &mut self.numbers);
        profiles.cells_of(&self.numbers, &mut self.cells);
        for (row, profile) in self.rows[before..].iter_mut().zip(&self.numbers) {
            row.profile = *profile;
        }
    }
}

fn profile(batch: &Batch, row: usize) -> Profile {
    Profile {
        account: batch.text(Text::Account)[row],
        customer: batch.text(Text::Customer)[row],
        currency: batch.text(Text::Currency)[row],
        region: batch.text(Text::Region)[row],
        subscription: batch.text(Text::Subscription)[row],
        resource: batch.text(Text::Resource)[row],
        sku: batch.text(Text::Sku)[row],
        detail: batch.details.get(row).copied().unwrap_or(NULL),
        price_e6: batch.number(Number::Price)[row],
    }
}

/// A row as text; what could not be read is empty.
fn values(words: &Vocabulary, batch: &Batch, row: usize) -> Vec<String> {
    let is_unreadable = |name: &str| batch.problems.iter().any(|problem| problem.row == row && problem.column == name);
    let value = |(name, column): &(&str, crate::input::Column)| match column {
        crate::input::Column::Text(text) => {
            crate::input::names(words, *text).texts().text(batch.text(*text)[row]).to_owned()
        }
        crate::input::Column::Number(_) if is_unreadable(name) => String::new(),
        crate::input::Column::Number(number) => number.show(batch.number(*number)[row]),
    };
    COLUMNS.iter().map(value).collect()
}

/// What repeated lines come to: for each number, the lines to keep of those that hold it.
pub struct Repeated {
    /// Numbers of lines of which one stays: all that hold it are equal.
    pub equal: BTreeSet<i64>,
    /// Numbers of lines of which none stays.
    pub different: BTreeSet<i64>,
    /// The rows that hold them, in the order of files and rows.
    pub rows: Vec<Aside>,
}

/// Finds the rows of repeated lines, by reading the files once more.
///
/// # Errors
/// [`Error`] when a file cannot be read.
pub fn find_repeated(
    usage: &Usage,
    threads: usize,
    checks: &Checks,
    words: &Vocabulary,
    lines: &[i64],
) -> Result<Repeated, Error> {
    let wanted: BTreeSet<i64> = lines.iter().copied().collect();
    let found = usage.each_batch(threads, words, Vec::new, |found: &mut Vec<(i64, Aside)>, path, batch| {
        let numbers = batch.number(Number::Line);
        if !numbers.iter().any(|line| wanted.contains(line)) {
            return Ok(());
        }
        // A row that is bad by itself was set aside before.
        let bad = bad_rows(checks, words, &mut BTreeMap::new(), batch);
        let good = numbers.iter().enumerate().filter(|(row, _)| !bad.contains_key(row));
        for (row, line) in good.filter(|(_, line)| wanted.contains(line)) {
            let mistake =
                Mistake { file: path.to_owned(), row: batch.place(row), column: "LineId", problem: String::new() };
            found.push((*line, Aside { mistake, values: values(words, batch, row), is_repeated: true }));
        }
        if found.len() > MOST_ASIDE {
            return Err(Error::Asked(format!(
                "more than {MOST_ASIDE} rows have a `LineId` of another: do files overlap?"
            )));
        }
        Ok(())
    })?;
    let mut by_line: BTreeMap<i64, Vec<Aside>> = BTreeMap::new();
    for (line, aside) in found.into_iter().flatten() {
        by_line.entry(line).or_default().push(aside);
    }
    let mut repeated = Repeated { equal: BTreeSet::new(), different: BTreeSet::new(), rows: Vec::new() };
    for (line, mut rows) in by_line {
        rows.sort();
        let all_equal = rows.iter().all(|row| row.values == rows[0].values);
        let (file, row) = (rows[0].mistake.file.display().to_string(), rows[0].mistake.row);
        if all_equal {
            repeated.equal.insert(line);
        } else {
            repeated.different.insert(line);
        }
        for (index, mut one) in rows.into_iter().enumerate() {
            one.mistake.problem = match (index, all_equal) {
                (0, true) => continue,
                (0, false) => format!("`{line}` is there again with other values"),
                (_, true) => format!("`{line}` is there already, in `{file}` row {row}, with the same values"),
                (_, false) => format!("`{line}` is there already, in `{file}` row {row}, with other values"),
            };
            repeated.rows.push(one);
        }
    }
    repeated.rows.sort();
    Ok(repeated)
}

/// Asks about each line, by what it has in common with others and by its hour, what is wrong with it: the column, and why.
///
/// # Errors
/// [`Error::Mistakes`] with the first of those that cannot be used; or when a file cannot be read.
pub fn check_lines(
    usage: &Usage,
    threads: usize,
    words: &Vocabulary,
    wrong: impl Fn(&Profile, i64) -> Option<(&'static str, String)> + Sync,
) -> Result<(), Error> {
    let found = usage.each_batch(threads, words, Mistakes::default, |found: &mut Mistakes, path, batch| {
        for (row, start) in batch.number(Number::Start).iter().enumerate() {
            if let Some((column, problem)) = wrong(&profile(batch, row), start.div_euclid(HOUR_MICROS)) {
                found.add(Mistake { file: path.to_owned(), row: batch.place(row), column, problem });
            }
        }
        Ok(())
    })?;
    let mut mistakes = Mistakes::default();
    found.into_iter().for_each(|one| mistakes.join(one));
    mistakes.none()
}

/// The first mistakes of these rows, as an error.
pub fn as_error(rows: Vec<Aside>) -> Error {
    let count = long(rows.len());
    Error::Mistakes { first: rows.into_iter().take(TOLD).map(|row| row.mistake).collect(), count }
}
