//! Usage at a glance: what was covered, how well reservations were used, what that saved.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::benefit::{
    Context, Costs, Coverage, Known, Period, ReadCosts, ReadUtilization, ReservationUse, UseTotals, Utilization,
};
use fullmakt_domain::ids::{PartnerId, ReservationId, SubscriptionId};
use fullmakt_server::App;

use super::{Names, Reader, Tab, date_of, hundredths, known_in_words, whole_days, written};
use crate::chart::{BarChart, Group};
use crate::error::PageError;
use crate::format;
use crate::parts::{Empty, Field};
use crate::shell::{Place, Shell, ok};

/// The periods to choose from, in days.
const PERIODS: [i64; 3] = [7, 30, 60];
/// The one that is shown first.
const USUAL: i64 = 30;

#[derive(Template)]
#[template(path = "usage/overview.html")]
struct OverviewPage {
    shell: Shell,
    tabs: Vec<Tab>,
    path: String,
    period: Field,
    sections: Vec<Section>,
    empty: Empty,
}

/// What is billed by one partner in one currency.
struct Section {
    id: String,
    title: Option<String>,
    known: String,
    figures: Vec<Figure>,
    /// Why figures of reservations and of subscriptions do not add up to one another, where they do not.
    apart: Vec<String>,
    chart: BarChart,
    days: Vec<DayRow>,
    subscriptions: Vec<SubscriptionRow>,
    reservations: Vec<ReservationRow>,
}

struct Figure {
    label: String,
    value: String,
    hint: String,
}

struct DayRow {
    day: String,
    consumed: String,
    covered: String,
    percent: String,
    cost: String,
}

struct SubscriptionRow {
    name: String,
    consumed: String,
    covered: String,
    percent: String,
    covered_cost: String,
    saved: String,
    pay_as_you_go: String,
}

struct ReservationRow {
    name: String,
    /// Its page, where the reader may open it.
    path: Option<String>,
    /// Of 1, 7 and 30 days.
    last: String,
    unused: String,
    unused_cost: String,
    saved: String,
}

/// The page.
pub async fn show(State(app): State<App>, reader: Reader) -> Result<Response, PageError> {
    let (t, query) = (reader.visit().text, &reader.visit().query);
    let asked = query.get("days").and_then(|text| text.parse().ok());
    let days = asked.filter(|days| PERIODS.contains(days)).unwrap_or(USUAL);
    let customer = reader.customer();
    let costs = app.store.read(reader.actor(), &ReadCosts { customer, period: Period::LastDays(days) }).await?;
    // Utilisation is told of the last 30 days, whatever the page is about.
    let period = Period::LastDays(days.max(USUAL).saturating_add(1));
    let used = app.store.read(reader.actor(), &ReadUtilization { customer, period, reservation: None }).await?;
    let names = reader.names(&app).await?;
    let partners = reader.partners(&app, &names, &costs.known).await?;
    let shell = reader.shell(t.get("nav-usage"), Place::Usage);
    let sections = sections(&shell, &reader, &names, &partners, &costs, &used);
    let periods = PERIODS.map(|days| (days.to_string(), t.with("usage-last-days", "days", days)));
    Ok(ok(&OverviewPage {
        tabs: reader.tabs("/usage"),
        path: reader.path("/usage"),
        period: Field::choice("days", t.get("usage-period"), periods.to_vec()).value(days.to_string()).small(),
        sections,
        empty: reader.no_usage(),
        shell,
    }))
}

fn sections(
    shell: &Shell,
    reader: &Reader,
    names: &Names,
    partners: &BTreeMap<PartnerId, String>,
    costs: &Costs,
    used: &Utilization,
) -> Vec<Section> {
    let mut covered = costs.coverage();
    // Where nothing ran, reservations may have been idle all the same.
    for one in &used.reservations {
        covered.entry(Context { partner: one.partner, currency: one.currency }).or_default();
    }
    let by_day = costs.coverage_by_day();
    let several = covered.len() > 1;
    covered
        .iter()
        .zip(1..)
        .filter_map(|((context, (all, subscriptions)), number)| {
            let known = costs.known.iter().find(|known| known.partner == context.partner)?;
            let days = by_day.get(context).cloned().unwrap_or_default();
            let reservations = reservations_of(context, used);
            let title = several.then(|| match partners.get(&context.partner) {
                Some(partner) => format!("{partner}, {}", context.currency),
                None => context.currency.to_string(),
            });
            Some(Section {
                id: format!("context-{number}"),
                title,
                known: known_in_words(shell.text, known),
                figures: figures(shell, reader, context, all, &total(known, &reservations)),
                apart: apart(
                    shell,
                    ("usage-reaches-further", "usage-covered-by-others"),
                    context,
                    (costs, known),
                    &reservations,
                ),
                chart: chart(shell, number, known, all, &days),
                days: day_rows(shell, context, &days),
                subscriptions: subscription_rows(shell, names, context, subscriptions),
                reservations: reservation_rows(shell, reader, names, known, used, &reservations),
            })
        })
        .collect()
}

/// The reservations of one billing context.
pub(super) fn reservations_of<'u>(context: &Context, used: &'u Utilization) -> Vec<&'u ReservationUse> {
    let is_of = |one: &&ReservationUse| (one.partner, one.currency) == (context.partner, context.currency);
    used.reservations.iter().filter(is_of).collect()
}

/// What all reservations did in the days that are shown.
fn total(known: &Known, reservations: &[&ReservationUse]) -> UseTotals {
    let (from, until) = whole_days(known);
    reservations.iter().map(|one| one.totals(from, until)).fold(UseTotals::default(), |sum, one| UseTotals {
        hours: sum.hours.saturating_add(one.hours),
        reserved_e10: sum.reserved_e10 + one.reserved_e10,
        used_e10: sum.used_e10 + one.used_e10,
        used_cost_e10: sum.used_cost_e10 + one.used_cost_e10,
        unused_cost_e10: sum.unused_cost_e10 + one.unused_cost_e10,
        list_cost_e10: sum.list_cost_e10 + one.list_cost_e10,
        pay_as_you_go_e10: sum.pay_as_you_go_e10 + one.pay_as_you_go_e10,
    })
}

fn percent(shell: &Shell, percent: Option<rust_decimal::Decimal>) -> String {
    percent.map_or_else(|| "–".to_owned(), |percent| format::percent(shell.language(), percent))
}

/// What a reservation did it did for all subscriptions, and what ran in a subscription is told whoever covered it; so figures of
/// reservations and of subscriptions are about the same only for those who may see them all. Others are told that they are not:
/// in the text with the key `further` where reservations also covered what is not seen, in that with the key `others` where what
/// is seen was also covered by reservations that are not.
pub(super) fn apart(
    shell: &Shell,
    (further, others): (&str, &str),
    context: &Context,
    (costs, known): (&Costs, &Known),
    reservations: &[&ReservationUse],
) -> Vec<String> {
    let seen: BTreeSet<ReservationId> = reservations.iter().map(|one| one.reservation).collect();
    let days = costs.days.iter().filter(|day| day.partner == context.partner);
    let shares = days.flat_map(|day| &day.shares).filter(|share| share.currency == context.currency);
    let (mut covered_e10, mut by_others) = (0_i128, false);
    for share in shares {
        match share.reservation {
            Some(id) if seen.contains(&id) => covered_e10 += share.pay_as_you_go_e10,
            Some(_) => by_others = true,
            None => {}
        }
    }
    let mut said = Vec::new();
    if total(known, reservations).pay_as_you_go_e10 != covered_e10 {
        said.push(shell.t(further));
    }
    if by_others {
        said.push(shell.t(others));
    }
    said
}

fn figures(shell: &Shell, reader: &Reader, context: &Context, all: &Coverage, used: &UseTotals) -> Vec<Figure> {
    let saved = if reader.is_own() { "usage-saved-hint-own" } else { "usage-saved-hint" };
    let cost = |amount| format::cost(shell.language(), amount, context.currency);
    let figure = |key: &str, value: String, hint: &str| Figure { label: shell.t(key), value, hint: shell.t(hint) };
    vec![
        figure("usage-coverage", percent(shell, all.percent(1)), "usage-coverage-hint"),
        figure("usage-utilization", percent(shell, used.percent(1)), "usage-utilization-hint"),
        figure("usage-saved", cost(used.saved_e10()), saved),
        figure("usage-saved-at-list", cost(used.saved_at_list_e10()), "usage-saved-at-list-hint"),
        figure("usage-unused-cost", cost(used.unused_cost_e10), "usage-unused-cost-hint"),
        figure("usage-pay-as-you-go", cost(all.pay_as_you_go_e10), "usage-pay-as-you-go-hint"),
    ]
}

fn chart(shell: &Shell, number: usize, known: &Known, all: &Coverage, days: &BTreeMap<i64, Coverage>) -> BarChart {
    let t = shell.text;
    let hours = |value| t.with("usage-hours", "hours", format::quantity(t.language(), value));
    let (from, until) = whole_days(known);
    let groups: Vec<Group> = (from.div_euclid(24)..until.div_euclid(24))
        .map(|day| {
            let coverage = days.get(&day).copied().unwrap_or_default();
            let rest = coverage.consumed_e10 - coverage.covered_e10;
            let values =
                vec![(hundredths(coverage.covered_e10), hours(coverage.covered_e10)), (hundredths(rest), hours(rest))];
            let date = date_of(day);
            Group { label: t.with_all("usage-day", &[("day", &date.day()), ("month", &date.month())]), values }
        })
        .collect();
    let description = t.with("usage-chart-description", "percent", percent(shell, all.percent(1)));
    let series = [t.get("usage-covered"), t.get("usage-not-covered")];
    BarChart::stacked(&format!("coverage-{number}"), (t.get("usage-by-day"), description), series, &groups, written(t))
}

fn day_rows(shell: &Shell, context: &Context, days: &BTreeMap<i64, Coverage>) -> Vec<DayRow> {
    let row = |(day, coverage): (&i64, &Coverage)| DayRow {
        day: shell.date(&date_of(*day)),
        consumed: format::quantity(shell.language(), coverage.consumed_e10),
        covered: format::quantity(shell.language(), coverage.covered_e10),
        percent: percent(shell, coverage.percent(1)),
        cost: format::cost(shell.language(), coverage.pay_as_you_go_e10, context.currency),
    };
    days.iter().rev().map(row).collect()
}

fn subscription_rows(
    shell: &Shell,
    names: &Names,
    context: &Context,
    subscriptions: &BTreeMap<SubscriptionId, Coverage>,
) -> Vec<SubscriptionRow> {
    let cost = |amount| format::cost(shell.language(), amount, context.currency);
    let row = |(id, coverage): (&SubscriptionId, &Coverage)| SubscriptionRow {
        name: names.subscription(*id),
        consumed: format::quantity(shell.language(), coverage.consumed_e10),
        covered: format::quantity(shell.language(), coverage.covered_e10),
        percent: percent(shell, coverage.percent(1)),
        covered_cost: cost(coverage.covered_cost_e10),
        saved: cost(coverage.covered_at_pay_as_you_go_e10 - coverage.covered_cost_e10),
        pay_as_you_go: cost(coverage.pay_as_you_go_e10),
    };
    let mut rows: Vec<SubscriptionRow> = subscriptions.iter().map(row).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn reservation_rows(
    shell: &Shell,
    reader: &Reader,
    names: &Names,
    known: &Known,
    used: &Utilization,
    reservations: &[&ReservationUse],
) -> Vec<ReservationRow> {
    let (from, until) = whole_days(known);
    let row = |one: &&ReservationUse| {
        let totals = one.totals(from, until);
        let cost = |amount| format::cost(shell.language(), amount, one.currency);
        ReservationRow {
            name: names.reservation(one.reservation),
            path: names
                .openable
                .contains(&one.reservation)
                .then(|| reader.path(&format!("/reservations/{}/{}", one.order, one.reservation))),
            last: [1, 7, 30].map(|days| percent(shell, used.last_days(one, days).0.percent(1))).join(" · "),
            unused: format::quantity(shell.language(), totals.unused_e10()),
            unused_cost: cost(totals.unused_cost_e10),
            saved: cost(totals.saved_e10()),
        }
    };
    let mut rows: Vec<(i128, ReservationRow)> =
        reservations.iter().map(|one| (-one.totals(from, until).unused_cost_e10, row(one))).collect();
    rows.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.name.cmp(&other.name)));
    rows.into_iter().map(|(_, row)| row).collect()
}
