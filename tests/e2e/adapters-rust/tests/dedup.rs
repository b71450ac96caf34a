//! Deduplication in memory and with Redis.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use adapters_rust::client::{Response, post, send};
use adapters_rust::servers::{Adapter, Before, start};
use adapters_rust::{Handler, event, receiver, redis, signed};
use clarife_webhooks::adapters::redis::RedisStore;
use clarife_webhooks::adapters::{DedupStore, MemoryStore, Receiver};
use clarife_webhooks::dedup::ClaimResult;
use clarife_webhooks::sender::{TestEvent, new_event_id};
use clarife_webhooks::testing::Clock;

/// Creates an event with a unique id.
fn fresh(title: &str) -> TestEvent {
    event(&new_event_id().expect("random bytes"), title)
}

async fn deliver(server: SocketAddr, event: &TestEvent) -> Response {
    post(server, &signed(event), event.body.as_bytes()).await
}

async fn redis_store() -> RedisStore<impl ::redis::aio::ConnectionLike + Clone + Send + Sync + 'static> {
    RedisStore::new(redis::connect(&redis::address()).await)
}

async fn serve(adapter: Adapter, receiver: Receiver) -> (SocketAddr, Handler) {
    let handler = Handler::default();
    (start(adapter, Before::Nothing, receiver, handler.clone()).await, handler)
}

/// Delivers an event a hundred times at once.
async fn deliver_a_hundred_times(adapter: Adapter, receiver: Receiver) {
    let (server, handler) = serve(adapter, receiver).await;
    let event = fresh("slow");
    let deliveries: Vec<_> = (0..100)
        .map(|_| {
            let event = event.clone();
            tokio::spawn(async move { deliver(server, &event).await })
        })
        .collect();
    let mut handled = 0;
    for delivery in deliveries {
        let response = delivery.await.expect("no panic");
        match response.verdict() {
            (200, "handled") => handled += 1,
            (200, "duplicate") | (409, "in_progress") => {}
            other => panic!("{adapter:?}: {other:?}"),
        }
    }
    assert_eq!((handled, handler.calls()), (1, 1), "{adapter:?}");
    assert_eq!(deliver(server, &event).await.verdict(), (200, "duplicate"), "{adapter:?}: once more");
    assert_eq!(deliver(server, &fresh("Start")).await.verdict(), (200, "handled"), "{adapter:?}: another event");
    assert_eq!(handler.calls(), 2, "{adapter:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_duplicates_are_handled_once() {
    for adapter in Adapter::DEDUP {
        deliver_a_hundred_times(adapter, receiver(&Clock::default()).dedup(MemoryStore::default())).await;
        deliver_a_hundred_times(adapter, receiver(&Clock::default()).dedup(redis_store().await)).await;
    }
}

#[tokio::test]
async fn two_servers_share_one_redis() {
    let (first, first_handler) =
        serve(Adapter::TowerService, receiver(&Clock::default()).dedup(redis_store().await)).await;
    let (second, second_handler) =
        serve(Adapter::ActixHandler, receiver(&Clock::default()).dedup(redis_store().await)).await;
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
async fn a_failed_event_is_handled_when_it_is_retried() {
    for adapter in Adapter::DEDUP {
        for title in ["fail at first", "panic at first"] {
            for receiver in [
                receiver(&Clock::default()).dedup(MemoryStore::default()),
                receiver(&Clock::default()).dedup(redis_store().await),
            ] {
                let (server, handler) = serve(adapter, receiver).await;
                let event = fresh(title);
                if title == "fail at first" {
                    assert_eq!(deliver(server, &event).await.status, 500, "{adapter:?}: {title}");
                } else {
                    // Frameworks respond to a panic with 500, or not at all.
                    let headers = signed(&event);
                    let mut all: Vec<(&str, &str)> =
                        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    let length = event.body.len().to_string();
                    all.push(("content-length", &length));
                    let head = adapters_rust::client::head("POST", &all);
                    let response = send(server, &[head.as_bytes(), event.body.as_bytes()]).await;
                    assert!(response.is_none_or(|response| response.status == 500), "{adapter:?}: {title}");
                }
                assert_eq!(deliver(server, &event).await.verdict(), (200, "handled"), "{adapter:?}: {title}");
                assert_eq!(deliver(server, &event).await.verdict(), (200, "duplicate"), "{adapter:?}: {title}");
                assert_eq!(handler.calls(), 2, "{adapter:?}: {title}");
            }
        }
    }
}

/// Claims an event and stops in the handler without a release, like a killed process.
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
async fn the_claim_of_a_crashed_holder_expires() {
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
async fn the_claim_of_a_crashed_holder_expires_in_redis() {
    let receiver = receiver(&Clock::default()).dedup(redis_store().await).with_claim_ttl(Duration::from_secs(2));
    let (server, handler) = serve(Adapter::TowerLayer, receiver.clone()).await;
    let event = fresh("slow");
    // The holder claims this id with another body, and never completes.
    let holder = adapters_rust::event(&event.id, "never");
    crash(receiver, &holder).await;
    assert_eq!(deliver(server, &event).await.verdict(), (409, "in_progress"));
    let start = Instant::now();
    let mut response = deliver(server, &event).await;
    while response.status == 409 && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        response = deliver(server, &event).await;
    }
    assert_eq!(response.verdict(), (200, "handled"));
    assert_eq!(handler.calls(), 1);
}

#[tokio::test]
async fn an_unavailable_store_returns_503_and_nothing_is_lost() {
    let proxy = redis::Proxy::start(None).await;
    let store = RedisStore::new(redis::connect(&proxy.address.to_string()).await);
    let (server, handler) = serve(Adapter::TowerService, receiver(&Clock::default()).dedup(store.clone())).await;
    let (actix, actix_handler) = serve(Adapter::ActixHandler, receiver(&Clock::default()).dedup(store)).await;
    assert_eq!(deliver(server, &fresh("Start")).await.verdict(), (200, "handled"));
    let address = proxy.stop().await;
    let event = fresh("Start");
    for server in [server, actix] {
        assert_eq!(deliver(server, &event).await.verdict(), (503, "store_unavailable"));
    }
    assert_eq!((handler.calls(), actix_handler.calls()), (1, 0));

    let _proxy = redis::Proxy::start(Some(address)).await;
    let start = Instant::now();
    let mut response = deliver(server, &event).await;
    while response.status == 503 && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        response = deliver(server, &event).await;
    }
    assert_eq!(response.verdict(), (200, "handled"), "when the store is back");
    assert_eq!(handler.calls(), 2);
    assert_eq!(deliver(actix, &event).await.verdict(), (200, "duplicate"));
}

#[tokio::test]
async fn a_store_that_fails_after_the_handler_keeps_its_claim() {
    let proxy = redis::Proxy::start(None).await;
    let store = RedisStore::new(redis::connect(&proxy.address.to_string()).await);
    let event = fresh("Start");
    let headers = signed(&event);
    let receiver = receiver(&Clock::default()).dedup(store);
    let response = receiver
        .receive(event.body.as_bytes(), Some(&headers[0].1), |_| async {
            proxy.stop().await;
            Ok::<_, std::io::Error>(())
        })
        .await;
    assert_eq!(response.code(), "handled");
    assert_eq!(
        DedupStore::claim(&redis_store().await, &event.id, Duration::from_secs(1)).await.expect("Redis responds"),
        ClaimResult::InProgress
    );
}

#[tokio::test]
async fn a_full_store_returns_503() {
    let store = MemoryStore::new(1);
    assert!(matches!(store.claim("other", Duration::from_secs(60)).await, Ok(ClaimResult::New(_))));
    let (server, handler) = serve(Adapter::ActixHandler, receiver(&Clock::default()).dedup(store)).await;
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
async fn a_store_that_hangs_returns_503_with_a_timer() {
    for adapter in Adapter::DEDUP {
        let receiver = receiver(&Clock::default())
            .dedup(Hanging)
            .with_timer(|time| tokio::time::sleep(time.min(Duration::from_millis(50))));
        let (server, handler) = serve(adapter, receiver).await;
        assert_eq!(deliver(server, &fresh("Start")).await.verdict(), (503, "store_unavailable"), "{adapter:?}");
        assert_eq!(handler.calls(), 0, "{adapter:?}");
    }
}

/// Checks the keys, values and expiry times that the stores of all languages share.
#[tokio::test]
async fn redis_holds_what_other_languages_expect() {
    let mut connection = redis::connect(&redis::address()).await;
    let store = redis_store().await;
    let id = new_event_id().expect("random bytes");
    let key = format!("clarife-webhooks:{id}");
    let Ok(ClaimResult::New(token)) = store.claim(&id, Duration::from_secs(60)).await else { panic!("a new claim") };
    assert!(token.len() == 32 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{token}");
    let mut query = async |command: &str| -> (Option<String>, i64) {
        let value = ::redis::cmd(command).arg(&key).query_async(&mut connection).await.expect("Redis responds");
        let ends = ::redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.expect("Redis responds");
        (value, ends)
    };
    let (value, ends) = query("GET").await;
    assert_eq!(value.as_ref(), Some(&token));
    assert!((1..=60_000).contains(&ends), "{ends}");
    store.release(&id, "0123456789abcdef0123456789abcdef").await.expect("Redis responds");
    assert_eq!(query("GET").await.0.as_ref(), Some(&token), "of another token");
    assert_eq!(store.claim(&id, Duration::from_secs(60)).await.expect("Redis responds"), ClaimResult::InProgress);
    assert_eq!(query("GET").await.0.as_ref(), Some(&token), "a claim attempt changes nothing");
    store.release(&id, &token).await.expect("Redis responds");
    assert_eq!(query("GET").await, (None, -2));

    let Ok(ClaimResult::New(token)) = store.claim(&id, Duration::ZERO).await else { panic!("a new claim") };
    store.complete(&id, &token, Duration::from_secs(86_400)).await.expect("Redis responds");
    let (value, ends) = query("GET").await;
    assert_eq!(value.as_deref(), Some("done"));
    assert!((60_001..=86_400_000).contains(&ends), "{ends}");
    assert_eq!(store.claim(&id, Duration::from_secs(60)).await.expect("Redis responds"), ClaimResult::Done);
    assert!(query("GET").await.1 > 60_000, "a claim attempt does not shorten it");
    store.complete(&id, &token, Duration::MAX).await.expect("no time is too long");

    let long = format!("{id}{}", "x".repeat(1024));
    assert!(matches!(store.claim(&long, Duration::from_secs(1)).await, Ok(ClaimResult::New(_))));
    let hashed = format!("clarife-webhooks:{}", clarife_webhooks::dedup::store_key(&long));
    assert_eq!(
        ::redis::cmd("EXISTS").arg(hashed).query_async::<i64>(&mut connection).await.expect("Redis responds"),
        1
    );
}
