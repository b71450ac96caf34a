// Every entry with require.
import main = require("clarife-webhooks");
import cloudflare = require("clarife-webhooks/cloudflare");
import express = require("clarife-webhooks/express");
import fastify = require("clarife-webhooks/fastify");
import koa = require("clarife-webhooks/koa");
import lambda = require("clarife-webhooks/lambda");
import nestjs = require("clarife-webhooks/nestjs");
import node = require("clarife-webhooks/node");
import redis = require("clarife-webhooks/redis");
import testing = require("clarife-webhooks/testing");
import wasm = require("clarife-webhooks/wasm");

const webhook = new main.Webhook("whsec_a");
for (const { receiver } of [express, fastify, koa, lambda, nestjs, node]) receiver(webhook, () => {});
export const made = [wasm.engine, testing.sampleEvent("share.created"), cloudflare.DedupObject, redis.RedisStore];
// @ts-expect-error: not an entry
import other = require("clarife-webhooks/other");
