//! Instants as text.

use fullmakt_domain::rating::HOUR_MICROS;

/// Reads an instant such as `2026-01-01T00:00:00Z` as microseconds since 1970; `None`: it is none, or finer than that.
pub fn parse_instant(text: &str) -> Option<i64> {
    if let Some(instant) = usual(text.as_bytes()) {
        return Some(instant);
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    (instant.subsec_nanosecond() % 1000 == 0).then(|| instant.as_microsecond())
}

/// The usual form, without a detour: twenty characters, in UTC.
fn usual(text: &[u8]) -> Option<i64> {
    let pattern = b"0000-00-00T00:00:00Z";
    if text.len() != pattern.len() {
        return None;
    }
    let fits = |(byte, mark): (&u8, &u8)| if *mark == b'0' { byte.is_ascii_digit() } else { byte == mark };
    if !text.iter().zip(pattern).all(fits) {
        return None;
    }
    let part =
        |from: usize, to: usize| text[from..to].iter().fold(0, |value, byte| value * 10 + i64::from(byte - b'0'));
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    let (hour, minute, second) = (part(11, 13), part(14, 16), part(17, 19));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970, by years that begin in March.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000)
}

/// Writes microseconds since 1970.
pub fn format_instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| format!("{micros} us"), |instant| instant.to_string())
}

/// Writes an hour since 1970, such as `2026-01-01T00:00:00Z`.
pub fn format_hour(hour: i64) -> String {
    format_instant(hour.saturating_mul(HOUR_MICROS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_an_instant() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600_000_000)),
            ("2026-01-01T02:00:00+02:00", Some(1_767_225_600_000_000)),
            ("2026-01-01T00:00:00.000001Z", Some(1_767_225_600_000_001)),
            ("2026-01-01T00:00:00.0000001Z", None),
            ("2026-02-29T00:00:00Z", None),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
            ("2026-01-01", None),
            ("2026-01-01T24:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(parse_instant(text), micros, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn the_short_way_reads_what_the_long_one_does(second in -60_000_000_000_i64..250_000_000_000) {
            let text = format_instant(second * 1_000_000);
            prop_assert_eq!(parse_instant(&text), Some(second * 1_000_000));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9TZ:. ]{0,30}") {
            parse_instant(&text);
        }
    }
}
