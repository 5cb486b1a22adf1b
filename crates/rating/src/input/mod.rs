//! Usage, reservations and the flexibility table, from files as they come.

mod batch;
mod csv;
mod focus;
mod page;
mod parquet;
mod table;
mod time;

pub use batch::{Batch, COLUMNS, Column, Number, Text};
pub use csv::CsvUsage;
pub use focus::{FocusInput, FocusUsage, Mapping, NotRated, Taking, write_not_rated};
#[cfg(test)]
pub use page::hybrid;
pub use parquet::{ParquetUsage, names};
pub use table::{Payment, ReservationRow, flexibility, reservations, subscriptions};
pub use time::{format_hour, format_instant, parse_instant};

use crate::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Rows that are decoded at once: few enough that what is made of them stays near the processor.
pub const BATCH_ROWS: usize = 8192;

/// How the bytes of a file are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet.
    Parquet,
    /// CSV, perhaps compressed.
    Csv,
}

/// The files that a list of files and folders names, each once, in byte order.
///
/// # Errors
/// [`Error`] when one cannot be read, or when nothing is there.
pub fn usage_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|cause| Error::io("read", path, cause))?;
        if kind.is_dir() {
            let before = files.len();
            walk(path, &mut files)?;
            if files.len() == before {
                return Err(Error::file(path, "no file of this folder ends with .parquet, .csv, .csv.gz or .csv.zst"));
            }
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    let mut seen: Vec<(PathBuf, &PathBuf)> = Vec::new();
    for file in &files {
        let real = std::fs::canonicalize(file).map_err(|cause| Error::io("read", file, cause))?;
        seen.push((real, file));
    }
    seen.sort();
    if let Some(twice) = seen.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let (one, other) = (twice[0].1.display(), twice[1].1.display());
        return Err(Error::Asked(format!("the same file is named twice: `{one}` and `{other}`")));
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |cause| Error::io("read", folder, cause);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_hidden = name.starts_with(['.', '_']);
        if path.is_dir() && !is_hidden {
            walk(&path, files)?;
        } else if !is_hidden && [".parquet", ".csv", ".csv.gz", ".csv.zst"].iter().any(|end| name.ends_with(end)) {
            files.push(path);
        }
    }
    Ok(())
}

/// What a file is, by its first bytes.
///
/// # Errors
/// [`Error`] when it cannot be read.
pub fn format_of(path: &Path) -> Result<Format, Error> {
    Ok(if first_bytes(path)? == *b"PAR1" { Format::Parquet } else { Format::Csv })
}

fn first_bytes(path: &Path) -> Result<[u8; 4], Error> {
    let mut first = [0; 4];
    let mut file = open(path)?;
    let mut filled = 0;
    while filled < first.len() {
        match file.read(&mut first[filled..]).map_err(|cause| Error::io("read", path, cause))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(first)
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|cause| Error::io("read", path, cause))
}

/// The text of a CSV file, decompressed when it begins like gzip or zstd.
fn text_of(path: &Path) -> Result<Box<dyn Read + Send>, Error> {
    let first = first_bytes(path)?;
    let file = BufReader::with_capacity(1 << 18, open(path)?);
    if first.starts_with(&[0x1F, 0x8B]) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(file)));
    }
    if first == [0x28, 0xB5, 0x2F, 0xFD] {
        let decoder = zstd::Decoder::with_buffer(file).map_err(|cause| Error::io("read", path, cause))?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(file))
}
