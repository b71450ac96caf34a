// AWS around a function: converts HTTP to an event, and the result to HTTP. The first argument names the event's source:
// "rest" (API Gateway, version 1), "http" (version 2, and function URLs) or "balancer".
import { createServer } from "node:http";
import process from "node:process";
import { buffer } from "node:stream/consumers";
import { receiver } from "clarife-webhooks/lambda";
import { handlers, PARSED, ran, ready, routes, webhook } from "./app.mjs";

const receivers = Object.fromEntries(Object.entries(routes).map(([path, options]) => [path, receiver(webhook, handlers, options)]));
const parsed = receiver(webhook, handlers);
const pairs = (request) => Object.entries(request.headersDistinct);

const events = {
  rest: (request, body) => ({
    resource: request.url,
    path: request.url,
    httpMethod: request.method,
    headers: Object.fromEntries(pairs(request).map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: Object.fromEntries(pairs(request)),
    queryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: { httpMethod: request.method, path: request.url, stage: "prod", protocol: "HTTP/1.1" },
    body: body.length === 0 ? null : body.toString(),
    isBase64Encoded: false,
  }),
  http: (request, body) => ({
    version: "2.0",
    routeKey: "$default",
    rawPath: request.url,
    rawQueryString: "",
    headers: Object.fromEntries(pairs(request).map(([name, values]) => [name, values.join(",")])),
    requestContext: { http: { method: request.method, path: request.url, protocol: "HTTP/1.1", sourceIp: "127.0.0.1" }, stage: "$default" },
    // Without a body, the event has no such member.
    ...(body.length > 0 && { body: body.toString("base64") }),
    isBase64Encoded: body.length > 0,
  }),
  balancer: (request, body) => ({
    requestContext: { elb: { targetGroupArn: "arn:aws:elasticloadbalancing:…" } },
    httpMethod: request.method,
    path: request.url,
    queryStringParameters: {},
    headers: Object.fromEntries(pairs(request).map(([name, values]) => [name, values.at(-1)])),
    body: body.toString(),
    isBase64Encoded: false,
  }),
};

const server = createServer(async (request, response) => {
  if (request.url === "/ran") return response.end(JSON.stringify(ran));
  const body = await buffer(request).catch(() => undefined);
  if (body === undefined) return; // cut off: AWS does not call the function
  // An event without a request: of a test in the console, or of an integration without proxy.
  const event = request.url === PARSED ? JSON.parse(body) : events[process.argv[2]](request, body);
  const result = await (receivers[request.url] ?? parsed)(event, {});
  response.writeHead(result.statusCode, result.headers).end(result.body);
});
server.listen(0, "127.0.0.1", () => ready(server.address().port));
