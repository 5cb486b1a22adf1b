//! The partner's own profiles, as far as they are known here: world files set them, nothing changes them.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use fullmakt_domain::partner::{GetPartner, Partner};
use serde_json::{Map, Value, json};

use super::collection::link;
use super::{Call, Code, Failure, Reply};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/profiles/legalbusiness", get(legal_business))
        .route("/profiles/organization", get(organization))
        .route("/profiles/support", get(support))
}

async fn load(app: &App, call: &Call) -> Result<Partner, Failure> {
    let partner = app.store.read(call.actor(), &GetPartner).await?;
    partner.ok_or_else(|| Failure::new(Code::NotFound, "there is no such partner"))
}

async fn legal_business(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    call.query().one_of("vettingVersion", &["Current", "LastFinalized"])?;
    let partner = load(&app, &call).await?;
    let mut body = profile("/profiles/legalbusiness", "LegalBusinessProfile");
    body.insert("companyName".to_owned(), partner.name.clone().into());
    body.insert("address".to_owned(), json!({"country": partner.country.code()}));
    body.insert("primaryContact".to_owned(), contact(&partner));
    body.insert("vettingStatus".to_owned(), "authorized".into());
    body.insert("vettingSubStatus".to_owned(), "none".into());
    Ok(Reply::Ok(Value::Object(body)))
}

async fn organization(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    call.user_only()?;
    let partner = load(&app, &call).await?;
    let mut body = profile("/profiles/organization", "OrganizationProfile");
    body.insert("id".to_owned(), partner.id.to_string().into());
    body.insert("tenantId".to_owned(), partner.id.to_string().into());
    body.insert("companyName".to_owned(), partner.name.clone().into());
    body.insert("domain".to_owned(), partner.domain.clone().into());
    body.insert("defaultAddress".to_owned(), json!({"country": partner.country.code()}));
    if let Some(email) = &partner.support_email {
        body.insert("email".to_owned(), email.clone().into());
    }
    body.insert("language".to_owned(), "en".into());
    body.insert("culture".to_owned(), format!("en-{}", partner.country).into());
    Ok(Reply::Ok(Value::Object(body)))
}

async fn support(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    call.user_only()?;
    let partner = load(&app, &call).await?;
    let mut body = profile("/profiles/support", "SupportProfile");
    for (name, value) in
        [("email", &partner.support_email), ("telephone", &partner.support_phone), ("website", &partner.support_url)]
    {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.clone().into());
        }
    }
    Ok(Reply::Ok(Value::Object(body)))
}

fn profile(path: &str, kind: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("profileType".to_owned(), kind.into());
    body.insert("links".to_owned(), json!({"self": link(path)}));
    body.insert("attributes".to_owned(), json!({"objectType": format!("Partner{kind}")}));
    body
}

fn contact(partner: &Partner) -> Value {
    let mut contact = Map::new();
    for (name, value) in [("email", &partner.support_email), ("phoneNumber", &partner.support_phone)] {
        if let Some(value) = value {
            contact.insert(name.to_owned(), value.clone().into());
        }
    }
    Value::Object(contact)
}
