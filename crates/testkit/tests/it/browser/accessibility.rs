//! That nobody is shut out: the rules of WCAG 2.2 A and AA on every page, light and dark, and no page wider than the window.

use fullmakt_server::text::Language;
use fullmakt_testkit::{Look, Server, Stop, Window, in_window, shape_of};
use std::collections::BTreeSet;

/// A page at 400 % zoom on a small screen (WCAG 2.2, 1.4.10).
const NARROWEST: u32 = 320;

#[tokio::test]
async fn every_page_and_every_answer_to_an_empty_form_keeps_the_rules_light_and_dark() {
    let server = Server::start_for_a_tour(None).await;
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
    for (dark, scheme) in [(false, "light"), (true, "dark")] {
        window.dim(dark).await;
        found.extend(window.violations().await.iter().map(|line| format!("{place}, {scheme}: {line}")));
    }
    window.dim(false).await;
    let look = window.look();
    window.resize(NARROWEST, look.height).await;
    let overhang = window.overhang().await;
    if overhang > 0 {
        found.push(format!("{place}: {overhang} pixels wider than the window of {NARROWEST}"));
    }
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
