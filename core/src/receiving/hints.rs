//! Hints for keeping a request's body raw, by framework.

/// The hints of [`ErrorCode::BodyNotRaw`](crate::ErrorCode::BodyNotRaw) where the framework is known, by the adapter's name.
///
/// ```
/// use clarife_webhooks::RAW_BODY_HINTS;
/// assert!(RAW_BODY_HINTS.iter().any(|(framework, hint)| *framework == "express" && hint.contains("express.json()")));
/// ```
pub const RAW_BODY_HINTS: [(&str, &str); 12] = [
    (
        "node",
        "call the receiver before any other code reads the request, or make that code keep the bytes in request.rawBody",
    ),
    (
        "express",
        "put the receiver's route before app.use(express.json()), or give its route express.raw({ type: \"*/*\" })",
    ),
    ("fastify", "do not read the request before the receiver's plugin: no hook may consume its payload"),
    (
        "koa",
        "put the receiver before the body parser, or use a parser that keeps the text in ctx.request.rawBody, as \
         @koa/bodyparser does",
    ),
    ("nestjs", "create the application with NestFactory.create(AppModule, { rawBody: true })"),
    (
        "lambda",
        "pass the receiver the event unchanged, from API Gateway with proxy integration, a function URL or a load balancer",
    ),
    (
        "asgi",
        "do not call receive() before the receiver, or pass the body on with a receive of your own, as Starlette's \
         BaseHTTPMiddleware does after await request.body()",
    ),
    (
        "fastapi",
        "do not consume request.stream() in a dependency, middleware or form parameter; await request.body() keeps the bytes",
    ),
    (
        "wsgi",
        "do not read wsgi.input in a middleware, or replace it by a stream of the same bytes; for bodies without a length, use a \
         server that sets wsgi.input_terminated",
    ),
    (
        "flask",
        "before the receiver, read the body only with request.get_data() or request.get_json(), which keep it, not with \
         request.stream or request.form",
    ),
    (
        "django",
        "before the receiver, read the body only with request.body, which keeps it; in Django REST Framework, call the receiver \
         before request.data is read",
    ),
    (
        "aiohttp",
        "before the receiver, read the body only with await request.read() or request.json(), which keep it, not with \
         request.content or request.post()",
    ),
];
