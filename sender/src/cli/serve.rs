//! `serve`: the API and the deliveries, until somebody stops them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Signer, SigningSecret};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::{Api, token};
use crate::clock::Clock;
use crate::deliver::{AddressPolicy, Client, Dispatcher, Options, system_lookup};
use crate::ids::{TokenId, WorkspaceId};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::{self, ApiToken, Limits, Store, Workspace};
use crate::telemetry::Telemetry;

/// How often what is old is looked for, and how much of it is forgotten at a time.
const TIDY: (Duration, usize) = (Duration::from_secs(60), 500);

/// How long requests that are under way may take when the sender stops.
const REQUEST_GRACE: Duration = Duration::from_secs(10);

/// Run the sender.
#[derive(Args)]
pub(super) struct Serve {
    /// For development: a workspace, a token and a subscription are there; deliveries go to this machine too, and over plain HTTP;
    /// without --store, everything is forgotten at the end
    #[arg(long)]
    dev: bool,
    /// Where the subscription of --dev goes; given several times, there are as many
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000/webhooks/clarife", requires = "dev")]
    dev_endpoint: Vec<String>,
    /// The signing secret of new subscriptions of --dev, so that a server can keep its own; otherwise a new one is made
    #[arg(long, env = "CLARIFE_SENDER_DEV_SECRET", hide_env_values = true, value_name = "SECRET", requires = "dev")]
    dev_secret: Option<String>,
    /// A TOML file with settings, named like the flags with underscores
    #[arg(long, env = "CLARIFE_SENDER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub(super) fn run(self) -> Result<()> {
        let settings = self.settings.clone().with_file(self.config.as_deref())?;
        super::block_on(async {
            let telemetry = Telemetry::start(&settings)?;
            raise_file_limit();
            let served = self.serve(settings).await;
            telemetry.stop().await;
            served
        })
    }

    async fn serve(self, mut settings: Settings) -> Result<()> {
        let mut temporary = None;
        if self.dev && settings.store.is_none() {
            let folder = tempfile::tempdir()?;
            settings.store = Some(format!("sqlite:{}", folder.path().join("dev.db").display()));
            temporary = Some(folder);
        }
        let (clock, metrics) = (Clock::start(), Metrics::new());
        let limits = Limits { per_subscription: settings.max_per_subscription() };
        let store = store::open(settings.store(), limits, clock.now()).await?;
        let policy = if self.dev { AddressPolicy::PublicAndLoopback } else { AddressPolicy::Public };
        let client = Client::new(Options {
            policy,
            lookup: system_lookup(),
            extra_roots: extra_roots(&settings)?,
            idle_per_host: limits.per_subscription,
        })?;
        let mut admin = settings.admin_token()?.map(str::to_owned);
        let listener = TcpListener::bind(settings.listen()).await;
        let listener = listener.with_context(|| format!("{} cannot be listened on", settings.listen()))?;
        let address = listener.local_addr()?;
        if self.dev {
            admin = Some(admin.map_or_else(token::generate, Ok)?);
            self.prepare_development(&*store, clock, address, admin.as_deref()).await?;
        }
        let hash = admin.as_deref().map(token::hash);
        let api = Api::new(store.clone(), clock, metrics.clone(), settings.api_limits(), hash, policy);
        let (stop, stopped) = watch::channel(false);
        let dispatcher = Dispatcher::new(store.clone(), client, clock, metrics, settings.delivery_settings());
        let delivering = tokio::spawn(dispatcher.run(stopped.clone()));
        let tidying = tokio::spawn(tidy(store.clone(), api.clone(), clock, settings.retention()));

        let interrupted = interruptions()?; // before anybody knows that there is something to stop
        println!("listening on http://{address}");
        tracing::info!(%address, store = settings.store_name(), "serving");
        let mut until = stopped;
        let serving = axum::serve(listener, api.router()).with_graceful_shutdown(async move {
            let _ = until.wait_for(|stop| *stop).await;
        });
        let serving = tokio::spawn(serving.into_future());
        interrupted.await;
        tracing::info!("stopping: what is under way is finished");
        let _ = stop.send(true);
        if tokio::time::timeout(REQUEST_GRACE, serving).await.is_err() {
            tracing::warn!("some requests did not end in time");
        }
        tidying.abort();
        delivering.await?;
        store.close().await;
        tracing::info!("stopped");
        drop(temporary);
        Ok(())
    }

    /// What `--dev` promises, and a warning.
    async fn prepare_development(
        &self,
        store: &dyn Store,
        clock: Clock,
        address: SocketAddr,
        admin: Option<&str>,
    ) -> Result<()> {
        const NAME: &str = "Development";
        let now = clock.now();
        let existing = store.workspaces().await?.into_iter().find(|workspace| workspace.name == NAME);
        let workspace = match existing {
            Some(workspace) => workspace,
            None => {
                let id = WorkspaceId::random();
                let workspace = Workspace { id, name: NAME.to_owned(), plan: Plan::Business, created_at: now };
                store.create_workspace(workspace.clone()).await?;
                workspace
            }
        };
        let known = store.subscriptions(&workspace.id).await?;
        let mut subscriptions = Vec::new();
        for endpoint in &self.dev_endpoint {
            let url = EndpointUrl::parse_allowing_plain_http(endpoint)
                .map_err(|error| anyhow::anyhow!("{error}; {}", error.hint()))?;
            subscriptions.push(match known.iter().find(|record| record.subscription.url == url) {
                Some(record) => Arc::clone(record),
                None => {
                    let signer = self.dev_secret.as_deref().map(SigningSecret::parse).transpose();
                    let signer = signer.context("--dev-secret is of no use")?.map(Signer::new);
                    let signer = signer.map_or_else(Signer::generate, Ok)?;
                    store.subscribe(&workspace.id, url, EventTypes::ALL, signer, now).await?
                }
            });
        }
        for token in store.tokens(&workspace.id).await? {
            store.delete_token(&workspace.id, &token.id).await?; // it was shown at the last start
        }
        let secret = token::generate()?;
        let (id, hash) = (TokenId::random(), token::hash(&secret));
        let workspace = workspace.id;
        let token = ApiToken { id, workspace, name: NAME.to_owned(), hash, created_at: now, expires_at: None };
        store.create_token(token).await?;
        eprintln!(
            "\nDEVELOPMENT: deliveries go to this machine too, and over plain HTTP. Never run this where others reach it.\n"
        );
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
}

/// From now on, SIGINT and SIGTERM end the process no more; they end what this gives.
fn interruptions() -> Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Forgets what is older than the retention, a piece at a time.
async fn tidy(store: Arc<dyn Store>, api: Api, clock: Clock, retention: Duration) {
    let age = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    loop {
        tokio::time::sleep(TIDY.0).await;
        api.tidy();
        let before = clarife_webhooks::UnixTime::from_millis(clock.now().as_millis().saturating_sub(age));
        loop {
            match store.prune(before, TIDY.1).await {
                Ok(0) => break,
                Ok(events) => tracing::info!(events, "old events were forgotten"),
                Err(error) => {
                    tracing::error!(%error, "old events could not be forgotten");
                    break;
                }
            }
        }
    }
}

fn extra_roots(settings: &Settings) -> Result<Vec<CertificateDer<'static>>> {
    let Some(path) = &settings.extra_roots else { return Ok(Vec::new()) };
    let unreadable = || format!("{} holds no certificates", path.display());
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).with_context(unreadable)
}

/// Every attempt may need a file descriptor; the usual limit is low, and may be raised.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
