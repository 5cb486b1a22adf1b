//! Carts: loads, answers, statements.

use fullmakt_domain::authz::{Action, Permit};
use fullmakt_domain::basket::{AskedLine, Unsupported};
use fullmakt_domain::cart::{
    Cart, CartLine, CartState, CartStatus, CheckoutCart, CreateCart, GetCart, LineError, UpdateCart,
};
use fullmakt_domain::ids::{CartId, CustomerId, PartnerId};

use crate::db::{Tx, on};
use crate::door::{Answer, Load};
use crate::order;
use crate::row::{Fault, instant, known, micros, parsed, parsed_optional};

#[derive(serde::Deserialize)]
struct CartRow {
    status: String,
    created_at: i64,
    changed_at: i64,
    changed_by: String,
    ordered_by: Option<String>,
}

#[derive(serde::Deserialize)]
struct LineRow {
    item: String,
    quantity: i64,
    billing_cycle: String,
    term: Option<String>,
    subscription: Option<String>,
    scope: Option<String>,
    duration: Option<String>,
    name: Option<String>,
    currency: Option<String>,
    unsupported: Option<String>,
    order_group: String,
    error_code: Option<i64>,
    error_text: Option<String>,
}

impl LineRow {
    fn line(self) -> Result<CartLine, Fault> {
        let unsupported = self
            .unsupported
            .map(|word| known("member of a cart line", &word, Unsupported::parse(&word)))
            .transpose()?;
        Ok(CartLine {
            asked: AskedLine {
                item: self.item,
                quantity: self.quantity,
                billing_cycle: self.billing_cycle,
                term: self.term,
                subscription: self.subscription,
                scope: self.scope,
                duration: self.duration,
                name: self.name,
                currency: self.currency,
                unsupported,
            },
            group: self.order_group,
            error: self.error_code.zip(self.error_text).map(|(code, text)| LineError { code, text }),
        })
    }
}

/// A partner's cart for a customer.
async fn load(customer: CustomerId, partner: PartnerId, id: CartId, tx: &mut Tx<'_>) -> Result<Option<Cart>, Fault> {
    let row: Option<CartRow> = on!(tx, conn => sqlx::query_as(
        "SELECT status, created_at, changed_at, changed_by, ordered_by FROM cart
         WHERE customer_id = $1 AND partner_id = $2 AND cart_id = $3")
        .bind(customer.to_string()).bind(partner.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
    let Some(row) = row else { return Ok(None) };
    let lines: Vec<LineRow> = on!(tx, conn => sqlx::query_as(
        "SELECT item, quantity, billing_cycle, term, subscription, scope, duration, name, currency, unsupported,
                order_group, error_code, error_text
         FROM cart_line WHERE customer_id = $1 AND cart_id = $2 ORDER BY line_number")
        .bind(customer.to_string()).bind(id.to_string()).fetch_all(conn).await)?;
    Ok(Some(Cart {
        id,
        customer,
        partner,
        status: known("cart status", &row.status, CartStatus::parse(&row.status))?,
        created_at: instant(row.created_at)?,
        changed_at: instant(row.changed_at)?,
        changed_by: parsed("principal id", &row.changed_by)?,
        ordered_by: parsed_optional("request id", row.ordered_by.as_deref())?,
        lines: lines.into_iter().map(LineRow::line).collect::<Result<_, _>>()?,
    }))
}

async fn state<A: Action>(permit: &Permit<A>, id: CartId, tx: &mut Tx<'_>) -> Result<CartState, Fault> {
    let (customer, partner) = (permit.customer(), permit.partner());
    let cart = load(customer, partner, id, tx).await?;
    let mut orders = Vec::new();
    for order in cart.iter().filter(|cart| cart.status == CartStatus::Ordered).flat_map(Cart::order_ids) {
        orders.extend(order::load(customer, partner, &order, tx).await?);
    }
    Ok(CartState { basis: order::basis(customer, partner, tx).await?, cart, orders })
}

impl Load for CreateCart {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<CartState, Fault> {
        state(permit, self.cart, tx).await
    }
}

impl Load for UpdateCart {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<CartState, Fault> {
        state(permit, self.cart, tx).await
    }
}

impl Load for CheckoutCart {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<CartState, Fault> {
        state(permit, self.cart, tx).await
    }
}

impl Answer for GetCart {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Cart>, Fault> {
        let cart = load(permit.customer(), permit.partner(), self.cart, tx).await?;
        Ok(cart.filter(|cart| cart.is_there(self.now)))
    }
}

/// Writes a cart as it is now, with its lines.
pub(crate) async fn save(customer: CustomerId, cart: &Cart, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO cart (customer_id, cart_id, partner_id, status, created_at, changed_at, changed_by, ordered_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (customer_id, cart_id) DO UPDATE
         SET status = excluded.status, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
             ordered_by = excluded.ordered_by")
        .bind(customer.to_string())
        .bind(cart.id.to_string())
        .bind(cart.partner.to_string())
        .bind(cart.status.name())
        .bind(micros(cart.created_at))
        .bind(micros(cart.changed_at))
        .bind(cart.changed_by.to_string())
        .bind(cart.ordered_by.map(|id| id.to_string()))
        .execute(conn).await.map(drop))?;
    on!(tx, conn => sqlx::query("DELETE FROM cart_line WHERE customer_id = $1 AND cart_id = $2")
        .bind(customer.to_string()).bind(cart.id.to_string())
        .execute(conn).await.map(drop))?;
    for (line, number) in cart.lines.iter().zip(0_i64..) {
        let CartLine { asked, group, error } = line;
        on!(tx, conn => sqlx::query(
            "INSERT INTO cart_line
               (customer_id, cart_id, line_number, item, quantity, billing_cycle, term, subscription, scope, duration,
                name, currency, unsupported, order_group, error_code, error_text)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)")
            .bind(customer.to_string())
            .bind(cart.id.to_string())
            .bind(number)
            .bind(&asked.item)
            .bind(asked.quantity)
            .bind(&asked.billing_cycle)
            .bind(&asked.term)
            .bind(&asked.subscription)
            .bind(&asked.scope)
            .bind(&asked.duration)
            .bind(&asked.name)
            .bind(&asked.currency)
            .bind(asked.unsupported.map(Unsupported::name))
            .bind(group)
            .bind(error.as_ref().map(|error| error.code))
            .bind(error.as_ref().map(|error| error.text.as_str()))
            .execute(conn).await.map(drop))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fullmakt_domain::activity::RequestContext;
    use fullmakt_domain::actor::{Actor, PrincipalKind};
    use fullmakt_domain::catalog_item::ReservationScope;
    use fullmakt_domain::entitlement::RegisterEntitlement;
    use fullmakt_domain::ids::{CorrelationId, EntitlementId, PrincipalId};
    use fullmakt_domain::order::{BillingCycle, GetOrder, ListBoughtReservations, ListOrders, PlaceOrder};
    use fullmakt_domain::refusal::Refusal;
    use jiff::{Span, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::db::Store;
    use crate::door::ExecuteError;
    use crate::testing::{number, stores};

    const PARTNER: &str = "7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a10";
    const CUSTOMER: &str = "c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c20";
    const PLAN: &str = "c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c40";

    fn ada() -> Actor {
        let partner = PartnerId::parse(PARTNER).unwrap();
        Actor {
            principal: PrincipalId::parse("7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a11").unwrap(),
            kind: PrincipalKind::User,
            name: "ada@nordmoln.example".to_owned(),
            home: partner.tenant(),
            tenant: partner.tenant(),
            application: None,
        }
    }

    fn at(minutes: i64) -> RequestContext {
        let start = Timestamp::from_second(1_793_520_000).unwrap();
        RequestContext {
            now: start.checked_add(Span::new().minutes(minutes)).unwrap(),
            correlation: CorrelationId(Uuid::from_u128(1)),
        }
    }

    fn line(item: String) -> AskedLine {
        AskedLine {
            item,
            quantity: 2,
            billing_cycle: "monthly".to_owned(),
            term: None,
            subscription: Some(PLAN.to_owned()),
            scope: Some("single".to_owned()),
            duration: None,
            name: Some("Fjällets servrar".to_owned()),
            currency: None,
            unsupported: None,
        }
    }

    /// The demo's world, its plan registered; a line that can be bought.
    async fn ready(store: &Store) -> (CustomerId, AskedLine) {
        let world = fullmakt_world::parse(fullmakt_world::demo()).unwrap();
        let catalog = Arc::new(fullmakt_world::catalog_csv::built_in().clone());
        store.load_world(world, Arc::clone(&catalog), Default::default(), at(0).now).await.unwrap();
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        let register = RegisterEntitlement { customer, entitlement: EntitlementId::parse(PLAN).unwrap() };
        store.execute(&ada(), &register, &at(0)).await.unwrap();
        let today = fullmakt_domain::obstacle::day(at(0).now);
        let sold = catalog.offers().iter().find(|offer| {
            offer.currency().code() == "EUR" && offer.check_sold_on(today).is_ok() && offer.markets.is_empty()
        });
        let item = catalog.items().id_of(&sold.unwrap().key(), ReservationScope::AzurePlan).unwrap();
        (customer, line(item.to_string()))
    }

    #[tokio::test]
    async fn r18_a_cart_checked_out_many_times_at_once_is_bought_once() {
        for (store, _directory) in stores().await {
            let (customer, line) = ready(&store).await;
            let cart = CartId(Uuid::from_u128(0xca));
            let create = CreateCart { customer, cart, lines: vec![line.clone(), line] };
            let made = store.execute(&ada(), &create, &at(0)).await.unwrap();
            assert!(made.lines.iter().all(|line| line.error.is_none()), "{made:?}");
            assert_eq!(store.execute(&ada(), &create, &at(1)).await.unwrap(), made);
            let read = |minutes| {
                let query = GetCart { customer, cart, now: at(minutes).now };
                let store = store.clone();
                async move { store.read(&ada(), &query).await.unwrap() }
            };
            assert_eq!(read(14).await, Some(made));
            assert_eq!(read(15).await, None);

            let tries = (0..8_u128).map(|n| {
                let store = store.clone();
                let command = CheckoutCart { customer, cart, request: Some(Uuid::from_u128(n)) };
                async move { (command.clone(), store.execute(&ada(), &command, &at(2)).await) }
            });
            let done = futures_util::future::join_all(tries).await;
            let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(|(_, outcome)| outcome.is_ok());
            assert_eq!((won.len(), lost.len()), (1, 7));
            for (_, outcome) in lost {
                assert!(matches!(outcome, Err(ExecuteError::Refused(Refusal::CartSubmitted { .. }))), "{outcome:?}");
            }
            for (count, expected) in [
                ("SELECT count(*) FROM commerce_order", 1),
                ("SELECT count(*) FROM order_line", 2),
                ("SELECT count(*) FROM reservation", 2),
                ("SELECT count(*) FROM instalment WHERE posted_event IS NOT NULL", 2),
                ("SELECT CAST(coalesce(sum(amount_e6), 0) AS BIGINT) FROM ledger_entry", 0),
                ("SELECT count(*) FROM outgoing_event WHERE kind = 'reservation.purchased'", 2),
                ("SELECT count(*) FROM activity_record WHERE operation = 'create_order' AND outcome = 'succeeded'", 1),
                ("SELECT count(*) FROM activity_record WHERE operation = 'create_order' AND outcome = 'failed'", 7),
            ] {
                assert_eq!(number(&store, count).await, expected, "{count}");
            }
            // Whoever asks again under the same name is told the same again; the cart can be seen for good.
            let (command, orders) = &won[0];
            let orders = orders.as_ref().unwrap();
            assert_eq!(&store.execute(&ada(), command, &at(99)).await.unwrap(), orders);
            assert_eq!(read(99).await.unwrap().status, CartStatus::Ordered);
            assert_eq!(&store.read(&ada(), &ListOrders { customer }).await.unwrap(), orders);
            let one = GetOrder { customer, order: orders[0].id.clone() };
            assert_eq!(store.read(&ada(), &one).await.unwrap().as_ref(), orders.first());
            let bought = store.read(&ada(), &ListBoughtReservations { customer }).await.unwrap();
            let lines: Vec<i64> = bought.iter().map(|bought| bought.bought.order.line).collect();
            assert_eq!(lines.len(), 2);
            assert!(lines.contains(&0) && lines.contains(&1));
        }
    }

    #[tokio::test]
    async fn an_order_placed_again_under_its_seed_is_the_same_order() {
        for (store, _directory) in stores().await {
            let (customer, line) = ready(&store).await;
            let seed = Uuid::from_u128(0x5eed);
            let command =
                PlaceOrder { customer, seed, billing_cycle: BillingCycle::Monthly, lines: vec![line.clone()] };
            let placed = store.execute(&ada(), &command, &at(0)).await.unwrap();
            assert_eq!(store.execute(&ada(), &command, &at(600)).await.unwrap(), placed);
            assert_eq!(number(&store, "SELECT count(*) FROM commerce_order").await, 1);
            let plan = AskedLine { item: "DZH318Z0BPS6:0001:X".to_owned(), ..line };
            let plan = AskedLine { quantity: 1, billing_cycle: "one_time".to_owned(), subscription: None, ..plan };
            let command = PlaceOrder {
                customer,
                seed: Uuid::from_u128(2),
                billing_cycle: BillingCycle::OneTime,
                lines: vec![plan],
            };
            let refused = store.execute(&ada(), &command, &at(0)).await;
            assert!(matches!(refused, Err(ExecuteError::Refused(Refusal::OrderLine { line: 0, .. }))), "{refused:?}");
            // Nothing of a refused order is left but its record.
            assert_eq!(number(&store, "SELECT count(*) FROM entitlement").await, 2);
        }
    }
}
