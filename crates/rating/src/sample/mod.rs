//! Usage files for trials and measurements.

mod month;
mod random;

pub use month::{Month, write_month};

use crate::error::Error;
use crate::number::at;
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::Result as Written;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Usage lines column by column; texts as codes of their lists.
#[derive(Clone, Debug, Default)]
pub struct UsageColumns {
    /// `LineId`.
    pub lines: Vec<i64>,
    /// The texts of account, customer, subscription, resource, region, SKU, currency.
    pub lists: [Arc<Vec<String>>; 7],
    /// For each row and text column, its place in the list.
    pub codes: [Vec<u32>; 7],
    /// `ChargePeriodStart`, microseconds since 1970.
    pub starts: Vec<i64>,
    /// `ConsumedQuantity` in 10^-6.
    pub quantities: Vec<i64>,
    /// `ContractedUnitPrice` in 10^-6.
    pub prices: Vec<i64>,
}

/// How a usage file is written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns may be null, and types have their older names, as many writers declare them.
    pub is_optional: bool,
    /// Dictionary pages.
    pub has_dictionary: bool,
    /// Encodings other than plain values and dictionaries.
    pub is_delta: bool,
    /// Pages of the second version.
    pub is_second_version: bool,
    /// Rows of a row group.
    pub group_rows: usize,
    /// Bytes of a dictionary page, about: what does not fit stands there as plain values. Arrow and Spark write 1 MiB and no
    /// more; with DuckDB the texts of a row group always fit.
    pub dictionary_bytes: usize,
    /// `LineId`, whose values are all distinct, has no dictionary.
    pub has_plain_lines: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            is_optional: false,
            has_dictionary: true,
            is_delta: false,
            is_second_version: false,
            group_rows: 122_880,
            dictionary_bytes: 64 << 20,
            has_plain_lines: true,
        }
    }
}

/// Writes usage as Parquet, zstd.
///
/// # Errors
/// [`Error`] when the file cannot be written.
pub fn write_usage(path: &Path, usage: &UsageColumns, style: Style) -> Result<(), Error> {
    let file = File::create(path).map_err(|cause| Error::io("write", path, cause))?;
    write(file, usage, style).map_err(|error| Error::io("write", path, std::io::Error::other(error)))
}

fn write(file: File, usage: &UsageColumns, style: Style) -> Written<()> {
    let repetition = if style.is_optional { "optional" } else { "required" };
    // Older writers know older names of the types only.
    let (integer, text, instant) = if style.is_optional {
        ("(INT_64)", "(UTF8)", "(TIMESTAMP_MICROS)")
    } else {
        ("", "(STRING)", "(TIMESTAMP(MICROS,true))")
    };
    let schema = format!(
        "message usage {{
            {repetition} int64 LineId {integer};
            {repetition} binary BillingAccountId {text};
            {repetition} binary x_CustomerId {text};
            {repetition} binary SubAccountId {text};
            {repetition} binary ResourceId {text};
            {repetition} int64 ChargePeriodStart {instant};
            {repetition} binary RegionId {text};
            {repetition} binary x_ArmSkuName {text};
            {repetition} int64 ConsumedQuantity (DECIMAL(18,6));
            {repetition} int64 ContractedUnitPrice (DECIMAL(18,6));
            {repetition} binary BillingCurrency {text};
        }}"
    );
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(style.dictionary_bytes)
        .set_dictionary_enabled(style.has_dictionary && !style.is_delta);
    if style.has_plain_lines {
        properties = properties.set_column_dictionary_enabled("LineId".into(), false);
    }
    if style.is_second_version {
        properties = properties.set_writer_version(::parquet::file::properties::WriterVersion::PARQUET_2_0);
    }
    if style.is_delta {
        for (name, encoding) in [
            ("LineId", Encoding::DELTA_BINARY_PACKED),
            ("ConsumedQuantity", Encoding::BYTE_STREAM_SPLIT),
            ("ResourceId", Encoding::DELTA_BYTE_ARRAY),
            ("RegionId", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ] {
            properties = properties.set_column_encoding(name.into(), encoding);
        }
    }
    let schema = Arc::new(parse_message_type(&schema)?);
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
    let mut from = 0;
    while from < usage.lines.len() {
        let rows = from..(from + style.group_rows.max(1)).min(usage.lines.len());
        let mut group = writer.next_row_group()?;
        let mut index = 0;
        while let Some(mut column) = group.next_column()? {
            let levels = style.is_optional.then(|| vec![1; rows.len()]);
            let levels = levels.as_deref();
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(writer) => {
                    let values = match index {
                        0 => &usage.lines,
                        5 => &usage.starts,
                        8 => &usage.quantities,
                        _ => &usage.prices,
                    };
                    writer.write_batch(&values[rows.clone()], levels, None)?;
                }
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let text = match index {
                        1..=4 => index - 1,
                        6 | 7 => index - 2,
                        _ => 6,
                    };
                    let list: Vec<ByteArray> =
                        usage.lists[text].iter().map(|text| ByteArray::from(text.as_str())).collect();
                    let values: Vec<ByteArray> =
                        usage.codes[text][rows.clone()].iter().map(|code| list[at(*code)].clone()).collect();
                    writer.write_batch(&values, levels, None)?;
                }
                _ => return Err(::parquet::errors::ParquetError::General("a column of another type".into())),
            }
            column.close()?;
            index += 1;
        }
        group.close()?;
        from = rows.end;
    }
    writer.close()?;
    Ok(())
}
