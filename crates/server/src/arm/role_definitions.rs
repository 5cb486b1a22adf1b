//! Microsoft.Authorization/roleDefinitions.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::ids::RoleDefinitionId;
use fullmakt_domain::role::{Permissions, built_in};
use fullmakt_domain::role_definition::{
    GetRoleDefinition, ListRoleDefinitions, RemoveRoleDefinition, RoleDefinition, SaveRoleDefinition,
};
use http::StatusCode;
use serde_json::{Value, json};

use super::body::Node;
use super::call::{Call, Reply};
use super::error::ArmError;
use super::filter::{Allowed, Filter};
use super::paging::Page;
use super::wire::date_time;

const FILTER: Allowed = Allowed {
    fields: &["roleName", "type", "properties/roleName", "properties/type"],
    functions: &[("atScope", 0), ("atScopeAndBelow", 0)],
};

/// The most actions, exceptions and scopes a custom role may have.
const MAX_ENTRIES: usize = 500;

/// The path of a role as answers at a scope name it.
pub fn definition_path(id: RoleDefinitionId, scope: &ArmScope) -> String {
    let base = scope.subscription().map(|s| format!("/subscriptions/{s}")).unwrap_or_default();
    format!("{base}/providers/Microsoft.Authorization/roleDefinitions/{id}")
}

/// `GET {scope}/…/roleDefinitions`: the roles that can be given there, narrowed by `$filter`.
pub async fn list(call: &Call<'_>) -> Result<Reply, ArmError> {
    let scope = call.scope()?;
    let page = Page::read(call.query, "$skipToken")?;
    let filter = call.query.filled("$filter").map(|text| Filter::parse(text, FILTER)).transpose()?;
    let and_below = filter.as_ref().is_some_and(|f| f.required_call("atScopeAndBelow").is_some());
    let query = ListRoleDefinitions { scope: scope.clone(), and_below };
    let roles = match call.read(&query, &scope).await {
        // The built-in roles are no secret, and clients look them up at the directory before they know any scope.
        Err(error) if scope == ArmScope::Root && error.status == StatusCode::FORBIDDEN => RoleDefinition::built_in(),
        other => other?,
    };
    let shown = |item: &Value| {
        let flat = json!({
            "roleName": item["properties"]["roleName"], "type": item["properties"]["type"], "properties": item["properties"],
        });
        filter.as_ref().is_none_or(|f| f.matches(&flat, &|_, _| true))
    };
    let items = roles.iter().map(|role| definition(role, &scope)).filter(shown).collect();
    Ok(Reply::ok(page.cut(items, &call.address(), "$skipToken")))
}

/// `GET {scope}/…/roleDefinitions/{definition}`.
pub async fn get(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (scope, id) = (call.scope()?, id(call)?);
    let found = match built_in(&id.to_string()) {
        Some(role) if scope == ArmScope::Root => Some(RoleDefinition::from(role)),
        _ => call.read(&GetRoleDefinition { scope: scope.clone(), id }, &scope).await?,
    };
    let missing = || {
        let message = format!("The specified role definition with ID '{id}' does not exist.");
        ArmError::new(StatusCode::NOT_FOUND, "RoleDefinitionDoesNotExist", message)
    };
    Ok(Reply::ok(definition(&found.ok_or_else(missing)?, &scope)))
}

/// `PUT {scope}/…/roleDefinitions/{definition}`: makes or changes a custom role.
pub async fn put(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (scope, id) = (call.scope()?, id(call)?);
    let body = call.json()?;
    let command = requested(&body.root(), id, scope.clone())?;
    let saved = call.execute(&command, &scope).await?;
    Ok(Reply::with(StatusCode::CREATED, definition(&saved, &scope)))
}

/// The body of a custom role.
pub(super) fn requested(
    root: &Node<'_>,
    id: RoleDefinitionId,
    scope: ArmScope,
) -> Result<SaveRoleDefinition, ArmError> {
    let properties = root.required("properties")?;
    let name = properties.required("roleName")?;
    let name_text = name.text(512)?.trim();
    if name_text.is_empty() {
        return Err(name.refuse("is empty"));
    }
    if let Some(kind) = properties.get("type")? {
        kind.word(&["CustomRole"])?;
    }
    let description = properties.get("description")?.map_or(Ok(String::new()), |n| n.text(2_048).map(str::to_owned))?;
    let mut permissions = Vec::new();
    for node in properties.required("permissions")?.list(1)? {
        for forbidden in ["dataActions", "notDataActions"] {
            if let Some(list) = node.get(forbidden)?.filter(|n| n.list(MAX_ENTRIES).is_ok_and(|l| !l.is_empty())) {
                return Err(list.refuse("cannot be given: there is no data here that roles protect"));
            }
        }
        let (actions, not_actions) = (actions(&node, "actions")?, actions(&node, "notActions")?);
        permissions.push(Permissions { actions, not_actions });
    }
    let mut assignable_scopes = Vec::new();
    for node in properties.required("assignableScopes")?.list(MAX_ENTRIES)? {
        assignable_scopes.push(ArmScope::parse(node.text(2_048)?).map_err(|error| node.refuse(error))?);
    }
    Ok(SaveRoleDefinition { scope, id, name: name_text.to_owned(), description, assignable_scopes, permissions })
}

/// Actions such as `Microsoft.Capacity/*/read`.
fn actions(node: &Node<'_>, name: &str) -> Result<Vec<String>, ArmError> {
    let Some(list) = node.get(name)? else {
        return Ok(Vec::new());
    };
    let mut actions = Vec::new();
    for action in list.list(MAX_ENTRIES)? {
        let text = action.text(256)?;
        let readable = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./*-_".contains(&b));
        if !readable {
            return Err(action.refuse("has to be an action such as `Microsoft.Capacity/*/read`"));
        }
        actions.push(text.to_owned());
    }
    Ok(actions)
}

/// `DELETE {scope}/…/roleDefinitions/{definition}`: 200 with what was there, or 204.
pub async fn delete(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (scope, id) = (call.scope()?, id(call)?);
    let removed = call.execute(&RemoveRoleDefinition { scope: scope.clone(), id }, &scope).await?;
    Ok(removed.map_or_else(Reply::no_content, |old| Reply::ok(definition(&old, &scope))))
}

fn id(call: &Call<'_>) -> Result<RoleDefinitionId, ArmError> {
    RoleDefinitionId::parse(call.name("definition")).map_err(|error| {
        ArmError::bad_request("InvalidRoleDefinitionId", format!("The role definition ID {error}."))
            .with_target("roleDefinitionId")
    })
}

fn definition(role: &RoleDefinition, scope: &ArmScope) -> Value {
    let permissions: Vec<Value> = role
        .permissions
        .iter()
        .map(|p| {
            json!({
                "actions": p.actions, "notActions": p.not_actions, "dataActions": [], "notDataActions": [],
                "condition": null, "conditionVersion": null,
            })
        })
        .collect();
    let custom = role.custom.as_ref();
    json!({
        "id": definition_path(role.id, scope),
        "name": role.id.to_string(),
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.name,
            "type": if custom.is_some() { "CustomRole" } else { "BuiltInRole" },
            "description": role.description,
            "assignableScopes": role.assignable_scopes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "permissions": permissions,
            "createdOn": custom.map_or_else(|| BUILT_IN_SINCE.to_owned(), |c| date_time(c.created_at)),
            "updatedOn": custom.map_or_else(|| BUILT_IN_SINCE.to_owned(), |c| date_time(c.updated_at)),
            "createdBy": custom.map(|c| c.created_by.as_str()),
            "updatedBy": custom.map(|c| c.updated_by.as_str()),
        },
    })
}

/// Since when the built-in roles exist, as far as answers are concerned.
const BUILT_IN_SINCE: &str = "2015-01-01T00:00:00.0000000Z";
