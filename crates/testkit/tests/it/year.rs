//! A year passes, day by day and in one jump: the same state in the end, byte for byte (G07, R24).

use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::actor::{Actor, PrincipalKind};
use fullmakt_domain::billing::ExportCustomer;
use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{
    CorrelationId, CustomerId, PartnerId, PrincipalId, ReservationOrderId, SubscriptionId, TenantId,
};
use fullmakt_domain::obstacle::Item;
use fullmakt_domain::purchase::BuyReservation;
use fullmakt_domain::quote::QuotePrice;
use fullmakt_domain::reservation::AppliedScope;
use fullmakt_domain::self_serve_policy::{GrantSelfServePolicy, SelfServeResource};
use fullmakt_server::Clock;
use fullmakt_server::jobs::{Jobs, MoveError};
use fullmakt_server::own::ledger::export_lines;
use fullmakt_store::due::Job;
use fullmakt_store::{SecretHashes, Store};
use fullmakt_testkit::{Database, FJALLRAVEN, NORDMOLN, NORDMOLN_WORLD, PRODUKTION, TestDatabase, assert_all_whole};
use fullmakt_world::catalog_csv;
use jiff::{Timestamp, ToSpan};
use std::sync::Arc;
use uuid::Uuid;

/// A customer's business on a database of its own, with a clock that is moved.
struct Business {
    database: TestDatabase,
    store: Store,
    clock: Clock,
    jobs: Jobs,
}

fn person(id: &str, name: &str, home: &str) -> Actor {
    Actor {
        principal: PrincipalId::parse(id).unwrap(),
        kind: PrincipalKind::User,
        name: name.to_owned(),
        home: TenantId::parse(home).unwrap(),
        tenant: TenantId::parse(FJALLRAVEN).unwrap(),
        application: None,
    }
}

fn ada() -> Actor {
    person("11111111-0000-4000-8000-000000000001", "ada@nordmoln.example", NORDMOLN)
}

fn olle() -> Actor {
    person("22222222-0000-4000-8000-000000000001", "olle@exempel.example", FJALLRAVEN)
}

impl Business {
    async fn new() -> Self {
        let database = TestDatabase::create(Database::under_test()).await;
        let store = Store::open(&database.url().parse().unwrap()).await.unwrap();
        store.migrate().await.unwrap();
        let start: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        let world = fullmakt_world::parse(NORDMOLN_WORLD).unwrap();
        let catalog = Arc::new(catalog_csv::built_in().clone());
        store.load_world(world, catalog, SecretHashes::new(), start).await.unwrap();
        let clock = Clock::movable(start);
        let jobs = Jobs::new(store.clone(), clock.clone());
        let business = Self { database, store, clock, jobs };
        let grant = GrantSelfServePolicy {
            customer: CustomerId::parse(FJALLRAVEN).unwrap(),
            grantor: PartnerId::parse(NORDMOLN).unwrap(),
            resources: vec![SelfServeResource::AzureReservedInstances],
            etag: Uuid::from_u128(1),
        };
        let ada = Actor { tenant: TenantId::parse(NORDMOLN).unwrap(), ..ada() };
        business.store.execute(&ada, &grant, &business.request(0)).await.unwrap();
        business
    }

    fn request(&self, n: u128) -> RequestContext {
        RequestContext { now: self.clock.now(), correlation: CorrelationId(Uuid::from_u128(n)) }
    }

    async fn buys(&self, who: &Actor, n: u128, quantity: i64, plan: BillingPlan, term: Term) {
        let order = ReservationOrderId(Uuid::from_u128(n));
        let subscription = SubscriptionId::parse(PRODUKTION).unwrap();
        let item = Item {
            resource_type: ReservedResourceType::VirtualMachines,
            sku: SkuName::parse("Standard_D2s_v5").unwrap(),
            region: Region::parse("swedencentral").unwrap(),
            term,
            plan,
            quantity: Quantity::new(quantity).unwrap(),
        };
        let quote = QuotePrice { order, subscription, item: item.clone() };
        self.store.execute(who, &quote, &self.request(n)).await.unwrap();
        let buy = BuyReservation {
            order,
            subscription,
            item,
            scope: AppliedScope::Shared,
            display_name: None,
            instance_flexibility: true,
            // What the partner buys renews itself.
            renew: who.home != who.tenant,
            review_at: None,
        };
        self.store.execute(who, &buy, &self.request(n)).await.unwrap();
    }

    /// So many days, in steps.
    async fn lives(&self, days: i64, steps: i64) {
        for _ in 0..steps {
            let to = self.clock.now() + (24 * days / steps).hours();
            self.jobs.move_clock(to).await.unwrap();
        }
    }

    async fn export(&self) -> String {
        let query = ExportCustomer { customer: CustomerId::parse(FJALLRAVEN).unwrap() };
        let ada = Actor { tenant: TenantId::parse(NORDMOLN).unwrap(), ..ada() };
        export_lines(&self.store.read(&ada, &query).await.unwrap())
    }
}

/// What Fjällräven and Nordmoln buy over some two years.
async fn history(in_days: bool) -> (Business, String) {
    let business = Business::new().await;
    let steps = |days| if in_days { days } else { 1 };
    business.buys(&olle(), 0x101, 3, BillingPlan::Monthly, Term::P1Y).await;
    business.buys(&olle(), 0x102, 1, BillingPlan::Upfront, Term::P1Y).await;
    business.buys(&ada(), 0x103, 2, BillingPlan::Monthly, Term::P1Y).await;
    business.lives(100, steps(100)).await;
    business.buys(&olle(), 0x104, 5, BillingPlan::Monthly, Term::P3Y).await;
    business.lives(400, steps(400)).await;
    let export = business.export().await;
    (business, export)
}

#[tokio::test]
async fn g07_r24_a_year_day_by_day_and_in_one_jump_is_the_same_byte_for_byte() {
    let ((days, by_days), (jump, in_one)) = tokio::join!(history(true), history(false));
    assert_eq!(by_days, in_one);
    for business in [&days, &jump] {
        // Three orders of a year and one of three years; what the partner bought was renewed for another year.
        let number = |query| business.database.number(query);
        assert_eq!(number("SELECT count(*) FROM reservation_order WHERE state = 'expired'").await, 3);
        assert_eq!(number("SELECT count(*) FROM reservation_order WHERE state = 'succeeded'").await, 2);
        assert_eq!(number("SELECT count(*) FROM reservation WHERE renewed_from IS NOT NULL").await, 1);
        // 2027-06-15: all of the first year, 14 of three years, 5 of the second year.
        let posted = "SELECT count(*) FROM instalment WHERE posted_event IS NOT NULL";
        assert_eq!(number(posted).await, 12 + 1 + 12 + 14 + 5);
        let unposted = "SELECT count(*) FROM instalment WHERE posted_event IS NULL AND due_on <= '2027-06-15'";
        assert_eq!(number(unposted).await, 0);
        assert_eq!(number("SELECT count(*) FROM quote").await, 0, "lapsed quotes are swept");
        assert_all_whole(&business.database).await;
    }
    let kinds = ["\"order\"", "\"reservationOrder\"", "\"ledgerEvent\"", "\"activityRecord\""];
    for kind in kinds {
        assert!(by_days.contains(&format!("\"type\":{kind}")), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r15_r24_after_a_week_down_two_servers_post_each_instalment_once_on_its_day() {
    let business = Business::new().await;
    let on_days = 20;
    for n in 0..20 {
        business.buys(&olle(), 0x200 + n, 1, BillingPlan::Monthly, Term::P1Y).await;
    }
    // Both servers come back a week after the day, which is the last of February.
    let late = business.clock.now() + (24 * 36).hours();
    let servers: Vec<Jobs> = (0..2).map(|_| Jobs::new(business.store.clone(), Clock::movable(late))).collect();
    let looked = futures_util::future::join_all(servers.iter().map(Jobs::look)).await;
    let done: u64 = looked.into_iter().map(|tally| tally.unwrap().of(Job::Instalments)).sum();
    assert_eq!(done, 1, "twenty orders of one customer are one piece of work");
    let number = |query| business.database.number(query);
    assert_eq!(number("SELECT count(*) FROM instalment WHERE posted_event IS NOT NULL").await, 2 * on_days);
    // 2026-02-28T00:00:00Z.
    let posted = "SELECT count(*) FROM ledger_entry WHERE kind = 'instalment' AND number = 1 AND at = 1772236800000000";
    assert_eq!(number(posted).await, on_days);
    assert_all_whole(&business.database).await;
    // Nothing is left, and nobody holds the work.
    assert_eq!(servers[1].look().await.unwrap().of(Job::Instalments), 0);
    assert_eq!(number("SELECT count(*) FROM lease").await, 0);
}

#[tokio::test]
async fn r24_work_that_fails_holds_up_no_other_and_is_done_once_it_can_be() {
    let business = Business::new().await;
    business.buys(&olle(), 0x301, 1, BillingPlan::Upfront, Term::P1Y).await;
    business.lives(1, 1).await;
    business.buys(&olle(), 0x302, 1, BillingPlan::Upfront, Term::P1Y).await;
    business
        .database
        .damage(
            "UPDATE reservation_order SET sku = '' WHERE requested_at = starts_at AND etag = 1
        AND reservation_order_id = '00000000-0000-0000-0000-000000000301'",
        )
        .await;

    // By the real clock the others go on.
    let later = business.clock.now() + (24 * 400).hours();
    let server = Jobs::new(business.store.clone(), Clock::movable(later));
    assert_eq!(server.look().await.unwrap().of(Job::Expiry), 1);
    // It waits a while for its next try.
    assert_eq!(server.look().await.unwrap().of(Job::Expiry), 0);
    let expired = "SELECT count(*) FROM reservation_order WHERE state = 'expired'";
    assert_eq!(business.database.number(expired).await, 1);

    // A clock that is moved stops where the work was due, and says so.
    let stuck = business.jobs.move_clock(later).await;
    let Err(MoveError::Stuck { at }) = stuck else { panic!("{stuck:?}") };
    assert_eq!((at.to_string().as_str(), business.clock.now()), ("2027-01-31T09:30:00Z", at));
    business.database.damage("UPDATE reservation_order SET sku = 'Standard_D2s_v5' WHERE sku = ''").await;
    business.jobs.move_clock(later).await.unwrap();
    assert_eq!(business.database.number(expired).await, 2);
    assert_all_whole(&business.database).await;
}
