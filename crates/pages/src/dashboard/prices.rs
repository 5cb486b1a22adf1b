//! Prices (R14): the partner's price rules, and what a customer would pay by them.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::catalog::{SkuName, Term, ViewPartnerCatalog};
use fullmakt_domain::history::{FindCustomers, NamedCustomer, OfferChoices, ViewPrices};
use fullmakt_domain::ids::{CustomerId, PriceRuleId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::price_rule::{
    AddPriceRule, EndPriceRule, InvalidPriceRule, ListPriceRules, PriceRule, PriceRuleKind,
};
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::ExecuteError;
use http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::add_products::{offer_fields, offer_filter};
use super::orders::{page_number, page_of, pager, sees_cost};
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::{Badge, Empty, Field, Pager, Tone};
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::Agent;
use crate::words;

const PATH: &str = "/dashboard/prices";
/// Rules or offers on a page.
const PAGE: usize = 25;
/// How many customers are offered where a name fits several.
const CUSTOMERS_MAX: u32 = 10;

fn may_change(agent: &Agent) -> bool {
    agent.has(&[PartnerRole::AdminAgent])
}

fn today(agent: &Agent) -> Date {
    agent.visit().request.now.to_zoned(TimeZone::UTC).date()
}

#[derive(Template)]
#[template(path = "dashboard/prices.html")]
struct PricesPage {
    shell: Shell,
    may_change: bool,
    filters: Vec<Field>,
    rows: Vec<RuleRow>,
    pager: Pager,
    empty: Empty,
}

struct RuleRow {
    customer: Option<NamedCustomer>,
    product: String,
    term: String,
    effect: String,
    from: String,
    until: String,
    state: Badge,
    end: Option<String>,
    end_label: String,
}

/// Whether a rule holds, has ended, or is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RuleState {
    Current,
    Future,
    Ended,
}

impl RuleState {
    const ALL: [Self; 3] = [Self::Current, Self::Future, Self::Ended];

    fn of(rule: &PriceRule, today: Date) -> Self {
        if rule.holds_on(today) {
            Self::Current
        } else if rule.from > today && rule.until.is_none_or(|until| until > rule.from) {
            Self::Future
        } else {
            Self::Ended
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Future => "future",
            Self::Ended => "ended",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Current => "prices-current",
            Self::Future => "prices-future",
            Self::Ended => "prices-ended",
        }
    }

    fn badge(self, t: Text) -> Badge {
        let tone = if self == Self::Current { Tone::Good } else { Tone::Quiet };
        Badge::new(tone, t.get(self.key()))
    }
}

/// What a rule does, in a few words.
fn effect(shell: &Shell, kind: PriceRuleKind) -> String {
    let percent = |percent: Decimal| shell.number(percent.normalize());
    match kind {
        PriceRuleKind::Discount(off) => shell.t1("prices-discount-of", "percent", percent(off)),
        PriceRuleKind::Markup(on_top) => shell.t1("prices-markup-of", "percent", percent(on_top)),
        PriceRuleKind::Fixed(amount) => shell.t1("prices-fixed-at", "amount", shell.money(&amount)),
    }
}

fn product(t: Text, rule: &PriceRule) -> String {
    match (&rule.sku, &rule.family) {
        (Some(sku), _) => sku.to_string(),
        (None, Some(family)) => t.with("prices-of-family", "family", family),
        (None, None) => t.get("prices-all-products"),
    }
}

/// The list: what holds now unless asked for otherwise.
pub async fn list(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let (t, query, today) = (agent.visit().text, &agent.visit().query, today(&agent));
    let mut rules = app.store.read(agent.actor(), &ListPriceRules).await?;
    let none_at_all = rules.is_empty();
    let state = query.get("state").and_then(|word| RuleState::ALL.into_iter().find(|state| state.word() == word));
    rules.retain(|rule| state.is_none_or(|state| RuleState::of(rule, today) == state));
    rules.reverse();
    let number = page_number(query);
    let (rules, more) = page_of(rules, number, PAGE);
    let ids = rules.iter().filter_map(|rule| rule.customer).collect();
    let named = app.store.read(agent.actor(), &FindCustomers::Ids(ids)).await?;
    let named: HashMap<CustomerId, NamedCustomer> = named.into_iter().map(|customer| (customer.id, customer)).collect();
    let shell = Shell::dashboard(&agent, t.get("nav-prices"), Place::Prices);
    let may_change = may_change(&agent);
    let rows = rules.iter().map(|rule| {
        let state = RuleState::of(rule, today);
        let product = product(t, rule);
        RuleRow {
            customer: rule.customer.and_then(|id| named.get(&id).cloned()),
            term: rule.term.map_or_else(|| t.get("prices-any-term"), |term| words::term(t, term)),
            effect: effect(&shell, rule.kind),
            from: shell.date(&rule.from),
            until: rule.until.map_or_else(|| "–".to_owned(), |until| shell.date(&until)),
            state: state.badge(t),
            end: (may_change && state != RuleState::Ended).then(|| format!("{PATH}/{}/end", rule.id)),
            end_label: t.with("prices-end-rule", "rule", format!("{product}, {}", effect(&shell, rule.kind))),
            product,
        }
    });
    let rows = rows.collect();
    let states = RuleState::ALL.into_iter().map(|state| (state.word().to_owned(), t.get(state.key())));
    let states = std::iter::once((String::new(), t.get("prices-any-state"))).chain(states).collect();
    let filters = vec![Field::choice("state", t.get("orders-state"), states).value(query.text("state"))];
    let empty = if none_at_all {
        Empty::new(t.get("prices-none"), t.get("prices-none-text"))
    } else {
        Empty::new(t.get("orders-none-found"), t.get("orders-none-found-text"))
    };
    let pager = pager(t, PATH, query, number, more);
    Ok(ok(&PricesPage { shell, may_change, filters, rows, pager, empty }))
}

#[derive(Template)]
#[template(path = "dashboard/price_rule.html")]
struct RulePage {
    shell: Shell,
    problem: Option<String>,
    who: Vec<Field>,
    what: Vec<Field>,
    how: Vec<Field>,
    when: Vec<Field>,
}

/// What is wrong with a form: the field and the sentence.
type Wrong = (&'static str, String);

/// The form, with what was typed and what is wrong with it.
async fn rule_page(app: &App, agent: &Agent, form: &Fields, wrong: Option<Wrong>) -> Result<Response, PageError> {
    let t = agent.visit().text;
    let storefront = app.store.read(agent.actor(), &ViewPartnerCatalog { customer: None }).await?;
    let catalog = app.store.catalog().await?;
    let offers = catalog.offers().iter().filter(|offer| offer.currency() == storefront.currency);
    let families: std::collections::BTreeSet<&str> = offers.map(|offer| offer.family.as_str()).collect();
    let families = families.into_iter().map(|family| (family.to_owned(), family.to_owned()));
    let any = |key: &str| std::iter::once((String::new(), t.get(key)));
    let terms = Term::ALL.into_iter().map(|term| (term.code().to_owned(), words::term(t, term)));
    let kinds = vec![
        ("discount".to_owned(), t.get("prices-discount")),
        ("markup".to_owned(), t.get("prices-markup")),
        ("fixed".to_owned(), t.with("prices-fixed", "currency", storefront.currency.code())),
    ];
    let error = |name: &str| wrong.as_ref().filter(|(field, _)| *field == name).map(|(_, text)| text.as_str());
    let field = |field: Field, name: &str| field.value(form.text(name)).error(error(name));
    let from = if form.get("from").is_some() { form.text("from").to_owned() } else { today(agent).to_string() };
    let who =
        vec![field(Field::text("customer", t.get("prices-customer")).hint(t.get("prices-customer-hint")), "customer")];
    let what = vec![
        field(
            Field::choice("family", t.get("wizard-family"), any("wizard-any-family").chain(families).collect()),
            "family",
        ),
        field(Field::text("sku", t.get("wizard-size")).hint(t.get("prices-size-hint")), "sku"),
        field(Field::choice("term", t.get("order-term"), any("wizard-any-term").chain(terms).collect()), "term"),
    ];
    let how = vec![
        field(Field::choice("kind", t.get("prices-kind"), kinds), "kind"),
        field(Field::text("amount", t.get("prices-amount")).hint(t.get("prices-amount-hint")), "amount")
            .required()
            .small(),
    ];
    let when = vec![
        Field::text("from", t.get("prices-from")).kind("date").value(from).error(error("from")).small(),
        field(Field::text("until", t.get("prices-until")).kind("date").hint(t.get("prices-until-hint")), "until")
            .small(),
    ];
    let shell = Shell::dashboard(agent, t.get("prices-add"), Place::Prices).via(t.get("nav-prices"), PATH);
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let problem = wrong.as_ref().map(|_| t.get("prices-problem"));
    Ok(render(status, &RulePage { shell, problem, who, what, how, when }))
}

/// The form of a new rule.
pub async fn new(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    if may_change(&agent) {
        rule_page(&app, &agent, &agent.visit().query, None).await
    } else {
        Err(PageError::Forbidden)
    }
}

/// A decimal as people write it: with a comma or a point, blanks between thousands.
fn decimal(text: &str) -> Option<Decimal> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| if c == ',' { '.' } else { c }).collect();
    let fits = (1..=20).contains(&plain.len()) && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    if fits { Decimal::from_str_exact(&plain).ok() } else { None }
}

fn day(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if shape { text.parse().ok() } else { None }
}

/// Reads the form of a rule.
fn read(
    t: Text,
    form: &Fields,
    customer: Option<CustomerId>,
    currency: Currency,
    today: Date,
) -> Result<AddPriceRule, Wrong> {
    let date = |name: &'static str| match form.get(name) {
        None => Ok(None),
        Some(text) => day(text).map(Some).ok_or_else(|| (name, t.get("activity-date-wrong"))),
    };
    let amount = decimal(form.text("amount")).ok_or_else(|| ("amount", t.get("prices-amount-wrong")))?;
    let kind = match form.text("kind") {
        "discount" => PriceRuleKind::Discount(amount),
        "markup" => PriceRuleKind::Markup(amount),
        "fixed" => {
            let amount = Money::exact(amount, currency).map_err(|_| ("amount", t.get("price-rule-fixed-range")))?;
            PriceRuleKind::Fixed(amount)
        }
        _ => return Err(("kind", t.get("prices-kind-wrong"))),
    };
    let sku = form.get("sku").map(|text| SkuName::parse(text).map_err(|_| ("sku", t.get("prices-size-wrong"))));
    let term = form.get("term").map(|text| Term::parse(text).map_err(|_| ("term", t.get("prices-term-wrong"))));
    Ok(AddPriceRule {
        id: PriceRuleId(Uuid::new_v4()),
        customer,
        family: form.get("family").map(str::to_owned),
        sku: sku.transpose()?,
        term: term.transpose()?,
        kind,
        from: date("from")?.unwrap_or(today),
        until: date("until")?,
    })
}

/// The one customer that a text names, or why there is none.
async fn customer(app: &App, agent: &Agent, asked: &str) -> Result<Result<NamedCustomer, String>, PageError> {
    let t = agent.visit().text;
    let query = match CustomerId::parse(asked) {
        Ok(id) => FindCustomers::Ids(vec![id]),
        Err(_) => FindCustomers::Beginning(asked.to_owned(), CUSTOMERS_MAX),
    };
    let mut found = app.store.read(agent.actor(), &query).await?;
    if let Some(exact) = found.iter().position(|customer| customer.name.to_lowercase() == asked.to_lowercase())
        && found.iter().filter(|customer| customer.name.to_lowercase() == asked.to_lowercase()).count() == 1
    {
        return Ok(Ok(found.swap_remove(exact)));
    }
    Ok(match (found.len(), found.pop()) {
        (1, Some(customer)) => Ok(customer),
        (0, _) => Err(t.get("prices-customer-unknown")),
        _ => Err(t.get("prices-customer-several")),
    })
}

/// The field of the form that a rule's mistake belongs to.
fn field_of(wrong: &InvalidPriceRule) -> &'static str {
    match wrong.field() {
        "sku" => "sku",
        "until" => "until",
        _ => "amount",
    }
}

/// Makes a rule.
pub async fn add(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    if !may_change(&agent) {
        return Err(PageError::Forbidden);
    }
    let (t, form) = (agent.visit().text, &agent.visit().form);
    let customer = match form.get("customer") {
        None => None,
        Some(asked) => match customer(&app, &agent, asked).await? {
            Ok(customer) => Some(customer.id),
            Err(problem) => return rule_page(&app, &agent, form, Some(("customer", problem))).await,
        },
    };
    let currency = app.store.read(agent.actor(), &ViewPartnerCatalog { customer: None }).await?.currency;
    let command = match read(t, form, customer, currency, today(&agent)) {
        Ok(command) => command,
        Err(wrong) => return rule_page(&app, &agent, form, Some(wrong)).await,
    };
    // A rule for something that is not in the catalogue is most likely a slip of the pen.
    let catalog = app.store.catalog().await?;
    if command.sku.as_ref().is_some_and(|sku| !catalog.has_sku(sku)) {
        return rule_page(&app, &agent, form, Some(("sku", t.get("prices-size-wrong")))).await;
    }
    if command.family.as_ref().is_some_and(|family| !catalog.has_family(family)) {
        return rule_page(&app, &agent, form, Some(("family", t.get("prices-family-wrong")))).await;
    }
    match app.store.execute(agent.actor(), &command, &agent.visit().request).await {
        Ok(_) => Ok(go(PATH, "notice-price-rule-added")),
        Err(ExecuteError::Refused(Refusal::InvalidPriceRule(wrong))) => {
            let problem = (field_of(&wrong), words::price_rule(t, &wrong));
            rule_page(&app, &agent, form, Some(problem)).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "dashboard/price_rule_end.html")]
struct EndPage {
    shell: Shell,
    path: String,
    facts: Vec<(String, String)>,
    until: Field,
}

async fn end_page(app: &App, agent: &Agent, id: &str, wrong: Option<String>) -> Result<Response, PageError> {
    if !may_change(agent) {
        return Err(PageError::Forbidden);
    }
    let id = PriceRuleId::parse(id).map_err(|_| PageError::NotFound)?;
    let rules = app.store.read(agent.actor(), &ListPriceRules).await?;
    let rule = rules.into_iter().find(|rule| rule.id == id).ok_or(PageError::NotFound)?;
    let t = agent.visit().text;
    let named = FindCustomers::Ids(rule.customer.into_iter().collect());
    let named = app.store.read(agent.actor(), &named).await?.into_iter().next();
    let shell = Shell::dashboard(agent, t.get("prices-end-title"), Place::Prices).via(t.get("nav-prices"), PATH);
    let mut facts = vec![
        (t.get("prices-customer"), named.map_or_else(|| t.get("prices-all-customers"), |customer| customer.name)),
        (t.get("orders-product"), product(t, &rule)),
        (t.get("order-term"), rule.term.map_or_else(|| t.get("prices-any-term"), |term| words::term(t, term))),
        (t.get("prices-effect"), effect(&shell, rule.kind)),
        (t.get("prices-from"), shell.date(&rule.from)),
    ];
    facts.extend(rule.until.map(|until| (t.get("prices-until"), shell.date(&until))));
    let form = &agent.visit().form;
    let value = form.get("until").map_or_else(|| today(agent).to_string(), str::to_owned);
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let until = Field::text("until", t.get("prices-until")).kind("date").value(value).error(wrong.as_deref()).small();
    Ok(render(status, &EndPage { shell, path: format!("{PATH}/{id}/end"), facts, until }))
}

/// Asks from when a rule shall no longer hold.
pub async fn ask_end(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    end_page(&app, &agent, &id, None).await
}

/// Ends a rule.
pub async fn end(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let t = agent.visit().text;
    let rule = PriceRuleId::parse(&id).map_err(|_| PageError::NotFound)?;
    let until = match agent.visit().form.get("until") {
        None => None,
        Some(text) => match day(text) {
            Some(day) => Some(day),
            None => return end_page(&app, &agent, &id, Some(t.get("activity-date-wrong"))).await,
        },
    };
    match app.store.execute(agent.actor(), &EndPriceRule { id: rule, until }, &agent.visit().request).await {
        Ok(_) => Ok(go(PATH, "notice-price-rule-ended")),
        Err(ExecuteError::Refused(Refusal::PriceRuleNotFound { .. })) => Err(PageError::NotFound),
        Err(ExecuteError::Refused(Refusal::InvalidPriceRule(wrong))) => {
            end_page(&app, &agent, &id, Some(words::price_rule(t, &wrong))).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "dashboard/price_preview.html")]
struct PreviewPage {
    shell: Shell,
    filters: Vec<Field>,
    customer: Option<NamedCustomer>,
    sees_cost: bool,
    rows: Vec<PreviewRow>,
    pager: Pager,
    empty: Empty,
}

struct PreviewRow {
    sku: String,
    region: String,
    term: String,
    list: String,
    price: String,
    difference: String,
    by_rule: bool,
    cost: String,
    margin: String,
}

/// What a customer would pay today, beside the list price and, for those who may know it, the partner's own cost.
pub async fn preview(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let (t, query) = (agent.visit().text, &agent.visit().query);
    let shell = Shell::dashboard(&agent, t.get("prices-preview"), Place::Prices).via(t.get("nav-prices"), PATH);
    let asked = query.text("customer");
    let (customer, wrong) = if asked.is_empty() {
        (None, None)
    } else {
        match customer(&app, &agent, asked).await? {
            Ok(customer) => (Some(customer), None),
            Err(problem) => (None, Some(problem)),
        }
    };
    let number = page_number(query);
    let page = match &customer {
        None => None,
        Some(customer) => {
            let query = ViewPrices {
                customer: customer.id,
                now: agent.visit().request.now,
                filter: offer_filter(query),
                offset: number.saturating_mul(PAGE),
                size: PAGE,
            };
            Some(app.store.read(agent.actor(), &query).await?)
        }
    };
    let choices = page.as_ref().map_or_else(OfferChoices::default, |page| page.choices.clone());
    let name = customer.as_ref().map_or(asked, |customer| &customer.name);
    let mut filters =
        vec![Field::text("customer", t.get("prices-customer")).kind("search").value(name).error(wrong.as_deref())];
    if page.is_some() {
        filters.extend(offer_fields(t, query, &choices));
    }
    let offers = page.iter().flat_map(|page| &page.offers);
    let rows = offers.map(|(offer, prices)| {
        let less = |from: Money, what: Money| from.plus(what.negated()).unwrap_or(from);
        PreviewRow {
            sku: offer.sku.to_string(),
            region: offer.region.title().to_owned(),
            term: words::term(t, offer.term),
            list: shell.money(&prices.list),
            price: shell.money(&prices.customer_unit_price),
            difference: shell.money(&less(prices.customer_unit_price, prices.list)),
            by_rule: prices.rule.is_some(),
            cost: shell.money(&prices.partner_cost),
            margin: shell.money(&less(prices.customer_unit_price, prices.partner_cost)),
        }
    });
    let rows = rows.collect();
    let empty = if customer.is_some() {
        Empty::new(t.get("wizard-no-offers"), t.get("wizard-no-offers-text"))
    } else {
        Empty::new(t.get("prices-preview-whose"), t.get("prices-preview-whose-text"))
    };
    let more = page.is_some_and(|page| page.more);
    let pager = pager(t, &format!("{PATH}/preview"), query, number, more);
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let sees_cost = sees_cost(&agent);
    Ok(render(status, &PreviewPage { shell, filters, customer, sees_cost, rows, pager, empty }))
}

#[cfg(test)]
mod tests {
    use fullmakt_server::text::Language;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::words::texts;

    fn parse(query: &str) -> Result<AddPriceRule, Wrong> {
        let form = Fields::parse(query.as_bytes());
        let eur = Currency::parse("EUR").unwrap();
        read(texts(Language::English), &form, None, eur, date(2026, 11, 22))
    }

    #[test]
    fn a_rule_is_read_or_the_field_is_named() {
        for (form, wrong) in [
            ("kind=discount&amount=5", None),
            ("kind=markup&amount=12,5&family=Dsv5&term=P1Y&until=2027-01-01", None),
            ("kind=fixed&amount=1+234,50&sku=Standard_D2s_v5&from=2026-12-01", None),
            ("kind=discount", Some("amount")),
            ("kind=discount&amount=5%25", Some("amount")),
            ("kind=fixed&amount=0.00000001", Some("amount")),
            ("kind=x&amount=5", Some("kind")),
            ("kind=discount&amount=5&term=P2Y", Some("term")),
            ("kind=discount&amount=5&from=tomorrow", Some("from")),
            ("kind=discount&amount=5&until=2026-02-30", Some("until")),
            ("kind=discount&amount=5&sku=%C3%A5", Some("sku")),
        ] {
            assert_eq!(parse(form).err().map(|(field, _)| field), wrong, "{form}");
        }
        let rule = parse("kind=fixed&amount=1+234,50").unwrap();
        assert_eq!(rule.from, date(2026, 11, 22));
        assert!(matches!(rule.kind, PriceRuleKind::Fixed(amount) if amount.amount_e6 == 1_234_500_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_form_is_read_or_refused(
            kind in "(discount|markup|fixed|.{0,6})", amount in "[0-9., å-]{0,24}", rest in "[ -~]{0,20}",
        ) {
            let _ = parse(&format!("kind={kind}&amount={amount}&until={rest}&sku={rest}&from={rest}"));
        }
    }
}
