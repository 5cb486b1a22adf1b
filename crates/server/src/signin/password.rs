//! Passwords and client secrets: argon2id, off the event loop, never more at a time than there are processors.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::error::Refused;
use super::throttle::Throttle;

/// Longest password or secret that is looked at, in bytes.
pub const MAX_SECRET: usize = 256;

/// Each hash takes 19 MiB, so a flood of sign-ins must queue instead of filling the memory.
static PERMITS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)));

/// What the secrets of unknown accounts are compared with, so that they take as long as those of known ones.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password").ok());

/// A secret could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("cannot hash a secret: {0}")]
pub struct HashFault(String);

/// argon2id with the least cost that OWASP recommends: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash_now(plain: &str) -> Result<String, HashFault> {
    argon2().hash_password(plain.as_bytes()).map(|hash| hash.to_string()).map_err(|e| HashFault(e.to_string()))
}

/// A fresh password of 20 signs, none of which is mistaken for another.
pub fn new_password() -> String {
    const SIGNS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    (0..20).filter_map(|_| SIGNS.get(rand::random_range(0..SIGNS.len())).copied().map(char::from)).collect()
}

/// Hashes a password or client secret for storing, as a PHC string.
///
/// # Errors
/// [`HashFault`] when the system has no random numbers or no memory.
pub async fn hash_secret(plain: &str) -> Result<String, HashFault> {
    let plain = plain.to_owned();
    let _permit = PERMITS.acquire().await.map_err(|e| HashFault(e.to_string()))?;
    tokio::task::spawn_blocking(move || hash_now(&plain)).await.map_err(|e| HashFault(e.to_string()))?
}

/// Whether `plain` is the secret behind `hash`. Without a hash the answer is no, after the same time.
pub async fn verify_secret(plain: &str, hash: Option<&str>) -> bool {
    match PERMITS.acquire().await {
        Ok(_permit) => compare(plain, hash).await,
        Err(_) => false,
    }
}

/// As [`verify_secret`], for a sign-in: counts failures of the account and of the address it comes from.
///
/// # Errors
/// [`Refused::Throttled`] when there were too many; the secret is then not looked at.
pub async fn check_secret(
    throttle: &Throttle,
    account: &str,
    address: Option<&str>,
    plain: &str,
    hash: Option<&str>,
) -> Result<bool, Refused> {
    let _permit = PERMITS.acquire().await.map_err(|_| Refused::Fault)?;
    // Counted while holding a permit: of guesses sent all at once, only as many as there are permits can overshoot.
    throttle.admit(account, address)?;
    let right = compare(plain, hash).await;
    throttle.record(account, address, right);
    Ok(right)
}

async fn compare(plain: &str, hash: Option<&str>) -> bool {
    let known = hash.is_some();
    let (plain, hash) = (plain.to_owned(), hash.map(str::to_owned));
    let work = move || {
        let Some(hash) = hash.or_else(|| NOBODY.clone()) else { return false };
        plain.len() <= MAX_SECRET && argon2().verify_password(plain.as_bytes(), hash.as_str()).is_ok()
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(false) && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_known_by_its_hash_alone() {
        let hash = hash_secret("lösenord").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_secret("lösenord", Some(&hash)).await);
        assert!(!verify_secret("losenord", Some(&hash)).await);
        assert!(!verify_secret("lösenord", None).await);
        assert!(!verify_secret("nobody has this password", None).await);
        assert!(!verify_secret("lösenord", Some("not a hash")).await);
    }
}
