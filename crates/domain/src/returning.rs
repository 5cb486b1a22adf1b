//! Giving a reservation back for money: the quote that holds for a while, and the return that pays it (R20, R21, R23).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity::{RecordDraft, Snapshot};
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::Quantity;
use crate::change::{Change, OutgoingEvent, ScheduledInstalment};
use crate::due::{instalment_event, midnight};
use crate::ids::{CustomerId, OrderId, ReservationId, ReservationOrderId};
use crate::ledger::{self, LedgerKind};
use crate::lifecycle::inherited;
use crate::money::{Money, MoneyError};
use crate::obstacle::{PartnerContact, day};
use crate::operation::{self, Operation};
use crate::order::{Buyer, Order, OrderStatus, acting};
use crate::placement::order_snapshot;
use crate::purchase::PartnerOnlyChange;
use crate::refund::{
    Counted, Line, OrderMoney, ReturnKind, ReturnTerms, WindowEntry, consumed, explain, explain_limit, lapses_at,
};
use crate::refund_policy::{RefundPolicy, RefundRules, is_returnable};
use crate::refusal::Refusal;
use crate::renewal::partners_own;
use crate::reservation::{Ending, OrderWithReservations, Reservation, ReservationOrder, ReservationState};
use crate::role_assignment::RoleAssignment;

/// Asks what a return would give back. The answer holds for [`crate::refund_policy::RETURN_QUOTE_MINUTES`] and is what is
/// paid.
#[derive(Debug, Clone)]
pub struct QuoteRefund {
    /// Names the quote; new.
    pub session: Uuid,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// How many of its instances.
    pub quantity: i64,
}

/// Returns instances of a reservation on a quote.
#[derive(Debug, Clone)]
pub struct ReturnReservation {
    /// The quote.
    pub session: Uuid,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation that was quoted.
    pub reservation: ReservationId,
    /// How many of its instances were quoted.
    pub quantity: i64,
    /// Why, in the words of whoever returns it.
    pub reason: Option<String>,
}

/// What a refund was quoted at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundQuote {
    /// Names it; it is paid once.
    pub session: Uuid,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// The order's etag then: another return makes a new quote necessary.
    pub order_etag: i64,
    /// When it was made.
    pub quoted_at: Timestamp,
    /// From when it no longer holds.
    pub lapses_at: Timestamp,
    /// When it was paid.
    pub used_at: Option<Timestamp>,
    /// What it comes to.
    pub terms: ReturnTerms,
    /// What it counts against the limit.
    pub counted: Counted,
}

impl RefundQuote {
    /// Every number of it, and where it comes from: the customer's side, the partner's, the limit.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn explain(&self) -> Result<Explanation, MoneyError> {
        Ok(Explanation {
            customer: explain(&self.terms, &self.terms.customer)?,
            partner: explain(&self.terms, &self.terms.partner)?,
            limit: explain_limit(&self.terms, &self.counted)?,
        })
    }
}

/// A refund explained line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What the customer owes the partner less.
    pub customer: Vec<Line>,
    /// What the partner owes its supplier less. For the partner's eyes only (R14).
    pub partner: Vec<Line>,
    /// How it stands against the limit.
    pub limit: Vec<Line>,
}

/// What quoting and returning look at.
#[derive(Debug, Clone)]
pub struct ReturnState {
    /// The order with its reservations and its payments.
    pub held: Option<Held>,
    /// Whom the customer is to ask.
    pub partner: PartnerContact,
    /// Policies and rates.
    pub rules: RefundRules,
    /// What counts, or counted, against the limit of this customer with this partner.
    pub window: Vec<WindowEntry>,
    /// The quote, where one is named.
    pub quote: Option<RefundQuote>,
}

/// An order that something is given back of.
#[derive(Debug, Clone)]
pub struct Held {
    /// The order with its reservations.
    pub found: OrderWithReservations,
    /// Its payments.
    pub money: OrderMoney,
    /// Role assignments at its reservations, which what is left of one keeps.
    pub assignments: Vec<RoleAssignment>,
    /// The commercial order that brought it.
    pub commerce: Commerce,
}

/// A commercial order of which something is given back.
#[derive(Debug, Clone)]
pub struct Commerce {
    /// The order.
    pub order: Order,
    /// The reservation orders of its lines that were given back before.
    pub returned: BTreeSet<ReservationOrderId>,
}

/// A refund, quoted; and what stands in the way of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedRefund {
    /// The quote.
    pub quote: RefundQuote,
    /// Why it cannot be returned: the limit, or the kind of product. The return would be refused for the same.
    pub problems: Vec<Refusal>,
}

/// What a refund was quoted at, and whether it was paid.
#[derive(Debug, Clone)]
pub struct GetRefundQuote {
    /// The quote.
    pub session: Uuid,
    /// The order.
    pub order: ReservationOrderId,
}

impl Action for GetRefundQuote {
    const OPERATION: Operation = operation::READ_REFUND_QUOTE;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Query for GetRefundQuote {
    /// None for whoever may not return the order.
    type Answer = Option<QuotedRefund>;
}

impl GetRefundQuote {
    /// A quote as whoever may return the order sees it; what stands in its way is looked at while it is not paid.
    pub fn seen(&self, permit: &Permit<Self>, quote: RefundQuote, order: &ReservationOrder) -> Option<QuotedRefund> {
        let may = permit.is_partner()
            && order.partner == permit.partner()
            && (permit.standing().is_admin_agent()
                || permit.allows(QUOTE_ACTION, &order.scope())
                || permit.allows(QUOTE_ACTION, &ArmScope::Subscription(order.subscription)));
        let problems = if quote.used_at.is_some() { Vec::new() } else { problems(order, &quote.counted) };
        (may && quote.order == order.id).then_some(QuotedRefund { quote, problems })
    }
}

/// Why a quoted refund cannot be paid.
fn problems(order: &ReservationOrder, counted: &Counted) -> Vec<Refusal> {
    returnable(order).err().into_iter().chain(counted.check().err()).collect()
}

/// What a return brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The order as it is now.
    pub found: OrderWithReservations,
    /// What was paid.
    pub quote: RefundQuote,
}

/// A return as it is kept: for the limit, and for what later returns of the same order give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnMade {
    /// Names it.
    pub id: Uuid,
    /// The quote it was paid on.
    pub session: Uuid,
    /// For money, or for another reservation.
    pub kind: ReturnKind,
    /// When.
    pub at: Timestamp,
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation that was given back.
    pub reservation: ReservationId,
    /// What it came to.
    pub terms: ReturnTerms,
    /// What it counts against the limit.
    pub counted: Money,
    /// Who returned it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

pub(crate) const QUOTE_ACTION: &str = "Microsoft.Capacity/reservationOrders/calculaterefund/action";
pub(crate) const RETURN_ACTION: &str = "Microsoft.Capacity/reservationOrders/return/action";
pub(crate) const READ_ACTION: &str = "Microsoft.Capacity/reservationOrders/read";

impl Action for QuoteRefund {
    const OPERATION: Operation = operation::QUOTE_REFUND;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Command for QuoteRefund {
    type State = ReturnState;
    type Receipt = QuotedRefund;

    /// Whoever may see the order; the others are turned down without the lock.
    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        permit.allows(READ_ACTION, &ArmScope::ReservationOrder(self.order))
    }

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: ReturnState,
        now: Timestamp,
    ) -> Result<Decision<QuotedRefund>, Refusal> {
        let missing = Refusal::ReservationNotFound { order: self.order, reservation: self.reservation };
        let order = state.held.as_ref().map(|held| &held.found.order);
        partners_own(permit, PartnerOnlyChange::Refund, &state.partner, QUOTE_ACTION, self.order, order)?;
        let held = state.held.ok_or(missing)?;
        let reservation = held.found.live(self.reservation, now)?;
        let policy = state.rules.policy(day(now));
        let lapses_at = lapses_at(now, [(&held.found, &held.money)].into_iter());
        let mut money = held.money.clone();
        let kind = ReturnKind::Refund;
        let terms = money.take(&held.found.order, reservation, self.quantity, kind, &policy, now)?;
        let counted = Counted::of(&terms, &state.rules, &state.window, now)?;
        let problems = problems(&held.found.order, &counted);
        let quote = RefundQuote {
            session: self.session,
            order: self.order,
            reservation: self.reservation,
            order_etag: held.found.order.etag,
            quoted_at: now,
            lapses_at,
            used_at: None,
            terms,
            counted,
        };
        let record = RecordDraft { subject: self.subject(), old: None, new: None, details: details(&quote)? };
        let change = Change::RefundQuoted(Box::new(quote.clone()));
        Ok(Decision::changed(QuotedRefund { quote, problems }, vec![change], record))
    }

    fn subject(&self) -> String {
        self.reservation.to_string()
    }
}

/// # Errors
/// [`Refusal::NotReturnable`] for kinds that cannot be given back.
pub(crate) fn returnable(order: &ReservationOrder) -> Result<(), Refusal> {
    let kind = order.resource_type;
    if is_returnable(kind) { Ok(()) } else { Err(Refusal::NotReturnable { kind }) }
}

/// What a return gives back and why, for the log.
pub(crate) fn details(quote: &RefundQuote) -> Result<Vec<(String, String)>, MoneyError> {
    let mut details = vec![
        ("ReservationOrderId".to_owned(), quote.order.to_string()),
        ("SessionId".to_owned(), quote.session.to_string()),
        ("Quantity".to_owned(), quote.terms.quantity.to_string()),
    ];
    // Only what concerns the customer: its own people may come to see the log of its reservations.
    let explained = quote.explain()?;
    for line in explained.customer.into_iter().chain(explained.limit) {
        let amount = line.amount.map(|amount| format!("{amount}: ")).unwrap_or_default();
        details.push((line.code.to_owned(), format!("{amount}{}", line.text)));
    }
    Ok(details)
}

impl Action for ReturnReservation {
    const OPERATION: Operation = operation::RETURN_RESERVATION;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Command for ReturnReservation {
    type State = ReturnState;
    type Receipt = Returned;

    /// Whoever may see the order; the others are turned down without the lock.
    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        permit.allows(READ_ACTION, &ArmScope::ReservationOrder(self.order))
    }

    fn decide(&self, permit: &Permit<Self>, state: ReturnState, now: Timestamp) -> Result<Decision<Returned>, Refusal> {
        let missing = Refusal::ReservationNotFound { order: self.order, reservation: self.reservation };
        let order = state.held.as_ref().map(|held| &held.found.order);
        partners_own(permit, PartnerOnlyChange::Refund, &state.partner, RETURN_ACTION, self.order, order)?;
        let mut held = state.held.ok_or(missing)?;
        let quote = state.quote.ok_or(Refusal::ReturnQuoteMissing { session: self.session })?;
        let asked = (self.order, self.reservation, self.quantity);
        if (quote.order, quote.reservation, quote.terms.quantity) != asked {
            return Err(Refusal::ReturnQuoteDiffers { session: self.session });
        }
        usable(self.session, quote.used_at, quote.lapses_at, now)?;
        held.found.live(self.reservation, now)?;
        if held.found.order.etag != quote.order_etag {
            return Err(Refusal::ReturnQuoteStale { session: self.session });
        }
        returnable(&held.found.order)?;
        // Other returns may have used the limit up since.
        let policy = state.rules.policy(day(now));
        let before = consumed(&state.window, &policy, now)?;
        Counted { before, limit: policy.limit, ..quote.counted.clone() }.check()?;
        let by = acting(permit);
        let mut giving = Giving::new(self.session, &by, now);
        giving.catch_up(&held);
        giving.give_back(&mut held, self.reservation, &quote.terms, ReturnKind::Refund)?;
        let made = ReturnMade {
            id: Uuid::new_v5(&self.session, b"made"),
            session: self.session,
            kind: ReturnKind::Refund,
            at: now,
            order: self.order,
            reservation: giving.given_back.last().copied().unwrap_or(self.reservation),
            terms: quote.terms.clone(),
            counted: quote.counted.amount,
            by: by.name.clone(),
            reason: self.reason.clone(),
        };
        giving.changes.push(Change::ReturnMade(Box::new(made)));
        giving.changes.push(Change::RefundQuoteUsed { session: self.session, at: now });
        giving.settle(&mut held, "reservation.returned");
        let (old, new) = giving.cancel_orders(std::iter::once(&held));
        let quote = RefundQuote { used_at: Some(now), ..quote };
        let mut details = details(&quote)?;
        details.insert(0, ("OrderId".to_owned(), held.commerce.order.id.to_string()));
        details.extend(self.reason.clone().map(|reason| ("Reason".to_owned(), reason)));
        let record = RecordDraft { subject: self.subject(), old, new, details };
        Ok(Decision::changed(Returned { found: held.found, quote }, giving.changes, record))
    }

    fn subject(&self) -> String {
        self.reservation.to_string()
    }
}

/// # Errors
/// [`Refusal::ReturnQuoteUsed`], [`Refusal::ReturnQuoteLapsed`].
pub(crate) fn usable(
    session: Uuid,
    used_at: Option<Timestamp>,
    lapses_at: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    if let Some(at) = used_at {
        return Err(Refusal::ReturnQuoteUsed { session, at });
    }
    if now >= lapses_at {
        return Err(Refusal::ReturnQuoteLapsed { session, at: lapses_at });
    }
    Ok(())
}

/// The changes of one or more returns under one quote.
pub(crate) struct Giving<'a> {
    session: Uuid,
    by: &'a Buyer,
    now: Timestamp,
    pub changes: Vec<Change>,
    /// What has been given back, each as it ended.
    pub given_back: Vec<ReservationId>,
}

impl<'a> Giving<'a> {
    pub fn new(session: Uuid, by: &'a Buyer, now: Timestamp) -> Self {
        Self { session, by, now, changes: Vec::new(), given_back: Vec::new() }
    }

    /// Posts what has fallen due and is not in the ledger yet, so that nothing comes back that was not charged.
    pub fn catch_up(&mut self, held: &Held) {
        let today = day(self.now);
        for instalment in held.money.instalments.iter().filter(|i| i.due <= today && i.posted.is_none()) {
            let event = instalment_event(held.found.order.id, instalment.number);
            self.changes.push(Change::LedgerPosted {
                event,
                kind: LedgerKind::Instalment,
                partner: held.found.order.partner,
                at: midnight(instalment.due),
                subject: held.found.order.id.to_string(),
                quantity: held.money.left,
                transfers: ledger::charge(instalment.partner, instalment.customer),
            });
            self.changes.push(Change::InstalmentPosted {
                order: held.found.order.id,
                number: instalment.number,
                event,
            });
        }
    }

    /// Gives instances back at terms: the reservation ends; what is left of it goes on under the same order.
    pub fn give_back(
        &mut self,
        held: &mut Held,
        id: ReservationId,
        terms: &ReturnTerms,
        kind: ReturnKind,
    ) -> Result<(), Refusal> {
        let old = held.found.live(id, self.now)?.clone();
        let ending = match kind {
            ReturnKind::Refund => Ending::Returned,
            ReturnKind::Exchange => Ending::Exchanged,
        };
        let rest = old.quantity.instances().saturating_sub(terms.quantity);
        match Quantity::new(rest) {
            // All of it.
            Err(_) => self.update(held, old.ended(ending, self.by, self.now)),
            Ok(rest) => {
                let part = |name: &str| ReservationId(Uuid::new_v5(&old.id.0, name.as_bytes()));
                let quantity = Quantity::new(terms.quantity)
                    .map_err(|_| Refusal::RefundQuantity { quantity: terms.quantity, of: old.quantity })?;
                let whole = old.ended(Ending::Split, self.by, self.now);
                let mut given = old.successor(part("returned"), quantity, self.by, self.now);
                given.lineage.source = Some(old.id);
                given.state = ReservationState::Cancelled;
                given.ending = Some(ending);
                let mut kept = old.successor(part("kept"), rest, self.by, self.now);
                kept.lineage.source = Some(old.id);
                self.given_back.push(given.id);
                let roles = inherited(&held.assignments, std::slice::from_ref(&whole), &kept, self.by, self.now);
                self.update(held, whole);
                for new in [given, kept] {
                    held.found.apply(&new);
                    self.changes.push(Change::ReservationCreated(Box::new(new)));
                }
                self.changes.extend(roles.into_iter().map(Change::RoleAssigned));
            }
        }
        if rest == 0 {
            self.given_back.push(old.id);
        }
        self.post(held, terms, kind)
    }

    fn update(&mut self, held: &mut Held, new: Reservation) {
        held.found.apply(&new);
        self.changes.push(Change::ReservationUpdated(Box::new(new)));
    }

    fn post(&mut self, held: &mut Held, terms: &ReturnTerms, kind: ReturnKind) -> Result<(), Refusal> {
        let (customer, partner) = (&terms.customer, &terms.partner);
        let number = self.given_back.len();
        let order = &held.found.order;
        let mut post = |kind, name: &str, transfers| {
            self.changes.push(Change::LedgerPosted {
                event: Uuid::new_v5(&self.session, format!("{name} {number}").as_bytes()),
                kind,
                partner: order.partner,
                at: self.now,
                subject: order.id.to_string(),
                quantity: terms.quantity,
                transfers,
            });
        };
        let credited = match kind {
            ReturnKind::Refund => LedgerKind::Refund,
            ReturnKind::Exchange => LedgerKind::ExchangeReturn,
        };
        if customer.credit.amount_e6 != 0 || partner.credit.amount_e6 != 0 {
            post(credited, "credit", ledger::credit(partner.credit, customer.credit));
        }
        if customer.fee.amount_e6 != 0 || partner.fee.amount_e6 != 0 {
            post(LedgerKind::Fee, "fee", ledger::charge(partner.fee, customer.fee));
        }
        // What is still to be paid for what is left.
        held.money.reduce(terms)?;
        Ok(())
    }

    /// Ends with an order: what is still to be paid, and what has become of it.
    pub fn settle(&mut self, held: &mut Held, event: &'static str) {
        let order = &mut held.found.order;
        order.etag = order.etag.saturating_add(1);
        if held.money.left == 0 {
            order.state = ReservationState::Cancelled;
        }
        let today = day(self.now);
        let instalments: Vec<ScheduledInstalment> =
            held.money.instalments.iter().filter(|i| i.due > today).cloned().collect();
        self.changes.push(Change::InstalmentsReplaced { order: order.id, instalments });
        self.changes.push(Change::ReservationOrderUpdated(Box::new(order.clone())));
        self.changes.push(Change::EventRaised(OutgoingEvent {
            id: Uuid::new_v5(&self.session, order.id.to_string().as_bytes()),
            partner: order.partner,
            kind: event,
            at: self.now,
            subject: order.id.to_string(),
        }));
    }

    /// Ends with the commercial orders of which nothing is left. Gives them as they were and as they are, for the record.
    pub fn cancel_orders<'h>(
        &mut self,
        all: impl Iterator<Item = &'h Held> + Clone,
    ) -> (Option<Snapshot>, Option<Snapshot>) {
        let now_cancelled = all.clone().filter(|held| held.found.order.state == ReservationState::Cancelled);
        let before = all.clone().flat_map(|held| held.commerce.returned.iter().copied());
        let cancelled: BTreeSet<ReservationOrderId> =
            now_cancelled.map(|held| held.found.order.id).chain(before).collect();
        // Several lines of one order are one order.
        let orders: BTreeMap<&OrderId, &Order> =
            all.map(|held| (&held.commerce.order.id, &held.commerce.order)).collect();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for order in orders.into_values() {
            if order.status == OrderStatus::Cancelled || !order.is_given_back(&cancelled) {
                continue;
            }
            self.changes.push(Change::OrderCancelled(order.id.clone()));
            old.push(order_snapshot(order));
            new.push(order_snapshot(&Order { status: OrderStatus::Cancelled, ..order.clone() }));
        }
        (one_or_list(old), one_or_list(new))
    }
}

fn one_or_list(mut snapshots: Vec<Snapshot>) -> Option<Snapshot> {
    match snapshots.len() {
        0 | 1 => snapshots.pop(),
        _ => Some(Snapshot::List(snapshots)),
    }
}

/// What counts against the limit of returns, for a customer with the actor's partner (R23).
#[derive(Debug, Clone)]
pub struct GetRefundWindow {
    /// Which customer.
    pub customer: CustomerId,
    /// At which instant.
    pub now: Timestamp,
}

impl Action for GetRefundWindow {
    const OPERATION: Operation = operation::READ_REFUND_WINDOW;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetRefundWindow {
    type Answer = RefundWindow;
}

/// The ledger of the limit: every return that ever counted, and what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundWindow {
    /// The policy in force.
    pub policy: RefundPolicy,
    /// Every return, oldest first, and until when it counts.
    pub entries: Vec<(WindowEntry, Timestamp)>,
    /// What counts now.
    pub consumed: Money,
    /// What is left.
    pub left: Money,
}

impl RefundWindow {
    /// Adds up what counts at an instant.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn of(entries: Vec<WindowEntry>, rules: &RefundRules, now: Timestamp) -> Result<Self, MoneyError> {
        let policy = rules.policy(day(now));
        let consumed = consumed(&entries, &policy, now)?;
        let left = policy.limit.plus(consumed.negated())?;
        let entries = entries.into_iter().map(|entry| (entry.clone(), policy.counts_until(entry.at))).collect();
        Ok(Self { policy, entries, consumed, left })
    }
}

/// What a return of a customer came to, both sides of it.
#[derive(Debug, Clone)]
pub struct ExplainReturn {
    /// Which customer.
    pub customer: CustomerId,
    /// The quote it was paid on.
    pub session: Uuid,
}

impl Action for ExplainReturn {
    const OPERATION: Operation = operation::READ_REFUND_WINDOW;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ExplainReturn {
    /// None where the customer made no such return with the actor's partner.
    type Answer = Option<RefundQuote>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Term;
    use crate::ids::EntitlementId;
    use crate::order::{OrderLine, OrderedItem};
    use crate::testing::{held, item, now, subscription};

    /// An order whose lines bought these reservation orders, or plans; of which these were given back before.
    fn of_lines(lines: &[Option<u128>], returned: &[u128]) -> Commerce {
        let Commerce { mut order, .. } = held(item()).commerce;
        let line = order.lines.remove(0);
        let lines = lines.iter().zip(0_i64..).map(|(bought, number)| OrderLine {
            number,
            item: match bought {
                Some(id) => OrderedItem::Reservation {
                    reservation_order: ReservationOrderId(Uuid::from_u128(*id)),
                    subscription: subscription(),
                    term: Term::P1Y,
                },
                None => OrderedItem::AzurePlan { entitlement: EntitlementId(Uuid::from_u128(9)) },
            },
            ..line.clone()
        });
        order.lines = lines.collect();
        Commerce { order, returned: returned.iter().map(|id| ReservationOrderId(Uuid::from_u128(*id))).collect() }
    }

    /// Gives back these reservation orders of the order at once; whether it is cancelled.
    fn is_cancelled(commerce: &Commerce, given_back: &[u128]) -> bool {
        let given = given_back.iter().map(|id| {
            let mut one = Held { commerce: commerce.clone(), ..held(item()) };
            one.found.order.id = ReservationOrderId(Uuid::from_u128(*id));
            one.found.order.state = ReservationState::Cancelled;
            one
        });
        let given: Vec<Held> = given.collect();
        let by = given[0].found.order.buyer.clone();
        let mut giving = Giving::new(Uuid::from_u128(7), &by, now());
        let (old, new) = giving.cancel_orders(given.iter());
        assert_eq!((old.is_some(), new.is_some()), (!giving.changes.is_empty(), !giving.changes.is_empty()));
        match &giving.changes[..] {
            [] => false,
            [Change::OrderCancelled(id)] => *id == commerce.order.id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_commercial_order_is_cancelled_when_the_last_of_it_is_given_back() {
        // What its lines bought, what was given back before, what is given back now.
        for (lines, before, now, expected) in [
            (&[Some(1)][..], &[][..], &[1][..], true),
            (&[Some(1), Some(2)], &[], &[1], false),
            (&[Some(1), Some(2)], &[2], &[1], true),
            (&[Some(1), Some(2)], &[], &[1, 2], true),
            (&[Some(1), Some(2), Some(3)], &[3], &[1], false),
            (&[Some(1), None], &[], &[1], false),
        ] {
            assert_eq!(is_cancelled(&of_lines(lines, before), now), expected, "{lines:?} {before:?} {now:?}");
        }
        let mut ended = of_lines(&[Some(1)], &[]);
        ended.order.status = OrderStatus::Cancelled;
        assert!(!is_cancelled(&ended, &[1]), "once");
    }
}
