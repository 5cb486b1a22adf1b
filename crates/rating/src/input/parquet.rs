//! Usage from Parquet. Pages that hold plain values or codes of a dictionary are taken apart here, so that a text is looked
//! up once for each entry of a dictionary and not once a row; other encodings go through the library's readers.

use super::batch::{Batch, COLUMNS, Column, Number, Problem};
use super::page::{Damaged, hybrid, plain_text, presence, split_levels};
use crate::error::Error;
use crate::intern::{NULL, Names};
use crate::number::at;
use crate::profile::Vocabulary;
use ::parquet::basic::{ConvertedType, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::column::page::{Page, PageReader};
use ::parquet::column::reader::{ColumnReader, get_column_reader};
use ::parquet::data_type::Int96;
use ::parquet::errors::{ParquetError, Result as Read};
use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use ::parquet::file::reader::{ChunkReader, Length};
use ::parquet::file::serialized_reader::SerializedPageReader;
use ::parquet::schema::types::ColumnDescriptor;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that several threads read at their own places.
#[derive(Clone)]
pub struct Shared {
    file: Arc<File>,
    length: u64,
}

/// A reader of a [`Shared`] file.
pub struct Positioned {
    file: Arc<File>,
    place: u64,
}

impl io::Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.place)?;
        self.place += crate::number::long(read);
        Ok(read)
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Shared {
    type T = BufReader<Positioned>;

    fn get_read(&self, start: u64) -> Read<Self::T> {
        Ok(BufReader::with_capacity(256, Positioned { file: Arc::clone(&self.file), place: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Read<Bytes> {
        if start.saturating_add(crate::number::long(length)) > self.length {
            return Err(ParquetError::EOF("the file ends before its data".into()));
        }
        let mut buffer = vec![0; length];
        self.file.read_exact_at(&mut buffer, start)?;
        Ok(buffer.into())
    }
}

/// A Parquet file and what it says of itself.
pub struct ParquetFile {
    /// Its bytes.
    pub source: Shared,
    /// Its row groups and columns.
    pub metadata: ParquetMetaData,
    /// For each row group the place of its first row in the file, from 1, and behind them the place past the last row.
    pub first_rows: Vec<u64>,
}

impl ParquetFile {
    /// Opens the file.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read or is damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = super::open(path)?;
        let length = file.metadata().map_err(|cause| Error::io("read", path, cause))?.len();
        let source = Shared { file: Arc::new(file), length };
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&source).map_err(|error| damaged(path, &error))?;
        let mut first_rows = vec![1];
        for group in metadata.row_groups() {
            let rows =
                u64::try_from(group.num_rows()).map_err(|_| Error::file(path, "is damaged: fewer than no rows"))?;
            first_rows.push(first_rows.last().copied().unwrap_or(1) + rows);
        }
        Ok(Self { source, metadata, first_rows })
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.first_rows.last().copied().unwrap_or(1) - 1
    }
}

/// A Parquet file of usage.
pub struct ParquetUsage {
    path: PathBuf,
    file: ParquetFile,
    /// For each column of usage its place in the file, and what its numbers mean.
    columns: Vec<(usize, Meaning)>,
}

/// What the stored values of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// UTF-8.
    Text,
    /// A whole number.
    Integer,
    /// Stored value times the first, divided by the second, is microseconds.
    Instant(i128, i128),
    /// Nanoseconds of the day and Julian day, in twelve bytes.
    JulianInstant,
    /// A decimal of so many decimals.
    Decimal(u32),
}

impl ParquetUsage {
    /// Opens the file and finds its columns.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read, is damaged, or a column is missing or of another type.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = ParquetFile::open(path)?;
        let schema = file.metadata.file_metadata().schema_descr();
        let columns = COLUMNS.iter().map(|(name, wanted)| {
            let found = schema.columns().iter().position(|column| column.path().parts() == [*name]);
            let found = found.ok_or_else(|| Error::file(path, format_args!("has no column `{name}`")))?;
            let meaning = meaning(&schema.column(found), *wanted);
            let meaning = meaning.map_err(|problem| Error::file(path, format_args!("column `{name}`: {problem}")))?;
            Ok((found, meaning))
        });
        let columns = columns.collect::<Result<_, Error>>()?;
        Ok(Self { path: path.to_owned(), file, columns })
    }

    /// How many row groups it has.
    pub fn groups(&self) -> usize {
        self.file.metadata.num_row_groups()
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.file.rows()
    }

    /// Begins to read a row group.
    ///
    /// # Errors
    /// [`Error`] when the file is damaged.
    pub fn cursor<'a>(&'a self, group: usize, words: &'a Vocabulary) -> Result<Cursor<'a>, Error> {
        let row_group = self.file.metadata.row_group(group);
        let rows = usize::try_from(row_group.num_rows()).unwrap_or(0);
        let mut columns = Vec::new();
        for (&(name, kind), &(place, meaning)) in COLUMNS.iter().zip(&self.columns) {
            let chunk = row_group.column(place);
            let pages = SerializedPageReader::new(Arc::new(self.file.source.clone()), chunk, rows, None);
            let pages = pages.map_err(|error| damaged(&self.path, &error))?;
            let is_optional = chunk.column_descr().max_def_level() > 0;
            let known = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY];
            #[expect(deprecated, reason = "old files still name it for their levels")]
            let by_hand = chunk.encodings().all(|one| known.contains(&one) || one == Encoding::BIT_PACKED);
            let source = if by_hand {
                Source::Pages(Box::new(pages))
            } else {
                Source::Records(Box::new(get_column_reader(chunk.column_descr_ptr(), Box::new(pages))))
            };
            let reader = Reader { source, is_optional, physical: chunk.column_type(), meaning };
            columns.push(match kind {
                Column::Text(text) => Filler::Text(TextColumn::new(reader, names(words, text)), text.index()),
                Column::Number(number) => {
                    Filler::Number(NumberColumn::new(reader, number, fixed_length(chunk.column_descr())))
                }
            });
            columns.last_mut().expect("one was just added").set_name(name);
        }
        Ok(Cursor { path: &self.path, columns, next_row: self.file.first_rows[group], left: rows })
    }
}

/// The place in a row group.
pub struct Cursor<'a> {
    path: &'a Path,
    columns: Vec<Filler<'a>>,
    next_row: u64,
    left: usize,
}

impl Cursor<'_> {
    /// Reads the next rows, at most `rows`; none are left when the batch stays empty.
    ///
    /// # Errors
    /// [`Error`] when the file is damaged.
    pub fn read(&mut self, rows: usize, batch: &mut Batch) -> Result<(), Error> {
        batch.clear(self.next_row);
        let rows = rows.min(self.left);
        for column in &mut self.columns {
            let filled = match column {
                Filler::Text(column, index) => column.fill(rows, &mut batch.texts[*index], &mut batch.problems),
                Filler::Number(column) => {
                    let index = column.number.index();
                    column.fill(rows, &mut batch.numbers[index], &mut batch.problems)
                }
            };
            filled.map_err(|error| damaged(self.path, &error))?;
        }
        self.left -= rows;
        self.next_row += crate::number::long(rows);
        Ok(())
    }
}

/// The vocabulary of a text column.
pub fn names(words: &Vocabulary, text: super::Text) -> &Names {
    match text {
        super::Text::Account => &words.account,
        super::Text::Customer => &words.customer,
        super::Text::Subscription => &words.subscription,
        super::Text::Resource => &words.resource,
        super::Text::Region => &words.region,
        super::Text::Sku => &words.sku,
        super::Text::Currency => &words.currency,
    }
}

enum Filler<'a> {
    Text(TextColumn<'a>, usize),
    Number(NumberColumn),
}

impl Filler<'_> {
    fn set_name(&mut self, name: &'static str) {
        match self {
            Filler::Text(column, _) => column.name = name,
            Filler::Number(column) => column.name = name,
        }
    }
}

/// Where the values of a column come from.
enum Source {
    Pages(Box<SerializedPageReader<Shared>>),
    Records(Box<ColumnReader>),
}

struct Reader {
    source: Source,
    is_optional: bool,
    physical: Physical,
    meaning: Meaning,
}

/// A piece of a column.
enum Piece {
    Dictionary(Bytes, usize),
    /// Values behind the levels: bytes, where they begin, encoding, rows, which are there.
    Data(Bytes, usize, Encoding, usize, Option<Vec<bool>>),
}

impl From<Damaged> for ParquetError {
    fn from(_: Damaged) -> Self {
        Self::General("a page does not hold what it says".into())
    }
}

impl Reader {
    fn next_piece(&mut self) -> Read<Piece> {
        let Source::Pages(pages) = &mut self.source else {
            return Err(ParquetError::General("the column is not read by pages".into()));
        };
        let page = pages.get_next_page()?.ok_or_else(|| ParquetError::EOF("a column ends before its rows".into()))?;
        match page {
            Page::DictionaryPage { buf, num_values, .. } => Ok(Piece::Dictionary(buf, at(num_values))),
            Page::DataPage { buf, num_values, encoding, .. } => {
                let rows = at(num_values);
                let (present, begin) = if self.is_optional {
                    let (levels, end) = split_levels(&buf)?;
                    (presence(levels, rows)?, end)
                } else {
                    (None, 0)
                };
                Ok(Piece::Data(buf, begin, encoding, rows, present))
            }
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let rows = at(num_values);
                let begin = at(rep_levels_byte_len);
                let end = begin + at(def_levels_byte_len);
                let levels = buf.get(begin..end).ok_or(Damaged)?;
                let present = if self.is_optional { presence(levels, rows)? } else { None };
                Ok(Piece::Data(buf, end, encoding, rows, present))
            }
        }
    }
}

fn is_coded(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
}

/// Calls `sink` with each code of a page and how often it stands there.
fn codes(values: &[u8], count: usize, sink: impl FnMut(u32, usize)) -> Read<()> {
    if count == 0 {
        return Ok(());
    }
    let (width, packed) = values.split_first().ok_or(Damaged)?;
    Ok(hybrid(packed, usize::from(*width), count, sink)?)
}

/// Puts the values that are there to their rows, and `absent` to the others.
fn spread<T: Copy>(values: &mut Vec<T>, from: usize, present: &[bool], absent: T) {
    let dense: Vec<T> = values.drain(from..).collect();
    let mut next = dense.into_iter();
    values.extend(present.iter().map(|there| if *there { next.next().unwrap_or(absent) } else { absent }));
}

struct TextColumn<'a> {
    name: &'static str,
    reader: Reader,
    names: &'a Names,
    dictionary: Vec<u32>,
    ready: Vec<u32>,
    taken: usize,
}

impl<'a> TextColumn<'a> {
    fn new(reader: Reader, names: &'a Names) -> Self {
        Self { name: "", reader, names, dictionary: Vec::new(), ready: Vec::new(), taken: 0 }
    }

    fn fill(&mut self, rows: usize, out: &mut Vec<u32>, problems: &mut Vec<Problem>) -> Read<()> {
        let mut left = rows;
        while left > 0 {
            if self.taken == self.ready.len() {
                self.ready.clear();
                self.taken = 0;
                self.load(left)?;
            }
            let count = left.min(self.ready.len() - self.taken);
            let part = &self.ready[self.taken..self.taken + count];
            for (index, text) in part.iter().enumerate().filter(|(_, text)| **text >= NULL) {
                let problem = if *text == NULL { "is null" } else { "is not UTF-8" };
                problems.push(Problem { row: out.len() + index, column: self.name, problem: problem.into() });
            }
            out.extend_from_slice(part);
            self.taken += count;
            left -= count;
        }
        Ok(())
    }

    fn load(&mut self, rows: usize) -> Read<()> {
        if let Source::Records(records) = &mut self.reader.source {
            let ColumnReader::ByteArrayColumnReader(records) = &mut **records else { return Err(Damaged.into()) };
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            let (read, _, _) =
                records.read_records(rows, self.reader.is_optional.then_some(&mut levels), None, &mut values)?;
            if read == 0 {
                return Err(ParquetError::EOF("a column ends before its rows".into()));
            }
            self.names.number_all(values.iter().map(::parquet::data_type::ByteArray::data), &mut self.ready);
            if self.reader.is_optional {
                let present: Vec<bool> = levels.iter().map(|level| *level > 0).collect();
                spread(&mut self.ready, 0, &present, NULL);
            }
            return Ok(());
        }
        match self.reader.next_piece()? {
            Piece::Dictionary(bytes, count) => {
                self.dictionary.clear();
                self.texts(&bytes, count, true)
            }
            Piece::Data(bytes, begin, encoding, rows, present) => {
                let values = bytes.get(begin..).ok_or(Damaged)?;
                let count = present.as_ref().map_or(rows, |present| present.iter().filter(|there| **there).count());
                if is_coded(encoding) {
                    let (dictionary, ready) = (&self.dictionary, &mut self.ready);
                    let mut fits = true;
                    codes(values, count, |code, times| match dictionary.get(at(code)) {
                        Some(text) if times == 1 => ready.push(*text),
                        Some(text) => ready.extend(std::iter::repeat_n(*text, times)),
                        None => fits = false,
                    })?;
                    if !fits {
                        return Err(Damaged.into());
                    }
                } else {
                    self.texts(values, count, false)?;
                }
                if let Some(present) = present {
                    spread(&mut self.ready, 0, &present, NULL);
                }
                Ok(())
            }
        }
    }

    fn texts(&mut self, bytes: &[u8], count: usize, is_dictionary: bool) -> Read<()> {
        let mut place = 0;
        let mut failed = false;
        let values = (0..count).map_while(|_| match plain_text(bytes, place) {
            Ok((text, end)) => {
                place = end;
                Some(text)
            }
            Err(Damaged) => {
                failed = true;
                None
            }
        });
        let out = if is_dictionary { &mut self.dictionary } else { &mut self.ready };
        self.names.number_all(values, out);
        if failed { Err(Damaged.into()) } else { Ok(()) }
    }
}

struct NumberColumn {
    name: &'static str,
    reader: Reader,
    number: Number,
    fixed_length: usize,
    dictionary: Vec<i64>,
    wrong: BTreeMap<u32, String>,
    ready: Vec<i64>,
    /// Problems of what is ready, by place.
    problems: Vec<(usize, String)>,
    taken: usize,
}

impl NumberColumn {
    fn new(reader: Reader, number: Number, fixed_length: usize) -> Self {
        Self {
            name: "",
            reader,
            number,
            fixed_length,
            dictionary: Vec::new(),
            wrong: BTreeMap::new(),
            ready: Vec::new(),
            problems: Vec::new(),
            taken: 0,
        }
    }

    fn fill(&mut self, rows: usize, out: &mut Vec<i64>, problems: &mut Vec<Problem>) -> Read<()> {
        let mut left = rows;
        while left > 0 {
            if self.taken == self.ready.len() {
                self.ready.clear();
                self.problems.clear();
                self.taken = 0;
                self.load(left)?;
            }
            let count = left.min(self.ready.len() - self.taken);
            let window = self.taken..self.taken + count;
            for (place, problem) in self.problems.iter().filter(|(place, _)| window.contains(place)) {
                let row = out.len() + place - self.taken;
                problems.push(Problem { row, column: self.name, problem: problem.clone() });
            }
            out.extend_from_slice(&self.ready[window]);
            self.taken += count;
            left -= count;
        }
        Ok(())
    }

    fn load(&mut self, rows: usize) -> Read<()> {
        if matches!(self.reader.source, Source::Records(_)) {
            return self.load_records(rows);
        }
        match self.reader.next_piece()? {
            Piece::Dictionary(bytes, count) => {
                let mut values = Vec::new();
                let mut wrong = Vec::new();
                self.plain(&bytes, count, &mut values, &mut wrong)?;
                self.dictionary = values;
                self.wrong =
                    wrong.into_iter().map(|(place, problem)| (crate::number::number(place), problem)).collect();
                Ok(())
            }
            Piece::Data(bytes, begin, encoding, rows, present) => {
                let values = bytes.get(begin..).ok_or(Damaged)?;
                let count = present.as_ref().map_or(rows, |present| present.iter().filter(|there| **there).count());
                let mut ready = std::mem::take(&mut self.ready);
                let mut problems = Vec::new();
                if is_coded(encoding) {
                    self.coded(values, count, &mut ready, &mut problems)?;
                } else {
                    self.plain(values, count, &mut ready, &mut problems)?;
                }
                self.ready = ready;
                self.place(problems, present.as_deref());
                Ok(())
            }
        }
    }

    fn coded(
        &self,
        values: &[u8],
        count: usize,
        ready: &mut Vec<i64>,
        problems: &mut Vec<(usize, String)>,
    ) -> Read<()> {
        let mut fits = true;
        codes(values, count, |code, times| {
            let Some(value) = self.dictionary.get(at(code)) else {
                fits = false;
                return;
            };
            if !self.wrong.is_empty()
                && let Some(problem) = self.wrong.get(&code)
            {
                problems.extend((ready.len()..ready.len() + times).map(|place| (place, problem.clone())));
            }
            if times == 1 {
                ready.push(*value);
            } else {
                ready.extend(std::iter::repeat_n(*value, times));
            }
        })?;
        if fits { Ok(()) } else { Err(Damaged.into()) }
    }

    /// Spreads what is ready over its rows, and the problems with it.
    fn place(&mut self, problems: Vec<(usize, String)>, present: Option<&[bool]>) {
        let Some(present) = present else {
            self.problems = problems;
            return;
        };
        spread(&mut self.ready, 0, present, 0);
        let mut problems = problems.into_iter().peekable();
        let mut dense = 0;
        for (row, there) in present.iter().enumerate() {
            if !*there {
                self.problems.push((row, "is null".into()));
                continue;
            }
            while let Some((_, problem)) = problems.next_if(|(place, _)| *place == dense) {
                self.problems.push((row, problem));
            }
            dense += 1;
        }
    }

    fn plain(&self, bytes: &[u8], count: usize, out: &mut Vec<i64>, problems: &mut Vec<(usize, String)>) -> Read<()> {
        let from = out.len();
        let width = match self.reader.physical {
            Physical::INT32 => 4,
            Physical::INT64 => 8,
            Physical::INT96 => 12,
            Physical::FIXED_LEN_BYTE_ARRAY => self.fixed_length,
            _ => 0,
        };
        if self.reader.physical == Physical::BYTE_ARRAY {
            let mut place = 0;
            for _ in 0..count {
                let (value, end) = plain_text(bytes, place)?;
                place = end;
                self.push(big_endian(value), out, problems);
            }
            return Ok(());
        }
        let bytes = bytes.get(..count.checked_mul(width).ok_or(Damaged)?).ok_or(Damaged)?;
        let is_as_stored =
            matches!(self.reader.meaning, Meaning::Integer | Meaning::Instant(1, 1) | Meaning::Decimal(6));
        if self.reader.physical == Physical::INT64 && is_as_stored {
            out.extend(bytes.as_chunks::<8>().0.iter().map(|value| i64::from_le_bytes(*value)));
            if matches!(self.reader.meaning, Meaning::Decimal(_)) && out[from..].iter().any(|value| is_too_long(*value))
            {
                let long = out[from..].iter().enumerate().filter(|(_, value)| is_too_long(**value));
                problems.extend(long.map(|(index, _)| (from + index, TOO_LONG.to_owned())));
            }
            return Ok(());
        }
        for value in bytes.chunks_exact(width.max(1)) {
            let raw = match self.reader.physical {
                Physical::INT32 | Physical::INT64 => little_endian(value),
                Physical::INT96 => julian(value),
                _ => big_endian(value),
            };
            self.push(raw, out, problems);
        }
        Ok(())
    }

    fn push(&self, raw: Option<i128>, out: &mut Vec<i64>, problems: &mut Vec<(usize, String)>) {
        match raw.ok_or_else(|| TOO_LONG.to_owned()).and_then(|raw| convert(self.reader.meaning, raw)) {
            Ok(value) => out.push(value),
            Err(problem) => {
                problems.push((out.len(), problem));
                out.push(0);
            }
        }
    }

    fn load_records(&mut self, rows: usize) -> Read<()> {
        let mut raw: Vec<Option<i128>> = Vec::new();
        let mut levels = Vec::new();
        let is_optional = self.reader.is_optional;
        let Source::Records(records) = &mut self.reader.source else { return Err(Damaged.into()) };
        let wanted = is_optional.then_some(&mut levels);
        let (read, _, _) = match &mut **records {
            ColumnReader::Int32ColumnReader(reader) => {
                let mut values = Vec::new();
                let read = reader.read_records(rows, wanted, None, &mut values)?;
                raw.extend(values.into_iter().map(|value: i32| Some(i128::from(value))));
                read
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let mut values = Vec::new();
                let read = reader.read_records(rows, wanted, None, &mut values)?;
                raw.extend(values.into_iter().map(|value: i64| Some(i128::from(value))));
                read
            }
            ColumnReader::Int96ColumnReader(reader) => {
                let mut values: Vec<Int96> = Vec::new();
                let read = reader.read_records(rows, wanted, None, &mut values)?;
                raw.extend(values.iter().map(|value| Some(julian_parts(value.data()))));
                read
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                let mut values: Vec<::parquet::data_type::ByteArray> = Vec::new();
                let read = reader.read_records(rows, wanted, None, &mut values)?;
                raw.extend(values.iter().map(|value| big_endian(value.data())));
                read
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                let mut values: Vec<::parquet::data_type::FixedLenByteArray> = Vec::new();
                let read = reader.read_records(rows, wanted, None, &mut values)?;
                raw.extend(values.iter().map(|value| big_endian(value.data())));
                read
            }
            _ => return Err(Damaged.into()),
        };
        if read == 0 {
            return Err(ParquetError::EOF("a column ends before its rows".into()));
        }
        let mut ready = std::mem::take(&mut self.ready);
        let mut problems = Vec::new();
        for value in raw {
            self.push(value, &mut ready, &mut problems);
        }
        self.ready = ready;
        let present: Option<Vec<bool>> = is_optional.then(|| levels.iter().map(|level| *level > 0).collect());
        self.place(problems, present.as_deref());
        Ok(())
    }
}

const TOO_LONG: &str = "has more than 18 digits, 6 of them decimals";

fn is_too_long(value: i64) -> bool {
    value.unsigned_abs() >= 1_000_000_000_000_000_000
}

fn convert(meaning: Meaning, raw: i128) -> Result<i64, String> {
    let value = match meaning {
        Meaning::Text => return Err("is text".into()),
        Meaning::Integer => raw,
        Meaning::Instant(times, by) => {
            let finer = raw.checked_mul(times).ok_or("is too far away")?;
            if finer % by != 0 {
                return Err("is finer than a microsecond".into());
            }
            finer / by
        }
        Meaning::JulianInstant => {
            if raw % 1000 != 0 {
                return Err("is finer than a microsecond".into());
            }
            raw / 1000
        }
        Meaning::Decimal(scale) => {
            let scaled = if scale <= 6 {
                raw.checked_mul(10_i128.pow(6 - scale)).ok_or(TOO_LONG)?
            } else {
                let one = 10_i128.checked_pow(scale - 6).ok_or(TOO_LONG)?;
                if raw % one != 0 {
                    return Err("has more than 6 decimals".into());
                }
                raw / one
            };
            return match i64::try_from(scaled) {
                Ok(value) if !is_too_long(value) => Ok(value),
                _ => Err(TOO_LONG.into()),
            };
        }
    };
    i64::try_from(value).map_err(|_| format!("`{value}` does not fit 64 bits"))
}

fn little_endian(value: &[u8]) -> Option<i128> {
    match value.len() {
        4 => value.try_into().ok().map(i32::from_le_bytes).map(i128::from),
        _ => value.try_into().ok().map(i64::from_le_bytes).map(i128::from),
    }
}

/// A number in two's complement, its highest byte first.
pub fn big_endian(value: &[u8]) -> Option<i128> {
    let negative = value.first().is_some_and(|first| *first >= 0x80);
    let fill = if negative { 0xFF } else { 0 };
    let cut = value.len().saturating_sub(16);
    if value[..cut].iter().any(|byte| *byte != fill) {
        return None;
    }
    let mut wide = [fill; 16];
    let kept = &value[cut..];
    wide[16 - kept.len()..].copy_from_slice(kept);
    Some(i128::from_be_bytes(wide))
}

fn julian(value: &[u8]) -> Option<i128> {
    let word = |index: usize| value.get(index * 4..index * 4 + 4)?.try_into().ok().map(u32::from_le_bytes);
    Some(julian_parts(&[word(0)?, word(1)?, word(2)?]))
}

/// Nanoseconds since 1970.
pub fn julian_parts(words: &[u32]) -> i128 {
    let nanoseconds = i128::from(u64::from(words[1]) << 32 | u64::from(words[0]));
    (i128::from(words[2]) - 2_440_588) * 86_400_000_000_000 + nanoseconds
}

/// What the stored values of a column mean; `None`: something that usage has no use for.
pub fn stored_meaning(column: &ColumnDescriptor) -> Option<Meaning> {
    let physical = column.physical_type();
    let (logical, converted) = (column.logical_type_ref().cloned(), column.converted_type());
    let is_integer = matches!(physical, Physical::INT32 | Physical::INT64);
    match (&logical, converted, physical) {
        (Some(LogicalType::Decimal(_)), ..) | (_, ConvertedType::DECIMAL, _) => {
            u32::try_from(column.type_scale()).ok().map(Meaning::Decimal)
        }
        (Some(LogicalType::Timestamp(kind)), ..) => Some(match kind.unit {
            TimeUnit::MILLIS => Meaning::Instant(1000, 1),
            TimeUnit::MICROS => Meaning::Instant(1, 1),
            TimeUnit::NANOS => Meaning::Instant(1, 1000),
        }),
        (_, ConvertedType::TIMESTAMP_MILLIS, _) => Some(Meaning::Instant(1000, 1)),
        (_, ConvertedType::TIMESTAMP_MICROS, _) => Some(Meaning::Instant(1, 1)),
        (None, ConvertedType::NONE, Physical::INT96) => Some(Meaning::JulianInstant),
        (Some(LogicalType::Integer(kind)), ..) if is_integer && (kind.is_signed || kind.bit_width < 32) => {
            Some(Meaning::Integer)
        }
        // Unsigned ones of 32 bits and more may be stored as negative numbers.
        (
            None,
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64
            | ConvertedType::UINT_8
            | ConvertedType::UINT_16,
            _,
        ) if is_integer => Some(Meaning::Integer),
        (Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), ..) => Some(Meaning::Text),
        (None, _, Physical::BYTE_ARRAY) => Some(Meaning::Text),
        _ => None,
    }
}

/// What the values of a column mean, if they can be what is wanted.
fn meaning(column: &ColumnDescriptor, wanted: Column) -> Result<Meaning, String> {
    if column.max_rep_level() > 0 || column.self_type().get_basic_info().repetition() == Repetition::REPEATED {
        return Err("holds lists".into());
    }
    let physical = column.physical_type();
    let (logical, converted) = (column.logical_type_ref().cloned(), column.converted_type());
    let found = stored_meaning(column);
    let is_text = |meaning: &Meaning| *meaning == Meaning::Text && physical == Physical::BYTE_ARRAY;
    let fits = match (found, wanted) {
        (Some(meaning), Column::Text(_)) if is_text(&meaning) => Some(meaning),
        (Some(Meaning::Integer), Column::Number(Number::Line)) => found,
        (Some(Meaning::Decimal(0)), Column::Number(Number::Line)) => Some(Meaning::Integer),
        (Some(Meaning::Instant(..) | Meaning::JulianInstant), Column::Number(Number::Start)) => found,
        (Some(Meaning::Decimal(_)), Column::Number(Number::Quantity | Number::Price)) => found,
        (Some(Meaning::Integer), Column::Number(Number::Quantity | Number::Price)) => Some(Meaning::Decimal(0)),
        _ => None,
    };
    fits.ok_or_else(|| {
        let wanted = match wanted {
            Column::Text(_) => "text",
            Column::Number(Number::Line) => "an integer of 64 bits",
            Column::Number(Number::Start) => "a timestamp",
            Column::Number(Number::Quantity | Number::Price) => "DECIMAL(18,6)",
        };
        let kind = match logical {
            Some(logical) => format!(" ({logical:?})"),
            None if converted == ConvertedType::NONE => String::new(),
            None => format!(" ({converted})"),
        };
        format!("is {physical}{kind}, not {wanted}")
    })
}

fn fixed_length(column: &ColumnDescriptor) -> usize {
    usize::try_from(column.type_length()).unwrap_or(0)
}

/// A file that does not hold what it says.
pub fn damaged(path: &Path, error: &ParquetError) -> Error {
    Error::file(path, format_args!("cannot be read as Parquet, perhaps it is cut short: {error}"))
}
