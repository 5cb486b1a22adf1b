//! Who owes whom: double entry, so that the entries of one event sum to zero.

use crate::money::{Money, MoneyError};

/// An account of a customer's ledger with its partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// What serving the customer costs the partner.
    PartnerCost,
    /// What the partner owes its supplier (R15).
    SupplierPayable,
    /// What the customer owes the partner.
    CustomerReceivable,
    /// What the partner earns.
    PartnerRevenue,
}

impl Account {
    /// All accounts.
    pub const ALL: [Self; 4] =
        [Self::PartnerCost, Self::SupplierPayable, Self::CustomerReceivable, Self::PartnerRevenue];

    /// The name the database stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::PartnerCost => "partner-cost",
            Self::SupplierPayable => "supplier-payable",
            Self::CustomerReceivable => "customer-receivable",
            Self::PartnerRevenue => "partner-revenue",
        }
    }
}

/// One line: an amount that an account grows (or, negative, shrinks) by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Which account.
    pub account: Account,
    /// By how much.
    pub amount: Money,
}

/// The entries of a charge: the partner owes its supplier `cost`, the customer owes the partner `price`.
pub fn charge(cost: Money, price: Money) -> Vec<LedgerEntry> {
    vec![
        LedgerEntry { account: Account::PartnerCost, amount: cost },
        LedgerEntry { account: Account::SupplierPayable, amount: cost.negated() },
        LedgerEntry { account: Account::CustomerReceivable, amount: price },
        LedgerEntry { account: Account::PartnerRevenue, amount: price.negated() },
    ]
}

/// What the entries come to; zero for every event.
///
/// # Errors
/// [`MoneyError`] where the entries are not of one currency or too large.
pub fn balance(entries: &[LedgerEntry]) -> Result<Option<Money>, MoneyError> {
    let mut sum: Option<Money> = None;
    for entry in entries {
        sum = Some(match sum {
            Some(sum) => sum.plus(entry.amount)?,
            None => entry.amount,
        });
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    proptest! {
        #[test]
        fn the_entries_of_a_charge_sum_to_zero(cost in 0..i64::MAX / 4, price in 0..i64::MAX / 4) {
            let currency = Currency::parse("EUR").unwrap();
            let of = |amount_e6| Money { amount_e6, currency };
            prop_assert_eq!(balance(&charge(of(cost), of(price))), Ok(Some(Money::zero(currency))));
        }
    }
}
