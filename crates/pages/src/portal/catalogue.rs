//! What is for sale on a subscription, at the customer's prices: the list to choose from, and the fields of an order.

use askama::Template;
use askama::filters::HtmlSafe;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{
    BillingPlan, ListPriced, OfferFilter, PricedOffer, Quantity, Region, ReservedResourceType, SkuName, Term,
};
use fullmakt_domain::directory::{AzureSubscription, ListSubscriptions};
use fullmakt_domain::ids::SubscriptionId;
use fullmakt_domain::money::Money;
use fullmakt_domain::obstacle::{Item, PartnerContact, day};
use fullmakt_domain::partner::GetBillingPartner;
use fullmakt_domain::price::totals;
use fullmakt_domain::reservation::{AppliedScope, DisplayName};
use fullmakt_domain::subscription::SubscriptionStatus;
use fullmakt_server::App;
use fullmakt_server::text::Text;

use super::Facts;
use crate::error::PageError;
use crate::fields::{Fields, encoded};
use crate::parts::{Empty, Field, Pager};
use crate::visitor::Guest;
use crate::{format, words};

/// How many offers stand on a page.
const PAGE: usize = 25;
/// More offers of one SKU, region and term than there can be names that contain it.
const ALIKE: usize = 1_000;
/// What a form says for a shared scope.
pub const SHARED: &str = "shared";

struct Row {
    sku: String,
    about: String,
    family: String,
    region: String,
    term: String,
    price: String,
    list: String,
    monthly: String,
    path: String,
}

/// A page of the catalogue with its filters.
#[derive(Template)]
#[template(path = "portal/catalogue.html")]
pub struct Catalogue {
    t: Text,
    path: String,
    picked: String,
    lead: String,
    filters: Vec<Field>,
    rows: Vec<Row>,
    found: String,
    pager: Pager,
    empty: Empty,
}

impl HtmlSafe for Catalogue {}

/// Who pays for what is bought on a subscription.
pub async fn partner_of(app: &App, guest: &Guest, id: SubscriptionId) -> Result<PartnerContact, PageError> {
    let query = GetBillingPartner { scope: ArmScope::Subscription(id) };
    app.store.read(guest.actor(), &query).await?.ok_or(PageError::NotFound)
}

impl Catalogue {
    /// What the query asks for of what is sold on a subscription. The list is at `path`; a row leads to `item` with what
    /// was chosen in its query. With `instead_of`, only what such a reservation can be exchanged for.
    pub async fn read(
        app: &App,
        guest: &Guest,
        subscription: SubscriptionId,
        instead_of: Option<ReservedResourceType>,
        (path, item): (String, &str),
    ) -> Result<Self, PageError> {
        let t = guest.visit().text;
        let query = &guest.visit().query;
        // What no form of ours sends filters nothing.
        let filter = OfferFilter {
            sku: query.text("q").to_owned(),
            family: query.get("family").map(str::to_owned),
            region: query.get("region").and_then(|text| Region::parse(text).ok()),
            term: query.get("term").and_then(|text| Term::parse(text).ok()),
            instead_of,
        };
        let number = query.get("page").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).clamp(1, 100_000);
        let asked = ListPriced {
            subscription,
            filter: filter.clone(),
            on: day(guest.visit().request.now),
            skip: number.saturating_sub(1).saturating_mul(PAGE),
            size: PAGE,
        };
        let found = app.store.read(guest.actor(), &asked).await?;
        let any = |words: String| (String::new(), words);
        let mut families = vec![any(t.get("purchase-any-family"))];
        families.extend(found.families.iter().map(|family| (family.clone(), family.clone())));
        let mut regions: Vec<(String, String)> =
            found.regions.iter().map(|region| (region.to_string(), region.title().to_owned())).collect();
        regions.sort_by(|(_, one), (_, other)| one.cmp(other));
        regions.insert(0, any(t.get("purchase-any-region")));
        let mut terms = vec![any(t.get("purchase-any-term"))];
        terms.extend(Term::ALL.into_iter().map(|term| (term.code().to_owned(), words::term(t, term))));
        let filters = vec![
            Field::text("q", t.get("purchase-sku")).kind("search").value(&filter.sku),
            Field::choice("family", t.get("purchase-family"), families)
                .value(filter.family.clone().unwrap_or_default()),
            Field::choice("region", t.get("purchase-region"), regions)
                .value(filter.region.as_ref().map(ToString::to_string).unwrap_or_default()),
            Field::choice("term", t.get("purchase-term"), terms).value(filter.term.map(Term::code).unwrap_or_default()),
        ];
        let partner = partner_of(app, guest, subscription).await?;
        let at = |number: usize| format!("{path}{}", query.query_with(&[("page", &number.to_string())]));
        let more = number.saturating_mul(PAGE) < found.total;
        Ok(Self {
            t,
            picked: subscription.to_string(),
            lead: t.with("purchase-lead", "partner", &partner.name),
            filters,
            rows: found.offers.iter().map(|offer| row(guest, subscription, offer, item)).collect(),
            found: t.with_all(
                "purchase-found",
                &[("number", &found.total), ("shown", &format::number(t.language(), found.total))],
            ),
            pager: Pager {
                label: t.get("pager"),
                previous: (number > 1).then(|| (t.get("purchase-previous"), at(number.saturating_sub(1)))),
                next: more.then(|| (t.get("pager-next"), at(number.saturating_add(1)))),
            },
            empty: Empty::new(t.get("purchase-nothing"), t.get("purchase-nothing-text")),
            path,
        })
    }
}

fn row(guest: &Guest, subscription: SubscriptionId, offer: &PricedOffer, item: &str) -> Row {
    let t = guest.visit().text;
    let money = |amount: Money| format::money(t.language(), amount);
    let one = Quantity::new(1).ok();
    let monthly = one
        .filter(|_| offer.billing_plans.contains(&BillingPlan::Monthly))
        .and_then(|one| totals(offer.price, one, BillingPlan::Monthly, offer.term, day(guest.visit().request.now)).ok())
        .and_then(|totals| totals.schedule.first().map(|payment| money(payment.amount)));
    let chosen = Chosen {
        subscription,
        resource_type: offer.resource_type,
        sku: offer.sku.clone(),
        region: offer.region.clone(),
        term: offer.term,
    };
    Row {
        sku: offer.sku.short().to_owned(),
        about: about(t, offer),
        family: offer.family.clone(),
        region: offer.region.title().to_owned(),
        term: words::term(t, offer.term),
        price: money(offer.price),
        list: money(offer.list),
        monthly: monthly.unwrap_or_else(|| t.get("purchase-no-monthly")),
        path: format!("{item}?{}", chosen.query()),
    }
}

/// `Virtual machines, 2 vCPU, 8 GiB`.
fn about(t: Text, offer: &PricedOffer) -> String {
    let mut parts = vec![words::resource_type(t, offer.resource_type)];
    parts.extend(offer.vcpus.map(|vcpus| format!("{vcpus} vCPU")));
    parts.extend(offer.memory_gib.map(|gib| format!("{}\u{a0}GiB", format::number(t.language(), gib.normalize()))));
    parts.join(", ")
}

/// What was chosen from the catalogue.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The billing subscription.
    pub subscription: SubscriptionId,
    resource_type: ReservedResourceType,
    sku: SkuName,
    region: Region,
    term: Term,
}

impl Chosen {
    /// What a query or a form names.
    pub fn read(fields: &Fields) -> Option<Self> {
        Some(Self {
            subscription: SubscriptionId::parse(fields.get("subscription")?).ok()?,
            resource_type: ReservedResourceType::parse(fields.get("type")?).ok()?,
            sku: SkuName::parse(fields.get("sku")?).ok()?,
            region: Region::parse(fields.get("region")?).ok()?,
            term: Term::parse(fields.get("term")?).ok()?,
        })
    }

    /// What an item was chosen as.
    pub fn of(subscription: SubscriptionId, item: &Item) -> Self {
        let item = item.clone();
        Self { subscription, resource_type: item.resource_type, sku: item.sku, region: item.region, term: item.term }
    }

    /// Its fields, for a form that carries them on.
    pub fn hidden(&self) -> Vec<(&'static str, String)> {
        vec![
            ("subscription", self.subscription.to_string()),
            ("type", self.resource_type.to_string()),
            ("sku", self.sku.to_string()),
            ("region", self.region.to_string()),
            ("term", self.term.to_string()),
        ]
    }

    /// Its fields, for an address.
    pub fn query(&self) -> String {
        let pairs: Vec<String> =
            self.hidden().iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        pairs.join("&")
    }

    /// One instance of it, billed as it is sold; upfront, where it is not sold.
    pub async fn item(&self, app: &App, guest: &Guest) -> Result<Option<Item>, PageError> {
        let plan = match self.offer(app, guest).await {
            Ok(offer) => offer.billing_plans.first().copied(),
            Err(PageError::NotFound | PageError::Forbidden) => None,
            Err(error) => return Err(error),
        };
        Ok(Quantity::new(1).ok().map(|quantity| Item {
            resource_type: self.resource_type,
            sku: self.sku.clone(),
            region: self.region.clone(),
            term: self.term,
            plan: plan.unwrap_or(BillingPlan::Upfront),
            quantity,
        }))
    }

    /// The offer, as long as it is sold.
    pub async fn offer(&self, app: &App, guest: &Guest) -> Result<PricedOffer, PageError> {
        let asked = ListPriced {
            subscription: self.subscription,
            filter: OfferFilter {
                sku: self.sku.to_string(),
                region: Some(self.region.clone()),
                term: Some(self.term),
                ..OfferFilter::default()
            },
            on: day(guest.visit().request.now),
            skip: 0,
            size: ALIKE,
        };
        let found = app.store.read(guest.actor(), &asked).await?.offers;
        let is_it = |offer: &PricedOffer| offer.sku == self.sku && offer.resource_type == self.resource_type;
        found.into_iter().find(is_it).ok_or(PageError::NotFound)
    }
}

/// How much of an offer, how paid, for what: the fields, and what is wrong with them.
pub struct OrderForm {
    /// The offer.
    pub offer: PricedOffer,
    /// What it is, in words.
    pub facts: Facts,
    /// The customer's price, in a sentence.
    pub price: String,
    /// The list price, in a sentence.
    pub list: String,
    quantity: Field,
    plan: Field,
    scope: Field,
    name: Field,
}

/// What such a form asks for.
pub struct Wanted {
    /// What.
    pub item: Item,
    /// Where the benefit applies.
    pub scope: AppliedScope,
    /// A name for people.
    pub name: Option<DisplayName>,
}

impl OrderForm {
    /// The form for what was chosen, filled in with `fields`.
    pub async fn new(app: &App, guest: &Guest, chosen: &Chosen, fields: &Fields) -> Result<Self, PageError> {
        let t = guest.visit().text;
        let offer = chosen.offer(app, guest).await?;
        let subscriptions = app.store.read(guest.actor(), &ListSubscriptions).await?;
        let here = subscriptions.iter().find(|s| s.id == chosen.subscription).ok_or(PageError::NotFound)?;
        let plans = offer.billing_plans.iter().map(|plan| (plan.name().to_owned(), words::plan(t, *plan))).collect();
        let partner = partner_of(app, guest, chosen.subscription).await?;
        let money = |amount: Money| format::money(t.language(), amount);
        Ok(Self {
            facts: vec![
                (t.get("purchase-sku"), offer.sku.to_string()),
                (t.get("purchase-about"), about(t, &offer)),
                (t.get("purchase-region"), offer.region.title().to_owned()),
                (t.get("purchase-term"), words::term(t, offer.term)),
                (t.get("purchase-subscription"), here.name.clone()),
            ],
            price: t.with_all("purchase-your-price", &[("partner", &partner.name), ("price", &money(offer.price))]),
            list: t.with("purchase-list-price", "price", money(offer.list)),
            quantity: Field::text("quantity", t.get("purchase-quantity"))
                .kind("number")
                .hint(t.with("purchase-quantity-hint", "most", format::number(t.language(), Quantity::MAX)))
                .value(fields.or("quantity", "1"))
                .required()
                .small(),
            plan: Field::choice("plan", t.get("purchase-plan"), plans)
                .hint(t.get("purchase-plan-hint"))
                .value(fields.text("plan"))
                .small(),
            scope: Field::choice("scope", t.get("purchase-scope"), scopes(t, here, &subscriptions))
                .hint(t.get(if guest.on_behalf() { "purchase-scope-hint-behalf" } else { "purchase-scope-hint" }))
                .value(fields.text("scope")),
            name: Field::text("name", t.get("purchase-name"))
                .hint(format!("{} {}", t.get("entry-optional"), t.get("purchase-name-hint")))
                .value(fields.text("name")),
            offer,
        })
    }

    /// The fields, in the order in which they stand.
    pub fn fields(&self) -> [&Field; 4] {
        [&self.quantity, &self.plan, &self.scope, &self.name]
    }

    /// What the form asks for; none where something is wrong, which is then said beside the fields.
    pub fn read(&mut self, t: Text, form: &Fields) -> Option<Wanted> {
        let quantity = form.get("quantity").and_then(|text| text.parse().ok()).and_then(|n| Quantity::new(n).ok());
        if quantity.is_none() {
            let text = t.with("purchase-quantity-wrong", "most", format::number(t.language(), Quantity::MAX));
            self.quantity = self.quantity.clone().error(Some(&text));
        }
        let plan = form.get("plan").and_then(|text| BillingPlan::parse(text).ok());
        let plan = plan.filter(|plan| self.offer.billing_plans.contains(plan));
        if plan.is_none() {
            self.plan = self.plan.clone().error(Some(&t.get("purchase-plan-wrong")));
        }
        let placed = placement(form);
        match placed {
            Err("scope") => self.scope = self.scope.clone().error(Some(&t.get("purchase-scope-wrong"))),
            Err(_) => self.name = self.name.clone().error(Some(&t.get("purchase-name-wrong"))),
            Ok(_) => {}
        }
        let (Some(quantity), Some(plan), Ok((scope, name))) = (quantity, plan, placed) else { return None };
        let offer = &self.offer;
        let item = Item {
            resource_type: offer.resource_type,
            sku: offer.sku.clone(),
            region: offer.region.clone(),
            term: offer.term,
            plan,
            quantity,
        };
        Some(Wanted { item, scope, name })
    }
}

/// Where the benefit may apply: it never reaches what another partner bought (R30, R31).
fn scopes(t: Text, here: &AzureSubscription, all: &[AzureSubscription]) -> Vec<(String, String)> {
    let alike = all.iter().filter(|s| s.partner == here.partner && s.status == SubscriptionStatus::Active);
    let single = |s: &AzureSubscription| {
        (ArmScope::Subscription(s.id).to_string(), t.with("purchase-scope-single", "name", &s.name))
    };
    [(SHARED.to_owned(), t.get("purchase-scope-shared"))].into_iter().chain(alike.map(single)).collect()
}

/// What a form says of scope and name; `Err` names the field.
pub fn placement(fields: &Fields) -> Result<(AppliedScope, Option<DisplayName>), &'static str> {
    let scope = match fields.get("scope") {
        None | Some(SHARED) => AppliedScope::Shared,
        Some(text) => match ArmScope::parse(text) {
            Ok(scope @ (ArmScope::Subscription(_) | ArmScope::ResourceGroup(..))) => AppliedScope::Single(scope),
            _ => return Err("scope"),
        },
    };
    let name = fields.get("name").map(DisplayName::parse).transpose().map_err(|_| "name")?;
    Ok((scope, name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scope_and_name_are_read_or_named() {
        let read = |query: &str| placement(&Fields::parse(query.as_bytes()));
        assert_eq!(read(""), Ok((AppliedScope::Shared, None)));
        assert_eq!(read("scope=shared&name=web"), Ok((AppliedScope::Shared, DisplayName::parse("web").ok())));
        let single = read("scope=%2Fsubscriptions%2F33333333-3333-4333-8333-333333333333").unwrap().0;
        assert_eq!(single.type_name(), "Single");
        assert_eq!(read("scope=/"), Err("scope"));
        assert_eq!(read("name=two+words"), Err("name"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_form_is_read_or_refused(bytes in "((subscription|type|sku|region|term|scope|name|quantity)=[ -~å]{0,12}&?){0,8}") {
            let fields = Fields::parse(bytes.as_bytes());
            let _ = placement(&fields);
            if let Some(chosen) = Chosen::read(&fields) {
                prop_assert!(chosen.hidden().iter().all(|(_, value)| !value.is_empty()));
                let again = Chosen::read(&Fields::parse(chosen.query().as_bytes()));
                prop_assert_eq!(again.map(|again| again.hidden()), Some(chosen.hidden()));
            }
        }
    }
}
