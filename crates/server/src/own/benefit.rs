//! What reservations covered of usage and what that came to: utilisation, coverage, charge-back and why, read by whom it
//! concerns (R45).

use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::benefit::{
    About, Charge, Context, Costs, Coverage, ExplainUsage, Explained, ExplainedLine, ExplainedReservation, Known,
    Period, ReadCosts, ReadUtilization, ReservationUse, UseTotals,
};
use fullmakt_domain::ids::ReservationId;
use fullmakt_domain::rated::HourUse;
use fullmakt_domain::rating::format_scaled;
use fullmakt_domain::usage::{hour_of, hour_start};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::period::{self, Parameters};
use super::usage::hour;
use super::{Caller, Problem, ok};
use crate::App;

/// Days that are looked back where nobody says, and at most hour by hour.
const DAYS: i64 = 30;
const DAYS_MAX: i64 = 3_700;
const DAYS_BY_HOUR_MAX: i64 = 93;

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
    Ok(told(&answer.known, answer.reservations.iter().map(one).collect()))
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

/// What was used and what it cost, of the period that is asked about.
async fn costs(app: &App, caller: &Caller, customer: &str, parameters: &Parameters) -> Result<Costs, Problem> {
    let query = ReadCosts { customer: period::customer(customer)?, period: asked_period(parameters, DAYS_MAX)? };
    Ok(app.store.read(&caller.actor, &query).await?)
}

/// An answer, with how far usage is known.
fn told(so_far: &[Known], value: Vec<Value>) -> Response {
    ok(json!({"known": so_far.iter().map(known).collect::<Vec<_>>(), "value": value}))
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
    let costs = costs(&app, &caller, &customer, &parameters).await?;
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
    Ok(told(&costs.known, contexts.collect()))
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
    let costs = costs(&app, &caller, &customer, &parameters).await?;
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
    Ok(told(&costs.known, contexts.collect()))
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_period_is_read_or_refused(text in "[-0-9T:.Zé]{0,24}") {
            for (name, other) in [("days", "x"), ("from", "until")] {
                let pairs = [(name, text.as_str()), (other, "2026-11-01")];
                let _ = asked_period(&period::tests::parameters(&pairs), 31);
            }
        }
    }
}
