//! Cancelling a commercial order: everything that is left of it is returned at once, at what it gives back that day (R21, R23).
//!
//! The original lets programs cancel orders of reservations for [`CANCELLATION_DAYS`] and no longer. Nobody is shown a quote
//! before, so the record and the quotes that are kept with the returns explain every number.

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity::RecordDraft;
use crate::authz::{Action, Command, Decision, Permit, Target};
use crate::change::Change;
use crate::ids::{CustomerId, OrderId, ReservationId};
use crate::operation::{self, Operation};
use crate::order::{Order, OrderStatus, OrderedItem, acting};
use crate::refund::{Counted, ReturnKind, WindowEntry};
use crate::refund_policy::RefundRules;
use crate::refusal::Refusal;
use crate::returning::{Giving, Held, RefundQuote, ReturnMade, details, returnable};

/// For how long after it was placed an order can be cancelled as a whole.
pub const CANCELLATION_DAYS: i64 = 60;

/// Cancels a commercial order.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub order: OrderId,
    /// Names what is done; new.
    pub session: Uuid,
}

/// Why an order cannot be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Uncancellable {
    /// It is cancelled already, or nothing of it runs any more.
    #[error("nothing of it is left")]
    NothingLeft,
    /// It bought a plan, too.
    #[error("it bought an Azure plan, which ends with its subscription")]
    HasPlan,
    /// It was placed too long ago.
    #[error("it was placed more than {CANCELLATION_DAYS} days ago; return its reservations on a quote")]
    TooOld,
}

/// What cancelling looks at.
#[derive(Debug, Clone)]
pub struct CancelState {
    /// The order, if there is one.
    pub order: Option<Order>,
    /// The reservation orders of its lines.
    pub held: Vec<Held>,
    /// Policies and rates.
    pub rules: RefundRules,
    /// What counts, or counted, against the limit of this customer with this partner.
    pub window: Vec<WindowEntry>,
}

impl Action for CancelOrder {
    const OPERATION: Operation = operation::CANCEL_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for CancelOrder {
    type State = CancelState;
    type Receipt = Order;

    fn decide(
        &self,
        permit: &Permit<Self>,
        mut state: CancelState,
        now: Timestamp,
    ) -> Result<Decision<Order>, Refusal> {
        let order = state.order.take().ok_or_else(|| Refusal::OrderNotFound { order: self.order.clone() })?;
        let stays = |because| Refusal::OrderNotCancellable { order: order.id.clone(), because };
        check(&order, now).map_err(stays)?;
        let by = acting(permit);
        let mut giving = Giving::new(self.session, &by, now);
        let mut records = Vec::new();
        for held in &mut state.held {
            returnable(&held.found.order)?;
            giving.catch_up(held);
            let running = held.found.reservations.iter().filter(|r| r.phase(&held.found.order, now).is_live());
            let running: Vec<ReservationId> = running.map(|reservation| reservation.id).collect();
            for id in &running {
                let quote = quote(self.session, held, *id, &state.rules, &state.window, now)?;
                giving.give_back(held, *id, &quote.terms, ReturnKind::Refund)?;
                let returned = giving.given_back.last().copied().unwrap_or(*id);
                let made = made(&quote, returned, &by.name);
                state.window.push(counting(&made));
                records.extend(details(&quote)?);
                giving.changes.push(Change::RefundQuoted(Box::new(quote.clone())));
                giving.changes.push(Change::ReturnMade(Box::new(made)));
                giving.changes.push(Change::RefundQuoteUsed { session: quote.session, at: now });
            }
            if !running.is_empty() {
                giving.settle(held, "reservation.returned");
            }
        }
        let (old, new) = giving.cancel_orders(state.held.iter());
        if old.is_none() {
            return Err(stays(Uncancellable::NothingLeft));
        }
        records.insert(0, ("OrderId".to_owned(), order.id.to_string()));
        let record = RecordDraft { subject: self.subject(), old, new, details: records };
        let receipt = Order { status: OrderStatus::Cancelled, ..order };
        Ok(Decision::changed(receipt, giving.changes, record))
    }

    fn subject(&self) -> String {
        self.order.to_string()
    }
}

fn check(order: &Order, now: Timestamp) -> Result<(), Uncancellable> {
    if order.status == OrderStatus::Cancelled {
        return Err(Uncancellable::NothingLeft);
    }
    if order.lines.iter().any(|line| !matches!(line.item, OrderedItem::Reservation { .. })) {
        return Err(Uncancellable::HasPlan);
    }
    let hours = jiff::Span::new().hours(CANCELLATION_DAYS.saturating_mul(24));
    let until = order.placed_at.checked_add(hours).unwrap_or(Timestamp::MAX);
    if now >= until { Err(Uncancellable::TooOld) } else { Ok(()) }
}

/// What all of a reservation gives back, as a quote that is used as it is made.
fn quote(
    session: Uuid,
    held: &Held,
    id: ReservationId,
    rules: &RefundRules,
    window: &[WindowEntry],
    now: Timestamp,
) -> Result<RefundQuote, Refusal> {
    let reservation = held.found.live(id, now)?;
    let (order, quantity) = (&held.found.order, reservation.quantity.instances());
    let policy = rules.policy(crate::obstacle::day(now));
    let terms = held.money.clone().take(order, reservation, quantity, ReturnKind::Refund, &policy, now)?;
    let counted = Counted::of(&terms, rules, window, now)?;
    counted.check()?;
    Ok(RefundQuote {
        session: Uuid::new_v5(&session, id.0.as_bytes()),
        order: order.id,
        reservation: id,
        order_etag: order.etag,
        quoted_at: now,
        lapses_at: now,
        used_at: None,
        terms,
        counted,
    })
}

fn made(quote: &RefundQuote, returned: ReservationId, by: &str) -> ReturnMade {
    ReturnMade {
        id: Uuid::new_v5(&quote.session, b"made"),
        session: quote.session,
        kind: ReturnKind::Refund,
        at: quote.quoted_at,
        order: quote.order,
        reservation: returned,
        terms: quote.terms.clone(),
        counted: quote.counted.amount,
        by: by.to_owned(),
        reason: None,
    }
}

fn counting(made: &ReturnMade) -> WindowEntry {
    WindowEntry {
        session: made.session,
        at: made.at,
        reservation: made.reservation,
        order: made.order,
        quantity: made.terms.quantity,
        counted: made.counted,
        by: made.by.clone(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::ids::EntitlementId;
    use crate::ledger::{balance, entries};
    use crate::money::Money;
    use crate::reservation::ReservationState;
    use crate::testing::{self, held, item, now};

    fn state() -> CancelState {
        let held = held(item());
        let order = Some(held.commerce.order.clone());
        CancelState { order, held: vec![held], rules: RefundRules::new(Vec::new(), Vec::new()), window: Vec::new() }
    }

    fn cancel(state: CancelState, at: Timestamp) -> Result<Decision<Order>, Refusal> {
        let command = CancelOrder {
            customer: testing::customer(),
            order: OrderId::from_uuid(Uuid::from_u128(1)),
            session: Uuid::from_u128(7),
        };
        command.decide(&testing::permit_partner(&command), state, at)
    }

    #[test]
    fn r21_r23_all_that_is_left_of_an_order_is_returned_as_on_a_quote() {
        let before = state();
        let on_quote = {
            let mut held = before.held[0].clone();
            let reservation = held.found.reservations[0].clone();
            let (order, policy) = (held.found.order.clone(), before.rules.policy(crate::obstacle::day(now())));
            let quantity = reservation.quantity.instances();
            held.money.take(&order, &reservation, quantity, ReturnKind::Refund, &policy, now() + 240.hours()).unwrap()
        };
        let decided = cancel(before, now() + 240.hours()).unwrap();
        assert_eq!(decided.receipt.status, OrderStatus::Cancelled);
        let mut seen = Vec::new();
        for change in &decided.changes {
            match change {
                Change::LedgerPosted { transfers, .. } => {
                    assert_eq!(balance(&entries(transfers)).unwrap().map(|sum| sum.amount_e6), Some(0));
                    seen.push("ledger");
                }
                Change::ReturnMade(made) => {
                    assert_eq!(made.terms, on_quote);
                    seen.push("return");
                }
                Change::ReservationUpdated(ended) => {
                    assert_eq!(ended.state, ReservationState::Cancelled);
                    seen.push("reservation");
                }
                Change::ReservationOrderUpdated(order) => assert_eq!(order.state, ReservationState::Cancelled),
                Change::InstalmentsReplaced { instalments, .. } => assert_eq!(instalments, &[]),
                Change::RefundQuoted(_) => seen.push("quote"),
                Change::RefundQuoteUsed { .. } => seen.push("used"),
                Change::OrderCancelled(_) => seen.push("cancelled"),
                _ => {}
            }
        }
        assert_eq!(seen, ["reservation", "ledger", "ledger", "quote", "return", "used", "cancelled"]);
        let record = decided.record.unwrap();
        assert!(record.old.is_some() && record.new.is_some());
        assert!(record.details.iter().any(|(name, _)| name == "fee"), "{:?}", record.details);
    }

    #[test]
    fn r23_an_order_that_cannot_be_cancelled_says_why() {
        let days = |days: i64| now() + (days * 24).hours();
        let because = |state: CancelState, at| match cancel(state, at) {
            Err(Refusal::OrderNotCancellable { because, .. }) => because,
            other => panic!("{other:?}"),
        };
        assert_eq!(because(state(), days(CANCELLATION_DAYS)), Uncancellable::TooOld);
        assert!(cancel(state(), days(CANCELLATION_DAYS) - 1.second()).is_ok());
        let mut cancelled = state();
        cancelled.order.as_mut().unwrap().status = OrderStatus::Cancelled;
        assert_eq!(because(cancelled, now()), Uncancellable::NothingLeft);
        let mut plan = state();
        let mut line = plan.order.as_ref().unwrap().lines[0].clone();
        line.item = OrderedItem::AzurePlan { entitlement: EntitlementId(Uuid::from_u128(9)) };
        plan.order.as_mut().unwrap().lines.push(line);
        assert_eq!(because(plan, now()), Uncancellable::HasPlan);
        let none = CancelState { order: None, ..state() };
        assert!(matches!(cancel(none, now()), Err(Refusal::OrderNotFound { .. })));
        // The limit is kept here, too.
        let mut used_up = state();
        let limit = used_up.rules.policy(crate::obstacle::day(now())).limit;
        used_up.window.push(WindowEntry {
            session: Uuid::nil(),
            at: now(),
            reservation: testing::RESERVATION,
            order: testing::ORDER,
            quantity: 1,
            counted: Money { amount_e6: limit.amount_e6, ..limit },
            by: "ada@nordmoln.example".to_owned(),
        });
        assert!(matches!(cancel(used_up, now()), Err(Refusal::RefundLimitExceeded { .. })));
    }
}
