import { COUNT, TEXT_LENGTH, TEXT_START, VERDICT } from "../api/abi.generated.js";
import type { Backend } from "../api/backend.js";

/** The module's exports (src/lib.rs): numbers in, numbers out. */
interface WasmExports {
  readonly memory: WebAssembly.Memory;
  reserve(length: number): number;
  out(): number;
  open(secrets: number, tolerance: number, maxEventAge: number, standard: boolean): number;
  close(handle: number): void;
  verify(webhook: number, body: number, header: number, now: number): void;
  verify_standard(webhook: number, body: number, id: number, timestamp: number, signature: number, now: number): void;
  parse(body: number): void;
  sign(webhook: number, body: number, timestamp: number): void;
  sign_standard(webhook: number, body: number, id: number, timestamp: number): void;
  open_store(capacity: number): number;
  claim(store: number, id: number, now: number, ttl: number): number;
  complete(store: number, id: number, now: number, ttl: number): number;
  release(store: number, id: number, token: number): void;
  key(id: number): void;
  describe(code: number): void;
}

/** A webhook or a store inside the module. */
interface Handle {
  readonly number: number;
}

/** The largest UTF-8 of a UTF-16 code unit. */
const WIDEST = 3;
/** The largest input: a length in the module is a positive 32-bit number, and V8 encodes nothing into larger views. */
const MOST = 0x7fff_ffff;
/** After each secret: a byte that UTF-8 never has. */
const END = 0xff;

function tooLarge(name: string): RangeError {
  return new RangeError(`${name} must fit into the memory of the WebAssembly module`);
}

/** Creates the backend of an instance of the module. */
export function wasmBackend(instanceExports: unknown): Backend {
  const exports = instanceExports as WasmExports;
  const { memory } = exports;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder(); // a byte order mark never verifies, so none is lost
  const freed = typeof FinalizationRegistry === "function" ? new FinalizationRegistry<number>(exports.close) : undefined;
  const place = exports.out();
  let out!: Float64Array;
  let bytes!: Uint8Array;
  refresh();

  /** Views of the memory go stale when it grows. */
  function refresh(): void {
    if (bytes?.buffer !== memory.buffer) {
      out = new Float64Array(memory.buffer, place, COUNT);
      bytes = new Uint8Array(memory.buffer);
    }
  }

  /** Room for an input; where it starts. */
  function reserve(length: number, name: string): number {
    const start = length > MOST ? 0 : exports.reserve(length) >>> 0;
    if (start === 0) {
      throw tooLarge(name);
    }
    refresh();
    return start;
  }

  /** Writes a text where there is room for it; how many bytes it has. */
  function put(text: string, start: number, name: string): number {
    const { read, written } = encoder.encodeInto(text, bytes.subarray(start, start + text.length * WIDEST));
    if (read !== text.length) {
      throw tooLarge(name);
    }
    return written;
  }

  /** Writes a body and texts after it; how long each is. */
  function write(body: string | Uint8Array, ...texts: string[]): number[] {
    const raw = typeof body === "string" ? encoder.encode(body) : body;
    let end = reserve(texts.reduce((length, text) => length + text.length * WIDEST, raw.length), "body");
    bytes.set(raw, end);
    end += raw.length;
    return [raw.length, ...texts.map((text) => {
      const length = put(text, end, "signature");
      end += length;
      return length;
    })];
  }

  /** Writes an event's id; how long it is. */
  function writeId(id: string): number {
    return put(id, reserve(id.length * WIDEST, "id"), "id");
  }

  /** The last call's text; of a body that was read, the caller's bytes, which are what the module has a copy of. */
  function text(body?: string | Uint8Array): string {
    refresh();
    const start = out[TEXT_START]!;
    return decoder.decode(out[VERDICT] === 0 && typeof body === "object" ? body : bytes.subarray(start, start + out[TEXT_LENGTH]!));
  }

  return {
    name: "wasm",
    get out() {
      return out;
    },
    open(secrets, tolerance, maxEventAge, standard) {
      const start = reserve(secrets.reduce((length, secret) => length + secret.length * WIDEST + 1, 0), "secrets");
      let end = start;
      for (const secret of secrets) {
        end += put(secret, end, "secrets");
        bytes[end++] = END;
      }
      const number = exports.open(end - start, tolerance, maxEventAge, standard);
      const message = text();
      if (number === 0) {
        return message;
      }
      const handle: Handle = { number };
      freed?.register(handle, number, handle);
      return handle;
    },
    close(webhook) {
      freed?.unregister(webhook);
      exports.close((webhook as Handle).number);
    },
    verify(webhook, body, header, now) {
      const [length, headerLength] = write(body, header ?? "");
      exports.verify((webhook as Handle).number, length!, header === undefined ? -1 : headerLength!, now);
      return text(body);
    },
    verifyStandard(webhook, body, id, timestamp, signature, now) {
      const [length, ...lengths] = write(body, id, timestamp, signature);
      exports.verify_standard((webhook as Handle).number, length!, lengths[0]!, lengths[1]!, lengths[2]!, now);
      return text(body);
    },
    parse(body) {
      exports.parse(write(body)[0]!);
      return text(body);
    },
    sign(webhook, body, timestamp) {
      exports.sign((webhook as Handle).number, write(body)[0]!, timestamp);
      return text();
    },
    signStandard(webhook, body, id, timestamp) {
      const [length, idLength] = write(body, id);
      exports.sign_standard((webhook as Handle).number, length!, idLength!, timestamp);
      return text();
    },
    openStore(capacity) {
      const handle: Handle = { number: exports.open_store(capacity) };
      freed?.register(handle, handle.number);
      return handle;
    },
    claim(store, id, now, ttl) {
      return exports.claim((store as Handle).number, writeId(id), now, ttl);
    },
    complete(store, id, now, ttl) {
      return exports.complete((store as Handle).number, writeId(id), now, ttl);
    },
    release(store, id, token) {
      exports.release((store as Handle).number, writeId(id), token);
    },
    storeKey(id) {
      exports.key(writeId(id));
      return text();
    },
    describe(code) {
      exports.describe(code);
      return text();
    },
  };
}
