//! The headers every request and every answer carries.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::error::Failure;
use super::filter::short;

/// Names this call, for idempotency.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("ms-requestid");
/// Names the operation that a call belongs to, for the log.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("ms-correlationid");
/// The language of texts.
pub const LOCALE: HeaderName = HeaderName::from_static("x-locale");
/// A place in a collection.
pub const CONTINUATION: HeaderName = HeaderName::from_static("ms-continuationtoken");
const CLIENT: HeaderName = HeaderName::from_static("ms-partnercenter-client");
const APPLICATION: HeaderName = HeaderName::from_static("ms-partnercenter-application");

/// What the headers of a request say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The caller's own name for this call; only then a repeat is recognised.
    pub idempotency: Option<Uuid>,
    /// Echoed: the caller's, or a new one.
    pub request_id: Uuid,
    /// Echoed and stored in audit records: the caller's, or a new one.
    pub correlation_id: Uuid,
    /// Echoed: a language tag.
    pub locale: String,
    /// Whether the Java SDK asks, whose enumerations are strict.
    pub java: bool,
    /// What the calling program calls itself.
    pub application: Option<String>,
    /// The tag the caller expects.
    pub if_match: Option<String>,
    /// A place in a collection.
    pub continuation: Option<String>,
}

impl Envelope {
    /// Reads the headers. An identifier that is not a GUID is replaced for the echo and comes back as the failure, so that
    /// even this refusal carries identifiers.
    pub fn read(headers: &HeaderMap, new_id: impl Fn() -> Uuid) -> (Self, Option<Failure>) {
        let mut failure = None;
        let mut id = |name: &HeaderName, label: &str| match text(headers, name) {
            None => None,
            Some(text) => match guid(text) {
                Some(id) => Some(id),
                None => {
                    failure.get_or_insert_with(|| {
                        Failure::input(format!("the header `{label}` is `{}`, which is not a GUID", short(text)))
                    });
                    None
                }
            },
        };
        let idempotency = id(&REQUEST_ID, "MS-RequestId").filter(|id| !id.is_nil());
        let correlation = id(&CORRELATION_ID, "MS-CorrelationId").filter(|id| !id.is_nil());
        let owned = |name: &HeaderName| text(headers, name).map(str::to_owned);
        let envelope = Self {
            idempotency,
            request_id: idempotency.unwrap_or_else(&new_id),
            correlation_id: correlation.unwrap_or_else(&new_id),
            locale: text(headers, &LOCALE).filter(|tag| is_language_tag(tag)).unwrap_or("en-US").to_owned(),
            java: text(headers, &CLIENT).is_some_and(|name| name.eq_ignore_ascii_case("Partner Center Java SDK")),
            application: owned(&APPLICATION).map(|name| name.chars().take(128).collect()),
            if_match: owned(&http::header::IF_MATCH),
            continuation: owned(&CONTINUATION),
        };
        (envelope, failure)
    }

    /// Writes what every answer carries, success or failure.
    pub fn echo(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            (REQUEST_ID, self.request_id.hyphenated().to_string()),
            (CORRELATION_ID, self.correlation_id.hyphenated().to_string()),
            (LOCALE, self.locale.clone()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}").trim()).filter(|text| !text.is_empty())
}

fn guid(text: &str) -> Option<Uuid> {
    let sound = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if sound { Uuid::try_parse(text).ok() } else { None }
}

/// `en-US`, `sv`, `zh-Hant-TW`.
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or("");
    text.len() <= 35
        && (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "0a4e5a6e-40b5-4a35-9c9b-3a7f2f1a8a11";

    fn read(pairs: &[(&'static str, &str)]) -> (Envelope, Option<Failure>) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Envelope::read(&headers, || Uuid::from_u128(7))
    }

    #[test]
    fn identifiers_are_echoed_or_made() {
        let (envelope, failure) = read(&[("ms-requestid", GIVEN), ("ms-correlationid", GIVEN), ("x-locale", "sv-SE")]);
        assert_eq!(failure, None);
        assert_eq!(envelope.idempotency, Uuid::try_parse(GIVEN).ok());
        let mut out = HeaderMap::new();
        envelope.echo(&mut out);
        assert_eq!(out["ms-requestid"], GIVEN);
        assert_eq!(out["ms-correlationid"], GIVEN);
        assert_eq!(out["x-locale"], "sv-SE");
        let (envelope, failure) = read(&[]);
        assert_eq!((failure, envelope.idempotency), (None, None));
        assert_eq!(envelope.request_id, Uuid::from_u128(7));
        assert_eq!(envelope.locale, "en-US");
    }

    #[test]
    fn a_malformed_identifier_is_refused_by_name_and_still_answered_with_one() {
        let (envelope, failure) = read(&[("ms-requestid", "abc"), ("x-locale", "<script>")]);
        assert!(failure.unwrap().description.contains("`MS-RequestId` is `abc`"));
        assert_eq!(envelope.request_id, Uuid::from_u128(7));
        assert_eq!(envelope.locale, "en-US");
        // Both SDKs send the empty GUID for an identifier nobody set.
        let (envelope, failure) = read(&[("ms-requestid", "00000000-0000-0000-0000-000000000000")]);
        assert_eq!((envelope.idempotency, failure), (None, None));
    }

    #[test]
    fn the_java_sdk_is_recognised() {
        assert!(read(&[("ms-partnercenter-client", "Partner Center Java SDK")]).0.java);
        assert!(!read(&[("ms-partnercenter-client", "Partner Center .NET SDK")]).0.java);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_header_can_be_tried(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                for name in [REQUEST_ID, CORRELATION_ID, LOCALE, CLIENT, APPLICATION, CONTINUATION] {
                    headers.insert(name, value.clone());
                }
            }
            let (envelope, _) = Envelope::read(&headers, || Uuid::from_u128(7));
            let mut out = HeaderMap::new();
            envelope.echo(&mut out);
            prop_assert_eq!(out.len(), 3);
        }
    }
}
