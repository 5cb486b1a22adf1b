//! Entity tags: sent in the body by every SDK, in `If-Match` by raw clients.

use super::error::{Code, Failure};

/// A tag for comparison: without quotes, without the mark of a weak tag, without blanks.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("W/").unwrap_or(text).trim_matches('"')
}

/// Which tag the client expects: `If-Match` wins over the body, `*` and nothing at all mean any.
pub fn expected<'a>(if_match: Option<&'a str>, in_body: Option<&'a str>) -> Option<&'a str> {
    [if_match, in_body].into_iter().flatten().map(bare).find(|tag| !tag.is_empty()).filter(|tag| *tag != "*")
}

/// Compares what the client expects with what is stored.
///
/// # Errors
/// 400/2055 when they differ. Not 412, which one SDK repeats three times.
pub fn check(expected: Option<&str>, current: &str) -> Result<(), Failure> {
    match expected {
        Some(tag) if tag != bare(current) => Err(stale()),
        _ => Ok(()),
    }
}

/// The refusal of a stale tag.
pub fn stale() -> Failure {
    Failure::new(
        Code::EtagStale,
        "the resource changed after it was read, read it again and repeat the change on the new state",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_wins_and_quotes_do_not_count() {
        assert_eq!(expected(Some("\"a\""), Some("b")), Some("a"));
        assert_eq!(expected(None, Some("\"b\"")), Some("b"));
        assert_eq!(expected(Some("W/\"a\""), None), Some("a"));
        assert_eq!(expected(Some("*"), Some("b")), None);
        assert_eq!(expected(Some(""), None), None);
        assert!(check(Some("a"), "\"a\"").is_ok());
        assert!(check(None, "\"a\"").is_ok());
        assert_eq!(check(Some("b"), "\"a\"").unwrap_err().code, Code::EtagStale);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_can_be_tried(header in proptest::option::of(".{0,12}"), body in proptest::option::of(".{0,12}")) {
            let tag = expected(header.as_deref(), body.as_deref());
            let _ = check(tag, "\"a\"");
        }
    }
}
