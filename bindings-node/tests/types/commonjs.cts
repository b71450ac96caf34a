// CommonJS in TypeScript.
import clarife = require("clarife-webhooks");
import wasm = require("clarife-webhooks/wasm");

const webhook = new clarife.Webhook("whsec_a");
const event: clarife.WebhookEvent = webhook.verify("{}", undefined);
const code: clarife.ErrorCode = new wasm.WebhookError("missing_signature", "").code;
// @ts-expect-error
clarife.webhook;
void [event, code];
