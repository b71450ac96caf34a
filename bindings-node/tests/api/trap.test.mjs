// A trap of the WebAssembly module: no webhook may verify with the secret of another, and every later call is refused.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { entry } from "./api.mjs";

const PROGRAM = `
import { Webhook, MemoryStore, parseTrusted } from ${JSON.stringify(entry)};
const event = (id) => JSON.stringify({ id, type: "document.updated", created_at: new Date().toISOString(), data: {} });
const [one, other] = ["whsec_b25l", "whsec_b3RoZXI"].map((secret) => new Webhook(secret));
const body = event("evt_1");
const header = other.sign(body);
const attempt = (call) => { try { return call(); } catch (error) { return error; } };
const kept = [];
let failure;
// Webhooks and stores, until there is no memory for another one.
while (!(failure instanceof Error)) {
  failure = attempt(() => kept.push(new Webhook("whsec_b25l"), new MemoryStore()) && undefined);
}
const calls = [
  () => one.verify(body, header), () => one.verify(body, header), () => one.sign(body), () => other.verify(body, header),
  () => new Webhook("whsec_b3RoZXI"), () => kept.at(-1).claim("evt_1", 50), () => parseTrusted(body),
];
const said = calls.map((call) => { const result = attempt(call); return result instanceof Error ? result.message : "ACCEPTED"; });
const response = await one.rawReceiver(() => {}, { onError() {} })(() => body, { "x-clarife-signature": header });
console.log(JSON.stringify({ failure: failure.message, said, response: response.status + " " + response.code }));
`;

test("after a trap, every call is refused for ever", { skip: entry !== "clarife-webhooks/wasm" && "the addon has no such memory" }, () => {
  const output = execFileSync(process.execPath, ["--wasm-max-mem-pages=40", "--input-type=module", "--eval", PROGRAM], { encoding: "utf8" });
  const { failure, said, response } = JSON.parse(output);
  const message = "the WebAssembly module has failed, and verifies nothing any more: start a new process or isolate";
  assert.equal(failure, message);
  assert.deepEqual(new Set(said), new Set([message]));
  assert.equal(response, "500 receiver_failed");
});
