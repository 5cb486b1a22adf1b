//! Each write leaves exactly one activity record, each read none (R05, R17).

use crate::coverage::{arm_body, arm_path};
use crate::partner_laws;
use crate::scene::{Names, Scene};
use axum::http::Method;
use fullmakt_server::arm::routes::{Operation, ROUTES};
use fullmakt_testkit::{Answer, PRODUKTION, Purchase, Server, quoted_order};
use std::collections::BTreeSet;

const RECORDS: &str = "SELECT count(*) FROM activity_record";

/// What a deed should leave.
struct Deeds<'a> {
    server: &'a Server,
    /// The routes that were written through.
    done: BTreeSet<String>,
}

impl Deeds<'_> {
    /// The answer is a success, and so many records were added by it.
    async fn leaves(&mut self, records: i64, route: &str, deed: impl Future<Output = Answer>) -> Answer {
        let before = self.server.database.number(RECORDS).await;
        let answer = deed.await.ok();
        let after = self.server.database.number(RECORDS).await;
        assert_eq!(after - before, records, "records left by {answer}");
        self.done.insert(route.to_owned());
        answer
    }
}

#[tokio::test]
async fn r05_r17_each_write_of_resource_manager_leaves_one_record() {
    let scene = Scene::new().await;
    let (server, olle) = (&scene.server, scene.server.olle());
    let mut deeds = Deeds { server, done: BTreeSet::new() };
    let name = |operation: Operation| format!("{operation:?}");

    let wanted = Purchase::of(1, "Standard_D2s_v5");
    let quote = deeds.leaves(1, &name(Operation::CalculatePrice), olle.asks_price(&wanted)).await;
    let order = quoted_order(&quote);
    deeds.leaves(1, &name(Operation::PurchaseOrder), olle.buys_quoted(&order, &wanted)).await;
    // R13: bought once, recorded once.
    deeds.leaves(0, &name(Operation::PurchaseOrder), olle.buys_quoted(&order, &wanted)).await;
    let order = quoted_order(&olle.asks_price(&wanted).await.ok());
    let by_post = format!("/providers/Microsoft.Capacity/reservationOrders/{order}/purchase?api-version=2022-11-01");
    deeds.leaves(1, &name(Operation::PurchaseOrder), olle.sends(Method::POST, &by_post, &wanted.body())).await;

    let scope = format!("/subscriptions/{PRODUKTION}/providers/Microsoft.Authorization");
    let version = "?api-version=2022-04-01";
    let custom = format!("{scope}/roleDefinitions/{}{version}", scene.real.get("definition"));
    let body = |operation| arm_body(&scene.real, operation, PRODUKTION);
    let role = body(Operation::PutRoleDefinition);
    deeds.leaves(1, &name(Operation::PutRoleDefinition), olle.sends(Method::PUT, &custom, &role)).await;
    let assigned = format!("{scope}/roleAssignments/{}{version}", uuid::Uuid::new_v4());
    let assignment = body(Operation::PutRoleAssignment);
    deeds.leaves(1, &name(Operation::PutRoleAssignment), olle.sends(Method::PUT, &assigned, &assignment)).await;
    deeds.leaves(1, &name(Operation::DeleteRoleAssignment), olle.deletes(&assigned)).await;
    deeds.leaves(0, &name(Operation::DeleteRoleAssignment), olle.deletes(&assigned)).await;
    deeds.leaves(1, &name(Operation::DeleteRoleDefinition), olle.deletes(&custom)).await;
    let reservation = scene.real.fill(&format!(
        "/providers/Microsoft.Capacity/reservationOrders/{{order}}/reservations/{{reservation}}{}",
        "?api-version=2022-11-01"
    ));
    let renamed = body(Operation::UpdateReservation);
    deeds.leaves(1, &name(Operation::UpdateReservation), olle.sends(Method::PATCH, &reservation, &renamed)).await;
    let split = body(Operation::SplitReservation);
    let at = |path: &str| scene.real.fill(&format!("/providers/Microsoft.Capacity{path}?api-version=2022-11-01"));
    let here = "/reservationOrders/{order}";
    let split_at = at(&format!("{here}/split"));
    let parts = deeds.leaves(1, &name(Operation::SplitReservation), olle.sends(Method::POST, &split_at, &split)).await;
    let id = |at: usize| {
        let path = parts.json()[at]["id"].as_str().unwrap().to_owned();
        path.split("/revisions").next().unwrap().to_owned()
    };
    let merge = serde_json::json!({"properties": {"sources": [id(0), id(1)]}});
    let merge_at = at(&format!("{here}/merge"));
    let merged =
        deeds.leaves(1, &name(Operation::MergeReservations), olle.sends(Method::POST, &merge_at, &merge)).await;
    let whole = merged.json()[0]["id"].as_str().unwrap().split("/revisions").next().unwrap().to_owned();
    let (ada, one) = (server.ada(), serde_json::json!({"reservationId": whole, "quantity": 1}));
    let asked = serde_json::json!({"properties": {"scope": "Reservation", "reservationToReturn": one}});
    let refund_at = at(&format!("{here}/calculateRefund"));
    let quoted = deeds.leaves(1, &name(Operation::CalculateRefund), ada.sends(Method::POST, &refund_at, &asked)).await;
    let mut returned = asked.clone();
    returned["properties"]["sessionId"] = quoted.json()["properties"]["sessionId"].clone();
    let return_at = at(&format!("{here}/return"));
    deeds.leaves(1, &name(Operation::ReturnReservation), ada.sends(Method::POST, &return_at, &returned)).await;
    let left = ada.reads(&at(&format!("{here}/reservations"))).await.ok().json();
    let live = |r: &&serde_json::Value| r["properties"]["provisioningState"] == "Succeeded";
    let left = left["value"].as_array().unwrap().iter().find(live).unwrap()["id"].clone();
    let exchange = serde_json::json!({"properties": {
        "reservationsToExchange": [{"reservationId": left, "quantity": 1}],
        "reservationsToPurchase": [Purchase::of(2, "Standard_D2s_v5").body()],
    }});
    let calculate_at = at("/calculateExchange");
    let deed = ada.sends(Method::POST, &calculate_at, &exchange);
    let calculated = deeds.leaves(1, &name(Operation::CalculateExchange), deed).await.json();
    let quoted = format!("{}?api-version=2022-11-01", calculated["id"].as_str().unwrap());
    let session = ada.reads(&quoted).await.ok().json()["properties"]["sessionId"].clone();
    let exchange = serde_json::json!({"properties": {"sessionId": session}});
    let exchange_at = at("/exchange");
    let deed = ada.sends(Method::POST, &exchange_at, &exchange);
    deeds.leaves(1, &name(Operation::ExchangeReservations), deed).await;
    let nothing = serde_json::json!({});
    let archive = at(&format!("{here}/reservations/{{reservation}}/archive"));
    deeds.leaves(1, &name(Operation::ArchiveReservation), olle.sends(Method::POST, &archive, &nothing)).await;
    deeds.leaves(0, &name(Operation::ArchiveReservation), olle.sends(Method::POST, &archive, &nothing)).await;
    let unarchive = at(&format!("{here}/reservations/{{reservation}}/unarchive"));
    deeds.leaves(1, &name(Operation::UnarchiveReservation), olle.sends(Method::POST, &unarchive, &nothing)).await;
    let scopes = at(&format!("{here}/reservations/{{reservation}}/availableScopes"));
    let asked = body(Operation::AvailableScopes);
    deeds.leaves(0, &name(Operation::AvailableScopes), olle.sends(Method::POST, &scopes, &asked)).await;
    // Nothing is kept of these.
    let register = format!("/subscriptions/{PRODUKTION}/providers/Microsoft.Capacity/register?api-version=2022-12-01");
    let empty = serde_json::json!({});
    deeds.leaves(0, &name(Operation::RegisterProvider), olle.sends(Method::POST, &register, &empty)).await;
    let names = body(Operation::GetDirectoryObjects);
    let graph = "/v1.0/directoryObjects/getByIds";
    deeds.leaves(0, &name(Operation::GetDirectoryObjects), olle.sends(Method::POST, graph, &names)).await;

    for route in ROUTES {
        if route.method == Method::GET {
            reads_leave_none(&scene.real, server, &arm_path(route)).await;
        } else if route.operation != Operation::PartnerOnly {
            assert!(
                deeds.done.contains(&name(route.operation)),
                "no test writes by {} {}",
                route.method,
                route.pattern
            );
        }
    }
}

#[tokio::test]
async fn r05_r17_each_write_of_partner_center_leaves_one_record() {
    let scene = Scene::new().await;
    let (server, ada) = (&scene.server, scene.server.ada());
    let mut deeds = Deeds { server, done: BTreeSet::new() };
    let name = |verb: &str, pattern: &str| format!("{verb} {pattern}");
    // In an order in which each can be done: the permission is there already, a cart wants a registration.
    let customer = "/customers/{customer}";
    let story = [
        ("DELETE", "/selfservepolicy/{policy}".to_owned()),
        ("POST", "/selfservepolicy".to_owned()),
        ("PUT", "/selfservepolicy".to_owned()),
        ("PUT", "/selfservepolicy/{policy}".to_owned()),
        ("POST", "/customers".to_owned()),
        ("POST", format!("{customer}/agreements")),
        ("PUT", format!("{customer}/profiles/billing")),
        ("PATCH", format!("{customer}/subscriptions/{{entitlement}}")),
        ("POST", format!("{customer}/subscriptions/{{entitlement}}/registrations")),
        ("POST", format!("{customer}/carts")),
        ("PUT", format!("{customer}/carts/{{cart}}")),
        ("POST", format!("{customer}/carts/{{cart}}/checkout")),
        ("POST", format!("{customer}/orders")),
        ("PATCH", format!("{customer}/orders/{{commerce_order}}")),
    ];
    for (verb, pattern) in &story {
        let deed = partner_laws::sends(&scene.real, &ada, verb, pattern);
        deeds.leaves(1, &name(verb, pattern), deed).await;
    }
    let check = "/extensions/product/checkinventory?country=SE";
    deeds.leaves(0, &name("POST", check), partner_laws::sends(&scene.real, &ada, "POST", check)).await;

    let before = server.database.number(RECORDS).await;
    for (verb, pattern, _) in partner_laws::ROUTES {
        if *verb == "GET" {
            partner_laws::sends(&scene.real, &ada, verb, pattern).await;
            assert_eq!(server.database.number(RECORDS).await, before, "a read was recorded: {pattern}");
        } else {
            assert!(deeds.done.contains(&name(verb, pattern)), "no test writes by {verb} {pattern}");
        }
    }
}

async fn reads_leave_none(names: &Names, server: &Server, pattern: &str) {
    let before = server.database.number(RECORDS).await;
    let answer = server.olle().reads(&names.fill(pattern)).await;
    assert_eq!(server.database.number(RECORDS).await, before, "a read was recorded: {answer}");
}
