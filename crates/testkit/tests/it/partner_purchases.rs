//! What a partner buys for its customer, beside what the customer buys.

use axum::http::Method;
use fullmakt_testkit::{FJALLRAVEN, PRODUKTION, Persona, Server, assert_all_whole};
use serde_json::{Value, json};

const PLAN: &str = "22222222-0000-4000-8000-0000000000e1";

/// The item by which a cart names a year of `Standard_B1s` in westus, for an Azure plan.
async fn item(ada: &Persona) -> String {
    let products =
        format!("/v1/customers/{FJALLRAVEN}/products?targetView=AzureReservationsVM&reservationScope=AzurePlan");
    let products = ada.reads(&products).await.ok().json();
    let mut items = products["items"].as_array().unwrap().iter();
    let product = items.find(|item| item["title"] == "Reserved VM Instance, BS Series").unwrap();
    let skus = ada.reads(&format!("/v1{}", product["links"]["skus"]["uri"].as_str().unwrap())).await.ok().json();
    let wanted = |sku: &&Value| {
        let about = &sku["dynamicAttributes"];
        about["armSkuName"] == "Standard_B1s" && about["armRegionName"] == "westus" && about["duration"] == "1Year"
    };
    let sku = skus["items"].as_array().unwrap().iter().find(wanted).unwrap().clone();
    let link = sku["links"]["availabilities"]["uri"].as_str().unwrap();
    let found = ada.reads(&format!("/v1{link}")).await.ok().json();
    found["items"][0]["catalogItemId"].as_str().unwrap().to_owned()
}

async fn registers(ada: &Persona) {
    let path = format!("/v1/customers/{FJALLRAVEN}/subscriptions/{PLAN}/registrations");
    assert_eq!(ada.sends(Method::POST, &path, &Value::Null).await.status, 202);
}

/// A cart with so many of an item on Produktion; its address.
async fn fills_a_cart(ada: &Persona, item: &str, quantity: u32) -> String {
    let line = json!({"catalogItemId": item, "quantity": quantity, "billingCycle": "one_time",
        "provisioningContext": {"subscriptionId": PRODUKTION, "scope": "shared", "duration": "1Year"}});
    let carts = format!("/v1/customers/{FJALLRAVEN}/carts");
    let cart = ada.sends(Method::POST, &carts, &json!({"lineItems": [line]})).await.ok().json();
    format!("{carts}/{}", cart["id"].as_str().unwrap())
}

#[tokio::test]
async fn r17_the_history_shows_both_sides_purchases_and_who_bought() {
    let server = Server::start().await;
    let (ada, olle) = (server.ada(), server.olle());
    registers(&ada).await;
    let cart = fills_a_cart(&ada, &item(&ada).await, 2).await;
    ada.sends(Method::POST, &format!("{cart}/checkout"), &json!("success")).await.ok();
    ada.grants_self_serve(FJALLRAVEN).await.ok();
    olle.buys(1, "Standard_D2s_v5").await.ok();

    let orders = ada.reads_orders(FJALLRAVEN).await.ok().json();
    let mut bought: Vec<(&str, &str)> = orders["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| {
            let by = &order["purchasedBy"];
            (by["type"].as_str().unwrap(), by["name"].as_str().unwrap())
        })
        .collect();
    bought.sort_unstable();
    assert_eq!(bought, [("customer", "olle@exempel.example"), ("partner", "ada@nordmoln.example")]);
    let entitlements = ada.reads(&format!("/v1/customers/{FJALLRAVEN}/entitlements")).await.ok().json();
    assert_eq!(entitlements["totalCount"], 2);
    // Olle is Owner of Produktion, so he sees what was bought on it; Rut sees nothing.
    let orders = "/providers/Microsoft.Capacity/reservationOrders?api-version=2022-11-01";
    assert_eq!(olle.reads(orders).await.ok().json()["value"].as_array().unwrap().len(), 2);
    assert_eq!(server.rut().reads(orders).await.ok().json()["value"].as_array().unwrap().len(), 0);
    assert_all_whole(&server.database).await;
}

#[tokio::test]
async fn r18_a_cart_checked_out_by_many_at_once_is_bought_once_also_when_the_server_is_killed() {
    let mut server = Server::start().await;
    let ada = server.ada();
    registers(&ada).await;
    let cart = fills_a_cart(&ada, &item(&ada).await, 3).await;
    let checkout = format!("{cart}/checkout");
    let request = "5d7c0c35-0b5a-4c0e-8a52-6c4a6bb0a0f1";
    let named = ada.ask(Method::POST, &checkout).await.header("ms-requestid", request).send();
    let unnamed = (0..6).map(|_| async { ada.sends(Method::POST, &checkout, &Value::Null).await.status.as_u16() });
    let (named, unnamed) = tokio::join!(named, futures_util::future::join_all(unnamed));
    let won = unnamed.iter().filter(|status| **status == 201).count() + usize::from(named.status == 201);
    assert_eq!(won, 1, "{unnamed:?} {}", named.status);
    let orders = ada.reads_orders(FJALLRAVEN).await.ok().json();
    assert_eq!(orders["totalCount"], 1);
    server.kill();
    let after = server.another().await;
    let repeated = after.ada().ask(Method::POST, &checkout).await.header("ms-requestid", request).send().await;
    assert_eq!((repeated.status, repeated.text()), (named.status, named.text()));
    assert_eq!(after.ada().reads_orders(FJALLRAVEN).await.ok().json(), orders);
    assert_all_whole(&after.database).await;
}
