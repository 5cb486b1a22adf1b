//! Microsoft.Consumption: how well reservations were used, by whom, and what everything cost.

use std::collections::BTreeMap;

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::benefit::{
    OF_PARTNER_MAX, OfPartner, Period, ReadOrderUse, ReadPartnerResourceUse, ReadPartnerUse, ReadResourceUse,
    ReadSubscriptionUse, ReservationUse, ResourceUse, Waste, percent,
};
use fullmakt_domain::directory::{AzureSubscription, GetSubscription};
use fullmakt_domain::ids::{PartnerId, ReservationId, ReservationOrderId};
use fullmakt_domain::rated::HourUse;
use fullmakt_domain::rating::format_scaled;
use fullmakt_domain::usage::{day_of, hour_of, hour_start};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::error::ArmError;
use super::filter::{Allowed, Filter, Literal, Operator};
use super::paging::Page;
use super::reservations;

const BY_DATE: Allowed = Allowed { fields: &["properties/usageDate"], functions: &[] };
const BY_CHARGE: Allowed = Allowed {
    fields: &[
        "properties/usageStart",
        "properties/usageEnd",
        "properties/date",
        "properties/resourceGroup",
        "properties/instanceName",
        "properties/chargeType",
        "properties/reservationId",
    ],
    functions: &[],
};
/// How far back is looked where months are asked for.
const MONTHS_BACK: i64 = 60;
/// How many days may be asked about at once where every resource is told.
const DAYS_MAX: i64 = 93;
/// How many days are told where nobody says which.
const DAYS: i64 = 30;

/// `GET …/providers/Microsoft.Consumption/reservationSummaries`, by day or by month.
pub async fn summaries(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let monthly = match call.query.filled("grain").map(str::to_ascii_lowercase).as_deref() {
        Some("daily") => false,
        Some("monthly") => true,
        Some(_) => return Err(ArmError::uri("grain", "has to be `daily` or `monthly`")),
        None => return Err(ArmError::uri("grain", "is missing: `daily` or `monthly`")),
    };
    let asked = Asked::read(call, BY_DATE)?;
    if !monthly && !asked.is_bounded() {
        return Err(missing_dates());
    }
    let mut items = Vec::new();
    for one in uses(call, asked.period(call.context.now, MONTHS_BACK.saturating_mul(31))?).await? {
        let mut parts: BTreeMap<Date, Vec<HourUse>> = BTreeMap::new();
        for hour in &one.hours {
            let day = date_of(day_of(hour.hour));
            parts.entry(if monthly { day.first_of_month() } else { day }).or_default().push(*hour);
        }
        items.extend(parts.into_iter().map(|(date, hours)| summary(&one, date, hours)));
    }
    items.retain(|item| asked.takes(item));
    items.sort_by_key(|item| item["properties"]["usageDate"].to_string());
    Ok(Reply::ok(page.cut(items, &call.address(), "$skiptoken")))
}

fn missing_dates() -> ArmError {
    ArmError::uri(
        "$filter",
        "is missing: `properties/usageDate ge 2026-11-01 AND properties/usageDate le 2026-11-20`, or startDate and endDate",
    )
}

/// How reservations were used: that of the path, those of its order, or those that the partner of a billing account pays for.
async fn uses(call: &Call<'_>, period: Period) -> Result<Vec<ReservationUse>, ArmError> {
    if let Some(Account { partner, order, reservation }) = Account::read(call)? {
        let query = ReadPartnerUse { partner, order, reservation, period };
        return of_partner(call, call.read(&query, &ArmScope::Root).await?);
    }
    reservations::visible(call).await?;
    let (order, reservation) = (call.order()?, named_reservation(call)?);
    let query = ReadOrderUse { order, reservation, period };
    Ok(call.read(&query, &scope_of(order, reservation)).await?.reservations)
}

/// Which resources used them.
async fn uses_by_resource(call: &Call<'_>, period: Period) -> Result<Vec<ResourceUse>, ArmError> {
    if let Some(Account { partner, order, reservation }) = Account::read(call)? {
        let query = ReadPartnerResourceUse { partner, order, reservation, period };
        return of_partner(call, call.read(&query, &ArmScope::Root).await?);
    }
    let (order, reservation) = (call.order()?, named_reservation(call)?);
    let query = ReadResourceUse { order, reservation, period };
    call.read(&query, &scope_of(order, reservation)).await
}

/// A partner's billing account, and what of it is asked about.
struct Account {
    partner: PartnerId,
    order: Option<ReservationOrderId>,
    reservation: Option<ReservationId>,
}

impl Account {
    /// The account or profile of the path, if that is where it begins. Both are called like the partner's directory; what follows
    /// a colon, as in the names of the original, does not count.
    fn read(call: &Call<'_>) -> Result<Option<Self>, ArmError> {
        let (account, profile) = (call.name("account"), call.name("profile"));
        if account.is_empty() {
            return Ok(None);
        }
        let named = |text: &str| PartnerId::parse(text.split(':').next().unwrap_or_default()).ok();
        let partner = named(account).filter(|partner| profile.is_empty() || named(profile) == Some(*partner));
        let partner = partner.ok_or_else(|| call.not_authorized(&call.found.action(), &ArmScope::Root))?;
        let wrong = |name: &'static str| ArmError::uri(name, "has to be a GUID");
        let order = call.query.filled("reservationOrderId").map(ReservationOrderId::parse).transpose();
        let reservation = call.query.filled("reservationId").map(ReservationId::parse).transpose();
        let order = order.map_err(|_| wrong("reservationOrderId"))?;
        Ok(Some(Self { partner, order, reservation: reservation.map_err(|_| wrong("reservationId"))? }))
    }
}

fn of_partner<T>(call: &Call<'_>, found: OfPartner<T>) -> Result<Vec<T>, ArmError> {
    match found {
        OfPartner::Found(found) => Ok(found),
        OfPartner::NotTheirs => Err(call.not_authorized(&call.found.action(), &ArmScope::Root)),
        OfPartner::TooMuch => {
            let message =
                format!("would be answered with more than {OF_PARTNER_MAX} rows; ask for fewer days, or for one order");
            Err(ArmError::uri("$filter", message))
        }
    }
}

fn named_reservation(call: &Call<'_>) -> Result<Option<ReservationId>, ArmError> {
    if call.name("reservation").is_empty() { Ok(None) } else { call.reservation().map(Some) }
}

fn scope_of(order: ReservationOrderId, reservation: Option<ReservationId>) -> ArmScope {
    reservation.map_or(ArmScope::ReservationOrder(order), |id| ArmScope::Reservation(order, id))
}

fn summary(one: &ReservationUse, date: Date, hours: Vec<HourUse>) -> Value {
    let part = ReservationUse { hours, ..one.clone() };
    let totals = part.totals(i64::MIN, i64::MAX);
    let hourly =
        part.hours.iter().filter_map(|hour| percent(hour.used_e10, i128::from(hour.quantity) * 10_000_000_000, 2));
    let hourly: Vec<Decimal> = hourly.collect();
    let average = totals.percent(2).unwrap_or_default();
    let (least, most) = (hourly.iter().min().copied(), hourly.iter().max().copied());
    let digits = date.strftime("%Y%m%d").to_string();
    json!({
        "id": format!("{}/providers/Microsoft.Consumption/reservationSummaries/{digits}", scope_of(one.order, Some(one.reservation))),
        "name": format!("{}_{}_{digits}", one.order, one.reservation),
        "type": "Microsoft.Consumption/reservationSummaries",
        "properties": {
            "reservationOrderId": one.order.to_string(),
            "reservationId": one.reservation.to_string(),
            "skuName": one.sku.as_str(),
            "kind": "Reservation",
            "usageDate": midnight(date),
            "reservedHours": number(totals.reserved_e10),
            "usedHours": number(totals.used_e10),
            "minUtilizationPercentage": share(least.unwrap_or_default()),
            "avgUtilizationPercentage": share(average),
            "maxUtilizationPercentage": share(most.unwrap_or_default()),
            "utilizedPercentage": share(average),
            "purchasedQuantity": part.hours.last().map_or(0, |hour| hour.quantity),
            "remainingQuantity": 0,
            "totalReservedQuantity": 0,
            "usedQuantity": 0,
        },
    })
}

/// `GET …/providers/Microsoft.Consumption/reservationDetails`: each day of each resource that used a reservation.
pub async fn details(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let asked = Asked::read(call, BY_DATE)?;
    if !asked.is_bounded() {
        return Err(missing_dates());
    }
    let period = asked.period(call.context.now, DAYS_MAX)?;
    let used = uses_by_resource(call, period).await?;
    let mut reserved: BTreeMap<(ReservationId, i64), i128> = BTreeMap::new();
    for one in uses(call, period).await? {
        reserved.extend(one.days().into_iter().map(|(day, sums)| ((one.reservation, day), sums.reserved_e10)));
    }
    let catalog = call.store.catalog().await.map_err(|fault| call.fault(&fault))?;
    let mut items = Vec::new();
    for one in &used {
        let Some((order, reservation)) = one.used.order.zip(one.reservation) else { continue };
        let offer = catalog.offers().iter().find(|offer| offer.sku.as_str() == one.resource.sku);
        let hours = reserved.get(&(reservation, one.day)).copied().unwrap_or_default();
        let date = date_of(one.day);
        let digits = date.strftime("%Y%m%d").to_string();
        items.push(json!({
            "id": format!("{}/providers/Microsoft.Consumption/reservationDetails/{digits}", scope_of(order, Some(reservation))),
            "name": format!("{order}_{reservation}_{digits}"),
            "type": "Microsoft.Consumption/reservationDetails",
            "properties": {
                "reservationOrderId": order.to_string(),
                "reservationId": reservation.to_string(),
                "usageDate": midnight(date),
                "skuName": one.resource.sku,
                "instanceId": one.resource.resource.to_lowercase(),
                "totalReservedQuantity": number(hours),
                "reservedHours": number(hours),
                "usedHours": number(one.used.discounted_e10),
                "instanceFlexibilityGroup": offer.and_then(|offer| offer.flexibility_group.clone()),
                "instanceFlexibilityRatio": offer.map_or("1".to_owned(), |offer| offer.ratio.normalize().to_string()),
                "kind": "Reservation",
            },
        }));
    }
    items.retain(|item| asked.takes(item));
    Ok(Reply::ok(page.cut(items, &call.address(), "$skiptoken")))
}

/// `GET /subscriptions/{subscription}/providers/Microsoft.Consumption/usageDetails`: what ran in a subscription and what it
/// cost, by day, resource and reservation.
pub async fn usage_details(call: &Call<'_>) -> Result<Reply, ArmError> {
    let page = Page::read(call.query, "$skiptoken")?;
    let metric = match call.query.filled("metric").map(str::to_ascii_lowercase).as_deref() {
        None | Some("actualcost") => Metric::Actual,
        Some("amortizedcost") => Metric::Amortised,
        Some("usage") => Metric::Usage,
        Some(_) => return Err(ArmError::uri("metric", "has to be actualcost, amortizedcost or usage")),
    };
    let asked = Asked::read(call, BY_CHARGE)?;
    let subscription = call.subscription()?;
    let scope = ArmScope::Subscription(subscription);
    let named = call.read(&GetSubscription { id: subscription }, &scope).await?;
    let named = named.ok_or_else(|| call.not_authorized(&call.found.action(), &scope))?;
    let period = if asked.is_bounded() { asked.period(call.context.now, DAYS_MAX)? } else { Period::LastDays(DAYS) };
    let used = call.read(&ReadSubscriptionUse { subscription, period }, &scope).await?;
    let items = used.resources.iter().enumerate().map(|(index, one)| usage_detail(one, &named, metric, index));
    // What nobody used is a charge of its own where the cost of reservations is spread over their hours.
    let wastes = used.wastes.iter().filter(|_| metric == Metric::Amortised);
    let unused = wastes.zip(used.resources.len()..).map(|((day, one), index)| unused_detail(one, &named, *day, index));
    let items: Vec<Value> = items.chain(unused).filter(|item| asked.takes(item)).collect();
    Ok(Reply::ok(page.cut(items, &call.address(), "$skiptoken")))
}

/// Whose cost a line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    /// What was charged for the usage: nothing where it was covered.
    Actual,
    /// With the cost of the reservation spread over its hours.
    Amortised,
    /// None.
    Usage,
}

fn usage_detail(one: &ResourceUse, subscription: &AzureSubscription, metric: Metric, index: usize) -> Value {
    let resource = &one.resource;
    let cost = match (metric, one.reservation) {
        (Metric::Usage, _) | (Metric::Actual, Some(_)) => 0,
        (Metric::Actual, None) | (Metric::Amortised, _) => one.used.cost_e10,
    };
    let price = number(i128::from(resource.unit_price_e6) * 10_000);
    let reserved = one.used.order.zip(one.reservation);
    let mut body = charge(subscription, date_of(one.day), index, &resource.sku, &resource.region, reserved);
    let more = json!({
        "quantity": number(one.used.consumed_e10),
        "unitPrice": price,
        "payGPrice": price,
        "costInBillingCurrency": number(cost),
        "paygCostInBillingCurrency": number(one.used.pay_as_you_go_e10),
        "billingCurrencyCode": resource.currency.code(),
        "pricingCurrencyCode": resource.currency.code(),
        "chargeType": "Usage",
        "instanceName": resource.resource,
        "resourceGroup": resource.group(),
    });
    add(&mut body["properties"], more);
    body
}

/// What nobody used of a reservation in a day.
fn unused_detail(one: &Waste, subscription: &AzureSubscription, day: i64, index: usize) -> Value {
    let reserved = Some((one.order, one.reservation));
    let mut body = charge(subscription, date_of(day), index, one.sku.as_str(), one.region.as_str(), reserved);
    let more = json!({
        "quantity": number(one.quantity_e10),
        "costInBillingCurrency": number(one.cost_e10),
        "paygCostInBillingCurrency": 0,
        "billingCurrencyCode": one.currency.code(),
        "pricingCurrencyCode": one.currency.code(),
        "chargeType": "UnusedReservation",
        "instanceName": "",
        "resourceGroup": "",
    });
    add(&mut body["properties"], more);
    body
}

/// What all charges have.
fn charge(
    subscription: &AzureSubscription,
    date: Date,
    index: usize,
    sku: &str,
    region: &str,
    reserved: Option<(ReservationOrderId, ReservationId)>,
) -> Value {
    let name = format!("{}_{}_{index}", date.strftime("%Y%m%d"), subscription.id);
    let mut body = json!({
        "id": format!("/subscriptions/{}/providers/Microsoft.Consumption/usageDetails/{name}", subscription.id),
        "name": name,
        "type": "Microsoft.Consumption/usageDetails",
        "kind": "modern",
        "properties": {
            "subscriptionGuid": subscription.id.to_string(),
            "subscriptionName": subscription.name,
            "customerTenantId": subscription.tenant.to_string(),
            "partnerTenantId": subscription.partner.to_string(),
            "date": midnight(date),
            "product": sku,
            "unitOfMeasure": "1 Hour",
            "pricingModel": if reserved.is_some() { "Reservation" } else { "OnDemand" },
            "frequency": "UsageBased",
            "resourceLocation": region,
            "resourceLocationNormalized": region,
            "additionalInfo": json!({"ServiceType": sku}).to_string(),
        },
    });
    if let Some((order, id)) = reserved {
        body["properties"]["reservationId"] = ArmScope::Reservation(order, id).to_string().into();
        body["properties"]["productOrderId"] = order.to_string().into();
    }
    body
}

fn add(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

fn date_of(day: i64) -> Date {
    hour_start(day.saturating_mul(24)).to_zoned(TimeZone::UTC).date()
}

fn midnight(date: Date) -> String {
    format!("{date}T00:00:00Z")
}

/// An amount in 10^-10 as a JSON number.
fn number(amount_e10: i128) -> Value {
    serde_json::from_str(&format_scaled(amount_e10, 10)).unwrap_or_default()
}

fn share(percent: Decimal) -> Value {
    serde_json::from_str(&format!("{percent:.2}")).unwrap_or_default()
}

/// Which days are asked about.
#[derive(Debug)]
struct Asked {
    filter: Option<Filter>,
    /// The first instant that counts.
    from: Option<Timestamp>,
    /// The last one.
    to: Option<Timestamp>,
}

impl Asked {
    fn read(call: &Call<'_>, allowed: Allowed) -> Result<Self, ArmError> {
        let filter = call.query.filled("$filter").map(|text| Filter::parse(text, allowed)).transpose()?;
        let (from, to) = filter.as_ref().map_or((None, None), bounds);
        let date = |name: &'static str| {
            let Some(text) = call.query.filled(name) else { return Ok(None) };
            let read = instant(text);
            read.map(Some).ok_or_else(|| ArmError::uri(name, "has to be a date such as 2026-11-01"))
        };
        Ok(Self { filter, from: date("startDate")?.or(from), to: date("endDate")?.or(to) })
    }

    fn is_bounded(&self) -> bool {
        self.from.is_some() && self.to.is_some()
    }

    /// The hours of all days that may count.
    fn period(&self, now: Timestamp, days_max: i64) -> Result<Period, ArmError> {
        let first_day = |at| day_of(hour_of(at)).saturating_mul(24);
        let until = self.to.map_or_else(|| hour_of(now).saturating_add(1), |to| first_day(to).saturating_add(24));
        let earliest = until.saturating_sub(days_max.saturating_mul(24));
        let from = self.from.map_or(earliest, first_day);
        if from < earliest {
            return Err(ArmError::uri("$filter", format!("is about more than {days_max} days; ask for fewer at once")));
        }
        Ok(Period::Hours { from, until })
    }

    fn takes(&self, item: &Value) -> bool {
        let date = ["usageDate", "date"].iter().find_map(|name| item["properties"][name].as_str());
        let at = date.and_then(instant);
        let after = |from: Timestamp| at.is_none_or(|at| day_of(hour_of(from)) <= day_of(hour_of(at)));
        let within = self.to.is_none_or(|to| at.is_none_or(|at| at <= to));
        // A month is told by its first day.
        let is_month = date.is_some_and(|date| date.get(8..10) == Some("01"));
        self.filter.as_ref().is_none_or(|filter| filter.matches(&with_bounds(item), &|_, _| false))
            && (is_month || self.from.is_none_or(after))
            && within
    }
}

/// The item with the fields that only filters name.
fn with_bounds(item: &Value) -> Value {
    let mut item = item.clone();
    if let Some(date) = item["properties"]["date"].as_str().map(str::to_owned)
        && let Some(properties) = item["properties"].as_object_mut()
    {
        let bounds: Map<String, Value> = [("usageStart", &date), ("usageEnd", &date)]
            .map(|(name, date)| (name.to_owned(), date.clone().into()))
            .into_iter()
            .collect();
        properties.extend(bounds);
    }
    item
}

fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let date: Date = Some(text).filter(|text| text.len() == 10)?.parse().ok()?;
        date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// From when to when the fields of a filter have to lie, wherever `and` puts it.
fn bounds(filter: &Filter) -> (Option<Timestamp>, Option<Timestamp>) {
    match filter {
        Filter::And(a, b) => {
            let ((from, to), (other_from, other_to)) = (bounds(a), bounds(b));
            (from.max(other_from), [to, other_to].into_iter().flatten().min())
        }
        Filter::Compare { operator, value, .. } => {
            let at = match value {
                Literal::Instant(at) => Some(*at),
                Literal::Text(text) => instant(text),
                Literal::Number(_) | Literal::Truth(_) | Literal::Null => None,
            };
            match operator {
                Operator::Ge | Operator::Gt => (at, None),
                Operator::Le | Operator::Lt => (None, at),
                Operator::Eq => (at, at),
                Operator::Ne => (None, None),
            }
        }
        Filter::Call { .. } | Filter::Or(..) | Filter::Not(_) => (None, None),
    }
}

/// [`fill_in`] for a page of a list.
pub async fn fill_in_list(call: &Call<'_>, page: &mut Value) -> Result<(), ArmError> {
    match page["value"].as_array_mut() {
        Some(items) => fill_in(call, items).await,
        None => Ok(()),
    }
}

/// Puts into reservations of a list how well they were used in the last 1, 7 and 30 days of which usage is known.
pub async fn fill_in(call: &Call<'_>, items: &mut [Value]) -> Result<(), ArmError> {
    for item in items {
        let live = ["Succeeded", "Expiring"].map(Value::from).contains(&item["properties"]["displayProvisioningState"]);
        let scope = item["id"].as_str().and_then(|id| ArmScope::parse(id).ok());
        let Some(ArmScope::Reservation(order, id)) = scope.filter(|_| live) else { continue };
        let query = ReadOrderUse { order, reservation: Some(id), period: Period::LastDays(2 * DAYS) };
        let answer = call.read(&query, &ArmScope::Reservation(order, id)).await?;
        if let Some(one) = answer.reservations.first() {
            let sums = [1, 7, DAYS].map(|days| (days, answer.last_days(one, days)));
            let aggregate = |(days, (last, _)): &(i64, (fullmakt_domain::benefit::UseTotals, _))| {
                let value = share(last.percent(2)?);
                Some(json!({"grain": days, "grainUnit": "days", "value": value, "valueUnit": "percentage"}))
            };
            let (_, (last, before)) = sums[1];
            let trend = match (last.percent(2), before.percent(2)) {
                (Some(last), Some(before)) if last > before => "UP",
                (Some(last), Some(before)) if last < before => "DOWN",
                (Some(_), Some(_)) => "SAME",
                _ => "",
            };
            let aggregates: Vec<Value> = sums.iter().filter_map(aggregate).collect();
            item["properties"]["utilization"] = json!({"trend": trend, "aggregates": aggregates});
        }
    }
    Ok(())
}
