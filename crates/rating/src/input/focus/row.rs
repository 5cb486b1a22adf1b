//! What a FOCUS row is to the rating: usage, something else, or a mistake.

use super::mapping::Mapping;
use super::records::Records;
use crate::detail::DETAILS;
use crate::error::Error;
use crate::input::csv::shown;
use crate::input::time::parse_instant;
use fullmakt_domain::rating::{HOUR_MICROS, QUANTITY_DECIMALS};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;

/// The fields that decide; the first eleven are the columns of usage, in their order.
pub const FIELDS: [&str; 19] = [
    "LineId",
    "BillingAccountId",
    "x_CustomerId",
    "SubAccountId",
    "ResourceId",
    "ChargePeriodStart",
    "RegionId",
    "x_ArmSkuName",
    "ConsumedQuantity",
    "ContractedUnitPrice",
    "BillingCurrency",
    "ChargeCategory",
    "ChargeClass",
    "ChargePeriodEnd",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "PricingCategory",
    "PricingQuantity",
    "ConsumedUnit",
];

const LINE: usize = 0;
const START: usize = 5;
const SKU: usize = 7;
const QUANTITY: usize = 8;
const PRICE: usize = 9;
const CATEGORY: usize = 11;
const CLASS: usize = 12;
const END: usize = 13;
const DISCOUNT: usize = 14;
const STATUS: usize = 15;
const PRICING: usize = 16;
const PRICING_QUANTITY: usize = 17;
const UNIT: usize = 18;

/// Fields without which nothing can be rated; the others may have no column at all.
const NEEDED: [usize; 12] = [1, 2, 3, 4, START, 6, SKU, QUANTITY, PRICE, 10, CATEGORY, END];

/// Why a row is not rated. It is no mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotRated {
    /// `ChargeCategory` is `Purchase`.
    Purchase,
    /// `ChargeCategory` is `Tax`.
    Tax,
    /// `ChargeCategory` is `Credit`.
    Credit,
    /// `ChargeCategory` is `Adjustment`.
    Adjustment,
    /// `ChargeClass` is `Correction`: of a month that was billed already.
    Correction,
    /// A commitment covers it already.
    Committed,
    /// What a commitment left unused.
    Unused,
    /// `PricingCategory` is `Dynamic` or `Other`: benefits do not apply.
    OtherPricing,
    /// It is not measured in hours.
    NotByTheHour,
    /// No column tells its SKU.
    NoSku,
}

impl NotRated {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::Purchase,
        Self::Tax,
        Self::Credit,
        Self::Adjustment,
        Self::Correction,
        Self::Committed,
        Self::Unused,
        Self::OtherPricing,
        Self::NotByTheHour,
        Self::NoSku,
    ];

    /// Its name in reports for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Tax => "tax",
            Self::Credit => "credit",
            Self::Adjustment => "adjustment",
            Self::Correction => "correction",
            Self::Committed => "committed",
            Self::Unused => "unused",
            Self::OtherPricing => "otherPricing",
            Self::NotByTheHour => "notByTheHour",
            Self::NoSku => "noSku",
        }
    }

    /// What such rows are, for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Purchase => "purchases",
            Self::Tax => "taxes",
            Self::Credit => "credits",
            Self::Adjustment => "adjustments",
            Self::Correction => "corrections of earlier billing periods",
            Self::Committed => "usage that a commitment covers already",
            Self::Unused => "unused commitments",
            Self::OtherPricing => "usage at dynamic or other prices",
            Self::NotByTheHour => "usage that is not measured in hours",
            Self::NoSku => "usage whose SKU no column tells",
        }
    }
}

/// How rows are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taking {
    /// Usage that a commitment covers already is rated as if none did.
    pub committed: bool,
    /// Charge periods of several hours are spread evenly over them.
    pub longer_periods: bool,
    /// Descriptive columns are kept for the outcome.
    pub details: bool,
}

/// A column to look at: its place among the records, and the key of its JSON object.
type Source = (usize, Option<String>);

/// Where each field of a file comes from.
pub struct Plan {
    fields: Vec<Vec<Source>>,
    defaults: Vec<Option<String>>,
    prefixes: Vec<Option<String>>,
    /// The columns to read.
    pub columns: Vec<String>,
    taking: Taking,
}

/// A usage line, or one of several, of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// A number of the row's own.
    pub line: Option<i64>,
    /// Microseconds since 1970.
    pub start: i64,
    /// Over how many hours it is spread.
    pub hours: i64,
    /// In 10^-6.
    pub quantity_e6: i64,
    /// In 10^-6.
    pub price_e6: i64,
    /// The quantity or the price had more decimals.
    pub is_rounded: bool,
}

/// What a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Usage.
    Usage(Charge),
    /// Something else.
    NotRated(NotRated),
    /// A mistake: the field, and what is wrong with it.
    Mistake(&'static str, String),
}

impl Plan {
    /// Finds the fields among the columns of a file.
    ///
    /// # Errors
    /// [`Error`] naming a field for which there is none.
    pub fn new(mapping: &Mapping, present: &[String], taking: Taking, path: &Path) -> Result<Self, Error> {
        let mut columns: Vec<String> = Vec::new();
        let (mut fields, mut defaults, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
        let wanted = if taking.details { DETAILS.len() } else { 0 };
        for (index, field) in FIELDS.iter().chain(&DETAILS[..wanted]).enumerate() {
            let mut sources: Vec<Source> = Vec::new();
            for source in mapping.sources(field) {
                let (name, key) = source.split_once('/').map_or((source, None), |(name, key)| (name, Some(key)));
                if !present.iter().any(|column| column == name) {
                    continue;
                }
                let place = columns.iter().position(|column| column == name).unwrap_or_else(|| {
                    columns.push(name.to_owned());
                    columns.len() - 1
                });
                sources.push((place, key.map(str::to_owned)));
            }
            let default = mapping.defaults.get(*field).cloned();
            if sources.is_empty() && default.is_none() && NEEDED.contains(&index) {
                let looked = mapping.sources(field).join("`, `");
                let problem = format!("has no column for `{field}`; looked for `{looked}`: a mapping can name another");
                return Err(Error::file(path, problem));
            }
            fields.push(sources);
            defaults.push(default);
            prefixes.push(mapping.strip_prefix.get(*field).cloned());
        }
        Ok(Self { fields, defaults, prefixes, columns, taking })
    }

    /// Whether lines have numbers of their own.
    pub fn has_lines(&self) -> bool {
        !self.fields[LINE].is_empty()
    }

    fn value<'a>(&'a self, mapping: &Mapping, records: &'a Records, row: usize, field: usize) -> Cow<'a, [u8]> {
        let found = self.fields[field].iter().find_map(|(column, key)| {
            let raw = records.columns[*column].get(row);
            if mapping.is_null(raw) {
                return None;
            }
            match key {
                None => Some(Cow::Borrowed(raw)),
                Some(key) => {
                    of_json(raw, key).filter(|text| !text.is_empty()).map(|text| Cow::Owned(text.into_bytes()))
                }
            }
        });
        let default = || self.defaults[field].as_ref().map(|text| Cow::Borrowed(text.as_bytes()));
        let value = found.or_else(default).unwrap_or_default();
        match &self.prefixes[field] {
            Some(prefix) if value.starts_with(prefix.as_bytes()) => match value {
                Cow::Borrowed(value) => Cow::Borrowed(&value[prefix.len()..]),
                Cow::Owned(value) => Cow::Owned(value[prefix.len()..].to_vec()),
            },
            _ => value,
        }
    }

    /// The text of a column of usage, by its place in their order.
    pub fn text<'a>(&'a self, mapping: &Mapping, records: &'a Records, row: usize, column: usize) -> Cow<'a, [u8]> {
        self.value(mapping, records, row, column)
    }

    /// The descriptive values of a row; none unless they are kept.
    pub fn details<'a>(&'a self, mapping: &Mapping, records: &'a Records, row: usize) -> Vec<Cow<'a, [u8]>> {
        (FIELDS.len()..self.fields.len()).map(|field| self.value(mapping, records, row, field)).collect()
    }

    /// Tells what a row is.
    pub fn fate(&self, mapping: &Mapping, records: &Records, row: usize) -> Fate {
        self.charge(mapping, records, row).map_or_else(|fate| fate, Fate::Usage)
    }

    fn charge(&self, mapping: &Mapping, records: &Records, row: usize) -> Result<Charge, Fate> {
        let value = |field: usize| self.value(mapping, records, row, field);
        let other = |reason| Err(Fate::NotRated(reason));
        let wrong = |field: usize, problem: String| Fate::Mistake(FIELDS[field], problem);
        match &*value(CATEGORY) {
            b"Usage" => {}
            b"Purchase" => return other(NotRated::Purchase),
            b"Tax" => return other(NotRated::Tax),
            b"Credit" => return other(NotRated::Credit),
            b"Adjustment" => return other(NotRated::Adjustment),
            b"" => return Err(wrong(CATEGORY, "is null".into())),
            found => return Err(wrong(CATEGORY, none_of(found, "Usage, Purchase, Tax, Credit, Adjustment"))),
        }
        match &*value(CLASS) {
            b"" => {}
            b"Correction" => return other(NotRated::Correction),
            found => return Err(wrong(CLASS, format!("`{}` is neither null nor `Correction`", shown(found)))),
        }
        match &*value(STATUS) {
            b"" | b"Used" => {}
            b"Unused" => return other(NotRated::Unused),
            found => return Err(wrong(STATUS, none_of(found, "Used, Unused"))),
        }
        let is_committed = match &*value(PRICING) {
            b"" | b"Standard" => !value(DISCOUNT).is_empty(),
            b"Committed" => true,
            b"Dynamic" | b"Other" => return other(NotRated::OtherPricing),
            found => return Err(wrong(PRICING, none_of(found, "Standard, Committed, Dynamic, Other"))),
        };
        if is_committed && !self.taking.committed {
            return other(NotRated::Committed);
        }
        if !mapping.is_hours(&value(UNIT)) {
            return other(NotRated::NotByTheHour);
        }
        if value(SKU).is_empty() {
            return other(NotRated::NoSku);
        }
        let (start, end) = (instant(&value(START)), instant(&value(END)));
        let start = start.map_err(|problem| wrong(START, problem))?;
        let end = end.map_err(|problem| wrong(END, problem))?;
        let hours = end.saturating_sub(start) / HOUR_MICROS;
        if end.saturating_sub(start) != HOUR_MICROS {
            self.check_period(start, end).map_err(|problem| wrong(END, problem))?;
        }
        let line = match &*value(LINE) {
            b"" => None,
            found => {
                let number = std::str::from_utf8(found).ok().and_then(|text| text.parse().ok());
                let problem = || wrong(LINE, format!("`{}` is not an integer of 64 bits", shown(found)));
                Some(number.ok_or_else(problem)?)
            }
        };
        let quantity = decimal(&value(QUANTITY)).map_err(|problem| wrong(QUANTITY, problem))?;
        let mut price = decimal(&value(PRICE)).map_err(|problem| wrong(PRICE, problem))?;
        let priced = value(PRICING_QUANTITY);
        if !priced.is_empty() {
            let priced = decimal(&priced).map_err(|problem| wrong(PRICING_QUANTITY, problem))?;
            // Priced in blocks of hours: what one hour costs follows from the two quantities.
            if priced != quantity && !quantity.is_zero() {
                let exact = price.checked_mul(priced).and_then(|cost| cost.checked_div(quantity));
                price = exact.ok_or_else(|| wrong(PRICE, TOO_LARGE.into()))?;
            }
        }
        let (quantity_e6, quantity_is_rounded) = scaled(quantity).map_err(|problem| wrong(QUANTITY, problem))?;
        let (price_e6, price_is_rounded) = scaled(price).map_err(|problem| wrong(PRICE, problem))?;
        Ok(Charge { line, start, hours, quantity_e6, price_e6, is_rounded: quantity_is_rounded || price_is_rounded })
    }

    /// A charge period that is not one hour long.
    fn check_period(&self, start: i64, end: i64) -> Result<(), String> {
        let length = end.saturating_sub(start);
        let hours = length / HOUR_MICROS;
        if length <= 0 {
            return Err("is not after `ChargePeriodStart`".into());
        }
        if length % HOUR_MICROS != 0 {
            return Err("is not whole hours after `ChargePeriodStart`".into());
        }
        if !self.taking.longer_periods {
            return Err(format!(
                "is {hours} hours after `ChargePeriodStart`, and rating is by the hour: --spread-longer-periods spreads \
                 such usage evenly"
            ));
        }
        if hours > MOST_HOURS {
            return Err(format!("is {hours} hours after `ChargePeriodStart`; at most {MOST_HOURS} are spread"));
        }
        if self.has_lines() {
            return Err(format!("is {hours} hours after `ChargePeriodStart`, which cannot keep one `LineId`"));
        }
        Ok(())
    }
}

/// Hours over which a row is spread, at most: more than any month has.
pub const MOST_HOURS: i64 = 999;

const TOO_LARGE: &str = "has more than 12 digits before the point";

fn none_of(found: &[u8], known: &str) -> String {
    format!("`{}` is none of {known}", shown(found))
}

fn of_json(raw: &[u8], key: &str) -> Option<String> {
    match serde_json::from_slice::<Value>(raw).ok()?.get(key)? {
        Value::String(text) => Some(text.clone()),
        number @ Value::Number(_) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Reads an instant. FOCUS is in UTC throughout, so one that names no zone is taken for UTC.
fn instant(value: &[u8]) -> Result<i64, String> {
    let text = std::str::from_utf8(value).map_err(|_| "is not UTF-8".to_owned())?;
    if text.is_empty() {
        return Err("is null".into());
    }
    let without_zone = || {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let instant = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        (instant.subsec_nanosecond() % 1000 == 0).then(|| instant.as_microsecond())
    };
    parse_instant(text)
        .or_else(without_zone)
        .ok_or_else(|| format!("`{}` is not a timestamp such as 2026-01-01T00:00:00Z", shown(value)))
}

/// Reads a decimal, also with an exponent.
fn decimal(value: &[u8]) -> Result<Decimal, String> {
    let text = std::str::from_utf8(value).map_err(|_| "is not UTF-8".to_owned())?;
    if text.is_empty() {
        return Err("is null".into());
    }
    let is_plain = !text.contains(['e', 'E']);
    let read = if is_plain { text.parse() } else { Decimal::from_scientific(text) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    read.ok().filter(|_| is_number).ok_or_else(|| format!("`{}` is not a decimal number", shown(value)))
}

/// In 10^-6, a tie to the even neighbour, and whether something was rounded away.
fn scaled(value: Decimal) -> Result<(i64, bool), String> {
    let mut rounded = value.round_dp_with_strategy(QUANTITY_DECIMALS, RoundingStrategy::MidpointNearestEven);
    let is_rounded = rounded != value;
    rounded.rescale(QUANTITY_DECIMALS);
    let fits = rounded.scale() == QUANTITY_DECIMALS && rounded.mantissa().unsigned_abs() < 10_u128.pow(18);
    let scaled = i64::try_from(rounded.mantissa()).ok().filter(|_| fits);
    Ok((scaled.ok_or_else(|| TOO_LARGE.to_owned())?, is_rounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_every_notation() {
        for (text, read) in [
            ("1", Ok((1_000_000, false))),
            ("2.000000000000000", Ok((2_000_000, false))),
            ("1.5E-05", Ok((15, false))),
            ("1e3", Ok((1_000_000_000, false))),
            ("0.0000005", Ok((0, true))),
            ("0.0000015", Ok((2, true))),
            ("-0.3333333", Ok((-333_333, true))),
            ("999999999999.999999", Ok((999_999_999_999_999_999, false))),
            ("1000000000000", Err(TOO_LARGE.to_owned())),
            ("1_000", Err("`1_000` is not a decimal number".to_owned())),
            ("NaN", Err("`NaN` is not a decimal number".to_owned())),
            ("", Err("is null".to_owned())),
        ] {
            assert_eq!(decimal(text.as_bytes()).and_then(scaled), read, "{text}");
        }
    }

    #[test]
    fn instants_are_in_utc() {
        let noon = Ok(1_767_268_800_000_000);
        for text in ["2026-01-01T12:00:00Z", "2026-01-01 12:00:00", "2026-01-01T12:00:00", "2026-01-01T14:00:00+02:00"]
        {
            assert_eq!(instant(text.as_bytes()), noon, "{text}");
        }
        assert_eq!(instant(b"2026-01-01"), Ok(1_767_225_600_000_000));
        assert!(instant(b"soon").is_err() && instant(b"").is_err());
    }

    #[test]
    fn keys_of_json_are_found() {
        let raw = br#"{"ServiceType":"Standard_D2s_v5","VCPUs":2,"Note":null}"#;
        assert_eq!(of_json(raw, "ServiceType").as_deref(), Some("Standard_D2s_v5"));
        assert_eq!(of_json(raw, "VCPUs").as_deref(), Some("2"));
        assert_eq!((of_json(raw, "Note"), of_json(raw, "Other"), of_json(b"{", "x")), (None, None, None));
    }
}
