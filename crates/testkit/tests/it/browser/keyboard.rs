//! The main tasks by keyboard alone: Tab, Enter and Space. One sees at every step where the keyboard is.

use super::words::Words;
use fullmakt_server::text::Language;
use fullmakt_testkit::{ENTER, ESCAPE, FJALLRAVEN, Look, Persona, SPACE, Server, TAB, Window, in_window};

async fn signs_in(window: &Window, say: &Words, who: &Persona) {
    window.visits("/sign-in").await;
    window.tabs_to(say.get("sign-in-username")).await;
    window.presses(who.upn()).await;
    window.presses(TAB).await;
    window.presses(who.password()).await;
    window.presses(ENTER).await;
}

#[tokio::test]
async fn the_permission_is_turned_on_and_a_purchase_made_without_a_mouse() {
    let server = Server::start().await;
    let (look, say) = (Look::of(Language::English), Words::of(Language::English));
    in_window(&server.base_url, look, async |window| {
        signs_in(window, &say, &server.ada()).await;
        window.arrives_at("/dashboard").await;
        window.tabs_to(say.get("nav-customers")).await;
        window.presses(ENTER).await;
        window.sees("Fjällräven Exempel AB").await;
        window.tabs_to("Fjällräven Exempel AB").await;
        window.presses(ENTER).await;
        window.arrives_at(&format!("/dashboard/customers/{FJALLRAVEN}")).await;
        window.tabs_to(say.get("nav-account")).await;
        window.presses(ENTER).await;
        window.sees(say.get("permission-means-title")).await;
        window.tabs_to(say.get("permission-allow")).await;
        window.presses(SPACE).await;
        // The question can be left, and the keyboard is where it was.
        window.finds("dialog[open]").await;
        window.presses(ESCAPE).await;
        window.sees_no_longer(say.get("permission-turn-on")).await;
        let focus = window.focus().await.unwrap();
        assert!(focus.name.starts_with(say.get("permission-allow")), "{focus:?}");
        window.presses(SPACE).await;
        window.finds("dialog[open]").await;
        window.tabs_to(say.get("permission-turn-on")).await;
        window.presses(SPACE).await;
        window.finds("#permissions button.switch[aria-checked=true]").await;
    })
    .await;
    in_window(&server.base_url, look, async |window| {
        signs_in(window, &say, &server.olle()).await;
        window.arrives_at("/portal/").await;
        window.tabs_to(say.get("nav-purchase")).await;
        window.presses(ENTER).await;
        window.sees(say.get("purchase-sku")).await;
        window.tabs_to(say.get("purchase-select")).await;
        window.presses(ENTER).await;
        window.sees(say.get("purchase-to-review")).await;
        window.tabs_to(say.get("purchase-quantity")).await;
        window.presses("3").await;
        window.tabs_to(say.get("purchase-to-review")).await;
        window.presses(ENTER).await;
        window.sees(say.get("purchase-buy")).await;
        window.tabs_to(say.get("purchase-buy")).await;
        window.presses(SPACE).await;
        window.sees(say.get("purchase-done-text")).await;
    })
    .await;
    let orders = server.ada().reads_orders(FJALLRAVEN).await.ok().json();
    assert_eq!(orders["totalCount"], 1);
}
