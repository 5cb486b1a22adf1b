//! `fullmakt rate`: which reservation covers which usage, for files of any size.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};
use fullmakt_domain::rating::{HOUR_MICROS, format_scaled};
use fullmakt_rating::{
    FocusInput, Job, Mapping, NotRated, OutputColumns, OutputFormat, Phase, Progress, Summary, Taking, parse_instant,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::ConfigError;

/// Apply reservations to hourly usage: who used what was bought, and what is left to pay.
///
/// Reads usage, reservations and the size flexibility table, and writes each usage line split into the parts that
/// reservations cover and the rest, and a row for every reserved hour that nobody used. The rules stand in docs/rating.md.
/// The same input gives the same bytes, whatever the order of lines, files and threads.
///
/// Usage, Parquet or CSV (also .csv.gz, .csv.zst), has the columns LineId, BillingAccountId, x_CustomerId, SubAccountId,
/// ResourceId, ChargePeriodStart, RegionId, x_ArmSkuName, ConsumedQuantity, ContractedUnitPrice and BillingCurrency. The
/// output has these and CommitmentDiscountId, CommitmentDiscountStatus, PricingCategory, CommitmentDiscountQuantity,
/// BilledCost and EffectiveCost. A quantity of zero or below is a correction and passes through.
///
/// With --input-format focus the usage is an export in the columns of FOCUS 1.0, 1.1 or 1.2: of its rows, usage by the hour whose
/// SKU is known is rated, and the others are counted by what they are. Which column holds what says a mapping (--print-mapping,
/// --mapping).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fullmakt rate --usage usage/ --reservations reservations.parquet --flexibility flexibility.csv --out rated
      Everything, from the first to the last hour of the usage.
  fullmakt rate --usage 2026-01/*.parquet --reservations reservations.csv --flexibility flexibility.csv --out january \\
      --period-start 2026-01-01T00:00:00Z --period-end 2026-02-01T00:00:00Z
      A part of the data: say which hours it is to report.
  fullmakt rate … --memory 512MiB --threads 2
      On a small machine; what does not fit is kept on disk, beside the output.
  fullmakt rate … --skip-bad-rows bad.csv
      Rows that cannot be used go to bad.csv, each with what is wrong; without it they fail the run.
  fullmakt rate --input-format focus --usage export/ --reservations reservations.csv --flexibility flexibility.csv --out rated \
      --unrated rest.csv
      A cost and usage export; its purchases, taxes and other rows go to rest.csv as they are.
  fullmakt rate … --output-format focus --format csv
      The outcome as a FOCUS 1.2 data set.
  fullmakt rate … --json | jq '.currencies[] | {currency, saved}'

The folder of --out appears when all is done, or not at all: a run that fails or is killed leaves nothing that looks like
output. It must not be there yet, or be empty.

Exit status: 0 done; 1 it could not be done, the reason is on standard error; 2 the words of the command are wrong.")]
pub struct Rate {
    /// Files of usage, or folders that hold them
    #[arg(long, value_name = "PATH", num_args = 1.., required_unless_present = "print_mapping")]
    usage: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    /// The reservations, Parquet or CSV
    #[arg(long, value_name = "FILE", required_unless_present = "print_mapping")]
    reservations: Option<PathBuf>,
    /// The size flexibility table, CSV: InstanceSizeFlexibilityGroup, ArmSkuName, Ratio
    #[arg(long, value_name = "FILE", required_unless_present = "print_mapping")]
    flexibility: Option<PathBuf>,
    /// The folder to make: part-*.parquet, or part-*.csv
    #[arg(long, value_name = "DIR", required_unless_present = "print_mapping")]
    out: Option<PathBuf>,
    /// First hour to report, such as 2026-01-01T00:00:00Z [default: the first hour of the usage]
    #[arg(long, value_name = "TIME", value_parser = hour, requires = "period_end")]
    period_start: Option<i64>,
    /// The hour before which the report ends [default: after the last hour of the usage]
    #[arg(long, value_name = "TIME", value_parser = hour, requires = "period_start")]
    period_end: Option<i64>,
    /// How many threads work [default: one for each core]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Memory to work with; lines that do not fit wait on disk, beside the output
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "2GiB")]
    memory: u64,
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "parquet")]
    format: Format,
    /// Which columns to write
    #[arg(long, value_name = "FORMAT", default_value = "rated")]
    output_format: OutputFormatArg,
    /// Set rows that cannot be used aside in this CSV file, and go on without them
    #[arg(long, value_name = "FILE")]
    skip_bad_rows: Option<PathBuf>,
    /// A list of all subscriptions, CSV with a column SubAccountId: usage of any other is an error
    #[arg(long, value_name = "FILE")]
    subscriptions: Option<PathBuf>,
    /// Write the rows of a FOCUS export that are not rated to this CSV file, each with the reason
    #[arg(long, value_name = "FILE")]
    unrated: Option<PathBuf>,
    /// Print the summary as JSON, amounts as exact text
    #[arg(long)]
    json: bool,
    /// Print the mapping that is built in, and do nothing else
    #[arg(long)]
    print_mapping: bool,
}

/// How the usage is to be read.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// What the usage files are
    #[arg(long, value_name = "FORMAT", default_value = "usage")]
    input_format: InputFormat,
    /// Where a FOCUS export has what, and what the labels of a FOCUS data set are; TOML, laid over what --print-mapping prints
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Of a FOCUS export, take usage that a commitment covers already as if none did
    #[arg(long)]
    rate_committed: bool,
    /// Of a FOCUS export, spread usage of a day, say, evenly over its hours; without it such a row is a bad row
    #[arg(long)]
    spread_longer_periods: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// The columns of usage, one row for each hour of a resource
    Usage,
    /// An export in the columns of FOCUS 1.0, 1.1 or 1.2
    Focus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutputFormatArg {
    /// The columns of usage and what the rating adds
    Rated,
    /// A FOCUS 1.2 data set: usage, what covers it, what was unused, and what reservations cost when they were bought
    Focus,
}

impl InputArgs {
    /// What the columns of a FOCUS data set say.
    ///
    /// # Errors
    /// When the mapping cannot be used.
    fn mapping(&self) -> anyhow::Result<Mapping> {
        Ok(self.mapping.as_deref().map_or_else(Mapping::built_in, Mapping::from_file)?)
    }

    /// How FOCUS exports are read; `None`: the files have the columns of usage.
    ///
    /// # Errors
    /// When the words do not go together, or the mapping cannot be used.
    pub fn focus(&self, keeps_details: bool) -> anyhow::Result<Option<Arc<FocusInput>>> {
        if self.input_format == InputFormat::Usage {
            let given = [
                (self.mapping.is_some() && !keeps_details, "--mapping"),
                (self.rate_committed, "--rate-committed"),
                (self.spread_longer_periods, "--spread-longer-periods"),
            ];
            if let Some((_, word)) = given.iter().find(|(is_given, _)| *is_given) {
                return Err(ConfigError::usage(format!("{word} goes with --input-format focus")).into());
            }
            return Ok(None);
        }
        let mapping = self.mapping()?;
        let taking = Taking {
            committed: self.rate_committed,
            longer_periods: self.spread_longer_periods,
            details: keeps_details,
        };
        Ok(Some(Arc::new(FocusInput { mapping, taking })))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Parquet, compressed with zstd
    Parquet,
    /// CSV
    Csv,
}

/// An hour, counted from 1970.
pub fn hour(text: &str) -> Result<i64, String> {
    let instant = parse_instant(text).ok_or("not a time such as 2026-01-01T00:00:00Z")?;
    if instant % HOUR_MICROS == 0 && instant >= 0 {
        Ok(instant / HOUR_MICROS)
    } else {
        Err("not on the hour, or before 1970".into())
    }
}

/// A number of bytes, such as `512MiB` or `2GiB`.
pub fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let found = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = found.unwrap_or((text, 0));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    let wanted = 16 << 20..=1 << 50;
    bytes.filter(|bytes| wanted.contains(bytes)).ok_or_else(|| "not a size of 16MiB or more, such as 2GiB".into())
}

impl Rate {
    /// Rates, and says what came of it.
    ///
    /// # Errors
    /// What is wrong with the input or the output, and where.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        if self.print_mapping {
            return out.write_all(Mapping::BUILT_IN.as_bytes()).context("cannot write the mapping");
        }
        let job = self.job()?;
        let progress = Arc::new(Progress::default());
        let begun = Instant::now();
        let failed = "cannot listen for signals";
        let mut terminate = signal(SignalKind::terminate()).context(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).context(failed)?;
        let mut work = {
            let (job, progress) = (job.clone(), Arc::clone(&progress));
            tokio::task::spawn_blocking(move || fullmakt_rating::rate(&job, &progress))
        };
        let mut watch = Watch::new();
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        let outcome = loop {
            tokio::select! {
                outcome = &mut work => break outcome,
                _ = tick.tick() => watch.show(&progress),
                _ = terminate.recv() => progress.cancel(),
                _ = interrupt.recv() => progress.cancel(),
            }
        };
        watch.end();
        let summary = outcome.context("the rating fell over")??;
        let text = if self.json {
            format!("{:#}\n", as_json(&summary, begun.elapsed()))
        } else {
            for_people(&summary, &job, begun.elapsed())
        };
        out.write_all(text.as_bytes()).context("cannot write the summary")
    }

    fn job(&self) -> anyhow::Result<Job> {
        let period: Option<Range<i64>> = self.period_start.zip(self.period_end).map(|(start, end)| start..end);
        if period.as_ref().is_some_and(Range::is_empty) {
            return Err(ConfigError::usage("--period-end is not after --period-start".into()).into());
        }
        let writes_focus = self.output_format == OutputFormatArg::Focus;
        let focus = self.input.focus(writes_focus)?;
        if focus.is_none() && self.unrated.is_some() {
            return Err(ConfigError::usage("--unrated goes with --input-format focus".into()).into());
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Job {
            usage: self.usage.clone(),
            focus,
            not_rated: self.unrated.clone(),
            reservations: given(&self.reservations, "--reservations")?,
            flexibility: given(&self.flexibility, "--flexibility")?,
            out: given(&self.out, "--out")?,
            period,
            threads: self.threads.map_or(cores, usize::from),
            memory: self.memory,
            format: match self.format {
                Format::Parquet => OutputFormat::Parquet,
                Format::Csv => OutputFormat::Csv,
            },
            columns: match self.output_format {
                OutputFormatArg::Rated => OutputColumns::Rated,
                OutputFormatArg::Focus => OutputColumns::Focus(Arc::new(self.input.mapping()?)),
            },
            skip_bad_rows: self.skip_bad_rows.clone(),
            subscriptions: self.subscriptions.clone(),
            is_durable: true,
        })
    }
}

/// A path that may only be left out where nothing is rated.
fn given(path: &Option<PathBuf>, word: &str) -> anyhow::Result<PathBuf> {
    path.clone().ok_or_else(|| ConfigError::usage(format!("{word} is missing")).into())
}

/// The bar that a person sees; elsewhere than on a terminal it hides itself.
struct Watch {
    bar: ProgressBar,
    phase: Option<Phase>,
}

impl Watch {
    fn new() -> Self {
        Self { bar: ProgressBar::new(0), phase: None }
    }

    fn show(&mut self, progress: &Progress) {
        if self.phase != Some(progress.phase()) {
            self.phase = Some(progress.phase());
            self.bar.reset();
        }
        let doing = match progress.phase() {
            Phase::Reading => "reading",
            Phase::Rating => "rating",
        };
        let expected = progress.expected_rows();
        let shape = if expected > 0 {
            "{msg:8} {wide_bar} {human_pos} of {human_len} rows, {per_sec}, {eta} left"
        } else {
            "{msg:8} {spinner} {human_pos} rows, {per_sec}"
        };
        if let Ok(style) = ProgressStyle::with_template(shape) {
            self.bar.set_style(style);
        }
        self.bar.set_message(doing);
        self.bar.set_length(expected);
        self.bar.set_position(progress.done_rows());
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn for_people(summary: &Summary, job: &Job, took: Duration) -> String {
    let seconds = took.as_millis().max(1);
    let mut text = format!(
        "rated {} usage lines of {}, {} to {}, in {} s ({} lines a second)\n",
        grouped(summary.lines.into()),
        counted(summary.files, "file"),
        summary.period_start,
        summary.period_end,
        format_scaled(i128::try_from(seconds / 100).unwrap_or(i128::MAX), 1),
        grouped(i128::try_from(u128::from(summary.lines) * 1000 / seconds).unwrap_or(i128::MAX)),
    );
    text.push_str(&format!(
        "wrote {} rows in {}, {} MiB, to `{}`\n",
        grouped(summary.rows.into()),
        counted(summary.parts, "file"),
        summary.bytes >> 20,
        job.out.display()
    ));
    if summary.corrections > 0 {
        text.push_str(&format!("{} corrections (quantity of zero or below) passed through\n", summary.corrections));
    }
    text.push_str(&not_rated(&summary.not_rated, summary.rounded));
    if let Some(path) = &job.not_rated {
        text.push_str(&format!("rows that are not rated are in `{}`\n", path.display()));
    }
    if let Some(path) = &job.skip_bad_rows {
        text.push_str(&format!("{} set aside in `{}`\n", counted(summary.bad_rows, "bad row"), path.display()));
    }
    for one in &summary.currencies {
        let cost = one.used_e10 + one.unused_e10;
        text.push_str(&format!(
            "\n{}: {} % of {} instance hours covered; {} of reserved hours, {} of it unused; saved {} against pay as you go; \
             {} left to pay as you go\n",
            one.currency,
            percent(one.covered_e10, one.consumed_e10),
            grouped(one.consumed_e10 / E10),
            money(cost),
            money(one.unused_e10),
            money(one.saved_e10),
            money(one.billed_e10),
        ));
    }
    let mut worst: Vec<_> = summary.reservations.iter().filter(|one| one.unused_cost_e10 > 0).collect();
    worst.sort_by(|a, b| b.unused_cost_e10.cmp(&a.unused_cost_e10).then_with(|| a.id.cmp(&b.id)));
    if !worst.is_empty() {
        let shown = worst.len().min(10);
        text.push_str(&format!(
            "\nreservations with the most unused cost ({shown} of {}; --json has all):\n",
            worst.len()
        ));
        for one in &worst[..shown] {
            let cost = one.used_cost_e10 + one.unused_cost_e10;
            let share = percent(one.unused_cost_e10, cost);
            text.push_str(&format!("  {}  {} {}, {share} %\n", one.id, money(one.unused_cost_e10), one.currency));
        }
    }
    text
}

/// What of exports is not rated, and how many rows were rounded.
pub fn not_rated(rows: &BTreeMap<NotRated, u64>, rounded: u64) -> String {
    let mut text = String::new();
    let count: u64 = rows.values().sum();
    if count > 0 {
        let kind = |(reason, rows): (&NotRated, &u64)| format!("{} {}", grouped((*rows).into()), reason.describe());
        let kinds: Vec<String> = rows.iter().map(kind).collect();
        text.push_str(&format!("{} not rated: {}\n", counted(count, "row"), kinds.join(", ")));
    }
    if rounded > 0 {
        text.push_str(&format!(
            "{}: the quantity or the price had more than 6 decimals and was rounded\n",
            counted(rounded, "row")
        ));
    }
    text
}

/// The same for programs.
pub fn not_rated_json(rows: &BTreeMap<NotRated, u64>) -> serde_json::Value {
    let told = |reason: NotRated| Some((reason.name().to_owned(), json!(rows.get(&reason)?)));
    serde_json::Value::Object(NotRated::ALL.into_iter().filter_map(told).collect())
}

const E10: i128 = 10_000_000_000;

/// With two decimals, the rest cut off.
fn money(amount_e10: i128) -> String {
    let cents = amount_e10 / (E10 / 100);
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", grouped((cents / 100).abs()), (cents % 100).abs())
}

fn percent(part: i128, whole: i128) -> String {
    if whole == 0 { "0.0".into() } else { format_scaled(part.saturating_mul(1000) / whole, 1) }
}

/// Thousands apart.
fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number.into())) }
}

fn as_json(summary: &Summary, took: Duration) -> serde_json::Value {
    let amount = |value: i128| format_scaled(value, 10);
    let currencies: Vec<_> = summary
        .currencies
        .iter()
        .map(|one| {
            json!({
                "currency": one.currency,
                "consumedQuantity": amount(one.consumed_e10),
                "coveredQuantity": amount(one.covered_e10),
                "coveredPercent": percent(one.covered_e10, one.consumed_e10),
                "billedCost": amount(one.billed_e10),
                "usedCost": amount(one.used_e10),
                "unusedCost": amount(one.unused_e10),
                "saved": amount(one.saved_e10),
            })
        })
        .collect();
    let reservations: Vec<_> = summary
        .reservations
        .iter()
        .map(|one| {
            json!({
                "reservationId": one.id,
                "currency": one.currency,
                "usedQuantity": amount(one.used_quantity_e10),
                "unusedQuantity": amount(one.unused_quantity_e10),
                "usedCost": amount(one.used_cost_e10),
                "unusedCost": amount(one.unused_cost_e10),
            })
        })
        .collect();
    json!({
        "periodStart": summary.period_start,
        "periodEnd": summary.period_end,
        "usageFiles": summary.files,
        "usageLines": summary.lines,
        "corrections": summary.corrections,
        "badRows": summary.bad_rows,
        "notRated": not_rated_json(&summary.not_rated),
        "roundedRows": summary.rounded,
        "rows": summary.rows,
        "files": summary.parts,
        "bytes": summary.bytes,
        "bytesOnDisk": summary.spilled_bytes,
        "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "currencies": currencies,
        "reservations": reservations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_hours() {
        for (text, bytes) in
            [("2GiB", Some(2 << 30)), ("16777216", Some(16 << 20)), ("1MiB", None), ("x", None), ("-1", None)]
        {
            assert_eq!(size(text).ok(), bytes, "{text}");
        }
        assert_eq!(hour("2026-01-01T00:00:00Z"), Ok(490_896));
        assert!(hour("2026-01-01T00:30:00Z").is_err() && hour("tomorrow").is_err());
    }

    #[test]
    fn amounts_for_people() {
        assert_eq!(money(12_345_678_900_000_000), "1,234,567.89");
        assert_eq!(money(-5_000_000_000), "-0.50");
        assert_eq!(percent(1, 3), "33.3");
        assert_eq!(percent(1, 0), "0.0");
    }
}
