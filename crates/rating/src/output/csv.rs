//! A block as lines of CSV.

use super::Names;
use crate::block::{Amounts, Block, NONE};
use crate::book::Book;
use crate::input::format_hour;
use crate::number::at;
use crate::profile::Vocabulary;
use fullmakt_domain::rating::format_scaled;

/// The header row.
pub const HEADER: &str = "LineId,BillingAccountId,x_CustomerId,SubAccountId,ResourceId,ChargePeriodStart,RegionId,\
    x_ArmSkuName,ConsumedQuantity,ContractedUnitPrice,BillingCurrency,CommitmentDiscountId,CommitmentDiscountStatus,\
    PricingCategory,CommitmentDiscountQuantity,BilledCost,EffectiveCost\n";

/// Writes blocks as text.
pub struct Encoder<'a> {
    book: &'a Book,
    names: Names<'a>,
}

/// The amounts of a column as text, each made once.
struct Shown {
    texts: Vec<String>,
}

impl Shown {
    fn new(amounts: &Amounts) -> Self {
        Self { texts: amounts.values.iter().map(|value| format_scaled(*value, 10)).collect() }
    }

    fn of<'a>(&'a self, amounts: &Amounts, row: usize) -> &'a str {
        &self.texts[at(amounts.codes[row])]
    }
}

impl<'a> Encoder<'a> {
    /// For blocks of this book.
    pub fn new(book: &'a Book, words: &'a Vocabulary) -> Self {
        Self { book, names: Names::new(words) }
    }

    /// Writes a block.
    pub fn encode(&self, block: &Block) -> Vec<u8> {
        let amounts = [&block.consumed, &block.discounted, &block.billed, &block.effective];
        let [consumed, discounted, billed, effective] = amounts.map(Shown::new);
        let hours = block.hours.iter().flat_map(|(hour, count)| std::iter::repeat_n(*hour, *count));
        let mut last = (i64::MIN, String::new());
        let mut taken = 0;
        let mut out = Vec::with_capacity(block.rows() * 300);
        for (row, hour) in hours.enumerate() {
            if last.0 != hour {
                last = (hour, format_hour(hour));
            }
            let profile = &self.book.profiles[at(block.profiles[row])];
            let is_line = block.profiles[row] < self.book.usage_profiles;
            let reservation = block.reservations[row];
            let line = if is_line { block.lines[row].to_string() } else { String::new() };
            let price = if is_line { format_scaled(i128::from(profile.price_e6), 6) } else { String::new() };
            let id = if reservation == NONE { "" } else { &self.book.reservations[at(reservation)].row.id };
            let status = match (reservation, is_line) {
                (NONE, _) => "",
                (_, true) => "Used",
                (_, false) => "Unused",
            };
            let (category, discount) = if reservation == NONE {
                ("Standard", "")
            } else {
                taken += 1;
                ("Committed", discounted.of(&block.discounted, taken - 1))
            };
            let names = &self.names;
            let fields = [
                &line,
                names.account.text(profile.account),
                names.customer.text(profile.customer),
                names.subscription.text(profile.subscription),
                names.resource.text(profile.resource),
                &last.1,
                names.region.text(profile.region),
                names.sku.text(profile.sku),
                consumed.of(&block.consumed, row),
                &price,
                names.currency.text(profile.currency),
                id,
                status,
                category,
                discount,
                billed.of(&block.billed, row),
                effective.of(&block.effective, row),
            ];
            record(&fields, &mut out);
        }
        out
    }
}

/// Appends a row, quoted where RFC 4180 asks for it.
pub fn record(fields: &[&str], out: &mut Vec<u8>) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            out.push(b'"');
            out.extend(field.replace('"', "\"\"").bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(field.as_bytes());
        }
    }
    out.push(b'\n');
}
