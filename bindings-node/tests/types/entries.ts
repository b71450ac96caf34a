// Every entry but those of frameworks, with import. No entry needs the types of Node or of a framework.
import { DedupObject, DurableObjectStore, KvStore } from "clarife-webhooks/cloudflare";
import { RedisStore } from "clarife-webhooks/redis";
import { Clock, sampleEvent, signedRequest } from "clarife-webhooks/testing";
import { engine } from "clarife-webhooks/wasm";

export const made = [Clock, engine, DedupObject, DurableObjectStore, KvStore, RedisStore, sampleEvent, signedRequest];
// @ts-expect-error: not an entry
import "clarife-webhooks/other";
