//! Self-serve policies: loads, answers, statements.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::self_serve_policy::{
    GetSelfServePolicy, GrantSelfServePolicy, PolicyId, ReplaceSelfServePolicy, RevokeSelfServePolicy, SelfServePolicy,
    SelfServeResource,
};

use crate::db::Tx;
use crate::door::{Answer, Load};
use crate::memo::{Key, Known};
use crate::row::{Fault, instant, micros, parsed};
use crate::statement::{Query, query, query_as};

#[derive(serde::Deserialize)]
pub(crate) struct PolicyRow {
    reservations: i64,
    savings_plans: i64,
    etag: String,
    granted_at: i64,
    granted_by: String,
}

/// The policy of a partner for a customer.
pub(crate) async fn load(
    customer: CustomerId,
    partner: PartnerId,
    tx: &mut Tx<'_>,
) -> Result<Option<SelfServePolicy>, Fault> {
    let key = Key::Policy(customer, partner);
    if let Some(Known::Policy(policy)) = tx.look.as_ref().and_then(|look| look.recall(key)) {
        return Ok(policy);
    }
    let policy = read(customer, partner, tx).await?;
    if let Some(look) = &tx.look {
        look.remember(key, Known::Policy(policy.clone()));
    }
    Ok(policy)
}

pub(crate) fn asked(customer: CustomerId, partner: PartnerId) -> Query<PolicyRow> {
    query_as(
        "SELECT reservations, savings_plans, etag, granted_at, granted_by FROM self_serve_policy
         WHERE customer_id = $1 AND partner_id = $2",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
}

async fn read(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Option<SelfServePolicy>, Fault> {
    let row = asked(customer, partner).fetch_optional(tx).await?;
    row.map(|row| {
        let granted = [
            (row.reservations, SelfServeResource::AzureReservedInstances),
            (row.savings_plans, SelfServeResource::AzureSavingsPlan),
        ];
        Ok(SelfServePolicy {
            id: PolicyId { grantor: partner, customer },
            resources: granted.into_iter().filter(|(on, _)| *on != 0).map(|(_, resource)| resource).collect(),
            etag: parsed("etag", &row.etag)?,
            granted_at: instant(row.granted_at)?,
            granted_by: row.granted_by,
        })
    })
    .transpose()
}

impl Load for GrantSelfServePolicy {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        load(permit.customer(), permit.partner(), tx).await
    }
}

impl Load for ReplaceSelfServePolicy {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        load(permit.customer(), permit.partner(), tx).await
    }
}

impl Load for RevokeSelfServePolicy {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        load(permit.customer(), permit.partner(), tx).await
    }
}

impl Answer for GetSelfServePolicy {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        load(permit.customer(), permit.partner(), tx).await
    }
}

fn flag(policy: &SelfServePolicy, resource: SelfServeResource) -> i64 {
    i64::from(policy.resources.contains(&resource))
}

pub(crate) async fn insert(customer: CustomerId, policy: &SelfServePolicy, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query(
        "INSERT INTO self_serve_policy
           (customer_id, partner_id, reservations, savings_plans, etag, granted_at, granted_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(customer.to_string())
    .bind(policy.id.grantor.to_string())
    .bind(flag(policy, SelfServeResource::AzureReservedInstances))
    .bind(flag(policy, SelfServeResource::AzureSavingsPlan))
    .bind(policy.etag.to_string())
    .bind(micros(policy.granted_at))
    .bind(&policy.granted_by)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn update(customer: CustomerId, policy: &SelfServePolicy, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query(
        "UPDATE self_serve_policy SET reservations = $3, savings_plans = $4, etag = $5
         WHERE customer_id = $1 AND partner_id = $2",
    )
    .bind(customer.to_string())
    .bind(policy.id.grantor.to_string())
    .bind(flag(policy, SelfServeResource::AzureReservedInstances))
    .bind(flag(policy, SelfServeResource::AzureSavingsPlan))
    .bind(policy.etag.to_string())
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn delete(customer: CustomerId, id: &PolicyId, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query("DELETE FROM self_serve_policy WHERE customer_id = $1 AND partner_id = $2")
        .bind(customer.to_string())
        .bind(id.grantor.to_string())
        .execute(tx)
        .await?;
    Ok(())
}
