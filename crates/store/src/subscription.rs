//! Azure subscriptions and entitlements: loads and answers.

use fullmakt_domain::ids::{CustomerId, PartnerId, SubscriptionId};
use fullmakt_domain::subscription::{AzureOffer, Subscription, SubscriptionStatus};

use crate::db::Tx;
use crate::row::{Fault, known, parsed};
use crate::statement::{Query, query_as, query_scalar};

#[derive(serde::Deserialize)]
pub(crate) struct SubscriptionRow {
    subscription_id: String,
    name: String,
    status: String,
    partner_id: String,
    entitlement_id: String,
    offer: String,
    entitlement_status: String,
}

impl SubscriptionRow {
    fn subscription(self) -> Result<Subscription, Fault> {
        Ok(Subscription {
            id: parsed("subscription id", &self.subscription_id)?,
            name: self.name,
            status: known("status", &self.status, SubscriptionStatus::parse(&self.status))?,
            partner: parsed("partner id", &self.partner_id)?,
            entitlement: parsed("entitlement id", &self.entitlement_id)?,
            offer: known("offer", &self.offer, AzureOffer::parse(&self.offer))?,
            entitlement_status: known(
                "status",
                &self.entitlement_status,
                SubscriptionStatus::parse(&self.entitlement_status),
            )?,
        })
    }
}

pub(crate) fn asked(customer: CustomerId, id: SubscriptionId) -> Query<SubscriptionRow> {
    query_as(
        "SELECT s.subscription_id, s.name, s.status, s.partner_id, s.entitlement_id, e.offer,
                e.status AS entitlement_status
         FROM subscription s
         JOIN entitlement e ON e.customer_id = s.customer_id AND e.entitlement_id = s.entitlement_id
         WHERE s.customer_id = $1 AND s.subscription_id = $2",
    )
    .bind(customer.to_string())
    .bind(id.to_string())
}

/// One subscription of a customer.
pub(crate) async fn load(
    customer: CustomerId,
    id: SubscriptionId,
    tx: &mut Tx<'_>,
) -> Result<Option<Subscription>, Fault> {
    let row = asked(customer, id).fetch_optional(tx).await?;
    row.map(SubscriptionRow::subscription).transpose()
}

/// All subscriptions of a customer, by identifier.
pub(crate) async fn list(customer: CustomerId, tx: &mut Tx<'_>) -> Result<Vec<Subscription>, Fault> {
    let rows: Vec<SubscriptionRow> = query_as(
        "SELECT s.subscription_id, s.name, s.status, s.partner_id, s.entitlement_id, e.offer,
                e.status AS entitlement_status
         FROM subscription s
         JOIN entitlement e ON e.customer_id = s.customer_id AND e.entitlement_id = s.entitlement_id
         WHERE s.customer_id = $1 ORDER BY s.subscription_id",
    )
    .bind(customer.to_string())
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(SubscriptionRow::subscription).collect()
}

/// A partner that serves the customer: the one it has known longest.
pub(crate) async fn any_partner(customer: CustomerId, tx: &mut Tx<'_>) -> Result<Option<PartnerId>, Fault> {
    let id: Option<String> =
        query_scalar("SELECT partner_id FROM relationship WHERE customer_id = $1 ORDER BY since, partner_id LIMIT 1")
            .bind(customer.to_string())
            .fetch_optional(tx)
            .await?;
    id.map(|id| parsed("partner id", &id)).transpose()
}
