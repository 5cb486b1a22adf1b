//! The one place that reads the time.

use std::sync::{Arc, Mutex};

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
            Some(moved) => *moved.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
            None => self.real_now(),
        };
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// The real time, by which tokens are valid whatever the rules go by.
    pub fn real_now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// `real` or `movable`, as the ready file says it.
    pub fn kind(&self) -> &'static str {
        if self.moved_to.is_some() { "movable" } else { "real" }
    }
}
