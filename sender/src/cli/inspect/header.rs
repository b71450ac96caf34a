//! The signatures in pasted header lines, read more leniently than verification does.

use base64ct::{Base64, Encoding as _};
use clarife_webhooks::standard::{HEADERS, StandardHeaders};
use clarife_webhooks::{Event, SIGNATURE_HEADER, UnixTime, Webhook, WebhookError};

/// The senders whose signatures are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `t=…,v1=…` over the body.
    Clarife,
    /// `v1,…` over the id, the time and the body.
    Standard,
    /// `t=…,v1=…` over the time and the body.
    Stripe,
    /// `sha256=…` over the body.
    GitHub,
}

/// The signatures of one scheme.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) scheme: Scheme,
    pub(super) tags: Vec<[u8; 32]>,
    /// The time as it was signed, in digits.
    pub(super) time: Option<String>,
    /// The id of Standard Webhooks.
    pub(super) id: Option<String>,
}

/// Header lines as they were pasted.
#[derive(Debug, Default)]
pub(in crate::cli) struct Lines {
    /// The value of `X-Clarife-Signature`.
    pub(in crate::cli) clarife: Option<String>,
    /// The values of the headers of Standard Webhooks, in the order of [`HEADERS`].
    pub(super) standard: [Option<String>; 3],
    pub(super) stripe: Option<String>,
    pub(super) github: Option<String>,
    pub(super) content_length: Option<usize>,
}

impl Lines {
    /// Reads lines of the form `name: value`, or the value of a signature header alone.
    pub(in crate::cli) fn parse(text: &str) -> Self {
        let mut lines = Self::default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| lines.add(line));
        lines
    }

    fn add(&mut self, line: &str) {
        let line = line.trim_start_matches(['<', '>', ' ']);
        let (name, value) = match line.split_once(':').filter(|(name, _)| is_name(unquoted(name))) {
            Some((name, value)) => (unquoted(name).to_ascii_lowercase(), unquoted(value)),
            None => (String::new(), unquoted(line)),
        };
        let value = Some(value.to_owned());
        let is_github = value.as_ref().is_some_and(|value| value.starts_with("sha256="));
        let is_standard = value.as_ref().is_some_and(|value| value.starts_with("v1,"));
        let [id, time, signature] = &mut self.standard;
        match name.replace("svix-", "webhook-").as_str() {
            "stripe-signature" => self.stripe = value,
            "x-hub-signature-256" => self.github = value,
            "webhook-id" => *id = value,
            "webhook-timestamp" => *time = value,
            "webhook-signature" => *signature = value,
            "content-length" => self.content_length = value.and_then(|value| value.parse().ok()),
            "" if is_github => self.github = value,
            "" if is_standard => *signature = value,
            name if name.is_empty() || name.eq_ignore_ascii_case(SIGNATURE_HEADER) => self.clarife = value,
            _ => {}
        }
    }

    /// Returns `true` if only the headers of Standard Webhooks were pasted.
    pub(super) fn is_standard(&self) -> bool {
        self.clarife.is_none() && self.standard.iter().any(Option::is_some)
    }

    /// Verifies a body: by the headers of Standard Webhooks if only those were pasted, and by clarife's otherwise.
    pub(in crate::cli) fn verify<'a>(
        &self,
        webhook: Webhook,
        body: &'a [u8],
        now: UnixTime,
    ) -> Result<Event<'a>, WebhookError> {
        if self.is_standard() {
            let [id, time, signature] = self.standard.each_ref().map(|value| value.as_deref().unwrap_or_default());
            let headers = StandardHeaders::new(id, time, signature);
            webhook.require_standard_webhooks()?.verify_at(body, &headers, now)
        } else {
            webhook.verify_at(body, self.clarife.as_deref(), now)
        }
    }

    /// Returns all signatures, those of clarife's header first.
    pub(super) fn signed(&self) -> Vec<Signed> {
        let mut all = Vec::new();
        let elements =
            [(Scheme::Clarife, &self.clarife), (Scheme::Stripe, &self.stripe), (Scheme::GitHub, &self.github)];
        for (scheme, value) in elements {
            let Some(value) = value else { continue };
            let (mut tags, mut time, mut form) = (Vec::new(), None, scheme);
            for (key, value) in value.split(',').filter_map(|element| element.trim().split_once('=')) {
                match key.trim() {
                    "t" => time = Some(value.trim().to_owned()),
                    "sha256" => {
                        form = Scheme::GitHub;
                        tags.extend(tag(value));
                    }
                    _ => tags.extend(tag(value)),
                }
            }
            if tags.is_empty() {
                tags.extend(tag(value));
            }
            all.push(Signed { scheme: form, tags, time, id: None });
        }
        let [id, time, signature] = &self.standard;
        if let Some(signature) = signature {
            let tags = signature.split_whitespace().filter_map(|element| tag(element.split_once(',')?.1)).collect();
            all.push(Signed { scheme: Scheme::Standard, tags, time: time.clone(), id: id.clone() });
        }
        all
    }

    /// Returns the name of the header that is inspected.
    pub(super) fn name(&self) -> &'static str {
        match (&self.clarife, self.is_standard(), &self.stripe, &self.github) {
            (Some(_), ..) => SIGNATURE_HEADER,
            (_, true, ..) => HEADERS[2],
            (_, _, Some(_), _) => "Stripe-Signature",
            (.., Some(_)) => "X-Hub-Signature-256",
            _ => SIGNATURE_HEADER,
        }
    }
}

/// Returns a tag of 64 hex digits or 44 base64 digits.
fn tag(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let mut bytes = [0; 32];
    if hex::decode_to_slice(text, &mut bytes).is_ok() {
        return Some(bytes);
    }
    let length = Base64::decode(text, &mut bytes).ok()?.len();
    (length == bytes.len()).then_some(bytes)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Removes white space, a comma at the end and quotes around a text, as copied from code or JSON.
fn unquoted(text: &str) -> &str {
    let text = text.trim().trim_end_matches(';').trim_end_matches(',');
    let inner = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::{Lines, Scheme};

    #[test]
    fn names_and_quotes_are_removed() {
        for line in [
            "t=1,v1=ab",
            "X-Clarife-Signature: t=1,v1=ab",
            "\"x-clarife-signature\": \"t=1,v1=ab\",",
            "< X-CLARIFE-SIGNATURE:t=1,v1=ab",
        ] {
            assert_eq!(Lines::parse(line).clarife.as_deref(), Some("t=1,v1=ab"), "{line}");
        }
    }

    #[test]
    fn other_schemes_are_recognized() {
        let hex = "ab".repeat(32);
        let text = format!(
            "Stripe-Signature: t=1,v1={hex},v0={hex}\nwebhook-id: a\nsvix-timestamp: 7\nwebhook-signature: v1,{} v1,x\nsha256={hex}",
            "A".repeat(43) + "="
        );
        let lines = Lines::parse(&text);
        let signed = lines.signed();
        let schemes: Vec<_> =
            signed.iter().map(|signed| (signed.scheme, signed.tags.len(), signed.time.as_deref())).collect();
        assert_eq!(
            schemes,
            [(Scheme::Stripe, 2, Some("1")), (Scheme::GitHub, 1, None), (Scheme::Standard, 1, Some("7"))]
        );
        assert!(lines.is_standard());
    }
}
