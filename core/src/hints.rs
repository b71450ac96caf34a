//! How to keep a request's body raw, framework by framework.

/// What an adapter says with [`ErrorCode::BodyNotRaw`](crate::ErrorCode::BodyNotRaw) in place of the hint for all: how the body
/// stays raw in that very framework. Names are those of the adapters.
///
/// ```
/// use clarife_webhooks::RAW_BODY_HINTS;
/// assert!(RAW_BODY_HINTS.iter().any(|(framework, hint)| *framework == "express" && hint.contains("express.json()")));
/// ```
pub const RAW_BODY_HINTS: [(&str, &str); 12] = [
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
    (
        "asgi",
        "let nothing call receive() before the receiver does, or have what does hand the body on with a receive of its own, \
         as Starlette's BaseHTTPMiddleware does after await request.body()",
    ),
    (
        "fastapi",
        "let no dependency, middleware or form parameter use up request.stream() first; await request.body() keeps the bytes",
    ),
    (
        "wsgi",
        "let no middleware read wsgi.input first, or have it put a stream with the same bytes in its place; for bodies without a \
         length, use a server that sets wsgi.input_terminated",
    ),
    (
        "flask",
        "what needs the body before the receiver has to read it with request.get_data() or request.get_json(), which keep it, \
         not with request.stream or request.form",
    ),
    (
        "django",
        "what needs the body before the receiver has to read it with request.body, which keeps it; in Django REST Framework, call \
         the receiver before anything reads request.data",
    ),
    (
        "aiohttp",
        "what needs the body before the receiver has to read it with await request.read() or request.json(), which keep it, not \
         with request.content or request.post()",
    ),
];
