//! Reservation orders and reservations: loads, answers, statements.

use std::collections::BTreeMap;

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::{Permit, ReadableOrders};
use fullmakt_domain::catalog::{BillingPlan, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{CustomerId, ReservationId, ReservationOrderId, SubscriptionId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::{
    BoughtBy, BrowseReservations, Buyer, GetBoughtOrder, ListBoughtRevisions, ReservationsFound, Stage, UnitPrices,
};
use fullmakt_domain::placement::Purchased;
use fullmakt_domain::reservation::{
    AppliedScope, BrowseOwnReservations, EXPIRING, Ending, GetReservationOrder, Lineage, ListReservationOrders,
    OrderWithReservations, OwnReservations, RenewalTerms, Reservation, ReservationOrder, ReservationState,
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::customer::cut;
use crate::db::Tx;
use crate::door::Answer;
use crate::row::{Fault, instant, instant_optional, known, micros, parsed, parsed_optional};
use crate::statement::{Query, query, query_as};
use crate::stored::{StoredWish, display_name, from_json, quantity, scope, to_json};

#[derive(serde::Deserialize)]
pub(crate) struct OrderRow {
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

impl OrderRow {
    pub(crate) fn order(self) -> Result<ReservationOrder, Fault> {
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
    ending: Option<String>,
    split_from: Option<String>,
    merged_into: Option<String>,
    renewed_from: Option<String>,
    renewed_as: Option<String>,
    renewal_terms: Option<String>,
    first_used_at: Option<i64>,
    created_at: i64,
    changed_on_side: String,
    changed_by: String,
    changed_by_name: String,
}

/// A reservation of another order, as it is stored.
fn elsewhere(text: Option<&str>) -> Result<Option<(ReservationOrderId, ReservationId)>, Fault> {
    let Some(text) = text else { return Ok(None) };
    let (order, reservation) = known("reservation of another order", text, text.split_once('/'))?;
    Ok(Some((parsed("reservation order id", order)?, parsed("reservation id", reservation)?)))
}

fn elsewhere_text(place: Option<(ReservationOrderId, ReservationId)>) -> Option<String> {
    place.map(|(order, reservation)| format!("{order}/{reservation}"))
}

fn renewal_terms(text: &str) -> Result<RenewalTerms, Fault> {
    from_json::<StoredWish>("terms of renewal", text)?.read()
}

impl ReservationRow {
    fn reservation(self) -> Result<Reservation, Fault> {
        let ending = self.ending.as_deref().map(|word| known("ending", word, Ending::parse(word)));
        Ok(Reservation {
            id: parsed("reservation id", &self.reservation_id)?,
            order: parsed("reservation order id", &self.reservation_order_id)?,
            display_name: display_name(&self.display_name)?,
            quantity: quantity(self.quantity)?,
            scope: scope(self.applied_scope.as_deref())?,
            instance_flexibility: self.instance_flexibility == "On",
            renew: self.renew != 0,
            renew_as: self.renewal_terms.as_deref().map(renewal_terms).transpose()?,
            archived: self.archived != 0,
            state: known("state", &self.state, ReservationState::parse(&self.state))?,
            ending: ending.transpose()?,
            lineage: Lineage {
                source: parsed_optional("reservation id", self.split_from.as_deref())?,
                successor: parsed_optional("reservation id", self.merged_into.as_deref())?,
                renewed_from: elsewhere(self.renewed_from.as_deref())?,
                renewed_as: elsewhere(self.renewed_as.as_deref())?,
            },
            etag: self.etag,
            review_at: instant_optional(self.review_at)?,
            first_used_at: instant_optional(self.first_used_at)?,
            created_at: instant(self.created_at)?,
            updated_at: instant(self.updated_at)?,
            changed_by: Buyer {
                side: known("side", &self.changed_on_side, BoughtBy::parse(&self.changed_on_side))?,
                id: parsed("principal id", &self.changed_by)?,
                name: self.changed_by_name,
            },
        })
    }
}

pub(crate) fn asked_order(customer: CustomerId, id: ReservationOrderId) -> Query<OrderRow> {
    query_as(
        "SELECT customer_id, reservation_order_id, partner_id, order_id, line_number, subscription_id, display_name, sku,
                region, resource_type, term, billing_plan, original_quantity, currency, list_unit_e6, partner_unit_e6,
                customer_unit_e6, requested_at, starts_at, expires_at, state, etag, bought_by, buyer_id, buyer_name
         FROM reservation_order WHERE customer_id = $1 AND reservation_order_id = $2",
    )
    .bind(customer.to_string())
    .bind(id.to_string())
}

/// One order of a customer with its reservations, oldest first.
pub(crate) async fn load(
    customer: CustomerId,
    id: ReservationOrderId,
    tx: &mut Tx<'_>,
) -> Result<Option<OrderWithReservations>, Fault> {
    let Some(row) = asked_order(customer, id).fetch_optional(tx).await? else { return Ok(None) };
    let reservations: Vec<ReservationRow> = query_as(
        "SELECT reservation_order_id, reservation_id, display_name, quantity, applied_scope, instance_flexibility, renew,
                archived, state, etag, review_at, updated_at, ending, split_from, merged_into, renewed_from, renewed_as,
                renewal_terms, first_used_at, created_at, changed_on_side, changed_by, changed_by_name
         FROM reservation WHERE customer_id = $1 AND reservation_order_id = $2 ORDER BY created_at, reservation_id")
        .bind(customer.to_string()).bind(id.to_string()).fetch_all(tx).await?;
    let reservations: Vec<Reservation> =
        reservations.into_iter().map(ReservationRow::reservation).collect::<Result<_, _>>()?;
    let subscription_names = names(customer, &reservations, tx).await?;
    Ok(Some(OrderWithReservations { order: row.order()?, reservations, subscription_names }))
}

/// The names of the subscriptions that reservations are applied to.
async fn names(
    customer: CustomerId,
    reservations: &[Reservation],
    tx: &mut Tx<'_>,
) -> Result<BTreeMap<SubscriptionId, String>, Fault> {
    if reservations.iter().all(|r| r.scope == AppliedScope::Shared) {
        return Ok(BTreeMap::new());
    }
    let all = crate::subscription::list(customer, tx).await?;
    Ok(all.into_iter().map(|subscription| (subscription.id, subscription.name)).collect())
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

/// The reservation orders `o` of a customer, found by its commercial orders `c`: those are what is indexed by customer and partner.
macro_rules! orders_of_customer {
    () => {
        "commerce_order c
         JOIN order_line l ON l.customer_id = c.customer_id AND l.order_id = c.order_id
         JOIN reservation_order o ON o.customer_id = l.customer_id AND o.reservation_order_id = l.reservation_order_id"
    };
}
/// The same with their reservations `r`.
macro_rules! reservations_of_customer {
    () => {
        concat!(
            $crate::reservation::orders_of_customer!(),
            " JOIN reservation r ON r.customer_id = o.customer_id AND r.reservation_order_id = o.reservation_order_id"
        )
    };
}
pub(crate) use {orders_of_customer, reservations_of_customer};

/// All orders of a customer with their reservations, oldest first.
pub(crate) async fn list(customer: CustomerId, tx: &mut Tx<'_>) -> Result<Vec<OrderWithReservations>, Fault> {
    let orders: Vec<OrderRow> = query_as(concat!(
        "SELECT o.customer_id, o.reservation_order_id, o.partner_id, o.order_id, o.line_number, o.subscription_id,
                o.display_name, o.sku, o.region, o.resource_type, o.term, o.billing_plan, o.original_quantity, o.currency,
                o.list_unit_e6, o.partner_unit_e6, o.customer_unit_e6, o.requested_at, o.starts_at, o.expires_at, o.state,
                o.etag, o.bought_by, o.buyer_id, o.buyer_name
         FROM ",
        orders_of_customer!(),
        " WHERE c.customer_id = $1 ORDER BY o.requested_at, o.reservation_order_id"))
        .bind(customer.to_string()).fetch_all(tx).await?;
    let reservations: Vec<ReservationRow> = query_as(concat!(
        "SELECT r.reservation_order_id, r.reservation_id, r.display_name, r.quantity, r.applied_scope,
                r.instance_flexibility, r.renew, r.archived, r.state, r.etag, r.review_at, r.updated_at, r.ending,
                r.split_from, r.merged_into, r.renewed_from, r.renewed_as, r.renewal_terms, r.first_used_at, r.created_at,
                r.changed_on_side, r.changed_by, r.changed_by_name
         FROM ",
        reservations_of_customer!(),
        " WHERE c.customer_id = $1 ORDER BY r.created_at, r.reservation_id"))
        .bind(customer.to_string()).fetch_all(tx).await?;
    let reservations: Vec<Reservation> =
        reservations.into_iter().map(ReservationRow::reservation).collect::<Result<_, _>>()?;
    let subscription_names = names(customer, &reservations, tx).await?;
    let mut by_order: BTreeMap<ReservationOrderId, Vec<Reservation>> = BTreeMap::new();
    for reservation in reservations {
        by_order.entry(reservation.order).or_default().push(reservation);
    }
    orders
        .into_iter()
        .map(|row| {
            let order = row.order()?;
            let own = by_order.remove(&order.id).unwrap_or_default();
            Ok(OrderWithReservations { order, reservations: own, subscription_names: subscription_names.clone() })
        })
        .collect()
}

/// A stage as the statement below says it.
fn stage_name(stage: Option<Stage>) -> &'static str {
    match stage {
        None => "",
        Some(Stage::Live) => "live",
        Some(Stage::Expiring) => "expiring",
        Some(Stage::Expired) => "expired",
        Some(Stage::Ended) => "ended",
    }
}

impl Answer for BrowseReservations {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ReservationsFound, Fault> {
        let customer = permit.customer();
        let soon = self.now.checked_add(EXPIRING).unwrap_or(Timestamp::MAX);
        // Regions and kinds are stored without blanks: `swedencentral`, `VirtualMachines`.
        let joined = self.search.replace(' ', "");
        let found: Vec<(String, String)> = query_as(concat!(
            "SELECT r.reservation_order_id, r.reservation_id FROM ",
            reservations_of_customer!(),
            " WHERE c.customer_id = $1 AND c.partner_id = $2 AND ($3 = '' OR o.bought_by = $3)
               AND ($4 = '' OR $4 = CASE WHEN r.ending IS NOT NULL OR r.state = 'cancelled' THEN 'ended'
                                         WHEN r.state = 'expired' OR o.expires_at <= $5 THEN 'expired'
                                         ELSE 'live' END
                    OR ($4 = 'expiring' AND r.ending IS NULL AND r.state = 'succeeded' AND o.starts_at <= $5
                        AND o.expires_at > $5 AND o.expires_at <= $6))
               AND ($7 = 1 OR r.archived = 0)
               AND ($8 = '' OR replace(lower(r.display_name), $8, '') <> lower(r.display_name)
                    OR replace(lower(o.sku), $8, '') <> lower(o.sku) OR r.reservation_id = $8
                    OR replace(o.region, $9, '') <> o.region
                    OR replace(lower(o.resource_type), $9, '') <> lower(o.resource_type))
             ORDER BY o.requested_at DESC, r.reservation_id DESC LIMIT $10 OFFSET $11",
        ))
        .bind(customer.to_string())
        .bind(permit.partner().to_string())
        .bind(self.side.map_or("", BoughtBy::name))
        .bind(stage_name(self.stage))
        .bind(micros(self.now))
        .bind(micros(soon))
        .bind(i64::from(self.hidden))
        .bind(&self.search)
        .bind(joined)
        .bind(i64::from(self.size).saturating_add(1))
        .bind(i64::from(self.skip))
        .fetch_all(tx)
        .await?;
        let (found, more) = cut(found, self.size, false);
        Ok(ReservationsFound { reservations: each(customer, found, tx).await?, more })
    }
}

/// Reservations by the identifiers of order and reservation, each with its order, in which it is the only one.
async fn each(
    customer: CustomerId,
    found: Vec<(String, String)>,
    tx: &mut Tx<'_>,
) -> Result<Vec<OrderWithReservations>, Fault> {
    let mut page = Vec::with_capacity(found.len());
    for (order, reservation) in found {
        let id = parsed("reservation order id", &order)?;
        let reservation: ReservationId = parsed("reservation id", &reservation)?;
        if let Some(mut found) = load(customer, id, tx).await? {
            found.reservations.retain(|own| own.id == reservation);
            page.push(found);
        }
    }
    Ok(page)
}

/// A page of what someone may read of a customer's reservations: order and reservation.
fn readable<A>(permit: &Permit<A>, hidden: bool, skip: u32, rows: i64) -> Query<(String, String)> {
    let (partner, roles) = match permit.facts().readable_orders() {
        ReadableOrders::All(partner) => (partner, None),
        ReadableOrders::ByRole(partner, roles) => (partner, Some(roles)),
    };
    let scopes = ArmScope::ReservationOrder(ReservationOrderId(Uuid::nil())).key();
    let scopes = scopes.strip_suffix(&Uuid::nil().to_string()).unwrap_or_default().to_owned();
    let is_narrowed = roles.is_some();
    // Removing a role's identifier changes the text where the identifier is in it.
    let roles: Vec<String> = roles.into_iter().flatten().map(|role| role.to_string()).collect();
    query_as(concat!(
        "SELECT r.reservation_order_id, r.reservation_id FROM ",
        reservations_of_customer!(),
        " WHERE c.customer_id = $1 AND r.archived = $2 AND (r.ending IS NULL OR r.ending NOT IN ('split', 'merged'))
           AND ($3 = '' OR c.partner_id = $3)
           AND ($4 = 0 OR EXISTS
             (SELECT 1 FROM role_assignment a
              WHERE a.customer_id = $1 AND a.principal_id = $5 AND a.scope_key = $6 || o.reservation_order_id
                AND replace($7, a.role_definition_id, '') <> $7))
         ORDER BY r.created_at DESC, r.reservation_id LIMIT $8 OFFSET $9",
    ))
    .bind(permit.customer().to_string())
    .bind(i64::from(hidden))
    .bind(partner.map(|id| id.to_string()).unwrap_or_default())
    .bind(i64::from(is_narrowed))
    .bind(permit.actor().principal.to_string())
    .bind(scopes)
    .bind(roles.join(" "))
    .bind(rows)
    .bind(i64::from(skip))
}

impl Answer for BrowseOwnReservations {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<OwnReservations, Fault> {
        let rows = i64::from(self.size).saturating_add(1);
        let found = readable(permit, self.hidden, self.skip, rows).fetch_all(tx).await?;
        let (found, more) = cut(found, self.size, false);
        let any_hidden = readable(permit, true, 0, 1).fetch_optional(tx).await?.is_some();
        Ok(OwnReservations { reservations: each(permit.customer(), found, tx).await?, more, any_hidden })
    }
}

impl Answer for GetBoughtOrder {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<OrderWithReservations>, Fault> {
        let customer = permit.customer();
        let found = load(customer, self.order, tx).await?;
        let Some(mut found) = found.filter(|found| found.order.partner == permit.partner()) else { return Ok(None) };
        if let Some(billing) = crate::subscription::load(customer, found.order.subscription, tx).await? {
            found.subscription_names.insert(billing.id, billing.name);
        }
        Ok(Some(found))
    }
}

impl Answer for ListBoughtRevisions {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Vec<Reservation>>, Fault> {
        let customer = permit.customer();
        let found = load(customer, self.order, tx).await?.filter(|found| found.order.partner == permit.partner());
        let Some(present) = found.and_then(|found| found.reservation(self.reservation).ok().cloned()) else {
            return Ok(None);
        };
        Ok(Some(with_revisions(customer, present, tx).await?))
    }
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
    query(
        "INSERT INTO reservation_order
           (customer_id, reservation_order_id, partner_id, order_id, line_number, subscription_id, display_name, sku,
            region, resource_type, term, billing_plan, original_quantity, currency, list_unit_e6, partner_unit_e6,
            customer_unit_e6, requested_at, starts_at, expires_at, state, etag, bought_by, buyer_id, buyer_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25)",
    )
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
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes what can change of a reservation order.
pub(crate) async fn update_order(customer: CustomerId, order: &ReservationOrder, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query(
        "UPDATE reservation_order SET display_name = $3, state = $4, etag = $5
         WHERE customer_id = $1 AND reservation_order_id = $2",
    )
    .bind(customer.to_string())
    .bind(order.id.to_string())
    .bind(order.display_name.as_str())
    .bind(order.state.name())
    .bind(order.etag)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a reservation.
pub(crate) async fn insert(customer: CustomerId, reservation: &Reservation, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let statement = "INSERT INTO reservation
           (customer_id, reservation_order_id, reservation_id, display_name, scope_type, applied_scope,
            instance_flexibility, renew, archived, state, etag, review_at, updated_at, ending, split_from, merged_into,
            renewed_from, renewed_as, renewal_terms, first_used_at, changed_on_side, changed_by, changed_by_name,
            quantity, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
            $24, $25)";
    bind(query(statement), customer, reservation)
        .bind(reservation.quantity.instances())
        .bind(micros(reservation.created_at))
        .execute(tx)
        .await
}

/// Writes what can change of a reservation, and keeps what it was before.
pub(crate) async fn update(customer: CustomerId, reservation: &Reservation, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query(
        "INSERT INTO reservation_revision
           (customer_id, reservation_order_id, reservation_id, display_name, quantity, applied_scope,
            instance_flexibility, renew, archived, state, etag, review_at, updated_at, ending, split_from, merged_into,
            renewed_from, renewed_as, renewal_terms, first_used_at, created_at, changed_on_side, changed_by,
            changed_by_name)
         SELECT customer_id, reservation_order_id, reservation_id, display_name, quantity, applied_scope,
                instance_flexibility, renew, archived, state, etag, review_at, updated_at, ending, split_from,
                merged_into, renewed_from, renewed_as, renewal_terms, first_used_at, created_at, changed_on_side,
                changed_by, changed_by_name
         FROM reservation WHERE customer_id = $1 AND reservation_order_id = $2 AND reservation_id = $3",
    )
    .bind(customer.to_string())
    .bind(reservation.order.to_string())
    .bind(reservation.id.to_string())
    .execute(tx)
    .await?;
    let statement =
        "UPDATE reservation SET display_name = $4, scope_type = $5, applied_scope = $6, instance_flexibility = $7,
                renew = $8, archived = $9, state = $10, etag = $11, review_at = $12, updated_at = $13, ending = $14,
                split_from = $15, merged_into = $16, renewed_from = $17, renewed_as = $18, renewal_terms = $19,
                first_used_at = $20, changed_on_side = $21, changed_by = $22, changed_by_name = $23
         WHERE customer_id = $1 AND reservation_order_id = $2 AND reservation_id = $3";
    bind(query(statement), customer, reservation).execute(tx).await
}

/// Binds `$1` to `$23`: which reservation, and all that can change of it.
fn bind(statement: Query<()>, customer: CustomerId, reservation: &Reservation) -> Query<()> {
    let lineage = &reservation.lineage;
    statement
        .bind(customer.to_string())
        .bind(reservation.order.to_string())
        .bind(reservation.id.to_string())
        .bind(reservation.display_name.as_str())
        .bind(reservation.scope.type_name())
        .bind(reservation.scope.scope().map(ToString::to_string))
        .bind(if reservation.instance_flexibility { "On" } else { "Off" })
        .bind(i64::from(reservation.renew))
        .bind(i64::from(reservation.archived))
        .bind(reservation.state.name())
        .bind(reservation.etag)
        .bind(reservation.review_at.map(micros))
        .bind(micros(reservation.updated_at))
        .bind(reservation.ending.map(Ending::name))
        .bind(lineage.source.map(|id| id.to_string()))
        .bind(lineage.successor.map(|id| id.to_string()))
        .bind(elsewhere_text(lineage.renewed_from))
        .bind(elsewhere_text(lineage.renewed_as))
        .bind(reservation.renew_as.as_ref().map(|terms| to_json(&StoredWish::from(terms))))
        .bind(reservation.first_used_at.map(micros))
        .bind(reservation.changed_by.side.name())
        .bind(reservation.changed_by.id.to_string())
        .bind(&reservation.changed_by.name)
}

/// A reservation, and what it was before each change, newest first.
pub(crate) async fn with_revisions(
    customer: CustomerId,
    present: Reservation,
    tx: &mut Tx<'_>,
) -> Result<Vec<Reservation>, Fault> {
    let rows: Vec<ReservationRow> = query_as(
        "SELECT reservation_order_id, reservation_id, display_name, quantity, applied_scope, instance_flexibility, renew,
                archived, state, etag, review_at, updated_at, ending, split_from, merged_into, renewed_from, renewed_as,
                renewal_terms, first_used_at, created_at, changed_on_side, changed_by, changed_by_name
         FROM reservation_revision WHERE customer_id = $1 AND reservation_order_id = $2 AND reservation_id = $3
         ORDER BY etag DESC")
        .bind(customer.to_string()).bind(present.order.to_string()).bind(present.id.to_string()).fetch_all(tx).await?;
    std::iter::once(Ok(present)).chain(rows.into_iter().map(ReservationRow::reservation)).collect()
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::actor::Actor;
    use fullmakt_domain::ids::TenantId;

    use super::*;
    use crate::db::Store;
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, RUT, SAGA, actor, bought, buys, run, stores};

    /// What somebody finds, in the order it comes.
    async fn found(store: &Store, who: &Actor, query: &BrowseOwnReservations) -> Vec<ReservationOrderId> {
        let found = store.read(who, query).await.unwrap();
        assert!(found.reservations.iter().all(|one| one.reservations.len() == 1));
        found.reservations.iter().map(|one| one.order.id).collect()
    }

    #[tokio::test]
    async fn r22_r45_a_page_holds_what_the_visitor_may_read_and_no_more() {
        let at_customers = |id| Actor { tenant: TenantId::parse(CUSTOMER).unwrap(), ..actor(id, PARTNER) };
        let (ada, saga) = (at_customers(ADA), at_customers(SAGA));
        let (olle, rut) = (actor(OLLE, CUSTOMER), actor(RUT, CUSTOMER));
        for (store, _directory) in stores().await {
            bought(&store).await;
            buys(&store, &olle, "44444444-4444-4444-8444-444444444445").await;
            buys(&store, &olle, "44444444-4444-4444-8444-444444444446").await;
            let any = BrowseOwnReservations { hidden: false, skip: 0, size: 10 };
            let all = found(&store, &olle, &any).await;
            assert_eq!(all.len(), 3);
            for (query, expected, more) in [
                (BrowseOwnReservations { size: 2, ..any.clone() }, &all[..2], true),
                (BrowseOwnReservations { size: 3, ..any.clone() }, &all[..], false),
                (BrowseOwnReservations { size: 2, skip: 2, ..any.clone() }, &all[2..], false),
                (BrowseOwnReservations { hidden: true, ..any.clone() }, &[], false),
            ] {
                assert_eq!(found(&store, &olle, &query).await, expected, "{query:?}");
                assert_eq!(store.read(&olle, &query).await.unwrap().more, more, "{query:?}");
            }
            // The partner's Admin agent as the customer's Owner; its Sales agent and Rut without a role as nobody.
            assert_eq!(found(&store, &ada, &any).await, all);
            let nothing: [ReservationOrderId; 0] = [];
            for who in [&saga, &rut] {
                assert_eq!(found(&store, who, &any).await, nothing);
            }
            // Rut reads one order, and may assign roles on another, which is not reading.
            run(
                &store,
                "INSERT INTO role_definition VALUES ('22222222-2222-4222-8222-222222222222',
                     '77777777-7777-4777-8777-777777777777', 'Utan insyn', 'utan insyn', '', '/',
                     '[{\"actions\":[\"Microsoft.Capacity/reservationOrders/write\"],\"notActions\":[]}]', 0, '', 0, '');
                 INSERT INTO role_assignment (customer_id, role_assignment_id, principal_id, principal_type,
                     role_definition_id, scope, scope_key, created_at, created_by)
                 SELECT customer_id, '8' || substr(reservation_order_id, 2), '00000000-0000-4000-8000-0000000000b2', 'User',
                     CASE WHEN reservation_order_id = '44444444-4444-4444-8444-444444444445'
                          THEN 'acdd72a7-3385-48ef-bd42-f606fba81ae7' ELSE '77777777-7777-4777-8777-777777777777' END,
                     '/providers/Microsoft.Capacity/reservationOrders/' || reservation_order_id,
                     '/providers/microsoft.capacity/reservationorders/' || reservation_order_id, 0, 'world'
                 FROM reservation_order",
            )
            .await;
            let read = found(&store, &rut, &any).await;
            assert_eq!(read, [ReservationOrderId::parse("44444444-4444-4444-8444-444444444445").unwrap()]);
            // One that is hidden, and one that went on as others.
            run(
                &store,
                "UPDATE reservation SET archived = 1
                     WHERE reservation_order_id = '44444444-4444-4444-8444-444444444445';
                 UPDATE reservation SET ending = 'split'
                     WHERE reservation_order_id = '44444444-4444-4444-8444-444444444446'",
            )
            .await;
            assert_eq!(found(&store, &olle, &any).await.len(), 1);
            assert_eq!(found(&store, &rut, &any).await, nothing);
            for who in [&olle, &rut, &ada] {
                assert!(store.read(who, &any).await.unwrap().any_hidden);
                let hidden = BrowseOwnReservations { hidden: true, ..any.clone() };
                assert_eq!(found(&store, who, &hidden).await, read);
            }
            assert!(!store.read(&saga, &any).await.unwrap().any_hidden);
            // What is found in pages is what is found all at once.
            for who in [&olle, &rut, &ada, &saga] {
                let listed = store.read(who, &ListReservationOrders).await.unwrap();
                let expected = listed.iter().flat_map(|one| &one.reservations).filter(|r| r.ending.is_none()).count();
                let mut paged = 0;
                for hidden in [false, true] {
                    paged += found(&store, who, &BrowseOwnReservations { hidden, ..any.clone() }).await.len();
                }
                assert_eq!(paged, expected);
            }
        }
    }
}
