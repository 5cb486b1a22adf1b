//! `fullmakt keys …`.

use std::io::Write;

use anyhow::Context;
use fullmakt_server::signin::Issuer;
use serde_json::json;

use crate::config::Place;
use crate::serve;

/// Makes a new signing key and retires the older ones.
///
/// # Errors
/// When the keys or the database cannot be used.
pub async fn rotate(place: &Place, json: bool, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let store = serve::open(place).await?;
    store.migrate().await.context("cannot bring the database to this version")?;
    let issuer = Issuer::open(&place.data, &store).await.context("cannot use the signing keys")?;
    let key = issuer.rotate(&store).await.context("cannot make a new signing key")?;
    store.close().await;
    if json {
        writeln!(out, "{}", json!({ "keyId": key }))?;
    } else {
        writeln!(out, "the new key {key} signs tokens within minutes, or from the next start of the server on")?;
    }
    Ok(())
}
