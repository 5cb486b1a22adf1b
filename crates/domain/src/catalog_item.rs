//! The Partner Center identifiers of what is in the catalogue: products, SKUs, availabilities, and items to put in a cart.
//!
//! A product is a family; its SKUs are the pairs of a size, a region and a term; an availability is a SKU in a currency.
//! Identifiers are derived from names, so they stay the same on every server and from one price sheet to the next, and
//! they differ between reservations for an Azure plan and those for a legacy subscription, as clients expect.

use std::collections::BTreeSet;
use std::fmt;

use crate::catalog::{InvalidValue, Offer, OfferKey, Region, ReservedResourceType, SkuName, Term};
use crate::money::Currency;

/// The product of an Azure plan.
pub const AZURE_PLAN_PRODUCT: &str = "DZH318Z0BPS6";
/// The SKU of an Azure plan.
pub const AZURE_PLAN_SKU: &str = "0001";
/// The availability of an Azure plan.
pub const AZURE_PLAN_AVAILABILITY: &str = "DZH318Z0FMPL";
/// The product of a legacy Azure Global subscription.
pub const AZURE_GLOBAL_PRODUCT: &str = "9DEA7946-EC2C-441E-9FFD-E3B275F7E838";
/// The SKU, and the offer, of a legacy Azure Global subscription.
pub const AZURE_GLOBAL_SKU: &str = "MS-AZR-0145P";
/// The availability of a legacy Azure Global subscription.
pub const AZURE_GLOBAL_AVAILABILITY: &str = "DZH318Z0FMAG";

const PREFIX: &str = "DZH318Z0";

/// What kind of Azure subscription a reservation is bought for: one reservation has different identifiers in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReservationScope {
    /// Under an Azure plan: `reservationScope=AzurePlan`.
    AzurePlan,
    /// Under a legacy MS-AZR-0145P subscription: no `reservationScope`.
    Legacy,
}

impl ReservationScope {
    /// Both, the Azure plan first.
    pub const ALL: [Self; 2] = [Self::AzurePlan, Self::Legacy];

    /// Reads the parameter `reservationScope`; case and blanks do not count, an empty one is as good as none.
    ///
    /// # Errors
    /// [`InvalidValue`] for every word but `AzurePlan`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" => Ok(Self::Legacy),
            "azureplan" => Ok(Self::AzurePlan),
            _ => Err(InvalidValue::new(text, "a reservation scope: AzurePlan, or none")),
        }
    }

    fn seed(self) -> &'static str {
        match self {
            Self::AzurePlan => "AzurePlan",
            Self::Legacy => "Legacy",
        }
    }
}

/// `product:sku:availability`, as carts and orders name an item. Case does not count; it is kept in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogItemId {
    /// The product's identifier.
    pub product: String,
    /// The SKU's identifier.
    pub sku: String,
    /// The availability's identifier.
    pub availability: String,
}

impl CatalogItemId {
    /// Reads `product:sku:availability`, or the legacy offer `MS-AZR-0145P` alone.
    ///
    /// # Errors
    /// [`InvalidValue`] for everything else. Whether there is such an item is [`ItemBook::resolve`]'s to say.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let upper = text.trim().to_ascii_uppercase();
        if upper == AZURE_GLOBAL_SKU {
            return Ok(Self::new(AZURE_GLOBAL_PRODUCT, AZURE_GLOBAL_SKU, AZURE_GLOBAL_AVAILABILITY));
        }
        let parts: Vec<&str> = upper.split(':').collect();
        let fits =
            |part: &str| (1..=64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match parts.as_slice() {
            [product, sku, availability] if parts.iter().all(|part| fits(part)) => {
                Ok(Self::new(product, sku, availability))
            }
            _ => Err(InvalidValue::new(text, "a catalogue item such as product:sku:availability")),
        }
    }

    fn new(product: &str, sku: &str, availability: &str) -> Self {
        Self { product: product.to_owned(), sku: sku.to_owned(), availability: availability.to_owned() }
    }

    /// The item that is an Azure plan.
    pub fn azure_plan() -> Self {
        Self::new(AZURE_PLAN_PRODUCT, AZURE_PLAN_SKU, AZURE_PLAN_AVAILABILITY)
    }

    /// The item that is a legacy Azure Global subscription.
    pub fn azure_global() -> Self {
        Self::new(AZURE_GLOBAL_PRODUCT, AZURE_GLOBAL_SKU, AZURE_GLOBAL_AVAILABILITY)
    }
}

impl fmt::Display for CatalogItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.product, self.sku, self.availability)
    }
}

/// What an item in a cart is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogItem {
    /// An Azure plan.
    AzurePlan,
    /// A legacy MS-AZR-0145P subscription.
    AzureGlobal,
    /// A reservation.
    Reservation {
        /// The kind of subscription it is for.
        scope: ReservationScope,
        /// What is bought, in which currency.
        offer: OfferKey,
    },
}

/// A family of reservations as a Partner Center product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The identifier.
    pub id: String,
    /// The kind of subscription it is for.
    pub scope: ReservationScope,
    /// The kind of resource.
    pub resource_type: ReservedResourceType,
    /// The family: `Dsv5`.
    pub family: String,
    /// Its SKUs, sorted by size, region and term.
    pub skus: Vec<ProductSku>,
}

impl Product {
    /// The SKU of that identifier; case does not count.
    pub fn sku(&self, id: &str) -> Option<&ProductSku> {
        self.skus.iter().find(|sku| sku.id.eq_ignore_ascii_case(id.trim()))
    }
}

/// A size, a region and a term as a SKU of a Partner Center product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSku {
    /// The identifier, unique within the product.
    pub id: String,
    /// The size.
    pub sku: SkuName,
    /// The region.
    pub region: Region,
    /// The term.
    pub term: Term,
    /// The identifier of the availability in each currency.
    pub availabilities: Vec<(Currency, String)>,
}

/// The identifiers of everything in a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemBook {
    /// Sorted by scope, kind and family.
    products: Vec<Product>,
}

impl ItemBook {
    /// Names what the offers, sorted by key, are about.
    pub(crate) fn new(offers: &[Offer]) -> Self {
        let folded = |offer: &Offer| offer.family.to_ascii_lowercase();
        let mut sorted: Vec<&Offer> = offers.iter().collect();
        // The sort is stable: within a family the offers stay sorted by SKU, region, term and currency.
        sorted.sort_by_cached_key(|offer| (offer.resource_type, folded(offer)));
        let mut products = Vec::new();
        let mut taken = BTreeSet::from([AZURE_PLAN_PRODUCT.to_owned()]);
        for scope in ReservationScope::ALL {
            let same_product =
                |a: &&Offer, b: &&Offer| a.resource_type == b.resource_type && a.family.eq_ignore_ascii_case(&b.family);
            for family in sorted.chunk_by(same_product) {
                let Some(first) = family.first() else { continue };
                let seed = Seed::new(scope.seed()).and(first.resource_type.name()).and(&first.family);
                products.push(Product {
                    // Two free characters after BQ, as the identifiers of real reservations have them; four when those are used up.
                    id: claim(&mut taken, seed, &[("DZH318Z0BQ", 2), (PREFIX, 4)]),
                    scope,
                    resource_type: first.resource_type,
                    family: first.family.clone(),
                    skus: skus(seed, family),
                });
            }
        }
        Self { products }
    }

    /// The products for one kind of subscription.
    pub fn products(&self, scope: ReservationScope) -> impl Iterator<Item = &Product> {
        self.products.iter().filter(move |product| product.scope == scope)
    }

    /// The product of that identifier; case does not count.
    pub fn product(&self, id: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.id.eq_ignore_ascii_case(id.trim()))
    }

    /// What an item is, when there is such an item. Every availability of an Azure plan or of a legacy subscription is
    /// taken, since clients keep those for years.
    pub fn resolve(&self, id: &CatalogItemId) -> Option<CatalogItem> {
        match (id.product.as_str(), id.sku.as_str()) {
            (AZURE_PLAN_PRODUCT, AZURE_PLAN_SKU) => return Some(CatalogItem::AzurePlan),
            (AZURE_GLOBAL_PRODUCT, AZURE_GLOBAL_SKU) => return Some(CatalogItem::AzureGlobal),
            _ => {}
        }
        let product = self.product(&id.product)?;
        let sku = product.sku(&id.sku)?;
        let (currency, _) = sku.availabilities.iter().find(|(_, a)| a.eq_ignore_ascii_case(&id.availability))?;
        Some(CatalogItem::Reservation {
            scope: product.scope,
            offer: OfferKey {
                resource_type: product.resource_type,
                sku: sku.sku.clone(),
                region: sku.region.clone(),
                term: sku.term,
                currency: *currency,
            },
        })
    }

    /// The product and SKU of an offer.
    pub fn place(&self, offer: &OfferKey, scope: ReservationScope) -> Option<(&Product, &ProductSku)> {
        self.products(scope).filter(|product| product.resource_type == offer.resource_type).find_map(|product| {
            let matches =
                |sku: &&ProductSku| sku.sku == offer.sku && sku.region == offer.region && sku.term == offer.term;
            product.skus.iter().find(matches).map(|sku| (product, sku))
        })
    }

    /// The item by which a cart names an offer.
    pub fn id_of(&self, offer: &OfferKey, scope: ReservationScope) -> Option<CatalogItemId> {
        let (product, sku) = self.place(offer, scope)?;
        let (_, availability) = sku.availabilities.iter().find(|(currency, _)| *currency == offer.currency)?;
        Some(CatalogItemId::new(&product.id, &sku.id, availability))
    }
}

fn skus(product: Seed, family: &[&Offer]) -> Vec<ProductSku> {
    let mut taken = BTreeSet::new();
    let same_sku = |a: &&Offer, b: &&Offer| a.sku == b.sku && a.region == b.region && a.term == b.term;
    family
        .chunk_by(same_sku)
        .filter_map(|offers| {
            let first = offers.first()?;
            let seed = product.and(first.sku.as_str()).and(first.region.as_str()).and(first.term.code());
            let mut currencies: Vec<Currency> = offers.iter().map(|offer| offer.currency()).collect();
            currencies.dedup();
            let mut used = BTreeSet::new();
            let availabilities = currencies
                .into_iter()
                .map(|currency| (currency, claim(&mut used, seed.and(currency.code()), &[(PREFIX, 4)])))
                .collect();
            Some(ProductSku {
                id: claim(&mut taken, seed, &[("0", 3), ("", 4)]),
                sku: first.sku.clone(),
                region: first.region.clone(),
                term: first.term,
                availabilities,
            })
        })
        .collect()
}

/// Names on the way to a number that is the same on every server: FNV-1a, and its bits mixed at the end.
#[derive(Debug, Clone, Copy)]
struct Seed(u64);

impl Seed {
    fn new(name: &str) -> Self {
        Self(0xcbf2_9ce4_8422_2325).and(name)
    }

    /// With one more name; case does not count.
    fn and(self, name: &str) -> Self {
        let bytes = name.bytes().map(|b| b.to_ascii_lowercase()).chain([b'/']);
        Self(bytes.fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)))
    }

    fn number(self) -> u64 {
        let once = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        once ^ (once >> 29)
    }
}

/// An identifier that is not taken yet: the first of each form that the seed gives, then whatever is free in the last form.
/// `forms` are prefixes and how many characters of 0-9A-Z follow.
fn claim(taken: &mut BTreeSet<String>, seed: Seed, forms: &[(&str, usize)]) -> String {
    let mut number = seed.number();
    loop {
        for (prefix, length) in forms {
            let id = base36(prefix, number, *length);
            if !taken.contains(&id) {
                taken.insert(id.clone());
                return id;
            }
        }
        number = number.wrapping_add(1);
    }
}

/// A prefix and the last `length` digits of a number to the base 36, the last digit first.
fn base36(prefix: &str, mut number: u64, length: usize) -> String {
    let mut text = String::with_capacity(prefix.len().saturating_add(length));
    text.push_str(prefix);
    for _ in 0..length {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        text.push(char::from_digit(digit, 36).unwrap_or('0').to_ascii_uppercase());
        number /= 36;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::Catalog;
    use crate::catalog::tests::offer;

    fn sheet() -> Catalog {
        let regions = ["westus", "westeurope", "swedencentral"];
        let mut offers = Vec::new();
        for (n, family) in ["Dsv5", "Esv5", "BS"].into_iter().enumerate() {
            for region in regions {
                for size in 1..=40 {
                    for currency in ["EUR", "SEK"] {
                        let currency = Currency::parse(currency).unwrap();
                        let mut one = offer();
                        one.family = family.to_owned();
                        one.sku = SkuName::parse(&format!("Standard_S{n}_{size}")).unwrap();
                        one.region = Region::parse(region).unwrap();
                        one.list_price.currency = currency;
                        one.partner_price.currency = currency;
                        offers.push(one);
                    }
                }
            }
        }
        Catalog::new(offers).unwrap()
    }

    #[test]
    fn every_offer_has_an_item_of_its_own_in_each_scope_and_is_found_by_it() {
        let sheet = sheet();
        let mut seen = BTreeSet::new();
        for scope in ReservationScope::ALL {
            for offer in sheet.offers() {
                let id = sheet.items().id_of(&offer.key(), scope).unwrap();
                assert!(id.product.starts_with("DZH318Z0BQ") && id.product.len() == 12, "{id}");
                assert!(id.sku.len() == 4 && id.availability.len() == 12, "{id}");
                let lower = CatalogItemId::parse(&id.to_string().to_lowercase()).unwrap();
                let found = sheet.items().resolve(&lower).unwrap();
                assert_eq!(found, CatalogItem::Reservation { scope, offer: offer.key() });
                assert!(seen.insert(id));
            }
        }
    }

    #[test]
    fn identifiers_do_not_depend_on_what_else_is_sold() {
        let alone = Catalog::new(vec![sheet().offers()[0].clone()]).unwrap();
        let key = alone.offers()[0].key();
        let id = |sheet: &Catalog| sheet.items().id_of(&key, ReservationScope::AzurePlan).unwrap();
        assert_eq!(id(&alone).product, id(&sheet()).product);
        assert_eq!(id(&alone), id(&alone.clone()));
    }

    #[test]
    fn used_up_forms_make_room() {
        let mut taken = BTreeSet::new();
        for n in 0..3_000 {
            claim(&mut taken, Seed::new(&n.to_string()), &[("A", 2), ("", 4)]);
        }
        assert_eq!(taken.len(), 3_000);
    }

    #[test]
    fn the_two_azure_products_are_known() {
        let sheet = sheet();
        for (text, item) in [
            ("dzh318z0bps6:0001:anything", CatalogItem::AzurePlan),
            ("MS-AZR-0145p", CatalogItem::AzureGlobal),
            ("9DEA7946-EC2C-441E-9FFD-E3B275F7E838:MS-AZR-0145P:x", CatalogItem::AzureGlobal),
        ] {
            assert_eq!(sheet.items().resolve(&CatalogItemId::parse(text).unwrap()), Some(item), "{text}");
        }
        let unknown = CatalogItemId::parse("DZH318Z0BQ00:0000:DZH318Z00000").unwrap();
        assert_eq!(sheet.items().resolve(&unknown), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_is_an_item_or_refused(text in "[0-9A-Za-z:\\-åü ]{0,40}") {
            if let Ok(id) = CatalogItemId::parse(&text) {
                prop_assert_eq!(CatalogItemId::parse(&id.to_string()), Ok(id));
            }
        }
    }
}
