//! Workspaces, tokens and subscriptions: read, changed, and written in the place of what was read.

use std::sync::Arc;

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Signer, Subscription};

use super::ingest::TRIES;
use super::partition::Partition;
use super::schema::{
    self, Deactivation, SubscriptionData, TokenRecord, WorkspaceRecord, subscription_subject, token_subject,
    workspace_subject,
};
use super::stream::{Message, NewMessage, WriteError};
use super::worker::Worker;
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};
use crate::store::{ApiToken, Change, Result, StoreError, SubscriptionRecord, Workspace};

impl Worker {
    pub(super) async fn create_workspace(&self, workspace: Workspace) -> Result<()> {
        let Workspace { id, name, plan, created_at } = workspace;
        let record = WorkspaceRecord { name, plan, created_at, subscriptions: Vec::new() };
        let write = schema::write(workspace_subject(&id), &record, 0)?;
        Ok(self.write_and_learn(self.partition(&id)?, vec![write]).await?)
    }

    pub(super) async fn set_plan(&self, id: &WorkspaceId, plan: Plan) -> Result<Workspace> {
        for _ in 0..TRIES {
            let (partition, mut record, version) = self.read_workspace(id).await?;
            record.plan = plan;
            let write = schema::write(workspace_subject(id), &record, version)?;
            match self.write_and_learn(partition, vec![write]).await {
                Ok(()) => return Ok(record.workspace(id.clone())),
                Err(WriteError::Conflict) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(WriteError::Conflict.into())
    }

    pub(super) async fn create_token(&self, token: &ApiToken) -> Result<()> {
        self.catalog().workspace(&token.workspace)?;
        let write = schema::write(token_subject(&token.id), &TokenRecord::from(token), 0)?;
        Ok(self.write_and_learn(self.partition(&token.workspace)?, vec![write]).await?)
    }

    pub(super) async fn delete_token(&self, workspace: &WorkspaceId, id: &TokenId) -> Result<()> {
        self.catalog().workspace(workspace)?;
        let cached = self.catalog().tokens(workspace).into_iter().any(|token| token.id == *id);
        if !cached {
            return Err(StoreError::NotFound("token"));
        }
        let write =
            NewMessage { subject: token_subject(id), payload: Bytes::new(), replaces: None, keep_forever: false };
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
        for _ in 0..TRIES {
            let (partition, mut record, version) = self.read_workspace(workspace).await?;
            let existing = record.subscriptions.len();
            let created = Subscription::create(record.plan, existing, url.clone(), event_types);
            let subscription = created.map_err(StoreError::PlanLimit)?;
            record.subscriptions.push(id.clone());
            let data =
                SubscriptionData { subscription, secrets: signer.stored().clone(), created_at: now, ended: None };
            let writes = vec![
                schema::write(workspace_subject(workspace), &record, version)?,
                schema::write(subscription_subject(workspace, &id), &data, 0)?,
            ];
            match self.write_and_learn(partition, writes).await {
                Ok(()) => return Ok(self.catalog().subscription(workspace, &id)?.record),
                Err(WriteError::Conflict) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(WriteError::Conflict.into())
    }

    pub(super) async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        change: Change,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        let partition = self.partition(workspace)?;
        for _ in 0..TRIES {
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
                    // What belongs to the time before has failed, whoever gets to write it.
                    if let Some(warning) = data.subscription.health.warning() {
                        data.ended = Some(Deactivation { before: cached.version, at: warning.deactivated_at });
                    }
                    data.subscription.health = data.subscription.health.reactivate();
                }
            }
            let subject = subscription_subject(workspace, id);
            match self.write_and_learn(partition, vec![schema::write(subject, &data, cached.version)?]).await {
                Ok(()) => return Ok(self.catalog().subscription(workspace, id)?.record),
                Err(WriteError::Conflict) => self.learn_again(partition, workspace, id).await?,
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(WriteError::Conflict.into())
    }

    pub(super) async fn unsubscribe(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
        for _ in 0..TRIES {
            let cached = self.catalog().subscription(workspace, id)?;
            let (partition, mut record, version) = self.read_workspace(workspace).await?;
            record.subscriptions.retain(|other| other != id);
            // The secrets go at once: there is one message on a subject.
            let subject = subscription_subject(workspace, id);
            let gone =
                NewMessage { subject, payload: Bytes::new(), replaces: Some(cached.version), keep_forever: false };
            let writes = vec![schema::write(workspace_subject(workspace), &record, version)?, gone];
            match self.write_and_learn(partition, writes).await {
                Ok(()) => return partition.stream.purge(&format!("d.{workspace}.{id}.*")).await,
                Err(WriteError::Conflict) => self.learn_again(partition, workspace, id).await?,
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(WriteError::Conflict.into())
    }

    /// A workspace as the leader has it, so that nothing is decided by an older one.
    async fn read_workspace(&self, id: &WorkspaceId) -> Result<(&Partition, WorkspaceRecord, u64)> {
        self.catalog().workspace(id)?;
        let partition = self.partition(id)?;
        let read = partition.stream.last(&workspace_subject(id)).await?;
        let read = read.ok_or(StoreError::NotFound("workspace"))?;
        Ok((partition, schema::read(&read)?, read.sequence))
    }

    async fn learn_again(&self, partition: &Partition, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
        if let Some(read) = partition.stream.last(&subscription_subject(workspace, id)).await? {
            self.learn(partition, &read);
        }
        Ok(())
    }

    /// Writes something about the directory, which does not grow old, and knows it from then on.
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
