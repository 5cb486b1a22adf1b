//! `fullmakt import usage`: brings hourly usage into a running server, over its own API.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use fullmakt_domain::ids::{CustomerId, SubscriptionId};
use fullmakt_domain::money::Currency;
use fullmakt_domain::rating::format_scaled;
use fullmakt_domain::usage::{UsageResource, hour_start};
use fullmakt_rating::{FileLine, FileResource, Progress, UsageFiles};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::clock;
use crate::config::Environment;
use crate::rate::{InputArgs, counted, hour, not_rated, not_rated_json, size};

/// What is brought in.
#[derive(Debug, Subcommand)]
pub enum Import {
    Usage(Box<ImportUsage>),
}

/// Bring hourly usage of customers into a running server, which then works out what reservations covered.
///
/// Reads the files that `fullmakt rate` reads: Parquet or CSV (also .csv.gz, .csv.zst) with the columns of usage, or, with
/// --input-format focus, exports in the columns of FOCUS 1.0, 1.1 or 1.2. Each hour from the first to the last of the files
/// is replaced as a whole, for every customer in them, so that the same files again change nothing; late usage is brought in
/// by giving its hours once more in full. The customers' subscriptions must be the partner's whose Admin agent or application
/// asks. All files are read and looked through before anything is sent: what cannot be used is told with file, row and
/// column, and nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  FULLMAKT_CLIENT_SECRET=… fullmakt import usage --usage usage/ --ready-file ready.json \\
      --tenant 11111111-1111-4111-8111-111111111111 --client-id 77777777-7777-4777-8777-777777777777
  FULLMAKT_TOKEN=… fullmakt import usage --usage day.parquet --server https://fullmakt.example --json
      With a token of an Admin agent or application of the partner.
  fullmakt import usage … --period-start 2026-11-01T00:00:00Z --period-end 2026-11-02T00:00:00Z
      These hours are complete, also those in which nothing ran.
  fullmakt import usage --input-format focus --usage export/ …
      The usage by the hour of a cost and usage export; its purchases, taxes and other rows are counted and left out.
      Which column holds what says the mapping of `fullmakt rate --print-mapping`; --mapping replaces parts of it.

Exit status: 0 done; 1 it could not be done, the reason is on standard error; 2 the words of the command are wrong. Hours
that were brought in before the server failed or could no longer be reached stay; the same command again goes on from there.")]
pub struct ImportUsage {
    /// Files of usage, or folders that hold them
    #[arg(long, value_name = "PATH", num_args = 1.., required = true)]
    usage: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    /// The file that the server wrote when it was ready
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    ready_file: Option<PathBuf>,
    /// The server's address, where there is no ready file
    #[arg(long, value_name = "URL", required_unless_present = "ready_file")]
    server: Option<String>,
    /// The partner's directory, for --client-id
    #[arg(long, value_name = "ID", requires = "client_id")]
    tenant: Option<String>,
    /// An application of the partner; its secret stands in FULLMAKT_CLIENT_SECRET
    #[arg(long, value_name = "ID", requires = "tenant")]
    client_id: Option<String>,
    /// The first hour that is brought in [default: the first of the files]
    #[arg(long, value_name = "TIME", value_parser = hour, requires = "period_end")]
    period_start: Option<i64>,
    /// The hour before which that ends [default: after the last of the files]
    #[arg(long, value_name = "TIME", value_parser = hour, requires = "period_start")]
    period_end: Option<i64>,
    /// Memory for the lines of the files; those that do not fit wait in the folder for temporary files
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1GiB")]
    memory: u64,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Bytes of one request, which servers take unless they were told otherwise, with some room.
const REQUEST_BYTES: usize = 900_000;
/// Hours of one request.
const REQUEST_HOURS: usize = 1_000;

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    customers: usize,
    changed_hours: u64,
    unchanged_hours: u64,
    lines: u64,
}

/// What the server takes of a customer.
struct Taken {
    subscriptions: BTreeSet<SubscriptionId>,
    /// The hour, counted from 1970, that is not over yet.
    over_until: i64,
}

impl ImportUsage {
    /// Reads the files and sends them, customer by customer and hour by hour.
    ///
    /// # Errors
    /// What is wrong with a file, and where; what the server refuses.
    pub async fn run(&self, environment: Environment, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let focus = self.input.focus(false)?;
        let mut sender = self.sender(&environment)?;
        if sender.token.is_none() {
            // Before a long read, and not after it.
            sender.token = Some(sender.sign_in().await?);
        }
        let folder = tempfile::tempdir().context("cannot make a folder for what does not fit into memory")?;
        let progress = Arc::new(Progress::default());
        let files = {
            let (paths, memory, place) = (self.usage.clone(), self.memory, folder.path().to_owned());
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let read = move || UsageFiles::read(&paths, focus.as_ref(), threads, memory, &place, &progress);
            tokio::task::spawn_blocking(read).await.context("reading fell over")??
        };
        let hours = self.period_start.zip(self.period_end).map_or_else(|| files.hours(), |(start, end)| start..end);
        if hours.is_empty() {
            let left_out = not_rated(files.not_rated(), 0);
            let colon = if left_out.is_empty() { "" } else { ": " };
            bail!("there are no hours to bring in{colon}{}", left_out.trim_end());
        }
        let resources = files.resources();
        check(&files, &resources, &hours, &mut sender).await?;
        let bar = ProgressBar::new(files.count());
        let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} lines, {per_sec}, {eta} left");
        bar.set_style(style.context("the bar has no such field")?);
        let mut outcome = Outcome { customers: files.customers().count(), ..Outcome::default() };
        for customer in files.customers() {
            let mut batch = Batch::new(customer, &resources);
            for hour in hours.clone() {
                let lines = files.hour(customer, hour)?;
                batch.add(hour, &lines)?;
                if batch.is_full() {
                    sender.send(&mut batch, &mut outcome).await?;
                }
                bar.inc(u64::try_from(lines.len()).unwrap_or(u64::MAX));
            }
            sender.send(&mut batch, &mut outcome).await?;
        }
        bar.finish_and_clear();
        self.tell(&outcome, &files, out)
    }

    fn tell(&self, outcome: &Outcome, files: &UsageFiles, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let Outcome { customers, changed_hours, unchanged_hours, lines } = outcome;
        if self.json {
            let told = json!({
                "customers": customers, "changedHours": changed_hours, "unchangedHours": unchanged_hours, "lines": lines,
                "notRated": not_rated_json(files.not_rated()), "roundedRows": files.rounded(),
            });
            writeln!(out, "{told}").context("cannot write the outcome")
        } else {
            let (lines, customers) = (counted(*lines, "line"), counted(u64::try_from(*customers)?, "customer"));
            let left_out = not_rated(files.not_rated(), files.rounded());
            let hours = counted(*changed_hours, "hour");
            write!(out, "{lines} of {customers}: {hours} replaced, {unchanged_hours} as they were\n{left_out}")
                .context("cannot write the outcome")
        }
    }

    fn sender(&self, environment: &Environment) -> anyhow::Result<Sender> {
        let (base, client) = match &self.ready_file {
            Some(path) => clock::reach(path)?,
            None => {
                let base = self.server.clone().unwrap_or_default();
                (base, reqwest::Client::builder().build()?)
            }
        };
        let set = |name: &str| environment.get(name).and_then(|value| value.to_str()).map(str::to_owned);
        let given = set("FULLMAKT_TOKEN");
        let application = match (&self.tenant, &self.client_id) {
            (Some(tenant), Some(id)) => {
                let secret = set("FULLMAKT_CLIENT_SECRET").context("FULLMAKT_CLIENT_SECRET is not set")?;
                Some((tenant.clone(), id.clone(), secret))
            }
            _ if given.is_some() => None,
            _ => bail!("who asks? give --tenant and --client-id, or a token in FULLMAKT_TOKEN"),
        };
        Ok(Sender { base: base.trim_end_matches('/').to_owned(), client, application, token: given })
    }
}

/// Looks for what the server would not take, before anything is sent.
///
/// # Errors
/// What is wrong, and where in the files.
async fn check(
    files: &UsageFiles,
    resources: &[FileResource],
    hours: &Range<i64>,
    sender: &mut Sender,
) -> anyhow::Result<()> {
    let mut of_customers: BTreeMap<&str, Option<Taken>> = BTreeMap::new();
    let mut over_until = i64::MAX;
    for customer in files.customers() {
        let taken = match CustomerId::parse(customer) {
            Ok(id) => sender.taken(id).await?,
            Err(_) => None,
        };
        over_until = taken.iter().map(|one| one.over_until).fold(over_until, i64::min);
        of_customers.insert(customer, taken);
    }
    let wrong = |one: &FileResource| wrong(one, of_customers.get(one.customer.as_str())?.as_ref()).err();
    let problems: Vec<Option<Problem>> = resources.iter().map(wrong).collect();
    if hours.end <= over_until && problems.iter().all(Option::is_none) {
        return Ok(());
    }
    let now = hour_start(over_until);
    files.check(|resource, hour| {
        let of_resource = usize::try_from(resource).ok().and_then(|place| problems.get(place)).cloned().flatten();
        let not_over = || format!("the hour `{}` is not over yet: on the server it is {now}", hour_start(hour));
        let is_early = hours.contains(&hour) && hour >= over_until;
        of_resource.or_else(|| is_early.then(|| ("ChargePeriodStart", not_over())))
    })?;
    bail!("--period-end is `{}`, and on the server it is {now}", hour_start(hours.end))
}

/// A column, and what is wrong with it.
type Problem = (&'static str, String);

/// What a server that takes this of the customer, or knows of none, finds wrong with a resource.
fn wrong(one: &FileResource, taken: Option<&Taken>) -> Result<(), Problem> {
    let FileResource { customer, subscription: id, currency, .. } = one;
    let Some(taken) = taken else {
        return Err(("x_CustomerId", format!("`{customer}` is no customer that you bring usage in for")));
    };
    let subscription = SubscriptionId::parse(id).map_err(|e| ("SubAccountId", e.to_string()))?;
    if !taken.subscriptions.contains(&subscription) {
        let problem = format!("`{id}` is no subscription that you sold to the customer `{customer}`");
        return Err(("SubAccountId", problem));
    }
    let resource = UsageResource {
        subscription,
        resource: one.resource.clone(),
        region: one.region.clone(),
        sku: one.sku.clone(),
        unit_price_e6: one.unit_price_e6,
        currency: Currency::parse(currency).map_err(|e| ("BillingCurrency", e.to_string()))?,
    };
    let column = |field: &str| match field {
        "resourceId" => "ResourceId",
        "regionId" => "RegionId",
        "armSkuName" => "x_ArmSkuName",
        _ => "ContractedUnitPrice",
    };
    resource.check().map_err(|wrong| (column(wrong.field()), wrong.to_string()))
}

/// Reads what the server answered to a request about something.
async fn read(answer: reqwest::Response, about: &str) -> anyhow::Result<Value> {
    let status = answer.status();
    let answer: Value =
        answer.json().await.with_context(|| format!("the server answered {status} and something else than JSON"))?;
    if !status.is_success() {
        let detail = answer["detail"].as_str().unwrap_or("the server refused");
        let field = answer["field"].as_str().map(|field| format!("{field}: ")).unwrap_or_default();
        bail!("{about}: {field}{detail}");
    }
    Ok(answer)
}

/// The way to the server.
struct Sender {
    base: String,
    client: reqwest::Client,
    application: Option<(String, String, String)>,
    token: Option<String>,
}

impl Sender {
    /// Sends what is in the batch and empties it.
    async fn send(&mut self, batch: &mut Batch<'_>, outcome: &mut Outcome) -> anyhow::Result<()> {
        let Some(body) = batch.take() else { return Ok(()) };
        let told = batch.told();
        let answer = self.ask(Method::POST, "/fullmakt/v1/usage", &body).await?;
        if answer.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let length = body.len().div_ceil(1 << 20);
            bail!("{told}: takes {length} MiB, more than the server takes at once: raise its --body-limit");
        }
        let answer = read(answer, &told).await?;
        let count = |name: &str| answer[name].as_u64().unwrap_or_default();
        outcome.changed_hours += count("changedHours");
        outcome.unchanged_hours += count("unchangedHours");
        outcome.lines += count("lines");
        Ok(())
    }

    /// What the server takes of a customer; nothing where it knows of none.
    async fn taken(&mut self, customer: CustomerId) -> anyhow::Result<Option<Taken>> {
        let answer = self.ask(Method::GET, &format!("/fullmakt/v1/customers/{customer}/usage"), "").await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = read(answer, &format!("customer {customer}")).await?;
        let wrong = "the server does not tell of which subscriptions it takes usage";
        let mut subscriptions = BTreeSet::new();
        for one in answer["subscriptions"].as_array().context(wrong)? {
            subscriptions.insert(SubscriptionId::parse(one["subscription"].as_str().context(wrong)?)?);
        }
        let over_until = hour(answer["overUntil"].as_str().context(wrong)?).map_err(anyhow::Error::msg)?;
        Ok(Some(Taken { subscriptions, over_until }))
    }

    /// Asks, and once more where the token has run out on the way.
    async fn ask(&mut self, method: Method, path: &str, body: &str) -> anyhow::Result<reqwest::Response> {
        for is_last in [false, true] {
            let token = match &self.token {
                Some(token) => token.clone(),
                None => self.sign_in().await?,
            };
            let request = self.client.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&token);
            let request = request.header("content-type", "application/json").body(body.to_owned());
            self.token = Some(token);
            let answer = request.send().await.with_context(|| self.unreachable())?;
            if is_last || answer.status() != StatusCode::UNAUTHORIZED || self.application.is_none() {
                return Ok(answer);
            }
            self.token = None;
        }
        bail!("the token is no longer good")
    }

    fn unreachable(&self) -> String {
        format!("the server at `{}` cannot be reached", self.base)
    }

    async fn sign_in(&self) -> anyhow::Result<String> {
        let Some((tenant, id, secret)) = &self.application else { bail!("the token is no longer good") };
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", "https://management.azure.com/.default"),
        ];
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.base);
        let answer = self.client.post(url).form(&form).send().await.with_context(|| self.unreachable())?;
        let answer: Value = answer.json().await.context("the server answered with something else than JSON")?;
        match answer["access_token"].as_str() {
            Some(token) => Ok(token.to_owned()),
            None => bail!("cannot sign in: {}", answer["error_description"].as_str().unwrap_or("the server refused")),
        }
    }
}

/// Hours of a customer that go in one request.
struct Batch<'a> {
    customer: &'a str,
    all: &'a [FileResource],
    /// The place of each resource in the request.
    places: BTreeMap<u32, usize>,
    resources: Vec<Value>,
    hours: Vec<Value>,
    bytes: usize,
    first: i64,
    last: i64,
}

impl<'a> Batch<'a> {
    fn new(customer: &'a str, all: &'a [FileResource]) -> Self {
        let (places, resources, hours) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { customer, all, places, resources, hours, bytes: 0, first: 0, last: 0 }
    }

    fn resource(&self, number: u32) -> Option<&'a FileResource> {
        self.all.get(usize::try_from(number).ok()?)
    }

    fn add(&mut self, hour: i64, lines: &[FileLine]) -> anyhow::Result<()> {
        let mut told = Vec::with_capacity(lines.len());
        for line in lines {
            let one = self.resource(line.resource).context("a line is of no resource")?;
            let place = match self.places.get(&line.resource) {
                Some(place) => *place,
                None => {
                    let place = self.resources.len();
                    let resource = json!({
                        "subAccountId": one.subscription,
                        "resourceId": one.resource,
                        "regionId": one.region,
                        "armSkuName": one.sku,
                        "contractedUnitPrice": format_scaled(one.unit_price_e6.into(), 6),
                        "billingCurrency": one.currency,
                    });
                    self.bytes += resource.to_string().len() + 1;
                    self.resources.push(resource);
                    self.places.insert(line.resource, place);
                    place
                }
            };
            let quantity = format_scaled(line.quantity_e6.into(), 6);
            let quantity = quantity.trim_end_matches('0').trim_end_matches('.');
            self.bytes += quantity.len() + 32;
            told.push(json!([place, line.line, quantity]));
        }
        if self.hours.is_empty() {
            self.first = hour;
        }
        self.last = hour;
        self.bytes += 48;
        self.hours.push(json!({"start": hour_start(hour).to_string(), "lines": told}));
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes >= REQUEST_BYTES / 2 || self.hours.len() >= REQUEST_HOURS
    }

    /// What the request was about, for messages.
    fn told(&self) -> String {
        format!("customer {}, {} to {}", self.customer, hour_start(self.first), hour_start(self.last + 1))
    }

    /// The request, unless there is nothing in it; begins anew.
    fn take(&mut self) -> Option<String> {
        if self.hours.is_empty() {
            return None;
        }
        self.places.clear();
        self.bytes = 0;
        let (resources, hours) = (std::mem::take(&mut self.resources), std::mem::take(&mut self.hours));
        Some(json!({"customer": self.customer, "resources": resources, "hours": hours}).to_string())
    }
}
