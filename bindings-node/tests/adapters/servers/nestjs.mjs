// Nest's decorators as TypeScript compiles them.
import "reflect-metadata";
import { All, Controller, Get, Module, Req, Res } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import process from "node:process";
import { receiver } from "clarife-webhooks/nestjs";
import { handlers, PARSED, ran, ready, routes, webhook } from "./app.mjs";

class WebhookController {
  ran() {
    return ran;
  }
}
const method = (name) => Object.getOwnPropertyDescriptor(WebhookController.prototype, name);
Get("ran")(WebhookController.prototype, "ran", method("ran"));
for (const [path, options] of Object.entries({ ...routes, [PARSED]: undefined })) {
  const receive = receiver(webhook, handlers, options);
  WebhookController.prototype[path] = (request, response) => receive(request, response);
  All(path)(WebhookController.prototype, path, method(path));
  Req()(WebhookController.prototype, path, 0);
  Res()(WebhookController.prototype, path, 1);
}
Controller()(WebhookController);

class AppModule {}
Module({ controllers: [WebhookController] })(AppModule);

// Without the option, the raw body is lost: the most frequent mistake.
const [platform, rawBody] = [process.argv[2], process.argv[3] !== "forgotten"];
const limit = 10 * 1024 * 1024;
const options = { logger: false, rawBody };
let app;
if (platform === "fastify") {
  const { FastifyAdapter } = await import("@nestjs/platform-fastify");
  app = await NestFactory.create(AppModule, new FastifyAdapter({ bodyLimit: limit }), options);
} else {
  app = await NestFactory.create(AppModule, options);
  app.useBodyParser("json", { limit });
}
await app.listen(0, "127.0.0.1");
ready(app.getHttpServer().address().port);
