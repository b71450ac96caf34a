// What every test needs: the package under test, which PACKAGE names, and a signed delivery.
//
// `cargo xtask test` copies this folder into empty projects that have the packed packages installed, and runs `node --test`
// in it: once with PACKAGE=clarife-webhooks (native), once with PACKAGE=clarife-webhooks-wasm, once without the addon.
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export const packageName = process.env.PACKAGE ?? "clarife-webhooks";
export const require = createRequire(import.meta.url);
export const api = await import(packageName);

/** The folder of the installed package. */
export const folder = dirname(require.resolve(`${packageName}/package.json`));

/** What `engine` has to be: native exactly where an addon was installed. */
export const expectedEngine =
  existsSync(join(folder, "dist")) && readdirSync(join(folder, "dist")).some((file) => file.endsWith(".node")) ? "native" : "wasm";

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

/** What `call` throws. */
export function thrownBy(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** An envelope with other members. */
export function bodyWith(members) {
  return JSON.stringify({ ...JSON.parse(BODY), ...members });
}

/** The event that a body becomes when it is signed. */
export function eventOf(body, options) {
  return webhook.verify(body, webhook.sign(body, { timestamp: NOW }), { ...AT, ...options });
}
