//! Changes of the catalog: each is made from the current record and replaces exactly that record.

use std::sync::Arc;

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Signer, Subscription};

use super::partition::Partition;
use super::retry::retry_on_conflict;
use super::schema::{self, Deactivation, SubscriptionData, TokenRecord, WorkspaceRecord};
use super::stream::{Message, NewMessage, WriteError};
use super::subject;
use super::worker::Worker;
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};
use crate::store::{ApiToken, Change, Result, StoreError, SubscriptionRecord, Workspace};

impl Worker {
    pub(super) async fn create_workspace(&self, workspace: Workspace) -> Result<()> {
        let Workspace { id, name, plan, created_at } = workspace;
        let record = WorkspaceRecord { name, plan, created_at, subscriptions: Vec::new() };
        let write = schema::write(subject::workspace(&id), &record, 0)?;
        Ok(self.write_and_learn(self.partition(&id)?, vec![write]).await?)
    }

    pub(super) async fn set_plan(&self, id: &WorkspaceId, plan: Plan) -> Result<Workspace> {
        retry_on_conflict(|| async {
            let (partition, mut record, version) = self.read_workspace(id).await?;
            record.plan = plan;
            self.write_and_learn(partition, vec![schema::write(subject::workspace(id), &record, version)?]).await?;
            Ok(record.workspace(id.clone()))
        })
        .await
    }

    pub(super) async fn create_token(&self, token: &ApiToken) -> Result<()> {
        self.catalog().workspace(&token.workspace)?;
        let write = schema::write(subject::token(&token.id), &TokenRecord::from(token), 0)?;
        Ok(self.write_and_learn(self.partition(&token.workspace)?, vec![write]).await?)
    }

    pub(super) async fn delete_token(&self, workspace: &WorkspaceId, id: &TokenId) -> Result<()> {
        self.catalog().workspace(workspace)?;
        if !self.catalog().tokens(workspace).into_iter().any(|token| token.id == *id) {
            return Err(StoreError::NotFound("token"));
        }
        let write =
            NewMessage { subject: subject::token(id), payload: Bytes::new(), replaces: None, keep_forever: false };
        Ok(self.write_and_learn(self.partition(workspace)?, vec![write]).await?)
    }

    pub(super) async fn subscribe(
        &self,
        workspace: &WorkspaceId,
        (url, event_types): (EndpointUrl, EventTypes),
        signer: Signer,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        let id = SubscriptionId::random();
        retry_on_conflict(|| async {
            let (partition, mut record, version) = self.read_workspace(workspace).await?;
            let existing = record.subscriptions.len();
            let created = Subscription::create(record.plan, existing, url.clone(), event_types);
            let subscription = created.map_err(StoreError::PlanLimit)?;
            record.subscriptions.push(id.clone());
            let data =
                SubscriptionData { subscription, secrets: signer.stored().clone(), created_at: now, ended: None };
            let writes = vec![
                schema::write(subject::workspace(workspace), &record, version)?,
                schema::write(subject::subscription(workspace, &id), &data, 0)?,
            ];
            self.write_and_learn(partition, writes).await?;
            Ok(self.catalog().subscription(workspace, &id)?.record)
        })
        .await
    }

    pub(super) async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        change: Change,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        let partition = self.partition(workspace)?;
        retry_on_conflict(|| async {
            let cached = self.catalog().subscription(workspace, id)?;
            let mut data = cached.data();
            match &change {
                Change::Update { url, event_types } => {
                    data.subscription.url = url.clone().unwrap_or(data.subscription.url);
                    data.subscription.event_types = event_types.unwrap_or(data.subscription.event_types);
                }
                Change::Rotate(secret) => {
                    data.secrets = cached.record.signer.rotate_to(secret.clone(), now).stored().clone();
                }
                Change::Activate => {
                    // Deliveries from before the deactivation failed, even if their end is still to be written.
                    if let Some(warning) = data.subscription.health.warning() {
                        data.ended = Some(Deactivation { before: cached.version, at: warning.deactivated_at });
                    }
                    data.subscription.health = data.subscription.health.reactivate();
                }
            }
            let write = schema::write(subject::subscription(workspace, id), &data, cached.version)?;
            self.write_or_refresh(partition, workspace, id, vec![write]).await?;
            Ok(self.catalog().subscription(workspace, id)?.record)
        })
        .await
    }

    pub(super) async fn unsubscribe(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
        retry_on_conflict(|| async {
            let cached = self.catalog().subscription(workspace, id)?;
            let (partition, mut record, version) = self.read_workspace(workspace).await?;
            record.subscriptions.retain(|other| other != id);
            // The empty message replaces the record, so the secrets are gone at once.
            let empty = NewMessage {
                subject: subject::subscription(workspace, id),
                payload: Bytes::new(),
                replaces: Some(cached.version),
                keep_forever: false,
            };
            let writes = vec![schema::write(subject::workspace(workspace), &record, version)?, empty];
            self.write_or_refresh(partition, workspace, id, writes).await?;
            Ok(partition.stream.purge(&subject::deliveries_of(workspace, id)).await?)
        })
        .await
    }

    /// Reads a workspace from the stream's leader, so that no change is made from an older record.
    async fn read_workspace(&self, id: &WorkspaceId) -> Result<(&Partition, WorkspaceRecord, u64)> {
        self.catalog().workspace(id)?;
        let partition = self.partition(id)?;
        let message = partition.stream.last(&subject::workspace(id)).await?;
        let message = message.ok_or(StoreError::NotFound("workspace"))?;
        Ok((partition, schema::read(&message)?, message.sequence))
    }

    /// Writes changes of a subscription; on a conflict, reads the subscription again before it returns the error.
    async fn write_or_refresh(
        &self,
        partition: &Partition,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        writes: Vec<NewMessage>,
    ) -> std::result::Result<(), WriteError> {
        let result = self.write_and_learn(partition, writes).await;
        if matches!(result, Err(WriteError::Conflict)) {
            self.refresh_subscription(partition, workspace, id).await?;
        }
        result
    }

    /// Reads a subscription from the stream's leader into the catalog.
    pub(super) async fn refresh_subscription(
        &self,
        partition: &Partition,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
    ) -> Result<()> {
        if let Some(message) = partition.stream.last(&subject::subscription(workspace, id)).await? {
            self.learn(partition, &message);
        }
        Ok(())
    }

    /// Writes records of the catalog, which never expire, and applies them to this worker's catalog.
    async fn write_and_learn(
        &self,
        partition: &Partition,
        mut writes: Vec<NewMessage>,
    ) -> std::result::Result<(), WriteError> {
        for write in &mut writes {
            write.keep_forever = !write.payload.is_empty();
        }
        let last = partition.stream.write(writes.clone()).await?;
        for (behind, write) in writes.into_iter().rev().enumerate().rev() {
            let sequence = last.saturating_sub(behind as u64);
            self.learn(partition, &Message { subject: write.subject, sequence, payload: write.payload });
        }
        Ok(())
    }
}
