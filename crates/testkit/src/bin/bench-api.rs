//! Measures a server as it is built for release. Run by `cargo xtask bench api`, which brings the PostgreSQL cluster.
#![allow(clippy::print_stdout, reason = "the table is what the program is for")]

use anyhow::Context;
use fullmakt_testkit::{
    Audience, Database, FJALLRAVEN, Measured, Persona, Purchase, Server, ServerOptions, Site, TestDatabase,
    insert_single_rows, quoted_order, world_of_many_customers,
};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Connections that ask at once, in every measurement.
const CLIENTS: usize = 16;
const READING: Duration = Duration::from_secs(2);
const WRITING: Duration = Duration::from_secs(2);
/// How often what is held against each other takes turns, so that both meet the same machine. The figures are medians.
const TURNS: usize = 5;
const PAGE: &str = "docs/performance.md";
const SKU: &str = "Standard_D2s_v5";

// One thread, so that the clients leave the machine to what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let program = std::env::current_exe()?.with_file_name("fullmakt");
    let mut table = Vec::new();

    // `purchases SQLite` measures just that, for those who work on it.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |word: &str| {
        let all = words.iter().all(|word| word.starts_with("--"));
        all || words.iter().any(|w| w.eq_ignore_ascii_case(word))
    };
    if wanted("idle") {
        table.extend(idle_server(&program).await?);
    }
    for (kind, name) in [(Database::Sqlite, "SQLite"), (Database::DurablePostgres, "PostgreSQL")] {
        if !wanted(name) {
            continue;
        }
        let bench = Bench::start(&program, kind).await;
        if wanted("reads") {
            table.extend(bench.reads(name).await);
        }
        if !wanted("purchases") {
            continue;
        }
        let (measured, processor) = bench.purchases(kind, name).await?;
        table.push(measured);
        table.push(Measured::figure(&format!("processor time of the server for each, {name}"), processor, "µs"));
        table.push(Measured::figure(&format!("memory after that, {name}"), memory(&bench.server)?, "MiB"));
    }

    let page = table.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let page = format!("| what | figure | against | ratio | goal | verdict |\n|---|--:|--:|--:|--:|---|\n{page}\n");
    println!("\n{page}");
    if std::env::args().any(|word| word == "--write") {
        let text = std::fs::read_to_string(PAGE)?;
        let (before, rest) = text.split_once("<!-- figures -->\n").context("the page has no place for figures")?;
        let (_, after) = rest.split_once("<!-- end -->\n").context("the place for figures has no end")?;
        std::fs::write(PAGE, format!("{before}<!-- figures -->\n{page}<!-- end -->\n{after}"))?;
    }
    Ok(())
}

/// A server with a buyer for each client, each of a customer of their own.
struct Bench {
    server: Server,
    buyers: Vec<(Persona, Purchase)>,
}

impl Bench {
    async fn start(program: &std::path::Path, kind: Database) -> Self {
        let (world, customers) = world_of_many_customers(CLIENTS);
        let database = TestDatabase::create(kind).await;
        let data = Arc::new(tempfile::tempdir().expect("the temporary folder can be written"));
        let program = Some(program.into());
        let options = ServerOptions { world: Some(world), program, http1: true, ..ServerOptions::default() };
        let server = Server::launch(&database, &data, &options).await;
        let mut buyers = Vec::new();
        for customer in &customers {
            server.ada().grants_self_serve(&customer.id).await.ok();
            let buyer = server.buyer_of(customer);
            buyer.token(Audience::Arm).await;
            buyers.push((buyer, Purchase::of(1, SKU).with(&customer.subscription)));
        }
        server.ada().grants_self_serve(FJALLRAVEN).await.ok();
        Self { server, buyers }
    }

    /// Reads of a policy a second against a route that does nothing.
    async fn reads(&self, name: &str) -> Vec<Measured> {
        let policy = format!("/v1/SelfServePolicy/11111111-1111-4111-8111-111111111111_{FJALLRAVEN}");
        let token = self.server.ada().token(Audience::PartnerCenter).await;
        let (mut bare, mut read) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            bare.push(per_second(&self.server, "/healthz", None).await);
            read.push(per_second(&self.server, &policy, Some(&token)).await);
        }
        let what = format!("reads of a policy, {name}");
        vec![Measured::ratio(&what, median(read), "/s", "bare route", median(bare), 500)]
    }

    /// Purchases a second against what the database does in a second, and microseconds of processor time that the server takes
    /// for each purchase. The quotes are asked for beforehand.
    async fn purchases(&self, kind: Database, name: &str) -> anyhow::Result<(Measured, u64)> {
        const EACH: usize = 150;
        let quoting = self.buyers.iter().map(|(buyer, wanted)| async move {
            let mut orders = Vec::new();
            for _ in 0..EACH * TURNS {
                orders.push(quoted_order(&buyer.asks_price(wanted).await.ok()));
            }
            orders
        });
        let orders = join_all(quoting).await;
        let bare = BareDatabase::create(kind).await?;
        let (mut bought, mut against, mut processor) = (Vec::new(), Vec::new(), Vec::new());
        for turn in 0..TURNS {
            let orders = orders.iter().map(|orders| orders.iter().skip(turn * EACH).take(EACH));
            let (rate, time) = self.buy(orders).await?;
            bought.push(rate);
            processor.push(time);
            against.push(bare.per_second().await?);
        }
        let (what, goal) = match kind {
            Database::Sqlite => ("commits of one row, `synchronous=FULL`", 500),
            _ => ("`pgbench -N`", 300),
        };
        let what = Measured::ratio(&format!("purchases, {name}"), median(bought), "/s", what, median(against), goal);
        Ok((what, median(processor)))
    }

    /// Buys what was quoted, each buyer one order after the other.
    async fn buy<'o>(
        &self,
        orders: impl Iterator<Item = impl Iterator<Item = &'o String>>,
    ) -> anyhow::Result<(u64, u64)> {
        let (begun, before) = (Instant::now(), processor_time(&self.server)?);
        let buying = self.buyers.iter().zip(orders).map(|((buyer, wanted), orders)| async move {
            let mut bought = 0_u64;
            for order in orders {
                if begun.elapsed() > WRITING {
                    break;
                }
                buyer.buys_quoted(order, wanted).await.ok();
                bought += 1;
            }
            bought
        });
        let bought: u64 = join_all(buying).await.into_iter().sum();
        let (time, processor) = (begun.elapsed(), processor_time(&self.server)?.saturating_sub(before));
        Ok((rate(bought, time), u64::try_from(processor.as_micros())? / bought.max(1)))
    }
}

/// What a database does without a server before it.
enum BareDatabase {
    Sqlite,
    Postgres(String),
}

impl BareDatabase {
    async fn create(kind: Database) -> anyhow::Result<Self> {
        if kind == Database::Sqlite {
            return Ok(Self::Sqlite);
        }
        let url = TestDatabase::create(kind).await.url();
        pgbench(&["-i", "-q", "-s", "16"], &url).await?;
        Ok(Self::Postgres(url))
    }

    /// Commits of a single row; or transactions of PostgreSQL's own measure, without the contended updates, with as many
    /// clients.
    async fn per_second(&self) -> anyhow::Result<u64> {
        let Self::Postgres(url) = self else {
            let folder = tempfile::tempdir()?;
            return Ok(rate(insert_single_rows(&folder.path().join("bare.db"), WRITING).await, WRITING));
        };
        let (clients, seconds) = (CLIENTS.to_string(), WRITING.as_secs().to_string());
        let printed = pgbench(&["-N", "-c", &clients, "-j", "2", "-T", &seconds], url).await?;
        let tps = printed.lines().find_map(|line| line.strip_prefix("tps = ")).context("`pgbench` names no rate")?;
        let whole = tps.split('.').next().context("`pgbench` names no rate")?;
        Ok(whole.parse()?)
    }
}

async fn pgbench(words: &[&str], database: &str) -> anyhow::Result<String> {
    let program = std::env::var("FULLMAKT_TEST_PGBENCH").unwrap_or_else(|_| "pgbench".to_owned());
    let output = tokio::process::Command::new(&program).args(words).arg(database).output().await;
    let output = output.context("`pgbench` does not start")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

async fn idle_server(program: &std::path::Path) -> anyhow::Result<Vec<Measured>> {
    let database = TestDatabase::create(Database::Sqlite).await;
    let data = Arc::new(tempfile::tempdir()?);
    let options = ServerOptions { program: Some(program.into()), ..ServerOptions::default() };
    let first = Server::launch(&database, &data, &options).await.started_in;
    let mut later = Vec::new();
    let mut idle = Vec::new();
    for _ in 0..5 {
        let server = Server::launch(&database, &data, &options).await;
        later.push(millis(server.started_in));
        tokio::time::sleep(Duration::from_secs(1)).await;
        idle.push(memory(&server)?);
    }
    Ok(vec![
        Measured::figure("first start, keys and schema made", millis(first), "ms"),
        Measured::below("from start to ready", median(later), "ms", 500),
        Measured::below("idle memory", median(idle), "MiB", 64),
    ])
}

/// How many answers a second one path gives to all clients together.
async fn per_second(site: &Site, path: &str, token: Option<&str>) -> u64 {
    let begun = Instant::now();
    let asking = (0..CLIENTS).map(|_| async {
        let mut answers = 0_u64;
        while begun.elapsed() < READING {
            let ask = site.ask(axum::http::Method::GET, path);
            let ask = match token {
                Some(token) => ask.bearer(token),
                None => ask,
            };
            ask.send().await.ok();
            answers += 1;
        }
        answers
    });
    let answers: u64 = join_all(asking).await.into_iter().sum();
    rate(answers, begun.elapsed())
}

/// Memory that the process has in use now, in MiB, rounded up.
fn memory(server: &Server) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib.div_ceil(1024))
}

/// Processor time that the process has taken so far.
fn processor_time(server: &Server) -> anyhow::Result<Duration> {
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.process_id()))?;
    let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|ticks| ticks.parse::<u32>().ok()).unwrap_or(0));
    Ok(TICK * (user + system))
}

fn rate(count: u64, time: Duration) -> u64 {
    count * 1_000 / millis(time).max(1)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}
