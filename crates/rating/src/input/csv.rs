//! Usage from CSV: UTF-8, a header row, RFC 4180 quoting, perhaps compressed.

use super::batch::{Batch, COLUMNS, Column, Number, Problem};
use super::parquet::names;
use super::time::parse_instant;
use crate::error::Error;
use crate::intern::{BAD, NULL};
use crate::profile::Vocabulary;
use csv::ByteRecord;
use fullmakt_domain::rating::{QUANTITY_DECIMALS, WrongDecimal, parse_scaled};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The columns of a CSV table, found by its header.
pub struct Table {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read + Send>>,
    header: Vec<String>,
}

impl Table {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read or has no header.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = super::text_of(path)?;
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(1 << 16).from_reader(text);
        let mut first = ByteRecord::new();
        if !reader.read_byte_record(&mut first).map_err(|error| unreadable(path, &error))? {
            return Err(Error::file(path, "is empty: a header row is missing"));
        }
        let header = first.iter().enumerate().map(|(index, name)| {
            let name = if index == 0 { name.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(name) } else { name };
            let name = std::str::from_utf8(name).map_err(|_| Error::file(path, "the header row is not UTF-8"))?;
            Ok(name.to_owned())
        });
        let header = header.collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { path: path.to_owned(), reader, header })
    }

    /// The place of a column, if it is there.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The place of a column.
    ///
    /// # Errors
    /// [`Error`] when it is missing.
    pub fn column(&self, name: &str) -> Result<usize, Error> {
        self.find(name).ok_or_else(|| Error::file(&self.path, format_args!("has no column `{name}`")))
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How many columns the header names.
    pub fn width(&self) -> usize {
        self.header.len()
    }

    /// Reads the next row; `false`: there is none.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read.
    pub fn next(&mut self, record: &mut ByteRecord) -> Result<bool, Error> {
        self.reader.read_byte_record(record).map_err(|error| unreadable(&self.path, &error))
    }
}

fn unreadable(path: &Path, error: &csv::Error) -> Error {
    Error::file(path, format_args!("cannot be read as CSV, perhaps it is cut short: {error}"))
}

/// A CSV file of usage.
pub struct CsvUsage {
    table: Table,
    places: Vec<usize>,
    next_row: u64,
    record: ByteRecord,
    /// For each text column the bytes of a batch and where each value ends.
    texts: [(Vec<u8>, Vec<usize>); 7],
    last_instant: (Vec<u8>, Option<i64>),
}

impl CsvUsage {
    /// Opens the file and finds its columns.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read or a column is missing.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let table = Table::open(path)?;
        let places = COLUMNS.iter().map(|(name, _)| table.column(name)).collect::<Result<_, _>>()?;
        Ok(Self {
            table,
            places,
            next_row: 1,
            record: ByteRecord::new(),
            texts: Default::default(),
            last_instant: (Vec::new(), None),
        })
    }

    /// Reads the next rows, at most `rows`; none are left when the batch stays empty.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read.
    pub fn read(&mut self, rows: usize, words: &Vocabulary, batch: &mut Batch) -> Result<(), Error> {
        batch.clear(self.next_row);
        for (bytes, ends) in &mut self.texts {
            bytes.clear();
            ends.clear();
        }
        let mut record = std::mem::take(&mut self.record);
        while batch.rows() < rows && self.table.next(&mut record)? {
            self.add(&record, batch);
            self.next_row += 1;
        }
        self.record = record;
        for (name, kind) in COLUMNS {
            let Column::Text(text) = kind else { continue };
            let (bytes, ends) = &self.texts[text.index()];
            let begins = std::iter::once(0).chain(ends.iter().copied());
            let values = begins.zip(ends).map(|(begin, end)| &bytes[begin..*end]);
            let numbers = &mut batch.texts[text.index()];
            names(words, text).number_all(values.clone(), numbers);
            for (row, value) in values.enumerate() {
                let problem = if value.is_empty() {
                    numbers[row] = NULL;
                    "is null"
                } else if numbers[row] == BAD {
                    "is not UTF-8"
                } else {
                    continue;
                };
                batch.problems.push(Problem { row, column: name, problem: problem.into() });
            }
        }
        Ok(())
    }

    fn add(&mut self, record: &ByteRecord, batch: &mut Batch) {
        let row = batch.rows();
        let is_whole = record.len() == self.table.width();
        if !is_whole {
            let problem = format!("has {} fields, the header {}", record.len(), self.table.width());
            batch.problems.push(Problem { row, column: "", problem });
        }
        for (index, (name, kind)) in COLUMNS.iter().enumerate() {
            let field = record.get(self.places[index]).unwrap_or_default();
            match kind {
                Column::Text(text) => {
                    let (bytes, ends) = &mut self.texts[text.index()];
                    bytes.extend_from_slice(field);
                    ends.push(bytes.len());
                }
                Column::Number(number) => {
                    let value =
                        if *number == Number::Start { self.instant(field) } else { read_number(*number, field) };
                    batch.numbers[number.index()].push(value.as_ref().copied().unwrap_or(0));
                    if let Err(problem) = value
                        && is_whole
                    {
                        batch.problems.push(Problem { row, column: name, problem });
                    }
                }
            }
        }
    }

    fn instant(&mut self, field: &[u8]) -> Result<i64, String> {
        if self.last_instant.0 != field || field.is_empty() {
            let text = std::str::from_utf8(field).unwrap_or_default();
            self.last_instant = (field.to_vec(), parse_instant(text));
        }
        match self.last_instant.1 {
            Some(instant) => Ok(instant),
            None if field.is_empty() => Err("is null".into()),
            None => Err(format!("`{}` is not a timestamp such as 2026-01-01T00:00:00Z", shown(field))),
        }
    }
}

fn read_number(number: Number, field: &[u8]) -> Result<i64, String> {
    if field.is_empty() {
        return Err("is null".into());
    }
    let text = std::str::from_utf8(field).map_err(|_| "is not UTF-8".to_owned())?;
    if number == Number::Line {
        return text.parse().map_err(|_| format!("`{}` is not an integer of 64 bits", shown(field)));
    }
    let scaled = parse_scaled(text, 18, QUANTITY_DECIMALS).map_err(|problem| wrong(field, problem))?;
    i64::try_from(scaled).map_err(|_| wrong(field, WrongDecimal::TooLarge(12)))
}

fn wrong(field: &[u8], problem: WrongDecimal) -> String {
    match problem {
        WrongDecimal::NotANumber => format!("`{}` is {problem}", shown(field)),
        WrongDecimal::NotARatio => format!("`{}`: {problem}", shown(field)),
        WrongDecimal::TooManyDecimals(_) | WrongDecimal::TooLarge(_) => format!("`{}` has {problem}", shown(field)),
    }
}

/// A value of the input as messages show it: cut where it is long.
pub fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
