//! The cases of `cases/*.txt`: usage, reservations, and the rows that come out, as text. All in one billing context, region and
//! hour.

use crate::model::{HOUR, Held, OutRow, Usage, Way, World, by_engine, by_kernel, shown};
use crate::oracle;
use fullmakt_domain::rating::{format_scaled, parse_scaled};
use fullmakt_rating::OutputFormat;
use fullmakt_rating::sample::Style;
use std::path::Path;

const FIRST: i64 = 490_896;

#[test]
fn cases_come_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (world, expected) = read(&std::fs::read_to_string(&path).unwrap());
        assert!(!expected.is_empty(), "{path:?}");
        let parquet = Way { style: Some(Style::default()), format: OutputFormat::Parquet, ..Way::default() };
        for found in
            [by_kernel(&world), oracle::rate(&world), by_engine(&world, &Way::default()), by_engine(&world, &parquet)]
        {
            assert_eq!(found, expected, "{path:?}");
        }
        seen += 1;
    }
    assert!(seen >= 5);
}

fn read(text: &str) -> (World, Vec<String>) {
    let mut world = World { period: Some(FIRST..FIRST + 1), ..World::default() };
    let mut rows = Vec::new();
    let scaled = |text: &str, decimals| i64::try_from(parse_scaled(text, 18, decimals).unwrap()).unwrap();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["flexibility", group, sku, ratio] => world.table.push((group.into(), sku.into(), ratio.into())),
            ["reservation", id, scope, flexibility, sku, quantity, "cost", cost] => world.held.push(Held {
                id: id.into(),
                texts: ["partner", "customer", "swedencentral", sku, "EUR"].map(str::to_owned),
                scope: scope.strip_prefix("single:").map(str::to_owned),
                is_flexible: flexibility == "on",
                quantity: quantity.parse().unwrap(),
                start: FIRST * HOUR,
                end: (FIRST + 100) * HOUR,
                purchased_at: FIRST * HOUR,
                hourly_cost_e8: scaled(cost, 8),
            }),
            ["usage", number, subscription, resource, sku, quantity, "price", price] => world.usage.push(Usage {
                line: number.parse().unwrap(),
                texts: ["partner", "customer", subscription, resource, "swedencentral", sku, "EUR"].map(str::to_owned),
                hour: FIRST,
                quantity_e6: scaled(quantity, 6),
                price_e6: scaled(price, 6),
            }),
            [
                "row",
                number,
                id,
                "consumed",
                consumed,
                "discounted",
                discounted,
                "billed",
                billed,
                "effective",
                effective,
            ] => {
                let usage =
                    number.parse().ok().and_then(|number: i64| world.usage.iter().find(|line| line.line == number));
                let held = world.held.iter().find(|one| one.id == id);
                let amount = |text: &str| format_scaled(parse_scaled(text, 38, 10).unwrap(), 10);
                rows.push(OutRow {
                    consumed: amount(consumed),
                    discounted: if discounted == "-" { String::new() } else { amount(discounted) },
                    billed: amount(billed),
                    effective: amount(effective),
                    ..oracle::identity(usage, held, FIRST)
                });
            }
            _ => panic!("what is `{line}`?"),
        }
    }
    (world, shown(&rows))
}
