//! A customer's subscriptions: what the partner bought, with **Manage** on each Azure subscription (R41).

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::entitlement::{BrowseSubscriptions, ListEntitlements, SubscriptionLine};
use fullmakt_domain::operation::{PLACE_ORDER, UPDATE_ENTITLEMENT};
use fullmakt_domain::subscription::{AzureOffer, SubscriptionStatus};
use fullmakt_server::App;

use super::roles::lacking;
use super::{customer_id, manage};
use crate::csv;
use crate::error::PageError;
use crate::parts::{Badge, Empty, Pager, Tone};
use crate::shell::{Place, Shell, ok};
use crate::visitor::Agent;
use crate::words;

/// How many Azure subscriptions stand on a page.
const PAGE: u32 = 100;

#[derive(Template)]
#[template(path = "dashboard/subscriptions.html")]
struct SubscriptionsPage {
    shell: Shell,
    path: String,
    licences: Empty,
    products: Vec<Product>,
    empty: Empty,
    buying_lacking: Option<String>,
    changing_lacking: Option<String>,
    agreement_confirmed: bool,
    pager: Pager,
}

/// Something the partner bought.
struct Product {
    id: String,
    name: String,
    offer: String,
    bought: String,
    state: Badge,
    /// What can be done with it: the words and the path.
    change: Option<(String, String)>,
    /// Why nothing can.
    fixed: Option<String>,
    open: bool,
    toggle: String,
    subscriptions: Vec<Line>,
}

/// An Azure subscription.
struct Line {
    id: String,
    name: String,
    state: Badge,
    manage: Option<String>,
}

/// How a subscription or an entitlement stands.
fn state(shell: &Shell, status: SubscriptionStatus) -> Badge {
    let (tone, word) = match status {
        SubscriptionStatus::Active => (Tone::Good, "subscription-active"),
        SubscriptionStatus::Suspended => (Tone::Warning, "subscription-suspended"),
        SubscriptionStatus::Deleted => (Tone::Quiet, "subscription-deleted"),
    };
    Badge::new(tone, shell.t(word))
}

/// The page.
pub async fn show(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let customer = customer_id(&customer)?;
    let (visit, t) = (agent.visit(), agent.visit().text);
    let page_number: u32 = visit.query.get("page").and_then(|text| text.parse().ok()).unwrap_or(0).min(100_000);
    let query = BrowseSubscriptions { customer, offset: page_number.saturating_mul(PAGE), size: PAGE };
    let found = app.store.read(agent.actor(), &query).await?;
    let path = format!("/dashboard/customers/{customer}/subscriptions");
    let title = t.get("nav-subscriptions");
    let shell = Shell::customer(&agent, customer, &found.customer_name, title, Place::CustomerSubscriptions);
    let mut products: Vec<Product> = Vec::new();
    for line in &found.lines {
        let id = line.entitlement.id.to_string();
        if products.last().is_none_or(|product| product.id != id) {
            products.push(product(&shell, &path, &visit.query, line));
        }
        if let (Some(product), Some(subscription)) = (products.last_mut(), &line.subscription) {
            // An Azure plan in use cannot be suspended; to say so beforehand spares a page.
            let is_plan = line.entitlement.offer == AzureOffer::AzurePlan;
            let active = SubscriptionStatus::Active;
            if is_plan && subscription.status == active && line.entitlement.status == active {
                product.change = None;
                product.fixed = Some(t.get("subscriptions-plan-in-use"));
            }
            product.subscriptions.push(Line {
                id: subscription.id.to_string(),
                name: words::product(t, &subscription.name),
                state: state(&shell, subscription.status),
                manage: line.manageable.then(|| manage::access(customer, subscription.id)),
            });
        }
    }
    let to = |number: u32| {
        let number = if number == 0 { String::new() } else { number.to_string() };
        format!("{path}{}", visit.query.query_with(&[("page", &number)]))
    };
    let empty = Empty::new(t.get("subscriptions-none"), t.get("subscriptions-none-text"));
    Ok(ok(&SubscriptionsPage {
        licences: Empty::new(t.get("subscriptions-no-licences"), t.get("subscriptions-no-licences-text")),
        buying_lacking: lacking(&agent, &PLACE_ORDER),
        changing_lacking: lacking(&agent, &UPDATE_ENTITLEMENT),
        agreement_confirmed: found.agreement_confirmed_at.is_some(),
        pager: Pager {
            label: t.get("pager"),
            previous: (page_number > 0).then(|| (t.get("customers-previous"), to(page_number.saturating_sub(1)))),
            next: found.more.then(|| (t.get("pager-next"), to(page_number.saturating_add(1)))),
        },
        products,
        empty,
        path,
        shell,
    }))
}

/// What the partner bought, as a file with the columns of the original.
pub async fn export(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let customer = customer_id(&customer)?;
    let bought = app.store.read(agent.actor(), &ListEntitlements { customer, order: None }).await?;
    let header = ["Subscription ID", "Subscription", "Quantity", "Status", "Reseller"].map(str::to_owned).to_vec();
    let reseller = &agent.visitor.session.home.name;
    let rows = bought.into_iter().map(|entitlement| {
        let status = entitlement.status.name().to_owned();
        vec![entitlement.id.to_string(), entitlement.name, "1".to_owned(), status, reseller.clone()]
    });
    csv::file("subscriptions.csv", header, rows.collect()).await
}

fn product(shell: &Shell, path: &str, query: &crate::fields::Fields, line: &SubscriptionLine) -> Product {
    let entitlement = &line.entitlement;
    let id = entitlement.id.to_string();
    // Everything is open until it is closed: Manage should be at hand.
    let open = !query.all("closed").any(|closed| closed == id);
    let toggle = query.query_with(&[("closed", if open { id.as_str() } else { "" })]);
    let change = match entitlement.status {
        SubscriptionStatus::Active => Some((shell.t("subscriptions-suspend"), format!("{path}/{id}/suspend"))),
        SubscriptionStatus::Suspended => Some((shell.t("subscriptions-resume"), format!("{path}/{id}/resume"))),
        SubscriptionStatus::Deleted => None,
    };
    Product {
        name: words::product(shell.text, &entitlement.name),
        offer: words::offer(shell.text, entitlement.offer),
        bought: shell.day(&entitlement.created_at),
        state: state(shell, entitlement.status),
        fixed: change.is_none().then(|| shell.t("subscriptions-is-deleted")),
        change,
        open,
        toggle: format!("{path}{toggle}"),
        subscriptions: Vec::new(),
        id,
    }
}
