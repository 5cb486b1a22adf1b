//! May this person buy this, and if not, why not (G04)?

use axum::extract::{Request, State};
use axum::response::Response;
use fullmakt_domain::actor::Actor;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{CustomerId, PrincipalId, SubscriptionId};
use fullmakt_domain::money::Money;
use fullmakt_domain::obstacle::{CanBuy, Item, Verdict, Who};
use fullmakt_domain::reservation::AppliedScope;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Caller, Problem, ok, read_json};
use crate::App;

/// The body of the question. Everything is optional: without a customer the asker's own directory, without a user the asker,
/// without a SKU anything at all.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    customer: Option<String>,
    user: Option<String>,
    subscription: Option<String>,
    resource_type: Option<String>,
    sku: Option<String>,
    region: Option<String>,
    term: Option<String>,
    billing_plan: Option<String>,
    quantity: Option<i64>,
    scope: Option<String>,
}

impl Question {
    /// Reads the question of an asker.
    pub fn read(&self, asker: &Actor, now: Timestamp) -> Result<CanBuy, Problem> {
        let wrong = |field: &'static str| move |error: String| Problem::bad_request(field, &error);
        let customer = match &self.customer {
            Some(text) => CustomerId::parse(text).map_err(|e| e.to_string()).map_err(wrong("customer"))?,
            None => CustomerId(asker.tenant.0),
        };
        let buyer = match &self.user {
            None => Who::Id(asker.principal),
            Some(text) => match PrincipalId::parse(text) {
                Ok(id) => Who::Id(id),
                Err(_) if text.contains('@') => Who::Name(text.clone()),
                Err(error) => {
                    return Err(Problem::bad_request(
                        "user",
                        &format!("{error}, nor a name such as ada@nordmoln.example"),
                    ));
                }
            },
        };
        let subscription = self
            .subscription
            .as_deref()
            .map(|text| {
                let id = text.trim().trim_start_matches("/subscriptions/");
                SubscriptionId::parse(id).map_err(|e| e.to_string()).map_err(wrong("subscription"))
            })
            .transpose()?;
        let scope = match self.scope.as_deref() {
            None => AppliedScope::Shared,
            Some(text) if text.trim().eq_ignore_ascii_case("shared") => AppliedScope::Shared,
            Some(text) => {
                let scope = ArmScope::parse(text).map_err(|e| e.to_string()).map_err(wrong("scope"))?;
                if !matches!(scope, ArmScope::Subscription(_) | ArmScope::ResourceGroup(..)) {
                    return Err(Problem::bad_request("scope", "Shared, a subscription or a resource group"));
                }
                AppliedScope::Single(scope)
            }
        };
        Ok(CanBuy { customer, buyer, subscription, item: self.item()?, scope, now })
    }

    fn item(&self) -> Result<Option<Item>, Problem> {
        let Some(sku) = &self.sku else {
            let others = [
                ("region", self.region.is_some()),
                ("term", self.term.is_some()),
                ("billingPlan", self.billing_plan.is_some()),
                ("quantity", self.quantity.is_some()),
                ("resourceType", self.resource_type.is_some()),
            ];
            return match others.iter().find(|(_, given)| *given) {
                Some((field, _)) => Err(Problem::bad_request(field, "needs a sku beside it")),
                None => Ok(None),
            };
        };
        let wrong = |field: &'static str| move |error: String| Problem::bad_request(field, &error);
        let region =
            self.region.as_deref().ok_or_else(|| Problem::bad_request("region", "is missing beside the sku"))?;
        let term = self.term.as_deref().unwrap_or("P1Y");
        let plan = self.billing_plan.as_deref().unwrap_or("Upfront");
        let kind = self.resource_type.as_deref().unwrap_or("VirtualMachines");
        Ok(Some(Item {
            resource_type: ReservedResourceType::parse(kind)
                .map_err(|e| e.to_string())
                .map_err(wrong("resourceType"))?,
            sku: SkuName::parse(sku).map_err(|e| e.to_string()).map_err(wrong("sku"))?,
            region: Region::parse(region).map_err(|e| e.to_string()).map_err(wrong("region"))?,
            term: Term::parse(term).map_err(|e| e.to_string()).map_err(wrong("term"))?,
            plan: BillingPlan::parse(plan).map_err(|e| e.to_string()).map_err(wrong("billingPlan"))?,
            quantity: Quantity::new(self.quantity.unwrap_or(1))
                .map_err(|e| e.to_string())
                .map_err(wrong("quantity"))?,
        }))
    }
}

/// Answers the question; nothing changes.
pub async fn ask(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let question: Question = read_json(request).await?;
    let query = question.read(&caller.actor, caller.request.now)?;
    let verdict = app.store.read(&caller.actor, &query).await?;
    let verdict =
        verdict.ok_or_else(|| Problem::not_found("there is no such user or subscription that you may ask about"))?;
    Ok(ok(json(&verdict)))
}

fn json(verdict: &Verdict) -> Value {
    let money = |amount: Money| json!({"currencyCode": amount.currency.code(), "amount": amount.decimal().to_string()});
    json!({
        "allowed": verdict.obstacles.is_empty(),
        "buyer": verdict.buyer,
        "subscription": verdict.subscription.map(|id| id.to_string()),
        "obstacles": verdict.obstacles.iter().map(|o| json!({
            "code": o.code(), "message": o.to_string(), "remedy": o.remedy(),
        })).collect::<Vec<_>>(),
        "price": verdict.price.map(|(price, list)| json!({"unitPrice": money(price), "listPrice": money(list)})),
    })
}

#[cfg(test)]
pub mod tests {
    //! Shared with the tests of the parsers.

    use fullmakt_domain::actor::PrincipalKind;
    use fullmakt_domain::ids::TenantId;

    use super::*;

    /// Anyone.
    pub fn someone() -> Actor {
        let home = TenantId(uuid::Uuid::from_u128(1));
        Actor {
            principal: PrincipalId(uuid::Uuid::from_u128(2)),
            kind: PrincipalKind::User,
            name: "olle@exempel.example".to_owned(),
            home,
            tenant: home,
            application: None,
        }
    }

    #[test]
    fn a_question_names_what_is_wrong_with_it() {
        for (body, expected) in [
            (json!({}), "fine"),
            (json!({"sku": "Standard_D2s_v5", "region": "swedencentral"}), "fine"),
            (json!({"user": "olle@exempel.example"}), "fine"),
            (json!({"subscription": "/subscriptions/33333333-3333-4333-8333-333333333333"}), "fine"),
            (json!({"customer": "x"}), "customer"),
            (json!({"user": "olle"}), "user"),
            (json!({"sku": "Standard_D2s_v5"}), "region"),
            (json!({"term": "P1Y"}), "term"),
            (json!({"sku": "a", "region": "b", "quantity": 0}), "quantity"),
            (json!({"sku": "a", "region": "b", "term": "P2Y"}), "term"),
            (json!({"scope": "/"}), "scope"),
        ] {
            let question: Question = serde_json::from_value(body.clone()).unwrap();
            let shown = match question.read(&someone(), Timestamp::UNIX_EPOCH) {
                Ok(_) => "fine".to_owned(),
                Err(problem) => format!("{problem:?}"),
            };
            assert!(shown == expected || shown.contains(&format!("field: Some(\"{expected}\")")), "{body}: {shown}");
        }
    }
}
