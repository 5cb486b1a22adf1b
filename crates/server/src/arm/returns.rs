//! Microsoft.Capacity: giving reservations back, for money or for others.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::exchange::{
    ExchangeQuote, ExchangeReservations, GetExchange, QuoteExchange, QuotedPurchase, QuotedReturn, ToPurchase, ToReturn,
};
use fullmakt_domain::ids::{ReservationId, ReservationOrderId};
use fullmakt_domain::money::{Money, MoneyError};
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::refund::{Line, ReturnTerms};
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::reservation_update::ChangePurchase;
use fullmakt_domain::returning::{QuoteRefund, RefundQuote, ReturnReservation};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Node;
use super::call::{Call, Reply};
use super::error::ArmError;
use super::lifecycle::reservation_of;
use super::purchase_request::PurchaseRequest;
use super::reservations::{on_off, visible};
use super::wire;

/// The longest reason for a return, in characters.
const MAX_REASON: usize = 1_000;

/// `POST …/reservationOrders/{order}/calculateRefund`.
pub async fn calculate_refund(call: &Call<'_>) -> Result<Reply, ArmError> {
    let order = call.order()?;
    let scope = ArmScope::ReservationOrder(order);
    let wanted = call.json().and_then(|body| refund_request(&body.root(), order));
    let wanted = understood(call, wanted, PartnerOnlyChange::Refund, &scope).await?;
    let (session, reservation, quantity) = (Uuid::new_v4(), wanted.reservation, wanted.quantity);
    let command = QuoteRefund { session, order, reservation, quantity };
    let quoted = call.execute(&command, &scope).await?;
    let plan = visible(call).await?.order.plan.name();
    refund(&quoted.quote, &quoted.problems, plan).map(Reply::ok).map_err(uncountable)
}

/// `POST …/reservationOrders/{order}/return`: done when it is answered; the order is at `Location`.
pub async fn give_back(call: &Call<'_>) -> Result<Reply, ArmError> {
    let id = call.order()?;
    let scope = ArmScope::ReservationOrder(id);
    let wanted = call.json().and_then(|body| return_request(&body.root(), id));
    let command = understood(call, wanted, PartnerOnlyChange::Refund, &scope).await?;
    let done = call.execute(&command, &scope).await?;
    let plan = done.found.order.plan.name();
    let body = refund(&done.quote, &[], plan).map_err(uncountable)?;
    let location =
        format!("{}/providers/Microsoft.Capacity/reservationOrders/{id}?api-version={}", call.base, call.version);
    Ok(Reply::accepted(body, location, 1))
}

/// A body that cannot be understood is complained about, unless its sender may not ask for this at all (R20).
async fn understood<T>(
    call: &Call<'_>,
    wanted: Result<T, ArmError>,
    what: PartnerOnlyChange,
    scope: &ArmScope,
) -> Result<T, ArmError> {
    let error = match wanted {
        Ok(wanted) => return Ok(wanted),
        Err(error) => error,
    };
    let command = ChangePurchase { scope: scope.clone(), what, action: call.found.route.action };
    match call.execute(&command, scope).await {
        Err(refused) if refused.code == "AuthorizationFailed" || refused.status == StatusCode::NOT_FOUND => {
            Err(refused)
        }
        _ => Err(error),
    }
}

fn uncountable(error: MoneyError) -> ArmError {
    Refusal::from(error).into()
}

/// What is to be returned of an order.
pub(super) struct RefundRequest {
    reservation: ReservationId,
    quantity: i64,
}

/// The body of a question for a refund.
pub(super) fn refund_request(root: &Node<'_>, order: ReservationOrderId) -> Result<RefundRequest, ArmError> {
    let properties = root.required("properties")?;
    if let Some(scope) = properties.get("scope")? {
        scope.word(&["Reservation"])?;
    }
    let wanted = properties.required("reservationToReturn")?;
    Ok(RefundRequest {
        reservation: reservation_of(&wanted.required("reservationId")?, order)?,
        quantity: wanted.required("quantity")?.whole()?,
    })
}

/// The body of a return.
pub(super) fn return_request(root: &Node<'_>, order: ReservationOrderId) -> Result<ReturnReservation, ArmError> {
    let wanted = refund_request(root, order)?;
    let properties = root.required("properties")?;
    let reason = properties.get("returnReason")?.map(|node| node.text(MAX_REASON)).transpose()?;
    Ok(ReturnReservation {
        session: session(&properties.required("sessionId")?)?,
        order,
        reservation: wanted.reservation,
        quantity: wanted.quantity,
        reason: reason.filter(|text| !text.trim().is_empty()).map(str::to_owned),
    })
}

fn session(node: &Node<'_>) -> Result<Uuid, ArmError> {
    let text = node.text(100)?;
    Uuid::try_parse(text.trim()).map_err(|_| node.refuse(format!("is `{text}` and has to be the GUID of a quote")))
}

/// A quoted or paid refund. What it says beyond the original is how every number came about.
fn refund(quote: &RefundQuote, problems: &[Refusal], plan: &str) -> Result<Value, MoneyError> {
    let back = quote.terms.customer.refund()?;
    let problems: Vec<Value> = problems
        .iter()
        .map(|problem| json!({"code": super::error::face(problem).1, "message": problem.to_string()}))
        .collect();
    let explained = quote.explain()?;
    let mut information = billing_information(&quote.terms)?;
    information["billingPlan"] = plan.into();
    information["completedTransactions"] = quote.terms.completed.into();
    information["totalTransactions"] = quote.terms.instalments.into();
    Ok(json!({
        "id": ArmScope::Reservation(quote.order, quote.reservation).to_string(),
        "properties": {
            "sessionId": quote.session.to_string(),
            "quantity": quote.terms.quantity,
            "billingRefundAmount": wire::money(back),
            "pricingRefundAmount": wire::money(back),
            "policyResult": {"properties": {
                "consumedRefundsTotal": wire::money(quote.counted.before),
                "maxRefundLimit": wire::money(quote.counted.limit),
                "policyErrors": problems,
            }},
            "billingInformation": information,
            "lapsesAt": wire::date_time(quote.lapses_at),
            "explanation": {
                "customer": lines(&explained.customer),
                "partner": lines(&explained.partner),
                "limit": lines(&explained.limit),
            },
        },
    }))
}

fn lines(lines: &[Line]) -> Vec<Value> {
    lines
        .iter()
        .map(|line| json!({"code": line.code, "text": line.text, "amount": line.amount.map(wire::money)}))
        .collect()
}

fn billing_information(terms: &ReturnTerms) -> Result<Value, MoneyError> {
    let back = terms.customer.refund()?;
    Ok(json!({
        "billingCurrencyTotalPaidAmount": wire::money(terms.paid),
        "billingCurrencyProratedAmount": wire::money(terms.paid.plus(back.negated())?),
        "billingCurrencyRemainingCommitmentAmount": wire::money(terms.customer.dropped),
    }))
}

/// `POST /providers/Microsoft.Capacity/calculateExchange`.
pub async fn calculate_exchange(call: &Call<'_>) -> Result<Reply, ArmError> {
    let body = call.json();
    let wanted = body.as_ref().map_err(Clone::clone).and_then(|body| exchange_request(&body.root()));
    let first = |quote: &QuoteExchange| quote.returns.first().map(|wanted| ArmScope::ReservationOrder(wanted.order));
    let scope = match &wanted {
        Ok(quote) => first(quote),
        // What is wrong with it may be further down.
        Err(_) => body.ok().and_then(|body| first_order(&body.root())),
    };
    let scope = scope.unwrap_or(ArmScope::Capacity);
    let command = understood(call, wanted, PartnerOnlyChange::Exchange, &scope).await?;
    let quote = call.execute(&command, &scope).await?;
    let operation = ExchangeQuote::calculation(quote.session);
    Ok(under_way(call, operation, "Pending"))
}

/// `POST /providers/Microsoft.Capacity/exchange`.
pub async fn exchange(call: &Call<'_>) -> Result<Reply, ArmError> {
    let session = call.json().and_then(|body| session(&body.root().required("properties")?.required("sessionId")?));
    let scope = ArmScope::Capacity;
    let session = understood(call, session, PartnerOnlyChange::Exchange, &scope).await?;
    match call.execute(&ExchangeReservations { session }, &scope).await {
        Ok(done) => Ok(under_way(call, done.quote.session, "PendingRefunds")),
        // Nothing of that name: a customer hears that it may not anyway.
        Err(error) if error.status == StatusCode::NOT_FOUND => {
            let missing: ArmError = Refusal::ReturnQuoteMissing { session }.into();
            understood(call, Err(missing), PartnerOnlyChange::Exchange, &scope).await
        }
        Err(error) => Err(error),
    }
}

fn under_way(call: &Call<'_>, operation: Uuid, status: &str) -> Reply {
    let path = format!("/providers/Microsoft.Capacity/operationResults/{operation}");
    let address = format!("{}{path}?api-version={}", call.base, call.version);
    let body = json!({"id": path, "name": operation.to_string(), "status": status});
    Reply::accepted(body, address.clone(), 1).watched_at(address)
}

/// `GET /providers/Microsoft.Capacity/operationResults/{operation}`.
pub async fn operation_result(call: &Call<'_>) -> Result<Reply, ArmError> {
    let name = call.name("operation");
    let missing = || {
        let name: String = name.chars().take(100).collect();
        let message = format!("The operation result '{name}' could not be found.");
        ArmError::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    };
    let operation = Uuid::try_parse(name).map_err(|_| missing())?;
    let found = call
        .read(&GetExchange { operation }, &ArmScope::Capacity)
        .await
        .map_err(|error| if error.status == StatusCode::NOT_FOUND { missing() } else { error })?;
    let quote = found.ok_or_else(missing)?;
    let calculated = operation != quote.session;
    if !calculated && quote.used_at.is_none() {
        return Err(missing());
    }
    let properties = exchanged(&quote, !calculated).map_err(uncountable)?;
    Ok(Reply::ok(json!({
        "id": format!("/providers/Microsoft.Capacity/operationResults/{operation}"),
        "name": operation.to_string(),
        "status": "Succeeded",
        "properties": properties,
    })))
}

fn exchanged(quote: &ExchangeQuote, done: bool) -> Result<Value, MoneyError> {
    let (returned, bought) = (quote.returned()?, quote.bought()?);
    let returns: Vec<Value> = quote.returns.iter().map(|r| returned_item(r, done)).collect::<Result<_, _>>()?;
    let purchases: Vec<Value> = quote.purchases.iter().map(|p| bought_item(p, done)).collect::<Result<_, _>>()?;
    let problems: Option<Vec<Value>> =
        quote.problem.as_ref().map(|problem| vec![json!({"code": problem.code, "message": problem.message})]);
    Ok(json!({
        "sessionId": quote.session.to_string(),
        "netPayable": wire::money(net(bought, returned)?),
        "refundsTotal": wire::money(returned),
        "purchasesTotal": wire::money(bought),
        "reservationsToPurchase": purchases,
        "savingsPlansToPurchase": [],
        "reservationsToExchange": returns,
        "policyResult": {"policyErrors": problems},
    }))
}

fn net(bought: Money, returned: Money) -> Result<Money, MoneyError> {
    bought.plus(returned.negated())
}

fn returned_item(returned: &QuotedReturn, done: bool) -> Result<Value, MoneyError> {
    let wanted = &returned.wanted;
    let mut item = json!({
        "reservationId": ArmScope::Reservation(wanted.order, wanted.reservation).to_string(),
        "quantity": wanted.quantity,
        "billingRefundAmount": wire::money(returned.terms.customer.refund()?),
        "billingInformation": billing_information(&returned.terms)?,
    });
    if done {
        item["status"] = "Succeeded".into();
    }
    Ok(item)
}

fn bought_item(purchase: &QuotedPurchase, done: bool) -> Result<Value, MoneyError> {
    let (wanted, item) = (&purchase.wanted, &purchase.wanted.item);
    let scopes = wanted.scope.scope().map(|scope| json!([scope.to_string()]));
    let mut bought = json!({
        "properties": {
            "sku": {"name": item.sku.as_str()},
            "location": item.region.as_str(),
            "properties": {
                "reservedResourceType": item.resource_type.name(),
                "billingScopeId": format!("/subscriptions/{}", wanted.subscription),
                "term": item.term.code(),
                "billingPlan": item.plan.name(),
                "quantity": item.quantity.instances(),
                "displayName": wanted.display_name.as_ref().map(|name| name.as_str()),
                "appliedScopeType": wanted.scope.type_name(),
                "appliedScopes": scopes,
                "renew": wanted.renew,
                "reservedResourceProperties": {"instanceFlexibility": on_off(wanted.instance_flexibility)},
            },
        },
        "billingCurrencyTotal": wire::money(purchase.total()?),
    });
    if done {
        // A purchase names its reservation after its order.
        let reservation = ReservationId::of_purchase(wanted.order);
        bought["status"] = "Succeeded".into();
        bought["reservationOrderId"] = ArmScope::ReservationOrder(wanted.order).to_string().into();
        bought["reservationId"] = ArmScope::Reservation(wanted.order, reservation).to_string().into();
    }
    Ok(bought)
}

/// The body of a question for an exchange.
pub(super) fn exchange_request(root: &Node<'_>) -> Result<QuoteExchange, ArmError> {
    let properties = root.required("properties")?;
    if let Some(plans) = properties.get("savingsPlansToPurchase")?
        && !plans.list(100)?.is_empty()
    {
        return Err(plans.refuse("has to be empty: savings plans are not sold here"));
    }
    let list = |name: &str| {
        let node = properties.required(name)?;
        let items = node.list(100)?;
        if items.is_empty() { Err(node.refuse("has to name at least one")) } else { Ok(items) }
    };
    let returns = list("reservationsToExchange")?;
    let purchases = list("reservationsToPurchase")?;
    Ok(QuoteExchange {
        session: Uuid::new_v4(),
        returns: returns.iter().map(returned).collect::<Result<_, _>>()?,
        purchases: purchases.iter().map(bought).collect::<Result<_, _>>()?,
    })
}

fn returned(node: &Node<'_>) -> Result<ToReturn, ArmError> {
    let id = node.required("reservationId")?;
    let (order, reservation) = match ArmScope::parse(id.text(500)?) {
        Ok(ArmScope::Reservation(order, reservation)) => (order, reservation),
        _ => return Err(id.refuse("has to be the path of a reservation")),
    };
    Ok(ToReturn { order, reservation, quantity: node.required("quantity")?.whole()? })
}

fn bought(node: &Node<'_>) -> Result<ToPurchase, ArmError> {
    // Some clients wrap the request once more, as the answer does.
    let inner = node.get("properties")?.filter(|inner| inner.get("properties").is_ok_and(|p| p.is_some()));
    let wanted = PurchaseRequest::read(inner.as_ref().unwrap_or(node))?;
    Ok(ToPurchase {
        order: ReservationOrderId(Uuid::now_v7()),
        subscription: wanted.subscription,
        item: wanted.item,
        scope: wanted.scope,
        display_name: wanted.display_name,
        instance_flexibility: wanted.instance_flexibility,
        renew: wanted.renew,
    })
}

/// The order that an exchange is about, where its body names one; it decides which partner is asked.
fn first_order(root: &Node<'_>) -> Option<ArmScope> {
    let list = root.get("properties").ok()??.get("reservationsToExchange").ok()??.list(100).ok()?;
    let id = list.first()?.get("reservationId").ok()??;
    ArmScope::parse(id.text(500).ok()?).ok()?.reservation_order().map(ArmScope::ReservationOrder)
}
