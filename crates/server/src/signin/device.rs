//! Signing in with a device code: a program without a browser shows a short code, and the user types it into a page.

use axum::Json;
use axum::response::{IntoResponse, Response};
use fullmakt_store::authn::{self, NewDeviceCode};
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::json;

use super::error::Refused;
use super::grant::{Client, MAX_FIELD, later, scope_text};
use super::page::{self, DevicePage, MessagePage, SignInPage};
use super::resource::{Asked, parse_resource, parse_scope};
use super::token::{Version, random_secret, stored};
use super::visit::Visit;
use super::{Place, Signin, sign_in};

/// Characters of user codes: no vowels, so that no words come out, and none that look alike.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Characters of a user code. 20 to the power of 9 cannot be guessed in the minutes that a code lasts.
const USER_CODE_LENGTH: usize = 9;

/// Answers `POST /{tenant}/oauth2/v2.0/devicecode` and its v1 sister.
///
/// # Errors
/// [`Refused`].
pub async fn begin(signin: &Signin, visit: &Visit, segment: &str, version: Version) -> Result<Response, Refused> {
    let place = Place::of(signin.store(), segment).await?;
    let client = Client::find(signin, visit.form.need("client_id")?, segment).await?;
    let asked = match version {
        Version::V1 => Asked {
            resource: visit
                .form
                .short("resource", MAX_FIELD)?
                .map(|resource| parse_resource(resource, &visit.base_url))
                .transpose()?,
            openid: true,
            offline: true,
            ..Asked::default()
        },
        Version::V2 => parse_scope(visit.form.short("scope", MAX_FIELD)?.unwrap_or(""), &visit.base_url)?,
    };
    signin.throttle().device_code(visit.address.as_deref())?;
    let settings = signin.settings();
    let device_code = random_secret();
    let expires_at = later(Timestamp::now(), settings.device_lifetime_s);
    let mut user_code = draw();
    // Two devices with one code are as good as impossible; the second try is for certain.
    for _ in 0..4 {
        let code = NewDeviceCode {
            device_hash: stored(&device_code),
            user_code_hash: stored(&user_code),
            client: client.id,
            tenant: place.tenant(),
            scope: scope_text(&asked),
            resource: asked.resource.clone(),
            expires_at,
        };
        if authn::add_device_code(signin.store(), code).await? {
            return Ok(begun(visit, version, settings, &device_code, &user_code));
        }
        user_code = draw();
    }
    Err(Refused::Fault)
}

fn begun(visit: &Visit, version: Version, settings: &super::Settings, device_code: &str, user_code: &str) -> Response {
    let uri = format!("{}/devicelogin", visit.base_url);
    let message =
        format!("To sign in, use a web browser to open the page {uri} and enter the code {user_code} to authenticate.");
    let mut body = json!({"device_code": device_code, "user_code": user_code, "message": message});
    let (uri_name, number): (_, fn(i64) -> serde_json::Value) = match version {
        Version::V1 => ("verification_url", |value| json!(value.to_string())),
        Version::V2 => ("verification_uri", |value| json!(value)),
    };
    body[uri_name] = json!(uri);
    body["expires_in"] = number(settings.device_lifetime_s);
    body["interval"] = number(settings.device_interval_s);
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn draw() -> String {
    (0..USER_CODE_LENGTH)
        .map(|_| ALPHABET.get(rand::random_range(0..ALPHABET.len())).copied().map_or('B', char::from))
        .collect()
}

/// A user code as it is stored, from what a person typed: case, blanks and dashes do not count.
fn normal(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Answers `/devicelogin`: first the code, then name and password.
pub async fn page(signin: &Signin, visit: &Visit) -> Response {
    let csrf = page::csrf(visit);
    let words = page::words(visit.language);
    if visit.method != Method::POST {
        let typed = visit.query.get("user_code").or_else(|| visit.query.get("otc")).unwrap_or_default();
        let first = DevicePage { words, csrf: &csrf, user_code: typed, error: None };
        return page::render(visit, &csrf, StatusCode::OK, None, &first);
    }
    let typed = visit.form.get("user_code").unwrap_or_default();
    match answer(signin, visit, typed).await {
        Ok(Step::SignIn { application }) => {
            let hidden = [("user_code", typed.to_owned())];
            let page = SignInPage::new(words, &csrf, &visit.path, &hidden).asking(&application);
            page::render(visit, &csrf, StatusCode::OK, None, &page)
        }
        Ok(Step::Done) => {
            let done = MessagePage {
                words,
                title: words.get("sign-in-done"),
                text: words.get("sign-in-device-done"),
                detail: "",
            };
            page::render(visit, &csrf, StatusCode::OK, None, &done)
        }
        Ok(Step::Declined) => {
            let declined = MessagePage {
                words,
                title: words.get("sign-in-declined"),
                text: words.get("sign-in-device-declined"),
                detail: "",
            };
            page::render(visit, &csrf, StatusCode::OK, None, &declined)
        }
        Err(Wrong::Code(error)) => {
            let again = DevicePage { words, csrf: &csrf, user_code: typed, error: Some(&error) };
            page::render(visit, &csrf, StatusCode::BAD_REQUEST, None, &again)
        }
        Err(Wrong::SignIn { application, refused }) => {
            let hidden = [("user_code", typed.to_owned())];
            let username = visit.form.get("username").unwrap_or_default();
            let page = SignInPage::new(words, &csrf, &visit.path, &hidden)
                .asking(&application)
                .again(username, &page::problem(words, &refused));
            page::render(visit, &csrf, refused.face().0, None, &page)
        }
    }
}

enum Step {
    SignIn { application: String },
    Done,
    Declined,
}

enum Wrong {
    Code(String),
    SignIn { application: String, refused: Refused },
}

async fn answer(signin: &Signin, visit: &Visit, typed: &str) -> Result<Step, Wrong> {
    let words = page::words(visit.language);
    let code_error = |refused: Refused| Wrong::Code(page::problem(words, &refused));
    if !page::is_genuine(visit) {
        return Err(Wrong::Code(words.get("sign-in-page-too-old")));
    }
    if typed.is_empty() {
        return Err(Wrong::Code(words.get("sign-in-code-missing")));
    }
    let hash = stored(&normal(typed));
    let now = Timestamp::now();
    let guesser = visit.address.as_ref().map(|address| format!("device code {address}"));
    if let Some(guesser) = &guesser {
        signin.throttle().admit(guesser, None).map_err(code_error)?;
    }
    let found = authn::pending_device(signin.store(), &hash, now).await.map_err(|e| code_error(e.into()))?;
    let Some(device) = found else {
        if let Some(guesser) = &guesser {
            signin.throttle().record(guesser, None, false);
        }
        return Err(Wrong::Code(words.get("sign-in-code-unknown")));
    };
    let client = Client::find(signin, &device.client.to_string(), visit.host()).await.map_err(code_error)?;
    let application = client.name();
    if visit.query.get("action") == Some("cancel") {
        let told = authn::answer_device(signin.store(), &hash, None, now).await.map_err(|e| code_error(e.into()))?;
        return if told { Ok(Step::Declined) } else { Err(Wrong::Code(words.get("sign-in-code-unknown"))) };
    }
    if visit.form.raw("username").is_none() && visit.form.raw("password").is_none() {
        return Ok(Step::SignIn { application });
    }
    let wrong = |refused| Wrong::SignIn { application: application.clone(), refused };
    let username = visit.form.need("username").map_err(wrong)?;
    let password = visit.form.raw("password").ok_or(Refused::Missing("password")).map_err(wrong)?;
    let (user, tenant) =
        sign_in(signin, device.tenant, visit.address.as_deref(), username, password).await.map_err(wrong)?;
    let told =
        authn::answer_device(signin.store(), &hash, Some((user.id, tenant)), now).await.map_err(|e| wrong(e.into()))?;
    if told { Ok(Step::Done) } else { Err(Wrong::Code(words.get("sign-in-code-unknown"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_code_is_easy_to_type() {
        let code = draw();
        assert_eq!(code.len(), 9);
        assert_eq!(normal(&format!(" {}-{} ", code[..4].to_lowercase(), &code[4..])), code);
    }
}
