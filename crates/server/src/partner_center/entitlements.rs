//! What a customer is entitled to: the reservations that the partner pays for, whoever bought them.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use fullmakt_domain::order::{BoughtReservation, ListBoughtReservations};
use fullmakt_domain::reservation::{Reservation, ReservationOrder, ReservationState};
use serde_json::{Map, Value, json};

use super::collection::{Page, link, uri};
use super::{Call, Code, Failure, Reply, customer_id, dates};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/customers/{customer}/entitlements", get(list)).route(
        "/customers/{customer}/artifacts/reservedinstance/groups/{order}/lineitems/{line}/resource/{resource}",
        get(artifact),
    )
}

/// The kinds of entitlements there are; the last is an old name of the second.
const KINDS: [&str; 3] = ["software", "reservedinstance", "virtualmachinereservedinstance"];

async fn list(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let customer = customer_id(&customer)?;
    let kind = call.query().one_of("entitlementType", &KINDS)?;
    let with_expiry = call.query().flag("showExpiry")?;
    let mut bought = app.store.read(call.actor(), &ListBoughtReservations { customer }).await?;
    bought.retain(|bought| kind != Some("software") && bought.bought.order.state != ReservationState::Cancelled);
    let mut parameters: Vec<(&str, String)> =
        kind.map(|kind| ("entitlementType", kind.to_owned())).into_iter().collect();
    parameters.extend(with_expiry.map(|with_expiry| ("showExpiry", with_expiry.to_string())));
    let path = uri(&format!("/customers/{customer}/entitlements"), &parameters);
    let items = bought.iter().map(|bought| render(bought, with_expiry.unwrap_or(false))).collect();
    Ok(Reply::Ok(Page::whole(path, items).render()))
}

async fn artifact(
    State(app): State<App>,
    call: Call,
    Path((customer, order, line, resource)): Path<(String, String, String, String)>,
) -> Result<Reply, Failure> {
    call.user_only()?;
    let customer = customer_id(&customer)?;
    let bought = app.store.read(call.actor(), &ListBoughtReservations { customer }).await?;
    let found = bought.iter().find(|bought| {
        let found = &bought.bought.order;
        found.order.as_str() == order && found.line.to_string() == line && found.id.to_string() == resource
    });
    let found = found.ok_or_else(|| Failure::new(Code::NotFound, "there is no such reservation"))?;
    let list: Vec<Value> = current(found).iter().map(|r| render_reservation(r, &found.bought.order)).collect();
    // The documents and each of two libraries read another of these.
    Ok(Reply::Ok(json!({
        "type": "reservedinstance",
        "reservations": list,
        "reservation": list,
        "virtualMachineReservations": list,
        "attributes": {"objectType": "ReservedInstanceArtifactDetails"},
    })))
}

/// What is left of an order: its reservations that were not returned, split or merged.
fn current(bought: &BoughtReservation) -> Vec<&Reservation> {
    bought.bought.reservations.iter().filter(|r| r.state != ReservationState::Cancelled).collect()
}

fn render(bought: &BoughtReservation, with_expiry: bool) -> Value {
    let order = &bought.bought.order;
    let quantity: i64 = current(bought).iter().map(|r| r.quantity.instances()).sum();
    let mut body = json!({
        "referenceOrder": {
            "id": order.order.as_str(),
            "lineItemId": order.line.to_string(),
            "alternateId": order.order.alternate(),
        },
        "productId": bought.catalog_item.product,
        "skuId": bought.catalog_item.sku,
        "quantity": quantity,
        "quantityDetails": [{"quantity": quantity, "status": "Fulfilled"}],
        "entitlementType": "reservedinstance",
        "entitledArtifacts": [{
            "artifactType": "reservedinstance",
            "resourceId": order.id.to_string(),
            "link": link(artifact_path(order)),
            "dynamicAttributes": {"reservationType": order.resource_type.name().to_ascii_lowercase()},
        }],
        "includedEntitlements": [],
        "purchasedBy": {
            "type": order.buyer.side.name(),
            "id": order.buyer.id.to_string(),
            "name": order.buyer.name,
        },
        "attributes": {"objectType": "Entitlement"},
    });
    if let (true, Some(body)) = (with_expiry, body.as_object_mut()) {
        body.insert("expiryDate".into(), dates::seconds(order.expires_at).into());
    }
    body
}

fn artifact_path(order: &ReservationOrder) -> String {
    format!(
        "/customers/{}/artifacts/reservedinstance/groups/{}/lineitems/{}/resource/{}",
        order.customer, order.order, order.line, order.id
    )
}

fn render_reservation(reservation: &Reservation, order: &ReservationOrder) -> Value {
    let state = match reservation.state {
        ReservationState::Succeeded => "Succeeded",
        ReservationState::Cancelled => "Cancelled",
        ReservationState::Expired => "Expired",
    };
    let mut body = Map::new();
    body.insert("reservationId".into(), reservation.id.to_string().into());
    body.insert("displayName".into(), reservation.display_name.as_str().into());
    body.insert("scopeType".into(), reservation.scope.type_name().into());
    if let Some(scope) = reservation.scope.scope() {
        body.insert("appliedScopes".into(), json!([scope.to_string()]));
    }
    body.insert("quantity".into(), reservation.quantity.instances().into());
    body.insert("effectiveDateTime".into(), dates::seconds(order.starts_at).into());
    body.insert("expiryDateTime".into(), dates::seconds(order.expires_at).into());
    body.insert("provisioningState".into(), state.into());
    Value::Object(body)
}
