//! The movable clock: who may move it, and that all is done by then which would have happened (G07, R24).

use axum::http::Method;
use fullmakt_testkit::{
    Answer, Database, FJALLRAVEN, NORDMOLN_WORLD, Persona, Purchase, Server, ServerOptions, TestDatabase,
    assert_all_whole, order_path, quoted_order,
};
use serde_json::{Value, json};
use std::sync::Arc;

const CLOCK: &str = "/fullmakt/v1/clock";
const START: &str = "2026-11-01T08:00:00Z";

/// A server whose clock stands still on 1 November 2026.
async fn stopped() -> Server {
    let database = TestDatabase::create(Database::under_test()).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let world = format!("clock = \"{START}\"\n{NORDMOLN_WORLD}");
    let options = ServerOptions { world: Some(world), words: movable(), ..ServerOptions::default() };
    Server::launch(&database, &data, &options).await
}

fn movable() -> Vec<String> {
    ["--clock", "movable"].map(str::to_owned).into()
}

async fn moves(who: &Persona, body: Value) -> Answer {
    who.sends(Method::POST, CLOCK, &body).await
}

fn monthly() -> Purchase {
    Purchase::of(2, "Standard_D2s_v5").monthly()
}

async fn state_of(who: &Persona, order: &str) -> Value {
    let order = who.reads(&order_path(order)).await.ok().json();
    order["properties"]["provisioningState"].clone()
}

#[tokio::test]
async fn g07_an_administrator_moves_the_clock_forward_and_nobody_else() {
    let server = stopped().await;
    let day = json!({"advance": "P1D"});
    server.ask(Method::POST, CLOCK).json(&day).send().await.is(401, "");
    server.ask(Method::POST, CLOCK).bearer("wrong").json(&day).send().await.is(401, "");
    for (person, status) in [(server.sven(), 403), (server.beata(), 403), (server.nisse(), 403), (server.olle(), 404)] {
        moves(&person, day.clone()).await.is(status, "");
    }
    let now = |answer: &Answer| answer.json()["now"].as_str().unwrap().to_owned();
    assert_eq!(now(&server.ada().reads(CLOCK).await.ok()), START);
    assert_eq!(now(&moves(&server.ada(), day.clone()).await.ok()), "2026-11-02T08:00:00Z");
    assert_eq!(now(&moves(&server.gustav(), day.clone()).await.ok()), "2026-11-03T08:00:00Z");
    assert_eq!(now(&moves(&server.integration(), day.clone()).await.ok()), "2026-11-04T08:00:00Z");
    let key = std::fs::read_to_string(server.data.path().join("admin.key")).unwrap();
    let with_key = server.ask(Method::POST, CLOCK).bearer(key.trim()).json(&day).send().await.ok();
    assert_eq!(now(&with_key), "2026-11-05T08:00:00Z");
    for (body, text) in [
        (json!({"to": START}), "only goes forward"),
        (json!({"advance": "-P1D"}), "only goes forward"),
        (json!({"advance": "soon"}), "`soon` is not an ISO 8601 duration"),
        (json!({}), "give one of"),
    ] {
        moves(&server.ada(), body).await.is(400, "").says(text);
    }
    let real = Server::start().await;
    moves(&real.ada(), day).await.is(409, "").says("--clock movable");
}

#[tokio::test]
async fn g07_r24_what_falls_due_is_done_when_the_call_returns_and_a_quote_lapses() {
    let mut server = stopped().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    let olle = server.olle();
    let late = quoted_order(&olle.asks_price(&monthly()).await.ok());
    let bought = olle.purchases(&monthly()).await.ok();
    let order = bought.json()["name"].as_str().unwrap().to_owned();
    moves(&server.ada(), json!({"advance": "PT30M"})).await.ok();
    let answer = olle.buys_quoted(&late, &monthly()).await;
    assert!(!answer.status.is_success(), "{answer}");

    let posted = "SELECT count(*) FROM instalment WHERE posted_event IS NOT NULL";
    assert_eq!(server.database.number(posted).await, 1);
    let moved = moves(&server.ada(), json!({"to": "2026-12-31T23:59:59Z"})).await.ok().json();
    assert_eq!(moved["done"], json!({"instalments": 1, "renewal": 0, "expiry": 0, "rating": 0, "first-use": 0}));
    assert_eq!(server.database.number(posted).await, 2);
    // Killed and started anew, the clock goes on where it was.
    server.kill();
    let options = ServerOptions { words: movable(), ..ServerOptions::default() };
    let server = Server::launch(&server.database, &server.data, &options).await;
    let (ada, olle) = (server.ada(), server.olle());
    assert_eq!(ada.reads(CLOCK).await.ok().json()["now"], "2026-12-31T23:59:59Z");

    moves(&ada, json!({"to": "2027-11-01T07:59:59.999999Z"})).await.ok();
    assert_eq!(server.database.number(posted).await, 12);
    assert_eq!(state_of(&olle, &order).await, "Succeeded");
    moves(&ada, json!({"advance": "PT1S"})).await.ok();
    assert_eq!(state_of(&olle, &order).await, "Expired");
    let expired = "SELECT count(*) FROM outgoing_event WHERE kind = 'reservation.expired' AND at = 1825056000000000";
    assert_eq!(server.database.number(expired).await, 1);
    assert_all_whole(&server.database).await;
}

/// What Olle would pay for the first month today, and in all.
async fn first_month(olle: &Persona) -> (Value, Value) {
    let quote = olle.asks_price(&monthly()).await.ok().json();
    let properties = &quote["properties"];
    (
        properties["paymentSchedule"][0]["billingCurrencyTotal"]["amount"].clone(),
        properties["billingCurrencyTotal"]["amount"].clone(),
    )
}

#[tokio::test]
async fn r20_r24_what_the_partner_lets_renew_is_renewed_to_the_second_at_the_price_of_that_day() {
    let server = stopped().await;
    let (ada, olle) = (server.ada(), server.olle());
    ada.grants_self_serve(FJALLRAVEN).await.ok();
    let mut orders = Vec::new();
    for _ in 0..2 {
        let bought = olle.purchases(&monthly()).await.ok().json();
        orders.push((
            bought["name"].as_str().unwrap().to_owned(),
            bought["properties"]["reservations"][0]["id"].as_str().unwrap().to_owned(),
        ));
    }
    let (renewing, ending) = (&orders[0], &orders[1]);
    let renew = json!({"properties": {"renew": true}});
    let path = |reservation: &str| format!("{reservation}?api-version=2022-11-01");
    olle.sends(Method::PATCH, &path(&renewing.1), &renew).await.is(403, "AuthorizationFailed").says("Nordmoln AB");
    ada.sends(Method::PATCH, &path(&renewing.1), &renew).await.ok();
    let dear = first_month(&olle).await;
    let rule = json!({"discountPercent": "40", "from": "2027-06-01"});
    ada.sends(Method::POST, "/fullmakt/v1/prices", &rule).await.ok();
    assert_eq!(first_month(&olle).await, dear, "the rule has not begun");

    let shown = |reservation: &str| {
        let (olle, path) = (olle.clone(), path(reservation));
        async move { olle.reads(&path).await.ok().json()["properties"]["displayProvisioningState"].clone() }
    };
    moves(&ada, json!({"to": "2027-09-01T08:00:00Z"})).await.ok();
    assert_eq!(shown(&renewing.1).await, "Succeeded");
    moves(&ada, json!({"to": "2027-10-25T08:00:00Z"})).await.ok();
    assert_eq!(shown(&renewing.1).await, "Expiring");
    moves(&ada, json!({"to": "2027-11-01T07:59:59Z"})).await.ok();
    let renewed = "SELECT count(*) FROM reservation WHERE renewed_from IS NOT NULL";
    assert_eq!(server.database.number(renewed).await, 0);
    let done = moves(&ada, json!({"advance": "PT1S"})).await.ok().json()["done"].clone();
    assert_eq!((&done["renewal"], &done["expiry"]), (&json!(1), &json!(2)));
    assert_eq!(server.database.number(renewed).await, 1);
    for (_, reservation) in [renewing, ending] {
        assert_eq!(shown(reservation).await, "Expired");
    }
    let list = olle.reads("/providers/Microsoft.Capacity/reservations?api-version=2022-11-01").await.ok().json();
    let mut all = list["value"].as_array().unwrap().iter();
    let new = all.find(|one| one["properties"]["displayProvisioningState"] == "Succeeded").unwrap();
    let begins = new["properties"]["effectiveDateTime"].as_str().unwrap();
    assert!(begins.starts_with("2027-11-01T08:00:00"), "{begins}");
    let ends = new["properties"]["expiryDateTime"].as_str().unwrap();
    assert!(ends.starts_with("2028-11-01T08:00:00"), "{ends}");
    assert_eq!(new["properties"]["quantity"], 2);

    // The first month is owed, at what it costs today, by the rule that came after the purchase.
    let cheap = first_month(&olle).await;
    assert!(cheap.1.as_f64().unwrap() < 0.7 * dear.1.as_f64().unwrap(), "{cheap:?} {dear:?}");
    let day = format!("/fullmakt/v1/customers/{FJALLRAVEN}/statement?from=2027-11-01&until=2027-11-02");
    let statement = ada.reads(&day).await.ok().json();
    let lines = statement["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["kind"]), (1, &json!("renewal")));
    assert_eq!(lines[0]["amount"]["amount"].as_str().unwrap().parse::<f64>().ok(), cheap.0.as_f64());
    assert_all_whole(&server.database).await;
}

#[tokio::test]
async fn r24_the_metrics_tell_what_was_done_and_that_nothing_waits() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let words = [movable(), vec!["--metrics-listen".to_owned(), address.clone()]].concat();
    let database = TestDatabase::create(Database::under_test()).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let world = format!("clock = \"{START}\"\n{NORDMOLN_WORLD}");
    let options = ServerOptions { world: Some(world), words, ..ServerOptions::default() };
    let server = Server::launch(&database, &data, &options).await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.olle().purchases(&monthly()).await.ok();
    moves(&server.ada(), json!({"to": "2027-02-15T00:00:00Z"})).await.ok();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = client.get(format!("http://{address}/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        "fullmakt_jobs_done_total{job=\"instalments\"} 3",
        "fullmakt_jobs_due{job=\"instalments\"} 0",
        "fullmakt_jobs_due{job=\"expiry\"} 0",
        "fullmakt_jobs_due{job=\"renewal\"} 0",
        "fullmakt_jobs_lag_seconds{job=\"instalments\"} 0",
    ] {
        assert!(page.lines().any(|told| told == line), "{line}\n{page}");
    }
}

#[tokio::test]
async fn g07_two_servers_share_a_movable_clock() {
    if Database::under_test() == Database::Sqlite {
        // A file has one server.
        return;
    }
    let one = stopped().await;
    let options = ServerOptions { words: movable(), ..ServerOptions::default() };
    let other = Server::launch(&one.database, &one.data, &options).await;
    one.ada().grants_self_serve(FJALLRAVEN).await.ok();
    one.olle().purchases(&monthly()).await.ok();
    let (to_one, to_other) = (json!({"to": "2027-05-15T00:00:00Z"}), json!({"to": "2027-06-15T00:00:00Z"}));
    let (ada, other_ada) = (one.ada(), other.ada());
    let (first, second) = tokio::join!(moves(&ada, to_one), moves(&other_ada, to_other));
    assert!(second.status.is_success(), "{second}");
    assert!(first.status.is_success() || first.text().contains("only goes forward"), "{first}");
    assert_eq!(one.database.number("SELECT count(*) FROM instalment WHERE posted_event IS NOT NULL").await, 8);
    assert_all_whole(&one.database).await;
}
