import { readFileSync } from "node:fs";
// @ts-expect-error: Bun imports the file's path, also inside an executable of `bun build --compile`
import path from "./clarife_webhooks.wasm" with { type: "file" };
import { setBackend } from "../api/backend.js";
import { wasmBackend } from "../backends/wasm.js";

const module = new WebAssembly.Module(readFileSync(path as string));
setBackend(wasmBackend(new WebAssembly.Instance(module).exports));

export * from "../api/index.js";
