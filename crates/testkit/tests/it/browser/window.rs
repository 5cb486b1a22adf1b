//! That the browser is as the tests ask for it.

use fullmakt_server::text::Language;
use fullmakt_testkit::{Look, Server, in_window};

#[tokio::test]
async fn a_window_is_as_it_was_asked_for() {
    let server = Server::start().await;
    let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    let still = "return matchMedia('(prefers-reduced-motion: reduce)').matches";
    let look = Look::of(Language::Swedish).narrow().dark();
    in_window(&server.base_url, look, async |window| {
        window.visits("/sign-in").await;
        window.sees("Logga in").await;
        assert_eq!(window.evaluates(dark, vec![]).await, true);
        assert_eq!(window.evaluates(still, vec![]).await, true);
        assert_eq!(window.evaluates("return innerWidth", vec![]).await, 390);
        window.dim(false).await;
        assert_eq!(window.evaluates(dark, vec![]).await, false);
        window.signs_in(&server.ada()).await;
        window.arrives_at("/dashboard").await;
        let nothing: [String; 0] = [];
        assert_eq!(window.violations().await, nothing);
        assert!(window.picture().await.starts_with(b"\x89PNG"));
    })
    .await;
    in_window(&server.base_url, Look::of(Language::English).without_scripts(), async |window| {
        window.signs_in(&server.olle()).await;
        window.arrives_at("/portal/").await;
        window.sees("Produktion").await;
        // The page's own script would have listened; a script element of the test does not run either.
        let probe = "const s = document.createElement('script'); s.src = document.querySelector('script').src;
                     document.head.append(s); return document.documentElement.lang";
        assert_eq!(window.evaluates(probe, vec![]).await, "en");
    })
    .await;
}
