//! What to buy: answers.

use std::collections::BTreeSet;

use fullmakt_domain::authz::Permit;
use fullmakt_domain::benefit::{Known, Period, Sight};
use fullmakt_domain::catalog::Storefront;
use fullmakt_domain::ids::{CustomerId, SubscriptionId};
use fullmakt_domain::obstacle::day;
use fullmakt_domain::rated::{Book, sizes};
use fullmakt_domain::rating::Overflow;
use fullmakt_domain::recommendation::{
    Advice, Basis, LookBack, ReadRecommendations, ReadSubscriptionRecommendations, choices, recommend, uncovered,
};
use jiff::Timestamp;

use crate::benefit::{facts_of, known};
use crate::db::Tx;
use crate::door::Answer;
use crate::rated::reserved;
use crate::row::Fault;
use crate::{catalog, price_rule, subscription, usage};

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
    let hours = usage::hours_between(customer, partner, known.from, known.until, tx).await?;
    let resources = usage::resources_of(customer, partner, &hours, tx).await?;
    let reserved = reserved(customer, partner, tx).await?;
    let catalog = catalog::in_force(tx).await?;
    let storefront = catalog::storefront(partner, Some(customer), tx).await?;
    let rules = price_rule::for_customer(partner, customer, tx).await?;
    let own = subscription::list(customer, tx).await?.into_iter().map(|one| one.id);
    let visible: BTreeSet<SubscriptionId> = own.filter(|id| sight.sees_subscription(*id)).collect();
    let Storefront { currency, .. } = storefront;
    let window = known.from..known.until;
    // Hundreds of thousands of lines are rated again, beside the threads that answer others.
    let worked = tokio::task::spawn_blocking(move || {
        let book = Book::new(&resources, &reserved.stretches, &sizes(&catalog))?;
        let is_visible = |id| visible.contains(&id);
        let uncovered = uncovered(&book, &resources, &hours, &catalog, currency, is_visible)?;
        let choices = choices(&catalog, &rules, customer, storefront, day(now));
        recommend(Basis { uncovered: &uncovered, choices: &choices, now }, &window)
    });
    let worked = worked.await.map_err(|e| Fault::NotCommitted(e.to_string()))?;
    let too_large = |e: Overflow| Fault::Damaged { what: "amount", value: e.to_string() };
    Ok(Advice { known, currency, recommendations: worked.map_err(too_large)? })
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::money::Currency;
    use fullmakt_domain::usage::{ImportUsage, UsageHour, UsageLine, UsageResource, hour_of};
    use jiff::ToSpan;

    use super::*;
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, RUT, SUBSCRIPTION, actor, bought, request, stores};
    use crate::{ReadError, Store};

    fn customer() -> CustomerId {
        CustomerId::parse(CUSTOMER).unwrap()
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
