// A server with a shared store, for several processes. The first argument names the client.
import { createServer } from "node:http";
import process from "node:process";
import { RedisStore } from "clarife-webhooks/redis";
import { receiver } from "clarife-webhooks/node";
import { handlers, ran, ready, webhook } from "./app.mjs";

const url = process.env.REDIS_URL;

const clients = {
  async redis() {
    const { createClient } = await import("redis");
    return createClient({ url }).on("error", () => {}).connect();
  },
  async ioredis() {
    const { Redis } = await import("ioredis");
    return new Redis(url).on("error", () => {});
  },
  async upstash() {
    const { Redis } = await import("@upstash/redis");
    const { serveUpstash } = await import("./upstash.mjs");
    return new Redis({ url: await serveUpstash(url), token: "local", retry: false });
  },
  async bun() {
    const { RedisClient } = await import("bun");
    return new RedisClient(url);
  },
};
const store = new RedisStore(await clients[process.argv[2]]());
const receive = receiver(webhook, handlers, { dedup: { store, claimTtl: 5 } });

const server = createServer((request, response) => (request.url === "/ran" ? response.end(JSON.stringify(ran)) : receive(request, response)));
server.listen(0, "127.0.0.1", () => ready(server.address().port));
