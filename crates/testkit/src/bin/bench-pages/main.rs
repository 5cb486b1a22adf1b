//! Measures the pages that grow with the number of customers, or with what one of them used, on a large SQLite file. Run by
//! `cargo xtask bench pages`; with `--quick` on a small file, to see that it all works.
#![allow(clippy::print_stdout, reason = "the table is what the program is for")]

mod usage;

use anyhow::Context;
use axum::http::Method;
use fullmakt_testkit::{
    Browser, Database, Document, FJALLRAVEN, Large, Measured, NORDMOLN, NORDMOLN_WORLD, SKOGSBRUKET, Server,
    ServerOptions, TestDatabase, own_path,
};
use jiff::{Span, Timestamp};
use std::sync::Arc;
use std::time::Instant;
use usage::Fleet;

/// How much there is to measure on.
#[derive(Clone, Copy)]
struct Size {
    large: Large,
    fleet: Fleet,
    /// Requests for each page.
    times: u32,
}

const WHOLE: Size = Size {
    large: Large { customers: 100_000, records: 1_000_000 },
    fleet: Fleet { resources: 500, days: 730 },
    times: 200,
};
const QUICK: Size =
    Size { large: Large { customers: 200, records: 2_000 }, fleet: Fleet { resources: 60, days: 35 }, times: 5 };
/// What a page takes at most, in milliseconds.
const LIMIT_MS: u64 = 50;
/// The same of pages about usage.
const USAGE_LIMIT_MS: u64 = 100;
const PAGE: &str = "docs/performance.md";
/// When the fleet's reservations were bought.
const BOUGHT: &str = "2026-11-01T08:00:00Z";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = if std::env::args().any(|word| word == "--quick") { QUICK } else { WHOLE };
    let program = std::env::current_exe()?.with_file_name("fullmakt");
    let database = TestDatabase::create(Database::Sqlite).await;
    let data = Arc::new(tempfile::tempdir()?);
    let world = Some(format!("clock = \"{BOUGHT}\"\n{NORDMOLN_WORLD}"));
    let words = ["--clock", "movable", "--body-limit", "64MiB", "--request-timeout", "600"].map(str::to_owned);
    let options = ServerOptions { world, program: Some(program), words: words.to_vec(), ..ServerOptions::default() };
    let mut server = Server::launch(&database, &data, &options).await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.ada().revokes_self_serve(FJALLRAVEN).await.ok();
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    usage::reserve(&server, size.fleet).await;
    let bought: Timestamp = BOUGHT.parse()?;
    let now = bought + Span::new().hours(24 * i64::from(size.fleet.days));
    let to = serde_json::json!({"to": now.to_string()});
    server.ada().sends(Method::POST, "/fullmakt/v1/clock", &to).await.ok();
    usage::bring_in(&server, size.fleet, now).await?;
    server.kill();
    let begun = Instant::now();
    database.enlarge(size.large, NORDMOLN, FJALLRAVEN, now.as_microsecond()).await;
    println!("{:?}, made in {} s", size.large, begun.elapsed().as_secs());
    let server = Server::launch(&database, &data, &ServerOptions { world: None, ..options }).await;

    let table = measure(&server, size).await?;
    let page = table.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let page = format!("| what | figure | against | ratio | goal | verdict |\n|---|--:|--:|--:|--:|---|\n{page}\n");
    println!("\n{page}");
    if std::env::args().any(|word| word == "--write") {
        let text = std::fs::read_to_string(PAGE)?;
        let (before, rest) = text.split_once("<!-- pages -->\n").context("the document has no place for pages")?;
        let (_, after) = rest.split_once("<!-- end of pages -->\n").context("the place for pages has no end")?;
        std::fs::write(PAGE, format!("{before}<!-- pages -->\n{page}<!-- end of pages -->\n{after}"))?;
    }
    Ok(())
}

/// A page, and the address to ask for the n-th time.
struct Subject {
    what: &'static str,
    path: Box<dyn Fn(u32) -> String>,
    limit_ms: u64,
    times_us: Vec<u64>,
}

async fn measure(server: &Server, size: Size) -> anyhow::Result<Vec<Measured>> {
    let ada = server.ada();
    let mut browser = ada.browses().await;
    let customers = size.large.customers;
    let customer = move |number: u32| format!("88888888-0000-4000-8000-{:012x}", number * 457 % customers);
    let deep = deep_pages(&mut browser, "/dashboard/customers").await;
    let log = deep_pages(&mut browser, "/dashboard/activity-log").await;
    let searched = ["Norr", "kund4", "fjälldata 1", "handel", "99999", "nobody has this name"];
    let subject =
        |what, path: Box<dyn Fn(u32) -> String>| Subject { what, path, limit_ms: LIMIT_MS, times_us: Vec::new() };
    let of_usage = |what, page: &'static str| {
        let path = format!("/dashboard/customers/{FJALLRAVEN}/{page}");
        Subject { limit_ms: USAGE_LIMIT_MS, ..subject(what, Box::new(move |_| path.clone())) }
    };
    let pick = |pages: Vec<String>| -> Box<dyn Fn(u32) -> String> {
        Box::new(move |number| pages[index(number) % pages.len()].clone())
    };
    let mut subjects = [
        subject("an empty page", Box::new(|number| format!("/dashboard/nothing-{number}"))),
        subject("customer list", Box::new(|_| "/dashboard/customers".to_owned())),
        subject("customer list, further pages", pick(deep)),
        subject("search of customers", {
            Box::new(move |number| {
                let words = fullmakt_testkit::escape(searched[index(number) % searched.len()]);
                format!("/dashboard/customers?q={words}")
            })
        }),
        subject("account page", Box::new(move |number| format!("/dashboard/customers/{}/account", customer(number)))),
        subject("activity log, last month", Box::new(|_| "/dashboard/activity-log".to_owned())),
        subject("activity log, further pages", pick(log)),
        of_usage("usage of 30 days", "usage"),
        of_usage("usage of 60 days", "usage?days=60"),
        of_usage("charge-back of 30 days", "usage/charge-back"),
        of_usage("what to buy, by 30 days", "what-to-buy"),
        of_usage("what to buy, by 60 days", "what-to-buy?days=60"),
        of_usage("reservations of the customer", "reservations"),
    ];
    for number in 0..size.times {
        for subject in &mut subjects {
            // A write, so that nothing is answered from what was read before.
            match number % 2 {
                0 => ada.grants_self_serve(SKOGSBRUKET).await,
                _ => ada.revokes_self_serve(SKOGSBRUKET).await,
            };
            let path = (subject.path)(number);
            let begun = Instant::now();
            let answer = browser.gets(&path).await;
            subject.times_us.push(u64::try_from(begun.elapsed().as_micros())?);
            anyhow::ensure!(answer.status.is_success() || subject.what == "an empty page", "{answer}");
        }
    }
    // What is kept is first found; how long that took is told and not judged.
    let found = subjects.iter().filter(|subject| subject.what.starts_with("what to buy"));
    let found: Vec<Measured> = found
        .filter_map(|subject| {
            Some(Measured::figure(&format!("{}, found anew", subject.what), subject.times_us.first()? / 1_000, "ms"))
        })
        .collect();
    let mut medians = subjects.iter_mut().map(|subject| {
        subject.times_us.sort_unstable();
        (subject.what, subject.limit_ms, subject.times_us[subject.times_us.len() / 2])
    });
    let (empty_page, _, empty_us) = medians.next().context("nothing was measured")?;
    let judged = medians.map(|(what, limit_ms, time_us)| Measured::time(what, time_us, empty_page, empty_us, limit_ms));
    Ok(judged.chain(found).collect())
}

/// The pages that one gets to by *next*, again and again.
async fn deep_pages(browser: &mut Browser, first: &str) -> Vec<String> {
    let mut pages = vec![first.to_owned()];
    for _ in 0..40 {
        let answer = browser.gets(pages.last().expect("there is the first")).await.ok();
        let document = Document::read(&answer.text());
        let next = document.tags.iter().find(|tag| tag.get("rel") == Some("next")).and_then(|tag| tag.get("href"));
        let Some(next) = next.and_then(|next| own_path(&browser.at, next)) else { break };
        pages.push(next);
    }
    pages.split_off(pages.len().min(2) - 1)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or_default()
}
