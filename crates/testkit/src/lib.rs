//! Worlds, personas and every end-to-end test of Fullmakt.
//!
//! A test reads like a story: `server.ada().grants_self_serve(FJALLRAVEN).await.ok();`. It is
//! told to a [`Server`], which is the real program in a process of its own.

mod answer;
mod browser;
mod database;
mod document;
mod furnish;
mod measured;
mod pages;
mod persona;
mod server;
mod site;
mod story;
mod tour;
mod whole;

pub use answer::Answer;
pub use browser::{DOWN, ENTER, ESCAPE, Focus, Look, SPACE, TAB, Window, in_window};
pub use database::{Database, Large, TestDatabase, insert_single_rows};
pub use document::{Document, Form, FormField, Tag};
pub use measured::Measured;
pub use pages::{Browser, between};
pub use persona::{Persona, Purchase, order_path, quoted_order};
pub use server::{Server, ServerOptions, Told, told};
pub use site::{Audience, Site, escape};
pub use story::*;
pub use tour::{Stop, Tour, own_path, shape_of};
pub use whole::assert_all_whole;
