//! What every handler is given.

use std::sync::Arc;

use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::ids::CorrelationId;
use fullmakt_store::Store;
use http::{HeaderMap, Uri, header};

use crate::clock::Clock;
use crate::jobs::Jobs;
use crate::signin::{self, Issuer, Signin, TokenError, Verified};

/// How the server was asked to behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether the OAuth password grant is allowed.
    pub password_grant: bool,
    /// Whether clients reach the server by `https`; otherwise it stands behind a proxy or speaks plain HTTP.
    pub https: bool,
    /// Whether `X-Forwarded-Host`, `-Proto` and `-For` are believed.
    pub trust_forwarded: bool,
    /// Requests a minute and tenant that each API takes, reads and writes apart; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// What whoever runs the server shows to move its clock; `None` where the clock is the real one.
    pub admin_key: Option<String>,
    /// Whether tokens of users say that they proved themselves twice, which the Partner Center API demands of them.
    pub mfa: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            password_grant: false,
            https: true,
            trust_forwarded: false,
            requests_per_minute: None,
            admin_key: None,
            mfa: true,
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
    /// Who signs in, and with what.
    pub signin: Signin,
    /// What the server does by itself.
    pub jobs: Jobs,
}

impl App {
    /// Puts the parts together.
    pub fn new(store: Store, issuer: Arc<Issuer>, clock: Clock, settings: Settings) -> Self {
        let signing_in = signin::Settings {
            password_grant: settings.password_grant,
            mfa: settings.mfa,
            https: settings.https,
            trust_forwarded: settings.trust_forwarded,
            ..signin::Settings::default()
        };
        let signin = Signin::new(store.clone(), issuer, signing_in);
        let jobs = Jobs::new(store.clone(), clock.clone());
        Self { store, clock, settings: Arc::new(settings), signin, jobs }
    }

    /// The context of a request that arrived now.
    pub fn request(&self, correlation: CorrelationId) -> RequestContext {
        RequestContext { now: self.clock.now(), correlation }
    }

    /// The address under which the caller sees this server: `https://host:port`, without trailing slash.
    pub fn base_url(&self, headers: &HeaderMap, uri: &Uri) -> String {
        let https = self.settings.https;
        signin::base_url(headers, uri, https, self.settings.trust_forwarded).unwrap_or_else(|| {
            // Only a request without any usable host gets here; it has to be told something.
            if https { "https://localhost".to_owned() } else { "http://localhost".to_owned() }
        })
    }

    /// Who makes a request.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn verify(&self, headers: &HeaderMap, base_url: &str) -> Result<Verified, TokenError> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        signin::verify(&self.signin, authorization, base_url).await
    }
}
