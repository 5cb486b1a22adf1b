//! `fullmakt clock`: reads and moves the clock of a running server.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::serve::ADMIN_KEY;

/// Read or move the clock of a server that was started with `--clock movable`.
///
/// Everything that would have happened by then has happened when the command returns: instalments, the end of terms,
/// quotes that lapse. The clock only goes forward. Without --advance and --to it is only read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fullmakt serve --data ./data --clock movable --ready-file ready.json
  fullmakt clock --data ./data --ready-file ready.json
  fullmakt clock --data ./data --ready-file ready.json --advance P1D
  fullmakt clock --data ./data --ready-file ready.json --to 2026-12-01T00:00:00Z --json")]
pub struct MoveClock {
    /// The data directory of the server, in which its key lies
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file that the server wrote when it was ready
    #[arg(long, value_name = "FILE")]
    ready_file: PathBuf,
    /// How far to move it: an ISO 8601 duration such as P1D, P1M or PT12H
    #[arg(long, value_name = "DURATION", conflicts_with = "to")]
    advance: Option<String>,
    /// Where to move it: an instant such as 2026-12-01T00:00:00Z
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// What is needed of the ready file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    base_url: String,
    ca_certificate: Option<PathBuf>,
}

impl MoveClock {
    /// Asks the server, and says where its clock stands.
    ///
    /// # Errors
    /// When it cannot be reached, or does not move its clock, with its reason.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let key = String::from_utf8(read(&self.data.join(ADMIN_KEY)).context(
            "there is no key to move a clock with: was the server started on this `--data` with `--clock movable`?",
        )?)?;
        let (base, client) = reach(&self.ready_file)?;
        let url = format!("{}{}", base.trim_end_matches('/'), fullmakt_server::own::CLOCK);
        let request = match (&self.advance, &self.to) {
            (Some(advance), _) => client.post(url).json(&json!({"advance": advance})),
            (None, Some(to)) => client.post(url).json(&json!({"to": to})),
            (None, None) => client.get(url),
        };
        let answer = request.bearer_auth(key.trim()).send().await.context("the server cannot be reached")?;
        let status = answer.status();
        let body: Value = answer.json().await.context("the server answered with something else than JSON")?;
        if !status.is_success() {
            bail!("{}", body["detail"].as_str().unwrap_or("the server refused"));
        }
        if self.json {
            writeln!(out, "{body}")?;
        } else {
            writeln!(out, "{}", body["now"].as_str().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The address of the server that wrote a ready file, and a client that trusts its certificate.
pub fn reach(ready_file: &Path) -> anyhow::Result<(String, reqwest::Client)> {
    let ready: Ready = serde_json::from_slice(&read(ready_file)?)
        .with_context(|| format!("`{}` is no ready file", ready_file.display()))?;
    let client = match &ready.ca_certificate {
        Some(path) => {
            let authority = reqwest::Certificate::from_pem(&read(path)?)
                .with_context(|| format!("`{}` is no certificate", path.display()))?;
            reqwest::Client::builder().tls_certs_only([authority])
        }
        None => reqwest::Client::builder(),
    };
    Ok((ready.base_url, client.no_proxy().build()?))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}
