//! The partner dashboard.

mod account;
mod agreement;
mod azure_plan;
mod customers;
mod manage;
mod may_buy;
mod new_customer;
mod permissions;
mod roles;
mod subscriptions;

use axum::Router;
use axum::extract::Path;
use axum::response::Redirect;
use axum::routing::get;
use fullmakt_domain::entitlement::BrowseSubscriptions;
use fullmakt_domain::ids::CustomerId;
use fullmakt_server::App;

use crate::error::PageError;
use crate::sign_in;
use crate::visitor::Agent;

/// Its pages, and the front door.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(sign_in::home))
        .route("/dashboard", get(|| async { Redirect::to("/dashboard/customers") }))
        .route("/dashboard/customers", get(customers::list))
        .route("/dashboard/customers/new", get(new_customer::show).post(new_customer::add))
        .route("/dashboard/customers/{customer}", get(customer))
        .route("/dashboard/customers/{customer}/account", get(account::show))
        .route("/dashboard/customers/{customer}/account/agreement", get(agreement::show).post(agreement::confirm))
        .route(
            "/dashboard/customers/{customer}/account/permissions/{switch}",
            get(permissions::ask).post(permissions::turn),
        )
        .route("/dashboard/customers/{customer}/subscriptions", get(subscriptions::show))
        .route(
            "/dashboard/customers/{customer}/subscriptions/azure-plan",
            get(azure_plan::review).post(azure_plan::buy),
        )
        .route(
            "/dashboard/customers/{customer}/subscriptions/{entitlement}/{change}",
            get(azure_plan::ask).post(azure_plan::change),
        )
}

/// The customer of a path. What is no identifier is no customer.
fn customer_id(text: &str) -> Result<CustomerId, PageError> {
    CustomerId::parse(text).map_err(|_| PageError::NotFound)
}

/// The name of one of the partner's customers, also for those who do not look at customers but at what they bought.
async fn name_of(app: &App, agent: &Agent, customer: CustomerId) -> Result<String, PageError> {
    let query = BrowseSubscriptions { customer, offset: 0, size: 1 };
    Ok(app.store.read(agent.actor(), &query).await?.customer_name)
}

async fn customer(Path(customer): Path<String>) -> Result<Redirect, PageError> {
    Ok(Redirect::to(&format!("/dashboard/customers/{}/subscriptions", customer_id(&customer)?)))
}
