//! How fast usage is rated, held against a database that is given the same rules as SQL, and against a plain copy.

use crate::{python, run};
use anyhow::{Context, bail};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEGIN: &str = "<!-- rating -->\n";
const END: &str = "<!-- end of rating -->\n";

/// What one run took.
#[derive(Clone, Copy)]
struct Taken {
    wall_ms: u64,
    cpu_ms: u64,
    peak_kib: u64,
    rows: u64,
    bytes: u64,
}

/// Measures 1 and 10 million lines and prints a table; writes it to `docs/performance.md` as well when asked.
pub fn run(write: bool) -> anyhow::Result<()> {
    run::run(&mut run::cargo(&["build", "--release", "--locked", "-p", "fullmakt-rating", "--bin", "bench-rate"]))?;
    let python = python::environment_of("crates/rating/bench/requirements.txt", "python-bench")?;
    let mut table =
        "| lines | what | wall s | CPU s | peak MiB | written MiB | CPU against DuckDB |\n|--:|---|--:|--:|--:|--:|--:|\n"
            .to_owned();
    let mut engines = Vec::new();
    for rows in [1_000_000, 10_000_000] {
        let folder = usage(rows, "")?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from).to_string();
        let engine = median(rows, || rate(&folder, "rated", "2048", &cores, None))?;
        let small = median(rows, || rate(&folder, "rated", "512", &cores, None))?;
        let one = rate(&folder, "rated", "2048", "1", None)?;
        let header = first_line(&folder.join("reservations.csv"))?;
        std::fs::write(folder.join("none.csv"), header)?;
        let unmatched = median(rows, || rate(&folder, "unmatched", "2048", &cores, Some(&folder.join("none.csv"))))?;
        let long = median(rows, || rate(&usage(rows, "1")?, "rated", "2048", &cores, None))?;
        let sql = duckdb(&python, "rate", &folder, &cores, &[])?;
        let copy = duckdb(&python, "copy", &folder, &cores, &[&engine.rows.to_string()])?;
        let script = run::root().join("crates/rating/bench/duckdb_rate.py");
        let mut compare = Command::new(&python);
        compare.arg(script).args(["compare", text(&folder.join("rate.parquet"))?, text(&folder.join("rated"))?]);
        run::run(&mut compare).context("DuckDB and the engine do not give the same rows")?;
        for (what, taken) in [
            ("`fullmakt rate`", engine),
            ("`fullmakt rate --memory 512MiB`", small),
            ("`fullmakt rate --threads 1`", one),
            ("`fullmakt rate` without any reservation", unmatched),
            ("`fullmakt rate`, dictionaries of at most 1 MiB in the input", long),
            ("DuckDB, the same rules in SQL", sql),
            ("DuckDB, a plain copy of as many rows", copy),
        ] {
            let line = line(rows, what, taken, sql);
            println!("{line}");
            writeln!(table, "{line}")?;
        }
        engines.push((engine, small, sql));
    }
    let [(small, ..), (large, tight, sql)] = engines[..] else { bail!("two sizes are measured") };
    writeln!(table)?;
    writeln!(table, "| goal at 10 million lines | reached | verdict |\n|---|--:|---|")?;
    let mut verdict = |goal: &str, value: u64, limit: u64, is_least: bool| {
        let is_reached = if is_least { value >= limit } else { value <= limit };
        let word = if is_reached { "reached" } else { "missed" };
        writeln!(table, "| {goal} | {} | {word} |", hundredths(value))
    };
    verdict("CPU time 8 times below DuckDB", sql.cpu_ms * 100 / large.cpu_ms.max(1), 800, true)?;
    verdict("wall time 8 times below DuckDB", sql.wall_ms * 100 / large.wall_ms.max(1), 800, true)?;
    verdict(
        "at most 1.15 times the time for a line of 1 million, CPU",
        large.cpu_ms * 10 / small.cpu_ms.max(1),
        115,
        false,
    )?;
    verdict("peak memory with 512 MiB at most 768 MiB", tight.peak_kib * 100 / 1024, 76_800, false)?;
    println!("\n{table}");
    if write { save(&table) } else { Ok(()) }
}

/// A folder with so many lines of usage; made when it is missing. Dictionaries of the input hold at most so many MiB, or, where
/// nothing is said, all texts of a row group.
fn usage(rows: u64, dictionary_mib: &str) -> anyhow::Result<PathBuf> {
    let kind = if dictionary_mib.is_empty() { String::new() } else { format!("-{dictionary_mib}MiB") };
    let folder = run::root().join(format!(".test/rate/usage-{rows}{kind}"));
    if !folder.join("made").exists() {
        std::fs::create_dir_all(&folder)?;
        let more = Some(dictionary_mib).filter(|mib| !mib.is_empty());
        run::run(bench().args(["make", text(&folder)?, &rows.to_string(), "1"]).args(more))?;
        std::fs::write(folder.join("made"), "")?;
    }
    Ok(folder)
}

fn bench() -> Command {
    let mut command = Command::new(run::root().join("target/release/bench-rate"));
    command.current_dir(run::root());
    command
}

fn rate(folder: &Path, out: &str, memory: &str, threads: &str, held: Option<&PathBuf>) -> anyhow::Result<Taken> {
    let out = folder.join(out);
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    let mut command = bench();
    command.args(["rate", text(folder)?, text(&out)?, memory, threads]).args(held);
    let told = run::output(&mut command)?;
    let [wall_ms, cpu_ms, peak_kib, _, rows, bytes, ..] = numbers(&told)?[..] else { bail!("what is `{told}`?") };
    Ok(Taken { wall_ms, cpu_ms, peak_kib, rows, bytes })
}

fn duckdb(python: &Path, what: &str, folder: &Path, cores: &str, more: &[&str]) -> anyhow::Result<Taken> {
    let mut command = Command::new(python);
    command.arg(run::root().join("crates/rating/bench/duckdb_rate.py")).arg(what).arg(folder);
    command.arg(folder.join(format!("{what}.parquet"))).args([cores, "12GiB"]).args(more);
    let told = run::output(&mut command)?;
    let [wall_ms, cpu_ms, peak_kib, rows, bytes] = numbers(&told)?[..] else { bail!("what is `{told}`?") };
    Ok(Taken { wall_ms, cpu_ms, peak_kib, rows, bytes })
}

/// The middle one of five runs, or of fifteen where a run is so short that whatever else the machine does shows in it.
fn median(rows: u64, measure: impl Fn() -> anyhow::Result<Taken>) -> anyhow::Result<Taken> {
    let runs = if rows < 5_000_000 { 15 } else { 5 };
    let mut taken = (0..runs).map(|_| measure()).collect::<anyhow::Result<Vec<Taken>>>()?;
    taken.sort_by_key(|one| one.cpu_ms);
    Ok(taken[runs / 2])
}

fn numbers(text: &str) -> anyhow::Result<Vec<u64>> {
    let last = text.lines().last().unwrap_or_default();
    last.split_whitespace().map(|word| word.parse().with_context(|| format!("`{word}` is not a number"))).collect()
}

fn line(lines: u64, what: &str, taken: Taken, sql: Taken) -> String {
    format!(
        "| {} million | {what} | {} | {} | {} | {} | {} |",
        lines / 1_000_000,
        hundredths(taken.wall_ms / 10),
        hundredths(taken.cpu_ms / 10),
        taken.peak_kib / 1024,
        taken.bytes >> 20,
        hundredths(sql.cpu_ms * 100 / taken.cpu_ms.max(1)),
    )
}

fn hundredths(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("`{}` is not UTF-8", path.display()))
}

fn first_line(path: &Path) -> anyhow::Result<String> {
    let all = std::fs::read_to_string(path)?;
    Ok(all.lines().next().map(|line| format!("{line}\n")).unwrap_or_default())
}

fn save(table: &str) -> anyhow::Result<()> {
    let path = run::root().join("docs/performance.md");
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) =
        page.split_once(BEGIN).context("docs/performance.md has no place for the figures of the rating")?;
    let (_, after) = rest.split_once(END).context("docs/performance.md has no end of the figures of the rating")?;
    std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    Ok(())
}
