// Generated from the core by `cargo xtask codegen`: do not edit.

/** The hint of `body_not_raw` for this framework. */
export const EXPRESS_HINT =
  "put the receiver's route before app.use(express.json()); if the parser must come first, let it keep the bytes: express.json({ verify: (request, response, bytes) => { request.rawBody = bytes } })";

/** The hint of `body_not_raw` for this framework. */
export const FASTIFY_HINT =
  "do not read the request before the receiver's plugin: no hook may consume its payload";

/** The hint of `body_not_raw` for this framework. */
export const KOA_HINT =
  "put the receiver before the body parser, or use a parser that keeps the text in ctx.request.rawBody, such as @koa/bodyparser";

/** The hint of `body_not_raw` for this framework. */
export const NESTJS_HINT =
  "create the application with NestFactory.create(AppModule, { rawBody: true })";

/** The hint of `body_not_raw` for this framework. */
export const NODE_HINT =
  "call the receiver before any other code reads the request, or make that code keep the bytes in request.rawBody; in the pages router of Next.js, export const config = { api: { bodyParser: false } }";

/** The hint of `body_not_raw` for this framework. */
export const LAMBDA_HINT =
  "pass the receiver the event unchanged, from API Gateway with proxy integration, a function URL or a load balancer";

/** The prefix of an event's id in the keys of a shared store. */
export const KEY_PREFIX = "clarife-webhooks:";

/** The value of a handled event in a shared store. */
export const DONE = "done";

/** The Redis script that releases a claim. */
export const RELEASE_SCRIPT =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
