// A host of clarife-webhooks-core.wasm in JavaScript, without the npm package:  node host.mjs <module>
import { readFile } from "node:fs/promises";
import process from "node:process";
import { pathToFileURL } from "node:url";

/** An error of the module: `code` is an error code, or undefined for an invalid argument. */
export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Loads the module and its JSON file. */
export async function load(path) {
  const abi = JSON.parse(await readFile(path.replace(/\.wasm$/, ".json"), "utf8"));
  const { instance } = await WebAssembly.instantiate(await readFile(path), {});
  return new Core(abi, instance.exports);
}

class Core {
  constructor(abi, exports) {
    this.abi = abi;
    this.exports = exports;
    if (exports.abi_version() !== abi.version) throw new Error("the module and its JSON file differ in their versions");
  }

  /** Writes the input, and returns the length of each part. */
  write(...parts) {
    const address = this.exports.reserve(parts.reduce((length, part) => length + part.length, 0)) >>> 0;
    if (address === 0) throw new RangeError("the input does not fit into the module's memory");
    const memory = new Uint8Array(this.exports.memory.buffer); // a new view: the memory may have grown
    let end = address;
    for (const part of parts) {
      memory.set(part, end);
      end += part.length;
    }
    return parts.map((part) => part.length);
  }

  /** Returns the numbers of the last call by name, and its text. Throws the error of the call. */
  result() {
    const { buffer } = this.exports.memory;
    const values = new Float64Array(buffer, this.exports.out(), this.abi.numbers.length);
    const numbers = Object.fromEntries(this.abi.numbers.map((name, index) => [name, values[index]]));
    const text = new TextDecoder().decode(new Uint8Array(buffer, numbers.TEXT_START, numbers.TEXT_LENGTH));
    if (numbers.VERDICT !== 0) throw new Refused(this.abi.errors[numbers.VERDICT - 1], text);
    return { numbers, text };
  }

  /** Creates a webhook, and returns its handle. Options that are missing have their defaults. */
  open(secrets, options = {}) {
    const lengths = this.write(...secrets.flatMap((secret) => [Buffer.from(secret), Uint8Array.of(255)]));
    const numbers = this.abi.options.map((name) => options[name] ?? NaN);
    new Float64Array(this.exports.memory.buffer, this.exports.out(), numbers.length).set(numbers);
    const handle = this.exports.open(lengths.reduce((sum, length) => sum + length, 0), numbers.length);
    this.result();
    return handle;
  }

  /** Verifies a body, with a header in bytes or undefined. Returns the texts of the event's members in JSON. */
  verify(webhook, body, header, now) {
    const [length, headerLength] = this.write(body, header ?? new Uint8Array());
    this.exports.verify(webhook, length, header === undefined ? -1 : headerLength, now);
    return this.event(body);
  }

  verifyStandard(webhook, body, id, timestamp, signature, now) {
    this.exports.verify_standard(webhook, ...this.write(body, id, timestamp, signature), now);
    return this.event(body);
  }

  event(body) {
    const { numbers } = this.result();
    const member = (name) => new TextDecoder().decode(body.subarray(numbers[`${name}_START`], numbers[`${name}_END`]));
    const [id, type, created_at, data] = ["ID", "TYPE", "CREATED_AT", "DATA"].map(member);
    return { known: numbers.TYPE >= 0, replay_window: numbers.REPLAY_WINDOW, id, type, created_at, data };
  }

  sign(webhook, body, timestamp) {
    this.exports.sign(webhook, ...this.write(body), timestamp);
    return this.result().text;
  }

  signStandard(webhook, body, id, timestamp) {
    this.exports.sign_standard(webhook, ...this.write(body, Buffer.from(id)), timestamp);
    return this.result().text.split("\n");
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const core = await load(process.argv[2]);
  const webhook = core.open(["whsec_c2VjcmV0"], { tolerance: 60 });
  const event = { id: "evt_1", type: "share.created", created_at: "2026-03-28T12:00:00Z", data: { id: "shr_1" } };
  const body = Buffer.from(JSON.stringify(event));
  const now = Math.floor(Date.now() / 1000);
  const header = core.sign(webhook, body, now); // in a server, the header X-Clarife-Signature of the request
  const { type, data } = core.verify(webhook, body, Buffer.from(header), now);
  console.log(JSON.parse(type), JSON.parse(data));
  core.exports.close(webhook);
}
