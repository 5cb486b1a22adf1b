//! What a partner looks back on: answers over all its customers or for one.

use std::collections::BTreeSet;

use fullmakt_domain::authz::Permit;
use fullmakt_domain::basket::{LineProblem, Wish};
use fullmakt_domain::catalog::Offer;
use fullmakt_domain::history::{
    CheckLines, DaySpend, Expiring, FindCustomers, ListExpiring, ListInstalments, ListPermitted, ListPurchases,
    NamedCustomer, OfferChoices, OfferFilter, Permitted, PlannedInstalment, PricePage, Purchase, SumSpend, ViewPrices,
};
use fullmakt_domain::ids::OrderId;
use fullmakt_domain::obstacle::day;
use fullmakt_domain::order::OrderStatus;
use fullmakt_domain::price::customer_price;
use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan};

use crate::db::Tx;
use crate::door::Answer;
use crate::row::{Fault, instant, known, micros, money, parsed};
use crate::statement::query_as;
use crate::{catalog, order, price_rule};

fn customer(id: &str, name: String) -> Result<NamedCustomer, Fault> {
    Ok(NamedCustomer { id: parsed("customer id", id)?, name })
}

/// How many customers are looked for by their identifiers.
const IDS_MAX: usize = 100;

impl Answer for FindCustomers {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<NamedCustomer>, Fault> {
        let partner = permit.partner().to_string();
        let rows: Vec<(String, String)> = match self {
            Self::Ids(ids) => {
                let ids: BTreeSet<String> = ids.iter().map(ToString::to_string).take(IDS_MAX).collect();
                if ids.is_empty() {
                    return Ok(Vec::new());
                }
                let places: Vec<String> = (2..).zip(&ids).map(|(n, _): (u32, _)| format!("${n}")).collect();
                let statement = format!(
                    "SELECT s.customer_id, t.name FROM relationship s JOIN tenant t ON t.tenant_id = s.customer_id
                     WHERE s.partner_id = $1 AND s.customer_id IN ({})",
                    places.join(", ")
                );
                let statement = query_as(statement).bind(partner);
                ids.into_iter().fold(statement, |statement, id| statement.bind(id)).fetch_all(tx).await?
            }
            Self::Beginning(text, size) => {
                let text = text.to_lowercase();
                // Each half is one range of one index.
                query_as(
                    "SELECT f.customer_id, t.name FROM (
                       SELECT n.customer_id FROM (SELECT customer_id FROM relationship
                         WHERE partner_id = $1 AND name_key >= $2 AND name_key < $3 ORDER BY name_key LIMIT $4) n
                       UNION
                       SELECT d.customer_id FROM (SELECT customer_id FROM relationship
                         WHERE partner_id = $1 AND domain >= $2 AND domain < $3 ORDER BY domain LIMIT $4) d
                     ) f JOIN tenant t ON t.tenant_id = f.customer_id ORDER BY t.name, f.customer_id LIMIT $4",
                )
                .bind(partner)
                .bind(&text)
                .bind(format!("{text}\u{10ffff}"))
                .bind(i64::from(*size))
                .fetch_all(tx)
                .await?
            }
        };
        rows.into_iter().map(|(id, name)| customer(&id, name)).collect()
    }
}

#[derive(serde::Deserialize)]
struct PurchaseRow {
    order_id: String,
    customer_id: String,
    customer_name: String,
    placed_at: i64,
    buyer_name: String,
    currency: String,
    item: Option<String>,
    line_count: i64,
    total_e6: i64,
    status: String,
}

impl Answer for ListPurchases {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<Purchase>, Fault> {
        let rows: Vec<PurchaseRow> = query_as(
            "SELECT o.order_id, o.customer_id, t.name AS customer_name, o.placed_at, o.buyer_name, o.currency, o.status,
                    min(CASE WHEN l.line_number = 0 THEN l.name END) AS item, count(l.line_number) AS line_count,
                    CAST(coalesce(sum(l.customer_unit_e6 * l.quantity), 0) AS BIGINT) AS total_e6
             FROM (SELECT order_id, customer_id, placed_at, buyer_name, currency, status FROM commerce_order
                   WHERE partner_id = $1 AND bought_by = 'customer' ORDER BY placed_at DESC LIMIT $2) o
             JOIN tenant t ON t.tenant_id = o.customer_id
             LEFT JOIN order_line l ON l.customer_id = o.customer_id AND l.order_id = o.order_id
             GROUP BY o.order_id, o.customer_id, t.name, o.placed_at, o.buyer_name, o.currency, o.status
             ORDER BY o.placed_at DESC, o.order_id",
        )
        .bind(permit.partner().to_string())
        .bind(i64::from(self.size))
        .fetch_all(tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Purchase {
                    order: known("order id", &row.order_id, OrderId::parse(&row.order_id).ok())?,
                    customer: customer(&row.customer_id, row.customer_name)?,
                    at: instant(row.placed_at)?,
                    buyer: row.buyer_name,
                    item: row.item.unwrap_or_default(),
                    lines: row.line_count,
                    total: money(row.total_e6, &row.currency)?,
                    status: known("order status", &row.status, OrderStatus::parse(&row.status))?,
                })
            })
            .collect()
    }
}

#[derive(serde::Deserialize)]
struct ExpiringRow {
    reservation_order_id: String,
    reservation_id: String,
    customer_id: String,
    customer_name: String,
    display_name: String,
    sku: String,
    quantity: i64,
    expires_at: i64,
}

impl Answer for ListExpiring {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<Expiring>, Fault> {
        let rows: Vec<ExpiringRow> = query_as(
            "SELECT o.reservation_order_id, r.reservation_id, o.customer_id, t.name AS customer_name, r.display_name, o.sku,
                    r.quantity, o.expires_at
             FROM reservation_order o
             JOIN reservation r ON r.customer_id = o.customer_id AND r.reservation_order_id = o.reservation_order_id
             JOIN tenant t ON t.tenant_id = o.customer_id
             WHERE o.partner_id = $1 AND o.state = 'succeeded' AND o.expires_at < $2
               AND r.state = 'succeeded' AND r.ending IS NULL
             ORDER BY o.expires_at, o.reservation_order_id, r.reservation_id LIMIT $3",
        )
        .bind(permit.partner().to_string())
        .bind(micros(self.until))
        .bind(i64::from(self.size))
        .fetch_all(tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Expiring {
                    order: parsed("reservation order id", &row.reservation_order_id)?,
                    reservation: parsed("reservation id", &row.reservation_id)?,
                    customer: customer(&row.customer_id, row.customer_name)?,
                    name: row.display_name,
                    sku: row.sku,
                    quantity: row.quantity,
                    expires_at: instant(row.expires_at)?,
                })
            })
            .collect()
    }
}

const DAY_MICROS: i64 = 86_400_000_000;

impl Answer for SumSpend {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<DaySpend>, Fault> {
        let earliest = self.until.checked_sub((2 * 366 * 24).hours()).unwrap_or(Timestamp::MIN);
        let rows: Vec<(i64, String, i64, i64)> = query_as(
            "SELECT at / $4, currency,
                    CAST(sum(CASE WHEN account = 'partner-cost' THEN amount_e6 ELSE 0 END) AS BIGINT),
                    CAST(sum(CASE WHEN account = 'customer-receivable' THEN amount_e6 ELSE 0 END) AS BIGINT)
             FROM ledger_entry WHERE partner_id = $1 AND at >= $2 AND at < $3
             GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .bind(permit.partner().to_string())
        .bind(micros(self.from.max(earliest)))
        .bind(micros(self.until))
        .bind(DAY_MICROS)
        .fetch_all(tx)
        .await?;
        let epoch = Date::constant(1970, 1, 1);
        rows.into_iter()
            .map(|(number, currency, cost, price)| {
                let damaged = || Fault::Damaged { what: "instant", value: number.to_string() };
                let span = Span::new().try_days(number).map_err(|_| damaged())?;
                Ok(DaySpend {
                    day: epoch.checked_add(span).map_err(|_| damaged())?,
                    cost: money(cost, &currency)?,
                    price: money(price, &currency)?,
                })
            })
            .collect()
    }
}

impl Answer for ListPermitted {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Permitted, Fault> {
        let partner = permit.partner().to_string();
        let (reservations, savings_plans): (i64, i64) = query_as(
            "SELECT CAST(coalesce(sum(reservations), 0) AS BIGINT), CAST(coalesce(sum(savings_plans), 0) AS BIGINT)
             FROM self_serve_policy WHERE partner_id = $1",
        )
        .bind(&partner)
        .fetch_one(tx)
        .await?;
        let latest: Vec<(String, String, i64)> = query_as(
            "SELECT p.customer_id, t.name, p.granted_at
             FROM self_serve_policy p JOIN tenant t ON t.tenant_id = p.customer_id
             WHERE p.partner_id = $1 ORDER BY p.granted_at DESC, p.customer_id LIMIT $2",
        )
        .bind(&partner)
        .bind(i64::from(self.size))
        .fetch_all(tx)
        .await?;
        let latest = latest.into_iter().map(|(id, name, at)| Ok((customer(&id, name)?, instant(at)?)));
        Ok(Permitted { reservations, savings_plans, latest: latest.collect::<Result<_, Fault>>()? })
    }
}

#[derive(serde::Deserialize)]
struct InstalmentRow {
    number: i64,
    due_on: String,
    partner_e6: i64,
    customer_e6: i64,
    currency: String,
    posted: i64,
}

impl Answer for ListInstalments {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<PlannedInstalment>, Fault> {
        let rows: Vec<InstalmentRow> = query_as(
            "SELECT i.number, i.due_on, i.partner_e6, i.customer_e6, o.currency,
                    CAST(CASE WHEN i.posted_event IS NULL THEN 0 ELSE 1 END AS BIGINT) AS posted
             FROM instalment i JOIN reservation_order o
               ON o.customer_id = i.customer_id AND o.reservation_order_id = i.reservation_order_id
             WHERE i.customer_id = $1 AND o.partner_id = $2 AND i.reservation_order_id = $3 ORDER BY i.number",
        )
        .bind(permit.customer().to_string())
        .bind(permit.partner().to_string())
        .bind(self.order.to_string())
        .fetch_all(tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(PlannedInstalment {
                    number: row.number,
                    due: parsed("day", &row.due_on)?,
                    cost: money(row.partner_e6, &row.currency)?,
                    price: money(row.customer_e6, &row.currency)?,
                    posted: row.posted == 1,
                })
            })
            .collect()
    }
}

impl Answer for ViewPrices {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<PricePage, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let storefront = catalog::storefront(partner, Some(customer), tx).await?;
        let rules = price_rule::for_customer(partner, customer, tx).await?;
        let catalog = catalog::in_force(tx).await?;
        let today = day(self.now);
        let sold: Vec<&Offer> = catalog.sold(today, storefront.market, storefront.currency).collect();
        let mut found: Vec<&Offer> = sold
            .iter()
            .copied()
            .filter(|offer| self.filter.takes(offer))
            .skip(self.offset)
            .take(self.size.saturating_add(1))
            .collect();
        let more = found.len() > self.size;
        found.truncate(self.size);
        let priced = found
            .into_iter()
            .filter_map(|offer| Some((offer.clone(), customer_price(offer, &rules, customer, today).ok()?)));
        Ok(PricePage {
            currency: storefront.currency,
            offers: priced.collect(),
            more,
            choices: choices(&sold, &self.filter),
        })
    }
}

/// What can be looked for among what is sold.
fn choices(sold: &[&Offer], filter: &OfferFilter) -> OfferChoices {
    let kinds: BTreeSet<_> = sold.iter().map(|offer| offer.resource_type).collect();
    let of_kind = || sold.iter().filter(|offer| filter.kind.is_none_or(|kind| kind == offer.resource_type));
    let families: BTreeSet<&str> = of_kind().map(|offer| offer.family.as_str()).collect();
    let regions: BTreeSet<(&str, &str)> =
        of_kind().map(|offer| (offer.region.title(), offer.region.as_str())).collect();
    OfferChoices {
        kinds: kinds.into_iter().collect(),
        families: families.into_iter().map(str::to_owned).collect(),
        regions: regions.into_iter().map(|(_, name)| name.to_owned()).collect(),
    }
}

impl Answer for CheckLines {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<Result<Wish, LineProblem>>, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let basis = order::basis(customer, partner, tx).await?;
        Ok(basis.check(&self.lines, customer, self.now))
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::ids::{CustomerId, ReservationOrderId};

    use super::*;
    use crate::testing::{ADA, CUSTOMER, PARTNER, WORLD, actor, run, stores};

    /// Olle bought one reservation in two instalments; another partner has dealings with the same customer.
    const PAST: &str = "
        INSERT INTO tenant VALUES ('11111111-1111-4111-8111-000000000000', 'partner', 'Sydmoln AB', 'sydmoln.example');
        INSERT INTO partner (partner_id, country, currency) VALUES ('11111111-1111-4111-8111-000000000000', 'SE', 'EUR');
        INSERT INTO commerce_order SELECT '22222222-2222-4222-8222-222222222222', n.id, n.partner, n.at, 'monthly', 'EUR',
            'completed', n.side, '00000000-0000-4000-8000-0000000000b1', 'olle'
          FROM (SELECT '000000000000000000000000000000011' AS id, '11111111-1111-4111-8111-111111111111' AS partner,
                       1000000 AS at, 'customer' AS side
                UNION ALL SELECT '000000000000000000000000000000021', '11111111-1111-4111-8111-111111111111', 2000000,
                       'partner'
                UNION ALL SELECT '000000000000000000000000000000031', '11111111-1111-4111-8111-000000000000', 3000000,
                       'customer') n;
        INSERT INTO order_line (customer_id, order_id, line_number, kind, catalog_item_id, name, quantity, term,
            list_unit_e6, partner_unit_e6, customer_unit_e6)
          SELECT '22222222-2222-4222-8222-222222222222', '000000000000000000000000000000011', n.n, 'reservation', 'a:b:c',
                 CASE WHEN n.n = 0 THEN 'first' ELSE 'second' END, 2, 'P1Y', 9, 7, 8
          FROM (SELECT 0 AS n UNION ALL SELECT 1) n;
        INSERT INTO reservation_order SELECT '22222222-2222-4222-8222-222222222222',
            '77777777-7777-4777-8777-777777777777', '11111111-1111-4111-8111-111111111111',
            '000000000000000000000000000000011', 0, '33333333-3333-4333-8333-333333333333', 'mine', 'Standard_D2s_v5',
            'westeurope', 'VirtualMachines', 'P1Y', 'Monthly', 2, 'EUR', 9, 7, 8, 0, 0, 5000000, 'succeeded', 1,
            'customer', '00000000-0000-4000-8000-0000000000b1', 'olle';
        INSERT INTO reservation (customer_id, reservation_order_id, reservation_id, display_name, quantity, scope_type,
            applied_scope, instance_flexibility, renew, archived, state, etag, updated_at, ending)
          SELECT '22222222-2222-4222-8222-222222222222', '77777777-7777-4777-8777-777777777777', n.id, n.name, n.quantity,
                 'Shared', NULL, 'On', 0, 0, n.state, 1, 0, n.ending
          FROM (SELECT '88888888-8888-4888-8888-888888888881' AS id, 'mine' AS name, 2 AS quantity, 'cancelled' AS state,
                       'returned' AS ending
                UNION ALL SELECT '88888888-8888-4888-8888-888888888882', 'what is left', 1, 'succeeded', NULL) n;
        INSERT INTO instalment SELECT '22222222-2222-4222-8222-222222222222', '77777777-7777-4777-8777-777777777777', n.n,
            '2026-11-01', 7, 8, CASE WHEN n.n = 1 THEN 'e' END FROM (SELECT 1 AS n UNION ALL SELECT 2) n;
        INSERT INTO ledger_transfer (customer_id, event_id, number, partner_id, at, debit, credit, currency, amount_e6,
            subject, quantity, kind)
          SELECT '22222222-2222-4222-8222-222222222222', 'e', n.n, '11111111-1111-4111-8111-111111111111', n.at, n.debit,
                 n.credit, 'EUR', n.amount, 's', 1, 'purchase'
          FROM (SELECT 1 AS n, 86400000000 AS at, 'partner-cost' AS debit, 'supplier-payable' AS credit, 7 AS amount
                UNION ALL SELECT 2, 86400000000, 'customer-receivable', 'partner-revenue', 8
                UNION ALL SELECT 3, 86400000001, 'customer-receivable', 'partner-revenue', -3
                UNION ALL SELECT 4, 172800000000, 'customer-receivable', 'partner-revenue', 1) n;
        INSERT INTO self_serve_policy VALUES ('22222222-2222-4222-8222-222222222222',
            '11111111-1111-4111-8111-111111111111', 1, 0, 'e', 4000000, 'ada')";

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn r17_r45_a_partner_looks_back_on_its_own() {
        let ada = actor(ADA, PARTNER);
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            run(&store, PAST).await;
            for (query, found) in [
                (FindCustomers::Ids(vec![customer, CustomerId(uuid::Uuid::nil())]), 1),
                (FindCustomers::Ids(Vec::new()), 0),
                (FindCustomers::Beginning("EXEM".to_owned(), 5), 1),
                (FindCustomers::Beginning("xempel".to_owned(), 5), 0),
            ] {
                assert_eq!(store.read(&ada, &query).await.unwrap().len(), found, "{query:?}");
            }
            let purchases = store.read(&ada, &ListPurchases { size: 5 }).await.unwrap();
            let shown: Vec<String> =
                purchases.iter().map(|p| format!("{} {} {} {}", p.item, p.lines, p.total.amount_e6, p.buyer)).collect();
            assert_eq!(shown, ["first 2 32 olle"]);
            assert_eq!(purchases.iter().map(|p| p.status).collect::<Vec<_>>(), [OrderStatus::Completed]);
            let expiring = |until| ListExpiring { until: second(until), size: 5 };
            assert_eq!(store.read(&ada, &expiring(5)).await.unwrap(), []);
            let found = store.read(&ada, &expiring(6)).await.unwrap();
            let shown: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.quantity)).collect();
            assert_eq!(shown, [("what is left", 1)]);
            let spend = store.read(&ada, &SumSpend { from: second(0), until: second(172_800) }).await.unwrap();
            let shown: Vec<String> =
                spend.iter().map(|d| format!("{} {} {}", d.day, d.cost.amount_e6, d.price.amount_e6)).collect();
            assert_eq!(shown, ["1970-01-02 7 5"]);
            let permitted = store.read(&ada, &ListPermitted { size: 5 }).await.unwrap();
            assert_eq!((permitted.reservations, permitted.savings_plans, permitted.latest.len()), (1, 0, 1));
            let order = ReservationOrderId::parse("77777777-7777-4777-8777-777777777777").unwrap();
            let instalments = store.read(&ada, &ListInstalments { customer, order }).await.unwrap();
            let shown: Vec<_> = instalments.iter().map(|i| (i.number, i.price.amount_e6, i.posted)).collect();
            assert_eq!(shown, [(1, 8, true), (2, 8, false)]);
        }
    }
}
