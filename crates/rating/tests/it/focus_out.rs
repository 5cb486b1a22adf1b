//! The outcome as a FOCUS 1.2 data set: what each kind of row says, exactly, in CSV and Parquet alike.

use crate::focus_in::{Export, export_of, focus, world};
use crate::model::{HOUR, Usage, Way, World, instant, rate, write};
use fullmakt_domain::rating::{format_scaled, parse_scaled};
use fullmakt_rating::{Job, Mapping, OutputColumns, OutputFormat, Taking};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const FIRST: i64 = 490_896;

/// A row of a data set; null is empty.
pub type Row = BTreeMap<String, String>;

/// The rows of an output folder, in their order.
pub fn read_rows(out: &Path) -> Vec<Row> {
    let mut parts: Vec<_> = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    let mut rows = Vec::new();
    for part in parts {
        if part.extension().is_some_and(|end| end == "csv") {
            let mut reader = csv::Reader::from_path(&part).unwrap();
            let header = reader.headers().unwrap().clone();
            for record in reader.records() {
                let record = record.unwrap();
                rows.push(
                    header.iter().zip(&record).map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                );
            }
        } else {
            let reader = SerializedFileReader::new(fs::File::open(&part).unwrap()).unwrap();
            for row in reader.get_row_iter(None).unwrap() {
                let row = row.unwrap();
                rows.push(row.get_column_iter().map(|(name, field)| (name.clone(), text(field))).collect());
            }
        }
    }
    rows
}

fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(value) => value.to_string(),
        Field::TimestampMicros(value) => instant(*value),
        Field::Decimal(value) => {
            let wide = value.data().try_into().map(i128::from_be_bytes).unwrap();
            let text = format_scaled(wide, u32::try_from(value.scale()).unwrap());
            let short = text.trim_end_matches('0');
            if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
        }
        other => panic!("{other:?}"),
    }
}

/// Puts more columns behind the reservations.
pub fn pay(folder: &Path, columns: &str, values: &str) {
    let path = folder.join("reservations.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    let mut whole = format!("{},{columns}\n", lines.next().unwrap());
    lines.for_each(|line| whole.push_str(&format!("{line},{values}\n")));
    fs::write(path, whole).unwrap();
}

fn job(folder: &Path, world: &World, format: OutputFormat) -> Job {
    let job = write(world, &Way { format, ..Way::default() }, folder);
    Job { columns: OutputColumns::Focus(Arc::new(Mapping::built_in().unwrap())), ..job }
}

const PAYMENT: (&str, &str) =
    ("ReservationName,BillingSubscriptionId,BillingPlan,Price,OnDemandUnitPrice", "Webservers,sub-7,Upfront,5,0.096");

/// Two hours; in the first everything is used and something is left to pay, in the second a part is unused.
fn two_hours() -> World {
    let mut world = world();
    let line = |line: i64, hour: i64, sku: &str, quantity_e6: i64| Usage {
        line,
        hour: FIRST + hour,
        quantity_e6,
        texts: ["partner", "customer", "sub-1", "/vms/vm-1", "swedencentral", sku, "EUR"].map(str::to_owned),
        ..world.usage[0].clone()
    };
    world.usage = vec![line(1, 0, "Standard_D4s_v5", 2_000_000), line(2, 1, "Standard_D2s_v5", 1_000_000)];
    world
}

fn pick(row: &Row, columns: &[&str]) -> String {
    columns.iter().map(|column| row[*column].as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_kind_of_row_says_what_it_is() {
    let mut outcomes = Vec::new();
    for format in [OutputFormat::Csv, OutputFormat::Parquet] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), &two_hours(), format);
        pay(folder.path(), PAYMENT.0, PAYMENT.1);
        let summary = rate(&job).unwrap();
        let rows = read_rows(&job.out);
        assert_eq!(summary.rows, u64::try_from(rows.len()).unwrap());
        outcomes.push(rows);
    }
    assert_eq!(outcomes[0], outcomes[1], "CSV and Parquet say the same");
    let rows = &outcomes[0];
    let amounts = [
        "PricingQuantity",
        "ContractedUnitPrice",
        "ContractedCost",
        "BilledCost",
        "EffectiveCost",
        "ConsumedQuantity",
        "CommitmentDiscountQuantity",
    ];
    let kinds = ["ChargeCategory", "ChargeFrequency", "PricingCategory", "CommitmentDiscountStatus"];
    let shown: Vec<String> =
        rows.iter().map(|row| format!("{} | {}", pick(row, &kinds), pick(row, &amounts))).collect();
    assert_eq!(
        shown,
        [
            "Usage Usage-Based Committed Used | 1.5 0.192 0.288 0.0 0.15 1.5 3.0",
            "Usage Usage-Based Standard  | 0.5 0.192 0.096 0.096 0.096 0.5 ",
            "Usage Usage-Based Committed Used | 1.0 0.192 0.192 0.0 0.05 1.0 1.0",
            "Usage Usage-Based Committed Unused | 2.0 0.096 0.192 0.0 0.1  2.0",
            "Purchase One-Time Standard  | 3.0 5.0 15.0 15.0 0.0  300.0",
        ]
    );
    let names = [
        "CommitmentDiscountId",
        "CommitmentDiscountName",
        "CommitmentDiscountCategory",
        "CommitmentDiscountType",
        "CommitmentDiscountUnit",
        "ConsumedUnit",
        "PricingUnit",
        "SubAccountId",
        "ResourceId",
        "ResourceName",
        "ResourceType",
    ];
    let shown: Vec<String> = rows.iter().skip(1).map(|row| pick(row, &names)).collect();
    assert_eq!(
        shown,
        [
            "     Hour Hour sub-1 /vms/vm-1 vm-1 Virtual machine",
            "r-1 Webservers Usage Reservation Normalized Hour Hour Hour sub-1 /vms/vm-1 vm-1 Virtual machine",
            "r-1 Webservers Usage Reservation Normalized Hour  Hour sub-7 r-1 Webservers Reservation",
            "r-1 Webservers Usage Reservation Normalized Hour  Reservation sub-7 r-1 Webservers Reservation",
        ]
    );
    let times = ["ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"];
    assert_eq!(
        pick(&rows[2], &times),
        "2026-01-01T01:00:00Z 2026-01-01T02:00:00Z 2026-01-01T00:00:00Z 2026-02-01T00:00:00Z"
    );
    assert_eq!(
        pick(&rows[4], &times),
        "2026-01-01T00:00:00Z 2026-01-05T04:00:00Z 2026-01-01T00:00:00Z 2026-02-01T00:00:00Z"
    );
}

#[test]
fn instalments_are_charged_when_their_month_begins() {
    let mut world = two_hours();
    world.held[0].end = (FIRST + 24 * 90) * HOUR;
    world.held[0].is_flexible = false;
    // Three months begin within the term; the period ends before the term does.
    world.period = Some(FIRST..FIRST + 24 * 80);
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), &world, OutputFormat::Csv);
    pay(folder.path(), "BillingPlan,Price", "Monthly,10.5");
    rate(&job).unwrap();
    let columns = ["ChargeFrequency", "ChargePeriodStart", "BilledCost", "CommitmentDiscountQuantity"];
    let more = ["CommitmentDiscountUnit", "CommitmentDiscountName", "SubAccountId"];
    let rows = read_rows(&job.out);
    let purchases = rows.iter().filter(|row| row["ChargeCategory"] == "Purchase");
    let shown: Vec<String> = purchases.map(|row| format!("{} | {}", pick(row, &columns), pick(row, &more))).collect();
    assert_eq!(
        shown,
        [
            "Recurring 2026-01-01T00:00:00Z 31.5 2232.0 | Hour r-1 ",
            "Recurring 2026-02-01T00:00:00Z 31.5 2016.0 | Hour r-1 ",
            "Recurring 2026-03-01T00:00:00Z 31.5 2232.0 | Hour r-1 ",
        ]
    );
}

#[test]
fn what_an_export_says_beside_stays() {
    let mut row: Export = export_of(&world().usage[0]);
    row.insert("ListUnitPrice", "0.21".into());
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), &world(), OutputFormat::Csv);
    let header: Vec<&str> = row.keys().copied().collect();
    let quoted: Vec<String> = row.values().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
    let path = folder.path().join("export.csv");
    fs::write(&path, format!("{}\n{}\n", header.join(","), quoted.join(","))).unwrap();
    let taking = Taking { details: true, ..Taking::default() };
    let job = Job { usage: vec![path], focus: focus(taking), ..job };
    rate(&job).unwrap();
    let rows = read_rows(&job.out);
    let used = &rows[0];
    assert_eq!(
        pick(used, &["CommitmentDiscountStatus", "Tags", "ListUnitPrice", "ServiceName", "x_LineId"]),
        "Used {\"team\": \"a, b\"} 0.21 Virtual Machines 1000"
    );
    let product = |row: &Row| {
        let read = |column: &str| parse_scaled(&row[column], 38, 16).unwrap();
        (read("ListUnitPrice") / 10_000_000_000 * (read("PricingQuantity") / 1_000_000), read("ListCost"))
    };
    rows.iter().for_each(|row| {
        let (expected, found) = product(row);
        assert_eq!(expected, found);
    });
}

#[test]
fn payments_that_make_no_sense_are_told() {
    for (columns, values, words) in [
        ("BillingPlan,Price", "Upfront,", &["`Price`", "is null"][..]),
        ("BillingPlan,Price", ",5", &["`BillingPlan`", "is null"]),
        ("BillingPlan,Price", "Yearly,5", &["`BillingPlan`", "`Yearly` is neither `Upfront` nor `Monthly`"]),
        ("BillingPlan,Price", "Monthly,5.123456789", &["`Price`", "more than 8 decimals"]),
        ("OnDemandUnitPrice", "cheap", &["`OnDemandUnitPrice`", "not a decimal number"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), &two_hours(), OutputFormat::Csv);
        pay(folder.path(), columns, values);
        let told = rate(&job).unwrap_err();
        for word in ["reservations.csv` row 1"].iter().chain(words) {
            assert!(told.contains(word), "`{word}` in {told}");
        }
        assert!(!job.out.exists());
    }
}

#[test]
fn the_data_set_does_not_depend_on_the_way() {
    for format in [OutputFormat::Csv, OutputFormat::Parquet] {
        let bytes = |files: usize, is_reversed: bool, threads: usize, memory: u64| {
            let folder = tempfile::tempdir().unwrap();
            let way = Way { files, is_reversed, threads, memory, format, ..Way::default() };
            let base = write(&world(), &way, folder.path());
            pay(folder.path(), PAYMENT.0, PAYMENT.1);
            let job = Job { columns: OutputColumns::Focus(Arc::new(Mapping::built_in().unwrap())), ..base };
            rate(&job).unwrap();
            let mut parts: Vec<_> = fs::read_dir(&job.out).unwrap().map(|entry| entry.unwrap().path()).collect();
            parts.sort();
            parts.into_iter().map(|part| fs::read(part).unwrap()).collect::<Vec<_>>()
        };
        assert!(bytes(1, false, 1, 1 << 30) == bytes(3, true, 2, 200 << 10));
    }
}
