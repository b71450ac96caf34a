//! A webhook receiver with salvo.

use std::{env, error::Error};

use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver};
use clarife_webhooks::{DEFAULT_MAX_BODY_BYTES, ErrorCode, Event, Resource, Webhook, WebhookError, WebhookResponse};
use salvo::conn::TcpListener;
use salvo::http::ParseError;
use salvo::{Listener as _, Request, Response, Router, Server, handler};

async fn handle(event: Event<'static>) -> Result<(), BoxError> {
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    Ok(())
}

struct Receive(Receiver);

#[handler]
impl Receive {
    async fn handle(&self, request: &mut Request, response: &mut Response) {
        let headers = request.headers().clone();
        let refuse = |code: ErrorCode| WebhookResponse::from(WebhookError::from(code));
        let received = match request.payload_with_max_size(DEFAULT_MAX_BODY_BYTES).await {
            Ok(body) => self.0.receive(body, &headers, handle).await,
            Err(ParseError::PayloadTooLarge) => refuse(ErrorCode::BodyTooLarge),
            Err(_) => refuse(ErrorCode::BodyIncomplete),
        };
        response.merge_hyper(salvo::hyper::Response::<String>::from(received));
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let receiver = Receiver::new(webhook).dedup(MemoryStore::default());
    let router = Router::with_path("webhooks/clarife").post(Receive(receiver));
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    Server::new(TcpListener::new(("127.0.0.1", port)).bind().await).serve(router).await;
    Ok(())
}
