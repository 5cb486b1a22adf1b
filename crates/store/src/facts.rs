//! What is known of an actor and a target before anything is decided.

use fullmakt_domain::actor::{Actor, Grant, PartnerRole, PrincipalKind, Standing};
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::{Facts, Permit, Target};
use fullmakt_domain::ids::{CustomerId, PartnerId, PrincipalId, RoleDefinitionId, SubscriptionId};
use fullmakt_domain::role::{self, Permissions};

use crate::db::Tx;
use crate::door::Load;
use crate::memo::{Key, Known};
use crate::row::{Fault, known, parsed};
use crate::statement::{Query, Statement, query_as, query_scalar};

/// Which row a write locks: the customer concerned, or the partner where no customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Customer(CustomerId),
    Partner(PartnerId),
}

impl Root {
    pub(crate) fn id(self) -> String {
        match self {
            Self::Customer(id) => id.to_string(),
            Self::Partner(id) => id.to_string(),
        }
    }
}

/// What a target is about. It never changes for a target, so one look serves the unlocked and the locked part of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Located {
    /// The actor's own partner.
    OwnPartner,
    /// A customer, addressed by its partner.
    Customer(CustomerId),
    /// A place in a customer's directory.
    Place(Place),
    /// Whatever the actor can see.
    Visible,
    /// Nothing.
    Nowhere,
}

impl Located {
    /// The row that a command locks.
    pub(crate) fn root(&self, actor: &Actor) -> Option<Root> {
        match self {
            Self::OwnPartner => Some(Root::Partner(PartnerId(actor.home.0))),
            Self::Customer(customer) => Some(Root::Customer(*customer)),
            Self::Place(place) => Some(Root::Customer(place.customer)),
            Self::Visible => Some(Root::Customer(CustomerId(actor.tenant.0))),
            Self::Nowhere => None,
        }
    }
}

/// Finds what a target is about.
pub(crate) async fn locate(actor: &Actor, target: &Target, tx: &mut Tx<'_>) -> Result<Located, Fault> {
    Ok(match target {
        Target::OwnPartner => Located::OwnPartner,
        Target::Customer(customer) => Located::Customer(*customer),
        Target::Scope(scope) => place(actor, scope, tx).await?.map_or(Located::Nowhere, Located::Place),
        Target::Exchange(operation) => of_exchange(*operation, tx).await?.map_or(Located::Nowhere, Located::Place),
        Target::Subscription(id) => of_subscription(*id, tx).await?.map_or(Located::Nowhere, |place| {
            Located::Place(Place { within: Some(ArmScope::Subscription(*id)), ..place })
        }),
        Target::Visible => Located::Visible,
    })
}

/// Everything the rules look at.
pub(crate) async fn find(actor: &Actor, located: &Located, tx: &mut Tx<'_>) -> Result<Facts, Fault> {
    match located {
        Located::OwnPartner => {
            let partner = PartnerId(actor.home.0);
            let standing = partner_standing(actor, partner, None, tx).await?;
            Ok(Facts { customer: None, partner: Some(partner), standing, grants: Vec::new() })
        }
        Located::Customer(customer) if actor.home == customer.tenant() => {
            let standing = Standing::Customer { customer: *customer };
            Ok(Facts { customer: Some(*customer), partner: None, standing, grants: Vec::new() })
        }
        Located::Customer(customer) => {
            let partner = PartnerId(actor.home.0);
            let standing = partner_standing(actor, partner, Some(*customer), tx).await?;
            Ok(Facts { customer: Some(*customer), partner: Some(partner), standing, grants: Vec::new() })
        }
        Located::Place(place) => in_directory(actor, place, tx).await,
        Located::Nowhere => Ok(outsider()),
        Located::Visible => {
            let customer = CustomerId(actor.tenant.0);
            let partner = PartnerId(actor.home.0);
            if actor.home != customer.tenant() {
                return in_directory(actor, &Place { customer, partner: Some(partner), order: None, within: None }, tx)
                    .await;
            }
            let standing = partner_standing(actor, partner, None, tx).await?;
            if standing == Standing::Outsider {
                return in_directory(actor, &Place { customer, partner: None, order: None, within: None }, tx).await;
            }
            Ok(Facts { customer: None, partner: Some(partner), standing, grants: Vec::new() })
        }
    }
}

/// What [`locate`] and [`find`] are going to ask, as far as can be told from who asks: a customer's own, about a
/// subscription.
pub(crate) fn foresee(actor: &Actor, target: &Target) -> Vec<Statement> {
    match target {
        Target::Subscription(id) if actor.home == actor.tenant => {
            let scope = ArmScope::Subscription(*id);
            let grants = asked_grants(CustomerId(actor.tenant.0), &[actor.principal], Some(&scope));
            asked_place(target).into_iter().chain([grants.question()]).collect()
        }
        _ => Vec::new(),
    }
}

/// What [`locate`] is going to ask about a subscription.
pub(crate) fn asked_place(target: &Target) -> Option<Statement> {
    let Target::Subscription(id) = target else { return None };
    Some(asked_parties(*id).question())
}

impl Located {
    /// What [`find`] and `load` are going to ask about a place.
    pub(crate) fn foresee<C: Load>(&self, actor: &Actor, command: &C) -> Vec<Statement> {
        let Self::Place(Place { customer, partner: Some(payer), within, .. }) = self else { return Vec::new() };
        let mut questions = command.foresee(*customer, *payer);
        if actor.home == customer.tenant() {
            questions.push(asked_grants(*customer, &[actor.principal], within.as_ref()).question());
        }
        questions
    }
}

fn outsider() -> Facts {
    Facts { customer: None, partner: None, standing: Standing::Outsider, grants: Vec::new() }
}

/// Where a scope lies: whose it is, and which partner sold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    customer: CustomerId,
    partner: Option<PartnerId>,
    order: Option<OrderPlace>,
    /// Where roles count, unless it is the whole directory.
    within: Option<ArmScope>,
}

/// A reservation order and the subscription it was bought with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OrderPlace {
    scope: ArmScope,
    billing: ArmScope,
}

async fn place(actor: &Actor, scope: &ArmScope, tx: &mut Tx<'_>) -> Result<Option<Place>, Fault> {
    if let Some(subscription) = scope.subscription() {
        return of_subscription(subscription, tx).await;
    }
    if let Some(order) = scope.reservation_order() {
        let row: Option<(String, String, String)> = query_as(
            "SELECT customer_id, partner_id, subscription_id FROM reservation_order WHERE reservation_order_id = $1",
        )
        .bind(order.to_string())
        .fetch_optional(tx)
        .await?;
        return row
            .map(|(customer, partner, subscription)| {
                Ok(Place {
                    customer: parsed("customer id", &customer)?,
                    partner: Some(parsed("partner id", &partner)?),
                    order: Some(OrderPlace {
                        scope: ArmScope::ReservationOrder(order),
                        billing: ArmScope::Subscription(parsed("subscription id", &subscription)?),
                    }),
                    within: None,
                })
            })
            .transpose();
    }
    // The directory itself, its management groups, all its reservations.
    let customer = CustomerId(actor.tenant.0);
    let partner = (actor.home != actor.tenant).then_some(PartnerId(actor.home.0));
    Ok(Some(Place { customer, partner, order: None, within: None }))
}

fn asked_parties(subscription: SubscriptionId) -> Query<(String, String)> {
    query_as("SELECT customer_id, partner_id FROM subscription WHERE subscription_id = $1")
        .bind(subscription.to_string())
}

/// An exchange lies where the first order does that it gives back.
async fn of_exchange(operation: uuid::Uuid, tx: &mut Tx<'_>) -> Result<Option<Place>, Fault> {
    let row: Option<(String, String, String, String)> = query_as(
        "SELECT o.customer_id, o.partner_id, o.reservation_order_id, o.subscription_id FROM exchange_quote q
         JOIN reservation_order o ON o.customer_id = q.customer_id AND o.reservation_order_id = q.first_order_id
         WHERE q.session_id = $1 OR q.calculation_id = $1",
    )
    .bind(operation.to_string())
    .fetch_optional(tx)
    .await?;
    row.map(|(customer, partner, order, subscription)| {
        Ok(Place {
            customer: parsed("customer id", &customer)?,
            partner: Some(parsed("partner id", &partner)?),
            order: Some(OrderPlace {
                scope: ArmScope::ReservationOrder(parsed("reservation order id", &order)?),
                billing: ArmScope::Subscription(parsed("subscription id", &subscription)?),
            }),
            within: None,
        })
    })
    .transpose()
}

async fn of_subscription(subscription: SubscriptionId, tx: &mut Tx<'_>) -> Result<Option<Place>, Fault> {
    let row = asked_parties(subscription).fetch_optional(tx).await?;
    row.map(|(customer, partner)| {
        Ok(Place {
            customer: parsed("customer id", &customer)?,
            partner: Some(parsed("partner id", &partner)?),
            order: None,
            within: None,
        })
    })
    .transpose()
}

/// Facts about a place in Azure Resource Manager: who the actor is there, and which roles count.
async fn in_directory(actor: &Actor, place: &Place, tx: &mut Tx<'_>) -> Result<Facts, Fault> {
    let customer = place.customer;
    if actor.home == customer.tenant() {
        if actor.tenant != actor.home {
            return Ok(outsider());
        }
        let grants = grants(customer, &[actor.principal], place.within.as_ref(), tx).await?;
        let standing = Standing::Customer { customer };
        return Ok(Facts { customer: Some(customer), partner: place.partner, standing, grants });
    }
    // A token for one customer's directory opens no other one; a token for the partner's own opens those it serves.
    let own = PartnerId(actor.home.0);
    let opened = actor.tenant == actor.home || actor.tenant == customer.tenant();
    if !opened || place.partner != Some(own) {
        return Ok(outsider());
    }
    let standing = partner_standing(actor, own, Some(customer), tx).await?;
    if standing == Standing::Outsider {
        return Ok(outsider());
    }
    let mut principals = vec![actor.principal];
    if standing.is_admin_agent() {
        principals.push(own.admin_agents_group());
    }
    let mut grants = grants(customer, &principals, place.within.as_ref(), tx).await?;
    if let Some(OrderPlace { scope, billing }) = place.order.clone() {
        // What the partner pays for it keeps in its hands (R21): its Admin agents whatever roles the customer gives or
        // takes, its other agents as far as their roles on the billing subscription go.
        if standing.is_admin_agent() {
            let owner = role::built_in("Owner").map(role::BuiltInRole::permissions).unwrap_or_default();
            grants.push(Grant { role: role::OWNER, scope, permissions: owner });
        } else {
            let there = grants.iter().filter(|grant| grant.scope.covers(&billing, customer.tenant()));
            let here: Vec<Grant> = there.map(|grant| Grant { scope: scope.clone(), ..grant.clone() }).collect();
            grants.extend(here);
        }
    }
    Ok(Facts { customer: Some(customer), partner: Some(own), standing, grants })
}

/// The customers in whose directories an actor may find reservation orders: the customer itself, or those for which the
/// actor's partner pays.
pub(crate) async fn customers_with_orders<A>(permit: &Permit<A>, tx: &mut Tx<'_>) -> Result<Vec<CustomerId>, Fault> {
    if let Some(customer) = permit.facts().customer {
        return Ok(vec![customer]);
    }
    let ids: Vec<String> = query_scalar(
        "SELECT DISTINCT c.customer_id FROM commerce_order c
         JOIN order_line l ON l.customer_id = c.customer_id AND l.order_id = c.order_id
         WHERE c.partner_id = $1 AND l.reservation_order_id IS NOT NULL ORDER BY c.customer_id",
    )
    .bind(permit.partner().to_string())
    .fetch_all(tx)
    .await?;
    ids.iter().map(|id| parsed("customer id", id)).collect()
}

/// What counts for an actor in one customer's directory.
pub(crate) async fn of_customer(actor: &Actor, customer: CustomerId, tx: &mut Tx<'_>) -> Result<Facts, Fault> {
    let partner = (actor.home != customer.tenant()).then_some(PartnerId(actor.home.0));
    in_directory(actor, &Place { customer, partner, order: None, within: None }, tx).await
}

/// The actor as one of a partner's own, if it is one and the partner serves the customer.
async fn partner_standing(
    actor: &Actor,
    partner: PartnerId,
    customer: Option<CustomerId>,
    tx: &mut Tx<'_>,
) -> Result<Standing, Fault> {
    let key = Key::Standing(actor.principal, partner, customer);
    if let Some(Known::Standing(standing)) = tx.look.as_ref().and_then(|look| look.recall(key)) {
        return Ok(standing);
    }
    let standing = read_partner_standing(actor, partner, customer, tx).await?;
    if let Some(look) = &tx.look {
        look.remember(key, Known::Standing(standing.clone()));
    }
    Ok(standing)
}

async fn read_partner_standing(
    actor: &Actor,
    partner: PartnerId,
    customer: Option<CustomerId>,
    tx: &mut Tx<'_>,
) -> Result<Standing, Fault> {
    // One row for each role, or one without a role; none where the actor is no one here.
    let rows: Vec<(Option<String>,)> = match customer {
        Some(customer) => {
            query_as(
                "SELECT r.role FROM principal p
             JOIN relationship s ON s.partner_id = p.tenant_id AND s.customer_id = $1
             LEFT JOIN partner_role r ON r.principal_id = p.principal_id
             WHERE p.principal_id = $2 AND p.tenant_id = $3 AND p.disabled_at IS NULL",
            )
            .bind(customer.to_string())
            .bind(actor.principal.to_string())
            .bind(partner.to_string())
            .fetch_all(tx)
            .await?
        }
        None => {
            query_as(
                "SELECT r.role FROM partner s
             JOIN principal p ON p.tenant_id = s.partner_id AND p.principal_id = $2 AND p.disabled_at IS NULL
             LEFT JOIN partner_role r ON r.principal_id = p.principal_id
             WHERE s.partner_id = $1",
            )
            .bind(partner.to_string())
            .bind(actor.principal.to_string())
            .fetch_all(tx)
            .await?
        }
    };
    if rows.is_empty() {
        return Ok(Standing::Outsider);
    }
    if actor.kind == PrincipalKind::Application {
        return Ok(Standing::PartnerApplication { partner });
    }
    let mut roles = Vec::new();
    for name in rows.into_iter().filter_map(|(role,)| role) {
        roles.push(known("partner role", &name, PartnerRole::parse(&name))?);
    }
    roles.sort_unstable();
    Ok(Standing::PartnerUser { partner, roles })
}

/// What counts in a customer's directory for a partner's own who addresses the customer as a whole.
pub(crate) async fn agents_grants<A>(permit: &Permit<A>, tx: &mut Tx<'_>) -> Result<Vec<Grant>, Fault> {
    let mut principals = vec![permit.actor().principal];
    if permit.standing().is_admin_agent() {
        principals.push(permit.partner().admin_agents_group());
    }
    grants(permit.customer(), &principals, None, tx).await
}

#[derive(serde::Deserialize)]
struct GrantRow {
    role_definition_id: String,
    scope: String,
    custom: Option<String>,
}

/// How much of a scope's key is indexed: a whole `/subscriptions/{id}`.
const INDEXED: usize = 51;

fn asked_grants(customer: CustomerId, principals: &[PrincipalId], within: Option<&ArmScope>) -> Query<GrantRow> {
    let (first, second) = (principals.first().copied(), principals.get(1).or(principals.first()).copied());
    let select = match within {
        None => query_as(
            "SELECT a.role_definition_id, a.scope, d.permissions AS custom
             FROM role_assignment a
             LEFT JOIN role_definition d
               ON d.customer_id = a.customer_id AND d.role_definition_id = a.role_definition_id
             WHERE a.customer_id = $1 AND a.principal_id IN ($2, $3)",
        ),
        Some(_) => query_as(
            "SELECT a.role_definition_id, a.scope, d.permissions AS custom
             FROM role_assignment a
             LEFT JOIN role_definition d
               ON d.customer_id = a.customer_id AND d.role_definition_id = a.role_definition_id
             WHERE a.customer_id = $1 AND a.principal_id IN ($2, $3)
               AND substr(a.scope_key, 1, 51) IN ('/', $4, $5)",
        ),
    };
    let select =
        select.bind(customer.to_string()).bind(first.map(|p| p.to_string())).bind(second.map(|p| p.to_string()));
    let Some(scope) = within else { return select };
    let indexed = |scope: &ArmScope| scope.key().chars().take(INDEXED).collect::<String>();
    select.bind(indexed(scope)).bind(indexed(&ArmScope::ManagementGroup(customer.to_string())))
}

/// The role assignments of some principals in a customer's directory, with what each role allows; either all of them, or
/// those at a scope, above it or inside it. Who buys is given a role on each order, so that all of them become many.
pub(crate) async fn grants(
    customer: CustomerId,
    principals: &[PrincipalId],
    within: Option<&ArmScope>,
    tx: &mut Tx<'_>,
) -> Result<Vec<Grant>, Fault> {
    let rows = asked_grants(customer, principals, within).fetch_all(tx).await?;
    let mut grants = Vec::with_capacity(rows.len());
    for row in rows {
        let id: RoleDefinitionId = parsed("role definition id", &row.role_definition_id)?;
        let permissions = match (role::built_in(&row.role_definition_id), row.custom) {
            (Some(built_in), _) => built_in.permissions(),
            (None, Some(text)) => permissions_from_json(&text)?,
            (None, None) => Vec::new(),
        };
        let scope = known("scope", &row.scope, ArmScope::parse(&row.scope).ok())?;
        grants.push(Grant { role: id, scope, permissions });
    }
    Ok(grants)
}

#[derive(serde::Serialize, serde::Deserialize)]
struct StoredPermissions {
    actions: Vec<String>,
    #[serde(rename = "notActions")]
    not_actions: Vec<String>,
}

/// Reads what [`permissions_to_json`] wrote.
pub(crate) fn permissions_from_json(text: &str) -> Result<Vec<Permissions>, Fault> {
    let stored: Vec<StoredPermissions> = serde_json::from_str(text)
        .map_err(|_| Fault::Damaged { what: "permissions of a role", value: text.to_owned() })?;
    Ok(stored.into_iter().map(|p| Permissions { actions: p.actions, not_actions: p.not_actions }).collect())
}

/// A custom role's permissions as they are stored.
pub(crate) fn permissions_to_json(permissions: &[Permissions]) -> String {
    let stored: Vec<StoredPermissions> = permissions
        .iter()
        .map(|p| StoredPermissions { actions: p.actions.clone(), not_actions: p.not_actions.clone() })
        .collect();
    serde_json::to_string(&stored).unwrap_or_else(|_| "[]".to_owned())
}
