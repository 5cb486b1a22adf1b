//! What a customer pays: the price of one instance, and the arithmetic of a quote (R13, R14).

use jiff::Span;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::catalog::{BillingPlan, Offer, Quantity, Term};
use crate::ids::{CustomerId, PriceRuleId};
use crate::money::{Money, MoneyError};
use crate::price_rule::{PriceRule, PriceRuleKind, select};

/// The prices of one instance for its whole term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceBreakdown {
    /// The list (Web Direct) price.
    pub list: Money,
    /// What the partner pays. For the partner's eyes only (R14).
    pub partner_cost: Money,
    /// What the customer pays.
    pub customer_unit_price: Money,
    /// The rule that set it; none: it is the list price.
    pub rule: Option<PriceRuleId>,
}

/// What a customer pays for one instance on a day (R14): what the winning rule says, else the list price.
///
/// This is where money is rounded, once: half to even, at the currency's smallest coin. See [`select`] for which of the
/// partner's `rules` wins.
///
/// # Errors
/// [`MoneyError::Overflow`], which no checked offer and rule can reach.
pub fn customer_price(
    offer: &Offer,
    rules: &[PriceRule],
    customer: CustomerId,
    on: Date,
) -> Result<PriceBreakdown, MoneyError> {
    let rule = select(rules, offer, customer, on);
    let customer_unit_price = match rule.map(|rule| rule.kind) {
        None => Money::rounded(offer.list_price.decimal(), offer.currency())?,
        Some(PriceRuleKind::Fixed(amount)) => amount,
        Some(PriceRuleKind::Discount(percent)) => {
            per_cent(offer.list_price, Decimal::ONE_HUNDRED.checked_sub(percent))?
        }
        Some(PriceRuleKind::Markup(percent)) => per_cent(offer.list_price, Decimal::ONE_HUNDRED.checked_add(percent))?,
    };
    Ok(PriceBreakdown {
        list: offer.list_price,
        partner_cost: offer.partner_price,
        customer_unit_price,
        rule: rule.map(|rule| rule.id),
    })
}

fn per_cent(price: Money, percent: Option<Decimal>) -> Result<Money, MoneyError> {
    let amount = percent
        .and_then(|percent| price.decimal().checked_mul(percent))
        .and_then(|amount| amount.checked_div(Decimal::ONE_HUNDRED))
        .ok_or(MoneyError::Overflow)?;
    Money::rounded(amount.max(Decimal::ZERO), price.currency)
}

/// One payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instalment {
    /// The day it is due.
    pub due: Date,
    /// How much.
    pub amount: Money,
}

/// What a quote comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The whole commitment.
    pub total: Money,
    /// When it is paid: once, or in as many instalments as the term has months; they add up to the total exactly.
    pub schedule: Vec<Instalment>,
}

/// What a quantity comes to and when it is paid, bought on `start`.
///
/// The total is exact: the rounded price of one times the quantity. Paid monthly, the first instalment is due on the day of
/// the purchase and the others on the same day of each month, or on the month's last day where it has no such day;
/// instalments differ by at most one coin, the larger ones first.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn totals(
    unit: Money,
    quantity: Quantity,
    plan: BillingPlan,
    term: Term,
    start: Date,
) -> Result<Totals, MoneyError> {
    let total = unit.times(quantity.instances())?;
    let parts = match plan {
        BillingPlan::Upfront => 1,
        BillingPlan::Monthly => term.months(),
    };
    let schedule = total
        .instalments(parts)
        .into_iter()
        .zip(0_i32..)
        // Counted from the start each time: 31 January, 28 February, 31 March.
        .map(|(amount, month)| Instalment { due: start.saturating_add(Span::new().months(month)), amount })
        .collect();
    Ok(Totals { total, schedule })
}

/// The day a term that starts on `start` ends: the same day some years later (28 February after a 29th).
pub fn end_of_term(start: Date, term: Term) -> Date {
    start.saturating_add(Span::new().years(term.years()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::tests::offer;
    use crate::money::Currency;
    use crate::price_rule::tests::{CUSTOMER, rule};

    fn eur(text: &str) -> Money {
        Money::exact(text.parse().unwrap(), Currency::parse("EUR").unwrap()).unwrap()
    }

    #[test]
    fn r14_the_customer_pays_what_the_rule_says_else_the_list_price() {
        let percent = |text: &str| text.parse::<Decimal>().unwrap();
        for (list, kind, price) in [
            ("500", None, "500.00 EUR"),
            ("500", Some(PriceRuleKind::Discount(percent("5"))), "475.00 EUR"),
            ("500", Some(PriceRuleKind::Discount(percent("100"))), "0.00 EUR"),
            ("500", Some(PriceRuleKind::Markup(percent("12.5"))), "562.50 EUR"),
            ("500", Some(PriceRuleKind::Fixed(eur("812.50"))), "812.50 EUR"),
            // 8.125 and 8.375 lie between two coins: the even one is taken.
            ("16.25", Some(PriceRuleKind::Discount(percent("50"))), "8.12 EUR"),
            ("16.75", Some(PriceRuleKind::Discount(percent("50"))), "8.38 EUR"),
        ] {
            let offer = Offer { list_price: eur(list), ..offer() };
            let rules: Vec<PriceRule> = kind.map(|kind| rule(7, kind)).into_iter().collect();
            let got = customer_price(&offer, &rules, CUSTOMER, date(2026, 6, 1)).unwrap();
            assert_eq!(got.customer_unit_price.to_string(), price, "{list} {kind:?}");
            assert_eq!(got.rule, rules.first().map(|rule| rule.id));
            assert_eq!((got.list, got.partner_cost), (offer.list_price, offer.partner_price));
        }
    }

    #[test]
    fn monthly_instalments_fall_due_on_the_same_day_or_the_months_last() {
        let quantity = Quantity::new(2).unwrap();
        let got = totals(eur("500.05"), quantity, BillingPlan::Monthly, Term::P1Y, date(2027, 10, 31)).unwrap();
        assert_eq!(got.total, eur("1000.10"));
        let shown: Vec<String> = got.schedule.iter().map(|i| format!("{} {}", i.due, i.amount.decimal())).collect();
        assert_eq!(shown.len(), 12);
        assert_eq!(
            shown[..6],
            [
                "2027-10-31 83.35",
                "2027-11-30 83.35",
                "2027-12-31 83.34",
                "2028-01-31 83.34",
                "2028-02-29 83.34",
                "2028-03-31 83.34"
            ]
        );
    }

    #[test]
    fn upfront_is_one_payment_on_the_day_of_the_purchase() {
        let start = date(2026, 11, 22);
        let got = totals(eur("500"), Quantity::new(3).unwrap(), BillingPlan::Upfront, Term::P3Y, start).unwrap();
        assert_eq!(got.schedule, [Instalment { due: start, amount: eur("1500") }]);
        assert_eq!(end_of_term(start, Term::P3Y), date(2029, 11, 22));
        assert_eq!(end_of_term(date(2028, 2, 29), Term::P1Y), date(2029, 2, 28));
    }

    proptest! {
        #[test]
        fn r13_totals_are_exact_and_instalments_add_up(
            list in 0_i64..10_000_000_000, cut in 0_i64..1_000_000, up in any::<bool>(),
            quantity in 1_i64..=1_000, plan in 0_usize..2, term in 0_usize..3, day in 0_i64..4_000,
        ) {
            let quantity = Quantity::new(quantity).unwrap();
            let offer = Offer { list_price: Money::exact(Decimal::new(list, 2), eur("0").currency).unwrap(), ..offer() };
            let cut = Decimal::new(cut, 4);
            let kind = if up { PriceRuleKind::Markup(cut) } else { PriceRuleKind::Discount(cut) };
            let rules = [rule(1, kind)];
            let unit = customer_price(&offer, &rules, CUSTOMER, date(2026, 6, 1)).unwrap().customer_unit_price;
            let start = date(2026, 1, 1).saturating_add(Span::new().days(day));
            let got = totals(unit, quantity, BillingPlan::ALL[plan], Term::ALL[term], start).unwrap();
            prop_assert_eq!(got.total.decimal(), unit.decimal() * Decimal::from(quantity.instances()));
            let mut sum = Money::zero(unit.currency);
            for part in &got.schedule {
                sum = sum.plus(part.amount).unwrap();
                prop_assert!(part.due.day() <= start.day());
            }
            prop_assert_eq!(sum, got.total);
            prop_assert!(got.schedule.windows(2).all(|pair| pair[0].due < pair[1].due && pair[0].amount.amount_e6 >= pair[1].amount.amount_e6));
        }
    }
}
