// node --expose-gc node.mjs <folder of bodies>: both backends, verification by hand and every peer, in one process.
import { createHmac, timingSafeEqual } from "node:crypto";
import process from "node:process";

import { verify as octokit } from "@octokit/webhooks-methods";
import * as native from "clarife-webhooks";
import * as wasm from "clarife-webhooks/wasm";
import * as standard from "standardwebhooks";
import Stripe from "stripe";
import * as svix from "svix";

import { bodies, print } from "./bodies.mjs";
import { elements, oneWrongBit, refused, sdk, SECRET, tryAll, webCrypto } from "./contestants.mjs";
import { race } from "./measure.mjs";

if (native.engine !== "native") throw new Error("the addon was not loaded");

/** Returns the three jobs of a function that verifies with a header and returns the parsed event, or throws. */
function jobs(verify, header, wrong = oneWrongBit(header)) {
  return {
    route() {
      const event = verify(header);
      return event.id.length + event.type.length;
    },
    read: () => verify(header).data,
    reject: () => refused(() => verify(wrong)),
  };
}

function byHand(body) {
  const verify = (header) => {
    const { t, v1 } = elements(header);
    if (!(Math.abs(Date.now() / 1000 - Number(t)) <= 300)) throw new Error("too old");
    const expected = createHmac("sha256", SECRET).update(body).digest("hex");
    if (!timingSafeEqual(Buffer.from(expected), Buffer.from(v1))) throw new Error("no match");
    return JSON.parse(body);
  };
  return jobs(verify, new native.Webhook(SECRET).sign(body));
}

function stripe(body) {
  const { webhooks } = new Stripe("sk_test_none");
  const header = webhooks.generateTestHeaderString({ payload: body.toString(), secret: SECRET });
  return jobs((header) => webhooks.constructEvent(body, header, SECRET), header);
}

function standardWebhooks({ Webhook }, body) {
  const webhook = new Webhook(SECRET);
  const now = new Date();
  const headers = (signature) => ({
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "webhook-signature": signature,
  });
  const signature = webhook.sign("msg_1", now, body.toString());
  return jobs((headers) => webhook.verify(body, headers), headers(signature), headers(oneWrongBit(signature)));
}

/** Returns the jobs of octokit, which takes a string and returns a promise of a boolean. */
function octokitMethods(body) {
  const header = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
  const wrong = oneWrongBit(header);
  const verify = async (header) => {
    const text = body.toString();
    if (!(await octokit(SECRET, text, header))) throw new Error("no match");
    return JSON.parse(text);
  };
  return {
    async route() {
      const event = await verify(header);
      return event.id.length + event.type.length;
    },
    read: async () => (await verify(header)).data,
    reject: () => verify(wrong).then(() => false, () => true),
  };
}

for (const { size, text, bytes } of bodies(process.argv[2])) {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const contestants = {
    "clarife-webhooks": sdk(native, body),
    "clarife-webhooks/wasm": sdk(wasm, body),
    "by hand, node:crypto": byHand(body),
    "by hand, WebCrypto": await webCrypto(native, body),
    stripe: stripe(body),
    svix: standardWebhooks(svix, body),
    standardwebhooks: standardWebhooks(standard, body),
    "@octokit/webhooks-methods": octokitMethods(body),
  };
  await tryAll(contestants, JSON.parse(body));
  print(await race(contestants, { size, text }));
}
