/** @jest-environment @edge-runtime/jest-environment */
require("./verifies.js")("wasm");
