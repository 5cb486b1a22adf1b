//! The file engine of the rating: which reservation covers which usage, for files of any size.
//!
//! Usage is read by all threads, row group by row group. Texts become numbers once for each entry of a dictionary; what the
//! lines of a resource have in common becomes a profile, so that a line takes 24 bytes, in memory or, past the limit, on disk.
//! Lines are sorted by billing context and region. Stretches of these are then rated side by side by the kernel in
//! `fullmakt_domain::rating`, encoded with the numbers of the texts, and written in order. How the work is cut depends on the data alone, so the output is the
//! same byte for byte whatever the order of the input, the threads and the memory.

mod block;
mod book;
mod detail;
mod error;
mod explain;
mod hours;
mod input;
mod intern;
mod number;
mod output;
mod profile;
mod progress;
mod purchase;
mod runs;
pub mod sample;
mod scan;
mod summary;
mod tally;
mod threads;
mod work;

pub use error::{Error, Mistake};
pub use explain::{About, ExplainedLine, ExplainedPart, ExplainedReservation, Explanation, Question, explain};
pub use hours::{FileLine, FileResource, UsageFiles};
pub use input::{FocusInput, Mapping, NotRated, Taking, parse_instant};
pub use output::{OutputColumns, OutputFormat};
pub use progress::{Phase, Progress};
pub use summary::{CurrencySummary, ReservationSummary, Summary};

use book::Book;
use number::long;
use output::{Encoder, Parts, Stage, focus};
use profile::{Profiles, Vocabulary};
use purchase::Purchase;
use runs::{Lines, Runs};
use scan::{Aside, Checks, Usage};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tally::Tally;
use work::{Rater, Repeats, Stretch};

/// What a stretch takes in memory while it is rated, about.
const STRETCH_BYTES: u64 = 48 << 20;

/// What to rate, and where to.
#[derive(Clone, Debug)]
pub struct Job {
    /// Files and folders of usage.
    pub usage: Vec<PathBuf>,
    /// How exports in the columns of FOCUS are read; `None`: the files have the columns of usage.
    pub focus: Option<Arc<FocusInput>>,
    /// Where to write the rows of exports that are not rated.
    pub not_rated: Option<PathBuf>,
    /// The reservations.
    pub reservations: PathBuf,
    /// The size flexibility table.
    pub flexibility: PathBuf,
    /// The folder to be made.
    pub out: PathBuf,
    /// Hours since 1970 to report; `None`: from the first to the last of the usage.
    pub period: Option<Range<i64>>,
    /// Threads, at least one.
    pub threads: usize,
    /// Bytes of memory to work with.
    pub memory: u64,
    /// What to write.
    pub format: OutputFormat,
    /// Which columns.
    pub columns: OutputColumns,
    /// Where to set bad rows aside; `None`: they fail the run.
    pub skip_bad_rows: Option<PathBuf>,
    /// A list of the subscriptions that usage may name.
    pub subscriptions: Option<PathBuf>,
    /// Whether files are on the disk, and not only handed to the system, when the run ends.
    pub is_durable: bool,
}

/// Rates usage files. The output folder is there when all is done, or not at all.
///
/// # Errors
/// [`Error`]: what is wrong with the input or the output, and where.
pub fn rate(job: &Job, progress: &Progress) -> Result<Summary, Error> {
    rate_in_stretches(job, progress, work::STRETCH_ROWS)
}

fn rate_in_stretches(job: &Job, progress: &Progress, stretch_rows: u64) -> Result<Summary, Error> {
    let stage = Stage::new(&job.out, job.is_durable)?;
    let flexibility = input::flexibility(&job.flexibility)?;
    let words = Vocabulary::default();
    let reservations = book::number_reservations(input::reservations(&job.reservations)?, &words);
    let checks = Checks {
        period: job.period.clone(),
        subscriptions: job.subscriptions.as_deref().map(input::subscriptions).transpose()?,
        skips: job.skip_bad_rows.is_some(),
        only: None,
    };
    let usage = Usage::open(input::usage_files(&job.usage)?, job.focus.as_ref(), progress)?;
    let profiles = Profiles::default();
    let runs = Runs::new(job.memory / 2, stage.folder());
    let names = (&words, &profiles);
    let mut scanned = scan::scan(&usage, job.threads, &checks, names, (&runs, job.memory), progress)?;
    let lines = runs.finish();
    let repeats = repeats(job, &usage, &checks, &words, &lines, &mut scanned.aside)?;
    let period = job.period.clone().unwrap_or_else(|| whole_period(&lines));
    let book = Book::new(&profiles.table(), reservations, &flexibility, &words)?;
    drop(profiles);
    let stretches = work::cut(&book, &lines, &period, stretch_rows)?;
    progress.begin_rating(lines.count);
    let focus = match &job.columns {
        OutputColumns::Rated => None,
        OutputColumns::Focus(mapping) => Some(focus::Context { flexibility: &flexibility, mapping }),
    };
    let purchases = match focus {
        Some(_) => purchase::purchases(&book.reservations, &period),
        None => Vec::new(),
    };
    let extra = Extra { focus: focus.as_ref(), purchases: &purchases };
    let (tally, files, bytes) = rate_all(job, &stage, &stretches, (&book, &lines, &repeats), &words, &extra, progress)?;
    if let Some(path) = &job.skip_bad_rows {
        write_aside(path, &scanned.aside, job.is_durable)?;
    }
    if let Some(path) = &job.not_rated {
        write_whole(path, job.is_durable, |out| input::write_not_rated(&usage.exports(), path, out))?;
    }
    progress.go_on()?;
    stage.publish()?;
    let input = summary::Input {
        files: long(usage.len()),
        lines: lines.count - long(scanned.aside.iter().filter(|row| row.is_repeated).count()),
        bad_rows: long(scanned.aside.len()),
        not_rated: scanned.not_rated,
        rounded: scanned.rounded,
        spilled_bytes: lines.spilled_bytes(),
    };
    Ok(Summary::new(input, (files, bytes), &period, &tally, &book, &words))
}

fn whole_period(lines: &Lines) -> Range<i64> {
    lines.hours.map_or(0..0, |(first, last)| i64::from(first)..i64::from(last) + 1)
}

/// What to do with lines whose numbers repeat: fail, or set aside.
fn repeats(
    job: &Job,
    usage: &Usage,
    checks: &Checks,
    words: &Vocabulary,
    lines: &Lines,
    aside: &mut Vec<Aside>,
) -> Result<Repeats, Error> {
    let most = if checks.skips { usize::MAX } else { 20 };
    let repeated = lines.repeated(job.memory, most)?;
    if repeated.is_empty() {
        return Ok(Repeats::default());
    }
    let found = scan::find_repeated(usage, job.threads, checks, words, &repeated)?;
    if !checks.skips {
        return Err(scan::as_error(found.rows));
    }
    aside.extend(found.rows);
    aside.sort();
    Ok(Repeats { equal: !found.equal.is_empty(), none: found.different })
}

type Rated = (Tally, u64, u64);

/// What a FOCUS data set holds beside the rating.
struct Extra<'a> {
    focus: Option<&'a focus::Context<'a>>,
    purchases: &'a [Purchase],
}

/// Rates the stretches on all threads and writes them in order.
fn rate_all(
    job: &Job,
    stage: &Stage,
    stretches: &[Stretch],
    (book, lines, repeats): (&Book, &Lines, &Repeats),
    words: &Vocabulary,
    extra: &Extra<'_>,
    progress: &Progress,
) -> Result<Rated, Error> {
    let fitting = usize::try_from((job.memory / 2 + (128 << 20)) / STRETCH_BYTES).unwrap_or(usize::MAX).max(1);
    let threads = job.threads.min(fitting).min(stretches.len().max(1));
    let parts = Parts::new(stage, job.format, extra.focus.is_some(), threads);
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let tallies = threads::on_all(threads, || {
        let mut rater = Rater::new(book, lines, repeats);
        let mut run = || {
            let mut encoder = Encoder::new(job.format, extra.focus, book, words)?;
            let mut block = block::Block::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(stretch) = stretches.get(index) else { return Ok(()) };
                if !parts.wait_for(index) {
                    return Ok(());
                }
                progress.go_on()?;
                let lines = rater.tally.lines;
                rater.rate(stretch, &mut block)?;
                let encoded = encoder.encode(&block)?;
                parts.put(index, encoded)?;
                progress.rated(rater.tally.lines - lines);
            }
        };
        if let Err(error) = run() {
            parts.give_up();
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        rater.tally
    })?;
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut sum = Tally::new(book.reservations.len());
    if let Some(context) = extra.focus
        && !extra.purchases.is_empty()
    {
        let encoder = focus::Encoder::new(job.format, context, book, words)?;
        parts.put(stretches.len(), encoder.encode_purchases(extra.purchases)?)?;
        sum.rows += long(extra.purchases.len());
    }
    let (files, bytes) = parts.finish()?;
    tallies.iter().for_each(|tally| sum.add(tally));
    Ok((sum, files, bytes))
}

/// Writes the rows that were set aside, with where they stood and why.
fn write_aside(path: &Path, aside: &[Aside], is_durable: bool) -> Result<(), Error> {
    let mut out = Vec::new();
    let columns = input::COLUMNS.map(|(name, _)| name);
    output::record(&[&["x_File", "x_Row", "x_Column", "x_Problem"][..], &columns[..]].concat(), &mut out);
    for row in aside {
        let (file, number) = (row.mistake.file.display().to_string(), row.mistake.row.to_string());
        let place = [file.as_str(), &number, row.mistake.column, &row.mistake.problem];
        let values: Vec<&str> = row.values.iter().map(String::as_str).collect();
        output::record(&[&place[..], &values[..]].concat(), &mut out);
    }
    write_whole(path, is_durable, |file| file.write_all(&out).map_err(|cause| Error::io("write", path, cause)))
}

/// Writes a file that shows itself when it is whole.
fn write_whole(
    path: &Path,
    is_durable: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |cause| Error::io("write", path, cause);
    let unfinished = path.with_added_extension(format!("unfinished-{}", std::process::id()));
    let put = || {
        let mut out = BufWriter::new(File::create(&unfinished).map_err(failed)?);
        write(&mut out)?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        if is_durable {
            file.sync_all().map_err(failed)?;
        }
        std::fs::rename(&unfinished, path).map_err(failed)
    };
    let done = put();
    if done.is_err() {
        // Nothing that looks like a beginning stays behind; what failed is told all the same.
        std::fs::remove_file(&unfinished).ok();
    }
    done
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use sample::{Month, Style, write_month};

    /// However the work is cut, within a billing context too, the rows are the same; cut in the same way, the bytes are.
    #[test]
    fn the_cut_shows_in_the_order_of_rows_only() {
        let folder = tempfile::tempdir().unwrap();
        let month = Month { rows: 12_000, seed: 5, hours: 60, file_rows: 5000, style: Style::default() };
        write_month(month, folder.path()).unwrap();
        let rated = |stretch_rows: u64, threads: usize, memory: u64| {
            let job = Job {
                usage: vec![folder.path().join("usage")],
                focus: None,
                not_rated: None,
                reservations: folder.path().join("reservations.csv"),
                flexibility: folder.path().join("flexibility.csv"),
                out: folder.path().join(format!("{stretch_rows}-{threads}")),
                period: None,
                threads,
                memory,
                format: OutputFormat::Csv,
                columns: OutputColumns::Rated,
                skip_bad_rows: None,
                subscriptions: None,
                is_durable: false,
            };
            let summary = rate_in_stretches(&job, &Progress::default(), stretch_rows).unwrap();
            assert_eq!(summary.spilled_bytes > 0, memory < 1 << 20);
            let mut parts: Vec<PathBuf> = std::fs::read_dir(&job.out).unwrap().map(|one| one.unwrap().path()).collect();
            parts.sort();
            parts.into_iter().map(|part| std::fs::read_to_string(part).unwrap()).collect::<Vec<String>>()
        };
        let rows = |parts: &[String]| {
            let mut rows: Vec<String> = parts.iter().flat_map(|part| part.lines().skip(1)).map(str::to_owned).collect();
            rows.sort_unstable();
            rows
        };
        let whole = rated(1 << 30, 1, 1 << 30);
        assert_eq!(whole.len(), 1);
        for stretch_rows in [40, 700] {
            let cut = rated(stretch_rows, 1, 1 << 30);
            assert!(rows(&cut) == rows(&whole), "{stretch_rows}");
            assert!(cut == rated(stretch_rows, 3, 400 << 10), "{stretch_rows}");
        }
        assert!(rated(40, 2, 1 << 30).len() > 2, "several files");
    }
}
