//! A webhook receiver with actix-web.

use std::{env, error::Error};

use actix_web::{App, HttpServer, web};
use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver, actix};
use clarife_webhooks::{Event, Resource, Webhook};

async fn handle(event: Event<'static>) -> Result<(), BoxError> {
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    Ok(())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let receiver = Receiver::new(webhook).dedup(MemoryStore::default()); // shared by all workers
    let app = move || App::new().route("/webhooks/clarife", web::to(actix::handler(receiver.clone(), handle)));
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    Ok(HttpServer::new(app).bind(("127.0.0.1", port))?.run().await?)
}
