//! Collections: the envelope, links, pages, and the tokens that carry a place in a list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::error::Failure;
use super::filter::Query;
use super::normalize::percent_encode;

/// A link to a path without `/v1` and host.
pub fn link(uri: impl Into<String>) -> Value {
    json!({"uri": uri.into(), "method": "GET", "headers": []})
}

/// A path with its query, percent-encoded for the strictest reader.
pub fn uri(path: &str, parameters: &[(&str, String)]) -> String {
    let mut out = path.to_owned();
    for (at, (name, value)) in parameters.iter().enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        out.push_str(&percent_encode(value));
    }
    out
}

/// A page of a collection, and how to get to its neighbours.
#[derive(Debug, Clone)]
pub struct Page {
    /// The resources.
    pub items: Vec<Value>,
    /// Path of the collection, without `/v1`.
    pub path: String,
    /// What the caller asked for, to be repeated in every link.
    pub parameters: Vec<(&'static str, String)>,
    /// Where the next page starts, when there is one.
    pub next: Option<Cursor>,
    /// Where the previous page ends, when there is one.
    pub previous: Option<Cursor>,
}

impl Page {
    /// A collection that fits one page.
    pub fn whole(path: impl Into<String>, items: Vec<Value>) -> Self {
        Self { items, path: path.into(), parameters: Vec::new(), next: None, previous: None }
    }

    /// The envelope. `totalCount` is the number of items of this page, as both SDKs take it.
    pub fn render(self) -> Value {
        let neighbour = |cursor: &Cursor, operation: &str| {
            let mut parameters = self.parameters.clone();
            parameters.push(("seekOperation", operation.to_owned()));
            json!({
                "uri": uri(&self.path, &parameters),
                "method": "GET",
                "headers": [{"key": "MS-ContinuationToken", "value": cursor.encode()}],
            })
        };
        let mut links = Map::new();
        links.insert("self".into(), link(uri(&self.path, &self.parameters)));
        let mut envelope = Map::new();
        if let Some(cursor) = &self.next {
            links.insert("next".into(), neighbour(cursor, "Next"));
            envelope.insert("continuationToken".into(), cursor.encode().into());
        }
        if let Some(cursor) = &self.previous {
            links.insert("previous".into(), neighbour(cursor, "Previous"));
            // An explicit seek reads the token from the body; the last page still has a way back.
            envelope.entry("continuationToken").or_insert_with(|| cursor.encode().into());
        }
        envelope.insert("totalCount".into(), self.items.len().into());
        envelope.insert("items".into(), Value::Array(self.items));
        envelope.insert("links".into(), Value::Object(links));
        envelope.insert("attributes".into(), json!({"objectType": "Collection"}));
        Value::Object(envelope)
    }
}

/// A place in a collection. It carries all the next request needs, because an explicit seek sends nothing else, and
/// nothing that the caller may not see: whose collection it is comes from the access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which collection.
    pub collection: &'static str,
    /// Page size.
    pub size: u32,
    /// What the list was restricted to, in the collection's own words.
    pub restriction: Vec<String>,
    /// Key of the first item of the page the token came with.
    pub first: Vec<String>,
    /// Key of its last item.
    pub last: Vec<String>,
}

impl Cursor {
    /// The opaque text.
    pub fn encode(&self) -> String {
        let payload = json!([self.collection, self.size, self.restriction, self.first, self.last]).to_string();
        let mut bytes = checksum(payload.as_bytes()).to_vec();
        bytes.extend_from_slice(payload.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token of this collection.
    ///
    /// # Errors
    /// 400/800002 when it is not one.
    pub fn decode(collection: &'static str, text: &str) -> Result<Self, Failure> {
        Self::try_decode(collection, text).ok_or_else(|| {
            Failure::input("`MS-ContinuationToken` is not a token of this collection, start again from the first page")
        })
    }

    fn try_decode(collection: &'static str, text: &str) -> Option<Self> {
        if text.len() > 8192 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('=')).ok()?;
        let (sum, payload) = bytes.split_at_checked(8)?;
        if sum != checksum(payload) {
            return None;
        }
        let (name, size, restriction, first, last): (String, u32, Vec<String>, Vec<String>, Vec<String>) =
            serde_json::from_slice(payload).ok()?;
        (name == collection && size > 0).then_some(Self { collection, size, restriction, first, last })
    }
}

/// Tells a token that was cut or mistyped from one that was not. It keeps no secret: a token gives no rights.
fn checksum(payload: &[u8]) -> [u8; 8] {
    let digest = Sha256::new_with_prefix(b"fullmakt continuation token 1").chain_update(payload).finalize();
    let mut sum = [0; 8];
    for (to, from) in sum.iter_mut().zip(digest) {
        *to = from;
    }
    sum
}

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seek {
    /// The first one.
    First,
    /// The last one.
    Last,
    /// The one after the token's.
    Next(Cursor),
    /// The one before the token's.
    Previous(Cursor),
    /// The one that starts after so many items; the token's size and restriction apply, if one was sent.
    Offset(u32, Option<Cursor>),
}

impl Seek {
    /// Reads `seekOperation` and the token, which is a header or, from one client, a parameter.
    ///
    /// # Errors
    /// 400/800002 for an unknown operation, or when the operation needs a token and has none.
    pub fn parse(collection: &'static str, query: &Query, header: Option<&str>) -> Result<Self, Failure> {
        let token = header.map(str::trim).filter(|text| !text.is_empty()).or_else(|| query.get("MS-ContinuationToken"));
        let token = token.map(|text| Cursor::decode(collection, text)).transpose()?;
        let operation = ["seekOperation", "seek_operation"].into_iter().find(|name| query.get(name).is_some());
        let words = ["First", "Last", "Next", "Previous", "PageIndex"];
        let operation = operation.map(|name| query.one_of(name, &words)).transpose()?.flatten();
        let needed = || Failure::input("`seekOperation` needs the header `MS-ContinuationToken` of the page before");
        match (operation, token) {
            (Some("First"), _) => Ok(Self::First),
            (Some("Last"), _) => Ok(Self::Last),
            (Some("Previous"), Some(cursor)) => Ok(Self::Previous(cursor)),
            (Some("PageIndex"), token) => {
                let size = query.size(token.as_ref().map_or(1, |t| t.size), u32::MAX)?;
                let index = query.whole("pageIndex")?.map(|index| index.saturating_mul(size));
                let offset = index.or(query.whole("offset")?).or(query.whole("index")?);
                Ok(Self::Offset(offset.unwrap_or(0), token))
            }
            (Some("Next") | None, Some(cursor)) => Ok(Self::Next(cursor)),
            (Some(_), None) => Err(needed()),
            (Some(_), Some(_)) => Err(needed()),
            (None, None) => match query.whole("offset")? {
                None | Some(0) => Ok(Self::First),
                Some(offset) => Ok(Self::Offset(offset, None)),
            },
        }
    }

    /// The token that was sent along, if any.
    pub fn cursor(&self) -> Option<&Cursor> {
        match self {
            Self::First | Self::Last => None,
            Self::Next(cursor) | Self::Previous(cursor) => Some(cursor),
            Self::Offset(_, cursor) => cursor.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor() -> Cursor {
        Cursor {
            collection: "customers",
            size: 2,
            restriction: vec!["å b".into()],
            first: vec!["a".into(), "1".into()],
            last: vec!["b".into(), "2".into()],
        }
    }

    #[test]
    fn an_empty_collection_has_items_and_no_next() {
        let body = Page::whole("/customers", vec![]).render();
        assert_eq!(body["totalCount"], 0);
        assert_eq!(body["items"], json!([]));
        assert_eq!(body["links"], json!({"self": {"uri": "/customers", "method": "GET", "headers": []}}));
        assert_eq!(body["attributes"]["objectType"], "Collection");
        assert!(body.get("continuationToken").is_none());
    }

    #[test]
    fn the_next_link_is_legal_and_complete() {
        let page = Page {
            items: vec![json!(1)],
            path: "/customers".into(),
            parameters: vec![("size", "2".into()), ("filter", r#"{"Field":"å b"}"#.into())],
            next: Some(cursor()),
            previous: None,
        };
        let body = page.render();
        assert_eq!(
            body["links"]["next"]["uri"],
            "/customers?size=2&filter=%7B%22Field%22%3A%22%C3%A5%20b%22%7D&seekOperation=Next"
        );
        let header = &body["links"]["next"]["headers"][0];
        assert_eq!(header["key"], "MS-ContinuationToken");
        assert_eq!(header["value"], body["continuationToken"]);
        assert!(http::Uri::try_from(body["links"]["next"]["uri"].as_str().unwrap()).is_ok());
    }

    #[test]
    fn a_token_is_read_where_it_belongs_and_nowhere_else() {
        let token = cursor().encode();
        assert_eq!(Cursor::decode("customers", &token), Ok(cursor()));
        assert!(Cursor::decode("auditrecords", &token).is_err());
        assert!(Cursor::decode("customers", "garbage").is_err());
        let seek = |query: &str, header| Seek::parse("customers", &Query::parse(query).unwrap(), header);
        assert_eq!(seek("seekoperation=next&size=0", Some(token.as_str())), Ok(Seek::Next(cursor())));
        assert_eq!(seek("seekOperation=Previous", Some(token.as_str())), Ok(Seek::Previous(cursor())));
        assert_eq!(seek(&format!("MS-ContinuationToken={token}"), None), Ok(Seek::Next(cursor())));
        assert_eq!(seek("", None), Ok(Seek::First));
        assert_eq!(seek("seekOperation=Last", None), Ok(Seek::Last));
        assert_eq!(seek("offset=7", None), Ok(Seek::Offset(7, None)));
        assert_eq!(seek("seekOperation=PageIndex&size=3&pageIndex=2", None), Ok(Seek::Offset(6, None)));
        assert!(seek("seekOperation=Next", None).is_err());
        assert!(seek("seekOperation=Sideways", None).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_changed_token_is_refused(at in 0_usize..60, to in "[A-Za-z0-9_-]") {
            let token = cursor().encode();
            let mut changed = token.clone();
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(Cursor::decode("customers", &changed).is_ok(), changed == token);
        }

        #[test]
        fn any_token_can_be_tried(text in "[A-Za-z0-9_=+/-]{0,80}|.{0,20}", operation in "[a-zA-Z]{0,9}") {
            let _ = Cursor::decode("customers", &text);
            if let Ok(query) = Query::parse(&format!("seekOperation={operation}&size=3")) {
                let _ = Seek::parse("customers", &query, Some(&text));
            }
        }
    }
}
