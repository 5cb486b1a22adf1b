//! Changes after the purchase: loads and answers.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::ids::{CustomerId, ReservationId, ReservationOrderId};
use fullmakt_domain::lifecycle::{
    ArchiveReservation, CheckScopes, LifecycleState, ListRevisions, MergeReservations, SplitReservation,
    UnarchiveReservation,
};
use fullmakt_domain::obstacle::PartnerContact;
use fullmakt_domain::renewal::{self, PriceRenewal, RenewReservation, RenewalBasis, RenewalState};
use fullmakt_domain::reservation::{AppliedScope, OrderWithReservations, RenewalTerms};
use fullmakt_domain::reservation_update::{ChangePurchase, UpdateReservation, UpdateState};

use crate::db::Tx;
use crate::door::{Answer, Load};
use crate::row::Fault;
use crate::{catalog, price_rule, purchase, reservation, role_assignment, subscription};

impl Load for UpdateReservation {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<UpdateState, Fault> {
        let customer = permit.customer();
        let found = reservation::load(customer, self.order, tx).await?;
        let (partner, country) = purchase::parties(customer, permit.partner(), tx).await?;
        let billing = match &found {
            Some(found) => subscription::load(customer, found.order.subscription, tx).await?,
            None => None,
        };
        let scope_in_context = match &self.scope {
            Some(scope) => purchase::in_context(customer, billing.as_ref(), scope, tx).await?,
            None => true,
        };
        let renewal_in_context = match &self.renewal_terms {
            Some(terms) => {
                let named = subscription::load(customer, terms.subscription, tx).await?;
                let same = named.as_ref().is_some_and(|s| s.partner == partner.id);
                same && purchase::in_context(customer, named.as_ref(), &terms.scope, tx).await?
            }
            None => true,
        };
        let catalog = catalog::in_force(tx).await?;
        Ok(UpdateState { found, partner, scope_in_context, renewal_in_context, country, catalog })
    }
}

async fn lifecycle<A>(permit: &Permit<A>, order: ReservationOrderId, tx: &mut Tx<'_>) -> Result<LifecycleState, Fault> {
    let customer = permit.customer();
    Ok(LifecycleState {
        found: reservation::load(customer, order, tx).await?,
        partner: purchase::parties(customer, permit.partner(), tx).await?.0,
        assignments: role_assignment::below_order(customer, order, tx).await?,
    })
}

impl Load for SplitReservation {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<LifecycleState, Fault> {
        lifecycle(permit, self.order, tx).await
    }
}

impl Load for MergeReservations {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<LifecycleState, Fault> {
        lifecycle(permit, self.order, tx).await
    }
}

impl Load for ArchiveReservation {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<OrderWithReservations>, Fault> {
        reservation::load(permit.customer(), self.order, tx).await
    }
}

impl Load for UnarchiveReservation {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<OrderWithReservations>, Fault> {
        reservation::load(permit.customer(), self.order, tx).await
    }
}

/// What a renewal rests on.
pub(crate) async fn renewal_basis(
    customer: CustomerId,
    found: &OrderWithReservations,
    terms: &RenewalTerms,
    tx: &mut Tx<'_>,
) -> Result<RenewalBasis, Fault> {
    let payer = found.order.partner;
    let (partner, country) = purchase::parties(customer, payer, tx).await?;
    let named = subscription::load(customer, terms.subscription, tx).await?.filter(|s| s.partner == payer);
    Ok(RenewalBasis {
        partner,
        country,
        catalog: catalog::in_force(tx).await?,
        rules: price_rule::for_customer(payer, customer, tx).await?,
        scope_in_context: purchase::in_context(customer, named.as_ref(), &terms.scope, tx).await?,
        subscription: named,
        owners: purchase::owners(customer, terms.subscription, tx).await?,
    })
}

/// A reservation's order, its terms of renewal and what they rest on.
pub(crate) async fn renewing(
    customer: CustomerId,
    order: ReservationOrderId,
    id: ReservationId,
    tx: &mut Tx<'_>,
) -> Result<Option<(OrderWithReservations, RenewalTerms, RenewalBasis)>, Fault> {
    let Some(found) = reservation::load(customer, order, tx).await? else { return Ok(None) };
    let Ok(one) = found.reservation(id) else { return Ok(None) };
    let terms = renewal::terms(&found, one);
    let basis = renewal_basis(customer, &found, &terms, tx).await?;
    Ok(Some((found, terms, basis)))
}

impl Load for RenewReservation {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<RenewalState, Fault> {
        let customer = permit.customer();
        if let Some((found, _, basis)) = renewing(customer, self.order, self.reservation, tx).await? {
            return Ok(RenewalState { found: Some(found), basis });
        }
        let (partner, country) = purchase::parties(customer, permit.partner(), tx).await?;
        let catalog = catalog::in_force(tx).await?;
        let basis = RenewalBasis {
            partner,
            country,
            catalog,
            rules: Vec::new(),
            subscription: None,
            scope_in_context: false,
            owners: Vec::new(),
        };
        Ok(RenewalState { found: None, basis })
    }
}

impl Answer for PriceRenewal {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let found = renewing(permit.customer(), self.order, self.reservation, tx).await?;
        Ok(found.and_then(|(found, terms, basis)| renewal::price(&basis, &found, &terms, self.now)))
    }
}

impl Answer for CheckScopes {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let customer = permit.customer();
        let Some(found) = reservation::load(customer, self.order, tx).await? else { return Ok(None) };
        if found.reservation(self.reservation).is_err() {
            return Ok(None);
        }
        let billing = subscription::load(customer, found.order.subscription, tx).await?;
        let mut valid = Vec::new();
        for scope in &self.scopes {
            let scope = AppliedScope::Single(scope.clone());
            valid.push(purchase::in_context(customer, billing.as_ref(), &scope, tx).await?);
        }
        Ok(Some(valid))
    }
}

impl Answer for ListRevisions {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let customer = permit.customer();
        let Some(found) = reservation::load(customer, self.order, tx).await? else { return Ok(None) };
        let Ok(present) = found.reservation(self.reservation).cloned() else { return Ok(None) };
        let revisions = reservation::with_revisions(customer, present, tx).await?;
        Ok(Some((found, revisions)))
    }
}

impl Load for ChangePurchase {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<PartnerContact>, Fault> {
        let customer = permit.customer();
        let partner = match permit.facts().partner {
            Some(partner) => Some(partner),
            None => subscription::any_partner(customer, tx).await?,
        };
        match partner {
            Some(partner) => Ok(Some(purchase::parties(customer, partner, tx).await?.0)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::catalog::Term;
    use fullmakt_domain::ids::{CustomerId, SubscriptionId};
    use fullmakt_domain::lifecycle::Besides;
    use fullmakt_domain::order::ListBoughtRevisions;
    use fullmakt_domain::reservation::{DisplayName, GetReservationOrder, Phase};

    use super::*;
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, SUBSCRIPTION, actor, bought, number, request, stores};

    #[tokio::test]
    async fn r20_r22_a_purchase_is_renamed_split_merged_and_renewed_and_nothing_is_forgotten() {
        let (ada, olle) = (actor(ADA, PARTNER), actor(OLLE, CUSTOMER));
        for (store, _directory) in stores().await {
            let purchased = bought(&store).await;
            let (order, reservation) = (purchased.order.id, purchased.reservation.id);
            let rename = UpdateReservation {
                order,
                reservation,
                display_name: DisplayName::parse("Nytt").ok(),
                instance_flexibility: None,
                review_at: None,
                scope: None,
                renew: None,
                renewal_terms: None,
            };
            store.execute(&olle, &rename, &request()).await.unwrap();
            let terms = RenewalTerms {
                subscription: SubscriptionId::parse(SUBSCRIPTION).unwrap(),
                item: fullmakt_domain::obstacle::Item {
                    resource_type: purchased.order.resource_type,
                    sku: purchased.order.sku.clone(),
                    region: purchased.order.region.clone(),
                    term: Term::P1Y,
                    plan: purchased.order.plan,
                    quantity: purchased.order.quantity,
                },
                scope: AppliedScope::Shared,
                display_name: DisplayName::parse("Nästa").ok(),
                instance_flexibility: false,
            };
            let renew = UpdateReservation {
                display_name: None,
                renew: Some(true),
                renewal_terms: Some(terms.clone()),
                ..rename
            };
            assert!(store.execute(&olle, &renew, &request()).await.is_err());
            let (_, set) = store.execute(&ada, &renew, &request()).await.unwrap();
            assert_eq!(set.renew_as, Some(terms));
            let query = PriceRenewal { order, reservation, now: request().now };
            assert_eq!(store.read(&ada, &query).await.unwrap().unwrap().to_string(), "2000.00 EUR");

            let renewed = store.execute(&ada, &RenewReservation { order, reservation }, &request()).await.unwrap();
            assert_eq!(renewed.order.starts_at, purchased.order.expires_at);
            assert!(store.execute(&ada, &RenewReservation { order, reservation }, &request()).await.is_err());

            let besides = Besides::default();
            let split = SplitReservation { order, reservation, quantities: vec![1, 1], besides: besides.clone() };
            let parts = store.execute(&olle, &split, &request()).await.unwrap();
            let merge = MergeReservations { order, reservations: parts.results.clone(), besides };
            let whole = store.execute(&olle, &merge, &request()).await.unwrap();
            let seen = store.read(&ada, &GetReservationOrder { order }).await.unwrap().unwrap();
            let mut phases: Vec<Phase> =
                seen.reservations.iter().map(|r| r.phase(&seen.order, request().now)).collect();
            phases.sort_by_key(|phase| format!("{phase:?}"));
            assert_eq!(phases, [Phase::Active, Phase::Merged, Phase::Merged, Phase::Split]);
            for one in &seen.reservations {
                assert_eq!(whole.found.reservation(one.id).unwrap(), one);
            }
            let hide = ArchiveReservation { order, reservation };
            store.execute(&olle, &hide, &request()).await.unwrap();
            let (_, revisions) = store.read(&olle, &ListRevisions { order, reservation }).await.unwrap().unwrap();
            let bought = ListBoughtRevisions { customer: CustomerId::parse(CUSTOMER).unwrap(), order, reservation };
            assert_eq!(store.read(&ada, &bought).await.unwrap().as_ref(), Some(&revisions));
            assert!(store.read(&olle, &bought).await.is_err());
            let shown: Vec<String> = revisions
                .iter()
                .map(|r| format!("{} {} {:?} {}", r.etag, r.display_name, r.changed_by.side, r.archived))
                .collect();
            assert_eq!(
                shown,
                [
                    "10 Nytt Customer true",
                    "9 Nytt Customer false",
                    "7 Nytt Partner false",
                    "5 Nytt Partner false",
                    "3 Nytt Customer false",
                    "1 Standard_D2s_v5_2026-11-01 Customer false"
                ]
            );
            assert_eq!(
                number(&store, "SELECT revision FROM customer").await,
                number(&store, "SELECT count(*) FROM activity_record").await
            );
        }
    }
}
