// The entry under test, which ENTRY names, and a signed delivery.
//
// `cargo xtask test` copies these tests into empty projects with the packed package, and runs `node --test` three times: with
// ENTRY=clarife-webhooks (native), with ENTRY=clarife-webhooks/wasm, and with ENTRY=clarife-webhooks without the addon.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

// In development, responses to refused deliveries have a hint. A test of its own sets this variable.
process.env.NODE_ENV = "production";

export const entry = process.env.ENTRY ?? "clarife-webhooks";
export const require = createRequire(import.meta.url);
export const api = await import(entry);

/** The folder of the installed package. */
export const folder = dirname(require.resolve("clarife-webhooks/package.json"));

/** The expected `engine`: the main entry is native if the package has an addon. */
export const expectedEngine =
  entry === "clarife-webhooks" && readdirSync(join(folder, "dist")).some((file) => file.endsWith(".node")) ? "native" : "wasm";

export const SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw";
export const NOW = 1774699200; // 2026-03-28T12:00:00Z
export const AT = { now: NOW };

export const BODY = JSON.stringify({
  id: "evt_a1b2c3d4-5678-90ab-cdef-1234567890ab",
  type: "document.updated",
  created_at: "2026-03-28T12:00:00.123456Z",
  data: { id: "doc_1", title: "Zażółć 😀", word_count: 3 },
});
export const webhook = new api.Webhook(SECRET);
export const SIGNATURE = webhook.sign(BODY, { timestamp: NOW });

/** Returns the error that `call` throws. */
export function thrownBy(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** Returns the body with other members. */
export function bodyWith(members) {
  return JSON.stringify({ ...JSON.parse(BODY), ...members });
}

/** Signs and verifies a body and returns its event. */
export function eventOf(body, options) {
  return webhook.verify(body, webhook.sign(body, { timestamp: NOW }), { ...AT, ...options });
}
