//! From rows to values and back, and the one error for what is our fault.

use fullmakt_domain::money::{Currency, Money};
use jiff::Timestamp;

/// The store could not do its work. Opaque to callers: logged once at the edge, shown as 500 or 503.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database did not answer or refused.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The file did not answer or refused.
    #[error("the database file failed")]
    File(#[from] rusqlite::Error),
    /// A write is not to be had in one statement: it takes its turn under the lock.
    #[error("the write takes more than one statement")]
    NotAtOnce,
    /// Another write of the same group came to nothing, and this one was undone with it.
    #[error("the write was undone with another one")]
    Overtaken,
    /// Too many wait for the database.
    #[error("the database is busy")]
    Busy,
    /// The server is about to stop.
    #[error("the database is closed")]
    Closed,
    /// What came back is not what was asked for.
    #[error("a row cannot be read: {0}")]
    Row(String),
    /// What is stored cannot be read back.
    #[error("stored {what} `{value}` is damaged")]
    Damaged {
        /// The kind of value.
        what: &'static str,
        /// As it stands in the database.
        value: String,
    },
    /// A write was given up, or its group could not be committed.
    #[error("the write was not committed: {0}")]
    NotCommitted(String),
    /// The schema could not be brought to this version.
    #[error("the database could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Another server of this machine has the file.
    #[error("another server is using the database `{}`; stop it first, or share a PostgreSQL database", path.display())]
    Shared {
        /// The file.
        path: std::path::PathBuf,
    },
    /// A decision would have put amounts of more than one currency into one event of the ledger.
    #[error("the amounts of ledger event `{event}` are of more than one currency")]
    MixedCurrencies {
        /// The event.
        event: uuid::Uuid,
    },
    /// Something the operating system refused.
    #[error("file or directory of the database")]
    Io(#[from] std::io::Error),
}

impl Fault {
    /// Whether another write got in between: one under another lock took a name that both wanted, or the revision is not
    /// the one that was read. Decided anew, the loser sees what the winner did.
    pub(crate) fn is_overtaken(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                // That of an addition whose revision is gone, see `postgres::Bulk`.
                error.is_unique_violation() || error.code().is_some_and(|code| code == DIVISION_BY_ZERO)
            }
            Self::File(error) => is_unique_violation(error),
            Self::Overtaken => true,
            _ => false,
        }
    }

    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Database(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed)
                | Self::NotCommitted(_)
                | Self::Overtaken
                | Self::Busy
                | Self::Closed
        )
    }
}

const DIVISION_BY_ZERO: &str = "22012";

fn is_unique_violation(error: &rusqlite::Error) -> bool {
    let taken = [rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY, rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE];
    error.sqlite_error().is_some_and(|error| taken.contains(&error.extended_code))
}

/// Reads an identifier, a state, a decimal or anything else that parses.
pub(crate) fn parsed<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::Damaged { what, value: text.to_owned() })
}

/// Reads what may be missing.
pub(crate) fn parsed_optional<T: std::str::FromStr>(
    what: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Fault> {
    text.map(|text| parsed(what, text)).transpose()
}

/// A value that a parser of the domain reads, `None` when it cannot.
pub(crate) fn known<T>(what: &'static str, text: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::Damaged { what, value: text.to_owned() })
}

/// Microseconds since 1970.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// An instant from microseconds since 1970.
pub(crate) fn instant(micros: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(micros).map_err(|_| Fault::Damaged { what: "instant", value: micros.to_string() })
}

/// An instant that may be missing.
pub(crate) fn instant_optional(micros: Option<i64>) -> Result<Option<Timestamp>, Fault> {
    micros.map(instant).transpose()
}

/// An amount from its two columns.
pub(crate) fn money(amount_e6: i64, currency: &str) -> Result<Money, Fault> {
    let currency = known("currency", currency, Currency::parse(currency).ok())?;
    Ok(Money { amount_e6, currency })
}
