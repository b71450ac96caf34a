// Generated from the core by `cargo xtask codegen`: do not edit.

/** How the body stays raw there. */
export const NODE_HINT =
  "call the receiver before any other code reads the request, or make that code keep the bytes in request.rawBody";

/** How the body stays raw there. */
export const EXPRESS_HINT =
  "put the receiver's route before app.use(express.json()), or give its route express.raw({ type: \"*/*\" })";

/** How the body stays raw there. */
export const FASTIFY_HINT =
  "do not read the request before the receiver's plugin: no hook may consume its payload";

/** How the body stays raw there. */
export const KOA_HINT =
  "put the receiver before the body parser, or use a parser that keeps the text in ctx.request.rawBody, as @koa/bodyparser does";

/** How the body stays raw there. */
export const NESTJS_HINT =
  "create the application with NestFactory.create(AppModule, { rawBody: true })";

/** How the body stays raw there. */
export const LAMBDA_HINT =
  "pass the receiver the event unchanged, from API Gateway with proxy integration, a function URL or a load balancer";

/** What stands before an event's id in the keys of a shared store. */
export const KEY_PREFIX = "clarife-webhooks:";

/** What a shared store holds for an event that was handled. */
export const DONE = "done";

/** Redis's script that releases a claim. */
export const RELEASE_SCRIPT =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
