// Checks the addon for musl in Bun with musl, in a project with the package. The file is named directly, because the
// package's entry for Bun is WebAssembly.
const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");

const { engine, Webhook } = require("./node_modules/clarife-webhooks/dist/node.cjs");

assert.equal(engine, "native");
const maps = readFileSync("/proc/self/maps", "utf8");
assert.match(maps, /clarife-webhooks\.linux-\w+-musl\.node/);
assert.doesNotMatch(maps, /linux-gnu\/libc\.so\.6|linux-\w+-gnu\.node/);

const webhook = new Webhook("whsec_c21va2Utc21va2Utc21va2Utc21va2U");
const body = JSON.stringify({ id: "evt_1", type: "document.updated", created_at: "2026-01-01T00:00:00Z", data: { title: "Musl" } });
const signature = webhook.sign(body);
assert.equal(webhook.verify(body, signature).data.title, "Musl");
assert.throws(() => webhook.verify(body.replace("Musl", "Glibc"), signature), { code: "signature_mismatch" });
console.log(`${maps.match(/clarife-webhooks\.\S+\.node/)[0]}: native, Bun ${process.versions.bun}`);
