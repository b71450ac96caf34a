//! A webhook receiver with axum.

use std::{env, sync::Arc};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, body::Bytes, routing::post};
use clarife_webhooks::{Resource, Webhook};
use serde_json::{Value, json};

async fn receive(State(webhook): State<Arc<Webhook>>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let event = match webhook.verify(&body, &headers) {
        Ok(event) => event,
        Err(error) => {
            eprintln!("refused: {error}; {}", error.hint());
            return (StatusCode::BAD_REQUEST, Json(json!({"code": error.code().as_str(), "error": error.to_string()})));
        }
    };
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    (StatusCode::OK, Json(json!({"id": event.id(), "type": event.event_type().as_str()})))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let webhook = Webhook::new(env::var("CLARIFE_WEBHOOK_SECRET")?)?;
    let app = Router::new().route("/webhooks/clarife", post(receive)).with_state(Arc::new(webhook));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", env::var("PORT")?.parse()?)).await?;
    Ok(axum::serve(listener, app).await?)
}
