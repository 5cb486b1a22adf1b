//! Texts for people, in their language. They live in files of Project Fluent; each program part brings its own.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::{LanguageIdentifier, langid};

/// What the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, also for everyone whose language is not here.
    English,
    /// Swedish.
    Swedish,
}

impl Language {
    /// All, in the order in which a switch shows them.
    pub const ALL: [Self; 2] = [Self::English, Self::Swedish];

    /// The first language of an `Accept-Language` header that the pages speak.
    pub fn of(accept: Option<&str>) -> Self {
        accept
            .unwrap_or_default()
            .split(',')
            .filter(|item| !item.replace(' ', "").ends_with(";q=0"))
            .find_map(|item| Self::parse(item.trim().split(['-', ';']).next()?))
            .unwrap_or(Self::English)
    }

    /// Reads `en` or `sv`, ignoring case.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// `en` or `sv`: the value of `lang` in HTML.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Swedish => "sv",
        }
    }

    /// What the language calls itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Swedish => "Svenska",
        }
    }

    fn id(self) -> LanguageIdentifier {
        match self {
            Self::English => langid!("en"),
            Self::Swedish => langid!("sv"),
        }
    }
}

/// The texts of a program part, in every language.
pub struct Phrases {
    english: FluentBundle<FluentResource>,
    swedish: FluentBundle<FluentResource>,
}

impl Phrases {
    /// Reads the files of both languages.
    ///
    /// # Panics
    /// When a file, which is part of the program, is not Fluent or says something twice. A test reads every file.
    pub fn new(english: &[&str], swedish: &[&str]) -> Self {
        Self { english: bundle(Language::English, english), swedish: bundle(Language::Swedish, swedish) }
    }

    /// The texts of one language.
    pub fn text(&'static self, language: Language) -> Text {
        Text { phrases: self, language }
    }

    fn bundle(&self, language: Language) -> &FluentBundle<FluentResource> {
        match language {
            Language::English => &self.english,
            Language::Swedish => &self.swedish,
        }
    }
}

fn bundle(language: Language, files: &[&str]) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![language.id()]);
    // Nobody mixes writing directions here, and the marks would stand in every text that a test or a program compares.
    bundle.set_use_isolating(false);
    for file in files {
        let resource = FluentResource::try_new((*file).to_owned())
            .unwrap_or_else(|(_, errors)| panic!("a text file in {} is not Fluent: {errors:?}", language.own_name()));
        bundle
            .add_resource(resource)
            .unwrap_or_else(|errors| panic!("a text in {} is there twice: {errors:?}", language.own_name()));
    }
    bundle
}

/// Something that a text can hold.
pub trait Value {
    /// As Fluent takes it. Numbers choose between singular and plural.
    fn value(&self) -> FluentValue<'_>;
}

impl Value for str {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(self)
    }
}

impl Value for String {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(self.as_str())
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Value for $kind {
            fn value(&self) -> FluentValue<'_> {
                FluentValue::from(*self)
            }
        }
    )*};
}
numbers!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

impl<T: Value + ?Sized> Value for &T {
    fn value(&self) -> FluentValue<'_> {
        (**self).value()
    }
}

/// Texts in one language. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Text {
    phrases: &'static Phrases,
    language: Language,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Text").field(&self.language).finish()
    }
}

impl Text {
    /// The language.
    pub fn language(self) -> Language {
        self.language
    }

    /// Whether there is such a text.
    pub fn knows(self, key: &str) -> bool {
        self.phrases.bundle(self.language).has_message(key)
    }

    /// A text.
    pub fn get(self, key: &str) -> String {
        self.say(key, None)
    }

    /// A text that holds one value.
    pub fn with(self, key: &str, name: &str, value: impl Value) -> String {
        let mut args = FluentArgs::with_capacity(1);
        args.set(name, value.value());
        self.say(key, Some(&args))
    }

    /// A text that holds several values.
    pub fn with_all(self, key: &str, values: &[(&str, &dyn Value)]) -> String {
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            args.set(*name, value.value());
        }
        self.say(key, Some(&args))
    }

    /// A key without text shows as itself; a test finds them all.
    fn say(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.phrases.bundle(self.language);
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, args, &mut errors).into_owned();
        debug_assert!(errors.is_empty(), "the text `{key}` lacks a value: {errors:?}");
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
        Phrases::new(
            &["hello = Hello { $name }\ncount = { $n ->\n    [one] one thing\n   *[other] { $n } things\n }\n"],
            &["hello = Hej { $name }\ncount = { $n ->\n    [one] en sak\n   *[other] { $n } saker\n }\n"],
        )
    });

    #[test]
    fn the_first_known_language_is_spoken() {
        for (accept, language) in [
            (None, Language::English),
            (Some("sv-SE,sv;q=0.9,en;q=0.8"), Language::Swedish),
            (Some("de, sv;q=0.5"), Language::Swedish),
            (Some("en-GB, sv"), Language::English),
            (Some("sv;q=0, en"), Language::English),
            (Some("tlh"), Language::English),
        ] {
            assert_eq!(Language::of(accept), language, "{accept:?}");
        }
    }

    #[test]
    fn a_text_holds_values_and_counts() {
        let (english, swedish) = (PHRASES.text(Language::English), PHRASES.text(Language::Swedish));
        assert_eq!(english.with("hello", "name", "Ada"), "Hello Ada");
        assert_eq!(swedish.with("count", "n", 1), "en sak");
        assert_eq!(swedish.with_all("count", &[("n", &2_u32)]), "2 saker");
        assert_eq!(english.get("nowhere"), "nowhere");
        assert!(english.knows("hello") && !english.knows("nowhere"));
    }
}
