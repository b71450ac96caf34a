//! The contestants: the core, its limit, code by hand, and other libraries.

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use clarife_webhooks::canonical::to_canonical_json;
use clarife_webhooks::{Event, UnixTime, Webhook};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use sha2::Sha256;

use crate::{Result, SECRET};

/// The names of all jobs.
pub const JOBS: [&str; 5] = ["route", "read", "reject", "sign", "canonical"];

/// A contestant and its jobs. A job returns a number, so that the compiler keeps its work.
pub struct Contestant<'a> {
    pub name: &'static str,
    /// Verifies, and reads id and type.
    route: Option<Box<dyn Fn() -> usize + 'a>>,
    /// Verifies, and reads all of `data`.
    read: Option<Box<dyn Fn() -> usize + 'a>>,
    /// Rejects a signature with one wrong bit.
    reject: Option<Box<dyn Fn() -> usize + 'a>>,
    /// Signs.
    sign: Option<Box<dyn Fn() -> usize + 'a>>,
    /// Writes `data` as JSON.
    canonical: Option<Box<dyn Fn() -> usize + 'a>>,
}

impl<'a> Contestant<'a> {
    pub fn job(&self, job: &str) -> Option<&(dyn Fn() -> usize + 'a)> {
        match job {
            "route" => self.route.as_deref(),
            "read" => self.read.as_deref(),
            "reject" => self.reject.as_deref(),
            "sign" => self.sign.as_deref(),
            _ => self.canonical.as_deref(),
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: &'a str,
    r#type: &'a str,
    #[serde(rename = "data")]
    _data: IgnoredAny,
}

/// Returns all contestants for one body, after testing their jobs.
pub fn contestants(body: &[u8]) -> Result<Vec<Contestant<'_>>> {
    let mut all = vec![core(body)?, limit(body)?];
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    all.push(by_hand("by hand, hmac + serde_json", body, move |body, tag| {
        key.clone().chain_update(body).verify_slice(tag).is_ok()
    }));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    all.push(by_hand("by hand, ring + serde_json", body, move |body, tag| ring::hmac::verify(&key, body, tag).is_ok()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    all.push(by_hand("by hand, aws-lc-rs + serde_json", body, move |body, tag| {
        aws_lc_rs::hmac::verify(&key, body, tag).is_ok()
    }));
    let time = now();
    let webhook = Rc::new(standardwebhooks::Webhook::new(SECRET)?);
    let signed = webhook.sign("msg_1", time, body)?;
    all.push(library("standardwebhooks", "webhook", body, (time, signed), move |headers| {
        webhook.verify(body, headers).is_ok()
    })?);
    let webhook = Rc::new(svix::webhooks::Webhook::new(SECRET)?);
    let signed = webhook.sign("msg_1", time, body)?;
    all.push(library("svix", "svix", body, (time, signed), move |headers| webhook.verify(body, headers).is_ok())?);
    for contestant in &all {
        for (job, expected) in [("route", true), ("read", true), ("reject", false), ("sign", true), ("canonical", true)]
        {
            if contestant.job(job).is_some_and(|run| (run() > 0) != expected) {
                return Err(format!("{} does not {job}", contestant.name).into());
            }
        }
    }
    Ok(all)
}

/// Returns the core.
fn core(body: &[u8]) -> Result<Contestant<'_>> {
    let webhook = Webhook::new(SECRET)?;
    let header = webhook.sign(body, UnixTime::now())?;
    let wrong = one_wrong_bit(&header);
    let (reader, rejecter, signer, good) = (webhook.clone(), webhook.clone(), webhook.clone(), header.clone());
    let resource = webhook.verify(body, &header)?.resource()?;
    Ok(Contestant {
        name: "clarife-webhooks",
        route: Some(Box::new(move || {
            webhook.verify(body, &header).map_or(0, |event| event.id().len() + event.event_type().as_str().len())
        })),
        read: Some(Box::new(move || {
            let event = reader.verify(body, &good).ok();
            event.and_then(|event| event.resource().ok()).map_or(0, |resource| size_of_val(&resource))
        })),
        reject: Some(Box::new(move || rejecter.verify(body, &wrong).map_or(0, |event| event.id().len()))),
        sign: Some(Box::new(move || {
            signer.sign(body, UnixTime::from_secs(1_774_699_200)).map_or(0, |header| header.len())
        })),
        canonical: Some(Box::new(move || to_canonical_json(&resource).map_or(0, |json| json.len()))),
    })
}

/// Returns the limit. Verifying is one HMAC and one strict pass that keeps nothing, signing is one HMAC, and writing is
/// `serde_json`.
fn limit(body: &[u8]) -> Result<Contestant<'_>> {
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    let signer = key.clone();
    let resource = Event::parse_trusted(body)?.resource()?;
    Ok(Contestant {
        name: "the limit",
        route: Some(Box::new(move || {
            let tag = key.clone().chain_update(body).finalize().into_bytes();
            std::hint::black_box(tag);
            usize::from(serde_json::from_slice::<IgnoredAny>(body).is_ok())
        })),
        read: None,
        reject: None,
        sign: Some(Box::new(move || usize::from(signer.clone().chain_update(body).finalize().into_bytes()[0] | 1))),
        canonical: Some(Box::new(move || serde_json::to_vec(&resource).map_or(0, |json| json.len()))),
    })
}

/// Returns carefully written code by hand: the key is prepared once, and `id` and `type` are borrowed.
fn by_hand<'a>(
    name: &'static str,
    body: &'a [u8],
    matches: impl Fn(&[u8], &[u8]) -> bool + Clone + 'a,
) -> Contestant<'a> {
    let header =
        Webhook::new(SECRET).ok().and_then(|webhook| webhook.sign(body, UnixTime::now()).ok()).unwrap_or_default();
    let wrong = one_wrong_bit(&header);
    let verify = move |header: &str| -> Option<()> {
        let (mut time, mut tag) = (None, None);
        for element in header.split(',') {
            match element.split_once('=')? {
                ("t", digits) => time = digits.parse::<i64>().ok(),
                ("v1", digits) => tag = hex::decode(digits).ok(),
                _ => {}
            }
        }
        ((now() - time?).abs() <= 300 && matches(body, &tag?)).then_some(())
    };
    let (reader, rejecter, good) = (verify.clone(), verify.clone(), header.clone());
    let route = move |verified: Option<()>| {
        verified
            .and_then(|()| serde_json::from_slice::<Envelope<'_>>(body).ok())
            .map_or(0, |event| event.id.len() + event.r#type.len())
    };
    Contestant {
        name,
        route: Some(Box::new(move || route(verify(&header)))),
        read: Some(Box::new(move || members(reader(&good).and_then(|()| serde_json::from_slice(body).ok())))),
        reject: Some(Box::new(move || route(rejecter(&wrong)))),
        sign: None,
        canonical: None,
    }
}

/// Returns another library with its own scheme. In Rust none parses JSON, so `route` only verifies.
fn library<'a>(
    name: &'static str,
    prefix: &str,
    body: &'a [u8],
    (time, signature): (i64, String),
    verify: impl Fn(&HeaderMap) -> bool + Clone + 'a,
) -> Result<Contestant<'a>> {
    let headers = |signature: &str| -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in [("id", "msg_1"), ("timestamp", &time.to_string()), ("signature", signature)] {
            let name = http::HeaderName::try_from(format!("{prefix}-{name}"))?;
            headers.insert(name, HeaderValue::try_from(value)?);
        }
        Ok(headers)
    };
    let (good, wrong) = (headers(&signature)?, headers(&one_wrong_bit(&signature))?);
    let (reader, rejecter, read_headers) = (verify.clone(), verify.clone(), good.clone());
    Ok(Contestant {
        name,
        route: Some(Box::new(move || usize::from(verify(&good)))),
        read: Some(Box::new(move || {
            members(reader(&read_headers).then(|| serde_json::from_slice(body).ok()).flatten())
        })),
        reject: Some(Box::new(move || usize::from(rejecter(&wrong)))),
        sign: None,
        canonical: None,
    })
}

fn members(event: Option<Value>) -> usize {
    event.and_then(|event| event.as_object().map(serde_json::Map::len)).unwrap_or_default()
}

/// Returns the header with its tenth digit from the end changed.
fn one_wrong_bit(header: &str) -> String {
    let (start, end) = header.split_at(header.len() - 10);
    let (digit, end) = end.split_at(1);
    format!("{start}{}{end}", if digit == "0" { "1" } else { "0" })
}

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
