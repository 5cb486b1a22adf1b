//! What stands in front of every page: who is here, in which language, and whether a form is one of ours.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use fullmakt_domain::ids::CorrelationId;
use fullmakt_server::App;
use fullmakt_server::signin::{cookie, csrf_token, random_token};
use fullmakt_server::telemetry::note_actor;
use fullmakt_server::text::Language;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::sync::Arc;

use crate::error::PageError;
use crate::fields::{Fields, MAX_FORM, encoded};
use crate::visitor::{self, Visit};
use crate::words;

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The names of the cookies. The prefix makes browsers insist that they are secure and ours alone.
pub struct Cookies {
    https: bool,
}

impl Cookies {
    /// For a server that is reached by `https`, or not.
    pub fn new(https: bool) -> Self {
        Self { https }
    }

    fn name(&self, name: &str) -> String {
        if self.https { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// Sets a cookie for so many seconds; none: until the browser is closed. Zero removes it.
    pub fn set(&self, name: &str, value: &str, seconds: Option<u32>) -> Option<HeaderValue> {
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if self.https { "; Secure" } else { "" };
        let name = self.name(name);
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}")).ok()
    }

    /// The value of a cookie.
    pub fn get<'h>(&self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        cookie(headers, &self.name(name))
    }
}

/// The cookie of a session.
pub const SESSION: &str = "fullmakt-session";
/// The cookie that ties forms to a visitor who is not signed in.
pub const VISIT: &str = "fullmakt-visit";
/// The cookie of a chosen language.
pub const LANGUAGE: &str = "fullmakt-language";

/// Goes around all pages.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/assets/") {
        return dressed(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let base_url = app.base_url(&parts.headers, &parts.uri);
    let cookies = Cookies::new(base_url.starts_with("https:"));
    let language = cookies.get(&parts.headers, LANGUAGE).and_then(Language::parse).unwrap_or_else(|| {
        Language::of(parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
    });
    let token = cookies.get(&parts.headers, SESSION).filter(is_token);
    let session = match token {
        Some(token) => match app.signin.session(token).await {
            Ok(session) => session.map(Arc::new),
            Err(fault) => return dressed(PageError::from(fault).into_response()),
        },
        None => None,
    };
    let visit_cookie = cookies.get(&parts.headers, VISIT).filter(is_token).map(str::to_owned);
    let secret = match (&session, token) {
        (Some(_), Some(token)) => token.to_owned(),
        _ => visit_cookie.clone().unwrap_or_else(random_token),
    };
    let fresh = (session.is_none() && visit_cookie.is_none()).then(|| secret.clone());
    let path = parts.uri.path_and_query().map_or("/", |all| all.as_str());
    let correlation = parts.headers.get("ms-correlationid").and_then(|value| value.to_str().ok());
    let correlation = correlation.and_then(|text| CorrelationId::parse(text).ok());
    let mut visit = Visit {
        text: words::texts(language),
        csrf: csrf_token(&secret),
        here: path.to_owned(),
        session,
        request: app.request(correlation.unwrap_or_else(|| CorrelationId(uuid::Uuid::new_v4()))),
        query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
        form: Fields::default(),
    };
    if let Some(user) = &visit.session {
        note_actor(&visitor::acting(user, user.home.id));
    }
    let answered = if matches!(parts.method, Method::GET | Method::HEAD) {
        parts.extensions.insert(visit.clone());
        next.run(Request::from_parts(parts, body)).await
    } else {
        match form(&parts.headers, body, &visit.csrf, &base_url).await {
            Ok(fields) => {
                visit.form = fields;
                parts.extensions.insert(visit.clone());
                next.run(Request::from_parts(parts, Body::empty())).await
            }
            Err(error) => error.into_response(),
        }
    };
    let mut response = match answered.extensions().get::<PageError>() {
        Some(PageError::NotSignedIn) => to_sign_in(&visit),
        Some(error) => error.page(&app, &visit).await,
        None => answered,
    };
    if let Some(value) = fresh.and_then(|secret| cookies.set(VISIT, &secret, None)) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    dressed(response)
}

fn is_token(text: &&str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Reads a form and checks that it comes from a page of ours.
async fn form(headers: &HeaderMap, body: Body, csrf: &str, base_url: &str) -> Result<Fields, PageError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(PageError::Malformed);
    }
    let same_origin = headers
        .get(header::ORIGIN)
        .is_none_or(|origin| origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(base_url)));
    let bytes = axum::body::to_bytes(body, MAX_FORM).await.map_err(|_| PageError::Malformed)?;
    let fields = Fields::parse(&bytes);
    if same_origin && fields.get("csrf") == Some(csrf) { Ok(fields) } else { Err(PageError::Stale) }
}

fn to_sign_in(visit: &Visit) -> Response {
    Redirect::to(&format!("/sign-in?return={}", encoded(&visit.here))).into_response()
}

/// The headers of every answer.
fn dressed(mut response: Response) -> Response {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
