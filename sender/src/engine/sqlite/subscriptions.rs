//! Workspaces, tokens and subscriptions: the tables, and the directory in step with them.

use std::sync::Arc;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Signer, Subscription};
use rusqlite::params;

use super::directory::to_json;
use super::store::Store;
use crate::engine::queue::Key;
use crate::engine::{Change, EngineError, Result, SubscriptionRecord, Token, Workspace};
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};

pub(super) fn create_workspace(store: &mut Store, workspace: Workspace) -> Result<()> {
    let key = store
        .connection
        .prepare_cached("INSERT INTO workspaces (reference, name, plan, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .insert(params![
            workspace.id.as_str(),
            workspace.name,
            to_json(&workspace.plan)?,
            workspace.created_at.as_millis()
        ])?;
    store.directory_mut().add_workspace(key, workspace);
    Ok(())
}

pub(super) fn set_plan(store: &mut Store, id: &WorkspaceId, plan: Plan) -> Result<Workspace> {
    let key = store.directory().workspace_key(id)?;
    store.connection.execute("UPDATE workspaces SET plan = ?2 WHERE id = ?1", params![key, to_json(&plan)?])?;
    store.directory_mut().set_plan(id, plan);
    store.directory().workspace(id).cloned()
}

pub(super) fn create_token(store: &mut Store, token: Token) -> Result<()> {
    let key = store.directory().workspace_key(&token.workspace)?;
    store.connection.execute(
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
    store.directory_mut().add_token(token);
    Ok(())
}

pub(super) fn delete_token(store: &mut Store, workspace: &WorkspaceId, id: &TokenId) -> Result<()> {
    store.directory().workspace(workspace)?;
    let token = store.directory().tokens(workspace).into_iter().find(|token| token.id == *id);
    let token = token.ok_or(EngineError::NotFound("token"))?;
    store.connection.execute("DELETE FROM tokens WHERE reference = ?1", [id.as_str()])?;
    store.directory_mut().remove_token(&token.hash);
    Ok(())
}

pub(super) fn subscribe(
    store: &mut Store,
    workspace: &WorkspaceId,
    url: EndpointUrl,
    event_types: EventTypes,
    signer: Signer,
    now: UnixTime,
) -> Result<Arc<SubscriptionRecord>> {
    let (key, plan) = {
        let directory = store.directory();
        (directory.workspace_key(workspace)?, directory.workspace(workspace)?.plan)
    };
    let existing = store.directory().subscriptions(workspace)?.len();
    let subscription = Subscription::create(plan, existing, url, event_types).map_err(EngineError::PlanLimit)?;
    let record = SubscriptionRecord {
        id: SubscriptionId::random(),
        workspace: workspace.clone(),
        subscription,
        signer,
        created_at: now,
    };
    let key = store
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
    let record = store.directory_mut().put_subscription(key, record);
    Ok(record)
}

pub(super) fn change(
    store: &mut Store,
    workspace: &WorkspaceId,
    id: &SubscriptionId,
    change: Change,
    now: UnixTime,
) -> Result<Arc<SubscriptionRecord>> {
    let (key, record) = store.directory().subscription(workspace, id)?;
    let mut changed = record.as_ref().clone();
    match change {
        Change::Update { url, event_types } => {
            changed.subscription.url = url.unwrap_or(changed.subscription.url);
            changed.subscription.event_types = event_types.unwrap_or(changed.subscription.event_types);
        }
        Change::Rotate(secret) => changed.signer = changed.signer.rotate_to(secret, now),
        Change::Activate => {
            store.finish_ending(key)?; // or what belongs to the time before would be sent
            changed.subscription.health = changed.subscription.health.reactivate();
        }
    }
    save(store, key, changed)
}

pub(super) fn unsubscribe(store: &mut Store, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
    let (key, _) = store.directory().subscription(workspace, id)?;
    // The secrets go at once.
    store.connection.execute("UPDATE subscriptions SET deleted = 1, secrets = '' WHERE id = ?1", [key])?;
    store.directory_mut().remove_subscription(key);
    store.delete_deliveries(key)
}

/// Writes a subscription's new state.
pub(super) fn save(store: &Store, key: Key, record: SubscriptionRecord) -> Result<Arc<SubscriptionRecord>> {
    store
        .connection
        .prepare_cached("UPDATE subscriptions SET subscription = ?2, secrets = ?3 WHERE id = ?1")?
        .execute(params![key, to_json(&record.subscription)?, to_json(record.signer.stored())?])?;
    let record = store.directory_mut().put_subscription(key, record);
    Ok(record)
}
