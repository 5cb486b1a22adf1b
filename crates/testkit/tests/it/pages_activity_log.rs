//! The dashboard's activity log.

use fullmakt_testkit::{FJALLRAVEN, Server, between};

const LOG: &str = "/dashboard/activity-log";

#[tokio::test]
async fn r05_r43_both_entries_of_the_permission_are_found_opened_and_exported() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    ada.gets(LOG).await.ok().says("Nothing was recorded");
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.ada().revokes_self_serve(FJALLRAVEN).await.ok();

    let log = ada.gets(LOG).await.ok().says("Create Customer Purchase Permissions").text();
    assert!(log.contains("Delete Customer Purchase Permissions") && log.contains("ada@nordmoln.example"), "{log}");
    assert!(log.contains(&format!("href=\"/dashboard/customers/{FJALLRAVEN}/subscriptions\">Fjällräven")), "{log}");
    // The newest comes first, and opens to everything there is to know.
    let toggle = between(&log, "class=\"expander\" href=\"", "\"").unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let (path, _) = toggle.split_once('#').unwrap();
    ada.gets(path).await.ok().says("Changed values").says("Correlation ID").says("aria-expanded=\"true\"");
    // What the log keeps under names and in forms of its own is read in words.
    let opened = ada.gets(path).await.ok().says("<dt>Permission ID</dt>").says("Permissions 1 › Resource").text();
    assert!(!opened.contains("PolicyId") && !opened.contains("Attributes."), "{opened}");

    let only = format!("{LOG}?action=delete_self_serve_policy&customer=fj%C3%A4ll&user=ada%40nordmoln.example");
    let rows = |text: &str| text.matches("class=\"expander\"").count();
    assert_eq!(rows(&ada.gets(&only).await.ok().text()), 1);
    assert_eq!(rows(&ada.gets(&format!("{LOG}?customer={FJALLRAVEN}")).await.ok().text()), 2);
    ada.gets(&format!("{LOG}?user=sven%40nordmoln.example")).await.ok().says("Nothing was recorded");
    ada.gets(&format!("{LOG}?from=2020-01-01&to=2020-01-31")).await.ok().says("Nothing was recorded");

    let file = ada.gets(&format!("{LOG}/export?customer={FJALLRAVEN}")).await.ok();
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert!(lines[0].starts_with("Date-Time,Affected customer,Action,Partner user,"), "{text}");
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[1]
            .contains(",Fjällräven Exempel AB,Delete Customer Purchase Permissions,ada@nordmoln.example,Succeeded,")
    );

    let mut sven = server.sven().browses_in("sv").await;
    sven.gets(LOG).await.ok().says("Skapa kundens köpbehörigheter").says("Berörd kund");
    // R45: the other partner's log knows nothing of it, and those without a role see none.
    let mut ture = server.ture().browses().await;
    ture.gets(&format!("{LOG}?customer={FJALLRAVEN}")).await.ok().says("Nothing was recorded");
    ture.gets(LOG).await.ok().says("Nothing was recorded");
    server.nisse().browses().await.gets(LOG).await.is(403, "");
    server.olle().browses().await.gets(LOG).await.is(404, "");
}

#[tokio::test]
async fn r43_a_long_log_is_written_to_the_file_as_it_is_read_every_record_once() {
    let server = Server::start().await;
    let ada = server.ada();
    // More than is read at once.
    for _ in 0..255 {
        ada.grants_self_serve(FJALLRAVEN).await.ok();
        ada.revokes_self_serve(FJALLRAVEN).await.ok();
    }
    let file = ada.browses().await.gets(&format!("{LOG}/export")).await.ok();
    assert_eq!(file.header("content-length"), "", "how long it gets is not known when it begins");
    let text = file.text();
    let records: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(records.len(), 510);
    // Newest first, off and on by turns: none is missing or comes twice where one piece follows another.
    let is_in_turn = |pair: &[&str]| {
        pair[0].contains("Delete Customer Purchase Permissions")
            && pair[1].contains("Create Customer Purchase Permissions")
    };
    assert!(records.chunks(2).all(is_in_turn), "{text}");
}

#[tokio::test]
async fn a_wrong_date_is_said_beside_the_field() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    ada.gets(&format!("{LOG}?from=yesterday")).await.is(400, "").says("Enter a date").says("value=\"yesterday\"");
    ada.gets(&format!("{LOG}?from=2026-02-02&to=2026-01-01")).await.is(400, "").says("before the first");
    ada.gets(&format!("{LOG}/export?from=x")).await.is(400, "");
    ada.gets(&format!("{LOG}?after=x&open=%22%3E&customer=%3Cb%3E&action=x")).await.ok();
}
