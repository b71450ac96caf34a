//! Tests of the program: real processes, real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics fails, as it should"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clarife-sender"));
    command.env_remove("CLARIFE_WEBHOOK_SECRET").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("starts")
}

fn run_with(arguments: &[&str], input: &str) -> Output {
    let mut child = command().args(arguments).stdin(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("is piped").write_all(input.as_bytes()).expect("reads it");
    child.wait_with_output().expect("ends")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("is text")
}

/// A server process, killed when it is dropped.
struct Server {
    process: Child,
    lines: BufReader<ChildStdout>,
    url: String,
}

impl Server {
    /// Starts the process and waits until it prints its address, on standard output or standard error.
    fn start(arguments: &[&str]) -> Self {
        let mut process = command().args(arguments).spawn().expect("starts");
        let mut lines = BufReader::new(process.stdout.take().expect("is piped"));
        let url = if arguments[0] == "listen" {
            let mut errors = BufReader::new(process.stderr.take().expect("is piped"));
            let url = address(&mut errors);
            std::thread::spawn(move || errors.read_to_string(&mut String::new()));
            url
        } else {
            let mut errors = process.stderr.take().expect("is piped");
            std::thread::spawn(move || errors.read_to_string(&mut String::new()));
            address(&mut lines)
        };
        Self { process, lines, url }
    }

    /// Reads the next line of standard output if there is one.
    fn line_if(&mut self, expected: bool) -> String {
        if expected { self.line() } else { String::new() }
    }

    /// Reads the next line of standard output.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("is text");
        line
    }
}

fn address(lines: &mut impl std::io::BufRead) -> String {
    let mut output = String::new();
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("is text") > 0, "the process ended: {output}");
        if let Some(url) = line.trim().strip_prefix("listening on ") {
            return url.to_owned();
        }
        output.push_str(&line);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn terminate(process: &Child) {
    rustix::process::kill_process(rustix::process::Pid::from_child(process), rustix::process::Signal::TERM)
        .expect("is there");
}

fn request(method: &str, url: &str, token: &str, body: Option<Value>) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request =
        ureq::http::Request::builder().method(method).uri(url).header("authorization", format!("Bearer {token}"));
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let mut response = agent.run(request.body(body).expect("a request")).expect("answers");
    let text = response.body_mut().read_to_string().expect("is text");
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[test]
fn signed_bodies_are_verified_and_inspected() {
    let body = r#"{"id":"evt_1","type":"share.created","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    let signed = run_with(&["sign", "--secret", SECRET, "--at", "1774699200"], body);
    let header = stdout(&signed).trim().to_owned();
    assert!(header.starts_with("t=1774699200,v1="), "{header}");
    let verify = |extra: &[&str], body: &str| {
        run_with(&[&["verify", "--signature", &header, "--secret", SECRET], extra].concat(), body)
    };
    let good = verify(&["--at", "1774699300"], body);
    assert!(good.status.success() && stdout(&good).starts_with("verified share.created evt_1"), "{}", stdout(&good));
    for (extra, body, code) in [
        (&["--at", "1774699501"][..], body, "timestamp_too_old"),
        (&["--at", "1774698899"], body, "timestamp_in_future"),
        (&["--at", "1774699200"], "{}", "signature_mismatch"),
        (&["--at", "1774699210", "--max-event-age", "9"], body, "event_too_old"),
    ] {
        let refused = verify(extra, body);
        assert!(!refused.status.success() && stdout(&refused).contains(code), "{}", stdout(&refused));
    }
    let inspected = run(&["inspect", &header, "--at", "1774699205"]);
    let output = stdout(&inspected);
    assert!(!inspected.status.success() && output.starts_with("not checked: the header is well-formed"), "{output}");
    assert!(output.contains("2026-03-28T12:00:00Z, 5 s ago"), "{output}");
    for (header, expected) in
        [("v1=00", "malformed_signature"), ("", "missing_signature"), (header.as_str(), "timestamp_too_old")]
    {
        let inspected = run(&["inspect", header]);
        assert!(!inspected.status.success() && stdout(&inspected).contains(expected), "{header}");
    }
}

#[test]
fn secret_makes_a_new_secret() {
    let (first, second) = (stdout(&run(&["secret"])), stdout(&run(&["secret"])));
    let parsed = clarife_webhooks::sender::SigningSecret::parse(first.trim());
    assert!(parsed.is_ok() && first.ends_with('\n') && first != second, "{first}");
}

#[test]
fn send_tests_refusals() {
    let mut server = Server::start(&["listen", "--port", "0", "--secret", SECRET, "--json"]);
    for (extra, code, hint) in [
        (&["--tamper"][..], "signature_mismatch", "raw body"),
        (&["--at", "-600"], "timestamp_too_old", "clock"),
        (&["--at", "+600"], "timestamp_in_future", "clock"),
        (&["--at", "2026-03-28T12:00:00Z"], "timestamp_too_old", "clock"),
    ] {
        let sent = run(&[&["send", &server.url, "--secret", SECRET], extra].concat());
        let output = stdout(&sent);
        let after = output.split("status 400").nth(1).unwrap_or_default();
        assert!(!sent.status.success() && after.contains(code) && after.contains(hint), "{extra:?}: {output}");
        let seen: Value = serde_json::from_str(&server.line()).expect("is JSON");
        assert_eq!(seen["code"], code);
    }
    // A stored delivery needs no secret.
    let at = stdout(&run_with(&["sign", "--secret", SECRET, "--at", "-1"], EVENT));
    let header = format!("X-Clarife-Signature: {}", at.trim());
    let sent = run_with(&["send", &server.url, "--header", &header, "--body", "-"], EVENT);
    assert!(sent.status.success(), "{sent:?}");
    let missing = run(&["send", &server.url]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("--secret"), "{missing:?}");
    let time = run(&["send", &server.url, "--secret", SECRET, "--at", "yesterday"]);
    assert!(String::from_utf8_lossy(&time.stderr).contains("RFC 3339"), "{time:?}");
}

#[test]
fn verify_knows_standard_webhooks() {
    let webhook = clarife_webhooks::Webhook::new(SECRET).expect("a secret");
    let body = EVENT.replace("evt_1", "evt_\\u001b[2J");
    let at = clarife_webhooks::UnixTime::from_secs(1_774_699_200);
    let standard = webhook.sign_standard(&body, "evt_1", at).expect("is signed");
    let lines = standard.pairs().map(|(name, value)| format!("{name}: {value}"));
    let [id, time, signature] = lines.each_ref().map(String::as_str);
    let start = ["verify", "--secret", SECRET, "--at", "2026-03-28T12:00:05Z", "--header", id, "--header", signature];
    let good = run_with(&[&start[..], &["--header", time]].concat(), &body);
    assert_eq!(stdout(&good), "verified share.created evt_\u{fffd}[2J 2026-03-28T12:00:00Z\n");
    let missing = run_with(&start, &body);
    assert!(!missing.status.success() && stdout(&missing).contains("missing_signature"), "{missing:?}");
    let changed = run_with(&[&start[..], &["--header", &time.replace("200", "201")]].concat(), &body);
    assert!(!changed.status.success() && stdout(&changed).contains("signature_mismatch"), "{changed:?}");
    let named = format!("x-clarife-signature: {}", signed());
    let own = run_with(&["verify", "--secret", SECRET, "--at", "1774699205", "--header", &named], EVENT);
    assert!(own.status.success(), "{own:?}");
}

const EVENT: &str =
    r#"{"id":"evt_1","type":"share.created","created_at":"2026-03-28T12:00:00Z","data":{"id":"shr_1","n":1}}"#;

/// Returns the header of [`EVENT`].
fn signed() -> String {
    stdout(&run_with(&["sign", "--secret", SECRET, "--at", "1774699200"], EVENT)).trim().to_owned()
}

/// Inspects a delivery that arrived 5 s after its signature, and returns the report.
fn inspect(arguments: &[&str], body: &str) -> Value {
    let at: &[&str] = if arguments.contains(&"--at") { &[] } else { &["--at", "1774699205"] };
    let output = run_with(&[&["inspect", "--json", "--body", "@-"], at, arguments].concat(), body);
    let text = stdout(&output);
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(report["verified"], output.status.success(), "{report}");
    assert!(!text.contains("AAECAw"), "{text}");
    report
}

/// Returns the codes of the causes.
fn codes(report: &Value) -> Vec<&str> {
    report["causes"].as_array().expect("causes").iter().filter_map(|cause| cause["code"].as_str()).collect()
}

#[test]
fn inspect_finds_the_change_of_the_body() {
    let header = signed();
    let find = |body: &str| inspect(&[&header, "--secret", SECRET], body);
    assert_eq!(codes(&find(EVENT)), [""; 0]);
    let spaced = EVENT.replace("\":", "\": ").replace(",\"", ", \"");
    for (body, expected) in [
        (format!("{EVENT}\n"), "line_end_added"),
        (format!("\u{feff}{EVENT}"), "byte_order_mark"),
        (spaced, "body_rewritten"),
        (EVENT.replace(":1}", ":1.0}"), "body_rewritten"),
        (serde_json::to_string(EVENT).expect("a string"), "body_serialized_twice"),
        (EVENT.replace("}}", "}"), "body_cut"),
        (EVENT.replace("shr_1", "shr_2"), "other_secret"),
        (String::new(), "body_empty"),
    ] {
        assert_eq!(codes(&find(&body)), [expected], "{body}");
    }
    let report = find(&EVENT.replace(":1}", ":1.0}"));
    let sentence = "refused: the body was parsed and written again: numbers, from byte 99";
    assert_eq!((report["verdict"].as_str(), report["causes"][0]["byte"].as_u64()), (Some(sentence), Some(99)));
    let page = report["causes"][0]["page"].as_str().unwrap_or_default();
    assert!(page.ends_with("guides/mistakes/#the-body-was-parsed-first"), "{page}");
}

#[test]
fn inspect_finds_the_mistake_with_the_secret() {
    let header = signed();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).expect("fits");
    let file = format!("@{}", file.display());
    for (secret, expected) in [
        (format!("\"{SECRET}\""), "secret_in_quotes"),
        (SECRET.replace("whsec_", ""), "secret_without_prefix"),
        (SECRET.replace('=', ""), "secret_without_padding"),
        (hex::encode((0..32).collect::<Vec<u8>>()), "secret_in_hex"),
        (SECRET.replace("AAEC", "BAEC"), "other_secret"),
        ("undefined".to_owned(), "invalid_secret"),
        (file, "secret_white_space"),
    ] {
        assert_eq!(codes(&inspect(&[&header, "--secret", &secret], EVENT)), [expected], "{secret}");
    }
    let report = inspect(&[&header, "--secret", "whsec_b2xk", "--secret", SECRET], EVENT);
    assert_eq!(report["details"]["secret"], "number 2 of 2 fits", "{report}");
    let both = inspect(&[&header, "--secret", &format!("'{SECRET}'")], &format!("{EVENT}\r\n"));
    assert_eq!(codes(&both), ["line_end_added", "secret_in_quotes"]);
}

#[test]
fn inspect_finds_the_scheme_and_the_time() {
    let key = SECRET.as_bytes();
    let tag = |message: String| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
        mac.update(message.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    let stripe = format!("t=1774699200,v1={}", tag(format!("1774699200.{EVENT}")));
    let github = format!("X-Hub-Signature-256: sha256={}", tag(EVENT.to_owned()));
    for (header, expected) in [(stripe, "stripe"), (github, "github")] {
        assert_eq!(codes(&inspect(&[&header, "--secret", SECRET], EVENT)), [expected], "{header}");
    }
    let webhook = clarife_webhooks::Webhook::new(SECRET).expect("a secret");
    let at = clarife_webhooks::UnixTime::from_secs(1_774_699_200);
    let standard = webhook.sign_standard(EVENT, "evt_1", at).expect("is signed");
    let lines = standard.pairs().map(|(name, value)| format!("{name}: {value}"));
    let headers = lines.iter().flat_map(|line| ["--header", line.as_str()]);
    let arguments: Vec<&str> = headers.chain(["--secret", SECRET]).collect();
    assert_eq!(inspect(&arguments, EVENT)["verdict"], "verified: share.created evt_1");
    assert_eq!(codes(&inspect(&arguments, &format!("{EVENT}\n"))), ["line_end_added"]);
    // The name of the header is removed, and the time is in words.
    let named = format!("X-Clarife-Signature: {}", signed());
    let late = run_with(&["inspect", &named, "--secret", SECRET, "--body", "-", "--at", "1774710720"], EVENT);
    let output = stdout(&late);
    let sentence = "refused: it was signed 3 h 12 min ago, and the tolerance is 5 min\n";
    assert!(!late.status.success() && output.starts_with(sentence), "{output}");
    assert!(output.contains("mistakes/#old-deliveries") && output.contains("timestamp_too_old"), "{output}");
    let early = inspect(&[&named, "--secret", SECRET, "--at", "1774698000"], EVENT);
    assert_eq!(codes(&early), ["timestamp_in_future"]);
    let milliseconds = named.replace("1774699200", "1774699200000");
    assert_eq!(codes(&inspect(&[&milliseconds, "--secret", SECRET], EVENT)), ["milliseconds"]);
}

#[test]
fn secrets_are_never_shown() {
    for arguments in [&["sign", "--secret", " padded", "/dev/null"][..], &["send", "nonsense", "--secret", SECRET]] {
        let output = run(arguments);
        let all = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && !all.contains("padded") && !all.contains("AAECAw"), "{all}");
    }
    let help = command().args(["sign", "--help"]).env("CLARIFE_WEBHOOK_SECRET", SECRET).output().expect("starts");
    assert!(!stdout(&help).contains("AAECAw"));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("body.json");
    std::fs::write(&body, r#"{"id":"evt_1","type":"share.created","created_at":"2026-03-28T12:00:00Z","data":{}}"#)
        .expect("fits");
    let body = body.to_str().expect("UTF-8");
    for arguments in [
        &["openapi"][..],
        &["completions", "bash"],
        &["sign", body, "--secret", SECRET],
        &["verify", body, "--secret", SECRET, "--signature", "t=1,v1=00"],
        &["inspect", "t=1,v1=00"],
        &["send", "http://127.0.0.1:1/", "--secret", SECRET],
        &["serve", "--dev", "--listen", "127.0.0.1:0", "--log", "error"],
    ] {
        let mut process = command().args(arguments).spawn().expect("starts");
        drop(process.stdout.take());
        let output = process.wait_with_output().expect("ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(141), "{arguments:?}: {errors}");
        assert!(errors.is_empty() || arguments[0] == "serve" && !errors.contains("panic"), "{arguments:?}: {errors}");
    }
}

#[test]
fn send_and_listen_speak_to_each_other() {
    let elsewhere = run(&["listen", "--port", "0", "--host", "192.0.2.1", "--secret", SECRET]);
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("cannot listen on 192.0.2.1:0"));
    let mut behind = Server::start(&["listen", "--port", "0", "--secret", SECRET, "--json", "--answer", "202"]);
    let mut front =
        Server::start(&["listen", "--port", "0", "--secret", SECRET, "--json", "--forward-to", &behind.url.clone()]);
    let sent = run(&["send", &format!("{}/hooks", front.url), "--secret", SECRET, "--type", "media.uploaded"]);
    assert!(sent.status.success() && stdout(&sent).contains("status 202"), "{}", stdout(&sent));
    for server in [&mut front, &mut behind] {
        let seen: Value = serde_json::from_str(&server.line()).expect("is JSON");
        assert_eq!(
            (&seen["verified"], &seen["type"], &seen["answered"]),
            (&json!(true), &json!("media.uploaded"), &json!(202))
        );
        let created_at = seen["created_at"].as_str().expect("a time");
        assert!(created_at.contains('T') && created_at.ends_with('Z'), "{created_at}");
        let signature = seen["headers"]["x-clarife-signature"].as_str().expect("a header");
        assert!(signature.starts_with("t="), "{signature}");
    }
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let failed = run(&["send", &format!("http://{unused}/"), "--secret", SECRET]);
    let reason = format!("no response: cannot connect to {unused} (connection); check that a server listens");
    assert!(stdout(&failed).contains(&reason), "{}", stdout(&failed));
    let wrong = run_with(&["send", &front.url, "--secret", SECRET, "--body", "-"], "[]");
    let error = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(error.matches("not an event").count(), 1, "{error}");
    let other = SECRET.replace("AAEC", "BAEC");
    let refused = run(&["send", &front.url, "--secret", &other]);
    assert!(!refused.status.success() && stdout(&refused).contains("signature_mismatch"), "{}", stdout(&refused));
    let seen: Value = serde_json::from_str(&front.line()).expect("is JSON");
    assert_eq!((&seen["verified"], &seen["code"]), (&json!(false), &json!("signature_mismatch")));
}

#[test]
fn listen_makes_a_secret_and_keeps_the_order() {
    let mut process = command().args(["listen", "--port", "0", "--events", "share.created"]).spawn().expect("starts");
    let mut errors = BufReader::new(process.stderr.take().expect("is piped"));
    let mut first = String::new();
    errors.read_line(&mut first).expect("is text");
    let secret = first.strip_prefix("signing secret  ").expect("the secret comes first").trim();
    let url = address(&mut errors);
    let lines = BufReader::new(process.stdout.take().expect("is piped"));
    let mut server = Server { process, lines, url };
    let body = EVENT.replace(r#""data":{"#, r#""data":{"z":1.0,"a":{},"#);
    let other = body.replace("share.created", "document.updated");
    for (body, expected) in [(&other, 200), (&body, 200)] {
        let sent = run_with(&["send", &server.url, "--secret", secret, "--body", "-"], body);
        assert!(stdout(&sent).contains(&format!("status {expected}")), "{sent:?}");
    }
    let mut shown = String::new();
    while !shown.ends_with("\n}\n") {
        shown += &server.line();
    }
    assert!(shown.starts_with("verified share.created evt_1 2026-03-28T12:00:00Z /\n"), "{shown}");
    assert!(shown.contains("\n  x-clarife-signature: t="), "{shown}");
    assert!(shown.contains("{\n  \"z\": 1.0,\n  \"a\": {},\n  \"id\": \"shr_1\",\n  \"n\": 1\n}\n"), "{shown}");
    let unknown = run(&["listen", "--port", "0", "--events", "share.created,share.made"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("invalid event type \"share.made\""), "{unknown:?}");
}

#[test]
fn a_forward_that_fails_says_why() {
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let forward = format!("http://{unused}/hooks");
    let reason = format!("cannot forward to {forward}: cannot connect to {unused} (connection)");
    for json in [&[][..], &["--json"]] {
        let start = [&["listen", "--port", "0", "--secret", SECRET, "--forward-to", &forward], json].concat();
        let mut server = Server::start(&start);
        let sent = run(&["send", &server.url, "--secret", SECRET]);
        assert!(stdout(&sent).contains("status 502") && stdout(&sent).contains(&reason), "{sent:?}");
        let shown = server.line() + &server.line_if(json.is_empty());
        assert!(shown.contains(&reason), "{shown}");
    }
}

#[test]
fn the_port_answers_after_the_token_is_printed() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let port =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port();
        let listen = format!("127.0.0.1:{port}");
        let output = std::fs::File::create(&log).expect("is created");
        let mut process =
            command().args(["serve", "--dev", "--listen", &listen]).stdout(output).spawn().expect("starts");
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "the port does not answer");
        }
        let printed = std::fs::read_to_string(&log).expect("is text");
        process.kill().and_then(|()| process.wait()).expect("ends");
        assert!(printed.lines().any(|line| line.starts_with("token ")), "{printed}");
    }
}

#[test]
fn development_needs_nothing_and_delivers() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("dev.db").display());
    let mut process =
        command().args(["serve", "--dev", "--listen", "127.0.0.1:0", "--store", &store]).spawn().expect("starts");
    let mut lines = BufReader::new(process.stdout.take().expect("is piped"));
    let mut output = String::new();
    let url = loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("is text") > 0, "the process ended: {output}");
        if let Some(url) = line.trim().strip_prefix("listening on ") {
            break url.to_owned();
        }
        output.push_str(&line);
    };
    let value = |name: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(name)).expect("is printed");
        line.trim().to_owned()
    };
    let (secret, token, subscription) = (value("signing secret"), value("token"), value("subscription"));
    let mut listener = Server::start(&["listen", "--port", "0", "--secret", &secret, "--json"]);
    let change = json!({"url": format!("{}/hooks", listener.url)});
    assert_eq!(request("PATCH", &format!("{url}/v1/subscriptions/{subscription}"), &token, Some(change)).0, 200);
    let event = json!({"id": "evt_1", "type": "document.updated", "data": {"title": "Żółw 🐢"}});
    let (status, accepted) = request("POST", &format!("{url}/v1/events"), &token, Some(event));
    assert_eq!((status, &accepted["events"][0]["deliveries"]), (202, &json!(1)));
    let seen: Value = serde_json::from_str(&listener.line()).expect("is JSON");
    assert_eq!((&seen["id"], &seen["data"]["title"]), (&json!("evt_1"), &json!("Żółw 🐢")));
    assert_eq!(request("GET", &format!("{url}/readyz"), "", None).0, 200);
    let start = Instant::now();
    while request("GET", &format!("{url}/v1/deliveries?state=delivered"), &token, None).1["deliveries"] == json!([]) {
        assert!(start.elapsed() < Duration::from_secs(30), "it is not recorded");
        std::thread::sleep(Duration::from_millis(20));
    }
    // A backup of the running store, and a stop that leaves no other file behind.
    let copy = folder.path().join("backup.db");
    let backup = run(&["backup", copy.to_str().expect("UTF-8"), "--store", &store]);
    assert!(backup.status.success() && copy.exists());
    terminate(&process);
    assert!(process.wait().expect("ends").success());
    let mut errors = String::new();
    process.stderr.take().expect("is piped").read_to_string(&mut errors).expect("is text");
    for expected in ["DEVELOPMENT", "max_files", "max_connections", "stopped"] {
        assert!(errors.contains(expected), "{errors}");
    }
    assert!(!errors.contains('\u{1b}'), "{errors}");
    assert!(!errors.contains(&token) && !errors.contains(&secret) && !errors.contains("Żółw"), "{errors}");
    assert!(!folder.path().join("dev.db-wal").exists());
}

#[cfg(unix)]
#[test]
fn silent_connections_leave_descriptors_to_deliveries() {
    let mut listener = Server::start(&["listen", "--port", "0", "--secret", SECRET, "--json"]);
    let mut sender = Command::new("sh")
        .args(["-c", "ulimit -n 128 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_clarife-sender"), "serve", "--dev"])
        .args(["--listen", "127.0.0.1:0", "--dev-endpoint", &listener.url, "--dev-secret", SECRET])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(sender.stdout.take().expect("is piped"));
    let (mut token, mut url) = (None, None);
    while url.is_none() {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("is text") > 0, "the process ended");
        token = token.or_else(|| line.strip_prefix("token ").map(|token| token.trim().to_owned()));
        url = line.trim().strip_prefix("listening on ").map(str::to_owned);
    }
    let (sender, url) = (Server { process: sender, lines, url: String::new() }, url.expect("is there"));
    // A client with an open connection, then others that send nothing.
    let agent = ureq::Agent::new_with_defaults();
    let mut ready = agent.get(format!("{url}/readyz")).call().expect("answers");
    ready.body_mut().read_to_string().expect("is text");
    let address = url.strip_prefix("http://").expect("is a URL");
    let silent: Vec<_> = (0..140).map(|_| TcpStream::connect(address).expect("listens")).collect();
    std::thread::sleep(Duration::from_millis(500));
    let bearer = format!("Bearer {}", token.expect("is printed"));
    let event = r#"{"id": "evt_1", "type": "document.updated", "data": {}}"#;
    let accepted = agent.post(format!("{url}/v1/events")).header("authorization", bearer).send(event);
    assert_eq!(accepted.expect("answers").status(), 202);
    let start = Instant::now();
    let seen: Value = serde_json::from_str(&listener.line()).expect("is JSON");
    assert_eq!((&seen["id"], &seen["verified"]), (&json!("evt_1"), &json!(true)));
    assert!(start.elapsed() < Duration::from_secs(9), "it was delivered after the connections were closed");
    drop((silent, sender));
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_sender_at_once() {
    let endpoint = TcpListener::bind("127.0.0.1:0").expect("a port"); // it never responds
    let hook = format!("http://{}/", endpoint.local_addr().expect("an address"));
    let mut sender =
        command().args(["serve", "--dev", "--listen", "127.0.0.1:0", "--dev-endpoint", &hook]).spawn().expect("starts");
    let mut lines = BufReader::new(sender.stdout.take().expect("is piped"));
    let mut errors = BufReader::new(sender.stderr.take().expect("is piped"));
    let (mut output, mut url) = (String::new(), None);
    while url.is_none() {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("is text") > 0, "the process ended: {output}");
        url = line.trim().strip_prefix("listening on ").map(str::to_owned);
        output.push_str(&line);
    }
    let token = output.lines().find_map(|line| line.strip_prefix("token ")).expect("is printed").trim();
    let event = json!({"type": "document.updated", "data": {}});
    assert_eq!(request("POST", &format!("{}/v1/events", url.expect("is there")), token, Some(event)).0, 202);
    let _attempt = endpoint.accept().expect("an attempt");
    terminate(&sender);
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert!(errors.read_line(&mut line).expect("is text") > 0, "the process ended");
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(sender.try_wait().expect("is mine"), None, "it does not wait for the attempt");
    let start = Instant::now();
    terminate(&sender);
    assert_eq!(sender.wait().expect("ends").code(), Some(143));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_failed_start_names_the_cause_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, config) = (folder.path().join("other.db"), folder.path().join("sender.toml"));
    std::fs::write(&store, "not a database at all, but long enough to look at").expect("fits");
    std::fs::write(&config, "max_inflight = 3\n").expect("fits");
    let url = format!("sqlite:{}", store.display());
    for (arguments, expected) in [
        (&["serve", "--store", &url][..], "is damaged"),
        (&["serve", "--store", "mysql://127.0.0.1"], "invalid store URL"),
        (&["serve", "--store", "postgres:x"], "the URL must start with postgres://"),
        (&["serve", "--store", "postgres://me:geheim@127.0.0.1:1/x"], "error connecting to server: Connection refused"),
        (&["serve", "--store", "nats://127.0.0.1:1"], "cannot open the store"),
        (&["serve", "--config", config.to_str().expect("UTF-8")], "unknown field `max_inflight`"),
        (&["serve", "--store", &url, "--admin-token", "short"], ""),
        (&["backup", "/dev/null/x", "--store", &url], "is damaged"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(expected), "{arguments:?}: {error}");
        assert!(!error.contains("geheim"), "{error}");
    }
    assert_eq!(std::fs::read(&store).expect("is there"), b"not a database at all, but long enough to look at");
}

#[test]
fn development_refuses_other_stores_and_other_machines() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("store.db").display());
    let admin = "an administrator's token of 32 bytes";
    let dev = ["serve", "--dev", "--store", &store, "--admin-token", admin, "--listen"];
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = run(&[&dev[..], &[address]].concat());
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && error.contains("cannot serve --dev on"), "{error}");
    }
    // A store with a workspace of the obvious name, and a token in it.
    let server = Server::start(&["serve", "--store", &store, "--admin-token", admin, "--listen", "127.0.0.1:0"]);
    let new = json!({"name": "Development", "plan": "pro"});
    let (_, workspace) = request("POST", &format!("{}/v1/workspaces", server.url), admin, Some(new));
    let path = format!("/v1/workspaces/{}/tokens", workspace["id"].as_str().expect("is there"));
    let (_, made) = request("POST", &format!("{}{path}", server.url), admin, Some(json!({"name": "Development"})));
    drop(server);
    let refused = run(&[&dev[..], &["127.0.0.1:0"]].concat());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("it was not created by --dev"), "{error}");
    let server = Server::start(&["serve", "--store", &store, "--admin-token", admin, "--listen", "127.0.0.1:0"]);
    let token = made["token"].as_str().expect("is there");
    assert_eq!(
        request("GET", &format!("{}/v1/subscriptions", server.url), token, None),
        (200, json!({"subscriptions": []}))
    );
    drop(server);
    // Its own stores have one token of its own, and keep all others.
    let own = format!("sqlite:{}", folder.path().join("dev.db").display());
    let arguments = ["serve", "--dev", "--store", &own, "--admin-token", admin, "--listen", "127.0.0.1:0"];
    let server = Server::start(&arguments);
    let (_, all) = request("GET", &format!("{}/v1/workspaces", server.url), admin, None);
    let path = format!("/v1/workspaces/{}/tokens", all["workspaces"][0]["id"].as_str().expect("is there"));
    request("POST", &format!("{}{path}", server.url), admin, Some(json!({"name": "mine"})));
    drop(server);
    let server = Server::start(&arguments);
    let (_, tokens) = request("GET", &format!("{}{path}", server.url), admin, None);
    assert_eq!(tokens["tokens"].as_array().map(Vec::len), Some(2), "{tokens}");
}

#[cfg(feature = "opentelemetry")]
#[test]
fn traces_reach_a_collector() {
    let collector = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}/v1/traces", collector.local_addr().expect("an address"));
    collector.set_nonblocking(true).expect("is possible");
    let collected = std::thread::spawn(move || {
        let start = Instant::now();
        let mut stream = loop {
            match collector.accept() {
                Ok((stream, _)) => break stream,
                Err(_) if start.elapsed() < Duration::from_secs(30) => std::thread::sleep(Duration::from_millis(20)),
                Err(error) => panic!("nothing came: {error}"),
            }
        };
        stream.set_nonblocking(false).expect("is possible");
        let (mut all, mut part) = (Vec::new(), [0; 65536]);
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("is possible");
        while let Ok(length @ 1..) = stream.read(&mut part) {
            all.extend_from_slice(&part[..length]);
            if all.windows(7).any(|window| window == b"request") {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("is read");
        all
    });
    let server = Server::start(&["serve", "--dev", "--listen", "127.0.0.1:0", "--otlp-endpoint", &endpoint]);
    assert_eq!(request("GET", &format!("{}/healthz", server.url), "", None).0, 200);
    terminate(&server.process);
    let collected = collected.join().expect("no panic");
    for expected in [&b"POST /v1/traces"[..], b"clarife-sender", b"request", b"/healthz"] {
        assert!(collected.windows(expected.len()).any(|window| window == expected), "{expected:?}");
    }
}

#[test]
fn help_completions_and_the_description_are_there() {
    for (arguments, expected) in [
        (&["--help"][..], "Receive deliveries on this machine"),
        (&["serve", "--help"], "CLARIFE_SENDER_STORE"),
        (&["completions", "bash"], "clarife-sender"),
        (&["openapi"], "\"/v1/events\""),
    ] {
        let output = run(arguments);
        assert!(output.status.success() && stdout(&output).contains(expected), "{arguments:?}");
    }
}

#[test]
fn bench_measures_a_server_that_it_starts() {
    let few = ["bench", "--subscriptions", "3"];
    for (more, rows) in [
        (&["--deliveries", "120"][..], &["never responds", "20 endpoints"][..]),
        (&["--backlog", "30"], &["retries, beside 30 waiting deliveries", "99th percentile"]),
        (&["--history", "1000"], &["1000 deliveries are in the store", "failed, the oldest"]),
    ] {
        let bench = run(&[&few[..], more].concat());
        let (text, error) = (stdout(&bench), String::from_utf8_lossy(&bench.stderr).into_owned());
        assert!(bench.status.success() && rows.iter().all(|row| text.contains(row)), "{text}{error}");
    }
}
