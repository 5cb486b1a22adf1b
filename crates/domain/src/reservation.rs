//! Reservation orders and the reservations under them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::arm_scope::ArmScope;
use crate::authz::{Action, Query, Target};
use crate::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use crate::change::ScheduledInstalment;
use crate::ids::{CustomerId, OrderId, PartnerId, ReservationId, ReservationOrderId, SubscriptionId};
use crate::obstacle::Item;
use crate::operation::{self, Operation};
use crate::order::{Buyer, UnitPrices};
use crate::refusal::Refusal;

/// How an order or a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationState {
    /// It gives benefit.
    Succeeded,
    /// It was returned, split, merged or exchanged.
    Cancelled,
    /// Its term is over.
    Expired,
}

impl ReservationState {
    /// The word the database stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Succeeded, Self::Cancelled, Self::Expired].into_iter().find(|state| state.name() == text)
    }
}

/// How a cancelled reservation came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was divided; its parts go on.
    Split,
    /// It became part of a larger one.
    Merged,
    /// It was given back for money.
    Returned,
    /// It was given back for another one.
    Exchanged,
}

impl Ending {
    const ALL: [Self; 4] = [Self::Split, Self::Merged, Self::Returned, Self::Exchanged];

    /// The word the database stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Merged => "merged",
            Self::Returned => "returned",
            Self::Exchanged => "exchanged",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.name() == text)
    }
}

/// Where a reservation stands in its life, at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Bought, and its term has not begun.
    Pending,
    /// It gives benefit.
    Active,
    /// It gives benefit, and ends within [`EXPIRING`].
    Expiring,
    /// Its term is over.
    Expired,
    /// It was returned.
    Cancelled,
    /// It was divided.
    Split,
    /// It became part of a larger one.
    Merged,
    /// It was given back for another one.
    Exchanged,
}

impl Phase {
    /// Whether it can still be changed: it has been bought, and neither given up nor run out.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Expiring)
    }
}

/// How long before its end a reservation counts as expiring.
pub const EXPIRING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Which usage a reservation's benefit applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppliedScope {
    /// All subscriptions that this partner bought for this customer (R30).
    Shared,
    /// One subscription or one resource group (R31).
    Single(ArmScope),
}

impl AppliedScope {
    /// The word of the wire and the database.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Shared => "Shared",
            Self::Single(_) => "Single",
        }
    }

    /// The subscription or resource group, where it is only one.
    pub fn scope(&self) -> Option<&ArmScope> {
        match self {
            Self::Shared => None,
            Self::Single(scope) => Some(scope),
        }
    }
}

/// A reservation's name for people: letters, digits, `_` and `-`, at most 64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// A text that is no display name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the display name `{0}` is not 1 to 64 letters, digits, `_` or `-`")]
pub struct InvalidDisplayName(pub String);

impl DisplayName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidDisplayName`].
    pub fn parse(text: &str) -> Result<Self, InvalidDisplayName> {
        let length = text.chars().count();
        if (1..=64).contains(&length) && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDisplayName(text.chars().take(80).collect()))
        }
    }

    /// The name of a purchase that was given none: the SKU and the day.
    pub fn of(sku: &SkuName, now: Timestamp) -> Self {
        let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let sku: String =
            sku.as_str().chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).take(50).collect();
        Self(format!("{sku}_{day}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for DisplayName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was bought: one SKU in one region for one term, on one billing subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationOrder {
    /// Its identifier, minted with the quote.
    pub id: ReservationOrderId,
    /// For whom.
    pub customer: CustomerId,
    /// Who pays (R15).
    pub partner: PartnerId,
    /// The commercial order it came with.
    pub order: OrderId,
    /// The line of that order.
    pub line: i64,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// Its name for people.
    pub display_name: DisplayName,
    /// The SKU.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The term.
    pub term: Term,
    /// How it is paid.
    pub plan: BillingPlan,
    /// How many instances were bought.
    pub quantity: Quantity,
    /// What one instance costs for the term.
    pub prices: UnitPrices,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the benefit starts.
    pub starts_at: Timestamp,
    /// When it ends: the same time of day, the term later.
    pub expires_at: Timestamp,
    /// How it stands.
    pub state: ReservationState,
    /// Grows with every change.
    pub etag: i64,
    /// Who bought it (R17).
    pub buyer: Buyer,
}

impl ReservationOrder {
    /// The name it has in Azure Resource Manager.
    pub fn scope(&self) -> ArmScope {
        ArmScope::ReservationOrder(self.id)
    }
}

/// Where a reservation came from and what it became.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The reservation it was split from, under the same order.
    pub source: Option<ReservationId>,
    /// The reservation it was merged into, under the same order.
    pub successor: Option<ReservationId>,
    /// What it renews.
    pub renewed_from: Option<(ReservationOrderId, ReservationId)>,
    /// What renews it.
    pub renewed_as: Option<(ReservationOrderId, ReservationId)>,
}

/// As what a reservation is to be renewed, where that is not the same again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalTerms {
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What.
    pub item: Item,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// A name for people; none: that of the reservation.
    pub display_name: Option<DisplayName>,
    /// Whether other sizes of the group are covered too.
    pub instance_flexibility: bool,
}

/// What gives benefit, under an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its identifier.
    pub id: ReservationId,
    /// The order it came with.
    pub order: ReservationOrderId,
    /// Its name for people.
    pub display_name: DisplayName,
    /// How many instances.
    pub quantity: Quantity,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// Whether it covers other sizes of its group.
    pub instance_flexibility: bool,
    /// Whether it renews itself at the end; only the partner sets this (R20).
    pub renew: bool,
    /// As what it renews itself; none: the same again.
    pub renew_as: Option<RenewalTerms>,
    /// Whether it is hidden from lists.
    pub archived: bool,
    /// How it stands.
    pub state: ReservationState,
    /// How it came to its end, where it is cancelled.
    pub ending: Option<Ending>,
    /// Where it came from and what it became.
    pub lineage: Lineage,
    /// Grows with every change.
    pub etag: i64,
    /// When someone wanted to be reminded of it.
    pub review_at: Option<Timestamp>,
    /// The first use that is known of; none: it has not been used.
    pub first_used_at: Option<Timestamp>,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who changed it last, or bought it.
    pub changed_by: Buyer,
}

impl Reservation {
    /// Where it stands in its life. Terms begin and end to the second, whether or not anything runs at that second.
    pub fn phase(&self, order: &ReservationOrder, now: Timestamp) -> Phase {
        match (self.state, self.ending) {
            (_, Some(Ending::Split)) => Phase::Split,
            (_, Some(Ending::Merged)) => Phase::Merged,
            (_, Some(Ending::Exchanged)) => Phase::Exchanged,
            (ReservationState::Cancelled, _) | (_, Some(Ending::Returned)) => Phase::Cancelled,
            (ReservationState::Expired, None) => Phase::Expired,
            (ReservationState::Succeeded, None) if order.expires_at <= now => Phase::Expired,
            (ReservationState::Succeeded, None) if now < order.starts_at => Phase::Pending,
            (ReservationState::Succeeded, None) if order.expires_at.duration_since(now) <= EXPIRING => Phase::Expiring,
            (ReservationState::Succeeded, None) => Phase::Active,
        }
    }

    /// The reservation after a change, and before what the change is about is put in.
    #[must_use]
    pub fn revised(&self, by: &Buyer, now: Timestamp, revisions: i64) -> Self {
        Self { etag: self.etag.saturating_add(revisions), updated_at: now, changed_by: by.clone(), ..self.clone() }
    }

    /// The reservation after its end.
    #[must_use]
    pub fn ended(&self, ending: Ending, by: &Buyer, now: Timestamp) -> Self {
        Self {
            state: ReservationState::Cancelled,
            ending: Some(ending),
            renew: false,
            renew_as: None,
            ..self.revised(by, now, 2)
        }
    }

    /// A further reservation of the same order, which goes on with part or all of this one: same term, price, name, scope
    /// and flexibility. Renewal is off until the partner sets it anew; what is renewed already stays so.
    #[must_use]
    pub fn successor(&self, id: ReservationId, quantity: Quantity, by: &Buyer, now: Timestamp) -> Self {
        Self {
            id,
            quantity,
            renew: false,
            renew_as: None,
            archived: false,
            state: ReservationState::Succeeded,
            ending: None,
            lineage: Lineage { renewed_as: self.lineage.renewed_as, ..Lineage::default() },
            etag: 1,
            created_at: now,
            updated_at: now,
            changed_by: by.clone(),
            ..self.clone()
        }
    }

    /// The name it has in Azure Resource Manager.
    pub fn scope_id(&self) -> ArmScope {
        ArmScope::Reservation(self.order, self.id)
    }
}

/// A reservation order with everything under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderWithReservations {
    /// The order.
    pub order: ReservationOrder,
    /// Its reservations of all generations, oldest first.
    pub reservations: Vec<Reservation>,
    /// The names of the subscriptions that they are applied to.
    pub subscription_names: BTreeMap<SubscriptionId, String>,
}

impl OrderWithReservations {
    /// A reservation of the order.
    ///
    /// # Errors
    /// [`Refusal::ReservationNotFound`].
    pub fn reservation(&self, id: ReservationId) -> Result<&Reservation, Refusal> {
        let found = self.reservations.iter().find(|r| r.id == id);
        found.ok_or(Refusal::ReservationNotFound { order: self.order.id, reservation: id })
    }

    /// A reservation of the order that can still be changed.
    ///
    /// # Errors
    /// [`Refusal::ReservationNotFound`], [`Refusal::ReservationNotActive`].
    pub fn live(&self, id: ReservationId, now: Timestamp) -> Result<&Reservation, Refusal> {
        let found = self.reservation(id)?;
        let live = found.phase(&self.order, now).is_live();
        live.then_some(found).ok_or(Refusal::ReservationNotActive { reservation: id })
    }

    /// How many instances there are in all reservations that have not been given up.
    pub fn quantity_left(&self) -> i64 {
        let left = self.reservations.iter().filter(|r| r.state != ReservationState::Cancelled);
        left.map(|r| r.quantity.instances()).sum()
    }

    /// Puts in what a decision made of the reservations.
    pub fn apply(&mut self, new: &Reservation) {
        match self.reservations.iter_mut().find(|r| r.id == new.id) {
            Some(old) => *old = new.clone(),
            None => self.reservations.push(new.clone()),
        }
    }
}

/// One order and its reservations, as Azure Resource Manager shows them.
#[derive(Debug, Clone)]
pub struct GetReservationOrder {
    /// Which.
    pub order: ReservationOrderId,
}

impl Action for GetReservationOrder {
    const OPERATION: Operation = operation::READ_RESERVATION_ORDER;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Query for GetReservationOrder {
    type Answer = Option<OrderWithReservations>;
}

/// Every order the actor may read: those he holds a role on, and for a partner's Admin agents those the partner pays for.
#[derive(Debug, Clone)]
pub struct ListReservationOrders;

impl Action for ListReservationOrders {
    const OPERATION: Operation = operation::LIST_RESERVATION_ORDERS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

impl Query for ListReservationOrders {
    type Answer = Vec<OrderWithReservations>;
}

/// A page of the reservations in a customer's directory that the actor may read, newest first. What went on as others, by a
/// split or a merge, is left out.
#[derive(Debug, Clone)]
pub struct BrowseOwnReservations {
    /// Those that were hidden from lists, instead of the others.
    pub hidden: bool,
    /// How many to leave out.
    pub skip: u32,
    /// How many at most.
    pub size: u32,
}

impl Action for BrowseOwnReservations {
    const OPERATION: Operation = operation::LIST_RESERVATION_ORDERS;

    fn target(&self) -> Target {
        Target::Visible
    }
}

impl Query for BrowseOwnReservations {
    type Answer = OwnReservations;
}

/// What [`BrowseOwnReservations`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnReservations {
    /// Each with its order, in which it is the only one.
    pub reservations: Vec<OrderWithReservations>,
    /// Whether there are more.
    pub more: bool,
    /// Whether any is hidden.
    pub any_hidden: bool,
}

/// What the customer pays for an order, and when: what has fallen due, and what is still to come. What was given back before
/// it fell due is not there any more.
#[derive(Debug, Clone)]
pub struct ListInstalments {
    /// Which order.
    pub order: ReservationOrderId,
}

impl Action for ListInstalments {
    const OPERATION: Operation = operation::READ_RESERVATION_ORDER;

    fn target(&self) -> Target {
        Target::Scope(ArmScope::ReservationOrder(self.order))
    }
}

impl Query for ListInstalments {
    type Answer = Vec<ScheduledInstalment>;
}
