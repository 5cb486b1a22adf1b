//! Recommendations against cases, and against the rating kernel.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::rating::{Group, Line, Plan, Reservation, Scratch, Sku, Subscription};
use crate::testing::now;

const DAY: i64 = 24;

fn subscription(number: u8) -> SubscriptionId {
    SubscriptionId(Uuid::from_u128(u128::from(number)))
}

fn dsv5() -> SizeGroup {
    SizeGroup::Flexible(0)
}

fn eur(text: &str) -> Money {
    Money::exact(text.parse().unwrap(), Currency::parse("EUR").unwrap()).unwrap()
}

fn choice(sku: &str, ratio: &str, term: Term, price: &str) -> Choice {
    Choice {
        resource_type: ReservedResourceType::VirtualMachines,
        sku: SkuName::parse(sku).unwrap(),
        region: Region::parse("swedencentral").unwrap(),
        group: dsv5(),
        ratio: Ratio::parse(ratio).unwrap(),
        term,
        plans: BillingPlan::ALL.to_vec(),
        price: eur(price),
        list: eur(price),
    }
}

/// Instance hours (in millionths) in the hours from 0 on.
fn uncovered(of: u8, ratio: &str, price_e6: i64, quantities_e6: &[i64]) -> Uncovered {
    Uncovered {
        subscription: subscription(of),
        region: Region::parse("swedencentral").unwrap(),
        group: dsv5(),
        ratio: Ratio::parse(ratio).unwrap(),
        unit_price_e6: price_e6,
        hours: (0..).zip(quantities_e6.iter().map(|quantity| i128::from(*quantity) * 10_000)).collect(),
    }
}

fn recommended(uncovered: &[Uncovered], choices: &[Choice], hours: i64) -> Vec<Recommendation> {
    recommend(Basis { uncovered, choices, now: now() }, &(0..hours)).unwrap()
}

fn shown(one: &Recommendation) -> String {
    let amount = |value| crate::rating::format_scaled(value, 10).trim_end_matches('0').trim_end_matches('.').to_owned();
    let scope = one.subscription.map_or("shared".to_owned(), |id| format!("single {}", id.0.as_u128()));
    format!(
        "{} {} {} {scope}: {} -> {}, saves {}, used {}",
        one.quantity,
        one.choice.sku.short(),
        one.choice.term,
        amount(one.cost_without_e10),
        amount(one.cost_with_e10()),
        amount(one.net_saving_e10()),
        one.utilization_e4(),
    )
}

/// A machine that runs so many hours of each day, for ten days at 1 an hour.
fn machine(of: u8, hours_a_day: usize) -> Uncovered {
    let mut hours = Vec::new();
    for _ in 0..10 {
        hours.extend((0..24).map(|hour| if hour < hours_a_day { 1_000_000 } else { 0 }));
    }
    uncovered(of, "1", 1_000_000, &hours)
}

/// What it shows, the usage, what is for sale, and what is recommended.
type Case<'a> = (&'a str, &'a [Uncovered], &'a [Choice], &'a [&'a str]);

#[test]
fn what_pays_is_recommended_and_nothing_else() {
    // 4,380 for 8,760 hours: 0.5 an hour, so an instance pays from 12 hours a day on.
    let year = |price| choice("Standard_D2s_v5", "1", Term::P1Y, price);
    let cases: &[Case] = &[
        ("no usage", &[], &[year("4380")], &[]),
        ("nothing for sale", &[machine(1, 24)], &[], &[]),
        ("break-even is no gain", &[machine(1, 12)], &[year("4380")], &[]),
        (
            "an hour more is",
            &[machine(1, 13)],
            &[year("4380")],
            &[
                "1 D2s_v5 P1Y shared: 130 -> 120, saves 10, used 5417",
                "1 D2s_v5 P1Y single 1: 130 -> 120, saves 10, used 5417",
            ],
        ),
        (
            "only what runs long enough counts",
            &[machine(1, 24), machine(1, 18), machine(1, 6)],
            &[year("4380")],
            &[
                "2 D2s_v5 P1Y shared: 480 -> 300, saves 180, used 8750",
                "2 D2s_v5 P1Y single 1: 480 -> 300, saves 180, used 8750",
            ],
        ),
        (
            "two halves make a whole only when shared",
            &[machine(1, 8), {
                let mut nights = machine(2, 24);
                for ((_, night), (_, day)) in nights.hours.iter_mut().zip(machine(1, 14).hours) {
                    *night -= day;
                }
                nights
            }],
            &[year("4380")],
            &["1 D2s_v5 P1Y shared: 180 -> 120, saves 60, used 7500"],
        ),
        (
            "each term is an alternative; the better size of each",
            &[machine(1, 24), machine(1, 24), machine(1, 24)],
            &[
                year("4380"),
                choice("Standard_D4s_v5", "2", Term::P1Y, "8760"),
                choice("Standard_D2s_v5", "1", Term::P3Y, "6576"),
            ],
            &[
                "3 D2s_v5 P3Y shared: 720 -> 180, saves 540, used 10000",
                "3 D2s_v5 P3Y single 1: 720 -> 180, saves 540, used 10000",
                "3 D2s_v5 P1Y shared: 720 -> 360, saves 360, used 10000",
                "3 D2s_v5 P1Y single 1: 720 -> 360, saves 360, used 10000",
            ],
        ),
        (
            "a larger size where only that is sold",
            &[machine(1, 24), machine(1, 24), machine(1, 24)],
            &[choice("Standard_D4s_v5", "2", Term::P1Y, "4380")],
            &[
                "2 D4s_v5 P1Y shared: 720 -> 240, saves 480, used 7500",
                "2 D4s_v5 P1Y single 1: 720 -> 240, saves 480, used 7500",
            ],
        ),
    ];
    for (what, uncovered, choices, expected) in cases {
        let found: Vec<String> = recommended(uncovered, choices, 10 * DAY).iter().map(shown).collect();
        assert_eq!(found, *expected, "{what}");
    }
}

#[test]
fn break_even_is_told_in_hours_share_and_date() {
    let found = recommended(&[machine(1, 18)], &[choice("Standard_D2s_v5", "1", Term::P1Y, "4380")], 10 * DAY);
    let one = &found[0];
    assert_eq!(one.break_even_hours_e2(), 36_500, "365 a month at 1 an hour for 4,380 a year");
    assert_eq!(one.break_even_utilization_e4(), 5_000);
    assert_eq!((one.hours, one.hours_with_usage, one.used), (240, 180, (0, 233)));
    // 18 a day: 4,380 after 243 days and 8 hours.
    assert_eq!(one.pays_back_at(), now() + SignedDuration::from_hours(243 * 24 + 8));
    assert_eq!(one.monthly_saving_e10(), 1_825 * ONE_E10 / 10, "60 in 240 hours");
    assert_eq!(one.hourly_cost_e8(), 50_000_000);
    // Three years with a leap day are 26,304 hours: half of them is half of 730, not a 72nd of the term.
    let found = recommended(&[machine(1, 18)], &[choice("Standard_D2s_v5", "1", Term::P3Y, "13152")], 10 * DAY);
    assert_eq!((found[0].break_even_hours_e2(), found[0].break_even_utilization_e4()), (36_500, 5_000));
}

#[test]
fn a_term_over_a_leap_day_has_more_hours() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let price = eur("8784");
    assert_eq!(hourly_cost_e8(price, Term::P1Y, at("2027-03-01T10:00:00Z")), 100_000_000, "2028 is a leap year");
    assert_eq!(hourly_cost_e8(price, Term::P1Y, at("2026-03-01T10:00:00Z")), 100_273_973);
    assert_eq!(hourly_cost_e8(price, Term::P3Y, at("2026-03-01T10:00:00Z")), 33_394_161);
}

#[test]
fn usage_outside_the_look_back_and_corrections_do_not_count() {
    let mut usage = machine(1, 24);
    usage.hours.extend([(-1, 5 * ONE_E10), (500, 5 * ONE_E10)]);
    usage.hours[3].1 = -ONE_E10;
    let found = recommended(&[usage], &[choice("Standard_D2s_v5", "1", Term::P1Y, "4380")], 10 * DAY);
    assert_eq!(shown(&found[0]), "1 D2s_v5 P1Y shared: 239 -> 120, saves 119, used 9958");
}

#[test]
fn look_backs_are_read_by_name_or_days() {
    assert_eq!(LookBack::parse("last30days"), Ok(LookBack::Last30Days));
    assert_eq!(LookBack::parse(" 60 "), Ok(LookBack::Last60Days));
    assert!(LookBack::parse("Last14Days").is_err());
    assert_eq!(LookBack::Last7Days.window(1_000), 832..1_000);
}

/// What the rating kernel bills in all hours when so many are reserved, and what the reservation costs on top.
fn rated(uncovered: &[Uncovered], choice: &Choice, scope: Option<SubscriptionId>, instances: i64, hours: i64) -> i128 {
    let number = |id: SubscriptionId| Subscription(u32::try_from(id.0.as_u128()).unwrap());
    let hourly_cost_e8 = hourly_cost_e8(choice.price, choice.term, now());
    let group = Group::Listed(0);
    let reservation = Reservation {
        scope: scope.map(number),
        is_flexible: true,
        sku: Sku(0),
        group,
        ratio: choice.ratio,
        quantity: instances,
        hourly_cost_e8,
        first_hour: 0,
        end_hour: hours,
        purchased_at: 0,
        id_rank: 0,
    };
    let plan = Plan::new(vec![reservation]).unwrap();
    let within = |one: &&Uncovered| scope.is_none_or(|only| only == one.subscription);
    let mut total = 0;
    for hour in 0..hours {
        let line = |one: &Uncovered| {
            let (_, quantity_e10) = one.hours.iter().find(|(at, _)| *at == hour)?;
            Some(Line {
                quantity_e6: i64::try_from(quantity_e10 / 10_000).unwrap(),
                unit_price_e6: one.unit_price_e6,
                ratio: one.ratio,
                slots: plan.slots(number(one.subscription), Sku(1), group),
            })
            .filter(|line| line.quantity_e6 > 0)
        };
        let lines: Vec<Line> = uncovered.iter().filter(within).filter_map(line).collect();
        let mut rows = Vec::new();
        plan.rate_hour(hour, &lines, &mut Scratch::default(), &mut rows).unwrap();
        total += rows.iter().map(|row| row.billed_e10).sum::<i128>();
        total += i128::from(instances) * i128::from(hourly_cost_e8) * 100;
    }
    total
}

fn any_usage() -> impl Strategy<Value = Vec<Uncovered>> {
    let ratios = prop_oneof![Just("1"), Just("2"), Just("3"), Just("2.4"), Just("0.7")];
    let quantity = prop_oneof![3 => Just(0_i64), 3 => Just(1_000_000), 2 => 1_i64..3_000_000, 1 => -5_i64..5];
    let price = prop_oneof![4 => 1_i64..2_000_000, 1 => Just(0_i64), 1 => -1_000_i64..0];
    let series = (1_u8..4, ratios, price, proptest::collection::vec(quantity, 0..12));
    proptest::collection::vec(series, 0..6).prop_map(|mut all| {
        all.sort_by_key(|one| one.0);
        all.iter().map(|(of, ratio, price, hours)| uncovered(*of, ratio, *price, hours)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_quantity_saves_more_by_the_rating_kernel(
        usage in any_usage(), ratio in prop_oneof![Just("1"), Just("2"), Just("1.5")], cents in 1_i64..2_000_000,
    ) {
        let hours = 12;
        let price = Money { amount_e6: cents * 10_000, ..eur("0") };
        let choice = Choice { price, ..choice("Standard_D2s_v5", ratio, Term::P1Y, "1") };
        let found = recommended(&usage, std::slice::from_ref(&choice), hours);
        let mut scopes: Vec<Option<SubscriptionId>> = usage.iter().map(|one| Some(one.subscription)).collect();
        scopes.push(None);
        scopes.sort_unstable();
        scopes.dedup();
        for scope in scopes {
            let without = rated(&usage, &choice, scope, 0, hours);
            let costs: Vec<i128> = (0..=55).map(|n| rated(&usage, &choice, scope, n, hours)).collect();
            let best = (0_usize..).zip(&costs).min_by_key(|(n, cost)| (**cost, *n)).unwrap();
            let one = found.iter().find(|one| one.subscription == scope);
            prop_assert_eq!(one.map_or(0, |one| one.quantity.instances()), i64::try_from(best.0).unwrap());
            if let Some(one) = one {
                prop_assert_eq!((one.cost_without_e10, one.cost_with_e10()), (without, *best.1));
                prop_assert!(one.net_saving_e10() > 0 && one.covered_e10 <= one.demand_e10);
                prop_assert!(one.utilization_e4() <= 10_000);
            }
        }
    }

    #[test]
    fn at_one_price_it_is_the_quantile_at_break_even(
        hours in proptest::collection::vec(0_i64..9, 1..40), cents in 1_i64..900_000,
    ) {
        let price = Money { amount_e6: cents * 10_000, ..eur("0") };
        let choice = Choice { price, ..choice("Standard_D2s_v5", "1", Term::P1Y, "1") };
        let quantities: Vec<i64> = hours.iter().map(|n| n * 1_000_000).collect();
        let count = i64::try_from(hours.len()).unwrap();
        let found = recommended(&[uncovered(1, "1", 400_000, &quantities)], std::slice::from_ref(&choice), count);
        // One more pays while it is used in more hours than its cost in all hours is worth at 0.4 an hour.
        let pays = |n: i64| {
            let used = i64::try_from(hours.iter().filter(|used| **used > n).count()).unwrap();
            used * 40_000_000 > count * hourly_cost_e8(price, Term::P1Y, now())
        };
        let quantile = (0..9).take_while(|n| pays(*n)).count();
        let got = found.first().map_or(0, |one| one.quantity.instances());
        prop_assert_eq!(got, i64::try_from(quantile).unwrap());
    }

    #[test]
    fn the_hours_do_not_have_to_come_in_order_and_sharing_saves_no_less_at_one_price(
        usage in any_usage(), cents in 1_i64..900_000,
    ) {
        let choice = Choice {
            price: Money { amount_e6: cents * 10_000, ..eur("0") },
            ..choice("Standard_D2s_v5", "1", Term::P1Y, "1")
        };
        let even: Vec<Uncovered> =
            usage.into_iter().map(|one| Uncovered { unit_price_e6: 250_000, ratio: Ratio::ONE, ..one }).collect();
        let found = recommended(&even, std::slice::from_ref(&choice), 12);
        let mut turned = even.clone();
        turned.iter_mut().for_each(|one| one.hours.reverse());
        prop_assert_eq!(&recommended(&turned, std::slice::from_ref(&choice), 12), &found);
        let saving = |shared: bool| {
            found.iter().filter(|one| one.subscription.is_none() == shared).map(Recommendation::net_saving_e10).max()
        };
        prop_assert!(saving(true) >= saving(false));
    }
}
