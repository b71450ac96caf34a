// Every case against every framework and runtime, over HTTP.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { cutOff, delivery, runs, send, start, tool, until, webhook } from "./harness.mjs";
import { startWorker } from "./workerd.mjs";

/**
 * `hint`: what the log says where a parser was first. `whole`: that a request is read whole before the receiver sees it. `inflates`,
 * `lastHeader`: what happens before it to a compressed body, and to a header that was sent twice.
 */
const SERVERS = [
  { name: "node:http", command: ["node", "node.mjs"], hint: "keep the bytes in request.rawBody" },
  { name: "Express 5", command: ["node", "express.mjs"], hint: "before app.use(express.json())" },
  { name: "Express 4", command: ["node", "express.mjs", "express4"], hint: "before app.use(express.json())" },
  { name: "Fastify 5", command: ["node", "fastify.mjs"], hint: "before the receiver's plugin" },
  { name: "Koa", command: ["node", "koa.mjs"], hint: "before the body parser" },
  { name: "NestJS", command: ["node", "nestjs.mjs"], whole: true, inflates: true },
  { name: "Lambda, REST API", command: ["node", "lambda.mjs", "rest"], whole: true, hint: "proxy integration" },
  { name: "Lambda, HTTP API or function URL", command: ["node", "lambda.mjs", "http"], whole: true, hint: "proxy integration" },
  { name: "Lambda, load balancer", command: ["node", "lambda.mjs", "balancer"], whole: true, lastHeader: true, hint: "proxy integration" },
  { name: "Hono", command: ["node", "fetch.mjs", "hono"], hint: "await request.text()" },
  { name: "Node's Request", command: ["node", "fetch.mjs", "node"], hint: "await request.text()" },
  { name: "Deno.serve", command: [tool("deno"), "run", "--quiet", "--allow-all", "fetch.mjs", "deno"], hint: "await request.text()" },
  { name: "Bun.serve", command: [tool("bun"), "fetch.mjs", "bun"], hint: "await request.text()" },
  { name: "Express 5 in Deno", command: [tool("deno"), "run", "--quiet", "--allow-all", "express.mjs"], hint: "before app.use(express.json())" },
  { name: "Express 5 in Bun", command: [tool("bun"), "express.mjs"], hint: "before app.use(express.json())" },
  { name: "workerd", start: startWorker, hint: "await request.text()" },
];

for (const kind of SERVERS) {
  describe(kind.name, () => {
    let server;
    before(async () => {
      server = await (kind.start ?? start)(kind.command);
    });
    after(() => server?.stop());

    /** Sends, and expects an answer and how often the handler has run. */
    async function expect(path, sent, status, code, count) {
      const { status: got, headers, json, text } = await send(server, path, sent);
      assert.deepEqual([got, json?.code], [status, code], text);
      assert.match(headers["content-type"], /^application\/json/);
      assert.equal(typeof json.error, status < 300 ? "undefined" : "string");
      if (sent.id !== undefined) assert.equal(await runs(server, sent.id), count);
      return { headers, json };
    }

    test("a good delivery is handled", async () => {
      await expect("/hooks", delivery(), 200, "handled", 1);
      await expect("/hooks", delivery("", { type: "video.rendered" }), 200, "handled", 1);
      const plain = delivery();
      await expect("/hooks", { ...plain, headers: { ...plain.headers, "Content-Type": "text/plain" } }, 200, "handled", 1);
    });

    test("a tampered one is refused", async () => {
      const sent = delivery();
      const { json } = await expect("/hooks", { ...sent, body: sent.body.replace("Zażółć", "Gęślą") }, 400, "signature_mismatch", 0);
      assert.equal(json.error, "no signature in the header matches the body");
    });

    test("a stale one is refused", async () => {
      const sent = delivery();
      const signature = webhook.sign(sent.body, { timestamp: Date.now() / 1000 - 400 });
      await expect("/hooks", { ...sent, headers: { ...sent.headers, "X-Clarife-Signature": signature } }, 400, "timestamp_too_old", 0);
    });

    test("one without a signature is refused, and one without a body", async () => {
      await expect("/hooks", { ...delivery(), headers: { "Content-Type": "application/json" } }, 400, "missing_signature", 0);
      const { headers } = delivery();
      await expect("/hooks", { headers }, 400, "signature_mismatch");
    });

    test("one with the header twice is refused", async () => {
      const sent = delivery();
      const twice = { ...sent, headers: { ...sent.headers, "X-Clarife-Signature": [sent.headers["X-Clarife-Signature"], webhook.sign(sent.body)] } };
      await (kind.lastHeader ? expect("/hooks", twice, 200, "handled", 1) : expect("/hooks", twice, 400, "malformed_signature", 0));
    });

    test("it may come in any pieces, also with a character in two", async () => {
      const sent = delivery();
      const bytes = Buffer.from(sent.body);
      const inside = bytes.indexOf(Buffer.from("😀")) + 1;
      const chunks = [bytes.subarray(0, 1), bytes.subarray(1, inside), bytes.subarray(inside, inside + 1), bytes.subarray(inside + 1)];
      await expect("/hooks", { ...sent, chunks }, 200, "handled", 1);
    });

    test("a compressed one is what nobody signed, unless the framework inflates it", async () => {
      const sent = delivery();
      const compressed = { ...sent, body: gzipSync(sent.body), headers: { ...sent.headers, "Content-Encoding": "gzip" } };
      await (kind.inflates ? expect("/hooks", compressed, 200, "handled", 1) : expect("/hooks", compressed, 400, "signature_mismatch", 0));
    });

    test("only POST is answered", async () => {
      const { headers } = await expect("/hooks", { method: "GET" }, 405, "method_not_allowed");
      assert.equal(headers.allow, "POST");
      await expect("/hooks", { ...delivery(), method: "PUT" }, 405, "method_not_allowed", 0);
    });

    test("where the handler throws, clarife is to try again", async () => {
      const { json } = await expect("/hooks", delivery("throw"), 500, "handler_failed", 1);
      assert.equal(json.error, "the handler failed");
    });

    test("a large one is refused before it is read whole", async () => {
      const sent = delivery("x".repeat(2000));
      const declared = { ...sent, headers: { ...sent.headers, "Content-Length": 5_000_000 }, open: true };
      await expect("/small", kind.whole ? sent : declared, 413, "body_too_large", 0);
      const chunks = sent.body.match(/[^]{1,600}/g);
      await expect("/small", { ...sent, chunks, open: !kind.whole }, 413, "body_too_large", 0);
      await expect("/small", delivery("x".repeat(500)), 200, "handled", 1);
      // Its connection goes on: what is left of it is thrown away.
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      await expect("/small", { ...delivery("x".repeat(3_000_000)), agent }, 413, "body_too_large", 0);
      await expect("/small", { ...delivery(), agent }, 200, "handled", 1);
      agent.destroy();
      // Ten megabytes, unless the limit is set.
      await expect("/hooks", delivery("x".repeat(5_000_000)), 200, "handled", 1);
    });

    test("a connection that breaks does no harm", async () => {
      const sent = delivery("broken");
      await cutOff(server, "/hooks", sent);
      await expect("/hooks", delivery(), 200, "handled", 1);
      assert.equal(await runs(server, sent.id), 0);
      assert.doesNotMatch(server.log, /clarife-webhooks/);
    });

    test("an event is handled once", async () => {
      const sent = delivery();
      await expect("/dedup", sent, 200, "handled", 1);
      await expect("/dedup", sent, 200, "duplicate", 1);
    });

    test("of a hundred deliveries at once, one is handled", async () => {
      const sent = delivery("wait");
      const responses = await Promise.all(Array.from({ length: 100 }, () => send(server, "/dedup", sent)));
      const codes = responses.map(({ status, json }) => `${status} ${json.code}`);
      assert.equal(codes.filter((code) => code === "200 handled").length, 1);
      assert.ok(codes.every((code) => ["200 handled", "200 duplicate", "409 in_progress"].includes(code)), String(codes));
      assert.equal(await runs(server, sent.id), 1);
    });

    test("what has failed is handled when it is sent again", async () => {
      const sent = delivery("throw once");
      await expect("/dedup", sent, 500, "handler_failed", 1);
      await expect("/dedup", sent, 200, "handled", 2);
      await expect("/dedup", sent, 200, "duplicate", 2);
    });

    test("a store that is down lets nothing through", async () => {
      await expect("/down", delivery(), 503, "store_unavailable", 0);
    });

    test("after a parser, the log says how to keep the body raw", async () => {
      // Nest is made with the option that keeps it, and without it in a test of its own.
      if (kind.hint === undefined) return expect("/parsed", delivery(), 200, "handled", 1);
      await expect("/parsed", delivery(), 500, "body_not_raw", 0);
      await until(`the log says ${kind.hint}`, () => server.log.includes(kind.hint));
      assert.match(server.log, /clarife-webhooks: body_not_raw: the raw body was expected/);
      assert.doesNotMatch(server.log, /Zażółć|evt_/);
    });
  });
}

describe("a framework's own ways", () => {
  test("Express: behind express.raw", async () => {
    for (const version of ["express", "express4"]) {
      const server = await start(["node", "express.mjs", version]);
      try {
        const sent = delivery();
        assert.equal((await send(server, "/buffered", sent)).json.code, "handled");
        const compressed = { ...sent, body: gzipSync(sent.body), headers: { ...sent.headers, "Content-Encoding": "gzip" } };
        assert.equal((await send(server, "/buffered", compressed)).json.code, "handled", "express.raw inflates");
      } finally {
        await server.stop();
      }
    }
  });

  test("node:http: where the server has answered before, nothing is added", async () => {
    const { createServer } = await import("node:http");
    const { receiver } = await import("clarife-webhooks/node");
    const receive = receiver(webhook, () => {});
    let received;
    const server = createServer((request, response) => {
      received = receive(request, response);
      response.writeHead(503).end("too late");
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    try {
      const { status, text } = await send({ port: server.address().port }, "/", delivery());
      assert.deepEqual([status, text], [503, "too late"]);
      await received;
    } finally {
      server.close();
    }
  });

  test("Fastify: other routes keep their parser", async () => {
    const server = await start(["node", "fastify.mjs"]);
    try {
      const { json } = await send(server, "/json", { headers: { "Content-Type": "application/json" }, body: '{"a":1}' });
      assert.deepEqual(json, { parsed: { a: 1 } });
    } finally {
      await server.stop();
    }
  });

  test("Koa: behind a parser that keeps the text", async () => {
    const server = await start(["node", "koa.mjs"]);
    try {
      assert.equal((await send(server, "/kept", delivery())).json.code, "handled");
    } finally {
      await server.stop();
    }
  });

  test("NestJS: without rawBody, the log says what to do", async () => {
    const server = await start(["node", "nestjs.mjs", "forgotten"]);
    try {
      const { status, json } = await send(server, "/parsed", delivery());
      assert.deepEqual([status, json.code], [500, "body_not_raw"]);
      await until("the hint", () => server.log.includes("NestFactory.create(AppModule, { rawBody: true })"));
    } finally {
      await server.stop();
    }
  });
});
