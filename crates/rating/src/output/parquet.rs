//! A block as a row group of Parquet. The codes of texts come from the readers, so no text is looked at here but once for
//! each dictionary page.

use super::Names;
use super::pack::{packed, runs, width};
use crate::block::{Amounts, Block, NONE};
use crate::book::Book;
use crate::error::Error;
use crate::intern::NULL;
use crate::number::{at, long, number};
use crate::profile::{Profile, Vocabulary};
use ::parquet::basic::{Compression, Encoding};
use ::parquet::column::page::{CompressedPage, Page, PageWriter};
use ::parquet::column::writer::ColumnCloseResult;
use ::parquet::errors::Result as Written;
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::statistics::Statistics;
use ::parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, TypePtr};
use bytes::Bytes;
use fullmakt_domain::rating::HOUR_MICROS;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const SCHEMA: &str = "message rated {
    optional int64 LineId;
    required binary BillingAccountId (STRING);
    required binary x_CustomerId (STRING);
    optional binary SubAccountId (STRING);
    optional binary ResourceId (STRING);
    required int64 ChargePeriodStart (TIMESTAMP(MICROS,true));
    required binary RegionId (STRING);
    required binary x_ArmSkuName (STRING);
    required fixed_len_byte_array(16) ConsumedQuantity (DECIMAL(38,10));
    optional int64 ContractedUnitPrice (DECIMAL(18,6));
    required binary BillingCurrency (STRING);
    optional binary CommitmentDiscountId (STRING);
    optional binary CommitmentDiscountStatus (STRING);
    required binary PricingCategory (STRING);
    optional fixed_len_byte_array(16) CommitmentDiscountQuantity (DECIMAL(38,10));
    required fixed_len_byte_array(16) BilledCost (DECIMAL(38,10));
    required fixed_len_byte_array(16) EffectiveCost (DECIMAL(38,10));
}";

/// The fastest level: amounts and codes hardly become smaller with a higher one.
const LEVEL: i32 = 1;

/// A row group, encoded and not yet in a file.
pub struct Group(pub Vec<(Bytes, ColumnCloseResult)>);

/// Encodes blocks on one thread.
pub struct Encoder<'a> {
    book: &'a Book,
    names: Names<'a>,
    schema: Arc<SchemaDescriptor>,
    compressor: zstd::bulk::Compressor<'static>,
    /// For each profile its number within the block, [`NONE`] between blocks.
    local: Vec<u32>,
    local_reservations: Vec<u32>,
    /// Memory that is used again from column to column.
    page: Vec<u8>,
    codes: Vec<u32>,
    compressed: Vec<u8>,
}

/// Levels of an optional column.
struct Levels(Vec<u8>);

impl<'a> Encoder<'a> {
    /// For blocks of this book.
    ///
    /// # Errors
    /// [`Error`] when the compressor cannot be made.
    pub fn new(book: &'a Book, words: &'a Vocabulary) -> Result<Self, Error> {
        let compressor = zstd::bulk::Compressor::new(LEVEL).map_err(|error| Error::Engine(error.to_string()))?;
        Ok(Self {
            book,
            names: Names::new(words),
            schema: Arc::new(SchemaDescriptor::new(schema())),
            compressor,
            local: vec![NONE; book.profiles.len()],
            local_reservations: vec![NONE; book.reservations.len()],
            page: Vec::new(),
            codes: Vec::new(),
            compressed: Vec::new(),
        })
    }

    /// Encodes a block.
    ///
    /// # Errors
    /// [`Error`] when a page cannot be made.
    pub fn encode(&mut self, block: &Block) -> Result<Group, Error> {
        self.group(block).map_err(|error| Error::Engine(error.to_string()))
    }

    fn group(&mut self, block: &Block) -> Written<Group> {
        let rows = block.rows();
        let (codes, profiles) = local_codes(&block.profiles, &mut self.local);
        let usage = self.book.usage_profiles;
        let of_line = levels(block.profiles.iter().map(|profile| *profile < usage));
        let of_reservation = levels(block.reservations.iter().map(|reservation| *reservation != NONE));
        let mut columns = Vec::new();
        let local: Vec<Profile> = profiles.iter().map(|profile| self.book.profiles[at(*profile)]).collect();

        let lines = block.lines.iter().zip(&block.profiles).filter(|(_, profile)| **profile < usage);
        let mut plain = Vec::with_capacity(rows * 8);
        lines.for_each(|(line, _)| plain.extend_from_slice(&line.to_le_bytes()));
        columns.push(self.plain(0, rows, Some(&of_line), &plain)?);

        let book = self.book;
        let of_cells = |value: fn(&Profile) -> u32| -> Vec<(u32, usize)> {
            block.cells.iter().map(|(cell, count)| (value(&book.cells[at(*cell)].sample), *count)).collect()
        };
        let (account, customer) = (of_cells(|cell| cell.account), of_cells(|cell| cell.customer));
        let (region, currency) = (of_cells(|cell| cell.region), of_cells(|cell| cell.currency));
        columns.push(self.text_runs(1, rows, &account, |names, text| names.account.bytes(text).to_vec())?);
        columns.push(self.text_runs(2, rows, &customer, |names, text| names.customer.bytes(text).to_vec())?);
        let subscriptions: Vec<u32> = local.iter().map(|profile| profile.subscription).collect();
        columns.push(
            self.texts(3, &codes, &subscriptions, Some(&of_line), |names, text| {
                names.subscription.bytes(text).to_vec()
            })?,
        );
        let resources: Vec<u32> = local.iter().map(|profile| profile.resource).collect();
        columns.push(
            self.texts(4, &codes, &resources, Some(&of_line), |names, text| names.resource.bytes(text).to_vec())?,
        );
        columns.push(self.hours(5, rows, &block.hours)?);
        columns.push(self.text_runs(6, rows, &region, |names, text| names.region.bytes(text).to_vec())?);
        let skus: Vec<u32> = local.iter().map(|profile| profile.sku).collect();
        columns.push(self.texts(7, &codes, &skus, None, |names, text| names.sku.bytes(text).to_vec())?);
        columns.push(self.amounts(8, rows, &block.consumed, None)?);
        columns.push(self.prices(9, &codes, &profiles, &local, &of_line)?);
        columns.push(self.text_runs(10, rows, &currency, |names, text| names.currency.bytes(text).to_vec())?);

        let taken: Vec<u32> = block.reservations.iter().copied().filter(|one| *one != NONE).collect();
        let (codes_of_taken, reservations) = local_codes(&taken, &mut self.local_reservations);
        let mut dictionary = Vec::new();
        for reservation in &reservations {
            text_entry(self.book.reservations[at(*reservation)].row.id.as_bytes(), &mut dictionary);
        }
        let size = reservations.len();
        columns.push(self.coded(11, rows, Some(&of_reservation), (&dictionary, size), codes_of_taken.into_iter())?);

        let pairs = block.reservations.iter().zip(&block.profiles);
        let statuses: Vec<u32> =
            pairs.filter(|(one, _)| **one != NONE).map(|(_, profile)| u32::from(*profile >= usage)).collect();
        let dictionary = entries(&["Used", "Unused"]);
        columns.push(self.coded(12, rows, Some(&of_reservation), (&dictionary, 2), statuses.into_iter())?);
        let categories: Vec<u32> = block.reservations.iter().map(|one| u32::from(*one == NONE)).collect();
        let dictionary = entries(&["Committed", "Standard"]);
        columns.push(self.coded(13, rows, None, (&dictionary, 2), categories.into_iter())?);
        columns.push(self.amounts(14, rows, &block.discounted, Some(&of_reservation))?);
        columns.push(self.amounts(15, rows, &block.billed, None)?);
        columns.push(self.amounts(16, rows, &block.effective, None)?);
        Ok(Group(columns))
    }

    /// A text of each row, by the number of its profile within the block.
    fn texts(
        &mut self,
        column: usize,
        codes: &[u32],
        texts: &[u32],
        levels: Option<&Levels>,
        bytes: impl Fn(&Names<'_>, u32) -> Vec<u8>,
    ) -> Written<(Bytes, ColumnCloseResult)> {
        // Profiles share texts, so the numbers are made dense once more; the profiles are few.
        let mut places = std::collections::HashMap::new();
        let mut dictionary = Vec::new();
        let translated: Vec<u32> = texts
            .iter()
            .map(|text| {
                if *text == NULL {
                    return NONE;
                }
                let next = number(places.len());
                *places.entry(*text).or_insert_with(|| {
                    text_entry(&bytes(&self.names, *text), &mut dictionary);
                    next
                })
            })
            .collect();
        let size = places.len();
        self.translated(column, codes, &translated, levels, (&dictionary, size))
    }

    /// A text of each row, in runs.
    fn text_runs(
        &mut self,
        column: usize,
        rows: usize,
        texts: &[(u32, usize)],
        bytes: impl Fn(&Names<'_>, u32) -> Vec<u8>,
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let mut places = std::collections::HashMap::new();
        let mut dictionary = Vec::new();
        let mut coded = Vec::with_capacity(texts.len());
        for (text, count) in texts {
            let next = number(places.len());
            let code = *places.entry(*text).or_insert_with(|| {
                text_entry(&bytes(&self.names, *text), &mut dictionary);
                next
            });
            coded.push((code, *count));
        }
        self.coded_runs(column, rows, (&dictionary, places.len()), coded.into_iter(), None)
    }

    fn hours(&mut self, column: usize, rows: usize, hours: &[(i64, usize)]) -> Written<(Bytes, ColumnCloseResult)> {
        let micros = |hour: i64| hour * HOUR_MICROS;
        let dictionary: Vec<u8> = hours.iter().flat_map(|(hour, _)| micros(*hour).to_le_bytes()).collect();
        let coded = hours.iter().enumerate().map(|(index, (_, count))| (number(index), *count));
        let least = hours.first().map(|(hour, _)| micros(*hour));
        let most = hours.last().map(|(hour, _)| micros(*hour));
        let statistics = Statistics::int64(least, most, None, Some(0), false);
        self.coded_runs(column, rows, (&dictionary, hours.len()), coded, Some(statistics))
    }

    fn prices(
        &mut self,
        column: usize,
        codes: &[u32],
        profiles: &[u32],
        local: &[Profile],
        levels: &Levels,
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let mut places = std::collections::HashMap::new();
        let mut dictionary = Vec::new();
        let translated: Vec<u32> = profiles
            .iter()
            .zip(local)
            .map(|(profile, of)| {
                if *profile >= self.book.usage_profiles {
                    return NONE;
                }
                let next = number(places.len());
                *places.entry(of.price_e6).or_insert_with(|| {
                    dictionary.extend_from_slice(&of.price_e6.to_le_bytes());
                    next
                })
            })
            .collect();
        let size = places.len();
        self.translated(column, codes, &translated, Some(levels), (&dictionary, size))
    }

    /// A column whose codes follow from the numbers of the profiles within the block; [`NONE`] is null.
    fn translated(
        &mut self,
        column: usize,
        codes: &[u32],
        translated: &[u32],
        levels: Option<&Levels>,
        dictionary: (&[u8], usize),
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let mut coded = std::mem::take(&mut self.codes);
        coded.clear();
        coded.extend(codes.iter().map(|code| translated[at(*code)]).filter(|code| *code != NONE));
        let chunk = self.coded(column, codes.len(), levels, dictionary, coded.iter().copied());
        self.codes = coded;
        chunk
    }

    fn amounts(
        &mut self,
        column: usize,
        rows: usize,
        amounts: &Amounts,
        levels: Option<&Levels>,
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let count = amounts.codes.len();
        let coded_bytes = amounts.values.len() * 16 + count * at(width(amounts.values.len())) / 8;
        if coded_bytes < count * 16 {
            let dictionary: Vec<u8> = amounts.values.iter().flat_map(|value| value.to_be_bytes()).collect();
            let codes = amounts.codes.iter().copied();
            return self.coded(column, rows, levels, (&dictionary, amounts.values.len()), codes);
        }
        let plain: Vec<u8> = amounts.codes.iter().flat_map(|code| amounts.values[at(*code)].to_be_bytes()).collect();
        self.plain(column, rows, levels, &plain)
    }

    /// A column whose values stand there as they are.
    fn plain(
        &mut self,
        column: usize,
        rows: usize,
        levels: Option<&Levels>,
        values: &[u8],
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let mut data = std::mem::take(&mut self.page);
        begin_page(levels, &mut data);
        data.extend_from_slice(values);
        let chunk = self.chunk(column, rows, None, (&data, Encoding::PLAIN), None);
        self.page = data;
        chunk
    }

    /// A column of codes of a dictionary, of the rows that have a value.
    fn coded(
        &mut self,
        column: usize,
        rows: usize,
        levels: Option<&Levels>,
        dictionary: (&[u8], usize),
        codes: impl ExactSizeIterator<Item = u32>,
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let mut data = std::mem::take(&mut self.page);
        begin_page(levels, &mut data);
        let width = width(dictionary.1);
        data.push(u8::try_from(width).unwrap_or(u8::MAX));
        packed(codes, width, &mut data);
        let chunk = self.chunk(column, rows, Some(dictionary), (&data, Encoding::RLE_DICTIONARY), None);
        self.page = data;
        chunk
    }

    /// A column of codes of a dictionary, in runs; every row has a value.
    fn coded_runs(
        &mut self,
        column: usize,
        rows: usize,
        dictionary: (&[u8], usize),
        codes: impl Iterator<Item = (u32, usize)>,
        statistics: Option<Statistics>,
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let width = width(dictionary.1);
        let mut data = vec![u8::try_from(width).unwrap_or(u8::MAX)];
        runs(codes, width, &mut data);
        self.chunk(column, rows, Some(dictionary), (&data, Encoding::RLE_DICTIONARY), statistics)
    }

    fn compress(&mut self, bytes: &[u8]) -> Written<Bytes> {
        self.compressed.clear();
        self.compressed.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        let length = self.compressor.compress_to_buffer(bytes, &mut self.compressed)?;
        Ok(Bytes::copy_from_slice(&self.compressed[..length]))
    }

    /// Compresses the pages of a column and describes them.
    fn chunk(
        &mut self,
        column: usize,
        rows: usize,
        dictionary: Option<(&[u8], usize)>,
        (data, encoding): (&[u8], Encoding),
        statistics: Option<Statistics>,
    ) -> Written<(Bytes, ColumnCloseResult)> {
        let description: ColumnDescPtr = self.schema.column(column);
        let dictionary_page = dictionary.map(|(bytes, _)| self.compress(bytes)).transpose()?;
        let data_page = self.compress(data)?;
        let size = dictionary_page.as_ref().map_or(0, Bytes::len) + data_page.len();
        let mut sink = TrackedWrite::new(Vec::with_capacity(size + 256));
        let mut writer = SerializedPageWriter::new(&mut sink);
        let mut uncompressed = 0;
        let mut data_offset = 0;
        if let Some(((bytes, size), page)) = dictionary.zip(dictionary_page) {
            let page = Page::DictionaryPage {
                buf: page,
                num_values: number(size),
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let spec = writer.write_page(CompressedPage::new(page, bytes.len()))?;
            uncompressed += spec.uncompressed_size;
            data_offset = spec.bytes_written;
        }
        let page = Page::DataPage {
            buf: data_page,
            num_values: number(rows),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let spec = writer.write_page(CompressedPage::new(page, data.len()))?;
        uncompressed += spec.uncompressed_size;
        let bytes = sink.into_inner()?;
        let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let mut metadata = ColumnChunkMetaData::builder(description)
            .set_compression(Compression::ZSTD(Default::default()))
            .set_encodings(match dictionary {
                Some(_) => vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY],
                None => vec![Encoding::PLAIN, Encoding::RLE],
            })
            .set_num_values(signed(rows))
            .set_total_compressed_size(signed(bytes.len()))
            .set_total_uncompressed_size(signed(uncompressed))
            .set_data_page_offset(i64::try_from(data_offset).unwrap_or(i64::MAX))
            .set_dictionary_page_offset(dictionary.map(|_| 0));
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: long(bytes.len()),
            rows_written: long(rows),
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes.into(), close))
    }
}

/// Numbers that count from zero in the order of arrival, and which each stands for. `table` is left as it was.
fn local_codes(values: &[u32], table: &mut [u32]) -> (Vec<u32>, Vec<u32>) {
    let mut order = Vec::new();
    let codes = values.iter().map(|value| {
        let code = &mut table[at(*value)];
        if *code == NONE {
            *code = number(order.len());
            order.push(*value);
        }
        *code
    });
    let codes = codes.collect();
    for value in &order {
        table[at(*value)] = NONE;
    }
    (codes, order)
}

fn levels(present: impl ExactSizeIterator<Item = bool>) -> Levels {
    let mut bytes = Vec::with_capacity(present.len() / 8 + 16);
    packed(present.map(u32::from), 1, &mut bytes);
    Levels(bytes)
}

/// Empties the page and puts in what stands before the values.
fn begin_page(levels: Option<&Levels>, page: &mut Vec<u8>) {
    page.clear();
    if let Some(Levels(levels)) = levels {
        page.extend_from_slice(&number(levels.len()).to_le_bytes());
        page.extend_from_slice(levels);
    }
}

fn text_entry(text: &[u8], dictionary: &mut Vec<u8>) {
    dictionary.extend_from_slice(&number(text.len()).to_le_bytes());
    dictionary.extend_from_slice(text);
}

fn entries(texts: &[&str]) -> Vec<u8> {
    let mut dictionary = Vec::new();
    texts.iter().for_each(|text| text_entry(text.as_bytes(), &mut dictionary));
    dictionary
}

/// The schema of rated usage.
pub fn schema() -> TypePtr {
    Arc::new(parse_message_type(SCHEMA).expect("the schema is well formed"))
}

/// A file of row groups.
pub struct Part(SerializedFileWriter<File>);

impl Part {
    /// Begins a file.
    ///
    /// # Errors
    /// [`Error`] when it cannot be written.
    pub fn new(path: &Path, file: File, schema: TypePtr) -> Result<Self, Error> {
        let properties = Arc::new(WriterProperties::builder().build());
        let writer = SerializedFileWriter::new(file, schema, properties);
        Ok(Self(writer.map_err(|error| unwritten(path, error))?))
    }

    /// Adds a row group.
    ///
    /// # Errors
    /// [`Error`] when it cannot be written.
    pub fn add(&mut self, path: &Path, group: Group) -> Result<(), Error> {
        let put = || {
            let mut writer = self.0.next_row_group()?;
            for (bytes, close) in group.0 {
                writer.append_column(&bytes, close)?;
            }
            writer.close()
        };
        put().map(|_| ()).map_err(|error| unwritten(path, error))
    }

    /// Ends the file and gives it back.
    ///
    /// # Errors
    /// [`Error`] when it cannot be written.
    pub fn finish(self, path: &Path) -> Result<File, Error> {
        self.0.into_inner().map_err(|error| unwritten(path, error))
    }
}

fn unwritten(path: &Path, error: ::parquet::errors::ParquetError) -> Error {
    // What the system said comes wrapped.
    let cause = match error {
        ::parquet::errors::ParquetError::External(cause) => {
            cause.downcast::<std::io::Error>().map_or_else(std::io::Error::other, |cause| *cause)
        }
        other => std::io::Error::other(other),
    };
    Error::io("write", path, cause)
}
