//! The order of the checks, cheapest first, and the chores beside them.

use crate::browser::Tools;
use crate::postgres::{Cluster, Durability};
use crate::{bench_rate, dependencies, python, run, tidy as source};
use anyhow::bail;
use std::process::Command;
use std::time::Instant;

/// A database the tests run on.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Database {
    /// A file per test.
    Sqlite,
    /// A database per test, in a cluster of our own.
    Postgres,
}

/// What can be measured.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Bench {
    /// A server under reads and purchases, its start and its memory.
    Api,
    /// Rating of 1 and 10 million usage lines, against DuckDB.
    Rate,
    /// The pages that must be quick however many customers there are.
    Pages,
}

/// The sets of pictures: language, width, colours.
const SETS: [&str; 5] = ["en-wide", "en-narrow", "sv-wide", "sv-narrow", "en-wide-dark"];

/// Which pictures are taken: all, unless some are named. Those of an earlier run stay where only some are taken.
#[derive(clap::Args)]
pub struct Pictures {
    /// Only of pages with this in their name, such as `portal-purchase` or `sven`.
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// In one language only.
    #[arg(long)]
    language: Option<Language>,
    /// In one width only.
    #[arg(long)]
    width: Option<Width>,
    /// In dark colours only.
    #[arg(long)]
    dark: bool,
}

/// A language of the pages.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Language {
    /// English.
    En,
    /// Swedish.
    Sv,
}

/// How wide a window is.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Width {
    /// As on a desk.
    Wide,
    /// As on a telephone.
    Narrow,
}

impl Pictures {
    fn sets(&self) -> Vec<&'static str> {
        let language = self.language.map(|language| match language {
            Language::En => "en",
            Language::Sv => "sv",
        });
        let width = self.width.map(|width| match width {
            Width::Wide => "wide",
            Width::Narrow => "narrow",
        });
        let dark = self.dark.then_some("dark");
        let fits = |set: &&str| {
            let wanted = [language, width, dark];
            wanted.into_iter().flatten().all(|word| set.split('-').any(|part| part == word))
        };
        SETS.into_iter().filter(fits).collect()
    }
}

/// Crates whose own tests touch no database.
const DATABASE_FREE: [&str; 5] = ["fullmakt-domain", "fullmakt-pages", "fullmakt-rating", "fullmakt-world", "xtask"];

/// All that a change must pass.
pub fn everything() -> anyhow::Result<()> {
    let started = Instant::now();
    run::run(&mut run::cargo(&["fmt", "--all", "--check"]))?;
    tidy()?;
    run::run(&mut run::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    run::run(run::cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    println!("\nchecks passed after {} s", started.elapsed().as_secs());
    test(None, &[])
}

/// The tests, on SQLite and then on PostgreSQL.
pub fn test(only: Option<Database>, words: &[String]) -> anyhow::Result<()> {
    let python = python::environment()?;
    // Its environment is large, so only those wait for it who may run its test.
    let is_validated = words.is_empty() || words.iter().any(|word| word == "fullmakt-rating");
    let validator = if is_validated { python::focus_validator()? } else { None };
    let tools = Tools::ready()?;
    let fast = Cluster::start(Durability::None)?;
    let durable = Cluster::start(Durability::Full)?;
    run::run(&mut run::cargo(&["build", "--workspace", "--bins", "--locked"]))?;
    let mut failures = Vec::new();
    for database in [Database::Sqlite, Database::Postgres] {
        if only.is_some_and(|only| only != database) {
            continue;
        }
        let mut tests = run::cargo(&["test", "--locked", "--no-fail-fast"]);
        tests.env("FULLMAKT_TEST_PYTHON", &python);
        if let Some(validator) = &validator {
            tests.env("FULLMAKT_TEST_FOCUS_VALIDATOR", validator);
        }
        tools.tell(&mut tests);
        tests.env_remove("FULLMAKT_TEST_POSTGRES").env_remove("FULLMAKT_TEST_POSTGRES_DURABLE");
        if database == Database::Postgres {
            tests.env("FULLMAKT_TEST_POSTGRES", fast.url());
            tests.env("FULLMAKT_TEST_POSTGRES_DURABLE", durable.url());
        }
        match (words, database) {
            ([], Database::Sqlite) => tests.arg("--workspace"),
            // A second run of these would tell nothing new.
            ([], Database::Postgres) => {
                tests.arg("--workspace").args(DATABASE_FREE.map(|name| format!("--exclude={name}")))
            }
            _ => tests.args(words),
        };
        if words.is_empty() && database == Database::Postgres {
            // What a browser shows does not depend on the database, and takes its time.
            tests.args(["--", "--skip", "browser::"]);
        }
        println!("\ntests on {}", if database == Database::Sqlite { "SQLite" } else { "PostgreSQL" });
        // The other database is tried all the same: what fails on one only is worth knowing.
        failures.extend(run::run(&mut tests).err());
    }
    failures.into_iter().next().map_or(Ok(()), Err)
}

/// The checks that need no compiler.
pub fn tidy() -> anyhow::Result<()> {
    let findings = source::findings(&run::root())?;
    let mut findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    findings.extend(dependencies::findings()?);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy found {} mistakes", findings.len());
    }
    println!("tidy: no mistakes");
    Ok(())
}

/// Snapshots and generated pages, as the code now has them.
pub fn bless() -> anyhow::Result<()> {
    source::bless(&run::root())?;
    run::run(run::cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]).env("UPDATE_EXPECT", "1"))
}

/// A release build, measured.
pub fn bench(what: Bench, write: bool) -> anyhow::Result<()> {
    match what {
        Bench::Api => bench_api(write),
        Bench::Rate => bench_rate::run(write),
        Bench::Pages => run::run(&mut released("bench-pages", write)?),
    }
}

fn bench_api(write: bool) -> anyhow::Result<()> {
    let durable = Cluster::start(Durability::Full)?;
    let mut bench = released("bench-api", write)?;
    bench
        .env("FULLMAKT_TEST_POSTGRES_DURABLE", durable.url())
        .env("FULLMAKT_TEST_PGBENCH", durable.binaries().join("pgbench"));
    run::run(&mut bench)
}

/// A program of the release build.
fn released(name: &str, write: bool) -> anyhow::Result<Command> {
    run::run(&mut run::cargo(&["build", "--release", "--locked", "--workspace", "--bins"]))?;
    let mut program = Command::new(run::root().join("target/release").join(name));
    program.current_dir(run::root()).args(write.then_some("--write"));
    Ok(program)
}

/// Every page as a picture.
pub fn screenshots(wanted: &Pictures) -> anyhow::Result<()> {
    let sets = wanted.sets();
    if sets.is_empty() {
        bail!("dark colours are pictured wide and in English only");
    }
    let tools = Tools::ready()?;
    run::run(&mut run::cargo(&["build", "--locked", "--workspace", "--bins"]))?;
    let mut screenshots = Command::new(run::root().join("target/debug/screenshots"));
    tools.tell(&mut screenshots);
    screenshots.arg(wanted.only.as_deref().unwrap_or_default());
    if sets.len() < SETS.len() {
        screenshots.args(sets);
    }
    run::run(screenshots.current_dir(run::root()))
}

/// Random histories against a second model.
pub fn sim(seeds: u64, first: u64) -> anyhow::Result<()> {
    let words = ["test", "--quiet", "--locked", "-p", "fullmakt-domain", "--test", "simulation"];
    let mut test = run::cargo(&words);
    run::run(test.env("FULLMAKT_SIM_SEEDS", seeds.to_string()).env("FULLMAKT_SIM_FIRST", first.to_string()))
}

/// The sample catalogue, as its generator makes it.
pub fn catalog() -> anyhow::Result<()> {
    run::run(&mut run::cargo(&["run", "--quiet", "--locked", "-p", "fullmakt-world", "--example", "catalog"]))
}

/// Any command, beside a cluster of its own.
pub fn with_postgres(words: &[String]) -> anyhow::Result<()> {
    let fast = Cluster::start(Durability::None)?;
    let Some((program, rest)) = words.split_first() else { bail!("which command?") };
    run::run(Command::new(program).args(rest).env("FULLMAKT_TEST_POSTGRES", fast.url()))
}
