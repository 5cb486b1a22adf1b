//! JSON bodies in any casing, with explicit nulls, with the default values of .NET.
//!
//! A [`Node`] walks a document without regard to the case of its keys and knows its own path, so that every error names
//! the field.

use serde_json::{Map, Value};

use super::dates;
use super::error::Failure;
use super::filter::short;
use super::normalize::word;

/// Largest body that is read, in bytes.
pub const BODY_MAX: usize = 1 << 20;

/// A body that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document(Value);

impl Document {
    /// Reads a body that must be a JSON object.
    ///
    /// # Errors
    /// 400/800002 when it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let bytes = without_mark(bytes);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Failure::input("the body is empty, send a JSON object"));
        }
        match serde_json::from_slice(bytes) {
            Ok(value @ Value::Object(_)) => Ok(Self(value)),
            Ok(_) => Err(Failure::input("the body is not a JSON object")),
            Err(error) => {
                Err(Failure::input(format!("the body is not JSON: line {} column {}", error.line(), error.column())))
            }
        }
    }

    /// Reads the body of a POST that carries nothing: absent, `null`, `"success"`, or an object that is not looked at.
    ///
    /// # Errors
    /// 400/800002 for text that is not JSON.
    pub fn parse_empty(bytes: &[u8]) -> Result<(), Failure> {
        let bytes = without_mark(bytes);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::input("the body is not JSON, leave it empty")),
        }
    }

    /// The document's root.
    pub fn root(&self) -> Node<'_> {
        Node { value: Some(&self.0), path: String::new() }
    }
}

/// Drops a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// A place in a document, perhaps empty: null counts as absent.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    value: Option<&'a Value>,
    path: String,
}

impl<'a> Node<'a> {
    /// A member, whatever the case of its key. A member of nothing is nothing.
    ///
    /// # Errors
    /// 400/800002 when this is there and not an object.
    pub fn get(&self, name: &str) -> Result<Self, Failure> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        let value = self.members()?.and_then(|members| member(members, name)).filter(|value| !value.is_null());
        Ok(Self { value, path })
    }

    /// Where this is, for an error text.
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "the body" } else { &self.path }
    }

    /// Whether there is something.
    pub fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// The error that this is missing.
    pub fn missing(&self) -> Failure {
        Failure::input(format!("`{}` is missing", self.path()))
    }

    /// An error about this field: its path, then the text.
    pub fn wrong(&self, what: &str) -> Failure {
        Failure::input(format!("`{}` {what}", self.path()))
    }

    fn members(&self) -> Result<Option<&'a Map<String, Value>>, Failure> {
        match self.value {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(self.wrong("is not an object")),
        }
    }

    /// A text without the blanks around it; an empty one counts as absent. Numbers are taken as their digits.
    ///
    /// # Errors
    /// 400/800002 for anything else, and for a text with control characters or of more than 4096 bytes.
    pub fn text(&self) -> Result<Option<String>, Failure> {
        let text = match self.value {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(self.wrong("is not a text")),
        };
        if text.len() > 4096 {
            return Err(self.wrong("is longer than 4096 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(self.wrong("contains control characters"));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// 400/800002 when it is missing, empty or no text.
    pub fn required_text(&self) -> Result<String, Failure> {
        self.text()?.ok_or_else(|| self.missing())
    }

    /// A text of at most so many characters.
    ///
    /// # Errors
    /// 400/800002 when it is longer or no text.
    pub fn text_within(&self, most: usize) -> Result<Option<String>, Failure> {
        match self.text()? {
            Some(text) if text.chars().count() > most => Err(self.wrong(&format!("is longer than {most} characters"))),
            other => Ok(other),
        }
    }

    /// A whole number; a text of digits is taken too.
    ///
    /// # Errors
    /// 400/800002 for a fraction, a number out of range, or anything else.
    pub fn whole(&self) -> Result<Option<i64>, Failure> {
        let number = match self.value {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| self.wrong("is not a whole number"))
    }

    /// A yes or no; the words are taken too.
    ///
    /// # Errors
    /// 400/800002 for anything else.
    pub fn flag(&self) -> Result<Option<bool>, Failure> {
        match self.value {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong("is not `true` or `false`")),
        }
    }

    /// The word of an enumeration in the spelling of `words`; case and underscores do not count.
    ///
    /// # Errors
    /// 400/800002 for a word that is not among them.
    pub fn one_of(&self, words: &[&'static str]) -> Result<Option<&'static str>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        let wanted = word(&text);
        match words.iter().find(|known| word(known) == wanted) {
            Some(known) => Ok(Some(known)),
            None => Err(self.wrong(&format!("is `{}`, use one of: {}", short(&text), words.join(", ")))),
        }
    }

    /// A date; what .NET sends for one it does not have counts as absent.
    ///
    /// # Errors
    /// 400/800002 for a text that is no date.
    pub fn date(&self) -> Result<Option<dates::Given>, Failure> {
        match self.text()? {
            None => Ok(None),
            Some(text) if dates::is_unset(&text) => Ok(None),
            Some(text) => match dates::parse(&text) {
                Some(given) => Ok(Some(given)),
                None => {
                    Err(self.wrong(&format!("is `{}`, which is not a date like `2026-06-15T08:00:00Z`", short(&text))))
                }
            },
        }
    }

    /// The elements of a list, nulls left out; absence is an empty list.
    ///
    /// # Errors
    /// 400/800002 when it is no list, or one of more than 1000 elements.
    pub fn items(&self) -> Result<Vec<Self>, Failure> {
        match self.value {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) if list.len() > 1000 => Err(self.wrong("has more than 1000 elements")),
            Some(Value::Array(list)) => Ok(list
                .iter()
                .enumerate()
                .filter(|(_, value)| !value.is_null())
                .map(|(at, value)| Self { value: Some(value), path: format!("{}[{at}]", self.path) })
                .collect()),
            Some(_) => Err(self.wrong("is not a list")),
        }
    }

    /// The members of a free dictionary: lower-case keys, scalar values as texts, nulls left out.
    ///
    /// # Errors
    /// 400/800002 when it is no object, or has lists or objects in it.
    pub fn dictionary(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut entries = Vec::new();
        for (key, value) in self.members()?.into_iter().flatten() {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.trim().to_owned(),
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(Failure::input(format!("`{}.{}` is not a text", self.path(), short(key))));
                }
            };
            entries.push((key.to_lowercase(), text));
        }
        Ok(entries)
    }
}

/// The member of a name: the exact key first, else the first that differs only in case.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn keys_bind_in_any_casing_and_null_is_absent() {
        for text in [
            r#"{"Id":null,"SelfServeEntity":{"TenantID":" a "},"Quantity":0}"#,
            r#"{"selfServeEntity":{"tenantID":"a"},"quantity":"0"}"#,
            r#"{"SELFSERVEENTITY":{"tenantid":"a"},"QUANTITY":0}"#,
        ] {
            let document = document(text);
            let root = document.root();
            assert_eq!(root.get("selfServeEntity").unwrap().get("tenantID").unwrap().text(), Ok(Some("a".into())));
            assert_eq!(root.get("quantity").unwrap().whole(), Ok(Some(0)));
            assert!(!root.get("id").unwrap().is_present());
        }
    }

    #[test]
    fn an_error_names_the_field() {
        let document =
            document(r#"{"a":{"b":[{"c":1.5},{"c":[]}]},"d":"x","e":"2026-13-01","f":"0001-01-01T00:00:00"}"#);
        let root = document.root();
        let list = root.get("a").unwrap().get("b").unwrap().items().unwrap();
        assert_eq!(list[0].get("c").unwrap().whole().unwrap_err().description, "`a.b[0].c` is not a whole number");
        assert_eq!(list[1].get("c").unwrap().text().unwrap_err().description, "`a.b[1].c` is not a text");
        assert_eq!(root.get("d").unwrap().get("x").unwrap_err().description, "`d` is not an object");
        assert_eq!(root.get("z").unwrap().required_text().unwrap_err().description, "`z` is missing");
        assert!(root.get("d").unwrap().one_of(&["y"]).unwrap_err().description.contains("use one of: y"));
        assert!(root.get("e").unwrap().date().is_err());
        assert_eq!(root.get("f").unwrap().date(), Ok(None));
    }

    #[test]
    fn bodies_that_carry_nothing_are_taken() {
        for text in ["", "  ", "null", "\"success\"", "{}", "\u{feff}null"] {
            assert!(Document::parse_empty(text.as_bytes()).is_ok(), "{text}");
        }
        assert!(Document::parse_empty(b"{").is_err());
        for text in ["", "null", "[]", "\"success\"", "{\"a\":}", "{} {}"] {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[".repeat(5000);
        assert!(Document::parse(deep.as_bytes()).is_err());
        assert!(Document::parse_empty(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_free_dictionary_keeps_scalars() {
        let document = document(r#"{"provisioningContext":{"SubscriptionId":"s","Scope":"shared","n":2,"x":null}}"#);
        let entries = document.root().get("provisioningcontext").unwrap().dictionary().unwrap();
        assert_eq!(entries.len(), 3);
        assert!(entries.contains(&("subscriptionid".into(), "s".into())));
    }

    /// Some JSON or other.
    pub fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[aA]|[bB]|.{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_bytes_can_be_tried(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (Document::parse(&bytes), Document::parse_empty(&bytes));
        }

        #[test]
        fn any_document_can_be_walked(value in any_json()) {
            let bytes = value.to_string().into_bytes();
            if let Ok(document) = Document::parse(&bytes) {
                let root = document.root();
                if let Ok(node) = root.get("a") {
                    let _ = (node.text(), node.whole(), node.flag(), node.date(), node.items(), node.dictionary());
                    let _ = node.get("b").map(|inner| inner.one_of(&["x"]));
                }
            }
        }
    }
}
