//! What `cargo xtask bench rate` measures: makes usage, rates it, and tells what that took.
#![allow(clippy::print_stdout, reason = "the figures go to the program that asked for them")]

use fullmakt_rating::sample::{Month, Style, write_month};
use fullmakt_rating::{Error, Job, OutputColumns, OutputFormat, Progress, rate};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORDS: &str = "bench-rate make FOLDER ROWS SEED [DICTIONARY_MIB]\n\
    bench-rate rate FOLDER OUT MEMORY_MIB THREADS [RESERVATIONS]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["make", folder, rows, seed] => make(Path::new(folder), rows, seed, Style::default().dictionary_bytes),
        ["make", folder, rows, seed, mib] => {
            number(mib).and_then(|mib: usize| make(Path::new(folder), rows, seed, mib << 20))
        }
        ["rate", folder, out, memory, threads] => measure(Path::new(folder), out, memory, threads, None),
        ["rate", folder, out, memory, threads, held] => measure(Path::new(folder), out, memory, threads, Some(held)),
        _ => Err(Error::Asked(WORDS.into())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Asked(format!("`{text}` is not a number")))
}

fn make(folder: &Path, rows: &str, seed: &str, dictionary_bytes: usize) -> Result<(), Error> {
    let style = Style { dictionary_bytes, ..Style::default() };
    let month = Month { rows: number(rows)?, seed: number(seed)?, hours: 744, file_rows: 5_000_000, style };
    write_month(month, folder)
}

/// Rates, and prints milliseconds of wall and CPU time, peak memory in KiB, lines, rows, bytes, bytes on disk.
fn measure(folder: &Path, out: &str, memory: &str, threads: &str, held: Option<&str>) -> Result<(), Error> {
    let job = Job {
        usage: vec![folder.join("usage")],
        focus: None,
        not_rated: None,
        reservations: held.map_or_else(|| folder.join("reservations.csv"), PathBuf::from),
        flexibility: folder.join("flexibility.csv"),
        out: out.into(),
        period: None,
        threads: number(threads)?,
        memory: number::<u64>(memory)? << 20,
        format: OutputFormat::Parquet,
        columns: OutputColumns::Rated,
        skip_bad_rows: None,
        subscriptions: None,
        is_durable: true,
    };
    let begun = Instant::now();
    let summary = rate(&job, &Progress::default())?;
    let wall = begun.elapsed().as_millis();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()).unwrap_or("0");
    let covered: i128 = summary.currencies.iter().map(|one| one.covered_e10).sum();
    let consumed: i128 = summary.currencies.iter().map(|one| one.consumed_e10).sum();
    println!(
        "{wall} {} {peak} {} {} {} {} {}",
        cpu_milliseconds(),
        summary.lines,
        summary.rows,
        summary.bytes,
        summary.spilled_bytes,
        covered * 1000 / consumed.max(1)
    );
    Ok(())
}

/// User and system time of this process, in the system's hundredths of a second.
fn cpu_milliseconds() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold blanks, so the fields are counted behind it.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let field =
        |index: usize| behind.split_whitespace().nth(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (field(11) + field(12)) * 10
}
