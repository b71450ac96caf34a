import Fastify from "fastify";
import process from "node:process";
import { receiver } from "clarife-webhooks/fastify";
import { handlers, PARSED, ran, ready, routes, webhook } from "./app.mjs";

// With the argument `logger`, Fastify logs on standard error.
const app = Fastify({ logger: process.argv[2] === "logger" && { stream: process.stderr } });

for (const [prefix, options] of Object.entries(routes)) app.register(receiver(webhook, handlers, options), { prefix });
// A hook that uses up the payload: a mistake of plugins that log bodies.
app.register(async (scope) => {
  scope.addHook("preParsing", async (_request, _reply, payload) => {
    for await (const _chunk of payload);
    return payload;
  });
  scope.register(receiver(webhook, handlers), { prefix: PARSED });
});
app.post("/json", async (request) => ({ parsed: request.body }));
app.get("/ran", async () => ran);

await app.listen({ port: 0, host: "127.0.0.1" });
ready(app.server.address().port);
