//! A month of a provider's usage, invented from a seed: a few huge customers and many tiny ones, some of which buy through two
//! billing accounts; machines that run around the clock, in office hours or now and then; part hours; scale sets; resources
//! whose hour is split over several lines; reservations of every kind, some of which begin or end within the month.

use super::random::{Random, mix, spread};
use super::{Style, UsageColumns, write_usage};
use crate::error::Error;
use crate::number::{at, long, number};
use fullmakt_domain::rating::{HOUR_MICROS, format_scaled};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// What to invent.
#[derive(Clone, Copy, Debug)]
pub struct Month {
    /// Usage lines, exactly.
    pub rows: u64,
    /// The same seed gives the same files.
    pub seed: u64,
    /// Hours, from the beginning of 2026.
    pub hours: u32,
    /// Lines of one file, at most.
    pub file_rows: usize,
    /// How the files are written.
    pub style: Style,
}

/// 2026-01-01, a Thursday.
const FIRST_HOUR: i64 = 490_896;

const ACCOUNTS: u64 = 6;
const CURRENCIES: [(&str, i64); 5] = [("EUR", 1000), ("USD", 1080), ("SEK", 11_300), ("GBP", 850), ("NOK", 11_600)];
const REGIONS: [&str; 12] = [
    "westeurope",
    "northeurope",
    "swedencentral",
    "germanywestcentral",
    "uksouth",
    "francecentral",
    "norwayeast",
    "eastus",
    "westus2",
    "southeastasia",
    "australiaeast",
    "japaneast",
];

/// Group, price of the smallest size in 10^-6, its SKUs and their ratios in 10^-6.
type Family = (&'static str, i64, &'static [(&'static str, i64)]);

const FAMILIES: [Family; 8] = [
    (
        "General v5",
        96_000,
        &[
            ("Standard_D2s_v5", 1_000_000),
            ("Standard_D4s_v5", 2_000_000),
            ("Standard_D8s_v5", 4_000_000),
            ("Standard_D16s_v5", 8_000_000),
            ("Standard_D32s_v5", 16_000_000),
            ("Standard_D48s_v5", 24_000_000),
        ],
    ),
    (
        "General AMD v5",
        86_000,
        &[
            ("Standard_D2as_v5", 1_000_000),
            ("Standard_D4as_v5", 2_000_000),
            ("Standard_D8as_v5", 4_000_000),
            ("Standard_D16as_v5", 8_000_000),
        ],
    ),
    (
        "Memory v5",
        126_000,
        &[
            ("Standard_E2s_v5", 1_000_000),
            ("Standard_E4s_v5", 2_000_000),
            ("Standard_E8s_v5", 4_000_000),
            ("Standard_E20s_v5", 10_000_000),
            ("Standard_E64s_v5", 28_800_000),
        ],
    ),
    (
        "Compute v2",
        85_000,
        &[
            ("Standard_F2s_v2", 1_000_000),
            ("Standard_F4s_v2", 2_000_000),
            ("Standard_F8s_v2", 4_000_000),
            ("Standard_F72s_v2", 36_000_000),
        ],
    ),
    (
        "Burstable v2",
        9_000,
        &[
            ("Standard_B2ts_v2", 1_000_000),
            ("Standard_B2s_v2", 8_000_000),
            ("Standard_B4ls_v2", 14_135_000),
            ("Standard_B4s_v2", 15_960_000),
            ("Standard_B8s_v2", 32_020_000),
        ],
    ),
    ("Storage v2", 624_000, &[("Standard_L8s_v2", 1_000_000), ("Standard_L48s_v2", 6_000_000)]),
    ("Large memory", 5_120_000, &[("Standard_M32ls", 1_000_000), ("Standard_M64ls", 1_884_687)]),
    ("Graphics v3", 1_140_000, &[("Standard_NV24ms_v3", 1_000_000), ("Standard_NV32ms_v3", 1_333_333)]),
];
/// In no group.
const UNLISTED: [(&str, i64); 2] = [("Standard_D4s_v7", 190_000), ("Standard_HX176rs", 9_500_000)];

struct Sku {
    name: String,
    group: u32,
    ratio_e6: i64,
    price_e6: i64,
}

struct Machine {
    context: u32,
    subscription: u32,
    region: u32,
    sku: u32,
    price_e6: i64,
    /// 0: around the clock, 1: in office hours, 2: now and then.
    kind: u64,
    instances: i64,
    lines: u64,
    born: i64,
    died: i64,
}

struct World {
    month: Month,
    skus: Vec<Sku>,
    /// Account, customer, currency.
    contexts: Vec<(u32, u32, u32)>,
    customers: Vec<String>,
    /// Context and name.
    subscriptions: Vec<(u32, String)>,
    machines: Vec<Machine>,
}

/// Writes `usage/part-*.parquet`, `reservations.csv` and `flexibility.csv` into the folder.
///
/// # Errors
/// [`Error`] when a file cannot be written.
pub fn write_month(month: Month, folder: &Path) -> Result<(), Error> {
    let usage = folder.join("usage");
    std::fs::create_dir_all(&usage).map_err(|cause| Error::io("write", &usage, cause))?;
    let world = World::new(month);
    let save = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|cause| Error::io("write", &path, cause))
    };
    save("flexibility.csv", flexibility())?;
    save("reservations.csv", world.reservations())?;
    world.write_usage(&usage)
}

fn flexibility() -> String {
    let mut text = "InstanceSizeFlexibilityGroup,ArmSkuName,Ratio\n".to_owned();
    for (group, _, sizes) in FAMILIES {
        for (sku, ratio_e6) in sizes {
            writeln!(text, "{group},{sku},{}", format_scaled(i128::from(*ratio_e6), 6)).expect("text takes all");
        }
    }
    text
}

fn skus() -> Vec<Sku> {
    let mut skus = Vec::new();
    for (group, (_, price_e6, sizes)) in FAMILIES.iter().enumerate() {
        skus.extend(sizes.iter().map(|(name, ratio_e6)| Sku {
            name: (*name).to_owned(),
            group: number(group),
            ratio_e6: *ratio_e6,
            price_e6: price_e6 * ratio_e6 / 1_000_000,
        }));
    }
    for (index, (name, price_e6)) in UNLISTED.iter().enumerate() {
        let group = number(FAMILIES.len() + index);
        skus.push(Sku { name: (*name).to_owned(), group, ratio_e6: 1_000_000, price_e6: *price_e6 });
    }
    skus
}

impl World {
    fn new(month: Month) -> Self {
        let mut random = Random::new(mix(month.seed, 1));
        let customers = (month.rows / 5000).max(5);
        let names: Vec<String> = (0..customers).map(|_| random.guid()).collect();
        let mut contexts = Vec::new();
        for customer in 0..customers {
            let account = random.below(ACCOUNTS);
            let customer = low(customer);
            contexts.push((low(account), customer, low(account % long(CURRENCIES.len()))));
            if random.below(100) < 7 {
                let other = (account + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
                contexts.push((low(other), customer, low(other % long(CURRENCIES.len()))));
            }
        }
        let weights: Vec<u64> =
            contexts.iter().map(|(_, customer, _)| 1_000_000_000_000 / zipf(u64::from(*customer) + 1)).collect();
        let sums = sums(&weights);
        let mut subscriptions = Vec::new();
        let mut of_context: Vec<Vec<u32>> = vec![Vec::new(); contexts.len()];
        for index in 0..long(contexts.len()) * 3 {
            let context = if index < long(contexts.len()) { index } else { random.pick(&sums) };
            of_context[index_of(context)].push(number(subscriptions.len()));
            subscriptions.push((low(context), format!("/subscriptions/{}", random.guid())));
        }
        let mut world = Self { month, skus: skus(), contexts, customers: names, subscriptions, machines: Vec::new() };
        let mut lines = 0;
        let few = 4 + REGIONS.len() / 3;
        while lines < month.rows {
            let context = random.pick(&sums);
            let mine = &of_context[index_of(context)];
            let subscription = mine[index_of(random.below(long(mine.len())).min(random.below(long(mine.len()))))];
            // A customer has few regions, and favours some SKUs.
            let region = (spread(context, 7) + random.below(3) * random.below(2)) % long(few);
            let family = if random.below(3) == 0 {
                random.below(long(world.skus.len()))
            } else {
                spread(context, 11) + random.below(4)
            };
            let sku = family % long(world.skus.len());
            let machine = world.machine(low(context), subscription, low(region), low(sku), &mut random);
            world.machines.push(machine);
            let index = world.machines.len() - 1;
            let of_machine: u64 = (0..month.hours)
                .filter(|hour| world.seconds(index, i64::from(*hour)) > 0)
                .count()
                .try_into()
                .unwrap_or(0);
            lines += of_machine * world.machines[index].lines;
        }
        world
    }

    fn machine(&self, context: u32, subscription: u32, region: u32, sku: u32, random: &mut Random) -> Machine {
        let seconds = i64::from(self.month.hours) * 3600;
        let (_, customer, currency) = self.contexts[at(context)];
        let discount = 780 + signed(spread(u64::from(customer), 220));
        let region_factor = 1000 + signed(spread(u64::from(region) + 99, 250));
        let price =
            self.skus[at(sku)].price_e6 * region_factor / 1000 * discount / 1000 * CURRENCIES[at(currency)].1 / 1000;
        let kind = match random.below(100) {
            0..60 => 0,
            60..85 => 1,
            _ => 2,
        };
        let is_short = random.below(100) < 18;
        let moment = |random: &mut Random| signed(random.below(u64::try_from(seconds).unwrap_or(1)));
        let (one, other) = (moment(random), moment(random));
        Machine {
            context,
            subscription,
            region,
            sku,
            price_e6: price,
            kind,
            instances: if random.below(8) == 0 { 2 + signed(random.below(30)) } else { 1 },
            lines: if random.below(25) == 0 { 2 + random.below(3) } else { 1 },
            born: if is_short { one.min(other) } else { 0 },
            died: if is_short { one.max(other) } else { seconds },
        }
    }

    /// Seconds that a machine runs in an hour.
    fn seconds(&self, machine: usize, hour: i64) -> i64 {
        let of = &self.machines[machine];
        let moment = mix(mix(self.month.seed ^ 0xA5, long(machine)), u64::try_from(hour).unwrap_or(0));
        let day = hour.div_euclid(24);
        let run = match of.kind {
            0 if moment.is_multiple_of(250) => (600, 600 + signed(spread(moment, 2900))),
            0 => (0, 3600),
            1 => {
                let of_day = mix(mix(self.month.seed ^ 0x5A, long(machine)), u64::try_from(day).unwrap_or(0));
                let begin = 7 * 3600 + signed(spread(of_day, 5400));
                let end = begin + 8 * 3600 + signed(spread(of_day >> 7, 7200));
                // The third and the fourth day of the month are a Saturday and a Sunday.
                let is_free = matches!(day % 7, 2 | 3);
                let from = hour.rem_euclid(24) * 3600;
                if is_free { (0, 0) } else { ((begin - from).clamp(0, 3600), (end - from).clamp(0, 3600)) }
            }
            _ if moment % 100 >= 12 => (0, 0),
            _ if moment.is_multiple_of(2) => (0, 3600),
            _ => (0, 300 + signed(spread(moment, 3300))),
        };
        let begin = (run.0).max(of.born - hour * 3600);
        let end = (run.1).min(of.died - hour * 3600);
        (end - begin).max(0)
    }

    fn write_usage(&self, folder: &Path) -> Result<(), Error> {
        let lists = self.lists();
        let mut columns = UsageColumns { lists: lists.clone(), ..UsageColumns::default() };
        let (mut line, mut files) = (0_i64, 0);
        for day in 0..i64::from(self.month.hours.div_ceil(24)) {
            let mut of_day: Vec<(u32, i64, i64)> = Vec::new();
            for machine in 0..self.machines.len() {
                for hour in day * 24..(day * 24 + 24).min(i64::from(self.month.hours)) {
                    let seconds = self.seconds(machine, hour);
                    if seconds == 0 {
                        continue;
                    }
                    let of = &self.machines[machine];
                    let amount = seconds * of.instances * 1_000_000 / 3600;
                    let pieces = signed(of.lines);
                    for piece in 0..pieces {
                        let share =
                            if piece == pieces - 1 { amount - amount / pieces * piece } else { amount / pieces };
                        of_day.push((number(machine), hour, share));
                    }
                }
            }
            Random::new(mix(self.month.seed, 1000 + u64::try_from(day).unwrap_or(0))).shuffle(&mut of_day);
            for (machine, hour, amount) in of_day {
                // The machine that was invented last has more lines than are wanted: some are left out on its last days.
                if u64::try_from(line).unwrap_or(u64::MAX) >= self.month.rows {
                    break;
                }
                line += 1;
                self.push(&mut columns, line, machine, hour, amount);
                if columns.lines.len() >= self.month.file_rows {
                    save(folder, &mut files, &mut columns, &lists, self.month.style)?;
                }
            }
        }
        if !columns.lines.is_empty() || files == 0 {
            save(folder, &mut files, &mut columns, &lists, self.month.style)?;
        }
        Ok(())
    }

    fn push(&self, columns: &mut UsageColumns, line: i64, machine: u32, hour: i64, amount: i64) {
        let of = &self.machines[at(machine)];
        let (account, customer, currency) = self.contexts[at(of.context)];
        columns.lines.push(line);
        columns.starts.push((FIRST_HOUR + hour) * HOUR_MICROS);
        columns.quantities.push(amount);
        columns.prices.push(of.price_e6);
        let codes = [account, customer, of.subscription, machine, of.region, of.sku, currency];
        for (column, code) in columns.codes.iter_mut().zip(codes) {
            column.push(code);
        }
    }

    fn lists(&self) -> [Arc<Vec<String>>; 7] {
        let resource = |(index, machine): (usize, &Machine)| {
            let subscription = &self.subscriptions[at(machine.subscription)].1;
            let name = mix(self.month.seed ^ 0x77, long(index));
            let kind = if machine.instances > 1 { "virtualMachineScaleSets/vmss" } else { "virtualMachines/vm" };
            let group = name % 37;
            format!(
                "{subscription}/resourceGroups/rg-{group:02}-{:04x}/providers/Microsoft.Compute/{kind}-{name:016x}",
                name >> 48
            )
        };
        let list = |texts: Vec<String>| Arc::new(texts);
        [
            list((0..ACCOUNTS).map(|account| format!("billing-account-{:012x}", mix(account, 5) >> 16)).collect()),
            list(self.customers.clone()),
            list(self.subscriptions.iter().map(|(_, name)| name.clone()).collect()),
            list(self.machines.iter().enumerate().map(resource).collect()),
            list(REGIONS.map(str::to_owned).to_vec()),
            list(self.skus.iter().map(|sku| sku.name.clone()).collect()),
            list(CURRENCIES.map(|(currency, _)| currency.to_owned()).to_vec()),
        ]
    }

    fn reservations(&self) -> String {
        let mut random = Random::new(mix(self.month.seed, 3));
        let count = (self.month.rows / 2500).max(20);
        let weights: Vec<u64> = self.machines.iter().map(|machine| if machine.kind == 0 { 10 } else { 3 }).collect();
        let sums = sums(&weights);
        let mut chosen = Vec::new();
        for _ in 0..count {
            let machine = index_of(random.pick(&sums));
            chosen.push((machine, random.below(100) < 30, random.below(100) < 65));
        }
        let key = |machine: &Machine, is_single: bool, is_flexible: bool| {
            let what = if is_flexible { self.skus[at(machine.sku)].group } else { machine.sku };
            let scope = if is_single { machine.subscription } else { u32::MAX };
            (machine.context, machine.region, is_flexible, what, scope)
        };
        let mut demand: BTreeMap<_, (i64, i64)> = BTreeMap::new();
        for (machine, is_single, is_flexible) in &chosen {
            demand.entry(key(&self.machines[*machine], *is_single, *is_flexible)).or_default().1 += 1;
        }
        for machine in &self.machines {
            let share = [100, 33, 9][index_of(machine.kind)];
            let units = machine.instances * self.skus[at(machine.sku)].ratio_e6 / 100 * share;
            for flags in [(false, false), (false, true), (true, false), (true, true)] {
                if let Some(found) = demand.get_mut(&key(machine, flags.0, flags.1)) {
                    found.0 += units;
                }
            }
        }
        let mut text = "ReservationId,BillingAccountId,x_CustomerId,AppliedScopeType,AppliedScopeSubscriptionId,RegionId,\
            x_ArmSkuName,InstanceFlexibility,Quantity,EffectiveStart,EffectiveEnd,PurchasedAt,HourlyCost,BillingCurrency\n"
            .to_owned();
        let lists = self.lists();
        let mut bought_before = 0;
        for (machine, is_single, is_flexible) in chosen {
            let of = &self.machines[machine];
            let (units, rivals) = demand[&key(of, is_single, is_flexible)];
            let group = self.skus[at(of.sku)].group;
            // Flexible ones are often bought in the smallest size.
            let small = self.skus.iter().position(|sku| sku.group == group).unwrap_or(0);
            let sku = if is_flexible && random.below(10) < 6 { small } else { at(of.sku) };
            let share = 25 + signed(random.below(60));
            let quantity = (units * share / 100 / rivals.max(1) / self.skus[sku].ratio_e6).max(1);
            let hour = |hours: i64| (FIRST_HOUR + hours) * 3600;
            let length = i64::from(self.month.hours);
            let odd = signed(random.below(2) * random.below(3600));
            let (start, end) = match random.below(100) {
                0..8 => (hour(signed(random.below(u64::from(self.month.hours)))) + odd, hour(length + 9000)),
                8..14 => (hour(-5000), hour(signed(random.below(u64::from(self.month.hours)))) + odd),
                _ => (hour(-1 - signed(random.below(20_000))) + odd, hour(length + 1 + signed(random.below(9000)))),
            };
            let bought = if random.below(10) == 0 { bought_before } else { start - signed(random.below(600)) };
            bought_before = bought;
            let (account, customer, currency) = self.contexts[at(of.context)];
            let cost_e8 = self.skus[sku].price_e6 * CURRENCIES[at(currency)].1 / 1000 * (38 + signed(random.below(30)))
                + signed(random.below(100));
            let second = |second: i64| crate::input::format_instant(second * 1_000_000);
            writeln!(
                text,
                "{},{},{},{},{},{},{},{},{quantity},{},{},{},{},{}",
                random.guid(),
                lists[0][at(account)],
                lists[1][at(customer)],
                if is_single { "Single" } else { "Shared" },
                if is_single { &lists[2][at(of.subscription)] } else { "" },
                REGIONS[at(of.region)],
                self.skus[sku].name,
                if is_flexible { "On" } else { "Off" },
                second(start),
                second(end),
                second(bought),
                format_scaled(i128::from(cost_e8), 8),
                CURRENCIES[at(currency)].0,
            )
            .expect("text takes all");
        }
        text
    }
}

fn save(
    folder: &Path,
    files: &mut usize,
    columns: &mut UsageColumns,
    lists: &[Arc<Vec<String>>; 7],
    style: Style,
) -> Result<(), Error> {
    let full = std::mem::replace(columns, UsageColumns { lists: lists.clone(), ..UsageColumns::default() });
    write_usage(&folder.join(format!("part-{files:05}.parquet")), &full, style)?;
    *files += 1;
    Ok(())
}

/// The rank to the power of nine eighths, in 2^-6.
fn zipf(rank: u64) -> u64 {
    let root = rank.saturating_mul(1 << 48).isqrt().isqrt().isqrt();
    rank * root
}

fn sums(weights: &[u64]) -> Vec<u64> {
    let mut sum = 0;
    let add = |weight: &u64| {
        sum += weight;
        sum
    };
    weights.iter().map(add).collect()
}

fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn index_of(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
