//! Every event once: in memory, and with a real Redis.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use adapters_rust::client::{Reply, post, send};
use adapters_rust::servers::{Before, Way, start};
use adapters_rust::{Handler, event, receiver, redis, signed};
use clarife_webhooks::adapters::redis::RedisStore;
use clarife_webhooks::adapters::{DedupStore, MemoryStore, Receiver};
use clarife_webhooks::dedup::ClaimResult;
use clarife_webhooks::sender::{TestEvent, new_event_id};
use clarife_webhooks::testing::Clock;

/// An event whose id no other test has.
fn fresh(title: &str) -> TestEvent {
    event(&new_event_id().expect("random bytes"), title)
}

async fn deliver(server: SocketAddr, event: &TestEvent) -> Reply {
    post(server, &signed(event), event.body.as_bytes()).await
}

async fn redis_store() -> RedisStore<impl ::redis::aio::ConnectionLike + Clone + Send + Sync + 'static> {
    RedisStore::new(redis::connect(&redis::address()).await)
}

async fn serve(way: Way, receiver: Receiver) -> (SocketAddr, Handler) {
    let handler = Handler::default();
    (start(way, Before::Nothing, receiver, handler.clone()).await, handler)
}

/// A hundred deliveries of one event at the same time.
async fn hundred(way: Way, receiver: Receiver) {
    let (server, handler) = serve(way, receiver).await;
    let event = fresh("slow");
    let deliveries: Vec<_> = (0..100)
        .map(|_| {
            let event = event.clone();
            tokio::spawn(async move { deliver(server, &event).await })
        })
        .collect();
    let mut handled = 0;
    for delivery in deliveries {
        let reply = delivery.await.expect("no panic");
        match reply.verdict() {
            (200, "handled") => handled += 1,
            (200, "duplicate") | (409, "in_progress") => {}
            other => panic!("{way:?}: {other:?}"),
        }
    }
    assert_eq!((handled, handler.calls()), (1, 1), "{way:?}");
    assert_eq!(deliver(server, &event).await.verdict(), (200, "duplicate"), "{way:?}: once more");
    assert_eq!(deliver(server, &fresh("Start")).await.verdict(), (200, "handled"), "{way:?}: another event");
    assert_eq!(handler.calls(), 2, "{way:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_duplicates_are_handled_once() {
    for way in Way::DEDUP {
        hundred(way, receiver(&Clock::default()).dedup(MemoryStore::default())).await;
        hundred(way, receiver(&Clock::default()).dedup(redis_store().await)).await;
    }
}

#[tokio::test]
async fn two_servers_share_one_redis() {
    let (first, first_handler) = serve(Way::TowerService, receiver(&Clock::default()).dedup(redis_store().await)).await;
    let (second, second_handler) =
        serve(Way::ActixHandler, receiver(&Clock::default()).dedup(redis_store().await)).await;
    let event = fresh("slow");
    let (one, other) = tokio::join!(deliver(first, &event), deliver(second, &event));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(first_handler.calls() + second_handler.calls(), 1);
    for server in [first, second] {
        assert_eq!(deliver(server, &event).await.verdict(), (200, "duplicate"));
    }
}

#[tokio::test]
async fn what_failed_is_handled_when_it_is_sent_again() {
    for way in Way::DEDUP {
        for title in ["fail at first", "panic at first"] {
            for receiver in [
                receiver(&Clock::default()).dedup(MemoryStore::default()),
                receiver(&Clock::default()).dedup(redis_store().await),
            ] {
                let (server, handler) = serve(way, receiver).await;
                let event = fresh(title);
                if title == "fail at first" {
                    assert_eq!(deliver(server, &event).await.status, 500, "{way:?}: {title}");
                } else {
                    // What a framework makes of a panic is its own: a 500, or no answer.
                    let headers = signed(&event);
                    let mut all: Vec<(&str, &str)> =
                        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    let length = event.body.len().to_string();
                    all.push(("content-length", &length));
                    let head = adapters_rust::client::head("POST", &all);
                    let reply = send(server, &[head.as_bytes(), event.body.as_bytes()]).await;
                    assert!(reply.is_none_or(|reply| reply.status == 500), "{way:?}: {title}");
                }
                assert_eq!(deliver(server, &event).await.verdict(), (200, "handled"), "{way:?}: {title}");
                assert_eq!(deliver(server, &event).await.verdict(), (200, "duplicate"), "{way:?}: {title}");
                assert_eq!(handler.calls(), 2, "{way:?}: {title}");
            }
        }
    }
}

/// A holder that ends in the middle, as a process does that is killed: nothing is released.
async fn crash(receiver: Receiver, event: &TestEvent) {
    let (handler, event) = (Handler::default(), event.clone());
    let calls = handler.clone();
    let holder = tokio::spawn(async move {
        let headers = signed(&event);
        receiver.receive(event.body.as_bytes(), Some(&headers[0].1), |event| handler.handle(event)).await
    });
    let start = Instant::now();
    while calls.calls() == 0 && start.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(calls.calls(), 1);
    holder.abort();
    assert!(holder.await.expect_err("was aborted").is_cancelled());
}

#[tokio::test]
async fn the_claim_of_a_crashed_holder_ends() {
    let clock = Clock::default();
    let moved = clock.clone();
    let store = MemoryStore::default().with_clock(move || moved.now());
    let receiver = receiver(&Clock::default()).dedup(store);
    let event = fresh("never");
    crash(receiver.clone(), &event).await;
    let again = |receiver: Receiver| {
        let headers = signed(&event);
        let body = event.body.clone();
        async move {
            receiver
                .receive(body.as_bytes(), Some(&headers[0].1), |_| async { Ok::<_, std::io::Error>(()) })
                .await
                .code()
        }
    };
    assert_eq!(again(receiver.clone()).await, "in_progress");
    clock.advance(Duration::from_millis(49_999));
    assert_eq!(again(receiver.clone()).await, "in_progress");
    clock.advance(Duration::from_millis(1));
    assert_eq!(again(receiver.clone()).await, "handled");
    clock.advance(Duration::from_millis(86_399_999));
    assert_eq!(again(receiver.clone()).await, "duplicate");
    clock.advance(Duration::from_millis(1));
    assert_eq!(again(receiver).await, "handled", "a day later");
}

#[tokio::test]
async fn the_claim_of_a_crashed_holder_ends_in_redis() {
    let receiver = receiver(&Clock::default()).dedup(redis_store().await).with_claim_ttl(Duration::from_secs(2));
    let (server, handler) = serve(Way::TowerLayer, receiver.clone()).await;
    let event = fresh("slow");
    // The holder claims the same id, with a body of its own, and never ends.
    let holder = adapters_rust::event(&event.id, "never");
    crash(receiver, &holder).await;
    assert_eq!(deliver(server, &event).await.verdict(), (409, "in_progress"));
    let start = Instant::now();
    let mut reply = deliver(server, &event).await;
    while reply.status == 409 && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        reply = deliver(server, &event).await;
    }
    assert_eq!(reply.verdict(), (200, "handled"));
    assert_eq!(handler.calls(), 1);
}

#[tokio::test]
async fn a_store_that_is_down_is_answered_with_503_and_nothing_is_lost() {
    let to_redis = redis::Way::open(None).await;
    let store = RedisStore::new(redis::connect(&to_redis.address.to_string()).await);
    let (server, handler) = serve(Way::TowerService, receiver(&Clock::default()).dedup(store.clone())).await;
    let (actix, actix_handler) = serve(Way::ActixHandler, receiver(&Clock::default()).dedup(store)).await;
    assert_eq!(deliver(server, &fresh("Start")).await.verdict(), (200, "handled"));
    let address = to_redis.cut().await;
    let event = fresh("Start");
    for server in [server, actix] {
        assert_eq!(deliver(server, &event).await.verdict(), (503, "store_unavailable"));
    }
    assert_eq!((handler.calls(), actix_handler.calls()), (1, 0));

    let _to_redis = redis::Way::open(Some(address)).await;
    let start = Instant::now();
    let mut reply = deliver(server, &event).await;
    while reply.status == 503 && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        reply = deliver(server, &event).await;
    }
    assert_eq!(reply.verdict(), (200, "handled"), "when the store is back");
    assert_eq!(handler.calls(), 2);
    assert_eq!(deliver(actix, &event).await.verdict(), (200, "duplicate"));
}

#[tokio::test]
async fn a_store_that_fails_after_the_handler_does_not_have_it_called_again_at_once() {
    let to_redis = redis::Way::open(None).await;
    let store = RedisStore::new(redis::connect(&to_redis.address.to_string()).await);
    let event = fresh("Start");
    let headers = signed(&event);
    let receiver = receiver(&Clock::default()).dedup(store);
    let response = receiver
        .receive(event.body.as_bytes(), Some(&headers[0].1), |_| async {
            to_redis.cut().await;
            Ok::<_, std::io::Error>(())
        })
        .await;
    assert_eq!(response.code(), "handled");
    assert_eq!(
        DedupStore::claim(&redis_store().await, &event.id, Duration::from_secs(1)).await.expect("Redis answers"),
        ClaimResult::InProgress
    );
}

#[tokio::test]
async fn a_full_store_is_answered_with_503() {
    let store = MemoryStore::new(1);
    assert!(matches!(store.claim("other", Duration::from_secs(60)).await, Ok(ClaimResult::New(_))));
    let (server, handler) = serve(Way::ActixHandler, receiver(&Clock::default()).dedup(store)).await;
    assert_eq!(deliver(server, &fresh("Start")).await.verdict(), (503, "store_unavailable"));
    assert_eq!(handler.calls(), 0);
}

/// A store that never responds.
struct Hanging;

impl DedupStore for Hanging {
    type Error = std::io::Error;

    async fn claim(&self, _: &str, _: Duration) -> Result<ClaimResult<String>, Self::Error> {
        std::future::pending().await
    }

    async fn complete(&self, _: &str, _: &str, _: Duration) -> Result<(), Self::Error> {
        std::future::pending().await
    }

    async fn release(&self, _: &str, _: &str) -> Result<(), Self::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_store_that_hangs_is_answered_with_503_where_there_is_a_timer() {
    for way in Way::DEDUP {
        let receiver = receiver(&Clock::default())
            .dedup(Hanging)
            .with_timer(|time| tokio::time::sleep(time.min(Duration::from_millis(50))));
        let (server, handler) = serve(way, receiver).await;
        assert_eq!(deliver(server, &fresh("Start")).await.verdict(), (503, "store_unavailable"), "{way:?}");
        assert_eq!(handler.calls(), 0, "{way:?}");
    }
}

/// What other languages' stores read and write: the keys, the values, and when they end.
#[tokio::test]
async fn what_is_in_redis() {
    let mut connection = redis::connect(&redis::address()).await;
    let store = redis_store().await;
    let id = new_event_id().expect("random bytes");
    let key = format!("clarife-webhooks:{id}");
    let Ok(ClaimResult::New(token)) = store.claim(&id, Duration::from_secs(60)).await else { panic!("a new claim") };
    assert!(token.len() == 32 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{token}");
    let mut ask = async |command: &str| -> (Option<String>, i64) {
        let value = ::redis::cmd(command).arg(&key).query_async(&mut connection).await.expect("Redis answers");
        let ends = ::redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.expect("Redis answers");
        (value, ends)
    };
    let (value, ends) = ask("GET").await;
    assert_eq!(value.as_ref(), Some(&token));
    assert!((1..=60_000).contains(&ends), "{ends}");
    store.release(&id, "0123456789abcdef0123456789abcdef").await.expect("Redis answers");
    assert_eq!(ask("GET").await.0.as_ref(), Some(&token), "not of this token");
    assert_eq!(store.claim(&id, Duration::from_secs(60)).await.expect("Redis answers"), ClaimResult::InProgress);
    assert_eq!(ask("GET").await.0.as_ref(), Some(&token), "asking changes nothing");
    store.release(&id, &token).await.expect("Redis answers");
    assert_eq!(ask("GET").await, (None, -2));

    let Ok(ClaimResult::New(token)) = store.claim(&id, Duration::ZERO).await else { panic!("a new claim") };
    store.complete(&id, &token, Duration::from_secs(86_400)).await.expect("Redis answers");
    let (value, ends) = ask("GET").await;
    assert_eq!(value.as_deref(), Some("done"));
    assert!((60_001..=86_400_000).contains(&ends), "{ends}");
    assert_eq!(store.claim(&id, Duration::from_secs(60)).await.expect("Redis answers"), ClaimResult::Done);
    assert!(ask("GET").await.1 > 60_000, "asking does not shorten it");
    store.complete(&id, &token, Duration::MAX).await.expect("no time is too long");

    let long = format!("{id}{}", "x".repeat(1024));
    assert!(matches!(store.claim(&long, Duration::from_secs(1)).await, Ok(ClaimResult::New(_))));
    let hashed = format!("clarife-webhooks:{}", clarife_webhooks::dedup::store_key(&long));
    assert_eq!(::redis::cmd("EXISTS").arg(hashed).query_async::<i64>(&mut connection).await.expect("Redis answers"), 1);
}
