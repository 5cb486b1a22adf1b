//! Where a person does not expect a reload, there is none while scripts run: filters, expanders, switches, questions.

use fullmakt_server::text::Language;
use fullmakt_testkit::{FJALLRAVEN, Look, Server, Tour, Window, in_window};
use serde_json::json;

/// Marks the page as it was loaded, and the element that is about to be replaced.
const MARK: &str = "
    window.stayed = true;
    const control = document.querySelector(arguments[0]);
    if (!control) return null;
    const selector = control.dataset.swap ?? control.form.dataset.swap;
    document.querySelector(selector).dataset.old = 'yes';
    return selector;";

/// Whether something else is there now.
const REPLACED: &str = "
    const now = document.querySelector(arguments[0]);
    return document.readyState === 'complete' && !!now && !now.dataset.old;";

/// Clicks what would open another page without scripts, and waits for its answer. Tells whether the page stayed.
async fn stays(window: &Window, control: &str) -> Option<bool> {
    let replaced = window.evaluates(MARK, vec![json!(control)]).await.as_str()?.to_owned();
    window.clicks_at(control).await;
    window.until_true(&format!("`{replaced}` to be another after `{control}`"), REPLACED, vec![json!(replaced)]).await;
    Some(window.evaluates("return window.stayed === true", vec![]).await == true)
}

#[tokio::test]
async fn with_scripts_filters_and_expanders_load_no_page_and_keep_the_focus() {
    let tour = Tour::start(None).await;
    let stops = tour.stops().await;
    let people = [tour.ada(), tour.olle()];
    let mut tried = 0;
    for (who, language) in people.iter().zip(Language::ALL) {
        in_window(&tour.base_url, Look::of(language), async |window| {
            window.signs_in(who).await;
            for stop in stops.iter().filter(|stop| stop.who.id == who.id) {
                for control in ["main form.filters button[type=submit]", "main a.expander"] {
                    window.visits(&stop.path).await;
                    if window.counts(control).await == 0 {
                        continue;
                    }
                    let stayed = stays(window, control).await;
                    assert_eq!(stayed, Some(true), "{} reloads for {control}", stop.path);
                    assert!(window.focus().await.is_some(), "{} loses the focus for {control}", stop.path);
                    tried += 1;
                }
            }
        })
        .await;
    }
    assert!(tried > 20, "only {tried} were found");
}

#[tokio::test]
async fn with_scripts_the_switch_asks_and_turns_on_the_same_page() {
    let server = Server::start().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    in_window(&server.base_url, Look::of(Language::English), async |window| {
        window.signs_in(&server.ada()).await;
        window.visits(&format!("/dashboard/customers/{FJALLRAVEN}/account")).await;
        window.evaluates("window.stayed = true", vec![]).await;
        window.clicks_at("#switch-savings-plans[aria-checked=false]").await;
        window.clicks_at("dialog[open] form button").await;
        window.finds("#switch-savings-plans[aria-checked=true]").await;
        window.clicks_at("#switch-reservations[aria-checked=true]").await;
        window.clicks_at("dialog[open] form button").await;
        window.finds("#switch-reservations[aria-checked=false]").await;
        assert_eq!(window.counts("dialog").await, 0);
        assert_eq!(window.evaluates("return window.stayed === true", vec![]).await, true);
    })
    .await;
}

#[tokio::test]
async fn nothing_moves_for_those_who_prefer_it_so() {
    let server = Server::start().await;
    let moves = "return getComputedStyle(document.querySelector(arguments[0]), arguments[1]).transitionDuration";
    let would = "return [...document.styleSheets].flatMap((s) => [...s.cssRules]).some((r) => \
                 r.selectorText === arguments[0] + arguments[1] && r.style.transitionDuration === '0.15s')";
    in_window(&server.base_url, Look::of(Language::English), async |window| {
        window.signs_in(&server.ada()).await;
        for (path, control, part) in [
            ("/dashboard/customers", ".expander", ""),
            (&format!("/dashboard/customers/{FJALLRAVEN}/account"), ".switch .track", "::after"),
        ] {
            window.visits(path).await;
            let arguments = vec![json!(control), json!(part)];
            assert_eq!(window.evaluates(would, arguments.clone()).await, true, "{control} would move otherwise");
            assert_eq!(window.evaluates(moves, arguments).await, "0s", "{control}");
        }
    })
    .await;
}
