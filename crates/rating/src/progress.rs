//! How far a run is, for whoever watches it from another thread.

use crate::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// What a run does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading usage.
    Reading,
    /// Matching and writing.
    Rating,
}

/// How far a run is.
#[derive(Default)]
pub struct Progress {
    phase: AtomicU8,
    expected: AtomicU64,
    read: AtomicU64,
    rated: AtomicU64,
    is_cancelled: AtomicBool,
}

impl Progress {
    /// What it does.
    pub fn phase(&self) -> Phase {
        if self.phase.load(Ordering::Relaxed) == 0 { Phase::Reading } else { Phase::Rating }
    }

    /// Rows of usage there are; 0: not known yet.
    pub fn expected_rows(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    /// Rows that were read, or rated, in this phase.
    pub fn done_rows(&self) -> u64 {
        match self.phase() {
            Phase::Reading => self.read.load(Ordering::Relaxed),
            Phase::Rating => self.rated.load(Ordering::Relaxed),
        }
    }

    /// Ends the run soon, with nothing written.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Fails once the run was cancelled.
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        if self.is_cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn expect_rows(&self, rows: u64) {
        self.expected.store(rows, Ordering::Relaxed);
    }

    pub(crate) fn begin_rating(&self, rows: u64) {
        self.expect_rows(rows);
        self.phase.store(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, rows: u64) {
        self.read.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn rated(&self, rows: u64) {
        self.rated.fetch_add(rows, Ordering::Relaxed);
    }
}
