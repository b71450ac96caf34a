// From a delivery to its response, and the log.
import assert from "node:assert/strict";
import test from "node:test";
import { api, BODY, SECRET, thrownBy } from "./api.mjs";
import { headersOf, id, quiet, receive, watchLog, webhook } from "./receiving.mjs";

const { Handlers, MemoryStore, Webhook, WebhookError } = api;

test("a response is complete", async () => {
  const handled = await webhook.receive(BODY, headersOf(BODY), quiet);
  assert.deepEqual(handled, { status: 200, code: "handled", headers: { "content-type": "application/json" }, body: '{"code":"handled"}' });
  const refused = await webhook.receive(BODY, {}, quiet, { onError: quiet });
  assert.deepEqual(refused, { status: 400, code: "missing_signature", headers: { "content-type": "application/json" }, body: '{"code":"missing_signature","error":"the signature header is missing"}' });
  const method = await webhook.rawReceiver(quiet)(BODY, headersOf(BODY), "GET");
  assert.deepEqual(method, { status: 405, code: "method_not_allowed", headers: { "content-type": "application/json", allow: "POST" }, body: '{"code":"method_not_allowed","error":"webhooks are sent with POST"}' });
});

test("the receiver awaits a handler and ignores its result", async () => {
  const results = [false, 503, "text", { status: "open" }, { status: 503 }, new Response(null, { status: 204 }), { statusCode: 200 }];
  for (const handler of [quiet, async () => {}, ...results.map((result) => () => result)]) {
    assert.equal((await receive(handler)).is, "200 handled");
  }
  let finished = false;
  await receive(async () => {
    await new Promise((done) => setTimeout(done, 5));
    finished = true;
  });
  assert.ok(finished);
  const seen = [];
  await receive((event) => seen.push(event.id, event.data.title));
  assert.deepEqual(seen, [id, "Zażółć 😀"]);
});

test("a returned error response is an error, and the event is not handled", async () => {
  const later = new Response("try later", { status: 503 });
  const results = [later, { status: 500, headers: new Headers() }, { statusCode: 404 }, Response.redirect("https://example.com/")];
  for (const result of results) {
    for (const handler of [() => result, async () => result]) {
      const dedup = new MemoryStore();
      const { is, reports } = await receive(handler, { dedup });
      assert.equal(is, "500 handler_failed");
      assert.match(reports[0][0].message, /returned an error response.* end the handler with an error/);
      assert.equal((await receive(quiet, { dedup })).is, "200 handled");
    }
  }
});

test("the response to an error of the handler is 500, and the error is reported", async () => {
  for (const thrown of [new Error("no"), "text", undefined, null, new WebhookError("body_too_large")]) {
    for (const handler of [() => { throw thrown; }, () => Promise.reject(thrown)]) {
      const { is, body, reports } = await receive(handler);
      assert.equal(is, "500 handler_failed");
      assert.equal(body, '{"code":"handler_failed","error":"the handler failed"}');
      assert.equal(reports.length, 1);
      assert.equal(reports[0][0], thrown);
      assert.equal(reports[0][1].code, "handler_failed");
      assert.equal(reports[0][1].event.id, id);
    }
  }
});

test("bodies: raw ones, and functions that read one", async () => {
  const bytes = new TextEncoder().encode(BODY);
  for (const body of [BODY, bytes, bytes.buffer, () => BODY, async () => bytes]) {
    assert.equal((await receive(quiet, {}, { body, headers: headersOf(BODY) })).is, "200 handled");
  }
  const parsed = await receive(quiet, {}, { body: JSON.parse(BODY), headers: headersOf(BODY) });
  assert.equal(parsed.is, "500 body_not_raw");
  assert.equal(parsed.reports[0][0].code, "body_not_raw");
  assert.equal((await receive(quiet, {}, { body: () => { throw new WebhookError("body_not_raw", undefined, "do this"); }, headers: {} })).reports[0][0].hint, "do this");
});

test("the limit of the body, to the byte", async () => {
  const size = new TextEncoder().encode(BODY).length;
  for (const body of [BODY, new TextEncoder().encode(BODY), () => BODY]) {
    const headers = headersOf(BODY);
    assert.equal((await receive(quiet, { maxBodyBytes: size }, { body, headers })).is, "200 handled");
    assert.equal((await receive(quiet, { maxBodyBytes: size - 1 }, { body, headers })).is, "413 body_too_large");
    assert.equal((await receive(quiet, { maxBodyBytes: 0 }, { body, headers })).is, "413 body_too_large");
  }
  let told;
  await receive(quiet, {}, { body: (most) => { told = most; return BODY; }, headers: headersOf(BODY) });
  assert.equal(told, 10 * 1024 * 1024);
});

test("wrong arguments throw, and strangers' deliveries do not", async () => {
  for (const options of [5, { other: 1 }, { maxBodyBytes: -1 }, { maxBodyBytes: "1" }, { onError: 5 }, { dedup: {} }, { dedup: { store: {} } }, { dedup: { claim() {} } }, { dedup: { store: new MemoryStore(), claimTtl: 0 } }, { dedup: { store: new MemoryStore(), doneTtl: 1.5 } }, { dedup: { store: new MemoryStore(), ttl: 5 } }, { dedup: null }]) {
    assert.ok(thrownBy(() => webhook.rawReceiver(quiet, options)) instanceof TypeError, JSON.stringify(options));
    assert.ok(thrownBy(() => webhook.receiver(quiet, options)) instanceof TypeError);
    await assert.rejects(webhook.receive(BODY, {}, quiet, options), TypeError);
  }
  for (const handler of [undefined, null, 5, {}, "handler"]) {
    assert.match(thrownBy(() => webhook.rawReceiver(handler)).message, /^handler must be a function or Handlers/);
  }
  await assert.rejects(webhook.receive(5, {}, quiet), /^TypeError: body must/);
  await assert.rejects(webhook.receive(BODY, 5, quiet), /^TypeError: signature must/);
});

test("an unexpected error is reported, and the response is 500: an adapter has no caller that could catch it", async (t) => {
  const lines = watchLog(t);
  const bug = new Error("a bug");
  for (const body of [() => Promise.reject(bug), () => { throw bug; }]) {
    const { is, reports, body: text } = await receive(quiet, {}, { body, headers: {} });
    assert.deepEqual([is, text], ["500 receiver_failed", '{"code":"receiver_failed","error":"the receiver failed"}']);
    assert.deepEqual(reports, [[bug, { code: "receiver_failed" }]]);
    assert.equal((await webhook.receive(body, {}, quiet)).code, "receiver_failed");
    assert.deepEqual(lines(), [["error", "clarife-webhooks: receiver_failed:", bug]]);
  }
  for (const [body, headers] of [[() => 5, {}], [() => BODY, 5]]) {
    assert.equal((await receive(() => assert.fail("the handler ran"), {}, { body, headers })).is, "500 receiver_failed");
  }
});

test("a body that takes too long is incomplete", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let end;
  const pending = receive(() => assert.fail("the handler ran"), {}, { body: () => new Promise((_, reject) => (end = reject)), headers: {} });
  await new Promise(setImmediate);
  t.mock.timers.tick(30_000);
  const { is, body } = await pending;
  assert.deepEqual([is, body], ["400 body_incomplete", '{"code":"body_incomplete","error":"the body did not arrive completely"}']);
  end(new Error("late"));
  await new Promise(setImmediate); // an unhandled rejection would fail the test
});

test("in development, the response to a refused delivery has the hint", async () => {
  try {
    for (const [mode, hasHint] of [[undefined, true], ["development", true], ["test", true], ["production", false]]) {
      if (mode === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = mode;
      const { body, reports } = await receive(quiet, {}, { headers: {} });
      const members = { code: "missing_signature", error: "the signature header is missing" };
      assert.deepEqual(JSON.parse(body), hasHint ? { ...members, hint: reports[0][0].hint } : members);
      assert.equal((await receive(quiet)).body, '{"code":"handled"}');
    }
  } finally {
    process.env.NODE_ENV = "production";
  }
});

test("a host's log takes the place of the console", async (t) => {
  const onConsole = watchLog(t);
  const lines = [];
  const log = { warn: (...given) => lines.push(["warn", ...given]), error: (...given) => lines.push(["error", ...given]) };
  const failure = new Error("no");
  const receive = new Webhook(SECRET).rawReceiver(() => { throw failure; });
  await receive(BODY, {}, "POST", log);
  await receive(BODY, headersOf(BODY), "POST", log);
  await receive(JSON.parse(BODY), {}, "POST", log);
  assert.match(lines[0].join(), /^warn,clarife-webhooks: missing_signature: /);
  assert.deepEqual(lines[1], ["error", "clarife-webhooks: handler_failed:", failure]);
  assert.match(lines[2].join(), /^error,clarife-webhooks: body_not_raw: /);
  assert.deepEqual(onConsole(), []);
});

test("one warning of a handler that is slower than clarife waits", async (t) => {
  const lines = watchLog(t);
  const webhook = new Webhook(SECRET);
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const take = (seconds) => webhook.receive(BODY, headersOf(BODY), () => void (now += seconds * 1000), { onError: quiet });
  assert.equal((await take(10)).code, "handled");
  assert.deepEqual(lines(), []);
  assert.equal((await take(10.5)).code, "handled");
  await take(11);
  assert.deepEqual(lines(), [["warn", "clarife-webhooks: the handler took longer than the 10 s that clarife waits, so clarife sends the event again; return earlier, and do long work in a queue"]]);
});

test("by default, errors are logged: those of the server as errors, other refusals as warnings", async (t) => {
  const webhook = new Webhook(SECRET);
  const lines = watchLog(t);
  await webhook.receive(BODY, {}, quiet);
  await webhook.receive(`${BODY} `, headersOf(BODY), quiet);
  await webhook.receive("x".repeat(100), {}, quiet, { maxBodyBytes: 10 });
  await webhook.receive(JSON.parse(BODY), {}, quiet);
  const [missing, mismatch, large, parsed] = lines();
  assert.equal(missing[0], "warn");
  assert.match(missing[1], /^clarife-webhooks: missing_signature: the signature header is missing; pass the X-Clarife-Signature header/);
  assert.deepEqual([mismatch[0], large[0], parsed[0]], ["warn", "warn", "error"]);
  assert.match(mismatch[1], /^clarife-webhooks: signature_mismatch: no signature .*; use this subscription's signing secret/);
  assert.match(large[1], /^clarife-webhooks: body_too_large: /);
  assert.match(parsed[1], /^clarife-webhooks: body_not_raw: the raw body was expected.*; pass the body as received/);
  for (const line of [missing, mismatch, large, parsed]) assert.doesNotMatch(line[1], /Start|c2VjcmV0|xxx/);
  const failure = new Error("no");
  for (let round = 0; round < 2; round += 1) {
    await webhook.receive(BODY, headersOf(BODY), () => { throw failure; });
    await webhook.receive(BODY, headersOf(BODY), quiet, { dedup: { claim() { throw failure; }, complete() {}, release() {} } });
    assert.deepEqual(lines(), [["error", "clarife-webhooks: handler_failed:", failure], ["error", "clarife-webhooks: store_unavailable:", failure]]);
  }
});

test("a refusal of each code is logged once a minute, with the number of the others", async (t) => {
  const webhook = new Webhook(SECRET);
  const lines = watchLog(t);
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const receivers = [webhook.rawReceiver(quiet), webhook.rawReceiver(quiet, {}), (body, headers) => webhook.receive(body, headers, quiet)];
  const refuse = async () => {
    for (const receive of receivers) assert.equal((await receive(BODY, {})).code, "missing_signature");
    return lines().map(([, line]) => /(; not logged since the last such line: \d+)?$/.exec(line)[0]);
  };
  assert.deepEqual(await refuse(), [""]);
  now = 59_999;
  assert.deepEqual(await refuse(), []);
  assert.equal((await receivers[0](`${BODY} `, headersOf(BODY))).code, "signature_mismatch");
  assert.equal(lines().length, 1);
  now = 60_000;
  assert.deepEqual(await refuse(), ["; not logged since the last such line: 5"]);
  now = 120_000;
  assert.deepEqual(await refuse(), ["; not logged since the last such line: 2"]);
  now = 0; // a test sets the clock back
  assert.deepEqual(await refuse(), ["; not logged since the last such line: 2"]);
  await new Webhook(SECRET).receive(BODY, {}, quiet);
  assert.equal(lines().length, 1, "each webhook has counters of its own");
});

test("onError replaces the log, and a console that fails changes nothing", async (t) => {
  const lines = watchLog(t);
  const webhook = new Webhook(SECRET);
  let reports = 0;
  for (let round = 0; round < 3; round += 1) await webhook.receive(BODY, {}, quiet, { onError: () => (reports += 1) });
  assert.deepEqual([reports, lines()], [3, []]);
  t.mock.method(console, "warn", () => { throw new Error("no"); });
  assert.equal((await webhook.receive(BODY, {}, quiet)).code, "missing_signature");
});

test("errors of onError change nothing", async () => {
  for (const onError of [() => { throw new Error("no"); }, () => Promise.reject(new Error("no"))]) {
    assert.equal((await receive(quiet, { onError }, { headers: {} })).is, "400 missing_signature");
    assert.equal((await receive(() => { throw 5; }, { onError })).is, "500 handler_failed");
  }
});
