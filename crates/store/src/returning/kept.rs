//! Quotes and returns as they are kept: their rows, and the statements that write and read them.

use fullmakt_domain::exchange::{ExchangeProblem, ExchangeQuote, QuotedPurchase, QuotedReturn, ToPurchase, ToReturn};
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::UnitPrices;
use fullmakt_domain::refund::{Counted, ReturnKind, ReturnTerms, Side};
use fullmakt_domain::refund_policy::ConversionRate;
use fullmakt_domain::returning::{RefundQuote, ReturnMade};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::currency_of;
use crate::db::{Tx, on};
use crate::row::{Fault, instant, instant_optional, micros, parsed};
use crate::stored::{StoredWish, from_json, to_json};

/// Amounts in the order's currency, in millionths.
#[derive(Serialize, Deserialize)]
struct StoredSide {
    share: i64,
    credit: i64,
    fee: i64,
    dropped: i64,
}

impl StoredSide {
    fn of(side: &Side) -> Self {
        Self {
            share: side.share.amount_e6,
            credit: side.credit.amount_e6,
            fee: side.fee.amount_e6,
            dropped: side.dropped.amount_e6,
        }
    }

    fn read(&self, currency: Currency) -> Side {
        let money = |amount_e6| Money { amount_e6, currency };
        Side {
            share: money(self.share),
            credit: money(self.credit),
            fee: money(self.fee),
            dropped: money(self.dropped),
        }
    }
}

/// Terms of a return as JSON: they are read and written as a whole.
#[derive(Serialize, Deserialize)]
struct StoredTerms {
    currency: String,
    quantity: i64,
    of: i64,
    running: i64,
    period_from: String,
    period_until: String,
    on: String,
    within_days: bool,
    used: bool,
    fee_percent: String,
    customer: StoredSide,
    partner: StoredSide,
    paid: i64,
    completed: i64,
    instalments: i64,
}

impl StoredTerms {
    fn of(terms: &ReturnTerms) -> Self {
        Self {
            currency: terms.paid.currency.to_string(),
            quantity: terms.quantity,
            of: terms.of,
            running: terms.running,
            period_from: terms.period_from.to_string(),
            period_until: terms.period_until.to_string(),
            on: terms.on.to_string(),
            within_days: terms.within_days,
            used: terms.used,
            fee_percent: terms.fee_percent.to_string(),
            customer: StoredSide::of(&terms.customer),
            partner: StoredSide::of(&terms.partner),
            paid: terms.paid.amount_e6,
            completed: terms.completed,
            instalments: terms.instalments,
        }
    }

    fn read(&self) -> Result<ReturnTerms, Fault> {
        let currency = currency_of(&self.currency)?;
        Ok(ReturnTerms {
            quantity: self.quantity,
            of: self.of,
            running: self.running,
            period_from: parsed("day", &self.period_from)?,
            period_until: parsed("day", &self.period_until)?,
            on: parsed("day", &self.on)?,
            within_days: self.within_days,
            used: self.used,
            fee_percent: parsed("per cent", &self.fee_percent)?,
            customer: self.customer.read(currency),
            partner: self.partner.read(currency),
            paid: Money { amount_e6: self.paid, currency },
            completed: self.completed,
            instalments: self.instalments,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredCounted {
    amount: i64,
    before: i64,
    limit: i64,
    limit_currency: String,
    currency: String,
    rate: String,
    rate_from: String,
    window_months: i64,
}

impl StoredCounted {
    fn of(counted: &Counted) -> Self {
        Self {
            amount: counted.amount.amount_e6,
            before: counted.before.amount_e6,
            limit: counted.limit.amount_e6,
            limit_currency: counted.limit.currency.to_string(),
            currency: counted.rate.currency.to_string(),
            rate: counted.rate.rate.to_string(),
            rate_from: counted.rate.valid_from.to_string(),
            window_months: counted.window_months,
        }
    }

    fn read(&self) -> Result<Counted, Fault> {
        let currency = currency_of(&self.limit_currency)?;
        let money = |amount_e6| Money { amount_e6, currency };
        Ok(Counted {
            amount: money(self.amount),
            before: money(self.before),
            limit: money(self.limit),
            rate: ConversionRate {
                valid_from: parsed("day", &self.rate_from)?,
                currency: currency_of(&self.currency)?,
                rate: parsed("rate", &self.rate)?,
            },
            window_months: self.window_months,
        })
    }
}

#[derive(serde::Deserialize)]
struct RefundQuoteRow {
    reservation_order_id: String,
    reservation_id: String,
    order_etag: i64,
    quoted_at: i64,
    lapses_at: i64,
    used_at: Option<i64>,
    terms: String,
    counted: String,
}

pub(super) async fn refund_quote(
    customer: CustomerId,
    session: Uuid,
    tx: &mut Tx<'_>,
) -> Result<Option<RefundQuote>, Fault> {
    let row: Option<RefundQuoteRow> = on!(tx, conn => sqlx::query_as(
        "SELECT reservation_order_id, reservation_id, order_etag, quoted_at, lapses_at, used_at, terms, counted
         FROM refund_quote WHERE customer_id = $1 AND session_id = $2")
        .bind(customer.to_string()).bind(session.to_string()).fetch_optional(conn).await)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(RefundQuote {
        session,
        order: parsed("reservation order id", &row.reservation_order_id)?,
        reservation: parsed("reservation id", &row.reservation_id)?,
        order_etag: row.order_etag,
        quoted_at: instant(row.quoted_at)?,
        lapses_at: instant(row.lapses_at)?,
        used_at: instant_optional(row.used_at)?,
        terms: from_json::<StoredTerms>("terms of a return", &row.terms)?.read()?,
        counted: from_json::<StoredCounted>("count of a return", &row.counted)?.read()?,
    }))
}

/// Keeps the quote of a refund.
pub(crate) async fn insert_refund_quote(
    customer: CustomerId,
    quote: &RefundQuote,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO refund_quote
           (customer_id, session_id, reservation_order_id, reservation_id, order_etag, quoted_at, lapses_at, terms,
            counted)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(customer.to_string())
        .bind(quote.session.to_string())
        .bind(quote.order.to_string())
        .bind(quote.reservation.to_string())
        .bind(quote.order_etag)
        .bind(micros(quote.quoted_at))
        .bind(micros(quote.lapses_at))
        .bind(to_json(&StoredTerms::of(&quote.terms)))
        .bind(to_json(&StoredCounted::of(&quote.counted)))
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Notes that a refund was paid.
pub(crate) async fn use_refund_quote(
    customer: CustomerId,
    session: Uuid,
    at: Timestamp,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query("UPDATE refund_quote SET used_at = $3 WHERE customer_id = $1 AND session_id = $2")
        .bind(customer.to_string()).bind(session.to_string()).bind(micros(at)).execute(conn).await.map(drop))?;
    Ok(())
}

/// Keeps a return.
pub(crate) async fn insert_return(
    customer: CustomerId,
    partner: PartnerId,
    made: &ReturnMade,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    let refund = |side: &Side| side.credit.amount_e6.saturating_sub(side.fee.amount_e6);
    on!(tx, conn => sqlx::query(
        "INSERT INTO reservation_return
           (customer_id, return_id, session_id, partner_id, kind, at, reservation_order_id, reservation_id, quantity,
            running, currency, customer_share_e6, partner_share_e6, customer_refund_e6, partner_refund_e6, counted_e6,
            counted_currency, returned_by, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)")
        .bind(customer.to_string())
        .bind(made.id.to_string())
        .bind(made.session.to_string())
        .bind(partner.to_string())
        .bind(match made.kind {
            ReturnKind::Refund => "refund",
            ReturnKind::Exchange => "exchange",
        })
        .bind(micros(made.at))
        .bind(made.order.to_string())
        .bind(made.reservation.to_string())
        .bind(made.terms.quantity)
        .bind(made.terms.running)
        .bind(made.terms.paid.currency.to_string())
        .bind(made.terms.customer.share.amount_e6)
        .bind(made.terms.partner.share.amount_e6)
        .bind(refund(&made.terms.customer))
        .bind(refund(&made.terms.partner))
        .bind(made.counted.amount_e6)
        .bind(made.counted.currency.to_string())
        .bind(&made.by)
        .bind(made.reason.as_deref())
        .execute(conn).await.map(drop))?;
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct StoredReturn {
    order: String,
    reservation: String,
    order_etag: i64,
    terms: StoredTerms,
}

impl StoredReturn {
    fn of(returned: &QuotedReturn) -> Self {
        Self {
            order: returned.wanted.order.to_string(),
            reservation: returned.wanted.reservation.to_string(),
            order_etag: returned.order_etag,
            terms: StoredTerms::of(&returned.terms),
        }
    }

    fn read(&self) -> Result<QuotedReturn, Fault> {
        Ok(QuotedReturn {
            wanted: ToReturn {
                order: parsed("reservation order id", &self.order)?,
                reservation: parsed("reservation id", &self.reservation)?,
                quantity: self.terms.quantity,
            },
            order_etag: self.order_etag,
            terms: self.terms.read()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredPurchase {
    order: String,
    #[serde(flatten)]
    wish: StoredWish,
    renew: bool,
    currency: String,
    list: i64,
    partner: i64,
    customer: i64,
}

impl StoredPurchase {
    fn of(purchase: &QuotedPurchase) -> Self {
        let wanted = &purchase.wanted;
        Self {
            order: wanted.order.to_string(),
            wish: StoredWish::from(wanted),
            renew: wanted.renew,
            currency: purchase.prices.currency().to_string(),
            list: purchase.prices.list.amount_e6,
            partner: purchase.prices.partner.amount_e6,
            customer: purchase.prices.customer.amount_e6,
        }
    }

    fn read(&self) -> Result<QuotedPurchase, Fault> {
        let currency = currency_of(&self.currency)?;
        let money = |amount_e6| Money { amount_e6, currency };
        let wish = self.wish.read()?;
        Ok(QuotedPurchase {
            wanted: ToPurchase {
                order: parsed("reservation order id", &self.order)?,
                subscription: wish.subscription,
                item: wish.item,
                scope: wish.scope,
                display_name: wish.display_name,
                instance_flexibility: wish.instance_flexibility,
                renew: self.renew,
            },
            prices: UnitPrices { list: money(self.list), partner: money(self.partner), customer: money(self.customer) },
        })
    }
}

#[derive(serde::Deserialize)]
struct ExchangeQuoteRow {
    session_id: String,
    asked_by: String,
    quoted_at: i64,
    lapses_at: i64,
    used_at: Option<i64>,
    returns: String,
    purchases: String,
    problem_code: Option<String>,
    problem: Option<String>,
}

/// A quoted exchange, by its session or its calculation.
pub(super) async fn exchange_quote(
    customer: CustomerId,
    operation: Uuid,
    tx: &mut Tx<'_>,
) -> Result<Option<ExchangeQuote>, Fault> {
    let row: Option<ExchangeQuoteRow> = on!(tx, conn => sqlx::query_as(
        "SELECT session_id, asked_by, quoted_at, lapses_at, used_at, returns, purchases, problem_code, problem
         FROM exchange_quote WHERE customer_id = $1 AND (session_id = $2 OR calculation_id = $2)")
        .bind(customer.to_string()).bind(operation.to_string()).fetch_optional(conn).await)?;
    let Some(row) = row else { return Ok(None) };
    let returns: Vec<StoredReturn> = from_json("returns of an exchange", &row.returns)?;
    let purchases: Vec<StoredPurchase> = from_json("purchases of an exchange", &row.purchases)?;
    Ok(Some(ExchangeQuote {
        session: parsed("session id", &row.session_id)?,
        asked_by: parsed("principal id", &row.asked_by)?,
        returns: returns.iter().map(StoredReturn::read).collect::<Result<_, _>>()?,
        purchases: purchases.iter().map(StoredPurchase::read).collect::<Result<_, _>>()?,
        quoted_at: instant(row.quoted_at)?,
        lapses_at: instant(row.lapses_at)?,
        used_at: instant_optional(row.used_at)?,
        problem: row.problem_code.zip(row.problem).map(|(code, message)| ExchangeProblem { code, message }),
    }))
}

/// Keeps the quote of an exchange.
pub(crate) async fn insert_exchange_quote(
    customer: CustomerId,
    quote: &ExchangeQuote,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    let returns: Vec<StoredReturn> = quote.returns.iter().map(StoredReturn::of).collect();
    let purchases: Vec<StoredPurchase> = quote.purchases.iter().map(StoredPurchase::of).collect();
    on!(tx, conn => sqlx::query(
        "INSERT INTO exchange_quote
           (customer_id, session_id, calculation_id, first_order_id, asked_by, quoted_at, lapses_at, returns, purchases,
            problem_code, problem)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(customer.to_string())
        .bind(quote.session.to_string())
        .bind(ExchangeQuote::calculation(quote.session).to_string())
        .bind(quote.returns.first().map(|returned| returned.wanted.order.to_string()).unwrap_or_default())
        .bind(quote.asked_by.to_string())
        .bind(micros(quote.quoted_at))
        .bind(micros(quote.lapses_at))
        .bind(to_json(&returns))
        .bind(to_json(&purchases))
        .bind(quote.problem.as_ref().map(|problem| problem.code.clone()))
        .bind(quote.problem.as_ref().map(|problem| problem.message.clone()))
        .execute(conn).await.map(drop))?;
    Ok(())
}

/// Notes that an exchange was made.
pub(crate) async fn use_exchange_quote(
    customer: CustomerId,
    session: Uuid,
    at: Timestamp,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    on!(tx, conn => sqlx::query("UPDATE exchange_quote SET used_at = $3 WHERE customer_id = $1 AND session_id = $2")
        .bind(customer.to_string()).bind(session.to_string()).bind(micros(at)).execute(conn).await.map(drop))?;
    Ok(())
}
