//! Failed requests, in words.

use clarife_webhooks::sender::{EndpointUrl, FailureKind};

/// Returns the reason of a failure, and the remedy.
pub(super) fn explain(kind: FailureKind, url: &EndpointUrl) -> String {
    let place = url.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let place = place.split(['/', '?']).next().unwrap_or_default();
    let host = url.host();
    let (reason, hint) = match kind {
        FailureKind::Timeout => {
            (format!("{place} did not respond in time"), "respond within 10 s, and do slow work afterwards")
        }
        FailureKind::Dns => (format!("the name {host} is unknown"), "check the host name"),
        FailureKind::Connection => {
            (format!("cannot connect to {place}"), "check that a server listens on this host and port")
        }
        FailureKind::Tls => {
            (format!("cannot agree on TLS with {place}"), "check the certificate: its name, its dates and its issuer")
        }
        FailureKind::ForbiddenAddress => {
            (format!("{host} has an address that is not allowed"), "use a public address or this machine")
        }
        FailureKind::TooLarge => ("the response is too large".to_owned(), "send smaller headers"),
        FailureKind::InvalidResponse => ("the response is not HTTP".to_owned(), "check that the port speaks HTTP"),
        FailureKind::Local => {
            ("this machine failed".to_owned(), "check its name servers, its routes and its limit of open files")
        }
        _ => (kind.to_string(), "check the endpoint"),
    };
    format!("{reason} ({kind}); {hint}")
}

#[cfg(test)]
mod tests {
    use super::{EndpointUrl, FailureKind, explain};

    #[test]
    fn failures_are_words() {
        for (url, kind, expected) in [
            (
                "http://127.0.0.1:3000/a",
                FailureKind::Connection,
                "cannot connect to 127.0.0.1:3000 (connection); check",
            ),
            ("https://a.example?b", FailureKind::Dns, "the name a.example is unknown (dns); check the host name"),
        ] {
            let text = EndpointUrl::parse_allowing_plain_http(url).map(|url| explain(kind, &url));
            assert!(text.as_ref().is_ok_and(|text| text.starts_with(expected)), "{text:?}");
        }
    }
}
