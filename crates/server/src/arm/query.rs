//! The query part of a request: names without regard to case, `+` as a blank, escapes decoded.

use super::error::ArmError;

/// The longest query that is read, in bytes. Longer ones are refused before anything is decoded.
const MAX_BYTES: usize = 16_384;

/// The parameters of a query, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the part after `?`.
    ///
    /// # Errors
    /// 400 when it is too long or an escape is not UTF-8.
    pub fn parse(raw: &str) -> Result<Self, ArmError> {
        if raw.len() > MAX_BYTES {
            return Err(ArmError::uri("query", format!("is longer than {MAX_BYTES} bytes")));
        }
        let mut pairs = Vec::new();
        for pair in raw.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read = |text: &str| {
                decode(&text.replace('+', " "))
                    .ok_or_else(|| ArmError::uri(&pair.chars().take(60).collect::<String>(), "is not UTF-8"))
            };
            pairs.push((read(name)?, read(value)?));
        }
        Ok(Self(pairs))
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The first value, unless it is blank: clients drop empty parameters or send them, with one meaning.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|v| !v.is_empty())
    }

    /// A whole number of at most `max`.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn number(&self, name: &str, max: usize) -> Result<Option<usize>, ArmError> {
        self.filled(name)
            .map(|text| {
                let read = Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok());
                read.filter(|n| *n <= max)
                    .ok_or_else(|| ArmError::uri(name, format!("has to be a whole number from 0 to {max}")))
            })
            .transpose()
    }

    /// The query without the parameter `name`, but with `name=value` at its end, escaped.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(n, _)| !n.eq_ignore_ascii_case(name));
        kept.map(|(n, v)| (n.as_str(), v.as_str()))
            .chain([(name, value)])
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

/// Decodes `%XX`; an escape that is none stays as it is. [`None`] when the result is not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        let escaped = hex(bytes.get(at.saturating_add(1))).zip(hex(bytes.get(at.saturating_add(2))));
        match escaped {
            Some((high, low)) if *byte == b'%' => {
                out.push(high << 4 | low);
                at = at.saturating_add(3);
            }
            _ => {
                out.push(*byte);
                at = at.saturating_add(1);
            }
        }
    }
    String::from_utf8(out).ok()
}

/// Escapes all but letters, digits and `-_.~`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_found_in_any_case_and_decoded() {
        let query = Query::parse("api-version=2022-11-01&%24Filter=a%2Fb+eq+%27x%27&take=&b").unwrap();
        assert_eq!(query.get("$filter"), Some("a/b eq 'x'"));
        assert_eq!(query.filled("take"), None);
        assert_eq!(query.get("b"), Some(""));
        assert_eq!(
            query.with("$skiptoken", "50"),
            "api-version=2022-11-01&%24Filter=a%2Fb%20eq%20%27x%27&take=&b=&%24skiptoken=50"
        );
    }

    #[test]
    fn numbers_are_whole_and_bounded() {
        for (query, read) in
            [("take=5", Some(5)), ("take=50", None), ("take=-1", None), ("take=%2B1", None), ("take=x", None)]
        {
            assert_eq!(Query::parse(query).unwrap().number("take", 10).ok().flatten(), read, "{query}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_text_is_read_or_refused(text in "([%&=+a-f0-9$é'/ ]|api-version){0,24}") {
            if let Ok(query) = Query::parse(&text) {
                let again = Query::parse(&query.with("a", "b")).unwrap();
                prop_assert!(again.get("a").is_some());
            }
        }

        #[test]
        fn what_is_escaped_comes_back(text in "\\PC{0,12}") {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}
