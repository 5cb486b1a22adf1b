//! The texts of the pages, and the words for what the domain says.

mod countries;
mod names;
mod records;
mod refusal;
mod returns;
mod terms;

pub use countries::*;
pub use names::*;
pub use records::*;
pub use refusal::*;
pub use returns::*;
pub use terms::*;

use std::sync::LazyLock;

use fullmakt_server::text::{Language, Phrases, Text};

macro_rules! files {
    ($($name:literal),*) => {
        /// The files of English texts.
        const ENGLISH: &[&str] = &[$(include_str!(concat!("../../i18n/en/", $name, ".ftl"))),*];
        /// The files of Swedish texts.
        const SWEDISH: &[&str] = &[$(include_str!(concat!("../../i18n/sv/", $name, ".ftl"))),*];
    };
}

files!(
    "common",
    "access",
    "activity",
    "books",
    "customers",
    "home",
    "orders",
    "portal",
    "prices",
    "purchase",
    "refusals",
    "returns",
    "usage",
    "wizard"
);

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(ENGLISH, SWEDISH));

/// The texts in a language.
pub fn texts(language: Language) -> Text {
    PHRASES.text(language)
}

/// A message of a program as a sentence for people: capital letter, full stop.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn keys(files: &[&str]) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for line in files.iter().flat_map(|file| file.lines()) {
            let is_key = line.starts_with(|c: char| c.is_ascii_lowercase());
            if let Some((key, _)) = line.split_once('=').filter(|_| is_key) {
                assert!(keys.insert(key.trim().to_owned()), "{key} is there twice");
            }
        }
        keys
    }

    fn sources(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, text);
            } else {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Texts in quotes that look like keys: `error-not-found`.
    fn quoted(source: &str) -> BTreeSet<&str> {
        let key = |word: &&str| {
            word.contains('-')
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        source.split('"').filter(key).collect()
    }

    #[test]
    fn every_text_is_there_in_both_languages_and_used() {
        let (english, swedish) = (keys(ENGLISH), keys(SWEDISH));
        let apart: Vec<_> = english.symmetric_difference(&swedish).collect();
        assert!(apart.is_empty(), "only in one language: {apart:?}");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut source = String::new();
        sources(&here.join("src"), &mut source);
        sources(&here.join("templates"), &mut source);
        let words: BTreeSet<&str> = source.split('"').collect();
        let unused: Vec<_> = english.iter().filter(|key| !words.contains(key.as_str())).collect();
        assert!(unused.is_empty(), "said nowhere: {unused:?}");
        // A key stands where a text is asked for: after one of these calls.
        let mut missing = BTreeSet::new();
        for call in ["t.get(\"", "t.with(\"", "t.with_all(\"", ".t(\"", ".t1(\"", ".t2(\"", "text.with_all(\""] {
            for piece in source.split(call).skip(1) {
                let key = piece.split('"').next().unwrap();
                if !english.contains(key) {
                    missing.insert(key);
                }
            }
        }
        assert!(missing.is_empty(), "asked for, but not written: {missing:?}");
        let notices: Vec<_> = quoted(&source)
            .into_iter()
            .filter(|k| k.starts_with("notice-") && k.len() > 7 && !english.contains(*k))
            .collect();
        assert!(notices.is_empty(), "notices without text: {notices:?}");
    }

    #[test]
    fn both_languages_hold_the_same_values() {
        let values = |files: &[&str]| -> BTreeSet<(String, String)> {
            let mut found = BTreeSet::new();
            let mut key = String::new();
            for line in files.iter().flat_map(|file| file.lines()) {
                if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                    key = line.split('=').next().unwrap().trim().to_owned();
                }
                for piece in line.split('$').skip(1) {
                    let name: String = piece.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                    found.insert((key.clone(), name));
                }
            }
            found
        };
        let (english, swedish) = (values(ENGLISH), values(SWEDISH));
        let apart: Vec<_> = english.symmetric_difference(&swedish).collect();
        assert!(apart.is_empty(), "{apart:?}");
    }
}
