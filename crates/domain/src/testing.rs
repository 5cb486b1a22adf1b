//! Personas and helpers for the tests of decisions.

use jiff::Timestamp;
use uuid::Uuid;

use crate::actor::{Actor, Grant, PartnerRole, PrincipalKind, Standing};
use crate::arm_scope::ArmScope;
use crate::authz::{self, Action, Decision, Facts, Permit};
use crate::ids::{CustomerId, PartnerId, PrincipalId, RoleDefinitionId};
use crate::refusal::Refusal;
use crate::role::built_in;

/// The partner that sells.
pub fn partner() -> PartnerId {
    PartnerId(Uuid::from_u128(0x11))
}

/// The customer that buys.
pub fn customer() -> CustomerId {
    CustomerId(Uuid::from_u128(0x22))
}

/// 2026-11-01T08:00:00Z.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_793_520_000).unwrap()
}

/// Ada, the partner's Admin agent.
pub fn ada() -> Actor {
    Actor {
        principal: PrincipalId(Uuid::from_u128(0xada)),
        kind: PrincipalKind::User,
        name: "ada@nordmoln.example".to_owned(),
        home: partner().tenant(),
        tenant: partner().tenant(),
        application: None,
    }
}

/// A permit for Ada about the customer.
pub fn permit_partner<A: Action>(action: &A) -> Permit<A> {
    permit_partner_with(action, &[])
}

/// A permit for Ada about the customer, with built-in roles at some scopes.
pub fn permit_partner_with<A: Action>(action: &A, roles: &[(RoleDefinitionId, ArmScope)]) -> Permit<A> {
    let grants = roles.iter().map(|(role, scope)| Grant {
        role: *role,
        scope: scope.clone(),
        permissions: built_in(&role.to_string()).unwrap().permissions(),
    });
    let facts = Facts {
        customer: Some(customer()),
        partner: Some(partner()),
        standing: Standing::PartnerUser { partner: partner(), roles: vec![PartnerRole::AdminAgent] },
        grants: grants.collect(),
    };
    authz::authorize(action, &ada(), facts).unwrap()
}

/// A decision in words: what was done, or the refusal's text.
pub fn outcome<R>(decided: &Result<Decision<R>, Refusal>, done: impl Fn(&Decision<R>) -> String) -> String {
    match decided {
        Ok(decision) => done(decision),
        Err(refusal) => refusal.to_string(),
    }
}

/// Olle, who may be Owner of the customer's subscription.
pub fn olle() -> Actor {
    Actor {
        principal: PrincipalId(Uuid::from_u128(0x011e)),
        kind: PrincipalKind::User,
        name: "olle@exempel.example".to_owned(),
        home: customer().tenant(),
        tenant: customer().tenant(),
        application: None,
    }
}

/// A permit for Olle, with a role somewhere.
pub fn permit_customer<A: Action>(action: &A, grant: Option<(RoleDefinitionId, ArmScope)>) -> Permit<A> {
    let grants = grant
        .map(|(role, scope)| Grant { role, scope, permissions: built_in(&role.to_string()).unwrap().permissions() })
        .into_iter()
        .collect();
    let facts = Facts {
        customer: Some(customer()),
        partner: Some(partner()),
        standing: Standing::Customer { customer: customer() },
        grants,
    };
    authz::authorize(action, &olle(), facts).unwrap()
}
