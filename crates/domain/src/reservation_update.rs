//! What can be changed after the purchase, and by whom (R20-R22).

use jiff::Timestamp;

use crate::activity::{RecordDraft, Snapshot};
use crate::arm_scope::ArmScope;
use std::sync::Arc;

use crate::authz::{Action, Command, Decision, Permit, Target};
use crate::catalog::Catalog;
use crate::change::Change;
use crate::ids::{ReservationId, ReservationOrderId};
use crate::market::Country;
use crate::obstacle::{PartnerContact, day};
use crate::operation::{self, Operation};
use crate::order::acting;
use crate::purchase::PartnerOnlyChange;
use crate::refusal::Refusal;
use crate::reservation::{AppliedScope, DisplayName, Ending, OrderWithReservations, RenewalTerms, Reservation};

/// Changes a reservation: its name, its size flexibility, its reminder; for the partner also its scope and its renewal.
/// What is given and is so already does not count as a change.
#[derive(Debug, Clone)]
pub struct UpdateReservation {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation under it.
    pub reservation: ReservationId,
    /// A new name.
    pub display_name: Option<DisplayName>,
    /// Whether other sizes of the group are covered too.
    pub instance_flexibility: Option<bool>,
    /// When someone wants to be reminded of it.
    pub review_at: Option<Timestamp>,
    /// Where the benefit applies.
    pub scope: Option<AppliedScope>,
    /// Whether it renews itself at the end.
    pub renew: Option<bool>,
    /// As what it is to be renewed, where not as the same again.
    pub renewal_terms: Option<RenewalTerms>,
}

/// What a change looks at.
#[derive(Debug, Clone)]
pub struct UpdateState {
    /// The order with its reservations.
    pub found: Option<OrderWithReservations>,
    /// Whom to ask for what the customer may not do.
    pub partner: PartnerContact,
    /// Whether the scope asked for lies in what this partner bought for this customer.
    pub scope_in_context: bool,
    /// Whether subscription and scope of the renewal asked for lie there, too.
    pub renewal_in_context: bool,
    /// The customer's country.
    pub country: Country,
    /// The price sheet in force.
    pub catalog: Arc<Catalog>,
}

impl Action for UpdateReservation {
    const OPERATION: Operation = operation::UPDATE_RESERVATION;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::Reservation(self.order, self.reservation))
    }
}

impl Command for UpdateReservation {
    type State = UpdateState;
    /// The order, and the reservation as it is now.
    type Receipt = (OrderWithReservations, Reservation);

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: UpdateState,
        now: Timestamp,
    ) -> Result<Decision<Self::Receipt>, Refusal> {
        let missing = Refusal::ReservationNotFound { order: self.order, reservation: self.reservation };
        let Some(mut found) = state.found else {
            return Err(missing);
        };
        let old = found.reservation(self.reservation)?.clone();
        let other_scope = self.scope.as_ref().filter(|scope| **scope != old.scope);
        let other_renewal = self.renew.filter(|renew| *renew != old.renew);
        if !permit.is_partner() {
            let forbidden = match (other_scope, other_renewal, &self.renewal_terms) {
                (Some(_), _, _) => Some(PartnerOnlyChange::ScopeChange),
                (None, Some(_), _) | (None, None, Some(_)) => Some(PartnerOnlyChange::Renewal),
                (None, None, None) => None,
            };
            if let Some(what) = forbidden {
                return Err(Refusal::PartnerOnly { what, contact: state.partner });
            }
        }
        if !old.phase(&found.order, now).is_live() {
            return Err(Refusal::ReservationNotActive { reservation: self.reservation });
        }
        if let (Some(AppliedScope::Single(scope)), false) = (other_scope, state.scope_in_context) {
            return Err(Refusal::ScopeOutsideContext { scope: scope.clone() });
        }
        if let Some(terms) = &self.renewal_terms {
            if !state.renewal_in_context {
                let named = terms.scope.scope().cloned();
                let scope = named.unwrap_or(ArmScope::Subscription(terms.subscription));
                return Err(Refusal::ScopeOutsideContext { scope });
            }
            state.catalog.find(&terms.item.wanted(state.partner.currency, state.country, day(now)))?;
        }
        let renew = other_renewal.unwrap_or(old.renew);
        let new = Reservation {
            display_name: self.display_name.clone().unwrap_or_else(|| old.display_name.clone()),
            instance_flexibility: self.instance_flexibility.unwrap_or(old.instance_flexibility),
            review_at: self.review_at.or(old.review_at),
            scope: other_scope.cloned().unwrap_or_else(|| old.scope.clone()),
            renew,
            renew_as: self.renewal_terms.clone().or_else(|| old.renew_as.clone()).filter(|_| renew),
            ..old.clone()
        };
        if new == old {
            let scope_only = self.scope.is_some() && self.display_name.is_none() && self.instance_flexibility.is_none();
            return Err(Refusal::NothingToChange { scope_only });
        }
        // A change shows as two revisions: under way, and done.
        let new = new.revised(&acting(permit), now, 2);
        let record = RecordDraft {
            subject: self.subject(),
            old: Some(snapshot(&old)),
            new: Some(snapshot(&new)),
            details: vec![("ReservationOrderId".to_owned(), self.order.to_string())],
        };
        found.apply(&new);
        let change = Change::ReservationUpdated(Box::new(new.clone()));
        Ok(Decision::changed((found, new), vec![change], record))
    }

    fn subject(&self) -> String {
        self.reservation.to_string()
    }
}

/// What the activity log keeps of a reservation.
pub(crate) fn snapshot(reservation: &Reservation) -> Snapshot {
    Snapshot::Object(vec![
        ("Id", Snapshot::text(reservation.scope_id())),
        ("DisplayName", Snapshot::text(&reservation.display_name)),
        ("Quantity", Snapshot::Number(reservation.quantity.instances())),
        ("State", Snapshot::text(reservation.ending.map_or(reservation.state.name(), Ending::name))),
        ("InstanceFlexibility", Snapshot::Flag(reservation.instance_flexibility)),
        ("AppliedScopeType", Snapshot::text(reservation.scope.type_name())),
        ("AppliedScope", Snapshot::optional(reservation.scope.scope())),
        ("Renew", Snapshot::Flag(reservation.renew)),
        ("ReviewDateTime", Snapshot::optional(reservation.review_at)),
    ])
}

/// Asks for what this server does for nobody (another directory), or in a way that names nothing it could be done to. The
/// customer, who may not at all, is told whom to ask (R20).
#[derive(Debug, Clone)]
pub struct ChangePurchase {
    /// The order or reservation, or all of them.
    pub scope: ArmScope,
    /// What is asked for.
    pub what: PartnerOnlyChange,
    /// The action of access control that it needs.
    pub action: &'static str,
}

impl Action for ChangePurchase {
    const OPERATION: Operation = operation::CHANGE_PURCHASE;

    fn target(&self) -> Target {
        Target::Scope(self.scope.clone())
    }
}

impl Command for ChangePurchase {
    /// Whom the customer is to ask; `None` where no partner serves it.
    type State = Option<PartnerContact>;
    type Receipt = ();

    /// Whoever may see what it is about; the others are turned down without the lock.
    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        permit.allows("Microsoft.Capacity/reservationOrders/read", &self.scope)
    }

    fn decide(&self, permit: &Permit<Self>, state: Self::State, _now: Timestamp) -> Result<Decision<()>, Refusal> {
        if !permit.is_partner()
            && let Some(contact) = state
        {
            return Err(Refusal::PartnerOnly { what: self.what, contact });
        }
        if !permit.allows(self.action, &self.scope) && !permit.standing().is_admin_agent() {
            return Err(Refusal::ScopeNotYours { action: self.action, scope: self.scope.clone() });
        }
        match self.what {
            PartnerOnlyChange::DirectoryChange => Err(Refusal::NotOffered { what: self.what }),
            // Who asks may; what is asked for is somewhere else.
            _ => Ok(Decision::unchanged(())),
        }
    }

    fn subject(&self) -> String {
        self.scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::SubscriptionId;
    use crate::role::OWNER;
    use crate::testing::{self, ORDER, RESERVATION, bought, catalog, contact, item, outcome, subscription};

    fn state() -> UpdateState {
        UpdateState {
            found: Some(bought()),
            partner: contact(),
            scope_in_context: true,
            renewal_in_context: true,
            country: Country::parse("SE").unwrap(),
            catalog: catalog(),
        }
    }

    fn command() -> UpdateReservation {
        UpdateReservation {
            order: ORDER,
            reservation: RESERVATION,
            display_name: None,
            instance_flexibility: None,
            review_at: None,
            scope: None,
            renew: None,
            renewal_terms: None,
        }
    }

    fn terms(sku: &str) -> RenewalTerms {
        RenewalTerms {
            subscription: subscription(),
            item: crate::obstacle::Item { sku: crate::catalog::SkuName::parse(sku).unwrap(), ..item() },
            scope: AppliedScope::Shared,
            display_name: None,
            instance_flexibility: true,
        }
    }

    fn customers<A: Action>(action: &A) -> Permit<A> {
        testing::permit_customer(action, Some((OWNER, ArmScope::ReservationOrder(ORDER))))
    }

    fn partners<A: Action>(action: &A) -> Permit<A> {
        testing::permit_partner_with(action, &[(OWNER, ArmScope::ReservationOrder(ORDER))])
    }

    fn shown(decided: &Result<Decision<(OrderWithReservations, Reservation)>, Refusal>) -> String {
        outcome(decided, |d| format!("etag {}", d.receipt.1.etag))
    }

    #[test]
    fn r20_r22_the_customer_renames_and_the_partner_does_the_rest() {
        let other = AppliedScope::Single(ArmScope::Subscription(SubscriptionId(Uuid::from_u128(0x33))));
        let renamed = UpdateReservation { display_name: DisplayName::parse("Nytt-namn").ok(), ..command() };
        let ask = "ask Nordmoln AB (hjalp@nordmoln.example)";
        for (command, customer, partner) in [
            (renamed.clone(), "etag 3", "etag 3"),
            (UpdateReservation { renew: Some(false), ..renamed.clone() }, "etag 3", "etag 3"),
            (UpdateReservation { scope: Some(AppliedScope::Shared), ..renamed }, "etag 3", "etag 3"),
            (UpdateReservation { instance_flexibility: Some(false), ..command() }, "etag 3", "etag 3"),
            (UpdateReservation { review_at: Some(testing::now()), ..command() }, "etag 3", "etag 3"),
            (UpdateReservation { renew: Some(true), ..command() }, ask, "etag 3"),
            (UpdateReservation { scope: Some(other), ..command() }, ask, "etag 3"),
            (UpdateReservation { renewal_terms: Some(terms("Standard_D2s_v5")), ..command() }, ask, "as it is"),
            (
                UpdateReservation { renew: Some(true), renewal_terms: Some(terms("Standard_D2s_v5")), ..command() },
                ask,
                "etag 3",
            ),
            (UpdateReservation { renewal_terms: Some(terms("Standard_D9")), ..command() }, ask, "not in the catalog"),
            (UpdateReservation { renew: Some(false), ..command() }, "as it is", "as it is"),
            (command(), "as it is", "as it is"),
            (
                UpdateReservation { reservation: ReservationId(Uuid::from_u128(1)), ..command() },
                "no reservation",
                "no reservation",
            ),
        ] {
            let by_customer = shown(&command.decide(&customers(&command), state(), testing::now()));
            assert!(by_customer.contains(customer), "{by_customer} is not {customer}");
            let by_partner = shown(&command.decide(&partners(&command), state(), testing::now()));
            assert!(by_partner.contains(partner), "{by_partner} is not {partner}");
        }
    }

    #[test]
    fn what_is_over_or_out_of_context_is_not_changed() {
        let scope = AppliedScope::Single(ArmScope::Subscription(SubscriptionId(Uuid::from_u128(0x34))));
        let command = UpdateReservation { scope: Some(scope), ..command() };
        let outside = UpdateState { scope_in_context: false, ..state() };
        let refused = shown(&command.decide(&partners(&command), outside, testing::now()));
        assert!(refused.contains("not among the subscriptions"), "{refused}");
        let mut over = state();
        over.found.as_mut().unwrap().order.expires_at = testing::now();
        let refused = shown(&command.decide(&partners(&command), over, testing::now()));
        assert!(refused.contains("no longer active"), "{refused}");
    }

    #[test]
    fn r20_a_customer_is_told_whom_to_ask() {
        for what in [PartnerOnlyChange::Exchange, PartnerOnlyChange::Refund] {
            let action = "Microsoft.Capacity/reservationOrders/return/action";
            let command = ChangePurchase { scope: ArmScope::ReservationOrder(ORDER), what, action };
            let refused = command.decide(&customers(&command), Some(contact()), testing::now()).unwrap_err();
            assert!(refused.to_string().contains("ask Nordmoln AB (hjalp@nordmoln.example)"), "{refused}");
            assert!(command.decide(&partners(&command), Some(contact()), testing::now()).unwrap().record.is_none());
        }
    }
}
