//! Every chore of the repository as one command: `cargo xtask ci` is all that a change must pass.
#![allow(clippy::print_stdout, reason = "a chore talks to the person who runs it")]

mod bench_rate;
mod browser;
mod ci;
mod dependencies;
mod postgres;
mod python;
mod run;
mod tidy;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The chores of this repository.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Everything a change must pass: format, lints, own checks, documents, all tests on both databases.
    Ci,
    /// The tests alone, on both databases. Words after `--` go to `cargo test`.
    Test {
        /// Run on one database only.
        #[arg(long)]
        only: Option<ci::Database>,
        /// For `cargo test`, for example `-p fullmakt-testkit --test it laws`.
        #[arg(last = true)]
        words: Vec<String>,
    },
    /// The checks of the source text and of the dependencies, without compiling anything.
    Tidy,
    /// Rewrites snapshots and the generated pages of `docs/`.
    Bless,
    /// Measures; prints a table of figures, goals and verdicts.
    Bench {
        /// What to measure.
        what: ci::Bench,
        /// Writes the figures to `docs/performance.md` as well.
        #[arg(long)]
        write: bool,
    },
    /// Pictures of every page, in both languages, wide and narrow, and in dark colours, in `target/screenshots`.
    Screenshots(ci::Pictures),
    /// Runs random histories of purchases and returns against a second model; the tests run 2,000 of them.
    Sim {
        /// How many histories.
        #[arg(long, default_value_t = 200)]
        seeds: u64,
        /// The number of the first.
        #[arg(long, default_value_t = 0)]
        first: u64,
    },
    /// Writes the built-in sample catalogue anew.
    Catalog,
    /// Starts a throwaway PostgreSQL, runs a command with its address in the environment, stops it.
    Postgres {
        /// The command and its words.
        #[arg(last = true, required = true)]
        words: Vec<String>,
    },
}

fn main() -> ExitCode {
    match chore(Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn chore(chore: Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Ci => ci::everything(),
        Chore::Test { only, words } => ci::test(only, &words),
        Chore::Tidy => ci::tidy(),
        Chore::Bless => ci::bless(),
        Chore::Bench { what, write } => ci::bench(what, write),
        Chore::Screenshots(wanted) => ci::screenshots(&wanted),
        Chore::Sim { seeds, first } => ci::sim(seeds, first),
        Chore::Catalog => ci::catalog(),
        Chore::Postgres { words } => ci::with_postgres(&words),
    }
}
