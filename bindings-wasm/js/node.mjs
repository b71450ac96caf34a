export * from "./node.cjs"; // one WebhookError for both module systems
