//! Add products (R42): subscription, products, review, buy, done. Every step is a page of its own; the cart is the domain's.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::basket::{AskedLine, Wish, WishedReservation};
use fullmakt_domain::cart::{Cart, CartStatus, CheckoutCart, CreateCart, GetCart, UpdateCart};
use fullmakt_domain::catalog::{BillingPlan, Catalog, Offer, Quantity, ReservedResourceType, Term};
use fullmakt_domain::catalog_item::{CatalogItem, CatalogItemId};
use fullmakt_domain::customer::GetCustomer;
use fullmakt_domain::entitlement::{Entitlement, ListEntitlements, RegisterEntitlement};
use fullmakt_domain::history::{CheckLines, NamedCustomer, OfferFilter, ViewPrices};
use fullmakt_domain::ids::{CartId, EntitlementId};
use fullmakt_domain::money::Money;
use fullmakt_domain::order::{BillingCycle, GetOrder};
use fullmakt_domain::placement::reservation_scope;
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::subscription::{AzureOffer, SubscriptionStatus};
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::{ExecuteError, ReadError};
use http::StatusCode;
use uuid::Uuid;

use super::orders::{customer_of, page_number, pager, sees_cost, sum};
use crate::error::PageError;
use crate::fields::Fields;
use crate::format;
use crate::parts::{Badge, Empty, Field, Pager};
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::Agent;
use crate::words;

/// Offers on a page.
const PAGE: usize = 20;
/// Lines that a cart made here may have.
const LINES_MAX: usize = 50;
/// Who may buy for a customer.
const SELLERS: &[PartnerRole] = &[
    PartnerRole::GlobalAdmin,
    PartnerRole::AdminAgent,
    PartnerRole::SalesAgent,
    PartnerRole::HelpdeskAgent,
    PartnerRole::UserAdmin,
];

/// Who is buying, for whom.
struct Desk<'a> {
    app: &'a App,
    agent: &'a Agent,
    customer: NamedCustomer,
}

/// A step of the task, and whether it is the one at hand.
type Step = (String, bool);

impl<'a> Desk<'a> {
    async fn open(app: &'a App, agent: &'a Agent, id: &str) -> Result<Self, PageError> {
        let customer = customer_of(app, agent, id).await?;
        if agent.has(SELLERS) { Ok(Self { app, agent, customer }) } else { Err(PageError::Forbidden) }
    }

    fn text(&self) -> Text {
        self.agent.visit().text
    }

    fn path(&self, rest: &str) -> String {
        format!("/dashboard/customers/{}/add-products{rest}", self.customer.id)
    }

    fn shell(&self) -> Shell {
        let title = self.text().get("nav-add-products");
        Shell::customer(self.agent, self.customer.id, &self.customer.name, title, Place::AddProducts)
    }

    fn steps(&self, at: usize) -> Vec<Step> {
        let keys = [
            "wizard-step-subscription",
            "wizard-step-products",
            "wizard-step-review",
            "wizard-step-buy",
            "wizard-step-done",
        ];
        keys.iter().enumerate().map(|(n, key)| (self.text().get(key), n == at)).collect()
    }

    async fn entitlements(&self) -> Result<Vec<Entitlement>, PageError> {
        let query = ListEntitlements { customer: self.customer.id, order: None };
        Ok(self.app.store.read(self.agent.actor(), &query).await?)
    }

    /// The cart that a field names; none where it is gone or never was.
    async fn cart(&self, id: &str) -> Result<Option<Cart>, PageError> {
        let Ok(cart) = CartId::parse(id) else { return Ok(None) };
        let query = GetCart { customer: self.customer.id, cart, now: self.agent.visit().request.now };
        Ok(self.app.store.read(self.agent.actor(), &query).await?)
    }

    async fn update(&self, cart: CartId, lines: Vec<AskedLine>) -> Result<Cart, ExecuteError> {
        let command = UpdateCart { customer: self.customer.id, cart, lines };
        self.app.store.execute(self.agent.actor(), &command, &self.agent.visit().request).await
    }

    /// Whether the agreement is known to be missing. Not everyone who may buy may look.
    async fn lacks_agreement(&self) -> Result<bool, PageError> {
        let query = GetCustomer { customer: self.customer.id };
        match self.app.store.read(self.agent.actor(), &query).await {
            Ok(customer) => Ok(customer.is_some_and(|customer| customer.agreement_confirmed_at.is_none())),
            Err(ReadError::Denied(_)) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }
}

#[derive(Template)]
#[template(path = "dashboard/add_products/subscription.html")]
struct SubscriptionPage {
    shell: Shell,
    steps: Vec<Step>,
    here: String,
    error: Option<String>,
    /// What is missing, and the words and path of where to mend it; none where it is mended below.
    missing: Vec<(String, Option<(String, String)>)>,
    choices: Vec<Choice>,
    can_go_on: bool,
}

/// A commercial subscription to buy on.
struct Choice {
    id: String,
    name: String,
    offer: String,
    status: Badge,
    problem: Option<String>,
    registers: bool,
    chosen: bool,
}

fn choice(t: Text, entitlement: &Entitlement) -> Choice {
    let active = entitlement.status == SubscriptionStatus::Active;
    let problem = match (active, entitlement.registered) {
        (false, _) => Some("line-subscription-not-active"),
        (true, false) => Some("line-subscription-not-registered"),
        (true, true) => None,
    };
    Choice {
        id: entitlement.id.to_string(),
        name: words::product(t, &entitlement.name),
        offer: words::offer(t, entitlement.offer),
        status: words::subscription_status(t, entitlement.status),
        problem: problem.map(|key| t.get(key)),
        registers: active && !entitlement.registered,
        chosen: false,
    }
}

/// Step 1: on which subscription, or what is missing.
pub async fn start(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let (t, query) = (desk.text(), &agent.visit().query);
    let entitlements = desk.entitlements().await?;
    let mut choices: Vec<Choice> = entitlements
        .iter()
        .filter(|entitlement| entitlement.status != SubscriptionStatus::Deleted)
        .map(|entitlement| choice(t, entitlement))
        .collect();
    if let Some(first) = choices.iter_mut().find(|choice| choice.problem.is_none()) {
        first.chosen = true;
    }
    let mut missing = Vec::new();
    let base = format!("/dashboard/customers/{}", desk.customer.id);
    if desk.lacks_agreement().await? {
        missing.push((t.get("wizard-no-agreement"), Some((t.get("wizard-to-account"), format!("{base}/account")))));
    }
    let usable = choices.iter().any(|choice| choice.problem.is_none());
    let to_subscriptions = || Some((t.get("wizard-to-subscriptions"), format!("{base}/subscriptions")));
    if choices.is_empty() {
        missing.push((t.get("wizard-no-subscription"), to_subscriptions()));
    } else if choices.iter().any(|choice| choice.registers) && !usable {
        missing.push((t.get("wizard-none-registered"), None));
    } else if !usable {
        missing.push((t.get("wizard-none-active"), to_subscriptions()));
    }
    let error = query.get("missing").map(|_| t.get("wizard-choose-subscription"));
    let can_go_on = usable && missing.is_empty();
    let (shell, steps, here) = (desk.shell(), desk.steps(0), desk.path(""));
    Ok(ok(&SubscriptionPage { shell, steps, here, error, missing, choices, can_go_on }))
}

/// Enables a subscription for reservations.
pub async fn register(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let entitlement =
        EntitlementId::parse(agent.visit().form.text("subscription")).map_err(|_| PageError::Malformed)?;
    let command = RegisterEntitlement { customer: desk.customer.id, entitlement };
    app.store.execute(agent.actor(), &command, &agent.visit().request).await?;
    Ok(go(&desk.path(""), "notice-registered"))
}

#[derive(Template)]
#[template(path = "dashboard/add_products/products.html")]
struct ProductsPage {
    shell: Shell,
    steps: Vec<Step>,
    here: String,
    add: String,
    subscription: String,
    on: String,
    cart: String,
    kept: Vec<(String, String)>,
    filters: Vec<Field>,
    error: Option<String>,
    sees_cost: bool,
    rows: Vec<OfferRow>,
    pager: Pager,
    empty: Empty,
    in_cart: String,
    review: Option<String>,
}

struct OfferRow {
    item: String,
    sku: String,
    size: String,
    family: String,
    region: String,
    term: String,
    billing: String,
    list: String,
    price: String,
    cost: String,
    quantity: String,
    label: String,
    error: bool,
}

/// The names of the fields by which offers are looked for.
const FILTERS: [&str; 5] = ["kind", "family", "region", "size", "term"];

/// What the fields of a search ask for.
pub(super) fn offer_filter(fields: &Fields) -> OfferFilter {
    OfferFilter {
        kind: fields.get("kind").and_then(|text| ReservedResourceType::parse(text).ok()),
        family: fields.get("family").map(str::to_owned),
        region: fields.get("region").map(str::to_owned),
        term: fields.get("term").and_then(|text| Term::parse(text).ok()),
        sku: fields.get("size").map(str::to_owned),
    }
}

/// The fields of a search for offers.
pub(super) fn offer_fields(t: Text, fields: &Fields, choices: &fullmakt_domain::history::OfferChoices) -> Vec<Field> {
    let any = |key: &str| vec![(String::new(), t.get(key))];
    let same = |texts: &[String]| texts.iter().map(|text| (text.clone(), text.clone())).collect::<Vec<_>>();
    let kinds = choices.kinds.iter().map(|kind| (kind.name().to_owned(), words::resource_type(t, *kind)));
    let regions = choices.regions.iter().map(|name| {
        let title = fullmakt_domain::catalog::Region::parse(name).map(|region| region.title().to_owned());
        (name.clone(), title.unwrap_or_else(|_| name.clone()))
    });
    let terms = Term::ALL.into_iter().map(|term| (term.code().to_owned(), words::term(t, term)));
    let all = |key: &str, more: Vec<(String, String)>| any(key).into_iter().chain(more).collect::<Vec<_>>();
    vec![
        Field::choice("kind", t.get("wizard-kind"), all("wizard-any-kind", kinds.collect())).value(fields.text("kind")),
        Field::choice("family", t.get("wizard-family"), all("wizard-any-family", same(&choices.families)))
            .value(fields.text("family")),
        Field::choice("region", t.get("wizard-region"), all("wizard-any-region", regions.collect()))
            .value(fields.text("region")),
        Field::choice("term", t.get("order-term"), all("wizard-any-term", terms.collect())).value(fields.text("term")),
        Field::text("size", t.get("wizard-size")).kind("search").value(fields.text("size")),
    ]
}

/// Step 2: what.
pub async fn products(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    products_page(&desk, &agent.visit().query, None).await
}

/// The entitlement that a field names, if it can be bought on.
async fn bought_on(desk: &Desk<'_>, fields: &Fields) -> Result<Option<Entitlement>, PageError> {
    let Ok(id) = EntitlementId::parse(fields.text("subscription")) else { return Ok(None) };
    let found = desk.entitlements().await?.into_iter().find(|entitlement| entitlement.id == id);
    Ok(found.filter(|found| found.registered && found.status == SubscriptionStatus::Active))
}

/// The page of products; `error` says what is wrong with the quantity that was entered.
async fn products_page(desk: &Desk<'_>, fields: &Fields, error: Option<String>) -> Result<Response, PageError> {
    let (t, agent) = (desk.text(), desk.agent);
    let Some(entitlement) = bought_on(desk, fields).await? else {
        return Ok(Redirect::to(&desk.path("?missing=1")).into_response());
    };
    let cart = desk.cart(fields.text("cart")).await?.filter(|cart| cart.status == CartStatus::Active);
    let number = page_number(fields);
    let query = ViewPrices {
        customer: desk.customer.id,
        now: agent.visit().request.now,
        filter: offer_filter(fields),
        offset: number.saturating_mul(PAGE),
        size: PAGE,
    };
    let page = desk.app.store.read(agent.actor(), &query).await?;
    let catalog = desk.app.store.catalog().await?;
    let scope = reservation_scope(entitlement.offer);
    let shell = desk.shell();
    let wrong_item = error.as_ref().map(|_| fields.text("item"));
    // A link from what to buy brings the quantity along.
    let brings = error.is_none() && quantity(fields.text("quantity")).is_some();
    let asked_for = |offer: &Offer| brings && fields.text("size") == offer.sku.as_str();
    let rows = page.offers.iter().filter_map(|(offer, prices)| {
        let item = catalog.items().id_of(&offer.key(), scope)?.to_string();
        let wrong = wrong_item == Some(item.as_str());
        Some(OfferRow {
            sku: offer.sku.to_string(),
            size: size(&shell, offer),
            family: offer.family.clone(),
            region: offer.region.title().to_owned(),
            term: words::term(t, offer.term),
            billing: offer.billing_plans.iter().map(|plan| words::plan(t, *plan)).collect::<Vec<_>>().join(", "),
            list: shell.money(&prices.list),
            price: shell.money(&prices.customer_unit_price),
            cost: shell.money(&prices.partner_cost),
            quantity: if wrong || asked_for(offer) { fields.text("quantity").to_owned() } else { "1".to_owned() },
            label: t.with_all(
                "wizard-quantity-of",
                &[
                    ("item", &offer.sku.as_str()),
                    ("region", &offer.region.title()),
                    ("term", &words::term(t, offer.term)),
                ],
            ),
            error: wrong,
            item,
        })
    });
    let rows: Vec<OfferRow> = rows.collect();
    let here = desk.path("/products");
    let count = cart.as_ref().map_or(0, |cart| cart.lines.len());
    let cart = cart.map(|cart| cart.id.to_string()).unwrap_or_default();
    let pager = pager(t, &here, &without_entry(fields), number, page.more);
    let kept = FILTERS.iter().chain(&["page"]);
    let kept = kept.filter_map(|name| Some(((*name).to_owned(), fields.get(name)?.to_owned())));
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(render(
        status,
        &ProductsPage {
            steps: desk.steps(1),
            add: desk.path("/cart"),
            here,
            subscription: entitlement.id.to_string(),
            on: words::product(t, &entitlement.name),
            kept: kept.collect(),
            filters: offer_fields(t, fields, &page.choices),
            error,
            sees_cost: sees_cost(agent),
            rows,
            pager,
            empty: Empty::new(t.get("wizard-no-offers"), t.get("wizard-no-offers-text")),
            in_cart: t.with("wizard-in-cart", "count", count),
            review: (count > 0).then(|| desk.path(&format!("/review?cart={cart}"))),
            cart,
            shell,
        },
    ))
}

/// A search without what belongs to one line of it.
fn without_entry(fields: &Fields) -> Fields {
    let query = fields.query_with(&[("item", ""), ("quantity", ""), ("csrf", "")]);
    Fields::parse(query.trim_start_matches('?').as_bytes())
}

/// `2 vCPU, 8 GiB`, where it is known.
fn size(shell: &Shell, offer: &Offer) -> String {
    let cores = offer.vcpus.map(|count| format!("{} vCPU", shell.number(count)));
    let memory = offer.memory_gib.map(|amount| format!("{}\u{a0}GiB", shell.number(amount)));
    cores.into_iter().chain(memory).collect::<Vec<_>>().join(", ")
}

/// Reads a quantity as a form holds it.
fn quantity(text: &str) -> Option<i64> {
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let count = if digits { text.parse().ok()? } else { return None };
    Quantity::new(count).ok().map(Quantity::instances)
}

fn quantity_error(t: Text) -> String {
    t.with("line-quantity", "most", format::number(t.language(), Quantity::MAX))
}

/// Puts an offer into the cart.
pub async fn add(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let (t, form) = (desk.text(), &agent.visit().form);
    let item = CatalogItemId::parse(form.text("item")).map_err(|_| PageError::Malformed)?.to_string();
    let Some(count) = quantity(form.text("quantity")) else {
        return products_page(&desk, form, Some(quantity_error(t))).await;
    };
    let Some(entitlement) = bought_on(&desk, form).await? else {
        return Ok(Redirect::to(&desk.path("?missing=1")).into_response());
    };
    let cart = desk.cart(form.text("cart")).await?.filter(|cart| cart.status == CartStatus::Active);
    let mut lines: Vec<AskedLine> = cart.iter().flat_map(|cart| &cart.lines).map(|line| line.asked.clone()).collect();
    let subscription = entitlement.id.to_string();
    let known = lines.iter_mut().find(|line| line.item == item && line.subscription.as_ref() == Some(&subscription));
    match known {
        Some(line) => line.quantity = line.quantity.saturating_add(count),
        None => lines.push(AskedLine {
            item,
            quantity: count,
            billing_cycle: BillingCycle::OneTime.name().to_owned(),
            term: None,
            subscription: Some(subscription),
            scope: Some("shared".to_owned()),
            duration: None,
            name: None,
            currency: None,
            unsupported: None,
        }),
    }
    if lines.iter().any(|line| Quantity::new(line.quantity).is_err()) {
        return products_page(&desk, form, Some(quantity_error(t))).await;
    }
    if lines.len() > LINES_MAX {
        return products_page(&desk, form, Some(t.with("wizard-cart-full", "most", LINES_MAX))).await;
    }
    let cart = match cart {
        Some(cart) => desk.update(cart.id, lines).await?,
        None => {
            let command = CreateCart { customer: desk.customer.id, cart: CartId(Uuid::new_v4()), lines };
            app.store.execute(agent.actor(), &command, &agent.visit().request).await?
        }
    };
    let query = without_entry(form).query_with(&[("cart", &cart.id.to_string())]);
    Ok(go(&format!("{}{query}", desk.path("/products")), "notice-added-to-cart"))
}

/// A line of a cart as it would be bought.
struct Line {
    number: usize,
    title: String,
    wish: Option<Box<WishedReservation>>,
    problem: Option<String>,
    quantity: Field,
    billing: Field,
    billing_fixed: Option<String>,
    scope: Option<Field>,
    shown_quantity: String,
    shown_billing: String,
    shown_scope: String,
    term: String,
    unit: String,
    list: String,
    cost: String,
    total: String,
    remove: String,
}

#[derive(Template)]
#[template(path = "dashboard/add_products/review.html")]
struct ReviewPage {
    shell: Shell,
    steps: Vec<Step>,
    here: String,
    cart: String,
    more: String,
    problem: Option<String>,
    lines: Vec<Line>,
    locked: bool,
    sees_cost: bool,
    total: String,
    cost: String,
}

#[derive(Template)]
#[template(path = "dashboard/add_products/gone.html")]
struct GonePage {
    shell: Shell,
    steps: Vec<Step>,
    empty: Empty,
}

fn gone(desk: &Desk<'_>, status: StatusCode) -> Response {
    let t = desk.text();
    let empty = Empty::new(t.get("wizard-cart-gone"), t.get("wizard-cart-gone-text"))
        .action(t.get("wizard-start-again"), desk.path(""));
    render(status, &GonePage { shell: desk.shell(), steps: desk.steps(2), empty })
}

/// How an item of the catalogue may be paid; empty for what is no reservation.
fn plans_of(catalog: &Catalog, item: &str) -> Vec<BillingPlan> {
    let resolved = CatalogItemId::parse(item).ok().and_then(|id| catalog.items().resolve(&id));
    let Some(CatalogItem::Reservation { offer: key, .. }) = resolved else { return Vec::new() };
    let offers = catalog.slice(key.resource_type, &key.sku).iter();
    let mut plans: Vec<BillingPlan> =
        offers.filter(|offer| offer.key() == key).flat_map(|offer| offer.billing_plans.clone()).collect();
    plans.sort();
    plans.dedup();
    plans
}

/// What stands in the fields of a line: what was sent, else what the cart holds.
fn entered<'f>(form: Option<&'f Fields>, name: &str, number: usize) -> Option<&'f str> {
    form.and_then(|form| form.get(&format!("{name}-{number}")))
}

/// The lines of a cart, checked and priced now, with their sums: customer's price, partner's cost.
async fn lines(
    desk: &Desk<'_>,
    cart: &Cart,
    form: Option<&Fields>,
) -> Result<(Vec<Line>, Option<(Money, Money)>), PageError> {
    let (t, shell) = (desk.text(), desk.shell());
    let asked: Vec<AskedLine> = cart.lines.iter().map(|line| line.asked.clone()).collect();
    let query = CheckLines { customer: desk.customer.id, lines: asked, now: desk.agent.visit().request.now };
    let checked = desk.app.store.read(desk.agent.actor(), &query).await?;
    let catalog = desk.app.store.catalog().await?;
    let entitlements = desk.entitlements().await?;
    let mut totals: Vec<(Money, Money)> = Vec::new();
    let mut shown = Vec::new();
    for (number, (asked, checked)) in query.lines.iter().zip(checked).enumerate() {
        let (wish, problem) = match checked {
            Ok(Wish::Reservation(wish)) => (Some(wish), None),
            Ok(Wish::AzurePlan | Wish::AzureGlobal) => (None, None),
            Err(problem) => (None, Some(words::line_problem(t, &problem))),
        };
        let legacy = entitlements.iter().any(|entitlement| {
            entitlement.offer == AzureOffer::AzureGlobal && asked.subscription == Some(entitlement.id.to_string())
        });
        let money =
            |of: fn(&WishedReservation) -> Money, count: i64| wish.as_ref().and_then(|wish| of(wish).times(count).ok());
        let price = money(|wish| wish.prices.customer, asked.quantity);
        let cost = money(|wish| wish.prices.partner, asked.quantity);
        totals.extend(price.zip(cost));
        let show = |money: Option<Money>| money.map(|money| shell.money(&money)).unwrap_or_default();
        let title =
            wish.as_ref().map_or_else(|| item_title(t, &catalog, &asked.item), |wish| words::product(t, &wish.title));
        let plans = plans_of(&catalog, &asked.item);
        let cycle = BillingCycle::parse(&asked.billing_cycle).unwrap_or(BillingCycle::OneTime);
        let typed = entered(form, "quantity", number);
        let wrong = typed.filter(|typed| quantity(typed).is_none()).map(|_| quantity_error(t));
        let single = wish.as_ref().is_some_and(|wish| wish.scope.scope().is_some());
        let scopes =
            vec![("shared".to_owned(), t.get("scope-shared")), ("single".to_owned(), t.get("wizard-scope-single"))];
        let cycles = [BillingCycle::OneTime, BillingCycle::Monthly];
        let cycles = cycles.into_iter().map(|cycle| (cycle.name().to_owned(), words::billing_cycle(t, cycle)));
        shown.push(Line {
            number,
            quantity: Field::text(format!("quantity-{number}"), t.get("orders-quantity"))
                .kind("number")
                .value(typed.map_or_else(|| asked.quantity.to_string(), str::to_owned))
                .error(wrong.as_deref())
                .small(),
            billing: Field::choice(format!("billing-{number}"), t.get("order-billing"), cycles.collect())
                .value(entered(form, "billing", number).unwrap_or(cycle.name())),
            // Monthly is there only for what can be paid by the month.
            billing_fixed: (!plans.contains(&BillingPlan::Monthly))
                .then(|| words::billing_cycle(t, BillingCycle::OneTime)),
            scope: legacy.then(|| {
                let value = entered(form, "scope", number).unwrap_or(if single { "single" } else { "shared" });
                Field::choice(format!("scope-{number}"), t.get("reservation-scope"), scopes).value(value)
            }),
            shown_quantity: shell.number(asked.quantity),
            shown_billing: words::billing_cycle(t, cycle),
            shown_scope: t.get(if single { "wizard-scope-single" } else { "scope-shared" }),
            term: wish.as_ref().map(|wish| words::term(t, wish.item.term)).unwrap_or_default(),
            unit: show(money(|wish| wish.prices.customer, 1)),
            list: show(money(|wish| wish.prices.list, 1)),
            cost: show(cost),
            total: show(price),
            remove: t.with("wizard-remove", "item", &title),
            title,
            problem,
            wish,
        });
    }
    let currency = totals.first().map(|(price, _)| price.currency);
    let sums = currency.map(|currency| {
        let of = |side: fn(&(Money, Money)) -> Money| sum(currency, totals.iter().map(side));
        (of(|(price, _)| *price), of(|(_, cost)| *cost))
    });
    Ok((shown, sums))
}

/// What an item that cannot be bought now is called.
fn item_title(t: Text, catalog: &Catalog, item: &str) -> String {
    let resolved = CatalogItemId::parse(item).ok().and_then(|id| catalog.items().resolve(&id));
    match resolved {
        Some(CatalogItem::Reservation { offer, .. }) => {
            format!("{}, {}, {}", offer.sku, offer.region.title(), words::term(t, offer.term))
        }
        Some(CatalogItem::AzurePlan) => words::offer(t, AzureOffer::AzurePlan),
        Some(CatalogItem::AzureGlobal) => words::offer(t, AzureOffer::AzureGlobal),
        None => item.chars().take(80).collect(),
    }
}

async fn review_page(
    desk: &Desk<'_>,
    cart: &Cart,
    form: Option<&Fields>,
    (status, problem): (StatusCode, Option<String>),
) -> Result<Response, PageError> {
    let (lines, sums) = lines(desk, cart, form).await?;
    let shell = desk.shell();
    let subscription = cart.lines.iter().find_map(|line| line.asked.subscription.clone()).unwrap_or_default();
    let more = desk.path(&format!(
        "/products{}",
        Fields::default().query_with(&[("subscription", &subscription), ("cart", &cart.id.to_string())])
    ));
    let show = |money: Option<Money>| money.map(|money| shell.money(&money)).unwrap_or_default();
    let page = ReviewPage {
        steps: desk.steps(2),
        here: desk.path("/review"),
        cart: cart.id.to_string(),
        more,
        problem,
        locked: lines.iter().any(|line| line.scope.is_none()),
        lines,
        sees_cost: sees_cost(desk.agent),
        total: show(sums.map(|(price, _)| price)),
        cost: show(sums.map(|(_, cost)| cost)),
        shell,
    };
    Ok(render(status, &page))
}

/// Where a cart that was bought shows.
fn bought(desk: &Desk<'_>, cart: &Cart) -> Option<Response> {
    let done = || Redirect::to(&desk.path(&format!("/done?cart={}", cart.id))).into_response();
    (cart.status == CartStatus::Ordered).then(done)
}

/// Step 3: how many, how billed, for which scope.
pub async fn review(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let Some(cart) = desk.cart(agent.visit().query.text("cart")).await? else {
        return Ok(gone(&desk, StatusCode::OK));
    };
    match bought(&desk, &cart) {
        Some(done) => Ok(done),
        None => review_page(&desk, &cart, None, (StatusCode::OK, None)).await,
    }
}

/// Keeps what was changed in the cart, and goes on where that is asked for and possible.
pub async fn revise(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let (t, form) = (desk.text(), &agent.visit().form);
    let Some(cart) = desk.cart(form.text("cart")).await? else { return Ok(gone(&desk, StatusCode::CONFLICT)) };
    if let Some(done) = bought(&desk, &cart) {
        return Ok(done);
    }
    let removed = form.get("remove").and_then(|text| text.parse::<usize>().ok());
    let mut changed = Vec::new();
    for (number, line) in cart.lines.iter().enumerate().filter(|(number, _)| Some(*number) != removed) {
        let mut asked = line.asked.clone();
        if let Some(typed) = entered(Some(form), "quantity", number) {
            let Some(count) = quantity(typed) else {
                let problem = Some(t.get("wizard-check-quantities"));
                return review_page(&desk, &cart, Some(form), (StatusCode::BAD_REQUEST, problem)).await;
            };
            asked.quantity = count;
        }
        if let Some(cycle) = entered(Some(form), "billing", number) {
            let cycle = BillingCycle::parse(cycle).ok_or(PageError::Malformed)?;
            cycle.name().clone_into(&mut asked.billing_cycle);
        }
        if let Some(scope) = entered(Some(form), "scope", number) {
            asked.scope = Some(if scope == "single" { "single" } else { "shared" }.to_owned());
        }
        changed.push(asked);
    }
    let cart = match desk.update(cart.id, changed).await {
        Ok(cart) => cart,
        Err(ExecuteError::Refused(Refusal::CartNotFound { .. })) => return Ok(gone(&desk, StatusCode::CONFLICT)),
        Err(error) => return Err(error.into()),
    };
    if form.get("do") == Some("continue") && removed.is_none() {
        if cart.lines.is_empty() || cart.lines.iter().any(|line| line.error.is_some()) {
            let problem = Some(t.get("wizard-cannot-buy"));
            return review_page(&desk, &cart, None, (StatusCode::CONFLICT, problem)).await;
        }
        return Ok(Redirect::to(&desk.path(&format!("/buy?cart={}", cart.id))).into_response());
    }
    Ok(go(&desk.path(&format!("/review?cart={}", cart.id)), "notice-cart-updated"))
}

#[derive(Template)]
#[template(path = "dashboard/add_products/buy.html")]
struct BuyPage {
    shell: Shell,
    steps: Vec<Step>,
    here: String,
    back: String,
    cart: String,
    customer: String,
    lines: Vec<Line>,
    sees_cost: bool,
    total: String,
    cost: String,
}

/// Step 4: the whole purchase once more.
pub async fn confirm(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let Some(cart) = desk.cart(agent.visit().query.text("cart")).await? else {
        return Ok(gone(&desk, StatusCode::OK));
    };
    if let Some(done) = bought(&desk, &cart) {
        return Ok(done);
    }
    let (lines, sums) = lines(&desk, &cart, None).await?;
    let shell = desk.shell();
    let back = desk.path(&format!("/review?cart={}", cart.id));
    let Some((price, cost)) = sums.filter(|_| lines.iter().all(|line| line.wish.is_some())) else {
        return Ok(Redirect::to(&back).into_response());
    };
    Ok(ok(&BuyPage {
        steps: desk.steps(3),
        here: desk.path("/buy"),
        back,
        cart: cart.id.to_string(),
        customer: desk.customer.name.clone(),
        lines,
        sees_cost: sees_cost(&agent),
        total: shell.money(&price),
        cost: shell.money(&cost),
        shell,
    }))
}

/// Buys. Sending the form twice buys once: the cart is the name of the request.
pub async fn buy(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let cart = CartId::parse(agent.visit().form.text("cart")).map_err(|_| PageError::Malformed)?;
    let command = CheckoutCart { customer: desk.customer.id, cart, request: Some(cart.0) };
    match app.store.execute(agent.actor(), &command, &agent.visit().request).await {
        Ok(_) => Ok(Redirect::to(&desk.path(&format!("/done?cart={cart}"))).into_response()),
        Err(ExecuteError::Refused(Refusal::CartNotFound { .. })) => Ok(gone(&desk, StatusCode::CONFLICT)),
        Err(ExecuteError::Refused(refusal @ Refusal::CartInError { .. })) => {
            let Some(found) = desk.cart(&cart.to_string()).await? else { return Ok(gone(&desk, StatusCode::CONFLICT)) };
            let problem = Some(words::refusal(desk.text(), &refusal));
            review_page(&desk, &found, None, (StatusCode::CONFLICT, problem)).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "dashboard/add_products/done.html")]
struct DonePage {
    shell: Shell,
    steps: Vec<Step>,
    customer: String,
    orders: Vec<(String, String, String)>,
    history: String,
    more: String,
}

/// Step 5: the order numbers.
pub async fn done(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &agent, &id).await?;
    let cart = desk.cart(agent.visit().query.text("cart")).await?;
    let cart = cart.filter(|cart| cart.status == CartStatus::Ordered).ok_or(PageError::NotFound)?;
    let history = format!("/dashboard/customers/{}/orders", desk.customer.id);
    let mut orders = Vec::new();
    // A cart becomes one order for each way of billing: at most a few.
    for order in cart.order_ids() {
        let query = GetOrder { customer: desk.customer.id, order };
        if let Some(order) = app.store.read(agent.actor(), &query).await? {
            orders.push((
                order.id.alternate().to_owned(),
                format!("{history}/{}", order.id),
                words::billing_cycle(desk.text(), order.billing_cycle),
            ));
        }
    }
    let (shell, steps, customer) = (desk.shell(), desk.steps(4), desk.customer.name.clone());
    Ok(ok(&DonePage { shell, steps, customer, orders, history, more: desk.path("") }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantity_is_a_whole_number_that_can_be_bought() {
        for (text, count) in [("1", Some(1)), ("1000", Some(1_000)), ("007", Some(7))] {
            assert_eq!(quantity(text), count, "{text}");
        }
        for text in ["", "0", "-1", "1.5", "1001", "1e3", "٣", "99999999999999999999"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_search_is_read(query in "((kind|family|region|size|term|page)=[ -~å]{0,12}&){0,5}") {
            let fields = Fields::parse(query.as_bytes());
            let _ = offer_filter(&fields);
            let _ = quantity(&query);
            prop_assert!(without_entry(&fields).get("item").is_none());
        }
    }
}
