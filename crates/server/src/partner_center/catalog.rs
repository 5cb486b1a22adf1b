//! Products, SKUs, availabilities, and whether there is stock: what a partner can put in a cart.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use fullmakt_domain::catalog::{BillingPlan, Catalog, Offer, Quantity, ReservedResourceType, ViewPartnerCatalog};
use fullmakt_domain::catalog_item::{self, CatalogItemId, Product, ProductSku, ReservationScope};
use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::market::{self, Country};
use fullmakt_domain::money::Currency;
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::body::Node;
use super::call::{Call, customer_id};
use super::collection::{Page, link, uri};
use super::error::{Code, Failure};
use super::filter::short;
use super::normalize::word;
use super::reply::Reply;
use crate::App;

/// The views of a list of products that clients know.
const VIEWS: [&str; 11] = [
    "Azure",
    "MicrosoftAzure",
    "AzureReservations",
    "AzureReservationsVM",
    "AzureReservationsSQL",
    "AzureReservationsCosmosDb",
    "OnlineServices",
    "Software",
    "SoftwareSUSELinux",
    "SoftwarePerpetual",
    "SoftwareSubscriptions",
];
const SEGMENTS: [&str; 4] = ["commercial", "education", "government", "nonprofit"];
/// The segment that everything in the catalogue is for.
const SEGMENT: &str = "commercial";

/// How many items one question about stock may name; each may stand for all SKUs of a product.
const MAX_TARGETS: usize = 100;

/// The routes, without `/v1`, in lower case.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/products", get(list_products))
        .route("/products/{product}", get(get_product))
        .route("/products/{product}/skus", get(list_skus))
        .route("/products/{product}/skus/{sku}", get(get_sku))
        .route("/products/{product}/skus/{sku}/availabilities", get(list_availabilities))
        .route("/products/{product}/skus/{sku}/availabilities/{availability}", get(get_availability))
        .route("/customers/{customer}/products", get(list_products))
        .route("/customers/{customer}/products/{product}", get(get_product))
        .route("/customers/{customer}/products/{product}/skus", get(list_skus))
        .route("/customers/{customer}/products/{product}/skus/{sku}", get(get_sku))
        .route("/customers/{customer}/products/{product}/skus/{sku}/availabilities", get(list_availabilities))
        .route(
            "/customers/{customer}/products/{product}/skus/{sku}/availabilities/{availability}",
            get(get_availability),
        )
        .route("/extensions/product/checkinventory", post(check_inventory))
}

/// What the placeholders of a path stand for; those a route has not are empty.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
struct Names {
    customer: Option<String>,
    product: String,
    sku: String,
    availability: String,
}

async fn list_products(State(app): State<App>, call: Call, Path(names): Path<Names>) -> Result<Reply, Failure> {
    let shelf = Shelf::open(&app, &call, &names).await?;
    shelf.list(call.query().required("targetView")?)
}

async fn get_product(State(app): State<App>, call: Call, Path(names): Path<Names>) -> Result<Reply, Failure> {
    let shelf = Shelf::open(&app, &call, &names).await?;
    Ok(Reply::Ok(shelf.product(&shelf.find(&names.product)?)))
}

async fn list_skus(State(app): State<App>, call: Call, Path(names): Path<Names>) -> Result<Reply, Failure> {
    let shelf = Shelf::open(&app, &call, &names).await?;
    let product = shelf.find(&names.product)?;
    let items = if shelf.is_commercial { shelf.skus(&product) } else { Vec::new() };
    Ok(shelf.collection(&format!("/{}/skus", product.id()), items, None))
}

async fn get_sku(State(app): State<App>, call: Call, Path(names): Path<Names>) -> Result<Reply, Failure> {
    let shelf = Shelf::open(&app, &call, &names).await?;
    let product = shelf.find(&names.product)?;
    shelf.find_sku(&product, &names.sku).map(|(_, sku)| Reply::Ok(sku))
}

async fn list_availabilities(State(app): State<App>, call: Call, Path(names): Path<Names>) -> Result<Reply, Failure> {
    let shelf = Shelf::open(&app, &call, &names).await?;
    let product = shelf.find(&names.product)?;
    let (sku_id, sku) = shelf.find_sku(&product, &names.sku)?;
    let items = if shelf.is_commercial { vec![shelf.availability(&product, &sku_id, sku)?] } else { Vec::new() };
    Ok(shelf.collection(&format!("/{}/skus/{sku_id}/availabilities", product.id()), items, None))
}

async fn get_availability(State(app): State<App>, call: Call, Path(names): Path<Names>) -> Result<Reply, Failure> {
    let shelf = Shelf::open(&app, &call, &names).await?;
    let product = shelf.find(&names.product)?;
    let (sku_id, sku) = shelf.find_sku(&product, &names.sku)?;
    let availability = shelf.availability(&product, &sku_id, sku)?;
    if availability["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&names.availability)) {
        return Ok(Reply::Ok(availability));
    }
    let text = format!("there is no availability `{}` of this SKU, list them again", short(&names.availability));
    Err(Failure::new(Code::AvailabilityNotFound, text))
}

/// Which of the items asked for can be bought where; unknown ones are left out.
async fn check_inventory(State(app): State<App>, call: Call) -> Result<Json<Value>, Failure> {
    let body = call.body()?;
    let context = body.root().get("inventoryContext")?.dictionary()?;
    let given = |key: &str| context.iter().find(|(name, _)| name == key).map(|(_, text)| text.clone());
    let names = Names { customer: given("customerid").filter(|text| !text.is_empty()), ..Names::default() };
    let shelf = Shelf::open(&app, &call, &names).await?;
    let region = given("armregionname").filter(|text| !text.is_empty());
    let targets = body.root().get("targetItems")?;
    let items = targets.items()?;
    if items.is_empty() {
        return Err(targets.missing());
    }
    if items.len() > MAX_TARGETS {
        return Err(targets.wrong(&format!("has more than {MAX_TARGETS} elements")));
    }
    let mut answers = Vec::new();
    for item in &items {
        shelf.inventory(item, region.as_deref(), &mut answers)?;
    }
    Ok(Json(Value::Array(answers)))
}

/// A product as a list shows it.
#[derive(Debug, Clone)]
enum Shown<'a> {
    AzurePlan,
    AzureGlobal,
    Reservation(&'a Product),
}

impl Shown<'_> {
    fn id(&self) -> &str {
        match self {
            Self::AzurePlan => catalog_item::AZURE_PLAN_PRODUCT,
            Self::AzureGlobal => catalog_item::AZURE_GLOBAL_PRODUCT,
            Self::Reservation(product) => &product.id,
        }
    }
}

/// The catalogue as one request sees it: today, in a market, in the partner's currency.
struct Shelf {
    catalog: Arc<Catalog>,
    currency: Currency,
    market: Country,
    today: Date,
    /// Whether the route is a customer's: then links lead on below that customer and name no country.
    customer: Option<CustomerId>,
    scope: ReservationScope,
    is_commercial: bool,
    segment: Option<&'static str>,
}

impl Shelf {
    async fn open(app: &App, call: &Call, names: &Names) -> Result<Self, Failure> {
        let customer = names.customer.as_deref().map(customer_id).transpose()?;
        let country = call.query().get("country").map(country).transpose()?;
        if customer.is_none() && country.is_none() {
            return Err(Failure::input("the query parameter `country` is missing, give a code such as `SE`"));
        }
        let scope = ReservationScope::parse(call.query().get("reservationScope").unwrap_or_default())
            .map_err(|error| Failure::input(format!("`reservationScope`: {error}")))?;
        let segment = match call.query().get("targetSegment") {
            None => None,
            Some(text) => Some(SEGMENTS.into_iter().find(|known| word(known) == word(text)).ok_or_else(|| {
                let text = format!("`targetSegment` is `{}`, use one of: {}", short(text), SEGMENTS.join(", "));
                Failure::new(Code::SegmentNotAllowed, text)
            })?),
        };
        let storefront = app.store.read(call.actor(), &ViewPartnerCatalog { customer }).await?;
        let catalog = app.store.catalog().await.map_err(|fault| super::error::fault(&fault))?;
        Ok(Self {
            catalog,
            currency: storefront.currency,
            market: if customer.is_some() { storefront.market } else { country.unwrap_or(storefront.market) },
            today: app.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date(),
            customer,
            scope,
            is_commercial: segment.is_none_or(|segment| segment == SEGMENT),
            segment,
        })
    }

    /// The path of products, without `/v1`.
    fn root(&self) -> String {
        match self.customer {
            Some(customer) => format!("/customers/{customer}/products"),
            None => "/products".to_owned(),
        }
    }

    /// What a link must repeat.
    fn parameters(&self, scope: ReservationScope) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        if self.customer.is_none() {
            parameters.push(("country", self.market.code().to_owned()));
        }
        if let Some(segment) = self.segment {
            parameters.push(("targetSegment", segment.to_owned()));
        }
        if scope == ReservationScope::AzurePlan {
            parameters.push(("reservationScope", "AzurePlan".to_owned()));
        }
        parameters
    }

    fn link(&self, scope: ReservationScope, below: &str) -> Value {
        link(uri(&format!("{}/{below}", self.root()), &self.parameters(scope)))
    }

    fn collection(&self, below: &str, items: Vec<Value>, view: Option<&str>) -> Reply {
        let mut parameters = self.parameters(self.scope);
        if let Some(view) = view {
            parameters.push(("targetView", view.to_owned()));
        }
        Reply::Ok(Page { parameters, ..Page::whole(format!("{}{below}", self.root()), items) }.render())
    }

    /// The offer behind a SKU, when it is for sale to whoever asks.
    fn offer(&self, product: &Product, sku: &ProductSku) -> Option<&Offer> {
        if !market::sells_reservations(self.market) {
            return None;
        }
        self.catalog.slice(product.resource_type, &sku.sku).iter().find(|offer| {
            offer.region == sku.region
                && offer.term == sku.term
                && offer.currency() == self.currency
                && offer.serves(self.market)
                && offer.check_sold_on(self.today).is_ok()
        })
    }

    /// The products of a view. What the catalogue never has, such as software, makes an empty list.
    fn list(&self, view: &str) -> Result<Reply, Failure> {
        let Some(view) = VIEWS.into_iter().find(|known| word(known) == word(view)) else {
            let text = format!("`targetView` is `{}`, use one of: {}", short(view), VIEWS.join(", "));
            return Err(Failure::new(Code::ViewNotAllowed, text));
        };
        let items = match view {
            _ if !self.is_commercial => Vec::new(),
            "Azure" | "MicrosoftAzure" => vec![Shown::AzurePlan, Shown::AzureGlobal],
            "AzureReservations" => self.reservations(|_| true),
            "AzureReservationsVM" => self.reservations(|kind| kind == ReservedResourceType::VirtualMachines),
            "AzureReservationsSQL" => self.reservations(|kind| kind == ReservedResourceType::SqlDatabases),
            "AzureReservationsCosmosDb" => self.reservations(|kind| kind == ReservedResourceType::CosmosDb),
            _ => Vec::new(),
        };
        let items = items.iter().map(|item| self.product(item)).collect();
        Ok(self.collection("", items, Some(view)))
    }

    fn reservations(&self, of: impl Fn(ReservedResourceType) -> bool) -> Vec<Shown<'_>> {
        let products = self.catalog.items().products(self.scope).filter(|product| of(product.resource_type));
        products.filter(|product| self.sells(product)).map(Shown::Reservation).collect()
    }

    fn sells(&self, product: &Product) -> bool {
        product.skus.iter().any(|sku| self.offer(product, sku).is_some())
    }

    /// The product of an identifier, in whichever scope: identifiers say it themselves.
    fn find(&self, id: &str) -> Result<Shown<'_>, Failure> {
        if id.eq_ignore_ascii_case(catalog_item::AZURE_PLAN_PRODUCT) {
            return Ok(Shown::AzurePlan);
        }
        if id.eq_ignore_ascii_case(catalog_item::AZURE_GLOBAL_PRODUCT) {
            return Ok(Shown::AzureGlobal);
        }
        let product = self.catalog.items().product(id).filter(|product| self.sells(product));
        product.map(Shown::Reservation).ok_or_else(|| {
            let text = format!("there is no product `{}` for sale in `{}`", short(id), self.market);
            Failure::new(Code::ProductNotFound, text)
        })
    }

    /// What of a product is for sale.
    fn skus(&self, product: &Shown<'_>) -> Vec<Value> {
        match product {
            Shown::Reservation(product) => {
                let sold = product.skus.iter().filter_map(|sku| self.offer(product, sku).map(|offer| (sku, offer)));
                sold.map(|(sku, offer)| self.reservation_sku(product, sku, offer)).collect()
            }
            azure => vec![self.azure_sku(azure)],
        }
    }

    /// A SKU of a product: its identifier in the catalogue's spelling, and how it is shown.
    fn find_sku(&self, product: &Shown<'_>, id: &str) -> Result<(String, Value), Failure> {
        let found = match product {
            Shown::Reservation(product) => product.sku(id).and_then(|sku| {
                let offer = self.offer(product, sku)?;
                Some((sku.id.clone(), self.reservation_sku(product, sku, offer)))
            }),
            azure => {
                let sku = self.azure_sku(azure);
                let own = sku["id"].as_str().unwrap_or_default().to_owned();
                own.eq_ignore_ascii_case(id).then_some((own, sku))
            }
        };
        found.ok_or_else(|| {
            let text =
                format!("the product `{}` has no SKU `{}` for sale in `{}`", product.id(), short(id), self.market);
            Failure::new(Code::SkuNotFound, text)
        })
    }

    fn product(&self, product: &Shown<'_>) -> Value {
        let (title, description, kind, scope) = match product {
            Shown::AzurePlan => (
                "Azure plan".to_owned(),
                "Pay as you go for Azure services, under the customer agreement.".to_owned(),
                "AzurePlan",
                self.scope,
            ),
            Shown::AzureGlobal => (
                "Microsoft Azure".to_owned(),
                "Pay as you go for Azure services, one subscription an order.".to_owned(),
                "AzureGlobal",
                self.scope,
            ),
            Shown::Reservation(product) => (
                format!("{}, {} Series", product.resource_type.title(), product.family),
                format!("Reservations of the {} series, paid in advance or monthly.", product.family),
                product.resource_type.name(),
                product.scope,
            ),
        };
        let id = product.id();
        json!({
            "id": id,
            "title": title,
            "description": description,
            "productType": {
                "id": "Azure",
                "displayName": "Azure",
                "subType": {"id": kind, "displayName": kind},
            },
            "isMicrosoftProduct": true,
            "publisherName": "Microsoft Corporation",
            "links": {
                "skus": self.link(scope, &format!("{id}/skus")),
                "self": self.link(scope, id),
            },
            "attributes": {"objectType": "Product"},
        })
    }

    fn reservation_sku(&self, product: &Product, sku: &ProductSku, offer: &Offer) -> Value {
        // One SDK reads these as a map of texts, so each value stays a plain one.
        let mut attributes = Map::new();
        let mut set = |name: &str, value: String| attributes.insert(name.to_owned(), value.into());
        set("armSkuName", sku.sku.as_str().to_owned());
        set("armRegionName", sku.region.as_str().to_owned());
        set("region", sku.region.title().to_owned());
        set("duration", sku.term.duration().to_owned());
        set("category", offer.family.clone());
        set("skuDisplayName", sku.sku.short().to_owned());
        set("reservationType", product.resource_type.name().to_owned());
        if let Some(vcpus) = offer.vcpus {
            set("cores", vcpus.to_string());
        }
        if let Some(memory) = offer.memory_gib {
            set("ram", memory.to_string());
        }
        let provisioning = ["Scope", "SubscriptionId", "Duration"];
        json!({
            "id": sku.id,
            "productId": product.id,
            "title": offer.title(),
            "description": offer.title(),
            "minimumQuantity": 1,
            "maximumQuantity": Quantity::MAX,
            "isTrial": false,
            "supportedBillingCycles": offer.billing_plans.iter().map(|plan| cycle(*plan)).collect::<Vec<_>>(),
            "purchasePrerequisites": ["AzureSubscriptionRegistration", "InventoryCheck"],
            "inventoryVariables": ["CustomerId", "AzureSubscriptionId", "ArmRegionName"],
            "provisioningVariables": provisioning,
            "actions": [],
            "dynamicAttributes": attributes,
            "links": self.sku_links(product.scope, &product.id, &sku.id),
            "attributes": {"objectType": "Sku"},
        })
    }

    fn azure_sku(&self, product: &Shown<'_>) -> Value {
        let is_plan = matches!(product, Shown::AzurePlan);
        let (id, title) = if is_plan {
            (catalog_item::AZURE_PLAN_SKU, "Azure plan")
        } else {
            (catalog_item::AZURE_GLOBAL_SKU, "Microsoft Azure")
        };
        let attributes = if is_plan {
            json!({"isMicrosoftProduct": true, "pilotProgram": ""})
        } else {
            json!({"billingType": "usage", "unitType": "Usage-based", "isAddon": false})
        };
        json!({
            "id": id,
            "productId": product.id(),
            "title": title,
            "description": title,
            "minimumQuantity": 1,
            "maximumQuantity": 1,
            "isTrial": false,
            "supportedBillingCycles": [if is_plan { "one_time" } else { "monthly" }],
            "purchasePrerequisites":
                [if is_plan { "MicrosoftCustomerAgreement" } else { "MicrosoftCloudAgreement" }],
            "inventoryVariables": [],
            "provisioningVariables": [],
            "actions": [],
            "dynamicAttributes": attributes,
            "links": self.sku_links(self.scope, product.id(), id),
            "attributes": {"objectType": "Sku"},
        })
    }

    fn sku_links(&self, scope: ReservationScope, product: &str, sku: &str) -> Value {
        json!({
            "availabilities": self.link(scope, &format!("{product}/skus/{sku}/availabilities")),
            "self": self.link(scope, &format!("{product}/skus/{sku}")),
        })
    }

    /// The one availability of a SKU in the partner's currency.
    fn availability(&self, product: &Shown<'_>, sku_id: &str, sku: Value) -> Result<Value, Failure> {
        let gone = || Failure::new(Code::AvailabilityNotFound, "the SKU is not sold in the partner's currency");
        let (item, terms, scope) = match product {
            Shown::AzurePlan => (CatalogItemId::azure_plan(), Vec::new(), self.scope),
            Shown::AzureGlobal => (CatalogItemId::azure_global(), Vec::new(), self.scope),
            Shown::Reservation(product) => {
                let own = product.sku(sku_id).ok_or_else(gone)?;
                let offer = self.offer(product, own).ok_or_else(gone)?;
                let item = self.catalog.items().id_of(&offer.key(), product.scope).ok_or_else(gone)?;
                (item, terms(offer), product.scope)
            }
        };
        let path = format!("{}/skus/{}/availabilities/{}", item.product, item.sku, item.availability);
        Ok(json!({
            "id": item.availability,
            "productId": item.product,
            "skuId": item.sku,
            "catalogItemId": item.to_string(),
            "defaultCurrency": {"code": self.currency.code(), "symbol": self.currency.symbol()},
            "segment": SEGMENT,
            "country": self.market.code(),
            "isPurchasable": true,
            "isRenewable": false,
            "terms": terms,
            "product": self.product(product),
            "sku": sku,
            "links": {"self": self.link(scope, &path)},
            "attributes": {"objectType": "Availability"},
        }))
    }

    fn inventory(&self, item: &Node<'_>, region: Option<&str>, answers: &mut Vec<Value>) -> Result<(), Failure> {
        let product_id = item.get("productId")?.required_text()?;
        let sku_id = item.get("skuId")?.text()?.filter(|text| !text.trim().is_empty());
        let Some(product) = self.catalog.items().product(&product_id) else { return Ok(()) };
        let skus = product.skus.iter();
        for sku in skus.filter(|sku| sku_id.as_ref().is_none_or(|id| id.trim().eq_ignore_ascii_case(&sku.id))) {
            let elsewhere = region.is_some_and(|region| {
                fullmakt_domain::catalog::Region::parse(region).map_or(true, |region| region != sku.region)
            });
            let is_restricted = elsewhere || self.offer(product, sku).is_none();
            let restrictions = if is_restricted {
                let place = if elsewhere { region.unwrap_or_default() } else { sku.region.as_str() };
                json!([{
                    "reasonCode": "NotAvailableForSubscription",
                    "description": format!("{} is not available in {}", sku.sku, short(place)),
                    "properties": {"type": "Location", "values": short(place)},
                }])
            } else {
                json!([])
            };
            answers.push(json!({
                "productId": product.id,
                "skuId": sku.id,
                "isRestricted": is_restricted,
                "restrictions": restrictions,
            }));
        }
        Ok(())
    }
}

fn country(text: &str) -> Result<Country, Failure> {
    Country::parse(text).map_err(|error| Failure::input(format!("`country`: {error}")))
}

fn cycle(plan: BillingPlan) -> &'static str {
    match plan {
        BillingPlan::Upfront => "one_time",
        BillingPlan::Monthly => "monthly",
    }
}

fn terms(offer: &Offer) -> Vec<Value> {
    let words = |plan| match plan {
        BillingPlan::Upfront => "paid in full at the purchase",
        BillingPlan::Monthly => "paid monthly",
    };
    let plans = offer.billing_plans.iter();
    plans
        .map(|plan| {
            json!({
                "duration": offer.term.code(),
                "description": format!("{} commitment, {}", offer.term.title(), words(*plan)),
                "billingCycle": cycle(*plan),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::catalog_item::CatalogItem;
    use fullmakt_world::catalog_csv;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::body::Document;
    use super::*;

    fn shelf(market: &str, scope: ReservationScope) -> Shelf {
        Shelf {
            catalog: Arc::new(catalog_csv::built_in().clone()),
            currency: Currency::parse("EUR").unwrap(),
            market: Country::parse(market).unwrap(),
            today: date(2026, 11, 22),
            customer: None,
            scope,
            is_commercial: true,
            segment: None,
        }
    }

    fn ok(reply: Result<Reply, Failure>) -> Value {
        match reply.unwrap() {
            Reply::Ok(body) => body,
            other => panic!("{other:?}"),
        }
    }

    fn list(shelf: &Shelf, view: &str) -> Vec<Value> {
        ok(shelf.list(view))["items"].as_array().unwrap().clone()
    }

    #[test]
    fn a_reservation_is_found_from_the_list_down_to_what_a_cart_names() {
        let mut seen = Vec::new();
        for scope in ReservationScope::ALL {
            let shelf = shelf("SE", scope);
            let products = list(&shelf, "azurereservationsvm");
            let product = products.iter().find(|p| p["title"] == "Reserved VM Instance, Dsv5 Series").unwrap();
            assert_eq!(product["productType"]["subType"]["id"], "VirtualMachines");
            let shown = shelf.find(&product["id"].as_str().unwrap().to_lowercase()).unwrap();
            let skus = shelf.skus(&shown);
            let wanted = |sku: &&Value| {
                let about = &sku["dynamicAttributes"];
                about["armSkuName"] == "Standard_D2s_v5"
                    && about["armRegionName"] == "swedencentral"
                    && about["duration"] == "1Year"
            };
            let sku = skus.iter().find(wanted).unwrap();
            assert_eq!(sku["supportedBillingCycles"], json!(["one_time", "monthly"]));
            let (id, sku) = shelf.find_sku(&shown, sku["id"].as_str().unwrap()).unwrap();
            let availability = shelf.availability(&shown, &id, sku).unwrap();
            assert_eq!(availability["defaultCurrency"], json!({"code": "EUR", "symbol": "€"}));
            assert_eq!(availability["terms"][0]["duration"], "P1Y");
            assert!(!availability.to_string().to_lowercase().contains("price"));
            let item = CatalogItemId::parse(availability["catalogItemId"].as_str().unwrap()).unwrap();
            let Some(CatalogItem::Reservation { scope: of, offer }) = shelf.catalog.items().resolve(&item) else {
                panic!("{item}")
            };
            assert_eq!((of, offer.sku.as_str(), offer.currency.code()), (scope, "Standard_D2s_v5", "EUR"));
            let link = product["links"]["skus"]["uri"].as_str().unwrap();
            assert_eq!(link.ends_with("&reservationScope=AzurePlan"), scope == ReservationScope::AzurePlan, "{link}");
            assert!(link.starts_with(&format!("/products/{}/skus?country=SE", item.product)), "{link}");
            seen.push(item);
        }
        // The identifiers of the two scopes have nothing in common.
        assert!(seen[0].product != seen[1].product && seen[0].availability != seen[1].availability);
    }

    #[test]
    fn attributes_of_a_sku_are_plain_values() {
        let shelf = shelf("SE", ReservationScope::AzurePlan);
        for product in shelf.reservations(|_| true).into_iter().chain([Shown::AzurePlan, Shown::AzureGlobal]) {
            for sku in shelf.skus(&product) {
                let values = sku["dynamicAttributes"].as_object().unwrap().values();
                assert!(values.into_iter().all(|value| value.is_string() || value.is_boolean()), "{sku}");
            }
        }
    }

    #[test]
    fn a_customers_links_stay_below_the_customer_and_name_no_country() {
        let customer = CustomerId::parse("22222222-2222-4222-8222-222222222222").ok();
        let shelf = Shelf { customer, ..shelf("SE", ReservationScope::AzurePlan) };
        let body = ok(shelf.list("AzureReservations"));
        let own = body["links"]["self"]["uri"].as_str().unwrap();
        let root = "/customers/22222222-2222-4222-8222-222222222222/products";
        assert_eq!(own, format!("{root}?reservationScope=AzurePlan&targetView=AzureReservations"));
        let link = body["items"][0]["links"]["self"]["uri"].as_str().unwrap();
        assert!(link.starts_with(root) && !link.contains("country"), "{link}");
    }

    #[test]
    fn what_is_no_longer_sold_is_not_shown() {
        let shelf = shelf("SE", ReservationScope::Legacy);
        let products = list(&shelf, "AzureReservations");
        let titles: Vec<&str> = products.iter().map(|product| product["title"].as_str().unwrap()).collect();
        assert!(!titles.contains(&"Reserved VM Instance, DSv3 Series"));
        let old = shelf.catalog.items().products(ReservationScope::Legacy).find(|p| p.family == "DSv3").unwrap();
        assert_eq!(shelf.find(&old.id).unwrap_err().code, Code::ProductNotFound);
        // Of DSv2 only three years are left.
        let left = shelf.catalog.items().products(ReservationScope::Legacy).find(|p| p.family == "DSv2").unwrap();
        let durations =
            shelf.skus(&Shown::Reservation(left)).into_iter().map(|s| s["dynamicAttributes"]["duration"].clone());
        assert!(durations.into_iter().all(|duration| duration == "3Years"));
    }

    #[test]
    fn r44_reservations_are_not_listed_where_they_are_not_sold_but_azure_is() {
        let shelf = shelf("GL", ReservationScope::AzurePlan);
        assert_eq!(list(&shelf, "AzureReservations"), Vec::<Value>::new());
        assert_eq!(list(&shelf, "Azure").len(), 2);
        assert_eq!(list(&shelf, "OnlineServices").len(), 0);
        assert_eq!(shelf.list("Games").unwrap_err().code, Code::ViewNotAllowed);
    }

    fn inventory(shelf: &Shelf, region: Option<&str>, item: &Value) -> Result<Vec<Value>, Failure> {
        let document = Document::parse(item.to_string().as_bytes()).unwrap();
        let mut answers = Vec::new();
        shelf.inventory(&document.root(), region, &mut answers)?;
        Ok(answers)
    }

    #[test]
    fn stock_is_told_item_by_item() {
        let shelf = shelf("SE", ReservationScope::AzurePlan);
        let product = shelf.catalog.items().products(ReservationScope::AzurePlan).find(|p| p.family == "FSv2").unwrap();
        let all = inventory(&shelf, None, &json!({"ProductId": product.id})).unwrap();
        assert_eq!(all.len(), product.skus.len());
        let restricted = |answer: &&Value| answer["isRestricted"] == true;
        // The one-year half is no longer sold.
        assert_eq!(all.iter().filter(restricted).count(), product.skus.len() / 2);
        let three = product.skus.iter().find(|sku| sku.term.years() == 3 && sku.region.as_str() == "westus").unwrap();
        let one = json!({"productId": product.id.to_lowercase(), "skuId": three.id});
        assert_eq!(inventory(&shelf, Some("West US"), &one).unwrap()[0]["isRestricted"], false);
        let elsewhere = &inventory(&shelf, Some("japanwest"), &one).unwrap()[0];
        assert_eq!(elsewhere["restrictions"][0]["properties"], json!({"type": "Location", "values": "japanwest"}));
        assert_eq!(inventory(&shelf, None, &json!({"productId": "unknown"})).unwrap(), Vec::<Value>::new());
        assert!(inventory(&shelf, None, &json!({"skuId": "0001"})).unwrap_err().description.contains("productId"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_words_are_read_or_refused(product in "[0-9A-Za-zåü:. -]{0,14}", sku in "[0-9A-Z]{0,5}", view in "[A-Za-z]{0,24}", code in "[A-Za-zé1 ]{0,3}") {
            thread_local! {
                static SHELF: Shelf = shelf("SE", ReservationScope::AzurePlan);
            }
            SHELF.with(|shelf| {
                let shown = shelf.find(&product).unwrap_or(Shown::AzurePlan);
                let found = shelf.find_sku(&shown, &sku);
                assert!(found.is_ok() == (sku == "0001"));
                assert!(word(&view).len() < 2 || shelf.list(&view).is_err() || VIEWS.iter().any(|v| word(v) == word(&view)));
                let _ = country(&code);
            });
        }
    }
}
