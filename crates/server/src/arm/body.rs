//! Bodies of requests: JSON, read property by property, so that every complaint names its property.
//!
//! Property names are found without regard to case, unknown ones do not count, and `null` is as good as absent.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::ArmError;

/// The largest body, in bytes.
pub const MAX_BYTES: usize = 262_144;

/// A body that is JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Body(Value);

impl Body {
    /// Reads a body.
    ///
    /// # Errors
    /// 413 beyond [`MAX_BYTES`], 415 for another content type, 400 for what is not a JSON object.
    pub fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ArmError> {
        if bytes.len() > MAX_BYTES {
            return Err(ArmError::too_large(MAX_BYTES));
        }
        check_content_type(headers)?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(ArmError::content("", "is empty, and a JSON object is needed"));
        }
        match serde_json::from_slice(text) {
            Ok(Value::Object(object)) => Ok(Self(Value::Object(object))),
            Ok(_) => Err(ArmError::content("", "is not a JSON object")),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(ArmError::content("", format!("is not JSON: mistake in line {line} at column {column}")))
            }
        }
    }

    /// The outermost object.
    pub fn root(&self) -> Node<'_> {
        Node { path: String::new(), value: &self.0 }
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ArmError> {
    let Some(given) = headers.get(CONTENT_TYPE) else {
        // Some clients leave the header out; what is not JSON is then found out by reading.
        return Ok(());
    };
    let given = String::from_utf8_lossy(given.as_bytes());
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = essence == "application/json"
        || essence == "text/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json { Ok(()) } else { Err(ArmError::media_type(&given)) }
}

/// A value in a body and where it stands.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    /// The path from the outermost object: `properties.appliedScopes[0]`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// An error that names this value.
    pub fn refuse(&self, message: impl std::fmt::Display) -> ArmError {
        ArmError::content(&self.path, message)
    }

    /// A property, unless it is absent or `null`.
    ///
    /// # Errors
    /// 400 when this is not an object.
    pub fn get(&self, name: &str) -> Result<Option<Self>, ArmError> {
        let object = self.object()?;
        let exact = object.get(name);
        let found = exact.or_else(|| object.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v));
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Ok(found.filter(|v| !v.is_null()).map(|value| Self { path, value }))
    }

    /// A property that has to be there.
    ///
    /// # Errors
    /// 400 when it is not.
    pub fn required(&self, name: &str) -> Result<Self, ArmError> {
        self.get(name)?.ok_or_else(|| {
            let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
            ArmError::content(&path, "is missing")
        })
    }

    /// This as an object.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn object(&self) -> Result<&'a Map<String, Value>, ArmError> {
        self.value.as_object().ok_or_else(|| self.refuse("has to be an object"))
    }

    /// This as a text of at most `max` characters, without control characters.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn text(&self, max: usize) -> Result<&'a str, ArmError> {
        let text = self.value.as_str().ok_or_else(|| self.refuse("has to be a text"))?;
        if text.chars().count() > max {
            return Err(self.refuse(format!("is longer than {max} characters")));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(self.refuse("contains control characters"));
        }
        Ok(text)
    }

    /// This as one of some words, compared without regard to case and given back in the spelling of the list.
    ///
    /// # Errors
    /// 400 that lists the words.
    pub fn word(&self, words: &[&'static str]) -> Result<&'static str, ArmError> {
        let text = self.text(200)?;
        let found = words.iter().find(|w| w.eq_ignore_ascii_case(text.trim()));
        found.copied().ok_or_else(|| self.refuse(format!("is `{text}` and has to be one of {}", words.join(", "))))
    }

    /// This as `true` or `false`, also as a text.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn truth(&self) -> Result<bool, ArmError> {
        match self.value {
            Value::Bool(truth) => Ok(*truth),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.refuse("has to be true or false")),
        }
    }

    /// This as a whole number, also as a text or with zeros after the point.
    ///
    /// # Errors
    /// 400 when it is something else or does not fit.
    pub fn whole(&self) -> Result<i64, ArmError> {
        let text = match self.value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return Err(self.refuse("has to be a whole number")),
        };
        let whole = text.split_once('.').map_or(text.as_str(), |(whole, rest)| {
            if !rest.is_empty() && rest.bytes().all(|b| b == b'0') { whole } else { "" }
        });
        whole.parse().map_err(|_| self.refuse("has to be a whole number"))
    }

    /// This as an instant.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn instant(&self) -> Result<Timestamp, ArmError> {
        let text = self.text(64)?.trim();
        text.parse().map_err(|_| self.refuse("has to be a date and time such as `2026-11-01T08:00:00Z`"))
    }

    /// This as a list of at most `max` values.
    ///
    /// # Errors
    /// 400 when it is something else or longer.
    pub fn list(&self, max: usize) -> Result<Vec<Self>, ArmError> {
        let items = self.value.as_array().ok_or_else(|| self.refuse("has to be a list"))?;
        if items.len() > max {
            return Err(self.refuse(format!("has {} entries and may have {max}", items.len())));
        }
        let nodes = items.iter().enumerate().map(|(at, value)| Self { path: format!("{}[{at}]", self.path), value });
        Ok(nodes.collect())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(content_type: Option<&'static str>, text: &[u8]) -> Result<Body, ArmError> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Body::read(&headers, text)
    }

    #[test]
    fn a_body_is_a_json_object() {
        for (content_type, text, outcome) in [
            (Some("application/json"), "{}", 200),
            (Some("Application/JSON; charset=utf-8"), "\u{feff}{} ", 200),
            (Some("application/merge-patch+json"), "{}", 200),
            (None, "{}", 200),
            (Some("text/plain"), "{}", 415),
            (Some("application/xml"), "", 415),
            (Some("application/json"), "", 400),
            (Some("application/json"), "[]", 400),
            (Some("application/json"), "{\"a\":", 400),
            (Some("application/json"), "null", 400),
        ] {
            let status = read(content_type, text.as_bytes()).map_or_else(|e| e.status.as_u16(), |_| 200);
            assert_eq!(status, outcome, "{content_type:?} {text}");
        }
        assert_eq!(read(None, &vec![b' '; MAX_BYTES + 1]).unwrap_err().status.as_u16(), 413);
        assert_eq!(read(None, "[".repeat(10_000).as_bytes()).unwrap_err().status.as_u16(), 400);
    }

    #[test]
    fn complaints_name_the_property() {
        let body = read(
            None,
            br#"{"Properties":{"quantity":"x","renew":1,"scopes":[5],"when":"today","count":2.0,"none":null}}"#,
        )
        .unwrap();
        let properties = body.root().required("properties").unwrap();
        let node = |name: &str| properties.required(name).unwrap();
        assert_eq!(node("count").whole().unwrap(), 2);
        assert!(properties.get("none").unwrap().is_none());
        for (error, path) in [
            (node("quantity").whole().unwrap_err(), "properties.quantity"),
            (node("renew").truth().unwrap_err(), "properties.renew"),
            (node("scopes").list(1).unwrap()[0].text(9).unwrap_err(), "properties.scopes[0]"),
            (node("when").instant().unwrap_err(), "properties.when"),
            (node("quantity").word(&["On", "Off"]).unwrap_err(), "properties.quantity"),
            (node("quantity").required("x").unwrap_err(), "properties.quantity"),
            (properties.required("none").unwrap_err(), "properties.none"),
            (body.root().required("sku").unwrap_err(), "sku"),
        ] {
            assert_eq!(error.code, "InvalidRequestContent");
            assert_eq!(error.body()["error"]["target"], path);
            assert!(error.message.contains(&format!("`{path}`")), "{}", error.message);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_bytes_are_read_or_refused(text in "(\\{|\\}|\\[|\\]|\"|:|,|\"properties\":|\"quantity\":|null|true|-?[0-9.eE]{1,4}|\\PC{0,3}){0,16}") {
            if let Ok(body) = read(Some("application/json"), text.as_bytes()) {
                let root = body.root();
                for name in ["properties", "quantity"] {
                    if let Ok(Some(node)) = root.get(name) {
                        let _ = (node.text(3), node.whole(), node.truth(), node.instant(), node.list(2), node.object());
                    }
                }
            }
        }
    }
}
