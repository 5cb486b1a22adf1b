//! Adding a customer.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::customer::{CreateCustomer, Customer, FirstUser, is_domain};
use fullmakt_domain::ids::{CustomerId, PrincipalId};
use fullmakt_domain::market::Country;
use fullmakt_domain::operation::CREATE_CUSTOMER;
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::App;
use fullmakt_server::signin::{hash_secret, new_password};
use fullmakt_server::text::Language;
use fullmakt_store::ExecuteError;
use http::StatusCode;
use jiff::Timestamp;
use uuid::Uuid;

use super::bill_to::{self, address_fields, contact_fields, filled, language_field};
use super::roles::lacking;
use crate::entries::Entries;
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::Field;
use crate::shell::{Place, Shell, ok, render};
use crate::visitor::Agent;
use crate::words;

#[derive(Template)]
#[template(path = "dashboard/new_customer.html")]
struct NewCustomerPage {
    shell: Shell,
    company: Vec<Field>,
    contact: Vec<Field>,
    address: Vec<Field>,
}

#[derive(Template)]
#[template(path = "dashboard/customer_added.html")]
struct AddedPage {
    shell: Shell,
    customer: Customer,
    upn: String,
    password: String,
}

impl NewCustomerPage {
    fn new(agent: &Agent, form: &Fields, entries: &Entries<'_>) -> Self {
        let t = agent.visit().text;
        let value = |name: &str| form.text(name).to_owned();
        let field = filled(t, value, entries);
        let chosen = form.get("language").unwrap_or_else(|| t.language().code());
        let title = t.get("customer-add");
        Self {
            shell: Shell::dashboard(agent, title, Place::Customers).via(t.get("nav-customers"), "/dashboard/customers"),
            company: vec![
                field("name", "customers-name").required(),
                field("domain", "customers-domain").hint(t.get("customer-domain-hint")).required(),
                field("country", "customer-country").hint(t.get("customer-country-hint")).required().small(),
                language_field(t, chosen, entries),
                field("registration_number", "bill-to-registration-number").hint(t.get("customer-registration-hint")),
            ],
            contact: contact_fields(t, value, entries),
            address: address_fields(t, value, entries),
        }
    }
}

fn admitted(agent: &Agent) -> Result<(), PageError> {
    if lacking(agent, &CREATE_CUSTOMER).is_some() { Err(PageError::Forbidden) } else { Ok(()) }
}

/// The form.
pub async fn show(agent: Agent) -> Result<Response, PageError> {
    admitted(&agent)?;
    let form = Fields::default();
    let entries = Entries::new(agent.visit().text, &form);
    Ok(ok(&NewCustomerPage::new(&agent, &form, &entries)))
}

/// Makes the customer, and shows the first user's password: once, for only its hash is kept.
pub async fn add(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    admitted(&agent)?;
    let visit = agent.visit();
    let t = visit.text;
    let mut entries = Entries::new(t, &visit.form);
    let mut status = StatusCode::BAD_REQUEST;
    if let Some(customer) = read(&mut entries, &visit.form, t) {
        let password = new_password();
        let secret_hash = hash_secret(&password).await.map_err(|error| {
            tracing::error!(%error, "a first password could not be hashed");
            PageError::Failed
        })?;
        let upn = format!("admin@{}", customer.domain);
        let first_user = FirstUser { id: PrincipalId(Uuid::new_v4()), upn: upn.clone(), secret_hash };
        let command = CreateCustomer { customer, first_user };
        match app.store.execute(agent.actor(), &command, &visit.request).await {
            Ok(customer) => {
                let shell = Shell::dashboard(&agent, t.get("customer-added"), Place::Customers);
                let shell = shell.via(t.get("nav-customers"), "/dashboard/customers");
                return Ok(ok(&AddedPage { shell, customer, upn, password }));
            }
            Err(ExecuteError::Refused(refusal)) => {
                let (field, refused) = match (&refusal, bill_to::field_of(&refusal)) {
                    (_, Some(field)) => (field, StatusCode::BAD_REQUEST),
                    (Refusal::DomainTaken { .. }, None) => ("domain", StatusCode::CONFLICT),
                    (_, None) => return Err(ExecuteError::Refused(refusal).into()),
                };
                entries.wrong(field, words::refusal(t, &refusal));
                status = refused;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(render(status, &NewCustomerPage::new(&agent, &visit.form, &entries)))
}

fn read(entries: &mut Entries<'_>, form: &Fields, t: fullmakt_server::text::Text) -> Option<Customer> {
    let name = entries.required("name", 256);
    let domain = entries.required("domain", 253).to_lowercase();
    if !domain.is_empty() && !is_domain(&domain) {
        entries.wrong("domain", t.get("customer-domain-form"));
    }
    let country = entries.required("country", 32);
    let country = Country::parse(&country).ok();
    if country.is_none() {
        entries.wrong("country", t.get("customer-country-form"));
    }
    let language = form.get("language").and_then(Language::parse);
    if language.is_none() {
        entries.wrong("language", t.get("may-buy-choice"));
    }
    let bill_to = bill_to::read(entries);
    let (country, language) = (country?, language?);
    entries.are_sound().then(|| Customer {
        id: CustomerId(Uuid::new_v4()),
        commerce_id: Uuid::new_v4().to_string(),
        name,
        domain,
        country,
        language: language.code().to_owned(),
        bill_to,
        profile_version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        agreement_confirmed_at: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::texts;

    const NAMES: [&str; 14] = [
        "name",
        "domain",
        "country",
        "language",
        "registration_number",
        "first_name",
        "last_name",
        "email",
        "phone",
        "address_1",
        "address_2",
        "postal_code",
        "city",
        "region",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_form_makes_a_customer_or_says_what_is_wrong(
            which in 0..NAMES.len(), odd in ".{0,20}", left_out in 0..NAMES.len() * 2,
        ) {
            let sound = [
                "Ny AB", "ny.example", "se", "sv", "", "Eva", "Ek", "eva@ny.example", "", "Gatan 1", "", "", "Umeå", "",
            ];
            let mut text = form_urlencoded::Serializer::new(String::new());
            for (n, (name, value)) in NAMES.into_iter().zip(sound).enumerate() {
                if n != left_out {
                    text.append_pair(name, if n == which { &odd } else { value });
                }
            }
            let form = Fields::parse(text.finish().as_bytes());
            let t = texts(Language::English);
            let mut entries = Entries::new(t, &form);
            match read(&mut entries, &form, t) {
                Some(customer) => prop_assert!(is_domain(&customer.domain) && !customer.name.is_empty()),
                None => prop_assert!(!entries.are_sound()),
            }
        }
    }
}
