//! Slows down guessing. Failures are counted per account and per address, in memory: counting in the database would let
//! a guesser cause writes, and of several servers each still allows only a handful of guesses a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::error::Refused;

/// Failures in a row before an account is closed for a while.
const ACCOUNT_FAILURES: u32 = 10;
/// Failures before an address is closed for a while; many people may share one.
const ADDRESS_FAILURES: u32 = 100;
/// The first closing; each further one lasts twice as long.
const FIRST_CLOSING: Duration = Duration::from_secs(60);
/// The longest closing. Failures are forgotten when nothing was tried for as long.
const LONGEST_CLOSING: Duration = Duration::from_secs(3600);
/// Accounts and addresses remembered. Beyond, the ones longest untouched are forgotten.
const REMEMBERED: usize = 20_000;

/// Counts of failed sign-ins.
#[derive(Debug, Default)]
pub struct Throttle {
    counts: Mutex<HashMap<[u8; 32], Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    closings: u32,
    closed_until: Option<Instant>,
    touched: Instant,
}

impl Throttle {
    /// Whether another try is allowed now.
    ///
    /// # Errors
    /// [`Refused::Throttled`] with the time to wait.
    pub fn admit(&self, account: &str, address: Option<&str>) -> Result<(), Refused> {
        self.admit_at(account, address, Instant::now())
    }

    /// Notes how a try ended. A success clears the account, not the address.
    pub fn record(&self, account: &str, address: Option<&str>, right: bool) {
        self.record_at(account, address, right, Instant::now());
    }

    fn admit_at(&self, account: &str, address: Option<&str>, now: Instant) -> Result<(), Refused> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = |key| counts.get(&key).and_then(|count: &Count| count.closed_until).filter(|until| *until > now);
        let until = closed(account_key(account)).max(address.and_then(|address| closed(address_key(address))));
        match until {
            Some(until) => Err(Refused::Throttled { seconds: (until - now).as_secs() + 1 }),
            None => Ok(()),
        }
    }

    fn record_at(&self, account: &str, address: Option<&str>, right: bool, now: Instant) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if right {
            counts.remove(&account_key(account));
            return;
        }
        fail(&mut counts, account_key(account), ACCOUNT_FAILURES, now);
        if let Some(address) = address {
            fail(&mut counts, address_key(address), ADDRESS_FAILURES, now);
        }
        if counts.len() > REMEMBERED {
            forget(&mut counts, now);
        }
    }
}

fn fail(counts: &mut HashMap<[u8; 32], Count>, key: [u8; 32], allowed: u32, now: Instant) {
    let fresh = Count { failures: 0, closings: 0, closed_until: None, touched: now };
    let count = counts.entry(key).or_insert(fresh);
    if now.saturating_duration_since(count.touched) > LONGEST_CLOSING {
        *count = fresh;
    }
    count.touched = now;
    count.failures = count.failures.saturating_add(1);
    // After the first closing every single failure closes again.
    if count.failures >= allowed {
        let length = FIRST_CLOSING.saturating_mul(1 << count.closings.min(10)).min(LONGEST_CLOSING);
        count.closed_until = Some(now + length);
        count.closings = count.closings.saturating_add(1);
    }
}

fn forget(counts: &mut HashMap<[u8; 32], Count>, now: Instant) {
    counts.retain(|_, count| now.saturating_duration_since(count.touched) <= LONGEST_CLOSING);
    if counts.len() > REMEMBERED {
        let mut ages: Vec<Instant> = counts.values().map(|count| count.touched).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        counts.retain(|_, count| count.touched > median);
    }
}

/// Names come from outside at any length; their hashes bound what is kept.
fn account_key(account: &str) -> [u8; 32] {
    Sha256::digest(format!("account {}", account.to_lowercase())).into()
}

fn address_key(address: &str) -> [u8; 32] {
    Sha256::digest(format!("address {address}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_close_an_account_for_a_minute_and_the_next_for_two() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..10 {
            throttle.admit_at("ada@nordmoln.example", None, start).unwrap();
            throttle.record_at("ada@nordmoln.example", None, false, start);
        }
        let refused = throttle.admit_at("ADA@nordmoln.example", None, at(1)).unwrap_err();
        assert_eq!(refused.to_string(), "too many failed sign-ins; try again in 60 seconds");
        assert!(throttle.admit_at("olle@exempel.example", None, at(1)).is_ok());
        assert!(throttle.admit_at("ada@nordmoln.example", None, at(61)).is_ok());
        throttle.record_at("ada@nordmoln.example", None, false, at(61));
        assert!(throttle.admit_at("ada@nordmoln.example", None, at(150)).is_err());
        throttle.record_at("ada@nordmoln.example", None, true, at(200));
        throttle.record_at("ada@nordmoln.example", None, false, at(201));
        assert!(throttle.admit_at("ada@nordmoln.example", None, at(202)).is_ok());
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_closed() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for account in 0..100 {
            throttle.record_at(&format!("user{account}"), Some("192.0.2.1"), false, now);
        }
        assert!(throttle.admit_at("olle@exempel.example", Some("192.0.2.1"), now).is_err());
        assert!(throttle.admit_at("olle@exempel.example", Some("192.0.2.2"), now).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for account in 0..30_000 {
            throttle.record_at(&account.to_string(), None, false, now);
        }
        assert!(throttle.counts.lock().unwrap().len() <= REMEMBERED);
    }
}
