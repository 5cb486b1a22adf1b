//! Exchange: reservations given back and others bought instead, in one commit (R20, R21, R23).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity::RecordDraft;
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::{Catalog, NotForSale};
use crate::change::Change;
use crate::ids::{OrderId, PrincipalId, ReservationId, ReservationOrderId, SubscriptionId};
use crate::ledger::LedgerKind;
use crate::market::Country;
use crate::money::{Money, MoneyError};
use crate::obstacle::{Circumstances, Item, PartnerContact, day, obstacles};
use crate::operation::{self, Operation};
use crate::order::{UnitPrices, acting};
use crate::placement::{Placement, Purchased, order_record, place, reservation_scope};
use crate::price_rule::PriceRule;
use crate::purchase::PartnerOnlyChange;
use crate::quote::unit_prices;
use crate::refund::{ReturnKind, ReturnTerms, lapses_at};
use crate::refund_policy::{RefundRules, is_exchangeable_for};
use crate::refusal::Refusal;
use crate::renewal::partners_own;
use crate::reservation::{AppliedScope, DisplayName};
use crate::returning::{Giving, Held, READ_ACTION, ReturnMade, returnable, usable};
use crate::role_assignment::PrincipalType;
use crate::subscription::Subscription;

/// Something that is to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToReturn {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// How many of its instances.
    pub quantity: i64,
}

/// Something that is to be bought instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToPurchase {
    /// The new order's identifier.
    pub order: ReservationOrderId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What.
    pub item: Item,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// A name for people.
    pub display_name: Option<DisplayName>,
    /// Whether other sizes of the group are covered too.
    pub instance_flexibility: bool,
    /// Whether it renews itself.
    pub renew: bool,
}

/// Asks what an exchange would come to. The answer holds for [`crate::refund_policy::RETURN_QUOTE_MINUTES`].
#[derive(Debug, Clone)]
pub struct QuoteExchange {
    /// Names the quote; new.
    pub session: Uuid,
    /// What is given back; the first decides which partner is asked.
    pub returns: Vec<ToReturn>,
    /// What is bought.
    pub purchases: Vec<ToPurchase>,
}

/// Makes a quoted exchange.
#[derive(Debug, Clone)]
pub struct ExchangeReservations {
    /// The quote.
    pub session: Uuid,
}

/// A return at its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedReturn {
    /// What.
    pub wanted: ToReturn,
    /// The order's etag then.
    pub order_etag: i64,
    /// What it comes to.
    pub terms: ReturnTerms,
}

/// A purchase at its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedPurchase {
    /// What, in the catalogue's spelling.
    pub wanted: ToPurchase,
    /// What one instance costs for the term.
    pub prices: UnitPrices,
}

impl QuotedPurchase {
    /// What it costs the customer in all.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn total(&self) -> Result<Money, MoneyError> {
        self.prices.customer.times(self.wanted.item.quantity.instances())
    }
}

/// What an exchange was quoted at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeQuote {
    /// Names it; it is used once.
    pub session: Uuid,
    /// Who asked.
    pub asked_by: PrincipalId,
    /// What is given back.
    pub returns: Vec<QuotedReturn>,
    /// What is bought.
    pub purchases: Vec<QuotedPurchase>,
    /// When it was made.
    pub quoted_at: Timestamp,
    /// From when it no longer holds.
    pub lapses_at: Timestamp,
    /// When it was made use of.
    pub used_at: Option<Timestamp>,
    /// Whether buying this for that is against the rules, and why.
    pub problem: Option<ExchangeProblem>,
}

/// Why an exchange cannot be made as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeProblem {
    /// A short stable word for programs.
    pub code: String,
    /// In words.
    pub message: String,
}

impl ExchangeQuote {
    /// The operation that calculated it, which has a name of its own.
    pub fn calculation(session: Uuid) -> Uuid {
        Uuid::new_v5(&session, b"calculation")
    }

    /// The commitment that is given back: what comes back, and what is not charged any more.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn returned(&self) -> Result<Money, MoneyError> {
        let mut sum: Option<Money> = None;
        for returned in &self.returns {
            let cancelled = returned.terms.customer.cancelled()?;
            sum = Some(sum.map_or(Ok(cancelled), |sum| sum.plus(cancelled))?);
        }
        sum.ok_or(MoneyError::Overflow)
    }

    /// The whole price of what is bought.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn bought(&self) -> Result<Money, MoneyError> {
        let mut sum: Option<Money> = None;
        for purchase in &self.purchases {
            let total = purchase.total()?;
            sum = Some(sum.map_or(Ok(total), |sum| sum.plus(total))?);
        }
        sum.ok_or(MoneyError::Overflow)
    }
}

/// What a purchase of an exchange rests on.
#[derive(Debug, Clone)]
pub struct PurchaseBasis {
    /// The billing subscription.
    pub subscription: Option<Subscription>,
    /// Whether the scope lies in what this partner bought for this customer.
    pub scope_in_context: bool,
    /// The customer's own Owners of the billing subscription.
    pub owners: Vec<(PrincipalId, PrincipalType)>,
}

/// What an exchange looks at.
#[derive(Debug, Clone)]
pub struct ExchangeState {
    /// The orders that something is given back of.
    pub held: BTreeMap<ReservationOrderId, Held>,
    /// Whom the customer is to ask.
    pub partner: PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// The price sheet in force.
    pub catalog: Arc<Catalog>,
    /// The partner's price rules that may concern this customer.
    pub price_rules: Vec<PriceRule>,
    /// Policies and rates.
    pub rules: RefundRules,
    /// For each purchase, in order.
    pub purchases: Vec<PurchaseBasis>,
    /// The quote, where one is named.
    pub quote: Option<ExchangeQuote>,
}

/// What an exchange brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// What it was quoted at.
    pub quote: ExchangeQuote,
    /// What was bought, in the order of the quote.
    pub purchased: Vec<Purchased>,
}

const QUOTE_ACTION: &str = "Microsoft.Capacity/calculateexchange/action";
const EXCHANGE_ACTION: &str = "Microsoft.Capacity/exchange/action";

impl ExchangeState {
    fn held(&mut self, wanted: &ToReturn) -> Result<&mut Held, Refusal> {
        let (order, reservation) = (wanted.order, wanted.reservation);
        self.held.get_mut(&order).ok_or(Refusal::ReservationNotFound { order, reservation })
    }

    /// Whoever asks may give all of these back.
    fn check_returns<A>(&self, permit: &Permit<A>, action: &'static str, returns: &[&ToReturn]) -> Result<(), Refusal> {
        if returns.is_empty() {
            let nowhere = ReservationOrderId(Uuid::nil());
            partners_own(permit, PartnerOnlyChange::Exchange, &self.partner, action, nowhere, None)?;
        }
        for wanted in returns {
            let order = self.held.get(&wanted.order).map(|held| &held.found.order);
            // What another partner sold is not there.
            let order = order.filter(|order| !permit.is_partner() || order.partner == permit.partner());
            partners_own(permit, PartnerOnlyChange::Exchange, &self.partner, action, wanted.order, order)?;
            let (order_id, reservation) = (wanted.order, wanted.reservation);
            order.ok_or(Refusal::ReservationNotFound { order: order_id, reservation })?;
        }
        Ok(())
    }

    /// Everything that stands in the way of a purchase.
    fn check_purchase(&self, buyer: &str, wanted: &ToPurchase, number: usize, now: Timestamp) -> Result<(), Refusal> {
        let Some(basis) = self.purchases.get(number) else { return Err(Refusal::ExchangeIncomplete) };
        let obstacles = obstacles(&Circumstances {
            by_partner: true,
            owner: None,
            buyer,
            partner: &self.partner,
            country: self.country,
            policy: None,
            subscription: basis.subscription.as_ref().filter(|s| s.partner == self.partner.id),
            item: Some(&wanted.item),
            scope_in_context: basis.scope_in_context,
            scope: &wanted.scope,
            catalog: &self.catalog,
            today: day(now),
        });
        if obstacles.is_empty() { Ok(()) } else { Err(Refusal::PurchaseNotAllowed { obstacles }) }
    }
}

impl Action for QuoteExchange {
    const OPERATION: Operation = operation::QUOTE_EXCHANGE;

    fn target(&self) -> Target {
        self.returns
            .first()
            .map_or(Target::Scope(ArmScope::Capacity), |first| Target::Scope(ArmScope::ReservationOrder(first.order)))
    }
}

impl Command for QuoteExchange {
    type State = ExchangeState;
    type Receipt = ExchangeQuote;

    /// Whoever may see the first order; the others are turned down without the lock.
    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        self.returns.first().is_some_and(|first| permit.allows(READ_ACTION, &ArmScope::ReservationOrder(first.order)))
    }

    fn decide(
        &self,
        permit: &Permit<Self>,
        mut state: ExchangeState,
        now: Timestamp,
    ) -> Result<Decision<ExchangeQuote>, Refusal> {
        let returns: Vec<&ToReturn> = self.returns.iter().collect();
        state.check_returns(permit, QUOTE_ACTION, &returns)?;
        let twice = |wanted: &ToReturn| self.returns.iter().filter(|r| r.reservation == wanted.reservation).count() > 1;
        if self.returns.is_empty() || self.purchases.is_empty() || self.returns.iter().any(twice) {
            return Err(Refusal::ExchangeIncomplete);
        }
        let today = day(now);
        let policy = state.rules.policy(today);
        let lapses_at = lapses_at(now, state.held.values().map(|held| (&held.found, &held.money)));
        let mut quoted_returns = Vec::new();
        for wanted in &self.returns {
            let held = state.held(wanted)?;
            returnable(&held.found.order)?;
            let reservation = held.found.live(wanted.reservation, now)?.clone();
            let order = held.found.order.clone();
            let kind = ReturnKind::Exchange;
            let terms = held.money.take(&order, &reservation, wanted.quantity, kind, &policy, now)?;
            for purchase in &self.purchases {
                let (from, to) = (order.resource_type, purchase.item.resource_type);
                if !is_exchangeable_for(from, to) {
                    return Err(Refusal::NotExchangeable { from, to });
                }
            }
            quoted_returns.push(QuotedReturn { wanted: wanted.clone(), order_etag: order.etag, terms });
        }
        let mut quoted_purchases = Vec::new();
        for (number, wanted) in self.purchases.iter().enumerate() {
            state.check_purchase(&permit.actor().name, wanted, number, now)?;
            let offer = state.catalog.find(&wanted.item.wanted(state.partner.currency, state.country, today))?;
            let (prices, _) = unit_prices(offer, &state.price_rules, permit.customer(), today)?;
            let item = Item { sku: offer.sku.clone(), region: offer.region.clone(), ..wanted.item.clone() };
            quoted_purchases.push(QuotedPurchase { wanted: ToPurchase { item, ..wanted.clone() }, prices });
        }
        let mut quote = ExchangeQuote {
            session: self.session,
            asked_by: permit.actor().principal,
            returns: quoted_returns,
            purchases: quoted_purchases,
            quoted_at: now,
            lapses_at,
            used_at: None,
            problem: None,
        };
        quote.problem = large_enough(&quote).err().map(|refusal| ExchangeProblem {
            code: "ExchangePurchaseTooSmall".to_owned(),
            message: refusal.to_string(),
        });
        let record = RecordDraft { subject: self.subject(), old: None, new: None, details: details(&quote)? };
        let change = Change::ExchangeQuoted(Box::new(quote.clone()));
        Ok(Decision::changed(quote, vec![change], record))
    }

    fn subject(&self) -> String {
        self.session.to_string()
    }
}

/// # Errors
/// [`Refusal::ExchangeTooSmall`], [`Refusal::Money`] where currencies differ.
fn large_enough(quote: &ExchangeQuote) -> Result<(), Refusal> {
    let (bought, returned) = (quote.bought()?, quote.returned()?);
    let rest = bought.plus(returned.negated())?;
    if rest.amount_e6 < 0 { Err(Refusal::ExchangeTooSmall { bought, returned }) } else { Ok(()) }
}

fn details(quote: &ExchangeQuote) -> Result<Vec<(String, String)>, MoneyError> {
    let mut details = vec![("SessionId".to_owned(), quote.session.to_string())];
    for (returned, n) in quote.returns.iter().zip(0_i64..) {
        let refund = returned.terms.customer.refund()?;
        let what = format!("{} of {}: {refund}", returned.wanted.quantity, returned.wanted.reservation);
        details.push((format!("Returned-{n}"), what));
    }
    for (purchase, n) in quote.purchases.iter().zip(0_i64..) {
        let wanted = &purchase.wanted;
        let what =
            format!("{} of {} in {}: {}", wanted.item.quantity, wanted.item.sku, wanted.item.region, purchase.total()?);
        details.push((format!("Bought-{n}"), what));
    }
    details.push(("CommitmentReturned".to_owned(), quote.returned()?.to_string()));
    details.push(("CommitmentBought".to_owned(), quote.bought()?.to_string()));
    Ok(details)
}

impl Action for ExchangeReservations {
    const OPERATION: Operation = operation::EXCHANGE_RESERVATIONS;

    fn target(&self) -> Target {
        Target::Exchange(self.session)
    }
}

impl Command for ExchangeReservations {
    type State = ExchangeState;
    type Receipt = Exchanged;

    /// The partner's own; a customer is told whom to ask without the lock.
    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        permit.is_partner()
    }

    fn decide(
        &self,
        permit: &Permit<Self>,
        mut state: ExchangeState,
        now: Timestamp,
    ) -> Result<Decision<Exchanged>, Refusal> {
        let quote = state.quote.clone().ok_or(Refusal::ReturnQuoteMissing { session: self.session })?;
        let returns: Vec<&ToReturn> = quote.returns.iter().map(|returned| &returned.wanted).collect();
        state.check_returns(permit, EXCHANGE_ACTION, &returns)?;
        usable(self.session, quote.used_at, quote.lapses_at, now)?;
        for returned in &quote.returns {
            let held = state.held(&returned.wanted)?;
            held.found.live(returned.wanted.reservation, now)?;
            if held.found.order.etag != returned.order_etag {
                return Err(Refusal::ReturnQuoteStale { session: self.session });
            }
        }
        large_enough(&quote)?;
        let by = acting(permit);
        for (number, purchase) in quote.purchases.iter().enumerate() {
            state.check_purchase(&by.name, &purchase.wanted, number, now)?;
        }
        let mut giving = Giving::new(self.session, &by, now);
        for held in state.held.values() {
            giving.catch_up(held);
        }
        for (returned, n) in quote.returns.iter().zip(0_i64..) {
            let wanted = &returned.wanted;
            let held = state.held(wanted)?;
            giving.give_back(held, wanted.reservation, &returned.terms, ReturnKind::Exchange)?;
            let made = ReturnMade {
                id: Uuid::new_v5(&self.session, format!("made {n}").as_bytes()),
                session: self.session,
                kind: ReturnKind::Exchange,
                at: now,
                order: wanted.order,
                reservation: giving.given_back.last().copied().unwrap_or(wanted.reservation),
                terms: returned.terms.clone(),
                counted: Money::zero(state.rules.policy(day(now)).limit.currency),
                by: by.name.clone(),
                reason: None,
            };
            giving.changes.push(Change::ReturnMade(Box::new(made)));
        }
        for held in state.held.values_mut() {
            giving.settle(held, "reservation.exchanged");
        }
        let (old, new) = giving.cancel_orders(state.held.values());
        giving.changes.push(Change::ExchangeQuoteUsed { session: self.session, at: now });
        let mut changes = giving.changes;
        let mut purchased = Vec::new();
        let mut details = details(&quote)?;
        for (quoted, basis) in quote.purchases.iter().zip(&state.purchases) {
            let wanted = &quoted.wanted;
            let offer = state.catalog.find(&wanted.item.wanted(state.partner.currency, state.country, day(now)))?;
            let placement = Placement {
                customer: permit.customer(),
                partner: state.partner.id,
                subscription: wanted.subscription,
                item: wanted.item.clone(),
                prices: quoted.prices,
                scope: wanted.scope.clone(),
                display_name: wanted.display_name.clone(),
                instance_flexibility: wanted.instance_flexibility,
                renew: wanted.renew,
                review_at: None,
                reservation_order: wanted.order,
                order: OrderId::of_purchase(wanted.order),
                line: 0,
                buyer: by.clone(),
                owners: basis.owners.clone(),
            };
            let not_listed = || NotForSale::NotFound { sku: offer.sku.clone() };
            let sold_with = basis.subscription.as_ref().map(|subscription| reservation_scope(subscription.offer));
            let catalog_item = sold_with.and_then(|scope| state.catalog.items().id_of(&offer.key(), scope));
            let order = placement.commercial_order(offer, catalog_item.ok_or_else(not_listed)?, now);
            let placed = place(&placement, now)?;
            details.extend(order_record(&order).details);
            changes.push(Change::OrderPlaced(Box::new(order)));
            changes.extend(placed.changes.into_iter().map(|change| match change {
                Change::LedgerPosted { event, partner, at, subject, quantity, transfers, .. } => Change::LedgerPosted {
                    event,
                    kind: LedgerKind::ExchangePurchase,
                    partner,
                    at,
                    subject,
                    quantity,
                    transfers,
                },
                other => other,
            }));
            purchased.push(placed.purchased);
        }
        let record = RecordDraft { subject: self.subject(), old, new, details };
        let quote = ExchangeQuote { used_at: Some(now), ..quote };
        Ok(Decision::changed(Exchanged { quote, purchased }, changes, record))
    }

    fn subject(&self) -> String {
        self.session.to_string()
    }
}

/// What came of a quoted exchange, or of the question for it, by the name of either operation.
#[derive(Debug, Clone)]
pub struct GetExchange {
    /// The session, or the calculation.
    pub operation: Uuid,
}

impl Action for GetExchange {
    const OPERATION: Operation = operation::READ_EXCHANGE;

    fn target(&self) -> Target {
        Target::Exchange(self.operation)
    }
}

impl Query for GetExchange {
    /// None for whoever did not ask for it and is no Admin agent of the partner.
    type Answer = Option<ExchangeQuote>;
}
