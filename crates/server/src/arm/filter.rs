//! The `$filter` of lists: comparisons, functions, `and`, `or`, `not`, parentheses.
//!
//! A filter is read against the names a list allows and then asked about the answer's own JSON, so that what can be filtered
//! is what can be seen. Names and operators are compared without regard to case, and so are texts, as Azure Resource Manager
//! does with names of things.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use super::error::ArmError;

/// The longest filter, in bytes.
const MAX_BYTES: usize = 4_096;
/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 32;

/// What a list lets one filter by.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Fields, with slashes, in the spelling of the answer: `properties/quantity`.
    pub fields: &'static [&'static str],
    /// Functions and how many texts they take: `("assignedTo", 1)`.
    pub functions: &'static [(&'static str, usize)],
}

/// A filter that has been understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// A field against a value.
    Compare {
        /// The field as the list spells it.
        field: &'static str,
        /// How.
        operator: Operator,
        /// With what.
        value: Literal,
    },
    /// A function with its texts.
    Call {
        /// The function as the list spells it.
        name: &'static str,
        /// What stood in its parentheses.
        arguments: Vec<String>,
    },
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// Either.
    Or(Box<Filter>, Box<Filter>),
    /// The contrary.
    Not(Box<Filter>),
}

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// In quotes; may still be a date, a number or a truth where the field is one.
    Text(String),
    /// A decimal number.
    Number(Decimal),
    /// `true` or `false`.
    Truth(bool),
    /// A date with or without time, without quotes.
    Instant(Timestamp),
    /// `null`.
    Null,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// 400 `BadRequest` that names what is not understood.
    pub fn parse(text: &str, allowed: Allowed) -> Result<Self, ArmError> {
        if text.len() > MAX_BYTES {
            return Err(refused(&format!("is longer than {MAX_BYTES} bytes")));
        }
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, allowed };
        let filter = parser.either(0)?;
        match parser.peek() {
            None => Ok(filter),
            Some(rest) => Err(refused(&format!("ends before `{}`", rest.shown()))),
        }
    }

    /// Whether an item of a list passes; functions pass when `call` says so.
    pub fn matches(&self, item: &Value, call: &dyn Fn(&str, &[String]) -> bool) -> bool {
        match self {
            Self::Compare { field, operator, value } => compare(field_of(item, field), *operator, value),
            Self::Call { name, arguments } => call(name, arguments),
            Self::And(a, b) => a.matches(item, call) && b.matches(item, call),
            Self::Or(a, b) => a.matches(item, call) || b.matches(item, call),
            Self::Not(inner) => !inner.matches(item, call),
        }
    }

    /// The arguments of a function that has to hold, wherever `and` puts it.
    pub fn required_call(&self, function: &str) -> Option<&[String]> {
        match self {
            Self::Call { name, arguments } if name.eq_ignore_ascii_case(function) => Some(arguments),
            Self::And(a, b) => a.required_call(function).or_else(|| b.required_call(function)),
            Self::Call { .. } | Self::Compare { .. } | Self::Or(..) | Self::Not(_) => None,
        }
    }
}

/// A field of an answer by its path with slashes, without regard to case.
pub fn field_of<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').try_fold(item, |value, name| {
        value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, found)| found)
    })
}

/// How two values of one field stand to each other; [`None`] when they are of different kinds.
pub fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Some(number(&a.to_string())?.cmp(&number(&b.to_string())?)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(order_texts(a, b)),
        _ => None,
    }
}

fn order_texts(a: &str, b: &str) -> Ordering {
    match (instant(a), instant(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.to_lowercase().cmp(&b.to_lowercase()),
    }
}

fn compare(found: Option<&Value>, operator: Operator, value: &Literal) -> bool {
    let ordering = match (found, value) {
        (None | Some(Value::Null), Literal::Null) => Some(Ordering::Equal),
        (Some(Value::Bool(found)), Literal::Truth(wanted)) => Some(found.cmp(wanted)),
        (Some(Value::Bool(found)), Literal::Text(wanted)) => {
            wanted.trim().to_ascii_lowercase().parse().ok().map(|wanted| found.cmp(&wanted))
        }
        (Some(Value::Number(found)), Literal::Number(wanted)) => number(&found.to_string()).map(|f| f.cmp(wanted)),
        (Some(Value::Number(found)), Literal::Text(wanted)) => {
            number(&found.to_string()).zip(number(wanted.trim())).map(|(f, w)| f.cmp(&w))
        }
        (Some(Value::String(found)), Literal::Text(wanted)) => Some(order_texts(found, wanted)),
        (Some(Value::String(found)), Literal::Truth(wanted)) => Some(order_texts(found, &wanted.to_string())),
        (Some(Value::String(found)), Literal::Number(wanted)) => number(found).map(|f| f.cmp(wanted)),
        (Some(Value::String(found)), Literal::Instant(wanted)) => instant(found).map(|f| f.cmp(wanted)),
        _ => None,
    };
    match (operator, ordering) {
        (Operator::Ne, ordering) => ordering != Some(Ordering::Equal),
        (_, None) => false,
        (Operator::Eq, Some(ordering)) => ordering.is_eq(),
        (Operator::Gt, Some(ordering)) => ordering.is_gt(),
        (Operator::Ge, Some(ordering)) => ordering.is_ge(),
        (Operator::Lt, Some(ordering)) => ordering.is_lt(),
        (Operator::Le, Some(ordering)) => ordering.is_le(),
    }
}

fn number(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

/// A date or a date with time; a date alone is its midnight, UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.len() < 10 {
        return None;
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let date: Date = Some(text).filter(|t| t.len() == 10)?.parse().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

fn refused(message: &str) -> ArmError {
    ArmError::bad_request("BadRequest", format!("The query parameter `$filter` {message}.")).with_target("$filter")
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Text(String),
    /// A name, an operator, a number, a date, a truth.
    Word(String),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
            Self::Comma => ",".to_owned(),
            Self::Text(text) | Self::Word(text) => text.chars().take(60).collect(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, ArmError> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            value.push('\'');
                        }
                        Some('\'') => break,
                        Some(c) => value.push(c),
                        None => return Err(refused("has a text whose closing quote is missing")),
                    }
                }
                tokens.push(Token::Text(value));
            }
            blank if blank.is_whitespace() => {}
            _ => {
                let mut word = String::from(first);
                while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !"(),'".contains(*c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    allowed: Allowed,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at);
        self.at = self.at.saturating_add(1);
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn either(&mut self, depth: usize) -> Result<Filter, ArmError> {
        let mut left = self.both(depth)?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Ok(left)
    }

    fn both(&mut self, depth: usize) -> Result<Filter, ArmError> {
        let mut left = self.one(depth)?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, ArmError> {
        if depth >= MAX_DEPTH {
            return Err(refused(&format!("nests deeper than {MAX_DEPTH} levels")));
        }
        let deeper = depth.saturating_add(1);
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.one(deeper)?)));
        }
        match self.next() {
            Some(Token::Open) => {
                let inner = self.either(deeper)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(name)) if self.peek() == Some(&Token::Open) => self.call(name),
            Some(Token::Word(name)) => self.comparison(name),
            Some(other) => Err(refused(&format!("has `{}` where a field or function has to stand", other.shown()))),
            None => Err(refused("ends where a field or function has to stand")),
        }
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), ArmError> {
        match self.next() {
            Some(token) if token == wanted => Ok(()),
            Some(other) => Err(refused(&format!("has `{}` where `{}` has to stand", other.shown(), wanted.shown()))),
            None => Err(refused(&format!("ends where `{}` has to stand", wanted.shown()))),
        }
    }

    fn call(&mut self, name: &str) -> Result<Filter, ArmError> {
        let functions = self.allowed.functions;
        let Some((name, count)) = functions.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) else {
            return Err(self.unknown(name));
        };
        self.expect(&Token::Open)?;
        let mut arguments = Vec::new();
        while self.peek() != Some(&Token::Close) {
            if !arguments.is_empty() {
                self.expect(&Token::Comma)?;
            }
            match self.next() {
                Some(Token::Text(text) | Token::Word(text)) => arguments.push(text.clone()),
                _ => return Err(refused(&format!("gives the function `{name}` something that is not a text"))),
            }
        }
        self.expect(&Token::Close)?;
        if arguments.len() == *count {
            Ok(Filter::Call { name, arguments })
        } else {
            Err(refused(&format!("gives the function `{name}` {} texts, not {count}", arguments.len())))
        }
    }

    fn comparison(&mut self, name: &str) -> Result<Filter, ArmError> {
        let fields = self.allowed.fields;
        let Some(field) = fields.iter().find(|f| f.eq_ignore_ascii_case(name)) else {
            return Err(self.unknown(name));
        };
        let operator = match self.next() {
            Some(Token::Word(word)) => operator(word),
            _ => None,
        };
        let Some(operator) = operator else {
            return Err(refused(&format!("needs one of eq, ne, gt, ge, lt, le after `{field}`")));
        };
        let value = match self.next() {
            Some(Token::Text(text)) => Some(Literal::Text(text.clone())),
            Some(Token::Word(word)) => literal(word),
            _ => None,
        };
        let Some(value) = value else {
            return Err(refused(&format!(
                "compares `{field}` with something that is not a text in quotes, a number or a date"
            )));
        };
        Ok(Filter::Compare { field, operator, value })
    }

    fn unknown(&self, name: &str) -> ArmError {
        let functions = self.allowed.functions.iter().map(|(name, _)| format!("{name}()"));
        let known: Vec<String> = self.allowed.fields.iter().map(|f| (*f).to_owned()).chain(functions).collect();
        let name: String = name.chars().take(60).collect();
        refused(&format!("names `{name}`, which this list does not know; it knows {}", known.join(", ")))
    }
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_lowercase().as_str() {
        "eq" => Operator::Eq,
        "ne" => Operator::Ne,
        "gt" => Operator::Gt,
        "ge" => Operator::Ge,
        "lt" => Operator::Lt,
        "le" => Operator::Le,
        _ => return None,
    })
}

fn literal(word: &str) -> Option<Literal> {
    match word.to_ascii_lowercase().as_str() {
        "true" => return Some(Literal::Truth(true)),
        "false" => return Some(Literal::Truth(false)),
        "null" => return Some(Literal::Null),
        _ => {}
    }
    number(word).map(Literal::Number).or_else(|| instant(word).map(Literal::Instant))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ALLOWED: Allowed = Allowed {
        fields: &[
            "sku/name",
            "properties/quantity",
            "properties/renew",
            "properties/displayName",
            "properties/expiryDate",
        ],
        functions: &[("atScope", 0), ("assignedTo", 1)],
    };

    fn passes(text: &str) -> Result<bool, String> {
        let item = json!({"sku": {"name": "Standard_B1s"}, "properties": {
            "quantity": 2, "renew": false, "displayName": "Olle's", "expiryDate": "2027-11-01"}});
        let filter = Filter::parse(text, ALLOWED).map_err(|e| e.message)?;
        Ok(filter.matches(&item, &|name, arguments| name == "atScope" || arguments == ["me"]))
    }

    #[test]
    fn filters_hold_or_not() {
        for (text, holds) in [
            ("sku/name eq 'standard_b1s'", true),
            ("SKU/NAME NE 'standard_b1s'", false),
            ("properties/quantity ge 2 AND properties/quantity lt 3", true),
            ("properties/quantity eq '2'", true),
            ("properties/quantity gt 2.5 or properties/renew eq false", true),
            ("not (properties/renew eq true)", true),
            ("properties/renew eq 'False'", true),
            ("properties/displayName eq 'Olle''s'", true),
            ("properties/expiryDate gt 2027-10-31", true),
            ("properties/expiryDate le 2027-10-31T23:59:59Z", false),
            ("properties/expiryDate eq '2027-11-01'", true),
            ("properties/expiryDate ne null", true),
            ("atScope()", true),
            ("assignedTo('me') and atscope()", true),
            ("assignedTo('you')", false),
            ("properties/quantity eq 1 or properties/quantity eq 2 and properties/renew eq true", false),
            ("(properties/quantity eq 2 or properties/quantity eq 1) and properties/renew eq false", true),
        ] {
            assert_eq!(passes(text), Ok(holds), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, named) in [
            ("", "ends where a field"),
            ("name eq 'x'", "`name`"),
            ("sku/name like 'x'", "after `sku/name`"),
            ("sku/name eq 'x", "closing quote"),
            ("sku/name eq", "not a text in quotes"),
            ("sku/name eq 'x' and", "ends where a field"),
            ("sku/name eq 'x' 'y'", "ends before `y`"),
            ("(sku/name eq 'x'", "ends where `)`"),
            ("assignedTo()", "0 texts, not 1"),
            ("unknown('x')", "`unknown`"),
        ] {
            let error = passes(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
        let deep = format!("{}sku/name eq 'x'", "not ".repeat(40));
        assert!(passes(&deep).unwrap_err().contains("deeper"));
        assert!(passes(&"(".repeat(2_000)).unwrap_err().contains("deeper"));
        assert!(passes(&" ".repeat(5_000)).unwrap_err().contains("longer"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_text_is_read_or_refused(text in "(sku/name|properties/quantity| eq | ge | and | or |not |\\(|\\)|'|[0-9]{1,3}|2026-11-01|[ -ÿ]{0,4}|atScope\\(\\)|,|'x'){0,14}") {
            let _ = passes(&text);
        }
    }
}
