// Every case against every framework and runtime, over HTTP.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { cutOff, delivery, runs, send, start, tool, until, webhook } from "./harness.mjs";
import { startWorker } from "./workerd.mjs";

/**
 * The frameworks. `hint`: the log's text after a parser. `whole`: the framework reads the complete request first. `inflates`: it
 * decompresses bodies. `json`: it refuses other bodies than JSON. `lastHeader`: it keeps the last of repeated headers.
 * `cancels`: it ends the receiver with the connection.
 */
const SERVERS = [
  { name: "node:http", command: ["node", "node.mjs"], hint: "keep the bytes in request.rawBody" },
  { name: "Express 5", command: ["node", "express.mjs"], hint: "before app.use(express.json())" },
  { name: "Express 4", command: ["node", "express.mjs", "express4"], hint: "before app.use(express.json())" },
  { name: "Fastify 5", command: ["node", "fastify.mjs"], hint: "before the receiver's plugin" },
  { name: "Koa", command: ["node", "koa.mjs"], hint: "before the body parser" },
  { name: "NestJS on Express", command: ["node", "nestjs.mjs", "express"], whole: true, inflates: true },
  { name: "NestJS on Fastify", command: ["node", "nestjs.mjs", "fastify"], whole: true, json: true },
  { name: "Lambda, REST API", command: ["node", "lambda.mjs", "rest"], whole: true, hint: "proxy integration" },
  { name: "Lambda, HTTP API or function URL", command: ["node", "lambda.mjs", "http"], whole: true, hint: "proxy integration" },
  { name: "Lambda, load balancer", command: ["node", "lambda.mjs", "balancer"], whole: true, lastHeader: true, hint: "proxy integration" },
  { name: "Hono", command: ["node", "fetch.mjs", "hono"], hint: "await request.text()" },
  { name: "Node's Request", command: ["node", "fetch.mjs", "node"], hint: "await request.text()" },
  { name: "Deno.serve", command: [tool("deno"), "run", "--quiet", "--allow-all", "fetch.mjs", "deno"], hint: "await request.text()" },
  { name: "Bun.serve", command: [tool("bun"), "fetch.mjs", "bun"], hint: "await request.text()" },
  { name: "Express 5 in Deno", command: [tool("deno"), "run", "--quiet", "--allow-all", "express.mjs"], hint: "before app.use(express.json())" },
  { name: "Express 5 in Bun", command: [tool("bun"), "express.mjs"], hint: "before app.use(express.json())" },
  { name: "workerd", start: startWorker, cancels: true, hint: "await request.text()" },
];

for (const kind of SERVERS) {
  describe(kind.name, () => {
    let server;
    before(async () => {
      server = await (kind.start ?? start)(kind.command);
    });
    after(() => server?.stop());

    /** Sends a delivery, and checks the response and the number of the handler's runs. */
    async function expect(path, sent, status, code, count) {
      const { status: got, headers, json, text } = await send(server, path, sent);
      assert.deepEqual([got, json?.code], [status, code], text);
      assert.match(headers["content-type"], /^application\/json/);
      if (code !== undefined) assert.equal(typeof json.error, status < 300 ? "undefined" : "string");
      if (sent.id !== undefined) assert.equal(await runs(server, sent.id), count);
      return { headers, json };
    }

    test("a valid delivery is handled", async () => {
      await expect("/hooks", delivery(), 200, "handled", 1);
      await expect("/hooks", delivery("", { type: "video.rendered" }), 200, "handled", 1);
      const plain = delivery();
      await expect("/hooks", { ...plain, headers: { ...plain.headers, "Content-Type": "text/plain" } }, 200, "handled", 1);
    });

    test("a tampered delivery is refused", async () => {
      const sent = delivery();
      const { json } = await expect("/hooks", { ...sent, body: sent.body.replace("Zażółć", "Gęślą") }, 400, "signature_mismatch", 0);
      assert.equal(json.error, "no signature in the header matches the body");
    });

    test("a stale delivery is refused", async () => {
      const sent = delivery();
      const signature = webhook.sign(sent.body, { timestamp: Date.now() / 1000 - 400 });
      await expect("/hooks", { ...sent, headers: { ...sent.headers, "X-Clarife-Signature": signature } }, 400, "timestamp_too_old", 0);
    });

    test("a delivery without signature or body is refused", async () => {
      await expect("/hooks", { ...delivery(), headers: { "Content-Type": "application/json" } }, 400, "missing_signature", 0);
      const { headers } = delivery();
      await expect("/hooks", { headers }, 400, kind.json ? undefined : "signature_mismatch");
    });

    test("a delivery with two signature headers is refused", async () => {
      const sent = delivery();
      const twice = { ...sent, headers: { ...sent.headers, "X-Clarife-Signature": [sent.headers["X-Clarife-Signature"], webhook.sign(sent.body)] } };
      await (kind.lastHeader ? expect("/hooks", twice, 200, "handled", 1) : expect("/hooks", twice, 400, "malformed_signature", 0));
    });

    test("chunks may split a body anywhere, even in a character", async () => {
      const sent = delivery();
      const bytes = Buffer.from(sent.body);
      const inside = bytes.indexOf(Buffer.from("😀")) + 1;
      const chunks = [bytes.subarray(0, 1), bytes.subarray(1, inside), bytes.subarray(inside, inside + 1), bytes.subarray(inside + 1)];
      await expect("/hooks", { ...sent, chunks }, 200, "handled", 1);
    });

    test("a compressed delivery does not verify, unless the framework decompresses it", async () => {
      const sent = delivery();
      const compressed = { ...sent, body: gzipSync(sent.body), headers: { ...sent.headers, "Content-Encoding": "gzip" } };
      if (kind.inflates) await expect("/hooks", compressed, 200, "handled", 1);
      else await expect("/hooks", compressed, 400, kind.json ? undefined : "signature_mismatch", 0);
    });

    test("only POST is accepted", async () => {
      const { headers } = await expect("/hooks", { method: "GET" }, 405, "method_not_allowed");
      assert.equal(headers.allow, "POST");
      await expect("/hooks", { ...delivery(), method: "PUT" }, 405, "method_not_allowed", 0);
    });

    test("the response to an error of the handler makes clarife retry", async () => {
      const { json } = await expect("/hooks", delivery("throw"), 500, "handler_failed", 1);
      assert.equal(json.error, "the handler failed");
    });

    test("a large delivery is refused before it is read completely", async () => {
      const sent = delivery("x".repeat(2000));
      const declared = { ...sent, headers: { ...sent.headers, "Content-Length": 5_000_000 }, open: true };
      await expect("/small", kind.whole ? sent : declared, 413, "body_too_large", 0);
      const chunks = sent.body.match(/[^]{1,600}/g);
      await expect("/small", { ...sent, chunks, open: !kind.whole }, 413, "body_too_large", 0);
      await expect("/small", delivery("x".repeat(500)), 200, "handled", 1);
      // The connection stays open: the rest of the body is dropped.
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      await expect("/small", { ...delivery("x".repeat(3_000_000)), agent }, 413, "body_too_large", 0);
      await expect("/small", { ...delivery(), agent }, 200, "handled", 1);
      agent.destroy();
      // The default limit is ten megabytes.
      await expect("/hooks", delivery("x".repeat(5_000_000)), 200, "handled", 1);
    });

    test("a broken connection does no harm", async () => {
      const sent = delivery("broken");
      await cutOff(server, "/hooks", sent);
      await expect("/hooks", delivery(), 200, "handled", 1);
      assert.equal(await runs(server, sent.id), 0);
      assert.doesNotMatch(server.log, /clarife-webhooks/);
    });

    test("a body that breaks off is logged as that, once", async () => {
      for (let round = 0; round < 3; round += 1) await cutOff(server, "/logged", delivery("broken"));
      const line = "clarife-webhooks: body_incomplete: the body did not arrive completely; clarife retries such a delivery";
      // A framework that reads the whole body calls no receiver.
      const isLogged = !kind.whole && !kind.cancels;
      if (isLogged) await until("the line", () => server.log.includes(line));
      assert.equal(server.log.split("body_incomplete").length - 1, isLogged ? 1 : 0);
    });

    test("an event is handled once", async () => {
      const sent = delivery();
      await expect("/dedup", sent, 200, "handled", 1);
      await expect("/dedup", sent, 200, "duplicate", 1);
    });

    test("one of a hundred simultaneous deliveries is handled", async () => {
      const sent = delivery("wait");
      const responses = await Promise.all(Array.from({ length: 100 }, () => send(server, "/dedup", sent)));
      const codes = responses.map(({ status, json }) => `${status} ${json.code}`);
      assert.equal(codes.filter((code) => code === "200 handled").length, 1);
      assert.ok(codes.every((code) => ["200 handled", "200 duplicate", "409 in_progress"].includes(code)), String(codes));
      assert.equal(await runs(server, sent.id), 1);
    });

    test("the retry of a failed event is handled", async () => {
      const sent = delivery("throw once");
      await expect("/dedup", sent, 500, "handler_failed", 1);
      await expect("/dedup", sent, 200, "handled", 2);
      await expect("/dedup", sent, 200, "duplicate", 2);
    });

    test("nothing is handled while the store is unavailable", async () => {
      await expect("/down", delivery(), 503, "store_unavailable", 0);
    });

    test("after a parser, the log has the framework's hint", async () => {
      // Nest keeps the raw body here, and a test of its own is without the option.
      if (kind.hint === undefined) return expect("/parsed", delivery(), 200, "handled", 1);
      await expect("/parsed", delivery(), 500, "body_not_raw", 0);
      await until(`the log says ${kind.hint}`, () => server.log.includes(kind.hint));
      assert.match(server.log, /clarife-webhooks: body_not_raw: the raw body was expected/);
      assert.doesNotMatch(server.log, /Zażółć|evt_/);
    });
  });
}

const lowerCase = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

describe("a framework's own ways", () => {
  test("Express: behind express.raw, and behind a parser that keeps the bytes", async () => {
    for (const version of ["express", "express4"]) {
      const server = await start(["node", "express.mjs", version]);
      try {
        const sent = delivery();
        assert.equal((await send(server, "/buffered", sent)).json.code, "handled");
        const compressed = { ...sent, body: gzipSync(sent.body), headers: { ...sent.headers, "Content-Encoding": "gzip" } };
        assert.equal((await send(server, "/buffered", compressed)).json.code, "handled", "express.raw inflates");
        assert.equal((await send(server, "/kept", delivery())).json.code, "handled");
        assert.equal((await send(server, "/late", delivery())).json.code, "body_not_raw", "express.raw after a parser does not help");
      } finally {
        await server.stop();
      }
    }
  });

  test("node:http: no second response after the server's own", async () => {
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

  test("Fastify: its own logger has the lines", async () => {
    const server = await start(["node", "fastify.mjs", "logger"]);
    try {
      const sent = delivery();
      await send(server, "/logged", { ...sent, headers: {} });
      await send(server, "/logged", delivery("throw"));
      const lines = () => server.log.split("\n").filter((line) => line.includes("clarife-webhooks")).map((line) => JSON.parse(line));
      await until("two lines", () => lines().length === 2);
      const [refused, failed] = lines();
      assert.equal(refused.level, 40);
      assert.match(refused.msg, /^clarife-webhooks: missing_signature: /);
      assert.deepEqual([failed.level, failed.msg, failed.err.message], [50, "clarife-webhooks: handler_failed:", "as the title says"]);
      assert.equal(typeof failed.reqId, "string");
    } finally {
      await server.stop();
    }
  });

  test("Koa: the raw body that a platform keeps", async () => {
    const { receiver } = await import("clarife-webhooks/koa");
    const { body, headers } = delivery();
    const context = { req: { method: "POST", headers: lowerCase(headers), readableDidRead: true, rawBody: Buffer.from(body), on() {} }, request: {}, set() {} };
    await receiver(webhook, () => {})(context);
    assert.deepEqual([context.status, context.body], [200, '{"code":"handled"}']);
  });

  test("Lambda: headers in either member, or in both", async () => {
    const { receiver } = await import("clarife-webhooks/lambda");
    const receive = receiver(webhook, () => {}, { onError() {} });
    const { body, headers } = delivery();
    const several = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]]));
    const codeOf = async (members) => JSON.parse((await receive({ httpMethod: "POST", body, ...members })).body).code;
    for (const members of [
      { headers }, { multiValueHeaders: several }, { headers, multiValueHeaders: several },
      { headers, multiValueHeaders: {} }, { headers, multiValueHeaders: null }, { headers, multiValueHeaders: { accept: ["*/*"] } },
      { headers, multiValueHeaders: { "x-clarife-signature": [] } }, { headers: {}, multiValueHeaders: several },
    ]) assert.equal(await codeOf(members), "handled", JSON.stringify(members));
    assert.equal(await codeOf({ headers: {}, multiValueHeaders: {} }), "missing_signature");
    const twice = { "x-clarife-signature": [...several["x-clarife-signature"], webhook.sign(body)] };
    assert.equal(await codeOf({ headers, multiValueHeaders: twice }), "malformed_signature");
    const inBothCases = { ...headers, "x-clarife-signature": webhook.sign(body) };
    assert.equal(await codeOf({ headers: inBothCases }), "malformed_signature");
  });

  test("Koa: behind a parser that keeps the text", async () => {
    const server = await start(["node", "koa.mjs"]);
    try {
      assert.equal((await send(server, "/kept", delivery())).json.code, "handled");
    } finally {
      await server.stop();
    }
  });

  test("NestJS: without rawBody, the log has the hint", async () => {
    for (const platform of ["express", "fastify"]) {
      const server = await start(["node", "nestjs.mjs", platform, "forgotten"]);
      try {
        const { status, json } = await send(server, "/parsed", delivery());
        assert.deepEqual([status, json.code], [500, "body_not_raw"]);
        await until("the hint", () => server.log.includes("NestFactory.create(AppModule, { rawBody: true })"));
      } finally {
        await server.stop();
      }
    }
  });
});
