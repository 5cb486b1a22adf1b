//! What to buy: answers.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use fullmakt_domain::authz::Permit;
use fullmakt_domain::benefit::{Known, Period, Sight};
use fullmakt_domain::catalog::{Catalog, Storefront};
use fullmakt_domain::ids::{CustomerId, PartnerId, SubscriptionId};
use fullmakt_domain::obstacle::day;
use fullmakt_domain::price_rule::PriceRule;
use fullmakt_domain::rated::{Book, sizes};
use fullmakt_domain::rating::Overflow;
use fullmakt_domain::recommendation::{
    Advice, Basis, LookBack, ReadRecommendations, ReadSubscriptionRecommendations, Recommendation, choices, recommend,
    uncovered,
};
use fullmakt_domain::usage::day_of;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::benefit::{facts_of, known};
use crate::db::Tx;
use crate::door::Answer;
use crate::rated::reserved;
use crate::row::Fault;
use crate::statement::query_as;
use crate::{catalog, price_rule, subscription, usage};

/// Answers that are kept; then all are forgotten.
const KEPT: usize = 500;

/// For whom: two who see the same subscriptions are told the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct For {
    customer: CustomerId,
    partner: PartnerId,
    hours: i64,
    visible: BTreeSet<SubscriptionId>,
}

/// All that what to buy follows from.
struct MadeWith {
    window: Range<i64>,
    /// The days of the window and how often usage of each was brought in.
    usage: Vec<(i64, i64)>,
    /// Names the reservations in the window.
    reserved: String,
    catalog: Arc<Catalog>,
    rules: Vec<PriceRule>,
    storefront: Storefront,
    /// The day on which it would be bought: prices and terms go by days.
    on: Date,
}

impl MadeWith {
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.catalog, &other.catalog)
            && (&self.window, &self.usage, &self.reserved) == (&other.window, &other.usage, &other.reserved)
            && (&self.rules, self.storefront, self.on) == (&other.rules, other.storefront, other.on)
    }
}

type Found = (MadeWith, Vec<Recommendation>);

/// What was found lately. Shared by all that use one database; whether it is still true is asked each time, since other
/// servers write too.
#[derive(Clone, Default)]
pub(crate) struct Cache(Arc<Mutex<HashMap<For, Found>>>);

impl Cache {
    /// What was found, unless something of it has changed since.
    fn get(&self, of: &For, with: &MadeWith, now: Timestamp) -> Option<Vec<Recommendation>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, recommendations) = found.get(of).filter(|(made, _)| made.is_same(with))?;
        Some(recommendations.iter().map(|one| Recommendation { now, ..one.clone() }).collect())
    }

    fn keep(&self, of: For, with: MadeWith, recommendations: &[Recommendation]) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= KEPT {
            found.clear();
        }
        found.insert(of, (with, recommendations.to_vec()));
    }
}

impl Answer for ReadRecommendations {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<Advice>, Fault> {
        let customer = permit.customer();
        let facts = facts_of(permit, tx).await?;
        let sight = Sight::of(&facts);
        let mut all = Vec::new();
        for known in known(customer, sight, period(self.look_back), tx).await? {
            all.push(advice(customer, known, sight, self.now, tx).await?);
        }
        Ok(all)
    }
}

impl Answer for ReadSubscriptionRecommendations {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Advice>, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let sight = Sight::of(permit.facts());
        let found = known(customer, sight, period(self.look_back), tx).await?;
        let Some(known) = found.into_iter().find(|known| known.partner == partner) else { return Ok(None) };
        let mut advice = advice(customer, known, sight, self.now, tx).await?;
        advice.recommendations.retain(|one| one.subscription.is_none_or(|id| id == self.subscription));
        Ok(Some(advice))
    }
}

fn period(look_back: LookBack) -> Period {
    Period::LastDays(look_back.days())
}

/// What to buy through a partner, by the hours of the period.
async fn advice(
    customer: CustomerId,
    known: Known,
    sight: Sight<'_>,
    now: Timestamp,
    tx: &mut Tx<'_>,
) -> Result<Advice, Fault> {
    let partner = known.partner;
    let window = known.from..known.until;
    let own = subscription::list(customer, tx).await?.into_iter().map(|one| one.id);
    let visible: BTreeSet<SubscriptionId> = own.filter(|id| sight.sees_subscription(*id)).collect();
    // What tells whether usage changed is read before the usage: what changes in between is found anew next time.
    let versions = versions(customer, partner, &window, tx).await?;
    let reserved = reserved(customer, partner, tx).await?;
    let catalog = catalog::in_force(tx).await?;
    let storefront = catalog::storefront(partner, Some(customer), tx).await?;
    let rules = price_rule::for_customer(partner, customer, tx).await?;
    let Storefront { currency, .. } = storefront;
    let of = For { customer, partner, hours: window.end - window.start, visible };
    let with = MadeWith {
        usage: versions,
        reserved: reserved.name(window.start, window.end),
        window,
        catalog,
        rules,
        storefront,
        on: day(now),
    };
    let cache = tx.catalog.advice.clone();
    if let Some(recommendations) = cache.get(&of, &with, now) {
        return Ok(Advice { known, currency, recommendations });
    }
    let hours = usage::hours_between(customer, partner, with.window.start, with.window.end, tx).await?;
    let resources = usage::resources_of(customer, partner, &hours, tx).await?;
    // Hundreds of thousands of lines are rated again, beside the threads that answer others.
    let worked = tokio::task::spawn_blocking(move || {
        let sizes = sizes(&with.catalog);
        let book = Book::new(&resources, &reserved.stretches, &sizes)?;
        let is_visible = |id| of.visible.contains(&id);
        let uncovered = uncovered(&book, &resources, &hours, &sizes, currency, is_visible)?;
        let choices = choices(&with.catalog, &sizes, &with.rules, customer, storefront, with.on);
        let found = recommend(Basis { uncovered: &uncovered, choices: &choices, now }, &with.window)?;
        cache.keep(of, with, &found);
        Ok(found)
    });
    let worked = worked.await.map_err(|e| Fault::NotCommitted(e.to_string()))?;
    let too_large = |e: Overflow| Fault::Damaged { what: "amount", value: e.to_string() };
    Ok(Advice { known, currency, recommendations: worked.map_err(too_large)? })
}

/// The days of hours, and how often usage of each was brought in.
async fn versions(
    customer: CustomerId,
    partner: PartnerId,
    window: &Range<i64>,
    tx: &mut Tx<'_>,
) -> Result<Vec<(i64, i64)>, Fault> {
    query_as(
        "SELECT day, version FROM usage_day
         WHERE customer_id = $1 AND partner_id = $2 AND day >= $3 AND day <= $4 ORDER BY day",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
    .bind(day_of(window.start))
    .bind(day_of(window.end.saturating_sub(1)))
    .fetch_all(tx)
    .await
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::activity::RequestContext;
    use fullmakt_domain::ids::PriceRuleId;
    use fullmakt_domain::money::Currency;
    use fullmakt_domain::price_rule::{AddPriceRule, PriceRuleKind};
    use fullmakt_domain::usage::{ImportUsage, UsageHour, UsageLine, UsageResource, hour_of};
    use jiff::{SignedDuration, ToSpan};
    use rust_decimal::Decimal;

    use super::*;
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, RUT, SUBSCRIPTION, actor, bought, request, run, stores};
    use crate::{ReadError, Store};

    fn customer() -> CustomerId {
        CustomerId::parse(CUSTOMER).unwrap()
    }

    /// What is advised first: how many, what that saves, and when it would be bought.
    async fn first(store: &Store, days: LookBack, now: Timestamp) -> Option<(i64, i128, Timestamp)> {
        let query = ReadRecommendations { customer: customer(), look_back: days, now };
        let all = store.read(&actor(ADA, PARTNER), &query).await.unwrap();
        let one = all.first()?.recommendations.first()?;
        Some((one.quantity.instances(), one.net_saving_e10(), one.now))
    }

    /// Whatever it follows from changes, what was found before is not told again.
    #[tokio::test]
    async fn what_was_found_is_kept_until_usage_reservations_prices_or_the_day_change() {
        for (store, _directory) in stores().await {
            bought(&store).await;
            bring(&store).await;
            let now = request().now + 200.hours();
            let week = LookBack::Last7Days;
            let found = first(&store, week, now).await.unwrap();
            // Kept, and told of the instant that is asked about; what nobody sees is not told to who sees less.
            let later = now + 1.second();
            assert_eq!(first(&store, week, later).await.unwrap(), (found.0, found.1, later));
            let query = ReadRecommendations { customer: customer(), look_back: week, now };
            let hidden = store.read(&actor(RUT, CUSTOMER), &query).await.unwrap();
            assert!(hidden.iter().all(|advice| advice.recommendations.is_empty()));
            assert_eq!(first(&store, LookBack::Last30Days, now).await, None, "a week of a month is too little");

            // The same usage again is no change; less of it in an hour is.
            bring(&store).await;
            assert_eq!(first(&store, week, now).await.unwrap(), found);
            let empty = ImportUsage {
                customer: customer(),
                resources: Vec::new(),
                hours: vec![UsageHour { hour: hour_of(request().now) + 1, lines: Vec::new() }],
            };
            let at = RequestContext { now, ..request() };
            store.execute(&actor(ADA, PARTNER), &empty, &at).await.unwrap();
            let less = first(&store, week, now).await.unwrap();
            assert_eq!(found.1 - less.1, i128::from(found.0) * 1_200_000_000, "what an hour of them saved");

            let rule = AddPriceRule {
                id: PriceRuleId(uuid::Uuid::from_u128(77)),
                customer: Some(customer()),
                family: None,
                sku: None,
                term: None,
                kind: PriceRuleKind::Discount(Decimal::from(50)),
                from: day(now),
                until: None,
            };
            store.execute(&actor(ADA, PARTNER), &rule, &at).await.unwrap();
            let cheaper = first(&store, week, now).await.unwrap();
            assert!(cheaper.0 == less.0 && cheaper.1 > less.1, "{cheaper:?} {less:?}");
            run(&store, "UPDATE reservation SET quantity = quantity + 1").await;
            let reserved = first(&store, week, now).await.unwrap();
            assert_eq!(reserved.0, cheaper.0 - 1);
            let term = first(&store, week, now + SignedDuration::from_hours(24 * 200)).await.unwrap();
            assert!(term.1 > reserved.1, "a year with a leap day has more hours: {term:?} {reserved:?}");

            // Nothing tells that these hours are gone, so it is told what is kept.
            run(&store, "DELETE FROM usage_hour").await;
            assert_eq!(first(&store, week, now + SignedDuration::from_hours(24 * 200)).await.unwrap(), term);
        }
    }

    /// A week from the purchase of two on, in which five run around the clock and two more in one hour of six.
    async fn bring(store: &Store) {
        let resource = |name: &str| UsageResource {
            subscription: SubscriptionId::parse(SUBSCRIPTION).unwrap(),
            resource: format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/app/providers/vm/{name}"),
            region: "swedencentral".to_owned(),
            sku: "Standard_D2s_v5".to_owned(),
            unit_price_e6: 120_000,
            currency: Currency::parse("EUR").unwrap(),
        };
        let line = |resource, quantity: i64| UsageLine { resource, line: resource, quantity_e6: quantity * 1_000_000 };
        let hour = |hour: i64| UsageHour {
            hour: hour_of(request().now) + hour,
            lines: if hour % 6 == 0 { vec![line(0, 5), line(1, 2)] } else { vec![line(0, 5)] },
        };
        let import = ImportUsage {
            customer: customer(),
            resources: vec![resource("a"), resource("b")],
            hours: (0..168).map(hour).collect(),
        };
        let mut later = request();
        later.now += 200.hours();
        store.execute(&actor(ADA, PARTNER), &import, &later).await.unwrap();
    }

    #[tokio::test]
    async fn what_to_buy_follows_from_what_was_paid_as_it_went_and_is_seen_by_whom_it_concerns() {
        for (store, _directory) in stores().await {
            bought(&store).await;
            let now = request().now + 200.hours();
            let query = ReadRecommendations { customer: customer(), look_back: LookBack::Last7Days, now };
            assert_eq!(store.read(&actor(ADA, PARTNER), &query).await.unwrap(), [], "no usage yet");
            bring(&store).await;
            let all = store.read(&actor(ADA, PARTNER), &query).await.unwrap();
            let [advice] = all.as_slice() else { panic!("{all:?}") };
            assert_eq!((advice.currency.code(), advice.known.hours), ("EUR", 168));
            let scopes: Vec<_> = advice.recommendations.iter().map(|one| one.subscription.is_some()).collect();
            assert_eq!(scopes, [false, true]);
            for one in &advice.recommendations {
                // Two are covered already, and what runs in one hour of six does not pay.
                assert_eq!((one.quantity.instances(), one.hours, one.hours_with_usage), (3, 168, 168));
                assert_eq!(one.covered_e10, 3 * 168 * 10_000_000_000);
                assert_eq!(one.cost_without_e10, (3 * 168 + 2 * 28) * 1_200_000_000);
                assert_eq!(one.avoided_e10, 3 * 168 * 1_200_000_000);
                assert!(one.net_saving_e10() > 0);
            }
            assert_eq!(store.read(&actor(OLLE, CUSTOMER), &query).await.unwrap(), all);
            let hidden = store.read(&actor(RUT, CUSTOMER), &query).await.unwrap();
            assert!(hidden.iter().all(|advice| advice.recommendations.is_empty()), "no role, no usage");

            let subscription = SubscriptionId::parse(SUBSCRIPTION).unwrap();
            let query = ReadSubscriptionRecommendations { subscription, look_back: LookBack::Last7Days, now };
            let here = store.read(&actor(OLLE, CUSTOMER), &query).await.unwrap();
            assert_eq!(here.as_ref(), Some(advice));
            let refused = store.read(&actor(RUT, CUSTOMER), &query).await;
            assert!(matches!(refused, Err(ReadError::Denied(_))), "{refused:?}");
        }
    }
}
