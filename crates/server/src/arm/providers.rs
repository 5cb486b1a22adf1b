//! Resource providers, which are all registered, and what Microsoft.Capacity can do.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::ids::SubscriptionId;
use fullmakt_domain::role_assignment::ListPermissions;
use http::StatusCode;
use serde_json::{Value, json};

use super::api_version::Provider;
use super::call::{Call, Reply};
use super::error::ArmError;
use super::subscriptions::visible;

/// The namespaces that are answered, with their resource types and versions.
const PROVIDERS: [(&str, &[&str], &[&str]); 5] = [
    ("Microsoft.Authorization", &["roleAssignments", "roleDefinitions", "permissions", "denyAssignments"], &[]),
    (
        "Microsoft.Capacity",
        &[
            "reservationOrders",
            "reservationOrders/reservations",
            "reservations",
            "catalogs",
            "appliedReservations",
            "calculatePrice",
            "operations",
        ],
        &[],
    ),
    ("Microsoft.Compute", &["virtualMachines"], &["2024-07-01"]),
    (
        "Microsoft.Consumption",
        &["reservationSummaries", "reservationDetails", "usageDetails"],
        &["2019-05-01", "2023-05-01", "2024-08-01"],
    ),
    ("Microsoft.Resources", &["subscriptions", "resourceGroups", "tenants", "locations"], &[]),
];

/// `GET /subscriptions/{subscription}/providers`.
pub async fn list(call: &Call<'_>) -> Result<Reply, ArmError> {
    let subscription = visible(call).await?.id;
    let value: Vec<Value> = PROVIDERS.iter().map(|(namespace, ..)| provider(subscription, namespace)).collect();
    Ok(Reply::ok(json!({ "value": value })))
}

/// `GET /subscriptions/{subscription}/providers/{namespace}`.
pub async fn get(call: &Call<'_>) -> Result<Reply, ArmError> {
    let subscription = visible(call).await?.id;
    Ok(Reply::ok(provider(subscription, &namespace(call)?)))
}

/// `POST /subscriptions/{subscription}/providers/{namespace}/register`: nothing changes, all of them are registered. Still
/// it is for those who may.
pub async fn register(call: &Call<'_>) -> Result<Reply, ArmError> {
    let subscription = visible(call).await?.id;
    let namespace = namespace(call)?;
    let scope = ArmScope::Subscription(subscription);
    let action = call.found.action();
    let held = call.read(&ListPermissions { scope: scope.clone() }, &scope).await?;
    if held.iter().any(|permissions| permissions.allow(&action)) {
        Ok(Reply::ok(provider(subscription, &namespace)))
    } else {
        Err(call.not_authorized(&action, &scope))
    }
}

fn namespace(call: &Call<'_>) -> Result<String, ArmError> {
    let name = call.name("namespace");
    let known = PROVIDERS.iter().find(|(namespace, ..)| namespace.eq_ignore_ascii_case(name));
    if let Some((namespace, ..)) = known {
        return Ok((*namespace).to_owned());
    }
    // Clients register what they are about to use, not only what is answered here.
    let plausible = name.len() <= 100
        && name.contains('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && !name.starts_with('.');
    if plausible {
        return Ok(name.to_owned());
    }
    let name: String = name.chars().take(100).collect();
    Err(ArmError::new(
        StatusCode::NOT_FOUND,
        "InvalidResourceNamespace",
        format!("The resource namespace '{name}' is invalid."),
    ))
}

fn provider(subscription: SubscriptionId, namespace: &str) -> Value {
    let known = PROVIDERS.iter().find(|(name, ..)| *name == namespace);
    let (types, versions) = known.map_or((&[][..], &[][..]), |(_, types, versions)| (*types, *versions));
    let versions = match namespace {
        "Microsoft.Authorization" => Provider::Authorization.versions(),
        "Microsoft.Capacity" => Provider::Capacity.versions(),
        "Microsoft.Resources" => Provider::Resources.versions(),
        _ => versions,
    };
    let newest_first: Vec<&str> = versions.iter().rev().copied().collect();
    let types: Vec<Value> =
        types.iter().map(|name| json!({"resourceType": name, "locations": [], "apiVersions": newest_first})).collect();
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{namespace}"),
        "namespace": namespace,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": types,
    })
}

/// What can be done, as access control names it: the action, the resource, the operation.
const OPERATIONS: [(&str, &str, &str); 25] = [
    ("register/action", "Tenant", "Register the provider"),
    ("operations/read", "Operations", "List operations"),
    ("catalogs/read", "Catalog", "Read the catalogue"),
    ("appliedreservations/read", "Applied reservations", "Read the reservations that apply to a subscription"),
    ("calculateprice/action", "Price", "Calculate a price"),
    ("calculateexchange/action", "Exchange", "Calculate an exchange"),
    ("exchange/action", "Exchange", "Exchange reservations"),
    ("reservationorders/action", "Reservation order", "Update a reservation order"),
    ("reservationorders/read", "Reservation order", "Read a reservation order"),
    ("reservationorders/write", "Reservation order", "Create a reservation order"),
    ("reservationorders/purchase/action", "Reservation order", "Purchase a reservation"),
    ("reservationorders/calculaterefund/action", "Reservation order", "Calculate a refund"),
    ("reservationorders/return/action", "Reservation order", "Return a reservation"),
    ("reservationorders/split/action", "Reservation order", "Split a reservation"),
    ("reservationorders/merge/action", "Reservation order", "Merge reservations"),
    ("reservationorders/splitoperationresults/read", "Split result", "Read the result of a split"),
    ("reservationorders/mergeoperationresults/read", "Merge result", "Read the result of a merge"),
    ("reservationorders/changedirectory/action", "Reservation order", "Move a reservation order to another directory"),
    ("reservationorders/reservations/read", "Reservation", "Read a reservation"),
    ("reservationorders/reservations/write", "Reservation", "Change a reservation"),
    ("reservationorders/reservations/action", "Reservation", "Update a reservation"),
    ("reservationorders/reservations/availablescopes/action", "Reservation", "Find scopes for a reservation"),
    ("reservationorders/reservations/archive/action", "Reservation", "Archive a reservation"),
    ("reservationorders/reservations/unarchive/action", "Reservation", "Unarchive a reservation"),
    ("reservationorders/reservations/revisions/read", "Revision", "Read the revisions of a reservation"),
];

/// `GET /providers/Microsoft.Capacity/operations`.
pub fn operations() -> Reply {
    let value: Vec<Value> = OPERATIONS
        .iter()
        .map(|(name, resource, operation)| {
            json!({
                "name": format!("Microsoft.Capacity/{name}"),
                "isDataAction": false,
                "display": {
                    "provider": "Microsoft Capacity",
                    "resource": resource,
                    "operation": operation,
                    "description": operation,
                },
                "origin": "user,system",
            })
        })
        .collect();
    Reply::ok(json!({ "value": value }))
}
