//! Laws over all routes of the own API (R45): who is told nothing, and cannot tell what is there from what is not.

use crate::scene::{Names, Scene, normalised};
use axum::http::Method;
use fullmakt_testkit::Persona;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A route with the question that is asked of it; names in braces are filled in.
struct Asked {
    verb: &'static str,
    path: &'static str,
    body: Option<&'static str>,
}

const fn asked(verb: &'static str, path: &'static str, body: Option<&'static str>) -> Asked {
    Asked { verb, path, body }
}

/// Every route that is about something of a partner or a customer.
const ROUTES: &[Asked] = &[
    asked("POST", "/fullmakt/v1/can-buy", Some(r#"{"customer": "{customer}", "user": "{principal}"}"#)),
    asked(
        "POST",
        "/fullmakt/v1/can-buy",
        Some(
            r#"{"customer": "{customer}", "user": "{principal}", "subscription": "{subscription}",
                "sku": "Standard_D2s_v5", "region": "swedencentral"}"#,
        ),
    ),
    asked("GET", "/fullmakt/v1/customers/{customer}/ledger?size=1", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/statement?format=csv", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/charges?view=partner", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/export", None),
    asked("GET", "/fullmakt/v1/prices?customer={customer}", None),
    asked("POST", "/fullmakt/v1/prices", Some(r#"{"customer": "{customer}", "discountPercent": "3"}"#)),
    asked("DELETE", "/fullmakt/v1/prices/{rule}", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/returns", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/recommendations?term=P1Y", None),
    asked("PUT", "/fullmakt/v1/refund-policy", Some(r#"{"validFrom": "2027-01-01", "fullRefundDays": 7}"#)),
    asked(
        "PUT",
        "/fullmakt/v1/conversion-rates",
        Some(r#"{"validFrom": "2027-01-01", "currency": "SEK", "rate": "10"}"#),
    ),
    asked("POST", "/fullmakt/v1/reservations/{order}/{reservation}/renew", None),
    asked(
        "POST",
        "/fullmakt/v1/usage",
        Some(
            r#"{"customer": "{customer}", "hours": [{"start": "2026-10-01T00:00:00Z", "lines": [[0, 1, "1"]]}],
                "resources": [{"subAccountId": "{subscription}", "resourceId": "vm", "regionId": "swedencentral",
                    "armSkuName": "Standard_D2s_v5", "contractedUnitPrice": "0.1", "billingCurrency": "EUR"}]}"#,
        ),
    ),
    asked("GET", "/fullmakt/v1/customers/{customer}/usage", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/utilization?grain=hour", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/coverage?days=7", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/chargeback", None),
    asked("GET", "/fullmakt/v1/customers/{customer}/explanation?hour=2026-10-01T00:00:00Z", None),
];

/// Routes about nothing that belongs to anybody.
const ABOUT_NOBODY: [&str; 2] = ["/fullmakt/v1/openapi.json", "/fullmakt/v1/clock"];

#[test]
fn every_described_route_is_asked() {
    let described: Value = serde_json::from_str(fullmakt_server::own::OPENAPI).unwrap();
    let mut missing = BTreeSet::new();
    for (path, verbs) in described["paths"].as_object().unwrap() {
        for verb in verbs.as_object().unwrap().keys().filter(|verb| *verb != "parameters") {
            let is_asked = ROUTES.iter().any(|route| {
                route.verb.eq_ignore_ascii_case(verb) && route.path.split('?').next() == Some(path.as_str())
            });
            if !is_asked && !ABOUT_NOBODY.contains(&path.as_str()) {
                missing.insert(format!("{verb} {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "not asked: {missing:?}");
}

#[tokio::test]
async fn r45_a_stranger_cannot_tell_what_is_there_from_what_is_not_in_the_own_api() {
    let mut scene = Scene::new().await;
    let rule = json!({"customer": scene.real.get("customer"), "discountPercent": "7"});
    let rule = scene.server.ada().sends(Method::POST, "/fullmakt/v1/prices", &rule).await.ok().json();
    scene.real.add("rule", rule["id"].as_str().unwrap());
    scene.made_up.add("rule", "99999999-9999-4999-8999-999999999999");
    let strangers = [scene.server.frida(), scene.server.ture(), scene.server.pelle()];
    for stranger in &strangers {
        for route in ROUTES {
            let real = answer(&scene.real, stranger, route).await;
            let made_up = answer(&scene.made_up, stranger, route).await;
            assert_eq!(real, made_up, "{} learns from {} {}", stranger.upn(), route.verb, route.path);
            scene.assert_tells_nothing(&real);
        }
    }
    // They had their questions right: whoever may ask is answered.
    let ada = scene.server.ada();
    for route in ROUTES {
        let told = answer(&scene.real, &ada, route).await;
        assert!(told.starts_with('2'), "{} {}: {told}", route.verb, route.path);
    }
}

/// What a route answers, with the names taken out.
async fn answer(names: &Names, persona: &Persona, route: &Asked) -> String {
    let mut ask = persona.ask(route.verb.parse().unwrap(), &names.fill(route.path)).await;
    if let Some(body) = route.body {
        ask = ask.json(&serde_json::from_str(&names.fill(body)).unwrap());
    }
    normalised(names, &ask.send().await)
}
