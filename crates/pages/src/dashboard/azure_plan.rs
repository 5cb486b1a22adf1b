//! Buying an Azure plan for a customer (R42), and suspending and resuming what was bought.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::basket::AskedLine;
use fullmakt_domain::catalog_item::CatalogItemId;
use fullmakt_domain::customer::{Customer, GetCustomer};
use fullmakt_domain::entitlement::{Entitlement, GetEntitlement, UpdateEntitlement};
use fullmakt_domain::ids::{CustomerId, EntitlementId};
use fullmakt_domain::operation::{PLACE_ORDER, UPDATE_ENTITLEMENT};
use fullmakt_domain::order::{BillingCycle, PlaceOrder};
use fullmakt_domain::subscription::SubscriptionStatus;
use fullmakt_server::App;
use fullmakt_store::ExecuteError;
use http::StatusCode;
use uuid::Uuid;

use super::customer_id;
use super::roles::lacking;
use crate::entries::Entries;
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::Field;
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::Agent;
use crate::words;

#[derive(Template)]
#[template(path = "dashboard/azure_plan.html")]
struct PlanPage {
    shell: Shell,
    customer: Customer,
    name: Field,
    order: String,
    problem: Option<String>,
    back: String,
}

impl PlanPage {
    fn new(agent: &Agent, customer: Customer, form: &Fields, entries: &Entries<'_>, problem: Option<String>) -> Self {
        let t = agent.visit().text;
        let back = format!("/dashboard/customers/{}/subscriptions", customer.id);
        let shell =
            Shell::customer(agent, customer.id, &customer.name, t.get("plan-buy"), Place::CustomerSubscriptions);
        let order = form.get("order").and_then(|text| Uuid::try_parse(text).ok()).unwrap_or_else(Uuid::new_v4);
        Self {
            shell: shell.via(t.get("nav-subscriptions"), &back),
            name: Field::text("name", t.get("plan-name"))
                .value(form.text("name"))
                .hint(t.get("entry-optional"))
                .error(entries.error("name")),
            order: order.to_string(),
            customer,
            problem,
            back,
        }
    }
}

/// The customer, for whoever may buy for it. Those who may buy but not look at customers buy through the API.
async fn buying_for(app: &App, agent: &Agent, customer: &str) -> Result<Customer, PageError> {
    let customer = customer_id(customer)?;
    let customer = app.store.read(agent.actor(), &GetCustomer { customer }).await?.ok_or(PageError::NotFound)?;
    if lacking(agent, &PLACE_ORDER).is_some() { Err(PageError::Forbidden) } else { Ok(customer) }
}

/// What is bought, for review.
pub async fn review(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let customer = buying_for(&app, &agent, &customer).await?;
    let form = Fields::default();
    let entries = Entries::new(agent.visit().text, &form);
    Ok(ok(&PlanPage::new(&agent, customer, &form, &entries, None)))
}

/// Buys it. The form names its order, so that sending it twice buys once.
pub async fn buy(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let customer = buying_for(&app, &agent, &customer).await?;
    let visit = agent.visit();
    let order = visit.form.get("order").and_then(|text| Uuid::try_parse(text).ok()).ok_or(PageError::Malformed)?;
    let mut entries = Entries::new(visit.text, &visit.form);
    let name = entries.optional("name", 128);
    if !entries.are_sound() {
        let page = PlanPage::new(&agent, customer, &visit.form, &entries, None);
        return Ok(render(StatusCode::BAD_REQUEST, &page));
    }
    match app.store.execute(agent.actor(), &plan_order(customer.id, order, name), &visit.request).await {
        Ok(_) => Ok(go(&format!("/dashboard/customers/{}/subscriptions", customer.id), "notice-plan-bought")),
        Err(ExecuteError::Refused(refusal)) => {
            let problem = Some(words::refusal(visit.text, &refusal));
            let page = PlanPage::new(&agent, customer, &visit.form, &entries, problem);
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// One Azure plan. The order's identifier comes from the form and the customer, so that no form names another's order.
fn plan_order(customer: CustomerId, order: Uuid, name: String) -> PlaceOrder {
    let line = AskedLine {
        item: CatalogItemId::azure_plan().to_string(),
        quantity: 1,
        billing_cycle: BillingCycle::OneTime.name().to_owned(),
        term: None,
        subscription: None,
        scope: None,
        duration: None,
        name: Some(name).filter(|name| !name.is_empty()),
        currency: None,
        unsupported: None,
    };
    let seed = Uuid::new_v5(&customer.0, order.as_bytes());
    PlaceOrder { customer, seed, billing_cycle: BillingCycle::OneTime, lines: vec![line] }
}

#[derive(Template)]
#[template(path = "dashboard/subscription_change.html")]
struct ChangePage {
    shell: Shell,
    question: String,
    means: String,
    version: i64,
    problem: Option<String>,
    back: String,
}

/// What can be done with what was bought.
#[derive(Debug, Clone, Copy)]
enum Change {
    Suspend,
    Resume,
}

impl Change {
    fn parse(word: &str) -> Result<Self, PageError> {
        match word {
            "suspend" => Ok(Self::Suspend),
            "resume" => Ok(Self::Resume),
            _ => Err(PageError::NotFound),
        }
    }

    fn page(self, agent: &Agent, customer: &str, entitlement: &Entitlement, problem: Option<String>) -> ChangePage {
        let t = agent.visit().text;
        let (title, question, means) = match self {
            Self::Suspend => ("subscriptions-suspend", "subscriptions-suspend-ask", "subscriptions-suspend-means"),
            Self::Resume => ("subscriptions-resume", "subscriptions-resume-ask", "subscriptions-resume-means"),
        };
        let back = format!("/dashboard/customers/{}/subscriptions", entitlement.customer);
        let place = Place::CustomerSubscriptions;
        let shell = Shell::customer(agent, entitlement.customer, customer, t.get(title), place);
        ChangePage {
            shell: shell.via(t.get("nav-subscriptions"), &back),
            question: t.with(question, "name", words::product(t, &entitlement.name)),
            means: t.get(means),
            version: entitlement.version,
            problem,
            back,
        }
    }
}

async fn changing(
    app: &App,
    agent: &Agent,
    customer: &str,
    entitlement: &str,
) -> Result<(String, Entitlement), PageError> {
    let customer = customer_id(customer)?;
    let entitlement = EntitlementId::parse(entitlement).map_err(|_| PageError::NotFound)?;
    let found = app.store.read(agent.actor(), &GetEntitlement { customer, entitlement }).await?;
    let (entitlement, _) = found.ok_or(PageError::NotFound)?;
    if lacking(agent, &UPDATE_ENTITLEMENT).is_some() {
        return Err(PageError::Forbidden);
    }
    let name = super::name_of(app, agent, customer).await?;
    Ok((name, entitlement))
}

/// Asks once more.
pub async fn ask(
    State(app): State<App>,
    agent: Agent,
    Path((customer, entitlement, word)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let change = Change::parse(&word)?;
    let (customer, entitlement) = changing(&app, &agent, &customer, &entitlement).await?;
    Ok(ok(&change.page(&agent, &customer, &entitlement, None)))
}

/// Suspends or resumes.
pub async fn change(
    State(app): State<App>,
    agent: Agent,
    Path((customer, entitlement, word)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let change = Change::parse(&word)?;
    let (customer, entitlement) = changing(&app, &agent, &customer, &entitlement).await?;
    let visit = agent.visit();
    let seen: i64 = visit.form.get("version").and_then(|text| text.parse().ok()).ok_or(PageError::Malformed)?;
    let (status, notice) = match change {
        Change::Suspend => (SubscriptionStatus::Suspended, "notice-subscription-suspended"),
        Change::Resume => (SubscriptionStatus::Active, "notice-subscription-resumed"),
    };
    let command = UpdateEntitlement {
        customer: entitlement.customer,
        entitlement: entitlement.id,
        if_match: Some((entitlement.id, seen)),
        status: Some(status),
        name: None,
        auto_renew: None,
        quantity: None,
    };
    match app.store.execute(agent.actor(), &command, &visit.request).await {
        Ok(_) => Ok(go(&format!("/dashboard/customers/{}/subscriptions", entitlement.customer), notice)),
        Err(ExecuteError::Refused(refusal)) => {
            let problem = Some(words::refusal(visit.text, &refusal));
            Ok(render(StatusCode::CONFLICT, &change.page(&agent, &customer, &entitlement, problem)))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r42_a_form_sent_twice_names_one_order_and_never_anothers() {
        let (one, two) = (CustomerId(Uuid::from_u128(1)), CustomerId(Uuid::from_u128(2)));
        let form = Uuid::from_u128(7);
        assert_eq!(plan_order(one, form, String::new()).seed, plan_order(one, form, "x".to_owned()).seed);
        assert_ne!(plan_order(one, form, String::new()).seed, plan_order(two, form, String::new()).seed);
    }
}
