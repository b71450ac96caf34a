//! What an application would have: a handler, and how it is received, with what a test wants to set.

use std::sync::{Arc, Mutex};

use axum::Router;
use clarife_webhooks::adapters::Receiver;
use clarife_webhooks::{Event, Resource, ResourceError};

/// Where the titles of changed documents go.
pub type Index = Arc<Mutex<Vec<String>>>;

/// The application.
pub fn app(receiver: Receiver, index: Index) -> Router {
    let handle = move |event: Event<'static>| {
        let index = index.clone();
        async move {
            if let Resource::Document(document) = event.resource()? {
                index.lock().unwrap().push(document.title.unwrap_or_default());
            }
            Ok::<_, ResourceError>(())
        }
    };
    Router::new().route_service("/", receiver.service(handle))
}
