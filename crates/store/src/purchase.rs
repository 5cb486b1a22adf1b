//! What decides a purchase: loads and answers.

use fullmakt_domain::actor::Grant;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Permit;
use fullmakt_domain::ids::{CustomerId, PartnerId, PrincipalId, SubscriptionId, TenantId};
use fullmakt_domain::market::Country;
use fullmakt_domain::money::Currency;
use fullmakt_domain::obstacle::{CanBuy, Circumstances, MayIBuy, PartnerContact, Verdict, Who, day, obstacles};
use fullmakt_domain::purchase::{BuyReservation, PurchaseState};
use fullmakt_domain::quote::{QuotePrice, QuoteState, unit_prices};
use fullmakt_domain::reservation::AppliedScope;
use fullmakt_domain::role;
use fullmakt_domain::role_assignment::PrincipalType;
use fullmakt_domain::subscription::Subscription;

use crate::db::Tx;
use crate::door::{Answer, Load};
use crate::row::{Fault, known, parsed};
use crate::statement::{Query, Statement, query_as};
use crate::{catalog, price_rule, quote, reservation, self_serve_policy, subscription};

#[derive(serde::Deserialize)]
struct PartiesRow {
    name: String,
    currency: String,
    support_email: Option<String>,
    support_phone: Option<String>,
    support_url: Option<String>,
    country: String,
}

fn asked_parties(customer: CustomerId, partner: PartnerId) -> Query<PartiesRow> {
    query_as(
        "SELECT t.name, p.currency, p.support_email, p.support_phone, p.support_url, c.country
         FROM customer c, partner p JOIN tenant t ON t.tenant_id = p.partner_id
         WHERE c.customer_id = $1 AND p.partner_id = $2",
    )
    .bind(customer.to_string())
    .bind(partner.to_string())
}

/// The partner that pays, as refusals and prices need it, and the customer's country.
pub(crate) async fn parties(
    customer: CustomerId,
    partner: PartnerId,
    tx: &mut Tx<'_>,
) -> Result<(PartnerContact, Country), Fault> {
    let row = asked_parties(customer, partner).fetch_one(tx).await?;
    let currency = known("currency", &row.currency, Currency::parse(&row.currency).ok())?;
    let support = [row.support_email, row.support_phone, row.support_url].into_iter().flatten().collect();
    let country = known("country", &row.country, Country::parse(&row.country).ok())?;
    Ok((PartnerContact { id: partner, name: row.name, support, currency }, country))
}

impl Load for QuotePrice {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<QuoteState, Fault> {
        let (customer, payer) = (permit.customer(), permit.partner());
        let (partner, country) = parties(customer, payer, tx).await?;
        let catalog = catalog::in_force(tx).await?;
        let rules = price_rule::for_customer(payer, customer, tx).await?;
        Ok(QuoteState { partner, country, catalog, rules })
    }
}

impl Load for BuyReservation {
    const ONLY_ADDS: bool = true;

    fn foresee(&self, customer: CustomerId, payer: PartnerId) -> Vec<Statement> {
        vec![
            asked_parties(customer, payer).question(),
            subscription::asked(customer, self.subscription).question(),
            catalog::asked_newest().question(),
            self_serve_policy::asked(customer, payer).question(),
            quote::asked(customer, self.order).question(),
            reservation::asked_order(customer, self.order).question(),
            asked_owners(customer, self.subscription).question(),
        ]
    }

    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<PurchaseState, Fault> {
        let (customer, payer) = (permit.customer(), permit.partner());
        let (partner, country) = parties(customer, payer, tx).await?;
        let subscription = subscription::load(customer, self.subscription, tx).await?;
        Ok(PurchaseState {
            partner,
            country,
            catalog: catalog::in_force(tx).await?,
            policy: self_serve_policy::load(customer, payer, tx).await?,
            scope_in_context: in_context(customer, subscription.as_ref(), &self.scope, tx).await?,
            subscription,
            quote: quote::load(customer, self.order, tx).await?,
            existing: reservation::load_purchased(customer, self.order, tx).await?,
            owners: owners(customer, self.subscription, tx).await?,
        })
    }
}

/// Whether the applied scope lies in what this partner bought for this customer (R30, R31).
pub(crate) async fn in_context(
    customer: CustomerId,
    billing: Option<&Subscription>,
    scope: &AppliedScope,
    tx: &mut Tx<'_>,
) -> Result<bool, Fault> {
    let Some(applied) = scope.scope() else { return Ok(true) };
    match (applied.subscription(), billing) {
        (Some(applied), Some(billing)) if applied == billing.id => Ok(true),
        (Some(applied), Some(billing)) => {
            let found = subscription::load(customer, applied, tx).await?;
            Ok(found.is_some_and(|s| s.partner == billing.partner && s.is_active()))
        }
        _ => Ok(false),
    }
}

fn asked_owners(customer: CustomerId, subscription: SubscriptionId) -> Query<(String, String)> {
    let root_group = ArmScope::ManagementGroup(customer.to_string());
    query_as(
        "SELECT principal_id, principal_type FROM role_assignment
         WHERE customer_id = $1 AND role_definition_id = $2 AND scope_key IN ($3, $4, '/')
           AND principal_type <> 'ForeignGroup'",
    )
    .bind(customer.to_string())
    .bind(role::OWNER.to_string())
    .bind(ArmScope::Subscription(subscription).key())
    .bind(root_group.key())
}

/// The customer's own principals that are Owner of a subscription, directly or inherited.
pub(crate) async fn owners(
    customer: CustomerId,
    subscription: SubscriptionId,
    tx: &mut Tx<'_>,
) -> Result<Vec<(PrincipalId, PrincipalType)>, Fault> {
    let rows = asked_owners(customer, subscription).fetch_all(tx).await?;
    let mut owners = Vec::with_capacity(rows.len());
    for (id, kind) in rows {
        owners.push((parsed("principal id", &id)?, known("principal type", &kind, PrincipalType::parse(&kind))?));
    }
    owners.sort_by_key(|(id, _)| *id);
    owners.dedup();
    Ok(owners)
}

impl Answer for CanBuy {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Verdict>, Fault> {
        let customer = permit.customer();
        let (id, name) = match &self.buyer {
            Who::Id(id) => (Some(id.to_string()), None),
            Who::Name(name) => (None, Some(name.trim().to_lowercase())),
        };
        let buyer: Option<(String, String, String)> = query_as(
            "SELECT principal_id, coalesce(upn, name), tenant_id FROM principal
             WHERE tenant_id = $1 AND (principal_id = $2 OR upn = $3) AND disabled_at IS NULL",
        )
        .bind(customer.to_string())
        .bind(id)
        .bind(name)
        .fetch_optional(tx)
        .await?;
        let Some((id, buyer, tenant)) = buyer else { return Ok(None) };
        let id: PrincipalId = parsed("principal id", &id)?;
        // The customer's own may ask about themselves only.
        if !permit.is_partner() && permit.actor().principal != id {
            return Ok(None);
        }
        let tenant: TenantId = parsed("tenant id", &tenant)?;
        let found = match (self.subscription, permit.is_partner().then(|| permit.partner())) {
            (Some(named), only) => {
                subscription::load(customer, named, tx).await?.filter(|s| only.is_none_or(|p| p == s.partner))
            }
            (None, only) => best_subscription(customer, only, id, tx).await?,
        };
        if self.subscription.is_some() && found.is_none() {
            return Ok(None);
        }
        let payer = match (&found, permit.is_partner()) {
            (Some(subscription), _) => Some(subscription.partner),
            (None, true) => Some(permit.partner()),
            (None, false) => subscription::any_partner(customer, tx).await?,
        };
        let Some(payer) = payer else { return Ok(None) };
        let within = found.as_ref().map(|s| ArmScope::Subscription(s.id));
        let grants = crate::facts::grants(customer, &[id], within.as_ref(), tx).await?;
        let owner = found.as_ref().map(|s| role::is_owner(&grants, &ArmScope::Subscription(s.id), tenant));
        let (partner, country) = parties(customer, payer, tx).await?;
        let policy = self_serve_policy::load(customer, payer, tx).await?;
        let catalog = catalog::in_force(tx).await?;
        let scope_in_context = in_context(customer, found.as_ref(), &self.scope, tx).await?;
        let today = day(self.now);
        let circumstances = Circumstances {
            by_partner: false,
            owner,
            buyer: &buyer,
            partner: &partner,
            country,
            policy: policy.as_ref(),
            subscription: found.as_ref(),
            item: self.item.as_ref(),
            scope_in_context,
            scope: &self.scope,
            catalog: &catalog,
            today,
        };
        verdict(&circumstances, payer, customer, tx).await.map(Some)
    }
}

impl Answer for MayIBuy {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Verdict>, Fault> {
        let (customer, payer) = (permit.customer(), permit.partner());
        let here = ArmScope::Subscription(self.subscription);
        let inside = |grant: &Grant| grant.scope.subscription() == Some(self.subscription);
        let grants = &permit.facts().grants;
        if !grants.iter().any(|grant| grant.scope.covers(&here, customer.tenant()) || inside(grant)) {
            return Ok(None);
        }
        let Some(subscription) = subscription::load(customer, self.subscription, tx).await? else { return Ok(None) };
        let (partner, country) = parties(customer, payer, tx).await?;
        let policy = self_serve_policy::load(customer, payer, tx).await?;
        let catalog = catalog::in_force(tx).await?;
        let today = day(self.now);
        let circumstances = Circumstances {
            by_partner: permit.is_partner(),
            owner: Some(permit.is_owner(&here)),
            buyer: &permit.actor().name,
            partner: &partner,
            country,
            policy: policy.as_ref(),
            subscription: Some(&subscription),
            item: self.item.as_ref(),
            scope_in_context: in_context(customer, Some(&subscription), &self.scope, tx).await?,
            scope: &self.scope,
            catalog: &catalog,
            today,
        };
        verdict(&circumstances, payer, customer, tx).await.map(Some)
    }
}

/// What stands in the way, and what the item costs the customer beside its list price, where it is for sale.
async fn verdict(
    asked: &Circumstances<'_>,
    payer: PartnerId,
    customer: CustomerId,
    tx: &mut Tx<'_>,
) -> Result<Verdict, Fault> {
    let mut price = None;
    if let Some(item) = asked.item
        && let Ok(offer) = asked.catalog.find(&item.wanted(asked.partner.currency, asked.country, asked.today))
    {
        let rules = price_rule::for_customer(payer, customer, tx).await?;
        price = unit_prices(offer, &rules, customer, asked.today).ok().map(|(p, _)| (p.customer, p.list));
    }
    Ok(Verdict {
        buyer: asked.buyer.to_owned(),
        subscription: asked.subscription.map(|subscription| subscription.id),
        obstacles: obstacles(asked),
        price,
    })
}

/// The subscription on which the buyer is closest to buying: an active one of which he is Owner, else an active one, else
/// any.
async fn best_subscription(
    customer: CustomerId,
    only: Option<PartnerId>,
    buyer: PrincipalId,
    tx: &mut Tx<'_>,
) -> Result<Option<Subscription>, Fault> {
    let grants = crate::facts::grants(customer, &[buyer], None, tx).await?;
    let mut all = subscription::list(customer, tx).await?;
    all.retain(|s| only.is_none_or(|partner| partner == s.partner));
    all.sort_by_key(|s| {
        let owner = role::is_owner(&grants, &ArmScope::Subscription(s.id), customer.tenant());
        (!s.is_active(), !owner, s.id)
    });
    Ok(all.into_iter().next())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::catalog::{ListPriced, OfferFilter};
    use fullmakt_domain::directory::SearchPrincipals;
    use fullmakt_domain::ids::ReservationOrderId;
    use fullmakt_domain::obstacle::Obstacle;
    use fullmakt_domain::partner::GetBillingPartner;
    use fullmakt_domain::quote::GetQuote;
    use fullmakt_domain::refusal::Refusal;
    use fullmakt_domain::reservation::{GetReservationOrder, ListReservationOrders};
    use fullmakt_domain::role_assignment::{ListAccess, ListOwnRoles};
    use fullmakt_domain::self_serve_policy::{GrantSelfServePolicy, SelfServeResource};

    use super::*;
    use crate::door::ExecuteError;
    use crate::testing::{
        ADA, CUSTOMER, OLLE, PARTNER, RUT, SAGA, SUBSCRIPTION, WORLD, actor, item, number, purchase_of, request, run,
        sheet, stores,
    };

    #[tokio::test]
    async fn r01_r12_r13_r17_r18_a_customer_buys_what_was_quoted_and_the_partner_sees_it() {
        let (ada, olle, rut) = (actor(ADA, PARTNER), actor(OLLE, CUSTOMER), actor(RUT, CUSTOMER));
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        let subscription = SubscriptionId::parse(SUBSCRIPTION).unwrap();
        let order = ReservationOrderId::parse("44444444-4444-4444-8444-444444444444").unwrap();
        let buy = purchase_of(order);
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            store.load_price_sheet(sheet(), request().now).await.unwrap();
            let quote =
                store.execute(&olle, &QuotePrice { order, subscription, item: item() }, &request()).await.unwrap();
            assert_eq!(quote.customer_totals(day(request().now)).unwrap().total.to_string(), "2000.00 EUR");

            let off = store.execute(&olle, &buy, &request()).await;
            let Err(ExecuteError::Refused(Refusal::PurchaseNotAllowed { obstacles })) = off else { panic!("{off:?}") };
            assert!(matches!(obstacles.as_slice(), [Obstacle::PermissionOff { .. }]), "{obstacles:?}");

            let grant = GrantSelfServePolicy {
                customer,
                grantor: PartnerId::parse(PARTNER).unwrap(),
                resources: vec![SelfServeResource::AzureReservedInstances],
                etag: customer.0,
            };
            store.execute(&ada, &grant, &request()).await.unwrap();
            // Rut is no Owner: she hears so, and neither locks the customer nor fills its log.
            let before = number(&store, "SELECT revision FROM customer").await;
            let not_owner = store.execute(&rut, &buy, &request()).await;
            let Err(ExecuteError::Refused(Refusal::PurchaseNotAllowed { obstacles })) = not_owner else {
                panic!("{not_owner:?}")
            };
            assert!(matches!(obstacles.as_slice(), [Obstacle::NotOwner { .. }]), "{obstacles:?}");
            assert_eq!(number(&store, "SELECT revision FROM customer").await, before);

            let bought = store.execute(&olle, &buy, &request()).await.unwrap();
            assert_eq!(store.execute(&olle, &buy, &request()).await.unwrap(), bought);
            for table in ["commerce_order", "order_line", "reservation_order", "reservation", "outgoing_event"] {
                let count = match table {
                    "commerce_order" => number(&store, "SELECT count(*) FROM commerce_order").await,
                    "order_line" => number(&store, "SELECT count(*) FROM order_line").await,
                    "reservation_order" => number(&store, "SELECT count(*) FROM reservation_order").await,
                    "reservation" => number(&store, "SELECT count(*) FROM reservation").await,
                    _ => number(&store, "SELECT count(*) FROM outgoing_event").await,
                };
                assert_eq!(count, 1, "{table}");
            }
            assert_eq!(number(&store, "SELECT count(*) FROM instalment").await, 12);
            assert_eq!(number(&store, "SELECT CAST(sum(amount_e6) AS BIGINT) FROM ledger_entry").await, 0);
            assert_eq!(
                number(&store, "SELECT revision FROM customer").await,
                number(&store, "SELECT count(*) FROM activity_record").await
            );

            for who in [&olle, &ada] {
                let seen = store.read(who, &ListReservationOrders).await.unwrap();
                assert_eq!(seen.len(), 1);
                assert_eq!(seen[0].order, bought.order);
                let one = store.read(who, &GetReservationOrder { order }).await.unwrap().unwrap();
                assert_eq!(one.reservations, vec![bought.reservation.clone()]);
            }
            assert_eq!(store.read(&rut, &ListReservationOrders).await.unwrap(), vec![]);
            assert!(store.read(&rut, &GetReservationOrder { order }).await.is_err());
        }
    }

    #[tokio::test]
    async fn r12_r14_r45_what_the_portal_asks_is_answered_to_those_it_concerns() {
        let (olle, rut) = (actor(OLLE, CUSTOMER), actor(RUT, CUSTOMER));
        let subscription = SubscriptionId::parse(SUBSCRIPTION).unwrap();
        let order = ReservationOrderId::parse("44444444-4444-4444-8444-444444444444").unwrap();
        let here = ArmScope::Subscription(subscription);
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            store.load_price_sheet(sheet(), request().now).await.unwrap();
            let may = MayIBuy { subscription, item: Some(item()), scope: AppliedScope::Shared, now: request().now };
            let verdict = store.read(&olle, &may).await.unwrap().unwrap();
            assert!(matches!(verdict.obstacles.as_slice(), [Obstacle::PermissionOff { .. }]), "{verdict:?}");
            assert!(store.read(&rut, &may).await.unwrap().is_none());

            let asked = ListPriced {
                subscription,
                filter: OfferFilter { sku: "d2S".to_owned(), ..OfferFilter::default() },
                on: day(request().now),
                skip: 0,
                size: 10,
            };
            let page = store.read(&olle, &asked).await.unwrap();
            assert_eq!((page.total, page.offers.len()), (1, 1));
            assert_eq!(page.offers[0].price.to_string(), "1000.00 EUR");
            assert!(!format!("{page:?}").contains("880"), "what the partner pays is in {page:?}");
            assert!(store.read(&rut, &asked).await.is_err());
            let none = ListPriced { skip: 1, ..asked };
            assert_eq!(store.read(&olle, &none).await.unwrap().offers, []);

            store.execute(&olle, &QuotePrice { order, subscription, item: item() }, &request()).await.unwrap();
            let quoted = store.read(&olle, &GetQuote { subscription, order }).await.unwrap().unwrap();
            assert_eq!((quoted.item, quoted.price), (item(), quoted.list));
            assert!(store.read(&rut, &GetQuote { subscription, order }).await.is_err());

            let partner = store.read(&olle, &GetBillingPartner { scope: here.clone() }).await.unwrap().unwrap();
            assert_eq!(partner.name, "Nordmoln AB");
            assert!(store.read(&rut, &GetBillingPartner { scope: here.clone() }).await.unwrap().is_none());
            let access = store.read(&olle, &ListAccess { scope: here.clone() }).await.unwrap();
            let names: Vec<_> = access.iter().filter_map(|named| named.holder.as_ref()).collect();
            assert!(names.iter().any(|(name, upn)| name == "Olle" && upn.as_deref() == Some("olle@exempel.example")));
            assert_eq!(store.read(&olle, &ListOwnRoles).await.unwrap().len(), 1);
            for (text, found) in [("ol", 1), ("OLLE@", 1), ("", 2), ("ada", 0), ("%", 0)] {
                let search = SearchPrincipals { text: text.to_owned(), size: 10 };
                assert_eq!(store.read(&olle, &search).await.unwrap().len(), found, "{text}");
            }
            // An agent without a role there learns nothing of it.
            assert!(store.read(&actor(SAGA, PARTNER), &may).await.unwrap().is_none());
        }
    }
}
