//! What has happened before anybody tours the pages: a year at Nordmoln's, so that every page has something to show.
//!
//! From the autumn of 2025 to 10 November 2026 Fjällräven was allowed to buy and bought, its partner bought for it, gave back,
//! exchanged and split; machines ran in the last month. Sydmoln and its customer Kustfiske have nothing yet.

use crate::document::Document;
use crate::pages::{Browser, between};
use crate::persona::{Persona, Purchase, quoted_order};
use crate::server::Server;
use crate::story::{FJALLRAVEN, KUSTFISKE, PRODUKTION, PROV, SKOGEN, SKOGSBRUKET};
use crate::tour::Stop;
use axum::http::Method;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

/// When it begins.
pub(crate) const BEGINS: &str = "2025-11-03T08:00:00Z";
/// From when on usage is known.
const USED_FROM: &str = "2026-10-10T00:00:00Z";
/// For how long.
const USED_HOURS: i64 = 31 * 24;
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
/// Fjällräven's Azure plan.
const PLAN: &str = "22222222-0000-4000-8000-0000000000e1";

fn portal(rest: &str) -> String {
    format!("/portal/{FJALLRAVEN}{rest}")
}

fn dashboard(rest: &str) -> String {
    format!("/dashboard/customers/{FJALLRAVEN}{rest}")
}

/// Lets it all happen, and gives the pages that no link leads to: those behind forms, and those that say what is missing.
pub(crate) async fn furnish(server: &Server) -> Vec<Stop> {
    let ada = server.ada();
    let mut stops = Vec::new();
    let mut stop = |who: Persona, name: &str, path: String| stops.push(Stop { who, path, name: name.to_owned() });
    let expired = begins(server).await;
    server.lets_pass("P70D").await;
    let bought = buys(server, expired).await;
    server.lets_pass("P100D").await;
    let mut browser = ada.browses().await;
    stop(ada.clone(), "ada-portal-returned", gives_back(&mut browser, &bought.spare).await);
    stop(ada.clone(), "ada-portal-exchanged", exchanges(&mut browser, &bought.odd, "Standard_E2s_v5").await);
    browser.gets(&bought.split).await.ok();
    browser.submits(&format!("{}/split", bought.split), &[("first", "1")]).await.ok();
    server.lets_pass("P202D").await;
    runs(server).await;
    hides(server, &bought.hidden).await;
    let new = a_new_customer(server).await;

    let mut browser = ada.browses().await;
    stop(ada.clone(), "ada-portal-return-review", asks_back(&mut browser, &bought.used).await);
    stop(ada.clone(), "ada-portal-exchange-review", asks_exchange(&mut browser, &bought.used, "Standard_D4s_v5").await);
    stop(
        ada.clone(),
        "ada-portal-exchange-too-small",
        asks_exchange(&mut browser, &bought.used, "Standard_B1ls").await,
    );
    for (name, path) in wizard(&mut browser).await {
        stop(ada.clone(), name, path);
    }
    for (name, path) in purchase(server).await {
        stop(server.olle(), name, path);
    }
    for (became, path) in [
        ("used", &bought.used),
        ("returned", &bought.spare),
        ("exchanged", &bought.odd),
        ("split", &bought.split),
        ("hidden", &bought.hidden),
        ("expired", &bought.expired),
    ] {
        stop(ada.clone(), &format!("ada-portal-reservation-{became}"), path.clone());
        stop(server.olle(), &format!("olle-portal-reservation-{became}"), path.clone());
        let inside = path.replace(&portal(""), &dashboard(""));
        stop(ada.clone(), &format!("ada-dashboard-reservation-{became}"), inside);
    }
    let new = |rest: &str| format!("/dashboard/customers/{new}{rest}");
    let item = "sku=Standard_D2s_v5&region=swedencentral&term=P1Y";
    for (name, path) in [
        ("ada-dashboard-new-account", new("/account")),
        ("ada-dashboard-new-subscriptions", new("/subscriptions")),
        ("ada-dashboard-new-add-products", new("/add-products")),
        ("ada-dashboard-new-azure-plan", new("/subscriptions/azure-plan")),
        ("ada-dashboard-off-account", format!("/dashboard/customers/{SKOGSBRUKET}/account")),
        ("ada-dashboard-may-buy-yes", dashboard(&format!("/account?user=olle@exempel.example&{item}"))),
        ("ada-dashboard-may-buy-no", dashboard(&format!("/account?user=karin@exempel.example&{item}"))),
        ("ada-dashboard-price-preview-of", format!("/dashboard/prices/preview?customer={FJALLRAVEN}")),
        ("ada-dashboard-customers-none", "/dashboard/customers?q=nobody".to_owned()),
        ("ada-dashboard-orders-none", dashboard("/orders?q=nothing")),
        ("ada-dashboard-log-none", "/dashboard/activity-log?user=nobody".to_owned()),
        ("ada-dashboard-missing", "/dashboard/nothing".to_owned()),
    ] {
        stop(ada.clone(), name, path);
    }
    stop(server.sven(), "sven-dashboard-forbidden", dashboard("/statement"));
    stop(server.olle(), "olle-portal-return-refused", format!("{}/return", bought.used));
    stop(server.olle(), "olle-portal-purchase-none", portal("/purchase?q=nothing"));
    stops
}

/// What reservations there are, by the paths of their pages in the portal.
struct Bought {
    /// Two that run out soon and are used.
    used: String,
    /// Four, one of which is given back.
    spare: String,
    /// Two that are exchanged.
    odd: String,
    /// Four of the partner's, which are divided.
    split: String,
    /// Given back as a whole, and hidden.
    hidden: String,
    /// Its year is over when the tour begins.
    expired: String,
}

/// Somebody buys by the API; what comes is the path of the reservation's page.
async fn buys_one(who: &Persona, wanted: &Purchase) -> String {
    let order = quoted_order(&who.asks_price(wanted).await.ok());
    let bought = who.buys_quoted(&order, wanted).await.ok().json();
    let id = bought["properties"]["reservations"][0]["id"].as_str().expect("an order has reservations");
    let (_, reservation) = id.rsplit_once('/').expect("an identifier is a path");
    portal(&format!("/reservations/{order}/{reservation}"))
}

async fn begins(server: &Server) -> String {
    let (ada, olle) = (server.ada(), server.olle());
    // Turned down: the permission is still off.
    olle.buys(1, "Standard_D2s_v5").await.is(403, "");
    ada.grants_self_serve(FJALLRAVEN).await.ok();
    server.ture().grants_self_serve(KUSTFISKE).await.ok();
    for rule in [
        json!({"customer": FJALLRAVEN, "discountPercent": "5"}),
        json!({"family": "Dsv5", "markupPercent": "3"}),
        json!({"sku": "Standard_B2s", "term": "P1Y", "fixed": "199.90", "until": "2030-01-01"}),
    ] {
        ada.sends(Method::POST, "/fullmakt/v1/prices", &rule).await.ok();
    }
    ada.assigns(OWNER, &server.rut().id, &format!("/subscriptions/{PRODUKTION}")).await.ok();
    buys_one(&olle, &Purchase::of(1, "Standard_B2s").called("intranet-2025")).await
}

async fn buys(server: &Server, expired: String) -> Bought {
    let olle = server.olle();
    let sold = |quantity, sku, name| Purchase::of(quantity, sku).called(name);
    let used = buys_one(&olle, &sold(2, "Standard_D2s_v5", "webbshop")).await;
    buys_one(&olle, &sold(1, "Standard_D4s_v5", "rapporter").monthly()).await;
    let spare = buys_one(&olle, &sold(4, "Standard_E2s_v5", "databaser")).await;
    let odd = buys_one(&olle, &sold(2, "Standard_B2s", "prov")).await;
    let hidden = buys_one(&olle, &sold(1, "Standard_F2s_v2", "kampanj")).await;
    let long = Purchase { term: "P3Y".to_owned(), ..sold(4, "Standard_D2s_v5", "kassasystem-for-alla-butiker") };
    let split = buys_one(&server.ada(), &long.monthly()).await;
    // Turned down: Skogsbruket has no permission.
    server.pelle().purchases(&Purchase::of(1, "Standard_D2s_v5").with(SKOGEN)).await.is(403, "");
    by_cart(&server.ada()).await;
    Bought { used, spare, odd, split, hidden, expired }
}

/// What a partner buys by the Partner Center API, through a cart.
async fn by_cart(ada: &Persona) {
    let base = format!("/v1/customers/{FJALLRAVEN}");
    ada.sends(Method::POST, &format!("{base}/subscriptions/{PLAN}/registrations"), &Value::Null).await.ok();
    let first = async |path: String| {
        let items = ada.reads(&path).await.ok().json();
        items["items"][0]["id"].as_str().expect("there is something for sale").to_owned()
    };
    let scope = "reservationScope=AzurePlan";
    let product = first(format!("{base}/products?targetView=AzureReservationsVM&{scope}")).await;
    let sku = first(format!("{base}/products/{product}/skus?{scope}")).await;
    let availability = first(format!("{base}/products/{product}/skus/{sku}/availabilities?{scope}")).await;
    let cart = json!({"lineItems": [{
        "id": 0,
        "catalogItemId": format!("{product}:{sku}:{availability}"),
        "quantity": 3,
        "billingCycle": "one_time",
        "termDuration": "P1Y",
        "provisioningContext": {"subscriptionId": PRODUKTION, "scope": "shared", "duration": "1Year"},
    }]});
    let cart = ada.sends(Method::POST, &format!("{base}/carts"), &cart).await.ok().json();
    let cart = cart["id"].as_str().expect("a cart has an id").to_owned();
    ada.sends(Method::POST, &format!("{base}/carts/{cart}/checkout"), &Value::Null).await.ok();
}

/// The address without what happened just now.
fn here(browser: &Browser) -> String {
    browser.at.split('?').next().unwrap_or_default().to_owned()
}

/// Asks what the return of one comes to.
async fn asks_back(browser: &mut Browser, reservation: &str) -> String {
    let form = format!("{reservation}/return");
    browser.gets(&form).await.ok();
    browser.submits(&form, &[("back", "1")]).await.ok();
    here(browser)
}

async fn gives_back(browser: &mut Browser, reservation: &str) -> String {
    let review = asks_back(browser, reservation).await;
    browser.submits(&review, &[("reason", "Bought one too many")]).await.ok();
    review
}

/// Asks what the exchange of all for one of another size comes to.
async fn asks_exchange(browser: &mut Browser, reservation: &str, sku: &str) -> String {
    let item = format!("{reservation}/exchange/item");
    browser.gets(&format!("{reservation}/exchange")).await.ok();
    let what = [("subscription", PRODUKTION), ("type", "VirtualMachines"), ("sku", sku), ("region", "swedencentral")];
    let how = [("term", "P1Y"), ("back", "2"), ("quantity", "1"), ("plan", "Upfront"), ("scope", "shared")];
    let fields: Vec<_> = what.into_iter().chain(how).collect();
    browser.submits(&item, &fields).await.ok();
    here(browser)
}

async fn exchanges(browser: &mut Browser, reservation: &str, sku: &str) -> String {
    let review = asks_exchange(browser, reservation, sku).await;
    browser.submits(&review, &[]).await.ok();
    review
}

/// Hides what was given back as a whole.
async fn hides(server: &Server, reservation: &str) {
    let mut ada = server.ada().browses().await;
    gives_back(&mut ada, reservation).await;
    let mut olle = server.olle().browses().await;
    olle.gets(reservation).await.ok();
    olle.submits(&format!("{reservation}/archive"), &[]).await.ok();
}

/// A machine of Fjällräven's: subscription, resource group, name, size, price of an hour, and whether it runs in an hour of
/// the week that begins on a Monday.
type Machine = (&'static str, &'static str, &'static str, &'static str, &'static str, fn(i64) -> bool);

const ALWAYS: fn(i64) -> bool = |_| true;
const OFFICE: fn(i64) -> bool = |hour| hour < 120 && (7..18).contains(&(hour % 24));
const NIGHT: fn(i64) -> bool = |hour| !(6..22).contains(&(hour % 24));

const MACHINES: [Machine; 10] = [
    (PRODUKTION, "Webbshop", "webb-1", "Standard_D2s_v5", "0.104", ALWAYS),
    (PRODUKTION, "Webbshop", "webb-2", "Standard_D2s_v5", "0.104", ALWAYS),
    (PRODUKTION, "Webbshop", "webb-3", "Standard_D2s_v5", "0.104", OFFICE),
    (PRODUKTION, "Webbshop", "webb-4", "Standard_D2s_v5", "0.104", OFFICE),
    (PRODUKTION, "Lager", "lager-1", "Standard_D4s_v5", "0.208", ALWAYS),
    (PRODUKTION, "Lager", "lager-2", "Standard_D4s_v5", "0.208", ALWAYS),
    (PRODUKTION, "Lager", "lager-databas", "Standard_E2s_v5", "0.136", ALWAYS),
    (PROV, "Prov", "prov-1", "Standard_D2s_v5", "0.104", NIGHT),
    (PROV, "Prov", "prov-2", "Standard_D2s_v5", "0.104", OFFICE),
    (PROV, "Analys", "analys", "Standard_F4s_v2", "0.194", ALWAYS),
];

/// A month of usage is brought in and rated.
async fn runs(server: &Server) {
    let from: Timestamp = USED_FROM.parse().expect("an instant");
    let resource = |&(subscription, group, name, sku, price, _): &Machine| {
        let kind = "providers/Microsoft.Compute/virtualMachines";
        json!({
            "subAccountId": subscription,
            "resourceId": format!("/subscriptions/{subscription}/resourceGroups/{group}/{kind}/{name}"),
            "regionId": "swedencentral",
            "armSkuName": sku,
            "contractedUnitPrice": price,
            "billingCurrency": "EUR",
        })
    };
    let hour = |n: i64| {
        // 10 October 2026 is a Saturday.
        let of_week = (n + 5 * 24) % (7 * 24);
        let running = MACHINES.iter().enumerate().filter(|(_, machine)| machine.5(of_week));
        let lines: Vec<Value> = running.map(|(number, _)| json!([number, number, "1"])).collect();
        json!({"start": (from + n.hours()).to_string(), "lines": lines})
    };
    let usage = json!({
        "customer": FJALLRAVEN,
        "resources": MACHINES.iter().map(resource).collect::<Vec<_>>(),
        "hours": (0..USED_HOURS).map(hour).collect::<Vec<_>>(),
    });
    server.ada().sends(Method::POST, "/fullmakt/v1/usage", &usage).await.ok();
    // What is rated is due at once.
    server.lets_pass("PT1S").await;
}

/// A customer with nothing yet: no agreement, no subscription.
async fn a_new_customer(server: &Server) -> String {
    let mut ada = server.ada().browses().await;
    ada.gets("/dashboard/customers/new").await.ok();
    let fields = [
        ("name", "Vintervägen Bygg & Fastighet i Norrland AB"),
        ("domain", "vintervagen.example"),
        ("country", "SE"),
        ("language", "sv"),
        ("first_name", "Eva"),
        ("last_name", "Ek"),
        ("email", "eva@vintervagen.example"),
        ("address_1", "Vintervägen 1"),
        ("postal_code", "903 25"),
        ("city", "Umeå"),
    ];
    let added = ada.submits("/dashboard/customers/new", &fields).await.ok().text();
    between(&added, "<dd><code>", "</code>").expect("the page names the customer").to_owned()
}

/// The steps of the wizard behind its forms.
async fn wizard(ada: &mut Browser) -> Vec<(&'static str, String)> {
    let at = |rest: &str| dashboard(&format!("/add-products{rest}"));
    let list = at(&format!("/products?subscription={PLAN}&size=D2s_v5&term=P1Y"));
    let page = ada.gets(&list).await.ok().text();
    let item = between(&page, "name=\"item\" value=\"", "\"").expect("there is something for sale").to_owned();
    let mut stops = Vec::new();
    // The second cart is bought, the first one stays.
    for bought in [false, true] {
        ada.gets(&list).await.ok();
        let wish = [("subscription", PLAN), ("item", &item), ("quantity", "3")];
        ada.submits(&at("/cart"), &wish).await.ok();
        let products = ada.at.clone();
        let (_, cart) = products.split_once("cart=").expect("the page keeps its cart");
        let cart = cart.split('&').next().unwrap_or_default().to_owned();
        let review = at(&format!("/review?cart={cart}"));
        ada.gets(&review).await.ok();
        let choice = [("cart", cart.as_str()), ("quantity-0", "3"), ("billing-0", "monthly"), ("do", "continue")];
        ada.submits(&at("/review"), &choice).await.ok();
        let confirm = ada.at.clone();
        if bought {
            ada.submits(&at("/buy"), &[("cart", &cart)]).await.ok();
            stops.push(("ada-dashboard-wizard-done", ada.at.clone()));
        } else {
            stops.push(("ada-dashboard-wizard-products", products));
            stops.push(("ada-dashboard-wizard-review", review));
            stops.push(("ada-dashboard-wizard-buy", confirm));
        }
    }
    stops
}

/// The steps of Olle's purchase behind its forms.
async fn purchase(server: &Server) -> Vec<(&'static str, String)> {
    let mut olle = server.olle().browses().await;
    let what = [("subscription", PRODUKTION), ("type", "VirtualMachines"), ("sku", "Standard_D2s_v5")];
    let how = [("region", "swedencentral"), ("term", "P1Y"), ("quantity", "2"), ("plan", "Monthly")];
    let last = [("scope", "shared"), ("name", "webbshop-2")];
    let fields: Vec<_> = what.into_iter().chain(how).chain(last).collect();
    let mut stops = Vec::new();
    for bought in [false, true] {
        olle.gets(&portal("/purchase")).await.ok();
        let review = olle.submits(&portal("/purchase/item"), &fields).await.ok();
        if !bought {
            stops.push(("olle-portal-purchase-review", olle.at.clone()));
            continue;
        }
        let forms = Document::read(&review.text()).forms;
        let buy =
            forms.iter().find(|form| form.action.contains("/purchase/review/")).expect("there is a price to buy at");
        let fields: Vec<_> = buy.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
        olle.submits(&buy.action, &fields[1..]).await.ok();
        stops.push(("olle-portal-purchase-done", olle.at.clone()));
    }
    stops
}
