//! The project's speed and size targets.

use super::bodies::SIZES;
use super::results::{OURS, Results};
use super::startup::Startup;

/// A target and its measurement.
pub struct Verdict {
    pub name: String,
    pub target: f64,
    pub measured: f64,
    pub unit: &'static str,
}

impl Verdict {
    /// Returns `true` if the target is met.
    pub fn met(&self) -> bool {
        self.measured <= self.target
    }
}

const KIB: &[usize] = &[1024];
const FROM_KIB: &[usize] = &[1024, 10_240, 102_400, 1_048_576];

/// A runtime, this library's and another contestant, a job, the sizes of bodies, and the largest accepted ratio.
type Ratio = (&'static str, &'static str, &'static str, &'static str, &'static [usize], f64);

const RATIOS: [Ratio; 25] = [
    ("node", OURS, "by hand, node:crypto", "route", KIB, 0.30),
    ("node", OURS, "by hand, node:crypto", "read", KIB, 0.60),
    ("node", OURS, "by hand, node:crypto", "reject", KIB, 0.6),
    ("node", OURS, "stripe", "route", KIB, 0.27),
    ("node", OURS, "stripe", "read", KIB, 0.55),
    ("node", OURS, "stripe", "reject", KIB, 0.45),
    ("node", OURS, "svix", "route", KIB, 0.13),
    ("node", OURS, "svix", "read", KIB, 0.26),
    ("node", OURS, "svix", "reject", KIB, 0.15),
    ("node", OURS, "standardwebhooks", "route", KIB, 0.13),
    ("node", OURS, "standardwebhooks", "read", KIB, 0.26),
    ("node", OURS, "standardwebhooks", "reject", KIB, 0.15),
    ("python", OURS, "by hand, hmac + json", "route", KIB, 0.20),
    ("python", OURS, "by hand, hmac + json", "read", KIB, 0.45),
    ("python", OURS, "by hand, hmac + json", "reject", KIB, 0.3),
    ("python", OURS, "stripe", "route", KIB, 0.01),
    ("python", OURS, "stripe", "read", KIB, 0.025),
    ("rust", OURS, "standardwebhooks", "route", KIB, 0.40),
    ("rust", OURS, "standardwebhooks", "reject", KIB, 0.3),
    ("node", "clarife-webhooks/wasm", "by hand, WebCrypto", "route", KIB, 0.35),
    ("node", "clarife-webhooks/wasm", "by hand, WebCrypto", "read", KIB, 0.5),
    ("node", "clarife-webhooks/wasm", "by hand, WebCrypto", "reject", KIB, 0.5),
    ("rust", OURS, LIMIT, "route", FROM_KIB, 1.10),
    ("rust", OURS, LIMIT, "sign", KIB, 1.1),
    ("rust", OURS, LIMIT, "canonical", &SIZES, 1.3),
];

const LIMIT: &str = "the limit";

/// Compares all measurements with their targets. A target for several bodies takes the largest ratio.
pub fn verdicts(results: &Results, startup: &Startup) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (runtime, ours, theirs, job, sizes, target) in RATIOS {
        let texts: &[&str] = if theirs == LIMIT { &["ascii", "unicode"] } else { &["ascii"] };
        let ratios = sizes.iter().flat_map(|&size| texts.iter().map(move |&text| (size, text)));
        let ratios = ratios.filter_map(|(size, text)| {
            let of = |contestant| results.median(runtime, job, text, contestant, size);
            Some(of(ours)? / of(theirs)?)
        });
        let Some(measured) = ratios.reduce(f64::max) else { continue };
        let name = match (runtime, ours) {
            ("node", OURS) => "Node, native",
            ("node", _) => "Node, wasm",
            ("python", _) => "Python",
            _ => "Rust",
        };
        let (job, theirs) = match (job, theirs) {
            ("sign", _) => ("sign", "one HMAC"),
            ("canonical", _) => ("canonical JSON, every size", "serde_json::to_vec"),
            (_, LIMIT) => {
                ("verify and route, every size from 1 KiB, ASCII or not", "one HMAC and one pass of serde_json")
            }
            ("route", "standardwebhooks" | "svix") if runtime == "rust" => {
                ("verify and route", "standardwebhooks, which reads no JSON")
            }
            ("route", _) => ("verify and route", theirs),
            ("read", _) => ("verify and read", theirs),
            (job, _) => (job, theirs),
        };
        verdicts.push(Verdict { name: format!("{name} ÷ {theirs}: {job}"), target, measured, unit: "" });
    }
    verdicts.extend(linear(results, 1.1));
    let gzip = startup.wasm_gzip as f64;
    verdicts.push(Verdict { name: "the .wasm, gzipped".into(), target: 32_000.0, measured: gzip, unit: " bytes" });
    verdicts
}

/// Compares the time per byte at 1 MiB and at 100 KiB.
fn linear(results: &Results, target: f64) -> Option<Verdict> {
    let cost = |size: usize| Some(results.median("rust", "route", "ascii", OURS, size)? / size as f64);
    let measured = cost(1_048_576)? / cost(102_400)?;
    Some(Verdict { name: "Rust: a byte of 1 MiB ÷ a byte of 100 KiB".into(), target, measured, unit: "" })
}
