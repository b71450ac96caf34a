// Submits events with unusual data to a sender with --dev, and waits for their delivery to every subscription.
//
//     node deliver.mjs <the sender's URL> <the workspace's token> <how many events>
import fc from "fast-check";
import { request } from "./api.mjs";

const [url, token, count] = process.argv.slice(2);
const BATCH = 100;
/** The sender waits at most 71 s between the first attempt and the last. */
const PATIENCE = 180_000;

const { subscriptions } = await call("/v1/subscriptions");
const types = subscriptions[0].event_types;

// Programs submit the output of JSON.stringify. The sender refuses numbers that JavaScript does not keep, so they are left out.
const text = fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.toWellFormed());
const name = text.filter((name) => name !== "__proto__");
// From 2^53 to 1e21 JSON.stringify writes a double as an integer that most parsers round.
const exact = (number) => !Number.isInteger(number) || Number.isSafeInteger(number) || Math.abs(number) >= 1e21;
const number = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }).filter(exact));
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie("tree"), { maxLength: 5 }),
    fc.dictionary(name, tie("tree"), { maxKeys: 5 }),
  ),
}));
const event = fc.record({ type: fc.constantFrom(...types), data: fc.dictionary(name, tree, { maxKeys: 6 }) });

const events = fc.sample(event, Number(count));
for (let start = 0; start < events.length; start += BATCH) {
  await call("/v1/events", { events: events.slice(start, start + BATCH) });
}

const end = Date.now() + PATIENCE;
while ((await call("/v1/deliveries?state=pending&limit=1")).deliveries.length > 0) {
  if (Date.now() > end) throw new Error("deliveries are still pending");
  await new Promise((resolve) => setTimeout(resolve, 250));
}

const delivered = new Map(subscriptions.map(({ id }) => [id, 0]));
for await (const { state, subscription_id, id } of all("/v1/deliveries?limit=100")) {
  if (state !== "delivered") {
    const { attempts_made } = await call(`/v1/deliveries/${id}`);
    throw new Error(`a delivery is ${state}: ${JSON.stringify(attempts_made.at(-1))}`);
  }
  delivered.set(subscription_id, delivered.get(subscription_id) + 1);
}
for (const { id, url } of subscriptions) {
  console.log(`${url}: ${delivered.get(id)} of ${events.length} events`);
  if (delivered.get(id) !== events.length) throw new Error("not all deliveries are there");
}

async function* all(path) {
  let page = await call(path);
  yield* page.deliveries;
  while (page.next !== null) {
    page = await call(`${path}&before=${page.next}`);
    yield* page.deliveries;
  }
}

async function call(path, body) {
  const response = await request(url + path, token, body && JSON.stringify(body));
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}
