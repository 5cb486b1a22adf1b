//! The rules of `docs/rating.md` once more: slow, plain, with fractions of any length, and nothing of the engine.

use crate::model::{HOUR, Held, OutRow, Usage, World, shown};
use num_bigint::BigInt;
use num_rational::BigRational;
use std::collections::BTreeSet;

type Context = (String, String, String, String);

/// Rates a world.
pub fn rate(world: &World) -> Vec<String> {
    let of_line = |line: &Usage| -> Context {
        (line.texts[0].clone(), line.texts[1].clone(), line.texts[6].clone(), line.texts[4].clone())
    };
    let of_held = |one: &Held| -> Context {
        (one.texts[0].clone(), one.texts[1].clone(), one.texts[4].clone(), one.texts[2].clone())
    };
    let mut contexts: BTreeSet<Context> = world.usage.iter().map(of_line).collect();
    contexts.extend(world.held.iter().map(of_held));
    let mut rows = Vec::new();
    for context in &contexts {
        for hour in world.whole_period() {
            let lines = world.usage.iter().filter(|line| of_line(line) == *context && line.hour == hour);
            let held = world.held.iter().filter(|one| of_held(one) == *context);
            let active = held.filter(|one| one.start <= hour * HOUR && hour * HOUR < one.end);
            rows.extend(rate_hour(world, hour, lines.collect(), active.collect()));
        }
    }
    shown(&rows)
}

fn rate_hour(world: &World, hour: i64, mut lines: Vec<&Usage>, mut held: Vec<&Held>) -> Vec<OutRow> {
    lines.sort_by(|a, b| {
        let order = a.texts[2].as_bytes().cmp(b.texts[2].as_bytes());
        order.then_with(|| a.texts[3].as_bytes().cmp(b.texts[3].as_bytes())).then_with(|| a.line.cmp(&b.line))
    });
    held.sort_by_key(|one| (pass(one), one.purchased_at, one.id.as_bytes().to_vec()));
    let mut line_left: Vec<BigRational> = lines
        .iter()
        .map(|line| {
            let quantity = over(line.quantity_e6, 6);
            if line.quantity_e6 > 0 { quantity * ratio(world, &line.texts[5]) } else { over(0, 0) }
        })
        .collect();
    let mut held_left: Vec<BigRational> =
        held.iter().map(|one| over(one.quantity, 0) * ratio(world, &one.texts[3])).collect();
    // Who took how many units of what, in the order of the taking.
    let mut taken: Vec<(usize, usize, BigRational)> = Vec::new();
    for (h, one) in held.iter().enumerate() {
        for (l, line) in lines.iter().enumerate() {
            let in_scope = one.scope.as_ref().is_none_or(|scope| *scope == line.texts[2]);
            let matches = if one.is_flexible {
                group(world, &one.texts[3]) == group(world, &line.texts[5])
            } else {
                one.texts[3] == line.texts[5]
            };
            let units = line_left[l].clone().min(held_left[h].clone());
            if in_scope && matches && units > over(0, 0) {
                line_left[l] -= &units;
                held_left[h] -= &units;
                taken.push((h, l, units));
            }
        }
    }
    let mut rows = Vec::new();
    let quantities: Vec<(BigInt, BigInt, BigInt)> = taken
        .iter()
        .map(|(h, l, units)| {
            let consumed = round(&(units / ratio(world, &lines[*l].texts[5])));
            let discounted = round(&(units / ratio(world, &held[*h].texts[3])));
            let cost = round(&(tenth_billionths(&discounted) * over(held[*h].hourly_cost_e8, 8)));
            (consumed, discounted, cost)
        })
        .collect();
    let consumed_of = |index: usize| {
        let (_, l, _) = taken[index];
        let is_last = !taken[index + 1..].iter().any(|(_, line, _)| *line == l) && line_left[l] == over(0, 0);
        if !is_last {
            return quantities[index].0.clone();
        }
        let others = (0..taken.len()).filter(|other| *other != index && taken[*other].1 == l);
        round(&over(lines[l].quantity_e6, 6)) - others.map(|other| &quantities[other].0).sum::<BigInt>()
    };
    let discounted_of = |index: usize| {
        let (h, _, _) = taken[index];
        let is_last = !taken[index + 1..].iter().any(|(one, _, _)| *one == h) && held_left[h] == over(0, 0);
        if !is_last {
            return (quantities[index].1.clone(), quantities[index].2.clone());
        }
        let others: Vec<usize> = (0..taken.len()).filter(|other| *other != index && taken[*other].0 == h).collect();
        let (quantity, cost) = whole(held[h]);
        (
            quantity - others.iter().map(|other| &quantities[*other].1).sum::<BigInt>(),
            cost - others.iter().map(|other| &quantities[*other].2).sum::<BigInt>(),
        )
    };
    for (index, (h, l, _)) in taken.iter().enumerate() {
        let (discounted, effective) = discounted_of(index);
        rows.push(OutRow {
            consumed: show(&consumed_of(index)),
            discounted: show(&discounted),
            billed: show(&BigInt::from(0)),
            effective: show(&effective),
            ..identity(Some(lines[*l]), Some(held[*h]), hour)
        });
    }
    for (l, line) in lines.iter().enumerate() {
        if line.quantity_e6 > 0 && line_left[l] == over(0, 0) {
            continue;
        }
        let others = (0..taken.len()).filter(|index| taken[*index].1 == l);
        let rest = round(&over(line.quantity_e6, 6)) - others.map(|index| &quantities[index].0).sum::<BigInt>();
        let billed = round(&(tenth_billionths(&rest) * over(line.price_e6, 6)));
        rows.push(OutRow {
            consumed: show(&rest),
            billed: show(&billed),
            effective: show(&billed),
            ..identity(Some(line), None, hour)
        });
    }
    for (h, one) in held.iter().enumerate() {
        if held_left[h] == over(0, 0) {
            continue;
        }
        let (mut quantity, mut cost) = whole(one);
        for index in (0..taken.len()).filter(|index| taken[*index].0 == h) {
            quantity -= &quantities[index].1;
            cost -= &quantities[index].2;
        }
        rows.push(OutRow {
            consumed: show(&BigInt::from(0)),
            discounted: show(&quantity),
            billed: show(&BigInt::from(0)),
            effective: show(&cost),
            ..identity(None, Some(one), hour)
        });
    }
    rows
}

/// The columns of a row that follow from whose it is.
pub fn identity(line: Option<&Usage>, one: Option<&Held>, hour: i64) -> OutRow {
    let texts = match (line, one) {
        (Some(line), _) => line.texts.clone(),
        (None, Some(one)) => {
            let [account, customer, region, sku, currency] = one.texts.clone();
            [account, customer, String::new(), String::new(), region, sku, currency]
        }
        (None, None) => unreachable!("a row has a line or a reservation"),
    };
    OutRow {
        line: line.map(|line| line.line),
        texts,
        hour,
        price_e6: line.map(|line| line.price_e6),
        reservation: one.map(|one| one.id.clone()),
        is_unused: line.is_none(),
        ..OutRow::default()
    }
}

fn pass(one: &Held) -> u8 {
    match (one.scope.is_some(), one.is_flexible) {
        (true, false) => 1,
        (true, true) => 2,
        (false, false) => 3,
        (false, true) => 4,
    }
}

/// A group of the table, or the SKU itself, which are different even where the names are equal.
fn group(world: &World, sku: &str) -> (bool, String) {
    let row = world.table.iter().find(|(_, listed, _)| listed == sku);
    row.map_or((false, sku.to_owned()), |(group, _, _)| (true, group.clone()))
}

fn ratio(world: &World, sku: &str) -> BigRational {
    let Some((_, _, text)) = world.table.iter().find(|(_, listed, _)| listed == sku) else { return over(1, 0) };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
    BigRational::new(digits, BigInt::from(10).pow(u32::try_from(fraction.len()).unwrap()))
}

fn over(value: i64, decimals: u32) -> BigRational {
    BigRational::new(value.into(), BigInt::from(10).pow(decimals))
}

fn tenth_billionths(value: &BigInt) -> BigRational {
    BigRational::new(value.clone(), BigInt::from(10).pow(10))
}

fn whole(one: &Held) -> (BigInt, BigInt) {
    let quantity = over(one.quantity, 0);
    (round(&quantity), round(&(quantity * over(one.hourly_cost_e8, 8))))
}

/// To ten decimals, half to even.
fn round(value: &BigRational) -> BigInt {
    let scaled = value * BigRational::from(BigInt::from(10).pow(10));
    let floor = scaled.floor();
    let rest = &scaled - &floor;
    let floor = floor.to_integer();
    let half = BigRational::new(1.into(), 2.into());
    let is_odd = &floor % 2 != BigInt::from(0);
    if rest > half || (rest == half && is_odd) { floor + 1 } else { floor }
}

fn show(value: &BigInt) -> String {
    let one = BigInt::from(10).pow(10);
    let (sign, magnitude) = if *value < BigInt::from(0) { ("-", -value) } else { ("", value.clone()) };
    format!("{sign}{}.{:0>10}", &magnitude / &one, (&magnitude % &one).to_string())
}
