//! What comes back for a reservation that is given back, and why: pure arithmetic, explained line by line (R23).
//!
//! Days are calendar days, UTC. What was paid covers a period: the whole term when it was paid at once, else the time from
//! one instalment to the next. Of the running period the days that are left come back; what is due later falls away.
//! Both sides are computed alike, from what the customer owes the partner and from what the partner owes its supplier.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::change::ScheduledInstalment;
use crate::due::midnight;
use crate::money::{Money, MoneyError};
use crate::obstacle::day;
use crate::refund_policy::{ConversionRate, RETURN_QUOTE_MINUTES, RefundPolicy, RefundRules};
use crate::refusal::Refusal;
use crate::reservation::{OrderWithReservations, Reservation, ReservationOrder};

/// What a return is for: money, or another reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnKind {
    /// Money: a fee may apply, and it counts against the limit.
    Refund,
    /// Another reservation: neither.
    Exchange,
}

/// The amounts of one side of a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// What was charged for the returned instances in the running period.
    pub share: Money,
    /// What of it comes back before the fee.
    pub credit: Money,
    /// What the return costs.
    pub fee: Money,
    /// What will not be charged any more.
    pub dropped: Money,
}

impl Side {
    /// Money back.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn refund(&self) -> Result<Money, MoneyError> {
        self.credit.plus(self.fee.negated())
    }

    /// The commitment that is cancelled: what comes back before the fee, and what will not be charged any more.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn cancelled(&self) -> Result<Money, MoneyError> {
        self.credit.plus(self.dropped)
    }
}

/// What a return comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTerms {
    /// How many instances are returned.
    pub quantity: i64,
    /// Of how many that the order still has.
    pub of: i64,
    /// The number of the running instalment; 0 before the first.
    pub running: i64,
    /// The first day of the running period.
    pub period_from: Date,
    /// The first day after it.
    pub period_until: Date,
    /// The day of the return.
    pub on: Date,
    /// Whether it is returned soon enough for a full refund.
    pub within_days: bool,
    /// Whether it has been used.
    pub used: bool,
    /// The fee's per cent.
    pub fee_percent: Decimal,
    /// What the customer owes the partner less.
    pub customer: Side,
    /// What the partner owes its supplier less.
    pub partner: Side,
    /// What the whole order has cost the customer so far, less what came back.
    pub paid: Money,
    /// How many instalments have fallen due.
    pub completed: i64,
    /// How many there are in all.
    pub instalments: i64,
}

impl ReturnTerms {
    /// How many days of the running period are left, and how many it has.
    pub fn days(&self) -> (i64, i64) {
        let between = |from: Date, until: Date| from.until(until).map_or(0, |span| i64::from(span.get_days())).max(0);
        let all = between(self.period_from, self.period_until);
        let used = between(self.period_from, self.on).min(all);
        (all.saturating_sub(used), all)
    }

    /// Whether everything of the running period comes back.
    pub fn in_full(&self) -> bool {
        self.within_days && !self.used
    }
}

/// What was given back before, as far as it matters for what is given back now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The number of the instalment that ran then.
    pub running: i64,
    /// What was charged in that period for what was returned, to the customer.
    pub customer_share: Money,
    /// The same, to the partner.
    pub partner_share: Money,
    /// What the customer got back.
    pub customer_refund: Money,
}

/// The payments of an order: what was, what will be, and what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderMoney {
    /// All instalments; one where it was paid at once.
    pub instalments: Vec<ScheduledInstalment>,
    /// What was given back before.
    pub settled: Vec<Settled>,
    /// How many instances have not been given back.
    pub left: i64,
}

impl OrderMoney {
    /// Takes instances out of an order: what they give back, and what is left to pay for the others.
    ///
    /// # Errors
    /// [`Refusal::RefundQuantity`] for none or more than there are, [`Refusal::Money`].
    pub fn take(
        &mut self,
        order: &ReservationOrder,
        reservation: &Reservation,
        quantity: i64,
        kind: ReturnKind,
        policy: &RefundPolicy,
        at: Timestamp,
    ) -> Result<ReturnTerms, Refusal> {
        if quantity < 1 || quantity > reservation.quantity.instances() || quantity > self.left {
            return Err(Refusal::RefundQuantity { quantity, of: reservation.quantity });
        }
        let on = day(at);
        let zero = Money::zero(order.prices.currency());
        let of = self.left;
        let due = |instalment: &&ScheduledInstalment| instalment.due <= on;
        let running = self.instalments.iter().filter(due).max_by_key(|instalment| instalment.number).cloned();
        let number = running.as_ref().map_or(0, |instalment| instalment.number);
        let after = self.instalments.iter().filter(|i| i.number > number).min_by_key(|i| i.number);
        let (period_from, period_until) = match (&running, after) {
            (Some(running), Some(next)) => (running.due, next.due),
            (Some(running), None) => (running.due, day(order.expires_at)),
            // Nothing has been charged yet.
            (None, _) => (on, on),
        };
        let within_days = at <= policy.full_refund_until(order.requested_at);
        let mut terms = ReturnTerms {
            quantity,
            of,
            running: number,
            period_from,
            period_until,
            on,
            within_days,
            used: reservation.first_used_at.is_some(),
            fee_percent: match kind {
                ReturnKind::Refund if !within_days => policy.fee_percent,
                ReturnKind::Refund | ReturnKind::Exchange => Decimal::ZERO,
            },
            customer: Side { share: zero, credit: zero, fee: zero, dropped: zero },
            partner: Side { share: zero, credit: zero, fee: zero, dropped: zero },
            paid: self.paid(on, zero)?,
            completed: i64::try_from(self.instalments.iter().filter(due).count()).unwrap_or(i64::MAX),
            instalments: i64::try_from(self.instalments.len()).unwrap_or(i64::MAX),
        };
        if let Some(running) = &running {
            let (customer, partner) = self.unsettled(running)?;
            terms.customer = side(&terms, part(customer, quantity, of)?)?;
            terms.partner = side(&terms, part(partner, quantity, of)?)?;
        }
        for instalment in self.instalments.iter().filter(|i| i.number > number) {
            terms.customer.dropped = terms.customer.dropped.plus(part(instalment.customer, quantity, of)?)?;
            terms.partner.dropped = terms.partner.dropped.plus(part(instalment.partner, quantity, of)?)?;
        }
        self.reduce(&terms)?;
        Ok(terms)
    }

    /// Takes what was agreed out: what is later charged for what is left.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn reduce(&mut self, terms: &ReturnTerms) -> Result<(), MoneyError> {
        let (quantity, of, number) = (terms.quantity, self.left, terms.running);
        for instalment in self.instalments.iter_mut().filter(|i| i.number > number) {
            let (customer, partner) =
                (part(instalment.customer, quantity, of)?, part(instalment.partner, quantity, of)?);
            instalment.customer = instalment.customer.plus(customer.negated())?;
            instalment.partner = instalment.partner.plus(partner.negated())?;
        }
        self.left = of.saturating_sub(quantity);
        if self.left == 0 {
            self.instalments.retain(|instalment| instalment.number <= number);
        }
        self.settled.push(Settled {
            running: number,
            customer_share: terms.customer.share,
            partner_share: terms.partner.share,
            customer_refund: terms.customer.refund()?,
        });
        Ok(())
    }

    /// What of an instalment has not been given back, whole periods of what was returned included.
    fn unsettled(&self, running: &ScheduledInstalment) -> Result<(Money, Money), MoneyError> {
        let settled = self.settled.iter().filter(|settled| settled.running == running.number);
        settled
            .map(|s| (s.customer_share, s.partner_share))
            .try_fold((running.customer, running.partner), |(customer, partner), share| {
                Ok((customer.plus(share.0.negated())?, partner.plus(share.1.negated())?))
            })
    }

    /// What the order has cost the customer so far.
    fn paid(&self, on: Date, zero: Money) -> Result<Money, MoneyError> {
        let due = self.instalments.iter().filter(|i| i.due <= on).try_fold(zero, |sum, i| sum.plus(i.customer))?;
        self.settled.iter().try_fold(due, |sum, settled| sum.plus(settled.customer_refund.negated()))
    }

    /// When the next instalment falls due.
    pub fn next_due(&self, at: Timestamp) -> Option<Timestamp> {
        self.instalments.iter().map(|instalment| midnight(instalment.due)).filter(|due| *due > at).min()
    }
}

/// Until when a quote made at an instant holds: [`RETURN_QUOTE_MINUTES`], or until something falls due.
pub fn lapses_at<'a>(
    at: Timestamp,
    orders: impl Iterator<Item = (&'a OrderWithReservations, &'a OrderMoney)>,
) -> Timestamp {
    let minutes = jiff::Span::new().minutes(RETURN_QUOTE_MINUTES);
    let later = at.checked_add(minutes).unwrap_or(Timestamp::MAX);
    orders
        .flat_map(|(found, money)| [money.next_due(at), Some(found.order.expires_at).filter(|end| *end > at)])
        .flatten()
        .fold(later, Timestamp::min)
}

/// What of an amount falls to so many of so many instances.
fn part(amount: Money, quantity: i64, of: i64) -> Result<Money, MoneyError> {
    if quantity == of {
        return Ok(amount);
    }
    fraction(amount, quantity, of)
}

fn fraction(amount: Money, numerator: i64, denominator: i64) -> Result<Money, MoneyError> {
    let share = amount
        .decimal()
        .checked_mul(Decimal::from(numerator))
        .and_then(|product| product.checked_div(Decimal::from(denominator)))
        .ok_or(MoneyError::Overflow)?;
    let rounded = Money::rounded(share, amount.currency)?;
    // An amount finer than a coin must not grow by rounding.
    Ok(if rounded.amount_e6 > amount.amount_e6 { amount } else { rounded })
}

/// What of a share comes back and what that costs.
fn side(terms: &ReturnTerms, share: Money) -> Result<Side, MoneyError> {
    let (left, all) = terms.days();
    let credit = if terms.in_full() {
        share
    } else if all == 0 {
        Money::zero(share.currency)
    } else {
        fraction(share, left, all)?
    };
    let fee = credit
        .decimal()
        .checked_mul(terms.fee_percent)
        .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED))
        .ok_or(MoneyError::Overflow)?;
    let fee = Money::rounded(fee, share.currency)?;
    Ok(Side { share, credit, fee, dropped: Money::zero(share.currency) })
}

/// A return against the yearly limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What this return counts, in the limit's currency.
    pub amount: Money,
    /// The rate it was converted at.
    pub rate: ConversionRate,
    /// What counted before it.
    pub before: Money,
    /// The limit.
    pub limit: Money,
    /// How long a return counts, in months.
    pub window_months: i64,
}

impl Counted {
    /// What is counted when a commitment is cancelled.
    ///
    /// # Errors
    /// [`Refusal::NoConversionRate`], [`Refusal::Money`].
    pub fn of(
        terms: &ReturnTerms,
        rules: &RefundRules,
        window: &[WindowEntry],
        at: Timestamp,
    ) -> Result<Self, Refusal> {
        let policy = rules.policy(day(at));
        let (amount, rate) = rules.in_limit_currency(terms.customer.cancelled()?, day(at))?;
        let before = consumed(window, &policy, at)?;
        let window_months = policy.window_months;
        Ok(Self { amount, rate, before, limit: policy.limit, window_months })
    }

    /// What is left of the limit after this return; negative beyond it.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn left(&self) -> Result<Money, MoneyError> {
        self.limit.plus(self.before.negated())?.plus(self.amount.negated())
    }

    /// # Errors
    /// [`Refusal::RefundLimitExceeded`] beyond the limit, [`Refusal::Money`].
    pub fn check(&self) -> Result<(), Refusal> {
        if self.left()?.amount_e6 >= 0 {
            return Ok(());
        }
        Err(Refusal::RefundLimitExceeded {
            limit: self.limit,
            before: self.before,
            amount: self.amount,
            months: self.window_months,
        })
    }
}

/// A return that counts, or counted, against the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowEntry {
    /// The quote it was paid on.
    pub session: uuid::Uuid,
    /// When.
    pub at: Timestamp,
    /// The returned reservation.
    pub reservation: crate::ids::ReservationId,
    /// Its order.
    pub order: crate::ids::ReservationOrderId,
    /// How many instances.
    pub quantity: i64,
    /// How much, in the limit's currency.
    pub counted: Money,
    /// Who returned it.
    pub by: String,
}

/// What counts against the limit at an instant.
///
/// # Errors
/// [`MoneyError`].
pub fn consumed(window: &[WindowEntry], policy: &RefundPolicy, at: Timestamp) -> Result<Money, MoneyError> {
    let counting = window.iter().filter(|entry| at < policy.counts_until(entry.at));
    counting.map(|entry| entry.counted).try_fold(Money::zero(policy.limit.currency), Money::plus)
}

/// One line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// A short stable word for programs.
    pub code: &'static str,
    /// What it says.
    pub text: String,
    /// The amount it arrives at.
    pub amount: Option<Money>,
}

fn line(code: &'static str, amount: Money, text: String) -> Line {
    Line { code, text, amount: Some(amount) }
}

/// Every number of one side of a return, and where it comes from.
///
/// # Errors
/// [`MoneyError`].
pub fn explain(terms: &ReturnTerms, side: &Side) -> Result<Vec<Line>, MoneyError> {
    let (left, all) = terms.days();
    let (quantity, of) = (terms.quantity, terms.of);
    let mut lines = Vec::new();
    if terms.running == 0 {
        lines.push(line("share", side.share, "nothing has been charged yet".to_owned()));
    } else {
        let what = if terms.instalments == 1 {
            "the payment".to_owned()
        } else {
            format!("instalment {} of {}", terms.running, terms.instalments)
        };
        let text = format!(
            "{what} covers {} until {}, {all} days; {quantity} of {of} instances are returned",
            terms.period_from, terms.period_until
        );
        lines.push(line("share", side.share, text));
        let text = match (terms.in_full(), terms.within_days) {
            (true, _) => "returned within the days of a full refund, and not used: all of it comes back".to_owned(),
            (false, true) => format!("used, so only {left} of {all} days come back"),
            (false, false) => format!("returned on {}: {left} of {all} days come back", terms.on),
        };
        lines.push(line("credit", side.credit, text));
        if side.fee.amount_e6 != 0 {
            let text = format!("early termination fee: {} % of what comes back", terms.fee_percent.normalize());
            lines.push(line("fee", side.fee.negated(), text));
        }
    }
    lines.push(line("refund", side.refund()?, "money back".to_owned()));
    let later = terms.instalments.saturating_sub(terms.completed);
    if later > 0 {
        let text = format!("of {later} later instalments so much is not charged any more");
        lines.push(line("dropped", side.dropped, text));
    }
    lines.push(line("cancelled", side.cancelled()?, "commitment that is cancelled".to_owned()));
    Ok(lines)
}

/// How a return stands against the limit, and where that comes from.
///
/// # Errors
/// [`MoneyError`].
pub fn explain_limit(terms: &ReturnTerms, counted: &Counted) -> Result<Vec<Line>, MoneyError> {
    let cancelled = terms.customer.cancelled()?;
    let rate = &counted.rate;
    let text = if rate.currency == counted.limit.currency {
        format!("{cancelled}, which is in the limit's currency")
    } else {
        format!(
            "{cancelled} at {} {} for 1 {}, the rate from {}",
            rate.rate.normalize(),
            rate.currency,
            counted.limit.currency,
            rate.valid_from
        )
    };
    Ok(vec![
        line("counted", counted.amount, text),
        line("before", counted.before, format!("counted in the {} months before", counted.window_months)),
        line("limit", counted.limit, format!("limit for {} months", counted.window_months)),
        line("left", counted.left()?, "left of the limit after this return".to_owned()),
    ])
}

#[cfg(test)]
mod examples;

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{BillingPlan, Quantity, Term};
    use crate::money::Currency;
    use crate::obstacle::Item;
    use crate::order::UnitPrices;
    use crate::returning::Held;
    use crate::testing::{RESERVATION, eur, held_as, item, now};

    pub(super) fn money(units: i64, currency: &str) -> Money {
        Money { amount_e6: units * 1_000_000, currency: Currency::parse(currency).unwrap() }
    }

    pub(super) fn bought(quantity: i64, plan: BillingPlan, term: Term, price: Money) -> Held {
        let wanted = Item { quantity: Quantity::new(quantity).unwrap(), plan, term, ..item() };
        let partner = Money { amount_e6: price.amount_e6 / 100 * 88, ..price };
        held_as(wanted, UnitPrices { list: price, partner, customer: price })
    }

    /// Some days after the purchase, at its time of day.
    pub(super) fn after(days: i64) -> Timestamp {
        now() + (days * 24).hours()
    }

    pub(super) fn take(held: &mut Held, quantity: i64, kind: ReturnKind, at: Timestamp) -> ReturnTerms {
        let reservation = held.found.reservation(RESERVATION).unwrap().clone();
        let order = held.found.order.clone();
        let policy = RefundPolicy::built_in();
        held.money.take(&order, &reservation, quantity, kind, &policy, at).unwrap()
    }

    #[test]
    fn r23_what_comes_back_by_days_and_use() {
        let second = 1.second();
        for (plan, used, quantity, at, expected) in [
            (BillingPlan::Upfront, false, 4, after(0), "4000.00 - 0.00, 0.00 dropped"),
            (BillingPlan::Upfront, false, 4, after(5), "4000.00 - 0.00, 0.00 dropped"),
            // To the second: a day more, a fee, and only what is left.
            (BillingPlan::Upfront, false, 4, after(5) + second, "3945.21 - 473.43, 0.00 dropped"),
            (BillingPlan::Upfront, true, 4, after(5), "3945.21 - 0.00, 0.00 dropped"),
            (BillingPlan::Upfront, true, 1, after(5), "986.30 - 0.00, 0.00 dropped"),
            (BillingPlan::Upfront, false, 4, after(364), "10.96 - 1.32, 0.00 dropped"),
            (BillingPlan::Monthly, false, 4, after(0), "333.34 - 0.00, 3666.66 dropped"),
            (BillingPlan::Monthly, false, 1, after(3), "83.34 - 0.00, 916.66 dropped"),
            (BillingPlan::Monthly, false, 4, after(15), "166.67 - 20.00, 3666.66 dropped"),
            // The second instalment, due after 30 days, has run for 10 of its 31.
            (BillingPlan::Monthly, false, 4, after(40), "225.81 - 27.10, 3333.32 dropped"),
        ] {
            let mut held = bought(4, plan, Term::P1Y, eur(1_000));
            if used {
                held.found.reservations[0].first_used_at = Some(now());
            }
            let terms = take(&mut held, quantity, ReturnKind::Refund, at);
            let side = &terms.customer;
            let shown =
                format!("{} - {}, {} dropped", side.credit.decimal(), side.fee.decimal(), side.dropped.decimal());
            assert_eq!(shown, expected, "{plan} {used} {quantity} {at}");
        }
        let mut held = bought(4, BillingPlan::Upfront, Term::P1Y, eur(1_000));
        let (order, reservation) = (held.found.order.clone(), held.found.reservations[0].clone());
        for quantity in [0, -1, 5, i64::MAX] {
            let policy = RefundPolicy::built_in();
            let refused = held.money.take(&order, &reservation, quantity, ReturnKind::Refund, &policy, now());
            assert!(matches!(refused, Err(Refusal::RefundQuantity { .. })), "{quantity}");
        }
    }

    #[test]
    fn r23_a_return_counts_for_twelve_months_and_no_longer() {
        let entry = |at| WindowEntry {
            session: uuid::Uuid::nil(),
            at,
            reservation: RESERVATION,
            order: crate::testing::ORDER,
            quantity: 1,
            counted: money(30_000, "USD"),
            by: "ada@nordmoln.example".to_owned(),
        };
        let window = [entry(now()), entry(now() + 24.hours())];
        let policy = RefundPolicy::built_in();
        for (at, expected) in [
            ("2027-11-01T07:59:59Z", "60000.00 USD"),
            ("2027-11-01T08:00:00Z", "30000.00 USD"),
            ("2027-11-02T08:00:00Z", "0.00 USD"),
        ] {
            assert_eq!(consumed(&window, &policy, at.parse().unwrap()).unwrap().to_string(), expected, "{at}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn r23_returns_in_any_portions_give_back_no_more_than_was_charged(
            coins in 0_i64..10_000_000, quantity in 1_i64..40, monthly: bool, used: bool,
            portions in proptest::collection::vec((1_i64..10, 0_i64..120), 1..8),
        ) {
            let price = Money { amount_e6: coins * 10_000, ..eur(0) };
            let plan = if monthly { BillingPlan::Monthly } else { BillingPlan::Upfront };
            let mut held = bought(quantity, plan, Term::P1Y, price);
            if used {
                held.found.reservations[0].first_used_at = Some(now());
            }
            let total = price.amount_e6 * quantity;
            let (mut day, mut back, mut dropped) = (0, 0, 0);
            for (portion, days) in portions {
                day += days;
                let left = held.money.left;
                if left == 0 || day > 360 {
                    break;
                }
                let portion = portion.min(left);
                let terms = take(&mut held, portion, ReturnKind::Refund, after(day));
                for side in [&terms.customer, &terms.partner] {
                    prop_assert!(side.credit.amount_e6 >= 0 && side.credit.amount_e6 <= side.share.amount_e6);
                    prop_assert!(side.fee.amount_e6 >= 0 && side.fee.amount_e6 <= side.credit.amount_e6);
                    prop_assert!(side.dropped.amount_e6 >= 0);
                }
                prop_assert_eq!(held.money.left, left - portion);
                back += terms.customer.credit.amount_e6;
                dropped += terms.customer.dropped.amount_e6;
            }
            // Everything is charged, not charged any more, or still to come; and never more given back than charged.
            let rows: i64 = held.money.instalments.iter().map(|i| i.customer.amount_e6).sum();
            prop_assert_eq!(rows + dropped, total);
            prop_assert!(back <= rows, "{} of {}", back, rows);
            prop_assert!(held.money.instalments.iter().all(|i| i.customer.amount_e6 >= 0 && i.partner.amount_e6 >= 0));
        }
    }
}
