//! Signing in, over the router: every grant, every refusal, and what a token is worth.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fullmakt_server::signin::{
    Audience, Issuer, Settings, Signin, TokenError, Verified, hash_secret, intercept, verify,
};
use fullmakt_store::{SecretHashes, Store};
use fullmakt_testkit::{Database, FJALLRAVEN, KUSTFISKE, NORDMOLN, NORDMOLN_WORLD, SKOGSBRUKET, TestDatabase};
use fullmakt_world::World;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tower::ServiceExt;

const BASE: &str = "https://localhost:8443";
/// The public client that command line tools sign in as.
const PUBLIC_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const OTHER_CLIENT: &str = "aebc6443-996d-45c2-90f0-388ff96faa56";
const INTEGRATION: &str = "11111111-0000-4000-8000-0000000000a1";
const INTEGRATION_SECRET: &str = "integrationens hemlighet";
const ARM: &str = "https://management.azure.com/.default";
const ARM_USER: &str = "https://management.azure.com/.default openid profile offline_access";
const REDIRECT: &str = "http://localhost:8400/";
// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A provider of its own, with the world of the tests.
struct Provider {
    signin: Signin,
    router: Router,
    database: TestDatabase,
    _folder: tempfile::TempDir,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    fn text_of(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no `{field}` in {}", self.text)).to_owned()
    }

    fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }

    /// The refusal's face: HTTP status, OAuth error, number.
    fn is(&self, status: u16, error: &str, number: u32) {
        let body = self.json();
        let description = body["error_description"].as_str().unwrap();
        assert_eq!((self.status.as_u16(), body["error"].as_str().unwrap()), (status, error), "{description}");
        assert_eq!(body["error_codes"], json!([number]), "{description}");
        assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        for field in ["timestamp", "trace_id", "correlation_id"] {
            assert!(body[field].is_string(), "{field}");
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Provider {
    async fn new() -> Self {
        Self::with(Settings { password_grant: true, ..Settings::default() }).await
    }

    async fn with(settings: Settings) -> Self {
        let database = TestDatabase::create(Database::under_test()).await;
        let store = Store::open(&database.url().parse().unwrap()).await.unwrap();
        store.migrate().await.unwrap();
        let world = fullmakt_world::parse(NORDMOLN_WORLD).unwrap();
        let hashes = hashes(&world).await;
        let catalog = Arc::new(fullmakt_world::catalog_csv::built_in().clone());
        store.load_world(world, catalog, hashes, Timestamp::now()).await.unwrap();
        Self::on(store, database, settings).await
    }

    /// Another server on the same database, with keys of its own.
    async fn beside(&self) -> Self {
        Self::on(self.signin.store().clone(), self.database.clone(), self.signin.settings().clone()).await
    }

    async fn on(store: Store, database: TestDatabase, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Arc::new(Issuer::open(folder.path(), &store).await.unwrap());
        let signin = Signin::new(store, issuer, settings);
        let router = Router::new()
            .fallback(|| async { (StatusCode::IM_A_TEAPOT, "not about signing in") })
            .layer(axum::middleware::from_fn_with_state(signin.clone(), intercept));
        Self { signin, router, database, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).header("host", "localhost:8443").body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.post_with(path, form, &[]).await
    }

    async fn post_with(&self, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::post(path)
            .header("host", "localhost:8443")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(encode(form))).unwrap()).await
    }

    async fn token(&self, tenant: &str, form: &[(&str, &str)]) -> Reply {
        self.post(&format!("/{tenant}/oauth2/v2.0/token"), form).await
    }

    async fn password(&self, tenant: &str, upn: &str, password: &str) -> Reply {
        let form = [("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("scope", ARM_USER)];
        self.token(tenant, &[&form[..], &[("username", upn), ("password", password)]].concat()).await
    }

    async fn application(&self, scope: &str) -> Reply {
        let form = [("grant_type", "client_credentials"), ("client_id", INTEGRATION), ("scope", scope)];
        self.token(NORDMOLN, &[&form[..], &[("client_secret", INTEGRATION_SECRET)]].concat()).await
    }

    async fn refresh(&self, tenant: &str, token: &str) -> Reply {
        let form = [("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", token)];
        self.token(tenant, &form).await
    }

    async fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        verify(&self.signin, Some(&format!("Bearer {token}")), BASE).await
    }

    /// Signs in at the page and gives the answer to the submitted form.
    async fn at_the_page(&self, tenant: &str, extra: &[(&str, &str)], login: &[(&str, &str)]) -> Reply {
        self.at_the_page_pressing(tenant, "", extra, login).await
    }

    async fn at_the_page_pressing(
        &self,
        tenant: &str,
        button: &str,
        extra: &[(&str, &str)],
        login: &[(&str, &str)],
    ) -> Reply {
        let ask = [&authorization()[..], extra].concat();
        let page = self.get(&format!("/{tenant}/oauth2/v2.0/authorize?{}", encode(&ask))).await.ok();
        let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
        let hidden = fields(&page.text);
        let hidden: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let form = [&hidden[..], login].concat();
        self.post_with(&format!("/{tenant}/oauth2/v2.0/authorize{button}"), &form, &[("cookie", &cookie)]).await
    }

    async fn code(&self, tenant: &str, upn: &str, password: &str) -> String {
        let sent = self.at_the_page(tenant, &[], &[("username", upn), ("password", password)]).await;
        assert_eq!(sent.status, 302, "{}", sent.text);
        let location = sent.header("location");
        assert!(location.starts_with("http://localhost:8400/?") && location.contains("state=st%20%26te"), "{location}");
        parameter(location, "code")
    }

    async fn redeem(&self, tenant: &str, code: &str, extra: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", PUBLIC_CLIENT),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        form.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        form.extend(extra.iter().filter(|(_, value)| !value.is_empty()));
        self.token(tenant, &form).await
    }

    async fn device(&self, tenant: &str) -> (String, String) {
        let form = [("client_id", PUBLIC_CLIENT), ("scope", ARM_USER)];
        let begun = self.post(&format!("/{tenant}/oauth2/v2.0/devicecode"), &form).await.ok();
        (begun.text_of("device_code"), begun.text_of("user_code"))
    }

    async fn poll(&self, tenant: &str, device_code: &str) -> Reply {
        let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
        let form = [("grant_type", grant_type), ("client_id", PUBLIC_CLIENT), ("device_code", device_code)];
        self.token(tenant, &form).await
    }

    async fn at_the_device_page(&self, form: &[(&str, &str)]) -> Reply {
        self.at_the_device_page_pressing("", form).await
    }

    async fn at_the_device_page_pressing(&self, button: &str, form: &[(&str, &str)]) -> Reply {
        let page = self.get("/devicelogin").await.ok();
        let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
        let csrf = cookie.split_once('=').unwrap().1.to_owned();
        self.post_with(
            &format!("/devicelogin{button}"),
            &[&[("csrf", csrf.as_str())], form].concat(),
            &[("cookie", &cookie)],
        )
        .await
    }
}

/// The hashed secrets of the tests' world. Hashing is slow on purpose, so it is done once for all tests.
async fn hashes(world: &World) -> SecretHashes {
    static HASHES: OnceCell<SecretHashes> = OnceCell::const_new();
    let hash = async || {
        let users = world.partners.iter().flat_map(|p| &p.users).chain(world.customers.iter().flat_map(|c| &c.users));
        let applications = world
            .partners
            .iter()
            .flat_map(|p| &p.applications)
            .chain(world.customers.iter().flat_map(|c| &c.applications));
        let secrets = users
            .map(|user| (user.id, user.password.0.clone()))
            .chain(applications.map(|application| (application.id, application.client_secret.0.clone())));
        let hashes = futures_util::future::join_all(
            secrets.map(|(id, secret)| async move { (id, hash_secret(&secret).await.unwrap()) }),
        );
        hashes.await.into_iter().collect()
    };
    HASHES.get_or_init(hash).await.clone()
}

fn authorization() -> Vec<(&'static str, &'static str)> {
    vec![
        ("client_id", PUBLIC_CLIENT),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", ARM_USER),
        ("state", "st &te"),
        ("nonce", "n<o>nce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

fn encode(form: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    form.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

/// The hidden fields of a page's form.
fn fields(page: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let value = tag.split_once(&format!("{name}=\""))?.1.split('"').next()?;
        let plain = value.replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
        Some(plain.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    };
    page.split("<input type=\"hidden\"")
        .skip(1)
        .filter_map(|tag| {
            let tag = tag.split('>').next()?;
            Some((attribute(tag, "name")?, attribute(tag, "value")?))
        })
        .collect()
}

fn parameter(location: &str, name: &str) -> String {
    let (_, query) = location.split_once(['?', '#']).unwrap();
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
        .unwrap_or_else(|| panic!("{location}"))
        .to_owned()
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn an_application_signs_in_with_its_secret() {
    let provider = Provider::new().await;
    let reply = provider.application(ARM).await.ok();
    assert_eq!(reply.header("cache-control"), "no-store");
    let body = reply.json();
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_i64()), (Some("Bearer"), Some(3599)));
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let token = reply.text_of("access_token");
    let claims = claims(&token);
    assert_eq!(claims["aud"], "https://management.azure.com");
    assert_eq!(claims["iss"], format!("{BASE}/{NORDMOLN}/v2.0"));
    assert_eq!((&claims["ver"], &claims["idtyp"], &claims["azp"]), (&json!("2.0"), &json!("app"), &json!(INTEGRATION)));
    for absent in ["appid", "upn", "scp", "amr"] {
        assert!(claims.get(absent).is_none(), "{absent}");
    }
    let verified = provider.verify(&token).await.unwrap();
    assert!(!verified.user && !verified.mfa);
    assert_eq!(verified.audience, Audience::Arm);
    assert_eq!(verified.actor.tenant.to_string(), NORDMOLN);
    assert_eq!(verified.actor.application.unwrap().to_string(), INTEGRATION);
    // By domain, with the secret in a Basic header.
    let basic = STANDARD.encode(format!("{INTEGRATION}:integrationens+hemlighet"));
    let form = [("grant_type", "client_credentials"), ("scope", "https://graph.windows.net/.default")];
    let header = [("authorization", &*format!("Basic {basic}"))];
    let reply =
        provider.post_with("/Nordmoln.example/OAUTH2/V2.0/Token?client-request-id=x", &form, &header).await.ok();
    assert_eq!(provider.verify(&reply.text_of("access_token")).await.unwrap().audience, Audience::Graph);
}

#[tokio::test]
async fn the_v1_endpoint_speaks_of_resources_and_writes_numbers_as_text() {
    let provider = Provider::new().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", INTEGRATION),
        ("client_secret", INTEGRATION_SECRET),
        ("resource", "https://api.partnercenter.microsoft.com/"),
    ];
    let path = format!("/{NORDMOLN}/oauth2/token");
    let reply = provider.post(&path, &form).await.ok();
    let body = reply.json();
    assert_eq!(body["resource"], "https://api.partnercenter.microsoft.com/");
    for number in ["expires_in", "ext_expires_in", "expires_on", "not_before"] {
        assert!(body[number].as_str().unwrap().parse::<i64>().is_ok(), "{number}");
    }
    let token = reply.text_of("access_token");
    let claims = claims(&token);
    assert_eq!((&claims["ver"], &claims["appid"]), (&json!("1.0"), &json!(INTEGRATION)));
    assert_eq!(claims["iss"], format!("{BASE}/{NORDMOLN}/"));
    assert!(claims.get("azp").is_none());
    assert_eq!(provider.verify(&token).await.unwrap().audience, Audience::PartnerCenter);
    provider.post(&path, &form[..3]).await.is(400, "invalid_request", 900_144);
    let wrong = [&form[..3], &[("resource", "https://evil.example")]].concat();
    provider.post(&path, &wrong).await.is(400, "invalid_resource", 500_011);
    // A user, by the same endpoint.
    let form = [
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("resource", "https://management.core.windows.net/"),
        ("username", "ada@nordmoln.example"),
        ("password", "adas lösenord 1"),
    ];
    let reply = provider.post("/common/oauth2/token", &form).await.ok();
    assert_eq!(reply.json()["scope"], "user_impersonation");
    assert_eq!(crate::signin::claims(&reply.text_of("id_token"))["upn"], "ada@nordmoln.example");
    let form = [("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("scope", "openid")];
    let old = reply.text_of("refresh_token");
    let renewed = provider.post("/common/oauth2/token", &[&form[..], &[("refresh_token", &*old)]].concat()).await.ok();
    assert_eq!(renewed.json()["resource"], "https://management.core.windows.net/");
}

#[tokio::test]
async fn an_application_is_refused_by_name() {
    let provider = Provider::new().await;
    let form = |changes: &[(&'static str, &'static str)]| {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", INTEGRATION),
            ("client_secret", INTEGRATION_SECRET),
            ("scope", ARM),
        ];
        form.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
        form.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        form
    };
    for (tenant, changes, status, error, number) in [
        (NORDMOLN, vec![("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (NORDMOLN, vec![("client_secret", "")], 401, "invalid_client", 7_000_218),
        (NORDMOLN, vec![("client_id", PUBLIC_CLIENT)], 400, "unauthorized_client", 700_016),
        (NORDMOLN, vec![("client_id", "not a guid")], 400, "unauthorized_client", 700_016),
        (NORDMOLN, vec![("client_id", "")], 400, "invalid_request", 900_144),
        (NORDMOLN, vec![("grant_type", "")], 400, "invalid_request", 900_144),
        (NORDMOLN, vec![("grant_type", "implicit")], 400, "unsupported_grant_type", 70_003),
        (NORDMOLN, vec![("scope", "")], 400, "invalid_request", 900_144),
        (NORDMOLN, vec![("scope", "https://evil.example/.default")], 400, "invalid_resource", 500_011),
        (NORDMOLN, vec![("scope", "https://management.azure.com/user_impersonation")], 400, "invalid_scope", 70_011),
        (NORDMOLN, vec![("scope", "User.Read")], 400, "invalid_scope", 70_011),
        (NORDMOLN, vec![("client_assertion", "x")], 401, "invalid_client", 700_021),
        (FJALLRAVEN, vec![], 400, "unauthorized_client", 700_016),
        ("common", vec![], 400, "invalid_request", 50_059),
        ("unknown.example", vec![], 400, "invalid_tenant", 90_002),
        ("99999999-9999-4999-8999-999999999999", vec![], 400, "invalid_tenant", 90_002),
    ] {
        provider.token(tenant, &form(&changes)).await.is(status, error, number);
    }
    let path = format!("/{NORDMOLN}/oauth2/v2.0/token");
    let raw = async |content_type: &str, body: Vec<u8>| {
        let request = Request::post(&path).header("host", "localhost:8443").header("content-type", content_type);
        provider.send(request.body(Body::from(body)).unwrap()).await
    };
    raw("application/json", b"{}".to_vec()).await.is(400, "invalid_request", 900_141);
    let twice = raw("application/x-www-form-urlencoded", b"scope=a&scope=b".to_vec()).await;
    twice.is(400, "invalid_request", 90_013);
    assert!(twice.text_of("error_description").contains("`scope`"), "{}", twice.text);
    raw("application/x-www-form-urlencoded", b"scope=%ff".to_vec()).await.is(400, "invalid_request", 90_013);
    raw("application/x-www-form-urlencoded", vec![b'a'; 40_000]).await.is(413, "invalid_request", 90_081);
    let wrong_verb = provider.get(&path).await;
    wrong_verb.is(405, "invalid_request", 900_561);
    assert_eq!(wrong_verb.header("allow"), "POST, OPTIONS");
    assert_eq!(provider.get("/v1/customers").await.status, StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn a_user_signs_in_by_password_where_that_is_switched_on() {
    let provider = Provider::new().await;
    let reply = provider.password("organizations", "Ada@Nordmoln.example", "adas lösenord 1").await.ok();
    let scope = reply.text_of("scope");
    for part in [ARM, "https://management.azure.com/user_impersonation", "openid", "offline_access"] {
        assert!(scope.split(' ').any(|s| s == part), "{part} in {scope}");
    }
    let info: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(reply.text_of("client_info")).unwrap()).unwrap();
    assert_eq!(info["utid"], NORDMOLN);
    let verified = provider.verify(&reply.text_of("access_token")).await.unwrap();
    assert!(verified.user && verified.mfa);
    assert_eq!(verified.actor.name, "ada@nordmoln.example");
    let claims = claims(&reply.text_of("access_token"));
    assert_eq!(claims["amr"], json!(["pwd", "mfa"]));
    for (name, value) in
        [("upn", "ada@nordmoln.example"), ("name", "Ada"), ("scp", "user_impersonation"), ("idtyp", "user")]
    {
        assert_eq!(claims[name], value);
    }
    // Unknown and wrong look alike.
    provider.password(NORDMOLN, "ada@nordmoln.example", "wrong").await.is(400, "invalid_grant", 50_126);
    provider.password(NORDMOLN, "nobody@nordmoln.example", "wrong").await.is(400, "invalid_grant", 50_126);
    provider.password(NORDMOLN, "olle@exempel.example", "olles lösenord 1").await.is(400, "invalid_grant", 50_020);
    let off = Provider::on(provider.signin.store().clone(), provider.database.clone(), Settings::default()).await;
    off.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.is(400, "unauthorized_client", 7_000_113);
    let once = Settings { mfa: false, ..provider.signin.settings().clone() };
    let once = Provider::on(provider.signin.store().clone(), provider.database.clone(), once).await;
    let reply = once.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.ok();
    assert!(!once.verify(&reply.text_of("access_token")).await.unwrap().mfa);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let provider = Provider::new().await;
    for _ in 0..10 {
        provider.password(NORDMOLN, "ada@nordmoln.example", "wrong").await.is(400, "invalid_grant", 50_126);
    }
    let refused = provider.password(FJALLRAVEN, "ADA@nordmoln.example", "adas lösenord 1").await;
    refused.is(429, "invalid_grant", 50_053);
    assert!(refused.header("retry-after").parse::<u64>().is_ok());
    provider.password(FJALLRAVEN, "olle@exempel.example", "olles lösenord 1").await.ok();
    for _ in 0..10 {
        let form = [("grant_type", "client_credentials"), ("client_id", INTEGRATION), ("client_secret", "guess")];
        provider.token(NORDMOLN, &form).await.is(401, "invalid_client", 7_000_215);
    }
    provider.application(ARM).await.is(429, "invalid_grant", 50_053);
}

#[tokio::test]
async fn a_user_signs_in_at_the_page() {
    let provider = Provider::new().await;
    let ada = [("username", "ada@nordmoln.example"), ("password", "adas lösenord 1")];
    let code = provider.code("organizations", ada[0].1, ada[1].1).await;
    let reply = provider.redeem("organizations", &code, &[("scope", ARM_USER)]).await.ok();
    let id = claims(&reply.text_of("id_token"));
    assert_eq!((&id["aud"], &id["nonce"]), (&json!(PUBLIC_CLIENT), &json!("n<o>nce")));
    assert_eq!((&id["iss"], &id["ver"]), (&json!(format!("{BASE}/{NORDMOLN}/v2.0")), &json!("2.0")));
    assert_eq!((&id["preferred_username"], &id["name"]), (&json!("ada@nordmoln.example"), &json!("Ada")));
    assert!(provider.verify(&reply.text_of("access_token")).await.unwrap().mfa);
    assert!(matches!(provider.verify(&reply.text_of("id_token")).await, Err(TokenError::Refused(_))));
    // The page posts the code itself where that is asked for.
    let posting = provider.at_the_page(NORDMOLN, &[("response_mode", "form_post")], &ada).await.ok();
    let policy = posting.header("content-security-policy");
    assert!(
        policy.contains("form-action http://localhost:8400;") && policy.contains("script-src 'sha256-"),
        "{policy}"
    );
    assert!(posting.text.contains("action=\"http://localhost:8400/\"") && posting.text.contains("<button"));
    let posted = fields(&posting.text);
    assert!(posted.contains(&("state".to_owned(), "st &te".to_owned())), "{posted:?}");
    let code = &posted.iter().find(|(name, _)| name == "code").unwrap().1;
    provider.redeem(NORDMOLN, code, &[]).await.ok();
    // Code and id token together come in the fragment.
    let mut ask = authorization();
    ask.retain(|(name, _)| *name != "response_type");
    ask.push(("response_type", "code id_token"));
    let page = provider.get(&format!("/{NORDMOLN}/oauth2/authorize?{}", encode(&ask))).await.ok();
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let hidden = fields(&page.text);
    let hidden: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let form = [&hidden[..], &ada].concat();
    let sent = provider.post_with(&format!("/{NORDMOLN}/oauth2/authorize"), &form, &[("cookie", &cookie)]).await;
    let location = sent.header("location");
    assert!(location.starts_with("http://localhost:8400/#"), "{location}");
    let id = claims(&parameter(location, "id_token"));
    assert_eq!((&id["nonce"], id["c_hash"].is_string(), &id["ver"]), (&json!("n<o>nce"), true, &json!("1.0")));
}

#[tokio::test]
async fn the_page_helps_people_who_err_and_keeps_strangers_out() {
    let provider = Provider::new().await;
    let page = provider
        .get(&format!(
            "/{FJALLRAVEN}/oauth2/v2.0/authorize?{}&login_hint=olle@exempel.example",
            encode(&authorization())
        ))
        .await
        .ok();
    for part in
        ["lang=\"en\"", "autocomplete=\"username\"", "value=\"olle@exempel.example\"", "<label for=\"password\">"]
    {
        assert!(page.text.contains(part), "{part}");
    }
    assert!(!page.text.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("form-action 'self' http://localhost:8400"));
    let cookie = page.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Secure"), "{cookie}");
    let wrong = provider.at_the_page(FJALLRAVEN, &[], &[("username", "<b>"), ("password", "x")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("role=\"alert\"") && !wrong.text.contains("<b>"));
    let blank = provider.at_the_page(FJALLRAVEN, &[], &[("username", ""), ("password", "")]).await;
    assert!(blank.text.contains("Enter your user name."));
    let stranger = [("username", "frida@kustfiske.example"), ("password", "fridas lösenord 1")];
    let kept_out = provider.at_the_page(FJALLRAVEN, &[], &stranger).await;
    assert!(kept_out.text.contains("may not sign in to that organisation"), "{}", kept_out.text);
    assert!(page.text.contains("/authorize?action=cancel\" formnovalidate"), "{}", page.text);
    let cancelled = provider.at_the_page_pressing(FJALLRAVEN, "?action=cancel", &[], &[]).await;
    assert_eq!(parameter(cancelled.header("location"), "error"), "access_denied");
    // A form that another site sends.
    let olle = [("csrf", "forged"), ("username", "olle@exempel.example"), ("password", "olles lösenord 1")];
    let form = [&authorization()[..], &olle].concat();
    let path = format!("/{FJALLRAVEN}/oauth2/v2.0/authorize");
    let forged = provider.post_with(&path, &form, &[("cookie", "fullmakt_csrf=another")]).await;
    assert_eq!(forged.status, 400);
    let form = [&authorization()[..], &[("csrf", "same")], &olle[1..]].concat();
    let headers = [("cookie", "fullmakt_csrf=same"), ("origin", "https://evil.example")];
    assert_eq!(provider.post_with(&path, &form, &headers).await.status, 400);
    let swedish = Request::get(format!("{path}?{}", encode(&authorization())))
        .header("host", "localhost:8443")
        .header("accept-language", "sv-SE, en;q=0.5");
    let swedish = provider.send(swedish.body(Body::empty()).unwrap()).await;
    assert!(swedish.text.contains("lang=\"sv\"") && swedish.text.contains("Lösenord"));
    assert!(provider.get("/signin/style.css").await.ok().header("content-type").starts_with("text/css"));
    let bye = provider.get("/common/oauth2/v2.0/logout").await.ok();
    assert!(bye.text.contains("You have signed out"));
}

#[tokio::test]
async fn a_faulty_authorization_request_is_told_to_the_right_one() {
    let provider = Provider::new().await;
    let ask = async |tenant: &str, name: &'static str, value: &'static str| {
        let mut ask = authorization();
        ask.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            ask.push((name, value));
        }
        provider.get(&format!("/{tenant}/oauth2/v2.0/authorize?{}", encode(&ask))).await
    };
    // Nobody is sent to a place that is not safe.
    for (tenant, name, value, told) in [
        (NORDMOLN, "redirect_uri", "https://evil.example/", "AADSTS50011"),
        (NORDMOLN, "redirect_uri", "http://localhost.evil.example/", "AADSTS50011"),
        (NORDMOLN, "redirect_uri", "", "AADSTS900144"),
        (NORDMOLN, "client_id", "x", "AADSTS700016"),
        ("unknown.example", "state", "x", "AADSTS90002"),
    ] {
        let page = ask(tenant, name, value).await;
        assert_eq!(page.status, 400, "{name}");
        assert!(page.headers.get("location").is_none() && page.text.contains(told), "{name}: {}", page.text);
    }
    // The application hears of its own mistakes.
    for (name, value, error) in [
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("response_type", "token", "invalid_request"),
        ("scope", "", "invalid_request"),
        ("scope", "https://evil.example/.default", "invalid_resource"),
        ("prompt", "none", "login_required"),
    ] {
        let sent = ask(NORDMOLN, name, value).await;
        assert_eq!(sent.status, 302, "{name}: {}", sent.text);
        assert_eq!(parameter(sent.header("location"), "error"), error, "{name}");
        assert_eq!(parameter(sent.header("location"), "state"), "st%20%26te");
    }
    let shown = provider
        .at_the_page(NORDMOLN, &[], &[("username", "ada@nordmoln.example"), ("password", "adas lösenord 1")])
        .await;
    assert_eq!(shown.status, 302);
}

#[tokio::test]
async fn a_code_is_worth_one_exchange_by_its_owner() {
    let provider = Provider::new().await;
    let code = async || provider.code(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await;
    let wrong = "x".repeat(43);
    for (extra, number) in [
        (vec![("code_verifier", wrong.as_str())], 501_481),
        (vec![("redirect_uri", "http://localhost:8401/")], 70_008),
        (vec![("client_id", OTHER_CLIENT)], 70_008),
    ] {
        provider.redeem(NORDMOLN, &code().await, &extra).await.is(400, "invalid_grant", number);
    }
    provider.redeem(NORDMOLN, &code().await, &[("code_verifier", "")]).await.is(400, "invalid_request", 900_144);
    provider.redeem(FJALLRAVEN, &code().await, &[]).await.is(400, "invalid_grant", 70_008);
    provider.redeem(NORDMOLN, "never given out", &[]).await.is(400, "invalid_grant", 70_008);
    // A spent code is refused, and what it gave is revoked.
    let spent = code().await;
    let first = provider.redeem(NORDMOLN, &spent, &[]).await.ok();
    provider.redeem(NORDMOLN, &spent, &[]).await.is(400, "invalid_grant", 70_008);
    provider.refresh(NORDMOLN, &first.text_of("refresh_token")).await.is(400, "invalid_grant", 70_043);
    // Of many at once, one gets it.
    let contested = code().await;
    let tries = (0..8).map(|_| provider.redeem(NORDMOLN, &contested, &[]));
    let replies = futures_util::future::join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    let brief = Settings { code_lifetime_s: 0, ..provider.signin.settings().clone() };
    let brief = Provider::on(provider.signin.store().clone(), provider.database.clone(), brief).await;
    let late = brief.code(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await;
    brief.redeem(NORDMOLN, &late, &[]).await.is(400, "invalid_grant", 70_008);
}

#[tokio::test]
async fn a_device_waits_for_its_user() {
    let provider = Provider::with(Settings::default()).await;
    let begun = provider
        .post("/organizations/oauth2/v2.0/devicecode", &[("client_id", PUBLIC_CLIENT), ("scope", ARM_USER)])
        .await
        .ok();
    let body = begun.json();
    assert_eq!(body["verification_uri"], format!("{BASE}/devicelogin"));
    assert_eq!((body["expires_in"].as_i64(), body["interval"].as_i64()), (Some(900), Some(5)));
    assert!(body["message"].as_str().unwrap().contains(body["user_code"].as_str().unwrap()));
    let (device, user) = (begun.text_of("device_code"), begun.text_of("user_code"));
    provider.poll("organizations", &device).await.is(400, "authorization_pending", 70_016);
    provider.poll("organizations", &device).await.is(400, "slow_down", 70_016);
    let step = provider.at_the_device_page(&[("user_code", &user.to_lowercase())]).await.ok();
    assert!(step.text.contains("name=\"password\"") && step.text.contains("only if you started"), "{}", step.text);
    let wrong = provider
        .at_the_device_page(&[("user_code", &user), ("username", "olle@exempel.example"), ("password", "x")])
        .await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("user name or password is wrong"));
    let olle = [("user_code", &*user), ("username", "olle@exempel.example"), ("password", "olles lösenord 1")];
    assert!(provider.at_the_device_page(&olle).await.ok().text.contains("You have signed in"));
    assert!(provider.at_the_device_page(&olle).await.text.contains("not known"));
    let other = [("grant_type", "device_code"), ("client_id", OTHER_CLIENT), ("device_code", &*device)];
    provider.token("organizations", &other).await.is(400, "invalid_grant", 70_000);
    let reply = provider.poll("organizations", &device).await.ok();
    assert_eq!(claims(&reply.text_of("id_token"))["preferred_username"], "olle@exempel.example");
    assert_eq!(claims(&reply.text_of("access_token"))["tid"], FJALLRAVEN);
    provider.refresh("organizations", &reply.text_of("refresh_token")).await.ok();
    provider.poll("organizations", &device).await.is(400, "invalid_grant", 70_000);
    provider.poll("organizations", "never given out").await.is(400, "invalid_grant", 70_000);
    // No is an answer too.
    let (device, user) = provider.device(NORDMOLN).await;
    let no = provider.at_the_device_page_pressing("?action=cancel", &[("user_code", &user)]).await.ok();
    assert!(no.text.contains("You have declined"));
    provider.poll(NORDMOLN, &device).await.is(400, "authorization_declined", 65_004);
    assert!(provider.at_the_device_page(&[("user_code", "")]).await.text.contains("Enter the code."));
    let brief = Settings { device_lifetime_s: 0, ..Settings::default() };
    let brief = Provider::on(provider.signin.store().clone(), provider.database.clone(), brief).await;
    let (device, user) = brief.device(NORDMOLN).await;
    assert!(brief.at_the_device_page(&[("user_code", &user)]).await.text.contains("has expired"));
    brief.poll(NORDMOLN, &device).await.is(400, "expired_token", 70_020);
}

#[tokio::test]
async fn a_sign_in_is_renewed_and_a_stolen_renewal_ends_it() {
    let provider = Provider::new().await;
    let first =
        provider.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.ok().text_of("refresh_token");
    let renewed = provider.refresh("organizations", &first).await.ok();
    assert_eq!(claims(&renewed.text_of("access_token"))["aud"], "https://management.azure.com");
    let second = renewed.text_of("refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", OTHER_CLIENT), ("refresh_token", &*second)];
    provider.token(NORDMOLN, &form).await.is(400, "invalid_grant", 70_043);
    provider.refresh(NORDMOLN, &first).await.is(400, "invalid_grant", 70_043);
    provider.refresh(NORDMOLN, &second).await.is(400, "invalid_grant", 70_043);
    provider.refresh(NORDMOLN, "never given out").await.is(400, "invalid_grant", 70_043);
    let contested =
        provider.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.ok().text_of("refresh_token");
    let tries = (0..8).map(|_| provider.refresh(NORDMOLN, &contested));
    let replies = futures_util::future::join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    let brief = Settings { refresh_lifetime_s: 0, ..provider.signin.settings().clone() };
    let brief = Provider::on(provider.signin.store().clone(), provider.database.clone(), brief).await;
    let late = brief.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.ok().text_of("refresh_token");
    brief.refresh(NORDMOLN, &late).await.is(400, "invalid_grant", 70_043);
}

#[tokio::test]
async fn agents_enter_the_tenants_their_partner_serves_and_no_others() {
    let provider = Provider::new().await;
    for (upn, password, tenant, allowed) in [
        ("ada@nordmoln.example", "adas lösenord 1", FJALLRAVEN, true),
        ("sven@nordmoln.example", "svens lösenord 1", SKOGSBRUKET, true),
        ("hedda@nordmoln.example", "heddas lösenord 1", FJALLRAVEN, true),
        ("beata@nordmoln.example", "beatas lösenord 1", FJALLRAVEN, false),
        ("nisse@nordmoln.example", "nisses lösenord 1", FJALLRAVEN, false),
        ("ada@nordmoln.example", "adas lösenord 1", KUSTFISKE, false),
        ("olle@exempel.example", "olles lösenord 1", SKOGSBRUKET, false),
        ("olle@exempel.example", "olles lösenord 1", NORDMOLN, false),
    ] {
        let home = provider.password("organizations", upn, password).await.ok().text_of("refresh_token");
        let reply = provider.refresh(tenant, &home).await;
        if !allowed {
            reply.is(400, "invalid_grant", 50_020);
            // A refusal does not spend the token.
            provider.refresh("organizations", &home).await.ok();
            continue;
        }
        let reply = reply.ok();
        let verified = provider.verify(&reply.text_of("access_token")).await.unwrap();
        assert_eq!(verified.actor.tenant.to_string(), tenant);
        assert_eq!(verified.actor.home.to_string(), NORDMOLN);
        assert_eq!(claims(&reply.text_of("access_token"))["fullmakt_home"], NORDMOLN);
    }
}

#[tokio::test]
async fn only_tokens_of_this_server_count() {
    let provider = Provider::new().await;
    let token = provider.application(ARM).await.ok().text_of("access_token");
    let good = claims(&token);
    let resigned = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        provider.signin.issuer().sign(&claims).unwrap()
    };
    provider.verify(&resigned(json!({}))).await.unwrap();
    let now = Timestamp::now().as_second();
    assert!(matches!(provider.verify(&resigned(json!({"exp": now - 1}))).await, Err(TokenError::Expired)));
    let (head, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let mut changed = good.clone();
    changed["tid"] = json!(FJALLRAVEN);
    let changed = URL_SAFE_NO_PAD.encode(changed.to_string());
    let header = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let kid = serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap()["kid"].clone();
    for (what, forged) in [
        ("a changed body", format!("{head}.{changed}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("another algorithm", format!("{}.{body}.{signature}", header(json!({"alg": "HS256", "kid": kid})))),
        ("no algorithm", format!("{}.{body}.", header(json!({"alg": "none", "kid": kid})))),
        ("an unknown key", format!("{}.{body}.{signature}", header(json!({"alg": "RS256", "kid": "unknown"})))),
        ("no key", format!("{}.{body}.{signature}", header(json!({"alg": "RS256"})))),
        ("another resource", resigned(json!({"aud": "https://evil.example"}))),
        ("another host of ours", resigned(json!({"aud": "https://localhost:9999"}))),
        ("another kind", resigned(json!({"idtyp": "user"}))),
        ("an unknown principal", resigned(json!({"oid": "99999999-9999-4999-8999-999999999999"}))),
        ("a foreign tenant", resigned(json!({"tid": KUSTFISKE}))),
        ("not yet", resigned(json!({"nbf": now + 600}))),
        ("nonsense", "a.b.c".to_owned()),
    ] {
        let outcome = provider.verify(&forged).await;
        assert!(matches!(outcome, Err(TokenError::Refused(_) | TokenError::Malformed)), "{what}: {outcome:?}");
        // What is refused once is not believed later.
        assert!(provider.verify(&forged).await.is_err(), "{what}");
    }
    assert!(matches!(verify(&provider.signin, None, BASE).await, Err(TokenError::Missing)));
    for (scope, audience) in [
        ("https://management.azure.com//.default", Audience::Arm),
        ("https://management.core.windows.net//.default", Audience::Arm),
        ("https://api.partnercenter.microsoft.com/.default", Audience::PartnerCenter),
        ("https://graph.microsoft.com/.default", Audience::Graph),
        ("https://localhost:8443/.default", Audience::Own),
        ("https://localhost:8443//.default", Audience::Own),
    ] {
        let token = provider.application(scope).await.ok().text_of("access_token");
        assert_eq!(provider.verify(&token).await.unwrap().audience, audience, "{scope}");
    }
}

#[tokio::test]
async fn servers_on_one_database_take_each_others_tokens_also_after_a_rotation() {
    let one = Provider::new().await;
    let other = one.beside().await;
    let before = one.application(ARM).await.ok().text_of("access_token");
    other.verify(&before).await.unwrap();
    let keys = other.get("/common/discovery/v2.0/keys").await.ok().json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    for key in keys["keys"].as_array().unwrap() {
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
        assert!(key["n"].is_string() && key["e"].is_string() && key["kid"].is_string() && key.get("d").is_none());
    }
    let newest = one.signin.issuer().rotate(one.signin.store()).await.unwrap();
    let after = one.application(ARM).await.ok().text_of("access_token");
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(after.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(header["kid"], newest);
    one.verify(&before).await.unwrap();
    one.verify(&after).await.unwrap();
    other.signin.sweep().await.unwrap();
    other.verify(&after).await.unwrap();
}

#[tokio::test]
async fn keys_survive_a_restart_and_are_for_the_owner_alone() {
    let provider = Provider::new().await;
    let folder = tempfile::tempdir().unwrap();
    let store = provider.signin.store();
    let kid = |token: String| {
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
    };
    let first = Issuer::open(folder.path(), store).await.unwrap().sign(&json!({})).unwrap();
    let second = Issuer::open(folder.path(), store).await.unwrap().sign(&json!({})).unwrap();
    assert_eq!(kid(first), kid(second));
    let file = std::fs::read_dir(folder.path().join("keys")).unwrap().next().unwrap().unwrap().path();
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&file.metadata().unwrap()) & 0o777, 0o600);
    std::fs::write(&file, "nonsense").unwrap();
    let told = Issuer::open(folder.path(), store).await.unwrap_err().to_string();
    assert!(told.ends_with("does not hold an RSA private key in PEM form"), "{told}");
}

#[tokio::test]
async fn a_disabled_principal_is_out_within_seconds() {
    let provider = Provider::new().await;
    let reply = provider.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.ok();
    let token = reply.text_of("access_token");
    provider.verify(&token).await.unwrap();
    provider
        .database
        .number("UPDATE principal SET disabled_at = 1 WHERE upn = 'ada@nordmoln.example' RETURNING disabled_at")
        .await;
    let begun = Instant::now();
    while provider.verify(&token).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "still believed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    provider.refresh(NORDMOLN, &reply.text_of("refresh_token")).await.is(400, "invalid_grant", 50_057);
    provider.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.is(400, "invalid_grant", 50_057);
    provider.password(NORDMOLN, "ada@nordmoln.example", "wrong").await.is(400, "invalid_grant", 50_126);
}

#[tokio::test]
async fn clients_find_their_way() {
    let provider = Provider::new().await;
    let found = provider.get("/organizations/v2.0/.well-known/openid-configuration").await.ok().json();
    assert_eq!(found["issuer"], format!("{BASE}/{{tenantid}}/v2.0"));
    for (name, path) in [
        ("token_endpoint", "oauth2/v2.0/token"),
        ("authorization_endpoint", "oauth2/v2.0/authorize"),
        ("device_authorization_endpoint", "oauth2/v2.0/devicecode"),
        ("end_session_endpoint", "oauth2/v2.0/logout"),
        ("jwks_uri", "discovery/v2.0/keys"),
    ] {
        assert_eq!(found[name], format!("{BASE}/organizations/{path}"));
    }
    assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
    let found = provider.get("/exempel.example/.well-known/openid-configuration").await.ok().json();
    assert_eq!(found["issuer"], format!("{BASE}/{FJALLRAVEN}/"));
    assert_eq!(found["token_endpoint"], format!("{BASE}/exempel.example/oauth2/token"));
    provider.get("/unknown.example/v2.0/.well-known/openid-configuration").await.is(400, "invalid_tenant", 90_002);
    let query = "authorization_endpoint=https://localhost:8443/exempel.example/oauth2/v2.0/authorize&api-version=1.1";
    let instance = provider.get(&format!("/common/discovery/instance?{query}")).await.ok().json();
    let wanted = format!("{BASE}/exempel.example/v2.0/.well-known/openid-configuration");
    assert_eq!(instance["tenant_discovery_endpoint"], wanted);
    let realm = provider.get("/common/UserRealm/ada@nordmoln.example?api-version=1.0").await.ok().json();
    assert_eq!(realm["account_type"], "Managed");
    let no_host = provider.send(Request::get("/common/discovery/instance").body(Body::empty()).unwrap()).await;
    no_host.is(400, "invalid_request", 90_013);
    let options = Request::options("/common/oauth2/token").body(Body::empty()).unwrap();
    assert_eq!(provider.send(options).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_has_expired_is_swept() {
    let long_ago = -2 * 24 * 3_600;
    let settings = Settings {
        password_grant: true,
        code_lifetime_s: long_ago,
        device_lifetime_s: long_ago,
        refresh_lifetime_s: long_ago,
        ..Settings::default()
    };
    let provider = Provider::with(settings).await;
    provider.code(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await;
    provider.device(NORDMOLN).await;
    provider.password(NORDMOLN, "ada@nordmoln.example", "adas lösenord 1").await.ok();
    assert_eq!(provider.signin.sweep().await.unwrap(), 5);
    assert_eq!(provider.signin.sweep().await.unwrap(), 0);
}
