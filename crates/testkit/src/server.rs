//! The real program, in a process of its own.

use crate::database::{Database, TestDatabase};
use crate::site::Site;
use crate::story::NORDMOLN_WORLD;
use axum::http::Method;
use serde_json::json;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Loads this world into the empty database.
    pub world: Option<String>,
    /// More words of the command line.
    pub words: Vec<String>,
    /// The program to run; without it the one of this workspace, built as the tests are.
    pub program: Option<PathBuf>,
    /// Speak HTTP/1.1 to it, each client on a connection of its own, as the SDKs of the vendor do.
    pub http1: bool,
}

/// A running server; killed when dropped. Requests go to it through [`Site`].
pub struct Server {
    site: Site,
    child: Child,
    log_file: PathBuf,
    /// How long it took from start to ready.
    pub started_in: Duration,
    /// Where it answers.
    pub base_url: String,
    /// What it wrote when it was ready.
    pub ready_file: PathBuf,
    /// The certificate to trust.
    pub ca_certificate: PathBuf,
    /// Its keys and certificates.
    pub data: Arc<tempfile::TempDir>,
    /// Its database.
    pub database: TestDatabase,
}

impl Server {
    /// Starts one on a fresh database of the kind under test, with the world of the tests in it.
    pub async fn start() -> Self {
        Self::start_on(&TestDatabase::create(Database::under_test()).await).await
    }

    /// Starts one on an empty database, with the world of the tests.
    pub async fn start_on(database: &TestDatabase) -> Self {
        let data = Arc::new(tempfile::tempdir().expect("the temporary folder can be written"));
        let options = ServerOptions { world: Some(NORDMOLN_WORLD.into()), ..ServerOptions::default() };
        Self::launch(database, &data, &options).await
    }

    /// Starts one whose time stands still at an instant such as `2026-11-01T08:00:00Z`, until it is moved.
    pub async fn start_at(instant: &str, program: Option<PathBuf>) -> Self {
        let database = TestDatabase::create(Database::under_test()).await;
        let data = Arc::new(tempfile::tempdir().expect("the temporary folder can be written"));
        let world = Some(format!("clock = \"{instant}\"\n{NORDMOLN_WORLD}"));
        let words = ["--clock", "movable"].map(str::to_owned).into();
        Self::launch(&database, &data, &ServerOptions { world, words, program, ..ServerOptions::default() }).await
    }

    /// Lets so much time pass, such as `P9D`, on a server whose clock can be moved.
    pub async fn lets_pass(&self, time: &str) {
        self.ada().sends(Method::POST, "/fullmakt/v1/clock", &json!({ "advance": time })).await.ok();
    }

    /// Starts another on the same database and keys, beside this one.
    pub async fn another(&self) -> Self {
        Self::launch(&self.database, &self.data, &ServerOptions::default()).await
    }

    /// Starts it again, on another port, since somebody else may have taken its own. Whoever was signed in still is.
    pub async fn restart(&mut self) {
        let mut started = self.another().await;
        started.site.keep_tokens_of(&self.site);
        *self = started;
    }

    /// Starts one.
    ///
    /// # Panics
    /// When it is not ready within half a minute.
    pub async fn launch(database: &TestDatabase, data: &Arc<tempfile::TempDir>, options: &ServerOptions) -> Self {
        let folder = data.path();
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let (ready_file, log_file) = (folder.join(format!("{unique}.ready")), folder.join(format!("{unique}.log")));
        let mut command = Command::new(options.program.clone().unwrap_or_else(program));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--password-grant", "--data"]).arg(folder);
        command.arg("--database").arg(database.url()).arg("--ready-file").arg(&ready_file);
        if let Some(world) = &options.world {
            let file = folder.join("world.toml");
            std::fs::write(&file, world).expect("the temporary folder can be written");
            command.arg("--world").arg(file);
        }
        let log = std::fs::File::create(&log_file).expect("the temporary folder can be written");
        let log_too = log.try_clone().expect("a file handle can be doubled");
        command.args(&options.words).stdin(Stdio::null()).stdout(log_too).stderr(log);

        let begun = Instant::now();
        let mut child = command.spawn().expect("the program was built");
        let ready = loop {
            if let Ok(ready) = std::fs::read(&ready_file) {
                break ready;
            }
            let ended = child.try_wait().expect("a child can be asked");
            if ended.is_some() || begun.elapsed() > Duration::from_secs(30) {
                let log = std::fs::read_to_string(&log_file).unwrap_or_default();
                child.kill().ok();
                panic!("the server did not get ready ({ended:?}):\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        let started_in = begun.elapsed();
        let ready: serde_json::Value = serde_json::from_slice(&ready).expect("a ready file is JSON");
        let base_url = ready["baseUrl"].as_str().expect("a ready file names the address").to_owned();
        let ca_certificate =
            PathBuf::from(ready["caCertificate"].as_str().expect("a ready file names the certificate"));
        let site = Site::network(client(&ca_certificate, options.http1), &base_url);
        Self {
            site,
            child,
            log_file,
            started_in,
            base_url,
            ready_file,
            ca_certificate,
            data: Arc::clone(data),
            database: database.clone(),
        }
    }

    /// The process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log_file).unwrap_or_default()
    }

    /// Ends it as a power cut would: SIGKILL.
    ///
    /// # Panics
    /// When the process cannot be waited for.
    pub fn kill(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
    }
}

impl Deref for Server {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What the program said to words of its command line.
#[derive(Debug)]
pub struct Told {
    /// The exit status.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub error: String,
}

/// Runs the program as someone on a command line does, with nothing in its environment but this, and waits for its end.
///
/// # Panics
/// When it cannot be started or is killed.
pub async fn told(words: &[&str], environment: &[(&str, &str)]) -> Told {
    let mut command = tokio::process::Command::new(program());
    command.args(words).env_clear().envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.expect("the program was built");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().expect("nobody kills it");
    Told { status, out: text(&output.stdout), error: text(&output.stderr) }
}

/// A client that trusts one authority only and follows no redirect.
fn client(ca_certificate: &Path, http1: bool) -> reqwest::Client {
    let pem = std::fs::read(ca_certificate).expect("the authority's certificate can be read");
    let authority = reqwest::Certificate::from_pem(&pem).expect("the authority's certificate is one");
    let builder = reqwest::Client::builder().tls_certs_only([authority]).redirect(reqwest::redirect::Policy::none());
    let builder = if http1 { builder.http1_only() } else { builder };
    builder.no_proxy().timeout(Duration::from_secs(60)).build().expect("the client's settings fit together")
}

/// The program of this workspace, built once for each run so that it is never an old one.
fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let words = ["build", "--quiet", "--locked", "--workspace", "--bin", "fullmakt"];
        let built = Command::new(cargo).args(words).current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.is_ok_and(|status| status.success()), "the program does not build");
        let tests = std::env::current_exe().expect("a test knows where it is");
        let folder = tests.ancestors().nth(2).expect("tests lie in `deps`, below the programs");
        folder.join("fullmakt")
    };
    PROGRAM.get_or_init(build).clone()
}
