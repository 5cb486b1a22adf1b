//! Subscriptions, tenants, locations, resource groups.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::directory::{AzureSubscription, GetSubscription, ListSubscriptions, ListTenants, Tenant};
use fullmakt_domain::subscription::SubscriptionStatus;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::error::ArmError;
use super::paging::Page;

/// `GET /subscriptions`: those on which the caller has a role.
pub async fn list(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let subscriptions = call.read(&ListSubscriptions, &ArmScope::Root).await?;
    let items: Vec<Value> = subscriptions.iter().map(|s| subscription(call, s)).collect();
    let count = items.len();
    let mut body = page.cut(items, &call.address(), "$skiptoken");
    if let Some(fields) = body.as_object_mut() {
        fields.insert("count".to_owned(), json!({"type": "Total", "value": count}));
    }
    Ok(Reply::ok(body))
}

/// `GET /subscriptions/{subscription}`.
pub async fn get(call: &Call<'_>) -> Result<Reply, ArmError> {
    Ok(Reply::ok(subscription(call, &visible(call).await?)))
}

/// The subscription of the path, for whoever has a role on it or in it.
///
/// # Errors
/// 404 for others' directories, 403 without a role.
pub async fn visible(call: &Call<'_>) -> Result<AzureSubscription, ArmError> {
    let id = call.subscription()?;
    let scope = ArmScope::Subscription(id);
    let found = call.read(&GetSubscription { id }, &scope).await?;
    found.ok_or_else(|| call.not_authorized(&call.found.action(), &scope))
}

fn subscription(call: &Call<'_>, subscription: &AzureSubscription) -> Value {
    let state = match subscription.status {
        SubscriptionStatus::Active => "Enabled",
        SubscriptionStatus::Suspended => "Disabled",
        SubscriptionStatus::Deleted => "Deleted",
    };
    // Whoever acts on behalf of the customer sees who is behind it; the customer's own users see their directory alone.
    let managed_by = if call.actor.home == subscription.tenant {
        json!([])
    } else {
        json!([{"tenantId": call.actor.home.to_string()}])
    };
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "subscriptionId": subscription.id.to_string(),
        "tenantId": subscription.tenant.to_string(),
        "displayName": subscription.name,
        "state": state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "CSP_2015-05-01",
            "spendingLimit": "Off",
        },
        "authorizationSource": "RoleBased",
        "managedByTenants": managed_by,
        "tags": {},
    })
}

/// `GET /tenants`: the caller's own, and those of the customers it serves.
pub async fn tenants(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let home = call.actor.home;
    let found = call.read(&ListTenants, &ArmScope::Root).await?;
    let items = found.iter().map(|t| tenant(t, t.id == home)).collect();
    Ok(Reply::ok(page.cut(items, &call.address(), "$skiptoken")))
}

fn tenant(tenant: &Tenant, home: bool) -> Value {
    json!({
        "id": format!("/tenants/{}", tenant.id),
        "tenantId": tenant.id.to_string(),
        "tenantCategory": if home { "Home" } else { "ManagedBy" },
        "countryCode": tenant.country,
        "country": tenant.country,
        "displayName": tenant.name,
        "domains": [tenant.domain],
        "defaultDomain": tenant.domain,
        "tenantType": "AAD",
    })
}

/// `GET /subscriptions/{subscription}/resourcegroups`: none, since what lies inside a subscription is not kept here.
pub async fn resource_groups(call: &Call<'_>) -> Result<Reply, ArmError> {
    visible(call).await?;
    Ok(Reply::ok(json!({"value": []})))
}

/// `GET /subscriptions/{subscription}/resourcegroups/{group}`.
pub async fn resource_group(call: &Call<'_>) -> Result<Reply, ArmError> {
    visible(call).await?;
    let name: String = call.name("group").chars().take(90).collect();
    Err(ArmError::new(
        http::StatusCode::NOT_FOUND,
        "ResourceGroupNotFound",
        format!("Resource group '{name}' could not be found."),
    ))
}

/// A region: name, name for people, geography group, place, latitude, longitude.
type Location = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const LOCATIONS: [Location; 22] = [
    ("swedencentral", "Sweden Central", "Europe", "Gävle", "60.67488", "17.14127"),
    ("westeurope", "West Europe", "Europe", "Netherlands", "52.3667", "4.9"),
    ("northeurope", "North Europe", "Europe", "Ireland", "53.3478", "-6.2597"),
    ("norwayeast", "Norway East", "Europe", "Norway", "59.913868", "10.752245"),
    ("germanywestcentral", "Germany West Central", "Europe", "Frankfurt", "50.110924", "8.682127"),
    ("francecentral", "France Central", "Europe", "Paris", "46.3772", "2.3730"),
    ("switzerlandnorth", "Switzerland North", "Europe", "Zurich", "47.451542", "8.564572"),
    ("uksouth", "UK South", "Europe", "London", "50.941", "-0.799"),
    ("ukwest", "UK West", "Europe", "Cardiff", "53.427", "-3.084"),
    ("eastus", "East US", "US", "Virginia", "37.3719", "-79.8164"),
    ("eastus2", "East US 2", "US", "Virginia", "36.6681", "-78.3889"),
    ("centralus", "Central US", "US", "Iowa", "41.5908", "-93.6208"),
    ("northcentralus", "North Central US", "US", "Illinois", "41.8819", "-87.6278"),
    ("southcentralus", "South Central US", "US", "Texas", "29.4167", "-98.5"),
    ("westus", "West US", "US", "California", "37.783", "-122.417"),
    ("westus2", "West US 2", "US", "Washington", "47.233", "-119.852"),
    ("westus3", "West US 3", "US", "Phoenix", "33.448376", "-112.074036"),
    ("canadacentral", "Canada Central", "Canada", "Toronto", "43.653", "-79.383"),
    ("japaneast", "Japan East", "Asia Pacific", "Tokyo", "35.68", "139.77"),
    ("southeastasia", "Southeast Asia", "Asia Pacific", "Singapore", "1.283", "103.833"),
    ("australiaeast", "Australia East", "Asia Pacific", "New South Wales", "-33.86", "151.2094"),
    ("brazilsouth", "Brazil South", "South America", "Sao Paulo State", "-23.55", "-46.633"),
];

/// `GET /subscriptions/{subscription}/locations`.
pub async fn locations(call: &Call<'_>) -> Result<Reply, ArmError> {
    let subscription = visible(call).await?;
    let location = |(name, display, group, place, latitude, longitude): &Location| {
        json!({
            "id": format!("/subscriptions/{}/locations/{name}", subscription.id),
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": format!("({group}) {display}"),
            "metadata": {
                "regionType": "Physical",
                "regionCategory": "Recommended",
                "geographyGroup": group,
                "physicalLocation": place,
                "latitude": latitude,
                "longitude": longitude,
                "pairedRegion": [],
            },
        })
    };
    Ok(Reply::ok(json!({"value": LOCATIONS.iter().map(location).collect::<Vec<_>>()})))
}
