//! How a reservation came to its end.

use fullmakt_domain::reservation::{Phase, Reservation, ReservationOrder, ReservationState};
use fullmakt_server::text::{Text, Value};
use jiff::Timestamp;

use crate::{format, words};

/// When a reservation came to its end, and a sentence about it.
pub struct Over {
    /// When.
    pub at: Timestamp,
    /// The sentence: when, how and by whom.
    pub text: String,
}

impl Over {
    /// None while it lives. When it was ended tells the first of its revisions (newest first) that knows of an end; without them
    /// it is taken for the last change.
    pub fn of(
        t: Text,
        order: &ReservationOrder,
        here: &Reservation,
        phase: Phase,
        revisions: Option<&[Reservation]>,
    ) -> Option<Self> {
        let key = match phase {
            Phase::Pending | Phase::Active | Phase::Expiring => return None,
            Phase::Expired => {
                let at = order.expires_at;
                return Some(Self { at, text: t.with("over-expired", "at", format::instant(t, at)) });
            }
            Phase::Cancelled => "over-returned",
            Phase::Exchanged => "over-exchanged",
            Phase::Split => "over-split",
            Phase::Merged => "over-merged",
        };
        let ended = |one: &&Reservation| one.ending.is_some() || one.state == ReservationState::Cancelled;
        let last = revisions.and_then(|all| all.iter().rev().find(ended)).unwrap_or(here);
        let at = last.updated_at;
        let values: [(&str, &dyn Value); 2] = [("who", &words::changer(t, last)), ("at", &format::instant(t, at))];
        Some(Self { at, text: t.with_all(key, &values) })
    }
}
