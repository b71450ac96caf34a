//! The workspace, token and subscriptions of `serve --dev`.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Signer, SigningSecret};

use crate::api::{DEVELOPMENT, token};
use crate::clock::Clock;
use crate::ids::{TokenId, WorkspaceId};
use crate::store::{ApiToken, Store, SubscriptionRecord, Workspace};

/// Options of `--dev`.
pub(super) struct Development<'a> {
    /// Endpoints of the subscriptions.
    pub(super) endpoints: &'a [String],
    /// Signing secret of new subscriptions.
    pub(super) secret: Option<&'a str>,
}

impl Development<'_> {
    /// Creates what does not exist yet and a new token, and prints all of it with a warning.
    pub(super) async fn prepare(
        &self,
        store: &Store,
        clock: Clock,
        address: SocketAddr,
        admin: Option<&str>,
    ) -> Result<()> {
        let workspace = workspace(store, clock).await?;
        let subscriptions = self.subscriptions(store, &workspace, clock).await?;
        // Only --dev uses this name. The value of such a token was printed at the last start only.
        for old in store.tokens(&workspace).await?.into_iter().filter(|token| token.name == DEVELOPMENT) {
            store.delete_token(&workspace, &old.id).await?;
        }
        let secret = token::generate()?;
        let (id, hash, name) = (TokenId::random(), token::hash(&secret), DEVELOPMENT.to_owned());
        let token = ApiToken { id, workspace, name, hash, created_at: clock.now(), expires_at: None };
        store.create_token(token).await?;
        eprintln!("\nDEVELOPMENT: endpoints on this machine and plain HTTP are allowed. Do not expose this server.\n");
        for subscription in subscriptions {
            println!("endpoint        {}", subscription.subscription.url);
            println!("signing secret  {}", subscription.signer.secret().expose());
            println!("subscription    {}", subscription.id);
        }
        println!("token           {secret}");
        println!("admin token     {}", admin.unwrap_or_default());
        println!(
            "\nTry:  curl http://{address}/v1/events -H 'Authorization: Bearer {secret}' \\\n           \
             -d '{{\"type\":\"document.updated\",\"data\":{{\"title\":\"Start\"}}}}'\n"
        );
        Ok(())
    }

    async fn subscriptions(
        &self,
        store: &Store,
        workspace: &WorkspaceId,
        clock: Clock,
    ) -> Result<Vec<Arc<SubscriptionRecord>>> {
        let existing = store.subscriptions(workspace).await?;
        let mut subscriptions = Vec::new();
        for endpoint in self.endpoints {
            let url = EndpointUrl::parse_allowing_plain_http(endpoint)
                .map_err(|error| anyhow::anyhow!("{error}; {}", error.hint()))?;
            subscriptions.push(match existing.iter().find(|record| record.subscription.url == url) {
                Some(record) => Arc::clone(record),
                None => {
                    let signer = self.secret.map(SigningSecret::parse).transpose();
                    let signer = signer.context("invalid --dev-secret")?.map(Signer::new);
                    let signer = signer.map_or_else(Signer::generate, Ok)?;
                    store.subscribe(workspace, url, EventTypes::ALL, signer, clock.now()).await?
                }
            });
        }
        Ok(subscriptions)
    }
}

/// Returns the workspace of `--dev`; creates it in an empty store, and refuses a store that `--dev` did not create.
async fn workspace(store: &Store, clock: Clock) -> Result<WorkspaceId> {
    let workspaces = store.workspaces().await?;
    if let Some(workspace) = workspaces.iter().find(|workspace| workspace.name == DEVELOPMENT) {
        return Ok(workspace.id.clone());
    }
    ensure!(
        workspaces.is_empty(),
        "cannot serve --dev with this store: it was not created by --dev; use another store"
    );
    let workspace = Workspace::new(WorkspaceId::random(), DEVELOPMENT.to_owned(), Plan::Business, clock.now());
    store.create_workspace(workspace.clone()).await?;
    Ok(workspace.id)
}
