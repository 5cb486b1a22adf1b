//! What to buy.

use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::catalog::Term;
use fullmakt_domain::ids::{CustomerId, SubscriptionId};
use fullmakt_domain::rating::format_scaled;
use fullmakt_domain::recommendation::{Advice, LookBack, ReadRecommendations, Recommendation};
use fullmakt_domain::usage::hour_start;
use serde_json::{Value, json};

use super::period::Parameters;
use super::{Caller, Problem, ok};
use crate::App;

/// Which recommendations are asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    look_back: LookBack,
    term: Option<Term>,
    scope: Option<Scope>,
}

#[derive(Debug, PartialEq, Eq)]
enum Scope {
    Shared,
    Single(SubscriptionId),
}

impl Asked {
    fn read(query: &Parameters) -> Result<Self, Problem> {
        let wrong = |name: &'static str, error: &dyn std::fmt::Display| Problem::bad_request(name, &error.to_string());
        let look_back = query.get("lookBack").map(LookBack::parse).transpose();
        let term = query.get("term").map(Term::parse).transpose();
        let scope = match query.get("scope") {
            None => None,
            Some(text) if text.eq_ignore_ascii_case("shared") => Some(Scope::Shared),
            Some(text) => {
                let id = SubscriptionId::parse(text);
                let id = id.map_err(|_| wrong("scope", &"is neither `shared` nor a subscription's id"))?;
                Some(Scope::Single(id))
            }
        };
        Ok(Self {
            look_back: look_back.map_err(|error| wrong("lookBack", &error))?.unwrap_or(LookBack::Last30Days),
            term: term.map_err(|error| wrong("term", &error))?,
            scope,
        })
    }

    fn wants(&self, one: &Recommendation) -> bool {
        let scope_fits = match self.scope {
            None => true,
            Some(Scope::Shared) => one.subscription.is_none(),
            Some(Scope::Single(id)) => one.subscription == Some(id),
        };
        scope_fits && self.term.is_none_or(|term| term == one.choice.term)
    }
}

/// What to buy for a customer, the largest saving first, for each partner that bills it.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(customer): Path<String>,
    query: Parameters,
) -> Result<Response, Problem> {
    let customer =
        CustomerId::parse(&customer).map_err(|_| Problem::not_found("there is nothing of that name here"))?;
    let asked = Asked::read(&query)?;
    let read = ReadRecommendations { customer, look_back: asked.look_back, now: caller.request.now };
    let advice = app.store.read(&caller.actor, &read).await?;
    let partners: Vec<Value> = advice.iter().map(|advice| shown(advice, &asked)).collect();
    Ok(ok(json!({"lookBack": asked.look_back.name(), "partners": partners})))
}

fn shown(advice: &Advice, asked: &Asked) -> Value {
    let found = advice.recommendations.iter().filter(|one| asked.wants(one));
    json!({
        "partnerId": advice.known.partner.to_string(),
        "currency": advice.currency.code(),
        "from": hour_start(advice.known.from).to_string(),
        "until": hour_start(advice.known.until).to_string(),
        "knownHours": advice.known.hours,
        "recommendations": found.map(recommendation).collect::<Vec<_>>(),
    })
}

/// Amounts are text, so that no digit is lost.
fn recommendation(one: &Recommendation) -> Value {
    let (choice, amount) = (&one.choice, |value| format_scaled(value, 10));
    let plans: Vec<&str> = choice.plans.iter().map(|plan| plan.name()).collect();
    json!({
        "resourceType": choice.resource_type.name(),
        "sku": choice.sku.as_str(),
        "region": choice.region.as_str(),
        "term": choice.term.code(),
        "billingPlans": plans,
        "scope": if one.subscription.is_some() { "Single" } else { "Shared" },
        "subscriptionId": one.subscription.map(|id| id.to_string()),
        "quantity": one.quantity.instances(),
        "price": choice.price.decimal().to_string(),
        "listPrice": choice.list.decimal().to_string(),
        "hourlyCost": format_scaled(one.hourly_cost_e8().into(), 8),
        "costWithout": amount(one.cost_without_e10),
        "costWith": amount(one.cost_with_e10()),
        "netSaving": amount(one.net_saving_e10()),
        "savingPerMonth": amount(one.monthly_saving_e10()),
        "hours": one.hours,
        "hoursWithUsage": one.hours_with_usage,
        "firstUsage": hour_start(one.used.0).to_string(),
        "lastUsage": hour_start(one.used.1).to_string(),
        "demand": amount(one.demand_e10),
        "covered": amount(one.covered_e10),
        "utilizationPercent": format_scaled(one.utilization_e4(), 2),
        "breakEvenHoursPerMonth": format_scaled(one.break_even_hours_e2(), 2),
        "breakEvenPercent": format_scaled(one.break_even_utilization_e4(), 2),
        "paysBackAt": one.pays_back_at().to_string(),
    })
}
