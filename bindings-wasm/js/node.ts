import { readFileSync } from "node:fs";
import { join } from "node:path";
import { useInstance } from "./wasm.js";

const module = new WebAssembly.Module(readFileSync(join(__dirname, "clarife_webhooks.wasm")));
useInstance(new WebAssembly.Instance(module).exports);

export * from "./index.js";
