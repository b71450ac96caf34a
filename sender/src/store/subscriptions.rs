//! Workspaces, API tokens and subscriptions.

use std::sync::Arc;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Change, EndpointUrl, EventTypes, Plan, Signer, Subscription};

use super::catalog::CatalogWrite;
use super::engine::{WriteError, WriteResult};
use super::{ApiToken, Result, Store, StoreError, SubscriptionRecord, TokenHash, Workspace};
use crate::ids::{SubscriptionId, TokenId, WorkspaceId};

impl Store {
    /// Creates a workspace.
    pub(crate) async fn create_workspace(&self, workspace: Workspace) -> Result<()> {
        let id = workspace.id.clone();
        self.write(&id, vec![CatalogWrite::Workspace(workspace, 0)]).await
    }

    /// Returns a workspace.
    pub(crate) async fn workspace(&self, id: &WorkspaceId) -> Result<Workspace> {
        Ok(self.memory.catalog().workspace(id)?.0.clone())
    }

    /// Returns all workspaces, oldest first.
    pub(crate) async fn workspaces(&self) -> Result<Vec<Workspace>> {
        Ok(self.memory.catalog().workspaces())
    }

    /// Changes a workspace's plan. Subscriptions beyond the new plan's limit stay.
    pub(crate) async fn set_plan(&self, id: &WorkspaceId, plan: Plan) -> Result<Workspace> {
        self.retry(id, || async {
            let (mut workspace, version) = self.read_workspace(id)?;
            workspace.plan = plan;
            self.engine()?.write(id, vec![CatalogWrite::Workspace(workspace.clone(), version)]).await?;
            Ok(workspace)
        })
        .await
    }

    /// Creates a token; only its hash is stored.
    pub(crate) async fn create_token(&self, token: ApiToken) -> Result<()> {
        let workspace = token.workspace.clone();
        self.memory.catalog().workspace(&workspace)?;
        self.write(&workspace, vec![CatalogWrite::Token(token)]).await
    }

    /// Returns a workspace's tokens, oldest first.
    pub(crate) async fn tokens(&self, workspace: &WorkspaceId) -> Result<Vec<ApiToken>> {
        self.memory.catalog().tokens(workspace)
    }

    /// Deletes a token; it stops working at once.
    pub(crate) async fn delete_token(&self, workspace: &WorkspaceId, id: &TokenId) -> Result<()> {
        if !self.memory.catalog().tokens(workspace)?.iter().any(|token| token.id == *id) {
            return Err(StoreError::NotFound("token"));
        }
        self.write(workspace, vec![CatalogWrite::DeleteToken(id.clone())]).await
    }

    /// Returns the workspace that a token belongs to, unless the token has expired.
    pub(crate) async fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Result<Option<WorkspaceId>> {
        Ok(self.memory.catalog().authenticate(hash, now))
    }

    /// Creates a subscription, if the plan allows one more.
    pub(crate) async fn subscribe(
        &self,
        workspace: &WorkspaceId,
        url: EndpointUrl,
        event_types: EventTypes,
        signer: Signer,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        let id = SubscriptionId::random();
        self.retry(workspace, || async {
            let (mut changed, version) = self.read_workspace(workspace)?;
            let existing = changed.subscriptions.len();
            let subscription = Subscription::create(changed.plan, existing, url.clone(), event_types);
            let subscription = subscription.map_err(StoreError::PlanLimit)?;
            changed.subscriptions.push(id.clone());
            let (id, signer, created_at) = (id.clone(), signer.clone(), now);
            let record = SubscriptionRecord { id, workspace: workspace.clone(), subscription, signer, created_at };
            let writes = vec![CatalogWrite::Workspace(changed, version), CatalogWrite::Subscription(record, 0)];
            self.engine()?.write(workspace, writes).await
        })
        .await?;
        self.subscription(workspace, &id).await
    }

    /// Returns a workspace's subscriptions, oldest first.
    pub(crate) async fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<Arc<SubscriptionRecord>>> {
        let cached = self.memory.catalog().subscriptions(workspace)?;
        Ok(cached.into_iter().map(|cached| cached.record).collect())
    }

    /// Returns a subscription.
    pub(crate) async fn subscription(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
    ) -> Result<Arc<SubscriptionRecord>> {
        Ok(self.memory.catalog().subscription(workspace, id)?.record)
    }

    /// Changes a subscription.
    pub(crate) async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        change: Change,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        self.retry(workspace, || async {
            let cached = self.memory.catalog().subscription(workspace, id)?;
            let mut record = cached.record.as_ref().clone();
            change.apply(&mut record.subscription, &mut record.signer, now);
            // The workspace's new version makes events that arrive meanwhile plan their deliveries again.
            self.write_with_workspace(workspace, |_| {}, CatalogWrite::Subscription(record, cached.version)).await
        })
        .await?;
        self.subscription(workspace, id).await
    }

    /// Deletes a subscription at once and its deliveries soon after. Attempts in flight may still arrive.
    pub(crate) async fn unsubscribe(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
        self.retry(workspace, || async {
            let cached = self.memory.catalog().subscription(workspace, id)?;
            let remove = |workspace: &mut Workspace| workspace.subscriptions.retain(|other| other != id);
            self.write_with_workspace(workspace, remove, CatalogWrite::DeleteSubscription(cached)).await
        })
        .await
    }

    /// Writes a subscription together with its changed workspace.
    async fn write_with_workspace(
        &self,
        id: &WorkspaceId,
        change: impl FnOnce(&mut Workspace),
        subscription: CatalogWrite,
    ) -> WriteResult<()> {
        let (mut workspace, version) = self.read_workspace(id)?;
        change(&mut workspace);
        self.engine()?.write(id, vec![CatalogWrite::Workspace(workspace, version), subscription]).await
    }

    async fn write(&self, workspace: &WorkspaceId, writes: Vec<CatalogWrite>) -> Result<()> {
        self.engine()?.write(workspace, writes).await.map_err(|error| match error {
            WriteError::Failed(error) => error,
            WriteError::Conflict => StoreError::Unavailable("a record with this id exists".into()),
        })
    }

    fn read_workspace(&self, id: &WorkspaceId) -> Result<(Workspace, u64)> {
        let catalog = self.memory.catalog();
        let (workspace, version) = catalog.workspace(id)?;
        Ok((workspace.clone(), version))
    }
}
