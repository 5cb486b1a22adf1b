//! Tells whoever started the server that it accepts connections, and where.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// What the file says. More keys may be added; these stay.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// Where the server answers.
    pub base_url: String,
    /// The certificate to trust; none with plain HTTP.
    pub ca_certificate: Option<String>,
    /// The process.
    pub pid: u32,
    /// The program's version.
    pub version: &'static str,
    /// `real` or `movable`.
    pub clock: &'static str,
    /// Who can sign in; only the demo tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<ReadyUser>>,
    /// Which applications can; only the demo tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<ReadyApplication>>,
}

/// A user of the demo.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyUser {
    /// The name to sign in with.
    pub upn: String,
    /// In plain text.
    pub password: String,
    /// The directory.
    pub tenant_id: String,
    /// Roles at the partner; for a customer's user, roles on its subscriptions.
    pub roles: Vec<String>,
}

/// An application of the demo.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyApplication {
    /// What it calls itself.
    pub client_id: String,
    /// In plain text.
    pub client_secret: String,
    /// The directory.
    pub tenant_id: String,
}

/// Removes what an earlier server left, so that nobody takes it for this one's.
///
/// # Errors
/// When the file is there and cannot be removed.
pub fn clear(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the old ready file `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes the file whole or not at all: readers never see half of it.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(path: &Path, ready: &Ready) -> anyhow::Result<()> {
    let failed = || format!("cannot write the ready file `{}`", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    serde_json::to_writer(&mut file, ready).with_context(failed)?;
    file.write_all(b"\n").with_context(failed)?;
    file.as_file().sync_all().with_context(failed)?;
    file.persist(path).map_err(|error| error.error).with_context(failed)?;
    // The name must survive a power cut too.
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_keys_of_the_contract_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        let ready = Ready {
            base_url: "https://127.0.0.1:41873".to_owned(),
            ca_certificate: Some("/data/ca.pem".to_owned()),
            pid: 4711,
            version: "0.1.0",
            clock: "real",
            users: None,
            applications: None,
        };
        fs::write(&path, "of an earlier server").unwrap();
        write(&path, &ready).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected = r#"{"baseUrl":"https://127.0.0.1:41873","caCertificate":"/data/ca.pem","pid":4711,"version":"0.1.0","clock":"real"}"#;
        assert_eq!(text.trim_end(), expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        clear(&path).unwrap();
        clear(&path).unwrap();
        assert!(!path.exists());
        let nowhere = write(&folder.path().join("no/such/folder"), &ready).unwrap_err();
        assert!(nowhere.to_string().starts_with("cannot write the ready file"));
    }
}
