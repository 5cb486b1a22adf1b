//! What is for sale, and what a partner makes its customers pay, over the wire.

use axum::http::Method;
use fullmakt_testkit::{FJALLRAVEN, KUSTFISKE, NORDMOLN, PRODUKTION, PROV, Purchase, Server};
use serde_json::{Value, json};

const PRICES: &str = "/fullmakt/v1/prices";

#[tokio::test]
async fn a_partner_finds_the_way_from_the_list_to_what_a_cart_names() {
    let server = Server::start().await;
    let ada = server.ada();
    for root in [
        "/v1/Products?country=se&targetView=AzureReservationsVM",
        "/v1//customers/FJ/products/?targetview=azurereservationsvm",
    ] {
        let root = root.replace("FJ", FJALLRAVEN);
        let products = ada.reads(&format!("{root}&reservationScope=AzurePlan")).await.ok().json();
        assert_eq!(products["attributes"]["objectType"], "Collection");
        let items = products["items"].as_array().unwrap();
        let product = items.iter().find(|item| item["title"] == "Reserved VM Instance, BS Series").unwrap();

        let skus = ada.reads(&format!("/v1{}", product["links"]["skus"]["uri"].as_str().unwrap())).await.ok().json();
        let wanted = |sku: &&Value| {
            let about = &sku["dynamicAttributes"];
            about["armSkuName"] == "Standard_B1s" && about["armRegionName"] == "westus" && about["duration"] == "1Year"
        };
        let sku = skus["items"].as_array().unwrap().iter().find(wanted).unwrap();

        let link = sku["links"]["availabilities"]["uri"].as_str().unwrap();
        let found = ada.reads(&format!("/v1{link}")).await.ok().json();
        let availability = &found["items"][0];
        assert_eq!(availability["country"], "SE");
        assert_eq!(availability["defaultCurrency"]["code"], "EUR");
        let same = ada.reads(&format!("/v1{}", availability["links"]["self"]["uri"].as_str().unwrap())).await.ok();
        assert_eq!(same.json()["catalogItemId"], availability["catalogItemId"]);

        let question = json!({
            "TargetItems": [{"ProductId": product["id"], "SkuId": sku["id"]}],
            "InventoryContext": {"customerId": FJALLRAVEN, "armRegionName": "westus"},
        });
        let path = "/v1/extensions/product/CheckInventory?country=SE";
        let stock = ada.sends(Method::POST, path, &question).await.ok().json();
        assert_eq!(stock[0]["isRestricted"], false);
    }
    for view in ["Azure", "MicrosoftAzure"] {
        ada.reads(&format!("/v1/products?country=SE&targetView={view}")).await.ok().says("DZH318Z0BPS6");
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_in_a_catalogue_request_is_named() {
    let server = Server::start().await;
    let ada = server.ada();
    for (path, status, code, named) in [
        ("/v1/products?targetView=Azure", 400, "800002", "country"),
        ("/v1/products?country=SWE&targetView=Azure", 400, "800002", "SWE"),
        ("/v1/products?country=SE", 400, "800002", "targetView"),
        ("/v1/products?country=SE&targetView=Games", 403, "400036", "Games"),
        ("/v1/products?country=SE&targetView=Azure&targetSegment=army", 403, "400030", "army"),
        ("/v1/products?country=SE&targetView=Azure&reservationScope=Moon", 400, "800002", "Moon"),
        ("/v1/products/dzh318z0xxxx?country=SE", 404, "400013", "dzh318z0xxxx"),
        ("/v1/products/DZH318Z0BPS6/skus/0002?country=SE", 404, "400018", "0002"),
        ("/v1/products/DZH318Z0BPS6/skus/0001/availabilities/x?country=SE", 404, "400019", "availability"),
        ("/v1/customers/x/products?targetView=Azure", 400, "900118", "x"),
    ] {
        ada.reads(path).await.is(status, code).says(named);
    }
    let path = "/v1/extensions/product/checkinventory?country=SE";
    ada.sends(Method::POST, path, &json!({})).await.is(400, "800002").says("targetItems");
    ada.sends(Method::POST, path, &json!({"targetItems": [{"skuId": "1"}]})).await.is(400, "800002").says("productId");
}

#[tokio::test]
async fn r45_a_customers_shelf_is_for_its_own_partners_eyes() {
    let server = Server::start().await;
    let path = |customer: &str| format!("/v1/customers/{customer}/products?targetView=AzureReservations");
    server.sven().reads(&path(FJALLRAVEN)).await.ok();
    server.nisse().reads(&path(FJALLRAVEN)).await.is(403, "900150");
    let foreign = server.ada().reads(&path(KUSTFISKE)).await.is(404, "60003");
    let nobody = server.ada().reads(&path("99999999-9999-4999-8999-999999999999")).await.is(404, "60003");
    assert_eq!(foreign.text(), nobody.text());
    server.olle().reads(&path(FJALLRAVEN)).await.is(403, "900150");
}

#[tokio::test]
async fn r14_an_admin_agent_sets_prices_and_everybody_else_does_not() {
    let server = Server::start().await;
    let (ada, sven) = (server.ada(), server.sven());
    let before = ada.reads(PRICES).await.ok().json()["value"].as_array().unwrap().len();
    let five = json!({"customer": FJALLRAVEN, "family": "dsv5", "discountPercent": "5.25"});
    let rule = ada.sends(Method::POST, PRICES, &five).await.is(201, "").json();
    assert_eq!(rule["discountPercent"], "5.25");
    let rules = sven.reads(&format!("{PRICES}?customer={FJALLRAVEN}")).await.ok().json();
    assert!(rules["value"].as_array().unwrap().contains(&rule));

    sven.sends(Method::POST, PRICES, &five).await.is(403, "");
    server.nisse().reads(PRICES).await.is(403, "");
    for stranger in [server.olle(), server.pipeline()] {
        stranger.reads(PRICES).await.is(404, "");
        stranger.sends(Method::POST, PRICES, &five).await.is(404, "");
    }
    // Another partner sees nothing of it and can do nothing to it.
    let one = format!("{PRICES}/{}", rule["id"].as_str().unwrap());
    assert!(!server.ture().reads(PRICES).await.ok().text().contains(rule["id"].as_str().unwrap()));
    server.ture().deletes(&one).await.is(404, "");
    for (body, named) in [
        (json!({"customer": KUSTFISKE, "discountPercent": 5}), "customer"),
        (json!({"family": "Dsv55", "discountPercent": 5}), "Dsv55"),
        (json!({"discountPercent": 101}), "discountPercent"),
        (json!({"discountPercent": 5, "from": "2026-12-02", "until": "2026-12-01"}), "until"),
        (json!({"family": "Dsv5", "sku": "Standard_D2s_v5", "fixed": 1}), "sku"),
    ] {
        ada.sends(Method::POST, PRICES, &body).await.is(400, "").says(named);
    }
    ada.deletes(&format!("{one}?until=2020-01-01")).await.is(400, "").says("until");
    let ended = ada.deletes(&one).await.ok().json();
    assert!(ended["until"].is_string());
    assert_eq!(ada.deletes(&one).await.ok().json(), ended);
    assert_eq!(ada.reads(PRICES).await.ok().json()["value"].as_array().unwrap().len(), before + 1);

    // Made, five times refused by decision or four by form, ended: what the door decided stands in the partner's log.
    let log = "SELECT count(*) FROM activity_record WHERE operation IN ('create_price_rule', 'end_price_rule')
               AND outcome = 'succeeded'";
    assert_eq!(server.database.number(log).await, 2);
    let other = "SELECT count(*) FROM activity_record WHERE operation = 'create_price_rule'
                 AND root_id <> '11111111-1111-4111-8111-111111111111'";
    assert_eq!(server.database.number(other).await, 0, "{NORDMOLN}");
}

fn catalogs(subscription: &str, version: &str) -> String {
    format!(
        "/subscriptions/{subscription}/providers/Microsoft.Capacity/catalogs?api-version={version}\
         &reservedResourceType=VirtualMachines&location=swedencentral"
    )
}

#[tokio::test]
async fn r14_the_buyer_reads_list_prices_page_by_page_and_no_cost_of_the_partner() {
    let server = Server::start().await;
    let mut path = catalogs(PRODUKTION, "2022-11-01");
    let mut names = Vec::new();
    let mut total = Value::Null;
    for _ in 0..10 {
        let page = server.olle().reads(&path).await.ok();
        assert!(!page.text().to_lowercase().contains("partner"));
        let page = page.json();
        names.extend(page["value"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        total = page["totalItems"].clone();
        match page["nextLink"].as_str() {
            Some(link) => path = link.strip_prefix(&server.base_url).unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(total, names.len());
    assert!(names.len() > 50 && names.contains(&"Standard_D2s_v5".to_owned()));
    assert!(!names.contains(&"Standard_D2s_v6".to_owned()), "not yet sold there");
    let old = server.olle().reads(&catalogs(PRODUKTION, "2022-03-01")).await.ok().json();
    assert_eq!(old.as_array().unwrap().len(), names.len());
    // Whoever has no role on the subscription does not learn what is sold there, or that it is there.
    server.rut().reads(&catalogs(PRODUKTION, "2022-11-01")).await.is(403, "AuthorizationFailed");
    server.olle().reads(&catalogs(PROV, "2022-11-01")).await.is(403, "AuthorizationFailed");
    server.frida().reads(&catalogs(PRODUKTION, "2022-11-01")).await.is(404, "SubscriptionNotFound");
}

#[tokio::test]
async fn r14_a_new_rule_decides_the_next_price_and_its_end_brings_back_the_last() {
    let server = Server::start().await;
    let (ada, olle) = (server.ada(), server.olle());
    ada.grants_self_serve(FJALLRAVEN).await.ok();
    let two = Purchase::of(2, "Standard_D2s_v5");
    let total =
        |answer: fullmakt_testkit::Answer| answer.json()["properties"]["billingCurrencyTotal"]["amount"].clone();
    let before = total(olle.asks_price(&two).await.ok());
    let rule = json!({"customer": FJALLRAVEN, "sku": "standard_d2s_v5", "fixed": "123.45"});
    let rule = ada.sends(Method::POST, PRICES, &rule).await.ok().json();
    assert_eq!(total(olle.asks_price(&two).await.ok()), 246.9);
    ada.deletes(&format!("{PRICES}/{}", rule["id"].as_str().unwrap())).await.ok();
    assert_eq!(total(olle.asks_price(&two).await.ok()), before);
}
