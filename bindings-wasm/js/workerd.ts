// @ts-expect-error: Cloudflare's runtime gives a compiled module
import module from "./clarife_webhooks.wasm";
import { useInstance } from "./wasm.js";

useInstance(new WebAssembly.Instance(module as WebAssembly.Module).exports);

export * from "./index.js";
