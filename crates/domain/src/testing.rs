//! Personas and helpers for the tests of decisions.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::actor::{Actor, Grant, PartnerRole, PrincipalKind, Standing};
use crate::arm_scope::ArmScope;
use crate::authz::{self, Action, Decision, Facts, Permit};
use crate::catalog::{BillingPlan, Catalog, Offer, Quantity, Region, ReservedResourceType, SkuName, Term};
use crate::catalog_item::CatalogItemId;
use crate::change::Change;
use crate::ids::{
    CustomerId, OrderId, PartnerId, PrincipalId, ReservationId, ReservationOrderId, RoleDefinitionId, SubscriptionId,
};
use crate::money::{Currency, Money};
use crate::obstacle::{Item, PartnerContact};
use crate::order::{BoughtBy, Buyer, Order, UnitPrices};
use crate::placement::{Placement, place};
use crate::refund::OrderMoney;
use crate::refusal::Refusal;
use crate::reservation::{AppliedScope, DisplayName, OrderWithReservations};
use crate::returning::{Commerce, Held};
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

/// The order of [`bought`].
pub const ORDER: ReservationOrderId = ReservationOrderId(Uuid::from_u128(0x44));
/// Its reservation.
pub const RESERVATION: ReservationId = ReservationId(Uuid::from_u128(0x55));

/// The customer's subscription.
pub fn subscription() -> SubscriptionId {
    SubscriptionId(Uuid::from_u128(0x33))
}

/// Whole euros.
pub fn eur(amount: i64) -> Money {
    Money::exact(Decimal::from(amount), Currency::parse("EUR").unwrap()).unwrap()
}

/// Nordmoln, as refusals name it.
pub fn contact() -> PartnerContact {
    PartnerContact {
        id: partner(),
        name: "Nordmoln AB".to_owned(),
        support: vec!["hjalp@nordmoln.example".to_owned()],
        currency: Currency::parse("EUR").unwrap(),
    }
}

/// Four instances for a year, paid at once.
pub fn item() -> Item {
    Item {
        resource_type: ReservedResourceType::VirtualMachines,
        sku: SkuName::parse("Standard_D2s_v5").unwrap(),
        region: Region::parse("swedencentral").unwrap(),
        term: Term::P1Y,
        plan: BillingPlan::Upfront,
        quantity: Quantity::new(4).unwrap(),
    }
}

/// Sells two sizes of one family, one at twice the price of the other, and something of another kind.
pub fn catalog() -> Arc<Catalog> {
    let offer = |kind, sku: &str, list: i64| Offer {
        sku: SkuName::parse(sku).unwrap(),
        family: "Dsv5".to_owned(),
        region: Region::parse("swedencentral").unwrap(),
        resource_type: kind,
        term: Term::P1Y,
        billing_plans: vec![BillingPlan::Upfront, BillingPlan::Monthly],
        list_price: eur(list),
        partner_price: Money { amount_e6: eur(list).amount_e6 / 100 * 88, ..eur(0) },
        flexibility_group: Some("Dsv5 Series".to_owned()),
        ratio: Decimal::ONE,
        vcpus: Some(2),
        memory_gib: Some(Decimal::from(8)),
        sold_from: None,
        sold_until: Some(date(2037, 1, 1)),
        markets: Vec::new(),
    };
    let machines = ReservedResourceType::VirtualMachines;
    Arc::new(
        Catalog::new(vec![
            offer(machines, "Standard_D2s_v5", 1_000),
            offer(machines, "Standard_D4s_v5", 2_000),
            offer(ReservedResourceType::SqlDatabases, "SQLDB_GP_Gen5", 9_000),
        ])
        .unwrap(),
    )
}

/// Olle has bought this at [`now`], for prices of one instance: list, the partner's, the customer's.
pub fn held_as(item: Item, prices: UnitPrices) -> Held {
    let placement = Placement {
        customer: customer(),
        partner: partner(),
        subscription: subscription(),
        item,
        prices,
        scope: AppliedScope::Shared,
        display_name: DisplayName::parse("Produktion").ok(),
        instance_flexibility: true,
        renew: false,
        review_at: None,
        reservation_order: ORDER,
        order: OrderId::from_uuid(Uuid::from_u128(1)),
        line: 0,
        buyer: Buyer { side: BoughtBy::Customer, id: olle().principal, name: olle().name },
        owners: Vec::new(),
    };
    let placed = place(&placement, now()).unwrap();
    let order = commercial_order(&placement);
    let instalments = placed.changes.into_iter().find_map(|change| match change {
        Change::InstalmentsScheduled { instalments, .. } => Some(instalments),
        _ => None,
    });
    let purchased = placed.purchased;
    let reservation = crate::reservation::Reservation { id: RESERVATION, ..purchased.reservation };
    let left = reservation.quantity.instances();
    Held {
        found: OrderWithReservations {
            order: purchased.order,
            reservations: vec![reservation],
            subscription_names: std::collections::BTreeMap::new(),
        },
        money: OrderMoney { instalments: instalments.unwrap(), settled: Vec::new(), left },
        assignments: Vec::new(),
        commerce: Commerce { order, returned: std::collections::BTreeSet::new() },
    }
}

/// The commercial order of a purchase, which has no other line.
fn commercial_order(placement: &Placement) -> Order {
    let catalog_item = CatalogItemId::parse("DZH318Z08M7W:0001:DZH318Z0D1L1").unwrap();
    let item = &placement.item;
    let catalog = catalog();
    let offer = catalog.offers().iter().find(|offer| offer.sku == item.sku).unwrap();
    placement.commercial_order(offer, catalog_item, now())
}

/// Olle has bought this at [`now`], for 950 EUR a piece.
pub fn held(item: Item) -> Held {
    held_as(item, UnitPrices { list: eur(1_000), partner: eur(880), customer: eur(950) })
}

/// Olle has bought [`item`] at [`now`].
pub fn bought() -> OrderWithReservations {
    held(item()).found
}
