import { useInstance } from "./wasm.js";

const response = await fetch(new URL("./clarife_webhooks.wasm", import.meta.url));
// Streaming needs the right MIME type, which not every server sends.
const { instance } = response.headers.get("content-type")?.startsWith("application/wasm")
  ? await WebAssembly.instantiateStreaming(response)
  : await WebAssembly.instantiate(await response.arrayBuffer());
useInstance(instance.exports);

export * from "./index.js";
