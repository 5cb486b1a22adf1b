//! What is owed, when it falls due, and what the outside is to be told: rows that only grow.

use fullmakt_domain::change::{OutgoingEvent, ScheduledInstalment};
use fullmakt_domain::ids::{CustomerId, PartnerId, ReservationOrderId};
use fullmakt_domain::ledger::LedgerEntry;
use jiff::Timestamp;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::db::{Tx, on};
use crate::row::{Fault, micros};

/// The payments of an order, in one statement: an order of five years has sixty.
pub(crate) async fn schedule(
    customer: CustomerId,
    order: ReservationOrderId,
    instalments: &[ScheduledInstalment],
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    on!(tx, conn => {
        let mut insert = QueryBuilder::new(
            "INSERT INTO instalment
               (customer_id, reservation_order_id, number, due_on, partner_e6, customer_e6, posted_event) ");
        insert.push_values(instalments, |mut row, instalment| {
            row.push_bind(customer.to_string())
                .push_bind(order.to_string())
                .push_bind(instalment.number)
                .push_bind(instalment.due.to_string())
                .push_bind(instalment.partner.amount_e6)
                .push_bind(instalment.customer.amount_e6)
                .push_bind(instalment.posted.map(|event| event.to_string()));
        });
        insert.build().execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// The entries of one event, in one statement.
pub(crate) async fn post(
    customer: CustomerId,
    event: Uuid,
    partner: PartnerId,
    at: Timestamp,
    subject: &str,
    entries: &[LedgerEntry],
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    on!(tx, conn => {
        let mut insert = QueryBuilder::new(
            "INSERT INTO ledger_entry
               (customer_id, event_id, number, partner_id, at, account, currency, amount_e6, subject) ");
        insert.push_values(entries.iter().zip(1_i64..), |mut row, (entry, number)| {
            row.push_bind(customer.to_string())
                .push_bind(event.to_string())
                .push_bind(number)
                .push_bind(partner.to_string())
                .push_bind(micros(at))
                .push_bind(entry.account.name())
                .push_bind(entry.amount.currency.to_string())
                .push_bind(entry.amount.amount_e6)
                .push_bind(subject.to_owned());
        });
        insert.build().execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// Something the outside is to be told.
pub(crate) async fn raise(customer: CustomerId, event: &OutgoingEvent, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO outgoing_event (customer_id, event_id, partner_id, kind, at, subject)
         VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(customer.to_string())
        .bind(event.id.to_string())
        .bind(event.partner.to_string())
        .bind(event.kind)
        .bind(micros(event.at))
        .bind(&event.subject)
        .execute(conn).await.map(drop))?;
    Ok(())
}
