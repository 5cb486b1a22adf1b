//! The dashboard's pages about customers.

use fullmakt_testkit::{Browser, KUSTFISKE, Server};

#[tokio::test]
async fn one_signs_in_reads_in_a_language_and_signs_out() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server, "sv");
    browser.gets("/dashboard/customers").await.ok().says("Logga in");
    browser.signs_in("ada@nordmoln.example", "fel").await.is(401, "").says("Användarnamnet eller lösenordet är fel");
    let ada = server.ada();
    browser.signs_in(ada.upn(), ada.password()).await.ok();
    let list = browser.gets("/dashboard/customers").await.ok().says("Fjällräven Exempel AB");
    // R45: nothing of another partner.
    assert!(!list.text().contains("Kustfiske"), "{list}");
    browser.gets(&format!("/dashboard/customers/{KUSTFISKE}/account")).await.is(404, "");
    browser
        .submits("/language", &[("language", "en"), ("return", "/dashboard/customers")])
        .await
        .ok()
        .says("Customers");
    browser.submits_from_elsewhere("/sign-out", &[]).await.is(400, "");
    browser.gets("/dashboard/customers").await.ok().says("Fjällräven Exempel AB");
    browser.submits("/sign-out", &[]).await.ok().says("You have signed out");
    browser.gets("/dashboard/customers").await.ok().says("Sign in");
    // A customer's user learns nothing of the dashboard.
    server.olle().browses().await.gets("/dashboard/customers").await.is(404, "");
}
