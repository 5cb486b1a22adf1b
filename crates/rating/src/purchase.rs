//! What reservations cost when they are bought: one charge for the whole term, or one each month.

use crate::book::Numbered;
use crate::input::Payment;
use crate::number::number;
use fullmakt_domain::rating::first_hour_from;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use std::ops::Range;

/// A charge for a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The reservation's place in the list.
    pub reservation: u32,
    /// The hours that are paid for, counted from 1970.
    pub hours: Range<i64>,
}

/// The charges that begin in the period, by their begin and the ids of the reservations. A reservation whose payment is not
/// known has none.
pub fn purchases(reservations: &[Numbered], period: &Range<i64>) -> Vec<Purchase> {
    let mut found = Vec::new();
    for (index, one) in reservations.iter().enumerate() {
        let Some(payment) = &one.row.payment else { continue };
        if one.row.quantity == 0 {
            continue;
        }
        let end = first_hour_from(one.row.end);
        let charges = match payment {
            Payment::Upfront { .. } => Vec::from_iter(Some(first_hour_from(one.row.start)..end)),
            Payment::Monthly { .. } => months(one.row.start, one.row.end, period),
        };
        let within = charges.into_iter().filter(|hours| period.contains(&hours.start) && !hours.is_empty());
        found.extend(within.map(|hours| Purchase { reservation: number(index), hours }));
    }
    let key = |one: &Purchase| (one.hours.start, &reservations[crate::number::at(one.reservation)].row.id);
    found.sort_by(|a, b| key(a).cmp(&key(b)));
    found
}

/// The months of a term, each from the day of its begin to the same day of the next month, or the last day of a shorter one.
/// Those after the period are left out.
fn months(start: i64, end: i64, period: &Range<i64>) -> Vec<Range<i64>> {
    let Ok(begin) = Timestamp::from_microsecond(start) else { return Vec::new() };
    let begin = begin.to_zoned(TimeZone::UTC);
    let mut found = Vec::new();
    let mut from = start;
    for count in 1_i64.. {
        if from >= end || first_hour_from(from) >= period.end {
            break;
        }
        // Past the end of time there is no next month, and the term ends before.
        let next = begin.checked_add(count.months()).map_or(end, |next| next.timestamp().as_microsecond().min(end));
        found.push(first_hour_from(from)..first_hour_from(next));
        from = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_instant;

    #[test]
    fn months_follow_the_calendar() {
        let at = |text: &str| parse_instant(text).unwrap();
        let hours = |text: &str| first_hour_from(at(text));
        let all = 0..i64::MAX;
        let found = months(at("2026-01-31T10:30:00Z"), at("2026-04-30T10:30:00Z"), &all);
        let ends = ["2026-01-31T11:00:00Z", "2026-02-28T11:00:00Z", "2026-03-31T11:00:00Z", "2026-04-30T11:00:00Z"];
        let expected: Vec<Range<i64>> = ends.windows(2).map(|pair| hours(pair[0])..hours(pair[1])).collect();
        assert_eq!(found, expected);
        let short = months(at("2026-01-31T10:30:00Z"), at("2027-01-31T10:30:00Z"), &(0..hours("2026-03-01T00:00:00Z")));
        assert_eq!(short, expected[..2]);
        assert_eq!(months(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), &all), []);
    }
}
