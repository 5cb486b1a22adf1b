//! A real browser: Chromium without a screen, driven through WebDriver, each window with a profile of its own.
//!
//! One `chromedriver` serves all windows of a process. The kernel ends it with the process, and the browsers end with it.

use crate::persona::Persona;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fullmakt_server::text::Language;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};
use thirtyfour::common::capabilities::desiredcapabilities::CapabilitiesHelper as _;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, ChromeCapabilities, ChromiumLikeCapabilities as _, WebDriver, WebElement};

/// How long something that must happen on a page may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);
/// The rules that accessibility is checked by: WCAG 2.2, levels A and AA.
const RULES: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/// The key that goes to the next control.
pub const TAB: &str = "\u{e004}";
/// The key that follows a link and sends a form.
pub const ENTER: &str = "\u{e007}";
/// The key that presses a button and ticks a box.
pub const SPACE: &str = " ";
/// The key that leaves a menu or a dialog.
pub const ESCAPE: &str = "\u{e00c}";
/// The key that goes to the next choice.
pub const DOWN: &str = "\u{e015}";

/// How a window looks and what pages may do in it.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The language that the browser asks for.
    pub language: Language,
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether scripts run.
    pub scripts: bool,
    /// Whether the user prefers dark colours.
    pub dark: bool,
}

impl Look {
    /// A desktop window in this language, in light colours, with scripts.
    pub fn of(language: Language) -> Self {
        Self { language, width: 1280, height: 900, scripts: true, dark: false }
    }

    /// As wide as a telephone.
    pub fn narrow(self) -> Self {
        Self { width: 390, height: 844, ..self }
    }

    /// In dark colours.
    pub fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// With scripts turned off.
    pub fn without_scripts(self) -> Self {
        Self { scripts: false, ..self }
    }
}

/// A window of the browser.
pub struct Window {
    driver: WebDriver,
    base_url: String,
    look: Look,
    downloads: tempfile::TempDir,
    _profile: tempfile::TempDir,
}

/// Where the keyboard is.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Focus {
    /// The name of the control, as it is read out.
    pub name: String,
    /// The element, such as `button`.
    pub kind: String,
    /// Whether one sees that it has the focus.
    pub seen: bool,
}

/// Opens a window on a server, does there what the story says, and closes it. When the story fails, a picture and the
/// text of the page are kept in `target/browser-failures`.
///
/// # Panics
/// When the browser is not there, and when the story does.
pub async fn in_window<T>(base_url: &str, look: Look, story: impl AsyncFnOnce(&Window) -> T) -> T {
    let window = Window::open(base_url, look).await;
    let outcome = AssertUnwindSafe(story(&window)).catch_unwind().await;
    if outcome.is_err() {
        window.keep_failure().await;
    }
    let Window { driver, .. } = window;
    // It closes with its driver, at the latest.
    driver.quit().await.ok();
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Window {
    async fn open(base_url: &str, look: Look) -> Self {
        let profile = tempfile::tempdir().expect("the temporary folder can be written");
        let downloads = tempfile::tempdir().expect("the temporary folder can be written");
        let mut wanted = ChromeCapabilities::new();
        // The authority is the server's own, made when it started.
        wanted.accept_insecure_certs(true).expect("a capability is a value");
        for word in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-default-apps",
            "--no-proxy-server",
            "--hide-scrollbars",
            // Through a pipe nobody else can reach it, and it ends with its driver.
            "--remote-debugging-pipe",
            &format!("--user-data-dir={}", profile.path().display()),
            &format!("--window-size={},{}", look.width, look.height),
        ] {
            wanted.add_arg(word).expect("a word is a value");
        }
        let scripts = if look.scripts { 1 } else { 2 };
        let preferences = json!({
            "intl.accept_languages": look.language.code(),
            "profile.default_content_setting_values.javascript": scripts,
            "credentials_enable_service": false,
        });
        wanted.add_experimental_option("prefs", preferences).expect("preferences are values");

        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120));
        let client = client.build().expect("the client's settings fit together");
        let driver = WebDriver::builder(driver_address(), wanted).client(client).connect().await;
        let driver = driver.unwrap_or_else(|error| panic!("no browser: {error}"));
        let window =
            Self { driver, base_url: base_url.trim_end_matches('/').into(), look, downloads, _profile: profile };
        window.resize(look.width, look.height).await;
        window.dim(look.dark).await;
        window
    }

    /// How it looks.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Makes the page as large as that, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Prefers dark colours, or light ones; always little motion, so that pictures and checks meet nothing half-way.
    pub async fn dim(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.tell("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    async fn tell(&self, command: &str, parameters: Value) -> Value {
        let answer = self.driver.cdp().send_raw(command, parameters).await;
        answer.unwrap_or_else(|error| panic!("`{command}`: {error}"))
    }

    /// Opens a page.
    pub async fn visits(&self, path: &str) {
        let opened = self.driver.goto(format!("{}{path}", self.base_url)).await;
        opened.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Signs in and waits for what comes after.
    pub async fn signs_in(&self, persona: &Persona) {
        self.visits("/sign-in").await;
        self.fills("username", persona.upn()).await;
        self.fills("password", persona.password()).await;
        self.clicks_at("main form button[type=submit]").await;
        self.until("signed in", async || Ok((!self.path().await.starts_with("/sign-in")).then_some(()))).await;
    }

    /// Path and query of the page.
    pub async fn path(&self) -> String {
        let address = self.driver.current_url().await.map(|address| address.to_string()).unwrap_or_default();
        address.strip_prefix(&self.base_url).unwrap_or(&address).to_owned()
    }

    /// Waits until the path begins like that.
    pub async fn arrives_at(&self, beginning: &str) {
        let there = async || Ok(self.path().await.starts_with(beginning).then_some(()));
        self.until(&format!("to arrive at `{beginning}`"), there).await;
    }

    /// Runs a script of the test, on the page, and gives what it returns.
    pub async fn evaluates(&self, script: &str, arguments: Vec<Value>) -> Value {
        let answer = self.driver.execute(script, arguments).await;
        answer.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// Waits until a script of the test, on the page, returns true.
    pub async fn until_true(&self, what: &str, script: &str, arguments: Vec<Value>) {
        let is_so = async || Ok((self.evaluates(script, arguments.clone()).await == true).then_some(()));
        self.until(what, is_so).await;
    }

    /// What a person reads on the page.
    pub async fn text(&self) -> String {
        let text = self.driver.execute("return document.body.innerText", Vec::new()).await;
        // Blanks that do not break are blanks to whoever reads.
        text.ok().and_then(|text| text.convert::<String>().ok()).unwrap_or_default().replace('\u{a0}', " ")
    }

    /// Waits until the page says something.
    pub async fn sees(&self, words: &str) {
        let there = async || Ok(self.text().await.contains(words).then_some(()));
        self.until(&format!("to see `{words}`"), there).await;
    }

    /// Waits until the page no longer says something.
    pub async fn sees_no_longer(&self, words: &str) {
        let gone = async || Ok((!self.text().await.contains(words)).then_some(()));
        self.until(&format!("not to see `{words}`"), gone).await;
    }

    /// Waits for an element that is shown.
    pub async fn finds(&self, selector: &str) -> WebElement {
        self.until(&format!("`{selector}`"), async || self.shown(By::Css(selector)).await).await
    }

    /// How many elements there are now.
    pub async fn counts(&self, selector: &str) -> usize {
        self.driver.find_all(By::Css(selector)).await.map(|found| found.len()).unwrap_or_default()
    }

    /// Types into the field of that name, instead of what was there.
    pub async fn fills(&self, name: &str, value: &str) {
        let selector = format!("input[name='{name}'], textarea[name='{name}']");
        let fill = async || {
            let Some(field) = self.shown(By::Css(&selector)).await? else { return Ok(None) };
            field.clear().await?;
            field.send_keys(value).await?;
            Ok(Some(()))
        };
        self.until(&format!("to fill `{name}`"), fill).await;
    }

    /// Chooses from the list of that name: the option whose value or text it is.
    pub async fn chooses(&self, name: &str, option: &str) {
        let text = quoted(option);
        let path = format!("//select[@name='{name}']/option[@value={text} or normalize-space()={text}]");
        let choose = async || {
            let found = self.driver.find_all(By::XPath(&path)).await?;
            let Some(option) = found.first() else { return Ok(None) };
            option.click().await?;
            Ok(Some(()))
        };
        self.until(&format!("to choose `{option}` of `{name}`"), choose).await;
    }

    /// Ticks the box, or takes the radio button, of that name and value.
    pub async fn ticks(&self, name: &str, value: &str) {
        self.clicks_at(&format!("input[name='{name}'][value='{value}']")).await;
    }

    /// Clicks the first link or button with that text.
    pub async fn clicks(&self, words: &str) {
        let text = quoted(words);
        let path = format!(
            "//*[self::a or self::button or self::summary][normalize-space()={text} or @aria-label={text} or \
             normalize-space(@title)={text}]"
        );
        self.click(By::XPath(&path), words).await;
    }

    /// Clicks the first element that the selector finds.
    pub async fn clicks_at(&self, selector: &str) {
        self.click(By::Css(selector), selector).await;
    }

    async fn click(&self, by: By, what: &str) {
        let click = async || {
            let Some(element) = self.shown(by.clone()).await? else { return Ok(None) };
            element.click().await?;
            Ok(Some(()))
        };
        self.until(&format!("to click `{what}`"), click).await;
    }

    async fn shown(&self, by: By) -> WebDriverResult<Option<WebElement>> {
        for element in self.driver.find_all(by).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// Empties the visible fields of a form, the n-th that the selector finds, and sends it past the browser's own checks.
    /// Tells whether there was one.
    pub async fn sends_emptied(&self, selector: &str, number: usize) -> bool {
        let sent = self.evaluates(SEND_EMPTIED, vec![json!(selector), json!(number)]).await;
        if sent == true {
            let arrived = "return document.readyState === 'complete' && !document.querySelector('[data-sent]')";
            let arrived = async || Ok((self.evaluates(arrived, Vec::new()).await == true).then_some(()));
            self.until("the answer to a form", arrived).await;
        }
        sent == true
    }

    /// Follows a link to a file, and gives its text.
    pub async fn downloads(&self, selector: &str) -> String {
        let folder = self.downloads.path();
        let allowed = json!({"behavior": "allow", "downloadPath": folder});
        self.tell("Browser.setDownloadBehavior", allowed).await;
        self.clicks_at(selector).await;
        let file = self.until("a file", async || Ok(finished_file(folder))).await;
        let text = std::fs::read_to_string(&file).expect("a file that was saved can be read");
        std::fs::remove_file(file).expect("our own file can be removed");
        text
    }

    /// Presses keys, wherever the keyboard is.
    pub async fn presses(&self, keys: &str) {
        let pressed = self.driver.action_chain().send_keys(keys).perform().await;
        pressed.unwrap_or_else(|error| panic!("{keys:?}: {error}"));
    }

    /// Where the keyboard is; none on the page as a whole.
    pub async fn focus(&self) -> Option<Focus> {
        serde_json::from_value(self.evaluates(FOCUS, Vec::new()).await).expect("the script describes a focus")
    }

    /// Goes on with the Tab key alone until a control has the focus whose name begins like that. It must be seen at every step.
    pub async fn tabs_to(&self, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..250 {
            self.presses(TAB).await;
            let Some(focus) = self.focus().await else { continue };
            assert!(focus.seen, "one does not see that the keyboard is on {focus:?}, on the way to `{name}`");
            if focus.name.starts_with(name) {
                return;
            }
            passed.push(focus.name);
        }
        panic!("the keyboard does not get to `{name}`: {passed:?}");
    }

    /// What axe-core finds amiss on the page, one line each.
    pub async fn violations(&self) -> Vec<String> {
        let run = format!("{}\n{AXE_RUN}", axe());
        let found = self.driver.execute_async(run, vec![json!(RULES)]).await;
        let found = found.unwrap_or_else(|error| panic!("axe-core: {error}"));
        found.convert().expect("the script lists texts")
    }

    /// How many pixels the page is wider than the window: people on a telephone would scroll for every line.
    pub async fn overhang(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.evaluates(script, Vec::new()).await.as_i64().unwrap_or_default()
    }

    /// The whole page as a picture, PNG.
    pub async fn picture(&self) -> Vec<u8> {
        let script = "const e = document.documentElement; return [innerWidth, Math.max(innerHeight, e.scrollHeight)]";
        let size = self.evaluates(script, Vec::new()).await;
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.tell("Page.captureScreenshot", wanted).await;
        BASE64.decode(picture["data"].as_str().unwrap_or_default()).expect("a picture is base64")
    }

    async fn keep_failure(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/browser-failures");
        let name = std::thread::current().name().unwrap_or("main").replace("::", "-");
        // The failure itself is told whether or not there is a picture of it.
        let _ = std::fs::create_dir_all(&folder);
        if let Ok(picture) = self.driver.screenshot_as_png().await {
            let _ = std::fs::write(folder.join(format!("{name}.png")), picture);
        }
        if let Ok(source) = self.driver.source().await {
            let _ = std::fs::write(folder.join(format!("{name}.html")), source);
        }
    }

    /// Looks until there is something to see. What fails meanwhile, such as an element that was just replaced, is looked at
    /// again.
    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> WebDriverResult<Option<T>>) -> T {
        let begun = Instant::now();
        loop {
            let seen = look().await;
            if let Ok(Some(seen)) = seen {
                return seen;
            }
            if begun.elapsed() > PATIENCE {
                let error = seen.err().map(|error| error.to_string()).unwrap_or_default();
                panic!("waited for {what} at {}, which shows: {}\n{error}", self.path().await, self.text().await);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

const FOCUS: &str = "
    const e = document.activeElement;
    if (!e || e === document.body || e === document.documentElement) return null;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const label = e.labels && e.labels.length ? e.labels[0].innerText : '';
    const copy = e.cloneNode(true);
    copy.querySelectorAll('[aria-hidden=true]').forEach((hidden) => hidden.remove());
    const text = e.matches('input, select, textarea') ? '' : copy.textContent.trim();
    const name = e.getAttribute('aria-label') || label || text || e.value || e.title || '';
    const drawn = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    const inside = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
    return {name: name.replace(/\\s+/g, ' ').trim(), kind: e.localName, seen: drawn && inside};";

const SEND_EMPTIED: &str = "
    const form = document.querySelectorAll(arguments[0])[arguments[1]];
    if (!form) return false;
    for (const field of form.elements) {
        if (field.matches('input:not([type=hidden], [type=checkbox], [type=radio]), textarea')) field.value = '';
    }
    document.body.dataset.sent = '';
    HTMLFormElement.prototype.submit.call(form);
    return true;";

const AXE_RUN: &str = "
    const done = arguments[arguments.length - 1];
    const options = {runOnly: {type: 'tag', values: arguments[0]}, resultTypes: ['violations']};
    const lines = (v) => v.nodes.map((n) => `${v.id}: ${v.help}: ${n.html} (${n.failureSummary})`);
    axe.run(document, options).then((r) => done(r.violations.flatMap(lines)), (e) => done([String(e)]));";

/// The script of axe-core.
fn axe() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let Ok(file) = std::env::var("FULLMAKT_TEST_AXE") else {
            panic!("`FULLMAKT_TEST_AXE` names no axe-core; `cargo xtask test` installs it");
        };
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
    })
}

/// A text as XPath quotes it.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}

/// A file that is complete.
fn finished_file(folder: &Path) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let file = files.next()?;
    // While it comes, there is a second one, or it has another name.
    let coming = file.extension().is_some_and(|kind| kind == "crdownload") || files.next().is_some();
    let hidden = file.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.'));
    (!coming && !hidden).then_some(file)
}

/// Where the driver of this process listens: on loopback, on a port that was free.
fn driver_address() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| {
        let (sender, receiver) = mpsc::channel();
        // The kernel ends a child with the thread that made it, so that thread lives as long as the process.
        std::thread::spawn(move || {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "chromedriver", "--port=0"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
            let Ok(mut driver) = command.spawn() else { return };
            let printed = driver.stdout.take().into_iter().flat_map(|printed| BufReader::new(printed).lines());
            for line in printed.map_while(Result::ok) {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    let port = port.trim_end_matches('.');
                    // Nobody waits any more: then nobody needs it either.
                    let _ = sender.send(format!("http://127.0.0.1:{port}"));
                }
            }
            driver.wait().ok();
        });
        let address = receiver.recv_timeout(Duration::from_secs(60));
        address.unwrap_or_else(|_| panic!("`chromedriver` does not start; `cargo xtask test` installs it"))
    })
}
