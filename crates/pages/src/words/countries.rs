//! The names of countries, as the Unicode Common Locale Data Repository (CLDR 48) has them for each language: its two files and
//! their licence lie in `cldr/` as they were published (`cldr-localenames-full`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fullmakt_domain::market::Country;
use fullmakt_server::text::{Language, Text};
use serde_json::Value;

static ENGLISH: LazyLock<Names> = LazyLock::new(|| read(include_str!("../../cldr/territories.en.json"), "en"));
static SWEDISH: LazyLock<Names> = LazyLock::new(|| read(include_str!("../../cldr/territories.sv.json"), "sv"));

/// Names by codes.
type Names = BTreeMap<String, String>;

fn read(file: &str, language: &str) -> Names {
    let file: Value = serde_json::from_str(file).unwrap_or_default();
    serde_json::from_value(file["main"][language]["localeDisplayNames"]["territories"].clone()).unwrap_or_default()
}

/// What a country is called; its code where it has no name, as with the private ones.
pub fn country(t: Text, country: Country) -> String {
    let names = match t.language() {
        Language::English => &ENGLISH,
        Language::Swedish => &SWEDISH,
    };
    names.get(country.code()).map_or_else(|| country.code().to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::market::WITHOUT_RESERVATIONS;

    use super::*;
    use crate::words::texts;

    #[test]
    fn countries_have_names_in_both_languages() {
        for (code, english, swedish) in [
            ("SE", "Sweden", "Sverige"),
            ("GL", "Greenland", "Grönland"),
            ("CI", "Côte d’Ivoire", "Elfenbenskusten"),
            ("XS", "XS", "XS"),
        ] {
            let names = Language::ALL.map(|language| country(texts(language), Country::parse(code).unwrap()));
            assert_eq!(names, [english, swedish], "{code}");
        }
        let nameless: Vec<_> = WITHOUT_RESERVATIONS
            .into_iter()
            .filter(|code| country(texts(Language::Swedish), Country::parse(code).unwrap()) == *code)
            .collect();
        assert_eq!(nameless, ["XE", "XJ", "XS"], "private codes");
    }
}
