//! Customers and their agreements: loads, answers, statements.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::customer::{
    Agreement, AgreementContact, BillTo, BrowseCustomers, ConfirmAgreement, CreateCustomer, Customer, CustomerKey,
    CustomerLine, CustomerLines, CustomerPage, CustomerSummary, GetCustomer, ListAgreements, ListCustomers,
    NewCustomer, PageStart, UpdateBillTo,
};
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::market::Country;
use fullmakt_domain::self_serve_policy::SelfServeResource;
use jiff::Timestamp;

use crate::db::{Tx, on};
use crate::door::{Answer, Load};
use crate::row::{Fault, instant, instant_optional, known, micros, parsed};

#[derive(serde::Deserialize)]
struct SummaryRow {
    sort_key: String,
    customer_id: String,
    name: String,
    domain: String,
}

// A page is one range of one index: it starts behind a key and ends with the prefix.
const BY_NAME: &str = "SELECT s.name_key AS sort_key, s.customer_id, t.name, t.domain
     FROM relationship s JOIN tenant t ON t.tenant_id = s.customer_id
     WHERE s.partner_id = $1 AND (s.name_key, s.customer_id) > ($2, $3) AND s.name_key < $4
     ORDER BY s.name_key, s.customer_id LIMIT $5 OFFSET $6";
const BY_NAME_BACKWARDS: &str = "SELECT s.name_key AS sort_key, s.customer_id, t.name, t.domain
     FROM relationship s JOIN tenant t ON t.tenant_id = s.customer_id
     WHERE s.partner_id = $1 AND (s.name_key, s.customer_id) < ($2, $3) AND s.name_key >= $4
     ORDER BY s.name_key DESC, s.customer_id DESC LIMIT $5 OFFSET $6";
const BY_DOMAIN: &str = "SELECT s.domain AS sort_key, s.customer_id, t.name, t.domain
     FROM relationship s JOIN tenant t ON t.tenant_id = s.customer_id
     WHERE s.partner_id = $1 AND (s.domain, s.customer_id) > ($2, $3) AND s.domain < $4
     ORDER BY s.domain, s.customer_id LIMIT $5 OFFSET $6";
const BY_DOMAIN_BACKWARDS: &str = "SELECT s.domain AS sort_key, s.customer_id, t.name, t.domain
     FROM relationship s JOIN tenant t ON t.tenant_id = s.customer_id
     WHERE s.partner_id = $1 AND (s.domain, s.customer_id) < ($2, $3) AND s.domain >= $4
     ORDER BY s.domain DESC, s.customer_id DESC LIMIT $5 OFFSET $6";

/// Sorts behind every text that begins with the prefix.
fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// A page of rows that were read with one more than it holds, and whether that one was there. What was read from behind is
/// turned around.
pub(crate) fn cut<T>(mut rows: Vec<T>, size: u32, backwards: bool) -> (Vec<T>, bool) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    if backwards {
        rows.reverse();
    }
    (rows, more)
}

impl Answer for ListCustomers {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<CustomerPage, Fault> {
        let end = after_prefix(&self.prefix);
        let none = String::new();
        let (forwards, key, id, offset) = match &self.start {
            PageStart::Offset(offset) => (true, &self.prefix, &none, i64::from(*offset)),
            PageStart::After(key, id) => (true, key, id, 0),
            PageStart::Before(key, id) => (false, key, id, 0),
            PageStart::Last => (false, &end, &none, 0),
        };
        let (statement, bound) = match (self.key, forwards) {
            (CustomerKey::Name, true) => (BY_NAME, &end),
            (CustomerKey::Name, false) => (BY_NAME_BACKWARDS, &self.prefix),
            (CustomerKey::Domain, true) => (BY_DOMAIN, &end),
            (CustomerKey::Domain, false) => (BY_DOMAIN_BACKWARDS, &self.prefix),
        };
        let rows: Vec<SummaryRow> = on!(tx, conn => sqlx::query_as(statement)
            .bind(permit.partner().to_string())
            .bind(key)
            .bind(id)
            .bind(bound)
            .bind(i64::from(self.size).saturating_add(1))
            .bind(offset)
            .fetch_all(conn).await)?;
        let (rows, more) = cut(rows, self.size, !forwards);
        let customers = rows.into_iter().map(|row| {
            let id = parsed("customer id", &row.customer_id)?;
            Ok((row.sort_key, CustomerSummary { id, name: row.name, domain: row.domain }))
        });
        Ok(CustomerPage { customers: customers.collect::<Result<_, Fault>>()?, more })
    }
}

#[derive(serde::Deserialize)]
struct LineRow {
    sort_key: String,
    customer_id: String,
    name: String,
    domain: String,
    reservations: Option<i64>,
    savings_plans: Option<i64>,
}

// Names and domains stand in either index, so what does not hold the text is passed over without reading the rows.
const BROWSE_BY_NAME: &str =
    "SELECT s.name_key AS sort_key, s.customer_id, t.name, t.domain, v.reservations, v.savings_plans
     FROM relationship s
     JOIN tenant t ON t.tenant_id = s.customer_id
     LEFT JOIN self_serve_policy v ON v.customer_id = s.customer_id AND v.partner_id = s.partner_id
     WHERE s.partner_id = $1 AND (s.name_key, s.customer_id) > ($2, $3)
       AND ($4 = '' OR replace(s.name_key, $4, '') <> s.name_key OR replace(s.domain, $4, '') <> s.domain)
     ORDER BY s.name_key, s.customer_id LIMIT $5 OFFSET $6";
const BROWSE_BY_NAME_DOWN: &str =
    "SELECT s.name_key AS sort_key, s.customer_id, t.name, t.domain, v.reservations, v.savings_plans
     FROM relationship s
     JOIN tenant t ON t.tenant_id = s.customer_id
     LEFT JOIN self_serve_policy v ON v.customer_id = s.customer_id AND v.partner_id = s.partner_id
     WHERE s.partner_id = $1 AND (s.name_key, s.customer_id) < ($2, $3)
       AND ($4 = '' OR replace(s.name_key, $4, '') <> s.name_key OR replace(s.domain, $4, '') <> s.domain)
     ORDER BY s.name_key DESC, s.customer_id DESC LIMIT $5 OFFSET $6";
const BROWSE_BY_DOMAIN: &str =
    "SELECT s.domain AS sort_key, s.customer_id, t.name, t.domain, v.reservations, v.savings_plans
     FROM relationship s
     JOIN tenant t ON t.tenant_id = s.customer_id
     LEFT JOIN self_serve_policy v ON v.customer_id = s.customer_id AND v.partner_id = s.partner_id
     WHERE s.partner_id = $1 AND (s.domain, s.customer_id) > ($2, $3)
       AND ($4 = '' OR replace(s.name_key, $4, '') <> s.name_key OR replace(s.domain, $4, '') <> s.domain)
     ORDER BY s.domain, s.customer_id LIMIT $5 OFFSET $6";
const BROWSE_BY_DOMAIN_DOWN: &str =
    "SELECT s.domain AS sort_key, s.customer_id, t.name, t.domain, v.reservations, v.savings_plans
     FROM relationship s
     JOIN tenant t ON t.tenant_id = s.customer_id
     LEFT JOIN self_serve_policy v ON v.customer_id = s.customer_id AND v.partner_id = s.partner_id
     WHERE s.partner_id = $1 AND (s.domain, s.customer_id) < ($2, $3)
       AND ($4 = '' OR replace(s.name_key, $4, '') <> s.name_key OR replace(s.domain, $4, '') <> s.domain)
     ORDER BY s.domain DESC, s.customer_id DESC LIMIT $5 OFFSET $6";

impl Answer for BrowseCustomers {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<CustomerLines, Fault> {
        let (edge, none) = (after_prefix(""), String::new());
        let backwards = matches!(self.start, PageStart::Before(..) | PageStart::Last);
        // The way through the index: a page before a place in a descending list is read upwards.
        let downwards = self.descending != backwards;
        let (key, id, offset) = match &self.start {
            PageStart::Offset(offset) if downwards => (&edge, &none, i64::from(*offset)),
            PageStart::Offset(offset) => (&none, &none, i64::from(*offset)),
            PageStart::After(key, id) | PageStart::Before(key, id) => (key, id, 0),
            PageStart::Last if downwards => (&edge, &none, 0),
            PageStart::Last => (&none, &none, 0),
        };
        let statement = match (self.key, downwards) {
            (CustomerKey::Name, false) => BROWSE_BY_NAME,
            (CustomerKey::Name, true) => BROWSE_BY_NAME_DOWN,
            (CustomerKey::Domain, false) => BROWSE_BY_DOMAIN,
            (CustomerKey::Domain, true) => BROWSE_BY_DOMAIN_DOWN,
        };
        let rows: Vec<LineRow> = on!(tx, conn => sqlx::query_as(statement)
            .bind(permit.partner().to_string())
            .bind(key)
            .bind(id)
            .bind(&self.search)
            .bind(i64::from(self.size).saturating_add(1))
            .bind(offset)
            .fetch_all(conn).await)?;
        let (rows, more) = cut(rows, self.size, backwards);
        let lines = rows.into_iter().map(|row| {
            let id = parsed("customer id", &row.customer_id)?;
            let switches = SelfServeResource::ALL.into_iter().zip([row.reservations, row.savings_plans]);
            let permitted = switches.filter(|(_, on)| *on == Some(1)).map(|(resource, _)| resource).collect();
            let customer = CustomerSummary { id, name: row.name, domain: row.domain };
            Ok((row.sort_key, CustomerLine { customer, permitted }))
        });
        Ok(CustomerLines { lines: lines.collect::<Result<_, Fault>>()?, more })
    }
}

#[derive(serde::Deserialize)]
struct CustomerRow {
    name: String,
    domain: String,
    country: String,
    language: String,
    created_at: i64,
    commerce_id: String,
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    address_1: String,
    address_2: String,
    city: String,
    region: String,
    postal_code: String,
    registration_number: Option<String>,
    profile_etag: i64,
    agreement_confirmed_at: Option<i64>,
}

/// A customer as its partner knows it.
pub(crate) async fn load(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Option<Customer>, Fault> {
    let row: Option<CustomerRow> = on!(tx, conn => sqlx::query_as(
        "SELECT t.name, t.domain, c.country, c.language, c.created_at, c.commerce_id, c.first_name, c.last_name,
                c.email, c.phone, c.address_1, c.address_2, c.city, c.region, c.postal_code, c.registration_number,
                c.profile_etag, s.agreement_confirmed_at
         FROM customer c
         JOIN tenant t ON t.tenant_id = c.customer_id
         JOIN relationship s ON s.customer_id = c.customer_id AND s.partner_id = $2
         WHERE c.customer_id = $1")
        .bind(customer.to_string()).bind(partner.to_string()).fetch_optional(conn).await)?;
    row.map(|row| {
        Ok(Customer {
            id: customer,
            commerce_id: row.commerce_id,
            name: row.name,
            domain: row.domain,
            country: known("country", &row.country, Country::parse(&row.country).ok())?,
            language: row.language,
            bill_to: BillTo {
                first_name: row.first_name,
                last_name: row.last_name,
                email: row.email,
                phone: row.phone,
                address_1: row.address_1,
                address_2: row.address_2,
                city: row.city,
                region: row.region,
                postal_code: row.postal_code,
                registration_number: row.registration_number,
            },
            profile_version: row.profile_etag,
            created_at: instant(row.created_at)?,
            agreement_confirmed_at: instant_optional(row.agreement_confirmed_at)?,
        })
    })
    .transpose()
}

impl Answer for GetCustomer {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        load(permit.customer(), permit.partner(), tx).await
    }
}

impl Load for CreateCustomer {
    async fn load(&self, _permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<bool, Fault> {
        let taken: i64 = on!(tx, conn => sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM tenant WHERE tenant_id = $1 OR domain = $2)
                  + (SELECT count(*) FROM principal WHERE upn = $3)")
            .bind(self.customer.id.to_string())
            .bind(&self.customer.domain)
            .bind(&self.first_user.upn)
            .fetch_one(conn).await)?;
        Ok(taken > 0)
    }
}

pub(crate) async fn insert(new: &NewCustomer, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let customer = &new.customer;
    let (id, bill_to, at) = (customer.id.to_string(), &customer.bill_to, micros(customer.created_at));
    on!(tx, conn => sqlx::query("INSERT INTO tenant (tenant_id, kind, name, domain) VALUES ($1, 'customer', $2, $3)")
        .bind(&id).bind(&customer.name).bind(&customer.domain).execute(conn).await.map(drop))?;
    on!(tx, conn => sqlx::query(
        "INSERT INTO customer (customer_id, country, language, created_at, commerce_id, first_name, last_name, email,
                               phone, address_1, address_2, city, region, postal_code, registration_number)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)")
        .bind(&id)
        .bind(customer.country.code())
        .bind(&customer.language)
        .bind(at)
        .bind(&customer.commerce_id)
        .bind(&bill_to.first_name)
        .bind(&bill_to.last_name)
        .bind(&bill_to.email)
        .bind(&bill_to.phone)
        .bind(&bill_to.address_1)
        .bind(&bill_to.address_2)
        .bind(&bill_to.city)
        .bind(&bill_to.region)
        .bind(&bill_to.postal_code)
        .bind(bill_to.registration_number.as_ref())
        .execute(conn).await.map(drop))?;
    on!(tx, conn => sqlx::query(
        "INSERT INTO relationship (customer_id, partner_id, since, name_key, domain) VALUES ($1, $2, $3, $4, $5)")
        .bind(&id)
        .bind(new.partner.to_string())
        .bind(at)
        .bind(customer.name.to_lowercase())
        .bind(&customer.domain)
        .execute(conn).await.map(drop))?;
    on!(tx, conn => sqlx::query(
        "INSERT INTO principal (tenant_id, principal_id, kind, upn, name, secret_hash, created_at)
         VALUES ($1, $2, 'user', $3, 'admin', $4, $5)")
        .bind(&id)
        .bind(new.first_user.id.to_string())
        .bind(&new.first_user.upn)
        .bind(&new.first_user.secret_hash)
        .bind(at)
        .execute(conn).await.map(drop))?;
    Ok(())
}

impl Load for UpdateBillTo {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<Customer>, Fault> {
        load(permit.customer(), permit.partner(), tx).await
    }
}

pub(crate) async fn update_bill_to(customer: &Customer, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let bill_to = &customer.bill_to;
    on!(tx, conn => sqlx::query(
        "UPDATE customer SET language = $2, first_name = $3, last_name = $4, email = $5, phone = $6, address_1 = $7,
                address_2 = $8, city = $9, region = $10, postal_code = $11, registration_number = $12, profile_etag = $13
         WHERE customer_id = $1")
        .bind(customer.id.to_string())
        .bind(&customer.language)
        .bind(&bill_to.first_name)
        .bind(&bill_to.last_name)
        .bind(&bill_to.email)
        .bind(&bill_to.phone)
        .bind(&bill_to.address_1)
        .bind(&bill_to.address_2)
        .bind(&bill_to.city)
        .bind(&bill_to.region)
        .bind(&bill_to.postal_code)
        .bind(bill_to.registration_number.as_ref())
        .bind(customer.profile_version)
        .execute(conn).await.map(drop))?;
    Ok(())
}

#[derive(serde::Deserialize)]
struct AgreementRow {
    recorded_by: String,
    agreed_on: String,
    first_name: String,
    last_name: String,
    email: String,
    phone: Option<String>,
}

async fn agreements(customer: CustomerId, partner: PartnerId, tx: &mut Tx<'_>) -> Result<Vec<Agreement>, Fault> {
    let rows: Vec<AgreementRow> = on!(tx, conn => sqlx::query_as(
        "SELECT recorded_by, agreed_on, first_name, last_name, email, phone FROM agreement
         WHERE customer_id = $1 AND partner_id = $2 ORDER BY recorded_at DESC")
        .bind(customer.to_string()).bind(partner.to_string()).fetch_all(conn).await)?;
    let agreements = rows.into_iter().map(|row| {
        Ok(Agreement {
            contact: Some(AgreementContact {
                first_name: row.first_name,
                last_name: row.last_name,
                email: row.email,
                phone: row.phone,
            }),
            agreed_on: parsed("date", &row.agreed_on)?,
            recorded_by: Some(parsed("principal id", &row.recorded_by)?),
        })
    });
    agreements.collect()
}

impl Load for ConfirmAgreement {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::State, Fault> {
        Ok(agreements(permit.customer(), permit.partner(), tx).await?.into_iter().next())
    }
}

impl Answer for ListAgreements {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let mut agreements = agreements(permit.customer(), permit.partner(), tx).await?;
        let confirmed_at = load(permit.customer(), permit.partner(), tx).await?.and_then(|c| c.agreement_confirmed_at);
        if let (Some(at), true) = (confirmed_at, agreements.is_empty()) {
            let agreed_on = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            agreements.push(Agreement { contact: None, agreed_on, recorded_by: None });
        }
        Ok(agreements)
    }
}

pub(crate) async fn confirm_agreement(
    customer: CustomerId,
    partner: PartnerId,
    agreement: &Agreement,
    at: Timestamp,
    tx: &mut Tx<'_>,
) -> Result<(), Fault> {
    let (customer, partner) = (customer.to_string(), partner.to_string());
    if let Some(contact) = &agreement.contact {
        on!(tx, conn => sqlx::query(
            "INSERT INTO agreement
               (customer_id, partner_id, recorded_at, recorded_by, agreed_on, first_name, last_name, email, phone)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (customer_id, partner_id, recorded_at) DO UPDATE
               SET recorded_by = excluded.recorded_by, agreed_on = excluded.agreed_on, first_name = excluded.first_name,
                   last_name = excluded.last_name, email = excluded.email, phone = excluded.phone")
            .bind(&customer)
            .bind(&partner)
            .bind(micros(at))
            .bind(agreement.recorded_by.map(|p| p.to_string()).unwrap_or_default())
            .bind(agreement.agreed_on.to_string())
            .bind(&contact.first_name)
            .bind(&contact.last_name)
            .bind(&contact.email)
            .bind(contact.phone.as_ref())
            .execute(conn).await.map(drop))?;
    }
    on!(tx, conn => sqlx::query(
        "UPDATE relationship SET agreement_confirmed_at = $3 WHERE customer_id = $1 AND partner_id = $2")
        .bind(&customer).bind(&partner).bind(micros(at)).execute(conn).await.map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::actor::{Actor, PrincipalKind};
    use fullmakt_domain::ids::{PrincipalId, TenantId};

    use super::*;
    use crate::statement::query_as;
    use crate::testing::{run, stores};

    const PARTNER: &str = "11111111-1111-4111-8111-111111111111";

    // Two thousand customers named `kund 0001 ab` and so on, and one of another partner among them.
    const WORLD: &str = "
        INSERT INTO tenant VALUES ('11111111-1111-4111-8111-111111111111', 'partner', 'Nordmoln AB', 'nordmoln.example');
        INSERT INTO tenant VALUES ('44444444-4444-4444-8444-444444444444', 'partner', 'Sydmoln AB', 'sydmoln.example');
        INSERT INTO partner (partner_id, country, currency) VALUES ('11111111-1111-4111-8111-111111111111', 'SE', 'EUR');
        INSERT INTO partner (partner_id, country, currency) VALUES ('44444444-4444-4444-8444-444444444444', 'SE', 'EUR');
        INSERT INTO principal (principal_id, tenant_id, kind, upn, name, created_at) VALUES
            ('00000000-0000-4000-8000-0000000000a1', '11111111-1111-4111-8111-111111111111', 'user', 'ada@nordmoln.example', 'Ada', 0);
        INSERT INTO partner_role VALUES ('00000000-0000-4000-8000-0000000000a1', 'AdminAgent');
        WITH RECURSIVE n (i) AS (SELECT 10001 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
        INSERT INTO tenant SELECT '20000000-0000-4000-8000-0000000' || CAST(i AS TEXT), 'customer',
            'Kund ' || CAST(i AS TEXT) || ' AB', 'kund' || CAST(i AS TEXT) || '.example' FROM n;
        INSERT INTO customer (customer_id, country, language, created_at, commerce_id)
            SELECT tenant_id, 'SE', 'sv', 0, 'c' FROM tenant WHERE kind = 'customer';
        INSERT INTO relationship (customer_id, partner_id, since, name_key, domain)
            SELECT tenant_id, CASE WHEN domain = 'kund10500.example' THEN '44444444-4444-4444-8444-444444444444'
                                   ELSE '11111111-1111-4111-8111-111111111111' END, 0, lower(name), domain
            FROM tenant WHERE kind = 'customer'";

    fn ada() -> Actor {
        let home = TenantId::parse(PARTNER).unwrap();
        Actor {
            principal: PrincipalId::parse("00000000-0000-4000-8000-0000000000a1").unwrap(),
            kind: PrincipalKind::User,
            name: "ada@nordmoln.example".to_owned(),
            home,
            tenant: home,
            application: None,
        }
    }

    #[tokio::test]
    async fn a_list_is_read_page_by_page_in_both_directions() {
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let read = async |key, prefix: &str, start, size| {
                let query = ListCustomers { key, prefix: prefix.to_owned(), start, size };
                store.read(&ada(), &query).await.unwrap()
            };
            let numbers = |page: &CustomerPage| -> Vec<String> {
                page.customers
                    .iter()
                    .map(|(_, customer)| customer.name.replace("Kund ", "").replace(" AB", ""))
                    .collect()
            };
            let (mut start, mut seen) = (PageStart::Offset(0), Vec::new());
            loop {
                let page = read(CustomerKey::Name, "", start, 700).await;
                seen.extend(numbers(&page));
                let (key, last) = page.customers.last().cloned().unwrap();
                start = PageStart::After(key, last.id.to_string());
                if !page.more {
                    break;
                }
            }
            let all: Vec<String> = (10_001..=12_000).filter(|n| *n != 10_500).map(|n: u32| n.to_string()).collect();
            assert_eq!(seen, all);

            let found = read(CustomerKey::Name, "kund 1050", PageStart::Offset(0), 100).await;
            assert_eq!(numbers(&found), (10_501..10_510).map(|n: u32| n.to_string()).collect::<Vec<_>>());
            assert!(!found.more);
            let last = read(CustomerKey::Domain, "kund1050", PageStart::Last, 2).await;
            assert_eq!((numbers(&last), last.more), (vec!["10508".to_owned(), "10509".to_owned()], true));
            let (key, first) = last.customers.first().cloned().unwrap();
            let before = PageStart::Before(key, first.id.to_string());
            let page = read(CustomerKey::Domain, "kund1050", before, 10).await;
            assert_eq!(numbers(&page), (10_501..10_508).map(|n: u32| n.to_string()).collect::<Vec<_>>());
            assert!(!page.more);
            let skipped = read(CustomerKey::Name, "", PageStart::Offset(1_990), 100).await;
            assert_eq!(numbers(&skipped).first().map(String::as_str), Some("11992"));
            let odd = read(CustomerKey::Name, "100%_'\\", PageStart::Offset(0), 5).await;
            assert!(odd.customers.is_empty());
        }
    }

    #[tokio::test]
    async fn the_dashboards_list_is_searched_and_turned_around() {
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            run(
                &store,
                "INSERT INTO self_serve_policy VALUES
                   ('20000000-0000-4000-8000-000000010007', '11111111-1111-4111-8111-111111111111', 1, 0,
                    '00000000-0000-4000-8000-000000000001', 0, 'ada'),
                   ('20000000-0000-4000-8000-000000010008', '44444444-4444-4444-8444-444444444444', 1, 1,
                    '00000000-0000-4000-8000-000000000002', 0, 'ture')",
            )
            .await;
            let read = async |key, descending, search: &str, start| {
                let query = BrowseCustomers { key, descending, search: search.to_owned(), start, size: 4 };
                store.read(&ada(), &query).await.unwrap()
            };
            let shown = |page: &CustomerLines| -> String {
                let numbers: Vec<_> = page
                    .lines
                    .iter()
                    .map(|(_, line)| {
                        let number = line.customer.domain.replace("kund", "").replace(".example", "");
                        if line.permitted.is_empty() { number } else { format!("{number}*") }
                    })
                    .collect();
                format!("{}{}", numbers.join(" "), if page.more { " …" } else { "" })
            };
            let place = |page: &CustomerLines, last: bool| {
                let (key, line) = if last { page.lines.last() } else { page.lines.first() }.unwrap();
                (key.clone(), line.customer.id.to_string())
            };
            for key in [CustomerKey::Name, CustomerKey::Domain] {
                let first = read(key, false, "", PageStart::Offset(5)).await;
                // R45: the permission that another partner gave does not show.
                assert_eq!(shown(&first), "10006 10007* 10008 10009 …");
                let (at, id) = place(&first, true);
                let second = read(key, false, "", PageStart::After(at, id)).await;
                assert_eq!(shown(&second), "10010 10011 10012 10013 …");
                let (at, id) = place(&second, false);
                assert_eq!(shown(&read(key, false, "", PageStart::Before(at, id)).await), shown(&first));

                let last = read(key, true, "", PageStart::Offset(0)).await;
                assert_eq!(shown(&last), "12000 11999 11998 11997 …");
                let (at, id) = place(&last, true);
                let next = read(key, true, "", PageStart::After(at, id)).await;
                assert_eq!(shown(&next), "11996 11995 11994 11993 …");
                let (at, id) = place(&next, false);
                let back = read(key, true, "", PageStart::Before(at, id)).await;
                assert_eq!(shown(&back), "12000 11999 11998 11997");
                assert_eq!(shown(&read(key, true, "", PageStart::Last).await), "10004 10003 10002 10001 …");
                assert_eq!(shown(&read(key, false, "", PageStart::Last).await), "11997 11998 11999 12000 …");

                assert_eq!(shown(&read(key, false, "d 1149", PageStart::Offset(8)).await), "11498 11499");
                assert_eq!(shown(&read(key, true, "1999.ex", PageStart::Offset(0)).await), "11999");
                assert_eq!(shown(&read(key, false, "10500", PageStart::Offset(0)).await), "");
                assert_eq!(shown(&read(key, false, "%_'\\", PageStart::Offset(0)).await), "");
            }
        }
    }

    #[tokio::test]
    async fn a_page_costs_the_same_with_many_customers() {
        for (store, _directory) in stores().await {
            if store.kind() != "SQLite" {
                continue;
            }
            let lists = [BY_NAME, BY_NAME_BACKWARDS, BY_DOMAIN, BY_DOMAIN_BACKWARDS];
            let browsed = [BROWSE_BY_NAME, BROWSE_BY_NAME_DOWN, BROWSE_BY_DOMAIN, BROWSE_BY_DOMAIN_DOWN];
            for statement in lists.into_iter().chain(browsed) {
                let mut reader = store.reader().await.unwrap();
                let tx = &mut reader.tx();
                let mut explain = query_as(format!("EXPLAIN QUERY PLAN {statement}")).bind(PARTNER);
                for number in 2..10 {
                    if statement.contains(&format!("${number}")) {
                        explain = explain.bind("x");
                    }
                }
                let rows: Vec<(i64, i64, i64, String)> = explain.fetch_all(tx).await.unwrap();
                let plan = rows.into_iter().map(|(_, _, _, detail)| detail).collect::<Vec<_>>().join("; ");
                assert!(plan.contains("INDEX relationship_by_"), "{plan}");
                assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
    }
}
