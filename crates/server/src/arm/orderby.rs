//! The `$orderby` of lists: fields with `asc` or `desc`, separated by commas.

use std::cmp::Ordering;

use serde_json::Value;

use super::error::ArmError;
use super::filter::{field_of, order};

/// How many fields one may order by.
const MAX_FIELDS: usize = 8;

/// An order that has been understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy(Vec<(&'static str, bool)>);

impl OrderBy {
    /// Reads the parameter against the fields a list allows.
    ///
    /// # Errors
    /// 400 `BadRequest` that names what is not understood.
    pub fn parse(text: &str, fields: &'static [&'static str]) -> Result<Self, ArmError> {
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > MAX_FIELDS {
            return Err(refused(&format!("names more than {MAX_FIELDS} fields")));
        }
        parts
            .into_iter()
            .map(|part| {
                let words: Vec<&str> = part.split_whitespace().collect();
                let (name, descending) = match words.as_slice() {
                    [name] => (*name, false),
                    [name, way] if way.eq_ignore_ascii_case("asc") => (*name, false),
                    [name, way] if way.eq_ignore_ascii_case("desc") => (*name, true),
                    _ => return Err(refused("has to name fields, each followed by asc or desc or nothing")),
                };
                match fields.iter().find(|f| f.eq_ignore_ascii_case(name)) {
                    Some(field) => Ok((*field, descending)),
                    None => {
                        let name: String = name.chars().take(60).collect();
                        Err(refused(&format!(
                            "names `{name}`, which this list does not know; it knows {}",
                            fields.join(", ")
                        )))
                    }
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Sorts the items of an answer; those without the field come last. Equal ones keep their order.
    pub fn sort(&self, items: &mut [Value]) {
        items.sort_by(|a, b| {
            self.0
                .iter()
                .map(|(field, descending)| compare(a, b, field, *descending))
                .fold(Ordering::Equal, Ordering::then)
        });
    }
}

fn compare(a: &Value, b: &Value, field: &str, descending: bool) -> Ordering {
    match (field_of(a, field), field_of(b, field)) {
        (Some(a), Some(b)) => {
            let ordering = order(a, b).unwrap_or(Ordering::Equal);
            if descending { ordering.reverse() } else { ordering }
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn refused(message: &str) -> ArmError {
    ArmError::bad_request("BadRequest", format!("The query parameter `$orderby` {message}.")).with_target("$orderby")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const FIELDS: &[&str] = &["properties/quantity", "properties/displayName"];

    fn sorted(text: &str) -> String {
        let mut items = [("b", Some(2)), ("a", Some(10)), ("C", Some(2)), ("d", None)]
            .map(|(name, quantity)| json!({"properties": {"displayName": name, "quantity": quantity}}));
        for item in &mut items {
            if item["properties"]["quantity"].is_null() {
                item["properties"].as_object_mut().unwrap().remove("quantity");
            }
        }
        OrderBy::parse(text, FIELDS).unwrap().sort(&mut items);
        items.iter().map(|item| item["properties"]["displayName"].as_str().unwrap()).collect()
    }

    #[test]
    fn items_are_sorted_by_number_and_text() {
        assert_eq!(sorted("properties/quantity desc"), "abCd");
        assert_eq!(sorted("properties/quantity,properties/displayname DESC"), "Cbad");
        assert_eq!(sorted("properties/displayName"), "abCd");
        for bad in ["", "name", "properties/quantity down", "properties/quantity asc asc", ","] {
            assert!(OrderBy::parse(bad, FIELDS).is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_text_is_read_or_refused(text in "(properties/quantity|asc|desc|,| |[ -ÿ]{0,3}){0,9}") {
            if let Ok(by) = OrderBy::parse(&text, FIELDS) {
                by.sort(&mut [json!({}), json!({"properties": {"quantity": 1}})]);
            }
        }
    }
}
