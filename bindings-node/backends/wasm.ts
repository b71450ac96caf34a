import { COUNT, TEXT_LENGTH, TEXT_START, VERDICT } from "../api/abi.generated.js";
import type { Backend } from "../api/backend.js";

/** The module's exports (bindings-wasm/src/lib.rs), which take and return numbers. */
interface WasmExports {
  readonly memory: WebAssembly.Memory;
  reserve(length: number): number;
  out(): number;
  open(secrets: number, options: number): number;
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
  take_evicted(store: number): number;
  key(id: number): void;
  describe(code: number): void;
}

/** A webhook or a store in the module. */
interface Handle {
  readonly number: number;
}

/** The largest number of UTF-8 bytes of a UTF-16 code unit. */
const MAX_UTF8_BYTES = 3;
/** The largest input. Lengths in the module are positive 32-bit numbers, and V8 encodes nothing into larger views. */
const MAX_INPUT = 0x7fff_ffff;
/** The message of an error after a trap. */
const FAILED = "the WebAssembly module has failed, and verifies nothing any more: start a new process or isolate";
/** The byte after each secret, which UTF-8 never contains. */
const SECRET_END = 0xff;

/** Creates the backend of an instance of the module. */
export function wasmBackend(instanceExports: unknown): Backend {
  const exports = failClosed(instanceExports as WasmExports);
  const { memory } = exports;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder(); // drops a byte order mark, but a body with one never verifies
  const registry = typeof FinalizationRegistry === "function"
    ? new FinalizationRegistry<number>(exports.close)
    : undefined;
  const address = exports.out();
  let out!: Float64Array;
  let bytes!: Uint8Array;
  refreshViews();

  /** Replaces the views of the memory, which detach when the memory grows. */
  function refreshViews(): void {
    if (bytes?.buffer !== memory.buffer) {
      out = new Float64Array(memory.buffer, address, COUNT);
      bytes = new Uint8Array(memory.buffer);
    }
  }

  /** Reserves memory for an input and returns its start. */
  function reserve(length: number, name: string): number {
    const start = length > MAX_INPUT ? 0 : exports.reserve(length) >>> 0;
    if (start === 0) {
      throw tooLarge(name);
    }
    refreshViews();
    return start;
  }

  /** Writes a text to reserved memory and returns its number of bytes. */
  function writeText(text: string, start: number, name: string): number {
    const { read, written } = encoder.encodeInto(text, bytes.subarray(start, start + text.length * MAX_UTF8_BYTES));
    if (read !== text.length) {
      throw tooLarge(name);
    }
    return written;
  }

  /** Writes a body and texts after it, and returns their lengths. */
  function writeBody(body: string | Uint8Array, ...texts: string[]): number[] {
    const raw = typeof body === "string" ? encoder.encode(body) : body;
    let end = reserve(texts.reduce((length, text) => length + text.length * MAX_UTF8_BYTES, raw.length), "body");
    bytes.set(raw, end);
    end += raw.length;
    return [
      raw.length,
      ...texts.map((text) => {
        const length = writeText(text, end, "signature");
        end += length;
        return length;
      }),
    ];
  }

  /** Writes an event's id and returns its length. */
  function writeId(id: string): number {
    return writeText(id, reserve(id.length * MAX_UTF8_BYTES, "id"), "id");
  }

  /** Returns the text of the last call. The text of a verified body is decoded from the caller's bytes. */
  function readText(body?: string | Uint8Array): string {
    refreshViews();
    const start = out[TEXT_START]!;
    return decoder.decode(
      out[VERDICT] === 0 && typeof body === "object" ? body : bytes.subarray(start, start + out[TEXT_LENGTH]!),
    );
  }

  return {
    name: "wasm",
    get out() {
      return out;
    },
    open(secrets, options) {
      const start = reserve(
        secrets.reduce((length, secret) => length + secret.length * MAX_UTF8_BYTES + 1, 0),
        "secrets",
      );
      let end = start;
      for (const secret of secrets) {
        end += writeText(secret, end, "secrets");
        bytes[end++] = SECRET_END;
      }
      out.set(options);
      const number = exports.open(end - start, options.length);
      const message = readText();
      if (number === 0) {
        return message;
      }
      const handle: Handle = { number };
      registry?.register(handle, number, handle);
      return handle;
    },
    close(webhook) {
      registry?.unregister(webhook);
      exports.close((webhook as Handle).number);
    },
    verify(webhook, body, header, now) {
      const [length, headerLength] = writeBody(body, header ?? "");
      exports.verify((webhook as Handle).number, length!, header === undefined ? -1 : headerLength!, now);
      return readText(body);
    },
    verifyStandard(webhook, body, id, timestamp, signature, now) {
      const [length, ...lengths] = writeBody(body, id, timestamp, signature);
      exports.verify_standard((webhook as Handle).number, length!, lengths[0]!, lengths[1]!, lengths[2]!, now);
      return readText(body);
    },
    parse(body) {
      exports.parse(writeBody(body)[0]!);
      return readText(body);
    },
    sign(webhook, body, timestamp) {
      exports.sign((webhook as Handle).number, writeBody(body)[0]!, timestamp);
      return readText();
    },
    signStandard(webhook, body, id, timestamp) {
      const [length, idLength] = writeBody(body, id);
      exports.sign_standard((webhook as Handle).number, length!, idLength!, timestamp);
      return readText();
    },
    openStore(capacity) {
      const handle: Handle = { number: exports.open_store(capacity) };
      registry?.register(handle, handle.number);
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
    takeEvicted(store) {
      return exports.take_evicted((store as Handle).number) === 1;
    },
    storeKey(id) {
      exports.key(writeId(id));
      return readText();
    },
    describe(code) {
      exports.describe(code);
      return readText();
    },
  };
}

/**
 * Wraps the exports. After a trap, for example without memory, the module's state is unknown: the error says so, and every
 * later call throws it again.
 */
function failClosed(exports: WasmExports): WasmExports {
  let failure: Error | undefined;
  const wrap = (call: (...numbers: number[]) => unknown) => (...numbers: number[]): unknown => {
    if (failure !== undefined) {
      throw failure;
    }
    try {
      return call(...numbers);
    } catch (error) {
      // Anything else is the end of the caller's stack, before or in the call: the module itself refuses lost state.
      if (error instanceof WebAssembly.RuntimeError) {
        failure = new Error(FAILED, { cause: error });
        throw failure;
      }
      throw error;
    }
  };
  return Object.fromEntries(
    Object.entries(exports).map(([name, value]) => [name, typeof value === "function" ? wrap(value) : value]),
  ) as unknown as WasmExports;
}

function tooLarge(name: string): RangeError {
  return new RangeError(`${name} must fit into the memory of the WebAssembly module`);
}
