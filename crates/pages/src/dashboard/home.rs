//! Home: what happened lately across all customers.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::due::midnight;
use fullmakt_domain::history::{DaySpend, ListExpiring, ListPermitted, ListPurchases, NamedCustomer, SumSpend};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::OrderStatus;
use fullmakt_server::App;
use fullmakt_store::ReadError;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

use super::orders::{sees_cost, status, sum};
use crate::chart::{BarChart, Group};
use crate::error::PageError;
use crate::format;
use crate::parts::{Badge, Empty};
use crate::shell::{Place, Shell, ok};
use crate::visitor::Agent;
use crate::words;

/// Rows of each list.
const ROWS: u32 = 10;
/// Reservations that run out within this are listed.
const EXPIRING: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Months of the chart, this one included.
const MONTHS: i32 = 12;

#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct HomePage {
    shell: Shell,
    purchases: Vec<PurchaseRow>,
    no_purchases: Empty,
    expiring: Vec<ExpiringRow>,
    no_expiring: Empty,
    permitted: Option<PermittedCard>,
    spend: Option<Spend>,
    no_spend: Empty,
    sees_cost: bool,
}

struct PurchaseRow {
    at: String,
    customer: NamedCustomer,
    item: String,
    path: String,
    buyer: String,
    total: String,
    cancelled: Option<Badge>,
}

struct ExpiringRow {
    name: String,
    path: String,
    customer: NamedCustomer,
    product: String,
    expires: String,
}

struct PermittedCard {
    reservations: String,
    savings_plans: String,
    latest: Vec<(NamedCustomer, String)>,
}

struct Spend {
    chart: BarChart,
    rows: Vec<SpendRow>,
}

struct SpendRow {
    month: String,
    price: String,
    cost: String,
}

/// The page.
pub async fn show(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let visit = agent.visit();
    let (t, now) = (visit.text, visit.request.now);
    let shell = Shell::dashboard(&agent, t.get("nav-home"), Place::Home);
    let purchases = app.store.read(agent.actor(), &ListPurchases { size: ROWS }).await?;
    let until = now.checked_add(EXPIRING).unwrap_or(now);
    let expiring = app.store.read(agent.actor(), &ListExpiring { until, size: ROWS }).await?;
    let permitted = match app.store.read(agent.actor(), &ListPermitted { size: ROWS }).await {
        Ok(permitted) => Some(permitted),
        // Those who keep the books do not see it.
        Err(ReadError::Denied(_)) => None,
        Err(fault) => return Err(fault.into()),
    };
    let today = now.to_zoned(TimeZone::UTC).date();
    let first = today.first_of_month().saturating_sub((MONTHS - 1).months());
    let spend = app.store.read(agent.actor(), &SumSpend { from: midnight(first), until: now + 1.second() }).await?;
    let sees_cost = sees_cost(&agent);
    let purchases = purchases.into_iter().map(|purchase| PurchaseRow {
        at: shell.instant(&purchase.at),
        item: match purchase.lines {
            0 | 1 => words::product(t, &purchase.item),
            lines => {
                t.with_all("orders-and-more", &[("item", &words::product(t, &purchase.item)), ("count", &(lines - 1))])
            }
        },
        path: format!("/dashboard/customers/{}/orders/{}", purchase.customer.id, purchase.order),
        buyer: purchase.buyer,
        cancelled: (purchase.status == OrderStatus::Cancelled).then(|| status(t, purchase.status)),
        total: shell.money(&purchase.total),
        customer: purchase.customer,
    });
    let expiring = expiring.into_iter().map(|expiring| ExpiringRow {
        path: format!(
            "/dashboard/customers/{}/reservations/{}/{}",
            expiring.customer.id, expiring.order, expiring.reservation
        ),
        name: expiring.name,
        customer: expiring.customer,
        product: format!("{} × {}", shell.number(expiring.quantity), expiring.sku),
        expires: shell.day(&expiring.expires_at),
    });
    let permitted = permitted.map(|permitted| PermittedCard {
        reservations: shell.number(permitted.reservations),
        savings_plans: shell.number(permitted.savings_plans),
        latest: permitted.latest.into_iter().map(|(customer, at)| (customer, shell.day(&at))).collect(),
    });
    Ok(ok(&HomePage {
        purchases: purchases.collect(),
        no_purchases: Empty::new(t.get("home-no-purchases"), t.get("home-no-purchases-text")),
        expiring: expiring.collect(),
        no_expiring: Empty::new(t.get("home-no-expiring"), t.get("home-no-expiring-text")),
        permitted,
        spend: spend_chart(&shell, &spend, first, sees_cost),
        no_spend: Empty::new(t.get("home-no-spend"), t.get("home-no-spend-text")),
        sees_cost,
        shell,
    }))
}

/// The currency in which most was charged: a partner bills in one.
fn main_currency(spend: &[DaySpend]) -> Option<Currency> {
    let amount = |currency: Currency| -> i128 {
        spend.iter().filter(|day| day.price.currency == currency).map(|day| i128::from(day.price.amount_e6)).sum()
    };
    spend.iter().map(|day| day.price.currency).max_by_key(|currency| amount(*currency))
}

/// What was charged in the months from `first` on.
fn by_month(spend: &[DaySpend], first: Date, currency: Currency) -> Vec<(Date, Money, Money)> {
    let month = |n: i32| {
        let begins = first.saturating_add(n.months());
        let of_month = || spend.iter().filter(move |day| day.day.first_of_month() == begins);
        let price = sum(currency, of_month().map(|day| day.price));
        (begins, price, sum(currency, of_month().map(|day| day.cost)))
    };
    (0..MONTHS).map(month).collect()
}

fn spend_chart(shell: &Shell, spend: &[DaySpend], first: Date, sees_cost: bool) -> Option<Spend> {
    let t = shell.text;
    let currency = main_currency(spend)?;
    let months = by_month(spend, first, currency);
    let name = |day: &Date| t.with_all("home-month", &[("month", &day.month()), ("year", &day.year().to_string())]);
    let mut series = vec![t.get("home-price")];
    if sees_cost {
        series.push(t.get("home-cost"));
    }
    let groups: Vec<Group> = months
        .iter()
        .map(|(month, price, cost)| {
            let all = [price, cost].into_iter().take(series.len());
            let values = all.map(|money| (money.amount_e6, shell.money(money))).collect();
            Group { label: t.with("home-month-short", "month", month.month()), values }
        })
        .collect();
    let all = sum(currency, months.iter().map(|(_, price, _)| *price));
    let description = t.with("home-spend-description", "total", shell.money(&all));
    let scale = |amount_e6: i64| format::money_of_axis(t.language(), Money { amount_e6, currency });
    let chart = BarChart::new("spend", (t.get("home-spend"), description), &series, &groups, scale);
    let rows = months.iter().rev().map(|(month, price, cost)| SpendRow {
        month: name(month),
        price: shell.money(price),
        cost: shell.money(cost),
    });
    Some(Spend { chart, rows: rows.collect() })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_added_up_by_month() {
        let eur = Currency::parse("EUR").unwrap();
        let day = |day: Date, amount_e6: i64| {
            let money = |amount_e6| Money { amount_e6, currency: eur };
            DaySpend { day, cost: money(amount_e6), price: money(amount_e6 * 2) }
        };
        let spend = [
            day(date(2025, 12, 31), 1),
            day(date(2026, 1, 1), 10),
            day(date(2026, 1, 31), 5),
            day(date(2026, 11, 2), 7),
        ];
        assert_eq!(main_currency(&spend), Some(eur));
        assert_eq!(main_currency(&[]), None);
        let months = by_month(&spend, date(2025, 12, 1), eur);
        let shown: Vec<(i64, i64)> = months.iter().map(|(_, price, cost)| (price.amount_e6, cost.amount_e6)).collect();
        assert_eq!((months.len(), shown[0], shown[1], shown[11]), (12, (2, 1), (30, 15), (14, 7)));
    }
}
