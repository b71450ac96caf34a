import { readFileSync } from "node:fs";
// @ts-expect-error: Bun gives the file's path, also inside an executable that `bun build --compile` has made
import path from "./clarife_webhooks.wasm" with { type: "file" };
import { useInstance } from "./wasm.js";

const module = new WebAssembly.Module(readFileSync(path as string));
useInstance(new WebAssembly.Instance(module).exports);

export * from "./index.js";
