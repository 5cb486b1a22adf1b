//! The log: on standard error, for people on a terminal and as JSON elsewhere.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Logging};

/// Starts logging for the whole process.
///
/// # Errors
/// When it was started before.
pub fn start(logging: &Logging) -> anyhow::Result<()> {
    let filter: EnvFilter = logging.filter.parse().context("the log filter cannot be read")?;
    let is_terminal = std::io::stderr().is_terminal();
    let format = logging.format.unwrap_or(if is_terminal { LogFormat::Human } else { LogFormat::Json });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Human => builder.with_ansi(is_terminal).with_target(false).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    }
    .context("logging could not be started")?;
    log_panics();
    Ok(())
}

/// Sends panics to the log, once and in its format, in place of bare text on standard error.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let reason = panic.payload_as_str().unwrap_or("no reason given");
        tracing::error!(place, reason, "a part of the server panicked");
    }));
}
