//! Keys that the sender may have signed with: the secret with the mistakes of copying and of settings undone.

use base64ct::{Base64, Base64Unpadded, Encoding as _};

/// The prefix of a signing secret.
const PREFIX: &str = "whsec_";

/// Changes of a secret between clarife and the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mistake {
    WhiteSpace,
    Quotes,
    TextAround,
    NoPrefix,
    PrefixAdded,
    NoPadding,
    PlusLost,
    UrlAlphabet,
    PercentEncoded,
    Hex,
    Decoded,
    EncodedAgain,
    OneOfSeveral,
}

/// A key that the sender may have signed with.
pub(super) struct Reading {
    pub(super) key: Vec<u8>,
    pub(super) mistakes: Vec<Mistake>,
    /// Tells that the key is decoded from base64, as Standard Webhooks require.
    pub(super) decoded: bool,
    pub(super) cost: u32,
}

/// Returns the keys that a secret may stand for, the likeliest first.
pub(super) fn readings(secret: &[u8]) -> Vec<Reading> {
    let mut texts: Vec<(Vec<u8>, Vec<Mistake>)> = vec![(secret.to_vec(), Vec::new())];
    let mut add = |text: &[u8], mistakes: Vec<Mistake>| {
        if !text.is_empty() && !texts.iter().any(|(other, _)| other == text) {
            texts.push((text.to_vec(), mistakes));
        }
    };
    let text = String::from_utf8_lossy(secret);
    let (clean, around) = cleaned(&text);
    add(clean.as_bytes(), around.clone());
    for (text, mistake) in repaired(clean) {
        add(text.as_bytes(), [around.as_slice(), &[mistake]].concat());
    }
    if text.matches(PREFIX).count() > 1 {
        for part in text.split(|character: char| character.is_whitespace() || matches!(character, ',' | ';' | '|')) {
            add(cleaned(part).0.as_bytes(), vec![Mistake::OneOfSeveral]);
        }
    }
    if let Ok(bytes) = hex::decode(clean.strip_prefix(PREFIX).unwrap_or(clean)) {
        add(format!("{PREFIX}{}", Base64::encode_string(&bytes)).as_bytes(), vec![Mistake::Hex]);
        add(&bytes, vec![Mistake::Hex]);
    }
    add(format!("{PREFIX}{}", Base64::encode_string(secret)).as_bytes(), vec![Mistake::Decoded]);
    if let Some(inner) = decode(clean).and_then(|bytes| String::from_utf8(bytes).ok()) {
        add(inner.trim().as_bytes(), vec![Mistake::EncodedAgain]);
    }
    let mut all = Vec::new();
    for (text, mistakes) in texts {
        let cost = u32::try_from(mistakes.len()).unwrap_or(u32::MAX);
        if let Some(key) = std::str::from_utf8(&text).ok().and_then(decode) {
            all.push(Reading { key, mistakes: mistakes.clone(), decoded: true, cost });
        }
        all.push(Reading { key: text, mistakes, decoded: false, cost });
    }
    all
}

/// Removes white space, quotes and a variable's name around a secret.
fn cleaned(text: &str) -> (&str, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let mut note = |mistake, before: &str, after: &str| {
        if before != after {
            mistakes.push(mistake);
        }
    };
    let is_invisible = |character: char| character.is_whitespace() || matches!(character, '\u{200b}' | '\u{feff}');
    let trimmed = text.trim_matches(is_invisible);
    note(Mistake::WhiteSpace, text, trimmed);
    let named = trimmed.find(PREFIX).and_then(|at| trimmed.split_at_checked(at));
    let named = named.filter(|(before, _)| before.ends_with(['=', ':', ' ', '"', '\'']) && before.len() > 1);
    let rest = named.map_or(trimmed, |(_, rest)| rest);
    note(Mistake::TextAround, trimmed, rest);
    let quotes: &[char] = &['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'];
    let unquoted = rest.trim_matches(quotes).trim();
    note(Mistake::Quotes, rest, unquoted);
    (unquoted, mistakes)
}

/// Returns the secret without a prefix, with one, and with lost characters.
fn repaired(text: &str) -> Vec<(String, Mistake)> {
    let rest = text.strip_prefix(PREFIX).unwrap_or(text);
    let padded = |rest: &str| match rest.len() % 4 {
        2 => format!("{rest}=="),
        3 => format!("{rest}="),
        _ => rest.to_owned(),
    };
    let mut made = vec![if rest == text {
        (format!("{PREFIX}{text}"), Mistake::NoPrefix)
    } else {
        (rest.to_owned(), Mistake::PrefixAdded)
    }];
    made.push((format!("{PREFIX}{}", padded(rest)), Mistake::NoPadding));
    made.push((format!("{PREFIX}{}", rest.replace(' ', "+")), Mistake::PlusLost));
    made.push((format!("{PREFIX}{}", padded(&rest.replace('-', "+").replace('_', "/"))), Mistake::UrlAlphabet));
    let unescaped = ["%2B+", "%2F/", "%3D=", "%2b+", "%2f/", "%3d="].iter().fold(text.to_owned(), |text, pair| {
        let (from, to) = pair.split_at_checked(3).unwrap_or_default();
        text.replace(from, to)
    });
    made.push((unescaped, Mistake::PercentEncoded));
    made
}

/// Decodes the base64 of a secret, without its prefix.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix(PREFIX).unwrap_or(text).trim_end_matches('=');
    Base64Unpadded::decode_vec(digits).ok().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Mistake, readings};
    use base64ct::{Base64, Encoding as _};

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAR+hMUFRYXGBkaGx/dHh8=";

    fn mistakes(secret: &[u8]) -> Vec<Mistake> {
        let all = readings(secret);
        let found = all.iter().find(|reading| reading.key == SECRET.as_bytes() && !reading.decoded);
        found.map_or_else(|| vec![Mistake::EncodedAgain; 9], |reading| reading.mistakes.clone())
    }

    #[test]
    fn every_mistake_is_undone() {
        let rest = &SECRET.strip_prefix("whsec_").unwrap_or_default();
        let bytes = Base64::decode_vec(rest).unwrap_or_default();
        for (secret, mistake) in [
            (format!("{SECRET}\n"), Mistake::WhiteSpace),
            (format!("'{SECRET}'"), Mistake::Quotes),
            (format!("CLARIFE_WEBHOOK_SECRET={SECRET}"), Mistake::TextAround),
            ((*rest).to_owned(), Mistake::NoPrefix),
            (SECRET.replace('=', ""), Mistake::NoPadding),
            (SECRET.replace('+', " "), Mistake::PlusLost),
            (SECRET.replace('+', "-").replace('/', "_").replace("whsec-", "whsec_"), Mistake::UrlAlphabet),
            (SECRET.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"), Mistake::PercentEncoded),
            (hex::encode(&bytes), Mistake::Hex),
            (Base64::encode_string(SECRET.as_bytes()), Mistake::EncodedAgain),
            (format!("whsec_b2xk,{SECRET}"), Mistake::OneOfSeveral),
        ] {
            assert_eq!(mistakes(secret.as_bytes()), [mistake], "{secret}");
        }
        assert_eq!(mistakes(&bytes), [Mistake::Decoded]);
        assert_eq!(mistakes(SECRET.as_bytes()), []);
        assert_eq!(
            mistakes(format!(" \"{rest}\" ").as_bytes()),
            [Mistake::WhiteSpace, Mistake::Quotes, Mistake::NoPrefix]
        );
    }
}
