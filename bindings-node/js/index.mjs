// The CommonJS build, so that a process that both imports and requires the package has one WebhookError.
import api from "./index.cjs";

export const {
  engine,
  ERROR_CODES,
  EVENT_TYPES,
  Handlers,
  isKnownEventType,
  MemoryStore,
  parseTrusted,
  SIGNATURE_HEADER,
  storeKey,
  verifyWebhookSignature,
  Webhook,
  WebhookError,
} = api;
