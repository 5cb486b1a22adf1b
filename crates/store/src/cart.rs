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

#[derive(sqlx::FromRow)]
struct CartRow {
    status: String,
    created_at: i64,
    changed_at: i64,
    changed_by: String,
    ordered_by: Option<String>,
}

#[derive(sqlx::FromRow)]
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
