import { setBackend } from "../api/backend.js";
import { openWasm } from "../backends/node-wasm.js";

setBackend(openWasm());

export * from "../api/index.js";
