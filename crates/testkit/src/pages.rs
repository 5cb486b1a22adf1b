//! A browser without scripts: cookies, redirects, forms.

use crate::answer::Answer;
use crate::persona::Persona;
use crate::site::Site;
use axum::http::Method;
use std::collections::BTreeMap;

/// More redirects than any page needs.
const MAX_REDIRECTS: usize = 5;

/// Someone's browser, with scripts turned off. It follows redirects, and repeats the token of the page it shows.
pub struct Browser {
    site: Site,
    language: &'static str,
    cookies: BTreeMap<String, String>,
    csrf: String,
    /// Path and query of the page it shows.
    pub at: String,
}

impl Browser {
    /// A fresh one whose languages begin with this one: `en`, `sv`.
    pub fn new(site: &Site, language: &'static str) -> Self {
        Self { site: site.clone(), language, cookies: BTreeMap::new(), csrf: String::new(), at: "/".to_owned() }
    }

    /// Signs in; the answer is the page that one lands on.
    pub async fn signs_in(&mut self, upn: &str, password: &str) -> Answer {
        self.gets("/sign-in").await.ok();
        self.submits("/sign-in", &[("username", upn), ("password", password)]).await
    }

    /// Opens a page.
    pub async fn gets(&mut self, path: &str) -> Answer {
        self.asks(Method::GET, path, &[]).await
    }

    /// Sends a form with the token of the page that was opened last, and shows what comes of it.
    pub async fn submits(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone();
        let fields: Vec<_> = std::iter::once(("csrf", csrf.as_str())).chain(fields.iter().copied()).collect();
        self.asks(Method::POST, path, &fields).await
    }

    /// Sends a form without a token, as a page from elsewhere would.
    pub async fn submits_from_elsewhere(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.asks(Method::POST, path, fields).await
    }

    async fn asks(&mut self, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut answer = self.asks_once(method, path, fields).await;
        for _ in 0..MAX_REDIRECTS {
            if !answer.status.is_redirection() {
                break;
            }
            let target = answer.header("location").to_owned();
            assert!(target.starts_with('/') && !target.starts_with("//"), "leads elsewhere: {target}");
            answer = self.asks_once(Method::GET, &target, &[]).await;
        }
        assert!(!answer.status.is_redirection(), "leads nowhere: {answer}");
        answer
    }

    async fn asks_once(&mut self, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let sends = method == Method::POST;
        let ask = self.site.ask(method, path).header("accept", "text/html,*/*;q=0.8");
        let ask = ask.header("accept-language", self.language);
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", &cookies.join("; ")) };
        let answer = if sends { ask.form(fields) } else { ask }.send().await;
        for cookie in answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a cookie has a name");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        path.clone_into(&mut self.at);
        if let Some(token) = between(&answer.text(), "name=\"csrf\" value=\"", "\"") {
            token.clone_into(&mut self.csrf);
        }
        answer
    }
}

impl Persona {
    /// Opens a browser in English and signs in.
    pub async fn browses(&self) -> Browser {
        self.browses_in("en").await
    }

    /// Opens a browser in a language, `en` or `sv`, and signs in.
    pub async fn browses_in(&self, language: &'static str) -> Browser {
        let mut browser = Browser::new(self.site(), language);
        let landed = browser.signs_in(self.upn(), self.password()).await;
        // Those without a role may not see the first page.
        assert!(browser.at != "/sign-in", "did not sign in: {landed}");
        browser
    }
}

/// What stands between two texts, the first time.
pub fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
