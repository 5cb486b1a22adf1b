//! Worlds, personas and every end-to-end test of Fullmakt.
//!
//! A test reads like a story: `server.ada().grants_self_serve(FJALLRAVEN).await.ok();`. The same words work on a [`World`],
//! which answers inside this process, and on a [`Server`], which is the real program in a process of its own.

mod answer;
mod database;
mod persona;
mod server;
mod site;
mod story;

pub use answer::Answer;
pub use database::{Database, TestDatabase};
pub use persona::{Persona, Purchase};
pub use server::{Server, ServerOptions};
pub use site::{Audience, Site};
pub use story::*;
