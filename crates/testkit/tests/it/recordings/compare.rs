//! Compares what was recorded with what we answer.

use super::recording::ORIGINAL;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Where something differs (the kind of thing and the path inside it), and how.
pub type Difference = (String, &'static str);

/// How things may differ. `missing` is never permitted: what the stage was set for has to be in a list.
const WAYS: [&str; 4] = ["only there", "only here", "another value", "another status"];

/// The differences that `docs/compatibility.md` tells of.
pub fn permitted() -> BTreeSet<Difference> {
    let page = include_str!("../../../../../docs/compatibility.md");
    let (_, section) = page.split_once("## Recorded exchanges\n").expect("the page has this section");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.flat_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [places, way, why] = cells[..] else { panic!("not three columns: {row}") };
        assert!(!why.is_empty(), "no reason: {row}");
        let way = WAYS.into_iter().find(|known| *known == way).unwrap_or_else(|| panic!("no way to differ: {row}"));
        places.split(", ").map(|place| (place.trim_matches('`').to_owned(), way)).collect::<Vec<_>>()
    });
    let mut permitted = BTreeSet::new();
    for difference in rows {
        assert!(permitted.insert(difference.clone()), "listed twice: {difference:?}");
    }
    permitted
}

/// A comparison of one session.
pub struct Comparison {
    /// Their texts and ours: identifiers, the address, names.
    known: BTreeMap<String, String>,
    found: BTreeMap<Difference, String>,
    /// The items of a list that comes in pages, theirs and ours.
    pages: Option<(String, Vec<Value>, Vec<Value>)>,
}

impl Comparison {
    /// With what is known from the start.
    pub fn new(known: BTreeMap<String, String>) -> Self {
        Self { known, found: BTreeMap::new(), pages: None }
    }

    /// A text of theirs with our identifiers in it.
    pub fn ours(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (theirs, ours) in &self.known {
            text = text.replace(theirs, ours);
        }
        text
    }

    /// Notes a difference; the first example is kept.
    pub fn differs(&mut self, place: &str, way: &'static str, example: &str) {
        self.found.entry((place.to_owned(), way)).or_insert_with(|| example.chars().take(200).collect());
    }

    /// A header field whose value has to be the same.
    pub fn header(&mut self, name: &str, theirs: &str, ours: &str) {
        match (theirs.is_empty(), ours.is_empty()) {
            (true, true) => {}
            (false, true) => self.differs(name, "only there", theirs),
            (true, false) => self.differs(name, "only here", ours),
            (false, false) if theirs != ours => self.differs(name, "another value", &format!("{ours} for {theirs}")),
            (false, false) => {}
        }
    }

    /// A header field that names an address.
    pub fn text(&mut self, name: &str, theirs: &str, ours: &str) {
        let translated = self.ours(theirs);
        self.header(name, &translated, ours);
    }

    /// The bodies of an answer. The items of pages are kept until the last one.
    pub fn body(&mut self, operation: &str, theirs: &Value, ours: &Value) {
        let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
        let (more, paged) = (theirs.get("nextLink").is_some(), self.pages.is_some());
        if (more || paged) && theirs["value"][0].get("type").is_some() {
            let take = |body: &mut Value| match body["value"].take() {
                Value::Array(items) => items,
                other => panic!("no list: {other}"),
            };
            let (their_items, our_items) = (take(&mut theirs), take(&mut ours));
            let (_, all_theirs, all_ours) =
                self.pages.get_or_insert_with(|| (operation.to_owned(), Vec::new(), Vec::new()));
            all_theirs.extend(their_items);
            all_ours.extend(our_items);
        }
        self.value(operation, &theirs, &ours);
    }

    /// Compares what was kept, and gives all that differs, each with an example.
    pub fn finish(mut self) -> Vec<(Difference, String)> {
        if let Some((operation, theirs, ours)) = self.pages.take() {
            self.value(&operation, &Value::Array(theirs), &Value::Array(ours));
        }
        self.found.into_iter().collect()
    }

    fn value(&mut self, place: &str, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::Object(their_fields), Value::Object(our_fields)) => {
                // What says what it is is called so, wherever it is found.
                let kind = theirs["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or(place);
                for (name, value) in their_fields {
                    let inside = format!("{kind}.{name}");
                    match our_fields.get(name) {
                        Some(own) => self.value(&inside, value, own),
                        None => self.differs(&inside, "only there", &value.to_string()),
                    }
                }
                for (name, value) in our_fields.iter().filter(|(name, _)| !their_fields.contains_key(*name)) {
                    self.differs(&format!("{kind}.{name}"), "only here", &value.to_string());
                }
            }
            (Value::Array(theirs), Value::Array(ours)) => self.list(place, theirs, ours),
            (Value::String(theirs), Value::String(ours)) => self.word(place, theirs, ours),
            // A counter of changes is a whole number; how many there were is not the point.
            (Value::Number(theirs), Value::Number(ours)) if place.ends_with(".etag") => {
                assert!(theirs.is_u64() && ours.is_u64(), "{place}: {ours}");
            }
            (Value::Number(theirs), Value::Number(ours)) => {
                let whole_stays_whole = !theirs.is_u64() || ours.is_u64();
                if !whole_stays_whole || theirs.as_f64() != ours.as_f64() {
                    self.differs(place, "another value", &format!("{ours} for {theirs}"));
                }
            }
            (theirs, ours) if theirs == ours => {}
            (theirs, ours) => self.differs(place, "another value", &format!("{ours} for {theirs}")),
        }
    }

    /// Items are the same when they have the same identifier, name or type; where they have none, by their place.
    fn list(&mut self, place: &str, theirs: &[Value], ours: &[Value]) {
        let item = format!("{place}[]");
        let key = ["id", "name", "type"].into_iter().find(|key| theirs.iter().all(|item| item[*key].is_string()));
        let mut left: Vec<&Value> = ours.iter().collect();
        for (at, theirs) in theirs.iter().enumerate() {
            let named = key.map(|key| theirs[key].as_str()).unwrap_or(theirs.as_str());
            let position = match named {
                Some(text) => {
                    let wanted = self.ours(text).to_lowercase();
                    let texts: Vec<&str> =
                        left.iter().map(|own| key.map_or(*own, |key| &own[key]).as_str().unwrap()).collect();
                    let same = texts.iter().position(|text| text.to_lowercase() == wanted);
                    same.or_else(|| texts.iter().position(|own| self.learns(&self.ours(text), own)))
                }
                None => Some(0).filter(|_| !left.is_empty()),
            };
            match position {
                Some(position) => self.value(&item, theirs, left.remove(position)),
                // A list that is shorter by its end.
                None if key.is_none() => {
                    self.differs(&item, "only there", &format!("{} and not {at}", theirs));
                    break;
                }
                None => {
                    let text = theirs.to_string();
                    let staged = self.known.keys().any(|known| text.contains(known.as_str()) && is_order(&text, known));
                    self.differs(&item, if staged { "missing" } else { "only there" }, &text);
                }
            }
        }
        if let Some(own) = left.first() {
            self.differs(&item, "only here", &own.to_string());
        }
    }

    fn word(&mut self, place: &str, theirs: &str, ours: &str) {
        let expected = self.ours(theirs);
        let instants = [theirs, ours].map(|text| text.ends_with('Z') && text.parse::<Timestamp>().is_ok());
        let days = [theirs, ours].map(|text| text.len() == 10 && text.parse::<Date>().is_ok());
        if expected.eq_ignore_ascii_case(ours) && (expected == ours || place.ends_with(".id")) {
            return;
        }
        // Instants were minutes apart; days were not.
        if instants == [true; 2] && days == [false; 2] {
            return;
        }
        if !self.learns(&expected, ours) {
            self.differs(place, "another value", &format!("`{ours}` for `{expected}`"));
        }
    }

    /// Whether two texts differ in one identifier that has not been met yet. From now on it is known.
    fn learns(&mut self, theirs: &str, ours: &str) -> bool {
        let identifiers = |text: &str| -> Vec<String> {
            let words = text.split(['/', '?', '_']).filter(|word| Uuid::try_parse(word).is_ok());
            words.map(str::to_owned).collect()
        };
        let known: BTreeSet<&String> = self.known.values().collect();
        let fresh = |words: Vec<String>| words.into_iter().filter(|word| !known.contains(word)).collect::<Vec<_>>();
        let (mine, yours) = (fresh(identifiers(ours)), fresh(identifiers(theirs)));
        let ([mine], [yours]) = (&mine[..], &yours[..]) else { return false };
        if theirs.replace(yours, mine) != ours {
            return false;
        }
        self.known.insert(yours.clone(), mine.clone());
        true
    }
}

/// Whether the identifier is that of the order which an item is or is of.
fn is_order(item: &str, identifier: &str) -> bool {
    item.contains(&format!("reservationOrders/{identifier}"))
}

/// Theirs and ours, from the start: the address.
pub fn address(base_url: &str) -> (String, String) {
    (ORIGINAL.to_owned(), base_url.trim_end_matches('/').to_owned())
}
