//! What a partner asks for, line by line, in a cart or an order: what it is, what is wrong with it, what it becomes.
//!
//! A cart shows what is wrong as data, an order is refused for it; both ask [`Basis::check`].

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::arm_scope::ArmScope;
use crate::catalog::{BillingPlan, Catalog, NotForSale, OfferKey, Quantity, QuantityOutOfRange, Term};
use crate::catalog_item::{CatalogItem, CatalogItemId, ReservationScope};
use crate::change::Change;
use crate::entitlement::{AzureSubscription, Entitlement};
use crate::ids::{
    CustomerId, EntitlementId, OrderId, PrincipalId, ReservationOrderId, RoleAssignmentId, SubscriptionId,
};
use crate::market::{self, Country};
use crate::money::{Money, MoneyError};
use crate::obstacle::{Item, PartnerContact, day};
use crate::order::{BillingCycle, Buyer, Order, OrderLine, OrderStatus, OrderedItem, UnitPrices};
use crate::placement::{Placement, place, reservation_scope};
use crate::price::totals;
use crate::price_rule::PriceRule;
use crate::quote::unit_prices;
use crate::reservation::{AppliedScope, DisplayName};
use crate::role;
use crate::role_assignment::{PrincipalType, RoleAssignment};
use crate::subscription::{AzureOffer, SubscriptionStatus};

/// What a line asks for, in the caller's words: a cart keeps them, right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedLine {
    /// The catalogue item, `product:sku:availability`.
    pub item: String,
    /// How many.
    pub quantity: i64,
    /// How it is to be billed: `one_time`, `monthly`.
    pub billing_cycle: String,
    /// For how long: `P1Y`.
    pub term: Option<String>,
    /// The Azure subscription, or the Azure plan above it, that a reservation is for.
    pub subscription: Option<String>,
    /// Where its benefit applies: `shared`, `single`.
    pub scope: Option<String>,
    /// For how long, in the words of the SKU: `1Year`.
    pub duration: Option<String>,
    /// A name for people.
    pub name: Option<String>,
    /// The currency, where the caller names one.
    pub currency: Option<String>,
    /// Something this server does not do that the line asks for.
    pub unsupported: Option<Unsupported>,
}

/// What a line may ask for and does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// Partners beside the one that asks.
    Participants,
    /// A promotion.
    Promotion,
    /// An end of the term of one's own.
    CustomTermEnd,
    /// Add-ons.
    Addons,
    /// What it renews to.
    RenewsTo,
}

impl Unsupported {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Participants, Self::Promotion, Self::CustomTermEnd, Self::Addons, Self::RenewsTo];

    /// The member of the line, as the wire spells it and the database stores it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Participants => "participants",
            Self::Promotion => "promotionId",
            Self::CustomTermEnd => "customTermEndDate",
            Self::Addons => "addonItems",
            Self::RenewsTo => "renewsTo",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|member| member.name() == text)
    }
}

/// What is wrong with a line. Of several reasons the first listed is given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// It asks for more than there is.
    #[error("`{}` is not supported, leave it out", .0.name())]
    Unsupported(Unsupported),
    /// There is no such item.
    #[error("`{item}` is not an item of the catalogue; take `catalogItemId` from an availability")]
    ItemUnknown {
        /// What was asked for.
        item: String,
    },
    /// It has no price in the currency the partner is billed in.
    #[error("the currency is `{billed}`; take an availability in it")]
    Currency {
        /// The partner's billing currency.
        billed: String,
    },
    /// Fewer or more than can be bought at once.
    #[error("the quantity is {asked}, it has to be from 1 to {most}")]
    Quantity {
        /// How many were asked for.
        asked: i64,
        /// How many there may be.
        most: i64,
    },
    /// It cannot be billed that way.
    #[error("the billing cycle is `{asked}`, use one of: {possible}")]
    BillingCycle {
        /// What was asked for.
        asked: String,
        /// What there is.
        possible: String,
    },
    /// The item is for another term.
    #[error("the item is for {}, not for `{asked}`", term.code())]
    Term {
        /// What was asked for.
        asked: String,
        /// The item's term.
        term: Term,
    },
    /// There is no such word for a scope.
    #[error("the scope is `{asked}`, use `shared` or `single`")]
    Scope {
        /// What was asked for.
        asked: String,
    },
    /// Reservations are not sold in the customer's country (R44).
    #[error("reservations are not sold in the market `{country}`")]
    MarketNotServed {
        /// The country.
        country: Country,
    },
    /// The item is not for sale there and then.
    #[error(transparent)]
    NotForSale(NotForSale),
    /// A reservation is bought for a subscription.
    #[error("a reservation needs `provisioningContext.subscriptionId`")]
    SubscriptionMissing,
    /// The partner bought no such subscription for the customer.
    #[error("there is no Azure plan or Azure subscription `{asked}` that you bought for this customer")]
    SubscriptionUnknown {
        /// What was asked for.
        asked: String,
    },
    /// It can be bought for an active subscription only.
    #[error("the subscription `{asked}` is not active")]
    SubscriptionNotActive {
        /// Which.
        asked: String,
    },
    /// It has to be registered first.
    #[error("the subscription `{entitlement}` is not registered for reservations, register it first")]
    SubscriptionNotRegistered {
        /// The commercial subscription.
        entitlement: EntitlementId,
    },
    /// Items for Azure plans and for legacy subscriptions are not the same.
    #[error("the item is not for {}; take it from the catalogue {}", offer_words(*offer), catalogue_words(*offer))]
    ItemForOtherSubscription {
        /// What the subscription is.
        offer: AzureOffer,
    },
    /// There is an Azure plan already.
    #[error("the customer has an Azure plan already; create further subscriptions under it")]
    PlanExists,
    /// The customer has a legacy subscription.
    #[error(
        "the customer has an active MS-AZR-0145P subscription; an Azure plan can be bought once it is no longer active"
    )]
    LegacyActive,
    /// Under an Azure plan there are no legacy subscriptions.
    #[error(
        "MS-AZR-0145P can no longer be bought for a customer with an Azure plan; create a subscription under the plan"
    )]
    LegacyClosed,
    /// An amount is beyond what can be billed.
    #[error("the amount cannot be billed: {0}")]
    Money(#[from] MoneyError),
}

fn offer_words(offer: AzureOffer) -> &'static str {
    match offer {
        AzureOffer::AzurePlan => "an Azure plan",
        AzureOffer::AzureGlobal => "a legacy Azure subscription",
    }
}

fn catalogue_words(offer: AzureOffer) -> &'static str {
    match offer {
        AzureOffer::AzurePlan => "with `reservationScope=AzurePlan`",
        AzureOffer::AzureGlobal => "without `reservationScope`",
    }
}

impl LineProblem {
    /// The number by which a cart reports it.
    pub fn cart_code(&self) -> i64 {
        match self {
            Self::Unsupported(Unsupported::Participants) => 10_004,
            Self::Unsupported(Unsupported::Promotion) => 10_014,
            Self::Unsupported(Unsupported::CustomTermEnd) => 10_016,
            Self::Unsupported(Unsupported::Addons | Unsupported::RenewsTo) => 10_006,
            Self::ItemUnknown { .. } | Self::MarketNotServed { .. } => 10_001,
            Self::NotForSale(NotForSale::PlanNotOffered { .. }) | Self::BillingCycle { .. } => 10_013,
            Self::NotForSale(_) => 10_001,
            Self::Currency { .. } => 10_000,
            Self::Quantity { .. } | Self::Term { .. } | Self::Scope { .. } | Self::SubscriptionMissing => 10_010,
            Self::SubscriptionUnknown { .. } | Self::SubscriptionNotActive { .. } => 10_007,
            Self::SubscriptionNotRegistered { .. } => 10_011,
            Self::ItemForOtherSubscription { .. } => 10_008,
            Self::PlanExists => 10_002,
            Self::LegacyActive | Self::Money(_) => 10_006,
            Self::LegacyClosed => 500_600,
        }
    }
}

/// What the lines of a partner's purchase are checked against.
#[derive(Debug, Clone)]
pub struct Basis {
    /// The partner that pays.
    pub partner: PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// Whether the customer's agreement is confirmed to this partner.
    pub agreement_confirmed: bool,
    /// The price sheet in force.
    pub catalog: Arc<Catalog>,
    /// The partner's price rules that may concern this customer.
    pub rules: Vec<PriceRule>,
    /// What this partner bought for this customer.
    pub entitlements: Vec<Entitlement>,
    /// The Azure subscriptions under it, oldest first.
    pub subscriptions: Vec<AzureSubscription>,
    /// The customer's own Owners, and where they are.
    pub owners: Vec<(PrincipalId, PrincipalType, ArmScope)>,
}

/// A line that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// An Azure plan.
    AzurePlan,
    /// A legacy MS-AZR-0145P subscription.
    AzureGlobal,
    /// A reservation.
    Reservation(Box<WishedReservation>),
}

/// A reservation that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WishedReservation {
    /// As the catalogue names it.
    pub catalog_item: CatalogItemId,
    /// What it is.
    pub item: Item,
    /// For people.
    pub title: String,
    /// What one costs.
    pub prices: UnitPrices,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// Where its benefit applies: under an Azure plan always shared (R32).
    pub scope: AppliedScope,
}

/// What the lines before this one are about to change.
#[derive(Default)]
struct Before {
    plan: bool,
    legacy: bool,
}

impl Basis {
    /// Says of each line what it becomes, or why it cannot be bought.
    pub fn check(&self, lines: &[AskedLine], customer: CustomerId, now: Timestamp) -> Vec<Result<Wish, LineProblem>> {
        let mut before = Before::default();
        let today = day(now);
        lines
            .iter()
            .map(|line| {
                let checked = self.check_line(line, &before, customer, today);
                match &checked {
                    Ok(Wish::AzurePlan) => before.plan = true,
                    Ok(Wish::AzureGlobal) => before.legacy = true,
                    _ => {}
                }
                checked
            })
            .collect()
    }

    fn check_line(
        &self,
        line: &AskedLine,
        before: &Before,
        customer: CustomerId,
        today: Date,
    ) -> Result<Wish, LineProblem> {
        if let Some(unsupported) = line.unsupported {
            return Err(LineProblem::Unsupported(unsupported));
        }
        let unknown = || LineProblem::ItemUnknown { item: line.item.clone() };
        let id = CatalogItemId::parse(&line.item).map_err(|_| unknown())?;
        let item = self.catalog.items().resolve(&id).ok_or_else(unknown)?;
        let billed = self.partner.currency;
        let named = line.currency.as_deref().is_none_or(|named| named.eq_ignore_ascii_case(billed.code()));
        let priced = match &item {
            CatalogItem::Reservation { offer, .. } => offer.currency == billed,
            CatalogItem::AzurePlan | CatalogItem::AzureGlobal => true,
        };
        if !named || !priced {
            return Err(LineProblem::Currency { billed: billed.to_string() });
        }
        match item {
            CatalogItem::AzurePlan => {
                line.is_one_of_a_kind(BillingCycle::OneTime)?;
                if before.plan || self.has(AzureOffer::AzurePlan, |status| status != SubscriptionStatus::Deleted) {
                    return Err(LineProblem::PlanExists);
                }
                if before.legacy || self.has(AzureOffer::AzureGlobal, |status| status == SubscriptionStatus::Active) {
                    return Err(LineProblem::LegacyActive);
                }
                Ok(Wish::AzurePlan)
            }
            CatalogItem::AzureGlobal => {
                line.is_one_of_a_kind(BillingCycle::Monthly)?;
                if before.plan || self.has(AzureOffer::AzurePlan, |status| status != SubscriptionStatus::Deleted) {
                    return Err(LineProblem::LegacyClosed);
                }
                Ok(Wish::AzureGlobal)
            }
            CatalogItem::Reservation { scope, offer } => {
                self.check_reservation(line, id, scope, &offer, customer, today)
            }
        }
    }

    fn has(&self, offer: AzureOffer, status: impl Fn(SubscriptionStatus) -> bool) -> bool {
        self.entitlements.iter().any(|entitlement| entitlement.offer == offer && status(entitlement.status))
    }

    fn check_reservation(
        &self,
        line: &AskedLine,
        catalog_item: CatalogItemId,
        scope: ReservationScope,
        key: &OfferKey,
        customer: CustomerId,
        today: Date,
    ) -> Result<Wish, LineProblem> {
        let quantity = Quantity::new(line.quantity)
            .map_err(|QuantityOutOfRange { asked }| LineProblem::Quantity { asked, most: i64::from(Quantity::MAX) })?;
        let plan = line.billing_plan()?;
        line.is_for(key.term)?;
        let single = line.is_single()?;
        if !market::sells_reservations(self.country) {
            return Err(LineProblem::MarketNotServed { country: self.country });
        }
        let item = Item {
            resource_type: key.resource_type,
            sku: key.sku.clone(),
            region: key.region.clone(),
            term: key.term,
            plan,
            quantity,
        };
        let wanted = item.wanted(self.partner.currency, self.country, today);
        let offer = self.catalog.find(&wanted).map_err(LineProblem::NotForSale)?;
        let (entitlement, subscription) = self.billing_subscription(line)?;
        if reservation_scope(entitlement.offer) != scope {
            return Err(LineProblem::ItemForOtherSubscription { offer: entitlement.offer });
        }
        let (prices, _) = unit_prices(offer, &self.rules, customer, today)?;
        for price in [prices.partner, prices.customer, prices.list] {
            totals(price, quantity, plan, key.term, today)?;
        }
        // Under an Azure plan the partner buys for all subscriptions (R32), whatever was asked for.
        let single = single && entitlement.offer == AzureOffer::AzureGlobal;
        Ok(Wish::Reservation(Box::new(WishedReservation {
            catalog_item,
            title: offer.title(),
            prices,
            subscription,
            scope: if single {
                AppliedScope::Single(ArmScope::Subscription(subscription))
            } else {
                AppliedScope::Shared
            },
            item,
        })))
    }

    /// The subscription a line names, by its own identifier or by that of the plan above it: then the oldest active one.
    fn billing_subscription(&self, line: &AskedLine) -> Result<(&Entitlement, SubscriptionId), LineProblem> {
        let asked = line.subscription.as_deref().ok_or(LineProblem::SubscriptionMissing)?;
        let unknown = || LineProblem::SubscriptionUnknown { asked: asked.to_owned() };
        let id = SubscriptionId::parse(asked).map_err(|_| unknown())?;
        let active = |subscription: &&AzureSubscription| subscription.status == SubscriptionStatus::Active;
        let (entitlement, subscription) = match self.entitlements.iter().find(|e| e.id.0 == id.0) {
            Some(entitlement) => {
                let mut under = self.subscriptions.iter().filter(|s| s.entitlement == entitlement.id);
                (entitlement, under.find(active))
            }
            None => {
                let subscription = self.subscriptions.iter().find(|s| s.id == id).ok_or_else(unknown)?;
                let above = self.entitlements.iter().find(|e| e.id == subscription.entitlement).ok_or_else(unknown)?;
                (above, Some(subscription).filter(active))
            }
        };
        let subscription = subscription.filter(|_| entitlement.status == SubscriptionStatus::Active);
        let Some(subscription) = subscription else {
            return Err(LineProblem::SubscriptionNotActive { asked: asked.to_owned() });
        };
        if !entitlement.registered {
            return Err(LineProblem::SubscriptionNotRegistered { entitlement: entitlement.id });
        }
        Ok((entitlement, subscription.id))
    }

    /// The customer's own Owners of a subscription, directly or inherited.
    fn owners_of(&self, subscription: SubscriptionId, customer: CustomerId) -> Vec<(PrincipalId, PrincipalType)> {
        let scope = ArmScope::Subscription(subscription);
        self.owners
            .iter()
            .filter(|(_, _, given)| given.covers(&scope, customer.tenant()))
            .map(|(id, kind, _)| (*id, *kind))
            .collect()
    }

    /// Places one order with these lines: what is bought, what comes into being, who may act on it (R18, R42).
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn place_order(
        &self,
        placing: &Placing,
        lines: &[(&AskedLine, Wish)],
        now: Timestamp,
    ) -> Result<(Order, Vec<Change>), MoneyError> {
        let Placing { customer, seed, buyer, billing_cycle } = placing;
        let id = OrderId::from_uuid(*seed);
        let mut order = Order {
            id: id.clone(),
            customer: *customer,
            partner: self.partner.id,
            placed_at: now,
            billing_cycle: *billing_cycle,
            currency: self.partner.currency,
            status: OrderStatus::Completed,
            buyer: buyer.clone(),
            lines: Vec::new(),
        };
        let mut created = Vec::new();
        for ((asked, wish), number) in lines.iter().zip(0_i64..) {
            let fresh = |what: &str| Uuid::new_v5(seed, format!("{what} {number}").as_bytes());
            let line = match wish {
                Wish::AzurePlan | Wish::AzureGlobal => {
                    let offer = if *wish == Wish::AzurePlan { AzureOffer::AzurePlan } else { AzureOffer::AzureGlobal };
                    let entitlement = EntitlementId(fresh("entitlement"));
                    let subscription = match offer {
                        AzureOffer::AzurePlan => SubscriptionId(fresh("subscription")),
                        AzureOffer::AzureGlobal => SubscriptionId(entitlement.0),
                    };
                    created.extend(self.new_subscription(placing, offer, entitlement, subscription, asked, now));
                    self.plan_line(offer, entitlement, number, asked)
                }
                Wish::Reservation(wished) => {
                    let placement = Placement {
                        customer: *customer,
                        partner: self.partner.id,
                        subscription: wished.subscription,
                        item: wished.item.clone(),
                        prices: wished.prices,
                        scope: wished.scope.clone(),
                        display_name: asked.name.as_deref().and_then(|name| DisplayName::parse(name).ok()),
                        instance_flexibility: true,
                        renew: false,
                        review_at: None,
                        reservation_order: ReservationOrderId(fresh("reservation order")),
                        order: id.clone(),
                        line: number,
                        buyer: buyer.clone(),
                        owners: self.owners_of(wished.subscription, *customer),
                    };
                    created.extend(place(&placement, now)?.changes);
                    wished.line(placement.reservation_order, number, asked)
                }
            };
            order.lines.push(line);
        }
        let mut changes = vec![Change::OrderPlaced(Box::new(order.clone()))];
        changes.extend(created);
        Ok((order, changes))
    }

    /// A commercial subscription with its first Azure subscription, which the partner's Admin agents own (AOBO).
    fn new_subscription(
        &self,
        placing: &Placing,
        offer: AzureOffer,
        id: EntitlementId,
        subscription: SubscriptionId,
        asked: &AskedLine,
        now: Timestamp,
    ) -> Vec<Change> {
        let scope = ArmScope::Subscription(subscription);
        let agents = self.partner.id.admin_agents_group();
        let entitlement = Entitlement {
            id,
            customer: placing.customer,
            partner: self.partner.id,
            offer,
            name: asked.name.clone().unwrap_or_else(|| offer_title(offer).to_owned()),
            status: SubscriptionStatus::Active,
            registered: false,
            auto_renew: true,
            order: OrderId::from_uuid(placing.seed).to_string(),
            created_at: now,
            version: 1,
        };
        let first = AzureSubscription {
            id: subscription,
            entitlement: id,
            name: offer_title(AzureOffer::AzureGlobal).to_owned(),
            status: SubscriptionStatus::Active,
            created_at: now,
        };
        vec![
            Change::EntitlementCreated(Box::new(entitlement), Box::new(first)),
            Change::RoleAssigned(RoleAssignment {
                id: RoleAssignmentId(Uuid::new_v5(&agents.0, scope.key().as_bytes())),
                principal: agents,
                principal_type: PrincipalType::ForeignGroup,
                role: role::OWNER,
                scope,
                description: None,
                created_at: now,
                created_by: placing.buyer.id.to_string(),
            }),
        ]
    }

    /// The line of an order for an Azure plan or a legacy subscription: usage is billed, the subscription itself is free.
    fn plan_line(&self, offer: AzureOffer, entitlement: EntitlementId, number: i64, asked: &AskedLine) -> OrderLine {
        let free = Money::zero(self.partner.currency);
        let (item, known) = match offer {
            AzureOffer::AzurePlan => (OrderedItem::AzurePlan { entitlement }, CatalogItemId::azure_plan()),
            AzureOffer::AzureGlobal => (OrderedItem::AzureGlobal { entitlement }, CatalogItemId::azure_global()),
        };
        OrderLine {
            number,
            item,
            catalog_item: CatalogItemId::parse(&asked.item).unwrap_or(known),
            name: asked.name.clone().unwrap_or_else(|| offer_title(offer).to_owned()),
            quantity: 1,
            prices: UnitPrices { list: free, partner: free, customer: free },
        }
    }
}

/// What people call it.
fn offer_title(offer: AzureOffer) -> &'static str {
    match offer {
        AzureOffer::AzurePlan => "Azure plan",
        AzureOffer::AzureGlobal => "Microsoft Azure",
    }
}

/// An order about to be placed by a partner.
#[derive(Debug, Clone)]
pub struct Placing {
    /// For whom.
    pub customer: CustomerId,
    /// What all its identifiers are made from.
    pub seed: Uuid,
    /// Who buys.
    pub buyer: Buyer,
    /// How it is billed.
    pub billing_cycle: BillingCycle,
}

impl WishedReservation {
    fn line(&self, reservation_order: ReservationOrderId, number: i64, asked: &AskedLine) -> OrderLine {
        OrderLine {
            number,
            item: OrderedItem::Reservation { reservation_order, subscription: self.subscription, term: self.item.term },
            catalog_item: self.catalog_item.clone(),
            name: asked.name.clone().unwrap_or_else(|| self.title.clone()),
            quantity: self.item.quantity.instances(),
            prices: self.prices,
        }
    }
}

impl AskedLine {
    /// Azure plans and legacy subscriptions are bought one at a time and billed in one way.
    fn is_one_of_a_kind(&self, cycle: BillingCycle) -> Result<(), LineProblem> {
        if self.quantity != 1 {
            return Err(LineProblem::Quantity { asked: self.quantity, most: 1 });
        }
        if BillingCycle::parse(&self.billing_cycle) != Some(cycle) {
            return Err(self.wrong_cycle(cycle.name()));
        }
        Ok(())
    }

    fn wrong_cycle(&self, possible: &str) -> LineProblem {
        LineProblem::BillingCycle { asked: self.billing_cycle.clone(), possible: possible.to_owned() }
    }

    /// How a reservation is paid.
    fn billing_plan(&self) -> Result<BillingPlan, LineProblem> {
        match BillingCycle::parse(&self.billing_cycle) {
            Some(BillingCycle::OneTime) => Ok(BillingPlan::Upfront),
            Some(BillingCycle::Monthly) => Ok(BillingPlan::Monthly),
            None => Err(self.wrong_cycle("one_time, monthly")),
        }
    }

    /// Whether the terms the line names are the item's.
    fn is_for(&self, term: Term) -> Result<(), LineProblem> {
        for named in [&self.term, &self.duration].into_iter().flatten() {
            if Term::parse_duration(named) != Ok(term) {
                return Err(LineProblem::Term { asked: named.clone(), term });
            }
        }
        Ok(())
    }

    fn is_single(&self) -> Result<bool, LineProblem> {
        match self.scope.as_deref() {
            None => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("shared") => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("single") => Ok(true),
            Some(word) => Err(LineProblem::Scope { asked: word.to_owned() }),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::catalog::tests::offer;
    use crate::money::Currency;
    use crate::testing::{customer, now, olle, partner};

    const PLAN: u128 = 0x51;
    const PRODUKTION: u128 = 0x52;
    const PROV: u128 = 0x53;

    /// An agreement, no plan, one SKU that is sold.
    pub(crate) fn basis() -> Basis {
        Basis {
            partner: PartnerContact {
                id: partner(),
                name: "Nordmoln AB".to_owned(),
                support: Vec::new(),
                currency: Currency::parse("EUR").unwrap(),
            },
            country: Country::parse("SE").unwrap(),
            agreement_confirmed: true,
            catalog: Arc::new(Catalog::new(vec![offer()]).unwrap()),
            rules: Vec::new(),
            entitlements: Vec::new(),
            subscriptions: Vec::new(),
            owners: vec![
                (
                    olle().principal,
                    PrincipalType::User,
                    ArmScope::Subscription(SubscriptionId(Uuid::from_u128(PRODUKTION))),
                ),
                (
                    PrincipalId(Uuid::from_u128(9)),
                    PrincipalType::User,
                    ArmScope::Subscription(SubscriptionId(Uuid::from_u128(PROV))),
                ),
            ],
        }
    }

    fn entitlement(offer: AzureOffer) -> Entitlement {
        Entitlement {
            id: EntitlementId(Uuid::from_u128(PLAN)),
            customer: customer(),
            partner: partner(),
            offer,
            name: "Azure plan".to_owned(),
            status: SubscriptionStatus::Active,
            registered: true,
            auto_renew: true,
            order: "o".to_owned(),
            created_at: now(),
            version: 1,
        }
    }

    fn subscription(id: u128, status: SubscriptionStatus) -> AzureSubscription {
        AzureSubscription {
            id: SubscriptionId(Uuid::from_u128(id)),
            entitlement: EntitlementId(Uuid::from_u128(PLAN)),
            name: "Produktion".to_owned(),
            status,
            created_at: now(),
        }
    }

    /// With a registered plan and two subscriptions.
    pub(crate) fn with_plan() -> Basis {
        Basis {
            entitlements: vec![entitlement(AzureOffer::AzurePlan)],
            subscriptions: vec![
                subscription(PRODUKTION, SubscriptionStatus::Active),
                subscription(PROV, SubscriptionStatus::Active),
            ],
            ..basis()
        }
    }

    /// A line for one of an item.
    pub(crate) fn line(item: &str, cycle: &str) -> AskedLine {
        AskedLine {
            item: item.to_owned(),
            quantity: 1,
            billing_cycle: cycle.to_owned(),
            term: None,
            subscription: None,
            scope: None,
            duration: None,
            name: None,
            currency: None,
            unsupported: None,
        }
    }

    /// A line for the SKU that is sold, for the plan.
    pub(crate) fn reservation(scope: ReservationScope) -> AskedLine {
        let basis = basis();
        let item = basis.catalog.items().id_of(&offer().key(), scope).unwrap();
        AskedLine { subscription: Some(Uuid::from_u128(PLAN).to_string()), ..line(&item.to_string(), "one_time") }
    }

    fn check(basis: &Basis, lines: &[AskedLine]) -> String {
        let said = basis.check(lines, customer(), now()).into_iter().map(|checked| match checked {
            Ok(Wish::AzurePlan) => "a plan".to_owned(),
            Ok(Wish::AzureGlobal) => "a subscription".to_owned(),
            Ok(Wish::Reservation(wished)) => {
                let scope = wished.scope.scope().map_or_else(|| "shared".to_owned(), ToString::to_string);
                format!("{} x {} {scope}", wished.item.quantity, wished.prices.partner)
            }
            Err(problem) => format!("{}: {problem}", problem.cart_code()),
        });
        said.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn a_reservation_is_sold_or_the_first_reason_told() {
        let good = reservation(ReservationScope::AzurePlan);
        let of = |change: &dyn Fn(&mut AskedLine)| {
            let mut line = good.clone();
            change(&mut line);
            line
        };
        let plan = with_plan();
        let suspended = Basis {
            entitlements: vec![Entitlement {
                status: SubscriptionStatus::Suspended,
                registered: false,
                ..entitlement(AzureOffer::AzurePlan)
            }],
            ..with_plan()
        };
        let unregistered = Basis {
            entitlements: vec![Entitlement { registered: false, ..entitlement(AzureOffer::AzurePlan) }],
            ..with_plan()
        };
        let empty = Basis { subscriptions: vec![subscription(PROV, SubscriptionStatus::Suspended)], ..with_plan() };
        let gone = Basis {
            catalog: Arc::new(
                Catalog::new(vec![crate::catalog::Offer { sold_until: Some(date(2026, 1, 1)), ..offer() }]).unwrap(),
            ),
            ..with_plan()
        };
        let greenland = Basis { country: Country::parse("GL").unwrap(), ..with_plan() };
        let crowns = Basis {
            partner: PartnerContact { currency: Currency::parse("SEK").unwrap(), ..basis().partner },
            ..with_plan()
        };
        for (basis, line, expected) in [
            (&plan, good.clone(), "1 x 450.00 EUR shared"),
            // By the subscription's own identifier; R32: shared whatever was asked for.
            (
                &plan,
                of(&|l| {
                    l.subscription = Some(Uuid::from_u128(PROV).to_string().to_uppercase());
                    l.scope = Some("Single".to_owned());
                    l.duration = Some("1Year".to_owned());
                    l.term = Some("P1Y".to_owned());
                    l.quantity = 7;
                }),
                "7 x 450.00 EUR shared",
            ),
            (&plan, of(&|l| l.unsupported = Some(Unsupported::Promotion)), "10014: `promotionId` is not supported"),
            (&plan, of(&|l| l.item = "x".to_owned()), "10001: `x` is not an item"),
            (&crowns, good.clone(), "10000: the currency is `SEK`"),
            (&plan, of(&|l| l.currency = Some("usd".to_owned())), "10000: the currency is `EUR`"),
            (&plan, of(&|l| l.quantity = -1), "10010: the quantity is -1, it has to be from 1 to 1000"),
            (&plan, of(&|l| l.billing_cycle = "weekly".to_owned()), "10013: the billing cycle is `weekly`"),
            (&plan, of(&|l| l.term = Some("P3Y".to_owned())), "10010: the item is for P1Y, not for `P3Y`"),
            (&plan, of(&|l| l.duration = Some("eternity".to_owned())), "10010: the item is for P1Y"),
            (&plan, of(&|l| l.scope = Some("wide".to_owned())), "10010: the scope is `wide`"),
            (&greenland, good.clone(), "10001: reservations are not sold in the market `GL`"),
            (&gone, good.clone(), "10001: `Standard_D2s_v5` for `P1Y` is no longer sold since 2026-01-01"),
            (&plan, of(&|l| l.subscription = None), "10010: a reservation needs"),
            (&plan, of(&|l| l.subscription = Some("x".to_owned())), "10007: there is no Azure plan"),
            (&basis(), good.clone(), "10007: there is no Azure plan"),
            (&suspended, good.clone(), "is not active"),
            (&empty, good.clone(), "is not active"),
            (&unregistered, good.clone(), "10011: the subscription"),
            (&plan, reservation(ReservationScope::Legacy), "10008: the item is not for an Azure plan"),
        ] {
            let shown = check(basis, std::slice::from_ref(&line));
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }

    #[test]
    fn r32_a_legacy_subscription_takes_single_scope() {
        let id = Uuid::from_u128(PLAN);
        let basis = Basis {
            entitlements: vec![entitlement(AzureOffer::AzureGlobal)],
            subscriptions: vec![subscription(PLAN, SubscriptionStatus::Active)],
            ..basis()
        };
        let line = AskedLine { scope: Some("single".to_owned()), ..reservation(ReservationScope::Legacy) };
        assert_eq!(check(&basis, &[line]), format!("1 x 450.00 EUR /subscriptions/{id}"));
        assert!(check(&basis, &[reservation(ReservationScope::AzurePlan)]).starts_with("10008"));
    }

    #[test]
    fn r42_one_plan_and_no_legacy_subscription_beside_it() {
        let (plan, legacy) = (line("DZH318Z0BPS6:0001:X", "one_time"), line("MS-AZR-0145P", "monthly"));
        let of = |offer, status| Basis { entitlements: vec![Entitlement { status, ..entitlement(offer) }], ..basis() };
        let active_legacy = of(AzureOffer::AzureGlobal, SubscriptionStatus::Active);
        for (basis, lines, expected) in [
            (&basis(), vec![plan.clone()], "a plan"),
            (&basis(), vec![legacy.clone(), legacy.clone()], "a subscription | a subscription"),
            (&basis(), vec![plan.clone(), plan.clone()], "a plan | 10002"),
            (&basis(), vec![plan.clone(), legacy.clone()], "a plan | 500600"),
            (&basis(), vec![legacy.clone(), plan.clone()], "a subscription | 10006"),
            (&with_plan(), vec![plan.clone(), legacy.clone()], "10002"),
            (&of(AzureOffer::AzurePlan, SubscriptionStatus::Suspended), vec![plan.clone()], "10002"),
            (&of(AzureOffer::AzurePlan, SubscriptionStatus::Deleted), vec![plan.clone()], "a plan"),
            (&active_legacy, vec![plan.clone()], "10006"),
            (&active_legacy, vec![legacy.clone()], "a subscription"),
            (&of(AzureOffer::AzureGlobal, SubscriptionStatus::Suspended), vec![plan.clone()], "a plan"),
            (&basis(), vec![AskedLine { quantity: 2, ..plan.clone() }], "10010"),
            (&basis(), vec![AskedLine { billing_cycle: "monthly".to_owned(), ..plan.clone() }], "10013"),
            (&basis(), vec![AskedLine { billing_cycle: "OneTime".to_owned(), ..legacy.clone() }], "10013"),
        ] {
            let shown = check(basis, &lines);
            assert!(shown.starts_with(expected), "{shown} is not {expected}");
        }
    }

    #[test]
    fn r22_only_owners_of_the_billing_subscription_get_the_order() {
        let basis = with_plan();
        let line = reservation(ReservationScope::AzurePlan);
        let wish = basis.check(std::slice::from_ref(&line), customer(), now()).remove(0).unwrap();
        let placing = Placing {
            customer: customer(),
            seed: Uuid::from_u128(1),
            buyer: Buyer {
                side: crate::order::BoughtBy::Partner,
                id: crate::testing::ada().principal,
                name: "ada@nordmoln.example".to_owned(),
            },
            billing_cycle: BillingCycle::OneTime,
        };
        let (order, changes) = basis.place_order(&placing, &[(&line, wish)], now()).unwrap();
        assert_eq!(order.lines.len(), 1);
        let given: Vec<PrincipalId> = changes
            .iter()
            .filter_map(|change| match change {
                Change::RoleAssigned(assignment) => Some(assignment.principal),
                _ => None,
            })
            .collect();
        assert_eq!(given, [olle().principal]);
        // R15, R18: what is owed and what the outside is told come with it.
        assert!(matches!(changes.first(), Some(Change::OrderPlaced(_))));
        assert!(changes.iter().any(|change| matches!(change, Change::LedgerPosted { .. })));
        assert!(changes.iter().any(|change| matches!(change, Change::EventRaised(_))));
    }
}
