//! Walks a TOML document and remembers every mistake with its line and key path.

use std::cell::RefCell;
use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// Which key, such as `customers[0].entitlements[1].offer`; empty where the text is not TOML.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "line {}: {}", self.line, self.message)
        } else {
            write!(f, "line {}: {}: {}", self.line, self.path, self.message)
        }
    }
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub line: usize,
    pub path: String,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub value: T,
    pub place: Place,
}

/// The text under examination.
pub(crate) struct Sheet {
    line_starts: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Sheet {
    pub fn new(text: &str) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at.saturating_add(1)));
        Self { line_starts, mistakes: RefCell::default() }
    }

    /// The line, from 1, of a byte of the text.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    pub fn report(&self, place: &Place, message: impl Into<String>) {
        let mistake = Mistake { line: place.line, path: place.path.clone(), message: message.into() };
        self.mistakes.borrow_mut().push(mistake);
    }

    /// All mistakes, from the top of the file to its end.
    pub fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort();
        mistakes.dedup();
        mistakes
    }
}

/// A table of the document.
pub(crate) struct Section<'a> {
    sheet: &'a Sheet,
    table: &'a DeTable<'a>,
    pub place: Place,
}

impl<'a> Section<'a> {
    /// The whole document.
    pub fn root(sheet: &'a Sheet, table: &'a DeTable<'a>) -> Self {
        Self { sheet, table, place: Place { line: 1, path: String::new() } }
    }

    /// Reports every key that is not known here, with the known one it most resembles.
    pub fn knows(&self, known: &[&str]) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let place = Place { line: self.sheet.line(key.span().start), path: self.path_of(name) };
            let hint = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", listed(known)),
            };
            self.sheet.report(&place, format!("unknown key; {hint}"));
        }
    }

    fn path_of(&self, key: &str) -> String {
        let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let key = if bare { shown(key) } else { format!("{:?}", shown(key)) };
        if self.place.path.is_empty() { key } else { format!("{}.{key}", self.place.path) }
    }

    fn place_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Place {
        Place { line: self.sheet.line(value.span().start), path: self.path_of(key) }
    }

    /// The place of a key that may be missing: then the table's own line.
    pub fn place_for(&self, key: &str) -> Place {
        match self.table.get(key) {
            Some(value) => self.place_of(key, value),
            None => Place { line: self.place.line, path: self.path_of(key) },
        }
    }

    /// The place of the second of two keys that exclude each other, where both stand.
    pub fn place_if_both(&self, first: &str, second: &str) -> Option<Place> {
        (self.has(first) && self.has(second)).then(|| self.place_for(second))
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether a list is not there or has nothing in it.
    pub fn is_missing_or_empty(&self, key: &str) -> bool {
        self.table.get(key).is_none_or(|value| value.get_ref().as_array().is_some_and(|items| items.is_empty()))
    }

    pub fn report(&self, key: &str, message: impl Into<String>) {
        self.sheet.report(&self.place_for(key), message);
    }

    fn missing(&self, key: &str) {
        self.report(key, "is missing");
    }

    fn mistyped(&self, place: &Place, value: &DeValue<'_>, wanted: &str) {
        self.sheet.report(place, format!("must be {wanted}, not {}", kind(value)));
    }

    /// A text that may be left out.
    pub fn text(&self, key: &str) -> Option<Found<&'a str>> {
        let value = self.table.get(key)?;
        let place = self.place_of(key, value);
        match value.get_ref() {
            DeValue::String(text) => Some(Found { value: text.as_ref(), place }),
            other => {
                self.mistyped(&place, other, "a text in quotes");
                None
            }
        }
    }

    /// A text or a number or a date, each as it is written: for values that TOML has a spelling of its own for.
    pub fn literal(&self, key: &str) -> Option<Found<String>> {
        let value = self.table.get(key)?;
        let place = self.place_of(key, value);
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Datetime(instant) => instant.to_string(),
            other => {
                self.mistyped(&place, other, "a text in quotes");
                return None;
            }
        };
        Some(Found { value: text, place })
    }

    /// A text of some form that may be left out.
    pub fn parsed<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Found<T>> {
        let text = self.text(key)?;
        self.convert(&text.place, text.value, parse)
    }

    /// As [`Self::parsed`], from a text, number or date.
    pub fn parsed_literal<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Found<T>> {
        let text = self.literal(key)?;
        self.convert(&text.place, &text.value, parse)
    }

    /// A text of some form that must be there.
    pub fn required<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Found<T>> {
        if !self.has(key) {
            self.missing(key);
        }
        self.parsed(key, parse)
    }

    fn convert<T>(&self, place: &Place, text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Found<T>> {
        match parse(text) {
            Ok(value) => Some(Found { value, place: place.clone() }),
            Err(message) => {
                self.sheet.report(place, message);
                None
            }
        }
    }

    /// A yes or no that may be left out.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let value = self.table.get(key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.mistyped(&self.place_of(key, value), value.get_ref(), "`true` or `false`");
        None
    }

    /// A list of texts of some form; empty when left out.
    pub fn list<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<Found<T>> {
        let Some(value) = self.table.get(key) else {
            return vec![];
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped(&self.place_of(key, value), value.get_ref(), "a list such as `[\"…\"]`");
            return vec![];
        };
        let mut found = vec![];
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            let place = Place { line: self.sheet.line(item.span().start), path };
            match item.get_ref() {
                DeValue::String(text) => found.extend(self.convert(&place, text, &parse)),
                other => self.mistyped(&place, other, "a text in quotes"),
            }
        }
        found
    }

    /// A table that may be left out.
    pub fn section(&self, key: &str) -> Option<Section<'a>> {
        let value = self.table.get(key)?;
        let place = self.place_of(key, value);
        match value.get_ref() {
            DeValue::Table(table) => Some(Section { sheet: self.sheet, table, place }),
            other => {
                self.mistyped(&place, other, "a table");
                None
            }
        }
    }

    /// The tables of an array such as `[[customers]]`; none when left out.
    pub fn sections(&self, key: &str) -> Vec<Section<'a>> {
        let Some(value) = self.table.get(key) else {
            return vec![];
        };
        let DeValue::Array(items) = value.get_ref() else {
            let wanted = format!("a list of tables: write `[[{}]]`", self.path_of(key));
            self.mistyped(&self.place_of(key, value), value.get_ref(), &wanted);
            return vec![];
        };
        let mut found = vec![];
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            let place = Place { line: self.sheet.line(item.span().start), path };
            match item.get_ref() {
                DeValue::Table(table) => found.push(Section { sheet: self.sheet, table, place }),
                other => self.mistyped(&place, other, "a table"),
            }
        }
        found
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A user's text as it stands in a message: cut to 64 characters, line ends and the like spelt out.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(64) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}

/// Names for a message: `a`, `b` or `c`.
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// The known name that takes the fewest edits to reach, if it is near enough to be meant.
pub fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let name: Vec<char> = name.chars().take(40).flat_map(char::to_lowercase).collect();
    let (distance, near) = known.iter().map(|candidate| (edits(&name, candidate), *candidate)).min()?;
    let tolerated = near.chars().count().max(name.len()).div_ceil(3).max(1);
    (distance <= tolerated).then_some(near)
}

/// Levenshtein's distance.
fn edits(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        for (j, (b, pair)) in to.iter().zip(row.windows(2)).enumerate() {
            let [diagonal, above] = pair else { continue };
            let left = next.get(j).copied().unwrap_or(usize::MAX);
            let replaced = diagonal.saturating_add(usize::from(a != b));
            next.push(replaced.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_key_is_offered_when_it_is_near() {
        let known = ["tenant_id", "name", "domain", "agreement_confirmed"];
        for (name, near) in [
            ("tenantid", Some("tenant_id")),
            ("Name", Some("name")),
            ("domian", Some("domain")),
            ("agreement_confirm", Some("agreement_confirmed")),
            ("colour", None),
        ] {
            assert_eq!(nearest(name, &known), near, "{name}");
        }
    }

    #[test]
    fn lines_count_from_one() {
        let sheet = Sheet::new("a\nbb\n\nc");
        assert_eq!([0, 1, 2, 4, 5, 6, 99].map(|at| sheet.line(at)), [1, 1, 2, 2, 3, 4, 4]);
    }
}
