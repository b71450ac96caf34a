//! Tests of the API as a client sees it, with a real store.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, FailureKind, FailureReason, MAX_ATTEMPTS, Outcome};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Api, ApiLimits, schemas, token};
use crate::clock::Clock;
use crate::deliver::AddressPolicy;
use crate::metrics::Metrics;
use crate::store::{Attempt, Limits, Store};

const ADMIN: &str = "an administrator's token of 32 bytes";

struct Fixture {
    router: Router,
    store: Arc<Store>,
    /// Token of a workspace with the Pro plan.
    token: String,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(AddressPolicy::Public, 1000).await
    }

    async fn with(policy: AddressPolicy, rate: u32) -> Self {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), Clock::start());
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let store = Store::open(&url, Limits { per_subscription: 8 }, clock.now()).await.expect("is new");
        let limits = ApiLimits {
            request_bytes: 100_000,
            event_bytes: 10_000,
            events: 5,
            page: 10,
            bodies: 2,
            requests_per_second: NonZeroU32::new(rate).expect("is not 0"),
        };
        let admin = Some(token::hash(ADMIN));
        let api = Api::new(store.clone(), clock, Metrics::new(), limits, admin, policy);
        let mut fixture = Self { router: api.router(), store, token: String::new(), _folder: folder };
        fixture.token = fixture.workspace("pro").await;
        fixture
    }

    /// Creates a workspace and returns its token.
    async fn workspace(&self, plan: &str) -> String {
        let new = json!({"name": "Test", "plan": plan});
        let (status, workspace) = self.ask(ADMIN, "POST", "/v1/workspaces", Some(new)).await;
        assert_eq!(status, 201);
        let path = format!("/v1/workspaces/{}/tokens", text(&workspace["id"]));
        let (status, token) = self.ask(ADMIN, "POST", &path, Some(json!({"name": "test"}))).await;
        assert_eq!(status, 201);
        text(&token["token"])
    }

    /// Sends a request, and checks that the document has the status of the response.
    async fn raw(&self, request: Request<Body>) -> Response {
        let (method, path) = (request.method().as_str().to_lowercase(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.expect("always statuses");
        if let Some(operation) = operation(&method, &path) {
            let status = response.status().as_str().to_owned();
            assert!(operation["responses"][&status].is_object(), "{method} {path}: {status} is not in the document");
        }
        response
    }

    async fn ask(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        let response = self.raw(request.body(body).expect("a request")).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("is whole").to_bytes();
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status >= 400 {
            assert!(value["error"].is_string() && value["code"].is_string(), "{method} {path}: {value}");
        }
        (status, value)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(&self.token, "GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(&self.token, "POST", path, Some(body)).await
    }

    async fn subscribe(&self) -> Value {
        let body = json!({"url": "https://example.com/hooks", "event_types": ["document.updated", "share.created"]});
        let (status, created) = self.post("/v1/subscriptions", body).await;
        assert_eq!(status, 201, "{created}");
        created
    }

    /// Attempts all due deliveries as if every response had this status; returns the number of attempts.
    async fn attempt_all(&self, status: u16) -> usize {
        let far = UnixTime::from_millis(i64::MAX);
        let mut attempts = 0;
        loop {
            let deliveries = self.store.lease(far, 1).await.expect("is open");
            let Some(leased) = deliveries.first() else { return attempts };
            let at = UnixTime::from_secs(1_774_699_200);
            let outcome = Outcome::Status(status);
            let response_body = b"no \xff".to_vec();
            let (number, error) = (leased.attempt, Some("certificate expired".to_owned()));
            let attempt = Attempt { number, started_at: at, ended_at: at, outcome, error, response_body };
            self.store.record(leased, attempt).await.expect("is open");
            attempts += 1;
        }
    }
}

fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(super::document()).expect("is JSON"));
    &DOCUMENT
}

/// Returns the operation in the document for a request.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let matches = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(part, found)| part == found || part.starts_with('{') && !found.is_empty())
    };
    let item = document()["paths"].as_object().expect("paths").iter().find(|(template, _)| matches(template));
    item.and_then(|(_, item)| item.get(method))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn event(id: &str) -> Value {
    json!({"id": id, "type": "document.updated", "data": {"title": "Start"}})
}

#[tokio::test]
async fn nothing_opens_without_its_token() {
    let fixture = Fixture::new().await;
    let document = document();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            operations += 1;
            let open = operation["security"] == json!([{}]);
            let path = path.replace("{id}", "x").replace("{token_id}", "x");
            let request = || Request::builder().method(method.to_uppercase().as_str()).uri(&path);
            let response = fixture.raw(request().body(Body::empty()).expect("a request")).await;
            if open {
                assert_eq!(response.status(), StatusCode::OK, "{method} {path}");
                continue;
            }
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
            for wrong in ["Bearer unknown", "Basic dXNlcjpwYXNz", "Bearer", "nonsense"] {
                let request = request().header("authorization", wrong).body(Body::empty()).expect("a request");
                assert_eq!(fixture.raw(request).await.status(), StatusCode::UNAUTHORIZED, "{method} {path} {wrong}");
            }
            let administration = operation["security"] == json!([{"administrator": []}]);
            let other = if administration { fixture.token.as_str() } else { ADMIN };
            let (status, refusal) = fixture.ask(other, &method.to_uppercase(), &path, None).await;
            assert_eq!((status, &refusal["code"]), (403, &json!("FORBIDDEN")), "{method} {path}");
        }
    }
    assert!(operations >= 20, "{operations}");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
}

#[test]
fn the_description_is_complete() {
    let document = document();
    let mut names = std::collections::HashSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            assert!(names.insert(text(&operation["operationId"])), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            for (status, response) in operation["responses"].as_object().expect("responses") {
                let shared = response["$ref"].as_str().and_then(|reference| document.pointer(&reference[1..]));
                assert!(shared.unwrap_or(response)["description"].is_string(), "{method} {path} {status}");
            }
            let named: Vec<_> = path.split(['{', '}']).skip(1).step_by(2).collect();
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path =
                parameters.iter().filter(|parameter| parameter["in"] == "path" && parameter["required"] == true);
            assert_eq!(in_path.map(|parameter| text(&parameter["name"])).collect::<Vec<_>>(), named, "{method} {path}");
        }
    }
    let written = document.to_string();
    for reference in written.split("\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[test]
fn the_document_names_each_route() {
    let (router, _) = super::routes();
    // axum lists the routes of a router in its debug output only.
    let printed = format!("{router:?}");
    let routes = printed.split('"').filter(|text| text.starts_with('/'));
    // axum's own routes for other paths.
    let routes: BTreeSet<_> = routes.filter(|path| *path != "/" && !path.contains("__private")).collect();
    let documented: BTreeSet<_> = document()["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    assert_eq!(routes, documented);
}

#[tokio::test]
async fn the_document_names_each_method() {
    let fixture = Fixture::new().await;
    for (path, item) in document()["paths"].as_object().expect("paths") {
        let path = path.replace("{id}", "x").replace("{token_id}", "x");
        let request = Request::builder().method("TRACE").uri(&path).body(Body::empty()).expect("a request");
        let response = fixture.raw(request).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = response.headers()[header::ALLOW].to_str().expect("is text").to_lowercase();
        let allowed: BTreeSet<_> = allowed.split(',').filter(|method| *method != "head").collect();
        assert_eq!(allowed, item.as_object().expect("operations").keys().map(String::as_str).collect(), "{path}");
    }
}

#[test]
fn the_document_names_each_error_code() {
    let mut codes: Vec<_> = super::Code::ALL.iter().map(|code| json!(code)).collect();
    assert_eq!(document()["components"]["schemas"]["Code"]["enum"], json!(codes));
    // No operation of the document responds with this code.
    codes.retain(|code| code != "METHOD_NOT_ALLOWED");
    let responses = document()["components"]["responses"].as_object().expect("responses");
    for code in codes {
        let name = |response: &Value| {
            let schema = &response["content"]["application/json"]["schema"];
            schema["allOf"][1]["properties"]["code"]["enum"].as_array().is_some_and(|codes| codes.contains(&code))
        };
        assert!(responses.values().any(name), "{code}");
    }
}

#[test]
fn the_document_has_the_limits_of_the_core() {
    let url = |length: usize| EndpointUrl::parse(&format!("https://example.com/{:0>1$}", "", length - 20));
    assert!(url(EndpointUrl::MAX_BYTES).is_ok() && url(EndpointUrl::MAX_BYTES + 1).is_err());
    // The error of an unknown name lists the known names.
    let names = |error: serde_json::Error| {
        let text = error.to_string();
        text.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let kinds = names(serde_json::from_value::<FailureKind>(json!("lost")).expect_err("is unknown"));
    let recorded = kinds.iter().filter(|kind| *kind != FailureKind::Local.as_str()); // which no attempt has
    assert!(recorded.eq(schemas::failure_kinds()), "{kinds:?}");
    let reasons = names(serde_json::from_value::<FailureReason>(json!("lost")).expect_err("is unknown"));
    assert_eq!(reasons, FailureReason::ALL.map(FailureReason::as_str));
}

#[tokio::test]
async fn the_served_document_has_the_limits_of_the_sender() {
    let fixture = Fixture::with(AddressPolicy::PublicAndLoopback, 7).await;
    let (_, document) = fixture.get("/openapi.json").await;
    let schemas = &document["components"]["schemas"];
    assert_eq!((&schemas["PageSize"]["maximum"], &schemas["PageSize"]["default"]), (&json!(10), &json!(10)));
    assert_eq!(schemas["Batch"]["properties"]["events"]["maxItems"], 5);
    assert!(text(&schemas["Url"]["pattern"]).contains("?://"));
    let responses = &document["components"]["responses"];
    assert!(text(&responses["TooManyRequests"]["description"]).contains("more than 7 requests"));
    assert!(text(&responses["PayloadTooLarge"]["description"]).contains("more than 100000 bytes"));
}

#[tokio::test]
async fn each_error_is_json_and_names_are_printable() {
    let fixture = Fixture::new().await;
    for path in ["/v1/events/%ff", "/v1/subscriptions/%ff", "/v1/deliveries/%ff"] {
        let (status, refusal) = fixture.get(path).await;
        assert_eq!((status, &refusal["code"]), (400, &json!("VALIDATION_ERROR")), "{path}");
    }
    let (status, _) = fixture.ask(ADMIN, "DELETE", "/v1/workspaces/%ff/tokens/x", None).await;
    assert_eq!(status, 400);
    for name in ["", " ", "a\u{0}", "a\u{1b}[31m", "a\nb"] {
        let (status, refusal) =
            fixture.ask(ADMIN, "POST", "/v1/workspaces", Some(json!({"name": name, "plan": "pro"}))).await;
        assert!(status == 400 && text(&refusal["error"]).contains("invalid name"), "{name:?}: {refusal}");
    }
}

#[tokio::test]
async fn the_name_of_development_is_reserved() {
    let fixture = Fixture::new().await;
    let workspace = text(&fixture.get("/v1/workspace").await.1["id"]);
    let tokens = format!("/v1/workspaces/{workspace}/tokens");
    for (path, body) in [
        ("/v1/workspaces", json!({"name": super::DEVELOPMENT, "plan": "pro"})),
        (&tokens, json!({"name": super::DEVELOPMENT})),
    ] {
        let (status, refusal) = fixture.ask(ADMIN, "POST", path, Some(body)).await;
        assert!(status == 400 && text(&refusal["error"]).contains("reserved"), "{path}: {refusal}");
    }
}

#[tokio::test]
async fn tokens_end_and_are_deleted() {
    let fixture = Fixture::new().await;
    let (_, all) = fixture.ask(ADMIN, "GET", "/v1/workspaces", None).await;
    let id = text(&all["workspaces"][0]["id"]);
    let path = format!("/v1/workspaces/{id}/tokens");
    let expired = json!({"name": "old", "expires_at": "2020-01-01T00:00:00Z"});
    let (status, refusal) = fixture.ask(ADMIN, "POST", &path, Some(expired)).await;
    assert!(status == 400 && text(&refusal["error"]).contains("in the future"), "{refusal}");
    let soon = Clock::start().now().saturating_add(std::time::Duration::from_secs(1));
    let short = json!({"name": "short", "expires_at": super::rfc3339::format(soon)});
    let (status, created) = fixture.ask(ADMIN, "POST", &path, Some(short)).await;
    assert_eq!(status, 201);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let (status, refusal) = fixture.ask(&text(&created["token"]), "GET", "/v1/workspace", None).await;
    assert_eq!((status, &refusal["code"]), (401, &json!("UNAUTHORIZED")));
    let (_, tokens) = fixture.ask(ADMIN, "GET", &path, None).await;
    assert!(!tokens.to_string().contains("clt_"));
    assert_eq!(fixture.get("/v1/workspace").await.1["max_subscriptions"], 3);
    for token in tokens["tokens"].as_array().expect("two") {
        assert_eq!(fixture.ask(ADMIN, "DELETE", &format!("{path}/{}", text(&token["id"])), None).await.0, 204);
    }
    assert_eq!(fixture.get("/v1/workspace").await.0, 401);
    let (status, changed) =
        fixture.ask(ADMIN, "PATCH", &format!("/v1/workspaces/{id}"), Some(json!({"plan": "business"}))).await;
    assert_eq!((status, &changed["max_subscriptions"]), (200, &json!(20)));
    assert_eq!(fixture.ask(ADMIN, "PATCH", "/v1/workspaces/wsp_x", Some(json!({"plan": "pro"}))).await.0, 404);
}

#[tokio::test]
async fn subscriptions_are_checked_and_their_secret_is_shown_once() {
    let fixture = Fixture::new().await;
    for (body, expected) in [
        (json!({"url": "http://example.com/", "event_types": ["share.created"]}), "the scheme is not https"),
        (json!({"url": "https://127.1/", "event_types": ["share.created"]}), "a number instead of a host name"),
        (json!({"url": "https://127.0.0.1/", "event_types": ["share.created"]}), "never sent to"),
        (json!({"url": "https://[fd00::1]/", "event_types": ["share.created"]}), "never sent to"),
        (json!({"url": "https://example.com/", "event_types": []}), "at least one event type"),
        (json!({"url": "https://example.com/", "event_types": ["share.seen"]}), "\"share.seen\" does not exist"),
        (json!({"url": "https://example.com/"}), "missing field `event_types`"),
        (json!({"url": "https://example.com/", "event_types": [], "secret": "x"}), "unknown field `secret`"),
        (json!([]), "invalid request body"),
    ] {
        let (status, refusal) = fixture.post("/v1/subscriptions", body.clone()).await;
        assert_eq!((status, &refusal["code"]), (400, &json!("VALIDATION_ERROR")), "{body}");
        assert!(text(&refusal["error"]).contains(expected), "{body}: {refusal}");
    }
    let created = fixture.subscribe().await;
    let (id, secret) = (text(&created["id"]), text(&created["secret"]));
    assert!(secret.starts_with("whsec_") && created["active"] == true);
    let path = format!("/v1/subscriptions/{id}");
    let (_, rotated) = fixture.post(&format!("{path}/rotate-secret"), json!({})).await;
    let new_secret = text(&rotated["secret"]);
    assert_ne!(new_secret, secret);
    let change = json!({"event_types": ["media.uploaded"]});
    let (status, changed) = fixture.ask(&fixture.token, "PATCH", &path, Some(change)).await;
    assert_eq!((status, &changed["event_types"]), (200, &json!(["media.uploaded"])));
    assert_eq!(changed["url"], "https://example.com/hooks");
    for seen in [fixture.get(&path).await.1, fixture.get("/v1/subscriptions").await.1, changed] {
        assert!(!seen.to_string().contains("whsec_"), "{seen}");
    }
    fixture.subscribe().await;
    fixture.subscribe().await;
    let body = json!({"url": "https://example.com/hooks", "event_types": ["share.created"]});
    let (status, refusal) = fixture.post("/v1/subscriptions", body).await;
    assert_eq!((status, &refusal["code"]), (403, &json!("PLAN_LIMIT_REACHED")));
    assert_eq!(fixture.ask(&fixture.token, "DELETE", &path, None).await.0, 204);
    assert_eq!(fixture.get(&path).await.0, 404);
    fixture.subscribe().await;
}

#[tokio::test]
async fn arrays_are_not_objects() {
    let fixture = Fixture::new().await;
    let subscription = format!("/v1/subscriptions/{}", text(&fixture.subscribe().await["id"]));
    let workspace = text(&fixture.get("/v1/workspace").await.1["id"]);
    let data = json!({"a": 1});
    for (token, method, path, body) in [
        (ADMIN, "POST", "/v1/workspaces", json!(["Test", "pro"])),
        (ADMIN, "PATCH", &format!("/v1/workspaces/{workspace}"), json!(["pro"])),
        (ADMIN, "POST", &format!("/v1/workspaces/{workspace}/tokens"), json!(["test", null])),
        (&fixture.token, "POST", "/v1/subscriptions", json!(["https://example.com/", ["share.created"]])),
        (&fixture.token, "PATCH", &subscription, json!([null, ["share.created"]])),
        (&fixture.token, "POST", &format!("{subscription}/test"), json!(["share.created"])),
        (&fixture.token, "POST", &format!("{subscription}/resend"), json!(["2026-01-01T00:00:00Z"])),
        (&fixture.token, "POST", "/v1/events", json!([null, "evt_1", "document.updated", null, data])),
        (&fixture.token, "POST", "/v1/events", json!({"events": [["evt_1", "document.updated", null, data]]})),
        (&fixture.token, "POST", "/v1/events", json!("text")),
    ] {
        let (status, refusal) = fixture.ask(token, method, path, Some(body)).await;
        assert_eq!((status, &refusal["code"]), (400, &json!("VALIDATION_ERROR")), "{method} {path}: {refusal}");
        assert!(text(&refusal["error"]).contains("expected a JSON object"), "{method} {path}: {refusal}");
    }
    assert_eq!(fixture.get(&subscription).await.1["event_types"].as_array().map(Vec::len), Some(2));
    assert_eq!(fixture.get("/v1/events/evt_1").await.0, 404);
}

#[tokio::test]
async fn development_takes_this_machine_and_plain_http() {
    let fixture = Fixture::with(AddressPolicy::PublicAndLoopback, 1000).await;
    for (url, expected) in [("http://127.0.0.1:3000/", 201), ("http://localhost:3000/", 201), ("http://10.0.0.1/", 400)]
    {
        let body = json!({"url": url, "event_types": ["share.created"]});
        assert_eq!(fixture.post("/v1/subscriptions", body).await.0, expected, "{url}");
    }
}

#[tokio::test]
async fn events_are_accepted_once_and_sent_as_they_are_kept() {
    let fixture = Fixture::new().await;
    fixture.subscribe().await;
    let (status, accepted) = fixture.post("/v1/events", event("evt_1")).await;
    let expected = json!({"events": [{"id": "evt_1", "deliveries": 1, "repeated": false}]});
    assert_eq!((status, accepted), (202, expected));
    let many = json!({"events": [event("evt_1"), {"type": "share.created", "data": {"b": 1.0, "10": 1e21}}]});
    let (status, accepted) = fixture.post("/v1/events", many).await;
    assert_eq!((status, &accepted["events"][0]["repeated"]), (202, &json!(true)));
    let made = text(&accepted["events"][1]["id"]);
    assert!(made.starts_with("evt_"));
    let request = Request::builder()
        .uri(format!("/v1/events/{made}"))
        .header("authorization", format!("Bearer {}", fixture.token))
        .body(Body::empty());
    let body = fixture.raw(request.expect("a request")).await.into_body().collect().await.expect("is whole").to_bytes();
    assert!(body.ends_with(br#""data":{"10":1e+21,"b":1}}"#), "{body:?}");

    let dated =
        json!({"id": "evt_2", "type": "document.updated", "created_at": "2026-03-28T13:00:00.250+01:00", "data": {}});
    fixture.post("/v1/events", dated).await;
    assert_eq!(fixture.get("/v1/events/evt_2").await.1["created_at"], "2026-03-28T12:00:00.25Z");
    let conflict = json!({"id": "evt_1", "type": "document.updated", "data": {"title": "Other"}});
    let (status, refusal) = fixture.post("/v1/events", json!({"events": [event("evt_3"), conflict]})).await;
    assert_eq!((status, &refusal["code"]), (409, &json!("CONFLICT")));
    assert_eq!(fixture.get("/v1/events/evt_3").await.0, 404);
}

#[tokio::test]
async fn requests_with_an_invalid_event_are_refused_whole() {
    let fixture = Fixture::new().await;
    fixture.subscribe().await;
    let with =
        |data: &str| format!(r#"{{"events": [{}, {{"type": "share.created", "data": {data}}}]}}"#, event("evt_1"));
    for (body, status, expected) in [
        (with(r#"{"n": 9007199254740993}"#), 400, "$.data.n"),
        (with(r#"{"n": 99999999999999999999}"#), 400, "unsafe_integer"),
        (with(r#"{"a": 1, "a": 2}"#), 400, "event 1: "),
        (with(r#"{"__proto__": {}}"#), 400, "event 1: "),
        (with("[]"), 400, "data_not_object"),
        (with(&format!("{}{}", r#"{"a":"#.repeat(128), "1".to_owned() + &"}".repeat(128))), 400, "event 1: "),
        (with(&format!(r#"{{"a": "{}"}}"#, "x".repeat(20_000))), 413, "event 1 has more than 10000 bytes"),
        (
            format!(r#"{{"type": "share.created", "data": {{"a": "{}"}}}}"#, "x".repeat(200_000)),
            413,
            "the request body is too large",
        ),
        (r#"{"type": "share.seen", "data": {}}"#.into(), 400, "unknown_event_type"),
        (r#"{"type": "share.created"}"#.into(), 400, "no data"),
        (r#"{"data": {}}"#.into(), 400, "no type"),
        (r#"{"id": "", "type": "share.created", "data": {}}"#.into(), 400, "the id is empty"),
        (r#"{"id": "a\u0000", "type": "share.created", "data": {}}"#.into(), 400, "U+0000"),
        (
            format!(r#"{{"id": "{}", "type": "share.created", "data": {{}}}}"#, "x".repeat(201)),
            400,
            "more than 200 bytes",
        ),
        (r#"{"type": "share.created", "created_at": "yesterday", "data": {}}"#.into(), 400, "created_at"),
        (r#"{"events": []}"#.into(), 400, "empty"),
        (r#"{"events": [], "type": "share.created"}"#.into(), 400, "not both"),
        (json!({"events": vec![event("evt_1"); 6]}).to_string(), 400, "more than 5"),
        ("{".into(), 400, "invalid request body"),
        ("\u{feff}{}".into(), 400, "invalid request body"),
    ] {
        let request = Request::builder().method("POST").uri("/v1/events");
        let request =
            request.header("authorization", format!("Bearer {}", fixture.token)).body(Body::from(body.clone()));
        let response = fixture.raw(request.expect("a request")).await;
        assert_eq!(response.status().as_u16(), status, "{}", &body[..body.len().min(200)]);
        let bytes = response.into_body().collect().await.expect("is whole").to_bytes();
        let refusal: Value = serde_json::from_slice(&bytes).expect("is JSON");
        assert!(text(&refusal["error"]).contains(expected), "{refusal}");
    }
    assert_eq!(fixture.get("/v1/deliveries").await.1["deliveries"], json!([]));
}

#[tokio::test]
async fn the_history_lists_deliveries_and_resends_them() {
    let fixture = Fixture::new().await;
    let id = text(&fixture.subscribe().await["id"]);
    for n in 0..12 {
        fixture.post("/v1/events", event(&format!("evt_{n}"))).await;
    }
    let attempts = fixture.attempt_all(503).await;
    assert_eq!(attempts, 10);
    let (_, warnings) = fixture.get("/v1/warnings").await;
    assert_eq!(warnings["warnings"][0]["subscription_id"], id);
    assert!(text(&warnings["warnings"][0]["message"]).contains("status 503"));
    let subscription = format!("/v1/subscriptions/{id}");
    assert_eq!(fixture.get(&subscription).await.1["active"], false);

    // A page has at most ten deliveries.
    let (_, page) = fixture.get("/v1/deliveries?limit=5&state=failed").await;
    let (_, rest) = fixture.get(&format!("/v1/deliveries?limit=10&state=failed&before={}", text(&page["next"]))).await;
    let count = |page: &Value| page["deliveries"].as_array().map_or(0, Vec::len);
    assert_eq!((count(&page), count(&rest), &rest["next"]), (5, 7, &Value::Null));
    for wrong in ["limit=0", "limit=11", "limit=x", "state=lost", "before=x", "colour=red"] {
        assert_eq!(fixture.get(&format!("/v1/deliveries?{wrong}")).await.0, 400, "{wrong}");
    }
    let exhausted =
        rest["deliveries"].as_array().expect("some").iter().find(|delivery| delivery["attempts"] == MAX_ATTEMPTS);
    let exhausted = exhausted.expect("the first had all its attempts");
    assert_eq!(exhausted["reason"], "attempts_exhausted");
    let delivery = format!("/v1/deliveries/{}", text(&exhausted["id"]));
    let (_, detail) = fixture.get(&delivery).await;
    assert_eq!(detail["attempts_made"].as_array().map(Vec::len), Some(4));
    assert_eq!(detail["attempts_made"][0]["status"], 503);
    assert_eq!(detail["attempts_made"][0]["error"], "certificate expired");
    assert_eq!(detail["attempts_made"][0]["answer"], "no \u{fffd}");

    let (status, refusal) = fixture.post(&format!("{delivery}/resend"), json!({})).await;
    assert_eq!((status, &refusal["code"]), (409, &json!("CONFLICT")));
    assert_eq!(fixture.post("/v1/events", event("evt_held")).await.1["events"][0]["deliveries"], 1);
    assert_eq!(count(&fixture.get("/v1/deliveries?state=held").await.1), 1);
    assert_eq!(fixture.post(&format!("{subscription}/activate"), json!({})).await.1["active"], true);
    assert_eq!(fixture.get("/v1/warnings").await.1["warnings"], json!([]));
    assert_eq!(fixture.attempt_all(200).await, 0);
    let (status, begun) = fixture.post(&format!("{delivery}/resend"), json!({})).await;
    assert_eq!(status, 202);
    assert_eq!(fixture.get(&delivery).await.1["resent_as"], begun["delivery_id"]);
    let since = json!({"since": "2020-01-01T00:00:00Z"});
    assert_eq!(fixture.post(&format!("{subscription}/resend"), since).await, (202, json!({"deliveries": 12})));
    assert_eq!(fixture.attempt_all(200).await, 13);

    let (status, begun) = fixture.post(&format!("{subscription}/test"), json!({"type": "media.uploaded"})).await;
    assert_eq!(status, 202);
    assert_eq!(fixture.attempt_all(500).await, 1);
    let (_, test) = fixture.get(&format!("/v1/deliveries/{}", text(&begun["delivery_id"]))).await;
    assert_eq!((&test["test"], &test["state"]), (&json!(true), &json!("failed")));
    assert_eq!(fixture.post(&format!("{subscription}/test"), json!({"type": "media.lost"})).await.0, 400);
    assert_eq!(fixture.get(&subscription).await.1["consecutive_failures"], 0);
}

#[tokio::test]
async fn other_workspaces_see_nothing() {
    let fixture = Fixture::new().await;
    let id = text(&fixture.subscribe().await["id"]);
    fixture.post("/v1/events", event("evt_1")).await;
    let delivery = text(&fixture.get("/v1/deliveries").await.1["deliveries"][0]["id"]);
    let other = fixture.workspace("business").await;
    for (method, path) in [
        ("GET", format!("/v1/subscriptions/{id}")),
        ("DELETE", format!("/v1/subscriptions/{id}")),
        ("POST", format!("/v1/subscriptions/{id}/rotate-secret")),
        ("POST", format!("/v1/subscriptions/{id}/activate")),
        ("GET", format!("/v1/deliveries?subscription_id={id}")),
        ("GET", format!("/v1/deliveries/{delivery}")),
        ("POST", format!("/v1/deliveries/{delivery}/resend")),
        ("GET", "/v1/events/evt_1".to_owned()),
    ] {
        let (status, refusal) = fixture.ask(&other, method, &path, None).await;
        assert_eq!((status, &refusal["code"]), (404, &json!("NOT_FOUND")), "{method} {path}");
    }
    assert_eq!(fixture.ask(&other, "GET", "/v1/subscriptions", None).await.1["subscriptions"], json!([]));
}

#[tokio::test]
async fn too_many_requests_wait_and_others_do_not() {
    let fixture = Fixture::with(AddressPolicy::Public, 2).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(fixture.get("/v1/workspace").await.0);
    }
    assert_eq!((statuses[0], statuses.contains(&429)), (200, true));
    let request = Request::builder().uri("/v1/workspace").header("authorization", format!("Bearer {}", fixture.token));
    let response = fixture.raw(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    let other = fixture.workspace("pro").await;
    assert_eq!(fixture.ask(&other, "GET", "/v1/workspace", None).await.0, 200);
}

#[tokio::test]
async fn refusals_have_one_shape_and_a_store_that_is_gone_is_503() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.get("/v2/nothing").await.1["code"], "NOT_FOUND");
    for path in ["/v1/events/%ff", "/v1/events/%00", "/v1/deliveries?event_id=%00", "/v1/deliveries?event_id="] {
        let (status, refusal) = fixture.get(path).await;
        assert_eq!((status, &refusal["code"]), (400, &json!("VALIDATION_ERROR")), "{path}");
    }
    assert_eq!(
        fixture.ask(&fixture.token, "PUT", "/v1/events", None).await,
        (405, json!({"error": "method not allowed", "code": "METHOD_NOT_ALLOWED"}))
    );
    assert_eq!(fixture.get("/readyz").await.0, 200);
    let (status, _) = fixture.ask(ADMIN, "GET", "/metrics", None).await;
    assert_eq!(status, 200);
    fixture.store.close().await;
    for (method, path, body) in [("POST", "/v1/events", Some(event("evt_1"))), ("GET", "/readyz", None)] {
        let (status, refusal) = fixture.ask(&fixture.token, method, path, body).await;
        assert_eq!((status, &refusal["code"]), (503, &json!("UNAVAILABLE")), "{path}");
    }
    assert_eq!(fixture.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn bodies_at_a_time_are_limited() {
    let fixture = Fixture::new().await;
    let waiting = || {
        let request = Request::builder().method("POST").uri("/v1/events");
        let request = request.header("authorization", format!("Bearer {}", fixture.token)).body(Body::new(Never));
        tokio::spawn(fixture.router.clone().oneshot(request.expect("a request")))
    };
    let (first, second) = (waiting(), waiting());
    tokio::task::yield_now().await;
    let (status, refusal) = fixture.post("/v1/events", event("evt_1")).await;
    assert_eq!((status, &refusal["code"]), (503, &json!("UNAVAILABLE")));
    assert_eq!(fixture.get("/v1/workspace").await.0, 200);
    first.abort();
    second.abort();
    let _ = (first.await, second.await);
    assert_eq!(fixture.post("/v1/events", event("evt_1")).await.0, 202);
}

/// A body that never arrives.
struct Never;

impl hyper::body::Body for Never {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn metrics_count_events_and_requests() {
    let fixture = Fixture::new().await;
    fixture.subscribe().await;
    fixture.post("/v1/events", event("evt_1")).await;
    fixture.post("/v1/events", event("evt_1")).await;
    let request = Request::builder().uri("/metrics").header("authorization", format!("Bearer {ADMIN}"));
    let response = fixture.raw(request.body(Body::empty()).expect("a request")).await;
    let bytes = response.into_body().collect().await.expect("is whole").to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("is text");
    for line in [
        "clarife_sender_events_accepted_total 1",
        "clarife_sender_events_repeated_total 1",
        "clarife_sender_deliveries_pending 1",
        "clarife_sender_subscriptions{active=\"true\"} 1",
        "clarife_sender_api_requests_total{status=\"202\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
}

/// Generates JSON in unusual spellings: numbers, spaces and names in any order.
fn random_json(depth: usize) -> String {
    const NUMBERS: [&str; 12] = [
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e2",
        "1E+21",
        "1e-7",
        "100000000000000000000.0",
        "5e-324",
        "0.1",
        "9007199254740991",
        "1e21",
    ];
    let pick = |from: &[&str]| from[fastrand::usize(..from.len())].to_owned();
    match fastrand::u8(..if depth > 3 { 4 } else { 6 }) {
        0 => pick(&["null", "true", "false"]),
        1 => pick(&NUMBERS),
        2 => {
            let double = f64::from_bits(fastrand::u64(..)).clamp(-1e300, 1e300);
            // Between these bounds some doubles are refused: Python would read another number.
            let refused = (9_007_199_254_740_992.0..1e21).contains(&double.abs());
            if refused || double.is_nan() { "0".to_owned() } else { format!("{double:?}") }
        }
        3 => {
            let char = || char::from_u32(fastrand::u32(..0x11_0000)).unwrap_or('\u{1f422}');
            serde_json::to_string(&(0..fastrand::usize(..8)).map(|_| char()).collect::<String>()).expect("is JSON")
        }
        4 => {
            let items: Vec<_> = (0..fastrand::usize(..4)).map(|_| random_json(depth + 1)).collect();
            format!("[ {} ]", items.join(" ,\n"))
        }
        _ => random_object(depth),
    }
}

fn random_object(depth: usize) -> String {
    let names = ["a", "10", "9", "", "é", "01", "\\u0000", "constructor", "4294967295", "-1", "toJSON"];
    let mut names: Vec<_> = names.iter().filter(|_| fastrand::u8(..3) == 0).collect();
    fastrand::shuffle(&mut names);
    let members: Vec<_> = names.iter().map(|name| format!("\"{name}\" :\t{}", random_json(depth + 1))).collect();
    format!("{{{}}}", members.join(" , "))
}

#[tokio::test]
async fn every_body_passes_the_documented_example() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let fixture = Fixture::new().await;
    let signer = clarife_webhooks::sender::Signer::generate().expect("random bytes");
    let mut lines = String::new();
    for batch in 0..400 {
        let event =
            |n| format!(r#"{{"id": "evt_{batch}_{n}", "type": "share.created", "data": {}}}"#, random_object(0));
        let events: Vec<String> = (0..5).map(event).collect();
        let body = format!("{{\"events\": [{}]}}", events.join(","));
        let request = Request::builder().method("POST").uri("/v1/events");
        let request =
            request.header("authorization", format!("Bearer {}", fixture.token)).body(Body::from(body.clone()));
        let status = fixture.raw(request.expect("a request")).await.status();
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        for n in 0..5 {
            let workspace = fixture.store.workspaces().await.expect("is open")[0].id.clone();
            let body = fixture.store.event(&workspace, &format!("evt_{batch}_{n}")).await.expect("is kept").body;
            let signature = signer.sign(&body, crate::clock::wall()).expect("a timestamp");
            let line = json!({"secret": signer.secret().expose(), "signature": signature, "body": body});
            lines.push_str(&format!("{line}\n"));
        }
    }
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/e2e/odd-events/documented-example.cjs");
    let mut node =
        Command::new("node").arg(example).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Node");
    let mut input = node.stdin.take().expect("is piped");
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = node.wait_with_output().expect("ends");
    writing.join().expect("no panic").expect("is read");
    let output = String::from_utf8(output.stdout).expect("is text");
    assert_eq!(output.trim(), "2000 verified, 0 refused");
}
