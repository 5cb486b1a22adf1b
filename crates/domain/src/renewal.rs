//! Renewal: the same again, or what the partner said, from the instant the old term ends (R20, R24).

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity::RecordDraft;
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::{Catalog, NotForSale};
use crate::change::Change;
use crate::ids::{OrderId, PrincipalId, ReservationId, ReservationOrderId};
use crate::ledger::LedgerKind;
use crate::market::Country;
use crate::money::Money;
use crate::obstacle::{Circumstances, Item, PartnerContact, day, obstacles};
use crate::operation::{self, Operation};
use crate::order::{Buyer, acting};
use crate::placement::{Placement, Purchased, order_record, place_from, reservation_scope};
use crate::price_rule::PriceRule;
use crate::purchase::PartnerOnlyChange;
use crate::quote::unit_prices;
use crate::refusal::Refusal;
use crate::reservation::{OrderWithReservations, RenewalTerms, Reservation, ReservationOrder};
use crate::role_assignment::PrincipalType;
use crate::subscription::Subscription;

/// Renews a reservation by hand: what follows it is bought now, at the partner's price of today, and begins when it ends.
#[derive(Debug, Clone)]
pub struct RenewReservation {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation to renew.
    pub reservation: ReservationId,
}

/// What a renewal looks at.
#[derive(Debug, Clone)]
pub struct RenewalState {
    /// The order with its reservations.
    pub found: Option<OrderWithReservations>,
    /// What prices and permission rest on.
    pub basis: RenewalBasis,
}

/// What every renewal of one reservation rests on, whoever sets it off.
#[derive(Debug, Clone)]
pub struct RenewalBasis {
    /// The partner that pays.
    pub partner: PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// The price sheet in force.
    pub catalog: Arc<Catalog>,
    /// The partner's price rules that may concern this customer.
    pub rules: Vec<PriceRule>,
    /// The billing subscription of the renewal.
    pub subscription: Option<Subscription>,
    /// Whether the renewal's scope lies in what this partner bought for this customer.
    pub scope_in_context: bool,
    /// The customer's own Owners of the billing subscription: they get the new order too (R22).
    pub owners: Vec<(PrincipalId, PrincipalType)>,
}

/// What a renewal brings about.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// The new order and its reservation.
    pub purchased: Purchased,
    /// For the store.
    pub changes: Vec<Change>,
    /// For the activity log.
    pub record: RecordDraft,
}

impl Action for RenewReservation {
    const OPERATION: Operation = operation::RENEW_RESERVATION;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

const ACTION: &str = "Microsoft.Capacity/reservationOrders/reservations/write";

impl Command for RenewReservation {
    type State = RenewalState;
    type Receipt = Purchased;

    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        permit.allows(ACTION, &ArmScope::ReservationOrder(self.order))
    }

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: RenewalState,
        now: Timestamp,
    ) -> Result<Decision<Purchased>, Refusal> {
        let order = state.found.as_ref().map(|found| &found.order);
        partners_own(permit, PartnerOnlyChange::Renewal, &state.basis.partner, ACTION, self.order, order)?;
        let missing = Refusal::ReservationNotFound { order: self.order, reservation: self.reservation };
        let found = state.found.ok_or(missing)?;
        found.live(self.reservation, now)?;
        let renewed = renew(&state.basis, &found, self.reservation, &acting(permit), now)?;
        Ok(Decision::changed(renewed.purchased, renewed.changes, renewed.record))
    }

    fn subject(&self) -> String {
        self.reservation.to_string()
    }
}

/// What the customer may not do at all, and agents of the partner other than Admin agents only where they were given a role
/// on the order or on the subscription it was bought with (R20, R21).
pub(crate) fn partners_own<A>(
    permit: &Permit<A>,
    what: PartnerOnlyChange,
    contact: &PartnerContact,
    action: &'static str,
    id: ReservationOrderId,
    order: Option<&ReservationOrder>,
) -> Result<(), Refusal> {
    if !permit.is_partner() {
        return Err(Refusal::PartnerOnly { what, contact: contact.clone() });
    }
    let scope = ArmScope::ReservationOrder(id);
    let billing = order.map(|order| ArmScope::Subscription(order.subscription));
    let allowed = permit.standing().is_admin_agent()
        || permit.allows(action, &scope)
        || billing.is_some_and(|billing| permit.allows(action, &billing));
    if allowed { Ok(()) } else { Err(Refusal::ScopeNotYours { action, scope }) }
}

/// As what a reservation is renewed: what the partner said, or the same again.
pub fn terms(found: &OrderWithReservations, reservation: &Reservation) -> RenewalTerms {
    let order = &found.order;
    reservation.renew_as.clone().unwrap_or_else(|| RenewalTerms {
        subscription: order.subscription,
        item: Item {
            resource_type: order.resource_type,
            sku: order.sku.clone(),
            region: order.region.clone(),
            term: order.term,
            plan: order.plan,
            quantity: reservation.quantity,
        },
        scope: reservation.scope.clone(),
        display_name: None,
        instance_flexibility: reservation.instance_flexibility,
    })
}

/// Renews a reservation at an instant: for renewal by hand the present, for automatic renewal the end of the term, however
/// late it is made up for. The new term begins when the old one ends; the price is that of the instant.
///
/// The new identifiers follow from the reservation's, so that it cannot be renewed twice. Whether it is due, its caller
/// knows.
///
/// # Errors
/// [`Refusal::AlreadyRenewed`], [`Refusal::PurchaseNotAllowed`] with all that stands in the way, [`Refusal::NotForSale`],
/// [`Refusal::Money`].
pub fn renew(
    basis: &RenewalBasis,
    found: &OrderWithReservations,
    reservation: ReservationId,
    by: &Buyer,
    at: Timestamp,
) -> Result<Renewed, Refusal> {
    let old = found.reservation(reservation)?;
    if let Some((order, _)) = old.lineage.renewed_as {
        return Err(Refusal::AlreadyRenewed { reservation, order });
    }
    let today = day(at);
    let wanted = terms(found, old);
    let obstacles = obstacles(&Circumstances {
        by_partner: true,
        owner: None,
        buyer: &by.name,
        partner: &basis.partner,
        country: basis.country,
        policy: None,
        subscription: basis.subscription.as_ref(),
        item: Some(&wanted.item),
        scope_in_context: basis.scope_in_context,
        scope: &wanted.scope,
        catalog: &basis.catalog,
        today,
    });
    let Some(subscription) = basis.subscription.as_ref().filter(|_| obstacles.is_empty()) else {
        return Err(Refusal::PurchaseNotAllowed { obstacles });
    };
    let offer = basis.catalog.find(&wanted.item.wanted(basis.partner.currency, basis.country, today))?;
    let customer = found.order.customer;
    let (prices, _) = unit_prices(offer, &basis.rules, customer, today)?;
    let new_order = ReservationOrderId(Uuid::new_v5(&old.id.0, b"renewal"));
    let placement = Placement {
        customer,
        partner: found.order.partner,
        subscription: wanted.subscription,
        item: Item { sku: offer.sku.clone(), region: offer.region.clone(), ..wanted.item },
        prices,
        scope: wanted.scope,
        display_name: wanted.display_name.or_else(|| Some(old.display_name.clone())),
        instance_flexibility: wanted.instance_flexibility,
        renew: old.renew,
        review_at: None,
        reservation_order: new_order,
        order: OrderId::of_purchase(new_order),
        line: 0,
        buyer: by.clone(),
        owners: basis.owners.clone(),
    };
    let not_listed = || NotForSale::NotFound { sku: offer.sku.clone() };
    let scope = reservation_scope(subscription.offer);
    let catalog_item = basis.catalog.items().id_of(&offer.key(), scope).ok_or_else(not_listed)?;
    let order = placement.commercial_order(offer, catalog_item, at);
    let mut placed = place_from(&placement, at, found.order.expires_at)?;
    let mut source = old.revised(by, at, 2);
    source.lineage.renewed_as = Some((new_order, placed.purchased.reservation.id));
    placed.purchased.reservation.lineage.renewed_from = Some((found.order.id, old.id));
    let mut record = order_record(&order);
    record.details.push(("RenewedReservationId".to_owned(), old.id.to_string()));
    let mut changes = vec![Change::OrderPlaced(Box::new(order)), Change::ReservationUpdated(Box::new(source))];
    for change in placed.changes {
        changes.push(match change {
            Change::ReservationCreated(_) => Change::ReservationCreated(Box::new(placed.purchased.reservation.clone())),
            Change::LedgerPosted { event, partner, at, subject, quantity, transfers, .. } => {
                Change::LedgerPosted { event, kind: LedgerKind::Renewal, partner, at, subject, quantity, transfers }
            }
            other => other,
        });
    }
    Ok(Renewed { purchased: placed.purchased, changes, record })
}

/// What renewing a reservation today would cost the customer in all; none where it cannot be renewed.
#[derive(Debug, Clone)]
pub struct PriceRenewal {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// When.
    pub now: Timestamp,
}

impl Action for PriceRenewal {
    const OPERATION: Operation = operation::PRICE_RENEWAL;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Query for PriceRenewal {
    type Answer = Option<Money>;
}

/// The price behind [`PriceRenewal`].
pub fn price(
    basis: &RenewalBasis,
    found: &OrderWithReservations,
    terms: &RenewalTerms,
    at: Timestamp,
) -> Option<Money> {
    let today = day(at);
    let offer = basis.catalog.find(&terms.item.wanted(basis.partner.currency, basis.country, today)).ok()?;
    let (prices, _) = unit_prices(offer, &basis.rules, found.order.customer, today).ok()?;
    prices.customer.times(terms.item.quantity.instances()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SkuName;
    use crate::ids::EntitlementId;
    use crate::reservation::{Lineage, Phase};
    use crate::role::OWNER;
    use crate::subscription::{AzureOffer, SubscriptionStatus};
    use crate::testing::{self, ORDER, RESERVATION, bought, catalog, contact, outcome, subscription};

    fn state() -> RenewalState {
        RenewalState {
            found: Some(bought()),
            basis: RenewalBasis {
                partner: contact(),
                country: Country::parse("SE").unwrap(),
                catalog: catalog(),
                rules: Vec::new(),
                subscription: Some(Subscription {
                    id: subscription(),
                    name: "Produktion".to_owned(),
                    status: SubscriptionStatus::Active,
                    partner: testing::partner(),
                    entitlement: EntitlementId(Uuid::from_u128(0x66)),
                    offer: AzureOffer::AzurePlan,
                    entitlement_status: SubscriptionStatus::Active,
                }),
                scope_in_context: true,
                owners: Vec::new(),
            },
        }
    }

    fn decide(state: RenewalState, partner: bool, at: Timestamp) -> String {
        let command = RenewReservation { order: ORDER, reservation: RESERVATION };
        let owner = (OWNER, ArmScope::ReservationOrder(ORDER));
        let permit = if partner {
            testing::permit_partner_with(&command, &[owner])
        } else {
            testing::permit_customer(&command, Some(owner))
        };
        outcome(&command.decide(&permit, state, at), |d| {
            let order = &d.receipt.order;
            format!("{} x {} from {} to {}", order.quantity, order.prices.customer, order.starts_at, order.expires_at)
        })
    }

    #[test]
    fn r20_r24_the_partner_renews_at_the_price_of_the_day_from_the_end_of_the_term() {
        let with = |change: fn(&mut RenewalState)| {
            let mut state = state();
            change(&mut state);
            state
        };
        let in_june = "2027-06-01T12:00:00Z".parse().unwrap();
        let twice: fn(&mut RenewalState) = |s| {
            let old = &mut s.found.as_mut().unwrap().reservations[0];
            old.lineage = Lineage { renewed_as: Some((ORDER, RESERVATION)), ..Lineage::default() };
        };
        let larger: fn(&mut RenewalState) = |s| {
            let mut wanted = terms(s.found.as_ref().unwrap(), &s.found.as_ref().unwrap().reservations[0]);
            wanted.item.sku = SkuName::parse("standard_d4s_v5").unwrap();
            s.found.as_mut().unwrap().reservations[0].renew_as = Some(wanted);
        };
        for (state, partner, expected) in [
            (state(), true, "4 x 1000.00 EUR from 2027-11-01T08:00:00Z to 2028-11-01T08:00:00Z"),
            (state(), false, "ask Nordmoln AB (hjalp@nordmoln.example)"),
            (with(larger), true, "4 x 2000.00 EUR from 2027-11-01T08:00:00Z"),
            (with(twice), true, "is renewed already"),
            (with(|s| s.basis.subscription = None), true, "there is no Azure plan"),
            (with(|s| s.basis.catalog = Arc::new(Catalog::new(Vec::new()).unwrap())), true, "not in the catalog"),
            (with(|s| s.found = None), true, "no reservation"),
        ] {
            let got = decide(state, partner, in_june);
            assert!(got.contains(expected), "{got} is not {expected}");
        }
        assert!(decide(state(), true, bought().order.expires_at).contains("no longer active"));
    }

    #[test]
    fn r24_what_is_renewed_early_is_owed_when_its_term_begins() {
        let found = bought();
        let by = found.order.buyer.clone();
        let early = renew(&state().basis, &found, RESERVATION, &by, testing::now()).unwrap();
        let posted = |changes: &[Change]| changes.iter().filter(|c| matches!(c, Change::LedgerPosted { .. })).count();
        assert_eq!(posted(&early.changes), 0);
        assert_eq!(early.purchased.reservation.phase(&early.purchased.order, testing::now()), Phase::Pending);
        let on_time = renew(&state().basis, &found, RESERVATION, &by, found.order.expires_at).unwrap();
        assert_eq!(posted(&on_time.changes), 1);
        assert_eq!(early.purchased.order.id, on_time.purchased.order.id);
        assert_eq!(on_time.purchased.reservation.lineage.renewed_from, Some((ORDER, RESERVATION)));
    }
}
