//! Subscriptions, tenants and principals, as Azure Resource Manager shows them.

use fullmakt_domain::actor::PrincipalKind;
use fullmakt_domain::authz::Permit;
use fullmakt_domain::directory::{
    AzureSubscription, FindPrincipals, GetSubscription, ListSubscriptions, ListTenants, Principal, SearchPrincipals,
    Tenant,
};
use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::subscription::SubscriptionStatus;

use crate::db::{Tx, on};
use crate::door::Answer;
use crate::row::{Fault, known, parsed, parsed_optional};

#[derive(serde::Deserialize)]
struct SubscriptionRow {
    subscription_id: String,
    name: String,
    status: String,
    partner_id: String,
}

impl SubscriptionRow {
    fn read(self, customer: CustomerId) -> Result<AzureSubscription, Fault> {
        Ok(AzureSubscription {
            id: parsed("subscription id", &self.subscription_id)?,
            tenant: customer.tenant(),
            name: self.name,
            status: known("subscription status", &self.status, SubscriptionStatus::parse(&self.status))?,
            partner: parsed("partner id", &self.partner_id)?,
        })
    }
}

impl Answer for ListSubscriptions {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let customer = permit.customer();
        let rows: Vec<SubscriptionRow> = on!(tx, conn => sqlx::query_as(
            "SELECT subscription_id, name, status, partner_id FROM subscription
             WHERE customer_id = $1 ORDER BY name, subscription_id")
            .bind(customer.to_string()).fetch_all(conn).await)?;
        let mut shown = Vec::new();
        for row in rows {
            let subscription = row.read(customer)?;
            if self.shows(permit, &subscription) {
                shown.push(subscription);
            }
        }
        Ok(shown)
    }
}

impl Answer for GetSubscription {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        if !self.shows(permit) {
            return Ok(None);
        }
        let customer = permit.customer();
        let row: Option<SubscriptionRow> = on!(tx, conn => sqlx::query_as(
            "SELECT subscription_id, name, status, partner_id FROM subscription
             WHERE customer_id = $1 AND subscription_id = $2")
            .bind(customer.to_string()).bind(self.id.to_string()).fetch_optional(conn).await)?;
        row.map(|row| row.read(customer)).transpose()
    }
}

#[derive(serde::Deserialize)]
struct TenantRow {
    tenant_id: String,
    name: String,
    domain: String,
    country: Option<String>,
}

impl TenantRow {
    fn read(self) -> Result<Tenant, Fault> {
        Ok(Tenant {
            id: parsed("tenant id", &self.tenant_id)?,
            name: self.name,
            domain: self.domain,
            country: self.country.unwrap_or_default(),
        })
    }
}

impl Answer for ListTenants {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let home = permit.actor().home;
        let mut rows: Vec<TenantRow> = on!(tx, conn => sqlx::query_as(
            "SELECT t.tenant_id, t.name, t.domain, COALESCE(p.country, c.country) AS country
             FROM tenant t
             LEFT JOIN partner p ON p.partner_id = t.tenant_id
             LEFT JOIN customer c ON c.customer_id = t.tenant_id
             WHERE t.tenant_id = $1")
            .bind(home.to_string()).fetch_all(conn).await)?;
        if permit.is_partner() {
            let served: Vec<TenantRow> = on!(tx, conn => sqlx::query_as(
                "SELECT t.tenant_id, t.name, t.domain, c.country
                 FROM relationship r
                 JOIN tenant t ON t.tenant_id = r.customer_id
                 JOIN customer c ON c.customer_id = r.customer_id
                 WHERE r.partner_id = $1 ORDER BY r.name_key, r.customer_id")
                .bind(permit.partner().to_string()).fetch_all(conn).await)?;
            rows.extend(served);
        }
        rows.into_iter().map(TenantRow::read).collect()
    }
}

#[derive(serde::Deserialize)]
struct PrincipalRow {
    kind: String,
    name: String,
    upn: Option<String>,
    client_id: Option<String>,
}

impl Answer for FindPrincipals {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let directory = permit.actor().tenant.to_string();
        let mut found = Vec::new();
        for id in &self.ids {
            let row: Option<PrincipalRow> = on!(tx, conn => sqlx::query_as(
                "SELECT kind, name, upn, client_id FROM principal WHERE tenant_id = $1 AND principal_id = $2")
                .bind(&directory).bind(id.to_string()).fetch_optional(conn).await)?;
            if let Some(row) = row {
                let is_user = row.kind == "user";
                found.push(Principal {
                    id: *id,
                    kind: if is_user { PrincipalKind::User } else { PrincipalKind::Application },
                    name: row.name,
                    upn: row.upn,
                    client: parsed_optional("client id", row.client_id.as_deref())?,
                });
            }
        }
        Ok(found)
    }
}

#[derive(serde::Deserialize)]
struct FoundRow {
    principal_id: String,
    kind: String,
    name: String,
    upn: Option<String>,
    client_id: Option<String>,
}

impl Answer for SearchPrincipals {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let asked = self.text.trim();
        let lower = asked.to_lowercase();
        // Not every database folds letters beyond ASCII: a name is also looked for as typed, and with a capital.
        let mut letters = lower.chars();
        let capital: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
        let capital = format!("{capital}{}", letters.as_str());
        let rows: Vec<FoundRow> = on!(tx, conn => sqlx::query_as(
            "SELECT principal_id, kind, name, upn, client_id FROM principal
             WHERE tenant_id = $1 AND disabled_at IS NULL
               AND (substr(upn, 1, CAST($5 AS INTEGER)) = $2 OR substr(lower(name), 1, CAST($5 AS INTEGER)) = $2
                    OR substr(name, 1, CAST($5 AS INTEGER)) IN ($3, $4))
             ORDER BY name, principal_id LIMIT $6")
            .bind(permit.actor().tenant.to_string())
            .bind(&lower).bind(asked).bind(&capital)
            .bind(i64::try_from(lower.chars().count()).unwrap_or(i64::MAX))
            .bind(i64::from(self.size))
            .fetch_all(conn).await)?;
        rows.into_iter()
            .map(|row| {
                let is_user = row.kind == "user";
                Ok(Principal {
                    id: parsed("principal id", &row.principal_id)?,
                    kind: if is_user { PrincipalKind::User } else { PrincipalKind::Application },
                    name: row.name,
                    upn: row.upn,
                    client: parsed_optional("client id", row.client_id.as_deref())?,
                })
            })
            .collect()
    }
}
