//! The vendor's own SDKs, unmodified, against a running server.

use crate::books::movable;
use axum::http::Method;
use fullmakt_testkit::{FJALLRAVEN, PRODUKTION, Purchase, Server, quoted_order};
use serde_json::json;
use std::process::Command;

#[tokio::test]
async fn r01_r02_r06_r11_r13_r17_the_whole_loop_with_the_python_sdks() {
    runs(concat!(env!("CARGO_MANIFEST_DIR"), "/python/whole_loop.py")).await;
}

#[tokio::test]
async fn r20_r23_what_comes_after_the_purchase_with_the_python_sdk() {
    runs(concat!(env!("CARGO_MANIFEST_DIR"), "/python/after_purchase.py")).await;
}

#[tokio::test]
async fn r45_usage_and_what_to_buy_with_the_python_sdk() {
    let server = movable().await;
    let (ada, olle) = (server.ada(), server.olle());
    let wanted = Purchase::of(2, "Standard_D2s_v5");
    let order = quoted_order(&olle.asks_price(&wanted).await.ok());
    olle.buys_quoted(&order, &wanted).await.ok();
    let inside = format!("/providers/Microsoft.Capacity/reservationOrders/{order}/reservations?api-version=2022-11-01");
    let inside = olle.reads(&inside).await.ok().json();
    let reservation = inside["value"][0]["name"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let moves = async |by: &str| {
        ada.sends(Method::POST, "/fullmakt/v1/clock", &json!({"advance": by})).await.ok();
    };
    moves("P9D").await;
    let resource = |name: &str, sku: &str, price: &str| {
        json!({
            "subAccountId": PRODUKTION,
            "resourceId": format!("/subscriptions/{PRODUKTION}/resourceGroups/app/providers/Microsoft.Compute/virtualMachines/{name}"),
            "regionId": "swedencentral",
            "armSkuName": sku,
            "contractedUnitPrice": price,
            "billingCurrency": "EUR",
        })
    };
    let first: jiff::Timestamp = "2026-11-01T08:00:00Z".parse().unwrap();
    let hour = |n: i64| {
        let start = first + jiff::Span::new().hours(n);
        let lines = if n < 24 { json!([[0, 1, "1"]]) } else { json!([[0, 1, "1"], [1, 2, "2"]]) };
        json!({"start": start.to_string(), "lines": lines})
    };
    let usage = json!({
        "customer": FJALLRAVEN,
        "resources": [resource("vm1", "Standard_D2s_v5", "0.1"), resource("vm2", "Standard_D4s_v5", "0.2")],
        "hours": (0..192).map(hour).collect::<Vec<_>>(),
    });
    ada.sends(Method::POST, "/fullmakt/v1/usage", &usage).await.ok();
    moves("PT1S").await;
    runs_on(server, concat!(env!("CARGO_MANIFEST_DIR"), "/python/usage.py"), &[order, reservation]).await;
}

/// Runs a script against a server of its own.
async fn runs(script: &'static str) {
    runs_on(Server::start().await, script, &[]).await;
}

/// Runs a script against a server, with more words for it.
async fn runs_on(server: Server, script: &'static str, words: &[String]) {
    // `cargo xtask test` makes the environment and names it.
    let Ok(python) = std::env::var("FULLMAKT_TEST_PYTHON") else {
        panic!("`FULLMAKT_TEST_PYTHON` names no Python with the SDKs; `cargo xtask test` makes one");
    };
    let mut command = Command::new(python);
    command.arg(script).arg(&server.base_url).arg(&server.ca_certificate).args(words);
    for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(variable);
    }
    let outcome = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&outcome.stdout);
    assert!(outcome.status.success(), "{printed}\n{}", String::from_utf8_lossy(&outcome.stderr));
}
