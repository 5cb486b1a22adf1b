//! World files: a TOML description of partners and customers, checked line by line.

mod check;
mod demo;
mod read;
mod world;

pub use check::parse;
pub use demo::demo;
pub use read::Mistake;
pub use world::{
    Application, Customer, Entitlement, EntitlementStatus, Offer, Partner, RoleAssignment, Secret, SelfServe,
    SelfServeResource, Subscription, Support, User, World,
};
