//! What people do with the pages, in a real browser. On SQLite only: what a browser shows does not depend on the database.

mod accessibility;
mod keyboard;
mod reload;
mod stories;
mod window;
mod words;
