//! The links and forms of a page, read from its HTML as a browser would read it.

use std::collections::BTreeSet;

/// A start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// In lower case.
    pub name: String,
    /// Names in lower case, values without character references.
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn value(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}

/// A field of a form, as a browser would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// The name it is sent under.
    pub name: String,
    /// The value it has when nobody touches it.
    pub value: String,
    /// `hidden`, `text`, `select`, `submit` and so on.
    pub kind: String,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Whether it is sent by POST.
    pub posts: bool,
    /// Where it is sent; the page itself when empty.
    pub action: String,
    /// Its fields in order.
    pub fields: Vec<FormField>,
}

/// What a page leads to.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// Every start tag, in order.
    pub tags: Vec<Tag>,
    /// Addresses of links, in order, each once.
    pub links: Vec<String>,
    /// Its forms, in order.
    pub forms: Vec<Form>,
}

impl Document {
    /// Reads a page.
    pub fn read(html: &str) -> Self {
        let mut document = Self::default();
        let mut seen = BTreeSet::new();
        let mut form: Option<Form> = None;
        let mut select: Option<(String, Option<String>, Option<String>)> = None;
        for piece in pieces(html) {
            match piece {
                Piece::Start(tag) => {
                    match tag.name.as_str() {
                        "a" => {
                            let link = tag.value("href");
                            if !link.is_empty() && seen.insert(link.clone()) {
                                document.links.push(link);
                            }
                        }
                        "form" => {
                            let posts = tag.value("method").eq_ignore_ascii_case("post");
                            form = Some(Form { posts, action: tag.value("action"), fields: Vec::new() });
                        }
                        "select" => select = Some((tag.value("name"), None, None)),
                        "option" => {
                            if let Some((_, first, selected)) = &mut select {
                                first.get_or_insert_with(|| tag.value("value"));
                                if tag.get("selected").is_some() {
                                    *selected = Some(tag.value("value"));
                                }
                            }
                        }
                        "input" | "button" | "textarea" => {
                            let open = form.as_mut().filter(|_| tag.get("disabled").is_none());
                            if let (Some(form), Some(field)) = (open, field(&tag)) {
                                form.fields.push(field);
                            }
                        }
                        _ => {}
                    }
                    document.tags.push(tag);
                }
                Piece::End(name) => match name.as_str() {
                    "form" => document.forms.extend(form.take()),
                    "select" => {
                        if let (Some(form), Some((name, first, selected))) = (&mut form, select.take()) {
                            let value = selected.or(first).unwrap_or_default();
                            form.fields.push(FormField { name, value, kind: "select".to_owned() });
                        }
                    }
                    _ => {}
                },
            }
        }
        document
    }
}

/// What an element of a form sends, if anything.
fn field(tag: &Tag) -> Option<FormField> {
    let name = tag.get("name").filter(|name| !name.is_empty())?.to_owned();
    let kind = match (tag.name.as_str(), tag.get("type").unwrap_or_default()) {
        ("textarea", _) => "textarea",
        ("button", "button" | "reset") => return None,
        ("button", _) => "submit",
        ("input", "") => "text",
        ("input", kind) => kind,
        _ => return None,
    };
    if matches!(kind, "checkbox" | "radio") && tag.get("checked").is_none() {
        return None;
    }
    Some(FormField { name, value: tag.value("value"), kind: kind.to_owned() })
}

enum Piece {
    Start(Tag),
    End(String),
}

fn pieces(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix("!--") {
            rest = after.split_once("-->").map_or("", |(_, after)| after);
        } else if let Some(after) = rest.strip_prefix('/') {
            let end = after.find('>').unwrap_or(after.len());
            pieces.push(Piece::End(after[..end].trim().to_ascii_lowercase()));
            rest = &after[end..];
        } else if rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let (tag, after) = start_tag(rest);
            pieces.push(Piece::Start(tag));
            rest = after;
        }
    }
    pieces
}

/// The tag whose name begins the text, and what follows it.
fn start_tag(text: &str) -> (Tag, &str) {
    let blank_or_end = |c: char| c.is_ascii_whitespace() || c == '>' || c == '/';
    let end = text.find(blank_or_end).unwrap_or(text.len());
    let mut tag = Tag { name: text[..end].to_ascii_lowercase(), attributes: Vec::new() };
    let mut rest = &text[end..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return (tag, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (tag, after);
        }
        let end = rest.find(|c: char| blank_or_end(c) || c == '=').unwrap_or(rest.len()).max(1);
        let end = (end..=rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let value;
        (value, rest) = match rest.strip_prefix('=').map(str::trim_start) {
            None => (String::new(), rest),
            Some(quoted) if quoted.starts_with(['"', '\'']) => {
                let (quote, inside) = quoted.split_at(1);
                let (value, after) = inside.split_once(quote).unwrap_or((inside, ""));
                (plain(value), after)
            }
            Some(bare) => {
                let end = bare.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(bare.len());
                (plain(&bare[..end]), &bare[end..])
            }
        };
        tag.attributes.push((name, value));
    }
}

/// Text without character references.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        match reference {
            Some((character, after)) => {
                plain.push(character);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_and_forms_are_read_as_a_browser_does() {
        let page = Document::read(
            "<!doctype html><!-- <a href=no> --><a href=\"/a?b=1&#38;c=2\">x</a><a href=/a>y</a><a href='/a'>z</a>
             <form method=post action='/f'><input type=hidden name=csrf value=x><input name=q value='a\"b'>
             <input type=checkbox name=on value=1><select name=s><option value=1>1<option selected value=2>2</select>
             <button name=do value=it>Do</button><input name=off disabled></form>",
        );
        assert_eq!(page.links, ["/a?b=1&c=2", "/a"]);
        let form = &page.forms[0];
        assert!(form.posts && form.action == "/f");
        let sent: Vec<_> = form.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
        assert_eq!(sent, [("csrf", "x"), ("q", "a\"b"), ("s", "2"), ("do", "it")]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_text_is_read_to_its_end(text in "[<>a-z='\"/&#;!\\- å]{0,60}") {
            Document::read(&text);
        }
    }
}
