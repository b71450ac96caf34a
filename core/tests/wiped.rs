//! Keys in the memory of the process: none after a webhook is dropped.
//!
//! The test looks for the keys of a known secret in everything that the process can write: the heap with its freed blocks,
//! and all stacks. Linux shows them in `/proc/self`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics fails, as it should"
)]

use std::fs::{File, read_to_string};
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;

use clarife_webhooks::{UnixTime, Webhook};

const SECRET: &str = "whsec_x4xx7UHdasKimEWeWXzahVv6crzOUfJ3bEDVikciCsY=";
const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);
const BODY: &str = r#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}"#;

/// The words of the keys, XOR [`MASK`]: otherwise the test would find its own constants.
const KEYS: [(&str, [u32; 8]); 5] = [
    ("inner state", [0x59218ec1, 0xf7a3c38a, 0xdd5c31de, 0x4a172f3a, 0x3f197d19, 0xa47a14d7, 0x3ddc6350, 0xb5ab8955]),
    ("outer state", [0x47f996ed, 0xb76ea98d, 0x681661cc, 0xf73c72f4, 0x681c7661, 0xd12aa957, 0xed915597, 0xfc6eafe9]),
    (
        "inner state of Standard Webhooks",
        [0xa7c3a218, 0xd856c135, 0x9f865799, 0x91f12493, 0xbdbf5953, 0x877d1d74, 0xcabd0609, 0x13536203],
    ),
    (
        "outer state of Standard Webhooks",
        [0x56caa1be, 0xa4de9ee0, 0x35fe655f, 0x5bf57703, 0x20fcfba6, 0x61074321, 0x1813053b, 0x12e77a7a],
    ),
    (
        "decoded key of Standard Webhooks",
        [0xb72bd69d, 0x9830871b, 0xc41fc2f8, 0xdf802603, 0xe628a001, 0x2da80b94, 0xd08f1a36, 0x9c50781d],
    ),
];
const MASK: u32 = 0x5a5a_5a5a;

/// Returns the number of places in memory with two neighbouring words of each key, in either order.
fn find() -> [usize; KEYS.len()] {
    let mask = black_box(MASK);
    let memory = File::open("/proc/self/mem").expect("Linux");
    let mut found = [0; KEYS.len()];
    // The ends of all words of the keys: few other words have one of them.
    let mut ends = vec![false; 1 << 16];
    KEYS.iter().flat_map(|(_, key)| key).for_each(|word| ends[*word as usize & 0xffff] = true);
    let mut buffer = vec![0; 1 << 20];
    for line in read_to_string("/proc/self/maps").expect("Linux").lines().filter(|line| line.contains(" rw-p ")) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let address = |digits| u64::from_str_radix(digits, 16).expect("an address");
        let (mut from, to) = (address(from), address(to));
        while from < to {
            let length = buffer.len().min(usize::try_from(to - from).expect("a length"));
            let Ok(read @ 1..) = memory.read_at(&mut buffer[..length], from) else { break };
            for window in buffer[..read].windows(8) {
                let word = |at: usize| window[at..][..4].try_into().map_or(0, u32::from_le_bytes) ^ mask;
                let first = word(0);
                if !ends[first as usize & 0xffff] {
                    continue;
                }
                let second = word(4);
                for (count, (_, key)) in found.iter_mut().zip(&KEYS) {
                    *count += key
                        .windows(2)
                        .filter(|pair| (first, second) == (pair[0], pair[1]) || (first, second) == (pair[1], pair[0]))
                        .count();
                }
            }
            from += read as u64;
        }
    }
    found
}

/// Uses a webhook in every way.
#[inline(never)]
fn work(webhook: &Webhook) {
    let signature = webhook.sign(BODY, NOW).expect("a timestamp");
    assert!(webhook.verify_at(BODY, &signature, NOW).is_ok());
    let standard = webhook.clone().require_standard_webhooks().expect("base64");
    let headers = standard.sign_standard(BODY, "evt_1", NOW).expect("an id");
    assert!(standard.verify_at(BODY, &headers, NOW).is_ok());
    assert!(webhook.verify_at(BODY, "t=1774699200,v1=00", NOW).is_err());
}

/// Calls a function with this much of the stack between it and the caller.
#[inline(never)]
fn deeper<const BYTES: usize, T>(call: impl FnOnce() -> T) -> T {
    let mut between = [0_u8; BYTES];
    black_box(&mut between);
    let result = call();
    black_box(&mut between);
    result
}

#[test]
fn no_key_remains_after_a_webhook_is_dropped() {
    assert_eq!(find(), [0; 5], "before");
    deeper::<100_000, _>(|| {
        let webhook = Webhook::new(SECRET).expect("a secret");
        work(&webhook);
        deeper::<10_000, _>(|| work(&webhook));
        let alive = find();
        for ((name, _), count) in KEYS.iter().zip(alive).take(4) {
            assert!(count >= 7, "the test does not find the {name}: {alive:?}");
        }
        assert_eq!(alive[4], 0, "the decoded key is needed no longer");
    });
    assert_eq!(find(), [0; 5], "after one secret");
    deeper::<100_000, _>(|| {
        // The vector of the keys would grow, and leave copies behind.
        let webhook = Webhook::from_secrets((0..9).map(|_| SECRET)).expect("secrets");
        work(&webhook);
        let moved = Box::new(webhook.with_max_event_age(900));
        std::thread::spawn(move || work(&moved)).join().expect("no panic");
        assert!(Webhook::from_secrets([SECRET, SECRET, ""]).is_err());
    });
    assert_eq!(find(), [0; 5], "after nine secrets and an error");
}
