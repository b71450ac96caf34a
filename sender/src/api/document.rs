//! The OpenAPI document: the operations as their handlers describe them, the limits, and the errors.

use axum::http::StatusCode;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::server::{ServerBuilder, ServerVariableBuilder};
use utoipa::openapi::{Content, HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{OpenApi as _, ToSchema as _};

use super::error::{Code, Refusal};
use super::events::IncomingEvent;
use super::{ApiLimits, schemas};
use crate::deliver::AddressPolicy;
use crate::settings::Settings;

/// The name of the security scheme for operations of the administrator.
const ADMINISTRATOR: &str = "administrator";

/// The name of the security scheme for all other operations.
const WORKSPACE: &str = "workspace";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "clarife-sender",
        description = "Delivers signed events to subscribed endpoints, with retries. Times are RFC 3339. Error bodies \
                       are `{\"error\", \"code\"}`."
    ),
    tags(
        (name = "administration", description = "Workspaces and their tokens"),
        (name = "subscriptions", description = "Subscriptions, their secrets and warnings"),
        (name = "events", description = "Events to deliver"),
        (name = "deliveries", description = "The history, and sending again"),
        (name = "operation", description = "Health, metrics and this document"),
    ),
    components(schemas(IncomingEvent, Refusal)),
    security(("workspace" = []))
)]
struct Document;

/// Returns the document without operations.
pub(super) fn empty() -> OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    for name in [WORKSPACE, ADMINISTRATOR] {
        components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
    let address = Settings::default().listen().to_string();
    document.servers = Some(vec![
        ServerBuilder::new().url("/").description(Some("The sender that serves this document")).build(),
        ServerBuilder::new()
            .url("http://{address}")
            .description(Some("A sender at another address"))
            .parameter("address", ServerVariableBuilder::new().default_value(address))
            .build(),
    ]);
    document
}

/// Returns the document of a sender with these limits.
pub(super) fn of(limits: &ApiLimits, policy: AddressPolicy) -> OpenApi {
    let (_, mut document) = super::routes();
    let components = document.components.get_or_insert_default();
    for (name, schema) in schemas::all(limits, policy) {
        components.schemas.insert(name.to_owned(), schema);
    }
    let default_security = document.security.clone().unwrap_or_default();
    let mut used = Vec::new();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let security = operation.security.clone().unwrap_or_else(|| default_security.clone());
            used.extend(add_errors(operation, &security));
        }
    }
    for status in used {
        components.responses.entry(name(status)).or_insert_with(|| error(status, limits).into());
    }
    document
}

/// Adds the errors that an operation can respond with. Returns their statuses.
fn add_errors(operation: &mut Operation, security: &[SecurityRequirement]) -> Vec<StatusCode> {
    let mut statuses: Vec<StatusCode> =
        operation.responses.responses.keys().filter_map(|status| status.parse().ok()).collect();
    statuses.retain(|status| status.as_u16() >= 400);
    let mut add = |codes: &[Code]| statuses.extend(codes.iter().map(|code| code.status()));
    let requires = |scheme| security.contains(&SecurityRequirement::new::<_, [&str; 0], &str>(scheme, []));
    if requires(WORKSPACE) || requires(ADMINISTRATOR) {
        add(&[Code::Unauthorized, Code::Forbidden, Code::Unavailable]);
    }
    if requires(WORKSPACE) {
        add(&[Code::RateLimited]);
    }
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        add(&[Code::ValidationError]);
    }
    if operation.parameters.iter().flatten().any(in_path) {
        add(&[Code::NotFound]);
    }
    if operation.request_body.is_some() {
        add(&[Code::ValidationError, Code::PayloadTooLarge]);
    }
    statuses.sort_unstable();
    statuses.dedup();
    for status in &statuses {
        let responses = &mut operation.responses.responses;
        let described = match responses.get(status.as_str()) {
            Some(RefOr::T(response)) => response.description.clone(),
            _ => String::new(),
        };
        let mut reference = Ref::from_response_name(name(*status));
        reference.description = described;
        responses.insert(status.as_str().to_owned(), reference.into());
    }
    statuses
}

fn in_path(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path)
}

/// Returns the name of a status's response, for example `NotFound`.
fn name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().replace(' ', "")
}

/// Returns the response that every operation shares for a status.
fn error(status: StatusCode, limits: &ApiLimits) -> Response {
    let codes: Vec<Code> = Code::ALL.into_iter().filter(|code| code.status() == status).collect();
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(Refusal::name())).item(
        ObjectBuilder::new()
            .property("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names(&codes)))),
    );
    let description = match codes.first() {
        Some(Code::PayloadTooLarge) => format!(
            "The request body has more than {} bytes, or an event has more than {} bytes as it is sent",
            limits.request_bytes, limits.event_bytes
        ),
        Some(Code::RateLimited) => {
            format!("The workspace has sent more than {} requests per second", limits.requests_per_second)
        }
        Some(code) => code.meaning().to_owned(),
        None => String::new(),
    };
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", Content::new(Some(RefOr::from(schema))));
    let header = |schema: ObjectBuilder, text: &str| {
        HeaderBuilder::new().schema(Some(Schema::from(schema))).description(Some(text)).build()
    };
    match status {
        StatusCode::UNAUTHORIZED => {
            let schema = ObjectBuilder::new().schema_type(Type::String);
            response.header("www-authenticate", header(schema, "The scheme `Bearer`")).build()
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
            let text = "Seconds after which the request may be repeated";
            response.header("retry-after", header(schema, text)).build()
        }
        _ => response.build(),
    }
}

fn names(codes: &[Code]) -> Vec<serde_json::Value> {
    codes.iter().filter_map(|code| serde_json::to_value(code).ok()).collect()
}
