// A receiver with the verification of clarife's documentation, which takes the parsed body.
const { createServer } = require("node:http");
const { json } = require("node:stream/consumers");
const verifyWebhookSignature = require("./documented-example.cjs");

const secret = process.env.CLARIFE_WEBHOOK_SECRET;

createServer(async (request, response) => {
  const genuine = verifyWebhookSignature(await json(request), request.headers["x-clarife-signature"], secret);
  response.writeHead(genuine ? 200 : 400).end();
}).listen(Number(process.env.PORT), "127.0.0.1");
