//! A world of usage and reservations, its outcome, and the ways from one to the other.

use crate::oracle;
use fullmakt_domain::rating::{
    Flexibility, FlexibilityRow, Group, Line, Plan, Ratio, Reservation, Scratch, Sku, Subscription, first_hour_from,
    format_scaled,
};
use fullmakt_rating::sample::{Style, UsageColumns, write_usage};
use fullmakt_rating::{Job, OutputColumns, OutputFormat, Progress, Summary};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const HOUR: i64 = 3_600_000_000;

/// A usage line; texts in the order account, customer, subscription, resource, region, SKU, currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub line: i64,
    pub texts: [String; 7],
    pub hour: i64,
    pub quantity_e6: i64,
    pub price_e6: i64,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub id: String,
    /// Account, customer, region, SKU, currency.
    pub texts: [String; 5],
    pub scope: Option<String>,
    pub is_flexible: bool,
    pub quantity: i64,
    pub start: i64,
    pub end: i64,
    pub purchased_at: i64,
    pub hourly_cost_e8: i64,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    pub usage: Vec<Usage>,
    pub held: Vec<Held>,
    /// Group, SKU, ratio.
    pub table: Vec<(String, String, String)>,
    pub period: Option<Range<i64>>,
}

impl World {
    pub fn whole_period(&self) -> Range<i64> {
        self.period.clone().unwrap_or_else(|| {
            let hours = self.usage.iter().map(|line| line.hour);
            hours.clone().min().map_or(0..0, |first| first..hours.max().unwrap() + 1)
        })
    }
}

/// A row of an outcome as text, so that outcomes are compared as sorted lists.
#[derive(Clone, Debug, Default)]
pub struct OutRow {
    pub line: Option<i64>,
    /// Account, customer, subscription, resource, region, SKU, currency.
    pub texts: [String; 7],
    pub hour: i64,
    pub price_e6: Option<i64>,
    pub reservation: Option<String>,
    pub is_unused: bool,
    pub consumed: String,
    pub discounted: String,
    pub billed: String,
    pub effective: String,
}

impl OutRow {
    pub fn show(&self) -> String {
        let status = match (&self.reservation, self.is_unused) {
            (None, _) => "/Standard",
            (_, false) => "Used/Committed",
            (_, true) => "Unused/Committed",
        };
        format!(
            "{} {:?} h{} {} | {} {status} | {} {} {} {}",
            self.line.map_or("-".into(), |line| line.to_string()),
            self.texts,
            self.hour,
            self.price_e6.map_or("-".into(), |price| price.to_string()),
            self.reservation.as_deref().unwrap_or("-"),
            self.consumed,
            if self.reservation.is_none() { "-" } else { &self.discounted },
            self.billed,
            self.effective
        )
    }
}

pub fn shown(rows: &[OutRow]) -> Vec<String> {
    let mut shown: Vec<String> = rows.iter().map(OutRow::show).collect();
    shown.sort();
    shown
}

/// The kernel, called the plain way: one billing context, region and hour after the other.
pub fn by_kernel(world: &World) -> Vec<String> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    names.extend(world.usage.iter().flat_map(|line| line.texts.iter().map(String::as_str)));
    names.extend(world.held.iter().flat_map(|one| one.texts.iter().chain(&one.scope).map(String::as_str)));
    let number = |name: &str| u32::try_from(names.range(..name).count()).unwrap();
    let flexibility = Flexibility::new(world.table.iter().map(|(group, sku, ratio)| FlexibilityRow {
        group: group.clone(),
        sku: sku.clone(),
        ratio: Ratio::parse(ratio).unwrap(),
    }));
    let size = |sku: &str| {
        let found = flexibility.size(sku);
        found.map_or((Group::Own(Sku(number(sku))), Ratio::ONE), |size| (Group::Listed(size.group), size.ratio))
    };
    let cell = |account: &str, customer: &str, region: &str, currency: &str| {
        [account, customer, currency, region].map(str::to_owned)
    };
    let of_line = |line: &Usage| cell(&line.texts[0], &line.texts[1], &line.texts[4], &line.texts[6]);
    let of_held = |one: &Held| cell(&one.texts[0], &one.texts[1], &one.texts[2], &one.texts[4]);
    let cells: BTreeSet<_> = world.usage.iter().map(of_line).chain(world.held.iter().map(of_held)).collect();
    let mut rows = Vec::new();
    for cell in cells {
        let mut held: Vec<&Held> = world.held.iter().filter(|one| of_held(one) == cell).collect();
        held.sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        let reservation = |(rank, one): (usize, &&Held)| {
            let (group, ratio) = size(&one.texts[3]);
            Reservation {
                scope: one.scope.as_deref().map(|scope| Subscription(number(scope))),
                is_flexible: one.is_flexible,
                sku: Sku(number(&one.texts[3])),
                group,
                ratio,
                quantity: one.quantity,
                hourly_cost_e8: one.hourly_cost_e8,
                first_hour: first_hour_from(one.start),
                end_hour: first_hour_from(one.end),
                purchased_at: one.purchased_at,
                id_rank: u32::try_from(rank).unwrap(),
            }
        };
        let plan = Plan::new(held.iter().enumerate().map(reservation).collect()).unwrap();
        for hour in world.whole_period() {
            let mut usage: Vec<&Usage> =
                world.usage.iter().filter(|line| of_line(line) == cell && line.hour == hour).collect();
            usage.sort_by(|a, b| (&a.texts[2], &a.texts[3], a.line).cmp(&(&b.texts[2], &b.texts[3], b.line)));
            let line = |line: &&Usage| {
                let (group, ratio) = size(&line.texts[5]);
                let slots = plan.slots(Subscription(number(&line.texts[2])), Sku(number(&line.texts[5])), group);
                Line { quantity_e6: line.quantity_e6, unit_price_e6: line.price_e6, ratio, slots }
            };
            let lines: Vec<Line> = usage.iter().map(line).collect();
            let mut found = Vec::new();
            plan.rate_hour(hour, &lines, &mut Scratch::default(), &mut found).unwrap();
            for row in found {
                let line = row.line.map(|line| usage[usize::try_from(line).unwrap()]);
                let one = row.reservation.map(|one| {
                    let rank = plan.reservations()[usize::try_from(one).unwrap()].id_rank;
                    held[usize::try_from(rank).unwrap()]
                });
                let amount = |value| format_scaled(value, 10);
                rows.push(OutRow {
                    consumed: amount(row.consumed_e10),
                    discounted: amount(row.discounted_e10),
                    billed: amount(row.billed_e10),
                    effective: amount(row.effective_e10),
                    ..oracle::identity(line, one, hour)
                });
            }
        }
    }
    shown(&rows)
}

/// How the engine is run.
#[derive(Clone, Debug)]
pub struct Way {
    pub style: Option<Style>,
    pub files: usize,
    pub is_reversed: bool,
    pub threads: usize,
    pub memory: u64,
    pub format: OutputFormat,
}

impl Default for Way {
    fn default() -> Self {
        Self { style: None, files: 1, is_reversed: false, threads: 1, memory: 1 << 30, format: OutputFormat::Csv }
    }
}

/// The file engine, from files to files.
pub fn by_engine(world: &World, way: &Way) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let job = write(world, way, folder.path());
    fullmakt_rating::rate(&job, &Progress::default()).unwrap();
    shown(&read_output(&job.out))
}

/// Writes a world as files, and gives the job that rates them.
pub fn write(world: &World, way: &Way, folder: &Path) -> Job {
    let mut usage = world.usage.clone();
    if way.is_reversed {
        usage.reverse();
    }
    let per_file = usage.len().div_ceil(way.files).max(1);
    let mut files = Vec::new();
    for (index, lines) in usage.chunks(per_file).enumerate() {
        files.push(folder.join(format!("usage-{index}")));
        write_lines(lines, way.style, &files[index]);
    }
    if files.is_empty() {
        files.push(folder.join("usage-0"));
        write_lines(&[], way.style, &files[0]);
    }
    let mut text = "ReservationId,BillingAccountId,x_CustomerId,AppliedScopeType,AppliedScopeSubscriptionId,RegionId,\
        x_ArmSkuName,InstanceFlexibility,Quantity,EffectiveStart,EffectiveEnd,PurchasedAt,HourlyCost,BillingCurrency\n"
        .to_owned();
    for one in &world.held {
        let [account, customer, region, sku, currency] = &one.texts;
        let scope = one.scope.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "{},{account},{customer},{},{scope},{region},{sku},{},{},{},{},{},{},{currency}\n",
            one.id,
            if one.scope.is_some() { "Single" } else { "Shared" },
            if one.is_flexible { "On" } else { "Off" },
            one.quantity,
            instant(one.start),
            instant(one.end),
            instant(one.purchased_at),
            format_scaled(one.hourly_cost_e8.into(), 8),
        ));
    }
    std::fs::write(folder.join("reservations.csv"), text).unwrap();
    let mut text = "InstanceSizeFlexibilityGroup,ArmSkuName,Ratio\n".to_owned();
    for (group, sku, ratio) in &world.table {
        text.push_str(&format!("\"{group}\",{sku},{ratio}\n"));
    }
    std::fs::write(folder.join("flexibility.csv"), text).unwrap();
    Job {
        usage: files,
        focus: None,
        not_rated: None,
        reservations: folder.join("reservations.csv"),
        flexibility: folder.join("flexibility.csv"),
        out: folder.join("out"),
        period: world.period.clone(),
        threads: way.threads,
        memory: way.memory,
        format: way.format,
        columns: OutputColumns::Rated,
        skip_bad_rows: None,
        subscriptions: None,
        is_durable: false,
    }
}

pub fn instant(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Worlds begin in 2026 and are short.
    let day = days - 20_454;
    assert!((0..365).contains(&day), "a world lies in 2026: {micros}");
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut month, mut rest) = (0, day);
    while rest >= lengths[month] {
        rest -= lengths[month];
        month += 1;
    }
    format!("2026-{:02}-{:02}T{:02}:{:02}:{:02}Z", month + 1, rest + 1, second / 3600, second / 60 % 60, second % 60)
}

fn write_lines(lines: &[Usage], style: Option<Style>, path: &Path) {
    if let Some(style) = style {
        write_usage(path, &columns(lines), style).unwrap();
        return;
    }
    let mut text = "LineId,BillingAccountId,x_CustomerId,SubAccountId,ResourceId,ChargePeriodStart,RegionId,\
        x_ArmSkuName,ConsumedQuantity,ContractedUnitPrice,BillingCurrency\n"
        .to_owned();
    for line in lines {
        let [account, customer, subscription, resource, region, sku, currency] = &line.texts;
        text.push_str(&format!(
            "{},{account},{customer},{subscription},{resource},{},{region},{sku},{},{},{currency}\n",
            line.line,
            instant(line.hour * HOUR),
            format_scaled(line.quantity_e6.into(), 6),
            format_scaled(line.price_e6.into(), 6),
        ));
    }
    std::fs::write(path, text).unwrap();
}

fn columns(lines: &[Usage]) -> UsageColumns {
    let mut columns = UsageColumns {
        lines: lines.iter().map(|line| line.line).collect(),
        starts: lines.iter().map(|line| line.hour * HOUR).collect(),
        quantities: lines.iter().map(|line| line.quantity_e6).collect(),
        prices: lines.iter().map(|line| line.price_e6).collect(),
        ..UsageColumns::default()
    };
    for text in 0..7 {
        let list: Vec<String> = lines.iter().map(|line| line.texts[text].clone()).collect();
        columns.codes[text] = (0..u32::try_from(list.len()).unwrap()).collect();
        columns.lists[text] = Arc::new(list);
    }
    columns
}

/// The rows of an output folder.
pub fn read_output(folder: &Path) -> Vec<OutRow> {
    let mut parts: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    let mut rows = Vec::new();
    for part in parts {
        assert!(part.file_name().unwrap().to_string_lossy().starts_with("part-"), "{part:?}");
        if part.extension().unwrap() == "csv" {
            let mut reader = csv::Reader::from_path(&part).unwrap();
            let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
            for record in reader.records() {
                let record = record.unwrap();
                rows.push(row(&header.iter().cloned().zip(record.iter().map(str::to_owned)).collect()));
            }
        } else {
            let reader = SerializedFileReader::new(std::fs::File::open(&part).unwrap()).unwrap();
            for found in reader.get_row_iter(None).unwrap() {
                let fields = found.unwrap();
                rows.push(row(&fields.get_column_iter().map(|(name, field)| (name.clone(), text(field))).collect()));
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
            let data = value.data();
            let mut wide = [if data[0] >= 0x80 { 0xFF } else { 0 }; 16];
            wide[16 - data.len()..].copy_from_slice(data);
            format_scaled(i128::from_be_bytes(wide), u32::try_from(value.scale()).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

fn row(fields: &BTreeMap<String, String>) -> OutRow {
    let get = |name: &str| fields[name].clone();
    let some = |name: &str| Some(get(name)).filter(|text| !text.is_empty());
    let status = get("CommitmentDiscountStatus");
    let expected = if status.is_empty() { "Standard" } else { "Committed" };
    assert_eq!(get("PricingCategory"), expected);
    assert_eq!(status.is_empty(), get("CommitmentDiscountId").is_empty());
    assert_eq!(status.is_empty(), get("CommitmentDiscountQuantity").is_empty());
    let scaled = |text: &str| i64::try_from(fullmakt_domain::rating::parse_scaled(text, 18, 6).unwrap()).unwrap();
    let start = fullmakt_rating::parse_instant(&get("ChargePeriodStart")).unwrap();
    OutRow {
        line: some("LineId").map(|line| line.parse().unwrap()),
        texts: [
            get("BillingAccountId"),
            get("x_CustomerId"),
            get("SubAccountId"),
            get("ResourceId"),
            get("RegionId"),
            get("x_ArmSkuName"),
            get("BillingCurrency"),
        ],
        hour: start / HOUR,
        price_e6: some("ContractedUnitPrice").map(|price| scaled(&price)),
        reservation: some("CommitmentDiscountId"),
        is_unused: status == "Unused",
        consumed: get("ConsumedQuantity"),
        discounted: get("CommitmentDiscountQuantity"),
        billed: get("BilledCost"),
        effective: get("EffectiveCost"),
    }
}

pub fn rate(job: &Job) -> Result<Summary, String> {
    fullmakt_rating::rate(job, &Progress::default()).map_err(|error| error.to_string())
}
