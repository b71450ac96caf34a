// @ts-expect-error: Vercel's Edge Functions give a compiled module
import module from "./clarife_webhooks.wasm?module";
import { useInstance } from "./wasm.js";

useInstance(new WebAssembly.Instance(module as WebAssembly.Module).exports);

export * from "./index.js";
