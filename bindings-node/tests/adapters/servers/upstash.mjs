// Upstash's HTTP API in front of a real Redis: commands as JSON, alone or in a pipeline, and texts in base64.
import { createServer } from "node:http";
import { Redis } from "ioredis";

/** Encodes the texts of a reply, except for "OK", as the service does. */
function encode(reply) {
  if (Array.isArray(reply)) return reply.map(encode);
  return typeof reply === "string" && reply !== "OK" ? Buffer.from(reply).toString("base64") : reply;
}

/** Serves the API, and returns its address. */
export async function serveUpstash(url) {
  const redis = new Redis(url).on("error", () => {});
  const run = async ([name, ...parameters]) => {
    try {
      return { result: encode(await redis.call(name, ...parameters)) };
    } catch (error) {
      return { error: error.message };
    }
  };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = JSON.parse(Buffer.concat(parts).toString());
    const results = request.url.startsWith("/pipeline") ? await Promise.all(body.map(run)) : await run(body);
    response.writeHead(results.error === undefined ? 200 : 400, { "content-type": "application/json" });
    response.end(JSON.stringify(results));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${server.address().port}`;
}
