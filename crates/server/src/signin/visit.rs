//! One request to the sign-in endpoints, read and checked.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, Method, Uri, header};

use super::Settings;
use super::error::Refused;
use super::form::{Form, MAX_FORM};
use crate::text::Language;

/// What the endpoints look at.
#[derive(Debug)]
pub struct Visit {
    /// `GET` (also for `HEAD`) or `POST`.
    pub method: Method,
    /// All headers.
    pub headers: HeaderMap,
    /// The path, without query.
    pub path: String,
    /// The query string.
    pub query: Form,
    /// The body of a `POST`.
    pub form: Form,
    /// The server as the client sees it, without trailing slash.
    pub base_url: String,
    /// Where the request comes from.
    pub address: Option<String>,
    /// What the pages speak.
    pub language: Language,
}

impl Visit {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Refused`] for another verb than `allowed`, a host that is none, a broken query or form.
    pub async fn of(settings: &Settings, allowed: &'static str, request: Request) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        if !allowed.split(", ").any(|verb| verb == parts.method.as_str()) {
            return Err(Refused::Method(allowed));
        }
        let base_url = base_url(&parts.headers, &parts.uri, settings.https, settings.trust_forwarded)
            .ok_or_else(|| Refused::invalid("Host", "it is missing or no host name"))?;
        let posted = parts.method == Method::POST;
        // Client libraries append tracking parameters of their own to endpoints that take forms.
        let only_form = posted && !allowed.contains("GET");
        let query = if only_form { Form::default() } else { Form::parse(parts.uri.query().unwrap_or("").as_bytes())? };
        let form = if posted {
            let bytes = axum::body::to_bytes(body, MAX_FORM).await.map_err(|_| Refused::TooLong(MAX_FORM))?;
            let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let is_form = content_type.is_some_and(|text| {
                text.split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
            });
            if !is_form {
                return Err(Refused::NotAForm);
            }
            Form::parse(&bytes)?
        } else {
            Form::default()
        };
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Ok(Self {
            method: if posted { Method::POST } else { Method::GET },
            path: parts.uri.path().to_owned(),
            query,
            form,
            base_url,
            address: address(settings, &parts.headers, peer),
            language: chosen_language(&parts.headers)
                .unwrap_or_else(|| Language::of(text(&parts.headers, "accept-language"))),
            headers: parts.headers,
        })
    }

    /// A cookie of the request.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie(&self.headers, name)
    }

    /// Host and port of this server as the client sees it.
    pub fn host(&self) -> &str {
        self.base_url.split_once("://").map_or("", |(_, host)| host)
    }
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The language that the visitor chose on a page.
fn chosen_language(headers: &HeaderMap) -> Option<Language> {
    ["__Host-fullmakt-language", "fullmakt-language"].iter().find_map(|name| Language::parse(cookie(headers, name)?))
}

/// Where a request comes from.
pub fn address(settings: &Settings, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<String> {
    let forwarded = settings.trust_forwarded.then(|| last(headers, "x-forwarded-for")).flatten();
    forwarded.or_else(|| peer.map(|peer| peer.ip().to_string()))
}

/// The address of this server as the client of a request sees it, such as `https://localhost:8443`, without trailing
/// slash. [`None`] when the request names no host or something that is none.
pub fn base_url(headers: &HeaderMap, uri: &Uri, https: bool, trust_forwarded: bool) -> Option<String> {
    let forwarded = |name| trust_forwarded.then(|| first(headers, name)).flatten();
    let host = forwarded("x-forwarded-host")
        .or_else(|| text(headers, "host").map(str::to_owned))
        .or_else(|| uri.authority().map(|authority| authority.as_str().to_owned()))?;
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']');
    if host.is_empty() || host.len() > 255 || !host.bytes().all(sound) {
        return None;
    }
    let scheme = match forwarded("x-forwarded-proto").map(|proto| proto.to_ascii_lowercase()).as_deref() {
        Some("https") => "https",
        Some("http") => "http",
        _ if https => "https",
        _ => "http",
    };
    Some(format!("{scheme}://{}", host.to_ascii_lowercase()))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn first(headers: &HeaderMap, name: &str) -> Option<String> {
    text(headers, name)?.split(',').next().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty())
}

/// The last entry is the one that the trusted proxy wrote; those before it are what the client claims.
fn last(headers: &HeaderMap, name: &str) -> Option<String> {
    text(headers, name)?.rsplit(',').next().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_follows_the_host_and_a_trusted_proxy_only() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let plain = headers(&[("host", "LocalHost:8443"), ("x-forwarded-host", "evil.example")]);
        let uri = Uri::from_static("/");
        assert_eq!(base_url(&plain, &uri, true, false).as_deref(), Some("https://localhost:8443"));
        assert_eq!(base_url(&plain, &uri, true, true).as_deref(), Some("https://evil.example"));
        let proxied = headers(&[("host", "inner"), ("x-forwarded-proto", "https")]);
        assert_eq!(base_url(&proxied, &uri, false, true).as_deref(), Some("https://inner"));
        assert_eq!(base_url(&proxied, &uri, false, false).as_deref(), Some("http://inner"));
        assert_eq!(base_url(&headers(&[("host", "a/b")]), &uri, true, false), None);
        let http2 = Uri::from_static("https://localhost:8443/x");
        assert_eq!(base_url(&HeaderMap::new(), &http2, true, false).as_deref(), Some("https://localhost:8443"));
    }
}
