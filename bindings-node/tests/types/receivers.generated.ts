// Generated from the core by `cargo xtask codegen`: do not edit.
import * as main from "clarife-webhooks";
import * as express from "clarife-webhooks/express";
import * as fastify from "clarife-webhooks/fastify";
import * as koa from "clarife-webhooks/koa";
import * as nestjs from "clarife-webhooks/nestjs";
import * as node from "clarife-webhooks/node";
import * as lambda from "clarife-webhooks/lambda";

const webhook = new main.Webhook("whsec_a");
for (const { receiver } of [express, fastify, koa, nestjs, node, lambda]) receiver(webhook, (event) => event.data);
