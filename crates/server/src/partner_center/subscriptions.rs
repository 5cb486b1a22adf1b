//! What the partner bought for a customer, its registration for reservations, and the Azure subscriptions under it.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fullmakt_domain::catalog_item::{AZURE_GLOBAL_SKU, AZURE_PLAN_AVAILABILITY, AZURE_PLAN_PRODUCT, AZURE_PLAN_SKU};
use fullmakt_domain::entitlement::{
    AzureSubscription, Entitlement, GetEntitlement, ListEntitlements, RegisterEntitlement, UpdateEntitlement,
};
use fullmakt_domain::ids::{CustomerId, EntitlementId, SubscriptionId};
use fullmakt_domain::subscription::{AzureOffer, SubscriptionStatus};
use serde_json::{Value, json};

use super::body::Node;
use super::collection::{Page, link, uri};
use super::filter::short;
use super::{Call, Code, Failure, Reply, customer_id, dates, etag};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/customers/{customer}/subscriptions", get(list))
        .route("/customers/{customer}/subscriptions/{subscription}", get(show).patch(update))
        .route("/customers/{customer}/subscriptions/{subscription}/registrations", post(register))
        .route("/customers/{customer}/subscriptions/{subscription}/registrationstatus", get(registration_status))
        .route("/customers/{customer}/subscriptions/{subscription}/provisioningstatus", get(provisioning_status))
        .route("/customers/{customer}/subscriptions/{subscription}/azureentitlements", get(azure_entitlements))
        .route(
            "/customers/{customer}/subscriptions/{subscription}/azureentitlements/{entitlement}",
            get(azure_entitlement),
        )
}

/// When what never ends ends.
const NEVER: &str = "9999-12-10T00:00:00Z";

async fn list(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    let customer = customer_id(&customer)?;
    let order = call.query().get("order_id").map(str::to_owned);
    let query = ListEntitlements { customer, order: order.clone() };
    let mut entitlements = app.store.read(call.actor(), &query).await?;
    let mut parameters: Vec<(&str, String)> = order.map(|order| ("order_id", order)).into_iter().collect();
    if let Some(reseller) = call.query().get("mpn_id") {
        // The partner sells itself, without resellers between.
        entitlements.clear();
        parameters.push(("mpn_id", reseller.to_owned()));
    }
    let path = uri(&format!("/customers/{customer}/subscriptions"), &parameters);
    Ok(Reply::Ok(Page::whole(path, entitlements.iter().map(render).collect()).render()))
}

async fn show(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    Ok(Reply::Ok(render(&load(&app, &call, &path).await?.0)))
}

async fn update(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    let (customer, entitlement) = ids(&path)?;
    let document = call.body()?;
    let command = read_update(customer, entitlement, call.envelope().if_match.as_deref(), &document.root())?;
    let entitlement = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Ok(render(&entitlement)))
}

fn read_update(
    customer: CustomerId,
    entitlement: EntitlementId,
    if_match: Option<&str>,
    root: &Node<'_>,
) -> Result<UpdateEntitlement, Failure> {
    let id = root.get("id")?;
    if id.text()?.is_some_and(|text| EntitlementId::parse(&text).ok() != Some(entitlement)) {
        return Err(id.wrong("is not the id of the path"));
    }
    let words = ["none", "active", "suspended", "deleted", "expired", "pending", "disabled"];
    let status = match root.get("status")?.one_of(&words)? {
        None | Some("none") => None,
        Some(word) => Some(SubscriptionStatus::parse(word).ok_or_else(|| {
            Failure::new(
                Code::StatusTransition,
                format!("`status` cannot become `{word}`, use `active` or `suspended`"),
            )
        })?),
    };
    let tag = root.get("attributes")?.get("etag")?.text()?;
    let if_match =
        etag::expected(if_match, tag.as_deref()).map(|tag| read_etag(tag).ok_or_else(etag::stale)).transpose()?;
    Ok(UpdateEntitlement {
        customer,
        entitlement,
        if_match,
        status,
        name: root.get("friendlyName")?.text_within(256)?,
        auto_renew: root.get("autoRenewEnabled")?.flag()?,
        // Clients that send whole resources with defaults send 0 for what they do not know.
        quantity: root.get("quantity")?.whole()?.filter(|quantity| *quantity != 0),
    })
}

async fn register(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    let (customer, entitlement) = ids(&path)?;
    call.empty_body()?;
    app.store.execute(call.actor(), &RegisterEntitlement { customer, entitlement }, &call.context(&app)).await?;
    Ok(Reply::Accepted { location: format!("/customers/{customer}/subscriptions/{entitlement}/registrationstatus") })
}

async fn registration_status(
    State(app): State<App>,
    call: Call,
    Path(path): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let (entitlement, _) = load(&app, &call, &path).await?;
    Ok(Reply::Ok(json!({
        "subscriptionId": entitlement.id.to_string(),
        "status": if entitlement.registered { "registered" } else { "notregistered" },
        "attributes": {"objectType": "SubscriptionRegistrationStatus"},
    })))
}

async fn provisioning_status(
    State(app): State<App>,
    call: Call,
    Path(path): Path<(String, String)>,
) -> Result<Reply, Failure> {
    call.user_only()?;
    let (entitlement, _) = load(&app, &call, &path).await?;
    Ok(Reply::Ok(json!({
        "skuId": sku(entitlement.offer),
        "status": "success",
        "quantity": 1,
        "endDate": NEVER,
        "attributes": {"objectType": "SubscriptionProvisioningStatus"},
    })))
}

async fn azure_entitlements(
    State(app): State<App>,
    call: Call,
    Path(path): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let (entitlement, subscriptions) = load(&app, &call, &path).await?;
    let items = subscriptions.iter().map(|subscription| render_azure(&entitlement, subscription)).collect();
    let path = format!("/customers/{}/subscriptions/{}/azureEntitlements", entitlement.customer, entitlement.id);
    Ok(Reply::Ok(Page::whole(path, items).render()))
}

async fn azure_entitlement(
    State(app): State<App>,
    call: Call,
    Path((customer, subscription, wanted)): Path<(String, String, String)>,
) -> Result<Reply, Failure> {
    let (entitlement, subscriptions) = load(&app, &call, &(customer, subscription)).await?;
    let id = SubscriptionId::parse(&wanted).ok();
    let found = subscriptions.iter().find(|subscription| Some(subscription.id) == id);
    let found = found.ok_or_else(|| {
        Failure::new(Code::SubscriptionNotFound, format!("there is no Azure entitlement `{}`", short(&wanted)))
    })?;
    Ok(Reply::Ok(render_azure(&entitlement, found)))
}

fn ids((customer, entitlement): &(String, String)) -> Result<(CustomerId, EntitlementId), Failure> {
    let customer = customer_id(customer)?;
    Ok((customer, EntitlementId::parse(entitlement).map_err(|_| not_found(entitlement))?))
}

fn not_found(subscription: &str) -> Failure {
    Failure::new(Code::SubscriptionNotFound, format!("there is no subscription `{}`", short(subscription)))
}

async fn load(
    app: &App,
    call: &Call,
    path: &(String, String),
) -> Result<(Entitlement, Vec<AzureSubscription>), Failure> {
    let customer = customer_id(&path.0)?;
    // A subscription that cannot be is looked for all the same, so that a stranger is told of the customer first.
    let entitlement = EntitlementId::parse(&path.1).unwrap_or(EntitlementId(uuid::Uuid::nil()));
    let found = app.store.read(call.actor(), &GetEntitlement { customer, entitlement }).await?;
    found.ok_or_else(|| not_found(&path.1))
}

fn sku(offer: AzureOffer) -> &'static str {
    match offer {
        AzureOffer::AzurePlan => AZURE_PLAN_SKU,
        AzureOffer::AzureGlobal => AZURE_GLOBAL_SKU,
    }
}

/// Base64 of the identifier and the version: what clients take for opaque.
fn write_etag(entitlement: &Entitlement) -> String {
    STANDARD.encode(json!({"id": entitlement.id.to_string(), "version": entitlement.version}).to_string())
}

fn read_etag(tag: &str) -> Option<(EntitlementId, i64)> {
    let value: Value = serde_json::from_slice(&STANDARD.decode(tag).ok()?).ok()?;
    Some((EntitlementId::parse(value.get("id")?.as_str()?).ok()?, value.get("version")?.as_i64()?))
}

fn render(entitlement: &Entitlement) -> Value {
    let id = entitlement.id.to_string();
    let own = format!("/customers/{}/subscriptions/{id}", entitlement.customer);
    let created = dates::with_ticks(entitlement.created_at);
    let mut body = json!({
        "id": id,
        "friendlyName": entitlement.name,
        "quantity": 1,
        "unitType": "Usage-based",
        "hasPurchasableAddons": false,
        "creationDate": created,
        "effectiveStartDate": created,
        "commitmentEndDate": NEVER,
        "status": entitlement.status.name(),
        "autoRenewEnabled": entitlement.auto_renew,
        "isTrial": false,
        "isMicrosoftProduct": true,
        "billingType": "usage",
        "contractType": "subscription",
        "orderId": entitlement.order,
        "attributes": {"etag": write_etag(entitlement), "objectType": "Subscription"},
    });
    let particular = match entitlement.offer {
        AzureOffer::AzurePlan => {
            let product = format!("/products/{AZURE_PLAN_PRODUCT}");
            json!({
                "offerId": format!("{AZURE_PLAN_PRODUCT}:{AZURE_PLAN_SKU}:{AZURE_PLAN_AVAILABILITY}"),
                "offerName": "Azure plan",
                "productType": {"id": "Azure", "displayName": "Azure"},
                "billingCycle": "one_time",
                "links": {
                    "self": link(own),
                    "product": link(product.clone()),
                    "sku": link(format!("{product}/skus/{AZURE_PLAN_SKU}")),
                    "availability": link(format!("{product}/skus/{AZURE_PLAN_SKU}/availabilities/{AZURE_PLAN_AVAILABILITY}")),
                },
            })
        }
        AzureOffer::AzureGlobal => json!({
            "entitlementId": id,
            "offerId": AZURE_GLOBAL_SKU,
            "offerName": "Microsoft Azure",
            "billingCycle": "monthly",
            "termDuration": "P1Y",
            "links": {
                "self": link(own.clone()),
                "offer": link(format!("/offers/{AZURE_GLOBAL_SKU}")),
                "entitlement": link(format!("{own}/azureEntitlements/{id}")),
            },
        }),
    };
    if let (Some(body), Value::Object(particular)) = (body.as_object_mut(), particular) {
        body.extend(particular);
    }
    body
}

fn render_azure(entitlement: &Entitlement, subscription: &AzureSubscription) -> Value {
    let own = format!("/customers/{}/subscriptions/{}", entitlement.customer, entitlement.id);
    json!({
        "id": subscription.id.to_string(),
        "friendlyName": subscription.name,
        "status": subscription.status.name(),
        "subscriptionId": entitlement.id.to_string(),
        "links": {"self": link(format!("{own}/azureEntitlements/{}", subscription.id))},
        "attributes": {"objectType": "AzureEntitlement"},
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::mutated;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_subscription_can_be_tried(document in mutated(json!({
            "Id": "33333333-3333-4333-8333-3333333333a0", "FriendlyName": "Drift", "Quantity": 1, "Status": "active",
            "AutoRenewEnabled": true, "Attributes": {"Etag": "e30=", "ObjectType": "Subscription"},
        }))) {
            let id = EntitlementId::parse("33333333-3333-4333-8333-3333333333a0").unwrap();
            let _ = read_update(CustomerId(id.0), id, None, &document.root());
        }

        #[test]
        fn any_etag_can_be_tried(text in "[A-Za-z0-9+/=]{0,60}|.{0,20}", json in "\\{\"id\":\"[0-9a-f-]{0,36}\",\"version\":[0-9]{0,20}\\}") {
            let _ = (read_etag(&text), read_etag(&STANDARD.encode(json)));
        }
    }
}
