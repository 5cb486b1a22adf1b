//! Commercial orders: loads, answers, statements.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Permit;
use fullmakt_domain::basket::Basis;
use fullmakt_domain::catalog::Term;
use fullmakt_domain::catalog_item::CatalogItemId;
use fullmakt_domain::ids::{CustomerId, OrderId, PartnerId, PrincipalId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::{
    BillingCycle, BoughtBy, BoughtReservation, BrowseOrders, Buyer, GetOrder, ListBoughtReservations, ListOrders,
    Order, OrderLine, OrderStatus, OrderedItem, OrdersFound, PlaceOrder, PlaceOrderState, UnitPrices,
};
use fullmakt_domain::role;
use fullmakt_domain::role_assignment::PrincipalType;

use crate::db::Tx;
use crate::door::{Answer, Load};
use crate::row::{Fault, instant, known, micros, money, parsed};
use crate::statement::{query, query_as};
use crate::{catalog, customer, entitlement, price_rule, purchase, reservation};

#[derive(serde::Deserialize)]
struct OrderRow {
    order_id: String,
    placed_at: i64,
    billing_cycle: String,
    currency: String,
    status: String,
    bought_by: String,
    buyer_id: String,
    buyer_name: String,
}

impl OrderRow {
    fn order(self, customer: CustomerId, partner: PartnerId) -> Result<Order, Fault> {
        Ok(Order {
            id: known("order id", &self.order_id, OrderId::parse(&self.order_id).ok())?,
            customer,
            partner,
            placed_at: instant(self.placed_at)?,
            billing_cycle: known("billing cycle", &self.billing_cycle, BillingCycle::parse(&self.billing_cycle))?,
            currency: known("currency", &self.currency, Currency::parse(&self.currency).ok())?,
            status: known("order status", &self.status, OrderStatus::parse(&self.status))?,
            buyer: Buyer {
                side: known("buyer", &self.bought_by, BoughtBy::parse(&self.bought_by))?,
                id: parsed("principal id", &self.buyer_id)?,
                name: self.buyer_name,
            },
            lines: Vec::new(),
        })
    }
}

#[derive(serde::Deserialize)]
struct LineRow {
    order_id: String,
    line_number: i64,
    kind: String,
    catalog_item_id: String,
    name: String,
    quantity: i64,
    term: Option<String>,
    list_unit_e6: i64,
    partner_unit_e6: i64,
    customer_unit_e6: i64,
    subscription_id: Option<String>,
    entitlement_id: Option<String>,
    reservation_order_id: Option<String>,
}

impl LineRow {
    fn line(self, currency: Currency) -> Result<OrderLine, Fault> {
        let money = |amount_e6| Money { amount_e6, currency };
        let entitlement = || parsed("entitlement id", self.entitlement_id.as_deref().unwrap_or_default());
        let item = match self.kind.as_str() {
            "reservation" => {
                let term = self.term.as_deref().unwrap_or_default();
                OrderedItem::Reservation {
                    reservation_order: parsed(
                        "reservation order id",
                        self.reservation_order_id.as_deref().unwrap_or_default(),
                    )?,
                    subscription: parsed("subscription id", self.subscription_id.as_deref().unwrap_or_default())?,
                    term: known("term", term, Term::parse(term).ok())?,
                }
            }
            "azure-plan" => OrderedItem::AzurePlan { entitlement: entitlement()? },
            "azure-global" => OrderedItem::AzureGlobal { entitlement: entitlement()? },
            _ => return Err(Fault::Damaged { what: "kind of an order line", value: self.kind }),
        };
        Ok(OrderLine {
            number: self.line_number,
            item,
            catalog_item: known("item", &self.catalog_item_id, CatalogItemId::parse(&self.catalog_item_id).ok())?,
            name: self.name,
            quantity: self.quantity,
            prices: UnitPrices {
                list: money(self.list_unit_e6),
                partner: money(self.partner_unit_e6),
                customer: money(self.customer_unit_e6),
            },
        })
    }
}

/// One order of a customer that a partner is billed for.
pub(crate) async fn load(
    customer: CustomerId,
    partner: PartnerId,
    id: &OrderId,
    tx: &mut Tx<'_>,
) -> Result<Option<Order>, Fault> {
    let row: Option<OrderRow> = query_as(
        "SELECT order_id, placed_at, billing_cycle, currency, status, bought_by, buyer_id, buyer_name
         FROM commerce_order WHERE customer_id = $1 AND partner_id = $2 AND order_id = $3",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(id.as_str())
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut order = row.order(customer, partner)?;
    let lines = lines_of(customer, id.as_str(), tx).await?;
    order.lines = lines.into_iter().map(|line| line.line(order.currency)).collect::<Result<_, _>>()?;
    Ok(Some(order))
}

/// The orders of a customer that a partner is billed for, newest first.
pub(crate) async fn list(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Vec<Order>, Fault> {
    let rows: Vec<OrderRow> = query_as(
        "SELECT order_id, placed_at, billing_cycle, currency, status, bought_by, buyer_id, buyer_name
         FROM commerce_order WHERE customer_id = $1 AND partner_id = $2 ORDER BY placed_at DESC, order_id",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .fetch_all(tx)
    .await?;
    let lines: Vec<LineRow> = query_as(
        "SELECT l.order_id, l.line_number, l.kind, l.catalog_item_id, l.name, l.quantity, l.term, l.list_unit_e6,
                l.partner_unit_e6, l.customer_unit_e6, l.subscription_id, l.entitlement_id, l.reservation_order_id
         FROM order_line l JOIN commerce_order o ON o.customer_id = l.customer_id AND o.order_id = l.order_id
         WHERE l.customer_id = $1 AND o.partner_id = $2 ORDER BY o.placed_at DESC, o.order_id, l.line_number",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .fetch_all(tx)
    .await?;
    with_lines(rows, lines, customer, partner)
}

/// Orders with their lines; both lists are in the same order.
fn with_lines(
    rows: Vec<OrderRow>,
    lines: Vec<LineRow>,
    customer: CustomerId,
    partner: PartnerId,
) -> Result<Vec<Order>, Fault> {
    let mut lines = lines.into_iter().peekable();
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows {
        let mut order = row.order(customer, partner)?;
        while let Some(line) = lines.next_if(|line| line.order_id == order.id.as_str()) {
            order.lines.push(line.line(order.currency)?);
        }
        orders.push(order);
    }
    Ok(orders)
}

/// Which orders of a customer [`BrowseOrders`] looks for: the first five values are the same in each of its statements.
const WANTED: &str = "o.partner_id = $2 AND ($3 = '' OR o.bought_by = $3)
       AND ($4 = '' OR o.status = $4)
       AND ($5 = '' OR substr(o.order_id, 1, length($5)) = $5 OR substr(o.order_id, 21, length($5)) = $5
            OR EXISTS (SELECT 1 FROM order_line w WHERE w.customer_id = o.customer_id AND w.order_id = o.order_id
                         AND replace(lower(w.name), $5, '') <> lower(w.name)))";

impl Answer for BrowseOrders {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<OrdersFound, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let sums = format!(
            "SELECT o.currency, count(DISTINCT o.order_id), count(DISTINCT CASE WHEN o.status <> $6 THEN o.order_id END),
                    CAST(coalesce(sum(CASE WHEN o.status <> $6 THEN l.customer_unit_e6 * l.quantity END), 0) AS BIGINT)
             FROM commerce_order o LEFT JOIN order_line l ON l.customer_id = o.customer_id AND l.order_id = o.order_id
             WHERE o.customer_id = $1 AND {WANTED} GROUP BY o.currency ORDER BY o.currency"
        );
        let sums: Vec<(String, i64, i64, i64)> = query_as(sums)
            .bind(customer.to_string())
            .bind(partner.to_string())
            .bind(self.side.map_or("", BoughtBy::name))
            .bind(self.status.map_or("", OrderStatus::name))
            .bind(&self.search)
            .bind(OrderStatus::Cancelled.name())
            .fetch_all(tx)
            .await?;
        let page = format!(
            "SELECT o.order_id, o.placed_at, o.billing_cycle, o.currency, o.status, o.bought_by, o.buyer_id, o.buyer_name
             FROM commerce_order o WHERE o.customer_id = $1 AND {WANTED}
             ORDER BY o.placed_at DESC, o.order_id LIMIT $6 OFFSET $7"
        );
        let rows: Vec<OrderRow> = query_as(page)
            .bind(customer.to_string())
            .bind(partner.to_string())
            .bind(self.side.map_or("", BoughtBy::name))
            .bind(self.status.map_or("", OrderStatus::name))
            .bind(&self.search)
            .bind(i64::from(self.size))
            .bind(i64::from(self.skip))
            .fetch_all(tx)
            .await?;
        let mut orders = Vec::with_capacity(rows.len());
        for row in rows {
            let lines = lines_of(customer, &row.order_id, tx).await?;
            orders.extend(with_lines(vec![row], lines, customer, partner)?);
        }
        let standing = sums.iter().filter(|(_, _, standing, _)| *standing > 0);
        let totals = standing.map(|(currency, _, _, amount)| money(*amount, currency)).collect::<Result<_, _>>()?;
        Ok(OrdersFound { orders, count: sums.iter().map(|(_, count, _, _)| count).sum(), totals })
    }
}

/// The lines of an order, in order.
async fn lines_of(customer: CustomerId, order: &str, tx: &mut Tx<'_>) -> Result<Vec<LineRow>, Fault> {
    query_as(
        "SELECT order_id, line_number, kind, catalog_item_id, name, quantity, term, list_unit_e6, partner_unit_e6,
                customer_unit_e6, subscription_id, entitlement_id, reservation_order_id
         FROM order_line WHERE customer_id = $1 AND order_id = $2 ORDER BY line_number",
    )
    .bind(customer.to_string())
    .bind(order)
    .fetch_all(tx)
    .await
}

/// What the lines of a partner's purchase are checked against.
pub(crate) async fn basis(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Basis, Fault> {
    let (contact, country) = purchase::parties(customer, partner, tx).await?;
    let entitlements = entitlement::list(customer, partner, tx).await?;
    let mut subscriptions = Vec::new();
    for entitlement in &entitlements {
        subscriptions.extend(entitlement::subscriptions(customer, entitlement.id, tx).await?);
    }
    let agreed = customer::load(customer, partner, tx).await?;
    Ok(Basis {
        partner: contact,
        country,
        agreement_confirmed: agreed.is_some_and(|customer| customer.agreement_confirmed_at.is_some()),
        catalog: catalog::in_force(tx).await?,
        rules: price_rule::for_customer(partner, customer, tx).await?,
        entitlements,
        subscriptions,
        owners: owners(customer, tx).await?,
    })
}

/// The customer's own principals that are Owner of anything, and of what.
async fn owners(customer: CustomerId, tx: &mut Tx<'_>) -> Result<Vec<(PrincipalId, PrincipalType, ArmScope)>, Fault> {
    let rows: Vec<(String, String, String)> = query_as(
        "SELECT principal_id, principal_type, scope FROM role_assignment
         WHERE customer_id = $1 AND role_definition_id = $2 AND principal_type <> 'ForeignGroup'
         ORDER BY principal_id",
    )
    .bind(customer.to_string())
    .bind(role::OWNER.to_string())
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|(id, kind, scope)| {
            Ok((
                parsed("principal id", &id)?,
                known("principal type", &kind, PrincipalType::parse(&kind))?,
                known("scope", &scope, ArmScope::parse(&scope).ok())?,
            ))
        })
        .collect()
}

impl Load for PlaceOrder {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<PlaceOrderState, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        Ok(PlaceOrderState {
            existing: load(customer, partner, &OrderId::from_uuid(self.seed), tx).await?,
            basis: basis(customer, partner, tx).await?,
        })
    }
}

impl Answer for ListOrders {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<Order>, Fault> {
        list(permit.customer(), permit.partner(), tx).await
    }
}

impl Answer for GetOrder {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Order>, Fault> {
        load(permit.customer(), permit.partner(), &self.order, tx).await
    }
}

impl Answer for ListBoughtReservations {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<BoughtReservation>, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let mut items: Vec<(String, i64, String)> = query_as(
            "SELECT order_id, line_number, catalog_item_id FROM order_line
             WHERE customer_id = $1 AND kind = 'reservation' ORDER BY order_id, line_number",
        )
        .bind(customer.to_string())
        .fetch_all(tx)
        .await?;
        items.sort();
        let mut found = Vec::new();
        for bought in reservation::list(customer, tx).await? {
            if bought.order.partner != partner {
                continue;
            }
            let key = (bought.order.order.as_str(), bought.order.line);
            let at = items.binary_search_by(|(order, line, _)| (order.as_str(), *line).cmp(&key)).ok();
            let item = at.and_then(|at| items.get(at)).map(|(_, _, item)| item.as_str()).unwrap_or_default();
            found.push(BoughtReservation {
                catalog_item: known("item", item, CatalogItemId::parse(item).ok())?,
                bought,
            });
        }
        Ok(found)
    }
}

/// Notes that all of an order was given back.
pub(crate) async fn cancel(customer: CustomerId, id: &OrderId, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query("UPDATE commerce_order SET status = 'cancelled' WHERE customer_id = $1 AND order_id = $2")
        .bind(customer.to_string())
        .bind(id.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

/// Writes an order with its lines.
pub(crate) async fn insert(customer: CustomerId, order: &Order, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query(
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
        .execute(tx).await?;
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
        query(
            "INSERT INTO order_line
               (customer_id, order_id, line_number, kind, catalog_item_id, name, quantity, term, list_unit_e6,
                partner_unit_e6, customer_unit_e6, subscription_id, entitlement_id, reservation_order_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
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
        .execute(tx)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::cancellation::CancelOrder;
    use fullmakt_domain::order::{BrowseReservations, GetBoughtOrder, Stage};
    use fullmakt_domain::reservation::EXPIRING;
    use jiff::{SignedDuration, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, actor, bought, buys, request, stores};

    #[tokio::test]
    async fn r17_what_is_cancelled_is_found_and_not_among_what_is_to_be_paid() {
        let (ada, olle) = (actor(ADA, PARTNER), actor(OLLE, CUSTOMER));
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        for (store, _directory) in stores().await {
            bought(&store).await;
            buys(&store, &olle, "44444444-4444-4444-8444-444444444445").await;
            let any = BrowseOrders { customer, side: None, status: None, search: String::new(), skip: 0, size: 10 };
            let cancelled = BrowseOrders { status: Some(OrderStatus::Cancelled), ..any.clone() };
            let found = async |asked: &BrowseOrders| {
                let found = store.read(&ada, asked).await.unwrap();
                (found.count, found.totals.iter().map(ToString::to_string).collect::<Vec<_>>())
            };
            assert_eq!(found(&any).await, (2, vec!["4000.00 EUR".to_owned()]));
            let order = store.read(&ada, &any).await.unwrap().orders[0].id.clone();
            let cancel = CancelOrder { customer, order, session: Uuid::from_u128(0x9) };
            store.execute(&ada, &cancel, &request()).await.unwrap();
            assert_eq!(found(&any).await, (2, vec!["2000.00 EUR".to_owned()]));
            assert_eq!(found(&cancelled).await, (1, vec![]));
        }
    }

    #[tokio::test]
    async fn r17_orders_and_reservations_are_searched_counted_and_cut_into_pages() {
        let (ada, olle) = (actor(ADA, PARTNER), actor(OLLE, CUSTOMER));
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        for (store, _directory) in stores().await {
            let first = bought(&store).await;
            buys(&store, &olle, "44444444-4444-4444-8444-444444444445").await;
            buys(&store, &olle, "44444444-4444-4444-8444-444444444446").await;
            let all = store.read(&ada, &ListOrders { customer }).await.unwrap();
            assert_eq!(all.len(), 3);
            let any = BrowseOrders { customer, side: None, status: None, search: String::new(), skip: 0, size: 10 };
            let found = store.read(&ada, &any).await.unwrap();
            assert_eq!((&found.orders, found.count), (&all, 3));
            assert_eq!(found.totals.iter().map(ToString::to_string).collect::<Vec<_>>(), ["6000.00 EUR"]);
            let number = all[1].id.as_str().to_owned();
            for (asked, count, orders) in [
                (BrowseOrders { skip: 2, ..any.clone() }, 3, &all[2..]),
                (BrowseOrders { size: 1, ..any.clone() }, 3, &all[..1]),
                (BrowseOrders { search: "standard_d2S_v5".to_lowercase(), ..any.clone() }, 3, &all[..]),
                (BrowseOrders { search: number, ..any.clone() }, 1, &all[1..2]),
                (BrowseOrders { search: "' or 1=1".to_owned(), ..any.clone() }, 0, &[]),
                (BrowseOrders { status: Some(OrderStatus::Cancelled), ..any.clone() }, 0, &[]),
            ] {
                let found = store.read(&ada, &asked).await.unwrap();
                assert_eq!((found.orders.as_slice(), found.count), (orders, count), "{asked:?}");
            }
            for (side, count) in [(BoughtBy::Customer, 3), (BoughtBy::Partner, 0)] {
                let asked = BrowseOrders { side: Some(side), ..any.clone() };
                assert_eq!(store.read(&ada, &asked).await.unwrap().count, count, "{side:?}");
            }

            let now = request().now;
            let any = BrowseReservations {
                customer,
                side: None,
                stage: None,
                search: String::new(),
                hidden: false,
                now,
                skip: 0,
                size: 10,
            };
            let end = first.order.expires_at;
            let late = end.checked_sub(EXPIRING).unwrap();
            let before = late.checked_sub(SignedDuration::from_secs(1)).unwrap();
            let id = first.reservation.id.to_string();
            let at = |stage, now: Timestamp| BrowseReservations { stage: Some(stage), now, ..any.clone() };
            for (asked, count) in [
                (any.clone(), 3),
                (BrowseReservations { size: 2, ..any.clone() }, 2),
                (BrowseReservations { skip: 2, ..any.clone() }, 1),
                (BrowseReservations { side: Some(BoughtBy::Customer), ..any.clone() }, 3),
                (BrowseReservations { side: Some(BoughtBy::Partner), ..any.clone() }, 0),
                (BrowseReservations { search: "sweden c".to_owned(), ..any.clone() }, 3),
                (BrowseReservations { search: "virtual".to_owned(), ..any.clone() }, 3),
                (BrowseReservations { search: id, ..any.clone() }, 1),
                (BrowseReservations { search: "nothing".to_owned(), ..any.clone() }, 0),
                // As the phases go, to the second.
                (at(Stage::Live, before), 3),
                (at(Stage::Expiring, before), 0),
                (at(Stage::Expiring, late), 3),
                (at(Stage::Live, late), 3),
                (at(Stage::Expired, late), 0),
                (at(Stage::Expired, end), 3),
                (at(Stage::Live, end), 0),
                (at(Stage::Ended, end), 0),
            ] {
                let found = store.read(&ada, &asked).await.unwrap();
                assert_eq!(found.reservations.len(), count, "{asked:?}");
                assert!(found.reservations.iter().all(|found| found.reservations.len() == 1), "{found:?}");
                assert_eq!(found.more, asked.size == 2, "{asked:?}");
            }
            let one = GetBoughtOrder { customer, order: first.order.id };
            let one = store.read(&ada, &one).await.unwrap().unwrap();
            assert_eq!((one.order, one.reservations), (first.order, vec![first.reservation]));
            assert!(store.read(&olle, &any).await.is_err());
        }
    }
}
