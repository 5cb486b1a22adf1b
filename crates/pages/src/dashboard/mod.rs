//! The partner dashboard.

mod account;
mod activity_log;
mod add_products;
mod agreement;
mod azure_plan;
mod bill_to;
mod billing;
mod customers;
mod home;
mod manage;
mod may_buy;
mod new_customer;
mod orders;
mod permissions;
mod prices;
mod refund_rules;
mod reservations;
mod returns;
mod roles;
mod statement;
mod subscriptions;

use axum::Router;
use axum::extract::Path;
use axum::response::Redirect;
use axum::routing::{get, post};
use fullmakt_domain::entitlement::BrowseSubscriptions;
use fullmakt_domain::ids::CustomerId;
use fullmakt_server::App;

pub use orders::customer_of;
pub use roles::lacking;

use crate::error::PageError;
use crate::visitor::Agent;
use crate::{sign_in, usage};

/// Its pages, and the front door.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(sign_in::home))
        .route("/dashboard", get(home::show))
        .route("/dashboard/customers", get(customers::list))
        .route("/dashboard/customers/export.csv", get(customers::export))
        .route("/dashboard/customers/new", get(new_customer::show).post(new_customer::add))
        .route("/dashboard/customers/{customer}", get(customer))
        .route("/dashboard/customers/{customer}/account", get(account::show))
        .route("/dashboard/customers/{customer}/account/agreement", get(agreement::show).post(agreement::confirm))
        .route("/dashboard/customers/{customer}/account/bill-to", get(bill_to::show).post(bill_to::save))
        .route(
            "/dashboard/customers/{customer}/account/permissions/{switch}",
            get(permissions::ask).post(permissions::turn),
        )
        .route("/dashboard/customers/{customer}/subscriptions", get(subscriptions::show))
        .route("/dashboard/customers/{customer}/subscriptions/export.csv", get(subscriptions::export))
        .route(
            "/dashboard/customers/{customer}/subscriptions/azure-plan",
            get(azure_plan::review).post(azure_plan::buy),
        )
        .route(
            "/dashboard/customers/{customer}/subscriptions/{entitlement}/{change}",
            get(azure_plan::ask).post(azure_plan::change),
        )
        .route("/dashboard/activity-log", get(activity_log::show))
        .route("/dashboard/activity-log/export", get(activity_log::export))
        .route("/dashboard/refund-rules", get(refund_rules::show))
        .route("/dashboard/refund-rules/policy", get(refund_rules::new_policy).post(refund_rules::set_policy))
        .route("/dashboard/refund-rules/rate", get(refund_rules::new_rate).post(refund_rules::set_rate))
        .merge(purchases())
        .merge(books())
        .merge(usage::routes("/dashboard/customers/{customer}"))
}

/// The customer of a path. What is no identifier is no customer.
fn customer_id(text: &str) -> Result<CustomerId, PageError> {
    CustomerId::parse(text).map_err(|_| PageError::NotFound)
}

/// The name of one of the partner's customers, also for those who do not look at customers but at what they bought.
///
/// # Errors
/// [`PageError`].
pub async fn name_of(app: &App, agent: &Agent, customer: CustomerId) -> Result<String, PageError> {
    let query = BrowseSubscriptions { customer, offset: 0, size: 1 };
    Ok(app.store.read(agent.actor(), &query).await?.customer_name)
}

async fn customer(Path(customer): Path<String>) -> Result<Redirect, PageError> {
    Ok(Redirect::to(&format!("/dashboard/customers/{}/subscriptions", customer_id(&customer)?)))
}

/// What was bought, what is about to be bought, and what it costs.
fn purchases() -> Router<App> {
    Router::new()
        .route("/dashboard/customers/{customer}/orders", get(orders::list))
        .route("/dashboard/customers/{customer}/orders/{order}", get(orders::show))
        .route("/dashboard/customers/{customer}/reservations", get(reservations::list))
        .route("/dashboard/customers/{customer}/reservations/{order}", get(reservations::of_order))
        .route("/dashboard/customers/{customer}/reservations/{order}/{reservation}", get(reservations::show))
        .route("/dashboard/customers/{customer}/add-products", get(add_products::start))
        .route("/dashboard/customers/{customer}/add-products/register", post(add_products::register))
        .route("/dashboard/customers/{customer}/add-products/products", get(add_products::products))
        .route("/dashboard/customers/{customer}/add-products/cart", post(add_products::add))
        .route(
            "/dashboard/customers/{customer}/add-products/review",
            get(add_products::review).post(add_products::revise),
        )
        .route("/dashboard/customers/{customer}/add-products/buy", get(add_products::confirm).post(add_products::buy))
        .route("/dashboard/customers/{customer}/add-products/done", get(add_products::done))
        .route("/dashboard/prices", get(prices::list))
        .route("/dashboard/prices/add", get(prices::new).post(prices::add))
        .route("/dashboard/prices/preview", get(prices::preview))
        .route("/dashboard/prices/{rule}/end", get(prices::ask_end).post(prices::end))
}

/// What was charged, and what was given back.
fn books() -> Router<App> {
    Router::new()
        .route("/dashboard/customers/{customer}/statement", get(statement::show))
        .route("/dashboard/customers/{customer}/statement/export.csv", get(statement::export))
        .route("/dashboard/customers/{customer}/statement/export.pdf", get(statement::print))
        .route("/dashboard/customers/{customer}/returns", get(returns::show))
        .route("/dashboard/billing", get(billing::list))
        .route("/dashboard/billing/{number}", get(billing::show))
        .route("/dashboard/billing/{number}/export.csv", get(billing::export))
}
