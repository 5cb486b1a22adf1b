//! What rated usage tells: answers.

use std::collections::BTreeMap;

use fullmakt_domain::authz::{Facts, Permit};
use fullmakt_domain::benefit::{
    Costs, DayCosts, ExplainUsage, Explained, Known, KnownUsage, OF_PARTNER_MAX, OfPartner, Period, ReadCosts,
    ReadKnownUsage, ReadOrderUse, ReadPartnerResourceUse, ReadPartnerUse, ReadResourceUse, ReadSubscriptionUse,
    ReadUtilization, ReservationUse, ResourceUse, Sight, SubscriptionUse, Utilization, Waste, explain,
};
use fullmakt_domain::ids::{CustomerId, PartnerId, ReservationId, ReservationOrderId};
use fullmakt_domain::rated::{Book, Stretch, sizes};
use fullmakt_domain::rating::Overflow;
use fullmakt_domain::usage::day_of;

use crate::db::Tx;
use crate::door::Answer;
use crate::facts;
use crate::rated::{ReservationDayRow, SoldDay, StoredShare, reserved};
use crate::row::{Fault, parsed};
use crate::statement::{query_as, query_scalar};
use crate::{catalog, subscription, usage};

/// What is known of the actor in the customer's directory: the roles of a customer's own count there.
pub(crate) async fn facts_of<A>(permit: &Permit<A>, tx: &mut Tx<'_>) -> Result<Facts, Fault> {
    if permit.is_partner() {
        return Ok(permit.facts().clone());
    }
    facts::of_customer(permit.actor(), permit.customer(), tx).await
}

/// The partners with which usage of a customer is known, as far as the actor may see them.
pub(crate) async fn known(
    customer: CustomerId,
    sight: Sight<'_>,
    period: Period,
    tx: &mut Tx<'_>,
) -> Result<Vec<Known>, Fault> {
    let partners: Vec<String> =
        query_scalar("SELECT partner_id FROM usage_account WHERE customer_id = $1 ORDER BY partner_id")
            .bind(customer.to_string())
            .fetch_all(tx)
            .await?;
    let mut all = Vec::new();
    for text in partners {
        let partner: PartnerId = parsed("partner id", &text)?;
        if !sight.sees_partner(partner) {
            continue;
        }
        // Each of the three looks at one end of an index.
        let (first, last, waiting_days): (Option<i64>, Option<i64>, i64) = query_as(
            "SELECT (SELECT min(day) FROM usage_day WHERE customer_id = $1 AND partner_id = $2),
                    (SELECT max(day) FROM usage_day WHERE customer_id = $1 AND partner_id = $2),
                    (SELECT count(*) FROM usage_day
                     WHERE customer_id = $1 AND partner_id = $2 AND stale_since IS NOT NULL)",
        )
        .bind(customer.to_string())
        .bind(&text)
        .fetch_one(tx)
        .await?;
        let (Some(first), Some(last)) = (first, last) else { continue };
        let (first_bits, last_bits) =
            (bits(customer, partner, first, tx).await?, bits(customer, partner, last, tx).await?);
        let first = first.saturating_mul(24).saturating_add(first_bits.trailing_zeros().into());
        let end = last.saturating_mul(24).saturating_add(64).saturating_sub(last_bits.leading_zeros().into());
        let (from, until) = period.hours(end);
        let hours = known_hours(customer, partner, from, until, tx).await?;
        all.push(Known { partner, first, end, from, until, hours, waiting_days });
    }
    Ok(all)
}

async fn bits(customer: CustomerId, partner: PartnerId, day: i64, tx: &mut Tx<'_>) -> Result<i64, Fault> {
    query_as::<(i64,)>("SELECT known_hours FROM usage_day WHERE customer_id = $1 AND partner_id = $2 AND day = $3")
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(day)
        .fetch_one(tx)
        .await
        .map(|(bits,)| bits)
}

/// How many of the hours from one to before another are known.
async fn known_hours(
    customer: CustomerId,
    partner: PartnerId,
    from: i64,
    until: i64,
    tx: &mut Tx<'_>,
) -> Result<i64, Fault> {
    let rows: Vec<(i64, i64)> = query_as(
        "SELECT day, known_hours FROM usage_day WHERE customer_id = $1 AND partner_id = $2 AND day >= $3 AND day <= $4",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(day_of(from))
    .bind(day_of(until))
    .fetch_all(tx)
    .await?;
    let within = |day: i64, hour: &i64| (from..until).contains(&day.saturating_mul(24).saturating_add(*hour));
    let count = |(day, bits): (i64, i64)| (0..24).filter(|hour| bits >> hour & 1 == 1 && within(day, hour)).count();
    let hours: usize = rows.into_iter().map(count).sum();
    Ok(i64::try_from(hours).unwrap_or(i64::MAX))
}

/// Which reservations are asked about.
#[derive(Clone, Copy, Default)]
struct Wanted {
    order: Option<ReservationOrderId>,
    reservation: Option<ReservationId>,
}

async fn reservation_days(
    customer: CustomerId,
    known: &Known,
    (from, until): (i64, i64),
    wanted: Wanted,
    tx: &mut Tx<'_>,
) -> Result<Vec<ReservationDayRow>, Fault> {
    let columns =
        "SELECT d.day, d.reservation_id, d.charged_to, d.reservation_order_id, d.currency, d.list_hourly_e8, d.hours, o.sku,
                o.region
         FROM rated_reservation d
         JOIN reservation_order o ON o.customer_id = d.customer_id AND o.reservation_order_id = d.reservation_order_id
         WHERE d.customer_id = $1 AND d.partner_id = $2 AND d.day >= $3 AND d.day <= $4";
    let narrowed = match (wanted.order, wanted.reservation) {
        (None, None) => "",
        (Some(_), None) => "AND d.reservation_order_id = $5",
        (_, Some(_)) => "AND d.reservation_id = $5",
    };
    let statement = query_as(format!("{columns} {narrowed} ORDER BY d.day, d.reservation_id, d.charged_to"))
        .bind(customer.to_string())
        .bind(known.partner.to_string())
        .bind(day_of(from))
        .bind(day_of(until.saturating_sub(1)));
    match (wanted.order, wanted.reservation) {
        (_, Some(reservation)) => statement.bind(reservation.to_string()),
        (Some(order), None) => statement.bind(order.to_string()),
        (None, None) => statement,
    }
    .fetch_all(tx)
    .await
}

async fn utilization(
    customer: CustomerId,
    known: Vec<Known>,
    wanted: Wanted,
    sight: Sight<'_>,
    tx: &mut Tx<'_>,
) -> Result<Utilization, Fault> {
    let mut reservations: BTreeMap<ReservationId, ReservationUse> = BTreeMap::new();
    for one in &known {
        for row in reservation_days(customer, one, (one.from, one.until), wanted, tx).await? {
            let day = row.read()?;
            let is_wanted = wanted.order.is_none_or(|order| order == day.order);
            if !is_wanted || !sight.sees_reservation(day.order, day.reservation) {
                continue;
            }
            let found = reservations.entry(day.reservation).or_insert_with(|| ReservationUse {
                partner: one.partner,
                order: day.order,
                reservation: day.reservation,
                sku: day.sku.clone(),
                currency: day.currency,
                list_hourly_e8: day.list_hourly_e8,
                hours: Vec::new(),
            });
            found.hours.extend(day.hours.into_iter().filter(|hour| (one.from..one.until).contains(&hour.hour)));
        }
    }
    let mut reservations: Vec<ReservationUse> = reservations.into_values().collect();
    for one in &mut reservations {
        // A day whose unused hours are charged to two subscriptions has two rows.
        one.hours.sort_by_key(|hour| hour.hour);
    }
    reservations.retain(|one| !one.hours.is_empty());
    Ok(Utilization { known, reservations })
}

impl Answer for ReadKnownUsage {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<KnownUsage, Fault> {
        let facts = facts_of(permit, tx).await?;
        let sight = Sight::of(&facts);
        let nothing = Period::Hours { from: 0, until: 0 };
        let known = known(permit.customer(), sight, nothing, tx).await?;
        let all = subscription::list(permit.customer(), tx).await?.into_iter().map(|one| (one.partner, one.id));
        let sees = |(partner, id): &(PartnerId, _)| sight.sees_partner(*partner) && sight.sees_subscription(*id);
        Ok(KnownUsage { known, subscriptions: all.filter(sees).collect() })
    }
}

impl Answer for ReadUtilization {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Utilization, Fault> {
        let facts = facts_of(permit, tx).await?;
        let sight = Sight::of(&facts);
        let known = known(permit.customer(), sight, self.period, tx).await?;
        let wanted = Wanted { order: None, reservation: self.reservation };
        utilization(permit.customer(), known, wanted, sight, tx).await
    }
}

impl Answer for ReadOrderUse {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Utilization, Fault> {
        let sight = Sight::of(permit.facts());
        let known = known(permit.customer(), sight, self.period, tx).await?;
        let wanted = Wanted { order: Some(self.order), reservation: self.reservation };
        utilization(permit.customer(), known, wanted, sight, tx).await
    }
}

impl Answer for ReadCosts {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Costs, Fault> {
        let customer = permit.customer();
        let facts = facts_of(permit, tx).await?;
        let sight = Sight::of(&facts);
        let known = known(customer, sight, self.period, tx).await?;
        let mut days: BTreeMap<(PartnerId, i64), DayCosts> = BTreeMap::new();
        for one in &known {
            let partner = one.partner;
            let day_of_costs = |day| DayCosts { partner, day, shares: Vec::new(), wastes: Vec::new() };
            let rows: Vec<(i64, Option<String>)> = query_as(
                "SELECT day, shares FROM usage_day
                 WHERE customer_id = $1 AND partner_id = $2 AND day >= $3 AND day <= $4",
            )
            .bind(customer.to_string())
            .bind(partner.to_string())
            .bind(day_of(one.from))
            .bind(day_of(one.until.saturating_sub(1)))
            .fetch_all(tx)
            .await?;
            for (day, shares) in rows {
                let mut shares = shares.as_deref().map(StoredShare::read_all).transpose()?.unwrap_or_default();
                shares.retain(|share| sight.sees_subscription(share.subscription));
                days.entry((partner, day)).or_insert_with(|| day_of_costs(day)).shares = shares;
            }
            for row in reservation_days(customer, one, (one.from, one.until), Wanted::default(), tx).await? {
                let read = row.read()?;
                if !sight.sees_reservation(read.order, read.reservation) {
                    continue;
                }
                if let Some(waste) = waste_of(read) {
                    days.entry((partner, row.day)).or_insert_with(|| day_of_costs(row.day)).wastes.push(waste);
                }
            }
        }
        Ok(Costs { known, days: days.into_values().collect() })
    }
}

/// What nobody used of a reservation in a day.
fn waste_of(day: SoldDay) -> Option<Waste> {
    let waste = Waste {
        order: day.order,
        reservation: day.reservation,
        charged_to: day.charged_to,
        sku: day.sku,
        region: day.region,
        currency: day.currency,
        quantity_e10: day.hours.iter().map(|h| i128::from(h.quantity) * 10_000_000_000 - h.used_e10).sum(),
        cost_e10: day.hours.iter().map(|hour| hour.unused_cost_e10).sum(),
    };
    ((waste.quantity_e10, waste.cost_e10) != (0, 0)).then_some(waste)
}

/// What resources used, day by day, as far as `takes` lets it through.
async fn by_resource(
    customer: CustomerId,
    known: &[Known],
    takes: impl Fn(&ResourceUse) -> bool,
    tx: &mut Tx<'_>,
) -> Result<Vec<ResourceUse>, Fault> {
    let sizes = sizes(&*catalog::in_force(tx).await?);
    let mut found = Vec::new();
    for one in known {
        let all = reserved(customer, one.partner, tx).await?;
        for day in day_of(one.from)..=day_of(one.until.saturating_sub(1)) {
            let first = day.saturating_mul(24);
            let hours = usage::hours_between(customer, one.partner, first, first.saturating_add(24), tx).await?;
            let resources = usage::resources_of(customer, one.partner, &hours, tx).await?;
            let stretches: Vec<Stretch> = all.of_day(day).cloned().collect();
            let used = Book::new(&resources, &stretches, &sizes).and_then(|book| book.by_resource(&hours));
            for ((number, reservation), used) in used.map_err(too_large)? {
                let Some(resource) = resources.get(&number) else { continue };
                let one = ResourceUse { day, resource: resource.clone(), reservation, used };
                if takes(&one) {
                    found.push(one);
                }
            }
        }
    }
    Ok(found)
}

fn too_large(overflow: Overflow) -> Fault {
    Fault::Damaged { what: "amount", value: overflow.to_string() }
}

impl Answer for ReadResourceUse {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<ResourceUse>, Fault> {
        let sight = Sight::of(permit.facts());
        let known = known(permit.customer(), sight, self.period, tx).await?;
        let is_theirs = |one: &ResourceUse| {
            let is_wanted = self.reservation.is_none_or(|wanted| one.reservation == Some(wanted));
            let sees = |id| sight.sees_reservation(self.order, id);
            one.used.order == Some(self.order) && is_wanted && one.reservation.is_some_and(sees)
        };
        by_resource(permit.customer(), &known, is_theirs, tx).await
    }
}

impl Answer for ReadSubscriptionUse {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<SubscriptionUse, Fault> {
        let customer = permit.customer();
        let sight = Sight::of(permit.facts());
        let known = known(customer, sight, self.period, tx).await?;
        let is_there = |one: &ResourceUse| one.resource.subscription == self.subscription;
        let resources = by_resource(customer, &known, is_there, tx).await?;
        let mut wastes = Vec::new();
        for one in &known {
            for row in reservation_days(customer, one, (one.from, one.until), Wanted::default(), tx).await? {
                let read = row.read()?;
                let is_theirs = read.charged_to == self.subscription;
                if is_theirs && sight.sees_reservation(read.order, read.reservation) {
                    wastes.extend(waste_of(read).map(|waste| (row.day, waste)));
                }
            }
        }
        Ok(SubscriptionUse { resources, wastes })
    }
}

/// The customers of whom a partner's reservations have figures; of an order, the one that has it.
async fn customers(
    partner: PartnerId,
    order: Option<ReservationOrderId>,
    tx: &mut Tx<'_>,
) -> Result<Vec<CustomerId>, Fault> {
    let found: Vec<String> = match order {
        None => query_scalar("SELECT customer_id FROM usage_account WHERE partner_id = $1 ORDER BY customer_id")
            .bind(partner.to_string()),
        Some(order) => query_scalar(
            "SELECT customer_id FROM reservation_order WHERE partner_id = $1 AND reservation_order_id = $2",
        )
        .bind(partner.to_string())
        .bind(order.to_string()),
    }
    .fetch_all(tx)
    .await?;
    found.iter().map(|id| parsed("customer id", id)).collect()
}

impl Answer for ReadPartnerUse {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<OfPartner<ReservationUse>, Fault> {
        if permit.partner() != self.partner {
            return Ok(OfPartner::NotTheirs);
        }
        let sight = Sight::of_partner(permit);
        let wanted = Wanted { order: self.order, reservation: self.reservation };
        let (mut found, mut days) = (Vec::new(), 0_usize);
        for customer in customers(self.partner, self.order, tx).await? {
            let known = known(customer, sight, self.period, tx).await?;
            let one = utilization(customer, known, wanted, sight, tx).await?;
            days = one.reservations.iter().fold(days, |days, one| days.saturating_add(one.hours.len() / 24 + 1));
            if days > OF_PARTNER_MAX {
                return Ok(OfPartner::TooMuch);
            }
            found.extend(one.reservations);
        }
        Ok(OfPartner::Found(found))
    }
}

impl Answer for ReadPartnerResourceUse {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<OfPartner<ResourceUse>, Fault> {
        if permit.partner() != self.partner {
            return Ok(OfPartner::NotTheirs);
        }
        let sight = Sight::of_partner(permit);
        let is_wanted = |one: &ResourceUse| {
            let of_order = self.order.is_none_or(|wanted| one.used.order == Some(wanted));
            let of_reservation = self.reservation.is_none_or(|wanted| one.reservation == Some(wanted));
            one.reservation.is_some() && of_order && of_reservation
        };
        let mut found = Vec::new();
        for customer in customers(self.partner, self.order, tx).await? {
            let known = known(customer, sight, self.period, tx).await?;
            found.extend(by_resource(customer, &known, is_wanted, tx).await?);
            if found.len() > OF_PARTNER_MAX {
                return Ok(OfPartner::TooMuch);
            }
        }
        Ok(OfPartner::Found(found))
    }
}

impl Answer for ExplainUsage {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<Explained>, Fault> {
        let customer = permit.customer();
        let facts = facts_of(permit, tx).await?;
        let sight = Sight::of(&facts);
        let period = Period::Hours { from: self.hour, until: self.hour.saturating_add(1) };
        let mut explained = Vec::new();
        for one in known(customer, sight, period, tx).await? {
            let hours = usage::hours_between(customer, one.partner, one.from, one.until, tx).await?;
            let resources = usage::resources_of(customer, one.partner, &hours, tx).await?;
            let all = reserved(customer, one.partner, tx).await?;
            let stretches: Vec<Stretch> = all.of_day(day_of(self.hour)).cloned().collect();
            let sizes = sizes(&*catalog::in_force(tx).await?);
            let book = Book::new(&resources, &stretches, &sizes).map_err(too_large)?;
            for hour in &hours {
                explained.extend(explain(&book, one.partner, hour, self.about).map_err(too_large)?);
            }
        }
        for cell in &mut explained {
            cell.lines.retain(|line| sight.sees_subscription(line.resource.subscription));
            cell.reservations.retain(|one| sight.sees_reservation(one.order, one.reservation));
        }
        explained.retain(|cell| !cell.lines.is_empty() || !cell.reservations.is_empty());
        Ok(explained)
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::activity::RequestContext;
    use fullmakt_domain::arm_scope::ArmScope;
    use fullmakt_domain::benefit::{About, UseTotals};
    use fullmakt_domain::ids::SubscriptionId;
    use fullmakt_domain::lifecycle::{Besides, SplitReservation};
    use fullmakt_domain::money::Currency;
    use fullmakt_domain::placement::Purchased;
    use fullmakt_domain::rating::{Pass, Why};
    use fullmakt_domain::reservation::{AppliedScope, GetReservationOrder};
    use fullmakt_domain::reservation_update::UpdateReservation;
    use fullmakt_domain::usage::{ImportUsage, Imported, UsageHour, UsageLine, UsageResource, hour_of, hour_start};
    use jiff::{Timestamp, ToSpan};

    use super::*;
    use crate::due::Job;
    use crate::testing::{
        ADA, CUSTOMER, OLLE, PARTNER, RUT, SAGA, SUBSCRIPTION, actor, bought, number, request, run, stores,
    };
    use crate::{ExecuteError, ReadError, Store};

    /// Another subscription of the customer, on which nobody has a role.
    const OTHER: &str = "33333333-3333-4333-8333-333333333334";
    const ANOTHER: &str = "
        INSERT INTO subscription VALUES ('22222222-2222-4222-8222-222222222222', '33333333-3333-4333-8333-333333333334',
            '55555555-5555-4555-8555-555555555555', '11111111-1111-4111-8111-111111111111', 'Test', 'active', 0)";

    fn customer() -> CustomerId {
        CustomerId::parse(CUSTOMER).unwrap()
    }

    fn at(hours: i64) -> RequestContext {
        RequestContext { now: request().now + hours.hours(), ..request() }
    }

    /// The hour of the purchase.
    fn start() -> i64 {
        hour_of(request().now)
    }

    fn resource(subscription: &str, group: &str) -> UsageResource {
        UsageResource {
            subscription: SubscriptionId::parse(subscription).unwrap(),
            resource: format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/vm/a"),
            region: "swedencentral".to_owned(),
            sku: "Standard_D2s_v5".to_owned(),
            unit_price_e6: 120_000,
            currency: Currency::parse("EUR").unwrap(),
        }
    }

    /// Hours after the purchase with what ran on the two subscriptions, in instances.
    fn import(hours: &[(i64, i64, i64)]) -> ImportUsage {
        let line =
            |resource, quantity: i64| UsageLine { resource, line: 10 + resource, quantity_e6: quantity * 1_000_000 };
        let hour = |(hour, first, second): &(i64, i64, i64)| UsageHour {
            hour: start() + hour,
            lines: vec![line(0, *first), line(1, *second)],
        };
        ImportUsage {
            customer: customer(),
            resources: vec![resource(SUBSCRIPTION, "App"), resource(OTHER, "db")],
            hours: hours.iter().map(hour).collect(),
        }
    }

    async fn bring(store: &Store, hours: &[(i64, i64, i64)], now: i64) -> Imported {
        store.execute(&actor(ADA, PARTNER), &import(hours), &at(now)).await.unwrap()
    }

    /// Does what is due, and tells which kinds.
    async fn work(store: &Store, now: i64) -> Vec<Job> {
        let mut done = Vec::new();
        while let Some(due) = store.due(at(now).now, 10).await.unwrap().into_iter().next() {
            assert!(store.perform(&due, at(now).now).await.unwrap(), "{due:?}");
            done.push(due.job());
            assert!(done.len() < 50, "no end of {done:?}");
        }
        let backlog = store.backlog(at(now).now).await.unwrap();
        assert!(backlog.iter().all(|one| one.count == 0), "{backlog:?}");
        done.retain(|job| *job != Job::Instalments);
        done
    }

    /// Does the rating that is due and nothing else.
    async fn rate(store: &Store, now: i64) {
        let is_rating = |due: &crate::due::Due| due.job() == Job::Rating;
        while let Some(due) = store.due(at(now).now, 10).await.unwrap().into_iter().find(is_rating) {
            assert!(store.perform(&due, at(now).now).await.unwrap());
        }
    }

    async fn used(store: &Store, who: (&str, &str)) -> Vec<UseTotals> {
        let query = ReadUtilization { customer: customer(), period: Period::LastDays(30), reservation: None };
        let answer = store.read(&actor(who.0, who.1), &query).await.unwrap();
        answer.reservations.iter().map(|one| one.totals(i64::MIN, i64::MAX)).collect()
    }

    const ONE: i128 = 10_000_000_000;

    #[tokio::test]
    async fn usage_is_brought_in_once_rated_and_seen_by_whom_it_concerns() {
        for (store, _directory) in stores().await {
            let bought = bought(&store).await;
            run(&store, ANOTHER).await;
            let records = number(&store, "SELECT revision FROM customer").await;
            let hours = [(0, 1, 0), (1, 2, 3), (2, 0, 1), (3, 0, 0)];
            assert_eq!(bring(&store, &hours, 5).await, Imported { changed_hours: 4, unchanged_hours: 0, lines: 8 });
            assert_eq!(bring(&store, &hours, 5).await, Imported { changed_hours: 0, unchanged_hours: 4, lines: 8 });
            assert_eq!(number(&store, "SELECT revision FROM customer").await, records + 1, "one record a batch");
            assert_eq!(work(&store, 5).await, [Job::Rating, Job::FirstUse, Job::Rating]);

            // Two instances: used 1 + 2 + 1 + 0 of 8.
            let [all] = used(&store, (ADA, PARTNER)).await[..] else { panic!() };
            assert_eq!((all.hours, all.reserved_e10, all.used_e10), (4, 8 * ONE, 4 * ONE));
            assert_eq!(all.percent(2), Some(rust_decimal::Decimal::from(50)));
            let terms = bought.order.prices;
            let hourly =
                |price: fullmakt_domain::money::Money| i128::from((price.amount_e6 * 100 + 4_380) / 8_760) * 100;
            assert_eq!(all.used_cost_e10 + all.unused_cost_e10, 8 * hourly(terms.customer));
            assert_eq!(all.list_cost_e10, 8 * hourly(terms.list));
            assert_eq!(all.pay_as_you_go_e10, 4 * 1_200_000_000);
            assert_eq!(used(&store, (SAGA, PARTNER)).await, [all]);
            assert_eq!(used(&store, (OLLE, CUSTOMER)).await, [all]);
            assert!(used(&store, (RUT, CUSTOMER)).await.is_empty());

            // Who pays for it: all of it adds up.
            let query = ReadCosts { customer: customer(), period: Period::LastDays(7) };
            let costs = store.read(&actor(ADA, PARTNER), &query).await.unwrap();
            assert_eq!((costs.known[0].first, costs.known[0].end), (start(), start() + 4));
            assert_eq!((costs.known[0].hours, costs.known[0].waiting_days), (4, 0));
            let back = costs.chargeback().into_values().next().unwrap();
            let paid_as_it_went = 3 * 1_200_000_000;
            assert_eq!(back.total.total_e10(), 8 * hourly(terms.customer) + paid_as_it_went);
            assert_eq!(back.charges.values().map(|one| one.total_e10()).sum::<i128>(), back.total.total_e10());
            let places: Vec<_> = back.charges.keys().map(|(id, group)| (id.to_string(), group.clone())).collect();
            let expected = [
                (SUBSCRIPTION.to_owned(), None),
                (SUBSCRIPTION.to_owned(), Some("app".to_owned())),
                (OTHER.to_owned(), Some("db".to_owned())),
            ];
            assert_eq!(places, expected);
            let own = store.read(&actor(OLLE, CUSTOMER), &query).await.unwrap();
            let own = own.chargeback().into_values().next().unwrap();
            assert_eq!(own.charges.keys().filter(|(id, _)| id.to_string() == OTHER).count(), 0);

            // Why the second hour came out so.
            let query = ExplainUsage { customer: customer(), hour: start() + 1, about: About::Line(11) };
            let told = store.read(&actor(ADA, PARTNER), &query).await.unwrap();
            let [told] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!((told.lines[0].parts.len(), told.lines[0].rest_e10), (0, 3 * ONE));
            assert_eq!(told.reservations[0].why, Why::UsedUp { lines: vec![10], more: false });
            assert_eq!(told.reservations[0].pass, Pass::SharedFlexible);
            assert!(store.read(&actor(RUT, CUSTOMER), &query).await.unwrap().is_empty());
            let nothing = ExplainUsage { about: About::Line(12), ..query };
            assert!(store.read(&actor(ADA, PARTNER), &nothing).await.unwrap().is_empty());

            let found =
                store.read(&actor(ADA, PARTNER), &GetReservationOrder { order: bought.order.id }).await.unwrap();
            assert_eq!(found.unwrap().reservations[0].first_used_at, Some(request().now));
        }
    }

    #[tokio::test]
    async fn late_usage_and_changed_reservations_are_rated_anew() {
        for (store, _directory) in stores().await {
            let bought = bought(&store).await;
            run(&store, ANOTHER).await;
            bring(&store, &[(0, 0, 2), (1, 0, 2), (2, 0, 2)], 5).await;
            rate(&store, 5).await;
            let sum = |all: Vec<UseTotals>| all.iter().map(|one| one.used_e10 / ONE).collect::<Vec<_>>();
            assert_eq!(sum(used(&store, (ADA, PARTNER)).await), [6]);

            // The first hour comes again with less.
            assert_eq!(bring(&store, &[(0, 0, 1), (1, 0, 2)], 6).await.changed_hours, 1);
            rate(&store, 6).await;
            assert_eq!(sum(used(&store, (ADA, PARTNER)).await), [5]);
            assert_eq!(number(&store, "SELECT count(*) FROM usage_resource").await, 2);

            // From the second hour on it is for a subscription that runs nothing: a server says so whose clock is slow.
            let update = single(&bought);
            store.execute(&actor(ADA, PARTNER), &update, &at(1)).await.unwrap();
            work(&store, 6).await;
            assert_eq!(sum(used(&store, (ADA, PARTNER)).await), [1]);

            // Two parts go on from hour 7.
            let split = SplitReservation {
                order: bought.order.id,
                reservation: bought.reservation.id,
                quantities: vec![1, 1],
                besides: Besides::default(),
            };
            store.execute(&actor(ADA, PARTNER), &split, &at(6)).await.unwrap();
            bring(&store, &[(6, 2, 0), (7, 2, 0)], 9).await;
            work(&store, 9).await;
            let all = used(&store, (ADA, PARTNER)).await;
            let shown: Vec<(i64, i128)> = all.iter().map(|one| (one.hours, one.used_e10 / ONE)).collect();
            assert_eq!(shown.iter().map(|(_, used)| used).sum::<i128>(), 1 + 2 + 2);
            assert_eq!(shown.len(), 3, "{shown:?}");
            let found =
                store.read(&actor(ADA, PARTNER), &GetReservationOrder { order: bought.order.id }).await.unwrap();
            let first: Vec<Option<Timestamp>> = found.unwrap().reservations.iter().map(|r| r.first_used_at).collect();
            assert_eq!(first, [Some(hour_start(start())); 3], "parts were used with the whole");
        }
    }

    /// Usage in any order, again and late, with changes of reservations in between, comes to what it comes to at once.
    #[tokio::test]
    async fn the_way_usage_came_leaves_no_trace() {
        for (store, _directory) in stores().await {
            let bought = bought(&store).await;
            run(&store, ANOTHER).await;
            let mut seed: i64 = 7;
            let mut draw = |below: i64| {
                seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
                seed / 65_536 % below
            };
            for step in 0..40 {
                let first = draw(70);
                let hours: Vec<_> = (first..first + 1 + draw(9)).map(|hour| (hour, draw(4), draw(4))).collect();
                bring(&store, &hours, 100 + step).await;
                if draw(3) == 0 {
                    work(&store, 100 + step).await;
                }
                if step == 10 {
                    store.execute(&actor(ADA, PARTNER), &single(&bought), &at(100 + step)).await.unwrap();
                }
                if step == 20 {
                    let split = SplitReservation {
                        order: bought.order.id,
                        reservation: bought.reservation.id,
                        quantities: vec![1, 1],
                        besides: Besides::default(),
                    };
                    store.execute(&actor(ADA, PARTNER), &split, &at(100 + step)).await.unwrap();
                }
            }
            bring(&store, &[(105, 2, 2), (112, 2, 2), (118, 2, 2), (125, 1, 3), (136, 3, 0)], 141).await;
            work(&store, 141).await;
            let ada = actor(ADA, PARTNER);
            let period = Period::LastDays(30);
            let costs = ReadCosts { customer: customer(), period };
            let utilization = ReadUtilization { customer: customer(), period, reservation: None };
            let before = (store.read(&ada, &costs).await.unwrap(), store.read(&ada, &utilization).await.unwrap());
            assert_eq!(before.1.reservations.len(), 3);
            run(&store, "DELETE FROM rated_reservation; UPDATE usage_day SET stale_since = 0, shares = NULL").await;
            work(&store, 141).await;
            let after = (store.read(&ada, &costs).await.unwrap(), store.read(&ada, &utilization).await.unwrap());
            assert_eq!(before, after);
            let total = before.0.chargeback().into_values().next().unwrap().total;
            let reserved: i128 = before
                .1
                .reservations
                .iter()
                .map(|one| {
                    let sums = one.totals(i64::MIN, i64::MAX);
                    sums.used_cost_e10 + sums.unused_cost_e10
                })
                .sum();
            assert_eq!(total.benefit_cost_e10 + total.waste_cost_e10, reserved);
        }
    }

    fn single(bought: &Purchased) -> UpdateReservation {
        let scope = ArmScope::Subscription(SubscriptionId::parse(SUBSCRIPTION).unwrap());
        UpdateReservation {
            order: bought.order.id,
            reservation: bought.reservation.id,
            display_name: None,
            instance_flexibility: None,
            review_at: None,
            scope: Some(AppliedScope::Single(scope)),
            renew: None,
            renewal_terms: None,
        }
    }

    #[tokio::test]
    async fn usage_that_came_while_a_day_was_rated_is_not_lost() {
        for (store, _directory) in stores().await {
            bought(&store).await;
            run(&store, ANOTHER).await;
            bring(&store, &[(0, 1, 0)], 5).await;
            let (customer, partner) = (customer(), PartnerId::parse(PARTNER).unwrap());
            // As if it had been read before.
            let looked = {
                let mut reader = store.reader().await.unwrap();
                crate::rated::look(customer, partner, &mut reader.tx()).await.unwrap().unwrap()
            };
            bring(&store, &[(0, 0, 1)], 5).await;
            store.rate_looked(customer, partner, looked, at(5).now).await.unwrap();
            assert_eq!(number(&store, "SELECT count(*) FROM rated_reservation").await, 0);
            assert_eq!(number(&store, "SELECT count(stale_since) FROM usage_day").await, 1);
            work(&store, 5).await;
            assert_eq!(number(&store, "SELECT count(*) FROM rated_reservation").await, 1);
        }
    }

    #[tokio::test]
    async fn a_partners_people_see_what_it_pays_for_and_others_nothing_of_it() {
        for (store, _directory) in stores().await {
            let bought = bought(&store).await;
            run(&store, ANOTHER).await;
            bring(&store, &[(0, 1, 0), (1, 2, 3)], 5).await;
            work(&store, 5).await;
            let partner = PartnerId::parse(PARTNER).unwrap();
            let period = Period::LastDays(30);
            let all = ReadPartnerUse { partner, order: None, reservation: None, period };
            let by_resource =
                ReadPartnerResourceUse { partner, order: Some(bought.order.id), reservation: None, period };
            for who in [actor(ADA, PARTNER), actor(SAGA, PARTNER)] {
                let OfPartner::Found(found) = store.read(&who, &all).await.unwrap() else { panic!("nothing is found") };
                let [one] = found.as_slice() else { panic!("{found:?}") };
                assert_eq!((one.order, one.sku.as_str()), (bought.order.id, bought.order.sku.as_str()));
                assert_eq!(one.totals(i64::MIN, i64::MAX).used_e10, 3 * ONE);
                let OfPartner::Found(found) = store.read(&who, &by_resource).await.unwrap() else { panic!("nothing") };
                assert_eq!(found.iter().map(|one| one.used.discounted_e10).sum::<i128>(), 3 * ONE);
            }
            let ada = actor(ADA, PARTNER);
            let nobody = ReadPartnerUse { order: Some(ReservationOrderId(uuid::Uuid::nil())), ..all.clone() };
            assert_eq!(store.read(&ada, &nobody).await.unwrap(), OfPartner::Found(Vec::new()));
            let other = ReadPartnerUse { partner: PartnerId(customer().0), ..all.clone() };
            assert_eq!(store.read(&ada, &other).await.unwrap(), OfPartner::NotTheirs);
            let denied = store.read(&actor(OLLE, CUSTOMER), &all).await;
            assert!(matches!(denied, Err(ReadError::Denied(_))), "{denied:?}");

            // What nobody used is a charge of the subscription that it was bought with, for who may read the reservation.
            let here = ReadSubscriptionUse { subscription: SubscriptionId::parse(SUBSCRIPTION).unwrap(), period };
            let charged = store.read(&actor(OLLE, CUSTOMER), &here).await.unwrap();
            assert_eq!(charged.wastes.iter().map(|(_, waste)| waste.quantity_e10).sum::<i128>(), ONE);

            let known = ReadKnownUsage { customer: customer() };
            let told = store.read(&ada, &known).await.unwrap();
            assert_eq!((told.known[0].first, told.known[0].end), (start(), start() + 2));
            assert_eq!(told.subscriptions.len(), 2);
            let told = store.read(&actor(OLLE, CUSTOMER), &known).await.unwrap();
            assert_eq!(told.subscriptions, [(partner, here.subscription)]);
            assert_eq!(store.read(&actor(RUT, CUSTOMER), &known).await.unwrap().subscriptions, []);
        }
    }

    #[tokio::test]
    async fn only_an_admin_agent_brings_usage_in() {
        for (store, _directory) in stores().await {
            bought(&store).await;
            for who in [actor(SAGA, PARTNER), actor(OLLE, CUSTOMER)] {
                let refused = store.execute(&who, &import(&[(0, 1, 0)]), &at(5)).await;
                assert!(matches!(refused, Err(ExecuteError::Denied(_))), "{refused:?}");
            }
            let refused = store.execute(&actor(ADA, PARTNER), &import(&[(0, 1, 0)]), &at(5)).await;
            assert!(matches!(refused, Err(ExecuteError::Refused(_))), "a subscription that is not there: {refused:?}");
        }
    }
}
