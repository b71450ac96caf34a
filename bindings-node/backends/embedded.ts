import type { Backend } from "../api/backend.js";
import { wasmBackend } from "./wasm.js";

/** Opens the WebAssembly module in base64. Bundlers lose files beside a bundle, and never a text in it. */
export function embeddedWasm(base64: string): Backend {
  const missing = ["WebAssembly", "TextEncoder", "TextDecoder"].find((name) => !(name in globalThis));
  if (missing !== undefined) {
    throw new Error(`cannot open the WebAssembly module: ${missing} is missing here; in Jest, use testEnvironment "node"`);
  }
  const module = new WebAssembly.Module(decode(base64));
  return wasmBackend(new WebAssembly.Instance(module).exports);
}

/** Decodes base64. */
export function decode(base64: string): Uint8Array<ArrayBuffer> {
  // Node's atob takes milliseconds. Through globalThis, because some bundlers add a Buffer where the name stands alone.
  const { Buffer } = globalThis as { Buffer?: typeof globalThis.Buffer };
  return Buffer ? Buffer.from(base64, "base64") : Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
