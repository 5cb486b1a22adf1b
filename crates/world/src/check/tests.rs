use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::demo;

/// The mistakes of the demo world after one replacement, each as `path: message`.
fn after(old: &str, new: &str) -> Vec<String> {
    assert!(demo().contains(old), "the demo world has no `{old}`");
    mistakes(&demo().replacen(old, new, 1))
}

fn mistakes(text: &str) -> Vec<String> {
    let found = parse(text).err().unwrap_or_default();
    found.iter().map(|mistake| format!("{}: {}", mistake.path, mistake.message)).collect()
}

fn check(old: &str, new: &str, expected: &[&str]) {
    let found = after(old, new);
    let matching = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e));
    assert!(matching, "`{old}` -> `{new}`\nfound:    {found:#?}\nexpected: {expected:#?}");
}

const ADA: &str = "id = \"7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a11\"";

#[test]
fn each_mistake_is_named_by_its_key() {
    check("", "colour = 1\n", &["colour: unknown key; known here: `clock`, `partners`"]);
    check(
        "tenant_id",
        "tenantid",
        &["partners[0].tenant_id: is missing", "partners[0].tenantid: unknown key; did you mean `tenant_id`?"],
    );
    check("", "clock = \"yesterday\"\n", &["clock: `yesterday` is not an instant such as"]);
    check("name = \"Nordmoln AB\"", "name = \" \"", &["partners[0].name: must not be empty"]);
    check("name = \"Nordmoln AB\"", "name = 7", &["partners[0].name: must be a text in quotes, not a number"]);
    check("name = \"Nordmoln AB\"\n", "", &["partners[0].name: is missing"]);
    check(
        "domain = \"nordmoln.example\"",
        "domain = \"nord moln\"",
        &["partners[0].domain: `nord moln` is not a domain"],
    );
    check("country = \"SE\"", "country = \"XQ\"", &["partners[0].country: `XQ` is not an ISO 3166-1 country code"]);
    check("currency = \"EUR\"", "currency = \"EURO\"", &["partners[0].currency: `EURO` is not an ISO 4217"]);
    check("currency = \"EUR\"", "currency = \"XAU\"", &["partners[0].currency: `XAU` is not an ISO 4217"]);
    check("hjalp@nordmoln.example\"", "hjalp\"", &["partners[0].support.email: `hjalp` is not an e-mail"]);
    check("https://nordmoln.example/hjalp", "ftp://x", &["partners[0].support.url: `ftp://x` is not an address"]);
    check("phone = ", "fax = ", &["partners[0].support.fax: unknown key; known here: `email`, `phone` or `url`"]);
    check(ADA, "id = \"ada\"", &["partners[0].users[0].id: `ada` is not a GUID"]);
    check(
        ADA,
        "id = \"00000000-0000-0000-0000-000000000000\"",
        &["partners[0].users[0].id: must not be the empty GUID"],
    );
    check("password = \"ada-demo-2026\"", "password = \"\"", &["partners[0].users[0].password: must not be empty"]);
    check("[\"AdminAgent\", \"GlobalAdmin\"]", "[\"Boss\"]", &["partners[0].users[0].roles[0]: `Boss` is not a role"]);
    check("[\"AdminAgent\", \"GlobalAdmin\"]", "\"Boss\"", &["partners[0].users[0].roles: must be a list such as"]);
    check(
        "upn = \"ada@nordmoln.example\"",
        "upn = \"ada\"",
        &["partners[0].users[0].upn: `ada` is not a name to sign in"],
    );
    check(
        "language = \"sv\"",
        "language = \"swedish, please\"",
        &["customers[0].language: `swedish, please` is not a lang"],
    );
    check(
        "agreement_confirmed = true",
        "agreement_confirmed = \"yes\"",
        &["customers[0].agreement_confirmed: must be `true` or `false`, not a text"],
    );
    check(
        "agreement_confirmed",
        "agreement_confirm",
        &["customers[0].agreement_confirm: unknown key; did you mean `agreement_confirmed`?"],
    );
    check(
        "offer = \"azure-plan\"",
        "offer = \"azure\"",
        &["customers[0].entitlements[0].offer: `azure` is not known here: write `azure-plan` or `azure-global`"],
    );
    check(
        "offer = \"azure-plan\"",
        "offer = \"azure-plan\"\nstatus = \"off\"",
        &["customers[0].entitlements[0].status: `off` is not known here"],
    );
    check(
        "role = \"Owner\"",
        "role = \"Ovner\"",
        &["customers[0].role_assignments[0].role: `Ovner` is not a role; did you mean `Owner`?"],
    );
    check(
        "scope = \"/subscriptions/c0ffee00-",
        "scope = \"/subscriptions/c0ffee99-",
        &["customers[0].role_assignments[0].scope: subscription `c0ffee99-"],
    );
    check(
        "principal = \"c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c21\"",
        "principal = \"b0a7ca11-9e24-4c5d-b7f3-6a8d0e1f3b31\"",
        &["customers[0].role_assignments[0].principal: `b0a7ca11-9e24-4c5d-b7f3-6a8d0e1f3b31` is neither a user nor"],
    );
    check(
        "family = \"Dsv5\"",
        "family = \"Dsv5\"\nsku = \"Standard_D2s_v5\"",
        &["prices[1].sku: stands beside `family`"],
    );
    check("discount_percent = \"2\"\n", "", &["prices[0]: has no price: give `discount_percent`"]);
    check(
        "discount_percent = \"2\"",
        "discount_percent = 2\nfixed = \"3\"",
        &["prices[0].fixed: stands beside `discount_percent`"],
    );
    check(
        "discount_percent = \"2\"",
        "discount_percent = \"101\"",
        &["prices[0].discount_percent: `101` is not a percentage from 0 to 100"],
    );
    check("discount_percent = \"2\"", "markup_percent = \"1e3\"", &["prices[0].markup_percent: `1e3` is not a perc"]);
    check("discount_percent = \"2\"", "fixed = \"8.125\"", &["prices[0].fixed: `8.125` is not an amount such as"]);
    check("from = \"2026-01-01\"", "from = \"2026-02-30\"", &["prices[1].from: `2026-02-30` is not a date"]);
    check(
        "from = \"2026-01-01\"",
        "from = \"2026-01-01\"\nuntil = \"2026-01-01\"",
        &["prices[1].until: must be after"],
    );
}

#[test]
fn what_must_be_unique_is() {
    check(
        "id = \"7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a12\"",
        ADA,
        &["partners[0].users[1].id: the same object id already stands at partners[0].users[0].id in line "],
    );
    check(
        "upn = \"olle@exempel.example\"",
        "upn = \"ADA@nordmoln.example\"",
        &["customers[0].users[0].upn: the same user principal name already stands at partners[0].users[0].upn"],
    );
    check("domain = \"batvarvet.example\"", "domain = \"Exempel.example\"", &["customers[1].domain: the same domain"]);
    check(
        "client_id = \"c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c32\"",
        "client_id = \"7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a21\"",
        &["customers[0].applications[0].client_id: the same client id"],
    );
    let permission = "[[customers.self_serve]]\npartner = \"7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a10\"\n";
    let twice = format!("{permission}resources = [\"AzureReservedInstances\"]\n\n").repeat(2);
    check(
        "[[customers.role_assignments]]",
        &format!("{twice}[[customers.role_assignments]]"),
        &["customers[0].self_serve[1].resources[0]: the same permission of this partner already stands at"],
    );
}

#[test]
fn who_resells_is_checked() {
    let partners = "partners = [\"7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a10\"]";
    check(partners, "", &["customers[0].partners: must name the tenant id of at least one partner"]);
    check(partners, "partners = []", &["customers[0].partners: must name the tenant id of at least one partner"]);
    check(
        partners,
        "partners = [\"7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a19\"]",
        &[
            "customers[0].partners[0]: no partner `7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a19` is in this file",
            "customers[0].entitlements[0].partner: `7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a10` is not among the customer's partners",
            "prices[1].customer: `c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c20` is no customer of this partner",
        ],
    );
    check("customer = \"c0ffee00", "customer = \"c0ffee99", &["prices[1].customer: no customer `c0ffee99-"]);
}

#[test]
fn azure_global_has_exactly_one_subscription() {
    let one =
        "[[customers.entitlements.subscriptions]]\nid = \"b0a7ca11-9e24-4c5d-b7f3-6a8d0e1f3b41\"\nname = \"Varvet\"\n";
    let other = one.replace("3b41", "3b42");
    check(
        one,
        &format!("{one}\n{other}"),
        &["customers[1].entitlements[0].subscriptions: `azure-global` has exactly one subscription, here are 2"],
    );
    check(
        one,
        "",
        &[
            "customers[1].entitlements[0].subscriptions: `azure-global` has exactly one subscription, here are 0",
            "customers[1].role_assignments[0].scope: subscription `b0a7ca11-9e24-4c5d-b7f3-6a8d0e1f3b41` is not among",
        ],
    );
}

#[test]
fn every_mistake_comes_at_once_with_its_line() {
    let text = "colour = 1\n\n[[partners]]\ntenant_id = \"x\"\nname = \"\"\ncountry = \"SE\"\ncurrency = \"EUR\"\n\n\
                [[customers]]\ntenant_id = \"22222222-2222-4222-8222-222222222222\"\nname = \"Exempel\"\n";
    let found: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
    let starts = [
        "line 1: colour: unknown key",
        "line 3: partners[0].domain: is missing",
        "line 4: partners[0].tenant_id: `x` is not a GUID",
        "line 5: partners[0].name: must not be empty",
        "line 9: customers[0].country: is missing",
        "line 9: customers[0].domain: is missing",
        "line 9: customers[0].partners: must name",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found} / {start}");
    }
}

#[test]
fn grammar_is_reported_with_its_line() {
    let found = parse("clock = \"2026-11-01T08:00:00Z\"\nname = \nname = 1\n").unwrap_err();
    assert!(found.iter().any(|mistake| mistake.line == 2 && mistake.message.starts_with("not TOML: ")), "{found:?}");
}

#[test]
fn what_is_left_out_gets_its_default() {
    let world = parse("").unwrap();
    assert!(world.partners.is_empty() && world.clock.is_none() && world.catalog_file.is_none());
    let world = parse(&demo().replace("support = ", "# ").replace("language = \"sv\"\n", "")).unwrap();
    assert_eq!(world.customers[0].language, "en");
    assert_eq!(world.customers[0].entitlements[0].status, EntitlementStatus::Active);
    assert!(world.partners[0].support.email.is_none());
    let again = parse(demo()).unwrap();
    assert_eq!(world.partners[0].applications[0].id, again.partners[0].applications[0].id, "derived the same again");
}

#[test]
fn secrets_do_not_print() {
    let printed = format!("{:?}", parse(demo()).unwrap());
    assert!(!printed.contains("demo-2026"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,120}") {
        let _ = parse(&text);
    }

    #[test]
    fn arbitrary_toml_never_panics(pieces in proptest::collection::vec(select(PIECES.to_vec()), 0..16)) {
        let _ = parse(&pieces.concat());
    }

    #[test]
    fn a_mutated_world_never_panics_and_each_mistake_has_a_line(
        at in any::<Index>(),
        length in 0_usize..40,
        new in select(PIECES.to_vec()),
    ) {
        let text: Vec<char> = short_world().chars().collect();
        let start = at.index(text.len());
        let end = start.saturating_add(length).min(text.len());
        let mutated: String = text[..start].iter().copied().chain(new.chars()).chain(text[end..].iter().copied()).collect();
        let lines = mutated.split('\n').count();
        for mistake in parse(&mutated).err().unwrap_or_default() {
            prop_assert!((1..=lines).contains(&mistake.line), "{}", mistake);
            prop_assert!(!mistake.message.contains('\n'), "{}", mistake);
        }
    }
}

/// What files are made of, right and wrong.
const PIECES: [&str; 36] = [
    "",
    "\n",
    " = ",
    "=",
    "\"",
    "\"\"",
    "'",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    ".",
    "#",
    "-1",
    "1e999",
    "0x",
    "true",
    "2026-01-01",
    "99999-01-01",
    "\u{0}",
    "å",
    "\\u",
    "[[customers]]\n",
    "[[partners]]\n",
    "[partners.users]\n",
    "[[prices]]\n",
    "[catalog]\n",
    "partner = ",
    "fixed = 1.5\n",
    "scope = \"/\"\n",
    "partners = [\"\"]\n",
    "name = ",
    "nan",
];

/// One partner, one customer, one of each part: small, so that many mutations can be tried.
fn short_world() -> String {
    let partner = "7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a10";
    let customer = "c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c20";
    format!(
        r#"clock = "2026-11-01T08:00:00Z"
[[partners]]
tenant_id = "{partner}"
name = "Nordmoln AB"
domain = "nordmoln.example"
country = "SE"
currency = "EUR"
support = {{ email = "hjalp@nordmoln.example" }}
[[partners.users]]
id = "7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a11"
upn = "ada@nordmoln.example"
name = "Ada"
password = "x"
roles = ["AdminAgent"]
[[customers]]
tenant_id = "{customer}"
name = "Exempel"
domain = "exempel.example"
country = "SE"
partners = ["{partner}"]
[[customers.entitlements]]
id = "c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c40"
partner = "{partner}"
offer = "azure-plan"
[[customers.entitlements.subscriptions]]
id = "c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c41"
name = "Produktion"
[[customers.role_assignments]]
principal = "7a1c2f60-3d5e-4b8a-9c41-0e6f5d2b1a11"
role = "Owner"
scope = "/subscriptions/c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c41/resourceGroups/rg"
[[prices]]
partner = "{partner}"
customer = "{customer}"
fixed = "812.50"
"#
    )
}
