//! `fullmakt migrate`.

use std::io::Write;

use anyhow::Context;
use serde_json::json;

use crate::config::Place;
use crate::serve;

/// Brings the database to this version's schema and says what it was.
///
/// # Errors
/// When it cannot be reached, or was migrated by a later version.
pub async fn run(place: &Place, json: bool, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let store = serve::open(place).await?;
    let was_ready = store.is_ready().await?;
    store.migrate().await.context("cannot bring the database to this version")?;
    let kind = store.kind();
    store.close().await;
    if json {
        writeln!(out, "{}", json!({ "database": kind, "migrated": !was_ready }))?;
    } else if was_ready {
        writeln!(out, "the {kind} database already has this version's schema")?;
    } else {
        writeln!(out, "the {kind} database now has this version's schema")?;
    }
    Ok(())
}
