"""The program of `alone.py` with Flask."""

from alone import handlers, store, titles, verify, webhook
from clarife_webhooks.flask import receiver
from flask import Flask


def main() -> None:
    request = verify()
    app = Flask("program")
    app.add_url_rule("/webhooks/clarife", view_func=receiver(webhook, handlers, dedup=store))
    reply = app.test_client().post("/webhooks/clarife", data=request.body, headers=request.headers)
    assert (reply.status_code, titles) == (200, ["Start"])
    print("verified")


if __name__ == "__main__":
    main()
