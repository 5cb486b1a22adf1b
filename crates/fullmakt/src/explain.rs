//! `fullmakt explain`: which reservation took which part of a line, in which order, and why others did not.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{ArgGroup, Args};
use fullmakt_domain::rating::format_scaled;
use fullmakt_rating::{About, Explanation, Question, explain};
use serde_json::json;

use crate::rate::{InputArgs, hour, size};

/// Tell why a usage line, or a reservation in an hour, came out of the rating as it did.
///
/// Reads the same files as `fullmakt rate` and rates the one hour of the one billing context and region again. Of a line it says
/// which reservation took which part, in which pass, what is left, and of every other reservation there why it took nothing.
/// Of a reservation it says which lines it took from, and why some of it was left.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("about").required(true).args(["line", "reservation"])),
    after_help = "\
Examples:
  fullmakt explain --usage usage/ --reservations reservations.parquet --flexibility flexibility.csv --line 4711
  fullmakt explain --usage usage/ --reservations reservations.parquet --flexibility flexibility.csv \\
      --reservation 7d6a2f60-0d0c-4c7e-9d5b-2f3f0b7f3a11 --hour 2026-01-05T09:00:00Z
  fullmakt explain … --line 4711 --json | jq '.lines[].parts'

Exit status: 0 explained; 1 there is no such line or reservation, or a file cannot be read."
)]
pub struct Explain {
    /// Files of usage, or folders that hold them
    #[arg(long, value_name = "PATH", num_args = 1.., required = true)]
    usage: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    /// The reservations, Parquet or CSV
    #[arg(long, value_name = "FILE")]
    reservations: PathBuf,
    /// The size flexibility table, CSV
    #[arg(long, value_name = "FILE")]
    flexibility: PathBuf,
    /// The LineId of a usage line
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    line: Option<i64>,
    /// The id of a reservation
    #[arg(long, value_name = "ID", requires = "hour")]
    reservation: Option<String>,
    /// In which hour, such as 2026-01-05T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = hour, conflicts_with = "line")]
    hour: Option<i64>,
    /// Memory to work with
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "2GiB")]
    memory: u64,
    /// Print the explanation as JSON, amounts as exact text
    #[arg(long)]
    json: bool,
}

impl Explain {
    /// Explains.
    ///
    /// # Errors
    /// When there is no such line or reservation, or a file cannot be read.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let about = match (self.line, &self.reservation, self.hour) {
            (Some(line), ..) => About::Line(line),
            (None, Some(id), Some(hour)) => About::Reservation(id.clone(), hour),
            (None, ..) => anyhow::bail!("--line, or --reservation and --hour: about what?"),
        };
        let question = Question {
            usage: self.usage.clone(),
            focus: self.input.focus(false)?,
            reservations: self.reservations.clone(),
            flexibility: self.flexibility.clone(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory: self.memory,
            about,
        };
        let explanation =
            tokio::task::spawn_blocking(move || explain(&question)).await.context("the rating fell over")??;
        let text = if self.json {
            format!("{:#}\n", as_json(&explanation))
        } else {
            for_people(&explanation, self.line.is_some())
        };
        out.write_all(text.as_bytes()).context("cannot write the explanation")
    }
}

/// Without zeros at the end.
fn amount(value_e10: i128) -> String {
    let text = format_scaled(value_e10, 10);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn price(value_e6: i64) -> String {
    amount(i128::from(value_e6) * 10_000)
}

const PASSES: [&str; 4] = [
    "one subscription, one SKU",
    "one subscription, flexible size",
    "all subscriptions, one SKU",
    "all subscriptions, flexible size",
];

fn pass(number: u8) -> &'static str {
    PASSES.get(usize::from(number).wrapping_sub(1)).copied().unwrap_or_default()
}

fn for_people(of: &Explanation, is_line: bool) -> String {
    let mut text = format!(
        "{}, region {}\nbilling account {}, customer {}, {}\n",
        of.hour, of.region, of.account, of.customer, of.currency
    );
    let mut say = |line: String| writeln!(text, "{line}").unwrap_or_default();
    if !is_line {
        for one in &of.reservations {
            let kind = pass(one.pass);
            say(format!("\nreservation {}: {} of {}, pass {} ({kind})", one.id, one.quantity, one.sku, one.pass));
            say(format!(
                "  used {}, left {} for {} {}: {}",
                amount(one.used_e10),
                amount(one.unused_e10),
                amount(one.unused_cost_e10),
                of.currency,
                one.why
            ));
        }
    }
    for line in &of.lines {
        say(format!(
            "\nline {}: {} instance hours of {} at {} {}",
            line.line,
            amount(line.quantity_e10),
            line.sku,
            price(line.price_e6),
            of.currency
        ));
        say(format!("  subscription {}\n  resource {}", line.subscription, line.resource));
        for (index, part) in line.parts.iter().enumerate() {
            say(format!(
                "  {}. {} took {} ({} reserved instances, cost {} {}) in pass {} ({})",
                index + 1,
                part.reservation,
                amount(part.consumed_e10),
                amount(part.discounted_e10),
                amount(part.effective_e10),
                of.currency,
                part.pass,
                pass(part.pass),
            ));
        }
        let rest =
            format!("  left to pay as you go: {}, {} {}", amount(line.rest_e10), amount(line.billed_e10), of.currency);
        say(rest);
    }
    if is_line && !of.reservations.is_empty() {
        say("\nreservations of this billing context and region, in the order in which they take usage:".into());
        for one in &of.reservations {
            say(format!("  pass {}  {}  {} of {}: {}", one.pass, one.id, one.quantity, one.sku, one.why));
        }
    } else if is_line {
        say("\nthis billing context has no reservation in this region".into());
    }
    text
}

fn as_json(of: &Explanation) -> serde_json::Value {
    let exact = |value: i128| format_scaled(value, 10);
    let lines: Vec<_> = of
        .lines
        .iter()
        .map(|line| {
            let parts: Vec<_> = line
                .parts
                .iter()
                .map(|part| {
                    json!({
                        "reservationId": part.reservation,
                        "pass": part.pass,
                        "consumedQuantity": exact(part.consumed_e10),
                        "commitmentDiscountQuantity": exact(part.discounted_e10),
                        "effectiveCost": exact(part.effective_e10),
                    })
                })
                .collect();
            json!({
                "lineId": line.line,
                "subAccountId": line.subscription,
                "resourceId": line.resource,
                "armSkuName": line.sku,
                "consumedQuantity": exact(line.quantity_e10),
                "contractedUnitPrice": format_scaled(line.price_e6.into(), 6),
                "parts": parts,
                "restQuantity": exact(line.rest_e10),
                "billedCost": exact(line.billed_e10),
            })
        })
        .collect();
    let reservations: Vec<_> = of
        .reservations
        .iter()
        .map(|one| {
            json!({
                "reservationId": one.id,
                "pass": one.pass,
                "appliedScopeSubscriptionId": one.scope,
                "instanceFlexibility": if one.is_flexible { "On" } else { "Off" },
                "armSkuName": one.sku,
                "quantity": one.quantity,
                "usedQuantity": exact(one.used_e10),
                "unusedQuantity": exact(one.unused_e10),
                "unusedCost": exact(one.unused_cost_e10),
                "why": one.why,
            })
        })
        .collect();
    json!({
        "hour": of.hour,
        "billingAccountId": of.account,
        "customerId": of.customer,
        "billingCurrency": of.currency,
        "regionId": of.region,
        "lines": lines,
        "reservations": reservations,
    })
}
