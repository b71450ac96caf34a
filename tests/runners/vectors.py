#!/usr/bin/env python3
"""Walks the vector files with the installed package:  python vectors.py <folder of the vector files>"""

import json
import pathlib
import platform
import sys
from datetime import datetime, timedelta, timezone

import clarife_webhooks
import clarife_webhooks.redis
from clarife_webhooks import Webhook, WebhookError, is_known_event_type

from containers import containers

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Failed(Exception):
    """A case did not come out as expected."""


class Skipped(Exception):
    """A case that Python has nothing to say about; it is not counted."""


def same(what, got, expected):
    if type(got) is not type(expected) or got != expected:
        raise Failed(f"{what}: {got!r:.200} instead of {expected!r:.200}")


# --- what a file holds ---


def bytes_of(body):
    if "hex" in body:
        return bytes.fromhex(body["hex"])
    return text_of(body).encode()


def text_of(body):
    if "text" in body:
        return body["text"]
    return None if "hex" in body else body["prefix"] + body["unit"] * body["count"] + body["suffix"]


def body_forms(body):
    """Every form in which a body can be given, and what overwrites it, which an event read from it must survive."""
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
    """A moment in every form that can hold it."""
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


# --- what must come out ---


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
    except OverflowError:  # a datetime holds the years 1 to 9999 only
        moment = (datetime.min if seconds < 0 else datetime.max).replace(tzinfo=timezone.utc)
    same("created_at", event.created_at, moment)
    same("its offset", event.created_at.utcoffset(), timedelta(0))
    text = expected["data"] if "data" in expected else json.dumps(json.loads(event.raw)["data"])
    try:
        data = json.loads(text)
    except ValueError:
        # Python's own parser refuses integers of more than 4,300 digits: reading must not fail, whatever it gives.
        same("names in data", sorted(event.data), sorted(json.loads(text, parse_int=str)))
        return
    # Written out, so that 1 differs from 1.0 and from True.
    same("data", repr(event.data), repr(data))
    if event.data is not event.data:
        raise Failed("data is read anew each time")


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
    """A body that holds the canonical form comes back from signing and verifying as it was."""
    if "error" in test:
        raise Skipped
    value = test["canonical"]
    body = f'{{"id":"evt_1","type":"document.updated","created_at":"2024-03-28T08:00:00Z","data":{{"value":{value}}}}}'
    webhook = Webhook("whsec_canonical")
    event = webhook.verify(body, webhook.sign(body.encode(), timestamp=1711612800), now=1711612800)
    same("raw", event.raw, body.encode())
    same("data", repr(event.data["value"]), repr(json.loads(value)))


def hmac(_group, test):
    """Through `verify`: a key that can be a secret, and a verdict that tells a right tag from a wrong one."""
    try:
        webhook = Webhook(bytes.fromhex(test["key"]).decode())
    except (UnicodeDecodeError, WebhookError):
        raise Skipped from None
    _, error = attempt(lambda: webhook.verify(bytes.fromhex(test["msg"]), f"t=0,v1={test['tag']}", now=0))
    # No message of these is an event.
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
        # One value alone holds no three headers, and WSGI joins several values without the space that the case is about.
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
    Webhook(test["secrets"])  # a secret for X-Clarife-Signature it is in any case
    webhook, error = attempt(lambda: Webhook(test["secrets"], standard_webhooks=True))
    if "error" in test:
        check_error(error, test, [secret for secret in test["secrets"] if secret != "whsec_"])  # which the hint names
    elif error is not None:
        raise error


def dedup(group, test):
    """Through the store that users have, by a clock that the file moves."""
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


WALKERS = {
    "construct": construct,
    "verify": verify,
    "envelope": verify,
    "types": verify,
    "headers": headers,
    "sign": sign,
    "standard": standard,
    "dedup": dedup,
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
                except BaseException as error:  # a panic in Rust is no Exception
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
