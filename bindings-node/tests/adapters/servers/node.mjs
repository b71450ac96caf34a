import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { receiver } from "clarife-webhooks/node";
import { handlers, PARSED, ran, ready, routes, webhook } from "./app.mjs";

const receivers = Object.fromEntries(Object.entries(routes).map(([path, options]) => [path, receiver(webhook, handlers, options)]));
const parsed = receiver(webhook, handlers);

const server = createServer(async (request, response) => {
  if (request.url === "/ran") return response.end(JSON.stringify(ran));
  if (request.url !== PARSED) return receivers[request.url](request, response);
  request.body = JSON.parse(await buffer(request));
  return parsed(request, response);
});
server.listen(0, "127.0.0.1", () => ready(server.address().port));
