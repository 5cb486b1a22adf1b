//! Settings > Activity log (R43): who did what for which customer, and the same as a file.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::activity::{ActivityKey, ActivityRecord, ListActivity, Outcome};
use fullmakt_domain::due::midnight;
use fullmakt_domain::history::{FindCustomers, NamedCustomer};
use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::operation;
use fullmakt_server::App;
use fullmakt_server::text::Text;
use http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use crate::csv;
use crate::error::PageError;
use crate::fields::{Fields, encoded};
use crate::parts::{Badge, Empty, Field, Pager, Tone};
use crate::shell::{Place, Shell, render};
use crate::visitor::Agent;
use crate::{format, words};

const PATH: &str = "/dashboard/activity-log";
/// Records on a page.
const PAGE: u32 = 50;
/// Records in one piece of the file.
const FILE_PAGE: u32 = 500;
/// How many customers are offered where a name fits several.
const CUSTOMERS_MAX: u32 = 10;

/// Operations and the texts of their names: the words of the wire's own name, capitalised, as the original shows them.
const ACTIONS: &[(&str, &str)] = &[
    ("create_self_serve_policy", "action-create-self-serve-policy"),
    ("update_self_serve_policy", "action-update-self-serve-policy"),
    ("delete_self_serve_policy", "action-delete-self-serve-policy"),
    ("add_customer", "action-add-customer"),
    ("create_agreement", "action-create-agreement"),
    ("create_order", "action-create-order"),
    ("quote_price", "action-quote-price"),
    ("create_cart", "action-create-cart"),
    ("update_cart", "action-update-cart"),
    ("update_subscription", "action-update-subscription"),
    ("register_subscription", "action-register-subscription"),
    ("create_role_assignment", "action-create-role-assignment"),
    ("delete_role_assignment", "action-delete-role-assignment"),
    ("update_role_definition", "action-update-role-definition"),
    ("delete_role_definition", "action-delete-role-definition"),
    ("create_price_rule", "action-create-price-rule"),
    ("end_price_rule", "action-end-price-rule"),
    ("update_reservation", "action-update-reservation"),
    ("post_instalments", "action-post-instalments"),
    ("expire_reservation_order", "action-expire-reservation-order"),
    ("change_purchase", "action-change-purchase"),
    ("split_reservation", "action-split-reservation"),
    ("merge_reservations", "action-merge-reservations"),
    ("renew_reservation", "action-renew-reservation"),
    ("archive_reservation", "action-archive-reservation"),
    ("unarchive_reservation", "action-unarchive-reservation"),
    ("update_customer_billing_profile", "action-update-customer-billing-profile"),
    ("quote_refund", "action-quote-refund"),
    ("cancel_order", "action-cancel-order"),
    ("return_reservation", "action-return-reservation"),
    ("quote_exchange", "action-quote-exchange"),
    ("exchange_reservations", "action-exchange-reservations"),
    ("note_use", "action-note-use"),
    ("import_usage", "action-import-usage"),
    ("set_refund_policy", "action-set-refund-policy"),
    ("set_conversion_rate", "action-set-conversion-rate"),
];

/// What the log calls an operation.
pub(crate) fn action(t: Text, operation: &str) -> String {
    match ACTIONS.iter().find(|(name, _)| *name == operation) {
        Some((_, key)) => t.get(key),
        None => capitalised(operation),
    }
}

/// `end_of_term`: End Of Term.
fn capitalised(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        format!("{first}{}", letters.as_str())
    };
    name.split('_').map(word).collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "dashboard/activity_log.html")]
struct LogPage {
    shell: Shell,
    filters: Vec<Field>,
    customer_id: String,
    candidates: Vec<(String, String)>,
    rows: Vec<LogRow>,
    pager: Pager,
    empty: Empty,
    export: String,
}

/// A record as a row.
struct LogRow {
    /// For the element's id and the address.
    key: String,
    at: String,
    customer: Option<NamedCustomer>,
    action: String,
    failed: Option<Badge>,
    actor: String,
    actor_path: String,
    toggle: String,
    details: Option<Details>,
}

/// Everything else about a record.
struct Details {
    facts: Vec<(String, String)>,
    changes: Vec<ChangeRow>,
}

/// A value that was written.
#[derive(Debug, PartialEq, Eq)]
struct ChangeRow {
    name: String,
    old: String,
    new: String,
}

impl ChangeRow {
    fn worded(self, t: Text) -> Self {
        let value = |text: &str| words::value(t, &self.name, text);
        Self { old: value(&self.old), new: value(&self.new), name: words::property(t, &self.name) }
    }
}

/// What is searched for.
#[derive(Debug, Clone)]
struct Search {
    from: String,
    to: String,
    from_error: Option<&'static str>,
    to_error: Option<&'static str>,
    range: Option<(Timestamp, Timestamp)>,
    action: Option<&'static str>,
    user: Option<String>,
}

fn day(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if shape { text.parse().ok() } else { None }
}

impl Search {
    fn read(query: &Fields, now: Timestamp) -> Self {
        let today = now.to_zoned(TimeZone::UTC).date();
        let month_ago = today.checked_sub(1.month()).unwrap_or(today);
        let from = query.get("from").map_or_else(|| month_ago.to_string(), str::to_owned);
        let to = query.get("to").map_or_else(|| today.to_string(), str::to_owned);
        let (first, last) = (day(&from), day(&to));
        let until = last.and_then(|last| last.tomorrow().ok());
        let range = first.zip(until).filter(|(first, until)| first < until);
        let wrong = |is_wrong: bool| is_wrong.then_some("activity-date-wrong");
        let backwards = (first.is_some() && until.is_some() && range.is_none()).then_some("activity-range-wrong");
        let action =
            query.get("action").and_then(|wanted| operation::ALL.iter().find(|o| o.writes && o.name == wanted));
        Self {
            from_error: wrong(first.is_none()),
            to_error: wrong(until.is_none()).or(backwards),
            from,
            to,
            range: range.map(|(first, until)| (midnight(first), midnight(until))),
            action: action.map(|operation| operation.name),
            user: query.get("user").map(str::to_owned),
        }
    }

    fn query(&self, customer: Option<CustomerId>, after: Option<ActivityKey>, size: u32) -> Option<ListActivity> {
        let (from, until) = self.range?;
        Some(ListActivity {
            from,
            until,
            customer,
            customer_name: None,
            actor_name: self.user.clone(),
            operations: self.action.map(|action| vec![action]),
            after,
            size,
        })
    }
}

/// The customers that the field names: an identifier, or the beginning of a name.
enum Whose {
    Everyones,
    One(NamedCustomer),
    Several(Vec<NamedCustomer>),
    Nobodys,
}

async fn whose(app: &App, agent: &Agent, asked: Option<&str>) -> Result<Whose, PageError> {
    let Some(asked) = asked else { return Ok(Whose::Everyones) };
    let query = match CustomerId::parse(asked) {
        Ok(id) => FindCustomers::Ids(vec![id]),
        Err(_) => FindCustomers::Beginning(asked.to_owned(), CUSTOMERS_MAX),
    };
    let mut found = app.store.read(agent.actor(), &query).await?;
    let mut exact = found.iter().filter(|customer| customer.name.eq_ignore_ascii_case(asked));
    if let (Some(customer), None) = (exact.next().cloned(), exact.next()) {
        return Ok(Whose::One(customer));
    }
    Ok(match found.len() {
        0 => Whose::Nobodys,
        1 => found.pop().map_or(Whose::Nobodys, Whose::One),
        _ => Whose::Several(found),
    })
}

fn key_text(key: &ActivityKey) -> String {
    format!("{}.{}.{}", key.at.as_microsecond(), key.root, key.sequence)
}

fn read_key(text: &str) -> Option<ActivityKey> {
    let mut parts = text.splitn(3, '.');
    let at = Timestamp::from_microsecond(parts.next()?.parse().ok()?).ok()?;
    let root = parts.next().filter(|root| root.len() <= 64)?.to_owned();
    Some(ActivityKey { at, root, sequence: parts.next()?.parse().ok()? })
}

/// The page.
pub async fn show(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let visit = agent.visit();
    let (t, query) = (visit.text, &visit.query);
    let search = Search::read(query, visit.request.now);
    let asked = query.get("customer");
    let whose = whose(&app, &agent, asked).await?;
    let customer = match &whose {
        Whose::One(customer) => Some(customer.clone()),
        _ => None,
    };
    let after = query.get("after").and_then(read_key);
    let listed = match (&whose, search.query(customer.as_ref().map(|c| c.id), after, PAGE)) {
        (Whose::Everyones | Whose::One(_), Some(listing)) => Some(app.store.read(agent.actor(), &listing).await?),
        // Who may not see the log is told so, whatever he asked for.
        _ => None,
    };
    let shell = Shell::dashboard(&agent, t.get("nav-activity-log"), Place::ActivityLog);
    let (records, next) = listed.map(|page| (page.records, page.next)).unwrap_or_default();
    let open = query.get("open").unwrap_or_default();
    let rows: Vec<LogRow> = records.iter().map(|record| row(&shell, query, record, open)).collect();
    let path = |over: &[(&str, &str)]| format!("{PATH}{}", query.query_with(over));
    let pager = Pager {
        label: t.get("pager"),
        previous: query.get("after").map(|_| (t.get("pager-first"), path(&[("after", ""), ("open", "")]))),
        next: next.map(|key| (t.get("pager-next"), path(&[("after", &key_text(&key)), ("open", "")]))),
    };
    let candidates = match whose {
        Whose::Several(found) => found
            .into_iter()
            .map(|customer| (customer.name, path(&[("customer", &customer.id.to_string()), ("after", "")])))
            .collect(),
        _ => Vec::new(),
    };
    let export = format!("{PATH}/export{}", query.query_with(&[("after", ""), ("open", "")]));
    let empty = if candidates.is_empty() {
        Empty::new(t.get("activity-none"), t.get("activity-none-text"))
    } else {
        Empty::new(t.get("activity-which"), t.get("activity-which-text"))
    };
    let status = if search.range.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let customer_text = customer.as_ref().map_or(asked.unwrap_or_default(), |customer| &customer.name);
    let filters = filters(t, &search, customer_text);
    let customer_id = customer.as_ref().map(|customer| customer.id.to_string()).unwrap_or_default();
    Ok(render(status, &LogPage { shell, filters, customer_id, candidates, rows, pager, empty, export }))
}

fn filters(t: Text, search: &Search, customer: &str) -> Vec<Field> {
    let mut actions: Vec<(String, String)> =
        ACTIONS.iter().map(|(name, key)| ((*name).to_owned(), t.get(key))).collect();
    actions.sort_by(|a, b| a.1.cmp(&b.1));
    actions.insert(0, (String::new(), t.get("activity-any-action")));
    let error = |key: Option<&'static str>| key.map(|key| t.get(key));
    vec![
        Field::text("from", t.get("activity-from"))
            .kind("date")
            .value(&search.from)
            .error(error(search.from_error).as_deref())
            .small(),
        Field::text("to", t.get("activity-to"))
            .kind("date")
            .value(&search.to)
            .error(error(search.to_error).as_deref())
            .small(),
        Field::text("customer", t.get("activity-customer")).kind("search").value(customer),
        Field::choice("action", t.get("activity-action"), actions).value(search.action.unwrap_or_default()),
        Field::text("user", t.get("activity-user")).kind("search").value(search.user.clone().unwrap_or_default()),
    ]
}

fn named(record: &ActivityRecord) -> Option<NamedCustomer> {
    Some(NamedCustomer { id: record.customer?, name: record.customer_name.clone()? })
}

fn row(shell: &Shell, query: &Fields, record: &ActivityRecord, open: &str) -> LogRow {
    let t = shell.text;
    let root = record.customer.map(|id| id.to_string()).or_else(|| record.partner.map(|id| id.to_string()));
    let key = format!("{}.{}", root.unwrap_or_default(), record.sequence);
    // The record of a new customer stands in the log of the partner and so may share number and customer with another.
    let key = if record.operation == operation::CREATE_CUSTOMER.name { format!("{key}.new") } else { key };
    let is_open = key == open;
    let toggle = if is_open { "" } else { key.as_str() };
    LogRow {
        at: shell.instant(&record.at),
        customer: named(record),
        action: action(t, &record.operation),
        failed: (record.outcome == Outcome::Failed).then(|| Badge::new(Tone::Bad, t.get("activity-failed"))),
        actor: words::doer(t, record.actor, &record.actor_name),
        actor_path: format!("{PATH}{}", query.query_with(&[("user", &record.actor_name), ("after", ""), ("open", "")])),
        toggle: format!("{PATH}{}#{}", query.query_with(&[("open", toggle)]), encoded(&format!("record-{key}"))),
        details: is_open.then(|| details(shell, record)),
        key,
    }
}

fn details(shell: &Shell, record: &ActivityRecord) -> Details {
    let t = shell.text;
    let result = match record.outcome {
        Outcome::Succeeded => t.get("activity-succeeded"),
        Outcome::Failed => t.get("activity-failed"),
    };
    let mut facts = vec![(t.get("activity-result"), result)];
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push((t.get(key), value));
        }
    };
    add("activity-reason", record.message.clone());
    add("activity-time", Some(format::instant_to_second(t, record.at)));
    add("activity-customer-id", record.customer.map(|id| id.to_string()));
    add("activity-subject", Some(record.subject.clone()));
    add("activity-user-id", Some(record.actor.to_string()));
    add("activity-application", record.application.map(|id| id.to_string()));
    add("activity-correlation", Some(record.correlation.to_string()));
    add("activity-number", Some(record.sequence.to_string()));
    let worded = |(name, value): &(String, String)| (words::property(t, name), words::value(t, name, value));
    facts.extend(record.details.iter().map(worded));
    let changes = changes(record.old.as_deref(), record.new.as_deref());
    Details { facts, changes: changes.into_iter().map(|change| change.worded(t)).collect() }
}

/// Old and new value side by side, one line for each value in them.
fn changes(old: Option<&str>, new: Option<&str>) -> Vec<ChangeRow> {
    let mut rows: Vec<ChangeRow> = Vec::new();
    for (is_new, text) in [(false, old), (true, new)] {
        let Some(value) = text.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { continue };
        let mut flat = Vec::new();
        flatten("", &value, &mut flat);
        for (name, value) in flat {
            let at = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
                rows.push(ChangeRow { name, old: String::new(), new: String::new() });
                rows.len().saturating_sub(1)
            });
            if let Some(row) = rows.get_mut(at) {
                *(if is_new { &mut row.new } else { &mut row.old }) = value;
            }
        }
    }
    rows
}

fn flatten(name: &str, value: &Value, flat: &mut Vec<(String, String)>) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(part, value)| flatten(&below(part), value, flat)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| flatten(&below(&n.to_string()), value, flat));
        }
        Value::String(text) => flat.push((name.to_owned(), text.clone())),
        Value::Null => flat.push((name.to_owned(), String::new())),
        other => flat.push((name.to_owned(), other.to_string())),
    }
}

/// The same search as a file, all pages of it.
pub async fn export(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let t = agent.visit().text;
    let search = Search::read(&agent.visit().query, agent.visit().request.now);
    if search.range.is_none() {
        return Err(PageError::Malformed);
    }
    let customer = match whose(&app, &agent, agent.visit().query.get("customer")).await? {
        Whose::Everyones => None,
        Whose::One(customer) => Some(customer.id),
        // Nothing is of a customer that nobody knows.
        Whose::Several(_) | Whose::Nobodys => Some(CustomerId(uuid::Uuid::nil())),
    };
    let header = [
        "activity-date-time",
        "activity-customer",
        "activity-action",
        "activity-user",
        "activity-result",
        "activity-customer-id",
        "activity-details",
    ];
    let header = header.iter().map(|key| t.get(key)).collect();
    let name = format!("activity-log-{}-{}.csv", search.from, search.to);
    csv::download(&name, header, None, move |after| {
        let (app, agent, query) = (app.clone(), agent.clone(), search.query(customer, after, FILE_PAGE));
        async move {
            let page = app.store.read(agent.actor(), &query.ok_or(PageError::Malformed)?).await?;
            let rows = page.records.iter().map(|record| file_row(t, record)).collect();
            Ok((rows, page.next.map(Some)))
        }
    })
    .await
}

fn file_row(t: Text, record: &ActivityRecord) -> csv::Row {
    let result = if record.outcome == Outcome::Failed { "activity-failed" } else { "activity-succeeded" };
    let mut details: Vec<String> = record.details.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    details.extend(record.message.clone());
    vec![
        record.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        record.customer_name.clone().unwrap_or_default(),
        action(t, &record.operation),
        record.actor_name.clone(),
        t.get(result),
        record.customer.map(|id| id.to_string()).unwrap_or_default(),
        details.join("; "),
    ]
}

#[cfg(test)]
mod tests {
    use fullmakt_server::text::Language;
    use proptest::prelude::*;

    use super::*;
    use crate::words::texts;

    #[test]
    fn every_operation_that_is_recorded_has_a_name_in_both_languages() {
        for operation in operation::ALL.iter().filter(|operation| operation.writes) {
            let key = ACTIONS.iter().find(|(name, _)| *name == operation.name).map(|(_, key)| *key);
            let key = key.unwrap_or_else(|| panic!("the log shows {} in English in every language", operation.name));
            let [english, swedish] = Language::ALL.map(|language| texts(language).get(key));
            assert_ne!(english, swedish, "{key}");
        }
        let named = |name: &str| operation::ALL.iter().any(|operation| operation.writes && operation.name == name);
        let forgotten: Vec<_> = ACTIONS.iter().filter(|(name, _)| !named(name)).collect();
        assert!(forgotten.is_empty(), "nothing writes these: {forgotten:?}");
    }

    #[test]
    fn r05_the_permission_has_the_names_of_the_original() {
        let t = texts(Language::English);
        for (operation, name) in [
            ("create_self_serve_policy", "Create Customer Purchase Permissions"),
            ("update_self_serve_policy", "Update Customer Purchase Permissions"),
            ("delete_self_serve_policy", "Delete Customer Purchase Permissions"),
            ("create_order", "Create Order"),
            ("something_new", "Something New"),
        ] {
            assert_eq!(action(t, operation), name);
        }
    }

    #[test]
    fn every_action_is_an_operation() {
        for (name, _) in ACTIONS {
            assert!(operation::ALL.iter().any(|o| o.name == *name && o.writes), "{name}");
        }
    }

    #[test]
    fn r43_the_last_month_is_searched_unless_told_otherwise() {
        let now: Timestamp = "2026-11-22T16:00:00Z".parse().unwrap();
        let read = |query: &str| {
            let search = Search::read(&Fields::parse(query.as_bytes()), now);
            let range = search.range.map(|(from, until)| format!("{from} {until}"));
            (range.unwrap_or_default(), search.from_error, search.to_error)
        };
        assert_eq!(read("").0, "2026-10-22T00:00:00Z 2026-11-23T00:00:00Z");
        assert_eq!(read("from=2026-11-22&to=2026-11-22").0, "2026-11-22T00:00:00Z 2026-11-23T00:00:00Z");
        assert_eq!(read("from=2026-11-23&to=2026-11-22").2, Some("activity-range-wrong"));
        assert_eq!(read("from=x").1, Some("activity-date-wrong"));
        assert_eq!(read("to=9999-12-31").2, Some("activity-date-wrong"));
    }

    #[test]
    fn old_and_new_values_stand_side_by_side() {
        let rows = changes(Some(r#"{"A":"1","B":{"C":true}}"#), Some(r#"{"A":"2","D":[null,3]}"#));
        let shown: Vec<String> = rows.iter().map(|row| format!("{}={}>{}", row.name, row.old, row.new)).collect();
        assert_eq!(shown, ["A=1>2", "B.C=true>", "D.0=>", "D.1=>3"]);
        assert_eq!(changes(None, Some("no json")), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_place_and_range_is_read_or_refused(
            key in ".{0,60}", at in any::<i32>(), root in "[a-z0-9-]{0,36}", sequence in any::<i64>(),
            from in "[0-9-]{8,11}", to in ".{0,12}",
        ) {
            let _ = read_key(&key);
            let at = Timestamp::from_microsecond(i64::from(at)).unwrap();
            let known = ActivityKey { at, root, sequence };
            prop_assert_eq!(read_key(&key_text(&known)), Some(known));
            let query = format!("from={}&to={}", encoded(&from), encoded(&to));
            let search = Search::read(&Fields::parse(query.as_bytes()), at);
            prop_assert!(search.range.is_some() || search.from_error.is_some() || search.to_error.is_some());
        }
    }
}
