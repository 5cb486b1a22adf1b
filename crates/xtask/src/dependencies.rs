//! Checks of what the workspace depends on: licences, banned crates, who may use whom.

use crate::run;
use anyhow::Context;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Crates that never come in, and why.
const BANNED: [(&str, &str); 3] = [
    ("ring", "one cryptography library is enough: aws-lc-rs"),
    ("openssl-sys", "TLS is rustls"),
    ("native-tls", "TLS is rustls"),
];

/// Crates of which a second version would be a mistake.
const SINGLE: [&str; 4] = ["rustls", "tokio", "hyper", "axum"];

/// Licences of what we ship.
const LICENCES: [&str; 15] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// For our crates that must stay small: everything they may use.
const MAY_USE: [(&str, &[&str]); 2] = [
    ("fullmakt-domain", &["jiff", "rust_decimal", "thiserror", "uuid"]),
    ("xtask", &["anyhow", "clap", "serde_json", "tempfile"]),
];

/// For crates that only some of ours may use: who.
const USED_BY: [(&str, &[&str]); 5] = [
    ("sqlx", &["fullmakt-store", "fullmakt-testkit"]),
    ("axum", &["fullmakt-server", "fullmakt-pages", "fullmakt-testkit"]),
    ("arrow", &[]),
    ("parquet", &["fullmakt-rating"]),
    // One time library is enough: jiff. `parquet` brings this one along.
    ("chrono", &[]),
];

/// Every mistake in what the workspace depends on.
pub fn findings() -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    for Package { name, licence } in built_packages()? {
        findings.extend(banned(&name));
        findings.extend(unlisted_licence(&name, &licence));
        *versions.entry(name).or_default() += 1;
    }
    for name in SINGLE.into_iter().filter(|name| versions.get(*name).is_some_and(|count| *count > 1)) {
        findings.push(format!("`{name}` is there in more than one version"));
    }
    let metadata = run::output(&mut run::cargo(&["metadata", "--format-version", "1", "--locked", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let ours = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    findings.extend(ours.iter().flat_map(neighbours));
    Ok(findings)
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    licence: String,
}

/// Every version of every package that is built here with the features in use. `cargo metadata` would also name optional
/// packages that nobody switched on.
fn built_packages() -> anyhow::Result<Vec<Package>> {
    let mut words = vec!["tree", "--workspace", "--locked", "--edges", "normal,build,dev"];
    words.extend(["--prefix", "none", "--format", "{p}|{l}"]);
    let tree = run::output(&mut run::cargo(&words))?;
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let packages = lines.into_iter().filter_map(|line| {
        let (package, licence) = line.split_once('|')?;
        let name = package.split_whitespace().next()?;
        Some(Package { name: name.into(), licence: licence.into() })
    });
    Ok(packages.collect())
}

fn banned(name: &str) -> Option<String> {
    let (_, why) = BANNED.iter().find(|(banned, _)| *banned == name)?;
    Some(format!("`{name}` came in: {why} (`cargo tree -i {name}` tells by whom)"))
}

fn unlisted_licence(name: &str, expression: &str) -> Option<String> {
    (!is_allowed(expression)).then(|| format!("`{name}` has the licence `{expression}`, which is not on our list"))
}

/// Whether we may choose allowed licences so that the expression holds.
fn is_allowed(expression: &str) -> bool {
    // The old way to write OR.
    let expression = expression.replace('/', " OR ");
    split_outside(&expression, " OR ").iter().any(|choice| {
        split_outside(choice, " AND ").iter().all(|part| {
            let part = part.trim();
            match part.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
                Some(inner) => is_allowed(inner),
                None => LICENCES.contains(&part),
            }
        })
    })
}

/// Splits where the word stands outside all parentheses.
fn split_outside<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && at >= begin && expression[at..].starts_with(word) => {
                parts.push(&expression[begin..at]);
                begin = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[begin..]);
    parts
}

fn neighbours(package: &Value) -> Vec<String> {
    let name = text(package, "name");
    let mut findings = Vec::new();
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    for dependency in dependencies.iter().filter(|dependency| dependency["kind"].is_null()) {
        let used = text(dependency, "name");
        if MAY_USE.iter().any(|(ours, allowed)| *ours == name && !allowed.contains(&used)) {
            findings.push(format!("`{name}` may not depend on `{used}`"));
        }
        if USED_BY.iter().any(|(confined, users)| *confined == used && !users.contains(&name)) {
            findings.push(format!("`{used}` may not be used by `{name}`"));
        }
    }
    findings
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn licence_expressions() {
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT OR GPL-3.0", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND GPL-3.0", false),
            ("ISC AND (Apache-2.0 OR GPL-2.0)", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT AND GPL-2.0) OR ISC", true),
            ("", false),
        ] {
            assert_eq!(is_allowed(expression), allowed, "{expression}");
        }
    }
}
