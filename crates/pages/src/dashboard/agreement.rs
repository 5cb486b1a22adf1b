//! The customer agreement: the partner confirms that the customer accepted it (R42).

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::customer::{AgreementContact, ConfirmAgreement, Customer, GetCustomer};
use fullmakt_domain::obstacle::day;
use fullmakt_domain::operation::CONFIRM_AGREEMENT;
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::App;
use fullmakt_store::ExecuteError;
use http::StatusCode;

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
#[template(path = "dashboard/agreement.html")]
struct AgreementPage {
    shell: Shell,
    customer: String,
    fields: Vec<Field>,
    back: String,
}

impl AgreementPage {
    fn new(agent: &Agent, customer: &Customer, form: &Fields, entries: &Entries<'_>) -> Self {
        let t = agent.visit().text;
        let field = |name: &'static str, label: &str, autocomplete| {
            Field::text(name, label).autocomplete(autocomplete).value(form.text(name)).error(entries.error(name))
        };
        let back = format!("/dashboard/customers/{}/account", customer.id);
        let shell =
            Shell::customer(agent, customer.id, &customer.name, t.get("agreement-confirm"), Place::CustomerAccount);
        let today = day(agent.visit().request.now).to_string();
        let agreed_on = form.or("agreed_on", &today).to_owned();
        Self {
            shell: shell.via(t.get("nav-account"), &back),
            customer: customer.name.clone(),
            fields: vec![
                field("first_name", &t.get("person-first-name"), "off").required(),
                field("last_name", &t.get("person-last-name"), "off").required(),
                field("email", &t.get("person-email"), "off").kind("email").required(),
                field("phone", &t.get("person-phone"), "off").kind("tel").hint(t.get("entry-optional")),
                field("agreed_on", &t.get("agreement-date"), "off")
                    .kind("date")
                    .value(agreed_on)
                    .hint(t.get("agreement-date-hint"))
                    .required()
                    .small(),
            ],
            back,
        }
    }
}

async fn load(app: &App, agent: &Agent, customer: &str) -> Result<Customer, PageError> {
    let customer = customer_id(customer)?;
    let customer = app.store.read(agent.actor(), &GetCustomer { customer }).await?.ok_or(PageError::NotFound)?;
    if lacking(agent, &CONFIRM_AGREEMENT).is_some() { Err(PageError::Forbidden) } else { Ok(customer) }
}

/// The form.
pub async fn show(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let customer = load(&app, &agent, &customer).await?;
    let form = Fields::default();
    let entries = Entries::new(agent.visit().text, &form);
    Ok(ok(&AgreementPage::new(&agent, &customer, &form, &entries)))
}

/// Records the confirmation.
pub async fn confirm(
    State(app): State<App>,
    agent: Agent,
    Path(customer): Path<String>,
) -> Result<Response, PageError> {
    let customer = load(&app, &agent, &customer).await?;
    let visit = agent.visit();
    let mut entries = Entries::new(visit.text, &visit.form);
    let contact = AgreementContact {
        first_name: entries.required("first_name", 254),
        last_name: entries.required("last_name", 254),
        email: entries.email("email"),
        phone: Some(entries.optional("phone", 64)).filter(|phone| !phone.is_empty()),
    };
    let mut status = StatusCode::BAD_REQUEST;
    if let (Some(agreed_on), true) = (entries.day("agreed_on"), entries.are_sound()) {
        let command = ConfirmAgreement { customer: customer.id, contact, agreed_on };
        match app.store.execute(agent.actor(), &command, &visit.request).await {
            Ok(_) => {
                let back = format!("/dashboard/customers/{}/account", customer.id);
                return Ok(go(&back, "notice-agreement-confirmed"));
            }
            Err(ExecuteError::Refused(refusal)) => {
                let (field, refused) = match &refusal {
                    Refusal::AgreementInFuture { .. } => ("agreed_on", StatusCode::BAD_REQUEST),
                    Refusal::AgreementExists { .. } => ("email", StatusCode::CONFLICT),
                    _ => return Err(ExecuteError::Refused(refusal).into()),
                };
                entries.wrong(field, words::refusal(visit.text, &refusal));
                status = refused;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(render(status, &AgreementPage::new(&agent, &customer, &visit.form, &entries)))
}
