//! What comes after a purchase, on the pages: return, exchange, the limit, statements, bills, bill-to.

use axum::http::Method;
use fullmakt_testkit::{
    Answer, Browser, FJALLRAVEN, PRODUKTION, Purchase, SKOGEN, SKOGSBRUKET, Server, between, quoted_order,
};
use serde_json::json;

const SKU: &str = "Standard_D2s_v5";

fn portal(rest: &str) -> String {
    format!("/portal/{FJALLRAVEN}{rest}")
}

fn dashboard(rest: &str) -> String {
    format!("/dashboard/customers/{FJALLRAVEN}{rest}")
}

/// A server whose time stands still, at nine in the morning of a first of November.
async fn with_clock() -> Server {
    Server::start_at("2026-11-01T08:00:00Z", None).await
}

/// Olle buys by the API; what comes is the order, and the path of the reservation's page.
async fn bought(server: &Server, wanted: &Purchase) -> (String, String) {
    server.ada().grants_self_serve(FJALLRAVEN).await;
    let order = quoted_order(&server.olle().asks_price(wanted).await.ok());
    server.olle().buys_quoted(&order, wanted).await.ok();
    let mut olle = server.olle().browses().await;
    let list = olle.gets(&portal("/reservations")).await.ok().text();
    let begins = format!("href=\"{}/{order}/", portal("/reservations"));
    let reservation = between(&list, &begins, "\"").expect("the list leads to it").to_owned();
    let path = portal(&format!("/reservations/{order}/{reservation}"));
    (order, path)
}

/// The address without what happened just now.
fn here(browser: &Browser) -> String {
    browser.at.split('?').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn r20_the_customer_sees_return_and_exchange_and_whom_to_ask_by_every_address() {
    let server = Server::start().await;
    let (_, page) = bought(&server, &Purchase::of(2, SKU)).await;
    for (language, said) in [("en", "Only Nordmoln AB"), ("sv", "Bara Nordmoln AB")] {
        let mut olle = server.olle().browses_in(language).await;
        let detail = olle.gets(&page).await.ok();
        assert!(!detail.text().contains(&format!("{page}/return")), "{detail}");
        assert!(!detail.text().contains(&format!("{page}/exchange")), "{detail}");
        let nobody = "00000000-0000-4000-8000-000000000000";
        for below in ["return", &format!("return/{nobody}"), "exchange", "exchange/item", &format!("exchange/{nobody}")]
        {
            let path = format!("{page}/{below}");
            olle.gets(&path).await.is(409, "").says(said).says("hjalp@nordmoln.example");
            if below != "exchange" {
                olle.submits(&path, &[("back", "1")]).await.is(409, "").says(said);
            }
        }
    }
}

#[tokio::test]
async fn r21_r23_ada_returns_at_what_was_calculated_and_every_number_is_explained() {
    let server = with_clock().await;
    let (order, page) = bought(&server, &Purchase::of(4, SKU)).await;
    server.lets_pass("P100D").await;
    let mut ada = server.ada().browses().await;
    ada.gets(&dashboard(&format!("/reservations/{order}"))).await.ok().says(&format!("{page}/return"));
    let form = format!("{page}/return");
    ada.gets(&form).await.ok().says("From 1 to 4");
    for wrong in ["0", "5", "", "two", "-1"] {
        ada.submits(&form, &[("back", wrong)]).await.is(400, "").says("whole number from 1 to 4");
    }
    // 4 at 507.00 EUR, 265 of 365 days left: of 507.00 for one 368.10, less 12 %.
    let review = ada.submits(&form, &[("back", "1")]).await.ok();
    let review = review.says("€507.00").says("€368.10").says("\u{2212}€44.17").says("€323.93").says("265 of 365 days");
    let review = review.says("12% of what comes back").says("at 0.92 EUR for 1 USD").says("$50,000.00");
    review.says("This amount holds until 9 Feb 2027, 08:30 (UTC)").says("Return for €323.93");
    let quote = here(&ada);
    // In Swedish as the Swedes write it.
    let mut in_swedish = server.ada().browses_in("sv").await;
    let swedish = in_swedish.gets(&quote).await.ok().says("265 av 365 dagar").says("323,93\u{a0}€");
    swedish.says("Avgift för avslut i förtid").says("till kursen 0,92 EUR för 1 USD").says("Kvar efter");
    // It lapses.
    server.lets_pass("PT31M").await;
    let lapsed = ada.gets(&quote).await.ok().says("This no longer holds");
    assert!(!lapsed.text().contains("Return for"), "{lapsed}");
    ada.submits(&quote, &[]).await.is(409, "").says("no longer holds");
    ada.submits(&form, &[("back", "1")]).await.ok();
    let quote = here(&ada);
    let long = "x".repeat(1_001);
    ada.submits(&quote, &[("reason", &long)]).await.is(400, "").says("At most 1000 characters");
    let done = ada.submits(&quote, &[("reason", "bought one too many")]).await.ok().says("The reservation is returned");
    let done = done.says("Returned on 9 Feb 2027, 08:31 (UTC)").says("€323.93");
    assert!(!done.text().contains("Return for"), "{done}");
    // Sent again, it is not returned again, and says so.
    ada.submits(&quote, &[]).await.is(409, "").says("done already");
    ada.gets(&page).await.ok().says("Split into");

    // The limit as a ledger, with the return explained on both sides.
    let ledger = ada.gets(&dashboard("/returns")).await.ok().says("ada@nordmoln.example").says("Counts");
    let ledger = ledger.says("9 Feb 2028").says("$400.11").says("$49,599.89");
    let toggle = between(&ledger.text(), "?open=", "#").unwrap().to_owned();
    let open = ada.gets(&dashboard(&format!("/returns?open={toggle}"))).await.ok();
    open.says("What comes back to you from your supplier").says("€368.10").says("aria-expanded=\"true\"");
    // Sven sees the ledger and not what Nordmoln pays; Hedda has no part in it.
    let mut sven = server.sven().browses().await;
    let seen = sven.gets(&dashboard(&format!("/returns?open={toggle}"))).await.ok().says("€368.10");
    assert!(!seen.text().contains("from your supplier"), "{seen}");
    server.hedda().browses().await.gets(&dashboard("/returns")).await.is(403, "");
    // The log says why, in the words of who returned it.
    let log = ada.gets("/dashboard/activity-log?action=return_reservation&to=2027-02-09&from=2027-02-01").await.ok();
    log.says("Return Reservation").says("ada@nordmoln.example");
    // The customer's statement has the return.
    let mut olle = server.olle().browses().await;
    let own = olle.gets(&portal("/statement")).await.ok().says("Nordmoln AB").says("\u{2212}€368.10").says("€44.17");
    own.says("\u{2212}€323.93").says("Early termination fee");
}

#[tokio::test]
async fn r21_r23_ada_exchanges_for_something_that_costs_at_least_as_much() {
    let server = with_clock().await;
    let (_, page) = bought(&server, &Purchase::of(2, SKU)).await;
    let mut ada = server.ada().browses().await;
    ada.gets(&page).await.ok().says(&format!("{page}/exchange"));
    let choose = format!("{page}/exchange");
    let list = ada.gets(&format!("{choose}?q=D4s_v5&region=swedencentral&term=P1Y")).await.ok();
    list.says("Standard_D4s_v5").says("What is bought instead").says(&format!("{choose}/item?subscription="));
    let chosen = |sku: &'static str| {
        let region = ("region", "swedencentral");
        [("subscription", PRODUKTION), ("type", "VirtualMachines"), ("sku", sku), region, ("term", "P1Y")]
    };
    let item = format!("{choose}/item");
    let query: Vec<String> = chosen("Standard_D4s_v5").iter().map(|(name, value)| format!("{name}={value}")).collect();
    ada.gets(&format!("{item}?{}", query.join("&"))).await.ok().says("From 1 to 2");
    let fill = |sku, back: &'static str, quantity: &'static str| {
        let mut fields = chosen(sku).to_vec();
        fields.extend([("back", back), ("quantity", quantity), ("plan", "Upfront"), ("scope", "shared")]);
        fields
    };
    // What is wrong is said beside the fields, all at once.
    let wrong = ada.submits(&item, &fill("Standard_D4s_v5", "3", "0")).await.is(400, "");
    wrong.says("whole number from 1 to 2").says("whole number from 1 to 1,000");
    ada.submits(&item, &[("subscription", SKOGEN), ("sku", SKU)]).await.is(400, "");
    // Too little: said, and nothing to press.
    let small = ada.submits(&item, &fill("Standard_B2s", "2", "1")).await.ok().says("too little").says("Missing");
    // How much is missing is a number of its own, and nothing holds until any time.
    let text = small.text();
    for not in ["<form class=\"form\"", "This amount holds until", "The commitment grows by"] {
        assert!(!text.contains(not), "`{not}` is on {text}");
    }
    let quote = here(&ada);
    ada.submits(&quote, &[]).await.is(409, "").says("at least as much");

    let review = ada.submits(&item, &fill("Standard_D4s_v5", "2", "1")).await.ok();
    review.says("€1,014.00").says("Commitment that is given back").says("Difference").says("This amount holds until");
    let quote = here(&ada);
    let done = ada.submits(&quote, &[]).await.ok().says("The exchange is made").says("Go to the new reservation");
    let new = between(&done.text(), "<p class=\"gap\"><a class=\"button\" href=\"", "\"").unwrap().to_owned();
    ada.gets(&new).await.ok().says("Standard_D4s_v5").says("Active");
    ada.gets(&page).await.ok().says("Exchanged");
    ada.submits(&quote, &[]).await.is(409, "").says("done already");
    // An exchange does not count.
    ada.gets(&dashboard("/returns")).await.ok().says("Nothing has been returned").says("$0.00");
    // Nothing of it is another customer's.
    let elsewhere = quote.replace(FJALLRAVEN, SKOGSBRUKET);
    ada.gets(&elsewhere).await.is(404, "");
}

#[tokio::test]
async fn r15_statements_and_bills_say_what_is_owed_and_to_whom() {
    let server = with_clock().await;
    let monthly = Purchase::of(1, SKU).monthly();
    bought(&server, &monthly).await;
    server.lets_pass("P31D").await;
    // 507.00 in twelve instalments for the customer, 446.16 for the partner.
    let mut ada = server.ada().browses_in("sv").await;
    let statement = dashboard("/statement");
    let page = ada.gets(&statement).await.ok().says("December 2026").says("42,25\u{a0}€");
    let page = page.says("delbetalning 2 av 12").says("Fjällräven Exempel AB").says("olle@exempel.example");
    assert!(!page.text().contains("37,18"), "the partner's own cost is on {page}");
    ada.gets(&format!("{statement}?month=2026-11")).await.ok().says("delbetalning 1 av 12").says("Köp");
    let empty = ada.gets(&format!("{statement}?month=2026-10")).await.ok().says("Inget har debiterats");
    assert!(!empty.text().contains("export."), "{empty}");
    ada.gets(&format!("{statement}?month=nonsense")).await.ok().says("December 2026");
    let file = ada.gets(&format!("{statement}/export.csv?month=2026-11")).await.ok();
    let rows = rows_of(&file);
    assert_eq!((rows.len(), rows[0].len()), (2, rows[1].len()), "{file}");
    assert!(rows[1].contains(&"42.25".to_owned()) && rows[1].contains(&"EUR".to_owned()), "{file}");
    let sheet = read_pdf(&ada.gets(&format!("{statement}/export.pdf?month=2026-11")).await.ok());
    for text in
        ["Kontoutdrag\nsv\n", "Fjällräven Exempel AB", "Nordmoln AB (hjalp@nordmoln.example", "Köp: ", "42,25\u{a0}€"]
    {
        assert!(sheet.contains(text), "`{text}` is not in {sheet}");
    }
    assert!(sheet.contains("delbetalning 1 av 12") && !sheet.contains("37,18"), "{sheet}");
    let nothing = read_pdf(&ada.gets(&format!("{statement}/export.pdf?month=2026-10")).await.ok());
    assert!(nothing.contains("ingen återlämning den här månaden"), "{nothing}");
    let by_api = format!("/fullmakt/v1/customers/{FJALLRAVEN}/statement?from=2026-11-01&until=2026-12-01&format=pdf");
    let sheet = read_pdf(&server.ada().reads(&by_api).await.ok());
    assert!(
        sheet.contains("instalment 1 of 12") && sheet.contains("42.25 EUR") && sheet.contains("Fjällräven"),
        "{sheet}"
    );
    let invoices = ada.gets("/dashboard/billing").await.ok().says("Ännu inte fakturerat").says("37,18\u{a0}€");
    let number = between(&invoices.text(), "/dashboard/billing/G", "\"").unwrap().to_owned();
    let invoice = format!("/dashboard/billing/G{number}");
    ada.gets(&invoice).await.ok().says("1 nov. 2026 – 30 nov. 2026").says("37,18\u{a0}€").says("delbetalning 1 av 12");
    ada.gets("/dashboard/billing/unbilled").await.ok().says("delbetalning 2 av 12");
    assert_eq!(rows_of(&ada.gets(&format!("{invoice}/export.csv")).await.ok()).len(), 2);
    ada.gets("/dashboard/billing/G0000000000").await.is(404, "");

    // The customer's own, for whoever may see what was bought; whoever may not hears that something is left out.
    let mut olle = server.olle().browses().await;
    let own = olle.gets(&portal("/statement?month=2026-11")).await.ok().says("€42.25").says("instalment 1 of 12");
    assert!(!own.text().contains("37.18"), "{own}");
    assert_eq!(rows_of(&olle.gets(&portal("/statement/export.csv?month=2026-11")).await.ok()).len(), 2);
    let sheet = read_pdf(&olle.gets(&portal("/statement/export.pdf?month=2026-11")).await.ok());
    assert!(sheet.contains("€42.25") && sheet.contains("Nordmoln AB") && !sheet.contains("37.18"), "{sheet}");
    // Empty, it says the same as the partner's.
    let empty = olle.gets(&portal("/statement?month=2026-10")).await.ok().says("Nothing was charged");
    let empty = empty.says("Nordmoln AB (hjalp@nordmoln.example").says("1 Oct 2026 – 31 Oct 2026");
    assert!(!empty.text().contains("export."), "{empty}");
    let mut rut = server.rut().browses().await;
    rut.gets(&portal("/statement/export.pdf?month=2026-11")).await.is(404, "");
    let hidden =
        rut.gets(&portal("/statement?month=2026-11")).await.ok().says("one charge").says("Nothing that you may see");
    assert!(!hidden.text().contains("42.25") && !hidden.text().contains("Nothing was charged"), "{hidden}");
    assert_eq!(rows_of(&rut.gets(&portal("/statement/export.csv?month=2026-11")).await.ok()).len(), 1);
    // On the customer's behalf the partner's agent sees the same as the customer.
    let mut manage = server.ada().browses().await;
    let seen = manage.gets(&portal("/statement?month=2026-11")).await.ok().says("€42.25");
    assert!(!seen.text().contains("37.18"), "{seen}");
    // Who keeps no books gets none, and no link to them; another partner sees nothing at all.
    let mut sven = server.sven().browses().await;
    let home = sven.gets("/dashboard").await.ok();
    assert!(!home.text().contains("/dashboard/billing"), "{home}");
    let print = format!("{statement}/export.pdf");
    for path in [print, statement.clone(), "/dashboard/billing".to_owned(), "/dashboard/billing/unbilled".to_owned()] {
        sven.gets(&path).await.is(403, "");
    }
    let mut ture = server.ture().browses().await;
    ture.gets(&statement).await.is(404, "");
    ture.gets(&invoice).await.is(404, "");
}

#[tokio::test]
async fn r23_on_a_statement_a_return_stands_before_its_fee_and_nothing_between_them() {
    let server = with_clock().await;
    let mut pages = Vec::new();
    for _ in 0..4 {
        pages.push(bought(&server, &Purchase::of(1, SKU)).await.1);
    }
    server.lets_pass("P10D").await;
    let mut ada = server.ada().browses().await;
    for page in pages {
        ada.submits(&format!("{page}/return"), &[("back", "1")]).await.ok();
        let quote = here(&ada);
        ada.submits(&quote, &[]).await.ok().says("The reservation is returned");
    }
    let rows = rows_of(&ada.gets(&dashboard("/statement/export.csv?month=2026-11")).await.ok());
    let column = |name: &str| rows[0].iter().position(|one| one == name).unwrap();
    let (kind, order) = (column("Kind"), column("Order number"));
    let returns: Vec<&Vec<String>> = rows.iter().skip(5).collect();
    assert_eq!(returns.len(), 8, "{rows:?}");
    for pair in returns.chunks(2) {
        assert_eq!((pair[0][kind].as_str(), pair[1][kind].as_str()), ("Return", "Early termination fee"), "{rows:?}");
        assert_eq!(pair[0][order], pair[1][order], "{rows:?}");
    }
}

/// What another program reads in a PDF file: title, language, text. Lines are broken where the page breaks them; that is undone.
fn read_pdf(file: &Answer) -> String {
    assert_eq!(file.header("content-type"), "application/pdf");
    let Ok(python) = std::env::var("FULLMAKT_TEST_PYTHON") else {
        panic!("`FULLMAKT_TEST_PYTHON` names no Python that reads PDF; `cargo xtask test` makes one");
    };
    let kept = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(kept.path(), &file.body).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/pdf_text.py");
    let read =
        std::process::Command::new(python).arg(script).arg(kept.path()).env("PYTHONIOENCODING", "utf-8").output();
    let read = read.unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let text = String::from_utf8(read.stdout).unwrap();
    let mut lines = text.splitn(3, '\n');
    let (title, language, rest) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
    format!("{title}\n{language}\n{}", rest.split('\n').map(str::trim).collect::<Vec<_>>().join(" "))
}

fn rows_of(file: &Answer) -> Vec<Vec<String>> {
    let text = file.text();
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn the_bill_to_is_edited_by_either_door_and_recorded() {
    let server = Server::start().await;
    let path = dashboard("/account/bill-to");
    let mut sven = server.sven().browses().await;
    let form = sven.gets(&path).await.ok();
    let version = between(&form.text(), "name=\"version\" value=\"", "\"").unwrap().to_owned();
    let fill = |city: &'static str, version: &str| {
        let all = [
            ("first_name", "Olle"),
            ("last_name", "Ek"),
            ("email", "faktura@exempel.example"),
            ("phone", "+46 8 1"),
            ("address_1", "Storgatan 1"),
            ("city", city),
            ("postal_code", "111 22"),
            ("language", "sv"),
        ];
        let mut all: Vec<(&str, String)> = all.map(|(name, value)| (name, value.to_owned())).to_vec();
        all.push(("version", version.to_owned()));
        all
    };
    async fn sends(browser: &mut Browser, path: &str, fields: &[(&str, String)]) -> Answer {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.submits(path, &fields).await
    }
    let wrong = sends(&mut sven, &path, &fill("", &version)).await.is(400, "");
    assert!(wrong.text().contains("Storgatan 1") && wrong.text().contains("id=\"city-error\""), "{wrong}");
    let saved = sends(&mut sven, &path, &fill("Umeå", &version)).await.ok().says("bill-to information is saved");
    saved.says("111 22 Umeå").says("faktura@exempel.example");
    // The form that was open meanwhile does not overwrite it.
    sends(&mut sven, &path, &fill("Luleå", &version)).await.is(409, "").says("Someone else changed this");
    let log = server.ada().reads_audit_records().await.ok().text();
    assert!(log.contains("update_customer_billing_profile") && log.contains("sven@nordmoln.example"), "{log}");

    // The same by the API, with its etag.
    let ada = server.ada();
    let profile = format!("/v1/customers/{FJALLRAVEN}/profiles/billing");
    let mut body = ada.reads(&profile).await.ok().json();
    assert_eq!(body["defaultAddress"]["city"], "Umeå");
    body["defaultAddress"]["city"] = "Boden".into();
    let put = ada.sends(Method::PUT, &profile, &body).await.ok().json();
    assert_eq!(put["defaultAddress"]["city"], "Boden");
    assert_ne!(put["attributes"]["etag"], body["attributes"]["etag"]);
    ada.sends(Method::PUT, &profile, &body).await.is(400, "2055");
    body["attributes"]["etag"] = put["attributes"]["etag"].clone();
    for (field, value) in [("email", json!("nobody")), ("companyName", json!("Another AB")), ("culture", json!(""))] {
        let mut wrong = body.clone();
        wrong[field] = value;
        wrong["language"] = json!(null);
        let answer = ada.sends(Method::PUT, &profile, &wrong).await;
        assert_eq!(answer.status, 400, "{field}: {answer}");
    }
    // Who only keeps books sees it and cannot change it; another partner finds nothing.
    server.beata().browses().await.gets(&path).await.is(403, "");
    let mut ture = server.ture().browses().await;
    ture.gets(&path).await.is(404, "");
    server.ture().sends(Method::PUT, &profile, &body).await.is(404, "");
}

#[tokio::test]
async fn r23_rules_of_returns_are_shown_and_set_by_admin_agents() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    let rules = ada.gets("/dashboard/refund-rules").await.ok().says("$50,000.00").says("12%").says("5 days");
    rules.says("0.92 EUR for 1 USD").says("In force");
    let policy = "/dashboard/refund-rules/policy";
    ada.gets(policy).await.ok().says("value=\"50000\"");
    let fill = |fee: &'static str, from: &'static str| {
        let rest = [("full_refund_days", "7"), ("limit", "60 000"), ("window_months", "6")];
        [("valid_from", from), ("fee_percent", fee)].into_iter().chain(rest).collect::<Vec<_>>()
    };
    let wrong = ada.submits(policy, &fill("101", "2026-01-32")).await.is(400, "");
    assert!(wrong.text().contains("id=\"valid_from-error\""), "{wrong}");
    let wrong = ada.submits(policy, &fill("101", "2026-01-01")).await.is(400, "");
    assert!(wrong.text().contains("id=\"fee_percent-error\""), "{wrong}");
    let set = ada.submits(policy, &fill("7,5", "2026-01-01")).await.ok().says("The rule is set").says("7.5%");
    set.says("$60,000.00").says("Replaced");
    let rate = "/dashboard/refund-rules/rate";
    ada.gets(rate).await.ok();
    ada.submits(rate, &[("valid_from", "2026-01-01"), ("currency", "EURO"), ("rate", "0")]).await.is(400, "");
    let wrong = ada.submits(rate, &[("valid_from", "2026-01-01"), ("currency", "EUR"), ("rate", "0")]).await;
    assert!(wrong.status == 400 && wrong.text().contains("id=\"rate-error\""), "{wrong}");
    let set = ada.submits(rate, &[("valid_from", "2026-01-01"), ("currency", "eur"), ("rate", "0,95")]).await.ok();
    set.says("0.95 EUR for 1 USD");
    // Sven sees them and why he cannot; Ture's are his own.
    let mut sven = server.sven().browses().await;
    sven.gets("/dashboard/refund-rules").await.ok().says("7.5%").says("Admin agent");
    sven.gets(policy).await.is(403, "");
    sven.submits(rate, &[("valid_from", "2026-01-01"), ("currency", "EUR"), ("rate", "1")]).await.is(403, "");
    let theirs = server.ture().browses().await.gets("/dashboard/refund-rules").await.ok();
    assert!(!theirs.text().contains("7.5%"), "{theirs}");
}

#[tokio::test]
async fn a_reservation_that_is_over_is_hidden_and_shown_again() {
    let server = with_clock().await;
    let (_, page) = bought(&server, &Purchase::of(1, SKU)).await;
    let mut olle = server.olle().browses().await;
    let archive = format!("{page}/archive");
    olle.gets(&page).await.ok();
    olle.submits(&archive, &[]).await.is(409, "");
    server.lets_pass("P366D").await;
    let over = olle.gets(&page).await.ok().says("Hide").says(&archive).says("its term ended on 1 Nov 2027, 08:00 UTC");
    over.says("The term ended");
    olle.submits(&archive, &[]).await.ok().says("Show again");
    let list = olle.gets(&portal("/reservations")).await.ok().says("Hidden reservations");
    assert!(!list.text().contains(&page), "{list}");
    olle.gets(&portal("/reservations?hidden=yes")).await.ok().says(&page);
    olle.submits(&archive, &[]).await.ok();
    olle.gets(&portal("/reservations")).await.ok().says(&page);
}

#[tokio::test]
async fn r17_r21_the_dashboard_says_how_a_reservation_ended_and_keeps_what_is_hidden_in_reach() {
    let server = with_clock().await;
    let (_, inside) = bought(&server, &Purchase::of(2, SKU)).await;
    let page = dashboard(inside.strip_prefix(&portal("")).unwrap());
    let mut ada = server.ada().browses().await;
    ada.gets(&page)
        .await
        .ok()
        .says("are yours to do")
        .says(&inside)
        .says("Produktion, ")
        .says("The customer pays for 2");
    let mut olle = server.olle().browses().await;
    olle.gets(&format!("{inside}/split")).await.ok();
    olle.submits(&format!("{inside}/split"), &[("first", "1")]).await.ok();
    server.lets_pass("P10D").await;
    olle.submits(&format!("{inside}/archive"), &[]).await.ok();
    // When it was hidden is not when it ended.
    let over = ada.gets(&page).await.ok().says("olle@exempel.example (Customer) split it in two on 1 Nov 2026, 08:");
    let over = over.says(">Hidden<").says("It opens in the portal").text();
    assert!(!over.contains("are yours to do") && !over.contains("No usage yet"), "{over}");
    let list = ada.gets(&dashboard("/reservations")).await.ok().says("No usage yet").text();
    assert!(!list.contains(&page), "{list}");
    ada.gets(&dashboard("/reservations?state=all")).await.ok().says(&page).says(">Hidden<").says(">–<");
    // Sven has no role on the subscription: the portal would show him nothing.
    let mut sven = server.sven().browses().await;
    let seen = sven.gets(&page).await.ok().says("or a role on this subscription").text();
    assert!(!seen.contains(&inside), "{seen}");
}
