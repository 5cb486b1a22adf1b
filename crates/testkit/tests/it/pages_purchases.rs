//! The dashboard's pages about what was bought and what it costs: order history, reservations, wizard, prices, home.

use fullmakt_testkit::{
    Answer, Browser, FJALLRAVEN, KUSTFISKE, PRODUKTION, Persona, Purchase, SKOGSBRUKET, Server, between,
};

/// Paths in pages are escaped as HTML.
fn plain(path: &str) -> String {
    path.replace("&#38;", "&").replace("&amp;", "&")
}

fn customer(id: &str, rest: &str) -> String {
    format!("/dashboard/customers/{id}{rest}")
}

/// The first link to something below that place of Fjällräven's.
fn first_below(page: &str, place: &str) -> String {
    let place = customer(FJALLRAVEN, place);
    let rest =
        between(page, &format!("href=\"{place}"), "\"").unwrap_or_else(|| panic!("nothing below {place}: {page}"));
    format!("{place}{rest}")
}

/// Olle buys two instances by the permission.
async fn olle_buys(server: &Server) {
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.olle().purchases(&Purchase::of(2, "Standard_D2s_v5").with(PRODUKTION)).await.ok();
}

/// Goes from the first step of the wizard to the page of products, and puts the first offer that fits into the cart.
async fn fills_cart(browser: &mut Browser, of: &str, filter: &str, count: &str) -> String {
    let start = browser.gets(&customer(of, "/add-products")).await.ok().text();
    let subscription = between(&start, "name=\"subscription\" value=\"", "\"").unwrap().to_owned();
    assert!(start.contains("Register it first") && start.contains("Register one below"), "{start}");
    let register = customer(of, "/add-products/register");
    browser.submits(&register, &[("subscription", &subscription)]).await.ok().says("registered for reservations");
    let products = customer(of, &format!("/add-products/products?subscription={subscription}&{filter}"));
    let page = browser.gets(&products).await.ok().text();
    let item = between(&page, "name=\"item\" value=\"", "\"").unwrap().to_owned();
    let cart = customer(of, "/add-products/cart");
    let fields = |count| [("subscription", subscription.as_str()), ("item", item.as_str()), ("quantity", count)];
    browser.submits(&cart, &fields("0")).await.is(400, "").says("The quantity has to be from 1 to 1,000");
    let page = browser.submits(&cart, &fields(count)).await.ok().says("Added to the cart").text();
    plain(between(&page, "class=\"button\" href=\"", "\"").unwrap())
}

#[tokio::test]
async fn r17_both_sides_purchases_are_listed_and_marked() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    ada.gets(&customer(FJALLRAVEN, "/orders")).await.ok().says("No orders yet");
    ada.gets(&customer(FJALLRAVEN, "/reservations")).await.ok().says("No reservations yet");
    ada.gets("/dashboard").await.ok().says("No purchases by customers yet").says("No charges yet");
    olle_buys(&server).await;
    let review = fills_cart(&mut ada, FJALLRAVEN, "size=D2s_v5&term=P1Y", "3").await;
    let cart = review.rsplit_once('=').unwrap().1.to_owned();
    let confirm = [("cart", cart.as_str()), ("quantity-0", "3"), ("billing-0", "monthly"), ("do", "continue")];
    // R32: under an Azure plan the scope is not asked for.
    ada.gets(&review).await.ok().says("Under an Azure plan the scope is Shared");
    let page = ada.submits(&customer(FJALLRAVEN, "/add-products/review"), &confirm).await.ok();
    page.says("When you buy, you are billed for this order").says("Monthly");
    let done = ada.submits(&customer(FJALLRAVEN, "/add-products/buy"), &[("cart", &cart)]).await.ok();
    let number = between(&done.says("Thank you").text(), "<code>", "</code>").unwrap().to_owned();
    // Sent twice, it is bought once.
    ada.submits(&customer(FJALLRAVEN, "/add-products/buy"), &[("cart", &cart)]).await.ok().says(&number);

    let orders = ada.gets(&customer(FJALLRAVEN, "/orders")).await.ok().says(&number).says("2 orders").text();
    assert!(orders.contains("olle@exempel.example") && orders.contains("ada@nordmoln.example"), "{orders}");
    let by = |side: &str| customer(FJALLRAVEN, &format!("/orders?by={side}"));
    // The head of the page tells Ada who she is.
    let theirs = ada.gets(&by("customer")).await.ok().says("olle@exempel.example").text();
    assert!(!between(&theirs, "<main", "</main>").unwrap().contains("ada@nordmoln"), "{theirs}");
    assert!(!ada.gets(&by("partner")).await.ok().says(&number).text().contains("olle@exempel"));
    ada.gets(&customer(FJALLRAVEN, "/orders?q=nothing")).await.ok().says("Nothing fits the filters");
    let order = first_below(&orders, "/orders/");
    ada.gets(&order).await.ok().says("Your cost").says("Monthly");
    // Who may not know the partner's cost is not shown it.
    let mut hedda = server.hedda().browses().await;
    assert!(!hedda.gets(&order).await.ok().says("List price").text().contains("Your cost"));

    let list = ada.gets(&customer(FJALLRAVEN, "/reservations")).await.ok().text().replace("<wbr>", "");
    assert!(list.contains("olle@exempel.example") && list.contains("ada@nordmoln.example"), "{list}");
    let mine = ada.gets(&customer(FJALLRAVEN, "/reservations?by=partner&state=active")).await.ok().text();
    let path = first_below(&mine, "/reservations/");
    let page = ada.gets(&path).await.ok().says("Instalments").says("Shared").says("Charged").says("Planned").text();
    assert_eq!(page.matches("Planned").count(), 11, "{page}");
    let home = ada.gets("/dashboard").await.ok().says("olle@exempel.example").says("<svg").text();
    assert!(home.contains("may purchase Azure reservations") && home.contains("You pay"), "{home}");
    server.beata().browses_in("sv").await.gets("/dashboard").await.ok().says("Kostnad per månad");
    server.ture().browses().await.gets("/dashboard").await.ok().says("No purchases by customers yet");

    // R45.
    for path in ["/orders", "/reservations", "/add-products"] {
        ada.gets(&customer(KUSTFISKE, path)).await.is(404, "");
    }
    let (_, id) = order.rsplit_once('/').unwrap();
    ada.gets(&customer(SKOGSBRUKET, &format!("/orders/{id}"))).await.is(404, "");
    ada.gets(&customer(FJALLRAVEN, "/reservations/x/y")).await.is(404, "");
}

#[tokio::test]
async fn r42_the_wizard_keeps_what_was_typed_and_forgets_nothing() {
    let server = Server::start().await;
    let mut sven = server.sven().browses().await;
    let review = fills_cart(&mut sven, SKOGSBRUKET, "size=D2s_v5&term=P3Y", "1").await;
    let (_, cart) = review.rsplit_once('=').unwrap();
    // A legacy subscription has both scopes.
    let page = sven.gets(&review).await.ok().says("Single: the subscription you buy on").text();
    assert!(!page.contains("You pay") && !page.contains("scope is Shared"), "{page}");
    let path = customer(SKOGSBRUKET, "/add-products/review");
    let wrong = [("cart", cart), ("quantity-0", "many"), ("scope-0", "single"), ("do", "continue")];
    sven.submits(&path, &wrong).await.is(400, "").says("value=\"many\"").says("Check the quantities");
    let right = [("cart", cart), ("quantity-0", "4"), ("scope-0", "single"), ("do", "continue")];
    sven.submits(&path, &right)
        .await
        .ok()
        .says("Single: the subscription you buy on")
        .says("<td class=\"number\">4</td>");
    sven.submits(&path, &[("cart", cart), ("remove", "0")]).await.ok().says("Your cart is empty");
    sven.submits(&customer(SKOGSBRUKET, "/add-products/buy"), &[("cart", cart)]).await.is(409, "");
    sven.gets(&customer(SKOGSBRUKET, "/add-products/review?cart=x")).await.ok().says("The cart is no longer there");
    sven.gets(&customer(SKOGSBRUKET, &format!("/add-products/done?cart={cart}"))).await.is(404, "");
    sven.gets(&customer(SKOGSBRUKET, "/add-products/products")).await.ok().says("Choose an active subscription");
    // Who keeps the books does not buy.
    server.beata().browses().await.gets(&customer(SKOGSBRUKET, "/add-products")).await.is(403, "");
}

#[tokio::test]
async fn r17_r24_home_tells_what_runs_out_within_ninety_days_and_what_each_month_cost() {
    let server = Server::start_at("2026-11-01T08:00:00Z", None).await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.olle().purchases(&Purchase::of(2, "Standard_D2s_v5").called("webb").monthly()).await.ok();
    let home = async |who: &Persona, language| who.browses_in(language).await.gets("/dashboard").await.ok();
    // 365 days of a year; the last ninety begin with the 275th day.
    server.lets_pass("P274D").await;
    home(&server.ada(), "en").await.says("Nothing expires soon");
    server.lets_pass("P2D").await;
    let page = home(&server.ada(), "en").await.says("2 × Standard_D2s_v5").says("1 Nov 2027");
    let link =
        between(&page.text(), &format!("href=\"{}", customer(FJALLRAVEN, "/reservations/")), "\"").unwrap().to_owned();
    server.ada().browses().await.gets(&customer(FJALLRAVEN, &format!("/reservations/{link}"))).await.ok().says("webb");
    // Ten months, the chart and a table of the same; the price for who sells, the cost beside it for who may know it.
    assert!(page.text().contains("<svg class=\"chart\""), "{page}");
    let amounts = |page: &Answer, amount: &str| page.text().matches(&format!(">{amount}</td>")).count();
    assert_eq!((amounts(&page, "€84.50"), amounts(&page, "€74.36")), (10, 10), "{page}");
    let swedish = home(&server.ada(), "sv").await.says("Reservationer som upphör inom 90 dagar").says("1 nov. 2027");
    assert_eq!(amounts(&swedish, "84,50\u{a0}€"), 10, "{swedish}");
    let sven = home(&server.sven(), "en").await;
    assert_eq!((amounts(&sven, "€84.50"), amounts(&sven, "€74.36")), (10, 0), "{sven}");
}

#[tokio::test]
async fn r42_every_filter_narrows_what_is_offered_to_partner_and_customer() {
    let server = Server::start().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    let mut ada = server.ada().browses().await;
    let start = ada.gets(&customer(FJALLRAVEN, "/add-products")).await.ok().text();
    let entitlement = between(&start, "name=\"subscription\" value=\"", "\"").unwrap().to_owned();
    ada.submits(&customer(FJALLRAVEN, "/add-products/register"), &[("subscription", &entitlement)]).await.ok();
    let wizard = customer(FJALLRAVEN, &format!("/add-products/products?subscription={entitlement}"));
    let portal = format!("/portal/{FJALLRAVEN}/purchase?subscription={PRODUKTION}");
    let mut olle = server.olle().browses().await;
    // What is looked for, a part of every line that fits, and what no line holds.
    for (filter, every, none) in [
        ("region=westus", "US West", "SE Central"),
        ("family=Dsv5", "Dsv5", "B2s"),
        ("term=P3Y", "3 years", "1 year"),
        ("{sku}=B2s", "B2s", "D2s_v5"),
        ("{sku}=d4s_V5&region=swedencentral&term=P1Y", "D4s_v5", "US West"),
    ] {
        for (browser, list, sku) in [(&mut ada, &wizard, "size"), (&mut olle, &portal, "q")] {
            let page = browser.gets(&format!("{list}&{}", filter.replace("{sku}", sku))).await.ok();
            let text = page.text();
            let rows =
                between(&text, "<tbody>", "</tbody>").unwrap_or_else(|| panic!("{filter} finds nothing: {page}"));
            assert!(rows.split("<tr>").skip(1).all(|row| row.contains(every)), "{filter}: {rows}");
            assert!(!rows.contains(none), "{filter}: {rows}");
        }
    }
    for (browser, list) in [(&mut ada, wizard + "&size=none"), (&mut olle, portal + "&q=none")] {
        let page = browser.gets(&list).await.ok();
        assert!(!page.text().contains("<tbody>") && page.text().contains("class=\"empty\""), "{page}");
    }
}

#[tokio::test]
async fn r14_price_rules_are_made_previewed_and_ended() {
    let server = Server::start().await;
    let mut ada = server.ada().browses().await;
    ada.gets("/dashboard/prices").await.ok().says("No price rules");
    let add = "/dashboard/prices/add";
    ada.gets(add).await.ok().says("Add a price rule");
    let rule = |customer: &'static str, amount: &'static str| {
        [("customer", customer), ("kind", "discount"), ("amount", amount), ("family", ""), ("sku", ""), ("term", "")]
    };
    ada.submits(add, &rule("Kustfiske", "5")).await.is(400, "").says("There is no customer of yours");
    ada.submits(add, &rule("", "150")).await.is(400, "").says("from 0 to 100").says("value=\"150\"");
    ada.submits(add, &rule("fjäll", "12,5"))
        .await
        .ok()
        .says("The price rule is added")
        .says("12.5% off the list price");
    let list = ada.gets("/dashboard/prices").await.ok().says("Fjällräven Exempel AB").text();
    let preview = "/dashboard/prices/preview?customer=fj%C3%A4ll&size=D2s_v5";
    ada.gets(preview).await.ok().says("Price rule").says("Your cost").says("Margin");
    ada.gets("/dashboard/prices/preview?customer=Skogs").await.ok().says("List price");
    ada.gets("/dashboard/prices/preview?customer=nobody").await.is(400, "");
    let mut sven = server.sven().browses().await;
    let page = sven.gets("/dashboard/prices").await.ok().says("Only an Admin agent can add").text();
    assert!(!page.contains("/end\""), "{page}");
    assert!(!sven.gets(preview).await.ok().text().contains("Your cost"));
    sven.gets(add).await.is(403, "");
    let end = plain(between(&list, "<td><a href=\"/dashboard/prices/", "\"").unwrap());
    let end = format!("/dashboard/prices/{end}");
    sven.submits(&end, &[]).await.is(403, "");
    ada.gets(&end).await.ok().says("End a price rule");
    ada.submits(&end, &[("until", "2020-01-01")]).await.is(400, "").says("cannot end before today");
    ada.submits(&end, &[]).await.ok().says("The price rule is ended").says("Ended");
    ada.submits(add, &[("kind", "discount"), ("amount", "3"), ("until", "2999-12-31")]).await.ok();
    let list = ada.gets("/dashboard/prices").await.ok().says("First day it no longer holds").text();
    let end = plain(between(&list, "<td><a href=\"/dashboard/prices/", "\"").unwrap());
    let end = format!("/dashboard/prices/{end}");
    ada.gets(&end).await.ok().says("31 Dec 2999");
    server.hedda().browses().await.gets("/dashboard/prices").await.is(403, "");
    server.ture().browses().await.gets(&end).await.is(404, "");
}
