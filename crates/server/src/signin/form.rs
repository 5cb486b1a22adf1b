//! Reads forms and query strings strictly: a name given twice, a broken escape or text that is not UTF-8 is refused by
//! name, rather than guessed at.

use std::collections::BTreeMap;

use super::error::Refused;

/// Longest form the endpoints take, in bytes. The longest honest one carries a refresh token and a dozen short fields.
pub const MAX_FORM: usize = 32 * 1024;

/// Fields of a form or a query string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// [`Refused::Invalid`] naming the field, [`Refused::TooLong`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.len() > MAX_FORM {
            return Err(Refused::TooLong(MAX_FORM));
        }
        let mut fields = BTreeMap::new();
        for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let name = decode(halves.next().unwrap_or_default())
                .ok_or_else(|| Refused::invalid(printable(pair), "its name is not UTF-8 text in URL encoding"))?;
            let value = decode(halves.next().unwrap_or_default())
                .ok_or_else(|| Refused::invalid(name.clone(), "it is not UTF-8 text in URL encoding"))?;
            if fields.insert(name.clone(), value).is_some() {
                return Err(Refused::invalid(name, "it is given twice"));
            }
        }
        Ok(Self(fields))
    }

    /// A field's value without surrounding blanks; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A field exactly as sent: blanks belong to a password.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A field that has to be there.
    ///
    /// # Errors
    /// [`Refused::Missing`].
    pub fn need(&self, name: &'static str) -> Result<&str, Refused> {
        self.get(name).ok_or(Refused::Missing(name))
    }

    /// A field that is cut off beyond `max` characters has no meaning, so it is refused.
    ///
    /// # Errors
    /// [`Refused::Invalid`].
    pub fn short(&self, name: &'static str, max: usize) -> Result<Option<&str>, Refused> {
        match self.get(name) {
            Some(value) if value.len() > max => {
                Err(Refused::invalid(name, format!("it is longer than {max} characters")))
            }
            value => Ok(value),
        }
    }
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(32).collect()
}

/// Undoes URL encoding: `+` is a blank, `%41` is `A`. [`None`] for a broken escape, NUL or text that is not UTF-8.
pub fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    // PostgreSQL has no text with NUL, and no honest field holds one.
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// URL encoding for a query or fragment: everything but unreserved characters is escaped.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_read_strictly() {
        let told = |text: &str| Form::parse(text.as_bytes()).unwrap_err().to_string();
        let form = Form::parse(b"grant_type=password&username=a%40b&password=+x+&empty=").unwrap();
        assert_eq!(form.get("username"), Some("a@b"));
        assert_eq!(form.raw("password"), Some(" x "));
        assert_eq!(form.get("empty"), None);
        assert_eq!(told("a=1&a=2"), "the parameter `a` is not usable: it is given twice");
        assert_eq!(told("scope=%zz"), "the parameter `scope` is not usable: it is not UTF-8 text in URL encoding");
        assert_eq!(told("scope=%00"), "the parameter `scope` is not usable: it is not UTF-8 text in URL encoding");
        assert!(Form::parse(&vec![b'a'; MAX_FORM + 1]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&bytes);
        }

        #[test]
        fn what_is_encoded_reads_the_same(text in "[^\0]{0,40}") {
            prop_assert_eq!(decode(encode(&text).as_bytes()), Some(text));
        }
    }
}
