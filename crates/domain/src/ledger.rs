//! Who owes whom: double entry, by transfers from one account to another, so that the entries of an event sum to zero.

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

    /// Reads the stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|account| account.name() == text)
    }

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

/// What an event of the ledger is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedgerKind {
    /// A purchase: the whole price, or its first instalment.
    Purchase,
    /// A later instalment.
    Instalment,
    /// What is given back for a return.
    Refund,
    /// What a return costs.
    Fee,
    /// What is given back for what an exchange returns.
    ExchangeReturn,
    /// What an exchange buys: the whole price, or its first instalment.
    ExchangePurchase,
    /// What a renewal buys: the whole price, or its first instalment.
    Renewal,
}

impl LedgerKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Purchase,
        Self::Instalment,
        Self::Refund,
        Self::Fee,
        Self::ExchangeReturn,
        Self::ExchangePurchase,
        Self::Renewal,
    ];

    /// The name the database stores and the own API shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Instalment => "instalment",
            Self::Refund => "refund",
            Self::Fee => "fee",
            Self::ExchangeReturn => "exchange-return",
            Self::ExchangePurchase => "exchange-purchase",
            Self::Renewal => "renewal",
        }
    }

    /// Reads the stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }

    /// Whether it gives back what was charged.
    pub fn is_credit(self) -> bool {
        matches!(self, Self::Refund | Self::ExchangeReturn)
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

/// An amount that goes to one account from another: two entries that cannot be had one without the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The account that grows.
    pub debit: Account,
    /// The account that shrinks.
    pub credit: Account,
    /// By how much; negative for what is given back.
    pub amount: Money,
}

impl Transfer {
    /// Both entries.
    pub fn entries(&self) -> [LedgerEntry; 2] {
        [
            LedgerEntry { account: self.debit, amount: self.amount },
            LedgerEntry { account: self.credit, amount: self.amount.negated() },
        ]
    }
}

/// A charge: the partner owes its supplier `cost`, the customer owes the partner `price`.
pub fn charge(cost: Money, price: Money) -> Vec<Transfer> {
    vec![
        Transfer { debit: Account::PartnerCost, credit: Account::SupplierPayable, amount: cost },
        Transfer { debit: Account::CustomerReceivable, credit: Account::PartnerRevenue, amount: price },
    ]
}

/// What is given back: the supplier owes the partner `cost`, the partner owes the customer `price`.
pub fn credit(cost: Money, price: Money) -> Vec<Transfer> {
    charge(cost.negated(), price.negated())
}

/// The entries of an event.
pub fn entries(transfers: &[Transfer]) -> Vec<LedgerEntry> {
    transfers.iter().flat_map(Transfer::entries).collect()
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
            prop_assert_eq!(balance(&entries(&charge(of(cost), of(price)))), Ok(Some(Money::zero(currency))));
            prop_assert_eq!(balance(&entries(&credit(of(cost), of(price)))), Ok(Some(Money::zero(currency))));
        }
    }
}
