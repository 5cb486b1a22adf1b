//! The program as people and scripts run it: words, exit status, files, signals.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use fullmakt_rating::sample::{Month, Style, write_month};
use serde_json::Value;
use tempfile::TempDir;

fn fullmakt(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fullmakt"));
    // Neither the environment nor the configuration of whoever runs the tests may matter.
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

fn run(folder: &Path, words: &[&str]) -> Output {
    fullmakt(folder).args(words).output().unwrap()
}

/// Status, standard output, standard error.
fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A running server that ends with the test.
struct Server {
    child: Child,
    ready: Value,
}

impl Server {
    fn start(folder: &Path, words: &[&str]) -> Self {
        let ready_file = folder.join("ready.json");
        fs::remove_file(&ready_file).ok();
        let mut command = fullmakt(folder);
        command.args(words).arg("--ready-file").arg(&ready_file).stdout(Stdio::null());
        command.stderr(fs::File::create(folder.join("log")).unwrap());
        let child = command.spawn().unwrap();
        let mut server = Self { child, ready: Value::Null };
        let begun = Instant::now();
        while server.ready.is_null() {
            if let Ok(found) = fs::read(&ready_file) {
                server.ready = serde_json::from_slice(&found).expect("a ready file is whole as soon as it is there");
            }
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended: {}", log());
            assert!(begun.elapsed() < Duration::from_secs(30), "the server is not ready: {}", log());
            std::thread::sleep(Duration::from_millis(2));
        }
        server
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["baseUrl"].as_str().unwrap())
    }

    fn client(&self) -> reqwest::Client {
        let pem = fs::read(self.ready["caCertificate"].as_str().unwrap()).unwrap();
        let authority = reqwest::Certificate::from_pem(&pem).unwrap();
        reqwest::Client::builder().tls_certs_only([authority]).build().unwrap()
    }

    fn signal(&mut self, name: &str) -> i32 {
        let killed = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn demo_world(folder: &Path) {
    fs::write(folder.join("world.toml"), fullmakt_world::demo()).unwrap();
}

const SERVE: [&str; 5] = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];

fn serve_with(more: &[&'static str]) -> Vec<&'static str> {
    SERVE.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn wrong_words_end_with_two_and_help_with_zero() {
    let folder = TempDir::new().unwrap();
    for words in [
        &["serv"][..],
        &["serve", "--nonsense"],
        &["serve", "--data", "x", "--listen", "nowhere"],
        &["serve"],
        &["can-buy", "--data", "x", "--user", "y", "--quantity", "0"],
        &["rate", "--usage", "x"],
        &[&RATE[..], &["--period-start", "2026-01-01T00:00:00Z"]].concat(),
        &[&RATE[..], &["--period-start", "2026-01-01T00:00:00Z", "--period-end", "2026-01-01T00:00:00Z"]].concat(),
        &[&RATE[..], &["--memory", "2"]].concat(),
        &[],
    ] {
        let (status, out, err) = told(&run(folder.path(), words));
        assert_eq!(status, 2, "{words:?}: {err}");
        assert!(out.is_empty() && !err.is_empty(), "{words:?}: {out} / {err}");
    }
    for words in [
        &["--help"][..],
        &["serve", "--help"],
        &["world", "check", "--help"],
        &["can-buy", "--help"],
        &["rate", "--help"],
        &["--version"],
    ] {
        let (status, out, err) = told(&run(folder.path(), words));
        assert_eq!((status, err.as_str()), (0, ""), "{words:?}");
        assert!(out.contains("Example") || out.contains("fullmakt "), "{words:?}: {out}");
    }
}

const RATE: [&str; 9] = [
    "rate",
    "--usage",
    "usage",
    "--reservations",
    "reservations.csv",
    "--flexibility",
    "flexibility.csv",
    "--out",
    "rated",
];

fn month(rows: u64) -> TempDir {
    let folder = TempDir::new().unwrap();
    let style = Style::default();
    write_month(Month { rows, seed: 3, hours: 48, file_rows: 1 << 20, style }, folder.path()).unwrap();
    folder
}

/// An export in the columns of FOCUS: a machine for two hours, its disk, a tax.
const EXPORT: &str = "\
BillingAccountId,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,\
ContractedUnitPrice,RegionId,ResourceId,SubAccountId,x_ArmSkuName
p,EUR,Usage,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,1,Hours,0.096,swedencentral,vm,s,Standard_D2s_v5
p,EUR,Usage,2026-01-01T01:00:00Z,2026-01-01T02:00:00Z,1,Hours,0.096,swedencentral,vm,s,Standard_D2s_v5
p,EUR,Usage,2026-01-01T01:00:00Z,2026-01-01T02:00:00Z,1,GB,0.1,swedencentral,disk,s,
p,EUR,Tax,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z,,,,,,,
";

#[test]
fn a_focus_export_is_rated() {
    let folder = month(10);
    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    let words = |more: &[&'static str]| -> Vec<&'static str> {
        let base = ["rate", "--usage", "export.csv", "--reservations", "reservations.csv"];
        [&base[..], &["--flexibility", "flexibility.csv", "--out", "rated"], more].concat()
    };
    let (status, out, err) =
        told(&run(folder.path(), &words(&["--input-format", "focus", "--format", "csv", "--unrated", "rest.csv"])));
    assert_eq!((status, err.as_str()), (0, ""));
    for word in [
        "rated 2 usage lines",
        "2 rows not rated: 1 taxes, 1 usage that is not measured in hours",
        "rows that are not rated are in `rest.csv`",
    ] {
        assert!(out.contains(word), "{out}");
    }
    assert!(fs::read_to_string(folder.path().join("rest.csv")).unwrap().contains("export.csv,4,tax,p,EUR,Tax,"));
    let data_set = ["--input-format", "focus", "--output-format", "focus", "--format", "csv", "--out", "focus"];
    let base: Vec<&str> = words(&[]).into_iter().filter(|word| !["--out", "rated"].contains(word)).collect();
    let (status, _, err) = told(&run(folder.path(), &[&base[..], &data_set].concat()));
    assert_eq!((status, err.as_str()), (0, ""));
    let text = fs::read_to_string(folder.path().join("focus/part-00000.csv")).unwrap();
    assert!(text.starts_with("AvailabilityZone,BilledCost,") && text.contains(",Usage-Based,"), "{text}");
    let explained =
        ["explain", "--usage", "export.csv", "--input-format", "focus", "--reservations", "reservations.csv"];
    let about = ["--flexibility", "flexibility.csv", "--line", "2000"];
    let (status, out, err) = told(&run(folder.path(), &[&explained[..], &about].concat()));
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.contains("2000") && out.contains("vm"), "{out}");

    for (more, word) in [
        (&["--rate-committed"][..], "--rate-committed goes with --input-format focus"),
        (&["--unrated", "rest.csv"], "--unrated goes with --input-format focus"),
        (&["--mapping", "none.toml"], "--mapping goes with --input-format focus"),
    ] {
        let (status, _, err) = told(&run(folder.path(), &words(more)));
        assert!(status == 2 && err.contains(word), "{status} {err}");
    }
    let (status, _, err) = told(&run(folder.path(), &words(&["--input-format", "focus", "--mapping", "none.toml"])));
    assert!(status == 1 && err.contains("none.toml"), "{status} {err}");
    let (status, out, _) = told(&run(folder.path(), &["rate", "--print-mapping"]));
    assert!(status == 0 && out.contains("[columns]") && out.contains("x_SkuDetails/ServiceType"), "{out}");
}

/// What is in the folder, beside the input.
fn made(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| !["usage", "reservations.csv", "flexibility.csv"].contains(&name.as_str())).collect();
    names.sort();
    names
}

#[test]
fn usage_is_rated_and_summed_up() {
    let folder = month(3000);
    let (status, out, err) = told(&run(folder.path(), &RATE));
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(
        out.starts_with("rated 3,000 usage lines of 1 file, 2026-01-01T00:00:00Z to 2026-01-03T00:00:00Z"),
        "{out}"
    );
    assert!(out.contains("instance hours covered") && out.contains("reservations with the most unused cost"), "{out}");
    assert_eq!(made(folder.path()), ["rated"]);
    assert_eq!(made(&folder.path().join("rated")), ["part-00000.parquet"]);

    let (status, _, err) = told(&run(folder.path(), &RATE));
    assert_eq!(status, 1);
    assert!(err.starts_with("error: `rated` is not empty"), "{err}");

    let words = ["--format", "csv", "--json", "--threads", "1", "--memory", "16MiB"];
    let period = ["--period-start", "2026-01-01T00:00:00Z", "--period-end", "2026-01-03T00:00:00Z"];
    let (status, out, err) = told(&run(folder.path(), &[&RATE[..8], &["again"], &words, &period].concat()));
    assert_eq!((status, err.as_str()), (0, ""));
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((summary["usageLines"].as_u64(), summary["badRows"].as_u64()), (Some(3000), Some(0)));
    assert!(summary["currencies"][0]["saved"].is_string(), "{out}");
    let text = fs::read_to_string(folder.path().join("again/part-00000.csv")).unwrap();
    assert_eq!(summary["rows"].as_u64(), Some(u64::try_from(text.lines().count()).unwrap() - 1));

    let too_short = ["--period-start", "2026-01-01T00:00:00Z", "--period-end", "2026-01-02T00:00:00Z"];
    let (status, out, err) = told(&run(folder.path(), &[&RATE[..8], &["third"], &too_short].concat()));
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains("part-00000.parquet` row ") && err.contains("outside the period"), "{err}");
    assert_eq!(made(folder.path()), ["again", "rated"]);
}

#[test]
fn a_rating_that_is_killed_leaves_nothing_to_be_taken_for_output() {
    let folder = month(120_000);
    let mut finished = 0;
    for (turn, milliseconds) in [20, 80, 200, 500, 900, 1400].into_iter().enumerate() {
        let out = format!("out-{turn}");
        let mut child = fullmakt(folder.path())
            .args(&RATE[..8])
            .arg(&out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().ok();
        if child.wait().unwrap().success() {
            finished += 1;
        }
        assert!(!folder.path().join(&out).exists() || made(&folder.path().join(&out)) == ["part-00000.parquet"]);
    }
    let visible = made(folder.path()).into_iter().filter(|name| !name.starts_with('.')).count();
    assert!(visible >= finished && visible <= finished + 1, "{finished} of {visible}");

    // Asked to stop, it clears away what it has begun.
    for name in made(folder.path()) {
        fs::remove_dir_all(folder.path().join(name)).unwrap();
    }
    let mut child = fullmakt(folder.path()).args(RATE).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while made(folder.path()).is_empty() && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(1));
    }
    Command::new("kill").args(["-TERM".to_owned(), child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    assert!(made(folder.path()).is_empty() || status.success(), "{:?}", made(folder.path()));
}

#[test]
fn a_world_file_is_checked_line_by_line() {
    let folder = TempDir::new().unwrap();
    demo_world(folder.path());
    let (status, out, err) = told(&run(folder.path(), &["world", "check", "world.toml"]));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out, "world.toml: no mistakes; 1 partner, 2 customers, 3 subscriptions, 2 price rules\n");

    let broken = fullmakt_world::demo().replacen("country = \"SE\"", "country = \"Sverige\"", 1);
    fs::write(folder.path().join("broken.toml"), broken.replace("azure-global", "azure-gobal")).unwrap();
    let (status, out, err) = told(&run(folder.path(), &["world", "check", "broken.toml"]));
    assert_eq!((status, out.as_str()), (1, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 3, "{err}");
    assert!(lines[0].starts_with("broken.toml:7: partners[0].country: `Sverige` is not an ISO 3166-1"), "{err}");
    assert!(lines[1].contains("customers[1].entitlements[0].offer: `azure-gobal` is not known here"), "{err}");

    let (status, out, _) = told(&run(folder.path(), &["world", "check", "--json", "broken.toml"]));
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(status, 1);
    assert_eq!((found["valid"].as_bool(), found["mistakes"][0]["line"].as_u64()), (Some(false), Some(7)));

    let (status, _, err) = told(&run(folder.path(), &["world", "check", "nowhere.toml"]));
    assert_eq!(status, 1);
    assert!(err.starts_with("error: cannot read `nowhere.toml`"), "{err}");
}

#[test]
fn the_catalogue_that_a_world_names_is_checked_too() {
    let folder = TempDir::new().unwrap();
    let world = format!("{}\n[catalog]\nfile = \"catalog.csv\"\n", fullmakt_world::demo());
    fs::write(folder.path().join("world.toml"), world).unwrap();
    fs::write(folder.path().join("catalog.csv"), "sku,region,term,currency,list_price\na,westus,P9Y,EUR,1\n").unwrap();
    let (status, _, err) = told(&run(folder.path(), &["world", "check", "world.toml"]));
    assert_eq!(status, 1);
    assert!(err.starts_with("catalog.csv:2: term: "), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ready_file_tells_where_and_sigterm_ends_with_zero() {
    let folder = TempDir::new().unwrap();
    demo_world(folder.path());
    let mut server = Server::start(folder.path(), &serve_with(&["--world", "world.toml"]));
    let mut keys: Vec<&String> = server.ready.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["baseUrl", "caCertificate", "clock", "pid", "version"]);
    assert_eq!(server.ready["pid"].as_u64(), Some(u64::from(server.child.id())));
    assert_eq!(server.ready["clock"], "real");
    let client = server.client();
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = client.get(server.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.text().await.unwrap(), body);
    }
    let too_long = client.post(server.url("/v1/customers")).body(vec![b' '; 1_048_577]).send().await.unwrap();
    assert_eq!(too_long.status(), 413);
    let text = too_long.text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["code"].is_string(), "{text}");
    drop(client);
    assert_eq!(server.signal("TERM"), 0);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a log line is JSON")).collect();
    let health = lines.iter().find(|line| line["route"] == "/healthz").unwrap();
    assert_eq!((health["method"].as_str(), health["status"].as_u64()), (Some("GET"), Some(200)));
    assert!(health["span"]["correlation_id"].is_string(), "{health}");
    assert!(!log.contains("demo-2026"), "a password is in the log");
}

#[test]
fn a_world_is_loaded_into_an_empty_database_only() {
    let folder = TempDir::new().unwrap();
    demo_world(folder.path());
    let mut first = Server::start(folder.path(), &serve_with(&["--world", "world.toml"]));
    assert_eq!(first.signal("INT"), 0);
    let (status, _, err) = told(&run(folder.path(), &serve_with(&["--world", "world.toml"])));
    assert_eq!(status, 1);
    assert!(err.contains("error: the database is not empty"), "{err}");
    let words = ["can-buy", "--data", "data", "--user", "olle@exempel.example", "--json"];
    let (status, out, err) = told(&run(folder.path(), &words));
    assert_eq!(status, 0, "{err}");
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["allowed"], false);
    assert_eq!(verdict["missing"][0]["code"], "PermissionOff");
    assert_eq!(verdict["missing"].as_array().unwrap().len(), 1, "Olle is Owner: {verdict}");
    let again = Server::start(folder.path(), &SERVE);
    assert_eq!(again.ready["clock"], "real");
}

#[test]
fn g04_can_buy_says_all_that_is_missing() {
    let folder = TempDir::new().unwrap();
    demo_world(folder.path());
    drop(Server::start(folder.path(), &serve_with(&["--world", "world.toml"])));
    let ask = |more: &[&str]| {
        let words: Vec<&str> = ["can-buy", "--data", "data"].iter().chain(more).copied().collect();
        told(&run(folder.path(), &words))
    };
    let rut = ["--user", "rut@exempel.example", "--sku", "Standard_Nope", "--region", "swedencentral"];
    let (status, out, err) = ask(&rut);
    assert_eq!(status, 0, "{err}");
    assert!(out.starts_with("no: rut@exempel.example may not buy"), "{out}");
    assert_eq!(out.matches("\n- ").count(), 3, "permission, role and item: {out}");
    assert_eq!(out.matches("remedy: ").count(), 3, "{out}");
    for (words, reason) in [
        (&["--user", "nobody@exempel.example"][..], "there is no user or application `nobody@exempel.example`"),
        (&["--user", "ada@nordmoln.example"], "`ada@nordmoln.example` belongs to no customer"),
        (
            &["--user", "olle@exempel.example", "--subscription", "b0a7ca11-9e24-4c5d-b7f3-6a8d0e1f3b41"],
            "the customer of `olle@exempel.example` has no subscription",
        ),
    ] {
        let (status, _, err) = ask(words);
        assert_eq!(status, 1, "{words:?}");
        assert!(err.contains(reason), "{err}");
    }
}

#[test]
fn what_the_environment_and_the_file_say_is_used_and_its_mistakes_are_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("fullmakt.toml");
    fs::write(&file, "data = \"data\"\nlisten = \"127.0.0.1:0\"\nclock = \"movable\"\n").unwrap();
    let server = Server::start(folder.path(), &["serve", "--http"]);
    assert_eq!(server.ready["clock"], "movable");
    assert!(server.ready["baseUrl"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    drop(server);

    let output = fullmakt(folder.path()).arg("serve").env("FULLMAKT_LISTEN", "nowhere").output().unwrap();
    let (status, _, err) = told(&output);
    assert_eq!(status, 1);
    assert!(err.contains("FULLMAKT_LISTEN: `nowhere` is not an address"), "{err}");

    fs::write(&file, "data = \"data\"\nlisen = \"127.0.0.1:0\"\n").unwrap();
    let (status, _, err) = told(&run(folder.path(), &["serve"]));
    assert_eq!(status, 1);
    assert!(err.contains("fullmakt.toml:2: lisen: unknown key; did you mean `listen`?"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_a_listener_of_their_own() {
    let folder = TempDir::new().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("127.0.0.1:{port}");
    let words: Vec<&str> = SERVE.into_iter().chain(["--metrics-listen", &metrics]).collect();
    let server = Server::start(folder.path(), &words);
    let client = server.client();
    client.get(server.url("/healthz")).send().await.unwrap();
    let main = client.get(server.url("/metrics")).send().await.unwrap();
    assert_eq!(main.status(), 404, "not on the main listener");
    let token = client.post(server.url("/common/oauth2/v2.0/token")).form(&[("grant_type", "x")]).send().await.unwrap();
    assert_eq!(token.status(), 400);
    let page = client.get(format!("http://{metrics}/metrics")).send().await.unwrap().text().await.unwrap();
    let counted = page.lines().find(|line| line.starts_with("fullmakt_requests_total") && line.contains("/healthz"));
    assert!(counted.is_some_and(|line| line.ends_with(" 1")), "{page}");
    assert!(page.contains("fullmakt_request_duration_seconds_bucket"), "{page}");
    assert!(page.contains("fullmakt_database_connections"), "{page}");
    assert!(page.contains("fullmakt_sign_ins_total{grant=\"other\""), "{page}");
}

#[test]
fn a_schema_is_brought_up_to_date_on_request() {
    let folder = TempDir::new().unwrap();
    let (status, _, err) = told(&run(folder.path(), &serve_with(&["--no-migrate"])));
    assert_eq!(status, 1);
    assert!(err.contains("run `fullmakt migrate`"), "{err}");
    for migrated in [true, false] {
        let (status, out, err) = told(&run(folder.path(), &["migrate", "--data", "data", "--json"]));
        assert_eq!(status, 0, "{err}");
        let found: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((found["database"].as_str(), found["migrated"].as_bool()), (Some("SQLite"), Some(migrated)));
    }
    drop(Server::start(folder.path(), &serve_with(&["--no-migrate"])));
    let (status, out, err) = told(&run(folder.path(), &["keys", "rotate", "--data", "data", "--json"]));
    assert_eq!(status, 0, "{err}");
    assert!(serde_json::from_str::<Value>(&out).unwrap()["keyId"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_who_can_sign_in_and_keeps_its_data_on_request() {
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let mut server = Server::start(folder.path(), &["demo", "--listen", "127.0.0.1:0", "--data", "kept"]);
        let users = server.ready["users"].as_array().unwrap().clone();
        assert_eq!(users.len(), 6);
        assert_eq!(server.ready["applications"].as_array().unwrap().len(), 2);
        let client = server.client();
        for user in users {
            let word = |key: &str| user[key].as_str().unwrap().to_owned();
            let form = [
                ("grant_type", "password".to_owned()),
                ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46".to_owned()),
                ("scope", "https://management.azure.com/.default".to_owned()),
                ("username", word("upn")),
                ("password", word("password")),
            ];
            let url = server.url(&format!("/{}/oauth2/v2.0/token", word("tenantId")));
            let answer = client.post(url).form(&form).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{}", word("upn"));
        }
        drop(client);
        assert_eq!(server.signal("TERM"), 0);
    }
    // Another world in the directory is not taken for the demo's.
    let other = fullmakt_world::demo().replace("7a1c2f60-", "7a1c2f61-");
    fs::write(folder.path().join("world.toml"), other).unwrap();
    drop(Server::start(folder.path(), &serve_with(&["--world", "world.toml"])));
    let (status, _, err) = told(&run(folder.path(), &["demo", "--data", "data", "--listen", "127.0.0.1:0"]));
    assert_eq!(status, 1);
    assert!(err.contains("`data` holds another world than the demo's"), "{err}");
    // Without a directory nothing is left behind.
    let mut brief = Server::start(folder.path(), &["demo", "--listen", "127.0.0.1:0"]);
    let ca = brief.ready["caCertificate"].as_str().unwrap().to_owned();
    assert!(Path::new(&ca).exists());
    assert_eq!(brief.signal("TERM"), 0);
    assert!(!Path::new(&ca).exists());
}

#[test]
fn the_clock_is_read_and_moved_with_the_key_of_the_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let movable = [&words[..], &["--clock", "movable"]].concat();
    let mut server = Server::start(folder.path(), &movable);
    assert_eq!(server.ready["clock"], "movable");
    let clock = |more: &[&str]| {
        let words = [&["clock", "--data", "data", "--ready-file", "ready.json"], more].concat();
        told(&run(folder.path(), &words))
    };
    let (status, before, _) = clock(&[]);
    assert_eq!(status, 0);
    let (status, after, _) = clock(&["--to", "2100-01-01T00:00:00Z"]);
    assert_eq!((status, after.as_str()), (0, "2100-01-01T00:00:00Z\n"));
    let (status, _, error) = clock(&["--to", before.trim()]);
    assert_eq!(status, 1);
    assert!(error.contains("only goes forward"), "{error}");
    assert_eq!(clock(&["--advance", "P1D", "--to", "2100-01-01T00:00:00Z"]).0, 2);
    assert_eq!(server.signal("TERM"), 0);
    // A restart goes on where the clock was left.
    let mut again = Server::start(folder.path(), &movable);
    let (status, json, _) = clock(&["--advance", "P1M", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, json["now"].as_str()), (0, Some("2100-02-01T00:00:00Z")));
    assert_eq!(again.signal("TERM"), 0);
    let _real = Server::start(folder.path(), &words);
    let (status, _, error) = clock(&["--advance", "P1D"]);
    assert_eq!(status, 1);
    assert!(error.starts_with("error: "), "{error}");
}

#[test]
fn the_books_are_read_in_the_name_of_a_bookkeeper() {
    let folder = TempDir::new().unwrap();
    demo_world(folder.path());
    let mut server = Server::start(folder.path(), &serve_with(&["--world", "world.toml"]));
    let ask = |user: &str, command: &str, more: &[&str]| {
        let customer = "c0ffee00-52d1-4e7b-8a36-1b9d4f7e2c20";
        let words = [&[command, "--data", "data", "--user", user, "--customer", customer], more].concat();
        told(&run(folder.path(), &words))
    };
    let (status, out, err) = ask("ada@nordmoln.example", "charges", &["--from", "2026-11-01", "--view", "partner"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.starts_with("BilledCost,BillingAccountId,"), "{out}");
    let (status, out, _) = ask("ada@nordmoln.example", "statement", &[]);
    assert_eq!((status, out.starts_with("Date,Kind,")), (0, true), "{out}");
    let (status, _, err) = ask("ada@nordmoln.example", "export", &[]);
    assert_eq!((status, err.as_str()), (0, ""));
    let (status, _, err) = ask("olle@exempel.example", "export", &[]);
    assert_eq!(status, 1);
    assert!(err.contains("may not read the books"), "{err}");
    let (status, _, err) = ask("ada@nordmoln.example", "charges", &["--from", "2026-11-01", "--until", "2026-10-01"]);
    assert_eq!(status, 1);
    assert!(err.contains("2026-10-01 is not after 2026-11-01"), "{err}");
    assert_eq!(ask("ada@nordmoln.example", "charges", &["--view", "all"]).0, 2);
    assert_eq!(server.signal("TERM"), 0);
}
