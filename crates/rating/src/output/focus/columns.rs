//! The columns of the data set, each with how a row fills it.

use super::{Charge, Kind};
use crate::detail::{DETAILS, Details};
use crate::input::{Payment, format_hour};
use fullmakt_domain::rating::{Overflow, format_scaled, parse_scaled};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use std::borrow::Cow;

/// Decimals of the amounts: as many as a quantity of ten and a price of six decimals give.
pub const DECIMALS: u32 = 16;

/// A value.
pub enum Value<'a> {
    /// None.
    Null,
    /// Text, not empty.
    Text(Cow<'a, str>),
    /// In 10^-16.
    Amount(i128),
    /// An instant, in hours since 1970.
    Hour(i64),
    /// A whole number.
    Integer(i64),
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Text.
    Text,
    /// A decimal of 38 digits, 16 of them behind the point.
    Amount,
    /// An instant in UTC.
    Instant,
    /// 64 bits.
    Integer,
}

impl Type {
    /// A column of it in the language of Parquet schemas.
    pub fn declare(self, name: &str) -> String {
        match self {
            Self::Text => format!("optional binary {name} (STRING);"),
            Self::Amount => format!("optional fixed_len_byte_array(16) {name} (DECIMAL(38,16));"),
            Self::Instant => format!("optional int64 {name} (TIMESTAMP(MICROS,true));"),
            Self::Integer => format!("optional int64 {name};"),
        }
    }
}

/// How a row fills a column.
pub type Get = for<'a> fn(&'a Charge<'a>) -> Result<Value<'a>, Overflow>;

/// The columns in the order in which they are written.
pub const COLUMNS: [(&str, Type, Get); 56] = [
    ("AvailabilityZone", Type::Text, |row| told(row, "AvailabilityZone")),
    ("BilledCost", Type::Amount, |row| Ok(Value::Amount(row.billed_e16))),
    ("BillingAccountId", Type::Text, |row| text(row.account)),
    ("BillingAccountName", Type::Text, |row| told(row, "BillingAccountName")),
    ("BillingCurrency", Type::Text, |row| text(row.currency)),
    ("BillingPeriodEnd", Type::Instant, |row| Ok(Value::Hour(month(row.hours.start, 1)))),
    ("BillingPeriodStart", Type::Instant, |row| Ok(Value::Hour(month(row.hours.start, 0)))),
    ("ChargeCategory", Type::Text, |row| text(if row.kind == Kind::Purchase { "Purchase" } else { "Usage" })),
    ("ChargeClass", Type::Text, |_| Ok(Value::Null)),
    ("ChargeDescription", Type::Text, |row| {
        let own = row.told("ChargeDescription");
        Ok(Value::Text(if own.is_empty() { describe(row).into() } else { own.into() }))
    }),
    ("ChargeFrequency", Type::Text, |row| text(frequency(row))),
    ("ChargePeriodEnd", Type::Instant, |row| Ok(Value::Hour(row.hours.end))),
    ("ChargePeriodStart", Type::Instant, |row| Ok(Value::Hour(row.hours.start))),
    ("CommitmentDiscountCategory", Type::Text, |row| of_commitment(row, "Usage")),
    ("CommitmentDiscountId", Type::Text, |row| text(row.reservation.map_or("", |one| &one.row.id))),
    ("CommitmentDiscountName", Type::Text, |row| text(name(row))),
    ("CommitmentDiscountQuantity", Type::Amount, committed),
    ("CommitmentDiscountStatus", Type::Text, |row| {
        text(match row.kind {
            Kind::Used => "Used",
            Kind::Unused => "Unused",
            Kind::Standard | Kind::Purchase => "",
        })
    }),
    ("CommitmentDiscountType", Type::Text, |row| of_commitment(row, "Reservation")),
    ("CommitmentDiscountUnit", Type::Text, |row| {
        of_commitment(row, if row.normal.is_some() { "Normalized Hour" } else { "Hour" })
    }),
    ("ConsumedQuantity", Type::Amount, |row| if is_line(row) { quantity(row) } else { Ok(Value::Null) }),
    ("ConsumedUnit", Type::Text, |row| text(if is_line(row) { "Hour" } else { "" })),
    ("ContractedCost", Type::Amount, |row| cost(row, row.price_e16)),
    ("ContractedUnitPrice", Type::Amount, |row| Ok(Value::Amount(row.price_e16))),
    ("EffectiveCost", Type::Amount, |row| Ok(Value::Amount(row.effective_e16))),
    // Who has not been billed yet has no invoice.
    ("InvoiceId", Type::Text, |_| Ok(Value::Null)),
    ("InvoiceIssuerName", Type::Text, |row| told(row, "InvoiceIssuerName")),
    ("ListCost", Type::Amount, |row| cost(row, row.list_price_e16)),
    ("ListUnitPrice", Type::Amount, |row| Ok(Value::Amount(row.list_price_e16))),
    ("PricingCategory", Type::Text, |row| {
        text(match row.kind {
            Kind::Used | Kind::Unused => "Committed",
            Kind::Standard | Kind::Purchase => "Standard",
        })
    }),
    ("PricingCurrency", Type::Text, |row| text(row.currency)),
    ("PricingCurrencyContractedUnitPrice", Type::Amount, |row| Ok(Value::Amount(row.price_e16))),
    ("PricingCurrencyEffectiveCost", Type::Amount, |row| Ok(Value::Amount(row.effective_e16))),
    ("PricingCurrencyListUnitPrice", Type::Amount, |row| Ok(Value::Amount(row.list_price_e16))),
    ("PricingQuantity", Type::Amount, quantity),
    ("PricingUnit", Type::Text, |row| text(if row.kind == Kind::Purchase { "Reservation" } else { "Hour" })),
    ("ProviderName", Type::Text, |row| told(row, "ProviderName")),
    ("PublisherName", Type::Text, |row| told(row, "PublisherName")),
    ("RegionId", Type::Text, |row| text(row.region)),
    ("RegionName", Type::Text, |row| told_or(row, "RegionName", row.region)),
    ("ResourceId", Type::Text, |row| text(row.resource)),
    ("ResourceName", Type::Text, |row| {
        let last = row.resource.rsplit_once('/').map_or("", |(_, last)| last);
        let own =
            if is_line(row) { last } else { row.reservation.and_then(|one| one.row.name.as_deref()).unwrap_or("") };
        told_or(row, "ResourceName", own)
    }),
    ("ResourceType", Type::Text, |row| if is_line(row) { told(row, "ResourceType") } else { text("Reservation") }),
    ("ServiceCategory", Type::Text, |row| told(row, "ServiceCategory")),
    ("ServiceName", Type::Text, |row| told(row, "ServiceName")),
    ("ServiceSubcategory", Type::Text, |row| told(row, "ServiceSubcategory")),
    ("SkuId", Type::Text, |row| told_or(row, "SkuId", row.sku)),
    ("SkuMeter", Type::Text, |row| told(row, "SkuMeter")),
    ("SkuPriceDetails", Type::Text, |row| told(row, "SkuPriceDetails")),
    ("SkuPriceId", Type::Text, |row| {
        let own = row.told("SkuPriceId");
        Ok(Value::Text(if own.is_empty() { price_id(row).into() } else { own.into() }))
    }),
    ("SubAccountId", Type::Text, |row| text(row.subscription)),
    ("SubAccountName", Type::Text, |row| {
        if row.subscription.is_empty() { Ok(Value::Null) } else { told_or(row, "SubAccountName", row.subscription) }
    }),
    ("Tags", Type::Text, |row| told(row, "Tags")),
    ("x_ArmSkuName", Type::Text, |row| text(row.sku)),
    ("x_CustomerId", Type::Text, |row| text(row.customer)),
    ("x_LineId", Type::Integer, |row| Ok(row.line.map_or(Value::Null, Value::Integer))),
];

impl Charge<'_> {
    /// What the usage says, or what stands for it.
    fn told(&self, name: &str) -> &str {
        let found = DETAILS.iter().position(|one| *one == name);
        let own = found.map_or("", |index| self.details[index]);
        if own.is_empty() { found.and_then(|index| self.labels[index]).unwrap_or_default() } else { own }
    }
}

fn is_line(row: &Charge<'_>) -> bool {
    matches!(row.kind, Kind::Standard | Kind::Used)
}

fn text(text: &str) -> Result<Value<'_>, Overflow> {
    Ok(if text.is_empty() { Value::Null } else { Value::Text(text.into()) })
}

fn told<'a>(row: &'a Charge<'a>, name: &str) -> Result<Value<'a>, Overflow> {
    text(row.told(name))
}

fn told_or<'a>(row: &'a Charge<'a>, name: &str, other: &'a str) -> Result<Value<'a>, Overflow> {
    let found = row.told(name);
    text(if found.is_empty() { other } else { found })
}

fn of_commitment<'a>(row: &Charge<'_>, value: &'a str) -> Result<Value<'a>, Overflow> {
    text(if row.reservation.is_some() { value } else { "" })
}

/// The name of the reservation, its id if it has none.
fn name<'a>(row: &'a Charge<'a>) -> &'a str {
    row.reservation.map_or("", |one| one.row.name.as_deref().unwrap_or(&one.row.id))
}

/// In instance hours, or in normalised hours where sizes are flexible.
fn committed<'a>(row: &'a Charge<'a>) -> Result<Value<'a>, Overflow> {
    if row.reservation.is_none() {
        return Ok(Value::Null);
    }
    let amount = match row.normal {
        Some(ratio) => product_e16(row.committed_e10, ratio.scaled(), 15)?,
        None => super::e16(row.committed_e10)?,
    };
    Ok(Value::Amount(amount))
}

fn quantity<'a>(row: &'a Charge<'a>) -> Result<Value<'a>, Overflow> {
    super::e16(row.quantity_e10).map(Value::Amount)
}

fn cost<'a>(row: &'a Charge<'a>, price_e16: i128) -> Result<Value<'a>, Overflow> {
    product_e16(row.quantity_e10, price_e16, DECIMALS).map(Value::Amount)
}

fn frequency(row: &Charge<'_>) -> &'static str {
    match (row.kind, row.reservation.map(|one| &one.row.payment)) {
        (Kind::Purchase, Some(Some(Payment::Monthly { .. }))) => "Recurring",
        (Kind::Purchase, _) => "One-Time",
        (Kind::Standard | Kind::Used | Kind::Unused, _) => "Usage-Based",
    }
}

fn describe(row: &Charge<'_>) -> String {
    let (sku, region) = (row.sku, row.region);
    match row.kind {
        Kind::Standard => format!("{sku} in {region}, pay as you go"),
        Kind::Used => format!("{sku} in {region}, covered by the reservation {}", name(row)),
        Kind::Unused => format!("{sku} in {region}, reserved by {} and not used", name(row)),
        Kind::Purchase => {
            let quantity = row.reservation.map_or(0, |one| one.row.quantity);
            let (start, end) = (format_hour(row.hours.start), format_hour(row.hours.end));
            format!("Reservation of {quantity} {sku} in {region}, {start} to {end}")
        }
    }
}

/// A price follows from SKU, region and how it is paid.
fn price_id(row: &Charge<'_>) -> String {
    let (sku, region) = (row.told_sku(), row.region);
    match (row.kind, frequency(row)) {
        (Kind::Standard | Kind::Used, _) => format!("{sku}/{region}"),
        (Kind::Unused, _) => format!("{sku}/{region}/reserved"),
        (Kind::Purchase, "Recurring") => format!("{sku}/{region}/reservation/monthly"),
        (Kind::Purchase, _) => format!("{sku}/{region}/reservation/upfront"),
    }
}

impl Charge<'_> {
    fn told_sku(&self) -> &str {
        let own = self.told("SkuId");
        if own.is_empty() { self.sku } else { own }
    }
}

/// The list price that the usage tells, if it tells one that can be read.
pub fn list_price_e16(details: &Details<'_>) -> Option<i128> {
    let place = DETAILS.iter().position(|name| *name == "ListUnitPrice")?;
    parse_scaled(details[place], 38, DECIMALS).ok()
}

/// A quantity in 10^-10 times a factor of so many decimals (at least 7), in 10^-16, a tie to the even neighbour.
pub fn product_e16(quantity_e10: i128, factor: i128, decimals: u32) -> Result<i128, Overflow> {
    let one = 10_i128.pow(decimals + 10 - DECIMALS);
    let whole = quantity_e10.checked_mul(factor.div_euclid(one)).ok_or(Overflow)?;
    let rest = quantity_e10.checked_mul(factor.rem_euclid(one)).ok_or(Overflow)?;
    let floor = whole.checked_add(rest.div_euclid(one)).ok_or(Overflow)?;
    let twice = 2 * rest.rem_euclid(one);
    let is_up = twice > one || (twice == one && floor.rem_euclid(2) == 1);
    Ok(floor + i128::from(is_up))
}

/// An amount without zeros at its end, but with a point, by which readers that guess types see a decimal.
pub fn format_amount(value_e16: i128) -> String {
    let mut text = format_scaled(value_e16, DECIMALS);
    let kept = text.trim_end_matches('0').len();
    text.truncate(if text[..kept].ends_with('.') { kept + 1 } else { kept });
    text
}

/// The first hour of the month of an hour, or of one after it, counted from 1970.
fn month(hour: i64, later: i64) -> i64 {
    let found = || {
        let instant = Timestamp::from_second(hour.checked_mul(3600)?).ok()?;
        let first = instant.to_zoned(TimeZone::UTC).date().first_of_month().checked_add(later.months()).ok()?;
        Some(first.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second() / 3600)
    };
    found().unwrap_or(hour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_instant;

    #[test]
    fn columns_are_distinct() {
        let names: std::collections::BTreeSet<_> = COLUMNS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), COLUMNS.len());
        super::super::schema();
    }

    #[test]
    fn amounts_are_exact_and_short() {
        for (quantity_e10, factor, decimals, expected) in [
            (10_000_000_000, 960_000_000_000_000, 16, "0.096"),
            (3_333_333_333, 960_000_000_000_000, 16, "0.0319999999968"),
            (10_000_000_000, 28_800_000_000_000_000, 15, "28.8"),
            (-10_000_000_000, 960_000_000_000_000, 16, "-0.096"),
            // Ties at 10^-16: 0.5 and 1.5 of the last place.
            (1, 5_000_000_000, 16, "0.0"),
            (3, 5_000_000_000, 16, "0.0000000000000002"),
            (0, 1, 16, "0.0"),
            (20_000_000_000, 5 * 10_i128.pow(16), 16, "10.0"),
        ] {
            assert_eq!(product_e16(quantity_e10, factor, decimals).map(format_amount), Ok(expected.to_owned()));
        }
        assert_eq!(product_e16(i128::MAX, 10_i128.pow(16), 16), Err(Overflow));
    }

    #[test]
    fn months_begin_on_the_first() {
        let hour = |text: &str| parse_instant(text).unwrap() / 3_600_000_000;
        let last = hour("2024-12-31T23:00:00Z");
        assert_eq!(month(last, 0), hour("2024-12-01T00:00:00Z"));
        assert_eq!(month(last, 1), hour("2025-01-01T00:00:00Z"));
    }
}
