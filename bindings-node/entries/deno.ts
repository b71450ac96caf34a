// @ts-expect-error: Deno imports an instance; a static import needs no --allow-read
import * as exports from "./clarife_webhooks.wasm";
import { setBackend } from "../api/backend.js";
import { wasmBackend } from "../backends/wasm.js";

setBackend(wasmBackend(exports));

export * from "../api/index.js";
