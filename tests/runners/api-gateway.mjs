#!/usr/bin/env node
// API Gateway for a Lambda function, over HTTP on loopback:  PORT=<port> node api-gateway.mjs <file of the handler>
// Each request becomes an event of an HTTP API (payload format 2.0), with the body in base64, and the result becomes the response.
import { createServer } from "node:http";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const { handler } = await import(pathToFileURL(resolve(process.argv[2])).href);

const server = createServer(async (request, response) => {
  const { pathname, search } = new URL(request.url, "http://localhost");
  // API Gateway uses lower-case names and joins the values of repeated headers, as Node does.
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const result = await handler({
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    requestContext: { stage: "$default", http: { method: request.method, path: pathname, protocol: "HTTP/1.1", sourceIp: "127.0.0.1" } },
    body: (await buffer(request)).toString("base64"),
    isBase64Encoded: true,
  });
  response.writeHead(result.statusCode, result.headers).end(result.isBase64Encoded ? Buffer.from(result.body, "base64") : result.body);
});
server.listen(Number(process.env.PORT), "127.0.0.1");
