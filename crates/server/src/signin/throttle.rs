//! Slows down guessing. Failures are counted per account and per address, in memory: counting in the database would let
//! a guesser cause writes, and of several servers each still allows only a handful of guesses a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::error::Refused;

/// So many tries at once, and one more after each pause.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    tries: u32,
    pause: Duration,
}

/// Failures of one account. A success wipes them out.
const ACCOUNT: Allowance = Allowance { tries: 10, pause: Duration::from_secs(60) };
/// Failures from one address, which many people may share.
const ADDRESS: Allowance = Allowance { tries: 100, pause: Duration::from_secs(6) };
/// Device codes that one address asks for. Each is a row until it expires.
const DEVICE_CODES: Allowance = Allowance { tries: 100, pause: Duration::from_secs(2) };
/// Accounts and addresses remembered. Beyond, those that are closest to being forgotten anyway are forgotten.
const REMEMBERED: usize = 20_000;

/// Counts of tries. What is kept for a key is the instant at which all its tries will be forgotten: each try moves it by
/// one pause.
#[derive(Debug, Default)]
pub struct Throttle {
    forgotten_at: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Throttle {
    /// Whether another try to sign in is allowed now.
    ///
    /// # Errors
    /// [`Refused::Throttled`] with the time to wait.
    pub fn admit(&self, account: &str, address: Option<&str>) -> Result<(), Refused> {
        self.admit_at(account, address, Instant::now())
    }

    /// Notes how a try to sign in ended. A success clears the account, not the address.
    pub fn record(&self, account: &str, address: Option<&str>, right: bool) {
        self.record_at(account, address, right, Instant::now());
    }

    /// Counts a request for a device code.
    ///
    /// # Errors
    /// [`Refused::Throttled`] with the time to wait.
    pub fn device_code(&self, address: Option<&str>) -> Result<(), Refused> {
        let Some(address) = address else { return Ok(()) };
        let (key, now) = (key("device codes", address), Instant::now());
        let mut counts = self.forgotten_at.lock().unwrap_or_else(PoisonError::into_inner);
        wait(&counts, key, DEVICE_CODES, now).map_or(Ok(()), refuse)?;
        count(&mut counts, key, DEVICE_CODES, now);
        Ok(())
    }

    fn admit_at(&self, account: &str, address: Option<&str>, now: Instant) -> Result<(), Refused> {
        let counts = self.forgotten_at.lock().unwrap_or_else(PoisonError::into_inner);
        let account = wait(&counts, key("account", account), ACCOUNT, now);
        let address = address.and_then(|address| wait(&counts, key("address", address), ADDRESS, now));
        account.max(address).map_or(Ok(()), refuse)
    }

    fn record_at(&self, account: &str, address: Option<&str>, right: bool, now: Instant) {
        let mut counts = self.forgotten_at.lock().unwrap_or_else(PoisonError::into_inner);
        if right {
            counts.remove(&key("account", account));
            return;
        }
        count(&mut counts, key("account", account), ACCOUNT, now);
        if let Some(address) = address {
            count(&mut counts, key("address", address), ADDRESS, now);
        }
    }
}

fn refuse(wait: Duration) -> Result<(), Refused> {
    Err(Refused::Throttled { seconds: wait.as_secs() + 1 })
}

/// How long until the next try, if it is not allowed now.
fn wait(counts: &HashMap<[u8; 32], Instant>, key: [u8; 32], allowance: Allowance, now: Instant) -> Option<Duration> {
    let until_forgotten = counts.get(&key)?.checked_duration_since(now)?;
    let wait = until_forgotten.saturating_sub(allowance.pause.saturating_mul(allowance.tries.saturating_sub(1)));
    (!wait.is_zero()).then_some(wait)
}

fn count(counts: &mut HashMap<[u8; 32], Instant>, key: [u8; 32], allowance: Allowance, now: Instant) {
    let forgotten_at = counts.entry(key).or_insert(now);
    *forgotten_at = (*forgotten_at).max(now) + allowance.pause;
    if counts.len() > REMEMBERED {
        counts.retain(|_, at| *at > now);
    }
    if counts.len() > REMEMBERED {
        let mut ends: Vec<Instant> = counts.values().copied().collect();
        let middle = ends.len() / 2;
        let (_, median, _) = ends.select_nth_unstable(middle);
        let median = *median;
        counts.retain(|_, at| *at > median);
    }
}

/// Names come from outside at any length; their hashes bound what is kept.
fn key(kind: &str, name: &str) -> [u8; 32] {
    Sha256::digest(format!("{kind} {}", name.to_lowercase())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_close_an_account_and_each_minute_allows_one_more_try() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..10 {
            throttle.admit_at("ada@nordmoln.example", None, start).unwrap();
            throttle.record_at("ada@nordmoln.example", None, false, start);
        }
        let refused = throttle.admit_at("ADA@nordmoln.example", None, at(1)).unwrap_err();
        assert_eq!(refused.to_string(), "too many attempts; try again in 60 seconds");
        assert!(throttle.admit_at("olle@exempel.example", None, at(1)).is_ok());
        assert!(throttle.admit_at("ada@nordmoln.example", None, at(60)).is_ok());
        throttle.record_at("ada@nordmoln.example", None, false, at(60));
        assert!(throttle.admit_at("ada@nordmoln.example", None, at(119)).is_err());
        throttle.record_at("ada@nordmoln.example", None, true, at(120));
        throttle.record_at("ada@nordmoln.example", None, false, at(121));
        assert!(throttle.admit_at("ada@nordmoln.example", None, at(122)).is_ok());
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
        assert!(throttle.admit_at("olle@exempel.example", Some("192.0.2.1"), now + Duration::from_secs(7)).is_ok());
    }

    #[test]
    fn device_codes_are_not_for_hoarding() {
        let throttle = Throttle::default();
        assert_eq!((0..110).filter(|_| throttle.device_code(Some("192.0.2.1")).is_ok()).count(), 100);
        assert!(throttle.device_code(Some("192.0.2.2")).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for account in 0..30_000 {
            throttle.record_at(&account.to_string(), None, false, now);
        }
        assert!(throttle.forgotten_at.lock().unwrap().len() <= REMEMBERED);
    }
}
