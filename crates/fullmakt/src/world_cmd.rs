//! `fullmakt world …`, and how world files are read for the server.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use fullmakt_domain::catalog::Catalog;
use fullmakt_world::{Mistake, World, catalog_csv};
use serde_json::json;

/// Read a world file and report every mistake with its line. Changes nothing.
///
/// The catalogue that the file names is read too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fullmakt world check world.toml
  fullmakt world check --json world.toml | jq '.mistakes[].line'

Exit status: 0 no mistakes; 1 mistakes, or the file cannot be read.")]
pub struct Check {
    /// The world file
    file: PathBuf,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What a world file holds.
pub struct Loaded {
    /// Who there is.
    pub world: World,
    /// The catalogue it names; `None`: the built-in one.
    pub catalog: Option<Catalog>,
}

/// The mistakes of one file.
#[derive(Debug)]
pub struct Mistakes {
    file: PathBuf,
    mistakes: Vec<Mistake>,
}

/// Why a world could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Files with mistakes.
    #[error("{}", lines(.0).join("\n"))]
    Mistaken(Vec<Mistakes>),
    /// A file that the system does not give.
    #[error("cannot read `{}`: {cause}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// The system's word.
        cause: std::io::Error,
    },
}

fn lines(files: &[Mistakes]) -> Vec<String> {
    let line = |file: &Path, mistake: &Mistake| {
        let path = if mistake.path.is_empty() { String::new() } else { format!("{}: ", mistake.path) };
        format!("{}:{}: {path}{}", file.display(), mistake.line, mistake.message)
    };
    files.iter().flat_map(|one| one.mistakes.iter().map(move |mistake| line(&one.file, mistake))).collect()
}

/// Reads a world file and its catalogue.
///
/// # Errors
/// [`Unreadable`] with every mistake of both.
pub fn load(file: &Path) -> Result<Loaded, Unreadable> {
    let world = match fullmakt_world::parse(&read(file)?) {
        Ok(world) => world,
        Err(mistakes) => return Err(Unreadable::Mistaken(vec![Mistakes { file: file.to_owned(), mistakes }])),
    };
    let Some(named) = &world.catalog_file else {
        return Ok(Loaded { world, catalog: None });
    };
    let path = file.parent().unwrap_or(Path::new("")).join(named);
    match catalog_csv::parse(&read(&path)?) {
        Ok(catalog) => Ok(Loaded { world, catalog: Some(catalog) }),
        Err(mistakes) => Err(Unreadable::Mistaken(vec![Mistakes { file: path, mistakes }])),
    }
}

fn read(file: &Path) -> Result<String, Unreadable> {
    fs::read_to_string(file).map_err(|cause| Unreadable::File { file: file.to_owned(), cause })
}

impl Check {
    /// Checks, and says what was found.
    ///
    /// # Errors
    /// When the file or an output cannot be used.
    pub fn run(&self, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let found = match load(&self.file) {
            Ok(loaded) => Ok(loaded),
            Err(Unreadable::Mistaken(files)) => Err(files),
            Err(error) => return Err(error.into()),
        };
        if self.json {
            let mistakes = found.as_ref().err().map(Vec::as_slice).unwrap_or_default();
            writeln!(out, "{}", as_json(&self.file, mistakes)).context("cannot write the outcome")?;
        }
        match found {
            Ok(loaded) => {
                if !self.json {
                    writeln!(out, "{}: no mistakes; {}", self.file.display(), summary(&loaded.world))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(files) => {
                let lines = lines(&files);
                if !self.json {
                    for line in &lines {
                        writeln!(err, "{line}")?;
                    }
                }
                writeln!(err, "{}", counted(lines.len(), "mistake"))?;
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

fn as_json(file: &Path, files: &[Mistakes]) -> serde_json::Value {
    let mistakes: Vec<_> = files
        .iter()
        .flat_map(|one| one.mistakes.iter().map(move |mistake| (one, mistake)))
        .map(|(one, mistake)| {
            json!({
                "file": one.file.display().to_string(),
                "line": mistake.line,
                "path": mistake.path,
                "message": mistake.message,
            })
        })
        .collect();
    json!({ "file": file.display().to_string(), "valid": mistakes.is_empty(), "mistakes": mistakes })
}

/// What a world holds, for people.
pub fn summary(world: &World) -> String {
    let subscriptions: usize = world
        .customers
        .iter()
        .flat_map(|customer| &customer.entitlements)
        .map(|bought| bought.subscriptions.len())
        .sum();
    [
        counted(world.partners.len(), "partner"),
        counted(world.customers.len(), "customer"),
        counted(subscriptions, "subscription"),
        counted(world.prices.len(), "price rule"),
    ]
    .join(", ")
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
