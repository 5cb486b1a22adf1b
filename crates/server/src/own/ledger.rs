//! The ledger of a customer, statements, and the export of all there is: for the partner's bookkeepers only (R14).

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use fullmakt_domain::activity::ActivityRecord;
use fullmakt_domain::billing::{
    Export, ExportCustomer, LedgerEvent, LedgerKey, ReadCharges, ReadLedger, ReadStatement, Statement, StatementLine,
};
use fullmakt_domain::money::Money;
use fullmakt_domain::order::{Order, OrderLine, OrderedItem};
use fullmakt_domain::reservation::{OrderWithReservations, Reservation};
use http::header;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::csv::Csv;
use super::focus::{self, View};
use super::period::{self, Parameters};
use super::{Caller, Problem, ok};
use crate::App;
use crate::pdf::{self, Sheet};

/// Events of a page when no size is asked for, and at most.
const SIZE: u32 = 100;
const SIZE_MAX: u32 = 1_000;

fn shown(amount: Money) -> Value {
    json!({"currencyCode": amount.currency.code(), "amount": amount.decimal().to_string()})
}

/// The ledger, page by page.
///
/// # Errors
/// [`Problem`].
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let query = ReadLedger {
        customer: period::customer(&customer)?,
        period: parameters.period(caller.request.now)?,
        after: parameters.get("after").map(place).transpose()?,
        size: parameters.size(SIZE, SIZE_MAX)?,
    };
    let page = app.store.read(&caller.actor, &query).await?;
    let balances = page.balances.iter().map(|balance| {
        let mut body = shown(balance.amount);
        body["account"] = balance.account.name().into();
        body
    });
    Ok(ok(json!({
        "value": page.events.iter().map(event).collect::<Vec<_>>(),
        "balances": balances.collect::<Vec<_>>(),
        "next": page.next.map(|key| format!("{}_{}", key.at.as_microsecond(), key.event)),
    })))
}

/// Reads a place that a page named as its next.
fn place(text: &str) -> Result<LedgerKey, Problem> {
    let read = || {
        let (at, event) = text.split_once('_')?;
        let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
        Some(LedgerKey { at, event: Uuid::try_parse(event).ok()? })
    };
    read().ok_or_else(|| Problem::bad_request("after", "is no `next` of a page of this list"))
}

fn event(event: &LedgerEvent) -> Value {
    let entries = event.entries.iter().map(|entry| {
        let mut body = shown(entry.amount);
        body["account"] = entry.account.name().into();
        body
    });
    json!({
        "id": event.id.to_string(),
        "kind": event.kind.name(),
        "at": event.at.to_string(),
        "reservationOrder": event.subject,
        "entries": entries.collect::<Vec<_>>(),
    })
}

/// What a customer owes the partner, to be sent to it: JSON, or CSV with `format=csv`.
///
/// # Errors
/// [`Problem`].
pub async fn statement(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let format = parameters.one_of("format", &["json", "csv", "pdf"])?;
    let query =
        ReadStatement { customer: period::customer(&customer)?, period: parameters.period(caller.request.now)? };
    let statement = app.store.read(&caller.actor, &query).await?;
    Ok(match format {
        Some("csv") => csv(statement_csv(&statement)),
        Some("pdf") => printable(pdf::file(&[statement_sheet(&statement)])),
        _ => ok(statement_json(&statement)),
    })
}

/// The statement as a sheet to print or to send.
fn statement_sheet(statement: &Statement) -> Sheet {
    let text = |words: &str| words.to_owned();
    let row = |line: &StatementLine| {
        vec![
            line.on.to_string(),
            format!("{}; {}, order {}", line.description, line.display_name, line.order_number),
            line.bought_by.clone(),
            line.quantity.to_string(),
            line.amount.to_string(),
        ]
    };
    let from = std::iter::once(&statement.partner).chain(&statement.support).cloned().collect::<Vec<_>>().join(", ");
    Sheet {
        language: "en",
        title: text("Statement"),
        facts: vec![
            (text("From"), from),
            (text("To"), statement.customer.clone()),
            (text("Period"), format!("{} until {}", statement.period.from, statement.period.until)),
        ],
        columns: vec![
            (text("Date"), 62, false),
            (text("Description"), 212, false),
            (text("Bought by"), 85, false),
            (text("Quantity"), 40, true),
            (text("Amount"), 80, true),
        ],
        rows: statement.lines.iter().map(row).collect(),
        totals: statement.totals.iter().map(|total| (text("Total"), total.to_string())).collect(),
        empty: text("Nothing was charged."),
    }
}

fn printable(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/pdf"), (header::CACHE_CONTROL, "no-store")], bytes).into_response()
}

fn statement_json(statement: &Statement) -> Value {
    let line = |line: &StatementLine| {
        json!({
            "id": line.event.to_string(),
            "date": line.on.to_string(),
            "kind": line.kind.name(),
            "description": line.description,
            "displayName": line.display_name,
            "orderNumber": line.order_number,
            "reservationOrder": line.reservation_order,
            "boughtBy": line.bought_by,
            "quantity": line.quantity,
            "from": line.period.from.to_string(),
            "until": line.period.until.to_string(),
            "amount": shown(line.amount),
        })
    };
    json!({
        "partner": statement.partner,
        "support": statement.support,
        "customer": statement.customer,
        "from": statement.period.from.to_string(),
        "until": statement.period.until.to_string(),
        "lines": statement.lines.iter().map(line).collect::<Vec<_>>(),
        "totals": statement.totals.iter().map(|total| shown(*total)).collect::<Vec<_>>(),
    })
}

/// The lines of a statement, one a row.
pub fn statement_csv(statement: &Statement) -> String {
    let mut csv = Csv::new(&[
        "Date",
        "Kind",
        "Description",
        "Name",
        "OrderNumber",
        "ReservationOrder",
        "BoughtBy",
        "Quantity",
        "From",
        "Until",
        "Amount",
        "Currency",
    ]);
    for line in &statement.lines {
        csv.row([
            line.on.to_string(),
            line.kind.name().to_owned(),
            line.description.clone(),
            line.display_name.clone(),
            line.order_number.clone(),
            line.reservation_order.clone(),
            line.bought_by.clone(),
            line.quantity.to_string(),
            line.period.from.to_string(),
            line.period.until.to_string(),
            line.amount.decimal().to_string(),
            line.amount.currency.to_string(),
        ]);
    }
    csv.finish()
}

fn csv(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// What a customer was charged, in the columns of FOCUS.
///
/// # Errors
/// [`Problem`].
pub async fn charges(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let view = match parameters.one_of("view", &["customer", "partner"])? {
        Some("partner") => View::Partner,
        _ => View::Customer,
    };
    let query = ReadCharges { customer: period::customer(&customer)?, period: parameters.period(caller.request.now)? };
    let charges = app.store.read(&caller.actor, &query).await?;
    Ok(csv(focus::csv(&charges, view, caller.request.now)))
}

/// All that a customer's business left behind, one JSON object a line.
///
/// # Errors
/// [`Problem`].
pub async fn export(State(app): State<App>, caller: Caller, Path(customer): Path<String>) -> Result<Response, Problem> {
    let export = app.store.read(&caller.actor, &ExportCustomer { customer: period::customer(&customer)? }).await?;
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, export_lines(&export)).into_response())
}

/// An export as text: one JSON object a line, the same bytes for the same history.
pub fn export_lines(export: &Export) -> String {
    let lines = export
        .orders
        .iter()
        .map(exported_order)
        .chain(export.reservations.iter().map(exported_reservation_order))
        .chain(export.ledger.iter().map(|found| {
            let mut line = event(found);
            line["type"] = "ledgerEvent".into();
            line
        }))
        .chain(export.log.iter().map(exported_record));
    lines.map(|line| format!("{line}\n")).collect()
}

fn exported_order(order: &Order) -> Value {
    let line = |line: &OrderLine| {
        let mut body = json!({
            "number": line.number,
            "item": line.catalog_item.to_string(),
            "name": line.name,
            "quantity": line.quantity,
            "listPrice": shown(line.prices.list),
            "partnerPrice": shown(line.prices.partner),
            "customerPrice": shown(line.prices.customer),
        });
        match &line.item {
            OrderedItem::Reservation { reservation_order, subscription, term } => {
                body["reservationOrder"] = reservation_order.to_string().into();
                body["subscription"] = subscription.to_string().into();
                body["term"] = term.code().into();
            }
            OrderedItem::AzurePlan { entitlement } | OrderedItem::AzureGlobal { entitlement } => {
                body["entitlement"] = entitlement.to_string().into();
            }
        }
        body
    };
    json!({
        "type": "order",
        "id": order.id.as_str(),
        "placedAt": order.placed_at.to_string(),
        "billingCycle": order.billing_cycle.name(),
        "status": order.status.name(),
        "boughtBy": {"side": order.buyer.side.name(), "id": order.buyer.id.to_string(), "name": order.buyer.name},
        "lines": order.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn exported_reservation_order(bought: &OrderWithReservations) -> Value {
    let order = &bought.order;
    let reservation = |reservation: &Reservation| {
        json!({
            "id": reservation.id.to_string(),
            "displayName": reservation.display_name.as_str(),
            "quantity": reservation.quantity.instances(),
            "scopeType": reservation.scope.type_name(),
            "scope": reservation.scope.scope().map(ToString::to_string),
            "instanceFlexibility": reservation.instance_flexibility,
            "renew": reservation.renew,
            "archived": reservation.archived,
            "state": reservation.state.name(),
            "etag": reservation.etag,
            "reviewAt": reservation.review_at.map(|at| at.to_string()),
            "updatedAt": reservation.updated_at.to_string(),
        })
    };
    json!({
        "type": "reservationOrder",
        "id": order.id.to_string(),
        "order": order.order.as_str(),
        "line": order.line,
        "subscription": order.subscription.to_string(),
        "displayName": order.display_name.as_str(),
        "sku": order.sku.as_str(),
        "region": order.region.as_str(),
        "resourceType": order.resource_type.name(),
        "term": order.term.code(),
        "billingPlan": order.plan.name(),
        "quantity": order.quantity.instances(),
        "startsAt": order.starts_at.to_string(),
        "expiresAt": order.expires_at.to_string(),
        "state": order.state.name(),
        "etag": order.etag,
        "reservations": bought.reservations.iter().map(reservation).collect::<Vec<_>>(),
    })
}

fn exported_record(record: &ActivityRecord) -> Value {
    let stored = |text: &Option<String>| {
        text.as_deref().map(|text| serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into()))
    };
    json!({
        "type": "activityRecord",
        "sequence": record.sequence,
        "at": record.at.to_string(),
        "operation": record.operation,
        "outcome": record.outcome.name(),
        "actor": {"id": record.actor.to_string(), "name": record.actor_name},
        "application": record.application.map(|id| id.to_string()),
        "correlationId": record.correlation.to_string(),
        "subject": record.subject,
        "old": stored(&record.old),
        "new": stored(&record.new),
        "details": record.details,
        "message": record.message,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_place_is_read_or_refused(text in "[0-9-]{0,20}_[0-9a-f-]{0,40}|.{0,60}") {
            let _ = place(&text);
        }

        #[test]
        fn a_place_comes_back(micros in -1_000_000_000_000_000_i64..200_000_000_000_000_000, event in any::<u128>()) {
            let key = LedgerKey { at: Timestamp::from_microsecond(micros).unwrap(), event: Uuid::from_u128(event) };
            prop_assert_eq!(place(&format!("{}_{}", key.at.as_microsecond(), key.event)).unwrap(), key);
        }
    }
}
