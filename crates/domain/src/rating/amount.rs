//! Exact amounts as scaled integers, and the one rounding there is.

/// Decimals of a quantity and of a unit price of the input.
pub const QUANTITY_DECIMALS: u32 = 6;

/// Decimals of the hourly cost of a reserved instance.
pub const COST_DECIMALS: u32 = 8;

/// Decimals of the quantities and costs of the outcome.
pub const OUTCOME_DECIMALS: u32 = 10;

/// An amount does not fit 38 digits. No input within its declared types gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount does not fit 38 digits")]
pub struct Overflow;

/// Why a text is not the decimal number that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongDecimal {
    /// Something else than digits with at most one point, perhaps a sign before them.
    #[error("not a decimal number")]
    NotANumber,
    /// More decimals than the column has.
    #[error("more than {0} decimals")]
    TooManyDecimals(u32),
    /// More digits than the column has.
    #[error("more than {0} digits before the point")]
    TooLarge(u32),
    /// Outside the range that has a meaning.
    #[error("a ratio is above 0 and below 100000")]
    NotARatio,
}

/// How much of its flexibility group's smallest unit one instance of a SKU counts: above 0 and below 100,000, with at most
/// 15 decimals, held in 10^-15. Only the quotient of two ratios of one group has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(i128);

impl Ratio {
    /// The ratio of a SKU that no group lists.
    pub const ONE: Self = Self(1_000_000_000_000_000);

    const DECIMALS: u32 = 15;

    /// Reads a ratio such as `28.8`.
    ///
    /// # Errors
    /// [`WrongDecimal`]: not a number, too many decimals, or out of range.
    pub fn parse(text: &str) -> Result<Self, WrongDecimal> {
        let scaled = parse_scaled(text, 38, Self::DECIMALS)?;
        if (1..100_000 * Self::ONE.0).contains(&scaled) { Ok(Self(scaled)) } else { Err(WrongDecimal::NotARatio) }
    }

    /// The ratio in 10^-15.
    #[must_use]
    pub fn scaled(self) -> i128 {
        self.0
    }

    /// The ratio divided by what all ratios of its group have in common, which keeps the products small.
    pub(super) fn divided_by(self, common: i128) -> Self {
        Self(self.0 / common)
    }
}

/// Reads a decimal number exactly, as an integer scaled by the decimals: `-1.5` with 6 decimals is -1500000. Zeros past the
/// last decimal are allowed, an exponent is not.
///
/// # Errors
/// [`WrongDecimal`]: not a number, or too long for so many digits in all and behind the point.
pub fn parse_scaled(text: &str, digits: u32, decimals: u32) -> Result<i128, WrongDecimal> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let point = unsigned.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = point.map_or((unsigned, &[][..]), |at| (&unsigned[..at], &unsigned[at + 1..]));
    if whole.is_empty() && fraction.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(WrongDecimal::NotANumber);
    }
    let wanted = usize::try_from(decimals).unwrap_or(usize::MAX);
    let kept = &fraction[..fraction.len().min(wanted)];
    if fraction[kept.len()..].iter().any(|digit| *digit != b'0') {
        return Err(WrongDecimal::TooManyDecimals(decimals));
    }
    let too_large = WrongDecimal::TooLarge(digits - decimals);
    let mut value: i128 = 0;
    let padding = std::iter::repeat_n(&b'0', wanted - kept.len());
    for digit in whole.iter().chain(kept).chain(padding) {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0')));
        value = next.ok_or(too_large)?;
    }
    if value >= 10_i128.pow(digits) {
        return Err(too_large);
    }
    Ok(if negative { -value } else { value })
}

/// Writes a scaled integer as a decimal number with all its decimals: -1500000 with 6 decimals is `-1.500000`.
#[must_use]
pub fn format_scaled(value: i128, decimals: u32) -> String {
    let one = 10_u128.pow(decimals);
    let magnitude = value.unsigned_abs();
    let sign = if value < 0 { "-" } else { "" };
    let width = usize::try_from(decimals).unwrap_or(usize::MAX);
    if decimals == 0 { format!("{value}") } else { format!("{sign}{}.{:0width$}", magnitude / one, magnitude % one) }
}

/// `dividend / divisor`, a tie to the even neighbour. The divisor is above zero.
pub(crate) fn round_half_even(dividend: i128, divisor: i128) -> i128 {
    // Nearly all amounts are small, and a 64-bit division is several times faster.
    if let (Ok(dividend), Ok(divisor)) = (i64::try_from(dividend), i64::try_from(divisor)) {
        let (floor, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
        return i128::from(floor + i64::from(rounds_up(rest.cmp(&(divisor - rest)), floor % 2 != 0)));
    }
    let (floor, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    floor + i128::from(rounds_up(rest.cmp(&(divisor - rest)), floor % 2 != 0))
}

fn rounds_up(rest_against_half: std::cmp::Ordering, is_odd: bool) -> bool {
    rest_against_half.is_gt() || (rest_against_half.is_eq() && is_odd)
}

/// What an instance costs for an hour when a price (in 10^-6) is spread evenly over so many hours, in 10^-8, rounded half to even.
#[must_use]
pub fn amortised_hourly_e8(price_e6: i64, hours: i64) -> i64 {
    i64::try_from(round_half_even(i128::from(price_e6) * 100, i128::from(hours.max(1)))).unwrap_or(i64::MAX)
}

/// What a quantity (in 10^-10) costs at a price (in 10^-6) without any reservation, in 10^-10.
///
/// # Errors
/// [`Overflow`] when it does not fit.
pub fn pay_as_you_go_e10(quantity_e10: i128, unit_price_e6: i64) -> Result<i128, Overflow> {
    cost_e10(quantity_e10, unit_price_e6, QUANTITY_DECIMALS)
}

/// Units that so many millionths of an instance hour count, in 10^-21.
pub(super) fn units_of_line(quantity_e6: i64, ratio: Ratio) -> Result<i128, Overflow> {
    i128::from(quantity_e6).checked_mul(ratio.0).ok_or(Overflow)
}

/// Units that so many reserved instances offer in an hour, in 10^-21.
pub(super) fn units_of_reservation(instances: i64, ratio: Ratio) -> Result<i128, Overflow> {
    i128::from(instances).checked_mul(1_000_000).and_then(|millionths| millionths.checked_mul(ratio.0)).ok_or(Overflow)
}

/// Units divided by the ratio, in 10^-10 instance hours.
pub(super) fn quantity_e10(units: i128, ratio: Ratio) -> Result<i128, Overflow> {
    if let Some(finer) = units.checked_mul(10_000) {
        return Ok(round_half_even(finer, ratio.0));
    }
    // Too long for one product: whole millionths first, then the rest of the division.
    let whole = (units / ratio.0).checked_mul(10_000).ok_or(Overflow)?;
    // A whole part in 10^-6 is an even number of 10^-10, so a tie of the rest is a tie of the sum.
    whole.checked_add(round_half_even(units % ratio.0 * 10_000, ratio.0)).ok_or(Overflow)
}

/// A quantity in 10^-10 times a price in 10^-`price_decimals`, in 10^-10.
pub(crate) fn cost_e10(quantity_e10: i128, price: i64, price_decimals: u32) -> Result<i128, Overflow> {
    let one = 10_i128.pow(price_decimals);
    if let Some(product) = quantity_e10.checked_mul(i128::from(price)) {
        return Ok(round_half_even(product, one));
    }
    let (whole, rest) = (quantity_e10.div_euclid(one), quantity_e10.rem_euclid(one));
    let whole = whole.checked_mul(i128::from(price)).ok_or(Overflow)?;
    let rest = rest.checked_mul(i128::from(price)).ok_or(Overflow)?;
    // One of the whole product is moved into the rest where it is odd, so that a tie sees the parity of the sum.
    let odd = whole.rem_euclid(2);
    (whole - odd).checked_add(round_half_even(rest + odd * one, one)).ok_or(Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        for (text, read) in [
            ("1", Ok(1_000_000)),
            ("-1.5", Ok(-1_500_000)),
            ("+.25", Ok(250_000)),
            ("7.", Ok(7_000_000)),
            ("1.0000000", Ok(1_000_000)),
            ("999999999999.999999", Ok(999_999_999_999_999_999)),
            ("1000000000000", Err(WrongDecimal::TooLarge(12))),
            ("0.0000001", Err(WrongDecimal::TooManyDecimals(6))),
            ("1e3", Err(WrongDecimal::NotANumber)),
            ("", Err(WrongDecimal::NotANumber)),
            (".", Err(WrongDecimal::NotANumber)),
            ("1,5", Err(WrongDecimal::NotANumber)),
        ] {
            assert_eq!(parse_scaled(text, 18, 6), read, "{text}");
        }
    }

    #[test]
    fn ratios_have_a_range() {
        assert_eq!(Ratio::parse("1"), Ok(Ratio::ONE));
        assert_eq!(Ratio::parse("0.000000000000001").map(Ratio::scaled), Ok(1));
        for wrong in ["0", "-1", "100000", "0.0000000000000001", "x"] {
            assert!(Ratio::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ties_go_to_the_even_neighbour() {
        for (dividend, divisor, rounded) in
            [(5, 10, 0), (15, 10, 2), (25, 10, 2), (-5, 10, 0), (-15, 10, -2), (26, 10, 3)]
        {
            assert_eq!(round_half_even(dividend, divisor), rounded, "{dividend}/{divisor}");
            let far = 10_i128.pow(20);
            assert_eq!(round_half_even(dividend * far, divisor * far), rounded, "{dividend}/{divisor}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.e ]{0,45}") {
            if let Ok(value) = parse_scaled(&text, 18, 6) {
                prop_assert_eq!(parse_scaled(&format_scaled(value, 6), 18, 6), Ok(value));
            }
        }

        #[test]
        fn a_long_product_is_rounded_like_a_short_one(
            quantity in -9_999_999_999_999_999_999_999_i128..10_000_000_000_000_000_000_000,
            price in -999_999_999_999_999_999_i64..1_000_000_000_000_000_000,
        ) {
            // Half away: twice the distance to the exact product is at most one, and at a tie the result is even.
            let cost = cost_e10(quantity, price, 6).unwrap();
            let (high, low) = (quantity.div_euclid(1_000_000), quantity.rem_euclid(1_000_000));
            let rest = low * i128::from(price) - (cost - high * i128::from(price)) * 1_000_000;
            prop_assert!(rest.abs() < 500_000 || (rest.abs() == 500_000 && cost % 2 == 0));
        }

        #[test]
        fn a_long_division_is_rounded_like_a_short_one(
            units in 0..i128::MAX, ratio in 1_i128..100_000_000_000_000_000_000,
        ) {
            if let Ok(quantity) = quantity_e10(units, Ratio(ratio)) {
                let (whole, rest) = (units / ratio, units % ratio);
                let distance = rest * 10_000 - (quantity - whole * 10_000) * ratio;
                prop_assert!(2 * distance.abs() < ratio || (2 * distance.abs() == ratio && quantity % 2 == 0));
            }
        }
    }
}
