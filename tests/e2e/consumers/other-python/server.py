"""A webhook receiver without an adapter: `receive` takes the raw body and the headers, and returns the response."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from clarife_webhooks import DEFAULT_MAX_BODY_BYTES, MemoryStore, Webhook, WebhookEvent, receive

webhook = Webhook(os.environ.get("CLARIFE_WEBHOOK_SECRET"), max_event_age=900)
dedup = MemoryStore()


def handle(event: WebhookEvent) -> None:
    if event.type == "document.updated":
        print(event.type, event.data.get("title"))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(min(length, DEFAULT_MAX_BODY_BYTES))  # a longer body is cut, and rejected
        response = receive(webhook, body, self.headers, handle, dedup=dedup)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Receiver).serve_forever()
