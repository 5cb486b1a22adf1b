//! The one place that reads the time.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

/// Tells the time: the real one, or one that stands still until it is moved.
#[derive(Clone)]
pub struct Clock {
    moved_to: Option<Arc<Mutex<Timestamp>>>,
}

impl Clock {
    /// The real time.
    pub fn real() -> Self {
        Self { moved_to: None }
    }

    /// A time that stands still at `start`.
    pub fn movable(start: Timestamp) -> Self {
        Self { moved_to: Some(Arc::new(Mutex::new(start))) }
    }

    /// The time that the rules go by, in whole microseconds, as the database keeps it.
    pub fn now(&self) -> Timestamp {
        let now = match &self.moved_to {
            Some(moved) => *moved.lock().unwrap_or_else(PoisonError::into_inner),
            None => self.real_now(),
        };
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// The real time, by which tokens are valid whatever the rules go by.
    pub fn real_now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Whether it stands still until it is moved.
    pub fn is_movable(&self) -> bool {
        self.moved_to.is_some()
    }

    /// Moves a movable clock forward. It never goes back, and the real time goes its own way.
    pub(crate) fn advance_to(&self, to: Timestamp) {
        if let Some(moved) = &self.moved_to {
            let mut now = moved.lock().unwrap_or_else(PoisonError::into_inner);
            *now = (*now).max(to);
        }
    }

    /// `real` or `movable`, as the ready file says it.
    pub fn kind(&self) -> &'static str {
        if self.is_movable() { "movable" } else { "real" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movable_clock_goes_forward_only() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = Clock::movable(at(100));
        let same = clock.clone();
        clock.advance_to(at(90));
        assert_eq!(same.now(), at(100));
        clock.advance_to(at(110));
        assert_eq!((same.now(), clock.kind()), (at(110), "movable"));
        let real = Clock::real();
        real.advance_to(at(i64::from(i32::MAX) * 4));
        assert!(real.now() < at(i64::from(i32::MAX) * 4));
    }
}
