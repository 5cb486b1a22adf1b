//! Laws over all routes of both APIs (R45, R02): who gets nothing, who learns nothing, what a write leaves behind.

use crate::scene::{Names, Scene, normalised};
use axum::http::Method;
use fullmakt_server::arm::api_version::Provider;
use fullmakt_server::arm::routes::{Operation, ROUTES, Route};
use fullmakt_testkit::{KUSTEN, Persona, Purchase, SKOGEN};
use serde_json::{Value, json};

#[tokio::test]
async fn without_a_token_every_route_of_resource_manager_answers_401() {
    let scene = Scene::new().await;
    for route in ROUTES.iter().filter(|route| !route.is_anonymous()) {
        let path = scene.real.fill(&arm_path(route));
        let bare = scene.server.ask(route.method.clone(), &path).send().await;
        let answer = bare.is(401, "AuthenticationFailed");
        assert!(answer.header("www-authenticate").starts_with("Bearer authorization_uri=\"https://"), "{answer}");
        let forged = scene.server.ask(route.method.clone(), &path).bearer("e30.e30.x").json(&json!({})).send().await;
        assert_eq!(forged.status, 401, "{forged}");
    }
}

#[tokio::test]
async fn r45_a_stranger_cannot_tell_what_is_there_from_what_is_not_in_resource_manager() {
    let scene = Scene::new().await;
    // Owner at another customer of another partner, that partner's Admin agent, Owner at another customer of the same
    // partner.
    let strangers = [(scene.server.frida(), KUSTEN), (scene.server.ture(), KUSTEN), (scene.server.pelle(), SKOGEN)];
    for (stranger, own) in &strangers {
        for route in ROUTES {
            let real = asks(&scene.real, stranger, route, own).await;
            let made_up = asks(&scene.made_up, stranger, route, own).await;
            assert_eq!(real, made_up, "{} learns from {} {}", stranger.upn(), route.method, route.pattern);
            scene.assert_tells_nothing(&real);
        }
    }
}

/// What a route answers, with the names taken out.
async fn asks(names: &Names, persona: &Persona, route: &Route, own: &str) -> String {
    let path = names.fill(&arm_path(route));
    let mut ask = persona.ask(route.method.clone(), &path).await;
    if route.method != Method::GET && route.method != Method::DELETE {
        ask = ask.json(&arm_body(names, route.operation, own));
    }
    normalised(names, &ask.send().await)
}

/// The path of a route, on Produktion where it wants a scope, with a version its provider knows.
pub fn arm_path(route: &Route) -> String {
    let version = match route.provider {
        Provider::Capacity => "?api-version=2022-11-01",
        Provider::Authorization => "?api-version=2022-04-01",
        Provider::Consumption => "?api-version=2024-08-01",
        Provider::Resources => "?api-version=2022-12-01",
        Provider::Metadata => "?api-version=2022-09-01",
        Provider::Graph => "",
    };
    let query = match route.operation {
        Operation::ListCatalogs => "&reservedResourceType=VirtualMachines&location=swedencentral",
        Operation::ReservationSummaries => "&grain=monthly",
        Operation::ReservationDetails => "&startDate=2026-10-01&endDate=2026-11-01",
        _ => "",
    };
    format!("{}{version}{query}", route.pattern.replace("{scope}", "/subscriptions/{subscription}"))
}

const RESERVATION: &str = "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}";

/// A body that would do, if its sender might. What is bought is bought with the sender's own subscription.
pub fn arm_body(names: &Names, operation: Operation, own: &str) -> Value {
    match operation {
        Operation::CalculatePrice => Purchase::of(1, "Standard_D2s_v5").with(names.get("subscription")).body(),
        Operation::PurchaseOrder => Purchase::of(1, "Standard_D2s_v5").with(own).body(),
        Operation::UpdateReservation => json!({"properties": {"name": "nytt"}}),
        Operation::SplitReservation => json!({"properties": {
            "quantities": [1, 1],
            "reservationId": names.get("reservation"),
        }}),
        Operation::MergeReservations => {
            json!({"properties": {"sources": [names.get("reservation"), names.get("part")]}})
        }
        Operation::CalculateRefund => json!({"properties": {
            "scope": "Reservation",
            "reservationToReturn": {"reservationId": names.get("reservation"), "quantity": 1},
        }}),
        Operation::ReturnReservation => json!({"properties": {
            "sessionId": names.get("operation"),
            "scope": "Reservation",
            "reservationToReturn": {"reservationId": names.get("reservation"), "quantity": 1},
        }}),
        Operation::CalculateExchange => json!({"properties": {
            "reservationsToExchange": [{"reservationId": names.fill(RESERVATION), "quantity": 1}],
            "reservationsToPurchase": [Purchase::of(2, "Standard_D2s_v5").with(own).body()],
        }}),
        Operation::ExchangeReservations => json!({"properties": {"sessionId": names.get("operation")}}),
        Operation::AvailableScopes => json!({"properties": {"scopes": [format!("/subscriptions/{own}")]}}),
        Operation::PutRoleAssignment => {
            let role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
            json!({"properties": {"roleDefinitionId": role, "principalId": names.get("principal")}})
        }
        Operation::PutRoleDefinition => json!({"properties": {
            "roleName": "Inköpare",
            "type": "CustomRole",
            "description": "",
            "permissions": [{"actions": ["Microsoft.Capacity/*"], "notActions": []}],
            "assignableScopes": [names.fill("/subscriptions/{subscription}")],
        }}),
        Operation::GetDirectoryObjects => json!({"ids": [names.get("principal")]}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn r45_lists_hold_nothing_of_others() {
    let scene = Scene::new().await;
    for stranger in [scene.server.frida(), scene.server.pelle()] {
        for path in ["/subscriptions?api-version=2022-12-01", "/tenants?api-version=2022-12-01"] {
            let answer = stranger.reads(path).await.ok();
            scene.assert_tells_nothing(&answer.to_string());
        }
    }
}

#[tokio::test]
async fn without_a_token_every_route_of_the_own_api_answers_401() {
    let scene = Scene::new().await;
    let described: Value = serde_json::from_str(fullmakt_server::own::OPENAPI).unwrap();
    let mut asked = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            // Only the description itself says that it needs no one.
            let open = operation["security"].as_array().is_some_and(Vec::is_empty);
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            let path = path.replace("{rule}", NOTHING).replace("{customer}", NOTHING);
            let answer = scene.server.ask(method, &path).json(&json!({})).send().await;
            assert_eq!(answer.status, if open { 200 } else { 401 }, "{path}: {answer}");
            asked += 1;
        }
    }
    assert!(asked > 3, "only {asked} routes are described");
}

/// An identifier that names nothing.
const NOTHING: &str = "33333333-3333-4333-8333-3333333333ff";
