//! Signing in and out, and choosing a language.

use askama::Template;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Redirect, Response};
use fullmakt_server::App;
use fullmakt_server::signin::Refused;
use fullmakt_server::text::Language;
use fullmakt_store::authn::TenantKind;
use http::{HeaderMap, StatusCode, Uri, header};
use std::net::SocketAddr;

use crate::error::PageError;
use crate::front::{Cookies, LANGUAGE, SESSION};
use crate::parts::Field;
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::{Visit, Visitor};

/// How long a chosen language is remembered, in seconds: a year.
const REMEMBERED_S: u32 = 365 * 24 * 3_600;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    username: Field,
    password: Field,
    back: String,
    problem: Option<String>,
}

impl SignInPage {
    fn new(visit: &Visit, username: &str, back: &str) -> Self {
        let t = visit.text;
        Self {
            shell: Shell::plain(visit, t.get("sign-in"), Place::None),
            username: Field::text("username", t.get("sign-in-username"))
                .value(username)
                .autocomplete("username")
                .required(),
            password: Field::text("password", t.get("sign-in-password"))
                .kind("password")
                .autocomplete("current-password")
                .required(),
            back: back.to_owned(),
            problem: None,
        }
    }
}

/// The page.
pub async fn show(visit: Visit) -> Response {
    match &visit.session {
        Some(_) => Redirect::to("/").into_response(),
        None => ok(&SignInPage::new(&visit, "", own_path(visit.query.text("return")).unwrap_or_default())),
    }
}

/// Checks name and password and begins a session.
pub async fn enter(
    State(app): State<App>,
    visit: Visit,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, PageError> {
    let t = visit.text;
    let username = visit.form.text("username");
    let back = own_path(visit.form.text("return")).unwrap_or_default();
    let mut page = SignInPage::new(&visit, username, back);
    if username.is_empty() {
        page.username = page.username.error(Some(&t.get("sign-in-username-missing")));
    }
    let password = visit.form.raw("password").unwrap_or_default();
    if password.is_empty() {
        page.password = page.password.error(Some(&t.get("sign-in-password-missing")));
    }
    if username.is_empty() || password.is_empty() {
        return Ok(render(StatusCode::BAD_REQUEST, &page));
    }
    let address = app.signin.address(&headers, peer.map(|peer| peer.0.0));
    let user = match app.signin.check_password(address.as_deref(), username, password).await {
        Ok(user) => user,
        Err(refused) => {
            let (status, problem) = match refused {
                Refused::WrongPassword => (StatusCode::UNAUTHORIZED, t.get("sign-in-wrong")),
                Refused::UserDisabled => (StatusCode::FORBIDDEN, t.get("sign-in-disabled")),
                Refused::Throttled { seconds } => {
                    (StatusCode::TOO_MANY_REQUESTS, t.with("sign-in-throttled", "seconds", seconds))
                }
                other => {
                    tracing::error!(error = ?other, "a sign-in failed");
                    return Err(PageError::Failed);
                }
            };
            page.problem = Some(problem);
            return Ok(render(status, &page));
        }
    };
    let token = app.signin.begin_session(&user).await?;
    let cookies = Cookies::new(app.base_url(&headers, &uri).starts_with("https:"));
    let cookie = cookies.set(SESSION, &token, None).ok_or(PageError::Failed)?;
    let target = if back.is_empty() { "/" } else { back };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(target)).into_response())
}

/// Ends the session.
pub async fn leave(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Result<Response, PageError> {
    let cookies = Cookies::new(app.base_url(&headers, &uri).starts_with("https:"));
    if let Some(token) = cookies.get(&headers, SESSION) {
        app.signin.end_session(token).await?;
    }
    let gone = cookies.set(SESSION, "", Some(0)).ok_or(PageError::Failed)?;
    Ok(([(header::SET_COOKIE, gone)], go("/sign-in", "notice-signed-out")).into_response())
}

/// Chooses the language and comes back to the page.
pub async fn speak(State(app): State<App>, visit: Visit, headers: HeaderMap, uri: Uri) -> Result<Response, PageError> {
    let language = visit.form.get("language").and_then(Language::parse).ok_or(PageError::Malformed)?;
    let cookies = Cookies::new(app.base_url(&headers, &uri).starts_with("https:"));
    let cookie = cookies.set(LANGUAGE, language.code(), Some(REMEMBERED_S)).ok_or(PageError::Failed)?;
    let back = own_path(visit.form.text("return")).unwrap_or("/");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(back)).into_response())
}

/// Where the address of the server leads someone with a browser.
pub async fn home(visitor: Result<Visitor, PageError>) -> Response {
    match visitor {
        Ok(visitor) if visitor.session.home.kind == TenantKind::Partner => Redirect::to("/dashboard").into_response(),
        Ok(visitor) => Redirect::to(&format!("/portal/{}/subscriptions", visitor.session.home.id)).into_response(),
        Err(_) => Redirect::to("/sign-in").into_response(),
    }
}

/// A path of this server, never an address elsewhere.
fn own_path(text: &str) -> Option<&str> {
    let sound = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains(['\\', '#'])
        && text.bytes().all(|b| b.is_ascii_graphic())
        && text.len() <= 2_048;
    sound.then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_comes_back_to_pages_of_this_server_only() {
        for (text, sound) in [
            ("/dashboard/customers?q=%C3%A5", true),
            ("//evil.example/", false),
            ("/\\evil.example", false),
            ("https://evil.example/", false),
            ("", false),
            ("/a\r\nSet-Cookie: x", false),
        ] {
            assert_eq!(own_path(text).is_some(), sound, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_way_back_is_a_path_or_none(text in "[/\\\\a-z:.?#%\r\n ]{0,20}") {
            if let Some(path) = own_path(&text) {
                prop_assert!(path.starts_with('/') && !path.starts_with("//"));
            }
        }
    }
}
