//! What the customer was charged for a month, as far as the visitor may see what it was charged for.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::billing::{OwnStatements, ReadOwnStatements};
use fullmakt_server::App;

use crate::csv;
use crate::error::PageError;
use crate::parts::{Empty, Field};
use crate::shell::{Place, Shell, ok};
use crate::statement::{Asked, Sheet, file_header, file_row, pdf_file};
use crate::visitor::Guest;

#[derive(Template)]
#[template(path = "portal/statement.html")]
struct StatementPage {
    shell: Shell,
    path: String,
    month: Field,
    sheets: Vec<Sheet>,
    is_charged: bool,
    file: String,
    print: String,
    left_out: Option<String>,
    empty: Empty,
}

async fn read(app: &App, guest: &Guest) -> Result<(Asked, OwnStatements), PageError> {
    let asked = Asked::read(&guest.visit().query, guest.visit().request.now);
    let mut own = app.store.read(guest.actor(), &ReadOwnStatements { period: asked.month.period() }).await?;
    // Beside a partner that charged something, one that did not has nothing to tell.
    if own.statements.iter().any(|statement| !statement.lines.is_empty()) {
        own.statements.retain(|statement| !statement.lines.is_empty());
    }
    Ok((asked, own))
}

/// The page: a statement of every partner that charged something; where none did, the empty one of each.
pub async fn show(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let (asked, own) = read(&app, &guest).await?;
    let path = guest.path("/statement");
    let empty = if own.left_out > 0 {
        Empty::new(t.get("statement-hidden"), t.with("statement-hidden-text", "count", own.left_out))
    } else {
        Empty::new(t.get("statement-none"), t.get("statement-none-text"))
    };
    let beside = own.left_out > 0 && !own.statements.is_empty();
    Ok(ok(&StatementPage {
        shell: Shell::portal(&guest, t.get("nav-statement"), Place::Statement),
        month: asked.field(t),
        is_charged: own.statements.iter().any(|statement| !statement.lines.is_empty()),
        sheets: own.statements.iter().zip(1..).map(|(statement, n)| Sheet::new(t, n, statement)).collect(),
        file: format!("{path}/export.csv?month={}", asked.month),
        print: format!("{path}/export.pdf?month={}", asked.month),
        left_out: beside.then(|| t.with("statement-left-out", "count", own.left_out)),
        empty,
        path,
    }))
}

/// The same as a file.
pub async fn export(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let (asked, own) = read(&app, &guest).await?;
    let rows = own.statements.iter().flat_map(|statement| &statement.lines).map(|line| file_row(t, line)).collect();
    csv::file(&format!("statement-{}.csv", asked.month), file_header(t), rows).await
}

/// The same to keep or to print; where the visitor may see none of it there is nothing.
pub async fn print(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let (asked, own) = read(&app, &guest).await?;
    if own.statements.is_empty() {
        return Err(PageError::NotFound);
    }
    pdf_file(guest.visit().text, asked.month, &own.statements)
}
