//! The vendor's own SDKs, unmodified, against a running server.

use fullmakt_testkit::Server;
use std::process::Command;

#[tokio::test]
async fn r01_r02_r06_r11_r13_r17_the_whole_loop_with_the_python_sdks() {
    runs(concat!(env!("CARGO_MANIFEST_DIR"), "/python/whole_loop.py")).await;
}

#[tokio::test]
async fn r20_r23_what_comes_after_the_purchase_with_the_python_sdk() {
    runs(concat!(env!("CARGO_MANIFEST_DIR"), "/python/after_purchase.py")).await;
}

/// Runs a script against a server of its own.
async fn runs(script: &'static str) {
    let server = Server::start().await;
    // `cargo xtask test` makes the environment and names it.
    let Ok(python) = std::env::var("FULLMAKT_TEST_PYTHON") else {
        panic!("`FULLMAKT_TEST_PYTHON` names no Python with the SDKs; `cargo xtask test` makes one");
    };
    let mut command = Command::new(python);
    command.arg(script).arg(&server.base_url).arg(&server.ca_certificate);
    for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(variable);
    }
    let outcome = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&outcome.stdout);
    assert!(outcome.status.success(), "{printed}\n{}", String::from_utf8_lossy(&outcome.stderr));
}
