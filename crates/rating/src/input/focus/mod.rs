//! Usage from exports in the columns of FOCUS, the FinOps Open Cost and Usage Specification, versions 1.0 to 1.2.
//!
//! An export holds every charge of a bill. Usage by the hour with a known SKU is rated; what else there is is counted by what it
//! is. FOCUS has no number of a line, so lines are numbered by their place in the input.

mod mapping;
mod records;
mod row;

pub use mapping::Mapping;
pub use row::{NotRated, Taking};

use super::batch::{Batch, COLUMNS, Column, Number, Problem};
use super::csv::Table;
use super::parquet::{ParquetFile, names};
use super::{Format, format_of};
use crate::detail;
use crate::error::Error;
use crate::intern::{BAD, NULL};
use crate::number::long;
use crate::output::record;
use crate::profile::Vocabulary;
use fullmakt_domain::rating::HOUR_MICROS;
use records::{CsvReader, ParquetReader, Reader, Records, Texts};
use row::{Charge, Fate, Plan};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How exports are read.
#[derive(Clone, Debug)]
pub struct FocusInput {
    /// Where values come from.
    pub mapping: Mapping,
    /// Which rows are taken, and how.
    pub taking: Taking,
}

/// Lines of a file get numbers from its place in the list of files times this.
const FILE_LINES: i64 = 1_000_000_000_000;

/// Lines of a row get numbers from the row times this: one for each hour over which it may be spread.
const ROW_LINES: i64 = 1_000;

/// An export.
pub struct FocusUsage {
    path: PathBuf,
    input: Arc<FocusInput>,
    plan: Plan,
    first_line: i64,
    parquet: Option<ParquetFile>,
}

impl FocusUsage {
    /// Opens the file and finds its columns. `index`: its place in the list of files.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read or has not the columns.
    pub fn open(path: &Path, index: usize, input: &Arc<FocusInput>) -> Result<Self, Error> {
        let (present, parquet) = if format_of(path)? == Format::Parquet {
            let file = ParquetFile::open(path)?;
            (records::readable_columns(&file.metadata), Some(file))
        } else {
            (Table::open(path)?.header().to_vec(), None)
        };
        let plan = Plan::new(&input.mapping, &present, input.taking, path)?;
        let first_line = i64::try_from(index).ok().and_then(|index| index.checked_mul(FILE_LINES));
        let first_line = first_line.ok_or_else(|| Error::Asked("there are too many files".into()))?;
        Ok(Self { path: path.to_owned(), input: Arc::clone(input), plan, first_line, parquet })
    }

    /// How many pieces can be read side by side.
    pub fn pieces(&self) -> usize {
        self.parquet.as_ref().map_or(1, |file| file.metadata.num_row_groups())
    }

    /// How many rows it has, if that is known before they are read.
    pub fn rows(&self) -> Option<u64> {
        self.parquet.as_ref().map(ParquetFile::rows)
    }

    /// Whether lines have numbers of their own.
    pub fn has_lines(&self) -> bool {
        self.plan.has_lines()
    }

    fn reader(&self, piece: usize, columns: &[String]) -> Result<Reader<'_>, Error> {
        Ok(match &self.parquet {
            None => Reader::Csv(Box::new(CsvReader::open(&self.path, columns)?)),
            Some(file) => {
                let place = (piece, file.first_rows[piece]);
                let reader = ParquetReader::open(&self.path, (&file.source, &file.metadata), place, columns)?;
                Reader::Parquet(Box::new(reader))
            }
        })
    }

    /// Begins to read a piece.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read.
    pub fn cursor<'a>(&'a self, piece: usize, words: &'a Vocabulary) -> Result<Cursor<'a>, Error> {
        let reader = self.reader(piece, &self.plan.columns)?;
        Ok(Cursor { file: self, reader, words, records: Records::default(), texts: Default::default() })
    }
}

/// The place in a file.
pub struct Cursor<'a> {
    file: &'a FocusUsage,
    reader: Reader<'a>,
    words: &'a Vocabulary,
    records: Records,
    /// The texts of the lines of a batch, by [`Text`], and what they say beside.
    texts: [Texts; 8],
}

const DETAIL: usize = 7;

impl Cursor<'_> {
    /// Reads the next rows, at most `rows`. None are left when the batch holds no row and none was put aside.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read.
    pub fn read(&mut self, rows: usize, batch: &mut Batch) -> Result<(), Error> {
        self.reader.read(rows, &mut self.records)?;
        batch.clear(self.records.first_row);
        self.texts.iter_mut().for_each(Texts::clear);
        let records = std::mem::take(&mut self.records);
        let (plan, mapping) = (&self.file.plan, &self.file.input.mapping);
        let mut broken = records.broken.iter().peekable();
        for row in 0..records.rows {
            if let Some((_, problem)) = broken.next_if(|(broken, _)| *broken == row) {
                self.add_bad(&records, row, ("", problem.clone()), batch);
                continue;
            }
            match plan.fate(mapping, &records, row) {
                Fate::Usage(charge) => self.add(&records, row, &charge, batch)?,
                Fate::NotRated(reason) => *batch.not_rated.entry(reason).or_default() += 1,
                Fate::Mistake(field, problem) => self.add_bad(&records, row, (field, problem), batch),
            }
        }
        self.records = records;
        self.number_texts(batch);
        Ok(())
    }

    /// Adds the lines of a row: one, or one for each hour over which it is spread.
    fn add(&mut self, records: &Records, row: usize, charge: &Charge, batch: &mut Batch) -> Result<(), Error> {
        let place = records.first_row + long(row);
        batch.rounded += u64::from(charge.is_rounded);
        for hour in 0..charge.hours {
            self.add_texts(records, row);
            let line = match charge.line {
                Some(line) => line,
                None => self.line(place, hour)?,
            };
            batch.places.push(place);
            batch.numbers[Number::Line.index()].push(line);
            batch.numbers[Number::Start.index()].push(charge.start + hour * HOUR_MICROS);
            batch.numbers[Number::Quantity.index()].push(share(charge.quantity_e6, charge.hours, hour));
            batch.numbers[Number::Price.index()].push(charge.price_e6);
        }
        Ok(())
    }

    fn line(&self, place: u64, hour: i64) -> Result<i64, Error> {
        let of_row = i64::try_from(place).ok().and_then(|place| place.checked_mul(ROW_LINES));
        let of_row = of_row.filter(|line| *line < FILE_LINES);
        let too_many = || Error::file(&self.file.path, "has more rows than lines can be numbered: cut it in two");
        of_row.map(|line| self.file.first_line + line + hour).ok_or_else(too_many)
    }

    /// Adds a row that cannot be used, with what of it can be shown.
    fn add_bad(&mut self, records: &Records, row: usize, wrong: (&'static str, String), batch: &mut Batch) {
        let bad = batch.rows();
        batch.problems.push(Problem { row: bad, column: wrong.0, problem: wrong.1 });
        // Its numbers are placeholders, and shown empty. Of several problems of a row the first is told.
        let numbers = COLUMNS.iter().filter(|(_, kind)| matches!(kind, Column::Number(_)));
        let unread = numbers.map(|(name, _)| Problem { row: bad, column: name, problem: "was not read".into() });
        batch.problems.extend(unread);
        self.add_texts(records, row);
        batch.places.push(records.first_row + long(row));
        batch.numbers.iter_mut().for_each(|numbers| numbers.push(0));
    }

    fn add_texts(&mut self, records: &Records, row: usize) {
        let (plan, mapping) = (&self.file.plan, &self.file.input.mapping);
        for (index, (_, kind)) in COLUMNS.iter().enumerate() {
            if let Column::Text(text) = kind {
                self.texts[text.index()].push(&plan.text(mapping, records, row, index));
            }
        }
        let details = plan.details(mapping, records, row);
        if !details.is_empty() {
            self.texts[DETAIL].push_with(|out| detail::join(details.iter().map(|value| &**value), out));
        }
    }

    fn number_texts(&self, batch: &mut Batch) {
        for (name, kind) in COLUMNS {
            let Column::Text(text) = kind else { continue };
            let values = &self.texts[text.index()];
            let numbers = &mut batch.texts[text.index()];
            names(self.words, text).number_all(values.iter(), numbers);
            for (row, value) in values.iter().enumerate() {
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
        self.words.detail.number_all(self.texts[DETAIL].iter(), &mut batch.details);
    }
}

/// What falls on an hour of a quantity that is spread evenly; the shares add up to it exactly.
fn share(quantity_e6: i64, hours: i64, hour: i64) -> i64 {
    if hours <= 1 {
        return quantity_e6;
    }
    let until = |hour: i64| (i128::from(quantity_e6) * i128::from(hour)).div_euclid(i128::from(hours));
    i64::try_from(until(hour + 1) - until(hour)).unwrap_or(0)
}

/// Writes the rows that are not rated as CSV: file, row and reason, then the columns as they were.
///
/// # Errors
/// [`Error`] when a file cannot be read or the rows cannot be written.
pub fn write_not_rated(files: &[&FocusUsage], path: &Path, out: &mut impl Write) -> Result<(), Error> {
    let failed = |cause| Error::io("write", path, cause);
    let mut columns: Vec<String> = Vec::new();
    let mut of_files = Vec::new();
    for file in files {
        let present = match &file.parquet {
            Some(parquet) => records::readable_columns(&parquet.metadata),
            None => Table::open(&file.path)?.header().to_vec(),
        };
        // A name that is there twice is read once.
        let mut distinct: Vec<String> = Vec::new();
        for name in present {
            if !columns.contains(&name) {
                columns.push(name.clone());
            }
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        of_files.push(distinct);
    }
    let mut line = Vec::new();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    record(&[&["x_File", "x_Row", "x_Reason"][..], &names].concat(), &mut line);
    out.write_all(&line).map_err(failed)?;
    for (file, present) in files.iter().zip(&of_files) {
        let places: Vec<Option<usize>> =
            columns.iter().map(|name| present.iter().position(|column| column == name)).collect();
        let plan = Plan::new(&file.input.mapping, present, file.input.taking, &file.path)?;
        let shown_file = file.path.display().to_string();
        let mut records = Records::default();
        for piece in 0..file.pieces() {
            let mut reader = file.reader(piece, &[&plan.columns[..], &present[..]].concat())?;
            loop {
                reader.read(super::BATCH_ROWS, &mut records)?;
                if records.rows == 0 {
                    break;
                }
                for row in 0..records.rows {
                    if records.broken.iter().any(|(broken, _)| *broken == row) {
                        continue;
                    }
                    let Fate::NotRated(reason) = plan.fate(&file.input.mapping, &records, row) else { continue };
                    let number = (records.first_row + long(row)).to_string();
                    let value = |place: &Option<usize>| {
                        let found = place.map(|place| records.columns[plan.columns.len() + place].get(row));
                        std::str::from_utf8(found.unwrap_or_default()).unwrap_or_default()
                    };
                    let values: Vec<&str> = places.iter().map(value).collect();
                    line.clear();
                    record(&[&[&shown_file, &number, reason.name()][..], &values].concat(), &mut line);
                    out.write_all(&line).map_err(failed)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for (quantity, hours) in [(24_000_000, 24), (10, 24), (-7, 3), (1, 999), (999_999_999_999_999_999, 31 * 24)] {
            let shares: Vec<i64> = (0..hours).map(|hour| share(quantity, hours, hour)).collect();
            assert_eq!(shares.iter().sum::<i64>(), quantity);
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
        assert_eq!(share(5, 1, 0), 5);
    }
}
