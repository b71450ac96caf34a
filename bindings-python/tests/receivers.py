"""A receiver in each framework, run by a real server:

    python receivers.py <name> <file descriptor of a listening socket>

Each receiver has three paths. /hook receives. At /parsed, a middleware reads the body first and loses it. At /kept, a
middleware reads it with the framework's own method, which keeps it. Environment variables: DEDUP (`memory`, `redis` or
empty), CLAIM_TTL in seconds, MAX_BODY in bytes, and RUNS, the file to which the handler appends event ids.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

from clarife_webhooks import Dedup, Handlers, MemoryStore, Webhook, WebhookEvent

SECRET = "whsec_c2VjcmV0LWZvci1yZWFsLXNlcnZlcnM="
MAX_BODY = int(os.environ.get("MAX_BODY", "4096"))
WEBHOOK = Webhook(SECRET)
RUNS = os.environ.get("RUNS", os.devnull)


def record(event: Any) -> dict[str, Any]:
    """Appends the event id to RUNS and returns the data, which tells the handler what to do."""
    before = open(RUNS).read().split()
    with open(RUNS, "a") as file:
        file.write(event.id + "\n")
    data: dict[str, Any] = event.data
    if data.get("fails") == "always" or (data.get("fails") == "first" and event.id not in before):
        raise LookupError("requested by the test")
    if data.get("crashes") and event.id not in before:
        os._exit(1)
    return data


def handle(event: Any) -> str:
    time.sleep(record(event).get("takes", 0))
    return "ignored"


async def handle_async(event: Any) -> str:
    await asyncio.sleep(record(event).get("takes", 0))
    return "ignored"


def handlers(function: Callable[[Any], object]) -> Handlers:
    chosen = Handlers()
    chosen.on("document.*")(function)

    @chosen.otherwise
    def otherwise(event: WebhookEvent) -> None:
        raise AssertionError("the tests send only documents")

    return chosen


def options(asynchronous: bool) -> dict[str, Any]:
    dedup: Any = None
    if os.environ.get("DEDUP") == "memory":
        dedup = MemoryStore()
    elif os.environ.get("DEDUP") == "redis":
        import redis
        import redis.asyncio

        from clarife_webhooks.redis import AsyncRedisStore, RedisStore

        url = os.environ["REDIS_URL"]
        if asynchronous:
            dedup = AsyncRedisStore(redis.asyncio.Redis.from_url(url, socket_timeout=5))
        else:
            dedup = RedisStore(redis.Redis.from_url(url, socket_timeout=5))
    if dedup is not None:
        dedup = Dedup(dedup, claim_ttl=float(os.environ.get("CLAIM_TTL", "60")))
    return {"dedup": dedup, "max_body_bytes": MAX_BODY}


# --- ASGI ---


def asgi() -> Any:
    from clarife_webhooks.asgi import receiver

    app = receiver(WEBHOOK, handle_async, **options(True))

    async def site(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != "/parsed":
            return await app(scope, receive, send)
        while (await receive()).get("more_body"):
            pass

        async def nothing() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        await app(scope, nothing, send)

    return site


def starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.requests import Request
    from starlette.routing import Route

    from clarife_webhooks.asgi import receiver

    async def read_before(request: Request, call_next: Any) -> Any:
        if request.url.path == "/parsed":
            async for _ in request.stream():
                pass
        elif request.url.path == "/kept":
            await request.json()
        return await call_next(request)

    # This handler is not a coroutine function, so it runs in a thread.
    app = receiver(WEBHOOK, handlers(handle), **options(True))
    routes = [Route(path, app) for path in ("/hook", "/parsed", "/kept")]
    return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=read_before)])


def fastapi() -> Any:
    from fastapi import Body, Depends, FastAPI, Request

    from clarife_webhooks.fastapi import verified_event

    app = FastAPI()
    clarife_event = verified_event(WEBHOOK, **options(True))

    async def read_before(request: Request) -> None:
        async for _ in request.stream():
            pass

    @app.post("/hook")
    async def hook(event: Annotated[Any, Depends(clarife_event, scope="function")]) -> dict[str, str]:
        return {"code": await handle_async(event) and "handled"}

    @app.post("/parsed")
    async def parsed(_: Annotated[None, Depends(read_before)], event: Annotated[Any, Depends(clarife_event, scope="function")]) -> None: ...

    @app.post("/kept")
    def kept(parsed: Annotated[dict[str, Any], Body()], event: Annotated[Any, Depends(clarife_event, scope="function")]) -> dict[str, str]:
        assert parsed["id"] == event.id
        return {"code": handle(event) and "handled"}

    return app


# --- WSGI ---


def wsgi() -> Any:
    from clarife_webhooks.wsgi import receiver

    app = receiver(WEBHOOK, handle, **options(False))

    def site(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/parsed":
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        return app(environ, start_response)

    return site


def flask() -> Any:
    from flask import Flask, request

    from clarife_webhooks.flask import receiver

    app = Flask(__name__)
    view = receiver(WEBHOOK, handlers(handle), **options(False))
    for name in ("hook", "parsed", "kept"):
        app.add_url_rule(f"/{name}", name, view)

    @app.before_request
    def read_before() -> None:
        if request.path == "/parsed":
            request.stream.read()
        elif request.path == "/kept":
            request.get_json()

    return app


# --- Django ---


def django_settings(**settings: Any) -> None:
    import types

    import django
    from django.conf import settings as django_conf

    sys.modules["receiver_urls"] = types.ModuleType("receiver_urls")
    django_conf.configure(
        ROOT_URLCONF="receiver_urls",
        SECRET_KEY="for the tests",
        ALLOWED_HOSTS=["*"],
        APPEND_SLASH=False,
        DATA_UPLOAD_MAX_MEMORY_SIZE=1024,  # below the limit of the view, which applies instead
        **{"MIDDLEWARE": ["django.middleware.csrf.CsrfViewMiddleware", "receivers.django_read_before"], **settings},
    )
    django.setup()


def django_read_before(get_response: Any) -> Any:
    def before(request: Any) -> None:
        if request.path == "/parsed":
            json.load(request)
        elif request.path == "/kept":
            json.loads(request.body)

    if asyncio.iscoroutinefunction(get_response):

        async def middleware_async(request: Any) -> Any:
            before(request)
            return await get_response(request)

        return middleware_async

    def middleware(request: Any) -> Any:
        before(request)
        return get_response(request)

    return middleware


django_read_before.async_capable = True  # type: ignore[attr-defined]


def django_urls(view: Any) -> None:
    from django.urls import path

    setattr(sys.modules["receiver_urls"], "urlpatterns", [path(name, view) for name in ("hook", "parsed", "kept")])


def django_wsgi() -> Any:
    django_settings()
    from django.core.wsgi import get_wsgi_application

    from clarife_webhooks.django import receiver

    django_urls(receiver(WEBHOOK, handlers(handle), **options(False)))
    return get_wsgi_application()


def django_asgi() -> Any:
    django_settings()
    from django.core.asgi import get_asgi_application

    from clarife_webhooks.django import async_receiver

    django_urls(async_receiver(WEBHOOK, handlers(handle_async), **options(True)))
    return get_asgi_application()


def drf() -> Any:
    django_settings(MIDDLEWARE=[], INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"])
    from django.core.wsgi import get_wsgi_application
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from clarife_webhooks.django import receiver

    receive = receiver(WEBHOOK, handlers(handle), **options(False))

    class Hook(APIView):  # type: ignore[misc]
        authentication_classes: list[Any] = []
        permission_classes: list[Any] = []

        def post(self, request: Request) -> Response:
            if request.path == "/parsed":
                request.stream.read()
            elif request.path == "/kept":
                assert request.data["id"]
            return receive(request)

    django_urls(Hook.as_view())
    return get_wsgi_application()


def django_atomic(asynchronous: bool) -> Any:
    """Creates an application with a database and `ATOMIC_REQUESTS`."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": "events.sqlite3", "ATOMIC_REQUESTS": True}
    django_settings(MIDDLEWARE=[], DATABASES={"default": database})
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application
    from django.db import connection

    from clarife_webhooks.django import async_receiver, receiver

    def write(event: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO events VALUES (%s)", [event.id])
            if event.data.get("orphan"):  # a violation that the database finds at commit
                cursor.execute("INSERT INTO details VALUES (%s)", ["no such event"])
        handle(event)

    view: Any = (async_receiver if asynchronous else receiver)(WEBHOOK, write, **options(asynchronous))
    django_urls(view)
    return get_asgi_application() if asynchronous else get_wsgi_application()


# --- aiohttp ---


def aiohttp() -> Any:
    from aiohttp import web

    from clarife_webhooks.aiohttp import receiver

    @web.middleware
    async def read_before(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path == "/parsed":
            await request.content.read()
        elif request.path == "/kept":
            await request.json()
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(middlewares=[read_before], client_max_size=1024)
    app.router.add_route("*", "/{path:.*}", receiver(WEBHOOK, handlers(handle_async), **options(True)))
    return app


# --- servers ---


def uvicorn(app: Any, listener: socket.socket) -> None:
    from uvicorn import Config, Server

    Server(Config(app, log_level="warning")).run(sockets=[listener])


def gunicorn(app: Any, listener: socket.socket) -> None:
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            settings = {"bind": f"fd://{listener.fileno()}", "worker_class": "gthread", "threads": 40, "loglevel": "warning"}
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    Application().run()


def werkzeug(app: Any, listener: socket.socket) -> None:
    from werkzeug.serving import make_server

    make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()


def aiohttp_server(app: Any, listener: socket.socket) -> None:
    from aiohttp import web

    web.run_app(app, sock=listener, print=None)


RECEIVERS: dict[str, tuple[Callable[[], Any], Callable[[Any, socket.socket], None]]] = {
    "asgi": (asgi, uvicorn),
    "starlette": (starlette, uvicorn),
    "fastapi": (fastapi, uvicorn),
    "wsgi": (wsgi, gunicorn),
    "wsgi-werkzeug": (wsgi, werkzeug),
    "flask": (flask, gunicorn),
    "django": (django_wsgi, gunicorn),
    "django-async": (django_asgi, uvicorn),
    "drf": (drf, gunicorn),
    "aiohttp": (aiohttp, aiohttp_server),
}

OTHERS: dict[str, tuple[Callable[[], Any], Callable[[Any, socket.socket], None]]] = {
    "django-atomic": (lambda: django_atomic(False), gunicorn),
    "django-atomic-async": (lambda: django_atomic(True), uvicorn),
}

if __name__ == "__main__":
    sys.modules["receivers"] = sys.modules["__main__"]
    make, serve = {**RECEIVERS, **OTHERS}[sys.argv[1]]
    serve(make(), socket.socket(fileno=int(sys.argv[2])))
