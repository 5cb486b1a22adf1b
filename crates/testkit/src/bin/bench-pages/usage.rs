//! A customer whose machines have run for years, partly on reservations: brought in and rated as any other.

use anyhow::{Context, ensure};
use axum::http::Method;
use fullmakt_testkit::{FJALLRAVEN, PRODUKTION, PROV, Purchase, Server, quoted_order};
use jiff::{Span, Timestamp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How much usage there is.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    /// Machines; each has a line in every hour.
    pub resources: u32,
    /// Days back from the end of what is known.
    pub days: u32,
}

/// Hours that go in one request.
const HOURS_AT_ONCE: u32 = 240;
/// How long the rating of everything may take.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// Resource groups.
const GROUPS: u32 = 24;

/// Sizes that run, and what an hour of each costs as it goes, in EUR.
const SIZES: [(&str, &str); 6] = [
    ("Standard_D2s_v5", "0.096"),
    ("Standard_D4s_v5", "0.192"),
    ("Standard_D8s_v5", "0.384"),
    ("Standard_E2s_v5", "0.126"),
    ("Standard_E4s_v5", "0.252"),
    ("Standard_F4s_v2", "0.169"),
];
const REGIONS: [&str; 3] = ["swedencentral", "westeurope", "northeurope"];

/// Buys reservations for about two thirds of what runs: a small size of each group, and one of the sizes themselves.
pub async fn reserve(server: &Server, fleet: Fleet) {
    let olle = server.olle();
    for region in REGIONS {
        for (size, _) in SIZES {
            let wanted = Purchase {
                quantity: (fleet.resources / 30).max(1),
                sku: size.to_owned(),
                location: region.to_owned(),
                term: "P3Y".to_owned(),
                ..Purchase::of(1, size)
            };
            let order = quoted_order(&olle.asks_price(&wanted).await.ok());
            olle.buys_quoted(&order, &wanted).await.ok();
        }
    }
}

/// Brings all hours in, the last of them before `end`, and waits until all is rated.
pub async fn bring_in(server: &Server, fleet: Fleet, end: Timestamp) -> anyhow::Result<()> {
    let ada = server.ada();
    let begun = Instant::now();
    let hours = fleet.days * 24;
    let first = end - Span::new().hours(i64::from(hours));
    let resources: Vec<Value> = (0..fleet.resources).map(resource).collect();
    let mut lines = 0;
    for from in (0..hours).step_by(usize::try_from(HOURS_AT_ONCE)?) {
        let some = from..(from + HOURS_AT_ONCE).min(hours);
        let hours: Vec<Value> = some.map(|hour| hour_of_fleet(fleet, first, hour)).collect();
        let body = json!({"customer": FJALLRAVEN, "resources": resources, "hours": hours});
        let told = ada.sends(Method::POST, "/fullmakt/v1/usage", &body).await.ok().json();
        lines += told["lines"].as_u64().context("an import tells how many lines there were")?;
    }
    println!("{fleet:?}: {lines} lines, brought in in {} s", begun.elapsed().as_secs());
    let begun = Instant::now();
    loop {
        let told = ada.reads(&format!("/fullmakt/v1/customers/{FJALLRAVEN}/usage")).await.ok().json();
        if told["known"][0]["waitingDays"] == 0 {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "not rated in {} s: {told}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("rated in {} s", begun.elapsed().as_secs());
    let told = ada.reads(&format!("/fullmakt/v1/customers/{FJALLRAVEN}/coverage?days=365")).await.ok().json();
    println!("of the last year {} % was covered", told["value"][0]["percent"]);
    Ok(())
}

fn resource(number: u32) -> Value {
    let subscription = if number % 5 == 4 { PROV } else { PRODUKTION };
    let (size, price) = SIZES[index(number) % SIZES.len()];
    json!({
        "subAccountId": subscription,
        "resourceId": format!(
            "/subscriptions/{subscription}/resourceGroups/group{}/providers/Microsoft.Compute/virtualMachines/machine{number}",
            number % GROUPS
        ),
        "regionId": REGIONS[index(number / 7) % REGIONS.len()],
        "armSkuName": size,
        "contractedUnitPrice": price,
        "billingCurrency": "EUR",
    })
}

/// What ran in an hour: most machines around the clock, some in office hours, some as the load asks.
fn hour_of_fleet(fleet: Fleet, first: Timestamp, hour: u32) -> Value {
    let start = first + Span::new().hours(i64::from(hour));
    let is_office = (8..18).contains(&(hour % 24)) && hour / 24 % 7 < 5;
    let lines = (0..fleet.resources).map(|number| {
        // Scattered, and the same in every run.
        let load = (hour.wrapping_mul(2_654_435_761) ^ number.wrapping_mul(40_503)).rotate_left(13) % 1_000;
        let quantity = match number % 10 {
            0..=5 => "1".to_owned(),
            6 | 7 if is_office => "1".to_owned(),
            6 | 7 => "0.25".to_owned(),
            8 => format!("{}", 1 + load % 4),
            _ => format!("0.{load:03}"),
        };
        json!([number, u64::from(hour) * u64::from(fleet.resources) + u64::from(number), quantity])
    });
    json!({"start": start.to_string(), "lines": lines.collect::<Vec<_>>()})
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or_default()
}
