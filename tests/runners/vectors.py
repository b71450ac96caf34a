#!/usr/bin/env python3
"""Walks the vector files with the installed package: python vectors.py <folder of the vector files>"""

import asyncio
import io
import json
import logging
import pathlib
import platform
import sys
from datetime import datetime, timedelta, timezone

import clarife_webhooks
import clarife_webhooks.asgi
import clarife_webhooks.redis
import clarife_webhooks.wsgi
from clarife_webhooks import Claim, Dedup, Webhook, WebhookError, is_known_event_type

from containers import containers

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Failed(Exception):
    """A case with an unexpected result."""


class Skipped(Exception):
    """A case that does not apply to Python. It is not counted."""


def same(what, got, expected):
    if type(got) is not type(expected) or got != expected:
        raise Failed(f"{what}: {got!r:.200} instead of {expected!r:.200}")


# --- the contents of a file ---


def bytes_of(body):
    if "hex" in body:
        return bytes.fromhex(body["hex"])
    return text_of(body).encode()


def text_of(body):
    if "text" in body:
        return body["text"]
    return None if "hex" in body else body["prefix"] + body["unit"] * body["count"] + body["suffix"]


def body_forms(body):
    """Yields a body in every form, with a function that overwrites it. The event must not change."""
    raw = bytes_of(body)
    yield raw, lambda: None
    changing = bytearray(raw)
    yield changing, lambda: changing.__setitem__(slice(None), b" " * len(raw))
    larger = bytearray(b"{" * 8 + raw + b"}" * 16)
    view = memoryview(larger)[8 : 8 + len(raw)]
    yield view, lambda: larger.__setitem__(slice(None), b" " * len(larger))
    yield memoryview(raw), lambda: None
    if (text := text_of(body)) is not None:
        yield text, lambda: None


def moments(seconds):
    """Yields a time in every form that can represent it."""
    yield seconds
    if float(seconds) == seconds:
        yield float(seconds)
    try:
        moment = EPOCH + timedelta(seconds=seconds)
        yield moment
        yield moment.astimezone(timezone(timedelta(hours=5, minutes=45)))
    except OverflowError:
        pass


def options(fields):
    names = {"tolerance": "tolerance", "maxEventAge": "max_event_age"}
    return {option: fields[name] for name, option in names.items() if name in fields}


def opened(fields):
    return Webhook(fields["secrets"], **options(fields))


# --- the expected results ---


def check_error(error, test, secrets):
    code = test["error"]
    if error is None:
        raise Failed(f"accepted instead of {code}")
    if not isinstance(error, WebhookError):
        raise error
    same("code", error.code, code)
    message = error.message
    same("str()", str(error), message)
    if not isinstance(error.hint, str) or not error.hint:
        raise Failed("no hint")
    if not message[:1].islower() or message.endswith(".") or "\n" in message or "evt_" in message:
        raise Failed(f"the message is not written as agreed: {message}")
    for secret in secrets:
        if len(secret.strip()) > 4 and secret.strip() in f"{message} {error.hint} {error!r}":
            raise Failed("the error shows the secret")
    if code == "malformed_payload":
        _, found, place = message.rpartition(" at ")
        if not found:
            raise Failed(f"no place: {message}")
        if "where" in test:
            same("place", place, test["where"])


def check_event(event, test):
    expected = test["event"]
    same("id", event.id, expected["id"])
    same("type", event.type, expected["type"])
    same("known", is_known_event_type(event.type), expected["known"])
    same("raw", event.raw, bytes_of(test["body"]))
    seconds, nanos = expected["createdAt"]["seconds"], expected["createdAt"]["nanos"]
    try:
        moment = EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:  # a datetime has only the years 1 to 9999
        moment = (datetime.min if seconds < 0 else datetime.max).replace(tzinfo=timezone.utc)
    same("created_at", event.created_at, moment)
    same("its offset", event.created_at.utcoffset(), timedelta(0))
    text = expected["data"] if "data" in expected else json.dumps(json.loads(event.raw)["data"])
    try:
        data = json.loads(text)
    except ValueError:
        # Python's own parser rejects integers of more than 4,300 digits. Reading them must not fail.
        same("names in data", sorted(event.data), sorted(json.loads(text, parse_int=str)))
        return
    # `repr` tells 1 from 1.0 and from True.
    same("data", repr(event.data), repr(data))
    if event.data is not event.data:
        raise Failed("data is parsed again on each access")


def attempt(action):
    try:
        return action(), None
    except Exception as error:
        return None, error


def check_verdict(group, test, event, error, spoil=lambda: None):
    if "error" in test:
        return check_error(error, test, group["webhook"]["secrets"])
    if error is not None:
        raise error
    spoil()
    check_event(event, test)


# --- one function for each kind of file ---


def construct(group, test):
    secrets = test["secrets"]
    forms = [secrets, tuple(secrets)] + (secrets if len(secrets) == 1 else [])
    for form in forms:
        webhook, error = attempt(lambda: Webhook(form, **options(test)))
        if "error" in test:
            check_error(error, test, secrets)
            continue
        if error is not None:
            raise error
        same("signature", webhook.sign(bytes_of(group["body"]), timestamp=group["timestamp"]), test["signature"])
        if any(len(secret) > 4 and secret in f"{webhook!r} {webhook}" for secret in secrets):
            raise Failed("repr shows the secret")


def verify(group, test):
    webhook = opened(group["webhook"])
    signature = test["signature"]

    def check(body, spoil, signature, now):
        event, error = attempt(lambda: webhook.verify(body, signature, now=now))
        check_verdict(group, test, event, error, spoil)

    for body, spoil in body_forms(test["body"]):
        check(body, spoil, signature, test["now"])
    raw = bytes_of(test["body"])
    for now in moments(test["now"]):
        check(raw, lambda: None, signature, now)
    if signature is not None:
        check(raw, lambda: None, signature.encode(), test["now"])


def headers(group, test):
    webhook = opened(group["webhook"])
    for name, container in containers(test["headers"]):
        event, error = attempt(lambda: webhook.verify(test["body"]["text"], container, now=test["now"]))
        try:
            check_verdict(group, test, event, error)
        except Exception as failure:
            raise Failed(f"in {name}: {type(failure).__name__}: {failure}") from failure


def sign(_group, test):
    webhook = Webhook(test["secrets"])
    for body, _ in body_forms(test["body"]):
        for timestamp in moments(test["timestamp"]):
            header, error = attempt(lambda: webhook.sign(body, timestamp=timestamp))
            if "error" not in test:
                if error is not None:
                    raise error
                same("header", header, test["header"])
            elif type(error) is not TypeError:
                raise Failed(f"{error or header!r} instead of a TypeError")


def canonical(_group, test):
    """Signs and verifies a body with the canonical form. The body must not change."""
    if "error" in test:
        raise Skipped
    value = test["canonical"]
    body = f'{{"id":"evt_1","type":"document.updated","created_at":"2024-03-28T08:00:00Z","data":{{"value":{value}}}}}'
    webhook = Webhook("whsec_canonical")
    event = webhook.verify(body, webhook.sign(body.encode(), timestamp=1711612800), now=1711612800)
    same("raw", event.raw, body.encode())
    same("data", repr(event.data["value"]), repr(json.loads(value)))


def hmac(_group, test):
    """Verifies a tag with `verify`, if the key is a valid secret. The error code tells a right tag from a wrong one."""
    try:
        webhook = Webhook(bytes.fromhex(test["key"]).decode())
    except (UnicodeDecodeError, WebhookError):
        raise Skipped from None
    _, error = attempt(lambda: webhook.verify(bytes.fromhex(test["msg"]), f"t=0,v1={test['tag']}", now=0))
    # None of these messages is an event.
    matching = "malformed_payload" if test["result"] == "valid" else "signature_mismatch"
    same("code", error.code, matching if len(test["tag"]) == 64 else "malformed_signature")


def standard(group, test):
    {"verify": verify_standard, "sign": sign_standard, "construct": construct_standard}[group["operation"]](group, test)


def verify_standard(group, test):
    webhook = Webhook(group["webhook"]["secrets"], standard_webhooks=True, **options(group["webhook"]))
    pairs = test["headers"]
    for body, spoil in body_forms(test["body"]):
        event, error = attempt(lambda: webhook.verify(body, pairs, now=test["now"]))
        check_verdict(group, test, event, error, spoil)
    raw = bytes_of(test["body"])
    for now in moments(test["now"]):
        event, error = attempt(lambda: webhook.verify(raw, pairs, now=now))
        check_verdict(group, test, event, error)
    repeated = len({name.lower() for name, _ in pairs}) < len(pairs)
    for name, container in containers(pairs):
        # A single value has no three headers. WSGI joins values without the space that the case tests.
        if name.startswith("the value") or (repeated and "WSGI" in name):
            continue
        event, error = attempt(lambda: webhook.verify(raw, container, now=test["now"]))
        try:
            check_verdict(group, test, event, error)
        except Exception as failure:
            raise Failed(f"in {name}: {type(failure).__name__}: {failure}") from failure


def sign_standard(_group, test):
    webhook = Webhook(test["secrets"])
    for body, _ in body_forms(test["body"]):
        for timestamp in moments(test["timestamp"]):
            signed, error = attempt(lambda: webhook.sign_standard(body, id=test["id"], timestamp=timestamp))
            if "error" not in test:
                if error is not None:
                    raise error
                values = (test["id"], str(test["timestamp"]), test["signature"])
                same("headers", signed, dict(zip(clarife_webhooks.STANDARD_HEADERS, values)))
            elif test["error"] == "invalid_secret":
                check_error(error, test, test["secrets"])
            elif type(error) is not TypeError:
                raise Failed(f"{error or signed!r} instead of a TypeError")


def construct_standard(_group, test):
    Webhook(test["secrets"])  # for X-Clarife-Signature, the secret is valid
    webhook, error = attempt(lambda: Webhook(test["secrets"], standard_webhooks=True))
    if "error" in test:
        check_error(error, test, [secret for secret in test["secrets"] if secret != "whsec_"])  # the hint contains it
    elif error is not None:
        raise error


def dedup(group, test):
    """Calls the store of users, with a clock that the file moves."""
    start = now = 1711612800000
    store, tokens = clarife_webhooks.MemoryStore(group["capacity"], clock=lambda: now / 1000), {}

    def outcome(action):
        done, error = attempt(action)
        if error is not None and type(error) is not RuntimeError:
            raise error
        return done if error is None else "full"

    for step in test["steps"]:
        id = step["id"] if isinstance(step["id"], str) else text_of(step["id"])
        now = start + step.get("at", 0)
        ttl = step.get("ttl", 0) / 1000
        if step["step"] == "claim":
            claim = outcome(lambda: store.claim(id, ttl))
            if claim != "full" and claim.state == "new":
                tokens[step.get("token")] = claim.token
            same("claim", claim if claim == "full" else claim.state, step["expect"])
        elif step["step"] == "complete":
            same("complete", outcome(lambda: store.complete(id, "", ttl)) or "ok", step["expect"])
        elif step["step"] == "release":
            store.release(id, tokens[step["token"]])
        else:
            same("key", clarife_webhooks.redis.key(id), f"clarife-webhooks:{step['key']}")


LONGEST = 60
"""The time limit of a walk, in seconds."""


class HandlerFailed(Exception):
    """The error of a handler that fails."""


class StoreFailed(Exception):
    """The error of a store that fails."""


class Delivery:
    """A walk of a case of `receive.json`: a store and a handler that record their calls and have the outcomes of the case."""

    def __init__(self, group, test, loop=None):
        self.group, self.test, self.loop = group, test, loop
        self.calls, self.problems, self.reports = [], [], []

    def record(self, step, outcome, **call):
        """Records a call and returns or raises its outcome."""
        self.calls.append({"call": step, **call})
        if outcome == "failed":
            raise HandlerFailed if step == "handle" else StoreFailed
        if outcome == "abandoned":
            raise asyncio.CancelledError
        if outcome is None:
            self.problems.append(f"{step} has no outcome")
        return outcome

    async def late(self):
        """Moves the clock to just before the time-out, past it, and past the end of the walk."""
        try:
            await self.loop.skip(self.group["storeTimeout"] - 0.1)
        except asyncio.CancelledError:
            self.problems.append(f"a time-out of less than {self.group['storeTimeout']} s")
            raise
        await self.loop.skip(0.2)
        await self.loop.skip(LONGEST)

    def check_arguments(self, id, token="token"):
        if (id, token) != ("evt_1", "token"):
            self.problems.append(f"called with {id!r} and {token!r}")

    def claim(self, id, ttl):
        self.check_arguments(id)
        state = self.record("claim", self.test["store"].get("claim"), ttl=ttl)
        return Claim(state, "token") if state == "new" else Claim(state)

    def complete(self, id, token, ttl):
        self.check_arguments(id, token)
        return self.record("complete", self.test["store"].get("complete"), ttl=ttl) and None

    def release(self, id, token):
        self.check_arguments(id, token)
        return self.record("release", self.test["store"].get("release")) and None

    def handler(self, event):
        self.check_arguments(event.id)
        self.record("handle", self.test.get("handler"))

    async def async_handler(self, event):
        self.handler(event)

    def on_error(self, error, event):
        code = error.code if isinstance(error, WebhookError) else "handler_failed" if isinstance(error, HandlerFailed) else "store_unavailable"
        self.reports.append(code)
        if (event is None) != isinstance(error, WebhookError):
            self.problems.append(f"{code} reported with the event {event!r}")

    def options(self, reporting, store):
        chosen = {"on_error": self.on_error} if reporting else {}
        if self.group["dedup"] is not None:
            names = {"claimTtl": "claim_ttl", "doneTtl": "done_ttl"}
            chosen["dedup"] = Dedup(store, **{names[name]: ttl for name, ttl in self.group["dedup"].items()})
        if "maxBodyBytes" in self.group:
            chosen["max_body_bytes"] = self.group["maxBodyBytes"]
        return chosen

    def check(self, response, reporting, lines):
        if self.problems:
            raise Failed("; ".join(self.problems))
        same("calls", self.calls, self.test["calls"])
        same("reports", self.reports, self.test["reports"] if reporting else [])
        same("logged", [line.getMessage().split(":")[0] for line in lines], [] if reporting else self.test["logged"])
        same("response", response, self.test["response"])


class AsyncStore:
    """The store of a delivery, with coroutines that can be late."""

    def __init__(self, delivery):
        self.delivery = delivery

    async def claim(self, id, ttl):
        return await self.step("claim", id, ttl=ttl)

    async def complete(self, id, token, ttl):
        return await self.step("complete", id, token, ttl=ttl)

    async def release(self, id, token):
        return await self.step("release", id, token)

    async def step(self, name, *arguments, **ttl):
        if self.delivery.test["store"].get(name) == "late":
            self.delivery.check_arguments(*arguments)
            self.delivery.calls.append({"call": name, **ttl})
            await self.delivery.late()
        return getattr(self.delivery, name)(*arguments, **ttl)


class Loop(asyncio.SelectorEventLoop):
    """An event loop with a clock that the test moves."""

    ahead = 0.0

    def time(self):
        return super().time() + self.ahead

    async def skip(self, seconds):
        self.ahead += seconds
        for _ in range(10):  # run the timers that are due
            await asyncio.sleep(0)


def to_dict(response):
    content = json.loads(response.body)
    return {"status": response.status, "code": content["code"], "headers": response.headers, "body": response.body.decode()}


def with_receive(delivery, webhook, headers, body, method, options):
    return to_dict(clarife_webhooks.receive(webhook, body, headers, delivery.handler, **options))


async def with_receive_async(delivery, webhook, headers, body, method, options):
    return to_dict(await clarife_webhooks.receive_async(webhook, body, headers, delivery.async_handler, **options))


async def with_threads(delivery, webhook, headers, body, method, options):
    return to_dict(await clarife_webhooks.receive_async(webhook, body, headers, delivery.handler, **options))


def with_wsgi(delivery, webhook, headers, body, method, options):
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    environ |= {"REQUEST_METHOD": method, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    started = []
    receiver = clarife_webhooks.wsgi.receiver(webhook, delivery.handler, **options)
    content = b"".join(receiver(environ, lambda *head: started.append(head)))
    [(status, pairs)] = started
    return adapter_response(int(status.split()[0]), pairs, content)


async def with_asgi(delivery, webhook, headers, body, method, options):
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    sent = []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    receiver = clarife_webhooks.asgi.receiver(webhook, delivery.async_handler, **options)
    await receiver({"type": "http", "method": method, "headers": pairs}, receive, send)
    begin, end = sent
    return adapter_response(begin["status"], [(name.decode(), value.decode()) for name, value in begin["headers"]], end["body"])


def adapter_response(status, pairs, content):
    """Returns the response of an adapter, without the header that it adds."""
    headers = dict(pairs)
    same("content-length", headers.pop("content-length"), str(len(content)))
    return {"status": status, "code": json.loads(content)["code"], "headers": headers, "body": content.decode()}


RECEIVERS = [
    # entry, is an adapter with a request method, uses coroutines for the store and the handler
    (with_receive, False, False),
    (with_receive_async, False, True),
    (with_threads, False, False),
    (with_wsgi, True, False),
    (with_asgi, True, True),
]


def receive(group, test):
    walked = 0
    for entry, is_adapter, is_async in RECEIVERS:
        if not is_adapter and "method" in test:
            continue
        # Only coroutines can be late or cancelled.
        if not is_async and ("late" in test.get("store", {}).values() or test.get("handler") == "abandoned"):
            continue
        for reporting in (True, False):
            try:
                receive_once(entry, group, test, is_async, reporting)
            except Exception as failure:
                raise Failed(f"{entry.__name__}: {type(failure).__name__}: {failure}") from failure
        walked += 1
    if walked == 0:
        raise Skipped


def receive_once(entry, group, test, is_async, reporting):
    webhook = Webhook(group["webhook"]["secrets"], clock=lambda: test["now"], **options(group["webhook"]))
    headers = {} if test["signature"] is None else {"X-Clarife-Signature": test["signature"]}
    loop = Loop() if asyncio.iscoroutinefunction(entry) else None
    delivery = Delivery(group, test, loop)
    arguments = delivery, webhook, headers, bytes_of(test["body"]), test.get("method", "POST")
    lines = []
    handler = logging.Handler()
    handler.emit = lines.append
    log = logging.getLogger("clarife_webhooks")
    log.addHandler(handler)
    try:
        result = entry(*arguments, delivery.options(reporting, AsyncStore(delivery) if is_async else delivery))
        try:
            response = loop.run_until_complete(asyncio.wait_for(result, LONGEST)) if loop else result
            if not reporting and "Refused" in test["flags"]:
                again = entry(*arguments, delivery.options(reporting, AsyncStore(delivery) if is_async else delivery))
                loop.run_until_complete(again) if loop else again
        except asyncio.CancelledError:
            response = None
    finally:
        log.removeHandler(handler)
        if loop:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
    delivery.check(response, reporting, lines)


WALKERS = {
    "construct": construct,
    "verify": verify,
    "envelope": verify,
    "types": verify,
    "headers": headers,
    "sign": sign,
    "standard": standard,
    "dedup": dedup,
    "receive": receive,
    "canonical": canonical,
    "hmac_sha256": hmac,
}


def main(folder):
    passed, failed = {}, []
    for name, walk in WALKERS.items():
        file = json.loads((pathlib.Path(folder) / f"{name}.json").read_text(encoding="utf-8"))
        walked = passed[name] = 0
        for group in file["testGroups"]:
            for test in group["tests"]:
                walked += 1
                try:
                    walk(group, test)
                    passed[name] += 1
                except Skipped:
                    pass
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # a panic in Rust is not an Exception
                    got = f"{type(error).__name__}: {error}"
                    failed.append({"file": name, "tcId": test["tcId"], "comment": test["comment"], "got": got})
        if walked != file["numberOfTests"] or passed[name] == 0:
            got = f"{walked} walked, {passed[name]} passed, {file['numberOfTests']} in the file"
            failed.append({"file": name, "tcId": 0, "comment": "number of cases", "got": got})
    implementation = platform.python_implementation().lower()
    runtime = "python" if implementation == "cpython" else implementation
    print(json.dumps({"runtime": runtime, "version": platform.python_version(), "passed": passed, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    assert clarife_webhooks.ERROR_CODES
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "vectors"))
