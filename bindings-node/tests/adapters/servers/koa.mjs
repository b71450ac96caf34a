import { bodyParser } from "@koa/bodyparser";
import Koa from "koa";
import { receiver } from "clarife-webhooks/koa";
import { handlers, PARSED, ran, ready, routes, webhook } from "./app.mjs";

const app = new Koa();
const receivers = Object.fromEntries(Object.entries(routes).map(([path, options]) => [path, receiver(webhook, handlers, options)]));
const parsed = receiver(webhook, handlers);

app.use((context, next) => receivers[context.path]?.(context, next) ?? next());
app.use(async (context, next) => {
  if (context.path !== "/ran") return next();
  context.body = ran;
});
app.use(bodyParser());
app.use((context, next) => {
  if (context.path === PARSED) delete context.request.rawBody; // as parsers without it do
  return parsed(context, next);
});

const server = app.listen(0, "127.0.0.1", () => ready(server.address().port));
