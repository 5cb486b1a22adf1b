//! Money: exact, in millionths of a currency unit.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

/// An ISO 4217 currency code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text that is not a currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency code of three letters")]
pub struct InvalidCurrency(pub String);

impl Currency {
    /// Reads three letters in either case.
    ///
    /// # Errors
    /// [`InvalidCurrency`] for everything else. Whether the code is in use is checked where data comes in.
    pub fn parse(text: &str) -> Result<Self, InvalidCurrency> {
        match text.trim().as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|x| x.is_ascii_alphabetic()) => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase(), c.to_ascii_uppercase()]))
            }
            _ => Err(InvalidCurrency(text.chars().take(16).collect())),
        }
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimals the currency's smallest coin has (ISO 4217).
    pub fn minor_digits(&self) -> u32 {
        match self.code() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
            | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }

    /// The sign that stands before amounts in texts for people, or the code where there is none of its own.
    pub fn symbol(&self) -> &str {
        match self.code() {
            "USD" => "$",
            "EUR" => "€",
            "GBP" => "£",
            "SEK" | "NOK" | "DKK" => "kr",
            "JPY" => "¥",
            "XXX" => "¤",
            _ => self.code(),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A sum does not fit, or two currencies met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Beyond some nine trillion currency units.
    #[error("the amount is too large")]
    Overflow,
    /// Amounts of different currencies cannot be added.
    #[error("{0} and {1} cannot be added")]
    CurrencyMismatch(Currency, Currency),
}

/// An amount of one currency, in millionths of its unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Millionths of a currency unit.
    pub amount_e6: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Self {
        Self { amount_e6: 0, currency }
    }

    /// Rounds a decimal amount half to even at the currency's smallest coin.
    ///
    /// This is the one place where money is rounded: a price for one instance and its whole term. Everything after it
    /// (times quantity, instalments, sums) is exact.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn rounded(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let coins = amount.round_dp_with_strategy(currency.minor_digits(), RoundingStrategy::MidpointNearestEven);
        Self::exact(coins, currency)
    }

    /// An amount with at most six decimals, taken as it is.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`], also for more than six decimals.
    pub fn exact(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let scaled = amount.checked_mul(Decimal::from(1_000_000)).ok_or(MoneyError::Overflow)?.normalize();
        if scaled.scale() != 0 {
            return Err(MoneyError::Overflow);
        }
        i64::try_from(scaled.mantissa()).map(|amount_e6| Self { amount_e6, currency }).map_err(|_| MoneyError::Overflow)
    }

    /// The amount as a decimal, with trailing zeros beyond the smallest coin removed.
    pub fn decimal(&self) -> Decimal {
        let mut amount = Decimal::new(self.amount_e6, 6).normalize();
        if amount.scale() < self.currency.minor_digits() {
            amount.rescale(self.currency.minor_digits());
        }
        amount
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let amount_e6 = self.amount_e6.checked_add(other.amount_e6).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount_e6, ..self })
    }

    /// The amount so many times.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let amount_e6 = self.amount_e6.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount_e6, ..self })
    }

    /// The same amount owed the other way.
    pub fn negated(self) -> Self {
        Self { amount_e6: self.amount_e6.saturating_neg(), ..self }
    }

    /// Splits a whole number of coins into `parts` instalments that differ by at most one coin and add up exactly; the
    /// larger ones come first. 10.00 in three gives 3.34, 3.33, 3.33.
    pub fn instalments(self, parts: u32) -> Vec<Self> {
        let coin_e6 = 10_i64.pow(6_u32.saturating_sub(self.currency.minor_digits()));
        let parts = i64::from(parts.max(1));
        let coins = self.amount_e6.div_euclid(coin_e6);
        let base = coins.div_euclid(parts);
        let larger = coins.rem_euclid(parts);
        // What is not a whole coin (never the case for a rounded price) goes with the first instalment.
        let dust_e6 = self.amount_e6.rem_euclid(coin_e6);
        (0..parts)
            .map(|n| {
                let coins = base.saturating_add(i64::from(n < larger));
                let dust = if n == 0 { dust_e6 } else { 0 };
                Self { amount_e6: coins.saturating_mul(coin_e6).saturating_add(dust), ..self }
            })
            .collect()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(text: &str, currency: &str) -> Money {
        Money::rounded(text.parse().unwrap(), Currency::parse(currency).unwrap()).unwrap()
    }

    #[test]
    fn a_price_is_rounded_half_to_even_at_the_smallest_coin() {
        for (amount, currency, rounded) in [
            ("812.505", "EUR", "812.50 EUR"),
            ("812.515", "EUR", "812.52 EUR"),
            ("812.5150000001", "EUR", "812.52 EUR"),
            ("-0.005", "EUR", "0.00 EUR"),
            ("812.5", "JPY", "812 JPY"),
            ("813.5", "JPY", "814 JPY"),
            ("1.0005", "KWD", "1.000 KWD"),
        ] {
            assert_eq!(money(amount, currency).to_string(), rounded, "{amount} {currency}");
        }
    }

    #[test]
    fn instalments_differ_by_one_coin_the_larger_first() {
        let shown: Vec<String> = money("10", "EUR").instalments(3).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["3.34 EUR", "3.33 EUR", "3.33 EUR"]);
    }

    proptest! {
        #[test]
        fn instalments_add_up(amount_e6 in -1_000_000_000_000_i64..1_000_000_000_000_000, parts in 1_u32..61) {
            let total = Money { amount_e6, currency: Currency::parse("SEK").unwrap() };
            let parts = total.instalments(parts);
            prop_assert_eq!(parts.iter().map(|m| m.amount_e6).sum::<i64>(), amount_e6);
        }

        #[test]
        fn a_decimal_comes_back(amount_e6 in any::<i64>()) {
            let money = Money { amount_e6, currency: Currency::parse("SEK").unwrap() };
            prop_assert_eq!(Money::exact(money.decimal(), money.currency).unwrap(), money);
        }
    }
}
