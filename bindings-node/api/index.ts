export { engine } from "./backend.js";
export type { Body } from "./body.js";
export { MemoryStore, storeKey } from "./dedup.js";
export type { Claim, DedupOptions, DedupStore, MemoryStoreOptions } from "./dedup.js";
export { WebhookError } from "./error.js";
export { ERROR_CODES, EVENT_TYPES, SIGNATURE_HEADER } from "./generated.js";
export type * from "./generated.js";
export { Handlers } from "./handlers.js";
export type { EventFor, EventGroup, EventHandler, EventPattern, Handler, HandlerResult } from "./handlers.js";
export type { HeaderContainer, HeaderPairs, HeaderRecord, SignatureSource } from "./headers.js";
export type {
  BodySource,
  ErrorContext,
  FetchReceiver,
  RawReceiver,
  ReceiveOptions,
  ReceiverLog,
  WebhookResponse,
} from "./receive.js";
export type { RequestLike } from "./request.js";
export { isKnownEvent, isKnownEventType, parseTrusted, receiveTrusted, verifyWebhookSignature, Webhook } from "./webhook.js";
export type {
  SignOptions,
  SignStandardOptions,
  StandardHeaders,
  VerifyOptions,
  VerifyRequestOptions,
} from "./webhook.js";
export type { WebhookOptions } from "./webhook-options.generated.js";
