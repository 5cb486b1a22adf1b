//! `docs/refunds.md`: every number in it comes from here. What the code computes stands beside the arithmetic, which is worked
//! out a second time from the payments alone, in whole coins; both have to agree.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::expect_file;
use jiff::ToSpan;

use super::tests::{after, bought, money, take};
use super::*;
use crate::catalog::{BillingPlan, Term};
use crate::refund_policy::RETURN_QUOTE_MINUTES;
use crate::returning::Held;
use crate::testing::{RESERVATION, now};

/// Millionths of a coin's unit to a coin: every currency of the examples has a hundred coins.
const E6_A_COIN: i128 = 10_000;

fn coins(amount: Money) -> i128 {
    let amount = i128::from(amount.amount_e6);
    assert_eq!(amount % E6_A_COIN, 0, "a part of a coin");
    amount / E6_A_COIN
}

fn shown(coins: i128) -> String {
    format!("{}{}.{:02}", if coins < 0 { "-" } else { "" }, coins.abs() / 100, coins.abs() % 100)
}

/// A division of coins, to the nearest coin, an even one where two are equally near; and how it is written.
fn divided(coins: i128, by: i128) -> (i128, String) {
    let (whole, rest) = (coins.div_euclid(by), coins.rem_euclid(by));
    let nearest = whole + i128::from(rest * 2 > by || (rest * 2 == by && whole % 2 != 0));
    if rest == 0 {
        return (whole, shown(whole));
    }
    // Four more digits tell which way it goes; three dots that there are more.
    let digits = rest * 10_000 / by;
    let more = if rest * 10_000 % by == 0 { "" } else { "…" };
    let digits = format!("{digits:04}");
    let digits = if more.is_empty() { digits.trim_end_matches('0') } else { &digits };
    (nearest, format!("{}{digits}{more}, so {}", shown(whole), shown(nearest)))
}

/// What the arithmetic of a line comes to, in coins, and how it is written.
type Worked = BTreeMap<&'static str, (i128, String)>;

/// One side of a return, from the payments as they were before it.
fn worked(before: &OrderMoney, terms: &ReturnTerms, of: fn(&ScheduledInstalment) -> Money) -> Worked {
    let (quantity, all) = (i128::from(terms.quantity), i128::from(before.left));
    let part = |amount: i128| -> (i128, String) {
        if quantity == all {
            return (amount, shown(amount));
        }
        let (nearest, text) = divided(amount * quantity, all);
        (nearest, format!("{} x {quantity} / {all} = {text}", shown(amount)))
    };
    let running = before.instalments.iter().find(|i| i.number == terms.running).unwrap();
    let share = part(coins(of(running)));
    let days = |from: Date, until: Date| i128::from((until - from).get_days());
    let (period, left) = (days(terms.period_from, terms.period_until), days(terms.on, terms.period_until));
    let credit = if terms.within_days && !terms.used {
        (share.0, format!("all of {}", shown(share.0)))
    } else {
        let (nearest, text) = divided(share.0 * left, period);
        (nearest, format!("{} x {left} / {period} = {text}", shown(share.0)))
    };
    let percent = terms.fee_percent.normalize().mantissa();
    assert_eq!(terms.fee_percent.normalize().scale(), 0, "whole per cent in the examples");
    let (fee, fee_text) = divided(credit.0 * percent, 100);
    let fee_text = format!("{} x {percent} / 100 = {fee_text}", shown(credit.0));
    // Later instalments, those that are alike together.
    let mut later: BTreeMap<i128, i128> = BTreeMap::new();
    for instalment in before.instalments.iter().filter(|i| i.number > terms.running) {
        *later.entry(coins(of(instalment))).or_default() += 1;
    }
    let mut dropped = (0, Vec::new());
    for (amount, count) in later.into_iter().rev() {
        let (each, text) = part(amount);
        dropped.0 += count * each;
        dropped.1.push(if quantity == all { format!("{count} x {text}") } else { format!("{count} x ({text})") });
    }
    let cancelled = credit.0 + dropped.0;
    let mut worked = Worked::from([
        ("share", share),
        ("fee", (-fee, fee_text)),
        ("dropped", (dropped.0, format!("{} = {}", dropped.1.join(" + "), shown(dropped.0)))),
    ]);
    let refund = if fee == 0 {
        (credit.0, shown(credit.0))
    } else {
        (credit.0 - fee, format!("{} - {} = {}", shown(credit.0), shown(fee), shown(credit.0 - fee)))
    };
    let sum = if dropped.0 == 0 {
        shown(credit.0)
    } else {
        format!("{} + {} = {}", shown(credit.0), shown(dropped.0), shown(cancelled))
    };
    worked.extend([("credit", credit), ("refund", refund), ("cancelled", (cancelled, sum))]);
    worked
}

/// How a return stands against the limit, from what it cancels, a rate in hundredths, what counted before, and the limit.
fn worked_limit(cancelled: Money, rate_e2: i128, before: &[WindowEntry], limit: Money) -> Worked {
    let counted = if rate_e2 == 100 {
        (coins(cancelled), shown(coins(cancelled)))
    } else {
        let (nearest, text) = divided(coins(cancelled) * 100, rate_e2);
        (nearest, format!("{} / {} = {text}", shown(coins(cancelled)), shown(rate_e2)))
    };
    let before: i128 = before.iter().map(|entry| coins(entry.counted)).sum();
    let limit = coins(limit);
    let left = limit - before - counted.0;
    let left_text = format!("{} - {} - {} = {}", shown(limit), shown(before), shown(counted.0), shown(left));
    Worked::from([
        ("counted", counted),
        ("before", (before, String::new())),
        ("limit", (limit, String::new())),
        ("left", (left, left_text)),
    ])
}

/// A table of an explanation, each line beside its arithmetic.
fn table(page: &mut String, lines: &[Line], worked: &Worked) {
    page.push_str("| | amount | how | arithmetic |\n|---|---:|---|---|\n");
    for line in lines {
        let amount = line.amount.unwrap();
        let (again, text) = &worked[line.code];
        assert_eq!(coins(amount), *again, "{}: {}", line.code, line.text);
        writeln!(page, "| `{}` | {amount} | {} | {text} |", line.code, line.text).unwrap();
    }
    page.push('\n');
}

/// Something bought, of which something is given back.
struct Example {
    quantity: i64,
    plan: BillingPlan,
    term: Term,
    price: Money,
    used: bool,
    returned: i64,
    kind: ReturnKind,
    at: Timestamp,
}

impl Example {
    fn held(&self) -> Held {
        let mut held = bought(self.quantity, self.plan, self.term, self.price);
        if self.used {
            held.found.reservations[0].first_used_at = Some(now());
        }
        held
    }

    fn terms(&self) -> ReturnTerms {
        take(&mut self.held(), self.returned, self.kind, self.at)
    }

    fn title(&self) -> String {
        let days = day(now()).until(day(self.at)).unwrap().get_days();
        format!(
            "{} x {}, {}, paid {}; {} given back after {days} days, {}",
            self.quantity,
            self.price,
            self.term.title(),
            match self.plan {
                BillingPlan::Upfront => "at once",
                BillingPlan::Monthly => "monthly",
            },
            if self.returned == self.quantity { "all".to_owned() } else { self.returned.to_string() },
            if self.used { "used" } else { "not used" },
        )
    }

    /// The customer's side, under its title.
    fn write(&self, page: &mut String) -> ReturnTerms {
        let terms = self.terms();
        writeln!(page, "### {}\n", self.title()).unwrap();
        let worked = worked(&self.held().money, &terms, |instalment| instalment.customer);
        table(page, &explain(&terms, &terms.customer).unwrap(), &worked);
        terms
    }
}

fn counting(counted: Money, at: Timestamp) -> WindowEntry {
    WindowEntry {
        session: uuid::Uuid::nil(),
        at,
        reservation: RESERVATION,
        order: crate::testing::ORDER,
        quantity: 1,
        counted,
        by: "ada@nordmoln.example".to_owned(),
    }
}

/// Until when something that is returned counts, to the second.
fn window(page: &mut String) {
    let policy = RefundPolicy::built_in();
    let (first, second) = (counting(money(30_000, "USD"), now()), counting(money(15_000, "USD"), after(90)));
    let both = [first.clone(), second.clone()];
    page.push_str("## The window\n\n");
    writeln!(
        page,
        "{} are returned at {}, and {} at {}. What counts:\n",
        first.counted, first.at, second.counted, second.at
    )
    .unwrap();
    page.push_str("| at | counts | left of the limit |\n|---|---:|---:|\n");
    let until = policy.counts_until(first.at);
    for at in [first.at, second.at, until - 1.second(), until, policy.counts_until(second.at)] {
        // What was returned by then, and not so long ago that it counts no more.
        let made: Vec<WindowEntry> = both.iter().filter(|entry| entry.at <= at).cloned().collect();
        let counts = consumed(&made, &policy, at).unwrap();
        let left = policy.limit.plus(counts.negated()).unwrap();
        let counting = |entry: &&WindowEntry| {
            let months = i32::try_from(policy.window_months).unwrap();
            let end = entry.at.to_zoned(jiff::tz::TimeZone::UTC) + months.months();
            at < end.timestamp()
        };
        let again: i128 = made.iter().filter(counting).map(|entry| coins(entry.counted)).sum();
        assert_eq!((coins(counts), coins(left)), (again, coins(policy.limit) - again), "{at}");
        writeln!(page, "| {at} | {counts} | {left} |").unwrap();
    }
    page.push('\n');
}

#[test]
fn r23_every_number_of_the_page_on_refunds_is_computed() {
    let policy = RefundPolicy::built_in();
    let rules = RefundRules::new(Vec::new(), Vec::new());
    let mut page = format!(
        "# Refunds and exchanges\n\n\
         Made by a test from the code that computes refunds (`crates/domain/src/refund.rs`); do not edit by hand.\n\n\
         A reservation is given back by the partner, never by the customer (R20). What comes back is computed twice with the \
         same rules: from what the customer owes the partner, and from what the partner owes its supplier. Azure Resource \
         Manager shows the customer's side, in which its prices are; the partner finds both in `explanation`.\n\n\
         ## The figures\n\n\
         They are data with a first day. A partner sets its own with `PUT /fullmakt/v1/refund-policy`, and conversion rates \
         with `PUT /fullmakt/v1/conversion-rates`; these are built in:\n\n\
         | | |\n|---|---|\n\
         | full refund of what has not been used, and no fee | within {} days of the purchase, to the second |\n\
         | afterwards | what is left of the days that are paid for |\n\
         | early termination fee | {} % of what comes back |\n\
         | limit of cancelled commitment | {} for {} months, for each customer of a partner |\n\
         | an exchange | no fee, no limit; buys at least the commitment it returns |\n\n\
         Days are calendar days, UTC; the day of the return still comes back. What was paid covers a period: the whole term, \
         or the time from one instalment to the next. A share of several instances is rounded half to even at the smallest \
         coin, and what is left keeps the rest, so that nothing is lost. Instalments that were not due yet are not charged \
         any more: they are cancelled commitment, and count against the limit together with what comes back before the fee.\n\n\
         A quote holds for {} minutes, or until the next instalment falls due; what it says is what is paid, once.\n\n\
         ## Examples\n\n\
         All are bought at {}. The prices are what the customer owes for one instance and the whole term.\n\n",
        policy.full_refund_days,
        policy.fee_percent.normalize(),
        policy.limit,
        policy.window_months,
        RETURN_QUOTE_MINUTES,
        now(),
    );
    let upfront = Example {
        quantity: 4,
        plan: BillingPlan::Upfront,
        term: Term::P1Y,
        price: money(1_000, "EUR"),
        used: false,
        returned: 4,
        kind: ReturnKind::Refund,
        at: after(3),
    };
    upfront.write(&mut page);
    Example { used: true, ..upfront }.write(&mut page);
    let one = Example { returned: 1, at: after(100), ..upfront };
    let terms = one.write(&mut page);
    let cost = one.held().found.order.prices.partner;
    writeln!(page, "The partner's side of it, at {cost} for each:\n").unwrap();
    let side = worked(&one.held().money, &terms, |instalment| instalment.partner);
    table(&mut page, &explain(&terms, &terms.partner).unwrap(), &side);
    Example { plan: BillingPlan::Monthly, returned: 1, at: after(40), ..upfront }.write(&mut page);

    let three_years = Example {
        quantity: 1,
        plan: BillingPlan::Monthly,
        term: Term::P3Y,
        price: money(3_600, "USD"),
        returned: 1,
        at: after(365),
        ..upfront
    };
    let terms = three_years.write(&mut page);
    page.push_str("How it stands against the limit, when nothing was returned before:\n\n");
    let counted = Counted::of(&terms, &rules, &[], three_years.at).unwrap();
    let cancelled = terms.customer.cancelled().unwrap();
    table(&mut page, &explain_limit(&terms, &counted).unwrap(), &worked_limit(cancelled, 100, &[], policy.limit));

    let crowns = Example { quantity: 40, price: money(10_000, "SEK"), returned: 40, at: after(10), ..upfront };
    let terms = crowns.write(&mut page);
    let earlier = [counting(money(12_000, "USD"), after(1))];
    writeln!(
        page,
        "The limit is kept in {}, and {} were returned at {}:\n",
        policy.limit.currency, earlier[0].counted, earlier[0].at
    )
    .unwrap();
    let counted = Counted::of(&terms, &rules, &earlier, crowns.at).unwrap();
    let rate = i128::from(Money::exact(counted.rate.rate, policy.limit.currency).unwrap().amount_e6) / E6_A_COIN;
    let cancelled = terms.customer.cancelled().unwrap();
    table(&mut page, &explain_limit(&terms, &counted).unwrap(), &worked_limit(cancelled, rate, &earlier, policy.limit));
    counted.check().unwrap();
    let more = Example { quantity: 45, returned: 45, ..crowns };
    let counted = Counted::of(&more.terms(), &rules, &earlier, more.at).unwrap();
    let refused = counted.check().unwrap_err();
    writeln!(page, "With {} of them the return is refused: {refused}.\n", more.returned).unwrap();

    window(&mut page);

    page.push_str("## An exchange\n\n");
    let exchange = Example { kind: ReturnKind::Exchange, at: "2028-05-01T12:00:00Z".parse().unwrap(), ..three_years };
    let terms = exchange.write(&mut page);
    let returned = terms.customer.cancelled().unwrap();
    let dearer = money(2_500, "USD");
    let net = dearer.plus(returned.negated()).unwrap();
    assert_eq!(coins(net), coins(dearer) - coins(returned));
    writeln!(
        page,
        "What is bought instead has to cost {returned} or more for its whole term. `netPayable` is the difference: for something \
         of {dearer} it is {} - {} = {net}.",
        dearer.decimal(),
        returned.decimal(),
    )
    .unwrap();
    expect_file!["../../../../docs/refunds.md"].assert_eq(&page);
}
