//! Options in the URL of a store.

use std::time::Duration;

use crate::store::OpenError;

/// Default limit of the history's age; `prune` usually deletes sooner.
const MAX_AGE_DAYS: u64 = 30;
const PARTITIONS: u16 = 8;
/// Limit of the partitions: a delivery's id has eight bits for its partition.
const MAX_PARTITIONS: u16 = 256;

/// Options of a store: `nats://[user:password@]host[:port][,host[:port]…][/store][?option=value[&…]]`.
///
/// The query's options are `replicas` (3), `partitions` (8, for new stores only), `max_age_days` (30) and `tls` (0 or
/// 1).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// Servers to connect to.
    pub(super) servers: Vec<String>,
    /// User and password.
    pub(super) user: Option<(String, String)>,
    /// Name of the store, the prefix of its streams and subjects.
    pub(super) store: String,
    /// Number of servers that keep each message.
    pub(super) replicas: usize,
    /// Number of partitions of a new store.
    pub(super) partitions: u16,
    /// Limit of the history's age.
    pub(super) max_age: Duration,
    /// Requires an encrypted connection.
    pub(super) tls: bool,
}

impl Options {
    /// Parses a URL.
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let wrong = |why: &str| OpenError::Failed { path: "nats:".into(), why: why.into() };
        let rest = url.strip_prefix("nats:").ok_or_else(|| wrong("the URL does not start with nats:"))?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, store) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some((user, hosts)) => {
                let user = user.split_once(':').ok_or_else(|| wrong("before the @ there must be user:password"))?;
                (Some((user.0.to_owned(), user.1.to_owned())), hosts)
            }
        };
        let hosts = if hosts.is_empty() { "127.0.0.1:4222" } else { hosts };
        let servers = hosts.split(',').map(|host| format!("nats://{host}")).collect();
        let store = if store.is_empty() { "clarife" } else { store };
        let is_name = store.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_name || store.len() > 64 {
            return Err(wrong("the store's name must be at most 64 letters, digits, - and _"));
        }
        let days = Duration::from_secs(24 * 60 * 60);
        let mut options = Self {
            servers,
            user,
            store: store.into(),
            replicas: 3,
            partitions: PARTITIONS,
            max_age: days.saturating_mul(30),
            tls: false,
        };
        let mut age = MAX_AGE_DAYS;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| wrong("an option has no value"))?;
            let number = |from: u64, to: u64| {
                let number = value.parse().ok().filter(|number| (from..=to).contains(number));
                number.ok_or_else(|| wrong(&format!("{name} must be a number from {from} to {to}")))
            };
            match name {
                "replicas" => options.replicas = usize::try_from(number(1, 5)?).unwrap_or(3),
                "partitions" => {
                    options.partitions = u16::try_from(number(1, MAX_PARTITIONS.into())?).unwrap_or(PARTITIONS);
                }
                "max_age_days" => age = number(1, 3650)?,
                "tls" => options.tls = number(0, 1)? == 1,
                _ => return Err(wrong("the options are replicas, partitions, max_age_days and tls")),
            }
        }
        options.max_age = days.saturating_mul(u32::try_from(age).unwrap_or(u32::MAX));
        Ok(options)
    }

    /// Returns the store's name for errors, without the password.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.servers.join(","), self.store)
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use std::time::Duration;

    #[test]
    fn urls_are_read_and_passwords_are_not_shown() {
        let plain = Options::parse("nats:").expect("is enough");
        assert_eq!((plain.servers.as_slice(), plain.replicas), (&["nats://127.0.0.1:4222".to_owned()][..], 3));
        let full = "nats://me:s3:cr@t@a:1,b:2/hooks?replicas=1&partitions=4&max_age_days=7&tls=1";
        let full = Options::parse(full).expect("is right");
        assert_eq!(full.servers, ["nats://a:1", "nats://b:2"]);
        assert_eq!(full.user, Some(("me".into(), "s3:cr@t".into())));
        assert_eq!((full.store.as_str(), full.replicas, full.partitions, full.tls), ("hooks", 1, 4, true));
        assert_eq!(full.max_age, Duration::from_secs(7 * 24 * 3600));
        assert_eq!(full.name(), "nats://a:1,nats://b:2/hooks");
    }

    #[test]
    fn wrong_urls_are_refused() {
        for wrong in [
            "sqlite:x",
            "nats://me@host",
            "nats://host/a.b",
            "nats://host/*",
            "nats://host?replicas=0",
            "nats://host?replicas",
            "nats://host?partitions=257",
            "nats://host?size=3",
        ] {
            let error = Options::parse(wrong).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains("nats:")), "{wrong}");
        }
    }
}
