//! Reservation orders and reservations: loads, answers, statements.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Permit;
use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{CustomerId, ReservationOrderId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::{BoughtBy, Buyer, UnitPrices};
use fullmakt_domain::placement::Purchased;
use fullmakt_domain::reservation::{
    AppliedScope, DisplayName, GetReservationOrder, ListReservationOrders, OrderWithReservations, Reservation,
    ReservationOrder, ReservationState,
};

use crate::db::{Tx, on};
use crate::door::Answer;
use crate::row::{Fault, instant, instant_optional, known, micros, parsed};

#[derive(serde::Deserialize)]
struct OrderRow {
    customer_id: String,
    reservation_order_id: String,
    partner_id: String,
    order_id: String,
    line_number: i64,
    subscription_id: String,
    display_name: String,
    sku: String,
    region: String,
    resource_type: String,
    term: String,
    billing_plan: String,
    original_quantity: i64,
    currency: String,
    list_unit_e6: i64,
    partner_unit_e6: i64,
    customer_unit_e6: i64,
    requested_at: i64,
    starts_at: i64,
    expires_at: i64,
    state: String,
    etag: i64,
    bought_by: String,
    buyer_id: String,
    buyer_name: String,
}

fn display_name(text: &str) -> Result<DisplayName, Fault> {
    known("display name", text, DisplayName::parse(text).ok())
}

fn quantity(stored: i64) -> Result<Quantity, Fault> {
    Quantity::new(stored).map_err(|_| Fault::Damaged { what: "quantity", value: stored.to_string() })
}

impl OrderRow {
    fn order(self) -> Result<ReservationOrder, Fault> {
        let currency = known("currency", &self.currency, Currency::parse(&self.currency).ok())?;
        let money = |amount_e6| Money { amount_e6, currency };
        Ok(ReservationOrder {
            id: parsed("reservation order id", &self.reservation_order_id)?,
            customer: parsed("customer id", &self.customer_id)?,
            partner: parsed("partner id", &self.partner_id)?,
            order: known("order id", &self.order_id, fullmakt_domain::ids::OrderId::parse(&self.order_id).ok())?,
            line: self.line_number,
            subscription: parsed("subscription id", &self.subscription_id)?,
            display_name: display_name(&self.display_name)?,
            sku: known("sku", &self.sku, SkuName::parse(&self.sku).ok())?,
            region: known("region", &self.region, Region::parse(&self.region).ok())?,
            resource_type: known(
                "resource type",
                &self.resource_type,
                ReservedResourceType::parse(&self.resource_type).ok(),
            )?,
            term: known("term", &self.term, Term::parse(&self.term).ok())?,
            plan: known("billing plan", &self.billing_plan, BillingPlan::parse(&self.billing_plan).ok())?,
            quantity: quantity(self.original_quantity)?,
            prices: UnitPrices {
                list: money(self.list_unit_e6),
                partner: money(self.partner_unit_e6),
                customer: money(self.customer_unit_e6),
            },
            requested_at: instant(self.requested_at)?,
            starts_at: instant(self.starts_at)?,
            expires_at: instant(self.expires_at)?,
            state: known("state", &self.state, ReservationState::parse(&self.state))?,
            etag: self.etag,
            buyer: Buyer {
                side: known("buyer", &self.bought_by, BoughtBy::parse(&self.bought_by))?,
                id: parsed("principal id", &self.buyer_id)?,
                name: self.buyer_name,
            },
        })
    }
}

#[derive(serde::Deserialize)]
struct ReservationRow {
    reservation_order_id: String,
    reservation_id: String,
    display_name: String,
    quantity: i64,
    applied_scope: Option<String>,
    instance_flexibility: String,
    renew: i64,
    archived: i64,
    state: String,
    etag: i64,
    review_at: Option<i64>,
    updated_at: i64,
}

impl ReservationRow {
    fn reservation(self) -> Result<Reservation, Fault> {
        let scope = match &self.applied_scope {
            None => AppliedScope::Shared,
            Some(text) => AppliedScope::Single(known("scope", text, ArmScope::parse(text).ok())?),
        };
        Ok(Reservation {
            id: parsed("reservation id", &self.reservation_id)?,
            order: parsed("reservation order id", &self.reservation_order_id)?,
            display_name: display_name(&self.display_name)?,
            quantity: quantity(self.quantity)?,
            scope,
            instance_flexibility: self.instance_flexibility == "On",
            renew: self.renew != 0,
            archived: self.archived != 0,
            state: known("state", &self.state, ReservationState::parse(&self.state))?,
            etag: self.etag,
            review_at: instant_optional(self.review_at)?,
            updated_at: instant(self.updated_at)?,
        })
    }
}

/// One order of a customer with its reservations, oldest first.
pub(crate) async fn load(
    customer: CustomerId,
    id: ReservationOrderId,
    tx: &mut Tx<'_>,
) -> Result<Option<OrderWithReservations>, Fault> {
    let row: Option<OrderRow> = on!(tx, conn => sqlx::query_as(
        "SELECT customer_id, reservation_order_id, partner_id, order_id, line_number, subscription_id, display_name, sku,
                region, resource_type, term, billing_plan, original_quantity, currency, list_unit_e6, partner_unit_e6,
                customer_unit_e6, requested_at, starts_at, expires_at, state, etag, bought_by, buyer_id, buyer_name
         FROM reservation_order WHERE customer_id = $1 AND reservation_order_id = $2")
        .bind(customer.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
    let Some(row) = row else { return Ok(None) };
    let reservations: Vec<ReservationRow> = on!(tx, conn => sqlx::query_as(
        "SELECT reservation_order_id, reservation_id, display_name, quantity, applied_scope, instance_flexibility, renew,
                archived, state, etag, review_at, updated_at
         FROM reservation WHERE customer_id = $1 AND reservation_order_id = $2 ORDER BY updated_at, reservation_id")
        .bind(customer.to_string()).bind(id.to_string()).fetch_all(conn).await)?;
    let reservations = reservations.into_iter().map(ReservationRow::reservation).collect::<Result<_, _>>()?;
    Ok(Some(OrderWithReservations { order: row.order()?, reservations }))
}

/// What a purchase with this identifier brought about, if there was one.
pub(crate) async fn load_purchased(
    customer: CustomerId,
    id: ReservationOrderId,
    tx: &mut Tx<'_>,
) -> Result<Option<Purchased>, Fault> {
    let found = load(customer, id, tx).await?;
    Ok(found.and_then(|found| {
        let reservation = found.reservations.into_iter().next()?;
        Some(Purchased { order: found.order, reservation })
    }))
}

/// All orders of a customer with their reservations, oldest first.
pub(crate) async fn list(customer: CustomerId, tx: &mut Tx<'_>) -> Result<Vec<OrderWithReservations>, Fault> {
    let orders: Vec<OrderRow> = on!(tx, conn => sqlx::query_as(
        "SELECT customer_id, reservation_order_id, partner_id, order_id, line_number, subscription_id, display_name, sku,
                region, resource_type, term, billing_plan, original_quantity, currency, list_unit_e6, partner_unit_e6,
                customer_unit_e6, requested_at, starts_at, expires_at, state, etag, bought_by, buyer_id, buyer_name
         FROM reservation_order WHERE customer_id = $1 ORDER BY requested_at, reservation_order_id")
        .bind(customer.to_string()).fetch_all(conn).await)?;
    let reservations: Vec<ReservationRow> = on!(tx, conn => sqlx::query_as(
        "SELECT reservation_order_id, reservation_id, display_name, quantity, applied_scope, instance_flexibility, renew,
                archived, state, etag, review_at, updated_at
         FROM reservation WHERE customer_id = $1 ORDER BY updated_at, reservation_id")
        .bind(customer.to_string()).fetch_all(conn).await)?;
    let mut reservations: Vec<Reservation> =
        reservations.into_iter().map(ReservationRow::reservation).collect::<Result<_, _>>()?;
    orders
        .into_iter()
        .map(|row| {
            let order = row.order()?;
            let (own, others) = reservations.drain(..).partition(|r: &Reservation| r.order == order.id);
            reservations = others;
            Ok(OrderWithReservations { order, reservations: own })
        })
        .collect()
}

impl Answer for GetReservationOrder {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<OrderWithReservations>, Fault> {
        load(permit.customer(), self.order, tx).await
    }
}

impl Answer for ListReservationOrders {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<OrderWithReservations>, Fault> {
        let mut found = Vec::new();
        for customer in crate::facts::customers_with_orders(permit, tx).await? {
            let facts = crate::facts::of_customer(permit.actor(), customer, tx).await?;
            let orders = list(customer, tx).await?;
            found.extend(orders.into_iter().filter(|o| facts.may_read_order(&o.order)));
        }
        found.sort_by_key(|o| (o.order.requested_at, o.order.id));
        Ok(found)
    }
}

/// Writes a reservation order.
pub(crate) async fn insert_order(customer: CustomerId, order: &ReservationOrder, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO reservation_order
           (customer_id, reservation_order_id, partner_id, order_id, line_number, subscription_id, display_name, sku,
            region, resource_type, term, billing_plan, original_quantity, currency, list_unit_e6, partner_unit_e6,
            customer_unit_e6, requested_at, starts_at, expires_at, state, etag, bought_by, buyer_id, buyer_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25)")
        .bind(customer.to_string())
        .bind(order.id.to_string())
        .bind(order.partner.to_string())
        .bind(order.order.as_str())
        .bind(order.line)
        .bind(order.subscription.to_string())
        .bind(order.display_name.as_str())
        .bind(order.sku.as_str())
        .bind(order.region.as_str())
        .bind(order.resource_type.name())
        .bind(order.term.code())
        .bind(order.plan.name())
        .bind(order.quantity.instances())
        .bind(order.prices.currency().to_string())
        .bind(order.prices.list.amount_e6)
        .bind(order.prices.partner.amount_e6)
        .bind(order.prices.customer.amount_e6)
        .bind(micros(order.requested_at))
        .bind(micros(order.starts_at))
        .bind(micros(order.expires_at))
        .bind(order.state.name())
        .bind(order.etag)
        .bind(order.buyer.side.name())
        .bind(order.buyer.id.to_string())
        .bind(&order.buyer.name)
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Writes what can change of a reservation order.
pub(crate) async fn update_order(customer: CustomerId, order: &ReservationOrder, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "UPDATE reservation_order SET display_name = $3, state = $4, etag = $5
         WHERE customer_id = $1 AND reservation_order_id = $2")
        .bind(customer.to_string())
        .bind(order.id.to_string())
        .bind(order.display_name.as_str())
        .bind(order.state.name())
        .bind(order.etag)
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Writes a reservation.
pub(crate) async fn insert(customer: CustomerId, reservation: &Reservation, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO reservation
           (customer_id, reservation_order_id, reservation_id, display_name, quantity, scope_type, applied_scope,
            instance_flexibility, renew, archived, state, etag, review_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
        .bind(customer.to_string())
        .bind(reservation.order.to_string())
        .bind(reservation.id.to_string())
        .bind(reservation.display_name.as_str())
        .bind(reservation.quantity.instances())
        .bind(reservation.scope.type_name())
        .bind(reservation.scope.scope().map(ToString::to_string))
        .bind(if reservation.instance_flexibility { "On" } else { "Off" })
        .bind(i64::from(reservation.renew))
        .bind(i64::from(reservation.archived))
        .bind(reservation.state.name())
        .bind(reservation.etag)
        .bind(reservation.review_at.map(micros))
        .bind(micros(reservation.updated_at))
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Writes what can change of a reservation.
pub(crate) async fn update(customer: CustomerId, reservation: &Reservation, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "UPDATE reservation SET display_name = $4, scope_type = $5, applied_scope = $6, instance_flexibility = $7,
                renew = $8, etag = $9, review_at = $10, updated_at = $11, quantity = $12, archived = $13, state = $14
         WHERE customer_id = $1 AND reservation_order_id = $2 AND reservation_id = $3")
        .bind(customer.to_string())
        .bind(reservation.order.to_string())
        .bind(reservation.id.to_string())
        .bind(reservation.display_name.as_str())
        .bind(reservation.scope.type_name())
        .bind(reservation.scope.scope().map(ToString::to_string))
        .bind(if reservation.instance_flexibility { "On" } else { "Off" })
        .bind(i64::from(reservation.renew))
        .bind(reservation.etag)
        .bind(reservation.review_at.map(micros))
        .bind(micros(reservation.updated_at))
        .bind(reservation.quantity.instances())
        .bind(i64::from(reservation.archived))
        .bind(reservation.state.name())
        .execute(conn).await.map(drop))?;
    Ok(())
}
