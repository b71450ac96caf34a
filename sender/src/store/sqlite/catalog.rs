//! Tables of workspaces, tokens and subscriptions.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Signer, StoredSecrets};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::rows::{from_json, to_json};
use crate::ids::{SubscriptionId, WorkspaceId};
use crate::store::catalog::{CatalogRecord, CatalogWrite};
use crate::store::{ApiToken, Result, StoreError, SubscriptionRecord, Workspace};

/// A record and its version.
pub(super) type Versioned = (CatalogRecord, u64);

/// Reads all records, or those of one workspace.
pub(super) fn read(connection: &Connection, only: Option<&WorkspaceId>) -> Result<Vec<Versioned>> {
    let only = only.map(WorkspaceId::as_str);
    let mut records = Vec::new();
    let mut select = |sql, convert: fn(&Row<'_>) -> rusqlite::Result<Versioned>| -> Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        records.extend(statement.query_map([only], convert)?.collect::<rusqlite::Result<Vec<_>>>()?);
        Ok(())
    };
    select(
        "SELECT reference, name, plan, created_at, subscriptions, version FROM workspaces \
         WHERE ?1 IS NULL OR reference = ?1",
        workspace,
    )?;
    select(
        "SELECT t.reference, w.reference, t.name, t.hash, t.created_at, t.expires_at \
         FROM tokens t JOIN workspaces w ON w.id = t.workspace WHERE ?1 IS NULL OR w.reference = ?1",
        token,
    )?;
    select(
        "SELECT s.id, s.reference, w.reference, s.subscription, s.secrets, s.created_at, s.version \
         FROM subscriptions s JOIN workspaces w ON w.id = s.workspace \
         WHERE s.deleted = 0 AND (?1 IS NULL OR w.reference = ?1)",
        subscription,
    )?;
    Ok(records)
}

fn workspace(row: &Row<'_>) -> rusqlite::Result<Versioned> {
    let workspace = Workspace {
        id: row.get::<_, String>(0)?.into(),
        name: row.get(1)?,
        plan: from_json(2, row.get_ref(2)?.as_str()?)?,
        created_at: UnixTime::from_millis(row.get(3)?),
        subscriptions: from_json(4, row.get_ref(4)?.as_str()?)?,
    };
    Ok((CatalogRecord::Workspace(workspace), row.get(5)?))
}

fn token(row: &Row<'_>) -> rusqlite::Result<Versioned> {
    let token = ApiToken {
        id: row.get::<_, String>(0)?.into(),
        workspace: row.get::<_, String>(1)?.into(),
        name: row.get(2)?,
        hash: row.get(3)?,
        created_at: UnixTime::from_millis(row.get(4)?),
        expires_at: row.get::<_, Option<i64>>(5)?.map(UnixTime::from_millis),
    };
    Ok((CatalogRecord::Token(token.id.clone(), Some(token)), TOKEN_CREATED))
}

fn subscription(row: &Row<'_>) -> rusqlite::Result<Versioned> {
    let secrets: StoredSecrets = from_json(4, row.get_ref(4)?.as_str()?)?;
    let record = SubscriptionRecord {
        id: row.get::<_, String>(1)?.into(),
        workspace: row.get::<_, String>(2)?.into(),
        subscription: from_json(3, row.get_ref(3)?.as_str()?)?,
        signer: Signer::from(secrets),
        created_at: UnixTime::from_millis(row.get(5)?),
    };
    Ok((CatalogRecord::Subscription(record.id.clone(), Some((row.get(0)?, record))), row.get(6)?))
}

/// Versions of a token: it never changes.
const TOKEN_CREATED: u64 = 1;
const TOKEN_DELETED: u64 = 2;

/// Writes records, all or none. Returns them with their versions, or `None` if one of them has changed.
pub(super) fn write(
    connection: &Connection,
    workspace: &WorkspaceId,
    writes: Vec<CatalogWrite>,
) -> Result<Option<Vec<Versioned>>> {
    for write in &writes {
        let (current, replaces) = match write {
            CatalogWrite::Workspace(workspace, replaces) => (workspace_version(connection, &workspace.id)?, *replaces),
            CatalogWrite::Subscription(record, replaces) => (subscription_version(connection, &record.id)?, *replaces),
            CatalogWrite::DeleteSubscription(cached) => {
                (subscription_version(connection, &cached.record.id)?, cached.version)
            }
            CatalogWrite::Token(_) | CatalogWrite::DeleteToken(_) => continue,
        };
        if current != replaces {
            return Ok(None);
        }
    }
    let writes = writes.into_iter().map(|write| write_one(connection, workspace, write));
    writes.collect::<Result<Vec<_>>>().map(Some)
}

fn write_one(connection: &Connection, id: &WorkspaceId, write: CatalogWrite) -> Result<Versioned> {
    Ok(match write {
        CatalogWrite::Workspace(workspace, replaces) => {
            let version = replaces.saturating_add(1);
            connection
                .prepare_cached(
                    "INSERT INTO workspaces (reference, name, plan, created_at, subscriptions, version) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (reference) \
                     DO UPDATE SET name = ?2, plan = ?3, subscriptions = ?5, version = ?6",
                )?
                .execute(params![
                    workspace.id.as_str(),
                    workspace.name,
                    to_json(&workspace.plan)?,
                    workspace.created_at.as_millis(),
                    to_json(&workspace.subscriptions)?,
                    version,
                ])?;
            (CatalogRecord::Workspace(workspace), version)
        }
        CatalogWrite::Token(token) => {
            connection.execute(
                "INSERT INTO tokens (reference, workspace, name, hash, created_at, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    token.id.as_str(),
                    workspace_key(connection, id)?,
                    token.name,
                    token.hash,
                    token.created_at.as_millis(),
                    token.expires_at.map(UnixTime::as_millis)
                ],
            )?;
            (CatalogRecord::Token(token.id.clone(), Some(token)), TOKEN_CREATED)
        }
        CatalogWrite::DeleteToken(token) => {
            connection.execute("DELETE FROM tokens WHERE reference = ?1", [token.as_str()])?;
            (CatalogRecord::Token(token, None), TOKEN_DELETED)
        }
        CatalogWrite::Subscription(record, replaces) => write_subscription(connection, record, replaces)?,
        CatalogWrite::DeleteSubscription(cached) => {
            // The secrets are deleted at once.
            connection.execute("UPDATE subscriptions SET deleted = 1, secrets = '' WHERE id = ?1", [cached.key])?;
            (CatalogRecord::Subscription(cached.record.id.clone(), None), cached.version.saturating_add(1))
        }
    })
}

/// Inserts or updates a subscription; its version was checked.
pub(super) fn write_subscription(
    connection: &Connection,
    record: SubscriptionRecord,
    replaces: u64,
) -> Result<Versioned> {
    let version = replaces.saturating_add(1);
    let mut statement = connection.prepare_cached(
        "INSERT INTO subscriptions (reference, workspace, subscription, secrets, created_at, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (reference) DO UPDATE SET subscription = ?3, secrets = ?4, version = ?6 RETURNING id",
    )?;
    let key = statement.query_row(
        params![
            record.id.as_str(),
            workspace_key(connection, &record.workspace)?,
            to_json(&record.subscription)?,
            to_json(record.signer.stored())?,
            record.created_at.as_millis(),
            version,
        ],
        |row| row.get(0),
    )?;
    Ok((CatalogRecord::Subscription(record.id.clone(), Some((key, record))), version))
}

/// Returns the version of a workspace, 0 if it does not exist.
pub(super) fn workspace_version(connection: &Connection, id: &WorkspaceId) -> Result<u64> {
    version(connection, "SELECT version FROM workspaces WHERE reference = ?1", id.as_str())
}

/// Returns the key of a workspace, if it has a version.
pub(super) fn unchanged_workspace(connection: &Connection, id: &WorkspaceId, version: u64) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM workspaces WHERE reference = ?1 AND version = ?2")?;
    Ok(statement.query_row(params![id.as_str(), version], |row| row.get(0)).optional()?)
}

/// Returns the version of a subscription, 0 if it does not exist.
pub(super) fn subscription_version(connection: &Connection, id: &SubscriptionId) -> Result<u64> {
    version(connection, "SELECT version FROM subscriptions WHERE reference = ?1 AND deleted = 0", id.as_str())
}

fn version(connection: &Connection, sql: &str, id: &str) -> Result<u64> {
    let version = connection.prepare_cached(sql)?.query_row([id], |row| row.get(0));
    Ok(version.optional()?.unwrap_or(0))
}

/// Returns the key of a workspace.
pub(super) fn workspace_key(connection: &Connection, id: &WorkspaceId) -> Result<i64> {
    let mut statement = connection.prepare_cached("SELECT id FROM workspaces WHERE reference = ?1")?;
    let key = statement.query_row([id.as_str()], |row| row.get(0));
    key.optional()?.ok_or(StoreError::NotFound("workspace"))
}
