// @ts-expect-error: written by xtask/tools/bundle.mjs
import base64 from "./wasm-text.mjs";
import { setBackend } from "../api/backend.js";
import { decode } from "../backends/embedded.js";
import { wasmBackend } from "../backends/wasm.js";

// Not synchronous: browsers compile a module of this size only in the background.
const { instance } = await WebAssembly.instantiate(decode(base64 as string));
setBackend(wasmBackend(instance.exports));

export * from "../api/index.js";
