//! Checks of the source text: what belongs in one place only is found in no other.

use std::fmt;
use std::path::Path;

/// Statements of the store that do not bind their root (a customer or a partner) as `$1`. The list may only shrink.
const UNROOTED: &str = "crates/xtask/unrooted.txt";

/// One mistake, and where it is.
pub struct Finding {
    file: String,
    line: usize,
    mistake: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.mistake)
    }
}

/// Every mistake in the sources below `root`.
pub fn findings(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut unrooted = Vec::new();
    for (file, text) in sources(root)? {
        plain_text(&file, &text, &mut findings);
        if file.ends_with(".rs") && !file.starts_with("crates/xtask/") {
            rust(&file, &text, &mut findings);
            unrooted.extend(unrooted_statements(&file, &text));
        }
        if file.starts_with("migrations/") {
            portable(&file, 1, &text, &mut findings);
        }
    }
    exceptions(root, &unrooted, &mut findings)?;
    Ok(findings)
}

/// Takes the statements that are rooted by now off the list of exceptions.
pub fn bless(root: &Path) -> anyhow::Result<()> {
    let mut unrooted = Vec::new();
    for (file, text) in sources(root)?.iter().filter(|(file, _)| file.ends_with(".rs")) {
        unrooted.extend(unrooted_statements(file, text).into_iter().map(|(entry, _)| entry));
    }
    let listed = std::fs::read_to_string(root.join(UNROOTED))?;
    let kept = listed.lines().filter(|line| line.starts_with('#') || unrooted.iter().any(|entry| entry == line));
    std::fs::write(root.join(UNROOTED), kept.map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(())
}

/// The checked files, by their path below the root.
fn sources(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    const KINDS: [&str; 10] = ["rs", "toml", "md", "sql", "py", "html", "txt", "css", "js", "ftl"];
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "__pycache__" {
                folders.push(path);
            } else if path.extension().and_then(|kind| kind.to_str()).is_some_and(|kind| KINDS.contains(&kind)) {
                let file = path.strip_prefix(root)?.to_string_lossy().into_owned();
                found.push((file, std::fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn plain_text(file: &str, text: &str, findings: &mut Vec<Finding>) {
    let mut report = |line, mistake: &str| findings.push(Finding { file: file.into(), line, mistake: mistake.into() });
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            report(index + 1, "blanks at the end of the line");
        }
        if line.contains('\t') && file.ends_with(".rs") {
            report(index + 1, "a tab");
        }
        if ["TODO", "FIXME"].iter().any(|mark| line.contains(mark)) && !file.starts_with("crates/xtask/") {
            report(index + 1, "unfinished work is finished, or left out");
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        report(text.lines().count(), "a file ends with one newline");
    }
}

/// A word that may stand in some files only.
struct Confined {
    words: &'static [&'static str],
    /// Path beginnings where the words may stand. Empty: nowhere.
    home: &'static [&'static str],
    /// Path beginnings that are looked at. Empty: all.
    within: &'static [&'static str],
    why: &'static str,
}

const CONFINED: [Confined; 8] = [
    Confined {
        words: &["sqlx::"],
        home: &["crates/store/", "crates/testkit/src/database.rs"],
        within: &[],
        why: "the database is spoken to in `store` only",
    },
    Confined {
        words: &["Sqlite", "Postgres", "PgPool", "PgConnection", "PgRow", "sqlx::sqlite", "sqlx::postgres"],
        home: &["crates/store/src/db.rs", "crates/store/src/db/", "crates/store/src/testing.rs"],
        within: &["crates/store/src/"],
        why: "the names of the drivers stand in `store/src/db` only",
    },
    Confined {
        words: &["arrow::", "parquet::"],
        home: &["crates/rating/"],
        within: &[],
        why: "Arrow and Parquet stay out of everyone else's build",
    },
    Confined {
        words: &["::now(", "new_v4(", "now_v7(", "rand::", "SystemTime", "Instant::"],
        home: &[],
        within: &["crates/domain/src/"],
        why: "time and new ids enter at the edge and travel in the command",
    },
    Confined {
        words: &["f32", "f64", "HashMap", "HashSet"],
        home: &[],
        within: &["crates/domain/src/"],
        why: "decisions are exact and repeatable: no floats, no hash maps",
    },
    Confined {
        words: &["async ", ".await", "std::fs", "std::net", "std::env", "std::process", "tokio", "serde"],
        home: &[],
        within: &["crates/domain/src/"],
        why: "`domain` has no I/O and no wire format",
    },
    Confined {
        words: &["fullmakt_server", "axum", "http::", "reqwest"],
        home: &[],
        within: &["crates/store/src/"],
        why: "`store` knows no wire",
    },
    Confined { words: &["#[ignore"], home: &[], within: &[], why: "a test runs or is deleted" },
];

fn rust(file: &str, text: &str, findings: &mut Vec<Finding>) {
    let pieces = scan(text);
    let in_test = file.contains("/tests/") || file.contains("/examples/");
    for piece in &pieces {
        match piece {
            Piece::Code { line, text } => {
                for rule in &CONFINED {
                    let looked_at = rule.within.is_empty() || starts(file, rule.within);
                    if !looked_at || starts(file, rule.home) {
                        continue;
                    }
                    for (offset, code) in text.lines().enumerate() {
                        for word in rule.words.iter().filter(|word| contains_word(code, word)) {
                            let mistake = format!("`{}`: {}", word.trim(), rule.why);
                            findings.push(Finding { file: file.into(), line: line + offset, mistake });
                        }
                    }
                }
            }
            Piece::Literal { line, text } if is_statement(text) => {
                if !starts(file, &["crates/store/", "crates/testkit/"]) {
                    let mistake = "SQL: it stands in `store` only".into();
                    findings.push(Finding { file: file.into(), line: *line, mistake });
                } else if !in_test && file != "crates/store/src/db.rs" {
                    portable(file, *line, text, findings);
                    append_only(file, *line, text, findings);
                }
            }
            Piece::Literal { .. } => {}
            // A decision's tests may use what they like.
            Piece::TestsBegin => break,
        }
    }
}

/// What is written into the ledger stays as it is.
fn append_only(file: &str, line: usize, sql: &str, findings: &mut Vec<Finding>) {
    let flat = sql.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let changes = ["update ledger_transfer", "delete from ledger_transfer"].iter().any(|change| flat.contains(change));
    let adds = flat.contains("insert into ledger_transfer") && file != "crates/store/src/ledger.rs";
    if changes || adds {
        let mistake = "the ledger is append only, by the one statement of `ledger.rs`".into();
        findings.push(Finding { file: file.into(), line, mistake });
    }
}

/// What one of the two databases would not understand, or would understand otherwise.
fn portable(file: &str, first_line: usize, sql: &str, findings: &mut Vec<Finding>) {
    const FOREIGN: [&str; 14] = [
        "BOOLEAN",
        "JSON_",
        "JSONB",
        "NOW()",
        "FOR UPDATE",
        " LIKE ",
        "ILIKE",
        "SERIAL",
        "AUTOINCREMENT",
        "NEXTVAL",
        "CURRENT_TIMESTAMP",
        "DATETIME(",
        "REAL",
        "DOUBLE PRECISION",
    ];
    for (offset, line) in sql.lines().enumerate() {
        let statement = line.split("--").next().unwrap_or_default().to_uppercase();
        for word in FOREIGN.iter().filter(|word| contains_word(&statement, word)) {
            let mistake = format!("`{}` is not the same SQL on both databases", word.trim());
            findings.push(Finding { file: file.into(), line: first_line + offset, mistake });
        }
    }
}

/// Statements of the store that do not bind a customer or partner as `$1`: their entry on the list, and their line.
fn unrooted_statements(file: &str, text: &str) -> Vec<(String, usize)> {
    // Signing in comes before it is known who somebody is: its statements go by hashes of secrets.
    let unchecked = ["crates/store/src/db", "crates/store/src/testing.rs", "crates/store/src/authn"];
    if !file.starts_with("crates/store/src/") || unchecked.iter().any(|begin| file.starts_with(begin)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, text) in whole_literals(text) {
        if is_statement(&text) && !is_rooted(&text) {
            let words: Vec<&str> = text.split_whitespace().collect();
            let short: String = words.join(" ").chars().take(90).collect();
            found.push((format!("{file}: {short}"), line));
        }
    }
    found
}

/// The string literals before a file's unit tests with their lines. Those of one `concat!` are one.
fn whole_literals(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut begins, mut goes_on) = (false, false);
    for piece in scan(text) {
        match piece {
            Piece::TestsBegin => break,
            Piece::Code { text, .. } => {
                let before = without_macro_calls(&text);
                goes_on = (begins || goes_on) && before.is_empty();
                begins = before.ends_with("concat!(");
            }
            Piece::Literal { text, .. } if goes_on => {
                if let Some((_, whole)) = found.last_mut() {
                    whole.push_str(&text);
                }
            }
            Piece::Literal { line, text } => found.push((line, text)),
        }
    }
    found
}

/// Code without the `name!()` and commas at its end.
fn without_macro_calls(code: &str) -> &str {
    let blank = [' ', '\n', ','];
    let mut rest = code.trim_end_matches(blank);
    while let Some(before) = rest.strip_suffix("!()") {
        let name = |character: char| character.is_alphanumeric() || "_:$".contains(character);
        rest = before.trim_end_matches(name).trim_end_matches(blank);
    }
    rest
}

/// Whether the first parameter is the customer or the partner the statement is about.
fn is_rooted(sql: &str) -> bool {
    let flat = sql.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let compared = ["customer_id = $1", "partner_id = $1", "tenant_id = $1", "root_id = $1"];
    let inserted = ["(customer_id,", "(partner_id,", "(tenant_id,", "(root_id,"];
    let names_root = flat.starts_with("insert into") && inserted.iter().any(|first| flat.contains(first));
    // Where the parameters of many rows are written by a loop, the columns tell.
    compared.iter().any(|condition| flat.contains(condition))
        || (names_root && (flat.contains("$1") || !flat.contains('$')))
}

fn exceptions(root: &Path, unrooted: &[(String, usize)], findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let listed = std::fs::read_to_string(root.join(UNROOTED))?;
    let listed: Vec<&str> = listed.lines().filter(|line| !line.starts_with('#')).collect();
    for (entry, line) in unrooted {
        if !listed.contains(&entry.as_str()) {
            let (file, statement) = entry.split_once(": ").unwrap_or((entry, ""));
            let mistake = format!("the statement does not bind its customer or partner as $1: {statement}");
            findings.push(Finding { file: file.into(), line: *line, mistake });
        }
    }
    for (index, entry) in listed.iter().enumerate() {
        if !unrooted.iter().any(|(known, _)| known == entry) {
            let mistake = format!("no longer an exception, take it off the list: {entry}");
            findings.push(Finding { file: UNROOTED.into(), line: index + 1, mistake });
        }
    }
    Ok(())
}

fn is_statement(literal: &str) -> bool {
    const VERBS: [&str; 8] =
        ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "CREATE DATABASE ", "WITH ", "DROP "];
    let flat = literal.trim_start();
    let verb = VERBS.iter().any(|verb| flat.starts_with(verb) || flat.starts_with(&verb.replace(' ', "\n")));
    verb && (!flat.starts_with("WITH ") || flat.contains(" AS (") || flat.contains("SELECT"))
}

fn starts(file: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| file.starts_with(beginning))
}

/// Whether the word stands in the line and is not the tail of a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    let letter = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let head_free = !word.starts_with(letter) || !before.is_some_and(letter);
        // `Sqlite` is found in `SqlitePool`, `REAL` not in `REALM`, `JSON_` in `JSON_EXTRACT`.
        let open_ended = word.ends_with('_') || word.contains(char::is_lowercase);
        let longer = |next: char| letter(next) && (next.is_lowercase() || !open_ended);
        let tail_free = !word.ends_with(letter) || !after.is_some_and(longer);
        head_free && tail_free
    })
}

/// A stretch of a Rust file.
enum Piece {
    /// Code without comments and literals.
    Code { line: usize, text: String },
    /// What stands between the quotes of a string literal.
    Literal { line: usize, text: String },
    /// From here on the file's unit tests.
    TestsBegin,
}

/// Splits a Rust file into code and string literals; comments are dropped.
fn scan(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut code = String::new();
    let (mut line, mut code_line) = (1, 1);
    let mut rest = text;
    while !rest.is_empty() {
        let (taken, literal) = next_token(rest);
        let token = &rest[..taken];
        if let Some(literal) = literal {
            pieces.push(Piece::Code { line: code_line, text: std::mem::take(&mut code) });
            pieces.push(Piece::Literal { line, text: literal.to_owned() });
            line += token.matches('\n').count();
            code_line = line;
        } else if token.starts_with("//") || token.starts_with("/*") {
            code.extend(token.chars().filter(|character| *character == '\n'));
            line += token.matches('\n').count();
        } else if token == "#[cfg(test)]" {
            pieces.push(Piece::Code { line: code_line, text: std::mem::take(&mut code) });
            pieces.push(Piece::TestsBegin);
            code_line = line;
        } else {
            code.push_str(token);
            line += token.matches('\n').count();
        }
        rest = &rest[taken..];
    }
    pieces.push(Piece::Code { line: code_line, text: code });
    pieces
}

/// How many bytes the first token of the text has, and what a string literal holds.
fn next_token(text: &str) -> (usize, Option<&str>) {
    let end = |found: Option<usize>| found.unwrap_or(text.len());
    if text.starts_with("//") {
        return (end(text.find('\n')), None);
    }
    if text.starts_with("/*") {
        return (end(text.find("*/").map(|at| at + 2)), None);
    }
    if text.starts_with("#[cfg(test)]") {
        return ("#[cfg(test)]".len(), None);
    }
    if let Some(hashes) = raw_string(text) {
        let open = hashes + 2;
        let close = format!("\"{}", "#".repeat(hashes));
        let inside = text[open..].find(&close).unwrap_or(text.len() - open);
        return ((open + inside + close.len()).min(text.len()), Some(&text[open..open + inside]));
    }
    if let Some(after) = text.strip_prefix('"') {
        let inside = string_end(after);
        return ((inside + 2).min(text.len()), Some(&after[..inside]));
    }
    // A character literal that would look like the start of a string.
    for quote in ["'\"'", "'\\\"'", "'\\''"] {
        if text.starts_with(quote) {
            return (quote.len(), None);
        }
    }
    // A word is one token, so that the `r` of `for` does not begin a raw string.
    let word = text.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(text.len());
    let first = text.chars().next().map_or(1, char::len_utf8);
    (word.max(first), None)
}

fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn string_end(inside: &str) -> usize {
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(file: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        rust(file, text, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sql_stands_in_the_store_only() {
        let text = "fn f() {\n    query(\"SELECT 1\")\n}\n";
        assert_eq!(mistakes("crates/server/src/app.rs", text).len(), 1);
        assert!(mistakes("crates/store/src/door.rs", text).is_empty());
        assert!(mistakes("crates/server/src/app.rs", "// \"SELECT 1\"\n").is_empty());
    }

    #[test]
    fn the_domain_reads_no_clock_and_its_tests_may() {
        let text = "fn f() { Timestamp::now() }\n";
        let found = mistakes("crates/domain/src/quote.rs", text);
        assert!(found[0].starts_with("crates/domain/src/quote.rs:1: `::now(`"), "{found:?}");
        assert!(mistakes("crates/domain/src/quote.rs", &format!("#[cfg(test)]\nmod tests {{ {text} }}\n")).is_empty());
        assert!(mistakes("crates/server/src/clock.rs", text).is_empty());
    }

    #[test]
    fn lines_are_counted_across_literals_and_comments() {
        let text = "/* a\n b */\nlet a = r#\"x\n\"y\"\n\"#;\nlet q = '\"';\nlet f: f64 = 1;\n";
        let found = mistakes("crates/domain/src/money.rs", text);
        assert!(found.len() == 1 && found[0].starts_with("crates/domain/src/money.rs:7:"), "{found:?}");
    }

    #[test]
    fn a_statement_binds_its_root_first() {
        for (sql, rooted) in [
            ("SELECT a FROM b WHERE customer_id = $1 AND c = $2", true),
            ("SELECT a FROM b WHERE c = $1", false),
            ("INSERT INTO b (customer_id, c) VALUES ($1, $2)", true),
            ("INSERT INTO b (c) VALUES ($1)", false),
        ] {
            assert_eq!(is_rooted(sql), rooted, "{sql}");
        }
    }

    #[test]
    fn the_parts_of_a_statement_are_read_as_one() {
        for (text, count) in [
            (r#"q(concat!("SELECT a FROM ", o!(), " WHERE customer_id = $1")).bind(c)"#, 0),
            (r#"q(concat!("SELECT ", a::o!(), ", b FROM c", " WHERE customer_id = $1"))"#, 0),
            (r#"q(concat!("SELECT a FROM ", o!(), " WHERE b = $1")); "customer_id = $1""#, 1),
            (r#"["SELECT a FROM b", "WHERE customer_id = $1"]"#, 1),
        ] {
            assert_eq!(unrooted_statements("crates/store/src/order.rs", text).len(), count, "{text}");
        }
    }

    #[test]
    fn foreign_sql_is_found_by_word() {
        let mut findings = Vec::new();
        portable("migrations/1.sql", 1, "a BOOLEAN, -- BOOLEAN\nrealm TEXT,\nb REAL", &mut findings);
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [1, 3]);
    }
}
