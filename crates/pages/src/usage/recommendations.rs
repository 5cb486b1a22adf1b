//! What to buy: the reservations that would have saved most, each with a link to buying it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::{BillingPlan, Term};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::operation::PLACE_ORDER;
use fullmakt_domain::recommendation::{Advice, LookBack, ReadRecommendations, Recommendation};
use fullmakt_domain::usage::hour_start;
use fullmakt_server::App;
use rust_decimal::Decimal;

use super::{Names, Reader, known_in_words};
use crate::chart::{BarChart, Group};
use crate::dashboard::lacking;
use crate::error::PageError;
use crate::fields::{Fields, encoded};
use crate::parts::{Empty, Field};
use crate::shell::{Place, Shell, ok};
use crate::{format, words};

/// Recommendations that stand on the page.
const ROWS: usize = 50;
/// Of them, those in the chart.
const CHARTED: usize = 6;
/// The look-back that is shown first.
const USUAL: LookBack = LookBack::Last30Days;
/// The value of the field that means all subscriptions together.
const SHARED: &str = "shared";

#[derive(Template)]
#[template(path = "usage/recommendations.html")]
struct RecommendationsPage {
    shell: Shell,
    lead: String,
    path: String,
    /// None where there is nothing to choose from.
    filters: Option<Vec<Field>>,
    sections: Vec<Section>,
    empty: Empty,
}

/// What is billed by one partner.
struct Section {
    id: String,
    title: Option<String>,
    known: String,
    chart: BarChart,
    rows: Vec<Row>,
}

struct Row {
    what: String,
    region: String,
    scope: String,
    term: String,
    price: String,
    total: String,
    list: Option<String>,
    monthly: String,
    without: String,
    with: String,
    utilization: String,
    break_even: String,
    pays_back: Option<String>,
    basis: String,
    /// Where it can be bought, or for an agent why it cannot.
    buy: Result<String, Option<String>>,
    label: String,
}

/// The page.
pub async fn show(State(app): State<App>, reader: Reader) -> Result<Response, PageError> {
    let (t, query) = (reader.visit().text, &reader.visit().query);
    let look_back = query.get("days").and_then(|text| LookBack::parse(text).ok()).unwrap_or(USUAL);
    let asked = ReadRecommendations { customer: reader.customer(), look_back, now: reader.visit().request.now };
    let advice = app.store.read(reader.actor(), &asked).await?;
    let names = reader.names(&app).await?;
    let known: Vec<_> = advice.iter().map(|one| one.known.clone()).collect();
    let partners = reader.partners(&app, &names, &known).await?;
    let shell = reader.shell(t.get("nav-what-to-buy"), Place::WhatToBuy);
    let teller = Teller { shell: &shell, reader: &reader, names: &names };
    let mut sections = Vec::new();
    for (one, number) in advice.iter().zip(1..) {
        let title = partners.get(&one.known.partner).map(|name| format!("{name}, {}", one.currency));
        sections.extend(teller.section(one, number, title, query));
    }
    let empty = if advice.is_empty() {
        reader.no_advice()
    } else {
        Empty::new(t.get("buy-nothing"), t.get("buy-nothing-text"))
    };
    let filters = (!advice.is_empty()).then(|| filters(&reader, &names, look_back));
    let lead = t.get(if reader.is_own() { "buy-lead-own" } else { "buy-lead" });
    Ok(ok(&RecommendationsPage { lead, path: reader.path("/what-to-buy"), filters, sections, empty, shell }))
}

fn filters(reader: &Reader, names: &Names, look_back: LookBack) -> Vec<Field> {
    let (t, query) = (reader.visit().text, &reader.visit().query);
    let periods = LookBack::ALL.map(|one| (one.days().to_string(), t.with("usage-last-days", "days", one.days())));
    let mut scopes = vec![(String::new(), t.get("buy-any-scope")), (SHARED.to_owned(), t.get("scope-shared"))];
    let mut single: Vec<(String, String)> =
        names.subscriptions.iter().map(|(id, found)| (id.to_string(), found.name.clone())).collect();
    single.sort_by(|a, b| a.1.cmp(&b.1));
    scopes.extend(single.into_iter().map(|(id, name)| (id, t.with("scope-single", "name", name))));
    let mut terms = vec![(String::new(), t.get("buy-any-term"))];
    terms.extend(Term::ALL.into_iter().map(|term| (term.code().to_owned(), words::term(t, term))));
    vec![
        Field::choice("days", t.get("buy-look-back"), periods.to_vec()).value(look_back.days().to_string()),
        Field::choice("term", t.get("buy-term"), terms).value(query.text("term")),
        Field::choice("scope", t.get("buy-scope"), scopes).value(query.text("scope")),
    ]
}

/// Whether a recommendation is one of those that are looked for. What no form of ours sends filters nothing.
fn is_wanted(query: &Fields, one: &Recommendation) -> bool {
    let term = query.get("term").and_then(|text| Term::parse(text).ok());
    let scope_fits = match query.get("scope") {
        None => true,
        Some(SHARED) => one.subscription.is_none(),
        Some(id) => one.subscription.is_some_and(|subscription| subscription.to_string() == id),
    };
    scope_fits && term.is_none_or(|term| term == one.choice.term)
}

/// Puts recommendations into words.
struct Teller<'a> {
    shell: &'a Shell,
    reader: &'a Reader,
    names: &'a Names,
}

impl Teller<'_> {
    /// None where nothing is recommended.
    fn section(&self, advice: &Advice, number: usize, title: Option<String>, query: &Fields) -> Option<Section> {
        let t = self.shell.text;
        let found = advice.recommendations.iter().filter(|one| is_wanted(query, one)).take(ROWS);
        let found: Vec<&Recommendation> = found.collect();
        let best = found.first()?;
        let cost = |amount| format::cost(t.language(), amount, advice.currency);
        let charted: Vec<&Recommendation> = found.iter().take(CHARTED).copied().collect();
        let groups: Vec<Group> = charted
            .iter()
            .map(|one| {
                let value = |amount: i128| (i64::try_from(amount / 10_000).unwrap_or(i64::MAX), cost(amount));
                let label = self.label(one, &charted);
                Group { label, values: vec![value(one.cost_without_e10), value(one.cost_with_e10())] }
            })
            .collect();
        let description = t.with_all(
            "buy-chart-description",
            &[("what", &what(self.shell, best)), ("saving", &cost(best.net_saving_e10()))],
        );
        let scale = |amount_e6| self.axis(amount_e6, advice.currency);
        let series = [t.get("buy-without"), t.get("buy-with")];
        let chart = BarChart::new(&format!("buy-{number}"), (t.get("buy-chart"), description), &series, &groups, scale);
        Some(Section {
            id: format!("context-{number}"),
            title,
            known: known_in_words(t, &advice.known),
            chart,
            rows: found.iter().map(|one| self.row(one)).collect(),
        })
    }

    /// What stands below the bars of one of several: what it is, and in a second line how it differs from those that are
    /// otherwise called the same.
    fn label(&self, one: &Recommendation, all: &[&Recommendation]) -> String {
        let name = |one: &Recommendation| format!("{} × {}", one.quantity, one.choice.sku.short());
        let alike: Vec<&Recommendation> = all.iter().copied().filter(|other| name(other) == name(one)).collect();
        let differs = |is_same: fn(&Recommendation, &Recommendation) -> bool| alike.iter().any(|a| !is_same(a, one));
        let mut apart = Vec::new();
        if differs(|a, b| a.choice.region == b.choice.region) {
            apart.push(one.choice.region.title().to_owned());
        }
        if differs(|a, b| a.choice.term == b.choice.term) {
            apart.push(words::term(self.shell.text, one.choice.term));
        }
        if differs(|a, b| a.subscription == b.subscription) {
            apart.push(match one.subscription {
                Some(id) => self.names.subscription(id),
                None => self.shell.t("scope-shared"),
            });
        }
        if apart.is_empty() { name(one) } else { format!("{}\n{}", name(one), apart.join(", ")) }
    }

    fn axis(&self, amount_e6: i64, currency: Currency) -> String {
        self.shell.money(&Money { amount_e6, currency })
    }

    fn row(&self, one: &Recommendation) -> Row {
        let t = self.shell.text;
        let currency = one.choice.price.currency;
        let cost = |amount| format::cost(t.language(), amount, currency);
        let decimal = |value: i128, scale| Decimal::try_from_i128_with_scale(value, scale).unwrap_or(Decimal::MAX);
        let number = |value: Decimal| format::number(t.language(), value.normalize());
        let total = one.choice.price.times(one.quantity.instances()).map(|total| self.shell.money(&total));
        let upfront = one.choice.plans.contains(&BillingPlan::Upfront);
        let what = what(self.shell, one);
        Row {
            region: one.choice.region.title().to_owned(),
            scope: match one.subscription {
                Some(id) => t.with("scope-single", "name", self.names.subscription(id)),
                None => t.get("scope-shared"),
            },
            term: words::term(t, one.choice.term),
            price: self.shell.money(&one.choice.price),
            total: total.unwrap_or_default(),
            list: (one.choice.list != one.choice.price)
                .then(|| t.with("buy-list-price", "price", self.shell.money(&one.choice.list))),
            monthly: cost(one.monthly_saving_e10()),
            without: cost(one.cost_without_e10),
            with: cost(one.cost_with_e10()),
            utilization: format::percent(t.language(), decimal(one.utilization_e4(), 2).round_dp(1)),
            break_even: t.with_all(
                "buy-break-even",
                &[
                    ("hours", &number(decimal(one.break_even_hours_e2(), 2))),
                    ("percent", &format::percent(t.language(), decimal(one.break_even_utilization_e4(), 2))),
                ],
            ),
            pays_back: upfront.then(|| t.with("buy-pays-back", "date", self.shell.day(&one.pays_back_at()))),
            basis: t.with_all(
                "buy-basis",
                &[
                    ("used", &self.shell.number(one.hours_with_usage)),
                    ("hours", &self.shell.number(one.hours)),
                    ("demand", &format::quantity(t.language(), one.demand_e10)),
                    ("from", &format::instant(t, hour_start(one.used.0))),
                    ("until", &format::instant(t, hour_start(one.used.1.saturating_add(1)))),
                ],
            ),
            buy: self.buy(one),
            label: t.with("buy-this", "what", &what),
            what,
        }
    }

    /// Where it can be bought, filled in; where it cannot, for an agent why.
    fn buy(&self, one: &Recommendation) -> Result<String, Option<String>> {
        let t = self.shell.text;
        let choice = &one.choice;
        let (sku, region, term, quantity) = (encoded(choice.sku.as_str()), &choice.region, choice.term, one.quantity);
        let on = one.subscription.unwrap_or(one.main_subscription);
        let portal = || {
            let scope = match one.subscription {
                Some(id) => encoded(&ArmScope::Subscription(id).to_string()),
                None => SHARED.to_owned(),
            };
            format!(
                "/portal/{}/purchase/item?subscription={on}&type={}&sku={sku}&region={region}&term={term}&quantity={quantity}&scope={scope}",
                self.reader.customer(),
                choice.resource_type
            )
        };
        let subscription = self.names.subscriptions.get(&on);
        let reachable = subscription.is_some_and(|subscription| subscription.reachable);
        match self.reader {
            Reader::Guest(_) => reachable.then(portal).ok_or(None),
            Reader::Agent(agent, _) if lacking(agent, &PLACE_ORDER).is_some() => Err(lacking(agent, &PLACE_ORDER)),
            // The wizard sells for all subscriptions together only (R32); for one of them the portal does.
            Reader::Agent(..) if one.subscription.is_some() => {
                reachable.then(portal).ok_or_else(|| Some(t.get("manage-lacking")))
            }
            Reader::Agent(..) => {
                let entitlement = subscription.and_then(|subscription| subscription.entitlement);
                let entitlement = entitlement.ok_or_else(|| Some(t.get("buy-subscription-gone")))?;
                Ok(self.reader.path(&format!(
                    "/add-products/products?subscription={entitlement}&kind={}&region={region}&size={sku}&term={term}&quantity={quantity}",
                    choice.resource_type
                )))
            }
        }
    }
}

/// `3 × Standard_D2s_v5`.
fn what(shell: &Shell, one: &Recommendation) -> String {
    format!("{} × {}", shell.number(one.quantity), one.choice.sku)
}
