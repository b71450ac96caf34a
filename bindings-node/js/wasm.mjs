// Every runtime but Node.
export * from "clarife-webhooks-wasm";
