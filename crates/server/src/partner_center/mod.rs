//! The Partner Center REST API, as its SDKs and scripts speak it.

pub mod body;
pub mod call;
pub mod collection;
pub mod dates;
pub mod error;
pub mod etag;
pub mod filter;
pub mod headers;
pub mod normalize;
pub mod reply;
pub mod throttle;

pub use call::{Call, customer_id};
pub use error::{Code, Failure};
pub use reply::Reply;
