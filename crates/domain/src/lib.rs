//! Every rule and decision of Fullmakt, runnable without I/O.
//!
//! Nothing in here is asynchronous, reads a clock, draws a random number, uses floating point or iterates a hash map: a
//! decision is a function of what is stored, what is asked, and when. Instants and new identifiers enter at the edge and
//! travel in the command.

pub mod actor;
pub mod arm_scope;
pub mod catalog;
pub mod catalog_item;
pub mod ids;
pub mod market;
pub mod money;
pub mod price;
pub mod price_rule;
pub mod role;
