//! How reservations meet hourly usage: the one place that knows the rules of `docs/rating.md`.
//!
//! Pure and without names: the caller gives every subscription, SKU and group a number, equal where the bytes are equal, and
//! sorts. A [`Plan`] holds the reservations of one billing context and region in the order in which they take usage;
//! [`Plan::rate_hour`] takes the usage lines of one hour and gives the rows of the outcome.
//!
//! Arithmetic is on scaled integers and exact: units are never rounded, amounts are rounded half to even at ten decimals.

mod amount;
mod flexibility;
mod plan;
mod story;

pub use amount::{
    COST_DECIMALS, OUTCOME_DECIMALS, Overflow, QUANTITY_DECIMALS, Ratio, WrongDecimal, amortised_hourly_e8,
    format_scaled, parse_scaled, pay_as_you_go_e10,
};
pub(crate) use amount::{cost_e10, round_half_even};
pub use flexibility::{Flexibility, FlexibilityRow, Size};
pub use plan::{Group, Line, Pass, Plan, Reservation, Row, Scratch, Sku, Slots, Subscription};
pub use story::{LineStory, Named, Part, ReservationStory, Scene, Why};

/// Microseconds in an hour.
pub const HOUR_MICROS: i64 = 3_600_000_000;

/// The first hour, counted from 1970, that begins at or after the instant (microseconds since 1970, UTC). A reservation is
/// active from the hour of its start up to, not including, the hour of its end.
#[must_use]
pub fn first_hour_from(instant_micros: i64) -> i64 {
    let whole = instant_micros.div_euclid(HOUR_MICROS);
    if instant_micros.rem_euclid(HOUR_MICROS) == 0 { whole } else { whole + 1 }
}
