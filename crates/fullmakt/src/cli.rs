//! The words of the command line.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::books::{Charges, Export, Statement};
use crate::can_buy::CanBuy;
use crate::clock::MoveClock;
use crate::config::{ConfigError, Environment, Flags, Place, Settings, Sources};
use crate::demo::Demo;
use crate::explain::Explain;
use crate::import::Import;
use crate::rate::Rate;
use crate::{keys, migrate, serve, world_cmd};

/// Customers buy their own reservations, on the partner's account.
#[derive(Debug, Parser)]
#[command(
    name = "fullmakt",
    version,
    arg_required_else_help = true,
    after_help = "\
Try it:
  fullmakt demo                                 a server with a small invented world

Run it:
  fullmakt serve --data ./data --world world.toml
  fullmakt world check world.toml               before that: is the file right?

Exit status: 0 done; 1 it could not be done, the reason is on standard error; 2 the words of the command are wrong."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(Demo),
    Serve(Box<Serve>),
    /// World files: partners, customers, people and prices to begin with.
    #[command(subcommand)]
    World(World),
    CanBuy(CanBuy),
    Charges(Charges),
    Statement(Statement),
    Export(Export),
    Clock(MoveClock),
    Rate(Box<Rate>),
    Explain(Box<Explain>),
    /// Bring data into a running server.
    #[command(subcommand)]
    Import(Import),
    Migrate(Migrate),
    /// The keys that sign tokens.
    #[command(subcommand)]
    Keys(Keys),
}

/// Run the server until it is told to stop.
///
/// Every option can also stand in the environment as FULLMAKT_… (FULLMAKT_LISTEN for --listen) and in `fullmakt.toml`
/// (listen = "…"). The command line goes before the environment, the environment before the file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fullmakt serve --data ./data --world world.toml
      The first start: loads the world into the new database. Leave out --world from the second start on.
  fullmakt serve --data ./data --database postgres://fullmakt:secret@db/fullmakt --metrics-listen 127.0.0.1:9090
  fullmakt serve --data ./data --http --trust-forwarded --listen 127.0.0.1:8080
      Behind a proxy that speaks TLS.
  FULLMAKT_DATA=./data FULLMAKT_LISTEN=127.0.0.1:0 fullmakt serve --ready-file ready.json
      On any free port; ready.json then tells the address.

SIGTERM and Ctrl-C finish what is in flight and end with status 0.")]
struct Serve {
    #[command(flatten)]
    place: PlaceArgs,
    /// Host and port to listen on; port 0 picks a free one [default: 127.0.0.1:8443]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Serve Prometheus metrics at /metrics on a listener of their own
    #[arg(long, value_name = "HOST:PORT")]
    metrics_listen: Option<String>,
    /// Load this world into the database, which must be empty
    #[arg(long, value_name = "FILE")]
    world: Option<String>,
    /// `real`, or `movable`: time stands still until it is moved over the API, for tests [default: real]
    #[arg(long, value_name = "KIND")]
    clock: Option<String>,
    /// Write the address and more as JSON to this file once connections are accepted
    #[arg(long, value_name = "FILE")]
    ready_file: Option<String>,
    /// Speak plain HTTP, behind a proxy that speaks TLS
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    http: Option<String>,
    /// Believe X-Forwarded-Host and X-Forwarded-Proto: only behind a proxy that sets them itself
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    trust_forwarded: Option<String>,
    /// The certificate chain to show, PEM; without it one of an own local authority, made once in the data directory
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The private key of the certificate, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Allow the OAuth password grant, for tests and old scripts
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    password_grant: Option<String>,
    /// Refuse to start on an older schema instead of bringing it up to date
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    no_migrate: Option<String>,
    /// What to log: a level such as `info`, or `warn,fullmakt_server=debug` [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// `human`, `json`, or `auto`: for people on a terminal, JSON elsewhere [default: auto]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// How long one request may take, in seconds [default: 30]
    #[arg(long, value_name = "SECONDS")]
    request_timeout: Option<String>,
    /// How long the body of a request may be, such as 512KiB [default: 1MiB]
    #[arg(long, value_name = "SIZE")]
    body_limit: Option<String>,
    /// How many requests may run at once; more wait [default: 1024]
    #[arg(long, value_name = "NUMBER")]
    max_concurrent: Option<String>,
    /// How many requests a minute each API takes from one tenant, reads and writes apart [default: no limit]
    #[arg(long, value_name = "NUMBER")]
    requests_per_minute: Option<String>,
}

/// Where the data lies.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// The directory of the SQLite database, the keys and the certificates; made if need be
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// PostgreSQL in place of the SQLite file: postgres://user:password@host/database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The configuration to read [default: fullmakt.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
}

impl PlaceArgs {
    fn flags(&self) -> Flags {
        vec![("data", self.data.clone()), ("database", self.database.clone()), ("config", self.config.clone())]
    }

    /// The place that the options of the command, the environment and the file name together.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn resolve(&self, environment: Environment) -> Result<Place, ConfigError> {
        Place::resolve(&Sources::read(self.flags(), environment, &PathBuf::from("."))?)
    }
}

impl Serve {
    fn flags(&self) -> Flags {
        let mut flags = self.place.flags();
        for (key, value) in [
            ("listen", &self.listen),
            ("metrics-listen", &self.metrics_listen),
            ("world", &self.world),
            ("clock", &self.clock),
            ("ready-file", &self.ready_file),
            ("http", &self.http),
            ("trust-forwarded", &self.trust_forwarded),
            ("tls-cert", &self.tls_cert),
            ("tls-key", &self.tls_key),
            ("password-grant", &self.password_grant),
            ("no-migrate", &self.no_migrate),
            ("log", &self.log),
            ("log-format", &self.log_format),
            ("request-timeout", &self.request_timeout),
            ("body-limit", &self.body_limit),
            ("max-concurrent", &self.max_concurrent),
            ("requests-per-minute", &self.requests_per_minute),
        ] {
            flags.push((key, value.clone()));
        }
        flags
    }
}

#[derive(Debug, Subcommand)]
enum World {
    Check(world_cmd::Check),
}

/// Bring a database to this version's schema.
///
/// `serve` does it by itself, unless told --no-migrate. Schemas go forward only: make a backup before.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fullmakt migrate --data ./data")]
struct Migrate {
    #[command(flatten)]
    place: PlaceArgs,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Keys {
    Rotate(Rotate),
}

/// Make a new key to sign tokens with.
///
/// Tokens of the old keys stay good until they expire. Servers that run sign with the new key from their next start on.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fullmakt keys rotate --data ./data")]
struct Rotate {
    #[command(flatten)]
    place: PlaceArgs,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the program: the words, the environment, where output goes. Gives the exit status.
pub fn run(
    words: impl IntoIterator<Item = OsString>,
    environment: Environment,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> ExitCode {
    let command = match Cli::try_parse_from(words) {
        Ok(cli) => cli.command,
        Err(error) => {
            // Help and version are what was asked for; clap knows which stream and status they get.
            let is_mistake = error.use_stderr();
            let text = error.render();
            let written = if is_mistake { write!(err, "{text}") } else { write!(out, "{text}") };
            return if is_mistake || written.is_err() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match execute(command, environment, out, err) {
        Ok(status) => status,
        Err(error) => {
            let usage = error.downcast_ref::<ConfigError>().is_some_and(|config| config.is_usage);
            // Nothing can be done about a standard error that is closed.
            let _ = writeln!(err, "error: {}", told(&error));
            if usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// An error with what caused it, without saying anything twice.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn execute(
    command: Command,
    environment: Environment,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> anyhow::Result<ExitCode> {
    let work = async {
        match command {
            Command::Demo(demo) => demo.run(out, err).await.map(|()| ExitCode::SUCCESS),
            Command::Serve(words) => {
                let settings = Settings::resolve(&Sources::read(words.flags(), environment, &PathBuf::from("."))?)?;
                serve::run(settings).await.map(|()| ExitCode::SUCCESS)
            }
            Command::World(World::Check(check)) => check.run(out, err),
            Command::CanBuy(question) => question.run(environment, out).await,
            Command::Charges(words) => words.run(environment, out).await.map(|()| ExitCode::SUCCESS),
            Command::Statement(words) => words.run(environment, out).await.map(|()| ExitCode::SUCCESS),
            Command::Export(words) => words.run(environment, out).await.map(|()| ExitCode::SUCCESS),
            Command::Clock(words) => words.run(out).await.map(|()| ExitCode::SUCCESS),
            Command::Rate(rate) => rate.run(out).await.map(|()| ExitCode::SUCCESS),
            Command::Explain(explain) => explain.run(out).await.map(|()| ExitCode::SUCCESS),
            Command::Import(Import::Usage(words)) => words.run(environment, out).await.map(|()| ExitCode::SUCCESS),
            Command::Migrate(words) => {
                let place = words.place.resolve(environment)?;
                migrate::run(&place, words.json, out).await.map(|()| ExitCode::SUCCESS)
            }
            Command::Keys(Keys::Rotate(words)) => {
                let place = words.place.resolve(environment)?;
                keys::rotate(&place, words.json, out).await.map(|()| ExitCode::SUCCESS)
            }
        }
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_words_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_of_serve_is_one_of_environment_and_file() {
        let mut command = Cli::command();
        let serve = command.find_subcommand_mut("serve").unwrap();
        let mut words: Vec<String> =
            serve.get_arguments().filter_map(|word| word.get_long()).map(str::to_owned).collect();
        words.retain(|word| !["help", "config"].contains(&word.as_str()));
        words.sort();
        let mut keys: Vec<String> = crate::config::KEYS.into_iter().map(str::to_owned).collect();
        keys.sort();
        assert_eq!(words, keys);
        let Command::Serve(parsed) = Cli::try_parse_from(["fullmakt", "serve"]).unwrap().command else { panic!() };
        let mut given: Vec<&str> =
            parsed.flags().into_iter().map(|(key, _)| key).filter(|key| *key != "config").collect();
        given.sort_unstable();
        assert_eq!(given, keys);
    }
}
