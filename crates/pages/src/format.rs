//! Numbers, money and dates as the visitor's language writes them.

use std::str::FromStr;

use fixed_decimal::Decimal;
use fullmakt_domain::money::{Currency, Money};
use fullmakt_server::text::{Language, Text};
use icu_decimal::DecimalFormatter;
use icu_locale_core::{Locale, locale};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::{Decimal as Exact, RoundingStrategy};

const NO_BREAK_SPACE: char = '\u{a0}';
/// The minus sign, which Swedish has anyway.
const MINUS: &str = "\u{2212}";

// The formatters are not made to be shared between threads.
thread_local! {
    static ENGLISH: DecimalFormatter = formatter(locale!("en"));
    static SWEDISH: DecimalFormatter = formatter(locale!("sv"));
}

fn formatter(locale: Locale) -> DecimalFormatter {
    DecimalFormatter::try_new(locale.into(), icu_decimal::options::DecimalFormatterOptions::default())
        .expect("the formats of both languages are part of the program")
}

/// A number, which writes itself as plain decimal text, with the language's grouping and decimal sign and a true minus. What is no number
/// stays as it is.
pub fn number(language: Language, number: impl ToString) -> String {
    let plain = number.to_string();
    let Ok(decimal) = Decimal::from_str(&plain) else { return plain };
    match language {
        Language::English => ENGLISH.with(|formatter| formatter.format(&decimal).to_string().replace('-', MINUS)),
        Language::Swedish => SWEDISH.with(|formatter| formatter.format(&decimal).to_string()),
    }
}

/// An amount with its currency. At least the currency's smallest coin is shown, and no digit is left out.
pub fn money(language: Language, amount: Money) -> String {
    let exact = amount.decimal().normalize();
    let digits = exact.scale().max(amount.currency.minor_digits());
    let mut padded = exact;
    padded.rescale(digits);
    in_currency(language, &number(language, padded), amount.currency)
}

/// An amount beside an axis, where room is scarce: without coins where there are none.
pub fn money_of_axis(language: Language, amount: Money) -> String {
    in_currency(language, &number(language, amount.decimal().normalize()), amount.currency)
}

fn in_currency(language: Language, figures: &str, currency: Currency) -> String {
    let code = currency.code();
    match (language, code) {
        (Language::Swedish, "SEK") => format!("{figures}{NO_BREAK_SPACE}kr"),
        (Language::Swedish, "EUR" | "USD" | "GBP") => format!("{figures}{NO_BREAK_SPACE}{}", currency.symbol()),
        (Language::Swedish, _) => format!("{figures}{NO_BREAK_SPACE}{code}"),
        (Language::English, "EUR" | "USD" | "GBP") => match figures.strip_prefix(MINUS) {
            Some(figures) => format!("{MINUS}{}{figures}", currency.symbol()),
            None => format!("{}{figures}", currency.symbol()),
        },
        (Language::English, _) => format!("{code}{NO_BREAK_SPACE}{figures}"),
    }
}

/// An amount in 10^-10 as people read it: rounded half to even at the currency's smallest coin.
pub fn cost(language: Language, amount_e10: i128, currency: Currency) -> String {
    money(language, Money::rounded(exact(amount_e10), currency).unwrap_or(Money { amount_e6: i64::MAX, currency }))
}

/// A quantity in 10^-10 as people read it: rounded half to even at two decimals, without zeros at the end.
pub fn quantity(language: Language, quantity_e10: i128) -> String {
    let rounded = exact(quantity_e10).round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven).normalize();
    number(language, rounded)
}

/// A number in 10^-10. What no decimal holds is beyond anything real and cut.
fn exact(value_e10: i128) -> Exact {
    let cut = || Exact::try_from_i128_with_scale(value_e10 / 10_000_000_000, 0).unwrap_or(Exact::MAX);
    Exact::try_from_i128_with_scale(value_e10, 10).unwrap_or_else(|_| cut())
}

/// Per cent: `83.5%`, `83,5 %`.
pub fn percent(language: Language, percent: Exact) -> String {
    let figures = number(language, percent.normalize());
    match language {
        Language::English => format!("{figures}%"),
        Language::Swedish => format!("{figures}{NO_BREAK_SPACE}%"),
    }
}

/// A day: `22 Nov 2026`, `22 nov. 2026`.
pub fn date(text: Text, day: Date) -> String {
    text.with_all("date", &[("day", &day.day()), ("month", &day.month()), ("year", &day.year().to_string())])
}

/// An instant to the minute, in UTC: `22 Nov 2026, 15:41`.
pub fn instant(text: Text, at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    text.with_all("date-and-time", &[("date", &date(text, at.date())), ("time", &time)])
}

/// An instant to the minute with its zone, where nothing around it names it: `22 Nov 2026, 15:41 UTC`.
pub fn instant_utc(text: Text, at: Timestamp) -> String {
    text.with("date-and-time-utc", "at", instant(text, at))
}

/// An instant to the second, in UTC: `22 Nov 2026, 15:41:07`.
pub fn instant_to_second(text: Text, at: Timestamp) -> String {
    let second = at.to_zoned(TimeZone::UTC).second();
    format!("{}:{second:02}", instant(text, at))
}

/// The day of an instant, in UTC.
pub fn day_of(text: Text, at: Timestamp) -> String {
    date(text, at.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::money::Currency;

    use super::*;
    use crate::words::texts;

    #[test]
    fn money_is_written_as_the_language_does() {
        let of = |amount_e6, code| Money { amount_e6, currency: Currency::parse(code).unwrap() };
        for (amount, english, swedish) in [
            (of(1_234_500_000, "EUR"), "€1,234.50", "1\u{a0}234,50\u{a0}€"),
            (of(-1_234_500_000, "USD"), "\u{2212}$1,234.50", "\u{2212}1\u{a0}234,50\u{a0}$"),
            (of(99_990_000, "SEK"), "SEK\u{a0}99.99", "99,99\u{a0}kr"),
            (of(10_001_000, "EUR"), "€10.001", "10,001\u{a0}€"),
            (of(5_000_000, "JPY"), "JPY\u{a0}5", "5\u{a0}JPY"),
        ] {
            assert_eq!(money(Language::English, amount), english);
            assert_eq!(money(Language::Swedish, amount), swedish);
        }
    }

    #[test]
    fn an_axis_has_no_coins_where_there_are_none() {
        for (amount_e6, code, english, swedish) in [
            (20_000_000_000, "EUR", "€20,000", "20\u{a0}000\u{a0}€"),
            (2_500_000, "SEK", "SEK\u{a0}2.5", "2,5\u{a0}kr"),
            (0, "EUR", "€0", "0\u{a0}€"),
        ] {
            let amount = Money { amount_e6, currency: Currency::parse(code).unwrap() };
            assert_eq!(money_of_axis(Language::English, amount), english);
            assert_eq!(money_of_axis(Language::Swedish, amount), swedish);
        }
    }

    #[test]
    fn dates_are_written_as_the_language_does() {
        let at: Timestamp = "2026-11-02T05:04:00Z".parse().unwrap();
        assert_eq!(instant(texts(Language::English), at), "2 Nov 2026, 05:04");
        assert_eq!(instant(texts(Language::Swedish), at), "2 nov. 2026 05:04");
        assert_eq!(instant_utc(texts(Language::English), at), "2 Nov 2026, 05:04 UTC");
        assert_eq!(instant_to_second(texts(Language::English), at), "2 Nov 2026, 05:04:00");
    }

    #[test]
    fn sums_of_rating_are_rounded_for_people() {
        let sek = Currency::parse("SEK").unwrap();
        for (value, english, swedish) in [
            (12_345_678_950_000, "SEK\u{a0}1,234.57", "1\u{a0}234,57\u{a0}kr"),
            (50_000_000, "SEK\u{a0}0.00", "0,00\u{a0}kr"),
            (-250_000_000, "SEK\u{a0}\u{2212}0.02", "\u{2212}0,02\u{a0}kr"),
        ] {
            assert_eq!(cost(Language::English, value, sek), english);
            assert_eq!(cost(Language::Swedish, value, sek), swedish);
        }
        assert_eq!(quantity(Language::English, 7_200_000_000_000), "720");
        assert_eq!(quantity(Language::Swedish, 3_333_333_333), "0,33");
        assert!(cost(Language::English, i128::MAX, sek).starts_with("SEK"), "no panic");
        assert_eq!(percent(Language::English, "83.50".parse().unwrap()), "83.5%");
        assert_eq!(percent(Language::Swedish, "100".parse().unwrap()), "100\u{a0}%");
    }
}
