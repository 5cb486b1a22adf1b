//! What a partner makes its customers pay: rules that depart from the list price (R14).

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::activity::{RecordDraft, Snapshot};
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::{Offer, SkuName, Term};
use crate::change::Change;
use crate::ids::{CustomerId, PartnerId, PriceRuleId};
use crate::money::{Currency, Money};
use crate::operation::{self, Operation};
use crate::refusal::Refusal;

/// How a rule departs from the list price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceRuleKind {
    /// Per cent off the list price: 0 to 100.
    Discount(Decimal),
    /// Per cent on top of the list price: 0 to [`PriceRuleKind::MAX_MARKUP`].
    Markup(Decimal),
    /// This much for the whole term of one instance. It holds only for offers in its currency.
    Fixed(Money),
}

impl PriceRuleKind {
    /// The largest markup, in per cent.
    pub const MAX_MARKUP: u32 = 1_000;
    /// The largest fixed price, in currency units: a thousand of them still can be added up.
    pub const MAX_FIXED: u32 = 1_000_000_000;
    /// How many decimals a percentage may have.
    pub const PERCENT_DECIMALS: u32 = 4;

    /// The word for it in tables and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discount(_) => "discount",
            Self::Markup(_) => "markup",
            Self::Fixed(_) => "fixed",
        }
    }

    /// Whether the number is one that a rule may have.
    ///
    /// # Errors
    /// [`InvalidPriceRule`].
    pub fn check(self) -> Result<(), InvalidPriceRule> {
        match self {
            Self::Discount(percent) => check_percent(percent, 100, "discount"),
            Self::Markup(percent) => check_percent(percent, Self::MAX_MARKUP, "markup"),
            Self::Fixed(amount) => {
                let decimal = amount.decimal();
                if decimal.is_sign_negative() || decimal > Decimal::from(Self::MAX_FIXED) {
                    return Err(InvalidPriceRule::FixedOutOfRange { amount: decimal });
                }
                if decimal.scale() > amount.currency.minor_digits() {
                    return Err(InvalidPriceRule::FixedTooFine { amount });
                }
                Ok(())
            }
        }
    }
}

fn check_percent(percent: Decimal, max: u32, what: &'static str) -> Result<(), InvalidPriceRule> {
    if percent < Decimal::ZERO || percent > Decimal::from(max) {
        return Err(InvalidPriceRule::PercentOutOfRange { what, percent, max });
    }
    if percent.normalize().scale() > PriceRuleKind::PERCENT_DECIMALS {
        return Err(InvalidPriceRule::PercentTooFine { what, percent });
    }
    Ok(())
}

/// One of a partner's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRule {
    /// Its identifier.
    pub id: PriceRuleId,
    /// Whose rule it is.
    pub partner: PartnerId,
    /// For one customer; none: for all.
    pub customer: Option<CustomerId>,
    /// For one product family; none: for all. Not together with a SKU.
    pub family: Option<String>,
    /// For one SKU; none: for all.
    pub sku: Option<SkuName>,
    /// For one term; none: for all.
    pub term: Option<Term>,
    /// What it does.
    pub kind: PriceRuleKind,
    /// The first day it holds.
    pub from: Date,
    /// The first day it no longer holds; none: until further notice.
    pub until: Option<Date>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Why a price rule cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPriceRule {
    /// A percentage that gives something away twice or is beyond reason.
    #[error("a {what} of `{percent}` per cent is outside 0 to {max}")]
    PercentOutOfRange {
        /// `discount` or `markup`.
        what: &'static str,
        /// What was given.
        percent: Decimal,
        /// The most there may be.
        max: u32,
    },
    /// More decimals than are kept.
    #[error("a {what} of `{percent}` per cent has more than {max} decimals", max = PriceRuleKind::PERCENT_DECIMALS)]
    PercentTooFine {
        /// `discount` or `markup`.
        what: &'static str,
        /// What was given.
        percent: Decimal,
    },
    /// A fixed price below nothing or beyond reason.
    #[error("a fixed price of `{amount}` is outside 0 to {max}", max = PriceRuleKind::MAX_FIXED)]
    FixedOutOfRange {
        /// What was given.
        amount: Decimal,
    },
    /// A fixed price that cannot be paid in coins.
    #[error("a fixed price of `{amount}` is finer than the currency's smallest coin")]
    FixedTooFine {
        /// What was given.
        amount: Money,
    },
    /// Both a family and a SKU.
    #[error("name a family or a sku, not both")]
    FamilyAndSku,
    /// A fixed price nobody could be billed.
    #[error("a fixed price in `{currency}` never applies, since you bill in `{billing}`")]
    ForeignCurrency {
        /// The currency given.
        currency: Currency,
        /// The partner's billing currency.
        billing: Currency,
    },
    /// The past stays as it was.
    #[error("the rule cannot end on {until}, which is before today, {today}")]
    EndsInThePast {
        /// What was given.
        until: Date,
        /// Today, UTC.
        today: Date,
    },
    /// Ends before it begins.
    #[error("the rule ends on {until}, which is not after its first day {from}")]
    EndsBeforeItBegins {
        /// The first day.
        from: Date,
        /// The end.
        until: Date,
    },
}

impl InvalidPriceRule {
    /// The field of a rule that is wrong, as world files and the API spell it.
    pub fn field(&self) -> &'static str {
        match self {
            Self::PercentOutOfRange { what: "discount", .. } | Self::PercentTooFine { what: "discount", .. } => {
                "discount_percent"
            }
            Self::PercentOutOfRange { .. } | Self::PercentTooFine { .. } => "markup_percent",
            Self::FixedOutOfRange { .. } | Self::FixedTooFine { .. } | Self::ForeignCurrency { .. } => "fixed",
            Self::FamilyAndSku => "sku",
            Self::EndsBeforeItBegins { .. } | Self::EndsInThePast { .. } => "until",
        }
    }
}

impl PriceRule {
    /// Whether the rule may be made.
    ///
    /// # Errors
    /// [`InvalidPriceRule`], the first that applies.
    pub fn check(&self) -> Result<(), InvalidPriceRule> {
        self.kind.check()?;
        if self.family.is_some() && self.sku.is_some() {
            return Err(InvalidPriceRule::FamilyAndSku);
        }
        match self.until {
            Some(until) if until <= self.from => Err(InvalidPriceRule::EndsBeforeItBegins { from: self.from, until }),
            _ => Ok(()),
        }
    }

    /// Whether the rule holds on a day: the first day counts, the end does not.
    pub fn holds_on(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }

    /// Whether the rule is about this offer for this customer on this day.
    pub fn applies(&self, offer: &Offer, customer: CustomerId, day: Date) -> bool {
        let currency_fits = match self.kind {
            PriceRuleKind::Fixed(amount) => amount.currency == offer.currency(),
            PriceRuleKind::Discount(_) | PriceRuleKind::Markup(_) => true,
        };
        currency_fits
            && self.holds_on(day)
            && self.customer.is_none_or(|of| of == customer)
            && self.family.as_ref().is_none_or(|family| family.eq_ignore_ascii_case(&offer.family))
            && self.sku.as_ref().is_none_or(|sku| *sku == offer.sku)
            && self.term.is_none_or(|term| term == offer.term)
    }

    /// What of several rules that apply the greatest wins by: the customer before the product, a SKU before a family, a rule
    /// for one term before one for all, then the newest by first day, by when it was made, by identifier.
    fn precedence(&self) -> (bool, bool, bool, bool, Date, Timestamp, PriceRuleId) {
        (
            self.customer.is_some(),
            self.sku.is_some(),
            self.family.is_some(),
            self.term.is_some(),
            self.from,
            self.created_at,
            self.id,
        )
    }
}

/// The rule that decides the price of an offer for a customer on a day (R14).
///
/// The most specific one that applies: customer and SKU, customer and family, customer, SKU, family, all. The customer goes
/// before the product, because a price agreed with someone must not change when a general offer is made. Among equals a
/// rule for one term goes before one for all terms, then the newest wins. `rules` are those of one partner, in any order.
pub fn select<'a>(rules: &'a [PriceRule], offer: &Offer, customer: CustomerId, day: Date) -> Option<&'a PriceRule> {
    rules.iter().filter(|rule| rule.applies(offer, customer, day)).max_by_key(|rule| rule.precedence())
}

impl PriceRule {
    fn snapshot(&self) -> Snapshot {
        let (name, amount) = match self.kind {
            PriceRuleKind::Discount(percent) => ("DiscountPercent", percent.normalize().to_string()),
            PriceRuleKind::Markup(percent) => ("MarkupPercent", percent.normalize().to_string()),
            PriceRuleKind::Fixed(amount) => ("Fixed", amount.to_string()),
        };
        Snapshot::Object(vec![
            ("Id", Snapshot::text(self.id)),
            ("Customer", Snapshot::optional(self.customer)),
            ("Family", Snapshot::optional(self.family.as_ref())),
            ("Sku", Snapshot::optional(self.sku.as_ref())),
            ("Term", Snapshot::optional(self.term)),
            (name, Snapshot::Text(amount)),
            ("From", Snapshot::text(self.from)),
            ("Until", Snapshot::optional(self.until)),
        ])
    }
}

/// Makes a price rule (R14).
#[derive(Debug, Clone)]
pub struct AddPriceRule {
    /// The new rule's identifier.
    pub id: PriceRuleId,
    /// For one customer of the partner; none: for all.
    pub customer: Option<CustomerId>,
    /// For one product family; none: for all.
    pub family: Option<String>,
    /// For one SKU; none: for all.
    pub sku: Option<SkuName>,
    /// For one term; none: for all.
    pub term: Option<Term>,
    /// What it does.
    pub kind: PriceRuleKind,
    /// The first day it holds.
    pub from: Date,
    /// The first day it no longer holds.
    pub until: Option<Date>,
}

/// What a new rule is checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricingState {
    /// The partner's billing currency.
    pub currency: Currency,
    /// Whether the customer that the rule names is one of the partner's.
    pub serves_customer: bool,
}

impl Action for AddPriceRule {
    const OPERATION: Operation = operation::ADD_PRICE_RULE;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Command for AddPriceRule {
    type State = PricingState;
    type Receipt = PriceRule;

    fn decide(
        &self,
        permit: &Permit<Self>,
        state: PricingState,
        now: Timestamp,
    ) -> Result<Decision<PriceRule>, Refusal> {
        if let Some(customer) = self.customer.filter(|_| !state.serves_customer) {
            return Err(Refusal::CustomerNotServed { customer });
        }
        if let PriceRuleKind::Fixed(amount) = self.kind
            && amount.currency != state.currency
        {
            let (currency, billing) = (amount.currency, state.currency);
            return Err(InvalidPriceRule::ForeignCurrency { currency, billing }.into());
        }
        let rule = PriceRule {
            id: self.id,
            partner: permit.partner(),
            customer: self.customer,
            family: self.family.clone(),
            sku: self.sku.clone(),
            term: self.term,
            kind: self.kind,
            from: self.from,
            until: self.until,
            created_at: now,
        };
        rule.check()?;
        let record =
            RecordDraft { subject: self.id.to_string(), old: None, new: Some(rule.snapshot()), details: Vec::new() };
        Ok(Decision::changed(rule.clone(), vec![Change::PriceRuleAdded(rule)], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// Ends a price rule. What was quoted and bought by it keeps its price.
#[derive(Debug, Clone)]
pub struct EndPriceRule {
    /// Which.
    pub id: PriceRuleId,
    /// The first day it no longer holds; none: today. A rule that has not begun by then never holds.
    pub until: Option<Date>,
}

impl Action for EndPriceRule {
    const OPERATION: Operation = operation::END_PRICE_RULE;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Command for EndPriceRule {
    type State = Option<PriceRule>;
    type Receipt = PriceRule;

    fn decide(
        &self,
        _permit: &Permit<Self>,
        existing: Self::State,
        now: Timestamp,
    ) -> Result<Decision<PriceRule>, Refusal> {
        let old = existing.ok_or(Refusal::PriceRuleNotFound { id: self.id })?;
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let until = self.until.unwrap_or(today);
        if until < today {
            return Err(InvalidPriceRule::EndsInThePast { until, today }.into());
        }
        // What ends earlier than asked stays ended.
        if old.until.is_some_and(|ends| ends <= until) {
            return Ok(Decision::unchanged(old));
        }
        let rule = PriceRule { until: Some(until.max(old.from)), ..old.clone() };
        let record = RecordDraft {
            subject: self.id.to_string(),
            old: Some(old.snapshot()),
            new: Some(rule.snapshot()),
            details: Vec::new(),
        };
        Ok(Decision::changed(rule.clone(), vec![Change::PriceRuleEnded(rule)], record))
    }

    fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// The rules of the actor's partner, those that ended included, sorted by first day and time of making.
#[derive(Debug, Clone)]
pub struct ListPriceRules;

impl Action for ListPriceRules {
    const OPERATION: Operation = operation::LIST_PRICE_RULES;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for ListPriceRules {
    type Answer = Vec<PriceRule>;
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::catalog::tests::offer;
    use crate::testing::{self, outcome};

    pub(crate) const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(2));

    /// A rule for everything and everyone, from 2026 on.
    pub(crate) fn rule(number: u128, kind: PriceRuleKind) -> PriceRule {
        PriceRule {
            id: PriceRuleId(Uuid::from_u128(number)),
            partner: PartnerId(Uuid::from_u128(1)),
            customer: None,
            family: None,
            sku: None,
            term: None,
            kind,
            from: date(2026, 1, 1),
            until: None,
            created_at: Timestamp::from_second(0).unwrap(),
        }
    }

    fn percent(number: u128) -> PriceRule {
        rule(number, PriceRuleKind::Discount(Decimal::from(5)))
    }

    #[test]
    fn r14_the_most_specific_rule_wins_then_the_newest() {
        let (family, sku) = (Some("dSV5".to_owned()), Some(SkuName::parse("standard_d2s_V5").unwrap()));
        let customer = Some(CUSTOMER);
        // From the strongest to the weakest.
        let ranking = [
            PriceRule { customer, sku: sku.clone(), term: Some(Term::P1Y), ..percent(1) },
            PriceRule { customer, sku: sku.clone(), ..percent(2) },
            PriceRule { customer, family: family.clone(), ..percent(3) },
            PriceRule { customer, ..percent(4) },
            PriceRule { sku, ..percent(5) },
            PriceRule { family, from: date(2026, 2, 1), ..percent(6) },
            PriceRule { family: Some("Dsv5".into()), ..percent(7) },
            PriceRule { from: date(2026, 3, 1), ..percent(8) },
            PriceRule { created_at: Timestamp::from_second(10).unwrap(), ..percent(9) },
            percent(11),
            percent(10),
        ];
        for start in 0..ranking.len() {
            let mut left = ranking[start..].to_vec();
            left.reverse();
            let won = select(&left, &offer(), CUSTOMER, date(2026, 6, 1)).unwrap();
            assert_eq!(won.id, ranking[start].id);
        }
    }

    #[test]
    fn a_rule_holds_for_its_days_customer_product_term_and_currency_only() {
        let other = Some(CustomerId(Uuid::from_u128(3)));
        let sek = Money::rounded(Decimal::from(9), Currency::parse("SEK").unwrap()).unwrap();
        let day = date(2026, 6, 1);
        for (rule, applies) in [
            (percent(1), true),
            (PriceRule { from: day, ..percent(1) }, true),
            (PriceRule { from: date(2026, 6, 2), ..percent(1) }, false),
            (PriceRule { until: Some(day), ..percent(1) }, false),
            (PriceRule { until: Some(date(2026, 6, 2)), ..percent(1) }, true),
            (PriceRule { customer: other, ..percent(1) }, false),
            (PriceRule { family: Some("Esv5".into()), ..percent(1) }, false),
            (PriceRule { sku: Some(SkuName::parse("Standard_D4s_v5").unwrap()), ..percent(1) }, false),
            (PriceRule { term: Some(Term::P3Y), ..percent(1) }, false),
            (rule(1, PriceRuleKind::Fixed(sek)), false),
        ] {
            assert_eq!(rule.applies(&offer(), CUSTOMER, day), applies, "{rule:?}");
        }
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused() {
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        let eur = |text: &str| Money::exact(dec(text), Currency::parse("EUR").unwrap()).unwrap();
        for (made, message) in [
            (
                rule(1, PriceRuleKind::Discount(dec("100.0001"))),
                "a discount of `100.0001` per cent is outside 0 to 100",
            ),
            (rule(1, PriceRuleKind::Discount(dec("-1"))), "a discount of `-1` per cent is outside 0 to 100"),
            (rule(1, PriceRuleKind::Markup(dec("1001"))), "a markup of `1001` per cent is outside 0 to 1000"),
            (rule(1, PriceRuleKind::Markup(dec("1.00001"))), "a markup of `1.00001` per cent has more than 4 decimals"),
            (rule(1, PriceRuleKind::Fixed(eur("-1"))), "a fixed price of `-1.00` is outside 0 to 1000000000"),
            (
                rule(1, PriceRuleKind::Fixed(eur("1.005"))),
                "a fixed price of `1.005 EUR` is finer than the currency's smallest coin",
            ),
            (
                PriceRule { until: Some(date(2026, 1, 1)), ..percent(1) },
                "the rule ends on 2026-01-01, which is not after its first day 2026-01-01",
            ),
            (
                PriceRule { family: Some("Dsv5".into()), sku: Some(offer().sku), ..percent(1) },
                "name a family or a sku, not both",
            ),
        ] {
            assert_eq!(made.check().unwrap_err().to_string(), message);
        }
        assert_eq!(rule(1, PriceRuleKind::Discount(dec("100"))).check(), Ok(()));
    }

    #[test]
    fn r14_a_partner_makes_rules_for_its_own_customers_in_its_own_currency() {
        let eur = Currency::parse("EUR").unwrap();
        let fixed = |currency: &str| PriceRuleKind::Fixed(Money::zero(Currency::parse(currency).unwrap()));
        let five = PriceRuleKind::Discount(Decimal::from(5));
        for (customer, serves_customer, kind, expected) in [
            (None, false, five, "added for 00000000-0000-0000-0000-000000000011"),
            (Some(testing::customer()), true, five, "added for"),
            (Some(testing::customer()), false, five, "is not a customer of yours"),
            (None, false, fixed("EUR"), "added for"),
            (None, false, fixed("SEK"), "a fixed price in `SEK` never applies, since you bill in `EUR`"),
            (None, false, PriceRuleKind::Discount(Decimal::from(101)), "outside 0 to 100"),
        ] {
            let of = percent(1);
            let add = AddPriceRule {
                id: of.id,
                customer,
                family: None,
                sku: None,
                term: None,
                kind,
                from: of.from,
                until: None,
            };
            let permit = testing::permit_partner(&add);
            let decided = add.decide(&permit, PricingState { currency: eur, serves_customer }, testing::now());
            let shown = outcome(&decided, |d| format!("added for {}", d.receipt.partner));
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }

    #[test]
    fn ending_a_rule_again_or_before_it_began_does_no_harm() {
        let ended = |until| Some(PriceRule { until, ..percent(1) });
        // Today is 2026-11-01.
        for (existing, until, expected) in [
            (None, None, "there is no price rule"),
            (ended(None), None, "until 2026-11-01"),
            (ended(None), Some(date(2027, 1, 1)), "until 2027-01-01"),
            (ended(None), Some(date(2026, 10, 31)), "cannot end on 2026-10-31, which is before today, 2026-11-01"),
            (ended(Some(date(2026, 12, 1))), None, "until 2026-11-01"),
            (ended(Some(date(2026, 10, 1))), None, "unchanged"),
            (Some(PriceRule { from: date(2027, 2, 1), ..percent(1) }), None, "until 2027-02-01"),
        ] {
            let end = EndPriceRule { id: percent(1).id, until };
            let permit = testing::permit_partner(&end);
            let shown = outcome(&end.decide(&permit, existing, testing::now()), |d| match d.changes.as_slice() {
                [Change::PriceRuleEnded(rule)] => format!("until {}", rule.until.unwrap()),
                _ => "unchanged".to_owned(),
            });
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }

    prop_compose! {
        fn any_rule()(
            number in 1_u128..1_000,
            customer in any::<bool>(), product in 0..3, term in any::<bool>(),
            days in 0..400_i64, created in 0..3_i64,
        ) -> PriceRule {
            PriceRule {
                customer: customer.then_some(CUSTOMER),
                sku: (product == 2).then(|| offer().sku),
                family: (product == 1).then(|| offer().family),
                term: term.then_some(Term::P1Y),
                from: date(2026, 1, 1).saturating_add(jiff::Span::new().days(days)),
                created_at: Timestamp::from_second(created).unwrap(),
                ..percent(number)
            }
        }
    }

    proptest! {
        #[test]
        fn the_winner_does_not_depend_on_the_order_of_the_rules(
            (sorted, shuffled) in prop::collection::vec(any_rule(), 0..12)
                .prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle()))
        ) {
            let day = date(2026, 6, 1);
            let one = select(&sorted, &offer(), CUSTOMER, day).map(PriceRule::precedence);
            let two = select(&shuffled, &offer(), CUSTOMER, day).map(PriceRule::precedence);
            prop_assert_eq!(one, two);
        }
    }
}
