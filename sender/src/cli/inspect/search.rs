//! The search for the body, the key and the scheme that a signature fits.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::body::Variant;
use super::header::{Scheme, Signed};
use super::secret::Reading;

/// Limit of the bytes that are hashed: about one second without instructions for SHA-256.
const MAX_HASHED: usize = 256 * 1024 * 1024;

/// A candidate whose signature is in the header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// The index of the body's variant.
    pub(super) variant: usize,
    /// The index of the secret, and of its reading.
    pub(super) secret: (usize, usize),
    /// The scheme of the header, and the scheme whose message is signed.
    pub(super) declared: Scheme,
    pub(super) scheme: Scheme,
}

/// The end of a search.
pub(super) struct Search {
    pub(super) fit: Option<Fit>,
    /// The number of candidates that were compared.
    pub(super) compared: usize,
    /// Tells that candidates were left out, because the body is large.
    pub(super) is_cut: bool,
}

/// Compares the candidates with the signatures, the likeliest first.
pub(super) fn search(variants: &[Variant<'_>], secrets: &[Vec<Reading>], signed: &[Signed]) -> Search {
    let mut candidates = Vec::new();
    for (variant, body) in variants.iter().enumerate() {
        for (secret, readings) in secrets.iter().enumerate() {
            for (reading, key) in readings.iter().enumerate() {
                for signed in signed.iter().filter(|signed| !signed.tags.is_empty()) {
                    for (scheme, message) in messages(signed) {
                        let usual = (scheme == Scheme::Standard) == key.decoded;
                        let cost = body.cost.saturating_add(key.cost).saturating_add(if usual { 0 } else { 2 });
                        let cost = cost.saturating_add(if scheme == signed.scheme { 0 } else { 2 });
                        let fit = Fit { variant, secret: (secret, reading), declared: signed.scheme, scheme };
                        candidates.push((cost, fit, body, key, message, signed));
                    }
                }
            }
        }
    }
    candidates.sort_by_key(|(cost, ..)| *cost);
    let (mut compared, mut hashed) = (0_usize, 0_usize);
    for (_, fit, body, key, message, signed) in candidates {
        if compared > 0 && hashed.saturating_add(body.bytes.len()) > MAX_HASHED {
            return Search { fit: None, compared, is_cut: true };
        }
        hashed = hashed.saturating_add(body.bytes.len());
        compared = compared.saturating_add(1);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.key) else { continue };
        mac.update(message.as_bytes());
        mac.update(&body.bytes);
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        if signed.tags.contains(&tag) {
            return Search { fit: Some(fit), compared, is_cut: false };
        }
    }
    Search { fit: None, compared, is_cut: false }
}

/// Returns the schemes that a header allows, and the part of their messages before the body.
fn messages(signed: &Signed) -> Vec<(Scheme, String)> {
    let over_body = if signed.scheme == Scheme::GitHub { Scheme::GitHub } else { Scheme::Clarife };
    let mut messages = vec![(over_body, String::new())];
    if let Some(time) = &signed.time {
        messages.push((Scheme::Stripe, format!("{time}.")));
        if let Some(id) = &signed.id {
            messages.push((Scheme::Standard, format!("{id}.{time}.")));
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::super::body::variants;
    use super::super::header::{Lines, Scheme};
    use super::super::secret::readings;
    use super::search;
    use clarife_webhooks::{UnixTime, Webhook};

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn header(body: &[u8]) -> String {
        let webhook = Webhook::new(SECRET).map(|webhook| webhook.sign(body, UnixTime::from_secs(1)));
        webhook.map(Result::unwrap_or_default).unwrap_or_default()
    }

    #[test]
    fn the_likeliest_candidate_comes_first() {
        let (signed, secrets) = (Lines::parse(&header(b"{}")).signed(), [readings(SECRET.as_bytes())]);
        let found = search(&variants(b"{}"), &secrets, &signed);
        let fit = found.fit.map(|fit| (fit.variant, fit.secret, fit.scheme));
        assert!(fit.is_some_and(|(variant, _, scheme)| variant == 0 && scheme == Scheme::Clarife));
        assert!(found.compared <= 2, "{}", found.compared);
        assert!(search(&variants(b"[]"), &secrets, &signed).fit.is_none());
    }

    #[test]
    fn a_large_body_is_searched_in_bounded_work() {
        let body = vec![b' '; 40 * 1024 * 1024];
        let one = [super::Variant { bytes: body.as_slice().into(), change: None, cost: 0 }];
        let signed = Lines::parse(&header(b"{}")).signed();
        let found = search(&one, &[b"x", b"y", b"z"].map(|secret| readings(secret)), &signed);
        assert!(found.fit.is_none() && found.is_cut && found.compared < 10, "{}", found.compared);
    }
}
