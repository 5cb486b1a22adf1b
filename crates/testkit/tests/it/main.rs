//! Every end-to-end test, in one program.
#![allow(clippy::unwrap_used, reason = "a test that meets nothing fails")]

mod catalog;
mod partner_purchases;
mod signin;
