#!/usr/bin/env node
// Looks for keys in the memory of the WebAssembly module after its webhooks are closed:  node wiped.mjs <module>
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";

const SECRET = "whsec_x4xx7UHdasKimEWeWXzahVv6crzOUfJ3bEDVikciCsY=";
const NOW = 1_774_699_200;
const BODY = '{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}';
// The words of the keys, XOR 0x5a5a5a5a, as in core/tests/wiped.rs.
const KEYS = {
  "inner state": [0x59218ec1, 0xf7a3c38a, 0xdd5c31de, 0x4a172f3a, 0x3f197d19, 0xa47a14d7, 0x3ddc6350, 0xb5ab8955],
  "outer state": [0x47f996ed, 0xb76ea98d, 0x681661cc, 0xf73c72f4, 0x681c7661, 0xd12aa957, 0xed915597, 0xfc6eafe9],
  "inner state of Standard Webhooks": [
    0xa7c3a218, 0xd856c135, 0x9f865799, 0x91f12493, 0xbdbf5953, 0x877d1d74, 0xcabd0609, 0x13536203,
  ],
  "outer state of Standard Webhooks": [
    0x56caa1be, 0xa4de9ee0, 0x35fe655f, 0x5bf57703, 0x20fcfba6, 0x61074321, 0x1813053b, 0x12e77a7a,
  ],
  "decoded key of Standard Webhooks": [
    0xb72bd69d, 0x9830871b, 0xc41fc2f8, 0xdf802603, 0xe628a001, 0x2da80b94, 0xd08f1a36, 0x9c50781d,
  ],
};

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const wasm = new WebAssembly.Instance(module, {}).exports;

/** Writes the input of a call and returns the lengths of its parts. */
function write(...parts) {
  const bytes = parts.map((part) => Buffer.from(part));
  const all = Buffer.concat(bytes);
  const address = wasm.reserve(all.length);
  new Uint8Array(wasm.memory.buffer).set(all, address);
  return bytes.map((part) => part.length);
}

/** Returns the first number and the text of the last call. */
function result() {
  const numbers = new Float64Array(wasm.memory.buffer, wasm.out(), 13);
  const [start, length] = [numbers[11], numbers[12]];
  return [numbers[0], Buffer.from(wasm.memory.buffer, start, length).toString()];
}

function open(secrets, ...options) {
  const parts = secrets.flatMap((secret) => [Buffer.from(secret), Buffer.from([255])]);
  const lengths = write(...parts);
  new Float64Array(wasm.memory.buffer, wasm.out(), 13).set(options);
  return wasm.open(lengths.reduce((sum, length) => sum + length, 0), options.length);
}

/** Uses a webhook in every way. */
function work(handle, standard) {
  wasm.sign(handle, ...write(BODY), NOW);
  const [, signature] = result();
  wasm.verify(handle, ...write(BODY, signature), NOW);
  assert.equal(result()[0] === 0, handle !== standard);
  wasm.sign_standard(standard, ...write(BODY, "evt_1"), NOW);
  const [, lines] = result();
  wasm.verify_standard(standard, ...write(BODY, ...lines.split("\n")), NOW);
  assert.equal(result()[0], 0, result()[1]);
  wasm.verify(handle, ...write(BODY, "t=1774699200,v1=00"), NOW);
  assert.notEqual(result()[0], 0);
}

/** Returns the number of places with two neighbouring words of each key, in either order. */
function find() {
  const memory = Buffer.from(wasm.memory.buffer);
  const places = (bytes) => {
    let count = 0;
    for (let at = memory.indexOf(bytes); at >= 0; at = memory.indexOf(bytes, at + 1)) count++;
    return count;
  };
  const pair = (first, second) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE((first ^ 0x5a5a5a5a) >>> 0, 0);
    bytes.writeUInt32LE((second ^ 0x5a5a5a5a) >>> 0, 4);
    return places(bytes);
  };
  const count = (key) => key.slice(1).reduce((sum, word, at) => sum + pair(key[at], word) + pair(word, key[at]), 0);
  return Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [name, count(key)]));
}

const none = Object.fromEntries(Object.keys(KEYS).map((name) => [name, 0]));
assert.deepEqual(find(), none, "before");
for (const secrets of [[SECRET], Array.from({ length: 9 }, () => SECRET)]) {
  const handle = open(secrets);
  const standard = open(secrets, NaN, NaN, 1);
  assert.ok(handle > 0 && standard > 0, result()[1]);
  work(handle, standard);
  const alive = find();
  for (const [name, count] of Object.entries(alive).slice(0, 4)) assert.ok(count >= 7, `${name}: ${count}`);
  assert.equal(alive["decoded key of Standard Webhooks"], 0, "the decoded key is needed no longer");
  wasm.close(handle);
  wasm.close(standard);
  assert.deepEqual(find(), none, `after ${secrets.length} secrets`);
}
assert.equal(open([SECRET, SECRET, ""]), 0);
assert.deepEqual(find(), none, "after an error");
console.log("no key remains in the module's memory");
