//! Random worlds: kernel, engine and oracle give the same rows, and what must always hold does.

use crate::model::{HOUR, Held, Usage, Way, World, by_engine, by_kernel, rate, read_output, write};
use crate::oracle;
use fullmakt_rating::OutputFormat;
use fullmakt_rating::sample::Style;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// The first hour of 2026-02-01.
const FIRST: i64 = 490_896 + 31 * 24;

const QUANTITIES: [i64; 12] = [
    1_000_000,
    1_000_000,
    2_000_000,
    333_333,
    500_000,
    1,
    0,
    -1_500_000,
    7_000_001,
    999_999_999_999_999_999,
    123_456_789_012,
    10_000_000,
];
const PRICES: [i64; 6] = [96_000, 0, 1, 123_457, -5_000, 999_999_999_999_999_999];
const RATIOS: [&str; 9] =
    ["1", "2", "3", "0.5", "1.333333333", "28.8", "0.000000000000001", "99999.999999999999999", "14.135"];
/// `G1` is named like a group, `Z` is never listed.
const SKUS: [&str; 6] = ["A", "B", "C", "D", "G1", "Z"];
const COSTS: [i64; 5] = [4_500_000, 0, 1, 33_333_333, 999_999_999_999_999_999];

fn name(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    // The first is likeliest, so that lines and reservations meet.
    (0..of.len() * 3).prop_map(move |index| of[index.saturating_sub(of.len() * 2)].to_owned())
}

fn usage() -> impl Strategy<Value = Usage> {
    let texts = (
        name(&["partner", "other"]),
        name(&["customer", "client"]),
        name(&["sub-1", "sub-2", "sub-10"]),
        name(&["vm-1", "vm-2", "vm-10"]),
        name(&["swedencentral", "westeurope"]),
        select(&SKUS[..]).prop_map(str::to_owned),
        name(&["EUR", "SEK"]),
    );
    (texts, 0..4_i64, select(&QUANTITIES[..]), select(&PRICES[..])).prop_map(|(texts, hour, quantity_e6, price_e6)| {
        Usage { line: 0, texts: texts.into(), hour: FIRST + hour, quantity_e6, price_e6 }
    })
}

fn held() -> impl Strategy<Value = Held> {
    let texts = (
        name(&["partner", "other"]),
        name(&["customer", "client"]),
        name(&["swedencentral", "westeurope"]),
        select(&SKUS[..]).prop_map(str::to_owned),
        name(&["EUR", "SEK"]),
    );
    let scope = proptest::option::of(name(&["sub-1", "sub-2", "sub-10"]));
    let quantity = select(&[1_i64, 1, 2, 3, 7, 0, 1_000_000_000][..]);
    // In quarters of an hour, so that some begin or end within an hour of the period.
    let times = (-20..16_i64, 0..30_i64, 0..3_i64);
    (texts, scope, any::<bool>(), quantity, times, select(&COSTS[..])).prop_map(
        |(texts, scope, is_flexible, quantity, (start, length, purchased), hourly_cost_e8)| Held {
            id: String::new(),
            texts: texts.into(),
            scope,
            is_flexible,
            quantity,
            start: FIRST * HOUR + start * HOUR / 4,
            end: FIRST * HOUR + (start + length) * HOUR / 4,
            purchased_at: FIRST * HOUR - (3 - purchased) * HOUR,
            hourly_cost_e8,
        },
    )
}

prop_compose! {
    /// Usage and reservations of some hours.
    pub fn world()(
        mut usage in vec(usage(), 0..14),
        mut held in vec(held(), 0..9),
        table in vec((select(&["G1", "G2"][..]), select(&SKUS[..5]), select(&RATIOS[..])), 0..8),
        period in proptest::option::of((0..3_i64, 0..3_i64)),
        ids in any::<u64>(),
    ) -> World {
        for (index, line) in (0..).zip(&mut usage) {
            // Neither the order of arrival nor negative numbers may matter.
            line.line = (index * 7 + i64::try_from(ids % 11).unwrap()) % 101 - 20;
        }
        for (index, one) in (0..).zip(&mut held) {
            one.id = format!("reservation-{}", (index * 5 + ids % 13) % 31);
        }
        World {
            usage,
            held,
            table: table.into_iter().map(|(group, sku, ratio)| (group.into(), sku.into(), ratio.into())).collect(),
            period: period.map(|(before, after)| FIRST - before..FIRST + 4 + after),
        }
    }
}

fn style() -> impl Strategy<Value = Option<Style>> {
    let sizes = (select(&[1_usize, 3, 1000][..]), select(&[20_usize, 1 << 20][..]));
    let style = (any::<[bool; 5]>(), sizes).prop_map(|(flags, (group_rows, dictionary_bytes))| Style {
        is_optional: flags[0],
        has_dictionary: flags[1],
        is_delta: flags[2],
        is_second_version: flags[3],
        group_rows,
        dictionary_bytes,
        has_plain_lines: flags[4],
    });
    proptest::option::of(style)
}

fn way() -> impl Strategy<Value = Way> {
    let format = select(&[OutputFormat::Csv, OutputFormat::Parquet][..]);
    (style(), 1..4_usize, any::<bool>(), 1..3_usize, select(&[200_u64 << 10, 1 << 30][..]), format).prop_map(
        |(style, files, is_reversed, threads, memory, format)| Way {
            style,
            files,
            is_reversed,
            threads,
            memory,
            format,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn kernel_and_oracle_agree(world in world()) {
        prop_assert_eq!(by_kernel(&world), oracle::rate(&world));
    }

    #[test]
    fn engine_and_oracle_agree(world in world(), way in way()) {
        prop_assert_eq!(by_engine(&world, &way), oracle::rate(&world));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn sums_come_out_exactly(world in world()) {
        let folder = tempfile::tempdir().unwrap();
        let job = write(&world, &Way::default(), folder.path());
        rate(&job).unwrap();
        let rows = read_output(&job.out);
        let amount = |text: &str| fullmakt_domain::rating::parse_scaled(text, 38, 10).unwrap();
        let mut lines: BTreeMap<i64, i128> = BTreeMap::new();
        let mut reservations: BTreeMap<(String, i64), (i128, i128)> = BTreeMap::new();
        for row in &rows {
            if let Some(line) = row.line {
                *lines.entry(line).or_default() += amount(&row.consumed);
            }
            if let Some(id) = &row.reservation {
                let sums = reservations.entry((id.clone(), row.hour)).or_default();
                sums.0 += amount(&row.discounted);
                sums.1 += amount(&row.effective);
                let one = world.held.iter().find(|one| one.id == *id).unwrap();
                prop_assert_eq!(&row.texts[0], &one.texts[0]);
                prop_assert_eq!(&row.texts[1], &one.texts[1]);
                prop_assert_eq!(&row.texts[4], &one.texts[2]);
                prop_assert_eq!(&row.texts[6], &one.texts[4]);
                prop_assert!(row.is_unused || one.scope.as_ref().is_none_or(|scope| *scope == row.texts[2]));
            }
        }
        let expected: BTreeMap<i64, i128> =
            world.usage.iter().map(|line| (line.line, i128::from(line.quantity_e6) * 10_000)).collect();
        prop_assert_eq!(lines, expected);
        for one in &world.held {
            for hour in world.whole_period() {
                let is_active = one.start <= hour * HOUR && hour * HOUR < one.end && one.quantity > 0;
                let sums = reservations.get(&(one.id.clone(), hour)).copied();
                let quantity = i128::from(one.quantity);
                let whole = (quantity * 10_000_000_000, quantity * i128::from(one.hourly_cost_e8) * 100);
                prop_assert_eq!(sums, is_active.then_some(whole));
            }
        }
    }

    /// Bytes, not rows: order of the input, files, threads and memory leave no trace.
    #[test]
    fn the_bytes_do_not_depend_on_the_way(world in world(), one in way(), other in way()) {
        let other = Way { format: one.format, ..other };
        let bytes = |way: &Way| {
            let folder = tempfile::tempdir().unwrap();
            let job = write(&world, way, folder.path());
            rate(&job).unwrap();
            let mut files: Vec<_> = std::fs::read_dir(&job.out).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files.into_iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>()
        };
        prop_assert!(bytes(&one) == bytes(&other));
    }

    /// Hour by hour, each run given its period, gives the rows of the whole.
    #[test]
    fn hours_can_be_rated_alone(world in world()) {
        let period = world.whole_period();
        let mut rows = Vec::new();
        for hour in period {
            let mut part = world.clone();
            part.usage.retain(|line| line.hour == hour);
            part.period = Some(hour..hour + 1);
            rows.extend(by_engine(&part, &Way::default()));
        }
        rows.sort();
        prop_assert_eq!(rows, by_engine(&world, &Way::default()));
    }
}
