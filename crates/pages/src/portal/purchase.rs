//! Buying a reservation: subscription, catalogue, configuration, review, done.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Denied;
use fullmakt_domain::catalog::{
    BillingPlan, ListPriced, OfferFilter, PricedOffer, Quantity, Region, ReservedResourceType, SkuName, Term,
};
use fullmakt_domain::directory::{AzureSubscription, ListSubscriptions};
use fullmakt_domain::ids::{ReservationOrderId, SubscriptionId};
use fullmakt_domain::money::Money;
use fullmakt_domain::obstacle::{CanBuy, Item, MayIBuy, PartnerContact, Verdict, Who, day};
use fullmakt_domain::partner::GetBillingPartner;
use fullmakt_domain::price::totals;
use fullmakt_domain::purchase::BuyReservation;
use fullmakt_domain::quote::{GetQuote, QuotePrice, Quoted};
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::reservation::{AppliedScope, DisplayName, GetReservationOrder, OrderWithReservations};
use fullmakt_domain::role;
use fullmakt_domain::role_assignment::ListOwnRoles;
use fullmakt_domain::subscription::SubscriptionStatus;
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::{ExecuteError, ReadError};
use http::StatusCode;

use super::{Facts, Hindrances, Segments, segment};
use crate::error::PageError;
use crate::fields::{Fields, encoded};
use crate::parts::{Empty, Field, Pager};
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::Guest;
use crate::{format, words};

/// How many offers stand on a page.
const PAGE: usize = 25;
/// More offers of one SKU, region and term than there can be names that contain it.
const ALIKE: usize = 1_000;

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

#[derive(Template)]
#[template(path = "portal/purchase.html")]
struct BrowsePage {
    shell: Shell,
    subscription: Option<Field>,
    hindrances: Option<Hindrances>,
    /// What the prices are, where there are any.
    lead: Option<String>,
    picked: String,
    filters: Vec<Field>,
    rows: Vec<Row>,
    found: String,
    pager: Pager,
    empty: Empty,
}

impl BrowsePage {
    fn new(guest: &Guest) -> Self {
        let t = guest.visit().text;
        Self {
            shell: Shell::portal(guest, t.get("nav-purchase"), Place::Purchase),
            subscription: None,
            hindrances: None,
            lead: None,
            picked: String::new(),
            filters: Vec::new(),
            rows: Vec::new(),
            found: String::new(),
            pager: Pager::default(),
            empty: Empty::new(t.get("purchase-nothing"), t.get("purchase-nothing-text")),
        }
    }
}

/// What stands in the way, or the catalogue.
pub async fn browse(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let query = &guest.visit().query;
    let subscriptions = app.store.read(guest.actor(), &ListSubscriptions).await?;
    let mut page = BrowsePage::new(&guest);
    let picked = match query.get("subscription") {
        Some(text) => {
            let id = SubscriptionId::parse(text).ok();
            Some(subscriptions.iter().find(|s| Some(s.id) == id).ok_or(PageError::NotFound)?)
        }
        None => best(&app, &guest, &subscriptions).await?,
    };
    let Some(picked) = picked else {
        // Nothing that he may see: what is missing is said all the same (R12).
        let verdict = without_subscription(&app, &guest).await?;
        let found = verdict.and_then(|verdict| Hindrances::of(&guest, &verdict.obstacles));
        page.hindrances = found.map(Hindrances::without_links);
        page.empty = Empty::new(t.get("portal-no-subscriptions"), t.get("portal-no-subscriptions-text"));
        return Ok(ok(&page));
    };
    page.picked = picked.id.to_string();
    let choices = subscriptions.iter().map(|s| (s.id.to_string(), s.name.clone())).collect();
    page.subscription = Some(
        Field::choice("subscription", t.get("purchase-subscription"), choices)
            .hint(t.get("purchase-subscription-hint"))
            .value(picked.id.to_string()),
    );
    page.hindrances = hindrances(&app, &guest, picked.id, None, &AppliedScope::Shared).await?;
    if page.hindrances.is_some() {
        return Ok(ok(&page));
    }
    fill_catalogue(&app, &guest, picked.id, &mut page).await?;
    Ok(ok(&page))
}

/// The subscription on which the visitor is closest to buying.
async fn best<'s>(
    app: &App,
    guest: &Guest,
    subscriptions: &'s [AzureSubscription],
) -> Result<Option<&'s AzureSubscription>, PageError> {
    let grants = app.store.read(guest.actor(), &ListOwnRoles).await?;
    Ok(subscriptions.iter().min_by_key(|subscription| {
        let scope = ArmScope::Subscription(subscription.id);
        let owner = role::is_owner(&grants, &scope, guest.customer.tenant());
        (subscription.status != SubscriptionStatus::Active, !owner)
    }))
}

async fn without_subscription(app: &App, guest: &Guest) -> Result<Option<Verdict>, PageError> {
    if guest.on_behalf() {
        return Ok(None);
    }
    let query = CanBuy {
        customer: guest.customer,
        buyer: Who::Id(guest.actor().principal),
        subscription: None,
        item: None,
        scope: AppliedScope::Shared,
        now: guest.visit().request.now,
    };
    Ok(app.store.read(guest.actor(), &query).await?)
}

async fn hindrances(
    app: &App,
    guest: &Guest,
    subscription: SubscriptionId,
    item: Option<&Item>,
    scope: &AppliedScope,
) -> Result<Option<Hindrances>, PageError> {
    let now = guest.visit().request.now;
    let asked = MayIBuy { subscription, item: item.cloned(), scope: scope.clone(), now };
    let verdict = app.store.read(guest.actor(), &asked).await?.ok_or(PageError::NotFound)?;
    Ok(Hindrances::of(guest, &verdict.obstacles))
}

async fn partner_of(app: &App, guest: &Guest, id: SubscriptionId) -> Result<PartnerContact, PageError> {
    let query = GetBillingPartner { scope: ArmScope::Subscription(id) };
    app.store.read(guest.actor(), &query).await?.ok_or(PageError::NotFound)
}

async fn fill_catalogue(
    app: &App,
    guest: &Guest,
    subscription: SubscriptionId,
    page: &mut BrowsePage,
) -> Result<(), PageError> {
    let t = guest.visit().text;
    let query = &guest.visit().query;
    // What no form of ours sends filters nothing.
    let filter = OfferFilter {
        sku: query.text("q").to_owned(),
        family: query.get("family").map(str::to_owned),
        region: query.get("region").and_then(|text| Region::parse(text).ok()),
        term: query.get("term").and_then(|text| Term::parse(text).ok()),
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
    let mut regions = vec![any(t.get("purchase-any-region"))];
    regions.extend(found.regions.iter().map(|region| (region.to_string(), region.title().to_owned())));
    let mut terms = vec![any(t.get("purchase-any-term"))];
    terms.extend(Term::ALL.into_iter().map(|term| (term.code().to_owned(), words::term(t, term))));
    page.filters = vec![
        Field::text("q", t.get("purchase-sku")).kind("search").value(&filter.sku),
        Field::choice("family", t.get("purchase-family"), families).value(filter.family.clone().unwrap_or_default()),
        Field::choice("region", t.get("purchase-region"), regions)
            .value(filter.region.as_ref().map(ToString::to_string).unwrap_or_default()),
        Field::choice("term", t.get("purchase-term"), terms).value(filter.term.map(Term::code).unwrap_or_default()),
    ];
    let partner = partner_of(app, guest, subscription).await?;
    page.lead = Some(t.with("purchase-lead", "partner", &partner.name));
    page.rows = found.offers.iter().map(|offer| row(guest, subscription, offer)).collect();
    page.found = t.with("purchase-found", "number", found.total);
    let at = |number: usize| {
        let number = number.to_string();
        guest.path(&format!("/purchase{}", query.query_with(&[("page", &number)])))
    };
    page.pager = Pager {
        label: t.get("pager"),
        previous: (number > 1).then(|| (t.get("purchase-previous"), at(number.saturating_sub(1)))),
        next: (number.saturating_mul(PAGE) < found.total).then(|| (t.get("pager-next"), at(number.saturating_add(1)))),
    };
    Ok(())
}

fn row(guest: &Guest, subscription: SubscriptionId, offer: &PricedOffer) -> Row {
    let t = guest.visit().text;
    let money = |amount: Money| format::money(t.language(), amount);
    let one = Quantity::new(1).ok();
    let monthly = one
        .filter(|_| offer.billing_plans.contains(&BillingPlan::Monthly))
        .and_then(|one| totals(offer.price, one, BillingPlan::Monthly, offer.term, day(guest.visit().request.now)).ok())
        .and_then(|totals| totals.schedule.first().map(|payment| money(payment.amount)));
    Row {
        sku: offer.sku.short().to_owned(),
        about: about(t, offer),
        family: offer.family.clone(),
        region: offer.region.title().to_owned(),
        term: words::term(t, offer.term),
        price: money(offer.price),
        list: money(offer.list),
        monthly: monthly.unwrap_or_else(|| t.get("purchase-no-monthly")),
        path: guest.path(&format!(
            "/purchase/item?subscription={subscription}&type={}&sku={}&region={}&term={}",
            offer.resource_type,
            encoded(offer.sku.as_str()),
            offer.region,
            offer.term
        )),
    }
}

/// `Virtual machines, 2 vCPU, 8 GiB`.
fn about(t: Text, offer: &PricedOffer) -> String {
    let mut parts = vec![words::resource_type(offer.resource_type).to_owned()];
    parts.extend(offer.vcpus.map(|vcpus| format!("{vcpus} vCPU")));
    parts.extend(
        offer.memory_gib.map(|gib| format!("{} GiB", format::number(t.language(), &gib.normalize().to_string()))),
    );
    parts.join(", ")
}

/// What was chosen from the catalogue.
#[derive(Debug, Clone)]
struct Chosen {
    subscription: SubscriptionId,
    resource_type: ReservedResourceType,
    sku: SkuName,
    region: Region,
    term: Term,
}

impl Chosen {
    fn read(fields: &Fields) -> Option<Self> {
        Some(Self {
            subscription: SubscriptionId::parse(fields.get("subscription")?).ok()?,
            resource_type: ReservedResourceType::parse(fields.get("type")?).ok()?,
            sku: SkuName::parse(fields.get("sku")?).ok()?,
            region: Region::parse(fields.get("region")?).ok()?,
            term: Term::parse(fields.get("term")?).ok()?,
        })
    }

    fn of(quoted: &Quoted) -> Self {
        let item = quoted.item.clone();
        Self {
            subscription: quoted.subscription,
            resource_type: item.resource_type,
            sku: item.sku,
            region: item.region,
            term: item.term,
        }
    }

    fn hidden(&self) -> Vec<(&'static str, String)> {
        vec![
            ("subscription", self.subscription.to_string()),
            ("type", self.resource_type.to_string()),
            ("sku", self.sku.to_string()),
            ("region", self.region.to_string()),
            ("term", self.term.to_string()),
        ]
    }

    async fn offer(&self, app: &App, guest: &Guest) -> Result<PricedOffer, PageError> {
        let asked = ListPriced {
            subscription: self.subscription,
            filter: OfferFilter {
                sku: self.sku.to_string(),
                family: None,
                region: Some(self.region.clone()),
                term: Some(self.term),
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

#[derive(Template)]
#[template(path = "portal/purchase_item.html")]
struct ItemPage {
    shell: Shell,
    facts: Facts,
    price: String,
    list: String,
    path: String,
    back: String,
    hidden: Vec<(&'static str, String)>,
    quantity: Field,
    plan: Field,
    scope: Field,
    name: Field,
    problem: Option<String>,
}

const SHARED: &str = "shared";

impl ItemPage {
    async fn new(app: &App, guest: &Guest, chosen: &Chosen, fields: &Fields) -> Result<(Self, PricedOffer), PageError> {
        let t = guest.visit().text;
        let offer = chosen.offer(app, guest).await?;
        let subscriptions = app.store.read(guest.actor(), &ListSubscriptions).await?;
        let here = subscriptions.iter().find(|s| s.id == chosen.subscription).ok_or(PageError::NotFound)?;
        let plans = offer.billing_plans.iter().map(|plan| (plan.name().to_owned(), words::plan(t, *plan))).collect();
        let mut scopes = vec![(SHARED.to_owned(), t.get("purchase-scope-shared"))];
        // The benefit never reaches what another partner bought (R30, R31).
        let alike =
            subscriptions.iter().filter(|s| s.partner == here.partner && s.status == SubscriptionStatus::Active);
        scopes.extend(
            alike.map(|s| (ArmScope::Subscription(s.id).to_string(), t.with("purchase-scope-single", "name", &s.name))),
        );
        let partner = partner_of(app, guest, chosen.subscription).await?;
        let money = |amount: Money| format::money(t.language(), amount);
        let shell = Shell::portal(guest, t.get("purchase-configure"), Place::Purchase);
        let page = Self {
            shell: shell.via(t.get("nav-purchase"), guest.path(&format!("/purchase?subscription={}", here.id))),
            facts: vec![
                (t.get("purchase-sku"), offer.sku.to_string()),
                (t.get("purchase-about"), about(t, &offer)),
                (t.get("purchase-region"), offer.region.title().to_owned()),
                (t.get("purchase-term"), words::term(t, offer.term)),
                (t.get("purchase-subscription"), here.name.clone()),
            ],
            price: t.with_all("purchase-your-price", &[("partner", &partner.name), ("price", &money(offer.price))]),
            list: t.with("purchase-list-price", "price", money(offer.list)),
            path: guest.path("/purchase/item"),
            back: guest.path(&format!("/purchase?subscription={}", here.id)),
            hidden: chosen.hidden(),
            quantity: Field::text("quantity", t.get("purchase-quantity"))
                .kind("number")
                .hint(t.with("purchase-quantity-hint", "most", i64::from(Quantity::MAX)))
                .value(fields.get("quantity").unwrap_or("1"))
                .required()
                .small(),
            plan: Field::choice("plan", t.get("purchase-plan"), plans)
                .hint(t.get("purchase-plan-hint"))
                .value(fields.text("plan"))
                .small(),
            scope: Field::choice("scope", t.get("purchase-scope"), scopes)
                .hint(t.get("purchase-scope-hint"))
                .value(fields.text("scope")),
            name: Field::text("name", t.get("purchase-name"))
                .hint(t.get("purchase-name-hint"))
                .value(fields.text("name")),
            problem: None,
        };
        Ok((page, offer))
    }
}

/// How much of it, how paid, for what.
pub async fn configure(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let query = &guest.visit().query;
    let chosen = Chosen::read(query).ok_or(PageError::NotFound)?;
    if hindrances(&app, &guest, chosen.subscription, None, &AppliedScope::Shared).await?.is_some() {
        // Everything that is missing is said there, before anyone fills in a form (R12).
        let path = guest.path(&format!("/purchase?subscription={}", chosen.subscription));
        return Ok(Redirect::to(&path).into_response());
    }
    Ok(ok(&ItemPage::new(&app, &guest, &chosen, query).await?.0))
}

/// What a form says of scope and name; `Err` names the field.
fn placement(fields: &Fields) -> Result<(AppliedScope, Option<DisplayName>), &'static str> {
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

/// Asks for a price that holds, and shows it.
pub async fn quote(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let form = &guest.visit().form;
    let chosen = Chosen::read(form).ok_or(PageError::Malformed)?;
    let (mut page, offer) = ItemPage::new(&app, &guest, &chosen, form).await?;
    let quantity = form.get("quantity").and_then(|text| text.parse().ok()).and_then(|n| Quantity::new(n).ok());
    if quantity.is_none() {
        let text = t.with("purchase-quantity-wrong", "most", i64::from(Quantity::MAX));
        page.quantity = page.quantity.error(Some(&text));
    }
    let plan = form.get("plan").and_then(|text| BillingPlan::parse(text).ok());
    let plan = plan.filter(|plan| offer.billing_plans.contains(plan));
    if plan.is_none() {
        page.plan = page.plan.error(Some(&t.get("purchase-plan-wrong")));
    }
    let placed = placement(form);
    match placed {
        Err("scope") => page.scope = page.scope.error(Some(&t.get("purchase-scope-wrong"))),
        Err(_) => page.name = page.name.error(Some(&t.get("purchase-name-wrong"))),
        Ok(_) => {}
    }
    let (Some(quantity), Some(plan), Ok((scope, _))) = (quantity, plan, placed) else {
        return Ok(render(StatusCode::BAD_REQUEST, &page));
    };
    let item = Item {
        resource_type: offer.resource_type,
        sku: offer.sku,
        region: offer.region,
        term: offer.term,
        plan,
        quantity,
    };
    let asked =
        MayIBuy { subscription: chosen.subscription, item: Some(item.clone()), scope, now: guest.visit().request.now };
    let verdict = app.store.read(guest.actor(), &asked).await?.ok_or(PageError::NotFound)?;
    if !verdict.obstacles.is_empty() {
        let refused = Refusal::PurchaseNotAllowed { obstacles: verdict.obstacles };
        page.problem = Some(words::refusal(t, &refused));
        return Ok(render(StatusCode::CONFLICT, &page));
    }
    let order = ReservationOrderId(uuid::Uuid::new_v4());
    let command = QuotePrice { order, subscription: chosen.subscription, item };
    match app.store.execute(guest.actor(), &command, &guest.visit().request).await {
        Ok(_) => Ok(Redirect::to(&review_path(&guest, order, chosen.subscription, form)).into_response()),
        Err(ExecuteError::Refused(refused)) => {
            page.problem = Some(words::refusal(t, &refused));
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

fn review_path(guest: &Guest, order: ReservationOrderId, subscription: SubscriptionId, fields: &Fields) -> String {
    let scope = encoded(fields.get("scope").unwrap_or(SHARED));
    let name = fields.get("name").map(|name| format!("&name={}", encoded(name))).unwrap_or_default();
    guest.path(&format!("/purchase/review/{order}?subscription={subscription}&scope={scope}{name}"))
}

#[derive(Template)]
#[template(path = "portal/purchase_review.html")]
struct ReviewPage {
    shell: Shell,
    facts: Facts,
    prices: Vec<(String, String, String)>,
    payments: String,
    billed: String,
    limits: String,
    /// Until when the price holds; none: it has lapsed.
    holds: Option<String>,
    hindrances: Option<Hindrances>,
    problem: Option<String>,
    buy: String,
    hidden: Vec<(&'static str, String)>,
    again: String,
    hidden_again: Vec<(&'static str, String)>,
    back: String,
}

/// What is about to be bought.
struct Ready {
    quoted: Quoted,
    scope: AppliedScope,
    name: Option<DisplayName>,
}

impl Ready {
    /// `None` where there is no such price of the visitor's own.
    async fn find(app: &App, guest: &Guest, order: ReservationOrderId, fields: &Fields) -> Result<Self, PageError> {
        let id = fields.get("subscription").and_then(|text| SubscriptionId::parse(text).ok());
        let subscription = id.ok_or(PageError::NotFound)?;
        let quoted = app.store.read(guest.actor(), &GetQuote { subscription, order }).await?;
        let (scope, name) = placement(fields).map_err(|_| PageError::Malformed)?;
        Ok(Self { quoted: quoted.ok_or(PageError::NotFound)?, scope, name })
    }

    fn command(&self) -> BuyReservation {
        BuyReservation {
            order: self.quoted.order,
            subscription: self.quoted.subscription,
            item: self.quoted.item.clone(),
            scope: self.scope.clone(),
            display_name: self.name.clone(),
            instance_flexibility: true,
            renew: false,
            review_at: None,
        }
    }

    async fn page(&self, app: &App, guest: &Guest, fields: &Fields) -> Result<ReviewPage, PageError> {
        let t = guest.visit().text;
        let now = guest.visit().request.now;
        let Quoted { order, subscription, item, list, price, lapses_at } = &self.quoted;
        let partner = partner_of(app, guest, *subscription).await?;
        let names = app.store.read(guest.actor(), &ListSubscriptions).await?;
        let name_of = |id: SubscriptionId| names.iter().find(|s| s.id == id).map(|s| s.name.clone());
        let applied = self.scope.scope().and_then(ArmScope::subscription).and_then(name_of);
        let money = |amount: Money| format::money(t.language(), amount);
        let of = |unit: Money| totals(unit, item.quantity, item.plan, item.term, day(now));
        let own = of(*price).map_err(|reason| PageError::from(ExecuteError::Refused(Refusal::Money(reason))))?;
        let listed = of(*list).map_or_else(|_| t.get("purchase-unknown"), |totals| money(totals.total));
        let mut hidden_again = Chosen::of(&self.quoted).hidden();
        hidden_again.push(("quantity", item.quantity.to_string()));
        hidden_again.push(("plan", item.plan.name().to_owned()));
        let mut hidden = vec![("subscription", subscription.to_string())];
        for name in ["scope", "name"] {
            if let Some(value) = fields.get(name) {
                hidden.push((name, value.to_owned()));
                hidden_again.push((name, value.to_owned()));
            }
        }
        let chosen = Chosen::of(&self.quoted);
        let item_path = guest.path(&format!(
            "/purchase/item?subscription={subscription}&type={}&sku={}&region={}&term={}&quantity={}&plan={}",
            chosen.resource_type,
            encoded(chosen.sku.as_str()),
            chosen.region,
            chosen.term,
            item.quantity,
            item.plan
        ));
        let shell = Shell::portal(guest, t.get("purchase-review"), Place::Purchase)
            .via(t.get("nav-purchase"), guest.path(&format!("/purchase?subscription={subscription}")))
            .via(t.get("purchase-configure"), item_path.clone());
        Ok(ReviewPage {
            facts: vec![
                (t.get("purchase-sku"), item.sku.to_string()),
                (t.get("purchase-region"), item.region.title().to_owned()),
                (t.get("purchase-term"), words::term(t, item.term)),
                (t.get("purchase-quantity"), format::number(t.language(), &item.quantity.to_string())),
                (t.get("purchase-plan"), words::plan(t, item.plan)),
                (t.get("purchase-scope"), words::applied_scope(t, &self.scope, applied.as_deref())),
                (t.get("purchase-subscription"), name_of(*subscription).unwrap_or_else(|| subscription.to_string())),
                (
                    t.get("purchase-name"),
                    self.name.as_ref().map_or_else(|| t.get("purchase-name-made"), ToString::to_string),
                ),
            ],
            prices: vec![
                (t.with("purchase-price-of", "partner", &partner.name), money(*price), money(own.total)),
                (t.get("purchase-price-list"), money(*list), listed),
            ],
            payments: payments(t, &own.schedule.iter().map(|payment| payment.amount).collect::<Vec<_>>()),
            billed: t.with("purchase-billed", "partner", &partner.name),
            limits: t.with("purchase-limits", "partner", words::reached(&partner.name, &partner.support)),
            holds: (now < *lapses_at).then(|| t.with("purchase-holds", "at", format::instant(t, *lapses_at))),
            hindrances: hindrances(app, guest, *subscription, Some(item), &self.scope).await?,
            problem: None,
            buy: guest.path(&format!("/purchase/review/{order}")),
            hidden,
            again: guest.path("/purchase/item"),
            hidden_again,
            back: item_path,
            shell,
        })
    }
}

/// When what is to be paid.
fn payments(t: Text, amounts: &[Money]) -> String {
    let money = |amount: &Money| format::money(t.language(), *amount);
    match (amounts.first(), amounts.last()) {
        (Some(first), Some(_)) if amounts.len() == 1 => t.with("purchase-paid-once", "amount", money(first)),
        (Some(first), Some(last)) if first == last => {
            t.with_all("purchase-paid-monthly", &[("number", &amounts.len()), ("amount", &money(first))])
        }
        // Instalments differ by a coin where the total does not divide.
        (Some(first), Some(last)) => t.with_all(
            "purchase-paid-unevenly",
            &[("number", &amounts.len()), ("first", &money(first)), ("last", &money(last))],
        ),
        _ => String::new(),
    }
}

/// What was bought on the quote, if anything.
async fn bought(
    app: &App,
    guest: &Guest,
    order: ReservationOrderId,
) -> Result<Option<OrderWithReservations>, PageError> {
    match app.store.read(guest.actor(), &GetReservationOrder { order }).await {
        Ok(found) => Ok(found),
        Err(ReadError::Denied(Denied::Hidden | Denied::Forbidden { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Everything once more, and until when the price holds.
pub async fn review(
    State(app): State<App>,
    Path(segments): Path<Segments>,
    guest: Guest,
) -> Result<Response, PageError> {
    let order = segment(&segments, "order")?;
    if bought(&app, &guest, order).await?.is_some() {
        return Ok(Redirect::to(&guest.path(&format!("/purchase/done/{order}"))).into_response());
    }
    let query = &guest.visit().query;
    let ready = Ready::find(&app, &guest, order, query).await?;
    Ok(ok(&ready.page(&app, &guest, query).await?))
}

/// Buys. Sent twice, it buys once (R13).
pub async fn buy(State(app): State<App>, Path(segments): Path<Segments>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let order = segment(&segments, "order")?;
    let form = &guest.visit().form;
    let ready = Ready::find(&app, &guest, order, form).await?;
    match app.store.execute(guest.actor(), &ready.command(), &guest.visit().request).await {
        Ok(_) => Ok(go(&guest.path(&format!("/purchase/done/{order}")), "notice-bought")),
        Err(ExecuteError::Refused(refused)) => {
            let mut page = ready.page(&app, &guest, form).await?;
            if page.hindrances.is_none() {
                page.problem = Some(words::refusal(t, &refused));
            }
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "portal/purchase_done.html")]
struct DonePage {
    shell: Shell,
    facts: Facts,
    reservation: String,
    list: String,
    again: String,
}

/// It is bought.
pub async fn done(State(app): State<App>, Path(segments): Path<Segments>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let order = segment(&segments, "order")?;
    let found = bought(&app, &guest, order).await?.ok_or(PageError::NotFound)?;
    let first = found.reservations.first().ok_or(PageError::NotFound)?;
    let bought = &found.order;
    let own = totals(bought.prices.customer, bought.quantity, bought.plan, bought.term, day(bought.requested_at));
    let mut facts = vec![
        (t.get("reservations-name"), first.display_name.to_string()),
        (t.get("reservations-order-number"), bought.order.alternate().to_owned()),
        (t.get("purchase-sku"), bought.sku.to_string()),
        (t.get("purchase-quantity"), format::number(t.language(), &bought.quantity.to_string())),
        (t.get("reservations-starts"), format::instant(t, bought.starts_at)),
        (t.get("reservations-expires"), format::instant(t, bought.expires_at)),
    ];
    if let Ok(own) = own {
        let amounts: Vec<Money> = own.schedule.iter().map(|payment| payment.amount).collect();
        facts.push((t.get("purchase-total"), format::money(t.language(), own.total)));
        facts.push((t.get("purchase-payments"), payments(t, &amounts)));
    }
    Ok(ok(&DonePage {
        shell: Shell::portal(&guest, t.get("purchase-done"), Place::Purchase),
        facts,
        reservation: guest.path(&format!("/reservations/{order}/{}", first.id)),
        list: guest.path("/reservations"),
        again: guest.path(&format!("/purchase?subscription={}", bought.subscription)),
    }))
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
            }
        }
    }
}
