//! The sign-in page and what follows it: the user goes back to the application with a code.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fullmakt_domain::ids::TenantId;
use fullmakt_store::authn::{self, Grant, NewCode, Principal};
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use uuid::Uuid;

use super::error::Refused;
use super::form::{Form, encode};
use super::grant::{Client, MAX_FIELD, client_info, later, scope_text, sign};
use super::page::{self, FormPostPage, MessagePage, SignInPage};
use super::resource::{Asked, parse_resource, parse_scope};
use super::token::{Access, IdClaims, Version, random_secret, stored};
use super::visit::Visit;
use super::{Place, Signin, sign_in};

/// Fields of an authorization request that travel through the sign-in page.
const CARRIED: [&str; 12] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "resource",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "client_info",
    "login_hint",
];

/// An authorization request that can be answered.
#[derive(Debug)]
struct Ask {
    version: Version,
    tenant: Option<TenantId>,
    client: Client,
    back: Back,
    id_token: bool,
    client_info: bool,
    asked: Asked,
    nonce: Option<String>,
    challenge: Option<String>,
}

/// How to get back to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Back {
    redirect_uri: String,
    /// Where forms may go, for the content security policy; [`None`]: the code is shown instead.
    origin: Option<String>,
    mode: Mode,
    state: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// Why a request cannot be answered, and who is told.
enum Failure {
    /// The user: there is no safe way back.
    Page(Refused),
    /// The application.
    Back(Back, Refused),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Page(refused)
    }
}

/// Answers `/{tenant}/oauth2/v2.0/authorize` and its v1 sister: shows the page, or signs in and sends the user back.
pub async fn answer(signin: &Signin, visit: &Visit, segment: &str, version: Version) -> Response {
    let fields = if visit.method == Method::POST { &visit.form } else { &visit.query };
    match ask(signin, visit, fields, segment, version).await {
        Ok(ask) => page_or_code(signin, visit, fields, &ask).await,
        Err(Failure::Page(refused)) => refusal_page(visit, &refused),
        Err(Failure::Back(back, refused)) => go_back_refused(visit, &back, &refused),
    }
}

async fn ask(signin: &Signin, visit: &Visit, fields: &Form, segment: &str, version: Version) -> Result<Ask, Failure> {
    let place = Place::of(signin.store(), segment).await?;
    let client = Client::find(signin, fields.need("client_id")?, segment).await?;
    let redirect_uri = fields.short("redirect_uri", MAX_FIELD)?.ok_or(Refused::Missing("redirect_uri"))?;
    let origin = redirect_origin(redirect_uri, &visit.base_url)?;
    let response_type = fields.get("response_type").unwrap_or_default();
    let mut kinds: Vec<&str> = response_type.split_whitespace().collect();
    kinds.sort_unstable();
    let id_token = kinds == ["code", "id_token"];
    let mode = match fields.get("response_mode") {
        None if id_token => Mode::Fragment,
        None | Some("query") => Mode::Query,
        Some("fragment") => Mode::Fragment,
        Some("form_post") => Mode::FormPost,
        Some(_) => return Err(Refused::invalid("response_mode", "use `query`, `fragment` or `form_post`").into()),
    };
    let state = fields.short("state", MAX_FIELD)?.map(str::to_owned);
    let back = Back { redirect_uri: redirect_uri.to_owned(), origin, mode, state };
    let told = |refused| Failure::Back(back.clone(), refused);
    if !id_token && kinds != ["code"] {
        let refused = match response_type {
            "" => Refused::Missing("response_type"),
            _ => Refused::invalid("response_type", "use `code` or `code id_token`"),
        };
        return Err(told(refused));
    }
    if id_token && mode == Mode::Query {
        return Err(told(Refused::invalid("response_mode", "`query` must not carry an id token")));
    }
    let challenge = challenge(fields, &client).map_err(told)?;
    let asked = asked(fields, version, &visit.base_url).map_err(told)?;
    let nonce = fields.short("nonce", MAX_FIELD).map_err(told)?.map(str::to_owned);
    if id_token && nonce.is_none() {
        return Err(told(Refused::Missing("nonce")));
    }
    if fields.get("prompt") == Some("none") {
        return Err(told(Refused::LoginRequired));
    }
    let client_info = fields.get("client_info") == Some("1");
    Ok(Ask { version, tenant: place.tenant(), client, back, id_token, client_info, asked, nonce, challenge })
}

/// An application without a secret has nothing but PKCE to show that the code is its own.
fn challenge(fields: &Form, client: &Client) -> Result<Option<String>, Refused> {
    match (fields.get("code_challenge"), fields.get("code_challenge_method")) {
        (None, _) if client.is_confidential() => Ok(None),
        (None, _) => Err(Refused::Missing("code_challenge")),
        (Some(challenge), Some("S256")) => {
            let sound = URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32);
            if sound {
                Ok(Some(challenge.to_owned()))
            } else {
                Err(Refused::invalid("code_challenge", "it is not the SHA-256 of a verifier in base64url"))
            }
        }
        (Some(_), _) => Err(Refused::invalid("code_challenge_method", "use `S256`")),
    }
}

fn asked(fields: &Form, version: Version, base_url: &str) -> Result<Asked, Refused> {
    match version {
        Version::V1 => Ok(Asked {
            resource: fields.short("resource", MAX_FIELD)?.map(|text| parse_resource(text, base_url)).transpose()?,
            openid: true,
            offline: true,
            ..Asked::default()
        }),
        Version::V2 => parse_scope(fields.short("scope", MAX_FIELD)?.ok_or(Refused::Missing("scope"))?, base_url),
    }
}

/// Where a redirect address leads: to the user's own machine, or to the page that shows the code ([`None`]).
fn redirect_origin(uri: &str, base_url: &str) -> Result<Option<String>, Refused> {
    let shown = [format!("{base_url}/common/oauth2/nativeclient"), "urn:ietf:wg:oauth:2.0:oob".to_owned()];
    if shown.iter().any(|known| known == uri) {
        return Ok(None);
    }
    let bad = || Refused::BadRedirect(uri.chars().take(120).collect());
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'#');
    let rest = uri.strip_prefix("http://").filter(|_| uri.bytes().all(plain)).ok_or_else(bad)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let port_is_sound = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
    if ["localhost", "127.0.0.1"].contains(&host) && port_is_sound {
        Ok(Some(format!("http://{authority}")))
    } else {
        Err(bad())
    }
}

async fn page_or_code(signin: &Signin, visit: &Visit, fields: &Form, ask: &Ask) -> Response {
    let words = page::words(visit.language);
    let csrf = page::csrf(visit);
    let hidden: Vec<(&str, String)> =
        CARRIED.iter().filter_map(|name| Some((*name, fields.get(name)?.to_owned()))).collect();
    let blank = SignInPage::new(words, &csrf, &visit.path, &hidden).asking(&ask.client.name());
    let origin = ask.back.origin.as_deref();
    let submitted = visit.method == Method::POST && visit.form.raw("csrf").is_some();
    if !submitted {
        let hint = fields.get("login_hint").unwrap_or_default();
        return page::render(visit, &csrf, StatusCode::OK, origin, &blank.for_user(hint));
    }
    let username = visit.form.get("username").unwrap_or_default();
    if !page::is_genuine(visit) {
        let again = blank.again(username, &words.get("sign-in-page-too-old"));
        return page::render(visit, &csrf, StatusCode::BAD_REQUEST, origin, &again);
    }
    if visit.query.get("action") == Some("cancel") {
        return go_back_refused(visit, &ask.back, &Refused::Declined);
    }
    let signed_in = async {
        visit.form.need("username")?;
        let password = visit.form.raw("password").ok_or(Refused::Missing("password"))?;
        let (user, tenant) = sign_in(signin, ask.tenant, visit.address.as_deref(), username, password).await?;
        code(signin, visit, ask, &user, tenant).await
    };
    match signed_in.await {
        Ok(parameters) => go_back(visit, &ask.back, &parameters),
        Err(refused) => {
            let again = blank.again(username, &page::problem(words, &refused));
            page::render(visit, &csrf, refused.face().0, origin, &again)
        }
    }
}

/// What the application gets.
async fn code(
    signin: &Signin,
    visit: &Visit,
    ask: &Ask,
    user: &Principal,
    tenant: TenantId,
) -> Result<Vec<(&'static str, String)>, Refused> {
    let now = Timestamp::now();
    let settings = signin.settings();
    let code = random_secret();
    let kept = NewCode {
        hash: stored(&code),
        family: Uuid::new_v4().to_string(),
        grant: Grant {
            principal: user.id,
            tenant,
            client: ask.client.id,
            scope: scope_text(&ask.asked),
            resource: ask.asked.resource.clone(),
        },
        redirect_uri: ask.back.redirect_uri.clone(),
        nonce: ask.nonce.clone(),
        challenge: ask.challenge.clone(),
        expires_at: later(now, settings.code_lifetime_s),
        family_expires_at: later(now, settings.refresh_lifetime_s),
    };
    authn::add_code(signin.store(), kept).await?;
    let mut parameters = Vec::new();
    if ask.id_token {
        let access = Access {
            principal: user,
            tenant,
            client: ask.client.id,
            audience: "",
            base_url: &visit.base_url,
            version: ask.version,
            mfa: settings.mfa,
            lifetime_s: settings.access_lifetime_s,
        };
        let claims = IdClaims::new(&access, ask.nonce.as_deref(), Some(&code), now);
        parameters.push(("id_token", sign(signin, &claims)?));
    }
    if ask.client_info {
        parameters.push(("client_info", client_info(user)));
    }
    parameters.push(("code", code));
    Ok(parameters)
}

fn go_back_refused(visit: &Visit, back: &Back, refused: &Refused) -> Response {
    let error = match refused {
        // The word of the authorization endpoint differs from the device's.
        Refused::Declined => "access_denied",
        other => other.face().1,
    };
    go_back(visit, back, &[("error", error.to_owned()), ("error_description", refused.description())])
}

fn go_back(visit: &Visit, back: &Back, parameters: &[(&'static str, String)]) -> Response {
    let state = back.state.iter().map(|state| ("state", state.clone()));
    let parameters: Vec<(&str, String)> = parameters.iter().cloned().chain(state).collect();
    let Some(origin) = &back.origin else { return show_code(visit, &parameters) };
    let joined: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let joined = joined.join("&");
    let target = match back.mode {
        Mode::FormPost => {
            let page =
                FormPostPage { words: page::words(visit.language), action: &back.redirect_uri, fields: &parameters };
            return page::render_posting(visit, origin, &page);
        }
        Mode::Query if back.redirect_uri.contains('?') => format!("{}&{joined}", back.redirect_uri),
        Mode::Query => format!("{}?{joined}", back.redirect_uri),
        Mode::Fragment => format!("{}#{joined}", back.redirect_uri),
    };
    redirect(&target)
}

fn redirect(target: &str) -> Response {
    match HeaderValue::from_str(target) {
        Ok(location) => {
            let headers = [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            ];
            (StatusCode::FOUND, headers).into_response()
        }
        Err(_) => Refused::Fault.into_response(),
    }
}

/// For applications that cannot be called back: the user copies the code.
fn show_code(visit: &Visit, parameters: &[(&str, String)]) -> Response {
    let words = page::words(visit.language);
    let find = |wanted: &str| parameters.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    let shown = match (find("code"), find("error_description")) {
        (Some(code), _) => {
            MessagePage { words, title: words.get("sign-in-done"), text: words.get("sign-in-copy-code"), detail: code }
        }
        (None, told) => MessagePage {
            words,
            title: words.get("sign-in-failed"),
            text: words.get("sign-in-failed-text"),
            detail: told.unwrap_or_default(),
        },
    };
    page::render(visit, &page::csrf(visit), StatusCode::OK, None, &shown)
}

fn refusal_page(visit: &Visit, refused: &Refused) -> Response {
    let words = page::words(visit.language);
    let detail = refused.description();
    let page = MessagePage {
        words,
        title: words.get("sign-in-failed"),
        text: words.get("sign-in-failed-text"),
        detail: &detail,
    };
    page::render(visit, &page::csrf(visit), refused.face().0, None, &page)
}

/// Answers `/{tenant}/oauth2/v2.0/logout`. No session is kept, so there is nothing to end: the user is told, or sent back.
pub fn logout(visit: &Visit) -> Response {
    let field = |name: &str| visit.query.get(name).or_else(|| visit.form.get(name));
    if let Some(uri) = field("post_logout_redirect_uri")
        && let Ok(Some(_)) = redirect_origin(uri, &visit.base_url)
    {
        let state = field("state").map(|state| format!("state={}", encode(state))).unwrap_or_default();
        let mark = match (state.is_empty(), uri.contains('?')) {
            (true, _) => "",
            (false, true) => "&",
            (false, false) => "?",
        };
        return redirect(&format!("{uri}{mark}{state}"));
    }
    let words = page::words(visit.language);
    let page = MessagePage {
        words,
        title: words.get("sign-in-signed-out"),
        text: words.get("sign-in-signed-out-text"),
        detail: "",
    };
    page::render(visit, &page::csrf(visit), StatusCode::OK, None, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_the_users_machine() {
        let base = "https://localhost:8443";
        for (uri, origin) in [
            ("http://localhost:8400", Some(Some("http://localhost:8400"))),
            ("http://localhost:8400/path?x=1", Some(Some("http://localhost:8400"))),
            ("http://127.0.0.1", Some(Some("http://127.0.0.1"))),
            ("urn:ietf:wg:oauth:2.0:oob", Some(None)),
            ("https://localhost:8443/common/oauth2/nativeclient", Some(None)),
            ("https://login.microsoftonline.com/common/oauth2/nativeclient", None),
            ("http://localhost.evil.example", None),
            ("http://localhost:80@evil.example/", None),
            ("http://localhost:99999", None),
            ("http://localhost:80;script-src", None),
            ("http://evil.example", None),
            ("https://evil.example", None),
            ("http://localhost/#x", None),
            ("javascript:alert(1)", None),
        ] {
            let found = redirect_origin(uri, base).ok();
            assert_eq!(found.as_ref().map(Option::as_deref), origin, "{uri}");
        }
    }
}
