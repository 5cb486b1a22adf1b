//! What a purchase brings about, whoever buys and by whichever door (R15, R17, R18, R22).

use crate::activity::{RecordDraft, Snapshot};
use crate::catalog::{BillingPlan, Offer, Term};
use crate::catalog_item::{CatalogItemId, ReservationScope};
use crate::change::{Change, OutgoingEvent, ScheduledInstalment};
use crate::ids::{
    CustomerId, OrderId, PartnerId, PrincipalId, ReservationId, ReservationOrderId, RoleAssignmentId, SubscriptionId,
    beside,
};
use crate::ledger::{self, LedgerKind, Transfer};
use crate::money::MoneyError;
use crate::obstacle::{Item, day};
use crate::order::{BillingCycle, Buyer, Order, OrderLine, OrderStatus, OrderedItem, UnitPrices};
use crate::price::totals;
use crate::reservation::{AppliedScope, DisplayName, Lineage, Reservation, ReservationOrder, ReservationState};
use crate::role;
use crate::role_assignment::{PrincipalType, RoleAssignment};
use crate::subscription::AzureOffer;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// What a purchase brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchased {
    /// The order.
    pub order: ReservationOrder,
    /// The reservation under it.
    pub reservation: Reservation,
}

/// Which of Partner Center's two sets of items fits a subscription.
pub fn reservation_scope(offer: AzureOffer) -> ReservationScope {
    match offer {
        AzureOffer::AzurePlan => ReservationScope::AzurePlan,
        AzureOffer::AzureGlobal => ReservationScope::Legacy,
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
    pub(crate) fn commercial_order(&self, offer: &Offer, catalog_item: CatalogItemId, now: Timestamp) -> Order {
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
    place_from(placement, now, now)
}

/// As [`place`], for a term that starts at another instant: what is due then is owed then.
///
/// # Errors
/// [`MoneyError`].
pub fn place_from(placement: &Placement, now: Timestamp, start: Timestamp) -> Result<Placed, MoneyError> {
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
        starts_at: start,
        expires_at: end_of_term(start, item.term),
        state: ReservationState::Succeeded,
        etag: 1,
        buyer: placement.buyer.clone(),
    };
    let seed = placement.reservation_order.0;
    let reservation = Reservation {
        id: ReservationId::of_purchase(order.id),
        order: order.id,
        display_name,
        quantity: item.quantity,
        scope: placement.scope.clone(),
        instance_flexibility: placement.instance_flexibility,
        renew: placement.renew,
        renew_as: None,
        archived: false,
        state: ReservationState::Succeeded,
        ending: None,
        lineage: Lineage::default(),
        etag: 1,
        review_at: placement.review_at,
        first_used_at: None,
        created_at: now,
        updated_at: now,
        changed_by: placement.buyer.clone(),
    };
    let (today, first_day) = (day(now), day(start));
    let cost = totals(placement.prices.partner, item.quantity, item.plan, item.term, first_day)?;
    let price = totals(placement.prices.customer, item.quantity, item.plan, item.term, first_day)?;
    let event = beside(seed, b"purchase");
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
            posted: (number == 1 && cost.due <= today).then_some(event),
        })
        .collect();
    let posted = instalments.iter().filter(|instalment| instalment.posted.is_some());
    let transfers: Vec<Transfer> =
        posted.flat_map(|instalment| ledger::charge(instalment.partner, instalment.customer)).collect();
    let mut changes = vec![
        Change::ReservationOrderCreated(Box::new(order.clone())),
        Change::ReservationCreated(Box::new(reservation.clone())),
        Change::InstalmentsScheduled { order: order.id, instalments },
    ];
    if !transfers.is_empty() {
        let subject = order.id.to_string();
        let (kind, partner) = (LedgerKind::Purchase, placement.partner);
        let quantity = item.quantity.instances();
        changes.push(Change::LedgerPosted { event, kind, partner, at: now, subject, quantity, transfers });
    }
    changes.push(Change::EventRaised(OutgoingEvent {
        id: beside(seed, b"purchased"),
        partner: placement.partner,
        kind: "reservation.purchased",
        at: now,
        subject: order.id.to_string(),
    }));
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
            id: RoleAssignmentId(beside(order.id.0, principal.0.as_bytes())),
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

/// An order as the activity log shows it.
pub(crate) fn order_snapshot(order: &Order) -> Snapshot {
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
