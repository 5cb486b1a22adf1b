//! Microsoft.Consumption: what to buy.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{Catalog, ReservedResourceType};
use fullmakt_domain::ids::SubscriptionId;
use fullmakt_domain::rating::format_scaled;
use fullmakt_domain::recommendation::{LookBack, ReadSubscriptionRecommendations, Recommendation};
use fullmakt_domain::usage::hour_start;
use serde_json::{Number, Value, json};

use super::call::{Call, Reply};
use super::error::ArmError;
use super::filter::{Allowed, Filter, Literal, Operator};
use super::paging::Page;
use super::wire;

const SCOPE: &str = "properties/scope";
const RESOURCE_TYPE: &str = "properties/resourceType";
const LOOK_BACK: &str = "properties/lookBackPeriod";

/// What the list may be filtered by.
const FILTERED: Allowed =
    Allowed { fields: &[SCOPE, RESOURCE_TYPE, LOOK_BACK, "properties/term", "location", "sku"], functions: &[] };

/// `GET {scope}/providers/Microsoft.Consumption/reservationRecommendations`: at a subscription; of one kind of scope, one kind
/// of resource and one look-back, which the filter names or the defaults of the original: `Single`, `VirtualMachines`,
/// `Last7Days`.
pub async fn list(call: &Call<'_>) -> Result<Reply, ArmError> {
    let scope = call.scope()?;
    let ArmScope::Subscription(subscription) = scope else {
        let message = "Recommendations are made for a subscription: /subscriptions/{subscriptionId}.";
        return Err(ArmError::bad_request("InvalidScope", message));
    };
    let page = Page::read(call.query, "$skiptoken")?;
    let filter = call.query.filled("$filter").map(|text| Filter::parse(text, FILTERED)).transpose()?;
    let asked = Asked::of(filter.as_ref())?;
    let query = ReadSubscriptionRecommendations { subscription, look_back: asked.look_back, now: call.context.now };
    let advice = call.read(&query, &scope).await?;
    let catalog = call.store.catalog().await.map_err(|fault| call.fault(&fault))?;
    let items = advice
        .iter()
        .flat_map(|advice| &advice.recommendations)
        .filter(|one| one.subscription.is_none() == asked.is_shared && one.choice.resource_type == asked.resource_type);
    let items = items.map(|one| recommendation(subscription, one, asked.look_back, &catalog));
    let items: Vec<Value> =
        items.filter(|item| filter.as_ref().is_none_or(|filter| filter.matches(item, &|_, _| false))).collect();
    Ok(Reply::ok(page.cut(items, &call.address(), "$skiptoken")))
}

/// What a filter decides on.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    is_shared: bool,
    resource_type: ReservedResourceType,
    look_back: LookBack,
}

impl Asked {
    fn of(filter: Option<&Filter>) -> Result<Self, ArmError> {
        let is_shared = match required(filter, SCOPE) {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("single") => false,
            Some(text) if text.eq_ignore_ascii_case("shared") => true,
            Some(_) => return Err(ArmError::uri("$filter", "properties/scope has to be Single or Shared")),
        };
        let resource_type =
            required(filter, RESOURCE_TYPE).map_or(Ok(ReservedResourceType::VirtualMachines), |text| {
                ReservedResourceType::parse(text)
                    .map_err(|error| ArmError::uri("$filter", format!("properties/resourceType is wrong: {error}")))
            })?;
        let look_back = required(filter, LOOK_BACK).map_or(Ok(LookBack::Last7Days), |text| {
            LookBack::parse(text)
                .map_err(|error| ArmError::uri("$filter", format!("properties/lookBackPeriod is wrong: {error}")))
        })?;
        Ok(Self { is_shared, resource_type, look_back })
    }
}

/// The text that a field has to have, wherever `and` puts it.
fn required<'f>(filter: Option<&'f Filter>, wanted: &str) -> Option<&'f str> {
    match filter? {
        Filter::Compare { field, operator: Operator::Eq, value: Literal::Text(text) } if *field == wanted => Some(text),
        Filter::And(a, b) => required(Some(a), wanted).or_else(|| required(Some(b), wanted)),
        Filter::Compare { .. } | Filter::Call { .. } | Filter::Or(..) | Filter::Not(_) => None,
    }
}

/// A recommendation as subscriptions have it: the kind `legacy`, amounts as numbers.
fn recommendation(at: SubscriptionId, one: &Recommendation, look_back: LookBack, catalog: &Catalog) -> Value {
    let choice = &one.choice;
    let scope = if one.subscription.is_some() { "Single" } else { "Shared" };
    let name = format!("{}_{}_{}_{scope}", choice.sku, choice.region, choice.term).replace(['/', ' '], "-");
    let offer = catalog
        .slice(choice.resource_type, &choice.sku)
        .iter()
        .find(|offer| (&offer.region, offer.term) == (&choice.region, choice.term));
    let mut properties = json!({
        "scope": scope,
        "lookBackPeriod": look_back.name(),
        "resourceType": choice.resource_type.name(),
        "term": choice.term.code(),
        "recommendedQuantity": one.quantity.instances(),
        "costWithNoReservedInstances": amount(one.cost_without_e10),
        "totalCostWithReservedInstances": amount(one.cost_with_e10()),
        "netSavings": amount(one.net_saving_e10()),
        "firstUsageDate": wire::date_time(hour_start(one.used.0)),
        "lastUsageDate": wire::date_time(hour_start(one.used.1)),
        "totalHours": one.hours_with_usage,
        "skuProperties": [],
    });
    if let Some(subscription) = one.subscription {
        properties["subscriptionId"] = subscription.to_string().into();
    }
    if let Some(offer) = offer {
        let mut described: Vec<Value> = Vec::new();
        described.extend(offer.vcpus.map(|count| json!({"name": "Cores", "value": count.to_string()})));
        described.extend(offer.memory_gib.map(|gib| json!({"name": "Ram", "value": gib.normalize().to_string()})));
        properties["skuProperties"] = described.into();
        if let Some(group) = &offer.flexibility_group {
            let alike = catalog.offers().iter().filter(|other| {
                other.flexibility_group.as_ref() == Some(group)
                    && other.region == choice.region
                    && !other.ratio.is_zero()
            });
            if let Some(smallest) = alike.min_by_key(|other| other.ratio) {
                let ratio = offer.ratio.checked_div(smallest.ratio).unwrap_or(offer.ratio).normalize();
                properties["instanceFlexibilityGroup"] = group.as_str().into();
                properties["instanceFlexibilityRatio"] = number(&ratio.to_string());
                properties["normalizedSize"] = smallest.sku.as_str().into();
                let normalized = ratio.saturating_mul(one.quantity.instances().into()).normalize();
                properties["recommendedQuantityNormalized"] = number(&normalized.to_string());
            }
        }
    }
    json!({
        "id": format!("/subscriptions/{at}/providers/Microsoft.Consumption/reservationRecommendations/{name}"),
        "name": name,
        "type": "Microsoft.Consumption/reservationRecommendations",
        "kind": "legacy",
        "location": choice.region.as_str(),
        "sku": choice.sku.as_str(),
        "properties": properties,
    })
}

/// An amount in 10^-10 as a JSON number.
fn amount(amount_e10: i128) -> Value {
    number(&format_scaled(amount_e10, 10))
}

fn number(decimal: &str) -> Value {
    let read: Result<Number, _> = serde_json::from_str(decimal);
    Value::Number(read.expect("a decimal is a JSON number"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(text: &str) -> String {
        let filter = Some(text).filter(|text| !text.is_empty()).map(|text| Filter::parse(text, FILTERED));
        match filter.transpose().and_then(|filter| Asked::of(filter.as_ref())) {
            Ok(Asked { is_shared, resource_type, look_back }) => {
                format!("{} {resource_type} {}", if is_shared { "Shared" } else { "Single" }, look_back.name())
            }
            Err(error) => format!("{} {}", error.status.as_u16(), error.code),
        }
    }

    #[test]
    fn a_filter_says_what_is_looked_at() {
        for (text, outcome) in [
            ("", "Single VirtualMachines Last7Days"),
            (
                "properties/scope eq 'Shared' AND properties/resourceType eq 'virtualmachines' and properties/lookBackPeriod eq 'Last30Days'",
                "Shared VirtualMachines Last30Days",
            ),
            ("Properties/Scope eq 'single' and properties/term eq 'P3Y'", "Single VirtualMachines Last7Days"),
            ("properties/scope eq 'Group'", "400 InvalidRequestUri"),
            ("properties/lookBackPeriod eq 'Last14Days'", "400 InvalidRequestUri"),
            ("properties/resourceType eq 'Cheese'", "400 InvalidRequestUri"),
            ("properties/colour eq 'red'", "400 BadRequest"),
        ] {
            assert_eq!(asked(text), outcome, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_filter_is_read_or_refused(text in "(properties/(scope|lookBackPeriod|term)| eq | and | or |not |'[A-Za-z0-9 ]{0,10}'|[()]|.{0,5}){0,8}") {
            let _ = asked(&text);
        }

        #[test]
        fn any_amount_is_a_number(amount_e10 in any::<i128>()) {
            prop_assert!(amount(amount_e10).is_number());
        }
    }
}
