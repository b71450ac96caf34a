// A receiver that sends itself a delivery and a forged one, and prints what its handler and its sender see.
const { createServer } = require("node:http");
const { engine, Webhook } = require("clarife-webhooks");
const { receiver } = require("clarife-webhooks/node");
const { sampleEvent, signedRequest } = require("clarife-webhooks/testing");

const secret = "whsec_c2VjcmV0IG9mIHRoZSBidW5kbGVz";

const receive = receiver(new Webhook(secret), (event) => console.log(event.type, engine), { onError() {} });
const server = createServer(receive);
server.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { body, headers } = signedRequest(sampleEvent("document.updated"), { secret });
  for (const sent of [body, `${body} `]) {
    const response = await fetch(url, { method: "POST", headers, body: sent });
    console.log(response.status, (await response.json()).code);
  }
  server.closeAllConnections();
  server.close();
});
