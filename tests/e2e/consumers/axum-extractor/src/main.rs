//! A webhook receiver with an axum extractor: the handler returns the response.

use std::{env, error::Error};

use axum::{Router, http::StatusCode, routing::post};
use clarife_webhooks::adapters::{Receiver, axum::Verified};
use clarife_webhooks::{Resource, Webhook};

async fn receive(Verified(event): Verified) -> StatusCode {
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    StatusCode::NO_CONTENT
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let app = Router::new().route("/webhooks/clarife", post(receive)).with_state(Receiver::new(webhook));
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app).await?)
}
