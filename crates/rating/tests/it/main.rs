//! The rating as a whole: kernel, file engine and oracle give the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod focus_in;
mod focus_out;
mod generated;
mod model;
mod oracle;
mod published;
mod robust;
mod server;
mod validator;
