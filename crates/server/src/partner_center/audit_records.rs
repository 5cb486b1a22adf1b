//! The activity log, as audit records: newest first, at most 90 days back.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use fullmakt_domain::activity::{ActivityKey, ActivityRecord, ListActivity, Outcome};
use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::operation;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};

use super::collection::{Cursor, Page, Seek};
use super::dates::{self, Given};
use super::filter::{Filter, Query, short};
use super::normalize::word;
use super::{Call, Failure, Reply};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/auditrecords", get(list))
}

const COLLECTION: &str = "auditrecords";
/// Records a page has when no size is asked for, and at most.
const SIZE_MAX: u32 = 500;
/// How far back a search goes without a start, and how long it goes on without an end.
const WINDOW_DAYS: i64 = 30;
/// How far back a search may go.
const REACH_DAYS: i64 = 90;

/// An operation of ours in the words of the wire.
struct Face {
    /// Our name.
    operation: &'static str,
    /// `operationType`.
    operation_type: &'static str,
    /// `resourceType`.
    resource_type: &'static str,
    /// Whether the Java SDK knows both words; an unknown one makes it lose the whole answer.
    java: bool,
}

const fn face(operation: &'static str, operation_type: &'static str, resource_type: &'static str, java: bool) -> Face {
    Face { operation, operation_type, resource_type, java }
}

const FACES: [Face; 13] = [
    face("create_self_serve_policy", "create_self_serve_policy", "self_serve_policy", false),
    face("update_self_serve_policy", "update_self_serve_policy", "self_serve_policy", false),
    face("delete_self_serve_policy", "delete_self_serve_policy", "self_serve_policy", false),
    face("add_customer", "add_customer", "customer", true),
    face("update_customer_billing_profile", "update_customer_billing_profile", "customer", true),
    face("create_order", "create_order", "order", true),
    face("update_order", "update_order", "order", true),
    // What is returned or exchanged changes its order, and cancels it when nothing is left.
    face("cancel_order", "update_order", "order", true),
    face("return_reservation", "update_order", "order", true),
    face("exchange_reservations", "update_order", "order", true),
    face("update_subscription", "update_subscription", "subscription", true),
    face("register_subscription", "update_subscription", "subscription", true),
    face("create_agreement", "create_agreement", "agreement", true),
];

/// Every word of `resourceType`, those included that nothing here writes.
const RESOURCE_TYPES: [&str; 33] = [
    "undefined",
    "customer",
    "customer_user",
    "order",
    "subscription",
    "license",
    "third_party_add_on",
    "mpn_association",
    "transfer",
    "application",
    "application_credential",
    "partner_user",
    "partner_relationship",
    "referral",
    "software_key",
    "software_download_link",
    "spending_limit",
    "invoice",
    "agreement",
    "partner_customer_relationship",
    "self_serve_policy",
    "granular_admin_relationship",
    "granular_admin_access_assignment",
    "partner_customer_dap",
    "credit",
    "customer_directory_role",
    "software_page",
    "device",
    "policy",
    "overage",
    "new_commerce_migration",
    "azure_entitlement",
    "indirect_provider_indirect_reseller_dap",
];

/// Prices that were asked for and carts stand in the log, but are no audit records: nothing came to be. Instalments are in
/// the invoices.
fn is_audited(operation: &str) -> bool {
    const NOT: [operation::Operation; 6] = [
        operation::QUOTE_PRICE,
        operation::QUOTE_REFUND,
        operation::QUOTE_EXCHANGE,
        operation::CREATE_CART,
        operation::UPDATE_CART,
        operation::POST_INSTALMENTS,
    ];
    !NOT.iter().any(|o| o.name == operation)
}

fn face_of(operation: &str) -> Option<&'static Face> {
    FACES.iter().find(|face| face.operation == operation)
}

async fn list(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    let seek = call.seek(COLLECTION)?;
    let search = match &seek {
        Seek::Next(cursor) => Search::from_cursor(cursor)?,
        Seek::First => Search::from_query(call.query(), app.clock.now())?,
        Seek::Last | Seek::Previous(_) | Seek::Offset(..) => {
            return Err(Failure::input("audit records are read forwards only, use `seekOperation=Next`"));
        }
    };
    let page = app.store.read(call.actor(), &search.query()?).await?;
    let next = page.next.as_ref().map(|key| search.cursor(key));
    let items = page.records.iter().map(|record| render(record, call.envelope().java)).collect();
    let page = Page { items, path: "/auditrecords".to_owned(), parameters: search.parameters(), next, previous: None };
    Ok(Reply::Ok(page.render()))
}

/// What is searched for, in words that a continuation token can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Search {
    from: Timestamp,
    until: Timestamp,
    filter: Option<(Field, String)>,
    size: u32,
    after: Option<ActivityKey>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    CompanyName,
    CustomerId,
    ResourceType,
}

impl Field {
    const ALL: [Self; 3] = [Self::CompanyName, Self::CustomerId, Self::ResourceType];

    fn name(self) -> &'static str {
        match self {
            Self::CompanyName => "CompanyName",
            Self::CustomerId => "CustomerId",
            Self::ResourceType => "ResourceType",
        }
    }

    fn operator(self) -> &'static str {
        match self {
            Self::CompanyName => "substring",
            Self::CustomerId | Self::ResourceType => "equals",
        }
    }
}

impl Search {
    fn from_query(query: &Query, now: Timestamp) -> Result<Self, Failure> {
        let too_big = || Failure::input("`endDate` is out of range");
        let today = now.to_zoned(TimeZone::UTC).date();
        let days_ago = |days: i64| {
            let day = today.checked_sub(days.days()).unwrap_or(today);
            TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).unwrap_or(now)
        };
        let given_start = date(query, "startDate")?;
        let from = match given_start {
            None => days_ago(WINDOW_DAYS),
            Some(given) => given.start().ok_or_else(|| Failure::input("`startDate` is out of range"))?,
        };
        if from < days_ago(REACH_DAYS) {
            return Err(Failure::input(format!(
                "`startDate` is more than {REACH_DAYS} days ago, records are listed from {} on",
                dates::seconds(days_ago(REACH_DAYS))
            )));
        }
        let until = match date(query, "endDate")? {
            Some(given) => given.end().ok_or_else(too_big)?,
            None => {
                let window = from.checked_add((WINDOW_DAYS * 24).hours()).map_err(|_| too_big())?;
                // With an explicit start the window is as long; the default one goes up to now, whatever the hour.
                if given_start.is_some() { window.min(now + 1.second()) } else { now + 1.second() }
            }
        };
        if until <= from && given_start.is_some() && query.get("endDate").is_some() {
            return Err(Failure::input("`endDate` is before `startDate`"));
        }
        let filter = query.filter()?.map(|filter| Self::read_filter(&filter)).transpose()?;
        Ok(Self { from, until, filter, size: query.size(SIZE_MAX, SIZE_MAX)?, after: None })
    }

    fn read_filter(filter: &Filter) -> Result<(Field, String), Failure> {
        let field = Field::ALL
            .into_iter()
            .find(|field| word(field.name()) == filter.field && word(field.operator()) == filter.operator)
            .ok_or_else(|| {
                filter.unsupported("CompanyName with substring, CustomerId with equals or ResourceType with equals")
            })?;
        let wrong =
            |what: &str| Failure::input(format!("`filter.value` is `{}`, which is not {what}", short(&filter.value)));
        match field {
            Field::CompanyName => Ok((field, filter.value.to_lowercase())),
            Field::CustomerId => {
                let id = CustomerId::parse(&filter.value).map_err(|_| wrong("a GUID"))?;
                Ok((field, id.to_string()))
            }
            Field::ResourceType => {
                let wanted = word(&filter.value);
                let known = RESOURCE_TYPES.into_iter().find(|known| word(known) == wanted);
                Ok((field, known.ok_or_else(|| wrong("a resource type"))?.to_owned()))
            }
        }
    }

    fn query(&self) -> Result<ListActivity, Failure> {
        let of = |field| self.filter.as_ref().filter(|(known, _)| *known == field).map(|(_, value)| value.clone());
        let resource_type = of(Field::ResourceType);
        let operations = operation::ALL.iter().map(|operation| operation.name).filter(|name| is_audited(name));
        let operations = operations.filter(|name| {
            resource_type
                .as_ref()
                .is_none_or(|wanted| face_of(name).map_or("undefined", |face| face.resource_type) == wanted)
        });
        let customer = of(Field::CustomerId).map(|text| CustomerId::parse(&text)).transpose();
        Ok(ListActivity {
            from: self.from,
            until: self.until,
            customer: customer.map_err(|error| Failure::input(error.to_string()))?,
            customer_name: of(Field::CompanyName),
            actor_name: None,
            operations: Some(operations.collect()),
            after: self.after.clone(),
            size: self.size,
        })
    }

    /// What every link repeats. The dates are the ones the search began with, so that later pages fit the first.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("startDate", dates::with_ticks(self.from)),
            ("endDate", dates::with_ticks(self.until)),
            ("size", self.size.to_string()),
        ];
        if let Some((field, value)) = &self.filter {
            let filter = json!({"Field": field.name(), "Value": value, "Operator": field.operator()});
            parameters.push(("filter", filter.to_string()));
        }
        parameters
    }

    fn cursor(&self, last: &ActivityKey) -> Cursor {
        let (field, value) = match &self.filter {
            Some((field, value)) => (field.name(), value.as_str()),
            None => ("", ""),
        };
        let micros = |at: Timestamp| at.as_microsecond().to_string();
        Cursor {
            collection: COLLECTION,
            size: self.size,
            restriction: vec![micros(self.from), micros(self.until), field.to_owned(), value.to_owned()],
            first: Vec::new(),
            last: vec![micros(last.at), last.root.clone(), last.sequence.to_string()],
        }
    }

    fn from_cursor(cursor: &Cursor) -> Result<Self, Failure> {
        let read = || {
            let [from, until, field, value] = cursor.restriction.as_slice() else { return None };
            let [at, root, sequence] = cursor.last.as_slice() else { return None };
            let instant = |text: &str| Timestamp::from_microsecond(text.parse().ok()?).ok();
            let filter = Field::ALL.into_iter().find(|known| known.name() == field).map(|field| (field, value.clone()));
            let after = ActivityKey { at: instant(at)?, root: root.clone(), sequence: sequence.parse().ok()? };
            let size = cursor.size.clamp(1, SIZE_MAX);
            Some(Self { from: instant(from)?, until: instant(until)?, filter, size, after: Some(after) })
        };
        read().ok_or_else(|| Failure::input("`MS-ContinuationToken` is not a token of this collection"))
    }
}

fn date(query: &Query, name: &str) -> Result<Option<Given>, Failure> {
    let Some(text) = query.get(name) else { return Ok(None) };
    if dates::is_unset(text) {
        return Ok(None);
    }
    match dates::parse(text) {
        Some(given) => Ok(Some(given)),
        None => Err(Failure::input(format!("`{name}` is `{}`, which is not a date like `2026-06-15`", short(text)))),
    }
}

fn render(record: &ActivityRecord, java: bool) -> Value {
    let face = face_of(&record.operation).filter(|face| face.java || !java);
    let partner = record.partner.map(|id| id.to_string()).unwrap_or_default();
    let mut id = partner.clone();
    let customer = record.customer.map(|id| id.to_string()).unwrap_or_default();
    let subject = record.subject.to_lowercase();
    // A record about the customer itself names it once.
    let subject = Some(subject).filter(|subject| *subject != customer);
    for part in [Some(customer), subject].into_iter().flatten().filter(|part| !part.is_empty()) {
        id.push('_');
        id.push_str(&part);
    }
    id.push_str(&format!("_{}_{}", record.operation.replace('_', ""), dates::ticks(record.at)));
    let mut details: Vec<Value> =
        record.details.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    if face.is_none() {
        details.push(json!({"key": "Operation", "value": record.operation}));
    }
    if let Some(message) = &record.message {
        details.push(json!({"key": "Reason", "value": message}));
    }
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("id", Some(id.into()));
    put("partnerId", Some(partner.clone().into()));
    put("participants", Some(json!([partner])));
    put("customerId", record.customer.map(|id| id.to_string().into()));
    put("customerName", record.customer_name.clone().map(Value::from));
    put("userPrincipalName", Some(record.actor_name.clone().into()));
    put("applicationId", record.application.map(|id| id.to_string().into()));
    put("resourceType", Some(face.map_or("undefined", |face| face.resource_type).into()));
    put("operationType", Some(face.map_or("undefined", |face| face.operation_type).into()));
    put("resourceOldValue", record.old.clone().map(Value::from));
    put("resourceNewValue", record.new.clone().map(Value::from));
    put("originalCorrelationId", Some(record.correlation.to_string().into()));
    put("operationDate", Some(dates::with_ticks(record.at).into()));
    let status = match record.outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
    };
    put("operationStatus", Some(status.into()));
    put("customizedData", Some(Value::Array(details)));
    put("attributes", Some(json!({"objectType": "AuditRecord"})));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::ids::{CorrelationId, PartnerId, PrincipalId};
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        "2026-06-15T10:00:00Z".parse().unwrap()
    }

    fn search(query: &str) -> Result<Search, String> {
        Search::from_query(&Query::parse(query).unwrap(), now()).map_err(|failure| failure.description)
    }

    #[test]
    fn dates_default_to_thirty_days_and_reach_ninety_back() {
        for (query, from, until) in [
            ("", "2026-05-16T00:00:00Z", "2026-06-15T10:00:01Z"),
            ("startDate=2026-06-15&endDate=2026-06-15", "2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z"),
            ("startDate=2026-06-166&endDate=2026-06-166", "2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z"),
            ("STARTDATE=03/17/2026%2000:00:00", "2026-03-17T00:00:00Z", "2026-04-16T00:00:00Z"),
            ("startDate=06/14/2026%2010:11:12", "2026-06-14T10:11:12Z", "2026-06-15T10:00:01Z"),
        ] {
            let search = search(query).unwrap();
            assert_eq!((search.from.to_string().as_str(), search.until.to_string().as_str()), (from, until), "{query}");
        }
        for (query, needle) in [
            ("startDate=2026-03-16", "more than 90 days ago"),
            ("startDate=soon", "`startDate` is `soon`"),
            ("startDate=2026-06-10&endDate=2026-06-01", "before `startDate`"),
            ("size=x", "`size`"),
            ("filter={\"Field\":\"ResourceType\",\"Value\":\"Toaster\",\"Operator\":\"equals\"}", "resource type"),
            ("filter={\"Field\":\"CustomerId\",\"Value\":\"x\",\"Operator\":\"equals\"}", "GUID"),
            ("filter={\"Field\":\"CompanyName\",\"Value\":\"x\",\"Operator\":\"equals\"}", "not supported here"),
        ] {
            let text = search(query).unwrap_err();
            assert!(text.contains(needle), "{query}: {text}");
        }
    }

    #[test]
    fn a_token_goes_on_with_the_same_search() {
        let raw = "startDate=2026-06-01&size=0&filter={\"Field\":\"ResourceType\",\"Value\":\"SelfServePolicy\",\"Operator\":\"equals\"}";
        let search = search(raw).unwrap();
        assert_eq!(search.query().unwrap().operations.unwrap().len(), 3);
        let key = ActivityKey { at: now(), root: "r".to_owned(), sequence: 7 };
        let again = Search::from_cursor(&search.cursor(&key)).unwrap();
        assert_eq!(again, Search { after: Some(key), ..search });
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_search_can_be_tried(
            query in "(startDate=[0-9/TZ:-]{0,12}&?)?(endDate=[0-9/-]{0,12}&?)?(size=[0-9]{0,11}&?)?(filter=[A-Za-z\\{\\}\":,]{0,20})?",
            words in proptest::collection::vec("[0-9]{0,20}|.{0,6}", 0..5),
        ) {
            if let Ok(search) = Query::parse(&query).and_then(|query| Search::from_query(&query, now())) {
                let _ = (search.query(), search.parameters());
            }
            let cursor =
                Cursor { collection: COLLECTION, size: 7, restriction: words.clone(), first: Vec::new(), last: words };
            let _ = Search::from_cursor(&cursor);
        }
    }

    #[test]
    fn java_is_spared_words_it_does_not_know() {
        let record = ActivityRecord {
            sequence: 1,
            at: "2026-06-15T08:00:00Z".parse().unwrap(),
            partner: Some(PartnerId(Uuid::from_u128(1))),
            customer: Some(CustomerId(Uuid::from_u128(2))),
            customer_name: Some("Fjällräven Exempel AB".to_owned()),
            operation: "create_self_serve_policy".to_owned(),
            outcome: Outcome::Succeeded,
            actor: PrincipalId(Uuid::from_u128(3)),
            actor_name: "ada@nordmoln.example".to_owned(),
            application: None,
            correlation: CorrelationId(Uuid::from_u128(4)),
            subject: "A_B".to_owned(),
            old: None,
            new: Some("{}".to_owned()),
            details: vec![("PolicyId".to_owned(), "a_b".to_owned())],
            message: None,
        };
        let plain = render(&record, false);
        assert_eq!(plain["operationType"], "create_self_serve_policy");
        assert_eq!(plain["resourceType"], "self_serve_policy");
        assert_eq!(
            plain["id"],
            "00000000-0000-0000-0000-000000000001_00000000-0000-0000-0000-000000000002_a_b_createselfservepolicy_639171072000000000"
        );
        assert!(plain.get("resourceOldValue").is_none());
        let shim = render(&record, true);
        assert_eq!((&shim["operationType"], &shim["resourceType"]), (&json!("undefined"), &json!("undefined")));
    }
}
