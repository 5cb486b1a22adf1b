//! Usage of customers: what is known of it, and brought in by the partner.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use fullmakt_domain::benefit::ReadKnownUsage;
use fullmakt_domain::ids::{CustomerId, PartnerId, SubscriptionId};
use fullmakt_domain::money::Currency;
use fullmakt_domain::rating::{HOUR_MICROS, WrongDecimal, parse_scaled};
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::usage::{ImportUsage, UsageHour, UsageLine, UsageResource, hour_of, hour_start};
use fullmakt_store::ExecuteError;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{Caller, Problem, ok, parse_body, period};
use crate::App;

/// Hours of usage, as whoever brings them in writes them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUsage {
    customer: String,
    #[serde(default)]
    resources: Vec<NewResource>,
    hours: Vec<NewHour>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewResource {
    sub_account_id: String,
    resource_id: String,
    region_id: String,
    arm_sku_name: String,
    contracted_unit_price: String,
    billing_currency: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewHour {
    start: String,
    /// Resource, line, quantity.
    lines: Vec<(i64, i64, String)>,
}

impl NewUsage {
    /// Reads what is brought in.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn read(&self) -> Result<ImportUsage, Problem> {
        let customer = CustomerId::parse(&self.customer);
        let customer = customer.map_err(|e| Problem::bad_request("customer", &e.to_string()))?;
        let mut resources = Vec::with_capacity(self.resources.len());
        for (index, one) in self.resources.iter().enumerate() {
            let wrong = |field: &str, why: String| Problem::bad_request(&format!("resources[{index}].{field}"), &why);
            let price = amount(&one.contracted_unit_price).map_err(|e| wrong("contractedUnitPrice", e))?;
            resources.push(UsageResource {
                subscription: SubscriptionId::parse(&one.sub_account_id)
                    .map_err(|e| wrong("subAccountId", e.to_string()))?,
                resource: one.resource_id.clone(),
                region: one.region_id.clone(),
                sku: one.arm_sku_name.clone(),
                unit_price_e6: price,
                currency: Currency::parse(&one.billing_currency)
                    .map_err(|e| wrong("billingCurrency", e.to_string()))?,
            });
        }
        let mut hours = Vec::with_capacity(self.hours.len());
        for (index, one) in self.hours.iter().enumerate() {
            let hour = hour(&one.start).map_err(|e| Problem::bad_request(&format!("hours[{index}].start"), &e))?;
            let mut lines = Vec::with_capacity(one.lines.len());
            for (place, (resource, line, quantity)) in one.lines.iter().enumerate() {
                let quantity_e6 = amount(quantity)
                    .map_err(|e| Problem::bad_request(&format!("hours[{index}].lines[{place}]"), &e))?;
                lines.push(UsageLine { resource: *resource, line: *line, quantity_e6 });
            }
            hours.push(UsageHour { hour, lines });
        }
        Ok(ImportUsage { customer, resources, hours })
    }
}

/// A decimal of 12 digits before the point and 6 behind it, in 10^-6.
fn amount(text: &str) -> Result<i64, String> {
    let wrong = |e: WrongDecimal| format!("`{}` is not usable: {e}", text.chars().take(40).collect::<String>());
    let scaled = parse_scaled(text.trim(), 18, 6).map_err(wrong)?;
    i64::try_from(scaled).map_err(|_| wrong(WrongDecimal::TooLarge(12)))
}

/// An hour from the instant at which it starts.
pub fn hour(text: &str) -> Result<i64, String> {
    let shown = || text.chars().take(40).collect::<String>();
    let at: Timestamp =
        text.trim().parse().map_err(|_| format!("`{}` is not an instant such as 2026-11-01T08:00:00Z", shown()))?;
    if at.as_microsecond().rem_euclid(HOUR_MICROS) != 0 || at.subsec_nanosecond() != 0 {
        return Err(format!("`{}` is not on the hour", shown()));
    }
    Ok(hour_of(at))
}

/// Replaces hours of a customer's usage.
///
/// # Errors
/// [`Problem`].
pub async fn import(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let new: NewUsage = parse_body(request).await?;
    let imported = app.store.execute(&caller.actor, &new.read()?, &caller.request).await.map_err(refused)?;
    Ok(ok(json!({
        "changedHours": imported.changed_hours,
        "unchangedHours": imported.unchanged_hours,
        "lines": imported.lines,
    })))
}

fn refused(error: ExecuteError) -> Problem {
    match error {
        ExecuteError::Refused(Refusal::InvalidUsage(wrong)) => Problem::bad_request(wrong.field(), &wrong.to_string()),
        other => other.into(),
    }
}

/// What usage of a customer is known, of which subscriptions it can be, and up to when it can be brought in.
///
/// # Errors
/// [`Problem`].
pub async fn known_usage(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
) -> Result<Response, Problem> {
    let query = ReadKnownUsage { customer: period::customer(&customer)? };
    let told = app.store.read(&caller.actor, &query).await?;
    let known = told.known.iter().map(|one| {
        json!({
            "partner": one.partner.to_string(),
            "firstKnown": hour_start(one.first).to_string(),
            "knownUntil": hour_start(one.end).to_string(),
            "waitingDays": one.waiting_days,
        })
    });
    let subscription = |(partner, id): &(PartnerId, SubscriptionId)| json!({"subscription": id.to_string(), "partner": partner.to_string()});
    Ok(ok(json!({
        "known": known.collect::<Vec<_>>(),
        "subscriptions": told.subscriptions.iter().map(subscription).collect::<Vec<_>>(),
        "overUntil": hour_start(hour_of(caller.request.now)).to_string(),
    })))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(body: &Value) -> String {
        let read =
            serde_json::from_value::<NewUsage>(body.clone()).map_err(|e| Problem::bad_request("body", &e.to_string()));
        match read.and_then(|new| new.read()) {
            Ok(import) => format!("{} {:?}", import.resources.len(), import.hours),
            Err(problem) => format!("{problem:?}"),
        }
    }

    fn body() -> Value {
        json!({
            "customer": "22222222-2222-4222-8222-222222222222",
            "resources": [{
                "subAccountId": "33333333-3333-4333-8333-333333333333", "resourceId": "/a", "regionId": "swedencentral",
                "armSkuName": "Standard_D2s_v5", "contractedUnitPrice": "0.096", "billingCurrency": "EUR",
            }],
            "hours": [{"start": "1970-01-02T00:00:00Z", "lines": [[0, 7, "1.5"]]}],
        })
    }

    #[test]
    fn usage_names_what_is_wrong_with_it() {
        let lines = "UsageHour { hour: 24, lines: [UsageLine { resource: 0, line: 7, quantity_e6: 1500000 }] }";
        assert_eq!(read(&body()), format!("1 [{lines}]"));
        for (place, value, expected) in [
            ("/customer", json!("x"), "customer"),
            ("/resources/0/subAccountId", json!("x"), "resources[0].subAccountId"),
            ("/resources/0/contractedUnitPrice", json!("1e3"), "resources[0].contractedUnitPrice"),
            ("/resources/0/billingCurrency", json!("Euro"), "resources[0].billingCurrency"),
            ("/hours/0/start", json!("1970-01-02T00:30:00Z"), "hours[0].start"),
            ("/hours/0/start", json!("1970-01-02"), "hours[0].start"),
            ("/hours/0/lines/0/2", json!("1.2345678"), "hours[0].lines[0]"),
            ("/hours/0/lines/0/2", json!("9999999999999"), "hours[0].lines[0]"),
            ("/hours/0/lines/0/1", json!("x"), "body"),
        ] {
            let mut body = body();
            *body.pointer_mut(place).unwrap() = value;
            let shown = read(&body);
            assert!(shown.contains(&format!("field: Some(\"{expected}\")")), "{place}: {shown}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_usage_is_read_or_refused(
            place in "(/customer|/resources/0/(resourceId|contractedUnitPrice|billingCurrency)|/hours/0/(start|lines/0/[012]))",
            text in "[-0-9T:.Zé]{0,24}",
            number in any::<i64>(),
        ) {
            for value in [json!(text), json!(number)] {
                let mut body = body();
                *body.pointer_mut(&place).unwrap() = value;
                let _ = read(&body);
            }
        }
    }
}
