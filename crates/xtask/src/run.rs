//! Starting other programs, and saying which.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("xtask is compiled inside the repository")
}

/// The Cargo that runs this chore, in the root folder.
pub fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root());
    command
}

/// Prints the command, runs it, and fails when it fails.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("\n$ {}", line(command));
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// What the command prints on standard output.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}: {}", line(command), output.status, reason.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether the command runs and succeeds; it prints nothing.
pub fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Whether this process is the superuser.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Installs Debian packages, through sudo when not root.
pub fn apt_install(packages: &[&str]) -> anyhow::Result<()> {
    static UPDATED: std::sync::Once = std::sync::Once::new();
    let mut outcome = Ok(());
    UPDATED.call_once(|| outcome = run(&mut as_root(&["apt-get", "update", "-q"])));
    outcome?;
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y"];
    words.extend(["--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]);
    words.extend(packages);
    run(&mut as_root(&words))
}

/// A command that runs as the superuser.
pub fn as_root(words: &[&str]) -> Command {
    let words: Vec<&str> = if is_root() { words.to_vec() } else { [&["sudo"], words].concat() };
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
