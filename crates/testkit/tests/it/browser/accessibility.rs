//! That nobody is shut out: the rules of WCAG 2.2 A and AA on every page, light and dark, no page wider than the window, and
//! nothing fetched from elsewhere.

use fullmakt_server::text::Language;
use fullmakt_testkit::{FJALLRAVEN, Look, Server, Stop, Tour, Window, in_window, shape_of};
use serde_json::json;
use std::collections::BTreeSet;

/// How wide a window is, in CSS pixels, and how large its text, in percent: a small screen at 400 % zoom (WCAG 2.2, 1.4.10), a
/// large one at 200 %, and one with text of twice the size (1.4.4).
const ENLARGED: [(u32, u32); 3] = [(320, 100), (640, 100), (1280, 200)];

/// What the page fetched from elsewhere.
const ELSEWHERE: &str = "
    const fetched = performance.getEntriesByType('resource').map((entry) => entry.name);
    return fetched.filter((name) => new URL(name).origin !== location.origin);";
/// What must be scrolled sideways to be read.
const WIDE: &str = "
    const wide = [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth);
    return wide.map((e) => e.ariaLabel ?? e.getAttribute('aria-labelledby')).join(', ');";
const TEXT_SIZE: &str = "document.documentElement.style.fontSize = arguments[0]";

#[tokio::test]
async fn every_page_and_every_answer_to_an_empty_form_keeps_the_rules_light_and_dark() {
    let server = Tour::start(None).await;
    let stops = server.stops().await;
    assert!(stops.len() > 5, "hardly any page was found");
    let mut found = Vec::new();
    let mut own: Vec<&[Stop]> = stops.chunk_by(|one, next| one.who.id == next.who.id).collect();
    // Forms are sent last and change what others see, so whoever may do least goes first.
    own.reverse();
    for (number, own) in own.iter().enumerate() {
        // The rules hold in both languages alike, widths may not.
        let look = Look::of(Language::ALL[number % 2]);
        in_window(&server.base_url, look, async |window| {
            window.visits("/sign-in").await;
            found.extend(checked(window, "sign-in").await);
            window.signs_in(&own[0].who).await;
            for stop in *own {
                window.visits(&stop.path).await;
                found.extend(checked(window, &format!("{} at {}", stop.name, stop.path)).await);
            }
            found.extend(empty_forms(window, own).await);
        })
        .await;
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

/// Cells without a heading beside them, of the tables whose rows stand by themselves, and tables that are still too wide.
const UNLABELLED: &str = "
    const cells = [...document.querySelectorAll('table.records > tbody > tr:not(.details) > td')];
    const bare = cells.filter((td) => td.textContent.trim() && !td.dataset.label && !td.querySelector('a'));
    const wide = [...document.querySelectorAll('.scroll:has(> .records)')].filter((e) => e.scrollWidth > e.clientWidth);
    return {cells: cells.length, bare: bare.map((td) => td.outerHTML), wide: wide.map((e) => e.ariaLabel)};";

#[tokio::test]
async fn on_a_telephone_every_cell_of_a_record_says_what_it_is() {
    let server = Server::start().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    server.olle().buys(2, "Standard_D2s_v5").await.ok();
    let customer = format!("/dashboard/customers/{FJALLRAVEN}");
    for language in Language::ALL {
        in_window(&server.base_url, Look::of(language).narrow(), async |window| {
            window.signs_in(&server.ada()).await;
            for path in [
                "/dashboard".to_owned(),
                "/dashboard/customers".to_owned(),
                "/dashboard/activity-log".to_owned(),
                format!("{customer}/subscriptions"),
                format!("{customer}/orders"),
                format!("{customer}/reservations"),
                format!("/portal/{FJALLRAVEN}/reservations"),
                format!("/portal/{FJALLRAVEN}/purchase"),
            ] {
                window.visits(&path).await;
                let found = window.evaluates(UNLABELLED, vec![]).await;
                assert!(found["cells"].as_u64() > Some(0), "{path}: {found}");
                assert_eq!((&found["bare"], &found["wide"]), (&json!([]), &json!([])), "{path}");
            }
        })
        .await;
    }
}

/// What is amiss on the page that the window shows.
async fn checked(window: &Window, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    let elsewhere = window.evaluates(ELSEWHERE, vec![]).await;
    if elsewhere != json!([]) {
        found.push(format!("{place}: fetches from elsewhere: {elsewhere}"));
    }
    for (dark, scheme) in [(false, "light"), (true, "dark")] {
        window.dim(dark).await;
        found.extend(window.violations().await.iter().map(|line| format!("{place}, {scheme}: {line}")));
    }
    window.dim(false).await;
    let look = window.look();
    for (width, text) in ENLARGED {
        window.resize(width, look.height).await;
        window.evaluates(TEXT_SIZE, vec![json!(format!("{text}%"))]).await;
        let overhang = window.overhang().await;
        if overhang > 0 {
            found.push(format!("{place}: {overhang} pixels wider than the window of {width} with text of {text} %"));
        }
        let wide = window.evaluates(WIDE, vec![]).await;
        if width == ENLARGED[0].0 && wide != "" {
            found.push(format!("{place}: must be scrolled sideways in a window of {width}: {wide}"));
        }
    }
    window.evaluates(TEXT_SIZE, vec![json!("")]).await;
    window.resize(look.width, look.height).await;
    found
}

/// Sends each form of those pages with nothing filled in, and checks the page that comes.
async fn empty_forms(window: &Window, stops: &[Stop]) -> Vec<String> {
    let mut found = Vec::new();
    let mut sent = BTreeSet::new();
    for stop in stops {
        window.visits(&stop.path).await;
        let actions = "return [...document.querySelectorAll('main form[method=post]')].map(f => f.action)";
        let actions = window.evaluates(actions, vec![]).await;
        for (number, action) in actions.as_array().unwrap().iter().enumerate() {
            let action = action.as_str().unwrap_or_default();
            let path = action.splitn(4, '/').nth(3).unwrap_or_default();
            if !sent.insert(shape_of(&format!("/{path}"))) {
                continue;
            }
            window.visits(&stop.path).await;
            if window.sends_emptied("main form[method=post]", number).await {
                found.extend(checked(window, &format!("{action} sent empty from {}", stop.path)).await);
            }
        }
    }
    found
}
