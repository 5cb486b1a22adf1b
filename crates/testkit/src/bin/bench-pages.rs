//! Measures the pages that grow with the number of customers, on a large SQLite file. Run by `cargo xtask bench pages`.
#![allow(clippy::print_stdout, reason = "the table is what the program is for")]

use anyhow::Context;
use fullmakt_testkit::{
    Browser, Database, Document, FJALLRAVEN, Large, Measured, NORDMOLN, NORDMOLN_WORLD, SKOGSBRUKET, Server,
    ServerOptions, TestDatabase, own_path,
};
use std::sync::Arc;
use std::time::Instant;

const LARGE: Large = Large { customers: 100_000, records: 1_000_000 };
/// Requests for each page.
const TIMES: u32 = 200;
const LIMIT_MS: u64 = 50;
const PAGE: &str = "docs/performance.md";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let program = std::env::current_exe()?.with_file_name("fullmakt");
    let database = TestDatabase::create(Database::Sqlite).await;
    let data = Arc::new(tempfile::tempdir()?);
    let world = Some(NORDMOLN_WORLD.to_owned());
    let options = ServerOptions { world, program: Some(program.clone()), ..ServerOptions::default() };
    let mut server = Server::launch(&database, &data, &options).await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.ada().revokes_self_serve(FJALLRAVEN).await.ok();
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.kill();
    let begun = Instant::now();
    database.enlarge(LARGE, NORDMOLN, FJALLRAVEN, jiff::Timestamp::now().as_microsecond()).await;
    println!("{LARGE:?}, made in {} s", begun.elapsed().as_secs());
    let options = ServerOptions { program: Some(program), ..ServerOptions::default() };
    let server = Server::launch(&database, &data, &options).await;

    let table = measure(&server).await?;
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
    times_us: Vec<u64>,
}

async fn measure(server: &Server) -> anyhow::Result<Vec<Measured>> {
    let ada = server.ada();
    let mut browser = ada.browses().await;
    let customer = |number: u32| format!("88888888-0000-4000-8000-{:012x}", number * 457 % LARGE.customers);
    let deep = deep_pages(&mut browser, "/dashboard/customers").await;
    let log = deep_pages(&mut browser, "/dashboard/activity-log").await;
    let searched = ["Norr", "kund4", "fjälldata 1", "handel", "99999", "nobody has this name"];
    let subject = |what, path: Box<dyn Fn(u32) -> String>| Subject { what, path, times_us: Vec::new() };
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
    ];
    for number in 0..TIMES {
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
    let mut medians = subjects.iter_mut().map(|subject| {
        subject.times_us.sort_unstable();
        (subject.what, subject.times_us[subject.times_us.len() / 2])
    });
    let (empty_page, empty_us) = medians.next().context("nothing was measured")?;
    Ok(medians.map(|(what, time_us)| Measured::time(what, time_us, empty_page, empty_us, LIMIT_MS)).collect())
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
