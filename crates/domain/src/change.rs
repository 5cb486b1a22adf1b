//! What a decision may do to the state: data, so that it can be tested without a database.

use crate::role_definition::RoleDefinition;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::cart::Cart;
use crate::customer::{Agreement, Customer, NewCustomer};
use crate::entitlement::{AzureSubscription, Entitlement};
use crate::exchange::ExchangeQuote;
use crate::ids::{OrderId, PartnerId, ReservationId, ReservationOrderId, RoleAssignmentId, RoleDefinitionId};
use crate::ledger::{LedgerKind, Transfer};
use crate::money::Money;
use crate::order::Order;
use crate::price_rule::PriceRule;
use crate::quote::Quote;
use crate::refund_policy::{ConversionRate, RefundPolicy};
use crate::reservation::{Reservation, ReservationOrder};
use crate::returning::{RefundQuote, ReturnMade};
use crate::role_assignment::RoleAssignment;
use crate::self_serve_policy::{PolicyId, SelfServePolicy};
use crate::usage::{UsageHour, UsageResource};

/// One change; the store has one statement for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The permission is on.
    SelfServePolicyGranted(SelfServePolicy),
    /// The permission covers something else.
    SelfServePolicyReplaced(SelfServePolicy),
    /// The permission is off.
    SelfServePolicyRevoked(PolicyId),
    /// A reservation is something else than before.
    ReservationUpdated(Box<Reservation>),
    /// Someone has a role.
    RoleAssigned(RoleAssignment),
    /// Why someone has a role was written down anew.
    RoleAssignmentDescribed(RoleAssignment),
    /// Someone has a role no longer.
    RoleAssignmentRemoved(RoleAssignmentId),
    /// There is a custom role of this content.
    RoleDefinitionSaved(RoleDefinition),
    /// There is no such custom role any more.
    RoleDefinitionRemoved(RoleDefinitionId),
    /// A price rule is made.
    PriceRuleAdded(PriceRule),
    /// A price rule has an end.
    PriceRuleEnded(PriceRule),
    /// A price holds for a while.
    PriceQuoted(Box<Quote>),
    /// A commercial order with its lines.
    OrderPlaced(Box<Order>),
    /// All that a commercial order bought was given back.
    OrderCancelled(OrderId),
    /// A reservation order.
    ReservationOrderCreated(Box<ReservationOrder>),
    /// A reservation order is something else than before.
    ReservationOrderUpdated(Box<ReservationOrder>),
    /// A reservation.
    ReservationCreated(Box<Reservation>),
    /// What is owed for an order, and when.
    InstalmentsScheduled {
        /// The order.
        order: ReservationOrderId,
        /// In order.
        instalments: Vec<ScheduledInstalment>,
    },
    /// What was still to be paid for an order is to be paid otherwise, or not at all: these instalments stand for all
    /// that were not posted yet.
    InstalmentsReplaced {
        /// The order.
        order: ReservationOrderId,
        /// In order, none of them posted; their numbers go on from those that were posted.
        instalments: Vec<ScheduledInstalment>,
    },
    /// An instalment is in the ledger.
    InstalmentPosted {
        /// The order.
        order: ReservationOrderId,
        /// Which instalment.
        number: i64,
        /// The ledger event.
        event: Uuid,
    },
    /// An event of the ledger.
    LedgerPosted {
        /// Names the event; it can be posted once.
        event: Uuid,
        /// What it is about.
        kind: LedgerKind,
        /// The partner whose ledger it is.
        partner: PartnerId,
        /// When.
        at: Timestamp,
        /// What it is about: the reservation order.
        subject: String,
        /// For how many instances.
        quantity: i64,
        /// From which accounts to which; all of one currency.
        transfers: Vec<Transfer>,
    },
    /// A refund holds for a while.
    RefundQuoted(Box<RefundQuote>),
    /// A quoted refund was paid.
    RefundQuoteUsed {
        /// Which.
        session: Uuid,
        /// When.
        at: Timestamp,
    },
    /// An exchange holds for a while.
    ExchangeQuoted(Box<ExchangeQuote>),
    /// A quoted exchange was made.
    ExchangeQuoteUsed {
        /// Which.
        session: Uuid,
        /// When.
        at: Timestamp,
    },
    /// Something was given back.
    ReturnMade(Box<ReturnMade>),
    /// A partner's own rules of returns hold from a day on.
    RefundPolicySet(RefundPolicy),
    /// A partner's own conversion rate holds from a day on.
    ConversionRateSet(ConversionRate),
    /// The outside is to be told.
    EventRaised(OutgoingEvent),
    /// A cart has this content.
    CartSaved(Box<Cart>),
    /// A commercial subscription with its first Azure subscription.
    EntitlementCreated(Box<Entitlement>, Box<AzureSubscription>),
    /// A customer came to be.
    CustomerCreated(Box<NewCustomer>),
    /// A customer's bills are made out otherwise.
    BillToUpdated(Box<Customer>),
    /// The customer's agreement was confirmed to the partner, at this instant.
    AgreementConfirmed(Agreement, Timestamp),
    /// A commercial subscription was registered, renamed, suspended or resumed.
    EntitlementUpdated(Entitlement),
    /// These hours of usage are what was used in them; their figures are to be made anew.
    UsageImported {
        /// Resources that had no number yet.
        resources: Vec<(i64, UsageResource)>,
        /// The hours.
        hours: Vec<UsageHour>,
        /// When they came.
        at: Timestamp,
    },
    /// The first use of a reservation that was found is noted.
    UseNoted(ReservationId),
}

/// One payment of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledInstalment {
    /// From 1.
    pub number: i64,
    /// The day it is due.
    pub due: Date,
    /// What the partner owes.
    pub partner: Money,
    /// What the customer owes the partner.
    pub customer: Money,
    /// The ledger event by which it was posted.
    pub posted: Option<Uuid>,
}

/// Something the outside is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingEvent {
    /// Names it; it is raised once.
    pub id: Uuid,
    /// Whom it concerns.
    pub partner: PartnerId,
    /// What happened: `reservation.purchased`.
    pub kind: &'static str,
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub subject: String,
}
