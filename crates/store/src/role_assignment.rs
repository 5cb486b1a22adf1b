//! Role assignments: loads, answers, statements.

use fullmakt_domain::actor::Grant;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Permit;
use fullmakt_domain::ids::{CustomerId, PartnerId, PrincipalId, ReservationOrderId, RoleAssignmentId};
use fullmakt_domain::role::Permissions;
use fullmakt_domain::role_assignment::{
    AssignRole, AssignState, GetRoleAssignment, Holder, ListAccess, ListOwnRoles, ListPermissions, ListRoleAssignments,
    NamedAssignment, PrincipalType, RemoveRoleAssignment, RoleAssignment,
};

use crate::db::{Tx, on};
use crate::door::{Answer, Load};
use crate::role_definition;
use crate::row::{Fault, instant, known, micros, parsed};

#[derive(serde::Deserialize)]
struct AssignmentRow {
    role_assignment_id: String,
    principal_id: String,
    principal_type: String,
    role_definition_id: String,
    scope: String,
    description: Option<String>,
    created_at: i64,
    created_by: String,
}

impl AssignmentRow {
    fn read(self) -> Result<RoleAssignment, Fault> {
        let kind = &self.principal_type;
        Ok(RoleAssignment {
            id: parsed("role assignment id", &self.role_assignment_id)?,
            principal: parsed("principal id", &self.principal_id)?,
            principal_type: known("principal type", kind, PrincipalType::parse(kind))?,
            role: parsed("role definition id", &self.role_definition_id)?,
            scope: known("scope", &self.scope, ArmScope::parse(&self.scope).ok())?,
            description: self.description,
            created_at: instant(self.created_at)?,
            created_by: self.created_by,
        })
    }
}

async fn by_id(customer: CustomerId, id: RoleAssignmentId, tx: &mut Tx<'_>) -> Result<Option<RoleAssignment>, Fault> {
    let row: Option<AssignmentRow> = on!(tx, conn => sqlx::query_as(
        "SELECT role_assignment_id, principal_id, principal_type, role_definition_id, scope, description, created_at,
                created_by
         FROM role_assignment WHERE customer_id = $1 AND role_assignment_id = $2")
        .bind(customer.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
    row.map(AssignmentRow::read).transpose()
}

/// The role assignments at reservations of an order.
pub(crate) async fn below_order(
    customer: CustomerId,
    order: ReservationOrderId,
    tx: &mut Tx<'_>,
) -> Result<Vec<RoleAssignment>, Fault> {
    let below = format!("{}/", ArmScope::ReservationOrder(order).key());
    let beyond = format!("{}0", ArmScope::ReservationOrder(order).key()); // `0` follows `/`
    let rows: Vec<AssignmentRow> = on!(tx, conn => sqlx::query_as(
        "SELECT role_assignment_id, principal_id, principal_type, role_definition_id, scope, description, created_at,
                created_by
         FROM role_assignment WHERE customer_id = $1 AND scope_key > $2 AND scope_key < $3
         ORDER BY created_at, role_assignment_id")
        .bind(customer.to_string()).bind(below).bind(beyond).fetch_all(conn).await)?;
    rows.into_iter().map(AssignmentRow::read).collect()
}

impl Load for AssignRole {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<AssignState, Fault> {
        let customer = permit.customer();
        let same_content: Option<String> = on!(tx, conn => sqlx::query_scalar(
            "SELECT role_assignment_id FROM role_assignment
             WHERE customer_id = $1 AND principal_id = $2 AND role_definition_id = $3 AND scope_key = $4")
            .bind(customer.to_string()).bind(self.principal.to_string())
            .bind(self.role.to_string()).bind(self.scope.key())
            .fetch_optional(conn).await)?;
        let role = role_definition::by_id(customer, self.role, tx).await?;
        Ok(AssignState {
            scope_exists: scope_exists(customer, &self.scope, tx).await?,
            same_id: by_id(customer, self.id, tx).await?,
            same_content: same_content.map(|id| parsed("role assignment id", &id)).transpose()?,
            principal: principal_type(customer, self.principal, tx).await?,
            assignable_scopes: role.map(|role| role.assignable_scopes),
        })
    }
}

/// Whether there is something at a scope. What lies inside a subscription is not kept here, so any name there will do.
async fn scope_exists(customer: CustomerId, scope: &ArmScope, tx: &mut Tx<'_>) -> Result<bool, Fault> {
    match scope {
        ArmScope::Root | ArmScope::Capacity => Ok(true),
        ArmScope::ManagementGroup(name) => Ok(name.eq_ignore_ascii_case(&customer.to_string())),
        ArmScope::Subscription(id) | ArmScope::ResourceGroup(id, _) | ArmScope::Resource(id, _) => {
            let found: Option<i64> = on!(tx, conn => sqlx::query_scalar(
                "SELECT created_at FROM subscription WHERE customer_id = $1 AND subscription_id = $2")
                .bind(customer.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
            Ok(found.is_some())
        }
        ArmScope::ReservationOrder(id) => {
            let found: Option<i64> = on!(tx, conn => sqlx::query_scalar(
                "SELECT etag FROM reservation_order WHERE customer_id = $1 AND reservation_order_id = $2")
                .bind(customer.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
            Ok(found.is_some())
        }
        ArmScope::Reservation(order, id) => {
            let found: Option<i64> = on!(tx, conn => sqlx::query_scalar(
                "SELECT etag FROM reservation
                 WHERE customer_id = $1 AND reservation_order_id = $2 AND reservation_id = $3")
                .bind(customer.to_string()).bind(order.to_string()).bind(id.to_string())
                .fetch_optional(conn).await)?;
            Ok(found.is_some())
        }
    }
}

/// What a principal is to a customer: one of its own, or an agent or the Admin agents' group of a partner that serves it.
async fn principal_type(
    customer: CustomerId,
    id: PrincipalId,
    tx: &mut Tx<'_>,
) -> Result<Option<PrincipalType>, Fault> {
    let kind: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT p.kind FROM principal p
         WHERE p.principal_id = $2 AND p.disabled_at IS NULL
           AND (p.tenant_id = $1
             OR (p.tenant_id IN (SELECT s.partner_id FROM relationship s WHERE s.customer_id = $1)
                 AND (p.kind = 'application' OR p.principal_id IN
                   (SELECT r.principal_id FROM partner_role r
                    WHERE r.role IN ('AdminAgent', 'SalesAgent', 'HelpdeskAgent')))))")
        .bind(customer.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
    if let Some(kind) = kind {
        let is_user = kind == "user";
        return Ok(Some(if is_user { PrincipalType::User } else { PrincipalType::ServicePrincipal }));
    }
    let groups = admin_agents_groups(customer, tx).await?;
    Ok(groups.contains(&id).then_some(PrincipalType::ForeignGroup))
}

async fn admin_agents_groups(customer: CustomerId, tx: &mut Tx<'_>) -> Result<Vec<PrincipalId>, Fault> {
    let partners: Vec<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT partner_id FROM relationship WHERE customer_id = $1")
        .bind(customer.to_string()).fetch_all(conn).await)?;
    partners.iter().map(|id| parsed::<PartnerId>("partner id", id).map(PartnerId::admin_agents_group)).collect()
}

impl Load for RemoveRoleAssignment {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        let found = by_id(permit.customer(), self.id, tx).await?;
        Ok(found.filter(|assignment| assignment.scope.key() == self.scope.key()))
    }
}

impl Answer for GetRoleAssignment {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let found = by_id(permit.customer(), self.id, tx).await?;
        Ok(found.filter(|assignment| assignment.scope.key() == self.scope.key()))
    }
}

impl Answer for ListRoleAssignments {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let customer = permit.customer();
        let rows: Vec<AssignmentRow> = on!(tx, conn => sqlx::query_as(
            "SELECT role_assignment_id, principal_id, principal_type, role_definition_id, scope, description, created_at,
                    created_by
             FROM role_assignment WHERE customer_id = $1 ORDER BY created_at, role_assignment_id")
            .bind(customer.to_string()).fetch_all(conn).await)?;
        let counting = match self.holder {
            Holder::CountingFor(id) => counting_for(customer, id, tx).await?,
            Holder::Anyone | Holder::Principal(_) => Vec::new(),
        };
        let mut shown = Vec::new();
        for row in rows {
            let assignment = row.read()?;
            if self.shows(permit, &counting, &assignment) {
                shown.push(assignment);
            }
        }
        Ok(shown)
    }
}

/// A principal and the groups it is in: an Admin agent of a partner that serves the customer is in that partner's group.
async fn counting_for(customer: CustomerId, id: PrincipalId, tx: &mut Tx<'_>) -> Result<Vec<PrincipalId>, Fault> {
    let partner: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT p.tenant_id FROM principal p
         JOIN relationship s ON s.partner_id = p.tenant_id AND s.customer_id = $1
         LEFT JOIN partner_role r ON r.principal_id = p.principal_id AND r.role = 'AdminAgent'
         WHERE p.principal_id = $2 AND p.disabled_at IS NULL AND (p.kind = 'application' OR r.role IS NOT NULL)")
        .bind(customer.to_string()).bind(id.to_string()).fetch_optional(conn).await)?;
    let mut counting = vec![id];
    if let Some(partner) = partner {
        counting.push(parsed::<PartnerId>("partner id", &partner)?.admin_agents_group());
    }
    Ok(counting)
}

impl Answer for ListPermissions {
    async fn answer(&self, permit: &Permit<Self>, _tx: &mut Tx<'_>) -> Result<Vec<Permissions>, Fault> {
        let directory = permit.directory();
        let here = permit.facts().grants.iter().filter(|grant| grant.scope.covers(&self.scope, directory));
        Ok(here.flat_map(|grant| grant.permissions.clone()).collect())
    }
}

#[derive(serde::Deserialize)]
struct NamedRow {
    #[serde(flatten)]
    row: AssignmentRow,
    name: Option<String>,
    upn: Option<String>,
    role_name: Option<String>,
}

impl Answer for ListAccess {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let customer = permit.customer();
        let order = self.scope.reservation_order().map(|order| ArmScope::ReservationOrder(order).key());
        let above = match (&order, self.scope.subscription()) {
            (Some(_), _) => ArmScope::Capacity,
            (None, Some(subscription)) => ArmScope::Subscription(subscription),
            (None, None) => ArmScope::Root,
        };
        let rows: Vec<NamedRow> = on!(tx, conn => sqlx::query_as(
            "SELECT a.role_assignment_id, a.principal_id, a.principal_type, a.role_definition_id, a.scope, a.description,
                    a.created_at, a.created_by, p.name, p.upn, d.name AS role_name
             FROM role_assignment a
             LEFT JOIN principal p ON p.principal_id = a.principal_id AND p.tenant_id = a.customer_id
             LEFT JOIN role_definition d
               ON d.customer_id = a.customer_id AND d.role_definition_id = a.role_definition_id
             WHERE a.customer_id = $1 AND a.scope_key IN ('/', $2, $3, $4, $5)
             ORDER BY p.name, a.principal_id, a.role_assignment_id")
            .bind(customer.to_string())
            .bind(self.scope.key())
            .bind(ArmScope::ManagementGroup(customer.to_string()).key())
            .bind(above.key())
            .bind(order)
            .fetch_all(conn).await)?;
        let mut found = Vec::with_capacity(rows.len());
        for NamedRow { row, name, upn, role_name } in rows {
            let assignment = row.read()?;
            if assignment.scope.covers(&self.scope, permit.directory()) {
                found.push(NamedAssignment {
                    assignment,
                    holder: name.map(|name| (name, upn)),
                    custom_role: role_name,
                });
            }
        }
        Ok(found)
    }
}

impl Answer for ListOwnRoles {
    async fn answer(&self, permit: &Permit<Self>, _tx: &mut Tx<'_>) -> Result<Vec<Grant>, Fault> {
        Ok(permit.facts().grants.clone())
    }
}

/// Writes a role assignment. The same role of the same principal at the same place is kept as it is.
pub(crate) async fn insert(customer: CustomerId, assignment: &RoleAssignment, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO role_assignment
           (customer_id, role_assignment_id, principal_id, principal_type, role_definition_id, scope, scope_key,
            description, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (customer_id, principal_id, role_definition_id, scope_key) DO NOTHING")
        .bind(customer.to_string())
        .bind(assignment.id.to_string())
        .bind(assignment.principal.to_string())
        .bind(assignment.principal_type.name())
        .bind(assignment.role.to_string())
        .bind(assignment.scope.to_string())
        .bind(assignment.scope.key())
        .bind(&assignment.description)
        .bind(micros(assignment.created_at))
        .bind(&assignment.created_by)
        .execute(conn).await.map(drop))?;
    Ok(())
}

pub(crate) async fn describe(customer: CustomerId, assignment: &RoleAssignment, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "UPDATE role_assignment SET description = $3 WHERE customer_id = $1 AND role_assignment_id = $2")
        .bind(customer.to_string())
        .bind(assignment.id.to_string())
        .bind(&assignment.description)
        .execute(conn).await.map(drop))?;
    Ok(())
}

pub(crate) async fn delete(customer: CustomerId, id: RoleAssignmentId, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query("DELETE FROM role_assignment WHERE customer_id = $1 AND role_assignment_id = $2")
        .bind(customer.to_string()).bind(id.to_string()).execute(conn).await.map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::activity::RequestContext;
    use fullmakt_domain::actor::{Actor, PrincipalKind};
    use fullmakt_domain::authz::Denied;
    use fullmakt_domain::directory::{FindPrincipals, GetSubscription, ListSubscriptions, ListTenants};
    use fullmakt_domain::ids::{CorrelationId, RoleDefinitionId, SubscriptionId, TenantId};
    use fullmakt_domain::refusal::Refusal;
    use fullmakt_domain::role::{OWNER, READER};
    use fullmakt_domain::role_assignment::Reach;
    use fullmakt_domain::role_definition::{
        GetRoleDefinition, ListRoleDefinitions, RemoveRoleDefinition, SaveRoleDefinition,
    };
    use uuid::Uuid;

    use super::*;
    use crate::ExecuteError;
    use crate::testing::{number, run, stores};

    // Nordmoln (11) sells to Exempel (22), in whose directory Olle (b1) owns the subscription 33 and Rut (b2) reads it.
    // Sydmoln (12) sold Exempel the subscription 34. Ada (a1) and Saga (a2) are an Admin agent and a Sales agent of Nordmoln.
    const WORLD: &str = "
        INSERT INTO tenant VALUES ('00000000-0000-0000-0000-000000000011', 'partner', 'Nordmoln AB', 'nordmoln.example');
        INSERT INTO tenant VALUES ('00000000-0000-0000-0000-000000000012', 'partner', 'Sydmoln AB', 'sydmoln.example');
        INSERT INTO tenant VALUES ('00000000-0000-0000-0000-000000000022', 'customer', 'Exempel AB', 'exempel.example');
        INSERT INTO partner (partner_id, country, currency) VALUES ('00000000-0000-0000-0000-000000000011', 'SE', 'EUR');
        INSERT INTO partner (partner_id, country, currency) VALUES ('00000000-0000-0000-0000-000000000012', 'SE', 'EUR');
        INSERT INTO customer (customer_id, country, language, created_at, commerce_id)
            VALUES ('00000000-0000-0000-0000-000000000022', 'SE', 'sv', 0, 'c');
        INSERT INTO relationship VALUES ('00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-000000000011', 0, 0, 'exempel ab', 'exempel.example');
        INSERT INTO relationship VALUES ('00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-000000000012', 0, 0, 'exempel ab', 'exempel.example');
        INSERT INTO principal (principal_id, tenant_id, kind, upn, name, created_at) VALUES
            ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000011', 'user', 'ada@nordmoln.example', 'Ada', 0),
            ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000011', 'user', 'saga@nordmoln.example', 'Saga', 0),
            ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-000000000022', 'user', 'olle@exempel.example', 'Olle', 0),
            ('00000000-0000-0000-0000-0000000000b2', '00000000-0000-0000-0000-000000000022', 'user', 'rut@exempel.example', 'Rut', 0);
        INSERT INTO partner_role VALUES ('00000000-0000-0000-0000-0000000000a1', 'AdminAgent');
        INSERT INTO partner_role VALUES ('00000000-0000-0000-0000-0000000000a2', 'SalesAgent');
        INSERT INTO entitlement (customer_id, entitlement_id, partner_id, offer, name, status, registered, order_id, created_at) VALUES
            ('00000000-0000-0000-0000-000000000022', 'e1', '00000000-0000-0000-0000-000000000011', 'azure-plan', 'p', 'active', 0, 'o', 0),
            ('00000000-0000-0000-0000-000000000022', 'e2', '00000000-0000-0000-0000-000000000012', 'azure-plan', 'p', 'active', 0, 'o', 0);
        INSERT INTO subscription VALUES
            ('00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-000000000033', 'e1', '00000000-0000-0000-0000-000000000011', 'Produktion', 'active', 0),
            ('00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-000000000034', 'e2', '00000000-0000-0000-0000-000000000012', 'Test', 'active', 0);
        INSERT INTO role_assignment VALUES
            ('00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-0000000000c1', '00000000-0000-0000-0000-0000000000b1', 'User',
             '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', '/subscriptions/00000000-0000-0000-0000-000000000033', '/subscriptions/00000000-0000-0000-0000-000000000033', NULL, 0, 'world'),
            ('00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-0000000000c2', '00000000-0000-0000-0000-0000000000b2', 'User',
             'acdd72a7-3385-48ef-bd42-f606fba81ae7', '/subscriptions/00000000-0000-0000-0000-000000000033', '/subscriptions/00000000-0000-0000-0000-000000000033', NULL, 1, 'world')";

    const NORDMOLN: PartnerId = PartnerId(Uuid::from_u128(0x11));
    const PRODUKTION: ArmScope = ArmScope::Subscription(SubscriptionId(Uuid::from_u128(0x33)));

    fn id(n: u128) -> PrincipalId {
        PrincipalId(Uuid::from_u128(n))
    }

    fn actor(n: u128) -> Actor {
        let home = if n > 0xb0 { 0x22 } else { 0x11 };
        Actor {
            principal: id(n),
            kind: PrincipalKind::User,
            name: "someone".to_owned(),
            home: TenantId(Uuid::from_u128(home)),
            tenant: TenantId(Uuid::from_u128(0x22)),
            application: None,
        }
    }

    fn request() -> RequestContext {
        let now = jiff::Timestamp::from_second(1_793_520_000).unwrap();
        RequestContext { now, correlation: CorrelationId(Uuid::from_u128(9)) }
    }

    fn assign(n: u128, principal: PrincipalId, role: RoleDefinitionId, scope: &ArmScope) -> AssignRole {
        AssignRole {
            id: RoleAssignmentId(Uuid::from_u128(n)),
            scope: scope.clone(),
            principal,
            principal_type: None,
            role,
            description: None,
        }
    }

    fn list(scope: &ArmScope, holder: Holder) -> ListRoleAssignments {
        ListRoleAssignments { scope: scope.clone(), reach: Reach::All, holder }
    }

    #[tokio::test]
    async fn roles_are_given_listed_counted_and_taken_away_with_one_record_each() {
        let group = NORDMOLN.admin_agents_group();
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let (olle, rut, ada) = (actor(0xb1), actor(0xb2), actor(0xa1));
            let denied = store.execute(&rut, &assign(1, id(0xb2), OWNER, &PRODUKTION), &request()).await;
            assert!(matches!(denied, Err(ExecuteError::Denied(Denied::Forbidden { .. }))), "{denied:?}");
            let denied = store.read(&ada, &list(&PRODUKTION, Holder::Anyone)).await;
            assert!(denied.is_err(), "an Admin agent has what the group has, and that has nothing yet");

            let (given, new) = store.execute(&olle, &assign(1, group, OWNER, &PRODUKTION), &request()).await.unwrap();
            assert_eq!((given.principal_type, new), (PrincipalType::ForeignGroup, true));
            let again = store.execute(&olle, &assign(1, group, OWNER, &PRODUKTION), &request()).await.unwrap();
            assert_eq!(again, (given, false));
            let twice = store.execute(&olle, &assign(2, group, OWNER, &PRODUKTION), &request()).await;
            assert!(matches!(twice, Err(ExecuteError::Refused(Refusal::RoleAssignmentExists { .. }))), "{twice:?}");
            let nobody = store.execute(&olle, &assign(2, id(0xff), OWNER, &PRODUKTION), &request()).await;
            assert!(matches!(nobody, Err(ExecuteError::Refused(Refusal::PrincipalNotFound { .. }))), "{nobody:?}");
            assert_eq!(number(&store, "SELECT count(*) FROM activity_record").await, 3);
            assert_eq!(number(&store, "SELECT revision FROM customer").await, 3);

            let all = store.read(&ada, &list(&PRODUKTION, Holder::Anyone)).await.unwrap();
            assert_eq!(all.len(), 3);
            let own = store.read(&olle, &list(&PRODUKTION, Holder::Principal(id(0xa1)))).await.unwrap();
            assert_eq!(own.len(), 0);
            let counting = store.read(&olle, &list(&PRODUKTION, Holder::CountingFor(id(0xa1)))).await.unwrap();
            assert_eq!(counting.len(), 1);
            let sales = store.read(&actor(0xa2), &ListPermissions { scope: PRODUKTION }).await.unwrap();
            assert_eq!(sales.len(), 0);
            assert_eq!(store.read(&rut, &ListPermissions { scope: PRODUKTION }).await.unwrap().len(), 1);

            let remove = RemoveRoleAssignment { scope: PRODUKTION, id: RoleAssignmentId(Uuid::from_u128(1)) };
            assert!(store.execute(&olle, &remove, &request()).await.unwrap().is_some());
            assert!(store.execute(&olle, &remove, &request()).await.unwrap().is_none());
            assert!(store.read(&ada, &list(&PRODUKTION, Holder::Anyone)).await.is_err());
            assert_eq!(number(&store, "SELECT count(*) FROM activity_record").await, 4);
        }
    }

    #[tokio::test]
    async fn custom_roles_are_made_given_and_removed_in_that_order() {
        let looker = RoleDefinitionId(Uuid::from_u128(0xd1));
        let save = SaveRoleDefinition {
            scope: PRODUKTION,
            id: looker,
            name: "Looker".to_owned(),
            description: "Looks".to_owned(),
            assignable_scopes: vec![PRODUKTION],
            permissions: vec![Permissions { actions: vec!["*/read".to_owned()], not_actions: vec![] }],
        };
        let remove = RemoveRoleDefinition { scope: PRODUKTION, id: looker };
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let (olle, rut) = (actor(0xb1), actor(0xb2));
            assert!(store.execute(&rut, &save, &request()).await.is_err());
            let saved = store.execute(&olle, &save, &request()).await.unwrap();
            assert_eq!(store.execute(&olle, &save, &request()).await.unwrap(), saved);
            let get = GetRoleDefinition { scope: PRODUKTION, id: looker };
            assert_eq!(store.read(&rut, &get).await.unwrap(), Some(saved));
            let listed = store.read(&rut, &ListRoleDefinitions { scope: PRODUKTION, and_below: false }).await.unwrap();
            let names: Vec<&str> = listed.iter().map(|r| r.name.as_str()).collect();
            assert!(names.contains(&"Looker") && names.contains(&"Owner"), "{names:?}");
            assert!(!names.contains(&"Reservations Reader"), "{names:?}");

            store.execute(&olle, &assign(1, id(0xb2), looker, &PRODUKTION), &request()).await.unwrap();
            let used = store.execute(&olle, &remove, &request()).await;
            assert!(matches!(used, Err(ExecuteError::Refused(Refusal::RoleInUse { .. }))), "{used:?}");
            let free = RemoveRoleAssignment { scope: PRODUKTION, id: RoleAssignmentId(Uuid::from_u128(1)) };
            store.execute(&olle, &free, &request()).await.unwrap();
            assert!(store.execute(&olle, &remove, &request()).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn r45_a_directory_shows_each_what_is_theirs() {
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let (olle, rut, ada) = (actor(0xb1), actor(0xb2), actor(0xa1));
            let names = |list: Vec<fullmakt_domain::directory::AzureSubscription>| {
                list.into_iter().map(|s| s.name).collect::<Vec<_>>()
            };
            assert_eq!(names(store.read(&rut, &ListSubscriptions).await.unwrap()), ["Produktion"]);
            assert!(names(store.read(&ada, &ListSubscriptions).await.unwrap()).is_empty());
            let root = ArmScope::ManagementGroup("00000000-0000-0000-0000-000000000022".to_owned());
            run(&store, "INSERT INTO role_assignment VALUES
                ('00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-0000000000c3', '00000000-0000-0000-0000-0000000000b1', 'User',
                 '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', '/', '/', NULL, 0, 'world')").await;
            assert_eq!(names(store.read(&olle, &ListSubscriptions).await.unwrap()), ["Produktion", "Test"]);
            let group = NORDMOLN.admin_agents_group();
            store.execute(&olle, &assign(1, group, READER, &root), &request()).await.unwrap();
            assert_eq!(names(store.read(&ada, &ListSubscriptions).await.unwrap()), ["Produktion"]);
            let other = GetSubscription { id: SubscriptionId(Uuid::from_u128(0x34)) };
            assert!(store.read(&ada, &other).await.is_err());
            assert!(store.read(&rut, &other).await.unwrap().is_none());

            let tenants = store.read(&ada, &ListTenants).await.unwrap();
            let domains: Vec<&str> = tenants.iter().map(|t| t.domain.as_str()).collect();
            assert_eq!(domains, ["nordmoln.example", "exempel.example"]);
            assert_eq!(store.read(&rut, &ListTenants).await.unwrap().len(), 1);

            let find = FindPrincipals { ids: vec![id(0xb1), id(0xa1), id(0xff)] };
            let found = store.read(&rut, &find).await.unwrap();
            assert_eq!(found.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["Olle"]);
        }
    }
}
