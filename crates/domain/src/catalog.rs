//! The catalogue: what is for sale, where, for how long, from when until when, at which list price.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::authz::{Action, Query, Target};
use crate::catalog_item::ItemBook;
use crate::ids::{CustomerId, SubscriptionId};
use crate::market::Country;
use crate::money::{Currency, Money};
use crate::operation::{self, Operation};
use crate::refund_policy::is_exchangeable_for;

/// A text that is not one of the words, or not of the form, that the catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidValue {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// What would have been right: `a term such as P1Y or P3Y`.
    pub expected: &'static str,
}

impl InvalidValue {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(64).collect(), expected }
    }
}

/// How long a reservation lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// One year.
    P1Y,
    /// Three years.
    P3Y,
    /// Five years.
    P5Y,
}

impl Term {
    /// All terms, the shortest first.
    pub const ALL: [Self; 3] = [Self::P1Y, Self::P3Y, Self::P5Y];

    /// Reads `P1Y`, `P3Y`, `P5Y` in either case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL
            .into_iter()
            .find(|term| term.code().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| InvalidValue::new(text, "a term: P1Y, P3Y or P5Y"))
    }

    /// Reads the spellings of Partner Center: `1Year`, `3Years`, `3Year`, and the codes of [`Term::parse`].
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse_duration(text: &str) -> Result<Self, InvalidValue> {
        let lower = text.trim().to_ascii_lowercase();
        let singular = lower.strip_suffix('s').unwrap_or(&lower);
        Self::ALL
            .into_iter()
            .find(|term| singular == format!("{}year", term.years()))
            .map_or_else(|| Self::parse(text), Ok)
            .map_err(|_| InvalidValue::new(text, "a duration: 1Year, 3Years or 5Years"))
    }

    /// `P1Y`, `P3Y`, `P5Y`.
    pub fn code(self) -> &'static str {
        match self {
            Self::P1Y => "P1Y",
            Self::P3Y => "P3Y",
            Self::P5Y => "P5Y",
        }
    }

    /// `1Year`, `3Years`, `5Years`, as Partner Center's SKUs spell it.
    pub fn duration(self) -> &'static str {
        match self {
            Self::P1Y => "1Year",
            Self::P3Y => "3Years",
            Self::P5Y => "5Years",
        }
    }

    /// `1 Year`, `3 Years`, `5 Years`, for titles.
    pub fn title(self) -> &'static str {
        match self {
            Self::P1Y => "1 Year",
            Self::P3Y => "3 Years",
            Self::P5Y => "5 Years",
        }
    }

    /// The number of years.
    pub fn years(self) -> i16 {
        match self {
            Self::P1Y => 1,
            Self::P3Y => 3,
            Self::P5Y => 5,
        }
    }

    /// The number of months, which is the number of monthly instalments.
    pub fn months(self) -> u32 {
        match self {
            Self::P1Y => 12,
            Self::P3Y => 36,
            Self::P5Y => 60,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How a reservation is paid. Both plans cost the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BillingPlan {
    /// All at the purchase.
    Upfront,
    /// One instalment a month, the first at the purchase.
    Monthly,
}

impl BillingPlan {
    /// Both plans.
    pub const ALL: [Self; 2] = [Self::Upfront, Self::Monthly];

    /// Reads `Upfront` or `Monthly` (also `P1M`) in either case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text.trim().to_ascii_lowercase().as_str() {
            "upfront" => Ok(Self::Upfront),
            "monthly" | "p1m" => Ok(Self::Monthly),
            _ => Err(InvalidValue::new(text, "a billing plan: Upfront or Monthly")),
        }
    }

    /// `Upfront`, `Monthly`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upfront => "Upfront",
            Self::Monthly => "Monthly",
        }
    }
}

impl fmt::Display for BillingPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many identical instances one order covers: 1 to [`Quantity::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u16);

/// A number of instances that one order cannot cover.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("quantity `{asked}` is outside 1 to {max}", max = Quantity::MAX)]
pub struct QuantityOutOfRange {
    /// The number asked for.
    pub asked: i64,
}

impl Quantity {
    /// Largest quantity one order may name, in instances.
    pub const MAX: u16 = 1_000;

    /// Takes a number of instances.
    ///
    /// # Errors
    /// [`QuantityOutOfRange`].
    pub fn new(instances: i64) -> Result<Self, QuantityOutOfRange> {
        match u16::try_from(instances) {
            Ok(n @ 1..=Self::MAX) => Ok(Self(n)),
            _ => Err(QuantityOutOfRange { asked: instances }),
        }
    }

    /// The number of instances.
    pub fn instances(self) -> i64 {
        i64::from(self.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! resource_types {
    ($($name:ident $($title:literal)?,)*) => {
        /// What kind of resource a reservation is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the names are the wire's own words and nothing more can be said of them")]
        pub enum ReservedResourceType { $($name,)* }

        impl ReservedResourceType {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire: `VirtualMachines`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

resource_types! {
    VirtualMachines, SqlDatabases, SuseLinux, CosmosDb, RedHat, SqlDataWarehouse, VMwareCloudSimple, RedHatOsa,
    Databricks, AppService, ManagedDisk, BlockBlob, RedisCache, AzureDataExplorer, MySql, MariaDb, PostgreSql,
    DedicatedHost, SapHana, SqlAzureHybridBenefit, AVS, DataFactory, NetAppStorage, AzureFiles, SqlEdge,
    VirtualMachineSoftware,
}

impl ReservedResourceType {
    /// Reads a name in either case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| InvalidValue::new(text, "a reserved resource type such as VirtualMachines"))
    }

    /// What stands before the SKU in titles of orders and quotes.
    pub fn title(self) -> &'static str {
        match self {
            Self::VirtualMachines => "Reserved VM Instance",
            _ => "Reserved Capacity",
        }
    }
}

impl fmt::Display for ReservedResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a region: `westeurope`. Global products have the region `global`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

/// Names of regions and how titles spell them.
const TITLES: &[(&str, &str)] = &[
    ("westeurope", "EU West"),
    ("northeurope", "EU North"),
    ("swedencentral", "SE Central"),
    ("swedensouth", "SE South"),
    ("norwayeast", "NO East"),
    ("francecentral", "FR Central"),
    ("germanywestcentral", "DE West Central"),
    ("switzerlandnorth", "CH North"),
    ("uksouth", "UK South"),
    ("ukwest", "UK West"),
    ("eastus", "US East"),
    ("eastus2", "US East 2"),
    ("centralus", "US Central"),
    ("northcentralus", "US North Central"),
    ("southcentralus", "US South Central"),
    ("westus", "US West"),
    ("westus2", "US West 2"),
    ("westus3", "US West 3"),
    ("canadacentral", "CA Central"),
    ("canadaeast", "CA East"),
    ("brazilsouth", "BR South"),
    ("australiaeast", "AU East"),
    ("japaneast", "JA East"),
    ("japanwest", "JA West"),
    ("koreacentral", "KR Central"),
    ("koreasouth", "KR South"),
    ("southeastasia", "AP Southeast"),
    ("eastasia", "AP East"),
];

impl Region {
    /// Reads a region's name (`westus`) or its display form (`West US`): letters and digits, blanks and case do not count.
    ///
    /// # Errors
    /// [`InvalidValue`] for other characters and for more than 40 of them. Whether anything is sold there is the catalogue's to say.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let name: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        if (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(name))
        } else {
            Err(InvalidValue::new(text, "the name of a region such as westeurope"))
        }
    }

    /// Reads what a person enters: as [`Self::parse`] does, or the title as [`Self::title`] gives it, without regard to case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn entered(text: &str) -> Result<Self, InvalidValue> {
        let titled = TITLES.iter().find(|(_, title)| title.eq_ignore_ascii_case(text.trim()));
        Self::parse(titled.map_or(text, |(name, _)| name))
    }

    /// The name, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as titles spell it, `EU West`; the plain name for a region that is not on the list.
    pub fn title(&self) -> &str {
        TITLES.iter().find(|(name, _)| *name == self.0).map_or(&self.0, |(_, title)| title)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SKU's name, `Standard_D2s_v5`: compared without regard to case, written as the catalogue spells it.
#[derive(Debug, Clone)]
pub struct SkuName(String);

impl SkuName {
    /// Reads a name: 1 to 100 letters, digits, `_`, `-`, `.`, `+`, `/` or blanks.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let name = text.trim();
        let fits = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.+/ ".contains(&b));
        if fits { Ok(Self(name.to_owned())) } else { Err(InvalidValue::new(text, "a SKU such as Standard_D2s_v5")) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without `Standard_`, as titles in pages show it.
    pub fn short(&self) -> &str {
        self.0.strip_prefix("Standard_").unwrap_or(&self.0)
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|b| b.to_ascii_lowercase())
    }
}

impl PartialEq for SkuName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for SkuName {}

impl Ord for SkuName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl PartialOrd for SkuName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for SkuName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded().for_each(|b| state.write_u8(b));
        state.write_u8(0xff);
    }
}

impl fmt::Display for SkuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// A plain offer: `Standard_D2s_v5` in swedencentral for a year in euros.
    pub(crate) fn offer() -> Offer {
        let eur = Currency::parse("EUR").unwrap();
        Offer {
            sku: SkuName::parse("Standard_D2s_v5").unwrap(),
            family: "Dsv5".into(),
            region: Region::parse("swedencentral").unwrap(),
            resource_type: ReservedResourceType::VirtualMachines,
            term: Term::P1Y,
            billing_plans: BillingPlan::ALL.to_vec(),
            list_price: Money::rounded(Decimal::from(500), eur).unwrap(),
            partner_price: Money::rounded(Decimal::from(450), eur).unwrap(),
            flexibility_group: Some("Dsv5 Series".into()),
            ratio: Decimal::ONE,
            vcpus: Some(2),
            memory_gib: Some(Decimal::from(8)),
            sold_from: None,
            sold_until: None,
            markets: Vec::new(),
        }
    }

    fn sheet() -> Catalog {
        let se = Country::parse("SE").unwrap();
        Catalog::new(vec![
            Offer { sold_until: Some(date(2026, 7, 1)), ..offer() },
            Offer { sold_from: Some(date(2027, 1, 1)), ..offer() },
            Offer { term: Term::P3Y, billing_plans: vec![BillingPlan::Upfront], ..offer() },
            Offer {
                sku: SkuName::parse("Standard_NC4as_T4_v3").unwrap(),
                region: Region::parse("uksouth").unwrap(),
                markets: vec![se],
                ..offer()
            },
        ])
        .unwrap()
    }

    #[test]
    fn the_catalogue_says_why_something_is_not_for_sale() {
        let sheet = sheet();
        // sku, region, term, plan, currency, market, day, outcome
        for case in [
            "standard_d2S_V5 swedencentral P1Y Monthly EUR NO 2026-06-30 Reserved VM Instance, Standard_D2s_v5, SE Central, 1 Year",
            "Standard_D2s_v5 swedencentral P1Y Monthly EUR NO 2026-07-01 `Standard_D2s_v5` for `P1Y` is sold from 2027-01-01",
            "Standard_D2s_v5 swedencentral P1Y Upfront EUR NO 2027-01-01 Reserved VM Instance, Standard_D2s_v5, SE Central, 1 Year",
            "Standard_D2s_v5 swedencentral P3Y Monthly EUR NO 2026-06-30 `Standard_D2s_v5` cannot be paid by the billing plan `Monthly`",
            "Standard_D2s_v5 swedencentral P5Y Upfront EUR NO 2026-06-30 `Standard_D2s_v5` is not sold for the term `P5Y`",
            "Standard_D2s_v5 swedencentral P3Y Upfront SEK NO 2026-06-30 `Standard_D2s_v5` has no price in `SEK`",
            "Standard_D2s_v5 uksouth P3Y Upfront EUR NO 2026-06-30 `Standard_D2s_v5` is not sold in the region `uksouth`",
            "Standard_D2s_v5 moon P3Y Upfront EUR NO 2026-06-30 nothing is sold in the region `moon`",
            "Standard_X uksouth P3Y Upfront EUR NO 2026-06-30 `Standard_X` is not in the catalogue",
            "Standard_NC4as_T4_v3 uksouth P1Y Upfront EUR NO 2026-06-30 `Standard_NC4as_T4_v3` is not sold in the market `NO`",
            "Standard_NC4as_T4_v3 uksouth P1Y Upfront EUR SE 2026-06-30 Reserved VM Instance, Standard_NC4as_T4_v3, UK South, 1 Year",
        ] {
            let words: Vec<&str> = case.splitn(8, ' ').collect();
            let [sku, region, term, plan, currency, market, on, expected] = words[..] else { panic!("{case}") };
            let got = sheet.find(&Wanted {
                resource_type: ReservedResourceType::VirtualMachines,
                sku: &SkuName::parse(sku).unwrap(),
                region: &Region::parse(region).unwrap(),
                term: Term::parse(term).unwrap(),
                plan: BillingPlan::parse(plan).unwrap(),
                currency: Currency::parse(currency).unwrap(),
                market: Country::parse(market).unwrap(),
                on: on.parse().unwrap(),
            });
            assert_eq!(got.map_or_else(|why| why.to_string(), Offer::title), expected, "{case}");
        }
    }

    #[test]
    fn after_the_last_day_of_sale_its_end_is_told() {
        let gone = Catalog::new(vec![Offer { sold_until: Some(date(2026, 7, 1)), ..offer() }]).unwrap();
        let day = gone.offers()[0].check_sold_on(date(2026, 7, 1)).unwrap_err();
        assert_eq!(day.to_string(), "`Standard_D2s_v5` for `P1Y` is no longer sold since 2026-07-01");
    }

    #[test]
    fn two_lines_for_the_same_thing_on_the_same_day_are_refused() {
        let se = vec![Country::parse("SE").unwrap()];
        let no = vec![Country::parse("NO").unwrap()];
        let shouting = Offer { sku: SkuName::parse("STANDARD_D2S_V5").unwrap(), ..offer() };
        let pair = |a, b| Catalog::new(vec![a, b]).err();
        let both = Some(vec![Duplicate { first: 0, second: 1 }]);
        assert_eq!(pair(offer(), shouting), both);
        assert_eq!(pair(offer(), Offer { markets: se.clone(), ..offer() }), both);
        assert_eq!(pair(Offer { markets: no, ..offer() }, Offer { markets: se, ..offer() }), None);
        assert_eq!(pair(offer(), Offer { sold_from: Some(date(2027, 1, 1)), ..offer() }), both);
        let until = Offer { sold_until: Some(date(2027, 1, 1)), ..offer() };
        assert_eq!(pair(Offer { sold_from: Some(date(2027, 1, 1)), ..offer() }, until), None);
    }

    #[test]
    fn words_are_read_in_either_case() {
        assert_eq!(Term::parse("p3y"), Ok(Term::P3Y));
        assert_eq!(Term::parse_duration("3Year"), Ok(Term::P3Y));
        assert_eq!(Term::parse_duration("1year"), Ok(Term::P1Y));
        assert_eq!(Term::parse_duration("p1y"), Ok(Term::P1Y));
        assert_eq!(BillingPlan::parse("p1m"), Ok(BillingPlan::Monthly));
        assert_eq!(ReservedResourceType::parse("virtualmachines"), Ok(ReservedResourceType::VirtualMachines));
        assert_eq!(Region::parse("West US"), Region::parse("westus"));
        for entered in ["swedencentral", "Sweden Central", "SE Central", " se central "] {
            assert_eq!(Region::entered(entered), Region::parse("swedencentral"), "{entered}");
        }
        assert!(Region::entered("SE-Central").is_err());
        assert_eq!(Term::parse("P2Y").unwrap_err().to_string(), "`P2Y` is not a term: P1Y, P3Y or P5Y");
        assert!(Quantity::new(0).is_err() && Quantity::new(1_001).is_err() && Quantity::new(-1).is_err());
        assert_eq!(Quantity::new(1_000).unwrap().instances(), 1_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = Term::parse(&text);
            let _ = Term::parse_duration(&text);
            let _ = BillingPlan::parse(&text);
            let _ = ReservedResourceType::parse(&text);
            if let Ok(region) = Region::parse(&text) {
                prop_assert_eq!(Region::parse(region.as_str()), Ok(region));
            }
            if let Ok(sku) = SkuName::parse(&text) {
                prop_assert_eq!(SkuName::parse(&sku.as_str().to_uppercase()), Ok(sku));
            }
        }
    }
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
