// The CommonJS build, so that a process that both imports and requires the package has one WebhookError.
export * from "./node.cjs";
