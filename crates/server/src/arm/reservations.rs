//! Microsoft.Capacity: prices, purchases, reservation orders, reservations.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{BillingPlan, ReservedResourceType, ViewSubscriptionCatalog};
use fullmakt_domain::change::ScheduledInstalment;
use fullmakt_domain::directory::GetSubscription;
use fullmakt_domain::ids::{ReservationId, ReservationOrderId};
use fullmakt_domain::money::Money;
use fullmakt_domain::obstacle::{Item, day};
use fullmakt_domain::order::BoughtBy;
use fullmakt_domain::price::totals;
use fullmakt_domain::purchase::{BuyReservation, PartnerOnlyChange};
use fullmakt_domain::quote::QuotePrice;
use fullmakt_domain::refund_policy::is_returnable;
use fullmakt_domain::renewal::{PriceRenewal, terms};
use fullmakt_domain::reservation::{
    AppliedScope, GetReservationOrder, ListInstalments, ListReservationOrders, OrderWithReservations, Phase,
    RenewalTerms, Reservation, ReservationOrder, ReservationState,
};
use fullmakt_domain::reservation_update::{ChangePurchase, UpdateReservation};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::Node;
use super::call::{Call, Reply};
use super::error::ArmError;
use super::filter::{Allowed, Filter};
use super::orderby::OrderBy;
use super::paging::Page;
use super::purchase_request::{PurchaseRequest, applied_scope, display_name, instance_flexibility};
use super::{catalogs, consumption, wire};

/// The display states, and the name each is counted under.
const STATES: [(&str, &str); 9] = [
    ("Succeeded", "succeededCount"),
    ("Failed", "failedCount"),
    ("Expiring", "expiringCount"),
    ("Expired", "expiredCount"),
    ("Pending", "pendingCount"),
    ("Cancelled", "cancelledCount"),
    ("Processing", "processingCount"),
    ("Warning", "warningCount"),
    ("NoBenefit", "noBenefitCount"),
];
const FIELDS: &[&str] = &[
    "sku/name",
    "name",
    "location",
    "properties/appliedScopeType",
    "properties/archived",
    "properties/billingPlan",
    "properties/displayName",
    "properties/displayProvisioningState",
    "properties/effectiveDateTime",
    "properties/expiryDate",
    "properties/expiryDateTime",
    "properties/provisioningState",
    "properties/purchaseDate",
    "properties/purchaseDateTime",
    "properties/quantity",
    "properties/renew",
    "properties/reservedResourceType",
    "properties/term",
    "properties/userFriendlyAppliedScopeType",
    "properties/userFriendlyRenewState",
];
const FILTERED: Allowed = Allowed { fields: FIELDS, functions: &[] };

/// `GET /subscriptions/{subscription}/providers/Microsoft.Capacity/catalogs`.
pub async fn catalog(call: &Call<'_>) -> Result<Reply, ArmError> {
    let subscription = call.subscription()?;
    let scope = ArmScope::Subscription(subscription);
    let storefront = call.read(&ViewSubscriptionCatalog { subscription }, &scope).await?;
    let catalog = call.store.catalog().await.map_err(|fault| call.fault(&fault))?;
    let today = day(call.context.now);
    catalogs::answer(&catalog, storefront, today, call.query, &call.address()).map(Reply::ok)
}

/// `POST /providers/Microsoft.Capacity/calculatePrice`: our price for what is asked, and the order id to buy it with.
pub async fn calculate_price(call: &Call<'_>) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let wanted = PurchaseRequest::read(&body.root())?;
    let sku_as_sent = wanted.item.sku.as_str().to_owned();
    let scope = ArmScope::Subscription(wanted.subscription);
    // By the clock, so that what is bought together lies together.
    let order = ReservationOrderId(Uuid::now_v7());
    let command = QuotePrice { order, subscription: wanted.subscription, item: wanted.item };
    let quote = call.execute(&command, &scope).await?;
    let bought_on = day(call.context.now);
    let totals = quote
        .customer_totals(bought_on)
        .map_err(|error| ArmError::from(fullmakt_domain::refusal::Refusal::from(error)))?;
    let mut properties = json!({
        "billingCurrencyTotal": wire::money(totals.total),
        "netTotal": wire::amount(totals.total),
        "taxTotal": 0.0,
        "grandTotal": wire::amount(totals.total),
        "isTaxIncluded": false,
        "isBillingPartnerManaged": true,
        "reservationOrderId": quote.id.to_string(),
        "skuTitle": title(&quote.item),
        "skuDescription": sku_as_sent,
        "pricingCurrencyTotal": wire::money(totals.total),
    });
    if quote.item.plan == BillingPlan::Monthly {
        let schedule: Vec<Value> = totals
            .schedule
            .iter()
            .enumerate()
            .map(|(at, instalment)| {
                let mut entry = json!({
                    "dueDate": instalment.due.to_string(),
                    "pricingCurrencyTotal": wire::money(instalment.amount),
                    "status": "Scheduled",
                });
                if at == 0 {
                    entry["billingCurrencyTotal"] = wire::money(instalment.amount);
                }
                entry
            })
            .collect();
        properties["paymentSchedule"] = schedule.into();
    }
    Ok(Reply::ok(json!({ "properties": properties })))
}

fn title(item: &Item) -> String {
    described(item.resource_type, item.sku.as_str(), item.region.title(), item.term.title())
}

fn described(kind: ReservedResourceType, sku: &str, region: &str, term: &str) -> String {
    format!("{}, {sku}, {region}, {term}", kind.title())
}

/// `PUT …/reservationOrders/{order}` and `POST …/reservationOrders/{order}/purchase`. The same request again gives the same
/// answer and buys nothing.
pub async fn purchase(call: &Call<'_>) -> Result<Reply, ArmError> {
    let order = call.order()?;
    let body = call.json()?;
    let wanted = PurchaseRequest::read(&body.root())?;
    let scope = ArmScope::Subscription(wanted.subscription);
    let command = BuyReservation {
        order,
        subscription: wanted.subscription,
        item: wanted.item,
        scope: wanted.scope,
        display_name: wanted.display_name,
        instance_flexibility: wanted.instance_flexibility,
        renew: wanted.renew,
        review_at: wanted.review_at,
    };
    let bought = call.execute(&command, &scope).await?;
    let location =
        format!("{}/providers/Microsoft.Capacity/reservationOrders/{order}?api-version={}", call.base, call.version);
    let body = json!({
        "id": order_id(order),
        "name": order.to_string(),
        "type": "microsoft.capacity/reservationOrders",
        "etag": 1,
        "properties": {
            "displayName": bought.order.display_name.as_str(),
            "term": bought.order.term.code(),
            "billingPlan": bought.order.plan.name(),
            "originalQuantity": bought.order.quantity.instances(),
            "provisioningState": "Creating",
            "requestDateTime": wire::date_time(bought.order.requested_at),
            "reservations": [{"id": bought.reservation.scope_id().to_string()}],
        },
    });
    Ok(Reply::accepted(body, location, 1))
}

fn order_id(id: ReservationOrderId) -> String {
    format!("/providers/microsoft.capacity/reservationOrders/{id}")
}

/// `GET /providers/Microsoft.Capacity/reservationOrders`.
pub async fn list_orders(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let orders = call.read(&ListReservationOrders, &ArmScope::Capacity).await?;
    let items = orders.iter().map(|found| order(call, found)).collect();
    Ok(Reply::ok(page.cut(items, &call.address(), "$skiptoken")))
}

/// `GET …/reservationOrders/{order}`, with `$expand=schedule` also what is paid when.
pub async fn get_order(call: &Call<'_>) -> Result<Reply, ArmError> {
    let found = visible(call).await?;
    let mut body = order(call, &found);
    if expands(call, "schedule")? {
        let order = found.order.id;
        let instalments = call.read(&ListInstalments { order }, &ArmScope::ReservationOrder(order)).await?;
        body["properties"]["planInformation"] = plan(&found.order, &instalments, call.context.now)?;
    }
    Ok(Reply::ok(body))
}

fn expands(call: &Call<'_>, what: &'static str) -> Result<bool, ArmError> {
    match call.query.filled("$expand") {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case(what) => Ok(true),
        Some(_) => Err(ArmError::uri("$expand", format!("can be `{what}` here"))),
    }
}

pub(super) async fn visible(call: &Call<'_>) -> Result<OrderWithReservations, ArmError> {
    let order = call.order()?;
    let found = call.read(&GetReservationOrder { order }, &ArmScope::ReservationOrder(order)).await?;
    found.ok_or_else(|| ArmError::no_order(order))
}

fn order(call: &Call<'_>, found: &OrderWithReservations) -> Value {
    let order = &found.order;
    let state = match order.state {
        ReservationState::Succeeded if order.expires_at <= call.context.now => "Expired",
        ReservationState::Succeeded if call.context.now < order.starts_at => "PendingCapacity",
        ReservationState::Succeeded => "Succeeded",
        ReservationState::Cancelled => "Cancelled",
        ReservationState::Expired => "Expired",
    };
    let reservations: Vec<Value> = found.reservations.iter().map(|r| json!({"id": r.scope_id().to_string()})).collect();
    let mut properties = json!({
        "displayName": order.display_name.as_str(),
        "term": order.term.code(),
        "billingPlan": order.plan.name(),
        "provisioningState": state,
        "originalQuantity": order.quantity.instances(),
        "requestDateTime": wire::date_time(order.requested_at),
        "createdDateTime": wire::date_time(order.requested_at),
        "benefitStartTime": wire::date_time(order.starts_at),
        "expiryDateTime": wire::date_time(order.expires_at),
        "expiryDate": wire::date(order.expires_at),
        "reservations": reservations,
    });
    if let Some(at) = found.reservations.first().and_then(|r| r.review_at) {
        properties["reviewDateTime"] = wire::date_time(at).into();
    }
    json!({
        "id": order_id(order.id),
        "name": order.id.to_string(),
        "type": "microsoft.capacity/reservationOrders",
        "etag": order.etag,
        "properties": properties,
    })
}

/// What is paid when: what is due counts as paid, since the partner is billed and not the customer's card. What was given
/// back before it fell due is cancelled.
fn plan(order: &ReservationOrder, instalments: &[ScheduledInstalment], now: Timestamp) -> Result<Value, ArmError> {
    let start = day(order.starts_at);
    let totals = totals(order.prices.customer, order.quantity, order.plan, order.term, start)
        .map_err(|error| ArmError::from(fullmakt_domain::refusal::Refusal::from(error)))?;
    let today = day(now);
    let transactions: Vec<Value> = totals
        .schedule
        .iter()
        .zip(1_i64..)
        .map(|(agreed, number)| {
            let kept = instalments.iter().find(|instalment| instalment.number == number);
            let amount = kept.map_or(agreed.amount, |instalment| instalment.customer);
            let mut entry = json!({
                "dueDate": agreed.due.to_string(),
                "pricingCurrencyTotal": wire::money(amount),
                "status": match kept {
                    None => "Cancelled",
                    Some(instalment) if instalment.due <= today => "Succeeded",
                    Some(_) => "Scheduled",
                },
            });
            if kept.is_some_and(|instalment| instalment.due <= today) {
                entry["paymentDate"] = agreed.due.to_string().into();
                entry["billingCurrencyTotal"] = wire::money(amount);
            }
            entry
        })
        .collect();
    let mut plan = json!({
        "pricingCurrencyTotal": wire::money(totals.total),
        "startDate": start.to_string(),
        "transactions": transactions,
    });
    if let Some(next) = instalments.iter().find(|instalment| instalment.due > today) {
        plan["nextPaymentDueDate"] = next.due.to_string().into();
    }
    Ok(plan)
}

/// `GET …/reservationOrders/{order}/reservations`.
pub async fn list_of_order(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let found = visible(call).await?;
    let items = found.reservations.iter().map(|r| reservation(call, &found, r)).collect();
    let mut body = page.cut(items, &call.address(), "$skiptoken");
    consumption::fill_in_list(call, &mut body).await?;
    Ok(Reply::ok(body))
}

/// `GET …/reservations/{reservation}`, with `$expand=renewProperties` also what it would be renewed as.
pub async fn get(call: &Call<'_>) -> Result<Reply, ArmError> {
    call.order()?;
    let id = call.reservation()?;
    let found = visible(call).await?;
    let one = found.reservation(id)?;
    let mut body = reservation(call, &found, one);
    consumption::fill_in(call, std::slice::from_mut(&mut body)).await?;
    if expands(call, "renewProperties")? && one.renew {
        let query = PriceRenewal { order: found.order.id, reservation: id, now: call.context.now };
        let price = call.read(&query, &ArmScope::ReservationOrder(found.order.id)).await?;
        body["properties"]["renewProperties"] = renewal(&terms(&found, one), one, price);
    }
    Ok(Reply::ok(body))
}

/// As what a reservation is renewed, and what that costs today.
fn renewal(terms: &RenewalTerms, reservation: &Reservation, price: Option<Money>) -> Value {
    let flexibility = on_off(terms.instance_flexibility);
    let mut renewal = json!({"purchaseProperties": {
        "sku": {"name": terms.item.sku.as_str()},
        "location": terms.item.region.as_str(),
        "properties": {
            "billingScopeId": format!("/subscriptions/{}", terms.subscription),
            "term": terms.item.term.code(),
            "billingPlan": terms.item.plan.name(),
            "quantity": terms.item.quantity.instances(),
            "displayName": terms.display_name.as_ref().unwrap_or(&reservation.display_name).as_str(),
            "appliedScopeType": terms.scope.type_name(),
            "reservedResourceProperties": {"instanceFlexibility": flexibility},
            "instanceFlexibility": flexibility,
            "reservedResourceType": terms.item.resource_type.name(),
            "renew": reservation.renew,
        },
    }});
    if let Some(scope) = terms.scope.scope() {
        renewal["purchaseProperties"]["properties"]["appliedScopes"] = json!([scope.to_string()]);
    }
    if let Some(price) = price {
        renewal["billingCurrencyTotal"] = wire::money(price);
        renewal["pricingCurrencyTotal"] = wire::money(price);
    }
    renewal
}

/// `GET /providers/Microsoft.Capacity/reservations`: all that the caller may read, filtered, sorted, counted.
pub async fn list_all(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let filter = call.query.filled("$filter").map(|text| Filter::parse(text, FILTERED)).transpose()?;
    let order_by = call.query.filled("$orderby").map(|text| OrderBy::parse(text, FIELDS)).transpose()?;
    let state = call.query.filled("selectedState").map(selected).transpose()?;
    let summarised = match call.query.filled("refreshSummary") {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(_) => return Err(ArmError::uri("refreshSummary", "has to be true or false")),
    };
    let orders = call.read(&ListReservationOrders, &ArmScope::Capacity).await?;
    let mut items: Vec<Value> = orders
        .iter()
        .flat_map(|found| found.reservations.iter().map(|r| reservation(call, found, r)))
        .filter(|item| filter.as_ref().is_none_or(|f| f.matches(item, &|_, _| false)))
        .collect();
    let summary = summarised.then(|| summary(&items));
    if let Some(state) = state {
        items.retain(|item| item["properties"]["displayProvisioningState"] == state);
    }
    if let Some(order_by) = order_by {
        order_by.sort(&mut items);
    }
    let mut body = page.cut(items, &call.address(), "$skiptoken");
    consumption::fill_in_list(call, &mut body).await?;
    if let Some(summary) = summary {
        body["summary"] = summary;
    }
    Ok(Reply::ok(body))
}

fn selected(text: &str) -> Result<&'static str, ArmError> {
    let found = STATES.iter().find(|(state, _)| state.eq_ignore_ascii_case(text));
    found.map(|(state, _)| *state).ok_or_else(|| {
        let states: Vec<&str> = STATES.iter().map(|(state, _)| *state).collect();
        ArmError::uri("selectedState", format!("has to be one of {}", states.join(", ")))
    })
}

fn summary(items: &[Value]) -> Value {
    let counts = STATES.iter().map(|(state, name)| {
        let count = items.iter().filter(|item| item["properties"]["displayProvisioningState"] == *state).count();
        ((*name).to_owned(), Value::from(count))
    });
    Value::Object(counts.collect::<Map<_, _>>())
}

pub(super) fn on_off(on: bool) -> &'static str {
    if on { "On" } else { "Off" }
}

/// How a phase is shown: the state, the state for people, and what there is to say about one that is not usual.
fn shown(phase: Phase) -> (&'static str, &'static str, Option<(&'static str, &'static str)>) {
    match phase {
        Phase::Pending => {
            ("PendingCapacity", "Pending", Some(("Pending", "This reservation's term has not begun yet")))
        }
        Phase::Active => ("Succeeded", "Succeeded", None),
        Phase::Expiring => ("Succeeded", "Expiring", None),
        Phase::Expired => ("Expired", "Expired", Some(("Expired", "This reservation's term is over"))),
        Phase::Cancelled => ("Cancelled", "Cancelled", None),
        Phase::Exchanged => ("Cancelled", "Cancelled", None),
        Phase::Split => {
            ("Cancelled", "Cancelled", Some(("Split", "This reservation was split and is no longer active")))
        }
        Phase::Merged => {
            ("Cancelled", "Cancelled", Some(("Merged", "This reservation was merged and is no longer active")))
        }
    }
}

/// A reservation of an order as lists and single reads show it.
pub(super) fn reservation(call: &Call<'_>, found: &OrderWithReservations, reservation: &Reservation) -> Value {
    let order = &found.order;
    let phase = reservation.phase(order, call.context.now);
    let (state, displayed, status) = shown(phase);
    let friendly_scope = match &reservation.scope {
        AppliedScope::Shared => "Shared",
        AppliedScope::Single(ArmScope::ResourceGroup(..)) => "ResourceGroup",
        AppliedScope::Single(_) => "Single",
    };
    let friendly_renewal = match phase {
        _ if reservation.lineage.renewed_as.is_some() => "Renewed",
        Phase::Pending | Phase::Active | Phase::Expiring => on_off(reservation.renew),
        Phase::Expired => "NotRenewed",
        Phase::Cancelled | Phase::Split | Phase::Merged | Phase::Exchanged => "NotApplicable",
    };
    let updated = wire::date_time(reservation.updated_at);
    let mut properties = json!({
        "reservedResourceType": order.resource_type.name(),
        "userFriendlyRenewState": friendly_renewal,
        "skuDescription": described(order.resource_type, order.sku.as_str(), order.region.title(), order.term.title()),
        "renew": reservation.renew,
        "archived": reservation.archived,
        "quantity": reservation.quantity.instances(),
        "appliedScopeType": reservation.scope.type_name(),
        "displayName": reservation.display_name.as_str(),
        "provisioningState": state,
        "displayProvisioningState": displayed,
        "term": order.term.code(),
        "userFriendlyAppliedScopeType": friendly_scope,
        "expiryDateTime": wire::date_time(order.expires_at),
        "expiryDate": wire::date(order.expires_at),
        "purchaseDateTime": wire::date_time(order.requested_at),
        "purchaseDate": wire::date(order.requested_at),
        "benefitStartTime": wire::date_time(order.starts_at),
        "lastUpdatedDateTime": updated,
        "effectiveDateTime": updated,
        "instanceFlexibility": on_off(reservation.instance_flexibility),
        "utilization": {"aggregates": []},
        "billingPlan": order.plan.name(),
        "billingScopeId": format!("/subscriptions/{}", order.subscription),
        "purchasedBy": order.buyer.name,
        "purchasedByType": match order.buyer.side {
            BoughtBy::Customer => "Customer",
            BoughtBy::Partner => "Partner",
        },
    });
    if let Some(scope) = reservation.scope.scope() {
        let subscription = scope.subscription().map(|id| format!("/subscriptions/{id}"));
        properties["appliedScopes"] = json!([scope.to_string()]);
        let name = scope.subscription().and_then(|id| found.subscription_names.get(&id));
        properties["appliedScopeProperties"] = match scope {
            ArmScope::ResourceGroup(_, name) => json!({"resourceGroupId": scope.to_string(), "displayName": name}),
            _ => json!({"subscriptionId": subscription, "displayName": name}),
        };
    }
    if let Some((code, message)) = status {
        properties["extendedStatusInfo"] = json!({"statusCode": code, "message": message});
    }
    if phase.is_live() && call.actor.home == order.partner.tenant() && is_returnable(order.resource_type) {
        // Only to those who can: a customer finds out from its partner. What can be given back can be exchanged for its kind.
        properties["capabilities"] = "ApiReturnEnabled, ApiExchangeEnabled".into();
    }
    relations(&mut properties, found, reservation, |id| id.to_string());
    let path = |(order, id): (ReservationOrderId, ReservationId)| ArmScope::Reservation(order, id).to_string();
    if let Some(source) = reservation.lineage.renewed_from {
        properties["renewSource"] = path(source).into();
    }
    if let Some(destination) = reservation.lineage.renewed_as {
        properties["renewDestination"] = path(destination).into();
    }
    if let Some(at) = reservation.review_at {
        properties["reviewDateTime"] = wire::date_time(at).into();
    }
    let mut body = json!({
        "id": format!("{}/reservations/{}", order_id(order.id), reservation.id),
        "name": reservation.id.to_string(),
        "type": "microsoft.capacity/reservationOrders/reservations",
        "location": order.region.as_str(),
        "etag": reservation.etag,
        "sku": {"name": order.sku.as_str()},
        "properties": properties,
    });
    if order.resource_type == ReservedResourceType::VirtualMachines {
        body["kind"] = "Microsoft.Compute".into();
    }
    body
}

/// What a reservation came from and what it became. Sources are shown as paths, destinations as the caller says: lists
/// name them bare, results of operations as paths.
pub(super) fn relations(
    properties: &mut Value,
    found: &OrderWithReservations,
    reservation: &Reservation,
    destination: impl Fn(ReservationId) -> String,
) {
    let path = |id: ReservationId| ArmScope::Reservation(found.order.id, id).to_string();
    let others = |of: &dyn Fn(&Reservation) -> Option<ReservationId>| -> Vec<ReservationId> {
        found.reservations.iter().filter(|r| of(r) == Some(reservation.id)).map(|r| r.id).collect()
    };
    let (parts, merged) = (others(&|r| r.lineage.source), others(&|r| r.lineage.successor));
    if let Some(source) = reservation.lineage.source {
        properties["splitProperties"] = json!({"splitSource": path(source)});
    }
    if !parts.is_empty() {
        let parts: Vec<String> = parts.into_iter().map(&destination).collect();
        properties["splitProperties"]["splitDestinations"] = parts.into();
    }
    if let Some(successor) = reservation.lineage.successor {
        properties["mergeProperties"] = json!({"mergeDestination": destination(successor)});
    }
    if !merged.is_empty() {
        let sources: Vec<String> = merged.into_iter().map(path).collect();
        properties["mergeProperties"]["mergeSources"] = sources.into();
    }
}

/// `PATCH …/reservations/{reservation}`: done at once.
pub async fn update(call: &Call<'_>) -> Result<Reply, ArmError> {
    let (order, id) = (call.order()?, call.reservation()?);
    let body = call.json()?;
    let command = change(&body.root(), order, id)?;
    let (found, updated) = call.execute(&command, &ArmScope::ReservationOrder(order)).await?;
    Ok(Reply::ok(reservation(call, &found, &updated)))
}

/// The body of a change.
pub(super) fn change(
    root: &Node<'_>,
    order: ReservationOrderId,
    id: ReservationId,
) -> Result<UpdateReservation, ArmError> {
    let properties = root.required("properties")?;
    Ok(UpdateReservation {
        order,
        reservation: id,
        display_name: display_name(&properties, "name")?,
        instance_flexibility: instance_flexibility(&properties)?,
        review_at: properties.get("reviewDateTime")?.map(|node| node.instant()).transpose()?,
        scope: applied_scope(&properties)?,
        renew: properties.get("renew")?.map(|node| node.truth()).transpose()?,
        renewal_terms: renewal_terms(&properties)?,
    })
}

/// As what a reservation is to be renewed, where the request says more than "the same again".
fn renewal_terms(properties: &Node<'_>) -> Result<Option<RenewalTerms>, ArmError> {
    let Some(renewal) = properties.get("renewProperties")? else { return Ok(None) };
    let Some(wanted) = renewal.get("purchaseProperties")? else { return Ok(None) };
    if wanted.object()?.is_empty() {
        return Ok(None);
    }
    let wanted = PurchaseRequest::read(&wanted)?;
    Ok(Some(RenewalTerms {
        subscription: wanted.subscription,
        item: wanted.item,
        scope: wanted.scope,
        display_name: wanted.display_name,
        instance_flexibility: wanted.instance_flexibility,
    }))
}

/// `POST …/reservationOrders/{order}/changeDirectory`: a reservation stays with the customer it was bought for. A customer
/// hears whom to ask (R20).
pub async fn change_directory(call: &Call<'_>) -> Result<Reply, ArmError> {
    let scope = ArmScope::ReservationOrder(call.order()?);
    let what = PartnerOnlyChange::DirectoryChange;
    let command = ChangePurchase { scope: scope.clone(), what, action: call.found.route.action };
    call.execute(&command, &scope).await?;
    Ok(Reply::no_content())
}

/// `GET /subscriptions/{subscription}/providers/Microsoft.Capacity/appliedReservations`: the orders, of those that the
/// caller may read, with a reservation that can apply to this subscription (R30, R31).
pub async fn applied(call: &Call<'_>) -> Result<Reply, ArmError> {
    let id = call.subscription()?;
    let scope = ArmScope::Subscription(id);
    let subscription = call.read(&GetSubscription { id }, &scope).await?;
    let subscription = subscription.ok_or_else(|| call.not_authorized(&call.found.action(), &scope))?;
    let orders = call.read(&ListReservationOrders, &ArmScope::Capacity).await?;
    let now = call.context.now;
    let applies = |found: &&OrderWithReservations| {
        let same_context =
            found.order.partner == subscription.partner && found.order.customer.tenant() == subscription.tenant;
        let live = |r: &&Reservation| matches!(r.phase(&found.order, now), Phase::Active | Phase::Expiring);
        found.reservations.iter().filter(live).any(|r| match &r.scope {
            AppliedScope::Shared => same_context,
            AppliedScope::Single(scope) => scope.subscription() == Some(id),
        })
    };
    let ids: Vec<String> = orders
        .iter()
        .filter(applies)
        .map(|found| format!("/providers/Microsoft.Capacity/reservationorders/{}", found.order.id))
        .collect();
    Ok(Reply::ok(json!({
        "id": format!("/subscriptions/{id}/providers/microsoft.capacity/AppliedReservations/default"),
        "name": "default",
        "type": "Microsoft.Capacity/AppliedReservations",
        "properties": {"reservationOrderIds": {"value": ids}},
    })))
}
