// Generated from the core by `cargo xtask codegen`: do not edit.
import main = require("clarife-webhooks");
import express = require("clarife-webhooks/express");
import fastify = require("clarife-webhooks/fastify");
import koa = require("clarife-webhooks/koa");
import nestjs = require("clarife-webhooks/nestjs");
import node = require("clarife-webhooks/node");
import lambda = require("clarife-webhooks/lambda");

const webhook = new main.Webhook("whsec_a");
for (const { receiver } of [express, fastify, koa, nestjs, node, lambda]) receiver(webhook, (event) => event.data);
