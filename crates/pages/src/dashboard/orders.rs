//! A customer > Order history: what the partner and the customer bought, marked by who did (R17).

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::history::{FindCustomers, NamedCustomer};
use fullmakt_domain::ids::{CustomerId, OrderId};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::{
    BoughtBy, BrowseOrders, Buyer, GetOrder, Order, OrderLine, OrderStatus, OrderedItem, OrdersFound,
};
use fullmakt_server::App;
use fullmakt_server::text::Text;

use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::{Badge, Empty, Field, Pager, Tone};
use crate::shell::{Place, Shell, ok};
use crate::visitor::Agent;
use crate::words;

/// Orders on a page.
const PAGE: u32 = 25;

/// The customer that a path names, when it is one of the partner's.
///
/// # Errors
/// [`PageError::NotFound`] for every other.
pub async fn customer_of(app: &App, agent: &Agent, id: &str) -> Result<NamedCustomer, PageError> {
    let id = CustomerId::parse(id).map_err(|_| PageError::NotFound)?;
    let found = app.store.read(agent.actor(), &FindCustomers::Ids(vec![id])).await?;
    found.into_iter().next().ok_or(PageError::NotFound)
}

/// Whether the agent is shown what the partner itself pays.
pub(super) fn sees_cost(agent: &Agent) -> bool {
    agent.has(&[PartnerRole::GlobalAdmin, PartnerRole::AdminAgent, PartnerRole::BillingAdmin])
}

/// The number of the page that is asked for, from 0.
pub(super) fn page_number(query: &Fields) -> usize {
    let asked = query.get("page").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1);
    asked.clamp(1, 10_000).saturating_sub(1)
}

/// How many entries stand before a page.
pub(super) fn before_page(number: usize, size: u32) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX).saturating_mul(size)
}

/// Where to go from a page of a list that is counted in pages.
pub(super) fn pager(t: Text, path: &str, query: &Fields, number: usize, more: bool) -> Pager {
    let to = |page: usize| {
        let page = if page == 0 { String::new() } else { page.saturating_add(1).to_string() };
        format!("{path}{}", query.query_with(&[("page", &page)]))
    };
    Pager {
        label: t.get("pager"),
        previous: (number > 0).then(|| (t.get("pager-previous"), to(number.saturating_sub(1)))),
        next: more.then(|| (t.get("pager-next"), to(number.saturating_add(1)))),
    }
}

/// One page of a list that is at hand, and whether there are more.
pub(super) fn page_of<T>(list: Vec<T>, number: usize, size: usize) -> (Vec<T>, bool) {
    let start = number.saturating_mul(size);
    let more = list.len() > start.saturating_add(size);
    (list.into_iter().skip(start).take(size).collect(), more)
}

/// The field that chooses who bought.
pub(super) fn side_field(t: Text, query: &Fields) -> Field {
    let choices = vec![
        (String::new(), t.get("orders-anyone")),
        (BoughtBy::Customer.name().to_owned(), words::bought_by(t, BoughtBy::Customer)),
        (BoughtBy::Partner.name().to_owned(), words::bought_by(t, BoughtBy::Partner)),
    ];
    Field::choice("by", t.get("orders-bought-by"), choices).value(query.text("by"))
}

/// Who bought, as a mark: the customer stands out, for nobody told the partner (R16).
pub(super) fn side_badge(t: Text, buyer: &Buyer) -> Badge {
    let tone = if buyer.side == BoughtBy::Customer { Tone::Warning } else { Tone::Quiet };
    Badge::new(tone, words::bought_by(t, buyer.side))
}

/// How an order stands.
pub(super) fn status(t: Text, status: OrderStatus) -> Badge {
    match status {
        OrderStatus::Completed => Badge::new(Tone::Good, t.get("orders-completed")),
        OrderStatus::Cancelled => Badge::new(Tone::Quiet, t.get("orders-cancelled")),
    }
}

/// What the customer pays for a line in all. What was billed once could be added up then.
fn line_total(line: &OrderLine) -> Money {
    line.prices.customer.times(line.quantity).unwrap_or_else(|_| Money::zero(line.prices.currency()))
}

fn total(order: &Order) -> Money {
    sum(order.currency, order.lines.iter().map(line_total))
}

/// The sum of amounts of one currency; others are left out.
pub(super) fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Money {
    amounts.into_iter().fold(Money::zero(currency), |sum, amount| sum.plus(amount).unwrap_or(sum))
}

#[derive(Template)]
#[template(path = "dashboard/orders.html")]
struct OrdersPage {
    shell: Shell,
    path: String,
    filters: Vec<Field>,
    summary: Option<String>,
    rows: Vec<OrderRow>,
    pager: Pager,
    empty: Empty,
}

struct OrderRow {
    path: String,
    number: String,
    at: String,
    items: String,
    quantity: String,
    cycle: String,
    total: String,
    status: Badge,
    side: Badge,
    buyer: String,
}

/// The list.
pub async fn list(State(app): State<App>, agent: Agent, Path(id): Path<String>) -> Result<Response, PageError> {
    let customer = customer_of(&app, &agent, &id).await?;
    let (t, query) = (agent.visit().text, &agent.visit().query);
    let number = page_number(query);
    let asked = BrowseOrders {
        customer: customer.id,
        side: query.get("by").and_then(BoughtBy::parse),
        status: query.get("state").and_then(OrderStatus::parse),
        search: query.text("q").to_lowercase(),
        skip: before_page(number, PAGE),
        size: PAGE,
    };
    let is_narrowed = asked.side.is_some() || asked.status.is_some() || !asked.search.is_empty();
    let OrdersFound { orders, count, totals } = app.store.read(agent.actor(), &asked).await?;
    let shell = Shell::customer(&agent, customer.id, &customer.name, t.get("nav-order-history"), Place::CustomerOrders);
    let summary = (count > 0).then(|| {
        let all: Vec<String> = totals.iter().map(|total| shell.money(total)).collect();
        let count = t.with_all("orders-count", &[("count", &count), ("shown", &shell.number(count))]);
        if all.is_empty() {
            count
        } else {
            t.with_all("orders-summary", &[("count", &count), ("total", &all.join(" + "))])
        }
    });
    let path = format!("/dashboard/customers/{}/orders", customer.id);
    let more = i64::from(before_page(number.saturating_add(1), PAGE)) < count;
    let rows = orders
        .iter()
        .map(|order| OrderRow {
            path: format!("{path}/{}", order.id),
            number: order.id.alternate().to_owned(),
            at: shell.instant(&order.placed_at),
            items: items(t, order),
            quantity: shell.number(order.lines.iter().map(|line| line.quantity).sum::<i64>()),
            cycle: words::billing_cycle(t, order.billing_cycle),
            total: shell.money(&total(order)),
            status: status(t, order.status),
            side: side_badge(t, &order.buyer),
            buyer: order.buyer.name.clone(),
        })
        .collect();
    let states = vec![
        (String::new(), t.get("orders-any-state")),
        (OrderStatus::Completed.name().to_owned(), t.get("orders-completed")),
        (OrderStatus::Cancelled.name().to_owned(), t.get("orders-cancelled")),
    ];
    let filters = vec![
        side_field(t, query),
        Field::choice("state", t.get("orders-state"), states).value(query.text("state")),
        Field::text("q", t.get("orders-product")).kind("search").value(query.text("q")),
    ];
    let empty = if !is_narrowed {
        Empty::new(t.get("orders-none"), t.get("orders-none-text"))
            .action(t.get("nav-add-products"), format!("/dashboard/customers/{}/add-products", customer.id))
    } else {
        Empty::new(t.get("orders-none-found"), t.get("orders-none-found-text"))
    };
    let pager = pager(t, &path, query, number, more);
    Ok(ok(&OrdersPage { shell, path, filters, summary, rows, pager, empty }))
}

fn items(t: Text, order: &Order) -> String {
    let first = order.lines.first().map(|line| words::product(t, &line.name)).unwrap_or_default();
    match order.lines.len() {
        0 | 1 => first,
        count => t.with_all("orders-and-more", &[("item", &first), ("count", &count.saturating_sub(1))]),
    }
}

#[derive(Template)]
#[template(path = "dashboard/order.html")]
struct OrderPage {
    shell: Shell,
    facts: Vec<(String, String)>,
    status: Badge,
    side: Badge,
    buyer: String,
    sees_cost: bool,
    lines: Vec<LineRow>,
    total: String,
    cost: String,
}

struct LineRow {
    name: String,
    path: Option<String>,
    term: String,
    quantity: String,
    list: String,
    price: String,
    cost: String,
    total: String,
}

/// One order.
pub async fn show(
    State(app): State<App>,
    agent: Agent,
    Path((id, order)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let customer = customer_of(&app, &agent, &id).await?;
    let order = OrderId::parse(&order).map_err(|_| PageError::NotFound)?;
    let found = app.store.read(agent.actor(), &GetOrder { customer: customer.id, order }).await?;
    let order = found.ok_or(PageError::NotFound)?;
    let t = agent.visit().text;
    let path = format!("/dashboard/customers/{}/orders", customer.id);
    let title = t.with("order-title", "number", order.id.alternate());
    let shell = Shell::customer(&agent, customer.id, &customer.name, title, Place::CustomerOrders)
        .via(t.get("nav-order-history"), path);
    let lines = order.lines.iter().map(|line| line_row(&shell, customer.id, line)).collect();
    let cost = order.partner_total().map(|total| shell.money(&total)).unwrap_or_default();
    let facts = vec![
        (t.get("order-number"), order.id.alternate().to_owned()),
        (t.get("order-id"), order.id.to_string()),
        (t.get("order-date"), shell.instant(&order.placed_at)),
        (t.get("order-billing"), words::billing_cycle(t, order.billing_cycle)),
    ];
    let total = shell.money(&total(&order));
    Ok(ok(&OrderPage {
        facts,
        status: status(t, order.status),
        side: side_badge(t, &order.buyer),
        buyer: order.buyer.name.clone(),
        sees_cost: sees_cost(&agent),
        lines,
        total,
        cost,
        shell,
    }))
}

fn line_row(shell: &Shell, customer: CustomerId, line: &OrderLine) -> LineRow {
    let t = shell.text;
    let (term, path) = match &line.item {
        OrderedItem::Reservation { reservation_order, term, .. } => {
            (words::term(t, *term), Some(format!("/dashboard/customers/{customer}/reservations/{reservation_order}")))
        }
        OrderedItem::AzurePlan { .. } | OrderedItem::AzureGlobal { .. } => {
            (String::new(), Some(format!("/dashboard/customers/{customer}/subscriptions")))
        }
    };
    LineRow {
        name: words::product(t, &line.name),
        path,
        term,
        quantity: shell.number(line.quantity),
        list: shell.money(&line.prices.list),
        price: shell.money(&line.prices.customer),
        cost: shell.money(&line.prices.partner),
        total: shell.money(&line_total(line)),
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_server::text::Language;

    use super::*;
    use crate::words::texts;

    #[test]
    fn pages_are_counted_from_one_and_end() {
        assert_eq!(page_of((0..60).collect(), 2, 25), ((50..60).collect(), false));
        assert!(page_of((0..50).collect::<Vec<i32>>(), 0, 25).1);
        for (query, number) in [("", 0), ("page=3", 2), ("page=0", 0), ("page=x", 0), ("page=99999999999", 9_999)] {
            assert_eq!(page_number(&Fields::parse(query.as_bytes())), number, "{query}");
        }
        let query = Fields::parse(b"by=customer&page=2");
        let pager = pager(texts(Language::English), "/x", &query, 1, true);
        assert_eq!(pager.previous.unwrap().1, "/x?by=customer");
        assert_eq!(pager.next.unwrap().1, "/x?by=customer&page=3");
    }
}
