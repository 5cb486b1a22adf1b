//! The customer's Azure subscriptions.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::actor::Grant;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::directory::{GetSubscription, ListSubscriptions};
use fullmakt_domain::ids::SubscriptionId;
use fullmakt_domain::obstacle::MayIBuy;
use fullmakt_domain::partner::GetBillingPartner;
use fullmakt_domain::reservation::AppliedScope;
use fullmakt_domain::role_assignment::ListOwnRoles;
use fullmakt_server::App;

use super::{Facts, Hindrances, Segments, no_subscriptions, segment};
use crate::error::PageError;
use crate::parts::{Badge, Empty};
use crate::shell::{Place, Shell, ok};
use crate::visitor::Guest;
use crate::words;

struct Row {
    path: String,
    name: String,
    id: String,
    status: Badge,
    roles: String,
}

#[derive(Template)]
#[template(path = "portal/subscriptions.html")]
struct SubscriptionsPage {
    shell: Shell,
    rows: Vec<Row>,
    empty: Empty,
}

/// The list.
pub async fn list(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let subscriptions = app.store.read(guest.actor(), &ListSubscriptions).await?;
    let grants = app.store.read(guest.actor(), &ListOwnRoles).await?;
    let rows = subscriptions
        .into_iter()
        .map(|subscription| Row {
            path: guest.path(&format!("/subscriptions/{}", subscription.id)),
            name: subscription.name,
            id: subscription.id.to_string(),
            status: words::subscription_status(t, subscription.status),
            roles: roles_at(&guest, &grants, subscription.id),
        })
        .collect();
    Ok(ok(&SubscriptionsPage {
        shell: Shell::portal(&guest, t.get("nav-subscriptions"), Place::Subscriptions),
        rows,
        empty: no_subscriptions(&guest),
    }))
}

/// The visitor's own roles on a subscription, in words.
fn roles_at(guest: &Guest, grants: &[Grant], id: SubscriptionId) -> String {
    let t = guest.visit().text;
    let here = ArmScope::Subscription(id);
    let mut names: Vec<String> = grants
        .iter()
        .filter(|grant| grant.scope.covers(&here, guest.customer.tenant()))
        .map(|grant| words::built_in_role(t, grant.role).map_or_else(|| t.get("access-custom-role"), |(name, _)| name))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() { t.get("portal-role-inside") } else { names.join(", ") }
}

#[derive(Template)]
#[template(path = "portal/subscription.html")]
struct SubscriptionPage {
    shell: Shell,
    status: Badge,
    facts: Facts,
    hindrances: Option<Hindrances>,
    access: String,
    purchase: String,
}

/// One of them.
pub async fn detail(
    State(app): State<App>,
    Path(segments): Path<Segments>,
    guest: Guest,
) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let id: SubscriptionId = segment(&segments, "subscription")?;
    let found = app.store.read(guest.actor(), &GetSubscription { id }).await?.ok_or(PageError::NotFound)?;
    let grants = app.store.read(guest.actor(), &ListOwnRoles).await?;
    let scope = ArmScope::Subscription(id);
    let partner = app.store.read(guest.actor(), &GetBillingPartner { scope }).await?;
    let now = guest.visit().request.now;
    let asked = MayIBuy { subscription: id, item: None, scope: AppliedScope::Shared, now };
    let verdict = app.store.read(guest.actor(), &asked).await?.ok_or(PageError::NotFound)?;
    let mut facts =
        vec![(t.get("portal-subscription-id"), id.to_string()), (t.get("portal-roles"), roles_at(&guest, &grants, id))];
    if let Some(partner) = partner {
        facts.push((t.get("portal-partner"), words::reached(&partner.name, &partner.support)));
    }
    let shell = Shell::portal(&guest, found.name, Place::Subscriptions);
    Ok(ok(&SubscriptionPage {
        shell: shell.via(t.get("nav-subscriptions"), guest.path("/subscriptions")),
        status: words::subscription_status(t, found.status),
        facts,
        hindrances: Hindrances::of(&guest, &verdict.obstacles),
        access: guest.path(&format!("/subscriptions/{id}/access")),
        purchase: guest.path(&format!("/purchase?subscription={id}")),
    }))
}
