//! What an Azure command line exchanged with the original, sent again to a server of ours: statuses, the headers that
//! clients read, and bodies, field by field. What differs is what `docs/compatibility.md` lists, and no more.

mod compare;
mod recording;
mod stage;

use compare::{Comparison, Difference, permitted};
use fullmakt_testkit::Answer;
use futures_util::future::join_all;
use recording::{Exchange, Recording};
use serde_json::Value;
use stage::Stage;
use std::collections::BTreeMap;

/// Header fields that clients read, besides those that name an address.
const READ: [&str; 7] = [
    "content-type",
    "retry-after",
    "cache-control",
    "pragma",
    "expires",
    "x-content-type-options",
    "strict-transport-security",
];
/// Header fields that name where to look next.
const ADDRESSES: [&str; 2] = ["location", "azure-asyncoperation"];
/// Header fields that every answer has; the recordings lost them.
const ALWAYS: [&str; 3] = ["x-ms-request-id", "x-ms-correlation-request-id", "x-ms-routing-request-id"];

#[tokio::test]
async fn recorded_exchanges_go_the_same_way_here() {
    let Some(recordings) = recording::all() else {
        eprintln!("left out: there is no folder of recordings beside this repository");
        return;
    };
    assert_eq!(recordings.len(), 13, "the recordings that the stage is set for");
    let permitted = permitted();
    let mut found: BTreeMap<Difference, Vec<String>> = BTreeMap::new();
    for (recording, differences) in recordings.iter().zip(join_all(recordings.iter().map(replayed)).await) {
        for (difference, example) in differences {
            found.entry(difference).or_default().push(format!("{}: {example}", recording.name));
        }
    }
    let unexpected = found.iter().filter(|(difference, _)| !permitted.contains(difference));
    let unexpected: Vec<String> =
        unexpected.map(|((place, way), examples)| format!("| `{place}` | {way} | {}", examples.join("; "))).collect();
    let unused: Vec<_> = permitted.iter().filter(|difference| !found.contains_key(difference)).collect();
    assert!(unexpected.is_empty(), "not in `docs/compatibility.md`:\n{}", unexpected.join("\n"));
    assert!(unused.is_empty(), "in `docs/compatibility.md`, and no longer so: {unused:#?}");
}

/// Sends the requests of a recording to a server on which all is as it was then.
async fn replayed(recording: &Recording) -> Vec<(Difference, String)> {
    let stage = Stage::set(recording).await;
    let mut comparison = Comparison::new(stage.known.clone());
    for exchange in &recording.exchanges {
        let answer = send(&stage, exchange, &comparison).await;
        let operation = exchange.operation();
        if answer.status.as_u16() != exchange.status {
            let recorded = exchange.status;
            comparison.differs(&operation, "another status", &format!("{} for {recorded}", answer.status));
            continue;
        }
        for name in ALWAYS {
            assert!(!answer.header(name).is_empty(), "{name}: {answer}");
        }
        for name in READ {
            comparison.header(name, exchange.header(name), answer.header(name));
        }
        for name in ADDRESSES {
            comparison.text(name, exchange.header(name), answer.header(name));
        }
        for name in exchange.headers.keys().filter(|name| name.starts_with("x-ms-ratelimit-remaining")) {
            assert!(!answer.header(name).is_empty(), "{name}: {answer}");
        }
        let mut ours = answer.json();
        if exchange.answer["nextLink"].is_null() {
            rest(&stage, &mut ours).await;
        }
        if exchange.path.contains("$orderby=properties%2Fquantity%20desc") {
            assert!(quantities(&exchange.answer).is_sorted_by(|a, b| a >= b));
            assert!(quantities(&ours).is_sorted_by(|a, b| a >= b), "{ours}");
        }
        comparison.body(&operation, &exchange.answer, &ours);
    }
    comparison.finish()
}

/// Adds the items of the next pages to a page of ours.
async fn rest(stage: &Stage, page: &mut Value) {
    let mut next = page["nextLink"].clone();
    while let Some(address) = next.as_str() {
        let path = address.strip_prefix(stage.base_url()).unwrap().to_owned();
        let more = stage.buyer.reads(&path).await.ok().json();
        let items = page["value"].as_array_mut().unwrap();
        items.extend(more["value"].as_array().unwrap().iter().cloned());
        next = more["nextLink"].clone();
    }
}

fn quantities(page: &Value) -> Vec<u64> {
    let items = page["value"].as_array().unwrap().iter();
    items.map(|item| item["properties"]["quantity"].as_u64().unwrap()).collect()
}

/// The recorded request, with our identifiers in the place of theirs.
async fn send(stage: &Stage, exchange: &Exchange, comparison: &Comparison) -> Answer {
    let mut ask = stage.buyer.ask(exchange.method.clone(), &comparison.ours(&exchange.path)).await;
    for (name, value) in &exchange.asked_with {
        ask = ask.header(name, value);
    }
    if let Some(body) = &exchange.body {
        ask = ask.bytes(comparison.ours(body).into_bytes());
    }
    ask.send().await
}
