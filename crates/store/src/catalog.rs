//! Price sheets: immutable, the newest in force, kept in memory once read.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use fullmakt_domain::authz::Permit;
use fullmakt_domain::catalog::{
    BillingPlan, Catalog, ListPriced, Offer, PricedOffer, PricedPage, Region, ReservedResourceType, SkuName,
    Storefront, Term, ViewPartnerCatalog, ViewSubscriptionCatalog,
};
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::market::Country;
use fullmakt_domain::money::Currency;
use fullmakt_domain::quote::unit_prices;
use futures_util::FutureExt;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::db::{Ending, Store, Tx};
use crate::door::Answer;
use crate::row::{Fault, known, micros, money, parsed_optional};
use crate::statement::{Query, QueryBuilder, query_as, query_scalar};
use crate::{price_rule, recommendation};

/// Offers in one statement: well below the number of values that either database takes.
const OFFERS_PER_STATEMENT: usize = 500;

/// A sheet's number and what it says.
type Read = Option<(i64, Arc<Catalog>)>;

/// The newest sheet that was read, and what to buy by it. Shared by all that use one database.
#[derive(Clone, Default)]
pub(crate) struct Cache {
    sheet: Arc<RwLock<Read>>,
    pub(crate) advice: recommendation::Cache,
}

pub(crate) fn asked_newest() -> Query<Option<i64>> {
    query_scalar("SELECT max(sheet) FROM price_sheet")
}

/// The catalogue in force; without any price sheet an empty one. Other servers may have loaded a newer sheet, so its
/// number is asked for each time.
pub(crate) async fn in_force(tx: &mut Tx<'_>) -> Result<Arc<Catalog>, Fault> {
    let newest = asked_newest().fetch_one(tx).await?.unwrap_or(0);
    let cache = tx.catalog.clone();
    let cached = cache.sheet.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((_, catalog)) = cached.filter(|(sheet, _)| *sheet == newest) {
        return Ok(catalog);
    }
    let catalog = Arc::new(read_sheet(newest, tx).await?);
    *cache.sheet.write().unwrap_or_else(PoisonError::into_inner) = Some((newest, Arc::clone(&catalog)));
    Ok(catalog)
}

impl Store {
    /// The catalogue in force; without any price sheet an empty one. Prices in it include what the partner pays, which no
    /// customer may see.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn catalog(&self) -> Result<Arc<Catalog>, Fault> {
        let mut reader = self.reader().await?;
        in_force(&mut reader.tx()).await
    }

    /// Puts a new price sheet in force.
    ///
    /// # Errors
    /// [`Fault`]; then the old sheet stays in force.
    pub async fn load_price_sheet(&self, catalog: Arc<Catalog>, now: Timestamp) -> Result<(), Fault> {
        self.write(move |tx| {
            async move {
                insert_sheet(&catalog, now, tx).await?;
                Ok::<_, Fault>((Ending::Keep, ()))
            }
            .boxed()
        })
        .await
    }
}

/// Writes a sheet with the next number.
pub(crate) async fn insert_sheet(catalog: &Catalog, now: Timestamp, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let sheet: i64 = query_scalar(
        "INSERT INTO price_sheet (sheet, loaded_at) SELECT coalesce(max(sheet), 0) + 1, $1 FROM price_sheet RETURNING sheet")
        .bind(micros(now)).fetch_one(tx).await?;
    let rows = catalog.offers().iter().zip(0_i64..).collect::<Vec<_>>();
    for chunk in rows.chunks(OFFERS_PER_STATEMENT) {
        let mut insert = QueryBuilder::new(
            "INSERT INTO offer
               (sheet, number, sku, family, region, resource_type, term, billing_plans, currency, list_e6, partner_e6,
                flexibility_group, ratio_e6, vcpus, memory_gib_e6, sold_from, sold_until, markets) ",
        );
        insert.push_values(chunk, |mut row, (offer, number)| {
            row.push_bind(sheet)
                .push_bind(*number)
                .push_bind(offer.sku.as_str())
                .push_bind(&offer.family)
                .push_bind(offer.region.as_str())
                .push_bind(offer.resource_type.name())
                .push_bind(offer.term.code())
                .push_bind(listed(&offer.billing_plans))
                .push_bind(offer.currency().code().to_owned())
                .push_bind(offer.list_price.amount_e6)
                .push_bind(offer.partner_price.amount_e6)
                .push_bind(offer.flexibility_group.as_deref())
                .push_bind(millionths(offer.ratio))
                .push_bind(offer.vcpus.map(i64::from))
                .push_bind(offer.memory_gib.map(millionths))
                .push_bind(offer.sold_from.map(|day| day.to_string()))
                .push_bind(offer.sold_until.map(|day| day.to_string()))
                .push_bind(listed(&offer.markets));
        });
        insert.build().execute(tx).await?;
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct OfferRow {
    sku: String,
    family: String,
    region: String,
    resource_type: String,
    term: String,
    billing_plans: String,
    currency: String,
    list_e6: i64,
    partner_e6: i64,
    flexibility_group: Option<String>,
    ratio_e6: i64,
    vcpus: Option<i64>,
    memory_gib_e6: Option<i64>,
    sold_from: Option<String>,
    sold_until: Option<String>,
    markets: String,
}

async fn read_sheet(sheet: i64, tx: &mut Tx<'_>) -> Result<Catalog, Fault> {
    let rows: Vec<OfferRow> = query_as(
        "SELECT sku, family, region, resource_type, term, billing_plans, currency, list_e6, partner_e6, flexibility_group,
                ratio_e6, vcpus, memory_gib_e6, sold_from, sold_until, markets
         FROM offer WHERE sheet = $1 ORDER BY number")
        .bind(sheet).fetch_all(tx).await?;
    let offers = rows.into_iter().map(OfferRow::offer).collect::<Result<Vec<_>, Fault>>()?;
    Catalog::new(offers).map_err(|_| Fault::Damaged { what: "price sheet", value: sheet.to_string() })
}

impl OfferRow {
    fn offer(self) -> Result<Offer, Fault> {
        Ok(Offer {
            sku: known("SKU", &self.sku, SkuName::parse(&self.sku).ok())?,
            region: known("region", &self.region, Region::parse(&self.region).ok())?,
            resource_type: known(
                "resource type",
                &self.resource_type,
                ReservedResourceType::parse(&self.resource_type).ok(),
            )?,
            term: known("term", &self.term, Term::parse(&self.term).ok())?,
            billing_plans: unlisted("billing plan", &self.billing_plans, |word| BillingPlan::parse(word).ok())?,
            list_price: money(self.list_e6, &self.currency)?,
            partner_price: money(self.partner_e6, &self.currency)?,
            family: self.family,
            flexibility_group: self.flexibility_group,
            ratio: Decimal::new(self.ratio_e6, 6).normalize(),
            vcpus: self.vcpus.and_then(|count| u32::try_from(count).ok()),
            memory_gib: self.memory_gib_e6.map(|amount| Decimal::new(amount, 6).normalize()),
            sold_from: parsed_optional::<Date>("day", self.sold_from.as_deref())?,
            sold_until: parsed_optional::<Date>("day", self.sold_until.as_deref())?,
            markets: unlisted("market", &self.markets, |word| Country::parse(word).ok())?,
        })
    }
}

fn listed(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn unlisted<T>(what: &'static str, text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Fault> {
    text.split_ascii_whitespace().map(|word| known(what, word, read(word))).collect()
}

/// A decimal of at most six decimals, which a catalogue's ratios are, as a whole number of millionths.
pub(crate) fn millionths(value: Decimal) -> i64 {
    let scaled = value.checked_mul(Decimal::from(1_000_000)).unwrap_or(Decimal::MAX).normalize();
    i64::try_from(scaled.trunc().mantissa()).unwrap_or(i64::MAX)
}

impl Answer for ViewPartnerCatalog {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Storefront, Fault> {
        storefront(permit.partner(), permit.facts().customer, tx).await
    }
}

impl Answer for ViewSubscriptionCatalog {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Storefront, Fault> {
        storefront(permit.partner(), permit.facts().customer, tx).await
    }
}

impl Answer for ListPriced {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<PricedPage, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let Storefront { currency, market } = storefront(partner, Some(customer), tx).await?;
        let catalog = in_force(tx).await?;
        let rules = price_rule::for_customer(partner, customer, tx).await?;
        let mut page = PricedPage { offers: Vec::new(), total: 0, families: BTreeSet::new(), regions: BTreeSet::new() };
        for offer in catalog.sold(self.on, market, currency) {
            if !page.families.contains(&offer.family) {
                page.families.insert(offer.family.clone());
            }
            if !page.regions.contains(&offer.region) {
                page.regions.insert(offer.region.clone());
            }
            if !self.filter.fits(offer) {
                continue;
            }
            page.total = page.total.saturating_add(1);
            if page.total <= self.skip || page.offers.len() >= self.size {
                continue;
            }
            // A price beyond what can be billed is refused when it is asked for; here it is left out.
            let Ok((prices, _)) = unit_prices(offer, &rules, customer, self.on) else { continue };
            page.offers.push(PricedOffer {
                resource_type: offer.resource_type,
                sku: offer.sku.clone(),
                family: offer.family.clone(),
                region: offer.region.clone(),
                term: offer.term,
                billing_plans: offer.billing_plans.clone(),
                vcpus: offer.vcpus,
                memory_gib: offer.memory_gib,
                list: prices.list,
                price: prices.customer,
            });
        }
        Ok(page)
    }
}

/// The partner's currency, and the customer's country or the partner's own.
pub(crate) async fn storefront(
    partner: PartnerId,
    customer: Option<CustomerId>,
    tx: &mut Tx<'_>,
) -> Result<Storefront, Fault> {
    let (currency, market): (String, String) = query_as(
        "SELECT p.currency, coalesce(c.country, p.country) FROM partner p LEFT JOIN customer c ON c.customer_id = $2
         WHERE p.partner_id = $1",
    )
    .bind(partner.to_string())
    .bind(customer.map(|id| id.to_string()))
    .fetch_one(tx)
    .await?;
    Ok(Storefront {
        currency: known("currency", &currency, Currency::parse(&currency).ok())?,
        market: known("country", &market, Country::parse(&market).ok())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{number, stores};

    fn sheet(lines: &str) -> Arc<Catalog> {
        let offers = lines.lines().map(|line| {
            let row: Vec<&str> = line.split(',').collect();
            let [sku, region, term, currency, list, until, markets] = row[..] else { panic!("{line}") };
            let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            let row = OfferRow {
                sku: sku.to_owned(),
                family: "Dsv5".to_owned(),
                region: region.to_owned(),
                resource_type: "VirtualMachines".to_owned(),
                term: term.to_owned(),
                billing_plans: "Upfront Monthly".to_owned(),
                currency: currency.to_owned(),
                list_e6: list.parse().unwrap(),
                partner_e6: 1,
                flexibility_group: text("Dsv5 Series"),
                ratio_e6: 14_135_000,
                vcpus: Some(2),
                memory_gib_e6: Some(500_000),
                sold_from: None,
                sold_until: text(until),
                markets: markets.to_owned(),
            };
            row.offer().unwrap()
        });
        Arc::new(Catalog::new(offers.collect()).unwrap())
    }

    #[tokio::test]
    async fn the_newest_sheet_is_in_force_and_comes_back_as_it_was() {
        let first = sheet("Standard_D2s_v5,westus,P1Y,EUR,500000000,2026-07-01,SE NO");
        let lines: Vec<String> =
            (0..1_203).map(|n| format!("Standard_D{n}s_v5,swedencentral,P3Y,SEK,{},,", n * 1_000_000)).collect();
        let second = sheet(&lines.join("\n"));
        for (store, _directory) in stores().await {
            assert_eq!(store.catalog().await.unwrap().offers(), []);
            let now = Timestamp::from_second(1_793_520_000).unwrap();
            store.load_price_sheet(first.clone(), now).await.unwrap();
            assert_eq!(store.catalog().await.unwrap(), first);
            store.load_price_sheet(second.clone(), now).await.unwrap();
            let read = store.catalog().await.unwrap();
            assert_eq!(read, second);
            assert!(Arc::ptr_eq(&read, &store.catalog().await.unwrap()));
            assert_eq!(number(&store, "SELECT count(*) FROM offer").await, 1_204);
        }
    }
}
