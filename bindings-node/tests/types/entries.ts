// Every entry with import. No entry needs the types of Node or of a framework.
import { Webhook } from "clarife-webhooks";
import { DedupObject, DurableObjectStore, KvStore } from "clarife-webhooks/cloudflare";
import { receiver as express } from "clarife-webhooks/express";
import { receiver as fastify } from "clarife-webhooks/fastify";
import { receiver as koa } from "clarife-webhooks/koa";
import { receiver as lambda } from "clarife-webhooks/lambda";
import { receiver as nestjs } from "clarife-webhooks/nestjs";
import { receiver as node } from "clarife-webhooks/node";
import { RedisStore } from "clarife-webhooks/redis";
import { Clock, sampleEvent, signedRequest } from "clarife-webhooks/testing";
import { engine } from "clarife-webhooks/wasm";

const webhook = new Webhook("whsec_a");
for (const receiver of [express, fastify, koa, lambda, nestjs, node]) receiver(webhook, (event) => event.data);
export const made = [Clock, engine, DedupObject, DurableObjectStore, KvStore, RedisStore, sampleEvent, signedRequest];
// @ts-expect-error: not an entry
import "clarife-webhooks/other";
