//! The limit of returns and the figures that they go by (R23), and renewal by hand (R20, R24).

use axum::extract::{Path, Request, State};
use axum::response::Response;
use fullmakt_domain::ids::{CustomerId, ReservationId, ReservationOrderId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::refund_policy::{
    ConversionRate, LIMIT_CURRENCY, RefundPolicy, SetConversionRate, SetRefundPolicy,
};
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::renewal::RenewReservation;
use fullmakt_domain::returning::{GetRefundWindow, RefundWindow};
use fullmakt_store::ExecuteError;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::prices::{day, decimal};
use super::{Caller, Problem, ok, read_json};
use crate::App;

/// The rules of returns, as a partner writes them. What is left out is as the programme has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPolicy {
    valid_from: String,
    full_refund_days: Option<i64>,
    fee_percent: Option<Value>,
    limit: Option<Value>,
    window_months: Option<i64>,
}

impl NewPolicy {
    /// Reads the rules.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn read(&self) -> Result<SetRefundPolicy, Problem> {
        let usual = RefundPolicy::built_in();
        let limit = match decimal("limit", self.limit.as_ref())? {
            None => usual.limit,
            Some(amount) => Money::exact(amount, usual.limit.currency)
                .map_err(|_| Problem::bad_request("limit", "is finer than a coin or beyond what can be billed"))?,
        };
        Ok(SetRefundPolicy {
            policy: RefundPolicy {
                valid_from: first_day(&self.valid_from)?,
                full_refund_days: self.full_refund_days.unwrap_or(usual.full_refund_days),
                fee_percent: decimal("feePercent", self.fee_percent.as_ref())?.unwrap_or(usual.fee_percent),
                limit,
                window_months: self.window_months.unwrap_or(usual.window_months),
            },
        })
    }
}

/// A conversion rate, as a partner writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRate {
    valid_from: String,
    currency: String,
    rate: Value,
}

impl NewRate {
    /// Reads the rate.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn read(&self) -> Result<SetConversionRate, Problem> {
        let rate = decimal("rate", Some(&self.rate))?;
        Ok(SetConversionRate {
            rate: ConversionRate {
                valid_from: first_day(&self.valid_from)?,
                currency: Currency::parse(&self.currency)
                    .map_err(|error| Problem::bad_request("currency", &error.to_string()))?,
                rate: rate.ok_or_else(|| Problem::bad_request("rate", "is missing"))?,
            },
        })
    }
}

fn first_day(text: &str) -> Result<Date, Problem> {
    day(text.trim()).map_err(|error| Problem::bad_request("validFrom", &error))
}

/// Sets the partner's rules of returns from a day on.
pub async fn set_policy(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let command = read_json::<NewPolicy>(request).await?.read()?;
    app.store.execute(&caller.actor, &command, &caller.request).await.map_err(refused)?;
    Ok(ok(policy(&command.policy)))
}

/// Sets a rate of the partner from a day on.
pub async fn set_rate(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let command = read_json::<NewRate>(request).await?.read()?;
    app.store.execute(&caller.actor, &command, &caller.request).await.map_err(refused)?;
    let rate = &command.rate;
    Ok(ok(json!({
        "validFrom": rate.valid_from.to_string(),
        "currency": rate.currency.code(),
        "rate": rate.rate.normalize().to_string(),
        "for": LIMIT_CURRENCY,
    })))
}

fn refused(error: ExecuteError) -> Problem {
    match error {
        ExecuteError::Refused(Refusal::InvalidRefundPolicy { field, must }) => {
            Problem::bad_request(field, &format!("must {must}"))
        }
        other => other.into(),
    }
}

/// What counts against the limit of returns of a customer: every return, until when it counts, and what is left.
pub async fn window(State(app): State<App>, caller: Caller, Path(customer): Path<String>) -> Result<Response, Problem> {
    let customer =
        CustomerId::parse(&customer).map_err(|_| Problem::not_found("there is nothing of that name here"))?;
    let query = GetRefundWindow { customer, now: caller.request.now };
    Ok(ok(shown(&app.store.read(&caller.actor, &query).await?)))
}

fn shown(window: &RefundWindow) -> Value {
    let entries: Vec<Value> = window
        .entries
        .iter()
        .map(|(entry, until)| {
            json!({
                "at": entry.at.to_string(),
                "countsUntil": until.to_string(),
                "reservationOrderId": entry.order.to_string(),
                "reservationId": entry.reservation.to_string(),
                "quantity": entry.quantity,
                "counted": money(entry.counted),
                "returnedBy": entry.by,
            })
        })
        .collect();
    json!({
        "policy": policy(&window.policy),
        "consumed": money(window.consumed),
        "left": money(window.left),
        "returns": entries,
    })
}

fn policy(policy: &RefundPolicy) -> Value {
    json!({
        "validFrom": policy.valid_from.to_string(),
        "fullRefundDays": policy.full_refund_days,
        "feePercent": policy.fee_percent.normalize().to_string(),
        "limit": money(policy.limit),
        "windowMonths": policy.window_months,
    })
}

fn money(money: Money) -> Value {
    json!({"currencyCode": money.currency.code(), "amount": money.decimal().to_string()})
}

/// Renews a reservation by hand: what follows it is bought now and begins when it ends.
pub async fn renew(
    State(app): State<App>,
    caller: Caller,
    Path((order, reservation)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("there is nothing of that name here");
    let order = ReservationOrderId::parse(&order).map_err(|_| missing())?;
    let reservation = ReservationId::parse(&reservation).map_err(|_| missing())?;
    let renewed = app.store.execute(&caller.actor, &RenewReservation { order, reservation }, &caller.request).await?;
    let total = renewed.order.prices.customer.times(renewed.order.quantity.instances()).map_err(Refusal::from)?;
    Ok(ok(json!({
        "reservationOrderId": renewed.order.id.to_string(),
        "reservationId": renewed.reservation.id.to_string(),
        "startsAt": renewed.order.starts_at.to_string(),
        "expiresAt": renewed.order.expires_at.to_string(),
        "quantity": renewed.order.quantity.instances(),
        "total": money(total),
    })))
}
