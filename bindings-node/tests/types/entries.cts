// Every entry by require.
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

const webhook = new main.Webhook("whsec_a");
for (const { receiver } of [express, fastify, koa, lambda, nestjs, node]) receiver(webhook, () => {});
export const made = [testing.sampleEvent("share.created"), cloudflare.DedupObject, redis.RedisStore];
// @ts-expect-error: there is no such entry
import other = require("clarife-webhooks/other");
