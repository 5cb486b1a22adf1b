//! Material that others published: the commitment examples of the FOCUS specification, and the vendor's table of size ratios.

use crate::focus_out::{Row, read_rows};
use crate::model::{Held, Usage, Way, World, rate, write};
use fullmakt_domain::rating::{format_scaled, parse_scaled};
use fullmakt_rating::{FocusInput, Job, Mapping, OutputColumns, OutputFormat, Taking, parse_instant};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("left out: `{name}` is not here");
        return None;
    }
    Some(path)
}

/// A reservation of an example: SKU, flexibility, hours of the term, hourly cost, plan, price.
type Bought = (&'static str, bool, i64, &'static str, &'static str, &'static str);

struct Example {
    file: &'static str,
    /// What the SKU of usage is where the example names none.
    sku: &'static str,
    bought: &'static [Bought],
    /// Hours of the period, from 2023.
    hours: i64,
    /// Rows of the example that are not usage of their own but the rest of a line before.
    rests: usize,
    /// Where the outcome is not what the example says.
    differences: &'static [&'static str],
}

const EXAMPLES: [Example; 11] = [
    Example {
        file: "commitment_discount_flexibility__one_hundred_percent_utilization_with_commitment_discount_flexibility_with_1_resource",
        sku: "",
        bought: &[("VM_SMALL", true, 1, "0.5", "Monthly", "0.5")],
        hours: 1,
        rests: 1,
        differences: &[
            "Used ConsumedQuantity: 1 there, 0.3333333333 here",
            "Standard BilledCost: 2.25 there, 2.0000000001 here",
            "Standard EffectiveCost: 2.25 there, 2.0000000001 here",
            "Standard ConsumedQuantity: 1 there, 0.6666666667 here",
        ],
    },
    Example {
        file: "commitment_discount_flexibility__one_hundred_percent_utilization_with_commitment_discount_flexibility_with_2_resources",
        sku: "",
        bought: &[("VM_XLARGE", true, 1, "2", "Monthly", "2")],
        hours: 1,
        rests: 0,
        differences: &[],
    },
    Example {
        file: "commitment_discount_flexibility__one_hundred_percent_utilization_without_commitment_discount_flexibility",
        sku: "",
        bought: &[("VM_LARGE", false, 1, "1.5", "Monthly", "1.5")],
        hours: 1,
        rests: 0,
        differences: &[],
    },
    Example {
        file: "commitment_discount_flexibility__zero_percent_utilization_without_commitment_discount_flexibility",
        sku: "",
        bought: &[("VM_LARGE", false, 1, "1.5", "Monthly", "1.5")],
        hours: 1,
        rests: 0,
        differences: &["Unused ConsumedQuantity: 1 there, null here"],
    },
    Example {
        file: "commitment_discount_scenarios__commitment_discount_purchase_scenario_1",
        sku: "",
        bought: &[("VM", false, 8760, "1", "Upfront", "8760")],
        hours: 1,
        rests: 0,
        differences: &[],
    },
    Example {
        file: "commitment_discount_scenarios__commitment_discount_purchase_scenario_2",
        sku: "",
        bought: &[("VM", false, 24 * 90, "1", "Monthly", "1")],
        hours: 24 * 80,
        rests: 0,
        differences: &[
            "Purchase CommitmentDiscountQuantity: 1 there, 744 here",
            "Purchase CommitmentDiscountQuantity: 1 there, 672 here",
            "Purchase CommitmentDiscountQuantity: 1 there, 744 here",
        ],
    },
    Example {
        file: "commitment_discount_scenarios__commitment_discount_purchase_scenario_3",
        sku: "",
        bought: &[("VM", false, 8760, "0.5", "Upfront", "4380"), ("VM", false, 24 * 90, "0.5", "Monthly", "0.5")],
        hours: 24 * 80,
        rests: 0,
        differences: &[
            "Purchase CommitmentDiscountQuantity: 4380 there, 8760 here",
            "Purchase CommitmentDiscountQuantity: 0.5 there, 744 here",
            "Purchase CommitmentDiscountQuantity: 0.5 there, 672 here",
            "Purchase CommitmentDiscountQuantity: 0.5 there, 744 here",
        ],
    },
    Example {
        file: "commitment_discount_scenarios__commitment_discount_usage_scenario_1",
        sku: "VM",
        bought: &[("VM", false, 1, "1", "", "")],
        hours: 1,
        rests: 0,
        differences: &[],
    },
    Example {
        file: "commitment_discount_scenarios__commitment_discount_usage_scenario_2",
        sku: "VM",
        bought: &[("VM", false, 1, "1", "", "")],
        hours: 1,
        rests: 0,
        differences: &[],
    },
    Example {
        // An hour that counts three quarters of what was committed to.
        file: "commitment_discount_scenarios__commitment_discount_usage_scenario_3",
        sku: "VM_THREE_QUARTERS",
        bought: &[("VM_SMALL", true, 1, "1", "", "")],
        hours: 1,
        rests: 0,
        differences: &[],
    },
    Example {
        file: "commitment_discount_scenarios__commitment_discount_usage_scenario_4",
        sku: "VM",
        bought: &[("VM", false, 1, "1", "", "")],
        hours: 1,
        rests: 0,
        differences: &[],
    },
];

const COMPARED: [&str; 5] =
    ["ChargeFrequency", "BilledCost", "EffectiveCost", "ConsumedQuantity", "CommitmentDiscountQuantity"];

/// What kind of row it is, in the order in which the examples have them.
fn kind(row: &Row) -> (usize, &'static str) {
    let get = |name: &str| row.get(name).map_or("", String::as_str);
    match (get("ChargeCategory"), get("CommitmentDiscountStatus"), get("PricingCategory")) {
        ("Purchase", _, "Standard") => (0, "Purchase"),
        ("Usage", "Used", "Committed") => (1, "Used"),
        ("Usage", "Unused", "Committed") => (2, "Unused"),
        // Some examples have no column for the status.
        ("Usage", _, "Standard") => (3, "Standard"),
        other => panic!("{other:?}"),
    }
}

/// A number in its shortest form; other texts as they are.
fn short(value: &str) -> String {
    match parse_scaled(value, 38, 16) {
        Ok(scaled) => format_scaled(scaled, 16).trim_end_matches('0').trim_end_matches('.').to_owned(),
        Err(_) if value.is_empty() || value == "null" => "null".to_owned(),
        Err(_) => value.to_owned(),
    }
}

fn differences(theirs: &[Row], ours: &[Row]) -> Vec<String> {
    let mut found = Vec::new();
    for of in 0..4 {
        let mine: Vec<&Row> = ours.iter().filter(|row| kind(row).0 == of).collect();
        let other: Vec<&Row> = theirs.iter().filter(|row| kind(row).0 == of).collect();
        if mine.len() != other.len() {
            found.push(format!("rows of kind {of}: {} there, {} here", other.len(), mine.len()));
        }
        for (there, here) in other.iter().zip(&mine) {
            for column in COMPARED.iter().filter(|column| there.contains_key(**column)) {
                let (there_value, here_value) = (short(&there[*column]), short(&here[*column]));
                if there_value != here_value {
                    let name = kind(here).1;
                    found.push(format!("{name} {column}: {there_value} there, {here_value} here"));
                }
            }
        }
    }
    found
}

#[test]
fn the_examples_of_the_specification_come_out_as_written() {
    let Some(folder) = shared("focus/spec-commitment-examples") else { return };
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, EXAMPLES.len(), "every example is looked at");
    for example in &EXAMPLES {
        let path = folder.join(format!("{}.csv", example.file));
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let header = reader.headers().unwrap().clone();
        let theirs: Vec<Row> = reader
            .records()
            .map(|record| {
                let record = record.unwrap();
                header.iter().zip(&record).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
            })
            .collect();
        let ours = by_engine(example, &path);
        assert_eq!(differences(&theirs, &ours), example.differences, "{}", example.file);
        for row in ours.iter().filter(|row| row["ChargeCategory"] == "Purchase" || kind(row).1 == "Unused") {
            assert!(row["ResourceId"].starts_with("r-") && row["ResourceId"] == row["CommitmentDiscountId"]);
        }
    }
}

/// Rates the usage of an example, also what a commitment covers there, with the reservations that it tells of.
fn by_engine(example: &Example, path: &Path) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let first = parse_instant("2023-01-01T00:00:00Z").unwrap() / 3_600_000_000;
    let table = ["VM_SMALL,1", "VM_MEDIUM,2", "VM_LARGE,3", "VM_XLARGE,4", "VM_THREE_QUARTERS,0.75"];
    let rows: String = table.iter().map(|row| format!("VM,{row}\n")).collect();
    fs::write(folder.path().join("flexibility.csv"), format!("InstanceSizeFlexibilityGroup,ArmSkuName,Ratio\n{rows}"))
        .unwrap();
    let mut text = "ReservationId,BillingAccountId,x_CustomerId,AppliedScopeType,AppliedScopeSubscriptionId,RegionId,\
        x_ArmSkuName,InstanceFlexibility,Quantity,EffectiveStart,EffectiveEnd,PurchasedAt,HourlyCost,BillingCurrency,\
        BillingPlan,Price\n"
        .to_owned();
    let begin = "2023-01-01T00:00:00Z";
    for (index, (sku, is_flexible, hours, cost, plan, price)) in example.bought.iter().enumerate() {
        let end = jiff::Timestamp::from_second((first + hours) * 3600).unwrap();
        let flexibility = if *is_flexible { "On" } else { "Off" };
        text.push_str(&format!(
            "r-{index},a,a,Shared,,r,{sku},{flexibility},1,{begin},{end},{begin},{cost},USD,{plan},{price}\n"
        ));
    }
    fs::write(folder.path().join("reservations.csv"), text).unwrap();
    // What is the rest of a line before is not fed a second time.
    let whole = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = whole.lines().filter(|line| !line.is_empty()).collect();
    let usage = folder.path().join("usage.csv");
    fs::write(&usage, lines[..lines.len() - example.rests].join("\n") + "\n").unwrap();
    let mut mapping =
        "[columns]\nx_ArmSkuName = [\"SkuId\"]\nContractedUnitPrice = [\"ListUnitPrice\"]\nPricingQuantity = []\n\
        [defaults]\nBillingAccountId = \"a\"\nSubAccountId = \"s\"\nRegionId = \"r\"\nBillingCurrency = \"USD\"\n\
        ContractedUnitPrice = \"0.5\"\nResourceId = \"-\"\nConsumedQuantity = \"0\"\nx_CustomerId = \"a\"\n"
            .to_owned();
    if !example.sku.is_empty() || !lines[0].contains("SkuId") {
        mapping.push_str(&format!("x_ArmSkuName = \"{}\"\n", if example.sku.is_empty() { "VM" } else { example.sku }));
    }
    let over = folder.path().join("mapping.toml");
    fs::write(&over, mapping).unwrap();
    let mapping = Mapping::from_file(&over).unwrap();
    let taking = Taking { committed: true, ..Taking::default() };
    let job = Job {
        usage: vec![usage],
        focus: Some(Arc::new(FocusInput { mapping: mapping.clone(), taking })),
        not_rated: None,
        reservations: folder.path().join("reservations.csv"),
        flexibility: folder.path().join("flexibility.csv"),
        out: folder.path().join("out"),
        period: Some(first..first + example.hours),
        threads: 1,
        memory: 1 << 30,
        format: OutputFormat::Csv,
        columns: OutputColumns::Focus(Arc::new(mapping)),
        skip_bad_rows: None,
        subscriptions: None,
        is_durable: false,
    };
    rate(&job).unwrap();
    let mut rows = read_rows(&job.out);
    // Examples of purchases show no hours that go by.
    let has_usage = whole.contains(",Usage,");
    rows.retain(|row| has_usage || row["ChargeCategory"] == "Purchase");
    rows
}

#[test]
fn the_published_ratios_are_used() {
    let Some(table) = shared("instance-size-flexibility/isfratioblob-2024-04.csv") else { return };
    let first = 490_896;
    let usage = |line: i64, region: &str, sku: &str| Usage {
        line,
        texts: ["partner", "customer", "sub-1", "vm", region, sku, "EUR"].map(str::to_owned),
        hour: first,
        quantity_e6: 1_000_000,
        price_e6: 1_000_000,
    };
    let held = |id: &str, region: &str, sku: &str| Held {
        id: id.into(),
        texts: ["partner", "customer", region, sku, "EUR"].map(str::to_owned),
        scope: None,
        is_flexible: true,
        quantity: 1,
        start: first * 3_600_000_000,
        end: (first + 1) * 3_600_000_000,
        purchased_at: first * 3_600_000_000,
        hourly_cost_e8: 100_000_000,
    };
    let world = World {
        usage: vec![
            usage(1, "a", "Standard_E64s_v3"),
            // The table lists one SKU in two groups, and its first row counts: the dedicated hosts.
            usage(2, "b", "Standard_E80is_v4"),
            usage(3, "b", "Esv4_Type2"),
            usage(4, "c", "Standard_D2s_v3"),
        ],
        held: vec![
            held("r-1", "a", "Standard_E32s_v3"),
            held("r-2", "b", "Standard_E64is_v4_SPECIAL"),
            held("r-3", "c", "Standard_D8s_v3"),
        ],
        ..World::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut job = write(&world, &Way::default(), folder.path());
    job.flexibility = table;
    rate(&job).unwrap();
    let rows = crate::model::read_output(&job.out);
    let mut shown: Vec<String> = rows
        .iter()
        .map(|row| {
            let line = row.line.map_or("-".to_owned(), |line| line.to_string());
            let id = row.reservation.as_deref().unwrap_or("-");
            format!("{line} {id} {} {}", short(&row.consumed), short(&row.discounted))
        })
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            // A quarter of four times the size is left: 3 of 4 of the larger one.
            "- r-3 0 0.75",
            // 16 of 28.8 units.
            "1 - 0.4444444444 null",
            "1 r-1 0.5555555556 1",
            "2 - 1 null",
            // 1 of 1.3125 units.
            "3 - 0.2380952381 null",
            "3 r-2 0.7619047619 1",
            "4 r-3 1 0.25",
        ]
    );
}
