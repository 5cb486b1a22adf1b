//! `GET …/providers/Microsoft.Capacity/catalogs`: what can be reserved on a subscription, at list prices.

use std::collections::BTreeSet;

use fullmakt_domain::catalog::{BillingPlan, Catalog, Offer, Region, ReservedResourceType, Storefront, Term};
use fullmakt_domain::market;
use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::error::ArmError;
use super::filter::{Allowed, Filter};
use super::paging::{Address, PAGE_SIZE};
use super::query::Query;
use super::wire;

/// The last version whose answer is a bare array.
const LAST_WITH_ARRAY: &str = "2022-04-01";
/// The most items that may be skipped or taken.
const MAX_ITEMS: u32 = 10_000_000;

const FILTERED: Allowed = Allowed {
    fields: &[
        "name",
        "resourceType",
        "location",
        "family",
        "Cores",
        "vCpu",
        "RAM",
        "ReservationsAutofitGroup",
        "ReservationsAutofitRatio",
        "ProductShortName",
        "ProductTitle",
        "SkuName",
        "SkuDisplayName",
    ],
    functions: &[],
};

/// The answer on a day. Prices are list prices: neither the customer's nor the partner's own cost stands in it (R14).
///
/// At 2022-11-01 it is an object with pages of 50; older clients get a bare array, whole. `$take` limits how many items there
/// are after `$skip`. In markets without reservations there is nothing (R44).
///
/// # Errors
/// 400 that names the parameter.
pub fn answer(
    catalog: &Catalog,
    storefront: Storefront,
    today: Date,
    query: &Query,
    here: &Address<'_>,
) -> Result<Value, ArmError> {
    let resource_type = query
        .filled("reservedResourceType")
        .ok_or_else(|| ArmError::uri("reservedResourceType", "is required, for example `VirtualMachines`"))?;
    let resource_type = ReservedResourceType::parse(resource_type)
        .map_err(|error| ArmError::uri("reservedResourceType", format!("is wrong: {error}")))?;
    let region = region(catalog, query)?;
    let filter = query.filled("$filter").map(|text| Filter::parse(text, FILTERED)).transpose()?;
    let skip = whole(query, &["$skip", "skip"])?.unwrap_or(0);
    let take = whole(query, &["$take", "take"])?;

    let items = items(catalog, storefront, today, resource_type, &region, filter.as_ref());
    let total = items.len();
    let wanted = take.map_or(total, |take| total.min(skip.saturating_add(take)));
    let is_array = query.filled("api-version").is_some_and(|version| version.get(..10) <= Some(LAST_WITH_ARRAY));
    if is_array {
        return Ok(items.into_iter().take(wanted).skip(skip).collect());
    }
    let end = wanted.min(skip.saturating_add(PAGE_SIZE));
    let page: Vec<Value> = items.into_iter().take(end).skip(skip).collect();
    let mut body = json!({"value": page, "totalItems": total});
    if end < wanted {
        let next = next_link(here, end, take.map(|_| wanted.saturating_sub(end)));
        body.as_object_mut().map(|body| body.insert("nextLink".into(), next.into()));
    }
    Ok(body)
}

/// The same address from `skip` on. The number left to take goes along, so that it limits the whole and not each page.
fn next_link(here: &Address<'_>, skip: usize, left: Option<usize>) -> String {
    let path = here.path.trim_start_matches('/');
    let skipped = without(&here.query.with("$skip", &skip.to_string()), "skip");
    let query = match left {
        None => skipped,
        Some(left) => format!("{}&%24take={left}", without(&without(&skipped, "take"), "%24take")),
    };
    format!("{}/{path}?{query}", here.base)
}

fn without(query: &str, name: &str) -> String {
    let is_other = |pair: &&str| !pair.split_once('=').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
    query.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

fn region(catalog: &Catalog, query: &Query) -> Result<Region, ArmError> {
    let text = query.filled("location").ok_or_else(|| {
        ArmError::bad_request(
            "InvalidLocationId",
            "The query parameter `location` is required, for example `westeurope`.",
        )
        .with_target("location")
    })?;
    Region::parse(text).ok().filter(|region| catalog.offers().iter().any(|offer| offer.region == *region)).ok_or_else(
        || {
            let regions: BTreeSet<&str> = catalog.offers().iter().map(|offer| offer.region.as_str()).collect();
            let regions = regions.into_iter().collect::<Vec<_>>().join(", ");
            let text: String = text.chars().take(60).collect();
            let message = format!("Nothing is sold in the location `{text}`. The locations are: {regions}.");
            ArmError::bad_request("InvalidLocationId", message).with_target("location")
        },
    )
}

/// A count; one client library writes it as `50.0`.
fn whole(query: &Query, names: &[&'static str]) -> Result<Option<usize>, ArmError> {
    let Some((name, text)) = names.iter().find_map(|name| query.filled(name).map(|text| (*name, text))) else {
        return Ok(None);
    };
    let plain = text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number = if plain { Decimal::from_str_exact(text).ok() } else { None };
    number
        .map(|number| number.normalize())
        .filter(|number| number.scale() == 0 && *number <= Decimal::from(MAX_ITEMS))
        .and_then(|number| number.to_usize())
        .map(Some)
        .ok_or_else(|| ArmError::uri(name, format!("has to be a whole number from 0 to {MAX_ITEMS}")))
}

fn items(
    catalog: &Catalog,
    storefront: Storefront,
    today: Date,
    resource_type: ReservedResourceType,
    region: &Region,
    filter: Option<&Filter>,
) -> Vec<Value> {
    if !market::sells_reservations(storefront.market) {
        return Vec::new();
    }
    let offered: Vec<&Offer> = catalog
        .offers()
        .iter()
        .filter(|offer| {
            offer.resource_type == resource_type
                && offer.region == *region
                && offer.currency() == storefront.currency
                && offer.serves(storefront.market)
        })
        .collect();
    offered
        .chunk_by(|a, b| a.sku == b.sku)
        .filter_map(|of_sku| {
            let sold: Vec<&Offer> = of_sku.iter().copied().filter(|offer| offer.check_sold_on(today).is_ok()).collect();
            let first = *sold.first()?;
            let properties = properties(first);
            let passes = filter.is_none_or(|filter| filter.matches(&filtered(first, &properties), &|_, _| false));
            passes.then(|| item(first, of_sku, &sold, properties))
        })
        .collect()
}

/// What a filter is asked about: names and values without nesting.
fn filtered(offer: &Offer, properties: &[(&'static str, String)]) -> Value {
    let mut fields: Map<String, Value> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    fields.insert("name".into(), offer.sku.as_str().into());
    fields.insert("resourceType".into(), offer.resource_type.name().into());
    fields.insert("location".into(), offer.region.as_str().into());
    fields.insert("family".into(), offer.family.as_str().into());
    Value::Object(fields)
}

fn item(first: &Offer, offered: &[&Offer], sold: &[&Offer], properties: Vec<(&'static str, String)>) -> Value {
    let terms: BTreeSet<Term> = offered.iter().map(|offer| offer.term).collect();
    let sold_terms: BTreeSet<Term> = sold.iter().map(|offer| offer.term).collect();
    let restricted: Vec<&str> = terms.difference(&sold_terms).map(|term| term.code()).collect();
    let mut restrictions = Vec::new();
    if !restricted.is_empty() {
        restrictions.push(json!({
            "type": "Term", "values": restricted, "reasonCode": "NotAvailableForSubscription",
        }));
    }
    let plans: Map<String, Value> =
        offered.iter().map(|offer| (key(offer.term), names(&offer.billing_plans).into())).collect();
    let msrp: Map<String, Value> = sold.iter().map(|offer| (key(offer.term), wire::money(offer.list_price))).collect();
    let properties: Vec<Value> =
        properties.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "resourceType": lower_camel(first.resource_type.name()),
        "name": first.sku.as_str(),
        "terms": terms.iter().map(|term| term.code()).collect::<Vec<_>>(),
        "locations": [first.region.as_str()],
        "billingPlans": plans,
        "msrp": msrp,
        "skuProperties": properties,
        "restrictions": restrictions,
    })
}

fn properties(offer: &Offer) -> Vec<(&'static str, String)> {
    let mut properties = Vec::new();
    if let Some(vcpus) = offer.vcpus {
        properties.push(("Cores", vcpus.to_string()));
        properties.push(("vCpu", vcpus.to_string()));
    }
    if let Some(memory) = offer.memory_gib {
        properties.push(("RAM", memory.to_string()));
    }
    if let Some(group) = &offer.flexibility_group {
        properties.push(("ReservationsAutofitGroup", group.clone()));
        properties.push(("ReservationsAutofitRatio", offer.ratio.to_string()));
    }
    let short = offer.sku.short().to_owned();
    let plans = Value::from(names(&offer.billing_plans)).to_string();
    properties.extend([
        ("ProductShortName", product_short_name(offer)),
        ("ProductTitle", product_title(offer)),
        ("SkuName", short.clone()),
        ("SkuDisplayName", short),
        ("MeterType", "1 Compute Hour".to_owned()),
        ("billingPlans", plans),
        ("ReservationSwappableArmSkuName", String::new()),
    ]);
    properties
}

fn product_short_name(offer: &Offer) -> String {
    match offer.resource_type {
        ReservedResourceType::VirtualMachines => format!("{} Series VM", offer.family),
        _ => format!("{} Series", offer.family),
    }
}

fn product_title(offer: &Offer) -> String {
    match offer.resource_type {
        ReservedResourceType::VirtualMachines => format!("Virtual Machines {} Series", offer.family),
        other => format!("{}, {} Series", other.title(), offer.family),
    }
}

fn names(plans: &[BillingPlan]) -> Vec<&'static str> {
    plans.iter().map(|plan| plan.name()).collect()
}

/// `p1Y`: the keys of the live service begin in lower case.
fn key(term: Term) -> String {
    lower_camel(term.code())
}

fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::market::Country;
    use fullmakt_domain::money::Currency;
    use fullmakt_world::catalog_csv;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const PATH: &str = "/subscriptions/33333333-3333-4333-8333-333333333333/providers/Microsoft.Capacity/catalogs";

    fn ask(raw: &str, market: &str) -> Result<Value, ArmError> {
        let query = Query::parse(raw)?;
        let storefront =
            Storefront { currency: Currency::parse("EUR").unwrap(), market: Country::parse(market).unwrap() };
        let here = Address { base: "https://h:1", path: PATH, query: &query };
        answer(catalog_csv::built_in(), storefront, date(2026, 11, 22), &query, &here)
    }

    fn asked(raw: &str) -> Value {
        ask(&format!("api-version=2022-11-01&reservedResourceType=VirtualMachines&{raw}"), "SE").unwrap()
    }

    #[test]
    fn an_item_says_terms_plans_list_prices_and_size_ratio() {
        let body = asked("location=West%20US&$filter=name%20eq%20'standard_d4S_v5'");
        assert_eq!(body["totalItems"], 1);
        let item = &body["value"][0];
        assert_eq!(item["name"], "Standard_D4s_v5");
        assert_eq!(item["resourceType"], "virtualMachines");
        assert_eq!(item["terms"], json!(["P1Y", "P3Y"]));
        assert_eq!(item["locations"], json!(["westus"]));
        assert_eq!(item["billingPlans"]["p1Y"], json!(["Upfront", "Monthly"]));
        assert_eq!(item["msrp"]["p1Y"], json!({"currencyCode": "EUR", "amount": 1063.0}));
        assert_eq!(item["restrictions"], json!([]));
        let ratio = item["skuProperties"].as_array().unwrap().iter().find(|p| p["name"] == "ReservationsAutofitRatio");
        assert_eq!(ratio.unwrap()["value"], "2");
        assert_eq!(body.get("nextLink"), None);
    }

    #[test]
    fn r14_no_answer_holds_what_the_partner_pays() {
        let offers = catalog_csv::built_in().offers();
        let one = offers.iter().find(|o| o.sku.as_str() == "Standard_D2s_v5" && o.region.as_str() == "westus").unwrap();
        let text = asked("location=westus").to_string();
        assert!(!text.contains(&one.partner_price.decimal().to_string()) && !text.contains("partner"));
    }

    #[test]
    fn a_term_that_is_no_longer_sold_is_restricted_and_a_size_no_longer_sold_is_left_out() {
        let body = asked("location=westus&$filter=name eq 'Standard_F2s_v2' or name eq 'Standard_D2s_v3'");
        assert_eq!(body["totalItems"], 1);
        let item = &body["value"][0];
        assert_eq!(item["terms"], json!(["P1Y", "P3Y"]));
        assert_eq!(item["restrictions"][0]["values"], json!(["P1Y"]));
        assert_eq!(item["msrp"].as_object().unwrap().keys().collect::<Vec<_>>(), ["p3Y"]);
    }

    #[test]
    fn pages_of_fifty_follow_each_other() {
        let mut raw = "api-version=2022-11-01&reservedResourceType=VirtualMachines&location=westus".to_owned();
        let mut seen = Vec::new();
        let mut total = 0;
        for _ in 0..10 {
            let body = ask(&raw, "SE").unwrap();
            let page = body["value"].as_array().unwrap();
            assert!(page.len() <= 50);
            seen.extend(page.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            total = body["totalItems"].as_u64().unwrap();
            match body["nextLink"].as_str() {
                Some(link) => {
                    raw = link.strip_prefix(&format!("https://h:1{PATH}?")).unwrap().to_owned();
                    assert!(raw.ends_with(&format!("%24skip={}", seen.len())));
                }
                None => break,
            }
        }
        assert_eq!(u64::try_from(seen.len()).unwrap(), total);
        seen.dedup();
        assert_eq!(u64::try_from(seen.len()).unwrap(), total);
    }

    #[test]
    fn take_limits_the_whole_and_not_each_page() {
        let body = asked("location=westus&$take=60.0&$skip=10.0");
        assert_eq!(body["value"].as_array().unwrap().len(), 50);
        let link = body["nextLink"].as_str().unwrap();
        assert!(link.ends_with("&%24skip=60&%24take=10"), "{link}");
        let rest = asked("location=westus&$skip=60&$take=10");
        assert_eq!((rest["value"].as_array().unwrap().len(), rest.get("nextLink")), (10, None));
    }

    #[test]
    fn older_versions_get_a_bare_array() {
        for (version, is_array) in
            [("2022-04-01", true), ("2022-03-01", true), ("2019-04-01", true), ("2022-11-01", false)]
        {
            let raw = format!("api-version={version}&reservedResourceType=VirtualMachines&location=westus");
            let body = ask(&raw, "SE").unwrap();
            assert_eq!(body.is_array(), is_array, "{version}");
            assert!(!is_array || body.as_array().unwrap().len() > 50);
        }
    }

    #[test]
    fn r44_nothing_is_for_sale_in_a_market_without_reservations() {
        let raw = "api-version=2022-11-01&reservedResourceType=virtualmachines&location=westus";
        assert_eq!(ask(raw, "GL").unwrap(), json!({"value": [], "totalItems": 0}));
        let uk =
            "api-version=2022-11-01&reservedResourceType=VirtualMachines&location=uksouth&$filter=family eq 'NCasT4v3'";
        assert_eq!(ask(uk, "SE").unwrap()["totalItems"], 0);
        assert_eq!(ask(uk, "IE").unwrap()["totalItems"], 4);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (raw, code, named) in [
            ("location=westus", "InvalidRequestUri", "reservedResourceType"),
            ("location=westus&reservedResourceType=Cars", "InvalidRequestUri", "Cars"),
            ("reservedResourceType=VirtualMachines", "InvalidLocationId", "location"),
            ("reservedResourceType=VirtualMachines&location=moon", "InvalidLocationId", "moon"),
            ("reservedResourceType=VirtualMachines&location=westus&$skip=-1", "InvalidRequestUri", "$skip"),
            ("reservedResourceType=VirtualMachines&location=westus&$take=1.5", "InvalidRequestUri", "$take"),
            ("reservedResourceType=VirtualMachines&location=westus&$filter=colour eq 'red'", "BadRequest", "colour"),
        ] {
            let error = ask(raw, "SE").unwrap_err();
            assert_eq!(error.body()["error"]["code"], code, "{raw}");
            assert!(error.body().to_string().contains(named), "{raw}: {}", error.body());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_counts_are_read_or_refused(skip in "[0-9.e+-]{0,8}", take in "[0-9.]{0,22}") {
            let query = Query::parse(&format!("%24skip={skip}&take={take}")).unwrap();
            for names in [["$skip", "skip"], ["$take", "take"]] {
                if let Ok(Some(count)) = whole(&query, &names) {
                    prop_assert!(count <= 10_000_000);
                }
            }
        }

        #[test]
        fn a_next_link_leads_on_and_keeps_the_rest(skip in 0_usize..10_000_000, raw in "([a-z$%&=. 0-9']|%24take=|skip=){0,12}") {
            if let Ok(query) = Query::parse(&raw) {
                let here = Address { base: "https://h", path: PATH, query: &query };
                let link = next_link(&here, skip, Some(7));
                let next = Query::parse(link.split_once('?').unwrap().1).unwrap();
                prop_assert_eq!(whole(&next, &["$skip", "skip"]).unwrap(), Some(skip));
                prop_assert_eq!(whole(&next, &["$take", "take"]).unwrap(), Some(7));
            }
        }
    }
}
