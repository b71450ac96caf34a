import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "../api/backend.js";
import { wasmBackend } from "./wasm.js";

/** Opens the WebAssembly module beside the bundle. */
export function openWasm(): Backend {
  const module = new WebAssembly.Module(readFileSync(join(__dirname, "clarife_webhooks.wasm")));
  return wasmBackend(new WebAssembly.Instance(module).exports);
}
