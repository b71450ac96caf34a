import { setBackend } from "../api/backend.js";
import { wasmBackend } from "../backends/wasm.js";

const response = await fetch(new URL("./clarife_webhooks.wasm", import.meta.url));
// Streaming needs the right MIME type, which some servers do not send.
const { instance } = response.headers.get("content-type")?.startsWith("application/wasm")
  ? await WebAssembly.instantiateStreaming(response)
  : await WebAssembly.instantiate(await response.arrayBuffer());
setBackend(wasmBackend(instance.exports));

export * from "../api/index.js";
