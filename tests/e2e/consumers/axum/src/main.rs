//! A webhook receiver with axum.

use std::{env, error::Error};

use axum::Router;
use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver};
use clarife_webhooks::{Event, Resource, Webhook};

async fn handle(event: Event<'static>) -> Result<(), BoxError> {
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let receiver = Receiver::new(webhook).dedup(MemoryStore::default());
    let app = Router::new().route_service("/webhooks/clarife", receiver.service(handle));
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app).await?)
}
