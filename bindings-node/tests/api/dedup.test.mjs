// Deduplication: stores, claims and done marks.
import assert from "node:assert/strict";
import test from "node:test";
import { api, BODY, bodyWith, SECRET, thrownBy } from "./api.mjs";
import { headersOf, id, quiet, receive, watchLog, webhook } from "./receiving.mjs";

const { Handlers, MemoryStore, Webhook } = api;

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
