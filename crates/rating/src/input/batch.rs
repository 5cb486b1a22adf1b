//! Some rows of usage, column by column.

use super::focus::NotRated;
use fullmakt_domain::rating::format_scaled;
use std::collections::BTreeMap;

/// A column of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// `BillingAccountId`.
    Account,
    /// `x_CustomerId`.
    Customer,
    /// `SubAccountId`.
    Subscription,
    /// `ResourceId`.
    Resource,
    /// `RegionId`.
    Region,
    /// `x_ArmSkuName`.
    Sku,
    /// `BillingCurrency`.
    Currency,
}

/// A column of numbers, held in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `LineId`.
    Line,
    /// `ChargePeriodStart`, microseconds since 1970.
    Start,
    /// `ConsumedQuantity` in 10^-6.
    Quantity,
    /// `ContractedUnitPrice` in 10^-6.
    Price,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Text.
    Text(Text),
    /// Numbers.
    Number(Number),
}

/// The columns of usage, in their order.
pub const COLUMNS: [(&str, Column); 11] = [
    ("LineId", Column::Number(Number::Line)),
    ("BillingAccountId", Column::Text(Text::Account)),
    ("x_CustomerId", Column::Text(Text::Customer)),
    ("SubAccountId", Column::Text(Text::Subscription)),
    ("ResourceId", Column::Text(Text::Resource)),
    ("ChargePeriodStart", Column::Number(Number::Start)),
    ("RegionId", Column::Text(Text::Region)),
    ("x_ArmSkuName", Column::Text(Text::Sku)),
    ("ConsumedQuantity", Column::Number(Number::Quantity)),
    ("ContractedUnitPrice", Column::Number(Number::Price)),
    ("BillingCurrency", Column::Text(Text::Currency)),
];

/// A value that cannot be used.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its row in the batch.
    pub row: usize,
    /// Its column.
    pub column: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// Some rows of usage. A value named in `problems` is a placeholder.
#[derive(Default)]
pub struct Batch {
    /// The place of the first row in its file, from 1.
    pub first_row: u64,
    /// The text columns, by [`Text`]: numbers of their vocabulary.
    pub texts: [Vec<u32>; 7],
    /// The number columns, by [`Number`].
    pub numbers: [Vec<i64>; 4],
    /// What cannot be used.
    pub problems: Vec<Problem>,
    /// For each row its place in the file, where rows do not stand there one after the other; else empty.
    pub places: Vec<u64>,
    /// For each row the number of what it says beside, where that is kept; else empty.
    pub details: Vec<u32>,
    /// Rows that are not rated and no mistakes.
    pub not_rated: BTreeMap<NotRated, u64>,
    /// Rows of which a decimal was rounded away.
    pub rounded: u64,
}

impl Batch {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.numbers[0].len()
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self, first_row: u64) {
        self.first_row = first_row;
        self.texts.iter_mut().for_each(Vec::clear);
        self.numbers.iter_mut().for_each(Vec::clear);
        self.problems.clear();
        self.places.clear();
        self.details.clear();
        self.not_rated.clear();
        self.rounded = 0;
    }

    /// The place of a row in its file, from 1.
    pub fn place(&self, row: usize) -> u64 {
        self.places.get(row).copied().unwrap_or_else(|| self.first_row + crate::number::long(row))
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0 && self.not_rated.is_empty()
    }

    /// A text column.
    pub fn text(&self, column: Text) -> &[u32] {
        &self.texts[column.index()]
    }

    /// A number column.
    pub fn number(&self, column: Number) -> &[i64] {
        &self.numbers[column.index()]
    }
}

impl Text {
    /// Its place in [`Batch::texts`].
    pub fn index(self) -> usize {
        match self {
            Self::Account => 0,
            Self::Customer => 1,
            Self::Subscription => 2,
            Self::Resource => 3,
            Self::Region => 4,
            Self::Sku => 5,
            Self::Currency => 6,
        }
    }
}

impl Number {
    /// Its place in [`Batch::numbers`].
    pub fn index(self) -> usize {
        match self {
            Self::Line => 0,
            Self::Start => 1,
            Self::Quantity => 2,
            Self::Price => 3,
        }
    }

    /// The value as a person writes it.
    pub fn show(self, value: i64) -> String {
        match self {
            Self::Line => value.to_string(),
            Self::Start => super::time::format_instant(value),
            Self::Quantity | Self::Price => format_scaled(i128::from(value), 6),
        }
    }
}
