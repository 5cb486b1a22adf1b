//! A Python environment with the vendor's own SDKs, for the tests that drive a server with them.

use crate::run;
use std::path::PathBuf;
use std::process::Command;

/// The Python of an environment that has what `crates/testkit/python/requirements.txt` names; made when it is missing.
pub fn environment() -> anyhow::Result<PathBuf> {
    environment_of("crates/testkit/python/requirements.txt", "python")
}

/// The Python of the environment of that name, with what a file of requirements names; made when it is missing.
pub fn environment_of(requirements: &str, name: &str) -> anyhow::Result<PathBuf> {
    let wanted_file = run::root().join(requirements);
    let wanted = std::fs::read_to_string(&wanted_file)?;
    let folder = run::root().join(".test").join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("installed.txt");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !run::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        run::apt_install(&["python3", "python3-venv"])?;
    }
    run::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run::run(pip.arg(&wanted_file))?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}
