// @ts-expect-error: written by xtask/tools/bundle.mjs
import base64 from "./wasm-text.mjs";
import { setBackend } from "../api/backend.js";
import { embeddedWasm } from "../backends/embedded.js";

setBackend(embeddedWasm(base64 as string));

export * from "../api/index.js";
