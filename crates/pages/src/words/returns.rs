//! What a return or an exchange comes to, line by line, in the visitor's language.

use fullmakt_domain::money::{Money, MoneyError};
use fullmakt_domain::refund::{Counted, Line, ReturnTerms, Side, explain, explain_limit};
use fullmakt_server::text::Text;

use super::sentence;
use crate::format;

/// A number, what it is, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What it is.
    pub name: String,
    /// Where it comes from; may be empty.
    pub why: String,
    /// How much.
    pub amount: String,
    /// Whether it is what the others lead to.
    pub is_sum: bool,
}

/// Every number of one side of a return.
///
/// # Errors
/// [`MoneyError`].
pub fn explained(t: Text, terms: &ReturnTerms, side: &Side) -> Result<Vec<Explained>, MoneyError> {
    Ok(explain(terms, side)?.iter().map(|line| shown(t, line, side_words(t, terms, line))).collect())
}

/// How a return stands against the limit.
///
/// # Errors
/// [`MoneyError`].
pub fn explained_limit(t: Text, terms: &ReturnTerms, counted: &Counted) -> Result<Vec<Explained>, MoneyError> {
    let cancelled = terms.customer.cancelled()?;
    let lines = explain_limit(terms, counted)?;
    Ok(lines.iter().map(|line| shown(t, line, limit_words(t, cancelled, counted, line))).collect())
}

fn shown(t: Text, line: &Line, (name, why): (String, String)) -> Explained {
    let amount = line.amount.map(|amount| format::money(t.language(), amount)).unwrap_or_default();
    Explained { name, why, amount, is_sum: matches!(line.code, "refund" | "cancelled" | "left") }
}

fn side_words(t: Text, terms: &ReturnTerms, line: &Line) -> (String, String) {
    let (left, all) = terms.days();
    match line.code {
        "share" if terms.running == 0 => (t.get("refund-share"), t.get("refund-share-none")),
        "share" => {
            let covers = t.with_all(
                "refund-share-covers",
                &[
                    ("from", &format::date(t, terms.period_from)),
                    ("until", &format::date(t, terms.period_until)),
                    ("days", &all),
                ],
            );
            let returned = t.with_all("refund-share-returned", &[("quantity", &terms.quantity), ("of", &terms.of)]);
            let what = if terms.instalments == 1 {
                t.get("refund-share-whole")
            } else {
                t.with_all(
                    "refund-share-instalment",
                    &[("number", &terms.running), ("instalments", &terms.instalments)],
                )
            };
            (t.get("refund-share"), format!("{what} {covers} {returned}"))
        }
        "credit" if terms.in_full() => (t.get("refund-credit"), t.get("refund-credit-full")),
        "credit" if terms.within_days => {
            (t.get("refund-credit"), t.with_all("refund-credit-used", &[("left", &left), ("all", &all)]))
        }
        "credit" => {
            let on = format::date(t, terms.on);
            (t.get("refund-credit"), t.with_all("refund-credit-rest", &[("on", &on), ("left", &left), ("all", &all)]))
        }
        "fee" => {
            let percent = format::number(t.language(), terms.fee_percent.normalize());
            (t.get("refund-fee"), t.with("refund-fee-why", "percent", percent))
        }
        "refund" => (t.get("refund-back"), String::new()),
        "dropped" => {
            let later = terms.instalments.saturating_sub(terms.completed);
            (t.get("refund-dropped"), t.with("refund-dropped-why", "later", later))
        }
        "cancelled" => (t.get("refund-cancelled"), t.get("refund-cancelled-why")),
        _ => (sentence(&line.text), String::new()),
    }
}

fn limit_words(t: Text, cancelled: Money, counted: &Counted, line: &Line) -> (String, String) {
    let rate = &counted.rate;
    match line.code {
        "counted" if rate.currency == counted.limit.currency => (t.get("refund-counted"), t.get("refund-counted-same")),
        "counted" => {
            let why = t.with_all(
                "refund-counted-rate",
                &[
                    ("amount", &format::money(t.language(), cancelled)),
                    ("rate", &format::number(t.language(), rate.rate.normalize())),
                    ("currency", &rate.currency.code()),
                    ("limit", &counted.limit.currency.code()),
                    ("from", &format::date(t, rate.valid_from)),
                ],
            );
            (t.get("refund-counted"), why)
        }
        "before" => (t.get("refund-before"), t.with("refund-before-why", "months", counted.window_months)),
        "limit" => (t.get("refund-limit"), t.with("refund-limit-why", "months", counted.window_months)),
        "left" => (t.get("refund-left"), String::new()),
        _ => (sentence(&line.text), String::new()),
    }
}
