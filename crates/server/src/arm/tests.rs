//! The whole edge in process: a store with the tests' world, named people, requests by method and path.

use std::collections::BTreeMap;
use std::sync::Arc;

use fullmakt_domain::actor::PrincipalKind;
use fullmakt_domain::ids::{ClientId, CustomerId, PartnerId, PrincipalId, TenantId};
use fullmakt_domain::self_serve_policy::{GrantSelfServePolicy, PolicyId, RevokeSelfServePolicy, SelfServeResource};
use fullmakt_store::DatabaseUrl;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::clock::Clock;
use crate::signin::Issuer;

const WORLD: &str = include_str!("../../../testkit/worlds/nordmoln.toml");
const NORDMOLN: &str = "11111111-1111-4111-8111-111111111111";
const FJALLRAVEN: &str = "22222222-2222-4222-8222-222222222222";
const PRODUKTION: &str = "/subscriptions/33333333-3333-4333-8333-333333333333";
const PROV: &str = "/subscriptions/33333333-3333-4333-8333-333333333334";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const CAPACITY: &str = "/providers/Microsoft.Capacity";
const ASSIGNMENTS: &str = "providers/Microsoft.Authorization/roleAssignments";

struct Edge {
    store: Store,
    directory: TempDir,
    now: Timestamp,
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answered {
    #[track_caller]
    fn is(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.body["error"]["code"].as_str().unwrap_or_default()),
            (status, code),
            "{}",
            self.body
        );
        self
    }

    #[track_caller]
    fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }
}

/// Somebody of the tests' world, signed in to their own directory.
fn person(tenant: &str, id: &str, name: &str) -> Actor {
    let tenant = TenantId::parse(tenant).unwrap();
    Actor {
        principal: PrincipalId::parse(id).unwrap(),
        kind: PrincipalKind::User,
        name: name.to_owned(),
        home: tenant,
        tenant,
        application: None,
    }
}

/// The same person, signed in to a customer's directory.
fn on_behalf_of(customer: &str, actor: Actor) -> Actor {
    Actor { tenant: TenantId::parse(customer).unwrap(), ..actor }
}

fn olle() -> Actor {
    person(FJALLRAVEN, "22222222-0000-4000-8000-000000000001", "olle@exempel.example")
}

fn karin() -> Actor {
    person(FJALLRAVEN, "22222222-0000-4000-8000-000000000002", "karin@exempel.example")
}

fn rut() -> Actor {
    person(FJALLRAVEN, "22222222-0000-4000-8000-000000000003", "rut@exempel.example")
}

/// Fjällräven's service principal, Reader.
fn pipeline() -> Actor {
    Actor {
        kind: PrincipalKind::Application,
        application: ClientId::parse("22222222-0000-4000-8000-0000000000a1").ok(),
        ..person(FJALLRAVEN, "22222222-0000-4000-8000-0000000000a0", "Pipeline")
    }
}

fn pelle() -> Actor {
    person("55555555-5555-4555-8555-555555555555", "55555555-0000-4000-8000-000000000001", "pelle@skogsbruket.example")
}

fn ada() -> Actor {
    person(NORDMOLN, "11111111-0000-4000-8000-000000000001", "ada@nordmoln.example")
}

fn sven() -> Actor {
    person(NORDMOLN, "11111111-0000-4000-8000-000000000002", "sven@nordmoln.example")
}

fn ture() -> Actor {
    let sydmoln = "44444444-4444-4444-8444-444444444444";
    person(sydmoln, "44444444-0000-4000-8000-000000000001", "ture@sydmoln.example")
}

impl Edge {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::Sqlite(directory.path().join("fullmakt.db"))).await.unwrap();
        store.migrate().await.unwrap();
        let now = "2026-11-01T08:00:00Z".parse().unwrap();
        let world = fullmakt_world::parse(WORLD).unwrap();
        let catalog = Arc::new(fullmakt_world::catalog_csv::built_in().clone());
        store.load_world(world, catalog, BTreeMap::new(), now).await.unwrap();
        Self { store, directory, now }
    }

    fn stamp(&self) -> Stamp {
        Stamp::new(&HeaderMap::new(), Uuid::from_u128(7), self.now)
    }

    async fn ask(&self, actor: &Actor, method: Method, path: &str, body: Option<&Value>) -> Answered {
        let route = routes::find(&method, path.split('?').next().unwrap_or_default());
        let version = route.ok().and_then(|f| f.route.provider.versions().last().copied()).unwrap_or_default();
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut request =
            http::Request::builder().method(method.clone()).uri(format!("{path}{joint}api-version={version}"));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let stamp = self.stamp();
        let answered = match routes::find(&method, parts.uri.path()) {
            Ok(found) => {
                let body = body.map(|b| Bytes::from(b.to_string())).unwrap_or_default();
                let incoming =
                    Incoming { base: "https://localhost:8443", stamp: &stamp, parts: &parts, found: &found, body };
                respond(&self.store, actor, &incoming).await
            }
            Err(error) => Err(error),
        };
        let response = answered.map_or_else(IntoResponse::into_response, IntoResponse::into_response);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answered { status, headers, body }
    }

    async fn get(&self, actor: &Actor, path: &str) -> Answered {
        self.ask(actor, Method::GET, path, None).await
    }

    async fn put(&self, actor: &Actor, path: &str, body: &Value) -> Answered {
        self.ask(actor, Method::PUT, path, Some(body)).await
    }

    async fn post(&self, actor: &Actor, path: &str, body: &Value) -> Answered {
        self.ask(actor, Method::POST, path, Some(body)).await
    }

    /// Turns the permission on.
    async fn permit(&self) {
        let command = GrantSelfServePolicy {
            customer: CustomerId::parse(FJALLRAVEN).unwrap(),
            grantor: PartnerId::parse(NORDMOLN).unwrap(),
            resources: vec![SelfServeResource::AzureReservedInstances],
            etag: Uuid::from_u128(1),
        };
        self.store.execute(&ada(), &command, &self.stamp().context()).await.unwrap();
    }

    async fn forbid(&self) {
        let (customer, grantor) = (CustomerId::parse(FJALLRAVEN).unwrap(), PartnerId::parse(NORDMOLN).unwrap());
        let command = RevokeSelfServePolicy { id: PolicyId { grantor, customer } };
        self.store.execute(&ada(), &command, &self.stamp().context()).await.unwrap();
    }

    /// Asks for a price and gives the path of the order to buy on it.
    async fn quote(&self, actor: &Actor) -> String {
        let priced = self.post(actor, &format!("{CAPACITY}/calculatePrice"), &wanted()).await.ok();
        format!("{CAPACITY}/reservationOrders/{}", priced["properties"]["reservationOrderId"].as_str().unwrap())
    }

    /// Quotes and buys, and gives the paths of the order and its reservation.
    async fn buy(&self, actor: &Actor) -> (String, String) {
        let order = self.quote(actor).await;
        let bought = self.put(actor, &order, &wanted()).await.ok();
        (order, bought["properties"]["reservations"][0]["id"].as_str().unwrap().to_owned())
    }
}

fn wanted() -> Value {
    json!({"sku": {"name": "standard_b1ls"}, "location": "westeurope", "properties": {
        "appliedScopeType": "Shared", "billingPlan": "Monthly", "billingScopeId": PRODUKTION, "displayName": "clitest2",
        "quantity": 2, "renew": false, "reservedResourceType": "VirtualMachines", "term": "P1Y"}})
}

#[tokio::test]
async fn r45_lists_of_subscriptions_and_tenants_hold_what_is_the_callers() {
    let edge = Edge::new().await;
    for (actor, expected) in [
        (olle(), vec!["Produktion"]),
        (rut(), vec![]),
        (pelle(), vec!["Skogen"]),
        (on_behalf_of(FJALLRAVEN, ada()), vec!["Produktion", "Prov"]),
        (on_behalf_of(FJALLRAVEN, sven()), vec![]),
        (ada(), vec![]),
    ] {
        let list = edge.get(&actor, "/subscriptions").await.ok();
        let names: Vec<&str> =
            list["value"].as_array().unwrap().iter().map(|s| s["displayName"].as_str().unwrap()).collect();
        assert_eq!(names.len(), expected.len(), "{}: {names:?}", actor.name);
        if actor.principal != pelle().principal {
            assert_eq!(names, expected, "{}", actor.name);
        }
        assert_eq!(list["count"], json!({"type": "Total", "value": names.len()}));
    }
    let one = edge.get(&olle(), PRODUKTION).await.ok();
    assert_eq!((one["tenantId"].as_str(), one["state"].as_str()), (Some(FJALLRAVEN), Some("Enabled")));
    edge.get(&rut(), PRODUKTION).await.is(403, "AuthorizationFailed");
    edge.get(&pelle(), PRODUKTION).await.is(404, "SubscriptionNotFound");
    edge.get(&ture(), PRODUKTION).await.is(404, "SubscriptionNotFound");
    edge.get(&on_behalf_of(FJALLRAVEN, ture()), PRODUKTION).await.is(404, "SubscriptionNotFound");
    edge.get(&olle(), "/subscriptions/nonsense").await.is(404, "SubscriptionNotFound");
    assert_eq!(edge.get(&olle(), "/tenants").await.ok()["value"].as_array().unwrap().len(), 1);
    let served = edge.get(&ada(), "/tenants").await.ok();
    let categories: Vec<&str> =
        served["value"].as_array().unwrap().iter().map(|t| t["tenantCategory"].as_str().unwrap()).collect();
    assert_eq!(categories.first(), Some(&"Home"));
    assert!(categories.len() > 1 && categories[1..].iter().all(|c| *c == "ManagedBy"));
    for path in ["locations", "providers", "providers/Microsoft.Capacity", "resourcegroups"] {
        assert!(edge.get(&olle(), &format!("{PRODUKTION}/{path}")).await.ok().is_object());
        edge.get(&pelle(), &format!("{PRODUKTION}/{path}")).await.is(404, "SubscriptionNotFound");
    }
    let registered =
        edge.ask(&olle(), Method::POST, &format!("{PRODUKTION}/providers/Microsoft.Capacity/register"), None).await;
    assert_eq!(registered.ok()["registrationState"], "Registered");
    let register = format!("{PRODUKTION}/providers/Microsoft.Capacity/register");
    edge.ask(&pipeline(), Method::POST, &register, None).await.is(403, "AuthorizationFailed");
    let graph = json!({"ids": [olle().principal.to_string(), pelle().principal.to_string()], "types": ["user"]});
    let found = edge.post(&rut(), "/v1.0/directoryObjects/getByIds", &graph).await.ok();
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn roles_are_given_seen_and_taken_away_by_scope_and_by_id() {
    let edge = Edge::new().await;
    let id = "7a000000-0000-4000-8000-000000000001";
    let path = format!("{PRODUKTION}/{ASSIGNMENTS}/{id}");
    let body = |role: &str, principal: &Actor| {
        json!({"properties": {"principalId": principal.principal.to_string(), "principalType": "User",
            "roleDefinitionId": format!("{PRODUKTION}/providers/Microsoft.Authorization/roleDefinitions/{role}")}})
    };
    edge.put(&karin(), &path, &body(OWNER, &rut())).await.is(403, "AuthorizationFailed");
    edge.put(&pelle(), &path, &body(OWNER, &rut())).await.is(404, "SubscriptionNotFound");
    let made = edge.put(&olle(), &path, &body(READER, &rut())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.ok();
    assert_eq!(made["properties"]["scope"], PRODUKTION);
    assert!(made["properties"]["roleDefinitionId"].as_str().unwrap().ends_with(READER));
    assert_eq!(edge.put(&olle(), &path, &body(READER, &rut())).await.status, 200);
    edge.put(&olle(), &path, &body(OWNER, &rut())).await.is(400, "RoleAssignmentUpdateNotPermitted");
    let other = format!("{PRODUKTION}/{ASSIGNMENTS}/7a000000-0000-4000-8000-000000000002");
    edge.put(&olle(), &other, &body(READER, &rut())).await.is(409, "RoleAssignmentExists");
    edge.put(&olle(), &other, &body(READER, &pelle())).await.is(400, "PrincipalNotFound");
    edge.put(&olle(), &other, &body(id, &rut())).await.is(404, "RoleDefinitionDoesNotExist");
    edge.put(&olle(), &format!("{PRODUKTION}/{ASSIGNMENTS}/x"), &body(READER, &rut()))
        .await
        .is(400, "InvalidRoleAssignmentId");
    edge.put(&olle(), &other, &json!({"properties": {}})).await.is(400, "InvalidRequestContent");

    // A double slash at the start, as one client sends it, and the reader reads.
    let listed = edge.get(&rut(), &format!("/{PRODUKTION}/{ASSIGNMENTS}?$filter=atScope()")).await.ok();
    let principals = |list: &Value| -> Vec<String> {
        let items = list["value"].as_array().unwrap().iter();
        items.map(|a| a["properties"]["principalType"].as_str().unwrap().to_owned()).collect()
    };
    assert!(principals(&listed).contains(&"ForeignGroup".to_owned()), "{listed}");
    let own = format!("{PRODUKTION}/{ASSIGNMENTS}?$filter=principalId%20eq%20'{}'", rut().principal);
    assert_eq!(edge.get(&olle(), &own).await.ok()["value"].as_array().unwrap().len(), 1);
    let agent = format!("{PRODUKTION}/{ASSIGNMENTS}?$filter=assignedTo('{}')", ada().principal);
    assert_eq!(principals(&edge.get(&olle(), &agent).await.ok()), ["ForeignGroup"]);
    edge.get(&olle(), &format!("{PRODUKTION}/{ASSIGNMENTS}?$filter=nonsense")).await.is(400, "BadRequest");
    assert_eq!(edge.get(&rut(), &path).await.ok()["name"], id);
    edge.get(&rut(), &other).await.is(404, "RoleAssignmentNotFound");
    let mine = edge.get(&rut(), &format!("{PRODUKTION}/providers/Microsoft.Authorization/permissions")).await.ok();
    assert_eq!(mine["value"][0]["actions"], json!(["*/read"]));
    assert_eq!(
        edge.get(&rut(), &format!("{PRODUKTION}/providers/Microsoft.Authorization/denyAssignments")).await.ok(),
        json!({"value": []})
    );

    // AOBO: the agents act as Owner until the customer takes that away.
    let ada = on_behalf_of(FJALLRAVEN, ada());
    assert_eq!(edge.ask(&ada, Method::DELETE, &path, None).await.ok()["name"], id);
    assert_eq!(edge.ask(&ada, Method::DELETE, &path, None).await.status, 204);
    let group = edge.get(&olle(), &agent).await.ok()["value"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(edge.ask(&olle(), Method::DELETE, &group, None).await.status, 200);
    edge.ask(&ada, Method::DELETE, &path, None).await.is(403, "AuthorizationFailed");
}

#[tokio::test]
async fn role_definitions_are_found_by_name_and_custom_ones_live_and_die() {
    let edge = Edge::new().await;
    let definitions = format!("{PRODUKTION}/providers/Microsoft.Authorization/roleDefinitions");
    let owner = edge.get(&olle(), &format!("{definitions}?$filter=roleName%20eq%20'owner'")).await.ok();
    assert_eq!(owner["value"].as_array().unwrap().len(), 1);
    assert_eq!(owner["value"][0]["name"], OWNER);
    let root = format!("/providers/Microsoft.Authorization/roleDefinitions/{OWNER}");
    assert_eq!(edge.get(&rut(), &root).await.ok()["properties"]["roleName"], "Owner");
    edge.get(&rut(), &definitions).await.is(403, "AuthorizationFailed");
    let path = format!("{definitions}/7b000000-0000-4000-8000-000000000001");
    let body = json!({"properties": {"roleName": "Looker", "type": "CustomRole", "description": "Looks",
        "permissions": [{"actions": ["*/read"], "notActions": []}], "assignableScopes": [PRODUKTION]}});
    edge.put(&karin(), &path, &body).await.is(403, "AuthorizationFailed");
    assert_eq!(edge.put(&olle(), &path, &body).await.status, 201);
    let custom = edge.get(&karin(), &format!("{definitions}?$filter=type+eq+'CustomRole'")).await.ok();
    assert_eq!(custom["value"].as_array().unwrap().len(), 1);
    let foreign = json!({"properties": {"roleName": "Other", "permissions": [{"actions": ["*"]}],
        "assignableScopes": ["/subscriptions/55555555-0000-4000-8000-0000000000e1"]}});
    edge.put(&olle(), &path, &foreign).await.is(404, "SubscriptionNotFound");
    assert_eq!(edge.ask(&olle(), Method::DELETE, &path, None).await.status, 200);
    assert_eq!(edge.ask(&olle(), Method::DELETE, &path, None).await.status, 204);
    edge.get(&olle(), &path).await.is(404, "RoleDefinitionDoesNotExist");
    edge.ask(&olle(), Method::DELETE, &format!("{definitions}/{OWNER}"), None)
        .await
        .is(400, "RoleDefinitionUpdateNotPermitted");
}

#[tokio::test]
async fn r11_r12_all_that_is_missing_is_said_at_once() {
    let edge = Edge::new().await;
    let order = edge.quote(&karin()).await;
    let refused = edge.put(&karin(), &order, &wanted()).await.is(403, "AuthorizationFailed");
    let id = karin().principal;
    assert!(refused.message().starts_with(&format!(
        "The client 'karin@exempel.example' with object id '{id}' does not have authorization to perform action \
         'Microsoft.Capacity/reservationOrders/write' over scope '{order}'"
    )));
    let codes: Vec<&str> =
        refused.body["error"]["details"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["Forbidden", "AuthorizationFailed"]);
    assert!(refused.body["error"]["details"][1]["message"].as_str().unwrap().contains("assign you the role Owner"));
    assert!(!refused.headers.contains_key("retry-after"));

    let refused = edge.put(&olle(), &order, &wanted()).await.is(403, "Forbidden");
    assert_eq!(
        refused.body["error"]["additionalInfo"],
        json!([{"type": "CustomerPermission", "info":
            {"permission": "AzureReservedInstances/Purchase", "state": "Disabled"}}])
    );
    assert!(refused.message().contains("Nordmoln AB"), "{}", refused.message());

    edge.permit().await;
    edge.put(&pipeline(), &order, &wanted()).await.is(403, "AuthorizationFailed");
    edge.put(&rut(), &order, &wanted()).await.is(403, "AuthorizationFailed");
    edge.put(&pelle(), &order, &wanted()).await.is(404, "SubscriptionNotFound");
    edge.put(&on_behalf_of(FJALLRAVEN, sven()), &order, &wanted()).await.is(403, "AuthorizationFailed");
    edge.put(&ture(), &order, &wanted()).await.is(404, "SubscriptionNotFound");
    edge.post(&rut(), &format!("{CAPACITY}/calculatePrice"), &wanted()).await.is(403, "AuthorizationFailed");
    assert_eq!(edge.put(&olle(), &order, &wanted()).await.status, 202);
}

#[tokio::test]
async fn r13_a_quote_is_bought_once_and_shows_as_recorded() {
    let edge = Edge::new().await;
    edge.permit().await;
    let priced = edge.post(&olle(), &format!("{CAPACITY}/calculatePrice"), &wanted()).await.ok();
    let properties = &priced["properties"];
    assert_eq!(properties["skuTitle"], "Reserved VM Instance, Standard_B1ls, EU West, 1 Year");
    assert_eq!(properties["paymentSchedule"].as_array().unwrap().len(), 12);
    let order = format!("{CAPACITY}/reservationOrders/{}", properties["reservationOrderId"].as_str().unwrap());
    let bought = edge.put(&olle(), &order, &wanted()).await;
    assert_eq!(bought.status, 202);
    let location = format!("https://localhost:8443{order}?api-version=2022-11-01");
    assert_eq!(bought.headers["location"], location);
    assert_eq!(bought.headers["retry-after"], "1");
    let again = edge.post(&olle(), &format!("{order}/purchase"), &wanted()).await;
    assert_eq!((again.status, &again.body), (202, &bought.body));
    let mut other = wanted();
    other["properties"]["quantity"] = json!(3);
    edge.put(&olle(), &order, &other).await.is(409, "ReservationOrderIdAlreadyExists");
    let unknown = format!("{CAPACITY}/reservationOrders/44444444-0000-4000-8000-000000000009");
    let refused = edge.put(&olle(), &unknown, &wanted()).await.is(400, "BadRequest");
    assert!(refused.message().starts_with("Session timed out - Call CalculatePrice again"));
    edge.put(&olle(), &format!("{CAPACITY}/reservationOrders/x"), &wanted()).await.is(400, "InvalidReservationOrderId");

    let shown = edge.get(&olle(), &order.to_ascii_lowercase()).await.ok();
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert_eq!(shown["properties"]["expiryDate"], "2027-11-01");
    let planned = edge.get(&olle(), &format!("{order}?$expand=schedule")).await.ok();
    assert_eq!(planned["properties"]["planInformation"]["nextPaymentDueDate"], "2026-12-01");
    assert_eq!(planned["properties"]["planInformation"]["transactions"][0]["status"], "Succeeded");
    let reservation = bought.body["properties"]["reservations"][0]["id"].as_str().unwrap();
    let one = edge.get(&olle(), reservation).await.ok();
    assert_eq!(one["sku"]["name"], "Standard_B1ls");
    assert_eq!(one["properties"]["billingScopeId"], PRODUKTION);
    let under = edge.get(&olle(), &format!("{order}/reservations")).await.ok();
    assert_eq!(under["value"].as_array().unwrap(), &[one]);
    let applied = format!("{PRODUKTION}/providers/Microsoft.Capacity/appliedReservations");
    let ids = edge.get(&olle(), &applied).await.ok()["properties"]["reservationOrderIds"]["value"].clone();
    assert_eq!(ids.as_array().unwrap().len(), 1);
    // R45: whoever has no role on it, and whoever is of another tenant.
    edge.get(&karin(), &order).await.is(403, "AuthorizationFailed");
    for stranger in [pelle(), ture(), on_behalf_of(FJALLRAVEN, ture())] {
        edge.get(&stranger, &order).await.is(404, "ReservationOrderNotFound");
        let listed = edge.get(&stranger, &format!("{CAPACITY}/reservationOrders")).await;
        assert!(listed.status == 404 || listed.ok()["value"].as_array().unwrap().is_empty());
    }
    assert_eq!(edge.get(&ada(), &order).await.status, 200);
}

#[tokio::test]
async fn all_reservations_are_filtered_sorted_counted_and_paged() {
    let edge = Edge::new().await;
    edge.permit().await;
    for _ in 0..3 {
        edge.buy(&olle()).await;
    }
    let all = format!("{CAPACITY}/reservations");
    let count = |body: &Value| body["value"].as_array().unwrap().len();
    let first = edge.get(&olle(), &format!("{all}?take=2&refreshSummary=true")).await.ok();
    assert_eq!((count(&first), &first["summary"]["succeededCount"]), (2, &json!(3)));
    let next = first["nextLink"].as_str().unwrap().strip_prefix("https://localhost:8443").unwrap();
    let second = edge.get(&olle(), &next.replace("api-version=2022-11-01&", "")).await.ok();
    assert_eq!((count(&second), &second["nextLink"]), (1, &Value::Null));
    for (query, expected) in [
        ("$filter=properties%2FreservedResourceType+eq+'VirtualMachines'+AND+properties/quantity+ge+2", 3),
        ("$filter=properties/expiryDate+gt+2030-01-01", 0),
        ("selectedState=Expired", 0),
        ("selectedState=succeeded&$orderby=properties/quantity+desc", 3),
    ] {
        assert_eq!(count(&edge.get(&olle(), &format!("{all}?{query}")).await.ok()), expected, "{query}");
    }
    edge.get(&olle(), &format!("{all}?$filter=properties/price+eq+1")).await.is(400, "BadRequest");
    edge.get(&olle(), &format!("{all}?$orderby=price")).await.is(400, "BadRequest");
    edge.get(&olle(), &format!("{all}?$skiptoken=abc")).await.is(400, "InvalidRequestUri");
    edge.get(&olle(), &format!("{all}?selectedState=Happy")).await.is(400, "InvalidRequestUri");
    assert_eq!(count(&edge.get(&ada(), &all).await.ok()), 3);
    assert_eq!(count(&edge.get(&sven(), &all).await.ok()), 0);
    assert_eq!(count(&edge.get(&rut(), &all).await.ok()), 0);
    assert_eq!(count(&edge.get(&pelle(), &all).await.ok()), 0);
}

#[tokio::test]
async fn r20_r22_a_customer_renames_and_is_told_whom_to_ask_for_the_rest() {
    let edge = Edge::new().await;
    edge.permit().await;
    let (order, reservation) = edge.buy(&olle()).await;
    let patch = |actor: Actor, properties: Value| {
        let (edge, reservation) = (&edge, &reservation);
        async move { edge.ask(&actor, Method::PATCH, reservation, Some(&json!({"properties": properties}))).await }
    };
    let renamed = patch(olle(), json!({"name": "NewRIName", "renew": false, "appliedScopeType": "Shared"})).await.ok();
    assert_eq!((&renamed["properties"]["displayName"], &renamed["etag"]), (&json!("NewRIName"), &json!(3)));
    patch(olle(), json!({"name": "NewRIName", "renew": false})).await.is(400, "PatchValuesSameAsExisting");
    patch(olle(), json!({"appliedScopeType": "Shared", "renew": false})).await.is(400, "AppliedScopesSameAsExisting");
    patch(olle(), json!({"instanceFlexibility": "Off"})).await.ok();
    for change in [
        json!({"renew": true}),
        json!({"renew": false, "renewProperties": {"purchaseProperties": wanted()}}),
        json!({"appliedScopeType": "Single", "appliedScopes": [PROV]}),
    ] {
        let refused = patch(olle(), change.clone()).await.is(403, "AuthorizationFailed");
        assert!(
            refused.message().contains("Nordmoln AB") && refused.message().contains("hjalp@nordmoln.example"),
            "{change}"
        );
    }
    patch(karin(), json!({"name": "x"})).await.is(403, "AuthorizationFailed");
    patch(pelle(), json!({"name": "x"})).await.is(404, "ReservationOrderNotFound");
    patch(olle(), json!({"name": "två ord"})).await.is(400, "InvalidRequestContent");
    let moved = patch(ada(), json!({"appliedScopeType": "Single", "appliedScopes": [PROV]})).await.ok();
    assert_eq!(moved["properties"]["appliedScopeProperties"]["subscriptionId"], PROV);
    let elsewhere = "/subscriptions/55555555-0000-4000-8000-0000000000e1";
    patch(ada(), json!({"appliedScopeType": "Single", "appliedScopes": [elsewhere]}))
        .await
        .is(400, "AppliedScopesNotAssociatedWithCommerceAccount");

    let one = json!({"reservationId": reservation, "quantity": 1});
    let refund = json!({"properties": {"scope": "Reservation", "reservationToReturn": one,
        "sessionId": "99999999-0000-4000-8000-000000000009"}});
    let exchange = json!({"properties": {"reservationsToExchange": [one], "reservationsToPurchase": [wanted()],
        "sessionId": "99999999-0000-4000-8000-000000000009"}});
    for (path, body) in [
        (format!("{order}/calculateRefund"), &refund),
        (format!("{order}/return"), &refund),
        (format!("{order}/changeDirectory"), &refund),
        (format!("{CAPACITY}/calculateExchange"), &exchange),
        (format!("{CAPACITY}/exchange"), &exchange),
    ] {
        // However little the request says.
        for body in [body, &json!({"properties": {}}), &json!({})] {
            let refused = edge.post(&olle(), &path, body).await.is(403, "AuthorizationFailed");
            let told = refused.message();
            assert!(told.contains("ask Nordmoln AB (hjalp@nordmoln.example"), "{path}: {told}");
            assert_eq!(refused.body["error"]["additionalInfo"][0]["type"], "PartnerContact");
        }
        if path.starts_with(&order) {
            edge.post(&pelle(), &path, body).await.is(404, "ReservationOrderNotFound");
        }
    }
    edge.post(&ada(), &format!("{order}/changeDirectory"), &refund).await.is(400, "OperationNotSupported");
    edge.post(&ada(), &format!("{order}/calculateRefund"), &json!({})).await.is(400, "InvalidRequestContent");
    edge.post(&ada(), &format!("{CAPACITY}/exchange"), &exchange).await.is(400, "BadRequest");
    edge.post(&on_behalf_of(FJALLRAVEN, sven()), &format!("{order}/return"), &refund)
        .await
        .is(403, "LinkedAuthorizationFailed");
    // R20: nor does a role of one's own making help.
    let role = "99999999-0000-4000-8000-00000000000a";
    let all = json!({"properties": {"roleName": "Allt", "permissions": [{"actions": ["*"]}],
        "assignableScopes": [PRODUKTION]}});
    edge.put(&olle(), &format!("{PRODUKTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"), &all)
        .await
        .ok();
    let given = json!({"properties": {
        "roleDefinitionId": format!("{PRODUKTION}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"),
        "principalId": karin().principal.to_string(), "principalType": "User"}});
    edge.put(&olle(), &format!("{order}/{ASSIGNMENTS}/99999999-0000-4000-8000-00000000000b"), &given).await.ok();
    edge.post(&karin(), &format!("{order}/return"), &refund).await.is(403, "AuthorizationFailed");
    // R06: turning it off leaves what is there.
    edge.forbid().await;
    assert_eq!(edge.get(&olle(), &order).await.status, 200);
}

#[tokio::test]
async fn r22_the_owner_splits_merges_and_sees_what_has_been() {
    let edge = Edge::new().await;
    edge.permit().await;
    let (order, reservation) = edge.buy(&olle()).await;
    let split = json!({"properties": {"quantities": [1, 1], "reservationId": reservation}});
    edge.post(&karin(), &format!("{order}/split"), &split).await.is(403, "AuthorizationFailed");
    edge.post(&pelle(), &format!("{order}/split"), &split).await.is(404, "ReservationOrderNotFound");
    // R20: neither scope nor renewal changes on the way.
    for besides in [json!({"appliedScopeType": "Single", "appliedScopes": [PROV]}), json!({"renew": true})] {
        let mut disguised = split.clone();
        for (name, value) in besides.as_object().unwrap() {
            disguised["properties"][name] = value.clone();
        }
        let refused = edge.post(&olle(), &format!("{order}/split"), &disguised).await.is(403, "AuthorizationFailed");
        assert!(refused.message().contains("ask Nordmoln AB (hjalp@nordmoln.example"), "{}", refused.message());
        edge.post(&ada(), &format!("{order}/split"), &disguised).await.is(400, "InvalidRequestContent");
    }
    let answered = edge.post(&olle(), &format!("{order}/split"), &split).await;
    let location = answered.headers["location"].to_str().unwrap().to_owned();
    let done = answered.ok();
    let states = |items: &Value| -> Vec<String> {
        let items = items.as_array().unwrap().iter();
        items.map(|i| format!("{} {}", i["properties"]["quantity"], i["properties"]["provisioningState"])).collect()
    };
    assert_eq!(states(&done), ["1 \"Succeeded\"", "1 \"Succeeded\"", "2 \"Cancelled\""]);
    assert_eq!(done[2]["properties"]["extendedStatusInfo"]["statusCode"], "Split");
    assert_eq!(done[0]["type"], "Microsoft.Capacity/reservationOrders/reservations/revisions");
    let path = location.strip_prefix("https://localhost:8443").unwrap().split('?').next().unwrap();
    let again = edge.get(&olle(), path).await.ok();
    assert_eq!(states(&again), states(&done));
    let destinations = again[2]["properties"]["splitProperties"]["splitDestinations"].as_array().unwrap();
    assert!(destinations.iter().all(|d| d.as_str().unwrap().starts_with(CAPACITY)), "{destinations:?}");
    edge.get(&pelle(), path).await.is(404, "ReservationOrderNotFound");
    edge.post(&olle(), &format!("{order}/split"), &split).await.is(400, "OperationCannotBePerformedInCurrentState");

    let listed = edge.get(&olle(), &format!("{order}/reservations")).await.ok();
    let ids: Vec<&str> = listed["value"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3);
    let parts: Vec<&Value> =
        listed["value"].as_array().unwrap().iter().filter(|r| r["properties"]["quantity"] == 1).collect();
    // Their paths, as lists give them, and bare identifiers will do.
    let merge = json!({"properties": {"sources": [parts[0]["id"], parts[1]["name"]]}});
    let merged = edge.post(&olle(), &format!("{order}/merge"), &merge).await.ok();
    assert_eq!(states(&merged), ["2 \"Succeeded\"", "1 \"Cancelled\"", "1 \"Cancelled\""]);
    assert_eq!(merged[1]["properties"]["extendedStatusInfo"]["statusCode"], "Merged");

    let hidden = format!("{reservation}/archive");
    assert_eq!(edge.ask(&olle(), Method::POST, &hidden, None).await.status, 200);
    assert_eq!(edge.get(&olle(), &reservation).await.ok()["properties"]["archived"], true);
    assert_eq!(edge.ask(&olle(), Method::POST, &format!("{reservation}/unarchive"), None).await.status, 200);
    let live = merged[0]["id"].as_str().unwrap().split("/revisions").next().unwrap().to_owned();
    let early = edge.ask(&olle(), Method::POST, &format!("{live}/archive"), None).await;
    early.is(400, "OperationCannotBePerformedInCurrentState");

    let revisions = edge.get(&olle(), &format!("{reservation}/revisions")).await.ok();
    let revisions = revisions["value"].as_array().unwrap();
    let names: Vec<&str> = revisions.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["5", "4", "3", "2", "1"]);
    assert_eq!(revisions[3]["properties"]["extendedStatusInfo"]["statusCode"], "Pending");
    assert_eq!(revisions[0]["systemData"]["lastModifiedBy"], "olle@exempel.example");
    edge.get(&karin(), &format!("{reservation}/revisions")).await.is(403, "AuthorizationFailed");

    let asked = json!({"properties": {"scopes": [PRODUKTION, PROV, "/subscriptions/55555555-0000-4000-8000-0000000000e1", "?"]}});
    let scopes = edge.post(&olle(), &format!("{live}/availableScopes"), &asked).await.ok();
    let valid: Vec<bool> =
        scopes["properties"]["scopes"].as_array().unwrap().iter().map(|s| s["valid"].as_bool().unwrap()).collect();
    assert_eq!(valid, [true, true, false, false]);
}

#[tokio::test]
async fn r21_r23_the_partner_returns_on_a_quote_once() {
    let mut edge = Edge::new().await;
    edge.permit().await;
    let (order, reservation) = edge.buy(&olle()).await;
    let paid = edge.get(&olle(), &format!("{order}?$expand=schedule")).await.ok();
    let first = paid["properties"]["planInformation"]["transactions"][0]["billingCurrencyTotal"]["amount"].clone();
    let body = |quantity: i64| {
        json!({"id": order, "properties": {"scope": "Reservation",
            "reservationToReturn": {"reservationId": reservation, "quantity": quantity}}})
    };
    let ask = format!("{order}/calculateRefund");
    edge.post(&ada(), &ask, &body(3)).await.is(400, "InvalidRefundQuantity");
    let quote = edge.post(&ada(), &ask, &body(1)).await.ok();
    let properties = &quote["properties"];
    let amount = |value: &Value| value["amount"].as_f64().unwrap();
    let information = &properties["billingInformation"];
    assert_eq!(amount(&properties["billingRefundAmount"]) * 2.0, first.as_f64().unwrap());
    assert_eq!(amount(&information["billingCurrencyTotalPaidAmount"]), first.as_f64().unwrap());
    assert_eq!((&information["completedTransactions"], &information["totalTransactions"]), (&json!(1), &json!(12)));
    let policy = &properties["policyResult"]["properties"];
    assert_eq!((&policy["policyErrors"], amount(&policy["maxRefundLimit"])), (&json!([]), 50_000.0));
    let mut wrong = body(2);
    wrong["properties"]["sessionId"] = properties["sessionId"].clone();
    edge.post(&ada(), &format!("{order}/return"), &wrong).await.is(400, "BadRequest");
    let mut paid = body(1);
    paid["properties"]["sessionId"] = properties["sessionId"].clone();
    paid["properties"]["returnReason"] = json!("too many");
    let refused = edge.post(&olle(), &format!("{order}/return"), &paid).await.is(403, "AuthorizationFailed");
    assert!(refused.message().contains("ask Nordmoln AB"), "{}", refused.message());
    let done = edge.post(&ada(), &format!("{order}/return"), &paid).await;
    assert_eq!(done.status, 202);
    assert!(done.headers["location"].to_str().unwrap().contains(&order));
    assert_eq!(done.ok()["properties"]["billingRefundAmount"], properties["billingRefundAmount"]);
    edge.post(&ada(), &format!("{order}/return"), &paid).await.is(400, "OperationCannotBePerformedInCurrentState");

    let inside = edge.get(&ada(), &format!("{order}/reservations")).await.ok();
    let live: Vec<&Value> = inside["value"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["properties"]["provisioningState"] == "Succeeded")
        .collect();
    assert_eq!((live.len(), &live[0]["properties"]["quantity"]), (1, &json!(1)));
    // The rest lapses if one waits too long.
    let rest = json!({"properties": {"reservationToReturn": {"reservationId": live[0]["id"], "quantity": 1}}});
    let quote = edge.post(&ada(), &ask, &rest).await.ok();
    let mut paid = rest.clone();
    paid["properties"]["sessionId"] = quote["properties"]["sessionId"].clone();
    edge.now = "2026-11-01T08:30:00Z".parse().unwrap();
    edge.post(&ada(), &format!("{order}/return"), &paid).await.is(400, "BadRequest");
    let quote = edge.post(&ada(), &ask, &rest).await.ok();
    paid["properties"]["sessionId"] = quote["properties"]["sessionId"].clone();
    edge.post(&ada(), &format!("{order}/return"), &paid).await.ok();
    let over = edge.get(&olle(), &format!("{order}?$expand=schedule")).await.ok();
    assert_eq!(over["properties"]["provisioningState"], "Cancelled");
    assert_eq!(over["properties"]["planInformation"]["transactions"][1]["status"], "Cancelled");
}

#[tokio::test]
async fn r21_r23_the_partner_exchanges_for_at_least_as_much() {
    let edge = Edge::new().await;
    edge.permit().await;
    let (order, reservation) = edge.buy(&olle()).await;
    let larger = |quantity: i64| {
        let mut purchase = wanted();
        purchase["properties"]["quantity"] = json!(quantity);
        purchase["properties"]["displayName"] = json!("bytt");
        json!({"properties": {
            "reservationsToExchange": [{"reservationId": reservation, "quantity": 2}],
            "reservationsToPurchase": [purchase],
        }})
    };
    let calculate = format!("{CAPACITY}/calculateExchange");
    let exchange = format!("{CAPACITY}/exchange");
    let quoted = |quantity: i64| {
        let (edge, calculate, body) = (&edge, &calculate, larger(quantity));
        async move {
            let asked = edge.post(&ada(), calculate, &body).await;
            assert_eq!((asked.status, asked.headers.contains_key("azure-asyncoperation")), (202, true));
            let path = asked.ok()["id"].as_str().unwrap().to_owned();
            edge.get(&olle(), &path).await.is(404, "ResourceNotFound");
            edge.get(&ada(), &path).await.ok()
        }
    };
    let small = quoted(1).await;
    let problems = &small["properties"]["policyResult"]["policyErrors"];
    assert_eq!(problems[0]["code"], "ExchangePurchaseTooSmall");
    let session = |quote: &Value| json!({"properties": {"sessionId": quote["properties"]["sessionId"]}});
    edge.post(&ada(), &exchange, &session(&small)).await.is(400, "ExchangePurchaseTooSmall");

    let enough = quoted(3).await;
    let properties = &enough["properties"];
    assert_eq!(properties["policyResult"]["policyErrors"], Value::Null);
    let amount = |name: &str| properties[name]["amount"].as_f64().unwrap();
    assert_eq!(amount("netPayable"), amount("purchasesTotal") - amount("refundsTotal"));
    let other = quoted(4).await;
    let refused = edge.post(&olle(), &exchange, &session(&enough)).await.is(403, "AuthorizationFailed");
    assert!(refused.message().contains("ask Nordmoln AB"), "{}", refused.message());
    let name = properties["sessionId"].as_str().unwrap();
    let result = format!("{CAPACITY}/operationResults/{name}");
    edge.get(&ada(), &result).await.is(404, "ResourceNotFound");
    let done = edge.post(&ada(), &exchange, &session(&enough)).await;
    assert!(done.headers["azure-asyncoperation"].to_str().unwrap().contains(name));
    assert_eq!(done.ok()["status"], "PendingRefunds");
    let result = edge.get(&ada(), &result).await.ok();
    let bought = &result["properties"]["reservationsToPurchase"][0];
    assert_eq!((&result["status"], &bought["status"]), (&json!("Succeeded"), &json!("Succeeded")));
    let new = edge.get(&ada(), bought["reservationId"].as_str().unwrap()).await.ok();
    assert_eq!((&new["properties"]["quantity"], &new["properties"]["displayName"]), (&json!(3), &json!("bytt")));
    let old = edge.get(&olle(), &reservation).await.ok();
    assert_eq!(old["properties"]["provisioningState"], "Cancelled");
    assert_eq!(edge.get(&olle(), &order).await.ok()["properties"]["provisioningState"], "Cancelled");
    // What it was, is no longer there for the other quote, nor twice for this.
    for quote in [&other, &enough] {
        edge.post(&ada(), &exchange, &session(quote)).await.is(400, "OperationCannotBePerformedInCurrentState");
    }
}

#[tokio::test]
async fn r20_r21_the_partner_sets_the_renewal_and_its_helpdesk_does_with_a_role() {
    let edge = Edge::new().await;
    edge.permit().await;
    let (order, reservation) = edge.buy(&olle()).await;
    let mut larger = wanted();
    larger["properties"]["quantity"] = json!(5);
    let renew = json!({"properties": {"renew": true, "renewProperties": {"purchaseProperties": larger}}});
    let patch = |actor: Actor| {
        let (edge, reservation, renew) = (&edge, &reservation, &renew);
        async move { edge.ask(&actor, Method::PATCH, reservation, Some(renew)).await }
    };
    patch(on_behalf_of(FJALLRAVEN, sven())).await.is(403, "AuthorizationFailed");
    // R21: an explicit role on the subscription is enough for other agents.
    let assignment = json!({"properties": {
        "roleDefinitionId": format!("{PRODUKTION}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"),
        "principalId": sven().principal.to_string(), "principalType": "User"}});
    let path = format!("{PRODUKTION}/{ASSIGNMENTS}/99999999-0000-4000-8000-000000000001");
    edge.put(&olle(), &path, &assignment).await.ok();
    let renewing = patch(on_behalf_of(FJALLRAVEN, sven())).await.ok();
    assert_eq!(renewing["properties"]["userFriendlyRenewState"], "On");
    assert_eq!(renewing["properties"]["capabilities"], "ApiReturnEnabled, ApiExchangeEnabled");
    let expanded = edge.get(&olle(), &format!("{reservation}?$expand=renewProperties")).await.ok();
    let properties = &expanded["properties"];
    assert_eq!(properties["renewProperties"]["purchaseProperties"]["properties"]["quantity"], 5);
    assert!(properties["renewProperties"]["billingCurrencyTotal"]["amount"].is_f64());
    assert_eq!(properties["capabilities"], Value::Null);
    edge.get(&olle(), &order).await.ok();
}

#[tokio::test]
async fn the_router_wants_a_token_for_every_route_but_one() {
    let edge = Edge::new().await;
    let issuer = Arc::new(Issuer::open(edge.directory.path(), &edge.store).await.unwrap());
    let app = App::new(edge.store.clone(), issuer, Clock::movable(edge.now), crate::Settings::default());
    let router = router(app);
    let ask = |method: Method, path: &str| {
        let request = http::Request::builder().method(method).uri(path).header("host", "localhost:8443");
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    for route in ROUTES {
        let path = route.pattern.replace("{scope}", PRODUKTION).replace(['{', '}'], "");
        let response = ask(route.method.clone(), &format!("{path}?api-version=2022-11-01")).await.unwrap();
        let expected = if route.is_anonymous() { 200 } else { 401 };
        assert_eq!(response.status(), expected, "{} {path}", route.method);
        assert_eq!(response.headers().contains_key("www-authenticate"), expected == 401);
        for name in ["x-ms-request-id", "x-ms-correlation-request-id", "cache-control", "strict-transport-security"] {
            assert!(response.headers().contains_key(name), "{name}");
        }
    }
    let options = ask(Method::OPTIONS, "/subscriptions").await.unwrap();
    assert_eq!(
        (options.status().as_u16(), &options.headers()["allow"]),
        (200, &HeaderValue::from_static("GET, HEAD, OPTIONS"))
    );
    let head = ask(Method::HEAD, "/metadata/endpoints").await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
}

/// Bodies as clients send them, with the place of one value to try something else at.
fn bodies() -> [(&'static str, Value, &'static [&'static str]); 9] {
    [
        (
            "role assignment",
            json!({"properties": {"principalId": READER, "principalType": "User", "roleDefinitionId": OWNER,
                "description": "x", "condition": null}}),
            &[
                "/properties",
                "/properties/principalId",
                "/properties/principalType",
                "/properties/roleDefinitionId",
                "/properties/description",
                "/properties/condition",
            ],
        ),
        (
            "role definition",
            json!({"properties": {"roleName": "Looker", "type": "CustomRole", "description": "x",
                "permissions": [{"actions": ["*/read"], "notActions": [], "dataActions": []}],
                "assignableScopes": [PRODUKTION]}}),
            &[
                "/properties",
                "/properties/roleName",
                "/properties/type",
                "/properties/permissions",
                "/properties/permissions/0",
                "/properties/permissions/0/actions",
                "/properties/permissions/0/actions/0",
                "/properties/permissions/0/dataActions",
                "/properties/assignableScopes",
                "/properties/assignableScopes/0",
            ],
        ),
        (
            "change",
            json!({"properties": {"name": "x", "renew": false, "appliedScopeType": "Single", "appliedScopes": [PROV],
                "appliedScopeProperties": {"subscriptionId": PROV, "resourceGroupId": null},
                "instanceFlexibility": "On", "reviewDateTime": "2026-11-01T00:00:00Z", "renewProperties": {}}}),
            &[
                "/properties",
                "/properties/name",
                "/properties/renew",
                "/properties/appliedScopeType",
                "/properties/appliedScopes",
                "/properties/appliedScopes/0",
                "/properties/appliedScopeProperties",
                "/properties/appliedScopeProperties/subscriptionId",
                "/properties/appliedScopeProperties/resourceGroupId",
                "/properties/instanceFlexibility",
                "/properties/reviewDateTime",
                "/properties/renewProperties",
            ],
        ),
        (
            "split",
            json!({"properties": {"quantities": [1, 1], "reservationId": OWNER, "renew": false}}),
            &["/properties", "/properties/quantities", "/properties/quantities/0", "/properties/reservationId"],
        ),
        (
            "merge",
            json!({"properties": {"sources": [OWNER, READER], "appliedScopeType": "Shared"}}),
            &["/properties", "/properties/sources", "/properties/sources/1", "/properties/appliedScopeType"],
        ),
        (
            "return",
            json!({"properties": {"scope": "Reservation", "sessionId": OWNER, "returnReason": "x",
                "reservationToReturn": {"reservationId": OWNER, "quantity": 1}}}),
            &[
                "/properties",
                "/properties/scope",
                "/properties/sessionId",
                "/properties/returnReason",
                "/properties/reservationToReturn",
                "/properties/reservationToReturn/reservationId",
                "/properties/reservationToReturn/quantity",
            ],
        ),
        (
            "exchange",
            json!({"properties": {"savingsPlansToPurchase": [], "reservationsToPurchase": [wanted()],
                "reservationsToExchange": [{"quantity": 1, "reservationId":
                    "/providers/Microsoft.Capacity/reservationOrders/x/reservations/y"}]}}),
            &[
                "/properties",
                "/properties/savingsPlansToPurchase",
                "/properties/reservationsToPurchase",
                "/properties/reservationsToPurchase/0",
                "/properties/reservationsToPurchase/0/properties",
                "/properties/reservationsToExchange",
                "/properties/reservationsToExchange/0",
                "/properties/reservationsToExchange/0/reservationId",
                "/properties/reservationsToExchange/0/quantity",
            ],
        ),
        (
            "scopes",
            json!({"properties": {"scopes": [PROV]}}),
            &["/properties", "/properties/scopes", "/properties/scopes/0"],
        ),
        ("names", json!({"ids": [OWNER], "types": ["user"]}), &["/ids", "/ids/0", "/types", "/types/0"]),
    ]
}

/// Reads a body; a complaint is a 400 that names a property.
fn reads(kind: &str, body: &Value) {
    let body = body::Body::read(&HeaderMap::new(), body.to_string().as_bytes()).unwrap();
    let (root, id) = (body.root(), Uuid::from_u128(1));
    let error = match kind {
        "role assignment" => {
            role_assignments::requested(&root, id.into(), fullmakt_domain::arm_scope::ArmScope::Root).err()
        }
        "role definition" => {
            role_definitions::requested(&root, id.into(), fullmakt_domain::arm_scope::ArmScope::Root).err()
        }
        "split" => lifecycle::split_request(&root, id.into()).err(),
        "merge" => lifecycle::merge_request(&root, id.into()).err(),
        "return" => returns::return_request(&root, id.into()).err(),
        "exchange" => returns::exchange_request(&root).err(),
        "scopes" => lifecycle::scopes_request(&root).err(),
        "change" => reservations::change(&root, id.into(), id.into()).err(),
        _ => graph::requested(&root).err(),
    };
    if let Some(error) = error {
        assert_eq!(error.status, 400, "{kind}: {}", error.message);
        assert!(error.body()["error"]["target"].is_string(), "{kind}: {}", error.message);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn any_value_anywhere_in_a_body_is_read_or_refused_by_name(
        place in any::<prop::sample::Index>(),
        value in prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            "(/|subscriptions|33333333-3333-4333-8333-333333333333|providers|Single|Shared|On){0,4}".prop_map(Value::from),
            Just(json!([])),
            Just(json!([1, "/", {}])),
            Just(json!({"a": null})),
        ],
    ) {
        for (kind, mut body, places) in bodies() {
            *body.pointer_mut(places[place.index(places.len())]).unwrap() = value.clone();
            reads(kind, &body);
        }
    }
}
