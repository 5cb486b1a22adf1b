//! The dashboard's pages about customers.

use axum::http::Method;
use fullmakt_testkit::{Answer, Browser, FJALLRAVEN, KUSTFISKE, PRODUKTION, PROV, SKOGSBRUKET, Server, between};
use serde_json::Value;

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

#[tokio::test]
async fn a_session_lasts_an_hour_without_a_request_and_twelve_at_most_and_its_cookie_is_the_servers_alone() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    let signed_in = async |browser: &mut Browser| {
        browser.gets("/dashboard/customers").await.ok();
        browser.at.starts_with("/dashboard/customers")
    };
    assert!(signed_in(&mut ada).await);
    // Microseconds. Almost an hour ago, and whoever comes back is seen again.
    server.database.damage("UPDATE web_session SET seen_at = seen_at - 3540000000").await;
    assert!(signed_in(&mut ada).await);
    server.database.damage("UPDATE web_session SET seen_at = seen_at - 3540000000").await;
    assert!(signed_in(&mut ada).await);
    server.database.damage("UPDATE web_session SET seen_at = seen_at - 3660000000").await;
    assert!(!signed_in(&mut ada).await);
    let shown = ada.gets("/dashboard/customers").await.ok();
    assert!(ada.at.starts_with("/sign-in?return="), "{shown}");

    let mut ada = server.ada().browses().await;
    server.database.damage("UPDATE web_session SET expires_at = expires_at - 43080000000").await;
    assert!(signed_in(&mut ada).await);
    server.database.damage("UPDATE web_session SET expires_at = expires_at - 180000000").await;
    assert!(!signed_in(&mut ada).await);

    // What is set at sign-in: no script reads it, no other site sends it with a form, nobody sends it in the clear.
    let who = server.ada();
    let page = server.ask(Method::GET, "/sign-in").send().await.ok();
    let visit = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let csrf = between(&page.text(), "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let fields = [("csrf", csrf.as_str()), ("username", who.upn()), ("password", who.password())];
    let answer = server.ask(Method::POST, "/sign-in").header("cookie", &visit).form(&fields).send().await;
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-fullmakt-session=")).expect("a session");
    for word in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(session.contains(word), "{session}");
    }
    let policy = page.header("content-security-policy");
    for word in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
        assert!(policy.contains(word), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
}

fn account(customer: &str) -> String {
    format!("/dashboard/customers/{customer}/account")
}

fn switch(customer: &str, name: &str) -> String {
    format!("{}/permissions/{name}", account(customer))
}

/// The switch of the account page: its tag, and whether it is on.
#[track_caller]
fn shown_switch(page: &Answer, name: &str) -> (String, bool) {
    let text = page.text();
    let tag = between(&text, &format!("id=\"switch-{name}\""), ">").unwrap_or_else(|| panic!("no switch: {page}"));
    (tag.to_owned(), tag.contains("aria-checked=\"true\""))
}

#[tokio::test]
async fn r01_r04_r05_the_switch_and_the_api_are_two_doors_to_one_decision() {
    let server = Server::start().await;
    let ada = server.ada();
    let mut browser = ada.browses().await;
    let page = browser.gets(&account(FJALLRAVEN)).await.ok();
    // R01, R40: off, with what it means, last on the page.
    assert!(!shown_switch(&page, "reservations").1 && !shown_switch(&page, "savings-plans").1);
    let page = page.says("Allow customer to purchase").says("You pay for everything").says("You get no notice");
    assert!(page.text().rfind("<section").unwrap() < page.text().find("id=\"permissions-title\"").unwrap());

    browser.gets(&switch(FJALLRAVEN, "reservations")).await.ok().says("Allow Fjällräven Exempel AB to purchase");
    let on = browser.submits(&switch(FJALLRAVEN, "reservations"), &[("to", "on")]).await.ok();
    assert!(shown_switch(&on, "reservations").1 && !shown_switch(&on, "savings-plans").1);
    on.says("The customer may purchase now").says("Turned on by ada@nordmoln.example");
    // Turning on what is on changes nothing; the second switch changes the one policy.
    browser.submits(&switch(FJALLRAVEN, "reservations"), &[("to", "on")]).await.ok();
    browser.submits(&switch(FJALLRAVEN, "savings-plans"), &[("to", "on")]).await.ok();
    let policy = ada.reads_self_serve(FJALLRAVEN).await.ok().json();
    assert_eq!(policy["items"][0]["permissions"].as_array().unwrap().len(), 2);
    browser.submits(&switch(FJALLRAVEN, "savings-plans"), &[("to", "off")]).await.ok();
    let off = browser.submits(&switch(FJALLRAVEN, "reservations"), &[("to", "off")]).await.ok();
    assert!(!shown_switch(&off, "reservations").1);
    off.says("Turned off by ada@nordmoln.example");

    ada.grants_self_serve(FJALLRAVEN).await.ok();
    assert!(shown_switch(&browser.gets(&account(FJALLRAVEN)).await.ok(), "reservations").1);
    ada.revokes_self_serve(FJALLRAVEN).await.ok();
    assert!(!shown_switch(&browser.gets(&account(FJALLRAVEN)).await.ok(), "reservations").1);

    let log = ada.reads_audit_records().await.ok().json();
    let mut records: Vec<&Value> = log["items"].as_array().unwrap().iter().collect();
    records.retain(|record| record["resourceType"] == "self_serve_policy");
    let operations: Vec<&str> = records.iter().map(|record| record["operationType"].as_str().unwrap()).collect();
    let by_page = [
        "delete_self_serve_policy",
        "update_self_serve_policy",
        "update_self_serve_policy",
        "create_self_serve_policy",
    ];
    assert_eq!(operations, [&["delete_self_serve_policy", "create_self_serve_policy"][..], &by_page].concat());
    // The same entry by both doors, but for who asked when, and the etag.
    let bare = |record: &Value| {
        let mut record = record.clone();
        let fields = record.as_object_mut().unwrap();
        for name in ["id", "originalCorrelationId", "operationDate", "applicationId"] {
            fields.remove(name);
        }
        let mut policy: Value = serde_json::from_str(fields["resourceNewValue"].as_str().unwrap()).unwrap();
        policy["Attributes"]["Etag"] = Value::Null;
        fields.insert("resourceNewValue".to_owned(), policy);
        record
    };
    assert_eq!(bare(records[1]), bare(records[5]));
}

/// A customer that is not there.
const NOBODY: &str = "99999999-9999-4999-8999-999999999999";

#[tokio::test]
async fn r02_only_an_admin_agent_turns_the_permission_on() {
    let server = Server::start().await;
    for agent in [server.sven(), server.hedda(), server.gustav()] {
        let mut browser = agent.browses().await;
        let page = browser.gets(&account(FJALLRAVEN)).await.ok().says("It takes: Admin agent");
        let (tag, on) = shown_switch(&page, "reservations");
        assert!(tag.contains("disabled") && !on, "{tag}");
        browser.gets(&switch(FJALLRAVEN, "reservations")).await.is(403, "");
        for to in ["on", "off"] {
            browser.submits(&switch(FJALLRAVEN, "reservations"), &[("to", to)]).await.is(403, "");
        }
    }
    for agent in [server.beata(), server.ulla(), server.nisse()] {
        let mut browser = agent.browses().await;
        browser.gets(&account(FJALLRAVEN)).await.is(403, "");
        browser.submits(&switch(FJALLRAVEN, "reservations"), &[("to", "on")]).await.is(403, "");
    }
    // R03: for one customer of one's own, and for no other.
    let mut ada = server.ada().browses().await;
    let foreign = ada.submits(&switch(KUSTFISKE, "reservations"), &[("to", "on")]).await.is(404, "");
    let nobody = ada.submits(&switch(NOBODY, "reservations"), &[("to", "on")]).await.is(404, "");
    assert_eq!(foreign.text().replace(KUSTFISKE, "id"), nobody.text().replace(NOBODY, "id"));
    ada.submits(&switch(FJALLRAVEN, "reservations"), &[("to", "on")]).await.ok();
    let other = ada.gets(&account(SKOGSBRUKET)).await.ok();
    assert!(!shown_switch(&other, "reservations").1);
    for (path, to, status) in [("nothing", "on", 404), ("reservations", "maybe", 400)] {
        ada.submits(&switch(FJALLRAVEN, path), &[("to", to)]).await.is(status, "");
    }
    ada.submits_from_elsewhere(&switch(FJALLRAVEN, "reservations"), &[("to", "off")]).await.is(400, "");
    assert!(shown_switch(&ada.gets(&account(FJALLRAVEN)).await.ok(), "reservations").1);
    let list = ada.gets("/dashboard/customers").await.ok().text();
    assert_eq!(list.matches("Reservations on").count(), 1, "{list}");
}

#[tokio::test]
async fn r07_g04_the_page_says_what_is_missing_and_answers_who_may_buy() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    let fields = [
        ("name", "Älvsågen AB"),
        ("domain", "alvsagen.example"),
        ("country", "SE"),
        ("language", "sv"),
        ("first_name", "Eva"),
        ("last_name", "Ek"),
        ("email", "eva@alvsagen.example"),
        ("address_1", "Gatan 1"),
        ("city", "Umeå"),
    ];
    ada.gets("/dashboard/customers/new").await.ok();
    let without_name = ada.submits("/dashboard/customers/new", &fields[1..]).await.is(400, "");
    without_name.says("Fill this in").says("value=\"alvsagen.example\"");
    let mut taken = fields;
    taken[1].1 = "exempel.example";
    ada.submits("/dashboard/customers/new", &taken).await.is(409, "").says("exempel.example");
    let added = ada.submits("/dashboard/customers/new", &fields).await.ok().says("not shown again");
    let text = added.text();
    let customer = between(&text, "<dd><code>", "</code>").unwrap();
    let password = text.split("<dd><code>").nth(3).and_then(|rest| rest.split('<').next()).unwrap();
    // The first user can sign in with what was shown.
    let mut eva = Browser::new(&server, "sv");
    eva.signs_in("admin@alvsagen.example", password).await.ok();

    let page = ada.gets(&account(customer)).await.ok();
    let page = page.says("The customer agreement is not confirmed").says("has no active Azure subscription");
    page.says("Buy an Azure plan").says("Nobody at the customer is Owner");
    // R07: turning on is allowed all the same.
    ada.submits(&switch(customer, "reservations"), &[("to", "on")]).await.ok().says("Azure reservations is on.");

    let agreement = format!("{}/agreement", account(customer));
    let mut person = [("first_name", "Eva"), ("last_name", "Ek"), ("email", "eva@alvsagen.example"), ("agreed_on", "")];
    for (day, status) in [("2999-01-01", 400), ("tomorrow", 400), ("2026-01-02", 200)] {
        person[3].1 = day;
        assert_eq!(ada.submits(&agreement, &person).await.status.as_u16(), status, "{day}");
    }
    ada.submits(&agreement, &person).await.is(409, "");
    ada.gets(&account(customer)).await.ok().says("eva@alvsagen.example").says("2 Jan 2026");
    let mut hedda = server.hedda().browses().await;
    hedda.gets(&agreement).await.is(403, "");

    let ask = |query: &str| format!("{}?{query}", account(FJALLRAVEN));
    let no = ada.gets(&ask("user=karin@exempel.example")).await.ok().says("karin@exempel.example may not buy");
    let no = no.says("Who can buy once it is on");
    no.says("purchase Azure reservations is off").says("is not Owner of the subscription Produktion");
    ada.submits(&switch(FJALLRAVEN, "reservations"), &[("to", "on")]).await.ok();
    let item = "user=olle@exempel.example&sku=Standard_D2s_v5&region=swedencentral&term=P1Y";
    for item in [item, &item.replace("swedencentral", "SE+central")] {
        let yes = ada.gets(&ask(item)).await.ok().says("Yes: olle@exempel.example may buy").says("List price");
        yes.says("Who can buy, and with which subscription");
    }
    let other = format!("user=olle@exempel.example&subscription={PROV}");
    let other = ada.gets(&ask(&other)).await.ok().says("is not Owner of the subscription Prov");
    other.says(&format!("/portal/{FJALLRAVEN}/subscriptions/{PROV}/access"));
    ada.gets(&ask("user=frida@kustfiske.example")).await.is(400, "").says("no such user");
    ada.gets(&ask("user=x&subscription=x&sku=x&region=&term=x")).await.is(400, "");
    // R41: the way to where Owner is assigned stands beside each subscription, for those who have a role on it.
    let access = format!("/portal/{FJALLRAVEN}/subscriptions/{PRODUKTION}/access");
    ada.gets(&account(FJALLRAVEN)).await.ok().says(&access);
    let page = hedda.gets(&account(FJALLRAVEN)).await.ok().says("You have no role on it");
    assert!(!page.text().contains(&access));
}

#[tokio::test]
async fn the_list_is_searched_sorted_and_opened() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    let names = |page: &Answer| -> Vec<String> {
        let known = ["Fjällräven Exempel AB", "Skogsbruket Exempel AB", "Kustfiske Exempel AB"];
        let text = page.text();
        let mut found: Vec<(usize, &str)> =
            known.iter().filter_map(|name| Some((text.find(&format!(">{name}</a>"))?, *name))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, name)| name.chars().take(4).collect()).collect()
    };
    for (query, expected) in [
        ("", "Fjäl Skog"),
        ("?order=desc", "Skog Fjäl"),
        ("?sort=domain", "Fjäl Skog"),
        ("?sort=domain&order=desc", "Skog Fjäl"),
        ("?q=RÄVEN", "Fjäl"),
        ("?q=bruket.ex", "Skog"),
        ("?q=kust", ""),
        ("?q=%25", ""),
        ("?after=nonsense&before=%7C%7C&open=%22%3E&order=%00", "Fjäl Skog"),
        ("?after=zz%7Czz", "Fjäl Skog"),
    ] {
        let page = ada.gets(&format!("/dashboard/customers{query}")).await.ok();
        assert_eq!(names(&page).join(" "), expected, "{query}");
    }
    let open = ada.gets(&format!("/dashboard/customers?open={FJALLRAVEN}")).await.ok();
    let open = open.says("aria-expanded=\"true\"").says("Microsoft ID").says("Order history");
    open.says(&format!("/portal/{FJALLRAVEN}/subscriptions"));
    ada.gets("/dashboard/customers?q=%3Cscript%3E").await.ok().says("&#60;script&#62;").says("No customers found");
    server.beata().browses().await.gets("/dashboard/customers").await.is(403, "");
    let mut hedda = server.hedda().browses().await;
    hedda.gets("/dashboard/customers").await.ok().says("disabled");
    hedda.gets("/dashboard/customers/new").await.is(403, "");
    hedda.submits("/dashboard/customers/new", &[("name", "x")]).await.is(403, "");
}

#[tokio::test]
async fn r41_r42_plans_are_bought_managed_and_not_suspended_while_in_use() {
    let server = Server::start().await;
    let subscriptions = |customer: &str| format!("/dashboard/customers/{customer}/subscriptions");
    let mut ada = server.ada().browses().await;
    let page = ada.gets(&subscriptions(FJALLRAVEN)).await.ok().says("Usage-based").says("Licence-based");
    for subscription in [PRODUKTION, PROV] {
        page.clone().says(&format!("/portal/{FJALLRAVEN}/subscriptions/{subscription}/access"));
    }
    let plan = between(&page.text(), "id=\"open-", "\"").unwrap().to_owned();
    let page = page.says("with active subscriptions cannot be suspended");
    let closed = ada.gets(&format!("{}?closed={plan}", subscriptions(FJALLRAVEN))).await.ok();
    assert!(page.text().contains("Produktion") && !closed.text().contains("Produktion"));
    let suspend = format!("{}/{plan}/suspend", subscriptions(FJALLRAVEN));
    let version = ada.gets(&suspend).await.ok().text();
    let version = between(&version, "name=\"version\" value=\"", "\"").unwrap();
    ada.submits(&suspend, &[("version", version)]).await.is(409, "").says("2");
    ada.submits(&suspend, &[]).await.is(400, "");
    ada.gets(&format!("{}/{plan}/delete", subscriptions(FJALLRAVEN))).await.is(404, "");
    ada.gets(&format!("{}/{PROV}/suspend", subscriptions(FJALLRAVEN))).await.is(404, "");
    ada.gets(&suspend.replace(FJALLRAVEN, SKOGSBRUKET)).await.is(404, "");
    ada.gets(&subscriptions(KUSTFISKE)).await.is(404, "");

    // An Azure Global subscription can be suspended; then nothing is bought on it.
    let skogen = format!("{}/55555555-0000-4000-8000-0000000000e1", subscriptions(SKOGSBRUKET));
    for (word, says) in [("suspend", "is suspended"), ("resume", "active again"), ("suspend", "is suspended")] {
        let asked = ada.gets(&format!("{skogen}/{word}")).await.ok().text();
        let version = between(&asked, "name=\"version\" value=\"", "\"").unwrap();
        ada.submits(&format!("{skogen}/{word}"), &[("version", version)]).await.ok().says(says);
        ada.submits(&format!("{skogen}/{word}"), &[("version", version)]).await.is(409, "");
    }
    ada.gets(&account(SKOGSBRUKET)).await.ok().says("has no active Azure subscription");

    // A plan is bought once, however often the form is sent.
    let buy = format!("{}/azure-plan", subscriptions(SKOGSBRUKET));
    let review = ada.gets(&buy).await.ok().says("Review what you buy").text();
    let order = between(&review, "name=\"order\" value=\"", "\"").unwrap();
    for _ in 0..2 {
        ada.submits(&buy, &[("order", order), ("name", "Skogsplanen")]).await.ok().says("Skogsplanen");
    }
    let orders = server.ada().reads_orders(SKOGSBRUKET).await.ok().json();
    assert_eq!(orders["totalCount"], 1);
    ada.gets(&buy).await.ok();
    let again = uuid::Uuid::new_v4().to_string();
    ada.submits(&buy, &[("order", &again)]).await.is(409, "").says("role=\"alert\"");
    ada.submits(&buy, &[("order", "x")]).await.is(400, "");
    ada.gets(&account(SKOGSBRUKET)).await.ok().says("an active Azure subscription that you bought");

    // Helpdesk agents manage nothing without a role on the subscription; billing administrators look on.
    let mut hedda = server.hedda().browses().await;
    let page = hedda.gets(&subscriptions(FJALLRAVEN)).await.ok().says("a role on this subscription");
    assert!(!page.text().contains("/access\""));
    let mut beata = server.beata().browses().await;
    beata.gets(&subscriptions(FJALLRAVEN)).await.ok().says("It takes:");
    beata.gets(&buy).await.is(403, "");
    server.nisse().browses().await.gets(&subscriptions(FJALLRAVEN)).await.is(403, "");
}

#[tokio::test]
async fn lists_are_exported_for_those_who_see_them() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    let lines = |file: &Answer| -> Vec<String> {
        assert!(file.header("content-disposition").starts_with("attachment"), "{file}");
        file.text().trim_start_matches('\u{feff}').lines().map(str::to_owned).collect()
    };
    let file = ada.gets("/dashboard/customers/export.csv?order=desc").await.ok();
    let skog = format!("{SKOGSBRUKET},Skogsbruket Exempel AB,skogsbruket.example,Reseller");
    let fjall = format!("{FJALLRAVEN},Fjällräven Exempel AB,exempel.example,Reseller");
    let header = "Microsoft ID,Company name,Primary domain name,Relationship".to_owned();
    assert_eq!(lines(&file), [header.clone(), skog.clone(), fjall]);
    let found = ada.gets("/dashboard/customers/export.csv?q=bruket").await.ok();
    assert_eq!(lines(&found), [header, skog]);
    let path = format!("/dashboard/customers/{SKOGSBRUKET}/subscriptions/export.csv");
    let file = ada.gets(&path).await.ok();
    let [header, line] = <[String; 2]>::try_from(lines(&file)).unwrap();
    assert_eq!(header, "Subscription ID,Subscription,Quantity,Status,Reseller");
    assert!(line.starts_with("55555555-0000-4000-8000-0000000000e1,") && line.ends_with(",1,active,Nordmoln AB"));
    ada.gets(&path.replace(SKOGSBRUKET, KUSTFISKE)).await.is(404, "");
    server.beata().browses().await.gets("/dashboard/customers/export.csv").await.is(403, "");
    server.nisse().browses().await.gets(&path).await.is(403, "");
}
