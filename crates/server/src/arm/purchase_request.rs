//! The body of a quote and of a purchase, and the parts of it that changes of a reservation share.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::SubscriptionId;
use fullmakt_domain::obstacle::Item;
use fullmakt_domain::reservation::{AppliedScope, DisplayName};
use jiff::Timestamp;

use super::body::Node;
use super::error::ArmError;

/// What somebody wants to buy, as the wire has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseRequest {
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What.
    pub item: Item,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// A name for people.
    pub display_name: Option<DisplayName>,
    /// Whether other sizes of the group are covered too.
    pub instance_flexibility: bool,
    /// Whether it renews itself.
    pub renew: bool,
    /// When someone wants to be reminded of it.
    pub review_at: Option<Timestamp>,
}

impl PurchaseRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// 400 that names the property.
    pub fn read(root: &Node<'_>) -> Result<Self, ArmError> {
        let properties = root.required("properties")?;
        Ok(Self {
            subscription: billing_scope(&properties.required("billingScopeId")?)?,
            item: item(root, &properties)?,
            scope: applied_scope(&properties)?.unwrap_or(AppliedScope::Shared),
            display_name: display_name(&properties, "displayName")?,
            instance_flexibility: instance_flexibility(&properties)?.unwrap_or(true),
            renew: properties.get("renew")?.map_or(Ok(false), |node| node.truth())?,
            review_at: properties.get("reviewDateTime")?.map(|node| node.instant()).transpose()?,
        })
    }
}

fn item(root: &Node<'_>, properties: &Node<'_>) -> Result<Item, ArmError> {
    let sku = root.required("sku")?.required("name")?;
    let region = match root.get("location")?.filter(|node| node.text(100).map_or(true, |text| !text.is_empty())) {
        Some(node) => Region::parse(node.text(100)?).map_err(|error| coded("InvalidLocationId", &node, &error))?,
        // Products that are sold everywhere alike.
        None => Region::parse("global").map_err(|error| root.refuse(error))?,
    };
    let kind = properties.required("reservedResourceType")?;
    let term = properties.required("term")?;
    let plan = match properties.get("billingPlan")? {
        Some(node) => BillingPlan::parse(node.text(50)?).map_err(|error| wrong(&node, &error))?,
        None => BillingPlan::Upfront,
    };
    let quantity = properties.required("quantity")?;
    Ok(Item {
        resource_type: ReservedResourceType::parse(kind.text(100)?).map_err(|error| wrong(&kind, &error))?,
        sku: SkuName::parse(sku.text(200)?).map_err(|error| wrong(&sku, &error))?,
        region,
        term: Term::parse(term.text(50)?).map_err(|error| coded("UnsupportedReservationTerm", &term, &error))?,
        plan,
        quantity: Quantity::new(quantity.whole()?).map_err(|error| wrong(&quantity, &error))?,
    })
}

fn wrong(node: &Node<'_>, error: &dyn std::fmt::Display) -> ArmError {
    node.refuse(format!("is wrong: {error}"))
}

fn coded(code: &'static str, node: &Node<'_>, error: &dyn std::fmt::Display) -> ArmError {
    ArmError::bad_request(code, format!("Property `{}` is wrong: {error}.", node.path())).with_target(node.path())
}

/// `/subscriptions/{id}`, or the id alone.
fn billing_scope(node: &Node<'_>) -> Result<SubscriptionId, ArmError> {
    let text = node.text(200)?;
    let read = SubscriptionId::parse(text).ok().or_else(|| match ArmScope::parse(text) {
        Ok(ArmScope::Subscription(id)) => Some(id),
        _ => None,
    });
    read.ok_or_else(|| {
        coded("InvalidSubscriptionId", node, &format!("`{text}` is not a subscription such as `/subscriptions/{{id}}`"))
    })
}

/// A name for people under `name`.
///
/// # Errors
/// 400 that names the property.
pub fn display_name(properties: &Node<'_>, name: &str) -> Result<Option<DisplayName>, ArmError> {
    let Some(node) = properties.get(name)?.filter(|node| node.text(500).map_or(true, |text| !text.is_empty())) else {
        return Ok(None);
    };
    DisplayName::parse(node.text(500)?).map(Some).map_err(|error| wrong(&node, &error))
}

/// Whether other sizes of the group are covered, where the request says so.
///
/// # Errors
/// 400 that names the property.
pub fn instance_flexibility(properties: &Node<'_>) -> Result<Option<bool>, ArmError> {
    let nested = match properties.get("reservedResourceProperties")? {
        Some(node) => node.get("instanceFlexibility")?,
        None => None,
    };
    let found = match nested {
        Some(node) => Some(node),
        None => properties.get("instanceFlexibility")?,
    };
    found.map(|node| node.word(&["On", "Off"]).map(|word| word == "On")).transpose()
}

/// Where the benefit applies, in the new form (`appliedScopeProperties`) or the old one (`appliedScopes`), where the request
/// says so.
///
/// # Errors
/// 400 that names the property.
pub fn applied_scope(properties: &Node<'_>) -> Result<Option<AppliedScope>, ArmError> {
    let scopes = named_scopes(properties)?;
    let Some(kind) = properties.get("appliedScopeType")? else {
        return match scopes.as_slice() {
            [] => Ok(None),
            _ => {
                Err(properties.required("appliedScopeType").err().unwrap_or_else(|| properties.refuse("is incomplete")))
            }
        };
    };
    match kind.word(&["Shared", "Single", "ManagementGroup"])? {
        "Shared" => Ok(Some(AppliedScope::Shared)),
        "Single" => match scopes.as_slice() {
            [(_, scope)] => Ok(Some(AppliedScope::Single(scope.clone()))),
            [] => Err(ArmError::bad_request(
                "MissingAppliedScopesForSingle",
                "The applied scope type is Single, and no subscription or resource group is given.",
            )
            .with_target("properties.appliedScopes")),
            _ => Err(ArmError::bad_request(
                "InvalidSingleAppliedScopesCount",
                "The applied scope type is Single, and more than one scope is given.",
            )
            .with_target("properties.appliedScopes")),
        },
        _ => Err(ArmError::bad_request(
            "AppliedScopesNotAssociatedWithCommerceAccount",
            "A management group may hold subscriptions of other partners. Choose Shared, which covers all subscriptions that \
             the same partner bought, or Single.",
        )
        .with_target("properties.appliedScopeType")),
    }
}

/// The subscriptions and resource groups that a request names; a resource group stands for its subscription as well.
fn named_scopes<'a>(properties: &Node<'a>) -> Result<Vec<(Node<'a>, ArmScope)>, ArmError> {
    let mut nodes = Vec::new();
    if let Some(list) = properties.get("appliedScopes")? {
        nodes.extend(list.list(100)?);
    }
    if let Some(named) = properties.get("appliedScopeProperties")? {
        let group = named.get("resourceGroupId")?;
        nodes.extend(match group {
            Some(group) => Some(group),
            None => named.get("subscriptionId")?,
        });
    }
    let mut scopes: Vec<(Node<'a>, ArmScope)> = Vec::new();
    for node in nodes {
        let text = node.text(500)?;
        let scope = match SubscriptionId::parse(text) {
            Ok(id) => ArmScope::Subscription(id),
            Err(_) => ArmScope::parse(text).map_err(|error| wrong(&node, &error))?,
        };
        if !matches!(scope, ArmScope::Subscription(_) | ArmScope::ResourceGroup(..)) {
            return Err(node.refuse("has to be a subscription or a resource group"));
        }
        // Clients that know both forms send both.
        if !scopes.iter().any(|(_, known)| known.key() == scope.key()) {
            scopes.push((node, scope));
        }
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::arm::body::Body;

    const SUBSCRIPTION: &str = "33333333-3333-4333-8333-333333333333";

    fn wire() -> Value {
        json!({"sku": {"name": "standard_d2s_v5"}, "location": "Sweden Central", "properties": {
            "reservedResourceType": "VirtualMachines", "billingScopeId": SUBSCRIPTION, "term": "P1Y",
            "billingPlan": "Monthly", "quantity": 2, "displayName": "clitest2", "appliedScopeType": "Shared", "renew": false}})
    }

    fn read(change: impl Fn(&mut Value)) -> Result<PurchaseRequest, ArmError> {
        let mut body = wire();
        change(&mut body);
        let body = Body::read(&HeaderMap::new(), body.to_string().as_bytes()).unwrap();
        PurchaseRequest::read(&body.root())
    }

    #[test]
    fn a_request_is_read_in_the_forms_that_clients_send() {
        let read_plain = read(|_| ()).unwrap();
        assert_eq!(read_plain.item.region.as_str(), "swedencentral");
        assert_eq!(read_plain.scope, AppliedScope::Shared);
        let path = format!("/subscriptions/{SUBSCRIPTION}");
        assert_eq!(read(|b| b["properties"]["billingScopeId"] = json!(path)).unwrap(), read_plain);
        let scoped = |scopes: Value, properties: Value| {
            read(|b| {
                b["properties"]["appliedScopeType"] = json!("Single");
                b["properties"]["appliedScopes"] = scopes.clone();
                b["properties"]["appliedScopeProperties"] = properties.clone();
            })
            .map(|r| r.scope.scope().map(ToString::to_string).unwrap_or_default())
            .map_err(|e| e.code)
        };
        let group = format!("{path}/resourceGroups/App");
        assert_eq!(scoped(json!([path]), Value::Null), Ok(path.clone()));
        assert_eq!(scoped(json!([path]), json!({"subscriptionId": path})), Ok(path.clone()));
        assert_eq!(scoped(Value::Null, json!({"subscriptionId": path, "resourceGroupId": group})), Ok(group));
        assert_eq!(scoped(json!([]), Value::Null), Err("MissingAppliedScopesForSingle"));
        assert_eq!(
            scoped(json!([path, format!("{path}/resourceGroups/a")]), Value::Null),
            Err("InvalidSingleAppliedScopesCount")
        );
        assert_eq!(scoped(json!(["/"]), Value::Null), Err("InvalidRequestContent"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (path, value, code) in [
            ("/properties/quantity", json!(0), "InvalidRequestContent"),
            ("/properties/quantity", json!(1.5), "InvalidRequestContent"),
            ("/properties/quantity", json!(1_001), "InvalidRequestContent"),
            ("/properties/quantity", Value::Null, "InvalidRequestContent"),
            ("/properties/term", json!("P2Y"), "UnsupportedReservationTerm"),
            ("/properties/billingPlan", json!("Weekly"), "InvalidRequestContent"),
            ("/properties/reservedResourceType", json!("Cars"), "InvalidRequestContent"),
            ("/properties/billingScopeId", json!("/nowhere"), "InvalidSubscriptionId"),
            ("/properties/displayName", json!("två ord"), "InvalidRequestContent"),
            ("/properties/appliedScopeType", json!("Everywhere"), "InvalidRequestContent"),
            ("/properties/appliedScopeType", json!("ManagementGroup"), "AppliedScopesNotAssociatedWithCommerceAccount"),
            ("/properties/renew", json!("perhaps"), "InvalidRequestContent"),
            ("/location", json!("west/us"), "InvalidLocationId"),
            ("/sku/name", json!(7), "InvalidRequestContent"),
            ("/sku", Value::Null, "InvalidRequestContent"),
            ("/properties", json!([]), "InvalidRequestContent"),
        ] {
            let error = read(|b| *b.pointer_mut(path).unwrap() = value.clone()).unwrap_err();
            assert_eq!(error.code, code, "{path}: {}", error.message);
            let target = error.body()["error"]["target"].as_str().unwrap().to_owned();
            assert!(path.replace('/', ".").ends_with(&format!(".{target}")) || path == "/sku", "{path}: {target}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_property_is_read_or_refused(
            path in "/(properties/(quantity|term|billingPlan|billingScopeId|displayName|appliedScopeType|renew|reservedResourceType)|location|sku/name|sku|properties)",
            value in prop_oneof![
                any::<i64>().prop_map(Value::from),
                "\\PC{0,8}".prop_map(Value::from),
                any::<bool>().prop_map(Value::from),
                Just(json!([])),
                Just(json!({"a": [1]})),
                Just(json!(["/subscriptions/x"])),
            ],
        ) {
            let _ = read(|b| *b.pointer_mut(&path).unwrap() = value.clone());
        }
    }
}
