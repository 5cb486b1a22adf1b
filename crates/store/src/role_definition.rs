//! Custom roles: loads, answers, statements. The built-in ones come from the domain.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Permit;
use fullmakt_domain::ids::{CustomerId, RoleDefinitionId};
use fullmakt_domain::role;
use fullmakt_domain::role_definition::{
    Authorship, GetRoleDefinition, ListRoleDefinitions, RemoveRoleDefinition, RoleDefinition, SaveRoleDefinition,
    SaveRoleState,
};

use crate::db::{Tx, on};
use crate::door::{Answer, Load};
use crate::facts::{permissions_from_json, permissions_to_json};
use crate::row::{Fault, instant, known, micros, parsed};

#[derive(serde::Deserialize)]
struct DefinitionRow {
    role_definition_id: String,
    name: String,
    description: String,
    assignable_scopes: String,
    permissions: String,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    updated_by: String,
}

impl DefinitionRow {
    fn read(self) -> Result<RoleDefinition, Fault> {
        let scopes = self.assignable_scopes.lines().map(|line| known("scope", line, ArmScope::parse(line).ok()));
        Ok(RoleDefinition {
            id: parsed("role definition id", &self.role_definition_id)?,
            name: self.name,
            description: self.description,
            assignable_scopes: scopes.collect::<Result<_, _>>()?,
            permissions: permissions_from_json(&self.permissions)?,
            custom: Some(Authorship {
                created_at: instant(self.created_at)?,
                created_by: self.created_by,
                updated_at: instant(self.updated_at)?,
                updated_by: self.updated_by,
            }),
        })
    }
}

/// The custom roles of a customer, by name.
async fn all_custom(customer: CustomerId, tx: &mut Tx<'_>) -> Result<Vec<RoleDefinition>, Fault> {
    let rows: Vec<DefinitionRow> = on!(tx, conn => sqlx::query_as(
        "SELECT role_definition_id, name, description, assignable_scopes, permissions, created_at, created_by,
                updated_at, updated_by
         FROM role_definition WHERE customer_id = $1 ORDER BY name_key")
        .bind(customer.to_string()).fetch_all(conn).await)?;
    rows.into_iter().map(DefinitionRow::read).collect()
}

async fn custom(customer: CustomerId, id: RoleDefinitionId, tx: &mut Tx<'_>) -> Result<Option<RoleDefinition>, Fault> {
    let row: Option<DefinitionRow> = on!(tx, conn => sqlx::query_as(
        "SELECT role_definition_id, name, description, assignable_scopes, permissions, created_at, created_by,
                updated_at, updated_by
         FROM role_definition WHERE customer_id = $1 AND role_definition_id = $2")
        .bind(customer.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
    row.map(DefinitionRow::read).transpose()
}

/// A role of either kind.
pub(crate) async fn by_id(
    customer: CustomerId,
    id: RoleDefinitionId,
    tx: &mut Tx<'_>,
) -> Result<Option<RoleDefinition>, Fault> {
    match role::built_in(&id.to_string()) {
        Some(role) => Ok(Some(RoleDefinition::from(role))),
        None => custom(customer, id, tx).await,
    }
}

impl Answer for ListRoleDefinitions {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let mut roles = RoleDefinition::built_in();
        roles.extend(all_custom(permit.customer(), tx).await?);
        roles.retain(|role| self.shows(permit, role));
        Ok(roles)
    }
}

impl Answer for GetRoleDefinition {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        Ok(by_id(permit.customer(), self.id, tx).await?.filter(|role| self.shows(permit, role)))
    }
}

impl Load for SaveRoleDefinition {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<SaveRoleState, Fault> {
        let customer = permit.customer();
        let same_name: Option<String> = on!(tx, conn => sqlx::query_scalar(
            "SELECT role_definition_id FROM role_definition WHERE customer_id = $1 AND name_key = $2")
            .bind(customer.to_string()).bind(self.name.to_lowercase()).fetch_optional(conn).await)?;
        let subscriptions: Vec<String> = on!(tx, conn => sqlx::query_scalar(
            "SELECT subscription_id FROM subscription WHERE customer_id = $1")
            .bind(customer.to_string()).fetch_all(conn).await)?;
        Ok(SaveRoleState {
            existing: custom(customer, self.id, tx).await?,
            same_name: same_name.map(|id| parsed("role definition id", &id)).transpose()?,
            subscriptions: subscriptions.iter().map(|id| parsed("subscription id", id)).collect::<Result<_, _>>()?,
        })
    }
}

impl Load for RemoveRoleDefinition {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        let customer = permit.customer();
        let in_use: Option<String> = on!(tx, conn => sqlx::query_scalar(
            "SELECT role_assignment_id FROM role_assignment WHERE customer_id = $1 AND role_definition_id = $2 LIMIT 1")
            .bind(customer.to_string()).bind(self.id.to_string()).fetch_optional(conn).await)?;
        Ok((custom(customer, self.id, tx).await?, in_use.is_some()))
    }
}

pub(crate) async fn save(customer: CustomerId, role: &RoleDefinition, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let Some(author) = &role.custom else {
        // Built-in roles are never saved: the decision refuses them.
        return Ok(());
    };
    let scopes: Vec<String> = role.assignable_scopes.iter().map(ToString::to_string).collect();
    on!(tx, conn => sqlx::query(
        "INSERT INTO role_definition
           (customer_id, role_definition_id, name, name_key, description, assignable_scopes, permissions, created_at,
            created_by, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (customer_id, role_definition_id) DO UPDATE SET
           name = excluded.name, name_key = excluded.name_key, description = excluded.description,
           assignable_scopes = excluded.assignable_scopes, permissions = excluded.permissions,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by")
        .bind(customer.to_string())
        .bind(role.id.to_string())
        .bind(&role.name)
        .bind(role.name.to_lowercase())
        .bind(&role.description)
        .bind(scopes.join("\n"))
        .bind(permissions_to_json(&role.permissions))
        .bind(micros(author.created_at))
        .bind(&author.created_by)
        .bind(micros(author.updated_at))
        .bind(&author.updated_by)
        .execute(conn).await.map(drop))?;
    Ok(())
}

pub(crate) async fn delete(customer: CustomerId, id: RoleDefinitionId, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query("DELETE FROM role_definition WHERE customer_id = $1 AND role_definition_id = $2")
        .bind(customer.to_string()).bind(id.to_string()).execute(conn).await.map(drop))?;
    Ok(())
}
