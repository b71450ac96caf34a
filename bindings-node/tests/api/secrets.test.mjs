// Secrets and bodies are never shown.
import assert from "node:assert/strict";
import test from "node:test";
import { inspect } from "node:util";
import { api, AT, BODY, SECRET, SIGNATURE, thrownBy, webhook } from "./api.mjs";

const everything = (value) =>
  [
    String(value),
    JSON.stringify(value),
    inspect(value, { showHidden: true, depth: Infinity, getters: true }),
    inspect({ value }, { showProxy: true }),
    Reflect.ownKeys(value).map((key) => `${String(key)}${String(value[key])}`).join(),
    value.stack,
    value.hint,
  ].join("\n");

test("a webhook does not show its secrets", () => {
  for (const instance of [webhook, new api.Webhook([SECRET, "whsec_other"], { tolerance: 5 })]) {
    assert.doesNotMatch(everything(instance), /whsec_/);
    assert.deepEqual(Object.keys(instance), []);
    assert.equal(JSON.stringify(instance), "{}");
  }
});

test("an error shows neither secret nor body", () => {
  const errors = [
    () => new api.Webhook(` ${SECRET}`),
    () => new api.Webhook([SECRET, ""]),
    () => new api.Webhook([SECRET, 5]),
    () => new api.Webhook(SECRET, SECRET),
    () => new api.Webhook(`${SECRET}\n`),
    () => webhook.verify(BODY, SIGNATURE, SECRET),
    () => webhook.verify(JSON.parse(BODY), SIGNATURE),
    () => webhook.verify(`${BODY}x`, webhook.sign(`${BODY}x`)),
    () => webhook.verify(BODY, `${SIGNATURE},`, AT),
    () => webhook.verify(BODY, SIGNATURE.replace(/.$/, "x"), AT),
    () => webhook.verify(`${BODY} `, SIGNATURE, AT),
  ].map(thrownBy);
  for (const error of errors) {
    assert.doesNotMatch(everything(error), new RegExp(`${SECRET}|doc_1|evt_|Zażółć|${SIGNATURE.slice(-20, -1)}`), error.message);
  }
});
