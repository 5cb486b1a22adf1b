//! Many at once, on two servers where the database allows it.

use fullmakt_testkit::{
    Answer, Database, FJALLRAVEN, Purchase, Server, ServerOptions, TestDatabase, assert_all_whole, quoted_order,
    world_with_owners,
};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;

const BUYERS: usize = 50;
const SKU: &str = "Standard_D2s_v5";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r13_r18_fifty_users_buy_at_once_from_two_servers() {
    let (world, owners) = world_with_owners(BUYERS);
    let kind = Database::under_test();
    let database = TestDatabase::create(kind).await;
    let data = Arc::new(tempfile::tempdir().unwrap());
    let options = ServerOptions { world: Some(world), ..ServerOptions::default() };
    let mut servers = vec![Server::launch(&database, &data, &options).await];
    if kind == Database::Postgres {
        // A file has one writer; PostgreSQL serves several servers.
        let second = servers[0].another().await;
        servers.push(second);
    }
    servers[0].ada().grants_self_serve(FJALLRAVEN).await.ok();

    let buyers: Vec<_> = (0..BUYERS).map(|n| servers[n % servers.len()].owner(&owners[n])).collect();
    let purchases: Vec<Purchase> = (1..=5).cycle().take(BUYERS).map(|quantity| Purchase::of(quantity, SKU)).collect();
    let quotes = join_all(buyers.iter().zip(&purchases).map(|(buyer, wanted)| buyer.asks_price(wanted))).await;
    let orders: Vec<String> = quotes.into_iter().map(|quote| quoted_order(&quote.ok())).collect();
    let bought: Vec<Answer> = join_all((0..BUYERS).map(|n| buyers[n].buys_quoted(&orders[n], &purchases[n]))).await;
    bought.into_iter().for_each(|answer| drop(answer.ok()));

    let history = servers[0].ada().reads_orders(FJALLRAVEN).await.ok().json();
    let lines: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|order| order["lineItems"][0].clone()).collect();
    assert_eq!(lines.len(), BUYERS, "none is lost, none is doubled");
    let total: u64 = lines.iter().map(|line| line["quantity"].as_u64().unwrap()).sum();
    assert_eq!(total, 10 * (1 + 2 + 3 + 4 + 5));
    let distinct: BTreeSet<&String> = orders.iter().collect();
    assert_eq!(distinct.len(), BUYERS);
    assert_eq!(database.number("SELECT count(*) FROM reservation_order").await, 50);
    assert_all_whole(&database).await;

    // The same order id, twenty times at once, on both servers.
    let wanted = Purchase::of(7, SKU);
    let order = quoted_order(&buyers[0].asks_price(&wanted).await.ok());
    let owner = &owners[0];
    let same: Vec<_> = (0..20).map(|n| servers[n % servers.len()].owner(owner)).collect();
    let answers = join_all(same.iter().map(|buyer| buyer.buys_quoted(&order, &wanted))).await;
    for answer in answers {
        let named = answer.ok().json()["name"].clone();
        assert_eq!(named.as_str(), Some(order.as_str()));
    }
    assert_eq!(database.number("SELECT count(*) FROM reservation_order").await, 51);
    assert_all_whole(&database).await;
}
