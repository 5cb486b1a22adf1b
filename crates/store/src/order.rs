//! Commercial orders: loads, answers, statements.

use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::order::{Order, OrderedItem};

use crate::db::{Tx, on};
use crate::row::{Fault, micros};

/// Writes an order with its lines.
pub(crate) async fn insert(customer: CustomerId, order: &Order, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO commerce_order
           (customer_id, order_id, partner_id, placed_at, billing_cycle, currency, status, bought_by, buyer_id, buyer_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(customer.to_string())
        .bind(order.id.as_str())
        .bind(order.partner.to_string())
        .bind(micros(order.placed_at))
        .bind(order.billing_cycle.name())
        .bind(order.currency.to_string())
        .bind(order.status.name())
        .bind(order.buyer.side.name())
        .bind(order.buyer.id.to_string())
        .bind(&order.buyer.name)
        .execute(conn).await.map(drop))?;
    for line in &order.lines {
        let (kind, term, subscription, entitlement, reservation_order) = match &line.item {
            OrderedItem::Reservation { reservation_order, subscription, term } => (
                "reservation",
                Some(term.code()),
                Some(subscription.to_string()),
                None,
                Some(reservation_order.to_string()),
            ),
            OrderedItem::AzurePlan { entitlement } => ("azure-plan", None, None, Some(entitlement.to_string()), None),
            OrderedItem::AzureGlobal { entitlement } => {
                ("azure-global", None, None, Some(entitlement.to_string()), None)
            }
        };
        on!(tx, conn => sqlx::query(
            "INSERT INTO order_line
               (customer_id, order_id, line_number, kind, catalog_item_id, name, quantity, term, list_unit_e6,
                partner_unit_e6, customer_unit_e6, subscription_id, entitlement_id, reservation_order_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
            .bind(customer.to_string())
            .bind(order.id.as_str())
            .bind(line.number)
            .bind(kind)
            .bind(line.catalog_item.to_string())
            .bind(&line.name)
            .bind(line.quantity)
            .bind(term)
            .bind(line.prices.list.amount_e6)
            .bind(line.prices.partner.amount_e6)
            .bind(line.prices.customer.amount_e6)
            .bind(subscription)
            .bind(entitlement)
            .bind(reservation_order)
            .execute(conn).await.map(drop))?;
    }
    Ok(())
}
