//! `fullmakt import usage`: files into a running server, and what becomes of files that cannot be used.

use crate::books::movable;
use axum::http::Method;
use fullmakt_testkit::{
    FJALLRAVEN, KUSTEN, KUSTFISKE, NORDMOLN, PRODUKTION, Purchase, Server, Told, quoted_order, told,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const COLUMNS: &str = "LineId,BillingAccountId,x_CustomerId,SubAccountId,ResourceId,ChargePeriodStart,RegionId,x_ArmSkuName,\
                       ConsumedQuantity,ContractedUnitPrice,BillingCurrency";

/// A line of usage as a file has it.
#[derive(Clone)]
struct Line {
    id: &'static str,
    customer: &'static str,
    subscription: &'static str,
    resource: &'static str,
    /// On the first of November.
    start: String,
    quantity: &'static str,
}

/// A line of Fjällräven's in an hour after eight o'clock on the first of November.
fn line(id: &'static str, hour: i64, quantity: &'static str) -> Line {
    let first: jiff::Timestamp = "2026-11-01T08:00:00Z".parse().unwrap();
    let start = (first + jiff::Span::new().hours(hour)).to_string();
    Line { id, customer: FJALLRAVEN, subscription: PRODUKTION, resource: "vm1", start, quantity }
}

impl Line {
    fn of_usage(&self) -> String {
        let Self { id, customer, subscription, resource, start, quantity } = self;
        let resource = format!("/subscriptions/{subscription}/resourceGroups/app/providers/vm/{resource}");
        format!(
            "{id},account,{customer},{subscription},{resource},{start},swedencentral,Standard_D2s_v5,{quantity},0.1,EUR"
        )
    }
}

fn usage(lines: &[Line]) -> String {
    let rows: Vec<String> = lines.iter().map(Line::of_usage).collect();
    format!("{COLUMNS}\n{}\n", rows.join("\n"))
}

/// A server on which two instances are reserved, a place for files, and the way from one to the other.
struct Desk {
    server: Server,
    folder: tempfile::TempDir,
}

impl Desk {
    /// Two days after the purchase.
    async fn new() -> Self {
        let server = movable().await;
        let wanted = Purchase::of(2, "Standard_D2s_v5");
        let order = quoted_order(&server.olle().asks_price(&wanted).await.ok());
        server.olle().buys_quoted(&order, &wanted).await.ok();
        let desk = Self { server, folder: tempfile::tempdir().unwrap() };
        desk.moves("P2D").await;
        desk
    }

    async fn moves(&self, advance: &str) {
        self.server.ada().sends(Method::POST, "/fullmakt/v1/clock", &json!({"advance": advance})).await.ok();
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    async fn told(&self, path: &Path, words: &[&str]) -> Told {
        let ready = self.server.ready_file.to_str().unwrap();
        let all = [
            &["import", "usage", "--usage", path.to_str().unwrap(), "--ready-file", ready, "--tenant", NORDMOLN][..],
            &["--client-id", "11111111-0000-4000-8000-0000000000a1"],
            words,
        ];
        told(&all.concat(), &[("FULLMAKT_CLIENT_SECRET", "integrationens hemlighet")]).await
    }

    /// Brings a file in: hours replaced, hours as they were, lines.
    async fn imports(&self, path: &Path, words: &[&str]) -> (i64, i64, i64) {
        let told = self.told(path, &[&["--json"], words].concat()).await;
        assert_eq!((told.status, told.error.as_str()), (0, ""), "{told:?}");
        let told: Value = serde_json::from_str(&told.out).unwrap();
        let count = |name: &str| told[name].as_i64().unwrap();
        (count("changedHours"), count("unchangedHours"), count("lines"))
    }

    /// Used and reserved hours, and known hours, once all is rated.
    async fn utilization(&self) -> (String, String, i64) {
        self.moves("PT1S").await;
        let path = format!("/fullmakt/v1/customers/{FJALLRAVEN}/utilization");
        let told = self.server.ada().reads(&path).await.ok().json();
        let hours = |name: &str| told["value"][0][name].as_str().unwrap().to_owned();
        (hours("usedHours"), hours("reservedHours"), told["known"][0]["knownHours"].as_i64().unwrap())
    }

    /// All that an import could change: hours and what is in them, resources, records.
    async fn counts(&self) -> [i64; 4] {
        let mut counts = [0; 4];
        for (count, query) in counts.iter_mut().zip([
            "SELECT count(*) FROM usage_hour",
            "SELECT CAST(coalesce(sum(version), 0) AS BIGINT) FROM usage_day",
            "SELECT count(*) FROM usage_resource",
            "SELECT count(*) FROM activity_record",
        ]) {
            *count = self.server.database.number(query).await;
        }
        counts
    }

    /// The usage of a file as another: the rating of it, with no reservation.
    async fn rewritten(&self, path: &Path, words: &[&str]) -> PathBuf {
        let reservations = self.file(
            "none.csv",
            "ReservationId,BillingAccountId,x_CustomerId,AppliedScopeType,AppliedScopeSubscriptionId,RegionId,x_ArmSkuName,\
             InstanceFlexibility,Quantity,EffectiveStart,EffectiveEnd,PurchasedAt,HourlyCost,BillingCurrency\n",
        );
        let sizes = self.file("sizes.csv", "InstanceSizeFlexibilityGroup,ArmSkuName,Ratio\n");
        let out = self.folder.path().join(format!("rated-{}", uuid::Uuid::new_v4().simple()));
        let all = ["rate", "--usage", path.to_str().unwrap(), "--reservations", reservations.to_str().unwrap()];
        let places = ["--flexibility", sizes.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let told = told(&[&all[..], &places, words].concat(), &[]).await;
        assert_eq!(told.status, 0, "{told:?}");
        out
    }
}

/// Thirty hours, with two halves of an instance in each.
fn thirty_hours() -> Vec<Line> {
    let id = |number: i64| -> &'static str { number.to_string().leak() };
    (0..30).flat_map(|hour| [line(id(2 * hour), hour, "0.5"), line(id(2 * hour + 1), hour, "0.5")]).collect()
}

#[tokio::test]
async fn r45_usage_comes_in_from_csv_and_parquet_and_an_hour_is_replaced_as_a_whole() {
    let desk = Desk::new().await;
    let mut lines = thirty_hours();
    let csv = desk.file("usage.csv", usage(&lines));
    assert_eq!(desk.imports(&csv, &[]).await, (30, 0, 60));
    assert_eq!(desk.utilization().await, ("30".to_owned(), "60".to_owned(), 30));

    // The same once more, in another order, and as Parquet: nothing changes, and nothing is recorded.
    let before = desk.counts().await;
    assert_eq!(desk.imports(&csv, &[]).await, (0, 30, 60));
    lines.reverse();
    assert_eq!(desk.imports(&desk.file("turned.csv", usage(&lines)), &[]).await, (0, 30, 60));
    let parquet = desk.rewritten(&csv, &[]).await;
    assert!(parquet.join("part-00000.parquet").exists(), "{:?}", std::fs::read_dir(&parquet).unwrap().next());
    assert_eq!(desk.imports(&parquet, &[]).await, (0, 30, 60));
    assert_eq!(desk.counts().await, before);

    // Late usage: the whole of its hour, and of no other.
    let late = desk.file("late.csv", usage(&[line("900", 3, "1"), line("901", 3, "1.5"), line("902", 3, "-1")]));
    let late = desk.rewritten(&late, &[]).await;
    assert_eq!(desk.imports(&late, &[]).await, (1, 0, 3));
    assert_eq!(desk.utilization().await, ("31".to_owned(), "60".to_owned(), 30));
    // An hour in which nothing ran is known as well.
    let hours = ["--period-start", "2026-11-02T13:00:00Z", "--period-end", "2026-11-02T16:00:00Z"];
    assert_eq!(desk.imports(&late, &hours).await, (3, 0, 0));
    assert_eq!(desk.utilization().await, ("30".to_owned(), "64".to_owned(), 32));

    let told = desk.told(&csv, &[]).await;
    assert_eq!(told.out, "60 lines of 1 customer: 2 hours replaced, 28 as they were\n", "{told:?}");
}

const FOCUS: &str = "ChargeCategory,PricingCategory,BillingAccountId,x_CustomerId,SubAccountId,ResourceId,ChargePeriodStart,\
                     ChargePeriodEnd,RegionId,x_SkuDetails,ConsumedQuantity,ConsumedUnit,ContractedUnitPrice,BillingCurrency";

/// A row of an export.
fn focus(category: &str, hour: u32, resource: &str, quantity: &str) -> String {
    let (start, end) = (8 + hour, 9 + hour);
    format!(
        "{category},Standard,account,{FJALLRAVEN},/subscriptions/{PRODUKTION},{resource},2026-11-01T{start:02}:00:00Z,\
         2026-11-01T{end:02}:00:00Z,swedencentral,\"{{\"\"ServiceType\"\":\"\"Standard_D2s_v5\"\"}}\",{quantity},Hours,0.1,EUR"
    )
}

#[tokio::test]
async fn r45_usage_comes_in_from_an_export_in_the_columns_of_focus() {
    let desk = Desk::new().await;
    let as_focus = ["--input-format", "focus"];
    let mut rows = Vec::new();
    for hour in 0..4 {
        rows.push(focus("Usage", hour, "vm/b", "0.25"));
        rows.push(focus("Usage", hour, "vm/a", "1"));
    }
    let export = |rows: &[String]| format!("{FOCUS}\n{}\n", rows.join("\n"));
    let month = desk.file("month.csv", export(&rows));
    assert_eq!(desk.imports(&month, &as_focus).await, (4, 0, 8));
    assert_eq!(desk.utilization().await, ("5".to_owned(), "8".to_owned(), 4));

    // The next export of the month holds the same rows elsewhere, charges that are no usage, and an hour more.
    rows.reverse();
    rows.insert(0, focus("Tax", 0, "vm/a", "3"));
    rows.insert(3, focus("Purchase", 0, "vm/a", "3"));
    rows.push(focus("Usage", 4, "vm/b", "0.1234567"));
    let told = desk.told(&desk.file("next.csv", export(&rows)), &as_focus).await;
    let expected = "9 lines of 1 customer: 1 hour replaced, 4 as they were\n2 rows not rated: 1 purchases, 1 taxes\n\
                    1 row: the quantity or the price had more than 6 decimals and was rounded\n";
    assert_eq!((told.status, told.out.as_str()), (0, expected), "{told:?}");
    assert_eq!(desk.utilization().await, ("5.123457".to_owned(), "10".to_owned(), 5));

    // What the rating writes numbers its lines.
    let csv = desk.file("usage.csv", usage(&thirty_hours()));
    assert_eq!(desk.imports(&csv, &[]).await, (30, 0, 60));
    for format in ["csv", "parquet"] {
        let written = desk.rewritten(&csv, &["--output-format", "focus", "--format", format]).await;
        assert_eq!(desk.imports(&written, &as_focus).await, (0, 30, 60), "{format}");
    }
    // Another vendor calls things by other names, and a day is spread when that is asked for.
    let other = export(&[focus("Usage", 0, "vm/a", "3")]).replace("x_SkuDetails", "x_Machine").replace("T09:", "T11:");
    let other = desk.file("other.csv", other);
    let mapping = desk.file("mapping.toml", "[columns]\nx_ArmSkuName = [\"x_Machine/ServiceType\"]\n");
    let words = ["--mapping", mapping.to_str().unwrap(), "--spread-longer-periods"];
    assert_eq!(desk.imports(&other, &[&as_focus[..], &words].concat()).await, (3, 0, 3));
    desk.utilization().await;

    let before = desk.counts().await;
    let bad = export(&[focus("Usage", 0, "vm/a", "1"), focus("Usage", 1, "vm/a", "much")]);
    let told = desk.told(&desk.file("bad.csv", bad), &as_focus).await;
    assert_eq!(told.status, 1, "{told:?}");
    assert!(told.error.contains("bad.csv` row 2, column `ConsumedQuantity`: `much` is not a decimal"), "{told:?}");
    let told = desk.told(&desk.file("tax.csv", export(&[focus("Tax", 0, "vm/a", "3")])), &as_focus).await;
    assert!(told.error.contains("there are no hours to bring in: 1 row not rated: 1 taxes"), "{told:?}");
    let told = desk.told(&month, &["--mapping", "mapping.toml"]).await;
    assert_eq!(told.status, 2, "{told:?}");
    assert!(told.error.contains("--mapping goes with --input-format focus"), "{told:?}");
    assert_eq!(desk.counts().await, before);
}

#[tokio::test]
async fn r45_files_that_cannot_be_used_are_named_with_row_and_column_and_change_nothing() {
    let desk = Desk::new().await;
    desk.imports(&desk.file("before.csv", usage(&thirty_hours())), &[]).await;
    // The server rates it and notes the first use, which is a record too.
    desk.utilization().await;
    let before = desk.counts().await;
    // Each begins with an hour that would change something.
    let with = |second: Line| usage(&[line("1", 0, "2"), second]);
    let good = || line("2", 1, "1");
    let missing = usage(&[good()]).replace("ConsumedQuantity", "Quantity");
    for (name, content, expected) in [
        ("missing.csv", missing, "missing.csv`: has no column `ConsumedQuantity`"),
        (
            "half.csv",
            with(Line { start: "2026-11-01T09:30:00Z".to_owned(), ..good() }),
            "row 2, column `ChargePeriodStart`",
        ),
        ("text.csv", with(line("2", 1, "much")), "text.csv` row 2, column `ConsumedQuantity`"),
        ("digits.csv", with(line("2", 1, "1234567890123")), "digits.csv` row 2, column `ConsumedQuantity`"),
        ("twice.csv", with(line("1", 1, "1")), "twice.csv` row 2, column `LineId`: `1` is there already"),
        (
            "early.csv",
            with(line("2", 48, "1")),
            "early.csv` row 2, column `ChargePeriodStart`: the hour `2026-11-03T08:00:00Z` is not over yet",
        ),
        (
            "sold.csv",
            with(Line { subscription: KUSTEN, ..good() }),
            "sold.csv` row 2, column `SubAccountId`: `66666666-0000-4000-8000-0000000000f1` is no subscription that you sold",
        ),
        ("uuid.csv", with(Line { subscription: "x", ..good() }), "uuid.csv` row 2, column `SubAccountId`: `x`"),
        (
            "whose.csv",
            with(Line { customer: KUSTFISKE, ..good() }),
            "whose.csv` row 2, column `x_CustomerId`: `66666666",
        ),
        (
            "who.csv",
            with(Line { customer: "Kustfiske", ..good() }),
            "who.csv` row 2, column `x_CustomerId`: `Kustfiske`",
        ),
        ("control.csv", with(Line { resource: "\u{7}", ..good() }), "control.csv` row 2, column `ResourceId`"),
        ("currency.csv", with(good()).replace("0.1,EUR\n", "0.1,Euro\n"), "column `BillingCurrency`"),
    ] {
        let told = desk.told(&desk.file(name, content), &[]).await;
        assert_eq!((told.status, told.out.as_str()), (1, ""), "{name}: {told:?}");
        assert!(told.error.contains(expected), "{name}: {told:?}");
        assert_eq!(desk.counts().await, before, "{name}");
    }

    let parquet = desk.rewritten(&desk.file("good.csv", with(good())), &[]).await.join("part-00000.parquet");
    let bytes = std::fs::read(&parquet).unwrap();
    let cut = desk.file("cut.parquet", &bytes[..bytes.len() - 20]);
    let nowhere = desk.folder.path().join("nowhere.csv");
    let empty = desk.folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for (path, expected) in [
        (&cut, "cut.parquet`"),
        (&nowhere, "cannot read `"),
        (&nowhere, "nowhere.csv`: No such file"),
        (&empty, "no file of this folder ends with .parquet"),
    ] {
        let told = desk.told(path, &[]).await;
        assert_eq!((told.status, told.out.as_str()), (1, ""), "{told:?}");
        assert!(told.error.contains(expected), "{expected}: {told:?}");
    }
    let hours = ["--period-start", "2026-11-03T00:00:00Z", "--period-end", "2026-11-04T00:00:00Z"];
    let told = desk.told(&parquet, &hours).await;
    assert!(told.error.contains("--period-end is `2026-11-04T00:00:00Z`, and on the server it is"), "{told:?}");
    assert_eq!(desk.counts().await, before);
}

#[tokio::test]
async fn r45_a_server_that_cannot_be_reached_or_does_not_want_it_is_told() {
    let desk = Desk::new().await;
    let csv = desk.file("usage.csv", usage(&thirty_hours()));
    let usage = ["import", "usage", "--usage", csv.to_str().unwrap()];
    let before = desk.counts().await;
    // Whoever listens nowhere: a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://127.0.0.1:{port}");
    let ready = desk.server.ready_file.to_str().unwrap();
    let application = |tenant: &'static str, id: &'static str| ["--tenant", tenant, "--client-id", id];
    let (own, secret) = (application(NORDMOLN, "11111111-0000-4000-8000-0000000000a1"), "FULLMAKT_CLIENT_SECRET");
    let theirs = application(FJALLRAVEN, "22222222-0000-4000-8000-0000000000a1");
    for (words, environment, status, expected) in [
        (
            [&["--server", &nobody][..], &own].concat(),
            (secret, "x"),
            1,
            format!("the server at `{nobody}` cannot be reached"),
        ),
        (vec!["--server", &nobody], ("FULLMAKT_TOKEN", "x"), 1, format!("the server at `{nobody}` cannot be reached")),
        (
            vec!["--ready-file", ready],
            ("FULLMAKT_TOKEN", "x"),
            1,
            "customer 22222222-2222-4222-8222-222222222222: ".to_owned(),
        ),
        (vec!["--ready-file", ready], ("FULLMAKT_OTHER", "x"), 1, "who asks?".to_owned()),
        ([&["--ready-file", ready][..], &own].concat(), (secret, "x"), 1, "cannot sign in: ".to_owned()),
        (
            [&["--ready-file", ready][..], &own].concat(),
            ("FULLMAKT_OTHER", "x"),
            1,
            "FULLMAKT_CLIENT_SECRET is not set".to_owned(),
        ),
        (
            [&["--ready-file", ready][..], &theirs].concat(),
            (secret, "rörets hemlighet"),
            1,
            "customer 22222222-2222-4222-8222-222222222222, 2026-11-01T08:00:00Z to 2026-11-02T14:00:00Z: ".to_owned(),
        ),
        (vec![], (secret, "x"), 2, "--server".to_owned()),
    ] {
        let told = told(&[&usage[..], &words].concat(), &[environment]).await;
        assert_eq!((told.status, told.out.as_str()), (status, ""), "{words:?}: {told:?}");
        assert!(told.error.contains(&expected), "{expected}: {told:?}");
    }
    assert_eq!(desk.counts().await, before);
    let help = told(&["import", "usage", "--help"], &[]).await;
    let help = help.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "--input-format",
        "--mapping",
        "Each hour from the first to the last",
        "told with file, row and column",
        "Exit status",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
}
