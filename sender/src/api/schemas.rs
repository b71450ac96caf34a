//! Schemas of values with limits. The document states each once, and refers to it by its name.

use clarife_webhooks::EventType;
use clarife_webhooks::sender::{EndpointUrl, FailureKind, FailureReason};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::ApiLimits;
use super::deliveries::DEFAULT_PAGE;
use super::events::MAX_ID;
use super::workspaces::MAX_NAME;
use crate::deliver::AddressPolicy;
use crate::ids::DeliveryId;
use crate::settings::Settings;

/// Pattern of a name: no control characters, and not only spaces.
const NAME: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// Returns the kinds of failure of a recorded attempt: all but `local`.
pub(super) fn failure_kinds() -> impl Iterator<Item = &'static str> {
    FailureKind::ALL.into_iter().filter(|kind| *kind != FailureKind::Local).map(FailureKind::as_str)
}

macro_rules! schemas {
    ($($(#[doc = $doc:literal])+ $name:ident = $schema:expr;)+) => {
        $($(#[doc = $doc])+
        pub(super) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema(&Settings::default().api_limits(), AddressPolicy::Public).into()
            }
        }

        impl ToSchema for $name {})+

        /// Returns the schemas and their names, for a sender with these limits.
        pub(super) fn all(limits: &ApiLimits, policy: AddressPolicy) -> Vec<(&'static str, RefOr<Schema>)> {
            vec![$((stringify!($name), $schema(limits, policy).into()),)+]
        }
    };
}

schemas! {
    /// A time.
    Time = |_: &_, _| text("A time of RFC 3339").format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    /// A name of a workspace or token.
    Name = |_: &_, _| text(&format!("A name of at most {MAX_NAME} bytes in UTF-8"))
        .min_length(Some(1))
        .max_length(Some(MAX_NAME))
        .pattern(Some(NAME));
    /// The id of an event.
    EventId = |_: &_, _| text(&format!("The id of an event, of at most {MAX_ID} bytes in UTF-8"))
        .min_length(Some(1))
        .max_length(Some(MAX_ID))
        .pattern(Some(r"^[^\u0000]+$"));
    /// The id of a delivery.
    DeliveryIdText = |_: &_, _| text("The id of a delivery").pattern(Some(DeliveryId::PATTERN));
    /// The name of an event type.
    EventTypeName = |_: &_, _| text("The name of an event type")
        .enum_values(Some(EventType::KNOWN.map(EventType::as_str)));
    /// A list of event types.
    EventTypeNames = |_: &_, _| ArrayBuilder::new()
        .description(Some("Event types; a repeated type counts once"))
        .items(named::<EventTypeName>())
        .min_items(Some(1));
    /// The URL of an endpoint.
    Url = |_: &_, policy| text(
        "The URL of an endpoint: a host name or a public IP address, an optional port, path and query, without user \
         name and fragment",
    )
        .format(Some(SchemaFormat::Custom("uri".into())))
        .max_length(Some(EndpointUrl::MAX_BYTES))
        .pattern(Some(match policy {
            AddressPolicy::Public => "^[Hh][Tt][Tt][Pp][Ss]://",
            AddressPolicy::PublicAndLoopback => "^[Hh][Tt][Tt][Pp][Ss]?://",
        }));
    /// The kind of failure of an attempt.
    FailureKindName = |_: &_, _| text("The kind of failure of an attempt without a response")
        .enum_values(Some(failure_kinds()));
    /// The reason for a failed delivery.
    FailureReasonName = |_: &_, _| text("The reason for a failed delivery")
        .enum_values(Some(FailureReason::ALL.map(FailureReason::as_str)));
    /// A limit of a page.
    PageSize = |limits: &ApiLimits, _| ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("The limit of the deliveries on a page"))
        .minimum(Some(1))
        .maximum(Some(limits.page))
        .default(Some(DEFAULT_PAGE.min(limits.page).into()));
    /// A batch of events.
    Batch = |limits: &ApiLimits, _| object("A batch of events, of which the sender accepts all or none")
        .property(
            "events",
            ArrayBuilder::new()
                .items(named::<super::events::IncomingEvent>())
                .min_items(Some(1))
                .max_items(Some(limits.events)),
        )
        .required("events");
    /// An event as it is sent.
    Event = |_: &_, _| object("An event as it is sent")
        .property("id", named::<EventId>())
        .required("id")
        .property("type", named::<EventTypeName>())
        .required("type")
        .property("created_at", named::<Time>())
        .required("created_at")
        .property("data", ObjectBuilder::new().schema_type(Type::Object))
        .required("data");
    /// The body of a request with events.
    Incoming = |_: &_, _| OneOfBuilder::new()
        .description(Some("One event or a batch"))
        .item(named::<super::events::IncomingEvent>())
        .item(named::<Batch>());
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn object(description: &str) -> ObjectBuilder {
    let closed = AdditionalProperties::FreeForm(false);
    ObjectBuilder::new().schema_type(Type::Object).description(Some(description)).additional_properties(Some(closed))
}

fn named<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}
