//! The module's surface, without a JavaScript runtime: what the face writes and reads, written and read here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails, as it should")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use clarife_webhooks::{ErrorCode, EventType};

use crate::{INPUT, OUT, TEXT, close, open, out, reserve, secret, sign, verify};

const NOW: f64 = 1_774_699_200.0;
const BODY: &str = r#"{"id":"evt_1","x":"zażółć 😀","type":"share.created","created_at":"2026-03-28T12:00:00.1239Z","data":{"y":"é"}}"#;

/// The module has one thread; these tests have many.
fn module() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes as the host does.
fn write(parts: &[&[u8]]) {
    let bytes = parts.concat();
    assert!(!reserve(bytes.len()).is_null());
    INPUT.with(|input| input[..bytes.len()].copy_from_slice(&bytes));
}

fn opened(secrets: &[&str]) -> usize {
    for one in secrets {
        write(&[one.as_bytes()]);
        secret(one.len());
    }
    open(f64::NAN, f64::NAN)
}

fn numbers() -> [f64; 11] {
    OUT.with(|out| *out)
}

fn text() -> String {
    TEXT.with(|text| text.clone())
}

fn signed(webhook: usize, body: &[u8]) -> String {
    write(&[body]);
    sign(webhook, body.len(), NOW);
    assert_eq!(numbers()[0], 0.0);
    text()
}

fn verified(webhook: usize, body: &[u8], header: &str) -> [f64; 11] {
    write(&[body, header.as_bytes()]);
    verify(webhook, body.len(), i32::try_from(header.len()).unwrap(), NOW);
    numbers()
}

fn code(numbers: [f64; 11]) -> Option<ErrorCode> {
    ErrorCode::ALL.into_iter().zip(1_u8..).find(|(_, number)| f64::from(*number) == numbers[0]).map(|(code, _)| code)
}

#[test]
fn a_delivery_goes_through() {
    let _module = module();
    let webhook = opened(&["whsec_a"]);
    let numbers = verified(webhook, BODY.as_bytes(), &signed(webhook, BODY.as_bytes()));
    let units: Vec<u16> = BODY.encode_utf16().collect();
    let token =
        |place: usize| String::from_utf16(&units[numbers[place] as usize..numbers[place + 1] as usize]).unwrap();
    assert_eq!(numbers[0], 0.0);
    assert_eq!(EventType::KNOWN[numbers[1] as usize], EventType::ShareCreated);
    assert_eq!([token(2), token(4), token(7)], [r#""evt_1""#, r#""share.created""#, r#"{"y":"é"}"#]);
    assert_eq!(numbers[6], NOW * 1000.0 + 123.0);
}

#[test]
fn the_numbers_say_where_the_text_is() {
    let _module = module();
    assert_eq!(opened(&[""]), 0);
    assert_eq!(code(numbers()), Some(ErrorCode::InvalidSecret));
    let text = text();
    assert_eq!(numbers()[10], text.len() as f64);
    assert!(text.is_ascii() && !text.is_empty());
    assert_eq!(out(), OUT.with(|out| out.as_ptr()));
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
    assert_eq!(numbers()[0], -1.0);
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
    write(&[b"whsec_a"]);
    secret(7);
    let strict = open(0.0, 0.0);
    let header = signed(strict, BODY.as_bytes());
    assert_eq!(code(verified(strict, BODY.as_bytes(), &header)), None, "created within the same second");
    write(&[BODY.as_bytes(), header.as_bytes()]);
    verify(strict, BODY.len(), i32::try_from(header.len()).unwrap(), NOW + 1.0);
    assert_eq!(code(numbers()), Some(ErrorCode::TimestampTooOld));
}

#[test]
fn secrets_are_wiped_from_the_input() {
    let _module = module();
    opened(&["whsec_wiped"]);
    assert!(INPUT.with(|input| !input.windows(5).any(|bytes| bytes == b"wiped")));
}

#[test]
fn handles_are_used_again_and_wrong_ones_do_nothing() {
    let _module = module();
    let (first, second) = (opened(&["whsec_a"]), opened(&["whsec_b"]));
    assert_ne!(first, second);
    close(first);
    assert_eq!(opened(&["whsec_c"]), first);
    let before = numbers();
    for handle in [0, usize::MAX, 1000] {
        write(&[b"{}"]);
        verify(handle, 2, -1, NOW);
        sign(handle, 2, NOW);
        close(handle);
        assert_eq!(numbers(), before);
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
    secret(usize::MAX);
    assert_eq!(open(f64::NAN, f64::NAN), 0);
    assert!(reserve(usize::MAX).is_null());
    assert!(!reserve(0).is_null());
}
