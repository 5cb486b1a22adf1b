//! That nobody is shut out: the rules of WCAG 2.2 A and AA on every page, light and dark, no page wider than the window, and
//! nothing fetched from elsewhere.

use fullmakt_server::text::Language;
use fullmakt_testkit::{Look, Stop, Tour, Window, in_window, shape_of};
use serde_json::json;
use std::collections::BTreeSet;

/// How wide a window is, in CSS pixels, and how large its text, in percent: a small screen at 400 % zoom (WCAG 2.2, 1.4.10), a
/// large one at 200 %, and one with text of twice the size (1.4.4).
const ENLARGED: [(u32, u32); 3] = [(320, 100), (640, 100), (1280, 200)];

/// What the page fetched from elsewhere.
const ELSEWHERE: &str = "
    const fetched = performance.getEntriesByType('resource').map((entry) => entry.name);
    return fetched.filter((name) => new URL(name).origin !== location.origin);";
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
