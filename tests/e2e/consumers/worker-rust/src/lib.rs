//! A webhook receiver on Cloudflare Workers.

mod dedup;

use std::sync::OnceLock;

use clarife_webhooks::adapters::{BoxError, Receiver};
use clarife_webhooks::{Event, Resource, Webhook};
use tower_service::Service as _;
use worker::{Context, Env, HttpRequest, Response, Result, console_log, event};

use dedup::ObjectStore;

async fn handle(event: Event<'static>) -> std::result::Result<(), BoxError> {
    if let Ok(Resource::Document(document)) = event.resource() {
        console_log!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    Ok(())
}

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, _: Context) -> Result<Response> {
    if request.uri().path() != "/webhooks/clarife" {
        return Response::error("not found", 404);
    }
    match receiver(&env)?.service(handle).call(request).await {
        Ok(response) => response.try_into(),
    }
}

/// Returns the receiver, which the first request creates.
fn receiver(env: &Env) -> Result<Receiver> {
    static RECEIVER: OnceLock<Receiver> = OnceLock::new();
    if let Some(receiver) = RECEIVER.get() {
        return Ok(receiver.clone());
    }
    let secret = env.secret("CLARIFE_WEBHOOK_SECRET")?.to_string();
    let webhook = Webhook::new(secret).map_err(|error| format!("{error:#}"))?.with_max_event_age(900);
    let receiver = Receiver::new(webhook).dedup(ObjectStore::new(env.durable_object("DEDUP")?));
    Ok(RECEIVER.get_or_init(|| receiver).clone())
}
