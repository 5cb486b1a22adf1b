//! Requests as clients send them, against the edge in this process.

mod commerce;

use std::sync::Arc;

use axum::body::Body;
use fullmakt_domain::actor::{Actor, PrincipalKind};
use fullmakt_domain::ids::{PrincipalId, TenantId};
use fullmakt_store::{DatabaseUrl, Store};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::body::Document;
use super::front::testing::Edge;
use crate::signin::Issuer;
use crate::{App, Clock, Settings};

const PARTNER: &str = "11111111-1111-4111-8111-111111111111";
const CUSTOMER: &str = "22222222-2222-4222-8222-222222222222";
const OTHER: &str = "66666666-6666-4666-8666-666666666666";
const PLAN: &str = "33333333-3333-4333-8333-3333333333a0";

const WORLD: &str = r#"
[[partners]]
tenant_id = "11111111-1111-4111-8111-111111111111"
name = "Nordmoln AB"
domain = "nordmoln.example"
country = "SE"
currency = "EUR"

[[partners.users]]
id = "11111111-0000-4000-8000-000000000001"
upn = "ada@nordmoln.example"
name = "Ada"
password = "adas lösenord 1"
roles = ["AdminAgent"]

[[partners.users]]
id = "11111111-0000-4000-8000-000000000002"
upn = "sven@nordmoln.example"
name = "Sven"
password = "svens lösenord 1"
roles = ["SalesAgent"]

[[partners.users]]
id = "11111111-0000-4000-8000-000000000004"
upn = "beata@nordmoln.example"
name = "Beata"
password = "beatas lösenord 1"
roles = ["BillingAdmin"]

[[partners.users]]
id = "11111111-0000-4000-8000-000000000005"
upn = "gustav@nordmoln.example"
name = "Gustav"
password = "gustavs lösenord 1"
roles = ["GlobalAdmin"]

[[partners.applications]]
id = "11111111-0000-4000-8000-0000000000a0"
client_id = "11111111-0000-4000-8000-0000000000a1"
client_secret = "integrationens hemlighet"
name = "Integration"

[[partners]]
tenant_id = "44444444-4444-4444-8444-444444444444"
name = "Sydmoln AB"
domain = "sydmoln.example"
country = "SE"
currency = "SEK"

[[customers]]
tenant_id = "22222222-2222-4222-8222-222222222222"
name = "Fjällräven Exempel AB"
domain = "exempel.example"
country = "SE"
language = "sv"
partners = ["11111111-1111-4111-8111-111111111111"]

[[customers.entitlements]]
id = "33333333-3333-4333-8333-3333333333a0"
partner = "11111111-1111-4111-8111-111111111111"
offer = "azure-plan"
status = "active"

[[customers.entitlements.subscriptions]]
id = "33333333-3333-4333-8333-333333333333"
name = "Produktion"

[[customers]]
tenant_id = "55555555-5555-4555-8555-555555555555"
name = "Skogsbruket AB"
domain = "skogsbruket.example"
country = "SE"
language = "sv"
partners = ["11111111-1111-4111-8111-111111111111"]

[[customers]]
tenant_id = "66666666-6666-4666-8666-666666666666"
name = "Kustfiske AB"
domain = "kustfiske.example"
country = "SE"
language = "sv"
partners = ["44444444-4444-4444-8444-444444444444"]
"#;

struct World {
    edge: Edge,
    directory: TempDir,
}

/// Good bodies with one value in them replaced by another, or one key spelled in another case.
pub(super) fn mutated(good: Value) -> impl Strategy<Value = Document> {
    let mut places = Vec::new();
    collect(&good, String::new(), &mut places);
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9a-f-]{36}".prop_map(Value::from),
        Just(json!([])),
        Just(json!([null, {}])),
        Just(json!({"Resource": "AzureSavingsPlan"})),
    ];
    (proptest::sample::select(places), value, any::<bool>()).prop_map(move |(place, value, lower)| {
        let mut body = good.clone();
        if let Some(old) = body.pointer_mut(&place) {
            *old = value;
        }
        let text = body.to_string();
        let text = if lower { text.to_lowercase() } else { text };
        Document::parse(text.as_bytes()).unwrap()
    })
}

fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, inner)| collect(inner, format!("{at}/{key}"), places)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, inner)| collect(inner, format!("{at}/{n}"), places))
        }
        _ => {}
    }
    if !at.is_empty() {
        places.push(at);
    }
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{body}");
        assert!(body["description"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert_eq!(body["source"], "PartnerApi");
    }

    #[track_caller]
    fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }
}

/// The headers of the .NET SDK.
const DOTNET: [(&str, &str); 6] = [
    ("accept", "application/json"),
    ("content-type", "application/json"),
    ("ms-correlationid", "0a4e5a6e-40b5-4a35-9c9b-3a7f2f1a8a11"),
    ("x-locale", "en-US"),
    ("ms-partnercenter-client", "Partner Center .NET SDK"),
    ("ms-sdkversion", "3.1.2.0"),
];

impl World {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::Sqlite(directory.path().join("fullmakt.db"))).await.unwrap();
        store.migrate().await.unwrap();
        let now: Timestamp = "2026-06-15T08:00:00Z".parse().unwrap();
        let world = fullmakt_world::parse(WORLD).unwrap();
        let catalog = Arc::new(fullmakt_world::catalog_csv::built_in().clone());
        store.load_world(world, catalog, Default::default(), now).await.unwrap();
        let issuer = Arc::new(Issuer::open(directory.path(), &store).await.unwrap());
        let app = App::new(store, issuer, Clock::movable(now), settings);
        Self { edge: Edge::new(app, super::routes()), directory }
    }

    /// Another server on the same database.
    async fn another(&self) -> Edge {
        let store = Store::open(&DatabaseUrl::Sqlite(self.directory.path().join("fullmakt.db"))).await.unwrap();
        let issuer = Arc::new(Issuer::open(self.directory.path(), &store).await.unwrap());
        let now: Timestamp = "2026-06-15T08:00:00Z".parse().unwrap();
        Edge::new(App::new(store, issuer, Clock::movable(now), Settings::default()), super::routes())
    }

    async fn send(&self, who: &str, method: &str, address: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut request = Request::builder().method(Method::try_from(method).unwrap()).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.edge.send(&actor(who), request).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answered { status: head.status.as_u16(), headers: head.headers, bytes }
    }

    async fn get(&self, who: &str, address: &str) -> Answered {
        self.send(who, "GET", address, &DOTNET, "").await
    }
}

fn actor(who: &str) -> Actor {
    let (id, kind) = match who {
        "ada" => ("11111111-0000-4000-8000-000000000001", PrincipalKind::User),
        "sven" => ("11111111-0000-4000-8000-000000000002", PrincipalKind::User),
        "beata" => ("11111111-0000-4000-8000-000000000004", PrincipalKind::User),
        "gustav" => ("11111111-0000-4000-8000-000000000005", PrincipalKind::User),
        "integration" => ("11111111-0000-4000-8000-0000000000a0", PrincipalKind::Application),
        other => panic!("nobody is called {other}"),
    };
    let home = TenantId::parse(PARTNER).unwrap();
    let name = format!("{who}@nordmoln.example");
    Actor { principal: PrincipalId::parse(id).unwrap(), kind, name, home, tenant: home, application: None }
}

/// The body of the .NET SDK's create, as it stands in the reference.
fn dotnet_policy(customer: &str) -> String {
    format!(
        r#"{{"Id":null,"SelfServeEntity":{{"SelfServeEntityType":"customer","TenantID":"{customer}"}},"Grantor":{{"GrantorType":"billToPartner","TenantID":"{PARTNER}"}},"Permissions":[{{"Resource":"AzureReservedInstances","Action":"Purchase"}}],"Attributes":{{"ObjectType":"SelfServePolicy"}}}}"#
    )
}

#[tokio::test]
async fn r01_r04_the_dotnet_sample_turns_the_permission_on_widens_it_and_turns_it_off() {
    let world = World::new().await;
    let list = format!("/v1/SelfServePolicy?entity_Id={CUSTOMER}");
    let id = format!("{PARTNER}_{CUSTOMER}");
    let before = world.get("ada", &list).await.ok(200);
    assert_eq!((&before["totalCount"], &before["items"]), (&json!(0), &json!([])));

    let created = world.send("ada", "POST", "/v1/SelfServePolicy", &DOTNET, &dotnet_policy(CUSTOMER)).await;
    assert_eq!(created.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(created.headers["ms-correlationid"], "0a4e5a6e-40b5-4a35-9c9b-3a7f2f1a8a11");
    assert_eq!(created.headers["x-locale"], "en-US");
    assert!(created.headers.contains_key("ms-requestid"));
    let created = created.ok(201);
    let etag = created["attributes"]["etag"].as_str().unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'));
    assert_eq!(
        created,
        json!({
            "id": id,
            "selfServeEntity": {"selfServeEntityType": "customer", "tenantID": CUSTOMER},
            "grantor": {"grantorType": "billToPartner", "tenantID": PARTNER},
            "permissions": [{"resource": "AzureReservedInstances", "action": "Purchase"}],
            "attributes": {"etag": etag, "objectType": "SelfServePolicy"},
        })
    );
    world.send("ada", "POST", "/v1/SelfServePolicy", &DOTNET, &dotnet_policy(CUSTOMER)).await.is(409, "600041");

    // The SDK puts with the id in the path, the etag in the body only.
    let put = format!(
        r#"{{"Id":"{id}","SelfServeEntity":{{"SelfServeEntityType":"customer","TenantID":"{CUSTOMER}"}},"Grantor":{{"GrantorType":"billToPartner","TenantID":"{PARTNER}"}},"Permissions":[{{"Resource":"AzureReservedInstances","Action":"Purchase"}},{{"Resource":"AzureSavingsPlan","Action":"Purchase"}}],"Attributes":{{"Etag":{},"ObjectType":"SelfServePolicy"}}}}"#,
        json!(etag)
    );
    let replaced = world.send("ada", "PUT", &format!("/v1/SelfServePolicy/{id}"), &DOTNET, &put).await.ok(200);
    assert_eq!(replaced["permissions"].as_array().unwrap().len(), 2);
    assert_ne!(replaced["attributes"]["etag"], json!(etag));
    // The etag is stale now, in either form of the address.
    world.send("ada", "PUT", "/v1/SelfServePolicy", &DOTNET, &put).await.is(400, "2055");
    let listed = world.get("sven", &list).await.ok(200);
    assert_eq!(listed["items"], json!([replaced]));
    assert_eq!(world.get("sven", &format!("//v1//selfservepolicy/{id}/")).await.ok(200), replaced);

    let gone = world.send("ada", "DELETE", &format!("/v1/SelfServePolicy/{id}"), &DOTNET, "").await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    world.send("ada", "DELETE", &format!("/v1/SelfServePolicy/{id}"), &DOTNET, "").await.is(404, "600039");
    world.get("ada", &format!("/v1/SelfServePolicy/{id}")).await.is(404, "600039");
}

#[tokio::test]
async fn r02_only_an_admin_agent_turns_it_on() {
    let world = World::new().await;
    let body = dotnet_policy(CUSTOMER);
    world.send("sven", "POST", "/v1/SelfServePolicy", &DOTNET, &body).await.is(403, "900150");
    world.send("beata", "POST", "/v1/SelfServePolicy", &DOTNET, &body).await.is(403, "900150");
    // An application's own token will not do at all.
    world.send("integration", "POST", "/v1/SelfServePolicy", &DOTNET, &body).await.is(401, "400");
    let list = format!("/v1/SelfServePolicy?entity_id={CUSTOMER}");
    world.get("integration", &list).await.is(401, "400");
    world.get("beata", &list).await.is(403, "900150");
    assert_eq!(world.get("sven", &list).await.ok(200)["totalCount"], 0);
}

#[tokio::test]
async fn r45_a_foreign_customer_is_answered_like_one_that_is_not_there() {
    let world = World::new().await;
    let nobody = "99999999-9999-4999-8999-999999999999";
    for (method, address, body) in [
        ("GET", "/v1/SelfServePolicy?entity_id={}", None),
        ("POST", "/v1/SelfServePolicy", Some(())),
        ("GET", "/v1/SelfServePolicy/11111111-1111-4111-8111-111111111111_{}", None),
        ("PUT", "/v1/SelfServePolicy/11111111-1111-4111-8111-111111111111_{}", Some(())),
        ("DELETE", "/v1/SelfServePolicy/11111111-1111-4111-8111-111111111111_{}", None),
        ("GET", "/v1/customers/{}", None),
        ("GET", "/v1/customers/{}/profiles/company", None),
        ("GET", "/v1/customers/{}/subscriptions", None),
        ("GET", "/v1/customers/{}/subscriptions/33333333-3333-4333-8333-3333333333a0", None),
        ("GET", "/v1/customers/{}/subscriptions/33333333-3333-4333-8333-3333333333a0/azureEntitlements", None),
        ("POST", "/v1/customers/{}/subscriptions/33333333-3333-4333-8333-3333333333a0/registrations", None),
        ("GET", "/v1/customers/{}/agreements", None),
    ] {
        let mut answers = Vec::new();
        for customer in [OTHER, nobody] {
            let body = body.map_or(String::new(), |()| dotnet_policy(customer));
            let answer = world.send("ada", method, &address.replace("{}", customer), &DOTNET, &body).await;
            assert_eq!(answer.status, 404, "{method} {address}: {}", answer.json());
            answers.push(String::from_utf8(answer.bytes).unwrap().replace(customer, "{}"));
        }
        assert_eq!(answers[0], answers[1], "{method} {address}");
    }
    // Nothing is left of it in the log.
    assert_eq!(world.get("ada", "/v1/auditrecords").await.ok(200)["totalCount"], 0);
}

#[tokio::test]
async fn a_bad_policy_is_refused_by_name_of_its_field() {
    let world = World::new().await;
    let good: Value = serde_json::from_str(&dotnet_policy(CUSTOMER)).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    for (body, needle) in [
        (String::new(), "the body is empty"),
        ("null".to_owned(), "not a JSON object"),
        (with("/SelfServeEntity", Value::Null), "selfServeEntity.selfServeEntityType"),
        (with("/SelfServeEntity/SelfServeEntityType", json!("partner")), "selfServeEntity.selfServeEntityType"),
        (with("/SelfServeEntity/TenantID", json!("x")), "selfServeEntity.tenantID"),
        (with("/Grantor/GrantorType", json!(7)), "grantor.grantorType"),
        (with("/Permissions", json!([])), "permissions"),
        (with("/Permissions", json!({})), "permissions"),
        (with("/Permissions/0/Resource", json!("VirtualMachines")), "permissions[0].resource"),
        (with("/Permissions/0/Action", Value::Null), "permissions[0].action"),
    ] {
        let answer = world.send("ada", "POST", "/v1/SelfServePolicy", &DOTNET, &body).await;
        answer.is(400, "800002");
        let text = answer.json()["description"].as_str().unwrap().to_owned();
        assert!(text.contains(needle), "{body}: {text}");
    }
    let foreign = with("/Grantor/TenantID", json!(OTHER));
    world.send("ada", "POST", "/v1/SelfServePolicy", &DOTNET, &foreign).await.is(403, "2032");
    world.get("ada", "/v1/SelfServePolicy").await.is(400, "800002");
    world.get("ada", "/v1/SelfServePolicy?entity_id=x").await.is(400, "900118");
    world.get("ada", "/v1/SelfServePolicy/x_y").await.is(404, "600040");
    let id = format!("{PARTNER}_{CUSTOMER}");
    world.send("ada", "PUT", "/v1/SelfServePolicy", &DOTNET, &dotnet_policy(CUSTOMER)).await.is(404, "600040");
    let mismatch = with("/Id", json!(format!("{PARTNER}_{OTHER}")));
    world.send("ada", "PUT", &format!("/v1/SelfServePolicy/{id}"), &DOTNET, &mismatch).await.is(404, "600040");
    let absent = with("/Id", json!(id));
    world.send("ada", "PUT", "/v1/SelfServePolicy", &DOTNET, &absent).await.is(404, "600039");
}

#[tokio::test]
async fn r05_each_change_leaves_one_record_and_java_can_read_it() {
    let world = World::new().await;
    let id = format!("{PARTNER}_{CUSTOMER}");
    world.send("ada", "POST", "/v1/SelfServePolicy", &DOTNET, &dotnet_policy(CUSTOMER)).await.ok(201);
    world.send("ada", "DELETE", &format!("/v1/SelfServePolicy/{id}"), &DOTNET, "").await.ok(204);
    let raw = "/v1/auditrecords?startDate=06/15/2026%2000:00:00&endDate=06/15/2026%2000:00:00&filter=%7B%22Field%22:%22ResourceType%22,%22Value%22:%22SelfServePolicy%22,%22Operator%22:%22equals%22%7D&size=500";
    let records = world.get("beata", raw).await.ok(200);
    assert_eq!(records["totalCount"], 2);
    let record = records["items"].as_array().unwrap().iter().find(|r| r["operationType"] == "create_self_serve_policy");
    let record = record.unwrap();
    let new: Value = serde_json::from_str(record["resourceNewValue"].as_str().unwrap()).unwrap();
    assert_eq!((&new["Id"], &new["Permissions"][0]["Resource"]), (&json!(id), &json!("AzureReservedInstances")));
    let mut shown = record.clone();
    shown.as_object_mut().unwrap().remove("resourceNewValue");
    assert_eq!(
        shown,
        json!({
            "id": format!("{PARTNER}_{CUSTOMER}_{id}_createselfservepolicy_639171072000000000"),
            "partnerId": PARTNER,
            "participants": [PARTNER],
            "customerId": CUSTOMER,
            "customerName": "Fjällräven Exempel AB",
            "userPrincipalName": "ada@nordmoln.example",
            "resourceType": "self_serve_policy",
            "operationType": "create_self_serve_policy",
            "originalCorrelationId": "0a4e5a6e-40b5-4a35-9c9b-3a7f2f1a8a11",
            "operationDate": "2026-06-15T08:00:00.0000000Z",
            "operationStatus": "succeeded",
            "customizedData": [
                {"key": "PolicyId", "value": id},
                {"key": "Permission-0", "value": "AzureReservedInstances:Purchase"},
            ],
            "attributes": {"objectType": "AuditRecord"},
        })
    );
    // Java: the day of the year, form-encoded filter, and words it knows.
    let java = [("ms-partnercenter-client", "Partner Center Java SDK"), ("ms-contract-version", "v1")];
    let raw = "/v1//auditrecords?startDate=2026-06-166&filter=%7B%22fieldType%22%3A%22String%22%2C%22field%22%3A%22CompanyName%22%2C%22operator%22%3A%22Substring%22%2C%22value%22%3A%22R%C3%84VEN+ex%22%7D";
    let records = world.send("ada", "GET", raw, &java, "").await.ok(200);
    assert_eq!(records["totalCount"], 2);
    assert_eq!(records["items"][0]["operationType"], "undefined");
    assert_eq!(records["items"][0]["resourceType"], "undefined");
}

#[tokio::test]
async fn audit_records_come_in_pages_newest_first() {
    let world = World::new().await;
    for _ in 0..5 {
        world.send("ada", "DELETE", &format!("/v1/SelfServePolicy/{PARTNER}_{CUSTOMER}"), &DOTNET, "").await;
    }
    let mut address = "/v1/auditrecords?size=2".to_owned();
    let mut token: Option<String> = None;
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let mut headers = DOTNET.to_vec();
        if let Some(token) = &token {
            headers.push(("ms-continuationtoken", token));
        }
        let page = world.send("ada", "GET", &address, &headers, "").await.ok(200);
        pages += 1;
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["operationStatus"].clone()));
        let next = &page["links"]["next"];
        if next.is_null() {
            break;
        }
        address = format!("/v1{}", next["uri"].as_str().unwrap());
        token = next["headers"][0]["value"].as_str().map(str::to_owned);
        assert_eq!(page["continuationToken"].as_str(), token.as_deref());
    }
    assert_eq!((seen.len(), pages), (5, 3));
    assert!(seen.iter().all(|status| status == "failed"));
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_does_nothing_twice() {
    let world = World::new().await;
    let id = "5d7c0c35-0b5a-4c0e-8a52-6c4a6bb0a0f1";
    let mut headers = DOTNET.to_vec();
    headers.push(("ms-requestid", id));
    let body = dotnet_policy(CUSTOMER);
    let send = || world.send("ada", "POST", "/v1/SelfServePolicy", &headers, &body);
    let both = tokio::join!(send(), send());
    let later = send().await;
    for answer in [&both.0, &both.1, &later] {
        assert_eq!(answer.status, 201);
        assert_eq!(answer.bytes, both.0.bytes);
        assert_eq!(answer.headers["ms-requestid"], id);
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    }
    // Another server, or this one after a restart, knows the answer too.
    let elsewhere = World { edge: world.another().await, directory: tempfile::tempdir().unwrap() };
    let answer = elsewhere.send("ada", "POST", "/v1/SelfServePolicy", &headers, &body).await;
    assert_eq!((answer.status, &answer.bytes), (201, &both.0.bytes));
    // One SDK uses one identifier for different operations.
    let policy = format!("/v1/SelfServePolicy/{PARTNER}_{CUSTOMER}");
    assert_eq!(world.send("ada", "DELETE", &policy, &headers, "").await.status, 204);
    assert_eq!(world.send("ada", "DELETE", &policy, &headers, "").await.status, 204);
    // Failures are repeated too, and for whoever asked only.
    let other = dotnet_policy(OTHER);
    for _ in 0..2 {
        world.send("ada", "POST", "/v1/SelfServePolicy", &headers, &other).await.is(404, "60003");
    }
    world.send("sven", "POST", "/v1/SelfServePolicy", &headers, &body).await.is(403, "900150");
    assert_eq!(world.get("ada", "/v1/auditrecords").await.ok(200)["totalCount"], 2);
    let bad = [("ms-requestid", "x")];
    let answer = world.send("ada", "GET", "/v1/customers", &bad, "").await;
    answer.is(400, "800002");
    assert!(answer.headers.contains_key("ms-requestid") && answer.headers.contains_key("ms-correlationid"));
}

#[tokio::test]
async fn customers_are_listed_found_and_made() {
    let world = World::new().await;
    let all = world.get("sven", "/v1/customers").await.ok(200);
    let names: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|c| c["companyProfile"]["companyName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Fjällräven Exempel AB", "Skogsbruket AB"]);
    assert!(all["links"].get("next").is_none());
    world.get("beata", "/v1/customers").await.is(403, "900150");

    // .NET: size 0, form-encoded filter; Java: operator in PascalCase.
    for filter in [
        "%7B%22Field%22%3A%22CompanyName%22%2C%22Value%22%3A%22FJ%C3%84LL%22%2C%22Operator%22%3A%22starts_with%22%7D",
        "%7B%22fieldType%22%3A%22String%22%2C%22field%22%3A%22Domain%22%2C%22operator%22%3A%22StartsWith%22%2C%22value%22%3A%22Exem%22%7D",
    ] {
        let found = world.get("ada", &format!("/v1/customers?size=0&filter={filter}")).await.ok(200);
        assert_eq!((&found["totalCount"], &found["items"][0]["id"]), (&json!(1), &json!(CUSTOMER)), "{filter}");
    }
    let none = "%7B%22Field%22%3A%22Colour%22%2C%22Value%22%3A%22x%22%2C%22Operator%22%3A%22starts_with%22%7D";
    world.get("ada", &format!("/v1/customers?filter={none}")).await.is(400, "800002");

    // Forwards and back again, as the enumerators do.
    let first = world.get("ada", "/v1/customers?size=1").await.ok(200);
    assert_eq!(first["totalCount"], 1);
    let token = first["continuationToken"].as_str().unwrap();
    let mut headers = DOTNET.to_vec();
    headers.push(("ms-continuationtoken", token));
    let second = world.send("ada", "GET", "/v1/customers?size=0&seekOperation=Next", &headers, "").await.ok(200);
    assert_eq!(second["items"][0]["companyProfile"]["companyName"], "Skogsbruket AB");
    assert!(second["links"].get("next").is_none());
    let token = second["continuationToken"].as_str().unwrap();
    let mut headers = DOTNET.to_vec();
    headers.push(("ms-continuationtoken", token));
    let back = world.send("ada", "GET", "/v1/customers?seekOperation=Previous", &headers, "").await.ok(200);
    assert_eq!(back["items"], first["items"]);
    let last = world.get("ada", "/v1/customers?size=1&seekOperation=Last").await.ok(200);
    assert_eq!(last["items"], second["items"]);
    world.get("ada", "/v1/customers?seekOperation=Next").await.is(400, "800002");

    // npm: PascalCase blocks, one key of its own.
    let body = json!({
        "enableGDAPByDefault": true,
        "CompanyProfile": {"Domain": "Nykund.onmicrosoft.com"},
        "BillingProfile": {
            "Culture": "EN-US", "Email": "eva@nykund.example", "Language": "En", "CompanyName": "Nykund AB",
            "DefaultAddress": {
                "FirstName": "Eva", "LastName": "Ek", "AddressLine1": "Gatan 1", "City": "Umeå", "State": "AC",
                "PostalCode": "90325", "Country": "SE", "PhoneNumber": null,
            },
        },
    });
    world.send("beata", "POST", "/v1/customers", &DOTNET, &body.to_string()).await.is(403, "900150");
    let made = world.send("integration", "POST", "/v1/customers", &DOTNET, &body.to_string()).await.ok(201);
    assert_eq!(made["userCredentials"]["userName"], "admin");
    assert_eq!(made["relationshipToPartner"], "none");
    let id = made["id"].as_str().unwrap();
    let found = world.get("ada", &format!("/v1/customers/{}%20", id.to_uppercase())).await.ok(200);
    assert_eq!(found["billingProfile"]["companyName"], "Nykund AB");
    assert_eq!(found["billingProfile"]["culture"], "en-SE");
    assert_eq!(found["relationshipToPartner"], "reseller");
    assert!(found.get("userCredentials").is_none());
    world.send("ada", "POST", "/v1/customers", &DOTNET, &body.to_string()).await.is(409, "3000");
    let mut poland = body.clone();
    poland["BillingProfile"]["DefaultAddress"]["Country"] = json!("PL");
    poland["CompanyProfile"]["Domain"] = json!("annan.onmicrosoft.com");
    world.send("ada", "POST", "/v1/customers", &DOTNET, &poland.to_string()).await.is(400, "600049");
    poland["CompanyProfile"]["OrganizationRegistrationNumber"] = json!("?");
    world.send("ada", "POST", "/v1/customers", &DOTNET, &poland.to_string()).await.is(400, "600050");
    poland["CompanyProfile"]["OrganizationRegistrationNumber"] = json!("1234567890");
    world.send("ada", "POST", "/v1/customers", &DOTNET, &poland.to_string()).await.is(400, "600051");
    let records = world.get("ada", &format!("/v1/auditrecords?filter={{%22Field%22:%22CustomerId%22,%22Value%22:%22{id}%22,%22Operator%22:%22equals%22}}")).await.ok(200);
    assert_eq!(records["items"][0]["operationType"], "add_customer");
    assert_eq!(records["items"][0]["customerName"], "Nykund AB");
    world.get("ada", "/v1/customers/x").await.is(400, "900118");
}

#[tokio::test]
async fn subscriptions_are_registered_and_changed() {
    let world = World::new().await;
    let base = format!("/v1/customers/{CUSTOMER}/subscriptions");
    let list = world.get("beata", &base).await.ok(200);
    assert_eq!(list["totalCount"], 1);
    let subscription = &list["items"][0];
    assert_eq!(subscription["id"], PLAN);
    assert_eq!(subscription["billingCycle"], "one_time");
    let status = world.get("ada", &format!("{base}/{PLAN}/registrationstatus")).await.ok(200);
    assert_eq!(status["subscriptionId"], PLAN);
    // .NET posts the literal null, Java a word; both read the header.
    for body in ["null", "\"success\"", ""] {
        let registered = world.send("sven", "POST", &format!("{base}/{PLAN}/registrations"), &DOTNET, body).await;
        assert_eq!((registered.status, registered.bytes.len()), (202, 0));
        let location = registered.headers["location"].to_str().unwrap();
        assert_eq!(location, format!("/customers/{CUSTOMER}/subscriptions/{PLAN}/registrationstatus"));
        assert_eq!(world.get("ada", &format!("/v1{location}")).await.ok(200)["status"], "registered");
    }
    let azure = world.get("ada", &format!("{base}/{PLAN}/AzureEntitlements")).await.ok(200);
    assert_eq!(azure["items"][0]["friendlyName"], "Produktion");
    assert_eq!(azure["items"][0]["subscriptionId"], PLAN);

    let subscription = world.get("ada", &format!("{base}/{}", PLAN.to_uppercase())).await.ok(200);
    let mut changed = subscription.clone();
    changed["friendlyName"] = json!("Drift");
    let address = format!("{base}/{PLAN}");
    let renamed = world.send("ada", "PATCH", &address, &DOTNET, &changed.to_string()).await.ok(200);
    assert_eq!(renamed["friendlyName"], "Drift");
    world.send("ada", "PATCH", &address, &DOTNET, &changed.to_string()).await.is(400, "2055");
    let mut suspended = renamed.clone();
    suspended["status"] = json!("suspended");
    world.send("ada", "PATCH", &address, &DOTNET, &suspended.to_string()).await.is(403, "900115");
    suspended["status"] = json!("sleeping");
    world.send("ada", "PATCH", &address, &DOTNET, &suspended.to_string()).await.is(400, "800002");
    world.get("ada", &format!("{base}/{CUSTOMER}")).await.is(404, "20003");
    world.get("ada", &format!("{base}/x")).await.is(404, "20003");
}

#[tokio::test]
async fn r42_the_customer_agreement_is_confirmed() {
    let world = World::new().await;
    let address = format!("/v1/customers/{CUSTOMER}/agreements");
    let template = world.get("ada", "/v1/agreements?agreementType=MicrosoftCustomerAgreement").await.ok(200);
    let template = template["items"][0]["templateId"].clone();
    let body = json!({
        "PrimaryContact": {"FirstName": "Olle", "LastName": "Ek", "Email": "olle@exempel.example", "PhoneNumber": null},
        "TemplateId": template, "DateAgreed": "2026-06-14T12:00:00.123Z", "Type": "MicrosoftCustomerAgreement",
    });
    world.send("beata", "POST", &address, &DOTNET, &body.to_string()).await.is(403, "900150");
    assert_eq!(world.get("ada", &address).await.ok(200)["totalCount"], 0);
    let confirmed = world.send("sven", "POST", &address, &DOTNET, &body.to_string()).await.ok(201);
    assert_eq!(confirmed["primaryContact"]["firstName"], "Olle");
    world.send("ada", "POST", &address, &DOTNET, &body.to_string()).await.is(409, "600061");
    let listed = world.get("ada", &address).await.ok(200);
    assert_eq!(listed["items"][0], confirmed);
    let mut future = body.clone();
    future["DateAgreed"] = json!("2027-01-01");
    world.send("ada", "POST", &address, &DOTNET, &future.to_string()).await.is(400, "800002");
}

#[tokio::test]
async fn a_partner_sees_its_own_profiles() {
    let world = World::new().await;
    world.get("ada", "/v1/profiles/organization").await.is(403, "900150");
    world.get("integration", "/v1/profiles/organization").await.is(401, "400");
    let legal = world.get("integration", "/v1/profiles/legalbusiness?vettingVersion=Current").await.ok(200);
    assert_eq!((&legal["companyName"], &legal["vettingStatus"]), (&json!("Nordmoln AB"), &json!("authorized")));
    world.get("integration", "/v1/profiles/legalbusiness?vettingVersion=Next").await.is(400, "800002");
    let organization = world.get("gustav", "/v1/profiles/organization").await.ok(200);
    assert_eq!((&organization["tenantId"], &organization["domain"]), (&json!(PARTNER), &json!("nordmoln.example")));
    assert_eq!(world.get("gustav", "/v1/profiles/support").await.ok(200)["profileType"], "SupportProfile");
}

#[tokio::test]
async fn one_request_too_many_is_told_when_to_come_back() {
    let world = World::with(Settings { requests_per_minute: Some(2), ..Settings::default() }).await;
    let mut headers = DOTNET.to_vec();
    headers.push(("ms-requestid", "5d7c0c35-0b5a-4c0e-8a52-6c4a6bb0a0f1"));
    let post = || world.send("ada", "POST", "/v1/SelfServePolicy", &headers, "{}");
    post().await.is(400, "800002");
    post().await.is(400, "800002");
    let refused = post().await;
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    let text = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
    assert_eq!(refused.json(), json!({"statusCode": 429, "message": text}));
    assert_eq!(refused.headers["ms-requestid"], "5d7c0c35-0b5a-4c0e-8a52-6c4a6bb0a0f1");
    // Reads, and each customer's, are counted apart.
    world.get("ada", "/v1/customers").await.ok(200);
    world.get("ada", &format!("/v1/customers/{CUSTOMER}")).await.ok(200);
    world.get("ada", &format!("/v1/customers/{CUSTOMER}")).await.ok(200);
    assert_eq!(world.get("ada", &format!("/v1/customers/{CUSTOMER}")).await.status, 429);
    world.get("ada", "/v1/customers").await.ok(200);
}

#[tokio::test]
async fn unknown_paths_and_verbs_are_told_apart() {
    let world = World::new().await;
    world.get("ada", "/v1/nothing").await.is(404, "1000");
    world.get("ada", "/v1").await.is(404, "1000");
    let wrong = world.send("ada", "DELETE", "/v1/customers", &DOTNET, "").await;
    wrong.is(405, "800042");
    assert!(wrong.headers["allow"].to_str().unwrap().contains("GET"));
    let head = world.send("ada", "HEAD", "/v1/customers", &DOTNET, "").await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    let large = " ".repeat(super::body::BODY_MAX + 1);
    world.send("ada", "POST", "/v1/customers", &DOTNET, &large).await.is(400, "800002");
    world.get("ada", "/v1/customers?filter=%FF").await.is(400, "800002");
}
