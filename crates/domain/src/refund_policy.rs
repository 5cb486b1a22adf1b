//! What a return gives back, as dated data (R23): days, percentages, the yearly limit, and the rates that compare it with
//! what is billed.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;

use crate::activity::{RecordDraft, Snapshot};
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::ReservedResourceType;
use crate::change::Change;
use crate::money::{Currency, Money, MoneyError};
use crate::operation::{self, Operation};
use crate::refusal::Refusal;

/// How long the quote of a refund or an exchange holds, in minutes. It lapses earlier where an instalment falls due.
pub const RETURN_QUOTE_MINUTES: i64 = 30;

/// The currency of limits.
pub const LIMIT_CURRENCY: &str = "USD";

/// The rules of returns from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPolicy {
    /// The first day it holds.
    pub valid_from: Date,
    /// Within so many days of the purchase nothing is kept back of what has not been used, and there is no fee.
    pub full_refund_days: i64,
    /// What a later return costs, in per cent of what is given back.
    pub fee_percent: Decimal,
    /// How much commitment may be cancelled within the window, in the limit's currency.
    pub limit: Money,
    /// How long a return counts against the limit, in months.
    pub window_months: i64,
}

impl RefundPolicy {
    /// The figures of the programme.
    pub fn built_in() -> Self {
        Self {
            valid_from: date(2020, 1, 1),
            full_refund_days: 5,
            fee_percent: Decimal::from(12),
            limit: limit_of(50_000),
            window_months: 12,
        }
    }

    /// Until when a purchase may be given back as if it had not been made.
    pub fn full_refund_until(&self, purchased: Timestamp) -> Timestamp {
        purchased.checked_add(Span::new().hours(self.full_refund_days.saturating_mul(24))).unwrap_or(Timestamp::MAX)
    }

    /// When a return no longer counts against the limit.
    pub fn counts_until(&self, returned: Timestamp) -> Timestamp {
        let months = i32::try_from(self.window_months).unwrap_or(i32::MAX);
        let later = returned.to_zoned(TimeZone::UTC).checked_add(Span::new().months(months));
        later.map_or(Timestamp::MAX, |end| end.timestamp())
    }
}

fn limit_of(units: i64) -> Money {
    let currency = Currency::parse(LIMIT_CURRENCY).expect("three letters");
    Money::exact(Decimal::from(units), currency).expect("a limit is no large number")
}

/// What one unit of the limit's currency is worth in another, from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversionRate {
    /// The first day it holds.
    pub valid_from: Date,
    /// The other currency.
    pub currency: Currency,
    /// So many of its units for one of the limit's currency.
    pub rate: Decimal,
}

/// The rates to start with: round figures, which a partner replaces by those its supplier uses.
const BUILT_IN_RATES: [(&str, i64, u32); 16] = [
    ("AUD", 152, 2),
    ("BRL", 500, 2),
    ("CAD", 136, 2),
    ("CHF", 88, 2),
    ("CZK", 2_300, 2),
    ("DKK", 686, 2),
    ("EUR", 92, 2),
    ("GBP", 79, 2),
    ("HUF", 36_000, 2),
    ("INR", 8_300, 2),
    ("JPY", 15_000, 2),
    ("NOK", 1_070, 2),
    ("NZD", 164, 2),
    ("PLN", 395, 2),
    ("SEK", 1_050, 2),
    ("USD", 100, 2),
];

/// Policies and rates, of which the day picks one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRules {
    policies: Vec<RefundPolicy>,
    rates: Vec<ConversionRate>,
}

impl RefundRules {
    /// The built-in figures, with a partner's own over them.
    pub fn new(policies: Vec<RefundPolicy>, rates: Vec<ConversionRate>) -> Self {
        let from = date(2020, 1, 1);
        let built_in = BUILT_IN_RATES.into_iter().map(|(code, digits, scale)| ConversionRate {
            valid_from: from,
            currency: Currency::parse(code).expect("three letters"),
            rate: Decimal::new(digits, scale),
        });
        Self {
            policies: [RefundPolicy::built_in()].into_iter().chain(policies).collect(),
            rates: built_in.chain(rates).collect(),
        }
    }

    /// All policies, the built-in one first.
    pub fn policies(&self) -> &[RefundPolicy] {
        &self.policies
    }

    /// All rates, the built-in ones first.
    pub fn rates(&self) -> &[ConversionRate] {
        &self.rates
    }

    /// The policy of a day: the newest that has begun; of two of one day the partner's own.
    pub fn policy(&self, on: Date) -> RefundPolicy {
        let begun = self.policies.iter().filter(|policy| policy.valid_from <= on);
        begun.max_by_key(|policy| policy.valid_from).cloned().unwrap_or_else(RefundPolicy::built_in)
    }

    /// The rate of a day.
    pub fn rate(&self, currency: Currency, on: Date) -> Option<&ConversionRate> {
        let known = self.rates.iter().filter(|rate| rate.currency == currency && rate.valid_from <= on);
        known.max_by_key(|rate| rate.valid_from)
    }

    /// An amount in the limit's currency, and the rate it was converted at.
    ///
    /// # Errors
    /// [`Refusal::NoConversionRate`], [`Refusal::Money`].
    pub fn in_limit_currency(&self, amount: Money, on: Date) -> Result<(Money, ConversionRate), Refusal> {
        let rate = self.rate(amount.currency, on).ok_or(Refusal::NoConversionRate { currency: amount.currency, on })?;
        let limit = self.policy(on).limit.currency;
        let converted = amount.decimal().checked_div(rate.rate).ok_or(MoneyError::Overflow)?;
        Ok((Money::rounded(converted, limit)?, rate.clone()))
    }
}

/// Whether reservations of a kind can be given back at all: pools of units bought ahead and third-party licences cannot.
pub fn is_returnable(kind: ReservedResourceType) -> bool {
    !matches!(
        kind,
        ReservedResourceType::Databricks
            | ReservedResourceType::RedHat
            | ReservedResourceType::RedHatOsa
            | ReservedResourceType::SuseLinux
            | ReservedResourceType::VMwareCloudSimple
    )
}

/// Whether one kind can be exchanged for another: machines, dedicated hosts and AVS among each other, kinds of SQL among
/// each other, everything else for its own kind only.
pub fn is_exchangeable_for(from: ReservedResourceType, to: ReservedResourceType) -> bool {
    use ReservedResourceType::{AVS, DedicatedHost, SqlAzureHybridBenefit, SqlDatabases, SqlEdge, VirtualMachines};
    let one_of = |group: &[ReservedResourceType]| group.contains(&from) && group.contains(&to);
    is_returnable(from)
        && is_returnable(to)
        && (from == to
            || one_of(&[VirtualMachines, DedicatedHost, AVS])
            || one_of(&[SqlDatabases, SqlAzureHybridBenefit, SqlEdge]))
}

/// The partner's rules of returns, past and to come, with the built-in ones under them.
#[derive(Debug, Clone)]
pub struct GetRefundRules;

impl Action for GetRefundRules {
    const OPERATION: Operation = operation::READ_REFUND_RULES;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for GetRefundRules {
    type Answer = RefundRules;
}

/// Sets the partner's rules of returns from a day on. Quotes keep what they were made with.
#[derive(Debug, Clone)]
pub struct SetRefundPolicy {
    /// The rules.
    pub policy: RefundPolicy,
}

/// Sets what one unit of the limit's currency is worth in another, for this partner, from a day on.
#[derive(Debug, Clone)]
pub struct SetConversionRate {
    /// The rate.
    pub rate: ConversionRate,
}

impl Action for SetRefundPolicy {
    const OPERATION: Operation = operation::SET_REFUND_POLICY;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Command for SetRefundPolicy {
    type State = ();
    type Receipt = ();

    fn decide(&self, _permit: &Permit<Self>, _state: (), _now: Timestamp) -> Result<Decision<()>, Refusal> {
        let policy = &self.policy;
        let wrong = |field, must: &'static str| Err(Refusal::InvalidRefundPolicy { field, must });
        if !(0..=366).contains(&policy.full_refund_days) {
            return wrong("fullRefundDays", "lie between 0 and 366");
        }
        if policy.fee_percent < Decimal::ZERO || policy.fee_percent > Decimal::ONE_HUNDRED {
            return wrong("feePercent", "lie between 0 and 100");
        }
        if policy.limit.currency.code() != LIMIT_CURRENCY || policy.limit.amount_e6 < 0 {
            return wrong("limit", "be an amount in USD of 0 or more");
        }
        if !(1..=120).contains(&policy.window_months) {
            return wrong("windowMonths", "lie between 1 and 120");
        }
        let record = RecordDraft {
            subject: self.subject(),
            old: None,
            new: Some(Snapshot::Object(vec![
                ("ValidFrom", Snapshot::text(policy.valid_from)),
                ("FullRefundDays", Snapshot::Number(policy.full_refund_days)),
                ("FeePercent", Snapshot::text(policy.fee_percent)),
                ("Limit", Snapshot::text(policy.limit)),
                ("WindowMonths", Snapshot::Number(policy.window_months)),
            ])),
            details: Vec::new(),
        };
        Ok(Decision::changed((), vec![Change::RefundPolicySet(policy.clone())], record))
    }

    fn subject(&self) -> String {
        self.policy.valid_from.to_string()
    }
}

impl Action for SetConversionRate {
    const OPERATION: Operation = operation::SET_CONVERSION_RATE;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Command for SetConversionRate {
    type State = ();
    type Receipt = ();

    fn decide(&self, _permit: &Permit<Self>, _state: (), _now: Timestamp) -> Result<Decision<()>, Refusal> {
        let rate = &self.rate;
        if rate.rate <= Decimal::ZERO || rate.rate > Decimal::from(1_000_000) {
            return Err(Refusal::InvalidRefundPolicy { field: "rate", must: "be larger than 0 and at most 1000000" });
        }
        let record = RecordDraft {
            subject: self.subject(),
            old: None,
            new: Some(Snapshot::Object(vec![
                ("ValidFrom", Snapshot::text(rate.valid_from)),
                ("Currency", Snapshot::text(rate.currency)),
                ("Rate", Snapshot::text(rate.rate)),
            ])),
            details: Vec::new(),
        };
        Ok(Decision::changed((), vec![Change::ConversionRateSet(rate.clone())], record))
    }

    fn subject(&self) -> String {
        self.rate.currency.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, eur, outcome};

    #[test]
    fn r23_the_newest_policy_and_rate_that_have_begun_hold() {
        let later = RefundPolicy { valid_from: date(2027, 1, 1), full_refund_days: 7, ..RefundPolicy::built_in() };
        let own = RefundPolicy { full_refund_days: 6, ..RefundPolicy::built_in() };
        let rules = RefundRules::new(vec![later, own], Vec::new());
        assert_eq!(rules.policy(date(2026, 12, 31)).full_refund_days, 6);
        assert_eq!(rules.policy(date(2027, 1, 1)).full_refund_days, 7);
        assert_eq!(rules.policy(date(2019, 1, 1)).full_refund_days, 5);
        let euro = eur(0).currency;
        let half = ConversionRate { valid_from: date(2027, 1, 1), currency: euro, rate: Decimal::new(5, 1) };
        let rules = RefundRules::new(Vec::new(), vec![half]);
        let usd = |on| rules.in_limit_currency(eur(92), on).unwrap().0.to_string();
        assert_eq!((usd(date(2026, 6, 1)).as_str(), usd(date(2027, 6, 1)).as_str()), ("100.00 USD", "184.00 USD"));
        let unknown = Money { currency: Currency::parse("XAF").unwrap(), ..eur(1) };
        let refused = rules.in_limit_currency(unknown, date(2026, 6, 1)).unwrap_err();
        assert!(refused.to_string().contains("no conversion rate"), "{refused}");
    }

    #[test]
    fn r23_a_policy_makes_sense_or_is_refused() {
        let set = |change: fn(&mut RefundPolicy)| {
            let mut policy = RefundPolicy::built_in();
            change(&mut policy);
            let command = SetRefundPolicy { policy };
            let decided = command.decide(&testing::permit_partner(&command), (), testing::now());
            outcome(&decided, |_| "set".to_owned())
        };
        assert_eq!(set(|_| ()), "set");
        for (change, field) in [
            (set(|p| p.full_refund_days = -1), "fullRefundDays"),
            (set(|p| p.fee_percent = Decimal::from(101)), "feePercent"),
            (set(|p| p.limit = eur(1)), "limit"),
            (set(|p| p.window_months = 0), "windowMonths"),
        ] {
            assert!(change.contains(field), "{change}");
        }
        let rate = ConversionRate { valid_from: date(2027, 1, 1), currency: eur(0).currency, rate: Decimal::ZERO };
        let command = SetConversionRate { rate };
        assert!(command.decide(&testing::permit_partner(&command), (), testing::now()).is_err());
    }

    #[test]
    fn kinds_are_exchanged_within_their_group() {
        use ReservedResourceType::{DedicatedHost, RedHat, RedisCache, SqlDatabases, VirtualMachines};
        for (from, to, possible) in [
            (VirtualMachines, VirtualMachines, true),
            (VirtualMachines, DedicatedHost, true),
            (VirtualMachines, SqlDatabases, false),
            (RedisCache, RedisCache, true),
            (RedHat, RedHat, false),
        ] {
            assert_eq!(is_exchangeable_for(from, to), possible, "{from:?} {to:?}");
        }
    }
}
