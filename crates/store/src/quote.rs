//! Quotes: loads and statements.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{CustomerId, ReservationOrderId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::obstacle::Item;
use fullmakt_domain::order::UnitPrices;
use fullmakt_domain::quote::{GetQuote, Quote, Quoted};

use crate::db::Tx;
use crate::door::Answer;
use crate::row::{Fault, instant, known, micros, parsed, parsed_optional};
use crate::statement::{Query, query, query_as};

#[derive(serde::Deserialize)]
pub(crate) struct QuoteRow {
    partner_id: String,
    subscription_id: String,
    asked_by: String,
    sku: String,
    region: String,
    resource_type: String,
    term: String,
    billing_plan: String,
    quantity: i64,
    currency: String,
    list_unit_e6: i64,
    partner_unit_e6: i64,
    customer_unit_e6: i64,
    price_rule_id: Option<String>,
    quoted_at: i64,
    lapses_at: i64,
}

impl QuoteRow {
    fn quote(self, id: ReservationOrderId, customer: CustomerId) -> Result<Quote, Fault> {
        let currency = known("currency", &self.currency, Currency::parse(&self.currency).ok())?;
        let money = |amount_e6| Money { amount_e6, currency };
        Ok(Quote {
            id,
            customer,
            partner: parsed("partner id", &self.partner_id)?,
            subscription: parsed("subscription id", &self.subscription_id)?,
            asked_by: parsed("principal id", &self.asked_by)?,
            item: Item {
                resource_type: known(
                    "resource type",
                    &self.resource_type,
                    ReservedResourceType::parse(&self.resource_type).ok(),
                )?,
                sku: known("sku", &self.sku, SkuName::parse(&self.sku).ok())?,
                region: known("region", &self.region, Region::parse(&self.region).ok())?,
                term: known("term", &self.term, Term::parse(&self.term).ok())?,
                plan: known("billing plan", &self.billing_plan, BillingPlan::parse(&self.billing_plan).ok())?,
                quantity: known("quantity", "quote", Quantity::new(self.quantity).ok())?,
            },
            prices: UnitPrices {
                list: money(self.list_unit_e6),
                partner: money(self.partner_unit_e6),
                customer: money(self.customer_unit_e6),
            },
            rule: parsed_optional("price rule id", self.price_rule_id.as_deref())?,
            quoted_at: instant(self.quoted_at)?,
            lapses_at: instant(self.lapses_at)?,
        })
    }
}

pub(crate) fn asked(customer: CustomerId, id: ReservationOrderId) -> Query<QuoteRow> {
    query_as(
        "SELECT partner_id, subscription_id, asked_by, sku, region, resource_type, term, billing_plan, quantity,
                currency, list_unit_e6, partner_unit_e6, customer_unit_e6, price_rule_id, quoted_at, lapses_at
         FROM quote WHERE customer_id = $1 AND reservation_order_id = $2",
    )
    .bind(customer.to_string())
    .bind(id.to_string())
}

/// The quote of an identifier.
pub(crate) async fn load(
    customer: CustomerId,
    id: ReservationOrderId,
    tx: &mut Tx<'_>,
) -> Result<Option<Quote>, Fault> {
    let row = asked(customer, id).fetch_optional(tx).await?;
    row.map(|row| row.quote(id, customer)).transpose()
}

impl Answer for GetQuote {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Quoted>, Fault> {
        let quote = load(permit.customer(), self.order, tx).await?;
        Ok(quote.filter(|quote| self.shows(permit, quote)).map(Quoted::from))
    }
}

/// Keeps a quote.
pub(crate) async fn insert(customer: CustomerId, quote: &Quote, tx: &mut Tx<'_>) -> Result<(), Fault> {
    query(
        "INSERT INTO quote
           (customer_id, reservation_order_id, partner_id, subscription_id, asked_by, sku, region, resource_type, term,
            billing_plan, quantity, currency, list_unit_e6, partner_unit_e6, customer_unit_e6, price_rule_id,
            quoted_at, lapses_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(customer.to_string())
    .bind(quote.id.to_string())
    .bind(quote.partner.to_string())
    .bind(quote.subscription.to_string())
    .bind(quote.asked_by.to_string())
    .bind(quote.item.sku.as_str())
    .bind(quote.item.region.as_str())
    .bind(quote.item.resource_type.name())
    .bind(quote.item.term.code())
    .bind(quote.item.plan.name())
    .bind(quote.item.quantity.instances())
    .bind(quote.prices.currency().to_string())
    .bind(quote.prices.list.amount_e6)
    .bind(quote.prices.partner.amount_e6)
    .bind(quote.prices.customer.amount_e6)
    .bind(quote.rule.map(|rule| rule.to_string()))
    .bind(micros(quote.quoted_at))
    .bind(micros(quote.lapses_at))
    .execute(tx)
    .await?;
    Ok(())
}
