//! Orders: the history of a customer, and buying without a cart.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use fullmakt_domain::cancellation::CancelOrder;
use fullmakt_domain::ids::{CustomerId, OrderId};
use fullmakt_domain::money::Money;
use fullmakt_domain::order::{BillingCycle, GetOrder, ListOrders, Order, OrderLine, OrderedItem, PlaceOrder};
use serde_json::{Map, Value, json};

use super::collection::{Page, link, uri};
use super::filter::short;
use super::{Call, Code, Failure, Reply, customer_id, dates, lines};
use crate::App;
use crate::arm::wire::amount;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/customers/{customer}/orders", get(list).post(place))
        .route("/customers/{customer}/orders/{order}", get(show).patch(cancel))
        .route("/customers/{customer}/orders/{order}/provisioningstatus", get(provisioning_status))
}

async fn list(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    let customer = customer_id(&customer)?;
    let kind = call.query().one_of("billingType", &["monthly", "annual", "onetime", "none"])?;
    let with_price = call.query().flag("include_price")?;
    let mut orders = app.store.read(call.actor(), &ListOrders { customer }).await?;
    if let Some(kind) = kind {
        orders.retain(|order| BillingCycle::parse(kind) == Some(order.billing_cycle));
    }
    let mut parameters: Vec<(&str, String)> = kind.map(|kind| ("billingType", kind.to_owned())).into_iter().collect();
    parameters.extend(with_price.map(|with_price| ("include_price", with_price.to_string())));
    let path = uri(&format!("/customers/{customer}/orders"), &parameters);
    let items = orders.iter().map(|order| render(order, with_price.unwrap_or(false))).collect();
    Ok(Reply::Ok(Page::whole(path, items).render()))
}

async fn show(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    let with_price = call.query().flag("include_price")?.unwrap_or(false);
    Ok(Reply::Ok(render(&load(&app, &call, &path).await?, with_price)))
}

async fn provisioning_status(
    State(app): State<App>,
    call: Call,
    Path(path): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let order = load(&app, &call, &path).await?;
    let line = |line: &OrderLine| {
        json!({
            "lineItemNumber": line.number,
            "status": "Fulfilled",
            "quantityProvisioningInformation": [{"quantity": line.quantity, "status": "Fulfilled"}],
            "attributes": {"objectType": "OrderLineItemProvisioningStatus"},
        })
    };
    let path = format!("{}/provisioningstatus", path_of(&order));
    Ok(Reply::Ok(Page::whole(path, order.lines.iter().map(line).collect()).render()))
}

async fn load(app: &App, call: &Call, (customer, order): &(String, String)) -> Result<Order, Failure> {
    let customer = customer_id(customer)?;
    let not_found = || Failure::new(Code::OrderNotFound, format!("there is no order `{}`", short(order)));
    let id = OrderId::parse(order);
    let found = match id {
        Ok(order) => app.store.read(call.actor(), &GetOrder { customer, order }).await?,
        // Whether the customer is the caller's own is said before that.
        Err(_) => app.store.read(call.actor(), &ListOrders { customer }).await.map(|_| None)?,
    };
    found.ok_or_else(not_found)
}

async fn place(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    let customer = customer_id(&customer)?;
    let document = call.body()?;
    let root = document.root();
    let named = root.get("referenceCustomerId")?;
    if named.text()?.is_some_and(|id| CustomerId::parse(&id) != Ok(customer)) {
        return Err(named.wrong("is not the customer of the path"));
    }
    let cycle = root.get("billingCycle")?;
    let written = cycle.text_within(64)?.ok_or_else(|| cycle.missing())?;
    let billing_cycle = BillingCycle::parse(&written)
        .ok_or_else(|| cycle.wrong(&format!("is `{}`, use one of: one_time, monthly", short(&written))))?;
    let mut lines = lines::read(&root, &["offerId", "catalogItemId"], Some(billing_cycle.name()))?;
    let currency = root.get("currencyCode")?.text_within(16)?;
    for line in &mut lines {
        line.currency = line.currency.take().or_else(|| currency.clone());
    }
    let seed = call.new_id(&format!("order of {customer}"));
    let command = PlaceOrder { customer, seed, billing_cycle, lines };
    let order = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Created(render(&order, false)))
}

/// Cancels an order, which is all that can be changed of one that bought reservations. Clients that send whole resources
/// repeat the rest as it was.
async fn cancel(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    let customer = customer_id(&path.0)?;
    let document = call.body()?;
    let root = document.root();
    let id = root.get("id")?;
    if id.text()?.is_some_and(|named| !named.eq_ignore_ascii_case(&path.1)) {
        return Err(id.wrong("is not the id of the path"));
    }
    let status = root.get("status")?;
    let wanted = status.text_within(64)?.ok_or_else(|| status.missing())?;
    if !wanted.eq_ignore_ascii_case("cancelled") {
        return Err(status.wrong(&format!("is `{}`, and can only become `cancelled`", short(&wanted))));
    }
    let order = load(&app, &call, &path).await?.id;
    let session = call.new_id(&format!("cancellation of {order}"));
    let command = CancelOrder { customer, order, session };
    let order = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Ok(render(&order, false)))
}

fn path_of(order: &Order) -> String {
    format!("/customers/{}/orders/{}", order.customer, order.id)
}

/// An order as the partner sees it; with prices, those that the partner pays.
pub(super) fn render(order: &Order, with_price: bool) -> Value {
    let path = path_of(order);
    let mut body = json!({
        "id": order.id.as_str(),
        "alternateId": order.id.alternate(),
        "referenceCustomerId": order.customer.to_string(),
        "billingCycle": order.billing_cycle.name(),
        "transactionType": "UserPurchase",
        "currencyCode": order.currency.code(),
        "currencySymbol": order.currency.symbol(),
        "creationDate": dates::seconds(order.placed_at),
        "status": order.status.name(),
        "lineItems": order.lines.iter().map(|line| render_line(order, line, with_price)).collect::<Vec<_>>(),
        // Who bought is not in the original's format; its clients ignore what they do not know.
        "purchasedBy": {
            "type": order.buyer.side.name(),
            "id": order.buyer.id.to_string(),
            "name": order.buyer.name,
        },
        "links": {
            "self": link(path.as_str()),
            "provisioningStatus": link(format!("{path}/provisioningstatus")),
        },
        "attributes": {"objectType": "Order"},
    });
    if let (true, Ok(total), Some(body)) = (with_price, order.partner_total(), body.as_object_mut()) {
        body.insert("totalPrice".into(), Value::Number(amount(total)));
    }
    body
}

fn render_line(order: &Order, line: &OrderLine, with_price: bool) -> Value {
    let item = &line.catalog_item;
    let product = format!("/customers/{}/products/{}", order.customer, item.product);
    let sku = format!("{product}/skus/{}", item.sku);
    let mut links = Map::new();
    links.insert("product".into(), link(product));
    links.insert("sku".into(), link(sku.as_str()));
    links.insert("availability".into(), link(format!("{sku}/availabilities/{}", item.availability)));
    links.insert("provisioningStatus".into(), link(format!("{}/provisioningstatus", path_of(order))));
    let mut body = Map::new();
    body.insert("lineItemNumber".into(), line.number.into());
    body.insert("offerId".into(), item.to_string().into());
    body.insert("friendlyName".into(), line.name.as_str().into());
    body.insert("quantity".into(), line.quantity.into());
    body.insert("transactionType".into(), "New".into());
    match &line.item {
        OrderedItem::Reservation { reservation_order, subscription, term } => {
            body.insert("termDuration".into(), term.code().into());
            let context = json!({"subscriptionId": subscription.to_string(), "duration": term.duration()});
            body.insert("provisioningContext".into(), context);
            body.insert("reservationOrderId".into(), reservation_order.to_string().into());
        }
        OrderedItem::AzurePlan { entitlement } | OrderedItem::AzureGlobal { entitlement } => {
            body.insert("subscriptionId".into(), entitlement.to_string().into());
            links.insert(
                "subscription".into(),
                link(format!("/customers/{}/subscriptions/{entitlement}", order.customer)),
            );
        }
    }
    if with_price {
        let money = |money: Money| Value::Number(amount(money));
        let mut pricing = Map::new();
        pricing.insert("listPrice".into(), money(line.prices.list));
        for name in ["discountedPrice", "proratedPrice", "price"] {
            pricing.insert(name.into(), money(line.prices.partner));
        }
        if let Ok(total) = line.partner_total() {
            pricing.insert("extendedPrice".into(), money(total));
        }
        body.insert("pricing".into(), Value::Object(pricing));
    }
    body.insert("links".into(), Value::Object(links));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::partner_center::body::Document;
    use crate::partner_center::body::tests::any_json;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn lines_of_an_order_have_its_billing_cycle_whatever_they_say(member in "offerId|quantity|provisioningContext|x", value in any_json()) {
            let mut line = json!({"offerId": "a:b:c", "quantity": 1, "billingCycle": value});
            line[member] = value;
            let body = json!({"billingCycle": "monthly", "lineItems": [line]});
            let document = Document::parse(body.to_string().as_bytes()).unwrap();
            if let Ok(read) = lines::read(&document.root(), &["offerId", "catalogItemId"], Some("monthly")) {
                prop_assert!(read.iter().all(|line| line.billing_cycle == "monthly"));
            }
        }
    }
}
