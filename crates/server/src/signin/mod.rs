//! The embedded OpenID provider: it signs users and applications in the way Microsoft's client libraries expect, and
//! verifies the tokens it issued.
//!
//! [`intercept`] takes the requests that are about signing in and passes on all others; [`verify`] is what the edges ask
//! about a token.

mod authorize;
mod device;
mod discovery;
mod error;
mod form;
mod grant;
mod keys;
mod page;
mod password;
mod resource;
mod route;
mod session;
mod throttle;
mod token;
mod verify;
mod visit;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fullmakt_domain::ids::TenantId;
use fullmakt_store::authn::{self, Principal, Tenant};
use fullmakt_store::{Fault, Store};
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;

pub use error::Refused;
pub use keys::{Issuer, KeyError};
pub use password::{HashFault, hash_secret, new_password, verify_secret};
pub use resource::Audience;
pub use session::{Session, csrf_token, random_token};
pub use throttle::Throttle;
pub use verify::{TokenError, Verified, verify};
pub use visit::{base_url, cookie};

use route::Route;
use visit::Visit;

/// What the operator may choose about signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The OAuth password grant is answered.
    pub password_grant: bool,
    /// Users count as having proved themselves twice, so that what demands it works. There is no second factor yet.
    pub mfa: bool,
    /// Clients reach the server by `https`.
    pub https: bool,
    /// `X-Forwarded-Host`, `-Proto` and `-For` are believed: only behind a proxy that sets them.
    pub trust_forwarded: bool,
    /// How long access and id tokens last, in seconds.
    pub access_lifetime_s: i64,
    /// How long an unused refresh token lasts, in seconds.
    pub refresh_lifetime_s: i64,
    /// How long an authorization code lasts, in seconds.
    pub code_lifetime_s: i64,
    /// How long a device code lasts, in seconds.
    pub device_lifetime_s: i64,
    /// How long a device waits between two questions, in seconds.
    pub device_interval_s: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            password_grant: false,
            mfa: true,
            https: true,
            trust_forwarded: false,
            access_lifetime_s: 3_599,
            refresh_lifetime_s: 90 * 24 * 3_600,
            code_lifetime_s: 600,
            device_lifetime_s: 900,
            device_interval_s: 5,
        }
    }
}

/// Everything signing in needs. Cheap to clone.
#[derive(Clone)]
pub struct Signin {
    parts: Arc<Parts>,
}

struct Parts {
    store: Store,
    issuer: Arc<Issuer>,
    settings: Settings,
    throttle: Throttle,
}

impl Signin {
    /// Puts the parts together.
    pub fn new(store: Store, issuer: Arc<Issuer>, settings: Settings) -> Self {
        Self { parts: Arc::new(Parts { store, issuer, settings, throttle: Throttle::default() }) }
    }

    /// Where the data lies.
    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    /// Who signs.
    pub fn issuer(&self) -> &Issuer {
        &self.parts.issuer
    }

    /// What the operator chose.
    pub fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    fn throttle(&self) -> &Throttle {
        &self.parts.throttle
    }

    /// Removes expired codes and tokens and takes note of keys that other servers made. To be called every few minutes;
    /// gives the number of removed rows.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn sweep(&self) -> Result<u64, Fault> {
        let removed = authn::sweep(self.store(), Timestamp::now()).await?;
        if let Err(error) = self.issuer().refresh(self.store()).await {
            tracing::warn!(%error, "cannot take note of new signing keys");
        }
        Ok(removed)
    }
}

/// Middleware in front of all routes: answers what is about signing in, passes on the rest.
///
/// Requests over HTTP/2 name their host elsewhere; for them the header `Host` is filled in, since answers everywhere speak
/// of addresses under it.
pub async fn intercept(State(signin): State<Signin>, mut request: Request, next: Next) -> Response {
    if !request.headers().contains_key(header::HOST)
        && let Some(host) = request.uri().authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    match Route::of(request.uri().path()) {
        Some(route) => answer(&signin, route, request).await,
        None => next.run(request).await,
    }
}

async fn answer(signin: &Signin, route: Route, request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return (StatusCode::NO_CONTENT, [(header::ALLOW, route.allowed())]).into_response();
    }
    let visit = match Visit::of(signin.settings(), route.allowed(), request).await {
        Ok(visit) => visit,
        Err(refused) => return refused.into_response(),
    };
    let answered = match route {
        Route::Discovery { tenant, version } => discovery::document(signin, &visit, &tenant, version).await,
        Route::Instance => Ok(discovery::instance(&visit)),
        Route::Keys { tenant } => discovery::keys(signin, &tenant).await,
        Route::UserRealm { user } => Ok(discovery::user_realm(&visit, &user)),
        Route::Token { tenant, version } => grant::token(signin, &visit, &tenant, version).await,
        Route::DeviceCode { tenant, version } => device::begin(signin, &visit, &tenant, version).await,
        Route::Authorize { tenant, version } => Ok(authorize::answer(signin, &visit, &tenant, version).await),
        Route::DevicePage => Ok(device::page(signin, &visit).await),
        Route::Logout => Ok(authorize::logout(&visit)),
        Route::Stylesheet => Ok(page::stylesheet()),
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// Which directory a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// `common` or `organizations`: the one the user belongs to.
    Home,
    /// A certain one.
    Named(Tenant),
}

impl Place {
    /// Reads the first segment of a path.
    async fn of(store: &Store, segment: &str) -> Result<Self, Refused> {
        if ["common", "organizations"].iter().any(|name| segment.eq_ignore_ascii_case(name)) {
            return Ok(Self::Home);
        }
        match authn::tenant(store, segment).await? {
            Some(tenant) => Ok(Self::Named(tenant)),
            None => Err(Refused::UnknownTenant(segment.chars().take(120).collect())),
        }
    }

    fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Home => None,
            Self::Named(tenant) => Some(tenant.id),
        }
    }
}

/// Checks a user's name and password, and that the user may enter the directory asked for.
async fn sign_in(
    signin: &Signin,
    tenant: Option<TenantId>,
    address: Option<&str>,
    username: &str,
    password: &str,
) -> Result<(Principal, TenantId), Refused> {
    let user = authn::user(signin.store(), username).await?;
    let hash = user.as_ref().and_then(|user| user.secret_hash.as_deref());
    let account = format!("user {}", username.trim());
    let right = password::check_secret(signin.throttle(), &account, address, password, hash).await?;
    let Some(user) = user.filter(|_| right) else { return Err(Refused::WrongPassword) };
    let tenant = enter(signin, &user, tenant).await?;
    Ok((user, tenant))
}

/// The directory a user gets a token for: the one asked for, or the user's own.
async fn enter(signin: &Signin, user: &Principal, tenant: Option<TenantId>) -> Result<TenantId, Refused> {
    if user.disabled {
        return Err(Refused::UserDisabled);
    }
    let tenant = tenant.unwrap_or(user.home);
    if authn::may_enter(signin.store(), user, tenant).await? {
        Ok(tenant)
    } else {
        let name = user.upn.clone().unwrap_or_else(|| user.name.clone());
        Err(Refused::NotInTenant { user: name, tenant: tenant.to_string() })
    }
}
