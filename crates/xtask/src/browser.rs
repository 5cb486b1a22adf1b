//! What the tests of the pages need: a browser and its driver, fonts, and the checker of accessibility.

use crate::run;
use anyhow::bail;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A font that shows how complete the machine is. Without any, pages are measured and pictured with boxes for letters.
const FONT: &str = "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf";

/// The tools, as they lie on this machine.
pub struct Tools {
    axe: PathBuf,
}

impl Tools {
    /// Installs what is missing.
    pub fn ready() -> anyhow::Result<Self> {
        let mut missing = Vec::new();
        if !run::succeeds(Command::new("chromium").arg("--version")) {
            missing.push("chromium");
        }
        if !run::succeeds(Command::new("chromedriver").arg("--version")) {
            missing.push("chromium-driver");
        }
        if !Path::new(FONT).exists() {
            missing.extend(["fonts-noto-core", "fonts-dejavu-core"]);
        }
        if !missing.is_empty() {
            run::apt_install(&missing)?;
        }
        Ok(Self { axe: axe()? })
    }

    /// Tells a command where they are.
    pub fn tell(&self, command: &mut Command) {
        command.env("FULLMAKT_TEST_AXE", &self.axe);
    }
}

/// The script of axe-core, of the version that `crates/testkit/axe` pins.
fn axe() -> anyhow::Result<PathBuf> {
    let wanted = run::root().join("crates/testkit/axe");
    let lock = std::fs::read_to_string(wanted.join("package-lock.json"))?;
    let folder = run::root().join("target/axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    let stamp = folder.join("installed.json");
    if script.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(script);
    }
    if !run::succeeds(Command::new("npm").arg("--version")) {
        run::apt_install(&["nodejs", "npm"])?;
    }
    std::fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(wanted.join(file), folder.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]).current_dir(&folder);
    run::run(&mut npm)?;
    if !script.exists() {
        bail!("npm brought no `{}`", script.display());
    }
    std::fs::write(&stamp, lock)?;
    Ok(script)
}
