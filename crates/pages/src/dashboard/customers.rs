//! CSP > Customers.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::customer::{CustomerKey, CustomerSummary, ListCustomers, PageStart};
use fullmakt_server::App;

use crate::error::PageError;
use crate::parts::{Empty, Field, Pager};
use crate::shell::{Place, Shell, ok};
use crate::visitor::Agent;

/// How many customers stand on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "dashboard/customers.html")]
struct CustomersPage {
    shell: Shell,
    search: Field,
    customers: Vec<CustomerSummary>,
    pager: Pager,
    empty: Empty,
}

/// The list.
pub async fn list(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let visit = agent.visit();
    let t = visit.text;
    let asked = visit.query.text("q");
    let start = match visit.query.get("after").and_then(|text| text.split_once('|')) {
        Some((id, key)) => PageStart::After(key.to_owned(), id.to_owned()),
        None => PageStart::Offset(0),
    };
    let query = ListCustomers { key: CustomerKey::Name, prefix: asked.to_lowercase(), start, size: PAGE };
    let page = app.store.read(agent.actor(), &query).await?;
    let next = page.customers.last().filter(|_| page.more).map(|(key, customer)| {
        let after = format!("{}|{key}", customer.id);
        (t.get("pager-next"), format!("/dashboard/customers{}", visit.query.query_with(&[("after", &after)])))
    });
    let previous = visit
        .query
        .get("after")
        .map(|_| (t.get("pager-first"), format!("/dashboard/customers{}", visit.query.query_with(&[("after", "")]))));
    Ok(ok(&CustomersPage {
        shell: Shell::dashboard(&agent, t.get("nav-customers"), Place::Customers),
        search: Field::text("q", t.get("customers-search")).kind("search").value(asked),
        customers: page.customers.into_iter().map(|(_, customer)| customer).collect(),
        pager: Pager { label: t.get("pager"), previous, next },
        empty: Empty::new(t.get("customers-none"), t.get("customers-none-text")),
    }))
}
