//! Dates as clients write them, and as this API writes them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A date that a client gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// A whole day, UTC.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

impl Given {
    /// The first instant that counts when this starts a range.
    pub fn start(self) -> Option<Timestamp> {
        match self {
            Self::Day(day) => instant(day.to_datetime(Time::midnight())),
            Self::Instant(at) => Some(at),
        }
    }

    /// The first instant that no longer counts when this ends a range: a day counts as a whole.
    pub fn end(self) -> Option<Timestamp> {
        match self {
            Self::Day(day) => instant(day.checked_add(1.day()).ok()?.to_datetime(Time::midnight())),
            Self::Instant(at) => at.checked_add(1.nanosecond()).ok(),
        }
    }
}

/// Reads a date of a query. All times are UTC unless the text names an offset.
///
/// Taken are `2026-06-15`, ISO 8601 with or without zone and fraction, `06/15/2026 10:11:12` (invariant culture),
/// `6/15/2026 12:00:00 AM`, and `2026-06-166`, in which one client library prints the day of the year where the day of the
/// month belongs: a third field that the month cannot have is a day of that year. The slashed forms at midnight mean the day.
pub fn parse(text: &str) -> Option<Given> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if text.contains('/') {
        return slashed(text);
    }
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?)),
        None => (text, None),
    };
    let day = dashed_day(date)?;
    let Some(rest) = rest else { return Some(Given::Day(day)) };
    let (clock, offset_seconds) = split_offset(rest.trim())?;
    let local = day.to_datetime(time_of_day(clock)?);
    let utc = instant(local)?;
    Some(Given::Instant(utc.checked_sub(offset_seconds.seconds()).ok()?))
}

/// Whether the text is what one client library sends for a date it does not have: `0001-01-01T00:00:00`.
pub fn is_unset(text: &str) -> bool {
    text.trim().starts_with("0001-01-01T00:00:00")
}

/// Writes an instant with seven digits of a second, as audit records carry it.
pub fn with_ticks(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

/// Writes an instant in whole seconds.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Counts the ticks of an instant: 100 nanoseconds each, since the year 1.
pub fn ticks(at: Timestamp) -> i128 {
    /// Ticks from the year 1 to 1970.
    const EPOCH: i128 = 621_355_968_000_000_000;
    EPOCH + at.as_nanosecond().div_euclid(100)
}

fn instant(local: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(local).ok()
}

fn dashed_day(text: &str) -> Option<Date> {
    let mut fields = text.split('-');
    let year = i16::try_from(number(fields.next()?, 4, 4)?).ok()?;
    let month = i8::try_from(number(fields.next()?, 1, 2)?).ok()?;
    let day = number(fields.next()?, 1, 3)?;
    if fields.next().is_some() || year == 0 || !(1..=12).contains(&month) {
        return None;
    }
    let of_month = i8::try_from(day).ok().and_then(|day| Date::new(year, month, day).ok());
    of_month.or_else(|| {
        let ordinal = i16::try_from(day).ok()?;
        Date::new(year, 1, 1).ok()?.with().day_of_year(ordinal).build().ok()
    })
}

fn slashed(text: &str) -> Option<Given> {
    let (date, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut fields = date.split('/');
    let month = i8::try_from(number(fields.next()?, 1, 2)?).ok()?;
    let day = i8::try_from(number(fields.next()?, 1, 2)?).ok()?;
    let year = i16::try_from(number(fields.next()?, 4, 4)?).ok()?;
    if fields.next().is_some() || year == 0 {
        return None;
    }
    let day = Date::new(year, month, day).ok()?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Some(Given::Day(day));
    }
    let (clock, half) = match rest.split_once(' ') {
        Some((clock, half)) => (clock, Some(half.trim())),
        None => (rest, None),
    };
    let time = match half {
        None => time_of_day(clock)?,
        Some(half) => twelve_hours(time_of_day(clock)?, half)?,
    };
    if time == Time::midnight() {
        return Some(Given::Day(day));
    }
    Some(Given::Instant(instant(day.to_datetime(time))?))
}

fn twelve_hours(clock: Time, half: &str) -> Option<Time> {
    let hour = match (clock.hour(), half.to_ascii_uppercase().as_str()) {
        (12, "AM") => 0,
        (hour @ 1..=11, "AM") => hour,
        (12, "PM") => 12,
        (hour @ 1..=11, "PM") => hour + 12,
        _ => return None,
    };
    clock.with().hour(hour).build().ok()
}

/// `10:11`, `10:11:12` or `10:11:12.1234567`.
fn time_of_day(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
    let mut fields = clock.split(':');
    let hour = i8::try_from(number(fields.next()?, 1, 2)?).ok()?;
    let minute = i8::try_from(number(fields.next()?, 2, 2)?).ok()?;
    let second = match fields.next() {
        Some(second) => i8::try_from(number(second, 2, 2)?).ok()?,
        None if fraction.is_none() => 0,
        None => return None,
    };
    if fields.next().is_some() {
        return None;
    }
    let nanosecond = match fraction {
        None => 0,
        Some(digits) => {
            number(digits, 1, 9)?;
            format!("{digits:0<9}").parse().ok()?
        }
    };
    Time::new(hour, minute, second, nanosecond).ok()
}

/// Splits `10:11:12Z`, `10:11:12+02:00`, `10:11:12-0200` into clock and offset in seconds.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    // In a query, an unescaped `+` of an offset arrives as a blank.
    let Some(at) = text.rfind(['+', '-', ' ']) else { return Some((text, 0)) };
    let sign = if text.get(at..=at)? == "-" { -1 } else { 1 };
    let offset = text.get(at + 1..)?;
    let (hours, minutes) = match offset.split_once(':') {
        Some(parts) => parts,
        None if offset.len() == 4 => (offset.get(..2)?, offset.get(2..)?),
        None => (offset, "00"),
    };
    let (hours, minutes) = (number(hours, 2, 2)?, number(minutes, 2, 2)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    Some((text.get(..at)?.trim_end(), sign * i64::from(hours * 3600 + minutes * 60)))
}

/// Decimal digits only, as many as allowed.
fn number(text: &str, least: usize, most: usize) -> Option<u32> {
    let sound = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if sound { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Option<Given> {
        Some(Given::Day(text.parse().unwrap()))
    }

    fn at(text: &str) -> Option<Given> {
        Some(Given::Instant(text.parse().unwrap()))
    }

    #[test]
    fn every_client_spelling_is_read() {
        for (text, want) in [
            ("2026-06-15", day("2026-06-15")),
            ("2026-6-5", day("2026-06-05")),
            ("2026-06-166", day("2026-06-15")),
            ("2026-02-32", day("2026-02-01")),
            ("2026-01-31", day("2026-01-31")),
            ("2026-02-30", day("2026-01-30")),
            ("2028-12-366", day("2028-12-31")),
            ("2026-12-366", None),
            ("2026-06-000", None),
            ("06/15/2026 10:11:12", at("2026-06-15T10:11:12Z")),
            ("06/15/2026 00:00:00", day("2026-06-15")),
            ("6/1/2017 12:00:00 AM", day("2017-06-01")),
            ("6/1/2017 12:30:00 am", at("2017-06-01T00:30:00Z")),
            ("6/1/2017 11:05:00 PM", at("2017-06-01T23:05:00Z")),
            ("6/1/2017 13:05:00 PM", None),
            ("6/31/2017", None),
            ("13/1/2017", None),
            ("2026-06-15T10:11:12", at("2026-06-15T10:11:12Z")),
            ("2026-06-15T10:11:12.1234567Z", at("2026-06-15T10:11:12.1234567Z")),
            ("2026-06-15T10:11:12+02:00", at("2026-06-15T08:11:12Z")),
            ("2026-06-15T10:11:12 02:00", at("2026-06-15T08:11:12Z")),
            ("2026-06-15T10:11-0330", at("2026-06-15T13:41:00Z")),
            ("2026-06-15 10:11:12", at("2026-06-15T10:11:12Z")),
            ("2026-06-15T25:00:00", None),
            ("2026-06-15T10", None),
            ("tomorrow", None),
            ("", None),
            ("0000-01-01", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }

    #[test]
    fn a_day_counts_from_midnight_to_midnight() {
        let given = parse("2026-06-15").unwrap();
        assert_eq!(given.start().unwrap().to_string(), "2026-06-15T00:00:00Z");
        assert_eq!(given.end().unwrap().to_string(), "2026-06-16T00:00:00Z");
    }

    #[test]
    fn instants_are_written_with_seven_digits_and_counted_in_ticks() {
        let at: Timestamp = "2026-06-15T08:00:00.0500001Z".parse().unwrap();
        assert_eq!(with_ticks(at), "2026-06-15T08:00:00.0500001Z");
        assert_eq!(ticks("2026-06-15T08:00:00Z".parse().unwrap()), 639_171_072_000_000_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_can_be_tried(text in "[0-9TZtz:/ .+AMPamp-]{0,32}|.{0,20}") {
            if let Some(given) = parse(&text) {
                let _ = (given.start(), given.end());
            }
        }

        #[test]
        fn what_is_written_is_read_again(second in 0_i64..4_102_444_800, tick in 0_i32..10_000_000) {
            let at = Timestamp::new(second, tick * 100).unwrap();
            prop_assert_eq!(parse(&with_ticks(at)), Some(Given::Instant(at)));
        }

        #[test]
        fn a_day_of_the_year_is_read_like_the_day(ordinal in 32_i16..=365, year in 2000_i16..2100) {
            let date = Date::new(year, 1, 1).unwrap().with().day_of_year(ordinal).build().unwrap();
            let java = format!("{year:04}-{:02}-{ordinal:02}", date.month());
            prop_assert_eq!(parse(&java), Some(Given::Day(date)));
        }
    }
}
