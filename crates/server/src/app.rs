//! What every handler is given.

use std::sync::Arc;

use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::ids::CorrelationId;
use fullmakt_store::Store;

use crate::clock::Clock;

/// How the server was asked to behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether the OAuth password grant is allowed.
    pub password_grant: bool,
    /// `https` or, behind a proxy that speaks TLS, `http`: the scheme of addresses in answers.
    pub scheme: &'static str,
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` are believed.
    pub trust_forwarded: bool,
    /// Requests a minute and tenant that the Partner Center API takes; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// Whether partner users must have signed in with a second factor.
    pub require_mfa: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            password_grant: false,
            scheme: "https",
            trust_forwarded: false,
            requests_per_minute: None,
            require_mfa: false,
        }
    }
}

/// The parts of a running server. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The data, behind its door.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// How the server was asked to behave.
    pub settings: Arc<Settings>,
}

impl App {
    /// The context of a request that arrived now.
    pub fn request(&self, correlation: CorrelationId) -> RequestContext {
        RequestContext { now: self.clock.now(), correlation }
    }

    /// The address under which the caller sees this server: `https://host:port`, from its `Host` header.
    pub fn base_url(&self, headers: &http::HeaderMap) -> String {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let forwarded = |name: &str| text(name).filter(|_| self.settings.trust_forwarded);
        let scheme = forwarded("x-forwarded-proto").filter(|s| s == "https" || s == "http");
        let host = forwarded("x-forwarded-host").or_else(|| text("host")).filter(|h| is_host(h));
        let scheme = scheme.unwrap_or_else(|| self.settings.scheme.to_owned());
        format!("{scheme}://{}", host.unwrap_or_else(|| "localhost".to_owned()))
    }
}

/// A host name or address with or without a port, and nothing that would change the meaning of an address.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
}
