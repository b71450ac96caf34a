//! A webhook receiver as a tower service, served by hyper, with a match arm for each event type.

use std::{env, error::Error};

use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver};
use clarife_webhooks::{Event, EventType, Resource, Webhook};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};

async fn handle(event: Event<'static>) -> Result<(), BoxError> {
    // Without an arm `_`, the compiler names new event types after an update of the crate.
    match event.event_type() {
        EventType::DocumentUpdated => {
            if let Ok(Resource::Document(document)) = event.resource() {
                println!("{} {}", event.event_type(), document.title.unwrap_or_default());
            }
        }
        EventType::DocumentCreated | EventType::DocumentDeleted => println!("some other change of a document"),
        EventType::ShareCreated | EventType::ShareUpdated | EventType::ShareDeleted => println!("a share"),
        EventType::ProjectCreated | EventType::ProjectUpdated | EventType::ProjectDeleted => {}
        EventType::FolderCreated | EventType::FolderUpdated | EventType::FolderDeleted => {}
        EventType::GenerationStarted | EventType::GenerationCompleted | EventType::GenerationFailed => {}
        EventType::MediaUploaded => {}
        EventType::Unknown(name) => println!("not for us: {name}"),
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let service = Receiver::new(webhook).dedup(MemoryStore::default()).service(handle);
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (connection, _) = listener.accept().await?;
        let serving =
            http1::Builder::new().serve_connection(TokioIo::new(connection), TowerToHyperService::new(service.clone()));
        tokio::spawn(serving);
    }
}
