//! CSP > Customers.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::customer::{BrowseCustomers, CustomerKey, CustomerLine, CustomerLines, PageStart};
use fullmakt_domain::operation::CREATE_CUSTOMER;
use fullmakt_domain::self_serve_policy::SelfServeResource;
use fullmakt_server::App;

use super::manage;
use super::roles::lacking;
use crate::csv;
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::{Badge, Empty, Field, Pager, Tone};
use crate::shell::{Place, Shell, ok};
use crate::visitor::Agent;

/// How many customers stand on a page.
const PAGE: u32 = 50;
/// How many customers an export reads at a time.
const EXPORT_PAGE: u32 = 500;
const PATH: &str = "/dashboard/customers";

#[derive(Template)]
#[template(path = "dashboard/customers.html")]
struct CustomersPage {
    shell: Shell,
    search: Field,
    sort: &'static str,
    order: &'static str,
    columns: Vec<Column>,
    rows: Vec<Row>,
    export: String,
    adding_lacking: Option<String>,
    may_enter: bool,
    first: Option<String>,
    pager: Pager,
    empty: Empty,
}

/// A column that the list can be ordered by.
struct Column {
    name: String,
    sorted: &'static str,
    mark: &'static str,
    path: String,
}

/// A customer.
struct Row {
    id: String,
    name: String,
    domain: String,
    permissions: Vec<Badge>,
    open: bool,
    toggle: String,
}

/// What is asked of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub key: CustomerKey,
    pub descending: bool,
    /// In lower case, as names are kept for searching.
    pub search: String,
    pub start: PageStart,
}

impl Wanted {
    /// Reads the query. Words that make no sense count as left out: they may be left over from another day's link.
    pub fn read(query: &Fields) -> Self {
        let place = |name| {
            let (id, key) = query.raw(name)?.split_once('|')?;
            Some((key.to_owned(), id.to_owned()))
        };
        let start = match (place("after"), place("before")) {
            (Some((key, id)), _) => PageStart::After(key, id),
            (None, Some((key, id))) => PageStart::Before(key, id),
            (None, None) => PageStart::Offset(0),
        };
        Self {
            key: if query.get("sort") == Some("domain") { CustomerKey::Domain } else { CustomerKey::Name },
            descending: query.get("order") == Some("desc"),
            // Nobody's name is longer.
            search: query.text("q").chars().take(256).collect::<String>().to_lowercase(),
            start,
        }
    }

    pub fn query(&self, start: PageStart, size: u32) -> BrowseCustomers {
        let Self { key, descending, search, .. } = self.clone();
        BrowseCustomers { key, descending, search, start, size }
    }
}

/// The list.
pub async fn list(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let visit = agent.visit();
    let (t, query) = (visit.text, &visit.query);
    let mut wanted = Wanted::read(query);
    let mut page = app.store.read(agent.actor(), &wanted.query(wanted.start.clone(), PAGE)).await?;
    if page.lines.is_empty() && wanted.start != PageStart::Offset(0) {
        // What was behind the link is gone: begin anew.
        wanted.start = PageStart::Offset(0);
        page = app.store.read(agent.actor(), &wanted.query(wanted.start.clone(), PAGE)).await?;
    }
    let asked = query.text("q");
    let empty = if asked.is_empty() {
        Empty::new(t.get("customers-nobody"), t.get("customers-nobody-text"))
    } else {
        Empty::new(t.get("customers-none"), t.get("customers-none-text"))
    };
    let open = query.text("open");
    let shell = Shell::dashboard(&agent, t.get("nav-customers"), Place::Customers);
    Ok(ok(&CustomersPage {
        search: Field::text("q", t.get("customers-search")).kind("search").value(asked),
        sort: if wanted.key == CustomerKey::Domain { "domain" } else { "name" },
        order: if wanted.descending { "desc" } else { "asc" },
        columns: vec![
            column(&shell, query, &wanted, CustomerKey::Name),
            column(&shell, query, &wanted, CustomerKey::Domain),
        ],
        pager: pager(&shell, query, &wanted, &page),
        first: (wanted.start != PageStart::Offset(0))
            .then(|| format!("{PATH}{}", query.query_with(&[("after", ""), ("before", ""), ("open", "")]))),
        rows: page.lines.into_iter().map(|(_, line)| row(&shell, query, line, open)).collect(),
        export: format!("{PATH}/export.csv{}", query.query_with(&[("after", ""), ("before", ""), ("open", "")])),
        adding_lacking: lacking(&agent, &CREATE_CUSTOMER),
        may_enter: agent.has(&manage::ENTERING),
        empty,
        shell,
    }))
}

/// The list, or what the search found, as a file with the columns of the original. Each page of it passes the door anew.
pub async fn export(State(app): State<App>, agent: Agent) -> Result<Response, PageError> {
    let wanted = Wanted::read(&agent.visit().query);
    let header = ["Microsoft ID", "Company name", "Primary domain name", "Relationship"].map(str::to_owned).to_vec();
    csv::download("customers.csv", header, PageStart::Offset(0), move |start| {
        let (app, actor, query) = (app.clone(), agent.actor().clone(), wanted.query(start, EXPORT_PAGE));
        async move {
            let page = app.store.read(&actor, &query).await?;
            let last = page.lines.last().filter(|_| page.more);
            let next = last.map(|(key, line)| PageStart::After(key.clone(), line.customer.id.to_string()));
            let rows = page.lines.into_iter().map(|(_, line)| {
                vec![line.customer.id.to_string(), line.customer.name, line.customer.domain, "Reseller".to_owned()]
            });
            Ok((rows.collect(), next))
        }
    })
    .await
}

fn column(shell: &Shell, query: &Fields, wanted: &Wanted, key: CustomerKey) -> Column {
    let (name, sort) = match key {
        CustomerKey::Name => ("customers-name", "name"),
        CustomerKey::Domain => ("customers-domain", "domain"),
    };
    let (sorted, mark, next) = match (wanted.key == key, wanted.descending) {
        (true, false) => ("ascending", "▲", "desc"),
        (true, true) => ("descending", "▼", "asc"),
        (false, _) => ("none", "", "asc"),
    };
    let over = [("sort", sort), ("order", next), ("after", ""), ("before", ""), ("open", "")];
    Column { name: shell.t(name), sorted, mark, path: format!("{PATH}{}", query.query_with(&over)) }
}

fn row(shell: &Shell, query: &Fields, line: CustomerLine, open: &str) -> Row {
    let id = line.customer.id.to_string();
    let badge = |resource: &SelfServeResource| {
        let word = match resource {
            SelfServeResource::AzureReservedInstances => "customers-reservations-on",
            SelfServeResource::AzureSavingsPlan => "customers-savings-plans-on",
        };
        Badge::new(Tone::Good, shell.t(word))
    };
    let mut permissions: Vec<Badge> = line.permitted.iter().map(badge).collect();
    if permissions.is_empty() {
        permissions.push(Badge::new(Tone::Quiet, shell.t("off")));
    }
    let is_open = open == id;
    let toggle = query.query_with(&[("open", if is_open { "" } else { id.as_str() })]);
    Row {
        name: line.customer.name,
        domain: line.customer.domain,
        permissions,
        open: is_open,
        toggle: format!("{PATH}{toggle}"),
        id,
    }
}

fn pager(shell: &Shell, query: &Fields, wanted: &Wanted, page: &CustomerLines) -> Pager {
    let place = |(key, line): &(String, CustomerLine)| format!("{}|{key}", line.customer.id);
    let path = |before: &str, after: &str| {
        format!("{PATH}{}", query.query_with(&[("before", before), ("after", after), ("open", "")]))
    };
    let (is_before, is_first) =
        (matches!(wanted.start, PageStart::Before(..)), matches!(wanted.start, PageStart::Offset(0)));
    let has_previous = if is_before { page.more } else { !is_first };
    let has_next = is_before || page.more;
    Pager {
        label: shell.t("pager"),
        previous: page
            .lines
            .first()
            .filter(|_| has_previous)
            .map(|first| (shell.t("customers-previous"), path(&place(first), ""))),
        next: page.lines.last().filter(|_| has_next).map(|last| (shell.t("pager-next"), path("", &place(last)))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_that_makes_no_sense_shows_the_list_from_its_beginning() {
        let plain =
            Wanted { key: CustomerKey::Name, descending: false, search: String::new(), start: PageStart::Offset(0) };
        for query in ["", "sort=x&order=up&after=&before=x&q=", "after=nonsense"] {
            assert_eq!(Wanted::read(&Fields::parse(query.as_bytes())), plain, "{query}");
        }
        let wanted = Wanted::read(&Fields::parse("sort=domain&order=desc&q=%C3%85SA&after=id%7Ck%7Cey".as_bytes()));
        assert_eq!(
            wanted,
            Wanted {
                key: CustomerKey::Domain,
                descending: true,
                search: "åsa".to_owned(),
                start: PageStart::After("k|ey".to_owned(), "id".to_owned()),
            }
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_query_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let wanted = Wanted::read(&Fields::parse(&bytes));
            prop_assert!(wanted.search.chars().count() <= 1_024);
        }
    }
}
