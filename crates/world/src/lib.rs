//! World files: a TOML description of partners and customers, checked line by line.

pub mod catalog_csv;
mod check;
mod demo;
mod read;
pub mod sample_catalog;
mod world;

pub use check::parse;
pub use demo::demo;
pub use read::{Mistake, listed, nearest};
pub use world::{
    Application, Customer, Entitlement, EntitlementStatus, Offer, Partner, RoleAssignment, Secret, SelfServe,
    Subscription, Support, User, World,
};
