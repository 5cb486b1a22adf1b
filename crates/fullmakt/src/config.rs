//! Where an option comes from: the command line, the environment or `fullmakt.toml`, in this order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fullmakt_store::DatabaseUrl;
use fullmakt_world::{listed, nearest};
use toml::de::{DeTable, DeValue};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "fullmakt.toml";

/// Every option that the environment and the file know, as the command line spells it without its dashes.
pub const KEYS: [&str; 19] = [
    "data",
    "database",
    "listen",
    "metrics-listen",
    "world",
    "clock",
    "ready-file",
    "http",
    "trust-forwarded",
    "tls-cert",
    "tls-key",
    "password-grant",
    "no-migrate",
    "log",
    "log-format",
    "request-timeout",
    "body-limit",
    "max-concurrent",
    "requests-per-minute",
];

/// The process environment. Values need not be UTF-8; one that is asked for must be.
pub type Environment = BTreeMap<String, OsString>;

/// What the command line gave, by key.
pub type Flags = Vec<(&'static str, Option<String>)>;

/// Why the options cannot be used: every mistake, each naming where it stands.
#[derive(Debug, thiserror::Error)]
#[error("{}", mistakes.join("\n"))]
pub struct ConfigError {
    mistakes: Vec<String>,
    /// Whether the words of the command are what is wrong.
    pub is_usage: bool,
}

impl ConfigError {
    fn one(message: String) -> Self {
        Self { mistakes: vec![message], is_usage: false }
    }

    /// The words of the command are wrong.
    pub fn usage(message: String) -> Self {
        Self { mistakes: vec![message], is_usage: true }
    }
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Flag(&'static str),
    Environment(String),
    File { file: String, line: usize, key: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "--{key}"),
            Self::Environment(name) => f.write_str(name),
            Self::File { file, line, key } => write!(f, "{file}:{line}: {key}"),
        }
    }
}

/// The name of an option in the environment.
pub fn variable(key: &str) -> String {
    format!("FULLMAKT_{}", key.to_uppercase().replace('-', "_"))
}

/// The three places together.
pub struct Sources {
    flags: Flags,
    environment: Environment,
    file: BTreeMap<String, (Origin, String)>,
}

impl Sources {
    /// Reads the file that `--config` or `FULLMAKT_CONFIG` names, else `fullmakt.toml` in `folder` if there is one.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or knows a key that does not exist.
    pub fn read(flags: Flags, environment: Environment, folder: &Path) -> Result<Self, ConfigError> {
        let mut sources = Self { flags, environment, file: BTreeMap::new() };
        let named = sources.given("config").map(|(_, path)| PathBuf::from(path));
        let path = match named {
            Some(path) => path,
            None if folder.join(DEFAULT_FILE).exists() => folder.join(DEFAULT_FILE),
            None => return Ok(sources),
        };
        let text = fs::read_to_string(&path).map_err(|cause| {
            ConfigError::one(format!("cannot read the configuration `{}`: {cause}", path.display()))
        })?;
        let (file, mistakes) = read_file(&path.display().to_string(), &text);
        if !mistakes.is_empty() {
            return Err(ConfigError { mistakes, is_usage: false });
        }
        sources.file = file;
        Ok(sources)
    }

    fn given(&self, key: &'static str) -> Option<(Origin, String)> {
        if let Some(value) = self.flags.iter().find(|(name, _)| *name == key).and_then(|(_, value)| value.clone()) {
            return Some((Origin::Flag(key), value));
        }
        let name = variable(key);
        if let Some(value) = self.environment.get(&name).filter(|value| !value.is_empty()) {
            return Some((Origin::Environment(name), value.to_string_lossy().into_owned()));
        }
        self.file.get(key).cloned()
    }
}

/// The values of a configuration file by key, and what is wrong with it.
fn read_file(name: &str, text: &str) -> (BTreeMap<String, (Origin, String)>, Vec<String>) {
    let line = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1);
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<String> = errors
        .iter()
        .map(|error| {
            let line = line(error.span().map_or(0, |span| span.start));
            format!("{name}:{line}: not TOML: {}", error.message().replace('\n', ", "))
        })
        .collect();
    let mut values = BTreeMap::new();
    for (key, value) in document.get_ref() {
        let given: &str = key.get_ref();
        let origin = Origin::File { file: name.to_owned(), line: line(key.span().start), key: given.to_owned() };
        let canonical = given.replace('_', "-");
        let known: Vec<&str> = KEYS.into_iter().collect();
        if !known.contains(&canonical.as_str()) {
            let hint = match nearest(&canonical, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", listed(&known)),
            };
            mistakes.push(format!("{origin}: unknown key; {hint}"));
            continue;
        }
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            _ => {
                mistakes.push(format!("{origin}: must be a text, a whole number, `true` or `false`"));
                continue;
            }
        };
        values.insert(canonical, (origin, text));
    }
    (values, mistakes)
}

/// Reads options one by one and remembers every mistake.
struct Options<'s> {
    sources: &'s Sources,
    mistakes: Vec<String>,
    is_usage: bool,
}

impl<'s> Options<'s> {
    fn of(sources: &'s Sources) -> Self {
        Self { sources, mistakes: vec![], is_usage: false }
    }

    fn optional<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (origin, text) = self.sources.given(key)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.mistake(&origin, &message);
                None
            }
        }
    }

    fn flag(&mut self, key: &'static str) -> bool {
        self.optional(key, |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(format!("`{}` is neither `true` nor `false`", cut(text))),
        })
        .unwrap_or(false)
    }

    fn mistake(&mut self, origin: &Origin, message: &str) {
        self.is_usage |= matches!(origin, Origin::Flag(_));
        self.mistakes.push(format!("{origin}: {message}"));
    }

    /// Reports an option that is there and does not go with the others.
    fn conflict(&mut self, key: &'static str, message: &str) {
        if let Some((origin, _)) = self.sources.given(key) {
            self.mistake(&origin, message);
        }
    }

    fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(ConfigError { mistakes: self.mistakes, is_usage: self.is_usage }),
        }
    }

    fn place(&mut self) -> Option<Place> {
        let data = self.optional("data", path);
        let database = self.optional("database", |text| {
            // A password may stand in the text, so it is not repeated.
            let wrong = "is not an address such as `postgres://user:password@host/database`";
            text.parse::<DatabaseUrl>().map_err(|_| wrong.to_owned())
        });
        let Some(data) = data else {
            if self.sources.given("data").is_none() {
                self.is_usage = true;
                self.mistakes.push(format!(
                    "no data directory is given: name one with --data DIR, {} or `data` in {DEFAULT_FILE}",
                    variable("data")
                ));
            }
            return None;
        };
        Some(Place { data, database })
    }
}

/// Where the data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory of keys, certificates and, without another database, the data itself.
    pub data: PathBuf,
    /// Another database than the SQLite file in `data`.
    pub database: Option<DatabaseUrl>,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// Which events, such as `info` or `fullmakt_server=debug,warn`.
    pub filter: String,
    /// How they look; `None`: for people on a terminal, JSON elsewhere.
    pub format: Option<LogFormat>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// Which time the server goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockKind {
    /// The system's.
    Real,
    /// One that stands still until it is moved.
    Movable,
}

/// How the listener speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// Plain HTTP, behind a proxy.
    Http,
    /// TLS with a certificate of the local authority.
    LocalTls,
    /// TLS with the operator's certificate.
    Tls {
        /// The chain, PEM.
        cert: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
}

/// Everything that `serve` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the data lies.
    pub place: Place,
    /// Host and port of the main listener.
    pub listen: Listen,
    /// Host and port of the metrics; `None`: no metrics.
    pub metrics_listen: Option<Listen>,
    /// A world to load into an empty database.
    pub world: Option<PathBuf>,
    /// Which time.
    pub clock: ClockKind,
    /// Written when connections are accepted.
    pub ready_file: Option<PathBuf>,
    /// TLS or not.
    pub transport: Transport,
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` are believed.
    pub trust_forwarded: bool,
    /// Whether the OAuth password grant is allowed.
    pub password_grant: bool,
    /// Whether the schema is left as it is.
    pub no_migrate: bool,
    /// Logs.
    pub logging: Logging,
    /// What a request may cost.
    pub limits: Limits,
    /// Requests a minute and tenant that the Partner Center API takes; `None`: no limit.
    pub requests_per_minute: Option<u32>,
}

/// What a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take.
    pub request_timeout: Duration,
    /// How long its body may be, in bytes.
    pub body_bytes: usize,
    /// How many may run at once; more wait.
    pub concurrent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_timeout: Duration::from_secs(30), body_bytes: 1 << 20, concurrent: 1_024 }
    }
}

/// A host and a port to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// As it was given: an address or a name.
    pub host: String,
    /// What it stands for; port 0: any free one.
    pub address: SocketAddr,
}

impl Listen {
    /// Reads `host:port`.
    ///
    /// # Errors
    /// A text for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not an address such as `127.0.0.1:8443`", cut(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), address });
        }
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
            return Err(wrong());
        }
        let address = (host, port).to_socket_addrs().ok().and_then(|mut found| found.next());
        address
            .map(|address| Self { host: host.to_owned(), address })
            .ok_or_else(|| format!("the host of `{}` is not known on this machine", cut(text)))
    }
}

impl Settings {
    /// The options of `serve`.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake.
    pub fn resolve(sources: &Sources) -> Result<Self, ConfigError> {
        let mut options = Options::of(sources);
        let place = options.place();
        let listen = options.optional("listen", Listen::parse);
        let limits = Limits::default();
        let seconds = options.optional("request-timeout", |text| whole(text, 1, 3_600, "seconds"));
        let body_bytes = options.optional("body-limit", size);
        let concurrent = options.optional("max-concurrent", |text| whole(text, 1, 1_000_000, "requests"));
        let clock = options.optional("clock", |text| match text {
            "real" => Ok(ClockKind::Real),
            "movable" => Ok(ClockKind::Movable),
            _ => Err(format!("`{}` is neither `real` nor `movable`", cut(text))),
        });
        let transport = transport(&mut options);
        let settings = place.zip(transport).map(|(place, transport)| Self {
            place,
            listen: listen.unwrap_or_else(default_listen),
            metrics_listen: options.optional("metrics-listen", Listen::parse),
            world: options.optional("world", path),
            clock: clock.unwrap_or(ClockKind::Real),
            ready_file: options.optional("ready-file", path),
            transport,
            trust_forwarded: options.flag("trust-forwarded"),
            password_grant: options.flag("password-grant"),
            no_migrate: options.flag("no-migrate"),
            logging: logging(&mut options),
            limits: Limits {
                request_timeout: seconds.map_or(limits.request_timeout, |s| Duration::from_secs(u64::from(s))),
                body_bytes: body_bytes.unwrap_or(limits.body_bytes),
                concurrent: concurrent.and_then(|n| usize::try_from(n).ok()).unwrap_or(limits.concurrent),
            },
            requests_per_minute: options.optional("requests-per-minute", |text| whole(text, 1, 1_000_000, "requests")),
        });
        options.finish(settings)
    }
}

impl Place {
    /// The options of the commands that only need the data.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake.
    pub fn resolve(sources: &Sources) -> Result<Self, ConfigError> {
        let mut options = Options::of(sources);
        let place = options.place();
        options.finish(place)
    }
}

/// Where the server listens when nothing is said.
pub fn default_listen() -> Listen {
    Listen { host: "127.0.0.1".to_owned(), address: SocketAddr::from(([127, 0, 0, 1], 8_443)) }
}

/// The format of logs from its name.
///
/// # Errors
/// A text for people.
pub fn log_format(text: &str) -> Result<Option<LogFormat>, String> {
    match text {
        "auto" => Ok(None),
        "human" => Ok(Some(LogFormat::Human)),
        "json" => Ok(Some(LogFormat::Json)),
        _ => Err(format!("`{}` is not `auto`, `human` or `json`", cut(text))),
    }
}

fn logging(options: &mut Options<'_>) -> Logging {
    let filter = options.optional("log", |text| {
        let parsed: Result<tracing_subscriber::EnvFilter, _> = text.parse();
        parsed.map(|_| text.to_owned()).map_err(|_| format!("`{}` is not a level such as `info` or `warn`", cut(text)))
    });
    Logging {
        filter: filter.unwrap_or_else(|| "info".to_owned()),
        format: options.optional("log-format", log_format).flatten(),
    }
}

fn transport(options: &mut Options<'_>) -> Option<Transport> {
    let cert = options.optional("tls-cert", path);
    let key = options.optional("tls-key", path);
    let plain = options.flag("http");
    match (plain, cert, key) {
        (false, None, None) => Some(Transport::LocalTls),
        (false, Some(cert), Some(key)) => Some(Transport::Tls { cert, key }),
        (true, None, None) => Some(Transport::Http),
        (true, cert, _) => {
            let key = if cert.is_some() { "tls-cert" } else { "tls-key" };
            options.conflict(key, "goes with TLS, and `http` turns TLS off: leave out one of them");
            None
        }
        (false, Some(_), None) => {
            options.conflict("tls-cert", "needs its private key: give `tls-key` too");
            None
        }
        (false, None, Some(_)) => {
            options.conflict("tls-key", "needs its certificate: give `tls-cert` too");
            None
        }
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.contains('\0') { Err("is not a path".to_owned()) } else { Ok(PathBuf::from(text)) }
}

fn whole(text: &str, least: u32, most: u32, unit: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("`{}` is not a whole number of {unit} from {least} to {most}", cut(text)))
}

/// A number of bytes, such as `65536`, `64KiB` or `2MiB`.
fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        _ => None,
    };
    factor
        .and_then(|factor: usize| digits.parse::<usize>().ok()?.checked_mul(factor))
        .filter(|bytes| (1 << 10..=1 << 28).contains(bytes))
        .ok_or_else(|| format!("`{}` is not a size from 1KiB to 256MiB", cut(text)))
}

fn cut(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_control() { '�' } else { c }).collect()
}

#[cfg(test)]
mod tests;
