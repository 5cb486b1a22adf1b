//! A Fullmakt to talk to: a server over the network, or the router in this process.

use crate::answer::Answer;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

/// For whom a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The Azure Resource Manager API.
    Arm,
    /// The Partner Center API.
    PartnerCenter,
}

impl Audience {
    /// The name clients ask a token for.
    pub fn url(self) -> &'static str {
        match self {
            Self::Arm => "https://management.azure.com",
            Self::PartnerCenter => "https://api.partnercenter.microsoft.com",
        }
    }
}

/// Where requests go, and the tokens that were fetched there. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    transport: Transport,
    tokens: Arc<Mutex<HashMap<(String, Audience), String>>>,
}

#[derive(Clone)]
enum Transport {
    Router(Router),
    Network { client: reqwest::Client, base_url: String },
}

/// A request in the making.
#[must_use]
pub struct Ask {
    site: Site,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Site {
    /// The router itself, without a network.
    pub fn router(router: Router) -> Self {
        Self { transport: Transport::Router(router), tokens: Arc::default() }
    }

    /// A server. The client must trust its certificate.
    pub fn network(client: reqwest::Client, base_url: &str) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self { transport: Transport::Network { client, base_url }, tokens: Arc::default() }
    }

    /// Shares the tokens that were fetched from the other.
    pub(crate) fn keep_tokens_of(&mut self, other: &Self) {
        self.tokens = Arc::clone(&other.tokens);
    }

    /// Begins a request. The path begins with a slash and carries its query.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        Ask { site: self.clone(), method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A token for a user, by name and password.
    pub async fn user_token(&self, tenant: &str, upn: &str, password: &str, audience: Audience) -> String {
        let scope = format!("{}/.default openid", audience.url());
        // The public client that every Azure command line tool signs in as.
        let client = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
        let form = [
            ("grant_type", "password"),
            ("client_id", client),
            ("scope", &scope),
            ("username", upn),
            ("password", password),
        ];
        self.token(tenant, upn, audience, &form).await
    }

    /// A token for an application, by its secret.
    pub async fn application_token(&self, tenant: &str, client: &str, secret: &str, audience: Audience) -> String {
        let scope = format!("{}/.default", audience.url());
        let form =
            [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret), ("scope", &scope)];
        self.token(tenant, client, audience, &form).await
    }

    async fn token(&self, tenant: &str, who: &str, audience: Audience, form: &[(&str, &str)]) -> String {
        let key = (who.to_owned(), audience);
        if let Some(token) = self.tokens.lock().expect("no test panics while it holds tokens").get(&key) {
            return token.clone();
        }
        let answer = self.ask(Method::POST, &format!("/{tenant}/oauth2/v2.0/token")).form(form).send().await.ok();
        let token = answer.json()["access_token"].as_str().expect("a token answer has a token").to_owned();
        self.tokens.lock().expect("no test panics while it holds tokens").insert(key, token.clone());
        token
    }
}

impl Ask {
    /// Adds a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string().into_bytes())
    }

    /// Sets a form body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        self.header("content-type", "application/x-www-form-urlencoded").bytes(pairs.join("&").into_bytes())
    }

    /// Sets the body as it is.
    pub fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Sends it and reads the answer to its end.
    ///
    /// # Panics
    /// When there is no answer: tests that expect none use [`Ask::attempt`].
    pub async fn send(self) -> Answer {
        let asked = format!("{} {}", self.method, self.path);
        self.attempt().await.unwrap_or_else(|error| panic!("{asked}: {error:?}"))
    }

    /// Sends it to a server that may be gone.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn attempt(self) -> Result<Answer, reqwest::Error> {
        let asked = format!("{} {}", self.method, self.path);
        match self.site.transport {
            Transport::Router(router) => {
                let mut request = Request::builder().method(self.method).uri(&self.path).header("host", "localhost");
                for (name, value) in &self.headers {
                    request = request.header(name, value);
                }
                let request = request.body(Body::from(self.body)).expect("tests make well-formed requests");
                let answer = router.oneshot(request).await.expect("a router always answers");
                let (head, body) = answer.into_parts();
                let body = body.collect().await.expect("a body in memory has an end").to_bytes().to_vec();
                Ok(Answer { asked, status: head.status, headers: head.headers, body })
            }
            Transport::Network { client, base_url } => {
                let mut request = client.request(self.method, format!("{base_url}{}", self.path));
                for (name, value) in &self.headers {
                    request = request.header(name, value);
                }
                let answer = request.body(self.body).send().await?;
                let (status, headers) = (answer.status(), answer.headers().clone());
                Ok(Answer { asked, status, headers, body: answer.bytes().await?.to_vec() })
            }
        }
    }
}

/// Percent-encodes all but letters, digits and `-._~`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
