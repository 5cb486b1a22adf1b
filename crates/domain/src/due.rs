//! What the server does by itself when it falls due: instalments, automatic renewal, the end of a term, and noting that a
//! reservation was used.
//!
//! Every piece of work is a command of its own, decided under the lock of its customer from what is stored then, so that
//! doing it twice does it once. What it writes goes by the instant at which it fell due, not by when it was done.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::activity::RecordDraft;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::change::{Change, OutgoingEvent};
use crate::ids::{CustomerId, PartnerId, ReservationId, ReservationOrderId};
use crate::ledger::{self, LedgerKind};
use crate::money::Money;
use crate::operation::{self, Operation};
use crate::order::acting;
use crate::refusal::Refusal;
use crate::renewal::{self, RenewalBasis};
use crate::reservation::{OrderWithReservations, Reservation, ReservationOrder, ReservationState};

/// Work that nobody asks for. Only the commands of this file are such work.
pub trait DueWork: Command + sealed::Sealed {
    /// Whose it is.
    fn customer(&self) -> CustomerId;

    /// Who pays.
    fn partner(&self) -> PartnerId;
}

mod sealed {
    pub trait Sealed {}
}

/// The beginning of a day, at which what is due on it falls due.
pub fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |start| start.timestamp())
}

/// Posts what a customer's reservations cost on a day: every instalment due then that is not in the ledger yet (R15, R24).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostInstalments {
    /// Whose.
    pub customer: CustomerId,
    /// Who pays.
    pub partner: PartnerId,
    /// The day they are due.
    pub due: Date,
}

/// An instalment that waits for its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingInstalment {
    /// Of which order.
    pub order: ReservationOrderId,
    /// Which of its instalments.
    pub number: i64,
    /// For how many instances.
    pub quantity: i64,
    /// What the partner owes.
    pub partner: Money,
    /// What the customer owes the partner.
    pub customer: Money,
}

/// The event of the ledger that posts an instalment, whoever posts it.
pub fn instalment_event(order: ReservationOrderId, number: i64) -> Uuid {
    Uuid::new_v5(&order.0, format!("instalment {number}").as_bytes())
}

impl Action for PostInstalments {
    const OPERATION: Operation = operation::POST_INSTALMENTS;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for PostInstalments {
    type State = Vec<WaitingInstalment>;
    type Receipt = ();

    fn decide(
        &self,
        _permit: &Permit<Self>,
        waiting: Vec<WaitingInstalment>,
        now: Timestamp,
    ) -> Result<Decision<()>, Refusal> {
        if waiting.is_empty() || now < midnight(self.due) {
            return Ok(Decision::unchanged(()));
        }
        let mut changes = Vec::new();
        let mut details = Vec::new();
        for (instalment, n) in waiting.iter().zip(0_i64..) {
            let event = instalment_event(instalment.order, instalment.number);
            changes.push(Change::LedgerPosted {
                event,
                // The first is posted with its purchase, unless that was a renewal before the old term ended.
                kind: if instalment.number == 1 { LedgerKind::Renewal } else { LedgerKind::Instalment },
                partner: self.partner,
                at: midnight(self.due),
                subject: instalment.order.to_string(),
                quantity: instalment.quantity,
                transfers: ledger::charge(instalment.partner, instalment.customer),
            });
            changes.push(Change::InstalmentPosted { order: instalment.order, number: instalment.number, event });
            details.push((format!("ReservationOrderId-{n}"), instalment.order.to_string()));
            details.push((format!("Instalment-{n}"), instalment.number.to_string()));
            details.push((format!("Amount-{n}"), instalment.customer.to_string()));
        }
        let record = RecordDraft { subject: self.subject(), old: None, new: None, details };
        Ok(Decision::changed((), changes, record))
    }

    fn subject(&self) -> String {
        self.due.to_string()
    }
}

impl sealed::Sealed for PostInstalments {}

impl DueWork for PostInstalments {
    fn customer(&self) -> CustomerId {
        self.customer
    }

    fn partner(&self) -> PartnerId {
        self.partner
    }
}

/// Renews a reservation whose term is over, because the partner set it to renew itself (R20, R24): at the partner's price of
/// that day. What stands in the way is written into the log, and the reservation renews itself no longer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RenewWhenDue {
    /// Whose.
    pub customer: CustomerId,
    /// Who pays.
    pub partner: PartnerId,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
}

impl Action for RenewWhenDue {
    const OPERATION: Operation = operation::RENEW_WHEN_DUE;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for RenewWhenDue {
    type State = Option<(OrderWithReservations, RenewalBasis)>;
    type Receipt = ();

    fn decide(&self, permit: &Permit<Self>, state: Self::State, now: Timestamp) -> Result<Decision<()>, Refusal> {
        let Some((found, basis)) = state else { return Ok(Decision::unchanged(())) };
        let at = found.order.expires_at;
        let Ok(old) = found.reservation(self.reservation) else { return Ok(Decision::unchanged(())) };
        if found.order.state != ReservationState::Succeeded || now < at || !renews_itself(old) {
            return Ok(Decision::unchanged(()));
        }
        let by = acting(permit);
        match renewal::renew(&basis, &found, self.reservation, &by, at) {
            Ok(renewed) => Ok(Decision::changed((), renewed.changes, renewed.record)),
            Err(refusal) => {
                let given_up = Reservation { renew: false, ..old.revised(&by, at, 1) };
                let event = OutgoingEvent {
                    id: Uuid::new_v5(&old.id.0, b"not renewed"),
                    partner: self.partner,
                    kind: "reservation.not-renewed",
                    at,
                    subject: old.order.to_string(),
                };
                let changes = vec![Change::ReservationUpdated(Box::new(given_up)), Change::EventRaised(event)];
                let details = vec![
                    ("ReservationOrderId".to_owned(), old.order.to_string()),
                    ("NotRenewed".to_owned(), refusal.to_string()),
                ];
                let record = RecordDraft { subject: self.subject(), old: None, new: None, details };
                Ok(Decision::changed((), changes, record))
            }
        }
    }

    fn subject(&self) -> String {
        self.reservation.to_string()
    }
}

/// Whether the end of the term renews a reservation.
fn renews_itself(reservation: &Reservation) -> bool {
    let running = reservation.state == ReservationState::Succeeded;
    running && reservation.renew && reservation.lineage.renewed_as.is_none()
}

impl sealed::Sealed for RenewWhenDue {}

impl DueWork for RenewWhenDue {
    fn customer(&self) -> CustomerId {
        self.customer
    }

    fn partner(&self) -> PartnerId {
        self.partner
    }
}

/// Ends the term of a reservation order and of what is left under it, once all is renewed that renews itself (R24).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpireReservationOrder {
    /// Whose.
    pub customer: CustomerId,
    /// Who pays.
    pub partner: PartnerId,
    /// Which.
    pub order: ReservationOrderId,
}

impl Action for ExpireReservationOrder {
    const OPERATION: Operation = operation::EXPIRE_RESERVATION_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for ExpireReservationOrder {
    type State = Option<OrderWithReservations>;
    type Receipt = ();

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: Option<OrderWithReservations>,
        now: Timestamp,
    ) -> Result<Decision<()>, Refusal> {
        let Some(OrderWithReservations { order, reservations, .. }) = state else { return Ok(Decision::unchanged(())) };
        let waits = reservations.iter().any(renews_itself);
        if order.state != ReservationState::Succeeded || now < order.expires_at || waits {
            return Ok(Decision::unchanged(()));
        }
        let at = order.expires_at;
        let details = vec![
            ("ReservationOrderId".to_owned(), order.id.to_string()),
            ("DisplayName".to_owned(), order.display_name.to_string()),
            ("ExpiredAt".to_owned(), at.to_string()),
        ];
        let mut changes: Vec<Change> = reservations
            .into_iter()
            .filter(|reservation| reservation.state == ReservationState::Succeeded)
            .map(|reservation| Reservation {
                state: ReservationState::Expired,
                ..reservation.revised(&acting(permit), at, 1)
            })
            .map(|expired| Change::ReservationUpdated(Box::new(expired)))
            .collect();
        changes.push(Change::EventRaised(OutgoingEvent {
            id: Uuid::new_v5(&order.id.0, b"expired"),
            partner: order.partner,
            kind: "reservation.expired",
            at,
            subject: order.id.to_string(),
        }));
        changes.push(Change::ReservationOrderUpdated(Box::new(ReservationOrder {
            state: ReservationState::Expired,
            etag: order.etag.saturating_add(1),
            ..order
        })));
        let record = RecordDraft { subject: self.subject(), old: None, new: None, details };
        Ok(Decision::changed((), changes, record))
    }

    fn subject(&self) -> String {
        self.order.to_string()
    }
}

impl sealed::Sealed for ExpireReservationOrder {}

impl DueWork for ExpireReservationOrder {
    fn customer(&self) -> CustomerId {
        self.customer
    }

    fn partner(&self) -> PartnerId {
        self.partner
    }
}

/// Notes that a reservation's benefit has been used, so that a return no longer gives everything back (R23). Only the first
/// use is kept. What became of the reservation since has been used too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteUse {
    /// Whose.
    pub customer: CustomerId,
    /// Who pays.
    pub partner: PartnerId,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// The hour that was covered.
    pub at: Timestamp,
}

impl Action for NoteUse {
    const OPERATION: Operation = operation::NOTE_USE;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for NoteUse {
    type State = Option<OrderWithReservations>;
    type Receipt = ();

    fn decide(&self, permit: &Permit<Self>, state: Self::State, now: Timestamp) -> Result<Decision<()>, Refusal> {
        let Some(found) = state else { return Ok(Decision::unchanged(())) };
        let by = acting(permit);
        let mut changes = vec![Change::UseNoted(self.reservation)];
        for old in found.reservations.iter().filter(|one| self.concerns(&found, one)) {
            if old.first_used_at.is_none_or(|first| self.at < first) {
                let new = Reservation { first_used_at: Some(self.at), ..old.revised(&by, now, 1) };
                changes.push(Change::ReservationUpdated(Box::new(new)));
            }
        }
        if changes.len() == 1 {
            return Ok(Decision::unchanged(()));
        }
        let record = RecordDraft {
            subject: self.subject(),
            old: None,
            new: None,
            details: vec![("FirstUsedAt".to_owned(), self.at.to_string())],
        };
        Ok(Decision::changed((), changes, record))
    }

    fn subject(&self) -> String {
        self.reservation.to_string()
    }
}

impl NoteUse {
    /// Whether a reservation is the one that was used, or came from it. Where each came from was there before it.
    fn concerns(&self, found: &OrderWithReservations, one: &Reservation) -> bool {
        let comes_from = |source: &Reservation| {
            let made_of = one.lineage.source == Some(source.id) || source.lineage.successor == Some(one.id);
            made_of && self.concerns(found, source)
        };
        one.id == self.reservation || found.reservations.iter().any(comes_from)
    }
}

impl sealed::Sealed for NoteUse {}

impl DueWork for NoteUse {
    fn customer(&self) -> CustomerId {
        self.customer
    }

    fn partner(&self) -> PartnerId {
        self.partner
    }
}

/// May the actor move the clock of this server, as one of those who run a partner?
#[derive(Debug, Clone)]
pub struct MayMoveClock;

impl Action for MayMoveClock {
    const OPERATION: Operation = operation::MOVE_CLOCK;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for MayMoveClock {
    type Answer = ();
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;
    use crate::authz::permit_due;
    use crate::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
    use crate::ids::{OrderId, PrincipalId, SubscriptionId};
    use crate::ledger::{balance, entries};
    use crate::money::Currency;
    use crate::order::{BoughtBy, Buyer, UnitPrices};
    use crate::reservation::{AppliedScope, DisplayName, Lineage};
    use crate::testing::{self, outcome};

    fn eur(amount_e6: i64) -> Money {
        Money { amount_e6, currency: Currency::parse("EUR").unwrap() }
    }

    fn order_id() -> ReservationOrderId {
        ReservationOrderId(Uuid::from_u128(0x44))
    }

    #[test]
    fn r15_r24_instalments_of_a_day_are_posted_in_full_and_balance() {
        let work =
            PostInstalments { customer: testing::customer(), partner: testing::partner(), due: date(2026, 12, 1) };
        let permit = permit_due(&work);
        let waiting: Vec<WaitingInstalment> = [3, 9]
            .map(|number| WaitingInstalment {
                order: order_id(),
                number,
                quantity: 2,
                partner: eur(73),
                customer: eur(81),
            })
            .into();
        let early = work.decide(&permit, waiting.clone(), midnight(work.due) - 1.second()).unwrap();
        assert!(early.changes.is_empty() && early.record.is_none());
        let decided = work.decide(&permit, waiting, midnight(work.due)).unwrap();
        let mut numbers = Vec::new();
        for change in &decided.changes {
            match change {
                Change::LedgerPosted { kind, at, transfers, .. } => {
                    assert_eq!((*kind, at.to_string().as_str()), (LedgerKind::Instalment, "2026-12-01T00:00:00Z"));
                    assert_eq!(balance(&entries(transfers)), Ok(Some(eur(0))));
                }
                Change::InstalmentPosted { number, .. } => numbers.push(*number),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(numbers, [3, 9]);
        let nothing = work.decide(&permit, Vec::new(), midnight(work.due)).unwrap();
        assert!(nothing.changes.is_empty() && nothing.record.is_none());
    }

    fn bought(state: ReservationState) -> OrderWithReservations {
        let now = testing::now();
        let name = || DisplayName::parse("prov").unwrap();
        let buyer = || Buyer { side: BoughtBy::Partner, id: PrincipalId(Uuid::nil()), name: "ada".to_owned() };
        let reservation = |n: u128, state| Reservation {
            id: ReservationId(Uuid::from_u128(n)),
            order: order_id(),
            display_name: name(),
            quantity: Quantity::new(1).unwrap(),
            scope: AppliedScope::Shared,
            instance_flexibility: true,
            renew: false,
            renew_as: None,
            archived: false,
            state,
            ending: None,
            lineage: Lineage::default(),
            etag: 1,
            review_at: None,
            first_used_at: None,
            created_at: now,
            updated_at: now,
            changed_by: buyer(),
        };
        let order = ReservationOrder {
            id: order_id(),
            customer: testing::customer(),
            partner: testing::partner(),
            order: OrderId::from_uuid(Uuid::from_u128(5)),
            line: 0,
            subscription: SubscriptionId(Uuid::from_u128(0x33)),
            display_name: name(),
            sku: SkuName::parse("Standard_D2s_v5").unwrap(),
            region: Region::parse("swedencentral").unwrap(),
            resource_type: ReservedResourceType::VirtualMachines,
            term: Term::P1Y,
            plan: BillingPlan::Upfront,
            quantity: Quantity::new(1).unwrap(),
            prices: UnitPrices { list: eur(3), partner: eur(1), customer: eur(2) },
            requested_at: now,
            starts_at: now,
            expires_at: now + 100.seconds(),
            state,
            etag: 1,
            buyer: buyer(),
        };
        OrderWithReservations {
            order,
            reservations: vec![
                reservation(1, ReservationState::Cancelled),
                reservation(2, ReservationState::Succeeded),
            ],
            subscription_names: std::collections::BTreeMap::new(),
        }
    }

    /// What comes of an order, some seconds after its purchase.
    fn check(state: Option<OrderWithReservations>, seconds: i64) -> String {
        let work =
            ExpireReservationOrder { customer: testing::customer(), partner: testing::partner(), order: order_id() };
        let decided = work.decide(&permit_due(&work), state, testing::now() + seconds.seconds());
        outcome(&decided, |decision| {
            let expired = decision.changes.iter().filter_map(|change| match change {
                Change::ReservationUpdated(reservation) => {
                    Some(format!("{} {}", reservation.state.name(), reservation.updated_at - testing::now()))
                }
                Change::ReservationOrderUpdated(order) => Some(format!("order {}", order.state.name())),
                _ => None,
            });
            expired.collect::<Vec<_>>().join(", ")
        })
    }

    #[test]
    fn r23_the_first_use_counts_for_what_became_of_the_reservation_too() {
        let mut found = bought(ReservationState::Succeeded);
        found.reservations[0].ending = Some(crate::reservation::Ending::Split);
        found.reservations[1].lineage.source = Some(found.reservations[0].id);
        let at = testing::now();
        let note = |found: &OrderWithReservations, at| {
            let work = NoteUse {
                customer: testing::customer(),
                partner: testing::partner(),
                order: order_id(),
                reservation: ReservationId(Uuid::from_u128(1)),
                at,
            };
            work.decide(&permit_due(&work), Some(found.clone()), testing::now()).unwrap()
        };
        for change in note(&found, at).changes {
            if let Change::ReservationUpdated(new) = change {
                found.apply(&new);
            }
        }
        assert_eq!(found.reservations.iter().map(|r| r.first_used_at).collect::<Vec<_>>(), [Some(at); 2]);
        assert!(note(&found, at + 1.hour()).record.is_none(), "only the first use is kept");
        assert_eq!(note(&found, at - 1.hour()).changes.len(), 3);
    }

    #[test]
    fn r24_a_term_ends_at_its_second_once() {
        let succeeded = || Some(bought(ReservationState::Succeeded));
        assert_eq!(check(succeeded(), 99), "");
        assert_eq!(check(succeeded(), 100), "expired PT100S, order expired");
        assert_eq!(check(succeeded(), 900_000), "expired PT100S, order expired");
        assert_eq!(check(Some(bought(ReservationState::Expired)), 900_000), "");
        assert_eq!(check(Some(bought(ReservationState::Cancelled)), 900_000), "");
        assert_eq!(check(None, 900_000), "");
        let mut renewing = bought(ReservationState::Succeeded);
        renewing.reservations[1].renew = true;
        assert_eq!(check(Some(renewing.clone()), 100), "", "it is renewed first");
        renewing.reservations[1].lineage.renewed_as = Some((order_id(), ReservationId(Uuid::from_u128(2))));
        assert_eq!(check(Some(renewing), 100), "expired PT100S, order expired");
    }
}
