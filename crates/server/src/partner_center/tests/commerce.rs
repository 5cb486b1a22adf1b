//! What a partner buys for its customers: carts, orders, entitlements.

use super::*;

const SKOG: &str = "55555555-5555-4555-8555-555555555555";
const AZURE_PLAN: &str = "DZH318Z0BPS6:0001:DZH318Z0FMPL";

/// Confirms the agreement, as the SDK does it.
async fn agreed(world: &World, customer: &str) {
    let template = world.get("ada", "/v1/agreements?agreementType=MicrosoftCustomerAgreement").await.ok(200);
    let body = json!({
        "PrimaryContact": {"FirstName": "Pelle", "LastName": "Gran", "Email": "pelle@skogsbruket.example"},
        "TemplateId": template["items"][0]["templateId"], "DateAgreed": "2026-06-14", "Type": "MicrosoftCustomerAgreement",
    });
    let address = format!("/v1/customers/{customer}/agreements");
    world.send("ada", "POST", &address, &DOTNET, &body.to_string()).await.ok(201);
}

async fn post(world: &World, who: &str, address: &str, body: &Value) -> Answered {
    world.send(who, "POST", address, &DOTNET, &body.to_string()).await
}

/// A cart as the .NET SDK writes it: every member, null where it is unset.
fn dotnet_cart(lines: &[Value]) -> Value {
    json!({
        "Id": null, "CreationTimestamp": "0001-01-01T00:00:00", "LastModifiedTimestamp": "0001-01-01T00:00:00",
        "ExpirationTimestamp": "0001-01-01T00:00:00", "LastModifiedUser": null, "Status": null, "LineItems": lines,
        "Links": null, "Attributes": {"ObjectType": "Cart"},
    })
}

fn dotnet_line(item: &str, quantity: i64, cycle: &str, context: Value) -> Value {
    json!({
        "Id": 0, "CatalogItemId": item, "FriendlyName": null, "Quantity": quantity, "CurrencyCode": null,
        "BillingCycle": cycle, "TermDuration": null, "Participants": null, "ProvisioningContext": context,
        "OrderGroup": null, "AddonItems": null, "RenewsTo": null, "PromotionId": null, "Error": null,
    })
}

/// The first purchasable reservation for an Azure plan (or a legacy subscription): its item and its duration.
async fn reservation_item(world: &World, customer: &str, scope: &str) -> (String, String) {
    let products = format!("/v1/customers/{customer}/products");
    let listed = world.get("ada", &format!("{products}?targetView=AzureReservationsVM{scope}")).await.ok(200);
    for product in listed["items"].as_array().unwrap() {
        let skus = format!("{products}/{}/skus", product["id"].as_str().unwrap());
        for sku in world.get("ada", &format!("{skus}?{scope}")).await.ok(200)["items"].as_array().unwrap() {
            let address = format!("{skus}/{}/availabilities?{scope}", sku["id"].as_str().unwrap());
            let availability = world.get("ada", &address).await.ok(200)["items"][0].clone();
            if availability["isPurchasable"] == true {
                let duration = sku["dynamicAttributes"]["duration"].as_str().unwrap().to_owned();
                return (availability["catalogItemId"].as_str().unwrap().to_owned(), duration);
            }
        }
    }
    panic!("nothing is for sale")
}

const PLAN_SCOPE: &str = "&reservationScope=AzurePlan";

/// A customer with an agreement and a registered plan: the plan's identifier.
async fn with_plan(world: &World) -> String {
    agreed(world, SKOG).await;
    let order = json!({"billingCycle": "one_time", "lineItems": [{"offerId": AZURE_PLAN, "quantity": 1}]});
    let order = post(world, "ada", &format!("/v1/customers/{SKOG}/orders"), &order).await.ok(201);
    let plan = order["lineItems"][0]["subscriptionId"].as_str().unwrap().to_owned();
    let registrations = format!("/v1/customers/{SKOG}/subscriptions/{plan}/registrations");
    assert_eq!(world.send("ada", "POST", &registrations, &DOTNET, "null").await.status, 202);
    plan
}

#[tokio::test]
async fn r10_r18_r42_from_the_agreement_to_the_artifact() {
    let world = World::new().await;
    let base = format!("/v1/customers/{SKOG}");
    let carts = format!("{base}/carts");
    let plan_cart = dotnet_cart(&[dotnet_line("dzh318z0bps6:0001:DZH318Z0FMPL", 1, "one_time", Value::Null)]);
    post(&world, "ada", &carts, &plan_cart).await.is(403, "13605");
    agreed(&world, SKOG).await;

    // The plan, by cart.
    let cart = post(&world, "ada", &carts, &plan_cart).await.ok(201);
    assert_eq!((&cart["status"], &cart["attributes"]["objectType"]), (&json!("Active"), &json!("Cart")));
    assert_eq!(cart["expirationTimestamp"], "2026-06-15T08:15:00Z");
    assert_eq!(cart["lastModifiedUser"], "11111111-0000-4000-8000-000000000001");
    assert_eq!(
        cart["lineItems"],
        json!([{
            "id": 0, "catalogItemId": "dzh318z0bps6:0001:DZH318Z0FMPL", "quantity": 1, "billingCycle": "one_time",
            "orderGroup": "0",
        }])
    );
    let address = format!("{carts}/{}", cart["id"].as_str().unwrap().to_uppercase());
    assert_eq!(world.get("ada", &format!("{address}/")).await.ok(200), cart);
    let bought = world.send("ada", "POST", &format!("{address}/checkout"), &DOTNET, "\"success\"").await.ok(201);
    assert_eq!(bought["orderErrors"], json!([]));
    assert_eq!(bought["attributes"]["objectType"], "CartCheckoutResult");
    let order = &bought["orders"][0];
    assert_eq!((&order["status"], &order["transactionType"]), (&json!("completed"), &json!("UserPurchase")));
    assert_eq!(order["purchasedBy"]["name"], "ada@nordmoln.example");
    let plan = order["lineItems"][0]["subscriptionId"].as_str().unwrap();
    assert_eq!(world.get("ada", &address).await.ok(200)["status"], "Ordered");
    world.send("ada", "PUT", &address, &DOTNET, &plan_cart.to_string()).await.is(400, "800065");
    world.send("ada", "POST", &format!("{address}/checkout"), &DOTNET, "null").await.is(400, "800065");

    // What it brought: one Azure subscription under it.
    let subscription = world.get("ada", &format!("{base}/subscriptions/{plan}")).await.ok(200);
    assert_eq!((&subscription["status"], &subscription["orderId"]), (&json!("active"), &order["id"]));
    let azure = world.get("ada", &format!("{base}/subscriptions/{plan}/azureEntitlements")).await.ok(200);
    assert_eq!((&azure["totalCount"], &azure["items"][0]["friendlyName"]), (&json!(1), &json!("Microsoft Azure")));

    // A reservation: not before the plan is registered.
    let (item, duration) = reservation_item(&world, SKOG, PLAN_SCOPE).await;
    let context = json!({"SubscriptionId": plan.to_uppercase(), "Scope": "single", "DURATION": duration});
    let reservation_cart = dotnet_cart(&[dotnet_line(&item, 2, "one_time", context)]);
    let cart = post(&world, "ada", &carts, &reservation_cart).await.ok(201);
    assert_eq!(cart["lineItems"][0]["error"]["errorCode"], 10_011);
    let address = format!("{carts}/{}", cart["id"].as_str().unwrap());
    world.send("ada", "POST", &format!("{address}/checkout"), &DOTNET, "").await.is(400, "800009");
    let registrations = format!("{base}/subscriptions/{plan}/registrations");
    assert_eq!(world.send("ada", "POST", &registrations, &DOTNET, "null").await.status, 202);
    let cart = world.send("ada", "PUT", &address, &DOTNET, &reservation_cart.to_string()).await.ok(200);
    assert!(cart["lineItems"][0].get("error").is_none(), "{cart}");
    // R32: under an Azure plan the scope is shared, whatever was asked for.
    assert_eq!(cart["lineItems"][0]["provisioningContext"]["scope"], "shared");
    post(&world, "ada", "/v1/SelfServePolicy", &serde_json::from_str(&dotnet_policy(SKOG)).unwrap()).await.ok(201);
    let bought = world.send("ada", "POST", &format!("{address}/checkout"), &DOTNET, "\"success\"").await.ok(201);
    let order = &bought["orders"][0];

    // The history, with and without prices.
    let orders = format!("{base}/orders");
    let all = world.get("beata", &orders).await.ok(200);
    assert_eq!(all["totalCount"], 2);
    assert!(all["items"][0].get("totalPrice").is_none());
    for kind in ["OneTime", "one_time", "onetime"] {
        let listed = world.get("ada", &format!("{orders}?billingType={kind}&include_price=false")).await.ok(200);
        assert_eq!(listed["totalCount"], 2, "{kind}");
    }
    assert_eq!(world.get("ada", &format!("{orders}?billingType=annual")).await.ok(200)["totalCount"], 0);
    world.get("ada", &format!("{orders}?billingType=weekly")).await.is(400, "800002");
    let one = format!("{orders}/{}", order["id"].as_str().unwrap().to_uppercase());
    assert_eq!(world.get("ada", &one).await.ok(200), *order);
    let priced = world.get("ada", &format!("{one}?include_price=True")).await.ok(200);
    let pricing = &priced["lineItems"][0]["pricing"];
    assert_eq!(pricing["extendedPrice"], priced["totalPrice"]);
    assert!(pricing["price"].as_f64() < pricing["listPrice"].as_f64(), "the partner sees what it pays: {pricing}");
    assert_eq!(priced["currencyCode"], "EUR");
    world.get("ada", &format!("{orders}/x")).await.is(404, "20000");
    let status = world.get("ada", &format!("{one}/provisioningStatus")).await.ok(200);
    assert_eq!(status["items"][0]["status"], "Fulfilled");

    // The entitlement and its artifact.
    let entitlements = format!("{base}/entitlements");
    world.get("integration", &entitlements).await.is(401, "400");
    assert_eq!(world.get("ada", &format!("{entitlements}?entitlementType=software")).await.ok(200)["totalCount"], 0);
    let listed = world.get("ada", &format!("{entitlements}?entitlementtype=ReservedInstance&showExpiry=True")).await;
    let entitlement = listed.ok(200)["items"][0].clone();
    assert_eq!(entitlement["referenceOrder"]["id"], order["id"]);
    assert_eq!(entitlement["referenceOrder"]["lineItemId"], "0");
    assert_eq!((&entitlement["quantity"], &entitlement["entitlementType"]), (&json!(2), &json!("reservedinstance")));
    assert!(entitlement["expiryDate"].is_string());
    let artifact = &entitlement["entitledArtifacts"][0];
    assert_eq!(artifact["artifactType"], "reservedinstance");
    assert_eq!(artifact["dynamicAttributes"]["reservationType"], "virtualmachines");
    let uri = artifact["link"]["uri"].as_str().unwrap();
    let details = world.get("ada", &format!("/v1{uri}")).await.ok(200);
    for key in ["reservations", "reservation", "virtualMachineReservations"] {
        let reservation = &details[key][0];
        assert_eq!((&reservation["quantity"], &reservation["scopeType"]), (&json!(2), &json!("Shared")), "{key}");
        assert!(reservation.get("appliedScopes").is_none());
    }
    world.get("ada", &format!("/v1{}", uri.replace("lineitems/0", "lineitems/1"))).await.is(404, "1000");

    // One record for each purchase.
    let records = world.get("ada", "/v1/auditrecords?size=100").await.ok(200);
    let records = records["items"].as_array().unwrap().clone();
    let of = |kind: &str| records.iter().filter(|r| r["operationType"] == kind).count();
    assert_eq!((of("create_order"), of("create_self_serve_policy")), (4, 1));
    let failed = records.iter().filter(|r| r["operationStatus"] == "failed").count();
    assert_eq!(failed, 2, "{records:?}");
    let record = records.iter().find(|r| r["customizedData"][0]["value"] == order["id"]).unwrap();
    let keys: Vec<&str> =
        record["customizedData"].as_array().unwrap().iter().map(|d| d["key"].as_str().unwrap()).collect();
    assert!(keys.starts_with(&["OrderId", "AlternateId", "BillingCycle"]), "{keys:?}");
    assert!(!record["resourceNewValue"].as_str().unwrap().contains("artnerUnit"));
}

#[tokio::test]
async fn who_may_buy_and_who_may_see() {
    let world = World::new().await;
    agreed(&world, SKOG).await;
    let base = format!("/v1/customers/{SKOG}");
    let cart = dotnet_cart(&[dotnet_line(AZURE_PLAN, 1, "one_time", Value::Null)]);
    post(&world, "beata", &format!("{base}/carts"), &cart).await.is(403, "900150");
    let order = json!({"billingCycle": "one_time", "lineItems": [{"offerId": AZURE_PLAN, "quantity": 1}]});
    post(&world, "beata", &format!("{base}/orders"), &order).await.is(403, "900150");
    assert_eq!(world.get("beata", &format!("{base}/orders")).await.ok(200)["totalCount"], 0);
    let made = post(&world, "sven", &format!("{base}/carts"), &cart).await.ok(201);
    // An application's own token will do.
    let address = format!("{base}/carts/{}", made["id"].as_str().unwrap());
    assert_eq!(world.get("integration", &address).await.ok(200)["id"], made["id"]);
    world.send("integration", "POST", &format!("{address}/checkout"), &DOTNET, "null").await.ok(201);
    // R45: another partner's customer is as good as none, and so is a cart of another customer.
    for (method, path) in [
        ("POST", "carts"),
        ("GET", "carts/00000000-0000-4000-8000-000000000001"),
        ("PUT", "carts/00000000-0000-4000-8000-000000000001"),
        ("POST", "carts/00000000-0000-4000-8000-000000000001/checkout"),
        ("GET", "orders"),
        ("POST", "orders"),
        ("GET", "orders/x"),
        ("GET", "entitlements"),
        ("GET", "artifacts/reservedinstance/groups/a/lineitems/0/resource/b"),
    ] {
        let body = if method == "GET" {
            String::new()
        } else if path == "orders" {
            order.to_string()
        } else {
            cart.to_string()
        };
        let mut answers = Vec::new();
        for customer in [OTHER, "99999999-9999-4999-8999-999999999999"] {
            let answer = world.send("ada", method, &format!("/v1/customers/{customer}/{path}"), &DOTNET, &body).await;
            answer.is(404, "60003");
            answers.push(answer.bytes);
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    let elsewhere = address.replace(SKOG, CUSTOMER);
    world.get("ada", &elsewhere).await.is(404, "800008");
    world.get("ada", &format!("{base}/carts/x")).await.is(404, "800008");
}

#[tokio::test]
async fn each_reason_not_to_sell_has_its_code_in_carts_and_orders() {
    let world = World::new().await;
    let plan = with_plan(&world).await;
    let (item, duration) = reservation_item(&world, SKOG, PLAN_SCOPE).await;
    let (legacy_item, _) = reservation_item(&world, SKOG, "").await;
    let on = |id: &str| json!({"subscriptionId": id, "scope": "shared", "duration": duration});
    let nowhere = "00000000-0000-4000-8000-00000000000f";
    let line = |item: &str, quantity: i64, context: Value| json!({"offerId": item, "catalogItemId": item, "quantity": quantity, "provisioningContext": context});
    let with = |mut line: Value, name: &str, value: Value| {
        line[name] = value;
        line
    };
    let good = line(&item, 1, on(&plan));
    for (line, cycle, in_cart, status, code) in [
        (line("nothing", 1, Value::Null), "one_time", 10_001, 400, "800004"),
        (line("DZH318Z0BQ00:0000:DZH318Z00000", 1, Value::Null), "one_time", 10_001, 400, "800004"),
        (with(good.clone(), "currencyCode", json!("USD")), "one_time", 10_000, 400, "800002"),
        (line(&item, 0, on(&plan)), "one_time", 10_010, 400, "800017"),
        (line(&item, 1_001, on(&plan)), "one_time", 10_010, 400, "800017"),
        (with(good.clone(), "termDuration", json!("P5Y")), "one_time", 10_010, 400, "800002"),
        (line(&item, 1, json!({"subscriptionId": plan, "scope": "wide"})), "one_time", 10_010, 400, "800002"),
        (line(&item, 1, Value::Null), "one_time", 10_010, 400, "800002"),
        (line(&item, 1, on("x")), "one_time", 10_007, 400, "800021"),
        (line(&item, 1, on(nowhere)), "one_time", 10_007, 400, "800021"),
        (line(&legacy_item, 1, on(&plan)), "one_time", 10_008, 400, "800013"),
        (line(AZURE_PLAN, 1, Value::Null), "monthly", 10_013, 400, "800002"),
        (line(AZURE_PLAN, 2, Value::Null), "one_time", 10_010, 400, "800017"),
        (line(AZURE_PLAN, 1, Value::Null), "one_time", 10_002, 400, "900116"),
        (line("MS-AZR-0145P", 1, Value::Null), "monthly", 500_600, 403, "800020"),
        (with(good.clone(), "participants", json!([{"key": "x", "value": "y"}])), "one_time", 10_004, 400, "800002"),
        (with(good.clone(), "promotionId", json!("p")), "one_time", 10_014, 400, "800002"),
        (with(good.clone(), "renewsTo", json!({"termDuration": "P1Y"})), "one_time", 10_006, 400, "800002"),
    ] {
        let carts = format!("/v1/customers/{SKOG}/carts");
        let cart = json!({"lineItems": [with(line.clone(), "billingCycle", json!(cycle))]});
        let cart = post(&world, "ada", &carts, &cart).await.ok(201);
        assert_eq!(cart["lineItems"][0]["error"]["errorCode"], in_cart, "{cart}");
        let checkout = format!("{carts}/{}/checkout", cart["id"].as_str().unwrap());
        world.send("ada", "POST", &checkout, &DOTNET, "null").await.is(400, "800009");
        let order = json!({"billingCycle": cycle, "lineItems": [line]});
        let answer = post(&world, "ada", &format!("/v1/customers/{SKOG}/orders"), &order).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.json());
    }
    // Nothing was bought by all that.
    assert_eq!(world.get("ada", &format!("/v1/customers/{SKOG}/orders")).await.ok(200)["totalCount"], 1);
    // A subscription of another customer of the same partner is none of this one's.
    let order = json!({"billingCycle": "one_time", "lineItems": [line(&item, 1, on(PLAN))]});
    post(&world, "ada", &format!("/v1/customers/{SKOG}/orders"), &order).await.is(400, "800021");
}

#[tokio::test]
async fn bad_bodies_are_refused_by_name_of_the_field() {
    let world = World::new().await;
    agreed(&world, SKOG).await;
    for (path, body, needle) in [
        ("carts", json!({}), "lineItems"),
        ("carts", json!({"lineItems": [{"catalogItemId": "a", "quantity": "many"}]}), "lineItems[0].quantity"),
        ("carts", json!({"lineItems": [{"catalogItemId": ["a"], "quantity": 1}]}), "lineItems[0].catalogItemId"),
        ("carts", json!({"lineItems": vec![json!({}); 201]}), "lineItems"),
        ("orders", json!({"lineItems": [{"offerId": "a", "quantity": 1}]}), "billingCycle"),
        ("orders", json!({"billingCycle": "weekly", "lineItems": []}), "billingCycle"),
        ("orders", json!({"billingCycle": "one_time", "lineItems": [{"quantity": 1}]}), "lineItems[0].offerId"),
        (
            "orders",
            json!({"billingCycle": "one_time", "referenceCustomerId": CUSTOMER, "lineItems": []}),
            "referenceCustomerId",
        ),
    ] {
        let answer = post(&world, "ada", &format!("/v1/customers/{SKOG}/{path}"), &body).await;
        answer.is(400, "800002");
        let text = answer.json()["description"].as_str().unwrap().to_owned();
        assert!(text.contains(&format!("`{needle}`")), "{body}: {text}");
    }
}

#[tokio::test]
async fn the_orders_of_the_npm_client_and_of_the_dotnet_sample_are_taken() {
    let world = World::new().await;
    let plan = with_plan(&world).await;
    let (item, duration) = reservation_item(&world, SKOG, PLAN_SCOPE).await;
    let orders = format!("/v1/customers/{SKOG}/orders");
    // npm has no headers of its own and counts the lines itself.
    let npm = json!({"lineItems": [{"offerId": item, "quantity": 3, "lineItemNumber": 0,
        "provisioningContext": {"subscriptionId": plan, "scope": "shared", "duration": duration}}], "billingCycle": "one_time"});
    let headers = [("accept", "application/json, text/plain, */*"), ("content-type", "application/json")];
    let order = world.send("integration", "POST", &orders, &headers, &npm.to_string()).await.ok(201);
    assert_eq!(order["lineItems"][0]["quantity"], 3);
    let dotnet = json!({
        "Id": null, "AlternateId": null, "ReferenceCustomerId": SKOG, "BillingCycle": "one_time", "CurrencyCode": null,
        "CurrencySymbol": null, "TotalPrice": null, "CreationDate": null, "Status": null, "TransactionType": null,
        "LineItems": [{"LineItemNumber": 0, "OfferId": item, "SubscriptionId": null, "ParentSubscriptionId": null,
            "FriendlyName": "ASampleRI", "Quantity": 1, "TermDuration": null, "PartnerIdOnRecord": null,
            "ProvisioningContext": {"subscriptionId": plan, "scope": "shared", "duration": duration}, "Links": null,
            "RenewsTo": null, "Pricing": null, "TransactionType": null, "Attributes": {"ObjectType": "OrderLineItem"}}],
        "Links": null, "Attributes": {"ObjectType": "Order"},
    });
    let order = post(&world, "ada", &orders, &dotnet).await.ok(201);
    assert_eq!(order["lineItems"][0]["friendlyName"], "ASampleRI");
    assert_eq!(order["billingCycle"], "one_time");
    let entitlements = world.get("ada", &format!("/v1/customers/{SKOG}/entitlements")).await.ok(200);
    assert_eq!(entitlements["totalCount"], 2);
}

#[tokio::test]
async fn a_repeat_of_a_purchase_buys_once_and_two_checkouts_too() {
    let world = World::new().await;
    let plan = with_plan(&world).await;
    let (item, _) = reservation_item(&world, SKOG, PLAN_SCOPE).await;
    let base = format!("/v1/customers/{SKOG}");
    let mut headers = DOTNET.to_vec();
    headers.push(("ms-requestid", "5d7c0c35-0b5a-4c0e-8a52-6c4a6bb0a0f1"));
    let line = json!({"offerId": item, "catalogItemId": item, "quantity": 1, "billingCycle": "one_time",
        "provisioningContext": {"subscriptionId": plan}});
    let order = json!({"billingCycle": "one_time", "lineItems": [line]}).to_string();
    let orders = format!("{base}/orders");
    let send = || world.send("ada", "POST", &orders, &headers, &order);
    let both = tokio::join!(send(), send());
    assert_eq!(both.0.ok(201), both.1.ok(201));
    assert_eq!(world.get("ada", &orders).await.ok(200)["totalCount"], 2);

    let cart = json!({"lineItems": [line]}).to_string();
    let carts = format!("{base}/carts");
    let send = || world.send("ada", "POST", &carts, &headers, &cart);
    let (one, two) = tokio::join!(send(), send());
    assert_eq!(one.ok(201)["id"], two.ok(201)["id"]);
    let checkout = format!("{carts}/{}/checkout", one.json()["id"].as_str().unwrap());
    let send = || world.send("ada", "POST", &checkout, &DOTNET, "null");
    let (one, two) = tokio::join!(send(), send());
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400]);
    assert_eq!(world.get("ada", &orders).await.ok(200)["totalCount"], 3);
}

#[tokio::test]
async fn lines_of_different_kinds_become_different_orders_at_once() {
    let world = World::new().await;
    agreed(&world, SKOG).await;
    let base = format!("/v1/customers/{SKOG}");
    let carts = format!("{base}/carts");
    let legacy = json!({"catalogItemId": "MS-AZR-0145P", "quantity": 1, "billingCycle": "monthly"});
    let cart = json!({"lineItems": [legacy, legacy]});
    let cart = post(&world, "ada", &carts, &cart).await.ok(201);
    let groups: Vec<&Value> = cart["lineItems"].as_array().unwrap().iter().map(|l| &l["orderGroup"]).collect();
    assert_eq!(groups, ["OMS-0", "OMS-1"]);
    let checkout = format!("{carts}/{}/checkout", cart["id"].as_str().unwrap());
    let bought = world.send("ada", "POST", &checkout, &DOTNET, "null").await.ok(201);
    assert_eq!(bought["orders"].as_array().unwrap().len(), 2);
    // Both are there, each with the Azure subscription of the same identifier, and one record tells of both.
    let subscriptions = world.get("ada", &format!("{base}/subscriptions")).await.ok(200);
    assert_eq!(subscriptions["totalCount"], 2);
    let legacy = bought["orders"][0]["lineItems"][0]["subscriptionId"].as_str().unwrap();
    let azure = world.get("ada", &format!("{base}/subscriptions/{legacy}/azureEntitlements")).await.ok(200);
    assert_eq!(azure["items"][0]["id"], legacy);
    let records = world.get("ada", "/v1/auditrecords").await.ok(200);
    let placed: Vec<&Value> =
        records["items"].as_array().unwrap().iter().filter(|r| r["operationType"] == "create_order").collect();
    assert_eq!(placed.len(), 1);
    let told = placed[0]["customizedData"].as_array().unwrap().iter().filter(|d| d["key"] == "OrderId").count();
    assert_eq!(told, 2);
    // No plan beside them.
    let plan = json!({"lineItems": [{"catalogItemId": AZURE_PLAN, "quantity": 1, "billingCycle": "one_time"}]});
    let cart = post(&world, "ada", &carts, &plan).await.ok(201);
    assert_eq!(cart["lineItems"][0]["error"]["errorCode"], 10_006);
    // R32: a legacy subscription takes single scope.
    let registrations = format!("{base}/subscriptions/{legacy}/registrations");
    assert_eq!(world.send("ada", "POST", &registrations, &DOTNET, "null").await.status, 202);
    let (item, _) = reservation_item(&world, SKOG, "").await;
    let order = json!({"billingCycle": "one_time", "lineItems": [{"offerId": item, "quantity": 1,
        "provisioningContext": {"subscriptionId": legacy, "scope": "Single"}}]});
    post(&world, "ada", &format!("{base}/orders"), &order).await.ok(201);
    let entitlement = world.get("ada", &format!("{base}/entitlements")).await.ok(200)["items"][0].clone();
    let uri = entitlement["entitledArtifacts"][0]["link"]["uri"].as_str().unwrap();
    let details = world.get("ada", &format!("/v1{uri}")).await.ok(200);
    assert_eq!(details["reservations"][0]["appliedScopes"], json!([format!("/subscriptions/{legacy}")]));
}
