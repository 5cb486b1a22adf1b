//! What the ledger says: its events, the charges of bills, invoices, and the export of a customer.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::billing::{
    Balance, BilledCustomer, Charge, ChargeList, Export, ExportCustomer, Invoice, LedgerEvent, LedgerKey, LedgerPage,
    ListInvoices, Month, OwnStatements, Period, ReadBill, ReadCharges, ReadLedger, ReadOwnStatements, ReadStatement,
    Statement,
};
use fullmakt_domain::catalog_item::CatalogItemId;
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::ledger::{Account, LedgerEntry, LedgerKind};
use fullmakt_domain::market::Country;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Tx, on};
use crate::door::Answer;
use crate::reservation::OrderRow;
use crate::row::{Fault, instant, known, micros, money, parsed};
use crate::{activity, order, purchase, reservation};

#[derive(serde::Deserialize)]
struct EntryRow {
    event_id: String,
    kind: String,
    at: i64,
    subject: String,
    account: String,
    currency: String,
    amount_e6: i64,
}

fn account(name: &str) -> Result<Account, Fault> {
    known("account", name, Account::parse(name))
}

/// Entries in the order of their events, as events.
fn events(rows: Vec<EntryRow>) -> Result<Vec<LedgerEvent>, Fault> {
    let mut events: Vec<LedgerEvent> = Vec::new();
    for row in rows {
        let id: Uuid = parsed("ledger event", &row.event_id)?;
        let entry = LedgerEntry { account: account(&row.account)?, amount: money(row.amount_e6, &row.currency)? };
        match events.last_mut().filter(|event| event.id == id) {
            Some(event) => event.entries.push(entry),
            None => events.push(LedgerEvent {
                id,
                kind: known("kind of a ledger event", &row.kind, LedgerKind::parse(&row.kind))?,
                at: instant(row.at)?,
                subject: row.subject,
                entries: vec![entry],
            }),
        }
    }
    Ok(events)
}

async fn read_events(
    customer: CustomerId,
    partner: PartnerId,
    period: Period,
    after: Option<&LedgerKey>,
    size: i64,
    tx: &mut Tx<'_>,
) -> Result<Vec<LedgerEvent>, Fault> {
    let (after_at, after_event) =
        after.map_or((i64::MIN, String::new()), |key| (micros(key.at), key.event.to_string()));
    let rows: Vec<EntryRow> = on!(tx, conn => sqlx::query_as(
        "SELECT event_id, kind, at, subject, account, currency, amount_e6 FROM ledger_entry
         WHERE customer_id = $1 AND event_id IN (
             SELECT event_id FROM ledger_transfer
             WHERE customer_id = $1 AND partner_id = $2 AND number = 1 AND at >= $3 AND at < $4
               AND (at > $5 OR (at = $5 AND event_id > $6))
             ORDER BY at, event_id LIMIT $7)
         ORDER BY at, event_id, number")
        .bind(customer.to_string())
        .bind(partner.to_string())
        .bind(micros(period.from))
        .bind(micros(period.until))
        .bind(after_at)
        .bind(after_event)
        .bind(size)
        .fetch_all(conn).await)?;
    events(rows)
}

impl Answer for ReadLedger {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<LedgerPage, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let one_more = i64::from(self.size).saturating_add(1);
        let mut events = read_events(customer, partner, self.period, self.after.as_ref(), one_more, tx).await?;
        let more = events.len() > size;
        events.truncate(size);
        let last = events.last().map(|event| LedgerKey { at: event.at, event: event.id });
        let rows: Vec<(String, String, i64)> = on!(tx, conn => sqlx::query_as(
            "SELECT account, currency, CAST(sum(amount_e6) AS BIGINT) FROM ledger_entry
             WHERE customer_id = $1 AND partner_id = $2 AND at < $3 GROUP BY account, currency")
            .bind(customer.to_string()).bind(partner.to_string()).bind(micros(self.period.until))
            .fetch_all(conn).await)?;
        let mut balances = Vec::with_capacity(rows.len());
        for (name, currency, amount) in rows {
            balances.push(Balance { account: account(&name)?, amount: money(amount, &currency)? });
        }
        balances.sort_by_key(|balance| (balance.amount.currency, balance.account));
        Ok(LedgerPage { events, balances, next: last.filter(|_| more) })
    }
}

#[derive(serde::Deserialize)]
struct ChargeRow {
    event_id: String,
    kind: String,
    at: i64,
    cost_e6: i64,
    price_e6: i64,
    ledger_currency: String,
    ledger_quantity: i64,
    instalment: Option<i64>,
    catalog_item_id: String,
    item_name: String,
    customer_name: String,
    customer_domain: String,
    customer_country: String,
    #[serde(flatten)]
    order: OrderRow,
}

impl ChargeRow {
    fn charge(self) -> Result<Charge, Fault> {
        let order = self.order.order()?;
        Ok(Charge {
            event: parsed("ledger event", &self.event_id)?,
            kind: known("kind of a ledger event", &self.kind, LedgerKind::parse(&self.kind))?,
            at: instant(self.at)?,
            customer: BilledCustomer {
                id: order.customer,
                name: self.customer_name,
                domain: self.customer_domain,
                country: known("country", &self.customer_country, Country::parse(&self.customer_country).ok())?,
            },
            item: known("item", &self.catalog_item_id, CatalogItemId::parse(&self.catalog_item_id).ok())?,
            item_name: self.item_name,
            instalment: self.instalment,
            quantity: self.ledger_quantity,
            cost: money(self.cost_e6, &self.ledger_currency)?,
            price: money(self.price_e6, &self.ledger_currency)?,
            order,
        })
    }
}

/// What a partner was charged in some time, for one of its customers or for all, oldest first. What happened to one order at one
/// instant stands together, a return before its fee.
async fn charges(
    partner: PartnerId,
    customer: Option<CustomerId>,
    period: Period,
    tx: &mut Tx<'_>,
) -> Result<Vec<Charge>, Fault> {
    let rows: Vec<ChargeRow> = on!(tx, conn => sqlx::query_as(
        "SELECT e.event_id, e.kind, e.at, e.cost_e6, e.price_e6, e.currency AS ledger_currency,
                e.quantity AS ledger_quantity, i.number AS instalment,
                l.catalog_item_id, l.name AS item_name, t.name AS customer_name, t.domain AS customer_domain,
                c.country AS customer_country, o.customer_id, o.reservation_order_id, o.partner_id, o.order_id,
                o.line_number, o.subscription_id, o.display_name, o.sku, o.region, o.resource_type, o.term,
                o.billing_plan, o.original_quantity, o.currency, o.list_unit_e6, o.partner_unit_e6, o.customer_unit_e6,
                o.requested_at, o.starts_at, o.expires_at, o.state, o.etag, o.bought_by, o.buyer_id, o.buyer_name
         FROM (SELECT customer_id, event_id, kind, at, currency, subject, quantity,
                      CAST(sum(CASE account WHEN 'partner-cost' THEN amount_e6 ELSE 0 END) AS BIGINT) AS cost_e6,
                      CAST(sum(CASE account WHEN 'customer-receivable' THEN amount_e6 ELSE 0 END) AS BIGINT) AS price_e6
               FROM ledger_entry
               WHERE partner_id = $1 AND at >= $2 AND at < $3 AND (customer_id = $4 OR $4 = '')
               GROUP BY customer_id, event_id, kind, at, currency, subject, quantity) e
         JOIN reservation_order o ON o.customer_id = e.customer_id AND o.reservation_order_id = e.subject
         JOIN order_line l
           ON l.customer_id = o.customer_id AND l.order_id = o.order_id AND l.line_number = o.line_number
         JOIN customer c ON c.customer_id = e.customer_id
         JOIN tenant t ON t.tenant_id = e.customer_id
         LEFT JOIN instalment i
           ON i.customer_id = e.customer_id AND i.reservation_order_id = e.subject AND i.posted_event = e.event_id
         ORDER BY e.at, e.customer_id, e.subject, CASE e.kind WHEN 'fee' THEN 1 ELSE 0 END, e.event_id, e.currency")
        .bind(partner.to_string())
        .bind(micros(period.from))
        .bind(micros(period.until))
        .bind(customer.map(|customer| customer.to_string()).unwrap_or_default())
        .fetch_all(conn).await)?;
    rows.into_iter().map(ChargeRow::charge).collect()
}

async fn partner_name(partner: PartnerId, tx: &mut Tx<'_>) -> Result<String, Fault> {
    Ok(on!(tx, conn => sqlx::query_scalar("SELECT name FROM tenant WHERE tenant_id = $1")
        .bind(partner.to_string()).fetch_one(conn).await)?)
}

impl Answer for ReadCharges {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ChargeList, Fault> {
        let partner = permit.partner();
        let charges = charges(partner, Some(permit.customer()), self.period, tx).await?;
        Ok(ChargeList { partner_name: partner_name(partner, tx).await?, partner, charges })
    }
}

impl Answer for ReadBill {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<ChargeList, Fault> {
        let partner = permit.partner();
        let charges = charges(partner, None, self.period, tx).await?;
        Ok(ChargeList { partner_name: partner_name(partner, tx).await?, partner, charges })
    }
}

impl Answer for ReadStatement {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Statement, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let charges = charges(partner, Some(customer), self.period, tx).await?;
        statement(customer, partner, self.period, &charges, tx).await
    }
}

/// The partners that serve a customer, or the one that asks.
async fn partners_of<A>(permit: &Permit<A>, tx: &mut Tx<'_>) -> Result<Vec<PartnerId>, Fault> {
    let rows: Vec<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT partner_id FROM relationship WHERE customer_id = $1 ORDER BY partner_id")
        .bind(permit.customer().to_string()).fetch_all(conn).await)?;
    let all = rows.iter().map(|id| parsed("partner id", id)).collect::<Result<Vec<PartnerId>, Fault>>()?;
    let asks = |partner: &PartnerId| !permit.is_partner() || *partner == permit.partner();
    Ok(all.into_iter().filter(asks).collect())
}

impl Answer for ReadOwnStatements {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<OwnStatements, Fault> {
        let mut own = OwnStatements { statements: Vec::new(), left_out: 0 };
        for partner in partners_of(permit, tx).await? {
            let all = charges(partner, Some(permit.customer()), self.period, tx).await?;
            let count = all.len();
            let seen: Vec<Charge> =
                all.into_iter().filter(|charge| permit.facts().may_read_order(&charge.order)).collect();
            own.left_out = own.left_out.saturating_add(count.saturating_sub(seen.len()));
            if count == 0 || !seen.is_empty() {
                own.statements.push(statement(permit.customer(), partner, self.period, &seen, tx).await?);
            }
        }
        Ok(own)
    }
}

async fn statement(
    customer: CustomerId,
    partner: PartnerId,
    period: Period,
    charges: &[Charge],
    tx: &mut Tx<'_>,
) -> Result<Statement, Fault> {
    let (contact, _) = purchase::parties(customer, partner, tx).await?;
    let name: String = on!(tx, conn => sqlx::query_scalar("SELECT name FROM tenant WHERE tenant_id = $1")
        .bind(customer.to_string()).fetch_one(conn).await)?;
    Statement::of(contact.name, contact.support, name, period, charges)
        .map_err(|error| Fault::Damaged { what: "total of a statement", value: error.to_string() })
}

impl Answer for ListInvoices {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Vec<Invoice>, Fault> {
        let partner = permit.partner();
        let first: Option<i64> = on!(tx, conn => sqlx::query_scalar(
            "SELECT min(at) FROM ledger_transfer WHERE partner_id = $1").bind(partner.to_string()).fetch_one(conn).await)?;
        let Some(first) = first else { return Ok(Vec::new()) };
        let (mut month, this_month) = (Month::of(instant(first)?), Month::of(self.now));
        let mut invoices = Vec::new();
        while month < this_month {
            let period = month.period();
            let rows: Vec<(String, i64)> = on!(tx, conn => sqlx::query_as(
                "SELECT currency, CAST(sum(amount_e6) AS BIGINT) FROM ledger_entry
                 WHERE partner_id = $1 AND at >= $2 AND at < $3 AND account = 'partner-cost'
                 GROUP BY currency ORDER BY currency")
                .bind(partner.to_string()).bind(micros(period.from)).bind(micros(period.until))
                .fetch_all(conn).await)?;
            for (currency, amount) in rows {
                invoices.push(Invoice::new(partner, month, money(amount, &currency)?));
            }
            month = month.next();
        }
        invoices.reverse();
        Ok(invoices)
    }
}

impl Answer for ExportCustomer {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Export, Fault> {
        let (customer, partner) = (permit.customer(), permit.partner());
        let mut orders = order::list(customer, partner, tx).await?;
        orders.sort_by(|a, b| (a.placed_at, a.id.as_str()).cmp(&(b.placed_at, b.id.as_str())));
        let mut reservations = reservation::list(customer, tx).await?;
        reservations.retain(|bought| bought.order.partner == partner);
        for bought in &mut reservations {
            bought.reservations.sort_by_key(|reservation| reservation.id);
        }
        let all = Period { from: Timestamp::MIN, until: Timestamp::MAX };
        Ok(Export {
            orders,
            reservations,
            ledger: read_events(customer, partner, all, None, i64::MAX, tx).await?,
            log: activity::of_customer(customer, partner, tx).await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ADA, CUSTOMER, OLLE, PARTNER, RUT, actor, bought, request, stores};

    #[tokio::test]
    async fn r14_r45_the_customers_own_statement_holds_what_its_reader_may_see() {
        let period = Month::of(request().now).period();
        let own = ReadOwnStatements { period };
        for (store, _directory) in stores().await {
            bought(&store).await;
            let seen = store.read(&actor(OLLE, CUSTOMER), &own).await.unwrap();
            let [statement] = seen.statements.as_slice() else { panic!("{seen:?}") };
            assert_eq!((statement.lines.len(), seen.left_out), (1, 0));
            assert_eq!(statement.lines[0].instalment, Some((1, 12)));
            let customer = CustomerId::parse(CUSTOMER).unwrap();
            let sent = store.read(&actor(ADA, PARTNER), &ReadStatement { customer, period }).await.unwrap();
            assert_eq!(statement, &sent);
            // Rut has no role on the order, and hears that something is left out.
            let hidden = store.read(&actor(RUT, CUSTOMER), &own).await.unwrap();
            assert!(hidden.statements.is_empty() && hidden.left_out == 1, "{hidden:?}");
            // On the customer's behalf, the partner's own alone; at home there is no customer.
            let mut ada = actor(ADA, PARTNER);
            let home = store.read(&ada, &own).await.unwrap();
            assert!(home.statements.is_empty() && home.left_out == 0, "{home:?}");
            ada.tenant = customer.tenant();
            assert_eq!(store.read(&ada, &own).await.unwrap().statements, seen.statements);
            let earlier = ReadOwnStatements { period: Month::of(request().now).previous().period() };
            // Where nothing was charged, it is still said between whom.
            let nothing = store.read(&actor(OLLE, CUSTOMER), &earlier).await.unwrap().statements;
            let [empty] = nothing.as_slice() else { panic!("{nothing:?}") };
            assert!(empty.lines.is_empty() && empty.totals.is_empty(), "{empty:?}");
            assert_eq!((&empty.partner, &empty.customer), (&statement.partner, &statement.customer));
        }
    }
}
