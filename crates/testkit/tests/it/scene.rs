//! A server on which something has happened, and the names of what is there and of what is not.

use fullmakt_testkit::{Answer, FJALLRAVEN, NORDMOLN, PRODUKTION, Purchase, Server, quoted_order};
use std::collections::BTreeMap;

/// What stands for `{name}` in a path.
pub struct Names(BTreeMap<&'static str, String>);

impl Names {
    /// The path with its names filled in.
    pub fn fill(&self, pattern: &str) -> String {
        self.0.iter().fold(pattern.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    /// Adds a name.
    pub fn add(&mut self, name: &'static str, value: &str) {
        self.0.insert(name, value.to_owned());
    }

    /// One name.
    pub fn get(&self, name: &str) -> &str {
        &self.0[name]
    }
}

/// A world in which Fjällräven may buy and has bought.
pub struct Scene {
    /// The server.
    pub server: Server,
    /// Names of what is there.
    pub real: Names,
    /// Names of the same form, of what is not there.
    pub made_up: Names,
}

impl Scene {
    /// Ada lets Fjällräven buy, Ture lets Kustfiske, Olle buys.
    pub async fn new() -> Self {
        let server = Server::start().await;
        server.ada().grants_self_serve(FJALLRAVEN).await.ok();
        server.ture().grants_self_serve(fullmakt_testkit::KUSTFISKE).await.ok();
        let olle = server.olle();
        let wanted = Purchase::of(2, "Standard_D2s_v5");
        let order = quoted_order(&olle.asks_price(&wanted).await.ok());
        olle.buys_quoted(&order, &wanted).await.ok();
        let order_path = format!("/providers/Microsoft.Capacity/reservationOrders/{order}");
        let inside = olle.reads(&format!("{order_path}/reservations?api-version=2022-11-01")).await.ok().json();
        let last = |text: &serde_json::Value| text.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let assignments = "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01";
        let assigned = olle.reads(&format!("/subscriptions/{PRODUKTION}{assignments}")).await.ok().json();
        let history = server.ada().reads_orders(FJALLRAVEN).await.ok().json();
        let products = format!("/v1/customers/{FJALLRAVEN}/products");
        let ada = server.ada();
        let first = |answer: Answer| answer.ok().json()["items"][0]["id"].as_str().unwrap().to_owned();
        let product =
            first(ada.reads(&format!("{products}?targetView=AzureReservationsVM&reservationScope=AzurePlan")).await);
        let sku = first(ada.reads(&format!("{products}/{product}/skus?reservationScope=AzurePlan")).await);
        let availability = first(
            ada.reads(&format!("{products}/{product}/skus/{sku}/availabilities?reservationScope=AzurePlan")).await,
        );
        let cart = serde_json::json!({"lineItems": [{
            "id": 0,
            "catalogItemId": format!("{product}:{sku}:{availability}"),
            "quantity": 1,
            "billingCycle": "one_time",
            "termDuration": "P1Y",
            "provisioningContext": {"subscriptionId": PRODUKTION, "scope": "shared", "duration": "1Year"},
        }]});
        let carts = format!("/v1/customers/{FJALLRAVEN}/carts");
        let cart = ada.sends(axum::http::Method::POST, &carts, &cart).await.ok().json();
        let exchange = serde_json::json!({"properties": {
            "reservationsToExchange": [{"reservationId": inside["value"][0]["id"], "quantity": 1}],
            "reservationsToPurchase": [Purchase::of(2, "Standard_D2s_v5").body()],
        }});
        let calculate = "/providers/Microsoft.Capacity/calculateExchange?api-version=2022-11-01";
        let asked = ada.sends(axum::http::Method::POST, calculate, &exchange).await.ok().json();
        let calculated = format!("{}?api-version=2022-11-01", asked["id"].as_str().unwrap());
        let quoted = ada.reads(&calculated).await.ok().json();
        let real = BTreeMap::from([
            ("subscription", PRODUKTION.to_owned()),
            ("order", order),
            ("reservation", last(&inside["value"][0]["id"])),
            ("operation", quoted["properties"]["sessionId"].as_str().unwrap().to_owned()),
            ("part", uuid::Uuid::new_v4().to_string()),
            ("result", format!("{}_3", last(&inside["value"][0]["id"]))),
            ("assignment", last(&assigned["value"][0]["name"])),
            ("definition", "22222222-0000-4000-8000-00000000dddd".to_owned()),
            ("principal", "22222222-0000-4000-8000-000000000003".to_owned()),
            ("customer", FJALLRAVEN.to_owned()),
            ("commerce_order", history["items"][0]["id"].as_str().unwrap().to_owned()),
            ("entitlement", "22222222-0000-4000-8000-0000000000e1".to_owned()),
            ("policy", format!("{NORDMOLN}_{FJALLRAVEN}")),
            ("invoice", "G0123456789".to_owned()),
            ("cart", cart["id"].as_str().unwrap().to_owned()),
            ("product", product),
            ("sku", sku),
            ("availability", availability),
            ("group", "grupp".to_owned()),
            ("namespace", "Microsoft.Capacity".to_owned()),
            ("account", NORDMOLN.to_owned()),
            ("profile", NORDMOLN.to_owned()),
        ]);
        // The catalogue is no secret: its names stay.
        let open = ["product", "sku", "availability", "group", "namespace"];
        let other = |name: &str, value: &str| if open.contains(&name) { value.to_owned() } else { scrambled(value) };
        let mut made_up: BTreeMap<_, _> = real.iter().map(|(name, value)| (*name, other(name, value))).collect();
        made_up.insert("profile", made_up["account"].clone());
        made_up.insert("result", format!("{}_3", made_up["reservation"]));
        made_up.insert("policy", format!("{NORDMOLN}_{}", made_up["customer"]));
        Self { server, real: Names(real), made_up: Names(made_up) }
    }

    /// Fails when the answer says anything about Fjällräven or Nordmoln that was not asked with.
    #[track_caller]
    pub fn assert_tells_nothing(&self, answer: &str) {
        for secret in ["Fjällräven", "olle@", "karin@", "Produktion", "Olle", "exempel.example"] {
            assert!(!answer.contains(secret), "`{secret}` is told: {answer}");
        }
    }
}

/// A name of the same form that nothing has.
fn scrambled(value: &str) -> String {
    match value {
        guid if uuid::Uuid::try_parse(guid).is_ok() => uuid::Uuid::new_v4().to_string(),
        // A commercial order: another of its alphabet.
        other => other
            .chars()
            .map(|c| {
                if c == 'a' {
                    'b'
                } else if c == 'b' {
                    'a'
                } else {
                    c
                }
            })
            .rev()
            .collect(),
    }
}

/// An answer without what may differ: the names asked with, the identifiers of the request, counters.
pub fn normalised(names: &Names, answer: &Answer) -> String {
    let mut text = answer.text();
    // The longest first: a policy's name holds a customer's.
    let mut known: Vec<_> = names.0.iter().collect();
    known.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (name, value) in known {
        text = text.replace(value.as_str(), &format!("<{name}>")).replace(&value.to_uppercase(), &format!("<{name}>"));
    }
    let fields: std::collections::BTreeSet<&str> = answer.headers.keys().map(|name| name.as_str()).collect();
    let told = ["content-type", "www-authenticate", "retry-after", "location", "etag", "allow"];
    let values = told.map(|name| answer.header(name));
    format!("{} {text}\n{fields:?} {values:?}", answer.status)
}
