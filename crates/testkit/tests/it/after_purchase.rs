//! Several who give back, split or renew the same at once, on two servers where the database allows it: one wins, and the
//! others hear why not (R20-R23).

use axum::http::Method;
use fullmakt_testkit::{
    Answer, Database, FJALLRAVEN, Persona, Purchase, Server, TestDatabase, assert_all_whole, order_path, quoted_order,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

const SKU: &str = "Standard_D2s_v5";
const CAPACITY: &str = "/providers/Microsoft.Capacity";

/// One server, or two on one database.
struct Servers {
    all: Vec<Server>,
    database: TestDatabase,
}

impl Servers {
    async fn new() -> Self {
        let kind = Database::under_test();
        let database = TestDatabase::create(kind).await;
        let mut all = vec![Server::start_on(&database).await];
        if kind == Database::Postgres {
            let second = all[0].another().await;
            all.push(second);
        }
        all[0].ada().grants_self_serve(FJALLRAVEN).await.ok();
        Self { all, database }
    }

    /// Ada, on one server or the other.
    fn ada(&self, n: usize) -> Persona {
        self.all[n % self.all.len()].ada()
    }

    /// Olle buys, and gives the order and the path of its reservation.
    async fn bought(&self, quantity: u32) -> (String, String) {
        let olle = self.all[0].olle();
        let wanted = Purchase::of(quantity, SKU);
        let order = quoted_order(&olle.asks_price(&wanted).await.ok());
        let bought = olle.buys_quoted(&order, &wanted).await.ok().json();
        (order, bought["properties"]["reservations"][0]["id"].as_str().unwrap().to_owned())
    }
}

async fn posts(who: &Persona, path: &str, properties: Value) -> Answer {
    let path = format!("{path}?api-version=2022-11-01");
    who.sends(Method::POST, &path, &json!({"properties": properties})).await
}

fn one(reservation: &str, quantity: u32) -> Value {
    json!({"scope": "Reservation", "reservationToReturn": {"reservationId": reservation, "quantity": quantity}})
}

/// A return on a fresh quote of its own, ready to be sent.
async fn quoted_return(who: &Persona, order: &str, reservation: &str, quantity: u32) -> Value {
    let path = format!("{CAPACITY}/reservationOrders/{order}/calculateRefund");
    let quote = posts(who, &path, one(reservation, quantity)).await.ok().json();
    let mut body = one(reservation, quantity);
    body["sessionId"] = quote["properties"]["sessionId"].clone();
    body
}

/// How many went well, and that all others were refused for being too late.
fn winners(answers: Vec<Answer>) -> usize {
    let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(|answer| answer.status.is_success());
    for answer in lost {
        let text = answer.is(400, "OperationCannotBePerformedInCurrentState").to_string();
        let told = ["no longer active", "was used at", "given back since"];
        assert!(told.iter().any(|why| text.contains(why)), "{text}");
    }
    won.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r23_of_returns_and_exchanges_of_one_reservation_one_wins() {
    let servers = Servers::new().await;
    // The same quote many times, then a quote for each.
    for own_quotes in [false, true].repeat(4) {
        let (order, reservation) = servers.bought(3).await;
        let path = format!("{CAPACITY}/reservationOrders/{order}/return");
        let first = quoted_return(&servers.ada(0), &order, &reservation, 3).await;
        let mut bodies = vec![first; 6];
        if own_quotes {
            for (n, body) in bodies.iter_mut().enumerate() {
                *body = quoted_return(&servers.ada(n), &order, &reservation, 3).await;
            }
        }
        let people: Vec<Persona> = (0..bodies.len()).map(|n| servers.ada(n)).collect();
        let deeds = people.iter().zip(&bodies).map(|(ada, body)| posts(ada, &path, body.clone()));
        assert_eq!(winners(join_all(deeds).await), 1);
    }

    // A return against an exchange.
    for _ in 0..8 {
        a_return_against_an_exchange(&servers).await;
    }
    assert_all_whole(&servers.database).await;
}

async fn a_return_against_an_exchange(servers: &Servers) {
    let (order, reservation) = servers.bought(2).await;
    let refund = quoted_return(&servers.ada(0), &order, &reservation, 2).await;
    let exchange = json!({
        "reservationsToExchange": [{"reservationId": reservation, "quantity": 2}],
        "reservationsToPurchase": [Purchase::of(4, SKU).body()],
    });
    let asked = posts(&servers.ada(1), &format!("{CAPACITY}/calculateExchange"), exchange).await.ok().json();
    let result = format!("{}?api-version=2022-11-01", asked["id"].as_str().unwrap());
    let quote = servers.ada(1).reads(&result).await.ok().json();
    let session = json!({"sessionId": quote["properties"]["sessionId"]});
    let (ada, other) = (servers.ada(0), servers.ada(1));
    let (return_at, exchange_at) =
        (format!("{CAPACITY}/reservationOrders/{order}/return"), format!("{CAPACITY}/exchange"));
    let (returned, exchanged) = tokio::join!(posts(&ada, &return_at, refund), posts(&other, &exchange_at, session));
    assert_eq!(winners(vec![returned, exchanged]), 1);
    let old = servers.ada(0).reads(&order_path(&order)).await.ok().json();
    assert_eq!(old["properties"]["provisioningState"], "Cancelled");
}

#[tokio::test]
async fn r17_r21_r23_when_all_is_returned_the_commercial_order_is_cancelled_and_the_log_says_so() {
    let servers = Servers::new().await;
    let ada = servers.ada(0);
    let (order, reservation) = servers.bought(2).await;
    let commercial = |orders: Value| -> Value {
        let orders = orders["items"].as_array().unwrap().clone();
        orders.into_iter().find(|one| one["lineItems"][0]["reservationOrderId"] == order.as_str()).unwrap()
    };
    let path = format!("{CAPACITY}/reservationOrders/{order}/return");
    let entitled = format!("/v1/customers/{FJALLRAVEN}/entitlements?entitlementType=reservedinstance");
    let updates = "/v1/auditrecords?filter=%7B%22Field%22:%22ResourceType%22,%22Value%22:%22Order%22,\
                   %22Operator%22:%22equals%22%7D";
    let mut left = reservation;
    for (quantity, status, entitlements, is_logged_as_cancelled) in
        [(1, "completed", 1, false), (1, "cancelled", 0, true)]
    {
        let body = quoted_return(&ada, &order, &left, quantity).await;
        posts(&ada, &path, body).await.is(202, "");
        let shown = commercial(ada.reads_orders(FJALLRAVEN).await.ok().json());
        assert_eq!(shown["status"], status);
        let id = shown["id"].as_str().unwrap();
        let one = ada.reads(&format!("/v1/customers/{FJALLRAVEN}/orders/{id}")).await.ok().json();
        assert_eq!(one["status"], status);
        assert_eq!(ada.reads(&entitled).await.ok().json()["totalCount"], entitlements);
        let records = ada.reads(updates).await.ok().json();
        let newest = &records["items"][0];
        assert_eq!((&newest["operationType"], &newest["resourceType"]), (&json!("update_order"), &json!("order")));
        assert_eq!(newest["customizedData"][0], json!({"key": "OrderId", "value": id}));
        let cancelled = newest["resourceNewValue"].as_str().is_some_and(|new| new.contains("\"Status\":\"cancelled\""));
        assert_eq!(cancelled, is_logged_as_cancelled, "{newest}");
        let reservations = format!("{CAPACITY}/reservationOrders/{order}/reservations?api-version=2022-11-01");
        let inside = ada.reads(&reservations).await.ok().json();
        let mut live = inside["value"].as_array().unwrap().iter();
        if let Some(live) = live.find(|r| r["properties"]["provisioningState"] == "Succeeded") {
            left = live["id"].as_str().unwrap().to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r21_r23_an_order_is_cancelled_as_a_whole_once_and_every_number_is_explained() {
    let servers = Servers::new().await;
    let ada = servers.ada(0);
    let (order, reservation) = servers.bought(4).await;
    let split = json!({"reservationId": reservation, "quantities": [1, 3]});
    posts(&servers.all[0].olle(), &format!("{CAPACITY}/reservationOrders/{order}/split"), split).await.ok();
    let before = ada.reads(&format!("/v1/customers/{FJALLRAVEN}/orders?include_price=true")).await.ok().json();
    let bought = &before["items"][0];
    let path = format!("/v1/customers/{FJALLRAVEN}/orders/{}", bought["id"].as_str().unwrap());
    for (body, field) in [
        (json!({}), "status"),
        (json!({"Status": null}), "status"),
        (json!({"status": "completed"}), "status"),
        (json!({"status": "cancelled", "id": "another"}), "id"),
    ] {
        ada.sends(Method::PATCH, &path, &body).await.is(400, "").says(field);
    }
    let unknown = format!("/v1/customers/{FJALLRAVEN}/orders/{}1", "0".repeat(32));
    let cancelled = json!({"Status": "cancelled"});
    ada.sends(Method::PATCH, &unknown, &cancelled).await.is(404, "20000");
    for person in [servers.all[0].sven(), servers.all[0].hedda(), servers.all[0].gustav()] {
        person.sends(Method::PATCH, &path, &cancelled).await.is(403, "900150");
    }
    assert_eq!(ada.reads(&path).await.ok().json()["status"], "completed");

    // Several at once, each with the whole resource as one client sends it.
    let mut body = bought.clone();
    body["status"] = json!("cancelled");
    let people: Vec<Persona> = (0..4).map(|n| servers.ada(n)).collect();
    let answers = join_all(people.iter().map(|ada| ada.sends(Method::PATCH, &path, &body))).await;
    let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(|answer| answer.status.is_success());
    assert_eq!(won.len(), 1);
    assert_eq!((&won[0].json()["status"], &won[0].json()["id"]), (&json!("cancelled"), &bought["id"]));
    for answer in lost {
        answer.is(400, "800061").says("nothing of it is left");
    }
    assert_eq!(ada.reads(&path).await.ok().json()["status"], "cancelled");
    let gone = ada.reads(&order_path(&order)).await.ok().json();
    assert_eq!(gone["properties"]["provisioningState"], "Cancelled");

    // Both parts are in the ledger of the limit, each with its quote; all of it comes back, for it is new and not used.
    let returns = ada.reads(&format!("/fullmakt/v1/customers/{FJALLRAVEN}/returns")).await.ok().json();
    let mut quantities: Vec<i64> =
        returns["returns"].as_array().unwrap().iter().map(|one| one["quantity"].as_i64().unwrap()).collect();
    quantities.sort_unstable();
    assert_eq!(quantities, [1, 3]);
    let owed =
        "SELECT count(*) FROM (SELECT account FROM ledger_entry GROUP BY account HAVING sum(amount_e6) <> 0) AS owed";
    assert_eq!(servers.database.number(owed).await, 0);
    let updates = "/v1/auditrecords?filter=%7B%22Field%22:%22ResourceType%22,%22Value%22:%22Order%22,\
                   %22Operator%22:%22equals%22%7D";
    // Those who came too late are in the log, too.
    let records = ada.reads(updates).await.ok().json();
    let records = records["items"].as_array().unwrap();
    assert_eq!(records.iter().filter(|record| record["operationStatus"] == "failed").count(), 3);
    let newest = records.iter().find(|record| record["operationStatus"] == "succeeded").unwrap();
    assert_eq!((&newest["operationType"], &newest["resourceType"]), (&json!("update_order"), &json!("order")));
    assert_eq!(newest["customizedData"][0], json!({"key": "OrderId", "value": bought["id"]}));
    let told = newest["customizedData"].as_array().unwrap().iter();
    assert_eq!(told.filter(|detail| detail["key"] == "refund").count(), 2, "{newest}");
    assert!(
        newest["resourceNewValue"].as_str().is_some_and(|new| new.contains("\"Status\":\"cancelled\"")),
        "{newest}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r22_of_two_splits_of_one_reservation_one_wins() {
    let servers = Servers::new().await;
    let (order, reservation) = servers.bought(4).await;
    let path = format!("{CAPACITY}/reservationOrders/{order}/split");
    let olles: Vec<Persona> = (0..4).map(|n| servers.all[n % servers.all.len()].olle()).collect();
    let split = json!({"reservationId": reservation, "quantities": [1, 3]});
    let deeds = olles.iter().map(|olle| posts(olle, &path, split.clone()));
    assert_eq!(winners(join_all(deeds).await), 1);
    let reservations = format!("{CAPACITY}/reservationOrders/{order}/reservations?api-version=2022-11-01");
    let inside = olles[0].reads(&reservations).await.ok().json();
    let live = inside["value"].as_array().unwrap().iter();
    let live: i64 = live
        .filter(|r| r["properties"]["provisioningState"] == "Succeeded")
        .map(|r| r["properties"]["quantity"].as_i64().unwrap())
        .sum();
    assert_eq!(live, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r06_r18_a_purchase_against_turning_the_permission_off_happens_before_or_not_at_all() {
    let servers = Servers::new().await;
    let (ada, olle) = (servers.ada(1), servers.all[0].olle());
    for _ in 0..12 {
        let wanted = Purchase::of(1, SKU);
        let order = quoted_order(&olle.asks_price(&wanted).await.ok());
        let policy = format!("/v1/SelfServePolicy/{}_{FJALLRAVEN}", fullmakt_testkit::NORDMOLN);
        let (bought, off) = tokio::join!(olle.buys_quoted(&order, &wanted), ada.deletes(&policy));
        assert_eq!(off.status, 204, "{off}");
        let there = ada.reads(&order_path(&order)).await.status;
        match bought.status.as_u16() {
            202 => assert_eq!(there, 200),
            _ => {
                bought.is(403, "Forbidden");
                assert_eq!(there, 404);
            }
        }
        // Off is off.
        let late = quoted_order(&olle.asks_price(&wanted).await.ok());
        olle.buys_quoted(&late, &wanted).await.is(403, "Forbidden");
        ada.grants_self_serve(FJALLRAVEN).await.ok();
    }
    assert_all_whole(&servers.database).await;
}
