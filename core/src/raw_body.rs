//! How to keep a request's body raw, framework by framework.

/// What an adapter says with [`ErrorCode::BodyNotRaw`](crate::ErrorCode::BodyNotRaw) in place of the hint for all: how the body
/// stays raw in that very framework. Names are those of the adapters.
///
/// ```
/// use clarife_webhooks::RAW_BODY_HINTS;
/// assert!(RAW_BODY_HINTS.iter().any(|(framework, hint)| *framework == "express" && hint.contains("express.json()")));
/// ```
pub const RAW_BODY_HINTS: [(&str, &str); 6] = [
    (
        "node",
        "call the receiver before anything else reads the request, or have what reads it keep the bytes in request.rawBody",
    ),
    (
        "express",
        "put the receiver's route before app.use(express.json()), or give its route express.raw({ type: \"*/*\" })",
    ),
    ("fastify", "let nothing read the request before the receiver's plugin: no hook may use up its payload"),
    (
        "koa",
        "put the receiver before the body parser, or use a parser that keeps the text in ctx.request.rawBody, as \
         @koa/bodyparser does",
    ),
    ("nestjs", "make the application with NestFactory.create(AppModule, { rawBody: true })"),
    (
        "lambda",
        "give the receiver the event as Lambda got it, from API Gateway with proxy integration, a function URL or a load balancer",
    ),
];
