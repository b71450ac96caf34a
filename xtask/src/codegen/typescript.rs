//! TypeScript: types of events and resources, and the tables of the API.

use std::fmt::Write as _;

use clarife_webhooks::flow::{Outcome, Step};
use clarife_webhooks::refusals::{REFUSAL_LOG_INTERVAL, REFUSALS_NOT_LOGGED};
use clarife_webhooks::{
    BODY_TIMEOUT, DEFAULT_MAX_BODY_BYTES, ERROR_REFERENCE, ErrorCode, EventType, LARGEST_LIKELY_TOLERANCE,
    MAX_HEADER_BYTES, OTHER_SENDER, OTHER_SIGNATURE_HEADERS, SIGNATURE_HEADER, WebhookResponse, dedup, standard,
};

use super::flow;
use super::{Kind, NOTE, event_resources, is_published, json_name, literal, resource_of, resources, type_name};

pub(super) fn file() -> String {
    let mut ts = format!("// {NOTE}\n\n");
    tables(&mut ts);
    responses(&mut ts);
    dedup(&mut ts);
    for resource in resources() {
        let _ =
            write!(ts, "\n/** {} Every member is optional. */\nexport interface {} {{\n", resource.doc, resource.name);
        for member in resource.members {
            let null = if member.nullable { " | null" } else { "" };
            let kind = kind(&Kind::of(member.kind));
            let _ = writeln!(ts, "  /** {} */\n  {}?: {kind}{null};", member.doc, json_name(member));
        }
        if !is_published(resource) {
            ts.push_str("  [member: string]: unknown;\n");
        }
        ts.push_str("}\n");
    }
    events(&mut ts);
    ts
}

fn tables(ts: &mut String) {
    let types: Vec<&str> = EventType::KNOWN.iter().map(|event| event.as_str()).collect();
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let _ = write!(
        ts,
        "/** The header that carries the signature. */\nexport const SIGNATURE_HEADER = {SIGNATURE_HEADER:?};\n\n\
         /** The headers of Standard Webhooks: the event's id, the time and the signatures. */\n\
         export const STANDARD_HEADERS = [{}] as const;\n\n\
         /** The limit of the signature header, in bytes. A longer header is malformed. */\nexport const MAX_HEADER_BYTES = {MAX_HEADER_BYTES};\n\n\
         /** The largest tolerance that is not questioned, in seconds. Larger ones in whole thousands look like milliseconds. */\n\
         export const LARGEST_LIKELY_TOLERANCE = {LARGEST_LIKELY_TOLERANCE};\n\n\
         /** Every type of event that this version knows. */\nexport const EVENT_TYPES = [{}] as const;\n\n\
         /** A type of event that this version knows. */\nexport type KnownEventType = (typeof EVENT_TYPES)[number];\n\n\
         /** Every code of a {{@link WebhookError}}, in the order of the checks. */\nexport const ERROR_CODES = [{}] as const;\n\n\
         /** The code of a refused delivery or an unusable secret. */\nexport type ErrorCode = (typeof ERROR_CODES)[number];\n\n\
         /** The address of the section on an error, without the error's code at its end. */\n\
         export const ERROR_REFERENCE =\n  {ERROR_REFERENCE:?};\n\n\
         /** The signature headers of other senders. */\nexport const OTHER_SIGNATURE_HEADERS = [{}] as const;\n\n\
         /** The hint for a request with such a header, after its name. */\nexport const OTHER_SENDER =\n  {OTHER_SENDER:?};\n",
        list(&standard::HEADERS),
        list(&types),
        list(&codes),
        list(&OTHER_SIGNATURE_HEADERS),
    );
}

fn responses(ts: &mut String) {
    let statuses = ErrorCode::ALL.map(|code| code.status());
    let responses: String = WebhookResponse::ALL
        .iter()
        .map(|response| {
            let (code, status, headers) = (response.code(), response.status(), object(response.headers()));
            format!(
                "\n  {code}: {{\n    status: {status},\n    headers: {headers},\n    body: {},\n  }},",
                literal(&response.body())
            )
        })
        .collect();
    let _ = write!(
        ts,
        "\n/** The HTTP statuses of the responses to refused deliveries, in the order of the codes. */\n\
         export const ERROR_STATUSES = {statuses:?} as const;\n\n\
         /** The headers of the responses to refused deliveries. */\n\
         export const RESPONSE_HEADERS = {} as const;\n\n\
         /** All other responses, by code. */\nexport const RESPONSES = {{{responses}\n}} as const;\n\n\
         /** The code of a response. */\nexport type ResponseCode = ErrorCode | keyof typeof RESPONSES;\n\n\
         /** The codes of the server's own errors. Every other code of an error belongs to a refused delivery. */\n\
         export const SERVER_ERRORS: readonly ResponseCode[] = [{}];\n\n\
         /** The time in which a receiver logs at most one refusal of an error code, in seconds. */\n\
         export const REFUSAL_LOG_INTERVAL = {};\n\n\
         /** The end of a line that follows refusals which were not logged. Their number comes after it. */\n\
         export const REFUSALS_NOT_LOGGED = {REFUSALS_NOT_LOGGED:?};\n\n\
         /** The largest body that a receiver reads unless set otherwise, in bytes. */\n\
         export const DEFAULT_MAX_BODY_BYTES = {DEFAULT_MAX_BODY_BYTES};\n\n\
         /** The time after which a receiver gives up on a body, in seconds. */\n\
         export const BODY_TIMEOUT = {};\n",
        object(flow::headers()),
        list(&flow::server_errors()),
        REFUSAL_LOG_INTERVAL.as_secs(),
        BODY_TIMEOUT.as_secs(),
    );
}

fn dedup(ts: &mut String) {
    let _ = write!(
        ts,
        "\n/** The time to live of a claim unless set otherwise, in seconds. */\nexport const DEFAULT_CLAIM_TTL = {};\n\n\
         /** The time to live of a done mark unless set otherwise, in seconds; the event's replay window where that is longer. */\n\
         export const DEFAULT_DONE_TTL = {};\n\n\
         /** The time after which a receiver gives up on a step of a store, in seconds. */\n\
         export const STORE_TIMEOUT = {};\n\n\
         /** The message of the error of a step that took longer. */\nexport const STORE_LATE = {:?};\n\n\
         /** The message of the error of a handler that returned an error response. */\nexport const RETURNED_RESPONSE =\n  {:?};\n\n\
         /** The time that clarife waits for a response, in seconds. */\nexport const RESPONSE_TIMEOUT = {};\n\n\
         /** The warning after a handler that took longer. */\nexport const SLOW_HANDLER =\n  {:?};\n\n\
         /** The message of the error of a store in memory that has no room. */\nexport const STORE_FULL = {:?};\n\n\
         /** The warning of a store in memory that has removed a handled event which it should still know. */\n\
         export const STORE_EVICTED =\n  {:?};\n",
        dedup::DEFAULT_CLAIM_TTL.as_secs(),
        dedup::DEFAULT_DONE_TTL.as_secs(),
        dedup::STORE_TIMEOUT.as_secs(),
        dedup::StoreLate.to_string(),
        clarife_webhooks::flow::RETURNED_RESPONSE,
        clarife_webhooks::flow::RESPONSE_TIMEOUT.as_secs(),
        clarife_webhooks::flow::SLOW_HANDLER,
        dedup::StoreFull.to_string(),
        dedup::EVICTED,
    );
}

/// Returns the flow of receiving, for a driver. It is a file of its own, because users see the types of the other file.
pub(super) fn flow_file() -> String {
    let mut ts = format!("// {NOTE}\n\nimport type {{ RESPONSES }} from \"./generated.js\";\n");
    let rows: String = flow::table()
        .iter()
        .map(|(step, outcomes)| {
            let outcomes: String = outcomes
                .iter()
                .map(|(outcome, transition)| {
                    let members = flow::members(transition);
                    format!("    {}: {},\n", outcome.name(), object(&members))
                })
                .collect();
            format!("  {}: {{\n{outcomes}  }},\n", step.name())
        })
        .collect();
    let _ = write!(
        ts,
        "\n/** A step of receiving a verified delivery; `handle_claimed` is the handler with a claim on the event. */\n\
         export type FlowStep = {};\n\n\
         /** The outcome of a step. */\nexport type FlowOutcome = {};\n\n\
         /** The consequences of an outcome. */\nexport interface FlowTransition {{\n\
         \x20 /** The code under which the step's error is reported. */\n\
         \x20 readonly report?: \"handler_failed\" | \"store_unavailable\";\n\
         \x20 /** The response, which no later step changes. */\n  readonly response?: keyof typeof RESPONSES;\n\
         \x20 /** The next step; without one the flow ends. */\n  readonly next?: FlowStep;\n}}\n\n\
         /** The first step with a store, and without one. */\n\
         export const FLOW_START = {{ withStore: {:?}, withoutStore: {:?} }} as const;\n\n\
         /** The consequences of every outcome that a step can have (`core/src/receiving/flow.rs`). */\n\
         export const FLOW: {{ readonly [_ in FlowStep]: {{ readonly [_ in FlowOutcome]?: FlowTransition }} }} = {{\n{rows}}};\n",
        union(Step::ALL.map(Step::name)),
        union(Outcome::ALL.map(Outcome::name)),
        Step::start(true).name(),
        Step::start(false).name(),
    );
    ts
}

/// Returns an object of strings, in one line.
fn object(members: &[(&str, &str)]) -> String {
    if members.is_empty() {
        return "{}".into();
    }
    let name = |name: &str| if name.contains('-') { format!("{name:?}") } else { name.into() };
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{}: {value:?}", name(key))).collect();
    format!("{{ {} }}", members.join(", "))
}

/// Returns a union of literals.
fn union<const N: usize>(names: [&str; N]) -> String {
    names.map(|name| format!("{name:?}")).join(" | ")
}

fn events(ts: &mut String) {
    ts.push_str(
        r#"
declare enum Unlisted {
  Type = "a type that this version does not know",
}

/**
 * A type that this version does not know. At run time it is any other string. It is a type of its own, so a comparison
 * of an event's type narrows the event. Assign it to a `string` to read the name.
 */
export type UnknownEventType = Unlisted.Type;

/** A verified event. */
export interface EventOf<Type extends string, Data> {
  /** The id, which all deliveries of one event share: the key for deduplication. */
  readonly id: string;
  /** The type of the event. */
  readonly type: Type;
  /** The time of the event, in RFC 3339 exactly as sent. */
  readonly created_at: string;
  /** The resource of the event. The first access parses it. */
  readonly data: Data;
  /** The complete body, as it was signed. */
  readonly raw: string;
}

"#,
    );
    for event in EventType::KNOWN {
        let (name, data) = (type_name(event), resource_of(event));
        let _ = writeln!(
            ts,
            "/** {} */\nexport type {name}Event = EventOf<{:?}, {data}>;",
            event.description(),
            event.as_str()
        );
    }
    ts.push_str("\n/** An event of a type that this version knows. */\nexport type KnownEvent =");
    for event in EventType::KNOWN {
        let _ = write!(ts, "\n  | {}Event", type_name(event));
    }
    ts.push_str(
        ";\n\n/** An event of a type that this version does not know. */\n\
         export type UnknownEvent = EventOf<UnknownEventType, Record<string, unknown>>;\n\n\
         /** The result of `verify`. A comparison of `type` narrows `data`. */\nexport type WebhookEvent = KnownEvent | UnknownEvent;\n",
    );
}

/// Returns a program that narrows every type of event, for TypeScript's checks of the package's types.
pub(super) fn event_program() -> String {
    let resources: String = event_resources().iter().map(|name| format!("{name}, ")).collect();
    let mut program = format!(
        "// {NOTE}\n// Every type that the core knows narrows an event to its data, and the default is an unknown event.\n\
         import type {{ {resources}UnknownEvent, WebhookEvent }} from \"clarife-webhooks\";\n{EVENT_PROGRAM}"
    );
    for event in EventType::KNOWN {
        let (name, data) = (event.as_str(), resource_of(event));
        let _ = write!(program, "    case {name:?}:\n      return same<Equal<typeof event.data, {data}>>();\n");
    }
    program + "    default:\n      return same<Equal<typeof event, UnknownEvent>>();\n  }\n}\n"
}

const EVENT_PROGRAM: &str = r#"
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_ extends true>(): void => {};

export function narrow(event: WebhookEvent): void {
  switch (event.type) {
"#;

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("\n  {name:?},")).collect::<String>() + "\n"
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Integer => "number".into(),
        Kind::Boolean => "boolean".into(),
        Kind::Any => "unknown".into(),
        Kind::Resource(name) => (*name).into(),
        Kind::List(item) => format!("{}[]", self::kind(item)),
    }
}
