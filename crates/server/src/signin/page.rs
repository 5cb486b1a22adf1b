//! The pages people see: plain HTML that works without scripts, in English and Swedish.

use std::sync::LazyLock;

use askama::Template;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::error::Refused;
use super::token::random_secret;
use super::visit::Visit;
use crate::text::{Language, Phrases, Text};

/// Where the pages find how to look.
const STYLESHEET: &str = include_str!("../../templates/signin/style.css");
/// The one script: it sends the form that carries the code back, so that nobody has to press a button for it.
const AUTO_SUBMIT: &str = "document.forms[0].submit()";
/// Holds the token that a form must repeat.
const CSRF_COOKIE: &str = "fullmakt_csrf";

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let english = include_str!("../../i18n/en/sign_in.ftl");
    Phrases::new(&[english], &[include_str!("../../i18n/sv/sign_in.ftl")])
});

/// The texts of the pages in a language.
pub fn words(language: Language) -> Text {
    PHRASES.text(language)
}

/// Why a sign-in failed, for the person in front of the page.
pub fn problem(words: Text, refused: &Refused) -> String {
    words.get(match refused {
        Refused::Throttled { seconds } => return words.with("sign-in-throttled", "seconds", *seconds),
        Refused::WrongPassword => "sign-in-wrong-password",
        Refused::UserDisabled => "sign-in-user-disabled",
        Refused::NotInTenant { .. } => "sign-in-not-in-tenant",
        Refused::Missing("username") => "sign-in-username-missing",
        Refused::Missing("password") => "sign-in-password-missing",
        Refused::Fault => "sign-in-fault",
        other => return other.description(),
    })
}

/// Name and password.
#[derive(Debug, Clone, Template)]
#[template(path = "signin/sign_in.html")]
pub struct SignInPage<'a> {
    words: Text,
    csrf: &'a str,
    action: &'a str,
    hidden: &'a [(&'a str, String)],
    application: String,
    username: String,
    error: Option<String>,
}

impl<'a> SignInPage<'a> {
    /// An empty form that goes to `action` with these fields beside.
    pub fn new(words: Text, csrf: &'a str, action: &'a str, hidden: &'a [(&'a str, String)]) -> Self {
        Self { words, csrf, action, hidden, application: String::new(), username: String::new(), error: None }
    }

    /// Names the application that asks.
    pub fn asking(self, application: &str) -> Self {
        Self { application: application.to_owned(), ..self }
    }

    /// Fills in the user name.
    pub fn for_user(self, username: &str) -> Self {
        Self { username: username.to_owned(), ..self }
    }

    /// Whether another device gets the tokens: then the user must know that it is theirs.
    fn is_for_device(&self) -> bool {
        self.hidden.iter().any(|(name, _)| *name == "user_code")
    }

    /// Says what was wrong.
    pub fn again(self, username: &str, error: &str) -> Self {
        Self { error: Some(error.to_owned()), ..self.for_user(username) }
    }
}

/// A device's code.
#[derive(Debug, Template)]
#[template(path = "signin/device.html")]
pub struct DevicePage<'a> {
    /// The language.
    pub words: Text,
    /// The form's token.
    pub csrf: &'a str,
    /// What was typed.
    pub user_code: &'a str,
    /// What is wrong with it.
    pub error: Option<&'a str>,
}

/// Something to read.
#[derive(Debug, Template)]
#[template(path = "signin/message.html")]
pub struct MessagePage<'a> {
    /// The language.
    pub words: Text,
    /// The heading.
    pub title: String,
    /// A sentence.
    pub text: String,
    /// A code or a reason, word for word.
    pub detail: &'a str,
}

/// Sends the user back to the application by a form.
#[derive(Debug, Template)]
#[template(path = "signin/form_post.html")]
pub struct FormPostPage<'a> {
    /// The language.
    pub words: Text,
    /// Where to.
    pub action: &'a str,
    /// With what.
    pub fields: &'a [(&'a str, String)],
}

impl FormPostPage<'_> {
    fn script(&self) -> &'static str {
        AUTO_SUBMIT
    }
}

/// The token that this visitor's forms repeat: the one of the cookie, or a new one.
pub fn csrf(visit: &Visit) -> String {
    let sound =
        |token: &&str| token.len() == 43 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    visit.cookie(CSRF_COOKIE).filter(sound).map_or_else(random_secret, str::to_owned)
}

/// Whether a form comes from a page of ours: it repeats the cookie, and the browser names no other origin.
pub fn is_genuine(visit: &Visit) -> bool {
    let same_origin = visit.headers.get(header::ORIGIN).is_none_or(|origin| {
        origin.to_str().is_ok_and(|origin| {
            origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(visit.host()))
        })
    });
    let repeated = visit.form.get("csrf");
    same_origin && repeated.is_some() && repeated == visit.cookie(CSRF_COOKIE)
}

/// Renders a page. `origin`, if any, is where its form may lead in the end, besides here.
pub fn render(visit: &Visit, csrf: &str, status: StatusCode, origin: Option<&str>, page: &impl Template) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{}{}; frame-ancestors 'none'; base-uri 'none'",
        if origin.is_some() { " " } else { "" },
        origin.unwrap_or_default()
    );
    let mut response = html(status, page, &policy);
    let secure = if visit.base_url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{CSRF_COOKIE}={csrf}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// Renders the page that posts to the application at `origin`.
pub fn render_posting(visit: &Visit, origin: &str, page: &FormPostPage<'_>) -> Response {
    static SCRIPT_HASH: LazyLock<String> = LazyLock::new(|| STANDARD.encode(Sha256::digest(AUTO_SUBMIT)));
    // The style is written out, as 'self' has no meaning once the form has left.
    let policy = format!(
        "default-src 'none'; style-src {}; script-src 'sha256-{}'; form-action {origin}; frame-ancestors 'none'; \
         base-uri 'none'",
        visit.base_url, *SCRIPT_HASH
    );
    html(StatusCode::OK, page, &policy)
}

fn html(status: StatusCode, page: &impl Template, policy: &str) -> Response {
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "cannot render a page");
            return Refused::Fault.into_response();
        }
    };
    let mut headers = HeaderMap::new();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // Not `no-referrer`: browsers then name no origin for our own forms either.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    headers.extend(fixed.map(|(name, value): (HeaderName, _)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    (status, headers, text).into_response()
}

/// How the pages look.
pub fn stylesheet() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLESHEET).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages() {
        let keys = |file: &str| -> Vec<String> {
            file.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
        };
        let english = keys(include_str!("../../i18n/en/sign_in.ftl"));
        assert_eq!(english, keys(include_str!("../../i18n/sv/sign_in.ftl")));
        assert!(english.iter().all(|key| words(Language::Swedish).knows(key)));
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let hidden = [("state", "\"><script>".to_owned())];
        let page = SignInPage::new(words(Language::Swedish), "token", "/x", &hidden).again("<b>", "fel & fel");
        let text = page.render().unwrap();
        assert!(!text.contains("<script") && !text.contains("<b>"), "{text}");
        assert!(text.contains("lang=\"sv\"") && text.contains("autocomplete=\"current-password\""));
    }
}
