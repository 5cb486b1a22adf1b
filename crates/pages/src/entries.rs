//! A form that is read field by field; what is wrong is kept beside the field.

use fullmakt_domain::customer::is_email;
use fullmakt_server::text::Text;
use jiff::civil::Date;

use crate::fields::Fields;

/// What someone filled in, and what is wrong with it.
#[derive(Debug)]
pub struct Entries<'f> {
    t: Text,
    form: &'f Fields,
    errors: Vec<(&'static str, String)>,
}

impl<'f> Entries<'f> {
    /// Begins to read.
    pub fn new(t: Text, form: &'f Fields) -> Self {
        Self { t, form, errors: Vec::new() }
    }

    /// A line of text that must be there, of so many characters at most.
    pub fn required(&mut self, name: &'static str, most: usize) -> String {
        let text = self.optional(name, most);
        if text.is_empty() && self.error(name).is_none() {
            self.wrong(name, self.t.get("entry-missing"));
        }
        text
    }

    /// A line of text; empty where nothing was filled in.
    pub fn optional(&mut self, name: &'static str, most: usize) -> String {
        let text = self.form.text(name);
        if text.chars().count() > most {
            self.wrong(name, self.t.with("entry-too-long", "most", most));
        } else if text.chars().any(char::is_control) {
            self.wrong(name, self.t.get("entry-control"));
        } else {
            return text.to_owned();
        }
        String::new()
    }

    /// An e-mail address that must be there.
    pub fn email(&mut self, name: &'static str) -> String {
        let text = self.required(name, 254);
        if !text.is_empty() && !is_email(&text) {
            self.wrong(name, self.t.get("entry-email"));
        }
        text
    }

    /// A day that must be there.
    pub fn day(&mut self, name: &'static str) -> Option<Date> {
        let text = self.required(name, 32);
        // Years before our era and beyond four digits are nobody's days.
        let day = text.parse::<Date>().ok().filter(|day| text.len() == 10 && day.year() > 0);
        if day.is_none() && !text.is_empty() {
            self.wrong(name, self.t.get("entry-day"));
        }
        day
    }

    /// Something is wrong with a field. The first word counts.
    pub fn wrong(&mut self, name: &'static str, error: String) {
        if self.error(name).is_none() {
            self.errors.push((name, error));
        }
    }

    /// What is wrong with a field.
    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|(field, _)| *field == name).map(|(_, error)| error.as_str())
    }

    /// Whether nothing is wrong.
    pub fn are_sound(&self) -> bool {
        self.errors.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_server::text::Language;
    use proptest::prelude::*;

    use super::*;
    use crate::words::texts;

    #[test]
    fn what_is_wrong_stands_beside_the_field() {
        let form = Fields::parse(b"name=%20Olle%20&email=olle&day=2026-02-30&long=abcd&line=a%0Ab");
        let mut entries = Entries::new(texts(Language::English), &form);
        assert_eq!(entries.required("name", 10), "Olle");
        assert_eq!(entries.optional("none", 10), "");
        assert!(entries.are_sound());
        entries.required("missing", 10);
        entries.email("email");
        assert_eq!(entries.day("day"), None);
        entries.optional("long", 3);
        entries.optional("line", 10);
        for name in ["missing", "email", "day", "long", "line"] {
            assert!(entries.error(name).is_some(), "{name}");
        }
        assert!(entries.error("name").is_none() && !entries.are_sound());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_entry_is_read_or_wrong(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut whole = b"a=".to_vec();
            whole.extend(bytes);
            let form = Fields::parse(&whole);
            let mut entries = Entries::new(texts(Language::Swedish), &form);
            let text = entries.required("a", 12);
            prop_assert!(text.chars().count() <= 12 && !text.chars().any(char::is_control));
            prop_assert_eq!(text.is_empty(), entries.error("a").is_some());
            let mut entries = Entries::new(texts(Language::Swedish), &form);
            prop_assert_eq!(entries.day("a").is_none(), !entries.are_sound());
        }
    }
}
