// The CommonJS build, so that a process that both imports and requires the package has one WebhookError.
import api from "./index.cjs";

export const {
  engine,
  ERROR_CODES,
  EVENT_TYPES,
  isKnownEventType,
  parseTrusted,
  SIGNATURE_HEADER,
  verifyWebhookSignature,
  Webhook,
  WebhookError,
} = api;
