// Generated from the core by `cargo xtask codegen`: do not edit.

/** The header that carries the signature. */
export const SIGNATURE_HEADER = "x-clarife-signature";

/** The headers of Standard Webhooks: the event's id, the time and the signatures. */
export const STANDARD_HEADERS = [
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
] as const;

/** The limit of the signature header, in bytes. A longer header is malformed. */
export const MAX_HEADER_BYTES = 4096;

/** The largest tolerance that is not questioned, in seconds. Larger ones in whole thousands look like milliseconds. */
export const LARGEST_LIKELY_TOLERANCE = 86400;

/** Every type of event that this version knows. */
export const EVENT_TYPES = [
  "document.created",
  "document.updated",
  "document.deleted",
  "project.created",
  "project.updated",
  "project.deleted",
  "folder.created",
  "folder.updated",
  "folder.deleted",
  "media.uploaded",
  "generation.started",
  "generation.completed",
  "generation.failed",
  "share.created",
  "share.updated",
  "share.deleted",
] as const;

/** A type of event that this version knows. */
export type KnownEventType = (typeof EVENT_TYPES)[number];

/** Every code of a {@link WebhookError}, in the order of the checks. */
export const ERROR_CODES = [
  "invalid_secret",
  "missing_signature",
  "malformed_signature",
  "timestamp_too_old",
  "timestamp_in_future",
  "signature_mismatch",
  "malformed_payload",
  "event_too_old",
  "body_not_raw",
  "body_too_large",
  "body_incomplete",
] as const;

/** The code of a refused delivery or an unusable secret. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** The address of the section on an error, without the error's code at its end. */
export const ERROR_REFERENCE =
  "https://github.com/clarife/clarife-webhooks/blob/main/docs/pages/reference/errors.md#";

/** The signature headers of other senders. */
export const OTHER_SIGNATURE_HEADERS = [
  "stripe-signature",
  "x-hub-signature-256",
  "x-hub-signature",
  "svix-signature",
  "x-slack-signature",
  "x-shopify-hmac-sha256",
] as const;

/** The hint for a request with such a header, after its name. */
export const OTHER_SENDER =
  " is the signature of another sender: check that only clarife's subscription has the address of this endpoint";

/** The HTTP statuses of the responses to refused deliveries, in the order of the codes. */
export const ERROR_STATUSES = [500, 400, 400, 400, 400, 400, 400, 400, 500, 413, 400] as const;

/** The headers of the responses to refused deliveries. */
export const RESPONSE_HEADERS = { "content-type": "application/json" } as const;

/** All other responses, by code. */
export const RESPONSES = {
  handled: {
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"code":"handled"}',
  },
  duplicate: {
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"code":"duplicate"}',
  },
  in_progress: {
    status: 409,
    headers: { "content-type": "application/json" },
    body: '{"code":"in_progress","error":"the event is being handled"}',
  },
  handler_failed: {
    status: 500,
    headers: { "content-type": "application/json" },
    body: '{"code":"handler_failed","error":"the handler failed"}',
  },
  store_unavailable: {
    status: 503,
    headers: { "content-type": "application/json" },
    body: '{"code":"store_unavailable","error":"the store of handled events is not available"}',
  },
  method_not_allowed: {
    status: 405,
    headers: { "content-type": "application/json", allow: "POST" },
    body: '{"code":"method_not_allowed","error":"webhooks are sent with POST"}',
  },
  receiver_failed: {
    status: 500,
    headers: { "content-type": "application/json" },
    body: '{"code":"receiver_failed","error":"the receiver failed"}',
  },
} as const;

/** The code of a response. */
export type ResponseCode = ErrorCode | keyof typeof RESPONSES;

/** The codes of the server's own errors. Every other code of an error belongs to a refused delivery. */
export const SERVER_ERRORS: readonly ResponseCode[] = [
  "invalid_secret",
  "body_not_raw",
  "handler_failed",
  "store_unavailable",
  "receiver_failed",
];

/** The time in which a receiver logs at most one refusal of an error code, in seconds. */
export const REFUSAL_LOG_INTERVAL = 60;

/** The end of a line that follows refusals which were not logged. Their number comes after it. */
export const REFUSALS_NOT_LOGGED = "; not logged since the last such line: ";

/** The largest body that a receiver reads unless set otherwise, in bytes. */
export const DEFAULT_MAX_BODY_BYTES = 10485760;

/** The time after which a receiver gives up on a body, in seconds. */
export const BODY_TIMEOUT = 30;

/** The time to live of a claim unless set otherwise, in seconds. */
export const DEFAULT_CLAIM_TTL = 50;

/** The time to live of a done mark unless set otherwise, in seconds; the event's replay window where that is longer. */
export const DEFAULT_DONE_TTL = 86400;

/** The time after which a receiver gives up on a step of a store, in seconds. */
export const STORE_TIMEOUT = 5;

/** The message of the error of a step that took longer. */
export const STORE_LATE = "the store did not respond within 5 s";

/** The message of the error of a handler that returned an error response. */
export const RETURNED_RESPONSE =
  "the handler returned an error response, which clarife does not receive; end the handler with an error, so that clarife retries";

/** The time that clarife waits for a response, in seconds. */
export const RESPONSE_TIMEOUT = 10;

/** The warning after a handler that took longer. */
export const SLOW_HANDLER =
  "the handler took longer than the 10 s that clarife waits, so clarife sends the event again; return earlier, and do long work in a queue";

/** The message of the error of a store in memory that has no room. */
export const STORE_FULL = "the store is full of events that are being handled";

/** The warning of a store in memory that has removed a handled event which it should still know. */
export const STORE_EVICTED =
  "the store of handled events is full and has removed an event that it should still know; a later delivery of such an event is handled again; raise its capacity";

/** A document. Every member is optional. */
export interface Document {
  /** The document's id, an opaque string. */
  id?: string;
  /** The title. */
  title?: string;
  /** The description. */
  description?: string;
  /** The time of the document's creation, RFC 3339. */
  created_at?: string;
  /** The time of the last change, RFC 3339. */
  updated_at?: string;
  /** The number of blocks in the content. */
  block_count?: number;
  /** The number of screenshots in the content. */
  screenshot_count?: number;
  /** The number of words in the content. */
  word_count?: number;
  /** The visibility, for example `private`. */
  visibility?: string;
  /** The template of the document. */
  template?: unknown | null;
  /** The id of the branding. */
  branding_id?: string | null;
  /** The id of the document's project. */
  project_id?: string | null;
  /** The content. */
  content?: Content;
}

/** The content of a document. Every member is optional. */
export interface Content {
  /** Properties of the content as a whole. */
  meta?: ContentMeta;
  /** The blocks, in order. */
  blocks?: Block[];
}

/** Properties of a document's content as a whole. Every member is optional. */
export interface ContentMeta {
  /** The version of the content's format. */
  version?: number;
  /** The language, for example `en`. */
  locale?: string;
}

/** A block of a document. Every member is optional. */
export interface Block {
  /** The block's type, for example `heading`, `text` or `screenshot`. */
  type?: string;
  /** The text, as HTML in a `text` block. */
  content?: string;
  /** The id of the file in the block. */
  media_id?: string;
}

/** A share link of a document. Every member is optional. */
export interface Share {
  /** The share link's id, an opaque string. */
  id?: string;
  /** The id of the shared document. */
  document_id?: string;
  /** The time of the link's creation, RFC 3339. */
  created_at?: string;
  /** True if the link works. */
  is_active?: boolean;
  /** True if the link requires a password. */
  has_password?: boolean;
  /** True if the branding is shown. */
  show_branding?: boolean;
  /** True if other pages may embed the document. */
  embed_allowed?: boolean;
  /** The number of views. */
  view_count?: number;
  /** The number of unique viewers. */
  unique_viewers?: number;
  /** The time of expiry, RFC 3339. */
  expires_at?: string | null;
  /** The time of the last view, RFC 3339. */
  last_viewed_at?: string | null;
  /** The kind of embedding. */
  embed_type?: string | null;
  /** The id of the branding. */
  branding_id?: string | null;
  /** The URL of the link. */
  url?: string;
  /** The last segment of the URL. */
  slug?: string;
  /** The view style, for example `minimalistic` or `with_navigation`. */
  view_style?: string;
  /** The e-mail addresses that may open the link. */
  allowed_emails?: string[];
  /** The e-mail domains that may open the link. */
  allowed_domains?: string[];
}

/** An uploaded file. Every member is optional. */
export interface Media {
  /** The file's id, an opaque string. A file has no member `id`. */
  media_id?: string;
  /** The id of the file's document. */
  document_id?: string;
  /** The file's name. */
  filename?: string;
  /** The file's media type, for example `image/png`. */
  mime_type?: string;
  /** The file's key in storage. */
  b2_key?: string;
  /** The file's size, in bytes. */
  file_size_bytes?: number;
}

/** A project. clarife does not document its members. Every member is optional. */
export interface Project {
  /** The project's id, an opaque string. */
  id?: string;
  [member: string]: unknown;
}

/** A folder. clarife does not document its members. Every member is optional. */
export interface Folder {
  /** The folder's id, an opaque string. */
  id?: string;
  [member: string]: unknown;
}

/** An AI generation run. clarife does not document its members. Every member is optional. */
export interface Generation {
  /** The run's id, an opaque string. */
  id?: string;
  [member: string]: unknown;
}

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

/** A document was created. */
export type DocumentCreatedEvent = EventOf<"document.created", Document>;
/** A document was changed. */
export type DocumentUpdatedEvent = EventOf<"document.updated", Document>;
/** A document was moved to the trash. */
export type DocumentDeletedEvent = EventOf<"document.deleted", Document>;
/** A project was created. */
export type ProjectCreatedEvent = EventOf<"project.created", Project>;
/** A project was renamed or moved. */
export type ProjectUpdatedEvent = EventOf<"project.updated", Project>;
/** A project was deleted. */
export type ProjectDeletedEvent = EventOf<"project.deleted", Project>;
/** A folder was created. */
export type FolderCreatedEvent = EventOf<"folder.created", Folder>;
/** A folder was renamed. */
export type FolderUpdatedEvent = EventOf<"folder.updated", Folder>;
/** A folder was deleted. */
export type FolderDeletedEvent = EventOf<"folder.deleted", Folder>;
/** A file was uploaded and confirmed. */
export type MediaUploadedEvent = EventOf<"media.uploaded", Media>;
/** An AI generation run has started. */
export type GenerationStartedEvent = EventOf<"generation.started", Generation>;
/** An AI generation run has succeeded. */
export type GenerationCompletedEvent = EventOf<"generation.completed", Generation>;
/** An AI generation run has failed. */
export type GenerationFailedEvent = EventOf<"generation.failed", Generation>;
/** A share link was created. */
export type ShareCreatedEvent = EventOf<"share.created", Share>;
/** A share link was changed. */
export type ShareUpdatedEvent = EventOf<"share.updated", Share>;
/** A share link was deleted. */
export type ShareDeletedEvent = EventOf<"share.deleted", Share>;

/** An event of a type that this version knows. */
export type KnownEvent =
  | DocumentCreatedEvent
  | DocumentUpdatedEvent
  | DocumentDeletedEvent
  | ProjectCreatedEvent
  | ProjectUpdatedEvent
  | ProjectDeletedEvent
  | FolderCreatedEvent
  | FolderUpdatedEvent
  | FolderDeletedEvent
  | MediaUploadedEvent
  | GenerationStartedEvent
  | GenerationCompletedEvent
  | GenerationFailedEvent
  | ShareCreatedEvent
  | ShareUpdatedEvent
  | ShareDeletedEvent;

/** An event of a type that this version does not know. */
export type UnknownEvent = EventOf<UnknownEventType, Record<string, unknown>>;

/** The result of `verify`. A comparison of `type` narrows `data`. */
export type WebhookEvent = KnownEvent | UnknownEvent;
