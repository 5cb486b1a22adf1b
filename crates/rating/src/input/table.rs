//! The small inputs: reservations, size flexibility, the list of subscriptions.

use super::csv::{Table, shown};
use super::parquet::big_endian;
use super::time::parse_instant;
use super::{Format, format_of};
use crate::error::{Error, Mistake};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use csv::ByteRecord;
use fullmakt_domain::rating::{
    COST_DECIMALS, Flexibility, FlexibilityRow, QUANTITY_DECIMALS, Ratio, format_scaled, parse_scaled,
};
use std::collections::BTreeSet;
use std::path::Path;

/// Reserved instances of one reservation, at most.
const MOST_INSTANCES: i64 = 1_000_000_000;

/// A reservation as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationRow {
    /// `ReservationId`.
    pub id: String,
    /// `BillingAccountId`.
    pub account: String,
    /// `x_CustomerId`.
    pub customer: String,
    /// `AppliedScopeSubscriptionId` of a `Single` scope; `None`: `Shared`.
    pub scope: Option<String>,
    /// `RegionId`.
    pub region: String,
    /// `x_ArmSkuName`.
    pub sku: String,
    /// `InstanceFlexibility` is `On`.
    pub is_flexible: bool,
    /// `Quantity`.
    pub quantity: i64,
    /// `EffectiveStart`, microseconds since 1970.
    pub start: i64,
    /// `EffectiveEnd`, microseconds since 1970.
    pub end: i64,
    /// `PurchasedAt`, microseconds since 1970.
    pub purchased_at: i64,
    /// `HourlyCost` in 10^-8.
    pub hourly_cost_e8: i64,
    /// `BillingCurrency`.
    pub currency: String,
    /// `ReservationName`.
    pub name: Option<String>,
    /// `BillingSubscriptionId`: the subscription that is charged.
    pub billing_subscription: Option<String>,
    /// `BillingPlan` and `Price`.
    pub payment: Option<Payment>,
    /// `OnDemandUnitPrice`: what an hour of the reserved SKU costs without reservations, in 10^-6.
    pub on_demand_price_e6: Option<i64>,
}

/// How a reservation is paid, and what one reserved instance costs. In 10^-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// Once, for the whole term.
    Upfront {
        /// For the term.
        price_e8: i64,
    },
    /// Every month of the term.
    Monthly {
        /// For a month.
        price_e8: i64,
    },
}

/// Columns of a reservation that may be missing; they are told in FOCUS data sets.
const OPTIONAL: [&str; 5] = ["ReservationName", "BillingSubscriptionId", "BillingPlan", "Price", "OnDemandUnitPrice"];

const RESERVATION: [&str; 14] = [
    "ReservationId",
    "BillingAccountId",
    "x_CustomerId",
    "AppliedScopeType",
    "AppliedScopeSubscriptionId",
    "RegionId",
    "x_ArmSkuName",
    "InstanceFlexibility",
    "Quantity",
    "EffectiveStart",
    "EffectiveEnd",
    "PurchasedAt",
    "HourlyCost",
    "BillingCurrency",
];

/// Reads the reservations, Parquet or CSV.
///
/// # Errors
/// [`Error`] when the file cannot be read, or with its first mistakes.
pub fn reservations(path: &Path) -> Result<Vec<ReservationRow>, Error> {
    let mut rows = Vec::new();
    let mut mistakes = Vec::new();
    let mut ids = BTreeSet::new();
    each_row(path, &RESERVATION, &OPTIONAL, |row, fields| match reservation(fields) {
        Ok(found) if ids.insert(found.id.clone()) => rows.push(found),
        Ok(found) => mistakes.push(mistake(path, row, "ReservationId", format!("`{}` is there twice", found.id))),
        Err((column, problem)) => mistakes.push(mistake(path, row, column, problem)),
    })?;
    report(mistakes)?;
    Ok(rows)
}

fn reservation(fields: &[String]) -> Result<ReservationRow, (&'static str, String)> {
    let text = |index: usize| {
        let value = &fields[index];
        if value.is_empty() { Err((RESERVATION[index], "is null".to_owned())) } else { Ok(value.clone()) }
    };
    let instant = |index: usize| {
        let value = text(index)?;
        parse_instant(&value).ok_or_else(|| {
            (
                RESERVATION[index],
                format!("`{}` is not a timestamp such as 2026-01-01T00:00:00Z", shown(value.as_bytes())),
            )
        })
    };
    let one_of = |index: usize, yes: &str, no: &str| match text(index)? {
        value if value == yes => Ok(true),
        value if value == no => Ok(false),
        value => Err((RESERVATION[index], format!("`{}` is neither `{yes}` nor `{no}`", shown(value.as_bytes())))),
    };
    let scope = match (one_of(3, "Single", "Shared")?, fields[4].as_str()) {
        (true, "") => return Err((RESERVATION[4], "is null, and the scope is `Single`".into())),
        (true, subscription) => Some(subscription.to_owned()),
        (false, "") => None,
        (false, _) => return Err((RESERVATION[4], "is there, and the scope is `Shared`".into())),
    };
    let quantity = text(8)?;
    let quantity = quantity.parse().ok().filter(|number| (0..=MOST_INSTANCES).contains(number)).ok_or_else(|| {
        (RESERVATION[8], format!("`{}` is not a whole number from 0 to {MOST_INSTANCES}", shown(quantity.as_bytes())))
    })?;
    let cost = amount(RESERVATION[12], &text(12)?, COST_DECIMALS)?;
    let more = &fields[RESERVATION.len()..];
    let some = |index: usize| Some(more[index].clone()).filter(|text| !text.is_empty());
    let on_demand = some(4).map(|text| amount(OPTIONAL[4], &text, QUANTITY_DECIMALS)).transpose()?;
    let payment = payment(some(2), some(3))?;
    Ok(ReservationRow {
        id: text(0)?,
        account: text(1)?,
        customer: text(2)?,
        scope,
        region: text(5)?,
        sku: text(6)?,
        is_flexible: one_of(7, "On", "Off")?,
        quantity,
        start: instant(9)?,
        end: instant(10)?,
        purchased_at: instant(11)?,
        hourly_cost_e8: cost,
        currency: text(13)?,
        name: some(0),
        billing_subscription: some(1),
        payment,
        on_demand_price_e6: on_demand,
    })
}

fn amount(column: &'static str, text: &str, decimals: u32) -> Result<i64, (&'static str, String)> {
    parse_scaled(text, 18, decimals)
        .map_err(|problem| problem.to_string())
        .and_then(|scaled| i64::try_from(scaled).map_err(|error| error.to_string()))
        .map_err(|problem| (column, format!("`{}`: {problem}", shown(text.as_bytes()))))
}

fn payment(plan: Option<String>, price: Option<String>) -> Result<Option<Payment>, (&'static str, String)> {
    let (plan, price) = match (plan, price) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(("BillingPlan", "is null, and `Price` is there".into())),
        (Some(_), None) => return Err(("Price", "is null, and `BillingPlan` is there".into())),
        (Some(plan), Some(price)) => (plan, price),
    };
    let price_e8 = amount("Price", &price, COST_DECIMALS)?;
    match plan.as_str() {
        "Upfront" => Ok(Some(Payment::Upfront { price_e8 })),
        "Monthly" => Ok(Some(Payment::Monthly { price_e8 })),
        _ => Err(("BillingPlan", format!("`{}` is neither `Upfront` nor `Monthly`", shown(plan.as_bytes())))),
    }
}

/// Reads the size flexibility table, CSV or Parquet.
///
/// # Errors
/// [`Error`] when the file cannot be read, or with its first mistakes.
pub fn flexibility(path: &Path) -> Result<Flexibility, Error> {
    const COLUMNS: [&str; 3] = ["InstanceSizeFlexibilityGroup", "ArmSkuName", "Ratio"];
    let mut rows = Vec::new();
    let mut mistakes = Vec::new();
    each_row(path, &COLUMNS, &[], |row, fields| {
        if let Some(empty) = fields.iter().position(String::is_empty) {
            mistakes.push(mistake(path, row, COLUMNS[empty], "is null".into()));
            return;
        }
        match Ratio::parse(&fields[2]) {
            Ok(ratio) => rows.push(FlexibilityRow { group: fields[0].clone(), sku: fields[1].clone(), ratio }),
            Err(problem) => {
                mistakes.push(mistake(path, row, COLUMNS[2], format!("`{}`: {problem}", shown(fields[2].as_bytes()))));
            }
        }
    })?;
    report(mistakes)?;
    Ok(Flexibility::new(rows))
}

/// Reads the list of subscriptions that usage may name: the column `SubAccountId`.
///
/// # Errors
/// [`Error`] when the file cannot be read.
pub fn subscriptions(path: &Path) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    each_row(path, &["SubAccountId"], &[], |_, fields| {
        found.insert(fields[0].clone());
    })?;
    Ok(found)
}

fn mistake(path: &Path, row: u64, column: &'static str, problem: String) -> Mistake {
    Mistake { file: path.to_owned(), row, column, problem }
}

fn report(mistakes: Vec<Mistake>) -> Result<(), Error> {
    if mistakes.is_empty() {
        return Ok(());
    }
    let count = crate::number::long(mistakes.len());
    Err(Error::Mistakes { first: mistakes.into_iter().take(20).collect(), count })
}

/// Calls `each` with the number of every row, from 1, and its fields as text: the columns, then those that may be missing. Null
/// and missing are empty.
fn each_row(
    path: &Path,
    columns: &[&'static str],
    optional: &[&'static str],
    mut each: impl FnMut(u64, &[String]),
) -> Result<(), Error> {
    if format_of(path)? == Format::Parquet {
        return each_parquet_row(path, columns, optional, each);
    }
    let mut table = Table::open(path)?;
    let mut places = columns.iter().map(|name| table.column(name).map(Some)).collect::<Result<Vec<_>, _>>()?;
    places.extend(optional.iter().map(|name| table.find(name)));
    let mut record = ByteRecord::new();
    let mut fields = vec![String::new(); places.len()];
    let mut row = 0;
    while table.next(&mut record)? {
        row += 1;
        if record.len() != table.width() {
            let problem = format!("has {} fields, the header {}", record.len(), table.width());
            return Err(Error::mistake(mistake(path, row, "", problem)));
        }
        for ((field, place), name) in fields.iter_mut().zip(&places).zip(columns.iter().chain(optional)) {
            let Some(place) = place else { continue };
            let value = std::str::from_utf8(&record[*place]);
            value.map_err(|_| Error::mistake(mistake(path, row, name, "is not UTF-8".into())))?.clone_into(field);
        }
        each(row, &fields);
    }
    Ok(())
}

fn each_parquet_row(
    path: &Path,
    columns: &[&'static str],
    optional: &[&'static str],
    mut each: impl FnMut(u64, &[String]),
) -> Result<(), Error> {
    let unreadable =
        |error| Error::file(path, format_args!("cannot be read as Parquet, perhaps it is cut short: {error}"));
    let reader = SerializedFileReader::new(super::open(path)?).map_err(unreadable)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    for name in columns {
        if !schema.columns().iter().any(|column| column.path().parts() == [*name]) {
            return Err(Error::file(path, format_args!("has no column `{name}`")));
        }
    }
    let columns = [columns, optional].concat();
    let mut fields = vec![String::new(); columns.len()];
    for (index, row) in reader.get_row_iter(None).map_err(unreadable)?.enumerate() {
        let row = row.map_err(unreadable)?;
        let number = crate::number::long(index) + 1;
        for (name, field) in row.get_column_iter() {
            let Some(place) = columns.iter().position(|column| column == name) else { continue };
            let shown = show(field);
            fields[place] = shown.ok_or_else(|| {
                Error::mistake(mistake(path, number, columns[place], format!("`{field}` has the wrong type")))
            })?;
        }
        each(number, &fields);
    }
    Ok(())
}

fn show(field: &Field) -> Option<String> {
    Some(match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).ok()?,
        Field::Byte(value) => value.to_string(),
        Field::Short(value) => value.to_string(),
        Field::Int(value) => value.to_string(),
        Field::Long(value) => value.to_string(),
        Field::UByte(value) => value.to_string(),
        Field::UShort(value) => value.to_string(),
        Field::UInt(value) => value.to_string(),
        Field::ULong(value) => value.to_string(),
        Field::Decimal(value) => format_scaled(big_endian(value.data())?, u32::try_from(value.scale()).ok()?),
        Field::TimestampMillis(value) => super::time::format_instant(value.checked_mul(1000)?),
        Field::TimestampMicros(value) => super::time::format_instant(*value),
        _ => return None,
    })
}
