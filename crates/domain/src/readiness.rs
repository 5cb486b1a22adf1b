//! How far a customer is from buying by itself: the permission with its history, and what a purchase still needs (R07, R10,
//! R11). Shown to the partner beside the switches of the account page.

use jiff::Timestamp;

use crate::authz::{Action, Query, Target};
use crate::ids::{CustomerId, SubscriptionId};
use crate::operation::{self, Operation};
use crate::self_serve_policy::{SelfServePolicy, SelfServeResource};

/// Subscriptions that one answer names at most.
pub const SUBSCRIPTIONS_MAX: usize = 50;

/// One switch: what the customer may buy on the partner's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// What.
    pub resource: SelfServeResource,
    /// Whether it is on.
    pub on: bool,
    /// When it was last turned on or off, and by whom; `None` where nobody ever did.
    pub changed: Option<(Timestamp, String)>,
}

/// A change of the policy, as the activity log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// When.
    pub at: Timestamp,
    /// Who: the user's principal name.
    pub by: String,
    /// What was permitted before.
    pub before: Vec<SelfServeResource>,
    /// What was permitted after.
    pub after: Vec<SelfServeResource>,
}

/// The switches, in the order of [`SelfServeResource::ALL`]. One policy holds them all, so who turned one of them is told
/// by the changes, newest first; what no change explains was granted with the policy.
pub fn permissions(policy: Option<&SelfServePolicy>, changes: &[PolicyChange]) -> Vec<Permission> {
    let switch = |resource: SelfServeResource| {
        let on = policy.is_some_and(|policy| policy.resources.contains(&resource));
        let turned =
            |change: &&PolicyChange| change.before.contains(&resource) != on && change.after.contains(&resource) == on;
        let changed = changes.iter().find(turned).map(|change| (change.at, change.by.clone()));
        let granted = || policy.filter(|_| on).map(|policy| (policy.granted_at, policy.granted_by.clone()));
        Permission { resource, on, changed: changed.or_else(granted) }
    };
    SelfServeResource::ALL.into_iter().map(switch).collect()
}

/// A subscription that the partner bought for the customer, and who can buy on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadySubscription {
    /// Which.
    pub id: SubscriptionId,
    /// What people call it.
    pub name: String,
    /// Whether it and what it hangs under are active (R10).
    pub active: bool,
    /// The customer's own that are Owner of it, directly or inherited (R11): names to sign in with, or names of applications.
    pub owners: Vec<String>,
    /// Whether the actor may open it in the customer's portal on behalf of the customer (R41).
    pub manageable: bool,
}

/// What [`GetReadiness`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The switches.
    pub permissions: Vec<Permission>,
    /// The subscriptions that the partner bought, those in use first; at most [`SUBSCRIPTIONS_MAX`].
    pub subscriptions: Vec<ReadySubscription>,
    /// Whether there are more of them.
    pub more: bool,
}

/// What a customer's own purchase needs and has.
#[derive(Debug, Clone)]
pub struct GetReadiness {
    /// Whose.
    pub customer: CustomerId,
}

impl Action for GetReadiness {
    const OPERATION: Operation = operation::READ_READINESS;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetReadiness {
    type Answer = Readiness;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::self_serve_policy::PolicyId;
    use crate::testing;

    const RI: SelfServeResource = SelfServeResource::AzureReservedInstances;
    const PLAN: SelfServeResource = SelfServeResource::AzureSavingsPlan;

    #[test]
    fn each_switch_knows_who_turned_it_last() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let change = |second, by: &str, before: &[SelfServeResource], after: &[SelfServeResource]| PolicyChange {
            at: at(second),
            by: by.to_owned(),
            before: before.to_vec(),
            after: after.to_vec(),
        };
        let policy = |resources: &[SelfServeResource]| SelfServePolicy {
            id: PolicyId { grantor: testing::partner(), customer: testing::customer() },
            resources: resources.to_vec(),
            etag: Uuid::from_u128(1),
            granted_at: at(1),
            granted_by: "world".to_owned(),
        };
        let (on_off, plan_on) = (change(5, "ada", &[RI], &[]), change(4, "eva", &[RI], &[RI, PLAN]));
        for (policy, changes, expected) in [
            (None, vec![], "off -, off -"),
            (Some(policy(&[RI])), vec![], "on 1 world, off -"),
            (Some(policy(&[RI, PLAN])), vec![plan_on.clone()], "on 1 world, on 4 eva"),
            (None, vec![on_off.clone()], "off 5 ada, off -"),
            (None, vec![change(6, "ada", &[RI, PLAN], &[]), plan_on.clone(), on_off], "off 6 ada, off 6 ada"),
            (Some(policy(&[PLAN])), vec![change(7, "siv", &[RI, PLAN], &[PLAN]), plan_on], "off 7 siv, on 4 eva"),
        ] {
            let shown: Vec<String> = permissions(policy.as_ref(), &changes)
                .iter()
                .map(|switch| {
                    let by = switch.changed.as_ref().map(|(at, by)| format!("{} {by}", at.as_second()));
                    format!("{} {}", if switch.on { "on" } else { "off" }, by.unwrap_or("-".to_owned()))
                })
                .collect();
            assert_eq!(shown.join(", "), expected);
        }
    }
}
