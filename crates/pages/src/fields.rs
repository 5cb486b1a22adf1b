//! What a form or a query string holds.

/// Longest form that is read, in bytes.
pub const MAX_FORM: usize = 64 * 1024;

/// Fields in the order in which they came. A name may come several times (checkboxes).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads URL encoding. What is not UTF-8 shows the replacement character and is refused where it matters; NUL, which
    /// PostgreSQL cannot store, is dropped.
    pub fn parse(bytes: &[u8]) -> Self {
        let clean = |text: &str| text.replace('\0', "");
        Self(form_urlencoded::parse(bytes).map(|(name, value)| (clean(&name), clean(&value))).collect())
    }

    /// The last field of a name without surrounding blanks; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// As [`Fields::get`]; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// As [`Fields::text`] where the field was sent, also where it was emptied; what is usual where it was not.
    pub fn or<'f>(&'f self, name: &str, usual: &'f str) -> &'f str {
        if self.raw(name).is_some() { self.text(name) } else { usual }
    }

    /// The last field of a name as it was sent: blanks belong to a password.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All fields of a name that are not empty.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, value)| key == name && !value.trim().is_empty()).map(|(_, value)| value.trim())
    }

    /// The query string of a page with these fields and others put over them; an empty value removes a field. With its
    /// question mark, or empty.
    pub fn query_with(&self, over: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            if !value.is_empty() && !over.iter().any(|(key, _)| key == name) && name != "notice" {
                query.append_pair(name, value);
            }
        }
        for (name, value) in over.iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// URL encoding of one value, for a path or a query.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_is_changed_one_field_at_a_time() {
        let fields = Fields::parse(b"q=%C3%A5&sort=name&notice=x&empty=");
        assert_eq!(fields.get("q"), Some("å"));
        assert_eq!(fields.get("empty"), None);
        assert_eq!((fields.or("empty", "1"), fields.or("absent", "1"), fields.or("sort", "1")), ("", "1", "name"));
        assert_eq!(fields.query_with(&[("sort", "domain")]), "?q=%C3%A5&sort=domain");
        assert_eq!(fields.query_with(&[("q", ""), ("sort", "")]), "");
        assert_eq!(Fields::parse(b"a=1&a=2").all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let fields = Fields::parse(&bytes);
            prop_assert!(!fields.query_with(&[]).contains(['"', '<', '>', '\n']));
        }
    }
}
