//! What is owed, when it falls due, and what the outside is to be told: rows that only grow.

use crate::statement::{QueryBuilder, query};
use fullmakt_domain::change::{OutgoingEvent, ScheduledInstalment};
use fullmakt_domain::ids::{CustomerId, PartnerId, ReservationOrderId};
use fullmakt_domain::ledger::{LedgerKind, Transfer};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::Tx;
use crate::row::{Fault, micros};

/// The payments of an order, in one statement: an order of five years has sixty.
pub(crate) async fn schedule(
    customer: CustomerId,
    order: ReservationOrderId,
    instalments: &[ScheduledInstalment],
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO instalment
           (customer_id, reservation_order_id, number, due_on, partner_e6, customer_e6, posted_event) ",
    );
    insert.push_values(instalments, |mut row, instalment| {
        row.push_bind(customer.to_string())
            .push_bind(order.to_string())
            .push_bind(instalment.number)
            .push_bind(instalment.due.to_string())
            .push_bind(instalment.partner.amount_e6)
            .push_bind(instalment.customer.amount_e6)
            .push_bind(instalment.posted.map(|event| event.to_string()));
    });
    insert.build().execute(tx).await?;
    Ok(())
}

/// Puts other instalments in the place of those that were not posted.
pub(crate) async fn reschedule(
    customer: CustomerId,
    order: ReservationOrderId,
    instalments: &[ScheduledInstalment],
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    query("DELETE FROM instalment WHERE customer_id = $1 AND reservation_order_id = $2 AND posted_event IS NULL")
        .bind(customer.to_string())
        .bind(order.to_string())
        .execute(tx)
        .await?;
    if instalments.is_empty() {
        return Ok(());
    }
    schedule(customer, order, instalments, tx).await
}

/// Notes that an instalment is in the ledger.
pub(crate) async fn mark_posted(
    customer: CustomerId,
    order: ReservationOrderId,
    number: i64,
    event: Uuid,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    query(
        "UPDATE instalment SET posted_event = $4
         WHERE customer_id = $1 AND reservation_order_id = $2 AND number = $3 AND posted_event IS NULL",
    )
    .bind(customer.to_string())
    .bind(order.to_string())
    .bind(number)
    .bind(event.to_string())
    .execute(tx)
    .await?;
    Ok(())
}

/// An event of the ledger.
pub(crate) struct Posting<'p> {
    pub(crate) event: Uuid,
    pub(crate) kind: LedgerKind,
    pub(crate) partner: PartnerId,
    pub(crate) at: Timestamp,
    pub(crate) subject: &'p str,
    pub(crate) quantity: i64,
    pub(crate) transfers: &'p [Transfer],
}

/// One event, in one statement: the only one that adds to the ledger, and none changes or removes what is in it. A row takes
/// from one account what it gives to another, so that the entries of an event (`ledger_entry`, a view) sum to zero whoever
/// writes it.
pub(crate) async fn post(customer: CustomerId, posting: &Posting<'_>, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let Some(first) = posting.transfers.first() else { return Ok(()) };
    if posting.transfers.iter().any(|transfer| transfer.amount.currency != first.amount.currency) {
        return Err(Fault::MixedCurrencies { event: posting.event });
    }
    let mut insert = QueryBuilder::new(
        "INSERT INTO ledger_transfer
           (customer_id, event_id, number, partner_id, at, debit, credit, currency, amount_e6, subject, quantity, kind) ",
    );
    insert.push_values(posting.transfers.iter().zip(1_i64..), |mut row, (transfer, number)| {
        row.push_bind(customer.to_string())
            .push_bind(posting.event.to_string())
            .push_bind(number)
            .push_bind(posting.partner.to_string())
            .push_bind(micros(posting.at))
            .push_bind(transfer.debit.name())
            .push_bind(transfer.credit.name())
            .push_bind(transfer.amount.currency.to_string())
            .push_bind(transfer.amount.amount_e6)
            .push_bind(posting.subject.to_owned())
            .push_bind(posting.quantity)
            .push_bind(posting.kind.name());
    });
    insert.build().execute(tx).await?;
    Ok(())
}

/// Something the outside is to be told.
pub(crate) async fn raise(customer: CustomerId, event: &OutgoingEvent, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query(
        "INSERT INTO outgoing_event (customer_id, event_id, partner_id, kind, at, subject)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(customer.to_string())
    .bind(event.id.to_string())
    .bind(event.partner.to_string())
    .bind(event.kind)
    .bind(micros(event.at))
    .bind(&event.subject)
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::ledger::charge;
    use fullmakt_domain::money::{Currency, Money};
    use futures_util::FutureExt;

    use super::*;
    use crate::db::{Ending, Store};
    use crate::testing::{CUSTOMER, PARTNER, WORLD, number, run, stores};

    async fn posts(store: &Store, event: u128, transfers: Vec<Transfer>) -> Result<(), Fault> {
        store
            .write(move |tx| {
                async move {
                    let posting = Posting {
                        event: Uuid::from_u128(event),
                        kind: LedgerKind::Purchase,
                        partner: PartnerId::parse(PARTNER).unwrap(),
                        at: Timestamp::UNIX_EPOCH,
                        subject: "order",
                        quantity: 2,
                        transfers: &transfers,
                    };
                    post(CustomerId::parse(CUSTOMER).unwrap(), &posting, tx).await?;
                    Ok::<_, Fault>((Ending::Keep, ()))
                }
                .boxed()
            })
            .await
    }

    /// What the database says to a statement.
    async fn says(store: &Store, sql: &'static str) -> Result<(), String> {
        let changed = store
            .write(move |tx| {
                async move {
                    query(sql).execute(tx).await?;
                    Ok::<_, Fault>((Ending::Keep, ()))
                }
                .boxed()
            })
            .await;
        changed.map_err(|fault| format!("{fault:?}"))
    }

    const UNBALANCED: &str = "SELECT count(*) FROM (SELECT 1 AS one FROM ledger_entry
        GROUP BY customer_id, event_id, currency HAVING sum(amount_e6) <> 0) AS uneven";

    #[tokio::test]
    async fn an_event_is_of_one_currency_and_sums_to_zero() {
        let money = |amount_e6, code| Money { amount_e6, currency: Currency::parse(code).unwrap() };
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let mixed = posts(&store, 7, charge(money(5, "EUR"), money(6, "SEK"))).await;
            assert!(matches!(mixed, Err(Fault::MixedCurrencies { .. })), "{mixed:?}");
            posts(&store, 7, Vec::new()).await.unwrap();
            assert_eq!(number(&store, "SELECT count(*) FROM ledger_entry").await, 0);
            posts(&store, 7, charge(money(5, "EUR"), money(-6, "EUR"))).await.unwrap();
            assert_eq!(number(&store, "SELECT count(*) FROM ledger_entry").await, 4);
            for (account, amount) in [
                ("SELECT amount_e6 FROM ledger_entry WHERE number = 1 AND account = 'partner-cost'", 5),
                ("SELECT amount_e6 FROM ledger_entry WHERE number = 2 AND account = 'supplier-payable'", -5),
                ("SELECT amount_e6 FROM ledger_entry WHERE number = 3 AND account = 'customer-receivable'", -6),
                ("SELECT amount_e6 FROM ledger_entry WHERE number = 4 AND account = 'partner-revenue'", 6),
            ] {
                assert_eq!(number(&store, account).await, amount, "{account}");
            }
            let again = posts(&store, 7, charge(money(1, "EUR"), money(1, "EUR"))).await;
            assert!(again.is_err(), "an event is posted once");
            assert_eq!(number(&store, UNBALANCED).await, 0);
        }
    }

    #[tokio::test]
    async fn no_statement_leaves_an_event_of_the_ledger_unbalanced_or_changes_what_is_in_it() {
        let euros = |amount_e6| Money { amount_e6, currency: Currency::parse("EUR").unwrap() };
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            posts(&store, 7, charge(euros(5), euros(6))).await.unwrap();
            for (sql, because) in [
                // An entry without its counterpart.
                (
                    "INSERT INTO ledger_entry
                       (customer_id, event_id, number, partner_id, at, account, currency, amount_e6, subject, kind)
                     VALUES ('c', 'e', 1, 'p', 0, 'partner-cost', 'EUR', 5, 's', 'purchase')",
                    "view",
                ),
                (
                    "INSERT INTO ledger_transfer
                       (customer_id, event_id, number, partner_id, at, debit, credit, currency, amount_e6, subject, quantity, kind)
                     VALUES ('c', 'e', 1, 'p', 0, 'partner-cost', NULL, 'EUR', 5, 's', 1, 'purchase')",
                    "null",
                ),
                ("UPDATE ledger_entry SET amount_e6 = 0", "view"),
                ("UPDATE ledger_entry SET amount_e6 = 0 WHERE number = 1", "view"),
                ("DELETE FROM ledger_entry WHERE number = 1", "view"),
                ("UPDATE ledger_transfer SET amount_e6 = 0", "only added to"),
                ("UPDATE ledger_transfer SET currency = 'SEK' WHERE number = 1", "only added to"),
                ("DELETE FROM ledger_transfer", "only added to"),
                ("DELETE FROM ledger_transfer WHERE number = 1", "only added to"),
                (
                    "INSERT INTO ledger_transfer SELECT * FROM ledger_transfer
                     WHERE TRUE ON CONFLICT (customer_id, event_id, number) DO UPDATE SET amount_e6 = 0",
                    "only added to",
                ),
            ] {
                let said = says(&store, sql).await;
                assert!(said.as_ref().is_err_and(|text| text.to_lowercase().contains(because)), "{sql}: {said:?}");
            }
            // What only one of the two databases knows.
            let of_its_own = if store.kind() == "SQLite" {
                "INSERT OR REPLACE INTO ledger_transfer
                 SELECT customer_id, event_id, number, partner_id, at, debit, credit, currency, 0, subject,
                        quantity, kind
                 FROM ledger_transfer"
            } else {
                "TRUNCATE ledger_transfer"
            };
            let said = says(&store, of_its_own).await;
            assert!(said.as_ref().is_err_and(|text| text.contains("only added to")), "{said:?}");
            assert_eq!(number(&store, "SELECT count(*) FROM ledger_entry WHERE amount_e6 <> 0").await, 4);
            assert_eq!(number(&store, UNBALANCED).await, 0);

            // Whatever else somebody writes sums to zero.
            let by_hand = "INSERT INTO ledger_transfer
                (customer_id, event_id, number, partner_id, at, debit, credit, currency, amount_e6, subject, quantity, kind)
                VALUES ('c', 'e', 3, 'p', 0, 'partner-cost', 'partner-revenue', 'EUR', 7, 's', 1, 'fee')";
            says(&store, by_hand).await.unwrap();
            assert_eq!(number(&store, "SELECT count(*) FROM ledger_entry").await, 6);
            assert_eq!(number(&store, UNBALANCED).await, 0);
        }
    }
}
