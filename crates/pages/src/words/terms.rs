//! The words for what can be chosen and for how things stand.

use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{BillingPlan, ReservedResourceType, Term};
use fullmakt_domain::ids::{PrincipalId, RoleDefinitionId};
use fullmakt_domain::order::{BillingCycle, BoughtBy};
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::rating::Why;
use fullmakt_domain::reservation::{AppliedScope, Phase, Reservation};
use fullmakt_domain::role;
use fullmakt_domain::role_assignment::PrincipalType;
use fullmakt_domain::subscription::{AzureOffer, SubscriptionStatus};
use fullmakt_server::text::{Language, Text};

use crate::parts::{Badge, Tone};

/// A role of a partner's user.
pub fn partner_role(t: Text, role: PartnerRole) -> String {
    t.get(match role {
        PartnerRole::GlobalAdmin => "role-global-admin",
        PartnerRole::AdminAgent => "role-admin-agent",
        PartnerRole::SalesAgent => "role-sales-agent",
        PartnerRole::HelpdeskAgent => "role-helpdesk-agent",
        PartnerRole::BillingAdmin => "role-billing-admin",
        PartnerRole::UserAdmin => "role-user-admin",
    })
}

/// A built-in role of Azure's access control and what it is for; `None` for a custom one.
pub fn built_in_role(t: Text, id: RoleDefinitionId) -> Option<(String, String)> {
    let (name, about) = match role::built_in(&id.to_string())?.name {
        "Owner" => ("azure-role-owner", "azure-role-owner-text"),
        "Contributor" => ("azure-role-contributor", "azure-role-contributor-text"),
        "Reader" => ("azure-role-reader", "azure-role-reader-text"),
        "User Access Administrator" => ("azure-role-access-admin", "azure-role-access-admin-text"),
        "Role Based Access Control Administrator" => ("azure-role-rbac-admin", "azure-role-rbac-admin-text"),
        "Reservation Purchaser" => ("azure-role-purchaser", "azure-role-purchaser-text"),
        "Reservations Administrator" => ("azure-role-reservations-admin", "azure-role-reservations-admin-text"),
        "Reservations Contributor" => {
            ("azure-role-reservations-contributor", "azure-role-reservations-contributor-text")
        }
        "Reservations Reader" => ("azure-role-reservations-reader", "azure-role-reservations-reader-text"),
        _ => return None,
    };
    Some((t.get(name), t.get(about)))
}

/// What a role was given to.
pub fn principal_type(t: Text, kind: PrincipalType) -> String {
    t.get(match kind {
        PrincipalType::User => "principal-user",
        PrincipalType::Group => "principal-group",
        PrincipalType::ServicePrincipal => "principal-application",
        PrincipalType::ForeignGroup => "principal-foreign-group",
    })
}

/// How long a reservation lasts: `1 year`, `3 years`.
pub fn term(t: Text, term: Term) -> String {
    t.with("term-years", "years", term.years())
}

/// A product's name: the catalogue's, which is English, with its term in the visitor's language, and an Azure plan as pages call it.
pub fn product(t: Text, name: &str) -> String {
    if t.language() == Language::English {
        return name.to_owned();
    }
    if name == "Azure plan" {
        return offer(t, AzureOffer::AzurePlan);
    }
    let of = |years: Term| {
        let what = name.strip_suffix(years.title())?.strip_suffix(", ")?;
        Some(format!("{what}, {}", term(t, years).replace(' ', "\u{a0}")))
    };
    Term::ALL.into_iter().find_map(of).unwrap_or_else(|| name.to_owned())
}

/// How a reservation is paid.
pub fn plan(t: Text, plan: BillingPlan) -> String {
    t.get(match plan {
        BillingPlan::Upfront => "plan-upfront",
        BillingPlan::Monthly => "plan-monthly",
    })
}

/// How an order is paid: in the words for how a reservation is.
pub fn billing_cycle(t: Text, cycle: BillingCycle) -> String {
    let as_plan = match cycle {
        BillingCycle::OneTime => BillingPlan::Upfront,
        BillingCycle::Monthly => BillingPlan::Monthly,
    };
    plan(t, as_plan)
}

/// Where a reservation's benefit applies; `name` is that of the subscription, where it is known.
pub fn applied_scope(t: Text, scope: &AppliedScope, name: Option<&str>) -> String {
    match scope {
        AppliedScope::Shared => t.get("scope-shared"),
        AppliedScope::Single(ArmScope::ResourceGroup(subscription, group)) => {
            let name = name.map_or_else(|| subscription.to_string(), str::to_owned);
            t.with_all("scope-single-group", &[("group", group), ("name", &name)])
        }
        AppliedScope::Single(scope) => {
            let id = scope.subscription().map_or_else(|| scope.to_string(), |id| id.to_string());
            t.with("scope-single", "name", name.unwrap_or(&id))
        }
    }
}

/// Where a role was given, seen from below.
pub fn place(t: Text, scope: &ArmScope) -> String {
    match scope {
        ArmScope::Root => t.get("place-root"),
        ArmScope::ManagementGroup(name) => t.with("place-management-group", "name", name),
        ArmScope::Subscription(id) => t.with("place-subscription", "id", id.to_string()),
        ArmScope::ResourceGroup(_, name) => t.with("place-resource-group", "name", name),
        ArmScope::Resource(_, rest) => t.with("place-resource", "name", rest),
        ArmScope::Capacity => t.get("place-capacity"),
        ArmScope::ReservationOrder(id) => t.with("place-reservation-order", "id", id.to_string()),
        ArmScope::Reservation(_, id) => t.with("place-reservation", "id", id.to_string()),
    }
}

/// Where a reservation stands in its life.
pub fn phase(t: Text, phase: Phase) -> Badge {
    let (tone, key) = match phase {
        Phase::Pending => (Tone::Quiet, "phase-pending"),
        Phase::Active => (Tone::Good, "phase-active"),
        Phase::Expiring => (Tone::Warning, "phase-expiring"),
        Phase::Expired => (Tone::Quiet, "phase-expired"),
        Phase::Cancelled => (Tone::Quiet, "phase-cancelled"),
        Phase::Split => (Tone::Quiet, "phase-split"),
        Phase::Merged => (Tone::Quiet, "phase-merged"),
        Phase::Exchanged => (Tone::Quiet, "phase-exchanged"),
    };
    Badge::new(tone, t.get(key))
}

/// A mark on a reservation that lists leave out.
pub fn hidden(t: Text, reservation: &Reservation) -> Option<Badge> {
    reservation.archived.then(|| Badge::new(Tone::Quiet, t.get("record-archived")))
}

/// What stands for the utilisation of a reservation of which none is known: of one that is over none will be.
pub fn unknown_use(t: Text, live: bool) -> String {
    if live { t.get("reservations-no-usage") } else { "–".to_owned() }
}

/// How a subscription stands.
pub fn subscription_status(t: Text, status: SubscriptionStatus) -> Badge {
    let (tone, key) = match status {
        SubscriptionStatus::Active => (Tone::Good, "subscription-active"),
        SubscriptionStatus::Suspended => (Tone::Warning, "subscription-suspended"),
        SubscriptionStatus::Deleted => (Tone::Bad, "subscription-deleted"),
    };
    Badge::new(tone, t.get(key))
}

/// How a subscription stands, within a sentence.
pub fn subscription_state(t: Text, status: SubscriptionStatus) -> String {
    t.get(match status {
        SubscriptionStatus::Active => "state-active",
        SubscriptionStatus::Suspended => "state-suspended",
        SubscriptionStatus::Deleted => "state-deleted",
    })
}

/// What a subscription hangs under.
pub fn offer(t: Text, offer: AzureOffer) -> String {
    t.get(match offer {
        AzureOffer::AzurePlan => "offer-azure-plan",
        AzureOffer::AzureGlobal => "offer-azure-global",
    })
}

/// Who did something. What falls due is nobody's deed: the server itself does it.
pub fn doer(t: Text, id: PrincipalId, name: &str) -> String {
    if id.0.is_nil() { t.get("activity-itself") } else { name.to_owned() }
}

/// Who changed a reservation last, and on which side; what comes of itself is on neither.
pub fn changer(t: Text, one: &Reservation) -> String {
    let by = &one.changed_by;
    if by.id.0.is_nil() {
        return doer(t, by.id, &by.name);
    }
    t.with_all("reservations-buyer", &[("name", &by.name), ("side", &bought_by(t, by.side))])
}

/// On which side somebody bought.
pub fn bought_by(t: Text, side: BoughtBy) -> String {
    t.get(match side {
        BoughtBy::Customer => "bought-by-customer",
        BoughtBy::Partner => "bought-by-partner",
    })
}

/// What only the partner may do: words for a button.
pub fn partner_only(t: Text, what: PartnerOnlyChange) -> String {
    t.get(match what {
        PartnerOnlyChange::Exchange => "change-exchange",
        PartnerOnlyChange::Refund => "change-refund",
        PartnerOnlyChange::Renewal => "change-renewal",
        PartnerOnlyChange::ScopeChange => "change-scope",
        PartnerOnlyChange::DirectoryChange => "change-directory",
    })
}

/// The kind of resource that a reservation is for. All but machines go by the product's own name, the same in every language.
pub fn resource_type(t: Text, kind: ReservedResourceType) -> String {
    let name = match kind {
        ReservedResourceType::VirtualMachines => return t.get("resource-virtual-machines"),
        ReservedResourceType::SqlDatabases => "SQL Database",
        ReservedResourceType::CosmosDb => "Cosmos DB",
        ReservedResourceType::AppService => "App Service",
        ReservedResourceType::ManagedDisk => "Managed Disks",
        ReservedResourceType::RedisCache => "Azure Cache for Redis",
        other => other.name(),
    };
    name.to_owned()
}

/// Why a reservation took what it took.
pub fn why(t: Text, why: &Why) -> String {
    t.get(match why {
        Why::NotActive => "why-not-active",
        Why::Empty => "why-empty",
        Why::AllUsed => "why-all-used",
        Why::NoMoreUsage => "why-no-more-usage",
        Why::NoUsage => "why-no-usage",
        Why::Took => "why-took",
        Why::Correction => "why-correction",
        Why::OtherSubscription => "why-other-subscription",
        Why::OtherSku => "why-other-sku",
        Why::OtherGroup => "why-other-group",
        Why::TakenInPass => "why-taken-in-pass",
        Why::TakenBefore => "why-taken-before",
        Why::UsedUp { lines, more } => {
            let key = if *more { "why-used-up-more" } else { "why-used-up" };
            return t.with(key, "lines", lines.iter().map(i64::to_string).collect::<Vec<_>>().join(", "));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::texts;

    #[test]
    fn the_term_in_a_products_name_is_in_the_visitors_language() {
        for (name, swedish) in [
            (
                "Reserved VM Instance, Standard_D2s_v5, SE Central, 3 Years",
                "Reserved VM Instance, Standard_D2s_v5, SE Central, 3\u{a0}år",
            ),
            ("1 Year", "1 Year"),
            ("Azure plan", "Azure-plan"),
        ] {
            assert_eq!([texts(Language::English), texts(Language::Swedish)].map(|t| product(t, name)), [name, swedish]);
        }
    }
}
