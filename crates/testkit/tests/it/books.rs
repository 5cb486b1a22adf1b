//! What the partner's bookkeepers read, and nobody else (R14, R15, R45).

use crate::scene::{Scene, normalised};
use axum::http::Method;
use fullmakt_testkit::{
    Database, FJALLRAVEN, NORDMOLN_WORLD, Persona, Purchase, Server, ServerOptions, TestDatabase, quoted_order,
};
use serde_json::{Value, json};
use std::sync::Arc;

const BOOKS: [&str; 4] = ["ledger", "statement", "charges", "export"];

fn path(customer: &str, book: &str) -> String {
    format!("/fullmakt/v1/customers/{customer}/{book}")
}

#[tokio::test]
async fn r14_r45_only_the_partners_bookkeepers_read_the_books() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let made_up = scene.made_up.get("customer");
    for book in BOOKS {
        for person in [server.ada(), server.beata(), server.gustav(), server.integration()] {
            person.reads(&path(FJALLRAVEN, book)).await.ok();
        }
        for person in [server.sven(), server.hedda(), server.ulla(), server.nisse()] {
            person.reads(&path(FJALLRAVEN, book)).await.is(403, "");
        }
        // The customer's own people see no book that could tell the partner's cost.
        for person in [server.olle(), server.karin(), server.pipeline()] {
            person.reads(&path(FJALLRAVEN, book)).await.is(403, "");
        }
        for stranger in [server.ture(), server.pelle(), server.frida()] {
            let real = stranger.reads(&path(FJALLRAVEN, book)).await;
            let nothing = stranger.reads(&path(made_up, book)).await;
            assert_eq!(real.status, 404, "{real}");
            assert_eq!(normalised(&scene.real, &real), normalised(&scene.made_up, &nothing));
            scene.assert_tells_nothing(&real.to_string());
        }
    }
    server.ada().reads(&path(FJALLRAVEN, "statement?from=yesterday")).await.is(400, "").says("\"field\":\"from\"");
    server.ada().reads(&path(FJALLRAVEN, "charges?view=all")).await.is(400, "").says("\"field\":\"view\"");
    server.ada().reads(&path(FJALLRAVEN, "ledger?after=x")).await.is(400, "").says("\"field\":\"after\"");
    server.ada().reads(&path("x", "ledger")).await.is(404, "");
}

/// A server on 1 November 2026 on which Fjällräven may buy.
pub async fn movable() -> Server {
    let database = TestDatabase::create(Database::under_test()).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let world = format!(
        "clock = \"2026-11-01T08:00:00Z\"\n{NORDMOLN_WORLD}\n[[prices]]\npartner = \"{}\"\ndiscount_percent = \"10\"\n\
         from = \"2026-01-01\"\n",
        fullmakt_testkit::NORDMOLN
    );
    let words = ["--clock", "movable"].map(str::to_owned).into();
    let server =
        Server::launch(&database, &data, &ServerOptions { world: Some(world), words, ..ServerOptions::default() })
            .await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server
}

/// A server on 1 November 2026 on which Olle bought two, one paid monthly.
pub async fn bought() -> (Server, [String; 2]) {
    let server = movable().await;
    let olle = server.olle();
    let upfront = Purchase::of(2, "Standard_D2s_v5");
    let monthly = Purchase::of(1, "Standard_D2s_v5").monthly();
    let mut orders = Vec::new();
    for wanted in [upfront, monthly] {
        let order = quoted_order(&olle.asks_price(&wanted).await.ok());
        olle.buys_quoted(&order, &wanted).await.ok();
        orders.push(order);
    }
    (server, orders.try_into().unwrap())
}

pub async fn moves(who: &Persona, to: &str) {
    who.sends(Method::POST, "/fullmakt/v1/clock", &json!({"to": to})).await.ok();
}

pub fn cents(value: &Value) -> i64 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = format!("{part:0<2}");
    assert_eq!(digits.len(), 2, "{text}");
    whole.parse::<i64>().unwrap() * 100 + digits.parse::<i64>().unwrap() * if whole.starts_with('-') { -1 } else { 1 }
}

#[tokio::test]
async fn r14_r15_the_books_agree_with_each_other() {
    let (server, [upfront, monthly]) = bought().await;
    let ada = server.ada();
    moves(&ada, "2026-12-15T00:00:00Z").await;

    // The ledger: two purchases and one instalment, in pages of two; every event sums to zero.
    let all = "from=2026-11-01&until=2027-01-01";
    let first = ada.reads(&path(FJALLRAVEN, &format!("ledger?{all}&size=2"))).await.ok().json();
    let next = first["next"].as_str().unwrap();
    let second = ada.reads(&path(FJALLRAVEN, &format!("ledger?{all}&size=2&after={next}"))).await.ok().json();
    assert!(second["next"].is_null());
    let mut events = first["value"].as_array().unwrap().clone();
    events.extend(second["value"].as_array().unwrap().clone());
    assert_eq!(
        events.iter().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["purchase", "purchase", "instalment"]
    );
    assert_eq!(events[2]["at"], "2026-12-01T00:00:00Z");
    assert_eq!(events[2]["reservationOrder"], monthly.as_str());
    let sum = |event: &Value| event["entries"].as_array().unwrap().iter().map(|e| cents(&e["amount"])).sum::<i64>();
    assert!(events.iter().all(|event| sum(event) == 0));
    let account = |name: &str| {
        let entries = events.iter().flat_map(|event| event["entries"].as_array().unwrap());
        entries.filter(|entry| entry["account"] == name).map(|entry| cents(&entry["amount"])).sum::<i64>()
    };
    for balance in first["balances"].as_array().unwrap() {
        assert_eq!(cents(&balance["amount"]), account(balance["account"].as_str().unwrap()));
    }
    let (owed, cost) = (account("customer-receivable"), account("partner-cost"));
    assert!(owed > 0 && cost > 0 && owed != cost);

    // The statement says what the customer owes and nothing of the cost.
    let statement = ada.reads(&path(FJALLRAVEN, &format!("statement?{all}"))).await.ok();
    assert_eq!(cents(&statement.json()["totals"][0]["amount"]), owed);
    let lines = statement.json()["lines"].as_array().unwrap().clone();
    assert_eq!(lines.len(), 3);
    assert!(lines[2]["description"].as_str().unwrap().ends_with("instalment 2 of 12"), "{}", lines[2]);
    assert_eq!(lines[0]["boughtBy"], "olle@exempel.example");
    let table = ada.reads(&path(FJALLRAVEN, &format!("statement?{all}&format=csv"))).await.ok();
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(table.text().lines().count(), 4);

    // FOCUS: the same sums, in the view that is asked for; the other's never in the customer's.
    for (view, total) in [("customer", owed), ("partner", cost)] {
        let charges = ada.reads(&path(FJALLRAVEN, &format!("charges?{all}&view={view}"))).await.ok().text();
        let mut rows = charges.lines().map(|row| row.split(',').next().unwrap().to_owned());
        assert_eq!(rows.next().as_deref(), Some("BilledCost"));
        assert_eq!(rows.map(|amount| cents(&json!(amount))).sum::<i64>(), total, "{charges}");
        assert!(charges.contains(",Purchase,"));
    }

    // Partner Center: November is billed, December is not.
    let invoices = ada.reads("/v1/invoices").await.ok().json();
    assert_eq!(invoices["totalCount"], 1);
    let invoice = invoices["items"][0].clone();
    let link = invoice["invoiceDetails"][0]["links"]["self"]["uri"].as_str().unwrap();
    let billed = ada.reads(&format!("/v1{link}")).await.ok().json();
    assert_eq!(billed["totalCount"], 2);
    let total = |lines: &Value| {
        lines["items"].as_array().unwrap().iter().map(|line| cents(&line["totalForCustomer"])).sum::<i64>()
    };
    assert_eq!(total(&billed), cents(&invoice["totalCharges"]));
    let unbilled =
        "/v1/invoices/unbilled/lineitems?provider=onetime&invoiceLineItemType=billinglineitems&currencyCode=eur";
    let open = ada.reads(&format!("{unbilled}&period=current")).await.ok().json();
    assert_eq!(total(&billed) + total(&open), cost);
    let line = &open["items"][0];
    assert_eq!(
        (line["chargeType"].as_str(), line["reservationOrderId"].as_str()),
        (Some("cycleCharge"), Some(monthly.as_str()))
    );
    assert_eq!(
        (&line["invoiceLineItemType"], &line["billingProvider"]),
        (&json!("billing_line_items"), &json!("one_time"))
    );
    assert_eq!(ada.reads(&format!("{unbilled}&period=previous")).await.ok().json()["totalCount"], 2);
    // Page by page.
    let page = ada.reads(&format!("{unbilled}&period=previous&size=1")).await.ok().json();
    let token = page["continuationToken"].as_str().unwrap();
    let next = format!("/v1{}", page["links"]["next"]["uri"].as_str().unwrap());
    let rest = ada.ask(Method::GET, &next).await.header("MS-ContinuationToken", token).send().await.ok().json();
    assert_eq!(rest["totalCount"], 1);
    assert!(rest["links"].get("next").is_none());
    assert_eq!(
        [&page, &rest]
            .map(|page| page["items"][0]["reservationOrderId"].clone())
            .into_iter()
            .filter(|id| *id == json!(upfront))
            .count(),
        1
    );
    ada.reads("/v1/invoices/unbilled/lineitems?provider=onetime").await.is(400, "800002").says("currencyCode");
    ada.reads("/v1/invoices/G0000000000").await.is(404, "1000");
    let summary = ada.reads("/v1/invoices/summary").await.ok().json();
    assert_eq!(cents(&summary["balanceAmount"]), total(&billed));
    let other = server.ture().reads("/v1/invoices").await.ok().json();
    assert_eq!(other["totalCount"], 0);

    // The export is the same each time.
    let export = ada.reads(&path(FJALLRAVEN, "export")).await.ok();
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    assert_eq!(export.text(), ada.reads(&path(FJALLRAVEN, "export")).await.ok().text());
    assert_eq!(export.text().lines().filter(|line| line.contains("\"type\":\"ledgerEvent\"")).count(), 3);
}
