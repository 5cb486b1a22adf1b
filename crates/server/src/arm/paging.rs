//! Pages of lists, and addresses that lead back to this server.

use serde_json::{Value, json};

use super::error::ArmError;
use super::query::Query;

/// How many items a page holds when the caller does not say.
pub const PAGE_SIZE: usize = 50;
/// The most items a page may hold.
const MAX_PAGE_SIZE: usize = 1_000;
/// The farthest a page may start.
const MAX_OFFSET: usize = 10_000_000;

/// Where a page starts and how long it is.
///
/// The token in `nextLink` is the number of items to skip: some clients take links apart and put them together again, which
/// only digits survive, and others set the token themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    offset: usize,
    size: usize,
}

impl Page {
    /// Reads the parameters: the token under `token_name`, such as `$skiptoken`, and `take` or `$top`.
    ///
    /// # Errors
    /// 400 for a token or size that is none.
    pub fn read(query: &Query, token_name: &str) -> Result<Self, ArmError> {
        let offset = query.number(token_name, MAX_OFFSET)?.unwrap_or(0);
        let taken = match query.number("take", MAX_OFFSET)? {
            Some(take) => Some(take),
            None => query.number("$top", MAX_OFFSET)?,
        };
        Ok(Self { offset, size: taken.unwrap_or(PAGE_SIZE).clamp(1, MAX_PAGE_SIZE) })
    }

    /// Cuts the page out of the whole list and says where the next one is.
    pub fn cut(self, items: Vec<Value>, here: &Address<'_>, token_name: &str) -> Value {
        let end = self.offset.saturating_add(self.size);
        let more = items.len() > end;
        let value: Vec<Value> = items.into_iter().skip(self.offset).take(self.size).collect();
        if more {
            json!({"value": value, "nextLink": here.next(token_name, &end.to_string())})
        } else {
            json!({"value": value})
        }
    }
}

/// The address of a request, as its sender knows it.
#[derive(Debug, Clone)]
pub struct Address<'a> {
    /// `https://host:port`.
    pub base: &'a str,
    /// The path as sent.
    pub path: &'a str,
    /// The query as sent.
    pub query: &'a Query,
}

impl Address<'_> {
    fn next(&self, token_name: &str, token: &str) -> String {
        // The path is sent without repeated slashes, so that the address can be appended to nothing but the base.
        let path = self.path.trim_start_matches('/');
        format!("{}/{path}?{}", self.base, self.query.with(token_name, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_until_the_list_ends() {
        let items: Vec<Value> = (0..120).map(Value::from).collect();
        let mut token = String::new();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let query = Query::parse(&format!("api-version=2022-11-01&$filter=a%20eq%20'%C3%A5'&%24skiptoken={token}"))
                .unwrap();
            let here =
                Address { base: "https://h:1", path: "//providers/Microsoft.Capacity/reservations", query: &query };
            let page = Page::read(&query, "$skiptoken").unwrap().cut(items.clone(), &here, "$skiptoken");
            seen.extend(page["value"].as_array().unwrap().clone());
            match page["nextLink"].as_str() {
                Some(link) => {
                    assert!(
                        link.starts_with(
                            "https://h:1/providers/Microsoft.Capacity/reservations?api-version=2022-11-01&"
                        )
                    );
                    assert!(link.contains("%24filter=a%20eq%20%27%C3%A5%27"), "{link}");
                    token = link.rsplit_once("%24skiptoken=").unwrap().1.to_owned();
                    assert!(token.bytes().all(|b| b.is_ascii_digit()));
                }
                None => break,
            }
        }
        assert_eq!(seen, items);
    }

    #[test]
    fn tokens_and_sizes_that_are_none_are_refused() {
        for (query, good) in [("", true), ("$skiptoken=50&take=5", true), ("$skiptoken=abc", false), ("take=-1", false)]
        {
            assert_eq!(Page::read(&Query::parse(query).unwrap(), "$skiptoken").is_ok(), good, "{query}");
        }
    }
}
