//! Microsoft.Capacity: what becomes of a reservation, and what it has been.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::ids::{ReservationId, ReservationOrderId};
use fullmakt_domain::lifecycle::{
    ArchiveReservation, Besides, CheckScopes, ListRevisions, MergeReservations, Rearranged, SplitReservation,
    UnarchiveReservation,
};
use fullmakt_domain::order::BoughtBy;
use fullmakt_domain::reservation::{OrderWithReservations, Reservation};
use serde_json::{Value, json};

use super::body::Node;
use super::call::{Call, Reply};
use super::error::ArmError;
use super::purchase_request::applied_scope;
use super::reservations::{relations, reservation, visible};
use super::wire;

const TYPE_OF_REVISIONS: &str = "Microsoft.Capacity/reservationOrders/reservations/revisions";

/// `POST …/reservationOrders/{order}/split`: done at once; the result can be read again at `Location`.
pub async fn split(call: &Call<'_>) -> Result<Reply, ArmError> {
    let order = call.order()?;
    let body = call.json()?;
    let command = split_request(&body.root(), order)?;
    let done = call.execute(&command, &ArmScope::ReservationOrder(order)).await?;
    Ok(rearranged(call, &done, "splitoperationresults", done.sources.first()))
}

/// `POST …/reservationOrders/{order}/merge`: likewise.
pub async fn merge(call: &Call<'_>) -> Result<Reply, ArmError> {
    let order = call.order()?;
    let body = call.json()?;
    let command = merge_request(&body.root(), order)?;
    let done = call.execute(&command, &ArmScope::ReservationOrder(order)).await?;
    Ok(rearranged(call, &done, "mergeoperationresults", done.results.first()))
}

/// The body of a split.
pub(super) fn split_request(root: &Node<'_>, order: ReservationOrderId) -> Result<SplitReservation, ArmError> {
    let properties = root.required("properties")?;
    let quantities = properties.required("quantities")?.list(100)?;
    Ok(SplitReservation {
        order,
        reservation: reservation_of(&properties.required("reservationId")?, order)?,
        quantities: quantities.iter().map(Node::whole).collect::<Result<_, _>>()?,
        besides: besides(&properties)?,
    })
}

/// The body of a merge.
pub(super) fn merge_request(root: &Node<'_>, order: ReservationOrderId) -> Result<MergeReservations, ArmError> {
    let properties = root.required("properties")?;
    let sources = properties.required("sources")?.list(100)?;
    Ok(MergeReservations {
        order,
        reservations: sources.iter().map(|node| reservation_of(node, order)).collect::<Result<_, _>>()?,
        besides: besides(&properties)?,
    })
}

fn besides(properties: &Node<'_>) -> Result<Besides, ArmError> {
    let renew = properties.get("renew")?.map(|node| node.truth()).transpose()?;
    // As what to renew is said to have it renewed.
    let renew = if properties.get("renewProperties")?.is_some() { Some(true) } else { renew };
    Ok(Besides { scope: applied_scope(properties)?, renew })
}

/// A reservation by its path or its bare identifier.
///
/// # Errors
/// 400 for what is neither, or lies under another order.
pub(super) fn reservation_of(node: &Node<'_>, order: ReservationOrderId) -> Result<ReservationId, ArmError> {
    let text = node.text(500)?;
    if let Ok(id) = ReservationId::parse(text) {
        return Ok(id);
    }
    match ArmScope::parse(text) {
        Ok(ArmScope::Reservation(of, id)) if of == order => Ok(id),
        Ok(ArmScope::Reservation(..)) => Err(ArmError::bad_request(
            "ReservationIdNotInReservationOrder",
            format!("The reservation '{text}' is not in the reservation order '{order}'."),
        )
        .with_target(node.path())),
        _ => Err(ArmError::bad_request(
            "InvalidReservationId",
            format!("Property `{}` is no reservation: `{text}`.", node.path()),
        )
        .with_target(node.path())),
    }
}

fn rearranged(call: &Call<'_>, done: &Rearranged, results: &str, named: Option<&ReservationId>) -> Reply {
    let items = concerned(done).map(|r| {
        let mut item = result(call, &done.found, r);
        // The answer itself names revisions, the result to be read later the reservations.
        item["id"] = format!("{}/revisions/{}", item["id"].as_str().unwrap_or_default(), r.etag).into();
        item["name"] = r.etag.to_string().into();
        item["type"] = TYPE_OF_REVISIONS.into();
        item
    });
    let body = Value::Array(items.collect());
    let named = named.and_then(|id| done.found.reservation(*id).ok());
    let Some(named) = named else { return Reply::ok(body) };
    let order = done.found.order.id;
    Reply::ok(body).at(format!(
        "{}/providers/Microsoft.Capacity/reservationorders/{order}/{results}/{}_{}?api-version={}",
        call.base, named.id, named.etag, call.version
    ))
}

/// What went on first, then what ended.
fn concerned(done: &Rearranged) -> impl Iterator<Item = &Reservation> {
    let all = done.results.iter().chain(&done.sources);
    all.filter_map(|id| done.found.reservations.iter().find(|r| r.id == *id))
}

/// A reservation in the answer of an operation: relations are paths.
fn result(call: &Call<'_>, found: &OrderWithReservations, r: &Reservation) -> Value {
    let mut body = reservation(call, found, r);
    let path = |id: ReservationId| ArmScope::Reservation(found.order.id, id).to_string();
    relations(&mut body["properties"], found, r, path);
    body
}

/// `GET …/splitoperationresults/{result}`.
pub async fn split_result(call: &Call<'_>) -> Result<Reply, ArmError> {
    result_again(call, |named, r| r.lineage.source == Some(named)).await
}

/// `GET …/mergeoperationresults/{result}`.
pub async fn merge_result(call: &Call<'_>) -> Result<Reply, ArmError> {
    result_again(call, |named, r| r.lineage.successor == Some(named)).await
}

/// The reservation that a result names, and those related to it.
async fn result_again(
    call: &Call<'_>,
    related: impl Fn(ReservationId, &Reservation) -> bool,
) -> Result<Reply, ArmError> {
    let name = call.name("result");
    let id = name.split('_').next().and_then(|text| ReservationId::parse(text).ok());
    let missing = || {
        let name: String = name.chars().take(100).collect();
        ArmError::new(
            http::StatusCode::NOT_FOUND,
            "ResourceNotFound",
            format!("The operation result '{name}' could not be found."),
        )
    };
    let found = visible(call).await?;
    let id = id.ok_or_else(missing)?;
    let others: Vec<&Reservation> = found.reservations.iter().filter(|r| related(id, r)).collect();
    let named = found.reservations.iter().find(|r| r.id == id).filter(|_| !others.is_empty()).ok_or_else(missing)?;
    let items = others.into_iter().chain([named]).map(|r| {
        let mut item = result(call, &found, r);
        item["name"] = format!("{}/{}", found.order.id, r.id).into();
        item
    });
    Ok(Reply::ok(Value::Array(items.collect())))
}

/// `POST …/reservations/{reservation}/archive`.
pub async fn archive(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (order, reservation) = (call.order()?, call.reservation()?);
    call.execute(&ArchiveReservation { order, reservation }, &ArmScope::ReservationOrder(order)).await?;
    Ok(Reply::done())
}

/// `POST …/reservations/{reservation}/unarchive`.
pub async fn unarchive(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (order, reservation) = (call.order()?, call.reservation()?);
    call.execute(&UnarchiveReservation { order, reservation }, &ArmScope::ReservationOrder(order)).await?;
    Ok(Reply::done())
}

/// `POST …/reservations/{reservation}/availableScopes`: which of these scopes lie in what the same partner bought.
pub async fn available_scopes(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (order, reservation) = (call.order()?, call.reservation()?);
    let body = call.json()?;
    let asked = scopes_request(&body.root())?;
    // What is no scope at all is not available either.
    let scopes: Vec<ArmScope> = asked.iter().filter_map(|text| ArmScope::parse(text).ok()).collect();
    let query = CheckScopes { order, reservation, scopes: scopes.clone() };
    let valid = call.read(&query, &ArmScope::ReservationOrder(order)).await?;
    let valid = valid.ok_or_else(|| not_in_order(order, reservation))?;
    let answers = asked.iter().map(|text| {
        let at = ArmScope::parse(text).ok().and_then(|scope| scopes.iter().position(|s| *s == scope));
        let valid = at.and_then(|at| valid.get(at)).copied().unwrap_or(false);
        json!({"scope": text, "valid": valid})
    });
    let answers: Vec<Value> = answers.collect();
    Ok(Reply::ok(json!({"properties": {"scopes": answers}})))
}

/// The scopes that a body names.
pub(super) fn scopes_request(root: &Node<'_>) -> Result<Vec<String>, ArmError> {
    let scopes = root.required("properties")?.required("scopes")?.list(100)?;
    scopes.iter().map(|node| node.text(500).map(str::to_owned)).collect()
}

fn not_in_order(order: ReservationOrderId, reservation: ReservationId) -> ArmError {
    fullmakt_domain::refusal::Refusal::ReservationNotFound { order, reservation }.into()
}

/// `GET …/reservations/{reservation}/revisions`: newest first. A change that took two shows its first as under way.
pub async fn revisions(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (order, reservation) = (call.order()?, call.reservation()?);
    let found = call.read(&ListRevisions { order, reservation }, &ArmScope::ReservationOrder(order)).await?;
    let (found, revisions) = found.ok_or_else(|| not_in_order(order, reservation))?;
    let mut items = Vec::new();
    let mut older = revisions.iter().skip(1);
    for one in &revisions {
        items.push(revision(call, &found, one, false));
        if older.next().is_some_and(|before| before.etag.saturating_add(1) < one.etag) {
            items.push(revision(call, &found, one, true));
        }
    }
    Ok(Reply::ok(json!({"value": items})))
}

fn revision(call: &Call<'_>, found: &OrderWithReservations, one: &Reservation, under_way: bool) -> Value {
    let mut body = reservation(call, found, one);
    let etag = if under_way { one.etag.saturating_sub(1) } else { one.etag };
    body["id"] = format!("{}/revisions/{etag}", body["id"].as_str().unwrap_or_default()).into();
    body["name"] = etag.to_string().into();
    body["type"] = TYPE_OF_REVISIONS.into();
    body["etag"] = etag.into();
    body["systemData"] = json!({
        "lastModifiedAt": wire::date_time(one.updated_at),
        "lastModifiedBy": one.changed_by.name,
        "lastModifiedByType": match one.changed_by.side {
            BoughtBy::Customer => "Customer",
            BoughtBy::Partner => "Partner",
        },
    });
    let reduced = ["utilization", "billingPlan", "billingScopeId", "purchasedBy", "purchasedByType", "capabilities"];
    if let Some(properties) = body["properties"].as_object_mut() {
        properties.retain(|name, _| !reduced.contains(&name.as_str()));
        if under_way {
            properties.insert("provisioningState".into(), "Pending".into());
            properties.insert("displayProvisioningState".into(), "Processing".into());
            let message = "The operation is in progress. Wait for it to complete.";
            let status = json!({"statusCode": "Pending", "message": message});
            properties.insert("extendedStatusInfo".into(), status);
        }
    }
    body
}
