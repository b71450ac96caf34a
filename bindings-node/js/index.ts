import { use } from "../../bindings-wasm/js/engine.js";
import * as face from "../../bindings-wasm/js/index.js";
import { nativeEngine } from "./native.js";

const native = process.env["CLARIFE_WEBHOOKS_ENGINE"] === "wasm" ? undefined : nativeEngine();
if (native !== undefined) {
  use(native);
}

export = native === undefined ? (require("clarife-webhooks-wasm") as typeof face) : face;
