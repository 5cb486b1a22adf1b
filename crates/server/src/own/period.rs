//! What the lists of the own API share: a customer in the path, days and pages in the query.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use fullmakt_domain::billing::{Month, Period};
use fullmakt_domain::due::midnight;
use fullmakt_domain::ids::CustomerId;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::Date;

use super::Problem;

/// The parameters of a query, each at most once.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read: Result<Query<BTreeMap<String, String>>, QueryRejection> =
            Query::from_request_parts(parts, state).await;
        let Query(read) =
            read.map_err(|_| Problem::bad_request("query", "the query is not percent-encoded UTF-8 text"))?;
        Ok(Self(read))
    }
}

impl Parameters {
    /// A value without the blanks around it; `None` when it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// One of some words.
    ///
    /// # Errors
    /// 400 for another one.
    pub fn one_of(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
            Some(word) => Ok(Some(word)),
            None => Err(Problem::bad_request(name, &format!("`{}` is none of {}", short(text), words.join(", ")))),
        }
    }

    /// How many items a page may have.
    ///
    /// # Errors
    /// 400 when it is no whole number from 1 to `most`.
    pub fn size(&self, default: u32, most: u32) -> Result<u32, Problem> {
        let Some(text) = self.get("size") else { return Ok(default) };
        let size = text.parse().ok().filter(|size| (1..=most).contains(size));
        size.ok_or_else(|| {
            Problem::bad_request("size", &format!("`{}` is not a whole number from 1 to {most}", short(text)))
        })
    }

    /// The time from the day `from` to the day `until`, which is no longer in it; without them this month.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn period(&self, now: Timestamp) -> Result<Period, Problem> {
        let month = Month::of(now);
        let from = self.day("from")?.unwrap_or_else(|| month.first_day());
        let until = match self.day("until")? {
            Some(until) => until,
            None => Month::of(midnight(from)).next().first_day().max(month.next().first_day()),
        };
        if until <= from {
            return Err(Problem::bad_request("until", &format!("{until} is not after {from}, the first day")));
        }
        Ok(Period { from: midnight(from), until: midnight(until) })
    }

    fn day(&self, name: &str) -> Result<Option<Date>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let day: Option<Date> = if shape { text.parse().ok() } else { None };
        let day = day.filter(|day| (1970..=9000).contains(&day.year()));
        let wrong = || Problem::bad_request(name, &format!("`{}` is not a day such as 2026-07-01", short(text)));
        day.map(Some).ok_or_else(wrong)
    }
}

/// The customer of a path. One that cannot be is not there.
///
/// # Errors
/// 404.
pub fn customer(text: &str) -> Result<CustomerId, Problem> {
    CustomerId::parse(text).map_err(|_| Problem::not_found("there is nothing of that name here"))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
pub mod tests {
    //! Shared with the tests of the lists.

    use proptest::prelude::*;

    use super::*;

    /// Parameters of a query.
    pub fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn period(pairs: &[(&str, &str)]) -> String {
        match parameters(pairs).period("2026-11-22T08:00:00Z".parse().unwrap()) {
            Ok(period) => format!("{} {}", period.from, period.until),
            Err(problem) => format!("{problem:?}"),
        }
    }

    #[test]
    fn without_days_this_month_is_meant() {
        for (pairs, expected) in [
            (&[][..], "2026-11-01T00:00:00Z 2026-12-01T00:00:00Z"),
            (&[("from", "2026-01-15")], "2026-01-15T00:00:00Z 2026-12-01T00:00:00Z"),
            (&[("from", "2027-01-15")], "2027-01-15T00:00:00Z 2027-02-01T00:00:00Z"),
            (&[("from", "2026-01-01"), ("until", "2026-02-01")], "2026-01-01T00:00:00Z 2026-02-01T00:00:00Z"),
            (&[("from", "2026-01-01"), ("until", "2026-01-01")], "field: Some(\"until\")"),
            (&[("until", "2026-13-01")], "field: Some(\"until\")"),
            (&[("from", "last month")], "field: Some(\"from\")"),
            (&[("from", "9999-01-01")], "field: Some(\"from\")"),
        ] {
            let got = period(pairs);
            assert!(got.contains(expected), "{pairs:?}: {got}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_query_is_read_or_refused(name in "(from|until|size|view)", value in "[0-9-]{0,12}|.{0,12}") {
            let pairs = parameters(&[(&name, &value)]);
            let _ = pairs.period(Timestamp::UNIX_EPOCH);
            let _ = pairs.one_of("view", &["customer", "partner"]);
            if let Ok(size) = pairs.size(100, 1_000) {
                prop_assert!((1..=1_000).contains(&size));
            }
        }
    }
}
