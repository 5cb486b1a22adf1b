//! What is stored in the same words in several places: an item of the catalogue, and what somebody wants to buy.

use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::exchange::ToPurchase;
use fullmakt_domain::obstacle::Item;
use fullmakt_domain::reservation::{AppliedScope, DisplayName, RenewalTerms};
use serde::{Deserialize, Serialize};

use crate::row::{Fault, known, parsed};

/// An item, as columns of a row or as a part of stored JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredItem {
    sku: String,
    region: String,
    resource_type: String,
    term: String,
    billing_plan: String,
    quantity: i64,
}

impl From<&Item> for StoredItem {
    fn from(item: &Item) -> Self {
        Self {
            sku: item.sku.as_str().to_owned(),
            region: item.region.as_str().to_owned(),
            resource_type: item.resource_type.name().to_owned(),
            term: item.term.code().to_owned(),
            billing_plan: item.plan.name().to_owned(),
            quantity: item.quantity.instances(),
        }
    }
}

impl StoredItem {
    pub(crate) fn read(&self) -> Result<Item, Fault> {
        let kind = ReservedResourceType::parse(&self.resource_type).ok();
        Ok(Item {
            resource_type: known("resource type", &self.resource_type, kind)?,
            sku: known("sku", &self.sku, SkuName::parse(&self.sku).ok())?,
            region: known("region", &self.region, Region::parse(&self.region).ok())?,
            term: known("term", &self.term, Term::parse(&self.term).ok())?,
            plan: known("billing plan", &self.billing_plan, BillingPlan::parse(&self.billing_plan).ok())?,
            quantity: quantity(self.quantity)?,
        })
    }
}

/// What a renewal or an exchange buys, as a part of stored JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredWish {
    subscription: String,
    #[serde(flatten)]
    item: StoredItem,
    applied_scope: Option<String>,
    display_name: Option<String>,
    instance_flexibility: bool,
}

impl From<&RenewalTerms> for StoredWish {
    fn from(terms: &RenewalTerms) -> Self {
        Self {
            subscription: terms.subscription.to_string(),
            item: StoredItem::from(&terms.item),
            applied_scope: terms.scope.scope().map(ToString::to_string),
            display_name: terms.display_name.as_ref().map(ToString::to_string),
            instance_flexibility: terms.instance_flexibility,
        }
    }
}

impl From<&ToPurchase> for StoredWish {
    fn from(wanted: &ToPurchase) -> Self {
        Self {
            subscription: wanted.subscription.to_string(),
            item: StoredItem::from(&wanted.item),
            applied_scope: wanted.scope.scope().map(ToString::to_string),
            display_name: wanted.display_name.as_ref().map(ToString::to_string),
            instance_flexibility: wanted.instance_flexibility,
        }
    }
}

impl StoredWish {
    pub(crate) fn read(&self) -> Result<RenewalTerms, Fault> {
        Ok(RenewalTerms {
            subscription: parsed("subscription id", &self.subscription)?,
            item: self.item.read()?,
            scope: scope(self.applied_scope.as_deref())?,
            display_name: self.display_name.as_deref().map(display_name).transpose()?,
            instance_flexibility: self.instance_flexibility,
        })
    }
}

/// Where a benefit applies; without a text, Shared.
pub(crate) fn scope(text: Option<&str>) -> Result<AppliedScope, Fault> {
    text.map_or(Ok(AppliedScope::Shared), |text| {
        known("scope", text, ArmScope::parse(text).ok()).map(AppliedScope::Single)
    })
}

pub(crate) fn display_name(text: &str) -> Result<DisplayName, Fault> {
    known("display name", text, DisplayName::parse(text).ok())
}

pub(crate) fn quantity(stored: i64) -> Result<Quantity, Fault> {
    Quantity::new(stored).map_err(|_| Fault::Damaged { what: "quantity", value: stored.to_string() })
}

pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}

pub(crate) fn from_json<'t, T: Deserialize<'t>>(what: &'static str, text: &'t str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Damaged { what, value: text.to_owned() })
}
