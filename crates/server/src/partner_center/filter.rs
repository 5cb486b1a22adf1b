//! Queries and the `filter` parameter, as four clients spell them.

use serde_json::Value;

use super::error::Failure;
use super::normalize::{percent_decode, word};

/// The parameters of a request. Names are compared without regard to case; `filter` is kept apart because one client
/// leaves `&` and `+` inside it unescaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    parameters: Vec<(String, String)>,
    filter: Option<String>,
}

impl Query {
    /// Reads the part of a URI after the question mark.
    ///
    /// # Errors
    /// 400/800002 when a value is not UTF-8.
    pub fn parse(raw: &str) -> Result<Self, Failure> {
        let mut query = Self::default();
        let mut rest = raw;
        while !rest.is_empty() {
            let end = rest.find('&').unwrap_or(rest.len());
            let (parameter, mut after) = (rest.get(..end).unwrap_or(""), rest.get(end + 1..).unwrap_or(""));
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = percent_decode(name, true).unwrap_or_default().trim().to_lowercase();
            if name == "filter" {
                if query.filter.is_none() {
                    // A form-encoded filter has no bare colon; one that was only escaped by a URI class has.
                    if value.contains(':') {
                        let tail = rest.split_once('=').map_or("", |(_, tail)| tail);
                        let (object, remainder) = raw_object(tail);
                        query.filter = Some(percent_decode(object, false).ok_or_else(|| not_utf8("filter"))?);
                        after = remainder;
                    } else {
                        query.filter = Some(percent_decode(value, true).ok_or_else(|| not_utf8("filter"))?);
                    }
                }
            } else if !name.is_empty() {
                let value = percent_decode(value, true).ok_or_else(|| not_utf8(&name))?;
                query.parameters.push((name, value));
            }
            rest = after;
        }
        Ok(query)
    }

    /// The first value of a parameter, without the blanks around it; `None` when it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// 400/800002 when it is not.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Failure::input(format!("the query parameter `{name}` is missing")))
    }

    /// A page size: `0` and absence mean the default; a larger one than `most` is cut to it.
    ///
    /// # Errors
    /// 400/800002 when it is not a whole number from 0.
    pub fn size(&self, default: u32, most: u32) -> Result<u32, Failure> {
        match self.whole("size")? {
            None | Some(0) => Ok(default),
            Some(size) => Ok(size.min(most)),
        }
    }

    /// A whole number from 0.
    ///
    /// # Errors
    /// 400/800002 for anything else.
    pub fn whole(&self, name: &str) -> Result<Option<u32>, Failure> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Failure::input(format!("`{name}` is `{}`, which is not a whole number from 0", short(text)))
                })
            })
            .transpose()
    }

    /// A yes or no: `True`, `False`, `true`, `false`.
    ///
    /// # Errors
    /// 400/800002 for anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        self.get(name)
            .map(|text| match text.to_ascii_lowercase().as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(Failure::input(format!("`{name}` is `{}`, use `true` or `false`", short(text)))),
            })
            .transpose()
    }

    /// The word of an enumeration, in the spelling of `words`: case and underscores do not count.
    ///
    /// # Errors
    /// 400/800002 for a word that is not among them.
    pub fn one_of(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wanted = word(text);
        match words.iter().find(|known| word(known) == wanted) {
            Some(known) => Ok(Some(known)),
            None => Err(Failure::input(format!("`{name}` is `{}`, use one of: {}", short(text), words.join(", ")))),
        }
    }

    /// The filter, if there is one.
    ///
    /// # Errors
    /// 400/800002 when it is no JSON object with a field, a value and an operator.
    pub fn filter(&self) -> Result<Option<Filter>, Failure> {
        match self.filter.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => Filter::parse(text).map(Some),
        }
    }
}

fn not_utf8(name: &str) -> Failure {
    Failure::input(format!("the query parameter `{}` is not percent-encoded UTF-8 text", short(name)))
}

/// A user's value for an error text.
pub fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Splits an only partly escaped text after the JSON object it starts with. What follows the object is cut at the next
/// `&`. Without a balanced object, everything is taken, and fails later as JSON.
fn raw_object(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
    let mut at = 0;
    while at < bytes.len() {
        let (byte, width) = match bytes.get(at..at + 3) {
            Some([b'%', b'7', b'B' | b'b']) => (b'{', 3),
            Some([b'%', b'7', b'D' | b'd']) => (b'}', 3),
            Some([b'%', b'2', b'2']) => (b'"', 3),
            Some([b'%', b'5', b'C' | b'c']) => (b'\\', 3),
            _ => (bytes.get(at).copied().unwrap_or(b' '), 1),
        };
        at += width;
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let rest = text.get(at..).unwrap_or("");
                    let next = rest.find('&').map_or("", |amp| rest.get(amp + 1..).unwrap_or(""));
                    return (text.get(..at).unwrap_or(text), next);
                }
            }
            _ => {}
        }
    }
    (text, "")
}

/// One condition on a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What is compared, as [`word`] gives it: `companyname`.
    pub field: String,
    /// With what.
    pub value: String,
    /// How, as [`word`] gives it: `startswith`.
    pub operator: String,
}

/// Operators of the full vocabulary; a collection takes some of them.
const OPERATORS: [&str; 11] = [
    "equals",
    "not_equals",
    "greater_than",
    "greater_than_or_equals",
    "less_than",
    "less_than_or_equals",
    "substring",
    "and",
    "or",
    "starts_with",
    "not_starts_with",
];

impl Filter {
    /// Reads the JSON form; keys in any case and order.
    ///
    /// # Errors
    /// 400/800002 naming what is wrong.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.len() > 4096 {
            return Err(Failure::input("`filter` is longer than 4096 bytes"));
        }
        let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) else {
            return Err(Failure::input("`filter` is not a JSON object with `Field`, `Value` and `Operator`"));
        };
        let member = |name: &str| {
            let found = members.iter().find(|(key, _)| word(key) == name).map(|(_, value)| value);
            match found {
                Some(Value::String(text)) => Ok(text.trim().to_owned()),
                Some(Value::Number(number)) => Ok(number.to_string()),
                Some(Value::Bool(flag)) => Ok(flag.to_string()),
                None | Some(Value::Null) => Err(Failure::input(format!("`filter.{name}` is missing"))),
                Some(_) => Err(Failure::input(format!("`filter.{name}` is not a text"))),
            }
        };
        let (field, value, operator) = (word(&member("field")?), member("value")?, word(&member("operator")?));
        if field.is_empty() || value.is_empty() {
            return Err(Failure::input("`filter.field` and `filter.value` may not be empty"));
        }
        if !OPERATORS.iter().any(|known| word(known) == operator) {
            return Err(Failure::input(format!(
                "`filter.operator` is `{}`, use one of: {}",
                short(&operator),
                OPERATORS.join(", ")
            )));
        }
        Ok(Self { field, value, operator })
    }

    /// The refusal of a condition that the collection does not know; `known` lists what it knows.
    pub fn unsupported(&self, known: &str) -> Failure {
        Failure::input(format!(
            "`filter` with field `{}` and operator `{}` is not supported here, use {known}",
            short(&self.field),
            short(&self.operator)
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::normalize::percent_encode;
    use super::*;

    fn filter(raw: &str) -> Filter {
        Query::parse(raw).unwrap().filter().unwrap().unwrap()
    }

    fn want(field: &str, value: &str, operator: &str) -> Filter {
        Filter { field: field.into(), value: value.into(), operator: operator.into() }
    }

    #[test]
    fn each_client_is_understood() {
        // .NET customers: form-encoded, PascalCase keys.
        let net = "size=0&filter=%7B%22Field%22%3A%22CompanyName%22%2C%22Value%22%3A%22Fj%C3%A4ll+Exempel%22%2C%22Operator%22%3A%22starts_with%22%7D";
        assert_eq!(filter(net), want("companyname", "Fjäll Exempel", "startswith"));
        // .NET audit: only braces, quotes and blanks escaped.
        let audit = "startDate=06/15/2026%2010:11:12&filter=%7B%22Field%22:%22CompanyName%22,%22Value%22:%22A&B+C%20&%20size=9%22,%22Operator%22:%22substring%22%7D&size=50";
        assert_eq!(filter(audit), want("companyname", "A&B+C & size=9", "substring"));
        let query = Query::parse(audit).unwrap();
        assert_eq!(query.get("SIZE"), Some("50"));
        assert_eq!(query.get("startdate"), Some("06/15/2026 10:11:12"));
        // Java: camelCase keys, PascalCase operator, one key more.
        let java = "Filter=%7B%22fieldType%22%3A%22String%22%2C%22field%22%3A%22CompanyName%22%2C%22operator%22%3A%22StartsWith%22%2C%22value%22%3A%22a%2Bb%22%7D&endDate=2026-06-166";
        assert_eq!(filter(java), want("companyname", "a+b", "startswith"));
        assert_eq!(Query::parse(java).unwrap().get("endDate"), Some("2026-06-166"));
        // By hand: nothing escaped, other dates behind it.
        let raw = r#"filter={"Operator":"equals","Field":"resource_Type","Value":"SelfServePolicy"}&startDate=2026-06-15T10:11:12"#;
        assert_eq!(filter(raw), want("resourcetype", "SelfServePolicy", "equals"));
        assert_eq!(Query::parse(raw).unwrap().get("startDate"), Some("2026-06-15T10:11:12"));
    }

    #[test]
    fn a_bad_filter_names_what_is_wrong() {
        for (raw, needle) in [
            ("filter=x", "JSON object"),
            ("filter=%5B%5D", "JSON object"),
            ("filter={\"Field\":\"a", "JSON object"),
            ("filter={\"Value\":\"a\",\"Operator\":\"equals\"}", "filter.field"),
            ("filter={\"Field\":\"a\",\"Operator\":\"equals\"}", "filter.value"),
            ("filter={\"Field\":\"a\",\"Value\":null,\"Operator\":\"equals\"}", "filter.value"),
            ("filter={\"Field\":\"a\",\"Value\":[],\"Operator\":\"equals\"}", "filter.value"),
            ("filter={\"Field\":\"a\",\"Value\":\"b\",\"Operator\":\"like\"}", "filter.operator"),
        ] {
            let failure = Query::parse(raw).unwrap().filter().unwrap_err();
            assert!(failure.description.contains(needle), "{raw}: {}", failure.description);
        }
        assert!(Query::parse("filter=%FF").is_err());
        assert_eq!(Query::parse("filter=").unwrap().filter(), Ok(None));
    }

    #[test]
    fn sizes_and_flags_are_read_in_all_spellings() {
        let query =
            Query::parse("Size=0&include_price=True&showExpiry=false&billingType=one_time&n=-1&entity_Id=%20abc%20")
                .unwrap();
        assert_eq!(query.size(500, 500), Ok(500));
        assert_eq!(query.flag("INCLUDE_PRICE"), Ok(Some(true)));
        assert_eq!(query.flag("showexpiry"), Ok(Some(false)));
        assert_eq!(query.one_of("billingtype", &["none", "OneTime"]), Ok(Some("OneTime")));
        assert_eq!(query.get("entity_id"), Some("abc"));
        assert!(query.whole("n").is_err());
        assert!(query.required("absent").unwrap_err().description.contains("`absent`"));
        assert_eq!(Query::parse("size=9000").unwrap().size(40, 500), Ok(500));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_query_can_be_tried(raw in "([a-zA-Z]{0,6}=?[^#]{0,12}&?){0,4}|filter=[{}%\"\\\\:,&a-fA-F0-9BD72 ]{0,60}") {
            if let Ok(query) = Query::parse(&raw) {
                let _ = (query.filter(), query.size(1, 2), query.flag("a"), query.one_of("b", &["c"]));
            }
        }

        #[test]
        fn a_value_survives_both_ways_of_escaping(value in "[^\u{0}-\u{1f}#%]{0,16}x", size in 1_u32..500) {
            let text = json!({"Field": "CompanyName", "Value": value, "Operator": "substring"}).to_string();
            let trimmed = value.trim();
            let form = format!("filter={}&size={size}", percent_encode(&text));
            let query = Query::parse(&form).unwrap();
            prop_assert_eq!(query.filter().unwrap().unwrap().value, trimmed);
            prop_assert_eq!(query.size(1, 500), Ok(size));
            // What .NET's URI class does: braces, quotes, backslashes and blanks only.
            let partly: String = text.chars().map(|c| match c {
                '{' | '}' | '"' | ' ' | '\\' => percent_encode(&c.to_string()),
                other => other.to_string(),
            }).collect();
            let query = Query::parse(&format!("filter={partly}&size={size}")).unwrap();
            prop_assert_eq!(query.filter().unwrap().unwrap().value, trimmed);
            prop_assert_eq!(query.size(1, 500), Ok(size));
        }
    }
}
