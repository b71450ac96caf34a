// Every entry but those of frameworks, with require.
import main = require("clarife-webhooks");
import cloudflare = require("clarife-webhooks/cloudflare");
import redis = require("clarife-webhooks/redis");
import testing = require("clarife-webhooks/testing");
import wasm = require("clarife-webhooks/wasm");

export const made = [main.Webhook, wasm.engine, testing.sampleEvent("share.created"), cloudflare.DedupObject, redis.RedisStore];
// @ts-expect-error: not an entry
import other = require("clarife-webhooks/other");
