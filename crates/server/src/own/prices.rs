//! The partner's price rules: what its customers pay (R14).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use fullmakt_domain::catalog::{Catalog, SkuName, Term, ViewPartnerCatalog};
use fullmakt_domain::ids::{CustomerId, PriceRuleId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::price_rule::{AddPriceRule, EndPriceRule, ListPriceRules, PriceRule, PriceRuleKind};
use fullmakt_domain::refusal::Refusal;
use fullmakt_store::ExecuteError;
use http::StatusCode;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Caller, Problem, ok, read_json};
use crate::App;

type Parameters = Result<Query<BTreeMap<String, String>>, QueryRejection>;

/// A new rule, as its maker writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRule {
    customer: Option<String>,
    family: Option<String>,
    sku: Option<String>,
    term: Option<String>,
    discount_percent: Option<Value>,
    markup_percent: Option<Value>,
    fixed: Option<Value>,
    from: Option<String>,
    until: Option<String>,
}

impl NewRule {
    /// Reads the rule of a partner that bills in `currency`.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn read(&self, id: PriceRuleId, currency: Currency, today: Date) -> Result<AddPriceRule, Problem> {
        Ok(AddPriceRule {
            id,
            customer: parsed("customer", self.customer.as_deref(), |text| CustomerId::parse(text).map_err(said))?,
            family: self.family.as_deref().map(str::trim).filter(|family| !family.is_empty()).map(str::to_owned),
            sku: parsed("sku", self.sku.as_deref(), |text| SkuName::parse(text).map_err(said))?,
            term: parsed("term", self.term.as_deref(), |text| Term::parse(text).map_err(said))?,
            kind: self.kind(currency)?,
            from: parsed("from", self.from.as_deref(), day)?.unwrap_or(today),
            until: parsed("until", self.until.as_deref(), day)?,
        })
    }

    fn kind(&self, currency: Currency) -> Result<PriceRuleKind, Problem> {
        let discount = decimal("discountPercent", self.discount_percent.as_ref())?;
        let markup = decimal("markupPercent", self.markup_percent.as_ref())?;
        let fixed = decimal("fixed", self.fixed.as_ref())?;
        match (discount, markup, fixed) {
            (Some(percent), None, None) => Ok(PriceRuleKind::Discount(percent)),
            (None, Some(percent), None) => Ok(PriceRuleKind::Markup(percent)),
            (None, None, Some(amount)) => Money::exact(amount, currency).map(PriceRuleKind::Fixed).map_err(|_| {
                Problem::bad_request("fixed", &format!("`{amount}` is finer than a coin or beyond what can be billed"))
            }),
            _ => Err(Problem::bad_request("discountPercent", "give one of discountPercent, markupPercent and fixed")),
        }
    }
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

fn parsed<T>(
    field: &'static str,
    text: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(|text| read(text).map_err(|error| Problem::bad_request(field, &error))).transpose()
}

/// A day, `2026-07-01`.
pub(super) fn day(text: &str) -> Result<Date, String> {
    let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = if shape { text.parse().ok() } else { None };
    day.ok_or_else(|| format!("`{}` is not a day such as 2026-07-01", text.chars().take(40).collect::<String>()))
}

/// A decimal, as a text or as a number.
pub(super) fn decimal(field: &'static str, value: Option<&Value>) -> Result<Option<Decimal>, Problem> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(Problem::bad_request(field, "is neither a number nor a text with one")),
    };
    let plain = text.len() <= 24 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    let number = if plain { Decimal::from_str_exact(&text).ok() } else { None };
    let shown = || text.chars().take(40).collect::<String>();
    number.map(Some).ok_or_else(|| Problem::bad_request(field, &format!("`{}` is not a decimal such as 12.5", shown())))
}

/// The rules of the caller's partner; with `customer` only those that can concern it.
pub async fn list(State(app): State<App>, caller: Caller, parameters: Parameters) -> Result<Response, Problem> {
    let customer = parameter(parameters, "customer", |text| CustomerId::parse(text).map_err(said))?;
    let rules = app.store.read(&caller.actor, &ListPriceRules).await?;
    let concerns = |rule: &&PriceRule| customer.is_none() || rule.customer.is_none() || rule.customer == customer;
    Ok(ok(json!({"value": rules.iter().filter(concerns).map(shown).collect::<Vec<_>>()})))
}

/// Makes a rule.
pub async fn add(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let new: NewRule = read_json(request).await?;
    let currency = app.store.read(&caller.actor, &ViewPartnerCatalog { customer: None }).await?.currency;
    let command = new.read(PriceRuleId(Uuid::new_v4()), currency, today(&caller))?;
    in_catalog(&command, &*app.store.catalog().await?)?;
    let rule = app.store.execute(&caller.actor, &command, &caller.request).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(shown(&rule))).into_response())
}

/// Ends a rule, today or on the day that `until` names.
pub async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let id = PriceRuleId::parse(&id).map_err(|_| Problem::not_found("there is no such price rule"))?;
    let until = parameter(parameters, "until", day)?;
    let rule = app.store.execute(&caller.actor, &EndPriceRule { id, until }, &caller.request).await.map_err(refused)?;
    Ok(ok(shown(&rule)))
}

fn today(caller: &Caller) -> Date {
    caller.request.now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn parameter<T>(
    parameters: Parameters,
    name: &'static str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    let Query(parameters) =
        parameters.map_err(|_| Problem::bad_request("query", "the query is not percent-encoded UTF-8 text"))?;
    parsed(name, parameters.get(name).map(String::as_str), read)
}

/// A rule for something that is not in the catalogue is most likely a slip of the pen.
fn in_catalog(rule: &AddPriceRule, catalog: &Catalog) -> Result<(), Problem> {
    if let Some(family) = rule.family.as_ref().filter(|family| !catalog.has_family(family)) {
        let family: String = family.chars().take(60).collect();
        return Err(Problem::bad_request("family", &format!("`{family}` is not a family of the catalogue")));
    }
    match &rule.sku {
        Some(sku) if !catalog.has_sku(sku) => {
            Err(Problem::bad_request("sku", &format!("`{sku}` is not a SKU of the catalogue")))
        }
        _ => Ok(()),
    }
}

fn refused(error: ExecuteError) -> Problem {
    match error {
        ExecuteError::Refused(Refusal::InvalidPriceRule(wrong)) => {
            let field = match wrong.field() {
                "discount_percent" => "discountPercent",
                "markup_percent" => "markupPercent",
                other => other,
            };
            Problem::bad_request(field, &wrong.to_string())
        }
        ExecuteError::Refused(refusal @ Refusal::CustomerNotServed { .. }) => {
            Problem::bad_request("customer", &refusal.to_string())
        }
        ExecuteError::Refused(refusal @ Refusal::PriceRuleNotFound { .. }) => Problem::not_found(&refusal.to_string()),
        other => other.into(),
    }
}

fn shown(rule: &PriceRule) -> Value {
    let mut body = json!({
        "id": rule.id.to_string(),
        "from": rule.from.to_string(),
        "createdAt": rule.created_at.to_string(),
    });
    let mut set = |name: &str, value: Option<String>| {
        if let (Some(value), Value::Object(members)) = (value, &mut body) {
            members.insert(name.to_owned(), value.into());
        }
    };
    set("customer", rule.customer.map(said));
    set("family", rule.family.clone());
    set("sku", rule.sku.as_ref().map(said));
    set("term", rule.term.map(said));
    set("until", rule.until.map(said));
    match rule.kind {
        PriceRuleKind::Discount(percent) => set("discountPercent", Some(percent.normalize().to_string())),
        PriceRuleKind::Markup(percent) => set("markupPercent", Some(percent.normalize().to_string())),
        PriceRuleKind::Fixed(amount) => {
            set("fixed", Some(amount.decimal().to_string()));
            set("currencyCode", Some(amount.currency.to_string()));
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn read(body: &Value) -> Result<AddPriceRule, Problem> {
        let rule: NewRule =
            serde_json::from_value(body.clone()).map_err(|e| Problem::bad_request("body", &e.to_string()))?;
        rule.read(PriceRuleId(Uuid::from_u128(1)), Currency::parse("EUR").unwrap(), date(2026, 11, 22))
    }

    #[test]
    fn a_rule_names_what_is_wrong_with_it() {
        for (body, expected) in [
            (json!({"discountPercent": 5.25}), "fine"),
            (json!({"discountPercent": "5.25", "family": "Dsv5", "term": "p1y", "until": "2027-01-01"}), "fine"),
            (json!({"markupPercent": 3, "customer": "22222222-2222-4222-8222-222222222222"}), "fine"),
            (json!({"fixed": "812.50", "sku": "Standard_D2s_v5", "from": "2026-12-01"}), "fine"),
            (json!({}), "discountPercent"),
            (json!({"discountPercent": 5, "fixed": 1}), "discountPercent"),
            (json!({"discountPercent": true}), "discountPercent"),
            (json!({"markupPercent": "1e3"}), "markupPercent"),
            (json!({"fixed": "0.00000001"}), "fixed"),
            (json!({"discountPercent": 5, "customer": "x"}), "customer"),
            (json!({"discountPercent": 5, "term": "P2Y"}), "term"),
            (json!({"discountPercent": 5, "from": "1 May"}), "from"),
            (json!({"discountPercent": 5, "until": "2026-02-30"}), "until"),
            (json!({"discountPercent": 5, "price": 3}), "body"),
        ] {
            let shown = match read(&body) {
                Ok(_) => "fine".to_owned(),
                Err(problem) => format!("{problem:?}"),
            };
            assert!(shown == expected || shown.contains(&format!("field: Some(\"{expected}\")")), "{body}: {shown}");
        }
        assert_eq!(read(&json!({"discountPercent": 5})).unwrap().from, date(2026, 11, 22));
    }

    #[test]
    fn a_rule_for_what_is_not_in_the_catalogue_is_refused() {
        let catalog = fullmakt_world::catalog_csv::built_in();
        let check = |body: Value| in_catalog(&read(&body).unwrap(), catalog).map_err(|problem| format!("{problem:?}"));
        assert_eq!(check(json!({"discountPercent": 5, "family": "dsV5"})), Ok(()));
        assert_eq!(check(json!({"discountPercent": 5, "sku": "standard_d2S_v5"})), Ok(()));
        assert!(check(json!({"discountPercent": 5, "family": "Dsv55"})).unwrap_err().contains("family"));
        assert!(check(json!({"discountPercent": 5, "sku": "Standard_D3s_v5"})).unwrap_err().contains("sku"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_rule_is_read_or_refused(
            key in "(customer|family|sku|term|discountPercent|markupPercent|fixed|from|until|other)",
            value in prop_oneof![
                any::<i64>().prop_map(Value::from),
                any::<f64>().prop_map(Value::from),
                "[0-9a-zA-Z.:é -]{0,40}".prop_map(Value::from),
                Just(Value::Null),
                Just(json!([1])),
            ],
        ) {
            let mut body = json!({"discountPercent": "5"});
            body[key] = value;
            let _ = read(&body);
        }
    }
}
