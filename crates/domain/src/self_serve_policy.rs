//! The revocable permission: the customer may buy reservations (or savings plans) on the partner's account.

use jiff::Timestamp;
use uuid::Uuid;

use crate::activity::{RecordDraft, Snapshot};
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::change::Change;
use crate::ids::{CustomerId, PartnerId};
use crate::operation::{self, Operation};
use crate::refusal::Refusal;

/// What a policy lets the customer buy. The action is always `Purchase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SelfServeResource {
    /// Reservations.
    AzureReservedInstances,
    /// Savings plans.
    AzureSavingsPlan,
}

impl SelfServeResource {
    /// All, in the order in which policies list them.
    pub const ALL: [Self; 2] = [Self::AzureReservedInstances, Self::AzureSavingsPlan];

    /// The name on the wire, in world files and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::AzureReservedInstances => "AzureReservedInstances",
            Self::AzureSavingsPlan => "AzureSavingsPlan",
        }
    }

    /// Reads a name, ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// A policy's identifier: who pays and who may buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyId {
    /// The partner that pays.
    pub grantor: PartnerId,
    /// The customer that may buy.
    pub customer: CustomerId,
}

impl PolicyId {
    /// Reads `<partner>_<customer>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (grantor, customer) = text.trim().split_once('_')?;
        Some(Self { grantor: PartnerId::parse(grantor).ok()?, customer: CustomerId::parse(customer).ok()? })
    }
}

impl std::fmt::Display for PolicyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.grantor, self.customer)
    }
}

/// A permission that is on (R04: present means on).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfServePolicy {
    /// Who pays and who may buy.
    pub id: PolicyId,
    /// What may be bought: at least one, each once, in the order of [`SelfServeResource::ALL`].
    pub resources: Vec<SelfServeResource>,
    /// Changes with every change of the policy.
    pub etag: Uuid,
    /// When the permission was turned on.
    pub granted_at: Timestamp,
    /// By whom: the user's principal name.
    pub granted_by: String,
}

impl SelfServePolicy {
    fn snapshot(&self) -> Snapshot {
        let text = |value: &str| Snapshot::Text(value.to_owned());
        let permission =
            |r: &SelfServeResource| Snapshot::Object(vec![("Resource", text(r.name())), ("Action", text("Purchase"))]);
        Snapshot::Object(vec![
            ("Id", Snapshot::text(self.id)),
            (
                "SelfServeEntity",
                Snapshot::Object(vec![
                    ("SelfServeEntityType", text("customer")),
                    ("TenantID", Snapshot::text(self.id.customer)),
                ]),
            ),
            (
                "Grantor",
                Snapshot::Object(vec![
                    ("GrantorType", text("billToPartner")),
                    ("TenantID", Snapshot::text(self.id.grantor)),
                ]),
            ),
            ("Permissions", Snapshot::List(self.resources.iter().map(permission).collect())),
            (
                "Attributes",
                Snapshot::Object(vec![
                    ("Etag", Snapshot::Text(quoted_etag(self.etag))),
                    ("ObjectType", text("SelfServePolicy")),
                ]),
            ),
        ])
    }

    fn details(&self) -> Vec<(String, String)> {
        let mut details = vec![("PolicyId".to_owned(), self.id.to_string())];
        for (n, resource) in self.resources.iter().enumerate() {
            details.push((format!("Permission-{n}"), format!("{}:Purchase", resource.name())));
        }
        details
    }
}

/// The etag as it travels: the quotes are part of it.
pub fn quoted_etag(etag: Uuid) -> String {
    format!("\"{etag}\"")
}

/// Sorted and without repeats; a policy that permits nothing is refused.
fn normal(resources: &[SelfServeResource]) -> Result<Vec<SelfServeResource>, Refusal> {
    let mut normal = resources.to_vec();
    normal.sort_unstable();
    normal.dedup();
    if normal.is_empty() { Err(Refusal::PolicyWithoutPermission) } else { Ok(normal) }
}

/// Turns the permission on (R01-R05, R07).
#[derive(Debug, Clone)]
pub struct GrantSelfServePolicy {
    /// The customer that may buy.
    pub customer: CustomerId,
    /// The partner that pays, as the request names it; it must be the actor's own (R03).
    pub grantor: PartnerId,
    /// What may be bought.
    pub resources: Vec<SelfServeResource>,
    /// The new policy's etag.
    pub etag: Uuid,
}

impl Action for GrantSelfServePolicy {
    const OPERATION: Operation = operation::GRANT_SELF_SERVE_POLICY;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for GrantSelfServePolicy {
    type State = Option<SelfServePolicy>;
    type Receipt = SelfServePolicy;

    fn decide(
        &self,
        permit: &Permit<Self>,
        existing: Self::State,
        now: Timestamp,
    ) -> Result<Decision<SelfServePolicy>, Refusal> {
        if self.grantor != permit.partner() {
            return Err(Refusal::ForeignGrantor { grantor: self.grantor });
        }
        let resources = normal(&self.resources)?;
        let id = PolicyId { grantor: permit.partner(), customer: permit.customer() };
        if existing.is_some() {
            return Err(Refusal::PolicyExists { id });
        }
        let granted_by = permit.actor().name.clone();
        let policy = SelfServePolicy { id, resources, etag: self.etag, granted_at: now, granted_by };
        let record =
            RecordDraft { subject: id.to_string(), old: None, new: Some(policy.snapshot()), details: policy.details() };
        Ok(Decision::changed(policy.clone(), vec![Change::SelfServePolicyGranted(policy)], record))
    }

    fn subject(&self) -> String {
        PolicyId { grantor: self.grantor, customer: self.customer }.to_string()
    }
}

/// Changes what the permission covers.
#[derive(Debug, Clone)]
pub struct ReplaceSelfServePolicy {
    /// Which policy.
    pub id: PolicyId,
    /// What may be bought from now on.
    pub resources: Vec<SelfServeResource>,
    /// The etag the caller saw, as it travels; none means the last writer wins.
    pub if_match: Option<String>,
    /// The new etag.
    pub etag: Uuid,
}

impl Action for ReplaceSelfServePolicy {
    const OPERATION: Operation = operation::REPLACE_SELF_SERVE_POLICY;

    fn target(&self) -> Target {
        Target::Customer(self.id.customer)
    }
}

impl Command for ReplaceSelfServePolicy {
    type State = Option<SelfServePolicy>;
    type Receipt = SelfServePolicy;

    fn decide(
        &self,
        permit: &Permit<Self>,
        existing: Self::State,
        _now: Timestamp,
    ) -> Result<Decision<SelfServePolicy>, Refusal> {
        if self.id.grantor != permit.partner() {
            return Err(Refusal::PolicyNotFound { id: self.id });
        }
        let old = existing.ok_or(Refusal::PolicyNotFound { id: self.id })?;
        let resources = normal(&self.resources)?;
        if self.if_match.as_ref().is_some_and(|seen| seen.trim_matches('"') != old.etag.to_string()) {
            return Err(Refusal::StaleEtag);
        }
        let policy = SelfServePolicy { resources, etag: self.etag, ..old.clone() };
        let record = RecordDraft {
            subject: self.id.to_string(),
            old: Some(old.snapshot()),
            new: Some(policy.snapshot()),
            details: policy.details(),
        };
        Ok(Decision::changed(policy.clone(), vec![Change::SelfServePolicyReplaced(policy)], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// Turns the permission off. It stops the next purchase, not what is there already (R06).
#[derive(Debug, Clone)]
pub struct RevokeSelfServePolicy {
    /// Which policy.
    pub id: PolicyId,
}

impl Action for RevokeSelfServePolicy {
    const OPERATION: Operation = operation::REVOKE_SELF_SERVE_POLICY;

    fn target(&self) -> Target {
        Target::Customer(self.id.customer)
    }
}

impl Command for RevokeSelfServePolicy {
    type State = Option<SelfServePolicy>;
    type Receipt = ();

    fn decide(&self, permit: &Permit<Self>, existing: Self::State, _now: Timestamp) -> Result<Decision<()>, Refusal> {
        if self.id.grantor != permit.partner() {
            return Err(Refusal::PolicyNotFound { id: self.id });
        }
        let old = existing.ok_or(Refusal::PolicyNotFound { id: self.id })?;
        let record =
            RecordDraft { subject: self.id.to_string(), old: Some(old.snapshot()), new: None, details: old.details() };
        Ok(Decision::changed((), vec![Change::SelfServePolicyRevoked(old.id)], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// The customer's policy from the actor's partner, if there is one.
#[derive(Debug, Clone)]
pub struct GetSelfServePolicy {
    /// The customer.
    pub customer: CustomerId,
}

impl Action for GetSelfServePolicy {
    const OPERATION: Operation = operation::READ_SELF_SERVE_POLICY;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetSelfServePolicy {
    type Answer = Option<SelfServePolicy>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, outcome};

    const RI: SelfServeResource = SelfServeResource::AzureReservedInstances;
    const PLAN: SelfServeResource = SelfServeResource::AzureSavingsPlan;

    fn policy(resources: &[SelfServeResource]) -> SelfServePolicy {
        SelfServePolicy {
            id: PolicyId { grantor: testing::partner(), customer: testing::customer() },
            resources: resources.to_vec(),
            etag: Uuid::from_u128(1),
            granted_at: testing::now(),
            granted_by: "ada@nordmoln.example".to_owned(),
        }
    }

    #[test]
    fn r04_present_means_on_and_granting_twice_is_refused() {
        let foreign = PartnerId(Uuid::from_u128(99));
        for (grantor, existing, resources, expected) in [
            (testing::partner(), None, vec![RI], "granted AzureReservedInstances"),
            (testing::partner(), None, vec![PLAN, RI, PLAN], "granted AzureReservedInstances AzureSavingsPlan"),
            (testing::partner(), None, vec![], "a self-serve policy must permit at least one purchase"),
            (foreign, None, vec![RI], "the grantor `00000000-0000-0000-0000-000000000063` is not your own partner"),
            (testing::partner(), Some(policy(&[RI])), vec![RI], "already exists"),
        ] {
            let command =
                GrantSelfServePolicy { customer: testing::customer(), grantor, resources, etag: Uuid::from_u128(2) };
            let permit = testing::permit_partner(&command);
            let decided = command.decide(&permit, existing, testing::now());
            let shown = outcome(&decided, |d| {
                let names: Vec<&str> = d.receipt.resources.iter().map(|r| r.name()).collect();
                format!("granted {}", names.join(" "))
            });
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }

    #[test]
    fn a_replacement_needs_the_policy_and_the_etag_that_was_seen() {
        for (existing, seen, expected) in [
            (None, None, "no self-serve policy"),
            (Some(policy(&[RI])), None, "replaced"),
            (Some(policy(&[RI])), Some("\"00000000-0000-0000-0000-000000000001\""), "replaced"),
            (Some(policy(&[RI])), Some("\"00000000-0000-0000-0000-000000000007\""), "changed since it was read"),
        ] {
            let command = ReplaceSelfServePolicy {
                id: policy(&[]).id,
                resources: vec![RI, PLAN],
                if_match: seen.map(str::to_owned),
                etag: Uuid::from_u128(2),
            };
            let permit = testing::permit_partner(&command);
            let shown = outcome(&command.decide(&permit, existing, testing::now()), |_| "replaced".to_owned());
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }
}
