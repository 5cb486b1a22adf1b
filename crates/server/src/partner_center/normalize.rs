//! Paths and words as clients spell them, brought to one form.
//!
//! The official pages and the client libraries disagree about case, doubled slashes, trailing slashes and stray blanks;
//! all spellings are taken, and none is answered with a redirect, which would lose the bearer token.

/// Why a path cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// A percent sign without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the path is not percent-encoded UTF-8 text")]
    Encoding,
    /// Longer than any path of this API.
    #[error("the path is longer than {PATH_MAX} bytes")]
    TooLong,
}

/// Longest path that is read, in bytes.
const PATH_MAX: usize = 4096;

/// The path in one spelling: lower case, single slashes, no slash at the end, no blanks around a segment.
///
/// Identifiers are compared without regard to case everywhere, so nothing is lost by lowering them too.
///
/// # Errors
/// [`BadPath`] when the text is not percent-encoded UTF-8 or is too long.
pub fn path(raw: &str) -> Result<String, BadPath> {
    if raw.len() > PATH_MAX {
        return Err(BadPath::TooLong);
    }
    let mut out = String::with_capacity(raw.len());
    for segment in raw.split('/').filter(|s| !s.is_empty()) {
        let decoded = percent_decode(segment, false).ok_or(BadPath::Encoding)?;
        let trimmed = decoded.trim();
        if trimmed.is_empty() {
            continue;
        }
        out.push('/');
        encode_into(&mut out, &trimmed.to_lowercase(), b"-._~:,@+=!$&'()*;");
    }
    if out.is_empty() {
        out.push('/');
    }
    Ok(out)
}

/// A word of an enumeration for comparison: lower case, without underscores, dashes and blanks.
pub fn word(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '_' | '-') && !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// Reads percent-encoded UTF-8. With `plus_is_space`, `+` is a blank, as in forms.
///
/// A percent sign that starts no escape stands for itself: one client library escapes only some characters.
/// `None` when the bytes are not UTF-8.
pub fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = match byte {
            b'%' => bytes.get(at + 1).and_then(hex_digit).zip(bytes.get(at + 2).and_then(hex_digit)),
            _ => None,
        };
        match (byte, escape) {
            (_, Some((high, low))) => {
                out.push(high * 16 + low);
                at += 3;
            }
            (b'+', None) if plus_is_space => {
                out.push(b' ');
                at += 1;
            }
            (other, None) => {
                out.push(other);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

fn hex_digit(byte: &u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Percent-encodes everything that is not a letter, a digit or one of `-._~`: legal in a query for the strictest reader.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_into(&mut out, text, b"-._~");
    out
}

fn encode_into(out: &mut String, text: &str, also_plain: &[u8]) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || also_plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(HEX.get(usize::from(digit)).copied().unwrap_or('0'));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_path_becomes_one() {
        for (raw, want) in [
            ("/v1/SelfServePolicy", "/v1/selfservepolicy"),
            ("//v1//customers", "/v1/customers"),
            ("/v1/customers/ABC%20/users/", "/v1/customers/abc/users"),
            ("/v1/customers/%20/orders", "/v1/customers/orders"),
            ("/", "/"),
            ("", "/"),
            ("/a%2Fb", "/a%2Fb"),
            ("/%C3%85", "/%C3%A5"),
        ] {
            assert_eq!(path(raw).as_deref(), Ok(want), "{raw}");
        }
        assert_eq!(path("/%FF"), Err(BadPath::Encoding));
        assert_eq!(path(&"/a".repeat(3000)), Err(BadPath::TooLong));
    }

    #[test]
    fn words_ignore_case_and_underscores() {
        for text in ["OneTime", "one_time", "ONETIME", "one-time"] {
            assert_eq!(word(text), "onetime");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_path_is_brought_to_one_form_once(raw in "[/a-zA-Z0-9%. +:~é\u{0}-]{0,40}") {
            if let Ok(once) = path(&raw) {
                prop_assert_eq!(path(&once), Ok(once.clone()));
                prop_assert!(once.starts_with('/') && !once.contains("//"));
                prop_assert!(http::Uri::try_from(once.as_str()).is_ok());
            }
        }

        #[test]
        fn what_is_encoded_can_be_decoded(text in any::<String>()) {
            let encoded = percent_encode(&text);
            prop_assert_eq!(percent_decode(&encoded, true), Some(text));
        }

        #[test]
        fn any_text_can_be_tried(text in any::<String>(), plus in any::<bool>()) {
            let _ = percent_decode(&text, plus);
            let _ = path(&text);
            let _ = word(&text);
        }
    }
}
