//! Settings: a flag overrides an environment variable, which overrides the file, which overrides the default.

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
        /// Settings of `serve`.
        #[derive(Debug, Default, Clone, Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Settings {
            $($(#[$attribute])* pub(crate) $name: Option<$type>,)+
        }

        impl Settings {
            /// Fills settings that are not set from `others`.
            fn or(self, others: Self) -> Self {
                Self { $($name: self.$name.or(others.$name),)+ }
            }
        }
    };
}

settings! {
    /// Store: `sqlite:FILE`, created if it does not exist, `postgres://HOST/DATABASE` or `nats://HOST`
    /// [default: sqlite:clarife-sender.db]
    #[arg(long, env = "CLARIFE_SENDER_STORE", value_name = "URL", hide_env_values = true)]
    store: String,
    /// Address that the API listens on [default: 127.0.0.1:8420]
    #[arg(long, env = "CLARIFE_SENDER_LISTEN", value_name = "ADDRESS", value_parser = address)]
    listen: SocketAddr,
    /// Bearer token of the administrator, at least 32 characters; without it, administration is disabled
    #[arg(long, env = "CLARIFE_SENDER_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    admin_token: String,
    /// Additional trusted root certificates (PEM)
    #[arg(long, env = "CLARIFE_SENDER_EXTRA_ROOTS", value_name = "FILE")]
    extra_roots: PathBuf,
    /// Limit of concurrent attempts [default: 1024]
    #[arg(long, env = "CLARIFE_SENDER_MAX_IN_FLIGHT", value_name = "N")]
    max_in_flight: NonZeroU32,
    /// Limit of concurrent attempts per subscription [default: 8]
    #[arg(long, env = "CLARIFE_SENDER_MAX_PER_SUBSCRIPTION", value_name = "N")]
    max_per_subscription: NonZeroU32,
    /// Send the headers of Standard Webhooks in addition to clarife's [default: true]
    #[arg(long, env = "CLARIFE_SENDER_STANDARD_WEBHOOKS", value_name = "BOOL")]
    standard_webhooks: bool,
    /// Days after which events and their deliveries are deleted [default: 30]
    #[arg(long, env = "CLARIFE_SENDER_RETENTION_DAYS", value_name = "DAYS")]
    retention_days: NonZeroU32,
    /// Limit of a request body, in bytes [default: 4194304]
    #[arg(long, env = "CLARIFE_SENDER_MAX_REQUEST_BYTES", value_name = "BYTES")]
    max_request_bytes: NonZeroU32,
    /// Limit of an event as it is sent, in bytes [default: 262144]
    #[arg(long, env = "CLARIFE_SENDER_MAX_EVENT_BYTES", value_name = "BYTES")]
    max_event_bytes: NonZeroU32,
    /// Limit of requests per second and workspace [default: 100]
    #[arg(long, env = "CLARIFE_SENDER_REQUESTS_PER_SECOND", value_name = "N")]
    requests_per_second: NonZeroU32,
    /// Log filter: a level, or a comma-separated list of `target=level` [default: info]
    #[arg(long, env = "CLARIFE_SENDER_LOG", value_name = "FILTER")]
    log: String,
    /// Log format [default: text]
    #[arg(long, env = "CLARIFE_SENDER_LOG_FORMAT", value_name = "FORMAT")]
    log_format: LogFormat,
    /// Endpoint for traces (OTLP over HTTP), for example http://127.0.0.1:4318/v1/traces; requires the feature
    /// `opentelemetry`
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL", hide_env_values = true)]
    otlp_endpoint: String,
}

/// Format of the logs on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// Readable lines
    Text,
    /// One JSON object per line
    Json,
}

/// Minimum length of the administrator's token.
const MIN_TOKEN: usize = 32;

impl Settings {
    /// Fills settings that are not set from a TOML file, if one is given.
    pub(crate) fn with_file(self, file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Ok(self) };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        // The parser's message would quote the line, which may contain a token.
        let from_file: Self = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let line =
                error.span().map_or(1, |span| text.get(..span.start).map_or(1, |before| before.lines().count().max(1)));
            anyhow::anyhow!("cannot read {}, line {line}: {}", path.display(), error.message())
        })?;
        Ok(self.or(from_file))
    }

    /// Returns the store's URL.
    pub(crate) fn store(&self) -> &str {
        self.store.as_deref().unwrap_or("sqlite:clarife-sender.db")
    }

    /// Returns the store's URL for the log: without the user, the password and the options, which may have one too.
    pub(crate) fn store_name(&self) -> &str {
        let url = self.store();
        if url.starts_with("sqlite:") {
            return url;
        }
        let before_options = url.split_once('?').map_or(url, |(before, _)| before);
        match before_options.rsplit_once('@') {
            Some((_, servers)) => servers,
            None if url.contains('@') => url.split(':').next().unwrap_or_default(), // a password with a question mark
            None => before_options,
        }
    }

    /// Returns the store's file.
    pub(crate) fn store_path(&self) -> Result<PathBuf> {
        match self.store().split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(path.into()),
            _ => bail!("invalid store: must be `sqlite:FILE`"),
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
            "invalid administrator's token: must have at least {MIN_TOKEN} characters"
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

/// Parses an address to listen on; `localhost` is 127.0.0.1.
fn address(text: &str) -> Result<SocketAddr> {
    let host = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    host.as_deref().unwrap_or(text).parse().map_err(|_| {
        anyhow::anyhow!(
            "must be an IP address and a port, for example 127.0.0.1:8420, or 0.0.0.0:8420 for all addresses"
        )
    })
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
    fn addresses_are_an_ip_address_or_localhost() {
        for (text, expected) in
            [("localhost:8420", "127.0.0.1:8420"), ("[::1]:1", "[::1]:1"), ("0.0.0.0:0", "0.0.0.0:0")]
        {
            assert_eq!(super::address(text).expect(text).to_string(), expected);
        }
        for text in ["", ":8420", "8420", "localhost", "localhost:x", "example.com:80"] {
            assert!(super::address(text).expect_err(text).to_string().contains("for example 127.0.0.1:8420"), "{text}");
        }
    }

    #[test]
    fn the_log_has_no_password() {
        for (store, name) in [
            ("nats://user:gehe@im@a:4222/hooks", "a:4222/hooks"),
            ("postgres://a/b?password=geheim", "postgres://a/b"),
            ("postgres://user:geheim@a/b?password=gehe@im", "a/b"),
            ("nats://user:gehe?im@a", "nats"),
            ("nats://a", "nats://a"),
            ("sqlite:/var/a@b?c.db", "sqlite:/var/a@b?c.db"),
        ] {
            let settings = Settings { store: Some(store.into()), ..Settings::default() };
            assert_eq!(settings.store_name(), name);
        }
    }

    #[test]
    fn mistakes_are_named_and_tokens_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sender.toml");
        for (text, expected) in [
            ("stor = \"x\"", "unknown field `stor`"),
            ("\nlog = \"info\"\nmax_in_flight = 0", "line 3"),
            ("admin_token = \"geheim\" x", "line 1"),
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
