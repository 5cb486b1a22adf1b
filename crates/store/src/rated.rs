//! Rating what was imported, and rating it again where usage or reservations changed.
//!
//! Figures follow from usage and reservations, so making them is no change that anybody decided on: it takes no revision and
//! leaves no record. A day is read, rated beside the database, and written where its usage is still what was read; whatever
//! changed in between marks it once more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use fullmakt_domain::catalog::{BillingPlan, Catalog, Region, SkuName};
use fullmakt_domain::ids::{CustomerId, PartnerId, ReservationId, ReservationOrderId, SubscriptionId};
use fullmakt_domain::money::Currency;
use fullmakt_domain::rated::{Book, HourUse, OrderTerms, RatedDay, Share, StateSince, Stretch, sizes, stretches};
use fullmakt_domain::rating::Overflow;
use fullmakt_domain::reservation::ReservationState;
use fullmakt_domain::usage::{UsageHour, UsageResource, hour_start};
use futures_util::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Ending, Store, Tx};
use crate::packed::{pack, unpack};
use crate::reservation::{orders_of_customer, reservations_of_customer};
use crate::row::{Fault, instant, instant_optional, known, micros, money, parsed, parsed_optional};
use crate::statement::{query, query_as};
use crate::stored::{from_json, scope, to_json};
use crate::{catalog, usage};

/// Days that are rated between two writes: enough to make a write worth its while, few enough to keep it short.
const DAYS_AT_ONCE: i64 = 16;

/// What a piece of rating looks at.
pub(crate) struct Looked {
    /// The customer's revision then.
    revision: i64,
    /// Names what the reservations were then.
    with: String,
    reserved: Reserved,
    /// Days that wait.
    days: Vec<WaitingDay>,
    resources: BTreeMap<i64, UsageResource>,
    catalog: Arc<Catalog>,
    /// Where reservations changed: the days that have figures, and what names the reservations that these were made with.
    made_with: Vec<(i64, String)>,
}

struct WaitingDay {
    day: i64,
    version: i64,
    hours: Vec<UsageHour>,
}

/// A day whose figures were made.
struct Made {
    day: i64,
    version: i64,
    with: String,
    rated: RatedDay,
}

/// The reservations of a customer with a partner.
#[derive(Default)]
pub(crate) struct Reserved {
    /// What each offered when.
    pub(crate) stretches: Vec<Stretch>,
    /// The first use of each that is noted.
    first_used: BTreeMap<ReservationId, Option<Timestamp>>,
}

impl Store {
    /// Looks what changed about a customer's reservations with a partner, marks the days that this concerns, and makes the
    /// figures of the first days anew that wait for it. Tells whether there was anything to do.
    pub(crate) async fn rate(&self, customer: CustomerId, partner: PartnerId, now: Timestamp) -> Result<bool, Fault> {
        let looked = {
            let mut reader = self.reader().await?;
            look(customer, partner, &mut reader.tx()).await?
        };
        match looked {
            Some(looked) => self.rate_looked(customer, partner, looked, now).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Makes the figures of the days that were looked at.
    pub(crate) async fn rate_looked(
        &self,
        customer: CustomerId,
        partner: PartnerId,
        looked: Looked,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let worked = tokio::task::spawn_blocking(move || {
            let made = looked.days.iter().map(|day| looked.rate(day)).collect::<Result<Vec<Made>, Overflow>>();
            let changed = looked.made_with.iter().filter(|(day, with)| *with != looked.reserved.name_of_day(*day));
            let changed: Vec<i64> = changed.map(|(day, _)| *day).collect();
            (looked, made, changed)
        });
        let (looked, made, changed) = worked.await.map_err(|e| Fault::NotCommitted(e.to_string()))?;
        let made = made.map_err(|e| Fault::Damaged { what: "amount", value: e.to_string() })?;
        self.write(move |tx| {
            async move {
                for day in changed {
                    query(
                        "UPDATE usage_day SET stale_since = coalesce(stale_since, $4)
                         WHERE customer_id = $1 AND partner_id = $2 AND day = $3",
                    )
                    .bind(customer.to_string())
                    .bind(partner.to_string())
                    .bind(day)
                    .bind(micros(now))
                    .execute(tx)
                    .await?;
                }
                for one in &made {
                    keep(customer, partner, one, tx).await?;
                }
                note_first_uses((customer, partner), &made, &looked.reserved, now, tx).await?;
                query(
                    "UPDATE usage_account SET seen_revision = $3, seen_with = $4
                     WHERE customer_id = $1 AND partner_id = $2 AND seen_revision <= $3",
                )
                .bind(customer.to_string())
                .bind(partner.to_string())
                .bind(looked.revision)
                .bind(&looked.with)
                .execute(tx)
                .await?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }
}

pub(crate) async fn look(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Option<Looked>, Fault> {
    // The revision comes first: what changes while the rest is read is looked at again.
    let account: Option<(i64, i64, String)> = query_as(
        "SELECT c.revision, u.seen_revision, u.seen_with
         FROM usage_account u JOIN customer c ON c.customer_id = u.customer_id
         WHERE u.customer_id = $1 AND u.partner_id = $2",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .fetch_optional(tx)
    .await?;
    let Some((revision, seen, seen_with)) = account else { return Ok(None) };
    let waiting: Vec<(i64, i64)> = query_as(
        "SELECT day, version FROM usage_day WHERE customer_id = $1 AND partner_id = $2 AND stale_since IS NOT NULL
         ORDER BY day LIMIT $3",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(DAYS_AT_ONCE)
    .fetch_all(tx)
    .await?;
    if revision == seen && waiting.is_empty() {
        return Ok(None);
    }
    let reserved = reserved(customer, partner, tx).await?;
    let with = reserved.name(i64::MIN, i64::MAX);
    let made_with: Vec<(i64, String)> = if with == seen_with {
        Vec::new()
    } else {
        query_as(
            "SELECT day, rated_with FROM usage_day
             WHERE customer_id = $1 AND partner_id = $2 AND rated_with IS NOT NULL AND stale_since IS NULL",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .fetch_all(tx)
        .await?
    };
    let mut days = Vec::with_capacity(waiting.len());
    for (day, version) in waiting {
        let first = day.saturating_mul(24);
        let hours = usage::hours_between(customer, partner, first, first.saturating_add(24), tx).await?;
        days.push(WaitingDay { day, version, hours });
    }
    let resources = usage::resources_of(customer, partner, days.iter().flat_map(|day| &day.hours), tx).await?;
    let catalog = catalog::in_force(tx).await?;
    Ok(Some(Looked { revision, with, reserved, days, resources, catalog, made_with }))
}

impl Looked {
    fn rate(&self, waiting: &WaitingDay) -> Result<Made, Overflow> {
        let WaitingDay { day, version, hours } = waiting;
        let stretches: Vec<Stretch> = self.reserved.of_day(*day).cloned().collect();
        let used: BTreeSet<i64> = hours.iter().flat_map(|hour| &hour.lines).map(|line| line.resource).collect();
        let resources = self.resources.iter().filter(|(number, _)| used.contains(number));
        let resources = resources.map(|(number, one)| (*number, one.clone())).collect();
        let rated = Book::new(&resources, &stretches, &sizes(&self.catalog))?.rate_day(hours)?;
        Ok(Made { day: *day, version: *version, with: self.reserved.name_of_day(*day), rated })
    }
}

impl Reserved {
    /// The stretches that hours of a day lie in.
    pub(crate) fn of_day(&self, day: i64) -> impl Iterator<Item = &Stretch> {
        let first = day.saturating_mul(24);
        let end = first.saturating_add(24);
        self.stretches.iter().filter(move |one| one.first_hour < end && first < one.end_hour)
    }

    /// Names what is offered in the hours of a day: the same name, the same figures.
    fn name_of_day(&self, day: i64) -> String {
        let first = day.saturating_mul(24);
        self.name(first, first.saturating_add(24))
    }

    /// Names what is offered in the hours from one to before another.
    pub(crate) fn name(&self, first: i64, end: i64) -> String {
        let mut text = String::new();
        for one in &self.stretches {
            let (begins, ends) = (one.first_hour.max(first), one.end_hour.min(end));
            if begins >= ends {
                continue;
            }
            let Stretch { reservation, terms, scope, is_flexible, quantity, .. } = one;
            let scope = scope.map(|id| id.to_string()).unwrap_or_default();
            // Writing to a text cannot fail.
            writeln!(
                text,
                "{reservation} {} {scope} {is_flexible} {quantity} {begins} {ends} {} {} {} {} {} {}",
                terms.subscription,
                terms.sku.as_str(),
                terms.region.as_str(),
                micros(terms.requested_at),
                terms.customer_price.currency,
                terms.hourly_cost_e8(terms.customer_price),
                terms.hourly_cost_e8(terms.list_price),
            )
            .unwrap_or_default();
        }
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).to_string()
    }
}

#[derive(Deserialize)]
struct TermsRow {
    reservation_order_id: String,
    subscription_id: String,
    sku: String,
    region: String,
    billing_plan: String,
    currency: String,
    list_unit_e6: i64,
    customer_unit_e6: i64,
    requested_at: i64,
    starts_at: i64,
    expires_at: i64,
}

impl TermsRow {
    fn read(self, partner: PartnerId) -> Result<OrderTerms, Fault> {
        Ok(OrderTerms {
            order: parsed("reservation order id", &self.reservation_order_id)?,
            partner,
            subscription: parsed("subscription id", &self.subscription_id)?,
            sku: known("sku", &self.sku, SkuName::parse(&self.sku).ok())?,
            region: known("region", &self.region, Region::parse(&self.region).ok())?,
            plan: known("billing plan", &self.billing_plan, BillingPlan::parse(&self.billing_plan).ok())?,
            requested_at: instant(self.requested_at)?,
            starts_at: instant(self.starts_at)?,
            expires_at: instant(self.expires_at)?,
            customer_price: money(self.customer_unit_e6, &self.currency)?,
            list_price: money(self.list_unit_e6, &self.currency)?,
        })
    }
}

#[derive(Deserialize)]
struct StateRow {
    reservation_order_id: String,
    reservation_id: String,
    quantity: i64,
    applied_scope: Option<String>,
    instance_flexibility: String,
    state: String,
    updated_at: i64,
    created_at: i64,
    first_used_at: Option<i64>,
}

/// All that a customer's reservations with a partner were and are.
pub(crate) async fn reserved(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Reserved, Fault> {
    let orders: Vec<TermsRow> = query_as(concat!(
        "SELECT o.reservation_order_id, o.subscription_id, o.sku, o.region, o.billing_plan, o.currency, o.list_unit_e6,
                o.customer_unit_e6, o.requested_at, o.starts_at, o.expires_at
         FROM ",
        orders_of_customer!(),
        " WHERE c.customer_id = $1 AND c.partner_id = $2",
    ))
    .bind(customer.to_string())
    .bind(partner.to_string())
    .fetch_all(tx)
    .await?;
    let mut terms: BTreeMap<ReservationOrderId, OrderTerms> = BTreeMap::new();
    for row in orders {
        let read = row.read(partner)?;
        terms.insert(read.order, read);
    }
    let rows: Vec<StateRow> = query_as(concat!(
        "SELECT r.reservation_order_id, r.reservation_id, r.etag, r.quantity, r.applied_scope, r.instance_flexibility,
                r.state, r.updated_at, r.created_at, r.first_used_at
         FROM ",
        reservations_of_customer!(),
        " WHERE c.customer_id = $1
         UNION ALL
         SELECT reservation_order_id, reservation_id, etag, quantity, applied_scope, instance_flexibility, state, updated_at,
                created_at, first_used_at
         FROM reservation_revision WHERE customer_id = $1
         ORDER BY reservation_id, etag",
    ))
    .bind(customer.to_string())
    .fetch_all(tx)
    .await?;
    let mut found = Reserved::default();
    for rows in rows.chunk_by(|one, next| one.reservation_id == next.reservation_id) {
        let Some(last) = rows.last() else { continue };
        let order: ReservationOrderId = parsed("reservation order id", &last.reservation_order_id)?;
        let Some(terms) = terms.get(&order) else { continue };
        let id: ReservationId = parsed("reservation id", &last.reservation_id)?;
        let mut states = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            states.push(StateSince {
                since: instant(if index == 0 { row.created_at } else { row.updated_at })?,
                scope: scope(row.applied_scope.as_deref())?,
                is_flexible: row.instance_flexibility == "On",
                quantity: row.quantity,
                state: known("state", &row.state, ReservationState::parse(&row.state))?,
            });
        }
        found.stretches.extend(stretches(id, terms, &states));
        found.first_used.insert(id, instant_optional(last.first_used_at)?);
    }
    Ok(found)
}

/// Puts figures in the place of those that a day had, unless its usage was replaced since it was read.
async fn keep(customer: CustomerId, partner: PartnerId, made: &Made, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let shares: Vec<StoredShare> = made.rated.shares.iter().map(StoredShare::from).collect();
    let kept = query(
        "UPDATE usage_day SET stale_since = NULL, rated_with = $5, shares = $6
         WHERE customer_id = $1 AND partner_id = $2 AND day = $3 AND version = $4",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(made.day)
    .bind(made.version)
    .bind(&made.with)
    .bind(to_json(&shares))
    .count_changed(tx)
    .await?;
    if kept == 0 {
        return Ok(());
    }
    query("DELETE FROM rated_reservation WHERE customer_id = $1 AND partner_id = $2 AND day = $3")
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(made.day)
        .execute(tx)
        .await?;
    for one in &made.rated.reservations {
        query(
            "INSERT INTO rated_reservation
               (customer_id, partner_id, day, reservation_id, charged_to, reservation_order_id, currency, list_hourly_e8,
                hours)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(made.day)
        .bind(one.reservation.to_string())
        .bind(one.charged_to.to_string())
        .bind(one.order.to_string())
        .bind(one.currency.code())
        .bind(one.list_hourly_e8)
        .bind(packed_hours(made.day, &one.hours))
        .execute(tx)
        .await?;
    }
    Ok(())
}

/// Writes down the first uses that are earlier than those that are noted.
async fn note_first_uses(
    (customer, partner): (CustomerId, PartnerId),
    made: &[Made],
    reserved: &Reserved,
    now: Timestamp,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    let mut first: BTreeMap<(ReservationOrderId, ReservationId), i64> = BTreeMap::new();
    for one in made.iter().flat_map(|day| &day.rated.reservations) {
        if let Some(used) = one.hours.iter().find(|hour| hour.used_e10 > 0) {
            let hour = first.entry((one.order, one.reservation)).or_insert(used.hour);
            *hour = used.hour.min(*hour);
        }
    }
    for ((order, reservation), hour) in first {
        let at = hour_start(hour);
        if reserved.first_used.get(&reservation).copied().flatten().is_some_and(|noted| noted <= at) {
            continue;
        }
        query(
            "INSERT INTO first_use (customer_id, partner_id, reservation_order_id, reservation_id, used_at, found_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (customer_id, reservation_id) DO UPDATE SET used_at = excluded.used_at
               WHERE excluded.used_at < first_use.used_at",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(order.to_string())
        .bind(reservation.to_string())
        .bind(micros(at))
        .bind(micros(now))
        .execute(tx)
        .await?;
    }
    Ok(())
}

/// Subscription, resource group, currency, reservation; instance hours, cost, cost pay as you go.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredShare(String, Option<String>, String, Option<String>, String, String, String);

impl From<&Share> for StoredShare {
    fn from(share: &Share) -> Self {
        Self(
            share.subscription.to_string(),
            share.group.clone(),
            share.currency.to_string(),
            share.reservation.map(|id| id.to_string()),
            share.consumed_e10.to_string(),
            share.cost_e10.to_string(),
            share.pay_as_you_go_e10.to_string(),
        )
    }
}

impl StoredShare {
    /// The shares of a day.
    pub(crate) fn read_all(text: &str) -> Result<Vec<Share>, Fault> {
        from_json::<Vec<Self>>("shares of a day", text)?.into_iter().map(Self::read).collect()
    }

    fn read(self) -> Result<Share, Fault> {
        let Self(subscription, group, currency, reservation, consumed, cost, pay_as_you_go) = self;
        Ok(Share {
            subscription: parsed("subscription id", &subscription)?,
            group,
            currency: known("currency", &currency, Currency::parse(&currency).ok())?,
            reservation: parsed_optional("reservation id", reservation.as_deref())?,
            consumed_e10: parsed("amount", &consumed)?,
            cost_e10: parsed("amount", &cost)?,
            pay_as_you_go_e10: parsed("amount", &pay_as_you_go)?,
        })
    }
}

fn packed_hours(day: i64, hours: &[HourUse]) -> String {
    let first = day.saturating_mul(24);
    let column = |amount: fn(&HourUse) -> i128| hours.iter().map(amount).collect::<Vec<i128>>();
    pack(&[
        hours.iter().map(|one| i128::from(one.hour.saturating_sub(first))).collect(),
        column(|one| one.quantity.into()),
        column(|one| one.used_e10),
        column(|one| one.used_cost_e10),
        column(|one| one.unused_cost_e10),
        column(|one| one.pay_as_you_go_e10),
    ])
}

/// The hours of a reservation's day.
fn unpacked_hours(day: i64, text: &str) -> Result<Vec<HourUse>, Fault> {
    let [of_day, quantity, used, used_cost, unused_cost, pay_as_you_go] = unpack::<6>(text)?;
    let number = |number: i128| {
        i64::try_from(number).map_err(|_| Fault::Damaged { what: "packed number", value: number.to_string() })
    };
    let mut hours = Vec::with_capacity(of_day.len());
    for (index, hour) in of_day.into_iter().enumerate() {
        hours.push(HourUse {
            hour: day.saturating_mul(24).saturating_add(number(hour)?),
            quantity: number(quantity[index])?,
            used_e10: used[index],
            used_cost_e10: used_cost[index],
            unused_cost_e10: unused_cost[index],
            pay_as_you_go_e10: pay_as_you_go[index],
        });
    }
    Ok(hours)
}

/// A reservation's day, as it is stored, with what was reserved.
#[derive(Deserialize)]
pub(crate) struct ReservationDayRow {
    pub(crate) day: i64,
    reservation_id: String,
    charged_to: String,
    reservation_order_id: String,
    currency: String,
    list_hourly_e8: i64,
    hours: String,
    sku: String,
    region: String,
}

/// A reservation in a day.
pub(crate) struct SoldDay {
    pub(crate) reservation: ReservationId,
    pub(crate) order: ReservationOrderId,
    pub(crate) charged_to: SubscriptionId,
    pub(crate) sku: SkuName,
    pub(crate) region: Region,
    pub(crate) currency: Currency,
    pub(crate) list_hourly_e8: i64,
    pub(crate) hours: Vec<HourUse>,
}

impl ReservationDayRow {
    pub(crate) fn read(&self) -> Result<SoldDay, Fault> {
        Ok(SoldDay {
            reservation: parsed("reservation id", &self.reservation_id)?,
            order: parsed("reservation order id", &self.reservation_order_id)?,
            charged_to: parsed("subscription id", &self.charged_to)?,
            sku: known("sku", &self.sku, SkuName::parse(&self.sku).ok())?,
            region: known("region", &self.region, Region::parse(&self.region).ok())?,
            currency: known("currency", &self.currency, Currency::parse(&self.currency).ok())?,
            list_hourly_e8: self.list_hourly_e8,
            hours: unpacked_hours(self.day, &self.hours)?,
        })
    }
}
