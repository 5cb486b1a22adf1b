//! The process is killed at any instant; what was acknowledged is there, what was not is not there half (R18).

use fullmakt_testkit::{
    Database, FJALLRAVEN, Persona, Purchase, Server, ServerOptions, TestDatabase, assert_all_whole, order_path,
    quoted_order, world_with_owners,
};
use futures_util::future::join_all;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const KILLS: usize = 100;
const BUYERS: usize = 6;
const SKU: &str = "Standard_D2s_v5";

/// How far one buyer got before the server was gone.
#[derive(Default)]
struct Progress {
    /// Orders that the server said were bought.
    acknowledged: Vec<(String, Purchase)>,
    /// The order that was sent and not answered.
    unanswered: Option<(String, Purchase)>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r18_killed_at_a_hundred_instants_no_purchase_is_lost_or_half() {
    let (world, owners) = world_with_owners(BUYERS);
    let database = TestDatabase::create(Database::durable_under_test()).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let options = ServerOptions { world: Some(world), ..ServerOptions::default() };
    let mut server = Server::launch(&database, &data, &options).await;
    server.ada().grants_self_serve(FJALLRAVEN).await.ok();
    // A fixed seed, so that a failure can be tried again; the instants are random all the same.
    let mut random = rand::rngs::StdRng::seed_from_u64(4711);
    let (mut acknowledged, mut finished_later) = (0, 0);

    for _ in 0..KILLS {
        // Signed in and with a first quote before the load begins, so that the kill meets purchases.
        let buyers: Vec<_> = owners.iter().map(|owner| server.owner(owner)).collect();
        let orders_before = database.number("SELECT count(*) FROM reservation_order").await;
        let first = Purchase::of(1, SKU);
        join_all(buyers.iter().map(|buyer| buyer.asks_price(&first)))
            .await
            .into_iter()
            .for_each(|quote| drop(quote.ok()));
        let bought = Arc::new(AtomicUsize::new(0));
        let load: Vec<_> = buyers
            .into_iter()
            .map(|buyer| tokio::spawn(buys_until_the_server_is_gone(buyer, Arc::clone(&bought))))
            .collect();
        // Counted in purchases rather than in time, so that a slow machine is killed under load, too.
        let enough = random.random_range(1..=10);
        while bought.load(Ordering::Relaxed) < enough {
            assert!(!load.iter().all(tokio::task::JoinHandle::is_finished), "nobody buys:\n{}", server.log());
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
        server.kill();
        let progress: Vec<Progress> = join_all(load).await.into_iter().map(|buyer| buyer.unwrap()).collect();

        assert_all_whole(&database).await;
        server.restart().await;
        let mut expected = orders_before;
        for (owner, Progress { acknowledged: bought, unanswered }) in owners.iter().zip(progress) {
            let buyer = server.owner(owner);
            for (order, wanted) in bought {
                let seen = buyer.reads(&order_path(&order)).await.ok().json();
                assert_eq!(seen["properties"]["provisioningState"], "Succeeded");
                assert_eq!(seen["properties"]["originalQuantity"], wanted.quantity);
                acknowledged += 1;
                expected += 1;
            }
            if let Some((order, wanted)) = unanswered {
                // Whether it was bought or not: to ask again is right, and buys once.
                buyer.buys_quoted(&order, &wanted).await.ok();
                finished_later += 1;
                expected += 1;
            }
        }
        assert_eq!(database.number("SELECT count(*) FROM reservation_order").await, expected);
        assert_all_whole(&database).await;
    }
    assert!(
        acknowledged >= KILLS && finished_later > 0,
        "no load: {acknowledged} bought, {finished_later} interrupted"
    );
}

async fn buys_until_the_server_is_gone(buyer: Persona, bought: Arc<AtomicUsize>) -> Progress {
    let mut progress = Progress::default();
    for quantity in (1..=9).cycle() {
        let mut wanted = Purchase::of(quantity, SKU);
        if quantity % 2 == 0 {
            wanted.billing_plan = "Monthly".to_owned();
        }
        let Ok(quote) = buyer.tries_price(&wanted).await else { return progress };
        let order = quoted_order(&quote.ok());
        match buyer.tries_quoted(&order, &wanted).await {
            Ok(answer) => drop(answer.ok()),
            Err(_) => {
                progress.unanswered = Some((order, wanted));
                return progress;
            }
        }
        progress.acknowledged.push((order, wanted));
        bought.fetch_add(1, Ordering::Relaxed);
    }
    progress
}
