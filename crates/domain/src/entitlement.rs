//! What a partner bought for a customer: the commercial subscription, and the Azure subscriptions under it.

use jiff::Timestamp;

use crate::activity::{RecordDraft, Snapshot};
use crate::actor::PartnerRole::{AdminAgent, HelpdeskAgent, SalesAgent};
use crate::actor::{Grant, Standing};
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::change::Change;
use crate::directory::has_role_on;
use crate::ids::{CustomerId, EntitlementId, PartnerId, SubscriptionId};
use crate::operation::{self, Operation};
use crate::refusal::Refusal;
use crate::subscription::{AzureOffer, SubscriptionStatus};

/// A commercial subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// Which.
    pub id: EntitlementId,
    /// Whose.
    pub customer: CustomerId,
    /// Who bought it.
    pub partner: PartnerId,
    /// What was bought.
    pub offer: AzureOffer,
    /// What people call it.
    pub name: String,
    /// Whether it can be used.
    pub status: SubscriptionStatus,
    /// Whether reservations can be bought on it by the partner's orders.
    pub registered: bool,
    /// Whether it goes on at the end of its term.
    pub auto_renew: bool,
    /// The order that bought it.
    pub order: String,
    /// When it was bought.
    pub created_at: Timestamp,
    /// Counts its changes.
    pub version: i64,
}

/// An Azure subscription under an entitlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureSubscription {
    /// Which.
    pub id: SubscriptionId,
    /// Under which entitlement.
    pub entitlement: EntitlementId,
    /// What people call it.
    pub name: String,
    /// Whether it can be used.
    pub status: SubscriptionStatus,
    /// When it came to be.
    pub created_at: Timestamp,
}

impl Entitlement {
    /// The identifier and version, as commands compare them.
    pub fn etag(&self) -> (EntitlementId, i64) {
        (self.id, self.version)
    }

    fn snapshot(&self) -> Snapshot {
        let text = |value: &str| Snapshot::Text(value.to_owned());
        Snapshot::Object(vec![
            ("Id", Snapshot::text(self.id)),
            ("OfferId", text(self.offer.name())),
            ("FriendlyName", text(&self.name)),
            ("Quantity", Snapshot::Number(1)),
            ("Status", text(self.status.name())),
            ("AutoRenewEnabled", Snapshot::Flag(self.auto_renew)),
            ("OrderId", text(&self.order)),
            ("Registered", Snapshot::Flag(self.registered)),
            ("SuspensionReasons", Snapshot::Null),
            ("Attributes", Snapshot::Object(vec![("ObjectType", text("Subscription"))])),
        ])
    }

    fn changed_to(&self, new: &Self) -> RecordDraft {
        RecordDraft {
            subject: self.id.to_string(),
            old: Some(self.snapshot()),
            new: Some(new.snapshot()),
            details: vec![
                ("SubscriptionId".to_owned(), self.id.to_string()),
                ("SubscriptionName".to_owned(), new.name.clone()),
            ],
        }
    }
}

/// The entitlements that the actor's partner bought for a customer, oldest first.
#[derive(Debug, Clone)]
pub struct ListEntitlements {
    /// Whose.
    pub customer: CustomerId,
    /// Only what this order bought.
    pub order: Option<String>,
}

impl Action for ListEntitlements {
    const OPERATION: Operation = operation::READ_ENTITLEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ListEntitlements {
    type Answer = Vec<Entitlement>;
}

/// One entitlement, with the Azure subscriptions under it.
#[derive(Debug, Clone)]
pub struct GetEntitlement {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub entitlement: EntitlementId,
}

impl Action for GetEntitlement {
    const OPERATION: Operation = operation::READ_ENTITLEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetEntitlement {
    type Answer = Option<(Entitlement, Vec<AzureSubscription>)>;
}

/// What the partner bought for a customer, each entitlement with the Azure subscriptions under it, as lines of one list:
/// oldest entitlement first, its subscriptions oldest first.
#[derive(Debug, Clone)]
pub struct BrowseSubscriptions {
    /// Whose.
    pub customer: CustomerId,
    /// How many lines come before.
    pub offset: u32,
    /// How many lines at most.
    pub size: u32,
}

/// A line of that list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionLine {
    /// What was bought.
    pub entitlement: Entitlement,
    /// An Azure subscription under it; `None` where there is none.
    pub subscription: Option<AzureSubscription>,
    /// Whether the actor may open it in the customer's portal on behalf of the customer (R41).
    pub manageable: bool,
}

/// What [`BrowseSubscriptions`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionLines {
    /// The customer's name.
    pub customer_name: String,
    /// When the customer's agreement was confirmed, without which no Azure plan is sold.
    pub agreement_confirmed_at: Option<Timestamp>,
    /// The lines.
    pub lines: Vec<SubscriptionLine>,
    /// Whether there are more.
    pub more: bool,
}

impl Action for BrowseSubscriptions {
    const OPERATION: Operation = operation::READ_ENTITLEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for BrowseSubscriptions {
    type Answer = SubscriptionLines;
}

/// Whether the actor may act for the customer on a subscription (R41): an agent who has a role there, be it as one of the
/// Admin agents' group. `grants` are what counts for the actor in the customer's directory.
pub fn manages<A>(permit: &Permit<A>, grants: &[Grant], subscription: SubscriptionId) -> bool {
    let agent = match permit.standing() {
        Standing::PartnerUser { roles, .. } => {
            [AdminAgent, SalesAgent, HelpdeskAgent].iter().any(|role| roles.contains(role))
        }
        _ => false,
    };
    agent && has_role_on(grants, permit.directory(), subscription)
}

/// Enables an entitlement for reservations of the partner's orders. Repeating it changes nothing.
#[derive(Debug, Clone)]
pub struct RegisterEntitlement {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub entitlement: EntitlementId,
}

impl Action for RegisterEntitlement {
    const OPERATION: Operation = operation::REGISTER_ENTITLEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for RegisterEntitlement {
    type State = Option<Entitlement>;
    type Receipt = ();

    fn decide(&self, _permit: &Permit<Self>, state: Self::State, _now: Timestamp) -> Result<Decision<()>, Refusal> {
        let old = state.ok_or(Refusal::EntitlementNotFound { id: self.entitlement })?;
        if old.status != SubscriptionStatus::Active {
            return Err(Refusal::EntitlementNotActive { id: old.id, status: old.status });
        }
        if old.registered {
            return Ok(Decision::unchanged(()));
        }
        let new = Entitlement { registered: true, version: old.version.saturating_add(1), ..old.clone() };
        let record = old.changed_to(&new);
        Ok(Decision::changed((), vec![Change::EntitlementUpdated(new)], record))
    }

    fn subject(&self) -> String {
        self.entitlement.to_string()
    }
}

/// Changes what can be changed of an entitlement. What is `None` stays.
#[derive(Debug, Clone)]
pub struct UpdateEntitlement {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub entitlement: EntitlementId,
    /// The identifier and version the caller saw; none means the last writer wins.
    pub if_match: Option<(EntitlementId, i64)>,
    /// Suspends or resumes.
    pub status: Option<SubscriptionStatus>,
    /// Renames.
    pub name: Option<String>,
    /// Whether it goes on at the end of its term.
    pub auto_renew: Option<bool>,
    /// How many; there is always one.
    pub quantity: Option<i64>,
}

/// What the update of an entitlement looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateState {
    /// As it stands.
    pub entitlement: Entitlement,
    /// How many Azure subscriptions under it are active.
    pub active_subscriptions: i64,
    /// How many reservations that count hang on it.
    pub reservations: i64,
}

impl Action for UpdateEntitlement {
    const OPERATION: Operation = operation::UPDATE_ENTITLEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for UpdateEntitlement {
    type State = Option<UpdateState>;
    type Receipt = Entitlement;

    fn decide(
        &self,
        _permit: &Permit<Self>,
        state: Self::State,
        _now: Timestamp,
    ) -> Result<Decision<Entitlement>, Refusal> {
        let state = state.ok_or(Refusal::EntitlementNotFound { id: self.entitlement })?;
        let old = &state.entitlement;
        if self.if_match.is_some_and(|seen| seen != old.etag()) {
            return Err(Refusal::StaleEtag);
        }
        if old.status == SubscriptionStatus::Deleted {
            return Err(Refusal::EntitlementDeleted { id: old.id });
        }
        let status = self.status.unwrap_or(old.status);
        if status == SubscriptionStatus::Deleted {
            return Err(Refusal::EntitlementStatus { from: old.status, to: status });
        }
        if self.quantity.is_some_and(|quantity| quantity != 1) {
            return Err(Refusal::EntitlementQuantity { id: old.id });
        }
        if old.offer == AzureOffer::AzurePlan
            && status == SubscriptionStatus::Suspended
            && old.status != status
            && (state.active_subscriptions > 0 || state.reservations > 0)
        {
            return Err(Refusal::PlanInUse {
                id: old.id,
                subscriptions: state.active_subscriptions,
                reservations: state.reservations,
            });
        }
        let name = self.name.clone().unwrap_or_else(|| old.name.clone());
        let auto_renew = self.auto_renew.unwrap_or(old.auto_renew);
        if status == SubscriptionStatus::Suspended
            && old.status == status
            && (name != old.name || auto_renew != old.auto_renew)
        {
            return Err(Refusal::EntitlementSuspended { id: old.id });
        }
        let new = Entitlement { status, name, auto_renew, ..old.clone() };
        if new == *old {
            return Ok(Decision::unchanged(new));
        }
        let new = Entitlement { version: old.version.saturating_add(1), ..new };
        let record = old.changed_to(&new);
        Ok(Decision::changed(new.clone(), vec![Change::EntitlementUpdated(new)], record))
    }

    fn subject(&self) -> String {
        self.entitlement.to_string()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::SubscriptionStatus::{Active, Deleted, Suspended};
    use super::*;
    use crate::testing::{self, outcome};

    fn entitlement(offer: AzureOffer, status: SubscriptionStatus) -> Entitlement {
        Entitlement {
            id: EntitlementId(Uuid::from_u128(7)),
            customer: testing::customer(),
            partner: testing::partner(),
            offer,
            name: "Azure plan".to_owned(),
            status,
            registered: false,
            auto_renew: true,
            order: "o".to_owned(),
            created_at: testing::now(),
            version: 3,
        }
    }

    #[test]
    fn an_active_entitlement_is_registered_once() {
        let registered = Entitlement { registered: true, ..entitlement(AzureOffer::AzurePlan, Active) };
        for (state, expected) in [
            (Some(entitlement(AzureOffer::AzurePlan, Active)), "1 change"),
            (Some(registered), "0 change"),
            (Some(entitlement(AzureOffer::AzureGlobal, Suspended)), "is suspended"),
            (None, "there is no subscription"),
        ] {
            let command =
                RegisterEntitlement { customer: testing::customer(), entitlement: EntitlementId(Uuid::from_u128(7)) };
            let permit = testing::permit_partner(&command);
            let shown =
                outcome(&command.decide(&permit, state, testing::now()), |d| format!("{} change", d.changes.len()));
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }

    #[test]
    fn a_plan_in_use_is_not_suspended_and_what_is_deleted_stays_deleted() {
        let plan = |status| entitlement(AzureOffer::AzurePlan, status);
        let id = EntitlementId(Uuid::from_u128(7));
        let nothing = UpdateEntitlement {
            customer: testing::customer(),
            entitlement: id,
            if_match: None,
            status: None,
            name: None,
            auto_renew: None,
            quantity: None,
        };
        let to = |status| UpdateEntitlement { status: Some(status), ..nothing.clone() };
        let renamed = UpdateEntitlement { name: Some("Drift".to_owned()), ..nothing.clone() };
        for (command, entitlement, in_use, expected) in [
            (nothing.clone(), plan(Active), 0, "unchanged active"),
            (renamed.clone(), plan(Active), 1, "changed active"),
            (renamed, plan(Suspended), 0, "is suspended"),
            (to(Suspended), plan(Active), 0, "changed suspended"),
            (to(Suspended), plan(Active), 2, "2 active subscriptions and 0 reservations"),
            (to(Suspended), entitlement(AzureOffer::AzureGlobal, Active), 1, "changed suspended"),
            (to(Active), plan(Suspended), 1, "changed active"),
            (to(Active), plan(Deleted), 0, "is deleted"),
            (to(Deleted), plan(Active), 0, "cannot become `deleted`"),
            (
                UpdateEntitlement { if_match: Some((id, 2)), ..to(Suspended) },
                plan(Active),
                0,
                "changed since it was read",
            ),
            (UpdateEntitlement { if_match: Some((id, 3)), ..to(Suspended) }, plan(Active), 0, "changed suspended"),
            (UpdateEntitlement { quantity: Some(2), ..nothing }, plan(Active), 0, "quantity"),
        ] {
            let permit = testing::permit_partner(&command);
            let state = UpdateState { entitlement, active_subscriptions: in_use, reservations: 0 };
            let shown = outcome(&command.decide(&permit, Some(state), testing::now()), |d| {
                let done = if d.changes.is_empty() { "unchanged" } else { "changed" };
                format!("{done} {}", d.receipt.status.name())
            });
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }
}
