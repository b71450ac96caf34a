// One test in each environment of Vitest: deliveries are verified, with the addon.
import { expect, test } from "vitest";
import { engine, MemoryStore, Webhook } from "clarife-webhooks";
import { sampleEvent, signedRequest } from "clarife-webhooks/testing";

const secret = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";

test("a delivery is verified once", async () => {
  const receive = new Webhook(secret).receiver(() => {}, { dedup: new MemoryStore(), onError() {} });
  const { body, headers } = signedRequest(sampleEvent("document.updated"), { secret });
  const codes = [];
  for (const sent of [body, new TextEncoder().encode(body), `${body} `]) {
    const response = await receive(new Request("http://localhost/", { method: "POST", headers, body: sent }));
    codes.push((await response.json()).code);
  }
  expect(codes).toEqual(["handled", "duplicate", "signature_mismatch"]);
  expect(engine).toBe("native");
});
