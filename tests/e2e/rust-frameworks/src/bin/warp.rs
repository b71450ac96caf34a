//! A webhook receiver with warp.

use std::{env, error::Error};

use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver};
use clarife_webhooks::{DEFAULT_MAX_BODY_BYTES, Event, Resource, Webhook};
use warp::Filter as _;
use warp::http::{HeaderMap, Response};
use warp::hyper::body::Bytes;

async fn handle(event: Event<'static>) -> Result<(), BoxError> {
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let receiver = Receiver::new(webhook).dedup(MemoryStore::default());
    let route = warp::path!("webhooks" / "clarife")
        .and(warp::post())
        .and(warp::body::content_length_limit(DEFAULT_MAX_BODY_BYTES as u64))
        .and(warp::header::headers_cloned())
        .and(warp::body::bytes())
        .then(move |headers: HeaderMap, body: Bytes| {
            let receiver = receiver.clone();
            async move { Response::<String>::from(receiver.receive(&body, &headers, handle).await) }
        });
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    warp::serve(route).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
