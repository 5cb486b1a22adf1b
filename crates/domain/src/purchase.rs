//! The purchase by the customer, and by the partner on behalf of the customer (R10-R18).

use crate::arm_scope::ArmScope;
use crate::authz::{Action, Command, Decision, Permit, Target};
use crate::catalog::{Catalog, NotForSale};
use crate::change::Change;
use crate::ids::{OrderId, PrincipalId, ReservationOrderId, SubscriptionId};
use crate::market::Country;
use crate::obstacle::{Circumstances, Item, PartnerContact, day, obstacles};
use crate::operation::{self, Operation};
use crate::order::{BoughtBy, Buyer};
use crate::placement::{Placement, Purchased, order_record, place, reservation_scope};
use crate::quote::Quote;
use crate::refusal::Refusal;
use crate::reservation::{AppliedScope, DisplayName};
use crate::role_assignment::PrincipalType;
use crate::self_serve_policy::SelfServePolicy;
use crate::subscription::Subscription;
use jiff::Timestamp;

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

impl Action for BuyReservation {
    const OPERATION: Operation = operation::BUY_RESERVATION;

    fn target(&self) -> Target {
        Target::Subscription(self.subscription)
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
            order: OrderId::of_purchase(self.order),
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

/// What only the partner may do with a reservation (R20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerOnlyChange {
    /// Exchange it.
    Exchange,
    /// Cancel it and get money back.
    Refund,
    /// Renew it, or let it renew itself.
    Renewal,
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
            Self::ScopeChange => "change the scope of a reservation",
            Self::DirectoryChange => "move a reservation to another directory",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::civil::date;
    use proptest::prelude::*;
    use rust_decimal::Decimal;
    use uuid::Uuid;

    use super::*;
    use crate::catalog::{BillingPlan, Offer, Quantity, Region, ReservedResourceType, SkuName, Term};
    use crate::ledger;
    use crate::money::{Currency, Money};
    use crate::obstacle::Obstacle;
    use crate::order::UnitPrices;
    use crate::placement::end_of_term;
    use crate::quote::QUOTE_MINUTES;
    use crate::role;
    use crate::self_serve_policy::{PolicyId, SelfServeResource};
    use crate::subscription::AzureOffer;
    use crate::subscription::SubscriptionStatus;
    use crate::testing::{self, outcome};
    use jiff::Span;

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
                Change::LedgerPosted { transfers, .. } => {
                    assert_eq!(ledger::balance(&ledger::entries(transfers)).unwrap().unwrap().amount_e6, 0);
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
                    Change::LedgerPosted { transfers, .. } => {
                        prop_assert_eq!(ledger::balance(&ledger::entries(transfers)).unwrap().unwrap().amount_e6, 0);
                    }
                    _ => {}
                }
            }
        }
    }
}
