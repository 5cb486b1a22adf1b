//! A customer's account: who it is, where the bill goes, the agreement, and last what it may buy by itself (R40).

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::customer::{Agreement, Customer, GetCustomer, ListAgreements};
use fullmakt_domain::market;
use fullmakt_domain::operation::{CONFIRM_AGREEMENT, GRANT_SELF_SERVE_POLICY, READ_AGREEMENT, UPDATE_BILL_TO};
use fullmakt_domain::readiness::{GetReadiness, Permission, Readiness};
use fullmakt_domain::self_serve_policy::SelfServeResource;
use fullmakt_server::App;

use super::may_buy::{self, MayBuy};
use super::roles::lacking;
use super::{customer_id, manage, permissions};
use crate::error::PageError;
use crate::parts::{Badge, Tone};
use crate::shell::{Place, Shell, render};
use crate::visitor::Agent;
use crate::words;

#[derive(Template)]
#[template(path = "dashboard/account.html")]
struct AccountPage {
    shell: Shell,
    path: String,
    customer: Customer,
    country: String,
    address: Vec<String>,
    bill_to_lacking: Option<String>,
    agreement: Option<Confirmed>,
    agreement_badge: Badge,
    agreement_lacking: Option<String>,
    switches: Vec<Switch>,
    switch_lacking: Option<String>,
    checklist: Vec<Check>,
    /// What the table of subscriptions says.
    who_can_buy: String,
    subscriptions: Vec<Line>,
    more: bool,
    may_buy: MayBuy,
}

/// Who accepted the agreement, and when.
struct Confirmed {
    contact: Option<(String, String)>,
    day: String,
}

/// A switch of the permission.
struct Switch {
    name: String,
    slug: &'static str,
    text: String,
    on: bool,
    changed: Option<String>,
}

/// Something that a purchase needs.
struct Check {
    met: bool,
    text: String,
    mend: Option<(String, String)>,
}

/// A subscription and who can buy on it.
struct Line {
    name: String,
    id: String,
    state: Badge,
    owners: Vec<String>,
    access: Option<String>,
}

/// The page. With a question in its query, also its answer.
pub async fn show(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let id = customer_id(&customer)?;
    let (actor, t) = (agent.actor(), agent.visit().text);
    let customer = app.store.read(actor, &GetCustomer { customer: id }).await?.ok_or(PageError::NotFound)?;
    let readiness = app.store.read(actor, &GetReadiness { customer: id }).await?;
    let agreements = if lacking(&agent, &READ_AGREEMENT).is_none() {
        app.store.read(actor, &ListAgreements { customer: id }).await?
    } else {
        Vec::new()
    };
    let shell = Shell::customer(&agent, id, &customer.name, t.get("nav-account"), Place::CustomerAccount);
    let (status, may_buy) = may_buy::answer(&app, &agent, id, &readiness).await?;
    let (tone, words) = match customer.agreement_confirmed_at {
        Some(_) => (Tone::Good, "agreement-confirmed"),
        None => (Tone::Warning, "agreement-not-confirmed"),
    };
    let bill_to = &customer.bill_to;
    let town = format!("{} {}", bill_to.postal_code, bill_to.city);
    let address = [&bill_to.address_1, &bill_to.address_2, &town, &bill_to.region];
    let page = AccountPage {
        path: format!("/dashboard/customers/{id}/account"),
        country: words::country(t, customer.country),
        address: address.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect(),
        bill_to_lacking: lacking(&agent, &UPDATE_BILL_TO),
        agreement: confirmed(&shell, &customer, agreements.first()),
        agreement_badge: Badge::new(tone, t.get(words)),
        agreement_lacking: lacking(&agent, &CONFIRM_AGREEMENT),
        switches: readiness.permissions.iter().map(|permission| switch(&shell, permission)).collect(),
        switch_lacking: lacking(&agent, &GRANT_SELF_SERVE_POLICY),
        checklist: checklist(&shell, &customer, &readiness),
        who_can_buy: t.get(if is_permitted(&readiness) { "check-owners" } else { "check-owners-once-on" }),
        subscriptions: lines(&shell, &customer, &readiness),
        more: readiness.more,
        customer,
        shell,
        may_buy,
    };
    Ok(render(status, &page))
}

fn confirmed(shell: &Shell, customer: &Customer, latest: Option<&Agreement>) -> Option<Confirmed> {
    let at = customer.agreement_confirmed_at?;
    let contact = latest.and_then(|agreement| agreement.contact.as_ref());
    Some(Confirmed {
        contact: contact.map(|who| (format!("{} {}", who.first_name, who.last_name), who.email.clone())),
        day: latest.map_or_else(|| shell.day(&at), |agreement| shell.date(&agreement.agreed_on)),
    })
}

fn switch(shell: &Shell, permission: &Permission) -> Switch {
    let text = match permission.resource {
        SelfServeResource::AzureReservedInstances => "permission-reservations-text",
        SelfServeResource::AzureSavingsPlan => "permission-savings-plans-text",
    };
    let changed = permission.changed.as_ref().map(|(at, by)| {
        let key = if permission.on { "permission-turned-on" } else { "permission-turned-off" };
        shell.t2(key, "by", by, "at", shell.instant(at))
    });
    Switch {
        name: permissions::name(shell.text, permission.resource),
        slug: permissions::slug(permission.resource),
        text: shell.t(text),
        on: permission.on,
        changed,
    }
}

/// Whether the customer may purchase reservations.
fn is_permitted(readiness: &Readiness) -> bool {
    let is_on =
        |permission: &Permission| permission.on && permission.resource == SelfServeResource::AzureReservedInstances;
    readiness.permissions.iter().any(is_on)
}

/// What the customer's own purchase of a reservation needs, and how to mend what is missing (R07).
fn checklist(shell: &Shell, customer: &Customer, readiness: &Readiness) -> Vec<Check> {
    let base = format!("/dashboard/customers/{}", customer.id);
    let check = |met: bool, yes: &str, no: &str, mend: Option<(&str, String)>| Check {
        met,
        text: shell.t(if met { yes } else { no }),
        mend: mend.filter(|_| !met).map(|(words, path)| (shell.t(words), path)),
    };
    let active = readiness.subscriptions.iter().find(|subscription| subscription.active);
    let owned =
        readiness.subscriptions.iter().any(|subscription| subscription.active && !subscription.owners.is_empty());
    let to_own = readiness.subscriptions.iter().find(|subscription| subscription.active && subscription.manageable);
    let subscribe = if readiness.subscriptions.is_empty() {
        ("check-buy-plan", format!("{base}/subscriptions/azure-plan"))
    } else {
        ("check-to-subscriptions", format!("{base}/subscriptions"))
    };
    let mut checks = vec![
        check(is_permitted(readiness), "check-permission-met", "check-permission-unmet", None),
        check(
            customer.agreement_confirmed_at.is_some(),
            "check-agreement-met",
            "check-agreement-unmet",
            Some(("agreement-confirm", format!("{base}/account/agreement"))),
        ),
        check(active.is_some(), "check-subscription-met", "check-subscription-unmet", Some(subscribe)),
        check(
            owned,
            "check-owner-met",
            "check-owner-unmet",
            to_own.map(|subscription| ("manage-access", manage::access(customer.id, subscription.id))),
        ),
    ];
    if !market::sells_reservations(customer.country) {
        checks.push(check(false, "check-market-unmet", "check-market-unmet", None));
    }
    checks
}

fn lines(shell: &Shell, customer: &Customer, readiness: &Readiness) -> Vec<Line> {
    let line = |subscription: &fullmakt_domain::readiness::ReadySubscription| Line {
        name: subscription.name.clone(),
        id: subscription.id.to_string(),
        state: if subscription.active {
            Badge::new(Tone::Good, shell.t("subscription-active"))
        } else {
            Badge::new(Tone::Warning, shell.t("subscription-not-in-use"))
        },
        owners: subscription.owners.clone(),
        access: subscription.manageable.then(|| manage::access(customer.id, subscription.id)),
    };
    readiness.subscriptions.iter().map(line).collect()
}
