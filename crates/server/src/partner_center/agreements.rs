//! The customer agreement, without which no Azure plan is sold.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use fullmakt_domain::customer::{Agreement, AgreementContact, ConfirmAgreement, ListAgreements, is_email};
use fullmakt_domain::ids::PrincipalId;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::body::Node;
use super::collection::{Page, uri};
use super::dates::{self, Given};
use super::filter::Query;
use super::{Call, Failure, Reply, customer_id};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/agreements", get(templates))
        .route("/customers/{customer}/agreements", get(list).post(confirm))
        .route("/customers/{customer}/directsignedmicrosoftcustomeragreementstatus", get(direct_signed))
}

const CUSTOMER_AGREEMENT: &str = "MicrosoftCustomerAgreement";
const CLOUD_AGREEMENT: &str = "MicrosoftCloudAgreement";
/// Names the one version of the agreement there is.
const TEMPLATE: &str = "998b88de-aa99-4388-a42c-1b3517d49490";
const TEXT: &str = "https://www.microsoft.com/licensing/docs/customeragreement";

/// Which agreements are asked for: the one that is confirmed here, or another.
fn wants_customer_agreement(query: &Query, default: bool) -> Result<bool, Failure> {
    if query.get("agreementType") == Some("*") {
        return Ok(true);
    }
    let wanted = query.one_of("agreementType", &[CUSTOMER_AGREEMENT, CLOUD_AGREEMENT])?;
    Ok(wanted.map_or(default, |wanted| wanted == CUSTOMER_AGREEMENT))
}

fn parameters(query: &Query) -> Vec<(&'static str, String)> {
    query.get("agreementType").map(|wanted| ("agreementType", wanted.to_owned())).into_iter().collect()
}

async fn templates(call: Call) -> Result<Reply, Failure> {
    call.user_only()?;
    // The cloud agreement, the default of old, is sold no more.
    let items = if wants_customer_agreement(call.query(), false)? {
        vec![json!({
            "templateId": TEMPLATE,
            "agreementType": CUSTOMER_AGREEMENT,
            "agreementLink": TEXT,
            "versionRank": 1,
        })]
    } else {
        Vec::new()
    };
    Ok(Reply::Ok(Page::whole(uri("/agreements", &parameters(call.query())), items).render()))
}

async fn list(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let customer = customer_id(&customer)?;
    let wanted = wants_customer_agreement(call.query(), true)?;
    let mut agreements = app.store.read(call.actor(), &ListAgreements { customer }).await?;
    agreements.retain(|_| wanted);
    let path = uri(&format!("/customers/{customer}/agreements"), &parameters(call.query()));
    Ok(Reply::Ok(Page::whole(path, agreements.iter().map(render).collect()).render()))
}

async fn direct_signed(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let customer = customer_id(&customer)?;
    app.store.read(call.actor(), &ListAgreements { customer }).await?;
    // Customers sign with their partner here, not with the vendor.
    Ok(Reply::Ok(json!({"isSigned": false})))
}

async fn confirm(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let customer = customer_id(&customer)?;
    let document = call.body()?;
    let (contact, agreed_on) = read(&document.root())?;
    let command = ConfirmAgreement { customer, contact, agreed_on };
    let agreement = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Created(render(&agreement)))
}

fn read(root: &Node<'_>) -> Result<(AgreementContact, jiff::civil::Date), Failure> {
    let kind = root.get("type")?;
    match kind.one_of(&[CUSTOMER_AGREEMENT, CLOUD_AGREEMENT])? {
        Some(CUSTOMER_AGREEMENT) => {}
        Some(_) => return Err(kind.wrong("cannot be confirmed any more, confirm `MicrosoftCustomerAgreement`")),
        None => return Err(kind.missing()),
    }
    let template = root.get("templateId")?;
    if !template.required_text()?.eq_ignore_ascii_case(TEMPLATE) {
        return Err(template.wrong("is not the `templateId` of an agreement that `/agreements` lists"));
    }
    let contact = root.get("primaryContact")?;
    let required = |name: &str| -> Result<String, Failure> {
        let node = contact.get(name)?;
        node.text_within(254)?.ok_or_else(|| node.missing())
    };
    let email = contact.get("email")?;
    let email_text = required("email")?;
    if !is_email(&email_text) {
        return Err(email.wrong("is not an e-mail address"));
    }
    let date = root.get("dateAgreed")?;
    let agreed_on = match date.date()?.ok_or_else(|| date.missing())? {
        Given::Day(day) => day,
        Given::Instant(at) => at.to_zoned(TimeZone::UTC).date(),
    };
    let contact = AgreementContact {
        first_name: required("firstName")?,
        last_name: required("lastName")?,
        email: email_text,
        phone: contact.get("phoneNumber")?.text_within(64)?,
    };
    Ok((contact, agreed_on))
}

fn render(agreement: &Agreement) -> Value {
    let mut body = Map::new();
    if let Some(contact) = &agreement.contact {
        let mut primary = Map::new();
        primary.insert("firstName".to_owned(), contact.first_name.clone().into());
        primary.insert("lastName".to_owned(), contact.last_name.clone().into());
        primary.insert("email".to_owned(), contact.email.clone().into());
        if let Some(phone) = &contact.phone {
            primary.insert("phoneNumber".to_owned(), phone.clone().into());
        }
        body.insert("primaryContact".to_owned(), Value::Object(primary));
    }
    body.insert("templateId".to_owned(), TEMPLATE.into());
    let midnight = agreement.agreed_on.to_datetime(jiff::civil::Time::midnight());
    if let Ok(at) = TimeZone::UTC.to_timestamp(midnight) {
        body.insert("dateAgreed".to_owned(), dates::seconds(at).into());
    }
    body.insert("type".to_owned(), CUSTOMER_AGREEMENT.into());
    body.insert("agreementLink".to_owned(), TEXT.into());
    if let Some(PrincipalId(user)) = agreement.recorded_by {
        body.insert("userId".to_owned(), user.to_string().into());
    }
    body.insert("attributes".to_owned(), json!({"objectType": "Agreement"}));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::mutated;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_agreement_can_be_tried(document in mutated(json!({
            "PrimaryContact": {"FirstName": "Olle", "LastName": "Ek", "Email": "olle@exempel.example", "PhoneNumber": "1"},
            "TemplateId": TEMPLATE, "DateAgreed": "2026-06-14T12:00:00.123Z", "Type": CUSTOMER_AGREEMENT,
        }))) {
            let _ = read(&document.root());
        }
    }
}
