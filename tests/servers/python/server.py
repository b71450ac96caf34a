"""A webhook receiver with Starlette; run by uvicorn."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clarife_webhooks import Webhook, WebhookError

webhook = Webhook(os.environ["CLARIFE_WEBHOOK_SECRET"])


async def receive(request: Request) -> JSONResponse:
    try:
        event = webhook.verify(await request.body(), request.headers)
    except WebhookError as error:
        print(f"refused: {error.message}; {error.hint}")
        return JSONResponse({"code": error.code, "error": error.message}, status_code=400)
    if event.type == "document.updated":
        print(event.type, event.data.get("title"))
    return JSONResponse({"id": event.id, "type": event.type})


app = Starlette(routes=[Route("/webhooks/clarife", receive, methods=["POST"])])
