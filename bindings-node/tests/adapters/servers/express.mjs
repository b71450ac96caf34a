// Express 5, or the package that the first argument names: Express 4.
import process from "node:process";
import { receiver } from "clarife-webhooks/express";
import { handlers, PARSED, ran, ready, routes, webhook } from "./app.mjs";

const { default: express } = await import(process.argv[2] ?? "express");
const app = express();

for (const [path, options] of Object.entries(routes)) app.all(path, receiver(webhook, handlers, options));
app.all("/buffered", express.raw({ type: "*/*" }), receiver(webhook, handlers, routes["/hooks"]));
// In the order of requests: a parser that keeps the bytes, and one that does not.
app.use("/kept", express.json({ verify: (request, _response, bytes) => void (request.rawBody = bytes) }), receiver(webhook, handlers, routes["/hooks"]));
app.use(express.json());
app.all("/late", express.raw({ type: "*/*" }), receiver(webhook, handlers));
app.all(PARSED, receiver(webhook, handlers));
app.get("/ran", (_request, response) => void response.json(ran));

const server = app.listen(0, "127.0.0.1", () => ready(server.address().port));
