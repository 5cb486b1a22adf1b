//! Settings > Rules of returns: the policy and the conversion rates that returns go by (R23), and setting them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::obstacle::day;
use fullmakt_domain::operation::{Operation, SET_CONVERSION_RATE, SET_REFUND_POLICY};
use fullmakt_domain::refund_policy::{
    ConversionRate, GetRefundRules, LIMIT_CURRENCY, RefundPolicy, SetConversionRate, SetRefundPolicy,
};
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::App;
use fullmakt_store::ExecuteError;
use http::StatusCode;
use rust_decimal::Decimal;

use super::returns::{policy, rate};
use super::roles::lacking;
use crate::entries::Entries;
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::{Badge, Field, Tone};
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::Agent;

const PATH: &str = "/dashboard/refund-rules";

/// A dated rule and whether it holds now.
struct Dated {
    facts: Vec<(String, String)>,
    state: Badge,
}

struct RateRow {
    currency: String,
    rate: String,
    from: String,
    state: Badge,
}

#[derive(Template)]
#[template(path = "dashboard/refund_rules.html")]
struct RulesPage {
    shell: Shell,
    policies: Vec<Dated>,
    rates: Vec<RateRow>,
    change_lacking: Option<String>,
}

/// The page: what holds now first.
pub async fn show(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let visit = agent.visit();
    let (t, today) = (visit.text, day(visit.request.now));
    let rules = app.store.read(agent.actor(), &GetRefundRules).await?;
    let shell = Shell::dashboard(&agent, t.get("nav-refund-rules"), Place::RefundRules);
    let state = |holds: bool, from: jiff::civil::Date| match (holds, from > today) {
        (true, _) => Badge::new(Tone::Good, t.get("rules-holds")),
        (false, true) => Badge::new(Tone::Warning, t.get("rules-to-come")),
        (false, false) => Badge::new(Tone::Quiet, t.get("rules-past")),
    };
    let now = rules.policy(today);
    let mut policies: Vec<&RefundPolicy> = rules.policies().iter().collect();
    policies.sort_by_key(|policy| std::cmp::Reverse(policy.valid_from));
    // What is in the limit's own currency needs no rate.
    let foreign = |rate: &&ConversionRate| rate.currency != now.limit.currency;
    let mut rates: Vec<&ConversionRate> = rules.rates().iter().filter(foreign).collect();
    rates.sort_by_key(|rate| (rate.currency, std::cmp::Reverse(rate.valid_from)));
    let limit = now.limit.currency.code();
    Ok(ok(&RulesPage {
        policies: policies
            .into_iter()
            .map(|one| Dated { facts: policy(t, one), state: state(*one == now, one.valid_from) })
            .collect(),
        rates: rates
            .into_iter()
            .map(|one| RateRow {
                currency: one.currency.code().to_owned(),
                rate: rate(t, one, limit),
                from: shell.date(&one.valid_from),
                state: state(rules.rate(one.currency, today) == Some(one), one.valid_from),
            })
            .collect(),
        change_lacking: lacking(&agent, &SET_REFUND_POLICY).map(|_| t.get("rules-admin-only")),
        shell,
    }))
}

#[derive(Template)]
#[template(path = "dashboard/refund_rule.html")]
struct RulePage {
    shell: Shell,
    lead: String,
    path: &'static str,
    fields: Vec<Field>,
}

const POLICY_PATH: &str = "/dashboard/refund-rules/policy";
const RATE_PATH: &str = "/dashboard/refund-rules/rate";

fn admitted(agent: &Agent, operation: &Operation) -> Result<(), PageError> {
    if lacking(agent, operation).is_some() { Err(PageError::Forbidden) } else { Ok(()) }
}

fn rule_page(agent: &Agent, key: &str, lead: &str, path: &'static str, fields: Vec<Field>) -> RulePage {
    let t = agent.visit().text;
    let shell = Shell::dashboard(agent, t.get(key), Place::RefundRules).via(t.get("nav-refund-rules"), PATH);
    RulePage { shell, lead: t.get(lead), path, fields }
}

fn policy_page(agent: &Agent, form: &Fields, entries: &Entries<'_>, usual: &RefundPolicy) -> RulePage {
    let t = agent.visit().text;
    let field = |name: &'static str, label: &str, usual: String| {
        let value = form.or(name, &usual);
        Field::text(name, t.get(label)).value(value).error(entries.error(name)).required().small()
    };
    let today = day(agent.visit().request.now).to_string();
    let fields = vec![
        field("valid_from", "rules-valid-from", today).kind("date"),
        field("full_refund_days", "rules-full-refund", usual.full_refund_days.to_string())
            .kind("number")
            .hint(t.get("rules-full-refund-hint")),
        field("fee_percent", "refund-fee", usual.fee_percent.normalize().to_string()).hint(t.get("rules-fee-hint")),
        field("limit", "refund-limit", usual.limit.decimal().normalize().to_string()).hint(t.with(
            "rules-limit-hint",
            "currency",
            LIMIT_CURRENCY,
        )),
        field("window_months", "rules-window", usual.window_months.to_string())
            .kind("number")
            .hint(t.get("rules-window-hint")),
    ];
    rule_page(agent, "rules-set-policy", "rules-policy-lead", POLICY_PATH, fields)
}

/// A number as people write it in either language.
fn decimal(entries: &mut Entries<'_>, name: &'static str, wrong: String) -> Option<Decimal> {
    let text = entries.required(name, 32);
    let plain = text.replace(['\u{a0}', ' '], "").replace(',', ".");
    let number = Decimal::from_str_exact(&plain).ok();
    if number.is_none() {
        entries.wrong(name, wrong);
    }
    number
}

fn whole(entries: &mut Entries<'_>, name: &'static str, wrong: String) -> Option<i64> {
    let number = entries.required(name, 18).parse().ok();
    if number.is_none() {
        entries.wrong(name, wrong);
    }
    number
}

/// What a refusal of a rule is about: the field of the form.
fn field_of(refusal: &Refusal) -> Option<&'static str> {
    let Refusal::InvalidRefundPolicy { field, .. } = refusal else { return None };
    Some(match *field {
        "fullRefundDays" => "full_refund_days",
        "feePercent" => "fee_percent",
        "limit" => "limit",
        "windowMonths" => "window_months",
        _ => "rate",
    })
}

/// The form for a policy, filled in with the present one.
pub async fn new_policy(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    admitted(&agent, &SET_REFUND_POLICY)?;
    let rules = app.store.read(agent.actor(), &GetRefundRules).await?;
    let form = Fields::default();
    let entries = Entries::new(agent.visit().text, &form);
    Ok(ok(&policy_page(&agent, &form, &entries, &rules.policy(day(agent.visit().request.now)))))
}

/// Sets a policy.
pub async fn set_policy(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    admitted(&agent, &SET_REFUND_POLICY)?;
    let visit = agent.visit();
    let t = visit.text;
    let mut entries = Entries::new(t, &visit.form);
    let currency = RefundPolicy::built_in().limit.currency;
    let valid_from = entries.day("valid_from");
    let days = whole(&mut entries, "full_refund_days", t.get("rules-full-refund-hint"));
    let fee = decimal(&mut entries, "fee_percent", t.get("rules-fee-hint"));
    let limit_wrong = || t.with("rules-limit-hint", "currency", LIMIT_CURRENCY);
    let limit = decimal(&mut entries, "limit", limit_wrong()).and_then(|amount| Money::exact(amount, currency).ok());
    if limit.is_none() {
        entries.wrong("limit", limit_wrong());
    }
    let months = whole(&mut entries, "window_months", t.get("rules-window-hint"));
    if let (Some(valid_from), Some(full_refund_days), Some(fee_percent), Some(limit), Some(window_months)) =
        (valid_from, days, fee, limit, months)
    {
        let policy = RefundPolicy { valid_from, full_refund_days, fee_percent, limit, window_months };
        match app.store.execute(agent.actor(), &SetRefundPolicy { policy }, &visit.request).await {
            Ok(()) => return Ok(go(PATH, "notice-rule-set")),
            Err(ExecuteError::Refused(refusal)) => {
                let field = field_of(&refusal).ok_or(ExecuteError::Refused(refusal))?;
                let hint = match field {
                    "full_refund_days" => t.get("rules-full-refund-hint"),
                    "fee_percent" => t.get("rules-fee-hint"),
                    "window_months" => t.get("rules-window-hint"),
                    _ => limit_wrong(),
                };
                entries.wrong(field, hint);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let usual = RefundPolicy::built_in();
    Ok(render(StatusCode::BAD_REQUEST, &policy_page(&agent, &visit.form, &entries, &usual)))
}

fn rate_page(agent: &Agent, form: &Fields, entries: &Entries<'_>) -> RulePage {
    let t = agent.visit().text;
    let field = |name: &'static str, label: &str, usual: String| {
        let value = form.or(name, &usual);
        Field::text(name, t.get(label)).value(value).error(entries.error(name)).required().small()
    };
    let today = day(agent.visit().request.now).to_string();
    let fields = vec![
        field("valid_from", "rules-valid-from", today).kind("date"),
        field("currency", "statement-currency", String::new()).hint(t.get("rules-currency-hint")),
        field("rate", "rules-rate-label", String::new()).hint(t.with("rules-rate-hint", "currency", LIMIT_CURRENCY)),
    ];
    rule_page(agent, "rules-set-rate", "rules-rate-lead", RATE_PATH, fields)
}

/// The form for a rate.
pub async fn new_rate(agent: Agent) -> Result<Response, PageError> {
    admitted(&agent, &SET_CONVERSION_RATE)?;
    let form = Fields::default();
    let entries = Entries::new(agent.visit().text, &form);
    Ok(ok(&rate_page(&agent, &form, &entries)))
}

/// Sets a rate.
pub async fn set_rate(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    admitted(&agent, &SET_CONVERSION_RATE)?;
    let visit = agent.visit();
    let t = visit.text;
    let mut entries = Entries::new(t, &visit.form);
    let valid_from = entries.day("valid_from");
    let currency = Currency::parse(&entries.required("currency", 8).to_uppercase()).ok();
    if currency.is_none() {
        entries.wrong("currency", t.get("rules-currency-hint"));
    }
    let wrong = || t.with("rules-rate-hint", "currency", LIMIT_CURRENCY);
    let number = decimal(&mut entries, "rate", wrong());
    if let (Some(valid_from), Some(currency), Some(rate)) = (valid_from, currency, number) {
        let rate = ConversionRate { valid_from, currency, rate };
        match app.store.execute(agent.actor(), &SetConversionRate { rate }, &visit.request).await {
            Ok(()) => return Ok(go(PATH, "notice-rule-set")),
            Err(ExecuteError::Refused(refusal)) => {
                let field = field_of(&refusal).ok_or(ExecuteError::Refused(refusal))?;
                entries.wrong(field, wrong());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(render(StatusCode::BAD_REQUEST, &rate_page(&agent, &visit.form, &entries)))
}

#[cfg(test)]
mod tests {
    use fullmakt_server::text::Language;
    use proptest::prelude::*;

    use super::*;
    use crate::words::texts;

    fn read(text: &str) -> Option<Decimal> {
        let form = Fields::parse(format!("rate={}", crate::fields::encoded(text)).as_bytes());
        let mut entries = Entries::new(texts(Language::Swedish), &form);
        let number = decimal(&mut entries, "rate", "wrong".to_owned());
        assert_eq!(number.is_none(), entries.error("rate").is_some());
        number
    }

    #[test]
    fn numbers_are_read_as_either_language_writes_them() {
        for (text, number) in [("0,92", Some((92, 2))), ("10.7", Some((107, 1))), ("50 000", Some((50_000, 0)))] {
            assert_eq!(read(text), number.map(|(digits, scale)| Decimal::new(digits, scale)), "{text}");
        }
        assert_eq!(read("ten"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_number_is_read_or_wrong(text in "[0-9.,e -]{0,20}|.{0,12}") {
            let _ = read(&text);
        }
    }
}
