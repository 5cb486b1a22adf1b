//! Random histories of purchases and what comes after them, against a second, simpler model.
//!
//! The decisions are applied to a state in memory. The model keeps numbers only: how many instances live where, and coins. It
//! says beforehand whether a deed is possible, and what a return gives back; after each deed the books are looked through.
//! `cargo xtask sim --seeds N` runs more histories than the tests do.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test that meets nothing fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fullmakt_domain::actor::{Actor, Grant, PartnerRole, PrincipalKind, Standing};
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::{Action, Command, Decision, Facts, Permit, authorize, permit_due};
use fullmakt_domain::catalog::{BillingPlan, Catalog, Offer, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::catalog_item::CatalogItemId;
use fullmakt_domain::change::{Change, ScheduledInstalment};
use fullmakt_domain::due::{ExpireReservationOrder, PostInstalments, WaitingInstalment};
use fullmakt_domain::exchange::{
    ExchangeQuote, ExchangeReservations, ExchangeState, PurchaseBasis, QuoteExchange, ToPurchase, ToReturn,
};
use fullmakt_domain::ids::{
    CustomerId, EntitlementId, OrderId, PartnerId, PrincipalId, ReservationId, ReservationOrderId, SubscriptionId,
};
use fullmakt_domain::ledger::{Account, balance, entries};
use fullmakt_domain::lifecycle::{Besides, LifecycleState, MergeReservations, SplitReservation};
use fullmakt_domain::market::Country;
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::obstacle::{Item, PartnerContact};
use fullmakt_domain::order::{BillingCycle, BoughtBy, Buyer, Order, OrderLine, OrderStatus, OrderedItem, UnitPrices};
use fullmakt_domain::placement::{Placement, place};
use fullmakt_domain::refund::{OrderMoney, Settled, WindowEntry};
use fullmakt_domain::refund_policy::RefundRules;
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::renewal::{RenewReservation, RenewalBasis, RenewalState};
use fullmakt_domain::reservation::{AppliedScope, OrderWithReservations, ReservationState};
use fullmakt_domain::reservation_update::{UpdateReservation, UpdateState};
use fullmakt_domain::returning::{Commerce, Held, QuoteRefund, RefundQuote, ReturnReservation, ReturnState};
use fullmakt_domain::role;
use fullmakt_domain::subscription::{AzureOffer, Subscription, SubscriptionStatus};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use uuid::Uuid;

const PARTNER: PartnerId = PartnerId(Uuid::from_u128(0x11));
const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(0x22));
const SUBSCRIPTION: SubscriptionId = SubscriptionId(Uuid::from_u128(0x33));
/// What one instance costs the customer, and the partner, in cents.
const PRICE: i64 = 95_003;
const COST: i64 = 88_001;
/// 50,000 USD in cents. 1 USD is 0.92 EUR.
const LIMIT: i128 = 5_000_000;
/// How many deeds a history has.
const DEEDS: usize = 40;

/// Which histories: more, or others, by the environment.
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first: u64 = number("FULLMAKT_SIM_FIRST").unwrap_or(0);
    first..first + number("FULLMAKT_SIM_SEEDS").unwrap_or(2_000)
}

/// A small generator of numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: i64) -> i64 {
        let n = u64::try_from(n.max(1)).unwrap();
        i64::try_from(self.next() % n).unwrap()
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = self.below(i64::try_from(all.len()).unwrap());
        all.get(usize::try_from(at).unwrap()).copied()
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn eur(cents: i64) -> Money {
    Money { amount_e6: cents * 10_000, currency: Currency::parse("EUR").unwrap() }
}

fn cents(money: Money) -> i128 {
    i128::from(money.amount_e6) / 10_000
}

/// Half to even.
fn divided(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole.rem_euclid(2),
    }
}

/// The real thing: what the changes of decisions made of the state.
struct World {
    now: Timestamp,
    catalog: Arc<Catalog>,
    orders: BTreeMap<ReservationOrderId, OrderWithReservations>,
    instalments: BTreeMap<ReservationOrderId, Vec<ScheduledInstalment>>,
    settled: BTreeMap<ReservationOrderId, Vec<Settled>>,
    window: Vec<WindowEntry>,
    refunds: BTreeMap<Uuid, RefundQuote>,
    exchanges: BTreeMap<Uuid, ExchangeQuote>,
    events: BTreeSet<Uuid>,
    accounts: BTreeMap<Account, i128>,
    returned: BTreeSet<ReservationId>,
    /// Commercial orders of which nothing is left.
    cancelled: BTreeSet<OrderId>,
}

/// The second model.
#[derive(Default)]
struct Model {
    orders: BTreeMap<ReservationOrderId, ModelOrder>,
    /// When, and how many cents of USD.
    window: Vec<(Timestamp, i128)>,
    /// What the customer owes the partner, in cents.
    owed: i128,
}

struct ModelOrder {
    bought: Timestamp,
    ends: Timestamp,
    bought_quantity: i64,
    given_back: i64,
    returns: i64,
    /// Quantities of what lives, and whether it is renewed.
    live: BTreeMap<ReservationId, (i64, bool)>,
    /// Days and cents.
    schedule: Vec<(Date, i128)>,
    /// How much of an instalment has been settled by returns while it ran, by its number.
    settled: BTreeMap<usize, i128>,
    /// How many instalments are charged.
    charged: usize,
}

impl ModelOrder {
    fn lives(&self, id: ReservationId, now: Timestamp) -> bool {
        now < self.ends && self.live.contains_key(&id)
    }

    fn left(&self) -> i64 {
        self.live.values().map(|(quantity, _)| quantity).sum()
    }

    /// What a return gives back: credit, fee, and what falls away.
    fn give(&mut self, quantity: i64, at: Timestamp, with_fee: bool) -> (i128, i128, i128) {
        let (today, left) = (day(at), i128::from(self.left()));
        let part = |amount: i128| divided(amount * i128::from(quantity), left);
        let early = at <= self.bought + (5 * 24).hours();
        let running = self.schedule.iter().filter(|(due, _)| *due <= today).count();
        let mut credit = 0;
        if running > 0 {
            let (from, amount) = self.schedule[running - 1];
            let until = self.schedule.get(running).map_or(day(self.ends), |(due, _)| *due);
            let days = |from: Date, to: Date| i128::from(from.until(to).unwrap().get_days());
            let settled = self.settled.entry(running).or_default();
            let share = part(amount - *settled);
            *settled += share;
            credit = if early { share } else { divided(share * days(today, until), days(from, until)) };
        }
        let fee = if with_fee && !early { divided(credit * 12, 100) } else { 0 };
        let mut dropped = 0;
        for (_, amount) in &mut self.schedule[running..] {
            let share = part(*amount);
            *amount -= share;
            dropped += share;
        }
        (credit, fee, dropped)
    }
}

fn offer() -> Offer {
    Offer {
        sku: SkuName::parse("Standard_D2s_v5").unwrap(),
        family: "Dsv5".to_owned(),
        region: Region::parse("swedencentral").unwrap(),
        resource_type: ReservedResourceType::VirtualMachines,
        term: Term::P1Y,
        billing_plans: vec![BillingPlan::Upfront, BillingPlan::Monthly],
        list_price: eur(PRICE),
        partner_price: eur(COST),
        flexibility_group: None,
        ratio: Decimal::ONE,
        vcpus: None,
        memory_gib: None,
        sold_from: None,
        sold_until: None,
        markets: Vec::new(),
    }
}

fn item(quantity: i64, monthly: bool) -> Item {
    Item {
        resource_type: ReservedResourceType::VirtualMachines,
        sku: SkuName::parse("Standard_D2s_v5").unwrap(),
        region: Region::parse("swedencentral").unwrap(),
        term: Term::P1Y,
        plan: if monthly { BillingPlan::Monthly } else { BillingPlan::Upfront },
        quantity: Quantity::new(quantity).unwrap(),
    }
}

fn country() -> Country {
    Country::parse("SE").unwrap()
}

fn contact() -> PartnerContact {
    PartnerContact {
        id: PARTNER,
        name: "Nordmoln AB".to_owned(),
        support: vec!["hjalp@nordmoln.example".to_owned()],
        currency: Currency::parse("EUR").unwrap(),
    }
}

fn subscription() -> Subscription {
    Subscription {
        id: SUBSCRIPTION,
        name: "Produktion".to_owned(),
        status: SubscriptionStatus::Active,
        partner: PARTNER,
        entitlement: EntitlementId(Uuid::from_u128(0x55)),
        offer: AzureOffer::AzurePlan,
        entitlement_status: SubscriptionStatus::Active,
    }
}

fn actor(partner: bool) -> Actor {
    let (home, name, id) = if partner {
        (PARTNER.tenant(), "ada@nordmoln.example", 0xada)
    } else {
        (CUSTOMER.tenant(), "olle@exempel.example", 0x011e)
    };
    Actor {
        principal: PrincipalId(Uuid::from_u128(id)),
        kind: PrincipalKind::User,
        name: name.to_owned(),
        home,
        tenant: home,
        application: None,
    }
}

/// Ada as Admin agent, or Olle as Owner of everything there is.
fn permit<A: Action>(action: &A, partner: bool) -> Permit<A> {
    let standing = if partner {
        Standing::PartnerUser { partner: PARTNER, roles: vec![PartnerRole::AdminAgent] }
    } else {
        Standing::Customer { customer: CUSTOMER }
    };
    let permissions = role::built_in("Owner").unwrap().permissions();
    let grants = vec![Grant { role: role::OWNER, scope: ArmScope::Root, permissions }];
    let facts = Facts { customer: Some(CUSTOMER), partner: Some(PARTNER), standing, grants };
    authorize(action, &actor(partner), facts).unwrap()
}

impl World {
    fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            now: "2026-11-01T08:00:00Z".parse().unwrap(),
            catalog,
            orders: BTreeMap::new(),
            instalments: BTreeMap::new(),
            settled: BTreeMap::new(),
            window: Vec::new(),
            refunds: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            events: BTreeSet::new(),
            accounts: BTreeMap::new(),
            returned: BTreeSet::new(),
            cancelled: BTreeSet::new(),
        }
    }

    fn account(&self, account: Account) -> i128 {
        self.accounts.get(&account).copied().unwrap_or(0)
    }

    fn held(&self, order: ReservationOrderId) -> Option<Held> {
        let found = self.orders.get(&order)?.clone();
        let money = OrderMoney {
            instalments: self.instalments.get(&order).cloned().unwrap_or_default(),
            settled: self.settled.get(&order).cloned().unwrap_or_default(),
            left: found.quantity_left(),
        };
        let commerce = Commerce { order: self.commercial_order(&found), returned: BTreeSet::new() };
        Some(Held { found, money, assignments: Vec::new(), commerce })
    }

    /// An order with one line.
    fn commercial_order(&self, found: &OrderWithReservations) -> Order {
        let order = &found.order;
        let item = OrderedItem::Reservation {
            reservation_order: order.id,
            subscription: order.subscription,
            term: order.term,
        };
        let line = OrderLine {
            number: order.line,
            item,
            catalog_item: CatalogItemId::parse("DZH318Z08M7W:0001:DZH318Z0D1L1").unwrap(),
            name: order.sku.to_string(),
            quantity: order.quantity.instances(),
            prices: order.prices,
        };
        let is_cancelled = self.cancelled.contains(&order.order);
        Order {
            id: order.order.clone(),
            customer: CUSTOMER,
            partner: PARTNER,
            placed_at: order.requested_at,
            billing_cycle: BillingCycle::Monthly,
            currency: order.prices.currency(),
            status: if is_cancelled { OrderStatus::Cancelled } else { OrderStatus::Completed },
            buyer: order.buyer.clone(),
            lines: vec![line],
        }
    }

    fn return_state(&self, order: ReservationOrderId, session: Uuid) -> ReturnState {
        ReturnState {
            held: self.held(order),
            partner: contact(),
            rules: RefundRules::new(Vec::new(), Vec::new()),
            window: self.window.clone(),
            quote: self.refunds.get(&session).cloned(),
        }
    }

    fn exchange_state(&self, order: ReservationOrderId, quote: Option<ExchangeQuote>) -> ExchangeState {
        ExchangeState {
            held: self.held(order).map(|held| (order, held)).into_iter().collect(),
            partner: contact(),
            country: country(),
            catalog: Arc::clone(&self.catalog),
            price_rules: Vec::new(),
            rules: RefundRules::new(Vec::new(), Vec::new()),
            purchases: vec![PurchaseBasis {
                subscription: Some(subscription()),
                scope_in_context: true,
                owners: Vec::new(),
            }],
            quote,
        }
    }

    fn lifecycle(&self, order: ReservationOrderId) -> LifecycleState {
        LifecycleState { found: self.orders.get(&order).cloned(), partner: contact(), assignments: Vec::new() }
    }

    fn apply<R>(&mut self, decision: Decision<R>) -> R {
        for change in decision.changes {
            self.change(change);
        }
        decision.receipt
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::ReservationOrderCreated(order) => {
                let (reservations, subscription_names) = (Vec::new(), BTreeMap::new());
                let found = OrderWithReservations { order: *order, reservations, subscription_names };
                assert!(self.orders.insert(found.order.id, found).is_none(), "an order twice");
            }
            Change::ReservationOrderUpdated(order) => {
                let found = self.orders.get_mut(&order.id).unwrap();
                found.order = *order;
            }
            Change::ReservationCreated(new) => {
                let found = self.orders.get_mut(&new.order).unwrap();
                assert!(found.reservation(new.id).is_err(), "a reservation twice");
                found.apply(&new);
            }
            Change::OrderCancelled(id) => assert!(self.cancelled.insert(id), "cancelled twice"),
            Change::ReservationUpdated(new) => {
                let found = self.orders.get_mut(&new.order).unwrap();
                assert!(found.reservation(new.id).unwrap().etag < new.etag, "no new revision");
                found.apply(&new);
            }
            Change::InstalmentsScheduled { order, instalments } => {
                self.instalments.insert(order, instalments);
            }
            Change::InstalmentsReplaced { order, instalments } => {
                let all = self.instalments.get_mut(&order).unwrap();
                all.retain(|instalment| instalment.posted.is_some());
                all.extend(instalments);
            }
            Change::InstalmentPosted { order, number, event } => {
                let all = self.instalments.get_mut(&order).unwrap();
                let one = all.iter_mut().find(|instalment| instalment.number == number).unwrap();
                assert_eq!(one.posted, None, "posted twice");
                one.posted = Some(event);
            }
            Change::LedgerPosted { event, quantity, transfers, .. } => {
                assert!(self.events.insert(event), "an event twice");
                assert!(quantity > 0, "an amount for nothing");
                let entries = entries(&transfers);
                assert_eq!(balance(&entries).unwrap().unwrap().amount_e6, 0);
                for entry in entries {
                    *self.accounts.entry(entry.account).or_default() += cents(entry.amount);
                }
            }
            Change::RefundQuoted(quote) => {
                self.refunds.insert(quote.session, *quote);
            }
            Change::RefundQuoteUsed { session, at } => self.refunds.get_mut(&session).unwrap().used_at = Some(at),
            Change::ExchangeQuoted(quote) => {
                self.exchanges.insert(quote.session, *quote);
            }
            Change::ExchangeQuoteUsed { session, at } => self.exchanges.get_mut(&session).unwrap().used_at = Some(at),
            Change::ReturnMade(made) => {
                assert!(self.returned.insert(made.reservation), "returned twice");
                self.settled.entry(made.order).or_default().push(Settled {
                    running: made.terms.running,
                    customer_share: made.terms.customer.share,
                    partner_share: made.terms.partner.share,
                    customer_refund: made.terms.customer.refund().unwrap(),
                });
                if made.counted.amount_e6 != 0 {
                    self.window.push(WindowEntry {
                        session: made.session,
                        at: made.at,
                        reservation: made.reservation,
                        order: made.order,
                        quantity: made.terms.quantity,
                        counted: made.counted,
                        by: made.by,
                    });
                }
            }
            Change::OrderPlaced(_) | Change::EventRaised(_) | Change::RoleAssigned(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Lets the time pass, and has done what falls due on the way.
    fn pass(&mut self, to: Timestamp) {
        self.now = to;
        let mut due: BTreeMap<Date, Vec<WaitingInstalment>> = BTreeMap::new();
        for (order, all) in &self.instalments {
            for one in all.iter().filter(|one| one.posted.is_none() && one.due <= day(to)) {
                let (number, quantity) = (one.number, self.orders[order].quantity_left());
                let (partner, customer) = (one.partner, one.customer);
                let waiting = WaitingInstalment { order: *order, number, quantity, partner, customer };
                due.entry(one.due).or_default().push(waiting);
            }
        }
        for (due, waiting) in due {
            let work = PostInstalments { customer: CUSTOMER, partner: PARTNER, due };
            let decided = work.decide(&permit_due(&work), waiting, to).unwrap();
            self.apply(decided);
        }
        for order in self.orders.keys().copied().collect::<Vec<_>>() {
            let work = ExpireReservationOrder { customer: CUSTOMER, partner: PARTNER, order };
            let decided = work.decide(&permit_due(&work), self.orders.get(&order).cloned(), to).unwrap();
            self.apply(decided);
        }
    }
}

impl Model {
    fn pass(&mut self, to: Timestamp) {
        for order in self.orders.values_mut() {
            while order.schedule.get(order.charged).is_some_and(|(due, _)| *due <= day(to)) {
                self.owed += order.schedule[order.charged].1;
                order.charged += 1;
            }
        }
    }

    /// Something is bought.
    fn buys(&mut self, found: &OrderWithReservations, now: Timestamp) {
        let order = &found.order;
        let quantity = order.quantity.instances();
        let total = PRICE * quantity;
        let parts = if order.plan == BillingPlan::Monthly { 12 } else { 1 };
        let start = day(order.starts_at);
        let schedule = (0..parts).map(|n| {
            let amount = total.div_euclid(parts) + i64::from(n < total.rem_euclid(parts));
            (start.saturating_add(n.months()), i128::from(amount))
        });
        let bought = ModelOrder {
            bought: now,
            ends: order.expires_at,
            bought_quantity: quantity,
            given_back: 0,
            returns: 0,
            live: BTreeMap::from([(found.reservations[0].id, (quantity, false))]),
            schedule: schedule.collect(),
            settled: BTreeMap::new(),
            charged: 0,
        };
        self.orders.insert(order.id, bought);
        self.pass(now);
    }

    /// What counts against the limit.
    fn counted(&self, now: Timestamp) -> i128 {
        let year_later = |at: Timestamp| at.to_zoned(TimeZone::UTC).saturating_add(12.months()).timestamp();
        self.window.iter().filter(|(at, _)| now < year_later(*at)).map(|(_, amount)| amount).sum()
    }
}

/// A refund that was quoted and may be asked for later.
#[derive(Clone, Copy)]
struct Quoted {
    session: Uuid,
    order: ReservationOrderId,
    reservation: ReservationId,
    quantity: i64,
    /// How much had been given back of the order then.
    returns: i64,
    at: Timestamp,
    lapses: Timestamp,
    credit: i128,
    fee: i128,
    counted: i128,
}

/// One history.
struct History {
    dice: Dice,
    world: World,
    model: Model,
    quoted: Vec<Quoted>,
}

/// Whether a deed went as the model said.
fn compare<R>(what: &str, expected: bool, decided: &Result<Decision<R>, Refusal>) {
    match (expected, decided) {
        (true, Err(refusal)) => panic!("{what} should be possible: {refusal}"),
        (false, Ok(_)) => panic!("{what} should not be possible"),
        (true, Ok(_)) | (false, Err(_)) => {}
    }
}

impl History {
    /// Some reservation that there is or was.
    fn reservation(&mut self) -> Option<(ReservationOrderId, ReservationId)> {
        let orders = self.world.orders.values();
        let all: Vec<_> = orders.flat_map(|found| found.reservations.iter().map(|r| (r.order, r.id))).collect();
        self.dice.pick(&all)
    }

    fn step(&mut self) {
        match self.dice.below(12) {
            0 | 1 => self.buy(),
            2 => {
                let hours = self.dice.pick(&[0, 1, 20, 24 * 3, 24 * 29, 24 * 150]).unwrap();
                let to = self.world.now + hours.hours() + self.dice.below(90).minutes();
                self.world.pass(to);
                self.model.pass(to);
            }
            3 => self.split(),
            4 => self.merge(),
            5 => self.set_renewal(),
            6 => self.renew(),
            7 => self.forbidden(),
            8 | 9 => self.quote_refund(),
            10 => self.give_back(),
            _ => self.exchange(),
        }
        self.check();
    }

    fn buy(&mut self) {
        let (quantity, monthly) = (1 + self.dice.below(30), self.dice.below(2) == 0);
        let order = ReservationOrderId(self.dice.id());
        let who = actor(false);
        let placement = Placement {
            customer: CUSTOMER,
            partner: PARTNER,
            subscription: SUBSCRIPTION,
            item: item(quantity, monthly),
            prices: UnitPrices { list: eur(PRICE), partner: eur(COST), customer: eur(PRICE) },
            scope: AppliedScope::Shared,
            display_name: None,
            instance_flexibility: true,
            renew: false,
            review_at: None,
            reservation_order: order,
            order: OrderId::from_uuid(order.0),
            line: 0,
            buyer: Buyer { side: BoughtBy::Customer, id: who.principal, name: who.name },
            owners: Vec::new(),
        };
        for change in place(&placement, self.world.now).unwrap().changes {
            self.world.change(change);
        }
        self.model.buys(&self.world.orders[&order], self.world.now);
    }

    fn split(&mut self) {
        let Some((order, reservation)) = self.reservation() else { return };
        let (now, partner, part) = (self.world.now, self.dice.below(2) == 0, self.dice.below(5));
        let known = &self.model.orders[&order];
        let (quantity, renewed) = known.live.get(&reservation).copied().unwrap_or((2, false));
        let possible = known.lives(reservation, now) && part >= 1 && part < quantity;
        let quantities = vec![part, quantity - part];
        let command = SplitReservation { order, reservation, quantities, besides: Besides::default() };
        let decided = command.decide(&permit(&command, partner), self.world.lifecycle(order), now);
        compare("a split", possible, &decided);
        if let Ok(decision) = decided {
            let done = self.world.apply(decision);
            let live = &mut self.model.orders.get_mut(&order).unwrap().live;
            live.remove(&reservation);
            live.insert(done.results[0], (part, renewed));
            live.insert(done.results[1], (quantity - part, renewed));
        }
    }

    fn merge(&mut self) {
        let Some((order, first)) = self.reservation() else { return };
        let now = self.world.now;
        let others: Vec<ReservationId> = self.world.orders[&order].reservations.iter().map(|r| r.id).collect();
        let second = self.dice.pick(&others).unwrap();
        let known = &self.model.orders[&order];
        let both = (known.live.get(&first).copied(), known.live.get(&second).copied());
        let possible = first != second
            && now < known.ends
            && matches!(both, (Some((_, renewed)), Some((_, other))) if renewed == other);
        let command = MergeReservations { order, reservations: vec![first, second], besides: Besides::default() };
        let decided = command.decide(&permit(&command, false), self.world.lifecycle(order), now);
        compare("a merge", possible, &decided);
        if let (Ok(decision), (Some((a, renewed)), Some((b, _)))) = (decided, both) {
            let done = self.world.apply(decision);
            let live = &mut self.model.orders.get_mut(&order).unwrap().live;
            live.remove(&first);
            live.remove(&second);
            live.insert(done.results[0], (a + b, renewed));
        }
    }

    fn update(&self, order: ReservationOrderId, reservation: ReservationId) -> (UpdateReservation, UpdateState) {
        let command = UpdateReservation {
            order,
            reservation,
            display_name: None,
            instance_flexibility: None,
            review_at: None,
            scope: None,
            renew: None,
            renewal_terms: None,
        };
        let state = UpdateState {
            found: self.world.orders.get(&order).cloned(),
            partner: contact(),
            scope_in_context: true,
            renewal_in_context: true,
            country: country(),
            catalog: Arc::clone(&self.world.catalog),
        };
        (command, state)
    }

    fn set_renewal(&mut self) {
        let Some((order, reservation)) = self.reservation() else { return };
        let (command, state) = self.update(order, reservation);
        let now = self.world.now;
        let old = self.world.orders[&order].reservation(reservation).unwrap().renew;
        let command = UpdateReservation { renew: Some(!old), ..command };
        let refused = command.decide(&permit(&command, false), state.clone(), now);
        assert!(matches!(refused, Err(Refusal::PartnerOnly { .. })), "{refused:?}");
        let decided = command.decide(&permit(&command, true), state, now);
        compare("a setting of renewal", self.model.orders[&order].lives(reservation, now), &decided);
        if let Ok(decision) = decided {
            self.world.apply(decision);
        }
    }

    fn renew(&mut self) {
        let Some((order, reservation)) = self.reservation() else { return };
        let (now, partner) = (self.world.now, self.dice.below(3) > 0);
        let known = &self.model.orders[&order];
        let renewed = known.live.get(&reservation).is_some_and(|(_, renewed)| *renewed);
        let possible = partner && known.lives(reservation, now) && !renewed;
        let basis = RenewalBasis {
            partner: contact(),
            country: country(),
            catalog: Arc::clone(&self.world.catalog),
            rules: Vec::new(),
            subscription: Some(subscription()),
            scope_in_context: true,
            owners: Vec::new(),
        };
        let command = RenewReservation { order, reservation };
        let state = RenewalState { found: self.world.orders.get(&order).cloned(), basis };
        let decided = command.decide(&permit(&command, partner), state, now);
        compare("a renewal", possible, &decided);
        if let Ok(decision) = decided {
            let done = self.world.apply(decision);
            let known = self.model.orders.get_mut(&order).unwrap();
            known.live.get_mut(&reservation).unwrap().1 = true;
            assert_eq!(done.order.starts_at, known.ends);
            self.model.buys(&self.world.orders[&done.order.id], now);
        }
    }

    /// What a customer may never do, tried by every door.
    fn forbidden(&mut self) {
        let Some((order, reservation)) = self.reservation() else { return };
        let now = self.world.now;
        let only = |refused: Option<Refusal>| {
            assert!(matches!(refused, Some(Refusal::PartnerOnly { .. })), "{refused:?}");
        };
        let (command, state) = self.update(order, reservation);
        let single = AppliedScope::Single(ArmScope::Subscription(SUBSCRIPTION));
        let moved = UpdateReservation { scope: Some(single.clone()), ..command };
        only(moved.decide(&permit(&moved, false), state, now).err());
        let besides = Besides { scope: Some(single), renew: None };
        let split = SplitReservation { order, reservation, quantities: vec![1, 1], besides };
        only(split.decide(&permit(&split, false), self.world.lifecycle(order), now).err());
        let session = self.dice.id();
        let refund = QuoteRefund { session, order, reservation, quantity: 1 };
        only(refund.decide(&permit(&refund, false), self.world.return_state(order, session), now).err());
        let given = ReturnReservation { session, order, reservation, quantity: 1, reason: None };
        only(given.decide(&permit(&given, false), self.world.return_state(order, session), now).err());
    }

    fn quote_refund(&mut self) {
        let Some((order, reservation)) = self.reservation() else { return };
        let (now, session) = (self.world.now, self.dice.id());
        let known = &self.model.orders[&order];
        let (most, _) = known.live.get(&reservation).copied().unwrap_or((1, false));
        let quantity = 1 + self.dice.below(most + 1);
        let possible = known.lives(reservation, now) && quantity <= most;
        let command = QuoteRefund { session, order, reservation, quantity };
        let decided = command.decide(&permit(&command, true), self.world.return_state(order, session), now);
        compare("a quote of a refund", possible, &decided);
        if let Ok(decision) = decided {
            let returns = known.returns;
            let quoted = self.world.apply(decision);
            let terms = &quoted.quote.terms.customer;
            let counted = cents(quoted.quote.counted.amount);
            assert_eq!(!quoted.problems.is_empty(), self.model.counted(now) + counted > LIMIT);
            self.quoted.push(Quoted {
                session,
                order,
                reservation,
                quantity,
                returns,
                at: now,
                lapses: quoted.quote.lapses_at,
                credit: cents(terms.credit),
                fee: cents(terms.fee),
                counted,
            });
        }
        if self.dice.below(4) > 0 {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        let Some(quoted) = self.quoted.pop() else { return };
        let Quoted { session, order, reservation, quantity, .. } = quoted;
        let now = self.world.now;
        let known = &self.model.orders[&order];
        let possible = known.lives(reservation, now)
            && known.returns == quoted.returns
            && now < quoted.lapses
            && self.model.counted(now) + quoted.counted <= LIMIT;
        let command = ReturnReservation { session, order, reservation, quantity, reason: None };
        let decided = command.decide(&permit(&command, true), self.world.return_state(order, session), now);
        compare("a return", possible, &decided);
        let Ok(decision) = decided else { return };
        let before = self.world.account(Account::CustomerReceivable);
        self.world.apply(decision);
        let paid = before - self.world.account(Account::CustomerReceivable);
        assert_eq!(paid, quoted.credit - quoted.fee, "what was quoted is not what is paid");
        let (credit, fee, dropped) = self.gives(order, reservation, quantity, quoted.at, true);
        assert_eq!((credit, fee), (quoted.credit, quoted.fee), "the model gives back something else");
        assert_eq!(divided((credit + dropped) * 100, 92), quoted.counted, "the model counts something else");
        self.model.owed -= credit - fee;
        self.model.window.push((now, quoted.counted));
        let again = command.decide(&permit(&command, true), self.world.return_state(order, session), now);
        assert!(matches!(again, Err(Refusal::ReturnQuoteUsed { .. })), "{again:?}");
    }

    /// Takes instances out of the model.
    fn gives(
        &mut self,
        order: ReservationOrderId,
        reservation: ReservationId,
        quantity: i64,
        at: Timestamp,
        with_fee: bool,
    ) -> (i128, i128, i128) {
        let known = self.model.orders.get_mut(&order).unwrap();
        let given = known.give(quantity, at, with_fee);
        let (had, renewed) = known.live.remove(&reservation).unwrap();
        if had > quantity {
            let all = self.world.orders[&order].reservations.iter();
            let mut left = all.filter(|r| r.lineage.source == Some(reservation) && r.ending.is_none());
            known.live.insert(left.next().unwrap().id, (had - quantity, renewed));
        }
        if known.live.is_empty() {
            known.schedule.truncate(known.charged);
        }
        known.given_back += quantity;
        known.returns += 1;
        given
    }

    fn exchange(&mut self) {
        let Some((order, reservation)) = self.reservation() else { return };
        let (now, session) = (self.world.now, self.dice.id());
        let known = &self.model.orders[&order];
        let (most, _) = known.live.get(&reservation).copied().unwrap_or((1, false));
        let (quantity, wanted) = (1 + self.dice.below(most), 1 + self.dice.below(30));
        let purchase = ToPurchase {
            order: ReservationOrderId(self.dice.id()),
            subscription: SUBSCRIPTION,
            item: item(wanted, self.dice.below(2) == 0),
            scope: AppliedScope::Shared,
            display_name: None,
            instance_flexibility: true,
            renew: false,
        };
        let (new, returns) = (purchase.order, vec![ToReturn { order, reservation, quantity }]);
        let command = QuoteExchange { session, returns, purchases: vec![purchase] };
        let refused = command.decide(&permit(&command, false), self.world.exchange_state(order, None), now);
        assert!(matches!(refused, Err(Refusal::PartnerOnly { .. })), "{refused:?}");
        let decided = command.decide(&permit(&command, true), self.world.exchange_state(order, None), now);
        compare("a quote of an exchange", known.lives(reservation, now), &decided);
        let Ok(decision) = decided else { return };
        let quote = self.world.apply(decision);
        let (returned, bought) = (cents(quote.returned().unwrap()), cents(quote.bought().unwrap()));
        assert_eq!(bought, i128::from(PRICE * wanted));
        let command = ExchangeReservations { session };
        let state = self.world.exchange_state(order, Some(self.world.exchanges[&session].clone()));
        let decided = command.decide(&permit(&command, true), state, now);
        compare("an exchange", bought >= returned, &decided);
        let Ok(decision) = decided else { return };
        self.world.apply(decision);
        let (credit, fee, dropped) = self.gives(order, reservation, quantity, now, false);
        assert_eq!((credit + dropped, fee), (returned, 0), "the model exchanges something else");
        self.model.owed -= credit;
        self.model.buys(&self.world.orders[&new], now);
    }

    /// What holds after each deed.
    fn check(&self) {
        let owed = self.world.account(Account::CustomerReceivable);
        assert_eq!(owed, self.model.owed, "the customer owes something else");
        assert!(owed >= 0, "more was given back than was charged");
        assert_eq!(owed, -self.world.account(Account::PartnerRevenue));
        assert_eq!(self.world.account(Account::PartnerCost), -self.world.account(Account::SupplierPayable));
        assert!(self.model.counted(self.world.now) <= LIMIT, "more was returned than the limit allows");
        for (id, known) in &self.model.orders {
            let found = &self.world.orders[id];
            let left: BTreeMap<ReservationId, i64> = found
                .reservations
                .iter()
                .filter(|r| r.state != ReservationState::Cancelled)
                .map(|r| (r.id, r.quantity.instances()))
                .collect();
            let expected: BTreeMap<ReservationId, i64> = known.live.iter().map(|(id, (n, _))| (*id, *n)).collect();
            assert_eq!(left, expected, "instances were lost or made");
            assert_eq!(known.left() + known.given_back, known.bought_quantity);
            let is_cancelled = self.world.cancelled.contains(&found.order.order);
            assert_eq!(is_cancelled, known.left() == 0, "an order is cancelled when nothing of it is left");
        }
    }
}

#[test]
fn r20_r23_random_histories_go_as_a_simpler_model_says() {
    let catalog = Arc::new(Catalog::new(vec![offer()]).unwrap());
    for seed in seeds() {
        let mut history = History {
            dice: Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)),
            world: World::new(Arc::clone(&catalog)),
            model: Model::default(),
            quoted: Vec::new(),
        };
        let gone = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (0..DEEDS).for_each(|_| history.step())));
        if let Err(cause) = gone {
            eprintln!("history {seed} went wrong; FULLMAKT_SIM_FIRST={seed} FULLMAKT_SIM_SEEDS=1 repeats it");
            std::panic::resume_unwind(cause);
        }
    }
}
