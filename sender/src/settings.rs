//! How the sender is set up: flags before environment variables before the file before the defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::api::ApiLimits;
use crate::deliver::DeliverySettings;

macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident: $type:ty,)+) => {
        /// What can be set, each in three ways.
        #[derive(Debug, Default, Clone, Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Settings {
            $($(#[$attribute])* pub(crate) $name: Option<$type>,)+
        }

        impl Settings {
            /// These, and what they leave open from the others.
            fn or(self, others: Self) -> Self {
                Self { $($name: self.$name.or(others.$name),)+ }
            }
        }
    };
}

settings! {
    /// The store: `sqlite:` and a file, made if it is not there, or `nats://` and servers [default: sqlite:clarife-sender.db]
    #[arg(long, env = "CLARIFE_SENDER_STORE", value_name = "URL")]
    store: String,
    /// Where the API listens [default: 127.0.0.1:8420]
    #[arg(long, env = "CLARIFE_SENDER_LISTEN", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The administrator's bearer token, of at least 32 characters; without one, nobody administers
    #[arg(long, env = "CLARIFE_SENDER_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    admin_token: String,
    /// Certificates (PEM) of authorities to trust beside the public ones
    #[arg(long, env = "CLARIFE_SENDER_EXTRA_ROOTS", value_name = "FILE")]
    extra_roots: PathBuf,
    /// Attempts under way at a time [default: 1024]
    #[arg(long, env = "CLARIFE_SENDER_MAX_IN_FLIGHT", value_name = "N")]
    max_in_flight: NonZeroU32,
    /// Attempts under way for one subscription [default: 8]
    #[arg(long, env = "CLARIFE_SENDER_MAX_PER_SUBSCRIPTION", value_name = "N")]
    max_per_subscription: NonZeroU32,
    /// Whether the headers of Standard Webhooks are sent beside clarife's [default: true]
    #[arg(long, env = "CLARIFE_SENDER_STANDARD_WEBHOOKS", value_name = "BOOL")]
    standard_webhooks: bool,
    /// How many days events and their deliveries are kept [default: 30]
    #[arg(long, env = "CLARIFE_SENDER_RETENTION_DAYS", value_name = "DAYS")]
    retention_days: NonZeroU32,
    /// Bytes of a request's body [default: 4194304]
    #[arg(long, env = "CLARIFE_SENDER_MAX_REQUEST_BYTES", value_name = "BYTES")]
    max_request_bytes: NonZeroU32,
    /// Bytes of one event as it is sent [default: 262144]
    #[arg(long, env = "CLARIFE_SENDER_MAX_EVENT_BYTES", value_name = "BYTES")]
    max_event_bytes: NonZeroU32,
    /// Requests of one workspace in a second [default: 100]
    #[arg(long, env = "CLARIFE_SENDER_REQUESTS_PER_SECOND", value_name = "N")]
    requests_per_second: NonZeroU32,
    /// What is logged: a level, or `target=level` separated by commas [default: info]
    #[arg(long, env = "CLARIFE_SENDER_LOG", value_name = "FILTER")]
    log: String,
    /// How it is logged [default: text]
    #[arg(long, env = "CLARIFE_SENDER_LOG_FORMAT", value_name = "FORMAT")]
    log_format: LogFormat,
    /// Where traces go: the URL of a collector's OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; needs the feature
    /// `opentelemetry`
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL")]
    otlp_endpoint: String,
}

/// How logs are written, to the standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// The shortest token an administrator may have.
const MIN_TOKEN: usize = 32;

impl Settings {
    /// Takes what is left open from a TOML file, if there is one.
    pub(crate) fn with_file(self, file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Ok(self) };
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        // The message of the parser quotes the line, which may hold a token.
        let from_file: Self = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let line =
                error.span().map_or(1, |span| text.get(..span.start).map_or(1, |before| before.lines().count().max(1)));
            anyhow::anyhow!("{}, about line {line}: {}", path.display(), error.message())
        })?;
        Ok(self.or(from_file))
    }

    /// The store's URL.
    pub(crate) fn store(&self) -> &str {
        self.store.as_deref().unwrap_or("sqlite:clarife-sender.db")
    }

    /// The store's URL without a password.
    pub(crate) fn store_name(&self) -> &str {
        self.store().rsplit_once('@').map_or(self.store(), |(_, servers)| servers)
    }

    /// The file that the store is in.
    pub(crate) fn store_path(&self) -> Result<PathBuf> {
        match self.store().split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(path.into()),
            _ => bail!("the store is not `sqlite:` and a file"),
        }
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8420))
    }

    pub(crate) fn delivery_settings(&self) -> DeliverySettings {
        let max_in_flight = self.max_in_flight.map_or(1024, NonZeroU32::get);
        DeliverySettings { max_in_flight, standard_webhooks: self.standard_webhooks.unwrap_or(true) }
    }

    pub(crate) fn max_per_subscription(&self) -> usize {
        number(self.max_per_subscription, 8)
    }

    pub(crate) fn retention(&self) -> Duration {
        let days = self.retention_days.map_or(30, NonZeroU32::get);
        Duration::from_secs(u64::from(days).saturating_mul(24 * 60 * 60))
    }

    pub(crate) fn admin_token(&self) -> Result<Option<&str>> {
        let token = self.admin_token.as_deref();
        ensure!(
            token.is_none_or(|token| token.len() >= MIN_TOKEN),
            "the administrator's token is shorter than {MIN_TOKEN} characters"
        );
        Ok(token)
    }

    pub(crate) fn api_limits(&self) -> ApiLimits {
        ApiLimits {
            request_bytes: number(self.max_request_bytes, 4 * 1024 * 1024),
            event_bytes: number(self.max_event_bytes, 256 * 1024),
            events: 1000,
            page: 200,
            bodies: 256,
            requests_per_second: self.requests_per_second.unwrap_or(NonZeroU32::MIN.saturating_add(99)),
        }
    }
}

fn number(set: Option<NonZeroU32>, default: usize) -> usize {
    set.and_then(|number| usize::try_from(number.get()).ok()).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn flags_come_before_the_file_and_the_file_before_the_defaults() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sender.toml");
        std::fs::write(&file, "store = \"sqlite:/var/a.db\"\nmax_in_flight = 5\nlog_format = \"json\"\n")
            .expect("fits");
        let flags = Settings { store: Some("sqlite:b.db".into()), ..Settings::default() };
        let settings = flags.with_file(Some(&file)).expect("is right");
        assert_eq!(settings.store_path().expect("a file"), std::path::Path::new("b.db"));
        assert_eq!((settings.delivery_settings().max_in_flight, settings.max_per_subscription()), (5, 8));
        assert_eq!(settings.api_limits().requests_per_second.get(), 100);
    }

    #[test]
    fn mistakes_are_named_and_tokens_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sender.toml");
        for (text, expected) in [
            ("stor = \"x\"", "unknown field `stor`"),
            ("\nlog = \"info\"\nmax_in_flight = 0", "about line 3"),
            ("admin_token = \"geheim\" x", "about line 1"),
        ] {
            std::fs::write(&file, text).expect("fits");
            let error = Settings::default().with_file(Some(&file)).expect_err(text).to_string();
            assert!(error.contains(expected) && !error.contains("geheim"), "{error}");
        }
        let short = Settings { admin_token: Some("short".into()), ..Settings::default() };
        assert!(short.admin_token().is_err());
        for store in ["nats://127.0.0.1", "sqlite:", "a.db"] {
            let wrong = Settings { store: Some(store.into()), ..Settings::default() };
            assert!(wrong.store_path().is_err(), "{store}");
        }
    }
}
