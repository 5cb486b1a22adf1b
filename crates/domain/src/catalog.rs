//! The catalogue: what is for sale, where, for how long, from when until when, at which list price.

use std::collections::BTreeSet;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::authz::{Action, Query, Target};
use crate::catalog_item::ItemBook;
use crate::ids::{CustomerId, SubscriptionId};
use crate::market::Country;
use crate::money::{Currency, Money};
use crate::operation::{self, Operation};
use crate::refund_policy::is_exchangeable_for;

mod values;

pub use values::{
    BillingPlan, InvalidValue, Quantity, QuantityOutOfRange, Region, ReservedResourceType, SkuName, Term,
};

/// What a price is for: everything that names an offer but the day and the market.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferKey {
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The SKU.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// The term.
    pub term: Term,
    /// The currency of the prices.
    pub currency: Currency,
}

/// One line of the price sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The SKU.
    pub sku: SkuName,
    /// The product family that price rules and guardrails name: `Dsv5`.
    pub family: String,
    /// The region.
    pub region: Region,
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The term.
    pub term: Term,
    /// How it may be paid; at least one plan.
    pub billing_plans: Vec<BillingPlan>,
    /// The list (Web Direct) price: the whole term, one instance, upfront.
    pub list_price: Money,
    /// What the partner pays for the same. Never shown to a customer (R14).
    pub partner_price: Money,
    /// The instance size flexibility group, where sizes stand in for one another: `Dsv5 Series`.
    pub flexibility_group: Option<String>,
    /// Normalised units of one instance; only quotients within a group have meaning. 1 outside groups.
    pub ratio: Decimal,
    /// Virtual processors of one instance, where known.
    pub vcpus: Option<u32>,
    /// Memory of one instance in GiB, where known.
    pub memory_gib: Option<Decimal>,
    /// The first day it is sold; none: always was.
    pub sold_from: Option<Date>,
    /// The first day it is no longer sold; none: no end is known.
    pub sold_until: Option<Date>,
    /// The markets (customer's countries) it is sold in; empty: all.
    pub markets: Vec<Country>,
}

impl Offer {
    /// The currency of both prices.
    pub fn currency(&self) -> Currency {
        self.list_price.currency
    }

    /// What the offer is a price for.
    pub fn key(&self) -> OfferKey {
        OfferKey {
            resource_type: self.resource_type,
            sku: self.sku.clone(),
            region: self.region.clone(),
            term: self.term,
            currency: self.currency(),
        }
    }

    /// The text by which quotes and orders name it: `Reserved VM Instance, Standard_B1ls, US West, 1 Year`.
    pub fn title(&self) -> String {
        format!("{}, {}, {}, {}", self.resource_type.title(), self.sku, self.region.title(), self.term.title())
    }

    /// Whether it is sold on this day, else why not. The first day counts, the last does not.
    ///
    /// # Errors
    /// [`NotForSale::NotYetSold`], [`NotForSale::NoLongerSold`].
    pub fn check_sold_on(&self, day: Date) -> Result<(), NotForSale> {
        if let Some(from) = self.sold_from.filter(|from| day < *from) {
            return Err(NotForSale::NotYetSold { sku: self.sku.clone(), term: self.term, from });
        }
        if let Some(since) = self.sold_until.filter(|until| day >= *until) {
            return Err(NotForSale::NoLongerSold { sku: self.sku.clone(), term: self.term, since });
        }
        Ok(())
    }

    /// Whether it is sold to customers of this country.
    pub fn serves(&self, market: Country) -> bool {
        self.markets.is_empty() || self.markets.contains(&market)
    }

    fn order(&self) -> (ReservedResourceType, &SkuName, &Region, Term, Currency, Option<Date>) {
        (self.resource_type, &self.sku, &self.region, self.term, self.currency(), self.sold_from)
    }

    /// Whether a buyer could be offered both for the same thing on the same day.
    fn collides(&self, other: &Self) -> bool {
        let apart_in_time = |a: &Self, b: &Self| matches!((a.sold_until, b.sold_from), (Some(u), Some(f)) if u <= f);
        let same_market = self.markets.is_empty()
            || other.markets.is_empty()
            || self.markets.iter().any(|market| other.markets.contains(market));
        same_market && !apart_in_time(self, other) && !apart_in_time(other, self)
    }
}

/// Why something cannot be bought from the catalogue. Of several reasons the first listed is given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotForSale {
    /// Nothing of that name is in the catalogue.
    #[error("`{sku}` is not in the catalogue")]
    NotFound {
        /// The SKU asked for.
        sku: SkuName,
    },
    /// Nothing at all is sold in that region.
    #[error("nothing is sold in the region `{region}`")]
    UnknownRegion {
        /// The region asked for.
        region: Region,
    },
    /// The SKU is sold elsewhere.
    #[error("`{sku}` is not sold in the region `{region}`")]
    NotInRegion {
        /// The SKU asked for.
        sku: SkuName,
        /// The region asked for.
        region: Region,
    },
    /// The SKU is sold for other terms.
    #[error("`{sku}` is not sold for the term `{term}`")]
    TermNotOffered {
        /// The SKU asked for.
        sku: SkuName,
        /// The term asked for.
        term: Term,
    },
    /// The SKU has no price in that currency.
    #[error("`{sku}` has no price in `{currency}`")]
    CurrencyNotOffered {
        /// The SKU asked for.
        sku: SkuName,
        /// The currency asked for.
        currency: Currency,
    },
    /// The SKU is not sold to customers of that country.
    #[error("`{sku}` is not sold in the market `{market}`")]
    MarketNotServed {
        /// The SKU asked for.
        sku: SkuName,
        /// The customer's country.
        market: Country,
    },
    /// Sales have not begun.
    #[error("`{sku}` for `{term}` is sold from {from}")]
    NotYetSold {
        /// The SKU asked for.
        sku: SkuName,
        /// The term asked for.
        term: Term,
        /// The first day of sale.
        from: Date,
    },
    /// Sales have ended.
    #[error("`{sku}` for `{term}` is no longer sold since {since}")]
    NoLongerSold {
        /// The SKU asked for.
        sku: SkuName,
        /// The term asked for.
        term: Term,
        /// The first day it was not sold.
        since: Date,
    },
    /// It cannot be paid that way.
    #[error("`{sku}` cannot be paid by the billing plan `{plan}`")]
    PlanNotOffered {
        /// The SKU asked for.
        sku: SkuName,
        /// The plan asked for.
        plan: BillingPlan,
    },
}

/// What someone wants to buy, in the catalogue's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The SKU.
    pub sku: &'a SkuName,
    /// The region.
    pub region: &'a Region,
    /// The term.
    pub term: Term,
    /// How it is to be paid.
    pub plan: BillingPlan,
    /// The partner's billing currency.
    pub currency: Currency,
    /// The customer's country.
    pub market: Country,
    /// The day of the purchase.
    pub on: Date,
}

/// Two lines of a price sheet that offer the same thing on the same day, by their place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("offers {first} and {second} are for the same thing, on the same days, in the same market")]
pub struct Duplicate {
    /// Place of the earlier one, from 0.
    pub first: usize,
    /// Place of the later one.
    pub second: usize,
}

/// An immutable price sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Sorted by key and first day of sale.
    offers: Vec<Offer>,
    items: ItemBook,
}

impl Catalog {
    /// Takes the offers of a sheet in any order.
    ///
    /// # Errors
    /// Every pair of lines that collide.
    pub fn new(offers: Vec<Offer>) -> Result<Self, Vec<Duplicate>> {
        let mut placed: Vec<(usize, Offer)> = offers.into_iter().enumerate().collect();
        placed.sort_by(|(i, a), (j, b)| a.order().cmp(&b.order()).then(i.cmp(j)));
        let mut duplicates = Vec::new();
        for group in placed.chunk_by(|(_, a), (_, b)| {
            (a.resource_type, &a.sku, &a.region, a.term, a.currency())
                == (b.resource_type, &b.sku, &b.region, b.term, b.currency())
        }) {
            for (n, (i, a)) in group.iter().enumerate() {
                for (j, b) in group.iter().skip(n.saturating_add(1)) {
                    if a.collides(b) {
                        duplicates.push(Duplicate { first: *i.min(j), second: *i.max(j) });
                    }
                }
            }
        }
        if !duplicates.is_empty() {
            duplicates.sort_by_key(|d| (d.second, d.first));
            return Err(duplicates);
        }
        let offers: Vec<Offer> = placed.into_iter().map(|(_, offer)| offer).collect();
        let items = ItemBook::new(&offers);
        Ok(Self { offers, items })
    }

    /// All offers, sorted by kind, SKU, region, term, currency, first day of sale.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// The Partner Center identifiers of what is in the catalogue.
    pub fn items(&self) -> &ItemBook {
        &self.items
    }

    /// The offer that a buyer gets, else why there is none.
    ///
    /// # Errors
    /// [`NotForSale`]. The country-wide rule R44 is not in here: see [`crate::market::sells_reservations`].
    pub fn find(&self, wanted: &Wanted<'_>) -> Result<&Offer, NotForSale> {
        let sku = wanted.sku.clone();
        let of_sku = self.slice(wanted.resource_type, wanted.sku);
        // The catalogue's spelling, not the buyer's, goes into every later message.
        let Some(sku) = of_sku.first().map(|offer| offer.sku.clone()) else {
            return Err(NotForSale::NotFound { sku });
        };
        let in_region: Vec<&Offer> = of_sku.iter().filter(|offer| offer.region == *wanted.region).collect();
        if in_region.is_empty() {
            let region = wanted.region.clone();
            return Err(if self.offers.iter().any(|offer| offer.region == region) {
                NotForSale::NotInRegion { sku, region }
            } else {
                NotForSale::UnknownRegion { region }
            });
        }
        let mut left = in_region;
        left.retain(|offer| offer.term == wanted.term);
        if left.is_empty() {
            return Err(NotForSale::TermNotOffered { sku, term: wanted.term });
        }
        left.retain(|offer| offer.currency() == wanted.currency);
        if left.is_empty() {
            return Err(NotForSale::CurrencyNotOffered { sku, currency: wanted.currency });
        }
        left.retain(|offer| offer.serves(wanted.market));
        if left.is_empty() {
            return Err(NotForSale::MarketNotServed { sku, market: wanted.market });
        }
        let mut reason = None;
        for offer in left {
            match offer.check_sold_on(wanted.on) {
                Ok(()) if offer.billing_plans.contains(&wanted.plan) => return Ok(offer),
                Ok(()) => return Err(NotForSale::PlanNotOffered { sku, plan: wanted.plan }),
                // Between two periods of sale the next one is news; after the last one, its end.
                Err(why) => match reason {
                    Some(NotForSale::NotYetSold { .. }) => {}
                    _ => reason = Some(why),
                },
            }
        }
        Err(reason.unwrap_or(NotForSale::NotFound { sku }))
    }

    /// The offers that are sold on a day to customers of a market in a currency.
    pub fn sold(&self, on: Date, market: Country, currency: Currency) -> impl Iterator<Item = &Offer> {
        self.offers.iter().filter(move |offer| {
            offer.currency() == currency && offer.serves(market) && offer.check_sold_on(on).is_ok()
        })
    }

    /// All offers of a SKU.
    pub fn slice(&self, resource_type: ReservedResourceType, sku: &SkuName) -> &[Offer] {
        let start = self.offers.partition_point(|offer| (offer.resource_type, &offer.sku) < (resource_type, sku));
        let end = self.offers.partition_point(|offer| (offer.resource_type, &offer.sku) <= (resource_type, sku));
        self.offers.get(start..end).unwrap_or_default()
    }

    /// Whether a family of that name is in the catalogue; case does not count.
    pub fn has_family(&self, family: &str) -> bool {
        self.offers.iter().any(|offer| offer.family.eq_ignore_ascii_case(family))
    }

    /// Whether a SKU of that name, of any kind, is in the catalogue.
    pub fn has_sku(&self, sku: &SkuName) -> bool {
        self.offers.iter().any(|offer| offer.sku == *sku)
    }
}

/// For whom the catalogue is looked at: it decides which offers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storefront {
    /// The billing currency of the partner that sells.
    pub currency: Currency,
    /// The customer's country; the partner's own where no customer is concerned.
    pub market: Country,
}

/// Looks at the catalogue as a partner, for a customer or for nobody in particular.
#[derive(Debug, Clone)]
pub struct ViewPartnerCatalog {
    /// The customer it is for.
    pub customer: Option<CustomerId>,
}

impl Action for ViewPartnerCatalog {
    const OPERATION: Operation = operation::READ_PARTNER_CATALOG;

    fn target(&self) -> Target {
        self.customer.map_or(Target::OwnPartner, Target::Customer)
    }
}

impl Query for ViewPartnerCatalog {
    type Answer = Storefront;
}

/// Looks at what can be bought on an Azure subscription.
#[derive(Debug, Clone)]
pub struct ViewSubscriptionCatalog {
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl Action for ViewSubscriptionCatalog {
    const OPERATION: Operation = operation::READ_SUBSCRIPTION_CATALOG;

    fn target(&self) -> Target {
        Target::Subscription(self.subscription)
    }
}

impl Query for ViewSubscriptionCatalog {
    type Answer = Storefront;
}

/// What is looked for in the catalogue. What is not named does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferFilter {
    /// A part of the SKU's name; case does not count.
    pub sku: String,
    /// The product family; case does not count.
    pub family: Option<String>,
    /// The region.
    pub region: Option<Region>,
    /// The term.
    pub term: Option<Term>,
    /// The kind of what would be given back for it: only what it may be exchanged for.
    pub instead_of: Option<ReservedResourceType>,
}

impl OfferFilter {
    /// Whether an offer is what is looked for.
    pub fn fits(&self, offer: &Offer) -> bool {
        self.term.is_none_or(|term| offer.term == term)
            && self.region.as_ref().is_none_or(|region| offer.region == *region)
            && self.instead_of.is_none_or(|kind| is_exchangeable_for(kind, offer.resource_type))
            && self.family.as_ref().is_none_or(|family| offer.family.eq_ignore_ascii_case(family))
            && offer.sku.as_str().to_ascii_lowercase().contains(&self.sku.to_ascii_lowercase())
    }
}

/// An offer as a customer sees it: at its own price, without what the partner pays (R14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedOffer {
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The SKU.
    pub sku: SkuName,
    /// The product family.
    pub family: String,
    /// The region.
    pub region: Region,
    /// The term.
    pub term: Term,
    /// How it may be paid.
    pub billing_plans: Vec<BillingPlan>,
    /// Virtual processors of one instance, where known.
    pub vcpus: Option<u32>,
    /// Memory of one instance in GiB, where known.
    pub memory_gib: Option<Decimal>,
    /// The list price: the whole term, one instance.
    pub list: Money,
    /// What the customer pays for the same.
    pub price: Money,
}

/// What can be bought on a subscription today, at the customer's prices.
#[derive(Debug, Clone)]
pub struct ListPriced {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What is looked for.
    pub filter: OfferFilter,
    /// The day.
    pub on: Date,
    /// How many to leave out.
    pub skip: usize,
    /// How many at most.
    pub size: usize,
}

impl Action for ListPriced {
    const OPERATION: Operation = operation::READ_SUBSCRIPTION_CATALOG;

    fn target(&self) -> Target {
        Target::Subscription(self.subscription)
    }
}

/// A page of [`ListPriced`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedPage {
    /// The offers.
    pub offers: Vec<PricedOffer>,
    /// How many there are in all.
    pub total: usize,
    /// All families that are sold.
    pub families: BTreeSet<String>,
    /// All regions in which anything is sold.
    pub regions: BTreeSet<Region>,
}

impl Query for ListPriced {
    type Answer = PricedPage;
}

#[cfg(test)]
pub(crate) mod tests;
