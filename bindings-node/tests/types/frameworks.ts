// The receivers have the types of each framework.
import { createServer } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { APIGatewayProxyEvent, APIGatewayProxyHandlerV2, ALBEvent, Handler, APIGatewayProxyResult } from "aws-lambda";
import { Handlers, MemoryStore, Webhook, type DedupStore, type ErrorContext, type ReceiveOptions, type WebhookResponse } from "clarife-webhooks";
import { receiver as expressReceiver } from "clarife-webhooks/express";
import { receiver as fastifyReceiver } from "clarife-webhooks/fastify";
import { receiver as koaReceiver } from "clarife-webhooks/koa";
import { receiver as lambdaReceiver } from "clarife-webhooks/lambda";
import { receiver as nestReceiver, type NestReceiver } from "clarife-webhooks/nestjs";
import { receiver as nodeReceiver } from "clarife-webhooks/node";
import { RedisStore } from "clarife-webhooks/redis";
import express, { type Request as ExpressRequest, type Response as ExpressResponse } from "express";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { Hono } from "hono";
import { Cluster, Redis } from "ioredis";
import Koa from "koa";
import type { RawBodyRequest } from "@nestjs/common";
import { Redis as Upstash } from "@upstash/redis";
import { createClient, createCluster, createSentinel } from "redis";

const webhook = new Webhook("whsec_a");
const handlers = new Handlers();

createServer(nodeReceiver(webhook, handlers));
createHttp2(nodeReceiver(webhook, (event) => void event.id));

const app = express();
app.all("/hooks", expressReceiver(webhook, handlers, { dedup: new MemoryStore() }));
app.post("/hooks", express.raw({ type: "*/*" }), expressReceiver(webhook, async (event) => event.type));

const fastify = Fastify();
fastify.register(fastifyReceiver(webhook, handlers), { prefix: "/hooks" });
void Fastify({ http2: true }).register(fastifyReceiver(webhook, handlers));

new Koa().use(koaReceiver(webhook, handlers));

const nest: NestReceiver = nestReceiver(webhook, handlers);
export const onFastify = (request: RawBodyRequest<FastifyRequest>, reply: FastifyReply) => nest(request, reply);
export const controller = (request: RawBodyRequest<ExpressRequest>, response: ExpressResponse) => nest(request, response);

export const rest: Handler<APIGatewayProxyEvent, APIGatewayProxyResult> = lambdaReceiver(webhook, handlers);
export const http: APIGatewayProxyHandlerV2 = lambdaReceiver(webhook, handlers);
export const balancer = (event: ALBEvent) => lambdaReceiver(webhook, handlers)(event);

const handle = webhook.receiver(handlers);
new Hono().all("/hooks", (context) => handle(context.req.raw));
export const POST: (request: Request) => Promise<Response> = handle;

export const stores: DedupStore[] = [
  new RedisStore(createClient()),
  new RedisStore(createClient({ url: "redis://localhost" }).on("error", () => {})),
  new RedisStore(createCluster({ rootNodes: [] })),
  new RedisStore(createSentinel({ name: "main", sentinelRootNodes: [] })),
  new RedisStore(new Redis()),
  new RedisStore(new Cluster([])),
  new RedisStore(Upstash.fromEnv()),
];
// @ts-expect-error: a client, not its address
new RedisStore("redis://localhost");

// @ts-expect-error: the webhook comes first
nodeReceiver(handlers, webhook);
// @ts-expect-error
nodeReceiver(webhook, handlers, { maxBodyBytes: "10mb" });
// @ts-expect-error
nodeReceiver(webhook);

// A custom store.
const own: DedupStore = {
  claim: async (id, ttl) => (id === "" && ttl > 0 ? "done" : { token: "1" }),
  complete: async () => {},
  release: () => {},
};
export const options: ReceiveOptions = {
  dedup: { store: own, claimTtl: 60, doneTtl: 86_400 },
  maxBodyBytes: 1 << 20,
  onError: (error: unknown, { code, event }: ErrorContext) => console.error(code, event?.id, error),
};
// @ts-expect-error: methods are missing
export const half: DedupStore = { claim: () => "done" as const };
// @ts-expect-error: not a claim
export const odd: DedupStore = { ...own, claim: () => "new" };
// @ts-expect-error: seconds are numbers
export const text: ReceiveOptions = { dedup: { store: own, claimTtl: "60" } };
export const response: Promise<WebhookResponse> = webhook.receive("{}", {}, handlers, options);
