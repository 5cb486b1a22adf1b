//! Carts and their checkout.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use fullmakt_domain::cart::{Cart, CartLine, CheckoutCart, CreateCart, GetCart, UpdateCart};
use fullmakt_domain::ids::{CartId, CustomerId};
use fullmakt_domain::order::BillingCycle;
use serde_json::{Map, Value, json};

use super::collection::link;
use super::filter::short;
use super::{Call, Code, Failure, Reply, customer_id, dates, lines, orders};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/customers/{customer}/carts", post(create))
        .route("/customers/{customer}/carts/{cart}", get(show).put(update))
        .route("/customers/{customer}/carts/{cart}/checkout", post(checkout))
}

async fn create(State(app): State<App>, call: Call, Path(customer): Path<String>) -> Result<Reply, Failure> {
    let customer = customer_id(&customer)?;
    let document = call.body()?;
    let lines = lines::read(&document.root(), &["catalogItemId", "catalogId"], None)?;
    let cart = CartId(call.new_id(&format!("cart of {customer}")));
    let command = CreateCart { customer, cart, lines };
    let cart = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Created(render(&cart)))
}

async fn show(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    let (customer, cart) = ids(&path)?;
    let query = GetCart { customer, cart, now: call.context(&app).now };
    let found = app.store.read(call.actor(), &query).await?;
    found.map(|cart| Reply::Ok(render(&cart))).ok_or_else(|| not_found(&path.1))
}

async fn update(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    let (customer, cart) = ids(&path)?;
    let document = call.body()?;
    let root = document.root();
    let named = root.get("id")?;
    if named.text()?.is_some_and(|id| CartId::parse(&id) != Ok(cart)) {
        return Err(named.wrong("is not the one of the path"));
    }
    let lines = lines::read(&root, &["catalogItemId", "catalogId"], None)?;
    let command = UpdateCart { customer, cart, lines };
    let cart = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Ok(render(&cart)))
}

async fn checkout(State(app): State<App>, call: Call, Path(path): Path<(String, String)>) -> Result<Reply, Failure> {
    let (customer, cart) = ids(&path)?;
    call.empty_body()?;
    let command = CheckoutCart { customer, cart, request: call.envelope().idempotency };
    let placed = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    // Whatever stands in the way of one order stands in the way of all: they are placed together or not at all.
    Ok(Reply::Created(json!({
        "orders": placed.iter().map(|order| orders::render(order, false)).collect::<Vec<_>>(),
        "orderErrors": [],
        "attributes": {"objectType": "CartCheckoutResult"},
    })))
}

fn ids((customer, cart): &(String, String)) -> Result<(CustomerId, CartId), Failure> {
    let customer = customer_id(customer)?;
    Ok((customer, CartId::parse(cart).map_err(|_| not_found(cart))?))
}

fn not_found(cart: &str) -> Failure {
    Failure::new(
        Code::CartNotFound,
        format!("there is no cart `{}`; a cart is gone a quarter of an hour after its last change", short(cart)),
    )
}

fn render(cart: &Cart) -> Value {
    json!({
        "id": cart.id.to_string(),
        "creationTimestamp": dates::seconds(cart.created_at),
        "lastModifiedTimestamp": dates::seconds(cart.changed_at),
        "expirationTimestamp": dates::seconds(cart.expires_at()),
        "lastModifiedUser": cart.changed_by.to_string(),
        "status": cart.status.name(),
        "lineItems": cart.lines.iter().zip(0_i64..).map(|(line, id)| render_line(line, id)).collect::<Vec<_>>(),
        "links": {"self": link(format!("/customers/{}/carts/{}", cart.customer, cart.id))},
        "attributes": {"objectType": "Cart"},
    })
}

fn render_line(line: &CartLine, id: i64) -> Value {
    let asked = &line.asked;
    let mut body = Map::new();
    body.insert("id".into(), id.into());
    body.insert("catalogItemId".into(), asked.item.as_str().into());
    body.insert("quantity".into(), asked.quantity.into());
    // A word that is none would break clients with strict enumerations; the line's error names it.
    let cycle = BillingCycle::parse(&asked.billing_cycle).map_or("unknown", BillingCycle::name);
    body.insert("billingCycle".into(), cycle.into());
    body.insert("orderGroup".into(), line.group.as_str().into());
    let optional = [("termDuration", &asked.term), ("friendlyName", &asked.name), ("currencyCode", &asked.currency)];
    for (name, value) in optional {
        if let Some(value) = value {
            body.insert(name.into(), value.as_str().into());
        }
    }
    let context = [("subscriptionId", &asked.subscription), ("scope", &asked.scope), ("duration", &asked.duration)];
    let context: Map<String, Value> = context
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (name.to_owned(), value.into())))
        .collect();
    if !context.is_empty() {
        body.insert("provisioningContext".into(), Value::Object(context));
    }
    if let Some(error) = &line.error {
        body.insert("error".into(), json!({"errorCode": error.code, "errorDescription": error.text}));
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::partner_center::body::Document;
    use crate::partner_center::body::tests::any_json;

    fn read(text: &str) -> Result<Vec<fullmakt_domain::basket::AskedLine>, Failure> {
        let document = Document::parse(text.as_bytes())?;
        lines::read(&document.root(), &["catalogItemId", "catalogId"], None)
    }

    #[test]
    fn a_line_is_read_in_any_casing_with_nulls() {
        let pascal = r#"{"Id":null,"Status":null,"CreationTimestamp":"0001-01-01T00:00:00","LineItems":[{"Id":0,
            "CatalogItemId":"a:b:c","Quantity":2,"BillingCycle":"one_time","TermDuration":null,"FriendlyName":null,
            "ProvisioningContext":{"SubscriptionId":"s","SCOPE":"shared","duration":"1Year"},"Participants":null,
            "RenewsTo":null,"AddonItems":null,"PromotionId":null,"CustomTermEndDate":null,"Error":null,
            "CurrencyCode":null}],"Links":null,"Attributes":{"ObjectType":"Cart"}}"#;
        let lines = read(pascal).unwrap();
        assert_eq!(lines[0].item, "a:b:c");
        assert_eq!((lines[0].quantity, lines[0].billing_cycle.as_str()), (2, "one_time"));
        assert_eq!(lines[0].subscription.as_deref(), Some("s"));
        assert_eq!((lines[0].scope.as_deref(), lines[0].duration.as_deref()), (Some("shared"), Some("1Year")));
        assert_eq!(lines[0].unsupported, None);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_by_name() {
        for (text, expected) in [
            ("{}", "`lineItems` must have at least one entry"),
            (r#"{"lineItems":{}}"#, "`lineItems` is not a list"),
            (r#"{"lineItems":[{"quantity":1}]}"#, "`lineItems[0].catalogItemId` is missing"),
            (r#"{"lineItems":[{"catalogId":"a"}]}"#, "`lineItems[0].quantity` is missing"),
            (r#"{"lineItems":[{"catalogId":"a","quantity":1.5}]}"#, "`lineItems[0].quantity` is not a whole number"),
            (r#"{"lineItems":[{"catalogId":"a","quantity":1}]}"#, "`lineItems[0].billingCycle` is missing"),
        ] {
            assert_eq!(read(text).unwrap_err().description, expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_value_can_stand_anywhere_in_a_line(at in 0_usize..14, value in any_json()) {
            let members = ["catalogItemId", "quantity", "billingCycle", "termDuration", "friendlyName", "currencyCode",
                "provisioningContext", "participants", "promotionId", "customTermEndDate", "addonItems", "renewsTo", "id"];
            let mut line = json!({"catalogItemId": "a:b:c", "quantity": 1, "billingCycle": "one_time"});
            match members.get(at) {
                Some(member) => line[member] = value,
                None => line = value,
            }
            let _ = read(&json!({"lineItems": [line]}).to_string());
        }
    }
}
