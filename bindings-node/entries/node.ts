import { setBackend } from "../api/backend.js";
import { openAddon } from "../backends/native.js";
import { openWasm } from "../backends/node-wasm.js";

setBackend(openAddon() ?? openWasm());

export * from "../api/index.js";
