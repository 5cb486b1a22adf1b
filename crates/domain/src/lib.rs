//! Every rule and decision of Fullmakt, runnable without I/O.
//!
//! Nothing in here is asynchronous, reads a clock, draws a random number, uses floating point or iterates a hash map: a
//! decision is a function of what is stored, what is asked, and when. Instants and new identifiers enter at the edge and
//! travel in the command.

pub mod activity;
pub mod actor;
pub mod arm_scope;
pub mod authz;
pub mod basket;
pub mod benefit;
pub mod billing;
pub mod cancellation;
pub mod cart;
pub mod catalog;
pub mod catalog_item;
pub mod change;
pub mod customer;
pub mod directory;
pub mod due;
pub mod entitlement;
pub mod exchange;
pub mod history;
pub mod ids;
pub mod ledger;
pub mod lifecycle;
pub mod market;
pub mod money;
pub mod obstacle;
pub mod operation;
pub mod order;
pub mod partner;
pub mod placement;
pub mod price;
pub mod price_rule;
pub mod purchase;
pub mod quote;
pub mod rated;
pub mod rating;
pub mod readiness;
pub mod recommendation;
pub mod refund;
pub mod refund_policy;
pub mod refusal;
pub mod refusal_samples;
pub mod renewal;
pub mod reservation;
pub mod reservation_update;
pub mod returning;
pub mod role;
pub mod role_assignment;
pub mod role_definition;
pub mod self_serve_policy;
pub mod subscription;
pub mod usage;

#[cfg(test)]
mod testing;
