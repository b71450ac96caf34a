// The store in a real Redis (REDIS_URL), with both clients and several processes.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import process from "node:process";

import { createClient } from "redis";
import { delivery, proxy, runs, send, start, tool, until } from "./harness.mjs";
import { RedisStore } from "clarife-webhooks/redis";

const url = new URL(process.env.REDIS_URL);
const admin = await createClient({ url: url.href }).connect();
after(() => admin.close());

for (const client of ["redis", "ioredis", "upstash", "bun"]) {
  describe(client, () => {
    const servers = [];
    const serve = async (env) => {
      const server = await start([client === "bun" ? tool("bun") : "node", "redis.mjs", client], env);
      servers.push(server);
      return server;
    };
    let one;
    let other;
    before(async () => {
      one = await serve();
      other = await serve();
    });
    after(() => Promise.all(servers.map((server) => server.stop())));
    const codeOf = async (server, sent) => {
      const { status, json } = await send(server, "/", sent);
      return `${status} ${json.code}`;
    };

    test("one of a hundred simultaneous deliveries to two processes is handled", async () => {
      const sent = delivery("wait");
      const codes = await Promise.all(Array.from({ length: 100 }, (_, i) => codeOf(i % 2 ? one : other, sent)));
      assert.equal(codes.filter((code) => code === "200 handled").length, 1);
      assert.ok(codes.every((code) => ["200 handled", "200 duplicate", "409 in_progress"].includes(code)), String(codes));
      assert.equal((await runs(one, sent.id)) + (await runs(other, sent.id)), 1);
      assert.equal(await codeOf(other, sent), "200 duplicate");
      assert.equal(await admin.get(`clarife-webhooks:${sent.id}`), "done");
      const ttl = await admin.pTTL(`clarife-webhooks:${sent.id}`);
      assert.ok(ttl > 86_000_000 && ttl <= 86_400_000, "a day");
    });

    test("the next process handles a failed event", async () => {
      const sent = delivery("throw once");
      assert.equal(await codeOf(one, sent), "500 handler_failed");
      assert.equal(await admin.exists(`clarife-webhooks:${sent.id}`), 0);
      assert.equal(await codeOf(one, sent), "200 handled");
      assert.equal(await codeOf(other, sent), "200 duplicate");
    });

    test("the claim of a killed process expires, and the retry is handled", async () => {
      const doomed = await serve();
      const sent = delivery("hang");
      const lost = send(doomed, "/", sent).catch((error) => error.code);
      const key = `clarife-webhooks:${sent.id}`;
      await until("the claim", () => admin.exists(key));
      assert.equal(await codeOf(one, sent), "409 in_progress");
      await doomed.stop("SIGKILL");
      assert.equal(await lost, "ECONNRESET");
      await until("the claim's end", async () => (await admin.exists(key)) === 0);
      assert.equal(await runs(one, sent.id), 0);
      // The event again, with a title for which the handler returns.
      assert.equal(await codeOf(one, delivery("after the crash", sent)), "200 handled");
    });

    test("without a responding Redis, nothing is handled", async () => {
      const cable = await proxy({ host: url.hostname, port: url.port || 6379 });
      const server = await serve({ REDIS_URL: `redis://127.0.0.1:${cable.port}` });
      const sent = delivery();
      assert.equal(await codeOf(server, sent), "200 handled");
      cable.pause();
      const late = delivery();
      assert.equal(await codeOf(server, late), "503 store_unavailable");
      assert.equal(await runs(server, late.id), 0);
      assert.match(server.log, /clarife-webhooks: store_unavailable: [^]*rror: the store did not respond within 5 s/);
      cable.resume();
      // The claim arrives late, and is released.
      await until("the retry", async () => (await codeOf(server, late)) === "200 handled");
      assert.equal(await runs(server, late.id), 1);
      cable.close();
      const gone = delivery();
      assert.equal(await codeOf(server, gone), "503 store_unavailable");
      assert.equal(await runs(server, gone.id), 0);
    });
  });
}

test("an id of any length, and a claim with another holder by now", async () => {
  const store = new RedisStore(admin);
  for (const id of ["x".repeat(1025), "é".repeat(513), "with spaces, \u0000 and 😀"]) {
    const claim = await store.claim(id, 1);
    assert.match(claim.token, /^t[0-9a-f]{32}$/);
    assert.equal(await store.claim(id, 1), "in_progress");
    await store.release(id, "0".repeat(32));
    assert.equal(await store.claim(id, 1), "in_progress", "another token does not release it");
    await store.release(id, claim.token);
    const next = await store.claim(id, 1);
    await store.complete(id, next.token, 1);
    assert.equal(await store.claim(id, 1), "done");
  }
  const { createHash } = await import("node:crypto");
  assert.equal(await admin.exists(`clarife-webhooks:${createHash("sha256").update("x".repeat(1025)).digest("hex")}`), 1);
  const { Redis } = await import("ioredis");
  const { Redis: Upstash } = await import("@upstash/redis");
  const io = new Redis(url.href, { lazyConnect: true });
  const upstash = new Upstash({ url: "http://127.0.0.1:9", token: "local" });
  const pipelines = [admin.multi(), io.pipeline(), io.multi(), upstash.pipeline(), upstash.multi()];
  for (const wrong of [undefined, null, {}, "redis://localhost", { set() {} }, { set() {}, eval() {} }, new Map(), ...pipelines]) {
    assert.throws(() => new RedisStore(wrong), /^TypeError: client must be a client of redis, ioredis, @upstash\/redis or Bun/);
  }
  io.disconnect();
});

test("a mark for ever, and a client that does not say what it found", async () => {
  const store = new RedisStore(admin);
  for (const ttl of [1e16, Number.MAX_SAFE_INTEGER]) {
    const id = `for ever: ${ttl}`;
    await store.complete(id, "", ttl);
    assert.equal(await store.claim(id, ttl), "done");
    await admin.del(`clarife-webhooks:${id}`);
  }
  for (const reply of ["OK", undefined, {}, 1]) {
    const client = { set: async () => reply, eval: async () => 0, sendCommand() {} };
    await assert.rejects(new RedisStore(client).claim("evt_1", 50), /^TypeError: cannot read the claim/);
  }
});
