//! Microsoft.Authorization/roleAssignments, permissions, denyAssignments.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::ids::{PrincipalId, RoleAssignmentId, RoleDefinitionId};
use fullmakt_domain::role_assignment::{
    AssignRole, GetRoleAssignment, Holder, ListPermissions, ListRoleAssignments, PrincipalType, Reach,
    RemoveRoleAssignment, RoleAssignment,
};
use http::StatusCode;
use serde_json::{Value, json};

use super::body::Node;
use super::call::{Call, Reply};
use super::error::ArmError;
use super::filter::{Allowed, Filter, Literal, Operator};
use super::paging::Page;
use super::role_definitions::definition_path;
use super::wire::date_time;

const FILTER: Allowed = Allowed {
    fields: &["principalId", "properties/principalId"],
    functions: &[("atScope", 0), ("atScopeAndBelow", 0), ("assignedTo", 1)],
};

/// `GET {scope}/…/roleAssignments`: at the scope, above and below it, narrowed by `$filter`.
pub async fn list(call: &Call<'_>) -> Result<Reply, ArmError> {
    let scope = call.scope()?;
    let page = Page::read(call.query, "$skipToken")?;
    let (reach, holder) = narrowed(call)?;
    let assignments = call.read(&ListRoleAssignments { scope: scope.clone(), reach, holder }, &scope).await?;
    let items = assignments.iter().map(assignment).collect();
    Ok(Reply::ok(page.cut(items, &call.address(), "$skipToken")))
}

fn narrowed(call: &Call<'_>) -> Result<(Reach, Holder), ArmError> {
    let Some(text) = call.query.filled("$filter") else {
        return Ok((Reach::All, Holder::Anyone));
    };
    let refused = |message: &str| {
        ArmError::bad_request("BadRequest", format!("The query parameter `$filter` {message}.")).with_target("$filter")
    };
    let mut reach = Reach::All;
    let mut holder = Holder::Anyone;
    let mut parts = vec![Filter::parse(text, FILTER)?];
    while let Some(part) = parts.pop() {
        match part {
            Filter::And(a, b) => parts.extend([*a, *b]),
            Filter::Call { name: "atScope", .. } => reach = Reach::AtScope,
            Filter::Call { name: "assignedTo", arguments } => {
                let id = arguments.first().map(String::as_str).unwrap_or_default();
                holder = Holder::CountingFor(PrincipalId::parse(id).map_err(|error| refused(&error.to_string()))?);
            }
            Filter::Call { .. } => {}
            Filter::Compare { operator: Operator::Eq, value: Literal::Text(id), .. } => {
                holder = Holder::Principal(PrincipalId::parse(&id).map_err(|error| refused(&error.to_string()))?);
            }
            Filter::Compare { .. } | Filter::Or(..) | Filter::Not(_) => {
                return Err(refused(
                    "can hold atScope(), atScopeAndBelow(), assignedTo('{id}') and principalId eq '{id}', joined by and",
                ));
            }
        }
    }
    Ok((reach, holder))
}

/// `GET {scope}/…/roleAssignments/{assignment}`.
pub async fn get(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (scope, id) = (call.scope()?, id(call)?);
    let found = call.read(&GetRoleAssignment { scope: scope.clone(), id }, &scope).await?;
    let missing = || {
        let message = format!("The role assignment '{id}' is not found.");
        ArmError::new(StatusCode::NOT_FOUND, "RoleAssignmentNotFound", message)
    };
    Ok(Reply::ok(assignment(&found.ok_or_else(missing)?)))
}

/// `PUT {scope}/…/roleAssignments/{assignment}`: 201 for a new one, 200 for one that is there already.
pub async fn put(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (scope, id) = (call.scope()?, id(call)?);
    let body = call.json()?;
    let command = requested(&body.root(), id, scope.clone())?;
    let (made, is_new) = call.execute(&command, &scope).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Reply::with(status, assignment(&made)))
}

/// The body of an assignment.
pub(super) fn requested(root: &Node<'_>, id: RoleAssignmentId, scope: ArmScope) -> Result<AssignRole, ArmError> {
    // Old clients leave the envelope out.
    let properties = root.get("properties")?.unwrap_or_else(|| root.clone());
    let role = role(&properties.required("roleDefinitionId")?)?;
    let principal = properties.required("principalId")?;
    let principal_id = PrincipalId::parse(principal.text(100)?).map_err(|error| principal.refuse(error))?;
    let principal_type = match properties.get("principalType")? {
        Some(node) => {
            PrincipalType::parse(node.word(&["User", "Group", "ServicePrincipal", "ForeignGroup", "Device"])?)
        }
        None => None,
    };
    if let Some(node) = properties.get("condition")?.filter(|node| node.text(10_000).is_ok_and(|text| !text.is_empty()))
    {
        return Err(node.refuse(
            "cannot be given: conditions are not evaluated here, and an assignment must not allow more than it says",
        ));
    }
    let description = properties.get("description")?.map(|node| node.text(1_024).map(str::to_owned)).transpose()?;
    Ok(AssignRole { id, scope, principal: principal_id, principal_type, role, description })
}

/// The role of a path such as `/subscriptions/{s}/providers/Microsoft.Authorization/roleDefinitions/{id}`, or a bare id.
fn role(node: &Node<'_>) -> Result<RoleDefinitionId, ArmError> {
    let text = node.text(500)?;
    let (before, id) = text.trim_end_matches('/').rsplit_once('/').unwrap_or(("", text));
    let is_path = before.to_ascii_lowercase().ends_with("/providers/microsoft.authorization/roledefinitions");
    if !before.is_empty() && !is_path {
        return Err(node.refuse("has to be the id of a role definition"));
    }
    RoleDefinitionId::parse(id).map_err(|error| node.refuse(format!("has to be the id of a role definition: {error}")))
}

/// `DELETE {scope}/…/roleAssignments/{assignment}`: 200 with what was there, or 204.
pub async fn delete(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (scope, id) = (call.scope()?, id(call)?);
    let removed = call.execute(&RemoveRoleAssignment { scope: scope.clone(), id }, &scope).await?;
    Ok(removed.map_or_else(Reply::no_content, |old| Reply::ok(assignment(&old))))
}

fn id(call: &Call<'_>) -> Result<RoleAssignmentId, ArmError> {
    RoleAssignmentId::parse(call.name("assignment")).map_err(|error| {
        ArmError::bad_request("InvalidRoleAssignmentId", format!("The role assignment ID {error}."))
            .with_target("roleAssignmentName")
    })
}

fn assignment(assignment: &RoleAssignment) -> Value {
    let at = date_time(assignment.created_at);
    let base = if assignment.scope == ArmScope::Root { String::new() } else { assignment.scope.to_string() };
    json!({
        "id": format!("{base}/providers/Microsoft.Authorization/roleAssignments/{}", assignment.id),
        "name": assignment.id.to_string(),
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "scope": assignment.scope.to_string(),
            "roleDefinitionId": definition_path(assignment.role, &assignment.scope),
            "principalId": assignment.principal.to_string(),
            "principalType": assignment.principal_type.name(),
            "createdOn": at,
            "updatedOn": at,
            "createdBy": assignment.created_by,
            "updatedBy": assignment.created_by,
            "condition": null,
            "conditionVersion": null,
            "description": assignment.description,
            "delegatedManagedIdentityResourceId": null,
        },
    })
}

/// `GET {scope}/…/permissions`: what the caller may do there.
pub async fn permissions(call: &Call<'_>) -> Result<Reply, ArmError> {
    let scope = call.scope()?;
    let permissions = call.read(&ListPermissions { scope: scope.clone() }, &scope).await?;
    let value: Vec<Value> = permissions
        .iter()
        .map(|p| json!({"actions": p.actions, "notActions": p.not_actions, "dataActions": [], "notDataActions": []}))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

/// `GET {scope}/…/denyAssignments`: there are none. Whoever may see role assignments there may see that.
pub async fn deny_assignments(call: &Call<'_>) -> Result<Reply, ArmError> {
    let scope = call.scope()?;
    call.read(&ListRoleAssignments { scope: scope.clone(), reach: Reach::AtScope, holder: Holder::Anyone }, &scope)
        .await?;
    Ok(Reply::ok(json!({"value": []})))
}
