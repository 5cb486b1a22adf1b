//! The one call of Microsoft Graph that command lines make to show names beside object ids.

use fullmakt_domain::actor::PrincipalKind;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::directory::{FindPrincipals, Principal};
use fullmakt_domain::ids::PrincipalId;
use serde_json::{Value, json};

use super::body::Node;
use super::call::{Call, Reply};
use super::error::ArmError;

/// The most ids one call may name.
const MAX_IDS: usize = 1_000;

/// `POST /v1.0/directoryObjects/getByIds`: those of the ids that are users or applications of the caller's directory.
pub async fn get_by_ids(call: &Call<'_>) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let (ids, types) = requested(&body.root())?;
    let found = call.read(&FindPrincipals { ids }, &ArmScope::Root).await?;
    let wanted = |kind: &str| types.is_empty() || types.iter().any(|t| t == kind || t == "directoryobject");
    let value: Vec<Value> = found
        .iter()
        .filter(|p| wanted(if p.kind == PrincipalKind::User { "user" } else { "serviceprincipal" }))
        .map(object)
        .collect();
    Ok(Reply::ok(json!({"@odata.context": format!("{}/v1.0/$metadata#directoryObjects", call.base), "value": value})))
}

/// The ids, each once, and the types in lower case.
pub(super) fn requested(root: &Node<'_>) -> Result<(Vec<PrincipalId>, Vec<String>), ArmError> {
    let mut ids = Vec::new();
    for node in root.required("ids")?.list(MAX_IDS)? {
        let text = node.text(100)?;
        ids.push(PrincipalId::parse(text).map_err(|error| node.refuse(error))?);
    }
    let mut types = Vec::new();
    if let Some(node) = root.get("types")? {
        for kind in node.list(20)? {
            types.push(kind.text(100)?.to_ascii_lowercase());
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok((ids, types))
}

fn object(principal: &Principal) -> Value {
    match principal.kind {
        PrincipalKind::User => json!({
            "@odata.type": "#microsoft.graph.user",
            "id": principal.id.to_string(),
            "displayName": principal.name,
            "userPrincipalName": principal.upn,
            "mail": principal.upn,
        }),
        PrincipalKind::Application => json!({
            "@odata.type": "#microsoft.graph.servicePrincipal",
            "id": principal.id.to_string(),
            "displayName": principal.name,
            "appId": principal.client.map(|client| client.to_string()),
            "servicePrincipalNames": [principal.client.map(|client| client.to_string())],
            "servicePrincipalType": "Application",
        }),
    }
}
