//! What is the partner's to change, asked for in every disguise by the customer and by a former partner (R20, R21, R45).

use axum::http::Method;
use fullmakt_testkit::{
    Answer, Browser, FJALLRAVEN, NORDMOLN_WORLD, PRODUKTION, PROV, Persona, Purchase, SYDMOLN, Server, ServerOptions,
    TestDatabase, quoted_order,
};
use serde_json::{Value, json};
use std::sync::Arc;

const CAPACITY: &str = "/providers/Microsoft.Capacity";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

/// Fjällräven is served by Sydmoln, too.
async fn served_by_two() -> Server {
    let database = TestDatabase::create(fullmakt_testkit::Database::under_test()).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let one = format!("partners = [\"{}\"]\n", fullmakt_testkit::NORDMOLN);
    let two = format!("partners = [\"{}\", \"{SYDMOLN}\"]\n", fullmakt_testkit::NORDMOLN);
    let world = NORDMOLN_WORLD.replacen(&one, &two, 1);
    assert_ne!(world, NORDMOLN_WORLD);
    let options = ServerOptions { world: Some(world), ..ServerOptions::default() };
    Server::launch(&database, &data, &options).await
}

fn versioned(path: &str) -> String {
    format!("{path}?api-version=2022-11-01")
}

async fn asks(who: &Persona, method: Method, path: &str, body: &Value) -> Answer {
    who.sends(method, &versioned(path), body).await
}

/// A reservation order with two live reservations, by their paths.
struct Bought {
    order: String,
    parts: [String; 2],
}

impl Bought {
    /// Olle buys four with Produktion, and splits them in two, as he may (R22).
    async fn by(olle: &Persona) -> Self {
        let wanted = Purchase::of(4, "Standard_D2s_v5");
        let id = quoted_order(&olle.asks_price(&wanted).await.ok());
        let bought = olle.buys_quoted(&id, &wanted).await.ok().json();
        let whole = bought["properties"]["reservations"][0]["id"].as_str().unwrap().to_owned();
        let order = format!("{CAPACITY}/reservationOrders/{id}");
        let split = json!({"properties": {"quantities": [1, 3], "reservationId": whole}});
        asks(olle, Method::POST, &format!("{order}/split"), &split).await.ok();
        let inside = olle.reads(&versioned(&format!("{order}/reservations"))).await.ok().json();
        let live = inside["value"].as_array().unwrap().iter();
        let live = live.filter(|part| part["properties"]["provisioningState"] == "Succeeded");
        let parts: Vec<String> = live.map(|part| part["id"].as_str().unwrap().to_owned()).collect();
        Self { order, parts: parts.try_into().unwrap() }
    }

    /// Every request that would return, exchange, renew or move something of it, plain or disguised as something else.
    fn deeds(&self) -> Vec<(Method, String, Value)> {
        let [first, second] = &self.parts;
        let moved = json!({"appliedScopeType": "Single", "appliedScopes": [format!("/subscriptions/{PROV}")]});
        let renewed = json!({"renew": true});
        let renewed_as = json!({"renew": false, "renewProperties": {"purchaseProperties": Purchase::of(9, "Standard_D2s_v5").body()}});
        let mut deeds = Vec::new();
        for change in [&moved, &renewed, &renewed_as] {
            // By itself; with a new name, which would be allowed; in a split; in a merge.
            let with = |more: Value| {
                let mut properties = change.clone();
                properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                json!({ "properties": properties })
            };
            deeds.push((Method::PATCH, first.clone(), with(json!({}))));
            deeds.push((Method::PATCH, first.clone(), with(json!({"name": "innocent"}))));
            let split = with(json!({"quantities": [1, 2], "reservationId": second}));
            deeds.push((Method::POST, format!("{}/split", self.order), split));
            let merge = with(json!({"sources": [first, second]}));
            deeds.push((Method::POST, format!("{}/merge", self.order), merge));
        }
        let what = json!({"reservationId": first, "quantity": 1});
        let session = "99999999-0000-4000-8000-000000000009";
        let refund = json!({"properties": {"scope": "Reservation", "reservationToReturn": what, "sessionId": session}});
        let exchange = json!({"properties": {"reservationsToExchange": [what], "sessionId": session,
            "reservationsToPurchase": [Purchase::of(9, "Standard_D2s_v5").body()]}});
        for below in ["calculateRefund", "return", "changeDirectory"] {
            deeds.push((Method::POST, format!("{}/{below}", self.order), refund.clone()));
        }
        deeds.push((Method::POST, format!("{CAPACITY}/calculateExchange"), exchange));
        deeds
    }

    /// The page of the first reservation in the portal.
    fn page(&self) -> String {
        let order = self.order.rsplit('/').next().unwrap();
        let reservation = self.parts[0].rsplit('/').next().unwrap();
        format!("/portal/{FJALLRAVEN}/reservations/{order}/{reservation}")
    }

    /// All that can be seen of it.
    async fn seen(&self, who: &Persona) -> [Value; 3] {
        let read = |path: String| async move { who.reads(&versioned(&path)).await.ok().json() };
        [
            read(format!("{}/reservations", self.order)).await,
            read(format!("{}/revisions", self.parts[0])).await,
            read(format!("{}/revisions", self.parts[1])).await,
        ]
    }
}

const FORMS: [&str; 6] =
    ["scope", "renewal", "renew", "return", "exchange/item", "return/99999999-0000-4000-8000-000000000009"];

async fn submits(browser: &mut Browser, page: &str, form: &str) -> Answer {
    let scope = format!("/subscriptions/{PROV}");
    browser.submits(&format!("{page}/{form}"), &[("scope", &scope), ("renew", "on"), ("back", "1")]).await
}

#[tokio::test]
async fn r20_the_customer_is_told_whom_to_ask_in_every_disguise_and_nothing_changes() {
    let server = Server::start().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    let (olle, rut) = (server.olle(), server.rut());
    let bought = Bought::by(&olle).await;
    // Rut gets a role of Olle's own making that allows everything, on the order itself.
    let role = "99999999-0000-4000-8000-00000000000a";
    let all = json!({"properties": {"roleName": "Allt", "permissions": [{"actions": ["*"]}],
        "assignableScopes": [format!("/subscriptions/{PRODUKTION}"), bought.order]}});
    let definition = format!("/subscriptions/{PRODUKTION}/providers/Microsoft.Authorization/roleDefinitions/{role}");
    olle.sends(Method::PUT, &format!("{definition}?api-version=2022-04-01"), &all).await.ok();
    olle.assigns(role, &rut.id, &bought.order).await.ok();
    rut.reads(&versioned(&bought.parts[0])).await.ok();
    let before = bought.seen(&olle).await;
    for person in [&olle, &rut] {
        for (method, path, body) in bought.deeds() {
            let refused = asks(person, method.clone(), &path, &body).await;
            assert_eq!(refused.status, 403, "{method} {path} {body}: {refused}");
            let refused = refused.is(403, "AuthorizationFailed").says("Nordmoln AB").says("hjalp@nordmoln.example");
            assert_eq!(refused.json()["error"]["additionalInfo"][0]["type"], "PartnerContact", "{path} {body}");
        }
        let mut browser = person.browses().await;
        for form in FORMS {
            submits(&mut browser, &bought.page(), form).await.is(409, "").says("Only Nordmoln AB");
        }
    }
    assert_eq!(bought.seen(&olle).await, before);
    // What one client adds to every rename asks for nothing.
    let rename = json!({"properties": {"name": "web-1", "renew": false}});
    asks(&olle, Method::PATCH, &bought.parts[0], &rename).await.ok();
    let named = olle.reads(&versioned(&bought.parts[0])).await.ok().json();
    assert_eq!((&named["properties"]["displayName"], &named["properties"]["renew"]), (&json!("web-1"), &json!(false)));
}

#[tokio::test]
async fn r21_r45_what_a_former_partner_kept_of_its_roles_lets_it_see_and_do_nothing() {
    let server = served_by_two().await;
    let (ada, sven, olle, ture) = (server.ada(), server.sven(), server.olle(), server.ture());
    ada.grants_self_serve(FJALLRAVEN).await.ok();
    let old = Bought::by(&olle).await;
    // Ada and Sven are Owners by name, besides what Admin agents are as a group; both were at work in the directory.
    let produktion = format!("/subscriptions/{PRODUKTION}");
    for agent in [&ada, &sven] {
        olle.assigns(OWNER, &agent.id, &produktion).await.ok();
        olle.assigns(OWNER, &agent.id, &old.order).await.ok();
    }
    let on_behalf = |agent: &Persona| {
        let mut agent = agent.clone();
        FJALLRAVEN.clone_into(&mut agent.tenant);
        agent
    };
    let agents = [ada.clone(), sven.clone(), on_behalf(&ada), on_behalf(&sven)];
    for agent in &agents {
        agent.reads(&versioned(&old.order)).await.ok();
    }
    let (mut adas, mut svens) = (ada.browses().await, sven.browses().await);
    adas.gets(&old.page()).await.ok();
    svens.gets(&old.page()).await.ok();

    // The customer's subscriptions go over to Sydmoln, and Nordmoln is its partner no more. Nobody cleans the roles up.
    for statement in [
        "UPDATE subscription SET partner_id = '44444444-4444-4444-8444-444444444444'
         WHERE customer_id = '22222222-2222-4222-8222-222222222222'",
        "UPDATE entitlement SET partner_id = '44444444-4444-4444-8444-444444444444'
         WHERE customer_id = '22222222-2222-4222-8222-222222222222'",
        "DELETE FROM relationship WHERE customer_id = '22222222-2222-4222-8222-222222222222'
           AND partner_id = '11111111-1111-4111-8111-111111111111'",
    ] {
        server.database.damage(statement).await;
    }
    let left = "SELECT count(*) FROM role_assignment WHERE principal_type = 'ForeignGroup' AND scope_key
        = '/subscriptions/33333333-3333-4333-8333-333333333333'";
    assert_eq!(server.database.number(left).await, 1, "the agents' group is still Owner");
    ture.grants_self_serve(FJALLRAVEN).await.ok();
    let new = Bought::by(&olle).await;
    let before = (old.seen(&olle).await, new.seen(&olle).await);

    for agent in &agents {
        for bought in [&old, &new] {
            for path in [&bought.order, &bought.parts[0], &format!("{}/reservations", bought.order)] {
                let hidden = agent.reads(&versioned(path)).await.is(404, "");
                assert!(!hidden.text().contains("Sydmoln") && !hidden.text().contains("Fjäll"), "{hidden}");
            }
            let rename =
                (Method::PATCH, bought.parts[0].clone(), json!({"properties": {"name": "mine", "renew": false}}));
            for (method, path, body) in bought.deeds().into_iter().chain([rename]) {
                let hidden = asks(agent, method.clone(), &path, &body).await;
                assert_eq!(hidden.status, 404, "{method} {path} {body}: {hidden}");
                assert!(!hidden.text().contains("Sydmoln"), "{hidden}");
            }
        }
    }
    for browser in [&mut adas, &mut svens] {
        for bought in [&old, &new] {
            browser.gets(&bought.page()).await.is(404, "");
            for form in FORMS.into_iter().chain(["rename", "split", "merge"]) {
                submits(browser, &bought.page(), form).await.is(404, "");
            }
        }
    }
    // An exchange that Ture has asked for is not Ada's to make.
    let exchange = json!({"properties": {"reservationsToExchange": [{"reservationId": new.parts[0], "quantity": 1}],
        "reservationsToPurchase": [Purchase::of(9, "Standard_D2s_v5").body()]}});
    let asked = asks(&ture, Method::POST, &format!("{CAPACITY}/calculateExchange"), &exchange).await.ok().json();
    let quoted = ture.reads(&versioned(asked["id"].as_str().unwrap())).await.ok().json();
    let session = json!({"properties": {"sessionId": quoted["properties"]["sessionId"]}});
    for agent in &agents {
        let refused = asks(agent, Method::POST, &format!("{CAPACITY}/exchange"), &session).await;
        assert!(refused.status.is_client_error() && !refused.text().contains("Sydmoln"), "{refused}");
        agent.reads(&versioned(asked["id"].as_str().unwrap())).await.is(404, "");
    }
    assert_eq!((old.seen(&olle).await, new.seen(&olle).await), before);

    // The customer hears of the partner that sold it, whichever that was.
    let mut olles = olle.browses().await;
    for (bought, name) in [(&old, "Nordmoln AB"), (&new, "Sydmoln AB")] {
        for (method, path, body) in bought.deeds() {
            asks(&olle, method, &path, &body).await.is(403, "AuthorizationFailed").says(name);
        }
        submits(&mut olles, &bought.page(), "return").await.is(409, "").says(&format!("Only {name}"));
    }
    assert_eq!((old.seen(&olle).await, new.seen(&olle).await), before);
    // And Ture does what Ada may not.
    let renew = json!({"properties": {"renew": true}});
    asks(&ture, Method::PATCH, &new.parts[0], &renew).await.ok();
    asks(&ture, Method::PATCH, &old.parts[0], &renew).await.is(404, "");
}
