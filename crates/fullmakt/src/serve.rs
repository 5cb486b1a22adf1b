//! Starts and stops the server.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use fullmakt_domain::ids::PrincipalId;
use fullmakt_server::listen::Listening;
use fullmakt_server::signin::{Issuer, hash_secret};
use fullmakt_server::tls::{self, Certificate, Tls};
use fullmakt_server::{App, Clock, limits, stack, telemetry};
use fullmakt_store::{DatabaseUrl, SecretHashes, Store};
use fullmakt_world::{World, catalog_csv};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use crate::config::{ClockKind, Listen, Place, Settings, Transport};
use crate::logging;
use crate::ready_file::{self, Ready};
use crate::world_cmd::{self, Loaded};

/// How long requests in flight may take to finish when the server is told to stop.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often expired codes and tokens are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// Runs a server until SIGTERM or Ctrl-C.
///
/// # Errors
/// When it cannot start, with the reason.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    logging::start(&settings.logging)?;
    // Signals that come while starting up stop the server once it is up, instead of being lost.
    let stop = Stop::listen()?;
    if let Some(path) = &settings.ready_file {
        ready_file::clear(path)?;
    }
    let loaded = settings.world.as_deref().map(world_cmd::load).transpose()?;
    let running = Running::start(&settings, loaded).await?;
    if let Some(path) = &settings.ready_file {
        ready_file::write(path, &running.ready)?;
    }
    tracing::info!(address = running.ready.base_url, version = running.ready.version, "ready");
    stop.wait().await;
    tracing::info!("stopping");
    running.stop().await
}

/// The wish to stop: SIGTERM or Ctrl-C.
pub struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    /// Begins to listen for it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> anyhow::Result<Self> {
        let failed = "cannot listen for signals";
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context(failed)?,
            interrupt: signal(SignalKind::interrupt()).context(failed)?,
        })
    }

    /// Waits for it.
    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A server at work.
pub struct Running {
    /// What the ready file says.
    pub ready: Ready,
    store: Store,
    main: Listening,
    metrics: Option<Listening>,
    sweeper: JoinHandle<()>,
    jobs: JoinHandle<()>,
}

impl Running {
    /// Starts a server: data, keys, certificate, world, listeners, in this order of dependence and otherwise at once.
    ///
    /// # Errors
    /// With the reason, after which nothing listens.
    pub async fn start(settings: &Settings, loaded: Option<Loaded>) -> anyhow::Result<Self> {
        // Bound first, so that a taken port is told before anything is written.
        let socket = bind(&settings.listen)?;
        let metrics_socket = settings.metrics_listen.as_ref().map(bind).transpose()?;
        let data = &settings.place.data;
        // The database and the keys in it are for nobody else on this machine.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .with_context(|| format!("cannot make the data directory `{}`", data.display()))?;
        let store = open(&settings.place).await?;
        if !settings.no_migrate {
            store.migrate().await.context("cannot bring the database to this version")?;
        } else if !store.is_ready().await? {
            bail!("the database has not this version's schema: run `fullmakt migrate`");
        }
        store.claim()?;
        let is_empty = store.is_empty().await?;
        if loaded.is_some() && !is_empty {
            return Err(fullmakt_store::LoadWorldError::NotEmpty.into());
        }
        let clock = clock(settings.clock, loaded.as_ref().map(|loaded| &loaded.world), &store).await?;
        let admin_key = clock.is_movable().then(|| admin_key(data)).transpose()?;
        let (tls, issuer, hashes) = tokio::try_join!(
            certificate(settings),
            async { Issuer::open(data, &store).await.context("cannot use the signing keys") },
            hash_all(loaded.as_ref().map(|loaded| &loaded.world)),
        )?;
        match loaded {
            Some(Loaded { world, catalog }) => {
                let catalog = catalog.unwrap_or_else(|| catalog_csv::built_in().clone());
                store.load_world(world, Arc::new(catalog), hashes, clock.now()).await?;
            }
            None if is_empty && store.catalog().await?.offers().is_empty() => {
                store.load_price_sheet(Arc::new(catalog_csv::built_in().clone()), clock.now()).await?;
            }
            None => {}
        }

        let kind = clock.kind();
        let app = App::new(store.clone(), Arc::new(issuer), clock, server_settings(settings, admin_key));
        let costs = settings.limits;
        let limits = limits::Limits::new(costs.request_timeout, costs.body_bytes, costs.concurrent);
        let metrics = match metrics_socket {
            Some(socket) => {
                let page = telemetry::metrics_page(telemetry::collect()?, store.clone());
                Some(Listening::start(socket, None, page).await.context("cannot serve metrics")?)
            }
            None => None,
        };
        let sweeper = sweep(&app);
        let jobs = app.jobs.clone();
        let jobs = tokio::spawn(async move { jobs.keep_at_it().await });
        let router = stack::router(&app, fullmakt_pages::router(app.clone()), limits);
        let config = tls.as_ref().map(|tls| Arc::clone(&tls.config));
        let main = Listening::start(socket, config, router).await.context("cannot accept connections")?;
        let ready = Ready {
            base_url: base_url(settings, main.address.port()),
            ca_certificate: tls.map(|tls| absolute(&tls.ca_certificate)),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            clock: kind,
            users: None,
            applications: None,
        };
        Ok(Self { ready, store, main, metrics, sweeper, jobs })
    }

    /// Accepts no more, finishes what is in flight, closes the database.
    ///
    /// # Errors
    /// When a listener had failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.sweeper.abort();
        self.jobs.abort();
        let stopped = self.main.stop(PATIENCE).await.context("the listener failed");
        if let Some(metrics) = self.metrics {
            metrics.stop(Duration::ZERO).await.context("the metrics listener failed")?;
        }
        self.store.close().await;
        stopped
    }
}

fn bind(listen: &Listen) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen.address).with_context(|| format!("cannot listen on `{}`", listen.address))
}

/// Opens the database of a place, making the directory of a SQLite file.
///
/// # Errors
/// When it cannot be reached.
pub async fn open(place: &Place) -> anyhow::Result<Store> {
    let url = match &place.database {
        Some(url) => url.clone(),
        None => DatabaseUrl::Sqlite(place.data.join("fullmakt.db")),
    };
    Store::open(&url).await.with_context(|| match &url {
        DatabaseUrl::Sqlite(path) => format!("cannot open the database `{}`", path.display()),
        DatabaseUrl::Postgres(_) => "cannot reach the PostgreSQL database".to_owned(),
    })
}

/// A movable clock goes on where it was left, else it begins where the world says, else now.
async fn clock(kind: ClockKind, world: Option<&World>, store: &Store) -> anyhow::Result<Clock> {
    if kind == ClockKind::Real {
        return Ok(Clock::real());
    }
    let start = match store.moved_clock().await? {
        Some(left) => left,
        None => world.and_then(|world| world.clock).unwrap_or_else(|| Clock::real().now()),
    };
    store.keep_moved_clock(start).await?;
    Ok(Clock::movable(start))
}

/// The file of the key that moves the clock, in the data directory.
pub const ADMIN_KEY: &str = "admin.key";

/// The key of whoever runs the server; made once, for nobody else on this machine to read.
fn admin_key(data: &Path) -> anyhow::Result<String> {
    let path = data.join(ADMIN_KEY);
    let failed = || format!("cannot use the key `{}`", path.display());
    match fs::read_to_string(&path) {
        Ok(key) if key.trim().len() >= 32 => return Ok(key.trim().to_owned()),
        Ok(_) => bail!("the key `{}` is too short: remove the file, and a new one is made", path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(failed),
    }
    let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(failed)?;
    writeln!(file, "{key}").and_then(|()| file.sync_all()).with_context(failed)?;
    Ok(key)
}

async fn certificate(settings: &Settings) -> anyhow::Result<Option<Tls>> {
    let certificate = match &settings.transport {
        Transport::Http => return Ok(None),
        Transport::Tls { cert, key } => Certificate::Files { cert: cert.clone(), key: key.clone() },
        Transport::LocalTls => {
            Certificate::Local { data: settings.place.data.clone(), host: settings.listen.host.clone() }
        }
    };
    let prepared = tokio::task::spawn_blocking(move || tls::prepare(&certificate)).await?;
    Ok(Some(prepared?))
}

/// Hashes all passwords and secrets of a world, as many at once as there are processors.
async fn hash_all(world: Option<&World>) -> anyhow::Result<SecretHashes> {
    let mut work = JoinSet::new();
    for (id, secret) in world.map(secrets).unwrap_or_default() {
        work.spawn(async move { hash_secret(&secret).await.map(|hash| (id, hash)) });
    }
    let mut hashes = SecretHashes::new();
    while let Some(done) = work.join_next().await {
        let (id, hash) = done??;
        hashes.insert(id, hash);
    }
    Ok(hashes)
}

fn secrets(world: &World) -> Vec<(PrincipalId, String)> {
    let users = world.partners.iter().flat_map(|p| &p.users).chain(world.customers.iter().flat_map(|c| &c.users));
    let partners = world.partners.iter().flat_map(|p| &p.applications);
    let applications = partners.chain(world.customers.iter().flat_map(|c| &c.applications));
    users
        .map(|user| (user.id, user.password.0.clone()))
        .chain(applications.map(|application| (application.id, application.client_secret.0.clone())))
        .collect()
}

fn server_settings(settings: &Settings, admin_key: Option<String>) -> fullmakt_server::Settings {
    fullmakt_server::Settings {
        admin_key,
        password_grant: settings.password_grant,
        https: settings.transport != Transport::Http,
        trust_forwarded: settings.trust_forwarded,
        requests_per_minute: settings.requests_per_minute,
        ..fullmakt_server::Settings::default()
    }
}

fn sweep(app: &App) -> JoinHandle<()> {
    let signin = app.signin.clone();
    tokio::spawn(async move {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        loop {
            every.tick().await;
            if let Err(error) = signin.sweep().await {
                tracing::warn!(%error, "cannot remove expired codes and tokens");
            }
        }
    })
}

/// Where clients on this machine reach the server.
fn base_url(settings: &Settings, port: u16) -> String {
    let scheme = if settings.transport == Transport::Http { "http" } else { "https" };
    let address = settings.listen.address;
    let host = match &settings.listen.host {
        _ if address.ip().is_unspecified() => "localhost".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.clone(),
    };
    format!("{scheme}://{host}:{port}")
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
