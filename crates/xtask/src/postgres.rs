//! A PostgreSQL cluster of our own: made in a temporary folder, on loopback, gone when dropped.

use crate::run;
use anyhow::{Context, bail};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a cluster promises of a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A commit is on the disk; for crash tests and measurements.
    Full,
    /// Fast and forgetful; for all other tests.
    None,
}

/// A running cluster.
pub struct Cluster {
    server: Child,
    port: u16,
    folder: tempfile::TempDir,
    binaries: PathBuf,
}

impl Cluster {
    /// Makes and starts a cluster; installs PostgreSQL when it is missing.
    pub fn start(durability: Durability) -> anyhow::Result<Self> {
        let binaries = binaries()?;
        let folder = tempfile::Builder::new().prefix("fullmakt-pg-").tempdir()?;
        let data = folder.path().join("data");
        let user = server_user();
        if let Some(user) = &user {
            run::output(Command::new("chown").arg(format!("{user}:")).arg(folder.path()))?;
        }
        let mut initdb = as_user(user.as_deref(), &binaries.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--username=fullmakt", "--encoding=UTF8", "--locale=C", "-D"]);
        run::output(initdb.arg(&data))?;

        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = as_user(user.as_deref(), &binaries.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in settings(port, durability) {
            server.arg("-c").arg(setting);
        }
        let log = std::fs::File::create(folder.path().join("log"))?;
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let mut cluster = Self { server, port, folder, binaries };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// The address of its maintenance database.
    pub fn url(&self) -> String {
        format!("postgres://fullmakt@127.0.0.1:{}/postgres", self.port)
    }

    /// The folder with `pgbench` and the other programs of this version.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let mut probe = Command::new(self.binaries.join("pg_isready"));
            if run::succeeds(probe.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])) {
                return Ok(());
            }
            let ended = self.server.try_wait()?;
            if ended.is_some() || started.elapsed() > Duration::from_secs(30) {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("PostgreSQL did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown. A kill would leave its shared memory behind.
        let told = run::succeeds(Command::new("kill").arg("-INT").arg(self.server.id().to_string()));
        if !told {
            // Already gone: nothing left to stop.
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

fn settings(port: u16, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".into(),
        "max_connections=300".into(),
        "shared_buffers=128MB".into(),
        "timezone=UTC".into(),
    ];
    if durability == Durability::None {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(String::from));
    }
    settings
}

/// PostgreSQL refuses to run as root; then it runs as the user the package made, or as nobody.
fn server_user() -> Option<String> {
    if !run::is_root() {
        return None;
    }
    let known = ["postgres", "nobody"].into_iter().find(|user| run::succeeds(Command::new("id").arg(user)));
    known.map(String::from)
}

/// The program as that user, stopped by the kernel if this process dies first.
fn as_user(user: Option<&str>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user_group(user), "--init-groups"]);
    }
    // PostgreSQL wants to return to where it was started, which that user may not be able to see.
    command.arg(program).current_dir("/");
    command
}

fn user_group(user: &str) -> &str {
    if user == "nobody" { "nogroup" } else { user }
}

/// The folder with `initdb` and `postgres`, version 15 or later.
fn binaries() -> anyhow::Result<PathBuf> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    // Debian would otherwise start a cluster of its own on the usual port.
    run::apt_install(&["postgresql-common"])?;
    let quiet = "s/^#*create_main_cluster.*/create_main_cluster = false/";
    run::run(&mut run::as_root(&["sed", "-i", quiet, "/etc/postgresql-common/createcluster.conf"]))?;
    run::apt_install(&["postgresql"])?;
    installed().context("PostgreSQL 15 or later is needed, and the package manager did not bring it")
}

fn installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max()?;
    let folder = PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"));
    let complete = ["initdb", "postgres", "pg_isready", "pgbench"].iter().all(|name| folder.join(name).exists());
    (newest >= 15 && complete).then_some(folder)
}
