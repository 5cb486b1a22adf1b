//! The server rates hour by hour, with names and prices of its own; the rows are those of the oracle over the whole.

use crate::generated::world;
use crate::model::{HOUR, Held, OutRow, Usage, World, shown};
use crate::oracle;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{BillingPlan, Region, SkuName};
use fullmakt_domain::ids::{PartnerId, ReservationId, ReservationOrderId, SubscriptionId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::rated::{Book, OrderTerms, StateSince, Stretch, stretches};
use fullmakt_domain::rating::{Flexibility, FlexibilityRow, Ratio, format_scaled};
use fullmakt_domain::reservation::{AppliedScope, ReservationState};
use fullmakt_domain::usage::{UsageHour, UsageLine, UsageResource};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The world as one partner and customer know it, with identifiers as the server has them, and costs that are a price over
/// the hours of a term.
fn known_to_a_server(mut world: World) -> World {
    let subscription = |name: &str| {
        let number = ["sub-1", "sub-10", "sub-2"].iter().position(|one| *one == name).unwrap();
        format!("00000000-0000-4000-8000-{number:012x}")
    };
    world.usage.retain(|line| line.texts[0] == "partner" && line.texts[1] == "customer");
    world.held.retain(|one| one.texts[0] == "partner" && one.texts[1] == "customer");
    for line in &mut world.usage {
        line.texts[2] = subscription(&line.texts[2]);
    }
    for one in &mut world.held {
        let number: u32 = one.id.trim_start_matches("reservation-").parse().unwrap();
        one.id = format!("00000000-0000-4000-8000-{number:012x}");
        one.scope = one.scope.as_deref().map(subscription);
        one.hourly_cost_e8 = one.hourly_cost_e8 % 1_000_000_000 / 100 * 100;
    }
    world
}

fn stretches_of(one: &Held) -> Vec<Stretch> {
    let at = |micros| Timestamp::from_microsecond(micros).unwrap();
    let currency = Currency::parse(&one.texts[4]).unwrap();
    let mut terms = OrderTerms {
        order: ReservationOrderId::parse(&one.id).unwrap(),
        partner: PartnerId::parse(&one.id).unwrap(),
        subscription: SubscriptionId::parse(&one.id).unwrap(),
        sku: SkuName::parse(&one.texts[3]).unwrap(),
        region: Region::parse(&one.texts[2]).unwrap(),
        plan: BillingPlan::Upfront,
        requested_at: at(one.purchased_at),
        starts_at: at(one.start),
        expires_at: at(one.end),
        customer_price: Money::zero(currency),
        list_price: Money::zero(currency),
    };
    terms.customer_price.amount_e6 = one.hourly_cost_e8 / 100 * terms.hours();
    let scope = |id: &String| AppliedScope::Single(ArmScope::Subscription(SubscriptionId::parse(id).unwrap()));
    let state = StateSince {
        since: at(one.start.min(one.purchased_at)),
        scope: one.scope.as_ref().map_or(AppliedScope::Shared, scope),
        is_flexible: one.is_flexible,
        quantity: one.quantity,
        state: ReservationState::Succeeded,
    };
    stretches(ReservationId::parse(&one.id).unwrap(), &terms, &[state])
}

fn by_server(world: &World) -> Vec<String> {
    let resource = |line: &Usage| UsageResource {
        subscription: SubscriptionId::parse(&line.texts[2]).unwrap(),
        resource: line.texts[3].clone(),
        region: line.texts[4].clone(),
        sku: line.texts[5].clone(),
        unit_price_e6: line.price_e6,
        currency: Currency::parse(&line.texts[6]).unwrap(),
    };
    let distinct: BTreeSet<UsageResource> = world.usage.iter().map(resource).collect();
    // Numbers come as usage came, in no order that means anything.
    let resources: BTreeMap<i64, UsageResource> = (1..).zip(distinct.into_iter().rev()).collect();
    let number = |line: &Usage| {
        let wanted = resource(line);
        resources.iter().find(|(_, one)| **one == wanted).map(|(number, _)| *number).unwrap()
    };
    let stretches: Vec<Stretch> = world.held.iter().flat_map(stretches_of).collect();
    let sizes = Flexibility::new(world.table.iter().map(|(group, sku, ratio)| FlexibilityRow {
        group: group.clone(),
        sku: sku.clone(),
        ratio: Ratio::parse(ratio).unwrap(),
    }));
    let book = Book::new(&resources, &stretches, &sizes).unwrap();
    let mut rows = Vec::new();
    for hour in world.whole_period() {
        let of_hour = world.usage.iter().filter(|line| line.hour == hour);
        let lines =
            of_hour.map(|line| UsageLine { resource: number(line), line: line.line, quantity_e6: line.quantity_e6 });
        let usage = UsageHour { hour, lines: lines.collect() };
        for rated in book.rate_hour(&usage).unwrap() {
            for row in &rated.rows {
                let line = row.line.map(|line| rated.usage[usize::try_from(line).unwrap()].line);
                let line = line.map(|line| world.usage.iter().find(|one| one.line == line).unwrap());
                let taker = row.reservation.map(|one| rated.cell.stretches[usize::try_from(one).unwrap()].reservation);
                let taker = taker.map(|id| world.held.iter().find(|one| one.id == id.to_string()).unwrap());
                let amount = |value| format_scaled(value, 10);
                rows.push(OutRow {
                    consumed: amount(row.consumed_e10),
                    discounted: amount(row.discounted_e10),
                    billed: amount(row.billed_e10),
                    effective: amount(row.effective_e10),
                    ..oracle::identity(line, taker, hour)
                });
            }
        }
    }
    shown(&rows)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn the_server_and_the_oracle_agree(world in world()) {
        let world = known_to_a_server(world);
        assert!(world.held.iter().all(|one| one.start % (HOUR / 4) == 0));
        prop_assert_eq!(by_server(&world), oracle::rate(&world));
    }

    /// What is kept of a day are the sums of its rows.
    #[test]
    fn a_day_keeps_the_sums_of_its_rows(world in world()) {
        let world = known_to_a_server(world);
        let whole: i128 = world.usage.iter().map(|line| i128::from(line.quantity_e6) * 10_000).sum();
        let stretches: Vec<Stretch> = world.held.iter().flat_map(stretches_of).collect();
        let resources: BTreeMap<i64, UsageResource> = (0..).zip(&world.usage).map(|(number, line)| (number, UsageResource {
            subscription: SubscriptionId::parse(&line.texts[2]).unwrap(),
            resource: line.texts[3].clone(),
            region: line.texts[4].clone(),
            sku: line.texts[5].clone(),
            unit_price_e6: line.price_e6,
            currency: Currency::parse(&line.texts[6]).unwrap(),
        })).collect();
        let hours: Vec<UsageHour> = world.whole_period().map(|hour| UsageHour {
            hour,
            lines: (0..).zip(&world.usage).filter(|(_, line)| line.hour == hour).map(|(resource, line)| UsageLine {
                resource, line: line.line, quantity_e6: line.quantity_e6,
            }).collect(),
        }).collect();
        let book = Book::new(&resources, &stretches, &Flexibility::default()).unwrap();
        let day = book.rate_day(&hours).unwrap();
        prop_assert_eq!(day.shares.iter().map(|share| share.consumed_e10).sum::<i128>(), whole);
        let mut covered = 0;
        for one in day.reservations.iter().flat_map(|day| day.hours.iter().map(move |hour| (day, hour))) {
            let (day, hour) = one;
            let held = world.held.iter().find(|held| held.id == day.reservation.to_string()).unwrap();
            prop_assert_eq!(hour.quantity, held.quantity);
            let whole = i128::from(held.quantity) * i128::from(held.hourly_cost_e8) * 100;
            prop_assert_eq!(hour.used_cost_e10 + hour.unused_cost_e10, whole);
            covered += hour.used_cost_e10;
        }
        let shared: i128 = day.shares.iter().filter(|share| share.reservation.is_some()).map(|share| share.cost_e10).sum();
        prop_assert_eq!(shared, covered);
    }
}
