// The type of an event selects the type of its data. This file is only compiled, and every `@ts-expect-error` must be an error.
import type { Document, ErrorCode, KnownEvent, KnownEventType, Share, WebhookEvent } from "clarife-webhooks";
import { ERROR_CODES, EVENT_TYPES, isKnownEventType, Webhook, WebhookError } from "clarife-webhooks";
import type { WebhookEvent as WasmEvent } from "clarife-webhooks/wasm";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_ extends true>(): void => {};

declare const event: WebhookEvent;

// The members of every event.
const id: string = event.id;
const at: string = event.created_at;
const raw: string = event.raw;
const type: string = event.type;
// @ts-expect-error: not every data has this member
event.data.title;
// @ts-expect-error: an event is read-only
event.id = "forged";
// @ts-expect-error
event.data = {};
// @ts-expect-error: the names are those of the JSON
event.createdAt;

// A comparison narrows to one type of event.
if (event.type === "document.updated") {
  same<Equal<typeof event.data, Document>>();
  const title: string | undefined = event.data.title;
  const project: string | null | undefined = event.data.project_id;
  // @ts-expect-error: every member is optional
  const certain: string = event.data.title;
  // @ts-expect-error: a document has no filename
  event.data.filename;
  void [title, project, certain];
} else if (event.type === "share.created" || event.type === "share.deleted") {
  same<Equal<typeof event.data, Share>>();
  const active: boolean | undefined = event.data.is_active;
  void active;
} else if (event.type === "media.uploaded") {
  const media: string | undefined = event.data.media_id;
  // @ts-expect-error: a file has no id
  event.data.id;
  void media;
} else if (event.type === "folder.created") {
  const anything: unknown = event.data["whatever it has"];
  void anything;
}
// @ts-expect-error: not a known type; unknown types are compared as strings
if (event.type === "document.update") void event;
if ((event.type as string) === "video.rendered") void event;

// The default of a switch is an event of any other type. events.generated.ts has a case for every type.
function switched(event: WebhookEvent): string {
  switch (event.type) {
    case "project.created":
    case "project.deleted":
      return event.data.id ?? "";
    default: {
      const name: string = event.type;
      const member: unknown = event.data;
      return `${name} ${String(member)}`;
    }
  }
}

// A handler per type.
type Handlers = { [Event in KnownEvent as Event["type"]]?: (event: Event) => void };
const handlers: Handlers = {
  "document.updated": (event) => void event.data.word_count?.toFixed(),
  // @ts-expect-error: a share has no word_count
  "share.created": (event) => void event.data.word_count,
};

// Names.
const known: KnownEventType = "document.created";
// @ts-expect-error
const unknown: KnownEventType = "video.rendered";
if (isKnownEventType(type)) {
  const narrowed: KnownEventType = type;
  void narrowed;
}
same<Equal<(typeof EVENT_TYPES)[number], KnownEventType>>();
same<Equal<(typeof ERROR_CODES)[number], ErrorCode>>();
same<Equal<KnownEvent["type"], KnownEventType>>();

// Both entries have the same events.
const across: WebhookEvent = {} as WasmEvent;

// Errors.
try {
  new Webhook("");
} catch (error) {
  if (error instanceof WebhookError) {
    const code: ErrorCode = error.code;
    const hint: string = error.hint;
    // @ts-expect-error: not a code
    if (error.code === "bad_signature") void 0;
    // @ts-expect-error: an error is read-only
    error.code = "signature_mismatch";
    void [code, hint];
  }
}

void [id, at, raw, switched, handlers, known, unknown, across];
