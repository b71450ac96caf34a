//! Workspaces, tokens and subscriptions, in memory: every process follows what is written about them.

use std::collections::HashMap;
use std::sync::Arc;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Signer;

use super::schema::{self, Deactivation, SubscriptionData, TokenRecord, WorkspaceRecord};
use super::stream::Message;
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};
use crate::store::token_index::TokenIndex;
use crate::store::{ApiToken, Result, StoreError, SubscriptionRecord, TokenHash, Workspace};

/// What is known, and of which sequence: what was written later counts, in whatever order it is learned.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    workspaces: HashMap<WorkspaceId, Versioned<WorkspaceRecord>>,
    tokens: TokenIndex,
    hashes: HashMap<TokenId, Versioned<Option<TokenHash>>>,
    subscriptions: HashMap<SubscriptionId, Versioned<Option<CachedSubscription>>>,
}

#[derive(Debug)]
struct Versioned<T> {
    version: u64,
    value: T,
}

/// A subscription.
#[derive(Debug, Clone)]
pub(super) struct CachedSubscription {
    /// As the trait gives it.
    pub(super) record: Arc<SubscriptionRecord>,
    /// See [`SubscriptionData`].
    pub(super) ended: Option<Deactivation>,
    /// The sequence of what was written.
    pub(super) version: u64,
}

impl CachedSubscription {
    /// What is to be written.
    pub(super) fn data(&self) -> SubscriptionData {
        SubscriptionData {
            subscription: self.record.subscription.clone(),
            secrets: self.record.signer.stored().clone(),
            created_at: self.record.created_at,
            ended: self.ended,
        }
    }
}

impl Catalog {
    /// Learns what was written; the subscription that it is about.
    pub(super) fn learn(&mut self, read: &Message) -> Result<Option<SubscriptionId>> {
        let mut tokens = read.subject.split('.');
        let (kind, first, second) = (tokens.next(), tokens.next(), tokens.next());
        match (kind, first, second) {
            (Some("w"), Some(id), None) => {
                let value = schema::read(read)?;
                keep(&mut self.workspaces, id.to_owned().into(), read.sequence, value);
            }
            (Some("t"), Some(id), None) => self.learn_token(read, id.to_owned().into())?,
            (Some("s"), Some(workspace), Some(id)) => {
                let id = SubscriptionId::from(id.to_owned());
                let cached = if read.payload.is_empty() {
                    None
                } else {
                    let data: SubscriptionData = schema::read(read)?;
                    let record = SubscriptionRecord {
                        id: id.clone(),
                        workspace: workspace.to_owned().into(),
                        subscription: data.subscription,
                        signer: Signer::from(data.secrets),
                        created_at: data.created_at,
                    };
                    Some(CachedSubscription { record: Arc::new(record), ended: data.ended, version: read.sequence })
                };
                keep(&mut self.subscriptions, id.clone(), read.sequence, cached);
                return Ok(Some(id));
            }
            _ => {}
        }
        Ok(None)
    }

    fn learn_token(&mut self, read: &Message, id: TokenId) -> Result<()> {
        let token =
            if read.payload.is_empty() { None } else { Some(schema::read::<TokenRecord>(read)?.token(id.clone())?) };
        let hash = token.as_ref().map(|token| token.hash);
        let before = self.hashes.get(&id).and_then(|cached| cached.value);
        if keep(&mut self.hashes, id, read.sequence, hash) {
            if let Some(before) = before {
                self.tokens.remove(&before);
            }
            if let Some(token) = token {
                self.tokens.put(token);
            }
        }
        Ok(())
    }

    pub(super) fn workspace(&self, id: &WorkspaceId) -> Result<Workspace> {
        Ok(self.entry(id)?.value.workspace(id.clone()))
    }

    /// All workspaces, oldest first.
    pub(super) fn workspaces(&self) -> Vec<Workspace> {
        let mut all: Vec<Workspace> =
            self.workspaces.iter().map(|(id, cached)| cached.value.workspace(id.clone())).collect();
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        all
    }

    pub(super) fn tokens(&self, workspace: &WorkspaceId) -> Vec<ApiToken> {
        self.tokens.of(workspace)
    }

    pub(super) fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Option<WorkspaceId> {
        self.tokens.authenticate(hash, now)
    }

    /// A workspace's subscriptions, oldest first.
    pub(super) fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<CachedSubscription>> {
        let ids = &self.entry(workspace)?.value.subscriptions;
        Ok(ids.iter().filter_map(|id| self.get(id).cloned()).collect())
    }

    pub(super) fn subscription(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<CachedSubscription> {
        let cached = self.get(id).filter(|cached| cached.record.workspace == *workspace);
        cached.cloned().ok_or(StoreError::NotFound("subscription"))
    }

    /// A subscription, unless it is deleted or not known yet.
    pub(super) fn get(&self, id: &SubscriptionId) -> Option<&CachedSubscription> {
        self.subscriptions.get(id)?.value.as_ref()
    }

    pub(super) fn is_deleted(&self, id: &SubscriptionId) -> bool {
        self.subscriptions.get(id).is_some_and(|cached| cached.value.is_none())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &CachedSubscription> {
        self.subscriptions.values().filter_map(|cached| cached.value.as_ref())
    }

    fn entry(&self, id: &WorkspaceId) -> Result<&Versioned<WorkspaceRecord>> {
        self.workspaces.get(id).ok_or(StoreError::NotFound("workspace"))
    }
}

/// Keeps the value, unless a later one is known.
fn keep<K: Eq + std::hash::Hash, T>(map: &mut HashMap<K, Versioned<T>>, key: K, version: u64, value: T) -> bool {
    let later = map.get(&key).is_some_and(|cached| cached.version >= version);
    if !later {
        map.insert(key, Versioned { version, value });
    }
    !later
}
