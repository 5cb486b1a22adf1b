//! What a customer's own purchase needs and has.

use std::collections::BTreeSet;

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Permit;
use fullmakt_domain::entitlement::manages;
use fullmakt_domain::ids::{CustomerId, PartnerId, SubscriptionId};
use fullmakt_domain::readiness::{
    GetReadiness, PolicyChange, Readiness, ReadySubscription, SUBSCRIPTIONS_MAX, permissions,
};
use fullmakt_domain::role;
use fullmakt_domain::self_serve_policy::SelfServeResource;
use serde_json::Value;

use crate::db::Tx;
use crate::door::Answer;
use crate::facts;
use crate::row::{Fault, instant, parsed};
use crate::self_serve_policy;
use crate::statement::query_as;

impl Answer for GetReadiness {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Readiness, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let policy = self_serve_policy::load(customer, partner, tx).await?;
        let changes = changes(customer, partner, tx).await?;
        let mut subscriptions = subscriptions(customer, partner, tx).await?;
        let more = subscriptions.len() > SUBSCRIPTIONS_MAX;
        subscriptions.truncate(SUBSCRIPTIONS_MAX);
        let owners = owners(customer, partner, tx).await?;
        let grants = facts::agents_grants(permit, tx).await?;
        for subscription in &mut subscriptions {
            let scope = ArmScope::Subscription(subscription.id);
            let names: BTreeSet<&String> =
                owners.iter().filter(|(at, _)| at.covers(&scope, customer.tenant())).map(|(_, name)| name).collect();
            subscription.manageable = manages(permit, &grants, subscription.id);
            subscription.owners = names.into_iter().cloned().collect();
        }
        Ok(Readiness { permissions: permissions(policy.as_ref(), &changes), subscriptions, more })
    }
}

#[derive(serde::Deserialize)]
struct ChangeRow {
    at: i64,
    actor_name: String,
    old_value: Option<String>,
    new_value: Option<String>,
}

/// The latest changes of the permission, newest first; an index holds nothing else.
async fn changes(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Vec<PolicyChange>, Fault> {
    let rows: Vec<ChangeRow> = query_as(
        "SELECT at, actor_name, old_value, new_value FROM activity_record
         WHERE root_id = $1 AND partner_id = $2 AND outcome = 'succeeded'
           AND operation IN ('create_self_serve_policy', 'update_self_serve_policy', 'delete_self_serve_policy')
         ORDER BY sequence DESC LIMIT 50",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .fetch_all(tx)
    .await?;
    let changes = rows.into_iter().map(|row| {
        Ok(PolicyChange {
            at: instant(row.at)?,
            by: row.actor_name,
            before: permitted(row.old_value.as_deref()),
            after: permitted(row.new_value.as_deref()),
        })
    });
    changes.collect()
}

/// What a policy permits, as the activity log keeps it.
fn permitted(snapshot: Option<&str>) -> Vec<SelfServeResource> {
    let policy: Value = snapshot.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let permissions = policy.get("Permissions").and_then(Value::as_array);
    let resources = permissions.into_iter().flatten().filter_map(|entry| entry.get("Resource")?.as_str());
    resources.filter_map(SelfServeResource::parse).collect()
}

#[derive(serde::Deserialize)]
struct SubscriptionRow {
    subscription_id: String,
    name: String,
    inactive: i64,
}

async fn subscriptions(
    customer: CustomerId,
    partner: PartnerId,
    tx: &mut Tx<'_>,
) -> Result<Vec<ReadySubscription>, Fault> {
    let rows: Vec<SubscriptionRow> = query_as(
        "SELECT s.subscription_id, s.name,
                CASE WHEN s.status = 'active' AND e.status = 'active' THEN 0 ELSE 1 END AS inactive
         FROM subscription s
         JOIN entitlement e ON e.customer_id = s.customer_id AND e.entitlement_id = s.entitlement_id
         WHERE s.customer_id = $1 AND s.partner_id = $2 AND s.status <> 'deleted' AND e.status <> 'deleted'
         ORDER BY 3, s.created_at, s.subscription_id LIMIT $3",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(i64::try_from(SUBSCRIPTIONS_MAX).unwrap_or(i64::MAX).saturating_add(1))
    .fetch_all(tx)
    .await?;
    let subscriptions = rows.into_iter().map(|row| {
        let id: SubscriptionId = parsed("subscription id", &row.subscription_id)?;
        let active = row.inactive == 0;
        Ok(ReadySubscription { id, name: row.name, active, owners: Vec::new(), manageable: false })
    });
    subscriptions.collect()
}

/// The customer's own that are Owner of subscriptions of the partner, and where. A partner's agents do not count: they buy
/// as the partner.
async fn owners(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Vec<(ArmScope, String)>, Fault> {
    let rows: Vec<(String, String)> = query_as(
        "SELECT a.scope, coalesce(p.upn, p.name) AS name
         FROM role_assignment a
         JOIN principal p ON p.principal_id = a.principal_id AND p.tenant_id = a.customer_id AND p.disabled_at IS NULL
         WHERE a.customer_id = $1 AND a.role_definition_id = $2
           AND a.scope_key IN (SELECT '/' UNION ALL SELECT CAST($3 AS TEXT) UNION ALL
             SELECT '/subscriptions/' || s.subscription_id FROM subscription s
             WHERE s.customer_id = $1 AND s.partner_id = $4)
         ORDER BY name LIMIT 1000",
    )
    .bind(customer.to_string())
    .bind(role::OWNER.to_string())
    .bind(ArmScope::ManagementGroup(customer.to_string()).key())
    .bind(partner.to_string())
    .fetch_all(tx)
    .await?;
    // A scope that cannot be read covers nothing.
    Ok(rows.into_iter().filter_map(|(scope, name)| Some((ArmScope::parse(&scope).ok()?, name))).collect())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::actor::Actor;
    use fullmakt_domain::entitlement::{BrowseSubscriptions, SubscriptionLines};
    use fullmakt_domain::ids::{CorrelationId, CustomerId};
    use fullmakt_domain::self_serve_policy::{GrantSelfServePolicy, PolicyId, ReplaceSelfServePolicy};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, SAGA, SUBSCRIPTION, WORLD, actor, run, stores};

    fn customer() -> CustomerId {
        CustomerId::parse(CUSTOMER).unwrap()
    }

    async fn readiness(store: &crate::Store, actor: &Actor) -> Readiness {
        store.read(actor, &GetReadiness { customer: customer() }).await.unwrap()
    }

    #[tokio::test]
    async fn r07_what_a_purchase_needs_is_told_with_who_turned_what_on() {
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let (ada, saga, olle) = (actor(ADA, PARTNER), actor(SAGA, PARTNER), actor(OLLE, CUSTOMER));
            let before = readiness(&store, &ada).await;
            assert!(before.permissions.iter().all(|switch| !switch.on && switch.changed.is_none()), "{before:?}");
            let [ready] = before.subscriptions.as_slice() else { panic!("{before:?}") };
            assert_eq!((ready.id.to_string().as_str(), ready.active), (SUBSCRIPTION, true));
            assert_eq!(ready.owners, ["olle@exempel.example"]);

            let partner = PartnerId::parse(PARTNER).unwrap();
            let request = |second| fullmakt_domain::activity::RequestContext {
                now: Timestamp::from_second(second).unwrap(),
                correlation: CorrelationId(Uuid::new_v4()),
            };
            let first = SelfServeResource::AzureReservedInstances;
            let etag = Uuid::from_u128(1);
            let grant = GrantSelfServePolicy { customer: customer(), grantor: partner, resources: vec![first], etag };
            store.execute(&ada, &grant, &request(10)).await.unwrap();
            let id = PolicyId { grantor: partner, customer: customer() };
            let resources = SelfServeResource::ALL.to_vec();
            let replace = ReplaceSelfServePolicy { id, resources, if_match: None, etag: Uuid::from_u128(2) };
            store.execute(&ada, &replace, &request(20)).await.unwrap();
            run(&store, "UPDATE entitlement SET status = 'suspended'").await;

            let after = readiness(&store, &saga).await;
            let turned: Vec<_> = after
                .permissions
                .iter()
                .map(|switch| switch.changed.clone().map(|(at, by)| (switch.on, at.as_second(), by)).unwrap())
                .collect();
            assert_eq!(turned, [(true, 10, ada.name.clone()), (true, 20, ada.name)]);
            assert!(after.subscriptions.iter().all(|subscription| !subscription.active), "{after:?}");
            let told = store.read(&olle, &GetReadiness { customer: customer() }).await;
            assert!(told.is_err(), "{told:?}");
        }
    }

    #[tokio::test]
    async fn r41_only_agents_with_a_role_there_manage_a_subscription() {
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let (ada, saga) = (actor(ADA, PARTNER), actor(SAGA, PARTNER));
            let group = PartnerId::parse(PARTNER).unwrap().admin_agents_group();
            let read = async |actor: &Actor, offset| -> SubscriptionLines {
                store.read(actor, &BrowseSubscriptions { customer: customer(), offset, size: 10 }).await.unwrap()
            };
            let manageable =
                |page: &SubscriptionLines| page.lines.iter().map(|line| line.manageable).collect::<Vec<_>>();
            let page = read(&ada, 0).await;
            assert_eq!(page.lines.len(), 1, "{page:?}");
            assert!(page.lines.iter().all(|line| line.subscription.is_some()) && !page.more);
            assert!(read(&ada, 1).await.lines.is_empty());
            assert_eq!(manageable(&read(&saga, 0).await), [false]);
            let insert = |principal: String, kind: &str| {
                format!(
                    "INSERT INTO role_assignment (customer_id, role_assignment_id, principal_id, principal_type,
                       role_definition_id, scope, scope_key, created_at, created_by)
                     VALUES ('{CUSTOMER}', '{}', '{principal}', '{kind}', '{}', '/subscriptions/{SUBSCRIPTION}',
                             '/subscriptions/{SUBSCRIPTION}', 0, 'world') ON CONFLICT DO NOTHING",
                    Uuid::new_v4(),
                    role::OWNER
                )
            };
            run(&store, insert(group.to_string(), "ForeignGroup").leak()).await;
            assert_eq!(manageable(&read(&ada, 0).await), [true]);
            assert_eq!(manageable(&read(&saga, 0).await), [false]);
            run(&store, insert(saga.principal.to_string(), "User").leak()).await;
            assert_eq!(manageable(&read(&saga, 0).await), [true]);
        }
    }
}
