//! Fills an empty database with a world. The only way in that does not pass the door: there is nobody yet to ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::Catalog;
use fullmakt_domain::ids::{CustomerId, OrderId, PartnerId, PrincipalId, RoleAssignmentId, RoleDefinitionId, TenantId};
use fullmakt_domain::role;
use fullmakt_domain::self_serve_policy::{PolicyId, SelfServePolicy};
use fullmakt_world::{Application, Customer, Entitlement, EntitlementStatus, Partner, User, World};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Ending, Store, Tx, on};
use crate::row::{Fault, micros};
use crate::{price_rule, self_serve_policy};

/// The hashes (PHC strings) of the passwords and client secrets of a world, by their owner's object id.
pub type SecretHashes = BTreeMap<PrincipalId, String>;

/// Who made what a world brings along, as logs and lists show it.
const LOADER: &str = "world file";

/// Why a world was not loaded. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum LoadWorldError {
    /// Somebody is in there already.
    #[error(
        "the database is not empty: a world is only loaded into an empty one, so give another `--data` or leave out `--world`"
    )]
    NotEmpty,
    /// Us.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Store {
    /// Whether no partner and no customer is stored.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn is_empty(&self) -> Result<bool, Fault> {
        let mut reader = self.reader().await?;
        count_tenants(&mut reader.tx()).await.map(|tenants| tenants == 0)
    }

    /// Loads a world and its catalogue in one transaction. The partner's Admin agents become Owner of every subscription that the partner
    /// bought, as when it is bought through the program.
    ///
    /// # Errors
    /// [`LoadWorldError`]; nothing has changed then.
    pub async fn load_world(
        &self,
        world: World,
        catalog: Arc<Catalog>,
        hashes: SecretHashes,
        now: Timestamp,
    ) -> Result<(), LoadWorldError> {
        let loaded = self
            .write(move |tx| {
                Box::pin(async move {
                    if count_tenants(tx).await? != 0 {
                        return Err(LoadWorldError::NotEmpty);
                    }
                    Loader { hashes, now }.world(&world, tx).await?;
                    crate::catalog::insert_sheet(&catalog, now, tx).await?;
                    Ok((Ending::Keep, ()))
                })
            })
            .await;
        match loaded {
            // Another server was quicker: its rows stand in the way of ours.
            Err(LoadWorldError::Fault(Fault::Database(_))) if !self.is_empty().await? => Err(LoadWorldError::NotEmpty),
            other => other,
        }
    }
}

async fn count_tenants(tx: &mut Tx<'_>) -> Result<i64, Fault> {
    Ok(on!(tx, conn => sqlx::query_scalar("SELECT count(*) FROM tenant").fetch_one(conn).await)?)
}

struct Loader {
    hashes: SecretHashes,
    now: Timestamp,
}

impl Loader {
    async fn world(&self, world: &World, tx: &mut Tx<'_>) -> Result<(), Fault> {
        for partner in &world.partners {
            self.partner(partner, tx).await?;
        }
        for customer in &world.customers {
            self.customer(customer, tx).await?;
        }
        for rule in &world.prices {
            price_rule::insert(rule, tx).await?;
        }
        Ok(())
    }

    async fn partner(&self, partner: &Partner, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let tenant = partner.id.tenant();
        insert_tenant(tenant, "partner", &partner.name, &partner.domain, tx).await?;
        on!(tx, conn => sqlx::query(
            "INSERT INTO partner (partner_id, country, currency, support_email, support_phone, support_url)
             VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(partner.id.to_string())
            .bind(partner.country.code())
            .bind(partner.currency.code())
            .bind(&partner.support.email)
            .bind(&partner.support.phone)
            .bind(&partner.support.url)
            .execute(conn).await.map(drop))?;
        self.principals(tenant, &partner.users, &partner.applications, tx).await
    }

    async fn principals(
        &self,
        tenant: TenantId,
        users: &[User],
        applications: &[Application],
        tx: &mut Tx<'_>,
    ) -> Result<(), Fault> {
        for user in users {
            on!(tx, conn => sqlx::query(
                "INSERT INTO principal (tenant_id, principal_id, kind, upn, name, secret_hash, created_at)
                 VALUES ($1, $2, 'user', $3, $4, $5, $6)")
                .bind(tenant.to_string())
                .bind(user.id.to_string())
                .bind(&user.upn)
                .bind(&user.name)
                .bind(self.hashes.get(&user.id))
                .bind(micros(self.now))
                .execute(conn).await.map(drop))?;
            for role in &user.roles {
                on!(tx, conn => sqlx::query(
                    "INSERT INTO partner_role (principal_id, role)
                     SELECT principal_id, $3 FROM principal WHERE tenant_id = $1 AND principal_id = $2")
                    .bind(tenant.to_string()).bind(user.id.to_string()).bind(role.name())
                    .execute(conn).await.map(drop))?;
            }
        }
        for application in applications {
            on!(tx, conn => sqlx::query(
                "INSERT INTO principal (tenant_id, principal_id, kind, name, client_id, secret_hash, created_at)
                 VALUES ($1, $2, 'application', $3, $4, $5, $6)")
                .bind(tenant.to_string())
                .bind(application.id.to_string())
                .bind(&application.name)
                .bind(application.client_id.to_string())
                .bind(self.hashes.get(&application.id))
                .bind(micros(self.now))
                .execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    async fn customer(&self, customer: &Customer, tx: &mut Tx<'_>) -> Result<(), Fault> {
        insert_tenant(customer.id.tenant(), "customer", &customer.name, &customer.domain, tx).await?;
        on!(tx, conn => sqlx::query(
            "INSERT INTO customer (customer_id, country, language, created_at, commerce_id) VALUES ($1, $2, $3, $4, $5)")
            .bind(customer.id.to_string())
            .bind(customer.country.code())
            .bind(&customer.language)
            .bind(micros(self.now))
            .bind(Uuid::new_v5(&customer.id.0, b"commerce id").to_string())
            .execute(conn).await.map(drop))?;
        let confirmed_at = customer.agreement_confirmed.then(|| micros(self.now));
        for partner in &customer.partners {
            on!(tx, conn => sqlx::query(
                "INSERT INTO relationship (customer_id, partner_id, since, agreement_confirmed_at, name_key, domain)
                 VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(customer.id.to_string())
                .bind(partner.to_string())
                .bind(micros(self.now))
                .bind(confirmed_at)
                .bind(customer.name.to_lowercase())
                .bind(&customer.domain)
                .execute(conn).await.map(drop))?;
        }
        self.principals(customer.id.tenant(), &customer.users, &customer.applications, tx).await?;
        for entitlement in &customer.entitlements {
            self.entitlement(customer.id, entitlement, tx).await?;
        }
        self.role_assignments(customer, tx).await?;
        for permission in &customer.self_serve {
            let policy = SelfServePolicy {
                id: PolicyId { grantor: permission.partner, customer: customer.id },
                resources: permission.resources.clone(),
                etag: Uuid::new_v5(&customer.id.0, &micros(self.now).to_be_bytes()),
                granted_at: self.now,
                granted_by: LOADER.to_owned(),
            };
            self_serve_policy::insert(customer.id, &policy, tx).await?;
        }
        Ok(())
    }

    async fn entitlement(&self, customer: CustomerId, entitlement: &Entitlement, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let name = match entitlement.offer {
            fullmakt_world::Offer::AzurePlan => "Azure plan",
            fullmakt_world::Offer::AzureGlobal => "Azure Global",
        };
        on!(tx, conn => sqlx::query(
            "INSERT INTO entitlement
               (customer_id, entitlement_id, partner_id, offer, name, status, registered, order_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)")
            .bind(customer.to_string())
            .bind(entitlement.id.to_string())
            .bind(entitlement.partner.to_string())
            .bind(entitlement.offer.name())
            .bind(name)
            .bind(entitlement.status.name())
            .bind(OrderId::from_uuid(Uuid::new_v5(&entitlement.id.0, b"order")).as_str())
            .bind(micros(self.now))
            .execute(conn).await.map(drop))?;
        for subscription in &entitlement.subscriptions {
            on!(tx, conn => sqlx::query(
                "INSERT INTO subscription
                   (customer_id, subscription_id, entitlement_id, partner_id, name, status, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)")
                .bind(customer.to_string())
                .bind(subscription.id.to_string())
                .bind(entitlement.id.to_string())
                .bind(entitlement.partner.to_string())
                .bind(&subscription.name)
                .bind(entitlement.status.name())
                .bind(micros(self.now))
                .execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    async fn role_assignments(&self, customer: &Customer, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let mut given: Vec<Given> = vec![];
        for assignment in &customer.role_assignments {
            given.push(Given {
                id: assignment.id,
                principal: assignment.principal,
                kind: kind_of(customer, assignment.principal),
                role: assignment.role,
                scope: assignment.scope.clone(),
            });
        }
        let bought = customer.entitlements.iter().filter(|bought| bought.status != EntitlementStatus::Deleted);
        for (partner, subscription) in
            bought.flat_map(|bought| bought.subscriptions.iter().map(|subscription| (bought.partner, subscription.id)))
        {
            let own = Given::to_admin_agents(partner, ArmScope::Subscription(subscription));
            // The file may say so too.
            if !given.iter().any(|g| (g.principal, g.role, &g.scope) == (own.principal, own.role, &own.scope)) {
                given.push(own);
            }
        }
        for assignment in given {
            on!(tx, conn => sqlx::query(
                "INSERT INTO role_assignment
                   (customer_id, role_assignment_id, principal_id, principal_type, role_definition_id, scope, scope_key,
                    created_at, created_by)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
                .bind(customer.id.to_string())
                .bind(assignment.id.to_string())
                .bind(assignment.principal.to_string())
                .bind(assignment.kind)
                .bind(assignment.role.to_string())
                .bind(assignment.scope.to_string())
                .bind(assignment.scope.key())
                .bind(micros(self.now))
                .bind(LOADER)
                .execute(conn).await.map(drop))?;
        }
        Ok(())
    }
}

/// A role assignment to be written.
struct Given {
    id: RoleAssignmentId,
    principal: PrincipalId,
    kind: &'static str,
    role: RoleDefinitionId,
    scope: ArmScope,
}

impl Given {
    /// Owner for the partner's Admin agents on what the partner bought (AOBO).
    fn to_admin_agents(partner: PartnerId, scope: ArmScope) -> Self {
        let principal = partner.admin_agents_group();
        let id = RoleAssignmentId(Uuid::new_v5(&principal.0, scope.key().as_bytes()));
        Self { id, principal, kind: "ForeignGroup", role: role::OWNER, scope }
    }
}

/// The type of a principal, as the customer's directory sees it. A partner's user shows as a user.
fn kind_of(customer: &Customer, principal: PrincipalId) -> &'static str {
    if customer.applications.iter().any(|application| application.id == principal) {
        "ServicePrincipal"
    } else if customer.partners.iter().any(|partner| partner.admin_agents_group() == principal) {
        "ForeignGroup"
    } else {
        "User"
    }
}

async fn insert_tenant(
    tenant: TenantId,
    kind: &'static str,
    name: &str,
    domain: &str,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query("INSERT INTO tenant (tenant_id, kind, name, domain) VALUES ($1, $2, $3, $4)")
        .bind(tenant.to_string()).bind(kind).bind(name).bind(domain)
        .execute(conn).await.map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{number, stores};

    fn demo() -> (World, SecretHashes) {
        let world = fullmakt_world::parse(fullmakt_world::demo()).unwrap();
        let users = world.partners.iter().flat_map(|p| &p.users).chain(world.customers.iter().flat_map(|c| &c.users));
        let hashes = users.map(|user| (user.id, format!("hash of {}", user.upn))).collect();
        (world, hashes)
    }

    fn catalog() -> Arc<Catalog> {
        Arc::new(fullmakt_world::catalog_csv::built_in().clone())
    }

    #[tokio::test]
    async fn a_world_fills_an_empty_database_and_no_other() {
        for (store, _directory) in stores().await {
            let now = Timestamp::from_second(1_790_000_000).unwrap();
            assert!(store.is_empty().await.unwrap());
            let (world, hashes) = demo();
            store.load_world(world, catalog(), hashes, now).await.unwrap();
            for (query, expected) in [
                ("SELECT count(*) FROM tenant", 3),
                ("SELECT count(*) FROM principal WHERE secret_hash IS NOT NULL", 6),
                ("SELECT count(*) FROM subscription", 3),
                ("SELECT count(*) FROM price_sheet", 1),
                ("SELECT count(*) FROM relationship WHERE agreement_confirmed_at IS NOT NULL", 2),
                // Four in the file, and one for the Admin agents on each of three subscriptions.
                ("SELECT count(*) FROM role_assignment", 7),
                ("SELECT count(*) FROM role_assignment WHERE principal_type = 'ForeignGroup'", 3),
                ("SELECT count(*) FROM role_assignment WHERE principal_type = 'ServicePrincipal'", 1),
            ] {
                assert_eq!(number(&store, query).await, expected, "{query}");
            }
            let (mut other, hashes) = demo();
            other.partners.clear();
            let refused = store.load_world(other, catalog(), hashes, now).await.unwrap_err();
            assert!(matches!(refused, LoadWorldError::NotEmpty), "{refused:?}");
            assert_eq!(number(&store, "SELECT count(*) FROM tenant").await, 3);
        }
    }

    #[tokio::test]
    async fn a_world_that_fails_half_way_leaves_nothing() {
        for (store, _directory) in stores().await {
            let (mut world, hashes) = demo();
            // The same subscription twice, which a checked file cannot hold.
            let again = world.customers[0].entitlements[0].subscriptions.clone();
            world.customers[1].entitlements[0].subscriptions = again;
            let failed = store.load_world(world, catalog(), hashes, Timestamp::UNIX_EPOCH).await.unwrap_err();
            assert!(matches!(failed, LoadWorldError::Fault(_)), "{failed:?}");
            assert!(store.is_empty().await.unwrap());
        }
    }
}
