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
use crate::text::Language;

/// Where the pages find how to look.
const STYLESHEET: &str = include_str!("../../templates/signin/style.css");
/// The one script: it sends the form that carries the code back, so that nobody has to press a button for it.
const AUTO_SUBMIT: &str = "document.forms[0].submit()";
/// Holds the token that a form must repeat.
const CSRF_COOKIE: &str = "fullmakt_csrf";

/// The words of the pages in a language.
pub fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Swedish => &SWEDISH,
    }
}

/// The words of the pages in one language.
#[derive(Debug)]
pub struct Words {
    language: &'static str,
    sign_in: &'static str,
    to_application: &'static str,
    username: &'static str,
    password: &'static str,
    cancel: &'static str,
    enter_code: &'static str,
    enter_code_hint: &'static str,
    code: &'static str,
    next: &'static str,
    only_if_asked: &'static str,
    returning: &'static str,
    returning_text: &'static str,
    continue_: &'static str,
    wrong_password: &'static str,
    user_disabled: &'static str,
    throttled: &'static str,
    not_in_tenant: &'static str,
    username_missing: &'static str,
    password_missing: &'static str,
    fault: &'static str,
    /// A form without its token.
    pub page_too_old: &'static str,
    /// No code was typed.
    pub code_missing: &'static str,
    /// No device waits for the code.
    pub code_unknown: &'static str,
    /// Heading: it worked.
    pub done: &'static str,
    /// The device goes on by itself.
    pub device_done: &'static str,
    /// Heading: the user said no.
    pub declined: &'static str,
    /// The device was told no.
    pub device_declined: &'static str,
    /// Above a code to copy.
    pub copy_code: &'static str,
    /// Heading: it did not work.
    pub failed: &'static str,
    /// Above the reason.
    pub failed_text: &'static str,
    /// Heading after signing out.
    pub signed_out: &'static str,
    /// What to do after signing out.
    pub signed_out_text: &'static str,
}

impl Words {
    /// Why a sign-in failed, for the person in front of the page.
    pub fn of(&self, refused: &Refused) -> String {
        match refused {
            Refused::WrongPassword => self.wrong_password.to_owned(),
            Refused::UserDisabled => self.user_disabled.to_owned(),
            Refused::Throttled { seconds } => self.throttled.replace("{}", &seconds.to_string()),
            Refused::NotInTenant { .. } => self.not_in_tenant.to_owned(),
            Refused::Missing("username") => self.username_missing.to_owned(),
            Refused::Missing("password") => self.password_missing.to_owned(),
            Refused::Fault => self.fault.to_owned(),
            other => other.description(),
        }
    }
}

static ENGLISH: Words = Words {
    language: "en",
    sign_in: "Sign in",
    to_application: "to continue to",
    username: "User name",
    password: "Password",
    cancel: "Cancel",
    enter_code: "Enter code",
    enter_code_hint: "Enter the code that your application or device shows.",
    code: "Code",
    next: "Next",
    only_if_asked: "Go on only if you started this sign-in yourself. Never enter a code that someone sent you.",
    returning: "Signed in",
    returning_text: "You are being sent back to the application. If nothing happens, press the button.",
    continue_: "Continue",
    wrong_password: "The user name or password is wrong.",
    user_disabled: "This account is disabled. Ask your administrator.",
    throttled: "Too many failed attempts. Try again in {} seconds.",
    not_in_tenant: "This account may not sign in to that organisation.",
    username_missing: "Enter your user name.",
    password_missing: "Enter your password.",
    fault: "Something went wrong here. Try again.",
    page_too_old: "This page was open too long, or your browser keeps no cookies. Try again.",
    code_missing: "Enter the code.",
    code_unknown: "That code is not known, or has expired. Check it, or ask for a new one.",
    done: "You have signed in",
    device_done: "You can close this window and return to your application or device.",
    declined: "You have declined",
    device_declined: "The application was not signed in. You can close this window.",
    copy_code: "Copy this code into your application:",
    failed: "Sign-in failed",
    failed_text: "The application sent a request that cannot be answered.",
    signed_out: "You have signed out",
    signed_out_text: "Close all browser windows to be on the safe side.",
};

static SWEDISH: Words = Words {
    language: "sv",
    sign_in: "Logga in",
    to_application: "för att fortsätta till",
    username: "Användarnamn",
    password: "Lösenord",
    cancel: "Avbryt",
    enter_code: "Ange kod",
    enter_code_hint: "Ange koden som programmet eller enheten visar.",
    code: "Kod",
    next: "Nästa",
    only_if_asked: "Fortsätt bara om du själv påbörjade inloggningen. Ange aldrig en kod som någon har skickat till dig.",
    returning: "Inloggad",
    returning_text: "Du skickas tillbaka till programmet. Om inget händer, tryck på knappen.",
    continue_: "Fortsätt",
    wrong_password: "Användarnamnet eller lösenordet är fel.",
    user_disabled: "Kontot är avstängt. Fråga din administratör.",
    throttled: "För många misslyckade försök. Försök igen om {} sekunder.",
    not_in_tenant: "Kontot får inte logga in i den organisationen.",
    username_missing: "Ange ditt användarnamn.",
    password_missing: "Ange ditt lösenord.",
    fault: "Något gick fel hos oss. Försök igen.",
    page_too_old: "Sidan har varit öppen för länge, eller så sparar webbläsaren inga kakor. Försök igen.",
    code_missing: "Ange koden.",
    code_unknown: "Koden är okänd eller har gått ut. Kontrollera den, eller begär en ny.",
    done: "Du har loggat in",
    device_done: "Du kan stänga fönstret och gå tillbaka till programmet eller enheten.",
    declined: "Du har tackat nej",
    device_declined: "Programmet loggades inte in. Du kan stänga fönstret.",
    copy_code: "Kopiera koden till programmet:",
    failed: "Inloggningen misslyckades",
    failed_text: "Programmet skickade en begäran som inte går att besvara.",
    signed_out: "Du har loggat ut",
    signed_out_text: "Stäng alla webbläsarfönster för säkerhets skull.",
};

/// Name and password.
#[derive(Debug, Clone, Template)]
#[template(path = "signin/sign_in.html")]
pub struct SignInPage<'a> {
    words: &'static Words,
    csrf: &'a str,
    action: &'a str,
    hidden: &'a [(&'a str, String)],
    application: String,
    username: String,
    error: Option<String>,
}

impl<'a> SignInPage<'a> {
    /// An empty form that goes to `action` with these fields beside.
    pub fn new(words: &'static Words, csrf: &'a str, action: &'a str, hidden: &'a [(&'a str, String)]) -> Self {
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
    pub words: &'static Words,
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
    pub words: &'static Words,
    /// The heading.
    pub title: &'a str,
    /// A sentence.
    pub text: &'a str,
    /// A code or a reason, word for word.
    pub detail: &'a str,
}

/// Sends the user back to the application by a form.
#[derive(Debug, Template)]
#[template(path = "signin/form_post.html")]
pub struct FormPostPage<'a> {
    /// The language.
    pub words: &'static Words,
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
    fn what_comes_from_outside_is_escaped() {
        let hidden = [("state", "\"><script>".to_owned())];
        let page = SignInPage::new(words(Language::Swedish), "token", "/x", &hidden).again("<b>", "fel & fel");
        let text = page.render().unwrap();
        assert!(!text.contains("<script") && !text.contains("<b>"), "{text}");
        assert!(text.contains("lang=\"sv\"") && text.contains("autocomplete=\"current-password\""));
    }
}
