import { setBackend } from "../api/backend.js";
import { openAddon } from "../backends/native.js";
import { openWasm } from "../backends/node-wasm.js";

const addon = process.env["CLARIFE_WEBHOOKS_ENGINE"] === "wasm" ? undefined : openAddon();
setBackend(addon ?? openWasm());

export * from "../api/index.js";
