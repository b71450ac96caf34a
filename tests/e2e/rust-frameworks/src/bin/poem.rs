//! A webhook receiver with poem.

use std::{env, error::Error};

use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver};
use clarife_webhooks::{DEFAULT_MAX_BODY_BYTES, ErrorCode, Event, Resource, Webhook, WebhookError, WebhookResponse};
use poem::error::ReadBodyError;
use poem::http::{HeaderMap, StatusCode};
use poem::listener::TcpListener;
use poem::web::Data;
use poem::{Body, EndpointExt as _, Response, Route, Server, handler, post};

async fn handle(event: Event<'static>) -> Result<(), BoxError> {
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    Ok(())
}

#[handler]
async fn receive(Data(receiver): Data<&Receiver>, headers: &HeaderMap, body: Body) -> Response {
    let refuse = |code: ErrorCode| WebhookResponse::from(WebhookError::from(code));
    let response = match body.into_bytes_limit(DEFAULT_MAX_BODY_BYTES).await {
        Ok(body) => receiver.receive(&body, headers, handle).await,
        Err(ReadBodyError::PayloadTooLarge) => refuse(ErrorCode::BodyTooLarge),
        Err(_) => refuse(ErrorCode::BodyIncomplete),
    };
    let status = StatusCode::from_u16(response.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reply = Response::builder().status(status);
    response.headers().iter().fold(reply, |reply, (name, value)| reply.header(*name, *value)).body(response.body())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let receiver = Receiver::new(webhook).dedup(MemoryStore::default());
    let app = Route::new().at("/webhooks/clarife", post(receive)).data(receiver);
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    Ok(Server::new(TcpListener::bind(("127.0.0.1", port))).run(app).await?)
}
