//! Usage from the files' numbers to what Azure's clients and the own API tell of it.

use crate::books::movable;
use axum::http::Method;
use fullmakt_testkit::{FJALLRAVEN, PRODUKTION, Purchase, quoted_order};
use serde_json::{Value, json};

/// What a machine ran in so many hours from an instant on, by lines of half an instance hour.
fn usage(from: &str, hours: i64) -> Value {
    let from: jiff::Timestamp = from.parse().unwrap();
    let hour = |n: i64| {
        let start = from + jiff::Span::new().hours(n);
        json!({"start": start.to_string(), "lines": [[0, 2 * n, "0.5"], [0, 2 * n + 1, "0.5"]]})
    };
    json!({
        "customer": FJALLRAVEN,
        "resources": [{
            "subAccountId": PRODUKTION,
            "resourceId": format!("/subscriptions/{PRODUKTION}/resourceGroups/App/providers/Microsoft.Compute/virtualMachines/vm1"),
            "regionId": "swedencentral",
            "armSkuName": "Standard_D2s_v5",
            "contractedUnitPrice": "0.1",
            "billingCurrency": "EUR",
        }],
        "hours": (0..hours).map(hour).collect::<Vec<_>>(),
    })
}

#[tokio::test]
async fn r45_usage_is_brought_in_rated_and_told_by_every_door() {
    let server = movable().await;
    let (ada, olle) = (server.ada(), server.olle());
    let wanted = Purchase::of(2, "Standard_D2s_v5");
    let order = quoted_order(&olle.asks_price(&wanted).await.ok());
    olle.buys_quoted(&order, &wanted).await.ok();
    let of_order = format!("/providers/Microsoft.Capacity/reservationOrders/{order}");
    let inside = olle.reads(&format!("{of_order}/reservations?api-version=2022-11-01")).await.ok().json();
    let reservation = inside["value"][0]["name"].as_str().unwrap();
    let first = "2026-11-01T08:00:00Z";
    server.lets_pass("P2D").await;
    let body = usage(first, 30);
    let refused = olle.sends(Method::POST, "/fullmakt/v1/usage", &body).await;
    assert_eq!(refused.status, 403, "{refused}");
    let brought = ada.sends(Method::POST, "/fullmakt/v1/usage", &body).await.ok().json();
    assert_eq!(brought, json!({"changedHours": 30, "unchangedHours": 0, "lines": 60}));
    let again = ada.sends(Method::POST, "/fullmakt/v1/usage", &body).await.ok().json();
    assert_eq!(again, json!({"changedHours": 0, "unchangedHours": 30, "lines": 60}));
    server.lets_pass("PT1S").await;

    // Two instances, one of them used.
    for who in [&ada, &olle] {
        let path = format!("/fullmakt/v1/customers/{FJALLRAVEN}/utilization?grain=day");
        let told = who.reads(&path).await.ok().json();
        let one = &told["value"][0];
        assert_eq!((one["usedHours"].as_str(), one["reservedHours"].as_str()), (Some("30"), Some("60")), "{told}");
        assert_eq!((one["percent"].as_str(), one["payAsYouGoCost"].as_str()), (Some("50"), Some("3")), "{told}");
        assert!(one["days"].as_array().unwrap().len() >= 2, "{told}");
        assert_eq!((&told["known"][0]["knownHours"], &told["known"][0]["waitingDays"]), (&json!(30), &json!(0)));
        let coverage = who.reads(&format!("/fullmakt/v1/customers/{FJALLRAVEN}/coverage")).await.ok().json();
        assert_eq!(coverage["value"][0]["percent"], "100", "{coverage}");
        let back = who.reads(&format!("/fullmakt/v1/customers/{FJALLRAVEN}/chargeback")).await.ok().json();
        let charges = back["value"][0]["charges"].as_array().unwrap();
        assert!(charges.iter().any(|one| one["resourceGroup"] == "app" && one["coveredHours"] == "30"), "{back}");
        let path = format!("/fullmakt/v1/customers/{FJALLRAVEN}/explanation?hour={first}&line=1");
        let why = who.reads(&path).await.ok().json();
        assert_eq!(why["value"][0]["lines"][0]["parts"][0]["reservation"], reservation, "{why}");
    }

    let of_reservation = format!("{of_order}/reservations/{reservation}");
    let consumption = "providers/Microsoft.Consumption";
    let day = &first[..10];
    let filter =
        format!("$filter=properties/UsageDate%20ge%20{day}T00:00:00Z%20and%20properties/UsageDate%20le%20{day}");
    for (who, place) in [(&ada, &of_order), (&olle, &of_reservation)] {
        let path = format!("{place}/{consumption}/reservationSummaries?api-version=2023-05-01&grain=daily&{filter}");
        let daily = who.reads(&path).await.ok().json();
        let summary = &daily["value"][0]["properties"];
        assert_eq!(daily["value"].as_array().unwrap().len(), 1, "{daily}");
        assert_eq!(summary["avgUtilizationPercentage"].as_f64(), Some(50.0), "{daily}");
        let path = format!("{place}/{consumption}/reservationSummaries?api-version=2023-05-01&grain=monthly");
        let monthly = who.reads(&path).await.ok().json();
        let used: f64 = monthly["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["properties"]["usedHours"].as_f64().unwrap())
            .sum();
        assert!((29.99..30.01).contains(&used), "{monthly}");
        let path = format!("{place}/{consumption}/reservationDetails?api-version=2023-05-01&{filter}");
        let details = who.reads(&path).await.ok().json();
        let detail = &details["value"][0]["properties"];
        assert!(detail["instanceId"].as_str().unwrap().ends_with("/virtualmachines/vm1"), "{details}");
        assert_eq!(detail["usedHours"], summary["usedHours"], "{details}");
        let read = who.reads(&format!("{of_reservation}?api-version=2022-11-01")).await.ok().json();
        let aggregates = &read["properties"]["utilization"]["aggregates"];
        assert_eq!(aggregates[2]["value"].as_f64(), Some(50.0), "{read}");
        assert_eq!(aggregates.as_array().unwrap().len(), 3, "{read}");
    }
    for wrong in ["", "&grain=yearly", "&grain=daily"] {
        let path = format!("{of_order}/{consumption}/reservationSummaries?api-version=2023-05-01{wrong}");
        assert_eq!(olle.reads(&path).await.status, 400, "{wrong}");
    }
    let path =
        format!("/subscriptions/{PRODUKTION}/{consumption}/usageDetails?api-version=2023-05-01&metric=amortizedcost");
    let details = olle.reads(&path).await.ok().json();
    let reserved =
        details["value"].as_array().unwrap().iter().all(|one| one["properties"]["pricingModel"] == "Reservation");
    assert!(reserved && !details["value"].as_array().unwrap().is_empty(), "{details}");

    // It has been used: no longer does a return give everything back.
    let audit = ada.reads_audit_records().await.ok().to_string();
    assert!(audit.contains("import_usage") && audit.contains("note_use"), "{audit}");
}
