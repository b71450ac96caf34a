//! Catalog of workspaces, tokens and subscriptions in memory: they are few, and every event and attempt reads them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use clarife_webhooks::UnixTime;

use super::scheduler::Key;
use super::token_index::TokenIndex;
use super::{ApiToken, Result, StoreError, SubscriptionRecord, TokenHash, Workspace};
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};

/// Cached records with their versions. A later version wins, in whatever order the records are applied.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    workspaces: HashMap<WorkspaceId, Versioned<Workspace>>,
    tokens: TokenIndex,
    hashes: HashMap<TokenId, Versioned<Option<TokenHash>>>,
    subscriptions: HashMap<SubscriptionId, Versioned<Option<Key>>>,
    by_key: HashMap<Key, CachedSubscription>,
}

#[derive(Debug)]
struct Versioned<T> {
    version: u64,
    value: T,
}

/// A record of the catalog.
#[derive(Debug, Clone)]
pub(super) enum CatalogRecord {
    /// A workspace.
    Workspace(Workspace),
    /// An API token, or `None` if it is deleted.
    Token(TokenId, Option<ApiToken>),
    /// A subscription with its key, or `None` if it is deleted.
    Subscription(SubscriptionId, Option<(Key, SubscriptionRecord)>),
}

/// A write to the catalog.
#[derive(Debug, Clone)]
pub(super) enum CatalogWrite {
    /// Writes a workspace that replaces a version, 0 for none.
    Workspace(Workspace, u64),
    /// Creates an API token.
    Token(ApiToken),
    /// Deletes an API token.
    DeleteToken(TokenId),
    /// Writes a subscription that replaces a version, 0 for none.
    Subscription(SubscriptionRecord, u64),
    /// Deletes a subscription at once, and its deliveries in the background.
    DeleteSubscription(CachedSubscription),
}

/// A subscription as it is cached.
#[derive(Debug, Clone)]
pub(super) struct CachedSubscription {
    /// Key of the subscription.
    pub(super) key: Key,
    /// Subscription as the store's calls return it.
    pub(super) record: Arc<SubscriptionRecord>,
    /// Version of the record.
    pub(super) version: u64,
}

impl Catalog {
    /// Applies a record. Returns the key of a subscription that it deletes.
    pub(super) fn learn(&mut self, record: CatalogRecord, version: u64) -> Option<Key> {
        match record {
            CatalogRecord::Workspace(workspace) => {
                put(&mut self.workspaces, workspace.id.clone(), version, workspace);
            }
            CatalogRecord::Token(id, token) => {
                let hash = token.as_ref().map(|token| token.hash);
                let before = self.hashes.get(&id).and_then(|cached| cached.value);
                if put(&mut self.hashes, id, version, hash) {
                    before.iter().for_each(|before| self.tokens.remove(before));
                    token.into_iter().for_each(|token| self.tokens.put(token));
                }
            }
            CatalogRecord::Subscription(id, record) => {
                let before = self.subscriptions.get(&id).and_then(|cached| cached.value);
                if !put(&mut self.subscriptions, id, version, record.as_ref().map(|(key, _)| *key)) {
                    return None;
                }
                match record {
                    Some((key, record)) => {
                        let record = Arc::new(record);
                        self.by_key.insert(key, CachedSubscription { key, record, version });
                    }
                    None => {
                        let deleted = self.by_key.remove(&before?)?;
                        return Some(deleted.key);
                    }
                }
            }
        }
        None
    }

    /// Returns all workspaces, oldest first.
    pub(super) fn workspaces(&self) -> Vec<Workspace> {
        let mut all: Vec<Workspace> = self.workspaces.values().map(|cached| cached.value.clone()).collect();
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        all
    }

    /// Returns a workspace and its version.
    pub(super) fn workspace(&self, id: &WorkspaceId) -> Result<(&Workspace, u64)> {
        let cached = self.workspaces.get(id).ok_or(StoreError::NotFound("workspace"))?;
        Ok((&cached.value, cached.version))
    }

    /// Returns a workspace's tokens, oldest first.
    pub(super) fn tokens(&self, workspace: &WorkspaceId) -> Result<Vec<ApiToken>> {
        self.workspace(workspace)?;
        Ok(self.tokens.of(workspace))
    }

    /// Returns the workspace that a token belongs to, unless the token has expired.
    pub(super) fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Option<WorkspaceId> {
        self.tokens.authenticate(hash, now)
    }

    /// Returns a workspace's subscriptions, oldest first.
    pub(super) fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<CachedSubscription>> {
        let ids = &self.workspace(workspace)?.0.subscriptions;
        Ok(ids.iter().filter_map(|id| self.get(id).cloned()).collect())
    }

    /// Tells whether each subscription that a workspace lists is known. The records of one write are applied one by
    /// one.
    pub(super) fn is_complete(&self, workspace: &WorkspaceId) -> Result<bool> {
        Ok(self.workspace(workspace)?.0.subscriptions.iter().all(|id| self.subscriptions.contains_key(id)))
    }

    /// Returns a workspace's subscription.
    pub(super) fn subscription(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<CachedSubscription> {
        let cached = self.get(id).filter(|cached| cached.record.workspace == *workspace);
        cached.cloned().ok_or(StoreError::NotFound("subscription"))
    }

    /// Returns a subscription, unless it is deleted or not known yet.
    pub(super) fn get(&self, id: &SubscriptionId) -> Option<&CachedSubscription> {
        self.by_key(self.subscriptions.get(id)?.value?)
    }

    /// Returns the subscription with a key, unless it is deleted or not known yet.
    pub(super) fn by_key(&self, key: Key) -> Option<&CachedSubscription> {
        self.by_key.get(&key)
    }

    /// Returns all subscriptions.
    pub(super) fn all(&self) -> impl Iterator<Item = &CachedSubscription> {
        self.by_key.values()
    }
}

/// Inserts a value, unless a later one is cached; returns `true` if it was inserted.
fn put<K: Eq + Hash, T>(map: &mut HashMap<K, Versioned<T>>, key: K, version: u64, value: T) -> bool {
    let later = map.get(&key).is_some_and(|cached| cached.version >= version);
    if !later {
        map.insert(key, Versioned { version, value });
    }
    !later
}
