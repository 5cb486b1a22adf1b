//! What a partner bought for a customer: loads, answers, statements.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::entitlement::{
    AzureSubscription, BrowseSubscriptions, Entitlement, GetEntitlement, ListEntitlements, RegisterEntitlement,
    SubscriptionLine, SubscriptionLines, UpdateEntitlement, UpdateState, manages,
};
use fullmakt_domain::ids::{CustomerId, EntitlementId, PartnerId};
use fullmakt_domain::subscription::{AzureOffer, SubscriptionStatus};

use crate::db::{Tx, on};
use crate::door::{Answer, Load};
use crate::facts;
use crate::reservation::orders_of_customer;
use crate::row::{Fault, instant, instant_optional, known, micros, parsed};

#[derive(serde::Deserialize)]
struct EntitlementRow {
    entitlement_id: String,
    offer: String,
    name: String,
    status: String,
    registered: i64,
    auto_renew: i64,
    order_id: String,
    created_at: i64,
    version: i64,
}

impl EntitlementRow {
    fn read(self, customer: CustomerId, partner: PartnerId) -> Result<Entitlement, Fault> {
        Ok(Entitlement {
            id: parsed("entitlement id", &self.entitlement_id)?,
            customer,
            partner,
            offer: known("offer", &self.offer, AzureOffer::parse(&self.offer))?,
            status: known("status", &self.status, SubscriptionStatus::parse(&self.status))?,
            name: self.name,
            registered: self.registered != 0,
            auto_renew: self.auto_renew != 0,
            order: self.order_id,
            created_at: instant(self.created_at)?,
            version: self.version,
        })
    }
}

/// What the partner bought for the customer, oldest first.
pub(crate) async fn list(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Vec<Entitlement>, Fault> {
    let rows: Vec<EntitlementRow> = on!(tx, conn => sqlx::query_as(
        "SELECT entitlement_id, offer, name, status, registered, auto_renew, order_id, created_at, version
         FROM entitlement WHERE customer_id = $1 AND partner_id = $2 ORDER BY created_at, entitlement_id")
        .bind(customer.to_string()).bind(partner.to_string()).fetch_all(conn).await)?;
    rows.into_iter().map(|row| row.read(customer, partner)).collect()
}

/// One entitlement that the partner bought for the customer.
pub(crate) async fn load(
    customer: CustomerId,
    partner: PartnerId,
    id: EntitlementId,
    tx: &mut Tx<'_>,
) -> Result<Option<Entitlement>, Fault> {
    let row: Option<EntitlementRow> = on!(tx, conn => sqlx::query_as(
        "SELECT entitlement_id, offer, name, status, registered, auto_renew, order_id, created_at, version
         FROM entitlement WHERE customer_id = $1 AND partner_id = $2 AND entitlement_id = $3")
        .bind(customer.to_string()).bind(partner.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
    row.map(|row| row.read(customer, partner)).transpose()
}

#[derive(serde::Deserialize)]
struct SubscriptionRow {
    subscription_id: String,
    name: String,
    status: String,
    created_at: i64,
}

impl SubscriptionRow {
    fn read(self, entitlement: EntitlementId) -> Result<AzureSubscription, Fault> {
        Ok(AzureSubscription {
            id: parsed("subscription id", &self.subscription_id)?,
            entitlement,
            status: known("status", &self.status, SubscriptionStatus::parse(&self.status))?,
            name: self.name,
            created_at: instant(self.created_at)?,
        })
    }
}

/// The Azure subscriptions under an entitlement, oldest first.
pub(crate) async fn subscriptions(
    customer: CustomerId,
    entitlement: EntitlementId,
    tx: &mut Tx<'_>,
) -> Result<Vec<AzureSubscription>, Fault> {
    let rows: Vec<SubscriptionRow> = on!(tx, conn => sqlx::query_as(
        "SELECT subscription_id, name, status, created_at FROM subscription
         WHERE customer_id = $1 AND entitlement_id = $2 ORDER BY created_at, subscription_id")
        .bind(customer.to_string()).bind(entitlement.to_string()).fetch_all(conn).await)?;
    rows.into_iter().map(|row| row.read(entitlement)).collect()
}

impl Answer for ListEntitlements {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let mut entitlements = list(permit.customer(), permit.partner(), tx).await?;
        if let Some(order) = &self.order {
            entitlements.retain(|entitlement| entitlement.order.eq_ignore_ascii_case(order));
        }
        Ok(entitlements)
    }
}

impl Answer for GetEntitlement {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let Some(entitlement) = load(permit.customer(), permit.partner(), self.entitlement, tx).await? else {
            return Ok(None);
        };
        let subscriptions = subscriptions(permit.customer(), entitlement.id, tx).await?;
        Ok(Some((entitlement, subscriptions)))
    }
}

#[derive(serde::Deserialize)]
struct LineRow {
    entitlement_id: String,
    offer: String,
    entitlement_name: String,
    entitlement_status: String,
    registered: i64,
    auto_renew: i64,
    order_id: String,
    bought_at: i64,
    version: i64,
    subscription_id: Option<String>,
    name: Option<String>,
    status: Option<String>,
    created_at: Option<i64>,
}

impl LineRow {
    fn read(self, customer: CustomerId, partner: PartnerId) -> Result<(Entitlement, Option<AzureSubscription>), Fault> {
        let entitlement = EntitlementRow {
            entitlement_id: self.entitlement_id,
            offer: self.offer,
            name: self.entitlement_name,
            status: self.entitlement_status,
            registered: self.registered,
            auto_renew: self.auto_renew,
            order_id: self.order_id,
            created_at: self.bought_at,
            version: self.version,
        };
        let entitlement = entitlement.read(customer, partner)?;
        let (Some(subscription_id), Some(name), Some(status), Some(created_at)) =
            (self.subscription_id, self.name, self.status, self.created_at)
        else {
            return Ok((entitlement, None));
        };
        let subscription = SubscriptionRow { subscription_id, name, status, created_at }.read(entitlement.id)?;
        Ok((entitlement, Some(subscription)))
    }
}

impl Answer for BrowseSubscriptions {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<SubscriptionLines, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let known: (String, Option<i64>) = on!(tx, conn => sqlx::query_as(
            "SELECT t.name, s.agreement_confirmed_at FROM relationship s JOIN tenant t ON t.tenant_id = s.customer_id
             WHERE s.customer_id = $1 AND s.partner_id = $2",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .fetch_one(conn).await)?;
        let mut rows: Vec<LineRow> = on!(tx, conn => sqlx::query_as(
            "SELECT e.entitlement_id, e.offer, e.name AS entitlement_name, e.status AS entitlement_status, e.registered,
                    e.auto_renew, e.order_id, e.created_at AS bought_at, e.version, u.subscription_id, u.name, u.status,
                    u.created_at
             FROM entitlement e
             LEFT JOIN subscription u ON u.customer_id = e.customer_id AND u.entitlement_id = e.entitlement_id
             WHERE e.customer_id = $1 AND e.partner_id = $2
             ORDER BY e.created_at, e.entitlement_id, u.created_at, u.subscription_id
             LIMIT $3 OFFSET $4",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(i64::from(self.size).saturating_add(1))
        .bind(i64::from(self.offset))
        .fetch_all(conn).await)?;
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let grants = facts::agents_grants(permit, tx).await?;
        let lines = rows.into_iter().map(|row| {
            let (entitlement, subscription) = row.read(customer, partner)?;
            let manages = |found: &AzureSubscription| manages(permit, &grants, found.id);
            let manageable = subscription.as_ref().is_some_and(manages);
            Ok(SubscriptionLine { entitlement, subscription, manageable })
        });
        Ok(SubscriptionLines {
            customer_name: known.0,
            agreement_confirmed_at: instant_optional(known.1)?,
            lines: lines.collect::<Result<_, Fault>>()?,
            more,
        })
    }
}

impl Load for RegisterEntitlement {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        load(permit.customer(), permit.partner(), self.entitlement, tx).await
    }
}

impl Load for UpdateEntitlement {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        let Some(entitlement) = load(permit.customer(), permit.partner(), self.entitlement, tx).await? else {
            return Ok(None);
        };
        let (active_subscriptions, reservations): (i64, i64) = on!(tx, conn => sqlx::query_as(concat!(
            "SELECT
               (SELECT count(*) FROM subscription
                WHERE customer_id = $1 AND entitlement_id = $2 AND status = 'active'),
               (SELECT count(*) FROM ",
            orders_of_customer!(),
            " JOIN subscription u ON u.customer_id = o.customer_id AND u.subscription_id = o.subscription_id
                WHERE c.customer_id = $1 AND u.entitlement_id = $2 AND o.state = 'succeeded')"))
            .bind(permit.customer().to_string()).bind(entitlement.id.to_string()).fetch_one(conn).await)?;
        Ok(Some(UpdateState { entitlement, active_subscriptions, reservations }))
    }
}

/// Writes a new entitlement with its first Azure subscription.
pub(crate) async fn insert(
    customer: CustomerId,
    entitlement: &Entitlement,
    subscription: &AzureSubscription,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO entitlement
           (customer_id, entitlement_id, partner_id, offer, name, status, registered, auto_renew, order_id, created_at,
            version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(customer.to_string())
        .bind(entitlement.id.to_string())
        .bind(entitlement.partner.to_string())
        .bind(entitlement.offer.name())
        .bind(&entitlement.name)
        .bind(entitlement.status.name())
        .bind(i64::from(entitlement.registered))
        .bind(i64::from(entitlement.auto_renew))
        .bind(&entitlement.order)
        .bind(micros(entitlement.created_at))
        .bind(entitlement.version)
        .execute(conn).await.map(drop))?;
    on!(tx, conn => sqlx::query(
        "INSERT INTO subscription (customer_id, subscription_id, entitlement_id, partner_id, name, status, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(customer.to_string())
        .bind(subscription.id.to_string())
        .bind(subscription.entitlement.to_string())
        .bind(entitlement.partner.to_string())
        .bind(&subscription.name)
        .bind(subscription.status.name())
        .bind(micros(subscription.created_at))
        .execute(conn).await.map(drop))?;
    Ok(())
}

pub(crate) async fn update(customer: CustomerId, entitlement: &Entitlement, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "UPDATE entitlement SET name = $3, status = $4, registered = $5, auto_renew = $6, version = $7
         WHERE customer_id = $1 AND entitlement_id = $2")
        .bind(customer.to_string())
        .bind(entitlement.id.to_string())
        .bind(&entitlement.name)
        .bind(entitlement.status.name())
        .bind(i64::from(entitlement.registered))
        .bind(i64::from(entitlement.auto_renew))
        .bind(entitlement.version)
        .execute(conn).await.map(drop))?;
    // An Azure Global subscription is one with its Azure subscription: both stop and go on together.
    on!(tx, conn => sqlx::query(
        "UPDATE subscription SET status = $3 WHERE customer_id = $1 AND entitlement_id = $2 AND subscription_id = $2")
        .bind(customer.to_string())
        .bind(entitlement.id.to_string())
        .bind(entitlement.status.name())
        .execute(conn).await.map(drop))?;
    Ok(())
}
