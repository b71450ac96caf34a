// Calls the crate's functions in WebAssembly:  node edge.mjs <module that wasm-bindgen has made for Node.js>
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import process from "node:process";

const edge = createRequire(import.meta.url)(process.argv[2]);
const secret = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";
const data = { title: "Zażółć 🔑", n: 117.63331139400017, big: 9007199254740993, none: null, lone: "\ud800" };
const body = JSON.stringify({ id: "evt_1", type: "document.updated", created_at: "2026-03-28T12:00:00.5Z", data });

// The time is that of JavaScript.
const before = Date.now();
const now = edge.now();
assert.ok(before <= now && now <= Date.now(), `${before} ${now}`);

// An event is a plain object with the members of the body.
const signature = edge.sign(secret, body);
assert.deepEqual(edge.verify(secret, body, signature), JSON.parse(body));
assert.deepEqual(Object.keys(edge.verify(secret, body, signature)), ["id", "type", "created_at", "data"]);

// An error is a JavaScript error with code and hint.
const refused = (code, call) =>
  assert.throws(call, (error) => {
    assert.ok(error instanceof Error && error.stack.includes("WebhookError"), error.stack);
    assert.equal(error.name, "WebhookError");
    assert.equal(error.code, code);
    assert.ok(error.message.length > 10 && error.hint.length > 10, `${error.message}; ${error.hint}`);
    return true;
  });
refused("signature_mismatch", () => edge.verify(secret, `${body} `, signature));
refused("missing_signature", () => edge.verify(secret, body, undefined));
refused("invalid_secret", () => edge.verify("", body, signature));

// The receiver and its store have a clock, and what the receiver logs goes to the console.
assert.equal(edge.receive_twice(secret, body, signature), "handled duplicate");
const lines = [];
const { warn } = console;
console.warn = (line) => lines.push(line);
assert.equal(edge.receive_twice(secret, body, "t=1,v1=00"), "malformed_signature malformed_signature");
console.warn = warn;
assert.equal(lines.length, 1, lines.join("\n"));
assert.match(lines[0], /^clarife-webhooks: malformed_signature: /);

// Random bytes are those of JavaScript.
const ids = Array.from({ length: 10 }, () => edge.random_event().id);
assert.equal(new Set(ids).size, 10, ids.join());
console.log("edge-rust: passed");
