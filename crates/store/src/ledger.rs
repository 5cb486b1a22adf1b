//! What is owed, when it falls due, and what the outside is to be told: rows that only grow.

use crate::statement::{QueryBuilder, query};
use fullmakt_domain::change::{OutgoingEvent, ScheduledInstalment};
use fullmakt_domain::ids::{CustomerId, PartnerId, ReservationOrderId};
use fullmakt_domain::ledger::{self, LedgerEntry, LedgerKind};
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
    pub(crate) entries: &'p [LedgerEntry],
}

/// The entries of one event, in one statement. Entries that do not sum to zero are never written: this is the only
/// statement that adds to the ledger, and none changes or removes what is in it.
pub(crate) async fn post(customer: CustomerId, posting: &Posting<'_>, tx: &mut Tx<'_>) -> Result<(), Fault> {
    if !ledger::balance(posting.entries).is_ok_and(|sum| sum.is_none_or(|sum| sum.amount_e6 == 0)) {
        return Err(Fault::Unbalanced { event: posting.event });
    }
    if posting.entries.is_empty() {
        return Ok(());
    }
    let mut insert = QueryBuilder::new(
        "INSERT INTO ledger_entry
           (customer_id, event_id, number, partner_id, at, account, currency, amount_e6, subject, kind) ",
    );
    insert.push_values(posting.entries.iter().zip(1_i64..), |mut row, (entry, number)| {
        row.push_bind(customer.to_string())
            .push_bind(posting.event.to_string())
            .push_bind(number)
            .push_bind(posting.partner.to_string())
            .push_bind(micros(posting.at))
            .push_bind(entry.account.name())
            .push_bind(entry.amount.currency.to_string())
            .push_bind(entry.amount.amount_e6)
            .push_bind(posting.subject.to_owned())
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
    use fullmakt_domain::ledger::Account;
    use fullmakt_domain::money::{Currency, Money};
    use futures_util::FutureExt;

    use super::*;
    use crate::db::Ending;
    use crate::testing::{CUSTOMER, PARTNER, WORLD, number, run, stores};

    #[tokio::test]
    async fn entries_sum_to_zero_in_one_currency_or_are_not_written_and_stay_as_they_are() {
        let money = |amount_e6, code| Money { amount_e6, currency: Currency::parse(code).unwrap() };
        let pair = |one: Money, other: Money| {
            vec![
                LedgerEntry { account: Account::PartnerCost, amount: one },
                LedgerEntry { account: Account::SupplierPayable, amount: other },
            ]
        };
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            for (entries, is_written) in [
                (pair(money(5, "EUR"), money(-4, "EUR")), false),
                (pair(money(5, "EUR"), money(-5, "SEK")), false),
                (pair(money(i64::MAX, "EUR"), money(i64::MAX, "EUR")), false),
                (pair(money(5, "EUR"), money(-5, "EUR")), true),
            ] {
                let written = store
                    .write(move |tx| {
                        async move {
                            let posting = Posting {
                                event: Uuid::from_u128(7),
                                kind: LedgerKind::Purchase,
                                partner: PartnerId::parse(PARTNER).unwrap(),
                                at: Timestamp::UNIX_EPOCH,
                                subject: "order",
                                entries: &entries,
                            };
                            post(CustomerId::parse(CUSTOMER).unwrap(), &posting, tx).await?;
                            Ok::<_, Fault>((Ending::Keep, ()))
                        }
                        .boxed()
                    })
                    .await;
                assert_eq!(written.is_ok(), is_written, "{written:?}");
                let count = number(&store, "SELECT count(*) FROM ledger_entry").await;
                assert_eq!(count, if is_written { 2 } else { 0 });
            }
            for change in ["UPDATE ledger_entry SET amount_e6 = 0", "DELETE FROM ledger_entry"] {
                let changed = store
                    .write(move |tx| {
                        async move {
                            query(change).execute(tx).await?;
                            Ok::<_, Fault>((Ending::Keep, ()))
                        }
                        .boxed()
                    })
                    .await;
                let said = changed.map_err(|fault| format!("{fault:?}"));
                assert!(said.as_ref().is_err_and(|text| text.contains("only added to")), "{said:?}");
                assert_eq!(number(&store, "SELECT count(*) FROM ledger_entry WHERE amount_e6 <> 0").await, 2);
            }
        }
    }
}
