//! What is given back: what decisions and questions about it look at, and a partner's rules of it.

use std::collections::BTreeMap;

use fullmakt_domain::authz::Permit;
use fullmakt_domain::cancellation::{CancelOrder, CancelState};
use fullmakt_domain::change::ScheduledInstalment;
use fullmakt_domain::exchange::{
    ExchangeQuote, ExchangeReservations, ExchangeState, GetExchange, PurchaseBasis, QuoteExchange, ToPurchase,
};
use fullmakt_domain::ids::{CustomerId, OrderId, PartnerId, ReservationOrderId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::OrderedItem;
use fullmakt_domain::refund::{OrderMoney, Settled, WindowEntry};
use fullmakt_domain::refund_policy::{
    ConversionRate, GetRefundRules, LIMIT_CURRENCY, RefundPolicy, RefundRules, SetConversionRate, SetRefundPolicy,
};
use fullmakt_domain::reservation::ListInstalments;
use fullmakt_domain::returning::{
    Commerce, ExplainReturn, GetRefundQuote, GetRefundWindow, Held, QuoteRefund, QuotedRefund, RefundQuote,
    RefundWindow, ReturnReservation, ReturnState,
};
use uuid::Uuid;

use crate::db::{Tx, on};
use crate::door::{Answer, Load};
use crate::row::{Fault, instant, known, parsed};
use crate::{catalog, order, price_rule, purchase, reservation, role_assignment, subscription};

mod kept;

use kept::{exchange_quote, refund_quote};
pub(crate) use kept::{
    insert_exchange_quote, insert_refund_quote, insert_return, use_exchange_quote, use_refund_quote,
};

/// An order with all that a return of it looks at.
async fn held(customer: CustomerId, order: ReservationOrderId, tx: &mut Tx<'_>) -> Result<Option<Held>, Fault> {
    let Some(found) = reservation::load(customer, order, tx).await? else { return Ok(None) };
    let currency = found.order.prices.currency();
    let money = OrderMoney {
        instalments: instalments(customer, order, currency, tx).await?,
        settled: settled(customer, order, tx).await?,
        left: found.quantity_left(),
    };
    let assignments = role_assignment::below_order(customer, order, tx).await?;
    let commerce = commerce(customer, found.order.partner, &found.order.order, tx).await?;
    Ok(Some(Held { found, money, assignments, commerce }))
}

/// The commercial order of a reservation order, and what of it was given back before.
async fn commerce(customer: CustomerId, partner: PartnerId, id: &OrderId, tx: &mut Tx<'_>) -> Result<Commerce, Fault> {
    let order = order::load(customer, partner, id, tx).await?;
    let order = order.ok_or_else(|| Fault::Damaged { what: "commercial order", value: id.to_string() })?;
    let rows: Vec<(String,)> = on!(tx, conn => sqlx::query_as(
        "SELECT o.reservation_order_id FROM order_line l
         JOIN reservation_order o ON o.customer_id = l.customer_id AND o.reservation_order_id = l.reservation_order_id
         WHERE l.customer_id = $1 AND l.order_id = $2 AND o.state = 'cancelled'")
        .bind(customer.to_string()).bind(id.as_str()).fetch_all(conn).await)?;
    let returned = rows.iter().map(|(id,)| parsed("reservation order id", id)).collect::<Result<_, Fault>>()?;
    Ok(Commerce { order, returned })
}

/// All instalments of an order, posted or not.
async fn instalments(
    customer: CustomerId,
    order: ReservationOrderId,
    currency: Currency,
    tx: &mut Tx<'_>,
) -> Result<Vec<ScheduledInstalment>, Fault> {
    let rows: Vec<(i64, String, i64, i64, Option<String>)> = on!(tx, conn => sqlx::query_as(
        "SELECT number, due_on, partner_e6, customer_e6, posted_event FROM instalment
         WHERE customer_id = $1 AND reservation_order_id = $2 ORDER BY number")
        .bind(customer.to_string()).bind(order.to_string()).fetch_all(conn).await)?;
    rows.into_iter()
        .map(|(number, due, partner_e6, customer_e6, posted)| {
            Ok(ScheduledInstalment {
                number,
                due: parsed("day", &due)?,
                partner: Money { amount_e6: partner_e6, currency },
                customer: Money { amount_e6: customer_e6, currency },
                posted: posted.as_deref().map(|event| parsed("event id", event)).transpose()?,
            })
        })
        .collect()
}

impl Answer for ListInstalments {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<ScheduledInstalment>, Fault> {
        let customer = permit.customer();
        let Some(found) = reservation::load(customer, self.order, tx).await? else { return Ok(Vec::new()) };
        instalments(customer, self.order, found.order.prices.currency(), tx).await
    }
}

async fn settled(customer: CustomerId, order: ReservationOrderId, tx: &mut Tx<'_>) -> Result<Vec<Settled>, Fault> {
    let rows: Vec<(i64, String, i64, i64, i64)> = on!(tx, conn => sqlx::query_as(
        "SELECT running, currency, customer_share_e6, partner_share_e6, customer_refund_e6 FROM reservation_return
         WHERE customer_id = $1 AND reservation_order_id = $2 ORDER BY at, return_id")
        .bind(customer.to_string()).bind(order.to_string()).fetch_all(conn).await)?;
    rows.into_iter()
        .map(|(running, currency, customer_share, partner_share, customer_refund)| {
            let currency = currency_of(&currency)?;
            let money = |amount_e6| Money { amount_e6, currency };
            Ok(Settled {
                running,
                customer_share: money(customer_share),
                partner_share: money(partner_share),
                customer_refund: money(customer_refund),
            })
        })
        .collect()
}

fn currency_of(text: &str) -> Result<Currency, Fault> {
    known("currency", text, Currency::parse(text).ok())
}

/// Policies and rates of a partner, with the built-in ones under them.
async fn rules(partner: PartnerId, tx: &mut Tx<'_>) -> Result<RefundRules, Fault> {
    let policies: Vec<(String, i64, String, i64, i64)> = on!(tx, conn => sqlx::query_as(
        "SELECT valid_from, full_refund_days, fee_percent, limit_e6, window_months FROM refund_policy
         WHERE partner_id = $1 ORDER BY valid_from")
        .bind(partner.to_string()).fetch_all(conn).await)?;
    let rates: Vec<(String, String, String)> = on!(tx, conn => sqlx::query_as(
        "SELECT currency, valid_from, rate FROM conversion_rate WHERE partner_id = $1 ORDER BY valid_from, currency")
        .bind(partner.to_string()).fetch_all(conn).await)?;
    let policies = policies.into_iter().map(|(valid_from, full_refund_days, fee_percent, amount_e6, window_months)| {
        Ok(RefundPolicy {
            valid_from: parsed("day", &valid_from)?,
            full_refund_days,
            fee_percent: parsed("per cent", &fee_percent)?,
            limit: Money { amount_e6, currency: currency_of(LIMIT_CURRENCY)? },
            window_months,
        })
    });
    let rates = rates.into_iter().map(|(currency, valid_from, rate)| {
        Ok(ConversionRate {
            valid_from: parsed("day", &valid_from)?,
            currency: currency_of(&currency)?,
            rate: parsed("rate", &rate)?,
        })
    });
    Ok(RefundRules::new(policies.collect::<Result<_, Fault>>()?, rates.collect::<Result<_, Fault>>()?))
}

#[derive(serde::Deserialize)]
struct WindowRow {
    session_id: String,
    at: i64,
    reservation_order_id: String,
    reservation_id: String,
    quantity: i64,
    counted_e6: i64,
    counted_currency: String,
    returned_by: String,
}

/// Every return of a customer that counts, or counted, against its limit with a partner.
async fn window(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Vec<WindowEntry>, Fault> {
    let rows: Vec<WindowRow> = on!(tx, conn => sqlx::query_as(
        "SELECT session_id, at, reservation_order_id, reservation_id, quantity, counted_e6, counted_currency, returned_by
         FROM reservation_return WHERE customer_id = $1 AND partner_id = $2 AND kind = 'refund' ORDER BY at, return_id")
        .bind(customer.to_string()).bind(partner.to_string()).fetch_all(conn).await)?;
    rows.into_iter()
        .map(|row| {
            Ok(WindowEntry {
                session: parsed("session id", &row.session_id)?,
                at: instant(row.at)?,
                reservation: parsed("reservation id", &row.reservation_id)?,
                order: parsed("reservation order id", &row.reservation_order_id)?,
                quantity: row.quantity,
                counted: Money { amount_e6: row.counted_e6, currency: currency_of(&row.counted_currency)? },
                by: row.returned_by,
            })
        })
        .collect()
}

async fn state<A>(
    permit: &Permit<A>,
    order: ReservationOrderId,
    session: Option<Uuid>,
    tx: &mut Tx<'_>,
) -> Result<ReturnState, Fault> {
    let (customer, partner) = (permit.customer(), permit.partner());
    Ok(ReturnState {
        held: held(customer, order, tx).await?,
        partner: purchase::parties(customer, partner, tx).await?.0,
        rules: rules(partner, tx).await?,
        window: window(customer, partner, tx).await?,
        quote: match session {
            Some(session) => refund_quote(customer, session, tx).await?,
            None => None,
        },
    })
}

impl Load for QuoteRefund {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ReturnState, Fault> {
        state(permit, self.order, None, tx).await
    }
}

impl Load for ReturnReservation {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ReturnState, Fault> {
        state(permit, self.order, Some(self.session), tx).await
    }
}

impl Load for CancelOrder {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<CancelState, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let found = order::load(customer, partner, &self.order, tx).await?;
        let mut all = Vec::new();
        for line in found.iter().flat_map(|order| &order.lines) {
            if let OrderedItem::Reservation { reservation_order, .. } = line.item {
                all.extend(held(customer, reservation_order, tx).await?);
            }
        }
        Ok(CancelState {
            order: found,
            held: all,
            rules: rules(partner, tx).await?,
            window: window(customer, partner, tx).await?,
        })
    }
}

impl Answer for GetRefundQuote {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<QuotedRefund>, Fault> {
        let customer = permit.customer();
        let Some(quote) = refund_quote(customer, self.session, tx).await? else { return Ok(None) };
        let order = reservation::load(customer, self.order, tx).await?;
        Ok(order.and_then(|found| self.seen(permit, quote, &found.order)))
    }
}

impl Load for SetRefundPolicy {
    async fn load(&self, _permit: &Permit<Self>, _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

impl Load for SetConversionRate {
    async fn load(&self, _permit: &Permit<Self>, _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

impl Answer for GetRefundWindow {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<RefundWindow, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let entries = window(customer, partner, tx).await?;
        RefundWindow::of(entries, &rules(partner, tx).await?, self.now)
            .map_err(|error| Fault::Damaged { what: "sum of returns", value: error.to_string() })
    }
}

impl Answer for ExplainReturn {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<RefundQuote>, Fault> {
        let customer = permit.customer();
        let made: i64 = on!(tx, conn => sqlx::query_scalar(
            "SELECT count(*) FROM reservation_return
             WHERE customer_id = $1 AND partner_id = $2 AND session_id = $3 AND kind = 'refund'")
            .bind(customer.to_string()).bind(permit.partner().to_string()).bind(self.session.to_string())
            .fetch_one(conn).await)?;
        if made == 0 { Ok(None) } else { refund_quote(customer, self.session, tx).await }
    }
}

impl Answer for GetRefundRules {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<RefundRules, Fault> {
        rules(permit.partner(), tx).await
    }
}

async fn exchange_state(
    customer: CustomerId,
    partner: PartnerId,
    orders: &[ReservationOrderId],
    purchases: &[&ToPurchase],
    tx: &mut Tx<'_>,
) -> Result<ExchangeState, Fault> {
    let mut all = BTreeMap::new();
    for order in orders {
        if let Some(held) = held(customer, *order, tx).await? {
            all.insert(*order, held);
        }
    }
    let mut bases = Vec::new();
    for wanted in purchases {
        let billing = subscription::load(customer, wanted.subscription, tx).await?;
        bases.push(PurchaseBasis {
            scope_in_context: purchase::in_context(customer, billing.as_ref(), &wanted.scope, tx).await?,
            subscription: billing,
            owners: purchase::owners(customer, wanted.subscription, tx).await?,
        });
    }
    let (contact, country) = purchase::parties(customer, partner, tx).await?;
    Ok(ExchangeState {
        held: all,
        partner: contact,
        country,
        catalog: catalog::in_force(tx).await?,
        price_rules: price_rule::for_customer(partner, customer, tx).await?,
        rules: rules(partner, tx).await?,
        purchases: bases,
        quote: None,
    })
}

impl Load for QuoteExchange {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ExchangeState, Fault> {
        let orders: Vec<ReservationOrderId> = self.returns.iter().map(|wanted| wanted.order).collect();
        let purchases: Vec<&ToPurchase> = self.purchases.iter().collect();
        let customer = permit.customer();
        // What names nothing that could be returned is about no partner's order; its sender is told of one all the same.
        let partner = match permit.facts().partner {
            Some(partner) => Some(partner),
            None => subscription::any_partner(customer, tx).await?,
        };
        exchange_state(customer, partner.unwrap_or(permit.partner()), &orders, &purchases, tx).await
    }
}

impl Load for ExchangeReservations {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ExchangeState, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let quote = exchange_quote(customer, self.session, tx).await?.filter(|quote| quote.session == self.session);
        let none = (Vec::new(), Vec::new());
        let (orders, purchases) = quote.as_ref().map_or(none, |quote| {
            let orders = quote.returns.iter().map(|returned| returned.wanted.order).collect();
            (orders, quote.purchases.iter().map(|purchase| &purchase.wanted).collect())
        });
        let state = exchange_state(customer, partner, &orders, &purchases, tx).await?;
        Ok(ExchangeState { quote, ..state })
    }
}

impl Answer for GetExchange {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<ExchangeQuote>, Fault> {
        let found = exchange_quote(permit.customer(), self.operation, tx).await?;
        let admin = permit.standing().is_admin_agent();
        Ok(found.filter(|quote| permit.is_partner() && (admin || quote.asked_by == permit.actor().principal)))
    }
}

/// Sets a partner's rules of returns from a day on.
pub(crate) async fn set_policy(partner: PartnerId, policy: &RefundPolicy, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO refund_policy (partner_id, valid_from, full_refund_days, fee_percent, limit_e6, window_months)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (partner_id, valid_from) DO UPDATE SET full_refund_days = excluded.full_refund_days,
           fee_percent = excluded.fee_percent, limit_e6 = excluded.limit_e6, window_months = excluded.window_months")
        .bind(partner.to_string())
        .bind(policy.valid_from.to_string())
        .bind(policy.full_refund_days)
        .bind(policy.fee_percent.to_string())
        .bind(policy.limit.amount_e6)
        .bind(policy.window_months)
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Sets a partner's conversion rate from a day on.
pub(crate) async fn set_rate(partner: PartnerId, rate: &ConversionRate, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO conversion_rate (partner_id, currency, valid_from, rate) VALUES ($1, $2, $3, $4)
         ON CONFLICT (partner_id, currency, valid_from) DO UPDATE SET rate = excluded.rate")
        .bind(partner.to_string())
        .bind(rate.currency.to_string())
        .bind(rate.valid_from.to_string())
        .bind(rate.rate.to_string())
        .execute(conn).await.map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::catalog::Quantity;
    use fullmakt_domain::exchange::ToReturn;
    use fullmakt_domain::ids::SubscriptionId;
    use fullmakt_domain::obstacle::Item;
    use fullmakt_domain::order::{GetOrder, OrderStatus};
    use fullmakt_domain::placement::Purchased;
    use fullmakt_domain::refusal::Refusal;
    use fullmakt_domain::reservation::{AppliedScope, ReservationState};

    use super::*;
    use crate::db::Store;
    use crate::door::ExecuteError;
    use crate::testing::{ADA, CUSTOMER, PARTNER, SUBSCRIPTION, actor, bought, item, number, request, stores};

    const SESSION: Uuid = Uuid::from_u128(0x5e55);

    async fn status(store: &Store, purchased: &Purchased) -> OrderStatus {
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        let query = GetOrder { customer, order: purchased.order.order.clone() };
        store.read(&actor(ADA, PARTNER), &query).await.unwrap().unwrap().status
    }

    /// What was bought is paid back to the cent, and every event sums to zero.
    async fn assert_nothing_is_owed(store: &Store, subject: &'static str) {
        let unbalanced = "SELECT count(*) FROM (SELECT 1 AS one FROM ledger_entry
            GROUP BY customer_id, event_id, currency HAVING sum(amount_e6) <> 0) AS uneven";
        assert_eq!(number(store, unbalanced).await, 0);
        assert_eq!(number(store, subject).await, 0);
    }

    const LEFT_OF_FIRST: &str = "SELECT count(*) FROM (SELECT account FROM ledger_entry
        WHERE subject = '44444444-4444-4444-8444-444444444444' GROUP BY account HAVING sum(amount_e6) <> 0) AS owed";
    const WAITING_OF_FIRST: &str = "SELECT count(*) FROM instalment
        WHERE reservation_order_id = '44444444-4444-4444-8444-444444444444' AND posted_event IS NULL";

    #[tokio::test]
    async fn r21_r23_a_return_is_read_as_it_was_quoted_paid_once_and_cancels_the_commercial_order() {
        for (store, _directory) in stores().await {
            let purchased = bought(&store).await;
            let (order, reservation) = (purchased.order.id, purchased.reservation.id);
            let ada = actor(ADA, PARTNER);
            let mut sessions = (0_u128..).map(|n| Uuid::from_u128(SESSION.as_u128() + n));

            // One of two: the commercial order stands, and half of each instalment.
            let session = sessions.next().unwrap();
            let quote = QuoteRefund { session, order, reservation, quantity: 1 };
            let quoted = store.execute(&ada, &quote, &request()).await.unwrap();
            assert_eq!(quoted.problems, []);
            let give_back = ReturnReservation { session, order, reservation, quantity: 1, reason: Some("fel".into()) };
            let returned = store.execute(&ada, &give_back, &request()).await.unwrap();
            assert_eq!((&returned.quote.terms, &returned.quote.counted), (&quoted.quote.terms, &quoted.quote.counted));
            assert_eq!(status(&store, &purchased).await, OrderStatus::Completed);
            assert_eq!(number(&store, WAITING_OF_FIRST).await, 11);
            let again = store.execute(&ada, &give_back, &request()).await;
            assert!(matches!(again, Err(ExecuteError::Refused(Refusal::ReturnQuoteUsed { .. }))), "{again:?}");

            // The other one.
            let live = returned.found.reservations.iter().find(|r| r.state == ReservationState::Succeeded).unwrap();
            let session = sessions.next().unwrap();
            let quote = QuoteRefund { session, order, reservation: live.id, quantity: 1 };
            store.execute(&ada, &quote, &request()).await.unwrap();
            let give_back = ReturnReservation { session, order, reservation: live.id, quantity: 1, reason: None };
            let returned = store.execute(&ada, &give_back, &request()).await.unwrap();
            assert_eq!(returned.found.order.state, ReservationState::Cancelled);
            assert_eq!(status(&store, &purchased).await, OrderStatus::Cancelled);
            assert_eq!(number(&store, WAITING_OF_FIRST).await, 0);
            assert_nothing_is_owed(&store, LEFT_OF_FIRST).await;
            assert_eq!(number(&store, "SELECT count(*) FROM reservation_return WHERE kind = 'refund'").await, 2);
            let logged = "SELECT count(*) FROM activity_record WHERE operation = 'return_reservation'
                AND outcome = 'succeeded' AND new_value LIKE '%\"Status\":\"cancelled\"%'";
            assert_eq!(number(&store, logged).await, 1);

            // What was returned is read back from what was kept.
            let window = GetRefundWindow { customer: CustomerId::parse(CUSTOMER).unwrap(), now: request().now };
            let window = store.read(&ada, &window).await.unwrap();
            assert_eq!(window.entries.len(), 2);
            assert_eq!(window.left, window.policy.limit.plus(window.consumed.negated()).unwrap());
        }
    }

    #[tokio::test]
    async fn r21_r23_an_exchange_is_read_as_it_was_quoted_and_cancels_what_it_gave_back() {
        for (store, _directory) in stores().await {
            let purchased = bought(&store).await;
            let ada = actor(ADA, PARTNER);
            let purchase = ToPurchase {
                order: ReservationOrderId(Uuid::from_u128(0x7)),
                subscription: SubscriptionId::parse(SUBSCRIPTION).unwrap(),
                item: Item { quantity: Quantity::new(3).unwrap(), ..item() },
                scope: AppliedScope::Shared,
                display_name: None,
                instance_flexibility: true,
                renew: false,
            };
            let returns =
                vec![ToReturn { order: purchased.order.id, reservation: purchased.reservation.id, quantity: 2 }];
            let ask = QuoteExchange { session: SESSION, returns, purchases: vec![purchase] };
            let quoted = store.execute(&ada, &ask, &request()).await.unwrap();
            let kept = store.read(&ada, &GetExchange { operation: SESSION }).await.unwrap();
            assert_eq!(kept.as_ref(), Some(&quoted));
            let done = store.execute(&ada, &ExchangeReservations { session: SESSION }, &request()).await.unwrap();
            let kept = store.read(&ada, &GetExchange { operation: SESSION }).await.unwrap();
            assert_eq!(kept.as_ref(), Some(&done.quote));
            assert_eq!(status(&store, &purchased).await, OrderStatus::Cancelled);
            assert_eq!(status(&store, &done.purchased[0]).await, OrderStatus::Completed);
            assert_nothing_is_owed(&store, LEFT_OF_FIRST).await;
            assert_eq!(number(&store, WAITING_OF_FIRST).await, 0);
            let again = store.execute(&ada, &ExchangeReservations { session: SESSION }, &request()).await;
            assert!(matches!(again, Err(ExecuteError::Refused(_))), "{again:?}");
        }
    }
}
