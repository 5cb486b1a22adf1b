//! Usage from exports in the columns of FOCUS: what is taken, what is not and why, and what is a mistake.

use crate::model::{HOUR, Held, Usage, Way, World, instant, rate, read_output, shown, write};
use fullmakt_domain::rating::{format_scaled, parse_scaled};
use fullmakt_rating::{FocusInput, Job, Mapping, NotRated, Taking};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FIRST: i64 = 490_896;

/// A row of an export; a column it does not name is null.
pub type Export = BTreeMap<&'static str, String>;

const COLUMNS: [&str; 22] = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "ChargeCategory",
    "ChargeClass",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "RegionId",
    "ResourceId",
    "ServiceName",
    "SubAccountId",
    "Tags",
    "x_CustomerId",
    "x_SkuDetails",
];

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Csv,
    /// With amounts as floating point numbers.
    Floats,
    /// With amounts as decimals of 16 places.
    Decimals,
}

fn is_amount(column: &str) -> bool {
    ["BilledCost", "ConsumedQuantity", "ContractedUnitPrice", "ListUnitPrice", "PricingQuantity"].contains(&column)
}

fn write_export(path: &Path, rows: &[Export], written: Written) {
    let get = |row: &Export, column: &str| row.get(column).cloned().unwrap_or_default();
    if written == Written::Csv {
        let quoted = |value: String| format!("\"{}\"", value.replace('"', "\"\""));
        let mut text = COLUMNS.join(",") + "\n";
        for row in rows {
            text.push_str(&COLUMNS.map(|column| quoted(get(row, column))).join(","));
            text.push('\n');
        }
        fs::write(path, text).unwrap();
        return;
    }
    let kind = |column: &&str| match *column {
        "ChargePeriodStart" | "ChargePeriodEnd" => format!("optional int64 {column} (TIMESTAMP(MILLIS,true));"),
        _ if is_amount(column) && written == Written::Floats => format!("optional double {column};"),
        _ if is_amount(column) => format!("optional fixed_len_byte_array(16) {column} (DECIMAL(38,16));"),
        _ => format!("optional binary {column} (STRING);"),
    };
    let schema = format!("message export {{ {} }}", COLUMNS.iter().map(kind).collect::<String>());
    let properties = WriterProperties::builder().build();
    let file = fs::File::create(path).unwrap();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    // Two row groups, so that places count on.
    for rows in rows.chunks(rows.len().div_ceil(2).max(1)) {
        let mut group = writer.next_row_group().unwrap();
        for column in COLUMNS {
            let mut open = group.next_column().unwrap().unwrap();
            let levels: Vec<i16> = rows.iter().map(|row| i16::from(!get(row, column).is_empty())).collect();
            let values: Vec<String> = rows.iter().map(|row| get(row, column)).filter(|text| !text.is_empty()).collect();
            match open.untyped() {
                ColumnWriter::Int64ColumnWriter(writer) => {
                    let millis = |text: &String| fullmakt_rating::parse_instant(text).unwrap() / 1000;
                    let values: Vec<i64> = values.iter().map(millis).collect();
                    writer.write_batch(&values, Some(&levels), None).unwrap();
                }
                ColumnWriter::DoubleColumnWriter(writer) => {
                    let values: Vec<f64> = values.iter().map(|text| text.parse().unwrap()).collect();
                    writer.write_batch(&values, Some(&levels), None).unwrap();
                }
                ColumnWriter::FixedLenByteArrayColumnWriter(writer) => {
                    let scaled = |text: &String| parse_scaled(text, 38, 16).unwrap().to_be_bytes().to_vec();
                    let values: Vec<_> = values.iter().map(|text| ByteArray::from(scaled(text)).into()).collect();
                    writer.write_batch(&values, Some(&levels), None).unwrap();
                }
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let values: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(text.as_str())).collect();
                    writer.write_batch(&values, Some(&levels), None).unwrap();
                }
                _ => unreachable!("the schema has no other types"),
            }
            open.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

/// A usage line as an export has it.
pub fn export_of(line: &Usage) -> Export {
    let [account, customer, subscription, resource, region, sku, currency] = line.texts.clone();
    let quantity = format_scaled(line.quantity_e6.into(), 6);
    let price = format_scaled(line.price_e6.into(), 6);
    BTreeMap::from([
        ("BilledCost", "0.096".to_owned()),
        ("BillingAccountId", account),
        ("BillingCurrency", currency),
        ("ChargeCategory", "Usage".to_owned()),
        ("ChargePeriodEnd", instant((line.hour + 1) * HOUR)),
        ("ChargePeriodStart", instant(line.hour * HOUR)),
        ("ConsumedQuantity", quantity.clone()),
        ("ConsumedUnit", "Hours".to_owned()),
        ("ContractedUnitPrice", price.clone()),
        ("ListUnitPrice", price),
        ("PricingCategory", "Standard".to_owned()),
        ("PricingQuantity", quantity),
        ("RegionId", region),
        ("ResourceId", resource),
        ("ServiceName", "Virtual Machines".to_owned()),
        ("SubAccountId", format!("/subscriptions/{subscription}")),
        ("Tags", "{\"team\": \"a, b\"}".to_owned()),
        ("x_CustomerId", customer),
        ("x_SkuDetails", format!("{{\"UsageType\":\"ComputeHR\",\"ServiceType\":\"{sku}\"}}")),
    ])
}

pub fn world() -> World {
    let usage = |line: i64| Usage {
        line,
        texts: ["partner", "customer", "sub-1", "vm-1", "swedencentral", "Standard_D4s_v5", "EUR"].map(str::to_owned),
        hour: FIRST + line % 3,
        quantity_e6: 500_000 + line,
        price_e6: 192_000,
    };
    let held = Held {
        id: "r-1".into(),
        texts: ["partner", "customer", "swedencentral", "Standard_D2s_v5", "EUR"].map(str::to_owned),
        scope: Some("sub-1".into()),
        is_flexible: true,
        quantity: 3,
        start: FIRST * HOUR,
        end: (FIRST + 100) * HOUR,
        purchased_at: FIRST * HOUR,
        hourly_cost_e8: 5_000_000,
    };
    let table = [("DSv5", "Standard_D2s_v5", "1"), ("DSv5", "Standard_D4s_v5", "2")];
    World {
        usage: (1..=12).map(usage).collect(),
        held: vec![held],
        table: table.map(|(group, sku, ratio)| (group.into(), sku.into(), ratio.into())).to_vec(),
        period: None,
    }
}

pub fn focus(taking: Taking) -> Option<Arc<FocusInput>> {
    Some(Arc::new(FocusInput { mapping: Mapping::built_in().unwrap(), taking }))
}

/// Writes the world, with an export in the place of its usage.
fn job(folder: &Path, rows: &[Export], written: Written, taking: Taking) -> Job {
    let job = write(&world(), &Way::default(), folder);
    let path = folder.join("export");
    write_export(&path, rows, written);
    Job { usage: vec![path], focus: focus(taking), ..job }
}

/// The rows of an outcome, without the numbers of lines, which an export does not have.
fn without_lines(out: &Path) -> Vec<String> {
    let mut rows = read_output(out);
    rows.iter_mut().for_each(|row| row.line = None);
    shown(&rows)
}

#[test]
fn an_export_is_rated_like_usage() {
    let folder = tempfile::tempdir().unwrap();
    let plain = write(&world(), &Way::default(), folder.path());
    rate(&plain).unwrap();
    let expected = without_lines(&plain.out);
    assert!(expected.len() > 12);
    let rows: Vec<Export> = world().usage.iter().map(export_of).collect();
    for written in [Written::Csv, Written::Floats, Written::Decimals] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), &rows, written, Taking::default());
        let summary = rate(&job).unwrap();
        assert_eq!(without_lines(&job.out), expected, "{written:?}");
        assert_eq!((summary.lines, summary.rounded, summary.not_rated.len()), (12, 0, 0));
        let lines: Vec<i64> = read_output(&job.out).iter().filter_map(|row| row.line).collect();
        assert!(lines.contains(&1_000) && lines.contains(&12_000), "a line is numbered by its row: {lines:?}");
    }
}

fn kinds() -> Vec<(Export, Option<NotRated>)> {
    let usage = || export_of(&world().usage[0]);
    let with = |changes: &[(&'static str, &str)]| {
        let mut row = usage();
        row.extend(changes.iter().map(|(column, value)| (*column, (*value).to_owned())));
        row
    };
    vec![
        (usage(), None),
        (with(&[("ChargeCategory", "Purchase"), ("ConsumedQuantity", "")]), Some(NotRated::Purchase)),
        (with(&[("ChargeCategory", "Tax"), ("PricingCategory", "")]), Some(NotRated::Tax)),
        (with(&[("ChargeCategory", "Credit")]), Some(NotRated::Credit)),
        (with(&[("ChargeCategory", "Adjustment")]), Some(NotRated::Adjustment)),
        (with(&[("ChargeClass", "Correction")]), Some(NotRated::Correction)),
        (
            with(&[
                ("CommitmentDiscountId", "r-9"),
                ("CommitmentDiscountStatus", "Used"),
                ("PricingCategory", "Committed"),
            ]),
            Some(NotRated::Committed),
        ),
        (
            with(&[
                ("CommitmentDiscountId", "r-9"),
                ("CommitmentDiscountStatus", "Unused"),
                ("PricingCategory", "Committed"),
                ("ConsumedQuantity", ""),
            ]),
            Some(NotRated::Unused),
        ),
        (with(&[("PricingCategory", "Dynamic")]), Some(NotRated::OtherPricing)),
        (with(&[("ConsumedUnit", "GB")]), Some(NotRated::NotByTheHour)),
        (with(&[("x_SkuDetails", "{}")]), Some(NotRated::NoSku)),
        (with(&[("x_SkuDetails", "NULL"), ("Tags", "")]), Some(NotRated::NoSku)),
        (
            with(&[
                ("ChargePeriodStart", &instant((FIRST + 2) * HOUR)),
                ("ChargePeriodEnd", &instant((FIRST + 3) * HOUR)),
            ]),
            None,
        ),
    ]
}

#[test]
fn what_is_not_usage_is_counted_and_can_be_written() {
    let (rows, fates): (Vec<Export>, Vec<Option<NotRated>>) = kinds().into_iter().unzip();
    let mut expected: BTreeMap<NotRated, u64> = BTreeMap::new();
    fates.iter().flatten().for_each(|fate| *expected.entry(*fate).or_default() += 1);
    assert_eq!(expected.len(), NotRated::ALL.len());
    for written in [Written::Csv, Written::Floats] {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path(), &rows, written, Taking::default());
        let path = folder.path().join("rest.csv");
        job.not_rated = Some(path.clone());
        let summary = rate(&job).unwrap();
        assert_eq!((summary.lines, &summary.not_rated), (2, &expected), "{written:?}");
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("x_File,x_Row,x_Reason,{}", COLUMNS.join(",")));
        let place = |row: usize, fate: &NotRated| format!("export,{},{},", row + 1, fate.name());
        let wanted: Vec<String> =
            fates.iter().enumerate().filter_map(|(row, fate)| Some(place(row, fate.as_ref()?))).collect();
        assert_eq!(lines.len(), wanted.len() + 1);
        for (line, wanted) in lines[1..].iter().zip(&wanted) {
            assert!(line.contains(wanted.as_str()) && line.contains(",swedencentral,vm-1,"), "{line} {wanted}");
            assert!(line.ends_with('"') || line.ends_with(",NULL") || line.ends_with(",{}"), "{line}");
        }
    }
}

#[test]
fn committed_usage_is_rated_when_asked() {
    let (rows, _): (Vec<Export>, Vec<_>) = kinds().into_iter().unzip();
    let folder = tempfile::tempdir().unwrap();
    let taking = Taking { committed: true, ..Taking::default() };
    let summary = rate(&job(folder.path(), &rows, Written::Csv, taking)).unwrap();
    assert_eq!((summary.lines, summary.not_rated.get(&NotRated::Committed)), (3, None));
    assert_eq!(summary.not_rated[&NotRated::Unused], 1);
}

#[test]
fn a_day_is_spread_over_its_hours_when_asked() {
    let mut day = export_of(&world().usage[0]);
    day.insert("ChargePeriodEnd", instant((FIRST + 1 + 24) * HOUR));
    day.insert("ConsumedQuantity", "10".into());
    day.insert("PricingQuantity", "10".into());
    let folder = tempfile::tempdir().unwrap();
    let told = rate(&job(folder.path(), &[day.clone()], Written::Csv, Taking::default())).unwrap_err();
    for word in ["export` row 1", "`ChargePeriodEnd`", "24 hours", "--spread-longer-periods"] {
        assert!(told.contains(word), "{told}");
    }
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), &[day], Written::Csv, Taking { longer_periods: true, ..Taking::default() });
    let summary = rate(&job).unwrap();
    assert_eq!((summary.lines, summary.currencies[0].consumed_e10), (24, 100_000_000_000));
    let lines: Vec<i64> = read_output(&job.out).iter().filter_map(|row| row.line).collect();
    assert!((1_000..1_024).all(|line| lines.contains(&line)), "{lines:?}");
}

#[test]
fn blocks_of_hours_and_long_decimals_are_priced_by_the_hour() {
    let mut row = export_of(&world().usage[0]);
    // 8 hours are 0.08 of a block of 100 hours at 19.2: 0.192 an hour.
    row.insert("ConsumedQuantity", "8.0000004".into());
    row.insert("PricingQuantity", "0.080000004".into());
    row.insert("ContractedUnitPrice", "19.2".into());
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), &[row], Written::Csv, Taking::default());
    let summary = rate(&job).unwrap();
    assert_eq!(summary.rounded, 1);
    let rest = read_output(&job.out).into_iter().find(|row| row.reservation.is_none()).unwrap();
    assert_eq!(
        (rest.price_e6, rest.consumed.as_str(), rest.billed.as_str()),
        (Some(192_000), "6.5000000000", "1.2480000000")
    );
}

#[test]
fn mistakes_are_told_with_file_row_and_column() {
    for (column, value, words) in [
        ("ChargeCategory", "", &["`ChargeCategory`", "is null"][..]),
        ("ChargeCategory", "Gift", &["`ChargeCategory`", "`Gift` is none of Usage"]),
        ("ChargeClass", "Late", &["`ChargeClass`", "`Late`"]),
        ("CommitmentDiscountStatus", "Half", &["`CommitmentDiscountStatus`", "`Half` is none of Used, Unused"]),
        ("PricingCategory", "Cheap", &["`PricingCategory`", "`Cheap`"]),
        ("ChargePeriodStart", "soon", &["`ChargePeriodStart`", "`soon` is not a timestamp"]),
        ("ChargePeriodStart", "2026-01-01T00:30:00Z", &["`ChargePeriodEnd`", "not whole hours"]),
        ("ChargePeriodEnd", "2026-01-01T00:00:00Z", &["`ChargePeriodEnd`", "is not after"]),
        ("ConsumedQuantity", "", &["`ConsumedQuantity`", "is null"]),
        ("ConsumedQuantity", "many", &["`ConsumedQuantity`", "`many` is not a decimal number"]),
        ("ContractedUnitPrice", "1e20", &["`ContractedUnitPrice`", "more than 12 digits"]),
        ("PricingQuantity", "x", &["`PricingQuantity`", "`x`"]),
        ("ResourceId", "", &["`ResourceId`", "is null"]),
        ("BillingCurrency", "NULL", &["`BillingCurrency`", "is null"]),
    ] {
        let mut rows: Vec<Export> = world().usage.iter().take(3).map(export_of).collect();
        rows[1].insert(column, value.into());
        if column == "ChargePeriodEnd" {
            rows[1].insert("ChargePeriodStart", "2026-01-01T02:00:00Z".into());
        }
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path(), &rows, Written::Csv, Taking::default());
        let told = rate(&job).unwrap_err();
        assert!(told.contains("export` row 2"), "{told}");
        for word in words {
            assert!(told.contains(word), "`{word}` in {told}");
        }
        let aside = folder.path().join("aside.csv");
        job.skip_bad_rows = Some(aside.clone());
        assert_eq!(rate(&job).unwrap().bad_rows, 1);
        let text = fs::read_to_string(aside).unwrap();
        assert!(text.lines().nth(1).unwrap().contains(&format!("export,2,{}", words[0].trim_matches('`'))), "{text}");
    }
}

#[test]
fn a_missing_column_is_told_with_what_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), &[export_of(&world().usage[0])], Written::Csv, Taking::default());
    let path = folder.path().join("export");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replacen("x_SkuDetails", "x_Details", 1)).unwrap();
    let told = rate(&job).unwrap_err();
    for word in ["export`", "`x_ArmSkuName`", "`x_SkuDetails/ServiceType`", "a mapping can name another"] {
        assert!(told.contains(word), "{told}");
    }
    let over = folder.path().join("mapping.toml");
    fs::write(&over, "[columns]\nx_ArmSkuName = [\"x_Details/ServiceType\"]\n").unwrap();
    let input = FocusInput { mapping: Mapping::from_file(&over).unwrap(), taking: Taking::default() };
    assert_eq!(rate(&Job { focus: Some(Arc::new(input)), ..job }).unwrap().lines, 1);
}

/// An export that its publisher made, of three vendors, in version 1.0.
#[test]
fn the_published_sample_is_read() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/focus/sample-1.0/focus_sample.csv");
    if !sample.exists() {
        eprintln!("left out: the published sample of FOCUS data is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let base = write(&world(), &Way::default(), folder.path());
    let unrated = folder.path().join("rest.csv");
    let of = |text: &str| {
        let over = folder.path().join("mapping.toml");
        fs::write(&over, text).unwrap();
        let taking = Taking { longer_periods: true, ..Taking::default() };
        let input = FocusInput { mapping: Mapping::from_file(&over).unwrap(), taking };
        Job {
            usage: vec![PathBuf::from(&sample)],
            focus: Some(Arc::new(input)),
            not_rated: Some(unrated.clone()),
            ..base.clone()
        }
    };
    // It says the machine size nowhere, so the identifier of the SKU stands for it.
    let summary = rate(&of("[columns]\nx_ArmSkuName = [\"SkuId\"]\n[defaults]\nResourceId = \"-\"\n")).unwrap();
    let count = |reason| summary.not_rated.get(&reason).copied().unwrap_or(0);
    let not_rated: u64 = summary.not_rated.values().sum();
    // Three of its rows, of the vendor that tells days, become 24 lines each.
    assert_eq!(summary.lines - 3 * 23 + not_rated, 1000);
    assert_eq!((count(NotRated::Committed), count(NotRated::Credit), count(NotRated::Adjustment)), (4, 1, 2));
    assert_eq!(csv_rows(&unrated), not_rated);
}

fn csv_rows(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    // A row begins with the file; tags may hold line ends.
    u64::try_from(text.lines().filter(|line| line.contains("focus_sample.csv,")).count()).unwrap()
}
