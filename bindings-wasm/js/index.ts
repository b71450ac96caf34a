export type { Body } from "./body.js";
export { engine } from "./engine.js";
export { WebhookError } from "./error.js";
export { isKnownEventType, parseTrusted, verifyWebhookSignature, Webhook } from "./face.js";
export type { RequestLike, SignOptions, VerifyOptions, WebhookOptions } from "./face.js";
export { ERROR_CODES, EVENT_TYPES, SIGNATURE_HEADER } from "./generated.js";
export type * from "./generated.js";
export type { HeaderContainer, HeaderPairs, HeaderRecord, SignatureSource } from "./headers.js";
