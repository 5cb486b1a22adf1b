//! The pages of usage: what was covered, charge-back, explanations, what to buy; for the partner and for the customer.

use crate::books::movable;
use axum::http::Method;
use fullmakt_domain::rating::parse_scaled;
use fullmakt_testkit::{Answer, FJALLRAVEN, PRODUKTION, PROV, Purchase, Server, between, quoted_order};
use serde_json::{Value, json};

/// Five machines that run around the clock for eight days from the purchase of two.
fn usage() -> Value {
    usage_of(192)
}

/// The same for so many hours.
fn usage_of(hours: i64) -> Value {
    let from: jiff::Timestamp = "2026-11-01T08:00:00Z".parse().unwrap();
    let machine = |n: usize| {
        let id =
            format!("/subscriptions/{PRODUKTION}/resourceGroups/App/providers/Microsoft.Compute/virtualMachines/vm{n}");
        json!({
            "subAccountId": PRODUKTION, "resourceId": id, "regionId": "swedencentral",
            "armSkuName": "Standard_D2s_v5", "contractedUnitPrice": "0.1", "billingCurrency": "EUR",
        })
    };
    let hour = |n: i64| {
        let lines: Vec<Value> = (0..5).map(|m| json!([m, m, "1"])).collect();
        json!({"start": (from + jiff::Span::new().hours(n)).to_string(), "lines": lines})
    };
    json!({
        "customer": FJALLRAVEN,
        "resources": (0..5).map(machine).collect::<Vec<_>>(),
        "hours": (0..hours).map(hour).collect::<Vec<_>>(),
    })
}

/// A server on which Olle bought two and Ada brought in what ran.
async fn used() -> Server {
    used_as(&usage()).await.0
}

/// The same with another usage, and the order.
async fn used_as(usage: &Value) -> (Server, String) {
    let server = movable().await;
    let (ada, olle) = (server.ada(), server.olle());
    let wanted = Purchase::of(2, "Standard_D2s_v5");
    let order = quoted_order(&olle.asks_price(&wanted).await.ok());
    olle.buys_quoted(&order, &wanted).await.ok();
    server.lets_pass("P9D").await;
    ada.sends(Method::POST, "/fullmakt/v1/usage", usage).await.ok();
    server.lets_pass("PT1S").await;
    (server, order)
}

#[tokio::test]
async fn r14_partner_and_customer_see_the_same_usage_and_never_the_partners_cost() {
    let server = used().await;
    let mut ada = server.ada().browses().await;
    let mut olle = server.olle().browses().await;
    let frames =
        [(&mut ada, format!("/dashboard/customers/{FJALLRAVEN}")), (&mut olle, format!("/portal/{FJALLRAVEN}"))];
    for (browser, base) in frames {
        // Two of five are covered, and the two are always used.
        let page = browser.gets(&format!("{base}/usage?days=7")).await.ok();
        let page = page.says("40%").says("100%").says("Produktion").says("<svg class=\"chart\"");
        let reservation = between(&page.text(), &format!("href=\"{base}/reservations/"), "\"").unwrap().to_owned();
        let page = browser.gets(&format!("{base}/reservations/{reservation}")).await.ok();
        let page =
            page.says("Saved in the last 30 days").says("<svg class=\"chart\"").says("/usage/explain?reservation=");
        let page = page.says("known for 192 out of 720 hours");
        // Of the week and the month before too little is known to compare with.
        assert_eq!(page.text().matches("(the same time before: ").count(), 1, "{page}");
        if base.starts_with("/portal/") {
            page.says("Usage came in: used for the first time on 1 Nov 2026, 08:00 UTC");
        }
        browser.gets(&format!("{base}/reservations")).await.ok().says("100% · 100% · 100%");

        let page = browser.gets(&format!("{base}/usage/charge-back")).await.ok();
        page.says("app").says("Without reservations");
        let wrong = browser.gets(&format!("{base}/usage/charge-back?from=2026-11-09&until=2026-11-01")).await;
        assert_eq!(wrong.status, 400, "{wrong}");
        wrong.says("The period ends before it begins.");

        let explain = format!("{base}/usage/explain?hour=2026-11-03T10:00");
        browser
            .gets(&explain)
            .await
            .ok()
            .says("vm0")
            .says("in pass 4")
            .says("No reservation")
            .says("All of it was used.");
        let line = browser.gets(&format!("{explain}&line=4")).await.ok();
        line.says("Lines that come before had used it up: 0, 1.");
        let wrong = browser.gets(&format!("{base}/usage/explain?hour=soon")).await;
        assert_eq!(wrong.status, 400, "{wrong}");

        let page = browser.gets(&format!("{base}/what-to-buy?days=7")).await.ok();
        page.says("3 × Standard_D2s_v5").says("Paid back by").says("quantity=3");
    }
}

#[tokio::test]
async fn a_recommendation_leads_to_a_purchase_that_is_filled_in() {
    let server = used().await;
    let mut olle = server.olle().browses().await;
    let page = olle.gets(&format!("/portal/{FJALLRAVEN}/what-to-buy?days=7&scope=shared&term=P1Y")).await.ok();
    let link = between(&page.text(), &format!("href=\"/portal/{FJALLRAVEN}/purchase/item"), "\"").unwrap().to_owned();
    let link = format!("/portal/{FJALLRAVEN}/purchase/item{}", link.replace("&amp;", "&").replace("&#38;", "&"));
    olle.gets(&link).await.ok().says("value=\"3\"").says("Standard_D2s_v5");
}

#[tokio::test]
async fn charge_back_as_a_file_adds_up_to_the_bill_to_the_last_digit() {
    let server = used().await;
    let mut olle = server.olle().browses().await;
    let path = format!("/portal/{FJALLRAVEN}/usage/charge-back/export.csv?from=2026-11-01&until=2026-11-09");
    let file = olle.gets(&path).await.ok().text();
    let mut rows = file.trim_start_matches('\u{feff}').lines().map(|row| row.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|one| *one == name).unwrap();
    let mut sums = [0_i128; 4];
    for row in rows {
        for (sum, name) in sums.iter_mut().zip(["CoveredCost", "UnusedCost", "PayAsYouGoCost", "TotalCost"]) {
            *sum += parse_scaled(row[column(name)], 38, 10).unwrap();
        }
    }
    let [covered, unused, paid, total] = sums;
    assert_eq!(covered + unused + paid, total, "{file}");
    // Three of five, 192 hours at 0.1; both reserved ones were used in every hour.
    assert_eq!((paid, unused), (576_000_000_000, 0));
}

#[tokio::test]
async fn without_usage_the_pages_say_how_it_gets_here() {
    let server = Server::start().await;
    let mut ada = server.ada().browses_in("sv").await;
    let mut olle = server.olle().browses().await;
    for rest in ["/usage", "/usage/charge-back", "/usage/explain"] {
        let page = ada.gets(&format!("/dashboard/customers/{FJALLRAVEN}{rest}")).await.ok();
        page.says("Ingen användning än").says("fullmakt import usage");
        let page = olle.gets(&format!("/portal/{FJALLRAVEN}{rest}")).await.ok();
        page.says("No usage yet").says("your partner has brought in your usage");
    }
    // On behalf it is the partner who brings it in.
    let page = ada.gets(&format!("/portal/{FJALLRAVEN}/usage")).await.ok();
    page.says("Ingen användning än").says("fullmakt import usage");
    // What to buy says what it would be made of, and nothing about a table that is not there.
    let page = ada.gets(&format!("/dashboard/customers/{FJALLRAVEN}/what-to-buy")).await.ok();
    page.says("Inga köpråd utan användning").says("fullmakt import usage");
    let page = olle.gets(&format!("/portal/{FJALLRAVEN}/what-to-buy")).await.ok().says("No advice without usage");
    let text = page.says("Ask your partner").says(&format!("href=\"/portal/{FJALLRAVEN}/purchase\"")).text();
    assert!(!text.contains("alternatives") && !text.contains("class=\"filters\""), "{text}");
}

#[tokio::test]
async fn r45_names_are_those_that_somebody_may_read_and_links_lead_where_he_may_go() {
    let server = used().await;
    let id = PRODUKTION;
    let reservation = |page: &Answer| page.text().contains(&format!("href=\"/portal/{FJALLRAVEN}/reservations/"));
    // Sven has no role with the customer, but the dashboard shows him these names.
    let mut sven = server.sven().browses().await;
    for rest in ["/usage?days=7", "/usage/charge-back", "/usage/explain?hour=2026-11-03T10:00", "/what-to-buy?days=7"] {
        let page = sven.gets(&format!("/portal/{FJALLRAVEN}{rest}")).await.ok().says("Produktion");
        assert!(!page.text().contains(&format!(">{id}<")) && !reservation(&page), "{page}");
    }
    // What he cannot buy for one subscription says why.
    let page = sven.gets(&format!("/dashboard/customers/{FJALLRAVEN}/what-to-buy?days=7")).await.ok();
    page.says("or a role on this subscription").says(">Buy<");
    let page = sven.gets(&format!("/portal/{FJALLRAVEN}/usage?days=7")).await.ok().says("prov");
    // On behalf the price is the customer's; to the customer it is its own.
    page.says("at the customer&#39;s price").says("As an agent of the partner you see usage here as on the dashboard");
    let mut olle = server.olle().browses().await;
    let page = olle.gets(&format!("/portal/{FJALLRAVEN}/usage?days=7")).await.ok().says("at your price");
    assert!(!page.text().contains("As an agent of the partner"), "{page}");
    assert!(reservation(&page) && !page.text().contains("customer&#39;s price"), "{page}");
    olle.gets(&format!("/portal/{FJALLRAVEN}/what-to-buy?days=7")).await.ok().says("at your price of today");
}

#[tokio::test]
async fn r45_figures_that_are_of_more_than_one_may_see_say_so() {
    // Four of five run in a subscription on which Olle has no role.
    let mut both = usage();
    for n in 0..4 {
        let elsewhere = both["resources"][n]["resourceId"].as_str().unwrap().replace(PRODUKTION, PROV);
        both["resources"][n]["resourceId"] = json!(elsewhere);
        both["resources"][n]["subAccountId"] = json!(PROV);
    }
    let (server, order) = used_as(&both).await;
    let (ada, olle) = (server.ada(), server.olle());
    let path = format!("/portal/{FJALLRAVEN}/usage?days=7");
    let mut browser = olle.browses().await;
    let page = browser.gets(&path).await.ok().says("also covered usage in subscriptions on which you have no role");
    assert!(!page.text().contains(PROV) && !page.text().contains("covered by reservations that you"), "{page}");
    let charge_back = format!("/portal/{FJALLRAVEN}/usage/charge-back");
    let explain = format!("/portal/{FJALLRAVEN}/usage/explain?hour=2026-11-03T10:00");
    browser.gets(&charge_back).await.ok().says("What that cost is not in this table");
    let page = browser.gets(&explain).await.ok().says("its lines are not listed");
    assert!(!page.text().contains("no usage to list"), "{page}");
    // Rut may read the subscription and not the reservation.
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    ada.assigns(reader, &server.rut().id, &format!("/subscriptions/{PRODUKTION}")).await.ok();
    let page = server.rut().browses().await.gets(&path).await.ok();
    page.says("covered by reservations that you have no role on");
    server.rut().browses().await.gets(&charge_back).await.ok().says("What they left unused is not in this table");
    let page = server.rut().browses().await.gets(&explain).await.ok().says("by a reservation that you may not see");
    assert!(!page.text().contains(&order), "{page}");
    // Whoever sees all of it hears nothing of the kind.
    let dashboard = format!("/dashboard/customers/{FJALLRAVEN}/usage");
    let on_dashboard =
        ["?days=7", "/charge-back", "/explain?hour=2026-11-03T10:00"].map(|rest| format!("{dashboard}{rest}"));
    for all in on_dashboard.into_iter().chain([path, charge_back, explain]) {
        let page = ada.browses().await.gets(&all).await.ok();
        assert!(!page.text().contains("you have no role"), "{page}");
    }
}

#[tokio::test]
async fn the_hour_in_which_a_reservation_ended_is_not_told_of_as_its_own() {
    let server = movable().await;
    let (ada, olle) = (server.ada(), server.olle());
    let wanted = Purchase::of(2, "Standard_D2s_v5");
    let order = quoted_order(&olle.asks_price(&wanted).await.ok());
    olle.buys_quoted(&order, &wanted).await.ok();
    let mut browser = olle.browses().await;
    let list = browser.gets(&format!("/portal/{FJALLRAVEN}/reservations")).await.ok().text();
    let begins = format!("/portal/{FJALLRAVEN}/reservations/{order}/");
    let page = format!("{begins}{}", between(&list, &format!("href=\"{begins}"), "\"").unwrap());
    // Divided on the hour, it was active for 240 hours; usage of the next ten is known, too.
    server.lets_pass("P10D").await;
    let split = format!("{page}/split");
    browser.gets(&split).await.ok().says("Only 1 is possible").says("value=\"1\"");
    browser.submits(&split, &[("first", "1")]).await.ok();
    server.lets_pass("P1D").await;
    ada.sends(Method::POST, "/fullmakt/v1/usage", &usage_of(250)).await.ok();
    server.lets_pass("PT1S").await;
    let over = browser.gets(&page).await.ok().says("split it in two on 11 Nov 2026, 08:00 UTC");
    let over = over.says("known for 240 out of 720 hours").says("Saved in its last 30 days");
    assert!(!over.text().contains("the same time before"), "{over}");
    // In an hour in which nothing ran, the reservations stand alone.
    let mut at_rest = usage_of(1);
    at_rest["hours"][0]["start"] = json!("2026-11-11T20:00:00Z");
    at_rest["hours"][0]["lines"] = json!([]);
    ada.sends(Method::POST, "/fullmakt/v1/usage", &at_rest).await.ok();
    server.lets_pass("PT1S").await;
    let page = browser.gets(&format!("/portal/{FJALLRAVEN}/usage/explain?hour=2026-11-11T20:00")).await.ok();
    page.says("There is no usage to list here in this hour");
}
