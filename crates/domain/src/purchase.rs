//! The purchase: what may be missing, what it costs, what it brings about (R10-R18).
//!
//! "May I?" and the deed are one decision: [`obstacles`] answers both.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use uuid::Uuid;

use crate::activity::{RecordDraft, Snapshot};
use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::{
    BillingPlan, Catalog, NotForSale, Offer, Quantity, Region, ReservedResourceType, SkuName, Term, Wanted,
};
use crate::catalog_item::{CatalogItemId, ReservationScope};
use crate::change::{Change, OutgoingEvent, ScheduledInstalment};
use crate::ids::{
    CustomerId, OrderId, PartnerId, PriceRuleId, PrincipalId, ReservationId, ReservationOrderId, RoleAssignmentId,
    SubscriptionId,
};
use crate::ledger::{self, LedgerEntry};
use crate::market::{self, Country};
use crate::money::{Currency, Money, MoneyError};
use crate::operation::{self, Operation};
use crate::order::{BillingCycle, BoughtBy, Buyer, Order, OrderLine, OrderStatus, OrderedItem, UnitPrices};
use crate::price::{Totals, customer_price, totals};
use crate::price_rule::PriceRule;
use crate::refusal::Refusal;
use crate::reservation::{AppliedScope, DisplayName, Reservation, ReservationOrder, ReservationState};
use crate::role;
use crate::role_assignment::{PrincipalType, RoleAssignment};
use crate::self_serve_policy::{SelfServePolicy, SelfServeResource};
use crate::subscription::{AzureOffer, Subscription};

/// How long a quote holds, in minutes.
pub const QUOTE_MINUTES: i64 = 30;

/// What someone wants to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The SKU.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// The term.
    pub term: Term,
    /// How it is to be paid.
    pub plan: BillingPlan,
    /// How many instances.
    pub quantity: Quantity,
}

/// How a partner can be reached, as refusals name it (R20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerContact {
    /// The partner.
    pub id: PartnerId,
    /// Its name.
    pub name: String,
    /// Its support: an e-mail address, a telephone number, a page; whatever it gave.
    pub support: Vec<String>,
    /// The currency it is billed in and bills in.
    pub currency: Currency,
}

/// One thing that stands in the way of a purchase, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The partner has not turned the permission on (R01), or turned it off (R06).
    PermissionOff {
        /// The partner's name.
        partner: String,
        /// How to reach it.
        contact: Vec<String>,
    },
    /// The customer has no subscription that this partner bought.
    NoSubscription {
        /// The partner's name.
        partner: String,
    },
    /// The subscription is not active (R10).
    SubscriptionNotActive {
        /// Which.
        subscription: SubscriptionId,
        /// The partner's name.
        partner: String,
    },
    /// The buyer is not Owner of the subscription (R11).
    NotOwner {
        /// Who.
        buyer: String,
        /// Of which.
        subscription: SubscriptionId,
    },
    /// Reservations are not sold in the customer's country (R44).
    MarketNotServed {
        /// The country.
        country: Country,
    },
    /// The catalogue does not sell the item.
    NotForSale(NotForSale),
    /// The benefit would apply outside what this partner bought for this customer (R30, R31).
    ScopeOutsideContext {
        /// The scope asked for.
        scope: ArmScope,
    },
}

impl Obstacle {
    /// A short stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PermissionOff { .. } => "PermissionOff",
            Self::NoSubscription { .. } => "NoSubscription",
            Self::SubscriptionNotActive { .. } => "SubscriptionNotActive",
            Self::NotOwner { .. } => "NotOwner",
            Self::MarketNotServed { .. } => "MarketNotServed",
            Self::NotForSale(_) => "NotForSale",
            Self::ScopeOutsideContext { .. } => "ScopeOutsideContext",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::PermissionOff { partner, contact } => format!(
                "ask {partner}{} to turn on `Allow customer to purchase` for Azure reservations",
                in_brackets(contact)
            ),
            Self::NoSubscription { partner } => {
                format!("ask {partner} to buy an Azure plan and a subscription for you")
            }
            Self::SubscriptionNotActive { partner, .. } => {
                format!("ask {partner} to reactivate the subscription, or choose another one")
            }
            Self::NotOwner { subscription, .. } => format!(
                "ask an Owner of `/subscriptions/{subscription}` (or your partner, through Manage) to assign you the \
                 role Owner under Access control (IAM)"
            ),
            Self::MarketNotServed { .. } => {
                "reservations cannot be bought in this country; pay-as-you-go usage is not affected".to_owned()
            }
            Self::NotForSale(_) => "choose an item, term and billing plan from the catalogue".to_owned(),
            Self::ScopeOutsideContext { .. } => {
                "choose Shared, or a subscription that the same partner bought for you".to_owned()
            }
        }
    }
}

fn in_brackets(contact: &[String]) -> String {
    if contact.is_empty() { String::new() } else { format!(" ({})", contact.join(", ")) }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PermissionOff { partner, .. } => {
                write!(f, "{partner} has not enabled reservation purchases for this customer")
            }
            Self::NoSubscription { partner } => {
                write!(f, "there is no Azure plan or Azure subscription that {partner} bought for this customer")
            }
            Self::SubscriptionNotActive { subscription, .. } => {
                write!(f, "the subscription `{subscription}` is not active")
            }
            Self::NotOwner { buyer, subscription } => {
                write!(f, "`{buyer}` does not have the role Owner on the subscription `{subscription}`")
            }
            Self::MarketNotServed { country } => write!(f, "reservations are not sold in the market `{country}`"),
            Self::NotForSale(reason) => reason.fmt(f),
            Self::ScopeOutsideContext { scope } => write!(
                f,
                "the scope `{scope}` is not among the subscriptions that the same partner bought for this customer"
            ),
        }
    }
}

/// What the decision about a purchase looks at.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    /// Whether the buyer is one of the partner's own; then the permission is not needed.
    pub by_partner: bool,
    /// Whether the buyer is Owner of the subscription; `None` where that is not asked (Partner Center carts).
    pub owner: Option<bool>,
    /// Who buys, for the texts.
    pub buyer: &'a str,
    /// The partner that bought the subscription, and pays.
    pub partner: &'a PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// The customer's permission from that partner.
    pub policy: Option<&'a SelfServePolicy>,
    /// The billing subscription; none where the customer has none at all.
    pub subscription: Option<&'a Subscription>,
    /// The item, where one was named.
    pub item: Option<&'a Item>,
    /// Whether the applied scope lies in the partner's and customer's context.
    pub scope_in_context: bool,
    /// The applied scope asked for.
    pub scope: &'a AppliedScope,
    /// The price sheet in force.
    pub catalog: &'a Catalog,
    /// The day of the purchase.
    pub today: Date,
}

/// Everything that stands in the way, in a fixed order (R12). Empty: it may be bought.
pub fn obstacles(at: &Circumstances<'_>) -> Vec<Obstacle> {
    let partner = || at.partner.name.clone();
    let mut found = Vec::new();
    let permitted =
        at.policy.is_some_and(|policy| policy.resources.contains(&SelfServeResource::AzureReservedInstances));
    if !at.by_partner && !permitted {
        found.push(Obstacle::PermissionOff { partner: partner(), contact: at.partner.support.clone() });
    }
    match at.subscription {
        None => found.push(Obstacle::NoSubscription { partner: partner() }),
        Some(subscription) => {
            if !subscription.is_active() {
                found.push(Obstacle::SubscriptionNotActive { subscription: subscription.id, partner: partner() });
            }
            if at.owner == Some(false) {
                found.push(Obstacle::NotOwner { buyer: at.buyer.to_owned(), subscription: subscription.id });
            }
        }
    }
    let market_served = market::sells_reservations(at.country);
    if !market_served {
        found.push(Obstacle::MarketNotServed { country: at.country });
    }
    if let Some(item) = at.item {
        if let Err(reason) = at.catalog.find(&item.wanted(at.partner.currency, at.country, at.today)) {
            // The country as a whole has been named already.
            if market_served || !matches!(reason, NotForSale::MarketNotServed { .. }) {
                found.push(Obstacle::NotForSale(reason));
            }
        }
    }
    if let (false, AppliedScope::Single(scope)) = (at.scope_in_context, at.scope) {
        found.push(Obstacle::ScopeOutsideContext { scope: scope.clone() });
    }
    found
}

impl Item {
    /// The item in the words of the catalogue.
    pub fn wanted(&self, currency: Currency, market: Country, on: Date) -> Wanted<'_> {
        Wanted {
            resource_type: self.resource_type,
            sku: &self.sku,
            region: &self.region,
            term: self.term,
            plan: self.plan,
            currency,
            market,
            on,
        }
    }
}

/// The UTC day of an instant.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A price that holds for a while (R13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The identifier of the order that may be placed on it, once.
    pub id: ReservationOrderId,
    /// For whom.
    pub customer: CustomerId,
    /// Who pays.
    pub partner: PartnerId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// Who asked.
    pub asked_by: PrincipalId,
    /// What for, in the catalogue's spelling.
    pub item: Item,
    /// What one instance costs for the term.
    pub prices: UnitPrices,
    /// The price rule that set the customer's price; none: it is the list price.
    pub rule: Option<PriceRuleId>,
    /// When it was made.
    pub quoted_at: Timestamp,
    /// From when it no longer holds.
    pub lapses_at: Timestamp,
}

impl Quote {
    /// What the customer pays in all, and when, bought on a day.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn customer_totals(&self, on: Date) -> Result<Totals, MoneyError> {
        totals(self.prices.customer, self.item.quantity, self.item.plan, self.item.term, on)
    }
}

/// Asks for a price. It is kept, with the identifier of the order that may be placed on it.
#[derive(Debug, Clone)]
pub struct QuotePrice {
    /// The new order's identifier.
    pub order: ReservationOrderId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What is to be bought.
    pub item: Item,
}

/// What a quote looks at.
#[derive(Debug, Clone)]
pub struct QuoteState {
    /// The partner that pays.
    pub partner: PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// The price sheet in force.
    pub catalog: std::sync::Arc<Catalog>,
    /// The partner's price rules that may concern this customer.
    pub rules: Vec<PriceRule>,
}

impl Action for QuotePrice {
    const OPERATION: Operation = operation::QUOTE_PRICE;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::Subscription(self.subscription))
    }
}

impl Command for QuotePrice {
    type State = QuoteState;
    type Receipt = Quote;

    fn decide(&self, permit: &Permit<Self>, state: QuoteState, now: Timestamp) -> Result<Decision<Quote>, Refusal> {
        let today = day(now);
        if !market::sells_reservations(state.country) {
            let obstacles = vec![Obstacle::MarketNotServed { country: state.country }];
            return Err(Refusal::PurchaseNotAllowed { obstacles });
        }
        let offer = state.catalog.find(&self.item.wanted(state.partner.currency, state.country, today))?;
        let (prices, rule) = unit_prices(offer, &state.rules, permit.customer(), today)?;
        let quote = Quote {
            id: self.order,
            customer: permit.customer(),
            partner: state.partner.id,
            subscription: self.subscription,
            asked_by: permit.actor().principal,
            item: Item { sku: offer.sku.clone(), region: offer.region.clone(), ..self.item.clone() },
            prices,
            rule,
            quoted_at: now,
            lapses_at: now.checked_add(Span::new().minutes(QUOTE_MINUTES)).unwrap_or(now),
        };
        // A total that does not fit is refused now, not when it is bought.
        let total = quote.customer_totals(today)?.total;
        let record = RecordDraft {
            subject: self.order.to_string(),
            old: None,
            new: None,
            details: vec![
                ("SubscriptionId".to_owned(), self.subscription.to_string()),
                ("Item".to_owned(), offer.title()),
                ("Quantity".to_owned(), self.item.quantity.to_string()),
                ("Total".to_owned(), total.to_string()),
            ],
        };
        Ok(Decision::changed(quote.clone(), vec![Change::PriceQuoted(Box::new(quote))], record))
    }

    fn subject(&self) -> String {
        self.order.to_string()
    }
}

/// What one instance costs everyone, and by which rule.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn unit_prices(
    offer: &Offer,
    rules: &[PriceRule],
    customer: CustomerId,
    on: Date,
) -> Result<(UnitPrices, Option<PriceRuleId>), MoneyError> {
    let price = customer_price(offer, rules, customer, on)?;
    let prices = UnitPrices { list: price.list, partner: price.partner_cost, customer: price.customer_unit_price };
    Ok((prices, price.rule))
}

/// Buys on a quote, in Azure Resource Manager or the customer's portal.
#[derive(Debug, Clone)]
pub struct BuyReservation {
    /// The identifier that came with the quote.
    pub order: ReservationOrderId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What is bought; it must be what was quoted.
    pub item: Item,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// A name for people; none: made from the SKU and the day.
    pub display_name: Option<DisplayName>,
    /// Whether other sizes of the group are covered too.
    pub instance_flexibility: bool,
    /// Whether it is to renew itself; a customer may not ask for it (R20).
    pub renew: bool,
    /// When someone wants to be reminded of it.
    pub review_at: Option<Timestamp>,
}

/// What a purchase looks at.
#[derive(Debug, Clone)]
pub struct PurchaseState {
    /// The partner that pays.
    pub partner: PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// The price sheet in force.
    pub catalog: std::sync::Arc<Catalog>,
    /// The customer's permission from that partner.
    pub policy: Option<SelfServePolicy>,
    /// The billing subscription.
    pub subscription: Option<Subscription>,
    /// Whether the applied scope's subscription is among those this partner bought for this customer.
    pub scope_in_context: bool,
    /// The quote of that identifier.
    pub quote: Option<Quote>,
    /// What was bought on it already.
    pub existing: Option<Purchased>,
    /// The customer's own Owners of the billing subscription: they get the order too (R22).
    pub owners: Vec<(PrincipalId, PrincipalType)>,
}

/// What a purchase brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchased {
    /// The order.
    pub order: ReservationOrder,
    /// The reservation under it.
    pub reservation: Reservation,
}

impl Action for BuyReservation {
    const OPERATION: Operation = operation::BUY_RESERVATION;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::Subscription(self.subscription))
    }
}

impl Command for BuyReservation {
    type State = PurchaseState;
    type Receipt = Purchased;

    /// Owners may hold the lock; everyone else is told why not without it.
    fn may_lock(&self, permit: &Permit<Self>) -> bool {
        permit.is_owner(&ArmScope::Subscription(self.subscription))
    }

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: PurchaseState,
        now: Timestamp,
    ) -> Result<Decision<Purchased>, Refusal> {
        let today = day(now);
        let owner = permit.is_owner(&ArmScope::Subscription(self.subscription));
        if let Some(existing) = state.existing.filter(|_| owner) {
            return if self.is_what_was_bought(&existing) {
                Ok(Decision::unchanged(existing))
            } else {
                Err(Refusal::ReservationOrderExists { order: self.order })
            };
        }
        let obstacles = obstacles(&Circumstances {
            by_partner: permit.is_partner(),
            owner: Some(owner),
            buyer: &permit.actor().name,
            partner: &state.partner,
            country: state.country,
            policy: state.policy.as_ref(),
            subscription: state.subscription.as_ref(),
            item: Some(&self.item),
            scope_in_context: state.scope_in_context,
            scope: &self.scope,
            catalog: &state.catalog,
            today,
        });
        if !obstacles.is_empty() {
            return Err(Refusal::PurchaseNotAllowed { obstacles });
        }
        if self.renew && !permit.is_partner() {
            return Err(Refusal::PartnerOnly { what: PartnerOnlyChange::Renewal, contact: state.partner });
        }
        let quote = state.quote.ok_or(Refusal::QuoteMissing { order: self.order })?;
        if now >= quote.lapses_at {
            return Err(Refusal::QuoteLapsed { order: self.order, at: quote.lapses_at });
        }
        if quote.item != self.item || quote.subscription != self.subscription {
            return Err(Refusal::NotWhatWasQuoted { order: self.order });
        }
        let subscription = state.subscription.ok_or(Refusal::QuoteMissing { order: self.order })?;
        let offer = state.catalog.find(&self.item.wanted(quote.prices.currency(), state.country, today))?;
        let side = if permit.is_partner() { BoughtBy::Partner } else { BoughtBy::Customer };
        let placement = Placement {
            customer: permit.customer(),
            partner: quote.partner,
            subscription: self.subscription,
            item: quote.item,
            prices: quote.prices,
            scope: self.scope.clone(),
            display_name: self.display_name.clone(),
            instance_flexibility: self.instance_flexibility,
            renew: self.renew,
            review_at: self.review_at,
            reservation_order: self.order,
            order: OrderId::from_uuid(Uuid::new_v5(&self.order.0, b"order")),
            line: 0,
            buyer: Buyer { side, id: permit.actor().principal, name: permit.actor().name.clone() },
            owners: state.owners,
        };
        let reservation_scope = reservation_scope(subscription.offer);
        let not_listed = || NotForSale::NotFound { sku: offer.sku.clone() };
        let catalog_item = state.catalog.items().id_of(&offer.key(), reservation_scope).ok_or_else(not_listed)?;
        let order = placement.commercial_order(offer, catalog_item, now);
        let placed = place(&placement, now)?;
        let record = order_record(&order);
        let mut changes = vec![Change::OrderPlaced(Box::new(order))];
        changes.extend(placed.changes);
        Ok(Decision::changed(placed.purchased, changes, record))
    }

    fn subject(&self) -> String {
        self.order.to_string()
    }
}

impl BuyReservation {
    fn is_what_was_bought(&self, bought: &Purchased) -> bool {
        let order = &bought.order;
        order.subscription == self.subscription
            && order.sku == self.item.sku
            && order.region == self.item.region
            && order.resource_type == self.item.resource_type
            && order.term == self.item.term
            && order.plan == self.item.plan
            && order.quantity == self.item.quantity
            && self.display_name.as_ref().is_none_or(|name| *name == order.display_name)
    }
}

/// Which of Partner Center's two sets of items fits a subscription.
pub fn reservation_scope(offer: AzureOffer) -> ReservationScope {
    match offer {
        AzureOffer::AzurePlan => ReservationScope::AzurePlan,
        AzureOffer::AzureGlobal => ReservationScope::Legacy,
    }
}

/// What only the partner may do with a reservation (R20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerOnlyChange {
    /// Exchange it.
    Exchange,
    /// Cancel it and get money back.
    Refund,
    /// Renew it, or let it renew itself.
    Renewal,
    /// Say as what it is to be renewed.
    RenewalTerms,
    /// Change where its benefit applies.
    ScopeChange,
    /// Move it to another directory.
    DirectoryChange,
}

impl PartnerOnlyChange {
    /// What it is, in words that follow "cannot".
    pub fn words(self) -> &'static str {
        match self {
            Self::Exchange => "exchange a reservation",
            Self::Refund => "cancel or return a reservation",
            Self::Renewal => "renew a reservation or set its renewal",
            Self::RenewalTerms => "renew a reservation as another one",
            Self::ScopeChange => "change the scope of a reservation",
            Self::DirectoryChange => "move a reservation to another directory",
        }
    }
}

/// A reservation about to come into being, whoever buys it and by whichever door.
#[derive(Debug, Clone)]
pub struct Placement {
    /// For whom.
    pub customer: CustomerId,
    /// Who pays.
    pub partner: PartnerId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What.
    pub item: Item,
    /// At which prices.
    pub prices: UnitPrices,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// A name for people.
    pub display_name: Option<DisplayName>,
    /// Whether other sizes of the group are covered too.
    pub instance_flexibility: bool,
    /// Whether it renews itself.
    pub renew: bool,
    /// When someone wants to be reminded of it.
    pub review_at: Option<Timestamp>,
    /// The new reservation order.
    pub reservation_order: ReservationOrderId,
    /// The commercial order it is a line of.
    pub order: OrderId,
    /// Which line.
    pub line: i64,
    /// Who buys.
    pub buyer: Buyer,
    /// The customer's own Owners of the billing subscription.
    pub owners: Vec<(PrincipalId, PrincipalType)>,
}

impl Placement {
    /// The commercial order of a purchase that is nothing but this reservation.
    fn commercial_order(&self, offer: &Offer, catalog_item: CatalogItemId, now: Timestamp) -> Order {
        Order {
            id: self.order.clone(),
            customer: self.customer,
            partner: self.partner,
            placed_at: now,
            billing_cycle: billing_cycle(self.item.plan),
            currency: self.prices.currency(),
            status: OrderStatus::Completed,
            buyer: self.buyer.clone(),
            lines: vec![self.order_line(offer, catalog_item)],
        }
    }

    /// The line of the commercial order.
    pub fn order_line(&self, offer: &Offer, catalog_item: CatalogItemId) -> OrderLine {
        OrderLine {
            number: self.line,
            item: OrderedItem::Reservation {
                reservation_order: self.reservation_order,
                subscription: self.subscription,
                term: self.item.term,
            },
            catalog_item,
            name: offer.title(),
            quantity: self.item.quantity.instances(),
            prices: self.prices,
        }
    }
}

/// The billing cycle of a billing plan.
pub fn billing_cycle(plan: BillingPlan) -> BillingCycle {
    match plan {
        BillingPlan::Upfront => BillingCycle::OneTime,
        BillingPlan::Monthly => BillingCycle::Monthly,
    }
}

/// What placing a reservation comes to.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Everything but the commercial order itself, which may have several lines.
    pub changes: Vec<Change>,
    /// The order and the reservation.
    pub purchased: Purchased,
}

/// Brings a reservation into being: the order, the reservation, what is owed when, the first charge in the ledger, the
/// event for the outside, and the roles of those who shall see it (R15, R18, R22).
///
/// # Errors
/// [`MoneyError`].
pub fn place(placement: &Placement, now: Timestamp) -> Result<Placed, MoneyError> {
    let item = &placement.item;
    let display_name = placement.display_name.clone().unwrap_or_else(|| DisplayName::of(&item.sku, now));
    let order = ReservationOrder {
        id: placement.reservation_order,
        customer: placement.customer,
        partner: placement.partner,
        order: placement.order.clone(),
        line: placement.line,
        subscription: placement.subscription,
        display_name: display_name.clone(),
        sku: item.sku.clone(),
        region: item.region.clone(),
        resource_type: item.resource_type,
        term: item.term,
        plan: item.plan,
        quantity: item.quantity,
        prices: placement.prices,
        requested_at: now,
        starts_at: now,
        expires_at: end_of_term(now, item.term),
        state: ReservationState::Succeeded,
        etag: 1,
        buyer: placement.buyer.clone(),
    };
    let seed = placement.reservation_order.0;
    let reservation = Reservation {
        id: ReservationId(Uuid::new_v5(&seed, b"reservation")),
        order: order.id,
        display_name,
        quantity: item.quantity,
        scope: placement.scope.clone(),
        instance_flexibility: placement.instance_flexibility,
        renew: placement.renew,
        archived: false,
        state: ReservationState::Succeeded,
        etag: 1,
        review_at: placement.review_at,
        updated_at: now,
    };
    let today = day(now);
    let cost = totals(placement.prices.partner, item.quantity, item.plan, item.term, today)?;
    let price = totals(placement.prices.customer, item.quantity, item.plan, item.term, today)?;
    let event = Uuid::new_v5(&seed, b"purchase");
    let instalments: Vec<ScheduledInstalment> = cost
        .schedule
        .iter()
        .zip(&price.schedule)
        .zip(1_i64..)
        .map(|((cost, price), number)| ScheduledInstalment {
            number,
            due: cost.due,
            partner: cost.amount,
            customer: price.amount,
            posted: (number == 1).then_some(event),
        })
        .collect();
    let entries: Vec<LedgerEntry> =
        instalments.first().map(|first| ledger::charge(first.partner, first.customer)).unwrap_or_default();
    let mut changes = vec![
        Change::ReservationOrderCreated(Box::new(order.clone())),
        Change::ReservationCreated(Box::new(reservation.clone())),
        Change::InstalmentsScheduled { order: order.id, instalments },
        Change::LedgerPosted { event, partner: placement.partner, at: now, subject: order.id.to_string(), entries },
        Change::EventRaised(OutgoingEvent {
            id: Uuid::new_v5(&seed, b"purchased"),
            partner: placement.partner,
            kind: "reservation.purchased",
            at: now,
            subject: order.id.to_string(),
        }),
    ];
    changes.extend(roles_on(&order, &placement.owners, now).into_iter().map(Change::RoleAssigned));
    Ok(Placed { changes, purchased: Purchased { order, reservation } })
}

/// The term later, at the same time of day.
pub fn end_of_term(start: Timestamp, term: Term) -> Timestamp {
    let start_utc = start.to_zoned(TimeZone::UTC);
    start_utc.checked_add(Span::new().years(term.years())).map_or(Timestamp::MAX, |end| end.timestamp())
}

/// Owner of the order, for the buyer and for the customer's Owners of the billing subscription at that moment.
fn roles_on(order: &ReservationOrder, owners: &[(PrincipalId, PrincipalType)], now: Timestamp) -> Vec<RoleAssignment> {
    let mut principals: Vec<(PrincipalId, PrincipalType)> = owners.to_vec();
    principals.sort_unstable_by_key(|(id, _)| *id);
    principals.dedup_by_key(|(id, _)| *id);
    principals
        .into_iter()
        .map(|(principal, principal_type)| RoleAssignment {
            id: RoleAssignmentId(Uuid::new_v5(&order.id.0, principal.0.as_bytes())),
            principal,
            principal_type,
            role: role::OWNER,
            scope: order.scope(),
            description: None,
            created_at: now,
            created_by: order.buyer.id.to_string(),
        })
        .collect()
}

/// The activity record of an order: what the log keeps of it, without the partner's cost.
pub fn order_record(order: &Order) -> RecordDraft {
    let mut details = vec![
        ("OrderId".to_owned(), order.id.to_string()),
        ("AlternateId".to_owned(), order.id.alternate().to_owned()),
        ("BillingCycle".to_owned(), order.billing_cycle.name().to_owned()),
        ("BoughtBy".to_owned(), order.buyer.side.name().to_owned()),
    ];
    for line in &order.lines {
        let n = line.number;
        details.push((format!("OfferId-{n}"), line.catalog_item.to_string()));
        match &line.item {
            OrderedItem::Reservation { reservation_order, subscription, .. } => {
                details.push((format!("SubscriptionId-{n}"), subscription.to_string()));
                details.push((format!("ReservationOrderId-{n}"), reservation_order.to_string()));
            }
            OrderedItem::AzurePlan { entitlement } | OrderedItem::AzureGlobal { entitlement } => {
                details.push((format!("SubscriptionId-{n}"), entitlement.to_string()));
            }
        }
        details.push((format!("SubscriptionName-{n}"), line.name.clone()));
        details.push((format!("Quantity-{n}"), line.quantity.to_string()));
    }
    RecordDraft { subject: order.id.to_string(), old: None, new: Some(order_snapshot(order)), details }
}

fn order_snapshot(order: &Order) -> Snapshot {
    let line = |line: &OrderLine| {
        Snapshot::Object(vec![
            ("LineItemNumber", Snapshot::Number(line.number)),
            ("OfferId", Snapshot::text(&line.catalog_item)),
            ("FriendlyName", Snapshot::text(&line.name)),
            ("Quantity", Snapshot::Number(line.quantity)),
            ("UnitPrice", Snapshot::text(line.prices.customer.decimal())),
        ])
    };
    Snapshot::Object(vec![
        ("Id", Snapshot::text(&order.id)),
        ("ReferenceCustomerId", Snapshot::text(order.customer)),
        ("BillingCycle", Snapshot::text(order.billing_cycle.name())),
        ("CurrencyCode", Snapshot::text(order.currency)),
        ("LineItems", Snapshot::List(order.lines.iter().map(line).collect())),
        ("CreationDate", Snapshot::text(order.placed_at)),
        ("Status", Snapshot::text(order.status.name())),
        ("TransactionType", Snapshot::Text("UserPurchase".to_owned())),
        ("Attributes", Snapshot::Object(vec![("ObjectType", Snapshot::Text("Order".to_owned()))])),
    ])
}

/// May this person buy this, and if not, why not (G04)? Asked by the partner about anyone, or by the customer's own about
/// themselves.
#[derive(Debug, Clone)]
pub struct CanBuy {
    /// The customer.
    pub customer: CustomerId,
    /// The person or application.
    pub buyer: Who,
    /// On which subscription; none: on any that the partner bought.
    pub subscription: Option<SubscriptionId>,
    /// What; none: anything.
    pub item: Option<Item>,
    /// Where the benefit would apply.
    pub scope: AppliedScope,
    /// When.
    pub now: Timestamp,
}

/// The person or application that a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// By object id.
    Id(PrincipalId),
    /// By the user's principal name; case does not count.
    Name(String),
}

impl Action for CanBuy {
    const OPERATION: Operation = operation::CAN_BUY;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for CanBuy {
    type Answer = Option<Verdict>;
}

/// The answer to [`CanBuy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The buyer's name.
    pub buyer: String,
    /// The subscription that was looked at, where there is one.
    pub subscription: Option<SubscriptionId>,
    /// Everything that stands in the way; empty: yes.
    pub obstacles: Vec<Obstacle>,
    /// What one instance would cost the customer for the term, and its list price, where the item is for sale.
    pub price: Option<(Money, Money)>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::civil::date;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::self_serve_policy::PolicyId;
    use crate::subscription::SubscriptionStatus;
    use crate::testing::{self, outcome};

    const SKU: &str = "Standard_D2s_v5";

    fn subscription() -> SubscriptionId {
        SubscriptionId(Uuid::from_u128(0x33))
    }

    fn order() -> ReservationOrderId {
        ReservationOrderId(Uuid::from_u128(0x44))
    }

    fn eur(amount: i64) -> Money {
        Money::exact(Decimal::from(amount), Currency::parse("EUR").unwrap()).unwrap()
    }

    fn item() -> Item {
        Item {
            resource_type: ReservedResourceType::VirtualMachines,
            sku: SkuName::parse(SKU).unwrap(),
            region: Region::parse("swedencentral").unwrap(),
            term: Term::P1Y,
            plan: BillingPlan::Monthly,
            quantity: Quantity::new(2).unwrap(),
        }
    }

    fn catalog() -> Arc<Catalog> {
        let offer = Offer {
            sku: SkuName::parse(SKU).unwrap(),
            family: "Dsv5".to_owned(),
            region: Region::parse("swedencentral").unwrap(),
            resource_type: ReservedResourceType::VirtualMachines,
            term: Term::P1Y,
            billing_plans: vec![BillingPlan::Upfront, BillingPlan::Monthly],
            list_price: eur(1_000),
            partner_price: eur(880),
            flexibility_group: Some("Dsv5 Series".to_owned()),
            ratio: Decimal::ONE,
            vcpus: Some(2),
            memory_gib: Some(Decimal::from(8)),
            sold_from: None,
            sold_until: Some(date(2027, 1, 1)),
            markets: Vec::new(),
        };
        Arc::new(Catalog::new(vec![offer]).unwrap())
    }

    fn state() -> PurchaseState {
        let prices = UnitPrices { list: eur(1_000), partner: eur(880), customer: eur(950) };
        PurchaseState {
            partner: PartnerContact {
                id: testing::partner(),
                name: "Nordmoln AB".to_owned(),
                support: vec!["hjalp@nordmoln.example".to_owned()],
                currency: Currency::parse("EUR").unwrap(),
            },
            country: Country::parse("SE").unwrap(),
            catalog: catalog(),
            policy: Some(SelfServePolicy {
                id: PolicyId { grantor: testing::partner(), customer: testing::customer() },
                resources: vec![SelfServeResource::AzureReservedInstances],
                etag: Uuid::from_u128(1),
                granted_at: testing::now(),
                granted_by: "ada@nordmoln.example".to_owned(),
            }),
            subscription: Some(Subscription {
                id: subscription(),
                name: "Produktion".to_owned(),
                status: SubscriptionStatus::Active,
                partner: testing::partner(),
                entitlement: crate::ids::EntitlementId(Uuid::from_u128(0x55)),
                offer: AzureOffer::AzurePlan,
                entitlement_status: SubscriptionStatus::Active,
            }),
            scope_in_context: true,
            quote: Some(Quote {
                id: order(),
                customer: testing::customer(),
                partner: testing::partner(),
                subscription: subscription(),
                asked_by: testing::olle().principal,
                item: item(),
                prices,
                rule: None,
                quoted_at: testing::now(),
                lapses_at: testing::now().checked_add(Span::new().minutes(QUOTE_MINUTES)).unwrap(),
            }),
            existing: None,
            owners: vec![(testing::olle().principal, PrincipalType::User)],
        }
    }

    fn buy() -> BuyReservation {
        BuyReservation {
            order: order(),
            subscription: subscription(),
            item: item(),
            scope: AppliedScope::Shared,
            display_name: None,
            instance_flexibility: true,
            renew: false,
            review_at: None,
        }
    }

    /// What Olle hears, Owner of the subscription or not, some seconds after the quote.
    fn check(command: &BuyReservation, state: PurchaseState, owner: bool, seconds: i64) -> String {
        let at = ArmScope::Subscription(subscription());
        let permit = testing::permit_customer(command, owner.then_some((role::OWNER, at)));
        let now = testing::now().checked_add(Span::new().seconds(seconds)).unwrap();
        let decided = command.decide(&permit, state, now);
        match &decided {
            Err(Refusal::PurchaseNotAllowed { obstacles }) => {
                obstacles.iter().map(Obstacle::code).collect::<Vec<_>>().join(" ")
            }
            _ => outcome(&decided, |d| match &d.record {
                Some(_) => format!("bought {}", d.receipt.order.quantity),
                None => "unchanged".to_owned(),
            }),
        }
    }

    #[test]
    fn r10_r11_r12_r44_everything_that_is_missing_is_said_at_once() {
        let with = |change: fn(&mut PurchaseState)| {
            let mut state = state();
            change(&mut state);
            state
        };
        let off = |s: &mut PurchaseState| s.policy = None;
        let only_savings_plans = |s: &mut PurchaseState| {
            if let Some(policy) = &mut s.policy {
                policy.resources = vec![SelfServeResource::AzureSavingsPlan];
            }
        };
        let suspended = |s: &mut PurchaseState| {
            if let Some(subscription) = &mut s.subscription {
                subscription.status = SubscriptionStatus::Suspended;
            }
        };
        let plan_suspended = |s: &mut PurchaseState| {
            if let Some(subscription) = &mut s.subscription {
                subscription.entitlement_status = SubscriptionStatus::Suspended;
            }
        };
        let andorra = |s: &mut PurchaseState| s.country = Country::parse("AD").unwrap();
        let all: fn(&mut PurchaseState) = |s| {
            s.policy = None;
            if let Some(subscription) = &mut s.subscription {
                subscription.status = SubscriptionStatus::Deleted;
            }
            s.country = Country::parse("AD").unwrap();
            s.catalog = Arc::new(Catalog::new(Vec::new()).unwrap());
            s.scope_in_context = false;
        };
        let mut single = buy();
        single.scope = AppliedScope::Single(ArmScope::Subscription(SubscriptionId(Uuid::from_u128(0x99))));
        for (command, state, owner, expected) in [
            (buy(), state(), true, "bought 2"),
            (buy(), with(off), true, "PermissionOff"),
            (buy(), with(only_savings_plans), true, "PermissionOff"),
            (buy(), with(suspended), true, "SubscriptionNotActive"),
            (buy(), with(plan_suspended), true, "SubscriptionNotActive"),
            (buy(), with(|s| s.subscription = None), true, "NoSubscription"),
            (buy(), state(), false, "NotOwner"),
            (buy(), with(off), false, "PermissionOff NotOwner"),
            (buy(), with(andorra), true, "MarketNotServed"),
            (
                single,
                with(all),
                false,
                "PermissionOff SubscriptionNotActive NotOwner MarketNotServed NotForSale ScopeOutsideContext",
            ),
        ] {
            assert_eq!(check(&command, state, owner, 1), expected);
        }
    }

    #[test]
    fn r13_the_price_is_the_quotes_it_lapses_and_is_bought_on_once() {
        let lapses = QUOTE_MINUTES * 60;
        assert_eq!(check(&buy(), state(), true, lapses - 1), "bought 2");
        assert!(check(&buy(), state(), true, lapses).contains("lapsed"));
        let mut none = state();
        none.quote = None;
        assert!(check(&buy(), none, true, 1).contains("there is no quote"));
        let mut more = buy();
        more.item.quantity = Quantity::new(3).unwrap();
        assert!(check(&more, state(), true, 1).contains("differs from what the quote"));

        let permit = testing::permit_customer(&buy(), Some((role::OWNER, ArmScope::Subscription(subscription()))));
        let bought = buy().decide(&permit, state(), testing::now()).unwrap();
        let mut again = state();
        again.existing = Some(bought.receipt);
        // Once bought it stays bought, whatever has changed since.
        again.policy = None;
        assert_eq!(check(&buy(), again.clone(), true, 10 * lapses), "unchanged");
        assert!(check(&more, again, true, 1).contains("already exists with other terms"));
    }

    #[test]
    fn r20_a_customer_cannot_ask_for_renewal_and_hears_whom_to_ask() {
        let mut renewing = buy();
        renewing.renew = true;
        let heard = check(&renewing, state(), true, 1);
        assert!(heard.contains("Nordmoln AB") && heard.contains("hjalp@nordmoln.example"), "{heard}");
    }

    #[test]
    fn r15_r18_a_purchase_is_whole_and_its_ledger_balances() {
        let command = buy();
        let permit = testing::permit_customer(&command, Some((role::OWNER, ArmScope::Subscription(subscription()))));
        let decided = command.decide(&permit, state(), testing::now()).unwrap();
        let kinds: Vec<&str> = decided
            .changes
            .iter()
            .map(|change| match change {
                Change::OrderPlaced(order) => {
                    assert_eq!(order.partner, testing::partner());
                    assert_eq!(order.buyer.side, BoughtBy::Customer);
                    "order"
                }
                Change::ReservationOrderCreated(order) => {
                    assert_eq!(order.expires_at.to_string(), "2027-11-01T08:00:00Z");
                    "reservation order"
                }
                Change::ReservationCreated(_) => "reservation",
                Change::InstalmentsScheduled { instalments, .. } => {
                    assert_eq!(instalments.len(), 12);
                    let customer: i64 = instalments.iter().map(|i| i.customer.amount_e6).sum();
                    let partner: i64 = instalments.iter().map(|i| i.partner.amount_e6).sum();
                    assert_eq!((customer, partner), (1_900_000_000, 1_760_000_000));
                    "instalments"
                }
                Change::LedgerPosted { entries, .. } => {
                    assert_eq!(ledger::balance(entries).unwrap().unwrap().amount_e6, 0);
                    "ledger"
                }
                Change::EventRaised(_) => "event",
                Change::RoleAssigned(assignment) => {
                    assert_eq!(assignment.principal, testing::olle().principal);
                    "role"
                }
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["order", "reservation order", "reservation", "instalments", "ledger", "event", "role"]);
        let shown = format!("{:?}", decided.record);
        assert!(!shown.contains("880"), "the partner's cost is in the customer's record: {shown}");
    }

    #[test]
    fn a_term_ends_at_the_same_time_of_day() {
        for (start, term, end) in [
            ("2026-11-01T08:00:01Z", Term::P1Y, "2027-11-01T08:00:01Z"),
            ("2028-02-29T23:59:59Z", Term::P1Y, "2029-02-28T23:59:59Z"),
            ("2026-11-01T08:00:00Z", Term::P3Y, "2029-11-01T08:00:00Z"),
        ] {
            assert_eq!(end_of_term(start.parse().unwrap(), term).to_string(), end);
        }
    }

    proptest! {
        #[test]
        fn instalments_and_ledger_add_up_for_any_price(
            customer in 0_i64..10_000_000, partner in 0_i64..10_000_000, instances in 1_i64..=1_000, monthly: bool
        ) {
            let currency = Currency::parse("EUR").unwrap();
            let cents = |n: i64| Money::exact(Decimal::new(n, 2), currency).unwrap();
            let plan = if monthly { BillingPlan::Monthly } else { BillingPlan::Upfront };
            let mut state = state();
            let wanted = Item { plan, quantity: Quantity::new(instances).unwrap(), ..item() };
            let prices = UnitPrices { list: cents(customer), partner: cents(partner), customer: cents(customer) };
            if let Some(quote) = &mut state.quote {
                quote.item = wanted.clone();
                quote.prices = prices;
            }
            let command = BuyReservation { item: wanted, ..buy() };
            let permit =
                testing::permit_customer(&command, Some((role::OWNER, ArmScope::Subscription(subscription()))));
            let decided = command.decide(&permit, state, testing::now()).unwrap();
            for change in &decided.changes {
                match change {
                    Change::InstalmentsScheduled { instalments, .. } => {
                        let sum: i64 = instalments.iter().map(|i| i.customer.amount_e6).sum();
                        prop_assert_eq!(sum, customer * 10_000 * instances);
                        let sum: i64 = instalments.iter().map(|i| i.partner.amount_e6).sum();
                        prop_assert_eq!(sum, partner * 10_000 * instances);
                    }
                    Change::LedgerPosted { entries, .. } => {
                        prop_assert_eq!(ledger::balance(entries).unwrap().unwrap().amount_e6, 0);
                    }
                    _ => {}
                }
            }
        }
    }
}
