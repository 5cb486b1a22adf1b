//! Every end-to-end test, in one program.
#![allow(clippy::unwrap_used, reason = "a test that meets nothing fails")]

mod after_purchase;
mod books;
mod browser;
mod catalog;
mod clock;
mod concurrency;
mod coverage;
mod crash;
mod crawler;
mod disguises;
mod dotnet;
mod import_usage;
mod invoices;
mod own_laws;
mod pages_activity_log;
mod pages_customers;
mod pages_portal;
mod pages_purchases;
mod pages_returns;
mod pages_usage;
mod partner_laws;
mod partner_purchases;
mod recordings;
mod records;
mod scene;
mod sdk;
mod signin;
mod usage;
mod year;
