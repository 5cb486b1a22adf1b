//! May this user buy this, and if not, what is missing (G04)?

use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{CustomerId, PrincipalId, SubscriptionId};
use fullmakt_domain::obstacle::{CanBuy, Item, Obstacle, Verdict, Who};
use fullmakt_domain::readiness::Readiness;
use fullmakt_domain::reservation::AppliedScope;
use fullmakt_server::App;
use fullmakt_server::text::Text;
use http::StatusCode;
use jiff::Timestamp;

use super::manage;
use crate::entries::Entries;
use crate::error::PageError;
use crate::fields::Fields;
use crate::format;
use crate::parts::Field;
use crate::visitor::Agent;
use crate::words;

/// The question as a form, and its answer.
pub struct MayBuy {
    /// The fields.
    pub fields: Vec<Field>,
    /// The answer, where something was asked.
    pub answer: Option<Answer>,
}

/// The answer in words.
pub struct Answer {
    /// Yes.
    pub yes: bool,
    /// The answer as a sentence.
    pub title: String,
    /// What one instance would cost the customer, beside its list price.
    pub price: Option<String>,
    /// Everything that is missing, with its remedy and where to mend it (R12).
    pub missing: Vec<Missing>,
}

/// What is missing, its remedy, and the words and path of where to mend it.
type Missing = (String, String, Option<(String, String)>);

/// Reads the question from the query, and answers it. The status is that of the page.
pub async fn answer(
    app: &App,
    agent: &Agent,
    customer: CustomerId,
    readiness: &Readiness,
) -> Result<(StatusCode, MayBuy), PageError> {
    let (t, query) = (agent.visit().text, &agent.visit().query);
    let mut entries = Entries::new(t, query);
    let asked = if query.raw("user").is_some() {
        read(&mut entries, query, t, customer, agent.visit().request.now)
    } else {
        None
    };
    let mut answer = None;
    if let Some(question) = asked {
        match app.store.read(agent.actor(), &question).await? {
            Some(verdict) => answer = Some(say(t, customer, readiness, &question, &verdict)),
            None => entries.wrong("user", t.get("may-buy-nobody")),
        }
    }
    let status = if entries.are_sound() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, MayBuy { fields: fields(t, query, &entries, readiness), answer }))
}

fn read(entries: &mut Entries<'_>, query: &Fields, t: Text, customer: CustomerId, now: Timestamp) -> Option<CanBuy> {
    let user = entries.required("user", 254);
    let buyer = match PrincipalId::parse(&user) {
        Ok(id) => Who::Id(id),
        Err(_) => {
            if !user.is_empty() && !user.contains('@') {
                entries.wrong("user", t.get("may-buy-user-form"));
            }
            Who::Name(user)
        }
    };
    let subscription = query.get("subscription").map(SubscriptionId::parse).transpose();
    let subscription = subscription.unwrap_or_else(|_| {
        entries.wrong("subscription", t.get("may-buy-choice"));
        None
    });
    let (sku, region, term) = (entries.optional("sku", 64), entries.optional("region", 64), query.get("term"));
    let item = if sku.is_empty() {
        if !region.is_empty() || term.is_some() {
            entries.wrong("sku", t.get("may-buy-sku-missing"));
        }
        None
    } else {
        let sku = SkuName::parse(&sku).map_err(|_| entries.wrong("sku", t.get("may-buy-sku-form"))).ok();
        let region = Region::entered(&region).map_err(|_| entries.wrong("region", t.get("may-buy-region-form"))).ok();
        let term = term.map_or(Ok(Term::P1Y), Term::parse);
        let term = term.map_err(|_| entries.wrong("term", t.get("may-buy-choice"))).ok();
        let (sku, region, term) = (sku?, region?, term?);
        let (resource_type, plan) = (ReservedResourceType::VirtualMachines, BillingPlan::Upfront);
        Some(Item { resource_type, sku, region, term, plan, quantity: Quantity::new(1).ok()? })
    };
    let scope = AppliedScope::Shared;
    entries.are_sound().then_some(CanBuy { customer, buyer, subscription, item, scope, now })
}

fn fields(t: Text, query: &Fields, entries: &Entries<'_>, readiness: &Readiness) -> Vec<Field> {
    let mut subscriptions = vec![(String::new(), t.get("may-buy-any-subscription"))];
    let known = readiness.subscriptions.iter();
    subscriptions.extend(known.map(|subscription| (subscription.id.to_string(), subscription.name.clone())));
    let mut terms = vec![(String::new(), t.get("may-buy-any-term"))];
    terms.extend(Term::ALL.map(|term| (term.code().to_owned(), words::term(t, term))));
    let fields = [
        Field::text("user", t.get("may-buy-user")).hint(t.get("may-buy-user-hint")).required(),
        Field::choice("subscription", t.get("may-buy-subscription"), subscriptions),
        Field::text("sku", t.get("may-buy-sku")).hint(t.get("may-buy-sku-hint")),
        Field::text("region", t.get("may-buy-region")).hint(t.get("may-buy-region-hint")),
        Field::choice("term", t.get("may-buy-term"), terms),
    ];
    let names = ["user", "subscription", "sku", "region", "term"];
    fields
        .into_iter()
        .zip(names)
        .map(|(field, name)| field.value(query.text(name)).error(entries.error(name)))
        .collect()
}

fn say(t: Text, customer: CustomerId, readiness: &Readiness, question: &CanBuy, verdict: &Verdict) -> Answer {
    let name = |id: SubscriptionId| {
        let known = readiness.subscriptions.iter().find(|subscription| subscription.id == id);
        known.map_or_else(|| id.to_string(), |subscription| subscription.name.clone())
    };
    let yes = verdict.obstacles.is_empty();
    let title = match (yes, verdict.subscription) {
        (true, Some(subscription)) => {
            t.with_all("may-buy-yes", &[("user", &verdict.buyer), ("subscription", &name(subscription))])
        }
        _ => t.with("may-buy-no", "user", &verdict.buyer),
    };
    let price = verdict.price.as_ref().filter(|_| question.item.is_some()).map(|(price, list)| {
        let (price, list) = (format::money(t.language(), *price), format::money(t.language(), *list));
        t.with_all("may-buy-price", &[("price", &price), ("list", &list)])
    });
    let manageable = |id: SubscriptionId| {
        readiness.subscriptions.iter().any(|subscription| subscription.id == id && subscription.manageable)
    };
    let subscriptions = format!("/dashboard/customers/{customer}/subscriptions");
    let missing = verdict.obstacles.iter().map(|obstacle| match obstacle {
        Obstacle::PermissionOff { .. } => (
            t.get("missing-permission"),
            t.get("missing-permission-remedy"),
            Some((t.get("permissions-title"), "#permissions".to_owned())),
        ),
        Obstacle::NoSubscription { .. } => (
            t.get("missing-subscription"),
            t.get("missing-subscription-remedy"),
            Some((t.get("check-buy-plan"), format!("{subscriptions}/azure-plan"))),
        ),
        Obstacle::SubscriptionNotActive { subscription, .. } => (
            t.with("missing-active", "subscription", name(*subscription)),
            t.get("missing-active-remedy"),
            Some((t.get("check-to-subscriptions"), subscriptions.clone())),
        ),
        Obstacle::NotOwner { buyer, subscription } => (
            t.with_all("missing-owner", &[("user", buyer), ("subscription", &name(*subscription))]),
            t.get("missing-owner-remedy"),
            manageable(*subscription).then(|| (t.get("manage-access"), manage::access(customer, *subscription))),
        ),
        Obstacle::MarketNotServed { country } => {
            (t.with("missing-market", "country", words::country(t, *country)), t.get("missing-market-remedy"), None)
        }
        Obstacle::NotForSale(reason) => (words::not_for_sale(t, reason), t.get("missing-item-remedy"), None),
        Obstacle::ScopeOutsideContext { .. } => (words::obstacle(t, obstacle), String::new(), None),
    });
    Answer { yes, title, price, missing: missing.collect() }
}

#[cfg(test)]
mod tests {
    use fullmakt_server::text::Language;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::words::texts;

    fn asked(query: &Fields) -> (Option<CanBuy>, bool) {
        let t = texts(Language::English);
        let mut entries = Entries::new(t, query);
        let customer = CustomerId(Uuid::from_u128(1));
        let question = read(&mut entries, query, t, customer, Timestamp::UNIX_EPOCH);
        (question, entries.are_sound())
    }

    #[test]
    fn g04_a_question_names_a_user_and_an_item_as_a_whole() {
        for (query, sound) in [
            ("user=olle@exempel.example", true),
            ("user=22222222-0000-4000-8000-000000000001&subscription=&sku=&region=&term=", true),
            ("user=olle@exempel.example&sku=Standard_D2s_v5&region=swedencentral&term=P3Y", true),
            ("user=olle@exempel.example&sku=Standard_D2s_v5&region=SE+Central", true),
            ("user=", false),
            ("user=olle", false),
            ("user=olle@exempel.example&subscription=x", false),
            ("user=olle@exempel.example&region=swedencentral", false),
            ("user=olle@exempel.example&sku=Standard_D2s_v5", false),
            ("user=olle@exempel.example&sku=Standard_D2s_v5&region=swedencentral&term=P2Y", false),
        ] {
            let (question, is_sound) = asked(&Fields::parse(query.as_bytes()));
            assert_eq!((question.is_some(), is_sound), (sound, sound), "{query}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_question_is_read_or_says_what_is_wrong(values in proptest::collection::vec(".{0,12}", 5)) {
            let mut query = form_urlencoded::Serializer::new(String::new());
            for (name, value) in ["user", "subscription", "sku", "region", "term"].into_iter().zip(&values) {
                query.append_pair(name, value);
            }
            let (question, sound) = asked(&Fields::parse(query.finish().as_bytes()));
            prop_assert_eq!(question.is_some(), sound);
        }
    }
}
