// Checks the installed package from the project that this file lies in. `smoke.mjs` copies it there.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";

const [expected] = process.argv.slice(2);
const secret = "whsec_c21va2Utc21va2Utc21va2Utc21va2U";
const require = createRequire(import.meta.url);

async function checkEntry(load) {
  const { engine, Webhook, WebhookError } = await load("clarife-webhooks");
  const { sampleEvent, signedRequest } = await load("clarife-webhooks/testing");
  assert.equal(engine, expected, `the engine is ${engine}, not ${expected}`);
  assert.equal((await load("clarife-webhooks/wasm")).engine, "wasm");

  const webhook = new Webhook(secret);
  const delivery = signedRequest(sampleEvent("document.updated", { data: { title: "Smoke" } }), { secret });
  assert.equal(webhook.verify(delivery.body, delivery.headers).data.title, "Smoke");
  assert.throws(() => webhook.verify(delivery.body.replace("Smoke", "Fire"), delivery.headers), (error) => {
    assert.ok(error instanceof WebhookError);
    assert.equal(error.code, "signature_mismatch");
    assert.match(error.hint, /raw body/);
    return true;
  });
  assert.throws(() => new Webhook(undefined), (error) => {
    assert.equal(error.code, "invalid_secret");
    assert.match(`${error.message} ${error.hint}`, /CLARIFE_WEBHOOK_SECRET/);
    return true;
  });
  await checkServer(await load("clarife-webhooks/node"), webhook, delivery);
}

/** Checks deliveries over HTTP to the adapter of node:http. */
async function checkServer({ receiver }, webhook, { headers, body }) {
  const [titles, errors] = [[], []];
  const handle = (event) => titles.push(event.data.title);
  const server = createServer(receiver(webhook, handle, { onError: (error) => errors.push(error.code) }));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address();
  // Not by fetch, which cannot connect in node.exe under Wine.
  const post = async (body) => {
    const sent = request({ host: "127.0.0.1", port, method: "POST", headers, agent: false }).end(body);
    const [response] = await once(sent, "response");
    await once(response.resume(), "end");
    return response.statusCode;
  };
  assert.equal(await post(body), 200);
  assert.equal(await post(body.replace("Smoke", "Fire")), 400);
  assert.deepEqual([titles, errors], [["Smoke"], ["signature_mismatch"]]);
  await new Promise((resolve) => server.close(resolve));
}

await checkEntry((name) => import(name));
await checkEntry((name) => require(name));
const { version } = require("clarife-webhooks/package.json");
console.log(`clarife-webhooks ${version}: ${expected}, Node.js ${process.version}, ${process.platform} ${process.arch}`);
