//! Logs on standard error and, with the feature `opentelemetry`, traces to a collector.
//!
//! Spans and events contain ids, hosts and outcomes, never a secret, a token or a body.

use anyhow::{Context as _, Result};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::print::may_be_coloured;
use crate::settings::{LogFormat, Settings};

/// Running telemetry; flushed by [`Telemetry::stop`].
pub(crate) struct Telemetry {
    #[cfg(feature = "opentelemetry")]
    traces: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Telemetry {
    /// Starts logging and tracing. Must be called in the runtime.
    pub(crate) fn start(settings: &Settings) -> Result<Self> {
        let filter: Targets = settings.log.as_deref().unwrap_or("info").parse().context("invalid log filter")?;
        let coloured = may_be_coloured(&std::io::stderr());
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(coloured);
        let lines = match settings.log_format.unwrap_or(LogFormat::Text) {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
        #[cfg(feature = "opentelemetry")]
        {
            let traces = settings.otlp_endpoint.as_deref().map(otlp::provider).transpose()?;
            registry.with(traces.as_ref().map(otlp::layer)).init();
            Ok(Self { traces })
        }
        #[cfg(not(feature = "opentelemetry"))]
        {
            registry.init();
            // The variable is a standard one that clusters set for all processes.
            if settings.otlp_endpoint.is_some() {
                tracing::warn!("cannot send traces: this program was built without the feature `opentelemetry`");
            }
            Ok(Self {})
        }
    }

    /// Flushes remaining traces. Must be called in the runtime.
    pub(crate) async fn stop(self) {
        #[cfg(feature = "opentelemetry")]
        if let Some(traces) = self.traces {
            // The shutdown waits for a thread that waits for the runtime.
            match tokio::task::spawn_blocking(move || traces.shutdown()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "cannot send remaining traces"),
                Err(error) => tracing::warn!(%error, "cannot send remaining traces"),
            }
        }
    }
}

#[cfg(feature = "opentelemetry")]
mod otlp {
    use std::time::Duration;

    use anyhow::Result;
    use async_trait::async_trait;
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full, Limited};
    use hyper::{Request, Response};
    use hyper_util::client::legacy::Client;
    use hyper_util::client::legacy::connect::HttpConnector;
    use hyper_util::rt::TokioExecutor;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_http::{HttpClient, HttpError};
    use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tokio::runtime::Handle;
    use tracing::Subscriber;
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::registry::LookupSpan;

    /// Time limit of a request to the collector.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Limit of a collector's response body.
    const MAX_RESPONSE_BODY: usize = 64 * 1024;

    pub(super) fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
        let collector =
            Collector { http: Client::builder(TokioExecutor::new()).build_http(), runtime: Handle::current() };
        let exporter =
            SpanExporter::builder().with_http().with_http_client(collector).with_endpoint(endpoint).build()?;
        let resource = Resource::builder().with_service_name("clarife-sender").build();
        Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
    }

    pub(super) fn layer<S>(provider: &SdkTracerProvider) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let targets = Targets::new().with_target(env!("CARGO_CRATE_NAME"), tracing::Level::INFO);
        tracing_opentelemetry::layer().with_tracer(provider.tracer("clarife-sender")).with_filter(targets).boxed()
    }

    /// HTTP client that runs on the runtime; the exporter calls it from its own thread.
    #[derive(Debug)]
    struct Collector {
        http: Client<HttpConnector, Full<Bytes>>,
        runtime: Handle,
    }

    #[async_trait]
    impl HttpClient for Collector {
        async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
            let http = self.http.clone();
            let sending = self.runtime.spawn(async move {
                let response = tokio::time::timeout(TIMEOUT, http.request(request.map(Full::new))).await??;
                let (head, body) = response.into_parts();
                let body = tokio::time::timeout(TIMEOUT, Limited::new(body, MAX_RESPONSE_BODY).collect()).await??;
                Ok::<_, HttpError>(Response::from_parts(head, body.to_bytes()))
            });
            sending.await?
        }
    }
}
