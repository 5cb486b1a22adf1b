//! The HTTP edges of Fullmakt: sign-in, Partner Center, Azure Resource Manager, own API.

pub mod app;
pub mod arm;
pub mod clock;
pub mod face;
pub mod jobs;
pub mod limits;
pub mod listen;
pub mod own;
pub mod partner_center;
pub mod pdf;
mod routes;
pub mod signin;
pub mod stack;
pub mod telemetry;
pub mod text;
pub mod tls;

pub use app::{App, Settings};
pub use clock::Clock;
pub use routes::routes;

#[cfg(test)]
mod refusals_page;
