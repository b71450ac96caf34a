//! Reading the files and keeping the score.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

/// What one case came to: nothing to say, or what was got instead.
pub(crate) type Outcome = Result<(), String>;

/// What a runner says of a case that it cannot walk; it is not counted.
pub(crate) const SKIPPED: &str = "skipped";

#[derive(Default)]
pub(crate) struct Report {
    passed: BTreeMap<String, u64>,
    failed: Vec<Value>,
}

impl Report {
    /// Runs every case of a file, with its group.
    pub(crate) fn walk(&mut self, name: &str, run: fn(&Value, &Value) -> Outcome) {
        let path = format!("{}/tests/vectors/files/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let file: Value = serde_json::from_str(&text).expect("a vector file is JSON");
        let mut walked = 0;
        let mut passed = 0;
        for group in file["testGroups"].as_array().expect("groups") {
            for test in group["tests"].as_array().expect("tests") {
                walked += 1;
                let outcome = catch_unwind(AssertUnwindSafe(|| run(group, test)))
                    .unwrap_or_else(|_| Err("a panic, see above".to_owned()));
                match outcome {
                    Ok(()) => passed += 1,
                    Err(got) if got == SKIPPED => {}
                    Err(got) => self.failed.push(json!({
                        "file": name, "tcId": test["tcId"], "comment": test["comment"], "got": got,
                    })),
                }
            }
        }
        if passed == 0 || Some(walked) != file["numberOfTests"].as_u64() {
            let got = format!("{walked} walked, {passed} passed, {} in the file", file["numberOfTests"]);
            self.failed.push(json!({"file": name, "tcId": 0, "comment": "number of cases", "got": got}));
        }
        self.passed.insert(name.to_owned(), passed);
    }

    /// Prints the line and fails if a case did.
    pub(crate) fn finish(self) {
        let line = json!({"runtime": "rust", "version": version(), "passed": self.passed, "failed": self.failed});
        // Not `println!`: the line is meant for the caller of `cargo test`, which keeps back what is printed.
        writeln!(std::io::stdout(), "\n{line}").expect("standard output takes the line");
        assert!(self.failed.is_empty(), "{} cases failed", self.failed.len());
    }
}

fn version() -> String {
    let output = std::process::Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split(' ').nth(1).unwrap_or("?").to_owned()
}

/// A body as the files write it: text, hex, or a unit repeated.
pub(crate) fn body(body: &Value) -> Vec<u8> {
    if let Some(text) = body["text"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(digits) = body["hex"].as_str() {
        return hex::decode(digits).expect("hex");
    }
    let part = |name: &str| body[name].as_str().expect("a part of the body");
    let count = usize::try_from(body["count"].as_u64().expect("a count")).expect("a count in memory");
    [part("prefix"), &part("unit").repeat(count), part("suffix")].concat().into_bytes()
}

pub(crate) fn strings(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|item| item.as_str().expect("a string")).collect()
}

/// Fails with `what` and both sides unless they are equal.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Outcome {
    if got == expected { Ok(()) } else { Err(format!("{what}: {got:?} instead of {expected:?}")) }
}
