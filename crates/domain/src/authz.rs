//! Who may do what: every operation with its rule, and the permit without which the store does nothing.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use jiff::Timestamp;

use crate::activity::RecordDraft;
use crate::actor::{Actor, Grant, PartnerRole, PrincipalKind, Standing};
use crate::arm_scope::ArmScope;
use crate::change::Change;
use crate::due::DueWork;
use crate::ids::{CustomerId, PartnerId, PrincipalId, RoleDefinitionId, SubscriptionId, TenantId};
use crate::operation::Operation;
use crate::refusal::Refusal;
use crate::reservation::ReservationOrder;
use crate::role;

/// What a request is about; the store finds the customer and the partner behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The actor's own partner: lists over its customers, its prices, its new customers.
    OwnPartner,
    /// A customer, addressed by its partner.
    Customer(CustomerId),
    /// A place in Azure Resource Manager.
    Scope(ArmScope),
    /// An exchange, by its session or its calculation.
    Exchange(uuid::Uuid),
    /// An Azure subscription. Only roles that are given there, above it or inside it count.
    Subscription(SubscriptionId),
    /// Whatever the actor can see in Azure Resource Manager: lists over directories and orders.
    Visible,
}

/// Who may do an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The partner's users with one of these roles.
    Partner {
        /// Any of them is enough.
        roles: &'static [PartnerRole],
        /// Whether an app-only token will do; it then counts as an Admin agent.
        application: bool,
    },
    /// Whoever holds a role that allows this action at the scope.
    Arm(&'static str),
    /// Everyone the target is visible to; what they see, or whether they may, is decided with the state at hand.
    Related,
    /// Nobody: the server does it by itself when it falls due.
    Server,
}

/// A command or a query: it knows its operation and what it is about.
pub trait Action: Send + Sync + 'static {
    /// The operation, with its rule.
    const OPERATION: Operation;

    /// What it is about.
    fn target(&self) -> Target;
}

/// Something that changes the state.
pub trait Command: Action + Clone {
    /// What the decision looks at, loaded under the lock.
    type State: Send;
    /// What the caller learns.
    type Receipt: Send + 'static;

    /// Decides. No I/O: the same state, command and time give the same changes.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    fn decide(
        &self,
        permit: &Permit<Self>,
        state: Self::State,
        now: Timestamp,
    ) -> Result<Decision<Self::Receipt>, Refusal>;

    /// Whether the actor is one of those who may hold the lock. Everyone else that the rule lets through is decided about
    /// without it, and a refusal is not recorded, so that nobody keeps others waiting by asking for what he may not do.
    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        let _ = permit;
        true
    }

    /// What the activity record of a refused attempt names as its subject.
    fn subject(&self) -> String;
}

/// Something that only reads.
pub trait Query: Action {
    /// What is read.
    type Answer: Send;
}

/// What a command does.
#[derive(Debug)]
pub struct Decision<R> {
    /// For the caller.
    pub receipt: R,
    /// For the store, in order.
    pub changes: Vec<Change>,
    /// For the activity log. `None` exactly when there are no changes: a repeat of what was done already.
    pub record: Option<RecordDraft>,
}

impl<R> Decision<R> {
    /// Changes something, and says so in the activity log.
    pub fn changed(receipt: R, changes: Vec<Change>, record: RecordDraft) -> Self {
        Self { receipt, changes, record: Some(record) }
    }

    /// Changes nothing: what was asked is already so.
    pub fn unchanged(receipt: R) -> Self {
        Self { receipt, changes: Vec::new(), record: None }
    }
}

/// What the store knows of an actor and a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The customer the target belongs to, when it is about one.
    pub customer: Option<CustomerId>,
    /// The partner concerned: the actor's own, or the one that bought what the target names.
    pub partner: Option<PartnerId>,
    /// Where the actor stands towards them.
    pub standing: Standing,
    /// The role assignments in the customer's directory that count for the actor.
    pub grants: Vec<Grant>,
}

/// What it takes to read a reservation order.
const READ_ORDER: &str = "Microsoft.Capacity/reservationOrders/read";

impl Facts {
    /// Whether the actor may read a reservation order of the customer these facts are about: by a role there, or as an
    /// Admin agent of the partner that pays for it (R21).
    pub fn may_read_order(&self, order: &ReservationOrder) -> bool {
        match &self.standing {
            Standing::Outsider => false,
            standing if standing.partner().is_some_and(|own| own != order.partner) => false,
            standing if standing.is_admin_agent() => true,
            _ => role::allowed(&self.grants, READ_ORDER, &order.scope(), order.customer.tenant()),
        }
    }

    /// The same as [`Facts::may_read_order`], of all orders of the customer at once.
    pub fn readable_orders(&self) -> ReadableOrders {
        let partner = self.standing.partner();
        let tenant = self.customer.unwrap_or(CustomerId(uuid::Uuid::nil())).tenant();
        if self.standing == Standing::Outsider {
            return ReadableOrders::ByRole(partner, BTreeSet::new());
        }
        if self.standing.is_admin_agent() || role::allowed(&self.grants, READ_ORDER, &ArmScope::Capacity, tenant) {
            return ReadableOrders::All(partner);
        }
        let on_orders = self.grants.iter().filter(|grant| matches!(grant.scope, ArmScope::ReservationOrder(_)));
        let reading = on_orders.filter(|grant| grant.permissions.iter().any(|p| p.allow(READ_ORDER)));
        ReadableOrders::ByRole(partner, reading.map(|grant| grant.role).collect())
    }
}

/// Which reservation orders of a customer someone may read, as far as can be told without looking at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadableOrders {
    /// All that the partner pays for; all where no partner is named.
    All(Option<PartnerId>),
    /// Of those, the ones on which he has one of these roles himself.
    ByRole(Option<PartnerId>, BTreeSet<RoleDefinitionId>),
}

/// Why someone may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The target does not exist, or must not be known to exist (R45).
    #[error("not found")]
    Hidden,
    /// The target is visible; the actor's roles do not allow the operation.
    #[error("`{actor}` may not do this")]
    Forbidden {
        /// Who asked.
        actor: String,
        /// The action of Azure's access control that is missing, or the operation's name.
        action: &'static str,
        /// Where.
        scope: Option<ArmScope>,
    },
}

/// Proof that an actor may do one kind of action on one customer or partner. Only [`authorize`] makes it.
#[derive(Debug)]
pub struct Permit<A: ?Sized> {
    actor: Actor,
    facts: Facts,
    action: PhantomData<fn(&A)>,
}

impl<A: ?Sized> Permit<A> {
    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The customer the action is about. Where it is about none, the nil identifier, which finds no row.
    pub fn customer(&self) -> CustomerId {
        self.facts.customer.unwrap_or(CustomerId(uuid::Uuid::nil()))
    }

    /// The partner the action is about. Where it is about none, the nil identifier, which finds no row.
    pub fn partner(&self) -> PartnerId {
        self.facts.partner.unwrap_or(PartnerId(uuid::Uuid::nil()))
    }

    /// Customer and partner as they were found.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Where the actor stands.
    pub fn standing(&self) -> &Standing {
        &self.facts.standing
    }

    /// Whether the actor is one of the partner's own.
    pub fn is_partner(&self) -> bool {
        self.facts.standing.partner().is_some()
    }

    /// Whether the actor's roles allow a further action of Azure's access control.
    pub fn allows(&self, action: &str, scope: &ArmScope) -> bool {
        role::allowed(&self.facts.grants, action, scope, self.directory())
    }

    /// Whether the actor is Owner at a scope, directly or inherited.
    pub fn is_owner(&self, scope: &ArmScope) -> bool {
        role::is_owner(&self.facts.grants, scope, self.directory())
    }

    /// The directory that scopes are relative to.
    pub fn directory(&self) -> TenantId {
        self.facts.customer.map_or(self.actor.tenant, CustomerId::tenant)
    }
}

/// May this actor do this? The one place that says yes.
///
/// # Errors
/// [`Denied::Hidden`] for whoever must not learn that the target exists, [`Denied::Forbidden`] for the others.
pub fn authorize<A: Action>(action: &A, actor: &Actor, facts: Facts) -> Result<Permit<A>, Denied> {
    check(&A::OPERATION, &action.target(), actor, &facts)?;
    Ok(Permit { actor: actor.clone(), facts, action: PhantomData })
}

/// The permit of the server itself for work that has fallen due. Nobody can ask for such work: see [`DueWork`].
pub fn permit_due<A: DueWork>(work: &A) -> Permit<A> {
    let actor = Actor {
        principal: PrincipalId(uuid::Uuid::nil()),
        kind: PrincipalKind::Application,
        name: "fullmakt".to_owned(),
        home: work.partner().tenant(),
        tenant: work.partner().tenant(),
        application: None,
    };
    let facts = Facts {
        customer: Some(work.customer()),
        partner: Some(work.partner()),
        standing: Standing::PartnerApplication { partner: work.partner() },
        grants: Vec::new(),
    };
    Permit { actor, facts, action: PhantomData }
}

/// The rule behind [`authorize`], also used to print the matrix.
///
/// # Errors
/// As [`authorize`].
pub fn check(operation: &Operation, target: &Target, actor: &Actor, facts: &Facts) -> Result<(), Denied> {
    if facts.standing == Standing::Outsider {
        return Err(Denied::Hidden);
    }
    let scope = match target {
        Target::Scope(scope) => Some(scope.clone()),
        Target::Subscription(id) => Some(ArmScope::Subscription(*id)),
        Target::OwnPartner | Target::Customer(_) | Target::Exchange(_) | Target::Visible => None,
    };
    let forbidden = |action| Denied::Forbidden { actor: actor.name.clone(), action, scope: scope.clone() };
    let allowed = match operation.rule {
        Rule::Related => true,
        Rule::Server => false,
        Rule::Partner { roles, application } => match &facts.standing {
            Standing::PartnerUser { roles: held, .. } => held.iter().any(|role| roles.contains(role)),
            Standing::PartnerApplication { .. } => application,
            Standing::Customer { .. } | Standing::Outsider => false,
        },
        Rule::Arm(action) => scope.as_ref().is_some_and(|scope| {
            let directory = facts.customer.map_or(actor.tenant, CustomerId::tenant);
            role::allowed(&facts.grants, action, scope, directory)
        }),
    };
    match (allowed, operation.rule) {
        (true, _) => Ok(()),
        (false, Rule::Arm(action)) => Err(forbidden(action)),
        (false, _) => Err(forbidden(operation.name)),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;
    use crate::operation;
    use crate::testing;

    struct Persona {
        name: &'static str,
        facts: Facts,
    }

    fn subscription() -> ArmScope {
        ArmScope::Subscription(SubscriptionId(uuid::Uuid::from_u128(0x33)))
    }

    fn facts(standing: Standing, role: Option<&str>) -> Facts {
        let grants = role
            .and_then(role::built_in)
            .map(|role| Grant { role: role.id, scope: subscription(), permissions: role.permissions() })
            .into_iter()
            .collect();
        Facts { customer: Some(testing::customer()), partner: Some(testing::partner()), standing, grants }
    }

    /// Whoever the matrix speaks of. Admin agents hold Owner on what the partner bought (AOBO); the others of the partner
    /// hold no role of Azure's access control unless someone gives them one.
    fn personas() -> Vec<Persona> {
        let mut personas: Vec<Persona> = PartnerRole::ALL
            .into_iter()
            .map(|held| {
                let standing = Standing::PartnerUser { partner: testing::partner(), roles: vec![held] };
                let owner = (held == PartnerRole::AdminAgent).then_some("Owner");
                Persona { name: held.name(), facts: facts(standing, owner) }
            })
            .collect();
        let application = Standing::PartnerApplication { partner: testing::partner() };
        personas.push(Persona { name: "Application", facts: facts(application, Some("Owner")) });
        let customer = || Standing::Customer { customer: testing::customer() };
        for (name, role) in [
            ("Owner", Some("Owner")),
            ("Contributor", Some("Contributor")),
            ("Reader", Some("Reader")),
            ("No role", None),
        ] {
            personas.push(Persona { name, facts: facts(customer(), role) });
        }
        personas.push(Persona { name: "Stranger", facts: facts(Standing::Outsider, None) });
        personas
    }

    fn cell(operation: &Operation, persona: &Persona) -> &'static str {
        let target = match operation.rule {
            Rule::Arm(_) => Target::Scope(subscription()),
            Rule::Partner { .. } | Rule::Related | Rule::Server => Target::Customer(testing::customer()),
        };
        let actor = Actor {
            principal: PrincipalId(uuid::Uuid::nil()),
            kind: PrincipalKind::User,
            name: String::new(),
            home: testing::partner().tenant(),
            tenant: testing::partner().tenant(),
            application: None,
        };
        match (check(operation, &target, &actor, &persona.facts), operation.rule) {
            (Ok(()), Rule::Related) => "as it is",
            (Ok(()), _) => "yes",
            (Err(Denied::Forbidden { .. }), _) => "403",
            (Err(Denied::Hidden), _) => "404",
        }
    }

    #[test]
    fn r02_r11_r45_the_authorization_matrix_is_published() {
        let personas = personas();
        let mut page = String::from(
            "# Who may do what\n\n\
             Made by a test from the rules in `crates/domain/src/operation.rs`; do not edit by hand.\n\n\
             The first six columns are roles of the partner's users, then a partner's application (app-only token), then \
             users and service principals of the customer by their role on the subscription, then everyone else: the users \
             of another partner, of another customer. A user with several roles may do what any of them may.\n\n\
             - **yes**: allowed.\n\
             - **as it is**: the operation is open to whoever is related to the customer; what comes back is limited to \
             what they may see, or the decision itself says what is missing (a purchase needs the role Owner, the \
             permission and more).\n\
             - **403**: the target is visible, the role is not enough.\n\
             - **404**: nothing is said about whether the target exists.\n\n\
             What nobody may do, the server does by itself when it falls due.\n\n\
             An anonymous caller gets 401 everywhere. Admin agents and the partner's applications hold the role Owner on \
             what the partner bought, until the customer removes that assignment; rows that need a role of Azure's access \
             control show them with it.\n\n\
             | operation | what it does |",
        );
        let names: Vec<&str> = personas.iter().map(|p| p.name).collect();
        page.push_str(&format!(" {} |\n|---|---|{}\n", names.join(" | "), "---|".repeat(names.len())));
        for operation in operation::ALL {
            let cells: Vec<&str> = personas.iter().map(|p| cell(operation, p)).collect();
            let summary = operation.summary.trim();
            page.push_str(&format!("| `{}` | {summary} | {} |\n", operation.name, cells.join(" | ")));
        }
        expect_file!["../../../docs/authorization.md"].assert_eq(&page);
    }

    #[test]
    fn r02_only_an_admin_agent_turns_the_permission_on() {
        let row: Vec<&str> = personas().iter().map(|p| cell(&operation::GRANT_SELF_SERVE_POLICY, p)).collect();
        assert_eq!(row, ["403", "yes", "403", "403", "403", "403", "403", "403", "403", "403", "403", "404"]);
    }
}
