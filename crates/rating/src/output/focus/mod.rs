//! The outcome as a FOCUS 1.2 data set: usage and what covers it, what was left unused, and what was paid for reservations.

mod columns;

use super::parquet::Group;
use super::{Encoded, Names, OutputFormat, record};
use crate::block::{Amounts, Block, NONE};
use crate::book::{Book, Numbered};
use crate::detail::{self, DETAILS, Details};
use crate::error::Error;
use crate::input::{Mapping, Payment};
use crate::number::at;
use crate::profile::{Profile, Vocabulary};
use crate::purchase::Purchase;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::column::writer::{ColumnWriter, get_column_writer};
use ::parquet::data_type::{ByteArray, FixedLenByteArray};
use ::parquet::errors::{ParquetError, Result as Written};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use ::parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::{SchemaDescriptor, TypePtr};
use bytes::Bytes;
use columns::{COLUMNS, Value, format_amount};
use fullmakt_domain::rating::{Flexibility, Overflow, Ratio};
use std::ops::Range;
use std::sync::Arc;

/// Rows that are laid out at once.
const SLICE_ROWS: usize = 8_192;

/// What the rows say beside the rating.
pub struct Context<'a> {
    /// Ratios as their table has them.
    pub flexibility: &'a Flexibility,
    /// What descriptive columns say where the usage tells nothing.
    pub mapping: &'a Mapping,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Usage that no reservation covers.
    Standard,
    /// Usage that a reservation covers.
    Used,
    /// What was reserved and not used.
    Unused,
    /// What is paid for a reservation.
    Purchase,
}

/// A row. Texts are empty where they are null.
struct Charge<'a> {
    kind: Kind,
    hours: Range<i64>,
    account: &'a str,
    customer: &'a str,
    currency: &'a str,
    region: &'a str,
    sku: &'a str,
    subscription: &'a str,
    resource: &'a str,
    line: Option<i64>,
    reservation: Option<&'a Numbered>,
    /// What one reserved instance counts in normalised hours, if that is how the commitment is measured.
    normal: Option<Ratio>,
    /// What the price is for, in 10^-10.
    quantity_e10: i128,
    /// What of the commitment it is, in 10^-10 instance hours.
    committed_e10: i128,
    billed_e16: i128,
    effective_e16: i128,
    price_e16: i128,
    list_price_e16: i128,
    details: Details<'a>,
    labels: &'a [Option<&'a str>; DETAILS.len()],
}

/// Encodes blocks on one thread.
pub struct Encoder<'a> {
    format: OutputFormat,
    book: &'a Book,
    names: Names<'a>,
    labels: [Option<&'a str>; DETAILS.len()],
    /// By number of the reservation.
    normals: Vec<Option<Ratio>>,
    schema: Arc<SchemaDescriptor>,
    properties: WriterPropertiesPtr,
}

/// The header row of CSV.
pub fn header() -> Vec<u8> {
    let mut line = Vec::new();
    record(&COLUMNS.map(|(name, ..)| name), &mut line);
    line
}

/// The schema of Parquet.
pub fn schema() -> TypePtr {
    let fields: String = COLUMNS.iter().map(|(name, kind, _)| kind.declare(name)).collect();
    Arc::new(parse_message_type(&format!("message focus {{ {fields} }}")).expect("the schema is well formed"))
}

impl<'a> Encoder<'a> {
    /// For blocks of this book.
    ///
    /// # Errors
    /// [`Error`] when the compressor cannot be set up.
    pub fn new(
        format: OutputFormat,
        context: &Context<'a>,
        book: &'a Book,
        words: &'a Vocabulary,
    ) -> Result<Self, Error> {
        let normal = |one: &Numbered| {
            let listed = context.flexibility.size(&one.row.sku).map(|size| size.listed);
            listed.filter(|_| one.row.is_flexible)
        };
        let level = ZstdLevel::try_new(1).map_err(|error| Error::Engine(error.to_string()))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        Ok(Self {
            format,
            book,
            names: Names::new(words),
            labels: context.mapping.labels(),
            normals: book.reservations.iter().map(normal).collect(),
            schema: Arc::new(SchemaDescriptor::new(schema())),
            properties: Arc::new(properties.build()),
        })
    }

    /// Encodes a block.
    ///
    /// # Errors
    /// [`Error`] when an amount does not fit or a page cannot be made.
    pub fn encode(&self, block: &Block) -> Result<Encoded, Error> {
        let hours = block.hours.iter().flat_map(|(hour, count)| std::iter::repeat_n(*hour, *count));
        let mut discounted = block.discounted.codes.iter();
        let amount = |amounts: &Amounts, row: usize| amounts.values[at(amounts.codes[row])];
        self.write(hours.enumerate().map(|(row, hour)| {
            let reservation = block.reservations[row];
            let committed_e10 = if reservation == NONE {
                0
            } else {
                discounted.next().map_or(0, |code| block.discounted.values[at(*code)])
            };
            let profile = block.profiles[row];
            let is_line = profile < self.book.usage_profiles;
            let kind = match (reservation, is_line) {
                (NONE, _) => Kind::Standard,
                (_, true) => Kind::Used,
                (_, false) => Kind::Unused,
            };
            let charge = self.charge(kind, &self.book.profiles[at(profile)], reservation);
            let own_price = charge.reservation.map_or(0, |one| {
                let hourly = i128::from(one.row.hourly_cost_e8) * E8_TO_E16;
                one.row.on_demand_price_e6.map_or(hourly, |price| i128::from(price) * E6_TO_E16)
            });
            let price_e16 =
                if is_line { i128::from(self.book.profiles[at(profile)].price_e6) * E6_TO_E16 } else { own_price };
            Ok(Charge {
                hours: hour..hour + 1,
                line: is_line.then(|| block.lines[row]),
                quantity_e10: if is_line { amount(&block.consumed, row) } else { committed_e10 },
                committed_e10,
                billed_e16: e16(amount(&block.billed, row))?,
                effective_e16: e16(amount(&block.effective, row))?,
                price_e16,
                list_price_e16: columns::list_price_e16(&charge.details).unwrap_or(price_e16),
                ..charge
            })
        }))
    }

    /// Encodes what was paid.
    ///
    /// # Errors
    /// [`Error`] when an amount does not fit or a page cannot be made.
    pub fn encode_purchases(&self, purchases: &[Purchase]) -> Result<Encoded, Error> {
        self.write(purchases.iter().map(|purchase| {
            let one = &self.book.reservations[at(purchase.reservation)];
            let price_e8 = match &one.row.payment {
                Some(Payment::Upfront { price_e8 } | Payment::Monthly { price_e8 }) => *price_e8,
                None => 0,
            };
            let quantity_e10 = i128::from(one.row.quantity) * 10_000_000_000;
            let hours = i128::from(purchase.hours.end - purchase.hours.start);
            let price_e16 = i128::from(price_e8) * E8_TO_E16;
            Ok(Charge {
                hours: purchase.hours.clone(),
                quantity_e10,
                committed_e10: quantity_e10.checked_mul(hours).ok_or(Overflow)?,
                billed_e16: columns::product_e16(quantity_e10, price_e16, 16)?,
                price_e16,
                list_price_e16: price_e16,
                ..self.charge(Kind::Purchase, &one.profile, purchase.reservation)
            })
        }))
    }

    /// A row without its amounts.
    fn charge(&self, kind: Kind, profile: &Profile, reservation: u32) -> Charge<'_> {
        let names = &self.names;
        let of_reservation = (reservation != NONE).then(|| &self.book.reservations[at(reservation)]);
        let is_line = matches!(kind, Kind::Standard | Kind::Used);
        let (subscription, resource) = match of_reservation {
            Some(one) if !is_line => (one.row.billing_subscription.as_deref().unwrap_or_default(), one.row.id.as_str()),
            _ => (names.subscription.text(profile.subscription), names.resource.text(profile.resource)),
        };
        Charge {
            kind,
            hours: 0..0,
            account: names.account.text(profile.account),
            customer: names.customer.text(profile.customer),
            currency: names.currency.text(profile.currency),
            region: names.region.text(profile.region),
            sku: names.sku.text(profile.sku),
            subscription,
            resource,
            line: None,
            reservation: of_reservation,
            normal: if reservation == NONE { None } else { self.normals[at(reservation)] },
            quantity_e10: 0,
            committed_e10: 0,
            billed_e16: 0,
            effective_e16: 0,
            price_e16: 0,
            list_price_e16: 0,
            details: detail::split(names.detail.text(profile.detail)),
            labels: &self.labels,
        }
    }

    fn write<'c>(&'c self, charges: impl Iterator<Item = Result<Charge<'c>, Error>>) -> Result<Encoded, Error> {
        match self.format {
            OutputFormat::Csv => self.write_csv(charges).map(Encoded::Csv),
            OutputFormat::Parquet => self.write_group(charges).map(Encoded::Parquet),
        }
    }

    fn write_csv<'c>(&self, charges: impl Iterator<Item = Result<Charge<'c>, Error>>) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let mut texts: [String; COLUMNS.len()] = [const { String::new() }; COLUMNS.len()];
        for charge in charges {
            let charge = charge?;
            for (text, (_, _, value)) in texts.iter_mut().zip(&COLUMNS) {
                text.clear();
                match value(&charge)? {
                    Value::Null => {}
                    Value::Text(value) => text.push_str(&value),
                    Value::Amount(value) => text.push_str(&format_amount(value)),
                    Value::Hour(hour) => text.push_str(&crate::input::format_hour(hour)),
                    Value::Integer(value) => text.push_str(&value.to_string()),
                }
            }
            record(&texts.each_ref().map(String::as_str), &mut out);
        }
        Ok(out)
    }

    fn write_group<'c>(&self, charges: impl Iterator<Item = Result<Charge<'c>, Error>>) -> Result<Group, Error> {
        let failed = |error: ParquetError| Error::Engine(error.to_string());
        let mut sinks: Vec<TrackedWrite<Vec<u8>>> = COLUMNS.iter().map(|_| TrackedWrite::new(Vec::new())).collect();
        let mut writers: Vec<ColumnWriter<'_>> = Vec::new();
        for (index, sink) in sinks.iter_mut().enumerate() {
            let pages = Box::new(SerializedPageWriter::new(sink));
            writers.push(get_column_writer(self.schema.column(index), Arc::clone(&self.properties), pages));
        }
        let mut slice: Vec<Charge<'c>> = Vec::with_capacity(SLICE_ROWS);
        let mut charges = charges.peekable();
        while charges.peek().is_some() {
            slice.clear();
            for charge in charges.by_ref().take(SLICE_ROWS) {
                slice.push(charge?);
            }
            for (writer, (_, _, value)) in writers.iter_mut().zip(&COLUMNS) {
                write_slice(writer, &slice, *value)?;
            }
        }
        let closed = writers.into_iter().map(ColumnWriter::close).collect::<Written<Vec<_>>>().map_err(failed)?;
        let bytes = sinks.into_iter().map(|sink| sink.into_inner().map(Bytes::from)).collect::<Written<Vec<_>>>();
        Ok(Group(bytes.map_err(failed)?.into_iter().zip(closed).collect()))
    }
}

/// Writes a column of a slice of rows.
fn write_slice(writer: &mut ColumnWriter<'_>, slice: &[Charge<'_>], value: columns::Get) -> Result<(), Error> {
    let mut levels: Vec<i16> = Vec::with_capacity(slice.len());
    let (mut texts, mut amounts, mut integers) = (Vec::new(), Vec::new(), Vec::new());
    let mut last: Option<ByteArray> = None;
    for charge in slice {
        let found = value(charge)?;
        levels.push(i16::from(!matches!(found, Value::Null)));
        match found {
            Value::Null => {}
            Value::Text(text) => {
                // Neighbours are often equal, and share their bytes then.
                let shared = last.take().filter(|last| last.data() == text.as_bytes());
                let shared = shared.unwrap_or_else(|| ByteArray::from(&*text));
                texts.push(shared.clone());
                last = Some(shared);
            }
            Value::Amount(amount) => {
                amounts.push(FixedLenByteArray::from(ByteArray::from(amount.to_be_bytes().to_vec())));
            }
            Value::Hour(hour) => integers.push(hour * fullmakt_domain::rating::HOUR_MICROS),
            Value::Integer(value) => integers.push(value),
        }
    }
    let written = match writer {
        ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(&texts, Some(&levels), None),
        ColumnWriter::FixedLenByteArrayColumnWriter(writer) => writer.write_batch(&amounts, Some(&levels), None),
        ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&integers, Some(&levels), None),
        _ => Err(ParquetError::General("a column of another type".into())),
    };
    written.map(|_| ()).map_err(|error| Error::Engine(error.to_string()))
}

const E6_TO_E16: i128 = 10_000_000_000;
const E8_TO_E16: i128 = 100_000_000;

/// An amount in 10^-10, in 10^-16.
fn e16(amount_e10: i128) -> Result<i128, Overflow> {
    amount_e10.checked_mul(1_000_000).ok_or(Overflow)
}
