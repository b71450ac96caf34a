//! The report of a run, and helpers for the format of the files.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

/// The outcome of a case: passed, or the value that differs.
pub(crate) type Outcome = Result<(), String>;

/// The outcome of a case that the runner cannot walk. The report does not count the case.
pub(crate) const SKIPPED: &str = "skipped";

#[derive(Default)]
pub(crate) struct Report {
    passed: BTreeMap<String, u64>,
    failed: Vec<Value>,
}

impl Report {
    /// Runs every case of a file with its group.
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

    /// Prints the line of JSON, and fails if a case has failed.
    pub(crate) fn finish(self) {
        let line = json!({"runtime": "rust", "version": version(), "passed": self.passed, "failed": self.failed});
        // Not `println!`: `cargo test` captures its output, but the caller reads this line.
        writeln!(std::io::stdout(), "\n{line}").expect("standard output takes the line");
        assert!(self.failed.is_empty(), "{} cases failed", self.failed.len());
    }
}

fn version() -> String {
    let output = std::process::Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split(' ').nth(1).unwrap_or("?").to_owned()
}

/// Reads a body in the format of the files: text, hexadecimal digits, or a repeated unit.
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

/// Compares two values. The error names `label` and both values.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(label: &str, got: T, expected: T) -> Outcome {
    if got == expected { Ok(()) } else { Err(format!("{label}: {got:?} instead of {expected:?}")) }
}
