//! The rows of an export as text, column by column, from CSV or from a row group of Parquet.

use crate::error::Error;
use crate::input::csv::Table;
use crate::input::parquet::{Meaning, Shared, big_endian, damaged, julian_parts, stored_meaning};
use crate::input::time::format_instant;
use crate::number::long;
use ::parquet::basic::Type as Physical;
use ::parquet::column::reader::{ColumnReader, get_column_reader};
use ::parquet::errors::{ParquetError, Result as Read};
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::serialized_reader::SerializedPageReader;
use ::parquet::schema::types::ColumnDescriptor;
use csv::ByteRecord;
use fullmakt_domain::rating::format_scaled;
use std::path::Path;
use std::sync::Arc;

/// Texts of a column, one behind the other; an empty one is null.
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Takes all away and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a text.
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// Adds a text that is written in place.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> &[u8] {
        let begin = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[begin..self.ends[row]]
    }

    /// All texts in their order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.ends.len()).map(|row| self.get(row))
    }
}

/// Some rows of an export.
#[derive(Default)]
pub struct Records {
    /// The columns that were asked for, in the order of asking.
    pub columns: Vec<Texts>,
    /// How many rows there are.
    pub rows: usize,
    /// The place of the first in its file, from 1.
    pub first_row: u64,
    /// Rows of another width than the header, and what is wrong with them.
    pub broken: Vec<(usize, String)>,
}

/// Reads some columns of a file.
pub enum Reader<'a> {
    /// A whole file of CSV.
    Csv(Box<CsvReader>),
    /// A row group.
    Parquet(Box<ParquetReader<'a>>),
}

impl Reader<'_> {
    /// Reads the next rows, at most `rows`; none are left when there are none.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read.
    pub fn read(&mut self, rows: usize, records: &mut Records) -> Result<(), Error> {
        match self {
            Self::Csv(reader) => reader.read(rows, records),
            Self::Parquet(reader) => reader.read(rows, records),
        }
    }
}

/// Reads CSV.
pub struct CsvReader {
    table: Table,
    places: Vec<usize>,
    next_row: u64,
    record: ByteRecord,
}

impl CsvReader {
    /// Opens the file and finds the columns; each is there.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub fn open(path: &Path, columns: &[String]) -> Result<Self, Error> {
        let table = Table::open(path)?;
        let places = columns.iter().map(|name| table.column(name)).collect::<Result<_, _>>()?;
        Ok(Self { table, places, next_row: 1, record: ByteRecord::new() })
    }

    fn read(&mut self, rows: usize, records: &mut Records) -> Result<(), Error> {
        begin(records, self.places.len(), self.next_row);
        while records.rows < rows && self.table.next(&mut self.record)? {
            if self.record.len() != self.table.width() {
                let problem = format!("has {} fields, the header {}", self.record.len(), self.table.width());
                records.broken.push((records.rows, problem));
            }
            for (texts, place) in records.columns.iter_mut().zip(&self.places) {
                texts.push(self.record.get(*place).unwrap_or_default());
            }
            records.rows += 1;
        }
        self.next_row += long(records.rows);
        Ok(())
    }
}

fn begin(records: &mut Records, columns: usize, first_row: u64) {
    records.columns.resize_with(columns, Texts::default);
    records.columns.iter_mut().for_each(Texts::clear);
    records.rows = 0;
    records.first_row = first_row;
    records.broken.clear();
}

/// Reads a row group.
pub struct ParquetReader<'a> {
    path: &'a Path,
    columns: Vec<Column>,
    next_row: u64,
    left: usize,
}

struct Column {
    reader: ColumnReader,
    kind: Kind,
    is_optional: bool,
}

/// How the values of a column become text.
#[derive(Clone, Copy)]
enum Kind {
    Known(Meaning),
    /// Days since 1970.
    Date,
    Truth,
    /// A floating point number is taken for the shortest decimal that stands for it.
    Float,
}

fn kind(column: &ColumnDescriptor) -> Option<Kind> {
    use ::parquet::basic::{ConvertedType, LogicalType};
    if column.max_rep_level() > 0 || column.path().parts().len() != 1 {
        return None;
    }
    match column.physical_type() {
        Physical::BOOLEAN => Some(Kind::Truth),
        Physical::FLOAT | Physical::DOUBLE => Some(Kind::Float),
        _ if matches!(column.logical_type_ref(), Some(LogicalType::Date))
            || column.converted_type() == ConvertedType::DATE =>
        {
            Some(Kind::Date)
        }
        _ => stored_meaning(column).map(Kind::Known),
    }
}

/// The columns of a file that hold single values, and so can be read as text.
pub fn readable_columns(metadata: &ParquetMetaData) -> Vec<String> {
    let columns = metadata.file_metadata().schema_descr().columns();
    columns.iter().filter(|column| kind(column).is_some()).map(|column| column.name().to_owned()).collect()
}

impl<'a> ParquetReader<'a> {
    /// Begins to read a row group; each column is one of [`readable_columns`].
    ///
    /// # Errors
    /// [`Error`] when the file is damaged.
    pub fn open(
        path: &'a Path,
        (source, metadata): (&Shared, &ParquetMetaData),
        (group, first_row): (usize, u64),
        columns: &[String],
    ) -> Result<Self, Error> {
        let row_group = metadata.row_group(group);
        let rows = usize::try_from(row_group.num_rows()).unwrap_or(0);
        let open = |name: &String| {
            let found = row_group.columns().iter().find(|chunk| chunk.column_path().parts() == [name.as_str()]);
            let found = found.and_then(|chunk| Some((chunk, kind(chunk.column_descr())?)));
            let (chunk, kind) = found.ok_or_else(|| Error::file(path, format_args!("has no column `{name}`")))?;
            let pages = SerializedPageReader::new(Arc::new(source.clone()), chunk, rows, None);
            let pages = pages.map_err(|error| damaged(path, &error))?;
            let reader = get_column_reader(chunk.column_descr_ptr(), Box::new(pages));
            Ok(Column { reader, kind, is_optional: chunk.column_descr().max_def_level() > 0 })
        };
        let columns = columns.iter().map(open).collect::<Result<_, Error>>()?;
        Ok(Self { path, columns, next_row: first_row, left: rows })
    }

    fn read(&mut self, rows: usize, records: &mut Records) -> Result<(), Error> {
        begin(records, self.columns.len(), self.next_row);
        let rows = rows.min(self.left);
        for (column, texts) in self.columns.iter_mut().zip(&mut records.columns) {
            column.read(rows, texts).map_err(|error| damaged(self.path, &error))?;
        }
        records.rows = rows;
        self.left -= rows;
        self.next_row += long(rows);
        Ok(())
    }
}

impl Column {
    fn read(&mut self, rows: usize, out: &mut Texts) -> Read<()> {
        let mut done = 0;
        let mut levels = Vec::new();
        while done < rows {
            levels.clear();
            let wanted = if self.is_optional { Some(&mut levels) } else { None };
            let kind = self.kind;
            macro_rules! texts {
                ($reader:expr, $show:expr) => {{
                    let mut values = Vec::new();
                    let (read, _, _) = $reader.read_records(rows - done, wanted, None, &mut values)?;
                    let mut values = values.into_iter();
                    for row in 0..read {
                        let is_there = levels.get(row).is_none_or(|level| *level > 0);
                        match if is_there { values.next() } else { None } {
                            Some(value) => out.push_with(|out| $show(value, out)),
                            None => out.push(b""),
                        }
                    }
                    read
                }};
            }
            let read = match &mut self.reader {
                ColumnReader::BoolColumnReader(reader) => {
                    texts!(reader, |value: bool, out: &mut Vec<u8>| out.extend(value.to_string().bytes()))
                }
                ColumnReader::Int32ColumnReader(reader) => {
                    texts!(reader, |value: i32, out: &mut Vec<u8>| show(kind, Some(i128::from(value)), out))
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    texts!(reader, |value: i64, out: &mut Vec<u8>| show(kind, Some(i128::from(value)), out))
                }
                ColumnReader::Int96ColumnReader(reader) => {
                    texts!(reader, |value: ::parquet::data_type::Int96, out: &mut Vec<u8>| {
                        show(kind, Some(julian_parts(value.data())), out)
                    })
                }
                ColumnReader::FloatColumnReader(reader) => {
                    texts!(reader, |value: f32, out: &mut Vec<u8>| out.extend(value.to_string().bytes()))
                }
                ColumnReader::DoubleColumnReader(reader) => {
                    texts!(reader, |value: f64, out: &mut Vec<u8>| out.extend(value.to_string().bytes()))
                }
                ColumnReader::ByteArrayColumnReader(reader) => {
                    texts!(reader, |value: ::parquet::data_type::ByteArray, out: &mut Vec<u8>| {
                        show_bytes(kind, value.data(), out)
                    })
                }
                ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                    texts!(reader, |value: ::parquet::data_type::FixedLenByteArray, out: &mut Vec<u8>| {
                        show_bytes(kind, value.data(), out)
                    })
                }
            };
            if read == 0 {
                return Err(ParquetError::EOF("a column ends before its rows".into()));
            }
            done += read;
        }
        Ok(())
    }
}

fn show_bytes(kind: Kind, value: &[u8], out: &mut Vec<u8>) {
    match kind {
        Kind::Known(Meaning::Text) => out.extend_from_slice(value),
        Kind::Known(_) | Kind::Date | Kind::Truth | Kind::Float => show(kind, big_endian(value), out),
    }
}

/// Writes a number as what it means. One that cannot be shown becomes a text that no reader of numbers takes.
fn show(kind: Kind, raw: Option<i128>, out: &mut Vec<u8>) {
    let instant = |micros: i128| i64::try_from(micros).ok().map(format_instant);
    let text = raw.and_then(|raw| match kind {
        Kind::Known(Meaning::Instant(times, by)) => {
            let finer = raw.checked_mul(times)?;
            // Finer than a microsecond is finer than any hour.
            if finer % by == 0 { instant(finer / by) } else { None }
        }
        Kind::Known(Meaning::JulianInstant) => {
            if raw % 1000 == 0 {
                instant(raw / 1000)
            } else {
                None
            }
        }
        Kind::Known(Meaning::Decimal(scale)) => (scale <= 38).then(|| format_scaled(raw, scale)),
        Kind::Date => instant(raw.checked_mul(86_400_000_000)?),
        Kind::Known(Meaning::Integer | Meaning::Text) | Kind::Truth | Kind::Float => Some(raw.to_string()),
    });
    out.extend_from_slice(text.as_deref().unwrap_or("unreadable").as_bytes());
}
