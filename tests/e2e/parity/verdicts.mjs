// Prints JavaScript's verdict on each delivery:  node verdicts.mjs <entry> < deliveries
// The containers of body and signature change from case to case, and the verdict must not.
import { createInterface } from "node:readline";

const { Webhook, WebhookError } = await import(process.argv[2]);
// The range of Python's datetime, in which the languages are compared.
const [FIRST, LAST] = [-62135596800000, 253402300799999];

const bodies = [
  (raw) => raw,
  (raw) => (Buffer.from(raw.toString()).equals(raw) ? raw.toString() : raw),
  (raw) => new Uint8Array(raw).buffer,
  (raw) => new DataView(new Uint8Array(raw).buffer),
];
const signatures = [
  (value) => value,
  (value) => ({ "X-Clarife-Signature": value }),
  (value) => new Map([["x-Clarife-signature", value]]),
  (value) => (value === null ? [] : [value]),
  (value) => [["X-CLARIFE-SIGNATURE", value]],
  (value) => ({ get: (name) => (name === "x-clarife-signature" ? value : null) }),
];

/** Returns the milliseconds of an RFC 3339 time. Date parses neither lower case nor a leap second. */
function toMilliseconds(time) {
  return Date.parse(time.toUpperCase().replace(/:60(\.\d+)?/, ":59.999"));
}

function verdict(delivery, number) {
  const { secrets, body, signature, now } = delivery;
  const options = { tolerance: delivery.tolerance ?? undefined, maxEventAge: delivery.maxEventAge ?? undefined };
  try {
    const raw = bodies[number % bodies.length](Buffer.from(body, "hex"));
    const event = new Webhook(secrets, options).verify(raw, signatures[number % signatures.length](signature), { now });
    return {
      id: event.id,
      type: event.type,
      createdAt: Math.min(Math.max(toMilliseconds(event.created_at), FIRST), LAST),
      raw: Buffer.from(event.raw).toString("hex"),
      data: JSON.stringify(event.data) === JSON.stringify(JSON.parse(event.raw).data),
    };
  } catch (error) {
    if (!(error instanceof WebhookError)) return { unexpected: String(error) };
    return { code: error.code, message: error.message, hint: error.hint };
  }
}

let number = 0;
const answers = [];
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  answers.push(JSON.stringify(verdict(JSON.parse(line), number++)));
}
console.log(answers.join("\n"));
