//! Every page, found by following every link: what the pictures and the checks of accessibility visit.

use crate::database::{Database, TestDatabase};
use crate::document::Document;
use crate::pages::Browser;
use crate::persona::{Persona, Purchase};
use crate::server::{Server, ServerOptions};
use crate::story::{FJALLRAVEN, KUSTFISKE, NORDMOLN_WORLD, PRODUKTION, SKOGEN};
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// How many pages of one shape are visited. Those with other names in their queries, such as an open row, are another shape.
const OF_A_SHAPE: usize = 1;

/// A page that somebody sees.
#[derive(Clone)]
pub struct Stop {
    /// Who.
    pub who: Persona,
    /// Its path and query.
    pub path: String,
    /// A name for its picture, such as `ada-dashboard-customers-account`.
    pub name: String,
}

impl Server {
    /// Starts one on which enough has happened that every page has something to show: a customer may buy and has bought, its
    /// partner has, too, and there are price rules, turned down purchases and roles.
    pub async fn start_for_a_tour(program: Option<PathBuf>) -> Self {
        let database = TestDatabase::create(Database::under_test()).await;
        let data = Arc::new(tempfile::tempdir().expect("the temporary folder can be written"));
        let options = ServerOptions { world: Some(NORDMOLN_WORLD.into()), program, ..ServerOptions::default() };
        let server = Self::launch(&database, &data, &options).await;
        server.furnish().await;
        server
    }

    async fn furnish(&self) {
        let (ada, olle) = (self.ada(), self.olle());
        // Turned down: the permission is still off.
        olle.buys(1, "Standard_D2s_v5").await;
        ada.grants_self_serve(FJALLRAVEN).await.ok();
        self.ture().grants_self_serve(KUSTFISKE).await.ok();
        for rule in [
            json!({"customer": FJALLRAVEN, "discountPercent": "5"}),
            json!({"family": "Dsv5", "markupPercent": "3"}),
            json!({"sku": "Standard_B2s", "term": "P1Y", "fixed": "199.90", "until": "2030-01-01"}),
        ] {
            ada.sends(Method::POST, "/fullmakt/v1/prices", &rule).await.ok();
        }
        olle.buys(2, "Standard_D2s_v5").await.ok();
        let monthly = Purchase { billing_plan: "Monthly".to_owned(), ..Purchase::of(1, "Standard_D4s_v5") };
        olle.purchases(&monthly).await.ok();
        let owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
        let scope = format!("/subscriptions/{PRODUKTION}");
        ada.assigns(owner, &self.rut().id, &scope).await;
        self.ada_buys().await;
        self.pelle().purchases(&Purchase::of(1, "Standard_D2s_v5").with(SKOGEN)).await;
    }

    /// What a partner buys itself, through a cart.
    async fn ada_buys(&self) {
        let ada = self.ada();
        let base = format!("/v1/customers/{FJALLRAVEN}");
        let plan = "22222222-0000-4000-8000-0000000000e1";
        ada.sends(Method::POST, &format!("{base}/subscriptions/{plan}/registrations"), &Value::Null).await.ok();
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

    /// Every page, seen by those to whom it looks different.
    pub async fn stops(&self) -> Vec<Stop> {
        let people = [("ada", self.ada()), ("sven", self.sven()), ("olle", self.olle()), ("rut", self.rut())];
        let mut stops = Vec::new();
        for (name, who) in people {
            let mut numbers = BTreeMap::<String, usize>::new();
            for path in walk(&mut who.browses().await).await {
                let plain = plain_name(&path);
                let number = numbers.entry(plain.clone()).or_default();
                *number += 1;
                let suffix = if *number == 1 { String::new() } else { format!("-{number}") };
                stops.push(Stop { who: who.clone(), path, name: format!("{name}-{plain}{suffix}") });
            }
        }
        stops
    }
}

/// The pages that somebody gets to by following links from the front page, some of each shape.
async fn walk(browser: &mut Browser) -> Vec<String> {
    let mut waiting = VecDeque::from(["/".to_owned()]);
    let (mut known, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut shapes = BTreeMap::<String, usize>::new();
    let mut pages = Vec::new();
    while let Some(path) = waiting.pop_front() {
        let answer = browser.gets(&path).await;
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let at = browser.at.clone();
        if answer.status.is_success() && seen.insert(at.clone()) {
            pages.push(at);
        }
        for link in Document::read(&answer.text()).links {
            let Some(link) = own_path(&browser.at, &link) else { continue };
            let visits = shapes.entry(shape_of(&link)).or_default();
            if *visits < OF_A_SHAPE && known.insert(link.clone()) {
                *visits += 1;
                waiting.push_back(link);
            }
        }
    }
    pages
}

/// Where a link of a page leads, when it leads to another page of this server.
pub fn own_path(page: &str, link: &str) -> Option<String> {
    let (link, _) = link.split_once('#').unwrap_or((link, ""));
    let path = page.split('?').next().unwrap_or_default();
    match link.chars().next()? {
        '/' if !link.starts_with("//") => Some(link.to_owned()),
        '?' => Some(format!("{path}{link}")),
        // `mailto:`, `https:`.
        _ => None,
    }
}

/// A path and the names in its query, without what they hold: `/portal/{}/reservations?page`.
pub fn shape_of(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').map(|segment| if is_name(segment) { segment } else { "{}" }).collect();
    let mut keys: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", segments.join("/"), keys.join("&"))
}

/// Whether a segment is a word of ours, not an identifier.
fn is_name(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// A path as the name of a file.
fn plain_name(path: &str) -> String {
    let shape = shape_of(path).replace("/{}", "");
    let words: Vec<&str> = shape.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_a_path_without_identifiers() {
        assert_eq!(shape_of("/portal/2222-22/reservations?b=1&a=2"), "/portal/{}/reservations?a&b");
        assert_eq!(plain_name("/portal/2222-22/reservations?b=1"), "portal-reservations-b");
        assert_eq!(own_path("/a?b=1", "?c=2#d"), Some("/a?c=2".to_owned()));
        assert_eq!(own_path("/a", "mailto:a@b.example"), None);
    }
}
