//! A Python environment with the vendor's own SDKs, for the tests that drive a server with them.

use crate::run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of an environment that has what `crates/testkit/python/requirements.txt` names; made when it is missing.
pub fn environment() -> anyhow::Result<PathBuf> {
    environment_of("crates/testkit/python/requirements.txt", "python")
}

/// The Python of the environment of that name, with what a file of requirements names; made when it is missing.
pub fn environment_of(requirements: &str, name: &str) -> anyhow::Result<PathBuf> {
    if !run::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        run::apt_install(&["python3", "python3-venv"])?;
    }
    made_with(Path::new("python3"), requirements, name)
}

/// The Python of an environment with the validator of FOCUS data sets; `None`, said plainly, where there is no Python that it
/// runs on.
pub fn focus_validator() -> anyhow::Result<Option<PathBuf>> {
    let Some(interpreter) = python_3_12() else {
        println!("left out: FOCUS data sets are not validated, for there is no Python 3.12 here");
        return Ok(None);
    };
    made_with(&interpreter, "crates/testkit/python/focus_validator.txt", "focus-validator").map(Some)
}

/// Python 3.12, on the path or among the versions that pyenv keeps.
fn python_3_12() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = vec!["python3".into(), "python3.12".into()];
    if let Ok(root) = run::output(Command::new("pyenv").arg("root")) {
        let versions = std::fs::read_dir(Path::new(root.trim()).join("versions"));
        let found = versions.into_iter().flatten().flatten().map(|version| version.path().join("bin/python"));
        candidates.extend(found);
    }
    let fits = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))";
    candidates.into_iter().find(|candidate| run::succeeds(Command::new(candidate).args(["-c", fits])))
}

fn made_with(interpreter: &Path, requirements: &str, name: &str) -> anyhow::Result<PathBuf> {
    let wanted_file = run::root().join(requirements);
    let wanted = std::fs::read_to_string(&wanted_file)?;
    let folder = run::root().join(".test").join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("installed.txt");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run::run(Command::new(interpreter).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run::run(pip.arg(&wanted_file))?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}
