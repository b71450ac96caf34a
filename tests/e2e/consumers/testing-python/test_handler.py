"""Tests of a handler with pytest. The installed package provides the fixture `clarife_webhooks`."""

import pytest
from flask import Flask
from handler import handle, make_app

from clarife_webhooks.testing import Deliveries, SignedRequest, signed_request, test_event


def deliver(app: Flask, request: SignedRequest) -> tuple[int, str]:
    response = app.test_client().post("/webhooks/clarife", data=request.body, headers=request.headers)
    return response.status_code, response.get_json()["code"]


def test_the_handler_alone_indexes_a_changed_document() -> None:
    titles: list[str] = []
    handle(test_event("document.updated", data={"title": "Start"}), titles.append)
    assert titles == ["Start"]


def test_a_changed_document_is_indexed_once_however_often_it_is_delivered(clarife_webhooks: Deliveries) -> None:
    titles: list[str] = []
    app = make_app(clarife_webhooks.webhook, titles.append)
    request = clarife_webhooks.signed_request("document.updated", data={"title": "Start"})
    assert deliver(app, request) == (200, "handled")
    assert deliver(app, request) == (200, "duplicate")
    assert titles == ["Start"]


def test_a_delivery_that_was_signed_with_another_secret_is_refused(clarife_webhooks: Deliveries) -> None:
    app = make_app(clarife_webhooks.webhook, pytest.fail)
    request = signed_request(clarife_webhooks.sample_event("document.updated"), "whsec_YW5vdGhlciBvbmU=")
    assert deliver(app, request) == (400, "signature_mismatch")


def test_a_delivery_that_was_signed_long_ago_is_refused(clarife_webhooks: Deliveries) -> None:
    app = make_app(clarife_webhooks.webhook, pytest.fail)
    request = clarife_webhooks.signed_request("document.updated")
    clarife_webhooks.clock.advance(301)
    assert deliver(app, request) == (400, "timestamp_too_old")


def test_when_the_index_is_down_clarife_is_told_to_try_again_and_the_retry_is_handled(clarife_webhooks: Deliveries) -> None:
    titles: list[str] = []
    is_down = True

    def index(title: str) -> None:
        if is_down:
            raise ConnectionError("the index is down")
        titles.append(title)

    app = make_app(clarife_webhooks.webhook, index)
    request = clarife_webhooks.signed_request("document.updated", data={"title": "Start"})
    assert deliver(app, request) == (500, "handler_failed")
    is_down = False
    assert deliver(app, request) == (200, "handled")
    assert titles == ["Start"]
