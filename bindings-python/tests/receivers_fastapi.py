"""The receivers of FastAPI for receivers.py."""

from collections.abc import Iterator
from typing import Annotated, Any

from receivers import DEBUG, RUNS, WEBHOOK, handle, handle_async, handler, options, record


def fastapi() -> Any:
    from fastapi import Body, Depends, FastAPI, Request

    from clarife_webhooks.fastapi import verified_event

    app = FastAPI(debug=DEBUG)
    clarife_event = verified_event(WEBHOOK, **options(True))

    async def read_before(request: Request) -> None:
        async for _ in request.stream():
            pass

    async def hook(event: Annotated[Any, Depends(clarife_event, scope="function")]) -> dict[str, str]:
        return {"code": await handle_async(event) and "handled"}

    def hook_in_thread(event: Annotated[Any, Depends(clarife_event, scope="function")]) -> dict[str, str]:
        return {"code": handle(event) and "handled"}

    app.post("/hook")(hook_in_thread if handler("async") is handle else hook)

    @app.post("/parsed")
    async def parsed(_: Annotated[None, Depends(read_before)], event: Annotated[Any, Depends(clarife_event, scope="function")]) -> None: ...

    @app.post("/kept")
    def kept(parsed: Annotated[dict[str, Any], Body()], event: Annotated[Any, Depends(clarife_event, scope="function")]) -> dict[str, str]:
        assert parsed["id"] == event.id
        return {"code": handle(event) and "handled"}

    return app


def fastapi_responses() -> Any:
    """Creates an application whose path functions respond in many ways: by their paths, to the first delivery of an
    event with an error, and to others with 200. Each path exists with a coroutine function and without, with each scope,
    and in an included router."""
    from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
    from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
    from pydantic import BaseModel

    from clarife_webhooks.fastapi import verified_event

    class Teapot(Exception):
        pass

    class Model(BaseModel):
        id: str

    def first(event: Any) -> bool:
        return record(event) is not None and open(RUNS).read().split().count(event.id) == 1

    def broken() -> Iterator[str]:
        yield "a"
        raise LookupError("requested by the test")

    def json_response(event: Any, response: Response) -> Any:
        return JSONResponse({}, 500 if first(event) else 200)

    def plain_response(event: Any, response: Response) -> Any:
        return PlainTextResponse("busy", 503) if first(event) else PlainTextResponse("ok", 202)

    def redirect(event: Any, response: Response) -> Any:
        return RedirectResponse("/elsewhere") if first(event) else Response(status_code=204)

    def stream(event: Any, response: Response) -> Any:
        return StreamingResponse(iter(["busy"]), 429) if first(event) else StreamingResponse(iter(["a", "b"]))

    def broken_stream(event: Any, response: Response) -> Any:
        return StreamingResponse(broken()) if first(event) else StreamingResponse(iter(["a", "b"]))

    def injected(event: Any, response: Response) -> Any:
        response.status_code = 503 if first(event) else 200
        return {}

    def raised(event: Any, response: Response) -> Any:
        if first(event):
            raise LookupError("requested by the test")

    def http_exception(event: Any, response: Response) -> Any:
        if first(event):
            raise HTTPException(503)

    def handled_exception(event: Any, response: Response) -> Any:
        if first(event):
            raise Teapot

    def not_serializable(event: Any, response: Response) -> Any:
        return object() if first(event) else None

    functions = [
        json_response, plain_response, redirect, stream, broken_stream,
        injected, raised, http_exception, handled_exception, not_serializable,
    ]  # fmt: skip
    app, router = FastAPI(), APIRouter()
    clarife_event = verified_event(WEBHOOK, **options(True))

    @app.exception_handler(Teapot)
    async def teapot(request: Request, error: Teapot) -> Response:
        return Response(status_code=418)

    def add(owner: Any, path: str, function: Any, scope: Any) -> None:
        def in_thread(event: Annotated[Any, Depends(clarife_event, scope=scope)], response: Response) -> Any:
            return function(event, response)

        async def coroutine(event: Annotated[Any, Depends(clarife_event, scope=scope)], response: Response) -> Any:
            return function(event, response)

        owner.post(f"{path}/thread", response_model=None)(in_thread)
        owner.post(f"{path}/coroutine", response_model=None)(coroutine)

    for function in functions:
        add(app, f"/{function.__name__}/function", function, "function")
        add(app, f"/{function.__name__}/request", function, "request")
        add(router, f"/{function.__name__}", function, "function")
    app.include_router(router, prefix="/included")

    Event = Annotated[Any, Depends(clarife_event, scope="function")]

    async def other(event: Event, request: Request) -> bytes:
        return await request.body()

    @app.post("/read/body")
    async def read_body(event: Event, request: Request) -> None:
        assert await request.body() == event.raw and (await request.json())["id"] == event.id

    @app.post("/read/stream")
    async def read_stream(event: Event, request: Request) -> None:
        assert b"".join([chunk async for chunk in request.stream()]) == event.raw

    @app.post("/read/dependency")
    def read_dependency(event: Event, body: Annotated[bytes, Depends(other)]) -> None:
        assert body == event.raw

    @app.post("/read/model")
    async def read_model(event: Event, model: Model, request: Request) -> None:
        assert model.id == event.id and await request.body() == event.raw

    return app


def fastapi_models() -> Any:
    """Creates an application whose results and parameters are the package's types."""
    from fastapi import Depends, FastAPI
    from pydantic import BaseModel

    from clarife_webhooks import Document, DocumentEvent
    from clarife_webhooks.fastapi import verified_event

    class Change(BaseModel):
        document: Document
        event: DocumentEvent

    app = FastAPI()
    clarife_event = verified_event(WEBHOOK)
    Verified = Annotated[Any, Depends(clarife_event, scope="function")]

    @app.post("/event")
    async def event(event: Verified) -> DocumentEvent:
        return event  # type: ignore[no-any-return]

    @app.post("/resource")
    async def resource(event: Verified) -> Document:
        return event.data  # type: ignore[no-any-return]

    @app.post("/change", response_model=Change)
    def change(event: Verified) -> Any:
        return Change(document=event.data, event=event)

    @app.post("/posted")
    async def posted(document: Document) -> str | None:
        return document.get("title")

    return app


def fastapi_middleware() -> Any:
    """Creates the application of FastAPI behind a BaseHTTPMiddleware."""
    app = fastapi()

    async def pass_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app.middleware("http")(pass_on)
    return app
