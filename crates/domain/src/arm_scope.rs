//! Scopes of Azure Resource Manager: where a role is given and where a reservation's benefit applies.

use std::fmt;

use crate::ids::{ReservationId, ReservationOrderId, SubscriptionId, TenantId};

/// A text that is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a scope such as `/subscriptions/{{id}}`")]
pub struct InvalidScope {
    /// What was given, cut to 200 characters.
    pub text: String,
}

/// A place in the hierarchy of Azure Resource Manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArmScope {
    /// `/`: the whole directory.
    Root,
    /// A management group. The one named like the tenant is the root group: all subscriptions lie below it.
    ManagementGroup(String),
    /// A subscription.
    Subscription(SubscriptionId),
    /// A resource group; the name keeps its spelling and is compared without regard to case.
    ResourceGroup(SubscriptionId, String),
    /// A resource inside a subscription: the rest of the path after the subscription, without its leading slash.
    Resource(SubscriptionId, String),
    /// `/providers/Microsoft.Capacity`: all reservation orders of the directory.
    Capacity,
    /// A reservation order.
    ReservationOrder(ReservationOrderId),
    /// A reservation under an order.
    Reservation(ReservationOrderId, ReservationId),
}

impl ArmScope {
    /// Reads a scope; case, repeated and trailing slashes do not count.
    ///
    /// # Errors
    /// [`InvalidScope`].
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        let invalid = || InvalidScope { text: text.chars().take(200).collect() };
        if text.len() > 2_048 || text.chars().any(char::is_control) {
            return Err(invalid());
        }
        let segments: Vec<&str> = text.trim().split('/').filter(|s| !s.is_empty()).collect();
        let lower: Vec<String> = segments.iter().map(|s| s.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match (lower.as_slice(), segments.as_slice()) {
            ([], []) if text.trim().starts_with('/') => Ok(Self::Root),
            (["providers", "microsoft.management", "managementgroups", _], [.., name]) => {
                Ok(Self::ManagementGroup((*name).to_owned()))
            }
            (["providers", "microsoft.capacity"], _) => Ok(Self::Capacity),
            (["providers", "microsoft.capacity", "reservationorders", order], _) => {
                ReservationOrderId::parse(order).map(Self::ReservationOrder).map_err(|_| invalid())
            }
            (["providers", "microsoft.capacity", "reservationorders", order, "reservations", reservation], _) => {
                let order = ReservationOrderId::parse(order).map_err(|_| invalid())?;
                let reservation = ReservationId::parse(reservation).map_err(|_| invalid())?;
                Ok(Self::Reservation(order, reservation))
            }
            (["subscriptions", id], _) => SubscriptionId::parse(id).map(Self::Subscription).map_err(|_| invalid()),
            (["subscriptions", id, "resourcegroups", _], [.., name]) => {
                let id = SubscriptionId::parse(id).map_err(|_| invalid())?;
                Ok(Self::ResourceGroup(id, (*name).to_owned()))
            }
            (["subscriptions", id, ..], [_, _, rest @ ..]) => {
                let id = SubscriptionId::parse(id).map_err(|_| invalid())?;
                Ok(Self::Resource(id, rest.join("/")))
            }
            _ => Err(invalid()),
        }
    }

    /// The spelling under which scopes are compared and stored: lower case, no trailing slash.
    pub fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }

    /// Whether what is given here holds at `other`: here or below. `tenant` is the directory, whose root management group
    /// holds every subscription.
    pub fn covers(&self, other: &Self, tenant: TenantId) -> bool {
        match self {
            Self::Root => true,
            Self::ManagementGroup(name) => {
                let is_root_group = TenantId::parse(name).is_ok_and(|id| id == tenant);
                other.key() == self.key()
                    || (is_root_group && (other.subscription().is_some() || matches!(other, Self::ManagementGroup(_))))
            }
            _ => {
                let (here, there) = (self.key(), other.key());
                there == here || there.strip_prefix(&here).is_some_and(|rest| rest.starts_with('/'))
            }
        }
    }

    /// The subscription a scope is or lies in.
    pub fn subscription(&self) -> Option<SubscriptionId> {
        match self {
            Self::Subscription(id) | Self::ResourceGroup(id, _) | Self::Resource(id, _) => Some(*id),
            _ => None,
        }
    }

    /// The reservation order a scope is or lies in.
    pub fn reservation_order(&self) -> Option<ReservationOrderId> {
        match self {
            Self::ReservationOrder(id) | Self::Reservation(id, _) => Some(*id),
            _ => None,
        }
    }
}

impl fmt::Display for ArmScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("/"),
            Self::ManagementGroup(name) => write!(f, "/providers/Microsoft.Management/managementGroups/{name}"),
            Self::Subscription(id) => write!(f, "/subscriptions/{id}"),
            Self::ResourceGroup(id, name) => write!(f, "/subscriptions/{id}/resourceGroups/{name}"),
            Self::Resource(id, rest) => write!(f, "/subscriptions/{id}/{rest}"),
            Self::Capacity => f.write_str("/providers/Microsoft.Capacity"),
            Self::ReservationOrder(id) => write!(f, "/providers/Microsoft.Capacity/reservationOrders/{id}"),
            Self::Reservation(order, id) => {
                write!(f, "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{id}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/33333333-3333-4333-8333-333333333333";
    const TENANT: &str = "22222222-2222-4222-8222-222222222222";

    fn scope(text: &str) -> ArmScope {
        ArmScope::parse(text).unwrap()
    }

    #[test]
    fn a_role_holds_at_its_scope_and_below_and_nowhere_else() {
        let tenant = TenantId::parse(TENANT).unwrap();
        let group = format!("{SUBSCRIPTION}/resourceGroups/App");
        let other = "/subscriptions/33333333-3333-4333-8333-333333333334";
        let root_group = format!("/providers/Microsoft.Management/managementGroups/{TENANT}");
        let order = "/providers/Microsoft.Capacity/reservationOrders/44444444-4444-4444-8444-444444444444";
        for (given, at, holds) in [
            (SUBSCRIPTION, SUBSCRIPTION, true),
            (SUBSCRIPTION, &group, true),
            (&group, SUBSCRIPTION, false),
            (SUBSCRIPTION, other, false),
            ("/", SUBSCRIPTION, true),
            ("/", order, true),
            (&root_group, SUBSCRIPTION, true),
            (&root_group, order, false),
            ("/providers/Microsoft.Management/managementGroups/other", SUBSCRIPTION, false),
            ("/providers/Microsoft.Capacity", order, true),
            ("/providers/microsoft.capacity/", order, true),
            (SUBSCRIPTION, order, false),
        ] {
            assert_eq!(scope(given).covers(&scope(at), tenant), holds, "{given} over {at}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_comes_back(text in "(/|subscriptions|providers|resourceGroups|Microsoft\\.Capacity|reservationOrders|33333333-3333-4333-8333-333333333333|[ -ÿ]{0,6}){0,9}") {
            if let Ok(scope) = ArmScope::parse(&text) {
                prop_assert_eq!(ArmScope::parse(&scope.to_string()), Ok(scope));
            }
        }
    }
}
