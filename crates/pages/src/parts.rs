//! The pieces that pages are made of. Each is a template of its own, and shows as HTML inside another.

use askama::Template;
use askama::filters::HtmlSafe;

/// A labelled input with its hint and its error.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/field.html")]
pub struct Field {
    name: String,
    label: String,
    value: String,
    hint: String,
    error: String,
    kind: &'static str,
    autocomplete: &'static str,
    required: bool,
    small: bool,
    choices: Vec<(String, String)>,
}

impl HtmlSafe for Field {}

impl Field {
    /// A line of text. The name is the field's and its element's id.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { name: name.into(), label: label.into(), kind: "text", autocomplete: "off", ..Self::default() }
    }

    /// A choice out of `choices`: values and labels.
    pub fn choice(name: impl Into<String>, label: impl Into<String>, choices: Vec<(String, String)>) -> Self {
        Self { kind: "select", choices, ..Self::text(name, label) }
    }

    /// Another kind of input: `email`, `date`, `number`, `password`, `search`, `tel`.
    pub fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// What it holds.
    pub fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// A sentence below the label.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// What is wrong with it.
    pub fn error(self, error: Option<&str>) -> Self {
        Self { error: error.unwrap_or_default().to_owned(), ..self }
    }

    /// It must be filled in.
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// It holds a few characters only.
    pub fn small(self) -> Self {
        Self { small: true, ..self }
    }

    /// What browsers may fill in (WCAG 1.3.5).
    pub fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    fn described_by(&self) -> String {
        let parts = [("hint", &self.hint), ("error", &self.error)];
        let ids: Vec<String> = parts
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(part, _)| format!("{}-{part}", self.name))
            .collect();
        ids.join(" ")
    }
}

/// How a badge looks. The words of it say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Soon not.
    Warning,
    /// Not.
    Bad,
    /// Neither.
    Quiet,
}

/// A word or two about a state.
#[derive(Debug, Clone, Template)]
#[template(source = r#"<span class="badge {{ self.class() }}">{{ text }}</span>"#, ext = "html")]
pub struct Badge {
    tone: Tone,
    text: String,
}

impl HtmlSafe for Badge {}

impl Badge {
    /// A badge.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }

    fn class(&self) -> &'static str {
        match self.tone {
            Tone::Good => "good",
            Tone::Warning => "warning",
            Tone::Bad => "bad",
            Tone::Quiet => "quiet",
        }
    }
}

/// Where to go from a page of a list. Paths; none where there is nothing.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/pager.html")]
pub struct Pager {
    /// The name of the navigation, for those who do not see it.
    pub label: String,
    /// The words and the path of the previous page.
    pub previous: Option<(String, String)>,
    /// The words and the path of the next page.
    pub next: Option<(String, String)>,
}

impl HtmlSafe for Pager {}

/// What stands where a list is empty.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/empty.html")]
pub struct Empty {
    title: String,
    text: String,
    action: Option<(String, String)>,
}

impl HtmlSafe for Empty {}

impl Empty {
    /// A heading, and a sentence that says what would be here or how to get it.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), action: None }
    }

    /// A link to what helps: words and path.
    pub fn action(self, label: impl Into<String>, path: impl Into<String>) -> Self {
        Self { action: Some((label.into(), path.into())), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let field = Field::text("q", "<b>").value("\"><script>").error(Some("<i>")).hint("<u>");
        let text = field.render().unwrap();
        assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains("<i>"), "{text}");
        assert!(text.contains("aria-describedby=\"q-hint q-error\"") && text.contains("aria-invalid"), "{text}");
    }
}
