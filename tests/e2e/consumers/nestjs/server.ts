// A webhook receiver with NestJS.
import "reflect-metadata";
import { All, Controller, Module, Req, Res } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { Handlers, MemoryStore, Webhook } from "clarife-webhooks";
import { receiver } from "clarife-webhooks/nestjs";
import type { Request, Response } from "express";

const webhook = new Webhook(process.env.CLARIFE_WEBHOOK_SECRET, { maxEventAge: 900 });

const handlers = new Handlers().on("document.updated", (event) => console.log(event.type, event.data.title));

@Controller("webhooks/clarife")
class WebhookController {
  readonly #receive = receiver(webhook, handlers, { dedup: new MemoryStore() });

  @All()
  receive(@Req() request: Request, @Res() response: Response) {
    return this.#receive(request, response);
  }
}

@Module({ controllers: [WebhookController] })
class AppModule {}

// Nest parses bodies before it calls a controller, and keeps the raw body only with rawBody.
const app = await NestFactory.create(AppModule, { rawBody: true, logger: ["error"] });
await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
