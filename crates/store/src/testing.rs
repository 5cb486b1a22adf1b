//! Databases for the store's own tests: SQLite always, PostgreSQL where `FULLMAKT_TEST_POSTGRES` names a cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::actor::{Actor, PrincipalKind};
use fullmakt_domain::catalog::{BillingPlan, Catalog, Offer, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{
    CorrelationId, CustomerId, PartnerId, PrincipalId, ReservationOrderId, SubscriptionId, TenantId,
};
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::obstacle::Item;
use fullmakt_domain::placement::Purchased;
use fullmakt_domain::purchase::BuyReservation;
use fullmakt_domain::quote::QuotePrice;
use fullmakt_domain::reservation::AppliedScope;
use fullmakt_domain::self_serve_policy::{GrantSelfServePolicy, SelfServeResource};
use rust_decimal::Decimal;
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use crate::db::{DatabaseUrl, Store, Tx};
use crate::row::Fault;
use crate::statement::{query, query_scalar};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Fresh, migrated databases, one of each kind there is.
pub(crate) async fn stores() -> Vec<(Store, Option<TempDir>)> {
    let stores = empty_stores().await;
    for (store, _) in &stores {
        store.migrate().await.unwrap();
    }
    stores
}

/// Fresh databases without a schema, one of each kind there is.
pub(crate) async fn empty_stores() -> Vec<(Store, Option<TempDir>)> {
    let directory = tempfile::tempdir().unwrap();
    let mut urls = vec![(DatabaseUrl::Sqlite(directory.path().join("fullmakt.db")), Some(directory))];
    if let Ok(cluster) = std::env::var("FULLMAKT_TEST_POSTGRES") {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("store_{}_{n}", std::process::id());
        let mut conn = sqlx::PgConnection::connect(&cluster).await.unwrap();
        conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let (before, _) = cluster.rsplit_once('/').unwrap();
        urls.push((DatabaseUrl::Postgres(format!("{before}/{name}")), None));
    }
    let mut stores = Vec::new();
    for (url, directory) in urls {
        stores.push((Store::open(&url).await.unwrap(), directory));
    }
    stores
}

/// Runs statements as they are.
pub(crate) async fn run(store: &Store, statements: &'static str) {
    store
        .write(move |tx: &mut Tx<'_>| {
            Box::pin(async move {
                for statement in statements.split(';').filter(|s| !s.trim().is_empty()) {
                    query(statement).execute(tx).await?;
                }
                Ok::<_, Fault>((crate::db::Ending::Keep, ()))
            })
        })
        .await
        .unwrap();
}

/// One number.
pub(crate) async fn number(store: &Store, query: &'static str) -> i64 {
    let mut reader = store.reader().await.unwrap();
    let tx = &mut reader.tx();
    query_scalar(query).fetch_one(tx).await.unwrap()
}

/// The partner that sells.
pub(crate) const PARTNER: &str = "11111111-1111-4111-8111-111111111111";
/// The customer that buys.
pub(crate) const CUSTOMER: &str = "22222222-2222-4222-8222-222222222222";
/// The subscription that the partner bought for the customer.
pub(crate) const SUBSCRIPTION: &str = "33333333-3333-4333-8333-333333333333";

/// Two monthly orders of one year and one of another customer's, bought on 2026-11-01T08:00:00Z.
pub(crate) const BOUGHT: &str = "
    INSERT INTO tenant VALUES ('22222222-2222-4222-8222-222222222229', 'customer', 'Annan AB', 'annan.example');
    INSERT INTO customer (customer_id, country, language, created_at, commerce_id)
        VALUES ('22222222-2222-4222-8222-222222222229', 'SE', 'sv', 0, 'd');
    INSERT INTO commerce_order (customer_id, order_id, partner_id, placed_at, billing_cycle, currency, status,
            bought_by, buyer_id, buyer_name)
        SELECT customer_id, replace(customer_id, '-', '') || '1', '11111111-1111-4111-8111-111111111111', 1793520000000000, 'monthly', 'EUR',
               'completed', 'customer', '00000000-0000-4000-8000-0000000000b1', 'olle@exempel.example'
        FROM customer;
    INSERT INTO order_line (customer_id, order_id, line_number, kind, catalog_item_id, name, quantity, list_unit_e6,
            partner_unit_e6, customer_unit_e6, reservation_order_id)
        SELECT customer_id, order_id, 0, 'reservation', 'a:b:c', 'n', 1, 12000000, 8000000, 10000000,
               '4' || substr(customer_id, 2) FROM commerce_order;
    INSERT INTO reservation_order (customer_id, reservation_order_id, partner_id, order_id, line_number,
            subscription_id, display_name, sku, region, resource_type, term, billing_plan, original_quantity, currency,
            list_unit_e6, partner_unit_e6, customer_unit_e6, requested_at, starts_at, expires_at, state, etag,
            bought_by, buyer_id, buyer_name)
        SELECT customer_id, '4' || substr(customer_id, 2), partner_id, order_id, 0,
               '33333333-3333-4333-8333-333333333333', 'prov', 'Standard_D2s_v5', 'swedencentral', 'VirtualMachines',
               'P1Y', 'Monthly', 1, 'EUR', 12000000, 8000000, 10000000, placed_at, placed_at, 1825056000000000,
               'succeeded', 1, bought_by, buyer_id, buyer_name
        FROM commerce_order;
    INSERT INTO reservation (customer_id, reservation_order_id, reservation_id, display_name, quantity, scope_type,
            applied_scope, instance_flexibility, renew, archived, state, etag, updated_at)
        SELECT customer_id, reservation_order_id, '5' || substr(customer_id, 2), 'prov', 1, 'Shared', NULL, 'On', 0, 0,
               'succeeded', 1, starts_at
        FROM reservation_order;
    INSERT INTO instalment SELECT customer_id, reservation_order_id, 1, '2026-11-01', 4000000, 5000000, 'first'
        FROM reservation_order;
    INSERT INTO instalment SELECT customer_id, reservation_order_id, 2, '2026-12-01', 4000000, 5000000, NULL
        FROM reservation_order";

/// A small world: Ada is Admin agent, Saga sells; Olle is Owner of the subscription, Rut holds no role.
pub(crate) const WORLD: &str = "
    INSERT INTO tenant VALUES ('11111111-1111-4111-8111-111111111111', 'partner', 'Nordmoln AB', 'nordmoln.example');
    INSERT INTO tenant VALUES ('22222222-2222-4222-8222-222222222222', 'customer', 'Exempel AB', 'exempel.example');
    INSERT INTO partner (partner_id, country, currency) VALUES ('11111111-1111-4111-8111-111111111111', 'SE', 'EUR');
    INSERT INTO customer (customer_id, country, language, created_at, commerce_id)
        VALUES ('22222222-2222-4222-8222-222222222222', 'SE', 'sv', 0, 'c');
    INSERT INTO relationship VALUES
        ('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111', 0, 0, 'exempel ab', 'exempel.example');
    INSERT INTO principal (principal_id, tenant_id, kind, upn, name, created_at) VALUES
        ('00000000-0000-4000-8000-0000000000a1', '11111111-1111-4111-8111-111111111111', 'user', 'ada@nordmoln.example', 'Ada', 0);
    INSERT INTO partner_role VALUES ('00000000-0000-4000-8000-0000000000a1', 'AdminAgent');
    INSERT INTO principal (principal_id, tenant_id, kind, upn, name, created_at) VALUES
        ('00000000-0000-4000-8000-0000000000a2', '11111111-1111-4111-8111-111111111111', 'user', 'saga@nordmoln.example', 'Saga', 0);
    INSERT INTO partner_role VALUES ('00000000-0000-4000-8000-0000000000a2', 'SalesAgent');
    INSERT INTO principal (principal_id, tenant_id, kind, upn, name, created_at) VALUES
        ('00000000-0000-4000-8000-0000000000b1', '22222222-2222-4222-8222-222222222222', 'user', 'olle@exempel.example', 'Olle', 0);
    INSERT INTO principal (principal_id, tenant_id, kind, upn, name, created_at) VALUES
        ('00000000-0000-4000-8000-0000000000b2', '22222222-2222-4222-8222-222222222222', 'user', 'rut@exempel.example', 'Rut', 0);
    INSERT INTO entitlement (customer_id, entitlement_id, partner_id, offer, name, status, registered, order_id, created_at)
        VALUES ('22222222-2222-4222-8222-222222222222', '55555555-5555-4555-8555-555555555555',
                '11111111-1111-4111-8111-111111111111', 'azure-plan', 'Azure plan', 'active', 1, 'o', 0);
    INSERT INTO subscription VALUES ('22222222-2222-4222-8222-222222222222', '33333333-3333-4333-8333-333333333333',
        '55555555-5555-4555-8555-555555555555', '11111111-1111-4111-8111-111111111111', 'Produktion', 'active', 0);
    INSERT INTO role_assignment (customer_id, role_assignment_id, principal_id, principal_type, role_definition_id,
        scope, scope_key, created_at, created_by) VALUES
        ('22222222-2222-4222-8222-222222222222', '66666666-6666-4666-8666-666666666666',
         '00000000-0000-4000-8000-0000000000b1', 'User', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
         '/subscriptions/33333333-3333-4333-8333-333333333333', '/subscriptions/33333333-3333-4333-8333-333333333333',
         0, 'world')";

/// The object ids of those who act.
pub(crate) const ADA: &str = "00000000-0000-4000-8000-0000000000a1";
pub(crate) const SAGA: &str = "00000000-0000-4000-8000-0000000000a2";
pub(crate) const OLLE: &str = "00000000-0000-4000-8000-0000000000b1";
pub(crate) const RUT: &str = "00000000-0000-4000-8000-0000000000b2";

/// Someone, signed in at home.
pub(crate) fn actor(id: &str, home: &str) -> Actor {
    let home = TenantId::parse(home).unwrap();
    Actor {
        principal: PrincipalId::parse(id).unwrap(),
        kind: PrincipalKind::User,
        name: format!("{id}@example"),
        home,
        tenant: home,
        application: None,
    }
}

/// A request on 2026-11-01T08:00:00Z.
pub(crate) fn request() -> RequestContext {
    RequestContext {
        now: jiff::Timestamp::from_second(1_793_520_000).unwrap(),
        correlation: CorrelationId::parse(PARTNER).unwrap(),
    }
}

/// Two instances for a year, paid monthly.
pub(crate) fn item() -> Item {
    Item {
        resource_type: ReservedResourceType::VirtualMachines,
        sku: SkuName::parse("Standard_D2s_v5").unwrap(),
        region: Region::parse("swedencentral").unwrap(),
        term: Term::P1Y,
        plan: BillingPlan::Monthly,
        quantity: Quantity::new(2).unwrap(),
    }
}

/// A sheet that sells [`item`] at 1,000 EUR a piece.
pub(crate) fn sheet() -> Arc<Catalog> {
    let eur = |amount: i64| Money::exact(Decimal::from(amount), Currency::parse("EUR").unwrap()).unwrap();
    let offer = Offer {
        sku: SkuName::parse("Standard_D2s_v5").unwrap(),
        family: "Dsv5".to_owned(),
        region: Region::parse("swedencentral").unwrap(),
        resource_type: ReservedResourceType::VirtualMachines,
        term: Term::P1Y,
        billing_plans: vec![BillingPlan::Monthly],
        list_price: eur(1_000),
        partner_price: eur(880),
        flexibility_group: None,
        ratio: Decimal::ONE,
        vcpus: None,
        memory_gib: None,
        sold_from: None,
        sold_until: None,
        markets: Vec::new(),
    };
    Arc::new(Catalog::new(vec![offer]).unwrap())
}

/// The small world, in which Olle was let to buy [`item`] and did.
pub(crate) async fn bought(store: &Store) -> Purchased {
    run(store, WORLD).await;
    store.load_price_sheet(sheet(), request().now).await.unwrap();
    let (ada, olle) = (actor(ADA, PARTNER), actor(OLLE, CUSTOMER));
    let customer = CustomerId::parse(CUSTOMER).unwrap();
    let grant = GrantSelfServePolicy {
        customer,
        grantor: PartnerId::parse(PARTNER).unwrap(),
        resources: vec![SelfServeResource::AzureReservedInstances],
        etag: customer.0,
    };
    store.execute(&ada, &grant, &request()).await.unwrap();
    buys(store, &olle, "44444444-4444-4444-8444-444444444444").await
}

/// Someone buys [`item`] under an order id of the test's choice.
pub(crate) async fn buys(store: &Store, buyer: &Actor, order: &str) -> Purchased {
    let subscription = SubscriptionId::parse(SUBSCRIPTION).unwrap();
    let order = ReservationOrderId::parse(order).unwrap();
    store.execute(buyer, &QuotePrice { order, subscription, item: item() }, &request()).await.unwrap();
    store.execute(buyer, &purchase_of(order), &request()).await.unwrap()
}

/// The purchase of [`item`] with an order id that was quoted.
pub(crate) fn purchase_of(order: ReservationOrderId) -> BuyReservation {
    BuyReservation {
        order,
        subscription: SubscriptionId::parse(SUBSCRIPTION).unwrap(),
        item: item(),
        scope: AppliedScope::Shared,
        display_name: None,
        instance_flexibility: true,
        renew: false,
        review_at: None,
    }
}
