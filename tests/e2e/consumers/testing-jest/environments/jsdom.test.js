/** @jest-environment jsdom */
require("./verifies.js")("native");

test("without the addon, one sentence says what is missing", () => {
  process.env.CLARIFE_WEBHOOKS_ENGINE = "wasm";
  jest.resetModules();
  expect(() => require("clarife-webhooks")).toThrow(
    /^cannot open the WebAssembly module: TextEncoder is missing here; in Jest, use testEnvironment "node"$/,
  );
});
