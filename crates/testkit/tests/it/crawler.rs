//! A visitor who follows every link and sends every form, with nothing, with nonsense and with what belongs to others.

use fullmakt_testkit::{
    Answer, Browser, Document, FJALLRAVEN, Form, KUSTEN, KUSTFISKE, NORDMOLN, PRODUKTION, Persona, SKOGSBRUKET,
    SYDMOLN, Server, Tour, own_path, shape_of,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many pages of one shape a visitor opens: the first ones of a long list.
const OF_A_SHAPE: usize = 6;
/// How many forms of one shape a visitor sends.
const FORMS_OF_A_SHAPE: usize = 2;

/// What is typed where something else is expected.
const HOSTILE: [&str; 6] = [
    "\"'><script>hostile()</script><hostile hostile=\"1",
    "a\0b' OR 1=1 --",
    "-1",
    "99999999999999999999999999",
    "../../../../etc/passwd",
    "=1+1",
];

/// Who visits, and what must not be told to them.
struct Visitor {
    who: Persona,
    secrets: &'static [&'static str],
    /// Identifiers of others, of a partner, a customer and a subscription.
    foreign: [&'static str; 3],
    browser: Browser,
    shapes: BTreeMap<String, usize>,
    forms: BTreeMap<String, usize>,
    known: BTreeSet<String>,
    /// Names seen in any query.
    names: BTreeSet<String>,
    waiting_forms: VecDeque<(String, Form)>,
    /// Whether anybody has sent forms.
    has_typed: bool,
    faults: Vec<String>,
    requests: usize,
}

const OF_SYDMOLN: &[&str] =
    &["Kustfiske", "kustfiske.example", "66666666-", "Sydmoln", "sydmoln.example", "44444444-", "Frida", "Kusten"];
const OF_NORDMOLN: &[&str] = &[
    "Nordmoln",
    "nordmoln.example",
    "11111111-",
    "Fjällräven",
    "22222222-",
    "33333333-",
    "Skogsbruket",
    "55555555-",
    "Produktion",
    "Pelle",
];
const BESIDE_FJALLRAVEN: &[&str] =
    &["Kustfiske", "kustfiske.example", "66666666-", "Sydmoln", "44444444-", "Skogsbruket", "55555555-", "Pelle"];
const BESIDE_SKOGSBRUKET: &[&str] =
    &["Kustfiske", "kustfiske.example", "66666666-", "Sydmoln", "44444444-", "Fjällräven", "33333333-", "Produktion"];

#[tokio::test]
async fn r45_no_page_fails_leaks_or_leads_nowhere_whoever_visits_and_whatever_is_typed() {
    let server = Tour::start(None).await;
    let theirs = [SYDMOLN, KUSTFISKE, KUSTEN];
    let ours = [NORDMOLN, FJALLRAVEN, PRODUKTION];
    // Who may do least goes first, since what is sent changes what others see.
    let visitors = [
        (server.nisse(), OF_SYDMOLN, theirs),
        (server.rut(), BESIDE_FJALLRAVEN, [SYDMOLN, SKOGSBRUKET, KUSTEN]),
        (server.karin(), BESIDE_FJALLRAVEN, [SYDMOLN, SKOGSBRUKET, KUSTEN]),
        (server.ulla(), OF_SYDMOLN, theirs),
        (server.beata(), OF_SYDMOLN, theirs),
        (server.hedda(), OF_SYDMOLN, theirs),
        (server.sven(), OF_SYDMOLN, theirs),
        (server.frida(), OF_NORDMOLN, ours),
        (server.ture(), OF_NORDMOLN, ours),
        (server.pelle(), BESIDE_SKOGSBRUKET, [SYDMOLN, FJALLRAVEN, PRODUKTION]),
        (server.olle(), BESIDE_FJALLRAVEN, [SYDMOLN, SKOGSBRUKET, KUSTEN]),
        (server.gustav(), OF_SYDMOLN, theirs),
        (server.ada(), OF_SYDMOLN, theirs),
    ];
    let mut faults = Vec::new();
    let mut ready = Vec::new();
    for (who, secrets, foreign) in visitors {
        let mut visitor = Visitor::new(&server, who, secrets, foreign).await;
        visitor.follows_links(VecDeque::from([("the front".to_owned(), "/".to_owned())])).await;
        ready.push(visitor);
    }
    // From here on somebody may have typed an identifier of others, and it is shown as any text is.
    for mut visitor in ready {
        visitor.has_typed = true;
        visitor.sends_forms().await;
        visitor.twists_paths().await;
        let Visitor { who, requests, known, .. } = &visitor;
        println!("{}: {} pages, {requests} requests", who.upn(), known.len());
        faults.append(&mut visitor.faults);
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

impl Visitor {
    async fn new(server: &Server, who: Persona, secrets: &'static [&'static str], foreign: [&'static str; 3]) -> Self {
        let mut browser = Browser::new(server, "en");
        browser.signs_in(who.upn(), who.password()).await;
        Self {
            browser,
            who,
            secrets,
            foreign,
            shapes: BTreeMap::new(),
            forms: BTreeMap::new(),
            known: BTreeSet::new(),
            names: BTreeSet::new(),
            waiting_forms: VecDeque::new(),
            has_typed: false,
            faults: Vec::new(),
            requests: 0,
        }
    }

    /// Follows links until there is none that is new.
    async fn follows_links(&mut self, mut waiting: VecDeque<(String, String)>) {
        while let Some((from, path)) = waiting.pop_front() {
            let answer = self.gets(&path).await;
            // The navigation is the same for all roles of a partner, and the page says which role it takes.
            if !answer.status.is_success() && answer.status != 403 {
                self.fault(&format!("a dead link on {}", shape_of(&from)), &answer);
            }
            self.notes(&answer, &mut waiting);
        }
    }

    /// Sends the forms that were found, and those that are found on the way.
    async fn sends_forms(&mut self) {
        while let Some((page, form)) = self.waiting_forms.pop_front() {
            let answer = self.sends(&page, &form).await;
            let mut waiting = VecDeque::new();
            self.notes(&answer, &mut waiting);
            self.follows_links(waiting).await;
        }
    }

    /// Takes in what a page leads to.
    fn notes(&mut self, answer: &Answer, waiting: &mut VecDeque<(String, String)>) {
        if !answer.header("content-type").starts_with("text/html") {
            return;
        }
        let page = self.browser.at.clone();
        let document = Document::read(&answer.text());
        for link in document.links {
            let Some(link) = own_path(&page, &link) else { continue };
            let query = link.split_once('?').map(|(_, query)| query).unwrap_or_default();
            self.names.extend(query.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_owned));
            let visits = self.shapes.entry(shape_of(&link)).or_default();
            if *visits < OF_A_SHAPE && self.known.insert(link.clone()) {
                *visits += 1;
                waiting.push_back((page.clone(), link));
            }
        }
        for form in document.forms {
            let action = if form.action.is_empty() { page.clone() } else { form.action.clone() };
            let Some(action) = own_path(&page, &action) else { continue };
            if action.starts_with("/sign-out") {
                continue;
            }
            let fields: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
            let sent = self.forms.entry(format!("{} {fields:?}", shape_of(&action))).or_default();
            if *sent < FORMS_OF_A_SHAPE {
                *sent += 1;
                self.waiting_forms.push_back((page.clone(), Form { action, ..form }));
            }
        }
    }

    /// Sends a form in all wrong ways, and last as somebody would who fills it in; that answer is given.
    async fn sends(&mut self, page: &str, form: &Form) -> Answer {
        let own: Vec<(String, String)> = form
            .fields
            .iter()
            .filter(|field| field.name != "csrf")
            .map(|field| (field.name.clone(), plausible(&field.kind, &field.value)))
            .collect();
        if form.posts {
            let pairs: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = self.browser.submits_from_elsewhere(&form.action, &pairs).await;
            self.requests += 1;
            if answer.status != 400 {
                self.fault("a form without its token is taken", &answer);
            }
        } else {
            self.names.extend(own.iter().map(|(name, _)| name.clone()));
        }
        self.submits(form, &[]).await;
        let long = "å".repeat(400);
        for value in HOSTILE.into_iter().chain([long.as_str()]).chain(self.foreign) {
            let all: Vec<_> = own.iter().map(|(name, _)| (name.clone(), value.to_owned())).collect();
            self.submits(form, &all).await;
            // Only what people type: then it is not the hidden fields that are refused.
            let typed = |name: &str| {
                let kinds = ["hidden", "submit", "select", "radio", "checkbox"];
                form.fields.iter().any(|field| field.name == name && !kinds.contains(&field.kind.as_str()))
            };
            let typed: Vec<_> = own
                .iter()
                .map(|(name, old)| (name.clone(), if typed(name) { value.to_owned() } else { old.clone() }))
                .collect();
            if typed != all && typed != own {
                self.submits(form, &typed).await;
            }
        }
        // Quotes lapse and pages age, so the form is taken fresh from its page.
        self.gets(page).await;
        self.submits(form, &own).await
    }

    async fn submits(&mut self, form: &Form, fields: &[(String, String)]) -> Answer {
        let pairs: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if form.posts {
            let answer = self.browser.submits(&form.action, &pairs).await;
            self.looks_at(&answer, &pairs);
            return answer;
        }
        let path = form.action.split('?').next().unwrap_or_default();
        self.gets(&format!("{path}?{}", query(&pairs))).await
    }

    async fn gets(&mut self, path: &str) -> Answer {
        let answer = self.browser.gets(path).await;
        self.looks_at(&answer, &[("", path)]);
        answer
    }

    /// What must be so of every answer, whatever was asked.
    fn looks_at(&mut self, answer: &Answer, asked_with: &[(&str, &str)]) {
        self.requests += 1;
        if answer.status.is_server_error() {
            self.fault("a failure", answer);
        }
        let text = answer.text();
        if answer.header("content-type").starts_with("text/html") {
            if answer.header("content-security-policy").is_empty() {
                self.fault("no content security policy", answer);
            }
            for tag in Document::read(&text).tags {
                let handler = tag.attributes.iter().any(|(name, _)| name.starts_with("on") || name.contains("hostile"));
                let inline = tag.get("style").is_some() || (tag.name == "script" && tag.get("src").is_none());
                if tag.name == "hostile" || handler || inline {
                    self.fault(&format!("an element of the visitor's making, {tag:?}"), answer);
                }
            }
        }
        // What was asked with may be said again; whom it names may not.
        let mut told = text;
        for id in [SYDMOLN, KUSTFISKE, KUSTEN, NORDMOLN, FJALLRAVEN, PRODUKTION, SKOGSBRUKET] {
            if self.has_typed || asked_with.iter().any(|(_, value)| value.contains(id)) {
                told = told.replace(id, "");
            }
        }
        if let Some(secret) = self.secrets.iter().find(|secret| told.contains(*secret)) {
            self.fault(&format!("`{secret}` is told"), answer);
        }
    }

    /// Opens every kind of page with identifiers of others in the place of its own, and with nonsense in its query.
    async fn twists_paths(&mut self) {
        let mut seen = BTreeSet::new();
        let pages: Vec<String> = self.known.iter().cloned().collect();
        for page in pages {
            let path = page.split('?').next().unwrap_or_default().to_owned();
            if !seen.insert(shape_of(&path)) {
                continue;
            }
            let segments: Vec<&str> = path.split('/').collect();
            for (at, segment) in segments.iter().enumerate() {
                if uuid::Uuid::try_parse(segment).is_err() {
                    continue;
                }
                for other in self.foreign.into_iter().chain(["00000000-0000-4000-8000-000000000000", "%00", "å"]) {
                    let mut twisted = segments.clone();
                    twisted[at] = other;
                    let answer = self.gets(&twisted.join("/")).await;
                    // Below a customer of one's own, a page may say first that it takes another role.
                    let hidden = answer.status == 404 || (answer.status == 403 && at > 3);
                    if !hidden {
                        self.fault("a page of others, or of nobody", &answer);
                    }
                }
            }
            for value in HOSTILE {
                let pairs: Vec<(String, &str)> = self.names.iter().map(|name| (name.clone(), value)).collect();
                let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
                self.gets(&format!("{path}?{}", query(&pairs))).await;
            }
        }
    }

    fn fault(&mut self, what: &str, answer: &Answer) {
        let asked: String = answer.asked.chars().take(200).collect();
        self.faults.push(format!(
            "{}: {what}: {asked} -> {}, shown {}",
            self.who.upn(),
            answer.status,
            self.browser.at
        ));
    }
}

/// What somebody would fill in.
fn plausible(kind: &str, value: &str) -> String {
    if !value.is_empty() {
        return value.to_owned();
    }
    match kind {
        "number" => "1",
        "date" => "2026-11-20",
        "email" => "ny@kund.example",
        "hidden" | "submit" | "checkbox" | "radio" | "select" => "",
        _ => "Prov",
    }
    .to_owned()
}

fn query(pairs: &[(&str, &str)]) -> String {
    let escape = fullmakt_testkit::escape;
    pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}
