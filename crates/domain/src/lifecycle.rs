//! Splitting and merging reservations, hiding those that are over, and their history (R22).

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity::{RecordDraft, Snapshot};
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::Quantity;
use crate::change::Change;
use crate::ids::{ReservationId, ReservationOrderId, RoleAssignmentId};
use crate::obstacle::PartnerContact;
use crate::operation::{self, Operation};
use crate::order::{Buyer, acting};
use crate::purchase::PartnerOnlyChange;
use crate::refusal::Refusal;
use crate::reservation::{AppliedScope, Ending, OrderWithReservations, Reservation};
use crate::reservation_update::snapshot;
use crate::role_assignment::RoleAssignment;

/// What a request to split or merge says of scope and renewal. Both stay as they are: whoever asks for another asks for
/// what only the partner may do, by another door (R20).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Besides {
    /// Where the benefit is to apply.
    pub scope: Option<AppliedScope>,
    /// Whether the results are to renew themselves.
    pub renew: Option<bool>,
}

impl Besides {
    fn check<A>(&self, old: &Reservation, permit: &Permit<A>, contact: &PartnerContact) -> Result<(), Refusal> {
        let other_scope = self.scope.as_ref().is_some_and(|scope| *scope != old.scope);
        let what = match (other_scope, self.renew == Some(true)) {
            (true, _) => PartnerOnlyChange::ScopeChange,
            (false, true) => PartnerOnlyChange::Renewal,
            (false, false) => return Ok(()),
        };
        if permit.is_partner() {
            return Err(Refusal::ChangedElsewhere { what });
        }
        Err(Refusal::PartnerOnly { what, contact: contact.clone() })
    }
}

/// Divides a reservation in two.
#[derive(Debug, Clone)]
pub struct SplitReservation {
    /// The order.
    pub order: ReservationOrderId,
    /// Which reservation.
    pub reservation: ReservationId,
    /// How many instances each part gets: two numbers that add up to what there is.
    pub quantities: Vec<i64>,
    /// What the request says besides.
    pub besides: Besides,
}

/// Makes one reservation of two of the same order.
#[derive(Debug, Clone)]
pub struct MergeReservations {
    /// The order.
    pub order: ReservationOrderId,
    /// Which reservations: two different ones.
    pub reservations: Vec<ReservationId>,
    /// What the request says besides.
    pub besides: Besides,
}

/// What splitting and merging look at.
#[derive(Debug, Clone)]
pub struct LifecycleState {
    /// The order with its reservations.
    pub found: Option<OrderWithReservations>,
    /// Whom to ask for what the customer may not do.
    pub partner: PartnerContact,
    /// Role assignments at reservations of the order, which their successors keep.
    pub assignments: Vec<RoleAssignment>,
}

/// What came of splitting or merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rearranged {
    /// The order with all its reservations.
    pub found: OrderWithReservations,
    /// Those that are no longer active.
    pub sources: Vec<ReservationId>,
    /// Those that go on.
    pub results: Vec<ReservationId>,
}

impl Action for SplitReservation {
    const OPERATION: Operation = operation::SPLIT_RESERVATION;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Command for SplitReservation {
    type State = LifecycleState;
    type Receipt = Rearranged;

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: LifecycleState,
        now: Timestamp,
    ) -> Result<Decision<Rearranged>, Refusal> {
        let missing = Refusal::ReservationNotFound { order: self.order, reservation: self.reservation };
        let found = state.found.as_ref().ok_or(missing)?;
        let old = found.reservation(self.reservation)?;
        self.besides.check(old, permit, &state.partner)?;
        let old = found.live(self.reservation, now)?;
        let refused = || Refusal::SplitQuantities { quantity: old.quantity };
        let parts: Vec<Quantity> =
            self.quantities.iter().map(|n| Quantity::new(*n)).collect::<Result<_, _>>().map_err(|_| refused())?;
        let sum: i64 = parts.iter().map(|part| part.instances()).sum();
        if parts.len() != 2 || sum != old.quantity.instances() {
            return Err(refused());
        }
        let by = acting(permit);
        let results: Vec<Reservation> = parts
            .iter()
            .zip(1_i64..)
            .map(|(quantity, number)| {
                let id = ReservationId(Uuid::new_v5(&old.id.0, format!("split {number}").as_bytes()));
                let mut part = old.successor(id, *quantity, &by, now);
                part.lineage.source = Some(old.id);
                part
            })
            .collect();
        let sources = vec![old.ended(Ending::Split, &by, now)];
        Ok(rearrange(self.subject(), (found, &state.assignments), &sources, &results, &by, now))
    }

    fn subject(&self) -> String {
        self.reservation.to_string()
    }
}

impl Action for MergeReservations {
    const OPERATION: Operation = operation::MERGE_RESERVATIONS;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Command for MergeReservations {
    type State = LifecycleState;
    type Receipt = Rearranged;

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: LifecycleState,
        now: Timestamp,
    ) -> Result<Decision<Rearranged>, Refusal> {
        let (first, second) = match self.reservations.as_slice() {
            [first, second] if first != second => (*first, *second),
            _ => return Err(Refusal::MergeSources),
        };
        let missing = Refusal::ReservationNotFound { order: self.order, reservation: first };
        let found = state.found.as_ref().ok_or(missing)?;
        let (a, b) = (found.reservation(first)?, found.reservation(second)?);
        self.besides.check(a, permit, &state.partner)?;
        let (a, b) = (found.live(a.id, now)?, found.live(b.id, now)?);
        if a.scope != b.scope {
            // One of them would get the other's scope.
            return Err(if permit.is_partner() {
                Refusal::MergeDiffers { what: "scopes" }
            } else {
                Refusal::PartnerOnly { what: PartnerOnlyChange::ScopeChange, contact: state.partner }
            });
        }
        if a.instance_flexibility != b.instance_flexibility {
            return Err(Refusal::MergeDiffers { what: "settings of instance flexibility" });
        }
        if a.lineage.renewed_as.is_some() != b.lineage.renewed_as.is_some() {
            return Err(Refusal::MergeDiffers { what: "renewals" });
        }
        let sum = a.quantity.instances().saturating_add(b.quantity.instances());
        let quantity = Quantity::new(sum).map_err(|_| Refusal::MergeSources)?;
        let by = acting(permit);
        let id = ReservationId(Uuid::new_v5(&a.id.0, b.id.to_string().as_bytes()));
        let merged = Reservation {
            first_used_at: match (a.first_used_at, b.first_used_at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            ..a.successor(id, quantity, &by, now)
        };
        let sources: Vec<Reservation> = [a, b]
            .into_iter()
            .map(|source| {
                let mut source = source.ended(Ending::Merged, &by, now);
                source.lineage.successor = Some(id);
                source
            })
            .collect();
        Ok(rearrange(self.subject(), (found, &state.assignments), &sources, &[merged], &by, now))
    }

    fn subject(&self) -> String {
        self.order.to_string()
    }
}

fn rearrange(
    subject: String,
    (found, assignments): (&OrderWithReservations, &[RoleAssignment]),
    sources: &[Reservation],
    results: &[Reservation],
    by: &Buyer,
    now: Timestamp,
) -> Decision<Rearranged> {
    let list = |all: &[Reservation]| Snapshot::List(all.iter().map(snapshot).collect());
    let is_source = |r: &&Reservation| sources.iter().any(|s| s.id == r.id);
    let before: Vec<Reservation> = found.reservations.iter().filter(is_source).cloned().collect();
    let record = RecordDraft {
        subject,
        old: Some(list(&before)),
        new: Some(list(results)),
        details: vec![("ReservationOrderId".to_owned(), found.order.id.to_string())],
    };
    let mut changes: Vec<Change> = Vec::new();
    changes.extend(sources.iter().map(|r| Change::ReservationUpdated(Box::new(r.clone()))));
    changes.extend(results.iter().map(|r| Change::ReservationCreated(Box::new(r.clone()))));
    for result in results {
        let inherited = inherited(assignments, sources, result, by, now);
        changes.extend(inherited.into_iter().map(Change::RoleAssigned));
    }
    let mut after = found.clone();
    sources.iter().chain(results).for_each(|r| after.apply(r));
    let receipt = Rearranged {
        found: after,
        sources: sources.iter().map(|r| r.id).collect(),
        results: results.iter().map(|r| r.id).collect(),
    };
    Decision::changed(receipt, changes, record)
}

/// Who had a role at all of the sources has it at the result.
pub(crate) fn inherited(
    assignments: &[RoleAssignment],
    sources: &[Reservation],
    result: &Reservation,
    by: &Buyer,
    now: Timestamp,
) -> Vec<RoleAssignment> {
    let at = |source: &Reservation| {
        let key = source.scope_id().key();
        assignments.iter().filter(move |a| a.scope.key() == key)
    };
    let Some(first) = sources.first() else { return Vec::new() };
    at(first)
        .filter(|a| sources.iter().all(|s| at(s).any(|b| b.principal == a.principal && b.role == a.role)))
        .map(|a| RoleAssignment {
            id: RoleAssignmentId(Uuid::new_v5(&result.id.0, format!("{} {}", a.principal, a.role).as_bytes())),
            scope: result.scope_id(),
            created_at: now,
            created_by: by.id.to_string(),
            ..a.clone()
        })
        .collect()
}

/// Hides a reservation that is over from those who look for active ones.
#[derive(Debug, Clone)]
pub struct ArchiveReservation {
    /// The order.
    pub order: ReservationOrderId,
    /// Which.
    pub reservation: ReservationId,
}

/// Shows a hidden reservation again.
#[derive(Debug, Clone)]
pub struct UnarchiveReservation {
    /// The order.
    pub order: ReservationOrderId,
    /// Which.
    pub reservation: ReservationId,
}

macro_rules! archiving {
    ($command:ident, $operation:expr, $archived:literal) => {
        impl Action for $command {
            const OPERATION: Operation = $operation;

            fn target(&self) -> Target {
                Target::Scope(ArmScope::Reservation(self.order, self.reservation))
            }
        }

        impl Command for $command {
            type State = Option<OrderWithReservations>;
            type Receipt = ();

            fn decide(
                &self,
                permit: &Permit<Self>,
                state: Option<OrderWithReservations>,
                now: Timestamp,
            ) -> Result<Decision<()>, Refusal> {
                let missing = Refusal::ReservationNotFound { order: self.order, reservation: self.reservation };
                let found = state.ok_or(missing)?;
                archive(&found, self.reservation, $archived, &acting(permit), now)
            }

            fn subject(&self) -> String {
                self.reservation.to_string()
            }
        }
    };
}

archiving!(ArchiveReservation, operation::ARCHIVE_RESERVATION, true);
archiving!(UnarchiveReservation, operation::UNARCHIVE_RESERVATION, false);

fn archive(
    found: &OrderWithReservations,
    reservation: ReservationId,
    archived: bool,
    by: &Buyer,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let old = found.reservation(reservation)?;
    if old.phase(&found.order, now).is_live() {
        return Err(Refusal::ReservationNotOver { reservation });
    }
    if old.archived == archived {
        return Ok(Decision::unchanged(()));
    }
    let new = Reservation { archived, ..old.revised(by, now, 1) };
    let flag = |archived| Some(Snapshot::Object(vec![("Archived", Snapshot::Flag(archived))]));
    let record = RecordDraft {
        subject: reservation.to_string(),
        old: flag(old.archived),
        new: flag(archived),
        details: vec![("ReservationOrderId".to_owned(), found.order.id.to_string())],
    };
    Ok(Decision::changed((), vec![Change::ReservationUpdated(Box::new(new))], record))
}

/// Which of these scopes a reservation could be applied to: those the same partner bought for this customer (R30, R31).
#[derive(Debug, Clone)]
pub struct CheckScopes {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// The scopes asked about.
    pub scopes: Vec<ArmScope>,
}

impl Action for CheckScopes {
    const OPERATION: Operation = operation::CHECK_SCOPES;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::Reservation(self.order, self.reservation))
    }
}

impl Query for CheckScopes {
    /// Yes or no for each, in the order asked; none where there is no such reservation.
    type Answer = Option<Vec<bool>>;
}

/// What a reservation has been, and who made it so: its revisions, newest first, the present one among them.
#[derive(Debug, Clone)]
pub struct ListRevisions {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
}

impl Action for ListRevisions {
    const OPERATION: Operation = operation::READ_REVISIONS;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::Reservation(self.order, self.reservation))
    }
}

impl Query for ListRevisions {
    /// The order, and the reservation as it was after each change.
    type Answer = Option<(OrderWithReservations, Vec<Reservation>)>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::Phase;
    use crate::role::{OWNER, READER};
    use crate::role_assignment::PrincipalType;
    use crate::testing::{self, ORDER, RESERVATION, bought, contact, outcome};

    fn state() -> LifecycleState {
        LifecycleState { found: Some(bought()), partner: contact(), assignments: Vec::new() }
    }

    fn split(quantities: &[i64]) -> SplitReservation {
        let besides = Besides::default();
        SplitReservation { order: ORDER, reservation: RESERVATION, quantities: quantities.to_vec(), besides }
    }

    fn by_customer<C: Command>(command: &C, state: C::State, now: Timestamp) -> Result<Decision<C::Receipt>, Refusal> {
        let owner = Some((OWNER, ArmScope::ReservationOrder(ORDER)));
        command.decide(&testing::permit_customer(command, owner), state, now)
    }

    fn by_partner<C: Command>(command: &C, state: C::State, now: Timestamp) -> Result<Decision<C::Receipt>, Refusal> {
        let permit = testing::permit_partner_with(command, &[(OWNER, ArmScope::ReservationOrder(ORDER))]);
        command.decide(&permit, state, now)
    }

    /// The reservations as `quantity phase`.
    fn shown(decision: &Decision<Rearranged>) -> String {
        let found = &decision.receipt.found;
        let each = |r: &Reservation| format!("{} {:?}", r.quantity, r.phase(&found.order, testing::now()));
        found.reservations.iter().map(each).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn r22_the_owner_splits_into_two_that_add_up() {
        for (quantities, expected) in [
            (&[1, 3][..], "4 Split, 1 Active, 3 Active"),
            (&[2, 2], "4 Split, 2 Active, 2 Active"),
            (&[4], "two numbers of at least 1 that add up to 4"),
            (&[0, 4], "two numbers of at least 1 that add up to 4"),
            (&[-1, 5], "two numbers of at least 1 that add up to 4"),
            (&[1, 1, 2], "two numbers of at least 1 that add up to 4"),
            (&[2, 3], "two numbers of at least 1 that add up to 4"),
            (&[i64::MAX, 5], "two numbers of at least 1 that add up to 4"),
        ] {
            let decided = by_customer(&split(quantities), state(), testing::now());
            let got = outcome(&decided, shown);
            assert!(got.contains(expected), "{quantities:?}: {got}");
        }
        let over = bought().order.expires_at;
        let late = by_customer(&split(&[1, 3]), state(), over).unwrap_err();
        assert!(matches!(late, Refusal::ReservationNotActive { .. }), "{late}");
    }

    #[test]
    fn r20_split_and_merge_are_no_way_round_the_partner() {
        let single = AppliedScope::Single(ArmScope::Subscription(testing::subscription()));
        let ask = "ask Nordmoln AB (hjalp@nordmoln.example)";
        for (scope, renew, customer, partner) in [
            (Some(single.clone()), None, ask, "change the scope of a reservation on the reservation itself"),
            (None, Some(true), ask, "renew a reservation or set its renewal on the reservation itself"),
            (Some(AppliedScope::Shared), Some(false), "4 Split", "4 Split"),
        ] {
            let command = SplitReservation { besides: Besides { scope, renew }, ..split(&[1, 3]) };
            let got = outcome(&by_customer(&command, state(), testing::now()), shown);
            assert!(got.contains(customer), "{got}");
            let got = outcome(&by_partner(&command, state(), testing::now()), shown);
            assert!(got.contains(partner), "{got}");
        }
        // Merging two of different scopes would change one of them.
        let mut parts = by_partner(&split(&[1, 3]), state(), testing::now()).unwrap().receipt;
        parts.found.reservations[1].scope = single;
        let merge =
            MergeReservations { order: ORDER, reservations: parts.results.clone(), besides: Besides::default() };
        let differing = LifecycleState { found: Some(parts.found), ..state() };
        let got = outcome(&by_customer(&merge, differing.clone(), testing::now()), shown);
        assert!(got.contains(ask), "{got}");
        let got = outcome(&by_partner(&merge, differing, testing::now()), shown);
        assert!(got.contains("their scopes differ"), "{got}");
    }

    #[test]
    fn r22_what_was_split_is_merged_again_and_keeps_its_lineage_and_its_readers() {
        let reader = RoleAssignment {
            id: RoleAssignmentId(Uuid::from_u128(9)),
            principal: testing::olle().principal,
            principal_type: PrincipalType::User,
            role: READER,
            scope: ArmScope::Reservation(ORDER, RESERVATION),
            description: None,
            created_at: testing::now(),
            created_by: "world".to_owned(),
        };
        let with_reader = LifecycleState { assignments: vec![reader], ..state() };
        let parted = by_customer(&split(&[1, 3]), with_reader, testing::now()).unwrap();
        let mut assignments: Vec<RoleAssignment> = Vec::new();
        for change in parted.changes {
            if let Change::RoleAssigned(assignment) = change {
                assignments.push(assignment);
            }
        }
        assert_eq!(assignments.len(), 2);
        let parts = parted.receipt;
        for id in &parts.results {
            assert_eq!(parts.found.reservation(*id).unwrap().lineage.source, Some(RESERVATION));
        }
        let merge = |reservations| MergeReservations { order: ORDER, reservations, besides: Besides::default() };
        let after = LifecycleState { found: Some(parts.found.clone()), partner: contact(), assignments };
        for (sources, expected) in [
            (parts.results.clone(), "4 Split, 1 Merged, 3 Merged, 4 Active"),
            (vec![parts.results[0]], "two different reservations"),
            (vec![parts.results[0], parts.results[0]], "two different reservations"),
            (vec![RESERVATION, parts.results[0]], "no longer active"),
            (vec![parts.results[0], ReservationId(Uuid::from_u128(1))], "no reservation"),
        ] {
            let got = outcome(&by_customer(&merge(sources), after.clone(), testing::now()), shown);
            assert!(got.contains(expected), "{got}");
        }
        let merged = by_customer(&merge(parts.results.clone()), after, testing::now()).unwrap();
        assert!(merged.changes.iter().any(|change| matches!(change, Change::RoleAssigned(_))));
        let found = merged.receipt.found;
        for id in &parts.results {
            assert_eq!(found.reservation(*id).unwrap().lineage.successor, Some(merged.receipt.results[0]));
        }
        assert_eq!(found.quantity_left(), 4);
    }

    #[test]
    fn r24_a_reservation_ends_to_the_second_and_can_be_hidden_then() {
        let found = bought();
        let end = found.order.expires_at;
        let second = jiff::SignedDuration::from_secs(1);
        let month = crate::reservation::EXPIRING;
        for (at, phase) in [
            (found.order.starts_at - second, Phase::Pending),
            (found.order.starts_at, Phase::Active),
            (end - month - second, Phase::Active),
            (end - month, Phase::Expiring),
            (end - second, Phase::Expiring),
            (end, Phase::Expired),
        ] {
            assert_eq!(found.reservations[0].phase(&found.order, at), phase, "{at}");
        }
        let hide = ArchiveReservation { order: ORDER, reservation: RESERVATION };
        let early = by_customer(&hide, Some(bought()), end - second).unwrap_err();
        assert!(matches!(early, Refusal::ReservationNotOver { .. }), "{early}");
        let hidden = by_customer(&hide, Some(bought()), end).unwrap();
        let Some(Change::ReservationUpdated(new)) = hidden.changes.first() else { panic!("{:?}", hidden.changes) };
        assert!(new.archived);
        let shown = OrderWithReservations { reservations: vec![*new.clone()], ..bought() };
        assert!(by_customer(&hide, Some(shown.clone()), end).unwrap().record.is_none());
        let show = UnarchiveReservation { order: ORDER, reservation: RESERVATION };
        assert!(by_customer(&show, Some(shown), end).unwrap().record.is_some());
    }
}
