//! Catalog of workspaces, tokens and subscriptions, kept in memory by every worker.

use std::collections::HashMap;
use std::sync::Arc;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Signer;

use super::schema::{self, Deactivation, SubscriptionData, TokenRecord, WorkspaceRecord};
use super::stream::Message;
use super::subject::Subject;
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};
use crate::store::token_index::TokenIndex;
use crate::store::{ApiToken, Result, StoreError, SubscriptionRecord, TokenHash, Workspace};

/// Cached records with their sequences. A later record wins, in whatever order the records are applied.
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

/// A subscription as it is cached.
#[derive(Debug, Clone)]
pub(super) struct CachedSubscription {
    /// Subscription as the store's calls return it.
    pub(super) record: Arc<SubscriptionRecord>,
    /// Last deactivation, see [`SubscriptionData`].
    pub(super) ended: Option<Deactivation>,
    /// Sequence of the record.
    pub(super) version: u64,
}

impl CachedSubscription {
    /// Returns the record of the subscription.
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
    /// Applies a record; returns the id of the subscription that it changes, if any.
    pub(super) fn learn(&mut self, message: &Message) -> Result<Option<SubscriptionId>> {
        match Subject::parse(&message.subject) {
            Some(Subject::Workspace(id)) => {
                let value = schema::read(message)?;
                keep(&mut self.workspaces, id.to_owned().into(), message.sequence, value);
            }
            Some(Subject::Token(id)) => self.learn_token(message, id.to_owned().into())?,
            Some(Subject::Subscription { workspace, id }) => {
                let id = SubscriptionId::from(id.to_owned());
                let cached = if message.payload.is_empty() {
                    None
                } else {
                    let data: SubscriptionData = schema::read(message)?;
                    let record = SubscriptionRecord {
                        id: id.clone(),
                        workspace: workspace.to_owned().into(),
                        subscription: data.subscription,
                        signer: Signer::from(data.secrets),
                        created_at: data.created_at,
                    };
                    Some(CachedSubscription { record: Arc::new(record), ended: data.ended, version: message.sequence })
                };
                keep(&mut self.subscriptions, id.clone(), message.sequence, cached);
                return Ok(Some(id));
            }
            _ => {}
        }
        Ok(None)
    }

    fn learn_token(&mut self, message: &Message, id: TokenId) -> Result<()> {
        let token = if message.payload.is_empty() {
            None
        } else {
            Some(schema::read::<TokenRecord>(message)?.token(id.clone())?)
        };
        let hash = token.as_ref().map(|token| token.hash);
        let before = self.hashes.get(&id).and_then(|cached| cached.value);
        if keep(&mut self.hashes, id, message.sequence, hash) {
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

    /// Returns all workspaces, oldest first.
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

    /// Returns a workspace's subscriptions, oldest first.
    pub(super) fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<CachedSubscription>> {
        let ids = &self.entry(workspace)?.value.subscriptions;
        Ok(ids.iter().filter_map(|id| self.get(id).cloned()).collect())
    }

    pub(super) fn subscription(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<CachedSubscription> {
        let cached = self.get(id).filter(|cached| cached.record.workspace == *workspace);
        cached.cloned().ok_or(StoreError::NotFound("subscription"))
    }

    /// Returns a subscription, unless it is deleted or not read yet.
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

/// Inserts a value, unless a later one is cached; returns `true` if it was inserted.
fn keep<K: Eq + std::hash::Hash, T>(map: &mut HashMap<K, Versioned<T>>, key: K, version: u64, value: T) -> bool {
    let later = map.get(&key).is_some_and(|cached| cached.version >= version);
    if !later {
        map.insert(key, Versioned { version, value });
    }
    !later
}
