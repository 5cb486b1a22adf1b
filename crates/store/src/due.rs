//! Work that has fallen due: finding it, doing it, and which of several servers does it.

use fullmakt_domain::activity::{Outcome, RequestContext};
use fullmakt_domain::authz::{Decision, Permit, permit_due};
use fullmakt_domain::due::{
    DueWork, ExpireReservationOrder, MayMoveClock, NoteUse, PostInstalments, RenewWhenDue, WaitingInstalment, midnight,
};
use fullmakt_domain::ids::{CorrelationId, CustomerId, PartnerId};
use fullmakt_domain::reservation::OrderWithReservations;
use futures_util::FutureExt;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use uuid::Uuid;

use crate::db::{Ending, Store, Tx, on};
use crate::door::{Answer, ExecuteError, Load};
use crate::facts::Root;
use crate::row::{Fault, instant, micros, money, parsed};
use crate::{activity, reservation, reservation_update, write};

/// How long quotes and carts that lapsed are kept, so that whoever comes too late hears why, in hours.
const KEPT_HOURS: i64 = 24;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    /// Instalments of monthly billing.
    Instalments,
    /// Automatic renewal.
    Renewal,
    /// The end of terms.
    Expiry,
    /// Rating of usage.
    Rating,
    /// First uses of reservations.
    FirstUse,
}

impl Job {
    /// All of them, in the order in which they are done when they fall due at one instant.
    pub const ALL: [Self; 5] = [Self::Instalments, Self::Renewal, Self::Expiry, Self::Rating, Self::FirstUse];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instalments => "instalments",
            Self::Renewal => "renewal",
            Self::Expiry => "expiry",
            Self::Rating => "rating",
            Self::FirstUse => "first-use",
        }
    }
}

/// A piece of work that has fallen due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When it fell due.
    pub at: Timestamp,
    work: Work,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Instalments(PostInstalments),
    Renewal(RenewWhenDue),
    Expiry(ExpireReservationOrder),
    Rating(CustomerId, PartnerId),
    FirstUse(NoteUse),
}

impl Due {
    /// Whose it is: pieces of different customers may be done at once.
    pub fn customer(&self) -> CustomerId {
        match &self.work {
            Work::Instalments(work) => work.customer,
            Work::Renewal(work) => work.customer,
            Work::Expiry(work) => work.customer,
            Work::Rating(customer, _) => *customer,
            Work::FirstUse(work) => work.customer,
        }
    }

    /// Which kind of work it is.
    pub fn job(&self) -> Job {
        match self.work {
            Work::Instalments(_) => Job::Instalments,
            Work::Renewal(_) => Job::Renewal,
            Work::Expiry(_) => Job::Expiry,
            Work::Rating(..) => Job::Rating,
            Work::FirstUse(_) => Job::FirstUse,
        }
    }
}

/// How much of a kind of work waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// The kind.
    pub job: Job,
    /// How many pieces have fallen due.
    pub count: i64,
    /// When the oldest of them did.
    pub oldest: Option<Timestamp>,
}

impl Store {
    /// The oldest work that has fallen due by an instant, in the order in which it is to be done: at most so many of each
    /// kind.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn due(&self, by: Timestamp, limit: i64) -> Result<Vec<Due>, Fault> {
        let mut reader = self.reader().await?;
        let tx = &mut reader.tx();
        let instalments: Vec<(String, String, String)> = on!(tx, conn => sqlx::query_as(
            "SELECT DISTINCT i.due_on, i.customer_id, o.partner_id
             FROM instalment i JOIN reservation_order o
               ON o.customer_id = i.customer_id AND o.reservation_order_id = i.reservation_order_id
             WHERE i.posted_event IS NULL AND i.due_on <= $1
             ORDER BY i.due_on, i.customer_id, o.partner_id LIMIT $2")
            .bind(day(by)).bind(limit).fetch_all(conn).await)?;
        let renewals: Vec<(i64, String, String, String, String)> = on!(tx, conn => sqlx::query_as(
            "SELECT o.expires_at, o.customer_id, o.partner_id, o.reservation_order_id, r.reservation_id
             FROM reservation_order o JOIN reservation r
               ON r.customer_id = o.customer_id AND r.reservation_order_id = o.reservation_order_id
             WHERE o.state = 'succeeded' AND o.expires_at <= $1
               AND r.state = 'succeeded' AND r.renew = 1 AND r.renewed_as IS NULL
             ORDER BY o.expires_at, o.customer_id, o.reservation_order_id, r.reservation_id LIMIT $2")
            .bind(micros(by)).bind(limit).fetch_all(conn).await)?;
        let expiries: Vec<(i64, String, String, String)> = on!(tx, conn => sqlx::query_as(
            "SELECT o.expires_at, o.customer_id, o.partner_id, o.reservation_order_id FROM reservation_order o
             WHERE o.state = 'succeeded' AND o.expires_at <= $1 AND NOT EXISTS (
                 SELECT 1 FROM reservation r
                 WHERE r.customer_id = o.customer_id AND r.reservation_order_id = o.reservation_order_id
                   AND r.state = 'succeeded' AND r.renew = 1 AND r.renewed_as IS NULL)
             ORDER BY o.expires_at, o.customer_id, o.reservation_order_id LIMIT $2")
            .bind(micros(by)).bind(limit).fetch_all(conn).await)?;
        let mut due = Vec::new();
        for (on, customer, partner) in instalments {
            let on: Date = parsed("day", &on)?;
            let (customer, partner) = (parsed("customer id", &customer)?, parsed("partner id", &partner)?);
            let work = Work::Instalments(PostInstalments { customer, partner, due: on });
            due.push(Due { at: midnight(on), work });
        }
        for (at, customer, partner, order, reservation) in renewals {
            let (customer, partner) = (parsed("customer id", &customer)?, parsed("partner id", &partner)?);
            let order = parsed("reservation order id", &order)?;
            let reservation = parsed("reservation id", &reservation)?;
            let work = Work::Renewal(RenewWhenDue { customer, partner, order, reservation });
            due.push(Due { at: instant(at)?, work });
        }
        for (at, customer, partner, order) in expiries {
            let (customer, partner) = (parsed("customer id", &customer)?, parsed("partner id", &partner)?);
            let order = parsed("reservation order id", &order)?;
            let work = Work::Expiry(ExpireReservationOrder { customer, partner, order });
            due.push(Due { at: instant(at)?, work });
        }
        due.extend(rating_due(by, limit, tx).await?);
        due.extend(first_uses_due(by, limit, tx).await?);
        due.sort();
        Ok(due)
    }

    /// How much work has fallen due by an instant.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn backlog(&self, by: Timestamp) -> Result<[Backlog; 5], Fault> {
        let mut reader = self.reader().await?;
        let tx = &mut reader.tx();
        let (instalments, oldest_day): (i64, Option<String>) = on!(tx, conn => sqlx::query_as(
            "SELECT count(*), min(due_on) FROM instalment WHERE posted_event IS NULL AND due_on <= $1")
            .bind(day(by)).fetch_one(conn).await)?;
        let (expiries, oldest): (i64, Option<i64>) = on!(tx, conn => sqlx::query_as(
            "SELECT count(*), min(expires_at) FROM reservation_order WHERE state = 'succeeded' AND expires_at <= $1")
            .bind(micros(by)).fetch_one(conn).await)?;
        let (renewals, oldest_renewal): (i64, Option<i64>) = on!(tx, conn => sqlx::query_as(
            "SELECT count(*), min(o.expires_at) FROM reservation_order o JOIN reservation r
               ON r.customer_id = o.customer_id AND r.reservation_order_id = o.reservation_order_id
             WHERE o.state = 'succeeded' AND o.expires_at <= $1
               AND r.state = 'succeeded' AND r.renew = 1 AND r.renewed_as IS NULL")
            .bind(micros(by)).fetch_one(conn).await)?;
        let (rating, oldest_usage): (i64, Option<i64>) = on!(tx, conn => sqlx::query_as(
            "SELECT count(*), min(w.since) FROM (
               SELECT u.customer_id, a.at AS since FROM usage_account u
               JOIN activity_record a ON a.root_id = u.customer_id AND a.sequence = u.seen_revision + 1 WHERE a.at <= $1
               UNION ALL SELECT customer_id, stale_since FROM usage_day WHERE stale_since <= $1) w")
            .bind(micros(by)).fetch_one(conn).await)?;
        let (uses, oldest_use): (i64, Option<i64>) = on!(tx, conn => sqlx::query_as(
            "SELECT count(*), min(f.found_at) FROM first_use f JOIN reservation r
               ON r.customer_id = f.customer_id AND r.reservation_order_id = f.reservation_order_id
               AND r.reservation_id = f.reservation_id
             WHERE f.found_at <= $1 AND (r.first_used_at IS NULL OR r.first_used_at > f.used_at)")
            .bind(micros(by)).fetch_one(conn).await)?;
        let oldest_day: Option<Date> = oldest_day.map(|day| parsed("day", &day)).transpose()?;
        Ok([
            Backlog { job: Job::Instalments, count: instalments, oldest: oldest_day.map(midnight) },
            Backlog { job: Job::Renewal, count: renewals, oldest: oldest_renewal.map(instant).transpose()? },
            Backlog { job: Job::Expiry, count: expiries, oldest: oldest.map(instant).transpose()? },
            Backlog { job: Job::Rating, count: rating, oldest: oldest_usage.map(instant).transpose()? },
            Backlog { job: Job::FirstUse, count: uses, oldest: oldest_use.map(instant).transpose()? },
        ])
    }

    /// Does a piece of work, in one transaction, unless it is done already. Tells whether anything changed.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn perform(&self, due: &Due, now: Timestamp) -> Result<bool, Fault> {
        match &due.work {
            Work::Instalments(work) => self.perform_work(work, now).await,
            Work::Renewal(work) => self.perform_work(work, now).await,
            Work::Expiry(work) => self.perform_work(work, now).await,
            Work::Rating(customer, partner) => self.rate(*customer, *partner, now).await,
            Work::FirstUse(work) => self.perform_work(work, now).await,
        }
    }

    /// As the door's `execute`, for work that nobody asked for.
    async fn perform_work<C>(&self, work: &C, now: Timestamp) -> Result<bool, Fault>
    where
        C: DueWork + Load,
    {
        let work = work.clone();
        let done = self
            .write(move |tx| {
                async move {
                    let changed = perform_locked(&work, now, tx).await?;
                    Ok::<_, ExecuteError>((if changed { Ending::Keep } else { Ending::Undo }, changed))
                }
                .boxed()
            })
            .await;
        match done {
            Ok(changed) => Ok(changed),
            Err(ExecuteError::Fault(fault)) => Err(fault),
            // The customer is gone, or there is a reason against it: there is nothing to do.
            Err(ExecuteError::Denied(_) | ExecuteError::Refused(_)) => Ok(false),
        }
    }

    /// Removes the quotes and carts that lapsed long enough ago. What was bought is in the orders.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn sweep_lapsed(&self, now: Timestamp) -> Result<(), Fault> {
        let before = micros(now.saturating_sub(Span::new().hours(KEPT_HOURS)).unwrap_or(Timestamp::MIN));
        self.write(move |tx| {
            async move {
                for statement in [
                    "DELETE FROM quote WHERE lapses_at <= $1",
                    "DELETE FROM cart_line WHERE EXISTS (
                         SELECT 1 FROM cart c WHERE c.customer_id = cart_line.customer_id AND c.cart_id = cart_line.cart_id
                           AND c.status = 'Active' AND c.changed_at <= $1)",
                    "DELETE FROM cart WHERE status = 'Active' AND changed_at <= $1",
                ] {
                    on!(tx, conn => sqlx::query(statement).bind(before).execute(conn).await.map(drop))?;
                }
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }

    /// Takes or renews the lease on due work; false when another server has it. By the real clock.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn take_lease(&self, holder: Uuid, now: Timestamp, until: Timestamp) -> Result<bool, Fault> {
        self.write(move |tx| {
            async move {
                let mine: Option<String> = on!(tx, conn => sqlx::query_scalar(
                    "INSERT INTO lease (name, holder, held_until) VALUES ('jobs', $1, $2)
                     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
                       WHERE lease.held_until <= $3 OR lease.holder = excluded.holder
                     RETURNING holder")
                    .bind(holder.to_string()).bind(micros(until)).bind(micros(now)).fetch_optional(conn).await)?;
                Ok::<_, Fault>((Ending::Keep, mine.is_some()))
            }
            .boxed()
        })
        .await
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn release_lease(&self, holder: Uuid) -> Result<(), Fault> {
        self.write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query("DELETE FROM lease WHERE name = 'jobs' AND holder = $1")
                    .bind(holder.to_string()).execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }

    /// Where a movable clock was left.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn moved_clock(&self) -> Result<Option<Timestamp>, Fault> {
        let mut reader = self.reader().await?;
        let tx = &mut reader.tx();
        let at: Option<i64> =
            on!(tx, conn => sqlx::query_scalar("SELECT at FROM moved_clock").fetch_optional(conn).await)?;
        at.map(instant).transpose()
    }

    /// Keeps where a movable clock stands; it never goes back.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn keep_moved_clock(&self, at: Timestamp) -> Result<(), Fault> {
        self.write(move |tx| {
            async move {
                on!(tx, conn => sqlx::query(
                    "INSERT INTO moved_clock (name, at) VALUES ('clock', $1)
                     ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE moved_clock.at < excluded.at")
                    .bind(micros(at)).execute(conn).await.map(drop))?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }
}

/// Customers of whom usage waits to be rated, or whose log has gone on since their reservations were looked at.
async fn rating_due(by: Timestamp, limit: i64, tx: &mut Tx<'_>) -> Result<Vec<Due>, Fault> {
    let rows: Vec<(i64, String, String)> = on!(tx, conn => sqlx::query_as(
        "SELECT min(w.since), w.customer_id, w.partner_id FROM (
           SELECT u.customer_id, u.partner_id, a.at AS since FROM usage_account u
           JOIN activity_record a ON a.root_id = u.customer_id AND a.sequence = u.seen_revision + 1 WHERE a.at <= $1
           UNION ALL SELECT customer_id, partner_id, stale_since FROM usage_day WHERE stale_since <= $1) w
         GROUP BY w.customer_id, w.partner_id ORDER BY min(w.since), w.customer_id, w.partner_id LIMIT $2")
        .bind(micros(by)).bind(limit).fetch_all(conn).await)?;
    let due = |(at, customer, partner): (i64, String, String)| {
        let work = Work::Rating(parsed("customer id", &customer)?, parsed("partner id", &partner)?);
        Ok(Due { at: instant(at)?, work })
    };
    rows.into_iter().map(due).collect()
}

async fn first_uses_due(by: Timestamp, limit: i64, tx: &mut Tx<'_>) -> Result<Vec<Due>, Fault> {
    let rows: Vec<(i64, i64, String, String, String, String)> = on!(tx, conn => sqlx::query_as(
        "SELECT f.found_at, f.used_at, f.customer_id, f.partner_id, r.reservation_order_id, r.reservation_id
         FROM first_use f JOIN reservation r
           ON r.customer_id = f.customer_id AND r.reservation_order_id = f.reservation_order_id
           AND r.reservation_id = f.reservation_id
         WHERE f.found_at <= $1 AND (r.first_used_at IS NULL OR r.first_used_at > f.used_at)
         ORDER BY f.found_at, f.customer_id, f.reservation_id LIMIT $2")
        .bind(micros(by)).bind(limit).fetch_all(conn).await)?;
    let due = |(found, used, customer, partner, order, reservation): (i64, i64, String, String, String, String)| {
        let work = Work::FirstUse(NoteUse {
            customer: parsed("customer id", &customer)?,
            partner: parsed("partner id", &partner)?,
            order: parsed("reservation order id", &order)?,
            reservation: parsed("reservation id", &reservation)?,
            at: instant(used)?,
        });
        Ok(Due { at: instant(found)?, work })
    };
    rows.into_iter().map(due).collect()
}

async fn perform_locked<C>(work: &C, now: Timestamp, tx: &mut Tx<'_>) -> Result<bool, ExecuteError>
where
    C: DueWork + Load,
{
    let root = Root::Customer(work.customer());
    let sequence = write::lock(&root, tx).await?;
    let permit = permit_due(work);
    let state = work.load(&permit, tx).await?;
    let Decision { changes, record, .. } = work.decide(&permit, state, now)?;
    let Some(record) = record else { return Ok(false) };
    for change in &changes {
        write::change(&permit, change, tx).await?;
    }
    // Nobody asked: the correlation follows from the work, so that the same history gives the same log.
    let correlation =
        CorrelationId(Uuid::new_v5(&work.customer().0, format!("{} {}", C::OPERATION.name, work.subject()).as_bytes()));
    let request = RequestContext { now, correlation };
    let entry = activity::Entry::new(&permit, C::OPERATION, &root, sequence, &request);
    entry.write(Outcome::Succeeded, &record, None, tx).await?;
    Ok(true)
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

impl Load for PostInstalments {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<WaitingInstalment>, Fault> {
        let rows: Vec<(String, i64, i64, i64, i64, String)> = on!(tx, conn => sqlx::query_as(
            "SELECT i.reservation_order_id, i.number,
                    o.original_quantity - CAST(coalesce((
                        SELECT sum(r.quantity) FROM reservation_return r
                        WHERE r.customer_id = i.customer_id AND r.reservation_order_id = i.reservation_order_id), 0) AS BIGINT),
                    i.partner_e6, i.customer_e6, o.currency
             FROM instalment i JOIN reservation_order o
               ON o.customer_id = i.customer_id AND o.reservation_order_id = i.reservation_order_id
             WHERE i.customer_id = $1 AND o.partner_id = $2 AND i.due_on = $3 AND i.posted_event IS NULL
             ORDER BY i.reservation_order_id, i.number")
            .bind(permit.customer().to_string())
            .bind(permit.partner().to_string())
            .bind(self.due.to_string())
            .fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(order, number, quantity, partner, customer, currency)| {
                Ok(WaitingInstalment {
                    order: parsed("reservation order id", &order)?,
                    number,
                    quantity,
                    partner: money(partner, &currency)?,
                    customer: money(customer, &currency)?,
                })
            })
            .collect()
    }
}

impl Load for RenewWhenDue {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        let found = reservation_update::renewing(permit.customer(), self.order, self.reservation, tx).await?;
        Ok(found.map(|(found, _, basis)| (found, basis)))
    }
}

impl Load for ExpireReservationOrder {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<OrderWithReservations>, Fault> {
        reservation::load(permit.customer(), self.order, tx).await
    }
}

impl Load for NoteUse {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<OrderWithReservations>, Fault> {
        reservation::load(permit.customer(), self.order, tx).await
    }
}

impl Answer for MayMoveClock {
    async fn answer(&self, _permit: &Permit<Self>, _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::testing::{BOUGHT, WORLD, number, run, stores};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn r24_due_work_is_found_in_order_done_once_and_leaves_one_record_each() {
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            run(&store, BOUGHT).await;
            assert!(store.due(at("2026-11-30T23:59:59Z"), 10).await.unwrap().is_empty());
            let (later, end) = (at("2026-12-08T00:00:00Z"), at("2027-11-01T08:00:00Z"));
            let due = store.due(later, 10).await.unwrap();
            assert_eq!(due.iter().map(Due::job).collect::<Vec<_>>(), [Job::Instalments; 2]);
            let backlog = store.backlog(later).await.unwrap();
            assert_eq!((backlog[0].count, backlog[0].oldest), (2, Some(at("2026-12-01T00:00:00Z"))));
            assert_eq!(store.due(later, 1).await.unwrap(), due[..1]);
            let (first, second) = (store.perform(&due[0], later), store.perform(&due[0], later));
            let (first, second) = tokio::join!(first, second);
            assert!(first.unwrap() != second.unwrap(), "one of two does it");
            assert!(store.perform(&due[1], later).await.unwrap());
            assert!(store.due(later, 10).await.unwrap().is_empty());
            assert_eq!(number(&store, "SELECT count(*) FROM ledger_entry WHERE kind = 'instalment'").await, 8);
            let on_the_day = "SELECT count(*) FROM ledger_entry WHERE at = 1796083200000000";
            assert_eq!(number(&store, on_the_day).await, 8, "posted on its day, a week late");

            let early = end - 1.second();
            assert!(store.due(early, 10).await.unwrap().is_empty());
            let due = store.due(end, 10).await.unwrap();
            assert_eq!(due.iter().map(Due::job).collect::<Vec<_>>(), [Job::Expiry; 2]);
            assert!(!store.perform(&due[0], early).await.unwrap(), "too early");
            for due in &due {
                assert!(store.perform(due, end).await.unwrap());
                assert!(!store.perform(due, end).await.unwrap());
            }
            let expired = "SELECT count(*) FROM reservation WHERE state = 'expired' AND updated_at = 1825056000000000";
            assert_eq!(number(&store, expired).await, 2);
            let records =
                "SELECT count(*) FROM activity_record WHERE outcome = 'succeeded' AND actor_name = 'fullmakt'";
            assert_eq!(number(&store, records).await, 4);
            assert_eq!(number(&store, "SELECT CAST(sum(revision) AS BIGINT) FROM customer").await, 4);
        }
    }

    #[tokio::test]
    async fn what_lapsed_a_day_ago_is_swept_and_what_was_ordered_stays() {
        let rows = "
            INSERT INTO cart SELECT customer_id, 'old' || customer_id, '11111111-1111-4111-8111-111111111111', 'Active',
                0, 1793520000000000, 'a', NULL FROM customer;
            INSERT INTO cart SELECT customer_id, 'ordered' || customer_id, '11111111-1111-4111-8111-111111111111',
                'Ordered', 0, 1793520000000000, 'a', 'b' FROM customer;
            INSERT INTO cart_line (customer_id, cart_id, line_number, item, quantity, billing_cycle, order_group)
                SELECT customer_id, cart_id, 0, 'i', 1, 'c', 'g' FROM cart;
            INSERT INTO quote (customer_id, reservation_order_id, partner_id, subscription_id, asked_by, sku, region,
                    resource_type, term, billing_plan, quantity, currency, list_unit_e6, partner_unit_e6, customer_unit_e6,
                    quoted_at, lapses_at)
                SELECT customer_id, 'q', '11111111-1111-4111-8111-111111111111', 's', 'a', 'k', 'r', 't', 'P1Y', 'Upfront',
                       1, 'EUR', 1, 1, 1, 0, 1793520000000000 FROM customer";
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            run(&store, rows).await;
            let lapsed = at("2026-11-01T08:00:00Z");
            store.sweep_lapsed(lapsed + 24.hours() - 1.second()).await.unwrap();
            assert_eq!(number(&store, "SELECT count(*) FROM cart_line").await, 2);
            assert_eq!(number(&store, "SELECT count(*) FROM quote").await, 1);
            store.sweep_lapsed(lapsed + 24.hours()).await.unwrap();
            assert_eq!(number(&store, "SELECT count(*) FROM quote").await, 0);
            assert_eq!(number(&store, "SELECT count(*) FROM cart").await, 1);
            assert_eq!(number(&store, "SELECT count(*) FROM cart_line").await, 1);
        }
    }

    #[tokio::test]
    async fn one_of_several_servers_has_the_lease_until_it_ends() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let start = at("2026-11-01T08:00:00Z");
        for (store, _directory) in stores().await {
            let take = |holder, second: i64| {
                store.take_lease(holder, start + second.seconds(), start + (second + 30).seconds())
            };
            assert!(take(one, 0).await.unwrap());
            assert!(!take(other, 29).await.unwrap());
            assert!(take(one, 29).await.unwrap());
            assert!(!take(other, 58).await.unwrap());
            assert!(take(other, 59).await.unwrap(), "the first one died");
            store.release_lease(one).await.unwrap();
            assert!(!take(one, 60).await.unwrap(), "only its holder gives it back");
            store.release_lease(other).await.unwrap();
            assert!(take(one, 60).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_movable_clock_is_kept_and_never_goes_back() {
        let start = at("2026-11-01T08:00:00Z");
        for (store, _directory) in stores().await {
            assert_eq!(store.moved_clock().await.unwrap(), None);
            for (second, kept) in [(10, 10), (5, 10), (11, 11)] {
                store.keep_moved_clock(start + second.seconds()).await.unwrap();
                assert_eq!(store.moved_clock().await.unwrap(), Some(start + kept.seconds()));
            }
        }
    }
}
