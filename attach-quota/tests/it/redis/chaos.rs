//! Everything at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use attach_quota::store::Settling;
use attach_quota::{Budget, Period, Rate, Scope, WhenDown};

use super::*;

/// A generator that is good enough to mix things up (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn limits() -> [Arc<Limit>; 3] {
    let rate = Limit::tokens("rate", Rate::per_hour(1)).burst(250_000);
    let money = Limit::micro_usd("money", Budget::new(250_000, Period::Month));
    let places = Limit::concurrent("places", 10_000);
    [rate, money, places].map(|limit| Arc::new(limit.each(Scope::Everyone).when_store_down(WhenDown::Local)))
}

/// One call, which some callers leave before it is admitted; what it was charged in the end.
async fn call(node: &Node, limits: &[Arc<Limit>; 3], dice: &mut Dice) -> u64 {
    let amount = 1 + dice.roll(8);
    let mut charges =
        limits.each_ref().map(|limit| charge(limit, if limit.id() == "places" { 1 } else { amount }));
    let patience = if dice.roll(8) == 0 { Duration::from_micros(dice.roll(900)) } else { LONG };
    match tokio::time::timeout(patience, node.store.reserve(&mut charges)).await {
        Ok(Ok(())) => {}
        Ok(Err(denied)) => panic!("{denied:?}: there is room for all"),
        Err(_) => return 0,
    }
    let spent = dice.roll(10);
    let [rate, money, place] = &mut charges;
    if dice.roll(3) == 0 {
        for charge in [&mut *rate, &mut *money] {
            charge.spend(amount + 5);
        }
        place.spend(1);
        let charges = [rate.clone(), money.clone(), place.clone()];
        node.store.settle(&charges, Settling::Running);
        rate.booked(amount + 5);
        money.booked(amount + 5);
    }
    tokio::time::sleep(Duration::from_millis(5 + dice.roll(20))).await;
    for (charge, spent) in charges.iter_mut().zip([spent, spent, 0]) {
        charge.spend(spent);
    }
    node.store.settle(&charges, Settling::Last);
    spent
}

/// Kills, hangs, cuts and forgets for some seconds.
async fn disturb(server: &mut RedisServer, proxies: &[Proxy; 2]) {
    let mut dice = Dice(7);
    for round in 0..40 {
        tokio::time::sleep(Duration::from_millis(50 + dice.roll(150))).await;
        match round % 8 {
            3 => drop(server.command(&["SCRIPT", "FLUSH"]).await),
            5 => {
                server.kill();
                tokio::time::sleep(Duration::from_millis(dice.roll(300))).await;
                server.restart().await;
            }
            7 => {
                server.signal("STOP");
                tokio::time::sleep(Duration::from_millis(dice.roll(600))).await;
                server.signal("CONT");
            }
            _ => proxies[dice.roll(2) as usize].cut_next_answer(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_charge_is_lost_or_doubled_whatever_happens_to_the_store_and_the_way_there() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut server) = RedisServer::start(&arguments).await else { return };
    let proxies = [Proxy::to(&server).await, Proxy::to(&server).await];
    let store = |url: &str| RedisStore::new(url, "test").unwrap().deadline(Duration::from_millis(300));
    // Nobody is taken for dead here.
    let node = |url: &str| Arc::new(Node::with(store(url).heartbeat(Duration::from_secs(20))));
    let nodes = [node(&proxies[0].url()), node(&proxies[1].url())];
    for node in &nodes {
        node.until("it is up", RedisStore::is_up).await;
    }
    let (over, spent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..12_usize)
        .map(|task| {
            let (node, limits) = (Arc::clone(&nodes[task % 2]), limits());
            let (over, spent) = (Arc::clone(&over), Arc::clone(&spent));
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15 + task as u64);
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let charged = call(&node, &limits, &mut dice).await;
                    spent.fetch_add(charged, Ordering::Relaxed);
                }
            })
        })
        .collect();
    disturb(&mut server, &proxies).await;
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let (spent, direct) = (spent.load(Ordering::Relaxed), Node::up(&server.url()).await);
    for node in &nodes {
        node.until("it is up", RedisStore::is_up).await;
        node.settled().await;
        assert_eq!(node.store.status().open, 0);
    }
    let [rate, money, places] = limits();
    assert!(spent > 1000, "{spent}");
    let used = (direct.used(&rate).await, direct.used(&money).await, direct.used(&places).await);
    assert_eq!(used, (spent, spent, 0));
}
