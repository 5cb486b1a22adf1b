//! The only SQL of Fullmakt, and the only door to its data.
//!
//! One SQL text serves SQLite and PostgreSQL: `$1` placeholders, TEXT, BIGINT, instants as microseconds, money in
//! millionths. Only [`db`] names a driver.

mod activity;
pub mod authn;
mod benefit;
mod billing;
mod cart;
mod catalog;
mod customer;
pub mod db;
mod directory;
mod door;
pub mod due;
mod entitlement;
mod facts;
mod history;
mod ledger;
mod memo;
mod order;
mod packed;
mod partner;
mod places;
mod price_rule;
mod purchase;
mod quote;
mod rated;
mod readiness;
mod recommendation;
mod replay;
mod reservation;
mod reservation_update;
mod returning;
mod role_assignment;
mod role_definition;
mod row;
mod self_serve_policy;
mod statement;
mod stored;
mod subscription;
mod usage;
mod world;
mod write;

#[cfg(test)]
mod testing;

pub use db::{DatabaseUrl, InvalidDatabaseUrl, Store};
pub use door::{Answer, ExecuteError, Load, ReadError};
pub use replay::{Claim, ReplayKey};
pub use row::Fault;
pub use world::{LoadWorldError, SecretHashes};
