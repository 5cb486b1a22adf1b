//! A customer > Statement: what the customer owes for a month, to be sent to it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::billing::{ReadStatement, Statement};
use fullmakt_domain::history::NamedCustomer;
use fullmakt_server::App;

use super::orders::customer_of;
use crate::csv;
use crate::error::PageError;
use crate::parts::Field;
use crate::shell::{Place, Shell, ok};
use crate::statement::{Asked, Sheet, file_header, file_row, pdf_file};
use crate::visitor::Agent;

#[derive(Template)]
#[template(path = "dashboard/statement.html")]
struct StatementPage {
    shell: Shell,
    path: String,
    month: Field,
    sheet: Sheet,
    file: String,
    print: String,
}

async fn read(app: &App, agent: &Agent, id: &str) -> Result<(NamedCustomer, Asked, Statement), PageError> {
    let customer = customer_of(app, agent, id).await?;
    let asked = Asked::read(&agent.visit().query, agent.visit().request.now);
    let query = ReadStatement { customer: customer.id, period: asked.month.period() };
    let statement = app.store.read(agent.actor(), &query).await?;
    Ok((customer, asked, statement))
}

/// The page.
pub async fn show(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let t = agent.visit().text;
    let (customer, asked, statement) = read(&app, &agent, &id).await?;
    let path = format!("/dashboard/customers/{}/statement", customer.id);
    Ok(ok(&StatementPage {
        shell: Shell::customer(&agent, customer.id, &customer.name, t.get("nav-statement"), Place::CustomerStatement),
        month: asked.field(t),
        sheet: Sheet::new(t, 1, &statement),
        file: format!("{path}/export.csv?month={}", asked.month),
        print: format!("{path}/export.pdf?month={}", asked.month),
        path,
    }))
}

/// The same as a file.
pub async fn export(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let t = agent.visit().text;
    let (_, asked, statement) = read(&app, &agent, &id).await?;
    let rows = statement.lines.iter().map(|line| file_row(t, line)).collect();
    csv::file(&format!("statement-{}.csv", asked.month), file_header(t), rows).await
}

/// The same to send or to print.
pub async fn print(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let (_, asked, statement) = read(&app, &agent, &id).await?;
    pdf_file(agent.visit().text, asked.month, &[statement])
}
