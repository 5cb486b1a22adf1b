//! The customer portal: access control, purchase, reservations, by the customer and through Manage.

use fullmakt_domain::catalog::Offer;
use fullmakt_testkit::{
    Answer, Browser, FJALLRAVEN, KUSTEN, KUSTFISKE, PRODUKTION, PROV, Purchase, SKOGSBRUKET, Server, between,
    quoted_order,
};
use fullmakt_world::catalog_csv;
use std::collections::BTreeSet;

const SKU: &str = "Standard_D2s_v5";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

fn portal(rest: &str) -> String {
    format!("/portal/{FJALLRAVEN}{rest}")
}

fn chosen() -> [(&'static str, &'static str); 5] {
    [
        ("subscription", PRODUKTION),
        ("type", "VirtualMachines"),
        ("sku", SKU),
        ("region", "swedencentral"),
        ("term", "P1Y"),
    ]
}

fn item_path() -> String {
    let query: Vec<String> = chosen().iter().map(|(name, value)| format!("{name}={value}")).collect();
    portal(&format!("/purchase/item?{}", query.join("&")))
}

/// Fills in the form of the configuration; what comes is the review.
async fn configures(browser: &mut Browser, quantity: &str, plan: &str, name: &str) -> Answer {
    let mut fields = chosen().to_vec();
    fields.extend([("quantity", quantity), ("plan", plan), ("scope", "shared"), ("name", name)]);
    browser.submits(&portal("/purchase/item"), &fields).await
}

/// The order that the review at hand is about.
fn order_at(browser: &Browser) -> String {
    between(&browser.at, "/review/", "?").expect("the review names its order").to_owned()
}

async fn buys_it(browser: &mut Browser, order: &str, name: &str) -> Answer {
    let fields = [("subscription", PRODUKTION), ("scope", "shared"), ("name", name)];
    browser.submits(&portal(&format!("/purchase/review/{order}")), &fields).await
}

/// The path of the reservation that the page at hand leads to.
fn reservation_on(page: &Answer) -> String {
    let text = page.text();
    let rest = between(&text, &format!("href=\"{}/", portal("/reservations")), "\"").expect("a link to a reservation");
    portal(&format!("/reservations/{rest}"))
}

#[tokio::test]
async fn r10_r11_r12_the_page_says_everything_that_is_missing_before_the_form() {
    let server = Server::start().await;
    let purchase = portal("/purchase");
    // Olle is Owner; only the permission is missing, and the page names whom to ask.
    let mut olle = server.olle().browses().await;
    let page = olle.gets(&purchase).await.ok();
    let page = page.says("Nordmoln AB has not allowed you").says("hjalp@nordmoln.example").says("+46 8 000 00");
    assert!(
        !page.text().contains("does not have the role Owner") && !page.text().contains("name=\"family\""),
        "{page}"
    );
    // Nobody gets to the form by its address either.
    olle.gets(&item_path()).await.ok().says("Nordmoln AB has not allowed you");
    // Karin is a Contributor: both at once, with the way to the page that mends it.
    let mut karin = server.karin().browses_in("sv").await;
    karin
        .gets(&purchase)
        .await
        .ok()
        .says("har inte tillåtit er att köpa")
        .says("karin@exempel.example har inte rollen Ägare")
        .says(&portal(&format!("/subscriptions/{PRODUKTION}/access")));
    // Rut has no role at all, and hears both all the same.
    let mut rut = server.rut().browses().await;
    rut.gets(&purchase).await.ok().says("has not allowed you").says("rut@exempel.example does not have the role Owner");

    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    olle.gets(&purchase).await.ok().says("name=\"family\"");
    let page = karin.gets(&purchase).await.ok().says("har inte rollen Ägare");
    assert!(!page.text().contains("har inte tillåtit"), "{page}");
    // Whoever is not Owner may ask for a price, and is turned down when he buys by hand.
    karin.gets(&item_path()).await.ok().says("har inte rollen Ägare");
    let refused = configures(&mut karin, "1", "Upfront", "").await.is(409, "");
    assert!(refused.text().contains("har inte rollen Ägare"), "{refused}");
}

#[tokio::test]
async fn r11_r41_owner_is_assigned_by_the_customer_and_through_manage() {
    let server = Server::start().await;
    let (ada, rut) = (server.ada(), server.rut());
    let access = portal(&format!("/subscriptions/{PRODUKTION}/access"));
    let mut olle = server.olle().browses().await;
    olle.gets(&portal("/subscriptions")).await.ok().says("Produktion").says("Owner");
    olle.gets(&portal(&format!("/subscriptions/{PRODUKTION}"))).await.ok().says("Access control (IAM)");
    let page = olle.gets(&access).await.ok();
    let page = page.says("Admin agents of Nordmoln AB").says("karin@exempel.example").says("Contributor");
    let page = page.says("needs the role Owner").says("who can buy here while the permission is on: Olle.");
    page.says("even without the permission: Admin agents of Nordmoln AB.");

    // Ada, who came by Manage, searches and assigns; the page says on whose behalf.
    let mut manage = ada.browses().await;
    let add = format!("{access}/add");
    let found = manage.gets(&format!("{add}?q=ru&role=Owner")).await.ok().says("You are acting for Fjällräven");
    let found = found.says("rut@exempel.example");
    assert!(!found.text().contains("karin@exempel.example"), "{found}");
    manage.gets(&format!("{add}?q=frida")).await.ok().says("Nobody found");
    manage.submits(&add, &[("q", "ru"), ("role", OWNER)]).await.is(400, "").says("Choose who is to have the role");
    let missing = manage.submits(&add, &[("q", "ru"), ("principal", &rut.id), ("role", "")]).await.is(400, "");
    // What was chosen stays chosen.
    assert!(missing.text().contains("checked") && missing.text().contains("Choose a role."), "{missing}");
    let given = [("q", "ru"), ("principal", rut.id.as_str()), ("role", OWNER)];
    manage.submits(&add, &given).await.ok().says("The role is assigned");
    manage.submits(&add, &given).await.is(409, "").says("has this role here already");
    // R45: someone of another directory is nobody here.
    let stranger = server.frida().id;
    manage
        .submits(&add, &[("principal", stranger.as_str()), ("role", OWNER)])
        .await
        .is(409, "")
        .says("no such user or application");
    let log = ada.reads_audit_records().await.ok().text();
    assert!(log.contains("create_role_assignment") && log.contains("ada@nordmoln.example"), "{log}");

    // Rut can now give roles herself, and Ada takes hers away again, after a question.
    let page = manage.gets(&access).await.ok().text();
    let of_rut = page.split("<tr>").find(|row| row.contains("rut@exempel.example")).unwrap().to_owned();
    let remove = between(&of_rut, "href=\"", "\"").unwrap().to_owned();
    let asked = manage.gets(&remove).await.ok().says("can no longer buy reservations");
    assert!(asked.text().contains("rut@exempel.example"), "{asked}");
    let gone = manage.submits(&remove, &[]).await.ok().says("The role assignment is removed");
    assert!(!gone.text().contains("rut@exempel.example"), "{gone}");
    manage.submits(&remove, &[]).await.is(404, "");

    // A Contributor sees, and cannot give.
    let mut karin = server.karin().browses().await;
    let seen = karin.gets(&access).await.ok().says("Your role does not allow you to assign roles");
    assert!(!seen.text().contains("/add\""), "{seen}");
    karin.submits(&add, &given).await.is(403, "");
    // A Sales agent has no role in the customer's directory.
    let mut sven = server.sven().browses().await;
    sven.gets(&portal("/subscriptions")).await.ok().says("No subscriptions");
    assert!(matches!(sven.gets(&access).await.status.as_u16(), 403 | 404));
}

/// What Nordmoln pays for a SKU anywhere, as pages would write it in either language.
fn costs(quantity: i64) -> Vec<String> {
    let euros = |offer: &&Offer| offer.sku.as_str() == SKU && offer.currency().code() == "EUR";
    let mut costs = Vec::new();
    for offer in catalog_csv::built_in().offers().iter().filter(euros) {
        let unit = offer.partner_price;
        let total = unit.times(quantity).unwrap();
        let months = total.instalments(offer.term.months());
        for amount in [unit, total, months[0], months[months.len() - 1]] {
            let plain = amount.decimal().to_string();
            // A round amount could be anything.
            if plain.ends_with(".00") {
                continue;
            }
            let (whole, cents) = plain.split_once('.').unwrap();
            for (group, mark) in [("", '.'), ("", ','), (",", '.'), ("\u{a0}", ',')] {
                let split = whole.len().saturating_sub(3);
                let grouped =
                    if split > 0 { format!("{}{group}{}", &whole[..split], &whole[split..]) } else { whole.to_owned() };
                costs.push(format!("{grouped}{mark}{cents}"));
            }
        }
    }
    assert!(costs.iter().any(|cost| cost == "446.16"), "the sample catalogue has changed");
    costs
}

fn assert_no_cost(page: &Answer, costs: &[String]) {
    let text = page.text();
    for cost in costs {
        // Not as the end of a longer number.
        let found =
            text.match_indices(cost.as_str()).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_digit()));
        assert!(!found, "the partner's cost {cost} is on {page}");
    }
}

#[tokio::test]
async fn r13_r14_r17_a_customer_buys_at_the_partners_price_once_and_both_see_it() {
    let server = Server::start().await;
    let ada = server.ada();
    ada.grants_self_serve(FJALLRAVEN).await.ok();
    let costs = costs(3);
    let mut olle = server.olle().browses_in("sv").await;
    let look = |page: Answer| {
        assert_no_cost(&page, &costs);
        page
    };
    let path = portal(&format!("/purchase?subscription={PRODUKTION}&q=d2S_v5&region=swedencentral&term=P1Y"));
    let list = look(olle.gets(&path).await.ok()).says("Listpris").says("507,00\u{a0}€").says("1 erbjudande");
    assert!(
        list.text().contains("sku=Standard_D2s_v5&#38;region") || list.text().contains("sku=Standard_D2s_v5&amp;"),
        "{list}"
    );
    look(olle.gets(&portal(&format!("/purchase?subscription={PRODUKTION}&q=D2s_v5"))).await.ok());
    look(olle.gets(&item_path()).await.ok()).says("Pris från Nordmoln AB").says("Delat");

    // What is wrong is said beside the field, and what was typed stays.
    let wrong = look(configures(&mut olle, "1001", "Upfront", "två ord").await.is(400, ""));
    let wrong = wrong.says("heltal från 1 till 1\u{a0}000").says("utan blanksteg").says("value=\"1001\"");
    wrong.says("value=\"två ord\"");
    configures(&mut olle, "3", "Weekly", "").await.is(400, "").says("Välj en faktureringsfrekvens");

    let review = look(configures(&mut olle, "3", "Monthly", "webb").await.ok());
    let review =
        review.says("Priset gäller till").says("1\u{a0}521,00\u{a0}€").says("12 månadsbetalningar på 126,75\u{a0}€");
    review.says("Nordmoln AB faktureras").says("Månadsvis").says("webb");
    let order = order_at(&olle);
    look(olle.gets(&olle.at.clone()).await.ok());
    let done = look(buys_it(&mut olle, &order, "webb").await.ok()).says("Reservationen är köpt");
    look(buys_it(&mut olle, &order, "webb").await.ok()).says("Reservationen är köpt");
    assert_eq!(ada.reads_orders(FJALLRAVEN).await.ok().json()["totalCount"], 1);
    // The review of what is bought leads to what it became.
    let review = portal(&format!("/purchase/review/{order}?subscription={PRODUKTION}"));
    look(olle.gets(&review).await.ok()).says("Reservationen är köpt");
    // A quote is its asker's own.
    let mut karin = server.karin().browses().await;
    configures(&mut olle, "1", "Upfront", "").await.ok();
    let of_olle = olle.at.clone();
    karin.gets(&of_olle).await.is(404, "");

    let list =
        look(olle.gets(&portal("/reservations")).await.ok()).says("webb").says("Aktiv").says("Ingen användning än");
    list.says("olle@exempel.example (Kunden)");
    let detail = look(olle.gets(&reservation_on(&done)).await.ok());
    let detail = detail.says("Översikt").says("Egenskaper").says("Historik").says("Köpt av").says("Delat");
    // R20: shown, disabled, with the reason and whom to ask.
    let detail = detail.says("hjalp@nordmoln.example").says("aria-describedby=\"why-partners\"");
    assert!(detail.text().matches("disabled").count() >= 4, "{detail}");
    // Ada sees it on behalf, her log says who bought, and her pages here hold no cost either.
    let mut manage = ada.browses().await;
    look(manage.gets(&portal("/reservations")).await.ok()).says("olle@exempel.example (Customer)");
    look(manage.gets(&reservation_on(&done)).await.ok()).says("You act for the partner");
    for path in [portal("/subscriptions"), portal(&format!("/subscriptions/{PRODUKTION}")), portal("/purchase")] {
        look(olle.gets(&path).await.ok());
        look(manage.gets(&path).await.ok());
    }
    let log = ada.reads_audit_records().await.ok().text();
    assert!(log.contains("create_order") && log.contains("olle@exempel.example"), "{log}");
}

#[tokio::test]
async fn r13_a_price_that_has_lapsed_is_not_bought_at_and_a_new_one_is_offered() {
    let server = Server::start_at("2026-11-01T08:00:00Z", None).await;
    let ada = server.ada();
    ada.grants_self_serve(FJALLRAVEN).await.ok();
    let mut olle = server.olle().browses().await;
    olle.gets(&item_path()).await.ok();
    configures(&mut olle, "2", "Upfront", "web").await.ok().says("1 Nov 2026, 08:30").says("Buy now");
    let (order, review) = (order_at(&olle), olle.at.clone());
    server.lets_pass("PT31M").await;
    let lapsed = olle.gets(&review).await.ok().says("no longer holds").says("Ask for a new price");
    assert!(!lapsed.text().contains("Buy now"), "{lapsed}");
    buys_it(&mut olle, &order, "web").await.is(409, "").says("has lapsed").says("Ask for a new price");
    assert_eq!(ada.reads_orders(FJALLRAVEN).await.ok().json()["totalCount"], 0);
    configures(&mut olle, "2", "Upfront", "web").await.ok().says("1 Nov 2026, 09:01").says("Buy now");
    let fresh = order_at(&olle);
    assert_ne!(fresh, order);
    buys_it(&mut olle, &fresh, "web").await.ok().says("The reservation is bought");
}

/// Olle buys so many by the API; what comes is the path of the reservation's page.
async fn bought(server: &Server, quantity: u32) -> String {
    server.ada().grants_self_serve(FJALLRAVEN).await;
    let wanted = Purchase::of(quantity, SKU);
    let order = quoted_order(&server.olle().asks_price(&wanted).await.ok());
    server.olle().buys_quoted(&order, &wanted).await.ok();
    let mut olle = server.olle().browses().await;
    let list = olle.gets(&portal("/reservations")).await.ok();
    reservation_on(&list)
}

#[tokio::test]
async fn r20_r22_the_customer_renames_splits_and_merges_and_the_rest_is_the_partners() {
    let server = Server::start().await;
    let page = bought(&server, 4).await;
    let mut olle = server.olle().browses().await;
    olle.gets(&page).await.ok();
    let rename = format!("{page}/rename");
    olle.submits(&rename, &[("name", "two words")]).await.is(400, "").says("without blanks").says("two words");
    let renamed = olle.submits(&rename, &[("name", "web-1")]).await.ok().says("has a new name");
    renamed.says("Renamed from prov to web-1").says("olle@exempel.example (Customer)");
    olle.submits(&rename, &[("name", "web-1")]).await.is(409, "").says("nothing was changed");

    let split = format!("{page}/split");
    olle.submits(&split, &[("first", "4")]).await.is(400, "").says("from 1 to 3");
    let first = olle.submits(&split, &[("first", "1")]).await.ok().says("split in two").says("Came of a split");
    let first_path = olle.at.split('?').next().unwrap().to_owned();
    let text = first.text();
    assert!(text.contains("Split from"), "{text}");
    // What is over says how it ended and what there is instead, and offers nothing that no longer applies.
    let over = olle.gets(&page).await.ok().says("Split in two").says("olle@exempel.example (Customer) split it in two");
    let over = over.says("Split into").says("web-1, quantity 1").says("web-1, quantity 3").says("No usage is known of");
    let text = over.text();
    for gone in ["No usage yet", "Changes that only the partner makes", "disabled", &format!("{page}/rename")] {
        assert!(!text.contains(gone), "`{gone}` is on {text}");
    }
    olle.gets(&portal("/reservations")).await.ok().says("No usage yet");
    olle.submits(&split, &[("first", "1")]).await.is(409, "").says("no longer active");
    let merge = format!("{first_path}/merge");
    let form = olle.gets(&merge).await.ok().says("web-1, quantity 3").text();
    let other = between(&form, "<option value=\"", "\"").unwrap().to_owned();
    // Parts of the same size are told apart by their identifiers.
    let third = format!("{}/split", path_of(&other, &first_path));
    olle.gets(&third).await.ok();
    olle.submits(&third, &[("first", "2")]).await.ok();
    olle.gets(&merge).await.ok().says("web-1, quantity 2<").says("web-1, quantity 1<");
    let list = olle.gets(&portal("/reservations")).await.ok().text();
    assert_eq!(list.matches("web-1, ID …").count(), 2, "{list}");
    let form = olle.gets(&merge).await.ok().text();
    let other = between(&form, "<option value=\"", "\"").unwrap().to_owned();
    olle.submits(&merge, &[("other", "x")]).await.is(400, "").says("Choose a reservation");
    olle.submits(&merge, &[("other", &other)]).await.ok().says("are merged").says("Came of a merge");
    let merged = olle.at.split('?').next().unwrap().to_owned();

    // R20: by whatever address, the customer is told whom to ask, and nothing changes.
    for below in ["scope", "renewal", "renew"] {
        let path = format!("{merged}/{below}");
        olle.gets(&path).await.is(409, "").says("Only Nordmoln AB").says("hjalp@nordmoln.example");
        olle.submits(&path, &[("scope", "shared"), ("renew", "on")]).await.is(409, "").says("Only Nordmoln AB");
    }
    // R21: the partner's Admin agent does it, and the history says so.
    let mut manage = server.ada().browses().await;
    manage.gets(&merged).await.ok();
    let single = format!("/subscriptions/{PROV}");
    let changed = manage.submits(&format!("{merged}/scope"), &[("scope", &single)]).await.ok();
    changed.says("The scope is changed").says("Single: Prov").says("ada@nordmoln.example (Partner)");
    let elsewhere = format!("/subscriptions/{KUSTFISKE}");
    manage.submits(&format!("{merged}/scope"), &[("scope", &elsewhere)]).await.is(409, "").says("not among");
    manage.submits(&format!("{merged}/scope"), &[("scope", "/")]).await.is(400, "").says("Choose a scope");
    manage.submits(&format!("{merged}/renewal"), &[("renew", "on")]).await.ok().says("Automatic renewal is changed");
    manage.gets(&format!("{merged}/renew")).await.ok().says("Price of the renewal");
    manage.submits(&format!("{merged}/renew"), &[]).await.ok().says("The renewal is bought").says("Not started");
    // What the customer sees of it.
    olle.gets(&merged)
        .await
        .ok()
        .says("ada@nordmoln.example (Partner)")
        .says("Automatic renewal changed from Off to On");
    // Others of the customer see nothing until someone gives them a role on the order.
    let (rut, access) = (server.rut(), format!("{merged}/access"));
    let mut looks = rut.browses().await;
    looks.gets(&merged).await.is(403, "");
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    olle.gets(&access).await.ok();
    olle.submits(&format!("{access}/add"), &[("principal", &rut.id), ("role", reader)]).await.ok().says("assigned");
    looks.gets(&merged).await.ok().says("Your role does not allow it");
    looks.submits(&format!("{merged}/rename"), &[("name", "x")]).await.is(403, "");
}

/// The path of another reservation of the same order.
fn path_of(reservation: &str, beside: &str) -> String {
    let (order, _) = beside.rsplit_once('/').expect("a path has segments");
    format!("{order}/{reservation}")
}

#[tokio::test]
async fn a_page_that_is_none_keeps_the_menu_of_whoever_is_signed_in() {
    let server = Server::start().await;
    let ours = format!("href=\"{}\"", portal("/usage"));
    let (theirs, their_menu) = (format!("/portal/{KUSTFISKE}"), format!("href=\"/portal/{KUSTFISKE}"));
    let customers = "href=\"/dashboard/customers\"";
    let of_customer = format!("href=\"/dashboard/customers/{FJALLRAVEN}/usage\"");
    // Who, where, what status; what of the menu is there, and what is not.
    for (who, path, status, there, not) in [
        (server.olle(), portal("/subscriptions/x"), 404, vec![ours.as_str()], vec![customers]),
        (server.olle(), "/dashboard".to_owned(), 404, vec![&ours], vec![customers]),
        (server.olle(), theirs.clone(), 404, vec![&ours], vec![&their_menu, "Kustfiske"]),
        (server.sven(), portal("/subscriptions/x"), 404, vec![&ours, "You are acting for"], vec![customers]),
        (
            server.sven(),
            format!("/dashboard/customers/{FJALLRAVEN}/statement"),
            403,
            vec![customers, &of_customer],
            vec![&ours],
        ),
        (server.sven(), "/dashboard/nothing".to_owned(), 404, vec![customers], vec![&of_customer]),
        (server.sven(), format!("/dashboard/customers/{KUSTFISKE}/usage"), 404, vec![customers], vec!["Kustfiske"]),
    ] {
        let mut browser = who.browses().await;
        let answer = browser.gets(&path).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
        let text = answer.text();
        for part in there.into_iter().chain(["action=\"/sign-out\"", "action=\"/language\""]) {
            assert!(text.contains(part), "`{part}` is not on {path}: {text}");
        }
        for part in not {
            assert!(!text.contains(part), "`{part}` is on {path}: {text}");
        }
    }
    let page = server.ture().browses().await.gets(&portal("/usage")).await.is(404, "").says(customers);
    assert!(!page.text().contains("Fjällräven"), "{page}");
}

#[tokio::test]
async fn r10_what_the_customer_buys_needs_no_registration_of_the_partners() {
    let server = Server::start().await;
    server.ture().grants_self_serve(KUSTFISKE).await.ok();
    // The plan is not registered for what Sydmoln orders, and the page says that it is about that alone.
    let mut ture = server.ture().browses().await;
    let page = ture.gets(&format!("/dashboard/customers/{KUSTFISKE}/add-products")).await.ok();
    page.says("not registered for the reservations that you order").says("buys by itself needs no registration");
    let mut frida = server.frida().browses().await;
    frida.gets(&format!("/portal/{KUSTFISKE}/purchase")).await.ok().says("name=\"family\"");
    server.frida().purchases(&Purchase::of(1, SKU).with(KUSTEN)).await.ok();
}

#[tokio::test]
async fn r22_r45_reservations_come_in_pages_and_only_those_that_the_visitor_may_see() {
    let server = Server::start().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    let (olle, rut) = (server.olle(), server.rut());
    for _ in 0..51 {
        olle.buys(1, SKU).await.ok();
    }
    let begins = format!("href=\"{}/", portal("/reservations"));
    let reservations = |page: &Answer| -> BTreeSet<String> {
        page.text().split(&begins).skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    };
    for who in [&olle, &server.ada()] {
        let mut browser = who.browses().await;
        let first = browser.gets(&portal("/reservations")).await.ok().says("Next page");
        let second = browser.gets(&portal("/reservations?page=2")).await.ok().says("Previous page");
        assert!(!first.text().contains("Previous page") && !second.text().contains("Next page"), "{second}");
        let (first, second) = (reservations(&first), reservations(&second));
        assert_eq!((first.len(), second.len()), (50, 1));
        assert!(first.is_disjoint(&second));
        browser.gets(&portal("/reservations?page=3")).await.ok().says("Previous page");
    }
    // Rut sees the one on which she was given a role.
    let mut looks = rut.browses().await;
    looks.gets(&portal("/reservations")).await.ok().says("No reservations");
    let list = server.olle().browses().await.gets(&portal("/reservations")).await.ok();
    let one = reservations(&list).pop_first().unwrap();
    let (order, _) = one.split_once('/').unwrap();
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let scope = format!("/providers/Microsoft.Capacity/reservationOrders/{order}");
    olle.assigns(reader, &rut.id, &scope).await.ok();
    let seen = looks.gets(&portal("/reservations")).await.ok();
    assert_eq!(reservations(&seen), [one].into());
}

#[tokio::test]
async fn r45_nothing_of_another_tenant_and_no_page_breaks() {
    let server = Server::start().await;
    let page = bought(&server, 1).await;
    let subscription = portal(&format!("/subscriptions/{PRODUKTION}"));
    let all = [
        page.clone(),
        format!("{page}/rename"),
        format!("{page}/split"),
        format!("{page}/merge"),
        format!("{page}/scope"),
        format!("{page}/renewal"),
        format!("{page}/renew"),
        format!("{page}/access"),
        format!("{page}/access/add"),
        subscription.clone(),
        format!("{subscription}/access"),
        format!("{subscription}/access/add"),
        portal("/subscriptions"),
        portal("/reservations"),
        portal("/purchase"),
        item_path(),
    ];
    // Owner at another customer of the same partner; Admin agent of another partner; Owner at that partner's customer.
    for stranger in [server.pelle(), server.ture(), server.frida()] {
        let mut browser = stranger.browses().await;
        for path in &all {
            let theirs = browser.gets(path).await.is(404, "");
            assert!(!theirs.text().contains("Produktion") && !theirs.text().contains("Nordmoln"), "{theirs}");
            browser.submits(path, &[("name", "x"), ("first", "1"), ("role", OWNER)]).await.is(404, "");
        }
        // Under one's own portal the ids of others are nothing, too.
        let own = portal("").replace(FJALLRAVEN, &stranger.tenant);
        for path in &all {
            let path = path.replace(&portal(""), &own);
            if [own.clone() + "/subscriptions", own.clone() + "/reservations", own.clone() + "/purchase"]
                .contains(&path)
            {
                continue;
            }
            let answer = browser.gets(&path).await;
            assert_eq!(answer.status, 404, "{answer}");
        }
    }
    // Nordmoln's own agent in the portal of another of its customers.
    let mut manage = server.ada().browses().await;
    let elsewhere = page.replace(FJALLRAVEN, SKOGSBRUKET);
    manage.gets(&elsewhere).await.is(404, "");
    manage.gets(&subscription.replace(FJALLRAVEN, SKOGSBRUKET)).await.is(404, "");

    let mut olle = server.olle().browses().await;
    for hostile in ["x", "%00", "..", "%F0%9F%92%A9", "00000000-0000-4000-8000-000000000000", "'%20OR%201=1"] {
        for path in [
            portal(&format!("/subscriptions/{hostile}")),
            portal(&format!("/subscriptions/{hostile}/access")),
            format!("{subscription}/access/{hostile}/remove"),
            portal(&format!("/reservations/{hostile}/{hostile}")),
            portal(&format!("/purchase/item?subscription={hostile}")),
            item_path().replace("P1Y", hostile),
            portal(&format!("/purchase/review/{hostile}?subscription={hostile}")),
            portal(&format!("/purchase/done/{hostile}")),
        ] {
            olle.gets(&path).await.is(404, "");
            let sent = olle.submits(&path, &[("subscription", hostile), ("scope", hostile)]).await;
            assert!(sent.status.is_client_error(), "{sent}");
        }
        // What is no name of a SKU is nothing; another one is not sold.
        let unsold = olle.gets(&item_path().replace(SKU, hostile)).await;
        assert!(unsold.status == 404 || unsold.text().contains("hindrances"), "{unsold}");
        // NUL is dropped as it comes in; nothing is left of it then.
        let status = if hostile == "%00" { 200 } else { 404 };
        olle.gets(&portal(&format!("/purchase?subscription={hostile}"))).await.is(status, "");
        let ignored = format!("/purchase?q={hostile}&region={hostile}&term={hostile}&family={hostile}&page={hostile}");
        olle.gets(&portal(&ignored)).await.ok();
        olle.gets(&portal(&format!("/reservations?page={hostile}"))).await.ok();
        olle.gets(&format!("{subscription}/access/add?q={hostile}&role={hostile}")).await.ok();
    }
    let script = "%3Cscript%3Ealert(1)%3C/script%3E";
    let escaped = olle.gets(&portal(&format!("/purchase?q={script}&family={script}"))).await.ok();
    assert!(!escaped.text().contains("<script>alert"), "{escaped}");
}
