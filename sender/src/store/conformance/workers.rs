//! Stores with their engines, and rules for engines with several workers.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::store::engine::Engine;
use crate::store::memory::Memory;

/// A store with its engine.
pub(in crate::store) struct TestStore<E> {
    store: Store,
    pub(in crate::store) engine: Arc<E>,
}

impl<E: Engine + 'static> TestStore<E> {
    /// Opens a store above an engine.
    pub(in crate::store) async fn open<O>(open: impl AsyncFnOnce(Arc<Memory>) -> Result<E, O>) -> Result<Self, O> {
        let memory = Arc::new(Memory::new(PER_SUBSCRIPTION));
        let engine = Arc::new(open(Arc::clone(&memory)).await?);
        Ok(Self { store: Store::new(Arc::clone(&engine) as Arc<dyn Engine>, memory), engine })
    }
}

impl<E> Deref for TestStore<E> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Creates `count` workspaces with a subscription each.
pub(in crate::store) async fn workspaces(store: &Store, count: usize) -> Vec<WorkspaceId> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(subscribed_workspace(store).await);
    }
    all
}

/// Leases and delivers until `count` deliveries are delivered, none of them by two workers; returns each worker's
/// count.
pub(in crate::store) async fn deliver(stores: &[&Store], count: usize) -> Vec<usize> {
    let (mut delivered, mut shares) = (HashSet::<DeliveryId>::new(), vec![0; stores.len()]);
    for _ in 0..3000 {
        for (store, share) in stores.iter().zip(&mut shares) {
            for leased in store.lease(NOW, 100).await.expect("is open") {
                assert!(delivered.insert(leased.id), "leased twice");
                finish(store, &leased, 200, NOW).await;
                *share += 1;
            }
        }
        if delivered.len() == count {
            return shares;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} of {count} were delivered within 30 s", delivered.len());
}

/// Tests that a store that is opened again has everything.
pub(in crate::store) async fn everything_is_there_again<E: Engine + 'static>(open: impl AsyncFn() -> TestStore<E>) {
    let store = open().await;
    let workspace = &workspaces(&store, 1).await[0];
    store.accept(workspace, events(30), NOW).await.expect("are kept");
    let deliveries = lease(&store, NOW, 2).await;
    finish(&store, &deliveries[0], 500, NOW).await;
    finish(&store, &deliveries[1], 200, NOW).await;
    store.close().await;
    let store = open().await;
    assert_eq!(store.stats().await.expect("is open").pending, 29);
    let due = NOW.saturating_add(RETRY_DELAYS[0]);
    let retry = lease(&store, due, 1).await.remove(0);
    assert_eq!((retry.id, retry.attempt), (deliveries[0].id, 2));
    // The success after the failure has reset the count.
    assert_eq!(retry.subscription.subscription.health.consecutive_failures(), 0);
    finish(&store, &retry, 200, NOW).await;
    assert_eq!(store.delivery(workspace, retry.id).await.expect("is there").1.len(), 2);
    store.close().await;
}
