// From a delivery to its response: `receive`, `rawReceiver`, `receiver`, stores and handlers.
import assert from "node:assert/strict";
import test from "node:test";
import { api, BODY, bodyWith, SECRET, thrownBy } from "./api.mjs";

const { Handlers, MemoryStore, Webhook, WebhookError } = api;
const webhook = new Webhook(SECRET);
const { id } = JSON.parse(BODY);
const headersOf = (body, from = webhook) => ({ "X-Clarife-Signature": from.sign(body) });
const quiet = () => {};

/** Receives a delivery, and returns the response with its status and code as a text, and all reports. */
async function receive(handler, options, { body = BODY, headers = headersOf(body), method, from = webhook } = {}) {
  const reports = [];
  const onError = (error, context) => reports.push([error, context]);
  const response = await from.rawReceiver(handler, { onError, ...options })(body, headers, method);
  return { ...response, is: `${response.status} ${response.code}`, reports };
}

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

/** Records the lines of the log. The returned function returns the lines since its last call. */
function watchLog(t) {
  let lines = [];
  for (const level of ["error", "warn"]) t.mock.method(console, level, (...values) => lines.push([level, ...values]));
  return () => lines.splice(0);
}

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

/** Creates a store with given results, which notes its calls. */
function storeOf(steps) {
  const calls = [];
  const step = (name) => (...given) => {
    calls.push([name, ...given]);
    return typeof steps[name] === "function" ? steps[name](...given) : steps[name];
  };
  return { calls, claim: step("claim"), complete: step("complete"), release: step("release") };
}

test("a store is called in order, with ids, tokens and seconds", async () => {
  const store = storeOf({ claim: { token: "t" } });
  assert.equal((await receive(quiet, { dedup: store })).is, "200 handled");
  assert.deepEqual(store.calls, [["claim", id, 50], ["complete", id, "t", 86_400]]);
  const failing = storeOf({ claim: Promise.resolve({ token: "t" }) });
  assert.equal((await receive(() => { throw 5; }, { dedup: { store: failing, claimTtl: 5, doneTtl: 7 } })).is, "500 handler_failed");
  assert.deepEqual(failing.calls, [["claim", id, 5], ["release", id, "t"]]);
  for (const [claim, is] of [["done", "200 duplicate"], ["in_progress", "409 in_progress"]]) {
    const store = storeOf({ claim });
    assert.equal((await receive(() => assert.fail("the handler ran"), { dedup: store })).is, is);
    assert.equal(store.calls.length, 1);
  }
  const refused = storeOf({ claim: { token: "t" } });
  assert.equal((await receive(quiet, { dedup: refused }, { headers: {} })).is, "400 missing_signature");
  assert.deepEqual(refused.calls, []);
});

test("the store remembers an event for at least as long as its signature is accepted", async () => {
  for (const [maxEventAge, doneTtl, expected] of [[900, 60, 901], [900, undefined, 86_400], [100_000, undefined, 100_001], [undefined, 60, 60]]) {
    const store = storeOf({ claim: { token: "t" } });
    const now = 1_774_699_200;
    const from = new Webhook(SECRET, { maxEventAge, clock: () => now });
    const body = bodyWith({ created_at: new Date(now * 1000).toISOString() });
    assert.equal((await receive(quiet, { dedup: { store, doneTtl } }, { body, from, headers: headersOf(body, from) })).is, "200 handled");
    assert.equal(store.calls[1][3], expected);
  }
});

test("no handler runs without a valid claim", async () => {
  const failure = new Error("down");
  const claims = [() => { throw failure; }, () => Promise.reject(failure), undefined, null, "new", 5, {}, { token: 5 }, true];
  for (const claim of claims) {
    const { is, reports } = await receive(() => assert.fail("the handler ran"), { dedup: storeOf({ claim }) });
    assert.equal(is, "503 store_unavailable");
    assert.equal(reports[0][1].code, "store_unavailable");
    assert.equal(reports[0][1].event.id, id);
  }
});

test("errors of the store after the handler are reported, and the response stays", async () => {
  const failure = new Error("down");
  const complete = storeOf({ claim: { token: "t" }, complete: () => Promise.reject(failure) });
  const handled = await receive(quiet, { dedup: complete });
  assert.deepEqual([handled.is, handled.reports.map(([error]) => error)], ["200 handled", [failure]]);
  const release = storeOf({ claim: { token: "t" }, release: () => { throw failure; } });
  const failed = await receive(() => { throw 5; }, { dedup: release });
  assert.deepEqual([failed.is, failed.reports.map(([error]) => error)], ["500 handler_failed", [5, failure]]);
});

test("a store that does not respond is unavailable, and a late claim is released", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let resolve;
  const store = storeOf({ claim: () => new Promise((claimed) => (resolve = claimed)) });
  const pending = receive(() => assert.fail("the handler ran"), { dedup: store });
  await new Promise(setImmediate);
  t.mock.timers.tick(5000);
  const { is, reports } = await pending;
  assert.equal(is, "503 store_unavailable");
  assert.equal(reports[0][0].message, "the store did not respond within 5 s");
  resolve({ token: "late" });
  await new Promise(setImmediate);
  assert.deepEqual(store.calls, [["claim", id, 50], ["release", id, "late"]]);
});

test("subscriptions that share a store handle their own events", async () => {
  const store = new MemoryStore();
  const other = new Webhook("whsec_b3RoZXI");
  const to = (subscription, from, body = BODY) => receive(quiet, { dedup: { store, subscription } }, { body, from, headers: headersOf(body, from) });
  assert.equal((await to("sub_1", webhook)).is, "200 handled");
  assert.equal((await to("sub_2", other)).is, "200 handled");
  assert.deepEqual([(await to("sub_1", webhook)).is, (await to("sub_2", other)).is], ["200 duplicate", "200 duplicate"]);
  // The signer for one subscription cannot name an event of another.
  assert.equal((await to("sub", other, bodyWith({ id: `1:${id}` }))).is, "200 handled");
  for (const subscription of ["", "a:b", 5, null]) {
    assert.match(thrownBy(() => webhook.rawReceiver(quiet, { dedup: { store, subscription } })).message, /^subscription must be a text without a colon/);
  }
});

test("events that were verified before go through the same handlers and store", async (t) => {
  const lines = watchLog(t);
  const dedup = new MemoryStore();
  const seen = [];
  const handlers = new Handlers().on("document.*", (event) => seen.push(event.id));
  assert.equal((await api.receiveTrusted(BODY, handlers, { dedup })).code, "handled");
  assert.equal((await api.receiveTrusted(new TextEncoder().encode(BODY), handlers, { dedup })).code, "duplicate");
  assert.equal((await receive(handlers, { dedup })).is, "200 duplicate");
  assert.deepEqual(seen, [id]);
  assert.equal((await api.receiveTrusted("{}", handlers)).code, "malformed_payload");
  assert.equal((await api.receiveTrusted(JSON.parse(BODY), handlers)).code, "body_not_raw");
  assert.equal((await api.receiveTrusted(BODY, () => { throw new Error("no"); }, { onError: quiet })).code, "handler_failed");
  assert.equal(lines().length, 2);
  await assert.rejects(api.receiveTrusted(BODY), /^TypeError: handler must/);
  await assert.rejects(api.receiveTrusted(BODY, handlers, { now: 5 }), /^TypeError: options must/);
});

test("in memory: handled once, again after a failure, and again after a crash", async () => {
  let now = 1_774_699_200;
  const store = new MemoryStore({ clock: () => now });
  const from = new Webhook(SECRET, { clock: () => now });
  const sent = () => ({ from, headers: headersOf(BODY, from) });
  let fails = true;
  let count = 0;
  const handler = () => {
    count += 1;
    if (fails) throw new Error("no");
  };
  assert.equal((await receive(handler, { dedup: store }, sent())).is, "500 handler_failed");
  // Another worker claims the event and crashes.
  assert.equal(typeof store.claim(id, 60).token, "string");
  now += 59;
  assert.equal((await receive(handler, { dedup: store }, sent())).is, "409 in_progress");
  now += 1;
  fails = false;
  assert.equal((await receive(handler, { dedup: store }, sent())).is, "200 handled");
  now += 86_399;
  assert.equal((await receive(handler, { dedup: store }, sent())).is, "200 duplicate");
  now += 1;
  assert.equal((await receive(handler, { dedup: store }, sent())).is, "200 handled");
  assert.equal(count, 3);
});

test("in memory: a hundred deliveries at once, and a full store", async () => {
  const store = new MemoryStore({ capacity: 1 });
  let count = 0;
  const handler = async () => {
    count += 1;
    await new Promise((done) => setTimeout(done, 20));
  };
  const responses = await Promise.all(Array.from({ length: 100 }, () => receive(handler, { dedup: store })));
  assert.deepEqual([count, responses.filter(({ is }) => is === "200 handled").length, responses.filter(({ is }) => is === "409 in_progress").length], [1, 1, 99]);
  const body = bodyWith({ id: "evt_other" });
  const running = receive(async () => {
    const { is, reports } = await receive(quiet, { dedup: store }, { body: bodyWith({ id: "evt_third" }) });
    assert.equal(is, "503 store_unavailable");
    assert.match(reports[0][0].message, /full/);
  }, { dedup: store }, { body });
  assert.equal((await running).is, "200 handled");
});

test("in memory: one warning of an event that is forgotten too early", (t) => {
  const lines = watchLog(t);
  let now = 1_774_699_200;
  const store = new MemoryStore({ capacity: 2, clock: () => now });
  for (const id of ["a", "b"]) store.complete(id, store.claim(id, 50).token, 60);
  now += 60;
  for (const id of ["c", "d"]) store.complete(id, store.claim(id, 50).token, 60);
  assert.deepEqual(lines(), [], "the first two had ended");
  for (const id of ["e", "f"]) store.complete(id, store.claim(id, 50).token, 60);
  const [line, ...others] = lines();
  assert.match(line.join(), /^warn,clarife-webhooks: the store of handled events is full and has removed an event/);
  assert.deepEqual(others, []);
});

test("a store's arguments", () => {
  for (const options of [5, { capacity: 0 }, { capacity: 1.5 }, { capacity: "5" }, { clock: 5 }, { size: 5 }]) {
    assert.ok(thrownBy(() => new MemoryStore(options)) instanceof TypeError);
  }
  assert.equal(api.storeKey("evt_1"), "evt_1");
  assert.equal(api.storeKey("x".repeat(1025)).length, 64);
});

test("Handlers: of the type, else of its group, else the default, else none", async () => {
  const seen = [];
  const handlers = new Handlers()
    .on("document.updated", () => seen.push("type"))
    .on("document.*", () => seen.push("group"));
  const give = async (type) => (await receive(handlers, {}, { body: bodyWith({ type }) })).is;
  for (const type of ["document.updated", "document.created", "document.archived", "share.created", "documents.x", "document", "video.rendered"]) {
    assert.equal(await give(type), "200 handled");
  }
  assert.deepEqual(seen, ["type", "group", "group"]);
  handlers.otherwise((event) => seen.push(event.type));
  for (const type of ["share.created", "documents.x", "document", "__proto__", "constructor.x"]) await give(type);
  assert.deepEqual(seen.slice(3), ["share.created", "documents.x", "document", "__proto__", "constructor.x"]);
  const failing = new Handlers().on("document.*", async () => { throw new Error("no"); });
  assert.equal((await receive(failing)).is, "500 handler_failed");
});

test("Handlers: the types, and known events", () => {
  const types = (handlers) => handlers.types.join(" ");
  assert.equal(types(new Handlers().otherwise(quiet)), "");
  assert.equal(types(new Handlers().on("share.*", quiet).on("document.updated", quiet).on("share.created", quiet)), "document.updated share.created share.updated share.deleted");
  assert.ok(api.isKnownEvent(api.parseTrusted(BODY)));
  assert.ok(!api.isKnownEvent(api.parseTrusted(bodyWith({ type: "video.rendered" }))));
  for (const wrong of [undefined, null, "share.created", {}, { type: 5 }]) assert.match(thrownBy(() => api.isKnownEvent(wrong)).message, /^event must be an event/);
});

test("Handlers: mistakes are errors", () => {
  const handlers = new Handlers().on("share.*", quiet).on("share.created", quiet).otherwise(quiet);
  for (const call of [() => handlers.on("share.*", quiet), () => handlers.on("share.created", quiet), () => handlers.otherwise(quiet)]) assert.ok(thrownBy(call) instanceof TypeError);
  for (const pattern of ["document.update", "documents.*", "*", "", "document.", "document", undefined, 5, "*.created"]) {
    assert.match(thrownBy(() => new Handlers().on(pattern, quiet)).message, /^pattern must be a known type/);
  }
  for (const handler of [undefined, {}, "f"]) assert.match(thrownBy(() => new Handlers().on("share.*", handler)).message, /^handler must/);
});

test("Fetch: requests in, responses out", async () => {
  const handle = webhook.receiver(quiet, { onError: quiet, maxBodyBytes: 1000 });
  const request = (init) => new Request("https://example.com/", { method: "POST", body: BODY, headers: headersOf(BODY), ...init });
  const response = await handle(request());
  assert.ok(response instanceof Response);
  assert.deepEqual([response.status, response.headers.get("content-type"), await response.json()], [200, "application/json", { code: "handled" }]);
  const codeOf = async (request) => (await (await handle(request)).json()).code;
  assert.equal(await codeOf(request({ body: `${BODY} ` })), "signature_mismatch");
  assert.equal(await codeOf(request({ body: null })), "signature_mismatch");
  assert.equal(await codeOf(new Request("https://example.com/")), "method_not_allowed");
  assert.equal(await codeOf(request({ body: "x".repeat(1001) })), "body_too_large");
  const read = request();
  await read.text();
  assert.equal(await codeOf(read), "body_not_raw");
  for (const wrong of [undefined, {}, "request", BODY]) await assert.rejects(handle(wrong), /^TypeError: request must be/);
});

test("Fetch: a body is read up to its limit, and a broken connection ends it", async () => {
  let pulled = 0;
  let cancelled = false;
  const endless = () => new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(100));
    },
    cancel() {
      cancelled = true;
    },
  });
  const request = (body, headers = headersOf(BODY)) => new Request("https://example.com/", { method: "POST", body, headers, duplex: "half" });
  await assert.rejects(webhook.verifyRequest(request(endless()), { maxBodyBytes: 1000 }), { code: "body_too_large" });
  assert.ok(pulled < 50);
  // The receiver drains the rest, and cancels it in the end.
  for (let tries = 0; !cancelled && tries < 1000; tries++) await new Promise((done) => setTimeout(done, 5));
  assert.ok(cancelled);
  const declared = new Request("https://example.com/", { method: "POST", body: "x", headers: { ...headersOf(BODY), "content-length": "1001" } });
  await assert.rejects(webhook.verifyRequest(declared, { maxBodyBytes: 1000 }), { code: "body_too_large" });
  const failure = new Error("the connection broke");
  const cut = () => new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(BODY));
    },
    pull(controller) {
      controller.error(failure);
    },
  });
  await assert.rejects(webhook.verifyRequest(request(cut())), { code: "body_incomplete" });
  const response = await webhook.receiver(() => assert.fail("the handler ran"))(request(cut()));
  assert.equal((await response.json()).code, "body_incomplete");
  const bytes = new TextEncoder().encode(BODY);
  const pieces = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  assert.equal((await webhook.verifyRequest(request(pieces))).raw, BODY);
  // A request without a stream, as in some polyfills.
  const plain = { headers: headersOf(BODY), bodyUsed: false, arrayBuffer: async () => bytes.buffer };
  assert.equal((await webhook.verifyRequest(plain)).raw, BODY);
  await assert.rejects(webhook.verifyRequest(plain, { maxBodyBytes: 10 }), { code: "body_too_large" });
  for (const options of [{ maxBodyBytes: "5" }, { maxBodyBytes: -1 }, { other: 5 }]) await assert.rejects(webhook.verifyRequest(plain, options), TypeError);
});
