//! Laws over all routes of the Partner Center API: who gets nothing, who learns nothing, and that each role of the partner
//! gets what the published matrix says (R02, R45).

use crate::scene::{Names, Scene, normalised};
use axum::http::Method;
use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::authz::Rule;
use fullmakt_domain::operation;
use fullmakt_testkit::{FJALLRAVEN, KUSTEN, NORDMOLN, Persona, SKOGSBRUKET};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Not an operation of the matrix: the same for everybody who signs in.
const EVERYBODY: &str = "";

/// Every route, with the operation of the matrix that it is.
pub const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/selfservepolicy?entity_id={customer}", "read_self_serve_policy"),
    ("GET", "/selfservepolicy/{policy}", "read_self_serve_policy"),
    ("POST", "/selfservepolicy", "create_self_serve_policy"),
    ("PUT", "/selfservepolicy", "update_self_serve_policy"),
    ("PUT", "/selfservepolicy/{policy}", "update_self_serve_policy"),
    ("GET", "/auditrecords", "read_activity"),
    ("GET", "/customers", "list_customers"),
    ("POST", "/customers", "add_customer"),
    ("GET", "/customers/{customer}", "read_customer"),
    ("GET", "/customers/{customer}/profiles/company", "read_customer"),
    ("GET", "/customers/{customer}/profiles/billing", "read_customer"),
    ("PUT", "/customers/{customer}/profiles/billing", "update_customer_billing_profile"),
    ("GET", "/agreements?agreementType=*", EVERYBODY),
    ("GET", "/customers/{customer}/agreements", "read_agreement"),
    ("POST", "/customers/{customer}/agreements", "create_agreement"),
    ("GET", "/customers/{customer}/directsignedmicrosoftcustomeragreementstatus", "read_agreement"),
    ("GET", "/customers/{customer}/subscriptions", "read_entitlement"),
    ("GET", "/customers/{customer}/subscriptions/{entitlement}", "read_entitlement"),
    ("PATCH", "/customers/{customer}/subscriptions/{entitlement}", "update_subscription"),
    ("POST", "/customers/{customer}/subscriptions/{entitlement}/registrations", "register_subscription"),
    ("GET", "/customers/{customer}/subscriptions/{entitlement}/registrationstatus", "read_entitlement"),
    ("GET", "/customers/{customer}/subscriptions/{entitlement}/provisioningstatus", "read_entitlement"),
    ("GET", "/customers/{customer}/subscriptions/{entitlement}/azureentitlements", "read_entitlement"),
    ("GET", "/customers/{customer}/subscriptions/{entitlement}/azureentitlements/{subscription}", "read_entitlement"),
    ("GET", "/products?country=SE&targetView=AzureReservationsVM", "read_partner_catalog"),
    ("GET", "/products/{product}?country=SE", "read_partner_catalog"),
    ("GET", "/products/{product}/skus?country=SE", "read_partner_catalog"),
    ("GET", "/products/{product}/skus/{sku}?country=SE", "read_partner_catalog"),
    ("GET", "/products/{product}/skus/{sku}/availabilities?country=SE", "read_partner_catalog"),
    ("GET", "/products/{product}/skus/{sku}/availabilities/{availability}?country=SE", "read_partner_catalog"),
    ("GET", "/customers/{customer}/products?targetView=AzureReservationsVM", "read_partner_catalog"),
    ("GET", "/customers/{customer}/products/{product}", "read_partner_catalog"),
    ("GET", "/customers/{customer}/products/{product}/skus", "read_partner_catalog"),
    ("GET", "/customers/{customer}/products/{product}/skus/{sku}", "read_partner_catalog"),
    ("GET", "/customers/{customer}/products/{product}/skus/{sku}/availabilities", "read_partner_catalog"),
    (
        "GET",
        "/customers/{customer}/products/{product}/skus/{sku}/availabilities/{availability}",
        "read_partner_catalog",
    ),
    ("POST", "/extensions/product/checkinventory?country=SE", "read_partner_catalog"),
    ("POST", "/customers/{customer}/carts", "create_cart"),
    ("GET", "/customers/{customer}/carts/{cart}", "read_cart"),
    ("PUT", "/customers/{customer}/carts/{cart}", "update_cart"),
    ("POST", "/customers/{customer}/carts/{cart}/checkout", "create_order"),
    ("GET", "/customers/{customer}/orders", "read_order"),
    ("POST", "/customers/{customer}/orders", "create_order"),
    ("GET", "/customers/{customer}/orders/{commerce_order}", "read_order"),
    ("PATCH", "/customers/{customer}/orders/{commerce_order}", "cancel_order"),
    ("GET", "/customers/{customer}/orders/{commerce_order}/provisioningstatus", "read_order"),
    ("GET", "/customers/{customer}/entitlements", "read_bought_reservations"),
    (
        "GET",
        "/customers/{customer}/artifacts/reservedinstance/groups/{commerce_order}/lineitems/0/resource/{order}",
        "read_bought_reservations",
    ),
    ("GET", "/invoices", "read_invoices"),
    ("GET", "/invoices/summary", "read_invoices"),
    ("GET", "/invoices/summaries", "read_invoices"),
    (
        "GET",
        "/invoices/unbilled/lineitems?provider=onetime&invoiceLineItemType=billinglineitems&currencyCode=EUR",
        "read_invoices",
    ),
    ("GET", "/invoices/{invoice}", "read_invoices"),
    ("GET", "/invoices/{invoice}/lineitems", "read_invoices"),
    ("GET", "/profiles/legalbusiness", "read_partner"),
    ("GET", "/profiles/organization", "read_partner"),
    ("GET", "/profiles/support", "read_partner"),
    ("DELETE", "/selfservepolicy/{policy}", "delete_self_serve_policy"),
];

/// Where the original takes people's tokens only, although the matrix would let an application in.
const PEOPLE_ONLY: [&str; 8] = [
    "/invoices/summary",
    "/invoices/summaries",
    "/invoices/{invoice}",
    "/profiles/organization",
    "/profiles/support",
    "/agreements?agreementType=*",
    "/customers/{customer}/profiles/company",
    "/customers/{customer}/subscriptions/{entitlement}/provisioningstatus",
];

/// The routes that the sources spell out: `.route("/customers/{customer}", get(show).patch(update))`.
fn routes_of_the_sources() -> BTreeSet<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/src/partner_center");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.file_name().is_some_and(|name| name == "front.rs" || name == "tests.rs") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let dense: String = text.split_whitespace().collect();
        for route in dense.split(".route(\"").skip(1) {
            let (pattern, rest) = route.split_once('"').unwrap();
            let handlers = rest.split(".route(").next().unwrap().split('}').next().unwrap();
            for verb in ["get", "post", "put", "patch", "delete"] {
                if handlers.contains(&format!(",{verb}(")) || handlers.contains(&format!(").{verb}(")) {
                    found.insert((verb.to_uppercase(), shape(pattern)));
                }
            }
        }
    }
    found
}

/// A pattern without the names of its names.
fn shape(pattern: &str) -> String {
    let path = pattern.split('?').next().unwrap();
    let segments =
        path.split('/').map(|segment| if segment.starts_with('{') || segment == "0" { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn the_table_of_routes_is_complete() {
    let table: BTreeSet<_> = ROUTES.iter().map(|(verb, path, _)| ((*verb).to_owned(), shape(path))).collect();
    let sources = routes_of_the_sources();
    assert!(sources.len() > 20, "the sources are not read as they are written");
    let missing: Vec<_> = sources.difference(&table).collect();
    let gone: Vec<_> = table.difference(&sources).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the table: {missing:?}; no longer there: {gone:?}");
}

#[tokio::test]
async fn without_a_token_every_route_of_partner_center_answers_401() {
    let scene = Scene::new().await;
    for (verb, pattern, _) in ROUTES {
        let path = format!("/v1{}", scene.real.fill(pattern));
        let method: Method = verb.parse().unwrap();
        scene.server.ask(method.clone(), &path).send().await.is(401, "800001");
        scene.server.ask(method, &path).bearer("e30.e30.x").json(&json!({})).send().await.is(401, "400");
    }
}

#[tokio::test]
async fn r45_a_stranger_cannot_tell_what_is_there_from_what_is_not_in_partner_center() {
    let scene = Scene::new().await;
    // Another partner's Admin agent, and people of other customers, of the same partner and of another.
    for stranger in [scene.server.ture(), scene.server.pelle(), scene.server.frida()] {
        for (verb, pattern, _) in ROUTES {
            let real = asks(&scene.real, &stranger, verb, pattern).await;
            // Nothing of another's is named in these.
            let about_nobody = *verb == "GET" && !pattern.contains('{') || *pattern == "/customers";
            if !about_nobody {
                let made_up = asks(&scene.made_up, &stranger, verb, pattern).await;
                assert_eq!(real, made_up, "{} learns from {verb} {pattern}", stranger.upn());
            }
            scene.assert_tells_nothing(&real);
        }
    }
}

#[tokio::test]
async fn r02_each_role_of_the_partner_gets_what_the_matrix_says() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let people = [
        (server.ada(), Some(PartnerRole::AdminAgent)),
        (server.sven(), Some(PartnerRole::SalesAgent)),
        (server.hedda(), Some(PartnerRole::HelpdeskAgent)),
        (server.beata(), Some(PartnerRole::BillingAdmin)),
        (server.gustav(), Some(PartnerRole::GlobalAdmin)),
        (server.ulla(), Some(PartnerRole::UserAdmin)),
        (server.nisse(), None),
    ];
    for (verb, pattern, name) in ROUTES {
        // The customer's purchase and the partner's have one name in the log.
        let named = operation::ALL.iter().filter(|operation| operation.name == *name);
        let rule = named.map(|operation| operation.rule).find(|rule| matches!(rule, Rule::Partner { .. }));
        let (roles, application) = match rule {
            Some(Rule::Partner { roles, application }) => (Some(roles), application),
            None if *name == EVERYBODY => (None, true),
            _ => panic!("`{name}` is no operation of the partner"),
        };
        let may = |role: Option<PartnerRole>| roles.is_none_or(|roles| role.is_some_and(|role| roles.contains(&role)));
        // Whoever may not comes first, so that what they wanted is still to be had.
        for wanted in [false, true] {
            for (person, role) in people.iter().filter(|(_, role)| may(*role) == wanted) {
                let answer = sends(&scene.real, person, verb, pattern).await;
                let refused = answer.status == 401 || (answer.status == 403 && answer.code() == "900150");
                assert_eq!(!refused, wanted, "{role:?}: {answer}");
                assert!(answer.status.as_u16() < 500, "{answer}");
            }
        }
        let answer = sends(&scene.real, &server.integration(), verb, pattern).await;
        let refused = answer.status == 401 || (answer.status == 403 && answer.code() == "900150");
        assert_eq!(!refused, application && !PEOPLE_ONLY.contains(pattern), "an application: {answer}");
    }
}

async fn asks(names: &Names, persona: &Persona, verb: &str, pattern: &str) -> String {
    normalised(names, &sends(names, persona, verb, pattern).await)
}

/// Asks with a body that would do, if its sender might.
pub async fn sends(names: &Names, persona: &Persona, verb: &str, pattern: &str) -> fullmakt_testkit::Answer {
    let ask = persona.ask(verb.parse().unwrap(), &format!("/v1{}", names.fill(pattern))).await;
    match body(names, persona, verb, pattern) {
        Some(body) => ask.json(&body).send().await,
        None => ask.send().await,
    }
}

/// A body that would do, if its sender might.
fn body(names: &Names, persona: &Persona, verb: &str, pattern: &str) -> Option<Value> {
    let policy = || {
        json!({
            "id": names.get("policy"),
            "selfServeEntity": {"selfServeEntityType": "customer", "tenantID": names.get("customer")},
            "grantor": {"grantorType": "billToPartner", "tenantID": NORDMOLN},
            "permissions": [{"resource": "AzureReservedInstances", "action": "Purchase"}],
        })
    };
    let body = match (verb, pattern) {
        ("POST", "/selfservepolicy") => {
            let mut policy = policy();
            policy["grantor"]["tenantID"] = json!(persona.tenant);
            policy
        }
        ("PUT", path) if path.starts_with("/selfservepolicy") => policy(),
        ("POST", "/customers") => new_customer(),
        ("POST", "/customers/{customer}/agreements") => json!({
            "primaryContact": {"firstName": "Olle", "lastName": "Ek", "email": "olle@exempel.example"},
            "templateId": "998b88de-aa99-4388-a42c-1b3517d49490",
            "dateAgreed": "2026-01-15T00:00:00Z",
            "type": "MicrosoftCustomerAgreement",
        }),
        ("PUT", "/customers/{customer}/profiles/billing") => json!({
            "email": "faktura@exempel.example",
            "culture": "sv-SE",
            "defaultAddress": {
                "firstName": "Olle",
                "lastName": "Ek",
                "addressLine1": "Storgatan 1",
                "city": "Umeå",
                "country": "SE",
            },
        }),
        ("PATCH", "/customers/{customer}/subscriptions/{entitlement}") => json!({"friendlyName": "Nytt namn"}),
        ("POST" | "PUT", path) if path.contains("/carts") && !path.ends_with("/checkout") => {
            json!({"lineItems": [line_item(names)]})
        }
        ("POST", path) if path.ends_with("/orders") => {
            let mut line = line_item(names);
            line["lineItemNumber"] = json!(0);
            line["offerId"] = line["catalogItemId"].clone();
            json!({"billingCycle": "one_time", "referenceCustomerId": names.get("customer"), "lineItems": [line]})
        }
        ("PATCH", path) if path.ends_with("/orders/{commerce_order}") => json!({"status": "cancelled"}),
        ("POST", path) if path.ends_with("/registrations") => json!(null),
        ("POST", path) if path.starts_with("/extensions") => json!({
            "targetItems": [{"productId": names.get("product"), "skuId": names.get("sku")}],
            "inventoryContext": {
                "customerId": names.get("customer"),
                "azureSubscriptionId": names.get("subscription"),
                "armRegionName": "swedencentral",
            },
        }),
        _ => return None,
    };
    Some(body)
}

fn line_item(names: &Names) -> Value {
    json!({
        "id": 0,
        "catalogItemId": names.fill("{product}:{sku}:{availability}"),
        "quantity": 1,
        "billingCycle": "one_time",
        "termDuration": "P1Y",
        "provisioningContext": {"subscriptionId": names.get("subscription"), "scope": "shared", "duration": "1Year"},
    })
}

fn new_customer() -> Value {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    json!({
        "companyProfile": {"domain": format!("kund{unique}.example")},
        "billingProfile": {
            "email": "ny@kund.example", "culture": "sv-SE", "language": "sv", "companyName": "Ny Kund AB",
            "defaultAddress": {
                "firstName": "Nina", "lastName": "Ny", "addressLine1": "Storgatan 1", "city": "Luleå",
                "postalCode": "97231", "country": "SE", "phoneNumber": "+46800000",
            },
        },
    })
}

#[tokio::test]
async fn r45_another_partners_customer_is_in_no_list() {
    let scene = Scene::new().await;
    let ture = scene.server.ture();
    for path in ["/v1/customers", "/v1/auditrecords"] {
        scene.assert_tells_nothing(&ture.reads(path).await.ok().to_string());
    }
    let ada = scene.server.ada();
    let listed = ada.reads("/v1/customers").await.ok().text();
    assert!(listed.contains(FJALLRAVEN) && listed.contains(SKOGSBRUKET));
    assert!(!listed.contains("Kustfiske") && !listed.contains(KUSTEN));
}
