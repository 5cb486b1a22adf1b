//! What can go wrong, told so that it can be mended.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A value of the input that cannot be used, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file.
    pub file: PathBuf,
    /// The row, counted from 1 without the header.
    pub row: u64,
    /// The column; empty: the row as a whole.
    pub column: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` row {}", self.file.display(), self.row)?;
        if !self.column.is_empty() {
            write!(out, ", column `{}`", self.column)?;
        }
        write!(out, ": {}", self.problem)
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Rows that cannot be used.
    #[error("{}", listed(.first, *.count))]
    Mistakes {
        /// The first of them, in the order of files and rows.
        first: Vec<Mistake>,
        /// How many there are.
        count: u64,
    },
    /// A file or folder that the system does not give.
    #[error("cannot {doing} `{}`: {cause}", path.display())]
    Io {
        /// Such as `read`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// The system's word.
        cause: io::Error,
    },
    /// A file that is not what its reader takes it for, or is damaged.
    #[error("`{}`: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Words of the caller that do not fit.
    #[error("{0}")]
    Asked(String),
    /// Whoever asked for the run stopped it.
    #[error("stopped; nothing was written")]
    Cancelled,
    /// A mistake of this program.
    #[error("the rating engine failed: {0}")]
    Engine(String),
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), cause }
    }

    pub(crate) fn file(path: &Path, problem: impl fmt::Display) -> Self {
        Self::File { path: path.to_owned(), problem: problem.to_string() }
    }

    pub(crate) fn mistake(mistake: Mistake) -> Self {
        Self::Mistakes { first: vec![mistake], count: 1 }
    }
}

impl From<fullmakt_domain::rating::Overflow> for Error {
    fn from(overflow: fullmakt_domain::rating::Overflow) -> Self {
        Self::Engine(overflow.to_string())
    }
}

fn listed(first: &[Mistake], count: u64) -> String {
    let mut lines: Vec<String> = first.iter().map(ToString::to_string).collect();
    let more = count.saturating_sub(crate::number::long(first.len()));
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}
