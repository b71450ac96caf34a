"""A webhook receiver with FastAPI."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from clarife_webhooks import MemoryStore, Webhook, WebhookEvent
from clarife_webhooks.fastapi import verified_event

webhook = Webhook(os.environ.get("CLARIFE_WEBHOOK_SECRET"), max_event_age=900)
clarife_event = verified_event(webhook, dedup=MemoryStore())

app = FastAPI()


@app.post("/webhooks/clarife")
async def receive(event: Annotated[WebhookEvent, Depends(clarife_event, scope="function")]) -> None:
    if event.type == "document.updated":
        print(event.type, event.data.get("title"))
