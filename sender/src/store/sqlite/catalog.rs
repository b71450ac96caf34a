//! Catalog of workspaces, tokens and subscriptions in memory: they are few, and every event and attempt reads them.

use std::collections::HashMap;
use std::sync::Arc;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Plan, Signer, StoredSecrets, Subscription};
use rusqlite::Connection;
use rusqlite::types::{FromSqlError, Type};
use serde::de::DeserializeOwned;

use crate::ids::{SubscriptionId, TokenId, WorkspaceId};
use crate::store::scheduler::Key;
use crate::store::token_index::TokenIndex;
use crate::store::{ApiToken, Result, StoreError, SubscriptionRecord, TokenHash, Workspace};

/// Contents of the tables of workspaces, tokens and subscriptions.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    workspaces: HashMap<WorkspaceId, Entry>,
    tokens: TokenIndex,
    subscriptions: HashMap<Key, Arc<SubscriptionRecord>>,
    keys: HashMap<SubscriptionId, Key>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    workspace: Workspace,
    /// Keys of the subscriptions, oldest first.
    subscriptions: Vec<Key>,
}

impl Catalog {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut catalog = Self::default();
        let mut by_key = HashMap::new();
        let mut statement = connection.prepare("SELECT id, reference, name, plan, created_at FROM workspaces")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (key, id): (Key, WorkspaceId) = (row.get(0)?, row.get::<_, String>(1)?.into());
            let plan: Plan = from_json(3, &row.get::<_, String>(3)?)?;
            let created_at = UnixTime::from_millis(row.get(4)?);
            by_key.insert(key, id.clone());
            catalog.add_workspace(key, Workspace { id, name: row.get(2)?, plan, created_at });
        }
        let mut statement =
            connection.prepare("SELECT reference, workspace, name, hash, created_at, expires_at FROM tokens")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(workspace) = by_key.get(&row.get(1)?) else { continue };
            catalog.add_token(ApiToken {
                id: TokenId::from(row.get::<_, String>(0)?),
                workspace: workspace.clone(),
                name: row.get(2)?,
                hash: row.get(3)?,
                created_at: UnixTime::from_millis(row.get(4)?),
                expires_at: row.get::<_, Option<i64>>(5)?.map(UnixTime::from_millis),
            });
        }
        let mut statement = connection.prepare(
            "SELECT id, reference, workspace, subscription, secrets, created_at FROM subscriptions \
             WHERE deleted = 0 ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(workspace) = by_key.get(&row.get(2)?) else { continue };
            let subscription: Subscription = from_json(3, &row.get::<_, String>(3)?)?;
            let secrets: StoredSecrets = from_json(4, &row.get::<_, String>(4)?)?;
            let record = SubscriptionRecord {
                id: SubscriptionId::from(row.get::<_, String>(1)?),
                workspace: workspace.clone(),
                subscription,
                signer: Signer::from(secrets),
                created_at: UnixTime::from_millis(row.get(5)?),
            };
            catalog.put_subscription(row.get(0)?, record);
        }
        Ok(catalog)
    }

    pub(super) fn add_workspace(&mut self, key: Key, workspace: Workspace) {
        self.workspaces.insert(workspace.id.clone(), Entry { key, workspace, subscriptions: Vec::new() });
    }

    pub(super) fn workspaces(&self) -> Vec<Workspace> {
        let mut entries: Vec<&Entry> = self.workspaces.values().collect();
        entries.sort_by_key(|entry| entry.key);
        entries.into_iter().map(|entry| entry.workspace.clone()).collect()
    }

    pub(super) fn workspace(&self, id: &WorkspaceId) -> Result<&Workspace> {
        Ok(&self.entry(id)?.workspace)
    }

    pub(super) fn workspace_key(&self, id: &WorkspaceId) -> Result<Key> {
        Ok(self.entry(id)?.key)
    }

    pub(super) fn set_plan(&mut self, id: &WorkspaceId, plan: Plan) {
        if let Some(entry) = self.workspaces.get_mut(id) {
            entry.workspace.plan = plan;
        }
    }

    pub(super) fn add_token(&mut self, token: ApiToken) {
        self.tokens.put(token);
    }

    pub(super) fn remove_token(&mut self, hash: &TokenHash) {
        self.tokens.remove(hash);
    }

    pub(super) fn tokens(&self, workspace: &WorkspaceId) -> Vec<ApiToken> {
        self.tokens.of(workspace)
    }

    pub(super) fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Option<WorkspaceId> {
        self.tokens.authenticate(hash, now)
    }

    /// Inserts or replaces a subscription.
    pub(super) fn put_subscription(&mut self, key: Key, record: SubscriptionRecord) -> Arc<SubscriptionRecord> {
        let record = Arc::new(record);
        if self.subscriptions.insert(key, Arc::clone(&record)).is_none() {
            self.keys.insert(record.id.clone(), key);
            if let Some(entry) = self.workspaces.get_mut(&record.workspace) {
                entry.subscriptions.push(key);
            }
        }
        record
    }

    pub(super) fn remove_subscription(&mut self, key: Key) {
        let Some(record) = self.subscriptions.remove(&key) else { return };
        self.keys.remove(&record.id);
        if let Some(entry) = self.workspaces.get_mut(&record.workspace) {
            entry.subscriptions.retain(|other| *other != key);
        }
    }

    /// Returns a workspace's subscriptions, oldest first.
    pub(super) fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<(Key, Arc<SubscriptionRecord>)>> {
        let keys = &self.entry(workspace)?.subscriptions;
        Ok(keys.iter().filter_map(|key| Some((*key, Arc::clone(self.subscriptions.get(key)?)))).collect())
    }

    pub(super) fn subscription(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
    ) -> Result<(Key, Arc<SubscriptionRecord>)> {
        let found = self.keys.get(id).and_then(|key| Some((*key, self.by_key(*key)?)));
        found.filter(|(_, record)| record.workspace == *workspace).ok_or(StoreError::NotFound("subscription"))
    }

    pub(super) fn by_key(&self, key: Key) -> Option<Arc<SubscriptionRecord>> {
        self.subscriptions.get(&key).cloned()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Key, &Arc<SubscriptionRecord>)> {
        self.subscriptions.iter().map(|(key, record)| (*key, record))
    }

    fn entry(&self, id: &WorkspaceId) -> Result<&Entry> {
        self.workspaces.get(id).ok_or(StoreError::NotFound("workspace"))
    }
}

/// Parses a JSON column. The error names the column, never its contents.
pub(super) fn from_json<T: DeserializeOwned>(column: usize, json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json)
        .map_err(|_| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(FromSqlError::InvalidType)))
}

/// Serializes a JSON column.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
