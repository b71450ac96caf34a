// Verification through the SDK beside verification by hand, in one run: `node verify.mjs <package>`.
import { createHmac, timingSafeEqual } from "node:crypto";
import { bench, do_not_optimize, run, summary } from "mitata";

const { Webhook, engine } = await import(process.argv[2]);
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const webhook = new Webhook(secret);

function byHand(body, header) {
  const parts = Object.fromEntries(header.split(",").map((part) => part.split("=")));
  if (Math.abs(Date.now() / 1000 - Number(parts.t)) > 300) throw new Error("too old");
  const expected = createHmac("sha256", secret).update(body).digest("hex");
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(parts.v1))) throw new Error("mismatch");
  return JSON.parse(body);
}

for (const blocks of [1, 8, 96, 980]) {
  const content = { blocks: Array(blocks).fill({ content: "<p>Press <b>Save</b>, then wait for the check mark.</p>", type: "text" }) };
  const event = { id: "evt_1", type: "document.updated", created_at: "2026-03-28T12:00:00Z", data: { id: "doc_1", title: "Start", content } };
  const body = Buffer.from(JSON.stringify(event));
  const header = webhook.sign(body);
  summary(() => {
    bench(`by hand, ${body.length} bytes`, () => do_not_optimize(byHand(body, header).data.title)).baseline();
    bench(`${engine}: verify and read, ${body.length} bytes`, () => do_not_optimize(webhook.verify(body, header).data.title));
    bench(`${engine}: verify and route, ${body.length} bytes`, () => do_not_optimize(webhook.verify(body, header).type));
  });
}
await run();
