//! Usage of customers and what reservations covered of it: brought in by the partner, read by whom it concerns (R45).

use axum::extract::{Path, Request, State};
use axum::response::Response;
use fullmakt_domain::benefit::{
    About, Charge, Context, Coverage, ExplainUsage, Explained, ExplainedLine, ExplainedReservation, Known, Period,
    ReadCosts, ReadUtilization, ReservationUse, UseTotals,
};
use fullmakt_domain::ids::{CustomerId, ReservationId, SubscriptionId};
use fullmakt_domain::money::Currency;
use fullmakt_domain::rated::HourUse;
use fullmakt_domain::rating::{HOUR_MICROS, WrongDecimal, format_scaled, parse_scaled};
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::usage::{ImportUsage, UsageHour, UsageLine, UsageResource, hour_of, hour_start};
use fullmakt_store::ExecuteError;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::period::{self, Parameters};
use super::{Caller, Problem, ok, parse_body};
use crate::App;

/// Days that are looked back where nobody says, and at most hour by hour.
const DAYS: i64 = 30;
const DAYS_MAX: i64 = 3_700;
const DAYS_BY_HOUR_MAX: i64 = 93;

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
fn hour(text: &str) -> Result<i64, String> {
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

/// The period of a query: from and until as days, or so many days up to the end of what is known.
fn asked_period(parameters: &Parameters, days_max: i64) -> Result<Period, Problem> {
    if parameters.get("from").is_none() && parameters.get("until").is_none() {
        let Some(text) = parameters.get("days") else { return Ok(Period::LastDays(DAYS)) };
        let days = text.parse().ok().filter(|days| (1..=days_max).contains(days));
        let wrong = || Problem::bad_request("days", &format!("is not a whole number from 1 to {days_max}"));
        return days.map(Period::LastDays).ok_or_else(wrong);
    }
    let (Some(_), Some(_)) = (parameters.get("from"), parameters.get("until")) else {
        return Err(Problem::bad_request("until", "give both of `from` and `until`, or neither"));
    };
    let asked = parameters.period(Timestamp::UNIX_EPOCH)?;
    let (from, until) = (hour_of(asked.from), hour_of(asked.until));
    if until.saturating_sub(from) > days_max.saturating_mul(24) {
        return Err(Problem::bad_request("until", &format!("is more than {days_max} days after `from`")));
    }
    Ok(Period::Hours { from, until })
}

/// How well reservations were used.
///
/// # Errors
/// [`Problem`].
pub async fn utilization(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let grain = parameters.one_of("grain", &["total", "day", "hour"])?;
    let reservation = parameters.get("reservation").map(reservation).transpose()?;
    let days_max = if grain == Some("hour") { DAYS_BY_HOUR_MAX } else { DAYS_MAX };
    let query = ReadUtilization {
        customer: period::customer(&customer)?,
        period: asked_period(&parameters, days_max)?,
        reservation,
    };
    let answer = app.store.read(&caller.actor, &query).await?;
    let one = |one: &ReservationUse| {
        let mut body = totals(&one.totals(i64::MIN, i64::MAX));
        body["partner"] = one.partner.to_string().into();
        body["reservationOrder"] = one.order.to_string().into();
        body["reservation"] = one.reservation.to_string().into();
        body["currencyCode"] = one.currency.code().into();
        let aggregates = [1, 7, 30].map(|days| {
            let (last, _) = answer.last_days(one, days);
            json!({"days": days, "percent": last.percent(2).map(decimal)})
        });
        // Only as far as the period reaches.
        if query.period == Period::LastDays(DAYS) {
            body["aggregates"] = aggregates.to_vec().into();
        }
        match grain {
            Some("day") => body["days"] = one.days().iter().map(day_of_use).collect::<Vec<_>>().into(),
            Some("hour") => body["hours"] = one.hours.iter().map(hour_of_use).collect::<Vec<_>>().into(),
            _ => {}
        }
        body
    };
    Ok(ok(json!({
        "known": answer.known.iter().map(known).collect::<Vec<_>>(),
        "value": answer.reservations.iter().map(one).collect::<Vec<_>>(),
    })))
}

fn reservation(text: &str) -> Result<ReservationId, Problem> {
    ReservationId::parse(text).map_err(|e| Problem::bad_request("reservation", &e.to_string()))
}

fn known(known: &Known) -> Value {
    json!({
        "partner": known.partner.to_string(),
        "from": hour_start(known.from).to_string(),
        "until": hour_start(known.until).to_string(),
        "knownHours": known.hours,
        "firstKnown": hour_start(known.first).to_string(),
        "knownUntil": hour_start(known.end).to_string(),
        "waitingDays": known.waiting_days,
    })
}

/// An amount in 10^-10, without zeros at the end.
fn exact(amount_e10: i128) -> Value {
    let text = format_scaled(amount_e10, 10);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn decimal(percent: Decimal) -> String {
    percent.normalize().to_string()
}

fn totals(sums: &UseTotals) -> Value {
    json!({
        "hours": sums.hours,
        "reservedHours": exact(sums.reserved_e10),
        "usedHours": exact(sums.used_e10),
        "unusedHours": exact(sums.unused_e10()),
        "percent": sums.percent(2).map(decimal),
        "usedCost": exact(sums.used_cost_e10),
        "unusedCost": exact(sums.unused_cost_e10),
        "payAsYouGoCost": exact(sums.pay_as_you_go_e10),
        "saved": exact(sums.saved_e10()),
        "savedAtListPrice": exact(sums.saved_at_list_e10()),
    })
}

fn day(day: i64) -> Date {
    hour_start(day.saturating_mul(24)).to_zoned(TimeZone::UTC).date()
}

fn day_of_use((number, sums): (&i64, &UseTotals)) -> Value {
    let mut body = totals(sums);
    body["date"] = day(*number).to_string().into();
    body
}

fn hour_of_use(hour: &HourUse) -> Value {
    json!({
        "start": hour_start(hour.hour).to_string(),
        "reserved": hour.quantity,
        "used": exact(hour.used_e10),
        "usedCost": exact(hour.used_cost_e10),
        "unusedCost": exact(hour.unused_cost_e10),
        "payAsYouGoCost": exact(hour.pay_as_you_go_e10),
    })
}

/// How much of what ran was covered.
///
/// # Errors
/// [`Problem`].
pub async fn coverage(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let query = ReadCosts { customer: period::customer(&customer)?, period: asked_period(&parameters, DAYS_MAX)? };
    let costs = app.store.read(&caller.actor, &query).await?;
    let by_day = costs.coverage_by_day();
    let contexts = costs.coverage().into_iter().map(|(context, (all, by_subscription))| {
        let subscriptions = by_subscription.iter().map(|(id, one)| {
            let mut body = covered(one);
            body["subscription"] = id.to_string().into();
            body
        });
        let days = by_day.get(&context).into_iter().flatten().map(|(number, one)| {
            let mut body = covered(one);
            body["date"] = day(*number).to_string().into();
            body
        });
        let mut body = covered(&all);
        name(&mut body, &context);
        body["subscriptions"] = subscriptions.collect::<Vec<_>>().into();
        body["days"] = days.collect::<Vec<_>>().into();
        body
    });
    Ok(ok(json!({
        "known": costs.known.iter().map(known).collect::<Vec<_>>(),
        "value": contexts.collect::<Vec<_>>(),
    })))
}

fn name(body: &mut Value, context: &Context) {
    body["partner"] = context.partner.to_string().into();
    body["currencyCode"] = context.currency.code().into();
}

fn covered(coverage: &Coverage) -> Value {
    json!({
        "hours": exact(coverage.consumed_e10),
        "coveredHours": exact(coverage.covered_e10),
        "percent": coverage.percent(2).map(decimal),
        "coveredCost": exact(coverage.covered_cost_e10),
        "coveredPayAsYouGoCost": exact(coverage.covered_at_pay_as_you_go_e10),
        "payAsYouGoCost": exact(coverage.pay_as_you_go_e10),
    })
}

/// Who is charged what.
///
/// # Errors
/// [`Problem`].
pub async fn chargeback(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let query = ReadCosts { customer: period::customer(&customer)?, period: asked_period(&parameters, DAYS_MAX)? };
    let costs = app.store.read(&caller.actor, &query).await?;
    let contexts = costs.chargeback().into_iter().map(|(context, back)| {
        let charges = back.charges.iter().map(|((subscription, group), one)| {
            let mut body = charge(one);
            body["subscription"] = subscription.to_string().into();
            body["resourceGroup"] = group.clone().into();
            body
        });
        let mut body = json!({"charges": charges.collect::<Vec<_>>(), "total": charge(&back.total)});
        name(&mut body, &context);
        body
    });
    Ok(ok(json!({
        "known": costs.known.iter().map(known).collect::<Vec<_>>(),
        "value": contexts.collect::<Vec<_>>(),
    })))
}

fn charge(charge: &Charge) -> Value {
    json!({
        "hours": exact(charge.consumed_e10),
        "coveredHours": exact(charge.covered_e10),
        "benefitCost": exact(charge.benefit_cost_e10),
        "benefitPayAsYouGoCost": exact(charge.benefit_at_pay_as_you_go_e10),
        "wasteCost": exact(charge.waste_cost_e10),
        "payAsYouGoCost": exact(charge.pay_as_you_go_e10),
        "total": exact(charge.total_e10()),
    })
}

/// Why an hour came out as it did.
///
/// # Errors
/// [`Problem`].
pub async fn explanation(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let asked = parameters.get("hour").ok_or_else(|| Problem::bad_request("hour", "is missing"))?;
    let hour = hour(asked).map_err(|e| Problem::bad_request("hour", &e))?;
    let about = match (parameters.get("line"), parameters.get("reservation")) {
        (Some(line), None) => {
            let wrong = |_| Problem::bad_request("line", "is not a whole number");
            About::Line(line.parse().map_err(wrong)?)
        }
        (None, Some(id)) => About::Reservation(reservation(id)?),
        (None, None) => About::Hour,
        (Some(_), Some(_)) => return Err(Problem::bad_request("line", "give one of `line` and `reservation`")),
    };
    let query = ExplainUsage { customer: period::customer(&customer)?, hour, about };
    let told = app.store.read(&caller.actor, &query).await?;
    Ok(ok(json!({"value": told.iter().map(explained).collect::<Vec<_>>()})))
}

fn explained(of: &Explained) -> Value {
    json!({
        "hour": hour_start(of.hour).to_string(),
        "partner": of.partner.to_string(),
        "currencyCode": of.currency.code(),
        "regionId": of.region,
        "lines": of.lines.iter().map(line).collect::<Vec<_>>(),
        "reservations": of.reservations.iter().map(explained_reservation).collect::<Vec<_>>(),
    })
}

fn line(line: &ExplainedLine) -> Value {
    let parts = line.parts.iter().map(|part| {
        json!({
            "reservation": part.reservation.to_string(),
            "pass": part.pass.number(),
            "consumedQuantity": exact(part.consumed_e10),
            "commitmentDiscountQuantity": exact(part.discounted_e10),
            "effectiveCost": exact(part.effective_e10),
        })
    });
    json!({
        "lineId": line.line,
        "subAccountId": line.resource.subscription.to_string(),
        "resourceId": line.resource.resource,
        "armSkuName": line.resource.sku,
        "consumedQuantity": exact(i128::from(line.quantity_e6) * 10_000),
        "contractedUnitPrice": exact(i128::from(line.resource.unit_price_e6) * 10_000),
        "parts": parts.collect::<Vec<_>>(),
        "restQuantity": exact(line.rest_e10),
        "billedCost": exact(line.billed_e10),
    })
}

fn explained_reservation(one: &ExplainedReservation) -> Value {
    json!({
        "reservationOrder": one.order.to_string(),
        "reservation": one.reservation.to_string(),
        "pass": one.pass.number(),
        "appliedScopeSubscription": one.scope.map(|id| id.to_string()),
        "instanceFlexibility": if one.is_flexible { "On" } else { "Off" },
        "armSkuName": one.sku,
        "quantity": one.quantity,
        "used": exact(one.used_e10),
        "unused": exact(one.unused_e10),
        "unusedCost": exact(one.unused_cost_e10),
        "why": one.why.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        fn any_usage_and_any_period_are_read_or_refused(
            place in "(/customer|/resources/0/(resourceId|contractedUnitPrice|billingCurrency)|/hours/0/(start|lines/0/[012]))",
            text in "[-0-9T:.Zé]{0,24}",
            number in any::<i64>(),
        ) {
            for value in [json!(text), json!(number)] {
                let mut body = body();
                *body.pointer_mut(&place).unwrap() = value;
                let _ = read(&body);
            }
            for (name, other) in [("days", "x"), ("from", "until")] {
                let pairs = [(name, text.as_str()), (other, "2026-11-01")];
                let _ = asked_period(&period::tests::parameters(&pairs), 31);
            }
        }
    }
}
