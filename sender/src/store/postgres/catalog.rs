//! Tables of workspaces, tokens and subscriptions.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Signer, StoredSecrets};
use tokio_postgres::Row;

use super::ids::SLOTS;
use super::shard::Shard;
use super::{from_json, to_json, unavailable};
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};
use crate::store::catalog::{CatalogRecord, CatalogWrite};
use crate::store::engine::{WriteError, WriteResult};
use crate::store::{ApiToken, Result, SubscriptionRecord, TokenHash, Workspace};

/// Versions of a token: it never changes.
const TOKEN_CREATED: u64 = 1;
const TOKEN_DELETED: u64 = 2;

/// Channel that tells the other workers which workspace has changed.
pub(super) const CHANNEL: &str = "clarife_catalog";

/// Selects subscriptions.
const SUBSCRIPTIONS: &str = "SELECT s.id, s.reference, w.reference, s.subscription, s.secrets, s.created_at, \
                             s.version, s.deleted FROM subscriptions s JOIN workspaces w ON w.id = s.workspace";

/// Updates the health of a subscription that has a version.
pub(super) const UPDATE_SUBSCRIPTION: &str = "UPDATE subscriptions SET subscription = $3, secrets = $4, version = \
                                              version + 1 WHERE id = $1 AND version = $2 AND NOT deleted";

impl Shard {
    /// Reads all records, or those of one workspace, into the catalog.
    pub(super) async fn read_catalog(&self, only: Option<&WorkspaceId>) -> Result<()> {
        let client = self.client().await?;
        let only = only.map(|id| id.as_str().to_owned());
        let select = "SELECT reference, name, plan, created_at, subscriptions, version FROM workspaces \
                          WHERE $1::text IS NULL OR reference = $1";
        for row in client.query(select, &[&only]).await.map_err(unavailable)? {
            let (workspace, version) = workspace(&row)?;
            self.memory.learn(CatalogRecord::Workspace(workspace), version);
        }
        let select = format!("{SUBSCRIPTIONS} WHERE $1::text IS NULL OR w.reference = $1");
        for row in client.query(&select, &[&only]).await.map_err(unavailable)? {
            let (record, version) = subscription(&row)?;
            self.memory.learn(record, version);
        }
        let select = "SELECT t.reference, w.reference, t.name, t.hash, t.created_at, t.expires_at \
                          FROM tokens t JOIN workspaces w ON w.id = t.workspace \
                          WHERE $1::text IS NULL OR w.reference = $1";
        let known = self.known_tokens(only.as_deref());
        let rows = client.query(select, &[&only]).await.map_err(unavailable)?;
        let tokens = rows.iter().map(token).collect::<Result<Vec<_>>>()?;
        // Another worker has deleted a token that was known before the read.
        for id in known.into_iter().filter(|id| tokens.iter().all(|token| token.id != *id)) {
            self.memory.learn(CatalogRecord::Token(id, None), TOKEN_DELETED);
        }
        for token in tokens {
            self.memory.learn(CatalogRecord::Token(token.id.clone(), Some(token)), TOKEN_CREATED);
        }
        client.keep();
        Ok(())
    }

    /// Reads the subscriptions of slots that this worker has just taken: their last holder has counted failures.
    pub(super) async fn read_subscriptions(&self, slots: &[i16]) -> Result<()> {
        let client = self.client().await?;
        let select = format!("{SUBSCRIPTIONS} WHERE ((s.id >> 8) % {SLOTS}) = ANY ($1::smallint[])");
        for row in client.query(&select, &[&slots]).await.map_err(unavailable)? {
            let (record, version) = subscription(&row)?;
            self.memory.learn(record, version);
        }
        client.keep();
        Ok(())
    }

    /// Returns the tokens in the catalog, of one workspace or of all in this database.
    fn known_tokens(&self, only: Option<&str>) -> Vec<TokenId> {
        let catalog = self.memory.catalog();
        let workspaces = catalog.workspaces().into_iter().map(|workspace| workspace.id);
        let own = workspaces.filter(|id| self.has_workspace(id) && only.is_none_or(|only| id.as_str() == only));
        own.flat_map(|id| catalog.tokens(&id).unwrap_or_default()).map(|token| token.id).collect()
    }

    /// See [`Engine::write`](crate::store::engine::Engine::write).
    pub(super) async fn write_catalog(&self, workspace: &WorkspaceId, writes: Vec<CatalogWrite>) -> WriteResult<()> {
        let mut client = self.client().await?;
        let mut learned = Vec::with_capacity(writes.len());
        let creates = |write: &CatalogWrite| matches!(write, CatalogWrite::Subscription(_, 0));
        let key = if writes.iter().any(creates) { self.numbers.key(&client).await? } else { 0 };
        let transaction = client.transaction().await.map_err(unavailable)?;
        for write in writes {
            let Some(record) = write_one(&transaction, workspace, write, key).await? else {
                transaction.rollback().await.map_err(unavailable)?;
                client.keep();
                return Err(WriteError::Conflict);
            };
            learned.push(record);
        }
        notify(&transaction, workspace).await?;
        transaction.commit().await.map_err(unavailable)?;
        client.keep();
        learned.into_iter().for_each(|(record, version)| self.memory.learn(record, version));
        Ok(())
    }
}

/// Tells the other workers that a workspace has changed, once the transaction is on disk.
pub(super) async fn notify(transaction: &deadpool_postgres::Transaction<'_>, workspace: &WorkspaceId) -> Result<()> {
    let notify = "SELECT pg_notify($1, $2)";
    transaction.execute(notify, &[&CHANNEL, &workspace.as_str()]).await.map_err(unavailable)?;
    Ok(())
}

/// Writes a record; returns `None` if it has changed.
async fn write_one(
    transaction: &deadpool_postgres::Transaction<'_>,
    id: &WorkspaceId,
    write: CatalogWrite,
    key: i64,
) -> Result<Option<(CatalogRecord, u64)>> {
    let reference = id.as_str();
    Ok(match write {
        CatalogWrite::Workspace(workspace, replaces) => {
            let (plan, subscriptions) = (to_json(&workspace.plan)?, to_json(&workspace.subscriptions)?);
            let (created_at, version) = (workspace.created_at.as_millis(), signed(replaces));
            let written = if replaces == 0 {
                let insert = "INSERT INTO workspaces (reference, name, plan, created_at, subscriptions, version) \
                              VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT DO NOTHING";
                transaction.execute(insert, &[&reference, &workspace.name, &plan, &created_at, &subscriptions]).await
            } else {
                let update = "UPDATE workspaces SET name = $2, plan = $3, subscriptions = $4, version = version + 1 \
                              WHERE reference = $1 AND version = $5";
                transaction.execute(update, &[&reference, &workspace.name, &plan, &subscriptions, &version]).await
            };
            (written.map_err(unavailable)? == 1)
                .then(|| (CatalogRecord::Workspace(workspace), replaces.saturating_add(1)))
        }
        CatalogWrite::Token(token) => {
            let insert = "INSERT INTO tokens SELECT $2, id, $3, $4, $5, $6 FROM workspaces WHERE reference = $1";
            let (token_id, hash) = (token.id.as_str(), token.hash.as_slice());
            let expires_at = token.expires_at.map(UnixTime::as_millis);
            let created_at = token.created_at.as_millis();
            let inserted = transaction
                .execute(insert, &[&reference, &token_id, &token.name, &hash, &created_at, &expires_at])
                .await
                .map_err(unavailable)?;
            (inserted == 1).then(|| (CatalogRecord::Token(token.id.clone(), Some(token)), TOKEN_CREATED))
        }
        CatalogWrite::DeleteToken(token) => {
            let delete = "DELETE FROM tokens WHERE reference = $1";
            transaction.execute(delete, &[&token.as_str()]).await.map_err(unavailable)?;
            Some((CatalogRecord::Token(token, None), TOKEN_DELETED))
        }
        CatalogWrite::Subscription(record, 0) => {
            let insert = "INSERT INTO subscriptions SELECT $2, $3, id, $4, $5, $6, 1 FROM workspaces \
                          WHERE reference = $1 ON CONFLICT DO NOTHING";
            let (json, secrets) = (to_json(&record.subscription)?, to_json(record.signer.stored())?);
            let created_at = record.created_at.as_millis();
            let inserted = transaction
                .execute(insert, &[&reference, &key, &record.id.as_str(), &json, &secrets, &created_at])
                .await
                .map_err(unavailable)?;
            (inserted == 1).then(|| (CatalogRecord::Subscription(record.id.clone(), Some((key, record))), 1))
        }
        CatalogWrite::Subscription(record, replaces) => {
            let update = "UPDATE subscriptions SET subscription = $3, secrets = $4, version = version + 1 \
                          WHERE reference = $1 AND version = $2 AND NOT deleted RETURNING id";
            let (json, secrets) = (to_json(&record.subscription)?, to_json(record.signer.stored())?);
            let row = transaction
                .query_opt(update, &[&record.id.as_str(), &signed(replaces), &json, &secrets])
                .await
                .map_err(unavailable)?;
            let key = row.map(|row| row.get(0));
            key.map(|key| {
                (CatalogRecord::Subscription(record.id.clone(), Some((key, record))), replaces.saturating_add(1))
            })
        }
        CatalogWrite::DeleteSubscription(cached) => {
            // The secrets are deleted at once.
            let delete = "UPDATE subscriptions SET deleted = true, secrets = '', version = version + 1 \
                          WHERE id = $1 AND version = $2 AND NOT deleted";
            let deleted = transaction.execute(delete, &[&cached.key, &signed(cached.version)]).await;
            let version = cached.version.saturating_add(1);
            (deleted.map_err(unavailable)? == 1)
                .then(|| (CatalogRecord::Subscription(cached.record.id.clone(), None), version))
        }
    })
}

/// Returns a version as the tables have it.
pub(super) fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn workspace(row: &Row) -> Result<(Workspace, u64)> {
    let workspace = Workspace {
        id: row.get::<_, String>(0).into(),
        name: row.get(1),
        plan: from_json(row.get(2))?,
        created_at: UnixTime::from_millis(row.get(3)),
        subscriptions: from_json(row.get(4))?,
    };
    Ok((workspace, row.get::<_, i64>(5).unsigned_abs()))
}

fn token(row: &Row) -> Result<ApiToken> {
    let hash: Vec<u8> = row.get(3);
    Ok(ApiToken {
        id: TokenId::from(row.get::<_, String>(0)),
        workspace: row.get::<_, String>(1).into(),
        name: row.get(2),
        hash: TokenHash::try_from(hash).map_err(|_| unavailable("cannot read a token"))?,
        created_at: UnixTime::from_millis(row.get(4)),
        expires_at: row.get::<_, Option<i64>>(5).map(UnixTime::from_millis),
    })
}

fn subscription(row: &Row) -> Result<(CatalogRecord, u64)> {
    let (id, version) = (SubscriptionId::from(row.get::<_, String>(1)), row.get::<_, i64>(6).unsigned_abs());
    if row.get(7) {
        return Ok((CatalogRecord::Subscription(id, None), version));
    }
    let secrets: StoredSecrets = from_json(row.get(4))?;
    let record = SubscriptionRecord {
        id: id.clone(),
        workspace: row.get::<_, String>(2).into(),
        subscription: from_json(row.get(3))?,
        signer: Signer::from(secrets),
        created_at: UnixTime::from_millis(row.get(5)),
    };
    Ok((CatalogRecord::Subscription(id, Some((row.get(0), record))), version))
}
