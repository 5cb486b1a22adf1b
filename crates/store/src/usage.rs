//! Hourly usage: loads and statements.

use std::collections::{BTreeMap, BTreeSet};

use fullmakt_domain::authz::Permit;
use fullmakt_domain::ids::{CustomerId, PartnerId, ReservationId};
use fullmakt_domain::money::Currency;
use fullmakt_domain::usage::{ImportState, ImportUsage, UsageHour, UsageLine, UsageResource, day_of};
use jiff::Timestamp;

use crate::db::Tx;
use crate::door::Load;
use crate::packed::{pack, steps, unpack, walked};
use crate::row::{Fault, known, micros, parsed};
use crate::statement::{query, query_as, query_scalar};
use crate::subscription;

/// Resources that are looked up in one statement.
const LOOKED_UP: usize = 400;

#[derive(serde::Deserialize)]
struct ResourceRow {
    number: i64,
    subscription_id: String,
    resource_id: String,
    region: String,
    sku: String,
    unit_price_e6: i64,
    currency: String,
}

impl ResourceRow {
    fn read(self) -> Result<(i64, UsageResource), Fault> {
        let resource = UsageResource {
            subscription: parsed("subscription id", &self.subscription_id)?,
            resource: self.resource_id,
            region: self.region,
            sku: self.sku,
            unit_price_e6: self.unit_price_e6,
            currency: known("currency", &self.currency, Currency::parse(&self.currency).ok())?,
        };
        Ok((self.number, resource))
    }
}

#[derive(serde::Deserialize)]
struct HourRow {
    hour: i64,
    lines: String,
}

impl HourRow {
    fn read(&self) -> Result<UsageHour, Fault> {
        let [resources, lines, quantities] = unpack::<3>(&self.lines)?;
        let (resources, lines) = (walked(&resources)?, walked(&lines)?);
        let quantity = |quantity: i128| {
            i64::try_from(quantity).map_err(|_| Fault::Damaged { what: "quantity", value: quantity.to_string() })
        };
        let line = |((resource, line), amount)| Ok(UsageLine { resource, line, quantity_e6: quantity(amount)? });
        let lines = resources.into_iter().zip(lines).zip(quantities).map(line);
        Ok(UsageHour { hour: self.hour, lines: lines.collect::<Result<_, Fault>>()? })
    }
}

fn packed_lines(lines: &[UsageLine]) -> String {
    pack(&[
        steps(lines.iter().map(|line| line.resource)),
        steps(lines.iter().map(|line| line.line)),
        lines.iter().map(|line| line.quantity_e6.into()).collect(),
    ])
}

impl Load for ImportUsage {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ImportState, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let subscriptions = subscription::list(customer, tx).await?;
        let own = subscriptions.into_iter().filter(|one| one.partner == partner).map(|one| one.id).collect();
        let wanted: BTreeSet<&str> = self.resources.iter().map(|one| one.resource.as_str()).collect();
        let wanted: Vec<&str> = wanted.into_iter().collect();
        let mut numbers = BTreeMap::new();
        for some in wanted.chunks(LOOKED_UP) {
            let places: Vec<String> = (3..).zip(some).map(|(n, _): (u32, _)| format!("${n}")).collect();
            let statement = format!(
                "SELECT number, subscription_id, resource_id, region, sku, unit_price_e6, currency FROM usage_resource
                 WHERE customer_id = $1 AND partner_id = $2 AND resource_id IN ({})",
                places.join(", ")
            );
            let statement = query_as(statement).bind(customer.to_string()).bind(partner.to_string());
            let rows: Vec<ResourceRow> =
                some.iter().fold(statement, |statement, id| statement.bind(*id)).fetch_all(tx).await?;
            for row in rows {
                let (number, resource) = row.read()?;
                numbers.insert(resource, number);
            }
        }
        let next: i64 = query_scalar(
            "SELECT coalesce(max(number), 0) + 1 FROM usage_resource WHERE customer_id = $1 AND partner_id = $2",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .fetch_one(tx)
        .await?;
        let asked: BTreeSet<i64> = self.hours.iter().map(|hour| hour.hour).collect();
        let mut hours = BTreeMap::new();
        if let (Some(first), Some(last)) = (asked.first(), asked.last()) {
            let found = hours_between(customer, partner, *first, last.saturating_add(1), tx).await?;
            hours.extend(found.into_iter().filter(|one| asked.contains(&one.hour)).map(|one| (one.hour, one.lines)));
        }
        Ok(ImportState { subscriptions: own, numbers, next, hours })
    }
}

/// What is known of the hours from one to before another, in order.
pub(crate) async fn hours_between(
    customer: CustomerId,
    partner: PartnerId,
    first: i64,
    end: i64,
    tx: &mut Tx<'_>,
) -> Result<Vec<UsageHour>, Fault> {
    let rows: Vec<HourRow> = query_as(
        "SELECT hour, lines FROM usage_hour
         WHERE customer_id = $1 AND partner_id = $2 AND hour >= $3 AND hour < $4 ORDER BY hour",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(first)
    .bind(end)
    .fetch_all(tx)
    .await?;
    rows.iter().map(HourRow::read).collect()
}

/// The resources that hours speak of, by number.
pub(crate) async fn resources_of<'h>(
    customer: CustomerId,
    partner: PartnerId,
    hours: impl IntoIterator<Item = &'h UsageHour>,
    tx: &mut Tx<'_>,
) -> Result<BTreeMap<i64, UsageResource>, Fault> {
    let used: BTreeSet<i64> = hours.into_iter().flat_map(|hour| &hour.lines).map(|line| line.resource).collect();
    let (Some(first), Some(last)) = (used.first(), used.last()) else { return Ok(BTreeMap::new()) };
    let rows: Vec<ResourceRow> = query_as(
        "SELECT number, subscription_id, resource_id, region, sku, unit_price_e6, currency FROM usage_resource
         WHERE customer_id = $1 AND partner_id = $2 AND number >= $3 AND number <= $4",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(*first)
    .bind(*last)
    .fetch_all(tx)
    .await?;
    rows.into_iter().filter(|row| used.contains(&row.number)).map(ResourceRow::read).collect()
}

/// Writes hours of usage and marks their days.
pub(crate) async fn import(
    (customer, partner): (CustomerId, PartnerId),
    resources: &[(i64, UsageResource)],
    hours: &[UsageHour],
    at: Timestamp,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    // With a revision that no customer has: what its reservations were is looked at before anything is rated.
    query(
        "INSERT INTO usage_account (customer_id, partner_id, seen_revision, seen_with) VALUES ($1, $2, -1, '')
         ON CONFLICT (customer_id, partner_id) DO NOTHING",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .execute(tx)
    .await?;
    for (number, one) in resources {
        query(
            "INSERT INTO usage_resource
               (customer_id, partner_id, number, subscription_id, resource_id, region, sku, unit_price_e6, currency)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(*number)
        .bind(one.subscription.to_string())
        .bind(&one.resource)
        .bind(&one.region)
        .bind(&one.sku)
        .bind(one.unit_price_e6)
        .bind(one.currency.code())
        .execute(tx)
        .await?;
    }
    let mut known: BTreeMap<i64, i64> = BTreeMap::new();
    for hour in hours {
        let bits = known.entry(day_of(hour.hour)).or_default();
        *bits |= 1_i64 << hour.hour.rem_euclid(24);
        query(
            "INSERT INTO usage_hour (customer_id, partner_id, hour, lines) VALUES ($1, $2, $3, $4)
             ON CONFLICT (customer_id, partner_id, hour) DO UPDATE SET lines = excluded.lines",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(hour.hour)
        .bind(packed_lines(&hour.lines))
        .execute(tx)
        .await?;
    }
    for (day, bits) in known {
        query(
            "INSERT INTO usage_day (customer_id, partner_id, day, version, known_hours, stale_since)
             VALUES ($1, $2, $3, 1, $4, $5)
             ON CONFLICT (customer_id, partner_id, day) DO UPDATE SET
               version = usage_day.version + 1, known_hours = usage_day.known_hours | excluded.known_hours,
               stale_since = coalesce(usage_day.stale_since, excluded.stale_since)",
        )
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(day)
        .bind(bits)
        .bind(micros(at))
        .execute(tx)
        .await?;
    }
    Ok(())
}

/// A first use is noted with its reservation.
pub(crate) async fn note_use(customer: CustomerId, reservation: ReservationId, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query("DELETE FROM first_use WHERE customer_id = $1 AND reservation_id = $2")
        .bind(customer.to_string())
        .bind(reservation.to_string())
        .execute(tx)
        .await
}
