import type { Engine } from "./engine.js";
import { use } from "./face.js";

/** The module's exports (src/lib.rs): numbers in, numbers out. */
interface WasmExports {
  readonly memory: WebAssembly.Memory;
  reserve(length: number): number;
  out(): number;
  secret(length: number): void;
  open(tolerance: number, maxEventAge: number): number;
  close(webhook: number): void;
  verify(webhook: number, body: number, header: number, now: number): void;
  sign(webhook: number, body: number, timestamp: number): void;
}

/** A webhook inside the module. */
class Handle {
  constructor(readonly number: number) {}
}

/** The largest UTF-8 of a UTF-16 code unit. */
const WIDEST = 3;
/** The largest input; more does not fit into the module's memory. */
const MOST = 0x7fff_ffff;

/** Makes the face work with an instance of the module. */
export function useInstance(exports: unknown): void {
  use(wasmEngine(exports as WasmExports));
}

function wasmEngine(exports: WasmExports): Engine {
  const { memory } = exports;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder(); // a byte order mark never verifies, so none is lost
  const freed = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(exports.close) : undefined;
  const place = exports.out();
  let out = new Float64Array(memory.buffer, place, 11);
  let bytes = new Uint8Array(memory.buffer);

  /** Views of the memory go stale when it grows. */
  function refresh(): void {
    if (out.buffer !== memory.buffer) {
      out = new Float64Array(memory.buffer, place, 11);
      bytes = new Uint8Array(memory.buffer);
    }
  }

  function reserve(length: number): number {
    const start = length > MOST ? 0 : exports.reserve(length) >>> 0;
    if (start === 0) {
      throw new RangeError("body is larger than the memory of the WebAssembly module");
    }
    refresh();
    return start;
  }

  /** Writes a body and what a header needs after it; where they start and how long the body is. */
  function write(body: string | Uint8Array, header: string): [start: number, length: number] {
    const raw = typeof body === "string" ? encoder.encode(body) : body;
    const start = reserve(raw.byteLength + header.length * WIDEST);
    bytes.set(raw, start);
    return [start, raw.byteLength];
  }

  function text(start: number, length: number): string {
    return decoder.decode(bytes.subarray(start, start + length));
  }

  function message(): string {
    refresh();
    return text(out[9]!, out[10]!);
  }

  return {
    name: "wasm",
    get out() {
      return out;
    },
    open(secrets, tolerance, maxEventAge) {
      for (const secret of secrets) {
        const start = reserve(secret.length * WIDEST);
        exports.secret(encoder.encodeInto(secret, bytes.subarray(start)).written);
      }
      const number = exports.open(tolerance, maxEventAge);
      if (number === 0) {
        return message();
      }
      refresh();
      const handle = new Handle(number);
      freed?.register(handle, number);
      return handle;
    },
    verify(webhook, body, header, now) {
      const [start, length] = write(body, header ?? "");
      const { written } = encoder.encodeInto(header ?? "", bytes.subarray(start + length));
      exports.verify((webhook as Handle).number, length, header === undefined ? -1 : written, now);
      refresh();
      return out[0] === 0 ? (typeof body === "string" ? "" : text(start, length)) : message();
    },
    sign(webhook, body, timestamp) {
      exports.sign((webhook as Handle).number, write(body, "")[1], timestamp);
      return message();
    },
  };
}
