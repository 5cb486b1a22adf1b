//! Makes a server on which everything is as it was when a session was recorded: what is sold, what was bought when, what
//! became of it.

use super::compare::address;
use super::recording::{Exchange, Recording};
use axum::http::Method;
use fullmakt_testkit::{
    Database, NORDMOLN_WORLD, PRODUKTION, Persona, Server, ServerOptions, TestDatabase, order_path,
};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const CAPACITY: &str = "/providers/Microsoft.Capacity";
/// Their subscription, in paths, and in the bodies of purchases.
const SUBSCRIPTIONS: [&str; 2] = ["00000000-0000-0000-0000-000000000000", "b0f278e1-1f18-4378-84d7-b44dfa708665"];
/// What their subscription is called.
const SUBSCRIPTION_NAMES: [&str; 2] = ["PayG-UK-03-09-2021", "SubNameTest3_Azure subscription 1"];
/// Terms that are sold here.
const TERMS: [&str; 2] = ["P1Y", "P3Y"];

/// A server, who talks to it, and what is known of it.
pub struct Stage {
    server: Server,
    /// An Admin agent of the partner, for their account could do everything.
    pub buyer: Persona,
    /// Their texts and ours.
    pub known: BTreeMap<String, String>,
}

/// Something that was bought, as far as the recording tells.
#[derive(Clone)]
struct Bought {
    order: String,
    reservation: String,
    sku: String,
    location: String,
    kind: String,
    term: String,
    plan: String,
    quantity: u64,
    name: String,
    single: bool,
    at: Timestamp,
}

impl Bought {
    /// Three of the smallest machine for a year, as most of the sessions are about.
    fn usual(order: &str, reservation: &str, at: Timestamp) -> Self {
        Self {
            order: order.to_owned(),
            reservation: reservation.to_owned(),
            sku: "Standard_B1ls".to_owned(),
            location: "uksouth".to_owned(),
            kind: "VirtualMachines".to_owned(),
            term: "P1Y".to_owned(),
            plan: "Monthly".to_owned(),
            quantity: 3,
            name: "VM_RI".to_owned(),
            single: false,
            at,
        }
    }

    fn body(&self) -> Value {
        let scope = format!("/subscriptions/{PRODUKTION}");
        json!({
            "sku": {"name": self.sku},
            "location": self.location,
            "properties": {
                "reservedResourceType": self.kind,
                "billingScopeId": scope,
                "term": self.term,
                "billingPlan": self.plan,
                "quantity": self.quantity,
                "displayName": self.name,
                "appliedScopeType": if self.single { "Single" } else { "Shared" },
                "appliedScopes": if self.single { json!([scope]) } else { Value::Null },
                "reservedResourceProperties": {"instanceFlexibility": "On"},
            },
        })
    }
}

/// What happened, in the order of time.
enum Event {
    Buys(Box<Bought>),
    /// Of an order and a reservation of it: the parts, and how many of each.
    Splits(String, String, Vec<(String, u64)>),
    /// Of an order: the two parts become one again, of this name.
    Merges(String, [String; 2], String),
    /// Of an order and a reservation of it: all of so many.
    Returns(String, String, u64),
    /// Of an order and a reservation of it.
    Changes(String, String, Value),
}

impl Stage {
    /// Sets it.
    pub async fn set(recording: &Recording) -> Self {
        let first = &recording.exchanges[0];
        let mut now = first.at();
        if recording.name == "test_list_reservations" {
            // The answers are of data that had been kept since: one-year terms have not run out, but soon will.
            now = "2022-02-20T00:00:00Z".parse().unwrap();
        }
        let mut events = events(recording, now);
        events.sort_by_key(|(at, _)| *at);
        let begin = events.first().map_or(now, |(at, _)| *at).min(now) - 24.hours();
        let mut stage = Self::empty(recording, begin).await;
        for (at, event) in events {
            stage.moves(at).await;
            stage.happens(event).await;
        }
        stage.moves(now).await;
        stage
    }

    async fn empty(recording: &Recording, begin: Timestamp) -> Self {
        let is_catalog = recording.name == "test_get_catalog";
        let currency = if is_catalog { "USD" } else { "GBP" };
        let world = format!("clock = \"{begin}\"\n[catalog]\nfile = \"catalog.csv\"\n{NORDMOLN_WORLD}");
        let world = world.replace("currency = \"EUR\"", &format!("currency = \"{currency}\""));
        let data = Arc::new(tempfile::tempdir().unwrap());
        let catalog = if is_catalog { offers(&recording.exchanges[0]) } else { sold(currency) };
        std::fs::write(data.path().join("catalog.csv"), catalog).unwrap();
        let words = ["--clock", "movable"].map(str::to_owned).into();
        let options = ServerOptions { world: Some(world), words, ..ServerOptions::default() };
        let database = TestDatabase::create(Database::under_test()).await;
        let server = Server::launch(&database, &data, &options).await;
        let mut known: BTreeMap<String, String> = SUBSCRIPTIONS.map(|id| (id.to_owned(), PRODUKTION.to_owned())).into();
        known.extend(SUBSCRIPTION_NAMES.map(|name| (name.to_owned(), "Produktion".to_owned())));
        known.extend([address(&server.base_url)]);
        Self { buyer: server.ada(), server, known }
    }

    /// Where the server answers.
    pub fn base_url(&self) -> &str {
        self.server.base_url.trim_end_matches('/')
    }

    async fn moves(&self, to: Timestamp) {
        // Several things happened in one second.
        let answer = self.buyer.sends(Method::POST, "/fullmakt/v1/clock", &json!({"to": to.to_string()})).await;
        assert!(answer.status.is_success() || answer.text().contains("only goes forward"), "{answer}");
    }

    fn own(&self, theirs: &str) -> &str {
        &self.known[theirs]
    }

    fn reservation(&self, order: &str, reservation: &str) -> String {
        format!("{CAPACITY}/reservationOrders/{}/reservations/{}", self.own(order), self.own(reservation))
    }

    async fn posts(&self, path: &str, properties: Value) -> Value {
        let body = json!({"properties": properties});
        self.buyer.sends(Method::POST, &format!("{path}?api-version=2022-11-01"), &body).await.ok().json()
    }

    async fn happens(&mut self, event: Event) {
        match event {
            Event::Buys(bought) => {
                let path = format!("{CAPACITY}/calculatePrice?api-version=2022-11-01");
                let priced = self.buyer.sends(Method::POST, &path, &bought.body()).await.ok().json();
                let order = priced["properties"]["reservationOrderId"].as_str().unwrap().to_owned();
                let done = self.buyer.sends(Method::PUT, &order_path(&order), &bought.body()).await.ok().json();
                let reservation = last(&done["properties"]["reservations"][0]["id"]);
                self.known.extend([(bought.order, order), (bought.reservation, reservation)]);
            }
            Event::Splits(order, reservation, parts) => {
                let path = format!("{CAPACITY}/reservationOrders/{}/split", self.own(&order));
                let quantities: Vec<u64> = parts.iter().map(|(_, quantity)| *quantity).collect();
                let whole = self.reservation(&order, &reservation);
                let done = self.posts(&path, json!({"reservationId": whole, "quantities": quantities})).await;
                let parts = parts.into_iter().zip(done.as_array().unwrap()).map(|((part, quantity), own)| {
                    assert_eq!(own["properties"]["quantity"], quantity);
                    (part, revised(own))
                });
                self.known.extend(parts);
            }
            Event::Merges(order, parts, merged) => {
                let path = format!("{CAPACITY}/reservationOrders/{}/merge", self.own(&order));
                let sources = parts.map(|part| self.reservation(&order, &part));
                let done = self.posts(&path, json!({"sources": sources})).await;
                self.known.insert(merged, revised(&done[0]));
            }
            Event::Returns(order, reservation, quantity) => {
                let path = format!("{CAPACITY}/reservationOrders/{}", self.own(&order));
                let wanted = json!({"reservationId": self.reservation(&order, &reservation), "quantity": quantity});
                let mut body = json!({"scope": "Reservation", "reservationToReturn": wanted});
                let quote = self.posts(&format!("{path}/calculateRefund"), body.clone()).await;
                body["sessionId"] = quote["properties"]["sessionId"].clone();
                self.posts(&format!("{path}/return"), body).await;
            }
            Event::Changes(order, reservation, properties) => {
                let path = format!("{}?api-version=2022-11-01", self.reservation(&order, &reservation));
                self.buyer.sends(Method::PATCH, &path, &json!({"properties": properties})).await.ok();
            }
        }
    }
}

/// What had happened before a session.
fn events(recording: &Recording, now: Timestamp) -> Vec<(Timestamp, Event)> {
    let exchanges = &recording.exchanges;
    let first = &exchanges[0];
    let ids = identifiers(&first.path);
    let buys = |bought: Bought| (bought.at, Event::Buys(Box::new(bought)));
    match recording.name.as_str() {
        // The session starts from nothing, or from what is sold.
        "test_calculate_reservation_order" | "test_purchase_reservation_order" | "test_get_catalog" => Vec::new(),
        "test_get_reservation" => vec![buys(of_reservation(&first.answer))],
        "test_list_reservations_in_order" => vec![buys(of_reservation(&first.items()[0]))],
        "test_get_reservation_order" => of_order(&first.answer),
        "test_list_reservation_order" => exchanges.iter().flat_map(Exchange::items).flat_map(of_order).collect(),
        "test_list_reservations" => of_reservations(exchanges),
        "test_get_applied_reservation_order_ids" => {
            let orders = first.answer["properties"]["reservationOrderIds"]["value"].as_array().unwrap();
            let mut orders: Vec<String> = orders.iter().map(last).collect();
            orders.sort();
            orders.dedup();
            orders.iter().map(|order| buys(Bought::usual(order, &format!("of {order}"), now))).collect()
        }
        "test_archive_unarchive_reservation" => vec![
            buys(Bought::usual(&ids[0], &ids[1], now - 1.hour())),
            (now, Event::Returns(ids[0].clone(), ids[1].clone(), 3)),
        ],
        "test_reservation_available_scope" => vec![buys(Bought::usual(&ids[0], &ids[1], now))],
        "test_reservation_order_change_directory" => vec![buys(Bought::usual(&ids[0], "its reservation", now))],
        "test_update_reservation" => updated(&first.answer),
        other => panic!("no stage for {other}"),
    }
}

/// A part of a split, for one subscription and without flexibility until it is changed.
fn updated(answer: &Value) -> Vec<(Timestamp, Event)> {
    let part = of_reservation(answer);
    let whole = last(&answer["properties"]["splitProperties"]["splitSource"]);
    let (order, at) = (part.order.clone(), part.at);
    let bought = Bought { reservation: whole.clone(), quantity: part.quantity + 1, single: true, ..part.clone() };
    let parts = vec![(part.reservation.clone(), part.quantity), ("the rest".to_owned(), 1)];
    let change = json!({"instanceFlexibility": "Off"});
    vec![
        (at, Event::Buys(Box::new(bought))),
        (at + 1.second(), Event::Splits(order.clone(), whole, parts)),
        (at + 2.seconds(), Event::Changes(order, part.reservation, change)),
    ]
}

/// An order of a list; one that failed, is under way or has a term that is not sold here is none.
fn of_order(order: &Value) -> Vec<(Timestamp, Event)> {
    let properties = &order["properties"];
    let text = |name: &str| properties[name].as_str().unwrap().to_owned();
    let (state, term) = (text("provisioningState"), text("term"));
    if !TERMS.contains(&term.as_str()) || !["Succeeded", "Cancelled"].contains(&state.as_str()) {
        return Vec::new();
    }
    let name = order["name"].as_str().unwrap().to_owned();
    let reservations: Vec<String> =
        properties["reservations"].as_array().unwrap().iter().map(|r| last(&r["id"])).collect();
    let bought = Bought {
        term,
        plan: text("billingPlan"),
        quantity: properties["originalQuantity"].as_u64().unwrap(),
        name: text("displayName"),
        ..Bought::usual(&name, &reservations[0], whole_second(&properties["requestDateTime"]))
    };
    let (at, quantity) = (bought.at, bought.quantity);
    let mut events = vec![(at, Event::Buys(Box::new(bought)))];
    if let [whole, one, other, ..] = &reservations[..] {
        let parts = vec![(one.clone(), 1), (other.clone(), quantity - 1)];
        events.push((at + 1.second(), Event::Splits(name.clone(), whole.clone(), parts)));
        if let Some(merged) = reservations.get(3) {
            let parts = [one.clone(), other.clone()];
            events.push((at + 2.seconds(), Event::Merges(name.clone(), parts, merged.clone())));
        }
    }
    if state == "Cancelled" {
        events.push((at + 3.seconds(), Event::Returns(name, reservations[0].clone(), quantity)));
    }
    events
}

/// The reservations of several lists, each once.
fn of_reservations(exchanges: &[Exchange]) -> Vec<(Timestamp, Event)> {
    let all: BTreeMap<&str, &Value> =
        exchanges.iter().flat_map(Exchange::items).map(|item| (item["name"].as_str().unwrap(), item)).collect();
    let mut events = Vec::new();
    for (name, item) in &all {
        let properties = &item["properties"];
        let (bought, changed) = (of_reservation(item), whole_second(&properties["effectiveDateTime"]));
        let (order, quantity) = (bought.order.clone(), bought.quantity);
        if properties["splitProperties"]["splitSource"].is_null() {
            events.push((bought.at, Event::Buys(Box::new(bought))));
        }
        if let Some(parts) = properties["splitProperties"]["splitDestinations"].as_array() {
            let parts = parts.iter().map(|part| {
                let part = part.as_str().unwrap();
                (part.to_owned(), all[part]["properties"]["quantity"].as_u64().unwrap())
            });
            events.push((changed, Event::Splits(order, (*name).to_owned(), parts.collect())));
        } else if properties["provisioningState"] == "Cancelled" {
            events.push((changed, Event::Returns(order, (*name).to_owned(), quantity)));
        }
    }
    events
}

fn of_reservation(item: &Value) -> Bought {
    let properties = &item["properties"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let [order, reservation] = <[String; 2]>::try_from(identifiers(item["id"].as_str().unwrap())).unwrap();
    Bought {
        order,
        reservation,
        sku: text(&item["sku"]["name"]),
        location: text(&item["location"]),
        kind: text(&properties["reservedResourceType"]),
        term: text(&properties["term"]),
        plan: properties["billingPlan"].as_str().unwrap_or("Upfront").to_owned(),
        quantity: properties["quantity"].as_u64().unwrap(),
        name: text(&properties["displayName"]),
        single: properties["appliedScopeType"] == "Single",
        at: whole_second(&properties["purchaseDateTime"]),
    }
}

fn whole_second(at: &Value) -> Timestamp {
    let at: Timestamp = at.as_str().unwrap().parse().unwrap();
    Timestamp::from_second(at.as_second()).unwrap()
}

/// The reservation of which an operation's answer gives a revision.
fn revised(item: &Value) -> String {
    identifiers(item["id"].as_str().unwrap()).pop().unwrap()
}

/// The last word of a path.
fn last(path: &Value) -> String {
    path.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

fn identifiers(path: &str) -> Vec<String> {
    let words = path.split(['/', '?']).filter(|word| uuid::Uuid::try_parse(word).is_ok());
    words.map(str::to_owned).collect()
}

const HEADING: &str = "sku,family,region,resource_type,term,billing_plans,currency,list_price,flexibility_group,ratio,\
                       sold_until,vcpus,memory_gib\n";

/// What the sessions buy. Two of the smallest machine cost 48 a year.
fn sold(currency: &str) -> String {
    let machines = [
        "Standard_B1ls",
        "Standard_B1s",
        "Standard_B1ms",
        "Standard_B2s",
        "Standard_B2ms",
        "Standard_B4ms",
        "Standard_B8ms",
        "Standard_D1_v2",
        "Standard_D2s_v3",
        "Standard_DS2_v2",
    ];
    let regions = ["westus", "uksouth", "eastus", "eastus2", "westeurope", "eastasia"];
    let mut table = HEADING.to_owned();
    let mut line = |sku: &str, region: &str, kind: &str| {
        // What it is renewed as costs a little less elsewhere: five of them 109.80.
        let yearly = if (sku, region) == ("Standard_B1ls", "eastus") { "21.96" } else { "24" };
        for (term, price) in TERMS.into_iter().zip([yearly, "46"]) {
            table.push_str(&format!("{sku},,{region},{kind},{term},,{currency},{price},,,,,\n"));
        }
    };
    for sku in machines {
        regions.iter().for_each(|region| line(sku, region, "VirtualMachines"));
    }
    line("sles_standard_1-2_vcpu_vm", "global", "SuseLinux");
    table
}

/// The recorded catalogue, and as many more as it says there are, which come after it.
fn offers(exchange: &Exchange) -> String {
    let mut table = HEADING.to_owned();
    for item in exchange.items() {
        let property = |name: &str| {
            let found = item["skuProperties"].as_array().unwrap().iter().find(|property| property["name"] == name);
            found.unwrap()["value"].as_str().unwrap().to_owned()
        };
        let sku = item["name"].as_str().unwrap();
        let short = property("ProductShortName");
        let family = short.strip_suffix(" Series VM").unwrap();
        let (group, ratio) = (property("ReservationsAutofitGroup"), property("ReservationsAutofitRatio"));
        let (vcpus, memory) = (property("vCpu"), property("RAM"));
        for (term, key) in [("P1Y", "p1Y"), ("P3Y", "p3Y"), ("P5Y", "p5Y")] {
            // Terms with a restriction have no price: they were sold once.
            let price = item["msrp"][key]["amount"].as_f64();
            let until = if price.is_some() { "" } else { "2020-01-01" };
            let price = price.unwrap_or(1.0);
            table.push_str(&format!(
                "{sku},{family},westus,VirtualMachines,{term},,USD,{price},{group},{ratio},{until},{vcpus},{memory}\n"
            ));
        }
    }
    let listed = exchange.items().len();
    for number in listed..usize::try_from(exchange.answer["totalItems"].as_u64().unwrap()).unwrap() {
        table.push_str(&format!("Standard_X{number},,westus,VirtualMachines,P1Y,,USD,1,,,,,\n"));
    }
    table
}
