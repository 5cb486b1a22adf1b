//! Charge-back: what each subscription and resource group owes for what it used, adding up to the bill.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::benefit::{Charge, Chargeback, Context, Costs, Period, ReadCosts, ReadUtilization, Utilization};
use fullmakt_domain::ids::PartnerId;
use fullmakt_domain::rating::format_scaled;
use fullmakt_server::App;
use jiff::civil::{Date, date};

use super::overview::{apart, reservations_of};
use super::{Names, Reader, Tab, date_of, known_in_words, whole_days};
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::{Empty, Field};
use crate::shell::{Place, Shell, render};
use crate::{csv, format};
use http::StatusCode;

/// The longest period, in days.
const LONGEST: i64 = 366;
/// The period where none is asked for, in days.
const USUAL: i64 = 30;
/// Decimals of what is added up.
const DECIMALS: u32 = 10;

#[derive(Template)]
#[template(path = "usage/chargeback.html")]
struct ChargebackPage {
    shell: Shell,
    tabs: Vec<Tab>,
    path: String,
    from: Field,
    until: Field,
    sections: Vec<Section>,
    export: String,
    empty: Empty,
}

/// What is billed by one partner in one currency.
struct Section {
    id: String,
    title: String,
    known: String,
    /// What is not in the table, where reservations and subscriptions are not seen alike.
    apart: Vec<String>,
    rows: Vec<Row>,
    total: Row,
}

struct Row {
    subscription: String,
    group: String,
    consumed: String,
    covered: String,
    benefit: String,
    waste: String,
    pay_as_you_go: String,
    total: String,
    /// What it would have cost without reservations.
    without: String,
}

/// What is asked for: the period, or the field that is wrong and why.
enum Asked {
    Usual,
    Days(Date, Date),
    Wrong(&'static str, &'static str),
}

impl Asked {
    fn read(query: &Fields) -> Self {
        let day = |name: &str| query.get(name).map(str::parse::<Date>).transpose();
        match (day("from"), day("until")) {
            (Err(_), _) => Self::Wrong("from", "usage-no-date"),
            (_, Err(_)) => Self::Wrong("until", "usage-no-date"),
            (Ok(None), Ok(None)) => Self::Usual,
            (Ok(None), Ok(Some(_))) => Self::Wrong("from", "usage-no-date"),
            (Ok(Some(_)), Ok(None)) => Self::Wrong("until", "usage-no-date"),
            (Ok(Some(from)), Ok(Some(until))) if until < from => Self::Wrong("until", "usage-ends-before"),
            (Ok(Some(from)), Ok(Some(until))) if days(until) - days(from) >= LONGEST => {
                Self::Wrong("until", "usage-too-long")
            }
            (Ok(Some(from)), Ok(Some(until))) => Self::Days(from, until),
        }
    }

    fn period(&self) -> Period {
        match self {
            Self::Days(from, until) => Period::Hours { from: days(*from) * 24, until: (days(*until) + 1) * 24 },
            Self::Usual | Self::Wrong(..) => Period::LastDays(USUAL),
        }
    }
}

/// A day as a number, counted from 1970.
fn days(day: Date) -> i64 {
    date(1970, 1, 1).until(day).map_or(0, |span| span.get_days().into())
}

/// The page.
pub async fn show(State(app): State<App>, reader: Reader) -> Result<Response, PageError> {
    let (t, fields) = (reader.visit().text, &reader.visit().query);
    let asked = Asked::read(fields);
    let costs = read(&app, &reader, &asked).await?;
    // Costs count whole days: of the last days the first one, too.
    let period = match asked.period() {
        Period::LastDays(days) => Period::LastDays(days.saturating_add(1)),
        hours @ Period::Hours { .. } => hours,
    };
    let query = ReadUtilization { customer: reader.customer(), period, reservation: None };
    let used = app.store.read(reader.actor(), &query).await?;
    let names = reader.names(&app).await?;
    let partners = reader.partners(&app, &names, &costs.known).await?;
    let shell = reader.shell(t.get("usage-chargeback"), Place::Usage).via(t.get("nav-usage"), reader.path("/usage"));
    let shown = costs.known.first().map(|known| {
        let (from, until) = whole_days(known);
        (date_of(from.div_euclid(24)).to_string(), date_of(until.div_euclid(24).saturating_sub(1)).to_string())
    });
    let (from, until) = shown.unwrap_or_default();
    let field = |name: &'static str, key: &str, value: &str| {
        let wrong = matches!(asked, Asked::Wrong(field, _) if field == name);
        let error = match asked {
            Asked::Wrong(field, key) if field == name => Some(t.with(key, "days", LONGEST)),
            _ => None,
        };
        let value = if wrong { fields.text(name) } else { value };
        Field::text(name, t.get(key)).kind("date").value(value).error(error.as_deref()).small()
    };
    let status = if matches!(asked, Asked::Wrong(..)) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let path = reader.path("/usage/charge-back");
    let page = ChargebackPage {
        tabs: reader.tabs("/usage/charge-back"),
        from: field("from", "usage-from", &from),
        until: field("until", "usage-until", &until),
        sections: sections(&shell, &names, &partners, &costs, &used),
        export: format!("{path}/export.csv?from={from}&until={until}"),
        path,
        empty: reader.no_usage(),
        shell,
    };
    Ok(render(status, &page))
}

async fn read(app: &App, reader: &Reader, asked: &Asked) -> Result<Costs, PageError> {
    let query = ReadCosts { customer: reader.customer(), period: asked.period() };
    Ok(app.store.read(reader.actor(), &query).await?)
}

fn sections(
    shell: &Shell,
    names: &Names,
    partners: &BTreeMap<PartnerId, String>,
    costs: &Costs,
    used: &Utilization,
) -> Vec<Section> {
    let t = shell.text;
    let section = |((context, back), number): ((&Context, &Chargeback), usize)| {
        let known = costs.known.iter().find(|known| known.partner == context.partner)?;
        let title = match partners.get(&context.partner) {
            Some(partner) => format!("{partner}, {}", context.currency),
            None => t.with("usage-charges-in", "currency", context.currency.to_string()),
        };
        let mut rows: Vec<Row> = back
            .charges
            .iter()
            .map(|((subscription, group), charge)| {
                let group = group.clone().unwrap_or_else(|| t.get("usage-no-group"));
                row(shell, context, names.subscription(*subscription), group, charge)
            })
            .collect();
        rows.sort_by(|a, b| (&a.subscription, &a.group).cmp(&(&b.subscription, &b.group)));
        let total = row(shell, context, t.get("usage-total"), String::new(), &back.total);
        let texts = ("chargeback-reaches-further", "chargeback-covered-by-others");
        let apart = apart(shell, texts, context, (costs, known), &reservations_of(context, used));
        Some(Section { id: format!("context-{number}"), title, known: known_in_words(t, known), apart, rows, total })
    };
    costs.chargeback().iter().zip(1..).filter_map(section).collect()
}

fn row(shell: &Shell, context: &Context, subscription: String, group: String, charge: &Charge) -> Row {
    let cost = |amount| format::cost(shell.language(), amount, context.currency);
    Row {
        subscription,
        group,
        consumed: format::quantity(shell.language(), charge.consumed_e10),
        covered: format::quantity(shell.language(), charge.covered_e10),
        benefit: cost(charge.benefit_cost_e10),
        waste: cost(charge.waste_cost_e10),
        pay_as_you_go: cost(charge.pay_as_you_go_e10),
        total: cost(charge.total_e10()),
        without: cost(charge.benefit_at_pay_as_you_go_e10 + charge.pay_as_you_go_e10),
    }
}

/// The same as a file, with all decimals: its rows add up to the bill to the last digit. Its words are the same in every
/// language, for programs read it.
pub async fn export(State(app): State<App>, reader: Reader) -> Result<Response, PageError> {
    let asked = Asked::read(&reader.visit().query);
    if matches!(asked, Asked::Wrong(..)) {
        return Err(PageError::Malformed);
    }
    let costs = read(&app, &reader, &asked).await?;
    let names = reader.names(&app).await?;
    let header = [
        "From",
        "Until",
        "PartnerId",
        "Currency",
        "SubscriptionId",
        "SubscriptionName",
        "ResourceGroup",
        "InstanceHours",
        "CoveredInstanceHours",
        "CoveredCost",
        "UnusedCost",
        "PayAsYouGoCost",
        "TotalCost",
        "CostWithoutReservations",
    ];
    let mut rows = Vec::new();
    for (context, back) in costs.chargeback() {
        let known = costs.known.iter().find(|known| known.partner == context.partner);
        let (from, until) = known.map(whole_days).unwrap_or_default();
        for ((subscription, group), charge) in back.charges {
            let amount = |value| format_scaled(value, DECIMALS);
            rows.push(vec![
                date_of(from.div_euclid(24)).to_string(),
                date_of(until.div_euclid(24).saturating_sub(1)).to_string(),
                context.partner.to_string(),
                context.currency.to_string(),
                subscription.to_string(),
                names.subscription(subscription),
                group.unwrap_or_default(),
                amount(charge.consumed_e10),
                amount(charge.covered_e10),
                amount(charge.benefit_cost_e10),
                amount(charge.waste_cost_e10),
                amount(charge.pay_as_you_go_e10),
                amount(charge.total_e10()),
                amount(charge.benefit_at_pay_as_you_go_e10 + charge.pay_as_you_go_e10),
            ]);
        }
    }
    csv::file("charge-back.csv", header.map(str::to_owned).to_vec(), rows).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_or_the_field_named() {
        for (query, expected) in [
            ("", "usual"),
            ("from=2026-11-01&until=2026-11-30", "20758..20788"),
            ("from=2026-11-01&until=2026-11-01", "20758..20759"),
            ("from=x&until=2026-11-01", "from: usage-no-date"),
            ("from=2026-11-01", "until: usage-no-date"),
            ("until=2026-11-01", "from: usage-no-date"),
            ("from=2026-11-02&until=2026-11-01", "until: usage-ends-before"),
            ("from=2025-11-01&until=2026-11-01", "20393..20759"),
            ("from=2025-11-01&until=2026-11-02", "until: usage-too-long"),
        ] {
            let asked = Asked::read(&Fields::parse(query.as_bytes()));
            let got = match (&asked, asked.period()) {
                (Asked::Usual, _) => "usual".to_owned(),
                (Asked::Wrong(field, key), _) => format!("{field}: {key}"),
                (Asked::Days(..), Period::Hours { from, until }) => format!("{}..{}", from / 24, until / 24),
                (Asked::Days(..), Period::LastDays(days)) => panic!("{days}"),
            };
            assert_eq!(got, expected, "{query}");
        }
    }
}
