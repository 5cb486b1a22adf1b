//! How instants, dates and money stand in answers.

use fullmakt_domain::money::Money;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Number, Value, json};

/// A date and time with seven decimals, as the clients have always seen it.
pub fn date_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

/// A date.
pub fn date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

/// An amount with its currency: `{"currencyCode":"EUR","amount":812.5}`.
pub fn money(money: Money) -> Value {
    json!({"currencyCode": money.currency.code(), "amount": amount(money)})
}

/// An amount alone, as a JSON number.
pub fn amount(money: Money) -> Number {
    let text = money.decimal().to_string();
    // A whole amount keeps its `.0`, so that typed clients read every amount as the same kind of number.
    let text = if text.contains('.') { text } else { format!("{text}.0") };
    serde_json::from_str(&text).expect("a decimal is a JSON number")
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::money::Currency;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_dates_and_money_as_recorded() {
        let at: Timestamp = "2023-03-06T23:08:54.981041700Z".parse().unwrap();
        assert_eq!(date_time(at), "2023-03-06T23:08:54.9810417Z");
        assert_eq!(date_time("2026-11-01T08:00:00Z".parse().unwrap()), "2026-11-01T08:00:00.0000000Z");
        assert_eq!(date(at), "2023-03-06");
        for (amount_e6, currency, text) in [
            (48_000_000, "GBP", r#"{"amount":48.0,"currencyCode":"GBP"}"#),
            (1_830_000, "GBP", r#"{"amount":1.83,"currencyCode":"GBP"}"#),
            (5_000_000, "JPY", r#"{"amount":5.0,"currencyCode":"JPY"}"#),
        ] {
            let shown = money(Money { amount_e6, currency: Currency::parse(currency).unwrap() });
            let text: Value = serde_json::from_str(text).unwrap();
            assert_eq!(shown, text);
        }
    }

    proptest! {
        #[test]
        fn every_amount_is_a_number(amount_e6 in any::<i64>()) {
            let shown = amount(Money { amount_e6, currency: Currency::parse("EUR").unwrap() });
            prop_assert!(shown.is_f64());
        }
    }
}
