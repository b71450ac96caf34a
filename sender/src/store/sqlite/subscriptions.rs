//! Changes of workspaces, tokens and subscriptions, in the tables and in the catalog.

use std::sync::Arc;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Signer, Subscription};
use rusqlite::params;

use super::catalog::to_json;
use super::database::Database;
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};
use crate::store::scheduler::Key;
use crate::store::{ApiToken, Change, Result, StoreError, SubscriptionRecord, Workspace};

pub(super) fn create_workspace(database: &mut Database, workspace: Workspace) -> Result<()> {
    let key = database
        .connection
        .prepare_cached("INSERT INTO workspaces (reference, name, plan, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .insert(params![
            workspace.id.as_str(),
            workspace.name,
            to_json(&workspace.plan)?,
            workspace.created_at.as_millis()
        ])?;
    database.catalog_mut().add_workspace(key, workspace);
    Ok(())
}

pub(super) fn set_plan(database: &mut Database, id: &WorkspaceId, plan: Plan) -> Result<Workspace> {
    let key = database.catalog().workspace_key(id)?;
    database.connection.execute("UPDATE workspaces SET plan = ?2 WHERE id = ?1", params![key, to_json(&plan)?])?;
    database.catalog_mut().set_plan(id, plan);
    database.catalog().workspace(id).cloned()
}

pub(super) fn create_token(database: &mut Database, token: ApiToken) -> Result<()> {
    let key = database.catalog().workspace_key(&token.workspace)?;
    database.connection.execute(
        "INSERT INTO tokens (reference, workspace, name, hash, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            token.id.as_str(),
            key,
            token.name,
            token.hash,
            token.created_at.as_millis(),
            token.expires_at.map(UnixTime::as_millis)
        ],
    )?;
    database.catalog_mut().add_token(token);
    Ok(())
}

pub(super) fn delete_token(database: &mut Database, workspace: &WorkspaceId, id: &TokenId) -> Result<()> {
    database.catalog().workspace(workspace)?;
    let token = database.catalog().tokens(workspace).into_iter().find(|token| token.id == *id);
    let token = token.ok_or(StoreError::NotFound("token"))?;
    database.connection.execute("DELETE FROM tokens WHERE reference = ?1", [id.as_str()])?;
    database.catalog_mut().remove_token(&token.hash);
    Ok(())
}

pub(super) fn subscribe(
    database: &mut Database,
    workspace: &WorkspaceId,
    url: EndpointUrl,
    event_types: EventTypes,
    signer: Signer,
    now: UnixTime,
) -> Result<Arc<SubscriptionRecord>> {
    let (key, plan) = {
        let catalog = database.catalog();
        (catalog.workspace_key(workspace)?, catalog.workspace(workspace)?.plan)
    };
    let existing = database.catalog().subscriptions(workspace)?.len();
    let subscription = Subscription::create(plan, existing, url, event_types).map_err(StoreError::PlanLimit)?;
    let record = SubscriptionRecord {
        id: SubscriptionId::random(),
        workspace: workspace.clone(),
        subscription,
        signer,
        created_at: now,
    };
    let key = database
        .connection
        .prepare_cached(
            "INSERT INTO subscriptions (reference, workspace, subscription, secrets, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .insert(params![
            record.id.as_str(),
            key,
            to_json(&record.subscription)?,
            to_json(record.signer.stored())?,
            now.as_millis()
        ])?;
    let record = database.catalog_mut().put_subscription(key, record);
    Ok(record)
}

pub(super) fn change(
    database: &mut Database,
    workspace: &WorkspaceId,
    id: &SubscriptionId,
    change: Change,
    now: UnixTime,
) -> Result<Arc<SubscriptionRecord>> {
    let (key, record) = database.catalog().subscription(workspace, id)?;
    let mut changed = record.as_ref().clone();
    match change {
        Change::Update { url, event_types } => {
            changed.subscription.url = url.unwrap_or(changed.subscription.url);
            changed.subscription.event_types = event_types.unwrap_or(changed.subscription.event_types);
        }
        Change::Rotate(secret) => changed.signer = changed.signer.rotate_to(secret, now),
        Change::Activate => {
            database.finish_chores(key)?; // deliveries from before the deactivation must not be sent
            changed.subscription.health = changed.subscription.health.reactivate();
        }
    }
    save(database, key, changed)
}

pub(super) fn unsubscribe(database: &mut Database, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
    let (key, _) = database.catalog().subscription(workspace, id)?;
    // The secrets are deleted at once.
    database.connection.execute("UPDATE subscriptions SET deleted = 1, secrets = '' WHERE id = ?1", [key])?;
    database.catalog_mut().remove_subscription(key);
    database.delete_deliveries(key)
}

/// Updates a subscription.
pub(super) fn save(database: &Database, key: Key, record: SubscriptionRecord) -> Result<Arc<SubscriptionRecord>> {
    database
        .connection
        .prepare_cached("UPDATE subscriptions SET subscription = ?2, secrets = ?3 WHERE id = ?1")?
        .execute(params![key, to_json(&record.subscription)?, to_json(record.signer.stored())?])?;
    let record = database.catalog_mut().put_subscription(key, record);
    Ok(record)
}
