//! What a .NET Partner Center client sends, byte for byte: PascalCase bodies with explicit nulls, `entity_Id`, PUT with the
//! id in the path, never an `If-Match`.

use axum::http::Method;
use fullmakt_testkit::{Answer, Audience, FJALLRAVEN, NORDMOLN, Server};
use serde_json::Value;

/// Ada at her script.
struct Client {
    server: Server,
    token: String,
}

impl Client {
    async fn new() -> Self {
        let server = Server::start().await;
        let token = server.ada().token(Audience::PartnerCenter).await;
        Self { server, token }
    }

    /// One request, with the header fields that the client always sends.
    async fn sends(&self, method: Method, path: &str, body: Option<&str>) -> Answer {
        let request = uuid::Uuid::new_v4().to_string();
        let correlation = uuid::Uuid::new_v4().to_string();
        let mut ask = self.server.ask(method, path).bearer(&self.token);
        for (name, value) in [
            ("Accept", "application/json"),
            ("MS-RequestId", &request),
            ("MS-CorrelationId", &correlation),
            ("X-Locale", "en-US"),
            ("MS-PartnerCenter-Client", "Partner Center .NET SDK"),
            ("MS-SdkVersion", "3.1.0.0"),
            ("MS-PartnerCenter-Application", "Partner Center .NET SDK Samples"),
        ] {
            ask = ask.header(name, value);
        }
        if let Some(body) = body {
            ask = ask.header("Content-Type", "application/json").bytes(body.as_bytes().to_vec());
        }
        let answer = ask.send().await;
        assert_eq!(answer.header("ms-requestid"), request, "{answer}");
        assert_eq!(answer.header("ms-correlationid"), correlation, "{answer}");
        if !answer.body.is_empty() {
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{answer}");
            let text = answer.text();
            assert!(text.ends_with(['}', ']']), "bytes after the document: {text}");
            assert_no_nulls(&answer.json());
        }
        answer
    }
}

/// Null for a date, a number or an enum is a parse failure in this client, so nothing is null.
fn assert_no_nulls(value: &Value) {
    match value {
        Value::Null => panic!("a null in an answer"),
        Value::Array(items) => items.iter().for_each(assert_no_nulls),
        Value::Object(fields) => fields.values().for_each(assert_no_nulls),
        _ => {}
    }
}

#[tokio::test]
async fn r04_r05_the_samples_of_the_net_sdk_run_to_their_end() {
    let client = Client::new().await;
    let list = format!("/v1/SelfServePolicy?entity_Id={FJALLRAVEN}");
    let empty = client.sends(Method::GET, &list, None).await.is(200, "").json();
    assert_eq!((empty["totalCount"].as_u64(), empty["items"].as_array().map(Vec::len)), (Some(0), Some(0)));

    let create = format!(
        concat!(
            r#"{{"Id":null,"SelfServeEntity":{{"SelfServeEntityType":"customer","TenantID":"{}"}},"#,
            r#""Grantor":{{"GrantorType":"billToPartner","TenantID":"{}"}},"#,
            r#""Permissions":[{{"Resource":"AzureReservedInstances","Action":"Purchase"}}],"#,
            r#""Attributes":{{"ObjectType":"SelfServePolicy"}}}}"#
        ),
        FJALLRAVEN, NORDMOLN
    );
    let created = client.sends(Method::POST, "/v1/SelfServePolicy", Some(&create)).await.is(201, "").json();
    let id = created["id"].as_str().unwrap().to_owned();
    assert_eq!(id, format!("{NORDMOLN}_{FJALLRAVEN}"));
    assert_eq!(created["selfServeEntity"]["tenantID"], FJALLRAVEN);
    assert_eq!(created["permissions"][0]["resource"], "AzureReservedInstances");
    let etag = created["attributes"]["etag"].as_str().unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "the quotes are part of it: {etag}");
    client.sends(Method::POST, "/v1/SelfServePolicy", Some(&create)).await.is(409, "600041");

    let listed = client.sends(Method::GET, &list, None).await.is(200, "").json();
    assert_eq!(listed["items"][0]["id"], id.as_str());
    assert_eq!(listed["attributes"]["objectType"], "Collection");

    // The sample appends the savings plan and puts the whole resource to its id.
    let put = format!(
        concat!(
            r#"{{"Id":"{}","SelfServeEntity":{{"SelfServeEntityType":"customer","TenantID":"{}"}},"#,
            r#""Grantor":{{"GrantorType":"billToPartner","TenantID":"{}"}},"#,
            r#""Permissions":[{{"Resource":"AzureReservedInstances","Action":"Purchase"}},"#,
            r#"{{"Resource":"AzureSavingsPlan","Action":"Purchase"}}],"#,
            r#""Attributes":{{"Etag":{},"ObjectType":"SelfServePolicy"}}}}"#
        ),
        id,
        FJALLRAVEN,
        NORDMOLN,
        serde_json::to_string(&etag).unwrap()
    );
    let path = format!("/v1/SelfServePolicy/{id}");
    let replaced = client.sends(Method::PUT, &path, Some(&put)).await.is(200, "").json();
    assert_eq!(replaced["permissions"].as_array().unwrap().len(), 2);
    assert_ne!(replaced["attributes"]["etag"], etag.as_str());
    // The etag is stale now, and it stands in the body alone.
    client.sends(Method::PUT, &path, Some(&put)).await.is(400, "2055");

    client.sends(Method::DELETE, &path, None).await.is(204, "");
    client.sends(Method::DELETE, &path, None).await.is(404, "600039");

    // Dates as the invariant culture writes them; the filter with only braces, quotes and blanks escaped.
    let tomorrow = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)).strftime("%m/%d/%Y").to_string();
    let week_ago = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(168)).strftime("%m/%d/%Y").to_string();
    let filter = "%7B%22Field%22:%22ResourceType%22,%22Value%22:%22SelfServePolicy%22,%22Operator%22:%22equals%22%7D";
    let audit =
        format!("/v1/auditrecords?startDate={week_ago}%2000:00:00&endDate={tomorrow}%2000:00:00&filter={filter}");
    let records = client.sends(Method::GET, &audit, None).await.is(200, "").json();
    let operations: Vec<&str> =
        records["items"].as_array().unwrap().iter().map(|record| record["operationType"].as_str().unwrap()).collect();
    let told: Vec<&str> = operations.iter().copied().filter(|name| name.ends_with("_self_serve_policy")).collect();
    assert!(told.starts_with(&["delete_self_serve_policy"]), "newest first: {operations:?}");
    for name in ["create_self_serve_policy", "update_self_serve_policy"] {
        assert!(operations.contains(&name), "{operations:?}");
    }
}

#[tokio::test]
async fn the_net_sdk_finds_customers_subscriptions_orders_and_entitlements() {
    let client = Client::new().await;
    let customers = client.sends(Method::GET, "/v1/customers?size=0", None).await.is(200, "").json();
    assert_eq!(customers["totalCount"], 2);
    let filter =
        "%7B%22Field%22%3A%22CompanyName%22%2C%22Value%22%3A%22fj%C3%A4ll%22%2C%22Operator%22%3A%22starts_with%22%7D";
    let found =
        client.sends(Method::GET, &format!("/v1/customers?size=0&filter={filter}"), None).await.is(200, "").json();
    assert_eq!(found["items"][0]["companyProfile"]["tenantId"], FJALLRAVEN);

    let customer = format!("/v1/customers/{FJALLRAVEN}");
    client.sends(Method::GET, &customer, None).await.is(200, "");
    let subscriptions = client.sends(Method::GET, &format!("{customer}/subscriptions"), None).await.is(200, "").json();
    let subscription = subscriptions["items"][0]["id"].as_str().unwrap();
    // The client posts the literal null here, and reads the address of the status from the header.
    let registrations = format!("{customer}/subscriptions/{subscription}/registrations");
    let registered = client.sends(Method::POST, &registrations, Some("null")).await.is(202, "");
    assert!(registered.header("location").ends_with("/registrationstatus"), "{registered}");
    client.sends(Method::GET, &format!("{customer}/orders?billingType=OneTime"), None).await.is(200, "");
    let entitlements = format!("{customer}/entitlements?entitlementType=reservedinstance&showExpiry=True");
    client.sends(Method::GET, &entitlements, None).await.is(200, "");
}
