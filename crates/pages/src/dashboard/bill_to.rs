//! A customer > Account > Bill-to: whom the bills are made out to, and changing it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::customer::{BillTo, Customer, GetCustomer, UpdateBillTo};
use fullmakt_domain::operation::UPDATE_BILL_TO;
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::App;
use fullmakt_server::text::{Language, Text};
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

/// The contact's fields; `value` fills them in.
pub(super) fn contact_fields(t: Text, value: impl Fn(&str) -> String, entries: &Entries<'_>) -> Vec<Field> {
    let field = filled(t, value, entries);
    vec![
        field("first_name", "person-first-name").required(),
        field("last_name", "person-last-name").required(),
        field("email", "person-email").kind("email").required(),
        field("phone", "person-phone").kind("tel").hint(t.get("entry-optional")),
    ]
}

/// The address's fields; `value` fills them in.
pub(super) fn address_fields(t: Text, value: impl Fn(&str) -> String, entries: &Entries<'_>) -> Vec<Field> {
    let field = filled(t, value, entries);
    vec![
        field("address_1", "address-1").required(),
        field("address_2", "address-2").hint(t.get("entry-optional")),
        field("postal_code", "address-postal-code").hint(t.get("entry-optional")).small(),
        field("city", "address-city").required(),
        field("region", "address-region").hint(t.get("entry-optional")),
    ]
}

/// Makes fields of names and keys of labels.
pub(super) fn filled<'e>(
    t: Text,
    value: impl Fn(&str) -> String + 'e,
    entries: &'e Entries<'_>,
) -> impl Fn(&'static str, &str) -> Field + 'e {
    move |name, label| Field::text(name, t.get(label)).value(value(name)).error(entries.error(name)).autocomplete("off")
}

/// The choice of the language of what is written to a customer.
pub(super) fn language_field(t: Text, chosen: &str, entries: &Entries<'_>) -> Field {
    let known = Language::ALL.map(|language| (language.code().to_owned(), language.own_name().to_owned()));
    // Over the API a customer may have got another one.
    let other = Language::parse(chosen).is_none().then(|| (chosen.to_owned(), chosen.to_owned()));
    let languages = known.into_iter().chain(other.filter(|(code, _)| !code.is_empty())).collect();
    Field::choice("language", t.get("customer-language"), languages)
        .value(chosen)
        .error(entries.error("language"))
        .small()
}

/// What the fields say.
pub(super) fn read(entries: &mut Entries<'_>) -> BillTo {
    BillTo {
        first_name: entries.required("first_name", 50),
        last_name: entries.required("last_name", 50),
        email: entries.email("email"),
        phone: entries.optional("phone", 64),
        address_1: entries.required("address_1", 200),
        address_2: entries.optional("address_2", 200),
        city: entries.required("city", 120),
        region: entries.optional("region", 120),
        postal_code: entries.optional("postal_code", 32),
        registration_number: Some(entries.optional("registration_number", 64)).filter(|number| !number.is_empty()),
    }
}

/// The field that a refusal is about.
pub(super) fn field_of(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::PhoneNumberMissing { .. } => Some("phone"),
        Refusal::RegistrationNumberMissing { .. }
        | Refusal::RegistrationNumberNotTaken { .. }
        | Refusal::RegistrationNumberMalformed { .. } => Some("registration_number"),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "dashboard/bill_to.html")]
struct BillToPage {
    shell: Shell,
    lead: String,
    company: Vec<Field>,
    contact: Vec<Field>,
    address: Vec<Field>,
    version: String,
    problem: Option<String>,
    back: String,
}

/// A field as it is kept.
fn kept<'c>(customer: &'c Customer, name: &str) -> &'c str {
    let bill_to = &customer.bill_to;
    match name {
        "first_name" => &bill_to.first_name,
        "last_name" => &bill_to.last_name,
        "email" => &bill_to.email,
        "phone" => &bill_to.phone,
        "address_1" => &bill_to.address_1,
        "address_2" => &bill_to.address_2,
        "city" => &bill_to.city,
        "region" => &bill_to.region,
        "postal_code" => &bill_to.postal_code,
        "language" => &customer.language,
        "registration_number" => bill_to.registration_number.as_deref().unwrap_or_default(),
        _ => "",
    }
}

impl BillToPage {
    /// With what was typed, or with what is kept where nothing was.
    fn new(agent: &Agent, customer: &Customer, form: Option<&Fields>, entries: &Entries<'_>) -> Self {
        let t = agent.visit().text;
        let value = |name: &str| form.map_or_else(|| kept(customer, name), |form| form.text(name)).to_owned();
        let back = format!("/dashboard/customers/{}/account", customer.id);
        let shell = Shell::customer(agent, customer.id, &customer.name, t.get("bill-to-edit"), Place::CustomerAccount);
        let typed = form.and_then(|form| form.get("version"));
        Self {
            shell: shell.via(t.get("nav-account"), &back),
            lead: t.with_all(
                "bill-to-lead",
                &[("customer", &customer.name), ("country", &words::country(t, customer.country))],
            ),
            company: vec![
                language_field(t, &value("language"), entries),
                filled(t, value, entries)("registration_number", "bill-to-registration-number")
                    .hint(t.get("customer-registration-hint")),
            ],
            contact: contact_fields(t, value, entries),
            address: address_fields(t, value, entries),
            version: typed.map_or_else(|| customer.profile_version.to_string(), str::to_owned),
            problem: None,
            back,
        }
    }
}

async fn load(app: &App, agent: &Agent, customer: &str) -> Result<Customer, PageError> {
    let customer = customer_id(customer)?;
    let customer = app.store.read(agent.actor(), &GetCustomer { customer }).await?.ok_or(PageError::NotFound)?;
    if lacking(agent, &UPDATE_BILL_TO).is_some() { Err(PageError::Forbidden) } else { Ok(customer) }
}

/// The form.
pub async fn show(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let customer = load(&app, &agent, &customer).await?;
    let none = Fields::default();
    let entries = Entries::new(agent.visit().text, &none);
    Ok(ok(&BillToPage::new(&agent, &customer, None, &entries)))
}

/// Keeps what was filled in, unless somebody else changed it since the form was opened.
pub async fn save(State(app): State<App>, agent: Agent, Path(customer): Path<String>) -> Result<Response, PageError> {
    let customer = load(&app, &agent, &customer).await?;
    let visit = agent.visit();
    let (t, form) = (visit.text, &visit.form);
    let mut entries = Entries::new(t, form);
    let bill_to = read(&mut entries);
    let known = |code: &&str| Language::parse(code).is_some() || *code == customer.language;
    let language = form.get("language").filter(known);
    if language.is_none() {
        entries.wrong("language", t.get("may-buy-choice"));
    }
    let (mut status, mut problem) = (StatusCode::BAD_REQUEST, None);
    if let (Some(language), true) = (language, entries.are_sound()) {
        let version = form.get("version").and_then(|text| text.parse().ok());
        let command = UpdateBillTo {
            customer: customer.id,
            bill_to,
            language: language.to_owned(),
            if_match: Some(version.ok_or(PageError::Malformed)?),
        };
        match app.store.execute(agent.actor(), &command, &visit.request).await {
            Ok(_) => {
                return Ok(go(&format!("/dashboard/customers/{}/account", customer.id), "notice-bill-to-saved"));
            }
            Err(ExecuteError::Refused(refusal)) => match field_of(&refusal) {
                Some(field) => entries.wrong(field, words::refusal(t, &refusal)),
                None => (status, problem) = (StatusCode::CONFLICT, Some(words::refusal(t, &refusal))),
            },
            Err(error) => return Err(error.into()),
        }
    }
    let page = BillToPage::new(&agent, &customer, Some(form), &entries);
    Ok(render(status, &BillToPage { problem, ..page }))
}
