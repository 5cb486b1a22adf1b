//! What the pages say, from the files they take it from.

use fullmakt_server::text::Language;
use std::collections::BTreeMap;

/// The texts of one language by their keys.
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// Reads them.
    pub fn of(language: Language) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pages/i18n");
        let mut words = BTreeMap::new();
        for entry in std::fs::read_dir(format!("{folder}/{}", language.code())).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for (key, said) in text.lines().filter_map(|line| line.split_once(" = ")) {
                words.insert(key.to_owned(), said.to_owned());
            }
        }
        Self(words)
    }

    /// What a key says.
    #[track_caller]
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).unwrap_or_else(|| panic!("`{key}` says nothing"))
    }

    /// What it says with values in their places.
    #[track_caller]
    pub fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        values
            .iter()
            .fold(self.get(key).to_owned(), |said, (name, value)| said.replace(&format!("{{ ${name} }}"), value))
    }

    /// The longest piece of what it says that is the same whatever the values.
    #[track_caller]
    pub fn piece(&self, key: &str) -> &str {
        let pieces = self.get(key).split(['{', '}']).filter(|piece| !piece.contains('$'));
        pieces.max_by_key(|piece| piece.len()).unwrap_or_default().trim()
    }
}
