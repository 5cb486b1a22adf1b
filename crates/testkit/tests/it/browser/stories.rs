//! The main tasks, in both languages, as the people they concern; some of them without scripts too.

use super::words::Words;
use fullmakt_server::text::Language;
use fullmakt_testkit::{
    Answer, FJALLRAVEN, Look, PRODUKTION, PROV, Purchase, Server, TestDatabase, Tour, Window, in_window,
};
use std::sync::Arc;

const ON: &str = "#permissions button.switch[aria-checked=true]";
const OFF: &str = "#permissions button.switch[aria-checked=false]";

fn account() -> String {
    format!("/dashboard/customers/{FJALLRAVEN}/account")
}

/// Both languages, the second without scripts.
fn looks() -> [(Look, Words); 2] {
    let look = |language| (Look::of(language), Words::of(language));
    let [english, (swedish, words)] = Language::ALL.map(look);
    [english, (swedish.without_scripts(), words)]
}

#[tokio::test]
async fn r02_r05_r40_ada_turns_the_permission_on_and_off_and_finds_both_in_the_log() {
    let server = Server::start().await;
    for (look, say) in looks() {
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.ada()).await;
            window.visits(&account()).await;
            window.clicks_at(OFF).await;
            window.sees(say.get("permission-you-pay")).await;
            window.clicks(say.get("permission-turn-on")).await;
            window.sees(say.get("notice-permission-on")).await;
            window.finds(ON).await;
            assert_eq!(permissions(&server).await, 1);

            window.clicks_at(ON).await;
            window.clicks(say.get("permission-turn-off")).await;
            window.sees(say.get("notice-permission-off")).await;
            assert_eq!(window.counts(ON).await, 0);
            assert_eq!(permissions(&server).await, 0);

            window.clicks_at("header details.menu summary").await;
            window.clicks(say.get("nav-activity-log")).await;
            window.sees(say.get("action-create-self-serve-policy")).await;
            window.sees(say.get("action-delete-self-serve-policy")).await;
            // An entry opens to its details.
            window.clicks_at("#results .expander[aria-expanded=false]").await;
            window.finds("#results .expander[aria-expanded=true]").await;
            window.sees(say.get("activity-correlation")).await;
        })
        .await;
    }
}

/// How many permissions Fjällräven has, as the API tells.
async fn permissions(server: &Server) -> usize {
    let policies = server.ada().reads_self_serve(FJALLRAVEN).await.ok().json();
    policies["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn r02_sven_sees_the_switch_and_why_he_cannot_use_it() {
    let server = Server::start().await;
    for (look, say) in looks() {
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.sven()).await;
            window.visits(&account()).await;
            window.finds("#permissions button.switch:disabled").await;
            assert_eq!(window.counts("#permissions button.switch:not(:disabled)").await, 0);
            window.sees(say.piece("role-lacking")).await;
            window.sees(say.get("role-admin-agent")).await;
        })
        .await;
    }
    let mut browser = server.sven().browses().await;
    browser.gets(&account()).await.ok();
    let turning = format!("{}/permissions/reservations", account());
    let answer: Answer = browser.submits(&turning, &[("to", "on")]).await;
    assert!(matches!(answer.status.as_u16(), 403 | 404), "{answer}");
    assert_eq!(permissions(&server).await, 0);
}

#[tokio::test]
async fn r11_r41_ada_assigns_owner_through_manage() {
    let server = Server::start().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    let people = [("Rut", server.rut()), ("Karin", server.karin())];
    for ((look, say), (name, person)) in looks().into_iter().zip(people) {
        let wanted = Purchase::of(1, "Standard_D2s_v5").with(PROV);
        assert!(!person.asks_price(&wanted).await.status.is_success());
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.ada()).await;
            window.visits(&format!("/dashboard/customers/{FJALLRAVEN}/subscriptions")).await;
            let manage = format!("main table a[href*='/portal/'][href*='{PROV}']");
            if window.counts(&manage).await == 0 {
                window.clicks_at("main .expander").await;
            }
            window.clicks_at(&manage).await;
            let (customer, partner) = ("Fjällräven Exempel AB", "Nordmoln AB");
            window.sees(&say.with("portal-on-behalf", &[("customer", customer), ("partner", partner)])).await;
            if !window.path().await.contains("/access") {
                window.clicks(say.get("access-title")).await;
            }
            window.clicks(say.get("access-add")).await;
            window.fills("q", name).await;
            window.clicks(say.get("search")).await;
            window.ticks("principal", &person.id).await;
            window.chooses("role", say.get("azure-role-owner")).await;
            window.clicks(say.get("access-add")).await;
            window.sees(say.get("notice-role-assigned")).await;
            window.sees(name).await;
        })
        .await;
        person.asks_price(&wanted).await.ok();
    }
}

#[tokio::test]
async fn r13_r17_olle_buys_and_both_sides_see_it() {
    let server = Server::start().await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    for (number, (look, say)) in looks().into_iter().enumerate() {
        let name = format!("fran-en-webblasare-{number}");
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.olle()).await;
            window.visits(&format!("/portal/{FJALLRAVEN}/purchase?subscription={PRODUKTION}")).await;
            window.clicks_at("#results tbody a").await;
            window.fills("quantity", "2").await;
            window.fills("name", &name).await;
            window.clicks(say.get("purchase-to-review")).await;
            window.sees(say.get("purchase-total")).await;
            window.clicks(say.get("purchase-buy")).await;
            window.sees(say.get("purchase-done-text")).await;
            window.clicks(say.get("nav-reservations")).await;
            window.sees(&name).await;
        })
        .await;
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.ada()).await;
            window.visits(&format!("/dashboard/customers/{FJALLRAVEN}/orders")).await;
            window.sees(server.olle().upn()).await;
            window.clicks(say.get("nav-azure-reservations")).await;
            window.sees(&name).await;
            window.visits("/dashboard/activity-log").await;
            window.sees(say.get("action-create-order")).await;
            window.sees(server.olle().upn()).await;
        })
        .await;
    }
    let orders = server.ada().reads_orders(FJALLRAVEN).await.ok().json();
    assert_eq!(orders["totalCount"], 2);
}

/// A customer in a country where reservations are not sold, without any subscription.
const FAR_AWAY: &str = r#"
[[customers]]
tenant_id = "99999999-9999-4999-8999-999999999999"
name = "Avlägset Exempel AB"
domain = "avlagset.example"
country = "AD"
language = "sv"
partners = ["11111111-1111-4111-8111-111111111111"]
agreement_confirmed = true

[[customers.users]]
id = "99999999-0000-4000-8000-000000000001"
upn = "alma@avlagset.example"
name = "Alma"
password = "almas lösenord 1"
"#;

#[tokio::test]
async fn r12_all_that_is_missing_is_said_at_once() {
    let database = TestDatabase::create(fullmakt_testkit::Database::Sqlite).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let world = format!("{}{FAR_AWAY}", fullmakt_testkit::NORDMOLN_WORLD);
    let options = fullmakt_testkit::ServerOptions { world: Some(world), ..Default::default() };
    let server = Server::launch(&database, &data, &options).await;
    for (look, say) in looks() {
        // Rut is not Owner, and the permission is off.
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.rut()).await;
            window.visits(&format!("/portal/{FJALLRAVEN}/purchase")).await;
            window.sees(say.get("purchase-hindered")).await;
            obstacles(window, &say, &["permission-off", "not-owner"]).await;
        })
        .await;
        // Karin is Contributor, and what she was sent a link to is not sold: all three at once.
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.karin()).await;
            let item = "type=VirtualMachines&sku=Standard_D2s_v99&region=swedencentral&term=P1Y";
            window.visits(&format!("/portal/{FJALLRAVEN}/purchase/item?subscription={PRODUKTION}&{item}")).await;
            obstacles(window, &say, &["permission-off", "not-owner"]).await;
            window.sees(say.piece("not-for-sale-not-found")).await;
            window.sees(say.piece("remedy-not-for-sale")).await;
        })
        .await;
        // Ada asks whether Rut may buy it, and hears the same.
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.ada()).await;
            window.visits(&account()).await;
            window.fills("user", server.rut().upn()).await;
            window.fills("sku", "Standard_D2s_v99").await;
            window.fills("region", "swedencentral").await;
            window.clicks(say.get("may-buy-ask")).await;
            for key in ["missing-permission", "missing-owner", "not-for-sale-not-found", "missing-item-remedy"] {
                window.sees(say.piece(key)).await;
            }
        })
        .await;
        // Alma's company has no subscription either, and is where nothing is sold.
        in_window(&server.base_url, look, async |window| {
            window.visits("/sign-in").await;
            window.fills("username", "alma@avlagset.example").await;
            window.fills("password", "almas lösenord 1").await;
            window.clicks_at("main form button[type=submit]").await;
            window.arrives_at("/portal/").await;
            window.visits("/portal/99999999-9999-4999-8999-999999999999/purchase").await;
            obstacles(window, &say, &["permission-off", "no-subscription", "market"]).await;
        })
        .await;
    }
}

/// Each of them, with its remedy.
async fn obstacles(window: &Window, say: &Words, names: &[&str]) {
    for name in names {
        for key in [format!("obstacle-{name}"), format!("remedy-{name}")] {
            window.sees(say.piece(&key)).await;
        }
    }
}

#[tokio::test]
async fn r42_ada_buys_reservations_through_the_wizard() {
    let server = Server::start().await;
    for (look, say) in looks() {
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.ada()).await;
            window.visits(&format!("/dashboard/customers/{FJALLRAVEN}/subscriptions")).await;
            window.clicks(say.get("nav-add-products")).await;
            let register = "form[action$='/add-products/register'] button";
            while window.counts(register).await > 0 {
                window.clicks_at(register).await;
                window.sees(say.get("notice-registered")).await;
                window.visits(&format!("/dashboard/customers/{FJALLRAVEN}/add-products")).await;
            }
            window.clicks(say.get("wizard-next")).await;
            window.sees(say.get("wizard-prices-are")).await;
            window.fills("quantity", "3").await;
            window.clicks(say.get("wizard-add")).await;
            window.sees(say.get("notice-added-to-cart")).await;
            window.clicks(say.get("wizard-review")).await;
            window.sees(say.get("wizard-scope-locked")).await;
            window.clicks(say.get("wizard-next")).await;
            window.sees(say.get("wizard-you-are-billed")).await;
            window.clicks(say.get("wizard-buy")).await;
            window.sees(say.get("wizard-bought")).await;
            window.clicks(say.get("wizard-finish")).await;
            window.arrives_at(&format!("/dashboard/customers/{FJALLRAVEN}/orders")).await;
            window.sees(server.ada().upn()).await;
        })
        .await;
    }
    let orders = server.ada().reads_orders(FJALLRAVEN).await.ok().json();
    assert_eq!(orders["totalCount"], 2);
}

#[tokio::test]
async fn lists_are_exported_as_files_that_spreadsheets_read() {
    let server = Tour::start(None).await;
    let subscriptions = format!("/dashboard/customers/{FJALLRAVEN}/subscriptions");
    let pages = [
        ("/dashboard/customers", "Skogsbruket"),
        (&subscriptions, "Azure plan"),
        ("/dashboard/activity-log", "olle@exempel.example"),
    ];
    for (look, _) in looks() {
        in_window(&server.base_url, look, async |window| {
            window.signs_in(&server.ada()).await;
            for (page, holds) in pages {
                window.visits(page).await;
                let file = window.downloads("main a[href*='export']").await;
                let rows = rows_of(&file);
                assert!(rows.len() > 1, "{page}: {file}");
                assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{page}: {file}");
                assert!(rows.iter().flatten().any(|cell| cell.contains(holds)), "{page}: {file}");
                let formula = |cell: &String| cell.starts_with(['=', '+', '@']);
                assert!(!rows.iter().flatten().any(formula), "{page}: {file}");
            }
        })
        .await;
    }
}

fn rows_of(file: &str) -> Vec<Vec<String>> {
    let text = file.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn the_language_is_the_browsers_until_somebody_chooses_another() {
    let server = Server::start().await;
    in_window(&server.base_url, Look::of(Language::Swedish), async |window| {
        window.signs_in(&server.ada()).await;
        window.visits("/dashboard/customers").await;
        window.sees(Words::of(Language::Swedish).get("nav-customers")).await;
        window.clicks_at("button[name=language][value=en]").await;
        window.sees(Words::of(Language::English).get("nav-customers")).await;
        window.arrives_at("/dashboard/customers").await;
    })
    .await;
}
