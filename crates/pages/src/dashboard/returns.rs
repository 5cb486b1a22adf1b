//! A customer > Returns: the limit as a ledger (R23), each return explained line by line.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::ids::{CustomerId, ReservationId, ReservationOrderId};
use fullmakt_domain::money::MoneyError;
use fullmakt_domain::order::GetBoughtOrder;
use fullmakt_domain::refund::WindowEntry;
use fullmakt_domain::refund_policy::{ConversionRate, RefundPolicy};
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::returning::{ExplainReturn, GetRefundWindow, RefundQuote};
use fullmakt_server::App;
use fullmakt_server::text::Text;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

use super::orders::{customer_of, sees_cost};
use crate::error::PageError;
use crate::format;
use crate::parts::{Badge, Empty, Tone};
use crate::shell::{Place, Shell, ok};
use crate::visitor::Agent;
use crate::words::{self, Explained};

struct ReturnRow {
    key: String,
    at: String,
    reservation: String,
    path: String,
    quantity: String,
    by: String,
    counted: String,
    state: Badge,
    until: String,
    toggle: String,
    explained: Option<Explanation>,
}

/// What a return came to, on both sides.
struct Explanation {
    customer: Vec<Explained>,
    /// For those who see what the partner pays.
    partner: Option<Vec<Explained>>,
    limit: Vec<Explained>,
}

impl Explanation {
    fn of(t: Text, quote: &RefundQuote, sees_cost: bool) -> Result<Self, MoneyError> {
        let terms = &quote.terms;
        let partner = || words::explained(t, terms, &terms.partner);
        Ok(Self {
            customer: words::explained(t, terms, &terms.customer)?,
            partner: sees_cost.then(partner).transpose()?,
            limit: words::explained_limit(t, terms, &quote.counted)?,
        })
    }
}

#[derive(Template)]
#[template(path = "dashboard/returns.html")]
struct ReturnsPage {
    shell: Shell,
    limit: String,
    consumed: String,
    left: String,
    rules: Vec<(String, String)>,
    rows: Vec<ReturnRow>,
    empty: Empty,
}

/// A policy in words.
pub(super) fn policy(t: Text, policy: &RefundPolicy) -> Vec<(String, String)> {
    let percent = format::number(t.language(), policy.fee_percent.normalize());
    vec![
        (t.get("rules-valid-from"), format::date(t, policy.valid_from)),
        (t.get("rules-full-refund"), t.with("rules-days", "days", policy.full_refund_days)),
        (t.get("refund-fee"), t.with("rules-percent", "percent", percent)),
        (t.get("refund-limit"), format::money(t.language(), policy.limit)),
        (t.get("rules-window"), t.with("rules-months", "months", policy.window_months)),
    ]
}

/// A rate in words: `0.92 EUR for 1 USD`.
pub(super) fn rate(t: Text, rate: &ConversionRate, limit: &str) -> String {
    let number = format::number(t.language(), rate.rate.normalize());
    t.with_all("rules-rate", &[("rate", &number), ("currency", &rate.currency.code()), ("limit", &limit)])
}

/// What the returned reservations are called.
async fn names(
    app: &App,
    agent: &Agent,
    customer: CustomerId,
    entries: &[(WindowEntry, Timestamp)],
) -> Result<BTreeMap<ReservationId, String>, PageError> {
    let mut names = BTreeMap::new();
    let orders: BTreeSet<ReservationOrderId> = entries.iter().map(|(entry, _)| entry.order).collect();
    for order in orders {
        let found = app.store.read(agent.actor(), &GetBoughtOrder { customer, order }).await?;
        for reservation in found.into_iter().flat_map(|found| found.reservations) {
            names.insert(reservation.id, reservation.display_name.to_string());
        }
    }
    Ok(names)
}

fn row(
    shell: &Shell,
    path: &str,
    (entry, until): &(WindowEntry, Timestamp),
    names: &BTreeMap<ReservationId, String>,
    now: Timestamp,
) -> ReturnRow {
    let t = shell.text;
    let (tone, key) = if now < *until { (Tone::Warning, "returns-counts") } else { (Tone::Quiet, "returns-over") };
    let key_text = entry.session.to_string();
    ReturnRow {
        at: shell.instant(&entry.at),
        reservation: names.get(&entry.reservation).cloned().unwrap_or_else(|| entry.reservation.to_string()),
        path: format!("{path}/reservations/{}/{}", entry.order, entry.reservation),
        quantity: shell.number(entry.quantity),
        by: entry.by.clone(),
        counted: shell.money(&entry.counted),
        state: Badge::new(tone, t.get(key)),
        until: shell.day(until),
        toggle: format!("{path}/returns?open={key_text}#return-{key_text}"),
        explained: None,
        key: key_text,
    }
}

/// The page.
pub async fn show(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let customer = customer_of(&app, &agent, &id).await?;
    let visit = agent.visit();
    let (t, now) = (visit.text, visit.request.now);
    let window = app.store.read(agent.actor(), &GetRefundWindow { customer: customer.id, now }).await?;
    let path = format!("/dashboard/customers/{}", customer.id);
    let shell = Shell::customer(&agent, customer.id, &customer.name, t.get("nav-returns"), Place::CustomerReturns);
    let names = names(&app, &agent, customer.id, &window.entries).await?;
    let newest_first = window.entries.iter().rev();
    let mut rows: Vec<ReturnRow> = newest_first.map(|entry| row(&shell, &path, entry, &names, now)).collect();
    if let Some(session) = visit.query.get("open").and_then(|text| Uuid::try_parse(text).ok()) {
        let quote = app.store.read(agent.actor(), &ExplainReturn { customer: customer.id, session }).await?;
        if let (Some(quote), Some(row)) = (quote, rows.iter_mut().find(|row| row.key == session.to_string())) {
            let explained = Explanation::of(t, &quote, sees_cost(&agent));
            let uncountable = |error| PageError::Refused(Arc::new(Refusal::Money(error)));
            row.explained = Some(explained.map_err(uncountable)?);
            row.toggle = format!("{path}/returns#return-{session}");
        }
    }
    Ok(ok(&ReturnsPage {
        limit: shell.money(&window.policy.limit),
        consumed: shell.money(&window.consumed),
        left: shell.money(&window.left),
        rules: policy(t, &window.policy),
        rows,
        empty: Empty::new(t.get("returns-none"), t.get("returns-none-text")),
        shell,
    }))
}
