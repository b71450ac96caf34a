// @ts-expect-error: Deno gives an instance; a static import needs no --allow-read
import * as exports from "./clarife_webhooks.wasm";
import { useInstance } from "./wasm.js";

useInstance(exports);

export * from "./index.js";
