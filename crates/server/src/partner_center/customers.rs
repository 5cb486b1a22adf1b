//! Customers of the partner.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use fullmakt_domain::customer::{
    BillTo, CreateCustomer, Customer, CustomerKey, CustomerSummary, FirstUser, GetCustomer, ListCustomers, PageStart,
    UpdateBillTo, is_domain, is_email,
};
use fullmakt_domain::ids::{CustomerId, PrincipalId};
use fullmakt_domain::market::Country;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::Node;
use super::collection::{Cursor, Page, Seek, link};
use super::filter::Query;
use super::{Call, Code, Failure, Reply, customer_id, etag};
use crate::App;
use crate::signin::{hash_secret, new_password};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/customers", get(list).post(create))
        .route("/customers/{customer}", get(show))
        .route("/customers/{customer}/profiles/company", get(company_profile))
        .route("/customers/{customer}/profiles/billing", get(billing_profile).put(put_billing_profile))
}

const COLLECTION: &str = "customers";
/// Customers a page has at most when a size is asked for; one SDK refuses more.
const SIZE_MAX: u32 = 500;
/// Customers a page has when no size is asked for: one client reads the first page only.
const SIZE_UNASKED: u32 = 5_000;

async fn list(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    let seek = call.seek(COLLECTION)?;
    let search = match seek.cursor() {
        Some(cursor) => Search::from_cursor(cursor)?,
        None => Search::from_query(call.query())?,
    };
    let Some(key) = search.key else {
        return Ok(Reply::Ok(
            Page { parameters: search.parameters(), ..Page::whole("/customers", Vec::new()) }.render(),
        ));
    };
    let start = |place: &[String]| match place {
        [key, id] => Ok((key.clone(), id.clone())),
        _ => Err(Failure::input("`MS-ContinuationToken` is not a token of this collection")),
    };
    let start = match &seek {
        Seek::First => PageStart::Offset(0),
        Seek::Last => PageStart::Last,
        Seek::Offset(offset, _) => PageStart::Offset(*offset),
        Seek::Next(cursor) => start(&cursor.last).map(|(key, id)| PageStart::After(key, id))?,
        Seek::Previous(cursor) => start(&cursor.first).map(|(key, id)| PageStart::Before(key, id))?,
    };
    let (backwards, at_the_start) =
        (matches!(start, PageStart::Before(..) | PageStart::Last), matches!(start, PageStart::Offset(0)));
    let at_the_end = matches!(start, PageStart::Last);
    let query = ListCustomers { key, prefix: search.prefix.clone(), start, size: search.size };
    let page = app.store.read(call.actor(), &query).await?;
    let cursor = search.cursor(page.customers.first(), page.customers.last());
    let (before, after) = if backwards { (page.more, !at_the_end) } else { (!at_the_start, page.more) };
    let items = page.customers.iter().map(|(_, customer)| render_summary(customer)).collect();
    let page = Page {
        items,
        path: "/customers".to_owned(),
        parameters: search.parameters(),
        next: cursor.clone().filter(|_| after),
        previous: cursor.filter(|_| before),
    };
    Ok(Reply::Ok(page.render()))
}

/// What is searched for, in words that a continuation token can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Search {
    /// None for what no customer here has: an indirect reseller.
    key: Option<CustomerKey>,
    prefix: String,
    size: u32,
    /// Whether the caller asked for the size.
    sized: bool,
}

impl Search {
    fn from_query(query: &Query) -> Result<Self, Failure> {
        let sized = query.get("size").is_some();
        let size = if sized { query.size(SIZE_MAX, SIZE_MAX)? } else { SIZE_UNASKED };
        let (key, prefix) = match query.filter()? {
            None => (Some(CustomerKey::Name), String::new()),
            Some(filter) => {
                let key = match (filter.field.as_str(), filter.operator.as_str()) {
                    ("companyname", "startswith") => Some(CustomerKey::Name),
                    ("domain", "startswith") => Some(CustomerKey::Domain),
                    ("indirectreseller" | "indirectcloudsolutionprovider", "startswith") => None,
                    _ => return Err(filter.unsupported("CompanyName or Domain with starts_with")),
                };
                (key, filter.value.to_lowercase())
            }
        };
        Ok(Self { key, prefix, size, sized })
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        if self.sized {
            parameters.push(("size", self.size.to_string()));
        }
        if !self.prefix.is_empty() {
            let field = match self.key {
                Some(CustomerKey::Name) => "CompanyName",
                Some(CustomerKey::Domain) => "Domain",
                None => "IndirectReseller",
            };
            let filter = json!({"Field": field, "Value": self.prefix, "Operator": "starts_with"});
            parameters.push(("filter", filter.to_string()));
        }
        parameters
    }

    fn cursor(
        &self,
        first: Option<&(String, CustomerSummary)>,
        last: Option<&(String, CustomerSummary)>,
    ) -> Option<Cursor> {
        let place = |(key, customer): &(String, CustomerSummary)| vec![key.clone(), customer.id.to_string()];
        let key = match self.key? {
            CustomerKey::Name => "name",
            CustomerKey::Domain => "domain",
        };
        Some(Cursor {
            collection: COLLECTION,
            size: self.size,
            restriction: vec![key.to_owned(), self.prefix.clone(), self.sized.to_string()],
            first: place(first?),
            last: place(last?),
        })
    }

    fn from_cursor(cursor: &Cursor) -> Result<Self, Failure> {
        let [key, prefix, sized] = cursor.restriction.as_slice() else {
            return Err(Failure::input("`MS-ContinuationToken` is not a token of this collection"));
        };
        let key = if key == "domain" { CustomerKey::Domain } else { CustomerKey::Name };
        let size = cursor.size.clamp(1, SIZE_UNASKED);
        Ok(Self { key: Some(key), prefix: prefix.clone(), size, sized: sized == "true" })
    }
}

async fn show(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    Ok(Reply::Ok(render(&load(&app, &call, &customer).await?)))
}

async fn company_profile(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let customer = load(&app, &call, &customer).await?;
    let mut profile = render_company(&customer);
    put(&mut profile, "address", Some(render_address(&customer)));
    put(&mut profile, "email", text(&customer.bill_to.email));
    Ok(Reply::Ok(Value::Object(profile)))
}

async fn billing_profile(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    let customer = load(&app, &call, &customer).await?;
    Ok(Reply::Ok(render_billing(&customer)))
}

/// Changes contact, address, language and registration number. Name and country are the directory's own.
async fn put_billing_profile(
    State(app): State<App>,
    call: Call,
    Path(customer): Path<String>,
) -> Result<Reply, Failure> {
    let old = load(&app, &call, &customer).await?;
    let document = call.body()?;
    let root = document.root();
    let name = root.get("companyName")?;
    if name.text()?.is_some_and(|text| text.trim() != old.name) {
        return Err(name.wrong("is not the name of the company, which cannot be changed here"));
    }
    let address = root.get("defaultAddress")?;
    let country = address.get("country")?;
    if country.text()?.is_some_and(|text| Country::parse(&text).ok() != Some(old.country)) {
        return Err(country.wrong("is not the country of the customer, which cannot be changed"));
    }
    let names = (root.get("firstName")?.text_within(50)?, root.get("lastName")?.text_within(50)?);
    let tag = root.get("attributes")?.get("etag")?.text()?;
    let expected = etag::expected(call.envelope().if_match.as_deref(), tag.as_deref());
    let if_match = expected.map(|tag| tag.parse().map_err(|_| etag::stale())).transpose()?;
    let read = read_bill_to(&root, &address, names)?;
    let number = root.get("organizationRegistrationNumber")?;
    let registration_number = match number.text_within(64)? {
        // Clients send back the profile they read, which does not show it.
        None => old.bill_to.registration_number,
        given => given,
    };
    let command = UpdateBillTo {
        customer: old.id,
        bill_to: BillTo { registration_number, ..read },
        language: read_language(&root)?,
        if_match,
    };
    let new = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Ok(render_billing(&new)))
}

/// Contact and address of a billing profile, without the registration number. Names stand in the address or, as a
/// second best, in the profile.
fn read_bill_to(
    billing: &Node<'_>,
    address: &Node<'_>,
    names: (Option<String>, Option<String>),
) -> Result<BillTo, Failure> {
    let email = billing.get("email")?;
    let email_text = email.text_within(254)?.ok_or_else(|| email.missing())?;
    if !is_email(&email_text) {
        return Err(email.wrong("is not an e-mail address"));
    }
    let required = |name: &str, most, instead: Option<String>| -> Result<String, Failure> {
        let node = address.get(name)?;
        node.text_within(most)?.or(instead).ok_or_else(|| node.missing())
    };
    let optional =
        |name: &str, most| -> Result<String, Failure> { Ok(address.get(name)?.text_within(most)?.unwrap_or_default()) };
    Ok(BillTo {
        first_name: required("firstName", 50, names.0)?,
        last_name: required("lastName", 50, names.1)?,
        email: email_text,
        phone: optional("phoneNumber", 64)?,
        address_1: required("addressLine1", 200, None)?,
        address_2: optional("addressLine2", 200)?,
        city: required("city", 120, None)?,
        region: optional("state", 120)?,
        postal_code: optional("postalCode", 32)?,
        registration_number: None,
    })
}

/// The customer of a path, if it is the caller's own.
async fn load(app: &App, call: &Call, customer: &str) -> Result<Customer, Failure> {
    let customer = customer_id(customer)?;
    let found = app.store.read(call.actor(), &GetCustomer { customer }).await?;
    found.ok_or_else(|| Failure::new(Code::CustomerNotFound, "there is no such customer, check the customer id"))
}

async fn create(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    let document = call.body()?;
    let customer = read_customer(&document.root())?;
    let password = new_password();
    let secret_hash = hash_secret(&password).await.map_err(|error| {
        tracing::error!(%error, "a first password could not be hashed");
        Failure::new(Code::Unexpected, "the server failed, its log has the reason under this MS-CorrelationId")
    })?;
    let first_user =
        FirstUser { id: PrincipalId(Uuid::new_v4()), upn: format!("admin@{}", customer.domain), secret_hash };
    let command = CreateCustomer { customer, first_user };
    let customer = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    let mut body = render(&customer);
    if let Some(members) = body.as_object_mut() {
        // What is there a moment later, as the original has it.
        members.insert("relationshipToPartner".to_owned(), "none".into());
        members.insert("userCredentials".to_owned(), json!({"userName": "admin", "password": password}));
    }
    Ok(Reply::Created(body))
}

fn read_customer(root: &Node<'_>) -> Result<Customer, Failure> {
    let (company, billing) = (root.get("companyProfile")?, root.get("billingProfile")?);
    let domain = company.get("domain")?;
    let name = domain.required_text()?.to_lowercase();
    if !is_domain(&name) {
        return Err(domain.wrong("is not a domain like `exempel.onmicrosoft.com`"));
    }
    let language = read_language(&billing)?;
    let company_name = billing.get("companyName")?;
    let company_name = company_name.text_within(256)?.ok_or_else(|| company_name.missing())?;
    let address = billing.get("defaultAddress")?;
    let country = address.get("country")?;
    let country =
        Country::parse(&country.required_text()?).map_err(|_| country.wrong("is not a country code of two letters"))?;
    let bill_to = read_bill_to(&billing, &address, (None, None))?;
    let mut registration_number = company.get("organizationRegistrationNumber")?.text_within(64)?;
    if registration_number.is_none() {
        registration_number = billing.get("organizationRegistrationNumber")?.text_within(64)?;
    }
    Ok(Customer {
        id: CustomerId(Uuid::new_v4()),
        commerce_id: Uuid::new_v4().to_string(),
        name: company_name,
        domain: name,
        country,
        language,
        bill_to: BillTo { registration_number, ..bill_to },
        profile_version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        agreement_confirmed_at: None,
    })
}

/// `language: "sv"`, or the language of `culture: "sv-SE"`, in lower case.
fn read_language(billing: &Node<'_>) -> Result<String, Failure> {
    let language = billing.get("language")?;
    let culture = billing.get("culture")?;
    let node = if language.is_present() { language } else { culture };
    let tag = node.required_text()?.to_lowercase();
    let primary = tag.split(['-', '_']).next().unwrap_or("").to_owned();
    if (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_lowercase()) {
        Ok(primary)
    } else {
        Err(node.wrong("is not a language like `en` or `en-US`"))
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

fn text(text: &str) -> Option<Value> {
    if text.is_empty() { None } else { Some(text.into()) }
}

fn render_summary(customer: &CustomerSummary) -> Value {
    let id = customer.id.to_string();
    json!({
        "id": id,
        "companyProfile": {
            "tenantId": id,
            "domain": customer.domain,
            "companyName": customer.name,
            "attributes": {"objectType": "CustomerCompanyProfile"},
        },
        "relationshipToPartner": "reseller",
        "links": {"self": link(format!("/customers/{id}"))},
        "attributes": {"objectType": "Customer"},
    })
}

fn render(customer: &Customer) -> Value {
    let id = customer.id.to_string();
    let mut company = render_company(customer);
    put(&mut company, "links", Some(json!({"self": link(format!("/customers/{id}/profiles/company"))})));
    json!({
        "id": id,
        "commerceId": customer.commerce_id,
        "companyProfile": company,
        "billingProfile": render_billing(customer),
        "relationshipToPartner": "reseller",
        "allowDelegatedAccess": true,
        "customDomains": [customer.domain],
        "links": {"self": link(format!("/customers/{id}"))},
        "attributes": {"objectType": "Customer"},
    })
}

fn render_company(customer: &Customer) -> Map<String, Value> {
    let mut profile = Map::new();
    put(&mut profile, "tenantId", Some(customer.id.to_string().into()));
    put(&mut profile, "domain", Some(customer.domain.clone().into()));
    put(&mut profile, "companyName", Some(customer.name.clone().into()));
    put(&mut profile, "organizationRegistrationNumber", customer.bill_to.registration_number.clone().map(Value::from));
    put(&mut profile, "attributes", Some(json!({"objectType": "CustomerCompanyProfile"})));
    profile
}

fn render_billing(customer: &Customer) -> Value {
    let mut profile = Map::new();
    put(&mut profile, "id", Some(Uuid::new_v5(&customer.id.0, b"billing profile").to_string().into()));
    put(&mut profile, "firstName", text(&customer.bill_to.first_name));
    put(&mut profile, "lastName", text(&customer.bill_to.last_name));
    put(&mut profile, "email", text(&customer.bill_to.email));
    put(&mut profile, "culture", Some(format!("{}-{}", customer.language, customer.country).into()));
    put(&mut profile, "language", Some(customer.language.clone().into()));
    put(&mut profile, "companyName", Some(customer.name.clone().into()));
    put(&mut profile, "defaultAddress", Some(render_address(customer)));
    let uri = format!("/customers/{}/profiles/billing", customer.id);
    put(&mut profile, "links", Some(json!({"self": link(uri)})));
    let etag = customer.profile_version.to_string();
    put(&mut profile, "attributes", Some(json!({"etag": etag, "objectType": "CustomerBillingProfile"})));
    Value::Object(profile)
}

fn render_address(customer: &Customer) -> Value {
    let bill_to = &customer.bill_to;
    let mut address = Map::new();
    put(&mut address, "country", Some(customer.country.code().into()));
    put(&mut address, "city", text(&bill_to.city));
    put(&mut address, "state", text(&bill_to.region));
    put(&mut address, "addressLine1", text(&bill_to.address_1));
    put(&mut address, "addressLine2", text(&bill_to.address_2));
    put(&mut address, "postalCode", text(&bill_to.postal_code));
    put(&mut address, "firstName", text(&bill_to.first_name));
    put(&mut address, "lastName", text(&bill_to.last_name));
    put(&mut address, "phoneNumber", text(&bill_to.phone));
    Value::Object(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::mutated;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_customer_can_be_tried(document in mutated(json!({
            "CompanyProfile": {"Domain": "ny.example", "OrganizationRegistrationNumber": "1234567890"},
            "BillingProfile": {
                "Culture": "sv-SE", "Email": "eva@ny.example", "Language": "sv", "CompanyName": "Ny AB",
                "DefaultAddress": {
                    "FirstName": "Eva", "LastName": "Ek", "AddressLine1": "Gatan 1", "City": "Umeå", "Country": "SE",
                    "PostalCode": "90325", "PhoneNumber": "+46 1",
                },
            },
        }))) {
            if let Ok(customer) = read_customer(&document.root()) {
                prop_assert!(is_domain(&customer.domain) && !customer.name.is_empty());
            }
        }

        #[test]
        fn any_token_can_be_tried(restriction in proptest::collection::vec(".{0,8}", 0..5), size in any::<u32>()) {
            let cursor = Cursor { collection: COLLECTION, size, restriction, first: Vec::new(), last: Vec::new() };
            if let Ok(search) = Search::from_cursor(&cursor) {
                prop_assert!((1..=SIZE_UNASKED).contains(&search.size));
            }
        }
    }
}
