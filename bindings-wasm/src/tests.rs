//! Tests of the module's exports without a JavaScript runtime: they write and read as the host does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails, as it should")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use clarife_webhooks::abi::{
    COUNT, CREATED_AT_START, DATA_START, DONE, FULL, ID_START, IN_PROGRESS, Numbers, TEXT_LENGTH, TEXT_START, TYPE,
    TYPE_START, VERDICT,
};
use clarife_webhooks::{ErrorCode, EventType};

use crate::handles::Handles;
use crate::{
    INPUT, MAX_KEPT, OUT, TEXT, VALUES, claim, close, complete, describe, key, open, open_store, out, parse, release,
    reserve, sign, sign_standard, verify, verify_standard,
};

const NOW: f64 = 1_774_699_200.0;
const BODY: &str = r#"{"id":"evt_1","x":"zażółć 😀","type":"share.created","created_at":"2026-03-28T12:00:00.1239Z","data":{"y":"é"}}"#;

/// Locks the module, which has one thread, for a test.
fn module() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the input as the host does.
fn write(parts: &[&[u8]]) {
    let bytes = parts.concat();
    assert!(!reserve(bytes.len()).is_null());
    INPUT.with(|input| input[..bytes.len()].copy_from_slice(&bytes));
}

fn opened(secrets: &[&str]) -> f64 {
    opened_with(secrets, &[])
}

fn opened_with(secrets: &[&str], options: &[f64]) -> f64 {
    let ended: Vec<Vec<u8>> = secrets.iter().map(|secret| [secret.as_bytes(), &[u8::MAX]].concat()).collect();
    let parts: Vec<&[u8]> = ended.iter().map(Vec::as_slice).collect();
    write(&parts);
    open_with(parts.concat().len(), options)
}

/// Writes the options and calls `open`, as the host does.
fn open_with(length: usize, options: &[f64]) -> f64 {
    OUT.with(|out| out[..options.len()].copy_from_slice(options));
    open(length, options.len())
}

fn numbers() -> Numbers {
    OUT.with(|out| *out)
}

fn text() -> String {
    TEXT.with(|text| text.clone())
}

fn signed(webhook: f64, body: &[u8]) -> String {
    write(&[body]);
    sign(webhook, body.len(), NOW);
    assert_eq!(numbers()[VERDICT], 0.0);
    text()
}

fn verified(webhook: f64, body: &[u8], header: &str) -> Numbers {
    write(&[body, header.as_bytes()]);
    verify(webhook, body.len(), i32::try_from(header.len()).unwrap(), NOW);
    numbers()
}

fn code(numbers: Numbers) -> Option<ErrorCode> {
    ErrorCode::ALL
        .into_iter()
        .zip(1_u8..)
        .find(|(_, number)| f64::from(*number) == numbers[VERDICT])
        .map(|(code, _)| code)
}

#[test]
fn a_delivery_goes_through() {
    let _module = module();
    let webhook = opened(&["whsec_a"]);
    let numbers = verified(webhook, BODY.as_bytes(), &signed(webhook, BODY.as_bytes()));
    let units: Vec<u16> = BODY.encode_utf16().collect();
    let token = |place: usize| {
        let range = numbers[place] as usize..numbers[place + 1] as usize;
        if cfg!(feature = "standalone") { BODY[range].to_owned() } else { String::from_utf16(&units[range]).unwrap() }
    };
    assert_eq!(numbers[VERDICT], 0.0);
    assert_eq!(EventType::KNOWN[numbers[TYPE] as usize], EventType::ShareCreated);
    assert_eq!(
        [token(ID_START), token(TYPE_START), token(CREATED_AT_START), token(DATA_START)],
        [r#""evt_1""#, r#""share.created""#, r#""2026-03-28T12:00:00.1239Z""#, r#"{"y":"é"}"#]
    );
}

#[test]
fn the_numbers_locate_the_text() {
    let _module = module();
    assert_eq!(opened(&[""]), 0.0);
    assert_eq!(code(numbers()), Some(ErrorCode::InvalidSecret));
    let text = text();
    assert_eq!(numbers()[TEXT_LENGTH], text.len() as f64);
    assert_eq!(numbers()[TEXT_START], TEXT.with(|text| text.as_ptr()).addr() as f64);
    assert!(text.is_ascii() && !text.is_empty());
    assert_eq!((out(), COUNT), (OUT.as_ptr().cast(), numbers().len()));
}

#[test]
fn refusals_have_the_place_of_their_code() {
    let _module = module();
    let webhook = opened(&["whsec_a"]);
    let header = signed(webhook, BODY.as_bytes());
    assert_eq!(code(verified(webhook, b"{}", &header)), Some(ErrorCode::SignatureMismatch));
    assert_eq!(code(verified(webhook, BODY.as_bytes(), "t")), Some(ErrorCode::MalformedSignature));
    assert_eq!(code(verified(webhook, BODY.as_bytes(), "")), Some(ErrorCode::MissingSignature));
    let header = signed(webhook, b"{}");
    assert_eq!(code(verified(webhook, b"{}", &header)), Some(ErrorCode::MalformedPayload));
    write(&[BODY.as_bytes()]);
    verify(webhook, BODY.len(), -1, NOW);
    assert_eq!(code(numbers()), Some(ErrorCode::MissingSignature));
    sign(webhook, 0, -1.0);
    assert_eq!(numbers()[VERDICT], -1.0);
}

#[test]
fn times_beyond_an_i64_are_cut() {
    let _module = module();
    let webhook = opened(&["whsec_a"]);
    let header = signed(webhook, BODY.as_bytes());
    for (now, expected) in [
        (f64::MAX, ErrorCode::TimestampTooOld),
        (f64::INFINITY, ErrorCode::TimestampTooOld),
        (f64::MIN, ErrorCode::TimestampInFuture),
    ] {
        write(&[BODY.as_bytes(), header.as_bytes()]);
        verify(webhook, BODY.len(), i32::try_from(header.len()).unwrap(), now);
        assert_eq!(code(numbers()), Some(expected));
    }
}

#[test]
fn several_secrets_and_options() {
    let _module = module();
    let webhook = opened(&["whsec_new", "whsec_a"]);
    assert_eq!(signed(webhook, b"{}").matches("v1=").count(), 2);
    let strict = opened_with(&["whsec_a"], &[0.0, 0.0]);
    let header = signed(strict, BODY.as_bytes());
    assert_eq!(code(verified(strict, BODY.as_bytes(), &header)), None, "created within the second");
    write(&[BODY.as_bytes(), header.as_bytes()]);
    verify(strict, BODY.len(), i32::try_from(header.len()).unwrap(), NOW + 1.0);
    assert_eq!(code(numbers()), Some(ErrorCode::TimestampTooOld));
}

#[test]
fn secrets_are_wiped_from_the_input() {
    let _module = module();
    opened(&["whsec_wiped", "whsec_wiped_too"]);
    assert!(INPUT.with(|input| !input.windows(5).any(|bytes| bytes == b"wiped")));
}

#[test]
fn secrets_end_where_they_end() {
    let _module = module();
    let header = |secrets: &[&str]| signed(opened(secrets), b"{}");
    assert_eq!(
        header(&["whsec_a", "ż"]),
        format!("{},v1={}", header(&["whsec_a"]), &header(&["ż"])[header(&["ż"]).len() - 64..])
    );
    for secrets in [&[][..], &["", "whsec_a"], &["whsec_a", ""], &["whsec_a\0whsec_b"]] {
        assert_eq!(opened(secrets), 0.0);
        assert_eq!(code(numbers()), Some(ErrorCode::InvalidSecret));
    }
    for input in [&b"whsec_a"[..], b"whsec_a\xffwhsec_b", b"whsec_a\xff\xc3\xff", b"\xff"] {
        write(&[input]);
        assert_eq!(open_with(input.len(), &[]), 0.0, "a secret needs its end, and must be UTF-8");
    }
}

#[test]
fn a_trusted_body_is_read_and_an_untrusted_one_refused() {
    let _module = module();
    write(&[BODY.as_bytes()]);
    parse(BODY.len());
    let parsed = numbers();
    let webhook = opened(&["whsec_a"]);
    let header = signed(webhook, BODY.as_bytes());
    assert_eq!(parsed[..TEXT_START], verified(webhook, BODY.as_bytes(), &header)[..TEXT_START]);
    write(&[b"{}"]);
    parse(2);
    assert_eq!(code(numbers()), Some(ErrorCode::MalformedPayload));
}

#[test]
fn every_code_is_described_and_no_other() {
    let _module = module();
    for (code, number) in ErrorCode::ALL.into_iter().zip(1_u8..) {
        describe(f64::from(number));
        assert_eq!(text(), format!("{}\n{}", clarife_webhooks::WebhookError::from(code), code.hint()));
        assert_eq!(text().matches('\n').count(), 1);
    }
    for wrong in [0.0, -1.0, 12.0, f64::NAN, f64::INFINITY] {
        describe(wrong);
        assert_eq!(text(), "");
    }
}

#[test]
fn a_large_input_is_not_kept() {
    let _module = module();
    let webhook = opened(&["whsec_a"]);
    for (length, kept) in [(MAX_KEPT, MAX_KEPT), (MAX_KEPT + 1, 0), (2, 2)] {
        for call in
            [&|length| sign(webhook, length, NOW), &|length| parse(length), &|length| verify(webhook, length, -1, NOW)]
                as [&dyn Fn(usize); 3]
        {
            INPUT.take();
            write(&[&vec![b' '; length]]);
            call(length);
            assert_eq!(INPUT.with(|input| input.len()), kept);
        }
    }
    assert_eq!(numbers()[VERDICT], 2.0);
}

#[test]
fn a_call_that_ends_in_the_middle_leaves_no_wrong_webhook() {
    let _module = module();
    let webhook = opened(&["whsec_a"]);
    let trap = || -> () { std::panic::resume_unwind(Box::new("a trap")) };
    assert!(std::panic::catch_unwind(|| INPUT.with(|_| trap())).is_err());
    assert!(std::panic::catch_unwind(|| TEXT.with(|_| trap())).is_err());
    let header = signed(webhook, BODY.as_bytes());
    assert_eq!(verified(webhook, BODY.as_bytes(), &header)[VERDICT], 0.0);
    assert!(std::panic::catch_unwind(|| VALUES.with(|_| trap())).is_err());
    for _ in 0..2 {
        assert!(std::panic::catch_unwind(|| opened(&["whsec_b"])).is_err(), "the handle of the lost webhook");
        assert!(std::panic::catch_unwind(|| verified(webhook, BODY.as_bytes(), &header)).is_err());
        assert!(std::panic::catch_unwind(|| open_store(1.0)).is_err());
        assert!(std::panic::catch_unwind(|| close(webhook)).is_err());
    }
    VALUES.reset(Handles::new());
}

#[test]
fn no_handle_is_used_again_and_wrong_ones_are_refused() {
    let _module = module();
    let (first, second) = (opened(&["whsec_a"]), opened(&["whsec_b"]));
    assert_ne!(first, second);
    close(first);
    let third = opened(&["whsec_c"]);
    assert!(third != first && third != second);
    let verdicts = |handle| {
        let header = signed(third, BODY.as_bytes());
        let verify = verified(handle, BODY.as_bytes(), &header)[VERDICT];
        sign(handle, 2, NOW);
        [verify, numbers()[VERDICT]]
    };
    assert_eq!(verdicts(third), [0.0, 0.0]);
    for handle in [first, 0.0, -1.0, f64::NAN, f64::MAX, 1000.0] {
        assert_eq!(verdicts(handle), [-1.0, -1.0], "never the last call's verdict");
        close(handle);
    }
}

#[test]
fn lengths_beyond_the_input_reach_nothing() {
    let _module = module();
    let webhook = opened(&["whsec_a"]);
    write(&[b"{}"]);
    for (body, header) in [(usize::MAX, 1), (2, i32::MAX), (usize::MAX, i32::MIN)] {
        verify(webhook, body, header, NOW);
        assert_eq!(code(numbers()), Some(ErrorCode::MissingSignature));
    }
    sign(webhook, usize::MAX, NOW);
    parse(usize::MAX);
    assert_eq!(code(numbers()), Some(ErrorCode::MalformedPayload));
    assert_eq!(open(usize::MAX, usize::MAX), 0.0);
    assert_eq!(code(numbers()), Some(ErrorCode::InvalidSecret));
    assert!(reserve(usize::MAX).is_null());
    assert!(!reserve(0).is_null());
}

#[test]
fn standard_webhooks_go_through() {
    let _module = module();
    write(&[b"whsec_AAAA\xff"]);
    let webhook = open_with(11, &[f64::NAN, f64::NAN, 1.0]);
    write(&[BODY.as_bytes(), b"evt_1"]);
    sign_standard(webhook, BODY.len(), 5, NOW);
    assert_eq!(numbers()[VERDICT], 0.0);
    let headers = text();
    let [id, timestamp, signature]: [&str; 3] = headers.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let verdict = |signature: &str| {
        write(&[BODY.as_bytes(), id.as_bytes(), timestamp.as_bytes(), signature.as_bytes()]);
        verify_standard(webhook, BODY.len(), id.len(), timestamp.len(), signature.len(), NOW);
        code(numbers())
    };
    assert_eq!(verdict(signature), None);
    assert_eq!(verdict(""), Some(ErrorCode::MissingSignature));
    assert_eq!(verdict("v1,é"), Some(ErrorCode::MalformedSignature));
    assert_eq!(code(verified(webhook, BODY.as_bytes(), "t=1")), Some(ErrorCode::MissingSignature));
    verify_standard(webhook, usize::MAX, usize::MAX, 1, usize::MAX, NOW);
    assert_eq!(code(numbers()), Some(ErrorCode::MissingSignature));

    write(&[b"{}", b"two words"]);
    sign_standard(webhook, 2, 9, NOW);
    assert_eq!((numbers()[VERDICT], text().as_str()), (-1.0, "id must be 1 to 4096 characters of visible ASCII"));
    let other = opened(&["whsec_?"]);
    write(&[b"{}", b"evt_1"]);
    sign_standard(other, 2, 5, NOW);
    assert_eq!(code(numbers()), Some(ErrorCode::InvalidSecret));
    write(&[b"whsec_?\xff"]);
    assert_eq!(open_with(8, &[f64::NAN, f64::NAN, 1.0]), 0.0);
    assert_eq!(code(numbers()), Some(ErrorCode::InvalidSecret));
}

#[test]
fn stores_tell_what_was_handled() {
    let _module = module();
    let claim = |store, id: &str, now| {
        write(&[id.as_bytes()]);
        claim(store, id.len(), now, 60_000.0)
    };
    let complete = |store, id: &str, now| {
        write(&[id.as_bytes()]);
        complete(store, id.len(), now, 60_000.0)
    };
    let (store, other) = (open_store(2.0), open_store(f64::NAN));
    let token = claim(store, "a", 0.0);
    assert!(token >= 1.0 && claim(other, "a", 0.0) >= 1.0, "stores share nothing");
    assert_eq!(claim(store, "a", 1.0), IN_PROGRESS);
    write(&[b"a"]);
    release(store, 1, token);
    assert!(claim(store, "a", 2.0) > token);
    assert_eq!(complete(store, "a", 3.0), 0.0);
    assert_eq!(claim(store, "a", 4.0), DONE);
    assert!(claim(store, "b", 5.0) > 0.0 && claim(store, "c", 5.0) > 0.0);
    assert_eq!(claim(store, "d", 6.0), FULL);
    assert_eq!(complete(store, "d", 6.0), FULL);
    close(store);
    for gone in [store, 0.0, f64::MAX] {
        assert_eq!(claim(gone, "b", 7.0), FULL, "a missing store refuses");
    }
    close(other);
    write(&[b"evt_1"]);
    key(5);
    assert_eq!(text(), "evt_1");
}
