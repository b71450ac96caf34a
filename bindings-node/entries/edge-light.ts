// @ts-expect-error: Vercel's Edge Functions import a compiled module
import module from "./clarife_webhooks.wasm?module";
import { setBackend } from "../api/backend.js";
import { wasmBackend } from "../backends/wasm.js";

setBackend(wasmBackend(new WebAssembly.Instance(module as WebAssembly.Module).exports));

export * from "../api/index.js";
