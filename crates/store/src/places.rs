//! Where subscriptions were found: whose they are, and which partner sold them.
//!
//! It spares a trip to a database elsewhere: what decides a command can be asked for together with where its target is. It is a
//! guess all the same. Whoever uses it asks for the place too, and goes the longer way where it is another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fullmakt_domain::authz::Target;
use fullmakt_domain::ids::SubscriptionId;

use crate::facts::Located;

/// How many places are remembered; then all are forgotten.
const REMEMBERED: usize = 100_000;

/// The places of one database. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<HashMap<SubscriptionId, Located>>>);

impl Places {
    /// Where a target most likely is.
    pub(crate) fn guess(&self, target: &Target) -> Option<Located> {
        let Target::Subscription(id) = target else { return None };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Remembers where a target was found.
    pub(crate) fn remember(&self, target: &Target, located: &Located) {
        let (Target::Subscription(id), Located::Place(_)) = (target, located) else { return };
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= REMEMBERED {
            places.clear();
        }
        places.insert(*id, located.clone());
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::ids::ReservationOrderId;
    use fullmakt_domain::obstacle::Obstacle;
    use fullmakt_domain::quote::QuotePrice;
    use fullmakt_domain::refusal::Refusal;

    use super::*;
    use crate::door::ExecuteError;
    use crate::testing::{
        CUSTOMER, OLLE, SUBSCRIPTION, actor, bought, buys, item, number, purchase_of, request, run, stores,
    };

    #[tokio::test]
    async fn r15_a_subscription_that_another_partner_sells_by_now_is_not_bought_on_by_the_first_ones_leave() {
        let olle = actor(OLLE, CUSTOMER);
        let subscription = SubscriptionId::parse(SUBSCRIPTION).unwrap();
        let target = Target::Subscription(subscription);
        for (store, _directory) in stores().await {
            bought(&store).await;
            let place = store.places.guess(&target);
            assert_eq!(place.is_some(), store.is_shared(), "it is remembered where it spares a trip");
            run(
                &store,
                "INSERT INTO tenant VALUES ('11111111-1111-4111-8111-111111111119', 'partner', 'Andra', 'andra.example');
                 INSERT INTO partner (partner_id, country, currency)
                     VALUES ('11111111-1111-4111-8111-111111111119', 'SE', 'EUR');
                 UPDATE subscription SET partner_id = '11111111-1111-4111-8111-111111111119'",
            )
            .await;
            let order = ReservationOrderId::parse("44444444-4444-4444-8444-444444444445").unwrap();
            store.execute(&olle, &QuotePrice { order, subscription, item: item() }, &request()).await.unwrap();
            let buy = purchase_of(order);
            let refused = store.execute(&olle, &buy, &request()).await;
            let Err(ExecuteError::Refused(Refusal::PurchaseNotAllowed { obstacles })) = refused else {
                panic!("{refused:?}")
            };
            assert!(obstacles.iter().any(|o| matches!(o, Obstacle::PermissionOff { .. })), "{obstacles:?}");
            assert_eq!(number(&store, "SELECT count(*) FROM reservation_order").await, 1);

            run(&store, "UPDATE subscription SET partner_id = '11111111-1111-4111-8111-111111111111'").await;
            buys(&store, &olle, "44444444-4444-4444-8444-444444444446").await;
            assert_eq!(store.places.guess(&target), place);
        }
    }
}
