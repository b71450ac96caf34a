import type { Backend } from "../api/backend.js";
import { embeddedWasm } from "./embedded.js";

/**
 * Opens the WebAssembly module in JavaScript. The addon's users never load its text, and a bundler includes the text
 * because the path is constant.
 */
export function openWasm(): Backend {
  return embeddedWasm(require("./wasm-text.cjs") as string);
}
