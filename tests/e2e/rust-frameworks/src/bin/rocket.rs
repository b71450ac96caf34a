//! A webhook receiver with Rocket.

use std::convert::Infallible;
use std::{env, error::Error};

use clarife_webhooks::adapters::{BoxError, MemoryStore, Receiver};
use clarife_webhooks::{
    DEFAULT_MAX_BODY_BYTES, ErrorCode, Event, Resource, SIGNATURE_HEADER, Webhook, WebhookError, WebhookResponse,
};
use rocket::data::{ByteUnit, Data};
use rocket::http::{ContentType, Status};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Config, State};

async fn handle(event: Event<'static>) -> Result<(), BoxError> {
    if let Ok(Resource::Document(document)) = event.resource() {
        println!("{} {}", event.event_type(), document.title.unwrap_or_default());
    }
    Ok(())
}

/// The value of the signature header.
struct Signature<'r>(Option<&'r str>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Signature<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(request.headers().get_one(SIGNATURE_HEADER)))
    }
}

#[rocket::post("/webhooks/clarife", data = "<body>")]
async fn receive(
    receiver: &State<Receiver>,
    signature: Signature<'_>,
    body: Data<'_>,
) -> (Status, (ContentType, String)) {
    let refuse = |code: ErrorCode| WebhookResponse::from(WebhookError::from(code));
    let response = match body.open(ByteUnit::from(DEFAULT_MAX_BODY_BYTES)).into_bytes().await {
        Ok(body) if body.is_complete() => receiver.receive(&body, signature.0, handle).await,
        Ok(_) => refuse(ErrorCode::BodyTooLarge),
        Err(_) => refuse(ErrorCode::BodyIncomplete),
    };
    (Status::new(response.status()), (ContentType::JSON, response.body()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let webhook = Webhook::from_env("CLARIFE_WEBHOOK_SECRET")?.with_max_event_age(900);
    let receiver = Receiver::new(webhook).dedup(MemoryStore::default());
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "3000".into()).parse()?;
    let config = Config { address: [127, 0, 0, 1].into(), port, ..Config::default() };
    rocket::custom(config).manage(receiver).mount("/", rocket::routes![receive]).launch().await?;
    Ok(())
}
