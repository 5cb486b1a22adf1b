//! Price rules: loads, answers, statements.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::catalog::{SkuName, Term};
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::price_rule::{AddPriceRule, EndPriceRule, ListPriceRules, PriceRule, PriceRuleKind, PricingState};
use rust_decimal::Decimal;

use crate::catalog::{millionths, storefront};
use crate::db::{Tx, on};
use crate::door::{Answer, Load};
use crate::row::{Fault, instant, known, micros, money, parsed, parsed_optional};

#[derive(serde::Deserialize)]
struct RuleRow {
    price_rule_id: String,
    customer_id: Option<String>,
    family: Option<String>,
    sku: Option<String>,
    term: Option<String>,
    kind: String,
    amount_e6: i64,
    currency: Option<String>,
    holds_from: String,
    holds_until: Option<String>,
    created_at: i64,
}

impl RuleRow {
    fn rule(self, partner: PartnerId) -> Result<PriceRule, Fault> {
        let percent = Decimal::new(self.amount_e6, 6).normalize();
        let kind = match (self.kind.as_str(), &self.currency) {
            ("discount", None) => PriceRuleKind::Discount(percent),
            ("markup", None) => PriceRuleKind::Markup(percent),
            ("fixed", Some(currency)) => PriceRuleKind::Fixed(money(self.amount_e6, currency)?),
            _ => return Err(Fault::Damaged { what: "kind of price rule", value: self.kind }),
        };
        let sku = self.sku.map(|text| known("SKU", &text, SkuName::parse(&text).ok())).transpose()?;
        let term = self.term.map(|text| known("term", &text, Term::parse(&text).ok())).transpose()?;
        Ok(PriceRule {
            id: parsed("price rule id", &self.price_rule_id)?,
            partner,
            customer: parsed_optional("customer id", self.customer_id.as_deref())?,
            family: self.family,
            sku,
            term,
            kind,
            from: parsed("day", &self.holds_from)?,
            until: parsed_optional("day", self.holds_until.as_deref())?,
            created_at: instant(self.created_at)?,
        })
    }
}

/// All rules of a partner, oldest first.
async fn all(partner: PartnerId, tx: &mut Tx<'_>) -> Result<Vec<PriceRule>, Fault> {
    let rows: Vec<RuleRow> = on!(tx, conn => sqlx::query_as(
        "SELECT price_rule_id, customer_id, family, sku, term, kind, amount_e6, currency, holds_from, holds_until, created_at
         FROM price_rule WHERE partner_id = $1 ORDER BY holds_from, created_at, price_rule_id")
        .bind(partner.to_string()).fetch_all(conn).await)?;
    rows.into_iter().map(|row| row.rule(partner)).collect()
}

/// The rules of a partner that may concern a customer, for [`fullmakt_domain::price::customer_price`].
pub(crate) async fn for_customer(
    partner: PartnerId,
    customer: CustomerId,
    tx: &mut Tx<'_>,
) -> Result<Vec<PriceRule>, Fault> {
    let rows: Vec<RuleRow> = on!(tx, conn => sqlx::query_as(
        "SELECT price_rule_id, customer_id, family, sku, term, kind, amount_e6, currency, holds_from, holds_until, created_at
         FROM price_rule WHERE partner_id = $1 AND (customer_id IS NULL OR customer_id = $2)")
        .bind(partner.to_string()).bind(customer.to_string()).fetch_all(conn).await)?;
    rows.into_iter().map(|row| row.rule(partner)).collect()
}

impl Load for AddPriceRule {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<PricingState, Fault> {
        let partner = permit.partner();
        let currency: Currency = storefront(partner, None, tx).await?.currency;
        let serves_customer = match self.customer {
            None => false,
            Some(customer) => {
                let count: i64 = on!(tx, conn => sqlx::query_scalar(
                    "SELECT count(*) FROM relationship WHERE partner_id = $1 AND customer_id = $2")
                    .bind(partner.to_string()).bind(customer.to_string()).fetch_one(conn).await)?;
                count > 0
            }
        };
        Ok(PricingState { currency, serves_customer })
    }
}

impl Load for EndPriceRule {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<PriceRule>, Fault> {
        let row: Option<RuleRow> = on!(tx, conn => sqlx::query_as(
            "SELECT price_rule_id, customer_id, family, sku, term, kind, amount_e6, currency, holds_from, holds_until,
                    created_at
             FROM price_rule WHERE partner_id = $1 AND price_rule_id = $2")
            .bind(permit.partner().to_string()).bind(self.id.to_string()).fetch_optional(conn).await)?;
        row.map(|row| row.rule(permit.partner())).transpose()
    }
}

impl Answer for ListPriceRules {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<PriceRule>, Fault> {
        all(permit.partner(), tx).await
    }
}

/// Writes a rule; whose it is stands in it.
pub(crate) async fn insert(rule: &PriceRule, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let (amount_e6, currency) = match rule.kind {
        PriceRuleKind::Discount(percent) | PriceRuleKind::Markup(percent) => (millionths(percent), None),
        PriceRuleKind::Fixed(Money { amount_e6, currency }) => (amount_e6, Some(currency.to_string())),
    };
    on!(tx, conn => sqlx::query(
        "INSERT INTO price_rule
           (partner_id, price_rule_id, customer_id, family, sku, term, kind, amount_e6, currency, holds_from, holds_until,
            created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(rule.partner.to_string())
        .bind(rule.id.to_string())
        .bind(rule.customer.map(|id| id.to_string()))
        .bind(&rule.family)
        .bind(rule.sku.as_ref().map(SkuName::as_str))
        .bind(rule.term.map(Term::code))
        .bind(rule.kind.name())
        .bind(amount_e6)
        .bind(currency)
        .bind(rule.from.to_string())
        .bind(rule.until.map(|day| day.to_string()))
        .bind(micros(rule.created_at))
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Gives a rule its end.
pub(crate) async fn end(partner: PartnerId, rule: &PriceRule, tx: &mut Tx<'_>) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query("UPDATE price_rule SET holds_until = $3 WHERE partner_id = $1 AND price_rule_id = $2")
        .bind(partner.to_string())
        .bind(rule.id.to_string())
        .bind(rule.until.map(|day| day.to_string()))
        .execute(conn).await.map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::authz::Denied;
    use fullmakt_domain::ids::PriceRuleId;
    use fullmakt_domain::refusal::Refusal;
    use jiff::civil::date;

    use super::*;
    use crate::door::{ExecuteError, ReadError};
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, WORLD, actor, number, request, run, stores};

    #[tokio::test]
    async fn r14_r45_rules_are_the_partners_own_and_no_customer_sees_them() {
        let ada = actor(ADA, PARTNER);
        let olle = actor(OLLE, CUSTOMER);
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        let stranger = CustomerId::parse("22222222-2222-4222-8222-22222222222f").unwrap();
        let request = request();
        let eur = Currency::parse("EUR").unwrap();
        let general = AddPriceRule {
            id: PriceRuleId::parse("00000000-0000-4000-8000-000000000011").unwrap(),
            customer: None,
            family: Some("Dsv5".to_owned()),
            sku: None,
            term: None,
            kind: PriceRuleKind::Discount("5.25".parse().unwrap()),
            from: date(2026, 1, 1),
            until: Some(date(2027, 1, 1)),
        };
        let special = AddPriceRule {
            id: PriceRuleId::parse("00000000-0000-4000-8000-000000000012").unwrap(),
            customer: Some(customer),
            family: None,
            sku: SkuName::parse("Standard_D2s_v5").ok(),
            term: Some(Term::P3Y),
            kind: PriceRuleKind::Fixed(Money { amount_e6: 812_500_000, currency: eur }),
            from: date(2026, 2, 1),
            until: None,
        };
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            // The market is the customer's country, not the partner's.
            run(&store, "UPDATE customer SET country = 'NO'").await;
            let made = [
                store.execute(&ada, &general, &request).await.unwrap(),
                store.execute(&ada, &special, &request).await.unwrap(),
            ];
            assert_eq!(store.read(&ada, &ListPriceRules).await.unwrap(), made);

            let foreign = AddPriceRule { customer: Some(stranger), ..special.clone() };
            let refused = store.execute(&ada, &foreign, &request).await;
            assert!(matches!(refused, Err(ExecuteError::Refused(Refusal::CustomerNotServed { .. }))), "{refused:?}");
            let refused = store.execute(&olle, &general, &request).await;
            assert!(matches!(refused, Err(ExecuteError::Denied(Denied::Hidden))), "{refused:?}");
            let refused = store.read(&olle, &ListPriceRules).await;
            assert!(matches!(refused, Err(ReadError::Denied(Denied::Hidden))), "{refused:?}");

            let end = EndPriceRule { id: general.id, until: None };
            let ended = store.execute(&ada, &end, &request).await.unwrap();
            assert_eq!(ended.until, Some(date(2026, 11, 1)));
            assert_eq!(store.read(&ada, &ListPriceRules).await.unwrap(), [ended, made[1].clone()]);
            // Two made, one refused, one ended; a stranger's attempt leaves nothing in the partner's log.
            assert_eq!(number(&store, "SELECT count(*) FROM activity_record").await, 4);

            let view = fullmakt_domain::catalog::ViewPartnerCatalog { customer: Some(customer) };
            assert_eq!(store.read(&ada, &view).await.unwrap().market.code(), "NO");
            let view = fullmakt_domain::catalog::ViewPartnerCatalog { customer: None };
            assert_eq!(store.read(&ada, &view).await.unwrap().market.code(), "SE");
        }
    }
}
