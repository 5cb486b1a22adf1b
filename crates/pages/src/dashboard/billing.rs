//! Billing: what the partner owes its supplier for all its customers (R15): invoices, and what is not invoiced yet.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::billing::{Charge, Invoice, ListInvoices, Month, ReadBill, totals};
use fullmakt_domain::history::NamedCustomer;
use fullmakt_domain::money::Money;
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::App;
use jiff::Timestamp;
use std::sync::Arc;

use super::orders::{page_number, page_of, pager};
use crate::csv;
use crate::error::PageError;
use crate::parts::{Empty, Pager};
use crate::shell::{Place, Shell, ok};
use crate::statement::{about, days, kind, name};
use crate::visitor::Agent;

const PATH: &str = "/dashboard/billing";
/// What this month's bill is called in addresses, as long as it has no number.
const UNBILLED: &str = "unbilled";
/// Lines on a page.
const PAGE: usize = 50;

struct InvoiceRow {
    number: String,
    path: String,
    month: String,
    on: String,
    total: String,
}

#[derive(Template)]
#[template(path = "dashboard/billing.html")]
struct BillingPage {
    shell: Shell,
    month: String,
    unbilled: Vec<String>,
    unbilled_path: String,
    rows: Vec<InvoiceRow>,
    empty: Empty,
}

fn uncountable(error: fullmakt_domain::money::MoneyError) -> PageError {
    PageError::Refused(Arc::new(Refusal::Money(error)))
}

async fn charges(app: &App, agent: &Agent, month: Month) -> Result<Vec<Charge>, PageError> {
    Ok(app.store.read(agent.actor(), &ReadBill { period: month.period() }).await?.charges)
}

/// Invoices, newest first, and what this month comes to so far.
pub async fn list(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let visit = agent.visit();
    let (t, now) = (visit.text, visit.request.now);
    let shell = Shell::dashboard(&agent, t.get("nav-billing"), Place::Billing);
    let invoices = app.store.read(agent.actor(), &ListInvoices { now }).await?;
    let month = Month::of(now);
    let sums = totals(charges(&app, &agent, month).await?.iter().map(|charge| charge.cost)).map_err(uncountable)?;
    let rows = invoices.iter().map(|invoice| InvoiceRow {
        number: invoice.number.clone(),
        path: format!("{PATH}/{}", invoice.number),
        month: name(t, invoice.month),
        on: shell.date(&invoice.month.next().first_day()),
        total: shell.money(&invoice.total),
    });
    Ok(ok(&BillingPage {
        rows: rows.collect(),
        month: name(t, month),
        unbilled: sums.iter().map(|sum| shell.money(sum)).collect(),
        unbilled_path: format!("{PATH}/{UNBILLED}"),
        empty: Empty::new(t.get("billing-none"), t.get("billing-none-text")),
        shell,
    }))
}

/// A bill: an invoice, or what this month comes to so far.
struct Bill {
    invoice: Option<Invoice>,
    month: Month,
    charges: Vec<Charge>,
    totals: Vec<Money>,
}

impl Bill {
    async fn find(app: &App, agent: &Agent, number: &str, now: Timestamp) -> Result<Self, PageError> {
        let invoice = if number == UNBILLED {
            None
        } else {
            let invoices = app.store.read(agent.actor(), &ListInvoices { now }).await?;
            Some(invoices.into_iter().find(|invoice| invoice.number == number).ok_or(PageError::NotFound)?)
        };
        let month = invoice.as_ref().map_or_else(|| Month::of(now), |invoice| invoice.month);
        let mut charges = charges(app, agent, month).await?;
        if let Some(invoice) = &invoice {
            charges.retain(|charge| charge.cost.currency == invoice.total.currency);
        }
        let totals = totals(charges.iter().map(|charge| charge.cost)).map_err(uncountable)?;
        Ok(Self { invoice, month, charges, totals })
    }
}

struct LineRow {
    on: String,
    customer: NamedCustomer,
    kind: String,
    item: String,
    days: String,
    path: String,
    quantity: String,
    cost: String,
}

#[derive(Template)]
#[template(path = "dashboard/bill.html")]
struct BillPage {
    shell: Shell,
    facts: Vec<(String, String)>,
    rows: Vec<LineRow>,
    totals: Vec<String>,
    pager: Pager,
    file: String,
    empty: Empty,
}

/// The lines of a bill.
pub async fn show(State(app): State<App>, agent: Agent, Path(number): Path<String>) -> Result<Response, PageError> {
    let visit = agent.visit();
    let t = visit.text;
    let bill = Bill::find(&app, &agent, &number, visit.request.now).await?;
    let title = match &bill.invoice {
        Some(invoice) => t.with("billing-invoice", "number", &invoice.number),
        None => t.get("billing-unbilled"),
    };
    let shell = Shell::dashboard(&agent, title, Place::Billing).via(t.get("nav-billing"), PATH);
    let path = format!("{PATH}/{number}");
    let mut facts = vec![(t.get("statement-period"), days(t, bill.month.period()))];
    if let Some(invoice) = &bill.invoice {
        facts.push((t.get("billing-date"), shell.date(&invoice.month.next().first_day())));
    }
    let totals = bill.totals.iter().map(|total| shell.money(total)).collect();
    let page = page_number(&visit.query);
    let (charges, more) = page_of(bill.charges, page, PAGE);
    let rows = charges.into_iter().map(|charge| LineRow {
        on: shell.day(&charge.at),
        kind: kind(t, charge.kind),
        item: about(t, &charge.item_name, charge.part()),
        days: days(t, charge.period()),
        path: format!("/dashboard/customers/{}/reservations/{}", charge.customer.id, charge.order.id),
        quantity: shell.number(charge.order.quantity),
        cost: shell.money(&charge.cost),
        customer: NamedCustomer { id: charge.customer.id, name: charge.customer.name },
    });
    Ok(ok(&BillPage {
        rows: rows.collect(),
        facts,
        totals,
        pager: pager(t, &path, &visit.query, page, more),
        file: format!("{path}/export.csv"),
        empty: Empty::new(t.get("statement-none"), t.get("billing-unbilled-none")),
        shell,
    }))
}

/// The same as a file.
pub async fn export(State(app): State<App>, agent: Agent, Path(number): Path<String>) -> Result<Response, PageError> {
    let t = agent.visit().text;
    let bill = Bill::find(&app, &agent, &number, agent.visit().request.now).await?;
    let header = [
        "statement-day",
        "activity-customer",
        "activity-customer-id",
        "statement-kind",
        "statement-what",
        "reservation-order-id",
        "orders-bought-by",
        "orders-quantity",
        "activity-from",
        "activity-to",
        "return-money",
        "statement-currency",
    ]
    .map(|key| t.get(key))
    .to_vec();
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let rows = bill.charges.iter().map(|charge| {
        let period = charge.period();
        vec![
            day(charge.at),
            charge.customer.name.clone(),
            charge.customer.id.to_string(),
            kind(t, charge.kind),
            about(t, &charge.item_name, charge.part()),
            charge.order.id.to_string(),
            charge.order.buyer.name.clone(),
            charge.order.quantity.to_string(),
            day(period.from),
            day(period.until),
            charge.cost.decimal().to_string(),
            charge.cost.currency.to_string(),
        ]
    });
    csv::file(&format!("bill-{}.csv", bill.month), header, rows.collect()).await
}
