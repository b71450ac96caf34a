// Submits numbers in every spelling to a sender and receives them. For JavaScript, the delivered numbers must equal the
// submitted ones; numbers.py compares the files for Python.
//
//     node numbers.mjs <port to receive on> <sender's URL> <workspace's token> <folder> <how many numbers> <clarife-sender>
import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { text as readText } from "node:stream/consumers";
import { promisify } from "node:util";
import { request } from "./api.mjs";

const [port, url, token, folder, count, program] = process.argv.slice(2);
const NUMBERS_PER_EVENT = 500;
const EVENTS_PER_CALL = 10;
const TIMEOUT = 300_000;
const [submitted, delivered] = ["submitted.jsonl", "delivered.jsonl"].map((name) => `${folder}/${name}`);

// A seeded generator, so a failure is reproducible.
let state = 0x9e3779b9n;
function bits() {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return state ^ (state >> 29n);
}
const view = new DataView(new ArrayBuffer(8));
const random = () => Number(bits() & 0x1fffffffffffffn) / 2 ** 53;
const sign = () => (random() < 0.5 ? -1 : 1);

/** Returns a finite double of a common kind. */
function double() {
  const kind = Math.floor(random() * 6);
  if (kind === 0) return random();
  if (kind === 1) return Math.floor(random() * 1e6) / 100 * 1.19;
  if (kind === 2) return sign() * Math.floor(random() * 2 ** 53);
  if (kind === 3) return sign() * random() * 10 ** Math.floor(random() * 40 - 20);
  for (;;) {
    view.setBigUint64(0, bits());
    const number = view.getFloat64(0);
    if (Number.isFinite(number)) return number;
  }
}

/** Returns a spelling of a number in JSON: as printed by JavaScript or another language, with extra digits, or with an exponent. */
function spell(number) {
  const kind = Math.floor(random() * 6);
  if (kind === 0) return number.toExponential();
  if (kind === 1) return number.toPrecision(17);
  if (kind === 2) return number.toPrecision(40);
  if (kind === 3 && Number.isSafeInteger(number)) return `${number}.0`;
  if (kind === 4) return number.toExponential(25).replace("e+", "E");
  return JSON.stringify(number);
}

/** Tells whether a language with large integers, such as Python, reads another number than JavaScript. The sender must refuse it. */
function changes(text) {
  const number = JSON.parse(text);
  if (/^-?\d+$/.test(text)) return !Number.isSafeInteger(number);
  const written = JSON.stringify(number);
  return /^-?\d+$/.test(written) && BigInt(written) !== BigInt(number);
}

function numbers(wanted, count) {
  const found = [];
  while (found.length < count) {
    const text = spell(double());
    if (changes(text) === wanted) found.push(text);
  }
  return found;
}

async function call(path, body) {
  const response = await request(url + path, token, body);
  return { status: response.status, text: await response.text() };
}

mkdirSync(folder, { recursive: true });
writeFileSync(submitted, "");
writeFileSync(delivered, "");
let arrived = 0;
const server = createServer(async (request, response) => {
  appendFileSync(delivered, `${await readText(request)}\n`);
  arrived += 1;
  response.writeHead(204).end();
});
await new Promise((resolve) => server.listen(Number(port), "127.0.0.1", resolve));

const events = Math.ceil(Number(count) / NUMBERS_PER_EVENT);
for (let start = 0; start < events; start += EVENTS_PER_CALL) {
  const texts = Array.from({ length: Math.min(EVENTS_PER_CALL, events - start) }, (_, index) => {
    const data = `{"numbers":[${numbers(false, NUMBERS_PER_EVENT).join(",")}]}`;
    return `{"id":"evt_${start + index}","type":"document.updated","data":${data}}`;
  });
  appendFileSync(submitted, texts.map((text) => `${text}\n`).join(""));
  const { status, text } = await call("/v1/events", `{"events":[${texts}]}`);
  if (status !== 202) throw new Error(`status ${status}: ${text}`);
}
for (const number of numbers(true, 200).concat("1e400", "-1e999", "9".repeat(400))) {
  const { status, text } = await call("/v1/events", `{"type":"document.updated","data":{"number":${number}}}`);
  const wanted = Number.isFinite(JSON.parse(number)) || /^\d+$/.test(number) ? "unsafe_integer" : "non_finite_number";
  if (status !== 400 || !text.includes(wanted)) throw new Error(`${number}: status ${status}, not ${wanted}: ${text}`);
}
// Test events: the numbers of the samples.
const subscription = JSON.parse((await call("/v1/subscriptions")).text).subscriptions[0];
for (const type of subscription.event_types) {
  const { status, text } = await call(`/v1/subscriptions/${subscription.id}/test`, JSON.stringify({ type }));
  if (status !== 200 && status !== 202) throw new Error(`test event ${type}: status ${status}: ${text}`);
}
// The command `send` sends the file unchanged.
const body = `{"id":"evt_send","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"numbers":[${numbers(false, NUMBERS_PER_EVENT)}]}}`;
writeFileSync(`${folder}/body.json`, body);
appendFileSync(submitted, `${body}\n`);
const send = ["send", `http://127.0.0.1:${port}/`, "--secret", "whsec_c2VjcmV0", "--body", `${folder}/body.json`];
await promisify(execFile)(program, send, { maxBuffer: 2 ** 24 });

const expected = events + subscription.event_types.length + 1;
const end = Date.now() + TIMEOUT;
while (arrived < expected) {
  if (Date.now() > end) throw new Error(`${arrived} of ${expected} events arrived`);
  await new Promise((resolve) => setTimeout(resolve, 100));
}
server.close();

const lines = (file) => readFileSync(file, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line));
const sent = new Map(lines(submitted).map(({ id, data }) => [id, data.numbers]));
let compared = 0;
for (const { id, data } of lines(delivered)) {
  if (!sent.has(id)) continue;
  sent.get(id).forEach((number, index) => {
    compared += 1;
    if (data.numbers[index] !== number) throw new Error(`${id}: ${number} arrived as ${data.numbers[index]}`);
  });
  sent.delete(id);
}
if (sent.size > 0) throw new Error(`${sent.size} events did not arrive`);
console.log(`JavaScript: ${compared} numbers arrived as submitted, 203 were refused`);
