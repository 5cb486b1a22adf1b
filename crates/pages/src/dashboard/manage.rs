//! **Manage**: the way into a customer's portal on behalf of the customer (AOBO, R41).

use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::ids::{CustomerId, ReservationId, ReservationOrderId, SubscriptionId};

/// Who may enter customers' portals at all; what they find there, their roles on subscriptions decide.
pub const ENTERING: [PartnerRole; 3] = [PartnerRole::AdminAgent, PartnerRole::SalesAgent, PartnerRole::HelpdeskAgent];

/// Where roles are given on a subscription: *Access control (IAM)*.
pub fn access(customer: CustomerId, subscription: SubscriptionId) -> String {
    format!("/portal/{customer}/subscriptions/{subscription}/access")
}

/// A reservation, in the customer's portal.
pub fn reservation(customer: CustomerId, order: ReservationOrderId, reservation: ReservationId) -> String {
    format!("/portal/{customer}/reservations/{order}/{reservation}")
}
