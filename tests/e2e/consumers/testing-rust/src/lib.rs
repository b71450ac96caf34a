//! An application's handler, and its receiver with the options that tests set.

use std::sync::{Arc, Mutex};

use axum::Router;
use clarife_webhooks::adapters::{BoxError, Receiver};
use clarife_webhooks::{Event, Resource};

/// The titles of changed documents.
pub type Index = Arc<Mutex<Vec<String>>>;

/// Returns the application's router.
pub fn app(receiver: Receiver, index: Index) -> Router {
    let handle = move |event: Event<'static>| {
        let index = index.clone();
        async move {
            if let Ok(Resource::Document(document)) = event.resource() {
                index.lock().unwrap().push(document.title.unwrap_or_default());
            }
            Ok::<_, BoxError>(())
        }
    };
    Router::new().route_service("/webhooks/clarife", receiver.service(handle))
}
