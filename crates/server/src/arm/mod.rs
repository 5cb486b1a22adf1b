//! The edge that speaks Azure Resource Manager.

pub mod api_version;
pub mod body;
pub mod catalogs;
pub mod error;
pub mod filter;
pub mod headers;
pub mod metadata;
pub mod orderby;
pub mod paging;
pub mod query;
pub mod routes;
pub mod wire;
